"""Who uses which actions: what counts, and what a row says of where from, on what, and how it ended."""

import pytest

from simulator.policy.parser import parse_policy
from simulator.replay.reading import Selection
from simulator.replay.restrictions import Restriction, of_policy
from simulator.replay.usage import UsageCounter, UsageKey, UsageQuestion
from tests.replay_tools import ANONYMOUS, Memory, record, role, root, service, stranger
from tests.unit.replay.world import APP, CATALOG, DATA, FOREIGN, MANAGEMENT, NEW, no_snapshot, organization

SNAPSHOT = organization()
WORKER = f"arn:aws:iam::{APP}:role/team/worker"


def restrictions(*patterns):
    return tuple(Restriction(each, (each,)) for each in patterns)


def usage_of(files, *patterns, current=SNAPSHOT, asked=None, **selection):
    question = UsageQuestion(current, asked or restrictions(*patterns), Selection(**selection))
    return UsageCounter(question, CATALOG).run([Memory(records, f"file-{n}") for n, records in enumerate(files)])


def usage(records, *patterns, **options):
    return usage_of([records], *patterns, **options)


def used(found):
    """Calls by the principal's last word and action."""
    return {(key.principal.rpartition("/")[2], key.action): fold.calls for key, fold in found.uses.items()}


def row(records, *patterns, **options):
    found = usage(records if isinstance(records, list) else [records], *(patterns or ("*",)), **options)
    [fold] = found.uses.values()
    return fold


def get(bucket="app", key="k", who=None, **more):
    parameters = {"bucketName": bucket, "key": key}
    return record("s3", "GetObject", who or role(APP, "team/worker"), parameters=parameters, **more)


def describe(who=None, **more):
    return record("ec2", "DescribeInstances", who or role(APP, "team/worker"), **more)


# What is asked for


@pytest.mark.parametrize("pattern", ["s3:GetObject", "s3:getobject", "S3:Get*", "s3:?etObject", "*", "*:*Object"])
def test_patterns_take_in_actions_whatever_their_case(pattern):
    assert used(usage([get(), describe()], pattern)).keys() >= {("worker", "s3:GetObject")}


def test_other_actions_are_not_listed_but_counted():
    found = usage([get(), describe(), describe(who=role(DATA, "other"))], "s3:*")
    assert used(found) == {("worker", "s3:GetObject"): 1}
    assert (found.read, found.mapped, found.calls) == (3, 3, 1)


def test_an_event_counts_for_the_action_it_is_checked_as():
    found = usage([record("s3", "HeadObject", role(APP, "r"), parameters={"bucketName": "b", "key": "k"})], "s3:Get*")
    assert used(found) == {("r", "s3:GetObject"): 1}


def test_a_call_that_needs_several_actions_stands_in_a_row_of_each_but_is_one_call():
    copy = record(
        "s3",
        "CopyObject",
        role(APP, "r"),
        parameters={"bucketName": "app", "key": "k", "x-amz-copy-source": "data/from"},
    )
    found = usage([copy], "s3:*")
    assert used(found) == {("r", "s3:GetObject"): 1, ("r", "s3:PutObject"): 1}
    assert found.calls == 1


def test_a_statement_with_not_action_asks_for_all_other_actions():
    text = """{"Version": "2012-10-17", "Statement": [
        {"Sid": "Rest", "Effect": "Deny", "NotAction": ["s3:*", "iam:*"], "Resource": "*"}]}"""
    found = usage([get(), describe()], asked=of_policy(parse_policy(text)))
    assert used(found) == {("worker", "ec2:DescribeInstances"): 1}


# What counts once, and what does not count


def test_copies_count_once_wherever_they_stand():
    found = usage_of([[get(), get()], [get()]], "s3:*")
    assert used(found) == {("worker", "s3:GetObject"): 1}
    assert (found.read, found.mapped, found.duplicates) == (3, 1, 2)


def test_of_a_cross_account_call_the_callers_copy_counts():
    theirs = get(bucket="data", who=role(APP, "r"), sharedEventID="shared", eventID="caller")
    owners = get(bucket="data", who=stranger(APP), recipient=DATA, sharedEventID="shared", eventID="owner")
    found = usage_of([[owners], [theirs]], "s3:*")
    assert used(found) == {("r", "s3:GetObject"): 1}
    assert found.duplicates == 1


def test_what_cannot_be_mapped_is_counted_and_listed():
    found = usage([record("harbour", "Unheard", role(APP, "r")), get()], "s3:*")
    assert (found.read, found.mapped, found.unmapped) == (2, 1, 1)
    assert [kind.event_name for kind in found.unmapped_kinds] == ["Unheard"]


def test_what_needs_no_check_is_skipped():
    found = usage([describe(eventType="AwsServiceEvent")], "*")
    assert dict(found.skipped) == {"aws-service-event": 1}
    assert found.uses == {}


