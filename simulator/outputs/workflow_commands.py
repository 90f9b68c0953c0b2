"""Workflow commands of GitHub Actions: annotations in a pull request, written to standard output.

Source: GitHub Docs, workflow commands; the escapes are those of the Actions toolkit (`%`, line ends; in properties also
`:` and `,`).
"""

from collections.abc import Mapping

from simulator.outputs.safe_text import safe_text


def command(kind: str, place: Mapping[str, str | int | None], message: str) -> str:
    """One line `::kind name=value,…::message` without its end; properties without a value are left out.

    >>> command("error", {"file": "a,b.json", "line": 3}, "50% gone")
    '::error file=a%2Cb.json,line=3::50%25 gone'
    """
    told = {name: value for name, value in place.items() if value is not None}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in told.items())
    return f"::{kind} {properties}::{_data(message)}"


def _data(text: str) -> str:
    # Line ends of ours are kept; those in texts of others were made visible before.
    return "%0A".join(safe_text(line) for line in text.replace("%", "%25").split("\n"))


def _property(text: str) -> str:
    return safe_text(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
