"""JSON with places: every value knows its line and column, and duplicate keys are errors.

The standard parsers keep no positions and let the last of two equal keys win, which in a policy
silently drops a condition (AWS refuses such a policy). Nesting is bounded: policies are hostile input.
"""

import re
from bisect import bisect_right
from typing import Final

import msgspec

from simulator.policy.diagnostic import Diagnostic, PolicyError, Severity, Span

MAX_DEPTH: Final = 64
"""Deeper nesting is refused; a policy needs six levels."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD: Final = re.compile(r"[A-Za-z]+")
_ESCAPE: Final = re.compile(r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_SIMPLE_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


class Text(msgspec.Struct, frozen=True):
    """A JSON string."""

    value: str
    span: Span


class Scalar(msgspec.Struct, frozen=True):
    """A JSON number, boolean or null, with the text it was written as."""

    text: str
    kind: str
    span: Span


class Items(msgspec.Struct, frozen=True):
    """A JSON array."""

    values: "tuple[Node, ...]"
    span: Span


class Members(msgspec.Struct, frozen=True):
    """A JSON object, in the order written; keys are unique."""

    values: "tuple[tuple[Text, Node], ...]"
    span: Span


Node = Text | Scalar | Items | Members


def parse_json(text: str, file: str | None = None) -> Node:
    """Parse one JSON value that fills `text`; `PolicyError` names line, column and reason."""
    return _Reader(text, file).document()


class Lines:
    """A text that gives out the piece under a span, whatever its line ends are."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def piece(self, span: Span) -> str:
        r"""The text that `span` covers.

        >>> Lines('[1,\n {"a": 2}]').piece(Span(2, 2, 2, 10))
        '{"a": 2}'
        """
        start = self._starts[span.line - 1] + span.column - 1
        return self._text[start : self._starts[span.end_line - 1] + span.end_column - 1]


class _Reader:
    def __init__(self, text: str, file: str | None) -> None:
        self.text = text
        self.file = file
        self.at = 1 if text.startswith("\ufeff") else 0
        self.line_starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def document(self) -> Node:
        self.skip_space()
        if self.at == len(self.text):
            raise self.error("json-empty", "the file holds no policy", "write a JSON object with Version and Statement")
        node = self.value(0)
        self.skip_space()
        if self.at < len(self.text):
            raise self.unexpected("the end of the policy", "a policy is one JSON object; remove what follows it")
        return node

    # Positions

    def place(self, at: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, at)
        return line, at - self.line_starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        return Span(*self.place(start), *self.place(end))

    def error(self, rule: str, message: str, fix: str, start: int | None = None, end: int | None = None) -> PolicyError:
        start = self.at if start is None else start
        end = start if end is None else end
        return PolicyError((Diagnostic(rule, Severity.ERROR, message, fix, self.span(start, end), self.file),))

    def unexpected(self, wanted: str, fix: str = "") -> PolicyError:
        rest = self.text[self.at : self.at + 60]
        word = rest.split("\n", 1)[0].strip()
        if not rest:
            return self.error("json-syntax", f"the file ends where {wanted} should stand", "close what was opened")
        if rest.startswith(("//", "/*", "#")):
            return self.error("json-comment", "JSON has no comments", "remove the comment")
        if rest.startswith(("${", "<", "{{", "%", "[[")):
            return self.error(
                "placeholder", f"unfilled placeholder `{word}`", "render the template first, then check the result"
            )
        if rest[0] == "'":
            return self.error("json-syntax", "JSON strings take double quotes", "write \"...\" instead of '...'")
        return self.error("json-syntax", f"expected {wanted}, found `{word[:24]}`", fix)

    # Values

    def skip_space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match:
            self.at = match.end()

    def value(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error("json-depth", f"nested deeper than {MAX_DEPTH} levels", "a policy needs six levels")
        start = self.at
        character = self.text[start : start + 1]
        if character == "{":
            return self.members(depth)
        if character == "[":
            return self.items(depth)
        if character == '"':
            return self.string()
        if match := _NUMBER.match(self.text, start):
            self.at = match.end()
            return Scalar(match.group(), "number", self.span(start, self.at))
        if (match := _WORD.match(self.text, start)) and match.group() in ("true", "false", "null"):
            self.at = match.end()
            kind = "null" if match.group() == "null" else "boolean"
            return Scalar(match.group(), kind, self.span(start, self.at))
        if character in "]}" and character:
            raise self.error("json-syntax", f"expected a value, found `{character}`", "remove the comma before it")
        raise self.unexpected("a value")

    def string(self) -> Text:
        start = self.at
        match = _STRING.match(self.text, start)
        if match is None:
            raise self.error(
                "json-syntax",
                "this string is not closed on its line, or holds a control character or an unknown escape",
                'close it with a double quote; escape a backslash as `\\\\` and a quote as `\\"`',
            )
        self.at = match.end()
        raw = match.group(1)
        value = _ESCAPE.sub(_unescape, raw) if "\\" in raw else raw
        return Text(value, self.span(start, self.at))

    def items(self, depth: int) -> Items:
        start = self.at
        values: list[Node] = []
        self.at += 1
        self.skip_space()
        if not self.take("]"):
            while True:
                self.skip_space()
                values.append(self.value(depth + 1))
                self.skip_space()
                if self.take("]"):
                    break
                if not self.take(","):
                    raise self.unexpected("`,` or `]`", "separate the values with commas")
        return Items(tuple(values), self.span(start, self.at))

    def members(self, depth: int) -> Members:
        start = self.at
        values: list[tuple[Text, Node]] = []
        seen: dict[str, Span] = {}
        self.at += 1
        self.skip_space()
        if not self.take("}"):
            while True:
                self.skip_space()
                values.append(self.member(depth, seen))
                self.skip_space()
                if self.take("}"):
                    break
                if not self.take(","):
                    raise self.unexpected("`,` or `}`", "separate the members with commas")
        return Members(tuple(values), self.span(start, self.at))

    def member(self, depth: int, seen: dict[str, Span]) -> tuple[Text, Node]:
        if self.text[self.at : self.at + 1] != '"':
            if self.text[self.at : self.at + 1] == "}":
                raise self.error("json-syntax", "expected a member, found `}`", "remove the comma before it")
            raise self.unexpected("a quoted name")
        key = self.string()
        if key.value in seen:
            first = seen[key.value]
            message = f"`{key.value}` stands here a second time (first on line {first.line})"
            diagnostic = Diagnostic(
                "duplicate-key", Severity.ERROR, message, "merge the two: AWS refuses duplicates", key.span, self.file
            )
            raise PolicyError((diagnostic,))
        seen[key.value] = key.span
        self.skip_space()
        if not self.take(":"):
            raise self.unexpected("`:`")
        self.skip_space()
        return key, self.value(depth + 1)

    def take(self, character: str) -> bool:
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False


def _unescape(match: re.Match[str]) -> str:
    escape = match.group(1)
    if escape[0] == "u":
        if len(escape) > 5:
            high, low = int(escape[1:5], 16), int(escape[7:11], 16)
            return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        return chr(int(escape[1:5], 16))
    return _SIMPLE_ESCAPES.get(escape, escape)
