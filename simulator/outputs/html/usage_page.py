"""A usage report as one HTML file, made as the page of an impact is (`simulator.outputs.html.page`), with its table."""

from collections.abc import Iterable
from string import Template
from typing import Any, Final

from simulator import __version__
from simulator.analysis.findings import Counted, FindingPrincipal
from simulator.analysis.usage import UsageReport, UsageRow
from simulator.outputs import usage_wording, wording
from simulator.outputs.evidence import log_rows, note_rows
from simulator.outputs.html.data import MOST_FINDINGS
from simulator.outputs.html.page import content_policy, definitions, embedded, escaped, part, script_of, sentences
from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import plural

_SCRIPTS: Final = ("page.js", "table.js", "usage.js")
_RESULTS: Final = ("always denied", "denied at times", "never denied", "beyond SCPs")
"""What a row's calls came to, in the order and the colours of the table's marks."""

_WORDS: Final = {
    "outcome": "Result",
    "statement": "Asked for by",
    "one": "row",
    "note": "A call that needs several actions stands in a row of each: calls of rows are not to be added up.",
}


def render(report: UsageReport) -> str:
    """The page's text with a final newline, to be written as UTF-8."""
    script = script_of(_SCRIPTS)
    first, *rest = usage_wording.headline(report)
    evidence = log_rows(report.usage, report.organization, word="mapped") + note_rows(report.notes)
    return Template(part("usage.html")).substitute(
        policy=content_policy(script),
        title=escaped(f"{first} · orgsim"),
        style=part("style.css"),
        headline=escaped(first),
        sentences=sentences(rest),
        evidence=definitions(evidence),
        version=escaped(__version__),
        data=embedded(usage_data(report)),
        script=script,
    )


def usage_data(report: UsageReport) -> dict[str, Any]:
    """What the page's script shows, as plain values. Every text from a log or policy is made safe here, once."""
    identities = {principal: place for place, principal in enumerate(report.principals)}
    statements: dict[tuple[str, ...], int] = {}
    rows = [
        _row(number, row, identities[row.principal], statements.setdefault(row.restricted_by, len(statements)))
        for number, row in enumerate(report.rows[:MOST_FINDINGS])
    ]
    return {
        "words": _WORDS,
        "outcomes": [{"label": label} for label in _RESULTS],
        "identities": [_identity(each, report) for each in identities],
        "statements": [
            {"label": ", ".join(map(wording.name, names)), "policy_name": "", "source": ""} for names in statements
        ],
        "findings": rows,
        "left_out": max(0, len(report.rows) - MOST_FINDINGS),
    }


def _identity(principal: FindingPrincipal, report: UsageReport) -> dict[str, Any]:
    return {
        "label": wording.identity(principal),
        "where": wording.home(principal, report.organization, report.usage.stale_accounts.counts),
        "arn": safe_text(principal.arn),
        # Who is behind a use stands with the row: not everybody behind a role uses every action.
        "behind": [],
    }


def _row(number: int, row: UsageRow, identity: int, statement: int) -> dict[str, Any]:
    blocks = [
        {"title": title, "items": items}
        for title, items in (
            ("What to know", [(text, "") for text in (*_denied(row), *usage_wording.doubts(row))]),
            ("Behind it", usage_wording.actors(row)),
            ("Networks", [(safe_text(each.text), plural(each.calls, "call")) for each in row.networks]),
        )
        if items
    ]
    return {
        "id": number,
        "outcome": _result(row),
        "identity": identity,
        "action": wording.name(row.action),
        "access": wording.name(row.access),
        "statement": statement,
        "calls": row.calls,
        "first": safe_text(row.first_seen),
        "last": safe_text(row.last_seen),
        "regions": [safe_text(each) for each in row.regions],
        "resources": _counted(row.resources),
        "sessions": _counted(row.sessions),
        "events": [safe_text(each) for each in row.event_ids],
        "blocks": blocks,
        "cut": list(row.truncated),
    }


def _denied(row: UsageRow) -> list[str]:
    return [f"{plural(row.denied_calls, 'call')} failed authorization"] if row.denied_calls else []


def _result(row: UsageRow) -> int:
    if row.scp_exempt is not None:
        return 3
    if row.denied_calls == row.calls:
        return 0
    return 1 if row.denied_calls else 2


def _counted(rows: Iterable[Counted]) -> list[tuple[str, int]]:
    return [(safe_text(each.text), each.calls) for each in rows]
