"""The formats of a usage report by name; a renderer is imported only when it is asked for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simulator.analysis.usage import UsageReport
from simulator.outputs.view import View

FORMATS: Final = ("terminal", "html", "json", "csv")
ENDINGS: Final[Mapping[str, str]] = MappingProxyType({".json": "json", ".csv": "csv", ".html": "html"})
"""The format that a file's ending stands for."""


def render(format_name: str, report: UsageReport, view: View) -> str:
    """The report in one of `FORMATS`, ready to write as UTF-8 (CSV has its own line ends)."""
    match format_name:
        case "html":
            from simulator.outputs.html import usage_page

            return usage_page.render(report)
        case "json":
            from simulator.outputs import usage_json

            return usage_json.render(report)
        case "csv":
            from simulator.outputs import usage_csv

            return usage_csv.render(report)
    from simulator.outputs import usage_terminal

    return usage_terminal.render(report, view)
