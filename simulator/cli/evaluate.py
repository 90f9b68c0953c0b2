"""`orgsim evaluate [FILE|-]`."""

from typing import BinaryIO

import click
import msgspec

from simulator.cli import stdout
from simulator.cli.loading import load_catalog
from simulator.decision.conformance import LineEvaluator
from simulator.errors import ExitStatus


@click.command("evaluate")
@click.argument("lines", metavar="[FILE|-]", type=click.File("rb"), default="-")
def command(lines: BinaryIO) -> int:
    """Decide single requests: JSON lines in, JSON lines out.

    A line holds `scps` and `rcps` (policies per level, root first) and a `request`; docs/evaluate.md has the format.
    A line that cannot be read answers {"id", "error"}, the rest goes on, and the exit status is 1.
    """
    evaluator = LineEvaluator(load_catalog())
    failed = False
    for line in lines:
        if not line.strip():
            continue
        answer = evaluator.answer(line)
        failed = failed or "error" in answer
        stdout.write(msgspec.json.encode(answer) + b"\n")
    return ExitStatus.FAILED if failed else ExitStatus.OK
