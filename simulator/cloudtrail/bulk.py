"""Decoding many intact records at once: what makes reading fast.

Each function looks at a window of complete values and gives what is in it, or nothing: then the values are taken one by
one. Both ways give the same items; the windows depend on how the input was cut, the items do not.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

import msgspec

from simulator.cloudtrail.coercion import ELEMENTS, UNREADABLE, is_utf8
from simulator.cloudtrail.containers import Damage, Item, are_plain, read_element
from simulator.cloudtrail.lexer import WHITE
from simulator.cloudtrail.narrowing import Narrowing
from simulator.cloudtrail.record import Record

_WINDOW: Final = 1024 * 1024
"""Bytes; decoded records take a small multiple of it, even where the input was made to take a large one."""

_POOR: Final = 8
"""A window that is so many times smaller than what was searched for its end is not worth another search there."""

_TAIL: Final = 64
"""Bytes within which the end of a list, and of the object around it, is looked for."""

_LINE: Final = msgspec.json.Decoder(Record)
_LIST: Final = msgspec.json.Decoder(list[Record])
_FIRST_KEY: Final = re.compile(rb'\{[ \t\r\n]*+"[^"\\]{1,64}+"')


class Intact:
    """Plain records that stand one after the other; `records` may lack fields (`simulator.cloudtrail.narrowing`)."""

    __slots__ = ("_lines", "_text", "records")

    def __init__(self, records: list[Record], text: bytes, *, lines: bool) -> None:
        self.records = records
        self._text = text
        self._lines = lines

    def whole(self) -> list[Record]:
        """The same records with all fields."""
        try:
            return _LINE.decode_lines(self._text) if self._lines else _LIST.decode(self._text)
        except UNREADABLE:
            # A field that nobody had asked for so far is of another shape.
            texts = self._text.splitlines() if self._lines else ELEMENTS.decode(self._text)
            items = chain.from_iterable(map(read_element, filter(None, texts)))
            return [item for item in items if isinstance(item, Record)]


class Window(NamedTuple):
    """`items` end at `end`; `None` if they have to be taken one by one. Until `retry` another try is in vain."""

    items: Intact | Iterator[Item] | None
    end: int
    retry: int


def read_lines(text: bytes, place: int, narrowing: Narrowing | None, *, final: bool) -> Window:
    """The records of the lines that begin at `place`, if all of them are plain records."""
    searched = min(len(text), place + _WINDOW)
    end = searched if final and searched == len(text) else text.rfind(b"\n", place, searched) + 1
    window = text[place:end]
    try:
        records = (narrowing.line if narrowing else _LINE).decode_lines(window) if is_utf8(window) else []
    except UNREADABLE:
        records = []
    if records and are_plain(records):
        return Window(Intact(records, window, lines=True), end, _retry(place, end, searched))
    return Window(None, place, searched)


def read_elements(text: bytes, place: int, narrowing: Narrowing | None) -> Window:
    """The items of the list elements that begin at `place`; they end behind the last one's bracket."""
    searched = min(len(text), place + _WINDOW)
    for end in _ends_of_elements(text, place, searched):
        items = _elements(b"[" + text[place:end] + b"]", narrowing)
        if items is not None:
            return Window(items, end, _retry(place, end, searched))
    return Window(None, place, searched)


def _elements(window: bytes, narrowing: Narrowing | None) -> Intact | Iterator[Item] | None:
    if not is_utf8(window):
        return None
    try:
        records = (narrowing.list if narrowing else _LIST).decode(window)
        if are_plain(records):
            return Intact(records, window, lines=False)
    except UNREADABLE:
        pass  # One record of another shape is enough.
    try:
        items = list(chain.from_iterable(map(read_element, ELEMENTS.decode(window))))
    except UNREADABLE:
        return None
    # Taken one by one a damage has its place.
    return None if any(isinstance(item, Damage) for item in items) else iter(items)


def _ends_of_elements(text: bytes, place: int, searched: int) -> Iterator[int]:
    """Where a window may end: at the end of the list if the text ends with it; in front of an element like the first.

    The records of one list were written by one writer: they begin with the same key, and nothing inside them does.
    """
    if searched == len(text) and text[-_TAIL:].rstrip(WHITE).endswith((b"}", b"]")):
        end = text.rfind(b"]", max(place, len(text) - _TAIL))
        if end > place:
            yield end
    first = _FIRST_KEY.match(text, place)
    if first is not None:
        start = text.rfind(first.group(), place + 1, searched)
        end = text.rfind(b",", place, max(start, place))
        if end > place and not text[end + 1 : start].strip(WHITE):
            yield end


def _retry(place: int, end: int, searched: int) -> int:
    return searched if (end - place) * _POOR < searched - place else end
