"""The condition keys that AWS fills from the principal alone.

Source: AWS IAM User Guide, reference_policies_condition-keys ("Properties of the principal") and
reference_policies_variables (the table of principal key values). A log may know more (`aws:userid` from
`principalId`); whoever has it overrides what is `UNKNOWN` here.
"""

from typing import Final

from simulator.decision.request import UNKNOWN, ContextValue, OneOf, Principal, PrincipalKind
from simulator.iam.arn import split_arn

PRINCIPAL_KEYS: Final = frozenset(
    {
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principaltype",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:userid",
        "aws:username",
    }
)
"""All keys that `fields_of_principal` decides: one of these that it leaves out is absent."""

_TYPES: Final = {
    PrincipalKind.ROLE: "AssumedRole",
    PrincipalKind.USER: "User",
    PrincipalKind.ROOT: "Account",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
    PrincipalKind.ANONYMOUS: "Anonymous",
}

_UNSIGNED: Final = frozenset({PrincipalKind.ANONYMOUS, PrincipalKind.FEDERATED})
"""Callers without AWS credentials: the keys "of all signed requests" are absent for them."""


def fields_of_principal(principal: Principal) -> dict[str, ContextValue]:
    """The principal's own condition keys, in lower case; a key of `PRINCIPAL_KEYS` that is not there is absent.

    `UNKNOWN` stands where the principal does not tell: `aws:PrincipalArn` of a role whose path is lost,
    `aws:userid` of a role session.
    """
    kind = principal.kind
    fields: dict[str, ContextValue] = {
        "aws:principalaccount": _account(principal),
        "aws:principaltype": _TYPES.get(kind, UNKNOWN),
        "aws:userid": _user_id(principal),
    }
    if kind not in _UNSIGNED:
        # A caller of unknown kind may be a service; every other signed caller is one for sure, or surely not.
        known = kind not in (PrincipalKind.UNKNOWN, PrincipalKind.IDENTITY_CENTER)
        service = "true" if kind is PrincipalKind.AWS_SERVICE else "false"
        fields["aws:principalisawsservice"] = service if known else UNKNOWN
    if kind is PrincipalKind.AWS_SERVICE:
        # Whether a service principal has aws:PrincipalArn is not documented; taken as absent (docs/limits.md).
        fields["aws:principalservicename"] = principal.name or UNKNOWN
        fields["aws:principalservicenameslist"] = UNKNOWN
    elif kind not in _UNSIGNED:
        fields["aws:principalarn"] = _arn(principal)
    if kind is PrincipalKind.UNKNOWN:
        fields["aws:principalservicename"] = UNKNOWN
        fields["aws:principalservicenameslist"] = UNKNOWN
    if kind is PrincipalKind.USER:
        fields["aws:username"] = _last_part(principal.arn) or UNKNOWN
    elif kind in (PrincipalKind.UNKNOWN, PrincipalKind.ACCOUNT, PrincipalKind.IDENTITY_CENTER):
        fields["aws:username"] = UNKNOWN
    return fields


def _account(principal: Principal) -> ContextValue:
    if principal.kind is PrincipalKind.ANONYMOUS:
        return "anonymous"
    return principal.account or UNKNOWN


def _arn(principal: Principal) -> ContextValue:
    # An assumed-role ARN is the session's: it never stands in aws:PrincipalArn, and the role's path is lost.
    if principal.arn is None or ":assumed-role/" in principal.arn:
        return UNKNOWN
    return principal.arn


def _user_id(principal: Principal) -> ContextValue:
    if principal.kind is PrincipalKind.ROOT:
        return principal.account or UNKNOWN
    if principal.kind is PrincipalKind.FEDERATED_USER and principal.account and principal.arn:
        name = _last_part(principal.arn)
        return f"{principal.account}:{name}" if name else UNKNOWN
    if principal.kind is PrincipalKind.ANONYMOUS:
        # The table of principal values says "anonymous", the key's own entry says that it is absent.
        return OneOf(("anonymous", None))
    return UNKNOWN


def _last_part(arn: str | None) -> str | None:
    parts = None if arn is None else split_arn(arn)
    if parts is None or "/" not in parts.resource:
        return None
    return parts.resource.rpartition("/")[2] or None
