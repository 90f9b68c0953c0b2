"""Questions to an impact: who depends on a statement, how far it reaches, who is freed without it, whom to talk to.

They are answered from what the replay folded (`Question.ties`), where calls are counted once, however many findings
they stand in. Without that every answer would add up calls of several findings, so `Questions` refuses such a report.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.analysis.answers import (
    Dependent,
    Dependents,
    Freed,
    HitBySeveral,
    Radius,
    Statement,
    Talk,
    statement_of,
    statements_of,
)
from simulator.analysis.identities.model import Behind, Confidence, Identities, Identity, IdentityKind, weakest
from simulator.analysis.identities.steps import ANONYMOUS, Steps
from simulator.analysis.report import Report
from simulator.replay.outcome import StatementPlace
from simulator.replay.tie_folds import Tally
from simulator.replay.ties import Denial, Ties


@dataclass(slots=True)
class _Sum:
    """What adds up to a `Radius` or a `Talk`."""

    calls: int = 0
    undecided: int = 0
    lost: int = 0
    principals: set[str] = field(default_factory=set)
    statements: set[Statement] = field(default_factory=set)
    confidence: Confidence = Confidence.PROVED


class _Share(NamedTuple):
    """The calls of a principal that one identity made in the end."""

    identity: Identity
    calls: int
    undecided: int
    places: frozenset[StatementPlace]
    confidence: Confidence


class Questions:
    """Answers questions to one report. Raises `ValueError` for one whose replay was not asked for ties."""

    def __init__(self, report: Report) -> None:
        if report.identities is None or report.impact.ties is None:
            raise ValueError("the replay was not asked who is behind whom: see Question.ties")
        self._organization = report.organization
        self._identities: Identities = report.identities
        self._ties: Ties = report.impact.ties
        self._steps = Steps(report.organization, frozenset(report.impact.stale_accounts.counts))

    def statements(self) -> tuple[Statement, ...]:
        """Every statement that newly denies something or may, most newly denied calls first."""
        calls: dict[Statement, list[int]] = defaultdict(lambda: [0, 0])
        for denial, tally in self._ties.denials.items():
            for statement in statements_of(denial.places):
                calls[statement][0] += tally.calls
            for statement in statements_of(denial.open_places):
                calls[statement][1] += tally.calls
        return tuple(sorted(calls, key=lambda each: (-calls[each][0], -calls[each][1], repr(each))))

    def dependents(self, statement: Statement) -> Dependents:
        """Who depends on what a statement would deny: principals, those behind them, and sessions that are lost."""
        direct: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for denial, tally in self._ties.denials.items():
            if statement in statements_of(denial.places):
                direct[denial.principal][0] += tally.calls
            elif statement in statements_of(denial.open_places):
                direct[denial.principal][1] += tally.calls
        behind: dict[tuple[Identity, str, Confidence], list[int]] = defaultdict(lambda: [0, 0])
        for principal in direct:
            for each in _below(self._identities.of(principal)):
                denied = _calls_by(each.denied_by, statement)
                undecided = _calls_by(each.undecided_by, statement)
                if denied or undecided:
                    counts = behind[each.identity, principal, each.confidence]
                    counts[0] += denied
                    counts[1] += undecided
        return Dependents(
            direct=_sorted(
                Dependent(self._steps.principal(principal), principal, counts[0], counts[1], Confidence.PROVED)
                for principal, counts in direct.items()
            ),
            indirect=_sorted(
                Dependent(identity, principal, counts[0], counts[1], confidence)
                for (identity, principal, confidence), counts in behind.items()
            ),
            lost=tuple(each for each in self._identities.lost if statement in statements_of(each.by)),
        )

    def by_account(self) -> tuple[Radius, ...]:
        """How far the change reaches into each account, others' too; `id` is `""` for callers without one."""
        sums: dict[str, _Sum] = defaultdict(_Sum)
        for denial, tally in self._ties.denials.items():
            _add(sums[denial.account], denial, tally)
        for each in self._identities.lost:
            sums[each.role.account].lost += each.calls
        return _radii((account, self._name(account), each) for account, each in sums.items())

    def by_unit(self) -> tuple[Radius, ...]:
        """How far it reaches into the root and each organizational unit; units hold what is in units below them."""
        sums: dict[str, _Sum] = defaultdict(_Sum)
        for denial, tally in self._ties.denials.items():
            for unit in self._units(denial.account):
                _add(sums[unit], denial, tally)
        for each in self._identities.lost:
            for unit in self._units(each.role.account):
                sums[unit].lost += each.calls
        return _radii((unit, self._organization.full_path(unit), each) for unit, each in sums.items())

    def by_person(self) -> tuple[Radius, ...]:
        """How far it reaches people; `id` is what the link rests on in words (`Identity Center user`)."""
        people = (
            (identity.detail, identity.label, each)
            for identity, each in self._ends().items()
            if identity.identity_kind is IdentityKind.PERSON
        )
        return _radii(people)

    def freed_by_removing(self, statement: Statement) -> tuple[Freed, ...]:
        """What becomes of newly denied calls if only this statement is taken away; see `Freed` for what that proves."""
        counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for denial, tally in self._ties.denials.items():
            statements = statements_of(denial.places)
            if statement in statements:
                place = 2 if len(statements) > 1 else bool(statements_of(denial.open_places) - {statement})
                counts[denial.principal, denial.principal_type][place] += tally.calls
        return tuple(
            sorted(
                (Freed(*who, *each) for who, each in counts.items()),
                key=lambda each: (-each.freed, -each.open, each.principal),
            )
        )

    def hit_by_several(self) -> tuple[HitBySeveral, ...]:
        """Principals that two or more statements newly deny calls of, most statements first."""
        found: dict[tuple[str, str], list[tuple[frozenset[Statement], int]]] = defaultdict(list)
        for denial, tally in self._ties.denials.items():
            if denial.places:
                found[denial.principal, denial.principal_type].append((statements_of(denial.places), tally.calls))
        rows = []
        for who, each in found.items():
            statements = frozenset[Statement]().union(*(statements for statements, _ in each))
            if len(statements) > 1:
                calls = sum(calls for _, calls in each)
                together = sum(calls for statements, calls in each if len(statements) > 1)
                rows.append(HitBySeveral(*who, tuple(sorted(statements, key=repr)), calls, together))
        return tuple(sorted(rows, key=lambda each: (-len(each.statements), -each.calls, each.principal)))

    def first_to_talk_to(self, most: int = 10) -> tuple[Talk, ...]:
        """Whom to talk to first.

        The rule: most calls that are newly denied or lost with a newly denied AssumeRole first, then most undecided
        ones, then by name. Calls count for who made them in the end, as far as the log shows (a person, a pipeline, a
        workload, another company's account); the rest count for the principal. AWS services and anonymous callers, to
        whom nobody can talk, are left out.
        """
        talks = [
            Talk(identity, each.calls, each.undecided, each.lost, tuple(sorted(each.principals)), each.confidence)
            for identity, each in self._ends().items()
            if identity.identity_kind is not IdentityKind.SERVICE and identity.detail != ANONYMOUS
        ]
        talks.sort(key=lambda each: (-each.calls - each.lost, -each.undecided, each.identity))
        return tuple(talks[:most])

    # Who made the calls in the end

    def _ends(self) -> dict[Identity, _Sum]:
        sums: dict[Identity, _Sum] = defaultdict(_Sum)
        totals: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
        for denial, tally in self._ties.denials.items():
            _add(totals[denial.principal, denial.principal_type], denial, tally)
        for (principal, kind), total in totals.items():
            trees = self._identities.of(principal)
            shares = [share for tree in trees for share in _ends_of(tree)]
            rest_calls = total.calls - sum(each.calls for each in shares)
            rest_undecided = total.undecided - sum(each.undecided for each in shares)
            own = self._steps.caller(principal, kind)
            for share in (*shares, _Share(own, rest_calls, rest_undecided, frozenset(), Confidence.PROVED)):
                if share.calls <= 0 and share.undecided <= 0:
                    continue
                identity = own if share.identity.identity_kind is IdentityKind.SESSION_GROUP else share.identity
                each = sums[identity]
                each.calls += share.calls
                each.undecided += share.undecided
                each.principals.add(principal)
                each.statements |= statements_of(share.places) or total.statements
                each.confidence = weakest(each.confidence, Confidence.PROVED if identity is own else share.confidence)
        for lost in self._identities.lost:
            if lost.calls:
                sums[lost.caller].lost += lost.calls
                sums[lost.caller].principals.add(lost.role.arn or lost.role.label)
                sums[lost.caller].statements |= statements_of(lost.by)
        return sums

    def _units(self, account: str) -> Iterator[str]:
        if account and self._organization.account(account) is not None:
            for node in self._organization.chain(account)[:-1]:
                yield node.id

    def _name(self, account: str) -> str:
        node = self._organization.account(account) if account else None
        return node.name if node is not None else account


