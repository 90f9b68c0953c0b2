"""From records to an impact: counting, duplicates, selection, outcomes of whole calls, what findings hold."""

import json
from itertools import permutations

import pytest

from simulator.organization.proposal import apply
from simulator.organization.tree import without_snapshot
from simulator.policy.document import PolicyType
from simulator.replay.impact import SAMPLES
from simulator.replay.outcome import Outcome
from simulator.replay.reading import Selection, folder_accounts
from simulator.sources.proposals import read_proposal
from tests.replay_tools import Memory, record, role, root, service, stranger
from tests.unit.replay.world import (
    APP,
    DATA,
    EMPTY,
    FOREIGN,
    LAB,
    LABS,
    MANAGEMENT,
    NEW,
    OURS,
    PROD,
    ROOT,
    WORK,
    Attached,
    actions,
    allow,
    deny,
    keys,
    organization,
    outcome,
    outcomes,
    rcp,
    replay,
    replayer,
    sids,
)

EVERYTHING = Attached(scps={ROOT: [deny()]})
UNTAGGED = {"StringNotEquals": {"aws:PrincipalTag/team": "red"}}
REFUSED = {"errorCode": "AccessDenied", "errorMessage": "no"}


def look(account=APP, **more):
    return record("ec2", "DescribeInstances", role(account, "app/r"), **more)


def get(bucket="bucket", key="key", who=None, owner=APP, name="GetObject", **more):
    resources = [
        {"ARN": f"arn:aws:s3:::{bucket}/{key}", "type": "AWS::S3::Object"},
        {"ARN": f"arn:aws:s3:::{bucket}", "type": "AWS::S3::Bucket"} | ({"accountId": owner} if owner else {}),
    ]
    who = who or role(APP, "app/r")
    parameters = {"bucketName": bucket, "key": key}
    return record("s3", name, who, parameters=parameters, resources=resources, **more)


# Outcomes of calls


def test_newly_denied():
    impact = replay([look()], None, EVERYTHING)
    assert outcomes(impact) == {"newly_denied": 1}
    assert sids(impact) == {"No"}
    assert keys(impact) == set()


def test_already_denied():
    assert outcome(look(**REFUSED), None, EVERYTHING) == "already_denied"
    # Undecided by a new statement, and it failed anyway.
    assert outcome(look(**REFUSED), None, Attached(scps={ROOT: [deny(Condition=UNTAGGED)]})) == "already_denied"


def test_possibly_newly_denied():
    impact = replay([look()], None, Attached(scps={ROOT: [deny(Condition=UNTAGGED)]}))
    assert outcomes(impact) == {"possibly_newly_denied": 1}
    assert keys(impact) == {"aws:principaltag/team"}


def test_newly_allowed_names_what_denied_before():
    impact = replay([look(**REFUSED)], EVERYTHING, None)
    assert outcomes(impact) == {"newly_allowed": 1}
    assert sids(impact) == {"No"}
    assert impact.drift == 0


def test_a_success_that_today_should_have_been_denied_is_drift():
    assert replay([look()], EVERYTHING, None).drift == 1
    assert outcomes(replay([look()], EVERYTHING, None)) == {"newly_allowed": 1}
    assert replay([look()], EVERYTHING, EVERYTHING).drift == 1
    assert outcomes(replay([look()], EVERYTHING, EVERYTHING)) == {"unchanged": 1}


def test_exempt():
    assert outcome(look(MANAGEMENT), None, EVERYTHING) == "exempt"
    assert outcome(record("sts", "GetCallerIdentity", role(APP, "r")), None, EVERYTHING) == "exempt"


def test_a_call_that_failed_for_another_reason_had_passed():
    for code in ("ThrottlingException", "EntityAlreadyExistsException", "Client.DryRunOperation", "NoSuchKey"):
        assert outcome(look(errorCode=code, errorMessage="busy"), None, EVERYTHING) == "newly_denied"


