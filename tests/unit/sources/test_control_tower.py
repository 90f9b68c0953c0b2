"""Manifests of Customizations for AWS Control Tower: both versions, nested units, what is refused."""

import json

import pytest
import yaml

from simulator.errors import OrgsimError
from simulator.organization.proposal import apply
from simulator.policy.document import PolicyType
from simulator.sources.proposals import read_proposal
from tests.unit.organization.small import deny, organization, rcp


def resource(name="a", method="scp", units=("Workloads:Prod",), **more):
    targets = {"organizational_units": list(units)}
    return {
        "name": name,
        "resource_file": f"{name}.json",
        "deploy_method": method,
        "deployment_targets": targets,
        **more,
    }


def write(folder, *resources, version="2021-03-15", name="manifest.yaml", **more):
    body = yaml.safe_dump({"resources": list(resources), **more} if resources else more, sort_keys=False)
    (folder / name).write_text(f"---\nregion: us-east-1\nversion: {version}\n{body}")
    (folder / "a.json").write_text(json.dumps(deny()))
    (folder / "b.json").write_text(json.dumps(rcp()))
    return folder


def attached(folder, name):
    after = apply(read_proposal(folder), organization())
    policy = next(each for each in after.policies.values() if each.name == name)
    return sorted(after.full_path(node.id) for node in after.attachments(policy.id))


def test_both_methods_and_nested_units(tmp_path):
    stack = {
        "name": "s",
        "resource_file": "s.template",
        "deploy_method": "stack_set",
        "deployment_targets": {"accounts": [1]},
    }
    write(tmp_path, resource("a"), stack, resource("b", "rcp", ["Root", "Labs"]))
    proposal = read_proposal(tmp_path)
    assert [(each.name, each.type) for each in proposal.policies] == [("a", PolicyType.SCP), ("b", PolicyType.RCP)]
    assert attached(tmp_path, "a") == ["Workloads/Prod"]
    assert attached(tmp_path, "b") == ["Labs", "Root"]
    assert read_proposal(tmp_path / "manifest.yaml") == proposal


def test_a_policy_that_exists_keeps_its_attachments(tmp_path):
    write(tmp_path, resource("stay", units=["Labs"], resource_file="a.json"))
    assert attached(tmp_path, "stay") == ["Labs", "Root"]


def test_a_name_is_a_path_below_the_root(tmp_path):
    write(tmp_path, resource("a", units=["Prod"]))
    with pytest.raises(OrgsimError) as caught:
        attached(tmp_path, "a")
    assert (caught.value.code, caught.value.file) == ("unknown-target", str(tmp_path / "manifest.yaml"))


def test_the_first_version(tmp_path):
    policy = {"name": "a", "description": "", "policy_file": "a.json", "apply_to_accounts_in_ou": ["Workloads"]}
    write(tmp_path, version="2020-01-01", organization_policies=[policy])
    assert attached(tmp_path, "a") == ["Workloads"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (resource(resource_file="s3://bucket/a.json"), "source-remote"),
        (resource(resource_file="../a.json"), "source-outside"),
        (resource(resource_file="c.json"), "proposal-missing-file"),
        (resource(deployment_targets={"accounts": ["x"]}), "manifest-accounts"),
        (resource(deployment_targets={"organizational_units": "x"}), "source-shape"),
        (resource(name=""), "source-shape"),
        ({"name": "a"}, "source-missing"),
        ("text", "source-shape"),
        (resource(method="stack_set"), "proposal-empty"),
    ],
)
def test_refused(tmp_path, row, code):
    with pytest.raises(OrgsimError) as caught:
        read_proposal(write(tmp_path, row))
    assert (caught.value.code, caught.value.file) == (code, str(tmp_path / "manifest.yaml"))


def test_an_unknown_version(tmp_path):
    with pytest.raises(OrgsimError) as caught:
        read_proposal(write(tmp_path, resource(), version="2030-01-01"))
    assert caught.value.code == "manifest-version"


def test_another_file_called_manifest(tmp_path):
    """A folder with `scp/` stays what it is."""
    (tmp_path / "manifest.yaml").write_text("apiVersion: v1\n---\nkind: x\n")
    (tmp_path / "scp").mkdir()
    (tmp_path / "scp/a.json").write_text(json.dumps(deny()))
    assert [each.name for each in read_proposal(tmp_path).policies] == ["a"]


def test_a_broken_manifest_says_where(tmp_path):
    (tmp_path / "manifest.yaml").write_text("resources:\n  - deploy_method: scp\n bad")
    with pytest.raises(OrgsimError) as caught:
        read_proposal(tmp_path)
    assert (caught.value.code, caught.value.line) == ("yaml-syntax", 3)
