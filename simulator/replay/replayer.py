"""Replaying: every record becomes outcomes, and the outcomes fold into an `Impact`.

Two passes over the batches: the first learns (`Survey`), the second judges.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from simulator.cloudtrail.actions import ActionMap
from simulator.cloudtrail.bulk import Intact
from simulator.cloudtrail.call import Call
from simulator.cloudtrail.call_result import CallResult
from simulator.cloudtrail.checks import Mapped, Skipped, Unmapped
from simulator.cloudtrail.narrowing import Narrowing, NotDecoded
from simulator.cloudtrail.normalizer import Normalizer
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import principal_of, session_name_of
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resources import ResourceMap
from simulator.decision.facts import Facts
from simulator.decision.request import (
    UNKNOWN,
    ContextValue,
    OneOf,
    Outside,
    Principal,
    Request,
    Tier,
)
from simulator.decision.verdict import Decision
from simulator.iam.catalog import Catalog
from simulator.organization.snapshot import facts as facts_of
from simulator.organization.tree import Organization
from simulator.replay.batch import Batch
from simulator.replay.classes import classes
from simulator.replay.facets import Facets
from simulator.replay.guardrails import GuardrailPair
from simulator.replay.impact import FindingKey, Impact, UnmappedKind
from simulator.replay.labels import resource_label
from simulator.replay.outcome import Answer, Outcome, SideAnswer, change_of, outcome_of
from simulator.replay.reading import (
    LogReader,
    Ordered,
    Progress,
    Selection,
    folder_accounts,
    no_progress,
    survey_of,
)
from simulator.replay.review import Requests, ReviewGuardrails
from simulator.replay.shapes import Facet, FrontMemo, ShapeMemo
from simulator.replay.survey import Survey, wants_sessions
from simulator.replay.ties import LOOKED_AT, Ties
from simulator.replay.watched import View, is_watched, noted

_FOLDED: Final = frozenset({("Record", "aws_region")})
"""What counting reads of every record; the judge adds what it asks for."""

_MOST_ACTIONS: Final = 20_000
"""Actions to remember; hostile logs can name any number of them."""

POSSIBLE_ACTION: Final = "action"
"""The "key" that would settle a finding of a check which AWS only possibly made."""

OTHER_POLICIES: Final = "other_policies"
"""The "key" that would settle whether a call which failed in the log would pass under other guardrails."""


@dataclass(frozen=True, slots=True)
class _Sighting:
    """One check's outcome with what a finding of it needs; `number` as in `Mapped.numbers`."""

    outcome: Outcome
    request: Request
    number: int | None
    sides: tuple[SideAnswer, ...]
    drift: bool
    extra_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the organization now, as proposed, and which records count. Picklable.

    `logged_under` is for comparing two proposals, `current` the base and `proposed` the head: the organization under
    whose guardrails the log was made. `None`: under `current`.
    `ties`: who is behind whom is asked, too (`Impact.ties`).
    """

    current: Organization
    proposed: Organization
    selection: Selection = field(default_factory=Selection)
    ties: bool = False
    logged_under: Organization | None = None


class Replayer:
    """Answers one question over batches: a survey of all of them first, then the impact. Parts add up by `merge`."""

    def __init__(self, question: Question, catalog: Catalog) -> None:
        current, proposed = question.current, question.proposed
        logged_under = question.logged_under or current
        self.review: ReviewGuardrails | None = None
        if question.logged_under is not None:
            self.review = ReviewGuardrails(logged_under, current, proposed, catalog)
        self.guardrails = self.review or GuardrailPair(current, proposed, catalog)
        self.selection = question.selection
        self.ties = question.ties
        self.facts = facts_of(logged_under)
        self.current_facts = facts_of(current)
        self.proposed_facts = facts_of(proposed)
        # Accounts that move have another organization path then; only if there are any are requests made again.
        self.moves = any(each.org_paths != self.facts.org_paths for each in (self.current_facts, self.proposed_facts))
        self._keys = self.guardrails.keys()
        self.normalizer = Normalizer(
            catalog,
            self._keys,
            ActionMap(catalog),
            ResourceMap(catalog),
            self.guardrails.keys_for,
            self.guardrails.asks_resource,
        )
        self.assume = {key.lower(): value for key, value in question.selection.assume.items()}

    def survey(self, batches: Ordered, progress: Progress = no_progress) -> Survey:
        """The first look at some batches."""
        return survey_of(batches, progress, wants_sessions=wants_sessions(self._keys))

    def judge(
        self, survey: Survey, folder_accounts: frozenset[str], batches: Ordered, progress: Progress = no_progress
    ) -> Impact:
        """The impact of some batches, with what the survey of all of them taught."""
        judge = _Judge(self, survey, folder_accounts)
        for number, batch in batches:
            judge.fold_file(number, batch.name, batch.chunks())
            progress(batch.size)
        return judge.finished()

    def run(self, batches: Sequence[Batch], progress: Progress = no_progress) -> Impact:
        """Survey and judge all batches, one after the other."""
        numbered = list(enumerate(batches))
        survey = self.survey(numbered, progress)
        survey.close()
        return self.judge(survey, folder_accounts(self.facts, batches), numbered, progress)


class _Judge:
    """The second pass: folds records into one impact."""

    def __init__(self, replayer: Replayer, survey: Survey, folders: frozenset[str]) -> None:
        self.impact = Impact()
        self.impact.ties = Ties() if replayer.ties else None
        self._replayer = replayer
        self._survey = survey
        self._facts = survey.facts(replayer.facts, folders)
        self._current_facts = survey.facts(replayer.current_facts, folders)
        self._proposed_facts = survey.facts(replayer.proposed_facts, folders)
        self._reader = LogReader(self.impact, survey, replayer.selection)
        self._narrowing = Narrowing(_FOLDED | LOOKED_AT if replayer.ties else _FOLDED)
        alike = classes(replayer.guardrails.programs(), (self._facts, self._current_facts, self._proposed_facts))
        # Two memos: the first asks for nothing but what a record holds, which is fast but tells many records apart;
        # what it has not seen yet, the second one looks up by facets.
        self._judged = FrontMemo(ShapeMemo(self._judge, alike), alike)
        self._callers = ShapeMemo(principal_of)
        self._owners = Facet(ShapeMemo(survey.owner_by_pair), lambda owner: owner)
        self._labels: dict[str, ShapeMemo[tuple[tuple[str, bool], ...]]] = {}
        self._alike = alike
        self._reading, self._current_reading, self._proposed_reading = (
            Facets(replayer.guardrails, replayer.normalizer, facts, self._facts, alike)
            for facts in (self._facts, self._current_facts, self._proposed_facts)
        )

    def fold_file(self, number: int, name: str, chunks: Iterator[bytes]) -> None:
        """Fold one log file."""
        for item in self._reader.items(number, name, chunks, self._narrowing):
            if isinstance(item, Intact):
                self._fold_intact(item)
            else:
                self._fold_records(self._judge_all([item]))

    def finished(self) -> Impact:
        """The impact, when all files are folded."""
        self.impact.note_stale(self._facts)
        return self.impact

    def _fold_intact(self, intact: Intact) -> None:
        records = intact.records
        while True:
            try:
                seen = self._judge_all(records)
                break
            except NotDecoded as missing:
                self._narrowing.add(missing.field)
                records = intact.whole()
        self._fold_records(seen)

    def _judge_all(self, records: list[Record]) -> list["_Seen"]:
        """All that is to be known of records, before any of them is counted."""
        judge = self._judged.at
        seen = []
        for record in records:
            judged = judge(View(record))
            seen.append((record, judged, self._told(record, judged) if judged.findings else None))
        return seen

    def _told(self, record: Record, judged: "_Judged") -> "_Told":
        # Records of one shape may have different callers, and resources of different names.
        resources = tuple(self._resources(record, touched) for touched in judged.findings)
        return _Told(self._callers(record), session_name_of(record), resources)

    def _fold_records(self, seen: list["_Seen"]) -> None:
        impact = self.impact
        places = self._reader.counting([record for record, _, _ in seen])
        if len(places) < len(seen):
            seen = [seen[place] for place in places]
        kinds = {id(judged): judged for _, judged, _ in seen}
        for kind, count in Counter([id(judged) for _, judged, _ in seen]).items():
            self._count(kinds[kind], count)
        for record, judged, told in seen:
            if judged.outcome.makes_finding:
                impact.timeline.add(record.event_time, judged.outcome)
            if told is not None:
                for touched, resources in zip(judged.findings, told.resources, strict=True):
                    self._fold_finding(record, touched, told, resources)
        if impact.ties is not None:
            for record, judged, _ in seen:
                if judged.mapped:
                    impact.ties.look(record, judged)

    def _count(self, judged: "_Judged", records: int) -> None:
        impact = self.impact
        if judged.skipped is not None:
            impact.skipped[judged.skipped] += records
        elif judged.unmapped is not None:
            impact.unmapped += records
            impact.note_unmapped([(judged.unmapped, records)])
        else:
            impact.mapped += records
            impact.requests += judged.requests * records
            impact.outcomes[judged.outcome] += records
            impact.drift += judged.drift * records

    def _fold_finding(self, record: Record, touched: "_Touched", told: "_Told", resources: Iterable[str]) -> None:
        principal = told.principal
        key = touched.key._replace(principal=principal.label, account=principal.account)
        fold = self.impact.finding(key)
        fold.count(record, resources, told.session)
        if touched.settled_by:
            fold.keys |= touched.settled_by

    def _resources(self, record: Record, touched: "_Touched") -> Iterable[str]:
        """The resources of a call that a finding is about, each once."""
        action = touched.key.action
        labels = self._labels.get(action)
        if labels is None:
            if len(self._labels) >= _MOST_ACTIONS:
                self._labels.clear()
            labels = self._labels[action] = ShapeMemo(lambda each: self._labels_of(each, action), self._alike)
        found = labels(record)
        if touched.resources is None:
            return {label for label, certain in found if certain}
        return {found[number][0] for number in touched.resources}

    def _labels_of(self, record: Record, action: str) -> tuple[tuple[str, bool], ...]:
        call = Call(record, Parameters.from_record(record), principal_of(record), self._facts)
        found = self._replayer.normalizer.find_resources(call, action)
        return tuple((resource_label(each.resource), each.certain) for each in found)

    # Judging: a pure function of the record, once the survey is done; `ShapeMemo` remembers its results

    def _judge(self, record: Record) -> "_Judged":
        normalized = self._replayer.normalizer.normalize(record, self._facts, self._reading)
        match normalized:
            case Skipped(reason):
                return _Judged(skipped=reason)
            case Unmapped(reason):
                return _Judged(unmapped=UnmappedKind(record.event_source or "", record.event_name or "", reason))
            case Mapped():
                return self._judge_requests(record, normalized)

    def _judge_requests(self, record: Record, mapped: Mapped) -> "_Judged":
        requests = current_requests = proposed_requests = mapped.requests
        if self._replayer.moves:
            current_requests = self._again(record, mapped, self._current_facts, self._current_reading)
            proposed_requests = self._again(record, mapped, self._proposed_facts, self._proposed_reading)
        owner = None
        if any(
            each.resource_account is UNKNOWN
            for each, number in zip(requests, mapped.numbers, strict=True)
            if number is not None
        ):
            owner = noted(record, self._owners) if is_watched(record) else self._survey.owner_by_pair(record)
        assume = self._replayer.assume
        sure = sum(request.tier is not Tier.POSSIBLE for request in requests)
        result = self._reading.result(record)
        sightings = [
            self._sight(_completed(versions, owner, assume), number, result)
            for versions, number in zip(
                zip(requests, current_requests, proposed_requests, strict=True), mapped.numbers, strict=True
            )
            if versions[0].tier is not Tier.POSSIBLE or not sure
        ]
        return _Judged(
            requests=sure,
            outcome=min((sighting.outcome for sighting in sightings), key=lambda outcome: outcome.gravity),
            drift=any(sighting.drift for sighting in sightings),
            findings=_touched(sightings),
        )

    def _again(self, record: Record, mapped: Mapped, facts: Facts, reading: Facets) -> tuple[Request, ...]:
        """The requests with the facts of another version."""
        again = self._replayer.normalizer.normalize(record, facts, reading)
        if isinstance(again, Mapped) and len(again.requests) == len(mapped.requests):
            return again.requests
        return mapped.requests

    def _sight(self, requests: Requests, number: int | None, result: CallResult) -> _Sighting:
        passed = result.passed
        extra: tuple[str, ...] = ()
        review = self._replayer.review
        if review is None:
            current, proposed = self._replayer.guardrails.judge(
                requests.base, requests.head, self._facts, passed=passed
            )
            today = current
            outcome = outcome_of(current, proposed, passed=passed)
        else:
            judged = review.review(requests, self._facts, passed=passed)
            today, current, proposed = judged
            outcome = change_of(current, proposed, passed=passed, lifted=judged.lifted)
            if outcome is Outcome.POSSIBLY_NEWLY_DENIED:
                # What keeps base open, or the failure of the call, would settle it, too.
                extra = (
                    *(key for side in current.deciding for key in side.keys),
                    *(() if passed else (OTHER_POLICIES,)),
                )
        now = requests.today
        drift = passed and today.decision is Decision.DENIED
        if outcome in (Outcome.ALREADY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED) and result is CallResult.UNAUTHENTICATED:
            # It never came as far as authorization, so neither version changes anything for it.
            outcome = Outcome.UNCHANGED
        if now.tier is Tier.POSSIBLE:
            # AWS may not have made this check at all: nothing about it is sure.
            drift = False
            extra = (*extra, POSSIBLE_ACTION)
            if outcome is Outcome.NEWLY_DENIED:
                outcome = Outcome.POSSIBLY_NEWLY_DENIED
            elif outcome is Outcome.NEWLY_ALLOWED:
                outcome = Outcome.UNCHANGED
        return _Sighting(outcome, now, number, _responsible(outcome, current, proposed), drift, extra)


class _Told(NamedTuple):
    """What a record tells beyond its judgement: its own caller, session, and the resources of each finding."""

    principal: Principal
    session: str | None
    resources: tuple[Iterable[str], ...]


_Seen = tuple[Record, "_Judged", _Told | None]


@dataclass(frozen=True, slots=True)
class _Touched:
    """A finding that a call stands in. The key lacks the principal and its account.

    `resources` are the numbers of those resources of the key's action that it is about; `None` stands for all of them.
    """

    key: FindingKey
    resources: frozenset[int] | None
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

    @property
    def mapped(self) -> bool:
        """Whether it was judged."""
        return self.skipped is None and self.unmapped is None


def _touched(sightings: Iterable[_Sighting]) -> tuple[_Touched, ...]:
    """The findings of one call: it counts once in each, however many resources of it were checked."""
    resources: dict[FindingKey, set[int | None]] = {}
    keys: dict[FindingKey, set[str]] = {}
    for sighting in sightings:
        if not sighting.outcome.makes_finding:
            continue
        request = sighting.request
        for side in sighting.sides:
            for place, settling in side.found():
                key = FindingKey(sighting.outcome, "", request.principal.kind.value, None, request.action, place)
                resources.setdefault(key, set()).add(sighting.number)
                keys.setdefault(key, set()).update(settling, sighting.extra_keys)
    return tuple(
        _Touched(
            key,
            None if None in found else frozenset(number for number in found if number is not None),
            frozenset() if key.outcome is Outcome.NEWLY_DENIED else frozenset(keys[key]),
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
        # A side that is just as undecided in the current version has nothing new to say.
        return tuple(side for side in proposed.deciding if side.fresh)
    return proposed.deciding


def _completed(versions: tuple[Request, Request, Request], owner: str | None, assume: Mapping[str, str]) -> Requests:
    """The versions of a request, mostly one and the same, completed."""
    today, base, head = versions
    done = _completed_one(today, owner, assume)
    return Requests(
        done,
        done if base is today else _completed_one(base, owner, assume),
        done if head is today else _completed_one(head, owner, assume),
    )


def _completed_one(request: Request, owner: str | None, assume: Mapping[str, str]) -> Request:
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
