"""JSON with places: every value knows its line and column, and duplicate keys are errors.

The standard parsers keep no positions and let the last of two equal keys win, which in a policy
silently drops a condition (AWS refuses such a policy). Nesting is bounded: policies are hostile input.
"""

import re
from typing import Final

import msgspec

from simulator.policy.diagnostic import Diagnostic, PolicyError, Severity, Span

MAX_DEPTH: Final = 64
"""Deeper nesting is refused; a policy needs six levels."""

_BLANKS: Final = frozenset(" \t\r\n")
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_STRING: Final = re.compile(r'"((?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)"')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD: Final = re.compile(r"[A-Za-z]+")
_ESCAPE: Final = re.compile(r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_SIMPLE_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


class Text(msgspec.Struct, frozen=True, gc=False):
    """A JSON string."""

    value: str
    span: Span


class Scalar(msgspec.Struct, frozen=True, gc=False):
    """A JSON number, boolean or null, with the text it was written as."""

    text: str
    kind: str
    span: Span


class Items(msgspec.Struct, frozen=True, gc=False):
    """A JSON array."""

    values: "tuple[Node, ...]"
    span: Span


class Members(msgspec.Struct, frozen=True, gc=False):
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
        # Where `at` stands. Lines end in white space only, so that is where these two are kept.
        self.line = 1
        self.line_start = 0

    def document(self) -> Node:
        if not self.next():
            raise self.error("json-empty", "the file holds no policy", "write a JSON object with Version and Statement")
        node = self.value(0)
        if self.next():
            raise self.unexpected("the end of the policy", "a policy is one JSON object; remove what follows it")
        return node

    # Positions

    def span(self, start: int) -> Span:
        """From a place on this line to here."""
        before = self.line_start - 1
        return Span(self.line, start - before, self.line, self.at - before)

    def error(self, rule: str, message: str, fix: str) -> PolicyError:
        return PolicyError((Diagnostic(rule, Severity.ERROR, message, fix, self.span(self.at), self.file),))

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

    def next(self) -> str:
        """Go to the next character that is no white space; empty at the end of the text."""
        character = self.text[self.at : self.at + 1]
        if character == " ":
            # Mostly there is just one.
            self.at += 1
            character = self.text[self.at : self.at + 1]
        if character not in _BLANKS:
            return character
        match = _SPACE.match(self.text, self.at)
        if match is not None:
            for line_end in _LINE_END.finditer(self.text, self.at, match.end()):
                self.line += 1
                self.line_start = line_end.end()
            self.at = match.end()
        return self.text[self.at : self.at + 1]

    def value(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error("json-depth", f"nested deeper than {MAX_DEPTH} levels", "a policy needs six levels")
        start = self.at
        character = self.text[start : start + 1]
        if character == '"':
            return self.string()
        if character == "{":
            return self.members(depth)
        if character == "[":
            return self.items(depth)
        if match := _NUMBER.match(self.text, start):
            self.at = match.end()
            return Scalar(match.group(), "number", self.span(start))
        if (match := _WORD.match(self.text, start)) and match.group() in ("true", "false", "null"):
            self.at = match.end()
            kind = "null" if match.group() == "null" else "boolean"
            return Scalar(match.group(), kind, self.span(start))
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
        return Text(value, self.span(start))

    def items(self, depth: int) -> Items:
        line, column = self.line, self.at - self.line_start + 1
        values: list[Node] = []
        self.at += 1
        if self.next() != "]":
            while True:
                values.append(self.value(depth + 1))
                character = self.next()
                if character == "]":
                    break
                if character != ",":
                    raise self.unexpected("`,` or `]`", "separate the values with commas")
                self.at += 1
                self.next()
        self.at += 1
        span = Span(line, column, self.line, self.at - self.line_start + 1)
        return Items(tuple(values), span)

    def members(self, depth: int) -> Members:
        line, column = self.line, self.at - self.line_start + 1
        values: list[tuple[Text, Node]] = []
        seen: dict[str, Span] = {}
        self.at += 1
        if self.next() != "}":
            while True:
                values.append(self.member(depth, seen))
                character = self.next()
                if character == "}":
                    break
                if character != ",":
                    raise self.unexpected("`,` or `}`", "separate the members with commas")
                self.at += 1
                self.next()
        self.at += 1
        span = Span(line, column, self.line, self.at - self.line_start + 1)
        return Members(tuple(values), span)

    def member(self, depth: int, seen: dict[str, Span]) -> tuple[Text, Node]:
        character = self.text[self.at : self.at + 1]
        if character != '"':
            if character == "}":
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
        if self.next() != ":":
            raise self.unexpected("`:`")
        self.at += 1
        self.next()
        return key, self.value(depth + 1)


def _unescape(match: re.Match[str]) -> str:
    escape = match.group(1)
    if escape[0] == "u":
        if len(escape) > 5:
            high, low = int(escape[1:5], 16), int(escape[7:11], 16)
            return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        return chr(int(escape[1:5], 16))
    return _SIMPLE_ESCAPES.get(escape, escape)
