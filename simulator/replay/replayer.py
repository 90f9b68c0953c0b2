"""Replaying: every record becomes outcomes, and the outcomes fold into an `Impact`.

Two passes over the batches: the first learns (`Survey`), the second judges.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from simulator.cloudtrail.actions import ActionMap
from simulator.cloudtrail.call_result import CallResult, result_of
from simulator.cloudtrail.checks import Mapped, Skipped, Unmapped
from simulator.cloudtrail.containers import Damage, SkippedContent, SkippedRecord
from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.normalizer import Normalizer
from simulator.cloudtrail.principal import principal_of, session_name_of
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resources import ResourceMap
from simulator.decision.facts import Facts, Membership
from simulator.decision.request import (
    UNKNOWN,
    ContextValue,
    OneOf,
    Outside,
    Request,
    Tier,
)
from simulator.decision.verdict import Decision
from simulator.iam.catalog import Catalog
from simulator.organization.snapshot import facts as facts_of
from simulator.organization.tree import Organization
from simulator.replay.batch import Batch
from simulator.replay.classes import classes
from simulator.replay.guardrails import GuardrailPair
from simulator.replay.impact import FindingKey, Impact, UnmappedKind
from simulator.replay.labels import resource_label
from simulator.replay.outcome import Answer, Outcome, SideAnswer, outcome_of
from simulator.replay.shapes import ShapeMemo
from simulator.replay.survey import Survey, wants_sessions
from simulator.replay.ties import Ties

OUTSIDE_WINDOW: Final = "outside-window"
OTHER_ACCOUNT: Final = "other-account"
POSSIBLE_ACTION: Final = "action"
"""The "key" that would settle a finding of a check which AWS only possibly made."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records count. Times are ISO-8601 texts in UTC, `since` inclusive, `until` exclusive; `""` is open.

    `accounts` are callers or recipients; empty means all. `assume` gives values to keys that the log leaves unknown.
    """

    since: str = ""
    until: str = ""
    accounts: frozenset[str] = frozenset()
    assume: Mapping[str, str] = field(default_factory=dict)

    def leaves_out(self, record: Record, owner: str | None = None) -> str | None:
        """Why the record does not count, as a skip reason; `owner` is who got the other copy of the same call."""
        time = record.event_time or ""
        if (self.since and time < self.since) or (self.until and time >= self.until):
            return OUTSIDE_WINDOW
        if self.accounts:
            identity = record.user_identity
            theirs = {identity.account_id if identity else None, record.recipient_account_id, owner}
            if not theirs & self.accounts:
                return OTHER_ACCOUNT
        return None


@dataclass(frozen=True, slots=True)
class _Sighting:
    """One check's outcome with what a finding of it needs."""

    outcome: Outcome
    request: Request
    sides: tuple[SideAnswer, ...]
    drift: bool
    extra_keys: tuple[str, ...] = ()


Numbered = Sequence[tuple[int, Batch]]
"""Batches with their place in the whole log's order, which settles whose copy of a repeated record counts."""

Progress = Callable[[int], None]
"""Called with the stored bytes of each batch that is done with."""


