"""The first look: which accounts are ours, whose a bucket is, what a session was given, which copy counts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.decision.facts import Facts, Membership, SessionFacts
from simulator.replay.survey import Survey, wants_sessions
from tests.replay_tools import record, role, service, stranger, user
from tests.unit.replay.world import APP, DATA, FOREIGN, MANAGEMENT, NEW, OURS, parsed

FACTS = Facts(
    organization_id=OURS,
    management_account=MANAGEMENT,
    org_paths=dict.fromkeys((APP, DATA, MANAGEMENT), f"{OURS}/r-test/"),
)


def survey(*records, batch=0):
    found = Survey()
    for each in records:
        found.look([parsed(each)], batch)
    return found


def call(account=APP, **more):
    return record("ec2", "DescribeInstances", role(account, "r"), **more)


# Whose accounts


def test_an_account_that_is_caller_and_recipient_is_ours():
    facts = survey(call(NEW)).facts(FACTS, ())
    assert facts.stale_accounts == {NEW}
    assert facts.membership(NEW) is Membership.UNKNOWN


def test_an_account_that_only_calls_us_is_foreign():
    theirs = record("s3", "GetObject", stranger(FOREIGN), recipient=APP)
    facts = survey(theirs).facts(FACTS, ())
    assert facts.membership(FOREIGN) is Membership.FOREIGN


def test_an_account_that_only_receives_is_not_proved_ours():
    # Our own caller's copy of a call on a foreign resource stays with us; theirs we never see.
    facts = survey(record("s3", "GetObject", role(APP, "r"), recipient=FOREIGN)).facts(FACTS, ())
    assert facts.membership(FOREIGN) is Membership.FOREIGN


def test_a_folder_in_our_trail_proves_an_account_ours():
    assert survey().facts(FACTS, {NEW}).membership(NEW) is Membership.UNKNOWN


def test_members_are_never_stale():
    facts = survey(call(APP), call(MANAGEMENT)).facts(FACTS, {DATA})
    assert facts.stale_accounts == set()


def test_without_a_snapshot_every_account_is_a_member():
    facts = survey(call(NEW)).facts(Facts(assume_members=True), ())
    assert facts.stale_accounts == set()
    assert facts.membership(FOREIGN) is Membership.MEMBER


@pytest.mark.parametrize("account", ["anonymous", "", "12", "x" * 12, None])
def test_only_account_ids_count(account):
    identity = {"type": "AWSAccount", "principalId": "", "accountId": account}
    found = survey(record("s3", "GetObject", identity, recipient=account))
    assert found.home_accounts == set()


# Pairs


def pair(event, caller, recipient, shared="shared"):
    identity = role(caller, "r") if caller == recipient else stranger(caller)
    return record("sts", "AssumeRole", identity, recipient=recipient, eventID=event, sharedEventID=shared)


def test_the_callers_copy_counts_and_the_other_tells_the_owner():
    mine, theirs = pair("z", APP, APP), pair("a", APP, DATA)
    for order in ((mine, theirs), (theirs, mine)):
        found = survey(*order)
        assert not found.is_second_copy(parsed(mine))
        assert found.is_second_copy(parsed(theirs))
        assert found.owner_by_pair(parsed(mine)) == DATA


def test_without_the_callers_copy_the_smallest_id_counts():
    # A foreign caller on resources of two of our accounts.
    one, other = pair("b", FOREIGN, APP), pair("a", FOREIGN, DATA)
    for order in ((one, other), (other, one)):
        found = survey(*order)
        assert found.is_second_copy(parsed(one))
        assert not found.is_second_copy(parsed(other))


def test_a_copy_alone_counts():
    assert not survey(pair("a", FOREIGN, APP)).is_second_copy(parsed(pair("a", FOREIGN, APP)))
    assert survey(pair("a", FOREIGN, APP)).owner_by_pair(parsed(pair("a", FOREIGN, APP))) == APP


def test_records_that_lost_their_ids_are_no_copies():
    lost = pair("a", FOREIGN, APP)
    del lost["eventID"]
    assert not survey(lost).is_second_copy(parsed(lost))


def test_records_without_a_shared_id_are_no_pair():
    found = survey(call(eventID="a"), call(eventID="b"))
    assert not found.is_second_copy(parsed(call(eventID="b")))
    assert found.owner_by_pair(parsed(call(eventID="b"))) is None


def test_the_callers_record_of_a_call_inside_one_account_names_no_owner():
    assert survey(pair("a", APP, APP)).owner_by_pair(parsed(pair("a", APP, APP))) is None


def test_a_service_delivers_to_several_accounts():
    # AWSService has no account: the copies are told apart by id alone.
    both = [
        record("s3", "PutObject", service("cloudtrail.amazonaws.com"), recipient=each, eventID=each, sharedEventID="s")
        for each in (DATA, APP)
    ]
    found = survey(*both)
    assert [found.is_second_copy(parsed(each)) for each in both] == [True, False]


# Repeated ids


def test_the_first_batch_keeps_a_repeated_record():
    found = survey(call(eventID="a"), batch=3)
    found.look([parsed(call(eventID="a"))], 1)
    found.look([parsed(call(eventID="b"))], 1)
    found.close()
    assert list(found.repeated.values()) == [1]
    (mark,) = found.repeated
    assert mark[0] == "a"
    assert found.is_repeated(mark, 3)
    assert not found.is_repeated(mark, 1)
    assert not found.is_repeated(("b", mark[1]), 1)


def test_a_repeat_inside_one_batch_is_not_the_surveys_business():
    found = survey(call(eventID="a"), call(eventID="a"))
    assert found.repeated == {}


# What is learned


def object_call(bucket, owner, **more):
    resources = [
        {"ARN": f"arn:aws:s3:::{bucket}/key", "type": "AWS::S3::Object"},
        {"ARN": f"arn:aws:s3:::{bucket}", "accountId": owner, "type": "AWS::S3::Bucket"},
    ]
    parameters = {"bucketName": bucket, "key": "key"}
    return record("s3", "GetObject", role(APP, "r"), parameters=parameters, resources=resources, **more)


def test_owners_of_buckets_are_learned():
    facts = survey(object_call("theirs", FOREIGN), object_call("ours", DATA)).facts(FACTS, ())
    assert facts.resource_accounts["theirs"] == FOREIGN
    assert facts.resource_accounts["ours"] == DATA


def test_the_snapshot_outranks_the_log():
    known = replace(FACTS, resource_accounts={"ours": APP})
    assert survey(object_call("ours", DATA)).facts(known, ()).resource_accounts["ours"] == APP


# Sessions


def assume(key="ASIANEW", name="AssumeRole", response=True, **parameters):
    parameters = {"roleArn": f"arn:aws:iam::{APP}:role/r", "roleSessionName": "s", **parameters}
    answer = {"credentials": {"accessKeyId": key}} if response else None
    return record("sts", name, role(APP, "r"), parameters=parameters, responseElements=answer)


def test_tags_and_source_identity_of_a_session():
    tags = [{"key": "Team", "value": "red"}, {"key": "empty"}, "rubbish", {"value": "no key"}]
    found = survey(assume(tags=tags, sourceIdentity="noor"))
    assert found.sessions == {"ASIANEW": SessionFacts({"Team": "red", "empty": ""}, "noor", False)}


def test_an_assume_root_session():
    assert survey(assume(name="AssumeRoot")).sessions["ASIANEW"].assumed_root
    assert not survey(assume(name="AssumeRoleWithSAML")).sessions["ASIANEW"].assumed_root


@pytest.mark.parametrize(
    "event",
    [
        assume(response=False),
        assume(key=None),
        assume(name="GetSessionToken"),
        {**assume(), "eventSource": "ec2.amazonaws.com"},
        {**assume(), "requestParameters": None},
        {**assume(), "responseElements": "HIDDEN"},
        {**assume(), "responseElements": {"credentials": "HIDDEN"}},
    ],
)
def test_what_tells_of_no_session(event):
    assert survey(event).sessions == {}


def test_sessions_are_only_kept_where_a_policy_asks():
    found = Survey(wants_sessions=False)
    found.look([parsed(assume())], 0)
    assert found.sessions == {}
    assert wants_sessions(frozenset({"aws:principaltag/team"}))
    assert wants_sessions(frozenset({"aws:sourceidentity"}))
    assert wants_sessions(frozenset({"aws:assumedroot"}))
    assert not wants_sessions(frozenset({"aws:sourceip", "aws:requesttag/team"}))


# Merging

POOL = [
    call(APP, eventID="a"),
    call(NEW, eventID="b"),
    pair("c", APP, APP),
    pair("d", APP, DATA),
    pair("e", FOREIGN, APP, "other"),
    pair("f", FOREIGN, DATA, "other"),
    object_call("theirs", FOREIGN, eventID="g"),
    assume(sourceIdentity="noor"),
    record("iam", "GetUser", user(APP, "u"), eventID="h"),
]


@given(st.lists(st.tuples(st.sampled_from(POOL), st.integers(0, 4)), max_size=20), st.randoms(use_true_random=False))
def test_merging_surveys_is_looking_at_the_whole(seen, random):
    whole = Survey()
    parts = {}
    for each, batch in seen:
        whole.look([parsed(each)], batch)
        parts.setdefault(batch, Survey()).look([parsed(each)], batch)
    parts = list(parts.values())
    random.shuffle(parts)
    merged = Survey()
    for part in parts:
        merged.merge(part)
    for each in (whole, merged):
        each.close()
    assert comparable(merged) == comparable(whole)


def comparable(found):
    pairs = {key: (each.caller_event, each.first_event, each.owner) for key, each in found.pairs.items()}
    return found.home_accounts, found.repeated, pairs, found.learned, found.sessions


def test_an_entry_without_an_account_is_looked_at_each_time():
    # Whose the bucket is hangs on who got the record; two owners leave it open.
    listed = [{"ARN": "arn:aws:s3:::theirs", "accountId": "anonymous", "type": "AWS::S3::Bucket"}]
    found = Survey()
    for recipient in (DATA, APP):
        caller = role(FOREIGN, "r")
        each = record("s3", "ListObjects", caller, resources=listed, recipientAccountId=recipient)
        found.look([parsed(each)], 0)
    assert "theirs" not in found.facts(FACTS, ()).resource_accounts