def test_a_call_that_was_never_authenticated_changes_nothing():
    unauthenticated = look(errorCode="InvalidClientTokenId", errorMessage="The security token is invalid")
    assert outcome(unauthenticated, None, EVERYTHING) == "unchanged"


def test_a_record_takes_the_gravest_of_its_checks():
    copy = get(name="CopyObject", eventID="copy")
    copy["requestParameters"]["x-amz-copy-source"] = "source/key"
    proposed = Attached(scps={ROOT: [deny("Put", "s3:PutObject"), deny("Get", "s3:GetObject", Condition=UNTAGGED)]})
    impact = replay([copy], None, proposed)
    assert outcomes(impact) == {"newly_denied": 1}
    assert sids(impact, "newly_denied") == {"Put"}
    assert sids(impact, "possibly_newly_denied") == {"Get"}
    assert impact.requests >= 2


def test_a_call_hit_by_several_statements_stands_in_a_finding_of_each():
    proposed = Attached(scps={ROOT: [deny("One")], WORK: [deny("Two")]}, rcps={PROD: [rcp("Three")]})
    impact = replay([get()], None, proposed)
    assert sids(impact) == {"One", "Two", "Three"}
    assert [fold.calls for fold in impact.findings.values()] == [1, 1, 1]
    assert outcomes(impact) == {"newly_denied": 1}


def test_a_call_counts_once_in_a_finding_however_many_resources_it_has():
    items = [{"instanceId": f"i-{number:017x}"} for number in range(5)]
    stop = record("ec2", "StopInstances", role(APP, "r"), parameters={"instancesSet": {"items": items}})
    (finding,) = replay([stop], None, EVERYTHING).findings.values()
    assert finding.calls == 1
    assert len(finding.resources.items()) == 5


def test_an_implicit_deny_names_the_level():
    impact = replay([look()], None, Attached(scps={PROD: [allow("s3:*")]}, without_full_access=(PROD,)))
    ((key, fold),) = impact.findings.items()
    assert (key.outcome, key.place.sid, key.place.policy, key.place.attached_to) == (
        Outcome.NEWLY_DENIED,
        None,
        None,
        PROD,
    )
    assert fold.calls == 1


def test_an_allow_list_that_opens():
    closed = Attached(scps={PROD: [allow("s3:*")]}, without_full_access=(PROD,))
    opened = Attached(scps={PROD: [allow("s3:*", "ec2:*")]}, without_full_access=(PROD,))
    assert outcome(look(**REFUSED), closed, opened) == "newly_allowed"
    assert outcome(get(), closed, opened) == "unchanged"


# Findings


def test_the_principal_is_the_role_and_sessions_are_listed_below():
    records = [
        record("ec2", "DescribeInstances", role(APP, "team/deep/r", name), eventTime=f"2026-09-0{day}T00:00:00Z")
        for day, name in ((3, "bob"), (1, "ada"), (2, "ada"))
    ]
    ((key, fold),) = replay(records, None, EVERYTHING).findings.items()
    assert key.principal == f"arn:aws:iam::{APP}:role/team/deep/r"
    assert key.account == APP
    assert fold.sessions.items() == [("ada", 2), ("bob", 1)]
    assert (fold.first_seen, fold.last_seen) == ("2026-09-01T00:00:00Z", "2026-09-03T00:00:00Z")
    assert fold.calls == 3


def test_roles_of_one_name_on_two_paths_are_two():
    records = [record("ec2", "DescribeInstances", role(APP, name)) for name in ("a/r", "b/r")]
    assert len(replay(records, None, EVERYTHING).findings) == 2


def test_objects_fold_to_their_bucket():
    impact = replay([get(key=f"deep/{number}") for number in range(3)], None, EVERYTHING)
    (finding,) = impact.findings.values()
    assert finding.resources.items() == [("arn:aws:s3:::bucket/*", 3)]


