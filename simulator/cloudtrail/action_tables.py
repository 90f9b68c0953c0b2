"""The packaged tables behind the mapping of events to IAM actions, decoded from `mappings/*.toml`.

The tables hold facts, each with its source; what to do with them stands in `actions`. docs/adding-a-mapping.md tells
how to add a row.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

import msgspec

from simulator.cloudtrail.parameters import Parameters
from simulator.decision.request import Tier

_ACTION_FILES: Final = ("actions.toml", "s3.toml", "apigateway.toml", "proven.toml")


class EventSource(msgspec.Struct, frozen=True):
    """The services behind one event source. `choose`: (service, parameter paths that tell it from the others)."""

    services: tuple[str, ...]
    choose: tuple[tuple[str, tuple[str, ...]], ...]
    source: str


class Operation(msgspec.Struct, frozen=True):
    """The actions of an operation as `service:Action`. `derived` rows restate AWS's Service Reference."""

    required: tuple[str, ...]
    possible: tuple[str, ...]
    source: str
    derived: bool = False


class Verbs(msgspec.Struct, frozen=True):
    """Actions that are HTTP verbs: by whole operation name, else by its beginning (both in lower case)."""

    operations: Mapping[str, str]
    prefixes: Mapping[str, str]
    source: str

    def action(self, operation: str) -> str | None:
        """The verb of an operation in lower case; `None` if no row fits."""
        found = self.operations.get(operation)
        if found is not None:
            return found
        return next((verb for start, verb in self.prefixes.items() if operation.startswith(start)), None)


class Rule(msgspec.Struct, frozen=True):
    """Actions that the request's parameters prove (or, by `tier`, make possible); see proven.toml for the members."""

    on: tuple[str, ...]
    when: tuple[str, ...]
    heads: frozenset[str]
    """The outermost parameters (lower case) that the condition reads."""

    containing: str
    starting: str
    add: tuple[str, ...]
    replaces: tuple[str, ...]
    rare: bool
    tier: Tier
    source: str

    def covers(self, operation: str) -> bool:
        """Whether the rule is about `service:operation` (lower case)."""
        return any(operation.startswith(name[:-1]) if name.endswith("*") else operation == name for name in self.on)

    def applies(self, parameters: Parameters) -> bool:
        """Whether the logged parameters fulfil the rule's condition."""
        if self.heads.isdisjoint(parameters.names):
            return False
        if not self.containing and not self.starting:
            return any(parameters.has(path) for path in self.when)
        texts = (text.lower() for path in self.when for text in parameters.all(path))
        if self.starting:
            return any(text.lstrip().startswith(self.starting) for text in texts)
        return any(self.containing in text for text in texts)

    @property
    def condition(self) -> str:
        """The condition in words, for explanations."""
        text = "when requestParameters has " + " or ".join(self.when)
        if self.starting:
            return f"{text} starting with '{self.starting}'"
        return f"{text} containing '{self.containing}'" if self.containing else text


class SkipReason(msgspec.Struct, frozen=True):
    """One reason of the closed list, with the event types, categories and event sources it covers as a whole."""

    id: str
    sentence: str
    source: str
    event_types: frozenset[str]
    categories: frozenset[str]
    labels: frozenset[str]
    except_operations: frozenset[str]


class SkippedOperation(msgspec.Struct, frozen=True):
    """A single event without an IAM check. With `unless_signed` a record of an IAM identity is mapped all the same."""

    reason: str
    unless_signed: bool
    source: str


class RoleTable(msgspec.Struct, frozen=True):
    """Where requests carry a role or an instance profile for a service; all names in lower case."""

    containing: re.Pattern[str]
    excepted: frozenset[str]
    operations: frozenset[str]
    named: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    """`service:operation` to (paths of role names, paths of instance profile names)."""

    source: str

    def may_name_role(self, name: str) -> bool:
        """Whether a parameter of this name, as written, may hold a role's ARN."""
        lower = name.lower()
        return lower not in self.excepted and self.containing.search(lower) is not None


class TagTable(msgspec.Struct, frozen=True):
    """Tag parameters (lower case), tagging actions of services, operations that tag other services' resources."""

    names: frozenset[str]
    tag: Mapping[str, str]
    untag: Mapping[str, str]
    by_arn: Mapping[str, tuple[str, str, str]]
    """`service:operation` to (path of the ARNs, "tag" or "untag", source)."""

    source: str


class ActionTables(msgspec.Struct, frozen=True):
    """All tables. Keys of operations are `service:operation` in lower case, of event sources their lower-case label."""

    sources: Mapping[str, EventSource]
    operations: Mapping[str, Operation]
    verbs: Mapping[str, Verbs]
    rules: Mapping[str, tuple[Rule, ...]]
    """By service prefix."""

    skip_reasons: tuple[SkipReason, ...]
    skipped: Mapping[tuple[str, str], SkippedOperation]
    """By (label, event name), both in lower case."""

    roles: RoleTable
    tags: TagTable


