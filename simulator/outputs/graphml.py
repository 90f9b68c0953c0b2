"""The impact graph as GraphML, for Gephi, yEd and networkx."""

from typing import TYPE_CHECKING

from simulator.analysis.graph import impact_graph
from simulator.analysis.report import Report
from simulator.outputs.safe_text import safe_text

if TYPE_CHECKING:
    import networkx as nx


def render(report: Report) -> str:
    """The GraphML text with a final newline; `networkx.parse_graphml` reads it back.

    XML cannot hold control characters, so texts have them as visible escapes; ids stay different all the same.
    """
    from networkx import generate_graphml

    lines: list[str] = list(generate_graphml(_safe(impact_graph(report)), named_key_ids=True))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join(lines) + "\n"


def _safe(graph: "nx.MultiDiGraph[str]") -> "nx.MultiDiGraph[str]":
    """A copy with texts that XML can hold."""
    from networkx import MultiDiGraph

    copy: nx.MultiDiGraph[str] = MultiDiGraph()
    names: dict[str, str] = {}
    for node, attributes in graph.nodes(data=True):
        name = names[node] = _unused(safe_text(node), copy)
        copy.add_node(name, **_texts(attributes))
    for start, end, key, attributes in graph.edges(keys=True, data=True):
        copy.add_edge(names[start], names[end], key, **_texts(attributes))
    return copy


def _unused(name: str, graph: "nx.MultiDiGraph[str]") -> str:
    # Two hostile names may look the same once they are escaped.
    number, found = 1, name
    while found in graph:
        number += 1
        found = f"{name}~{number}"
    return found


def _texts(attributes: dict[str, object]) -> dict[str, object]:
    return {
        name: safe_text(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }
