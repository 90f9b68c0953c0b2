"""Landing Zone Accelerator configurations: targets, placeholders, what the accelerator adds, and what is refused."""

import json

import pytest
import yaml

from simulator.errors import OrgsimError
from simulator.organization.proposal import apply, notes
from simulator.organization.tree import without_snapshot
from simulator.policy.document import PolicyType
from simulator.sources.proposals import read_proposal
from tests.unit.organization.small import BANK, FULL, LOOSE, SHOP, deny, organization, rcp, snapshot


def row(name="new", units=(), accounts=(), **more):
    targets = {"organizationalUnits": list(units), **({"accounts": list(accounts)} if accounts else {})}
    return {"name": name, "description": name, "policy": f"{name}.json", "deploymentTargets": targets, **more}


def write(folder, scps=(), rcps=(), files=None, policies=None, **more):
    """A configuration folder; each listed policy gets a file unless `policies` has its text."""
    config = {"enable": True, "serviceControlPolicies": list(scps), "resourceControlPolicies": list(rcps), **more}
    (folder / "organization-config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    for each in (*scps, *rcps):
        document = rcp() if each in rcps else deny()
        (folder / each["policy"]).write_text((policies or {}).get(each["name"], json.dumps(document, indent=1)))
    for name, content in (files or {}).items():
        (folder / name).write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
    return folder


def proposed(folder, given=()):
    before = organization()
    after = apply(read_proposal(folder, parameters=given), before)
    return {
        each.name: sorted(after.full_path(n.id) for n in after.attachments(each.id)) for each in after.policies.values()
    }


def error_of(folder, given=()):
    with pytest.raises(OrgsimError) as caught:
        read_proposal(folder, parameters=given)
    return caught.value


def test_units_by_path_and_accounts_by_name(tmp_path):
    write(tmp_path, [row("a", ["Root", "Workloads/Prod"], ["loose"])], [row("b", ["Labs"])])
    proposal = read_proposal(tmp_path)
    assert [each.type for each in proposal.policies] == [PolicyType.SCP, PolicyType.RCP]
    where = proposed(tmp_path)
    assert where["a"] == ["Root", "Workloads/Prod", "loose"]
    assert where["b"] == ["Labs"]
    assert read_proposal(tmp_path / "organization-config.yaml").policies == proposal.policies


def test_a_unit_is_named_by_its_whole_path(tmp_path):
    """`Prod` is no unit below the root, though two units of that name lie deeper."""
    write(tmp_path, [row("a", ["Prod"])])
    with pytest.raises(OrgsimError) as caught:
        proposed(tmp_path)
    assert caught.value.code == "unknown-target"


def test_targets_are_all_targets(tmp_path):
    where = proposed(write(tmp_path, [row("stay", ["Labs"])], [row("vault")]))
    assert (where["stay"], where["vault"]) == (["Labs"], [])


def test_the_quarantine_policy_keeps_its_attachments(tmp_path):
    where = proposed(write(tmp_path, [row("stay")], quarantineNewAccounts={"enable": True, "scpPolicyName": "stay"}))
    assert where["stay"] == ["Root"]


def test_the_allow_list_strategy_takes_full_access_off(tmp_path):
    rows = [
        row("a", ["Labs"], strategy="allow-list"),
        row("b", ["Labs", "Workloads"], strategy="allow-list"),
        row("c", ["Root"]),
    ]
    where = proposed(write(tmp_path, rows, [row("d", ["Root"], strategy="allow-list")]))
    assert not {"Labs", "Workloads"} & set(where["FullAWSAccess"])
    assert "Root" in where["FullAWSAccess"]
    assert "Root" in where["RCPFullAWSAccess"]


def test_the_deny_list_strategy_brings_full_access_back(tmp_path):
    rows = [row("a", ["Labs"], strategy="deny-list"), row("b", ["Labs"], strategy="deny-list")]
    root = {**snapshot()["root"]}
    root["units"] = [
        each if each["name"] != "Labs" else {**each, "policies": ["p-stay", FULL[1]]} for each in root["units"]
    ]
    after = apply(read_proposal(write(tmp_path, rows)), organization(root=root))
    assert "p-FullAWSAccess" in after.nodes["ou-a1b2-labs"].scps


def test_two_strategies_at_one_node(tmp_path):
    rows = [row("a", ["Labs"], strategy="deny-list"), row("b", ["Labs"], strategy="allow-list")]
    with pytest.raises(OrgsimError) as caught:
        proposed(write(tmp_path, rows))
    assert caught.value.code == "proposal-contradiction"


def test_what_agrees_with_the_snapshot_makes_no_note(tmp_path):
    text = json.dumps(snapshot()["policies"]["p-stay"]["document"])
    proposal = read_proposal(write(tmp_path, [row("stay", ["Root"])], policies={"stay": text}))
    assert not [each for each in notes(proposal, organization()) if "stay`" in each]


def test_policies_of_aws(tmp_path):
    where = proposed(write(tmp_path, [row("stay", ["Labs"], type="awsManaged"), row("c", ["Root"])]))
    assert where["stay"] == ["Labs", "Root"]


def test_units_are_created_and_accounts_moved(tmp_path):
    accounts = {
        "mandatoryAccounts": [{"name": "Management", "email": "m@example.com", "organizationalUnit": "Root"}],
        "workloadAccounts": [
            {"name": "Loose", "email": "loose@example.com", "organizationalUnit": "Workloads/New"},
            {"name": "shop", "email": "shop@example.com", "organizationalUnit": "Workloads/Prod"},
            {"name": "test", "email": "test@example.com", "organizationalUnit": "Ignored"},
            {"name": "fresh", "email": "fresh@example.com", "organizationalUnit": "Workloads/New"},
        ],
        "accountIds": [{"email": "loose@example.com", "accountId": LOOSE}],
    }
    units = [
        {"name": "Workloads/New"},
        {"name": "Workloads"},
        {"name": "Workloads/Prod"},
        {"name": "Ignored", "ignore": True},
    ]
    write(
        tmp_path,
        [row("a", ["Workloads/New"], ["Loose"])],
        organizationalUnits=units,
        files={"accounts-config.yaml": accounts},
    )
    proposal, before = read_proposal(tmp_path), organization()
    after = apply(proposal, before)
    assert after.path(LOOSE) == "Workloads/New"
    assert after.path(SHOP) == "Workloads/Prod"
    assert after.path("333333333333") == "Labs/Prod"
    where = {after.full_path(node.id) for node in after.attachments("proposed:scp/a")}
    assert where == {"Workloads/New", "Workloads/New/loose"}
    told = notes(proposal, before)
    assert "the unit `Workloads/New` is not in the snapshot and is taken as new" in told
    assert any("`fresh` is not in the snapshot" in each for each in told)


def test_units_by_the_ids_of_the_configuration(tmp_path):
    ids = [{"name": "Elsewhere", "id": "ou-a1b2-labs", "arn": "arn:x"}]
    assert proposed(write(tmp_path, [row("a", ["Elsewhere"])], organizationalUnitIds=ids))["a"] == ["Labs"]


def test_without_a_snapshot_units_are_not_taken_as_new(tmp_path):
    write(tmp_path, [row("a", ["Workloads"])], organizationalUnits=[{"name": "Workloads"}])
    with pytest.raises(OrgsimError) as caught:
        apply(read_proposal(tmp_path), without_snapshot())
    assert (caught.value.code, "without --organization" in caught.value.hint) == ("unknown-target", True)


# Placeholders

ACCOUNTS = {
    "mandatoryAccounts": [
        {"name": "Management", "email": "m@example.com", "organizationalUnit": "Root"},
        {"name": "Audit", "email": "a@example.com", "organizationalUnit": "Security"},
    ],
    "workloadAccounts": [{"name": "Open", "email": "o@example.com", "organizationalUnit": "Open"}],
    "accountIds": [{"email": "m@example.com", "accountId": SHOP}, {"email": "a@example.com", "accountId": BANK}],
}
REPLACEMENTS = {
    "globalReplacements": [
        {"key": "Role", "type": "String", "value": 'Admin"x'},
        {"key": "Regions", "type": "StringList", "value": ["a", "b"]},
        {"key": "Stored", "type": "SSM", "path": "/accelerator/x"},
        {"key": "Old", "path": "/accelerator/y"},
    ]
}
GLOBAL = (
    "homeRegion: &HOME eu-central-1\nenabledRegions: [*HOME]\nmanagementAccountAccessRole: Access\nx: {{ Nowhere }}\n"
)
FILES = {"accounts-config.yaml": ACCOUNTS, "replacements-config.yaml": REPLACEMENTS, "global-config.yaml": GLOBAL}

VALUES = {
    # name: (what stands in the policy, what is given, what it becomes or the code of the error)
    "policy-variable": ('"arn:${aws:username}${*}"', [], ["arn:${aws:username}${*}"]),
    "custom-text": ('"r/${ACCEL_LOOKUP::CUSTOM:Role}"', [], ['r/Admin"x']),
    "custom-list": ("${ACCEL_LOOKUP::CUSTOM:Regions}", [], ["a", "b"]),
    "custom-list-in-quotes": ('"${ACCEL_LOOKUP::CUSTOM:Regions}"', [], ["a", "b"]),
    "custom-list-given": ("${ACCEL_LOOKUP::CUSTOM:Regions}", ["Regions=c,d"], ["c", "d"]),
    "custom-list-in-a-text": ('"x-${ACCEL_LOOKUP::CUSTOM:Regions}-y"', [], "source-placeholder"),
    "stored": ('"${ACCEL_LOOKUP::CUSTOM:Stored}"', [], "source-placeholder"),
    "stored-old-form": ('"${ACCEL_LOOKUP::CUSTOM:Old}"', [], "source-placeholder"),
    "stored-given": ('"${ACCEL_LOOKUP::CUSTOM:Stored}"', ["Stored=x"], ["x"]),
    "account": ('"${MANAGEMENT_ACCOUNT_ID} ${AUDIT_ACCOUNT_ID} ${ACCOUNT_ID}"', [], [f"{SHOP} {BANK} {SHOP}"]),
    "account-unknown": ('"${LOGARCHIVE_ACCOUNT_ID}"', [], "source-placeholder"),
    "account-ids": ("[${ACCEL_LOOKUP::ACCOUNT_ID:OU:Security}]", [], [BANK]),
    "account-ids-in-quotes": ('"${ACCEL_LOOKUP::ACCOUNT_ID:ACCOUNT:Audit}"', [], [BANK]),
    "account-ids-of-all": ("[${ACCEL_LOOKUP::ACCOUNT_ID:ORG}]", [], "source-placeholder"),
    "account-ids-given": ("[${ACCEL_LOOKUP::ACCOUNT_ID:ORG}]", ["ACCEL_LOOKUP::ACCOUNT_ID:ORG=1,2"], ["1", "2"]),
    "vpc": ("[${ACCEL_LOOKUP::VPC_ID:OU:Security}]", [], "source-placeholder"),
    "vpc-given": ("[${ACCEL_LOOKUP::VPC_ID:ORG}]", ["ACCEL_LOOKUP::VPC_ID:ORG=vpc-1"], ["vpc-1"]),
    "prefix": ('"${ACCELERATOR_PREFIX}-x"', [], "source-placeholder"),
    "prefix-given": ('"${ACCELERATOR_PREFIX}-x"', ["ACCELERATOR_PREFIX=AWSAccelerator"], ["AWSAccelerator-x"]),
    "prefix-forms": ('"${ACCELERATOR_PREFIX_ND} ${ACCELERATOR_PREFIX_LND}"', ["ACCELERATOR_PREFIX=My-"], ["My my"]),
    "settings": ('"${HOME_REGION} ${MANAGEMENT_ACCOUNT_ACCESS_ROLE}"', [], ["eu-central-1 Access"]),
    "partition": ('"arn:${PARTITION}:s3:::x"', [], ["arn:aws:s3:::x"]),
    "partition-given": ('"${PARTITION}"', ["PARTITION=aws-cn"], ["aws-cn"]),
    "organization": ('"${ORG_ID}"', [], "source-placeholder"),
}


@pytest.mark.parametrize("name", list(VALUES))
def test_placeholder_in_a_policy(tmp_path, name):
    written, given, want = VALUES[name]
    text = f'{{\n"Statement": {{\n"Effect": "Deny", "Action": "s3:*",\n"Resource": {written}\n}}\n}}'
    write(tmp_path, [row("a", ["Root"])], files=FILES, policies={"a": text})
    if isinstance(want, str):
        error = error_of(tmp_path, given)
        assert (error.code, error.file, error.line) == (want, str(tmp_path / "a.json"), 4)
        return
    document = read_proposal(tmp_path, parameters=given).policies[0].document
    assert [word.value for word in document.statements[0].resources.words] == want
    assert document.statements[0].resources.span.line == 4


def test_placeholders_in_the_configuration(tmp_path):
    folder = write(tmp_path, [row("x", ["Root"], description="{{ Nowhere }}")], files=FILES)
    path = folder / "organization-config.yaml"
    path.write_text(path.read_text().replace("name: x", "name: {{ Stored }}-x").replace("- Root", "- {{Where}}"))
    assert proposed(folder, ["Stored=my", "Where=Labs"])["my-x"] == ["Labs"]
    error = error_of(folder, ["Where=Labs"])
    assert (error.code, error.file, error.line) == ("source-placeholder", str(path), 3)
    assert "--parameters 'Stored=…'" in error.hint


def test_an_account_helper(tmp_path):
    folder = write(tmp_path, [row("x", accounts=["ACCOUNT"])], files=FILES)
    path = folder / "organization-config.yaml"
    path.write_text(path.read_text().replace("- ACCOUNT", "- \"{{ account 'Management' }}\""))
    # The file says, too, that the account lies in the root.
    assert proposed(folder)["x"] == ["shop"]


# Refused


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"policy": "../outside.json"}, "source-outside"),
        ({"policy": "/etc/hostname"}, "source-outside"),
        ({"policy": "missing.json"}, "proposal-missing-file"),
        ({"policy": "a\0b"}, "proposal-missing-file"),
        ({"policy": "x" * 5000}, "proposal-missing-file"),
        ({"policy": ["a"]}, "source-shape"),
        ({"strategy": "both"}, "source-shape"),
        ({"type": "mine"}, "source-shape"),
        ({"deploymentTargets": None}, "source-missing"),
        ({"deploymentTargets": {"organizationalUnits": "Root"}}, "source-shape"),
        ({"name": None}, "source-missing"),
        ({"name": ""}, "source-shape"),
    ],
)
def test_refused(tmp_path, change, code):
    folder = tmp_path / "config"
    folder.mkdir()
    (tmp_path / "outside.json").write_text(json.dumps(deny()))
    write(folder, [row("a", ["Root"])])
    config = {"enable": True, "serviceControlPolicies": [{**row("a", ["Root"]), **change}]}
    (folder / "organization-config.yaml").write_text(yaml.safe_dump(config))
    error = error_of(folder)
    assert (error.code, error.file) == (code, str(folder / "organization-config.yaml"))
    assert error.line


def test_a_link_that_leads_out_of_the_folder(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "outside.json").write_text(json.dumps(deny()))
    folder = write(tmp_path / "config", [row("a", ["Root"])])
    (folder / "a.json").unlink()
    (folder / "a.json").symlink_to(tmp_path / "outside.json")
    assert error_of(folder).code == "source-outside"


@pytest.mark.parametrize("more", [{"enable": False}, {"serviceControlPolicies": []}])
def test_nothing_to_simulate(tmp_path, more):
    write(tmp_path, [row("a", ["Root"])], **more)
    assert error_of(tmp_path).code == "proposal-empty"


def test_an_account_id_without_quotes(tmp_path):
    folder = write(tmp_path, [row("a", accounts=["ID"])])
    path = folder / "organization-config.yaml"
    path.write_text(path.read_text().replace("- ID", "- 012345670123"))
    assert error_of(folder).code == "yaml-unquoted"
    path.write_text(path.read_text().replace("- 012345670123", f"- {SHOP}"))
    assert proposed(folder)["a"] == ["Workloads/Prod/shop"]
