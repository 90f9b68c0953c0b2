"""What the impact graph is made of: kinds of nodes, and adding nodes and edges in a fixed order."""

import hashlib
from enum import Enum
from typing import Any, Final

import msgspec

from simulator.organization.tree import Node, NodeKind, Organization
from simulator.replay.outcome import StatementPlace


class GraphKind(Enum):
    """The `kind` of a node."""

    PERSON = "person"
    PIPELINE = "pipeline"
    WORKLOAD = "workload"
    TOKEN_HOLDER = "token_holder"  # noqa: S105
    SERVICE = "service"
    EXTERNAL_ACCOUNT = "external_account"
    ANONYMOUS = "anonymous"
    CALLER = "caller"
    SESSION_GROUP = "session_group"
    ROLE = "role"
    USER = "user"
    ROOT_USER = "root_user"
    CALL = "call"
    EVENT = "event"
    RESOURCE = "resource"
    STATEMENT = "statement"
    POLICY = "policy"
    ATTACHMENT = "attachment"
    ACCOUNT = "account"
    UNIT = "ou"
    ROOT = "root"


_TREE_KINDS: Final = {
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


class GraphBuilder:
    """Adds typed nodes and edges; the same calls in the same order give the same graph."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._nodes: dict[str, dict[str, Any]] = {}
        self._edges: list[tuple[str, str, str, dict[str, Any]]] = []
        self._tree: dict[str, str | None] = {}
        self._links: set[tuple[str, str, str]] = set()

    def node(self, kind: GraphKind, identity: tuple[str, ...], label: str, **attributes: Any) -> str:
        """The id of a node, made when first asked for; `None` attributes are left out."""
        node = node_id(kind, identity)
        if node not in self._nodes:
            told = {name: value for name, value in attributes.items() if value is not None}
            self._nodes[node] = {"kind": kind.value, "label": label, **told}
        return node

    def edge(self, start: str, end: str, relation: str, **attributes: Any) -> None:
        """Add an edge; parallel ones are kept apart by keys that are unique in the graph."""
        self._edges.append((start, end, f"e{len(self._edges)}", {"relation": relation, **attributes}))

    def link(self, start: str, end: str, relation: str) -> None:
        """An edge that holds for good, whichever finding it was met in."""
        if (start, end, relation) not in self._links:
            self._links.add((start, end, relation))
            self.edge(start, end, relation)

    def plain(self) -> PlainGraph:
        """All that was added."""
        return PlainGraph(self._nodes, tuple(self._edges))

    def account(self, account: str) -> str:
        """The node of an account; one outside the organization still groups its identities."""
        return self.tree_node(account) or self.node(GraphKind.ACCOUNT, (account,), account, member=False)

    def tree_node(self, node_id: str) -> str | None:
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
            current = self.node(_TREE_KINDS[node.kind], (node.id,), node.name, **member)
            if above is not None:
                self.link(current, above, "inside")
            above = current
        return above


def node_id(kind: GraphKind, identity: tuple[str, ...]) -> str:
    """A readable id that two different things cannot share: parts are separated by `|`, which they cannot hold."""
    return f"{kind.value}:" + "|".join(part.replace("%", "%25").replace("|", "%7C") for part in identity)


def statement_node(builder: GraphBuilder, place: StatementPlace) -> str:
    """The node of a statement, wherever its policy is attached; a missing Allow is one at its node."""
    if place.policy is None:
        identity: tuple[str, ...] = (place.policy_type, place.attached_to)
        label = "no statement allows it"
    else:
        # The text tells two versions of a policy apart; its hash keeps the id short.
        digest = hashlib.sha256(place.text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        identity = (place.policy_type, place.policy, place.sid or "", digest)
        label = place.sid or f"statement {(place.statement or 0) + 1}"  # people count from one
    return builder.node(
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
