"""Who uses which of some actions: a fold over a log, without any proposal. `merge` is commutative and associative.

Two passes, as a replay makes them: the first learns which copy of a record counts and what other records need, the
second counts. Memory grows with distinct identities x actions, never with records.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from simulator.cloudtrail.actions import ActionMap
from simulator.cloudtrail.call import Call
from simulator.cloudtrail.call_result import CallResult, result_of
from simulator.cloudtrail.checks import Mapped, Skipped, Unmapped
from simulator.cloudtrail.normalizer import Normalizer
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import principal_of, session_name_of
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resources import ResourceMap
from simulator.cloudtrail.source_network import source_network
from simulator.decision.exemptions import ActionExemptions, principal_exemption
from simulator.decision.facts import Facts
from simulator.decision.request import Principal, Request, Tier
from simulator.iam.catalog import Catalog
from simulator.organization.guardrails import scp_governed
from simulator.organization.snapshot import facts as facts_of
from simulator.organization.tree import Organization
from simulator.policy.document import PolicyType
from simulator.replay.batch import Batch
from simulator.replay.classes import classes
from simulator.replay.impact import LogTally, Sightings, Smallest, UnmappedKind
from simulator.replay.labels import resource_label
from simulator.replay.outcome import Outcome, StatementPlace
from simulator.replay.reading import (
    LogReader,
    Ordered,
    Progress,
    Selection,
    folder_accounts,
    no_progress,
    survey_of,
    whole_records,
)
from simulator.replay.restrictions import Restriction
from simulator.replay.shapes import ShapeMemo
from simulator.replay.survey import Survey
from simulator.replay.ties import Ties

_NO_KEYS: Final[frozenset[str]] = frozenset()
_MOST_NETWORKS: Final = 100_000
"""Ways of calls to remember; hostile logs can name any number of addresses."""

_LOST: Final = Outcome.NEWLY_DENIED


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """What is asked: the organization, the actions, and which records count. Picklable."""

    organization: Organization
    restrictions: tuple[Restriction, ...]
    selection: Selection = field(default_factory=Selection)


class UsageKey(NamedTuple):
    """An identity (the role, user, root, service or account; never a session) and an action."""

    principal: str
    principal_type: str
    account: str | None
    action: str


class UsageFold(Sightings):
    """What was seen of an identity's use of an action.

    `denied_calls` failed authorization; of `possible_calls` the log does not tell whether AWS checked the action.
    `scp_exempt` is why no SCP reaches this identity or action, whatever it says; it is the same for all calls.
    """

    __slots__ = ("denied_calls", "networks", "possible_calls", "scp_exempt")

    def __init__(self, scp_exempt: str | None = None) -> None:
        super().__init__()
        self.scp_exempt = scp_exempt
        self.denied_calls = 0
        self.possible_calls = 0
        self.networks = Smallest()

    def merge(self, other: "UsageFold") -> None:
        """Add what another fold has seen of the same identity and action."""
        self.add(other)
        self.denied_calls += other.denied_calls
        self.possible_calls += other.possible_calls
        self.networks.merge(other.networks)


class Usage(LogTally):
    """What a log tells of the use of some actions; `calls` are the records that need at least one of them.

    In `ties` these calls count as denied, each by the statement of its action (`place_of`).
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.uses: dict[UsageKey, UsageFold] = {}

    def merge(self, other: "Usage") -> None:
        """Add the fold of another part of the log."""
        self.add(other)
        self.calls += other.calls
        for key, fold in other.uses.items():
            if key not in self.uses:
                self.uses[key] = UsageFold(fold.scp_exempt)
            self.uses[key].merge(fold)


class UsageCounter:
    """Answers one question over batches: a survey of all of them first, then the usage. Parts add up by `merge`."""

    def __init__(self, question: UsageQuestion, catalog: Catalog) -> None:
        self.facts = facts_of(question.organization)
        self.organization = question.organization
        self.selection = question.selection
        self.matchers = tuple(each.matcher() for each in question.restrictions)
        self.exemptions = ActionExemptions(catalog)
        self.actions = ActionMap(catalog)
        # No condition is asked, so no context key has to be found out.
        self.normalizer = Normalizer(catalog, _NO_KEYS, self.actions, ResourceMap(catalog))

    def survey(self, batches: Ordered, progress: Progress = no_progress) -> Survey:
        """The first look at some batches."""
        return survey_of(batches, progress, wants_sessions=False)

    def judge(
        self, survey: Survey, folder_accounts: frozenset[str], batches: Ordered, progress: Progress = no_progress
    ) -> Usage:
        """The usage of some batches, with what the survey of all of them taught."""
        facts = survey.facts(self.facts, folder_accounts)
        usage = Usage()
        reader = LogReader(usage, survey, self.selection)
        users = _Users(self, usage, facts)
        for number, batch in batches:
            for item in reader.items(number, batch.name, batch.chunks()):
                records = whole_records(item)
                for place in reader.counting(records):
                    users.count(records[place])
            progress(batch.size)
        usage.note_stale(facts)
        return usage

    def run(self, batches: Sequence[Batch], progress: Progress = no_progress) -> Usage:
        """Survey and count all batches, one after the other."""
        numbered = list(enumerate(batches))
        survey = self.survey(numbered, progress)
        survey.close()
        return self.judge(survey, folder_accounts(self.facts, batches), numbered, progress)


