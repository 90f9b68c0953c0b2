"""Deny statements that hit callers whose requests lack the key: negated and IfExists operators match there.

Which callers lack which keys stands in facts.toml. A statement is said to hit a caller if none of its conditions is
surely false for it; conditions on keys that the caller may carry are taken as met.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.operators import Family
from simulator.iam.values import parse_bool
from simulator.policy.document import Condition, Effect, PolicyType, Statement
from simulator.policy.rules.facts import FACTS, Caller
from simulator.policy.rules.subject import Check, Problem, Subject, matches_when_missing


def denies_federated_sign_in(subject: Subject) -> Iterator[Problem]:
    """SAML and web identity sign-ins carry no organization."""
    caller = FACTS.callers["federated"]
    for statement, condition in _hits(subject, caller):
        actions = [action for action in caller.only_actions if subject.governs(statement, action)]
        message = (
            f"`{condition.key.value}` is missing when {' and '.join(actions)} are called, and "
            f"{condition.operator} then matches: sign-in through SAML, OIDC or Identity Center is denied"
        )
        yield Problem(condition.span, message, "list the other sts actions (sts:AssumeRole, sts:SetContext, …) instead")


def denies_aws_services(subject: Subject) -> Iterator[Problem]:
    """AWS services acting on their own carry neither organization nor network."""
    for _, condition in _hits(subject, FACTS.callers["aws-service"]):
        message = f"AWS services that call on their own lack `{condition.key.value}`: {condition.operator} denies them"
        fix = 'add "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}'
        yield Problem(condition.span, message, fix)


def denies_forward_access(subject: Subject) -> Iterator[Problem]:
    """Calls that a service makes for the caller lose the caller's network keys."""
    for _, condition in _hits(subject, FACTS.callers["forward-access"]):
        message = (
            f"when an AWS service calls another one for the caller, `{condition.key.value}` is missing: "
            f"{condition.operator} denies such calls"
        )
        yield Problem(condition.span, message, 'add "BoolIfExists": {"aws:ViaAWSService": "false"}')


def denies_service_roles(subject: Subject) -> Iterator[Problem]:
    """Roles that services use call from networks of AWS."""
    for _, condition in _hits(subject, FACTS.callers["service-role"]):
        message = (
            f"execution and service roles call from networks of AWS, without your `{condition.key.value}`, and "
            "aws:ViaAWSService does not spare them"
        )
        yield Problem(condition.span, message, "exempt them by aws:PrincipalArn or by a tag of the role")


def denies_other_providers(subject: Subject) -> Iterator[Problem]:
    """A key of one identity provider is missing in the tokens of all others."""
    action = "sts:AssumeRoleWithWebIdentity"
    for statement in subject.denies:
        if not subject.governs(statement, action):
            continue
        for condition in statement.conditions:
            provider = _provider(condition)
            if not provider or condition.operator.base.family is Family.NULL or not matches_when_missing(condition):
                continue
            guarded = any(
                _provider(other) == provider and matches_when_missing(other) is False for other in statement.conditions
            )
            if not guarded:
                message = (
                    f"sign-ins through other providers have no `{condition.key.value}`, and {condition.operator} then "
                    "matches: they are denied, those of EKS service accounts too"
                )
                fix = f'add "Null": {{"{condition.key.value}": "false"}}'
                yield Problem(condition.span, message, fix)


def _provider(condition: Condition) -> str:
    """The host that an OIDC provider's key is named after; empty for other keys."""
    prefix = condition.key.value.lower().rpartition(":")[0]
    return prefix if "." in prefix else ""


def denies_assume_root(subject: Subject) -> Iterator[Problem]:
    """A Deny for the root user also hits the sessions of AssumeRoot."""
    for statement in subject.denies:
        if any(condition.key.value.lower() == "aws:assumedroot" for condition in statement.conditions):
            continue
        for condition in statement.conditions:
            names_root = any(word.value.endswith(":root") for word in condition.values)
            if condition.key.value.lower() == "aws:principalarn" and names_root and not condition.operator.base.negated:
                message = "also denies the sessions of AssumeRoot, with which root access is managed centrally"
                yield Problem(condition.span, message, 'add "Null": {"aws:AssumedRoot": "true"} to spare them')


def denies_vpc_endpoints(subject: Subject) -> Iterator[Problem]:
    """Calls through a VPC endpoint have no aws:SourceIp."""
    for _, condition in _hits(subject, FACTS.callers["vpc-endpoint"]):
        message = f"calls through a VPC endpoint have no aws:SourceIp: {condition.operator} denies them"
        fix = 'add "StringNotEqualsIfExists": {"aws:SourceVpc": ["vpc-…"]} to spare your own networks'
        yield Problem(condition.span, message, fix)


def mfa_without_if_exists(subject: Subject) -> Iterator[Problem]:
    """Long-term access keys carry no aws:MultiFactorAuthPresent."""
    for statement, condition in subject.conditions:
        operator = condition.operator
        asks = condition.key.value.lower() == "aws:multifactorauthpresent" and operator.base.family is Family.BOOL
        false = any(parse_bool(word.value) is False for word in condition.values)
        if statement.effect is Effect.DENY and asks and false and not operator.if_exists:
            message = "calls with long-term access keys have no aws:MultiFactorAuthPresent: Bool lets them through"
            yield Problem(condition.operator_text.span, message, "write BoolIfExists")


def _hits(subject: Subject, caller: Caller) -> Iterator[tuple[Statement, Condition]]:
    """Deny statements that hit `caller` for want of a key, with the condition that does it (the first)."""
    if subject.policy_type not in (None, *caller.types):
        return
    if subject.policy_type is None and PolicyType.SCP not in caller.types and not _may_be_rcp(subject):
        return
    for statement in subject.denies:
        if caller.only_actions and not any(subject.governs(statement, action) for action in caller.only_actions):
            continue
        if any(caller.is_handled_by(condition.key.value) for condition in statement.conditions):
            continue
        if any(_answer(condition, caller) is False for condition in statement.conditions):
            continue
        for condition in statement.conditions:
            if caller.lacks(condition.key.value) and condition.operator.base.family is not Family.NULL:
                yield statement, condition
                break


def _answer(condition: Condition, caller: Caller) -> bool | None:
    """What the condition answers for the caller; `None` if that cannot be said."""
    key = condition.key.value.lower()
    if caller.lacks(key):
        return matches_when_missing(condition)
    if key in caller.values and condition.operator.base.family is Family.BOOL:
        wanted = {parse_bool(word.value) for word in condition.values}
        return parse_bool(caller.values[key]) in wanted
    return None


def _may_be_rcp(subject: Subject) -> bool:
    return any(statement.principal is not None for statement in subject.statements)


CHECKS: Final[Mapping[str, Check]] = {
    "denies-federated-sign-in": denies_federated_sign_in,
    "denies-aws-services": denies_aws_services,
    "denies-forward-access": denies_forward_access,
    "denies-service-roles": denies_service_roles,
    "denies-other-providers": denies_other_providers,
    "denies-assume-root": denies_assume_root,
    "denies-vpc-endpoints": denies_vpc_endpoints,
    "mfa-without-if-exists": mfa_without_if_exists,
}
