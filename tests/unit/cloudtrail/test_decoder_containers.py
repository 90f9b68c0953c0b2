"""Every container that CloudTrail records come in gives the same records."""

import codecs
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from simulator.cloudtrail.containers import Damage, Item, SkippedContent, SkippedRecord
from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.salvage import Scanner


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/Ana", "accountId": "111111111111"},
        "eventTime": f"2026-03-01T10:00:{number:02}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-west-1",
        "requestParameters": {"bucketName": "ledger", "key": f'a {{["{number}\\ ü'},
        "resources": [{"ARN": "arn:aws:s3:::ledger/a", "type": "AWS::S3::Object"}],
        "eventID": f"event-{number}",
        "eventType": "AwsApiCall",
        **more,
    }


def read(text: str | bytes) -> list[Item]:
    return list(decode(iter([text.encode() if isinstance(text, str) else text])))


def ids(items: list[Item]) -> list[str | None]:
    assert all(isinstance(item, Record) for item in items), items
    return [item.event_id for item in items if isinstance(item, Record)]


EVENTS = [event(1), event(2), event(3)]
LINES = [json.dumps(one, separators=(",", ":")) for one in EVENTS]
BRIDGE = [{"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": one} for one in EVENTS]
LOOKUP = [{"EventId": one["eventID"], "EventName": "GetObject", "CloudTrailEvent": json.dumps(one)} for one in EVENTS]
LOGS = [{"timestamp": 1_770_000_000_000, "message": json.dumps(one), "ingestionTime": 1} for one in EVENTS]

CONTAINERS: dict[str, str] = {
    "delivered": json.dumps({"Records": EVENTS}),
    "delivered, compact": json.dumps({"Records": EVENTS}, separators=(",", ":")),
    "delivered, indented": json.dumps({"Records": EVENTS}, indent=4),
    "delivered, flush left": json.dumps({"Records": EVENTS}, indent=0),
    "array": json.dumps(EVENTS),
    "array, indented": json.dumps(EVENTS, indent=2),
    "lines": "\n".join(LINES),
    "lines, CRLF and blank": "\r\n\r\n".join(LINES) + "\r\n",
    "lines with commas": ",\n".join(LINES),
    "objects without anything between": "".join(LINES),
    "objects, indented": "\n".join(json.dumps(one, indent=2) for one in EVENTS),
    "text sequence": "".join(f"\x1e{line}\n" for line in LINES),
    "delivered files as lines": "\n".join(json.dumps({"Records": [one]}) for one in EVENTS),
    "EventBridge, array": json.dumps(BRIDGE),
    "EventBridge, lines": "\n".join(map(json.dumps, BRIDGE)),
    "EventBridge, indented": "\n".join(json.dumps(one, indent=2) for one in BRIDGE),
    "lookup-events": json.dumps({"Events": LOOKUP, "NextToken": "x"}),
    "lookup-events, indented": json.dumps({"NextToken": "x", "Events": LOOKUP}, indent=4),
    "lookup-events, pages": "\n".join(json.dumps({"Events": [one], "NextToken": "x"}, indent=4) for one in LOOKUP),
    "lookup-events, lines": "\n".join(map(json.dumps, LOOKUP)),
    "get-log-events": json.dumps({"events": LOGS, "nextForwardToken": "f/1"}, indent=4),
    "subscription": json.dumps({"messageType": "DATA_MESSAGE", "owner": "111111111111", "logEvents": LOGS}),
    "log events, lines": "\n".join(map(json.dumps, LOGS)),
    "export task": "".join(f"2026-03-01T10:00:00.000Z {line}\n" for line in LINES),
    "log shipper": json.dumps([{"log": "cloudtrail", "data": {"Records": EVENTS}}]),
    "log shipper, EventBridge": json.dumps([{"data": one} for one in BRIDGE]),
    "Lake": json.dumps({"QueryStatus": "FINISHED", "QueryResultRows": [[{"eventjson": line}] for line in LINES]}),
    "array of texts": json.dumps(LINES),
    "notifications": "\n".join(json.dumps({"Type": "Notification", "Message": json.dumps(one)}) for one in BRIDGE),
}


