"""The fold of all outcomes: counts, first and last seen, bounded samples. `merge` is commutative and associative.

Memory grows with distinct identities x actions x statements, never with records. Lists of examples keep the smallest
texts in byte order, so that folding a log whole equals merging the folds of its parts.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from simulator.cloudtrail.record import Record
from simulator.decision.facts import Facts, Membership
from simulator.replay.bounded import widened
from simulator.replay.outcome import Outcome, StatementPlace
from simulator.replay.ties import Ties
from simulator.replay.timeline import Timeline

SAMPLES: Final = 20
"""Resources, sessions and event ids kept for a finding."""

LISTED: Final = 200
"""Unmapped kinds of events, regions and accounts kept."""


class Smallest:
    """Counts by text, of the `limit` smallest texts only. What is kept is counted exactly."""

    __slots__ = ("_largest", "counts", "limit", "truncated")

    def __init__(self, limit: int = SAMPLES) -> None:
        self.counts: dict[str, int] = {}
        self._largest = ""
        self.limit = limit
        self.truncated = False

    def add(self, text: str, count: int = 1) -> None:
        """Count `text`. A text that was dropped once is larger than all that are kept, so it cannot come back."""
        counts = self.counts
        if text in counts:
            counts[text] += count
        elif len(counts) < self.limit:
            counts[text] = count
            self._largest = max(self._largest, text)
        else:
            self.truncated = True
            if text < self._largest:
                del counts[self._largest]
                counts[text] = count
                self._largest = max(counts)

    def merge(self, other: "Smallest") -> None:
        """Add what another fold has counted."""
        self.truncated = self.truncated or other.truncated
        for text, count in other.counts.items():
            self.add(text, count)

    def items(self) -> list[tuple[str, int]]:
        """The texts and counts, smallest text first."""
        return sorted(self.counts.items())


class FindingKey(NamedTuple):
    """What makes a finding: `principal` is the role, user, root, service or account; never a session."""

    outcome: Outcome
    principal: str
    principal_type: str
    account: str | None
    action: str
    place: StatementPlace


class Sightings:
    """What was seen of the calls that something is about. Times are ISO-8601 texts, `""` where no record had one."""

    __slots__ = ("calls", "event_ids", "first_seen", "last_seen", "regions", "resources", "sessions")

    def __init__(self) -> None:
        self.calls = 0
        self.first_seen = ""
        self.last_seen = ""
        self.regions = Smallest(LISTED)
        self.resources = Smallest()
        self.sessions = Smallest()
        self.event_ids = Smallest()

    def see(self, time: str | None) -> None:
        """Widen the window."""
        self.first_seen, self.last_seen = widened(self.first_seen, self.last_seen, time)

    def count(self, record: Record, resources: Iterable[str], session: str | None) -> None:
        """Count a call on these resources, made in a session of this name."""
        self.calls += 1
        self.see(record.event_time)
        if record.aws_region:
            self.regions.add(record.aws_region)
        for resource in resources:
            self.resources.add(resource)
        if session:
            self.sessions.add(session)
        if record.event_id:
            self.event_ids.add(record.event_id)

    def add(self, other: "Sightings") -> None:
        """Add what another fold has seen of the same."""
        self.calls += other.calls
        self.see(other.first_seen)
        self.see(other.last_seen)
        self.regions.merge(other.regions)
        self.resources.merge(other.resources)
        self.sessions.merge(other.sessions)
        self.event_ids.merge(other.event_ids)


class FindingFold(Sightings):
    """What was seen of one finding; `keys` would settle it."""

    __slots__ = ("keys",)

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()

    def merge(self, other: "FindingFold") -> None:
        """Add what another fold has seen of the same finding."""
        self.add(other)
        self.keys |= other.keys


class UnmappedKind(NamedTuple):
    """A kind of record that could not be mapped."""

    event_source: str
    event_name: str
    reason: str


class LogTally:
    """What reading a log gave, whatever was asked of it: read = mapped + unmapped + duplicates + all skipped."""

    def __init__(self) -> None:
        self.read = 0
        self.duplicates = 0
        self.unmapped = 0
        self.mapped = 0
        self.skipped: Counter[str] = Counter()
        self.unmapped_kinds: dict[UnmappedKind, int] = {}
        self.unmapped_truncated = False
        self.first_time = ""
        self.last_time = ""
        self.accounts = Smallest(10_000)
        self.regions = Smallest(LISTED)
        self.stale_accounts = Smallest(LISTED)
        self.files_read = 0
        self.files_skipped: Counter[str] = Counter()
        self.damaged: dict[tuple[str, str], int] = {}
        self.ties: Ties | None = None
        """Who acted as whom; `None` where nobody asked."""

    def note_unmapped(self, kinds: Iterable[tuple[UnmappedKind, int]]) -> None:
        """Count unmapped kinds; the smallest are kept, so that hostile event names cannot fill memory."""
        for kind, count in kinds:
            self.unmapped_kinds[kind] = self.unmapped_kinds.get(kind, 0) + count
        if len(self.unmapped_kinds) > LISTED:
            self.unmapped_truncated = True
            self.unmapped_kinds = dict(sorted(self.unmapped_kinds.items())[:LISTED])

    def note_damage(self, file: str, reason: str, count: int = 1) -> None:
        """Count a piece of a file that could not be used."""
        self.damaged[file, reason] = self.damaged.get((file, reason), 0) + count

    def note_stale(self, facts: Facts) -> None:
        """Tell which of the accounts are ours but missing from the snapshot."""
        for account, records in self.accounts.items():
            if facts.membership(account) is Membership.UNKNOWN:
                self.stale_accounts.add(account, records)

    def see(self, time: str | None) -> None:
        """Widen the window of the log."""
        self.first_time, self.last_time = widened(self.first_time, self.last_time, time)

    def add(self, other: "LogTally") -> None:
        """Add what reading another part of the log gave."""
        self.read += other.read
        self.duplicates += other.duplicates
        self.unmapped += other.unmapped
        self.mapped += other.mapped
        self.skipped.update(other.skipped)
        self.note_unmapped(other.unmapped_kinds.items())
        self.unmapped_truncated = self.unmapped_truncated or other.unmapped_truncated
        self.see(other.first_time)
        self.see(other.last_time)
        self.accounts.merge(other.accounts)
        self.regions.merge(other.regions)
        self.stale_accounts.merge(other.stale_accounts)
        self.files_read += other.files_read
        self.files_skipped.update(other.files_skipped)
        for (file, reason), count in other.damaged.items():
            self.note_damage(file, reason, count)
        if other.ties is not None:
            self.ties = self.ties or Ties()
            self.ties.merge(other.ties)


class Impact(LogTally):
    """What replaying a log gave."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.drift = 0
        """Calls that passed although the current guardrails deny them: the snapshot or the simulator is wrong."""
        self.findings: dict[FindingKey, FindingFold] = {}
        self.timeline = Timeline()
        """The calls of outcomes that make findings."""

    def finding(self, key: FindingKey) -> FindingFold:
        """The fold of a finding, made when first asked for."""
        fold = self.findings.get(key)
        if fold is None:
            fold = self.findings[key] = FindingFold()
        return fold

    def merge(self, other: "Impact") -> None:
        """Add the fold of another part of the log."""
        self.add(other)
        self.requests += other.requests
        self.drift += other.drift
        self.outcomes.update(other.outcomes)
        for key, fold in other.findings.items():
            self.finding(key).merge(fold)
        self.timeline.merge(other.timeline)
