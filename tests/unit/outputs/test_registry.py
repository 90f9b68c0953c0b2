"""Formats by name and by ending."""

import subprocess
import sys
from pathlib import Path

import pytest

from simulator.errors import ExitStatus, OrgsimError
from simulator.outputs.registry import ENDINGS, FORMATS, format_of, render


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.json", "json"),
        ("out/B.CSV", "csv"),
        (Path("x.y.graphml"), "graphml"),
        ("a.junit.xml", "junit"),
        ("b.md", "markdown"),
        ("impact.Graph.JSON", "graph-json"),
        ("graph.json", "json"),
        ("a.html", "html"),
        ("a.dot", "dot"),
        ("a.gv", "dot"),
        ("a.mmd", "mermaid"),
    ],
)
def test_the_ending_tells_the_format(path, name):
    assert format_of(path) == name


@pytest.mark.parametrize("path", ["impact.txt", "impact", ".json", "impact.json.gz", "graph.json/x"])
def test_an_unknown_ending_is_wrong_usage_and_names_the_known_ones(path):
    with pytest.raises(OrgsimError) as caught:
        format_of(path)
    assert (caught.value.code, caught.value.status) == ("unknown-format", ExitStatus.USAGE)
    assert ".json, .csv, .graphml, " in caught.value.hint


def test_every_ending_has_a_format():
    assert set(ENDINGS.values()) < set(FORMATS)


def test_an_unknown_format_is_wrong_usage(report):
    with pytest.raises(OrgsimError) as caught:
        render("pdf", report)
    assert (caught.value.code, caught.value.status) == ("unknown-format", ExitStatus.USAGE)


def test_asking_for_formats_loads_no_heavy_library():
    code = (
        "import sys, simulator.outputs.registry, simulator.analysis.graph;"
        "assert not {'networkx', 'plotly', 'rich'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
