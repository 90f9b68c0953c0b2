"""Trees of who is behind a principal, added up from the chains of single sessions."""

from bisect import insort
from collections.abc import Iterable, Mapping
from typing import Final

from simulator.analysis.identities.model import (
    Behind,
    Confidence,
    Evidence,
    Identity,
    IdentityKind,
    Relation,
    order_of_behind,
    weakest,
)
from simulator.analysis.identities.steps import Step
from simulator.replay.bounded import widened
from simulator.replay.outcome import StatementPlace
from simulator.replay.tie_folds import EXAMPLES, Tally, Use, add_counts

_Branch = tuple[Identity, Relation, Confidence]

MOST_BRANCHES: Final = 200
"""Identities shown directly behind one; the ones with most denied calls stay."""


class Tree:
    """What is behind one principal, or behind somebody behind it."""

    __slots__ = (
        "branches",
        "calls",
        "denied",
        "evidence",
        "first",
        "hits",
        "last",
        "open_hits",
        "sessions",
        "undecided",
    )

    def __init__(self) -> None:
        self.branches: dict[_Branch, Tree] = {}
        self.evidence: dict[str, tuple[int, list[str]]] = {}
        self.sessions = 0
        self.calls = 0
        self.denied = 0
        self.undecided = 0
        self.first = ""
        self.last = ""
        self.hits: dict[StatementPlace, int] = {}
        self.open_hits: dict[StatementPlace, int] = {}

    def branch(self, step: Step) -> "Tree":
        """The tree of one identity behind this one."""
        key = (step.identity, step.relation, step.confidence)
        tree = self.branches.get(key)
        if tree is None:
            tree = self.branches[key] = Tree()
        return tree

    def add(self, steps: Iterable[tuple[Step, str]], use: Use | None, sessions: int = 1) -> None:
        """Add a session: its chain, nearest first, each step with the event that shows it, and what was done in it."""
        tree = self
        for step, event_id in steps:
            tree = tree.branch(step)
            tree.reason(step.why, max(sessions, 1), (event_id,))
            if use is not None:
                tree.count(use, sessions)

    def reason(self, why: str, count: int, event_ids: Iterable[str]) -> None:
        """Note a reason for this branch."""
        known, ids = self.evidence.get(why, (0, []))
        for event_id in event_ids:
            if event_id and (len(ids) < EXAMPLES or event_id < ids[-1]) and event_id not in ids:
                insort(ids, event_id)
                del ids[EXAMPLES:]
        self.evidence[why] = known + count, ids

    def tally(self, step: Step, tally: Tally) -> None:
        """Let a branch say how often the records issued a session, which are counted completely."""
        tree = self.branch(step)
        tree.evidence[step.why] = tally.calls, list(tally.event_ids)
        tree.see(tally.first, tally.last)

    def see(self, *times: str) -> None:
        """Widen the window."""
        for time in times:
            self.first, self.last = widened(self.first, self.last, time)

    def behind(self, chain: tuple[Confidence, ...] = ()) -> tuple[Behind, ...]:
        """The branches as values, most newly denied calls first."""
        found = []
        for (identity, relation, confidence), tree in self.branches.items():
            steps = (*chain, confidence)
            found.append(
                Behind(
                    identity=identity,
                    relation=relation,
                    confidence=weakest(*steps),
                    evidence=tree.reasons(),
                    sessions=tree.sessions,
                    calls=tree.calls,
                    denied=tree.denied,
                    undecided=tree.undecided,
                    first_seen=tree.first,
                    last_seen=tree.last,
                    denied_by=_most_first(tree.hits),
                    undecided_by=_most_first(tree.open_hits),
                    behind=tree.behind(steps),
                )
            )
        return tuple(sorted(found, key=order_of_behind)[:MOST_BRANCHES])

    def is_cut(self) -> bool:
        """Whether more is behind it than `behind` gives."""
        return len(self.branches) > MOST_BRANCHES or any(tree.is_cut() for tree in self.branches.values())

    def reasons(self) -> tuple[Evidence, ...]:
        """Why this branch stands here."""
        return tuple(Evidence(why, count, tuple(ids)) for why, (count, ids) in sorted(self.evidence.items()))

    def count(self, done: Use | Tally, sessions: int) -> None:
        """Add what was done."""
        self.sessions += sessions
        self.calls += done.calls
        self.denied += done.denied
        self.undecided += done.undecided
        self.see(done.first, done.last)
        add_counts(self.hits, done.hits)
        add_counts(self.open_hits, done.open_hits)


def _most_first(hits: Mapping[StatementPlace, int]) -> tuple[tuple[StatementPlace, int], ...]:
    return tuple(sorted(hits.items(), key=lambda hit: (-hit[1], repr(hit[0]))))


def graft(trees: Mapping[str, Tree]) -> None:
    """Let what is behind a role stand behind every use of it that no session explains, as *possible*."""
    for principal, tree in trees.items():
        room = [MOST_BRANCHES]
        for (identity, _, _), branch in sorted(tree.branches.items(), key=_order):
            if not branch.branches:
                _graft(branch, trees, identity, frozenset({principal}), room)


def _graft(branch: Tree, trees: Mapping[str, Tree], identity: Identity, above: frozenset[str], room: list[int]) -> None:
    """Copies of what is behind `identity`; `room` is how many more may be made for a principal, as paths multiply."""
    theirs = trees.get(identity.arn) if identity.identity_kind is not IdentityKind.EXTERNAL_ACCOUNT else None
    if theirs is None or identity.arn in above:
        return
    for (behind, relation, confidence), found in sorted(theirs.branches.items(), key=_order):
        if behind.arn in above or room[0] <= 0:
            continue
        room[0] -= 1
        possible = Tree()
        possible.evidence = dict(found.evidence)
        possible.see(found.first, found.last)
        branch.branches[behind, relation, weakest(confidence, Confidence.POSSIBLE)] = possible
        _graft(possible, trees, behind, above | {identity.arn}, room)


def _order(branch: tuple[_Branch, Tree]) -> tuple[Identity, str, str]:
    (identity, relation, confidence), _ = branch
    return identity, relation.value, confidence.value
