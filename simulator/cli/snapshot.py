"""`orgsim snapshot -o FILE` and `orgsim snapshot diff OLD NEW`."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from simulator.cli.aws_options import aws_options, region_option
from simulator.errors import ExitStatus
from simulator.organization.snapshot import parse_organization, snapshot_text
from simulator.organization.snapshot_diff import differences
from simulator.organization.tree import NodeKind, Organization
from simulator.outputs.safe_text import safe_text
from simulator.policy.document import PolicyType
from simulator.sources.organizations import read_organization
from simulator.sources.whole_file import write_whole


@click.group("snapshot", invoke_without_command=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write the snapshot.",
)
@click.option("--tags", is_flag=True, help="Also read tags of roles, users and resources, and owners of buckets.")
@click.option(
    "--role-name",
    metavar="NAME",
    help="With --tags: the role to assume in each account (not in that of the credentials).",
)
@aws_options
@region_option("With --tags: a region whose resources are read; repeatable (default: that of the profile).")
@click.pass_context
def command(
    context: click.Context,
    output: Path | None,
    tags: bool,
    role_name: str | None,
    profile: str | None,
    role_arn: str | None,
    regions: tuple[str, ...],
) -> int:
    """Write the organization as it is at AWS into a snapshot file.

    Reads the tree, the accounts, all SCPs and RCPs and where they are attached, with the credentials of the
    management account or of a delegated administrator. Nothing is ever changed at AWS. What cannot be read is marked
    in the snapshot and listed: simulations then take it as unknown, not as empty.

    Exit status: 0 written, 10 written but incomplete, 1 could not run, 2 wrong usage.
    """
    if context.invoked_subcommand is not None:
        return ExitStatus.OK
    if output is None:
        raise click.UsageError("Missing option '-o' / '--output'.", context)
    if tags != (role_name is not None):
        raise click.UsageError("--tags and --role-name go together.", context)
    content, missing = _read(profile, role_arn, role_name, regions)
    text = snapshot_text(content)
    organization = parse_organization(text, str(output))
    write_whole(output, text.encode("utf-8"))
    click.echo(_summary(organization) + f" written to {output}")
    for line in missing:
        click.echo(f"missing: {safe_text(line)}", err=True)
    return ExitStatus.FINDINGS if missing else ExitStatus.OK


@command.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
def diff(old: Path, new: Path) -> int:
    """Tell what changed between two snapshots: the tree, the policies, where they are attached.

    Exit status: 0 nothing changed, 10 something did, 1 could not run, 2 wrong usage.
    """
    before, after = read_organization(old), read_organization(new)
    lines = differences(before, after)
    for path, organization in ((old, before), (new, after)):
        if organization.gaps:
            click.echo(f"orgsim: {path} is incomplete; what it lacks is not compared", err=True)
    for line in lines:
        click.echo(safe_text(line))
    return ExitStatus.FINDINGS if lines else ExitStatus.OK


def _read(
    profile: str | None, role_arn: str | None, role_name: str | None, regions: tuple[str, ...]
) -> tuple[dict[str, Any], list[str]]:
    """The fields of the snapshot, and what is missing in it, in words."""
    from simulator.sources.aws.inventory import read_inventory
    from simulator.sources.aws.organizations import read_live_organization
    from simulator.sources.aws.session import Aws, Login

    aws = Aws.login(Login(profile, regions[0] if regions else None, role_arn))
    live = read_live_organization(aws)
    content, missing = dict(live.content), list(live.missing)
    if role_name is not None:
        # Nothing can be assumed in an account that is closed.
        accounts = [account for account, status in live.accounts.items() if status == "ACTIVE"]
        own = aws.account()
        places = regions or ((aws.region,) if aws.region else ())
        found = read_inventory(aws, own, accounts, role_name, places)
        content["principal_tags"] = {
            arn: dict(sorted(tags.items())) for arn, tags in sorted(found.principal_tags.items())
        }
        content["resource_tags"] = {
            arn: dict(sorted(tags.items())) for arn, tags in sorted(found.resource_tags.items())
        }
        content["resource_accounts"] = dict(sorted(found.resource_accounts.items()))
        missing += found.missing
    content["incomplete"] = [each.as_json() for each in missing]
    return content, [f"{each.what}{' of ' + each.node if each.node else ''}: {each.why}" for each in missing]


def _summary(organization: Organization) -> str:
    accounts = Counter(node.status for node in organization.accounts)
    inactive = [f"{count:,} {status}" for status, count in sorted(accounts.items(), key=str) if status != "ACTIVE"]
    units = sum(node.kind is NodeKind.UNIT for node in organization.nodes.values())
    parts = [
        f"{units:,} units",
        f"{sum(accounts.values()):,} accounts" + (f" ({', '.join(inactive)})" if inactive else ""),
    ]
    for each in PolicyType:
        count = sum(policy.type is each and not policy.aws_managed for policy in organization.policies.values())
        side = each.side.upper()
        parts.append(f"{count:,} {side}s" if each in organization.policy_types else f"{side}s are off")
    return f"{organization.id}: " + ", ".join(parts) + ";"
