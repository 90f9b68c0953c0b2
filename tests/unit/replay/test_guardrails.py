"""Both versions side by side: what a passed call proves, moved accounts, accounts that cannot be placed, gaps."""

from dataclasses import replace

import pytest

from simulator.decision.request import UNKNOWN, Principal, PrincipalKind, Request, principal_from_arn
from simulator.decision.verdict import Decision
from simulator.organization.snapshot import facts
from simulator.replay.guardrails import INCOMPLETE_SNAPSHOT, GuardrailPair
from tests.unit.replay.world import (
    APP,
    CATALOG,
    DATA,
    EMPTY,
    FOREIGN,
    LAB,
    LABS,
    MANAGEMENT,
    NEW,
    PROD,
    ROOT,
    WORK,
    Attached,
    allow,
    deny,
    organization,
    rcp,
)

UNTAGGED = {"StringNotEquals": {"aws:PrincipalTag/team": "red"}}
TAG = "aws:principaltag/team"


def role(account=APP, name="app/r"):
    return principal_from_arn(f"arn:aws:iam::{account}:role/{name}")


def request(principal=None, action="s3:GetObject", owner=APP, **context):
    keys = {name.replace("_", ":").lower(): value for name, value in context.items()}
    return Request(principal or role(), action, "arn:aws:s3:::bucket/key", owner, keys)


def tagged(value, **more):
    made = request(**more)
    return Request(made.principal, made.action, made.resource, made.resource_account, {**made.context, TAG: value})


def pair(current=None, proposed=None, **changes):
    return GuardrailPair(organization(current, **changes), organization(proposed, **changes), CATALOG)


def judge(guardrails, asked, *, passed=True, stale=()):
    known = replace(facts(guardrails.current), stale_accounts=frozenset(stale))
    return guardrails.judge(asked, asked, known, passed=passed)


def said(answer):
    """The two sides, short: `-` where a side does not apply."""
    letters = {Decision.ALLOWED: "A", Decision.DENIED: "D", Decision.UNDECIDED: "U"}
    return "".join("-" if not side.applies else letters[side.decision] for side in answer)


# Placed accounts


def test_a_policy_counts_for_the_accounts_below_its_node():
    guardrails = pair(None, Attached(scps={WORK: [deny()]}))
    assert [said(each) for each in judge(guardrails, request())] == ["AA", "DA"]
    assert [said(each) for each in judge(guardrails, request(role(LAB)))] == ["AA", "AA"]


def test_scps_follow_the_caller_and_rcps_the_owner():
    guardrails = pair(None, Attached(scps={PROD: [deny()]}, rcps={LABS: [rcp()]}))
    now, then = judge(guardrails, request(role(LAB), owner=APP))
    assert said(then) == "AA"
    now, then = judge(guardrails, request(role(APP), owner=LAB))
    assert said(then) == "DD"
    assert said(now) == "AA"


@pytest.mark.parametrize(
    ("principal", "owner", "sides"),
    [
        (role(MANAGEMENT), APP, "-D"),
        (role(MANAGEMENT), MANAGEMENT, "--"),
        (role(APP), MANAGEMENT, "D-"),
        (role(FOREIGN), APP, "-D"),
        (role(APP), FOREIGN, "D-"),
        (role(FOREIGN), FOREIGN, "--"),
        (role(APP), None, "D-"),
        (Principal(PrincipalKind.AWS_SERVICE, name="lambda.amazonaws.com"), APP, "-D"),
        (Principal(PrincipalKind.ANONYMOUS), APP, "-D"),
        (Principal(PrincipalKind.FEDERATED, name="saml"), APP, "-D"),
        (role(APP, "aws-service-role/x.amazonaws.com/AWSServiceRoleForX"), APP, "--"),
    ],
)
def test_whom_no_guardrail_reaches(principal, owner, sides):
    guardrails = pair(None, Attached(scps={ROOT: [deny()]}, rcps={ROOT: [rcp()]}))
    now, then = judge(guardrails, request(principal, owner=owner))
    assert said(then) == sides
    assert (now.exempt and then.exempt) == (sides == "--")


