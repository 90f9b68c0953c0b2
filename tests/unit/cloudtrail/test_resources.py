"""The cases of tests/cases/resources.yaml, and what holds for every record."""

import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.cloudtrail.checks import ResourceCheck
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resources import ResourceMap
from simulator.decision.facts import Facts
from simulator.decision.request import UNKNOWN
from simulator.iam.catalog import Catalog

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "resources.yaml").read_text("utf-8"))
CALLER = {
    "type": "AssumedRole",
    "accountId": "111111111111",
    "arn": "arn:aws:sts::111111111111:assumed-role/app/session",
    "sessionContext": {"sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111111111111:role/team/app"}},
}
FRAME = {"userIdentity": CALLER, "awsRegion": "us-east-1", "recipientAccountId": "111111111111"}


@pytest.fixture(scope="module")
def resource_map() -> ResourceMap:
    return ResourceMap(Catalog())


def record_of(fragment: dict[str, Any]) -> Record:
    return msgspec.json.decode(msgspec.json.encode(FRAME | fragment), type=Record)


def look(
    resource_map: ResourceMap, action: str, fragment: dict[str, Any], facts: Facts | None = None
) -> list[ResourceCheck]:
    record = record_of(fragment)
    return list(resource_map.resources(record, Parameters.from_record(record), action, facts or Facts()))


def written(check: ResourceCheck, with_type: bool) -> dict[str, Any]:
    def text(value: object) -> object:
        return "unknown" if value is UNKNOWN else "none" if value is None else value

    plain = {"arn": text(check.arn), "account": text(check.account)}
    rest = {"created": check.created, "exempt": text(check.exempt), "certain": check.certain}
    defaults = {"created": False, "exempt": False, "certain": True}
    plain |= {name: value for name, value in rest.items() if value != defaults[name]}
    return plain | ({"type": check.type} if with_type else {})


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any], resource_map: ResourceMap) -> None:
    fragment = dict(case["record"])
    if "message_length" in case:
        fragment["errorMessage"] = fragment["errorMessage"].rjust(case["message_length"], "x")
    found = look(resource_map, case["action"], fragment, Facts(**case.get("facts", {})))
    expected = sorted(case["expect"], key=lambda each: each["arn"])
    found.sort(key=lambda check: "unknown" if check.arn is UNKNOWN else check.arn)
    assert [written(check, "type" in want) for check, want in zip(found, expected, strict=False)] == expected
    assert len(found) == len(expected)


ACTIONS = ["s3:GetObject", "ec2:RunInstances", "iam:PassRole", "kms:CreateAlias", "dynamodb:Query", "ssm:SendCommand"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.sampled_from(["arn:aws:s3:::b", "arn:", "arn:::::", "i-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["bucketName", "key", "tableName", "indexName", "roleArn", "keyId", "targets", "instancesSet"])


@settings(max_examples=150, deadline=None)
@given(
    action=st.sampled_from(ACTIONS),
    parameters=st.none() | st.dictionaries(NAMES, VALUES, max_size=4) | VALUES,
    resources=VALUES,
    message=st.none() | st.text(max_size=20).map(lambda text: f"not authorized to perform: x:Y on resource: {text}"),
)
def test_any_record_gives_at_least_one_check_and_no_star(
    action: str, parameters: object, resources: object, message: str | None, resource_map: ResourceMap
) -> None:
    fragment = {"requestParameters": parameters, "resources": resources, "errorMessage": message, "eventName": "X"}
    checks = look(resource_map, action, fragment)
    assert checks
    assert len(set(checks)) == len(checks)
    # Actions with resources are never checked on the star that stands for "no resource".
    assert all(check.arn != "*" for check in checks)


def test_the_order_of_questions_does_not_matter() -> None:
    fragment = {"eventName": "GetObject", "requestParameters": {"bucketName": "b", "key": "k"}}
    first, second = ResourceMap(Catalog()), ResourceMap(Catalog())
    for action in ACTIONS:
        look(first, action, fragment)
    for action in reversed(ACTIONS):
        look(second, action, fragment)
    assert [look(first, action, fragment) for action in ACTIONS] == [
        look(second, action, fragment) for action in ACTIONS
    ]


def test_a_pickled_map_answers_the_same(resource_map: ResourceMap) -> None:
    fragment = {"eventName": "GetObject", "requestParameters": {"bucketName": "b", "key": "k"}}
    found = look(resource_map, "s3:GetObject", fragment)
    assert look(pickle.loads(pickle.dumps(resource_map)), "s3:GetObject", fragment) == found


def test_other_facts_are_not_mixed_up(resource_map: ResourceMap) -> None:
    fragment = {"eventName": "GetRole", "requestParameters": {"roleName": "deploy"}}
    arn = "arn:aws:iam::111111111111:role/x/deploy"
    assert look(resource_map, "iam:GetRole", fragment, Facts(resource_accounts={arn: "111111111111"}))[0].arn == arn
    assert look(resource_map, "iam:GetRole", fragment)[0].arn is UNKNOWN
