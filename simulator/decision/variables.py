"""Policy variables: `${key}`, `${key, 'default'}`, and the escapes `${*}`, `${?}`, `${$}`.

Source: AWS IAM User Guide, reference_policies_variables. A value that stands for an unknown key is widened to
"any text": if even that cannot match, the answer is decided; otherwise it is not.
"""

import re
from typing import Final

import msgspec

from simulator.decision.request import Context, ContextValue
from simulator.iam.pattern import ANY, ANY_INSIDE, Piece, glob_pieces

_VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")
_WITH_DEFAULT: Final = re.compile(r"\s*([^,]+?)\s*,\s*'(.*)'\s*", re.DOTALL)


class Variable(msgspec.Struct, frozen=True):
    """A reference to a context key, `key` in lower case; `default` stands in where the key is absent."""

    key: str
    default: str | None = None


TemplatePiece = Piece | Variable


class Unresolved(msgspec.Struct, frozen=True):
    """A template that names an absent key without default: it matches nothing."""


class Widened(msgspec.Struct, frozen=True):
    """A template that names unknown keys: `pieces` match at least every text that the real value could match."""

    pieces: tuple[Piece, ...]
    keys: frozenset[str]


def parse_template(text: str, *, wildcards: bool, variables: bool) -> tuple[TemplatePiece, ...]:
    """Read a policy string. Without `variables` (Version 2008-10-17) `${...}` is plain text.

    >>> parse_template("home/${aws:username}", wildcards=True, variables=True)
    ('home/', Variable(key='aws:username', default=None))
    """

    def plain(part: str) -> tuple[Piece, ...]:
        return glob_pieces(part) if wildcards else (part,) if part else ()

    if not variables or "${" not in text:
        return plain(text)
    result: list[TemplatePiece] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        result.extend(plain(text[end : match.start()]))
        end = match.end()
        name = match.group(1)
        if name in ("*", "?", "$"):
            result.append(name)
        elif with_default := _WITH_DEFAULT.fullmatch(name):
            result.append(Variable(with_default.group(1).lower(), with_default.group(2)))
        else:
            result.append(Variable(name.strip().lower()))
    result.extend(plain(text[end:]))
    return tuple(result)


def variables_of(template: tuple[TemplatePiece, ...]) -> frozenset[str]:
    """The keys a template reads, in lower case."""
    return frozenset(piece.key for piece in template if isinstance(piece, Variable))


def is_open(value: ContextValue | None) -> bool:
    """Whether a variable of this key has no one text to stand for: the key is unknown, or holds several values."""
    return len(value) > 1 if isinstance(value, tuple) else not isinstance(value, str | None)


def open_variables(template: tuple[TemplatePiece, ...], context: Context) -> frozenset[str]:
    """The keys that leave a template open; none if an absent key lets it match nothing anyway."""
    if isinstance(substitute(template, context), Unresolved):
        return frozenset()
    return frozenset(key for key in variables_of(template) if is_open(context.get(key)))


def substitute(
    template: tuple[TemplatePiece, ...], context: Context, *, inside: bool = False
) -> tuple[Piece, ...] | Unresolved | Widened:
    """Put the request's values in; they act as literal text.

    `inside`: the template is one colon-separated part of an ARN, so an unknown value is taken to hold no colon.
    A key with several values cannot be substituted (only single-valued keys may stand in variables): widened.
    """
    pieces: list[Piece] = []
    unknown: set[str] = set()
    for piece in template:
        if not isinstance(piece, Variable):
            pieces.append(piece)
            continue
        value = context.get(piece.key)
        if isinstance(value, tuple) and len(value) <= 1:
            value = value[0] if value else None
        if isinstance(value, str):
            pieces.append(value)
        elif value is None:
            if piece.default is None:
                return Unresolved()
            pieces.append(piece.default)
        else:
            unknown.add(piece.key)
            pieces.append(ANY_INSIDE if inside else ANY)
    return Widened(tuple(pieces), frozenset(unknown)) if unknown else tuple(pieces)
