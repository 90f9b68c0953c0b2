"""Who made a call: `userIdentity` of a CloudTrail record read as a principal.

Source: AWS CloudTrail User Guide, cloudtrail-event-reference-user-identity. Two rules matter most: the role is
`sessionIssuer.arn`, *with its path* (the assumed-role ARN has lost it), and what the record does not say stays
unknown.
"""

from typing import Final, Literal

from simulator.cloudtrail.record import Record, UserIdentity
from simulator.decision.request import UNKNOWN, Principal, PrincipalKind, Unknown
from simulator.iam.arn import is_account_id, is_service_linked_role, split_arn

EC2_INFRASTRUCTURE_ROLE: Final = "aws:ec2-infrastructure"
"""The role name EC2 itself acts under in an account (data perimeter guidance, aws-samples)."""

_SERVICE_LINKED_NAME: Final = "AWSServiceRoleFor"
_ANONYMOUS: Final = frozenset({"anonymous", "anonymous_principal"})
_NOBODY: Final = UserIdentity()

_PARTITIONS: Final = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)


def principal_of(record: Record) -> Principal:
    """The caller of a record; kind `UNKNOWN` where the record does not tell. Never raises."""
    identity = record.user_identity or _NOBODY
    match identity.type:
        case "AssumedRole" | "Role":
            return _role(identity)
        case "IAMUser":
            return _named(PrincipalKind.USER, identity, ":user/")
        case "Root":
            return _root(record, identity)
        case "FederatedUser":
            return _named(PrincipalKind.FEDERATED_USER, identity, ":federated-user/")
        case "AWSService":
            return Principal(PrincipalKind.AWS_SERVICE, name=_service_name(record, identity))
        case "AWSAccount":
            return _account_only(identity)
        case "SAMLUser" | "WebIdentityUser":
            return Principal(PrincipalKind.FEDERATED, name=identity.identity_provider or identity.user_name or None)
        case "IdentityCenterUser":
            return Principal(PrincipalKind.IDENTITY_CENTER, account=_account_id(identity.account_id))
    return _by_arn(record, identity)


def session_name_of(record: Record) -> str | None:
    """The name of the session a call was made in (`alice@example.com`, `i-0abc…`); `None` if there is none."""
    identity = record.user_identity or _NOBODY
    parts = split_arn(identity.arn or "")
    if parts is not None:
        kind, _, rest = parts.resource.partition("/")
        if kind == "assumed-role":
            return rest.partition("/")[2] or None
        if kind == "federated-user":
            return rest or None
    unique_id, colon, name = (identity.principal_id or "").partition(":")
    # Root and users have a bare id; only role ids (AROA…) and federated users carry a name after the colon.
    return (name or None) if colon and (unique_id.startswith("AROA") or is_account_id(unique_id)) else None


def partition_of(record: Record) -> str | None:
    """The partition (`aws`, `aws-cn`, ...) that a call was made in: from the caller's ARN, else from the region."""
    identity = record.user_identity or _NOBODY
    issuer = identity.session_context.session_issuer if identity.session_context else None
    # The role's ARN first: unlike the session's it is the same for many records, which are then judged as one shape.
    parts = split_arn(issuer.arn or "") if issuer else None
    if parts is None or not parts.partition:
        parts = split_arn(identity.arn or "")
    if parts is not None and parts.partition:
        return parts.partition
    region = record.aws_region
    if not region:
        return None
    return next((name for prefix, name in _PARTITIONS if region.startswith(prefix)), "aws")


def _role(identity: UserIdentity) -> Principal:
    session = identity.session_context
    issuer = session.session_issuer if session else None
    role_arn = issuer.arn if issuer else None
    parts = split_arn(role_arn or "")
    if parts is None or not parts.resource.startswith("role/"):
        role_arn = identity.arn
        parts = split_arn(role_arn or "")
    if parts is not None and parts.resource.startswith("role/") and role_arn:
        account = _account_id(parts.account) or _account_id(identity.account_id)
        return Principal(PrincipalKind.ROLE, role_arn, account, service_linked=is_service_linked_role(role_arn))
    account = _account_id(identity.account_id)
    name = issuer.user_name if issuer else None
    if parts is not None and parts.resource.startswith("assumed-role/"):
        account = _account_id(parts.account) or account
        name = parts.resource.split("/")[1] or name
        if name == EC2_INFRASTRUCTURE_ROLE and account:
            # This one has no path, so nothing is lost.
            return Principal(PrincipalKind.ROLE, f"arn:{parts.partition}:iam::{account}:role/{name}", account)
    if account is None and issuer:
        account = _account_id(issuer.account_id)
    return Principal(PrincipalKind.ROLE, None, account, service_linked=_maybe_service_linked(name))


