"""Answers that no guardrail at hand tells apart: all addresses outside the networks that policies name, for example.

A class stands for its members only where the judge provably uses nothing else of them: an address is read by the
conditions on it, the key of an S3 object by the patterns of resources, an access key by what is known of its session.
"""

import re
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any, Final

from simulator.cloudtrail.call import is_public
from simulator.decision.conditions import CompiledCondition
from simulator.decision.facts import Facts
from simulator.decision.program import Program
from simulator.decision.request import ContextValue
from simulator.decision.resources import CompiledResources
from simulator.replay.watched import ExtraRead, Getter, Note, ParameterRead, View, getter

_ADDRESS_KEYS: Final = frozenset({"aws:sourceip", "aws:vpcsourceip"})
_MOST: Final = 100_000
"""Addresses to remember; hostile logs can name any number of them."""

_ONE_OBJECT: Final = frozenset(
    {
        "GetObject",
        "HeadObject",
        "PutObject",
        "DeleteObject",
        "GetObjectAcl",
        "GetObjectTagging",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "AbortMultipartUpload",
        "ListParts",
    }
)
"""S3 operations on one object, which nothing but `bucketName` and `key` name."""

_SIMPLE_PARAMETERS: Final = frozenset({"bucketname", "host", "key", "uploadid", "partnumber", "versionid"})
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{2,62}", re.ASCII)
_SPECIAL_BUCKET: Final = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--xa-s3")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_./=+@-]{1,1024}", re.ASCII)
_KEY: Final = "key"
_NO_CONTEXT: Final[dict[str, ContextValue]] = {}


def classes(programs: Iterable[Program], facts: Iterable[Facts]) -> Mapping[Note, Getter]:
    """The classes that hold for these programs and facts."""
    programs, facts = tuple(programs), tuple(facts)
    found: dict[Note, Getter] = {"user_identity.access_key_id": _access_keys(facts)}
    addresses = _addresses(programs)
    if addresses is not None:
        found["source_ip_address"] = addresses
    keys = _ObjectKeys.of(programs, facts)
    if keys is not None:
        found["resources"] = keys.resources
        for method in ("all", "first", "has"):
            found[ParameterRead(method, _KEY)] = keys.reader(method)
    # Only whether S3 names a cipher suite is asked, and what it is called is one of a few texts anyway.
    found[ExtraRead("CipherSuite")] = lambda view: bool(view.extra.get("CipherSuite"))
    return found


def _access_keys(facts: tuple[Facts, ...]) -> Getter:
    """A temporary key is asked for its session, any key for its kind."""
    sessions = [each.sessions for each in facts]
    # As all nested fields, this one is only asked for where the structure around it is there: else it raises.
    get = attrgetter("user_identity.access_key_id")

    def session(view: View) -> object:
        key: str | None = get(view.record)
        if key is None:
            return None
        known = [each[key] for each in sessions if key in each]
        if not known:
            return key.startswith("ASIA")
        told = [(sorted(each.tags.items()), each.source_identity, each.assumed_root) for each in known]
        return key.startswith("ASIA"), repr(told)

    return session


def _conditions_on(keys: frozenset[str], programs: tuple[Program, ...]) -> tuple[CompiledCondition, ...] | None:
    """The conditions that ask for these keys; `None` where a policy uses one as a variable, or beside variables."""
    conditions: dict[object, CompiledCondition] = {}
    for program in programs:
        if any(keys & resources.keys for resources in program.resources):
            return None
        for sign, condition in program.conditions.items():
            if condition.key in keys and len(condition.keys) == 1:
                conditions[sign] = condition
            elif condition.keys & keys:
                return None
    return tuple(conditions.values())


def _addresses(programs: tuple[Program, ...]) -> Getter | None:
    """Addresses by the answers of all conditions on them."""
    conditions = _conditions_on(_ADDRESS_KEYS, programs)
    if conditions is None:
        return None
    remembered: dict[str, Any] = {}

    def address(view: View) -> object:
        text = view.record.source_ip_address
        if text is None:
            return None
        found = remembered.get(text)
        if found is None:
            if len(remembered) >= _MOST:
                remembered.clear()
            found = remembered[text] = _told(text)
        return found

    def _told(text: str) -> object:
        public = is_public(text)
        if public is None:
            return text
        return public, tuple(_answer(condition, text) for condition in conditions)

    return address


def _answer(condition: CompiledCondition, text: str) -> object:
    context = {condition.key: text}
    truth = condition.test(context)
    return condition.open_keys(context) if truth is None else truth


class _ObjectKeys:
    """Keys of S3 objects by the answers of all resource patterns."""

    def __init__(self, patterns: Iterable[CompiledResources], known: frozenset[str]) -> None:
        self._patterns = tuple(patterns)
        self._known = known
        self._last: tuple[View, tuple[str, str] | None] | None = None

    @classmethod
    def of(cls, programs: tuple[Program, ...], facts: tuple[Facts, ...]) -> "_ObjectKeys | None":
        """`None` where a pattern hangs on more than the resource."""
        patterns: dict[str, CompiledResources] = {}
        for program in programs:
            for resources in program.resources:
                if resources.keys:
                    return None
                if not resources.everything:
                    patterns[resources.content] = resources
        known = frozenset(name for each in facts for name in (*each.resource_accounts, *each.resource_tags))
        return cls(patterns.values(), known)

    def resources(self, view: View) -> object:
        """`resources[]` with the object's key left out."""
        text = bytes(view.record.resources)
        place = self._place(view)
        if place is None:
            return text
        bucket, key = place
        return text.replace(f':s3:::{bucket}/{key}"'.encode(), f':s3:::{bucket}/\0"'.encode())

    def reader(self, method: str) -> Getter:
        """A read of the parameter `key`."""
        plain = getter(ParameterRead(method, _KEY))

        def answer(view: View) -> object:
            place = self._place(view)
            if place is None:
                return plain(view)
            arn = f"arn:aws:s3:::{place[0]}/{place[1]}"
            return tuple([pattern.test(arn, _NO_CONTEXT) for pattern in self._patterns])

        return answer

    def _place(self, view: View) -> tuple[str, str] | None:
        """Bucket and key of a call on one object that nothing but the patterns of resources could look at."""
        if self._last is None or self._last[0] is not view:
            self._last = (view, self._find(view))
        return self._last[1]

    def _find(self, view: View) -> tuple[str, str] | None:
        record = view.record
        if record.event_source != "s3.amazonaws.com" or record.event_name not in _ONE_OBJECT:
            return None
        # Error messages name the resource, too; and another partition has other ARNs.
        region = record.aws_region or ""
        if record.error_message is not None or region.startswith(("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")):
            return None
        parameters = view.parameters
        if not parameters.names <= _SIMPLE_PARAMETERS:
            return None
        buckets, keys = parameters.all("bucketName"), parameters.all(_KEY)
        if len(buckets) != 1 or len(keys) != 1:
            return None
        bucket, key = buckets[0], keys[0]
        if _BUCKET.fullmatch(bucket) is None or bucket.endswith(_SPECIAL_BUCKET) or _PLAIN_KEY.fullmatch(key) is None:
            return None
        if b"accesspoint" in bytes(record.resources) or f"arn:aws:s3:::{bucket}/{key}" in self._known:
            return None
        return bucket, key
