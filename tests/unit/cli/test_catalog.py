"""`orgsim catalog`: what it prints, what it exits with, and that a failed update changes nothing."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.cli import catalog as catalog_command
from simulator.cli import loading
from simulator.cli.catalog import command
from simulator.errors import ExitStatus, OrgsimError
from simulator.sources import service_reference
from simulator.sources.catalog_cache import FILE_NAME, read_update, write_update
from simulator.sources.download import Limits, download
from tests.unit.sources.reference_server import PAGES, SQS, hang_up, send, serving, write_copy

ROOT = Path(__file__).parents[3]
LOGS = ROOT / "samples" / "logs"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own: the developer's must not change what is tested."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ORGSIM_CACHE", str(folder))
    return folder


@pytest.fixture
def server():
    with serving() as running:
        yield running


def run(*arguments, status=ExitStatus.OK):
    """The standard output of `orgsim catalog` in this process; errors are raised as they are."""
    result = CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    assert result.return_value == status
    return result.stdout


# --- show --------------------------------------------------------------------------------------------------------


def show(*pair):
    return json.loads(run("show", *pair, "--format", "json"))


def test_show_in_json_has_exactly_the_documented_members():
    answer = show("s3.amazonaws.com", "GetObject")
    assert list(answer) == ["event_source", "event_name", "actions", "skipped", "unmapped"]
    assert (answer["event_source"], answer["event_name"]) == ("s3.amazonaws.com", "GetObject")
    assert (answer["skipped"], answer["unmapped"]) == (None, None)
    assert all(list(row) == ["action", "tier", "source"] for row in answer["actions"])
    tiers = {row["action"]: row["tier"] for row in answer["actions"]}
    assert tiers["s3:GetObject"] == "required"
    assert tiers["s3:GetObjectVersion"] == "proven"


def test_show_of_possible_skipped_and_unmapped_events():
    assert {row["tier"] for row in show("signin.amazonaws.com", "ConsoleLogin")["actions"]} == {"possible"}
    skipped = show("signin.amazonaws.com", "SwitchRole")
    assert (skipped["actions"], skipped["skipped"], skipped["unmapped"]) == ([], "console-sign-in", None)
    unmapped = show("rockets.amazonaws.com", "Launch")
    assert (unmapped["actions"], unmapped["skipped"]) == ([], None)
    assert unmapped["unmapped"] == "unknown event source: rockets"


def test_show_for_people_says_why():
    text = run("show", "s3", "GetObject")
    assert "s3:GetObjectVersion" in text
    assert "when requestParameters has versionId" in text
    assert "sign-in" in run("show", "signin", "SwitchRole")
    assert run("show", "no\x1b[2Jsuch", "Thing").startswith("no\\x1b[2Jsuch Thing: unmapped, unknown event source")


def test_the_answer_in_the_documentation_is_the_real_one():
    page = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert example == run("show", "sqs.amazonaws.com", "SendMessageBatch", "--format", "json")


# --- coverage ----------------------------------------------------------------------------------------------------


def record(number, source, name, **more):
    return {
        "eventVersion": "1.11",
        "eventTime": "2026-09-30T12:00:00Z",
        "eventSource": source,
        "eventName": name,
        "eventID": str(number),
        "eventType": "AwsApiCall",
        "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333",
        "userIdentity": {
            "type": "IAMUser",
            "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/ann",
            "userName": "ann",
        },
        "requestParameters": None,
        **more,
    }


def write_log(folder, name, *records):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps({"Records": list(records)}), encoding="utf-8")
    return folder


def test_coverage_counts_every_record_once(tmp_path):
    bucket = {"bucketName": "logs", "key": "k"}
    owner = [{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::logs", "accountId": "444455556666"}]
    logs = write_log(
        tmp_path / "logs",
        "a.json",
        record(1, "s3.amazonaws.com", "ListBuckets"),  # takes no resource
        record(2, "s3.amazonaws.com", "GetObject", requestParameters=bucket),  # its owner stands in b.json
        record(3, "kms.amazonaws.com", "Decrypt", errorCode="AccessDenied"),  # which key?
        record(4, "rockets.amazonaws.com", "Launch"),
        record(5, "rockets.amazonaws.com", "Launch"),
        record(6, "signin.amazonaws.com", "SwitchRole"),
    )
    write_log(
        logs,
        "b.json",
        record(7, "s3.amazonaws.com", "PutObject", requestParameters=bucket, resources=owner),
        record(6, "signin.amazonaws.com", "SwitchRole"),
    )
    answer = json.loads(run("coverage", "--logs", logs, "--format", "json"))
    assert answer["records"] == {"read": 8, "duplicates": 1, "skipped": {"console-sign-in": 1}, "checked": 6}
    assert answer["with_action"] == {"records": 4, "share": 4 / 6}
    assert answer["with_resource"] == {"records": 3, "share": 3 / 6}
    assert answer["with_owner"] == {"records": 3, "share": 3 / 6}
    assert answer["unresolved"] == [
        {
            "event_source": "rockets.amazonaws.com",
            "event_name": "Launch",
            "reason": "unknown event source: rockets",
            "records": 2,
        }
    ]
    assert answer["without_resource"] == [
        {"event_source": "kms.amazonaws.com", "event_name": "Decrypt", "action": "kms:Decrypt", "records": 1}
    ]
    text = run("coverage", "--logs", logs)
    assert "8 records read: 6 with an IAM check, 1 without one, 1 duplicates" in text
    assert "2  rockets.amazonaws.com Launch" in text
    assert "66.67%" in text


def test_coverage_takes_owners_from_the_snapshot(tmp_path):
    request = {"bucketName": "data", "key": "k"}
    logs = write_log(tmp_path / "logs", "a.json", record(1, "s3.amazonaws.com", "GetObject", requestParameters=request))
    assert json.loads(run("coverage", "--logs", logs, "--format", "json"))["with_owner"]["records"] == 0
    snapshot = json.loads((ROOT / "samples" / "organization.json").read_text(encoding="utf-8"))
    snapshot["resource_accounts"] = {"data": snapshot["management_account"]}
    file = tmp_path / "organization.json"
    file.write_text(json.dumps(snapshot), encoding="utf-8")
    answer = json.loads(run("coverage", "--logs", logs, "--organization", file, "--format", "json"))
    assert answer["with_owner"]["records"] == 1


def test_coverage_of_the_samples_adds_up():
    answer = json.loads(run("coverage", "--logs", LOGS, "--format", "json"))
    records = answer["records"]
    assert records["read"] == records["duplicates"] + sum(records["skipped"].values()) + records["checked"]
    assert sum(row["records"] for row in answer["unresolved"]) == records["checked"] - answer["with_action"]["records"]
    lost = answer["with_action"]["records"] - answer["with_resource"]["records"]
    assert sum(row["records"] for row in answer["without_resource"]) == lost
    assert records["read"] > 100


def test_coverage_without_records_says_so(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "0 records read" in run("coverage", "--logs", tmp_path / "empty", status=ExitStatus.NO_RECORDS)
    with pytest.raises(OrgsimError, match="no file or folder"):
        run("coverage", "--logs", tmp_path / "nowhere")


# --- update ------------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch):
    """Failures are not waited for."""
    limits = Limits(pause=0.01, silence=0.2)

    def fetch(where, progress):
        return service_reference.fetch_update(where, progress, lambda address, _: download(address, limits))

    monkeypatch.setattr(catalog_command, "fetch_update", fetch)


def test_an_update_outranks_the_packaged_tables(server, cache):
    assert show("rockets", "Launch")["unmapped"] == "unknown event source: rockets"
    assert show("sqs", "BrandNewOperation")["unmapped"] is not None
    text = run("update", "--url", server.url)
    assert text == f"2 services, 4 actions, 1 operations: {cache / FILE_NAME}\n"
    assert show("rockets", "Launch")["actions"][0]["action"] == "rockets:Launch"
    answer = show("sqs", "BrandNewOperation")
    assert [(row["action"], row["tier"]) for row in answer["actions"]] == [("sqs:BrandNewAction", "required")]
    assert answer["actions"][0]["source"] == "AWS Service Reference, local update"
    # What the update does not mention stays as packaged.
    assert [row["action"] for row in show("sqs", "SendMessageBatch")["actions"]] == ["sqs:SendMessage"]


def test_update_from_a_folder_into_a_folder(tmp_path, cache, monkeypatch):
    other = tmp_path / "other" / "cache"
    run("update", "--url", write_copy(tmp_path / "copy"), "--cache", other)
    assert not cache.exists()
    assert show("rockets", "Launch")["unmapped"] is not None
    monkeypatch.setenv("ORGSIM_CACHE", str(other))
    assert show("rockets", "Launch")["unmapped"] is None


BROKEN = {
    "500": lambda handler: send(handler, b"", status=500),
    "cut off": lambda handler: send(handler, PAGES["/v1/sqs/sqs.json"][:-9], announced=9_999),
    "not JSON": b"<html>",
    "hung up": hang_up,
    "missing": None,
    "wrong": json.dumps({**SQS, "Actions": "none"}).encode(),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_broken_download_leaves_the_old_catalog(server, cache, kind):
    run("update", "--url", server.url)
    before = (cache / FILE_NAME).read_bytes()
    server.pages["/v1/sqs/sqs.json"] = BROKEN[kind]
    with pytest.raises(OrgsimError):
        run("update", "--url", server.url)
    assert (cache / FILE_NAME).read_bytes() == before
    assert [path.name for path in cache.iterdir()] == [FILE_NAME]
    assert show("rockets", "Launch")["unmapped"] is None


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_an_interrupted_download_leaves_the_old_catalog(server, cache):
    run("update", "--url", server.url)
    before = (cache / FILE_NAME).read_bytes()
    asked = []

    def never_ends(handler):
        asked.append(handler.path)
        send(handler, b"{", announced=1_000)
        time.sleep(3)

    server.pages["/v1/sqs/sqs.json"] = never_ends
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "catalog", "update", "--url", server.url],
        cwd=ROOT,
        stderr=subprocess.PIPE,
    )
    while not asked and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert (process.returncode, error.strip()[-19:]) == (130, b"orgsim: interrupted")
    assert (cache / FILE_NAME).read_bytes() == before
    assert [path.name for path in cache.iterdir()] == [FILE_NAME]


def test_a_disk_that_fails_leaves_the_old_catalog(server, cache, monkeypatch):
    run("update", "--url", server.url)
    before = (cache / FILE_NAME).read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OrgsimError, match="No space left") as caught:
        run("update", "--url", server.url)
    assert caught.value.code == "cannot-write"
    assert (cache / FILE_NAME).read_bytes() == before
    assert [path.name for path in cache.iterdir()] == [FILE_NAME]


def test_a_folder_that_cannot_be_made_is_an_error(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OrgsimError) as caught:
        run("update", "--url", server.url, "--cache", tmp_path / "file" / "cache")
    assert caught.value.code == "cannot-write"


# --- the cache ---------------------------------------------------------------------------------------------------


def test_what_was_written_is_read_again(server, cache):
    update = service_reference.fetch_update(server.url, lambda *_: None)
    write_update(update, cache)
    assert read_update(cache) == update
    note = loading.update_note(loading.load_catalog())
    assert server.url in note
    assert update.fetched in note
    assert loading.update_note(type(loading.load_catalog())()) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain",
        gzip.compress(b"{}"),
        gzip.compress(b'{"schema": "orgsim/catalog-update/0", "origin": "", "fetched": "", "services": {}}'),
        gzip.compress(b'{"schema": "orgsim/catalog-update/1", "origin": "", "fetched": "", "services": {"s3": 1}}'),
        gzip.compress(b'{"schema": 1' * 100)[:-9],
    ],
    # Compressed bytes hold the time: as ids they would differ from worker to worker.
    ids=["empty", "plain", "no schema", "older schema", "wrong shape", "cut"],
)
def test_a_cache_that_is_not_ours_is_an_error_that_says_what_to_do(cache, content):
    cache.mkdir()
    (cache / FILE_NAME).write_bytes(content)
    with pytest.raises(OrgsimError) as caught:
        run("show", "s3", "GetObject")
    assert caught.value.code == "catalog-cache"
    assert "orgsim catalog update" in caught.value.hint
    # The way out works.
    run("update", "--url", write_copy(cache.parent / "copy"))
    assert show("rockets", "Launch")["unmapped"] is None


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.delenv("ORGSIM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert loading.cache_folder() == tmp_path / "orgsim"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert loading.cache_folder() == Path.home() / ".cache" / "orgsim"
    monkeypatch.setenv("ORGSIM_CACHE", "mine")
    assert loading.cache_folder() == Path("mine")
    assert loading.cache_folder(tmp_path) == tmp_path
