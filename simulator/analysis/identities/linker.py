"""From the folded ties to `Identities`: chains of sessions, the trees they add up to, and what is lost."""

from collections import Counter
from types import MappingProxyType
from typing import Final

from simulator.analysis.identities.joins import Join, Joins
from simulator.analysis.identities.model import (
    Behind,
    Confidence,
    Identities,
    Identity,
    IdentityKind,
    Link,
    Lost,
    LostCalls,
    weakest,
)
from simulator.analysis.identities.steps import Step, Steps
from simulator.analysis.identities.trees import Tree, graft
from simulator.decision.request import PrincipalKind
from simulator.organization.tree import Organization
from simulator.replay.bounded import Key, widened
from simulator.replay.impact import LogTally
from simulator.replay.outcome import StatementPlace
from simulator.replay.tie_folds import Assumption, Issue
from simulator.replay.tie_keys import session_of
from simulator.replay.ties import Ties

_DEEPEST: Final = 32
"""Steps of a chain that are followed; AWS ends a chained session after an hour, so real chains are short."""

_LISTED: Final = 20
"""Kinds of lost calls listed."""

_Chain = tuple[tuple[Step, str], ...]
_LostKey = tuple[Identity, str, frozenset[StatementPlace]]


def identities_of(log: LogTally, organization: Organization) -> Identities | None:
    """Who is behind whom, as far as reading the log folded it; `None` where nobody asked.

    `organization` tells accounts of others from ours.
    """
    if log.ties is None:
        return None
    log.ties.settle()
    return _Linker(log.ties, Steps(organization, frozenset(log.stale_accounts.counts))).linked()


