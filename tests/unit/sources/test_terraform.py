"""Terraform and OpenTofu: what a plan changes, ids known only after apply, states, and what is refused."""

import json

import pytest

from simulator.errors import OrgsimError
from simulator.organization.proposal import apply
from simulator.policy.diagnostic import PolicyError
from simulator.sources.proposals import read_proposal
from tests.unit.organization.small import BANK, LOOSE, SHOP, deny, organization, rcp, snapshot
from tests.unit.sources.plans import (
    ACCOUNT,
    ATTACHMENT,
    ORGANIZATION,
    POLICY,
    UNIT,
    call,
    change,
    existing,
    module,
    plan,
    resource,
    state,
)

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
ROOT, WORK, PROD, LABS = "r-a1b2", "ou-a1b2-work", "ou-a1b2-wprd", "ou-a1b2-labs"


def write(folder, value, indent=1):
    path = folder / "plan.json"
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8")
    return path


def policy(name="new", document=None, kind=SCP, **more):
    return {"name": name, "type": kind, "content": json.dumps(document or deny()), **more}


def attachment(policy_id=None, target=None, **more):
    return {"policy_id": policy_id, "target_id": target, **more}


def new_policy(label="new", name="new", **more):
    return change(f"{POLICY}.{label}", after=policy(name, **more), unknown=("id", "arn"))


def proposed(folder, value, **changes):
    """The organization after the plan, and the nodes (by path) of every policy, by name."""
    before = organization(**changes)
    after = apply(read_proposal(write(folder, value)), before)
    where = {
        each.name: sorted(after.full_path(n.id) for n in after.attachments(each.id)) for each in after.policies.values()
    }
    return after, where


def error_of(folder, value):
    with pytest.raises(OrgsimError) as caught:
        read_proposal(write(folder, value))
    return caught.value


# What a plan does


def test_a_new_policy_is_attached(tmp_path):
    row = change(f"{ATTACHMENT}.new", after=attachment(None, SHOP), unknown=("policy_id", "id"))
    config = module(
        resource(f"{POLICY}.new"), resource(f"{ATTACHMENT}.new", policy_id=[f"{POLICY}.new.id", f"{POLICY}.new"])
    )
    _, where = proposed(tmp_path, plan(new_policy(), row, configuration=config))
    assert where["new"] == ["Workloads/Prod/shop"]


def test_a_new_policy_attached_nowhere(tmp_path):
    _, where = proposed(tmp_path, plan(new_policy(document=rcp(), kind=RCP)))
    assert where["new"] == []


def test_an_update_keeps_attachments_and_may_rename(tmp_path):
    row = change(f"{POLICY}.stay", policy("stay", id="p-stay"), policy("stay-here", deny("ec2:*"), id="p-stay"))
    after, where = proposed(tmp_path, plan(row))
    assert where["stay-here"] == ["Root"]
    assert "stay" not in where
    assert after.policies["p-stay"].document.statements[0].actions.words[0].value == "ec2:*"


def test_attachments_of_a_current_policy(tmp_path):
    rows = (
        change(f"{ATTACHMENT}.a", attachment("p-stay", ROOT), None),
        change(f'{ATTACHMENT}.b["x"]', None, attachment("p-stay", WORK)),
        change(f"{ATTACHMENT}.c", None, attachment("p-FullAWSAccess", ROOT)),
    )
    _, where = proposed(tmp_path, plan(*rows))
    assert where["stay"] == ["Workloads"]


def test_an_attachment_that_moves(tmp_path):
    row = change(
        f"{ATTACHMENT}.a", attachment("p-stay", ROOT), attachment("p-stay", LABS), actions=["delete", "create"]
    )
    _, where = proposed(tmp_path, plan(row))
    assert where["stay"] == ["Labs"]


