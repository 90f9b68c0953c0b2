"""Finding log files on disk and inflating them."""

import gzip
import json
import os
import pickle
import random
from pathlib import Path

import pytest

from simulator.cloudtrail.containers import BrokenInputError, Damage, Item
from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.record import Record
from simulator.errors import ExitStatus, OrgsimError
from simulator.replay.batch import Batch
from simulator.sources.files import FileBatch, SkippedFile, find_batches

LOG = b'{"Records":[]}'


def put(path: Path, data: bytes = LOG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(batches: list[Batch], root: Path) -> list[str]:
    return [Path(batch.name).relative_to(root).as_posix() for batch in batches]


def inflate(path: Path) -> tuple[bytes, str | None]:
    """What can be read, and why the rest cannot."""
    found = b""
    try:
        for chunk in FileBatch(path, 0).chunks():
            assert 0 < len(chunk) <= 2 * 1024 * 1024
            found += chunk
    except BrokenInputError as error:
        return found, error.reason
    return found, None


def test_the_layout_of_s3(tmp_path: Path) -> None:
    organization = tmp_path / "prefix/AWSLogs/o-abcdefghij"
    file = "111111111111_CloudTrail_eu-west-1_20260301T1000Z_abcdefghijklmnop.json.gz"
    put(organization / "111111111111/CloudTrail/eu-west-1/2026/03/01" / file)
    put(organization / "111111111111/CloudTrail-NetworkActivity/eu-west-1/2026/03/01/n.json.gz")
    put(organization / "111111111111/CloudTrail-Digest/eu-west-1/2026/03/01/d.json.gz")
    put(organization / "111111111111/CloudTrail-Insight/eu-west-1/2026/03/01/i.json.gz")
    put(organization / "111111111111/CloudTrail-Aggregated/eu-west-1/2026/03/01/a.json.gz")
    put(tmp_path / "AWSLogs/222222222222/CloudTrail/us-east-1/2026/03/01/x.json")
    put(tmp_path / "flat/111111111111_CloudTrail-Digest_eu-west-1_trail_eu-west-1_20260301T100000Z.json.gz")
    put(tmp_path / "flat/111111111111.json")

    batches, skipped = find_batches([tmp_path])

    assert names(batches, tmp_path) == [
        "AWSLogs/222222222222/CloudTrail/us-east-1/2026/03/01/x.json",
        "flat/111111111111.json",
        "prefix/AWSLogs/o-abcdefghij/111111111111/CloudTrail-NetworkActivity/eu-west-1/2026/03/01/n.json.gz",
        f"prefix/AWSLogs/o-abcdefghij/111111111111/CloudTrail/eu-west-1/2026/03/01/{file}",
    ]
    assert [(batch.log_organization, batch.log_account) for batch in batches] == [
        (None, "222222222222"),
        (None, None),
        ("o-abcdefghij", "111111111111"),
        ("o-abcdefghij", "111111111111"),
    ]
    assert sorted(one.reason for one in skipped) == [
        "cloudtrail-aggregated",
        "cloudtrail-digest",
        "cloudtrail-digest",
        "cloudtrail-insight",
    ]


def test_names_say_nothing_about_content(tmp_path: Path) -> None:
    for name in ("a", "b.log", "c.txt", "d.ndjson", "e.gz", "f.json.gz"):
        put(tmp_path / name)
    batches, skipped = find_batches([tmp_path])
    assert names(batches, tmp_path) == ["a", "b.log", "c.txt", "d.ndjson", "e.gz", "f.json.gz"]
    assert skipped == []
    assert inflate(tmp_path / "e.gz") == (LOG, None)
    put(tmp_path / "a", gzip.compress(LOG))
    assert inflate(tmp_path / "a") == (LOG, None)


def test_what_is_left_out(tmp_path: Path) -> None:
    put(tmp_path / "empty.json", b"")
    put(tmp_path / ".hidden.json")
    put(tmp_path / ".git/x.json")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    batches, skipped = find_batches([tmp_path])
    assert batches == []
    assert skipped == [
        SkippedFile(str(tmp_path / name), reason)
        for name, reason in (
            (".git", "hidden"),
            (".hidden.json", "hidden"),
            ("empty.json", "empty"),
            ("nowhere", "unreadable"),
            ("pipe", "not-a-file"),
        )
    ]
    assert names(find_batches([tmp_path / ".hidden.json"])[0], tmp_path) == [".hidden.json"]


def test_every_file_once(tmp_path: Path) -> None:
    put(tmp_path / "logs/a.json")
    put(tmp_path / "other/b.json")
    (tmp_path / "logs/loop").symlink_to(tmp_path / "logs")
    (tmp_path / "logs/there").symlink_to(tmp_path / "other")
    batches, skipped = find_batches([tmp_path / "logs", tmp_path / "logs/a.json", tmp_path / "logs"])
    assert names(batches, tmp_path) == ["logs/a.json", "logs/there/b.json"]
    assert skipped == []


def test_order_does_not_depend_on_the_arguments(tmp_path: Path) -> None:
    for name in ("b/1.json", "a/2.json", "a/1/0.json", "c.json"):
        put(tmp_path / name)
    places = [tmp_path / "a", tmp_path / "b", tmp_path / "c.json"]
    expected = names(find_batches(places)[0], tmp_path)
    assert expected == ["a/1/0.json", "a/2.json", "b/1.json", "c.json"]
    assert names(find_batches(places[::-1])[0], tmp_path) == expected


def test_no_such_path(tmp_path: Path) -> None:
    with pytest.raises(OrgsimError) as caught:
        find_batches([tmp_path / "typo"])
    assert caught.value.code == "no-such-path"
    assert caught.value.status is ExitStatus.FAILED
    assert "typo" in caught.value.message


def test_batches_travel_between_processes(tmp_path: Path) -> None:
    (batch,), _ = find_batches([put(tmp_path / "AWSLogs/111111111111/a.json")])
    copy = pickle.loads(pickle.dumps(batch))
    assert copy == batch
    assert (copy.size, copy.log_account) == (len(LOG), "111111111111")
    assert b"".join(copy.chunks()) == LOG
    assert pickle.loads(pickle.dumps(BrokenInputError("unreadable"))).reason == "unreadable"


def test_a_file_that_vanished(tmp_path: Path) -> None:
    assert inflate(tmp_path / "gone") == (b"", "unreadable")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "a.json")
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)  # the tests may run as root, who may read all
    assert find_batches([path]) == ([], [SkippedFile(str(path), "unreadable")])


