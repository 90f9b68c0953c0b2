"""What is needed to turn the names in a request into ARNs: the call's frame, and names known from elsewhere."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from simulator.cloudtrail.arn_format import ArnFormat
from simulator.cloudtrail.parameters import Parameters
from simulator.decision.request import UNKNOWN, Unknown
from simulator.iam.arn import Arn, split_arn

Named = str | Literal[Unknown.UNKNOWN] | None


SECRET: Final = re.compile(r"secret:.+-(?=[a-zA-Z0-9]*[A-Z0-9])[a-zA-Z0-9]{6}", re.DOTALL)
"""A secret's resource with its suffix. Six lower-case letters alone are rather the end of a name."""

_KNOWN_SECRET: Final = re.compile(r"secret:.+-[a-zA-Z0-9]{6}", re.DOTALL)
"""The same in an ARN that AWS itself wrote or that stands in an inventory: there the suffix is never left out."""


class KnownNames:
    """ARNs known from inventory or from other records, found by the name a request gives.

    IAM names are unique in an account whatever their path; secrets carry a random suffix. A name with two ARNs is
    not resolved.
    """

    __slots__ = ("_arns",)

    def __init__(self, arns: set[str]) -> None:
        self._arns: dict[tuple[str, ...], str | None] = {}
        for text in arns:
            arn = split_arn(text)
            key = _name_key(arn) if arn else None
            if key is not None:
                self._arns[key] = None if self._arns.get(key, text) != text else text

    def iam(self, account: str, kind: str, name: str) -> str | None:
        """The ARN of the IAM `role`, `user`, ... of an account."""
        return self._arns.get(("iam", account, kind, name.lower()))

    def is_secret(self, arn: Arn) -> bool:
        """Whether exactly this is the full ARN of a secret; a request may leave out the suffix."""
        key = _name_key(arn)
        known = self._arns.get(key) if key is not None else None
        return known is not None and split_arn(known) == arn

    def secret(self, account: str, region: str, name: str) -> str | None:
        """The full ARN of a secret."""
        return self._arns.get(("secret", account, region, name))


def _name_key(arn: Arn) -> tuple[str, ...] | None:
    if arn.service == "iam":
        kind, slash, rest = arn.resource.partition("/")
        # IAM names are unique without regard to case (IAM API Reference, CreateRole).
        return ("iam", arn.account, kind, rest.rpartition("/")[2].lower()) if slash else None
    if arn.service == "secretsmanager" and _KNOWN_SECRET.fullmatch(arn.resource):
        return ("secret", arn.account, arn.region, arn.resource[len("secret:") : -7])
    return None


@dataclass(slots=True)
class Call:
    """What of one record the naming rules need. `home` is the account whose names the call uses."""

    partition: str
    region: str | None
    home: str | None
    event: str
    action: str
    caller: str | None
    parameters: Parameters
    names: KnownNames
    organization: tuple[str, str] | None
    ec2_ids: Mapping[str, str]
    ec2_formats: Mapping[str, ArnFormat]

    def fill(self, form: ArnFormat, values: Mapping[str, str], account: str | None = None) -> str | None:
        """The ARN in this call's partition, region and account (or another account)."""
        return form.fill(self.partition, self.region, account or self.home, values)


def by_name(call: Call, form: ArnFormat, value: str) -> Named:
    """An ARN of the format, or the value of the format's only variable."""
    arn = split_arn(value)
    if arn is not None:
        return value if form.matches(arn) else None
    if len(form.variables) != 1:
        return None
    return call.fill(form, {form.variables[0]: value}) or UNKNOWN


def is_access_point_alias(name: str) -> bool:
    """Whether a bucket name is an access point alias (Amazon S3 User Guide, access-points-naming)."""
    return name.endswith(("-s3alias", "--ol-s3", ".mrap"))
