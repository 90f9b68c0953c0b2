"""Two proposals over the same log: base and head side by side, judged by what the log proves of today's guardrails.

A call passed (or failed) under the guardrails of that day, which neither proposal has to contain. So three versions
count: what today's prove goes into both verdicts, and only then are base and head compared.
"""

from collections.abc import Hashable, Iterator
from typing import NamedTuple

from simulator.decision.facts import Facts
from simulator.decision.request import Request
from simulator.decision.verdict import Decision, SideResult, SideVerdict
from simulator.iam.catalog import Catalog
from simulator.organization.guardrails import Governed
from simulator.organization.tree import Organization
from simulator.policy.document import Effect, PolicyType
from simulator.replay.guardrails import Chain, GuardrailPair, Pair, answer_of, exempt_answer, joined
from simulator.replay.outcome import Answer, SideAnswer

_CALL_FACTS = frozenset({"resource", "resource_account"})
"""Open facts that two statements may depend on in different ways."""


class Requests(NamedTuple):
    """One check as made under today's organization, base and head; they differ only where accounts move."""

    today: Request
    base: Request
    head: Request


class _Sides(NamedTuple):
    """One side's three answers."""

    today: SideAnswer
    base: SideAnswer
    head: SideAnswer


class Judged(NamedTuple):
    """The three answers. An undecided one of `today` or `head` is fresh unless base denies wherever it does."""

    today: Answer
    base: Answer
    head: Answer

    @property
    def lifted(self) -> bool:
        """Whether today's guardrails deny, or may deny, what base does not."""
        return any(
            side.decision is Decision.DENIED or (side.decision is Decision.UNDECIDED and side.fresh)
            for side in self.today
        )


class ReviewGuardrails(GuardrailPair):
    """Judges requests under today's organization and two proposals for it; `proposed` is the head."""

    def __init__(self, today: Organization, base: Organization, head: Organization, catalog: Catalog) -> None:
        super().__init__(today, head, catalog)
        self._base = GuardrailPair(today, base, catalog)
        self._trios: dict[tuple[PolicyType, bool, bool], tuple[tuple[Pair, Pair], ...]] = {}

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """All versions that requests are judged under."""
        return self.current, self._base.proposed, self.proposed

    def pairs_of(self, side: PolicyType) -> Iterator[Pair]:
        """The chains of all nodes, in all versions."""
        yield from super().pairs_of(side)
        yield from self._base.pairs_of(side)

    def sign(self, side: PolicyType, governed: tuple[Governed, ...], account: object) -> Hashable:
        """What is equal for accounts whose chains are the same in all versions; `governed` in each of them."""
        return super().sign(side, governed, account), self._base.sign(side, governed, account)

    def review(self, requests: Requests, facts: Facts, *, passed: bool) -> Judged:
        """Decide one check under all three versions."""
        scp = self._sides(PolicyType.SCP, requests, facts, passed)
        rcp = self._sides(PolicyType.RCP, requests, facts, passed)
        return Judged(*(Answer(*each) for each in zip(scp, rcp, strict=True)))

    def _sides(self, side: PolicyType, requests: Requests, facts: Facts, passed: bool) -> _Sides:
        governed = [
            self.governed(side, request, facts, organization)
            for request, organization in zip(requests, self.organizations, strict=True)
        ]
        fact = next((each.unknown for each in governed if each.unknown), None)
        if fact is not None:
            return self._unplaced_sides(side, requests, facts, passed, fact)
        today, base, head = governed
        if today.exempt and base.exempt and head.exempt:
            return _Sides(*(exempt_answer(each.exempt or "") for each in governed))
        account = today.account or base.account or head.account or ""
        to_base, to_head = self._base.pair(side, account), self.pair(side, account)
        now = to_head.current if today.account else None
        return self._compare(
            Pair(now, to_base.proposed if base.account else None),
            Pair(now, to_head.proposed if head.account else None),
            requests,
            passed,
        )

    def _compare(self, to_base: Pair, to_head: Pair, requests: Requests, passed: bool) -> _Sides:
        today, base = self._base.verdicts(to_base, requests.today, requests.base, passed=passed)
        _, head = self.verdicts(to_head, requests.today, requests.head, passed=passed)

        def fresh(verdict: SideVerdict, chain: Chain | None) -> bool:
            return verdict.result is SideResult.UNDECIDED and not _implies(
                verdict, chain, base, to_base.proposed, requests.base
            )

        return _Sides(
            answer_of(today, to_head.current, fresh(today, to_head.current)),
            answer_of(base, to_base.proposed),
            answer_of(head, to_head.proposed, fresh(head, to_head.proposed)),
        )

    def _unplaced_sides(self, side: PolicyType, requests: Requests, facts: Facts, passed: bool, fact: str) -> _Sides:
        """A call whose account, or whose resource's owner, cannot be placed; see `GuardrailPair`."""
        pairs = self._possible_trios(side, *self.whereabouts(side, requests.today, facts))
        found = [self._compare(to_base, to_head, requests, passed) for to_base, to_head in pairs]
        if passed:
            found = [each for each in found if each.today.decision is not Decision.DENIED]
        return _Sides(
            joined([_seen(each.today, each.base) for each in found], fact),
            joined([each.base for each in found], fact),
            joined([_seen(each.head, each.base) for each in found], fact),
        )

    def _possible_trios(self, side: PolicyType, members: bool, missing: bool) -> tuple[tuple[Pair, Pair], ...]:
        key = (side, members, missing)
        if key not in self._trios:
            nodes = self._base.possible_nodes(members, missing) | self.possible_nodes(members, missing)
            pairs = [(self._base.pair(side, node), self.pair(side, node)) for node in nodes]
            self._trios[key] = tuple(
                {
                    (id(each.current), id(base.proposed), id(each.proposed)): (base, each) for base, each in pairs
                }.values()
            )
        return self._trios[key]


