"""`orgsim waive FINDING_ID --report FILE`."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from simulator.errors import ExitStatus
from simulator.sources.waivers import add_waiver, parse_day, waiver_of_finding


@click.command("waive")
@click.argument("finding_id", metavar="FINDING_ID")
@click.option(
    "--report",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The JSON report that has the finding.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why the denial is agreed to.")
@click.option("--owner", required=True, metavar="NAME", help="Who answers for it.")
@click.option("--expires", required=True, metavar="DATE", help="The last day on which it counts, such as 2026-12-31.")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    default=Path("waivers.yaml"),
    show_default=True,
    metavar="FILE",
    help="Where the waiver is written, behind what stands there.",
)
def command(finding_id: str, report: Path, reason: str, owner: str, expires: str, file: Path) -> int:
    """Write a waiver for one finding of a JSON report.

    FINDING_ID is the member `id` of the finding. The waiver names exactly its identity, action and statement; widen it
    by hand where that is meant. docs/waivers.md describes the file.

    Exit status: 0 written, 1 could not, 2 wrong usage.
    """
    day = _day(expires)
    waiver = waiver_of_finding(report, finding_id, _text(reason, "--reason"), _text(owner, "--owner"), day)
    add_waiver(file, waiver)
    click.echo(f"{file}: {waiver.statement} may deny {waiver.action} to {waiver.identity} until {day}")
    return ExitStatus.OK


def _day(text: str) -> date:
    found = parse_day(text)
    if found is None:
        raise click.BadParameter(f"`{text}` is not a day such as 2026-12-31", param_hint="--expires")
    if found < datetime.now(UTC).date():
        raise click.BadParameter(f"{text} is in the past", param_hint="--expires")
    return found


def _text(text: str, option: str) -> str:
    if not text.strip():
        raise click.BadParameter("it is empty", param_hint=option)
    return text
