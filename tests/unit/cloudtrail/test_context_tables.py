"""The tables behind the context agree with the Service Authorization Reference, and no global key lacks a rule."""

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from simulator.cloudtrail.checks import ResourceCheck
from simulator.cloudtrail.context import ContextBuilder
from simulator.cloudtrail.key_availability import Availability, KeySet
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import principal_of
from simulator.cloudtrail.record import Record, UserIdentity
from simulator.decision.facts import Facts
from simulator.decision.request import UNKNOWN
from simulator.iam.catalog import Catalog
from simulator.iam.keys import GLOBAL_KEYS
from simulator.iam.network_keys import NETWORK_KEYS, NetworkKey

CATALOG = Catalog()
NEWER_THAN_THE_REFERENCE = {"kms:TrailingDaysWithoutKeyUsage"}


def table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("simulator.cloudtrail.mappings").joinpath(name).read_text(encoding="utf-8"))


ROWS = table("context.toml")["key"]


def test_rows_are_unique() -> None:
    names = [row["name"].lower() for row in ROWS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_row(row: dict[str, Any]) -> None:
    assert row["source"]
    assert row["paths"]
    assert row["missing"] in ("absent", "unknown")
    assert row.get("kind", "text") in ("text", "arn", "resource-arn")
    assert set(row) <= {"name", "paths", "missing", "actions", "kind", "multi", "source"}
    info = CATALOG.key(row["name"])
    if row["name"] not in NEWER_THAN_THE_REFERENCE:
        assert info is not None, "no such key"
        assert info.multivalued == row.get("multi", False)
    for action in row.get("actions", ()):
        found = CATALOG.action(action)
        assert found is not None, action
        assert Availability(CATALOG).has(action, None, row["name"].lower()) is not False, action


@pytest.mark.parametrize("row", table("context.toml")["passed_to"], ids=lambda row: row["event_source"])
def test_passed_to(row: dict[str, Any]) -> None:
    assert row["service"].endswith(".amazonaws.com")
    assert row["events"]


@pytest.mark.parametrize("key", NETWORK_KEYS.values(), ids=lambda key: key.name)
def test_network_services_exist(key: NetworkKey) -> None:
    assert CATALOG.key(key.name) is not None
    unknown = {service for service in key.services if service not in CATALOG.services}
    assert unknown <= {"lambda"}, unknown


def test_actions_without_owner_keys_exist() -> None:
    rows = table("resource_owner_keys.toml")["resource_owner_keys"]
    names = [name for name in [*rows["absent_for"], *rows["unknown_for"]] if not name.endswith(":*")]
    assert len(names) == 16
    assert [name for name in names if CATALOG.action(name) is None] == []


@pytest.mark.parametrize("key", sorted(GLOBAL_KEYS))
def test_an_empty_record_proves_nothing(key: str) -> None:
    """No key is called absent, or given a value, without a record that says so."""
    name = key + "team" if key.endswith("/") else key
    # Keys of services with a list of services that supply them are absent by that list, for any record.
    by_list = {"aws:sourcevpcarn", "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths"}
    action = "s3:GetObject" if key in by_list else "iam:CreateRole"
    record = Record(user_identity=UserIdentity())
    builder = ContextBuilder(CATALOG, frozenset({name}))
    check = ResourceCheck(UNKNOWN, UNKNOWN)
    context = builder.context(record, Parameters.from_record(record), principal_of(record), action, check, Facts())
    assert not isinstance(context.get(name), str | tuple | None)


@pytest.mark.parametrize(
    ("names", "key", "there"),
    [
        (["aws:RequestTag/${TagKey}"], "aws:requesttag/team", True),
        (["aws:RequestTag/${TagKey}"], "aws:requesttag/", False),
        (["s3:ExistingObjectTag/<key>"], "s3:existingobjecttag/a/b", True),
        (["kms:EncryptionContext:${EncryptionContextKey}"], "kms:encryptioncontext:aws:s3:arn", True),
        (["kms:EncryptionContext:${EncryptionContextKey}"], "kms:encryptioncontextkeys", False),
        (["agent.${Domain}.buildkite.dev:build_branch"], "agent.eu.buildkite.dev:build_branch", True),
        (["agent.${Domain}.buildkite.dev:build_branch"], "agent.eu.buildkite.dev:cluster", False),
        (["s3:prefix"], "s3:prefix", True),
        (["s3:prefix"], "s3:delimiter", False),
    ],
)
def test_key_set(names: list[str], key: str, there: bool) -> None:
    assert (key in KeySet.of(names)) is there


@pytest.mark.parametrize(
    ("action", "kind", "key", "there"),
    [
        ("ec2:RunInstances", "instance", "ec2:instancetype", True),
        ("ec2:RunInstances", "subnet", "ec2:instancetype", False),
        ("ec2:RunInstances", None, "ec2:instancetype", None),
        ("ec2:RunInstances", "subnet", "ec2:region", True),
        ("EC2:runinstances", "INSTANCE", "ec2:instancetype", True),
        ("ec2:RunInstances", "instance", "aws:resourcetag/team", False),
        ("ec2:RunInstances", "subnet", "aws:resourcetag/team", True),
        ("ec2:RunInstances", "nosuchtype", "ec2:instancetype", None),
        ("s3:ListAllMyBuckets", None, "s3:prefix", False),
        ("s3:GetObject", "object", "s3:buckettag/team", True),
        ("s3:NoSuchAction", None, "s3:prefix", None),
        ("s3:NoSuchAction", None, "ec2:instancetype", False),
    ],
)
def test_availability(action: str, kind: str | None, key: str, there: bool | None) -> None:
    assert Availability(CATALOG).has(action, kind, key) is there
