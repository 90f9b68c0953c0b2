"""``samples/logs-extra``: the same kind of records in every other wrapping, and files that are broken on purpose."""

from __future__ import annotations

from storybook import calls, delivery
from storybook.journal import Journal, Story
from storybook.world import BOOKING_PROD, DAYS, FRANKFURT, IRELAND, REGIONS_2026, Json, at, role_arn

#: Length at which the truncated file breaks off, as a share of the whole.
_CUT = 0.6


def _records(container: str, journal: Journal, count: int = 4) -> list[Json]:
    """Up to four records of their own for a container; the proposal denies every other one."""
    story = Story(f"extra-{container}", journal)
    session = story.session(role_arn(BOOKING_PROD, "app/Exporter"), container, at(DAYS[9], "08:00:00"))
    records = []
    for minute in range(count):
        region = FRANKFURT if minute % 2 else IRELAND
        call = calls.read("ec2", "DescribeInstances", region, instancesSet={}, filterSet={})
        when = at(DAYS[9], f"08:0{minute}:00")
        if region == IRELAND:
            records.append(story.log(session, when, call, "newly_denied", REGIONS_2026))
        else:
            records.append(story.log(session, when, call, "unchanged"))
    return records


def extra_files(journal: Journal) -> dict[str, bytes]:
    """The files of ``logs-extra`` by name; the journal receives what is to be expected of their records.

    Nothing is expected of the records of the truncated file (how many survive depends on the reader) and of the CSV
    (too little to replay).
    """
    aside = Journal()

    def records(container: str, count: int = 4) -> list[Json]:
        return _records(container, journal, count)

    long_file = delivery.compact(
        {"Records": [r for n in range(12) for r in _records(f"truncated-{n}", aside)]}
    ).encode()
    whole = delivery.gzip_bytes(long_file)
    bad_line = delivery.json_lines(records("bad-line")).split(b"\n")
    bad_line.insert(2, b'{"eventVersion": "1.11", "userIdentity": {"type": "Assum')
    wrapped = [delivery.event_bridge(record) for record in records("eventbridge")]
    return {
        "bare-array.json": delivery.pretty(records("bare-array")),
        "single-record.json": delivery.pretty(records("single-record", 1)[0]),
        "records.json": delivery.pretty({"Records": records("records")}),
        "lines.jsonl": delivery.json_lines(records("lines")),
        "lines.jsonl.gz": delivery.gzip_bytes(delivery.json_lines(records("lines-gz"))),
        "eventbridge.json": delivery.pretty(wrapped[0]),
        "eventbridge.jsonl": delivery.json_lines(wrapped[1:]),
        "lookup-events.json": delivery.pretty(delivery.lookup_events(records("lookup-events"))),
        "cloudwatch-subscription.json": delivery.pretty(delivery.log_subscription(records("cloudwatch-subscription"))),
        "cloudwatch-export.gz": delivery.gzip_bytes(delivery.log_export(records("cloudwatch-export"))),
        "event-history.csv": delivery.event_history_csv(_records("event-history-csv", aside)),
        "bad-line.jsonl": b"\n".join(bad_line),
        "truncated.json.gz": whole[: int(len(whole) * _CUT)],
        "empty.json": b"",
        "empty-records.json": b'{"Records":[]}\n',
        "not-gzip.json.gz": b"this is no gzip file\n",
        "not-cloudtrail.json": delivery.pretty(
            {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventVersion": "2.1"}]}
        ),
        "notes.txt": b"Somebody left a note among the logs.\n",
    }