def test_a_replaced_attachment_that_stays_is_no_change(tmp_path):
    row = change(
        f"{ATTACHMENT}.a", attachment("p-stay", ROOT), attachment("p-stay", ROOT), actions=["create", "delete"]
    )
    _, where = proposed(tmp_path, plan(row))
    assert where["stay"] == ["Root"]


def test_skip_destroy_leaves_the_policy_attached(tmp_path):
    row = change(f"{ATTACHMENT}.a", attachment("p-stay", ROOT, skip_destroy=True), None)
    proposal = read_proposal(write(tmp_path, plan(row)))
    assert proposal.detachments == ()
    assert "skip_destroy" in proposal.notes[0]


def test_a_policy_replaced_under_its_name_is_an_edit(tmp_path):
    rows = (
        change(f"{POLICY}.p", policy("stay", id="p-stay"), policy("stay", deny("ec2:*")), ["id"], ["delete", "create"]),
        change(
            f"{ATTACHMENT}.p",
            attachment("p-stay", ROOT),
            attachment(None, ROOT),
            ["policy_id"],
            ["delete", "create"],
        ),
    )
    config = module(resource(f"{ATTACHMENT}.p", policy_id=[f"{POLICY}.p.id", f"{POLICY}.p"]))
    after, where = proposed(tmp_path, plan(*rows, configuration=config))
    assert where["stay"] == ["Root"]
    assert len(after.root.scps) == 2


def test_a_policy_replaced_by_one_of_another_name(tmp_path):
    rows = (
        change(f"{POLICY}.p", policy("stay", id="p-stay"), policy("other"), ["id"], ["create", "delete"]),
        change(
            f"{ATTACHMENT}.p", attachment("p-stay", ROOT), attachment(None, ROOT), ["policy_id"], ["create", "delete"]
        ),
    )
    config = module(resource(f"{ATTACHMENT}.p", policy_id=[f"{POLICY}.p.id", f"{POLICY}.p"]))
    _, where = proposed(tmp_path, plan(*rows, configuration=config))
    assert where["other"] == ["Root"]
    assert where["stay"] == []


def test_a_deleted_policy(tmp_path):
    gone = change(f"{POLICY}.stay", policy("stay", id="p-stay"), None)
    detached = change(f"{ATTACHMENT}.stay", attachment("p-stay", ROOT), None)
    after, _ = proposed(tmp_path, plan(gone, detached))
    assert "p-stay" not in after.policies
    with pytest.raises(OrgsimError) as caught:
        proposed(tmp_path, plan(gone))
    assert caught.value.code == "proposal-still-attached"


def test_units_and_moves(tmp_path):
    unit = change(f"{UNIT}.u", after={"name": "New", "parent_id": WORK}, unknown=("id", "arn"))
    inner = change(f"{UNIT}.v", after={"name": "Inner", "parent_id": None}, unknown=("id", "parent_id"))
    moved = change(
        f"{ACCOUNT}.loose",
        {"id": LOOSE, "name": "loose", "parent_id": ROOT},
        {"id": LOOSE, "name": "loose", "parent_id": None},
        ["parent_id"],
    )
    attached = change(f"{ATTACHMENT}.a", after=attachment("p-vault", None), unknown=("target_id",))
    config = module(
        resource(f"{UNIT}.v", parent_id=[f"{UNIT}.u.id", f"{UNIT}.u"]),
        resource(f"{ACCOUNT}.loose", parent_id=[f"{UNIT}.v.id", f"{UNIT}.v"]),
        resource(f"{ATTACHMENT}.a", target_id=[f"{UNIT}.u.id", f"{UNIT}.u"]),
    )
    after, where = proposed(tmp_path, plan(inner, unit, moved, attached, configuration=config))
    assert after.path(LOOSE) == "Workloads/New/Inner"
    assert where["vault"] == ["Workloads/New", "Workloads/Prod"]
    assert after.node("Workloads/New").scps == ("p-FullAWSAccess",)


