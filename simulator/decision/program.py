"""The guardrails of one side, compiled: indexed by action, constants folded, equal conditions shared.

Algorithm (AWS Organizations User Guide, orgs_manage_policies_scps_evaluation): a matching Deny at any level denies;
otherwise every level, from the root to the account, needs a matching Allow. RCPs: RCPFullAWSAccess always stands
at every level, so only denies count (orgs_manage_policies_rcps_evaluation).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from simulator.decision.conditions import CompiledCondition, Test, compile_condition
from simulator.decision.request import Context, Request, Resource
from simulator.decision.resources import CompiledResources, ResourceTest, resource_of_request
from simulator.decision.truth import Truth
from simulator.decision.verdict import ALLOWED_SIDE, SideResult, SideVerdict, StatementRef
from simulator.iam.action_names import action_matcher
from simulator.iam.catalog import Catalog
from simulator.policy.document import Effect, PolicyDocument, PolicyType, Statement

Levels = tuple[tuple[PolicyDocument, ...], ...]
"""The policies of each level, the root's first."""

Sign = tuple[str, str, tuple[str, ...], bool]
"""A condition's operator, key and values, and whether variables count: what makes it the same as another one."""

_MAX_PLANS: Final = 20_000
"""Actions to remember; hostile logs can name any number of them."""

_UNASKED: Final = object()


class CompiledStatement:
    """One statement, ready to ask. `content` is equal for statements that say the same, wherever they stand."""

    __slots__ = (
        "condition_numbers",
        "content",
        "deny",
        "matches_action",
        "numbers_in_order",
        "ref",
        "resources",
        "statement",
    )

    def __init__(
        self,
        ref: StatementRef,
        statement: Statement,
        resources: CompiledResources,
        numbers_in_order: tuple[int, ...],
        content: str,
    ) -> None:
        self.ref = ref
        self.statement = statement
        self.deny = statement.effect is Effect.DENY
        words = (word.value for word in statement.actions.words)
        self.matches_action = action_matcher(words, negated=statement.actions.negated)
        self.resources = resources
        # One number for each condition as written; equal conditions have equal numbers and are asked once.
        self.numbers_in_order = numbers_in_order
        self.condition_numbers = tuple(dict.fromkeys(numbers_in_order))
        self.content = content


@dataclass(frozen=True, slots=True)
class Settled:
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


@dataclass(frozen=True, slots=True)
class _Planned:
    """A statement that names the action, with what is left to ask.

    `conditions` and `resource` number the plan's own tests; `resource` is `None` where it matches everything.
    """

    compiled: CompiledStatement
    resource: int | None
    conditions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that an action needs. `levels` lists only levels whose Allow is not settled by the action alone."""

    denies: tuple[_Planned, ...]
    levels: tuple[tuple[int, tuple[_Planned, ...]], ...]
    tests: tuple[Test, ...]
    resource_tests: tuple[ResourceTest, ...]
    reads: frozenset[str] = field(default_factory=frozenset)
    reads_resource: bool = False


class Program:
    """One side's guardrails for one chain of nodes. Hashable and picklable; equal levels make equal programs."""

    def __init__(self, side: PolicyType, levels: Levels, catalog: Catalog) -> None:
        self.side = side
        self.levels = levels
        self._catalog = catalog
        self._conditions: list[CompiledCondition] = []
        compiler = _Compiler(catalog, self._conditions)
        compiled = compiler.levels(side, levels)
        self._numbers = compiler.numbers
        self.statements: tuple[tuple[CompiledStatement, ...], ...] = compiled
        self._plans: dict[str, _Plan] = {}
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
        context = request.context
        resource = resource_of_request(request.action, request.resource)
        ask = _Questions(plan, resource, context).ask
        denying: list[CompiledStatement] = []
        open_denies: list[CompiledStatement] = []
        for planned in plan.denies:
            truth = ask(planned)
            if truth is False:
                continue
            if truth:
                denying.append(planned.compiled)
            elif settled is None or planned.compiled.content not in settled.false_denies:
                open_denies.append(planned.compiled)
        if denying:
            return SideVerdict(SideResult.EXPLICIT_DENY, tuple(each.ref for each in denying))
        open_allows: list[CompiledStatement] = []
        for number, allows in plan.levels:
            undecided = []
            for planned in allows:
                truth = ask(planned)
                if truth:
                    break
                if truth is None:
                    undecided.append(planned.compiled)
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
        ask = _Questions(plan, resource, request.context).ask

        def undecided(planned: Iterable[_Planned]) -> frozenset[str]:
            return frozenset(each.compiled.content for each in planned if ask(each) is None)

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

    def _plan(self, action: str) -> _Plan:
        plan = self._plans.get(action)
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
            plan = self._plans[action] = self._make_plan(action.lower())
        return plan

    def _make_plan(self, action: str) -> _Plan:
        conditions: dict[int, int] = {}
        resources: dict[str, int] = {}
        resource_tests: list[ResourceTest] = []

        def plan(statement: CompiledStatement) -> _Planned:
            element = statement.resources
            resource = None
            if not element.everything:
                resource = resources.setdefault(element.content, len(resource_tests))
                if resource == len(resource_tests):
                    resource_tests.append(element.test)
            numbers = tuple(conditions.setdefault(number, len(conditions)) for number in statement.condition_numbers)
            return _Planned(statement, resource, numbers)

        naming = [[each for each in level if each.matches_action(action)] for level in self.statements]
        denies = tuple(plan(each) for level in naming for each in level if each.deny)
        levels = []
        if self.side is PolicyType.SCP:
            for number, level in enumerate(naming):
                allows = tuple(plan(each) for each in level if not each.deny)
                if not any(each.resource is None and not each.conditions for each in allows):
                    levels.append((number, allows))
        asked = [*denies, *(each for _, allows in levels for each in allows)]
        reads = frozenset[str]().union(
            *(self._conditions[number].keys for number in conditions), *(each.compiled.resources.keys for each in asked)
        )
        tests = tuple(self._conditions[number].test for number in conditions)
        reads_resource = any(each.resource is not None for each in asked)
        return _Plan(denies, tuple(levels), tests, tuple(resource_tests), reads, reads_resource)


