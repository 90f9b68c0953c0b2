"""IAM wildcards in linear time.

A pattern is a tuple of *pieces*: literal text, `ANY` (`*`), `ANY_INSIDE` (`*` that may not cross a colon),
`ONE` (`?`) and `ONE_INSIDE` (`?` that may not be a colon). Policy variables are put in by the decision core as
literal text, so `*` inside a substituted value never acts as a wildcard (AWS IAM User Guide,
reference_policies_variables; treatment settled in docs/limits.md).

Matching never backtracks over more than one piece: `*a*a*a*a*b` against 10,000 characters costs what `b` costs.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Final


class Wildcard(Enum):
    """The four wildcard pieces."""

    ANY = "*"
    ANY_INSIDE = "*:"
    ONE = "?"
    ONE_INSIDE = "?:"


ANY: Final = Wildcard.ANY
ANY_INSIDE: Final = Wildcard.ANY_INSIDE
ONE: Final = Wildcard.ONE
ONE_INSIDE: Final = Wildcard.ONE_INSIDE

Piece = str | Wildcard
Matcher = Callable[[str], bool]


def glob_pieces(text: str) -> tuple[Piece, ...]:
    """Split `text` at `*` and `?`, both crossing everything: the wildcards of actions and of StringLike.

    >>> glob_pieces("s3:Get*")
    ('s3:Get', <Wildcard.ANY: '*'>)
    """
    return tuple(ANY if part == "*" else ONE if part == "?" else part for part in re.split(r"([*?])", text) if part)


def normalize(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Join neighbouring literals and fold runs of `*`; the result matches the same texts."""
    result: list[Piece] = []
    for piece in pieces:
        last = result[-1] if result else None
        if isinstance(piece, str):
            if not piece:
                continue
            if isinstance(last, str):
                result[-1] = last + piece
                continue
        elif piece is ANY and last in (ANY, ANY_INSIDE):
            result[-1] = ANY
            continue
        elif piece is ANY_INSIDE and last in (ANY, ANY_INSIDE):
            continue
        result.append(piece)
    return tuple(result)


def matcher(pieces: Iterable[Piece]) -> Matcher:
    """Return a predicate for `pieces`; the whole text must match, case-sensitively.

    >>> matcher(glob_pieces("role/ops-*"))("role/ops-1")
    True
    """
    parts = normalize(pieces)
    if all(isinstance(part, str) for part in parts):
        return "".join(part for part in parts if isinstance(part, str)).__eq__
    if parts == (ANY,):
        return _anything
    if len(parts) == 2 and parts[1] is ANY and isinstance(parts[0], str):
        prefix = parts[0]
        return lambda text: text.startswith(prefix)
    if len(parts) == 2 and parts[0] is ANY and isinstance(parts[1], str):
        suffix = parts[1]
        return lambda text: text.endswith(suffix)
    if len(parts) == 3 and parts[0] is ANY and parts[2] is ANY and isinstance(parts[1], str):
        middle = parts[1]
        return lambda text: middle in text
    if ANY_INSIDE in parts:
        return _simulate(parts)
    return any_expression([expression(parts)])


def any_matcher(patterns: Sequence[Iterable[Piece]]) -> Matcher:
    """Return a predicate that holds where one of several patterns does; one look at the text for all of them."""
    several = [normalize(pieces) for pieces in patterns]
    if len(several) == 1:
        return matcher(several[0])
    if any(ANY_INSIDE in parts for parts in several):
        matchers = [matcher(parts) for parts in several]
        return lambda text: any(each(text) for each in matchers)
    if all(isinstance(part, str) for parts in several for part in parts):
        return frozenset("".join(map(str, parts)) for parts in several).__contains__
    return any_expression([expression(parts) for parts in several])


def any_expression(expressions: Sequence[str]) -> Matcher:
    """Return a predicate for texts that one of the regular expressions matches as a whole."""
    match = full_match(expressions)
    return lambda text: match(text) is not None


def full_match(expressions: Sequence[str]) -> Callable[[str], re.Match[str] | None]:
    """The compiled form of `any_expression`: a match object or `None`. No expression at all matches nothing."""
    return re.compile("|".join(f"(?:{each})" for each in expressions) or r"(?!)", re.DOTALL).fullmatch


def arn_expression(parts: Sequence[Iterable[Piece]]) -> str:
    """A regular expression for an ARN pattern given as its six parts: only the last one's wildcards cross colons."""
    return ":".join(expression(part, inside=index < 5) for index, part in enumerate(parts))


def _anything(_text: str) -> bool:
    return True


def expression(pieces: Iterable[Piece], *, inside: bool = False) -> str:
    """Translate to a regular expression whose `*` commit to their leftmost continuation (atomic groups).

    `inside`: no wildcard may match a colon, and what follows the expression begins with one. Leftmost is always right
    when a `*` may swallow anything up to a fixed end, so no group is ever tried twice.
    """
    anything = "[^:]" if inside else "."
    runs: list[str] = [""]
    for part in normalize(pieces):
        if part in (ANY, ANY_INSIDE):
            runs.append("")
        elif part is ONE:
            runs[-1] += anything
        elif part is ONE_INSIDE:
            runs[-1] += "[^:]"
        else:
            runs[-1] += re.escape(str(part))
    if len(runs) == 1:
        return runs[0]
    first, *middle, last = runs
    return first + "".join(f"(?>{anything}*?{run})" for run in middle) + f"{anything}*{last}"


def _simulate(parts: tuple[Piece, ...]) -> Matcher:
    """Match by stepping a set of positions, kept as the bits of one integer: time is text x pattern / word size.

    Only patterns with a `*` confined to a colon segment need this; a committed leftmost match can be wrong there.
    """
    # One state before each element; a star state loops on what it may swallow.
    elements: list[Piece] = []
    for part in parts:
        elements.extend(part if isinstance(part, str) else (part,))
    final = 1 << len(elements)
    skip = sum(1 << index for index, element in enumerate(elements) if element in (ANY, ANY_INSIDE))
    any_loop = sum(1 << index for index, element in enumerate(elements) if element is ANY)
    inside_loop = sum(1 << index for index, element in enumerate(elements) if element is ANY_INSIDE)
    any_one = sum(1 << index for index, element in enumerate(elements) if element is ONE)
    inside_one = sum(1 << index for index, element in enumerate(elements) if element is ONE_INSIDE)
    literal: dict[str, int] = {}
    for index, element in enumerate(elements):
        if isinstance(element, str):
            literal[element] = literal.get(element, 0) | 1 << index

    def close(states: int) -> int:
        # Stars may match nothing; runs of stars were folded, so one step suffices.
        return states | (states & skip) << 1

    def matches(text: str) -> bool:
        states = close(1)
        for character in text:
            step = literal.get(character, 0) | any_one
            loop = any_loop
            if character != ":":
                step |= inside_one
                loop |= inside_loop
            states = close((states & step) << 1 | states & loop)
            if not states:
                return False
        return bool(states & final)

    return matches