def _seen(answer: SideAnswer, base: SideAnswer) -> SideAnswer:
    """Seen from a chain that base does not deny, an answer that only may be a denial is something new."""
    return answer._replace(fresh=answer.fresh or (answer.decision is Decision.DENIED is not base.decision))


def _implies(
    verdict: SideVerdict, chain: Chain | None, base: SideVerdict, base_chain: Chain | None, request: Request
) -> bool:
    """Whether base surely denies wherever an undecided verdict turns out to be a denial."""
    if base.result.denies:
        return True
    if base.result is not SideResult.UNDECIDED or chain is None or base_chain is None:
        return False
    if not _CALL_FACTS & set(base.keys) and base_chain.program.evaluate(request).result.denies:
        # Base's statements deny, and only who called could lift that: from the other version just as well.
        return True
    ours, theirs = _Open.of(verdict, chain), _Open.of(base, base_chain)
    return (
        ours.denies <= theirs.denies
        and ours.levels <= theirs.levels
        and all(any(fewer <= allows for fewer in theirs.allows) for allows in ours.allows)
    )


class _Open(NamedTuple):
    """What an undecided verdict hangs on.

    `denies`: contents of Deny statements; `allows`: for each level, the contents of the Allow statements of which one
    must match; `levels`: levels as a whole (a missing Allow, or what the snapshot lacks), with all that stands there.
    """

    denies: frozenset[str]
    allows: tuple[frozenset[str], ...]
    levels: frozenset[tuple[str, tuple[str, ...]]]

    @classmethod
    def of(cls, verdict: SideVerdict, chain: Chain) -> "_Open":
        wanted = set(verdict.by)
        named = [each for level in chain.program.statements for each in level if each.ref in wanted]
        denies = frozenset(each.content for each in named if each.statement.effect is Effect.DENY)
        allows: dict[int, set[str]] = {}
        for each in named:
            if each.statement.effect is Effect.ALLOW:
                allows.setdefault(each.ref.level, set()).add(each.content)
        bare = (chain.levels[ref.level] for ref in verdict.by if ref.policy is None)
        levels = frozenset((level.node.id, tuple(each.text for each in level.documents)) for level in bare)
        return cls(denies, tuple(map(frozenset, allows.values())), levels)
