"""What a command costs: CPU seconds of its whole process tree, wall time, peak memory of the tree."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOOK: Final = 0.1
"""Seconds between two looks at the memory of a process tree."""

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Cost:
    """Seconds and bytes. `cpu` counts user and system time of the process and of all children it waited for.

    `peak` is the resident memory of all processes of the tree together, the largest that was seen every tenth of a
    second; without /proc the largest of one process as the system knows it (which counts what started it, too).
    """

    cpu: float
    wall: float
    peak: int
    status: int


def run(command: Sequence[str], output: Path | None = None) -> Cost:
    """Run a command to its end; `output` takes its standard output."""
    begin = time.perf_counter()
    with (
        (output or Path(os.devnull)).open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE) as process,
    ):
        watch = _Watch(process.pid)
        errors = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.end()
    if process.returncode not in (0, 10):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{errors.decode(errors='replace')}")
    largest = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(usage.ru_utime + usage.ru_stime, wall, watch.peak or largest, process.returncode)


def best(command: Sequence[str], output: Path | None = None, times: int = 3, patience: float = 20.0) -> Cost:
    """The least of up to `times` runs; no further one begins after `patience` seconds. Peak memory is the greatest."""
    begin = time.perf_counter()
    costs = [run(command, output)]
    while len(costs) < times and time.perf_counter() - begin < patience:
        costs.append(run(command, output))
    return Cost(
        min(cost.cpu for cost in costs),
        min(cost.wall for cost in costs),
        max(cost.peak for cost in costs),
        costs[0].status,
    )


class _Watch:
    """Looks at the memory of a process tree until told to end. Where there is no /proc it sees nothing."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK):
            self.peak = max(self.peak, sum(map(_resident, _tree(self._pid))))


def _tree(pid: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold anything; behind it come the state and the parent.
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # It has ended meanwhile.
        children.setdefault(parent, []).append(int(status.parent.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