def test_exemptions_say_why():
    guardrails = pair(None, Attached(scps={ROOT: [deny()]}))
    _, then = judge(guardrails, request(role(MANAGEMENT), owner=FOREIGN))
    assert (then.scp.reason, then.rcp.reason) == ("management-account", "foreign-resource")


def test_a_delegated_administrator_is_a_member_like_any_other():
    guardrails = pair(None, Attached(scps={ROOT: [deny()]}), delegated_administrators=[{"account": APP}])
    assert said(judge(guardrails, request())[1]) == "DA"


def test_a_type_that_is_off_governs_nothing():
    off = {"policy_types": ["SERVICE_CONTROL_POLICY"]}
    guardrails = pair(None, Attached(rcps={ROOT: [rcp()]}), **off)
    assert said(judge(guardrails, request())[1]) == "A-"


def test_the_statement_is_named_with_policy_and_place():
    guardrails = pair(None, Attached(scps={WORK: [deny("Stop", "s3:*")]}))
    _, then = judge(guardrails, request())
    (place,) = then.scp.by
    assert (place.sid, place.policy, place.attached_to, place.level, place.statement) == (
        "Stop",
        "service-Stop",
        WORK,
        1,
        0,
    )
    assert place.file == "organization.json"
    assert place.line == 1
    assert "s3:*" in place.text


def test_an_implicit_deny_names_the_level_alone():
    proposed = Attached(scps={PROD: [allow("ec2:*")]}, without_full_access=(PROD,))
    _, then = judge(pair(None, proposed), request())
    (place,) = then.scp.by
    assert (place.policy, place.sid, place.statement, place.attached_to, place.level) == (None, None, None, PROD, 2)


# What a passed call proves


def test_a_success_proves_that_a_standing_statement_did_not_match():
    both = Attached(scps={ROOT: [deny(Condition=UNTAGGED)]})
    now, then = judge(pair(both, both), tagged(UNKNOWN))
    assert (said(now), said(then)) == ("UA", "AA")
    now, then = judge(pair(both, both), tagged(UNKNOWN), passed=False)
    assert (said(now), said(then)) == ("UA", "UA")
    assert not then.scp.fresh


def test_a_standing_statement_is_known_by_its_content():
    """Renamed, moved to another level or into another policy: what it says was proved all the same."""
    statement = deny("Old", Condition=UNTAGGED)["Statement"][0]
    moved = {"Version": "2012-10-17", "Statement": [deny("Other", "iam:CreateUser")["Statement"][0], statement]}
    guardrails = pair(Attached(scps={ROOT: [deny("Old", Condition=UNTAGGED)]}), Attached(scps={PROD: [moved]}))
    assert said(judge(guardrails, tagged(UNKNOWN))[1]) == "AA"


def test_a_new_statement_stays_open():
    guardrails = pair(None, Attached(scps={ROOT: [deny(Condition=UNTAGGED)]}))
    _, then = judge(guardrails, tagged(UNKNOWN))
    assert said(then) == "UA"
    assert then.scp.fresh
    assert then.scp.keys == (TAG,)


def test_what_is_proved_does_not_settle_another_statement():
    """Not red is not proved by a statement about green callers."""
    now = Attached(scps={ROOT: [deny("Old", Condition={"StringEquals": {"aws:PrincipalTag/team": "green"}})]})
    old = now.scps[ROOT][0]
    guardrails = pair(now, Attached(scps={ROOT: [old, deny("New", Condition=UNTAGGED)]}))
    _, then = judge(guardrails, tagged(UNKNOWN))
    assert said(then) == "UA"
    assert {place.sid for place in then.scp.by} == {"New"}


