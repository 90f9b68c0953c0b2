"""The report as annotations of a pull request: one for each statement and kind, on the statement's line.

GitHub shows ten errors, ten warnings and ten notices of a step (GitHub Docs, workflow commands); what is beyond that is
counted in the tenth.
"""

from collections.abc import Iterator
from typing import Final

from simulator.analysis.findings import Finding
from simulator.analysis.report import Report
from simulator.outputs import wording
from simulator.outputs.by_statement import StatementFindings, by_statement
from simulator.outputs.wording import plural
from simulator.outputs.workflow_commands import command
from simulator.replay.outcome import Outcome

SHOWN: Final = 10
"""Annotations of one kind."""

_FINDINGS: Final = 5
"""Findings named in one annotation."""

_KINDS: Final = {
    Outcome.NEWLY_DENIED: ("error", "would deny"),
    Outcome.POSSIBLY_NEWLY_DENIED: ("warning", "may deny"),
    Outcome.NEWLY_ALLOWED: ("notice", "no longer denies"),
}
"""What was agreed to is a notice, whatever its outcome."""


def render(report: Report) -> str:
    """The headline, then the workflow commands, one a line."""
    commands = {"error": list(_expired(report)), "warning": list(_lockouts(report)), "notice": list[str]()}
    statements = by_statement(report)
    for outcome, (kind, verb) in _KINDS.items():
        for statement in statements:
            found = statement.of(outcome)
            agreed = tuple(each for each in found if report.acceptance and report.acceptance.accepts(each))
            left = tuple(each for each in found if each not in agreed)
            if left:
                commands[kind].append(_annotation(kind, verb, statement, left, report))
            if agreed:
                commands["notice"].append(_annotation("notice", f"{verb}, as agreed,", statement, agreed, report))
    lines = [line for kind, rows in commands.items() for line in _limited(kind, rows)]
    return "".join(f"{line}\n" for line in (*wording.headline(report), *lines))


def _expired(report: Report) -> Iterator[str]:
    for waiver in report.acceptance.expired if report.acceptance else ():
        place = {"file": waiver.file, "line": waiver.line, "title": f"This waiver ran out on {waiver.expires}"}
        yield command("error", place, f"{waiver.statement} denying {waiver.action} to {waiver.identity}")


def _annotation(
    kind: str, verb: str, statement: StatementFindings, findings: tuple[Finding, ...], report: Report
) -> str:
    who = plural(len({each.principal for each in findings}), "identity", "identities")
    title = f"{statement.title} {verb} calls of {who}"
    told = [wording.sentence(each, report) for each in findings[:_FINDINGS]]
    if len(findings) > _FINDINGS:
        told.append(f"and {plural(len(findings) - _FINDINGS, 'more finding')}")
    return command(kind, {"file": statement.file, "line": statement.line, "title": title}, "\n".join(told))


def _lockouts(report: Report) -> Iterator[str]:
    if report.lockouts:
        title = f"{plural(len(report.lockouts), 'lock-out warning')}, whatever the log says"
        shown = [wording.shorten(each, 500) for each in report.lockouts[:_FINDINGS]]
        left = len(report.lockouts) - len(shown)
        more = [f"and {plural(left, 'more')}"] if left else []
        yield command("warning", {"title": title}, "\n".join([*shown, *more]))


def _limited(kind: str, commands: list[str]) -> list[str]:
    if len(commands) <= SHOWN:
        return commands
    left = len(commands) - SHOWN + 1
    told = f"and {plural(left, 'more annotation')} of this kind; all findings are in the other reports of this run"
    return [*commands[: SHOWN - 1], command(kind, {"title": "orgsim"}, told)]