def _below(trees: Iterable[Behind], above: frozenset[Identity] = frozenset()) -> Iterator[Behind]:
    """Everybody in trees, nobody twice on one path."""
    for tree in trees:
        if tree.identity not in above:
            yield tree
        yield from _below(tree.behind, above | {tree.identity})


def _ends_of(tree: Behind) -> Iterator[_Share]:
    """Who made the calls of a tree in the end: what those behind an identity do not account for is its own."""
    shares = [share for each in tree.behind for share in _ends_of(each)]
    calls = tree.denied - sum(each.calls for each in shares)
    undecided = tree.undecided - sum(each.undecided for each in shares)
    yield from shares
    if calls > 0 or undecided > 0:
        places = frozenset(place for place, _ in (*tree.denied_by, *tree.undecided_by))
        yield _Share(tree.identity, calls, undecided, places, tree.confidence)


def _calls_by(hits: Iterable[tuple[StatementPlace, int]], statement: Statement) -> int:
    # A policy attached at two nodes above an account stands at two places and denies a call once.
    return max((calls for place, calls in hits if statement_of(place) == statement), default=0)


def _add(total: _Sum, denial: Denial, tally: Tally) -> None:
    if denial.places:
        total.calls += tally.calls
    else:
        total.undecided += tally.calls
    total.principals.add(denial.principal)
    total.statements |= statements_of(denial.places | denial.open_places)


def _radii(sums: Iterable[tuple[str, str, _Sum]]) -> tuple[Radius, ...]:
    found = [
        Radius(
            label,
            each_id,
            each.calls,
            each.undecided,
            each.lost,
            len(each.principals),
            len(each.statements),
            each.confidence,
        )
        for each_id, label, each in sums
    ]
    return tuple(sorted(found, key=lambda each: (-each.calls, -each.lost, -each.undecided, each.label, each.id)))


def _sorted(found: Iterable[Dependent]) -> tuple[Dependent, ...]:
    return tuple(
        sorted(
            found, key=lambda each: (-each.calls, -each.undecided, each.identity, each.through, each.confidence.value)
        )
    )
