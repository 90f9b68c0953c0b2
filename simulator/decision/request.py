"""One authorization check: who asks for which action on which resource, in which context.

Never mixed: a value; *absent* (the key is not in `context`: proved missing, so negated and IfExists operators match);
`UNKNOWN` (the log cannot show it: undecided where a policy asks for it).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal

import msgspec

from simulator.iam.arn import is_service_linked_role, split_arn


class Unknown(Enum):
    """The type of `UNKNOWN`, so that `value is UNKNOWN` narrows types."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
"""A fact that the log does not show; it may be any value, or absent."""


class OneOf(msgspec.Struct, frozen=True):
    """One of a few texts, `None` standing for "absent": `mfaAuthenticated: "false"` is `OneOf(("false", None))`."""

    values: tuple[str | None, ...]


class Outside(msgspec.Struct, frozen=True):
    """Absent, or some text that is neither `prefix` nor begins with `prefix/`.

    The organization id of a foreign account: not known, but surely not ours, so comparisons with our own id are
    decided.
    """

    prefix: str


ContextValue = str | tuple[str, ...] | Unknown | OneOf | Outside
"""A text (single-valued key), texts (multivalued key), unknown, or partly known."""

Context = Mapping[str, ContextValue]
"""Condition keys in lower case to their values; a key that is not there is absent."""

RESOURCELESS: Final = "*"
"""The resource of actions that take none (SAR: evaluated with resource `*`)."""


class PrincipalKind(Enum):
    """What kind of caller signed the request (CloudTrail userIdentity, AWS Organizations exemptions)."""

    ROLE = "role"
    USER = "user"
    ROOT = "root"
    FEDERATED_USER = "federated-user"
    AWS_SERVICE = "aws-service"
    ANONYMOUS = "anonymous"
    FEDERATED = "federated"  # SAML or web identity: it has no IAM principal until a role is assumed
    ACCOUNT = "account"  # known by account only: the owner's copy of a foreign caller's call
    IDENTITY_CENTER = "identity-center"
    UNKNOWN = "unknown"


class Principal(msgspec.Struct, frozen=True):
    """The caller.

    `arn` is the IAM ARN that `aws:PrincipalArn` holds: of the role *with its path* (never the session), the user or
    the account's root; `None` where there is none or the log lost it. `account` is the twelve-digit id, `None` where
    there is none. `name` is the service (`lambda.amazonaws.com`) or identity provider. `service_linked` is
    `UNKNOWN` where the role's path is lost and its name leaves it open.
    """

    kind: PrincipalKind
    arn: str | None = None
    account: str | None = None
    name: str | None = None
    service_linked: bool | Literal[Unknown.UNKNOWN] = False

    @property
    def label(self) -> str:
        """A stable text for reports: the ARN, else the service, provider or account."""
        return self.arn or self.name or self.account or self.kind.value


class Tier(Enum):
    """How surely AWS made a check for a logged call.

    `required`: always for this call. `proven`: because the request's own parameters show it (a role ARN means
    iam:PassRole). `possible`: cannot be told from the log; it makes no finding of its own.
    """

    REQUIRED = "required"
    PROVEN = "proven"
    POSSIBLE = "possible"


class ResourceShape(msgspec.Struct, frozen=True):
    """A resource of which only the outline is known: `arn:aws:ec2:eu-central-1:111122223333:snapshot/*`.

    Each `*` stands for an unknown text without colons; a `*` is never literal here.
    """

    text: str


Resource = str | Literal[Unknown.UNKNOWN] | ResourceShape
"""An ARN, `*` for resource-less actions, the outline of one, or unknown."""


@dataclass(frozen=True, slots=True)
class Request:
    """One authorization check. `action` is `service:Action`.

    `resource_account` is the owner's account id, `None` where there is none, or `UNKNOWN`. `context` maps condition
    keys in lower case. `exempt_resource` is true for resources no RCP reaches (AWS managed KMS keys), `UNKNOWN`
    where the log leaves it open. `certain` is false where AWS may not have made this check at all.
    """

    principal: Principal
    action: str
    resource: Resource = RESOURCELESS
    resource_account: str | Literal[Unknown.UNKNOWN] | None = None
    context: Context = field(default_factory=dict)
    exempt_resource: bool | Literal[Unknown.UNKNOWN] = False
    tier: Tier = Tier.REQUIRED
    certain: bool = True


def principal_from_arn(arn: str) -> Principal:
    """Read an IAM or STS ARN as a principal.

    An `assumed-role` session ARN has lost the role's path (AWS CloudTrail User Guide,
    cloudtrail-event-reference-user-identity): whether a role named `AWSServiceRoleFor...` is service-linked is then
    unknown.
    """
    parts = split_arn(arn)
    if parts is None:
        return Principal(PrincipalKind.UNKNOWN, arn=arn)
    account = parts.account or None
    kind, _, rest = parts.resource.partition("/")
    if parts.resource == "root":
        return Principal(PrincipalKind.ROOT, arn, account)
    if kind == "role":
        return Principal(PrincipalKind.ROLE, arn, account, service_linked=is_service_linked_role(arn))
    if kind == "assumed-role":
        maybe = UNKNOWN if rest.startswith("AWSServiceRoleFor") else False
        return Principal(PrincipalKind.ROLE, arn, account, service_linked=maybe)
    if kind == "user":
        return Principal(PrincipalKind.USER, arn, account)
    if kind == "federated-user":
        return Principal(PrincipalKind.FEDERATED_USER, arn, account)
    return Principal(PrincipalKind.UNKNOWN, arn, account)
