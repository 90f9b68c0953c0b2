"""What a report rests on and what it cannot know, as labelled sentences. Every format for people shows them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from simulator.analysis.report import Report
from simulator.organization.tree import Organization
from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import name, plural, shorten, window
from simulator.replay.impact import LogTally

_KINDS: Final = 8
"""Kinds, files and accounts named in a row; the rest is counted."""

_NAMES: Final = 16

_LONGEST: Final = 300
"""Characters of one text from a log or of one note."""


def evidence_rows(report: Report) -> list[tuple[str, str]]:
    """The rows, each a label and a sentence: window, accounts, regions, records, what was left out and why."""
    impact = report.impact
    rows = log_rows(impact, report.organization, f"; {plural(impact.requests, 'check')} made")
    if impact.drift:
        what = "passed although the current guardrails deny them: the snapshot is older than the log, or a bug of ours"
        rows.append(("drift", f"{plural(impact.drift, 'call')} {what}"))
    return rows + note_rows(report.notes)


def log_rows(log: LogTally, organization: Organization, more: str = "", word: str = "judged") -> list[tuple[str, str]]:
    """The rows that hold for every report on a log; `word` is what became of a mapped record, `more` ends that row."""
    rows = [
        ("window", window(log.first_time, log.last_time) or "no record has a time"),
        ("accounts", _accounts(log, organization)),
        ("regions", _texts(sorted(log.regions.counts)) or "none"),
        ("records", _records(log, word) + more),
    ]
    if log.unmapped:
        rows.append((f"not {word}", _unmapped(log)))
    if log.skipped.total():
        rows.append(("skipped", _counted(log.skipped)))
    rows.append(("files", _files(log)))
    if log.damaged:
        rows.append(("damaged", _damaged(log)))
    if log.stale_accounts.counts:
        missing = _texts(sorted(log.stale_accounts.counts))
        rows.append(("snapshot", f"lacks accounts that the log shows as ours: {missing}"))
    return rows


def note_rows(notes: Iterable[str]) -> list[tuple[str, str]]:
    """How the inputs were read."""
    return [("note", shorten(safe_text(each), _LONGEST)) for each in notes]


def _records(log: LogTally, word: str) -> str:
    parts = [
        f"{log.mapped:,} {word}",
        f"{log.unmapped:,} not {word}",
        plural(log.duplicates, "duplicate"),
        f"{log.skipped.total():,} skipped",
    ]
    return f"{log.read:,} read = {' + '.join(parts)}"


def _files(log: LogTally) -> str:
    skipped = log.files_skipped.total()
    why = f"; {skipped:,} skipped: {_counted(log.files_skipped)}" if skipped else ""
    return f"{log.files_read:,} read{why}"


def _unmapped(log: LogTally) -> str:
    kinds: dict[str, int] = {}
    for kind, count in log.unmapped_kinds.items():
        text = f"{kind.event_source} {kind.event_name}: {kind.reason}"
        kinds[text] = kinds.get(text, 0) + count
    return _counted(kinds, more=log.unmapped_truncated)


def _damaged(log: LogTally) -> str:
    files = [f"{file} ({reason})" for file, reason in sorted(log.damaged)]
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


def _accounts(log: LogTally, organization: Organization) -> str:
    accounts = log.accounts
    stale = log.stale_accounts.counts
    names = []
    for account in sorted(accounts.counts):
        node = organization.account(account)
        names.append(node.name if node else account if account in stale else f"{account} (external)")
    count = f"{len(names):,}{' or more' if accounts.truncated else ''}"
    return f"{count}: {_texts(names)}" if names else "none"


def _texts(texts: Sequence[str]) -> str:
    left = len(texts) - _NAMES
    more = f", … and {left:,} more" if left > 0 else ""
    return ", ".join(name(each) for each in texts[:_NAMES]) + more
