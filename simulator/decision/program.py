"""The guardrails of one side, compiled: indexed by action, constants folded, equal conditions shared.

Algorithm (AWS Organizations User Guide, orgs_manage_policies_scps_evaluation): a matching Deny at any level denies;
otherwise every level, from the root to the account, needs a matching Allow. RCPs: RCPFullAWSAccess always stands
at every level, so only denies count (orgs_manage_policies_rcps_evaluation).
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from simulator.decision.conditions import CompiledCondition
from simulator.decision.plan import Plan, Planned, Questions, make_plan
from simulator.decision.request import Request
from simulator.decision.resources import CompiledResources, resource_of_request
from simulator.decision.statement import CompiledStatement, Compiler, Levels, Sign
from simulator.decision.verdict import ALLOWED_SIDE, SideResult, SideVerdict, StatementRef
from simulator.iam.catalog import Catalog
from simulator.policy.document import PolicyType

_MAX_PLANS: Final = 20_000
"""Actions to remember; hostile logs can name any number of them."""


class Settled(msgspec.Struct, frozen=True):
    """What a logged success proves of the guardrails that stood then.

    `false_denies`: contents of Deny statements that did not match; `true_levels`: for each level, the contents of
    Allow statements of which at least one matched.
    """

    false_denies: frozenset[str] = frozenset()
    true_levels: tuple[frozenset[str], ...] = ()

    def allows(self, contents: Iterable[str]) -> bool:
        """Whether a level with these undecided Allow statements surely allows."""
        here = frozenset(contents)
        return any(level <= here for level in self.true_levels)


class Program:
    """One side's guardrails for one chain of nodes. Hashable and picklable; equal levels make equal programs."""

    def __init__(self, side: PolicyType, levels: Levels, catalog: Catalog) -> None:
        self.side = side
        self.levels = levels
        self._catalog = catalog
        self._conditions: list[CompiledCondition] = []
        compiler = Compiler(catalog, self._conditions)
        compiled = compiler.levels(side, levels)
        self._numbers = compiler.numbers
        self.statements: tuple[tuple[CompiledStatement, ...], ...] = compiled
        self._plans: dict[str, Plan] = {}
        self._texts = tuple(tuple(document.text for document in level) for level in levels)

    def __reduce__(self) -> tuple[type["Program"], tuple[PolicyType, Levels, Catalog]]:
        """Pickle the policies; closures are compiled again where the copy is used."""
        return Program, (self.side, self.levels, self._catalog)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and (self.side, self._texts) == (other.side, other._texts)

    def __hash__(self) -> int:
        return hash((self.side, self._texts))

    @property
    def keys(self) -> frozenset[str]:
        """Every context key that some statement reads, in lower case."""
        from_conditions = (condition.keys for condition in self._conditions)
        from_resources = (each.resources.keys for level in self.statements for each in level)
        return frozenset[str]().union(*from_conditions, *from_resources)

    @property
    def conditions(self) -> dict[Sign, CompiledCondition]:
        """All conditions; those that ask the same have the same sign in every program."""
        return {sign: self._conditions[number] for sign, number in self._numbers.items()}

    @property
    def resources(self) -> Iterator[CompiledResources]:
        """The resource elements of all statements."""
        return (each.resources for level in self.statements for each in level)

    def keys_for(self, action: str) -> frozenset[str]:
        """The context keys that the statements naming `action` read, in lower case."""
        return self._plan(action).reads

    def reads_resource(self, action: str) -> bool:
        """Whether some statement naming `action` asks for the resource."""
        return self._plan(action).reads_resource

    def names(self, action: str) -> bool:
        """Whether something is left to ask about `action`: some statement may deny it, or is needed to allow it."""
        plan = self._plan(action)
        return bool(plan.denies or plan.levels)

    def asked(self, action: str) -> tuple[tuple[CompiledCondition, ...], tuple[CompiledResources, ...]]:
        """All conditions and resource elements of the statements that are asked for `action`."""
        plan = self._plan(action)
        asked = [each.compiled for each in (*plan.denies, *(each for _, allows in plan.levels for each in allows))]
        numbers = dict.fromkeys(number for each in asked for number in each.condition_numbers)
        elements = {each.resources.content: each.resources for each in asked if not each.resources.everything}
        return tuple(self._conditions[number] for number in numbers), tuple(elements.values())

    def evaluate(self, request: Request, settled: Settled | None = None) -> SideVerdict:
        """Decide one request. `settled` adds what is known of undecided statements from elsewhere."""
        plan = self._plans.get(request.action) or self._plan(request.action)
        if not plan.denies and not plan.levels:
            return ALLOWED_SIDE
        resource = resource_of_request(request.action, request.resource)
        matching = Questions(plan, resource, request.context).matching
        denying: list[CompiledStatement] = []
        open_denies: list[CompiledStatement] = []
        for statement, truth in matching(plan.denies):
            if truth:
                denying.append(statement)
            elif settled is None or statement.content not in settled.false_denies:
                open_denies.append(statement)
        if denying:
            return SideVerdict(SideResult.EXPLICIT_DENY, tuple(each.ref for each in denying))
        open_allows: list[CompiledStatement] = []
        for number, allows in plan.levels:
            undecided = []
            for statement, truth in matching(allows):
                if truth:
                    break
                undecided.append(statement)
            else:
                if not undecided:
                    return SideVerdict(SideResult.IMPLICIT_DENY, (StatementRef(self.side, number),))
                if settled is None or not settled.allows(each.content for each in undecided):
                    open_allows.extend(undecided)
        if not open_denies and not open_allows:
            return ALLOWED_SIDE
        still_open = sorted(open_denies + open_allows, key=_position)
        keys_by = tuple(tuple(sorted(self.open_keys(each, request))) for each in still_open)
        keys = tuple(sorted({key for each in keys_by for key in each}))
        return SideVerdict(SideResult.UNDECIDED, tuple(each.ref for each in still_open), keys, keys_by=keys_by)

    def prove(self, request: Request) -> Settled:
        """What a logged success of `request` proves of this program's undecided statements."""
        plan = self._plan(request.action)
        resource = resource_of_request(request.action, request.resource)
        matching = Questions(plan, resource, request.context).matching

        def undecided(planned: Iterable[Planned]) -> frozenset[str]:
            return frozenset(statement.content for statement, truth in matching(planned) if truth is None)

        levels = tuple(undecided(allows) for _, allows in plan.levels)
        return Settled(undecided(plan.denies), tuple(level for level in levels if level))

    def open_keys(self, statement: CompiledStatement, request: Request) -> frozenset[str]:
        """The keys that keep an undecided statement undecided."""
        context = request.context
        resource = resource_of_request(request.action, request.resource)
        keys: set[str] = set()
        if statement.resources.test(resource, context) is None:
            keys |= statement.resources.open_keys(resource, context)
        for number in statement.condition_numbers:
            condition = self._conditions[number]
            if condition.test(context) is None:
                keys |= condition.open_keys(context)
        return frozenset(keys)

    def condition(self, number: int) -> CompiledCondition:
        """A compiled condition by its number in `CompiledStatement.condition_numbers`."""
        return self._conditions[number]

    # The index by action

    def _plan(self, action: str) -> Plan:
        plan = self._plans.get(action)
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
            plan = self._plans[action] = make_plan(self.side, self.statements, self._conditions, action.lower())
        return plan


def _position(statement: CompiledStatement) -> tuple[int, int, int]:
    ref = statement.ref
    return ref.level, ref.policy or 0, ref.statement or 0
