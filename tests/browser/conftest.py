"""Reports as pages in a real browser."""

import pytest

from simulator.outputs.registry import render
from tests.browser import chromium
from tests.browser.hostile import hostile_report
from tests.e2e.command import SAMPLES, run


@pytest.fixture(scope="session")
def browser():
    """Chromium; without one these tests say nothing, and that must not go unseen."""
    if chromium.executable() is None:
        pytest.skip(
            "NO BROWSER IS INSTALLED, SO THE HTML REPORT IS NOT TESTED: install one of "
            f"{', '.join(chromium.NAMES)} (on Debian: apt-get install chromium)"
        )
    with chromium.started() as found:
        yield found


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


def written(folder, name, report):
    file = folder / f"{name}.html"
    file.write_text(render("html", report), encoding="utf-8", newline="")
    return file


@pytest.fixture(scope="session")
def sample_page(folder):
    """The report of the samples, written by the command."""
    file = folder / "samples.html"
    done = run(*SAMPLES, "--quiet", "-o", file)
    assert done.returncode == 10, done.stderr
    return file


@pytest.fixture(scope="session")
def hostile_page(folder):
    return written(folder, "hostile", hostile_report())


@pytest.fixture(scope="session")
def sample_table_page(folder, sample_page):
    """The samples' page without the library for pictures, which takes most of the time to open it."""
    text = sample_page.read_text(encoding="utf-8")
    file = folder / "samples-table.html"
    file.write_text(text[: text.rindex("<script>")] + "</body></html>", encoding="utf-8")
    assert file.stat().st_size < 1_000_000
    return file


def watching(browser, file):
    with chromium.opened(browser, file) as watched:
        yield watched.page
        assert watched.complaints() == []
        assert watched.requests == [file.as_uri()]


@pytest.fixture
def sample(browser, sample_page):
    """The samples' page, opened; whatever a test does with it, nothing is complained of and nothing is loaded."""
    yield from watching(browser, sample_page)


@pytest.fixture
def table(browser, sample_table_page):
    """The same page without pictures."""
    yield from watching(browser, sample_table_page)


@pytest.fixture(scope="session")
def sample_run_headline():
    """The terminal's sentences for the same report."""
    return run(*SAMPLES, "--quiet").stdout.decode().splitlines()
