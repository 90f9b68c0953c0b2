"""The packaged tables of `mappings/resources.toml`: where a record names the resources of an action.

A *type* row tells for a resource type of the Service Authorization Reference where its name stands; a *check* row
adds to or replaces that for one action, if need be only for one event. The file's head explains every field.
"""

import tomllib
from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import msgspec

from simulator.errors import OrgsimError

_EMPTY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})


class Absent(Enum):
    """What follows if nothing in the record names a resource of a type."""

    DEFAULT = "default"  # required types are checked on an unknown resource, optional types are left out
    UNKNOWN = "unknown"
    POSSIBLE = "possible"
    NONE = "none"


class TypeRow(msgspec.Struct, frozen=True):
    """Where the names of a type stand; see the head of the file for the fields."""

    paths: tuple[str, ...] = ()
    variables: Mapping[str, tuple[str, ...]] = _EMPTY
    every: bool = False
    form: str | None = None
    owner_unknown: bool = False
    owner_aws: bool = False
    owner_home: bool = False
    possible_suffix: str = ""


class CheckRow(msgspec.Struct, frozen=True):
    """What is special about one resource type of one action; `None` and empty fields leave the type row as it is."""

    type: str
    paths: tuple[str, ...] | None = None
    variables: Mapping[str, tuple[str, ...]] | None = None
    every: bool = False
    form: str | None = None
    response: tuple[str, ...] = ()
    fixed: str | None = None
    wildcard: bool = False
    plus_new: bool = False
    created: bool | None = None
    absent: Absent = Absent.DEFAULT
    listed: bool = True
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    where: tuple[str, str] | None = None
    sure: tuple[str, ...] = ()
    expected_when: tuple[str, ...] = ()
    possible_when: tuple[str, ...] = ()
    sure_answer: tuple[str, str] | None = None
    skip: bool = False


class ResourceTables(msgspec.Struct, frozen=True):
    """All rows. `types` is keyed by `service:type`, `checks` by (`service:action`, event or ""), in lower case."""

    types: Mapping[str, TypeRow]
    checks: Mapping[tuple[str, str], tuple[CheckRow, ...]]
    alternatives: frozenset[str]
    caller_is_default: frozenset[str]
    open_formats: frozenset[str] = frozenset()
    ec2_ids: Mapping[str, str] = msgspec.field(default_factory=dict)


def load_tables() -> ResourceTables:
    """Read the packaged tables. Raises `OrgsimError` where a row is malformed."""
    return read_tables(_packaged("resources.toml"))


@cache
def api_paths() -> Mapping[str, tuple[str, ...]]:
    """API Gateway's events, in lower case, to path templates (`/apis/{apiId}`); read when first asked."""
    paths = tomllib.loads(_packaged("apigateway_paths.toml"))["paths"]
    return MappingProxyType({event.lower(): tuple(templates) for event, templates in paths.items()})


def _packaged(name: str) -> str:
    return files("simulator.cloudtrail").joinpath("mappings", name).read_text("utf-8")


def read_tables(text: str) -> ResourceTables:
    """Read tables from TOML text. Raises `OrgsimError` where a row is malformed."""
    root = tomllib.loads(text)
    types = dict(_type_row(row) for row in root.get("type", ()))
    checks: dict[tuple[str, str], tuple[CheckRow, ...]] = {}
    for row in root.get("check", ()):
        check = _check_row(row)
        for action in _texts(row, "action"):
            for event in _texts(row, "event") or ("",):
                key = (action.lower(), event.lower())
                checks[key] = (*checks.get(key, ()), check)
    return ResourceTables(
        types=types,
        checks=checks,
        alternatives=frozenset(name.lower() for name in root.get("alternatives", ())),
        caller_is_default=frozenset(name.lower() for name in root.get("caller_is_default", ())),
        open_formats=frozenset(root.get("open_formats", ())),
        ec2_ids=root.get("ec2_ids", {}),
    )


def _type_row(row: dict[str, Any]) -> tuple[str, TypeRow]:
    _only(row, {"type", "from", "every", "form", "owner", "possible_suffix", "source"})
    paths, variables = _from(row)
    return _lower(row, "type"), TypeRow(
        paths=paths or (),
        variables=variables or _EMPTY,
        every=row.get("every", False),
        form=row.get("form"),
        owner_unknown=row.get("owner") == "unknown",
        owner_aws=row.get("owner") == "aws",
        owner_home=row.get("owner") == "home",
        possible_suffix=row.get("possible_suffix", ""),
    )


def _check_row(row: dict[str, Any]) -> CheckRow:
    _only(
        row,
        {
            "action", "event", "type", "from", "every", "form", "response", "fixed", "wildcard", "plus_new",
            "created", "absent", "listed", "when", "unless", "where", "sure", "sure_answer", "expected_when",
            "possible_when", "skip", "source",
        },
    )  # fmt: skip
    paths, variables = _from(row)
    where, answer = row.get("where"), row.get("sure_answer")
    return CheckRow(
        type=_lower(row, "type"),
        paths=paths,
        variables=variables,
        every=row.get("every", False),
        form=row.get("form"),
        response=_texts(row, "response"),
        fixed=row.get("fixed"),
        wildcard=row.get("wildcard", False),
        plus_new=row.get("plus_new", False),
        created=row.get("created"),
        absent=Absent(row.get("absent", "default")),
        listed=row.get("listed", True),
        when=_texts(row, "when"),
        unless=_texts(row, "unless"),
        where=(where["path"], where["is"]) if where else None,
        sure=_texts(row, "sure"),
        expected_when=_texts(row, "expected_when"),
        possible_when=_texts(row, "possible_when"),
        sure_answer=(answer["path"], answer["is"]) if answer else None,
        skip=row.get("skip", False),
    )


def _from(row: dict[str, Any]) -> tuple[tuple[str, ...] | None, Mapping[str, tuple[str, ...]] | None]:
    value = row.get("from")
    if isinstance(value, dict):
        return None, MappingProxyType({name: tuple(paths) for name, paths in value.items()})
    return (None, None) if value is None else (tuple(value), None)


def _texts(row: dict[str, Any], name: str) -> tuple[str, ...]:
    value = row.get(name, ())
    return (value,) if isinstance(value, str) else tuple(value)


def _lower(row: dict[str, Any], name: str) -> str:
    return str(row[name]).lower()


def _only(row: dict[str, Any], names: set[str]) -> None:
    odd = sorted(row.keys() - names)
    if odd or "type" not in row or "source" not in row:
        raise OrgsimError(
            "resource-table", f"resource table row {row} lacks `type` or `source`, or has unknown fields {odd}"
        )
