"""Annotations: read as the runner reads them, they say what was meant; ten of a kind."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from simulator.outputs import github
from simulator.outputs.workflow_commands import command
from simulator.replay.outcome import Outcome
from tests.unit.outputs.conftest import HOSTILE


def read(line):
    """A command as the runner reads it (actions/runner, ActionCommand): kind, properties, message."""
    kind, properties, message = re.fullmatch(r"::(\w+)(?: ([^:]*))?::(.*)", line).groups()
    told = dict(each.split("=", 1) for each in (properties or "").split(",") if each)

    def plain(text, marks):
        for mark, sign in marks:
            text = text.replace(mark, sign)
        return text

    data = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
    more = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
    return kind, {name: plain(value, more) for name, value in told.items()}, plain(message, data)


def commands_of(report):
    return [read(line) for line in github.render(report).splitlines() if line.startswith("::")]


@pytest.mark.parametrize("text", ["100% %0A", "a,b:c", "x::error::y", "::set-output name=a::b", "=", "%3A%2C%25"])
def test_what_is_written_is_what_is_read(text):
    assert read(command("error", {"file": text, "line": 3, "title": text}, text)) == (
        "error",
        {"file": text, "line": "3", "title": text},
        text,
    )


def test_lines_of_ours_stay_lines_and_those_of_others_do_not():
    assert read(command("notice", {"title": "a\r\nb"}, "one\ntwo\rthree")) == (
        "notice",
        {"title": r"a\x0d\x0ab"},
        "one\ntwo\\x0dthree",
    )


def test_one_annotation_for_each_statement_and_kind(report):
    found = commands_of(report)
    assert Counter(kind for kind, _, _ in found) == {"error": 6, "warning": 3, "notice": 1}
    kind, place, message = found[0]
    assert (kind, place["file"], place["line"]) == ("error", "scp/workload-regions.json", "4")
    assert place["title"] == "OnlyFrankfurt of SCP workload-regions would deny calls of 1 identity"
    assert [line.split(" by ")[0] for line in message.splitlines()] == [
        f"role deployer in shop (111111111111), Workloads/Prod would be denied {each}"
        for each in ("s3:PutObject", "ec2:RunInstances")
    ]


def test_the_headline_comes_first(report):
    assert github.render(report).startswith("7 identities would lose 155 calls of this log")


def test_more_than_ten_of_a_kind_are_counted_in_the_tenth(report):
    finding = report.findings[0]
    many = tuple(
        replace(finding, outcome=outcome, place=finding.place._replace(sid=f"Sid{number}", line=number + 1))
        for outcome in (Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED, Outcome.NEWLY_ALLOWED)
        for number in range(30)
    )
    found = commands_of(replace(report, findings=many))
    assert Counter(kind for kind, _, _ in found) == {"error": 10, "warning": 10, "notice": 10}
    last = [[told for kind, _, told in found if kind == each][-1] for each in ("error", "warning", "notice")]
    # Lock-outs are a warning of their own.
    assert [re.match(r"and (\d+) more", told)[1] for told in last] == ["21", "22", "21"]


def test_no_line_of_a_hostile_report_is_a_command_of_its_own(report):
    attacked = replace(report, lockouts=(f"{HOSTILE}\n::error::x\n::add-mask::y",), notes=("\n::error::x",))
    text = github.render(attacked)
    assert not re.search(r"^::(?!error |warning |notice )", text, re.MULTILINE)
    assert Counter(kind for kind, _, _ in commands_of(attacked)) == {"error": 6, "warning": 3, "notice": 1}
