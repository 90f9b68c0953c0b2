"""Finding the records of a log without holding it: of one too large for memory, or of one that is broken.

The scanner follows strings, braces and brackets only; each complete object that may be a record is cut out and handed
to `containers.read_object`. Memory is bounded by `RECORD_LIMIT`, time is linear in the input. Where the text breaks
the rules of JSON, the scan goes on at the next place where a record surely begins. What it finds does not depend on
how the input was cut into pieces.
"""

import re
from collections.abc import Generator, Iterator
from enum import Enum
from itertools import pairwise
from typing import Final

from simulator.cloudtrail.bulk import Intact, read_elements, read_lines
from simulator.cloudtrail.containers import (
    LIST_KEYS,
    Damage,
    DamageReason,
    Item,
    SkippedRecord,
    is_object,
    plain_record,
    read_element,
    read_object,
)
from simulator.cloudtrail.lexer import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    LOOK_BACK,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    WHITE,
    Lexer,
    Stop,
)
from simulator.cloudtrail.narrowing import Narrowing

RECORD_LIMIT: Final = 4 * 1024 * 1024
"""Bytes; an event has at most 256 KB, in CloudTrail Lake 1 MB (AWS CloudTrail User Guide,
cloudtrail-event-reference-record-contents)."""

_DISCARD_LIMIT: Final = 1024 * 1024 * 1024
"""Bytes of one oversized value after which the rest of the input is given up; a bracket costs as much as …"""
_BRACKET_COST: Final = 64
"""… so many bytes, in time."""

_LINE_LIMIT: Final = 256 * 1024
_FAILURES: Final = 8
"""So many times in a row a shortcut may fail before it is not tried any more."""

_MAX_FRAMES: Final = 16
_LOOK_AHEAD: Final = 256