def _maybe_service_linked(role_name: str | None) -> bool | Literal[Unknown.UNKNOWN]:
    # AWS names all service-linked roles AWSServiceRoleFor...; anyone may give an ordinary role such a name.
    if not role_name or role_name.startswith(_SERVICE_LINKED_NAME):
        return UNKNOWN
    return False


def _named(kind: PrincipalKind, identity: UserIdentity, mark: str) -> Principal:
    arn = identity.arn if identity.arn and mark in identity.arn and split_arn(identity.arn) else None
    account = _account_id(identity.account_id)
    if arn is not None and account is None:
        parts = split_arn(arn)
        account = _account_id(parts.account) if parts else None
    return Principal(kind, arn, account)


def _root(record: Record, identity: UserIdentity) -> Principal:
    parts = split_arn(identity.arn or "")
    account = _account_id(identity.account_id) or (_account_id(parts.account) if parts else None)
    if parts is not None and parts.resource == "root":
        return Principal(PrincipalKind.ROOT, identity.arn, account)
    partition = partition_of(record)
    arn = f"arn:{partition}:iam::{account}:root" if account and partition else None
    return Principal(PrincipalKind.ROOT, arn, account)


def _account_only(identity: UserIdentity) -> Principal:
    if (identity.account_id or "").lower() in _ANONYMOUS:
        return Principal(PrincipalKind.ANONYMOUS)
    found = _from_arn(identity)
    if found is not None:
        return found
    return Principal(PrincipalKind.ACCOUNT, account=_account_id(identity.account_id))


def _by_arn(record: Record, identity: UserIdentity) -> Principal:
    """A caller of type Unknown, Directory, a type not yet documented, or none at all."""
    session = identity.session_context
    issuer = session.session_issuer if session else None
    if issuer and ":role/" in (issuer.arn or ""):
        return _role(identity)
    found = _from_arn(identity)
    if found is not None:
        return found
    account = _account_id(identity.account_id)
    if identity.type is None and identity.invoked_by and not identity.principal_id:
        # `{accountId, invokedBy}`: written for what a service did in the account by itself. For an API call it does
        # not say under which principal, so nothing is exempted.
        if record.event_type == "AwsServiceEvent":
            return Principal(PrincipalKind.AWS_SERVICE, name=identity.invoked_by)
        return Principal(PrincipalKind.UNKNOWN, account=account, name=identity.invoked_by)
    return Principal(PrincipalKind.UNKNOWN, account=account)


def _from_arn(identity: UserIdentity) -> Principal | None:
    parts = split_arn(identity.arn or "")
    if parts is None:
        return None
    kind = parts.resource.partition("/")[0]
    if parts.service == "sts" and kind == "assumed-role":
        return _role(identity)
    if parts.service == "iam" and kind == "role":
        return _role(identity)
    if parts.service == "iam" and kind == "user":
        return _named(PrincipalKind.USER, identity, ":user/")
    if parts.service == "sts" and kind == "federated-user":
        return _named(PrincipalKind.FEDERATED_USER, identity, ":federated-user/")
    if parts.service == "iam" and parts.resource == "root":
        return Principal(PrincipalKind.ROOT, identity.arn, _account_id(parts.account))
    return None


def _service_name(record: Record, identity: UserIdentity) -> str | None:
    for text in (identity.invoked_by, record.source_ip_address):
        if text and is_service_name(text):
            return text
    return None


def is_service_name(text: str) -> bool:
    """Whether a text is a service principal's DNS name (`s3.amazonaws.com`, `ec2.amazonaws.com.cn`)."""
    return text.endswith((".amazonaws.com", ".amazonaws.com.cn", ".aws.internal"))


def _account_id(text: str | None) -> str | None:
    return text if text and is_account_id(text) else None
