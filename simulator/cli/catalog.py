"""`orgsim catalog show|coverage|update`."""

import sys
from pathlib import Path

import click

from simulator.analysis.mapping_coverage import measure
from simulator.cli import options
from simulator.cli.loading import cache_folder, load_catalog
from simulator.cli.writing import progress
from simulator.cloudtrail.actions import ActionMap
from simulator.errors import ExitStatus
from simulator.organization.snapshot import facts
from simulator.outputs import catalog_coverage, catalog_show
from simulator.sources.catalog_cache import write_update
from simulator.sources.logs import find_logs
from simulator.sources.organizations import read_organization
from simulator.sources.service_reference import DEFAULT_URL, fetch_update


@click.group("catalog")
def command() -> None:
    """Show, measure and update what CloudTrail events stand for.

    docs/mapping.md explains tiers and tables, docs/catalog.md these commands.
    """


@command.command("show")
@click.argument("event_source", metavar="EVENTSOURCE")
@click.argument("event_name", metavar="EVENTNAME")
@options.output_format(("terminal", "json"), "form")
def show(event_source: str, event_name: str, form: str) -> int:
    """Tell which IAM actions an event stands for, and why.

    EVENTSOURCE and EVENTNAME are as in the record: `s3.amazonaws.com GetObject`; `s3` is enough.

    Exit status: 0 answered, 1 could not run, 2 wrong usage.
    """
    actions = ActionMap(load_catalog())
    explanation = actions.explain(event_source, event_name)
    if form == "json":
        sys.stdout.write(catalog_show.as_json(explanation))
    else:
        sys.stdout.write(catalog_show.terminal(explanation, actions.skip_reasons.get(explanation.skipped or "")))
    return ExitStatus.OK


@command.command("coverage")
@options.logs
@options.organization("Organization snapshot: it may tell owners of resources.")
@options.output_format(("terminal", "json"), "form")
def coverage(logs: tuple[str, ...], organization: Path | None, form: str) -> int:
    """Measure how many records of a log resolve to actions, resources and owners; list those that do not.

    Exit status: 0 measured, 1 could not run, 2 wrong usage, 3 no records found.
    """
    known = facts(read_organization(organization))
    catalog = load_catalog()
    with find_logs(logs) as (batches, skipped), progress("Measuring", batches) as update:
        measured = measure(batches, catalog, known, update)
    for file in skipped:
        measured.files_skipped[file.reason] += 1
    sys.stdout.write(catalog_coverage.as_json(measured) if form == "json" else catalog_coverage.terminal(measured))
    if measured.read == 0:
        click.echo("orgsim: no CloudTrail records found under " + ", ".join(logs), err=True)
        return ExitStatus.NO_RECORDS
    return ExitStatus.OK


@command.command("update")
@click.option(
    "--url",
    default=DEFAULT_URL,
    show_default=True,
    metavar="URL",
    help="Index of the Service Reference: an address, a file: address, or a path to a copy.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of the local catalog (default: $ORGSIM_CACHE, else the user's cache folder).",
)
def update(url: str, cache: Path | None) -> int:
    """Download AWS's Service Reference; from then on it outranks the packaged tables.

    A download that breaks leaves the catalog as it was.

    Exit status: 0 updated, 1 could not, 2 wrong usage.
    """
    watched = sys.stderr.isatty()
    with click.progressbar(length=1, label="Downloading", file=sys.stderr, hidden=not watched) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        found = fetch_update(url, progress)
    path = write_update(found, cache_folder(cache))
    services = [found.service(name) for name in found.services]
    actions = sum(len(each.actions) for each in services)
    operations = sum(len(each.operations) for each in services)
    click.echo(f"{len(services):,} services, {actions:,} actions, {operations:,} operations: {path}")
    return ExitStatus.OK