_SCALAR: Final = re.compile(rb'[0-9+\-.eEtrufalsnNIiy]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_LIST_GAP: Final = re.compile(rb"[ \t\r\n,]*+")
_TOP_GAP: Final = re.compile(rb"[ \t\r\n,\x1e]*+")  # 0x1e separates the values of RFC 7464 text sequences
_STAMP: Final = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+Z?[ \t]+(?=[{\[])")
_DELIVERED: Final = re.compile(rb'\{[ \t\r\n]*+"(?:' + "|".join(sorted(LIST_KEYS)).encode() + rb')"')
_RECORD_START: Final = re.compile(
    # a line that begins with an object, as in JSON lines and in exports of CloudWatch Logs, …
    rb"\n(?:\d{4}-\d\d-\d\dT[0-9:.]+Z?[ \t]+)?(?=\{)|"
    # … or an element of a list, beginning as only records do
    rb'[\[,\n][ \t\r\n]*+(?=\{[ \t\r\n]*"(?:eventVersion|userIdentity|eventTime|eventSource|eventName|eventID|'
    rb"eventType|eventCategory|awsRegion|sourceIPAddress|userAgent|requestParameters|responseElements|requestID|"
    rb'additionalEventData|addendum|recipientAccountId|@timestamp|EventId|EventName|CloudTrailEvent)"[ \t\r\n]*:)'
)

_Step = Generator[Item | Intact, None, bool]
"""One step of the scan: gives items, returns whether there is input left to go on with."""


class _State(Enum):
    GAP = "between values"
    OBJECT = "inside an object that is kept"
    DISCARD = "inside an object too large to keep"
    SEEK = "in broken text, looking for the next record"
    DONE = "given up"


class Scanner:
    """Push bytes in with `feed`, end with `finish`; both give the items found so far."""

    def __init__(self, narrowing: Narrowing | None = None) -> None:
        self._narrowing = narrowing
        self._text = b""
        self._place = 0
        self._base = 0  # offset of `_text` in the input
        self._state = _State.GAP
        self._frames: list[Lexer | None] = []  # open wrappers: the lexer of an object, None for a list
        self._start = 0
        self._lexer = Lexer()
        self._salvaged = False  # the current object was found by seeking: it may be something else
        self._discarded = 0
        self._line_end = -1  # the next newline, if it is already known
        self._line_failures = 0
        self._lines_failures = 0
        self._one_by_one_to = 0  # up to here values are taken one by one, as taking them together failed

    @property
    def done(self) -> bool:
        """Whether further input would not be looked at."""
        return self._state is _State.DONE

    def feed(self, piece: bytes) -> Iterator[Item | Intact]:
        """Take the next bytes of the input."""
        self._text = self._text[self._forget() :] + piece
        yield from self._scan(final=False)

    def finish(self) -> Iterator[Item | Intact]:
        """Tell that the input is complete; a value that is still open is a `Damage`."""
        yield from self._scan(final=True)
        if self._state is _State.OBJECT:
            yield Damage("truncated-json", self._base + self._start)
        elif self._state in (_State.GAP, _State.DISCARD) and (self._frames or self._place < len(self._text)):
            yield Damage("truncated-json", self._base + self._place)
        self._state = _State.DONE

    def _forget(self) -> int:
        """How many bytes at the beginning of the text are not needed any more."""
        kept = self._start if self._state is _State.OBJECT else max(0, self._place - LOOK_BACK)
        self._base += kept
        self._place -= kept
        self._start -= kept
        self._one_by_one_to -= kept
        self._line_end = -1
        return kept

    def _scan(self, final: bool) -> Iterator[Item | Intact]:
        goes_on = True
        while goes_on:
            match self._state:
                case _State.OBJECT:
                    goes_on = yield from self._object()
                case _State.GAP:
                    goes_on = yield from self._gap(final)
                case _State.SEEK:
                    goes_on = self._seek(final)
                case _State.DISCARD:
                    goes_on = self._discard()
                case _State.DONE:
                    goes_on = False

    def _gap(self, final: bool) -> _Step:
        if not self._frames:
            return (yield from self._top(final))
        lexer = self._frames[-1]
        return (yield from self._list(final)) if lexer is None else (yield from self._wrapper(lexer))

    def _top(self, final: bool) -> _Step:
        text = self._text
        gap = _TOP_GAP.match(text, self._place)
        self._place = place = gap.end() if gap else self._place
        if place == len(text):
            return False
        byte = text[place]
        if byte == OPEN_OBJECT:
            taken = _DELIVERED.match(text, place) is None and (
                (yield from self._lines(final)) or (yield from self._line(final))
            )
            if not taken:
                self._begin(place)
        elif byte == OPEN_LIST:
            self._frames.append(None)
            self._place += 1
        elif stamp := _STAMP.match(text, place):
            self._place = stamp.end()
        elif len(text) - place < LOOK_BACK and not final:
            return False
        else:
            yield self._broken("broken-json", place)
        return True

    def _lines(self, final: bool) -> _Step:
        """Take many lines together. False if that fails."""
        if self._place < self._one_by_one_to or self._lines_failures >= _FAILURES:
            return False
        items, end, self._one_by_one_to = read_lines(self._text, self._place, self._narrowing, final=final)
        if items is None:
            self._lines_failures += 1
            return False
        self._lines_failures = 0
        self._place = end
        if isinstance(items, Intact):
            yield items
        else:
            yield from items
        return True

    def _line(self, final: bool) -> _Step:
        """Take a whole line as one object: the same as scanning it, only faster. False if it is none."""
        if self._line_failures >= _FAILURES:
            return False
        text, place = self._text, self._place
        if self._line_end < place:
            found = text.find(b"\n", place)
            # A line that is not complete yet is scanned; only the last one of the input ends without a newline.
            self._line_end = found if found >= 0 else len(text)
        end = self._line_end
        if end - place > _LINE_LIMIT or (end == len(text) and not final):
            return False
        line = text[place:end].rstrip(WHITE)
        record = plain_record(line)
        if record is not None:
            yield record
        elif line.endswith(b"}") and is_object(line):
            yield from read_object(line, self._base + place)
        else:
            self._line_failures += 1
            return False
        self._line_failures = 0
        self._place = end
        return True

    def _list(self, final: bool) -> _Step:
        text = self._text
        gap = _LIST_GAP.match(text, self._place)
        self._place = place = gap.end() if gap else self._place
        if place == len(text):
            return False
        byte = text[place]
        if byte == OPEN_OBJECT:
            items = None
            if place >= self._one_by_one_to:
                items, self._place, self._one_by_one_to = read_elements(text, place, self._narrowing)
            if items is None:
                self._begin(place)
            elif isinstance(items, Intact):
                yield items
            else:
                yield from items
        elif byte == OPEN_LIST and len(self._frames) < _MAX_FRAMES:
            self._frames.append(None)
            self._place += 1
        elif byte == CLOSE_LIST:
            self._frames.pop()
            self._place += 1
            self._close(byte)
        elif scalar := _SCALAR.match(text, place):
            if scalar.end() == len(text) and not final:
                return False
            self._place = scalar.end()
            yield from read_element(scalar.group(), self._base + place)
        elif byte == QUOTE and len(text) - place < RECORD_LIMIT and not final:
            return False
        else:
            yield self._broken("too-deep" if byte == OPEN_LIST else "broken-json", place)
        return True

    def _wrapper(self, lexer: Lexer) -> _Step:
        """The members of a wrapper that stand behind its records."""
        self._place, stop = lexer.advance(self._text, self._place, len(self._text))
        match stop:
            case Stop.MORE:
                return False
            case Stop.CLOSED:
                self._frames.pop()
                self._close(CLOSE_OBJECT)
            case Stop.WRAPPER:
                yield from self._descend()
            case Stop.BROKEN:
                yield self._broken("broken-json", self._place)
            case Stop.DEEP:
                yield self._broken("too-deep", self._place)
        return True

    def _object(self) -> _Step:
        limit = self._start + RECORD_LIMIT
        self._place, stop = self._lexer.advance(self._text, self._place, min(len(self._text), limit))
        match stop:
            case Stop.MORE if self._place < limit and len(self._text) < limit:
                return False
            case Stop.MORE:
                yield from self._recover("oversized-record", self._place)
            case Stop.CLOSED:
                self._state = _State.GAP
                self._close(CLOSE_OBJECT)
                yield from self._found()
            case Stop.WRAPPER:
                self._frames.append(self._lexer)
                yield from self._descend()
            case Stop.BROKEN:
                yield from self._recover("broken-json", self._place)
            case Stop.DEEP:
                yield from self._recover("too-deep", self._place)
        return True

    def _found(self) -> Iterator[Item]:
        end = self._place
        for item in self._read(self._text[self._start : end], self._start):
            if isinstance(item, Damage) and item.reason == "broken-record":
                # Perhaps a lost quote let it swallow its neighbours.
                yield from self._recover(item.reason, end)
                return
            yield item

    def _read(self, data: bytes, start: int) -> Iterator[Item]:
        record = plain_record(data)
        if record is not None:
            yield record
            return
        for item in read_object(data, self._base + start):
            if not (self._salvaged and isinstance(item, SkippedRecord) and item.reason == "not-cloudtrail"):
                yield item

    def _discard(self) -> bool:
        before = self._place
        self._place, stop = self._lexer.advance(self._text, before, len(self._text))
        brackets = sum(self._text.count(bracket, before, self._place) for bracket in (b"[", b"{"))
        self._discarded += self._place - before + _BRACKET_COST * brackets
        if stop is Stop.CLOSED:
            self._state = _State.GAP
            self._close(CLOSE_OBJECT)
        elif stop is not Stop.MORE:
            self._state = _State.SEEK
        elif self._discarded > _DISCARD_LIMIT:
            self._state = _State.DONE
        return stop is not Stop.MORE

    def _seek(self, final: bool) -> bool:
        start = _RECORD_START.search(self._text, self._place)
        if start is None:
            # The beginning of a record may straddle two pieces.
            self._place = len(self._text) if final else max(self._place, len(self._text) - _LOOK_AHEAD)
            return False
        self._begin(start.end())
        self._salvaged = True
        return True

    def _begin(self, place: int) -> None:
        self._start = place
        self._place = place + 1
        self._lexer = Lexer()
        self._state = _State.OBJECT
        self._salvaged = False

    def _close(self, byte: int) -> None:
        """Tell the wrapper that a member's value ends here."""
        if self._frames and (lexer := self._frames[-1]) is not None:
            lexer.before = byte

    def _descend(self) -> Iterator[Item]:
        place = self._place
        if len(self._frames) >= _MAX_FRAMES:
            yield self._broken("too-deep", place)
        elif self._text[place] == OPEN_LIST:
            self._frames.append(None)
            self._place += 1
            self._state = _State.GAP
        else:
            self._begin(place)

    def _broken(self, reason: DamageReason, place: int) -> Damage:
        # One byte is skipped, so that seeking cannot find the same place again.
        self._place = place + 1
        self._state = _State.SEEK
        return Damage(reason, self._base + place)

    def _recover(self, reason: DamageReason, place: int) -> Iterator[Item]:
        """The object from `_start` broke at `place`: use the records that begin in between, go on with the last.

        All but the last must end before the next one begins; so each byte is looked at a bounded number of times.
        """
        yield Damage(reason, self._base + self._start)
        text, oversized = self._text, reason == "oversized-record"
        starts = [match.end() for match in _RECORD_START.finditer(text, self._start + 1, place)]
        self._salvaged = True
        for start, end in pairwise(starts):
            close, stop = Lexer(wraps=False).advance(text, start + 1, end)
            if stop is Stop.CLOSED:
                yield from self._read(text[start:close], start)
        if starts:
            self._begin(starts[-1])
            self._salvaged = True
        elif oversized:
            self._lexer.wraps = False
            self._discarded = 0
            self._state = _State.DISCARD
        elif reason != "broken-record":
            self._place = max(self._start + 1, place - _LOOK_AHEAD)
            self._state = _State.SEEK
