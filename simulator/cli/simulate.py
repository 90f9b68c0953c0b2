"""`orgsim simulate PROPOSAL --logs PATH…`."""

import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from simulator.analysis.report import Report, make_report
from simulator.cli import stdout
from simulator.cli.loading import load_catalog, update_note
from simulator.engines.local import replay, sensible_workers
from simulator.errors import ExitStatus, OrgsimError
from simulator.iam.arn import is_account_id
from simulator.iam.catalog import Catalog
from simulator.organization import proposal as proposals
from simulator.organization.lockouts import lockouts
from simulator.outputs.registry import FORMATS, format_of, render
from simulator.outputs.view import View
from simulator.policy.document import PolicyType
from simulator.replay.impact import Impact
from simulator.replay.lockout_probe import LockoutProbe
from simulator.replay.outcome import Outcome
from simulator.replay.replayer import Question, Selection
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
@click.option(
    "--logs",
    "logs",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="CloudTrail log file or folder, at any depth; repeatable.",
)
@click.option("--organization", type=click.Path(path_type=Path), metavar="FILE", help="Organization snapshot.")
@click.option("--since", metavar="TIME", help="Leave out records before this time (ISO 8601, UTC).")
@click.option("--until", metavar="TIME", help="Leave out records from this time on (ISO 8601, UTC).")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Only calls by or in this account.")
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
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="terminal",
    show_default=True,
    help="What to write to standard output.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the report to FILE, in the format of its ending; repeatable.",
)
@click.option(
    "--fail-on",
    type=click.Choice(list(_FAIL_ON)),
    default="denied",
    show_default=True,
    help="Which findings make the exit status 10.",
)
@click.option("--quiet", is_flag=True, help="Only the headline, and no progress.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=None,
    help="Processes to use (default: all cores, one for little work).",
)
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
    for path in outputs:
        _check_writable(path)
    current = read_organization(organization)
    wanted_type = PolicyType[policy_type.upper()] if policy_type else None
    change = read_proposal(proposal, wanted_type, attach, parameters)
    proposed = proposals.apply(change, current)
    selection = Selection(
        since=_time(since, "--since"),
        until=_time(until, "--until"),
        accounts=frozenset(_account(each) for each in accounts),
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
    _write(report, format_name, list(zip(outputs, formats, strict=True)), quiet)
    if impact.read == 0:
        click.echo("orgsim: no CloudTrail records found under " + ", ".join(map(str, logs)), err=True)
        return ExitStatus.NO_RECORDS
    return ExitStatus.FINDINGS if any(impact.outcomes[each] for each in _FAIL_ON[fail_on]) else ExitStatus.OK


def _replay(question: Question, logs: Sequence[Path], catalog: Catalog, workers: int | None, quiet: bool) -> Impact:
    batches, skipped = find_batches(logs)
    workers = workers or sensible_workers(batches, os.cpu_count() or 1)
    total = 2 * sum(batch.size for batch in batches)
    # A bar is for people who wait: on a terminal, and only for work that takes a while.
    watched = sys.stderr.isatty() and not quiet and total > 4_000_000
    with click.progressbar(length=total, label="Replaying", file=sys.stderr, hidden=not watched) as bar:
        impact = replay(question, batches, catalog, workers, bar.update)
    for file in skipped:
        impact.files_skipped[file.reason] += 1
    return impact


def _check_writable(path: Path) -> None:
    """Find out before the work, not after it, that the report cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OrgsimError("cannot-write", f"cannot write {path}: {error.strerror}") from error
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OrgsimError("cannot-write", f"cannot write {path}", hint="name a file in a folder that you may write to")


def _write(report: Report, format_name: str, files: Sequence[tuple[Path, str]], quiet: bool) -> None:
    for path, name in files:
        try:
            path.write_text(render(name, report), encoding="utf-8", newline="")
        except OSError as error:
            raise OrgsimError("cannot-write", f"cannot write {path}: {error.strerror}") from error
    text = render(format_name, report, _view(quiet))
    # Formats for machines are UTF-8, whatever the terminal's character set.
    stdout.write(text if format_name == "terminal" else text.encode("utf-8", "surrogatepass"))


def _view(quiet: bool) -> View:
    """How standard output looks: a terminal has its width and colours (unless NO_COLOR is set), a pipe has neither."""
    watched = sys.stdout.isatty()
    return View(
        width=shutil.get_terminal_size().columns if watched else 100,
        color=watched and "NO_COLOR" not in os.environ,
        encoding=sys.stdout.encoding or "utf-8",
        quiet=quiet,
    )


def _time(text: str | None, option: str) -> str:
    """A time in the form of CloudTrail's eventTime, so that texts compare as times do."""
    if text is None:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"`{text}` is not an ISO 8601 time such as 2026-09-30T12:00:00Z"
        raise click.BadParameter(message, param_hint=option) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _account(text: str) -> str:
    if not is_account_id(text):
        raise click.BadParameter(f"`{text}` is not a twelve-digit account id", param_hint="--account")
    return text


def _assumption(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or ":" not in key:
        raise click.BadParameter(f"`{text}` is not KEY=VALUE, such as aws:PrincipalTag/team=red", param_hint="--assume")
    return key, value
