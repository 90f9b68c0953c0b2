"""`orgsim test PATH…`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from simulator.analysis.cases import Case, run_cases
from simulator.analysis.statement_coverage import (
    CoveredPolicy,
    StatementKey,
    coverage_of,
    exercised_by_records,
)
from simulator.cli import options, stdout
from simulator.cli.loading import load_catalog
from simulator.cli.writing import progress
from simulator.errors import ExitStatus
from simulator.iam.catalog import Catalog
from simulator.outputs.case_results import render_json, render_junit, render_terminal
from simulator.policy.document import PolicyType
from simulator.sources.cases import read_cases
from simulator.sources.logs import find_logs
from simulator.sources.organizations import read_organization
from simulator.sources.policies import read_policy_files


@click.command("test")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--logs",
    "logs",
    multiple=True,
    metavar="PATH",
    help="CloudTrail log file, folder or s3:// address: also tell which statements its records exercise; repeatable.",
)
@options.organization("Organization snapshot, with --logs: which accounts are members.")
@options.output_format(["terminal", "json", "junit"])
def command(paths: tuple[Path, ...], logs: tuple[str, ...], organization: Path | None, format_name: str) -> int:
    """Run policy cases: YAML files of requests with the expected decision, beside their policies.

    PATH is a case file or a folder with case files at any depth; docs/policy-tests.md has the format. Failures are
    printed with the explanation, then the statements that no case (and no record of --logs) exercised.

    Exit status: 0 all passed, 1 could not run, 2 wrong usage, 3 no cases found, 10 a case failed.
    """
    if organization is not None and not logs:
        raise click.UsageError("--organization is for --logs")
    catalog = load_catalog()
    cases = read_cases(paths)
    results = run_cases(cases, catalog)
    policies = list(_policies(paths, cases))
    by_cases = {key for result in results for key in result.exercised}
    by_records = _by_records(policies, logs, organization, catalog) if logs else None
    render = {"terminal": render_terminal, "json": render_json, "junit": render_junit}[format_name]
    stdout.write(render(results, coverage_of(policies, by_cases, by_records)))
    if not results:
        click.echo("orgsim: no cases found under " + ", ".join(map(str, paths)), err=True)
        return ExitStatus.NO_RECORDS
    return ExitStatus.OK if all(result.passed for result in results) else ExitStatus.FINDINGS


def _policies(paths: Sequence[Path], cases: Sequence[Case]) -> Iterator[CoveredPolicy]:
    """The policies below the folders given, and those that the cases name. What does not parse is check's business."""
    for file in read_policy_files([path for path in paths if path.is_dir()]):
        if file.document is not None and file.type is not None:
            yield CoveredPolicy(file.type, file.document)
    named = {id(policy.document): policy for case in cases for policy in _named(case)}
    yield from named.values()


def _named(case: Case) -> Iterator[CoveredPolicy]:
    for side, levels in ((PolicyType.SCP, case.scps), (PolicyType.RCP, case.rcps)):
        for document in (each for level in levels or () for each in level):
            # A policy written in the case itself is called `file:line`.
            if document.file is not None and not document.file.startswith(f"{case.file}:"):
                yield CoveredPolicy(side, document)


def _by_records(
    policies: Sequence[CoveredPolicy], logs: Sequence[str], organization: Path | None, catalog: Catalog
) -> frozenset[StatementKey]:
    with find_logs(logs) as (batches, _), progress("Reading", batches) as update:
        return exercised_by_records(policies, batches, read_organization(organization), catalog, update)
