"""A first look at the log: facts that later records need, wherever in the log they stand.

CloudTrail files are unordered, and some facts stand in one record while another needs them: whose a bucket is, which
accounts are ours, which tags a session was given, which of two copies of a cross-account call is the caller's.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from simulator.cloudtrail.learned import learned_accounts
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.record import Record
from simulator.decision.facts import Facts, Membership, SessionFacts
from simulator.iam.arn import is_account_id

MAX_LEARNED: Final = 200_000
MAX_SESSIONS: Final = 500_000
MAX_PAIRS: Final = 1_000_000
"""Bounds on what is remembered; beyond them a fact stays unknown, which leaves verdicts undecided, never wrong."""

_CONTESTED: Final = ""
"""Stands for the owner of a name that the log shows with several owners."""

_OBJECT_KEY: Final = re.compile(rb'(:s3:::[^/"]+/)[^"]*')
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
    """What the first look taught. `merge` joins the looks at parts of a log.

    `repeated` names, for each event id that stands in several batches, the one batch whose copy counts: the first.
    """

    home_accounts: set[str] = field(default_factory=set)
    batches_by_event: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)
    pairs: dict[str, _Pair] = field(default_factory=dict)
    learned: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, SessionFacts] = field(default_factory=dict)
    wants_sessions: bool = True
    _taught: set[tuple[object, ...]] = field(default_factory=set)

    def look(self, record: Record, batch: int) -> None:
        """Learn from one record of the batch with this number."""
        if record.event_id is not None:
            self._look_at_id(record.event_id, batch)
        identity = record.user_identity
        caller = identity.account_id if identity else None
        recipient = record.recipient_account_id
        if caller is not None and caller == recipient and is_account_id(caller):
            self.home_accounts.add(caller)
        if record.shared_event_id:
            self._look_at_pair(record, record.shared_event_id, caller, recipient)
        if len(self.learned) < MAX_LEARNED:
            self._learn(record)
        if self.wants_sessions and record.event_source == "sts.amazonaws.com":
            self._look_at_session(record)

    def merge(self, other: "Survey") -> None:
        """Add what another part of the log taught."""
        for event, batch in other.batches_by_event.items():
            self._look_at_id(event, batch)
        for event, batch in other.repeated.items():
            self.repeated[event] = min(batch, self.repeated.get(event, batch))
        self.home_accounts |= other.home_accounts
        self._take(other.learned)
        self.sessions.update(other.sessions)
        for shared, theirs in other.pairs.items():
            ours = self.pairs.setdefault(shared, theirs)
            if ours is not theirs:
                ours.first_event = min(ours.first_event, theirs.first_event)
                ours.caller_event = _smaller(ours.caller_event, theirs.caller_event)
                ours.owner = _smaller(ours.owner, theirs.owner)

    def forget_ids(self) -> None:
        """Drop the ids that stand once, and what was only kept to learn faster."""
        self.batches_by_event = {}
        self._taught = set()

    def is_repeated(self, event_id: str, batch: int) -> bool:
        """Whether an earlier batch holds the copy that counts."""
        return self.repeated.get(event_id, batch) != batch

    def repeats(self, events: set[str | None]) -> bool:
        """Whether one of these ids stands in several batches."""
        return not events.isdisjoint(self.repeated)

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

    def _look_at_id(self, event: str, batch: int) -> None:
        first = self.batches_by_event.setdefault(event, batch)
        if first != batch:
            self.batches_by_event[event] = min(first, batch)
            self.repeated[event] = min(first, batch, self.repeated.get(event, batch))

    def _learn(self, record: Record) -> None:
        identity = record.user_identity
        session = identity.session_context if identity else None
        issuer = session.session_issuer if session else None
        # What most records could teach, an earlier one has taught: a glance at their text tells.
        signs = (
            (issuer.arn if issuer else None) or (identity.arn if identity else None),
            _OBJECT_KEY.sub(rb"\1", bytes(record.resources)),
            record.recipient_account_id,
            identity.account_id if identity else None,
        )
        if signs in self._taught and not _names_parts(record):
            return
        self._take(learned_accounts(record))
        if len(self._taught) < MAX_LEARNED:
            self._taught.add(signs)

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


def _names_parts(record: Record) -> bool:
    """Whether request or answer may hold an ARN of the kind that requests name by parts (IAM, secrets)."""
    texts = (bytes(record.request_parameters), bytes(record.response_elements))
    return any(b":iam:" in text or b":secretsmanager:" in text for text in texts)


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
