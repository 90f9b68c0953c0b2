"""Collecting from a trail's bucket over HTTP, streaming from it, and what can go wrong on the way."""

import gzip
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from simulator.cloudtrail.containers import BrokenInputError
from simulator.errors import ExitStatus, OrgsimError
from simulator.sources.aws.manifest import local_path
from simulator.sources.aws.session import Login, shared
from simulator.sources.aws.stream import find_objects
from simulator.sources.aws.trail_bucket import Listing, Place, Wanted, parse_place
from simulator.sources.files import NOTES_FOLDER
from tests.e2e.command import ROOT, call
from tests.unit.sources.aws import bucket as made
from tests.unit.sources.aws.server import SECRETS, Reply, failure

POLICIES = ("collect-bucket.json",)
BUCKET = "trail-bucket"
PLACE = f"s3://{BUCKET}/trails"


@pytest.fixture(scope="module")
def keys(served, settings):
    served.empty()
    made.make(BUCKET)
    keys = made.fill(BUCKET, per_day=2)
    folder = f"trails/AWSLogs/{made.ORGANIZATION}/{made.ACCOUNTS[0]}"
    made.put(BUCKET, f"{folder}/CloudTrail-Digest/eu-central-1/2026/09/01/d.json.gz", b"digest")
    made.put(BUCKET, f"{folder}/CloudTrail/eu-central-1/2026/09/01/", b"")
    made.put(BUCKET, f"{folder}/Config/eu-central-1/2026/09/01/c.json.gz", b"config")
    made.put(BUCKET, "other/huge.bin", b"not ours")
    return keys


def collect(folder, *more, place=PLACE, status=ExitStatus.OK):
    done = call("collect", "events", "--bucket", place, "-o", folder, *more)
    assert done.returncode == status, done.stderr.decode()
    assert not any(secret.encode() in done.stdout + done.stderr for secret in SECRETS)
    return done


def events(folder):
    """The ids of all events below a folder, each as often as it stands there."""
    found = []
    for path in sorted(folder.rglob("*.json.gz")):
        assert not path.name.startswith(".")
        found += [row["eventID"] for row in json.loads(gzip.decompress(path.read_bytes()))["Records"]]
    return found


