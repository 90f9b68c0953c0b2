"""How much of a log the mapping resolves: actions, resources, owners, and what it does not know.

The log is read twice, as a replay does: whose a bucket is, or the full ARN of a role, may stand in any record.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from simulator.cloudtrail.actions import ActionMap
from simulator.cloudtrail.checks import ActionCheck, ResourceCheck, Skipped, Unmapped
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resources import ResourceMap
from simulator.decision.facts import Facts
from simulator.decision.request import UNKNOWN, Tier
from simulator.iam.catalog import Catalog
from simulator.replay.batch import Batch
from simulator.replay.impact import LogTally
from simulator.replay.reading import LogReader, Progress, Selection, folder_accounts, survey_of, whole_records
from simulator.replay.survey import Survey

MOST_KINDS: Final = 10_000
"""Kinds of events listed; a log can name any number of them. What is beyond is counted without a name."""


class EventKind(NamedTuple):
    """A kind of record, and what is not known of it."""

    event_source: str
    event_name: str
    missing: str


class MappingCoverage(LogTally):
    """Counts of records. `read` = `duplicates` + all `skipped` + `unmapped` + `mapped`.

    `with_resource`, `with_owner`: mapped records of which the resource (or the certainty that the action takes none),
    or its owner, is known for every check that AWS surely made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.with_resource = 0
        self.with_owner = 0
        self.unresolved: Counter[EventKind] = Counter()
        """Kinds of events without an action; `missing` is the reason."""
        self.without_resource: Counter[EventKind] = Counter()
        """Kinds of events with a resource that is not known; `missing` is the action."""
        self.unlisted = 0
        """Records of kinds that came after `MOST_KINDS` others."""

    @property
    def checked(self) -> int:
        """Records with an IAM check, as far as it is known: all others are skipped or duplicates."""
        return self.mapped + self.unmapped

    def count(self, kinds: Counter[EventKind], kind: EventKind) -> None:
        """Count a record of this kind in one of the two lists."""
        if kind in kinds or len(kinds) < MOST_KINDS:
            kinds[kind] += 1
        else:
            self.unlisted += 1


def measure(batches: Sequence[Batch], catalog: Catalog, facts: Facts, progress: Progress) -> MappingCoverage:
    """The coverage of a log; `progress` is called with stored bytes, for each batch twice."""
    numbered = list(enumerate(batches))
    survey = survey_of(numbered, progress, wants_sessions=False)
    survey.close()
    measuring = _Measuring(catalog, survey, survey.facts(facts, folder_accounts(facts, batches)))
    for number, batch in numbered:
        measuring.read(number, batch)
        progress(batch.size)
    return measuring.coverage


class _Measuring:
    """The second pass."""

    def __init__(self, catalog: Catalog, survey: Survey, facts: Facts) -> None:
        self.coverage = MappingCoverage()
        self._actions = ActionMap(catalog)
        self._resources = ResourceMap(catalog)
        self._survey = survey
        self._facts = facts
        self._reader = LogReader(self.coverage, survey, Selection())

    def read(self, number: int, batch: Batch) -> None:
        """Count the records of one log file."""
        for item in self._reader.items(number, batch.name, batch.chunks()):
            records = whole_records(item)
            for place in self._reader.counting(records):
                self._count(records[place])

    def _count(self, record: Record) -> None:
        coverage = self.coverage
        parameters = Parameters.from_record(record)
        found = self._actions.checks(record, parameters)
        event_source, event_name = record.event_source or "", record.event_name or ""
        match found:
            case Skipped(reason):
                coverage.skipped[reason] += 1
                return
            case Unmapped(reason):
                coverage.unmapped += 1
                coverage.count(coverage.unresolved, EventKind(event_source, event_name, reason))
                return
        coverage.mapped += 1
        checks = [
            (check.action, self._resources.resources(record, parameters, check.action, self._facts))
            for check in sure_checks(found)
        ]
        lost = next((action for action, resources in checks if not is_named(resources)), None)
        if lost is None:
            coverage.with_resource += 1
        else:
            coverage.count(coverage.without_resource, EventKind(event_source, event_name, lost))
        if self._survey.owner_by_pair(record) is not None or all(is_owned(resources) for _, resources in checks):
            coverage.with_owner += 1


def sure_checks(checks: Sequence[ActionCheck]) -> Iterator[ActionCheck]:
    """The checks that AWS made for sure; all of them where each is only possible."""
    sure = [check for check in checks if check.tier is not Tier.POSSIBLE]
    return iter(sure or checks)


def is_named(resources: Iterable[ResourceCheck]) -> bool:
    """Whether every resource of a check is known by its ARN, or surely none is taken (`*`)."""
    certain = [each for each in resources if each.certain]
    return bool(certain) and all(each.arn is not UNKNOWN for each in certain)


def is_owned(resources: Iterable[ResourceCheck]) -> bool:
    """Whether the owner of every resource of a check is known."""
    certain = [each for each in resources if each.certain]
    return bool(certain) and all(each.account is not UNKNOWN for each in certain)
