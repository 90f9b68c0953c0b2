"""Reading proposals and snapshots from disk: the three kinds, and errors that help."""

import json
import os

import pytest

from simulator.errors import ExitStatus, OrgsimError
from simulator.organization.proposal import apply
from simulator.policy.diagnostic import PolicyError
from simulator.policy.document import PolicyType
from simulator.sources.organizations import read_organization
from simulator.sources.proposals import read_proposal
from tests.unit.organization.small import RCP, SCP, deny, organization, rcp, snapshot


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
    return path


def error_of(*arguments, **options):
    with pytest.raises(OrgsimError) as caught:
        read_proposal(*arguments, **options)
    return caught.value


# A folder of policies


def test_a_folder_with_scp_and_rcp(tmp_path):
    write(tmp_path, "scp/b.json", deny())
    write(tmp_path, "scp/a.json", deny())
    write(tmp_path, "rcp/a.json", rcp())
    write(tmp_path, "README.md", "not a policy")
    proposal = read_proposal(tmp_path)
    assert [(each.name, each.type) for each in proposal.policies] == [("a", RCP), ("a", SCP), ("b", SCP)]
    after = apply(proposal, organization())
    assert len(after.root.scps) == 4
    assert len(after.root.rcps) == 2
    assert proposal.policies[0].document.file == str(tmp_path / "rcp" / "a.json")


def test_files_elsewhere_are_remarked(tmp_path):
    write(tmp_path, "scp/a.json", deny())
    write(tmp_path, "scp/old/b.json", deny())
    write(tmp_path, "stray.json", deny())
    proposal = read_proposal(tmp_path)
    assert [each.name for each in proposal.policies] == ["a"]
    assert len(proposal.notes) == 2
    assert "stray.json" in proposal.notes[1]


@pytest.mark.parametrize("names", [[], ["policies/a.json"], ["a.json"], ["scp/readme.txt"]])
def test_a_folder_without_a_proposal(tmp_path, names):
    for name in names:
        write(tmp_path, name, deny())
    error = error_of(tmp_path)
    assert error.code == "proposal-empty"
    assert "proposal.yaml" in error.hint


def test_a_broken_policy_names_its_file_and_line(tmp_path):
    write(tmp_path, "scp/a.json", '{"Version": "2012-10-17",\n // why\n "Statement": []}')
    with pytest.raises(PolicyError) as caught:
        read_proposal(tmp_path)
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "scp" / "a.json"), 2)


# proposal.yaml


MANIFEST = """\
policies:
  - file: scp/regions.json
    attach: Root
  - file: any/where.json
    name: perimeter
    attach: [Labs]
"""


def test_proposal_yaml_outranks_the_other_files(tmp_path):
    write(tmp_path, "proposal.yaml", MANIFEST)
    write(tmp_path, "scp/regions.json", deny())
    write(tmp_path, "scp/unlisted.json", deny())
    write(tmp_path, "any/where.json", rcp())
    proposal = read_proposal(tmp_path)
    assert [(each.name, each.type) for each in proposal.policies] == [("regions", SCP), ("perimeter", RCP)]
    assert "unlisted.json" in proposal.notes[0]
    assert read_proposal(tmp_path / "proposal.yaml") == proposal
    assert len(apply(proposal, organization()).node("Labs").rcps) == 2


def test_a_stated_type_outranks_the_folder(tmp_path):
    write(tmp_path, "proposal.yaml", "policies:\n  - {file: scp/a.json, type: RESOURCE_CONTROL_POLICY, attach: Root}\n")
    write(tmp_path, "scp/a.json", rcp())
    assert read_proposal(tmp_path).policies[0].type is RCP


@pytest.mark.parametrize("target", ["scp/missing.json", "scp"])
def test_a_missing_file_names_the_line_of_proposal_yaml(tmp_path, target):
    (tmp_path / "scp").mkdir()
    write(tmp_path, "proposal.yaml", f"policies:\n  - name: a\n    file: {target}\n    attach: Root\n")
    error = error_of(tmp_path)
    assert error.code == "proposal-missing-file"
    assert (error.file, error.line) == (str(tmp_path / "proposal.yaml"), 3)


def test_errors_of_applying_name_the_line_of_proposal_yaml(tmp_path):
    write(tmp_path, "proposal.yaml", MANIFEST.replace("[Labs]", "[Lab]"))
    write(tmp_path, "scp/regions.json", deny())
    write(tmp_path, "any/where.json", rcp())
    with pytest.raises(OrgsimError) as caught:
        apply(read_proposal(tmp_path), organization())
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "proposal.yaml"), 6)
    assert caught.value.hint == "did you mean `Labs`?"


def test_an_empty_proposal_yaml(tmp_path):
    write(tmp_path, "proposal.yaml", "")
    write(tmp_path, "scp/a.json", deny())
    assert error_of(tmp_path).code == "proposal-empty"


# One file


