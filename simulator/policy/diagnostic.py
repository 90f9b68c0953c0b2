"""What is wrong with a policy, where, and how to mend it."""

from enum import Enum

import msgspec

from simulator.errors import OrgsimError


class Span(msgspec.Struct, frozen=True, gc=False):
    """A piece of a policy's text: lines and columns from 1, columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Severity(Enum):
    """`error`: AWS Organizations would refuse the policy. `warning`: accepted, but surely not what is meant."""

    ERROR = "error"
    WARNING = "warning"


class Diagnostic(msgspec.Struct, frozen=True):
    """One finding about a policy's text. `rule` is a stable id with a page of the same name in docs/rules/."""

    rule: str
    severity: Severity
    message: str
    fix: str
    span: Span
    file: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:" if self.file else ""
        return f"{place}{self.span.line}:{self.span.column}: {self.severity.value} {self.rule}: {self.message}"


class PolicyError(OrgsimError):
    """A policy that cannot be parsed; `diagnostics` lists every reason found (at least one)."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        first = diagnostics[0]
        more = f" (and {len(diagnostics) - 1} more)" if len(diagnostics) > 1 else ""
        super().__init__(
            first.rule,
            f"{first.message}{more}",
            hint=first.fix,
            file=first.file,
            line=first.span.line,
            column=first.span.column,
        )
        self.diagnostics = diagnostics
