"""`orgsim simulate PROPOSAL --logs PATH…`."""

from pathlib import Path

import click

from simulator.analysis.report import make_report
from simulator.cli import options, replaying
from simulator.cli.loading import load_catalog
from simulator.organization import proposal as proposals
from simulator.organization.lockouts import lockouts
from simulator.outputs.registry import FORMATS
from simulator.replay.lockout_probe import LockoutProbe
from simulator.replay.replayer import Question
from simulator.sources.organizations import read_organization
from simulator.sources.proposals import read_proposal


@click.command("simulate")
@click.argument("proposal", type=click.Path(path_type=Path))
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
    proposal: Path,
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
    """Replay CloudTrail logs against proposed SCPs and RCPs.

    PROPOSAL is a folder with a proposal.yaml, a folder with scp/*.json and rcp/*.json, one policy file, or what another
    tool keeps guardrails in: a Terraform plan or state (`terraform show -json`), a CloudFormation template, a folder of
    Customizations for Control Tower or of the Landing Zone Accelerator. Says who would be denied which calls, by which
    statement attached where; what would only possibly be denied and which fact would settle it; and what the log cannot
    show.

    Exit status: 0 nothing newly denied, 1 could not run, 2 wrong usage, 3 no records found, 10 findings.
    """
    replaying.check_outputs(outputs)
    agreement = replaying.Agreement.read(waivers, baseline)
    current = read_organization(organization)
    salt = options.salt(redact_salt, current.id) if redact else None
    change = read_proposal(proposal, replaying.wanted_type(policy_type), attach, parameters)
    proposed = proposals.apply(change, current)
    selection = replaying.selection(since, until, accounts, assumptions)
    catalog = load_catalog()
    question = Question(current, proposed, selection, ties=replaying.wants_identities(behind, format_name, outputs))
    impact = replaying.replayed(question, logs, catalog, workers, quiet=quiet)
    report = make_report(
        impact,
        proposed,
        catalog,
        lockouts=tuple(str(each) for each in lockouts(current, proposed, LockoutProbe(current, proposed, catalog))),
        notes=(*proposals.notes(change, current), *replaying.general_notes(current, catalog)),
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