def test_what_takes_no_part(tmp_path):
    rows = (
        change(f"{POLICY}.tags", after=policy("tags", {}, "TAG_POLICY"), unknown=("id",)),
        change(f"{ATTACHMENT}.tags", after=attachment(None, ROOT), unknown=("policy_id",)),
        change(f"{ATTACHMENT}.old", attachment("p-tags", ROOT), None),
        change(f"{POLICY}.same", policy(id="p-same"), policy(id="p-same"), actions=["no-op"]),
        change(f"{POLICY}.gone", policy(id="p-gone"), None, actions=["forget"]),
        change(f"{POLICY}.read", None, policy(), actions=["read"], mode="data"),
        change(f"{ACCOUNT}.fresh", after={"name": "fresh", "parent_id": ROOT}, unknown=("id",)),
        change(f"{ATTACHMENT}.fresh", after=attachment("p-stay", None), unknown=("target_id",)),
        change("aws_controltower_control.c", None, {}),
        change("aws_iam_role.r", None, {"assume_role_policy": "{"}),
    )
    config = module(
        resource(f"{ATTACHMENT}.tags", policy_id=[f"{POLICY}.tags.id", f"{POLICY}.tags"]),
        resource(f"{ATTACHMENT}.fresh", target_id=[f"{ACCOUNT}.fresh.id", f"{ACCOUNT}.fresh"]),
    )
    prior = [existing(f"{POLICY}.old_tags", id="p-tags", name="t", type="TAG_POLICY")]
    proposal = read_proposal(write(tmp_path, plan(*rows, configuration=config, prior=prior)))
    assert (proposal.policies, proposal.attachments, proposal.detachments) == ((), (), ())
    assert any("1 policies of other types" in each for each in proposal.notes)
    assert any("new account" in each for each in proposal.notes)
    assert any("aws_controltower_control.c" in each for each in proposal.notes)


def test_a_plan_that_changes_no_guardrail_says_so(tmp_path):
    row = change("aws_iam_role.r", None, {"name": "r"})
    proposal = read_proposal(write(tmp_path, plan(row)))
    assert proposal.notes == (f"{tmp_path / 'plan.json'}: the plan changes no SCP and no RCP",)
    assert apply(proposal, organization()) == organization()


def test_open_tofu_writes_the_same_form(tmp_path):
    value = plan(change(f"{POLICY}.stay", policy("stay", id="p-stay"), policy("stay", deny("ec2:*"), id="p-stay")))
    value["resource_changes"][0]["provider_name"] = "registry.opentofu.org/hashicorp/aws"
    value |= {"terraform_version": "1.10.6", "timestamp": "2026-10-01T00:00:00Z", "relevant_attributes": []}
    after, _ = proposed(tmp_path, value)
    assert after.policies["p-stay"].document.statements[0].actions.words[0].value == "ec2:*"


# Ids known only after apply: the references are those that Terraform 1.11 writes for the expressions in the comments


def instances(kind, *indexes):
    rows = []
    for index in indexes:
        after = policy(f"new{index}") if kind == POLICY else {"name": f"U{index}", "parent_id": ROOT}
        rows.append(change(f"{kind}.p{index}", after=after, unknown=("id",)))
    return rows


def attached_to(index, **more):
    return change(f"{ATTACHMENT}.a{index}", after=attachment(None, SHOP), unknown=("policy_id",), **more)


