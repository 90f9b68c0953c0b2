"""What a review adds to a report: changes of policies, waivers, a baseline; hostile texts in all of it."""

import json
import re
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from simulator.analysis.policy_diff import Change, PolicySize
from simulator.analysis.redaction import redact
from simulator.analysis.report import Comparison, Version
from simulator.analysis.statement_diff import Tells
from simulator.analysis.waivers import WAIVABLE, Waiver, accept, reference, selectors
from simulator.outputs.markdown import LIMIT
from simulator.outputs.registry import FORMATS, render
from simulator.outputs.review_text import _KINDS
from simulator.outputs.view import View
from simulator.policy.document import PolicyType
from simulator.replay.outcome import Outcome
from tests.unit.outputs.conftest import BIDI, ESCAPE, HOSTILE, SHOP
from tests.unit.outputs.test_impact_json import SCHEMA, closed
from tests.unit.outputs.test_sarif import VALIDATOR
from tests.unit.outputs.test_snapshots import LIBRARY

SCP = PolicyType.SCP
TODAY = date(2026, 6, 1)


def waiver(identity="*", action="*", statement="OnlyFrankfurt", expires=date(2026, 12, 31), line=1, **more):
    texts = {"reason": "because", "owner": "ada@example.com", **more}
    return Waiver(identity, action, statement, texts["reason"], texts["owner"], expires, "waivers.yaml", line)


@pytest.fixture
def review(report):
    """The report of every outcome as one of two proposals, with waivers of every state and a baseline."""
    changes = [
        Change(kind, tells, (HOSTILE, f"account {SHOP}"), SCP, HOSTILE, HOSTILE, HOSTILE, 7)
        for kind, tells in zip(_KINDS, list(Tells) * 9, strict=False)
    ]
    changes += [
        Change("type-turned-on", Tells.TIGHTENED, policy_type=SCP),
        Change("account-moved", Tells.CHANGED, ("x",)),
    ]
    sizes = (PolicySize(SCP, HOSTILE, None, 5_000, 10_240), PolicySize(SCP, "same", 100, 100, 10_240))
    comparison = Comparison(Version(HOSTILE, "0" * 40), Version("working tree"), tuple(changes), sizes)
    waivers = [
        waiver(action="s3:*", reason=HOSTILE, owner=HOSTILE),
        waiver(statement="imdsv2:#3", expires=date(2026, 1, 1), line=2),
        waiver(statement="OurOrg", identity="nobody", line=3),
        waiver(HOSTILE, HOSTILE, HOSTILE, date(2026, 1, 1), line=4),
        waiver(statement=f"keep-data:{'OnlyStewards'}", action="s3:DeleteObject", line=5),
    ]
    known = {reference(each) for each in report.findings if each.place.sid == "OurOrg"}
    acceptance = accept(report.findings, waivers, known, TODAY)
    return replace(report, comparison=comparison, acceptance=acceptance)


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_passes_on_what_steers_a_terminal(review, name):
    for report in (review, redact(review, "salt")):
        text = render(name, report, View(width=60)).replace(LIBRARY, "")
        text.encode("utf-8")
        assert not {each for each in ESCAPE + BIDI + "\ud800" if not each.isprintable()} & set(text)
        allowed = {"csv": "\r\n"}.get(name, "\n")
        assert not {each for each in text if ord(each) < 32 or 127 <= ord(each) < 160} - set(allowed)


@pytest.mark.parametrize("name", FORMATS)
def test_redaction_reaches_all_of_it(review, name):
    text = render(name, redact(review, "salt"))
    assert SHOP not in text
    assert "ada@example.com" not in text


def test_redaction_keeps_what_was_agreed(review):
    hidden = redact(review, "salt")
    agreed = [[report.acceptance.accepts(each) for each in report.findings] for report in (review, hidden)]
    assert agreed[0] == agreed[1]
    assert any(agreed[0])
    documents = [json.loads(render("json", each)) for each in (review, hidden)]
    for name in ("known", "not_agreed"):
        assert documents[0]["agreement"][name] == documents[1]["agreement"][name]
    states = [[each["state"] for each in document["agreement"]["waivers"]] for document in documents]
    assert states[0] == states[1] == ["used", "expired", "unused", "expired", "used"]


