"""The findings of `orgsim check` as text for people, as JSON, and as GitHub workflow commands."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from simulator.outputs.safe_text import safe_text
from simulator.outputs.workflow_commands import command
from simulator.policy.diagnostic import Diagnostic, Severity

SCHEMA: Final = "orgsim/check/1"
_LONGEST: Final = 600
"""Characters of a message shown to people; a policy may quote a word of any length."""


def terminal(diagnostics: Sequence[Diagnostic], policies: int) -> str:
    """One finding per line, `file:line:column: severity rule: message`, the fix below it; a summary at the end."""
    lines = []
    for each in diagnostics:
        lines.append(_shown(str(each)))
        if each.fix:
            lines.append(f"  fix: {_shown(each.fix)}")
    errors, warnings = _count(diagnostics)
    lines.append(
        f"{_number(policies, 'policy', 'policies')} checked: {_number(errors, 'error')}, {_number(warnings, 'warning')}"
    )
    return "\n".join(lines) + "\n"


def as_json(diagnostics: Sequence[Diagnostic], files: Sequence[tuple[str, str | None]]) -> str:
    """One JSON object; `files` are the checked files with the API name of their policy type, where it is known."""
    errors, warnings = _count(diagnostics)
    answer = {
        "schema": SCHEMA,
        "policies": [{"file": file, "type": policy_type} for file, policy_type in files],
        "diagnostics": [_row(each) for each in diagnostics],
        "errors": errors,
        "warnings": warnings,
    }
    # Escaped to ASCII: a lone surrogate in a policy's string must not stop the writing.
    return json.dumps(answer, indent=2) + "\n"


def github(diagnostics: Iterable[Diagnostic]) -> str:
    """Workflow commands that show each finding beside its line in a pull request (GitHub Docs, workflow commands)."""
    return "".join(f"{line}\n" for line in _commands(diagnostics))


def _row(diagnostic: Diagnostic) -> dict[str, Any]:
    span = diagnostic.span
    return {
        "rule": diagnostic.rule,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "fix": diagnostic.fix,
        "file": diagnostic.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _commands(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    for each in diagnostics:
        text = f"{each.message}; {each.fix}" if each.fix else each.message
        place = {
            "file": each.file,
            "line": each.span.line,
            "endLine": each.span.end_line,
            "col": each.span.column,
            "title": each.rule,
        }
        yield command(each.severity.value, place, _shown(text))


def _shown(text: str) -> str:
    return safe_text(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _count(diagnostics: Sequence[Diagnostic]) -> tuple[int, int]:
    errors = sum(each.severity is Severity.ERROR for each in diagnostics)
    return errors, len(diagnostics) - errors


def _number(count: int, singular: str, plural: str | None = None) -> str:
    return f"{count} {singular if count == 1 else plural or singular + 's'}"
