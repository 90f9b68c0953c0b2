"""Who relies on some actions, for people: headline, identities with what they use, evidence."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from simulator.analysis.usage import UsageReport, UsageRow
from simulator.outputs import usage_wording, wording
from simulator.outputs.evidence import log_rows, note_rows
from simulator.outputs.terminal import Page, grouped
from simulator.outputs.view import PLAIN, View
from simulator.outputs.wording import plural

IDENTITIES: Final = 40
ACTIONS: Final = 12
"""Identities, and actions of one identity, shown in full; the rest is counted."""

_SESSIONS: Final = 3
_ACTION_COLUMN: Final = 36


def render(report: UsageReport, view: View = PLAIN) -> str:
    """The report as text with a final newline, coloured with ANSI codes only if the view says so."""
    page = Page(view)
    for number, sentence in enumerate(usage_wording.headline(report)):
        page.put((sentence, "" if number else "bold"), hang=0)
    if not view.quiet:
        _identities(report, page)
        page.blank()
        page.put(("EVIDENCE", "bold"), "  what this rests on")
        for label, told in log_rows(report.usage, report.organization, word="mapped") + note_rows(report.notes):
            page.put((f"{label}: ", "bold"), told, indent=2)
    return page.text()


def _identities(report: UsageReport, page: Page) -> None:
    if not report.rows:
        return
    page.blank()
    told = plural(len({row.action for row in report.rows}), "action")
    page.put(("WHO RELIES ON IT", "bold cyan"), f"  {plural(report.usage.calls, 'call')} of {told}")
    groups = grouped(report.rows, lambda row: row.principal)
    stale = report.usage.stale_accounts.counts
    # A pattern says itself what it takes in; a statement's name does not.
    of_policies = any(each.file is not None for each in report.restrictions)
    for rows in islice(groups.values(), IDENTITIES):
        page.blank()
        principal = rows[0].principal
        page.put((wording.who_and_where(principal, report.organization, stale), "bold"), indent=2)
        if principal.arn.startswith("arn:"):
            for number, line in enumerate(wording.arn_lines(principal.arn, page.width - 4)):
                page.put((line, "dim"), indent=4 if number else 2)
        behind = usage_wording.behind(rows)
        if behind:
            page.put("behind it: ", (behind, "bold"), indent=2)
        else:
            _sessions(rows, page)
        if of_policies:
            page.put((f"restricted by: {usage_wording.statements(rows)}", "dim"), indent=2)
        _actions(rows, page)
    _rest(len(groups) - IDENTITIES, "identity", "identities", 2, page)


def _sessions(rows: Sequence[UsageRow], page: Page) -> None:
    sessions = sorted({each.text for row in rows for each in row.sessions})
    if sessions:
        names = ", ".join(wording.name(each) for each in sessions[:_SESSIONS])
        more = "at least " if any("sessions" in row.truncated for row in rows) else ""
        rest = f" and {more}{len(sessions) - _SESSIONS} more" if len(sessions) > _SESSIONS else ""
        page.put((f"sessions: {names}{rest}", "dim"), indent=2)


def _actions(rows: Sequence[UsageRow], page: Page) -> None:
    shown = rows[:ACTIONS]
    widest = min(max(len(wording.name(row.action)) for row in shown), _ACTION_COLUMN)
    calls = max(len(plural(row.calls, "call")) for row in shown)
    for row in shown:
        cells = (
            f"{wording.name(row.action):<{widest}}",
            f"{plural(row.calls, 'call'):>{calls}}",
            wording.window(row.first_seen, row.last_seen),
        )
        denied = usage_wording.denied(row)
        page.put("  ".join(filter(None, cells)), (f"  {denied}" if denied else "", "red"), indent=4)
        page.put(("; ".join(usage_wording.details(row)), "dim"), indent=6)
    _rest(len(rows) - ACTIONS, "action", "actions", 4, page)


def _rest(count: int, one: str, many: str, indent: int, page: Page) -> None:
    if count > 0:
        page.put(f"… and {plural(count, 'more ' + one, 'more ' + many)}; see the JSON", indent=indent)
