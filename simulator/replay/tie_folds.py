"""What is folded of sessions: how they were issued (`Assumption`, `Issue`), what was done in them (`Use`), tallies."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from simulator.replay.bounded import Key, widened
from simulator.replay.outcome import StatementPlace

EXAMPLES: Final = 3
"""Event ids kept as evidence of a link."""

EVENTS: Final = 12
"""Kinds of events kept for one session."""


class Assumption(NamedTuple):
    """What a record says that issues a session. All texts, `""` for what it does not say.

    `how` is the event's name; `caller_kind`, `caller` and `caller_account` the principal that asked (`Principal.kind`,
    `label`, `account`); `role` the ARN of the role, root or federated user; `subject` and `provider` those of a SAML
    assertion, an OpenID Connect token, or a Kubernetes pod; `name` the group of the session's name.
    """

    how: str
    caller_kind: str
    caller: str
    caller_account: str
    role: str
    subject: str
    provider: str
    name: str
    source_identity: str


@dataclass(slots=True)
class Tally:
    """Counts of calls with their window, some event ids, and the statements that newly deny them or may."""

    calls: int = 0
    denied: int = 0
    undecided: int = 0
    first: str = ""
    last: str = ""
    event_ids: list[str] = field(default_factory=list)
    hits: dict[StatementPlace, int] = field(default_factory=dict)
    open_hits: dict[StatementPlace, int] = field(default_factory=dict)

    def see(self, time: str | None, event_id: str | None) -> None:
        """Widen the window, and keep the event id if it is one of the smallest."""
        self.first, self.last = widened(self.first, self.last, time)
        ids = self.event_ids
        if event_id and (len(ids) < EXAMPLES or event_id < ids[-1]) and event_id not in ids:
            insort(ids, event_id)
            del ids[EXAMPLES:]

    def copied(self) -> "Tally":
        """A tally of its own with the same counts."""
        copy = Tally()
        copy.merge(self)
        return copy

    def merge(self, other: "Tally") -> None:
        """Add another tally of the same."""
        self.calls += other.calls
        self.denied += other.denied
        self.undecided += other.undecided
        self.see(other.first, None)
        self.see(other.last, None)
        for event_id in other.event_ids:
            self.see(None, event_id)
        add_counts(self.hits, other.hits)
        add_counts(self.open_hits, other.open_hits)


def add_counts(counts: dict[StatementPlace, int], more: Mapping[StatementPlace, int]) -> None:
    """Add calls by statement to others."""
    for place, calls in more.items():
        counts[place] = counts.get(place, 0) + calls


class Issue(NamedTuple):
    """A session as the record says that issued it; ordered by its texts. `caller` is the caller's own session, if any.

    `places` newly deny the call that issued it.
    """

    time: str
    event_id: str
    name: str
    assumption: Assumption
    caller: Key
    places: frozenset[StatementPlace]

    def joined(self, other: "Issue") -> "Issue":
        """The one that counts where two records claim to have issued the same session: the earlier."""
        first = min(self, other, key=lambda each: each[:5])
        if self[:5] == other[:5]:
            first = first._replace(places=self.places | other.places)
        return first


class Use(msgspec.Struct, gc=False):
    """What was done in a session. Of facts that differ between records the largest text is kept, `""` is none.

    `created` is when the session began by its own account; `agent` the execution environment that the user agent
    names; `issued_to` the workload that AWS names as holder of the credentials; `delivered`: EC2 delivered them to an
    instance; `issuer` the user that issued a federated user's session; `invoked` counts calls made by the service
    `invoked_by`.
    """

    # Made for most sessions of a log, so it is lean: no dict before it is needed (most sessions make calls of one kind
    # that nothing denies), and no garbage collection, as nothing in it can point back at it.

    calls: int = 0
    denied: int = 0
    undecided: int = 0
    first: str = ""
    last: str = ""
    event_id: str = ""
    created: str = ""
    agent: str = ""
    issued_to: str = ""
    delivered: str = ""
    source_identity: str = ""
    user_id: str = ""
    provider: str = ""
    issuer: str = ""
    invoked_by: str = ""
    invoked: int = 0
    _event: str = ""
    _event_calls: int = 0
    _events: dict[str, int] | None = None
    _hits: tuple[dict[StatementPlace, int], dict[StatementPlace, int]] | None = None

    @property
    def events(self) -> Mapping[str, int]:
        """Calls that are not newly denied by kind of event (`s3:GetObject`): the kinds that are smallest as text."""
        if self._events is not None:
            return self._events
        return {self._event: self._event_calls} if self._event else {}

    @property
    def hits(self) -> Mapping[StatementPlace, int]:
        """Calls by the statements that newly deny them."""
        return self._hits[0] if self._hits is not None else {}

    @property
    def open_hits(self) -> Mapping[StatementPlace, int]:
        """Calls by the statements that may newly deny them."""
        return self._hits[1] if self._hits is not None else {}

    def count(self, event: str, calls: int = 1) -> None:
        """Count a kind of event."""
        events = self._events
        if events is None:
            if self._event == event or not self._event:
                self._event = event
                self._event_calls += calls
                return
            events = self._events = {self._event: self._event_calls}
            self._event, self._event_calls = "", 0
        events[event] = events.get(event, 0) + calls
        if len(events) > 2 * EVENTS:
            self.settle()

    def hit(self, denying: Mapping[StatementPlace, int], undecided: Mapping[StatementPlace, int]) -> None:
        """Count calls by the statements that newly deny them, or may."""
        if denying or undecided:
            if self._hits is None:
                self._hits = {}, {}
            add_counts(self._hits[0], denying)
            add_counts(self._hits[1], undecided)

    def settle(self) -> None:
        """Cut the kinds of events to the bound."""
        if self._events is not None and len(self._events) > EVENTS:
            self._events = dict(sorted(self._events.items())[:EVENTS])

    def merge(self, other: "Use") -> None:
        """Add what else was done in the session."""
        self.calls += other.calls
        self.denied += other.denied
        self.undecided += other.undecided
        self.invoked += other.invoked
        for time in (other.first, other.last):
            self.first, self.last = widened(self.first, self.last, time)
        self.event_id = min(filter(None, (self.event_id, other.event_id)), default="")
        for name in _LARGEST:
            value = getattr(other, name)
            if value > getattr(self, name):
                setattr(self, name, value)
        for event, calls in other.events.items():
            self.count(event, calls)
        self.hit(other.hits, other.open_hits)


_LARGEST: Final = (
    "created",
    "agent",
    "issued_to",
    "delivered",
    "source_identity",
    "user_id",
    "provider",
    "issuer",
    "invoked_by",
)
