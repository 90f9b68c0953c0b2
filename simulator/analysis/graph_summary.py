"""A graph small enough to look at: the busiest nodes of each kind, the rest of a kind folded into one."""

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from simulator.analysis.graph_parts import GraphKind
from simulator.replay.bounded import widened

if TYPE_CHECKING:
    import networkx as nx

_KEPT: Final = frozenset(
    kind.value for kind in (GraphKind.STATEMENT, GraphKind.POLICY, GraphKind.ATTACHMENT, GraphKind.UNIT, GraphKind.ROOT)
)
"""Kinds that stay whole: there are as many as the organization has, and they are what is decided about."""

_SUMMED: Final = ("calls", "denied", "undecided", "sessions")


def summary_of(graph: "nx.MultiDiGraph[str]", most: int = 12) -> "nx.MultiDiGraph[str]":
    """The graph with at most `most` nodes of each kind and one `others` node for the rest of a kind.

    Nodes with most newly denied calls on their edges stay, then those with most calls, then by id. An `others` node has
    `folded`, the number of nodes it stands for; edges at it are added up by relation and outcome. Edges between nodes
    that stay are as they were. The graph given is not changed.
    """
    import networkx as nx

    stands_for = _folded(graph, most)
    summary: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    counts = Counter(stands_for.values())
    for node, data in graph.nodes(data=True):
        other = stands_for.get(node)
        if other is None:
            summary.add_node(node, **data)
        elif other not in summary:
            folded = counts[other]
            summary.add_node(other, kind=data["kind"], label=f"{folded} others", folded=folded)
    sums: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for start, end, key, data in graph.edges(keys=True, data=True):
        ends = stands_for.get(start, start), stands_for.get(end, end)
        if ends == (start, end):
            summary.add_edge(start, end, key, **data)
        else:
            _sum(sums.setdefault((*ends, data["relation"], data.get("outcome", "")), {}), data)
    for number, ((start, end, relation, outcome), total) in enumerate(sums.items()):
        told = {"outcome": outcome} if outcome else {}
        summary.add_edge(start, end, f"s{number}", relation=relation, **told, **total)
    return summary


def _folded(graph: "nx.MultiDiGraph[str]", most: int) -> dict[str, str]:
    """By node that does not stay, the id of the node that stands for it."""
    weights: dict[str, list[int]] = {node: [0, 0] for node in graph}
    for start, end, data in graph.edges(data=True):
        calls = data.get("calls", 0)
        denied = data.get("denied", calls if data.get("outcome") == "newly_denied" else 0)
        for node in (start, end):
            weights[node][0] += denied
            weights[node][1] += calls
    by_kind: dict[str, list[str]] = {}
    for node, kind in graph.nodes(data="kind"):
        if kind not in _KEPT:
            by_kind.setdefault(kind, []).append(node)
    folded = {}
    for kind, nodes in by_kind.items():
        nodes.sort(key=lambda node: (-weights[node][0], -weights[node][1], node))
        # One node is not worth folding: the fold would take its place.
        if len(nodes) > most + 1:
            folded.update(dict.fromkeys(nodes[most:], f"others:{kind}"))
    return folded


def _sum(total: dict[str, Any], data: dict[str, Any]) -> None:
    total["edges"] = total.get("edges", 0) + 1
    for name in _SUMMED:
        if name in data:
            total[name] = total.get(name, 0) + data[name]
    if "first_seen" in data:
        first, last = total.get("first_seen", ""), total.get("last_seen", "")
        first, last = widened(*widened(first, last, data["first_seen"]), data["last_seen"])
        total.update(first_seen=first, last_seen=last)
