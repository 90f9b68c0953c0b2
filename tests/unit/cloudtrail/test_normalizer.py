"""Records as requests: the whole way from a record, and records that mean harm."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.cloudtrail.actions import ActionMap
from simulator.cloudtrail.checks import ActionCheck, Mapped, ResourceCheck, Skipped, Unmapped
from simulator.cloudtrail.normalizer import Normalizer
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resources import ResourceMap
from simulator.decision.facts import Facts
from simulator.decision.request import UNKNOWN, PrincipalKind, Request, Tier
from simulator.iam.catalog import Catalog

ACCOUNT = "111122223333"
USER = {
    "type": "IAMUser",
    "principalId": "AIDAEXAMPLE",
    "arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
    "accountId": ACCOUNT,
    "accessKeyId": "AKIAEXAMPLE",
    "userName": "alice",
}
KEYS = frozenset(
    {
        "aws:calledvia",
        "aws:currenttime",
        "aws:multifactorauthpresent",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principaltag/team",
        "aws:requestedregion",
        "aws:requesttag/team",
        "aws:resourceorgid",
        "aws:resourcetag/team",
        "aws:securetransport",
        "aws:signinsessionarn",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourcevpce",
        "aws:tagkeys",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:viaawsservice",
        "aws:vpceorgid",
        "ec2:instancetype",
        "iam:passedtoservice",
        "kms:encryptioncontext:team",
        "kms:encryptioncontextkeys",
        "lambda:sourcefunctionarn",
        "lambda:vpcids",
        "s3:prefix",
        "s3:requestobjecttagkeys",
        "s3:signatureversion",
        "s3:x-amz-acl",
        "token.actions.githubusercontent.com:sub",
    }
)


@cache
def normalizer() -> Normalizer:
    catalog = Catalog()
    return Normalizer(catalog, KEYS, ActionMap(catalog), ResourceMap(catalog))


def record(source: str, name: str, parameters: Any = None, **fields: Any) -> Record:
    document = {
        "eventVersion": "1.11",
        "eventTime": "2026-09-30T12:00:00Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.5",
        "recipientAccountId": ACCOUNT,
        "userIdentity": USER,
        "requestParameters": parameters,
        **fields,
    }
    return msgspec.json.decode(json.dumps(document), type=Record)


def requests(found: Record, facts: Facts | None = None) -> tuple[Request, ...]:
    result = normalizer().normalize(found, facts or Facts())
    assert isinstance(result, Mapped), result
    return result.requests


class Actions:
    """Answers what it was given."""

    def __init__(self, answer: tuple[ActionCheck, ...] | Unmapped | Skipped) -> None:
        self.answer = answer

    def checks(self, record: Record, parameters: Parameters) -> tuple[ActionCheck, ...] | Unmapped | Skipped:
        return self.answer


class Resources:
    def __init__(self, *answer: ResourceCheck) -> None:
        self.answer = answer

    def resources(self, record: Record, parameters: Parameters, action: str, facts: Facts) -> tuple[ResourceCheck, ...]:
        return self.answer


def given_checks(answer: Any, *resources: ResourceCheck, keys: frozenset[str] = KEYS) -> Any:
    made = Normalizer(Catalog(), keys, Actions(answer), Resources(*resources))
    return made.normalize(record("s3", "GetObject", {"bucketName": "b", "key": "k"}), Facts())


READ = ActionCheck("s3:GetObject", Tier.REQUIRED, "test")
OBJECT = ResourceCheck("arn:aws:s3:::b/k", ACCOUNT, "object")


def test_one_request_for_each_action_and_resource() -> None:
    also = ActionCheck("s3:GetObjectTagging", Tier.POSSIBLE, "test")
    other = replace(OBJECT, arn="arn:aws:s3:::b/other", exempt=True)
    result = given_checks((READ, also), OBJECT, other)
    assert [(r.action, r.tier, r.resource, r.exempt_resource) for r in result.requests] == [
        ("s3:GetObject", Tier.REQUIRED, "arn:aws:s3:::b/k", False),
        ("s3:GetObject", Tier.REQUIRED, "arn:aws:s3:::b/other", True),
        ("s3:GetObjectTagging", Tier.POSSIBLE, "arn:aws:s3:::b/k", False),
        ("s3:GetObjectTagging", Tier.POSSIBLE, "arn:aws:s3:::b/other", True),
    ]
    assert {r.principal.arn for r in result.requests} == {USER["arn"]}


def test_an_uncertain_resource_leaves_everything_about_it_open() -> None:
    (request,) = given_checks((READ,), replace(OBJECT, certain=False)).requests
    assert (request.resource, request.resource_account, request.exempt_resource) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert request.certain is False


def test_owner_keys_of_an_uncertain_resource_are_unknown() -> None:
    result = given_checks((READ,), replace(OBJECT, certain=False), keys=frozenset({"aws:resourceaccount"}))
    assert result.requests[0].context["aws:resourceaccount"] is UNKNOWN


@pytest.mark.parametrize("answer", [Unmapped("no such event"), Skipped("service-event")])
def test_no_check_is_passed_on(answer: Unmapped | Skipped) -> None:
    assert given_checks(answer, OBJECT) is answer


def test_no_action_and_no_resource_are_never_safe() -> None:
    assert isinstance(given_checks((), OBJECT), Unmapped)
    assert isinstance(given_checks((READ,)), Unmapped)


def test_get_object() -> None:
    found = requests(record("s3", "GetObject", {"bucketName": "b", "key": "k"}))
    (request,) = [request for request in found if request.tier is not Tier.POSSIBLE]
    assert (request.action, request.resource) == ("s3:GetObject", "arn:aws:s3:::b/k")
    assert request.principal.kind is PrincipalKind.USER
    assert request.context["aws:sourceip"] == "203.0.113.5"
    assert "aws:sourcevpce" not in request.context
    assert "ec2:instancetype" not in request.context


def test_instance_type_exists_for_the_instance_alone() -> None:
    """AWS checks a launch once per resource, each with its own keys (Service Authorization Reference, EC2)."""
    parameters = {"instanceType": "t3.micro", "subnetId": "subnet-1", "instancesSet": {"items": [{"imageId": "ami-1"}]}}
    with_key = {
        str(request.resource)
        for request in requests(record("ec2", "RunInstances", parameters))
        if request.action == "ec2:RunInstances" and request.context.get("ec2:instancetype") == "t3.micro"
    }
    without = {
        str(request.resource)
        for request in requests(record("ec2", "RunInstances", parameters))
        if request.action == "ec2:RunInstances" and "ec2:instancetype" not in request.context
    }
    assert with_key == {f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*"}
    assert f"arn:aws:ec2:eu-west-1:{ACCOUNT}:subnet/subnet-1" in without


def test_role_passed_to_lambda() -> None:
    parameters = {"functionName": "f", "role": f"arn:aws:iam::{ACCOUNT}:role/resize"}
    found = [r for r in requests(record("lambda", "CreateFunction20150331", parameters)) if r.action == "iam:PassRole"]
    assert [(r.resource, r.context["iam:passedtoservice"]) for r in found] == [
        (f"arn:aws:iam::{ACCOUNT}:role/resize", "lambda.amazonaws.com")
    ]


def test_cross_region_inference_is_checked_in_the_serving_region_too() -> None:
    """Incident: policies by region deny inference profiles (Amazon Bedrock User Guide, inference-profiles-prereq)."""
    found = requests(
        record(
            "bedrock",
            "InvokeModel",
            {"modelId": "eu.anthropic.claude-3-sonnet-20240229-v1:0"},
            additionalEventData={"inferenceRegion": "eu-central-1"},
        )
    )
    regions = {r.context["aws:requestedregion"] for r in found if r.action == "bedrock:InvokeModel"}
    assert regions == {"eu-west-1", "eu-central-1", UNKNOWN}


def test_inference_in_one_region_is_checked_once() -> None:
    found = requests(record("bedrock", "InvokeModel", {"modelId": "anthropic.claude-3-sonnet-20240229-v1:0"}))
    assert {r.context["aws:requestedregion"] for r in found} == {"eu-west-1"}


def test_regions_are_not_multiplied_for_policies_that_do_not_ask() -> None:
    catalog = Catalog()
    made = Normalizer(catalog, frozenset({"aws:principalarn"}), ActionMap(catalog), ResourceMap(catalog))
    found = made.normalize(record("bedrock", "InvokeModel", {"modelId": "eu.anthropic.claude-3"}), Facts())
    assert isinstance(found, Mapped)
    assert len({id(r) for r in found.requests}) == len({(r.action, str(r.resource)) for r in found.requests})


def test_service_events_are_skipped() -> None:
    found = normalizer().normalize(record("kms", "RotateKey", eventType="AwsServiceEvent"), Facts())
    assert isinstance(found, Skipped)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.just("vpce-1"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "tags", "tagSet", "items", "key", "value", "tagSpecificationSet", "TagSpecification", "XRequest",
                "encryptionContext", "vpcConfig", "subnetIds", "instancesSet", "arn", "requestContext", "tagContext",
                "resourceTags", "principalTags", "credentialsIssuedTo", "sourceAccount", "federatedProvider", "userId",
                "bucketName", "prefix", "x-amz-acl", "tagging", "x-amz-tagging", "modelId", "aws:PrincipalTag/team",
            ]
        )
        | st.text(max_size=4),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150)
@given(
    operation=st.sampled_from(
        [
            ("s3", "PutObject"), ("s3", "ListObjects"), ("ec2", "RunInstances"), ("ec2", "CreateTags"),
            ("kms", "Decrypt"), ("sts", "AssumeRoleWithWebIdentity"), ("lambda", "CreateFunction20150331"),
            ("iam", "CreateRole"), ("bedrock", "InvokeModel"), ("nosuch", "Thing"),
        ]
    ),
    kind=st.sampled_from(
        ["IAMUser", "AssumedRole", "AWSService", "WebIdentityUser", "Root", "AWSAccount", "Odd", None]
    ),
    parameters=JSON,
    extra=JSON,
    scope=JSON,
    context=JSON,
    time=st.text(max_size=25) | st.just("0001-01-01T00:00:00+14:00"),
    address=st.text(max_size=16) | st.sampled_from(["::1", "1.2.3.4", "a:b", "1.2.3.4, 5.6.7.8"]),
)  # fmt: skip
def test_nothing_in_a_record_raises(
    operation: tuple[str, str],
    kind: str | None,
    parameters: Any,
    extra: Any,
    scope: Any,
    context: Any,
    time: str,
    address: str,
) -> None:
    identity = {
        "type": kind,
        "arn": time,
        "principalId": address,
        "accountId": ACCOUNT,
        "inScopeOf": scope,
        "onBehalfOf": scope,
        "invokedByDelegate": extra,
        "sessionContext": {"webIdFederationData": scope, "attributes": {"creationDate": time}},
    }
    hostile = record(
        *operation,
        parameters,
        userIdentity=identity,
        additionalEventData=extra,
        eventContext=context,
        responseElements=extra,
        resources=context,
        eventTime=time,
        sourceIPAddress=address,
        vpcEndpointId=address,
    )
    found = normalizer().normalize(hostile, Facts())
    assert isinstance(found, Mapped | Unmapped | Skipped)
    if isinstance(found, Mapped):
        assert found.requests
        assert all(set(request.context) <= KEYS for request in found.requests)


def test_raw_text_that_is_no_json_is_unknown() -> None:
    broken = msgspec.structs.replace(
        record("s3", "ListObjects"),
        request_parameters=msgspec.Raw(b"{oops"),
        additional_event_data=msgspec.Raw(b"[" * 5000),
        event_context=msgspec.Raw(b'"{'),
    )
    found = requests(broken)
    assert found[0].context["s3:prefix"] is UNKNOWN
