"""`python -m benchmarks`: all figures in one run, as a table with the targets beside them.

Times are CPU seconds (user and system) of the process tree, less those of the same command on ten records, unless a
row says otherwise. `--records` sets the size: rows about speed use at most a million records of it, rows about growth
compare the whole with a tenth of it. What was generated is kept in the folder `--cache` for the next run.
"""

import argparse
import compileall
import json
import os
import platform
import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

from benchmarks import evaluator
from benchmarks.generate import TINY, manifest_of, trail
from benchmarks.measure import Cost, best, run
from benchmarks.proposals import PROPOSALS, write_proposals
from benchmarks.world import snapshot

_MOST_FOR_SPEED: Final = 1_000_000
_SAMPLE: Final = {"plain-10": 2_000, "rich-10": 2_000, "most-denied": 2_000, "plain-200": 200, "rich-200": 200}
"""Records that the reference judges once more; it is slow, and slower still with 200 statements."""

_MEGABYTE: Final = 1_000_000


class Bench:
    """One run: the folders, and every cost that was measured so far."""

    def __init__(self, records: int, cache: Path) -> None:
        self.cache = cache
        self.all = records
        self.main = min(records, _MOST_FOR_SPEED)
        self.failed = 0
        self._costs: dict[tuple[str, ...], Cost] = {}
        (cache / "results").mkdir(parents=True, exist_ok=True)
        self.proposals = write_proposals(cache / "proposals")
        self.snapshot = cache / "organization.json"
        self.snapshot.write_text(json.dumps(snapshot()))

    @cached_property
    def orgsim(self) -> list[str]:
        """The command as installed, else the module."""
        script = Path(sysconfig.get_path("scripts")) / "orgsim"
        return [str(script)] if script.exists() else [sys.executable, "-m", "simulator"]

    def logs(self, records: int) -> Path:
        """The trail with this many records."""
        return trail(records, self.cache)

    def result(self, proposal: str, records: int) -> Path:
        """Where the report of a simulation is kept."""
        return self.cache / "results" / f"{proposal}-{records}.json"

    def simulate(self, proposal: str, records: int, workers: int | None = 1, logs: Path | None = None) -> list[str]:
        """The command line of a simulation; `None` workers: as many as the command takes by itself."""
        return [
            *self.orgsim, "simulate", str(self.proposals[proposal]), "--logs", str(logs or self.logs(records)),
            "--organization", str(self.snapshot), "--format", "json", "--quiet",
            *(["--workers", str(workers)] if workers else []),
        ]  # fmt: skip

    def cost(self, proposal: str, records: int, workers: int | None = 1) -> Cost:
        """What a simulation costs in all, measured once."""
        return self._cost(self.simulate(proposal, records, workers), self.result(proposal, records))

    def is_measured(self, proposal: str) -> bool:
        """Whether this run has simulated the proposal on the whole trail."""
        return tuple(self.simulate(proposal, self.main)) in self._costs

    def net(self, proposal: str, records: int, workers: int | None = 1) -> float:
        """CPU seconds less those of ten records."""
        return self.cost(proposal, records, workers).cpu - self.cost(proposal, TINY, workers).cpu

    def floor(self, records: int) -> float:
        """CPU seconds of the floor less those of ten records."""
        command = [sys.executable, "-m", "benchmarks.floor"]
        whole, base = (self._cost([*command, str(self.logs(each))]) for each in (records, TINY))
        return whole.cpu - base.cpu

    def _cost(self, command: list[str], output: Path | None = None) -> Cost:
        key = tuple(command)
        if key not in self._costs:
            self._costs[key] = best(command, output)
        return self._costs[key]

    # The table

    def row(self, name: str, figure: str, ratio: str = "", target: str = "", passed: bool | None = None) -> None:
        """Print one row."""
        mark = "" if passed is None else "ok" if passed else "MISSED"
        self.failed += passed is False
        print(f"| {name:<58} | {figure:>28} | {ratio:>9} | {target:>24} | {mark:<6} |", flush=True)

    def head(self) -> None:
        """What was measured where."""
        made = manifest_of(self.logs(self.main))
        size = made["inflated_bytes"] / made["records"]
        print(
            f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; "
            f"{platform.python_implementation()} {platform.python_version()}, "
            f"msgspec {version('msgspec')}, isal {version('isal')}"
        )
        print(
            f"{made['records']:,} records in {made['files']:,} files, {size:,.0f} bytes a record, "
            f"{made['stored_bytes'] / _MEGABYTE:,.1f} MB stored, {made['inflated_bytes'] / _MEGABYTE:,.1f} MB inflated"
        )
        print()
        self.row("", "", "ratio", "target")
        print(f"|{'-' * 60}|{'-' * 30}|{'-' * 11}|{'-' * 26}|{'-' * 8}|")


