"""`orgsim collect events`."""

import sys
from datetime import date
from pathlib import Path
from typing import Final

import click

from simulator.cli.aws_options import account_ids, aws_options, region_option
from simulator.errors import ExitStatus
from simulator.outputs.safe_text import safe_text

_SHOWN: Final = 20


@click.group("collect")
def command() -> None:
    """Bring CloudTrail events from AWS to this machine.

    docs/collect.md tells where events are, what each source holds, and the permissions that reading it needs.
    """


class _Day(click.ParamType[date]):
    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
        except ValueError:
            self.fail(f"`{value}` is not a day such as 2026-09-30", param, ctx)


@command.command("events")
@click.option("--bucket", metavar="URL", help="From the S3 bucket of a trail: s3://BUCKET or s3://BUCKET/PREFIX.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder to collect into; the same command goes on where an earlier one stopped.",
)
@click.option("--since", type=_Day(), metavar="DAY", help="First day (UTC).")
@click.option("--until", type=_Day(), metavar="DAY", help="Last day (UTC).")
@click.option(
    "--account", "accounts", multiple=True, metavar="ID", callback=account_ids, help="Only this account; repeatable."
)
@region_option("Only events of this region; repeatable.")
@aws_options
def events(
    bucket: str | None,
    output: Path,
    since: date | None,
    until: date | None,
    accounts: tuple[str, ...],
    regions: tuple[str, ...],
    profile: str | None,
    role_arn: str | None,
) -> int:
    """Bring events of the wanted days, accounts and regions into a folder that --logs takes.

    A run that was stopped, by whatever, is continued by the same command: nothing is read twice, nothing is lost.
    --logs also takes s3:// addresses themselves: then no files are kept.

    Exit status: 0 all there, 10 something could not be read, 1 could not run, 2 wrong usage, 3 nothing found.
    """
    if bucket is None:
        raise click.UsageError("Missing option '--bucket'.")
    from simulator.sources.aws.collector import collect_bucket
    from simulator.sources.aws.session import Aws, Login
    from simulator.sources.aws.trail_bucket import Wanted, parse_place

    place = parse_place(bucket)
    wanted = Wanted(frozenset(accounts), frozenset(regions), since, until)
    done = collect_bucket(Aws.login(Login(profile, None, role_arn)), place, wanted, output, _progress)
    _end_progress()
    skipped = "".join(f"; {count:,} left out: {reason}" for reason, count in sorted(done.skipped.items()))
    known = f"; {done.known:,} were there already" if done.known else ""
    click.echo(f"{place}: {done.objects:,} objects ({done.size:,} bytes) read into {output}{known}{skipped}")
    return _status(done.objects + done.known, done.missing)


def _status(found: int, missing: list[str]) -> int:
    for line in missing[:_SHOWN]:
        click.echo(f"missing: {safe_text(line)}", err=True)
    if len(missing) > _SHOWN:
        click.echo(f"missing: {len(missing) - _SHOWN:,} more", err=True)
    if missing:
        click.echo("orgsim: the same command tries again what is missing", err=True)
        return ExitStatus.FINDINGS
    if not found:
        click.echo("orgsim: nothing was found there", err=True)
        return ExitStatus.NO_RECORDS
    return ExitStatus.OK


def _progress(count: int, size: int) -> None:
    if sys.stderr.isatty() and count % 50 == 0:
        click.echo(f"\r{count:,} objects, {size:,} bytes", nl=False, err=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
