"""One JSON object found in a log: a CloudTrail record, a wrapper around records, or something else.

Wrappers (EventBridge events, `lookup-events` output, CloudWatch Logs events, Lake query rows, …) are told by their
member names, which no CloudTrail record has at its top level (AWS CloudTrail User Guide,
cloudtrail-event-reference-record-contents).
"""

import re
from collections.abc import Iterator
from operator import attrgetter
from typing import Final, Literal

import msgspec

from simulator.cloudtrail.coercion import ELEMENTS, MEMBERS, UNREADABLE, coerce, is_utf8, repair, text_of
from simulator.cloudtrail.record import NO_JSON, Record

SkipReason = Literal["not-cloudtrail", "event-notification", "cloudtrail-insight", "cloudtrail-aggregated"]
ContentReason = Literal["cloudtrail-digest", "cloudtrail-insight", "cloudtrail-aggregated", "empty", "not-json"]
DamageReason = Literal[
    "unreadable",  # the operating system refuses to read (the rest of) the file
    "truncated-object",  # S3 sends less of an object than it announced, again and again
    "truncated-gzip",
    "corrupt-gzip",
    "corrupt-parquet",
    "truncated-json",  # the text ends inside a value
    "broken-json",  # text that is not JSON between or inside records
    "broken-record",  # one JSON value that cannot be decoded
    "broken-embedded-record",  # a record inside a text (`CloudTrailEvent`, `message`) that cannot be decoded
    "repaired-text",  # bad characters or numbers were replaced; the record is used
    "oversized-record",  # larger than any CloudTrail event
    "too-deep",  # nested beyond what a record can be
]


class SkippedRecord(msgspec.Struct, frozen=True):
    """An intact JSON object that is no record to replay."""

    reason: SkipReason


class SkippedContent(msgspec.Struct, frozen=True):
    """A whole file that holds no records to replay: it counts as a skipped file, its objects are not counted."""

    reason: ContentReason


class Damage(msgspec.Struct, frozen=True):
    """Something that could not be used as written. `at` is the offset in the inflated text where it is known."""

    reason: DamageReason
    at: int | None = None


Item = Record | SkippedRecord | SkippedContent | Damage


class BrokenInputError(Exception):
    """Raised by a source of bytes after its last good piece: the rest cannot be read or inflated."""

    def __init__(self, reason: DamageReason) -> None:
        super().__init__(reason)
        self.reason: DamageReason = reason

    def __reduce__(self) -> tuple[type["BrokenInputError"], tuple[DamageReason]]:
        return BrokenInputError, (self.reason,)


LIST_KEYS: Final = frozenset({"Records", "Events", "events", "logEvents", "QueryResultRows"})
"""Members that hold the list of records: a delivered file, `lookup-events`, `get-log-events` and
`filter-log-events`, a CloudWatch Logs subscription, `get-query-results` of CloudTrail Lake."""

OBJECT_KEYS: Final = frozenset({"detail", "data"})
"""Members that hold one record or a further wrapper: an EventBridge event, log collectors."""

TEXT_KEYS: Final = frozenset({"CloudTrailEvent", "eventjson", "eventJson", "message", "@message", "Message"})
"""Members that hold a record as text: `lookup-events`, Lake, CloudWatch Logs, a notification by SNS."""

_SKIPPED_TYPES: Final[dict[str | None, SkipReason]] = {
    "AwsCloudTrailInsight": "cloudtrail-insight",
    "AwsAggregatedEvent": "cloudtrail-aggregated",
}
_SKIPPED_CATEGORIES: Final[dict[str | None, SkipReason]] = {
    "Insight": "cloudtrail-insight",
    "Aggregated": "cloudtrail-aggregated",
}

_SOURCE, _NAME, _TIME, _TYPE, _CATEGORY = map(
    attrgetter, ("event_source", "event_name", "event_time", "event_type", "event_category")
)
_MAX_WRAPPERS: Final = 8
_RECORD: Final = msgspec.json.Decoder(Record)
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
_LOG_LINE: Final = re.compile(r"\s*(?:\d{4}-\d\d-\d\dT[\d:.]+Z?\s+)?(?=[{\[])")


def plain_record(data: bytes) -> Record | None:
    """The record that `data` is, if it needs no special care; `None` says nothing but "ask `read_object`"."""
    if not is_utf8(data):
        return None
    try:
        record = _RECORD.decode(data)
    except UNREADABLE:
        return None
    return record if is_plain(record) else None


def is_plain(record: Record) -> bool:
    """Whether a decoded record has all that `read_object` would look for, and is one to replay."""
    return (
        record.event_source is not None
        and record.event_name is not None
        and record.event_time is not None
        and record.event_type not in _SKIPPED_TYPES
        and record.event_category not in _SKIPPED_CATEGORIES
        and not record.event_source.startswith("aws:")
    )


