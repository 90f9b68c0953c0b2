"""Layout: CloudTrail's S3 keys, gzip files with fixed bytes, and the other containers in which records travel."""

from __future__ import annotations

import json
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from storybook.journal import Delivery
from storybook.world import FRANKFURT, ORGANIZATION, Json, digest, letters

#: Records in one log file at most; busy days get more files.
FILE_LIMIT = 90


def gzip_bytes(data: bytes) -> bytes:
    """A gzip member without time or name, its header fixed here because zlib's differs from platform to platform."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(data) + deflate.flush()
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + body + struct.pack("<II", zlib.crc32(data), len(data))


def compact(value: object) -> str:
    """JSON without blanks; everything beyond ASCII is escaped, as hostile text has to survive any reader."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)


def _key(account: str, region: str, day: str, folder: str, stamp: str, label: str) -> str:
    """S3 key of a log file of an organization trail."""
    name = f"{account}_{folder}_{region}_{stamp}_{letters(16, 'file', label)}.json.gz"
    return f"AWSLogs/{ORGANIZATION}/{account}/{folder}/{region}/{day.replace('-', '/')}/{name}"


def log_files(deliveries: Iterable[Delivery]) -> dict[str, bytes]:
    """All log files by their key, records within a file in no particular order (as CloudTrail delivers them)."""
    groups: dict[tuple[str, str, str, str, bool], list[Json]] = defaultdict(list)
    for item in deliveries:
        groups[item.account, item.region, item.day, item.folder, item.late].append(item.record)
    files: dict[str, bytes] = {}
    for (account, region, day, folder, late), records in sorted(groups.items()):
        records.sort(key=lambda record: (record["eventTime"], record.get("eventID", "")))
        for start in range(0, len(records), FILE_LIMIT):
            part = records[start : start + FILE_LIMIT]
            last = datetime.fromisoformat(part[-1]["eventTime"])
            stamp = (last + timedelta(minutes=35 if late else 5)).strftime("%Y%m%dT%H%MZ")
            label = f"{account}/{region}/{day}/{folder}/{late}/{start}"
            part.sort(key=lambda record: digest("shuffle", record.get("eventID", "")))
            files[_key(account, region, day, folder, stamp, label)] = gzip_bytes(compact({"Records": part}).encode())
    return files


def digest_file(account: str, day: str, logged: dict[str, bytes]) -> tuple[str, bytes]:
    """A digest file, which lists log files for integrity checks and holds no records."""
    prefix = f"AWSLogs/{ORGANIZATION}/{account}/CloudTrail/{FRANKFURT}/{day.replace('-', '/')}/"
    listed = [
        {
            "s3Bucket": "nordhaven-audit-log",
            "s3Object": key,
            "hashValue": digest("content", key),
            "hashAlgorithm": "SHA-256",
        }
        for key in sorted(logged)
        if key.startswith(prefix)
    ]
    content = {
        "awsAccountId": account,
        "digestStartTime": f"{day}T18:00:00Z",
        "digestEndTime": f"{day}T19:00:00Z",
        "digestS3Bucket": "nordhaven-audit-log",
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": f"{day}T18:58:00Z",
        "oldestEventTime": f"{day}T18:01:00Z",
        "previousDigestS3Bucket": None,
        "logFiles": listed,
    }
    folder = f"AWSLogs/{ORGANIZATION}/{account}/CloudTrail-Digest/{FRANKFURT}/{day.replace('-', '/')}"
    stamp = f"{day.replace('-', '')}T190000Z"
    name = f"{account}_CloudTrail-Digest_{FRANKFURT}_organization_{FRANKFURT}_{stamp}.json.gz"
    return f"{folder}/{name}", gzip_bytes(compact(content).encode())


# --- other containers ---------------------------------------------------------------------------------------------


def json_lines(records: Iterable[Json]) -> bytes:
    """One record a line."""
    return "".join(compact(record) + "\n" for record in records).encode()


def pretty(value: object) -> bytes:
    """Indented JSON with a final newline."""
    return (json.dumps(value, indent=2, ensure_ascii=True) + "\n").encode()


def event_bridge(record: Json) -> Json:
    """The envelope in which EventBridge hands over a record."""
    source = str(record["eventSource"]).split(".")[0]
    return {
        "version": "0",
        "id": record["requestID"],
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{source}",
        "account": record["recipientAccountId"],
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    }


def lookup_events(records: Iterable[Json]) -> Json:
    """The answer of ``aws cloudtrail lookup-events``: the record is a string in ``CloudTrailEvent``."""
    events = [
        {
            "EventId": record["eventID"],
            "EventName": record["eventName"],
            "ReadOnly": "true" if record["readOnly"] else "false",
            "AccessKeyId": record["userIdentity"].get("accessKeyId", ""),
            "EventTime": record["eventTime"].replace("Z", "+00:00"),
            "EventSource": record["eventSource"],
            "Username": record["userIdentity"].get("arn", "").rsplit("/", 1)[-1],
            "Resources": [],
            "CloudTrailEvent": compact(record),
        }
        for record in records
    ]
    return {"Events": events, "NextToken": "EXAMPLE-NEXT-PAGE"}


def log_subscription(records: Iterable[Json]) -> Json:
    """What CloudWatch Logs sends to a subscription: one record per log event, in ``message``."""
    events = [
        {
            "id": digest("log-event", record["eventID"])[:56],
            "timestamp": int(datetime.fromisoformat(record["eventTime"]).timestamp() * 1000),
            "message": compact(record),
        }
        for record in records
    ]
    return {
        "messageType": "DATA_MESSAGE",
        "owner": "111111110001",
        "logGroup": "organization-trail",
        "logStream": f"{ORGANIZATION}_111111110001_CloudTrail_{FRANKFURT}",
        "subscriptionFilters": ["everything"],
        "logEvents": events,
    }


def log_export(records: Iterable[Json]) -> bytes:
    """A CloudWatch Logs export task's file: time stamp, blank, record."""
    return "".join(f"{record['eventTime'].replace('Z', '.000Z')} {compact(record)}\n" for record in records).encode()


def event_history_csv(records: Iterable[Json]) -> bytes:
    """The console's CSV of the event history: display columns only, too little to replay."""
    lines = ["Event name,Event time,User name,Event source,Resource type,Resource name"]
    lines += [f"{record['eventName']},{record['eventTime']},export,{record['eventSource']},," for record in records]
    return ("\r\n".join(lines) + "\r\n").encode()