def test_a_failed_call_is_news_only_if_a_new_statement_may_deny_it():
    old = deny("Old", Condition=UNTAGGED)
    new = deny("New", Condition={"StringEquals": {"aws:PrincipalTag/team": "green"}})
    for proposed, fresh in (([old], False), ([old, new], True), ([new], True)):
        guardrails = pair(Attached(scps={ROOT: [old]}), Attached(scps={ROOT: proposed}))
        _, then = judge(guardrails, tagged(UNKNOWN), passed=False)
        assert (said(then), then.scp.fresh) == ("UA", fresh)


def test_a_standing_statement_that_surely_denies_denies_in_both():
    both = Attached(scps={ROOT: [deny()]})
    now, then = judge(pair(both, both), request())
    assert (said(now), said(then)) == ("DA", "DA")


def test_an_unknown_tag_of_a_standing_statement_beside_a_new_denial():
    old = deny("Old", Condition=UNTAGGED)
    guardrails = pair(Attached(scps={ROOT: [old]}), Attached(scps={ROOT: [old, deny("New", "s3:*")]}))
    _, then = judge(guardrails, tagged(UNKNOWN))
    assert said(then) == "DA"
    assert {place.sid for place in then.scp.by} == {"New"}


def test_a_role_that_may_be_service_linked_and_passed_a_sure_denial_is():
    session = principal_from_arn(f"arn:aws:sts::{APP}:assumed-role/AWSServiceRoleForX/s")
    both = Attached(scps={ROOT: [deny("Old")]})
    new = Attached(scps={ROOT: [deny("Old"), deny("New", "s3:*")]})
    assert session.service_linked is UNKNOWN
    now, then = judge(pair(both, new), request(session))
    assert (said(now), said(then)) == ("UA", "AA")
    # Without that proof it stays open.
    now, then = judge(pair(None, new), request(session))
    assert said(then) == "UA"
    assert then.scp.fresh
    assert "principal" in then.scp.keys


# Moved accounts


def moved(current=None, proposed=None):
    return GuardrailPair(organization(current), organization(proposed, lab_in=EMPTY), CATALOG)


def test_a_moved_account_leaves_its_old_guardrails_and_meets_the_new():
    attached = Attached(scps={LABS: [deny("Labs", "s3:*")], EMPTY: [deny("Empty", "ec2:*")]})
    guardrails = moved(attached, attached)
    now, then = judge(guardrails, request(role(LAB)))
    assert (said(now), said(then)) == ("DA", "AA")
    now, then = judge(guardrails, request(role(LAB), action="ec2:RunInstances"))
    assert (said(now), said(then)) == ("A-", "D-")
    assert then.scp.by[0].attached_to == EMPTY


def test_a_moved_account_takes_its_resources_along():
    attached = Attached(rcps={EMPTY: [rcp("Empty")]})
    now, then = judge(moved(attached, attached), request(owner=LAB))
    assert (said(now), said(then)) == ("AA", "AD")


# Accounts that cannot be placed


def test_a_missing_account_may_stand_in_any_unit():
    guardrails = pair(None, Attached(scps={LABS: [deny()]}))
    _, then = judge(guardrails, request(role(NEW)), stale=[NEW])
    assert said(then) == "UA"
    assert then.scp.fresh
    assert then.scp.keys == ("principal",)
    assert {place.attached_to for place in then.scp.by} == {LABS}


def test_a_missing_account_may_stand_in_a_unit_without_accounts():
    guardrails = pair(None, Attached(scps={EMPTY: [deny()]}))
    assert said(judge(guardrails, request(role(NEW)), stale=[NEW])[1]) == "UA"
    # A member does not.
    assert said(judge(guardrails, request(role(APP)), stale=[NEW])[1]) == "AA"


def test_what_every_chain_denies_is_still_open_for_a_missing_account():
    """Where the account stands is not known, so nothing is certain, not even that it is no management account."""
    guardrails = pair(None, Attached(scps={ROOT: [deny()]}))
    assert said(judge(guardrails, request(role(NEW)), stale=[NEW])[1]) == "UA"


