"""What the benchmark measures: the whole process tree."""

import sys

import pytest

from benchmarks.measure import best, run

BUSY = "sum(range(12_000_000))"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"
LARGE = "import time; data = bytearray(120_000_000); data[::4096] = b'x' * len(data[::4096]); time.sleep(0.6)"


def test_cpu_seconds_of_children_count():
    alone, beside = run([sys.executable, "-c", BUSY]), run([sys.executable, "-c", PARENT])
    assert beside.cpu > 0.8 * alone.cpu > 0.05
    assert beside.wall > 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_processes_that_run_together_adds_up():
    both = f"import subprocess, sys; c = [subprocess.Popen([sys.executable, '-c', {LARGE!r}]) for _ in '12']"
    cost = run([sys.executable, "-c", both + "; [each.wait() for each in c]"])
    assert 240_000_000 < cost.peak < 400_000_000


def test_standard_output_is_kept_and_failures_stop_the_benchmark(tmp_path):
    cost = best([sys.executable, "-c", "print('done')"], tmp_path / "out", times=2)
    assert (tmp_path / "out").read_text() == "done\n"
    assert cost.status == 0
    assert run([sys.executable, "-c", "raise SystemExit(10)"]).status == 10
    with pytest.raises(SystemExit, match="ended with 3:\nno"):
        run([sys.executable, "-c", "import sys; sys.stderr.write('no'); raise SystemExit(3)"])
