"""The report as a comment on a pull request: GitHub Flavored Markdown that fits, whatever the log held.

What matters most is given room first; what does not fit is counted and named. The order depends on the report alone,
so that a comment changes only where the impact does.
"""

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Final

from simulator.analysis.findings import Finding
from simulator.analysis.report import Report
from simulator.outputs import mermaid, review_text, wording
from simulator.outputs.evidence import evidence_rows
from simulator.outputs.markdown_text import code, prose
from simulator.outputs.wording import plural
from simulator.replay.outcome import Outcome

LIMIT: Final = 65_536
"""Characters of a comment (GitHub REST API, issue comments). Bytes are counted here, which are never fewer."""

MARK: Final = "<!-- orgsim impact -->"
"""The first line, by which a pipeline finds the comment it wrote before."""

_WORST: Final = 10
_LOCKOUTS: Final = 10
_SHARES: Final = {
    "top": 4_000,
    "waivers": 2_000,
    "lockouts": 7_000,
    "changes": 4_500,
    "worst": 26_000,
    "graph": 12_000,
    "evidence": 7_500,
}
"""Bytes that the fixed parts may take; the rest of the findings share what is left."""

_CLOSING: Final = 1_200
"""Bytes kept for saying what was left out."""

_WIDTH: Final = 110


def render(report: Report) -> str:
    """The comment with a final newline, under `LIMIT` bytes (and so characters)."""
    return _Comment(report).text()


