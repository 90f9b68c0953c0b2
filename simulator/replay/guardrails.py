"""Current and proposed guardrails side by side, compiled, ready to judge requests.

Chains with the same policies share one program. A call whose account cannot be placed is judged against every chain
it may meet, and stays undecided unless they all agree.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from simulator.decision.conditions import CompiledCondition
from simulator.decision.evaluator import Evaluator
from simulator.decision.facts import Facts
from simulator.decision.program import Program, Settled
from simulator.decision.request import UNKNOWN, Principal, Request, Unknown
from simulator.decision.resources import CompiledResources
from simulator.decision.verdict import ALLOWED_SIDE, Decision, SideResult, SideVerdict, StatementRef
from simulator.iam.catalog import Catalog
from simulator.organization.guardrails import Governed, Level, levels, rcp_governed, scp_governed
from simulator.organization.tree import FULL_ACCESS, NodeKind, Organization
from simulator.policy.document import PolicyType
from simulator.replay.outcome import Answer, SideAnswer, StatementPlace

INCOMPLETE_SNAPSHOT: Final = "organization"
"""The "key" that would settle an answer which an incomplete snapshot leaves open."""

_MOST_ACTIONS: Final = 20_000
"""Actions to remember; hostile logs can name any number of them."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain of nodes, compiled."""

    levels: tuple[Level, ...]
    program: Program

    @property
    def complete(self) -> bool:
        """Whether the snapshot tells of every level what is attached there."""
        return all(level.complete for level in self.levels)

    def place(self, ref: StatementRef) -> StatementPlace:
        """The determining statement with the names people know it by."""
        level = self.levels[ref.level]
        node = level.node.id
        side = ref.side.value
        if ref.policy is None or ref.statement is None:
            return StatementPlace(side, None, None, None, node, ref.level, None, None, "")
        policy = level.policies[ref.policy]
        statement = policy.document.statements[ref.statement]
        compiled = next(each for each in self.program.statements[ref.level] if each.ref == ref)
        return StatementPlace(
            side,
            policy.name,
            ref.sid,
            ref.statement,
            node,
            ref.level,
            policy.document.file,
            statement.span.line,
            compiled.content,
        )

    def contents(self, refs: Iterable[StatementRef]) -> frozenset[str]:
        """The contents of the statements, by which they are the same wherever they stand."""
        wanted = set(refs)
        return frozenset(each.content for level in self.program.statements for each in level if each.ref in wanted)


@dataclass(frozen=True, slots=True)
class Pair:
    """The same account's chain, now and as proposed. `None`: the account has no chain there."""

    current: Chain | None
    proposed: Chain | None

    def new_gap(self) -> int | None:
        """The first level about which the snapshot lacks something, and below which the account stands only then."""
        if self.proposed is None or self.proposed.complete:
            return None
        known = {level.node.id for level in self.current.levels} if self.current else set()
        gaps = (n for n, level in enumerate(self.proposed.levels) if not level.complete and level.node.id not in known)
        return next(gaps, None)


