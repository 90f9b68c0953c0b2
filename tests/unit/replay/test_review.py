"""Base and head over a log that was made under a third organization: what is proved, and what changes between them."""

import pytest

from simulator.replay.outcome import Outcome
from simulator.replay.replayer import OTHER_POLICIES, Question, Replayer
from tests.replay_tools import Memory, record, role
from tests.unit.replay.world import (
    APP,
    CATALOG,
    EMPTY,
    LAB,
    LABS,
    NEW,
    PROD,
    ROOT,
    WORK,
    Attached,
    allow,
    deny,
    keys,
    organization,
    outcomes,
    rcp,
    sids,
)

REFUSED = {"errorCode": "AccessDenied"}
UNTAGGED = {"StringNotEquals": {"aws:PrincipalTag/team": "red"}}
GREEN = {"StringEquals": {"aws:PrincipalTag/team": "green"}}


def org(attached):
    """`Attached`, or such with the unit that the account `lab` is in."""
    attached, lab_in = attached if isinstance(attached, tuple) else (attached, LABS)
    return organization(attached, lab_in=lab_in)


def review(today, base, head, *records):
    """The impact between two versions of a log made under a third."""
    asked = Question(org(base), org(head), logged_under=org(today))
    return Replayer(asked, CATALOG).run([Memory(records)])


def look(account=APP, **more):
    return record("ec2", "DescribeInstances", role(account, "app/r"), **more)


NOTHING = Attached()
SURE = Attached(scps={ROOT: [deny("Sure", "ec2:*")]})
OPEN = Attached(scps={ROOT: [deny("Open", "ec2:*", Condition=UNTAGGED)]})
BOTH = Attached(scps={ROOT: [deny("Open", "ec2:*", Condition=UNTAGGED), deny("Sure", "ec2:*")]})
OTHER = Attached(scps={ROOT: [deny("Other", "ec2:*", Condition=GREEN)]})
LOWER = Attached(scps={PROD: [deny("Renamed", "ec2:*", Condition=UNTAGGED)]})
LIST = Attached(scps={PROD: [allow("s3:*")]}, without_full_access=(PROD,))