def test_lists_keep_the_smallest_and_say_that_they_were_cut():
    records = [
        record("ec2", "DescribeInstances", role(APP, "r", f"s{number:03}"), eventID=f"e{number:03}")
        for number in reversed(range(SAMPLES + 5))
    ]
    (finding,) = replay(records, None, EVERYTHING).findings.values()
    assert finding.calls == SAMPLES + 5
    assert [text for text, _ in finding.sessions.items()] == [f"s{number:03}" for number in range(SAMPLES)]
    assert [text for text, _ in finding.event_ids.items()] == [f"e{number:03}" for number in range(SAMPLES)]
    assert finding.sessions.truncated
    assert finding.event_ids.truncated
    assert not finding.regions.truncated


def test_regions_of_a_finding():
    (finding,) = replay([look(region=name) for name in ("eu-west-1", "us-east-1")], None, EVERYTHING).findings.values()
    assert finding.regions.items() == [("eu-west-1", 1), ("us-east-1", 1)]


def test_only_what_is_new_is_named():
    """A side that stays as undecided as it was is no news about a call that a new statement may deny."""
    old = Attached(rcps={ROOT: [rcp("Old", Condition={"StringNotEquals": {"aws:PrincipalTag/old": "x"}})]})
    new = Attached(scps={ROOT: [deny("New", Condition=UNTAGGED)]}, rcps=old.rcps)
    impact = replay([get(**REFUSED)], old, new)
    assert outcomes(impact) == {"already_denied": 1}
    assert sids(impact) == {"New"}
    assert keys(impact) == {"aws:principaltag/team"}


# Counting


def test_what_is_read_adds_up():
    records = [
        look(eventID="a"),
        look(eventID="a"),
        record("nonsense", "Nothing", role(APP, "r")),
        record("ec2", "Started", {"accountId": APP, "invokedBy": "AWS Internal"}, eventType="AwsServiceEvent"),
        {"eventVersion": "1.11", "eventType": "AwsCloudTrailInsight", "eventCategory": "Insight", "eventID": "i"},
        {"hello": "world"},
    ]
    impact = replay(records, None, EVERYTHING)
    assert (impact.read, impact.mapped, impact.unmapped, impact.duplicates) == (6, 1, 1, 1)
    assert dict(impact.skipped) == {"aws-service-event": 1, "cloudtrail-insight": 1, "not-cloudtrail": 1}
    assert [kind.event_name for kind in impact.unmapped_kinds] == ["Nothing"]
    assert sum(impact.outcomes.values()) == impact.mapped


def test_an_unmapped_call_is_never_called_safe():
    impact = replay([record("nonsense", "Nothing", role(APP, "r"))], None, EVERYTHING)
    assert outcomes(impact) == {}
    assert impact.unmapped == 1


def test_duplicates_in_other_files_and_any_order():
    files = [Memory([look(eventID="a"), look(eventID="b")]), Memory([look(eventID="b")]), Memory([look(eventID="a")])]
    for order in permutations(files):
        impact = replayer(None, EVERYTHING).run(list(order))
        assert (impact.read, impact.duplicates, impact.mapped) == (4, 2, 2)
        assert outcomes(impact) == {"newly_denied": 2}


def test_records_without_an_id_all_count():
    one = look()
    del one["eventID"]
    assert replay([one, one], None, EVERYTHING).mapped == 2


def test_the_two_copies_of_a_cross_account_call_count_once():
    mine = record(
        "sts", "AssumeRole", role(APP, "r"), parameters={"roleArn": f"arn:aws:iam::{LAB}:role/x"}, sharedEventID="s"
    )
    theirs = record(
        "sts", "AssumeRole", stranger(APP), parameters=mine["requestParameters"], recipient=LAB, sharedEventID="s"
    )
    for order in permutations([mine, theirs]):
        impact = replay(list(order), None, Attached(scps={PROD: [deny("Caller", "sts:*")]}))
        assert (impact.mapped, impact.duplicates) == (1, 1)
        assert sids(impact) == {"Caller"}
        ((key, _),) = impact.findings.items()
        assert key.principal == f"arn:aws:iam::{APP}:role/r"