class GuardrailPair:
    """Judges requests under the current and the proposed organization."""

    def __init__(self, current: Organization, proposed: Organization, catalog: Catalog) -> None:
        self.current = current
        self.proposed = proposed
        self._catalog = catalog
        self._evaluator = Evaluator(catalog)
        self._chains: dict[tuple[bool, PolicyType, str], Chain] = {}
        self._keys_for: dict[str, frozenset[str]] = {}
        self._asks_resource: dict[str, bool] = {}
        self._programs: tuple[Program, ...] | None = None
        self._pairs: dict[tuple[PolicyType, str], Pair] = {}
        self._possible: dict[tuple[PolicyType, bool, bool], tuple[Pair, ...]] = {}

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """All versions that requests are judged under."""
        return self.current, self.proposed

    def programs(self) -> tuple[Program, ...]:
        """The distinct programs of both versions."""
        if self._programs is None:
            pairs = (pair for side in PolicyType for pair in self.pairs_of(side))
            found = (chain.program for pair in pairs for chain in (pair.current, pair.proposed) if chain is not None)
            self._programs = tuple({id(program): program for program in found}.values())
        return self._programs

    def keys_for(self, action: str) -> frozenset[str]:
        """The context keys that some statement of either version reads for an action, in lower case."""
        keys = self._keys_for.get(action)
        if keys is None:
            if len(self._keys_for) >= _MOST_ACTIONS:
                self._keys_for.clear()
            keys = frozenset[str]().union(*(program.keys_for(action) for program in self.programs()))
            self._keys_for[action] = keys
        return keys

    def keys(self) -> frozenset[str]:
        """Every context key that some statement of either version reads, in lower case."""
        return frozenset[str]().union(*(program.keys for program in self.programs()))

    def asks_resource(self, action: str, principal: Principal, facts: Facts) -> bool:
        """Whether it matters which resource a caller's action is on: who owns it, or what it is called.

        It does not where no statement asks for it, no RCP of anybody names the action, and an SCP reaches the caller in
        both versions, so that the call is not exempt whatever else holds.
        """
        matters = self._asks_resource.get(action)
        if matters is None:
            if len(self._asks_resource) >= _MOST_ACTIONS:
                self._asks_resource.clear()
            matters = self._asks_resource[action] = self._may_ask_resource(action)
        if matters:
            return True
        if self._evaluator.exemption(principal, action, PolicyType.SCP) is not None:
            return True
        governed = (scp_governed(each, facts, principal) for each in self.organizations)
        return any(each.account is None for each in governed)

    def _may_ask_resource(self, action: str) -> bool:
        if any(program.reads_resource(action) for program in self.programs()):
            return True
        chains = [chain for pair in self.pairs_of(PolicyType.RCP) for chain in (pair.current, pair.proposed) if chain]
        return any(not chain.complete or chain.program.names(action) for chain in chains)

    def pairs_of(self, side: PolicyType) -> Iterator[Pair]:
        """The chains of all nodes, in all versions."""
        return (self.pair(side, node) for node in {**self.current.nodes, **self.proposed.nodes})

    def asked(self, actions: Iterable[str]) -> tuple[tuple[CompiledCondition, ...], tuple[CompiledResources, ...]]:
        """The distinct conditions and resource elements that some statement asks for one of the actions."""
        conditions: dict[int, CompiledCondition] = {}
        elements: dict[str, CompiledResources] = {}
        for action in actions:
            for program in self.programs():
                theirs, resources = program.asked(action)
                conditions |= {id(each): each for each in theirs}
                elements |= {each.content: each for each in resources}
        return tuple(conditions.values()), tuple(elements.values())

    def sign_of_caller(self, principal: Principal, facts: Facts) -> Hashable:
        """What is equal for callers whom no SCP tells apart, but for the condition keys that they carry."""
        governed = tuple(scp_governed(each, facts, principal) for each in self.organizations)
        placed = self.sign(PolicyType.SCP, governed, principal.account)
        return principal.kind, principal.service_linked, placed

    def sign_of_owner(self, account: str | Literal[Unknown.UNKNOWN] | None, facts: Facts) -> Hashable:
        """What is equal for owners of resources whose RCPs are the same."""
        governed = tuple(rcp_governed(each, facts, account) for each in self.organizations)
        return account is UNKNOWN, self.sign(PolicyType.RCP, governed, account)

    def sign(self, side: PolicyType, governed: tuple[Governed, ...], account: object) -> Hashable:
        """What is equal for accounts whose chains are the same in all versions; `governed` in each of them."""
        placed = next((each.account for each in governed if each.account), None)
        pair = self.pair(side, placed) if placed else None
        return (
            isinstance(account, str),
            tuple((each.account is None, each.exempt, each.unknown) for each in governed),
            (id(pair.current), id(pair.proposed)) if pair else None,
        )

    def judge(
        self, current_request: Request, proposed_request: Request, facts: Facts, *, passed: bool
    ) -> tuple[Answer, Answer]:
        """Decide one check under both versions. The two requests differ only where accounts move."""
        scp = self._side(PolicyType.SCP, current_request, proposed_request, facts, passed)
        rcp = self._side(PolicyType.RCP, current_request, proposed_request, facts, passed)
        return Answer(scp[0], rcp[0]), Answer(scp[1], rcp[1])

    # One side

    def _side(
        self, side: PolicyType, current_request: Request, proposed_request: Request, facts: Facts, passed: bool
    ) -> tuple[SideAnswer, SideAnswer]:
        governed = self.governed(side, current_request, facts, self.current)
        then = self.governed(side, proposed_request, facts, self.proposed)
        if governed.unknown or then.unknown:
            fact = governed.unknown or then.unknown or ""
            pairs = self._possible_pairs(side, *self.whereabouts(side, current_request, facts))
            return self._unplaced(pairs, current_request, proposed_request, passed, fact)
        if governed.exempt and then.exempt:
            return exempt_answer(governed.exempt), exempt_answer(then.exempt)
        account = governed.account or then.account or ""
        pair = self.pair(side, account)
        return self._judge_pair(
            Pair(pair.current if governed.account else None, pair.proposed if then.account else None),
            current_request,
            proposed_request,
            passed,
        )

    def governed(self, side: PolicyType, request: Request, facts: Facts, organization: Organization) -> Governed:
        """Whose guardrails one side of a request meets in an organization."""
        if side is PolicyType.SCP:
            return scp_governed(organization, facts, request.principal)
        return rcp_governed(organization, facts, request.resource_account)

    def _judge_pair(
        self, pair: Pair, current_request: Request, proposed_request: Request, passed: bool
    ) -> tuple[SideAnswer, SideAnswer]:
        before, after = self.verdicts(pair, current_request, proposed_request, passed=passed)
        return answer_of(before, pair.current), answer_of(after, pair.proposed, _is_fresh(before, after, pair, passed))

    def verdicts(
        self, pair: Pair, current_request: Request, proposed_request: Request, *, passed: bool
    ) -> tuple[SideVerdict, SideVerdict]:
        """What both chains say; the proposed one's verdict holds what a passed call proves under the current one."""
        before = self._verdict(pair.current, current_request, passed)
        if passed and _lacks_allow(pair.current, before):
            before = ALLOWED_SIDE
        settled = None
        if passed and pair.current is not None and before.result is not SideResult.NOT_APPLICABLE:
            settled = pair.current.program.prove(current_request)
        after = self._verdict(pair.proposed, proposed_request, passed, settled)
        if passed and pair.proposed is not None and not pair.proposed.complete:
            after = self._below_gaps(after, pair.proposed, pair, current_request, settled)
        if passed and self._proved_out_of_reach(before, pair.current, current_request):
            after = ALLOWED_SIDE
        return before, after

    def _verdict(
        self, chain: Chain | None, request: Request, passed: bool, settled: Settled | None = None
    ) -> SideVerdict:
        if chain is None:
            return ALLOWED_SIDE
        verdict = self._evaluator.side(request, chain.program, settled)
        # What the snapshot lacks stands in both versions: a call that passed proves that it did not deny.
        if chain.complete or passed or verdict.result in (SideResult.NOT_APPLICABLE, SideResult.EXPLICIT_DENY):
            return verdict
        if verdict.result is SideResult.IMPLICIT_DENY:
            return _left_open(verdict, chain, verdict.by[0].level) if _lacks_allow(chain, verdict) else verdict
        gap = next(number for number, level in enumerate(chain.levels) if not level.complete)
        return _left_open(verdict, chain, gap)

    def _below_gaps(
        self, after: SideVerdict, proposed: Chain, pair: Pair, current_request: Request, settled: Settled | None
    ) -> SideVerdict:
        """What a passed call does not prove of levels about which the snapshot lacks something."""
        if _lacks_allow(proposed, after):
            # Only where nothing known allowed it today either, something unknown did, and still does.
            level = after.by[0].level
            if pair.current is not None:
                today = self._evaluator.side(current_request, pair.current.program, settled)
                node = proposed.levels[level].node.id
                if _lacks_allow(pair.current, today) and pair.current.levels[today.by[0].level].node.id == node:
                    return ALLOWED_SIDE
            return _left_open(after, proposed, level)
        gap = pair.new_gap()
        if gap is not None and after.result in (SideResult.ALLOWED, SideResult.UNDECIDED):
            # What stands there has never been asked about this call.
            return _left_open(after, proposed, gap)
        return after

    def _proved_out_of_reach(self, before: SideVerdict, chain: Chain | None, request: Request) -> bool:
        """Whether a passed call proves that this side does not reach it: the statements deny, an open fact does not.

        A role that may be service-linked and passed a sure denial is service-linked; likewise an AWS managed key.
        """
        if before.result is not SideResult.UNDECIDED or chain is None:
            return False
        return chain.program.evaluate(request).result.denies

    def _unplaced(
        self, pairs: Iterable[Pair], current_request: Request, proposed_request: Request, passed: bool, fact: str
    ) -> tuple[SideAnswer, SideAnswer]:
        """A call whose account, or whose resource's owner, cannot be placed: any of the chains may be it, or none."""
        answers = [self._judge_pair(pair, current_request, proposed_request, passed) for pair in pairs]
        if passed:
            answers = [each for each in answers if each[0].decision is not Decision.DENIED]
        return joined([before for before, _ in answers], fact), joined(
            [
                # Seen from a chain that denies only as proposed, the open answer is something new.
                after._replace(fresh=after.fresh or (after.decision is Decision.DENIED is not before.decision))
                for before, after in answers
            ],
            fact,
        )

    # Chains

    def pair(self, side: PolicyType, node_id: str) -> Pair:
        """The chains of an account or unit."""
        pair = self._pairs.get((side, node_id))
        if pair is None:
            pair = Pair(self._chain(False, side, node_id), self._chain(True, side, node_id))
            self._pairs[side, node_id] = pair
        return pair

    def _chain(self, proposed: bool, side: PolicyType, node_id: str) -> Chain | None:
        organization = self.proposed if proposed else self.current
        home = _home(organization, node_id, side)
        if home is None:
            return None
        key = (proposed, side, home)
        chain = self._chains.get(key)
        if chain is None:
            found = levels(organization, home, side)
            program = Program(side, tuple(level.documents for level in found), self._catalog)
            chain = self._chains[key] = Chain(found, program)
        return chain

    def whereabouts(self, side: PolicyType, request: Request, facts: Facts) -> tuple[bool, bool]:
        """What is known of an account that cannot be placed: `members` and `missing` of `possible_nodes`."""
        account = request.principal.account if side is PolicyType.SCP else request.resource_account
        # An account known by its id is missing in the snapshot: it may stand in any unit.
        named = isinstance(account, str)
        return not named, named or bool(facts.stale_accounts) or self.current.may_lack_accounts

    def possible_nodes(self, members: bool, missing: bool) -> dict[str, None]:
        """The nodes whose chains an account may have of which only this is known.

        `members`: it may be any member account of either version; `missing`: it may be one that the snapshot lacks,
        in any unit (the proposal moves no such account, and attaches nothing to it).
        """
        nodes: dict[str, None] = {}
        if members:
            nodes |= dict.fromkeys(each.id for each in (*self.current.accounts, *self.proposed.accounts))
            nodes.pop(self.current.management_account or "", None)
        if missing or self.current.assumed:
            nodes |= dict.fromkeys(each.id for each in self.current.nodes.values() if each.kind is not NodeKind.ACCOUNT)
        return nodes

    def _possible_pairs(self, side: PolicyType, members: bool, missing: bool) -> tuple[Pair, ...]:
        key = (side, members, missing)
        if key not in self._possible:
            pairs = (self.pair(side, node) for node in self.possible_nodes(members, missing))
            self._possible[key] = tuple({(id(pair.current), id(pair.proposed)): pair for pair in pairs}.values())
        return self._possible[key]


