"""Condition keys: their types and whether they hold one value or a set."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec


class KeyInfo(msgspec.Struct, frozen=True):
    """One condition key. `name` ends in `/` or `:` for a family with a free last part (`aws:RequestTag/`).

    `type` is String, ARN, Bool, Numeric, Date, IPAddress or Binary, as the Service Authorization Reference says.
    """

    name: str
    type: str
    multivalued: bool


def key_info_from_row(name: str, type_name: str) -> KeyInfo:
    """Read a row of the Service Authorization Reference: `ArrayOfString` is a multivalued String.

    Free parts are written `${TagKey}` or `<key>` there; the family keeps what stands before them.

    >>> key_info_from_row("s3:ExistingObjectTag/<key>", "String").name
    's3:ExistingObjectTag/'
    """
    for mark in ("${", "<"):
        name = name.partition(mark)[0]
    return KeyInfo(name, type_name.removeprefix("ArrayOf"), type_name.startswith("ArrayOf"))


def _read_global_keys() -> Mapping[str, KeyInfo]:
    table = tomllib.loads(files("simulator.iam").joinpath("global_keys.toml").read_text(encoding="utf-8"))
    rows = (KeyInfo(row["name"], row["type"], row.get("multivalued", False)) for row in table["key"])
    return MappingProxyType({row.name.lower(): row for row in rows})


GLOBAL_KEYS: Final = _read_global_keys()
"""The `aws:` keys by lower-case name; read-only."""