def test_a_missing_account_is_not_one_of_the_members():
    """What is attached to member accounts, and where the proposal moves them, does not concern it."""
    guardrails = pair(None, Attached(scps={APP: [deny()]}))
    assert said(judge(guardrails, request(role(NEW)), stale=[NEW])[1]) == "AA"
    suspended = Attached(scps={EMPTY: [deny()]})
    assert said(judge(moved(suspended, suspended), request(role(NEW)), stale=[NEW])[1]) == "AA"


def test_a_success_shows_where_a_missing_account_is_not():
    guardrails = pair(Attached(scps={LABS: [deny("Old")]}), Attached(scps={LABS: [deny("Old"), deny("New", "s3:*")]}))
    assert said(judge(guardrails, request(role(NEW)), stale=[NEW])[1]) == "AA"
    now, then = judge(guardrails, request(role(NEW)), stale=[NEW], passed=False)
    assert (said(now), said(then)) == ("UA", "UA")


def test_a_foreign_account_is_beyond_scps():
    guardrails = pair(None, Attached(scps={ROOT: [deny()]}))
    assert said(judge(guardrails, request(role(NEW)))[1]) == "-A"


def test_an_unknown_owner_may_be_anybody():
    guardrails = pair(None, Attached(rcps={LABS: [rcp("Labs")], DATA: [rcp("Data")]}))
    _, then = judge(guardrails, request(owner=UNKNOWN))
    assert said(then) == "AU"
    assert then.rcp.fresh
    assert then.rcp.keys == ("resource_account",)
    assert {place.sid for place in then.rcp.by} == {"Labs", "Data"}


def test_an_unknown_owner_that_no_rcp_would_deny_is_no_question():
    guardrails = pair(None, Attached(rcps={LABS: [rcp("Labs", "sqs:*")]}))
    assert said(judge(guardrails, request(owner=UNKNOWN))[1]) == "AA"


def test_an_unknown_owner_names_the_keys_of_the_statement_too():
    guardrails = pair(None, Attached(rcps={LABS: [rcp(Condition=UNTAGGED)]}))
    _, then = judge(guardrails, tagged(UNKNOWN, owner=UNKNOWN))
    assert then.rcp.keys == (TAG, "resource_account")


def test_an_unknown_owner_may_be_a_missing_account():
    guardrails = pair(None, Attached(rcps={EMPTY: [rcp()]}))
    assert said(judge(guardrails, request(owner=UNKNOWN))[1]) == "AA"
    assert said(judge(guardrails, request(owner=UNKNOWN), stale=[NEW])[1]) == "AU"


def test_an_unknown_owner_outside_rcp_support_is_exempt():
    guardrails = pair(None, Attached(rcps={ROOT: [rcp()]}))
    _, then = judge(guardrails, request(action="lambda:InvokeFunction", owner=UNKNOWN))
    assert said(then) == "A-"


def test_an_unknown_caller_may_be_anybody():
    guardrails = pair(None, Attached(scps={LABS: [deny("Labs")]}))
    _, then = judge(guardrails, request(Principal(PrincipalKind.UNKNOWN)))
    assert said(then) == "UA"
    assert "principal" in then.scp.keys


# Gaps in the snapshot


def gap(node, what="SERVICE_CONTROL_POLICY"):
    return {"incomplete": [{"what": what, "node": node}]}


def test_what_the_snapshot_lacks_leaves_a_failed_call_open():
    guardrails = pair(None, None, **gap(PROD))
    now, then = judge(guardrails, request(), passed=False)
    assert (said(now), said(then)) == ("UA", "UA")
    assert then.scp.keys == (INCOMPLETE_SNAPSHOT,)
    assert not then.scp.fresh


def test_what_the_snapshot_lacks_did_not_deny_a_call_that_passed():
    guardrails = pair(None, None, **gap(PROD))
    now, then = judge(guardrails, request())
    assert (said(now), said(then)) == ("AA", "AA")


def test_a_new_denial_is_sure_in_spite_of_gaps():
    guardrails = pair(None, Attached(scps={WORK: [deny()]}), **gap(PROD))
    assert said(judge(guardrails, request())[1]) == "DA"
    assert said(judge(guardrails, request(), passed=False)[1]) == "DA"