def test_the_other_copy_tells_whose_the_resource_is():
    mine = get(owner=None, sharedEventID="s")
    theirs = get(owner=None, who=stranger(APP), recipient=LAB, sharedEventID="s")
    proposed = Attached(rcps={LABS: [rcp("Labs")]})
    assert outcome([mine, theirs], None, proposed) == "newly_denied"
    assert outcome(mine, None, proposed) == "possibly_newly_denied"


def test_files_are_counted_and_named():
    logs = [Memory([look()]), Memory(['{"awsAccountId": "1", "digestStartTime": "t", "logFiles": []}'], name="digest")]
    logs.append(Memory([look(eventID="x"), '{"cut": '], name="cut"))
    impact = replayer(None, None).run(logs)
    assert impact.files_read == 2
    assert dict(impact.files_skipped) == {"cloudtrail-digest": 1}
    assert {name for name, _ in impact.damaged} == {"cut"}


# Selection


def test_the_window():
    times = [f"2026-09-0{day}T00:00:00Z" for day in range(1, 5)]
    chosen = Selection(since=times[1], until=times[3])
    impact = replay([look(eventTime=time) for time in times], None, EVERYTHING, selection=chosen)
    assert impact.mapped == 2
    assert dict(impact.skipped) == {"outside-window": 2}
    assert (impact.first_time, impact.last_time) == (times[1], times[2])


def test_a_record_left_out_still_teaches():
    """The owner of a bucket, and which accounts are ours, are known from records outside the window too."""
    early = get(eventTime="2026-08-01T00:00:00Z", owner=LAB)
    late = get(eventTime="2026-09-01T00:00:00Z", owner=None)
    chosen = Selection(since="2026-09-01T00:00:00Z")
    impact = replay([early, late], None, Attached(rcps={LABS: [rcp()]}), selection=chosen)
    assert outcomes(impact) == {"newly_denied": 1}


@pytest.mark.parametrize(("account", "mapped"), [(APP, 2), (DATA, 1), (LAB, 0), (FOREIGN, 0)])
def test_accounts_are_callers_or_recipients(account, mapped):
    records = [look(), look(recipient=DATA, eventID="other")]
    impact = replay(records, None, EVERYTHING, selection=Selection(accounts=frozenset({account})))
    assert impact.mapped == mapped
    assert impact.skipped["other-account"] == 2 - mapped


def test_an_account_is_chosen_with_the_calls_on_its_resources():
    """The caller's copy counts, and it lies in the caller's log; the call concerns the owner all the same."""
    mine = get(owner=LAB, sharedEventID="s")
    theirs = get(owner=LAB, who=stranger(APP), recipient=LAB, sharedEventID="s")
    for account, mapped in ((LAB, 1), (APP, 1), (DATA, 0)):
        impact = replay([mine, theirs], None, EVERYTHING, selection=Selection(accounts=frozenset({account})))
        assert (impact.mapped, impact.duplicates, impact.skipped["other-account"]) == (mapped, 1, 1 - mapped)


def test_assumptions_fill_what_is_unknown_only():
    proposed = Attached(scps={ROOT: [deny(Condition=UNTAGGED)]})

    def under(**assume):
        assume = {name.replace("__", "/").replace("_", ":"): value for name, value in assume.items()}
        return outcome(look(), None, proposed, selection=Selection(assume=assume))

    assert under(aws_PrincipalTag__team="red") == "unchanged"
    assert under(AWS_PRINCIPALTAG__TEAM="blue") == "newly_denied"
    assert under(aws_PrincipalTag__other="red") == "possibly_newly_denied"
    region = Attached(scps={ROOT: [deny(Condition={"StringEquals": {"aws:RequestedRegion": "eu-central-1"}})]})
    chosen = Selection(assume={"aws:RequestedRegion": "us-east-1"})
    assert outcome(look(), None, region, selection=chosen) == "newly_denied"


