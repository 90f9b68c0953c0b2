"""`orgsim diff BASE HEAD --logs PATH…` and `orgsim diff REV..[REV] FOLDER --logs PATH…`."""

from collections.abc import Callable
from pathlib import Path

import click

from simulator.analysis.policy_diff import left_standing, policy_changes, policy_sizes
from simulator.analysis.report import Comparison, Version, make_report
from simulator.cli import options, replaying
from simulator.cli.loading import load_catalog
from simulator.organization import proposal as proposals
from simulator.organization.lockouts import lockouts
from simulator.organization.proposal import Proposal
from simulator.organization.tree import Organization
from simulator.outputs.registry import FORMATS
from simulator.replay.lockout_probe import LockoutProbe
from simulator.replay.replayer import Question
from simulator.sources.git import parse_range
from simulator.sources.given import Given
from simulator.sources.organizations import read_organization
from simulator.sources.proposals import read_proposal
from simulator.sources.revisions import ReadVersion, read_revisions


@click.command("diff")
@click.argument("base", metavar="BASE|REV..[REV]")
@click.argument("head", metavar="HEAD|FOLDER", type=click.Path(path_type=Path))
@options.logs
@options.organization()
@options.since
@options.until
@options.accounts
@replaying.assumptions
@replaying.policy_type
@replaying.attach
@replaying.parameters
@replaying.waivers
@replaying.baseline
@options.output_format(FORMATS)
@options.outputs
@replaying.fail_on
@options.behind
@options.redact
@options.redact_salt
@options.quiet
@options.workers
def command(
    base: str,
    head: Path,
    logs: tuple[str, ...],
    organization: Path | None,
    since: str | None,
    until: str | None,
    accounts: tuple[str, ...],
    assumptions: tuple[str, ...],
    policy_type: str | None,
    attach: tuple[str, ...],
    parameters: tuple[str, ...],
    waivers: Path | None,
    baseline: Path | None,
    format_name: str,
    outputs: tuple[Path, ...],
    fail_on: str,
    behind: bool,
    redact: bool,
    redact_salt: str | None,
    quiet: bool,
    workers: int | None,
) -> int:
    """Compare two proposals over the same CloudTrail logs.

    BASE and HEAD are proposals as for `orgsim simulate`; or two revisions of one: `orgsim diff origin/main.. FOLDER`
    compares the files as they are with a revision, A..B two revisions, A...B the second one with where both have
    forked. Says which calls HEAD denies that BASE lets pass, and the other way round, and how the policies differ.

    Exit status: 0 nothing newly denied, 1 could not run, 2 wrong usage, 3 no records found, 10 findings.
    """
    replaying.check_outputs(outputs)
    agreement = replaying.Agreement.read(waivers, baseline)
    current = read_organization(organization)
    salt = options.salt(redact_salt, current.id) if redact else None
    wanted_type = replaying.wanted_type(policy_type)
    given = Given(parameters)
    before, after = _versions(base, head, lambda path: read_proposal(path, wanted_type, attach, given))
    # One of the two may not ask for a value, but not both.
    given.check_all_used()
    old, new = proposals.apply(before.proposal, current), proposals.apply(after.proposal, current)
    selection = replaying.selection(since, until, accounts, assumptions)
    catalog = load_catalog()
    question = Question(
        old, new, selection, logged_under=current, ties=replaying.wants_identities(behind, format_name, outputs)
    )
    impact = replaying.replayed(question, logs, catalog, workers, quiet=quiet)
    report = make_report(
        impact,
        new,
        catalog,
        lockouts=tuple(str(each) for each in lockouts(old, new, LockoutProbe(old, new, catalog))),
        notes=(
            *_notes(before, current, "base"),
            *_notes(after, current, "head"),
            *left_standing(before.proposal, after.proposal, current),
            *replaying.general_notes(current, catalog),
        ),
        comparison=Comparison(
            Version(before.name, before.commit),
            Version(after.name, after.commit),
            policy_changes(old, new),
            policy_sizes(old, new, (before.proposal, after.proposal)),
        ),
    )
    return replaying.finish(
        agreement.applied(report),
        logs,
        format_name=format_name,
        outputs=outputs,
        fail_on=fail_on,
        salt=salt,
        quiet=quiet,
    )


def _versions(base: str, head: Path, read: Callable[[Path], Proposal]) -> tuple[ReadVersion, ReadVersion]:
    # A path may hold `..`, a revision's name may not.
    revisions = None if Path(base).exists() else parse_range(base)
    if revisions is not None:
        return read_revisions(revisions, head, read)
    return ReadVersion(base, None, read(Path(base))), ReadVersion(str(head), None, read(head))


def _notes(version: ReadVersion, current: Organization, side: str) -> list[str]:
    return [f"{side}: {note}" for note in proposals.notes(version.proposal, current)]
