"""What a command that reads logs writes: progress for people who wait, then the report where they asked for it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from simulator.cli import stdout
from simulator.errors import OrgsimError
from simulator.outputs.view import PLAIN, View
from simulator.replay.batch import Batch
from simulator.replay.reading import Progress

Renderer = Callable[[str, View], str]
"""Renders the report in the format of this name."""


@contextmanager
def progress(label: str, batches: Sequence[Batch], *, quiet: bool = False) -> Iterator[Progress]:
    """A bar for two passes over the batches: on a terminal, and only for work that takes a while."""
    total = 2 * sum(batch.size for batch in batches)
    watched = sys.stderr.isatty() and not quiet and total > 4_000_000
    with click.progressbar(length=total, label=label, file=sys.stderr, hidden=not watched) as bar:
        yield bar.update


def check_writable(paths: Sequence[Path]) -> None:
    """Find out before the work, not after it, that a report cannot be written. Raises `OrgsimError`."""
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OrgsimError("cannot-write", f"cannot write {path}: {error.strerror}") from error
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            hint = "name a file in a folder that you may write to"
            raise OrgsimError("cannot-write", f"cannot write {path}", hint=hint)


def write(render: Renderer, format_name: str, files: Sequence[tuple[Path, str]], *, quiet: bool) -> None:
    """Write to each file in its format, and to standard output in `format_name`. Raises `OrgsimError`."""
    for path, name in files:
        try:
            path.write_text(render(name, PLAIN), encoding="utf-8", newline="")
        except OSError as error:
            raise OrgsimError("cannot-write", f"cannot write {path}: {error.strerror}") from error
    text = render(format_name, _view(quiet))
    # Formats for machines are UTF-8, whatever the terminal's character set.
    stdout.write(text if format_name == "terminal" else text.encode("utf-8", "surrogatepass"))


def _view(quiet: bool) -> View:
    """How standard output looks: a terminal has its width and colours (unless NO_COLOR is set), a pipe has neither."""
    watched = sys.stdout.isatty()
    return View(
        width=shutil.get_terminal_size().columns if watched else 100,
        color=watched and "NO_COLOR" not in os.environ,
        encoding=sys.stdout.encoding or "utf-8",
        quiet=quiet,
    )