def load_tables() -> ActionTables:
    """Read the packaged tables."""
    documents = [_document(name) for name in _ACTION_FILES]
    rules: dict[str, list[Rule]] = {}
    for row in _rows(documents, "rule"):
        rule = _rule(row)
        for service in sorted({name.partition(":")[0] for name in rule.on}):
            rules.setdefault(service, []).append(rule)
    skipped = _document("skipped.toml")
    return ActionTables(
        sources=_sources(_document("sources.toml")),
        operations=_operations(documents),
        verbs={row["service"]: _verbs(row) for row in _rows(documents, "verb")},
        rules={service: tuple(found) for service, found in rules.items()},
        skip_reasons=tuple(_skip_reason(row) for row in skipped["reason"]),
        skipped={
            (label, name.lower()): SkippedOperation(row["reason"], row.get("unless_signed", False), row["source"])
            for row in skipped["operation"]
            for label in row["labels"]
            for name in row["names"]
        },
        roles=_roles(_document("pass_role.toml")),
        tags=_tags(_document("tags.toml")),
    )


def _document(name: str) -> dict[str, Any]:
    return tomllib.loads(files("simulator.cloudtrail").joinpath("mappings", name).read_text(encoding="utf-8"))


def _rows(documents: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    for document in documents:
        yield from document.get(kind, ())


def _sources(document: dict[str, Any]) -> dict[str, EventSource]:
    found: dict[str, EventSource] = {}
    for row in document["renamed"]:
        for label, services in row["services"].items():
            found[label] = EventSource(tuple(services), (), row["source"])
    for row in document["shared"]:
        choose = tuple((each["service"], tuple(each["when"])) for each in row.get("choose", ()))
        found[row["label"]] = EventSource(tuple(row["services"]), choose, row["source"])
    return found


def _operations(documents: list[dict[str, Any]]) -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for row in _rows(documents, "renamed"):
        derived = row["source"].startswith("AWS Service Reference")
        for operation, action in row["operations"].items():
            name = _full(action, row["service"])
            found[f"{row['service']}:{operation.lower()}"] = Operation((name,), (), row["source"], derived)
    for row in _rows(documents, "operation"):
        for name in row["on"]:
            service, _, operation = name.partition(":")
            required, possible = (
                tuple(_full(action.replace("${operation}", operation), service) for action in row.get(tier, ()))
                for tier in ("required", "possible")
            )
            found[name.lower()] = Operation(required, possible, row["source"])
    return found


def _rule(row: dict[str, Any]) -> Rule:
    service = row["on"][0].partition(":")[0]
    when = tuple(row.get("when", ()))
    return Rule(
        on=tuple(name.lower() for name in row["on"]),
        when=when,
        heads=frozenset(path.partition(".")[0].removesuffix("[]").lower() for path in when),
        containing=row.get("containing", "").lower(),
        starting=row.get("starting", "").lower(),
        add=tuple(_full(action, service) for action in row["add"]),
        replaces=tuple(_full(action, service) for action in row.get("replaces", ())),
        rare=row.get("rare", False),
        tier=Tier(row.get("tier", "proven" if when else "required")),
        source=row["source"],
    )


def _verbs(row: dict[str, Any]) -> Verbs:
    return Verbs(
        operations={name.lower(): verb for name, verb in row["operations"].items()},
        prefixes={name.lower(): verb for name, verb in row["prefixes"].items()},
        source=row["source"],
    )


def _skip_reason(row: dict[str, Any]) -> SkipReason:
    event_types, categories, labels, excepted = (
        frozenset(text.lower() for text in row.get(member, ()))
        for member in ("event_types", "categories", "labels", "except_operations")
    )
    return SkipReason(row["id"], row["sentence"], row["source"], event_types, categories, labels, excepted)


def _roles(document: dict[str, Any]) -> RoleTable:
    parameters = document["parameters"]
    return RoleTable(
        containing=re.compile("|".join(re.escape(part) for part in parameters["containing"])),
        excepted=frozenset(parameters["except"]),
        operations=frozenset(
            f"{service}:{name.lower()}"
            for service, names in document["operations"]["by_service"].items()
            for name in names
        ),
        named={
            name.lower(): (tuple(row["roles"]), tuple(row["profiles"]))
            for row in document["named"]
            for name in row["operations"]
        },
        source=document["operations"]["source"] + "; IAM User Guide, id_roles_use_passrole",
    )


def _tags(document: dict[str, Any]) -> TagTable:
    return TagTable(
        names=frozenset(name.lower() for name in document["parameters"]["names"]),
        tag={service: name for row in document["action"] for service, name in row["tag"].items()},
        untag={service: name for row in document["action"] for service, name in row["untag"].items()},
        by_arn={row["operation"].lower(): (row["path"], row["use"], row["source"]) for row in document["by_arn"]},
        source=document["action"][0]["source"],
    )


def _full(action: str, service: str) -> str:
    return action if ":" in action else f"{service}:{action}"
