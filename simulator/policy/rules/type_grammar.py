"""What an SCP and an RCP may not hold, although the policy language has it.

Source: AWS Organizations User Guide, orgs_manage_policies_scps_syntax and orgs_manage_policies_rcps_syntax.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.policy.diagnostic import Span
from simulator.policy.document import Effect
from simulator.policy.rules.subject import EVERY_ACTION, Check, Problem, Subject


def scp_principal(subject: Subject) -> Iterator[Problem]:
    """An SCP names a principal."""
    for statement in subject.statements:
        if statement.principal:
            message = f"an SCP has no {statement.principal.name}: it applies to every identity of the accounts below"
            fix = "remove it; exempt or select identities with a condition on aws:PrincipalArn"
            yield Problem(statement.principal.span, message, fix)


def rcp_effect(subject: Subject) -> Iterator[Problem]:
    """An RCP allows."""
    for statement in subject.statements:
        if statement.effect is Effect.ALLOW:
            message = "an RCP only denies; the one RCP with Allow is AWS's own RCPFullAWSAccess"
            yield Problem(_start(statement.span), message, "turn it into a Deny with the opposite condition")


def rcp_principal(subject: Subject) -> Iterator[Problem]:
    """An RCP's Principal is not exactly `"*"`."""
    for statement in subject.statements:
        principal = statement.principal
        if principal is None:
            message = "the statement has no Principal, which an RCP needs"
            yield Problem(_start(statement.span), message, 'add "Principal": "*"')
        elif principal.name == "NotPrincipal":
            message = "an RCP cannot have NotPrincipal"
            fix = 'write "Principal": "*" and exempt callers with a condition, such as ArnNotLike on aws:PrincipalArn'
            yield Problem(principal.span, message, fix)
        elif not principal.star:
            message = f'an RCP\'s Principal is exactly "*", not {principal.text}'
            fix = 'write "Principal": "*" and select callers with a condition, such as aws:PrincipalAccount'
            yield Problem(principal.span, message, fix)


def rcp_not_action(subject: Subject) -> Iterator[Problem]:
    """An RCP with NotAction."""
    for statement in subject.statements:
        if statement.actions.negated:
            message = "an RCP cannot have NotAction"
            yield Problem(statement.actions.span, message, "list the actions, for example s3:*, with Action")


def rcp_every_action(subject: Subject) -> Iterator[Problem]:
    """An RCP with a bare `*` as action."""
    for statement in subject.statements:
        if statement.actions.negated:
            continue
        for word in statement.actions.words:
            if word.value in EVERY_ACTION:
                message = f"an RCP cannot have `{word.value}` as action"
                yield Problem(word.span, message, 'name the services, for example ["s3:*", "sqs:*"]')


def rcp_unsupported_service(subject: Subject) -> Iterator[Problem]:
    """An RCP names a service that RCPs do not reach."""
    supported = subject.catalog.rcp_services
    for statement in subject.statements:
        if statement.actions.negated:
            continue
        for named in subject.named_actions(statement):
            if named.word.value in EVERY_ACTION or "*" in named.service or "?" in named.service:
                continue
            if named.service not in supported:
                message = f"RCPs do not support the service `{named.service}`"
                fix = "remove the action; restrict the service with an SCP or with resource policies"
                yield Problem(named.word.span, message, fix)


def rcp_action_wildcard(subject: Subject) -> Iterator[Problem]:
    """An RCP's action has a wildcard elsewhere than at its end."""
    for statement in subject.statements:
        if statement.actions.negated:
            continue
        for word in statement.actions.words:
            name = word.value.partition(":")[2]
            if "*" in name[:-1] or "?" in name:
                message = f"`{word.value}` has a wildcard before its end; AWS's pages disagree on whether an RCP may"
                yield Problem(word.span, message, "list the actions, or let the wildcard end the name")


def _start(span: Span) -> Span:
    return Span(span.line, span.column, span.line, span.column + 1)


CHECKS: Final[Mapping[str, Check]] = {
    "scp-principal": scp_principal,
    "rcp-effect": rcp_effect,
    "rcp-principal": rcp_principal,
    "rcp-not-action": rcp_not_action,
    "rcp-every-action": rcp_every_action,
    "rcp-unsupported-service": rcp_unsupported_service,
    "rcp-action-wildcard": rcp_action_wildcard,
}
