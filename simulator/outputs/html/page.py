"""The page: one HTML file that loads nothing, with its data, its script and the library for its pictures inside.

What keeps it safe, although it shows texts of whoever wrote to the log: texts in the markup are escaped here; all
others are JSON in a script element that is never run, and reach the page as text nodes only; the content security
policy lets these scripts run and nothing else, and lets the page load nothing.
"""

import base64
import hashlib
import html
import json
from collections.abc import Iterable
from importlib.resources import files
from string import Template
from typing import Any, Final

from simulator import __version__
from simulator.analysis.report import Report
from simulator.errors import OrgsimError
from simulator.outputs import wording
from simulator.outputs.evidence import evidence_rows
from simulator.outputs.html.data import page_data
from simulator.outputs.safe_text import safe_text

_SCRIPTS: Final = ("page.js", "table.js", "pictures.js", "start.js")
"""The script's parts, in order; they share one function's scope."""

_LOCKOUTS: Final = 200
"""Lock-out warnings shown; more help nobody."""

_LONGEST: Final = 1_000
"""Characters of one warning."""


def render(report: Report) -> str:
    """The page's text with a final newline, to be written as UTF-8.

    Raises `OrgsimError` (`missing-extra`) where the library for pictures is not installed.
    """
    library = _library()
    script = script_of(_SCRIPTS)
    first, *rest = wording.headline(report)
    return Template(part("page.html")).substitute(
        policy=content_policy(script, library),
        title=escaped(f"{first} · orgsim"),
        style=part("style.css"),
        headline=escaped(first),
        sentences=sentences(rest),
        lockouts=_lockouts(report.lockouts),
        evidence=definitions(evidence_rows(report)),
        version=escaped(__version__),
        data=embedded(page_data(report)),
        script=script,
        library=library,
    )


def embedded(value: Any) -> str:
    """A value as JSON that can stand inside a script element: nothing in it ends the element or opens another."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def script_of(parts: Iterable[str]) -> str:
    """The script made of these files; they share one function's scope."""
    return '(function () {\n"use strict";\n' + "".join(part(name) for name in parts) + "})();\n"


def sentences(texts: Iterable[str]) -> str:
    """What stands below the headline."""
    return "\n  ".join(f'<p class="lead">{escaped(each)}</p>' for each in texts)


def definitions(rows: Iterable[tuple[str, str]]) -> str:
    """The rows of the evidence."""
    return "".join(f"\n      <dt>{escaped(label)}</dt><dd>{escaped(told)}</dd>" for label, told in rows)


def content_policy(*scripts: str) -> str:
    """The content security policy (W3C, Content Security Policy Level 3): our scripts by their hash, nothing loaded.

    Styles are allowed inline because the library for pictures sets some; there is no markup from outside to carry any.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _lockouts(warnings: tuple[str, ...]) -> str:
    if not warnings:
        return ""
    shown = [f"<li>{escaped(wording.shorten(safe_text(each), _LONGEST))}</li>" for each in warnings[:_LOCKOUTS]]
    if len(warnings) > _LOCKOUTS:
        shown.append(f"<li>… and {wording.plural(len(warnings) - _LOCKOUTS, 'more warning')}; see the JSON</li>")
    return (
        '<section id="lockouts" data-name="Lock-outs" aria-labelledby="lockouts-title" class="warning">\n'
        '    <h2 id="lockouts-title">Lock-out warnings</h2>\n'
        '    <p class="lead">These hold even where the log is silent.</p>\n'
        f"    <ul>{''.join(shown)}</ul>\n  </section>"
    )


def escaped(text: str) -> str:
    """A text as markup."""
    return html.escape(text)


def part(name: str) -> str:
    """A file of this package."""
    return files("simulator.outputs.html").joinpath(name).read_text(encoding="utf-8")


def _library() -> str:
    """The script of plotly.js, as its Python package ships it."""
    try:
        # Imported here: a tenth of a second, and an extra that may be missing.
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise OrgsimError(
            "missing-extra",
            "the HTML report needs plotly, which is not installed",
            hint="pip install 'org-policy-simulator[html]'",
        ) from None
    # The parser of HTML reads CR LF as LF: the hash must be of what it hands to the script engine.
    library: str = get_plotlyjs().replace("\r\n", "\n")
    return library
