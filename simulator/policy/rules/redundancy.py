"""Conditions and resources of one statement that repeat or contradict each other."""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.operators import Family
from simulator.iam.values import parse_bool
from simulator.policy.document import Condition, Word
from simulator.policy.rules.subject import Check, Problem, Subject, matches_when_missing


def redundant_resource(subject: Subject) -> Iterator[Problem]:
    """A resource that stands in the list twice, or beside `*`."""
    for statement in subject.statements:
        words = statement.resources.words
        star = next((word for word in words if word.value == "*"), None)
        for word in _repeated(words):
            yield Problem(word.span, f"`{word.value}` stands in the list already", "remove it")
        if star is not None and len(words) > 1:
            message = f"`*` makes the other {'resource' if len(words) == 2 else 'resources'} of the list pointless"
            yield Problem(star.span, message, "remove `*`, or the others")


def redundant_value(subject: Subject) -> Iterator[Problem]:
    """A condition value that stands in the list twice."""
    for _, condition in subject.conditions:
        for word in _repeated(condition.values):
            yield Problem(word.span, f"`{word.value}` stands in the list already", "remove it")


def contradicting_conditions(subject: Subject) -> Iterator[Problem]:
    """One condition wants the key to be missing, another wants a value of it."""
    for statement in subject.statements:
        absent = {item.key.value.lower(): item for item in statement.conditions if _wants_absence(item)}
        for condition in statement.conditions:
            other = absent.get(condition.key.value.lower())
            if other is not None and condition is not other and matches_when_missing(condition) is False:
                message = f"`{condition.key.value}` cannot be missing (line {other.span.line}) and have a value"
                yield Problem(condition.span, message, "remove one of the two: the statement never applies")


def _repeated(words: tuple[Word, ...]) -> Iterator[Word]:
    seen: set[str] = set()
    for word in words:
        if word.value in seen:
            yield word
        seen.add(word.value)


def _wants_absence(condition: Condition) -> bool:
    values = [parse_bool(word.value) for word in condition.values]
    return condition.operator.base.family is Family.NULL and values == [True]


CHECKS: Final[Mapping[str, Check]] = {
    "redundant-resource": redundant_resource,
    "redundant-value": redundant_value,
    "contradicting-conditions": contradicting_conditions,
}
