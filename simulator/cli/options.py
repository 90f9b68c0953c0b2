"""Options that several commands share, as decorators, and what their texts stand for."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import click

from simulator.errors import ExitStatus, OrgsimError
from simulator.iam.arn import is_account_id

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Decorator(Protocol):
    """Adds an option to a command."""

    def __call__(self, command: _Command, /) -> _Command:
        """The same command with the option."""
        ...


logs: Final = click.option(
    "--logs",
    "logs",
    multiple=True,
    required=True,
    metavar="PATH",
    help="CloudTrail log file or folder, at any depth, or s3://BUCKET/PREFIX; repeatable.",
)
since: Final = click.option("--since", metavar="TIME", help="Leave out records before this time (ISO 8601, UTC).")
until: Final = click.option("--until", metavar="TIME", help="Leave out records from this time on (ISO 8601, UTC).")
accounts: Final = click.option(
    "--account", "accounts", multiple=True, metavar="ID", help="Only calls by or in this account."
)
outputs: Final = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the report to FILE, in the format of its ending; repeatable.",
)
quiet: Final = click.option("--quiet", is_flag=True, help="Only the headline, and no progress.")
workers: Final = click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=None,
    help="Processes to use (default: all cores, one for little work).",
)
behind: Final = click.option(
    "--behind",
    is_flag=True,
    help="Follow role chains in the log: the people, pipelines and workloads behind each identity (always done for HTML"
    " and graph outputs; costs time).",
)
redact: Final = click.option(
    "--redact", is_flag=True, help="Show pseudonyms for account ids, users, sessions and addresses, in every format."
)
redact_salt: Final = click.option(
    "--redact-salt",
    metavar="TEXT",
    envvar="ORGSIM_REDACT_SALT",
    help="What keys the pseudonyms (default: the organization's id); better in ORGSIM_REDACT_SALT.",
)


def organization(purpose: str = "Organization snapshot.") -> Decorator:
    """`--organization`, with what it is for."""
    return click.option("--organization", type=click.Path(path_type=Path), metavar="FILE", help=purpose)


def output_format(formats: Sequence[str], parameter: str = "format_name") -> Decorator:
    """`--format`: one of these, the terminal's if none is given."""
    return click.option(
        "--format",
        parameter,
        type=click.Choice(formats),
        default="terminal",
        show_default=True,
        help="What to write to standard output.",
    )


def time(text: str | None, option: str) -> str:
    """A time in the form of CloudTrail's eventTime, so that texts compare as times do; the empty text for `None`."""
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


def salt(given: str | None, organization: str | None) -> str:
    """What keys the pseudonyms: as given, else the organization's id. Raises `OrgsimError` (`redact-salt`, usage)."""
    found = given or organization
    if not found:
        # A constant salt would let anyone try all account ids.
        hint = "give --organization, or set ORGSIM_REDACT_SALT to a text that nobody guesses"
        raise OrgsimError("redact-salt", "there is nothing to key pseudonyms with", hint=hint, status=ExitStatus.USAGE)
    return found


def account(text: str) -> str:
    """An account id."""
    if not is_account_id(text):
        raise click.BadParameter(f"`{text}` is not a twelve-digit account id", param_hint="--account")
    return text
