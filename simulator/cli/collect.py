"""`orgsim collect events`."""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from simulator.cli.aws_options import account_ids, aws_options, region_option
from simulator.errors import ExitStatus
from simulator.outputs.safe_text import safe_text

if TYPE_CHECKING:
    from simulator.sources.aws.collector import Collected
    from simulator.sources.aws.session import Aws

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
@click.option("--event-history", is_flag=True, help="From the Event History: management events of the last 90 days.")
@click.option("--lake", metavar="ARN", help="From an event data store of CloudTrail Lake; AWS charges for the queries.")
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
@click.option(
    "--role-name", metavar="NAME", help="With --event-history: the role to assume in accounts other than our own."
)
@aws_options
def events(
    bucket: str | None,
    event_history: bool,
    lake: str | None,
    output: Path,
    since: date | None,
    until: date | None,
    accounts: tuple[str, ...],
    regions: tuple[str, ...],
    role_name: str | None,
    profile: str | None,
    role_arn: str | None,
) -> int:
    """Bring events of the wanted days, accounts and regions into a folder that --logs takes.

    A run that was stopped, by whatever, is continued by the same command: nothing is read twice, nothing is lost.
    --logs also takes s3:// addresses themselves: then no files are kept.

    Exit status: 0 all there, 10 something could not be read, 1 could not run, 2 wrong usage, 3 nothing found.
    """
    if (bucket is not None) + event_history + (lake is not None) != 1:
        raise click.UsageError("Say where the events are: --bucket, --event-history or --lake.")
    if role_name is not None and not event_history:
        raise click.UsageError("--role-name goes with --event-history.")
    from simulator.sources.aws.session import Aws, Login

    aws = Aws.login(Login(profile, regions[0] if regions and not bucket else None, role_arn))
    if bucket is not None:
        done = _from_bucket(aws, bucket, since, until, accounts, regions, output)
    elif lake is not None:
        done = _from_lake(aws, lake, since, until, accounts, regions, output)
    else:
        done = _from_history(aws, since, until, accounts, regions, role_name, output)
    return _status(done)


def _from_bucket(
    aws: "Aws",
    url: str,
    since: date | None,
    until: date | None,
    accounts: Sequence[str],
    regions: Sequence[str],
    output: Path,
) -> "Collected":
    from simulator.sources.aws.collector import collect_bucket
    from simulator.sources.aws.trail_bucket import Wanted, parse_place

    place = parse_place(url)
    wanted = Wanted(frozenset(accounts), frozenset(regions), since, until)
    done = collect_bucket(aws, place, wanted, output, _progress)
    skipped = "".join(f"; {count:,} left out: {reason}" for reason, count in sorted(done.skipped.items()))
    _report(done, f"{place}: {done.read:,} objects ({done.size:,} bytes) read into {output}", skipped)
    return done


def _from_history(
    aws: "Aws",
    since: date | None,
    until: date | None,
    accounts: Sequence[str],
    regions: Sequence[str],
    role_name: str | None,
    output: Path,
) -> "Collected":
    from simulator.sources.aws.event_history import DAYS, Clock, collect_history, enabled_regions
    from simulator.sources.aws.slices import days_between

    own = aws.account()
    foreign = [each for each in accounts if each != own]
    if foreign and role_name is None:
        raise click.UsageError(f"The credentials are of {own}; for other accounts say --role-name.")
    today = _today()
    oldest = today - timedelta(days=DAYS)
    sessions = {
        each: aws if each == own or role_name is None else aws.in_account(each, role_name)
        for each in accounts or (own,)
    }
    days = days_between(max(since or oldest, oldest), min(until or today, today))
    done = collect_history(sessions, list(regions) or enabled_regions(aws), days, output, Clock(), _progress)
    note = "; management events only: the Event History holds no others"
    if since is not None and since < oldest:
        note += f", and none from before {oldest}"
    _report(done, f"Event History: {done.read:,} events read into {output}", note)
    return done


def _from_lake(
    aws: "Aws",
    arn: str,
    since: date | None,
    until: date | None,
    accounts: tuple[str, ...],
    regions: tuple[str, ...],
    output: Path,
) -> "Collected":
    from simulator.sources.aws.event_history import Clock
    from simulator.sources.aws.lake import collect_lake, parse_store
    from simulator.sources.aws.slices import days_between

    store = parse_store(arn)
    if since is None:
        raise click.UsageError("--lake needs --since: AWS charges for every byte that a query scans.")
    days = days_between(since, min(until or _today(), _today()))
    done = collect_lake(aws, store, accounts, regions, days, output, Clock(), _progress)
    _report(
        done, f"{arn}: {done.read:,} events read into {output}", f"; {done.scanned:,} bytes scanned, which AWS charges"
    )
    return done


def _today() -> date:
    return datetime.now(UTC).date()


def _report(done: "Collected", text: str, more: str) -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    known = f"; {done.known:,} were there already" if done.known else ""
    click.echo(safe_text(f"{text}{known}{more}"))


def _status(done: "Collected") -> int:
    missing = done.missing
    for line in missing[:_SHOWN]:
        click.echo(f"missing: {safe_text(line)}", err=True)
    if len(missing) > _SHOWN:
        click.echo(f"missing: {len(missing) - _SHOWN:,} more", err=True)
    if missing:
        click.echo("orgsim: the same command tries again what is missing", err=True)
        return ExitStatus.FINDINGS
    if not done.read + done.known:
        click.echo("orgsim: nothing was found there", err=True)
        return ExitStatus.NO_RECORDS
    return ExitStatus.OK


def _progress(count: int, size: int) -> None:
    if sys.stderr.isatty() and count % 50 == 0:
        click.echo(f"\r{count:,} read" + (f", {size:,} bytes" if size else ""), nl=False, err=True)
