"""Reading a log twice, whatever is asked of it: the survey, then the records that count, each of them once.

What does not count is counted as what it is, so that read = mapped + unmapped + duplicates + skipped holds for every
command. Who reads counts `mapped`, `unmapped` and the skips that only a mapping finds.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from simulator.cloudtrail.bulk import Intact
from simulator.cloudtrail.containers import Damage, SkippedContent, SkippedRecord
from simulator.cloudtrail.decoder import decode_windows
from simulator.cloudtrail.narrowing import Narrowing
from simulator.cloudtrail.record import Record
from simulator.decision.facts import Facts
from simulator.replay.batch import Batch
from simulator.replay.event_ids import Mark, marks
from simulator.replay.impact import LogTally
from simulator.replay.survey import GLANCED, Survey

OUTSIDE_WINDOW: Final = "outside-window"
OTHER_ACCOUNT: Final = "other-account"

_SHARED, _TIME, _REGION, _RECIPIENT = map(
    attrgetter, ("shared_event_id", "event_time", "aws_region", "recipient_account_id")
)

Numbered = Sequence[tuple[int, Batch]]
"""Batches with their place in the whole log's order, which settles whose copy of a repeated record counts."""

Ordered = Iterable[tuple[int, Batch]]
"""The same, one after the other: where they come from, those to come may be looked after already."""

Progress = Callable[[int], None]
"""Called with the stored bytes of each batch that is done with."""


def no_progress(_size: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records count. Times are ISO-8601 texts in UTC, `since` inclusive, `until` exclusive; `""` is open.

    `accounts` are callers or recipients; empty means all. `assume` gives values to keys that the log leaves unknown.
    """

    since: str = ""
    until: str = ""
    accounts: frozenset[str] = frozenset()
    assume: Mapping[str, str] = field(default_factory=dict)

    @property
    def selects_all(self) -> bool:
        """Whether no record is left out."""
        return not (self.since or self.until or self.accounts)

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


def folder_accounts(facts: Facts, batches: Iterable[Batch]) -> frozenset[str]:
    """The accounts that have a folder in our own organization's trail: they are ours."""
    own = facts.organization_id
    return frozenset(
        batch.log_account for batch in batches if own and batch.log_account and batch.log_organization == own
    )


def survey_of(batches: Ordered, progress: Progress, *, wants_sessions: bool) -> Survey:
    """The first look at some batches; `Survey.close` it when all parts are merged."""
    survey = Survey(wants_sessions=wants_sessions)
    narrowing = Narrowing(GLANCED)
    for number, batch in batches:
        for item in decode_windows(batch.chunks(), narrowing):
            if isinstance(item, Intact):
                survey.look(item.records, number)
            elif isinstance(item, Record):
                survey.look([item], number)
        progress(batch.size)
    return survey


class LogReader:
    """The second pass: hands out all records, tells which of them count, and counts the others in a tally."""

    def __init__(self, tally: LogTally, survey: Survey, selection: Selection) -> None:
        self._tally = tally
        self._survey = survey
        self._selection = selection
        self._batch = 0
        self._marks: set[Mark] = set()

    def items(
        self, number: int, name: str, chunks: Iterator[bytes], narrowing: Narrowing | None = None
    ) -> Iterator[Intact | Record]:
        """The records of one log file in its order; each of them must be given to `counting` once.

        `number` is the file's place in the whole log, `name` is for messages, `narrowing` what is decoded of many
        records at once (all fields without one).
        """
        self._batch = number
        self._marks.clear()
        tally = self._tally
        skipped_content = False
        for item in decode_windows(chunks, narrowing):
            match item:
                case Intact():
                    tally.read += len(item.records)
                    yield item
                case Record():
                    tally.read += 1
                    yield item
                case SkippedRecord(reason):
                    tally.read += 1
                    tally.skipped[reason] += 1
                case SkippedContent(reason):
                    skipped_content = True
                    tally.files_skipped[reason] += 1
                case Damage(reason):
                    tally.note_damage(name, reason)
        if not skipped_content:
            tally.files_read += 1

    def counting(self, records: Sequence[Record]) -> Sequence[int]:
        """The places of those records that count: the first copy of each call, where it is selected.

        Their times, regions and accounts are noted in the tally.
        """
        places = self._places(records)
        if len(places) < len(records):
            records = [records[place] for place in places]
        tally = self._tally
        times = list(filter(None, map(_TIME, records)))
        if times:
            tally.see(min(times))
            tally.see(max(times))
        for counts, texts in ((tally.regions, map(_REGION, records)), (tally.accounts, map(_RECIPIENT, records))):
            for text, count in Counter(texts).items():
                if text:
                    counts.add(text, count)
        return places

    def _places(self, records: Sequence[Record]) -> Sequence[int]:
        in_order = marks(records)
        distinct = set(in_order)
        places: Sequence[int] = range(len(records))
        if len(distinct) < len(records) or not self._marks.isdisjoint(distinct) or self._survey.repeats(distinct):
            places = [place for place in places if self._is_first(in_order[place])]
        else:
            self._marks |= distinct
        if any(map(_SHARED, records)):
            places = [place for place in places if not self._is_second_copy(records[place])]
        if self._selection.selects_all:
            return places
        return [place for place in places if self._is_selected(records[place])]

    def _is_first(self, mark: Mark) -> bool:
        if mark[0] is None:
            return True
        if mark in self._marks or self._survey.is_repeated(mark, self._batch):
            self._tally.duplicates += 1
            return False
        self._marks.add(mark)
        return True

    def _is_second_copy(self, record: Record) -> bool:
        if record.shared_event_id is None or not self._survey.is_second_copy(record):
            return False
        self._tally.duplicates += 1
        return True

    def _is_selected(self, record: Record) -> bool:
        left_out = self._selection.leaves_out(record, self._survey.owner_by_pair(record))
        if left_out is None:
            return True
        self._tally.skipped[left_out] += 1
        return False


def whole_records(item: Intact | Record) -> Sequence[Record]:
    """All records of an item with all fields."""
    return item.records if isinstance(item, Intact) else (item,)
