"""The flows of the impact as a DOT graph, which Graphviz draws: `dot -Tsvg impact.dot -o impact.svg`.

Summarised, as pictures must be; GraphML and node-link JSON hold the whole graph. Solid arrows are calls that would be
denied, dashed ones calls that may be.
"""

from itertools import groupby

from simulator.analysis.report import Report
from simulator.outputs.flows import FlowLink, flows_of
from simulator.replay.outcome import Outcome

_SHAPES = ("folder", "box", "cds", "octagon")
"""The shape of a node by column: account, identity, call, statement."""


def render(report: Report) -> str:
    """The graph's text with a final newline."""
    flows = flows_of(report)
    lines = [
        "digraph impact {",
        "  rankdir=LR;",
        '  node [fontname="sans-serif", fontsize=11];',
        '  edge [fontname="sans-serif", fontsize=9];',
    ]
    numbered = list(enumerate(flows.nodes))
    for column, members in groupby(numbered, key=lambda each: each[1].column):
        lines.append(f"  subgraph column{column} {{")
        lines.append(f"    rank=same; node [shape={_SHAPES[column]}];")
        lines += [f"    n{number} [label={quoted(n.label)}, tooltip={quoted(n.detail)}];" for number, n in members]
        lines.append("  }")
    lines += [f"  n{link.start} -> n{link.end} [{_edge(link)}];" for link in flows.links]
    lines += [f"  // not drawn by name: {told}" for told in flows.folded]
    return "\n".join([*lines, "}"]) + "\n"


def quoted(text: str) -> str:
    r"""A text as a DOT string; Graphviz's own escapes (`\n`, `\N`) and entities (`&amp;`) are not read in it.

    >>> quoted('role "a"\\n')
    '"role \\"a\\"\\\\n"'
    """
    escaped = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _edge(link: FlowLink) -> str:
    style = "solid" if link.outcome is Outcome.NEWLY_DENIED else "dashed"
    return f'label="{link.calls}", style={style}'
