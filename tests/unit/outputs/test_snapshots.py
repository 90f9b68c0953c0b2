"""Every output of the same hostile report, byte for byte. Renew with `pytest tests/unit/outputs --snapshot-update`."""

import pytest
from plotly.offline import get_plotlyjs

from simulator.outputs.registry import FORMATS, render
from simulator.outputs.view import View
from tests.unit.outputs.conftest import BIDI, ESCAPE

LIBRARY = get_plotlyjs()
"""Stands in the page as it is, control characters in its strings and all."""

SUMMARIES = {"dot", "mermaid"}
"""Formats that show what is largest, and only what would or may be denied."""

VIEWS = {
    "100": View(),
    "60": View(width=60),
    "color": View(color=True),
    "ascii": View(width=80, encoding="ascii"),
    "quiet": View(quiet=True),
}


@pytest.mark.parametrize("view", VIEWS)
def test_terminal(report, snapshot, view):
    assert render("terminal", report, VIEWS[view]).encode() == snapshot


def test_terminal_of_a_log_that_meets_nothing(quiet_report, snapshot):
    assert render("terminal", quiet_report).encode() == snapshot


@pytest.mark.parametrize("name", ["json", "csv", "graphml", "dot", "mermaid", "markdown", "sarif", "junit", "github"])
def test_file(report, snapshot, name):
    assert render(name, report).encode() == snapshot


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_passes_on_what_steers_a_terminal(report, name):
    text = render(name, report, View(width=60)).replace(LIBRARY, "")
    text.encode("utf-8")
    assert not {each for each in ESCAPE + BIDI + "\ud800" if not each.isprintable()} & set(text)
    allowed = {"csv": "\r\n"}.get(name, "\n")
    assert not {each for each in text if ord(each) < 32 or 127 <= ord(each) < 160} - set(allowed)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_deterministic_and_names_every_policy(report, name):
    text = render(name, report)
    assert text == render(name, report)
    assert text.endswith("\n")
    if name in SUMMARIES:
        return
    for policy in ("workload-regions", "imdsv2", "keep-data", "perimeter", "no-gpu"):
        assert policy in text
