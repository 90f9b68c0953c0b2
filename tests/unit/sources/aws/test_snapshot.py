"""`orgsim snapshot` against an organization in moto, over HTTP, with what can go wrong on the way."""

import json
from pathlib import Path

import boto3
import jsonschema
import pytest

from simulator.errors import ExitStatus
from simulator.organization.snapshot import parse_organization
from simulator.policy.document import PolicyType
from tests.e2e.command import ROOT, call
from tests.unit.sources.aws import organization as made
from tests.unit.sources.aws.server import SECRETS, failure

POLICIES = ("snapshot.json", "snapshot-tags.json")
SCHEMA = json.loads((ROOT / "simulator/organization/organization.schema.json").read_text(encoding="utf-8"))


def snapshot(folder: Path, *more, status=ExitStatus.OK):
    path = folder / "organization.json"
    done = call("snapshot", "-o", path, *more)
    assert done.returncode == status, done.stderr.decode()
    for secret in SECRETS:
        assert secret.encode() not in done.stdout + done.stderr
    if not path.exists():
        return None, done
    text = path.read_text(encoding="utf-8")
    assert not any(secret in text for secret in SECRETS)
    jsonschema.validate(json.loads(text), SCHEMA)
    return json.loads(text), done


def shape(text):
    """An organization without the order of lists."""
    value = parse_organization(text)
    nodes = {
        node.id: (node.name, node.kind, node.parent, frozenset(node.scps), frozenset(node.rcps), node.status)
        for node in value.nodes.values()
    }
    policies = {policy.id: (policy.name, policy.type, policy.document.statements) for policy in value.policies.values()}
    names = {key: (name, kind, len(statements)) for key, (name, kind, statements) in policies.items()}
    return value.id, value.management_account, nodes, names, value.policy_types, value.delegated_administrators


def test_the_whole_organization(proxy, ids, tmp_path):
    content, done = snapshot(tmp_path)
    by_hand = json.dumps(made.by_hand(ids))
    assert shape(json.dumps(content)) == shape(by_hand)
    assert content["incomplete"] == []
    assert b"5 units, 30 accounts (1 SUSPENDED), 4 SCPs, 1 RCPs;" in done.stdout
    assert call("snapshot", "diff", tmp_path / "organization.json", tmp_path / "organization.json").returncode == 0
    # One pass is enough: each node of the tree is asked for once, each policy once.
    operations = [each.operation for each in proxy.calls]
    assert operations.count("ListTargetsForPolicy") == 2 + len(made.POLICIES)
    assert "ListPoliciesForTarget" not in operations


def simulate(folder, organization, name):
    path = folder / name
    path.write_text(organization, encoding="utf-8")
    proposal = folder / "proposal"
    proposal.mkdir(exist_ok=True)
    (proposal / "proposal.yaml").write_text(
        "policies:\n  - name: no-keys\n    type: SERVICE_CONTROL_POLICY\n    file: no-keys.json\n"
        "    attach: [Workloads/Prod, Platform]\ndetach:\n  - policy: regions\n    from: [Workloads]\n",
        encoding="utf-8",
    )
    (proposal / "no-keys.json").write_text(json.dumps(made.deny("kms:ScheduleKeyDeletion", "s3:PutObject")))
    return call("simulate", proposal, "--logs", folder / "log.json", "--organization", path, "--format", "json")


def outcomes(done):
    return json.loads(done.stdout)["outcomes"]


def without_places(value):
    """A report without the lines at which statements stand: two files say the same on other lines."""
    if isinstance(value, dict):
        left_out = ("file", "line", "column")
        return {name: without_places(each) for name, each in value.items() if name not in left_out}
    return [without_places(each) for each in value] if isinstance(value, list) else value


