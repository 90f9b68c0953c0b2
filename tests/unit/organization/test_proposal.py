"""Applying proposals: what changes, what stays, and what AWS would refuse."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import OrgsimError
from simulator.organization.proposal import Attachment, Detachment, Move, Proposal, ProposedPolicy, apply, notes
from simulator.organization.tree import NodeKind, without_snapshot
from simulator.organization.yaml_text import Reference
from simulator.policy.quotas import QUOTAS, policy_size
from tests.unit.organization.small import (
    BANK,
    FULL,
    LOOSE,
    RCP,
    SCP,
    SHOP,
    TEST,
    deny,
    document,
    organization,
    rcp,
    snapshot,
)


def at(text, line=3):
    return Reference(text, "proposal.yaml", line)


def policy(name="new", kind=SCP, attach=(), replaces=None, default=(), value=None):
    made = document(value or (deny() if kind is SCP else rcp()), f"{kind.side}/{name}.json")
    return ProposedPolicy(
        name,
        kind,
        made,
        tuple(at(each) for each in attach),
        at(replaces) if replaces else None,
        tuple(at(each) for each in default),
        at(name, 2),
    )


def names_at(org, target, kind=SCP):
    return [org.policies[each].name for each in org.node(target).attached(kind)]


def error_of(proposal, org=None):
    with pytest.raises(OrgsimError) as caught:
        apply(proposal, org or organization())
    return caught.value


def place(error):
    return error.file, error.line


def test_an_empty_proposal_changes_nothing():
    assert apply(Proposal(), organization()) == organization()


def test_a_new_policy_is_attached_beside_the_others():
    before = organization()
    after = apply(Proposal((policy(attach=["Workloads/Prod", LOOSE]),)), before)
    assert names_at(after, "Workloads/Prod") == ["FullAWSAccess", "new"]
    assert names_at(after, LOOSE) == ["FullAWSAccess", "new"]
    assert names_at(after, "Root") == names_at(before, "Root")
    assert before == organization()


def test_the_default_target_counts_only_where_nothing_else_tells():
    after = apply(Proposal((policy(default=["Root"]),)), organization())
    assert names_at(after, "Root") == ["FullAWSAccess", "stay", "new"]
    edited = apply(Proposal((policy("vault", RCP, default=["Root"]),)), organization())
    assert names_at(edited, "Root", RCP) == ["RCPFullAWSAccess"]
    assert names_at(edited, "Workloads/Prod", RCP) == ["RCPFullAWSAccess", "vault"]


def test_a_policy_without_a_target_is_an_error():
    error = error_of(Proposal((policy(),)))
    assert error.code == "proposal-no-target"
    assert place(error) == ("proposal.yaml", 2)


def test_the_name_of_a_current_policy_means_an_edit():
    before = organization()
    after = apply(Proposal((policy("stay", attach=["Labs"], value=deny("ec2:*")),)), before)
    assert after.policies["p-stay"].document.statements[0].actions.words[0].value == "ec2:*"
    assert names_at(after, "Root") == ["FullAWSAccess", "stay"]
    assert names_at(after, "Labs") == ["FullAWSAccess", "stay"]
    assert notes(Proposal((policy("stay"),)), before) == (
        "`stay` edits the current policy p-stay; keeps its attachments: Root",
    )


def test_an_edit_may_name_the_places_it_has():
    assert names_at(apply(Proposal((policy("stay", attach=["Root"]),)), organization()), "Root") == [
        "FullAWSAccess",
        "stay",
    ]


def test_an_scp_does_not_edit_an_rcp_of_its_name():
    after = apply(Proposal((policy("vault", attach=["Root"]),)), organization())
    assert names_at(after, "Root") == ["FullAWSAccess", "stay", "vault"]
    assert after.policies["p-vault"].type is RCP


def test_policies_of_aws_cannot_be_edited():
    assert error_of(Proposal((policy("FullAWSAccess", attach=["Root"]),))).code == "proposal-immutable"


# Replacing


@pytest.mark.parametrize("name", ["stay", "p-stay"])
def test_a_replacement_takes_every_place(name):
    value = snapshot()
    value["root"]["units"][1]["policies"] = [*FULL, "p-stay"]
    after = apply(Proposal((policy(replaces=name),)), organization(**value))
    assert names_at(after, "Root") == ["FullAWSAccess", "new"]
    assert names_at(after, "Labs") == ["FullAWSAccess", "new"]
    assert after.attachments("p-stay") == ()


def test_a_replacement_with_targets_takes_only_those():
    value = snapshot()
    value["root"]["units"][1]["policies"] = [*FULL, "p-stay"]
    after = apply(Proposal((policy(replaces="stay", attach=["Labs", "Workloads"]),)), organization(**value))
    assert names_at(after, "Root") == ["FullAWSAccess", "stay"]
    assert names_at(after, "Labs") == ["FullAWSAccess", "new"]
    assert names_at(after, "Workloads") == ["FullAWSAccess", "new"]


def test_replacing_where_the_old_one_does_not_stand_is_an_error():
    error = error_of(Proposal((policy(replaces="stay", attach=["Labs"]),)))
    assert error.code == "proposal-not-attached"
    assert "it is attached to Root" in error.hint
    assert place(error) == ("proposal.yaml", 3)


def test_detaching_by_hand_and_replacing_elsewhere_is_fine():
    proposal = Proposal(
        (policy(replaces="stay", attach=["Labs"]),), detachments=(Detachment(at("stay"), (at("Root"),)),)
    )
    after = apply(proposal, organization())
    assert names_at(after, "Root") == ["FullAWSAccess"]
    assert names_at(after, "Labs") == ["FullAWSAccess", "new"]


def test_two_policies_may_replace_one():
    after = apply(Proposal((policy("a", replaces="stay"), policy("b", replaces="stay"))), organization())
    assert names_at(after, "Root") == ["FullAWSAccess", "a", "b"]


def test_replacing_itself_is_an_edit():
    after = apply(Proposal((policy("stay", replaces="p-stay", value=deny("ec2:*")),)), organization())
    assert names_at(after, "Root") == ["FullAWSAccess", "stay"]
    assert after.policies["p-stay"].document.statements[0].actions.words[0].value == "ec2:*"


def test_a_policy_replaces_only_its_own_type():
    assert error_of(Proposal((policy(replaces="vault"),))).code == "proposal-type"


def test_full_access_can_be_replaced_by_an_allow_list():
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    after = apply(Proposal((policy("list", replaces="FullAWSAccess", attach=["Labs"], value=allow),)), organization())
    assert names_at(after, "Labs") == ["list"]
    assert names_at(after, "Labs/Prod") == ["FullAWSAccess"]


def test_rcp_full_access_cannot_be_replaced_or_detached():
    assert error_of(Proposal((policy(kind=RCP, replaces="RCPFullAWSAccess"),))).code == "proposal-not-detachable"
    detach = Detachment(at("p-RCPFullAWSAccess"), (at("Root"),))
    assert error_of(Proposal(detachments=(detach,))).code == "proposal-not-detachable"


def test_an_unknown_policy_to_replace():
    error = error_of(Proposal((policy(replaces="stai"),)))
    assert (error.code, error.hint) == ("unknown-policy", "did you mean `stay`?")
    assert place(error) == ("proposal.yaml", 3)


# Attaching and detaching


def test_a_current_policy_can_be_attached_elsewhere():
    after = apply(Proposal(attachments=(Attachment(at("vault"), (at("Root"),)),)), organization())
    assert names_at(after, "Root", RCP) == ["RCPFullAWSAccess", "vault"]


def test_detaching():
    after = apply(Proposal(detachments=(Detachment(at("stay"), (at("Root"),)),)), organization())
    assert names_at(after, "Root") == ["FullAWSAccess"]
    assert "p-stay" in after.policies


def test_detaching_what_is_not_attached():
    error = error_of(Proposal(detachments=(Detachment(at("stay"), (at("Labs", 9),)),)))
    assert error.code == "proposal-not-attached"
    assert place(error) == ("proposal.yaml", 9)
    assert "Root" in error.hint


def test_the_last_scp_of_a_node_stays():
    error = error_of(Proposal(detachments=(Detachment(at("FullAWSAccess"), (at("Labs", 9),)),)))
    assert error.code == "proposal-last-scp"
    assert place(error) == ("proposal.yaml", 9)


def test_the_last_scp_may_go_if_another_comes():
    proposal = Proposal((policy(attach=["Labs"]),), detachments=(Detachment(at("FullAWSAccess"), (at("Labs"),)),))
    assert names_at(apply(proposal, organization()), "Labs") == ["new"]


@pytest.mark.parametrize("targets", [["Labs", "Labs"], ["Labs", "ou-a1b2-labs"], ["Workloads/Prod", "ou-a1b2-wprd"]])
def test_a_policy_attached_twice_to_one_node(targets):
    error = error_of(Proposal((policy(attach=targets),)))
    assert error.code == "proposal-double-attachment"
    assert place(error) == ("proposal.yaml", 3)


def test_detached_twice_and_attached_and_detached():
    detach = Detachment(at("stay"), (at("Root"), at("r-a1b2")))
    assert error_of(Proposal(detachments=(detach,))).code == "proposal-double-detachment"
    detach = Detachment(at("stay"), (at("Root"),))
    assert error_of(Proposal((policy("stay", attach=["Root"]),), detachments=(detach,))).code == (
        "proposal-contradiction"
    )


def test_two_policies_of_one_name_and_type():
    error = error_of(Proposal((policy(attach=["Root"]), policy(attach=["Labs"]))))
    assert error.code == "proposal-duplicate-name"
    assert place(error) == ("proposal.yaml", 2)


@pytest.mark.parametrize("target", ["Nowhere", "123456789012", "Prod"])
def test_targets_that_mean_nothing_or_two_things(target):
    error = error_of(Proposal((policy(attach=[target]),)))
    assert error.code in ("unknown-target", "ambiguous-target")
    assert place(error) == ("proposal.yaml", 3)


# Quotas


def test_ten_scps_fit_on_a_node_and_eleven_do_not():
    many = [policy(f"p{number}", attach=["Labs"]) for number in range(9)]
    after = apply(Proposal(tuple(many)), organization())
    assert len(after.node("Labs").scps) == 10
    error = error_of(Proposal((*many, policy("one-more", attach=["Labs"]))))
    assert error.code == "too-many-attached"
    assert "11 SCPs" in error.message
    assert place(error) == ("proposal.yaml", 3)


def test_five_rcps_fit_with_the_full_access_one():
    many = [policy(f"p{number}", RCP, attach=["Labs"]) for number in range(4)]
    assert len(apply(Proposal(tuple(many)), organization()).node("Labs").rcps) == 5
    assert error_of(Proposal((*many, policy("p5", RCP, attach=["Labs"])))).code == "too-many-attached"


def test_replacing_counts_once():
    value = snapshot()
    own = {
        f"p-{number}": {"name": f"n{number}", "type": "SERVICE_CONTROL_POLICY", "document": deny()}
        for number in range(9)
    }
    value["policies"].update(own)
    value["root"]["units"][1]["policies"] = [*FULL, *own]
    after = apply(Proposal((policy(replaces="n3"),)), organization(**value))
    assert len(after.node("Labs").scps) == 10


def long_policy(kind, size):
    value = deny() if kind is SCP else rcp()
    empty = policy_size(document(value | {"Id": ""}))
    return policy(kind=kind, attach=["Labs"], value=value | {"Id": "x" * (size - empty)})


@pytest.mark.parametrize("kind", [SCP, RCP])
def test_size_quotas(kind):
    most = QUOTAS[kind].characters
    assert most == {SCP: 10_240, RCP: 5_120}[kind]
    apply(Proposal((long_policy(kind, most),)), organization())
    error = error_of(Proposal((long_policy(kind, most + 1),)))
    assert error.code == "policy-too-large"
    assert place(error) == (f"{kind.side}/new.json", 1)


def test_white_space_outside_strings_does_not_count():
    spaced = document({"Version": "2012-10-17", "Statement": []} | deny(sid='a "b"  \\'))
    assert policy_size(spaced) == len(spaced.text) - sum(spaced.text.count(each) for each in (": ", ", "))


# Moves


def test_moving_an_account():
    after = apply(Proposal(moves=(Move(at("shop"), at("Labs")),)), organization())
    assert after.path(SHOP) == "Labs"
    assert after.path(BANK) == "Workloads/Prod"
    assert after.org_path(SHOP) == "o-smallorg01/r-a1b2/ou-a1b2-labs/"


def test_targets_mean_the_tree_as_it_is_now():
    proposal = Proposal((policy(attach=["Workloads/Prod/shop"]),), moves=(Move(at("shop"), at("Root")),))
    after = apply(proposal, organization())
    assert names_at(after, SHOP) == ["FullAWSAccess", "new"]
    assert after.path(SHOP) == "Root"


@pytest.mark.parametrize(
    ("account", "to"), [("Labs", "Root"), ("shop", "bank"), ("shop", "Workloads/Prod"), ("Root", "Labs")]
)
def test_moves_that_aws_refuses(account, to):
    error = error_of(Proposal(moves=(Move(at(account, 4), at(to, 4)),)))
    assert error.code == "proposal-move"
    assert place(error) == ("proposal.yaml", 4)


def test_moving_twice():
    moves = Move(at("shop"), at("Root")), Move(at(SHOP), at("Labs"))
    assert error_of(Proposal(moves=moves)).code == "proposal-move"


# What is off, unknown or assumed


def test_a_proposal_turns_on_the_policy_type_it_needs():
    org = organization(policy_types=["SERVICE_CONTROL_POLICY"])
    proposal = Proposal((policy(kind=RCP, attach=["Labs"]),))
    after = apply(proposal, org)
    assert after.policy_types == {SCP, RCP}
    assert names_at(after, "Labs", RCP) == ["RCPFullAWSAccess", "new"]
    assert names_at(after, "Root", RCP) == ["RCPFullAWSAccess"]
    assert notes(proposal, org) == ("RCPs are off in this organization; simulated as if turned on",)


def test_unknown_attachments_are_not_held_against_a_proposal():
    org = organization(incomplete=[{"what": "policies", "node": "ou-a1b2-labs"}])
    detach = Detachment(at("stay"), (at("Labs"),)), Detachment(at("FullAWSAccess"), (at("Labs"),))
    after = apply(Proposal(detachments=detach), org)
    assert not after.knows("ou-a1b2-labs", SCP)


def test_without_a_snapshot_accounts_can_be_named():
    after = apply(Proposal((policy(attach=["Root"]), policy("b", attach=[TEST]))), without_snapshot())
    assert [each.name for each in after.accounts] == [TEST]
    assert names_at(after, TEST) == ["FullAWSAccess", "b"]
    assert [len(node.scps) for node in after.chain(SHOP)] == [2, 1]
    error = error_of(Proposal((policy(replaces="stay"),)), without_snapshot())
    assert "--organization" in error.hint


# Laws

targets = st.sampled_from(["Root", "Workloads", "Labs", "Workloads/Prod", "Labs/Prod", SHOP, BANK, TEST, LOOSE])
proposed = st.builds(
    lambda number, kind, where: policy(f"n{number}", kind, sorted(where)),
    st.integers(0, 20),
    st.sampled_from([SCP, RCP]),
    st.sets(targets, min_size=1),
)
moves = st.dictionaries(st.sampled_from([SHOP, BANK, TEST]), st.sampled_from(["Root", "Labs", "Workloads"]))
proposals = st.builds(
    lambda rows, where: Proposal(tuple(rows), moves=tuple(Move(at(each), at(to)) for each, to in where.items())),
    st.lists(proposed, max_size=3, unique_by=lambda each: (each.name, each.type)),
    moves,
)


@given(proposals)
def test_the_order_of_the_entries_has_no_meaning(proposal):
    forward = apply(proposal, organization())
    turned = replace(proposal, policies=proposal.policies[::-1], moves=proposal.moves[::-1])
    backward = apply(turned, organization())
    assert {key: sets(node) for key, node in forward.nodes.items()} == {
        key: sets(node) for key, node in backward.nodes.items()
    }


def sets(node):
    return node.parent, frozenset(node.scps), frozenset(node.rcps)


@given(proposals)
def test_only_what_is_named_changes(proposal):
    before, after = organization(), apply(proposal, organization())
    touched = {before.node(each.text).id for row in proposal.policies for each in row.attach}
    touched |= {before.node(each.account.text).id for each in proposal.moves}
    assert {key: node for key, node in before.nodes.items() if key not in touched} == {
        key: node for key, node in after.nodes.items() if key not in touched
    }
    assert before == organization()


@given(proposals)
def test_the_proposed_tree_is_sound(proposal):
    after = apply(proposal, organization())
    seen = set()
    for node in after.nodes.values():
        assert node.parent is None or node.parent in seen
        seen.add(node.id)
        assert node.scps
        assert "p-RCPFullAWSAccess" in node.rcps
        assert all(after.policies[each].type is kind for kind in (SCP, RCP) for each in node.attached(kind))
    assert [after.chain(node.id)[-1] for node in after.accounts] == list(after.accounts)
    assert after.root.kind is NodeKind.ROOT
