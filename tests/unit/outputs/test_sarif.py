"""SARIF: valid, a rule for each statement, places and fingerprints that stay."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from simulator.outputs import sarif
from tests.unit.outputs.conftest import HOSTILE

SCHEMA = json.loads(Path(__file__).with_name("sarif-subset.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def run_of(report):
    log = json.loads(sarif.render(report))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    rules = [each["id"] for each in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for each in run["results"]:
        assert rules[each["ruleIndex"]] == each["ruleId"]
    return run


def test_the_schema_of_the_tests_is_one_and_refuses():
    VALIDATOR.check_schema(SCHEMA)
    assert not VALIDATOR.is_valid({"version": "2.1.0", "runs": [{"results": []}]})


def test_a_result_for_each_finding_and_a_rule_for_each_statement(report):
    run = run_of(report)
    assert [each["properties"]["finding"] for each in run["results"]] == [each.id for each in report.findings]
    ids = [each["id"] for each in run["tool"]["driver"]["rules"]]
    assert ids[:3] == [
        "scp/workload-regions/OnlyFrankfurt",
        "scp/missing-allow/ou-a1b2-lprd",
        "scp/imdsv2/statement-6267ebc7d4ab",
    ]


def test_a_result_says_who_what_where_and_how_grave(report):
    result = run_of(report)["results"][0]
    assert result["level"] == "error"
    assert result["message"]["text"] == (
        "role deployer in shop (111111111111), Workloads/Prod would be denied s3:PutObject by OnlyFrankfurt of SCP "
        "workload-regions on Workloads (100 calls, 2026-01-02 to 2026-03-04)"
    )
    place = result["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "scp/workload-regions.json", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 4},
    }
    assert result["properties"]["calls"] == 100


def test_the_outcome_is_the_level(report):
    levels = {each["properties"]["outcome"]: each["level"] for each in run_of(report)["results"]}
    assert levels == {
        "newly_denied": "error",
        "possibly_newly_denied": "warning",
        "newly_allowed": "note",
        "already_denied": "note",
    }


def test_fingerprints_hold_no_counts_times_or_lines(report):
    def moved(finding):
        place = finding.place._replace(line=77, statement=5)
        return replace(finding, calls=1, first_seen="2020", last_seen="2021", place=place, resources=(), event_ids=())

    later = replace(report, findings=tuple(map(moved, report.findings)))
    before, after = ([each["partialFingerprints"] for each in run_of(each)["results"]] for each in (report, later))
    assert before == after
    assert len({json.dumps(each) for each in before}) == len(before)
    assert [each["ruleId"] for each in run_of(report)["results"]] == [
        each["ruleId"] for each in run_of(later)["results"]
    ]


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("scp/a.json", {"uri": "scp/a.json", "uriBaseId": "%SRCROOT%"}),
        ("./scp//a b%.json", {"uri": "scp/a%20b%25.json", "uriBaseId": "%SRCROOT%"}),
        ("c:d.json", {"uri": "c%3Ad.json", "uriBaseId": "%SRCROOT%"}),
        ("/etc/scp/ä.json", {"uri": "file:///etc/scp/%C3%A4.json"}),
        (None, {"uri": "statement-without-a-file", "uriBaseId": "%SRCROOT%"}),
    ],
)
def test_files_are_relative_to_the_root_of_the_sources(report, file, place):
    finding = report.findings[0]
    changed = replace(report, findings=(replace(finding, place=finding.place._replace(file=file)),))
    assert run_of(changed)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == place


def test_lockouts_are_notifications(report):
    told = run_of(report)["invocations"][0]["toolExecutionNotifications"]
    assert [each["message"]["text"][:32] for each in told] == ["Lock-out: AWSControlTowerExecuti"]


def test_no_findings_are_a_valid_log(quiet_report):
    assert run_of(quiet_report)["results"] == []


def test_a_hostile_report_is_ascii_and_steers_nothing(report):
    text = sarif.render(report)
    assert text.isascii()
    assert "\x1b" not in text
    assert HOSTILE not in json.dumps(json.loads(text))


def test_too_many_results_are_cut_and_counted(report, monkeypatch):
    monkeypatch.setattr(sarif, "RESULTS", 5)
    run = run_of(report)
    assert [each["properties"]["finding"] for each in run["results"]] == [each.id for each in report.findings[:5]]
    assert "9 findings of 14 left out" in run["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"]


def test_too_large_a_file_is_halved_until_it_fits(report, monkeypatch):
    monkeypatch.setattr(sarif, "SIZE", 3_000)
    assert 0 < len(run_of(report)["results"]) < len(report.findings)
