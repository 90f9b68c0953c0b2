"""The `orgsim` command: loads a subcommand only when it is called, turns errors into text and an exit status."""

import importlib
import sys
from typing import Final

import click

from simulator import __version__
from simulator.errors import ExitStatus, OrgsimError

_COMMANDS: Final[dict[str, tuple[str, str]]] = {
    # name: (module of simulator.cli with a click command `command`, one line of help)
    "check": ("check", "Validate SCPs and RCPs: what AWS would refuse, and what surely is not meant."),
    "catalog": ("catalog", "Show, measure and update what CloudTrail events stand for."),
    "collect": ("collect", "Bring CloudTrail events from AWS to this machine."),
    "diff": ("diff", "Compare two proposals, or two revisions of one, over the same logs."),
    "doctor": ("doctor", "Tell what these AWS credentials can reach, and what is missing."),
    "evaluate": ("evaluate", "Decide single requests: JSON lines in, JSON lines out."),
    "simulate": ("simulate", "Replay CloudTrail logs against proposed SCPs and RCPs."),
    "snapshot": ("snapshot", "Write down the organization as it is at AWS; compare two snapshots."),
    "test": ("test", "Run the policy cases (YAML) beside policies."),
    "usage": ("usage", "Tell who relies on some actions, before there is a proposal."),
    "waive": ("waive", "Write a waiver for a finding of a report."),
}


class _LazyGroup(click.Group):
    """Knows every command's name and help, imports its module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"simulator.cli.{_COMMANDS[cmd_name][0]}")
        command = module.command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(f"{error.message} Commands: {', '.join(sorted(_COMMANDS))}.", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in sorted(_COMMANDS)])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="orgsim")
def orgsim() -> None:
    """Rehearse AWS guardrails before they bite.

    Replays CloudTrail logs against proposed service control policies (SCPs) and resource control policies (RCPs):
    who would be denied which calls, by which statement, and what the log cannot tell.

    Exit status: 0 nothing to report, 1 could not run, 2 wrong usage, 3 no records found, 10 findings.
    """


def main() -> None:
    """Run `orgsim` and end the process."""
    try:
        status = orgsim.main(standalone_mode=False)
    except OrgsimError as error:
        click.echo(describe(error), err=True)
        sys.exit(error.status)
    except click.UsageError as error:
        error.show()
        sys.exit(ExitStatus.USAGE)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitStatus.FAILED)
    except (click.Abort, KeyboardInterrupt):
        click.echo("orgsim: interrupted", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else ExitStatus.OK)


def describe(error: OrgsimError) -> str:
    """The error as people see it: place, reason, code, and what to do."""
    text = f"orgsim: {error} [{error.code}]"
    return f"{text}\n  hint: {error.hint}" if error.hint else text