CASES = {
    "a sure denial that only head has": (NOTHING, NOTHING, SURE, {}, "newly_denied"),
    "a sure denial that only base has": (NOTHING, SURE, NOTHING, {}, "newly_allowed"),
    "a sure denial in both": (NOTHING, SURE, SURE, {}, "unchanged"),
    "a sure denial, moved within the chain": (
        NOTHING,
        SURE,
        Attached(scps={PROD: [deny("Sure", "ec2:*")]}),
        {},
        "unchanged",
    ),
    "a missing Allow": (NOTHING, NOTHING, LIST, {}, "newly_denied"),
    "a success under today's statement settles it in base and head": (OPEN, NOTHING, OPEN, {}, "unchanged"),
    "a success under base is no success under today": (NOTHING, OPEN, OPEN, {}, "unchanged"),
    "what base leaves open is not proved by the log": (NOTHING, OPEN, SURE, {}, "possibly_newly_denied"),
    "beside an open statement of base, a sure one of head": (NOTHING, OPEN, BOTH, {}, "possibly_newly_denied"),
    "an open statement that only head has": (NOTHING, NOTHING, OPEN, {}, "possibly_newly_denied"),
    "an open statement instead of another": (NOTHING, OTHER, OPEN, {}, "possibly_newly_denied"),
    "an open statement under another name and level": (NOTHING, OPEN, LOWER, {}, "unchanged"),
    "an open statement that stands today already": (OPEN, OTHER, OPEN, {}, "unchanged"),
    "from denied to open is not sure to be better": (NOTHING, SURE, OPEN, {}, "unchanged"),
    "a failed call fails anyway": (NOTHING, NOTHING, SURE, REFUSED, "already_denied"),
    "a failed call that today denies, and base would let pass": (
        SURE,
        NOTHING,
        SURE,
        REFUSED,
        "possibly_newly_denied",
    ),
    "a failed call that today may deny, and base would let pass": (
        OPEN,
        NOTHING,
        SURE,
        REFUSED,
        "possibly_newly_denied",
    ),
    "a failed call that today and base may deny": (OPEN, OPEN, SURE, REFUSED, "already_denied"),
    "a failed call that base denies and head does not": (SURE, SURE, NOTHING, REFUSED, "newly_allowed"),
    "a call without credentials": (SURE, NOTHING, SURE, {"errorCode": "InvalidClientTokenId"}, "unchanged"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_changes_between_base_and_head(case):
    today, base, head, more, wanted = CASES[case]
    assert outcomes(review(today, base, head, look(**more))) == {wanted: 1}


def test_what_keeps_base_open_would_settle_it():
    impact = review(NOTHING, OPEN, SURE, look())
    assert keys(impact) == {"aws:principaltag/team"}
    assert sids(impact) == {"Sure"}


def test_a_failed_call_that_today_denies_is_settled_by_other_policies():
    assert keys(review(SURE, NOTHING, SURE, look(**REFUSED))) == {OTHER_POLICIES}


def test_an_allow_that_may_match_in_base_only():
    """Fewer Allow statements: head may deny where base does not, although all of them stand in base too."""
    red = allow("ec2:*")
    red["Statement"][0]["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    blue = allow("ec2:*")
    blue["Statement"][0]["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
    either = Attached(scps={PROD: [red, blue]}, without_full_access=(PROD,))
    only = Attached(scps={PROD: [red]}, without_full_access=(PROD,))
    assert outcomes(review(NOTHING, either, only, look())) == {"possibly_newly_denied": 1}
    assert outcomes(review(NOTHING, only, either, look())) == {"unchanged": 1}


def test_drift_is_measured_against_the_organization_of_the_log():
    assert review(SURE, NOTHING, NOTHING, look()).drift == 1
    assert review(NOTHING, SURE, SURE, look()).drift == 0


def test_an_account_that_only_head_moves():
    attached = Attached(scps={EMPTY: [deny("Empty")]})
    impact = review(attached, attached, (attached, EMPTY), look(LAB))
    assert outcomes(impact) == {"newly_denied": 1}
    back = review(attached, (attached, EMPTY), attached, look(LAB))
    assert outcomes(back) == {"newly_allowed": 1}


def test_an_account_that_moves_has_another_path():
    path = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"*/{EMPTY}/*"}}
    attached = Attached(scps={ROOT: [deny("Path", Condition=path)]})
    assert outcomes(review(attached, attached, (attached, EMPTY), look(LAB))) == {"newly_denied": 1}
    assert outcomes(review(attached, (attached, EMPTY), (attached, EMPTY), look(LAB))) == {"unchanged": 1}


def stale(**more):
    """A call within an account that the snapshot lacks."""
    return look(NEW, recipient=NEW, **more)


@pytest.mark.parametrize(
    ("today", "base", "head", "wanted"),
    [
        (NOTHING, NOTHING, Attached(scps={LABS: [deny()]}), "possibly_newly_denied"),
        (NOTHING, Attached(scps={LABS: [deny()]}), Attached(scps={LABS: [deny()]}), "unchanged"),
        # Wherever it stands, base denies what head does.
        (NOTHING, Attached(scps={ROOT: [deny()]}), Attached(scps={LABS: [deny()]}), "unchanged"),
        (NOTHING, Attached(scps={LABS: [deny()]}), Attached(scps={WORK: [deny()]}), "possibly_newly_denied"),
        # It passed today's guardrails, so it is not below Labs.
        (Attached(scps={LABS: [deny("Old")]}), NOTHING, Attached(scps={LABS: [deny("New")]}), "unchanged"),
    ],
)
def test_an_account_that_cannot_be_placed(today, base, head, wanted):
    assert outcomes(review(today, base, head, stale())) == {wanted: 1}


def test_rcps_are_compared_as_well():
    get = record(
        "s3",
        "GetObject",
        role(LAB, "lab"),
        parameters={"bucketName": "app", "key": "k"},
        resources=[
            {"ARN": "arn:aws:s3:::app/k", "type": "AWS::S3::Object"},
            {"ARN": "arn:aws:s3:::app", "accountId": APP, "type": "AWS::S3::Bucket"},
        ],
    )
    head = Attached(rcps={WORK: [rcp("Shut")]})
    impact = review(NOTHING, NOTHING, head, get)
    assert (outcomes(impact), sids(impact, Outcome.NEWLY_DENIED.value)) == ({"newly_denied": 1}, {"Shut"})


def test_a_review_of_one_version_is_a_replay_of_no_change():
    assert outcomes(review(BOTH, BOTH, BOTH, look(), look(LAB, **REFUSED))) == {"unchanged": 2}