P = f"{POLICY}.p"
REFERENCES = {
    # policy_id = p.id
    "plain": (("",), "", [f"{P}.id", P], ""),
    # p["a"].id
    "constant-index": (('["a"]', '["b"]'), "", [f'{P}["a"].id', f'{P}["a"]', P], '["a"]'),
    # p[0].id
    "constant-count": (("[0]", "[1]"), "", [f"{P}[0].id", f"{P}[0]", P], "[0]"),
    # p[each.key].id
    "each-key": (('["a"]', '["b"]'), '["b"]', [P, "each.key"], '["b"]'),
    # p[count.index].id
    "count-index": (("[0]", "[1]"), "[1]", [P, "count.index"], "[1]"),
    # one(p[*].id)
    "only-instance": (("[0]",), "", [P], "[0]"),
    # p[each.value].id
    "each-value": (('["a"]', '["b"]'), '["a"]', [P, "each.value"], None),
    # local.ids[each.key]
    "local": (("",), '["a"]', ["local.ids", "each.key"], None),
    # var.first ? p["a"].id : p["b"].id
    "either": (('["a"]', '["b"]'), "", [f'{P}["a"].id', f'{P}["a"]', f'{P}["b"].id', f'{P}["b"]', P], None),
    "key-not-there": (('["a"]', '["b"]'), '["c"]', [P, "each.key"], None),
    "nothing": (("",), "", [], None),
}


def test_the_root_of_an_organization_that_changes(tmp_path):
    """target_id = aws_organizations_organization.org.roots[0].id."""
    org = {"id": "o-smallorg01", "enabled_policy_types": [SCP]}
    rows = [
        change(f"{ORGANIZATION}.org", org, {**org, "feature_set": "ALL"}, ["roots"]),
        change(f"{ATTACHMENT}.a", after=attachment("p-vault", None), unknown=("target_id",)),
    ]
    references = [f"{ORGANIZATION}.org.roots[0].id", f"{ORGANIZATION}.org.roots[0]", f"{ORGANIZATION}.org.roots"]
    config = module(resource(f"{ATTACHMENT}.a", target_id=[*references, f"{ORGANIZATION}.org"]))
    _, where = proposed(tmp_path, plan(*rows, configuration=config))
    assert where["vault"] == ["Root", "Workloads/Prod"]


@pytest.mark.parametrize("name", list(REFERENCES))
def test_references(tmp_path, name):
    policies, index, references, want = REFERENCES[name]
    config = module(resource(f"{ATTACHMENT}.a", policy_id=references))
    value = plan(*instances(POLICY, *policies), attached_to(index), configuration=config)
    if want is None:
        error = error_of(tmp_path, value)
        assert error.code == "terraform-unresolved"
        assert f"{ATTACHMENT}.a{index}" in error.message
        assert error.line
        return
    _, where = proposed(tmp_path, value)
    assert {name for name, nodes in where.items() if name.startswith("new") and nodes} == {f"new{want}"}


def test_for_each_over_policies(tmp_path):
    """for_each = p; policy_id = each.value.id."""
    config = module(resource(f"{ATTACHMENT}.a", policy_id=["each.value.id", "each.value"], for_each=[P]))
    rows = [*instances(POLICY, '["a"]', '["b"]'), attached_to('["b"]')]
    _, where = proposed(tmp_path, plan(*rows, configuration=config))
    assert where['new["b"]'] == ["Workloads/Prod/shop"]


def test_a_variable_of_a_module_instance(tmp_path):
    inner = module(resource(f"{ATTACHMENT}.a", policy_id=["var.policy"]))
    config = module(calls={"m": call(inner, for_each=["local.ps"], policy=[P, "each.key"])})
    rows = [
        *instances(POLICY, '["x"]', '["y"]'),
        change(f'module.m["x"].{ATTACHMENT}.a', after=attachment(None, SHOP), unknown=("policy_id",)),
        change(f'module.m["y"].{ATTACHMENT}.a', after=attachment(None, BANK), unknown=("policy_id",)),
    ]
    _, where = proposed(tmp_path, plan(*rows, configuration=config))
    assert where['new["x"]'] == ["Workloads/Prod/shop"]
    assert where['new["y"]'] == ["Workloads/Prod/bank"]


