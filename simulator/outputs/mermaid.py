"""The flows of the impact as a Mermaid flowchart, which GitHub and GitLab draw in Markdown.

Summarised: Mermaid refuses large texts and many edges. Solid arrows are calls that would be denied, dotted ones calls
that may be.
"""

import re
from typing import Final

from simulator.analysis.report import Report
from simulator.outputs.flows import FlowLink, flows_of
from simulator.replay.outcome import Outcome

MEMBERS: Final = 8
"""Members of a column that are drawn by name; 36 nodes in all at the most."""

_PLAIN: Final = re.compile(r"[^\w .,:/@+-]")


def render(report: Report) -> str:
    """The chart's text with a final newline, without a fence."""
    flows = flows_of(report, MEMBERS)
    lines = ["flowchart LR"]
    for number, node in enumerate(flows.nodes):
        # A box for each column's kind, told apart by shape and not by colour alone.
        opening, closing = (("([", "])"), ("[", "]"), ("[/", "/]"), ("{{", "}}"))[node.column]
        # A Sid alone says little without its policy, and Mermaid has no tooltips that work everywhere.
        told = node.detail if node.column == 3 and node.detail else node.label
        lines.append(f'  n{number}{opening}"{text(told)}"{closing}')
    lines += [f"  n{link.start} {_arrow(link)} n{link.end}" for link in flows.links]
    lines += [f"  %% not drawn by name: {text(told)}" for told in flows.folded]
    return "\n".join(lines) + "\n"


def text(label: str) -> str:
    """A label in which nothing is Mermaid's or HTML's own: other characters stand as entity codes.

    >>> text('<b>"x"</b>')
    '#60;b#62;#34;x#34;#60;/b#62;'
    """
    return _PLAIN.sub(lambda match: f"#{ord(match.group())};", label)


def _arrow(link: FlowLink) -> str:
    arrow = "-->" if link.outcome is Outcome.NEWLY_DENIED else "-.->"
    return f'{arrow}|"{link.calls}"|'
