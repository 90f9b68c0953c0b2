"""Events to IAM actions: the cases of tests/cases/actions.yaml, and what holds for every event."""

import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from simulator.cloudtrail.actions import ActionMap
from simulator.cloudtrail.checks import Skipped, Unmapped
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.passed_roles import PassedRole
from simulator.cloudtrail.record import Record
from simulator.decision.request import Tier
from simulator.iam.catalog import Catalog
from simulator.iam.catalog_update import CatalogUpdate, ServiceUpdate

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "actions.yaml").read_text(encoding="utf-8"))["cases"]
CATALOG = Catalog()
ACTIONS = ActionMap(CATALOG)


def record_of(event: dict[str, Any]) -> Record:
    return msgspec.json.decode(msgspec.json.encode({"eventType": "AwsApiCall", **event}), type=Record)


def checks_of(event: dict[str, Any], actions: ActionMap = ACTIONS) -> Any:
    record = record_of(event)
    return actions.checks(record, Parameters.from_record(record))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    found = checks_of(case["event"])
    if "skipped" in case:
        assert found == Skipped(case["skipped"])
        assert case["skipped"] in ACTIONS.skip_reasons
        return
    if "unmapped" in case:
        assert isinstance(found, Unmapped)
        assert case["unmapped"] in found.reason
        return
    assert isinstance(found, tuple), found
    by_tier = {tier: {check.action for check in found if check.tier is tier} for tier in Tier}
    assert by_tier[Tier.REQUIRED] == set(case.get("required", ()))
    assert by_tier[Tier.PROVEN] == set(case.get("proven", ()))
    if "possible" in case:
        assert by_tier[Tier.POSSIBLE] == set(case["possible"])
    assert all(check.source for check in found)


def test_case_ids_are_unique() -> None:
    ids = [case["id"] for case in CASES]
    assert len(ids) == len(set(ids))


def test_required_checks_come_first_and_each_action_once() -> None:
    for case in CASES:
        found = checks_of(case["event"])
        if isinstance(found, tuple):
            order = [list(Tier).index(check.tier) for check in found]
            assert order == sorted(order)
            assert len({check.action for check in found}) == len(found)


def test_every_reason_of_the_closed_list_is_used_by_a_case() -> None:
    assert set(ACTIONS.skip_reasons) == {case["skipped"] for case in CASES if "skipped" in case}


def test_the_passed_role_is_named() -> None:
    record = record_of(
        {
            "eventSource": "ec2.amazonaws.com",
            "eventName": "RunInstances",
            "requestParameters": {"iamInstanceProfile": {"name": "web"}},
        }
    )
    assert ACTIONS.passed_roles(record, Parameters.from_record(record)) == (PassedRole("web", profile=True),)
    record = record_of(
        {
            "eventSource": "ecs.amazonaws.com",
            "eventName": "RegisterTaskDefinition",
            "requestParameters": {
                "taskRoleArn": "arn:aws:iam::111122223333:role/task",
                "executionRoleArn": "arn:aws:iam::111122223333:role/task",
                "family": "arn:aws:iam::111122223333:role/not-a-role-parameter",
            },
        }
    )
    roles = ACTIONS.passed_roles(record, Parameters.from_record(record))
    assert roles == (PassedRole("arn:aws:iam::111122223333:role/task"),)


def test_explain_shows_every_tier_with_its_condition() -> None:
    explanation = ACTIONS.explain("s3.amazonaws.com", "GetObject")
    tiers = {check.action: (check.tier, check.source) for check in explanation.actions}
    assert tiers["s3:GetObject"][0] is Tier.REQUIRED
    assert tiers["s3:GetObjectVersion"][0] is Tier.PROVEN
    assert "versionId" in tiers["s3:GetObjectVersion"][1]
    assert "instead of s3:GetObject" in tiers["s3:GetObjectVersion"][1]


def test_explain_names_what_tells_shared_sources_apart() -> None:
    explanation = ACTIONS.explain("autoscaling", "DescribeScalingActivities")
    sources = {check.action: check.source for check in explanation.actions}
    assert set(sources) == {
        "autoscaling:DescribeScalingActivities",
        "application-autoscaling:DescribeScalingActivities",
    }
    assert "serviceNamespace" in sources["application-autoscaling:DescribeScalingActivities"]


def test_explain_of_skipped_and_unmapped() -> None:
    assert ACTIONS.explain("signin", "SwitchRole").skipped == "console-sign-in"
    assert ACTIONS.explain("s3lifecycle.amazonaws.com", "DeleteObject").skipped == "aws-service-event"
    assert ACTIONS.explain("nosuchservice", "DoIt").unmapped == "unknown event source: nosuchservice"
    assert ACTIONS.explain("cognito-idp", "InitiateAuth").actions == ()