class _Comment:
    """Builds the parts in the order of what matters, and joins them in the order of reading."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._left = LIMIT - _CLOSING
        self._cut: list[str] = []
        self._stale = report.impact.stale_accounts.counts
        self._by_outcome: dict[Outcome, list[Finding]] = {outcome: [] for outcome in Outcome}
        for finding in report.findings:
            self._by_outcome[finding.outcome].append(finding)

    def text(self) -> str:
        """The comment."""
        top, waivers, lockouts = self._top(), self._waivers(), self._lockouts()
        worst, changes = self._worst(), self._changes()
        evidence, graph = self._evidence(), self._graph()
        rest = [
            self._rest(Outcome.NEWLY_DENIED, "more that would be denied", skip=_WORST),
            self._rest(Outcome.POSSIBLY_NEWLY_DENIED, "may be denied, and what would settle it"),
            self._rest(Outcome.NEWLY_ALLOWED, f"denied {wording.now(self._report)}, would be allowed"),
            self._rest(Outcome.ALREADY_DENIED, "failed in the log anyway; would be denied, too, or may be"),
        ]
        parts = [top, waivers, lockouts, changes, worst, *rest, graph, evidence, self._closing()]
        return "\n".join(part for part in parts if part)

    # The fixed parts

    def _top(self) -> str:
        first, *more = wording.headline(self._report)
        lines = [MARK, f"## {prose(first)}", "", *(f"{prose(each)}  " for each in more)]
        rows = dict(evidence_rows(self._report))
        told = "; ".join(f"{label}: {rows[label]}" for label in ("window", "records"))
        return self._take([*lines, "", f"<sub>{prose(told)}</sub>"], "top", "")

    def _lockouts(self) -> str:
        lockouts = self._report.lockouts
        if not lockouts:
            return ""
        title = "**Lock-out warnings**: these hold even where the log is silent."
        lines = [f"> - {prose(wording.shorten(each, 500))}" for each in lockouts[:_LOCKOUTS]]
        return self._fit(["> [!WARNING]", f"> {title}"], lines, [], len(lockouts), "lock-out warning", "lockouts")

    def _waivers(self) -> str:
        acceptance = self._report.acceptance
        told = list(review_text.troubles(acceptance)) if acceptance else []
        lines = [f"> - {prose(each)}" for each in told]
        head = ["> [!CAUTION]", "> **Waivers** that have run out, or match nothing."]
        return self._fit(head, lines, [], len(told), "waiver", "waivers") if told else ""

    def _changes(self) -> str:
        """How the policies differ, where two proposals were compared."""
        comparison = self._report.comparison
        if comparison is None:
            return ""
        lines = []
        for each in comparison.changes:
            where = review_text.change_source(each)
            source = f" ({code(where, 160)})" if where else ""
            told = "<br>".join(prose(detail) for detail in review_text.details(each))
            lines.append(f"- {prose(review_text.change(each))}{source}{'<br>' if told else ''}{told}")
        count = len(lines)
        lines += [f"- <sub>{prose(review_text.size(each))}</sub>" for each in comparison.sizes]
        versions = " → ".join(review_text.version(each) for each in (comparison.base, comparison.head))
        title = f"Changes of the policies: {plural(count, 'change')}, {versions}"
        head = [f"<details open><summary>{prose(title)}</summary>", ""]
        if not count:
            head += ["Policies, attachments and accounts are the same in both.", ""]
        return self._fit(head, lines, ["", "</details>"], len(lines), "change or size", "changes")

    def _worst(self) -> str:
        """The ten worst of what would be denied: the findings come gravest first, then most calls."""
        denied = self._by_outcome[Outcome.NEWLY_DENIED]
        if not denied:
            return ""
        shown = denied[:_WORST]
        title = "The ten worst" if len(denied) > _WORST else "Would be denied"
        head = [f"### {title}", "", *self._head(Outcome.NEWLY_DENIED)]
        return self._fit(head, map(self._row, shown), [], len(shown), "finding of the worst", "worst")

    def _graph(self) -> str:
        lost = (Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED)
        if not any(self._by_outcome[each] for each in lost):
            return ""
        lines = ["<details><summary>Graph: who, which call, which statement</summary>", "", "```mermaid"]
        return self._take(
            [*lines, mermaid.render(self._report).rstrip("\n"), "```", "", "</details>"], "graph", "the graph"
        )

    def _evidence(self) -> str:
        lines = []
        for label, told in evidence_rows(self._report):
            # In a code block nothing is read as Markdown; four columns in, no line can end it.
            row = f"{label}: {told}"
            lines += wrap(row, _WIDTH, subsequent_indent=" " * 4, break_on_hyphens=False)
        head = ["<details><summary>Evidence: what this rests on</summary>", "", "```text"]
        return self._fit(head, lines, ["```", "", "</details>"], len(lines), "line of the evidence", "evidence")

    # The other findings

    def _rest(self, outcome: Outcome, what: str, skip: int = 0) -> str:
        findings = self._by_outcome[outcome][skip:]
        if not findings:
            return ""
        count = plural(len(findings), "finding")
        head = [f"<details><summary>{count}: {what}</summary>", "", *self._head(outcome)]
        rows = map(self._row, findings)
        return self._fit(head, rows, ["", "</details>"], len(findings), f"finding ({what})", None)

    def _head(self, outcome: Outcome) -> tuple[str, str]:
        by = f"{wording.now(self._report)} denied by" if outcome is Outcome.NEWLY_ALLOWED else "by"
        settled = outcome is Outcome.POSSIBLY_NEWLY_DENIED
        return (
            f"| who | call | {by} | calls | seen |{' settled by |' if settled else ''}",
            f"|---|---|---|--:|---|{'---|' if settled else ''}",
        )

    def _row(self, finding: Finding) -> str:
        report = self._report
        who = wording.who_lines(finding.principal, report.organization, self._stale)
        by = wording.statement(finding.place, finding.attached_name, report.organization)
        agreed = wording.mark(report, finding)
        cells: tuple[str, ...] = (
            "<br>".join(code(each, 120) for each in who),
            code(finding.action) + (f"<br>{prose(agreed)}" if agreed else ""),
            "<br>".join(code(each, 160) for each in (by, wording.source(finding.place)) if each),
            f"{finding.calls:,}",
            _days(finding),
        )
        if finding.outcome is Outcome.POSSIBLY_NEWLY_DENIED:
            cells = (*cells, _settled(finding))
        return f"| {' | '.join(cells)} |"

    # Room

    def _take(self, lines: Sequence[str], share: str, what: str) -> str:
        """The lines as they are, or nothing if they do not fit."""
        text = "\n".join(lines) + "\n"
        if _size(text) > min(_SHARES[share], self._left):
            self._cut.append(what)
            return ""
        self._left -= _size(text)
        return text

    def _fit(
        self,
        head: Sequence[str],
        rows: Iterable[str],
        foot: Sequence[str],
        count: int,
        what: str,
        share: str | None,
    ) -> str:
        """A part with as many of its rows as fit; notes how many of the `count` things it is about are missing."""
        room = min(_SHARES[share], self._left) if share else self._left
        room -= sum(_size(line) + 1 for line in (*head, *foot)) + 1
        kept: list[str] = []
        for row in rows:
            if _size(row) + 1 > room:
                break
            room -= _size(row) + 1
            kept.append(row)
        if len(kept) < count:
            self._cut.append(f"{count - len(kept):,} of {plural(count, what)}")
        if not kept:
            return ""
        text = "\n".join([*head, *kept, *foot]) + "\n"
        self._left -= _size(text) + 1
        return text

    def _closing(self) -> str:
        told = f"Left out for length: {'; '.join(filter(None, self._cut))}. " if self._cut else ""
        full = "Everything is in the JSON, CSV and HTML reports of the same run."
        return f"<sub>{told}{full}</sub>\n"


def _days(finding: Finding) -> str:
    # A date is not to be broken over two lines.
    return prose(wording.window(finding.first_seen, finding.last_seen)).replace("-", "&#8209;")


def _settled(finding: Finding) -> str:
    # Condition keys have a colon; the rest are facts in our words.
    told = (code(each) if ":" in each else prose(wording.settles(each)) for each in finding.settled_by)
    return "<br>".join(told) or "nothing that is named"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