def log(ids):
    """Calls that meet every attachment: of each unit, denied and allowed, inside and outside of the regions."""
    calls = (
        ("kms", "ScheduleKeyDeletion", "eu-central-1"),
        ("ec2", "DescribeInstances", "us-east-1"),
        ("ec2", "DescribeInstances", "eu-west-1"),
        ("cloudtrail", "StopLogging", "eu-central-1"),
        ("organizations", "LeaveOrganization", "us-east-1"),
    )
    records = []
    for account in (*(ids[name] for names in made.ACCOUNTS.values() for name in names), made.MANAGEMENT):
        for service, name, region in calls:
            role = f"arn:aws:iam::{account}:role/app"
            issuer = {"type": "Role", "arn": role, "accountId": account, "principalId": "AROAX", "userName": "app"}
            identity = {
                "type": "AssumedRole",
                "arn": f"arn:aws:sts::{account}:assumed-role/app/x",
                "accountId": account,
                "principalId": "AROAX:x",
                "sessionContext": {"sessionIssuer": issuer},
            }
            records.append(
                {
                    "eventVersion": "1.11",
                    "eventTime": "2026-10-01T10:00:00Z",
                    "eventSource": f"{service}.amazonaws.com",
                    "eventName": name,
                    "eventID": f"e{len(records)}",
                    "eventType": "AwsApiCall",
                    "awsRegion": region,
                    "sourceIPAddress": "192.0.2.1",
                    "recipientAccountId": account,
                    "userIdentity": identity,
                    "requestParameters": {"keyId": f"arn:aws:kms:{region}:{account}:key/k"} if service == "kms" else {},
                    "responseElements": None,
                }
            )
    return json.dumps({"Records": records})


def test_simulating_with_it_is_simulating_with_one_written_by_hand(proxy, ids, tmp_path):
    content, _ = snapshot(tmp_path)
    (tmp_path / "log.json").write_text(log(ids), encoding="utf-8")
    live = simulate(tmp_path, json.dumps(content), "live.json")
    by_hand = simulate(tmp_path, json.dumps(made.by_hand(ids)), "by-hand.json")
    assert live.returncode == ExitStatus.FINDINGS, live.stderr.decode()
    reports = [without_places(json.loads(each.stdout)) for each in (live, by_hand)]
    assert reports[0] == reports[1]
    assert {finding["outcome"] for finding in reports[0]["findings"]} == {"newly_denied", "newly_allowed"}


# What goes wrong


def test_access_denied_at_one_unit_and_one_policy(proxy, ids, tmp_path):
    content, _ = snapshot(tmp_path)
    (tmp_path / "log.json").write_text(log(ids), encoding="utf-8")
    whole = outcomes(simulate(tmp_path, json.dumps(content), "whole.json"))

    def spoil(call, reply):
        denied = (call.operation, call.json.get("ParentId") or call.json.get("PolicyId"))
        if denied in (("ListAccountsForParent", ids["Sandbox"]), ("DescribePolicy", ids["keep-trails"])):
            return failure("AccessDeniedException", message="You don't have permissions to access this resource.")
        return None

    proxy.spoil = spoil
    content, done = snapshot(tmp_path, status=ExitStatus.FINDINGS)
    rows = {(row["what"], row["node"]) for row in content["incomplete"]}
    # The accounts of the unit are missing, so policies are attached to nodes that are not in the tree.
    assert rows == {("children", ids["Sandbox"]), ("document", ids["keep-trails"]), ("children", None)}
    assert b"AccessDeniedException" in done.stderr
    organization = parse_organization(json.dumps(content))
    assert organization.may_lack_accounts
    assert not organization.knows(ids["Platform"], PolicyType.SCP)
    assert organization.knows(ids["Workloads"], PolicyType.SCP)
    assert organization.account(ids["shop-1"]) is not None

    # What is unknown stays undecided: nothing that changes for sure is taken for unchanged, or the other way round.
    partial = outcomes(simulate(tmp_path, json.dumps(content), "partial.json"))
    assert partial["possibly_newly_denied"] > whole["possibly_newly_denied"] == 0
    assert 0 < partial["newly_denied"] <= whole["newly_denied"]
    assert partial["unchanged"] <= whole["unchanged"]


