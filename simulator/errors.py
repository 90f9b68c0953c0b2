"""The one error that people see: what is wrong, where, and what to do about it.

Everything below the command line raises `OrgsimError` (or a subclass that adds a place);
`simulator.cli.main` turns it into text and an exit status. A record or a policy that
cannot be judged is a *value* (`Unmapped`, `Diagnostic`, an undecided verdict), never an error.
"""

from enum import IntEnum
from pathlib import Path


class ExitStatus(IntEnum):
    """The exit statuses of every command (documented in docs/exit-status.md)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_RECORDS = 3
    FINDINGS = 10


class OrgsimError(Exception):
    """An input or an environment that stops the command.

    `code` is stable and kebab-case; `hint` says what to do; `file`, `line`, `column` (from 1) say where.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        file: Path | str | None = None,
        line: int | None = None,
        column: int | None = None,
        status: ExitStatus = ExitStatus.FAILED,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.file = None if file is None else str(file)
        self.line = line
        self.column = column
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        """Errors travel from worker processes; what is made anew here needs no arguments of a subclass's own."""
        return _again, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        return f"{self.place}{self.message}"

    @property
    def place(self) -> str:
        """`file:line:column: `, as far as it is known, else the empty text."""
        parts = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        return ":".join(parts) + ": " if parts else ""


def _again(kind: type[OrgsimError], arguments: tuple[object, ...]) -> OrgsimError:
    return kind.__new__(kind, *arguments)
