"""Days of events that arrive page by page: each page is kept as it comes, each day gets its name when it is complete.

A day grows in a hidden file, one gzip member for each page, beside a note that says how far it is complete and how to
ask for the next page. A run that is killed leaves both; the next one cuts off what the note does not cover and goes on.
"""

import gzip
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from simulator.errors import OrgsimError
from simulator.sources.whole_file import make_folder, write_whole

_SETTLED: Final = timedelta(hours=6)
"""How long after its end a day may still get events; AWS speaks of minutes (how-cloudtrail-works), outages of hours."""


class State(msgspec.Struct, frozen=True):
    """How far a day is: bytes that are complete, events in them, and what the source needs to go on.

    `settled` is whether the day was over when its reading began, `complete` whether the last page was read.
    """

    settled: bool
    offset: int = 0
    events: int = 0
    query: str = ""
    token: str = ""
    complete: bool = False


class Done(msgspec.Struct, frozen=True):
    """A day that was read to its end, as the manifest holds it; one that was not over is read anew next time."""

    slice: str
    events: int
    settled: bool


@dataclass(frozen=True, slots=True)
class DayFile:
    """The file of one day of one source."""

    path: Path

    @property
    def _part(self) -> Path:
        return self.path.with_name(f".{self.path.name}.part")

    @property
    def _note(self) -> Path:
        return self.path.with_name(f".{self.path.name}.state")

    def state(self, settled: bool) -> State:
        """How far an earlier run came; `settled` is for a day that begins now."""
        try:
            state = msgspec.json.decode(self._note.read_bytes(), type=State)
            size = self._part.stat().st_size if state.offset else 0
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return State(settled)
        return state if size >= state.offset else State(settled)

    def add(self, texts: Iterable[str], before: State, query: str, token: str) -> State:
        """Keep one page of records behind what is there; without a token for the next it is the last.

        Raises `OrgsimError` (`cannot-write`).
        """
        # A line feed inside JSON is white space between its parts, never part of a text.
        lines = [text.replace("\r", " ").replace("\n", " ").encode("utf-8", "replace") + b"\n" for text in texts]
        page = gzip.compress(b"".join(lines), mtime=0) if lines else b""
        make_folder(self.path.parent)
        try:
            with self._part.open("r+b" if before.offset else "wb") as file:
                file.truncate(before.offset)
                file.seek(before.offset)
                file.write(page)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OrgsimError("cannot-write", f"cannot write {self._part}: {error.strerror or error}") from error
        state = State(
            before.settled, before.offset + len(page), before.events + len(lines), query, token, complete=not token
        )
        self.note(state)
        return state

    def note(self, state: State) -> None:
        """Keep how to go on."""
        write_whole(self._note, msgspec.json.encode(state))

    def finish(self, state: State) -> None:
        """Give the day its name; one without events has no file."""
        if state.events:
            self._part.replace(self.path)
        else:
            self._part.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def days_between(first: date, last: date) -> list[date]:
    """Both included, the oldest first: it is the first to be forgotten at AWS."""
    return [first + timedelta(number) for number in range((last - first).days + 1)]


def is_settled(day: date, now: datetime) -> bool:
    """Whether no event of the day can arrive any more."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) + _SETTLED < now
