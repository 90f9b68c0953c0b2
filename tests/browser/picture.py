"""Takes the picture of the report for the documents: `python -m tests.browser.picture` in the project's folder."""

import sys
import tempfile
from pathlib import Path

from tests.browser import chromium
from tests.e2e.command import ROOT, SAMPLES, run

PICTURE = ROOT / "docs" / "pictures" / "impact.png"
WIDTH, HEIGHT = 960, 1080
MOST = 400_000
"""Bytes; a picture in a repository is paid for in every clone."""


def take(target):
    """Write the picture of the samples' report to a file."""
    with tempfile.TemporaryDirectory() as folder, chromium.started() as browser:
        page = Path(folder) / "impact.html"
        run(*SAMPLES, "--quiet", "-o", page)
        size = {"width": WIDTH, "height": HEIGHT}
        with chromium.opened(browser, page, viewport=size, color_scheme="light") as watched:
            watched.page.screenshot(path=target)


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    take(PICTURE)
    sys.stdout.write(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes\n")
