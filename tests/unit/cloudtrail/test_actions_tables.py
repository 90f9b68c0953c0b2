"""The packaged mapping tables: every row names things that exist, cites its source, and is needed."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from simulator.cloudtrail.action_tables import load_tables
from simulator.cloudtrail.actions import SAME_NAME, ActionMap
from simulator.decision.request import Tier
from simulator.iam.catalog import Catalog

CATALOG = Catalog()
ACTIONS = ActionMap(CATALOG)
TABLES = load_tables()
FILES = (
    "actions.toml",
    "apigateway.toml",
    "pass_role.toml",
    "proven.toml",
    "s3.toml",
    "skipped.toml",
    "sources.toml",
    "tags.toml",
)
# Prefixes behind which CloudTrail never writes the event source itself.
LABELS = {"es": "es", "cloudwatch": "monitoring", "tag": "tagging"}


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in FILES:
        text = files("simulator.cloudtrail").joinpath("mappings", name).read_text(encoding="utf-8")
        yield name, tomllib.loads(text)


def resolves(operation: str) -> bool:
    """Whether an operation, or with a trailing * any, has a plan."""
    service, _, name = operation.partition(":")
    return bool(ACTIONS.explain(LABELS.get(service, service), name.rstrip("*")).actions) or name.endswith("*")


@pytest.mark.parametrize(("name", "document"), list(documents()), ids=FILES)
def test_every_row_cites_its_source(name: str, document: dict[str, Any]) -> None:
    for kind, rows in document.items():
        for row in rows if isinstance(rows, list) else [rows]:
            assert row.get("source"), f"{name}: a [[{kind}]] row without source: {row}"


def test_every_named_action_exists_in_the_catalogs_spelling() -> None:
    names = {name for row in TABLES.operations.values() for name in (*row.required, *row.possible)}
    names |= {name for rules in TABLES.rules.values() for rule in rules for name in (*rule.add, *rule.replaces)}
    names |= {f"{service}:{name}" for service, name in TABLES.tags.tag.items() if name}
    names |= {f"{service}:{name}" for service, name in TABLES.tags.untag.items() if name}
    names |= {
        f"{service}:{verb}"
        for service, verbs in TABLES.verbs.items()
        for verb in (*verbs.operations.values(), *verbs.prefixes.values())
    }
    wrong = {name for name in names if (info := CATALOG.action(name)) is None or info.name != name}
    assert not wrong


def test_event_sources_lead_to_services_of_the_catalog() -> None:
    for label, row in TABLES.sources.items():
        assert label == label.lower()
        assert set(row.services) <= CATALOG.services, label
        assert {service for service, _ in row.choose} <= set(row.services), label


def test_no_row_hides_an_action_of_the_same_name() -> None:
    """A row may add to the action of the operation's own name, never silently put another in its place."""
    hidden = {
        operation
        for operation, row in TABLES.operations.items()
        if (info := CATALOG.action(operation)) is not None and info.name not in (*row.required, *row.possible)
    }
    assert not hidden


def test_no_row_restates_the_rule_of_the_same_name() -> None:
    idle = {
        operation
        for operation, row in TABLES.operations.items()
        if not row.possible and [name.lower() for name in row.required] == [operation]
    }
    assert not idle


def test_rules_are_about_operations_that_resolve() -> None:
    lost = {name for rules in TABLES.rules.values() for rule in rules for name in rule.on if not resolves(name)}
    assert not lost


def test_rules_replace_only_actions_that_would_be_checked() -> None:
    for rules in TABLES.rules.values():
        for rule in rules:
            for name in rule.on if rule.replaces else ():
                service, _, operation = name.partition(":")
                checked = {check.action for check in ACTIONS.explain(service, operation).actions}
                assert checked & set(rule.replaces), rule


def test_a_conditional_rule_is_never_required() -> None:
    for rules in TABLES.rules.values():
        for rule in rules:
            assert bool(rule.when) != (rule.tier is Tier.REQUIRED) or rule.tier is Tier.POSSIBLE, rule


def test_operations_that_pass_roles_resolve_or_are_new() -> None:
    known = {name for name in TABLES.roles.operations if resolves(name)}
    assert len(known) / len(TABLES.roles.operations) > 0.97
    assert set(TABLES.roles.named) <= TABLES.roles.operations
    assert set(TABLES.roles.named) <= known
    assert all(part == part.lower() for part in (TABLES.roles.containing.pattern, *TABLES.roles.excepted))


def test_skip_rows_name_a_reason_of_the_closed_list() -> None:
    ids = [reason.id for reason in TABLES.skip_reasons]
    assert len(ids) == len(set(ids))
    assert {row.reason for row in TABLES.skipped.values()} <= set(ids)


def test_skipped_operations_with_an_action_are_mapped_for_iam_identities() -> None:
    """An event that the catalog has an action for may be skipped only while nobody signed it."""
    doubtful = {
        (label, name)
        for (label, name), row in TABLES.skipped.items()
        if label in CATALOG.services and CATALOG.actions(label).get(name) is not None and not row.unless_signed
    }
    assert not doubtful


def test_most_operations_need_no_row() -> None:
    check = ACTIONS.explain("ec2", "StopInstances").actions[0]
    assert check.source == SAME_NAME
