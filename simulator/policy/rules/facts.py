"""Facts about AWS that rules look up; they stand in facts.toml."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from simulator.iam.values import parse_network
from simulator.policy.document import PolicyType


@dataclass(frozen=True, slots=True)
class Uncontrollable:
    """A call that no policy of `types` can stop; `reason` completes a sentence that begins with the action."""

    action: str
    types: tuple[PolicyType, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A kind of caller: the keys its requests lack, and those with a known value; names in lower case."""

    id: str
    types: tuple[PolicyType, ...]
    only_actions: tuple[str, ...]
    absent: frozenset[str]
    values: Mapping[str, str]
    handled_by: frozenset[str]

    def lacks(self, key: str) -> bool:
        """Whether requests of this caller lack `key` (any case; tag keys by their family)."""
        return _is_in(key, self.absent)

    def is_handled_by(self, key: str) -> bool:
        """Whether a condition on `key` shows that the author thought of this caller."""
        return _is_in(key, self.handled_by)


@dataclass(frozen=True, slots=True)
class ValueForm:
    """The form of a key's values; `wanted` names it, `with_wildcards` asks it of patterns too."""

    pattern: re.Pattern[str]
    wanted: str
    example: str
    with_wildcards: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """The whole of facts.toml; names in lower case, networks as `parse_network` reads them."""

    uncontrollable: tuple[Uncontrollable, ...]
    session_keys: frozenset[str]
    session_key_prefixes: frozenset[str]
    further_keys: frozenset[str]
    unsupported_keys: frozenset[str]
    resource_keys: frozenset[str]
    service_principal_keys: frozenset[str]
    literal_star_keys: frozenset[str]
    global_services: tuple[str, ...]
    global_region: str
    private_networks: tuple[tuple[int, int, int], ...]
    value_forms: Mapping[str, ValueForm]
    callers: Mapping[str, Caller]


def _is_in(key: str, names: frozenset[str]) -> bool:
    lower = key.lower()
    return lower in names or lower.partition("/")[0] + "/" in names


def _read() -> Facts:
    table = tomllib.loads(files("simulator.policy.rules").joinpath("facts.toml").read_text(encoding="utf-8"))

    def names(section: str) -> frozenset[str]:
        return frozenset(name.lower() for name in table[section]["names"])

    def types(row: Mapping[str, list[str]]) -> tuple[PolicyType, ...]:
        return tuple(PolicyType(name) for name in row["types"])

    return Facts(
        uncontrollable=tuple(
            Uncontrollable(row["action"], types(row), row["reason"]) for row in table["uncontrollable"]
        ),
        session_keys=names("session_keys"),
        session_key_prefixes=frozenset(table["session_keys"]["prefixes"]),
        further_keys=names("further_keys"),
        unsupported_keys=names("unsupported_keys"),
        resource_keys=names("resource_keys"),
        service_principal_keys=names("service_principal_keys"),
        literal_star_keys=names("literal_star_keys"),
        global_services=tuple(table["global_services"]["names"]),
        global_region=table["global_services"]["home"],
        private_networks=tuple(filter(None, map(parse_network, table["private_networks"]["ranges"]))),
        value_forms=MappingProxyType(
            {
                name.lower(): ValueForm(
                    re.compile(row["pattern"]), row["wanted"], row["example"], row.get("with_wildcards", False)
                )
                for row in table["value_form"]
                for name in row["keys"]
            }
        ),
        callers=MappingProxyType(
            {
                row["id"]: Caller(
                    id=row["id"],
                    types=types(row),
                    only_actions=tuple(row["only_actions"]),
                    absent=frozenset(name.lower() for name in row["absent"]),
                    values=MappingProxyType({key.lower(): value for key, value in row.get("values", {}).items()}),
                    handled_by=frozenset(name.lower() for name in row["handled_by"]),
                )
                for row in table["caller"]
            }
        ),
    )


FACTS: Final = _read()
"""Read-only."""
