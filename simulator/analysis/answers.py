"""What `Questions` answers with: plain values for reports."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from simulator.analysis.identities.model import Confidence, Identity, Lost
from simulator.replay.outcome import StatementPlace


class Statement(NamedTuple):
    """A statement wherever its policy is attached. A missing Allow is one at its node: `policy` is `None`."""

    policy_type: str
    policy: str | None
    sid: str | None
    number: int | None
    text: str
    node: str


def statement_of(place: StatementPlace) -> Statement:
    """The statement that stands at a place."""
    node = place.attached_to if place.policy is None else ""
    return Statement(place.policy_type, place.policy, place.sid, place.statement, place.text, node)


def statements_of(places: Iterable[StatementPlace]) -> frozenset[Statement]:
    """The statements that stand at these places."""
    return frozenset(statement_of(place) for place in places)


@dataclass(frozen=True, slots=True)
class Dependent:
    """Somebody whose calls a statement newly denies (`calls`) or may deny (`undecided`).

    `through` is the principal that the calls were made as; a direct dependent is that principal itself.
    """

    identity: Identity
    through: str
    calls: int
    undecided: int
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Dependents:
    """All who depend on a statement: principals, those behind them, and sessions lost with an AssumeRole it denies."""

    direct: tuple[Dependent, ...]
    indirect: tuple[Dependent, ...]
    lost: tuple[Lost, ...]


@dataclass(frozen=True, slots=True)
class Radius:
    """What is hit in an organizational unit, in an account or of a person. `calls` are newly denied.

    `lost` calls come with newly denied AssumeRole calls and are not part of `calls`. For people `confidence` is the
    weakest of the links that calls are attributed by.
    """

    label: str
    id: str
    calls: int
    undecided: int
    lost: int
    principals: int
    statements: int
    confidence: Confidence = Confidence.PROVED


@dataclass(frozen=True, slots=True)
class Freed:
    """What the newly denied calls of a principal become without one statement.

    `freed` calls are denied by no other statement found; `open` ones may then be denied on another check; `held` are
    newly denied by others as well. `freed` is the most there can be: a denial hides what is undecided, or not allowed
    at another level, for the same check. Only a replay without the statement shows that.
    """

    principal: str
    principal_type: str
    freed: int
    open: int
    held: int


@dataclass(frozen=True, slots=True)
class HitBySeveral:
    """A principal that several statements newly deny calls of. `together`: calls that two or more of them deny."""

    principal: str
    principal_type: str
    statements: tuple[Statement, ...]
    calls: int
    together: int


@dataclass(frozen=True, slots=True)
class Talk:
    """Somebody to talk to; `lost` calls are those of sessions lost with a newly denied AssumeRole."""

    identity: Identity
    calls: int
    undecided: int
    lost: int
    through: tuple[str, ...]
    confidence: Confidence
