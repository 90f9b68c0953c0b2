"""What one record teaches about resources that other records name less fully.

The answers belong into `Facts.resource_accounts` (ARN or bucket name to owner): the mapping finds there the owners of
buckets, and the full ARNs of IAM roles, users, ... (whose requests leave out the path) and of secrets (whose requests
may leave out the random suffix).
"""

from typing import Final

from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resource_names import SECRET
from simulator.cloudtrail.resource_owners import Owners, arns_within, read_json, read_listed
from simulator.decision.facts import Facts
from simulator.iam.arn import Arn, is_account_id, s3_bucket_of, split_arn

_NO_FACTS: Final = Facts()
_IAM_KINDS: Final = frozenset({"role", "user", "group", "policy", "instance-profile", "server-certificate"})


def learned_accounts(record: Record) -> dict[str, str]:
    """ARNs (for S3: bucket names) that the record proves to exist, with their owners.

    Only what AWS itself wrote counts: the identity, `resources[]`, and the answer; requests count where the call
    succeeded and the ARN was needed for that.
    """
    found: dict[str, str] = {}
    listed = read_listed(record)
    texts = [*listed]
    identity = record.user_identity
    if identity is not None:
        session = identity.session_context
        issuer = session.session_issuer if session else None
        texts += [arn for arn in (issuer.arn if issuer else None, identity.arn) if arn]
    if record.error_code is None:
        texts += arns_within(read_json(record.response_elements), depth=4)
        texts += (arn for arn in arns_within(read_json(record.request_parameters), depth=1) if not _may_be_cut(arn))
    for text in texts:
        arn = split_arn(text)
        if arn is not None and is_account_id(arn.account) and _is_named_by_parts(arn):
            found[text] = arn.account
    owners = Owners(record, listed, _NO_FACTS)
    for text in texts:
        bucket = s3_bucket_of(text)
        if bucket and text in listed:
            owner = owners.of(text)
            if isinstance(owner, str):
                found[bucket] = owner
    return found


def _may_be_cut(text: str) -> bool:
    """Whether a request may have left out the end of an ARN: a secret's random suffix."""
    arn = split_arn(text)
    return arn is not None and arn.service == "secretsmanager" and SECRET.fullmatch(arn.resource) is None


def _is_named_by_parts(arn: Arn) -> bool:
    if arn.service == "iam":
        return arn.resource.partition("/")[0] in _IAM_KINDS
    return arn.service == "secretsmanager"
