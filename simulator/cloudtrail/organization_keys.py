"""Organization ids and paths of accounts, as condition keys hold them.

Source: AWS IAM User Guide, reference_policies_condition-keys (aws:PrincipalOrgID, aws:PrincipalOrgPaths,
aws:ResourceOrgID, aws:ResourceOrgPaths). A foreign account's organization is not known, but surely is not ours.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from simulator.cloudtrail.call import Call
from simulator.decision.facts import Facts, Membership
from simulator.decision.request import UNKNOWN, ContextValue, Outside, PrincipalKind

_NO_ORGANIZATION: Final = frozenset({PrincipalKind.ANONYMOUS, PrincipalKind.FEDERATED, PrincipalKind.AWS_SERVICE})
"""Callers that belong to no account, so to no organization (for service principals: aws:SourceOrgID instead)."""


def organization_id(account: str, facts: Facts) -> ContextValue:
    """The id of the organization that an account belongs to; unknown without a snapshot."""
    ours = facts.organization_id
    if ours is None:
        return UNKNOWN
    membership = facts.membership(account)
    if membership is Membership.MEMBER:
        return ours
    return Outside(ours) if membership is Membership.FOREIGN else UNKNOWN


def organization_path(account: str, facts: Facts) -> ContextValue:
    """The paths (`o-…/r-…/ou-…/`, a set) of an account in its organization."""
    path = facts.org_paths.get(account)
    if path is not None and facts.organization_id is not None:
        return (path,)
    found = organization_id(account, facts)
    return found if isinstance(found, Outside) else UNKNOWN


def _principal_key(rule: Callable[[str, Facts], ContextValue]) -> Callable[[Call], ContextValue | None]:
    def value(call: Call) -> ContextValue | None:
        principal = call.principal
        if principal.kind in _NO_ORGANIZATION:
            return None
        # What an Identity Center sign-in call carries is not documented.
        if principal.account is None or principal.kind is PrincipalKind.IDENTITY_CENTER:
            return UNKNOWN
        return rule(principal.account, call.facts)

    return value


ORGANIZATION_RULES: Final[Mapping[str, Callable[[Call], ContextValue | None]]] = MappingProxyType(
    {
        "aws:principalorgid": _principal_key(organization_id),
        "aws:principalorgpaths": _principal_key(organization_path),
    }
)
"""The caller's organization keys."""
