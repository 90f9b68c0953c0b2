"""`orgsim test PATH…`."""

from pathlib import Path

import click

from simulator.analysis.cases import run_cases
from simulator.cli import stdout
from simulator.cli.loading import load_catalog
from simulator.errors import ExitStatus
from simulator.outputs.case_results import render_json, render_junit, render_terminal
from simulator.sources.cases import read_cases


@click.command("test")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["terminal", "json", "junit"]),
    default="terminal",
    show_default=True,
    help="What to write to standard output.",
)
def command(paths: tuple[Path, ...], format_name: str) -> int:
    """Run policy cases: YAML files of requests with the expected decision, beside their policies.

    PATH is a case file or a folder with case files at any depth; docs/policy-tests.md has the format. Failures are
    printed with the explanation.

    Exit status: 0 all passed, 1 could not run, 2 wrong usage, 3 no cases found, 10 a case failed.
    """
    results = run_cases(read_cases(paths), load_catalog())
    render = {"terminal": render_terminal, "json": render_json, "junit": render_junit}[format_name]
    stdout.write(render(results))
    if not results:
        click.echo("orgsim: no cases found under " + ", ".join(map(str, paths)), err=True)
        return ExitStatus.NO_RECORDS
    return ExitStatus.OK if all(result.passed for result in results) else ExitStatus.FINDINGS
