"""`orgsim simulate PROPOSAL --logs PATH…`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from simulator.analysis.report import make_report
from simulator.cli import options
from simulator.cli.loading import load_catalog, update_note
from simulator.cli.writing import check_writable, progress, write
from simulator.engines.local import replay, sensible_workers
from simulator.errors import ExitStatus
from simulator.iam.catalog import Catalog
from simulator.organization import proposal as proposals
from simulator.organization.lockouts import lockouts
from simulator.outputs.registry import FORMATS, format_of, render
from simulator.policy.document import PolicyType
from simulator.replay.impact import Impact
from simulator.replay.lockout_probe import LockoutProbe
from simulator.replay.outcome import Outcome
from simulator.replay.reading import Selection
from simulator.replay.replayer import Question
from simulator.sources.files import find_batches
from simulator.sources.organizations import read_organization
from simulator.sources.proposals import read_proposal

_FAIL_ON: Final[dict[str, tuple[Outcome, ...]]] = {
    "none": (),
    "denied": (Outcome.NEWLY_DENIED,),
    "possible": (Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED),
}
_NO_SNAPSHOT: Final = (
    "No organization snapshot was given: every account in the log is taken as a member account directly under one root."
)
_TODAYS_TREE: Final = "The organization of the snapshot was used for all events, also for those before it was taken."


@click.command("simulate")
@click.argument("proposal", type=click.Path(path_type=Path))
@options.logs
@options.organization()
@options.since
@options.until
@options.accounts
@click.option(
    "--assume",
    "assumptions",
    multiple=True,
    metavar="KEY=VALUE",
    help="Take this value for a condition key wherever the log leaves it unknown; repeatable.",
)
@click.option(
    "--type",
    "policy_type",
    type=click.Choice(["scp", "rcp"], case_sensitive=False),
    help="Type of a single policy file.",
)
@click.option(
    "--attach",
    "attach",
    multiple=True,
    metavar="TARGET",
    help="Where a single policy file is attached (default: Root); repeatable.",
)
@click.option(
    "--parameters",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    help="Value of a template parameter or placeholder that the proposal leaves open; repeatable.",
)
@options.output_format(FORMATS)
@options.outputs
@click.option(
    "--fail-on",
    type=click.Choice(list(_FAIL_ON)),
    default="denied",
    show_default=True,
    help="Which findings make the exit status 10.",
)
@options.quiet
@options.workers
def command(
    proposal: Path,
    logs: tuple[Path, ...],
    organization: Path | None,
    since: str | None,
    until: str | None,
    accounts: tuple[str, ...],
    assumptions: tuple[str, ...],
    policy_type: str | None,
    attach: tuple[str, ...],
    parameters: tuple[str, ...],
    format_name: str,
    outputs: tuple[Path, ...],
    fail_on: str,
    quiet: bool,
    workers: int | None,
) -> int:
    """Replay CloudTrail logs against proposed SCPs and RCPs.

    PROPOSAL is a folder with a proposal.yaml, a folder with scp/*.json and rcp/*.json, one policy file, or what another
    tool keeps guardrails in: a Terraform plan or state (`terraform show -json`), a CloudFormation template, a folder of
    Customizations for Control Tower or of the Landing Zone Accelerator. Says who would be denied which calls, by which
    statement attached where; what would only possibly be denied and which fact would settle it; and what the log cannot
    show.

    Exit status: 0 nothing newly denied, 1 could not run, 2 wrong usage, 3 no records found, 10 findings.
    """
    formats = [format_of(path) for path in outputs]
    check_writable(outputs)
    current = read_organization(organization)
    wanted_type = PolicyType[policy_type.upper()] if policy_type else None
    change = read_proposal(proposal, wanted_type, attach, parameters)
    proposed = proposals.apply(change, current)
    selection = Selection(
        since=options.time(since, "--since"),
        until=options.time(until, "--until"),
        accounts=frozenset(map(options.account, accounts)),
        assume=dict(_assumption(each) for each in assumptions),
    )
    catalog = load_catalog()
    impact = _replay(Question(current, proposed, selection, ties=True), logs, catalog, workers, quiet)
    notes = [*proposals.notes(change, current), _NO_SNAPSHOT if current.assumed else _TODAYS_TREE]
    if (note := update_note(catalog)) is not None:
        notes.append(note)
    report = make_report(
        impact,
        proposed,
        catalog,
        lockouts=tuple(str(each) for each in lockouts(current, proposed, LockoutProbe(current, proposed, catalog))),
        notes=tuple(notes),
    )
    files = list(zip(outputs, formats, strict=True))
    write(lambda name, view: render(name, report, view), format_name, files, quiet=quiet)
    if impact.read == 0:
        click.echo("orgsim: no CloudTrail records found under " + ", ".join(map(str, logs)), err=True)
        return ExitStatus.NO_RECORDS
    return ExitStatus.FINDINGS if any(impact.outcomes[each] for each in _FAIL_ON[fail_on]) else ExitStatus.OK


def _replay(question: Question, logs: Sequence[Path], catalog: Catalog, workers: int | None, quiet: bool) -> Impact:
    batches, skipped = find_batches(logs)
    workers = workers or sensible_workers(batches, os.cpu_count() or 1)
    with progress("Replaying", batches, quiet=quiet) as update:
        impact = replay(question, batches, catalog, workers, update)
    for file in skipped:
        impact.files_skipped[file.reason] += 1
    return impact


def _assumption(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or ":" not in key:
        raise click.BadParameter(f"`{text}` is not KEY=VALUE, such as aws:PrincipalTag/team=red", param_hint="--assume")
    return key, value
