"""The findings of each statement, for formats that point at lines of policies: SARIF, JUnit, annotations.

A statement counts once however many places it is attached to; a level that lacks an Allow counts as a statement of its
own, which has no Sid and no policy.
"""

import hashlib
from dataclasses import dataclass

from simulator.analysis.findings import Finding
from simulator.analysis.report import Report
from simulator.outputs.wording import name
from simulator.policy.document import PolicyType
from simulator.replay.outcome import Outcome, StatementPlace


@dataclass(frozen=True, slots=True)
class StatementFindings:
    """A statement and its findings, in the order of the report. `id` is `scp/policy/Sid`, the same in every run.

    `file` and `line` say where the statement stands; a level that lacks an Allow is blamed on a policy attached there.
    """

    id: str
    place: StatementPlace
    file: str | None
    line: int | None
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """The Sid or position; of a missing Allow the level. Not yet safe to show."""
        if self.place.policy is None:
            return self.findings[0].attached_name
        return statement_name(self.place.sid, self.place.statement or 0)

    @property
    def title(self) -> str:
        """The statement in a few words, safe: `OnlyFrankfurt of SCP workload-regions`."""
        kind = PolicyType(self.place.policy_type).name
        if self.place.policy is None:
            return f"Missing Allow in the {kind}s on {name(self.name)}"
        return f"{name(self.name)} of {kind} {name(self.place.policy)}"

    def of(self, outcome: Outcome) -> tuple[Finding, ...]:
        """The findings of one outcome."""
        return tuple(each for each in self.findings if each.outcome is outcome)


def by_statement(report: Report) -> tuple[StatementFindings, ...]:
    """Every statement that has findings, the one with the gravest first."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in report.findings:
        place = finding.place
        which = (place.policy, place.sid, place.statement, place.text, place.file, place.line)
        groups.setdefault((place.policy_type, *which) if place.policy else place, []).append(finding)
    return tuple(_statement(report, findings) for findings in groups.values())


def statement_name(sid: str | None, index: int) -> str:
    """The Sid; without one the position, as people count."""
    return sid or f"statement {index + 1}"


def statement_id(place: StatementPlace) -> str:
    """`scp/workload-regions/OnlyFrankfurt`; without a Sid a hash of the statement, so that its neighbours may move."""
    side = PolicyType(place.policy_type).side
    if place.policy is None:
        return f"{side}/missing-allow/{name(place.attached_to)}"
    text = place.text.encode("utf-8", "surrogatepass")
    which = name(place.sid) if place.sid else f"statement-{hashlib.sha256(text).hexdigest()[:12]}"
    return f"{side}/{name(place.policy)}/{which}"


def _statement(report: Report, findings: list[Finding]) -> StatementFindings:
    place = findings[0].place
    file, line = _blamed(report, place) if place.policy is None else _in_head(report, place)
    return StatementFindings(statement_id(place), place, file, line, tuple(findings))


def _in_head(report: Report, place: StatementPlace) -> tuple[str | None, int | None]:
    """Where to point at a statement: one that only base has is looked for where head has its policy."""
    if report.comparison is None:
        return place.file, place.line
    for policy in report.organization.policies.values():
        if (policy.type.value, policy.name) == (place.policy_type, place.policy) and policy.document.file != place.file:
            statements = policy.document.statements
            lines = (each.span.line for each in statements if place.sid is not None and each.sid == place.sid)
            return policy.document.file, next(lines, policy.document.span.line)
    return place.file, place.line


def _blamed(report: Report, place: StatementPlace) -> tuple[str | None, int | None]:
    """Where to look for an Allow that is missing: the first policy with a file that is attached to the level."""
    organization = report.organization
    node = organization.nodes.get(place.attached_to)
    attached = node.attached(PolicyType(place.policy_type)) if node else ()
    for policy in attached:
        document = organization.policies[policy].document
        if document.file is not None:
            return document.file, document.span.line
    return None, None