class _AsIf(NamedTuple):
    """The finding that a call would stand in if a statement of its own denied the action."""

    outcome: Outcome
    place: StatementPlace

    @property
    def key(self) -> "_AsIf":
        """As `simulator.replay.ties` asks for it."""
        return self


def place_of(action: str) -> StatementPlace:
    """What `Usage.ties` counts the calls of an action by, as if a statement of its own denied it."""
    return StatementPlace("", None, action, None, "", 0, None, None, action)


@dataclass(frozen=True, slots=True)
class _Needed:
    """An action that a call needs, with the resources of the call that it is about."""

    action: str
    possible: bool
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Looked:
    """What became of a record: skipped, unmapped, or the asked-for actions that it needs.

    `outcome` and `findings` are what a proposal that denies just these actions would give.
    """

    skipped: str | None = None
    unmapped: UnmappedKind | None = None
    needed: tuple[_Needed, ...] = ()
    denied: bool = False
    outcome: Outcome = Outcome.UNCHANGED
    findings: tuple[_AsIf, ...] = ()


class _Users:
    """Folds records that count into one usage."""

    def __init__(self, counter: UsageCounter, usage: Usage, facts: Facts) -> None:
        self._counter = counter
        self._usage = usage
        self._ties = usage.ties = Ties()
        self._facts = facts
        self._networks: dict[tuple[object, ...], str] = {}
        self._looked = ShapeMemo(self._look, classes((), (facts,)))

    def count(self, record: Record) -> None:
        """Count a record."""
        usage = self._usage
        looked = self._looked(record)
        if looked.skipped is not None:
            usage.skipped[looked.skipped] += 1
        elif looked.unmapped is not None:
            usage.unmapped += 1
            usage.note_unmapped([(looked.unmapped, 1)])
        else:
            usage.mapped += 1
            self._ties.look(record, looked)
            if looked.needed:
                usage.calls += 1
                self._fold(record, looked)

    def _fold(self, record: Record, looked: _Looked) -> None:
        principal = principal_of(record)
        network, session = self._network(record, principal), session_name_of(record)
        for needed in looked.needed:
            key = UsageKey(principal.label, principal.kind.value, principal.account, needed.action)
            fold = self._usage.uses.get(key)
            if fold is None:
                fold = self._usage.uses[key] = UsageFold(self._scp_exempt(principal, needed.action))
            fold.count(record, needed.resources, session)
            fold.denied_calls += looked.denied
            fold.possible_calls += needed.possible
            fold.networks.add(network)

    def _network(self, record: Record, principal: Principal) -> str:
        identity = record.user_identity
        extra = bytes(record.additional_event_data)
        # All that tells the way a call came; few calls of one caller differ in it.
        key = (
            record.source_ip_address,
            record.vpc_endpoint_id,
            extra if b"vpcEndpointId" in extra else b"",
            identity.invoked_by if identity else None,
            principal.kind,
        )
        network = self._networks.get(key)
        if network is None:
            if len(self._networks) >= _MOST_NETWORKS:
                self._networks.clear()
            call = Call(record, Parameters.from_record(record), principal, self._facts)
            network = self._networks[key] = source_network(call)
        return network

    def _scp_exempt(self, principal: Principal, action: str) -> str | None:
        account = scp_governed(self._counter.organization, self._facts, principal).exempt
        return (
            principal_exemption(principal, PolicyType.SCP)
            # Whoever asks may be about to switch SCPs on.
            or (account if account != "policy-type-off" else None)
            or self._counter.exemptions.reason(action, PolicyType.SCP)
        )

    # Looking: a pure function of the record, once the survey is done; `ShapeMemo` remembers its results

    def _look(self, record: Record) -> _Looked:
        # Most records need none of the actions: of those nothing but the action is looked for.
        checks = self._counter.actions.checks(record, Parameters.from_record(record))
        if isinstance(checks, tuple) and checks and not any(self._asked(check.action) for check in checks):
            return _Looked()
        match self._counter.normalizer.normalize(record, self._facts):
            case Skipped(reason):
                return _Looked(skipped=reason)
            case Unmapped(reason):
                return _Looked(unmapped=UnmappedKind(record.event_source or "", record.event_name or "", reason))
            case Mapped(requests):
                needed = _needed(request for request in requests if self._asked(request.action))
                return _Looked(
                    needed=needed,
                    denied=result_of(record) is CallResult.DENIED,
                    outcome=_LOST if needed else Outcome.UNCHANGED,
                    findings=tuple(_AsIf(_LOST, place_of(each.action)) for each in needed),
                )

    def _asked(self, action: str) -> bool:
        text = action.lower()
        return any(matches(text) for matches in self._counter.matchers)


def _needed(requests: Iterable[Request]) -> tuple[_Needed, ...]:
    """By action: a call counts once for each, however many resources it was checked on."""
    resources: dict[str, set[str]] = {}
    sure: set[str] = set()
    for request in requests:
        resources.setdefault(request.action, set()).add(resource_label(request.resource))
        if request.tier is not Tier.POSSIBLE:
            sure.add(request.action)
    return tuple(_Needed(action, action not in sure, tuple(sorted(found))) for action, found in resources.items())
