"""Patterns for aws:PrincipalArn that no caller can have.

Source: AWS IAM User Guide, reference_policies_condition-keys (aws:PrincipalArn): for a role session the key holds the
ARN of the role with its path, not that of the session.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from simulator.policy.document import Word
from simulator.policy.rules.subject import Check, Problem, Subject

_SSO_ROLE: Final = re.compile(r"role/AWSReservedSSO_")


def principal_arn_session(subject: Subject) -> Iterator[Problem]:
    """The ARN of a role session."""
    for word in _principal_arns(subject):
        parts = word.value.split(":", 5)
        if len(parts) == 6 and parts[2] == "sts" and parts[5].startswith("assumed-role/"):
            message = "aws:PrincipalArn holds the role of a session, never the session's ARN"
            name = parts[5].split("/")[1]
            yield Problem(word.span, message, f"write `{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{name}`")


def sso_role_without_path(subject: Subject) -> Iterator[Problem]:
    """An Identity Center role without its path."""
    for word in _principal_arns(subject):
        if _SSO_ROLE.search(word.value):
            message = "roles of IAM Identity Center have a path: aws-reserved/sso.amazonaws.com/"
            fixed = _SSO_ROLE.sub("role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_", word.value)
            yield Problem(word.span, message, f"write `{fixed}`")


def _principal_arns(subject: Subject) -> Iterator[Word]:
    for _, condition in subject.conditions:
        if condition.key.value.lower() == "aws:principalarn":
            yield from condition.values


CHECKS: Final[Mapping[str, Check]] = {
    "principal-arn-session": principal_arn_session,
    "sso-role-without-path": sso_role_without_path,
}
