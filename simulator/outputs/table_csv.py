"""The findings as a table, one row each: CSV (RFC 4180) that spreadsheets open without running anything."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from simulator.analysis.findings import Counted, Finding
from simulator.analysis.report import Report
from simulator.outputs.safe_text import safe_text

HEADER: Final = (
    "id",
    "outcome",
    "principal",
    "principal_type",
    "account",
    "account_name",
    "ou_path",
    "action",
    "access",
    "policy_type",
    "policy",
    "sid",
    "statement_index",
    "attached_to",
    "attached_name",
    "level",
    "file",
    "line",
    "calls",
    "first_seen",
    "last_seen",
    "regions",
    "settled_by",
    "resources",
    "sessions",
    "event_ids",
    "truncated",
)

_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠")
"""What a spreadsheet may take for the start of a formula (OWASP, CSV Injection), full width too."""

_BLANKS: Final = " \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\ufeff"
"""What a spreadsheet may skip before a formula."""

_BETWEEN: Final = "; "


def render(report: Report) -> str:
    r"""The table with its header; lines end in CR LF and every cell is quoted, so that no separator splits one."""
    return table(HEADER, map(_row, report.findings))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of harmless cells as text."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def cell(value: str | int | None) -> str:
    """A value as a harmless cell: control characters become visible, a would-be formula becomes text.

    >>> cell("=cmd()")
    "'=cmd()"
    """
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    start = value.lstrip(_BLANKS)[:1]
    text = safe_text(value)
    return f"'{text}" if start in _FORMULA and start else text


def _row(finding: Finding) -> list[str]:
    principal, place = finding.principal, finding.place
    values = (
        finding.id,
        finding.outcome.value,
        principal.arn,
        principal.type,
        principal.account,
        principal.account_name,
        principal.ou_path,
        finding.action,
        finding.access,
        place.policy_type,
        place.policy,
        place.sid,
        place.statement,
        place.attached_to,
        finding.attached_name,
        place.level,
        place.file,
        place.line,
        finding.calls,
        finding.first_seen,
        finding.last_seen,
    )
    lists = (
        finding.regions,
        finding.settled_by,
        counted(finding.resources),
        counted(finding.sessions),
        finding.event_ids,
        finding.truncated,
    )
    return [*map(cell, values), *map(joined, lists)]


def counted(rows: Iterable[Counted]) -> list[str]:
    """Texts with their calls in brackets."""
    return [f"{each.text} ({each.calls})" for each in rows]


def joined(texts: Iterable[str]) -> str:
    """A list as one cell."""
    # Each text is guarded, not only the first: a reader may split the cell.
    return _BETWEEN.join(cell(text) for text in texts)
