"""Claims of identity providers as condition keys: `<provider>:sub`, `<provider>:aud`, `saml:sub`, ...

Source: AWS IAM User Guide, reference_policies_iam-condition-keys (keys for OIDC federation and for SAML-based
federation); AWS CloudTrail User Guide, cloudtrail-event-reference-user-identity (WebIdentityUser, SAMLUser).
"""

from typing import Final

from simulator.cloudtrail.call import Call
from simulator.cloudtrail.caller_keys import CallRule
from simulator.decision.request import UNKNOWN, ContextValue, PrincipalKind

_PROVIDER_MARK: Final = ":oidc-provider/"


def identity_rule(key: str) -> CallRule:
    """The rule of a provider's claim; `key` in lower case (`token.actions.githubusercontent.com:sub`).

    A token comes of one provider: the keys of all others are absent. Of its own claims the log shows the subject
    (`userName`) and the audience (inside `principalId`).
    """
    provider, _, claim = key.rpartition(":")

    def value(call: Call) -> ContextValue | None:
        kind = call.principal.kind
        if kind is PrincipalKind.FEDERATED:
            return _of_token(call, provider, claim)
        if kind is PrincipalKind.ROLE:
            return _of_session(call, provider)
        if kind in (PrincipalKind.ACCOUNT, PrincipalKind.UNKNOWN, PrincipalKind.IDENTITY_CENTER):
            return UNKNOWN
        return None

    return value


def _of_token(call: Call, provider: str, claim: str) -> ContextValue | None:
    identity = call.identity
    if identity.type == "SAMLUser" or provider == "saml":
        return UNKNOWN if (identity.type == "SAMLUser") == (provider == "saml") else None
    logged = identity.identity_provider
    if not logged:
        return UNKNOWN
    if _host(logged).lower() != provider:
        return None
    subject = identity.user_name
    if claim == "sub" and subject:
        return subject
    if claim == "aud" and subject and identity.principal_id:
        # `<provider>:<audience>:<subject>`; the audience may hold colons of its own.
        head, tail = f"{logged}:", f":{subject}"
        text = identity.principal_id
        if text.startswith(head) and text.endswith(tail) and len(text) > len(head) + len(tail):
            return text[len(head) : -len(tail)]
    return UNKNOWN


def _of_session(call: Call, provider: str) -> ContextValue | None:
    """Some claims stay in the role session that a token opened; the log tells the provider alone."""
    session = call.session
    if session is None or provider == "saml":
        return UNKNOWN
    web = session.web_id_federation_data
    if not web:
        return None
    logged = web.get("federatedProvider") if isinstance(web, dict) else None
    return None if isinstance(logged, str) and logged and _host(logged).lower() != provider else UNKNOWN


def _host(provider: str) -> str:
    """`arn:aws:iam::1…:oidc-provider/example.com/path` is written `example.com/path` in keys."""
    return provider.partition(_PROVIDER_MARK)[2] or provider