class _Linker:
    def __init__(self, ties: Ties, steps: Steps) -> None:
        self._ties = ties
        self._steps = steps
        self._used = ties.used.entries
        joins = Joins(ties.issued.entries, self._used)
        self._joins: dict[Key, Join] = {key: join for key in self._used if (join := joins.of(key)) is not None}
        self._of_assumption: dict[Assumption, Step] = {}

    def linked(self) -> Identities:
        trees = self._trees()
        graft(trees)
        cut = ("branches",) if any(tree.is_cut() for tree in trees.values()) else ()
        behind = {label: tree.behind() for label, tree in trees.items()}
        links = tuple(self._link(label, each) for label, found in behind.items() for each in found)
        behind |= {label: tree.behind() for label, tree in sorted(self._subjects().items())}
        return Identities(links, MappingProxyType(behind), self._lost(), (*self._ties.truncated, *cut))

    # Chains

    def _chain(self, key: Key) -> _Chain:
        """Who is behind a session, nearest first."""
        found: list[tuple[Step, str]] = []
        above: set[Key] = set()
        while key and key not in above and len(found) < _DEEPEST:
            above.add(key)
            join = self._joins.get(key)
            if join is None:
                use = self._used.get(key)
                step = self._steps.of_use(key[1], session_of(key), use) if use is not None else None
                if step is not None and use is not None:
                    found.append((step, use.event_id))
                break
            step = self._assumption(join.issue.assumption)
            if join.confidence is not Confidence.PROVED:
                step = step._replace(
                    confidence=join.confidence, why=f"{step.why}; role, session name and time match, no access key does"
                )
            found.append((step, join.issue.event_id))
            key = _onward(step, join.issue)
        return tuple(found)

    def _assumption(self, assumption: Assumption) -> Step:
        step = self._of_assumption.get(assumption)
        if step is None:
            step = self._of_assumption[assumption] = self._steps.of_assumption(assumption)
        return step

    # Trees

    def _trees(self) -> dict[str, Tree]:
        trees: dict[str, Tree] = {}
        for key, use in self._used.items():
            trees.setdefault(key[1], Tree()).add(self._chain(key), use)
        at_work = {id(join.issue) for join in self._joins.values()}
        for issue in self._ties.issued.entries.values():
            if id(issue) not in at_work:
                # Issued, and not seen at work in this log: it belongs in the picture all the same.
                step = self._assumption(issue.assumption)
                chain = ((step, issue.event_id), *self._chain(_onward(step, issue)))
                trees.setdefault(issue.assumption.role, Tree()).add(chain, None)
        for (role, group), use in self._ties.loose.in_order():
            nearest = self._steps.of_use(role, group, use)
            if nearest is not None:
                trees.setdefault(role, Tree()).add([(nearest, use.event_id)], use, sessions=0)
        self._count_assumptions(trees)
        return {label: tree for label, tree in sorted(trees.items()) if tree.branches}

    def _count_assumptions(self, trees: dict[str, Tree]) -> None:
        """Links are counted by the records themselves, which are complete even where sessions are a sample."""
        totals: dict[tuple[str, Step], list[Assumption]] = {}
        for key, _ in self._ties.assumed.in_order():
            assumption = Assumption(*key)
            totals.setdefault((assumption.role, self._assumption(assumption)), []).append(assumption)
        for (role, step), assumptions in totals.items():
            whole = self._ties.assumed.entries[assumptions[0]].copied()
            for each in assumptions[1:]:
                whole.merge(self._ties.assumed.entries[each])
            trees.setdefault(role, Tree()).tally(step, whole)

    def _subjects(self) -> dict[str, Tree]:
        """Who is behind the denied calls of identity providers, as which the records name whoever gets a session.

        Of those who sign in through a provider only the ones that are hit: it would be everybody.
        """
        trees: dict[str, Tree] = {}
        for key, tally in self._ties.assumed.in_order():
            assumption = Assumption(*key)
            hit = tally.denied or tally.undecided
            if hit and assumption.caller_kind == PrincipalKind.FEDERATED.value:
                step = self._assumption(assumption)
                branch = trees.setdefault(assumption.caller, Tree()).branch(step)
                branch.count(tally, 0)
                branch.reason(step.why, tally.calls, tally.event_ids)
        return trees

    def _link(self, label: str, behind: Behind) -> Link:
        return Link(
            start=behind.identity,
            end=self._steps.principal(label),
            relation=behind.relation,
            confidence=behind.confidence,
            evidence=behind.evidence,
            count=max(behind.sessions, *(each.count for each in behind.evidence)),
            calls=behind.calls,
            first_seen=behind.first_seen,
            last_seen=behind.last_seen,
        )

    # Lost with a newly denied AssumeRole

    def _lost(self) -> tuple[Lost, ...]:
        denied: dict[_LostKey, list[Issue]] = {}
        for _, issue in self._ties.issued.in_order():
            if issue.places:
                step = self._assumption(issue.assumption)
                denied.setdefault((step.identity, issue.assumption.role, issue.places), []).append(issue)
        sessions: dict[int, list[Key]] = {}
        for key, join in self._joins.items():
            sessions.setdefault(id(join.issue), []).append(key)
        further: dict[Key, list[Key]] = {}
        for key, join in self._joins.items():
            # What is denied by itself is counted where it is denied.
            if join.issue.caller and not join.issue.places:
                further.setdefault(join.issue.caller, []).append(key)
        found = [self._lost_with(key, issues, sessions, further) for key, issues in denied.items()]
        return tuple(
            sorted(found, key=lambda each: (-each.calls, each.caller, each.role, repr(sorted(map(repr, each.by)))))
        )

    def _lost_with(
        self, key: _LostKey, issues: list[Issue], sessions: dict[int, list[Key]], further: dict[Key, list[Key]]
    ) -> Lost:
        caller, role, places = key
        first = last = ""
        events: Counter[str] = Counter()
        calls = 0
        confidence = Confidence.PROVED
        reached: dict[Key, None] = {}
        waiting = [session for issue in issues for session in sessions.get(id(issue), ())]
        while waiting:
            session = waiting.pop()
            if session in reached:
                continue
            reached[session] = None
            waiting += further.get(session, ())
            use = self._used[session]
            calls += use.calls - use.denied
            events.update(use.events)
            confidence = weakest(confidence, self._joins[session].confidence)
            first, last = widened(*widened(first, last, use.first), use.last)
        others = sorted({session[1] for session in reached} - {role})
        return Lost(
            caller=caller,
            role=self._steps.principal(role),
            by=tuple(sorted(places, key=repr)),
            assumptions=len(issues),
            sessions=len(reached),
            calls=calls,
            events=tuple(
                LostCalls(event, count)
                for event, count in sorted(events.items(), key=lambda each: (-each[1], each[0]))[:_LISTED]
            ),
            further=tuple(self._steps.principal(each) for each in others),
            first_seen=first,
            last_seen=last,
            confidence=confidence,
            complete="sessions" not in self._ties.truncated,
        )


def _onward(step: Step, issue: Issue) -> Key:
    """The session to follow a chain to; `()` where it ends, at the latest at another company's account."""
    return () if step.identity.identity_kind is IdentityKind.EXTERNAL_ACCOUNT else issue.caller