def speed(bench: Bench) -> None:
    """The floor, and one worker over it."""
    floor = bench.floor(bench.main)
    bench.row("floor: inflate and decode", _seconds(floor, bench.main))
    for proposal, most, stretch in (("plain-10", 1.8, 1.4), ("rich-10", 2.8, 2.0)):
        net = bench.net(proposal, bench.main)
        ratio = net / floor
        target = f"<= {most} (stretch {stretch})"
        bench.row(
            f"{proposal}, {PROPOSALS[proposal]}", _seconds(net, bench.main), f"{ratio:.2f}", target, ratio <= most
        )


def statements(bench: Bench) -> None:
    """200 statements beside 10."""
    for kind in ("plain", "rich"):
        few, many = bench.net(f"{kind}-10", bench.main), bench.net(f"{kind}-200", bench.main)
        name = f"{kind}-200, {PROPOSALS[f'{kind}-200']}"
        bench.row(name, _seconds(many, bench.main), f"{many / few:.2f}", "<= 1.3 x ten", many / few <= 1.3)


def workers(bench: Bench) -> None:
    """Two workers beside one, in wall time."""
    for proposal in ("plain-10", "rich-10"):
        one, two = (bench.cost(proposal, bench.main, count).wall for count in (1, 2))
        # With few records the start of two processes weighs too much to say anything.
        passed = one / two >= 1.8 if bench.main >= _MOST_FOR_SPEED else None
        name = f"two workers, {proposal}: wall time, start-up and all"
        target = ">= 1.8" + ("" if passed is not None else " from 1M records")
        bench.row(name, f"{one:.2f} s -> {two:.2f} s", f"{one / two:.2f}", target, passed)


def scale(bench: Bench) -> None:
    """The whole beside a tenth: time."""
    tenth = bench.all // 10
    # A tenth of a smaller log lacks whole accounts.
    counts = bench.all >= 10 * _MOST_FOR_SPEED
    for proposal in ("plain-10", "most-denied"):
        small, large = bench.net(proposal, tenth), bench.net(proposal, bench.all)
        name = f"{bench.all:,} records beside {tenth:,}, {proposal}"
        figure = f"{small:.2f} s -> {large:.2f} s"
        target = "<= 10.5" + ("" if counts else " at 10M")
        bench.row(name, figure, f"{large / small:.2f}", target, large / small <= 10.5 if counts else None)


def memory(bench: Bench) -> None:
    """The whole beside a tenth: peak memory, most records denied."""
    tenth = bench.all // 10
    # The targets are about 10M records beside 1M: smaller logs do not fill the bounded memories yet.
    counts = bench.all >= 10 * _MOST_FOR_SPEED
    for count, label in ((1, "one worker"), (None, "all workers")):
        small, large = (bench.cost("most-denied", each, count).peak for each in (tenth, bench.all))
        name = f"peak memory, most records denied, {label}"
        figure = f"{small / _MEGABYTE:.0f} MB -> {large / _MEGABYTE:.0f} MB"
        passed = large / small <= 1.15 and large < 400 * _MEGABYTE
        target = "<= 1.15, < 400 MB" + ("" if counts else " at 10M")
        bench.row(name, figure, f"{large / small:.2f}", target, passed if counts else None)


