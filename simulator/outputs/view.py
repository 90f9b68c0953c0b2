"""How the reader sees the terminal format: width, colour, character set."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class View:
    """`width` in columns (at least 40 are used). `encoding`: what it cannot hold is written as escapes.

    `quiet`: the headline alone.
    """

    width: int = 100
    color: bool = False
    encoding: str = "utf-8"
    quiet: bool = False


PLAIN: Final = View()
