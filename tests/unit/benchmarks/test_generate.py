"""The benchmark's trail: the same bytes every time, shaped like an organization's trail."""

import hashlib
import json
from collections import Counter

import pytest
from isal import igzip

from benchmarks import generate
from benchmarks.floor import read
from benchmarks.generate import FILE_RECORDS, TINY, file_name, file_text, manifest_of, trail
from benchmarks.world import ACCOUNTS, roles


def records(number, count=FILE_RECORDS):
    return json.loads(file_text(number, count))["Records"]


def digest(number):
    return hashlib.sha256(file_text(number, FILE_RECORDS).encode()).hexdigest()


def test_a_file_is_the_same_every_time():
    first = digest(3)
    generate._templates.cache_clear()
    assert digest(3) == first
    assert digest(4) != first


def test_a_file_holds_the_records_asked_for_at_about_the_size_promised():
    text = file_text(0, FILE_RECORDS)
    found = json.loads(text)["Records"]
    assert len(found) == FILE_RECORDS
    assert 1_400 <= len(text) / FILE_RECORDS <= 1_550


def test_a_file_belongs_to_the_account_and_region_of_its_path():
    for number in (0, 7, 45):
        account, region = ACCOUNTS[number % 40], file_name(number).split("/")[4]
        assert file_name(number).split("/")[2] == account
        found = records(number)
        assert {record["recipientAccountId"] for record in found} == {account}
        own = [record for record in found if "sharedEventID" not in record]
        assert {record["awsRegion"] for record in own} == {region}


def test_sessions_addresses_and_keys_hardly_repeat():
    found = [record for number in (0, 1) for record in records(number)]
    sessions = Counter(record["userIdentity"].get("arn") for record in found)
    addresses = {record["sourceIPAddress"] for record in found}
    keys = [record["requestParameters"]["key"] for record in found if record["eventName"] in ("GetObject", "PutObject")]
    assert len(sessions) > 0.9 * len(found)
    assert len(addresses) > 0.75 * len(found)
    assert len(set(keys)) >= len(keys) - 4


def test_management_and_data_events_of_all_25_roles():
    found = records(0)
    issuers = {
        record["userIdentity"].get("sessionContext", {}).get("sessionIssuer", {}).get("arn") for record in found
    } - {None}
    assert len(issuers) == 25 == len(set(roles(0)))
    categories = Counter(record["eventCategory"] for record in found)
    assert min(categories["Management"], categories["Data"]) > 0.3 * FILE_RECORDS
    assert all(record["managementEvent"] == (record["eventCategory"] == "Management") for record in found)


def test_some_records_are_delivered_twice_in_a_file_and_in_the_next_of_the_account():
    first, second = records(2), records(42)
    ids = Counter(record["eventID"] for record in first)
    assert [count for count in ids.values() if count > 1] == [2]
    both = ids.keys() & {record["eventID"] for record in second}
    assert len(both) == 3
    texts = {json.dumps(record) for record in first if record["eventID"] in both}
    assert texts == {json.dumps(record) for record in second if record["eventID"] in both}


def test_calls_across_accounts_are_logged_for_both_accounts():
    for caller, owner in ((5, 6), (39, 0)):
        theirs = {each["sharedEventID"]: each for each in records(caller) if "sharedEventID" in each}
        ours = {each["sharedEventID"]: each for each in records(owner) if "sharedEventID" in each}
        shared = theirs.keys() & ours.keys()
        assert len(shared) == 5
        for each in shared:
            assert theirs[each]["eventID"] != ours[each]["eventID"]
            assert theirs[each]["userIdentity"]["accountId"] == ACCOUNTS[caller]
            assert ours[each]["userIdentity"]["type"] == "AWSAccount"
            assert ours[each]["recipientAccountId"] == ACCOUNTS[owner]
            assert theirs[each]["eventTime"] == ours[each]["eventTime"]


def test_a_trail_is_made_once_and_read_by_the_floor(tmp_path):
    logs = trail(TINY, tmp_path, workers=1)
    assert manifest_of(logs)["records"] == TINY == read(logs)
    file = next(logs.rglob("*.gz"))
    texts = {file_text(number, TINY // 2).encode() for number in (0, 1)}
    assert igzip.decompress(file.read_bytes()) in texts
    file.write_bytes(b"kept")
    assert trail(TINY, tmp_path, workers=1) == logs
    assert file.read_bytes() == b"kept"


def test_a_number_of_records_that_does_not_fill_files_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="multiple of 2,500"):
        trail(1_234, tmp_path)