def test_assumptions_settle_partly_known_keys_too():
    """`mfaAuthenticated: false` leaves "false" or absent; the user may know which."""
    proposed = Attached(scps={ROOT: [deny(Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})]})
    assert outcome(look(), None, proposed) == "possibly_newly_denied"
    chosen = Selection(assume={"aws:MultiFactorAuthPresent": "false"})
    assert outcome(look(), None, proposed, selection=chosen) == "newly_denied"


# Accounts


def test_an_account_missing_in_the_snapshot():
    impact = replay([look(NEW)], None, Attached(scps={EMPTY: [deny()]}))
    assert outcomes(impact) == {"possibly_newly_denied": 1}
    assert keys(impact) == {"principal"}
    assert impact.stale_accounts.items() == [(NEW, 1)]


def test_a_delivery_folder_proves_an_account_ours():
    theirs = get(who=stranger(NEW), owner=None, recipient=LAB)
    proposed = Attached(rcps={LABS: [rcp(Condition={"StringNotEquals": {"aws:PrincipalOrgID": OURS}})]})
    ours = Memory([], log_account=NEW, log_organization=OURS)
    others = Memory([], log_account=NEW, log_organization="o-other00001")
    known = get(who=stranger(APP), owner=LAB, recipient=LAB, eventID="owner")

    def under(*more):
        return replayer(None, proposed).run([Memory([theirs, known]), *more])

    assert outcomes(under()) == {"newly_denied": 1, "unchanged": 1}
    assert outcomes(under(others)) == {"newly_denied": 1, "unchanged": 1}
    assert outcomes(under(ours)) == {"possibly_newly_denied": 1, "unchanged": 1}


def test_folders_count_only_for_our_organization():
    facts = replayer().facts
    batches = [
        Memory([], log_account=NEW, log_organization=OURS),
        Memory([], log_account=LAB, log_organization=None),
        Memory([], log_account=FOREIGN, log_organization="o-other00001"),
        Memory([]),
    ]
    assert folder_accounts(facts, batches) == {NEW}


