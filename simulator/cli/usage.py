"""`orgsim usage PATTERN…|--policy FILE --logs PATH…`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from simulator.analysis.identities.linker import identities_of
from simulator.analysis.identities.model import Identities
from simulator.analysis.usage import make_usage_report
from simulator.cli import options
from simulator.cli.loading import load_catalog, update_note
from simulator.cli.writing import check_writable, progress, write
from simulator.engines.local import count_usage, sensible_workers
from simulator.errors import ExitStatus
from simulator.iam.catalog import Catalog
from simulator.outputs.registry import format_of
from simulator.outputs.usage_formats import ENDINGS, FORMATS, render
from simulator.policy.diagnostic import PolicyError
from simulator.policy.document import Effect, PolicyDocument
from simulator.replay.reading import Selection
from simulator.replay.restrictions import Restriction, of_pattern, of_policy, unknown_words
from simulator.replay.usage import UsageQuestion
from simulator.sources.logs import find_logs
from simulator.sources.organizations import read_organization
from simulator.sources.policies import read_policy_files

_NO_SNAPSHOT: Final = "No organization snapshot was given: accounts have no names, and none is known to be foreign."
_ONLY_ACTIONS: Final = (
    "Only the actions of the policy's Deny statements were looked for: its conditions and resources were not judged, "
    "so many of these calls may stay allowed. What it would deny is for `orgsim simulate` to say."
)
_ALLOWS: Final = "{}: its Allow statements were left out; what an allow list leaves out it denies, too."


@click.command("usage")
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option(
    "--policy",
    "policies",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ask for the actions that the Deny statements of this SCP or RCP restrict; repeatable.",
)
@options.logs
@options.organization()
@options.since
@options.until
@options.accounts
@options.output_format(FORMATS)
@options.outputs
@options.quiet
@options.workers
def command(
    patterns: tuple[str, ...],
    policies: tuple[Path, ...],
    logs: tuple[str, ...],
    organization: Path | None,
    since: str | None,
    until: str | None,
    accounts: tuple[str, ...],
    format_name: str,
    outputs: tuple[Path, ...],
    quiet: bool,
    workers: int | None,
) -> int:
    """Tell who relies on some actions, before there is a proposal.

    PATTERN is an IAM action pattern such as 's3:Put*' (quote it: a shell has wildcards of its own). Lists each
    identity and action with calls, denied calls, first and last day, regions, networks and resources, and the people,
    pipelines and workloads behind it.

    Exit status: 0 answered, 1 could not run, 2 wrong usage, 3 no records found.
    """
    if not patterns and not policies:
        raise click.UsageError("Give an action PATTERN such as 's3:Put*', or --policy FILE.")
    files = [(path, format_of(path, ENDINGS)) for path in outputs]
    check_writable(outputs)
    catalog = load_catalog()
    documents = tuple(_documents(policies))
    restrictions = (
        *(of_pattern(each, catalog) for each in patterns),
        *(each for document in documents for each in of_policy(document)),
    )
    selection = Selection(
        since=options.time(since, "--since"),
        until=options.time(until, "--until"),
        accounts=frozenset(map(options.account, accounts)),
    )
    current = read_organization(organization)
    question = UsageQuestion(current, restrictions, selection)
    with find_logs(logs, selection.since, selection.until) as (batches, skipped):
        workers = workers or sensible_workers(batches, os.cpu_count() or 1)
        with progress("Counting", batches, quiet=quiet) as update:
            usage = count_usage(question, batches, catalog, workers, update)
    for file in skipped:
        usage.files_skipped[file.reason] += 1
    notes = [*_notes(documents, restrictions, catalog), *([_NO_SNAPSHOT] if current.assumed else [])]
    if (note := update_note(catalog)) is not None:
        notes.append(note)
    identities = identities_of(usage, current) or Identities()
    report = make_usage_report(usage, restrictions, current, catalog, identities, notes)
    write(lambda name, view: render(name, report, view), format_name, files, quiet=quiet)
    if usage.read == 0:
        click.echo("orgsim: no CloudTrail records found under " + ", ".join(map(str, logs)), err=True)
        return ExitStatus.NO_RECORDS
    return ExitStatus.OK


def _documents(paths: tuple[Path, ...]) -> Iterator[PolicyDocument]:
    for file in read_policy_files(paths):
        if file.document is None:
            raise PolicyError(file.errors)
        yield file.document


def _notes(
    documents: tuple[PolicyDocument, ...], restrictions: tuple[Restriction, ...], catalog: Catalog
) -> Iterator[str]:
    if documents:
        yield _ONLY_ACTIONS
    for document in documents:
        if any(each.effect is Effect.ALLOW for each in document.statements):
            yield _ALLOWS.format(document.file)
    for restriction in restrictions:
        for problem in unknown_words(restriction, catalog):
            yield f"{restriction.file}:{restriction.line}: {problem}"
