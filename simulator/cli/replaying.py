"""What the commands that replay proposals share: options, the replay, notes, who has agreed to what, exit status."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

from simulator.analysis.redaction import redact
from simulator.analysis.report import Report
from simulator.analysis.waivers import FindingRef, Waiver, accept
from simulator.cli import options
from simulator.cli.loading import update_note
from simulator.cli.writing import check_writable, progress, write
from simulator.engines.local import replay, sensible_workers
from simulator.errors import ExitStatus
from simulator.iam.catalog import Catalog
from simulator.organization.tree import Organization
from simulator.outputs.registry import WITH_IDENTITIES, format_of, render
from simulator.policy.document import PolicyType
from simulator.replay.impact import Impact
from simulator.replay.outcome import Outcome
from simulator.replay.reading import Selection
from simulator.replay.replayer import Question
from simulator.sources.logs import find_logs

_FAIL_ON: Final[Mapping[str, tuple[Outcome, ...]]] = MappingProxyType(
    {
        "none": (),
        "denied": (Outcome.NEWLY_DENIED,),
        "possible": (Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED),
    }
)
_NO_SNAPSHOT: Final = (
    "No organization snapshot was given: every account in the log is taken as a member account directly under one root."
)
_TODAYS_TREE: Final = "The organization of the snapshot was used for all events, also for those before it was taken."

assumptions: Final = click.option(
    "--assume",
    "assumptions",
    multiple=True,
    metavar="KEY=VALUE",
    help="Take this value for a condition key wherever the log leaves it unknown; repeatable.",
)
policy_type: Final = click.option(
    "--type",
    "policy_type",
    type=click.Choice(["scp", "rcp"], case_sensitive=False),
    help="Type of a single policy file.",
)
attach: Final = click.option(
    "--attach",
    "attach",
    multiple=True,
    metavar="TARGET",
    help="Where a single policy file is attached (default: Root); repeatable.",
)
parameters: Final = click.option(
    "--parameters",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    help="Value of a template parameter or placeholder that the proposal leaves open; repeatable.",
)
waivers: Final = click.option(
    "--waivers",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Findings that somebody has agreed to (waivers.yaml): they do not fail the run, expired ones do.",
)
baseline: Final = click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An earlier JSON report: what it found does not fail the run.",
)
fail_on: Final = click.option(
    "--fail-on",
    type=click.Choice(list(_FAIL_ON)),
    default="denied",
    show_default=True,
    help="Which findings make the exit status 10.",
)


def wanted_type(name: str | None) -> PolicyType | None:
    """The policy type that `--type` names."""
    return PolicyType[name.upper()] if name else None


def selection(since: str | None, until: str | None, accounts: Sequence[str], assumptions: Sequence[str]) -> Selection:
    """Which records count, by the options of these names."""
    return Selection(
        since=options.time(since, "--since"),
        until=options.time(until, "--until"),
        accounts=frozenset(map(options.account, accounts)),
        assume=dict(_assumption(each) for each in assumptions),
    )


def wants_identities(behind: bool, format_name: str, outputs: Sequence[Path]) -> bool:
    """Whether the run has to find out who is behind the identities."""
    return behind or not WITH_IDENTITIES.isdisjoint({format_name, *map(format_of, outputs)})


def replayed(question: Question, logs: Sequence[str], catalog: Catalog, workers: int | None, *, quiet: bool) -> Impact:
    """The impact over all log files below `logs`, with progress for who waits."""
    with find_logs(logs, question.selection.since, question.selection.until) as (batches, skipped):
        workers = workers or sensible_workers(batches, os.cpu_count() or 1)
        with progress("Replaying", batches, quiet=quiet) as update:
            impact = replay(question, batches, catalog, workers, update)
    for file in skipped:
        impact.files_skipped[file.reason] += 1
    return impact


def general_notes(current: Organization, catalog: Catalog) -> tuple[str, ...]:
    """What every report says of the organization and the action catalog."""
    note = update_note(catalog)
    return (_NO_SNAPSHOT if current.assumed else _TODAYS_TREE, *([note] if note else []))


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was agreed to beforehand; `None`: not asked."""

    waivers: tuple[Waiver, ...] | None = None
    baseline: frozenset[FindingRef] | None = None

    @classmethod
    def read(cls, waivers: Path | None, baseline: Path | None) -> "Agreement":
        """The files of `--waivers` and `--baseline`. Raises `OrgsimError`."""
        if waivers is None and baseline is None:
            return cls()
        # Imported here: a run without them needs no YAML parser.
        from simulator.sources.waivers import read_baseline, read_waivers

        return cls(read_waivers(waivers) if waivers else None, read_baseline(baseline) if baseline else None)

    def applied(self, report: Report) -> Report:
        """The report with what this makes of its findings; as it is where nothing was given."""
        if self.waivers is None and self.baseline is None:
            return report
        today = datetime.now(UTC).date()
        return replace(report, acceptance=accept(report.findings, self.waivers or (), self.baseline, today))


def check_outputs(outputs: Sequence[Path]) -> None:
    """Find out before the work that a report could not be written. Raises `OrgsimError`."""
    for path in outputs:
        format_of(path)
    check_writable(outputs)


def finish(
    report: Report,
    logs: Sequence[str],
    *,
    format_name: str,
    outputs: Sequence[Path],
    fail_on: str,
    salt: str | None,
    quiet: bool,
) -> ExitStatus:
    """Write the report where it is wanted, with pseudonyms if there is a salt; what it means for the exit status."""
    files = [(path, format_of(path)) for path in outputs]
    shown = report if salt is None else redact(report, salt)
    write(lambda name, view: render(name, shown, view), format_name, files, quiet=quiet)
    if report.impact.read == 0:
        click.echo("orgsim: no CloudTrail records found under " + ", ".join(logs), err=True)
        return ExitStatus.NO_RECORDS
    return ExitStatus.FINDINGS if _fails(report, _FAIL_ON[fail_on]) else ExitStatus.OK


def _fails(report: Report, outcomes: Sequence[Outcome]) -> bool:
    counts, acceptance = report.impact.outcomes, report.acceptance
    if acceptance is None:
        return any(counts[each] for each in outcomes)
    for outcome in outcomes:
        found = [each for each in report.findings if each.outcome is outcome]
        # Calls without a finding cannot have been agreed to.
        if (counts[outcome] and not found) or not all(map(acceptance.accepts, found)):
            return True
    return bool(outcomes and acceptance.expired)


def _assumption(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or ":" not in key:
        raise click.BadParameter(f"`{text}` is not KEY=VALUE, such as aws:PrincipalTag/team=red", param_hint="--assume")
    return key, value
