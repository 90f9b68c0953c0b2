"""Broken, odd and hostile input: what is intact is used, what is not is told, nothing raises."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from simulator.cloudtrail.containers import BrokenInputError, Damage, Item, SkippedContent, SkippedRecord
from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.salvage import RECORD_LIMIT, Scanner


def line(number: int, **more: Any) -> str:
    fields = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "Root", "sessionContext": {"attributes": {"mfaAuthenticated": "true"}}},
        "eventTime": "2026-03-01T10:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "RunInstances",
        "requestParameters": {"instancesSet": {"items": [{"imageId": "ami-1"}, {"imageId": "ami-2"}]}},
        "resources": [{"ARN": "a", "accountId": "1"}, {"ARN": "b"}],
        "eventID": f"event-{number}",
    }
    return json.dumps(fields | more, separators=(",", ":"))


def read(*chunks: str | bytes) -> list[Item]:
    return list(decode(chunk.encode() if isinstance(chunk, str) else chunk for chunk in chunks))


def outline(items: list[Item]) -> list[str]:
    """Event ids of records, reasons of everything else."""
    return [str(item.event_id) if isinstance(item, Record) else item.reason for item in items]


ONE, TWO, THREE = line(1), line(2), line(3)

BREAKS = {
    "a lost brace": TWO.replace("}}", "}", 1),
    "a brace too many": TWO + "}",
    "a lost bracket": TWO.replace('"}]}}', '"}}}', 1),
    "a lost quote": TWO.replace('ec2"', "ec2", 1).replace('"RunInstances"', '"RunInstances', 1),
    "a lost quote at the end": TWO.replace('"event-2"', '"event-2'),
    "cut off": TWO[: len(TWO) // 2],
    "cut off in a string": TWO[: TWO.index("RunInst") + 4],
    "garbage": "@@@@",
    "zero bytes": TWO[:40] + "\x00" * 40,
    "bare words": TWO.replace('"RunInstances"', "RunInstances"),
    "a trailing comma": TWO[:-1] + ",}",
    "a bad escape": TWO.replace("RunInstances", "Run\\.Instances"),
}


@pytest.mark.parametrize("middle", BREAKS.values(), ids=BREAKS.keys())
def test_neighbours_of_a_broken_record_survive(middle: str) -> None:
    for text in (
        f'{{"Records":[{ONE},{middle},{THREE}]}}',
        f"[{ONE},\n  {middle},\n  {THREE}\n]",
        f"{ONE}\n{middle}\n{THREE}\n",
    ):
        found = outline(read(text))
        assert [one for one in found if one.startswith("event-")] in (
            ["event-1", "event-3"],
            # The record itself is whole where only something behind it is wrong.
            ["event-1", "event-2", "event-3"],
        ), (text, found)
        assert any(not one.startswith("event-") for one in found)


@pytest.mark.parametrize("middle", BREAKS.values(), ids=BREAKS.keys())
def test_damage_does_not_depend_on_the_cuts(middle: str) -> None:
    for text in (f'{{"Records":[{ONE},{middle},{THREE}]}}', f"{ONE}\n{middle}\n{THREE}\n"):
        whole, pieces = Scanner(), Scanner()
        found = [item for character in text for item in pieces.feed(character.encode())]
        assert [*found, *pieces.finish()] == [*whole.feed(text.encode()), *whole.finish()]


def test_a_lost_list_bracket_may_not_swallow_records() -> None:
    swallowing = TWO.replace('"ARN":"b"}]', '"ARN":"b"}')
    found = outline(read(f'{{"Records":[{ONE},{swallowing},{THREE}]}}'))
    assert found == ["event-1", "broken-json", "event-3"]


def test_truncated_text() -> None:
    text = f'{{"Records":[{ONE},{TWO},{THREE}]}}'
    assert outline(read(text[:-1])) == ["event-1", "event-2", "event-3", "truncated-json"]
    assert outline(read(text[:-3])) == ["event-1", "event-2", "truncated-json"]
    assert read('{"Rec') == [Damage("truncated-json", 0)]
    assert read("[") == [Damage("truncated-json", 1)]


def test_a_source_that_breaks_is_one_damage() -> None:
    def broken(text: str) -> Iterator[bytes]:
        yield text.encode()
        raise BrokenInputError("truncated-gzip")

    text = f'{{"Records":[{ONE},{TWO}]}}'
    assert outline(list(decode(broken(text)))) == ["event-1", "event-2", "truncated-gzip"]
    assert outline(list(decode(broken(text[:-9])))) == ["event-1", "truncated-gzip"]
    assert outline(list(decode(broken("")))) == ["truncated-gzip"]


def test_a_broken_text_in_an_intact_wrapper() -> None:
    items = read(json.dumps({"Events": [{"CloudTrailEvent": ONE}, {"CloudTrailEvent": TWO[:-9]}]}))
    assert outline(items) == ["event-1", "broken-embedded-record"]


def test_wrong_types_are_fitted() -> None:
    odd = {
        "eventVersion": 1.11,
        "eventTime": "2026-03-01T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "eventID": "event-1",
        "errorCode": 403,
        "vpcEndpointId": ["vpce-1"],
        "vpcEndpointAccountId": {"id": 1},
        "awsRegion": None,
        "sourceIPAddress": ["10.0.0.1", "10.0.0.2"],
        "userAgent": True,
        "tlsDetails": "TLSv1.3",
        "sessionCredentialFromConsole": True,
        "userIdentity": {
            "type": "AssumedRole",
            "accountId": 111111111111,
            "sessionContext": {"attributes": {"mfaAuthenticated": False, "creationDate": 5}, "sessionIssuer": []},
            "inScopeOf": {},
        },
        "requestParameters": ["x", 1.50],
    }
    for text in (json.dumps(odd), json.dumps({"Records": [json.loads(ONE), odd]}), json.dumps([odd])):
        record = read(text)[-1]
        assert isinstance(record, Record)
        assert record.event_version == "1.11"
        assert record.error_code == "403"
        assert record.vpc_endpoint_id == "vpce-1"
        assert record.vpc_endpoint_account_id is not None  # present, so that it cannot count as absent
        assert record.aws_region is None
        assert record.source_ip_address == '["10.0.0.1", "10.0.0.2"]'
        assert record.user_agent == "true"
        assert record.tls_details is None
        assert record.session_credential_from_console is True
        assert record.user_identity is not None
        assert record.user_identity.account_id == "111111111111"
        assert record.user_identity.session_context is not None
        assert record.user_identity.session_context.session_issuer is None
        assert record.user_identity.session_context.attributes is not None
        assert record.user_identity.session_context.attributes.mfa_authenticated is False
        assert bytes(record.request_parameters) == b'["x", 1.5]'
        assert bytes(record.resources) == b"null"


def test_an_identity_written_as_text() -> None:
    (record,) = read(line(1, userIdentity=json.dumps({"type": "Root", "accountId": "111111111111"})))
    assert isinstance(record, Record)
    assert record.user_identity is not None
    assert record.user_identity.account_id == "111111111111"


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (TWO.encode().replace(b"ami-1", b"ami\n1"), '"ami\n1"'),
        (TWO.encode().replace(b"ami-1", b"ami\x001"), '"ami\x001"'),
        (TWO.encode().replace(b"ami-1", b"ami\xff1"), '"ami\ufffd1"'),
        (TWO.encode().replace(b"ami-1", b"ami\\ud8001"), '"ami?1"'),
        (TWO.encode().replace(b'"ami-1"', b"NaN"), "null"),
        (TWO.encode().replace(b'"ami-1"', b"-Infinity"), "null"),
    ],
)
def test_bad_characters_are_replaced_and_told(text: bytes, parameters: str) -> None:
    items = read(b'{"Records":[' + ONE.encode() + b"," + text + b"," + THREE.encode() + b"]}")
    assert outline(items) == ["event-1", "repaired-text", "event-2", "event-3"]
    record = items[2]
    assert isinstance(record, Record)
    image = msgspec.json.decode(record.request_parameters)["instancesSet"]["items"][0]["imageId"]
    assert image == json.loads(parameters, strict=False)


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "-1e-999", "123456789012345678901234567890", "0.1e5"])
def test_numbers_of_any_size(number: str) -> None:
    text = ONE.replace('"ami-1"', number)
    identity = ONE.replace('"type":"Root"', f'"type":"Root","inScopeOf":{{"a":{number}}}')
    name = ONE.replace('"RunInstances"', number)
    for one in (text, identity, name):
        assert outline(read(f"[{one},{TWO}]")) == ["event-1", "event-2"]


def test_duplicate_members() -> None:
    (record,) = read(ONE[:-1] + ',"eventName":"StopInstances"}')
    assert isinstance(record, Record)
    assert record.event_name == "StopInstances"


@pytest.mark.parametrize("depth", [100_000, 1_000])
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_deep_nesting(bracket: str, depth: int) -> None:
    close = "]" if bracket == "[" else "}"
    nested = bracket * depth + "1" + close * depth
    assert outline(read(nested))[-1:] != []
    deep = ONE.replace('"ami-1"', nested)
    found = outline(read(f'{{"Records":[{deep},{TWO}]}}'))
    assert found[-1] == "event-2"
    assert found[0] == "too-deep"
    assert "too-deep" in outline(read(bracket * depth)) + outline(read(deep[:-5]))


def test_an_absurd_record_costs_no_memory() -> None:
    size = 64 * 1024 * 1024
    block = b"x" * (1024 * 1024)

    def chunks() -> Iterator[bytes]:
        yield b'{"Records":[' + ONE.encode() + b',{"eventVersion":"1.11","userAgent":"'
        for _ in range(size // len(block)):
            yield block
        yield b'","eventName":"GetObject","resources":[{"ARN":"}"}]},' + THREE.encode() + b"]}"

    tracemalloc.start()
    found = outline(list(decode(chunks())))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == ["event-1", "oversized-record", "event-3"]
    assert peak < 8 * RECORD_LIMIT


def test_a_bomb_of_tiny_objects_costs_no_memory() -> None:
    block = b"{}," * 8_000
    tracemalloc.start()
    count = 0
    for item in decode(iter([b"[", block, block, block, b"{}]"])):
        assert item == SkippedRecord("not-cloudtrail")
        count += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 24_001
    assert peak < 16 * 1024 * 1024


@pytest.mark.parametrize(
    "text",
    [
        '{"eventVersion":' * 100_000,
        '[{"eventVersion":"' * 40_000,
        '\n{"eventVersion":"1.11",' * 60_000,
        '{"a":"' + '\\"' * 1_000_000,
        '{"a"' + ' "b"' * 300_000,
        "{" + " " * 2_000_000 + "x",
        "[" + "," * 2_000_000 + "x",
        '{"a":' + "1" * 2_000_000,
        "{}" * 30_000,
        (ONE + " " * 300_000) * 5,
    ],
    ids=lambda text: text[:12].strip(),
)
def test_hostile_text_is_read_to_its_end(text: str) -> None:
    """Quadratic work on any of these would take minutes; benchmarks measure, tests only wait."""
    found = list(decode(iter([text.encode()])))
    assert all(isinstance(item, Damage | SkippedRecord | SkippedContent | Record) for item in found)
    assert len(found) <= text.count("{") + text.count("[") + 2
