"""What a rule looks at, and what it answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from simulator.iam.catalog import ActionInfo, Catalog
from simulator.iam.operators import Family, Quantifier
from simulator.iam.pattern import glob_pieces, matcher
from simulator.iam.values import parse_bool
from simulator.policy.diagnostic import Span
from simulator.policy.document import Condition, Effect, PolicyDocument, PolicyType, Statement, Word

EVERY_ACTION: Final = ("*", "*:*")
"""The two ways to write "all actions of all services"."""


class Problem(NamedTuple):
    """One finding of a rule: the text it is about, what is wrong there, and what to do."""

    span: Span
    message: str
    fix: str


class NamedActions(NamedTuple):
    """One Action or NotAction string with the actions it stands for; `known` is `None` for `*`."""

    word: Word
    known: tuple[ActionInfo, ...] | None

    @property
    def service(self) -> str:
        """The service prefix as written, in lower case."""
        return self.word.value.partition(":")[0].lower()

    @property
    def has_wildcard(self) -> bool:
        """Whether the string may stand for several actions."""
        return has_wildcard(self.word.value)


@dataclass(frozen=True)
class Subject:
    """A policy under examination; `policy_type` is `None` where it is not known."""

    document: PolicyDocument
    policy_type: PolicyType | None
    catalog: Catalog

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The policy's statements."""
        return self.document.statements

    @property
    def denies(self) -> Iterator[Statement]:
        """The Deny statements."""
        return (statement for statement in self.statements if statement.effect is Effect.DENY)

    @property
    def conditions(self) -> Iterator[tuple[Statement, Condition]]:
        """Every condition with its statement."""
        return ((statement, condition) for statement in self.statements for condition in statement.conditions)

    @cached_property
    def _named(self) -> tuple[tuple[NamedActions, ...], ...]:
        return tuple(
            tuple(NamedActions(word, self._expand(word.value)) for word in statement.actions.words)
            for statement in self.statements
        )

    def named_actions(self, statement: Statement) -> tuple[NamedActions, ...]:
        """The strings of the statement's Action or NotAction, each with what it stands for."""
        return self._named[statement.index]

    def governed_actions(self, statement: Statement) -> tuple[ActionInfo, ...] | None:
        """The known actions the statement is about; `None` for nearly all of them (`*`, NotAction)."""
        named = self.named_actions(statement)
        if statement.actions.negated or any(each.known is None for each in named):
            return None
        return tuple({info.name: info for each in named for info in each.known or ()}.values())

    def governs(self, statement: Statement, action: str) -> bool:
        """Whether the statement's Action (or NotAction) takes in `action` (`service:Name`)."""
        text = action.lower()
        found = any(matcher(glob_pieces(word.value.lower()))(text) for word in statement.actions.words)
        return found is not statement.actions.negated

    def _expand(self, text: str) -> tuple[ActionInfo, ...] | None:
        if text in EVERY_ACTION:
            return None
        service, _, name = text.lower().partition(":")
        actions = self.catalog.actions(service)
        if not has_wildcard(name):
            return (actions[name],) if name in actions else ()
        matches = matcher(glob_pieces(name))
        return tuple(info for key, info in actions.items() if matches(key))


Check = Callable[[Subject], Iterator[Problem]]
"""A rule: yields what it finds."""


def has_wildcard(text: str) -> bool:
    """Whether `text` holds `*` or `?` outside a policy variable.

    >>> has_wildcard("role/${*}")
    False
    """
    if "${" in text:
        for escape in ("${*}", "${?}"):
            text = text.replace(escape, "")
    return "*" in text or "?" in text


def matches_when_missing(condition: Condition) -> bool | None:
    """What a condition answers for a request that lacks its key (reference_policies_elements_condition_operators).

    `None` where AWS settles it by other means: a `Null` with a value that is neither true nor false.
    """
    operator = condition.operator
    if operator.base.family is Family.NULL:
        wanted = [parse_bool(word.value) for word in condition.values]
        return None if None in wanted else True in wanted
    if operator.quantifier is Quantifier.ANY:
        return operator.if_exists
    return operator.quantifier is Quantifier.ALL or operator.base.negated or operator.if_exists
