"""ARNs in a record, what its `resources[]` lists, who owns a resource, and which resources no RCP reaches."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.record import NO_JSON, Record
from simulator.decision.facts import Facts
from simulator.decision.request import UNKNOWN, Unknown
from simulator.iam.arn import is_account_id, s3_bucket_of, split_arn

Account = str | Literal[Unknown.UNKNOWN] | None


def read_json(raw: msgspec.Raw) -> Any:
    """Decoded JSON, `None` for what cannot be read."""
    if raw == NO_JSON:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return None


def arns_within(node: Any, depth: int) -> Iterator[str]:
    """Texts that are ARNs, in objects and lists down to `depth` objects deep."""
    if isinstance(node, str):
        if node.startswith("arn:"):
            yield node
    elif isinstance(node, list):
        for each in node:
            yield from arns_within(each, depth)
    elif isinstance(node, dict) and depth > 0:
        for each in node.values():
            yield from arns_within(each, depth - 1)


def read_listed(record: Record) -> dict[str, str | None]:
    """The ARNs of `resources[]`, each with its owner if the record tells it.

    Tolerates `ARN` and `arn`, `accountId` and `accountid`, a single object in place of the list, and entries without
    an ARN (`ARNPrefix`: not a resource, but where several lie).
    """
    root = read_json(record.resources)
    listed: dict[str, str | None] = {}
    for entry in root if isinstance(root, list) else (root,):
        if not isinstance(entry, dict):
            continue
        lower = {name.lower(): value for name, value in entry.items() if isinstance(value, str)}
        arn, account = lower.get("arn"), lower.get("accountid", "")
        if arn is not None and split_arn(arn) is not None:
            listed[arn] = account if is_account_id(account) else None
    return listed


class Owners(msgspec.Struct, frozen=True):
    """Owner accounts as far as the record and the facts tell them."""

    record: Record
    listed: Mapping[str, str | None]
    facts: Facts

    def of(self, arn: str, *, own: str | None = None) -> Account:
        """The owner of an ARN; `None` for resources of AWS itself.

        `own` is the account to assume for ARNs without an account (other than buckets and objects, whose names are
        global).
        """
        listed = self.listed.get(arn)
        if listed is not None:
            return listed
        parts = split_arn(arn)
        if parts is None:
            return UNKNOWN
        if is_account_id(parts.account):
            return parts.account
        if parts.account == "aws":
            return None
        bucket = s3_bucket_of(arn)
        if bucket is not None:
            return self.of_bucket(bucket, parts.partition, arn)
        return self.facts.resource_accounts.get(arn) or own or UNKNOWN

    def of_bucket(self, bucket: str | None, partition: str = "aws", arn: str = "") -> Account:
        """The owner of a bucket, which its ARN does not tell and the caller need not be.

        The owner's copy of a cross-account call goes to the owner, so a recipient that is not the caller is the owner
        (AWS CloudTrail User Guide, cloudtrail-data-events and sharedEventID).
        """
        if bucket is None:
            return UNKNOWN
        name = f"arn:{partition}:s3:::{bucket}"
        known = self.listed.get(name) or self.facts.resource_accounts.get(name)
        known = known or self.facts.resource_accounts.get(bucket) or self.facts.resource_accounts.get(arn)
        if known:
            return known
        identity = self.record.user_identity
        caller = identity.account_id if identity else None
        recipient = self.record.recipient_account_id
        if recipient and caller and is_account_id(caller) and recipient != caller:
            return recipient
        return UNKNOWN


_METADATA: Final = ("kms:describe", "kms:get", "kms:list", "kms:revokegrant")


def kms_exemption(
    record: Record, parameters: Parameters, action: str, arn: str | Unknown, facts: Facts
) -> bool | Literal[Unknown.UNKNOWN]:
    """Whether the key is AWS managed, which no RCP reaches (AWS Organizations User Guide, orgs_manage_policies_rcps).

    Only the alias tells it for sure. The policies of AWS managed keys let the account's principals read metadata
    directly and do all else through the service alone (KMS Developer Guide, concepts: AWS managed keys); tagged keys
    are customer managed.
    """
    if not action.lower().startswith("kms:"):
        return False
    for name in ("keyId", "aliasName", "targetKeyId"):
        value = parameters.first(name)
        if value is not None and (value.startswith("alias/aws/") or ":alias/aws/" in value):
            return True
    if isinstance(arn, str) and facts.resource_tags.get(arn):
        return False
    identity = record.user_identity
    if identity is None or identity.invoked_by or identity.type == "AWSService":
        return UNKNOWN
    return UNKNOWN if action.lower().startswith(_METADATA) else False
