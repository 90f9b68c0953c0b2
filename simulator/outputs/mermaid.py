"""The gravest findings as a Mermaid flowchart: identity, call, denying statement.

Drawn where Markdown is read (GitHub, GitLab); the whole graph is in GraphML and JSON.
"""

import re
from collections.abc import Iterable
from typing import Final

from simulator.analysis.findings import Finding
from simulator.analysis.report import Report
from simulator.outputs import wording
from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import plural, shorten
from simulator.replay.outcome import Outcome

_SPECIAL: Final = re.compile(r"[^\w .,:/()=+…-]")
"""What a quoted Mermaid text must not hold as it is: quotes, marks of directives (`%%{`), comments, HTML, Markdown."""

_LABEL: Final = 60

_ARROWS: Final = {
    Outcome.NEWLY_DENIED: "-->",
    Outcome.POSSIBLY_NEWLY_DENIED: "-.->",
}
"""Only what would be lost is drawn; a dotted line is a loss that is not sure."""


def render(report: Report, limit: int = 20) -> str:
    """A flowchart of the first `limit` findings that would or may be denied; the empty text if there are none."""
    shown = [each for each in report.findings if each.outcome in _ARROWS]
    chart = _Chart(report)
    for finding in shown[:limit]:
        chart.add(finding)
    if not shown:
        return ""
    if len(shown) > limit:
        chart.note(f"and {plural(len(shown) - limit, 'more finding')}")
    return chart.text()


def label(text: str) -> str:
    """A text for a place in double quotes.

    >>> label('a "b"')
    'a #34;b#34;'
    """
    return _SPECIAL.sub(lambda match: f"#{ord(match.group())};", shorten(safe_text(text), _LABEL))


class _Chart:
    """Collects nodes and edges, each once, numbered as they come."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._nodes: dict[tuple[object, ...], str] = {}
        self._edges: dict[tuple[str, str, str], int] = {}
        self._lines: list[str] = []

    def add(self, finding: Finding) -> None:
        """Draw one finding."""
        report, arrow = self._report, _ARROWS[finding.outcome]
        stale = report.impact.stale_accounts.counts
        who = self._node(
            ("identity", finding.principal),
            wording.who_lines(finding.principal, report.organization, stale),
            "identity",
        )
        call = self._node(("call", finding.principal, finding.action), (finding.action,), "call")
        place = finding.place
        by = self._node(
            ("statement", place.policy_type, place.policy, place.sid, place.text, place.attached_to),
            (wording.statement(place, finding.attached_name, report.organization),),
            "statement",
        )
        self._edges.setdefault((who, call, "---"), 0)
        # The same call can meet a statement in both ways, in different records.
        edge = (call, by, arrow)
        self._edges[edge] = self._edges.get(edge, 0) + finding.calls

    def note(self, text: str) -> None:
        """Add a text that is linked to nothing."""
        self._node(("note",), (text,), "note")

    def text(self) -> str:
        """The flowchart."""
        links = (
            f'  {start} {arrow}|"{plural(calls, "call")}"| {end}' if calls else f"  {start} {arrow} {end}"
            for (start, end, arrow), calls in self._edges.items()
        )
        return "\n".join(["flowchart LR", *self._lines, *links, *_STYLES]) + "\n"

    def _node(self, key: tuple[object, ...], lines: Iterable[str], kind: str) -> str:
        if key not in self._nodes:
            self._nodes[key] = name = f"n{len(self._nodes)}"
            shown = "<br/>".join(label(line) for line in lines)
            self._lines.append(f'  {name}["{shown}"]:::{kind}')
        return self._nodes[key]


_STYLES: Final = (
    "  classDef identity fill:#eef4ff,stroke:#3b6fb6,color:#111",
    "  classDef call fill:#f6f6f6,stroke:#777,color:#111",
    "  classDef statement fill:#fdecea,stroke:#b3261e,color:#111",
    "  classDef note fill:none,stroke:none",
)