@pytest.mark.parametrize(
    ("references", "index"),
    [
        (['module.m["x"].id', 'module.m["x"]'], ""),  # module.m["x"].id
        (["module.m", "each.key"], '["x"]'),  # module.m[each.key].id: the output is not told, but there is one policy
    ],
)
def test_an_output_of_a_module_instance(tmp_path, references, index):
    inner = module(resource(f"{POLICY}.p"), outputs={"id": [f"{POLICY}.p.id", f"{POLICY}.p"], "other": ["local.x"]})
    config = module(resource(f"{ATTACHMENT}.a", policy_id=references), calls={"m": call(inner, for_each=["local.ps"])})
    rows = [change(f'module.m["{key}"].{POLICY}.p', after=policy(f"new-{key}"), unknown=("id",)) for key in ("x", "y")]
    _, where = proposed(tmp_path, plan(*rows, attached_to(index), configuration=config))
    assert (where["new-x"], where["new-y"]) == (["Workloads/Prod/shop"], [])


def test_nested_modules(tmp_path):
    innermost = module(resource(f"{ATTACHMENT}.a", policy_id=["var.near"]))
    middle = module(calls={"n": call(innermost, near=["var.far"])})
    config = module(calls={"m": call(middle, far=[f"{P}.id", P])})
    row = change(f"module.m.module.n.{ATTACHMENT}.a", after=attachment(None, SHOP), unknown=("policy_id",))
    _, where = proposed(tmp_path, plan(*instances(POLICY, ""), row, configuration=config))
    assert where["new"] == ["Workloads/Prod/shop"]


def test_a_configuration_that_leads_in_circles(tmp_path):
    inner = module(resource(f"{ATTACHMENT}.a", policy_id=["var.v"]), outputs={"o": ["var.v"]})
    config = module(calls={"m": call(inner, v=["module.m.o", "module.m"])})
    row = change(f"module.m.{ATTACHMENT}.a", after=attachment(None, SHOP), unknown=("policy_id",))
    assert error_of(tmp_path, plan(row, configuration=config)).code == "terraform-unresolved"


# Places


def test_findings_point_to_the_content(tmp_path):
    rows = [new_policy("a", "a"), new_policy("b", "b")]
    path = write(tmp_path, plan(*rows))
    lines = path.read_text().splitlines()
    for each in read_proposal(path).policies:
        span = each.document.statements[0].span
        assert lines[span.line - 1][span.column - 1 :].startswith('"content"')
        assert f'"name": "{each.name}"' in "\n".join(lines[span.line - 4 : span.line])


def test_a_plan_on_one_line(tmp_path):
    document = read_proposal(write(tmp_path, plan(new_policy()), indent=None)).policies[0].document
    assert (document.statements[0].span.line, document.file) == (1, str(tmp_path / "plan.json"))


# Refused


def unknown_content():
    return change(f"{POLICY}.p", after={"name": "p", "type": SCP}, unknown=("content", "id"))


