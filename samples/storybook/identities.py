"""Callers: the ``userIdentity`` block of each kind of principal, and from where it calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from storybook.world import Json, iso, letters

AGENT_CLI = (
    "aws-cli/2.27.50 md/awscrt#0.26.1 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.4 cfg/retry-mode#standard"
)
AGENT_BOTO = "Boto3/1.40.11 md/Botocore#1.40.11 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.9 exec-env/{}"
AGENT_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who signs requests: who it is, from where, with what."""

    identity: Json
    account: str
    """Account of the principal; empty for service principals and anonymous callers."""
    address: str
    agent: str
    endpoint: str | None = None
    """``vpcEndpointId`` if the calls leave through an interface or gateway endpoint."""

    @property
    def arn(self) -> str:
        """The ARN that error messages name, that is the session's for a role."""
        return str(self.identity.get("arn", ""))

    def from_network(self, address: str, *, endpoint: str | None = None, agent: str | None = None) -> Caller:
        """The same principal from somewhere else."""
        return replace(self, address=address, endpoint=endpoint, agent=agent or self.agent)

    def through(self, service: str) -> Caller:
        """A forward access session: the service calls on in the caller's name; the record shows its DNS name."""
        identity = {**self.identity, "invokedBy": service}
        return replace(self, identity=identity, address=service, agent=service, endpoint=None)

    def seen_by_owner(self) -> Json:
        """How the copy in the resource owner's account describes a caller from another account: no ARN, no issuer."""
        if self.identity["type"] in {"AWSService", "AWSAccount", "SAMLUser", "WebIdentityUser"}:
            return self.identity
        return {"type": "AWSAccount", "principalId": self.identity["principalId"], "accountId": self.account}


def unique_id(kind: str, arn: str) -> str:
    """IAM's unique id of a role (``AROA``) or user (``AIDA``): 21 characters, made from the ARN."""
    return f"{kind}{letters(10, kind, arn)}EXAMPLE"


def session_arn(role: str, session: str) -> str:
    """ARN of a session of the role; as at AWS, the role's path is lost."""
    return f"arn:aws:sts::{role.split(':')[4]}:assumed-role/{role.rsplit('/', 1)[1]}/{session}"


def role_session(
    role: str,
    session: str,
    started: datetime,
    key: str,
    *,
    address: str,
    agent: str,
    endpoint: str | None = None,
    mfa: bool = False,
    source_identity: str | None = None,
    web_identity: Json | None = None,
    in_scope_of: Json | None = None,
    on_behalf_of: Json | None = None,
    ec2_delivery: str | None = None,
) -> Caller:
    """A session of a role (its ARN given with path), with what some kinds of sessions carry besides."""
    account = role.split(":")[4]
    issuer_id = unique_id("AROA", role)
    context: Json = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": issuer_id,
            "arn": role,
            "accountId": account,
            "userName": role.rsplit("/", 1)[1],
        }
    }
    if web_identity is not None:
        context["webIdFederationData"] = web_identity
    context["attributes"] = {"creationDate": iso(started), "mfaAuthenticated": "true" if mfa else "false"}
    if source_identity is not None:
        context["sourceIdentity"] = source_identity
    if ec2_delivery is not None:
        context["ec2RoleDelivery"] = ec2_delivery
    identity: Json = {
        "type": "AssumedRole",
        "principalId": f"{issuer_id}:{session}",
        "arn": session_arn(role, session),
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": context,
    }
    if on_behalf_of is not None:
        identity["onBehalfOf"] = on_behalf_of
    if in_scope_of is not None:
        identity["inScopeOf"] = in_scope_of
    return Caller(identity, account, address, agent, endpoint)


def iam_user(account: str, name: str, *, address: str, agent: str) -> Caller:
    """An IAM user with a long-term access key."""
    arn = f"arn:aws:iam::{account}:user/{name}"
    identity = {
        "type": "IAMUser",
        "principalId": unique_id("AIDA", arn),
        "arn": arn,
        "accountId": account,
        "accessKeyId": f"AKIA{letters(9, 'key', arn)}EXAMPLE",
        "userName": name,
    }
    return Caller(identity, account, address, agent)


def federated_user(issuer: Caller, name: str, started: datetime, key: str) -> Caller:
    """A GetFederationToken session of an IAM user."""
    account = issuer.account
    identity = {
        "type": "FederatedUser",
        "principalId": f"{account}:{name}",
        "arn": f"arn:aws:sts::{account}:federated-user/{name}",
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "IAMUser",
                "principalId": issuer.identity["principalId"],
                "arn": issuer.arn,
                "accountId": account,
                "userName": issuer.identity["userName"],
            },
            "attributes": {"creationDate": iso(started), "mfaAuthenticated": "false"},
        },
    }
    return Caller(identity, account, issuer.address, issuer.agent)


def root_user(
    account: str,
    started: datetime,
    key: str,
    *,
    address: str,
    agent: str,
    mfa: bool = False,
    assumed: bool | None = None,
) -> Caller:
    """The root user; ``assumed=True`` for an AssumeRoot session that says so, ``None`` where nothing is said."""
    context: Json = {"attributes": {"creationDate": iso(started), "mfaAuthenticated": "true" if mfa else "false"}}
    if assumed is not None:
        context["assumedRoot"] = "true" if assumed else "false"
    identity = {
        "type": "Root",
        "principalId": account,
        "arn": f"arn:aws:iam::{account}:root",
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": context,
    }
    return Caller(identity, account, address, agent)


def service(name: str) -> Caller:
    """An AWS service acting as itself."""
    return Caller({"type": "AWSService", "invokedBy": name}, "", name, name)


def saml_user(name: str, *, address: str) -> Caller:
    """A person whom Identity Center vouches for, at the moment of AssumeRoleWithSAML."""
    provider = f"{letters(22, 'saml-provider')}example="
    identity = {"type": "SAMLUser", "principalId": f"{provider}:{name}", "userName": name, "identityProvider": provider}
    return Caller(identity, "", address, AGENT_BROWSER)


def web_identity_user(provider: str, audience: str, subject: str, *, address: str, agent: str) -> Caller:
    """The holder of an OpenID Connect token, at the moment of AssumeRoleWithWebIdentity; ``provider`` is an ARN."""
    identity = {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:{audience}:{subject}",
        "userName": subject,
        "identityProvider": provider,
    }
    return Caller(identity, "", address, agent)


def anonymous(address: str) -> Caller:
    """Somebody with a browser and no credentials."""
    return Caller({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}, "", address, AGENT_BROWSER)


def identity_center_user(account: str, user_id: str, *, address: str) -> Caller:
    """A person in the access portal: no ARN, only the user id in the identity store."""
    identity = {
        "type": "IdentityCenterUser",
        "accountId": account,
        "onBehalfOf": {
            "userId": user_id,
            "identityStoreArn": f"arn:aws:identitystore::{account}:identitystore/d-99670c0de1",
        },
        "credentialId": letters(32, "credential", user_id).lower(),
    }
    return Caller(identity, account, address, AGENT_BROWSER)
