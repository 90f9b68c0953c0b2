"""The page's text: self-contained, under a strict policy, true to the report; tests/browser tests how it behaves."""

import base64
import builtins
import hashlib
import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from plotly.offline import get_plotlyjs

from simulator.errors import OrgsimError
from simulator.outputs import wording
from simulator.outputs.html import data as data_module
from simulator.outputs.html.data import page_data
from simulator.outputs.html.page import embedded, render
from simulator.outputs.safe_text import safe_text
from simulator.replay.outcome import Outcome
from simulator.replay.timeline import Timeline
from tests.unit.outputs.conftest import HOSTILE


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of scripts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.found, self.scripts, self.inside = [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data

    def named(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def page(hostile_text):
    return Elements(hostile_text)


@pytest.fixture(scope="module")
def hostile_text():
    from tests.browser.hostile import hostile_report

    return render(hostile_report())


def test_its_scripts_are_ours_and_the_policy_allows_no_other(page):
    [policy] = [each["content"] for each in page.named("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "connect-src" not in rules
    data, script, library = page.scripts
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in (script, library)
    }
    assert set(rules["script-src"].split()) == hashes
    assert library == get_plotlyjs()
    assert json.loads(data)["findings"]


def test_it_names_nothing_to_load(page):
    for tag, attributes in page.found:
        assert not {"src", "srcset", "action", "data", "poster"} & set(attributes), tag
        href = attributes.get("href", "#")
        assert href.startswith("#") or href == "data:,"
    assert not page.named("base") + page.named("iframe") + page.named("form") + page.named("object")
    assert {each.get("rel") for each in page.named("link")} == {"icon"}


def test_no_handlers_stand_in_the_markup(page):
    assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]


def test_texts_in_the_markup_are_escaped(hostile_text, page):
    assert len(page.scripts) == 3
    markup = hostile_text[: hostile_text.index("<script")]
    assert html.escape("<script>window.owned=1</script>") in markup
    assert "<script>window" not in markup
    assert "\u202e" not in hostile_text


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "\u2028", "&lt;", "a\"b\\c'", "${x}", "é"])
def test_data_is_json_that_no_parser_of_html_reads_on_from(text):
    written = embedded({"text": text})
    assert json.loads(written) == {"text": text}
    assert not set("<>&\u2028\u2029") & set(written)


def test_a_missing_library_is_an_error_that_says_what_to_install(report, monkeypatch):
    imported = builtins.__import__

    def without_plotly(name, *rest):
        if name.startswith("plotly"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_plotly)
    with pytest.raises(OrgsimError) as caught:
        render(report)
    assert caught.value.code == "missing-extra"
    assert "[html]" in caught.value.hint


# The data


def test_findings_say_what_the_report_says(report):
    data = page_data(report)
    assert len(data["findings"]) == len(report.findings)
    for row, finding in zip(data["findings"], report.findings, strict=True):
        assert list(Outcome)[row["outcome"]] is finding.outcome
        identity, statement = data["identities"][row["identity"]], data["statements"][row["statement"]]
        assert identity["arn"] == safe_text(finding.principal.arn)
        assert statement["label"] == wording.statement(finding.place, finding.attached_name, report.organization)
        assert (row["calls"], row["action"]) == (finding.calls, wording.name(finding.action))
        assert [text for text, _ in row.get("sessions", ())] == [safe_text(each.text) for each in finding.sessions]
        assert row.get("events", []) == [safe_text(each) for each in finding.event_ids]
        assert row.get("cut", []) == list(finding.truncated)


def test_a_page_holds_so_many_findings_and_says_that_there_are_more(report, monkeypatch):
    monkeypatch.setattr(data_module, "MOST_FINDINGS", 3)
    data = page_data(report)
    assert len(data["findings"]) == 3
    assert data["left_out"] == len(report.findings) - 3
    assert "reports have them all" in render(report)


def test_outcomes_have_the_counts_of_the_headline(report):
    first = page_data(report)["outcomes"][0]
    assert (first["calls"], first["label"]) == (155, "would be denied")
    assert wording.plural(first["identities"], "identity", "identities") in wording.headline(report)[0]


def test_no_text_is_left_unsafe(report):
    text = embedded(page_data(report))
    assert HOSTILE not in text
    assert text.isprintable()


def test_a_statement_is_marked_only_where_it_stands_in_the_proposal():
    from tests.browser.hostile import hostile_report

    report = hostile_report()
    data = page_data(report)
    [policy] = data["policies"]
    for finding, row in zip(report.findings, data["findings"], strict=True):
        start, end = data["statements"][row["statement"]]["lines"]
        statement = json.loads("\n".join(policy["lines"][start:end]).rstrip().rstrip(","))
        assert safe_text(statement["Sid"]) == safe_text(finding.place.sid)
    moved = replace(report.findings[0], place=report.findings[0].place._replace(line=9999))
    removed = replace(report.findings[1], place=report.findings[1].place._replace(policy="gone"))
    data = page_data(replace(report, findings=(moved, removed)))
    assert data["policies"] == []
    assert all("lines" not in each for each in data["statements"])


# The timeline


def timeline_of(report, times):
    report.impact.timeline = Timeline()
    for time in times:
        report.impact.timeline.add(time, Outcome.NEWLY_DENIED)
    return page_data(report)["timeline"]


def hours(count, step, start=datetime(2026, 1, 1, tzinfo=UTC)):
    return [(start + timedelta(hours=step * number)).strftime("%Y-%m-%dT%H:00:00Z") for number in range(count)]


@pytest.mark.parametrize(
    ("times", "step", "first"),
    [
        (hours(5, 24), "hour", "2026-01-01T00"),
        (hours(120, 24), "day", "2026-01-01"),
        (hours(120, 24 * 7), "week", "2025-12-29"),
        (hours(100, 24 * 30), "month", "2026-01"),
        (hours(100, 24 * 365), "year", "2026"),
        (["2026-01-01T00:00:00Z"], "hour", "2026-01-01T00"),
        (["0000-00-00T00:00:00Z", "9999-99-99T99:99:99Z"], "year", "0000"),
        (["0001-01-01T00:00:00Z", "0002-13-40T00:00:00Z"], "week", "0001-01-01"),
    ],
)
def test_bars_are_few_whatever_the_times(report, times, step, first):
    timeline = timeline_of(report, times)
    assert (timeline["step"], timeline["bars"][0][0], timeline["undated"]) == (step, first, 0)
    assert len(timeline["bars"]) <= 130
    assert sum(counts[0] for _, counts in timeline["bars"]) == len(times)


def test_calls_without_a_time_are_counted_apart(report):
    assert timeline_of(report, [None, "soon"]) == {"step": "hour", "bars": [], "undated": 2}


def test_a_page_of_nothing(quiet_report):
    text = render(quiet_report)
    assert re.search(r"<h1>No call in this log would be newly denied.</h1>", text)
    assert page_data(quiet_report)["findings"] == []
