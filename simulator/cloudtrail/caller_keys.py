"""The keys about the caller and its session: identity, MFA, tags, and the keys that credentials carry along.

Source: AWS IAM User Guide, reference_policies_condition-keys ("Properties of the principal", "Properties of a role
session"); AWS CloudTrail User Guide, cloudtrail-event-reference-user-identity. Three states are kept apart: a value,
`None` for "proved absent", `UNKNOWN` for "the log cannot show it".
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from simulator.cloudtrail.call import Call, is_identity_center_role, parse_time
from simulator.cloudtrail.organization_keys import organization_id, organization_path
from simulator.decision.principal_keys import PRINCIPAL_KEYS
from simulator.decision.request import UNKNOWN, ContextValue, OneOf, PrincipalKind
from simulator.iam.arn import is_account_id

CallRule = Callable[[Call], ContextValue | None]

_ROLE_LIKE: Final = frozenset(
    {PrincipalKind.ROLE, PrincipalKind.ACCOUNT, PrincipalKind.UNKNOWN, PrincipalKind.IDENTITY_CENTER}
)
"""Callers that are, or may be, a role session."""

_SIGN_IN_SESSION_SINCE: Final = "2026-07-01"
"""`signInSessionArn` is logged since 30 June 2026 (AWS CloudTrail User Guide, document history)."""

_ASSUME_ROOT_SINCE: Final = "2024-11-14"
"""sts:AssumeRoot was launched on this day; no earlier root session can be one."""


def principal_rule(key: str) -> CallRule:
    """The rule of one of `PRINCIPAL_KEYS`."""

    def value(call: Call) -> ContextValue | None:
        return call.principal_fields.get(key)

    return value


def user_id(call: Call) -> ContextValue | None:
    """`aws:userid`: `AIDA…`, `AROA…:session`, the account id for root, `account:name` for federated users."""
    known = call.principal_fields.get("aws:userid")
    if known is not UNKNOWN or call.principal.kind is PrincipalKind.UNKNOWN:
        return known
    logged = call.identity.principal_id
    if call.principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE, PrincipalKind.ACCOUNT):
        return logged or UNKNOWN
    return UNKNOWN


def user_name(call: Call) -> ContextValue | None:
    """`aws:username`: IAM users only."""
    known = call.principal_fields.get("aws:username")
    if known is UNKNOWN and call.principal.kind is PrincipalKind.USER:
        return call.identity.user_name or UNKNOWN
    return known


def mfa_present(call: Call) -> ContextValue | None:
    """`aws:MultiFactorAuthPresent`: `false` in the log means false *or* absent (role sessions, federated callers)."""
    if call.principal.kind in (PrincipalKind.AWS_SERVICE, PrincipalKind.ANONYMOUS, PrincipalKind.FEDERATED):
        return None
    session = call.session
    if session is None:
        return None if call.long_term else UNKNOWN
    logged = _boolean(session.attributes.mfa_authenticated if session.attributes else None)
    if logged is None:
        return UNKNOWN
    return "true" if logged else OneOf(("false", None))


def mfa_age(call: Call) -> ContextValue | None:
    """`aws:MultiFactorAuthAge`: there only where MFA was used; the log does not show when."""
    present = mfa_present(call)
    return None if present is None or isinstance(present, OneOf) else UNKNOWN


def token_issue_time(call: Call) -> ContextValue | None:
    """`aws:TokenIssueTime`: when temporary credentials were issued."""
    if call.principal.kind in (PrincipalKind.ANONYMOUS, PrincipalKind.FEDERATED):
        return None
    if call.principal.kind is PrincipalKind.AWS_SERVICE:
        return UNKNOWN
    session = call.session
    if session is None:
        return None if call.long_term else UNKNOWN
    created = session.attributes.creation_date if session.attributes else None
    if created is None or parse_time(created) is None or call.via_service is not False:
        # A forwarding service signs with credentials of its own making.
        return UNKNOWN
    return created


def assumed_root(call: Call) -> ContextValue | None:
    """`aws:AssumedRoot`: `true` in sts:AssumeRoot sessions, absent in others.

    The log marks the AssumeRoot event itself; later calls are told by the access key that event issued.
    """
    kind = call.principal.kind
    if kind is not PrincipalKind.ROOT:
        return UNKNOWN if kind in (PrincipalKind.ACCOUNT, PrincipalKind.UNKNOWN) else None
    session = call.session
    if session is not None and _boolean(session.assumed_root):
        return "true"
    known = call.facts.sessions.get(call.identity.access_key_id or "")
    if known is not None:
        return "true" if known.assumed_root else None
    time = call.record.event_time
    before = time is not None and call.time is not None and time < _ASSUME_ROOT_SINCE
    if call.long_term or before or _boolean(call.record.session_credential_from_console):
        return None
    return OneOf(("true", None))


def source_identity(call: Call) -> ContextValue | None:
    """`aws:SourceIdentity`: set when the role was assumed, kept along role chains."""
    if call.principal.kind not in _ROLE_LIKE:
        return None
    session = call.session
    if session is not None and session.source_identity:
        return session.source_identity
    known = call.facts.sessions.get(call.identity.access_key_id or "")
    if known is not None and known.source_identity:
        return known.source_identity
    # CloudTrail logs it in sessionContext wherever it is set.
    return None if session is not None and call.principal.kind is PrincipalKind.ROLE else UNKNOWN


def federated_provider(call: Call) -> ContextValue | None:
    """`aws:FederatedProvider`: the OpenID Connect provider behind a role session."""
    if call.principal.kind is PrincipalKind.FEDERATED:
        return UNKNOWN
    if call.principal.kind not in _ROLE_LIKE:
        return None
    session = call.session
    if session is None or call.principal.kind is not PrincipalKind.ROLE:
        return UNKNOWN
    provider = _member(session.web_id_federation_data, "federatedProvider")
    if provider:
        return provider
    return UNKNOWN if session.web_id_federation_data else None


def principal_tag(name: str) -> CallRule:
    """`aws:PrincipalTag/name`: tags of the user or role, overlaid by the session's tags.

    `Facts.principal_tags` is complete for the ARNs it lists. It settles a role session too, except where session
    tags are the rule and were not seen: Identity Center and web identity sessions.
    """
    lower = name.lower()

    def value(call: Call) -> ContextValue | None:
        kind = call.principal.kind
        if kind in (PrincipalKind.ROOT, PrincipalKind.ANONYMOUS, PrincipalKind.AWS_SERVICE):
            return None
        session = call.facts.sessions.get(call.identity.access_key_id or "")
        if session is not None:
            found = tag_value(session.tags, lower)
            if found is not None:
                return found
        tags = call.facts.principal_tags.get(call.principal.arn) if call.principal.arn else None
        if tags is None or kind not in (PrincipalKind.USER, PrincipalKind.ROLE):
            return UNKNOWN
        found = tag_value(tags, lower)
        if session is None and kind is PrincipalKind.ROLE and _tagged_by_provider(call):
            return UNKNOWN
        return found

    return value


def tag_value(tags: Mapping[str, str], lower: str) -> ContextValue | None:
    """The value of a tag whose key in lower case is `lower`; unknown where two keys differ in case only."""
    values = {value for key, value in tags.items() if key.lower() == lower}
    if not values:
        return None
    return values.pop() if len(values) == 1 else UNKNOWN


def _tagged_by_provider(call: Call) -> bool:
    session = call.session
    web = session is not None and bool(session.web_id_federation_data)
    return web or is_identity_center_role(call.principal.arn)


def sign_in_session(call: Call) -> ContextValue | None:
    """`aws:SignInSessionArn`: sessions that began with a console or CLI sign-in."""
    session = call.session
    if session is not None and session.sign_in_session_arn:
        return session.sign_in_session_arn
    if call.long_term or call.principal.kind is PrincipalKind.AWS_SERVICE:
        return None
    time = call.record.event_time
    logged = session is not None and call.time is not None and time is not None and time >= _SIGN_IN_SESSION_SINCE
    return None if logged else UNKNOWN


def via_customer_domain(call: Call) -> ContextValue | None:
    """`aws:ViaCustomerDomain`: a partner's temporary delegation."""
    account = _member(call.identity.invoked_by_delegate, "accountId")
    if account:
        return account
    return None if call.long_term else UNKNOWN