REFUSED = {
    "content-unknown": (plan(unknown_content()), "terraform-unknown"),
    "name-unknown": (plan(change(f"{POLICY}.p", after=policy(None), unknown=("name",))), "terraform-unknown"),
    "type-unknown": (plan(change(f"{POLICY}.p", after=policy(kind=None), unknown=("type",))), "terraform-unknown"),
    "content-sensitive": (
        plan(change(f"{POLICY}.p", after={**policy(), "content": None}, sensitive={"content": True})),
        "terraform-sensitive",
    ),
    "content-missing": (plan(change(f"{POLICY}.p", after={"name": "p", "type": SCP})), "terraform-shape"),
    "content-no-policy": (plan(change(f"{POLICY}.p", after={**policy(), "content": "{"})), "json-syntax"),
    "errored": (plan(new_policy(), errored=True), "terraform-incomplete"),
    "deferred": (
        plan(deferred_changes=[{"reason": "unknown", "resource_change": new_policy()}], complete=False),
        "terraform-incomplete",
    ),
    "type-turned-off": (
        plan(change(f"{ORGANIZATION}.o", {"enabled_policy_types": [SCP, RCP]}, {"enabled_policy_types": [SCP]})),
        "terraform-unsupported",
    ),
    "organization-deleted": (plan(change(f"{ORGANIZATION}.o", {"id": "o-x"}, None)), "terraform-unsupported"),
    "awscc": (plan(change("awscc_organizations_policy.p", None, {})), "terraform-unsupported"),
    "future-version": ({**plan(), "format_version": "2.0"}, "terraform-form"),
    "own-state": ({"version": 4, "terraform_version": "1.11.4", "serial": 3, "resources": []}, "terraform-form"),
    "wrong-shape": ({**plan(), "resource_changes": [{"address": 1}]}, "terraform-shape"),
    "empty-state": (state(), "proposal-empty"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(tmp_path, name):
    value, code = REFUSED[name]
    error = error_of(tmp_path, value)
    assert error.code == code
    assert error.file == str(tmp_path / "plan.json")


def test_a_binary_plan_is_refused_with_the_command(tmp_path):
    path = tmp_path / "plan.bin"
    path.write_bytes(b"PK\x03\x04rest")
    with pytest.raises(OrgsimError) as caught:
        read_proposal(path)
    assert "terraform show -json" in caught.value.hint


@pytest.mark.parametrize("depth", [200, 200_000])
def test_a_deep_plan(tmp_path, depth):
    text = json.dumps(plan(new_policy())).replace(
        '"planned_values"', '"x": ' + "[" * depth + "]" * depth + ', "planned_values"'
    )
    path = tmp_path / "plan.json"
    path.write_text(text)
    try:
        assert read_proposal(path).policies
    except (OrgsimError, PolicyError) as error:
        assert error.code in ("terraform-shape", "json-depth")


def test_policies_that_the_snapshot_does_not_know(tmp_path):
    row = change(f"{POLICY}.p", policy(id="p-other"), policy(document=deny("ec2:*"), id="p-other"))
    with pytest.raises(OrgsimError) as caught:
        apply(read_proposal(write(tmp_path, plan(row))), organization())
    assert (caught.value.code, caught.value.file) == ("unknown-policy", str(tmp_path / "plan.json"))


# States


def test_a_state(tmp_path):
    value = state(
        existing(f"{POLICY}.stay", **policy("stay", deny("ec2:*"), id="p-stay")),
        existing(f"{ATTACHMENT}.stay", **attachment("p-stay", ROOT)),
        existing(f"{ATTACHMENT}.vault", **attachment("p-vault", LABS)),
        existing(f"{POLICY}.loose", **policy("loose", id="p-loose")),
        existing(f"{POLICY}.read", mode="data", **policy("read", id="p-read")),
        children=[
            existing(f"{POLICY}.new", **policy("new", id="p-new")),
            existing(f"{ATTACHMENT}.new", **attachment("p-new", SHOP)),
        ],
    )
    after, where = proposed(tmp_path, value)
    assert where["stay"] == ["Root"]
    assert where["new"] == ["Workloads/Prod/shop"]
    assert where["vault"] == ["Labs", "Workloads/Prod"]
    assert after.policies["p-stay"].document.statements[0].actions.words[0].value == "ec2:*"
    assert not {"loose", "read"} & where.keys()


def test_a_state_that_agrees_with_the_snapshot_changes_nothing(tmp_path):
    rows = [
        existing(
            f"{POLICY}.{row['name']}", id=key, name=row["name"], type=row["type"], content=json.dumps(row["document"])
        )
        for key, row in snapshot()["policies"].items()
    ]
    rows += [existing(f"{ATTACHMENT}.stay", **attachment("p-stay", ROOT))]
    rows += [existing(f"{ATTACHMENT}.vault", **attachment("p-vault", PROD))]
    after, _ = proposed(tmp_path, state(*rows))
    assert after.nodes == organization().nodes
