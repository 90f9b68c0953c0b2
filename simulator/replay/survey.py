"""A first look at the log: facts that later records need, wherever in the log they stand.

CloudTrail files are unordered, and some facts stand in one record while another needs them: whose a bucket is, which
accounts are ours, which tags a session was given, which of two copies of a cross-account call is the caller's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Final

import msgspec

from simulator.cloudtrail.learned import learned_accounts
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.record import Record
from simulator.decision.facts import Facts, Membership, SessionFacts
from simulator.iam.arn import is_account_id
from simulator.replay.event_ids import EventIds, Mark
from simulator.replay.lessons import Lessons

MAX_LEARNED: Final = 200_000
MAX_SESSIONS: Final = 500_000
MAX_PAIRS: Final = 1_000_000
"""Bounds on what is remembered; beyond them a fact stays unknown, which leaves verdicts undecided, never wrong."""

GLANCED: Final = frozenset(
    {
        ("Record", "error_code"),
        ("Record", "resources"),
        ("Record", "request_parameters"),
        ("Record", "response_elements"),
        ("UserIdentity", "arn"),
        ("UserIdentity", "session_context"),
        ("SessionContext", "session_issuer"),
        ("SessionIssuer", "arn"),
    }
)
"""The fields that the first look reads."""

_CONTESTED: Final = ""
"""Stands for the owner of a name that the log shows with several owners."""

_TOGETHER: Final = 64
"""Records that are glanced at together; one that teaches something makes all of them be looked at closely."""

_SHARED, _RECIPIENT, _SOURCE = map(attrgetter, ("shared_event_id", "recipient_account_id", "event_source"))
_SESSION_KEYS: Final = ("aws:principaltag/", "aws:sourceidentity", "aws:assumedroot")


class _Credentials(msgspec.Struct, rename="camel"):
    access_key_id: str | None = None


class _Issued(msgspec.Struct):
    credentials: _Credentials | None = None


@dataclass(slots=True)
class _Pair:
    """The copies of one cross-account call seen so far."""

    caller_event: str | None = None
    first_event: str = ""
    owner: str | None = None


@dataclass(slots=True)
class Survey:
    """What the first look taught. `merge` joins the looks at parts of a log; `close` ends it.

    `repeated` names, for each event id that stands in several batches, the one batch whose copy counts: the first.
    """

    home_accounts: set[str] = field(default_factory=set)
    event_ids: EventIds = field(default_factory=EventIds)
    repeated: dict[Mark, int] = field(default_factory=dict)
    pairs: dict[str, _Pair] = field(default_factory=dict)
    learned: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, SessionFacts] = field(default_factory=dict)
    wants_sessions: bool = True
    _lessons: Lessons = field(default_factory=Lessons)

    def look(self, records: list[Record], batch: int) -> None:
        """Learn from records of the batch with this number, in its order."""
        self.event_ids.add(records, batch)
        for caller, recipient in set(zip(map(_caller, records), map(_RECIPIENT, records), strict=True)):
            if caller is not None and caller == recipient and is_account_id(caller):
                self.home_accounts.add(caller)
        if any(map(_SHARED, records)):
            for record in records:
                if record.shared_event_id:
                    self._look_at_pair(record, record.shared_event_id, _caller(record), record.recipient_account_id)
        for place in range(0, len(records), _TOGETHER):
            some = records[place : place + _TOGETHER]
            if len(self.learned) < MAX_LEARNED and self._lessons.may_teach(some, self.learned):
                for record in some:
                    self._take(learned_accounts(record))
        if self.wants_sessions and "sts.amazonaws.com" in set(map(_SOURCE, records)):
            for record in records:
                if record.event_source == "sts.amazonaws.com":
                    self._look_at_session(record)

    def merge(self, other: "Survey") -> None:
        """Add what another part of the log taught."""
        self.event_ids.merge(other.event_ids)
        self.home_accounts |= other.home_accounts
        self._take(other.learned)
        self.sessions.update(other.sessions)
        for shared, theirs in other.pairs.items():
            ours = self.pairs.setdefault(shared, theirs)
            if ours is not theirs:
                ours.first_event = min(ours.first_event, theirs.first_event)
                ours.caller_event = _smaller(ours.caller_event, theirs.caller_event)
                ours.owner = _smaller(ours.owner, theirs.owner)

    def close(self) -> None:
        """All is looked at: find out which ids stand in several batches, drop what served to learn only."""
        self.repeated = self.event_ids.repeated()
        self.event_ids = EventIds()
        self._lessons = Lessons()

    def is_repeated(self, mark: Mark, batch: int) -> bool:
        """Whether an earlier batch holds the copy that counts."""
        return self.repeated.get(mark, batch) != batch

    def repeats(self, marks: set[Mark]) -> bool:
        """Whether one of these stands in several batches."""
        return not marks.isdisjoint(self.repeated)

    def is_second_copy(self, record: Record) -> bool:
        """Whether another copy of this cross-account call counts: the caller's, else the one with the smallest id."""
        pair = self.pairs.get(record.shared_event_id or "")
        return pair is not None and (record.event_id or "") != (pair.caller_event or pair.first_event)

    def owner_by_pair(self, record: Record) -> str | None:
        """The account that got the other copy of a cross-account call: it owns the resource."""
        pair = self.pairs.get(record.shared_event_id or "")
        return pair.owner if pair is not None else None

    def facts(self, facts: Facts, folder_accounts: Iterable[str]) -> Facts:
        """`facts` with all that was learned. `folder_accounts` have a folder in our organization's trail."""
        ours = self.home_accounts | set(folder_accounts)
        sure = {name: account for name, account in self.learned.items() if account != _CONTESTED}
        stale = {each for each in ours if facts.membership(each) is not Membership.MEMBER}
        return replace(
            facts,
            stale_accounts=frozenset(stale),
            resource_accounts={**sure, **facts.resource_accounts},
            sessions=self.sessions,
        )

    def _take(self, found: Mapping[str, str]) -> None:
        for name, account in found.items():
            # A name with two owners (a bucket deleted and made again elsewhere) has none that is sure.
            self.learned[name] = account if self.learned.get(name, account) == account else _CONTESTED

    def _look_at_pair(self, record: Record, shared: str, caller: str | None, recipient: str | None) -> None:
        event = record.event_id or ""
        pair = self.pairs.get(shared)
        if pair is None:
            if len(self.pairs) >= MAX_PAIRS:
                return
            pair = self.pairs[shared] = _Pair(first_event=event)
        pair.first_event = min(pair.first_event, event)
        if caller is not None and caller == recipient:
            pair.caller_event = _smaller(pair.caller_event, event)
        elif recipient is not None and is_account_id(recipient):
            pair.owner = _smaller(pair.owner, recipient)

    def _look_at_session(self, record: Record) -> None:
        name = record.event_name or ""
        if not name.startswith("Assume") or len(self.sessions) >= MAX_SESSIONS:
            return
        try:
            issued = msgspec.json.decode(record.response_elements, type=_Issued | None)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        key = issued.credentials.access_key_id if issued and issued.credentials else None
        parameters = Parameters.from_record(record)
        if not key or not parameters.known:
            return
        self.sessions[key] = SessionFacts(
            tags=_tags(parameters),
            source_identity=parameters.first("sourceIdentity"),
            assumed_root=name == "AssumeRoot",
        )


def _caller(record: Record) -> str | None:
    identity = record.user_identity
    return identity.account_id if identity else None


def wants_sessions(keys: frozenset[str]) -> bool:
    """Whether the programs read anything that only the record of an AssumeRole tells."""
    return any(key.startswith(_SESSION_KEYS) for key in keys)


def _tags(parameters: Parameters) -> Mapping[str, str]:
    tags: dict[str, str] = {}
    rows: Any = parameters.raw("tags")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("key"), str):
            tags[row["key"]] = str(row.get("value", ""))
    return tags


def _smaller(one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
