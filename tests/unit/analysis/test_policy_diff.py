"""How two proposals differ beyond statements: policies, attachments, accounts, types, sizes."""

import pytest

from simulator.analysis.policy_diff import left_standing, policy_changes, policy_sizes
from simulator.organization.proposal import Detachment, Move, Proposal, ProposedPolicy, apply
from simulator.organization.yaml_text import Reference
from tests.unit.organization.small import RCP, SCP, SHOP, TEST, deny, document, organization, rcp

EC2 = deny("ec2:*", "Ec2")


def policy(name="new", value=None, attach=("Workloads",), kind=SCP, **more):
    targets = tuple(map(Reference, attach))
    return ProposedPolicy(name, kind, document(value or EC2, f"{name}.json"), targets, **more)


def found(base, head, **changes):
    current = organization(**changes)
    changed = policy_changes(apply(base, current), apply(head, current))
    return [(each.kind, each.tells.value, each.policy, " ".join(each.details)) for each in changed]


CASES = {
    "nothing": (Proposal((policy(),)), Proposal((policy(),)), []),
    "a policy more": (
        Proposal(),
        Proposal((policy(),)),
        [("policy-added", "tightened", "new", "attached to Workloads")],
    ),
    "a policy fewer": (
        Proposal((policy(),)),
        Proposal(),
        [("policy-removed", "loosened", "new", "attached to Workloads")],
    ),
    "another name": (
        Proposal((policy("one"),)),
        Proposal((policy("two"),)),
        [("policy-renamed", "same", "two", "before: one")],
    ),
    "another name and another action": (
        Proposal((policy("one"),)),
        Proposal((policy("two", deny("ec2:Run*", "Ec2")),)),
        [
            ("policy-renamed", "same", "two", "before: one"),
            ("statement-changed", "loosened", "two", "Action narrowed: added ec2:Run*; removed ec2:*"),
        ],
    ),
    "another policy instead": (
        Proposal((policy("one"),)),
        Proposal((policy("two", deny("sqs:*", "Sqs")),)),
        [
            ("policy-added", "tightened", "two", "attached to Workloads"),
            ("policy-removed", "loosened", "one", "attached to Workloads"),
        ],
    ),
    "another name and place": (
        Proposal((policy("one"),)),
        Proposal((policy("two", attach=("Labs",)),)),
        [
            ("policy-renamed", "same", "two", "before: one"),
            ("attachment-moved", "changed", "two", "from Workloads to Labs"),
        ],
    ),
    "a statement more": (
        Proposal((policy(),)),
        Proposal((policy(value={**EC2, "Statement": [*EC2["Statement"], *deny(sid="S3")["Statement"]]}),)),
        [("statement-added", "tightened", "new", "Deny s3:*")],
    ),
    "another version of the language": (
        Proposal((policy(),)),
        Proposal((policy(value={**EC2, "Version": "2008-10-17"}),)),
        [
            (
                "policy-edited",
                "changed",
                "new",
                "Version 2012-10-17 → 2008-10-17: variables like ${aws:username} count in 2012-10-17 only",
            )
        ],
    ),
    "attached to more": (
        Proposal((policy(),)),
        Proposal((policy(attach=("Workloads", "Labs")),)),
        [("attachment-added", "tightened", "new", "to Labs")],
    ),
    "a current policy leaves": (
        Proposal(),
        Proposal(detachments=(Detachment(Reference("stay"), (Reference("Root"),)),)),
        [("attachment-removed", "loosened", "stay", "from Root")],
    ),
    "a current policy is replaced": (
        Proposal(),
        Proposal((policy(attach=(), replaces=Reference("stay")),)),
        [
            ("policy-added", "tightened", "new", "attached to Root"),
            ("attachment-removed", "loosened", "stay", "from Root"),
        ],
    ),
    "an account moves": (
        Proposal(moves=(Move(Reference("test"), Reference("Workloads")),)),
        Proposal(moves=(Move(Reference("test"), Reference("Root")), Move(Reference("shop"), Reference("Labs")))),
        [
            ("account-moved", "changed", None, f"test ({TEST}) from Workloads to Root"),
            ("account-moved", "changed", None, f"shop ({SHOP}) from Workloads/Prod to Labs"),
        ],
    ),
    "an allow list": (
        Proposal(),
        Proposal(
            (policy(value={"Version": "2012-10-17", "Statement": [{**deny()["Statement"][0], "Effect": "Allow"}]}),)
        ),
        [("policy-added", "loosened", "new", "attached to Workloads")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_differs(case):
    base, head, wanted = CASES[case]
    assert sorted(found(base, head), key=str) == sorted(wanted, key=str)


def test_an_scp_and_an_rcp_of_one_name_are_two_policies():
    both = Proposal((policy("one"), policy("one", rcp(), kind=RCP)))
    [(kind, _, name, _)] = found(Proposal((policy("one"),)), both)
    assert (kind, name) == ("policy-added", "one")


def test_a_type_that_is_turned_on_is_told_once():
    off = {"policy_types": ["SERVICE_CONTROL_POLICY"]}
    kinds = [kind for kind, *_ in found(Proposal(), Proposal((policy("p", rcp(), kind=RCP),)), **off)]
    assert kinds == ["type-turned-on", "policy-added"]


def test_a_change_tells_where_it_stands():
    current = organization()
    base, head = Proposal((policy(),)), Proposal((policy(value=deny("ec2:Run*", "Ec2")),))
    [there] = policy_changes(apply(base, current), apply(head, current))
    assert (there.policy_type, there.statement, there.file, there.line) == (SCP, "Ec2", "new.json", 1)


def test_sizes_stand_beside_the_quota():
    current = organization()
    base, head = (
        Proposal((policy(),)),
        Proposal((policy(value=deny("ec2:Run*", "Ec2")), policy("more", rcp(), kind=RCP))),
    )
    sizes = policy_sizes(apply(base, current), apply(head, current), (base, head))
    rows = [(each.policy_type, each.policy, each.base is None, each.most) for each in sizes]
    assert rows == [(RCP, "more", True, 5120), (SCP, "new", False, 10240)]
    assert sizes[1].head == sizes[1].base + len("Run")


def test_a_policy_that_is_left_out_but_stands_is_pointed_out():
    """A proposal is a change: leaving out the edit of a current policy does not take that policy off."""
    edit = Proposal((policy("stay", attach=()),))
    [note] = left_standing(edit, Proposal(), organization())
    assert "`stay` is no longer proposed" in note
    assert left_standing(edit, edit, organization()) == ()
    assert left_standing(Proposal((policy(),)), Proposal(), organization()) == ()
