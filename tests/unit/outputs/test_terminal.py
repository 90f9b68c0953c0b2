"""The report for people: what it says, in what order, within which width, and where it stops."""

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from simulator.analysis.report import make_report
from simulator.organization.tree import without_snapshot
from simulator.outputs import terminal
from simulator.outputs.view import View
from simulator.replay.impact import Impact
from simulator.replay.outcome import Outcome
from tests.unit.organization.small import SHOP, organization
from tests.unit.outputs.conftest import CATALOG, NO_ALLOW, REGIONS, STEWARDS, role, see

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def written(report, **view):
    return terminal.render(report, View(**view))


def denied(identities, actions=1, statements=1):
    """A report in which many identities lose many calls to many statements."""
    impact = Impact()
    impact.read = impact.mapped = impact.outcomes[Outcome.NEWLY_DENIED] = identities * actions
    for who in range(identities):
        for what in range(actions):
            for which in range(statements):
                place = REGIONS._replace(sid=f"Sid{which}")
                see(impact, Outcome.NEWLY_DENIED, role(SHOP, f"r{who:03}"), f"s3:Get{what:03}", place, 1)
    return make_report(impact, organization(), CATALOG)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_no_line_is_wider_than_asked(report, width):
    assert max(cell_len(line) for line in written(report, width=width).splitlines()) <= width


def test_wide_characters_count_as_they_look():
    impact = Impact()
    impact.read = impact.mapped = impact.outcomes[Outcome.NEWLY_DENIED] = 1
    see(impact, Outcome.NEWLY_DENIED, role(SHOP, "役割" * 30), "s3:GetObject", REGIONS, 1)
    text = written(make_report(impact, organization(), CATALOG), width=60)
    assert max(cell_len(line) for line in text.splitlines()) <= 60


def test_the_sections_come_gravest_first(report):
    text = written(report)
    titles = re.findall(r"^[A-Z][A-Z-]+(?: [A-Z]+)*(?=  )", text, re.MULTILINE)
    assert titles == [
        "WOULD BE DENIED",
        "MAY BE DENIED",
        "WOULD BE ALLOWED",
        "ALREADY DENIED",
        "LOCK-OUT WARNINGS",
        "EVIDENCE",
    ]


def test_quiet_is_the_headline_alone(report):
    text = written(report, quiet=True)
    assert text.startswith("7 identities would lose 155 calls of this log; 28 more calls may be denied.\n")
    assert "EVIDENCE" not in text
    assert written(report).startswith(text)


def test_colours_change_nothing_but_colours(report):
    coloured = written(report, color=True)
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in ANSI.sub("", coloured).splitlines()] == written(report).splitlines()


def test_a_poor_character_set_gets_plain_characters(report):
    text = written(report, encoding="ascii", width=60)
    assert text.isascii()
    assert "..." in text
    assert max(map(len, text.splitlines())) <= 60


def test_markup_in_a_log_is_text(report):
    assert "[boldred]:smile:[/]" in "".join(written(report).split())


def test_the_role_name_survives_a_narrow_page(report):
    assert "role deployer in shop (111111111111), Workloads/Prod" in written(report, width=60)


def test_an_implicit_deny_names_the_level(report):
    assert "no SCP on Labs/Prod allows it" in written(report)


def test_an_undecided_implicit_deny_is_not_called_sure():
    impact = Impact()
    impact.read = impact.mapped = impact.outcomes[Outcome.POSSIBLY_NEWLY_DENIED] = 1
    see(impact, Outcome.POSSIBLY_NEWLY_DENIED, role(SHOP, "a"), "s3:GetObject", NO_ALLOW, 1, keys=("aws:sourceip",))
    text = written(make_report(impact, organization(), CATALOG))
    assert "no SCP on Labs/Prod allows it for sure" in text
    assert "settled by: aws:SourceIp" in text
    assert text.startswith("No call in this log would surely be newly denied, but 1 call may be.\n")