def start(bench: Bench) -> None:
    """What it costs to start, in CPU seconds of the whole command."""
    # As every installer does: a checkout on a machine that keeps no bytecode would compile the program at each start.
    compileall.compile_dir(str(files("simulator")), quiet=1)
    plain = best([sys.executable, "-c", "import click"], times=5).cpu
    helping = best([*bench.orgsim, "--help"], times=5).cpu
    simulating = best(bench.simulate("plain-10", TINY, None), times=5).cpu
    bench.row('python -c "import click"', f"{1000 * plain:.0f} ms")
    bench.row("orgsim --help", f"{1000 * helping:.0f} ms", f"{helping / plain:.1f}", "<= 4", helping <= 4 * plain)
    ratio = simulating / plain
    bench.row("orgsim simulate, ten records", f"{1000 * simulating:.0f} ms", f"{ratio:.1f}", "<= 10", ratio <= 10)


def index(bench: Bench) -> None:
    """Simulating another proposal from an index beside reading the log."""
    name = "another proposal from the index beside the log"
    places = {records: bench.cache / "results" / f"index-{records}" for records in (TINY, bench.main)}
    try:
        run([*bench.orgsim, "index", "--help"])
    except SystemExit:
        bench.row(name, "not built", "", "<= 0.1")
        return
    for records, place in places.items():
        built = run([*bench.orgsim, "index", str(bench.logs(records)), "-o", str(place)])
        if records == bench.main:
            bench.row("writing the index", _seconds(built.cpu, records))
    results = {records: place.with_suffix(".json") for records, place in places.items()}
    costs = {
        records: best(bench.simulate("rich-10", records, 1, place), results[records])
        for records, place in places.items()
    }
    from_log, from_index = bench.net("rich-10", bench.main), costs[bench.main].cpu - costs[TINY].cpu
    ratio = from_index / from_log
    same = _judged(results[bench.main]) == _judged(bench.result("rich-10", bench.main))
    bench.row(name, f"{from_log:.2f} s -> {from_index:.2f} s", f"{ratio:.3f}", "<= 0.1", ratio <= 0.1)
    bench.row("its results beside those of the log", "equal" if same else "different", "", "equal", same)


def reference(bench: Bench) -> None:
    """A sample of the trail, judged by the naive reference evaluator too."""
    for proposal, count in _SAMPLE.items():
        answer = bench.cache / "results" / f"compared-{proposal}.json"
        inputs = (bench.logs(bench.main), bench.proposals[proposal], bench.snapshot, bench.cache / "sample")
        whole = [str(bench.result(proposal, bench.main))] if bench.is_measured(proposal) else []
        arguments = [*map(str, inputs), str(count), *whole]
        run([sys.executable, "-m", "benchmarks.compare", *arguments], answer)
        found = json.loads(answer.read_text())
        different = found["differences"]
        looked_at = found["records"] + found["records_of_whole"]
        name = f"reference evaluator, {proposal}: {looked_at:,} records"
        figure = f"{found['requests']:,} checks, {found['findings']:,} findings"
        bench.row(name, figure, str(len(different)), "0 differences", not different)
        for line in different[:5]:
            print(f"  {line}")


_PARTS: Final[dict[str, Callable[[Bench], None]]] = {
    part.__name__: part for part in (speed, statements, workers, scale, memory, index, start, reference)
}


def _judged(path: Path) -> object:
    """A report without what says how the log was read."""
    report = json.loads(path.read_text())
    return {name: part for name, part in report.items() if name not in ("files", "evidence")}


def _seconds(seconds: float, records: int) -> str:
    return f"{seconds:.2f} s, {records / seconds / 1000:,.0f}k/s"


def _processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown processor")


def _names(text: str) -> Iterator[str]:
    for name in text.split(","):
        if name not in {*_PARTS, "evaluator"}:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join([*_PARTS, 'evaluator'])}")
        yield name


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the speed of orgsim.")
    parser.add_argument("--records", type=int, default=100_000, help="100000 (default), 1000000 or 10000000")
    parser.add_argument("--only", type=lambda text: list(_names(text)), help=f"parts: {','.join(_PARTS)},evaluator")
    parser.add_argument("--cache", type=Path, default=Path("build/bench"), help="where generated logs are kept")
    options = parser.parse_args()
    wanted = options.only or [*_PARTS, "evaluator"]
    bench = Bench(options.records, options.cache)
    bench.head()
    for name, part in _PARTS.items():
        if name in wanted:
            part(bench)
    if "evaluator" in wanted:
        print()
        evaluator.main()
    print(f"\n{bench.failed} targets missed" if bench.failed else "\nno target missed")


if __name__ == "__main__":
    main()