def test_throttling_and_server_errors_are_waited_out(proxy, ids, tmp_path):
    seen = set()

    def spoil(call, reply):
        spoiled = (call.operation, call.text)
        if reply is not None or spoiled in seen or call.operation not in ("ListRoots", "ListPolicies"):
            return None
        seen.add(spoiled)
        code, status = ("TooManyRequestsException", 400) if call.operation == "ListPolicies" else ("InternalError", 500)
        return failure(code, status)

    proxy.spoil = spoil
    content, _ = snapshot(tmp_path)
    assert len(seen) == 3
    assert shape(json.dumps(content)) == shape(json.dumps(made.by_hand(ids)))


def test_a_token_that_expires_on_the_way(proxy, ids, tmp_path):

    def spoil(call, reply):
        expired = any(each.operation == "ListPolicies" for each in proxy.calls)
        return failure("ExpiredTokenException", message=f"The token {SECRETS[2]} has expired") if expired else None

    proxy.spoil = spoil
    content, done = snapshot(tmp_path, status=ExitStatus.FINDINGS)
    assert [(row["what"], row["node"]) for row in content["incomplete"]] == [
        ("SERVICE_CONTROL_POLICY", None),
        ("RESOURCE_CONTROL_POLICY", None),
        ("delegated_administrators", None),
    ]
    assert b"have expired" in done.stderr
    # Nothing is asked any more once that is known.
    assert proxy.calls[-1].operation == "ListPolicies"
    organization = parse_organization(json.dumps(content))
    assert len(organization.accounts) == 30
    assert not any(organization.knows(node, each) for node in (ids[""], ids["shop-1"]) for each in PolicyType)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (failure("AccessDeniedException", message="no"), "aws-denied"),
        (failure("ExpiredTokenException"), "aws-credentials"),
        (failure("UnrecognizedClientException", 403), "aws-credentials"),
        (failure("AWSOrganizationsNotInUseException", message="no organization"), "aws-failed"),
    ],
)
def test_nothing_at_all(proxy, tmp_path, reply, code):
    proxy.spoil = lambda call, _: reply
    (tmp_path / "organization.json").write_text("{}")
    done = call("snapshot", "-o", tmp_path / "organization.json")
    assert done.returncode == ExitStatus.FAILED
    assert f"[{code}]" in done.stderr.decode()
    assert (tmp_path / "organization.json").read_text() == "{}"


def test_no_credentials_and_no_profile(proxy, tmp_path, monkeypatch):
    done = call("snapshot", "-o", tmp_path / "o.json", "--profile", "nobody")
    assert (done.returncode, b"[aws-credentials]" in done.stderr) == (ExitStatus.FAILED, True)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    done = call("snapshot", "-o", tmp_path / "o.json")
    assert (done.returncode, b"[aws-credentials]" in done.stderr) == (ExitStatus.FAILED, True)
    assert not proxy.calls


def test_wrong_usage(proxy, tmp_path):
    for arguments in (
        (),
        ("-o", "x", "--tags"),
        ("-o", "x", "--role-name", "r"),
        ("-o", "x", "--role-arn", "nonsense"),
        ("-o", "x", "--region", "nowhere"),
    ):
        assert call("snapshot", *arguments).returncode == ExitStatus.USAGE
    assert not proxy.calls


def test_what_a_snapshot_lacks_is_not_compared(proxy, ids, tmp_path):
    snapshot(tmp_path)
    old = tmp_path / "old.json"
    (tmp_path / "organization.json").rename(old)
    proxy.spoil = lambda call, _: (
        failure("AccessDeniedException")
        if call.text.find(ids["Sandbox"]) >= 0 or call.operation == "ListPolicies"
        else None
    )
    snapshot(tmp_path, status=ExitStatus.FINDINGS)
    done = call("snapshot", "diff", old, tmp_path / "organization.json")
    assert done.stdout == b""
    assert b"incomplete" in done.stderr
    assert done.returncode == ExitStatus.OK


# From here on, AWS is changed: each test begins with an empty one


def test_a_policy_type_that_is_off(empty, tmp_path):
    made.build(empty, rcps=False)
    content, done = snapshot(tmp_path)
    assert content["policy_types"] == ["SERVICE_CONTROL_POLICY"]
    assert b"RCPs are off" in done.stdout
    assert parse_organization(json.dumps(content)).policy_types == {PolicyType.SCP}


