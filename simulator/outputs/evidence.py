"""What a report rests on and what it cannot know, as labelled sentences. Every format for people shows them."""

from collections.abc import Mapping, Sequence
from typing import Final

from simulator.analysis.report import Report
from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import name, plural, shorten, window
from simulator.replay.impact import Impact

_KINDS: Final = 8
"""Kinds, files and accounts named in a row; the rest is counted."""

_NAMES: Final = 16

_LONGEST: Final = 300
"""Characters of one text from a log or of one note."""


def evidence_rows(report: Report) -> list[tuple[str, str]]:
    """The rows, each a label and a sentence: window, accounts, regions, records, what was left out and why."""
    impact = report.impact
    rows = [
        ("window", window(impact.first_time, impact.last_time) or "no record has a time"),
        ("accounts", _accounts(report)),
        ("regions", _texts(sorted(impact.regions.counts)) or "none"),
        ("records", _records(impact)),
    ]
    if impact.unmapped:
        rows.append(("not judged", _unmapped(impact)))
    if impact.skipped.total():
        rows.append(("skipped", _counted(impact.skipped)))
    rows.append(("files", _files(impact)))
    if impact.damaged:
        rows.append(("damaged", _damaged(impact)))
    if impact.stale_accounts.counts:
        missing = _texts(sorted(impact.stale_accounts.counts))
        rows.append(("snapshot", f"lacks accounts that the log shows as ours: {missing}"))
    if impact.drift:
        what = "passed although the current guardrails deny them: the snapshot is older than the log, or a bug of ours"
        rows.append(("drift", f"{plural(impact.drift, 'call')} {what}"))
    rows += [("note", shorten(safe_text(each), _LONGEST)) for each in report.notes]
    return rows


def _records(impact: Impact) -> str:
    parts = [
        f"{impact.mapped:,} judged",
        f"{impact.unmapped:,} not judged",
        plural(impact.duplicates, "duplicate"),
        f"{impact.skipped.total():,} skipped",
    ]
    return f"{impact.read:,} read = {' + '.join(parts)}; {plural(impact.requests, 'check')} made"


def _files(impact: Impact) -> str:
    skipped = impact.files_skipped.total()
    why = f"; {skipped:,} skipped: {_counted(impact.files_skipped)}" if skipped else ""
    return f"{impact.files_read:,} read{why}"


def _unmapped(impact: Impact) -> str:
    kinds: dict[str, int] = {}
    for kind, count in impact.unmapped_kinds.items():
        text = f"{kind.event_source} {kind.event_name}: {kind.reason}"
        kinds[text] = kinds.get(text, 0) + count
    return _counted(kinds, more=impact.unmapped_truncated)


def _damaged(impact: Impact) -> str:
    files = [f"{file} ({reason})" for file, reason in sorted(impact.damaged)]
    texts = [shorten(safe_text(each), _LONGEST) for each in files[:_KINDS]]
    return "; ".join(texts) + (f"; … and {len(files) - _KINDS:,} more" if len(files) > _KINDS else "")


def _counted(counts: Mapping[str, int], more: bool = False) -> str:
    """The commonest kinds with their counts; `more`: others were not even kept."""
    rows = sorted(((count, text) for text, count in counts.items() if count), key=lambda row: (-row[0], row[1]))
    texts = [f"{count:,} x {shorten(safe_text(text), _LONGEST)}" for count, text in rows[:_KINDS]]
    left = len(rows) - _KINDS
    if more:
        texts.append("… and other kinds")
    elif left > 0:
        texts.append(f"… and {plural(left, 'other kind')}")
    return "; ".join(texts)


def _accounts(report: Report) -> str:
    accounts = report.impact.accounts
    stale = report.impact.stale_accounts.counts
    names = []
    for account in sorted(accounts.counts):
        node = report.organization.account(account)
        names.append(node.name if node else account if account in stale else f"{account} (external)")
    count = f"{len(names):,}{' or more' if accounts.truncated else ''}"
    return f"{count}: {_texts(names)}" if names else "none"


def _texts(texts: Sequence[str]) -> str:
    left = len(texts) - _NAMES
    more = f", … and {left:,} more" if left > 0 else ""
    return ", ".join(name(each) for each in texts[:_NAMES]) + more