def test_the_json_follows_its_schema(review):
    document = json.loads(render("json", review))
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []
    assert list(Draft202012Validator(closed(SCHEMA)).iter_errors(document)) == []
    kinds = SCHEMA["$defs"]["change"]["properties"]["kind"]["enum"]
    assert kinds == list(_KINDS)


def test_each_finding_that_can_fail_is_in_one_list(review):
    agreement = json.loads(render("json", review))["agreement"]
    waived = {each for row in agreement["waivers"] if row["state"] == "used" for each in row["findings"]}
    accepted = waived | set(agreement["known"])
    every = {each.id for each in review.findings if each.outcome in WAIVABLE}
    assert accepted | set(agreement["not_agreed"]) == every
    assert not accepted & set(agreement["not_agreed"])


def test_sarif_suppresses_what_was_agreed(review):
    log = json.loads(render("sarif", review))
    assert list(VALIDATOR.iter_errors(log)) == []
    results = log["runs"][0]["results"]
    suppressed = {each["partialFingerprints"]["primaryLocationLineHash"] for each in results if each["suppressions"]}
    accepted = [each for each in review.findings if review.acceptance.accepts(each)]
    assert suppressed == {f"{each.id}:{each.outcome.value}" for each in accepted}
    told = [each["message"]["text"] for each in log["runs"][0]["invocations"][0]["toolExecutionNotifications"]]
    assert sum("ran out on 2026-01-01" in each for each in told) == 2


def test_junit_fails_only_what_nobody_agreed_to(review):
    everything = replace(
        review,
        acceptance=accept(
            review.findings,
            [waiver(statement=selectors(each.place)[0]) for each in review.findings],
            None,
            TODAY,
        ),
    )
    root = ElementTree.fromstring(render("junit", everything))
    assert root.findall(".//failure") == []
    assert len(root.findall(".//skipped")) > 2
    failures = [each.get("message") for each in ElementTree.fromstring(render("junit", review)).findall(".//failure")]
    assert sum("ran out" in each for each in failures) == 2
    assert len(failures) > 2


def test_annotations_blame_only_what_nobody_agreed_to(review):
    lines = render("github", review).splitlines()
    kinds = {kind: [line for line in lines if line.startswith(f"::{kind} ")] for kind in ("error", "warning", "notice")}
    assert sum("This waiver ran out" in each for each in kinds["error"]) == 2
    agreed = [each for each in kinds["notice"] if "as agreed" in each]
    assert agreed
    assert all("waived until" in each or "; known" in each for each in agreed)
    assert not any("waived until" in each for each in kinds["error"] + kinds["warning"])


def test_the_comment_stays_under_the_limit_whatever_is_compared(review):
    comparison = review.comparison
    many = replace(comparison, changes=comparison.changes * 500, sizes=comparison.sizes * 500)
    waivers = [waiver(statement=f"No{number}", line=number) for number in range(5_000)]
    text = render(
        "markdown",
        replace(review, comparison=many, acceptance=accept(review.findings, waivers, None, TODAY)),
    )
    assert len(text.encode()) < LIMIT
    assert re.search(r"Left out for length: .*waivers.*changes? or size", text)
    # What would be denied keeps its room.
    assert text.count("deployer") > 3


def test_what_only_base_has_is_pointed_at_where_head_has_its_policy(report):
    """A file of base is not in the working tree: an annotation there would be lost."""
    policy = next(each for each in report.organization.policies.values() if each.name == "stay")
    findings = [each for each in report.findings if each.outcome is Outcome.NEWLY_ALLOWED]
    place = findings[0].place._replace(policy="stay", sid="No", file="abc:stay.json", line=99)
    gone = replace(findings[0], place=place)
    compared = replace(report, findings=(gone,), comparison=Comparison(Version("a"), Version("b")))
    assert f"file={policy.document.file},line={policy.document.statements[0].span.line}," in render("github", compared)
    assert "file=abc%3Astay.json,line=99," in render("github", replace(compared, comparison=None))
