"""A name in a proposal, and where it stands."""

import msgspec


class Reference(msgspec.Struct, frozen=True):
    """A name as someone wrote it, and where: `file` as shown to people, `line` from 1."""

    text: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        return self.text
