"""`orgsim check PATH…`."""

import sys
from pathlib import Path
from typing import Final

import click

from simulator.cli.loading import load_catalog
from simulator.errors import ExitStatus
from simulator.iam.catalog import Catalog
from simulator.outputs import diagnostics as output
from simulator.policy.diagnostic import Diagnostic, Severity
from simulator.policy.document import PolicyType
from simulator.policy.validator import validate
from simulator.sources.policies import PolicyFile, read_policy_files

_TYPES: Final = {each.side: each for each in PolicyType}


@click.command("check")
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--type", "policy_type", type=click.Choice(sorted(_TYPES)), help="Take every policy as this type.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "github"]),
    default="terminal",
    show_default=True,
    help="How to print the findings; `github` annotates pull requests.",
)
@click.option(
    "--parameters",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    help="Value of a template parameter or placeholder that a proposal leaves open; repeatable.",
)
@click.option("--strict", is_flag=True, help="Exit with 10 on warnings too.")
def command(
    paths: tuple[Path, ...], policy_type: str | None, form: str, parameters: tuple[str, ...], *, strict: bool
) -> int:
    """Validate SCPs and RCPs: what AWS Organizations would refuse, and what surely is not meant.

    PATH is a policy file, a folder (its JSON policies, also in folders below), a proposal (a folder with proposal.yaml
    stands for the policies it names), or a proposal in the form of another tool: a Terraform plan, a CloudFormation
    template, Customizations for Control Tower, the Landing Zone Accelerator. The type of a policy is told by --type, by
    proposal.yaml, by a folder called scp or rcp, or else by its content: an RCP has a Principal.

    Exit status: 0 no error, 10 errors (with --strict also warnings), 3 no policy found, 1 could not run.
    """
    files = read_policy_files(paths, _TYPES[policy_type] if policy_type else None, parameters)
    catalog = load_catalog()
    found = [diagnostic for file in files for diagnostic in _check(file, catalog)]
    sys.stdout.write(_render(form, files, found))
    if not files:
        click.echo("orgsim: no policy found", err=True)
        return ExitStatus.NO_RECORDS
    grave = any(strict or diagnostic.severity is Severity.ERROR for diagnostic in found)
    return ExitStatus.FINDINGS if grave else ExitStatus.OK


def _check(file: PolicyFile, catalog: Catalog) -> tuple[Diagnostic, ...]:
    return validate(file.document, file.type, catalog) if file.document else file.errors


def _render(form: str, files: tuple[PolicyFile, ...], found: list[Diagnostic]) -> str:
    if form == "json":
        return output.as_json(found, [(str(file.path), file.type.value if file.type else None) for file in files])
    if form == "github":
        return output.github(found)
    return output.terminal(found, len(files))
