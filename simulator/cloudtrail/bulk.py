"""Decoding many intact records at once: what makes reading fast.

Each function looks at a window of complete values and gives what is in it, or nothing: then the values are taken one by
one. Both ways give the same items; the windows depend on how the input was cut, the items do not.
"""

import re
from collections.abc import Iterator
from enum import Enum
from itertools import chain
from typing import Final, NamedTuple

import msgspec

from simulator.cloudtrail.coercion import ELEMENTS, UNREADABLE, is_utf8
from simulator.cloudtrail.containers import Damage, Item, are_plain, read_element
from simulator.cloudtrail.lexer import WHITE
from simulator.cloudtrail.narrowing import ALL_FIELDS, Decoders, Narrowing
from simulator.cloudtrail.record import Record

_WINDOW: Final = 1024 * 1024
"""Bytes; decoded records take a small multiple of it, even where the input was made to take a large one."""

_POOR: Final = 8
"""A window that is so many times smaller than what was searched for its end is not worth another search there."""

_TAIL: Final = 64
"""Bytes within which the end of a list, and of the object around it, is looked for."""

_RAW_FILE: Final = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])
_FIRST_KEY: Final = re.compile(rb'\{[ \t\r\n]*+"[^"\\]{1,64}+"')


class Intact:
    """Plain records that stand one after the other; `records` may lack fields (`simulator.cloudtrail.narrowing`)."""

    __slots__ = ("_form", "_text", "records")

    def __init__(self, records: list[Record], text: bytes, form: "Form") -> None:
        self.records = records
        self._text = text
        self._form = form

    def whole(self) -> list[Record]:
        """The same records with all fields."""
        try:
            return _decoded(self._text, self._form, ALL_FIELDS)
        except UNREADABLE:
            # A field that nobody had asked for so far is of another shape.
            items = chain.from_iterable(map(read_element, self._texts()))
            return [item for item in items if isinstance(item, Record)]

    def _texts(self) -> list[bytes] | list[msgspec.Raw]:
        match self._form:
            case Form.FILE:
                return _RAW_FILE.decode(self._text)["Records"]
            case Form.LIST:
                return ELEMENTS.decode(self._text)
            case Form.LINES:
                return list(filter(None, self._text.splitlines()))


class Form(Enum):
    """How the text of intact records is written."""

    FILE = "as CloudTrail delivers them"
    LIST = "a list"
    LINES = "one in a line"


def _decoded(text: bytes, form: Form, decoders: Decoders) -> list[Record]:
    match form:
        case Form.FILE:
            records: list[Record] = decoders.file.decode(text).Records
            return records
        case Form.LIST:
            return decoders.list.decode(text)
        case Form.LINES:
            return decoders.line.decode_lines(text)


def read_file(text: bytes, narrowing: Narrowing | None) -> Intact | None:
    """The records of a whole file as CloudTrail delivers it, if all of them are plain records."""
    return _intact(text, Form.FILE, narrowing) if text.startswith(b'{"Records":[') else None


def _intact(text: bytes, form: Form, narrowing: Narrowing | None) -> Intact | None:
    if not is_utf8(text):
        return None
    try:
        records = _decoded(text, form, narrowing.decoders if narrowing else ALL_FIELDS)
    except UNREADABLE:
        return None  # One record of another shape is enough.
    return Intact(records, text, form) if records and are_plain(records) else None


class Window(NamedTuple):
    """`items` end at `end`; `None` if they have to be taken one by one. Until `retry` another try is in vain."""

    items: Intact | Iterator[Item] | None
    end: int
    retry: int


def read_lines(text: bytes, place: int, narrowing: Narrowing | None, *, final: bool) -> Window:
    """The records of the lines that begin at `place`, if all of them are plain records."""
    searched = min(len(text), place + _WINDOW)
    end = searched if final and searched == len(text) else text.rfind(b"\n", place, searched) + 1
    intact = _intact(text[place:end], Form.LINES, narrowing)
    if intact is not None:
        return Window(intact, end, _retry(place, end, searched))
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
    intact = _intact(window, Form.LIST, narrowing)
    if intact is not None:
        return intact
    if not is_utf8(window):
        return None
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
