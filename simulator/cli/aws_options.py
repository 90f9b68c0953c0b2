"""The options of every command that talks to AWS, and what they make: the same words as the AWS CLI has."""

from collections.abc import Callable
from typing import Any

import click

from simulator.iam.arn import is_account_id, split_arn


def aws_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --profile and --role-arn; the regions of a command are its own business."""
    options = (
        click.option("--profile", metavar="NAME", help="Profile of the AWS configuration to use."),
        click.option("--role-arn", metavar="ARN", callback=_role, help="Role to assume with the credentials found."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def region_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a repeatable --region; `text` says what it selects."""
    return click.option("--region", "regions", multiple=True, metavar="REGION", callback=_regions, help=text)


def account_ids(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """A callback: every value is an account id."""
    for value in values:
        if not is_account_id(value):
            raise click.BadParameter(f"`{value}` is not a twelve-digit account id", param=parameter)
    return values


def _regions(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not value.isascii() or not value.replace("-", "").isalnum() or "-" not in value:
            raise click.BadParameter(f"`{value}` is not a region such as eu-central-1", param=parameter)
    return values


def _role(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    arn = split_arn(value) if value is not None else None
    if value is not None and (arn is None or arn.service != "iam" or not arn.resource.startswith("role/")):
        raise click.BadParameter(f"`{value}` is not the ARN of a role", param=parameter)
    return value