def test_an_allow_that_the_snapshot_may_lack():
    proposed = Attached(scps={PROD: [allow("ec2:*")]}, without_full_access=(PROD,))
    guardrails = pair(None, proposed, **gap(PROD))
    _, then = judge(guardrails, request(), passed=False)
    assert said(then) == "UA"
    assert INCOMPLETE_SNAPSHOT in then.scp.keys


def test_a_success_proves_an_allow_that_the_snapshot_lacks():
    listed = Attached(scps={PROD: [allow("ec2:*")]}, without_full_access=(PROD,))
    guardrails = pair(listed, listed, **gap(PROD))
    now, then = judge(guardrails, request())
    assert (said(now), said(then)) == ("AA", "AA")


def test_a_success_proves_no_allow_where_a_known_one_goes():
    """FullAWSAccess let the call through so far; whether something that the snapshot lacks does is not known."""
    listed = Attached(scps={PROD: [allow("ec2:*")]}, without_full_access=(PROD,))
    now, then = judge(pair(None, listed, **gap(PROD)), request())
    assert (said(now), said(then)) == ("AA", "UA")
    assert then.scp.fresh
    assert then.scp.keys == (INCOMPLETE_SNAPSHOT,)
    assert [place.attached_to for place in then.scp.by] == [PROD]


def test_a_level_that_lost_its_only_allow_elsewhere_is_a_sure_denial():
    proposed = Attached(scps={WORK: [allow("ec2:*")]}, without_full_access=(WORK,))
    guardrails = pair(None, proposed, **gap(PROD))
    assert said(judge(guardrails, request())[1]) == "DA"
    assert said(judge(guardrails, request(), passed=False)[1]) == "DA"


def test_gaps_of_the_other_type_do_not_matter():
    guardrails = pair(None, None, **gap(PROD, "RESOURCE_CONTROL_POLICY"))
    now, then = judge(guardrails, request(owner=LAB), passed=False)
    assert (said(now), said(then)) == ("AA", "AA")


def test_an_account_that_moves_below_a_gap():
    """What is attached there has never been asked about this account's calls."""
    guardrails = GuardrailPair(organization(**gap(EMPTY)), organization(lab_in=EMPTY, **gap(EMPTY)), CATALOG)
    now, then = judge(guardrails, request(role(LAB), owner=APP))
    assert (said(now), said(then)) == ("AA", "UA")
    assert then.scp.fresh
    assert then.scp.keys == (INCOMPLETE_SNAPSHOT,)
    # Below the root's gap it stays where it was.
    guardrails = GuardrailPair(organization(**gap(ROOT)), organization(lab_in=EMPTY, **gap(ROOT)), CATALOG)
    assert said(judge(guardrails, request(role(LAB), owner=APP))[1]) == "AA"


def test_accounts_may_be_missing_where_children_are():
    guardrails = pair(None, Attached(scps={LABS: [deny()]}), **gap(WORK, "children"))
    assert said(judge(guardrails, request(role(NEW)))[1]) == "UA"


# Keys


def test_keys_of_every_policy_of_either_version_are_wanted():
    def about(key):
        return deny(Condition={"StringEquals": {key: "x"}})

    current = Attached(scps={ROOT: [about("aws:One")], EMPTY: [about("aws:Two")], MANAGEMENT: [about("aws:Three")]})
    proposed = Attached(scps={LAB: [about("aws:Four")]}, rcps={EMPTY: [rcp(Condition={"Null": {"aws:Five": "true"}})]})
    wanted = pair(current, proposed).keys()
    assert {"aws:one", "aws:two", "aws:four", "aws:five"} <= wanted


def test_variables_are_wanted_too():
    statement = deny(Condition={"StringNotEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}})
    assert {"aws:resourceorgid", "aws:principalorgid"} <= pair(None, Attached(scps={ROOT: [statement]})).keys()
