"""What a record turned out to be: authorization checks, or the reason why there is none."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from simulator.decision.request import Request, Tier, Unknown


@dataclass(frozen=True, slots=True)
class ActionCheck:
    """One IAM action that AWS checked for a record. `source` cites why (a table row, an AWS page)."""

    action: str
    tier: Tier
    source: str


@dataclass(frozen=True, slots=True)
class ResourceCheck:
    """One resource that an action was checked on.

    `arn` is `*` for resource-less actions, `UNKNOWN` where the log lost it. `account` is the owner, `None` where
    there is none. `type` is the resource type's name in the Service Authorization Reference, `None` if not known.
    `created` tells that the call makes this resource (so it has no tags yet). `exempt` as in `Request`.
    `certain` is false where the resource is only possibly involved: the check is then undecided.
    """

    arn: str | Literal[Unknown.UNKNOWN]
    account: str | Literal[Unknown.UNKNOWN] | None
    type: str | None = None
    created: bool = False
    exempt: bool | Literal[Unknown.UNKNOWN] = False
    certain: bool = True


class Mapped(msgspec.Struct, frozen=True):
    """The requests a record stands for (at least one).

    `numbers` tell which of its action's resources each request is about, counted from 0; `None` stands for all of them,
    where nobody asks about them.
    """

    requests: tuple[Request, ...]
    numbers: tuple[int | None, ...]


class Unmapped(msgspec.Struct, frozen=True):
    """A record whose checks are not known: counted and listed, never called safe."""

    reason: str


class Skipped(msgspec.Struct, frozen=True):
    """A record without an IAM check, by a closed list of reasons."""

    reason: str


Normalized = Mapped | Unmapped | Skipped
