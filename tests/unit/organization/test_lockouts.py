"""Lock-outs, decided by the real decision core: what is caught whatever the circumstances, and what is not."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.decision.evaluator import Evaluator
from simulator.decision.program import Program
from simulator.decision.request import UNKNOWN
from simulator.decision.verdict import Decision
from simulator.iam.catalog import Catalog
from simulator.organization import lockouts as lockouts_module
from simulator.organization.guardrails import levels
from simulator.organization.lockouts import LOCKOUT_ROLES, NoAllow, ProbeContext, RoleLockout, lockouts, probes
from simulator.organization.proposal import Detachment, Move, Proposal, apply
from simulator.organization.tree import FULL_ACCESS, FULL_ACCESS_POLICIES, Gap, Policy, without_snapshot
from simulator.replay.lockout_probe import LockoutProbe
from tests.unit.organization.small import (
    BANK,
    LOOSE,
    MANAGEMENT,
    RCP,
    SCP,
    SHOP,
    TEST,
    deny,
    document,
    organization,
    rcp,
)
from tests.unit.organization.test_proposal import at, policy

CATALOG = Catalog()
EVALUATOR = Evaluator(CATALOG)
ROLES = {
    "AWSControlTowerExecution",
    "stacksets-exec-*",
    "AWSCloudFormationStackSetExecutionRole",
    "OrganizationAccountAccessRole",
}


def decide(org, request):
    """The wiring of the command line in small."""
    programs = {}
    for side, account in ((SCP, request.principal.account), (RCP, request.resource_account)):
        found = levels(org, account, side) if account != org.management_account else ()
        programs[side] = Program(side, tuple(level.documents for level in found), CATALOG) if found else None
    verdict = EVALUATOR.evaluate(request, programs[SCP], programs[RCP])
    if verdict.decision is not Decision.DENIED:
        return None
    return tuple(ref.sid or f"level {ref.level}" for ref in verdict.by)


def found(*policies, moves=(), detach=(), org=None):
    current = org or organization()
    proposed = apply(Proposal(tuple(policies), moves=tuple(moves), detachments=tuple(detach)), current)
    return lockouts(current, proposed, decide)


def roles_of(rows, entering=False):
    return {row.role for row in rows if isinstance(row, RoleLockout) and row.entering is entering}


def test_the_roles_are_those_that_people_lock_out():
    assert {role.name for role in LOCKOUT_ROLES} == ROLES
    assert all(role.purpose and role.needs for role in LOCKOUT_ROLES)


def test_nothing_changes_nothing():
    assert found() == ()


def test_a_narrow_deny_locks_nobody_out():
    assert found(policy(attach=["Root"], value=deny(["s3:DeleteBucket", "organizations:LeaveOrganization"]))) == ()


def test_denying_everything_catches_every_role():
    rows = found(policy(attach=["Workloads"], value=deny("*", sid="Stop")))
    assert roles_of(rows) == ROLES
    assert {row.accounts for row in rows} == {(SHOP, BANK)}
    assert {row.by for row in rows} == {("Stop",)}
    assert "iam:CreateRole" in rows[0].actions
    assert "2 accounts" in str(rows[0])
    assert "Stop" in str(rows[0])


def test_exempt_roles_are_not_caught():
    exempt = {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/stacksets-exec-*", "arn:aws:iam::*:role/AWS*"]}}
    rows = found(policy(attach=["Labs"], value=deny("iam:*", Condition=exempt)))
    assert roles_of(rows) == {"OrganizationAccountAccessRole"}
    assert {row.accounts for row in rows} == {(TEST,)}


@pytest.mark.parametrize(
    "condition",
    [
        {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
        {"StringNotEquals": {"aws:PrincipalTag/team": "platform"}},
        {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    ],
)
def test_a_deny_that_hangs_on_the_circumstances_is_no_lockout(condition):
    assert found(policy(attach=["Root"], value=deny("*", Condition=condition))) == ()


def test_a_deny_for_some_resources_is_no_lockout():
    value = deny("iam:*")
    value["Statement"][0]["Resource"] = "arn:aws:iam::*:role/break-glass"
    assert found(policy(attach=["Root"], value=value)) == ()


def test_a_deny_without_mfa_catches_those_who_have_none():
    no_mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    rows = found(policy(attach=["Labs"], value=deny("*", Condition=no_mfa)))
    assert roles_of(rows) == ROLES - {"OrganizationAccountAccessRole"}


def test_an_allow_list_that_leaves_out_cloudformation():
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    rows = found(policy(replaces="FullAWSAccess", attach=["Labs"], value=allow))
    assert roles_of(rows) == ROLES
    assert not any(isinstance(row, NoAllow) for row in rows)


def test_a_node_left_without_any_allow():
    rows = found(policy(attach=["Workloads"]), detach=[Detachment(at("FullAWSAccess"), (at("Workloads"),))])
    assert rows[0] == NoAllow("ou-a1b2-work", "Workloads", (SHOP, BANK))
    assert "without any Allow" in str(rows[0])
    assert roles_of(rows) == ROLES


def test_without_a_snapshot_the_root_can_be_left_without_an_allow():
    rows = found(policy(replaces="FullAWSAccess", attach=["Root"]), org=without_snapshot())
    assert [row.node for row in rows] == ["r-assumed"]


def test_what_is_locked_out_already_is_not_reported():
    first = apply(Proposal((policy("a", attach=["Labs"], value=deny("*")),)), organization())
    second = apply(Proposal((policy("b", attach=["Labs"], value=deny("*")),)), first)
    assert lockouts(first, second, decide) == ()


def test_moving_an_account_can_lock_it_out():
    first = apply(Proposal((policy("a", attach=["Labs"], value=deny("iam:*")),)), organization())
    second = apply(Proposal(moves=(Move(at("loose"), at("Labs")),)), first)
    rows = lockouts(first, second, decide)
    assert roles_of(rows) == ROLES
    assert {row.accounts for row in rows} == {(LOOSE,)}


def test_an_rcp_that_keeps_administrators_out():
    rows = found(policy(kind=RCP, attach=["Labs"], value=rcp("sts:AssumeRole")))
    assert roles_of(rows, entering=True) == ROLES - {"stacksets-exec-*"}
    assert "can no longer be assumed" in str(next(row for row in rows if row.entering))


def test_an_rcp_for_our_organization_only_lets_administrators_in():
    foreign = {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-smallorg01"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    assert found(policy(kind=RCP, attach=["Root"], value=rcp("sts:AssumeRole", Condition=foreign))) == ()


def test_an_rcp_for_another_organization_is_caught():
    foreign = {"StringNotEquals": {"aws:PrincipalOrgID": "o-someother1"}}
    rows = found(policy(kind=RCP, attach=["Root"], value=rcp("sts:AssumeRole", Condition=foreign)))
    assert roles_of(rows, entering=True) == ROLES - {"stacksets-exec-*"}


def test_the_management_account_is_never_probed():
    rows = found(policy(attach=["Root"], value=deny("*")))
    assert all(MANAGEMENT not in row.accounts for row in rows)
    assert {SHOP, BANK, TEST, LOOSE} == set(rows[0].accounts)


def test_probes_know_the_caller_and_nothing_else():
    for probe in probes(organization(), SHOP):
        context = probe.request.context
        assert context.get("aws:requestedregion") is UNKNOWN
        assert context.get("aws:principaltag/team") is UNKNOWN
        assert context.get("aws:principalservicename") is None
        assert context.get("aws:principalorgid") == "o-smallorg01"
        assert context.get("aws:principalaccount") == probe.request.principal.account


def test_a_probe_context_has_every_key_but_the_absent_ones():
    context = ProbeContext({"aws:principalaccount": SHOP})
    assert "aws:sourceip" in context
    assert "aws:sourcearn" not in context
    assert dict(context) == {"aws:principalaccount": SHOP}


# What the proposal cannot newly deny is left out; the same must be found without leaving anything out.

MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
POOL = {
    each.id: each
    for each in (
        *FULL_ACCESS_POLICIES.values(),
        *(
            Policy(f"p-{number}", f"policy{number}", kind, document(value))
            for number, (kind, value) in enumerate(
                [
                    (SCP, deny("iam:*")),
                    (SCP, deny("iam:Create*", Condition=MFA)),
                    (SCP, {**deny(), "Statement": [{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}]}),
                    (SCP, {**deny(), "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]}),
                    (SCP, {**deny("sts:*"), "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
                    (RCP, rcp("sts:AssumeRole")),
                    (RCP, rcp("s3:*")),
                ]
            )
        ),
    )
}
UNITS = ("r-a1b2", "ou-a1b2-work", "ou-a1b2-wprd", "ou-a1b2-labs", "ou-a1b2-lprd")


@st.composite
def organizations(draw):
    """The small organization with other policies attached, accounts moved, and knowledge missing."""
    nodes = {}
    for node in organization().nodes.values():
        scps = draw(st.lists(st.sampled_from([each for each, row in POOL.items() if row.type is SCP]), max_size=3))
        rcps = draw(st.lists(st.sampled_from([each for each, row in POOL.items() if row.type is RCP]), max_size=2))
        # Mostly nodes keep their Allow: else every action is denied everywhere, and nothing is told apart.
        keeps = draw(st.sampled_from([True, True, True, True, False]))
        parent = node.parent
        if node.id in (SHOP, TEST, LOOSE):
            parent = draw(st.sampled_from([parent, *UNITS]))
        full = (FULL_ACCESS[SCP],) if keeps else ()
        nodes[node.id] = replace(
            node,
            parent=parent,
            scps=tuple(dict.fromkeys((*full, *scps))),
            rcps=tuple(dict.fromkeys((FULL_ACCESS[RCP], *rcps))),
        )
    gaps = draw(st.sets(st.tuples(st.sampled_from([Gap.SCPS, Gap.RCPS]), st.sampled_from(sorted(nodes))), max_size=2))
    types = draw(st.sampled_from([{SCP, RCP}, {SCP, RCP}, {SCP}, {RCP}]))
    return replace(organization(), nodes=nodes, policies=POOL, gaps=frozenset(gaps), policy_types=frozenset(types))


@given(organizations(), organizations(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_is_not_probed_is_not_locked_out(current, proposed, same_nodes):
    if same_nodes:
        # As a proposal mostly is: a node or two differ.
        changed = {each: proposed.nodes[each] for each in ("ou-a1b2-wprd", TEST)}
        proposed = replace(current, nodes={**current.nodes, **changed})
    quick = lockouts(current, proposed, LockoutProbe(current, proposed, CATALOG))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lockouts_module, "_newly_deniable", lambda *_: lambda _action: True)
        assert lockouts(current, proposed, LockoutProbe(current, proposed, CATALOG)) == quick


def test_an_allow_that_may_stand_where_nothing_is_known_can_be_lost():
    known = organization()
    nodes = dict(known.nodes)
    for unit in ("ou-a1b2-lprd", "ou-a1b2-wprd"):
        nodes[unit] = replace(nodes[unit], scps=())
    # Nothing is known of the unit that the account leaves; the one it goes to surely has no Allow.
    current = replace(known, nodes=nodes, gaps=frozenset({(Gap.SCPS, "ou-a1b2-lprd")}))
    proposed = apply(Proposal(moves=(Move(at("test"), at("ou-a1b2-wprd")),)), current)
    rows = lockouts(current, proposed, LockoutProbe(current, proposed, CATALOG))
    assert roles_of(rows) == ROLES
