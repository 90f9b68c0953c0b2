"""Ten thousand findings: the page stays at hand."""

import re

import pytest

from benchmarks.page import FINDINGS, many_findings
from tests.browser import chromium
from tests.browser.conftest import written

FRAMES = """
window.longest = 0;
let before = performance.now();
(function frame() {
  const now = performance.now();
  window.longest = Math.max(window.longest, now - before);
  before = now;
  requestAnimationFrame(frame);
})();
"""


@pytest.fixture(scope="module")
def many(browser, folder):
    with chromium.opened(browser, written(folder, "many", many_findings(FINDINGS))) as watched:
        watched.page.wait_for_timeout(500)
        watched.page.evaluate(FRAMES)
        yield watched.page
        assert watched.complaints() == []


def longest_frame(page, act):
    """Milliseconds of the longest frame while something is done."""
    page.wait_for_timeout(100)
    page.evaluate("window.longest = 0")
    act()
    page.wait_for_timeout(400)
    return page.evaluate("window.longest")


def test_only_one_page_of_rows_is_in_the_document(many):
    assert many.locator("tr.finding").count() == 50
    assert many.inner_text(".status").endswith(f"{FINDINGS:,} findings")


@pytest.mark.parametrize("words", ["service-41", "bucket data-77-3 s3:", "nothing at all", "session-1 statement7"])
def test_filtering_never_holds_a_frame_for_a_second(many, words):
    def act():
        many.click("#search")
        many.fill("#search", "")
        many.keyboard.type(words, delay=15)

    assert longest_frame(many, act) < 1000
    found = re.search(r"([\d,]+) of 10,000|No finding", many.inner_text(".status"))
    assert found is not None


@pytest.mark.parametrize("head", ["Identity", "Call", "Statement", "Calls", "Last seen"])
def test_sorting_never_holds_a_frame_for_a_second(many, head):
    many.fill("#search", "")
    assert longest_frame(many, lambda: many.click(f"th button:has-text('{head}') >> nth=0")) < 1000


def test_chips_and_pages_are_quick(many):
    assert longest_frame(many, lambda: many.click(".chip.o1")) < 1000
    assert longest_frame(many, lambda: many.click("text=Next")) < 1000
    assert many.inner_text(".pages span") == "Page 2 of 50"
