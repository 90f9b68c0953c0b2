"""What a local update adds to the packaged catalog: AWS's Service Reference, compiled small.

The Service Reference (Service Authorization Reference, service-reference) names actions, resource types, condition
keys, and the actions that each API operation is authorized as. It does not say which resource types an action
requires, nor which keys exist for which of them; those facts stay with the packaged tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


class ActionUpdate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One action without its prefix. `access_level` is `""` where the reference has no annotations for it."""

    name: str
    access_level: str
    resource_types: tuple[str, ...]
    condition_keys: tuple[str, ...]


class TypeUpdate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One resource type with its ARN formats (at least one)."""

    name: str
    arns: tuple[str, ...]
    condition_keys: tuple[str, ...]


class KeyUpdate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One condition key; `type` as in the reference (`String`, `ArrayOfString`, ...)."""

    name: str
    type: str


class ServiceUpdate(msgspec.Struct, frozen=True, array_like=True):
    """All of one service prefix. `operations`: an operation's name to its actions as `service:Action`."""

    actions: tuple[ActionUpdate, ...]
    resource_types: tuple[TypeUpdate, ...]
    keys: tuple[KeyUpdate, ...]
    operations: dict[str, tuple[str, ...]]


_decode = msgspec.json.Decoder(ServiceUpdate).decode
_EMPTY = ServiceUpdate((), (), (), {})


@dataclass(frozen=True, slots=True)
class CatalogUpdate:
    """An update as a value: `services` maps a lower-case prefix to its encoded `ServiceUpdate`. Picklable.

    `origin` is the address or path it was read from, `fetched` the moment (ISO 8601, UTC).
    """

    origin: str
    fetched: str
    services: Mapping[str, bytes] = field(repr=False)

    def service(self, prefix: str) -> ServiceUpdate:
        """What the update knows of a service; empty if nothing. Raises `msgspec.MsgspecError` for broken bytes."""
        encoded = self.services.get(prefix.lower())
        return _EMPTY if encoded is None else _decode(encoded)
