"""Texts from logs and policies, made fit for a terminal and for reports."""

import re
from typing import Final

_UNSAFE: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: escape sequences, line ends, bells
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of writing
    "\u2028\u2029"  # line and paragraph separators
    "\xad\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f"  # soft hyphen and marks without width
    "\ufeff\ufff9-\ufffb\ufffe\uffff"  # byte order mark, interlinear annotation, what XML cannot hold
    "\ud800-\udfff"  # lone surrogates, which no encoding can write
    "\U000e0000-\U000e007f"  # tags: invisible text
    "]"
)


def safe_text(text: str) -> str:
    r"""`text` with everything that could steer a terminal or hide text replaced by a visible escape.

    >>> safe_text("role\x1b[2J")
    'role\\x1b[2J'
    """
    # All that is unsafe is also not printable for Python, which finds that out many times faster.
    return text if text.isprintable() else _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
