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

import msgspec

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


class PlainGraph(msgspec.Struct, frozen=True):
    """The graph as plain values: `nodes` by id with their attributes; `edges` as (start, end, key, attributes)."""

    nodes: dict[str, dict[str, Any]]
    edges: tuple[tuple[str, str, str, dict[str, Any]], ...]

    def node_link(self) -> dict[str, Any]:
        """What networkx's `node_link_data` gives for `impact_graph`, made without loading networkx.

        Edges stand in networkx's order: by start, then all edges between the same two nodes together.
        """
        position = {node: number for number, node in enumerate(self.nodes)}
        first: dict[tuple[str, str], int] = {}
        for number, (start, end, _, _) in enumerate(self.edges):
            first.setdefault((start, end), number)
        edges = sorted(self.edges, key=lambda edge: (position[edge[0]], first[edge[0], edge[1]]))
        return {
            "directed": True,
            "multigraph": True,
            "graph": {},
            "nodes": [{**attributes, "id": node} for node, attributes in self.nodes.items()],
            "edges": [
                {**attributes, "source": start, "target": end, "key": key} for start, end, key, attributes in edges
            ],
        }


def plain_graph(report: Report) -> PlainGraph:
    """The graph of a report's findings. Deterministic: nodes and edges come in the order of the findings.

    Node ids are texts, unique over kinds; edge keys are unique in the whole graph. No attribute is `None`.
    """
    builder = _Builder(report.organization)
    for finding in report.findings:
        builder.add(finding)
    return PlainGraph(builder.nodes, tuple(builder.edges))


def impact_graph(report: Report) -> "nx.MultiDiGraph[str]":
    """The same graph for networkx."""
    # Imported here: it is heavy, and most commands never draw a graph.
    import networkx as nx

    plain = plain_graph(report)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for node, attributes in plain.nodes.items():
        graph.add_node(node, **attributes)
    for start, end, key, attributes in plain.edges:
        graph.add_edge(start, end, key, **attributes)
    return graph


class _Builder:
    """Collects the nodes and edges that findings make."""

    def __init__(self, organization: Organization) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}
        self.edges: list[tuple[str, str, str, dict[str, Any]]] = []
        self._organization = organization
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
        if node not in self.nodes:
            told = {name: value for name, value in attributes.items() if value is not None}
            self.nodes[node] = {"kind": kind.value, "label": label, **told}
        return node

    def _edge(self, start: str, end: str, relation: str, **attributes: Any) -> None:
        self.edges.append((start, end, f"e{len(self.edges)}", {"relation": relation, **attributes}))

    def _link(self, start: str, end: str, relation: str) -> None:
        """An edge that holds for good, whichever finding it was met in."""
        if (start, end) not in self._links:
            self._links.add((start, end))
            self._edge(start, end, relation)


def _node_id(kind: GraphKind, identity: tuple[str, ...]) -> str:
    """A readable id that two different things cannot share: parts are separated by `|`, which they cannot hold."""
    return f"{kind.value}:" + "|".join(part.replace("%", "%25").replace("|", "%7C") for part in identity)
