"""GraphML reads back with networkx, whatever the log held."""

from dataclasses import replace

import networkx as nx

from simulator.analysis.graph import impact_graph
from simulator.outputs import graphml
from simulator.outputs.safe_text import safe_text


def test_it_reads_back_whole(report):
    graph, expected = nx.parse_graphml(graphml.render(report), force_multigraph=True), impact_graph(report)
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (
        expected.number_of_nodes(),
        expected.number_of_edges(),
    )
    for (name, found), (node, attributes) in zip(graph.nodes(data=True), expected.nodes(data=True), strict=True):
        assert name == safe_text(node)
        assert found == {
            key: safe_text(value) if isinstance(value, str) else value for key, value in attributes.items()
        }
    for (*_, found), (*_, attributes) in zip(graph.edges(data=True), expected.edges(data=True), strict=True):
        assert {key: value for key, value in found.items() if key != "id"} == attributes


def test_names_that_look_alike_once_escaped_stay_apart(report):
    first = report.findings[0]
    alike = tuple(replace(first, action=action) for action in ("s3:\x07", r"s3:\x07"))
    graph = nx.parse_graphml(graphml.render(replace(report, findings=alike)))
    calls = [name for name, data in graph.nodes(data=True) if data["kind"] == "call"]
    assert calls == [r"call:s3:\x07", r"call:s3:\x07~2"]


def test_no_findings_give_an_empty_graph(quiet_report):
    assert nx.parse_graphml(graphml.render(quiet_report)).number_of_nodes() == 0
