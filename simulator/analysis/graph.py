"""The impact as a graph: identity, call, resource, statement, policy, attachment point, and where they stand.

Every node has a `kind` and a `label`, every edge a `relation`:

    identity  -makes->       call        for each finding: outcome, calls, first_seen, last_seen
    call      -on->          resource    for each finding: outcome, calls
    call      -meets->       statement   for each finding: outcome, calls, first_seen, last_seen, attached_to
    statement -part_of->     policy
    policy    -attached_to-> attachment
    statement -missing_at->  attachment  an implicit deny: no policy there allows the call
    attachment -is->         root, ou or account
    identity  -belongs_to->  account
    account   -inside->      ou or root; ou -inside-> ou or root

An edge with a `finding` says exactly what that finding says: a call that meets two statements has two edges, so calls
are not to be added up over edges of different statements.
"""

import hashlib
from enum import Enum
from typing import TYPE_CHECKING, Any

from simulator.analysis.findings import Finding
from simulator.analysis.report import Report
from simulator.organization.tree import Node, NodeKind, Organization
from simulator.replay.outcome import StatementPlace

if TYPE_CHECKING:
    import networkx as nx


class GraphKind(Enum):
    """The `kind` of a node."""

    IDENTITY = "identity"
    CALL = "call"
    RESOURCE = "resource"
    STATEMENT = "statement"
    POLICY = "policy"
    ATTACHMENT = "attachment"
    ACCOUNT = "account"
    UNIT = "ou"
    ROOT = "root"


_TREE_KINDS = {
    NodeKind.ROOT: GraphKind.ROOT,
    NodeKind.UNIT: GraphKind.UNIT,
    NodeKind.ACCOUNT: GraphKind.ACCOUNT,
}


def impact_graph(report: Report) -> "nx.MultiDiGraph[str]":
    """The graph of a report's findings. Deterministic: nodes and edges come in the order of the findings.

    Node ids are texts, unique over kinds; edge keys are unique in the whole graph. No attribute is `None`.
    """
    # Imported here: it is heavy, and most commands never draw a graph.
    import networkx as nx

    builder = _Builder(nx.MultiDiGraph(), report.organization)
    for finding in report.findings:
        builder.add(finding)
    return builder.graph


class _Builder:
    """Adds findings to a graph."""

    def __init__(self, graph: "nx.MultiDiGraph[str]", organization: Organization) -> None:
        self.graph = graph
        self._organization = organization
        self._edges = 0
        self._tree: dict[str, str | None] = {}
        self._links: set[tuple[str, str]] = set()

    def add(self, finding: Finding) -> None:
        """Add what one finding says."""
        identity = self._identity(finding)
        call = self._node(GraphKind.CALL, (finding.action,), finding.action, access=finding.access)
        statement = self._statement(finding.place)
        told: dict[str, Any] = {"finding": finding.id, "outcome": finding.outcome.value, "calls": finding.calls}
        seen = {"first_seen": finding.first_seen, "last_seen": finding.last_seen}
        self._edge(identity, call, "makes", **told, **seen)
        self._edge(call, statement, "meets", **told, **seen, attached_to=finding.place.attached_to)
        for each in finding.resources:
            resource = self._node(GraphKind.RESOURCE, (each.text,), each.text)
            self._edge(call, resource, "on", **{**told, "calls": each.calls})
        self._above(statement, finding)

    def _above(self, statement: str, finding: Finding) -> None:
        """What a statement is part of and where that is attached."""
        place = finding.place
        attachment = self._attachment(finding)
        if place.policy is None:
            self._link(statement, attachment, "missing_at")
            return
        policy = self._node(
            GraphKind.POLICY, (place.policy_type, place.policy), place.policy, policy_type=place.policy_type
        )
        self._link(statement, policy, "part_of")
        self._link(policy, attachment, "attached_to")

    def _identity(self, finding: Finding) -> str:
        principal = finding.principal
        # Several accounts have callers whose name the log lost, so the account is part of the id.
        node = self._node(
            GraphKind.IDENTITY,
            (principal.type, principal.account or "", principal.arn),
            principal.arn,
            type=principal.type,
            account=principal.account,
            account_name=principal.account_name,
            ou_path=principal.ou_path,
        )
        if principal.account is not None:
            self._link(node, self._account(principal.account), "belongs_to")
        return node

    def _statement(self, place: StatementPlace) -> str:
        if place.policy is None:
            identity: tuple[str, ...] = (place.policy_type, place.attached_to)
            label = "no statement allows it"
        else:
            # The text tells two versions of a policy apart; its hash keeps the id short.
            digest = hashlib.sha256(place.text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
            identity = (place.policy_type, place.policy, place.sid or "", digest)
            label = place.sid or f"statement {(place.statement or 0) + 1}"  # people count from one
        return self._node(
            GraphKind.STATEMENT,
            identity,
            label,
            policy_type=place.policy_type,
            policy=place.policy,
            sid=place.sid,
            index=place.statement,
            file=place.file,
            line=place.line,
        )

    def _attachment(self, finding: Finding) -> str:
        place = finding.place
        node = self._node(GraphKind.ATTACHMENT, (place.attached_to,), finding.attached_name, level=place.level)
        target = self._tree_node(place.attached_to)
        if target is not None:
            self._link(node, target, "is")
        return node

    def _account(self, account: str) -> str:
        # An account outside the organization still groups its identities.
        return self._tree_node(account) or self._node(GraphKind.ACCOUNT, (account,), account, member=False)

    def _tree_node(self, node_id: str) -> str | None:
        """The graph node of a root, unit or account, with the chain above it; `None` if the tree lacks it."""
        if node_id not in self._tree:
            organization = self._organization
            known = node_id in organization.nodes or organization.account(node_id) is not None
            self._tree[node_id] = self._chain(organization.chain(node_id)) if known else None
        return self._tree[node_id]

    def _chain(self, chain: tuple[Node, ...]) -> str | None:
        above: str | None = None
        for node in chain:
            member = {"member": True} if node.kind is NodeKind.ACCOUNT else {}
            current = self._node(_TREE_KINDS[node.kind], (node.id,), node.name, **member)
            if above is not None:
                self._link(current, above, "inside")
            above = current
        return above

    def _node(self, kind: GraphKind, identity: tuple[str, ...], label: str, **attributes: Any) -> str:
        node = _node_id(kind, identity)
        if node not in self.graph:
            told = {name: value for name, value in attributes.items() if value is not None}
            self.graph.add_node(node, kind=kind.value, label=label, **told)
        return node

    def _edge(self, start: str, end: str, relation: str, **attributes: Any) -> None:
        self.graph.add_edge(start, end, f"e{self._edges}", relation=relation, **attributes)
        self._edges += 1

    def _link(self, start: str, end: str, relation: str) -> None:
        """An edge that holds for good, whichever finding it was met in."""
        if (start, end) not in self._links:
            self._links.add((start, end))
            self._edge(start, end, relation)


def _node_id(kind: GraphKind, identity: tuple[str, ...]) -> str:
    """A readable id that two different things cannot share: parts are separated by `|`, which they cannot hold."""
    return f"{kind.value}:" + "|".join(part.replace("%", "%25").replace("|", "%7C") for part in identity)
