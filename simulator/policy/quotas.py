"""How large an SCP or RCP may be and how many may be attached to one node: AWS Organizations' quotas.

Source: AWS Organizations User Guide, orgs_reference_limits; the figures stand in quotas.toml.
"""

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec

from simulator.policy.document import PolicyDocument, PolicyType

_STRING_OR_SPACE: Final = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n\ufeff]+')


class Quota(msgspec.Struct, frozen=True):
    """The quotas of one policy type: characters of one policy, policies attached to one node, policies in all."""

    characters: int
    attached_to_one_node: int
    in_organization: int


def _read_quotas() -> Mapping[PolicyType, Quota]:
    table = tomllib.loads(files("simulator.policy").joinpath("quotas.toml").read_text(encoding="utf-8"))
    return MappingProxyType({PolicyType(name): Quota(**row) for name, row in table.items()})


QUOTAS: Final = _read_quotas()
"""The quotas by policy type; read-only."""


def policy_size(document: PolicyDocument) -> int:
    """The characters of a policy without the white space outside its strings, as the console stores it.

    The CLI and the SDKs store and count every character: a policy within this size can still be too large for them
    unless it is written compactly (AWS Organizations User Guide, orgs_reference_limits).
    """
    return len(_STRING_OR_SPACE.sub(r"\1", document.text))
