"""Who acted as whom: the evidence of identities, folded while records are replayed.

Four things are folded, each so that folding a log whole equals merging the folds of any partition, in any order:

* *assumed*: what the records that issue sessions say by themselves (caller, role, subject of the token). They need no
  other record, so these links are counted completely.
* *issued* and *used*: which access key a record issued, and what was done with which access key. `analysis.identities`
  joins the two, by the key, or by role, name and time, into chains of any length.
* *loose*: calls that belong to no session that is kept, by role and, where that may tell who it is, session name.
* *denials*: which statements together newly deny (or may deny) a call of a principal. Like findings, they grow with
  distinct identities and statements.

**Bounds.** Files come by account and region, not by time, and are dealt out to processes: a session's beginning may be
read long after its end. Forgetting sessions in reading order would make the answer depend on the order of files and
the number of workers. Instead:

* a join *holds* for 36 hours of log time after the session began (`tie_keys.HOLDS`), the longest for which STS gives
  credentials (AWS STS API Reference, GetSessionToken). Calls with the same key after that are loose.
* sessions are kept one by one for the `MAX_SESSIONS` access keys whose hashes are smallest (`Kept`), some tens of
  megabytes at the most. Further ones fold to role → role links (`assumed`) and to `loose` at once.

So up to `MAX_SESSIONS` sessions everything is joined; with more, links are complete, and calls are attributed to chains
for a fair sample of sessions. `truncated` says so.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from simulator.cloudtrail.principal import principal_of
from simulator.cloudtrail.record import Record, SessionAttributes, SessionContext, SessionIssuer, UserIdentity
from simulator.replay.bounded import Kept, Key
from simulator.replay.issued import ISSUING_EVENTS, issued_by
from simulator.replay.outcome import Outcome, StatementPlace
from simulator.replay.tie_folds import Assumption, Issue, Tally, Use, add_counts
from simulator.replay.tie_keys import group_key, is_over, session_name, unkeyed

MAX_SESSIONS: Final = 50_000
MAX_LINKS: Final = 20_000

LOOKED_AT: Final = frozenset(
    {
        *(("Record", name) for name in ("aws_region", "error_code", "source_ip_address", "user_agent")),
        *(("Record", name) for name in ("request_parameters", "response_elements")),
        *(
            (struct.__name__, name)
            for struct in (UserIdentity, SessionContext, SessionIssuer, SessionAttributes)
            for name in struct.__struct_fields__
        ),
    }
)
"""Fields of records that `look` may read, beside those always decoded (`simulator.cloudtrail.narrowing`)."""

_SESSION_TYPES: Final = frozenset({"AssumedRole", "Root", "FederatedUser"})
_MOST_TEXTS: Final = 4096
_DENYING: Final = (Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED)
_EXECUTION: Final = "exec-env/"


class FoundKey(Protocol):
    """What is asked of the key of a finding."""

    @property
    def outcome(self) -> Outcome: ...  # noqa: D102
    @property
    def place(self) -> StatementPlace: ...  # noqa: D102


class Found(Protocol):
    """A finding that a call stands in."""

    @property
    def key(self) -> FoundKey: ...  # noqa: D102


class Judged(Protocol):
    """What the replay found out about one record."""

    @property
    def outcome(self) -> Outcome: ...  # noqa: D102
    @property
    def findings(self) -> Sequence[Found]: ...  # noqa: D102


class Denial(NamedTuple):
    """Calls of a principal that exactly `places` newly deny, and `open_places` may deny, on another check or all.

    Without `places` the calls are possibly newly denied. What a denial hides (an undecided statement on the same check,
    a missing Allow further down) is not known here.
    """

    principal: str
    principal_type: str
    account: str
    places: frozenset[StatementPlace]
    open_places: frozenset[StatementPlace]


class Ties:
    """The fold. `look` at each judged record, `merge` parts, `settle` before reading."""

    def __init__(self, max_sessions: int = MAX_SESSIONS, max_links: int = MAX_LINKS) -> None:
        self.assumed: Kept[Tally] = Kept(max_links, whole=True)
        self.issued: Kept[Issue] = Kept(max_sessions)
        self.used: Kept[Use] = Kept(max_sessions)
        self.loose: Kept[Use] = Kept(max_links, whole=True)
        self.denials: dict[Denial, Tally] = {}
        # What makes equal texts of many sessions one object; nothing depends on it.
        self._assumptions: dict[Assumption, Assumption] = {}
        self._events: dict[tuple[str | None, str | None], str] = {}
        self._agents: dict[str, str] = {}

    @property
    def truncated(self) -> tuple[str, ...]:
        """What was cut to keep memory bounded."""
        cut = {"sessions": self.issued.cut or self.used.cut, "links": self.assumed.cut, "groups": self.loose.cut}
        return tuple(name for name, is_cut in cut.items() if is_cut)

    def look(self, record: Record, judged: Judged) -> None:
        """Fold one judged record. A record must not be folded twice."""
        if judged.outcome in _DENYING:
            self._note_denial(record, judged)
        identity = record.user_identity
        if identity is None:
            return
        used: Key = ()
        session = identity.session_context
        if identity.type in _SESSION_TYPES and session is not None:
            used = self._note_use(record, identity, session, judged)
        if record.event_source == "sts.amazonaws.com" and record.event_name in ISSUING_EVENTS:
            self._note_issue(record, used, judged)

    def merge(self, other: "Ties") -> None:
        """Add the fold of another part of the log."""
        self.assumed.lower_edge(other.assumed)
        for key, tally in other.assumed.entries.items():
            self._tally(key).merge(tally)
        self.issued.lower_edge(other.issued)
        for key, issue in other.issued.entries.items():
            self._issue(key, issue)
        self.used.lower_edge(other.used)
        for key, use in other.used.entries.items():
            (self.used.entries.get(key) or self._new_use(key)).merge(use)
        self.loose.lower_edge(other.loose)
        for key, use in other.loose.entries.items():
            self._loose(key).merge(use)
        for denial, tally in other.denials.items():
            self._denial(denial).merge(tally)

    def settle(self) -> None:
        """Cut everything to its bounds."""
        self.assumed.settle()
        self.issued.settle()
        for key, use in self.used.settle():
            self._let_go(key, use)
        self.loose.settle()
        for kept in (self.used, self.loose):
            for use in kept.entries.values():
                use.settle()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ties):
            return NotImplemented
        return self._content() == other._content()

    __hash__ = None  # type: ignore[assignment]

    def _content(self) -> tuple[object, ...]:
        self.settle()
        kept = (self.assumed, self.issued, self.used, self.loose)
        return (*(each.entries for each in kept), self.denials, self.truncated)

    # What one record adds

    def _note_denial(self, record: Record, judged: Judged) -> None:
        principal = principal_of(record)
        places = _places(judged, Outcome.NEWLY_DENIED)
        denial = Denial(
            principal.label,
            principal.kind.value,
            principal.account or "",
            places,
            _places(judged, Outcome.POSSIBLY_NEWLY_DENIED) - places,
        )
        tally = self._denial(denial)
        tally.calls += 1
        tally.see(record.event_time, record.event_id)

    def _note_use(self, record: Record, identity: UserIdentity, session: SessionContext, judged: Judged) -> Key:
        """Fold a call made in a session; returns the session's key."""
        attributes = session.attributes
        created = (attributes.creation_date if attributes else None) or ""
        issuer = session.session_issuer
        arn = identity.arn or ""
        role = issuer.arn if issuer is not None and identity.type == "AssumedRole" else arn
        if not role or (role is not arn and ":role/" not in role):
            role = principal_of(record).label
        access_key = identity.access_key_id
        key = (access_key, role, arn) if access_key else (unkeyed(role, session_name(arn)), role, arn, created)
        time = record.event_time or ""
        if is_over(created, time):
            use = self._loose(group_key(key))
        else:
            use = self.used.entries.get(key) or self._new_use(key)
        use.calls += 1
        if time and (time < use.first or time > use.last or not use.first):
            use.first = min(time, use.first or time)
            use.last = max(time, use.last)
        event_id = record.event_id or ""
        if event_id < use.event_id or not use.event_id:
            use.event_id = event_id
        self._note_facts(use, record, identity, session, created)
        outcome = judged.outcome
        if outcome is Outcome.NEWLY_DENIED:
            use.denied += 1
            use.hit(dict.fromkeys(_places(judged, outcome), 1), {})
            return key
        if outcome is Outcome.POSSIBLY_NEWLY_DENIED:
            use.undecided += 1
            use.hit({}, dict.fromkeys(_places(judged, outcome), 1))
        names = (record.event_source, record.event_name)
        use.count(self._events.get(names) or self._event(names))
        return key

    def _note_facts(
        self, use: Use, record: Record, identity: UserIdentity, session: SessionContext, created: str
    ) -> None:
        """What the record says of its session. Of texts that differ the largest is kept, so order does not matter."""
        if created > use.created:
            use.created = created
        agent = record.user_agent
        if agent is not None:
            found = self._agents.get(agent)
            if found is None:
                found = self._execution(agent)
            if found > use.agent:
                use.agent = found
        invoked_by = identity.invoked_by
        if invoked_by:
            use.invoked += 1
            use.invoked_by = max(use.invoked_by, invoked_by)
        if identity.type == "FederatedUser" and session.session_issuer is not None:
            use.issuer = max(use.issuer, session.session_issuer.arn or "")
        if session.source_identity:
            use.source_identity = max(use.source_identity, session.source_identity)
        if session.ec2_role_delivery:
            use.delivered = max(use.delivered, session.ec2_role_delivery)
        if identity.in_scope_of:
            use.issued_to = max(use.issued_to, _member(identity.in_scope_of, "credentialsIssuedTo"))
        if identity.on_behalf_of:
            use.user_id = max(use.user_id, _member(identity.on_behalf_of, "userId"))
        if session.web_id_federation_data:
            use.provider = max(use.provider, _member(session.web_id_federation_data, "federatedProvider"))

    def _note_issue(self, record: Record, caller: Key, judged: Judged) -> None:
        issued = issued_by(record)
        if issued is None:
            return
        if len(self._assumptions) >= _MOST_TEXTS:
            self._assumptions.clear()
        assumption = self._assumptions.setdefault(issued.assumption, issued.assumption)
        denied = judged.outcome is Outcome.NEWLY_DENIED
        places = _places(judged, Outcome.NEWLY_DENIED) if denied else frozenset()
        time = record.event_time or ""
        if assumption in self.assumed.entries or self.assumed.takes(assumption):
            tally = self._tally(assumption)
            tally.calls += 1
            tally.denied += denied
            tally.see(time, record.event_id)
            add_counts(tally.hits, dict.fromkeys(places, 1))
            if judged.outcome is Outcome.POSSIBLY_NEWLY_DENIED:
                tally.undecided += 1
                add_counts(tally.open_hits, dict.fromkeys(_places(judged, judged.outcome), 1))
        event_id = record.event_id or ""
        # Without an access key two callers may have got a session of the same name in the same second.
        nameless = (unkeyed(assumption.role, issued.name), time, event_id)
        issue = Issue(time, event_id, issued.name, assumption, caller, places)
        self._issue((issued.access_key,) if issued.access_key else nameless, issue)

    # Entries, made when first asked for

    def _tally(self, key: Key) -> Tally:
        tally = self.assumed.entries.get(key)
        if tally is None:
            tally = Tally()
            if self.assumed.takes(key):
                self.assumed.put(key, tally)
        return tally

    def _issue(self, key: Key, issue: Issue) -> None:
        known = self.issued.entries.get(key)
        if known is not None:
            self.issued.entries[key] = known.joined(issue)
        elif self.issued.takes(key):
            self.issued.put(key, issue)

    def _new_use(self, key: Key) -> Use:
        """The fold of a session that is not known yet, or of its group where the session is not kept."""
        if not self.used.takes(key):
            return self._loose(group_key(key))
        use = Use()
        for other, dropped in self.used.put(key, use):
            if other == key:
                # It comes back as part of its group, before anything was counted.
                use = self._loose(group_key(key))
            else:
                self._let_go(other, dropped)
        return use

    def _let_go(self, key: Key, use: Use) -> None:
        self._loose(group_key(key)).merge(use)

    def _loose(self, key: Key) -> Use:
        use = self.loose.entries.get(key)
        if use is None:
            use = Use()
            if self.loose.takes(key):
                self.loose.put(key, use)
        return use

    def _denial(self, denial: Denial) -> Tally:
        tally = self.denials.get(denial)
        if tally is None:
            tally = self.denials[denial] = Tally()
        return tally

    def _event(self, names: tuple[str | None, str | None]) -> str:
        """CloudTrail's name of a kind of event, with its service: `s3:GetObject`."""
        if len(self._events) >= _MOST_TEXTS:
            self._events.clear()
        source, name = names
        label = f"{(source or '').removesuffix('.amazonaws.com')}:{name or ''}"
        return self._events.setdefault(names, label)

    def _execution(self, agent: str) -> str:
        """The execution environment that a user agent names (`AWS_Lambda_python3.12`), `""` if none."""
        if len(self._agents) >= _MOST_TEXTS:
            self._agents.clear()
        _, mark, rest = agent.partition(_EXECUTION)
        found = rest.partition(" ")[0].rstrip("]") if mark else ""
        self._agents[agent] = found
        return found


def _places(judged: Judged, outcome: Outcome) -> frozenset[StatementPlace]:
    return frozenset(each.key.place for each in judged.findings if each.key.outcome is outcome)


def _member(node: object, name: str) -> str:
    found = node.get(name) if isinstance(node, dict) else None
    return found if isinstance(found, str) else ""
