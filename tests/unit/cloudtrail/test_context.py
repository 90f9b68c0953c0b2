"""Every case of tests/cases/context.yaml: what one record proves about condition keys."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from simulator.cloudtrail.checks import ResourceCheck
from simulator.cloudtrail.context import ContextBuilder
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import principal_of
from simulator.cloudtrail.record import Record
from simulator.decision.facts import Facts, SessionFacts
from simulator.decision.request import UNKNOWN, OneOf, Outside
from simulator.iam.catalog import Catalog

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "cases" / "context.yaml").read_text(encoding="utf-8"))
CASES = DOCUMENT["cases"]
BASE: dict[str, Any] = {
    "eventVersion": "1.11",
    "eventTime": "2026-09-30T12:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "eventType": "AwsApiCall",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "203.0.113.5",
    "userAgent": "aws-cli/2.0",
    "requestParameters": {"bucketName": "data", "key": "x"},
}
RESOURCE = {"arn": "arn:aws:s3:::data/x", "account": "111122223333", "type": "object"}


@cache
def catalog() -> Catalog:
    return Catalog()


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        deeper = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if deeper else value
    return {key: value for key, value in result.items() if value is not None}


def record_of(case: dict[str, Any]) -> Record:
    identity = merged(DOCUMENT["identities"][case["who"]], case.get("identity", {}))
    document = merged(BASE, case.get("record", {})) | {"userIdentity": identity}
    if "params" in case:
        document["requestParameters"] = case["params"]
    return msgspec.json.decode(json.dumps(document), type=Record)


def facts_of(case: dict[str, Any]) -> Facts:
    given = case.get("facts", {})
    given = dict(DOCUMENT["facts"][given] if isinstance(given, str) else given)
    given["sessions"] = {key: SessionFacts(**value) for key, value in given.get("sessions", {}).items()}
    given["stale_accounts"] = frozenset(given.get("stale_accounts", ()))
    return Facts(**given)


def check_of(case: dict[str, Any]) -> ResourceCheck:
    given = dict(case.get("resource", RESOURCE))
    given = {key: UNKNOWN if value == "~unknown" else value for key, value in given.items()}
    return ResourceCheck(
        arn=given["arn"],
        account=given.get("account"),
        type=given.get("type"),
        created=given.get("created", False),
    )


def state(text: Any) -> Any:
    match text:
        case "~absent":
            return None
        case "~unknown":
            return UNKNOWN
        case {"one_of": values}:
            return OneOf(tuple(values))
        case {"outside": prefix}:
            return Outside(prefix)
        case list():
            return tuple(text)
    return text


def context_of(case: dict[str, Any]) -> dict[str, Any]:
    record = record_of(case)
    builder = ContextBuilder(catalog(), frozenset(key.lower() for key in case["expect"]))
    action = case.get("action", "s3:GetObject")
    parameters = Parameters.from_record(record)
    return builder.context(record, parameters, principal_of(record), action, check_of(case), facts_of(case))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_keys(case: dict[str, Any]) -> None:
    context = context_of(case)
    found = {key: context.get(key.lower()) for key in case["expect"]}
    assert found == {key: state(value) for key, value in case["expect"].items()}


def test_names_are_unique_and_plenty() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names)) >= 120


def test_only_wanted_keys_are_built() -> None:
    case = {"who": "role", "expect": {"aws:PrincipalArn": "", "s3:prefix": ""}}
    assert set(context_of(case)) <= {"aws:principalarn", "s3:prefix"}


def test_context_is_the_same_in_two_steps_and_for_every_order_of_keys() -> None:
    """A builder keeps plans per action and type: an earlier check must not leak into a later one."""
    wanted = frozenset(key.lower() for case in CASES for key in case["expect"])
    shared = ContextBuilder(catalog(), wanted)
    for case in [*CASES, *reversed(CASES)]:
        record = record_of(case)
        action = case.get("action", "s3:GetObject")
        context = shared.context(
            record, Parameters.from_record(record), principal_of(record), action, check_of(case), facts_of(case)
        )
        for key, value in case["expect"].items():
            assert context.get(key.lower()) == state(value), (case["name"], key)