def test_tags_and_owners(empty, tmp_path):
    proxy, ids = empty, made.build(empty)
    backend = f"http://127.0.0.1:{proxy.backend}"
    boto3.client("s3", endpoint_url=backend).create_bucket(
        Bucket="managed", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    role = f"arn:aws:iam::{ids['shop-1']}:role/OrganizationAccountAccessRole"
    got = boto3.client("sts", endpoint_url=backend).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    keys = {
        "aws_access_key_id": got["AccessKeyId"],
        "aws_secret_access_key": got["SecretAccessKey"],
        "aws_session_token": got["SessionToken"],
        "endpoint_url": backend,
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam = boto3.client("iam", **keys)
    tags = [{"Key": "team", "Value": "red"}]
    iam.create_role(RoleName="app", Path="/a/", AssumeRolePolicyDocument=trust, Tags=tags)
    iam.create_user(UserName="ann")
    s3 = boto3.client("s3", **keys)
    s3.create_bucket(Bucket="shop", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_tagging(Bucket="shop", Tagging={"TagSet": tags})

    def spoil(call, reply):
        if call.operation == "AssumeRole" and ids["shop-2"] in call.text:
            return failure("AccessDenied", 403, "is not authorized to perform: sts:AssumeRole", service="query")
        return None

    proxy.spoil = spoil
    more = ("--tags", "--role-name", "OrganizationAccountAccessRole")
    content, _ = snapshot(tmp_path, *more, status=ExitStatus.FINDINGS)
    account = ids["shop-1"]
    assert content["principal_tags"][f"arn:aws:iam::{account}:role/a/app"] == {"team": "red"}
    assert content["principal_tags"][f"arn:aws:iam::{account}:user/ann"] == {}
    assert content["resource_accounts"] == {"arn:aws:s3:::shop": account, "managed": made.MANAGEMENT, "shop": account}
    assert content["resource_tags"] == {"arn:aws:s3:::shop": {"team": "red"}}
    rows = {(row["what"], row["node"]) for row in content["incomplete"]}
    tables = ("principal_tags", "resource_tags", "resource_accounts")
    assert rows == {(what, ids["shop-2"]) for what in tables}
    # A closed account cannot be asked; the own one is asked without a role.
    assumed = [each.text for each in proxy.calls if each.operation == "AssumeRole"]
    assert len(assumed) == 28
    assert not any(ids[made.CLOSED] in each or made.MANAGEMENT in each for each in assumed)


def test_what_changed(empty, tmp_path):
    proxy, ids = empty, made.build(empty)
    snapshot(tmp_path)
    old = tmp_path / "old.json"
    (tmp_path / "organization.json").rename(old)
    client = boto3.client("organizations", endpoint_url=f"http://127.0.0.1:{proxy.backend}")
    client.move_account(
        AccountId=ids["test-1"], SourceParentId=ids["Workloads/Test"], DestinationParentId=ids["Sandbox"]
    )
    client.update_policy(PolicyId=ids["stay"], Content=json.dumps(made.deny("organizations:*")))
    client.detach_policy(PolicyId=ids["keep-trails"], TargetId=ids["logs"])
    client.attach_policy(PolicyId=ids["spare"], TargetId=ids["Sandbox"])
    client.create_organizational_unit(ParentId=ids[""], Name="New")
    snapshot(tmp_path)
    done = call("snapshot", "diff", old, tmp_path / "organization.json")
    assert done.returncode == ExitStatus.FINDINGS
    lines = done.stdout.decode().splitlines()
    new = next(line for line in lines if line.startswith("unit New"))
    assert sorted(lines) == sorted(
        [
            f"account test-1 ({ids['test-1']}) was moved from Workloads/Test to Sandbox",
            f"SCP stay ({ids['stay']}) was edited",
            f"SCP keep-trails ({ids['keep-trails']}) was detached from logs ({ids['logs']})",
            f"SCP spare ({ids['spare']}) was attached to Sandbox ({ids['Sandbox']})",
            new,
        ]
    )
    assert new.endswith("was added under Root")
