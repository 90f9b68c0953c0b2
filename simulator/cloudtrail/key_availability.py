"""Which condition keys can exist for an action on a resource type at all.

Source: the Service Authorization Reference. It lists, per action, the keys of the action and, per resource type, the
keys that exist for that resource: `ec2:InstanceType` for the instance of a RunInstances call, not for its subnet. A
key of a service that is not listed is absent ("unique to the service, meaning it only works with requests to" it:
AWS IAM User Guide, reference_policies_condition-keys).
"""

from collections.abc import Iterable

import msgspec

from simulator.decision.truth import Truth
from simulator.iam.catalog import ActionInfo, Catalog, ResourceUse


class KeySet(msgspec.Struct, frozen=True):
    """Condition keys in lower case; a key with a free part (`aws:RequestTag/${TagKey}`) as (head, tail)."""

    exact: frozenset[str]
    families: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> "KeySet":
        """Read the reference's spelling: free parts are `${TagKey}` or `<key>`."""
        exact: set[str] = set()
        families: set[tuple[str, str]] = set()
        for name in names:
            lower = name.lower()
            opens = [at for at in (lower.find("${"), lower.find("<")) if at >= 0]
            if not opens:
                exact.add(lower)
                continue
            tail = lower[max(lower.rfind("}"), lower.rfind(">")) + 1 :]
            families.add((lower[: min(opens)], tail))
        return cls(frozenset(exact), tuple(sorted(families)))

    def __contains__(self, key: str) -> bool:
        if key in self.exact:
            return True
        return any(
            key.startswith(head) and key.endswith(tail) and len(key) > len(head) + len(tail)
            for head, tail in self.families
        )


class Availability:
    """Answers from the catalog; keeps the key sets per action and resource type."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._sets: dict[tuple[str, str | None], tuple[KeySet, KeySet] | None] = {}

    def knows(self, action: str) -> bool:
        """Whether the reference has the action at all."""
        return self._catalog.action(action) is not None

    def has(self, action: str, resource_type: str | None, key: str) -> Truth:
        """Whether `key` (lower case) can exist; `None` where the reference or the resource's type leaves it open."""
        place = (action.lower(), resource_type.lower() if resource_type else None)
        if place not in self._sets:
            self._sets[place] = self._key_sets(*place)
        sets = self._sets[place]
        if sets is None:
            # An action the reference does not have: another service's key is still out of place.
            return None if key.partition(":")[0] in (place[0].partition(":")[0], "aws") else False
        sure, maybe = sets
        if key in sure:
            return True
        return None if key in maybe else False

    def _key_sets(self, action: str, resource_type: str | None) -> tuple[KeySet, KeySet] | None:
        """The keys that surely can exist, and those that do for some other resource type of the action."""
        info = self._catalog.action(action)
        if info is None:
            return None
        service = action.partition(":")[0]
        if resource_type is not None:
            use = _use(info, resource_type)
            if use is not None:
                return KeySet.of([*info.condition_keys, *self._keys_of(service, use)]), KeySet.of(())
        everything = [key for use in info.resource_types for key in self._keys_of(service, use)]
        return KeySet.of(info.condition_keys), KeySet.of(everything)

    def _keys_of(self, service: str, use: ResourceUse) -> tuple[str, ...]:
        if service == "ec2" and use.condition_keys:
            # EC2 lists per action which of a resource type's many keys exist; elsewhere both lists add up.
            return use.condition_keys
        found = self._catalog.resource_types(service).get(use.name.lower().rstrip("*"))
        return (*use.condition_keys, *(found.condition_keys if found else ()))


def _use(info: ActionInfo, resource_type: str) -> ResourceUse | None:
    for use in info.resource_types:
        if use.name.lower().rstrip("*") == resource_type.rstrip("*"):
            return use
    return None
