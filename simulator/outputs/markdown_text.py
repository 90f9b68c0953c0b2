"""Texts from logs and policies as GitHub Flavored Markdown that does nothing but show them.

Backslash escapes are not enough: GitHub and GitLab look for @mentions, #references and addresses in what Markdown has
become, where an escape has gone. They leave code alone, so names stand in code spans; sentences that hold names are
written in character references, and what would call somebody or link somewhere is broken by a space without width.
"""

import re
from typing import Final

from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import shorten

_SPECIAL: Final = re.compile(r"[^\w ,;.()/=+'\"…:-]|_|www\.|:(?=/|[\w+-]*:)", re.IGNORECASE)
"""What is not written as it is; letters of any script are. `www.` and `://` begin an address, `:word:` an emoji."""

_CALLS: Final = frozenset("@#!$%&~:")
"""Signs that begin a mention, a reference (`#12`, `!12`, `$12`, `%12`, `&12`, `~label`), an emoji or an address."""


def code(text: str, limit: int = 80) -> str:
    r"""A code span of at most about `limit` characters, fit for a table cell.

    A backtick would end the span and a bar the cell, whatever stands before them: both become visible escapes.

    >>> code("a`b|c")
    '`a\\x60b\\x7cc`'
    """
    shown = shorten(safe_text(text), limit).replace("`", r"\x60").replace("|", r"\x7c")
    return f"`{shown}`" if shown.strip() else "(empty)"


def prose(text: str) -> str:
    """A sentence of ours that holds names, as Markdown that renders as the same sentence.

    >>> prose("Hello @octo, see #1")
    'Hello &#64;&#8203;octo, see &#35;&#8203;1'
    """
    return _SPECIAL.sub(_reference, safe_text(text))


def _reference(match: re.Match[str]) -> str:
    text = match.group()
    if len(text) > 1:
        return f"{text[:-1]}&#8203;."
    written = f"&#{ord(text)};"
    return f"{written}&#8203;" if text in _CALLS else written