def identity_store_user(call: Call) -> ContextValue | None:
    """`identitystore:UserId`: the person behind an identity-enhanced session."""
    user = _member(call.identity.on_behalf_of, "userId")
    if user:
        return user
    kind = call.principal.kind
    enhanced = kind is PrincipalKind.ROLE and (is_identity_center_role(call.principal.arn) or call.session is None)
    if enhanced or kind in (PrincipalKind.IDENTITY_CENTER, PrincipalKind.ACCOUNT, PrincipalKind.UNKNOWN):
        return UNKNOWN
    return None


def source_key(rule: Callable[[Call], ContextValue | None]) -> CallRule:
    """A key that only calls of service principals carry (aws:SourceArn and its kin)."""

    def value(call: Call) -> ContextValue | None:
        if call.principal.kind is PrincipalKind.AWS_SERVICE:
            return rule(call)
        return UNKNOWN if call.principal.kind is PrincipalKind.UNKNOWN else None

    return value


def _source_account(call: Call) -> str | None:
    account = _member(call.identity.in_scope_of, "sourceAccount")
    return account if account and is_account_id(account) else None


def _source_account_key(call: Call) -> ContextValue | None:
    return _source_account(call) or UNKNOWN


def _source_arn_key(call: Call) -> ContextValue | None:
    return _member(call.identity.in_scope_of, "sourceArn") or UNKNOWN


def _source_org_id(call: Call) -> ContextValue | None:
    account = _source_account(call)
    return organization_id(account, call.facts) if account else UNKNOWN


def _source_org_paths(call: Call) -> ContextValue | None:
    account = _source_account(call)
    return organization_path(account, call.facts) if account else UNKNOWN


def _member(node: Any, name: str) -> str | None:
    found = node.get(name) if isinstance(node, dict) else None
    return found if isinstance(found, str) and found else None


def _boolean(logged: str | bool | None) -> bool | None:
    if isinstance(logged, bool):
        return logged
    return {"true": True, "false": False}.get((logged or "").lower())


def _rules() -> dict[str, CallRule]:
    rules: dict[str, CallRule] = {key: principal_rule(key) for key in PRINCIPAL_KEYS}
    rules |= {
        "aws:userid": user_id,
        "aws:username": user_name,
        "aws:multifactorauthpresent": mfa_present,
        "aws:multifactorauthage": mfa_age,
        "aws:tokenissuetime": token_issue_time,
        "aws:assumedroot": assumed_root,
        "aws:sourceidentity": source_identity,
        "aws:federatedprovider": federated_provider,
        "aws:signinsessionarn": sign_in_session,
        "aws:viacustomerdomain": via_customer_domain,
        "identitystore:userid": identity_store_user,
        "aws:sourceaccount": source_key(_source_account_key),
        "aws:sourcearn": source_key(_source_arn_key),
        "aws:sourceorgid": source_key(_source_org_id),
        "aws:sourceorgpaths": source_key(_source_org_paths),
    }
    return rules


CALLER_RULES: Final[Mapping[str, CallRule]] = MappingProxyType(_rules())
"""Rules that a record's caller decides."""
