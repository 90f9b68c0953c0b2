"""The nesting of JSON, followed byte by byte and across any cut of the input, without decoding anything.

It is exact about strings, brackets and what may stand in front of a bracket; numbers and literals are only checked
letter by letter, so that none can straddle two pieces of input. What it lets through is decoded later, strictly.
"""

import re
from enum import Enum
from typing import Final

from simulator.cloudtrail.containers import LIST_KEYS, OBJECT_KEYS

WHITE: Final = b" \t\r\n"
OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST = b"{}[]"
QUOTE, COLON, COMMA = b'":,'

LOOK_BACK: Final = 64
"""Bytes in front of a bracket that must be kept: a wrapper's key is looked for in them."""

_MAX_DEPTH: Final = 900

_RUN: Final = re.compile(
    rb"[ \t\r\n,:0-9+\-.eEtrufalsnNIiy]*+"
    rb'(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[ \t\r\n,:0-9+\-.eEtrufalsnNIiy]*+)*+',
    re.DOTALL,
)
_STRING_REST: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_WRAPPER_KEY: Final = re.compile(
    rb'"(?:(' + "|".join(sorted(LIST_KEYS)).encode() + rb")|" + "|".join(sorted(OBJECT_KEYS)).encode() + rb')"'
    rb"[ \t\r\n]*+:[ \t\r\n]*+\Z"
)


class Stop(Enum):
    """Why the lexer returned."""

    MORE = "the input ends"
    CLOSED = "the value is complete"
    WRAPPER = "a member opens that may hold records"
    BROKEN = "this is no JSON"
    DEEP = "nested too deep"


class Lexer:
    """The nesting inside one object, from behind its opening brace on.

    `before` is the last byte that is not white space; whoever skips a member's value sets it to the closing bracket.
    With `wraps` it stops at the bracket that opens the value of a wrapper's key (see `containers`).
    """

    __slots__ = ("_in_string", "_stack", "before", "wraps")

    def __init__(self, *, wraps: bool = True) -> None:
        self._stack = bytearray((OPEN_OBJECT,))
        self._in_string = False
        self.before = OPEN_OBJECT
        self.wraps = wraps

    def advance(self, text: bytes, place: int, end: int) -> tuple[int, Stop]:
        """Go on from `place`, not beyond `end`; the answer holds the place to go on from."""
        stack = self._stack
        while True:
            if self._in_string:
                rest = _STRING_REST.match(text, place, end)
                place = rest.end() if rest else place
                if place >= end or text[place] != QUOTE:
                    return place, Stop.MORE
                self._in_string = False
                self.before = QUOTE
                place += 1
            run = _RUN.match(text, place, end)
            if run is not None and run.end() > place:
                self._remember(text, place, run.end())
                place = run.end()
            if place >= end:
                return place, Stop.MORE
            byte = text[place]
            if byte == QUOTE:
                self._in_string = True
            elif byte in (OPEN_OBJECT, OPEN_LIST):
                may_stand_before = (COLON,) if stack[-1] == OPEN_OBJECT else (COMMA, OPEN_LIST)
                if self.before not in may_stand_before:
                    return place, Stop.BROKEN
                if self.wraps and len(stack) == 1 and _is_wrapper(text, place):
                    return place, Stop.WRAPPER
                if len(stack) >= _MAX_DEPTH:
                    return place, Stop.DEEP
                stack.append(byte)
                self.before = byte
            elif byte in (CLOSE_OBJECT, CLOSE_LIST):
                # `]` and `}` each stand two behind their opening bracket in ASCII.
                if stack[-1] != byte - 2:
                    return place, Stop.BROKEN
                stack.pop()
                self.before = byte
                if not stack:
                    return place + 1, Stop.CLOSED
            else:
                return place, Stop.BROKEN
            place += 1

    def _remember(self, text: bytes, start: int, end: int) -> None:
        last = text[end - 1]
        if last not in WHITE:
            self.before = last
        elif solid := text[start:end].rstrip(WHITE):
            self.before = solid[-1]


def _is_wrapper(text: bytes, place: int) -> bool:
    """Whether the bracket at `place` opens the value of a wrapper's key (a list, or an object, as the key asks)."""
    key = _WRAPPER_KEY.search(text, max(0, place - LOOK_BACK), place)
    return key is not None and (key.group(1) is not None) == (text[place] == OPEN_LIST)
