"""Condition values that their operator cannot read, or that cannot mean what they say.

Source: AWS IAM User Guide, reference_policies_elements_condition_operators; access-analyzer-reference-policy-checks
(TYPE_MISMATCH, INVALID_CONDITION_MULTIPLE_BOOLEAN, PRIVATE_IP_ADDRESS).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from simulator.iam.operators import Comparison, Family
from simulator.iam.values import parse_binary, parse_bool, parse_date, parse_network, parse_number
from simulator.policy.document import Condition
from simulator.policy.rules.facts import FACTS
from simulator.policy.rules.placeholders import has_placeholder
from simulator.policy.rules.subject import Check, Problem, Subject, has_wildcard

_READERS: Final[Mapping[Family, tuple[Callable[[str], object], str, str]]] = {
    # family: (reader, what the value should be, an example)
    Family.NUMERIC: (parse_number, "a number", "1.2"),
    Family.DATE: (parse_date, "a date (ISO 8601) or epoch seconds", "2026-01-31T00:00:00Z"),
    Family.BOOL: (parse_bool, "true or false", "true"),
    Family.NULL: (parse_bool, "true or false", "true"),
    Family.BINARY: (parse_binary, "Base64", "QmluYXJ5"),
    Family.IP: (parse_network, "an IP address or a CIDR range", "203.0.113.0/24"),
}


def condition_value(subject: Subject) -> Iterator[Problem]:
    """A value that the operator cannot read."""
    for condition in _conditions(subject):
        if condition.operator.base.family not in _READERS:
            continue
        read, wanted, example = _READERS[condition.operator.base.family]
        for word in condition.values:
            if "${" not in word.value and not has_placeholder(word.value) and read(word.value) is None:
                message = f"`{word.value}` is not {wanted}, which {condition.operator.base.name} compares"
                yield Problem(word.span, message, f'write for example "{example}"')


def empty_values(subject: Subject) -> Iterator[Problem]:
    """A condition without a value."""
    for condition in _conditions(subject):
        if not condition.values:
            message = f"`{condition.key.value}` has an empty list of values"
            yield Problem(condition.span, message, "name at least one value, or remove the condition")


def several_booleans(subject: Subject) -> Iterator[Problem]:
    """Bool or Null with more than one value."""
    for condition in _conditions(subject):
        family = condition.operator.base.family
        if family in (Family.BOOL, Family.NULL) and len(condition.values) > 1:
            message = f"{condition.operator.base.name} takes one value, not {len(condition.values)}"
            yield Problem(condition.span, message, "keep `true` or `false`")


def condition_arn(subject: Subject) -> Iterator[Problem]:
    """A value under an ARN operator that is no ARN."""
    for condition in _conditions(subject):
        if condition.operator.base.family is not Family.ARN:
            continue
        for word in condition.values:
            parts = word.value.split(":")
            if has_placeholder(word.value) or "${" in word.value or (len(parts) >= 6 and parts[0] in ("arn", "*")):
                continue
            operator = condition.operator.base.name
            message = f"`{word.value}` has {len(parts)} of the six parts that {operator} compares one by one"
            fix = "write arn:partition:service:region:account:resource, with `*` for the parts that do not matter"
            yield Problem(word.span, message, fix)


def wildcard_in_equals(subject: Subject) -> Iterator[Problem]:
    """`*` or `?` under an operator that takes them as text."""
    for condition in _conditions(subject):
        operator = condition.operator.base
        if operator.family is not Family.STRING or operator.comparison is Comparison.LIKE:
            continue
        for word in condition.values:
            if not has_wildcard(word.value) or has_placeholder(word.value):
                continue
            if word.value == "*" and condition.key.value.lower() in FACTS.literal_star_keys:
                continue
            like = "StringNotLike" if operator.negated else "StringLike"
            message = f"{operator.name} takes the wildcard in `{word.value}` as text"
            yield Problem(word.span, message, f"use {like}, or ArnLike for an ARN")


def source_ip_private(subject: Subject) -> Iterator[Problem]:
    """A private range for aws:SourceIp, which holds public addresses only."""
    for condition in _conditions(subject):
        if condition.key.value.lower() != "aws:sourceip" or condition.operator.base.family is not Family.IP:
            continue
        for word in condition.values:
            if _is_private(word.value):
                message = f"aws:SourceIp never is a private address such as `{word.value}`"
                fix = "use aws:VpcSourceIp together with aws:SourceVpc for calls through a VPC endpoint"
                yield Problem(word.span, message, fix)


def inverted_secure_transport(subject: Subject) -> Iterator[Problem]:
    """A Deny of requests that do use TLS."""
    for statement in subject.denies:
        for condition in statement.conditions:
            if (
                condition.key.value.lower() != "aws:securetransport"
                or condition.operator.base.family is not Family.BOOL
            ):
                continue
            if [parse_bool(word.value) for word in condition.values] == [True]:
                message = "denies every request that does use TLS"
                yield Problem(condition.span, message, "write `false` to deny those that do not")


def _is_private(text: str) -> bool:
    range_ = parse_network(text)
    if range_ is None:
        return False
    version, mask, network = range_
    return any(
        version == private_version and mask & private_mask == private_mask and network & private_mask == private
        for private_version, private_mask, private in FACTS.private_networks
    )


def _conditions(subject: Subject) -> Iterator[Condition]:
    return (condition for _, condition in subject.conditions)


CHECKS: Final[Mapping[str, Check]] = {
    "condition-value": condition_value,
    "empty-values": empty_values,
    "several-booleans": several_booleans,
    "condition-arn": condition_arn,
    "wildcard-in-equals": wildcard_in_equals,
    "source-ip-private": source_ip_private,
    "inverted-secure-transport": inverted_secure_transport,
}
