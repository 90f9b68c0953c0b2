"""Who loses what to which statement, summarised for pictures: account, identity, call and statement, with the calls
that flow between them.

Every finding is a path over the four columns, as wide as its calls. Each column shows its largest members by name; the
others of a column are drawn as one, and `folded` says how many they are.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from simulator.analysis.findings import Finding, FindingPrincipal
from simulator.analysis.report import Report
from simulator.outputs import wording
from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import plural
from simulator.replay.outcome import Outcome

SHOWN: Final = (Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED)
"""The outcomes that pictures show: what would be lost, and what may be."""

MEMBERS: Final = 14
"""Members of a column that are drawn by name, unless the caller wants fewer."""


@dataclass(frozen=True, slots=True)
class FlowNode:
    """A member of a column (from 0). `others`: it stands for all that are not drawn by name. Texts are safe."""

    column: int
    label: str
    detail: str
    others: bool = False


@dataclass(frozen=True, slots=True)
class FlowLink:
    """Calls of one outcome between two nodes, by their places in `Flows.nodes`."""

    start: int
    end: int
    outcome: Outcome
    calls: int


@dataclass(frozen=True, slots=True)
class Flows:
    """The picture: nodes by column, largest first; links; and what was folded, a sentence for each column."""

    nodes: tuple[FlowNode, ...]
    links: tuple[FlowLink, ...]
    folded: tuple[str, ...]


_Member = tuple[str, str]
"""Label and detail: what makes a member of a column, and what people see of it."""


@dataclass(frozen=True, slots=True)
class _Column:
    """How a finding's member of one column is found, and what members are called."""

    one: str
    many: str
    member: Callable[[Finding], _Member]


def flows_of(report: Report, members: int = MEMBERS) -> Flows:
    """The flows of a report's findings, with at most `members` members of a column by name."""
    findings = [each for each in report.findings if each.outcome in SHOWN]
    columns = _columns(report, findings, members)
    paths: list[list[_Member]] = [[column.member(each) for column in columns] for each in findings]
    nodes: list[FlowNode] = []
    folded = []
    for number, column in enumerate(columns):
        sizes: Counter[_Member] = Counter()
        for path, finding in zip(paths, findings, strict=True):
            sizes[path[number]] += finding.calls
        ranked = sorted(sizes, key=lambda member: (-sizes[member], member))
        # One that is left is better drawn than called "1 other".
        kept = ranked if len(ranked) <= members + 1 else ranked[:members]
        nodes += [FlowNode(number, label, detail) for label, detail in kept]
        left = len(ranked) - len(kept)
        if left:
            nodes.append(FlowNode(number, plural(left, f"other {column.one}", f"other {column.many}"), "", True))
            calls = sum(sizes[member] for member in ranked[len(kept) :])
            folded.append(f"{plural(left, column.one, column.many)} with {plural(calls, 'call')}")
    return Flows(tuple(nodes), _links(nodes, paths, findings), tuple(folded))


def _links(nodes: list[FlowNode], paths: list[list[_Member]], findings: list[Finding]) -> tuple[FlowLink, ...]:
    places = {(node.column, node.label, node.detail): place for place, node in enumerate(nodes) if not node.others}
    others = {node.column: place for place, node in enumerate(nodes) if node.others}
    calls: Counter[tuple[int, int, Outcome]] = Counter()
    for path, finding in zip(paths, findings, strict=True):
        found = [places.get((number, *member)) for number, member in enumerate(path)]
        drawn = [others[number] if place is None else place for number, place in enumerate(found)]
        for start, end in pairwise(drawn):
            calls[start, end, finding.outcome] += finding.calls
    ordered = sorted(calls, key=lambda link: (link[0], link[1], link[2].gravity))
    return tuple(FlowLink(*link, calls[link]) for link in ordered)


def _columns(report: Report, findings: Iterable[Finding], members: int) -> tuple[_Column, ...]:
    homes = {each.principal.account for each in findings}
    by_unit = len(homes) > members + 1

    def home(finding: Finding) -> _Member:
        return _unit(finding.principal) if by_unit else _account(finding.principal, report)

    def identity(finding: Finding) -> _Member:
        return wording.identity(finding.principal), safe_text(finding.principal.arn)

    def call(finding: Finding) -> _Member:
        return wording.name(finding.action), safe_text(finding.access)

    def statement(finding: Finding) -> _Member:
        told = wording.statement(finding.place, finding.attached_name, report.organization)
        place = finding.place
        if place.policy is None:
            return told, told
        return wording.name(place.sid) if place.sid else told, told

    first = _Column("unit", "units", home) if by_unit else _Column("account", "accounts", home)
    return (
        first,
        _Column("identity", "identities", identity),
        _Column("action", "actions", call),
        _Column("statement", "statements", statement),
    )


def _unit(principal: FindingPrincipal) -> _Member:
    """Where an identity is at home, by organizational unit: accounts are too many to draw."""
    if principal.ou_path:
        return safe_text(principal.ou_path), ""
    return ("outside the organization", "") if principal.account else ("no account", "")


def _account(principal: FindingPrincipal, report: Report) -> _Member:
    if principal.account is None:
        return "no account", ""
    stale = report.impact.stale_accounts.counts
    where = wording.home(principal, report.organization, stale)
    named = principal.account_name and principal.account_name != principal.account
    return wording.name(principal.account_name) if named else where.partition(",")[0], where
