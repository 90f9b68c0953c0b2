"""How the reader sees the terminal format: width, colour, character set."""

from typing import Final

import msgspec


class View(msgspec.Struct, frozen=True):
    """`width` in columns (at least 40 are used). `encoding`: what it cannot hold is written as escapes.

    `quiet`: the headline alone.
    """

    width: int = 100
    color: bool = False
    encoding: str = "utf-8"
    quiet: bool = False


PLAIN: Final = View()
