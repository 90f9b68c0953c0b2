"""Whether records can teach anything that earlier ones have not: a glance at the text of many at once.

What records teach (`simulator.cloudtrail.learned`) are the full ARNs of IAM identities and secrets, and the owners of
buckets. Nearly all records repeat what is known, so their texts are searched together for a name that is not.
"""

import re
from collections.abc import Mapping
from itertools import chain
from operator import attrgetter
from typing import Final

from simulator.cloudtrail.record import Record

_MOST: Final = 200_000
"""Texts to remember; hostile logs can hold any number of them."""

_REQUEST, _RESPONSE, _RESOURCES = map(attrgetter, ("request_parameters", "response_elements", "resources"))
_NAMED: Final = re.compile(rb'"(arn:[a-z-]{3,20}:(?:iam|secretsmanager):[^"]*+)"')
_BUCKET: Final = re.compile(rb'"arn:[a-z-]{3,20}:s3:::[^"/]*+"')
_BUCKET_ENTRY: Final = re.compile(rb'\{[^{}]*?"arn:[a-z-]{3,20}:s3:::[^"/]*+"[^{}]*+\}')
_ACCOUNT: Final = re.compile(rb'"[aA]ccount[iI]d"\s*+:\s*+"\d{12}"')
"""Without an account of its own, a bucket's owner hangs on who got the record: its text alone tells nothing."""
_ESCAPED: Final = b"\\u"
"""Behind such an escape anything may hide."""


class Lessons:
    """Remembers which texts were looked at closely."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: set[object] = set()

    def may_teach(self, records: list[Record], learned: Mapping[str, str]) -> bool:
        """Whether one of the records may hold what is not `learned` yet; then all must be looked at closely."""
        signs = set(map(_signs, records))
        listed = b"".join(map(_RESOURCES, records))
        said = b"".join(chain(map(_REQUEST, records), map(_RESPONSE, records)))
        if _ESCAPED in listed or _ESCAPED in said:
            return True
        buckets = _BUCKET.findall(listed)
        entries = _BUCKET_ENTRY.findall(listed) if buckets else []
        if len(entries) != len(buckets) or not all(map(_ACCOUNT.search, set(entries))):
            return True
        new = {*signs, *entries} - self._seen
        named = set(_NAMED.findall(listed)) | set(_NAMED.findall(said))
        unknown = any(text.decode("utf-8", "replace") not in learned for text in named)
        if new and len(self._seen) < _MOST:
            self._seen |= new
        return bool(new) or unknown


def _signs(record: Record) -> object:
    """Who calls: the ARN of a role or user that this teaches."""
    identity = record.user_identity
    if identity is None:
        return None
    session = identity.session_context
    issuer = session.session_issuer if session else None
    arn = issuer.arn if issuer else None
    # A session's own ARN teaches nothing.
    return arn, identity.arn if identity.arn and ":iam:" in identity.arn else None
