"""Laws of reading: cuts do not matter, a truncated log gives a prefix, nothing raises."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from simulator.cloudtrail.bulk import Intact
from simulator.cloudtrail.containers import Damage, Item
from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.salvage import Scanner

TEXTS = st.text(max_size=8) | st.sampled_from(["{", "]", '"', "\\"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("eventTime", "eventID", "userIdentity", "requestParameters", "resources", "errorCode", "@timestamp")
PLACES = st.integers(0, 10**6)
TOKENS = st.sampled_from(
    [*(bytes([byte]) for byte in b'{}[]"\\,:\n1'), b'{"eventVersion":', b'{"Records":[', b'{"detail":', b"\xff"]
)
SHAPES = ("Records", "array", "EventBridge", "lookup-events", "logs", "lines")


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    fixed = {"eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": draw(st.text(max_size=6))}
    event = fixed | draw(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
    if draw(st.booleans()):
        event |= {"eventTime": "2026-03-01T10:00:00Z", "eventID": "1"}
    return {key: event[key] for key in draw(st.permutations(sorted(event)))}


def _contained(records: list[Any], shape: str, indent: int | None, ascii_only: bool) -> bytes:
    def dump(value: Any) -> str:
        return json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    match shape:
        case "Records":
            text = dump({"Records": records})
        case "array":
            text = dump(records)
        case "EventBridge":
            text = dump([{"id": "1", "detail": record} for record in records])
        case "lookup-events":
            text = dump({"Events": [{"CloudTrailEvent": dump(record)} for record in records], "NextToken": "t"})
        case "logs":
            text = dump({"logEvents": [{"id": "1", "message": dump(record)} for record in records]})
        case _:
            text = "\n".join(map(dump, records))
    return text.encode()


LOGS = st.builds(
    _contained,
    st.lists(events() | JSON.filter(lambda value: isinstance(value, dict)), max_size=5),
    st.sampled_from(SHAPES),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
)


def _records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def _read(data: bytes) -> list[Item]:
    return list(decode(iter([data])))


def _scan(data: bytes, cuts: list[int]) -> list[Item]:
    """What the scanner finds; `decode` would put small pieces together first."""
    scanner = Scanner()
    found: list[Item | Intact] = []
    for start, end in pairwise(sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})):
        found.extend(scanner.feed(data[start:end]))
    found.extend(scanner.finish())
    return [item for each in found for item in (each.records if isinstance(each, Intact) else [each])]


@given(LOGS, st.lists(PLACES, max_size=8))
def test_cuts_do_not_matter(data: bytes, cuts: list[int]) -> None:
    assert _scan(data, cuts) == _scan(data, [])
    assert _scan(data, list(range(len(data)))) == _scan(data, [])


@given(LOGS, PLACES)
def test_a_truncated_log_gives_a_prefix(data: bytes, cut: int) -> None:
    whole = _records(_read(data))
    part = _records(_read(data[: cut % (len(data) + 1)]))
    assert part == whole[: len(part)]


@given(LOGS)
def test_an_intact_log_is_not_damaged(data: bytes) -> None:
    assert not [item for item in _read(data) if isinstance(item, Damage)]


@given(LOGS, PLACES, st.binary(max_size=3), st.integers(0, 3), st.lists(PLACES, max_size=4))
def test_cuts_do_not_matter_in_broken_logs(data: bytes, place: int, new: bytes, lost: int, cuts: list[int]) -> None:
    place %= len(data) + 1
    broken = data[:place] + new + data[place + lost :]
    assert _scan(broken, cuts) == _scan(broken, [])
    _read(broken)


@given(st.lists(TOKENS))
@example([b'[{"eventVersion":"', b"\n", b'{"eventVersion":', b'""}', b"]"])
def test_soup(tokens: list[bytes]) -> None:
    data = b"".join(tokens)
    assert _scan(data, list(range(len(data)))) == _scan(data, [])
    list(decode(iter(tokens)))


@given(st.lists(events(), min_size=1, max_size=4), st.sampled_from([None, 2]))
def test_all_containers_give_the_same_records(records: list[dict[str, Any]], indent: int | None) -> None:
    names = [record["eventName"] for record in records]
    found = [_records(_read(_contained(records, shape, indent, True))) for shape in SHAPES]
    assert all([record.event_name for record in one] == names for one in found)
    assert all([record.user_identity for record in one] == [r.user_identity for r in found[0]] for one in found)