def _home(organization: Organization, node_id: str, side: PolicyType) -> str | None:
    """The node whose chain governs a node, by which chains are shared; `None` if the organization lacks the node.

    An account that has only the full-access policy never determines a verdict: its unit's chain is its own.
    """
    node = organization.nodes.get(node_id) or organization.account(node_id)
    if node is None:
        return None
    plain = node.kind is NodeKind.ACCOUNT and node.attached(side) == (FULL_ACCESS[side],)
    return node.parent if plain and organization.knows(node_id, side) else node_id


def _lacks_allow(chain: Chain | None, verdict: SideVerdict) -> bool:
    """Whether the only denial is a missing Allow at a level where the snapshot may lack one."""
    if chain is None or verdict.result is not SideResult.IMPLICIT_DENY:
        return False
    return not chain.levels[verdict.by[0].level].complete


def _left_open(verdict: SideVerdict, chain: Chain, level: int) -> SideVerdict:
    """The verdict, left open by what the snapshot lacks at a level, beside the statements that leave it open."""
    undecided = verdict.result is SideResult.UNDECIDED
    by = (*(verdict.by if undecided else ()), StatementRef(chain.program.side, level))
    keys = tuple(sorted({*verdict.keys, INCOMPLETE_SNAPSHOT}))
    keys_by = (*(verdict.keys_by if undecided else ()), (INCOMPLETE_SNAPSHOT,))
    return SideVerdict(SideResult.UNDECIDED, by, keys, keys_by=keys_by)