def test_undecided_calls_without_a_statement_are_told_all_the_same():
    impact = Impact()
    impact.read = impact.mapped = impact.outcomes[Outcome.POSSIBLY_NEWLY_DENIED] = 3
    assert "MAY BE DENIED  3 calls" in written(make_report(impact, organization(), CATALOG))


def test_callers_in_special_places(report):
    text = written(report)
    assert "\n  external account 555555555555\n" in text
    assert "\n  service delivery.logs.amazonaws.com\n" in text
    assert "\n  root user in bank (222222222222), Workloads/Prod\n" in text


def test_many_identities_are_counted_after_the_first_forty():
    text = written(denied(52))
    assert text.count("role r0") == 40
    assert "… and 12 more identities; see the JSON" in text
    assert "52 identities would lose 52 calls" in text


def test_many_actions_and_statements_are_counted():
    text = written(denied(1, actions=20, statements=10))
    assert "… and 8 more actions; see the JSON" in text
    assert "… and 2 more statements; see the JSON" in text
    assert len(text.splitlines()) < 150


def test_many_undecided_identities_are_counted():
    impact = Impact()
    impact.read = impact.mapped = impact.outcomes[Outcome.POSSIBLY_NEWLY_DENIED] = 45
    for number in range(45):
        place = STEWARDS._replace(sid="A" if number < 42 else f"B{number}")
        see(impact, Outcome.POSSIBLY_NEWLY_DENIED, role(SHOP, f"r{number:03}"), "s3:Get", place, 1, keys=("k:x",))
    text = written(make_report(impact, organization(), CATALOG))
    assert text.count("role r0") == 40
    assert "… and 2 more identities; see the JSON" in text
    assert "… and 3 more undecided statements; see the JSON" in text


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({}, "No call in this log would be newly denied."),
        ({"read": 0, "mapped": 0}, "No CloudTrail record was read, so nothing can be said about this proposal."),
        (
            {"mapped": 0, "unmapped": 7},
            "None of the 7 records read could be judged, so nothing can be said about this proposal.",
        ),
    ],
)
def test_a_headline_without_findings(quiet_report, change, first):
    for name, value in change.items():
        setattr(quiet_report.impact, name, value)
    text = written(quiet_report, quiet=True)
    assert text.splitlines()[0] == first
    assert "safe" not in text


def test_nothing_denied_is_never_said_without_what_was_judged(quiet_report):
    quiet_report.impact.unmapped = 3
    assert written(quiet_report, quiet=True).splitlines()[1] == (
        "7 calls judged, of 2026-01-01; 3 records could not be judged."
    )


def test_lockouts_reach_the_headline(quiet_report):
    text = written(replace(quiet_report, lockouts=("one", "two")), quiet=True)
    assert "2 lock-out warnings" in text


def test_the_evidence_shows_what_the_log_cannot_tell(report):
    evidence = written(report, width=140).split("EVIDENCE")[1]
    assert "1,300 read = 1,200 judged + 60 not judged + 28 duplicates + 12 skipped" in evidence
    assert "not judged: 40 x new.amazonaws.com DoThing: unknown-service" in evidence
    assert "skipped: 10 x console-sign-in; 2 x service-event" in evidence
    assert "logs/cut.json.gz (truncated-gzip)" in evidence
    assert "lacks accounts that the log shows as ours: 777777777777" in evidence
    assert "note: today's tree was used for past events" in evidence


def test_without_a_snapshot_accounts_have_no_other_name(quiet_report):
    impact = Impact()
    impact.read = impact.mapped = impact.outcomes[Outcome.NEWLY_DENIED] = 1
    see(impact, Outcome.NEWLY_DENIED, role(SHOP, "a"), "s3:GetObject", REGIONS, 1)
    assert "role a in account 111111111111, Root\n" in written(make_report(impact, without_snapshot(), CATALOG))
