"""`orgsim doctor`."""

import click

from simulator.analysis.diagnosis import CheckStatus
from simulator.cli import stdout
from simulator.cli.aws_options import aws_options, region_option
from simulator.errors import ExitStatus
from simulator.outputs.doctor import as_json, terminal


@click.command("doctor")
@click.option("--bucket", "buckets", multiple=True, metavar="URL", help="Also try this s3:// address; repeatable.")
@region_option("Look here for trails and event data stores; repeatable (default: the region of the profile).")
@aws_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
    help="What to write to standard output.",
)
def command(
    buckets: tuple[str, ...], regions: tuple[str, ...], profile: str | None, role_arn: str | None, form: str
) -> int:
    """Tell what these AWS credentials can reach, and what is missing.

    Says whose credentials they are, which account and organization, which permissions each command lacks, which
    trails and event data stores exist and what they collect. Makes each call that the commands make once, and only
    calls that read; queries of CloudTrail Lake, which cost money, are not tried.

    Exit status: 0 nothing is missing, 10 a permission is, 1 could not run, 2 wrong usage.
    """
    from simulator.sources.aws.doctor import diagnose
    from simulator.sources.aws.session import Aws, Login
    from simulator.sources.aws.trail_bucket import parse_place

    places = [parse_place(each) for each in buckets]
    aws = Aws.login(Login(profile, regions[0] if regions else None, role_arn))
    found = diagnose(aws, regions, places)
    stdout.write(as_json(found) if form == "json" else terminal(found))
    denied = any(check.status is CheckStatus.DENIED for check in found.checks)
    return ExitStatus.FINDINGS if denied else ExitStatus.OK