def no_secret_below(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            assert not any(secret.encode() in path.read_bytes() for secret in SECRETS)


def gets(proxy):
    return [each.key for each in proxy.calls if each.operation == "GetObject"]


# What is listed


def listed(place, **wanted):
    listing = Listing(shared(Login()), parse_place(place), Wanted(**wanted))
    return [item.key for item in listing.objects()], listing


@pytest.mark.parametrize(
    ("place", "wanted", "taken"),
    [
        (PLACE, {}, lambda key: True),
        (f"{PLACE}/", {}, lambda key: True),
        (PLACE, {"accounts": frozenset(made.ACCOUNTS[:2])}, lambda key: key.split("/")[3] in made.ACCOUNTS[:2]),
        (PLACE, {"regions": frozenset({"us-east-1"})}, lambda key: "/us-east-1/" in key),
        (PLACE, {"first": date(2026, 9, 4)}, lambda key: "/09/04/" in key or "/09/05/" in key),
        # An event of the last day may lie in the folder of the day after.
        (PLACE, {"last": date(2026, 9, 1)}, lambda key: "/09/01/" in key or "/09/02/" in key),
        (f"{PLACE}/AWSLogs/{made.ORGANIZATION}/{made.ACCOUNTS[3]}", {}, lambda key: made.ACCOUNTS[3] in key),
        (
            f"{PLACE}/AWSLogs/{made.ORGANIZATION}/{made.ACCOUNTS[3]}/CloudTrail/us-east-1/2026/09/03",
            {"first": date(2026, 9, 1)},
            lambda key: made.ACCOUNTS[3] in key and "us-east-1/2026/09/03" in key,
        ),
        # No `AWSLogs/` directly there: everything below is listed, the names decide.
        (f"s3://{BUCKET}", {"regions": frozenset({"us-east-1"})}, lambda key: "/us-east-1/" in key),
    ],
)
def test_only_what_is_wanted_is_listed(proxy, keys, place, wanted, taken):
    found, listing = listed(place, **wanted)
    assert sorted(set(found) - {"other/huge.bin"} - {key for key in found if "/Config/" in key}) == [
        key for key in keys if taken(key)
    ]
    assert len(found) == len(set(found))
    if place == PLACE:
        assert listing.skipped == []
        assert not [key for key in found if "/Config/" in key]
        asked = [each.query.get("prefix", "") for each in proxy.calls if each.operation == "ListObjectsV2"]
        assert not [prefix for prefix in asked if "Digest" in prefix or prefix.startswith("other")]
        for account in set(made.ACCOUNTS) - wanted.get("accounts", set(made.ACCOUNTS)):
            assert not [prefix for prefix in asked if account in prefix]
    else:
        assert all(each.reason == "cloudtrail-digest" for each in listing.skipped)


def test_days_before_the_wanted_ones_are_not_even_sent(proxy, keys):
    sent = []
    proxy.spoil = lambda call, reply: sent.append(reply.body) if reply and call.operation == "ListObjectsV2" else None
    listed(PLACE, first=date(2026, 9, 5))
    assert sent
    assert not any(b"2026/09/04/" in body for body in sent)


def test_one_object_and_single_account_trails(proxy, keys):
    key = next(iter(keys))
    assert listed(f"s3://{BUCKET}/{key}")[0] == [key]
    alone = f"plain/AWSLogs/{made.ACCOUNTS[0]}/CloudTrail-NetworkActivity/eu-west-1/2026/09/02/n.json.gz"
    made.put(BUCKET, alone, made.packed([]))
    made.put(BUCKET, "plainly/AWSLogs/another.json.gz", made.packed([]))
    assert listed(f"s3://{BUCKET}/plain")[0] == [alone]
    assert listed(f"s3://{BUCKET}/plain", first=date(2026, 9, 3))[0] == []


@pytest.mark.parametrize("text", ["s3:/x", "s3://", "s3://-b/x", "https://b/x", "s3://b b"])
def test_what_is_no_address(text):
    with pytest.raises(OrgsimError) as caught:
        parse_place(text)
    assert (caught.value.code, caught.value.status) == ("aws-address", ExitStatus.USAGE)


# Collecting


def test_everything_once_and_nothing_a_second_time(proxy, keys, tmp_path):
    out = tmp_path / "logs"
    done = collect(out)
    assert sorted(events(out)) == sorted(keys.values())
    assert f"{len(keys)} objects".encode() in done.stdout
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.gz")) == sorted(keys)
    no_secret_below(out)
    proxy.reset()
    again = collect(out)
    assert gets(proxy) == []
    assert f"{len(keys)} were there already".encode() in again.stdout
    # Simulating takes the folder, and the manifest is no log.
    coverage = call("catalog", "coverage", "--logs", out, "--format", "json")
    assert json.loads(coverage.stdout)["records"]["read"] == len(keys)


def test_what_changed_or_was_lost_is_collected_again(proxy, keys, tmp_path):
    out = tmp_path / "logs"
    collect(out, "--account", made.ACCOUNTS[0])
    paths = sorted(out.rglob("*.gz"))
    paths[0].write_bytes(b"short")
    paths[1].unlink()
    manifest = next((out / NOTES_FOLDER).iterdir())
    text = manifest.read_bytes()
    # A kill tore the last line, and what it tells of was complete.
    manifest.write_bytes(text[:-10])
    proxy.reset()
    collect(out, "--account", made.ACCOUNTS[0])
    assert len(gets(proxy)) == 3
    mine = [event for key, event in keys.items() if made.ACCOUNTS[0] in key]
    assert sorted(events(out)) == sorted(mine)
    proxy.reset()
    collect(out, "--account", made.ACCOUNTS[0])
    assert gets(proxy) == []


def test_a_manifest_of_something_else(proxy, keys, tmp_path):
    collect(tmp_path, "--account", made.ACCOUNTS[0])
    manifest = next((tmp_path / NOTES_FOLDER).iterdir())
    manifest.write_bytes(b'{"schema":"other"}\n')
    assert b"[collect-manifest]" in collect(tmp_path, status=ExitStatus.FAILED).stderr


def test_nothing_there(proxy, keys, tmp_path):
    collect(tmp_path, place=f"s3://{BUCKET}/nothing", status=ExitStatus.NO_RECORDS)
    done = collect(tmp_path, place="s3://no-such-bucket", status=ExitStatus.FAILED)
    assert b"NoSuchBucket" in done.stderr


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        ("a/b.json", "a/b.json"),
        ("../../etc/passwd", None),
        ("/etc/passwd", None),
        ("a/./.hidden", None),
        ("a\\b/c\x00\x1b[2J", None),
        ("x" * 400, None),
    ],
)
def test_keys_cannot_leave_the_folder(tmp_path, key, kept):
    path = local_path(tmp_path, key)
    assert path.resolve().is_relative_to(tmp_path)
    assert not any(part.startswith(".") or len(part) > 200 for part in path.relative_to(tmp_path).parts)
    if kept is not None:
        assert path == tmp_path / kept


