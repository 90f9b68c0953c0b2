"""Records that issue sessions (AWS STS: AssumeRole and its kin), read as evidence of who becomes whom.

Source of the members: AWS CloudTrail User Guide, cloudtrail-event-reference-user-identity (AWS STS examples); AWS STS
API Reference, AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity, AssumeRoot, GetFederationToken; Amazon EKS
User Guide, pod-id-abac (session tags of Pod Identity).
"""

from collections.abc import Mapping
from typing import Final

from simulator.cloudtrail.call import decode_object
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import partition_of, principal_of
from simulator.cloudtrail.record import Record
from simulator.iam.arn import is_account_id
from simulator.replay.session_names import MAX_NAME, folded_ids, group_of
from simulator.replay.tie_folds import Assumption

ISSUING_EVENTS: Final = frozenset(
    {"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetFederationToken"}
)

_POD_IDENTITY: Final = "pods.eks.amazonaws.com"

_NAMING: Final = frozenset({"lambda.amazonaws.com", "edgelambda.amazonaws.com"})
"""Services that name a session after the one thing that it is for: the digits of such a name matter."""


class Issued:
    """What an issuing record says: the assumption, the session's full name, and the access key id (`""`: not told)."""

    __slots__ = ("access_key", "assumption", "name")

    def __init__(self, assumption: Assumption, name: str, access_key: str) -> None:
        self.assumption = assumption
        self.name = name
        self.access_key = access_key


def issued_by(record: Record) -> Issued | None:
    """What a record issued; `None` if it failed, or does not say for which role. Never raises."""
    if record.error_code or record.event_name not in ISSUING_EVENTS:
        return None
    parameters = Parameters.from_record(record)
    answer = decode_object(record.response_elements)
    role = _issued_identity(record, parameters, answer)
    if not role:
        return None
    caller = principal_of(record)
    name = parameters.first("roleSessionName") or parameters.first("name") or _text(answer, "assumedRoleUser", "arn")
    name = name.rpartition("/")[2] if name.startswith("arn:") else name
    subject, provider = _subject(record, parameters, answer, caller.label)
    assumption = Assumption(
        how=record.event_name,
        caller_kind=caller.kind.value,
        caller=caller.label,
        caller_account=caller.account or "",
        role=role,
        subject=folded_ids(subject),
        provider=provider,
        name=name[:MAX_NAME] if caller.label in _NAMING else group_of(name),
        source_identity=parameters.first("sourceIdentity") or "",
    )
    return Issued(assumption, name, _text(answer, "credentials", "accessKeyId"))


def _issued_identity(record: Record, parameters: Parameters, answer: Mapping[str, object]) -> str:
    """The ARN of who the session is, as the principal of its calls will be named."""
    if record.event_name == "AssumeRoot":
        target = parameters.first("targetPrincipal") or ""
        account = target.split(":")[4] if target.count(":") >= 5 else target
        partition = partition_of(record) or "aws"
        return f"arn:{partition}:iam::{account}:root" if is_account_id(account) else ""
    if record.event_name == "GetFederationToken":
        return _text(answer, "federatedUser", "arn")
    role = parameters.first("roleArn") or ""
    return role if ":role/" in role else ""


def _subject(record: Record, parameters: Parameters, answer: Mapping[str, object], caller: str) -> tuple[str, str]:
    """Whom an identity provider vouches for, and the provider."""
    identity = record.user_identity
    if record.event_name == "AssumeRoleWithWebIdentity":
        subject = _text(answer, "subjectFromWebIdentityToken") or (identity.user_name if identity else None)
        provider = (identity.identity_provider if identity else None) or _text(answer, "provider")
        return subject or "", provider
    if record.event_name == "AssumeRoleWithSAML":
        # Identity Center and most providers name the session after the person; the subject may be a random id.
        subject = parameters.first("roleSessionName") or (identity.user_name if identity else None)
        return subject or _text(answer, "subject"), parameters.first("principalArn") or ""
    if caller == _POD_IDENTITY:
        tags = _tags(parameters)
        namespace, account = tags.get("kubernetes-namespace"), tags.get("kubernetes-service-account")
        if namespace and account:
            return f"system:serviceaccount:{namespace}:{account}", tags.get("eks-cluster-arn", "")
    return "", ""


def _tags(parameters: Parameters) -> dict[str, str]:
    rows = parameters.raw("tags")
    found: dict[str, str] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("key"), str):
            found[row["key"]] = str(row.get("value", ""))
    return found


def _text(answer: Mapping[str, object], *path: str) -> str:
    node: object = answer
    for name in path:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node if isinstance(node, str) else ""
