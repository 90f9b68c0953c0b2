"""The output formats by name and by file ending; a renderer is imported only when it is asked for."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from simulator.analysis.report import Report
from simulator.errors import ExitStatus, OrgsimError
from simulator.outputs.view import PLAIN, View

FORMATS: Final = (
    "terminal",
    "html",
    "json",
    "csv",
    "graphml",
    "graph-json",
    "dot",
    "mermaid",
    "markdown",
    "sarif",
    "junit",
    "github",
)

WITH_IDENTITIES: Final = frozenset({"html", "graphml", "graph-json"})
"""Formats that show who is behind an identity wherever that was asked for; the JSON report's graph does, too."""

ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".graph.json": "graph-json",
        ".json": "json",
        ".csv": "csv",
        ".graphml": "graphml",
        ".dot": "dot",
        ".gv": "dot",
        ".mmd": "mermaid",
        ".html": "html",
        ".md": "markdown",
        ".sarif": "sarif",
        ".xml": "junit",
    }
)
"""The format that a file's ending stands for; the longer of two endings stands first."""


def render(format_name: str, report: Report, view: View = PLAIN) -> str:
    """The report in a format, ready to write as UTF-8 (CSV has its own line ends: write with `newline=""`).

    `view` is how wide and how colourful the terminal format may be. Raises `OrgsimError` (`unknown-format`, usage).
    """
    # Imported here: only GraphML loads networkx, only a terminal run rich.
    match format_name:
        case "terminal":
            from simulator.outputs import terminal

            return terminal.render(report, view)
        case "html":
            from simulator.outputs.html import page

            return page.render(report)
        case "json":
            from simulator.outputs import impact_json

            return impact_json.render(report)
        case "csv":
            from simulator.outputs import table_csv

            return table_csv.render(report)
        case "graphml":
            from simulator.outputs import graphml

            return graphml.render(report)
        case "markdown":
            from simulator.outputs import markdown

            return markdown.render(report)
        case "sarif":
            from simulator.outputs import sarif

            return sarif.render(report)
        case "junit":
            from simulator.outputs import junit

            return junit.render(report)
        case "github":
            from simulator.outputs import github

            return github.render(report)
        case "graph-json":
            from simulator.outputs import graph_json

            return graph_json.render(report)
        case "dot":
            from simulator.outputs import dot

            return dot.render(report)
        case "mermaid":
            from simulator.outputs import mermaid

            return mermaid.render(report)
    raise _unknown(f"there is no output format `{format_name}`", f"formats: {', '.join(FORMATS)}")


def format_of(path: Path | str, endings: Mapping[str, str] = ENDINGS) -> str:
    """The format of an output file by its ending, in any case. Raises `OrgsimError` (`unknown-format`, usage)."""
    name = Path(path).name.lower()
    found = next((format_name for each, format_name in endings.items() if name[1:].endswith(each)), None)
    if found is None:
        ending = Path(path).suffix.lower()
        what = f"the ending `{ending}`" if ending else "a name without an ending"
        raise _unknown(f"{what} tells no output format: {path}", f"known endings: {', '.join(endings)}")
    return found


def _unknown(message: str, hint: str) -> OrgsimError:
    return OrgsimError("unknown-format", message, hint=hint, status=ExitStatus.USAGE)