def test_a_moved_account_has_another_path_afterwards():
    path = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{OURS}/{ROOT}/{EMPTY}/*"}}
    everywhere = Attached(scps={ROOT: [deny(Condition=path)]})
    moved = organization(everywhere, lab_in=EMPTY)
    assert outcome(look(LAB), everywhere, moved) == "newly_denied"
    assert outcome(look(APP), everywhere, moved) == "unchanged"
    assert (
        outcome(look(LAB, **REFUSED), organization(everywhere, lab_in=EMPTY), organization(everywhere))
        == "newly_allowed"
    )


@pytest.mark.parametrize("target", ["Root", APP])
def test_without_a_snapshot_every_account_is_a_member(tmp_path, target):
    """The tree holds no account then, but what a policy attached to one asks for is read all the same."""
    policy = tmp_path / "office.json"
    policy.write_text(json.dumps(deny(Condition={"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}})))
    nobody = without_snapshot()
    proposed = apply(read_proposal(policy, PolicyType.SCP, (target,)), nobody)
    records = [
        look(account, sourceIPAddress=address) for account in (APP, LAB) for address in ("198.51.100.7", "192.0.2.7")
    ]
    impact = replay(records, nobody, proposed)
    assert outcomes(impact)["newly_denied"] == (2 if target == "Root" else 1)
    assert outcomes(impact)["unchanged"] == (2 if target == "Root" else 3)
    assert not impact.stale_accounts.items()


def test_a_finding_that_names_no_statement_is_still_counted():
    """Below a gap no statement is known that might deny: the outcome counts, and the finding names the place."""
    gap = {"incomplete": [{"what": "SERVICE_CONTROL_POLICY", "node": EMPTY}]}
    impact = replay([look(LAB)], organization(**gap), organization(lab_in=EMPTY, **gap))
    assert outcomes(impact) == {"possibly_newly_denied": 1}
    assert len(impact.findings) == 1
    assert keys(impact) == {"organization"}


# What a success proves, over whole calls


def test_a_standing_statement_that_the_log_cannot_settle_is_no_news():
    both = Attached(scps={ROOT: [deny(Condition=UNTAGGED)]})
    assert outcome(look(), both, both) == "unchanged"
    assert outcome(look(**REFUSED), both, both) == "unchanged"


def test_a_service_linked_role_is_exempt_and_its_look_alike_is_not():
    linked = record("ec2", "RunInstances", role(APP, "aws-service-role/x.amazonaws.com/AWSServiceRoleForX"))
    alike = record("ec2", "DescribeInstances", role(APP, "AWSServiceRoleForX"))
    assert outcome(linked, None, EVERYTHING) == "exempt"
    assert outcome(alike, None, EVERYTHING) == "newly_denied"


def test_a_session_whose_issuer_was_lost():
    who = role(APP, "AWSServiceRoleForX")
    del who["sessionContext"]
    impact = replay([record("ec2", "DescribeInstances", who)], None, EVERYTHING)
    assert outcomes(impact) == {"possibly_newly_denied": 1}
    assert keys(impact) == {"principal"}
    ordinary = role(APP, "Worker")
    del ordinary["sessionContext"]
    assert outcome(record("ec2", "DescribeInstances", ordinary), None, EVERYTHING) == "newly_denied"


def test_checks_that_aws_may_not_have_made_are_never_certain():
    """A console sign-in may be authorized as signin:Authenticate, or not at all."""
    login = record(
        "signin",
        "ConsoleLogin",
        root(APP, "ASIAROOT"),
        eventType="AwsConsoleSignIn",
        responseElements={"ConsoleLogin": "Success"},
    )
    impact = replay([login], None, Attached(scps={ROOT: [deny(action="signin:*")]}))
    assert outcomes(impact) == {"possibly_newly_denied": 1}
    assert "action" in keys(impact)
    assert outcome(login, Attached(scps={ROOT: [deny(action="signin:*")]}), None) == "unchanged"


def test_where_one_check_is_sure_possible_ones_make_no_finding():
    """Whether a bearer token was used the log does not tell, but the call itself was surely checked."""
    ask = record("bedrock", "InvokeModel", role(APP, "r"), parameters={"modelId": "anthropic.claude-x"})
    assert outcome(ask, None, Attached(scps={ROOT: [deny(action="bedrock:CallWithBearerToken")]})) == "unchanged"
    assert outcome(ask, None, Attached(scps={ROOT: [deny(action="bedrock:InvokeModel")]})) == "newly_denied"


def test_an_action_that_is_one_of_several():
    write = record("dynamodb", "TransactWriteItems", role(APP, "r"), parameters={"transactItems": []}, recipient=APP)
    impact = replay([write], None, Attached(scps={ROOT: [deny(action="dynamodb:PutItem")]}))
    assert outcomes(impact) == {"possibly_newly_denied": 1}
    assert "action" in keys(impact)
    assert outcome(write, None, Attached(scps={ROOT: [deny(action="dynamodb:GetItem")]})) == "unchanged"


def test_actions_of_findings_are_those_of_the_checks():
    upload = record(
        "s3", "CreateMultipartUpload", role(APP, "r"), parameters={"bucketName": "bucket", "key": "k"}, recipient=APP
    )
    assert actions(replay([upload], None, EVERYTHING)) == {"s3:PutObject"}


def test_services_are_beyond_scps_but_not_beyond_rcps():
    put = get(name="PutObject", who=service("cloudtrail.amazonaws.com"), recipient=APP)
    assert outcome(put, None, EVERYTHING) == "unchanged"
    assert outcome(put, None, Attached(rcps={ROOT: [rcp()]})) == "newly_denied"
    except_services = {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    assert outcome(put, None, Attached(rcps={ROOT: [rcp(Condition=except_services)]})) == "unchanged"
