"""What is left to ask about one action: the statements that name it, with the tests they share and their own."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from simulator.decision.conditions import CompiledCondition, Test
from simulator.decision.request import Context, Resource
from simulator.decision.resources import ResourceTest
from simulator.decision.statement import CompiledStatement
from simulator.decision.truth import Truth
from simulator.policy.document import PolicyType


class Planned(NamedTuple):
    """A statement that names the action, with what is left to ask. A tuple: the loop over them takes it apart.

    `resource` numbers the plan's resource tests; `None` where it matches everything. Conditions that stand in several
    statements of the plan are `shared`, by number; `own` are the tests of the others, the quick ones first.
    """

    compiled: CompiledStatement
    resource: int | None
    shared: tuple[int, ...]
    own: tuple[Test, ...]

    @property
    def asks_nothing(self) -> bool:
        """Whether the statement matches whatever the request is."""
        return self.resource is None and not self.shared and not self.own


class Plan(msgspec.Struct, frozen=True):
    """All that an action needs. `levels` lists only levels whose Allow is not settled by the action alone.

    `reads` are the context keys that the statements read, in lower case.
    """

    denies: tuple[Planned, ...]
    levels: tuple[tuple[int, tuple[Planned, ...]], ...]
    shared_tests: tuple[Test, ...]
    resource_tests: tuple[ResourceTest, ...]
    reads: frozenset[str]
    reads_resource: bool


def make_plan(
    side: PolicyType,
    statements: Sequence[Sequence[CompiledStatement]],
    conditions: Sequence[CompiledCondition],
    action: str,
) -> Plan:
    """The plan of `action` (in lower case) for the statements of all levels; `conditions` are all by number."""
    scp = side is PolicyType.SCP
    naming = [[each for each in level if each.matches_action(action) and (scp or each.deny)] for level in statements]
    uses = Counter(number for level in naming for each in level for number in each.condition_numbers)
    shared = {number: place for place, number in enumerate(number for number, count in uses.items() if count > 1)}
    resources: dict[str, int] = {}
    resource_tests: list[ResourceTest] = []

    def plan(statement: CompiledStatement) -> Planned:
        element = statement.resources
        resource = None
        if not element.everything:
            resource = resources.setdefault(element.content, len(resource_tests))
            if resource == len(resource_tests):
                resource_tests.append(element.test)
        numbers = statement.condition_numbers
        own = sorted((conditions[each] for each in numbers if each not in shared), key=lambda each: each.cost)
        return Planned(
            statement,
            resource,
            tuple(shared[each] for each in numbers if each in shared),
            tuple(each.test for each in own),
        )

    denies = tuple(plan(each) for level in naming for each in level if each.deny)
    levels = []
    # RCPs never lack an Allow: RCPFullAWSAccess cannot be detached.
    for number, level in enumerate(naming if scp else ()):
        allows = tuple(plan(each) for each in level if not each.deny)
        if not any(each.asks_nothing for each in allows):
            levels.append((number, allows))
    asked = [*denies, *(each for _, allows in levels for each in allows)]
    return Plan(
        denies=denies,
        levels=tuple(levels),
        shared_tests=tuple(conditions[number].test for number in shared),
        resource_tests=tuple(resource_tests),
        reads=frozenset[str]().union(
            *(conditions[number].keys for number in uses),
            *(each.compiled.resources.keys for each in asked),
        ),
        reads_resource=any(each.resource is not None for each in asked),
    )


class Questions:
    """The tests of one plan for one request; a test that several statements share is asked at most once."""

    __slots__ = ("_answers", "_context", "_plan", "_resource", "_resource_answers")

    def __init__(self, plan: Plan, resource: Resource, context: Context) -> None:
        self._plan = plan
        self._resource = resource
        self._context = context
        self._answers: dict[int, Truth] = {}
        self._resource_answers: dict[int, Truth] = {}

    def matching(self, statements: Iterable[Planned]) -> Iterator[tuple[CompiledStatement, Truth]]:
        """The statements that match (true) or may match (`None`), in their order.

        One loop over all of them, and not a call for each: most statements do not match, and this is where a replay
        spends its time. The order of a statement's tests has no meaning, the first that fails decides.
        """
        context = self._context
        answers = self._answers
        asked: int | None = None
        here: Truth = True
        for statement, resource, shared, own in statements:
            if resource != asked:
                # Neighbours mostly name the same resources.
                asked = resource
                here = True if resource is None else self._matches_resource(resource)
            if here is False:
                continue
            truth = here
            if shared:
                for number in shared:
                    if number not in answers:
                        answers[number] = self._plan.shared_tests[number](context)
                    answer = answers[number]
                    if answer is False:
                        break
                    if answer is None:
                        truth = None
                if answer is False:
                    continue
            for test in own:
                answer = test(context)
                if answer is False:
                    break
                if answer is None:
                    truth = None
            else:
                yield statement, truth

    def _matches_resource(self, number: int) -> Truth:
        answers = self._resource_answers
        if number not in answers:
            answers[number] = self._plan.resource_tests[number](self._resource, self._context)
        return answers[number]