def exempt_answer(reason: str) -> SideAnswer:
    """The answer of a side that does not reach the call, for this reason."""
    return SideAnswer(Decision.ALLOWED, False, reason=reason)


def answer_of(verdict: SideVerdict, chain: Chain | None, fresh: bool = False) -> SideAnswer:
    """A verdict with its statements resolved."""
    if verdict.result is SideResult.ALLOWED or chain is None:
        return _ALLOWED
    if verdict.result is SideResult.NOT_APPLICABLE:
        return exempt_answer(verdict.reason)
    decision = Decision.DENIED if verdict.result.denies else Decision.UNDECIDED
    places = tuple(chain.place(ref) for ref in verdict.by)
    return SideAnswer(decision, True, places, verdict.keys, verdict.keys_by, fresh=fresh)


_ALLOWED: Final = SideAnswer(Decision.ALLOWED, True)


def _is_fresh(before: SideVerdict, after: SideVerdict, pair: Pair, passed: bool) -> bool:
    """Whether an undecided answer hangs on a statement that is not as undecided in the current version."""
    if after.result is not SideResult.UNDECIDED or pair.proposed is None:
        return False
    if passed:
        # What a passed call proves has been taken out already: what is left is new.
        return True
    if pair.current is None or before.result is not SideResult.UNDECIDED:
        return True
    return not pair.proposed.contents(after.by) <= pair.current.contents(before.by)


def joined(answers: Sequence[SideAnswer], fact: str) -> SideAnswer:
    """One answer for several possible chains, or none at all: allowed only if all of them allow."""
    if answers and not any(answer.applies for answer in answers):
        return answers[0]
    open_answers = [answer for answer in answers if answer.decision is not Decision.ALLOWED]
    if not open_answers:
        return _ALLOWED
    keys = {fact, *(key for answer in open_answers for key in answer.keys)}
    by: dict[StatementPlace, set[str]] = {}
    for answer in open_answers:
        for place, its_keys in answer.found():
            by.setdefault(place, {fact}).update(its_keys)
    keys_by = tuple(tuple(sorted(each)) for each in by.values())
    fresh = any(answer.fresh for answer in open_answers)
    return SideAnswer(Decision.UNDECIDED, True, tuple(by), tuple(sorted(keys)), keys_by, fresh=fresh)