def are_plain(records: list[Record]) -> bool:
    """Whether all of these records are plain: each field is looked at for all of them at once."""
    sources = set(map(_SOURCE, records))
    return (
        None not in map(_NAME, records)
        and None not in map(_TIME, records)
        and None not in sources
        and _SKIPPED_TYPES.keys().isdisjoint(set(map(_TYPE, records)))
        and _SKIPPED_CATEGORIES.keys().isdisjoint(set(map(_CATEGORY, records)))
        and not any(source.startswith("aws:") for source in sources)
    )


def is_object(data: bytes) -> bool:
    """Whether `data` is one complete JSON object in valid UTF-8."""
    return _members(data) is not None


def read_object(data: bytes, at: int | None = None, wrappers: int = 0) -> Iterator[Item]:
    """What the text of one JSON object holds: at least one item, unless it wraps an empty list.

    `at` is its offset (for `Damage`), `wrappers` the number of wrappers around it.
    """
    members = _members(data)
    if members is None:
        mended = repair(data)
        members = None if mended is None else _members(mended)
        if mended is None or members is None:
            yield Damage("broken-embedded-record" if wrappers else "broken-record", at)
            return
        data = mended
        yield Damage("repaired-text", at)
    if members.keys() >= {"digestStartTime", "logFiles"}:
        yield SkippedContent("cloudtrail-digest")
        return
    if members.keys() & {"eventName", "eventSource"}:
        yield _read_record(data, members)
    elif wrapped := _wrapped(members):
        for raw in wrapped:
            yield from _read_value(raw, at, wrappers + 1)
    else:
        # Insight and aggregated events have no source of their own.
        kind, category = (text_of(members.get(key, NO_JSON)) for key in ("eventType", "eventCategory"))
        yield SkippedRecord(_SKIPPED_TYPES.get(kind) or _SKIPPED_CATEGORIES.get(category) or "not-cloudtrail")


def read_element(raw: bytes | msgspec.Raw, at: int | None = None) -> Iterator[Item]:
    """What one element of a list of records holds: an object, a text with an object, or nothing of use."""
    return _read_value(raw, at, 0)


def _members(data: bytes) -> dict[str, msgspec.Raw] | None:
    try:
        return MEMBERS.decode(data) if is_utf8(data) else None
    except UNREADABLE:
        return None


def _read_record(data: bytes, members: dict[str, msgspec.Raw]) -> Record | SkippedRecord:
    try:
        record = _RECORD.decode(data)
    except UNREADABLE:
        record = coerce(Record, members)
    reason = _skipped(record)
    if reason is not None:
        return SkippedRecord(reason)
    if record.event_time is None and "@timestamp" in members:
        # Log shippers (Logstash, Beats) move the event time there.
        time = text_of(members["@timestamp"])
        if _TIMESTAMP.fullmatch(time):
            return msgspec.structs.replace(record, event_time=time)
    return record


def _skipped(record: Record) -> SkipReason | None:
    """Why a record is none to replay. `aws:s3` and the like are notifications and streams in records of their own."""
    reason = _SKIPPED_TYPES.get(record.event_type) or _SKIPPED_CATEGORIES.get(record.event_category)
    if reason is None and record.event_source is not None and record.event_source.startswith("aws:"):
        return "event-notification"
    return reason


def _wrapped(members: dict[str, msgspec.Raw]) -> list[msgspec.Raw]:
    """The values inside which the records are; texts count only where there is no list and no object of records."""
    firsts = [(key, bytes(raw)[:1], raw) for key, raw in members.items()]
    structures = [
        raw
        for key, first, raw in firsts
        if (key in LIST_KEYS and first == b"[") or (key in OBJECT_KEYS and first == b"{")
    ]
    return structures or [
        raw
        for key, first, raw in firsts
        if (key in TEXT_KEYS and first in (b"{", b'"')) or (key in OBJECT_KEYS and first == b'"')
    ]


def _read_value(raw: bytes | msgspec.Raw, at: int | None, wrappers: int) -> Iterator[Item]:
    data = bytes(raw)
    if wrappers > _MAX_WRAPPERS:
        yield Damage("too-deep", at)
    elif data.startswith(b"{"):
        record = plain_record(data)
        if record is not None:
            yield record
        else:
            yield from read_object(data, at, wrappers)
    elif data.startswith(b"["):
        try:
            elements = ELEMENTS.decode(data)
        except UNREADABLE:
            yield Damage("broken-embedded-record", at)
            return
        for element in elements:
            yield from _read_value(element, at, wrappers + 1)
    elif data.startswith(b'"'):
        text = text_of(msgspec.Raw(data))
        start = _LOG_LINE.match(text)
        if start is None:
            yield SkippedRecord("not-cloudtrail")
        else:
            yield from _read_value(text[start.end() :].strip().encode("utf-8", "replace"), at, max(wrappers, 1))
    else:
        yield SkippedRecord("not-cloudtrail")
