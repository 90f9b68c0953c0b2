"""Runs the real command: in a process of its own, as a shell does, or (many times faster) in this one."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from simulator.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PROPOSAL, LOGS, ORGANIZATION = "samples/proposal", "samples/logs", "samples/organization.json"
SAMPLES = ("simulate", PROPOSAL, "--logs", LOGS, "--organization", ORGANIZATION, "--workers", "1")
"""Paths are relative to the project's folder, in which the command runs."""

ORGSIM = (sys.executable, "-m", "simulator")


def environment(**changes):
    """Nothing of the developer's terminal, so that the same bytes come out everywhere."""
    names = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "ORGSIM_CACHE")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **changes}


def run(*arguments, stdin=None, timeout=60, python=(), **environ):
    """Run `orgsim` with arguments (texts or paths) and wait; stdout and stderr are bytes."""
    command = [sys.executable, *python, "-m", "simulator", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**environ), input=stdin, capture_output=True, timeout=timeout, check=False
    )


def start(*arguments, python=(), **options):
    """Start `orgsim` in a session of its own."""
    command = [sys.executable, *python, "-m", "simulator", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment(), start_new_session=True, **options)


def call(*arguments, stdin=b"", cwd=ROOT):
    """The same as `run`, without a new process: `main()` with these arguments and streams, in the project's folder."""
    streams = [io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="\n") for data in (stdin, b"", b"")]
    names = ("stdin", "stdout", "stderr")
    status = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(cwd))
        for name, stream in zip(names, streams, strict=True):
            stack.enter_context(mock.patch.object(sys, name, stream))
        stack.enter_context(mock.patch.object(sys, "argv", ["orgsim", *map(str, arguments)]))
        try:
            main()
        except SystemExit as end:
            status = end.code
    out, error = (stream.detach().getvalue() for stream in streams[1:] if stream.flush() is None)
    return subprocess.CompletedProcess(arguments, status, out, error)
