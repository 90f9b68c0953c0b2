"""Statements, compiled: what of a policy's text is left to ask when a request comes."""

from functools import lru_cache
from typing import Final

from simulator.decision.conditions import CompiledCondition, compile_condition
from simulator.decision.resources import CompiledResources
from simulator.decision.verdict import StatementRef
from simulator.iam.action_names import matcher_of_words
from simulator.iam.catalog import Catalog
from simulator.iam.pattern import Matcher
from simulator.policy.document import Effect, PolicyDocument, PolicyType, Statement

_MAX_COMPILED: Final = 2_000
"""Action elements to remember: a policy that governs many accounts stands in many programs."""

Levels = tuple[tuple[PolicyDocument, ...], ...]
"""The policies of each level, the root's first."""

Sign = tuple[str, str, tuple[str, ...], bool]
"""A condition's operator, key and values, and whether variables count: what makes it the same as another one."""


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
        self.matches_action = action_matcher(statement)
        self.resources = resources
        # One number for each condition as written; equal conditions have equal numbers and are asked once.
        self.numbers_in_order = numbers_in_order
        self.condition_numbers = tuple(dict.fromkeys(numbers_in_order))
        self.content = content


def action_matcher(statement: Statement) -> Matcher:
    """Tells whether a statement's Action or NotAction matches an action given in lower case."""
    words = tuple(word.value for word in statement.actions.words)
    return _words_matcher(words, statement.actions.negated)


@lru_cache(maxsize=_MAX_COMPILED)
def _words_matcher(words: tuple[str, ...], negated: bool) -> Matcher:
    return matcher_of_words(words, negated=negated)


class Compiler:
    """Compiles statements; equal conditions get one number, so they are asked once."""

    def __init__(self, catalog: Catalog, conditions: list[CompiledCondition]) -> None:
        self.catalog = catalog
        self.conditions = conditions
        self.numbers: dict[Sign, int] = {}

    def levels(self, side: PolicyType, levels: Levels) -> tuple[tuple[CompiledStatement, ...], ...]:
        """The statements of each level, in the order they stand there."""
        return tuple(
            tuple(
                self.statement(StatementRef(side, level, policy, statement.index, statement.sid), statement, document)
                for policy, document in enumerate(documents)
                for statement in document.statements
            )
            for level, documents in enumerate(levels)
        )

    def statement(self, ref: StatementRef, statement: Statement, document: PolicyDocument) -> CompiledStatement:
        """One statement of a policy; its new conditions go to `conditions`."""
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
