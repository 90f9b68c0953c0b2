"""Condition operators: the right kind for the key, and set operators where they belong.

Source: AWS IAM User Guide, reference_policies_elements_condition_operators and
reference_policies_condition-single-vs-multi-valued-context-keys.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.operators import Family, Quantifier
from simulator.iam.values import parse_bool
from simulator.policy.document import Condition, Effect, Statement
from simulator.policy.rules.subject import Check, Problem, Subject

_FAMILIES: Final[Mapping[str, frozenset[Family]]] = {
    # Type of the key: the operators that compare it as meant. Texts of booleans and ARNs compare as strings too.
    "String": frozenset({Family.STRING}),
    "ARN": frozenset({Family.ARN, Family.STRING}),
    "Bool": frozenset({Family.BOOL, Family.STRING}),
    "Numeric": frozenset({Family.NUMERIC}),
    "Date": frozenset({Family.DATE, Family.NUMERIC}),
    "IPAddress": frozenset({Family.IP}),
    "Binary": frozenset({Family.BINARY, Family.STRING}),
}
_EXAMPLES: Final[Mapping[str, str]] = {
    "String": "StringEquals or StringLike",
    "ARN": "ArnLike",
    "Bool": "Bool",
    "Numeric": "NumericEquals and its kin",
    "Date": "DateLessThan and its kin",
    "IPAddress": "IpAddress or NotIpAddress",
    "Binary": "BinaryEquals",
}


def operator_case(subject: Subject) -> Iterator[Problem]:
    """An operator written in unusual case."""
    for _, condition in subject.conditions:
        written = condition.operator_text.value
        if written != str(condition.operator):
            message = f"`{written}` is the operator `{condition.operator}` in unusual case"
            yield Problem(condition.operator_text.span, message, f"write `{condition.operator}`")


def operator_type(subject: Subject) -> Iterator[Problem]:
    """An operator that does not fit the key's type."""
    for _, condition in subject.conditions:
        family = condition.operator.base.family
        info = subject.catalog.key(condition.key.value)
        if info is None or family is Family.NULL or info.type not in _FAMILIES or family in _FAMILIES[info.type]:
            continue
        message = f"`{condition.key.value}` is of type {info.type}, which {condition.operator.base.name} cannot compare"
        yield Problem(condition.operator_text.span, message, f"use {_EXAMPLES[info.type]}")


def set_operator_on_single_value(subject: Subject) -> Iterator[Problem]:
    """ForAllValues or ForAnyValue on a key that has one value."""
    for _, condition in subject.conditions:
        quantifier = condition.operator.quantifier
        info = subject.catalog.key(condition.key.value)
        if quantifier and info and not info.multivalued:
            message = f"`{condition.key.value}` has a single value; {quantifier.value} is for keys that hold a set"
            plain = str(condition.operator).partition(":")[2]
            yield Problem(condition.operator_text.span, message, f"write `{plain}`")


def set_operator_missing(subject: Subject) -> Iterator[Problem]:
    """A key that holds a set, without ForAllValues or ForAnyValue."""
    for _, condition in subject.conditions:
        operator = condition.operator
        info = subject.catalog.key(condition.key.value)
        if operator.quantifier or operator.base.family is Family.NULL or info is None or not info.multivalued:
            continue
        message = f"`{condition.key.value}` holds a set; without ForAnyValue or ForAllValues AWS does not match it"
        yield Problem(condition.operator_text.span, message, f"write `ForAnyValue:{operator}` or `ForAllValues:…`")


def for_all_values_vacuous(subject: Subject) -> Iterator[Problem]:
    """ForAllValues also matches requests that lack the key."""
    for statement, condition in subject.conditions:
        operator = condition.operator
        if operator.quantifier is not Quantifier.ALL or operator.base.family is Family.NULL:
            continue
        # A Deny of callers that are *not* in the list is meant to take in those without any value.
        if statement.effect is Effect.DENY and operator.base.negated:
            continue
        if not _asks_presence(statement, condition):
            message = f"ForAllValues also matches requests without `{condition.key.value}`"
            fix = f'add "Null": {{"{condition.key.value}": "false"}} to the condition'
            yield Problem(condition.operator_text.span, message, fix)


def _asks_presence(statement: Statement, condition: Condition) -> bool:
    return any(
        other.operator.base.family is Family.NULL
        and other.key.value.lower() == condition.key.value.lower()
        and any(parse_bool(word.value) is False for word in other.values)
        for other in statement.conditions
    )


CHECKS: Final[Mapping[str, Check]] = {
    "operator-case": operator_case,
    "operator-type": operator_type,
    "set-operator-on-single-value": set_operator_on_single_value,
    "set-operator-missing": set_operator_missing,
    "for-all-values-vacuous": for_all_values_vacuous,
}
