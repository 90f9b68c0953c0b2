"""Reading a log twice, whatever is asked of it: the survey, then the records that count, each of them once.

What does not count is counted as what it is, so that read = mapped + unmapped + duplicates + skipped holds for every
command. Who reads counts `mapped`, `unmapped` and the skips that only a mapping finds.
"""

from collections.abc import Callable, Iterable, Iterator

from simulator.cloudtrail.containers import Damage, SkippedContent, SkippedRecord
from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.record import Record
from simulator.replay.batch import Batch
from simulator.replay.impact import LogTally
from simulator.replay.survey import Survey


def survey_of(batches: Iterable[tuple[int, Batch]], progress: Callable[[int], None], *, wants_sessions: bool) -> Survey:
    """The first look at some numbered batches; `progress` is called with the stored bytes of each."""
    survey = Survey(wants_sessions=wants_sessions)
    for number, batch in batches:
        for item in decode(batch.chunks()):
            if isinstance(item, Record):
                survey.look(item, number)
        progress(batch.size)
    return survey


class LogReader:
    """The second pass: hands out the records that count, and counts all others in a tally."""

    def __init__(self, tally: LogTally, survey: Survey, leaves_out: Callable[[Record, str | None], str | None]) -> None:
        """`leaves_out` gives the reason to skip a record, from the record and who got the other copy of the call."""
        self._tally = tally
        self._survey = survey
        self._leaves_out = leaves_out

    def records(self, number: int, name: str, chunks: Iterator[bytes]) -> Iterator[Record]:
        """The records of one log file that count. `number` is its place in the whole log, `name` is for messages."""
        tally = self._tally
        seen: set[str] = set()
        skipped_content = False
        for item in decode(chunks):
            match item:
                case Record():
                    tally.read += 1
                    if self._counts(item, number, seen):
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

    def _counts(self, record: Record, number: int, seen: set[str]) -> bool:
        tally, survey = self._tally, self._survey
        event = record.event_id
        if event is not None:
            if event in seen or survey.is_repeated(event, number):
                tally.duplicates += 1
                return False
            seen.add(event)
        if record.shared_event_id is not None and survey.is_second_copy(record):
            tally.duplicates += 1
            return False
        left_out = self._leaves_out(record, survey.owner_by_pair(record))
        if left_out is not None:
            tally.skipped[left_out] += 1
            return False
        tally.see(record.event_time)
        if record.aws_region:
            tally.regions.add(record.aws_region)
        if record.recipient_account_id:
            tally.accounts.add(record.recipient_account_id)
        return True