@pytest.mark.parametrize("text", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_container(text: str) -> None:
    assert ids(read(text)) == ["event-1", "event-2", "event-3"]


@pytest.mark.parametrize("text", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_container_byte_by_byte(text: str) -> None:
    data, scanner = text.encode(), Scanner()
    found = [item for n in range(len(data)) for item in scanner.feed(data[n : n + 1])]
    assert ids([*found, *scanner.finish()]) == ["event-1", "event-2", "event-3"]


@pytest.mark.parametrize("text", [CONTAINERS["delivered"], CONTAINERS["lines"], CONTAINERS["lookup-events"]])
def test_every_field_survives(text: str) -> None:
    record = read(text)[1]
    assert isinstance(record, Record)
    assert record.event_time == "2026-03-01T10:00:02Z"
    assert record.user_identity is not None
    assert record.user_identity.arn == "arn:aws:iam::111111111111:user/Ana"
    assert msgspec.json.decode(record.request_parameters) == EVENTS[1]["requestParameters"]
    assert msgspec.json.decode(record.resources) == EVENTS[1]["resources"]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-16-le", "utf-16-be"],
)
def test_byte_order_marks(encode: Callable[[str], bytes]) -> None:
    data = encode(CONTAINERS["lookup-events, indented"])
    assert ids(read(data)) == ["event-1", "event-2", "event-3"]
    assert ids(list(decode(data[n : n + 1] for n in range(len(data))))) == ["event-1", "event-2", "event-3"]


@pytest.mark.parametrize("text", ['{"Records":[]}', "[]", '{"Events": []}', ' {"Records" : [ ] } \n'])
def test_no_records(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize("text", ["", " \n\t\r\n", "\ufeff"])
def test_empty(text: str) -> None:
    assert read(text) == [SkippedContent("empty")]


@pytest.mark.parametrize("text", ["# Notes {", "a,b\n1,2", "null", '"eventVersion": "1.05",', "PK\x03\x04", "\x00\x00"])
def test_no_json(text: str) -> None:
    assert read(text) == [SkippedContent("not-json")]


DIGEST = {"awsAccountId": "111111111111", "digestStartTime": "2026-03-01T10:00:00Z", "logFiles": [{"s3Bucket": "b"}]}
INSIGHT = {"eventVersion": "1.07", "eventTime": "2026-03-01T10:00:00Z", "eventType": "AwsCloudTrailInsight"}
AGGREGATED = {"eventVersion": "1.0", "eventCategory": "Aggregated", "eventId": "1", "timeWindow": {}}


def test_whole_files_of_other_kinds() -> None:
    assert read(json.dumps(DIGEST)) == [SkippedContent("cloudtrail-digest")]
    assert read(json.dumps({"Records": [INSIGHT, INSIGHT]})) == [SkippedContent("cloudtrail-insight")]
    assert read(json.dumps({"Records": [AGGREGATED]})) == [SkippedContent("cloudtrail-aggregated")]


def test_other_records_among_records() -> None:
    records = [
        INSIGHT,
        event(1),
        AGGREGATED,
        event(2, eventCategory="Insight"),
        event(3, eventCategory="NetworkActivity", eventType="AwsVpceEvents"),
        {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {}},
        {"eventSource": "aws:dynamodb", "eventName": "INSERT", "dynamodb": {}},
        {"Version": "2012-10-17", "Statement": []},
        None,
        7,
        "START RequestId: 1",
    ]
    found = [item.event_id if isinstance(item, Record) else item for item in read(json.dumps({"Records": records}))]
    assert found == [
        SkippedRecord("cloudtrail-insight"),
        "event-1",
        SkippedRecord("cloudtrail-aggregated"),
        SkippedRecord("cloudtrail-insight"),
        "event-3",
        SkippedRecord("event-notification"),
        SkippedRecord("event-notification"),
        *[SkippedRecord("not-cloudtrail")] * 4,
    ]


def test_a_document_that_is_none_of_cloudtrail() -> None:
    assert read('{"Version": "2012-10-17", "Statement": [{"Effect": "Deny"}]}') == [SkippedRecord("not-cloudtrail")]
    assert read('{"detail": {"findings": 1}}') == [SkippedRecord("not-cloudtrail")]


def test_a_record_with_half_a_name_is_kept() -> None:
    # It cannot be mapped; that is for the normalizer to say, not for the decoder to hide.
    (record,) = read('{"eventName": "GetObject"}')
    assert isinstance(record, Record)
    assert record.event_source is None


def test_log_shippers_move_the_time() -> None:
    moved = event(1) | {"@timestamp": "2026-03-01T11:00:00.000Z"}
    del moved["eventTime"]
    for text in (json.dumps(moved), json.dumps({"Records": [moved]})):
        (record,) = read(text)
        assert isinstance(record, Record)
        assert record.event_time == "2026-03-01T11:00:00.000Z"
    (record,) = read(json.dumps(moved | {"@timestamp": 1_770_000_000}))
    assert isinstance(record, Record)
    assert record.event_time is None


def test_wrappers_in_wrappers_end_somewhere() -> None:
    text = json.dumps(event(1))
    for _ in range(5):
        text = json.dumps({"message": text})
    assert ids(read(text)) == ["event-1"]
    for _ in range(5):
        text = json.dumps({"message": text})
    assert read(text) == [Damage("too-deep", 0)]