TEXT = bytes(random.Random(1).choices(b"abcdefgh", k=900_000))
GZIP = gzip.compress(TEXT, mtime=0)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (GZIP, TEXT),
        (GZIP + GZIP, TEXT + TEXT),
        (gzip.compress(b"") + GZIP, TEXT),
        (GZIP + b"\0" * 300_000, TEXT),
        (GZIP + b"\0" * 300_000 + GZIP, TEXT + TEXT),
        (gzip.compress(b"x" * 5_000_000), b"x" * 5_000_000),
    ],
)
def test_whole_gzip(tmp_path: Path, data: bytes, text: bytes) -> None:
    assert inflate(put(tmp_path / "x", data)) == (text, None)


@pytest.mark.parametrize("keep", [2, 9, 60, len(GZIP) // 2, len(GZIP) - 8, len(GZIP) - 1])
@pytest.mark.parametrize("before", [b"", GZIP])
def test_truncated_gzip(tmp_path: Path, keep: int, before: bytes) -> None:
    found, reason = inflate(put(tmp_path / "x", before + GZIP[:keep]))
    whole = TEXT + TEXT if before else TEXT
    assert reason == "truncated-gzip"
    assert whole.startswith(found)
    assert len(found) >= len(whole) - len(TEXT) + max(0, keep - 1000) * len(TEXT) // len(GZIP)


@pytest.mark.parametrize("place", [60, len(GZIP) // 2, len(GZIP) - 6])
@pytest.mark.parametrize("before", [b"", GZIP, GZIP + b"\0" * 300_000])
def test_corrupt_gzip_gives_what_stands_before(tmp_path: Path, place: int, before: bytes) -> None:
    found, reason = inflate(put(tmp_path / "x", before + flipped(GZIP, place)))
    whole = TEXT + TEXT if before else TEXT
    assert reason == "corrupt-gzip"
    intact = len(whole) - len(TEXT) + max(0, place - 5000) * len(TEXT) // len(GZIP)
    assert found[:intact] == whole[:intact]


def test_garbage_behind_gzip(tmp_path: Path) -> None:
    assert inflate(put(tmp_path / "x", GZIP + b"garbage")) == (TEXT, "corrupt-gzip")


def test_records_of_a_broken_file(tmp_path: Path) -> None:
    events = [
        {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventTime": "t", "eventID": f"{n}-{n * 7919}"}
        for n in range(2000)
    ]
    data = gzip.compress(json.dumps({"Records": events}).encode())
    for broken in (data[: len(data) // 2], flipped(data, len(data) // 2)):
        items: list[Item] = list(decode(FileBatch(put(tmp_path / "x", broken), 0).chunks()))
        assert [item.event_id for item in items[:500] if isinstance(item, Record)] == [
            event["eventID"] for event in events[:500]
        ]
        assert isinstance(items[-1], Damage)
        assert items[-1].reason in ("truncated-gzip", "corrupt-gzip")
