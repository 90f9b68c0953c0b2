"""From the bytes of a log file to its records, whatever the container, however broken."""

import codecs
import re
from collections.abc import Iterator
from typing import Final

from simulator.cloudtrail.bulk import Intact, read_file
from simulator.cloudtrail.containers import (
    BrokenInputError,
    ContentReason,
    Damage,
    Item,
    SkippedContent,
    SkippedRecord,
)
from simulator.cloudtrail.narrowing import Narrowing
from simulator.cloudtrail.salvage import Scanner

_PIECE: Final = 1024 * 1024
"""Bytes that are looked at together, so that the cost of a cut does not depend on the source's chunks."""

_WHOLE: Final = 8 * 1024 * 1024
"""Bytes up to which a file is taken whole; CloudTrail's own are hardly ever larger."""

_HELD: Final = 1_000_000
_WHITE: Final = b" \t\r\n\x1e"
_JSON: Final = re.compile(rb"[ \t\r\n\x1e]*+(?:[{\[]|\d{4}-\d\d-\d\dT[0-9:.]+Z?[ \t]+[{\[])")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_WHOLE_FILE: Final[dict[str, ContentReason]] = {
    "cloudtrail-insight": "cloudtrail-insight",
    "cloudtrail-aggregated": "cloudtrail-aggregated",
}


def decode(chunks: Iterator[bytes]) -> Iterator[Item]:
    """The items of `decode_windows`, one by one."""
    for item in decode_windows(chunks):
        if isinstance(item, Intact):
            yield from item.records
        else:
            yield item


def decode_windows(chunks: Iterator[bytes], narrowing: Narrowing | None = None) -> Iterator[Item | Intact]:
    """The records of one log file in its order, with all that was skipped or damaged among them.

    Intact records come many together, with the fields of `narrowing` if it is given, all others one by one. `chunks`
    are inflated bytes, cut anywhere; a `BrokenInputError` that they raise ends the file with a `Damage`. Never raises
    for what the bytes hold, and keeps a few megabytes of them at most. The `Raw` members of a record may keep a
    megabyte of its neighbours alive: copy what is kept for long.

    A file in which everything is an Insight (or aggregated) event is one `SkippedContent`, as CloudTrail delivers
    those in files of their own (AWS CloudTrail User Guide, cloudtrail-insights-fields-trails).
    """
    items = _decode(chunks, narrowing)
    held: list[SkippedRecord] = []
    for item in items:
        match item:
            case SkippedRecord(reason) if reason in _WHOLE_FILE and len(held) < _HELD:
                if not held or held[0] == item:
                    held.append(item)
                    continue
            case Damage():
                yield item
                continue
        yield from held
        held = []
        yield item
        yield from items
        return
    if held:
        yield SkippedContent(_WHOLE_FILE[held[0].reason])


def _decode(chunks: Iterator[bytes], narrowing: Narrowing | None) -> Iterator[Item | Intact]:
    pieces = _Pieces(chunks)
    head = pieces.take(_WHOLE)
    while not pieces.ended and not head.strip(_WHITE):
        head = pieces.take(_PIECE)
    if _JSON.match(head) is not None:
        intact = read_file(head, narrowing) if pieces.ended and pieces.damage is None else None
        if intact is not None:
            yield intact
        else:
            yield from _scan(head, pieces, narrowing)
        return
    if head.strip(_WHITE):
        yield SkippedContent("not-json")
    elif pieces.damage is None:
        yield SkippedContent("empty")
    if pieces.damage is not None:
        yield pieces.damage


def _scan(head: bytes, pieces: "_Pieces", narrowing: Narrowing | None) -> Iterator[Item | Intact]:
    scanner = Scanner(narrowing)
    yield from scanner.feed(head)
    while not scanner.done and (piece := pieces.take(_PIECE)):
        yield from scanner.feed(piece)
    cut_off = pieces.damage
    for item in scanner.finish():
        if cut_off is not None and isinstance(item, Damage) and item.reason == "truncated-json":
            # The text ends inside a value because the input does: that is one damage, not two.
            yield Damage(cut_off.reason, item.at)
            cut_off = None
        else:
            yield item
    if cut_off is not None:
        yield cut_off


class _Pieces:
    """The input in pieces of a size that the caller chooses, as UTF-8 without a byte order mark."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._recode: codecs.IncrementalDecoder | None = None
        self._begun = False
        self.ended = False
        self.damage: Damage | None = None

    def take(self, size: int) -> bytes:
        """At least `size` bytes (and at most one chunk more), or all that is left."""
        parts: list[bytes] = []
        length = 0
        while length < size and not self.ended:
            try:
                chunk = next(self._chunks, None)
            except BrokenInputError as broken:
                self.damage = Damage(broken.reason)
                chunk = None
            if chunk is None:
                self.ended = True
                break
            if not self._begun:
                parts.append(chunk)
                length += len(chunk)
                if length < len(codecs.BOM_UTF8):
                    continue
                parts = [self._begin(b"".join(parts))]
                length = len(parts[0])
            else:
                part = chunk if self._recode is None else self._recode.decode(chunk).encode()
                parts.append(part)
                length += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _begin(self, chunk: bytes) -> bytes:
        """Windows shells write UTF-16 when output is redirected to a file, editors put a mark before UTF-8."""
        self._begun = True
        if chunk.startswith(_UTF_16):
            self._recode = codecs.getincrementaldecoder("utf-16")("replace")
            return self._recode.decode(chunk).encode("utf-8", "replace")
        return chunk.removeprefix(codecs.BOM_UTF8)
