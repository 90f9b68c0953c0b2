"""The report for people, in a terminal or a pipe: headline, findings, what is undecided, warnings, evidence.

Every text from a log or policy passes `safe_text`; nothing is read as markup. There are no boxes and no tables that
need a width: lines wrap with a hanging indent, so 60 columns are enough.
"""

import io
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from rich.console import Console
from rich.text import Text

from simulator.analysis.findings import Finding
from simulator.analysis.report import Report
from simulator.outputs import review_text, wording
from simulator.outputs.evidence import evidence_rows
from simulator.outputs.safe_text import safe_text
from simulator.outputs.view import PLAIN, View
from simulator.outputs.wording import plural
from simulator.replay.outcome import Outcome

IDENTITIES: Final = 40
"""Identities (or undecided groups) shown in full in a section; the rest is counted."""

STATEMENTS: Final = 8
ACTIONS: Final = 12
"""Statements of one identity, and actions of one statement, shown in full."""

_SESSIONS: Final = 3
_NARROWEST: Final = 40
_WIDEST: Final = 140
_ACTION_COLUMN: Final = 36

_K = TypeVar("_K", bound=Hashable)
_T = TypeVar("_T")


def render(report: Report, view: View = PLAIN) -> str:
    """The report as text with a final newline, coloured with ANSI codes only if the view says so."""
    page = Page(view)
    for number, sentence in enumerate(wording.headline(report)):
        page.put((sentence, "" if number else "bold"), hang=0)
    if not view.quiet:
        _Sections(report, page).write()
    return page.text()


class Page:
    """Wraps texts and collects lines."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.width = max(_NARROWEST, min(view.width, _WIDEST))
        self._file = io.StringIO()
        # An empty environment: what the reader sees depends on the view alone.
        self._console = Console(
            file=self._file,
            width=self.width,
            force_terminal=view.color,
            color_system="standard" if view.color else None,
            no_color=not view.color,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            soft_wrap=True,
            _environ={},
        )

    def put(self, *parts: str | tuple[str, str], indent: int = 0, hang: int = 2) -> None:
        """Write one paragraph of texts or (text, style)s; its further lines stand `hang` columns to the right."""
        told = (part if isinstance(part, tuple) else (part, "") for part in parts)
        text = Text.assemble(*((self._known(words), style) for words, style in told))
        lines = text.wrap(self._console, max(self.width - indent - hang, 16), overflow="fold")
        for number, line in enumerate(lines):
            line.rstrip()
            self._console.print(Text(" " * (indent + (hang if number else 0))) + line)

    def blank(self) -> None:
        """Write an empty line."""
        self._console.print()

    def text(self) -> str:
        """All that was written."""
        return self._file.getvalue()

    def _known(self, text: str) -> str:
        """The text in characters that the reader's encoding has."""
        encoding = self._view.encoding
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            return text.replace("…", "...").encode(encoding, "backslashreplace").decode(encoding)
        return text


