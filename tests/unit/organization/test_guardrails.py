"""Levels of an account, shared chains, and whom no guardrail of ours reaches."""

from dataclasses import replace

import pytest

from simulator.decision.request import UNKNOWN, Principal, PrincipalKind, principal_from_arn
from simulator.organization.guardrails import Governed, levels, rcp_governed, scp_governed
from simulator.organization.snapshot import facts
from simulator.organization.tree import without_snapshot
from tests.unit.organization.small import MANAGEMENT, RCP, SCP, SHOP, organization

FOREIGN = "555555555555"


def role(account):
    return principal_from_arn(f"arn:aws:iam::{account}:role/team/ops")


def test_levels_go_from_the_root_to_the_account():
    found = levels(organization(), SHOP, SCP)
    assert [level.node.id for level in found] == ["r-a1b2", "ou-a1b2-work", "ou-a1b2-wprd", SHOP]
    assert [[policy.name for policy in level.policies] for level in found] == [
        ["FullAWSAccess", "stay"],
        ["FullAWSAccess"],
        ["FullAWSAccess"],
        ["FullAWSAccess"],
    ]
    assert found[0].documents == tuple(policy.document for policy in found[0].policies)
    assert [policy.name for policy in levels(organization(), SHOP, RCP)[2].policies] == ["RCPFullAWSAccess", "vault"]


def test_a_type_that_is_off_has_no_levels():
    assert levels(organization(policy_types=["SERVICE_CONTROL_POLICY"]), SHOP, RCP) == ()


def test_levels_the_snapshot_lacks_are_marked():
    org = organization(incomplete=[{"what": "SERVICE_CONTROL_POLICY", "node": "ou-a1b2-work"}])
    assert [level.complete for level in levels(org, SHOP, SCP)] == [True, False, True, True]
    assert all(level.complete for level in levels(org, SHOP, RCP))


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (SHOP, Governed(account=SHOP)),
        (MANAGEMENT, Governed(exempt="management-account")),
        (FOREIGN, Governed(exempt="foreign-principal")),
    ],
)
def test_scps_follow_the_callers_account(account, expected):
    org = organization(delegated_administrators=[SHOP])
    assert scp_governed(org, facts(org), role(account)) == expected


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        (SHOP, Governed(account=SHOP)),
        (MANAGEMENT, Governed(exempt="management-account-resource")),
        (FOREIGN, Governed(exempt="foreign-resource")),
        (None, Governed(exempt="no-resource-account")),
        (UNKNOWN, Governed(unknown="resource_account")),
    ],
)
def test_rcps_follow_the_owners_account(owner, expected):
    org = organization()
    assert rcp_governed(org, facts(org), owner) == expected


def test_callers_without_an_account():
    org = organization()
    service = Principal(PrincipalKind.AWS_SERVICE, name="lambda.amazonaws.com")
    assert scp_governed(org, facts(org), service) == Governed(exempt="no-principal-account")
    assert scp_governed(org, facts(org), Principal(PrincipalKind.UNKNOWN)) == Governed(unknown="principal")


def test_a_stale_snapshot_leaves_it_open():
    org = organization()
    stale = replace(facts(org), stale_accounts=frozenset({FOREIGN}))
    assert scp_governed(org, stale, role(FOREIGN)) == Governed(unknown="principal")
    assert rcp_governed(org, stale, FOREIGN) == Governed(unknown="resource_account")


def test_a_snapshot_that_lacks_accounts_leaves_it_open():
    org = organization(incomplete=[{"what": "children", "node": "ou-a1b2-labs"}])
    assert scp_governed(org, facts(org), role(FOREIGN)) == Governed(unknown="principal")


def test_types_that_are_off_reach_nobody():
    org = organization(policy_types=[])
    assert scp_governed(org, facts(org), role(SHOP)) == Governed(exempt="policy-type-off")
    assert rcp_governed(org, facts(org), SHOP) == Governed(exempt="policy-type-off")


def test_without_a_snapshot_every_account_is_governed():
    org = without_snapshot()
    assert scp_governed(org, facts(org), role(FOREIGN)) == Governed(account=FOREIGN)
    assert [len(level.policies) for level in levels(org, FOREIGN, SCP)] == [1, 1]