def _no_progress(_size: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the organization now, as proposed, and which records count. Picklable.

    `ties`: who is behind whom is asked, too (`Impact.ties`).
    """

    current: Organization
    proposed: Organization
    selection: Selection = field(default_factory=Selection)
    ties: bool = False


class Replayer:
    """Answers one question over batches: a survey of all of them first, then the impact. Parts add up by `merge`."""

    def __init__(self, question: Question, catalog: Catalog) -> None:
        current, proposed = question.current, question.proposed
        self.guardrails = GuardrailPair(current, proposed, catalog)
        self.selection = question.selection
        self.ties = question.ties
        self.facts = facts_of(current)
        self.proposed_facts = facts_of(proposed)
        # Accounts that move have another organization path afterwards; only then are requests made twice.
        self.moves = self.facts.org_paths != self.proposed_facts.org_paths
        self._keys = self.guardrails.keys()
        self.normalizer = Normalizer(
            catalog, self._keys, ActionMap(catalog), ResourceMap(catalog), self.guardrails.keys_for
        )
        self.assume = {key.lower(): value for key, value in question.selection.assume.items()}

    def survey(self, batches: Numbered, progress: Progress = _no_progress) -> Survey:
        """The first look at some batches."""
        survey = Survey(wants_sessions=wants_sessions(self._keys))
        for number, batch in batches:
            for item in decode(batch.chunks()):
                if isinstance(item, Record):
                    survey.look(item, number)
            progress(batch.size)
        return survey

    def judge(
        self, survey: Survey, folder_accounts: frozenset[str], batches: Numbered, progress: Progress = _no_progress
    ) -> Impact:
        """The impact of some batches, with what the survey of all of them taught."""
        judge = _Judge(self, survey, folder_accounts)
        for number, batch in batches:
            judge.fold_file(number, batch.name, batch.chunks())
            progress(batch.size)
        return judge.finished()

    def run(self, batches: Sequence[Batch], progress: Progress = _no_progress) -> Impact:
        """Survey and judge all batches, one after the other."""
        numbered = list(enumerate(batches))
        survey = self.survey(numbered, progress)
        survey.forget_ids()
        return self.judge(survey, folder_accounts(self.facts, batches), numbered, progress)


def folder_accounts(facts: Facts, batches: Iterable[Batch]) -> frozenset[str]:
    """The accounts that have a folder in our own organization's trail: they are ours."""
    own = facts.organization_id
    return frozenset(
        batch.log_account for batch in batches if own and batch.log_account and batch.log_organization == own
    )


class _Judge:
    """The second pass: folds records into one impact."""

    def __init__(self, replayer: Replayer, survey: Survey, folders: frozenset[str]) -> None:
        self.impact = Impact()
        self.impact.ties = Ties() if replayer.ties else None
        self._replayer = replayer
        self._survey = survey
        self._facts = survey.facts(replayer.facts, folders)
        self._proposed_facts = survey.facts(replayer.proposed_facts, folders)
        self._batch = 0
        self._seen: set[str] = set()
        alike = classes(replayer.guardrails.programs(), (self._facts, self._proposed_facts))
        self._judged = ShapeMemo(self._judge, alike)

    def fold_file(self, number: int, name: str, chunks: Iterator[bytes]) -> None:
        """Fold one log file."""
        self._batch = number
        self._seen.clear()
        impact = self.impact
        skipped_content = False
        for item in decode(chunks):
            match item:
                case Record():
                    impact.read += 1
                    self._fold_record(item)
                case SkippedRecord(reason):
                    impact.read += 1
                    impact.skipped[reason] += 1
                case SkippedContent(reason):
                    skipped_content = True
                    impact.files_skipped[reason] += 1
                case Damage(reason):
                    impact.note_damage(name, reason)
        if not skipped_content:
            impact.files_read += 1

    def finished(self) -> Impact:
        """The impact, when all files are folded."""
        for account, records in self.impact.accounts.items():
            if self._facts.membership(account) is Membership.UNKNOWN:
                self.impact.stale_accounts.add(account, records)
        return self.impact

    def _fold_record(self, record: Record) -> None:
        impact = self.impact
        event_id = record.event_id
        if event_id is not None:
            if event_id in self._seen or self._survey.is_repeated(event_id, self._batch):
                impact.duplicates += 1
                return
            self._seen.add(event_id)
        if record.shared_event_id is not None and self._survey.is_second_copy(record):
            impact.duplicates += 1
            return
        left_out = self._replayer.selection.leaves_out(record, self._survey.owner_by_pair(record))
        if left_out is not None:
            impact.skipped[left_out] += 1
            return
        impact.see(record.event_time)
        if record.aws_region:
            impact.regions.add(record.aws_region)
        if record.recipient_account_id:
            impact.accounts.add(record.recipient_account_id)
        judged = self._judged(record)
        if judged.skipped is not None:
            impact.skipped[judged.skipped] += 1
        elif judged.unmapped is not None:
            impact.unmapped += 1
            impact.note_unmapped([(judged.unmapped, 1)])
        else:
            impact.mapped += 1
            impact.requests += judged.requests
            impact.outcomes[judged.outcome] += 1
            impact.drift += judged.drift
            if judged.outcome.makes_finding:
                impact.timeline.add(record.event_time, judged.outcome)
            if impact.ties is not None:
                impact.ties.look(record, judged)
            for touched in judged.findings:
                self._fold_finding(record, touched)

    def _fold_finding(self, record: Record, touched: "_Touched") -> None:
        # Records of one shape may have different callers.
        fold = self.impact.finding(touched.key._replace(principal=principal_of(record).label))
        fold.calls += 1
        fold.see(record.event_time)
        if record.aws_region:
            fold.regions.add(record.aws_region)
        if touched.settled_by:
            fold.keys |= touched.settled_by
        for resource in touched.resources:
            fold.resources.add(resource)
        session = session_name_of(record)
        if session:
            fold.sessions.add(session)
        if record.event_id:
            fold.event_ids.add(record.event_id)

    # Judging: a pure function of the record, once the survey is done; `ShapeMemo` remembers its results

    def _judge(self, record: Record) -> "_Judged":
        normalized = self._replayer.normalizer.normalize(record, self._facts)
        match normalized:
            case Skipped(reason):
                return _Judged(skipped=reason)
            case Unmapped(reason):
                return _Judged(unmapped=UnmappedKind(record.event_source or "", record.event_name or "", reason))
            case Mapped(requests):
                return self._judge_requests(record, requests)

    def _judge_requests(self, record: Record, requests: tuple[Request, ...]) -> "_Judged":
        proposed_requests = requests
        if self._replayer.moves:
            again = self._replayer.normalizer.normalize(record, self._proposed_facts)
            if isinstance(again, Mapped) and len(again.requests) == len(requests):
                proposed_requests = again.requests
        owner = self._survey.owner_by_pair(record)
        assume = self._replayer.assume
        sure = sum(request.tier is not Tier.POSSIBLE for request in requests)
        result = result_of(record)
        sightings = [
            self._sight(_completed(now, owner, assume), _completed(then, owner, assume), result)
            for now, then in zip(requests, proposed_requests, strict=True)
            if now.tier is not Tier.POSSIBLE or not sure
        ]
        return _Judged(
            requests=sure,
            outcome=min((sighting.outcome for sighting in sightings), key=lambda outcome: outcome.gravity),
            drift=any(sighting.drift for sighting in sightings),
            findings=_touched(sightings),
        )

    def _sight(self, now: Request, then: Request, result: CallResult) -> _Sighting:
        passed = result.passed
        current, proposed = self._replayer.guardrails.judge(now, then, self._facts, passed=passed)
        outcome = outcome_of(current, proposed, passed=passed)
        drift = passed and current.decision is Decision.DENIED
        if outcome is Outcome.ALREADY_DENIED and result is CallResult.UNAUTHENTICATED:
            # It never came as far as authorization, so neither version changes anything for it.
            outcome = Outcome.UNCHANGED
        extra: tuple[str, ...] = ()
        if now.tier is Tier.POSSIBLE:
            # AWS may not have made this check at all: nothing about it is sure.
            drift = False
            extra = (POSSIBLE_ACTION,)
            if outcome is Outcome.NEWLY_DENIED:
                outcome = Outcome.POSSIBLY_NEWLY_DENIED
            elif outcome is Outcome.NEWLY_ALLOWED:
                outcome = Outcome.UNCHANGED
        return _Sighting(outcome, now, _responsible(outcome, current, proposed), drift, extra)


@dataclass(frozen=True, slots=True)
class _Touched:
    """A finding that a call stands in, with the resources of the call that it is about. The key lacks the principal."""

    key: FindingKey
    resources: tuple[str, ...]
    settled_by: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What became of a record: skipped, unmapped, or judged."""

    skipped: str | None = None
    unmapped: UnmappedKind | None = None
    requests: int = 0
    outcome: Outcome = Outcome.UNCHANGED
    drift: bool = False
    findings: tuple[_Touched, ...] = ()


def _touched(sightings: Iterable[_Sighting]) -> tuple[_Touched, ...]:
    """The findings of one call: it counts once in each, however many resources of it were checked."""
    resources: dict[FindingKey, set[str]] = {}
    keys: dict[FindingKey, set[str]] = {}
    for sighting in sightings:
        if not sighting.outcome.makes_finding:
            continue
        request = sighting.request
        principal = request.principal
        for side in sighting.sides:
            for place, settling in side.found():
                key = FindingKey(sighting.outcome, "", principal.kind.value, principal.account, request.action, place)
                resources.setdefault(key, set()).add(resource_label(request.resource))
                keys.setdefault(key, set()).update(settling, sighting.extra_keys)
    return tuple(
        _Touched(
            key, tuple(sorted(found)), frozenset() if key.outcome is Outcome.NEWLY_DENIED else frozenset(keys[key])
        )
        for key, found in resources.items()
        # Where the same statement surely denies the call on another resource, nothing is left to settle.
        if key.outcome is not Outcome.POSSIBLY_NEWLY_DENIED
        or key._replace(outcome=Outcome.NEWLY_DENIED) not in resources
    )


def _responsible(outcome: Outcome, current: Answer, proposed: Answer) -> tuple[SideAnswer, ...]:
    """The sides whose statements a finding names: what denies, may deny, or denied before."""
    if outcome is Outcome.NEWLY_ALLOWED:
        return current.deciding
    if proposed.decision is Decision.UNDECIDED:
        # A side that is just as undecided today has nothing new to say.
        return tuple(side for side in proposed.deciding if side.fresh)
    return proposed.deciding


def _completed(request: Request, owner: str | None, assume: Mapping[str, str]) -> Request:
    """The request with what other copies of the record and the user's assumptions add to what is unknown."""
    if owner is not None and request.resource_account is UNKNOWN:
        request = replace(request, resource_account=owner)
    given = {key: value for key, value in assume.items() if _leaves_open(request.context.get(key), value)}
    return replace(request, context={**request.context, **given}) if given else request


def _leaves_open(known: ContextValue | None, value: str) -> bool:
    """Whether what the log knows of a key leaves room for this value, but does not prove it."""
    match known:
        case OneOf(values):
            return value in values
        case Outside(prefix):
            return value != prefix and not value.startswith(f"{prefix}/")
    return known is UNKNOWN
