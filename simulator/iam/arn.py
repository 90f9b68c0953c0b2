"""Amazon Resource Names: `arn:partition:service:region:account:resource` (AWS General Reference, ARN format)."""

from typing import NamedTuple


class Arn(NamedTuple):
    """The six parts of an ARN; `resource` may hold further colons and slashes."""

    prefix: str
    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return ":".join(self)


def split_arn(text: str) -> Arn | None:
    """Split at the first five colons; `None` if `text` is not an ARN.

    >>> split_arn("arn:aws:iam::111122223333:role/team/ops").resource
    'role/team/ops'
    """
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return None
    return Arn(*parts)


def account_of(text: str) -> str | None:
    """The account id inside an ARN, or `None` where the ARN carries none (S3 buckets and objects, for example)."""
    arn = split_arn(text)
    if arn is None or not is_account_id(arn.account):
        return None
    return arn.account


def is_account_id(text: str) -> bool:
    """Whether `text` is a twelve-digit AWS account id."""
    return len(text) == 12 and text.isascii() and text.isdigit()


def is_service_linked_role(arn: str) -> bool:
    """Whether a *role* ARN (with its path) is that of a service-linked role.

    SCPs and RCPs do not restrict these (AWS Organizations User Guide, orgs_manage_policies_scps and
    orgs_manage_policies_rcps). A session ARN has lost the path: ask with the role's ARN.
    """
    return ":role/aws-service-role/" in arn


def s3_bucket_of(arn: str) -> str | None:
    """The bucket name in an S3 bucket or object ARN, else `None` (access points and others carry an account)."""
    parts = split_arn(arn)
    if parts is None or parts.service != "s3" or parts.account or parts.region:
        return None
    return parts.resource.split("/", 1)[0]