class _Sections:
    """Writes the sections of one report."""

    def __init__(self, report: Report, page: Page) -> None:
        self._report = report
        self._page = page
        self._by_outcome: dict[Outcome, list[Finding]] = {outcome: [] for outcome in Outcome}
        self._told: set[str] = set()
        for finding in report.findings:
            self._by_outcome[finding.outcome].append(finding)

    def write(self) -> None:
        """Write all sections: what is compared, then the gravest first."""
        self._changes()
        self._by_identity(Outcome.NEWLY_DENIED, "WOULD BE DENIED", "red", "denied by")
        self._undecided()
        self._by_identity(Outcome.NEWLY_ALLOWED, "WOULD BE ALLOWED", "cyan", f"{wording.now(self._report)} denied by")
        self._already_denied()
        self._waivers()
        self._lockouts()
        self._evidence()

    def _title(self, title: str, style: str, told: str) -> None:
        self._page.blank()
        self._page.put((title, f"bold {style}"), f"  {told}")

    def _counts(self, outcome: Outcome) -> str:
        calls = plural(self._report.impact.outcomes[outcome], "call")
        findings = self._by_outcome[outcome]
        who = plural(wording.identities(findings, outcome), "identity", "identities")
        return ", ".join(filter(None, (calls, who, wording.actions(findings))))

    # What is compared

    def _changes(self) -> None:
        comparison = self._report.comparison
        if comparison is None:
            return
        told = f"{review_text.version(comparison.base)} → {review_text.version(comparison.head)}"
        self._title("CHANGES", "", told)
        if not comparison.changes:
            self._page.put("Policies, attachments and accounts are the same in both.", indent=2)
        for each in comparison.changes[:IDENTITIES]:
            where = review_text.change_source(each)
            self._page.put(review_text.change(each), (f" ({where})" if where else "", "dim"), indent=2)
            for detail in review_text.details(each):
                self._page.put(detail, indent=4)
        self._rest(len(comparison.changes) - IDENTITIES, "change", "changes", 2)
        for size in comparison.sizes[:IDENTITIES]:
            self._page.put((review_text.size(size), "dim"), indent=2)
        self._rest(len(comparison.sizes) - IDENTITIES, "size", "sizes", 2)

    # By identity, then statement, then action

    def _by_identity(self, outcome: Outcome, title: str, style: str, verb: str) -> None:
        findings = self._by_outcome[outcome]
        if not findings and not self._report.impact.outcomes[outcome]:
            return
        self._title(title, style, self._counts(outcome))
        columns = _columns_of(findings)
        groups = grouped(findings, lambda each: each.principal)
        for group in islice(groups.values(), IDENTITIES):
            self._page.blank()
            self._identity(group)
            places = grouped(group, lambda each: each.place)
            for rows in islice(places.values(), STATEMENTS):
                self._statement(rows[0], verb, style, 4)
                self._actions(rows, columns, 6)
            self._rest(len(places) - STATEMENTS, "statement", "statements", 4)
        self._rest(len(groups) - IDENTITIES, "identity", "identities", 2)

    def _identity(self, group: Sequence[Finding], indent: int = 2) -> None:
        principal = group[0].principal
        stale = self._report.impact.stale_accounts.counts
        heading = wording.who_and_where(principal, self._report.organization, stale)
        self._page.put((heading, "bold"), indent=indent)
        if principal.arn.startswith("arn:"):
            for number, line in enumerate(wording.arn_lines(principal.arn, self._page.width - indent - 2)):
                self._page.put((line, "dim"), indent=indent + (2 if number else 0))
        sessions = sorted({each.text for finding in group for each in finding.sessions})
        if sessions:
            names = ", ".join(wording.name(each) for each in sessions[:_SESSIONS])
            cut = any("sessions" in finding.truncated for finding in group)
            more = "at least " if cut else ""
            rest = f" and {more}{len(sessions) - _SESSIONS} more" if len(sessions) > _SESSIONS else ""
            self._page.put((f"sessions: {names}{rest}", "dim"), indent=indent)

    def _statement(self, finding: Finding, verb: str, style: str, indent: int) -> None:
        place = finding.place
        said = wording.statement(place, finding.attached_name, self._report.organization)
        if place.policy is not None:
            said = f"{verb} {said}"
        elif finding.outcome is Outcome.NEWLY_ALLOWED:
            said = f"{wording.now(self._report)} {said}"
        elif finding.outcome is Outcome.POSSIBLY_NEWLY_DENIED:
            said = f"{said} for sure"
        # Once is enough: an organization-wide statement stops many identities.
        where = wording.source(place)
        told = where in self._told
        self._told.add(where)
        source = f" ({wording.shorten(where, self._page.width)})" if where and not told else ""
        self._page.put((said, style), (source, "dim"), indent=indent)

    def _actions(self, rows: Sequence[Finding], columns: "_Columns", indent: int) -> None:
        for each in rows[:ACTIONS]:
            action, access, calls, days = _cells(each)
            row = f"{action:<{columns.action}}  {access:<{columns.access}}  {calls:>{columns.calls}}  {days}"
            if columns.total + indent > self._page.width or len(row) + indent > self._page.width:
                row = f"{action}: {calls}, {days}".removesuffix(", ")
            agreed = wording.mark(self._report, each)
            row += f"  [{agreed}]" if agreed else ""
            self._page.put(row, indent=indent, hang=2 if len(row) + indent > self._page.width else 0)
        self._rest(len(rows) - ACTIONS, "action", "actions", indent)

    def _rest(self, count: int, one: str, many: str, indent: int) -> None:
        if count > 0:
            self._page.put(f"… and {plural(count, 'more ' + one, 'more ' + many)}; see the JSON", indent=indent)

    # Undecided: by what would settle it

    def _undecided(self) -> None:
        outcome = Outcome.POSSIBLY_NEWLY_DENIED
        findings = self._by_outcome[outcome]
        if not findings and not self._report.impact.outcomes[outcome]:
            return
        self._title("MAY BE DENIED", "yellow", f"{self._counts(outcome)}; the log does not tell")
        groups = list(grouped(findings, lambda each: (each.place, each.settled_by)).values())
        columns, left = _columns_of(findings), IDENTITIES
        while groups and left > 0:
            rows = groups.pop(0)
            self._page.blank()
            self._statement(rows[0], "by", "yellow", 2)
            settled = "; ".join(map(wording.settles, rows[0].settled_by))
            self._page.put("settled by: ", (settled or "nothing that is named", "bold"), indent=2)
            by_identity = grouped(rows, lambda each: each.principal)
            for group in islice(by_identity.values(), left):
                self._identity(group, 4)
                self._actions(group, columns, 6)
            self._rest(len(by_identity) - left, "identity", "identities", 4)
            left -= len(by_identity)
        self._rest(len(groups), "undecided statement", "undecided statements", 2)
        self._page.blank()
        how = "To settle: --assume KEY=VALUE for a condition key; tags and resource owners in the snapshot."
        self._page.put((how, "dim"), indent=2)

    # The rest

    def _already_denied(self) -> None:
        count = self._report.impact.outcomes[Outcome.ALREADY_DENIED]
        if not count:
            return
        who = wording.identities(self._by_outcome[Outcome.ALREADY_DENIED], Outcome.ALREADY_DENIED)
        told = f"{plural(count, 'call')} of {plural(who, 'identity', 'identities')} failed authorization in the log"
        self._title("ALREADY DENIED", "blue", f"{told} anyway; the proposal would deny them too, or may")

    def _waivers(self) -> None:
        acceptance = self._report.acceptance
        told = list(review_text.troubles(acceptance)) if acceptance else []
        if not told:
            return
        self._title("WAIVERS", "magenta", "that have run out, or match nothing")
        for each in told[:IDENTITIES]:
            self._page.put(f"- {each}", indent=2)
        self._rest(len(told) - IDENTITIES, "waiver", "waivers", 2)

    def _lockouts(self) -> None:
        lockouts = self._report.lockouts
        if not lockouts:
            return
        self._title("LOCK-OUT WARNINGS", "magenta", "these hold even where the log is silent")
        for each in lockouts[:IDENTITIES]:
            self._page.put(f"- {wording.shorten(safe_text(each), 1000)}", indent=2)
        self._rest(len(lockouts) - IDENTITIES, "warning", "warnings", 2)

    def _evidence(self) -> None:
        self._title("EVIDENCE", "", "what this rests on")
        for label, told in evidence_rows(self._report):
            self._page.put((f"{label}: ", "bold"), told, indent=2)


class _Columns(NamedTuple):
    """The widths of a section's columns."""

    action: int
    access: int
    calls: int
    days: int

    @property
    def total(self) -> int:
        return sum(self) + 6


def _columns_of(findings: Sequence[Finding]) -> _Columns:
    """Columns as wide as the widest cell; one very long action does not widen its column."""
    cells = [_cells(each) for each in findings]
    widths = [max((len(cell[place]) for cell in cells), default=0) for place in range(4)]
    return _Columns(min(widths[0], _ACTION_COLUMN), *widths[1:])


def _cells(finding: Finding) -> tuple[str, str, str, str]:
    days = wording.window(finding.first_seen, finding.last_seen)
    return wording.name(finding.action), wording.name(finding.access), plural(finding.calls, "call"), days


def grouped(rows: Iterable[_T], key: Callable[[_T], _K]) -> dict[_K, list[_T]]:
    """The rows by key, groups and rows in the order of first appearance."""
    groups: dict[_K, list[_T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
