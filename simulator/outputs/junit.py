"""The report as JUnit XML for test dashboards: a suite for each policy, a case for each of its statements.

A case fails if its statement would newly deny a call of the log. It is skipped if it may, because that is not decided,
and if somebody has agreed to all of it. It passes otherwise, and tells what it no longer denies, or denies that failed
anyway. A waiver that has run out is a failed case of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from simulator.analysis.findings import Finding
from simulator.analysis.report import Report
from simulator.outputs import wording
from simulator.outputs.by_statement import StatementFindings, by_statement, statement_name
from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import plural
from simulator.policy.document import PolicyType
from simulator.replay.outcome import Outcome

_FINDINGS: Final = 100
"""Findings told in one case; the rest is counted."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A statement, with or without findings."""

    suite: str
    name: str
    file: str | None
    line: int | None
    findings: tuple[Finding, ...] = ()
    agreed: tuple[Finding, ...] = ()
    expired: str = ""

    def of(self, outcome: Outcome) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.outcome is outcome and each not in self.agreed)

    @property
    def failed(self) -> bool:
        return bool(self.of(Outcome.NEWLY_DENIED) or self.expired)

    @property
    def skipped(self) -> bool:
        return bool(self.of(Outcome.POSSIBLY_NEWLY_DENIED) or self.agreed) and not self.failed


def render(report: Report) -> str:
    """The XML text with a final newline. Suites are sorted by name, cases by their place in the policy."""
    suites: dict[str, list[_Case]] = {}
    for case in _cases(report):
        suites.setdefault(case.suite, []).append(case)
    root = ElementTree.Element("testsuites", name="orgsim")
    for suite, cases in sorted(suites.items()):
        counts = {"tests": len(cases), "failures": sum(each.failed for each in cases), "errors": 0}
        counts["skipped"] = sum(each.skipped for each in cases)
        texts = {name: str(count) for name, count in counts.items()}
        element = ElementTree.SubElement(root, "testsuite", {"name": safe_text(suite), **texts})
        for case in cases:
            _add(element, case, report)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cases(report: Report) -> Iterator[_Case]:
    """Every statement of the proposed organization, then what has findings and is not in a policy of it.

    The latter are missing Allows, and statements of today that the proposal removes or edits.
    """
    found: dict[tuple[object, ...], StatementFindings] = {}
    others = []
    for each in by_statement(report):
        place = each.place
        if place.policy is None or all(finding.outcome is Outcome.NEWLY_ALLOWED for finding in each.findings):
            others.append(each)
        else:
            found[place.policy_type, place.policy, place.statement] = each
    for policy in report.organization.policies.values():
        if policy.aws_managed:
            continue
        suite = f"{policy.type.name} {policy.name}"
        for statement in policy.document.statements:
            hit = found.pop((policy.type.value, policy.name, statement.index), None)
            name = statement_name(statement.sid, statement.index)
            findings = hit.findings if hit else ()
            agreed = _agreed(findings, report)
            yield _Case(suite, name, policy.document.file, statement.span.line, findings, agreed)
    for each in (*found.values(), *others):
        place = each.place
        kind = PolicyType(place.policy_type).name
        today = f" ({wording.now(report)})" if place.policy is not None else ""
        suite = f"{kind} {place.policy}" if place.policy is not None else f"{kind}: missing Allow"
        agreed = _agreed(each.findings, report)
        yield _Case(suite, f"{each.name}{today}", each.file, each.line, each.findings, agreed)
    for waiver in report.acceptance.expired if report.acceptance else ():
        expired = f"the waiver ran out on {waiver.expires}; its owner is {wording.name(waiver.owner)}"
        what = f"{waiver.statement} denying {waiver.action} to {waiver.identity}"
        yield _Case("waivers", what, waiver.file, waiver.line, expired=expired)


def _agreed(findings: tuple[Finding, ...], report: Report) -> tuple[Finding, ...]:
    acceptance = report.acceptance
    return tuple(each for each in findings if acceptance.accepts(each)) if acceptance else ()


def _add(suite: ElementTree.Element, case: _Case, report: Report) -> None:
    told = {"name": case.name, "classname": case.suite, "file": case.file, "line": case.line}
    attributes = {name: safe_text(str(value)) for name, value in told.items() if value is not None}
    element = ElementTree.SubElement(suite, "testcase", attributes)
    if case.expired:
        ElementTree.SubElement(element, "failure", message=case.expired).text = case.expired
    elif case.failed:
        message = _count(case, Outcome.NEWLY_DENIED, "would be denied")
        ElementTree.SubElement(element, "failure", message=message).text = _told(case, report)
    elif case.skipped and not case.of(Outcome.POSSIBLY_NEWLY_DENIED):
        message = f"{plural(len(case.agreed), 'finding')} agreed to"
        ElementTree.SubElement(element, "skipped", message=message).text = _told(case, report)
    elif case.skipped:
        message = _count(case, Outcome.POSSIBLY_NEWLY_DENIED, "may be denied; the log does not tell")
        ElementTree.SubElement(element, "skipped", message=message).text = _told(case, report)
    elif case.findings:
        ElementTree.SubElement(element, "system-out").text = _told(case, report)


def _count(case: _Case, outcome: Outcome, what: str) -> str:
    findings = case.of(outcome)
    who = plural(wording.identities(findings, outcome), "identity", "identities")
    return f"{plural(len(findings), 'finding')}: calls of {who} {what}"


def _told(case: _Case, report: Report) -> str:
    lines = [wording.sentence(each, report) for each in case.findings[:_FINDINGS]]
    if len(case.findings) > _FINDINGS:
        lines.append(f"and {plural(len(case.findings) - _FINDINGS, 'more finding')}")
    return "\n".join(lines)