# What goes wrong


def test_passing_errors_are_waited_out(proxy, keys, tmp_path):
    seen = set()

    def spoil(call, reply):
        if reply is not None or call.target in seen:
            return None
        seen.add(call.target)
        if call.operation == "GetObject" and len(seen) % 40 == 0:
            return failure("InternalError", 500, service="s3")
        if call.operation == "ListObjectsV2" and len(seen) % 15 == 0:
            return failure("SlowDown", 503, service="s3")
        return None

    proxy.spoil = spoil
    collect(tmp_path)
    assert sorted(events(tmp_path)) == sorted(keys.values())


def test_access_denied_in_one_account(proxy, keys, tmp_path):
    listing, reading = made.ACCOUNTS[1], made.ACCOUNTS[2]

    def spoil(call, reply):
        denied = (call.operation == "ListObjectsV2" and listing in call.query["prefix"]) or (
            call.operation == "GetObject" and reading in call.key
        )
        return failure("AccessDenied", 403, f"key {SECRETS[0]}", service="s3") if denied else None

    proxy.spoil = spoil
    done = collect(tmp_path, status=ExitStatus.FINDINGS)
    left = [event for key, event in keys.items() if listing not in key and reading not in key]
    assert sorted(events(tmp_path)) == sorted(left)
    assert b"missing:" in done.stderr
    proxy.reset()
    collect(tmp_path)
    assert sorted(events(tmp_path)) == sorted(keys.values())
    assert len(gets(proxy)) == len(keys) - len(left)


@pytest.mark.parametrize("place", [PLACE, f"{PLACE}/", f"{PLACE}/AWSLogs/", f"s3://{BUCKET}", f"s3://{BUCKET}/other/"])
def test_access_denied_to_all(proxy, keys, tmp_path, place):
    proxy.spoil = lambda call, reply: failure("AccessDenied", 403, "no", service="s3")
    assert b"[aws-denied]" in collect(tmp_path, place=place, status=ExitStatus.FAILED).stderr


def test_a_token_that_expires_on_the_way(proxy, keys, tmp_path):
    proxy.spoil = lambda call, reply: (
        failure("ExpiredToken", 400, SECRETS[2], service="s3") if len(gets(proxy)) > 30 else None
    )
    done = collect(tmp_path, status=ExitStatus.FAILED)
    assert b"[aws-credentials]" in done.stderr
    assert b"are kept in" in done.stderr
    found = events(tmp_path)
    assert 0 < len(found) < len(keys)
    proxy.reset()
    collect(tmp_path)
    assert len(gets(proxy)) == len(keys) - len(found)
    assert sorted(events(tmp_path)) == sorted(keys.values())