def test_one_policy_goes_to_the_root(tmp_path):
    proposal = read_proposal(write(tmp_path, "guard.json", deny()))
    assert [(each.name, each.type) for each in proposal.policies] == [("guard", SCP)]
    assert "guard" in apply(proposal, organization()).policies["proposed:scp/guard"].name
    assert "proposed:scp/guard" in apply(proposal, organization()).root.scps


def test_type_and_targets_of_one_policy(tmp_path):
    path = write(tmp_path, "guard.json", rcp())
    proposal = read_proposal(path, "rcp", ["Labs", "Workloads/Prod"])
    after = apply(proposal, organization())
    assert [node.name for node in after.attachments("proposed:rcp/guard")] == ["Prod", "Labs"]
    assert read_proposal(path, PolicyType.RCP, ["Labs", "Workloads/Prod"]) == proposal
    error = None
    try:
        apply(read_proposal(path, "rcp", ["Nowhere"]), organization())
    except OrgsimError as caught:
        error = caught
    assert error.file == "--attach"


def test_the_type_of_one_policy_by_folder_and_content(tmp_path):
    assert read_proposal(write(tmp_path, "rcp/a.json", rcp())).policies[0].type is RCP
    assert read_proposal(write(tmp_path, "a.json", rcp())).policies[0].type is RCP
    mixed = deny()
    mixed["Statement"] += rcp()["Statement"]
    error = error_of(write(tmp_path, "mixed.json", mixed))
    assert (error.code, error.hint) == ("proposal-type", "add --type scp or --type rcp")
    assert read_proposal(tmp_path / "mixed.json", "scp").policies[0].type is SCP


@pytest.mark.parametrize(("policy_type", "attach"), [("scp", ()), (None, ("Root",))])
def test_options_are_for_one_policy(tmp_path, policy_type, attach):
    write(tmp_path, "scp/a.json", deny())
    write(tmp_path, "changes.yaml", "move: []\n")
    for path in (tmp_path, tmp_path / "changes.yaml"):
        error = error_of(path, policy_type, attach)
        assert (error.code, error.status) == ("proposal-options", ExitStatus.USAGE)


def test_an_unknown_type_is_a_usage_error(tmp_path):
    assert error_of(write(tmp_path, "a.json", deny()), "spc").status is ExitStatus.USAGE


@pytest.mark.parametrize("name", ["change.yaml", "change.yml", "change.txt"])
def test_a_proposal_is_told_by_its_content(tmp_path, name):
    write(tmp_path, "scp/a.json", deny())
    proposal = read_proposal(write(tmp_path, name, "# change\npolicies:\n  - {file: scp/a.json, attach: Root}\n"))
    assert [each.name for each in proposal.policies] == ["a"]


def test_a_proposal_written_as_json(tmp_path):
    write(tmp_path, "scp/a.json", deny())
    proposal = read_proposal(write(tmp_path, "change.json", {"policies": [{"file": "scp/a.json", "attach": "Root"}]}))
    assert [each.name for each in proposal.policies] == ["a"]


@pytest.mark.parametrize("name", ["guard.yaml", "guard.txt"])
def test_a_policy_is_told_by_its_content(tmp_path, name):
    assert read_proposal(write(tmp_path, name, deny())).policies[0].name == "guard"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("organization.json", snapshot(), "--organization"),
        ("template.json", {"Resources": {}}, "proposal.yaml"),
        ("empty.json", {}, "proposal.yaml"),
        ("notes.txt", "hello", "proposal.yaml"),
    ],
)
def test_other_files_are_refused_with_a_hint(tmp_path, name, content, words):
    error = error_of(write(tmp_path, name, content))
    assert error.code == "proposal-kind"
    assert words in error.hint


@pytest.mark.parametrize("text", ["", "  \n", "// a comment\n{}", "${POLICY}", "[1]", '{"Statement": '])
def test_files_that_should_be_policies_get_the_errors_of_policies(tmp_path, text):
    with pytest.raises(PolicyError):
        read_proposal(write(tmp_path, "a.json", text))


def test_a_path_that_is_not_there(tmp_path):
    error = error_of(tmp_path / "nowhere")
    assert error.code == "proposal-missing-path"
    assert error.file == str(tmp_path / "nowhere")


def test_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"Version":\n "\xff\xfe"}')
    error = error_of(path)
    assert (error.code, error.line) == ("file-encoding", 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = write(tmp_path, "a.json", deny())
    path.chmod(0)
    assert error_of(path).code == "file-unreadable"


def test_an_absurdly_large_file_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b" " * (5 << 20))
    assert error_of(path).code == "file-too-large"


# Snapshots


def test_reading_a_snapshot(tmp_path):
    path = write(tmp_path, "org.json", snapshot())
    assert read_organization(path).nodes == organization().nodes
    assert read_organization(str(path)).policies["p-stay"].document.file == str(path)


def test_without_a_snapshot():
    assert read_organization(None).assumed


def test_a_snapshot_that_is_not_there(tmp_path):
    with pytest.raises(OrgsimError) as caught:
        read_organization(tmp_path / "org.json")
    assert caught.value.code == "file-missing"
