"""Look-ups in the tree: chains, paths, and the ways to name a node or a policy."""

import pytest

from simulator.errors import OrgsimError
from simulator.organization.tree import FULL_ACCESS, NodeKind, without_snapshot
from tests.unit.organization.small import LOOSE, MANAGEMENT, RCP, SCP, SHOP, TEST, organization, snapshot


def test_chain_goes_from_the_root_to_the_account():
    chain = organization().chain(SHOP)
    assert [node.id for node in chain] == ["r-a1b2", "ou-a1b2-work", "ou-a1b2-wprd", SHOP]
    assert [node.kind for node in chain] == [NodeKind.ROOT, NodeKind.UNIT, NodeKind.UNIT, NodeKind.ACCOUNT]


def test_paths_for_people_and_for_condition_keys():
    org = organization()
    assert org.path(SHOP) == "Workloads/Prod"
    assert org.path(LOOSE) == "Root"
    assert org.full_path(SHOP) == "Workloads/Prod/shop"
    assert org.full_path(org.root.id) == "Root"
    assert org.org_path(SHOP) == "o-smallorg01/r-a1b2/ou-a1b2-work/ou-a1b2-wprd/"
    assert org.org_path(MANAGEMENT) == "o-smallorg01/r-a1b2/"


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("Root", "r-a1b2"),
        ("r-a1b2", "r-a1b2"),
        ("ou-a1b2-wprd", "ou-a1b2-wprd"),
        ("Workloads", "ou-a1b2-work"),
        ("Root/Workloads", "ou-a1b2-work"),
        ("Workloads/Prod", "ou-a1b2-wprd"),
        ("Labs/Prod", "ou-a1b2-lprd"),
        ("Labs/Prod/test", TEST),
        ("test", TEST),
        (SHOP, SHOP),
    ],
)
def test_a_node_is_named_by_id_name_or_path(target, found):
    assert organization().node(target).id == found


def test_a_name_that_occurs_twice_needs_a_path():
    with pytest.raises(OrgsimError) as caught:
        organization().node("Prod", file="proposal.yaml", line=7)
    assert caught.value.code == "ambiguous-target"
    assert "Workloads/Prod (ou-a1b2-wprd)" in caught.value.message
    assert "Labs/Prod (ou-a1b2-lprd)" in caught.value.message
    assert (caught.value.file, caught.value.line) == ("proposal.yaml", 7)


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("workloads/prod", "did you mean `Workloads/Prod`?"),
        ("Wrokloads", "did you mean `Workloads`?"),
        ("root", "did you mean `Root`?"),
        ("123", "name it by its id"),
    ],
)
def test_an_unknown_target_gets_a_hint(target, hint):
    with pytest.raises(OrgsimError) as caught:
        organization().node(target)
    assert caught.value.code == "unknown-target"
    assert hint in caught.value.hint


def test_root_always_means_the_root():
    value = snapshot()
    value["root"]["accounts"][1]["name"] = "Root"
    assert organization(**value).node("Root").kind is NodeKind.ROOT


def test_a_slash_in_a_name_is_not_mistaken_for_a_path():
    value = snapshot()
    value["root"]["units"][1]["name"] = "Workloads/Prod"
    with pytest.raises(OrgsimError, match="names 2 nodes"):
        organization(**value).node("Workloads/Prod")


def test_policies_are_named_by_id_or_name():
    org = organization()
    assert org.policy("p-stay") is org.policy("stay")
    assert org.policy("FullAWSAccess").id == FULL_ACCESS[SCP]
    with pytest.raises(OrgsimError) as caught:
        org.policy("stya")
    assert caught.value.hint == "did you mean `stay`?"


def test_attachments_of_a_policy():
    assert [node.id for node in organization().attachments("p-vault")] == ["ou-a1b2-wprd"]


def test_an_account_outside_has_no_chain():
    with pytest.raises(OrgsimError) as caught:
        organization().chain("555555555555")
    assert caught.value.code == "unknown-account"
    assert organization().account("ou-a1b2-work") is None


def test_without_a_snapshot_any_account_is_a_member_under_one_root():
    org = without_snapshot([SHOP])
    assert org.assumed
    assert org.id is None
    assert org.management_account is None
    assert [node.id for node in org.chain(SHOP)] == [org.root.id, SHOP]
    unseen = org.chain(TEST)
    assert [node.id for node in unseen] == [org.root.id, TEST]
    assert unseen[-1].attached(SCP) == (FULL_ACCESS[SCP],)
    assert unseen[-1].attached(RCP) == (FULL_ACCESS[RCP],)
    assert org.org_path(TEST) is None
    assert org.node(TEST).id == TEST
    with pytest.raises(OrgsimError) as caught:
        org.node("Workloads")
    assert "--organization" in caught.value.hint
