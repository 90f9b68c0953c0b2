"""Which services supply the condition keys about a VPC endpoint and its owner.

Source: AWS IAM User Guide, reference_policies_condition-keys; the lists stand in network_keys.toml.
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec


class NetworkKey(msgspec.Struct, frozen=True):
    """One key with the service prefixes that supply it, but for `except_actions` (in lower case)."""

    name: str
    services: frozenset[str]
    except_actions: frozenset[str]

    def supplied_for(self, action: str) -> bool:
        """Whether calls of `action` (`service:Name`, any case) carry the key when they come through an endpoint."""
        lower = action.lower()
        return lower.partition(":")[0] in self.services and lower not in self.except_actions


def _read() -> Mapping[str, NetworkKey]:
    table = tomllib.loads(files("simulator.iam").joinpath("network_keys.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            row["name"].lower(): NetworkKey(
                row["name"],
                frozenset(row["services"]),
                frozenset(action.lower() for action in row["except_actions"]),
            )
            for row in table["key"]
        }
    )


NETWORK_KEYS: Final = _read()
"""The keys by lower-case name; a key that is not listed comes with every service. Read-only."""
