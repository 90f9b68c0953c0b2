"""One replay of the samples serves many tests."""

import json

import pytest

from tests.e2e.command import ROOT, SAMPLES, run


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory):
    """The replay of `samples/` in all formats: the finished process (JSON on stdout) and the folder of its files."""
    folder = tmp_path_factory.mktemp("reports")
    files = [
        folder / name
        for name in ("impact.json", "impact.csv", "impact.graphml", "impact.html", "impact.dot", "impact.mmd")
    ]
    done = run(*SAMPLES, "--format", "json", *(part for file in files for part in ("-o", file)))
    return done, folder


@pytest.fixture(scope="session")
def impact(sample_run):
    """The sample replay's JSON."""
    return json.loads(sample_run[0].stdout)


@pytest.fixture(scope="session")
def expected():
    """What the stories say a correct replay gives."""
    return json.loads((ROOT / "samples" / "expected.json").read_text(encoding="utf-8"))
