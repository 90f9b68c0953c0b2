"""Which statements requests and records exercise: by side, action and resource, never by what conditions answer."""

import json

import pytest

from simulator.analysis.statement_coverage import CoveredPolicy, coverage_of, exercised, exercised_by_records
from simulator.decision.evaluator import Evaluator
from simulator.decision.program import Program
from simulator.decision.request import UNKNOWN, Principal, PrincipalKind, Request
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy
from tests.replay_tools import Memory, record, role, service
from tests.unit.replay.world import APP, CATALOG, FOREIGN, MANAGEMENT, organization

SCP, RCP = PolicyType.SCP, PolicyType.RCP
NEVER = {"StringEquals": {"aws:PrincipalTag/team": "nobody"}}
ROLE = Principal(PrincipalKind.ROLE, arn=f"arn:aws:iam::{APP}:role/x", account=APP)
LINKED = Principal(PrincipalKind.ROLE, arn=f"arn:aws:iam::{APP}:role/x", account=APP, service_linked=True)


def statement(sid, action, resource="*", **more):
    return {"Sid": sid, "Effect": "Deny", "Action": action, "Resource": resource, **more}


def policy(*statements, side=SCP, file="p.json"):
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return CoveredPolicy(side, parse_policy(text, file))


def clean(*statements):
    return [{name: value for name, value in each.items() if value is not None} for each in statements]


GUARD = policy(
    *clean(
        statement("All", "s3:*", Condition=NEVER),
        statement("Bucket", "S3:Get*", "arn:aws:s3:::logs/*"),
        statement("Other", "sqs:*"),
        statement("Rest", None, NotAction=["s3:*", "sqs:*"]),
    )
)


@pytest.mark.parametrize(
    ("action", "resource", "principal", "wanted"),
    [
        ("s3:GetObject", "arn:aws:s3:::logs/a", ROLE, {"All", "Bucket"}),
        ("s3:GetObject", "arn:aws:s3:::other/a", ROLE, {"All"}),
        ("s3:PutObject", "arn:aws:s3:::logs/a", ROLE, {"All"}),
        ("s3:GetObject", UNKNOWN, ROLE, {"All", "Bucket"}),
        ("SQS:listqueues", "*", ROLE, {"Other"}),
        ("ec2:RunInstances", "*", ROLE, {"Rest"}),
        # A side that does not reach the call asks nothing.
        ("s3:GetObject", "arn:aws:s3:::logs/a", LINKED, set()),
    ],
)
def test_what_a_request_exercises(action, resource, principal, wanted):
    program = Program(SCP, ((GUARD.document,),), CATALOG)
    request = Request(principal=principal, action=action, resource=resource, resource_account=APP)
    assert {each.statement.sid for each in exercised(program, Evaluator(CATALOG), request)} == wanted


def get(bucket="logs", who=None, owner=APP, **more):
    resources = [{"ARN": f"arn:aws:s3:::{bucket}/k", "type": "AWS::S3::Object"}]
    if owner:
        resources.append({"ARN": f"arn:aws:s3:::{bucket}", "accountId": owner, "type": "AWS::S3::Bucket"})
    who = who or role(APP, "app")
    return record("s3", "GetObject", who, parameters={"bucketName": bucket, "key": "k"}, resources=resources, **more)


PERIMETER = policy(statement("Perimeter", "s3:*", Principal="*", Condition=NEVER), side=RCP, file="rcp/p.json")
LISTED = {0: "All", 1: "Bucket", 2: "Other", 3: "Rest"}


def seen(*records, policies=(GUARD, PERIMETER)):
    found = exercised_by_records(policies, [Memory(records)], organization(), CATALOG, lambda _size: None)
    return {LISTED[index] if file == "p.json" else "Perimeter" for file, index in found}


def test_what_records_exercise():
    assert seen() == set()
    assert seen(get()) == {"All", "Bucket", "Perimeter"}
    assert seen(get("other")) == {"All", "Perimeter"}
    assert seen(record("sqs", "ListQueues", role(APP, "app"))) == {"Other"}
    assert seen(
        get(), record("sqs", "ListQueues", role(APP, "app")), record("ec2", "DescribeInstances", role(APP, "app"))
    ) == {
        "All",
        "Bucket",
        "Other",
        "Rest",
        "Perimeter",
    }


def test_only_accounts_of_ours_count():
    """SCPs follow the caller, RCPs the owner; the management account meets neither."""
    assert seen(get(who=role(MANAGEMENT, "admin"), recipient=APP)) == {"Perimeter"}
    assert seen(get(owner=FOREIGN)) == {"All", "Bucket"}
    assert seen(get(who=role(FOREIGN, "app"), recipient=APP)) == {"Perimeter"}
    assert seen(get(who=service("lambda.amazonaws.com"), recipient=APP)) == {"Perimeter"}


def test_what_is_only_possible_does_not_count():
    """An unknown owner may be a stranger, a resource that is unknown may be another one."""
    assert seen(get("unheard", owner=None)) == {"All"}
    decrypt = record("kms", "Decrypt", role(APP, "app"))
    keys = policy(statement("Key", "kms:*", f"arn:aws:kms:eu-central-1:{APP}:key/k"))
    assert seen(decrypt, policies=(keys,)) == set()


def test_a_refused_call_exercises_as_well():
    assert seen(get(errorCode="AccessDenied")) == {"All", "Bucket", "Perimeter"}


def test_coverage_counts_each_file_once():
    again = policy(*clean(statement("All", "s3:*")), file="./p.json")
    coverage = coverage_of((GUARD, PERIMETER, again), {("q/../p.json", 2)}, frozenset({("p.json", 0)}))
    rows = [(each.sid, each.by_case, each.by_record) for each in coverage.statements]
    assert rows == [
        ("All", False, True),
        ("Bucket", False, False),
        ("Other", True, False),
        ("Rest", False, False),
        ("Perimeter", False, False),
    ]
    assert [each.sid for each in coverage.missed] == ["Bucket", "Rest", "Perimeter"]
    assert not coverage_of((GUARD,), set()).with_records
