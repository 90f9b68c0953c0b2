"""The impact graph alone, as networkx's node-link data; the JSON report (impact_json.py) holds it, too."""

from simulator.analysis.graph import plain_graph
from simulator.analysis.report import Report
from simulator.outputs.impact_json import as_text


def render(report: Report) -> str:
    """The JSON text with a final newline; `networkx.node_link_graph(data, edges="edges")` reads it back."""
    return as_text(plain_graph(report).node_link())
