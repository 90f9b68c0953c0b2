"""Decoding only the fields that a run reads."""

import msgspec
import pytest

from simulator.cloudtrail.bulk import Intact
from simulator.cloudtrail.decoder import decode, decode_windows
from simulator.cloudtrail.narrowing import Narrowing, NotDecoded

RECORD = {
    "eventID": "a",
    "eventTime": "2026-09-30T12:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "userAgent": "curl",
    "userIdentity": {"accountId": "111122223333", "sessionContext": {"sessionIssuer": {"arn": "arn:x"}}},
}


def intact(narrowing, *records, lines=False):
    text = (
        b"".join(msgspec.json.encode(each) + b"\n" for each in records)
        if lines
        else msgspec.json.encode({"Records": records})
    )
    (item,) = decode_windows(iter([text]), narrowing)
    assert isinstance(item, Intact)
    return item


def test_a_field_that_is_not_decoded_says_so():
    (record,) = intact(Narrowing(), RECORD).records
    assert record.event_name == "GetObject"
    for read, field in (
        (lambda: record.user_agent, ("Record", "user_agent")),
        (lambda: record.user_identity.session_context, ("UserIdentity", "session_context")),
    ):
        with pytest.raises(NotDecoded) as missing:
            read()
        assert missing.value.field == field
    assert getattr(record, "watched_parameters", None) is None, "what no record has is just not there"


@pytest.mark.parametrize("lines", [False, True])
def test_asking_again_gives_all(lines):
    item = intact(Narrowing(), RECORD, {**RECORD, "userAgent": ["wget"]}, lines=lines)
    # The second one's user agent is of another shape, which only shows when all is decoded.
    assert [each.user_agent for each in item.whole()] == ["curl", "wget"]
    assert [each.event_id for each in item.records] == ["a", "a"]


def test_fields_are_added():
    narrowing = Narrowing()
    for field in (("UserIdentity", "session_context"), ("SessionContext", "session_issuer"), ("SessionIssuer", "arn")):
        narrowing.add(field)
    (record,) = intact(narrowing, RECORD).records
    assert record.user_identity.session_context.session_issuer.arn == "arn:x"


def test_the_same_records_whatever_is_left_out():
    records = [RECORD, {**RECORD, "eventSource": None}, {**RECORD, "eventType": "AwsCloudTrailInsight"}, {"a": 1}, 5]
    text = msgspec.json.encode({"Records": records})
    narrow = [
        each
        for item in decode_windows(iter([text]), Narrowing())
        for each in (item.whole() if isinstance(item, Intact) else [item])
    ]
    assert narrow == list(decode(iter([text])))