def _position(statement: CompiledStatement) -> tuple[int, int, int]:
    ref = statement.ref
    return ref.level, ref.policy or 0, ref.statement or 0


class _Questions:
    """The tests of one plan for one request; a test that several statements share is asked at most once."""

    __slots__ = ("_answers", "_context", "_resource", "_resource_answers", "_resource_tests", "_tests")

    def __init__(self, plan: _Plan, resource: Resource, context: Context) -> None:
        self._tests = plan.tests
        self._resource_tests = plan.resource_tests
        self._resource = resource
        self._context = context
        self._answers: list[object] = [_UNASKED] * len(plan.tests)
        self._resource_answers: list[object] = [_UNASKED] * len(plan.resource_tests)

    def ask(self, planned: _Planned) -> Truth:
        """Whether the statement matches."""
        truth: Truth = True
        number = planned.resource
        if number is not None:
            answer = self._resource_answers[number]
            if answer is _UNASKED:
                test = self._resource_tests[number]
                answer = self._resource_answers[number] = test(self._resource, self._context)
            if answer is False:
                return False
            if answer is None:
                truth = None
        answers = self._answers
        for number in planned.conditions:
            answer = answers[number]
            if answer is _UNASKED:
                answer = answers[number] = self._tests[number](self._context)
            if answer is False:
                return False
            if answer is None:
                truth = None
        return truth


class _Compiler:
    """Compiles statements; equal conditions get one number, so they are asked once."""

    def __init__(self, catalog: Catalog, conditions: list[CompiledCondition]) -> None:
        self.catalog = catalog
        self.conditions = conditions
        self.numbers: dict[Sign, int] = {}

    def levels(self, side: PolicyType, levels: Levels) -> tuple[tuple[CompiledStatement, ...], ...]:
        return tuple(
            tuple(
                self.statement(StatementRef(side, level, policy, statement.index, statement.sid), statement, document)
                for policy, document in enumerate(documents)
                for statement in document.statements
            )
            for level, documents in enumerate(levels)
        )

    def statement(self, ref: StatementRef, statement: Statement, document: PolicyDocument) -> CompiledStatement:
        # Variables are plain text under the older version (reference_policies_variables).
        variables = document.version == "2012-10-17"
        numbers = []
        signs = []
        for condition in statement.conditions:
            values = tuple(word.value for word in condition.values)
            sign = (str(condition.operator), condition.key.value.lower(), tuple(sorted(set(values))), variables)
            if sign not in self.numbers:
                self.numbers[sign] = len(self.conditions)
                multivalued = self.catalog.is_multivalued(condition.key.value)
                self.conditions.append(
                    compile_condition(
                        condition.operator,
                        condition.key.value,
                        values,
                        variables=variables,
                        multivalued=multivalued,
                    )
                )
            numbers.append(self.numbers[sign])
            signs.append(repr(sign))
        resources = CompiledResources(statement.resources, variables=variables)
        content = repr(
            (
                statement.effect.value,
                statement.actions.name,
                sorted({word.value.lower() for word in statement.actions.words}),
                resources.content,
                sorted(signs),
            )
        )
        return CompiledStatement(ref, statement, resources, tuple(numbers), content)
