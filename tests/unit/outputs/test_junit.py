"""JUnit: a suite for each policy, a case for each statement, and counts that agree."""

from dataclasses import replace
from xml.etree import ElementTree

from simulator.organization.tree import Policy
from simulator.outputs import junit
from simulator.replay.outcome import Outcome
from tests.unit.organization.small import SCP, deny, document
from tests.unit.outputs.conftest import HOSTILE


def suites_of(report):
    root = ElementTree.fromstring(junit.render(report))
    assert root.tag == "testsuites"
    return {each.get("name"): each for each in root}


def ends(suite):
    """How each case of a suite ended."""
    return {case.get("name"): next((each.tag for each in case if each.tag != "system-out"), "passed") for case in suite}


def test_cases_end_as_their_findings_say(report):
    suites = suites_of(report)
    assert ends(suites["SCP workload-regions"]) == {"OnlyFrankfurt (today)": "failure"}
    assert ends(suites["SCP: missing Allow"]) == {"Prod": "failure"}
    assert ends(suites["SCP no-gpu"]) == {"NoGpu (today)": "passed"}


def test_statements_that_nothing_meets_pass(report):
    suites = suites_of(report)
    assert ends(suites["SCP stay"]) == {"No": "passed"}
    assert ends(suites["RCP vault"]) == {"No": "passed"}
    assert "SCP FullAWSAccess" not in suites


def test_the_statement_of_a_proposed_policy_has_its_findings(report):
    organization = report.organization
    policy = Policy("p-stay", "stay", SCP, document(deny(sid="Stay"), "scp/stay.json"))
    finding = report.findings[0]
    place = finding.place._replace(policy="stay", sid="Stay", statement=0, file="scp/stay.json", line=1)

    def suite(outcome):
        found = replace(finding, outcome=outcome, place=place)
        changed = replace(organization, policies={**organization.policies, "p-stay": policy})
        (case,) = suites_of(replace(report, findings=(found,), organization=changed))[f"{SCP.name} stay"]
        assert (case.get("file"), case.get("line"), case.get("classname")) == ("scp/stay.json", "1", "SCP stay")
        return case

    assert (
        suite(Outcome.NEWLY_DENIED).find("failure").get("message") == "1 finding: calls of 1 identity would be denied"
    )
    assert "may be denied" in suite(Outcome.POSSIBLY_NEWLY_DENIED).find("skipped").get("message")
    passed = suite(Outcome.ALREADY_DENIED)
    assert [each.tag for each in passed] == ["system-out"]
    assert passed.find("system-out").text.startswith("role deployer in shop (111111111111), Workloads/Prod failed")


def test_the_counts_of_a_suite_agree_with_its_cases(report):
    for suite in suites_of(report).values():
        found = list(ends(suite).values())
        counts = [suite.get(name) for name in ("tests", "failures", "skipped", "errors")]
        assert counts == [str(len(found)), str(found.count("failure")), str(found.count("skipped")), "0"]


def test_hostile_texts_are_text(report):
    text = junit.render(report)
    assert HOSTILE not in text
    assert "\\x1b[2J" in text
    tags = {each.tag for each in ElementTree.fromstring(text).iter()}
    assert tags == {"testsuites", "testsuite", "testcase", "failure", "system-out"}