@pytest.mark.parametrize("how", ["cut", "short", "other"])
def test_a_truncated_object(proxy, keys, tmp_path, how):
    key = next(iter(keys))

    def spoil(call, reply):
        if reply is None or call.operation != "GetObject" or call.key != key:
            return None
        if how == "cut":  # the connection ends too early
            return Reply(200, reply.body, reply.headers, cut=len(reply.body) // 2)
        if how == "short":  # a whole answer that is shorter than the listing says
            return Reply(200, reply.body[:-3], plain(reply.headers))
        return Reply(200, reply.body[:-1] + b"x", plain(reply.headers))  # as long, but another content

    proxy.spoil = spoil
    done = collect(tmp_path, status=ExitStatus.FINDINGS)
    assert b"S3 sent" in done.stderr or b"connection broke" in done.stderr
    assert keys[key] not in events(tmp_path)
    assert len(events(tmp_path)) == len(keys) - 1
    assert gets(proxy).count(key) == 3
    proxy.reset()
    collect(tmp_path)
    assert gets(proxy) == [key]
    assert sorted(events(tmp_path)) == sorted(keys.values())


def plain(headers):
    return {name: value for name, value in headers.items() if "checksum" not in name.lower()}


def test_a_kill_in_the_middle(proxy, keys, tmp_path):
    """The process dies while objects are half on the disk; the same command goes on."""

    def slowly(call, reply):
        if reply is not None and call.operation == "GetObject" and len(gets(proxy)) > 30:
            return Reply(200, reply.body, reply.headers, cut=len(reply.body) // 2, wait=0.3)
        return None

    proxy.spoil = slowly
    command = [sys.executable, "-m", "simulator", "collect", "events", "--bucket", PLACE, "-o", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)
    until = time.monotonic() + 30
    while len(gets(proxy)) < 45 and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    found = events(tmp_path)  # whatever has its name is complete
    assert 0 < len(found) < len(keys)
    proxy.reset()
    collect(tmp_path)
    assert sorted(events(tmp_path)) == sorted(keys.values())
    assert len(gets(proxy)) <= len(keys) - len(found) + 16


# Large objects


def test_a_large_object_comes_in_ranges(proxy, keys, tmp_path):
    data = os.urandom(20 << 20)
    made.put(BUCKET, "large/big.json.gz", data)
    collect(tmp_path, place=f"s3://{BUCKET}/large")
    assert (tmp_path / "large/big.json.gz").read_bytes() == data
    assert len(gets(proxy)) == 3
    # A range that breaks is asked for again, alone.
    proxy.reset()
    broken = []

    def spoil(call, reply):
        if reply is not None and call.operation == "GetObject" and not broken:
            broken.append(call)
            return Reply(206, reply.body, reply.headers, cut=1000)
        return None

    proxy.spoil = spoil
    collect(tmp_path / "again", place=f"s3://{BUCKET}/large")
    assert (tmp_path / "again/large/big.json.gz").read_bytes() == data
    assert len(gets(proxy)) == 4


# Many objects

LISTING = """
from pathlib import Path
from simulator.sources.aws.session import Login, shared
from simulator.sources.aws.trail_bucket import Listing, Wanted, parse_place
listing = Listing(shared(Login()), parse_place("s3://many/AWSLogs/"), Wanted())
count = sum(1 for _ in listing.objects())
# Not `ru_maxrss`: a process inherits that of the one which started it.
print(count, Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def pages(total, per_page=1000):
    """Answers listings as a bucket of one account and region with so many objects does."""
    folder = f"AWSLogs/{made.ACCOUNTS[0]}/CloudTrail/eu-west-1/"
    row = (
        "<Contents><Key>{key}</Key><LastModified>2026-09-01T00:00:00.000Z</LastModified>"
        "<ETag>&quot;{number:032x}&quot;</ETag><Size>1234</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )

    def listing(call, reply):
        if reply is not None or call.operation != "ListObjectsV2":
            return None
        prefix = call.query["prefix"]
        if "delimiter" in call.query:
            below = folder[len(prefix) :].split("/")[0] if folder.startswith(prefix) else ""
            body = f"<CommonPrefixes><Prefix>{prefix}{below}/</Prefix></CommonPrefixes>" if below else ""
            return Reply(
                200, f"<ListBucketResult>{body}</ListBucketResult>".encode(), {"Content-Type": "application/xml"}
            )
        if prefix != folder:
            return Reply(200, b"<ListBucketResult></ListBucketResult>", {"Content-Type": "application/xml"})
        place = int(call.query.get("continuation-token", 0))
        name = f"{made.ACCOUNTS[0]}_CloudTrail_eu-west-1_20260901T0000Z_"
        rows = [
            row.format(key=f"{folder}2026/09/01/{name}{number:016}.json.gz", number=number)
            for number in range(place, min(total, place + per_page))
        ]
        after = place + per_page
        token = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{after}</NextContinuationToken>"
        body = "".join(rows) + (token if after < total else "")
        return Reply(200, f"<ListBucketResult>{body}</ListBucketResult>".encode(), {"Content-Type": "application/xml"})

    return listing


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process as Linux shows it")
def test_listing_a_hundred_thousand_objects_takes_little_memory(proxy):
    proxy.spoil = pages(100_000)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", LISTING], cwd=ROOT, env=environ, capture_output=True, check=True)
    count, kilobytes = map(int, done.stdout.split())
    assert count == 100_000
    assert kilobytes < 200 * 1024


def test_thousands_of_small_objects(proxy, tmp_path):
    listing, body = pages(2000), made.packed([made.record(1, made.ACCOUNTS[0], "eu-west-1", date(2026, 9, 1))])
    body += bytes(1234 - len(body))  # as long as the listing says

    def serve(call, reply):
        if reply is None and call.operation == "GetObject":
            return Reply(200, body, {"x-amz-server-side-encryption": "aws:kms"})  # the ETag is no MD5 sum then
        return listing(call, reply)

    proxy.spoil = serve
    assert b"2,000 objects" in collect(tmp_path, place="s3://many").stdout
    assert len(set(gets(proxy))) == len(gets(proxy)) == 2000
    proxy.calls.clear()
    assert b"2,000 were there already" in collect(tmp_path, place="s3://many").stdout
    assert gets(proxy) == []


# Streaming


def simulate(tmp_path, *logs, workers="1", status=ExitStatus.FINDINGS):
    policy = tmp_path / "deny.json"
    statement = {"Effect": "Deny", "Action": "ec2:Describe*", "Resource": "*"}
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    places = [part for log in logs for part in ("--logs", log)]
    done = call("simulate", policy, "--type", "scp", *places, "--format", "json", "--workers", workers)
    assert done.returncode == status, done.stderr.decode()
    assert not any(secret.encode() in done.stdout + done.stderr for secret in SECRETS)
    return done


@pytest.mark.parametrize("workers", ["1", "2"])
def test_streaming_is_simulating_a_copy(proxy, keys, tmp_path, monkeypatch, workers):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    out = tmp_path / "logs"
    collect(out)
    proxy.reset()
    streamed = simulate(tmp_path, PLACE, workers=workers)
    assert streamed.stdout == simulate(tmp_path, out).stdout
    assert json.loads(streamed.stdout)["records"]["read"] == len(keys)
    # Read twice, fetched once; nothing stays.
    assert sorted(gets(proxy)) == sorted(keys)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("orgsim-")]


def test_streaming_some_days_and_files_beside(proxy, keys, tmp_path):
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"Records": [made.record(9999, made.ACCOUNTS[0], "eu-west-3", date(2026, 9, 4))]}))
    policy = tmp_path / "deny.json"
    policy.write_text('{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ec2:*","Resource":"*"}]}')
    arguments = ("--since", "2026-09-04", "--until", "2026-09-05", "--format", "json", "--type", "scp")
    done = call("simulate", policy, "--logs", own, "--logs", PLACE, *arguments)
    read = [key for key in keys if "/09/04/" in key or "/09/05/" in key]
    assert sorted(gets(proxy)) == sorted(read)
    assert json.loads(done.stdout)["records"]["read"] == len(read) + 1


@pytest.mark.parametrize(
    ("code", "error", "workers"),
    [
        ("AccessDenied", b"aws-denied", "1"),
        ("ExpiredToken", b"aws-credentials", "1"),
        ("ExpiredToken", b"aws-credentials", "2"),
    ],
)
def test_streaming_stops_where_it_would_leave_something_out(proxy, keys, tmp_path, monkeypatch, workers, code, error):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    proxy.spoil = lambda call, reply: (
        failure(code, 403, SECRETS[2], service="s3")
        if call.operation == "GetObject" and "us-east-1" in call.key
        else None
    )
    done = simulate(tmp_path, PLACE, workers=workers, status=ExitStatus.FAILED)
    assert b"[" + error + b"]" in done.stderr
    assert done.stdout == b""
    if workers == "1":
        assert [path.name for path in tmp_path.iterdir()] == ["deny.json"]  # nothing is fetched after the end


def test_streaming_does_not_pass_over_a_folder_that_is_refused(proxy, keys, tmp_path):
    proxy.spoil = lambda call, reply: (
        failure("AccessDenied", 403, service="s3")
        if call.operation == "ListObjectsV2" and made.ACCOUNTS[2] in call.query["prefix"]
        else None
    )
    assert b"[aws-denied]" in simulate(tmp_path, PLACE, status=ExitStatus.FAILED).stderr


def test_damage_in_a_stream_is_reported(proxy, keys, tmp_path):
    cut, gone = list(keys)[:2]

    def spoil(call, reply):
        if reply is None or call.operation != "GetObject" or call.key not in (cut, gone):
            return None
        if call.key == gone:
            return failure("NoSuchKey", 404, service="s3")
        return Reply(200, reply.body, reply.headers, cut=10)

    proxy.spoil = spoil
    report = json.loads(simulate(tmp_path, PLACE).stdout)
    assert report["records"]["read"] == len(keys) - 2
    text = json.dumps(report)
    assert f"s3://{BUCKET}/{cut}" in text
    assert "truncated-object" in text
    assert f"s3://{BUCKET}/{gone}" in text


def test_batches_travel_and_do_not_fill_the_disk(proxy, keys, tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.sources.aws.stream.KEPT_BYTES", 1000)
    batches, skipped = find_objects([PLACE], Login(), Wanted(accounts=frozenset({made.ACCOUNTS[0]})), tmp_path)
    assert skipped == []
    assert {batch.log_account for batch in batches} == {made.ACCOUNTS[0]}
    assert {batch.log_organization for batch in batches} == {made.ORGANIZATION}
    assert not any(secret.encode() in pickle.dumps(batches) for secret in SECRETS)
    copies = pickle.loads(pickle.dumps(batches))
    assert copies == batches
    for _ in (1, 2):
        found = [json.loads(b"".join(batch.chunks()))["Records"][0]["eventID"] for batch in copies]
        assert found == [event for key, event in sorted(keys.items()) if made.ACCOUNTS[0] in key]
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000


def test_an_error_from_a_worker_arrives_as_it_was():
    error = OrgsimError("aws-denied", "no", hint="ask", status=ExitStatus.USAGE)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.message, copy.hint, copy.status, str(copy)) == ("aws-denied", "no", "ask", 2, "no")
    assert pickle.loads(pickle.dumps(BrokenInputError("truncated-object"))).reason == "truncated-object"


def test_place_in_words():
    assert str(Place("b", "x/")) == "s3://b/x/"