def test_the_selection_leaves_records_out():
    records = [get(), get(eventTime="2026-10-01T00:00:00Z"), get(who=role(DATA, "r"))]
    found = usage(records, "s3:*", since="2026-09-15T00:00:00Z")
    assert (found.calls, found.skipped["outside-window"]) == (1, 2)
    found = usage(records, "s3:*", accounts=frozenset({DATA}))
    assert (used(found), found.skipped["other-account"]) == ({("r", "s3:GetObject"): 1}, 2)


# What a row says


def test_a_row_is_of_the_role_with_its_path_whatever_the_session():
    found = usage([get(who=role(APP, "team/worker", name)) for name in ("one", "two")], "s3:*")
    assert list(found.uses) == [UsageKey(WORKER, "role", APP, "s3:GetObject")]
    [fold] = found.uses.values()
    assert (fold.calls, fold.sessions.items()) == (2, [("one", 1), ("two", 1)])


def test_times_regions_and_event_ids_are_kept():
    times = ["2026-09-03T00:00:00Z", "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z"]
    regions = ["eu-central-1", "eu-west-1", "eu-west-1"]
    fold = row([get(eventTime=time, region=region) for time, region in zip(times, regions, strict=True)])
    assert (fold.first_seen, fold.last_seen) == (times[1], times[0])
    assert fold.regions.items() == [("eu-central-1", 1), ("eu-west-1", 2)]
    assert len(fold.event_ids.items()) == 3


def test_objects_fold_to_their_bucket():
    fold = row([get(key="a/1"), get(key="b/2"), get(bucket="data", key="c")])
    assert fold.resources.items() == [("arn:aws:s3:::app/*", 2), ("arn:aws:s3:::data/*", 1)]


def test_a_call_on_several_resources_is_one_call():
    items = {"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}}
    fold = row(record("ec2", "StopInstances", role(APP, "r"), parameters=items))
    assert fold.calls == 1
    assert [text.rpartition("/")[2] for text, _ in fold.resources.items()] == ["i-1", "i-2"]


@pytest.mark.parametrize(
    ("code", "denied"),
    [
        (None, 0),
        ("AccessDenied", 1),
        ("Client.UnauthorizedOperation", 1),
        ("VpceAccessDenied", 1),
        ("ThrottlingException", 0),
        ("Client.DryRunOperation", 0),
        ("ExpiredToken", 0),
    ],
)
def test_denied_calls_are_those_that_failed_authorization(code, denied):
    fold = row(describe(errorCode=code) if code else describe())
    assert (fold.calls, fold.denied_calls) == (1, denied)


def test_records_of_one_shape_may_end_differently():
    fold = row([describe(), describe(errorCode="AccessDenied"), describe(eventTime="2026-09-02T00:00:00Z")])
    assert (fold.calls, fold.denied_calls) == (3, 1)


def test_a_check_that_aws_only_possibly_made_is_counted_apart():
    parameters = {"launchTemplate": {"launchTemplateId": "lt-1"}, "minCount": 1, "maxCount": 1}
    launch = record("ec2", "RunInstances", role(APP, "r"), parameters=parameters)
    found = usage([launch], "iam:PassRole", "ec2:RunInstances")
    told = {key.action: (fold.calls, fold.possible_calls) for key, fold in found.uses.items()}
    assert told == {"iam:PassRole": (1, 1), "ec2:RunInstances": (1, 0)}


def test_networks_are_listed_by_calls():
    addresses = ["192.0.2.7", "192.0.2.200", "198.51.100.1", "2001:db8:1:2::3"]
    fold = row([get(sourceIPAddress=each) for each in addresses] + [get(vpcEndpointId="vpce-0a")])
    assert fold.networks.items() == [
        ("192.0.2.0/24", 2),
        ("198.51.100.0/24", 1),
        ("2001:db8:1::/48", 1),
        ("vpce-0a", 1),
    ]


# Who is beyond SCPs

LINKED = "aws-service-role/x.amazonaws.com/AWSServiceRoleForX"


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (role(APP, "r"), None),
        (root(APP), None),
        (role(NEW, "r"), None),
        (role(MANAGEMENT, "admin"), "management-account"),
        (role(APP, LINKED), "service-linked-role"),
        (service("lambda.amazonaws.com"), "aws-service-principal"),
        (stranger(FOREIGN), "foreign-principal"),
        (stranger(DATA), None),
        (ANONYMOUS, "anonymous"),
    ],
)
def test_why_no_scp_reaches_a_caller(who, reason):
    # A first record shows that the account which is not in the snapshot is ours.
    assert row([get(who=who, recipient=who.get("accountId") if who["type"] == "AssumedRole" else APP)]).scp_exempt == (
        reason
    )


def test_why_no_scp_reaches_an_action():
    assert row(record("sts", "GetCallerIdentity", role(APP, "r"))).scp_exempt == "always-succeeds"


def test_without_a_snapshot_nobody_is_foreign():
    assert row(get(who=stranger(FOREIGN), recipient=APP), current=no_snapshot()).scp_exempt is None


def test_an_account_missing_from_the_snapshot_is_reported():
    found = usage([get(who=role(NEW, "r"))], "s3:*")
    assert found.stale_accounts.items() == [(NEW, 1)]