def updated_catalog(operations: dict[str, tuple[str, ...]]) -> Catalog:
    """A catalog with a local update that knows these operations, as `service:Operation`."""
    services: dict[str, dict[str, tuple[str, ...]]] = {}
    for operation, authorized in operations.items():
        service, _, name = operation.partition(":")
        services.setdefault(service, {})[name] = authorized
    encoded = {name: msgspec.json.encode(ServiceUpdate((), (), (), each)) for name, each in services.items()}
    return Catalog(CatalogUpdate("a test", "2026-01-01T00:00:00Z", encoded))


def test_an_update_outranks_restated_rows_but_not_hand_made_ones() -> None:
    updated = ActionMap(
        updated_catalog(
            {
                "sns:PublishBatch": ("sns:Publish", "kms:GenerateDataKey"),
                "ec2:DescribeInstances": ("ec2:DescribeInstances", "ec2:DescribeTags", "iam:PassRole"),
                "s3:HeadObject": ("s3:ListBucket",),
            }
        )
    )
    assert ACTIONS.explain("sns", "PublishBatch").actions[0].tier is Tier.REQUIRED
    assert all(check.tier is Tier.POSSIBLE for check in updated.explain("sns", "PublishBatch").actions)
    tiers = {check.action: check.tier for check in updated.explain("ec2", "DescribeInstances").actions}
    assert tiers == {
        "ec2:DescribeInstances": Tier.REQUIRED,
        "ec2:DescribeTags": Tier.POSSIBLE,
        "iam:PassRole": Tier.PROVEN,  # Shown under its condition: a role in the parameters.
    }
    assert updated.explain("s3", "HeadObject").actions[0].action == "s3:GetObject"


@pytest.mark.parametrize(
    ("operation", "authorized", "required"),
    [
        ("glue:CreateThing", ("glue:UpdateTable",), {"glue:UpdateTable"}),
        # AWS's references differ: both are required.
        ("glue:CreateTable", ("glue:UpdateTable",), {"glue:CreateTable", "glue:UpdateTable"}),
        # Roles and tags alone do not say what the operation itself is authorized as.
        ("ec2:CreateVpc", ("ec2:CreateTags",), {"ec2:CreateVpc"}),
        ("ec2:MakeThing", ("ec2:CreateTags",), set()),
        ("lambda:AddEventSource", ("iam:PassRole",), set()),
        ("sqs:RetagQueue", ("sqs:TagQueue",), {"sqs:TagQueue"}),
        # Names that no reference has say nothing.
        ("glue:CreateTable", ("glue:NoSuchAction",), {"glue:CreateTable"}),
    ],
)
def test_an_update_proves_only_what_it_says(operation: str, authorized: tuple[str, ...], required: set[str]) -> None:
    service, _, name = operation.partition(":")
    explanation = ActionMap(updated_catalog({operation: authorized})).explain(service, name)
    assert {check.action for check in explanation.actions if check.tier is Tier.REQUIRED} == required


def test_a_pickled_map_answers_the_same() -> None:
    copy = pickle.loads(pickle.dumps(ACTIONS))
    for case in CASES[:20]:
        assert checks_of(case["event"], copy) == checks_of(case["event"])


NAMES = st.sampled_from(
    ["GetObject", "CopyObject", "RunInstances", "AssumeRole", "TagResources", "CreateRestApi", "Nope"]
)
SOURCES = st.sampled_from(["s3", "ec2", "sts", "tagging", "apigateway", "autoscaling", "", "x.amazonaws.com"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4) | st.just("arn:aws:iam::1:role/r"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
PARAMETERS = st.none() | st.dictionaries(
    st.sampled_from(["versionId", "tags", "role", "resourceARNList", "x-amz-copy-source", "launchTemplate", "Host"]),
    VALUES,
)


@given(SOURCES, NAMES | st.text(max_size=20), PARAMETERS | VALUES)
def test_any_record_is_mapped_skipped_or_unmapped(source: str, name: str, parameters: Any) -> None:
    found = checks_of({"eventSource": source, "eventName": name, "requestParameters": parameters})
    if isinstance(found, tuple):
        assert found
        for check in found:
            info = CATALOG.action(check.action)
            assert info is not None
            assert info.name == check.action
    else:
        assert found.reason


@given(NAMES, PARAMETERS)
def test_losing_the_parameters_loses_no_action(name: str, parameters: Any) -> None:
    """What the parameters prove must stay at least possible when CloudTrail did not log them."""
    for source in ("s3", "ec2", "sts", "apigateway"):
        full = checks_of({"eventSource": source, "eventName": name, "requestParameters": parameters})
        lost = checks_of({"eventSource": source, "eventName": name})
        if isinstance(full, tuple):
            rare = {check.action for check in full if check.action.startswith("s3-object-lambda:")}
            assert {check.action for check in full} - rare <= {check.action for check in lost}
