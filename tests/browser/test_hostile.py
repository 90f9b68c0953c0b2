"""A page of texts that attack it: nothing of them runs, loads or hides, and the reader sees what they are."""

import pytest

from simulator.outputs import wording
from simulator.outputs.safe_text import safe_text
from tests.browser import chromium
from tests.browser.hostile import ATTACKS


@pytest.fixture(scope="module")
def hostile(browser, hostile_page):
    with chromium.opened(browser, hostile_page) as watched:
        page = watched.page
        # Everything is opened, pointed at and searched for.
        page.evaluate("document.querySelectorAll('button.toggle').forEach((each) => each.click())")
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.evaluate("document.querySelectorAll('.more').forEach((each) => each.click())")
        for selector in ("#flow-picture .sankey-node rect", "#flow-picture .sankey-link", "#timeline-picture .point"):
            for place in range(min(3, page.locator(selector).count())):
                page.locator(selector).nth(place).hover(force=True)
        page.evaluate("dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))")
        yield watched


def test_nothing_runs_and_nothing_is_complained_of(hostile):
    assert hostile.page.evaluate("window.owned") is None
    assert hostile.complaints() == []


def test_nothing_is_loaded(hostile, hostile_page):
    assert hostile.requests == [hostile_page.as_uri()]


def test_no_text_became_markup(hostile):
    page = hostile.page
    assert page.locator("script").count() == 3
    assert page.evaluate("document.scripts[0].type") == "application/json"
    assert page.locator("img, iframe, object, embed, form, base, link:not([rel=icon])").count() == 0
    # The page has one style element of its own; the others hold the rules of the library for pictures.
    assert (
        page.evaluate("[...document.querySelectorAll('style')].filter((each) => !each.id.startsWith('plotly')).length")
        <= 2
    )
    links = page.evaluate(
        "[...document.querySelectorAll('a')]"
        ".map((each) => each.getAttribute('href') ?? each.getAttribute('xlink:href'))"
    )
    assert links
    assert all(each.startswith("#") for each in links)
    handlers = page.evaluate(
        "[...document.querySelectorAll('*')]"
        ".filter((each) => [...each.attributes].some((one) => one.name.startsWith('on'))).length"
    )
    assert handlers == 0


@pytest.mark.parametrize("name", ATTACKS)
def test_the_reader_sees_the_text(hostile, name):
    text = safe_text(ATTACKS[name])
    cells = hostile.page.locator("tr.finding td:nth-child(3) span").all_text_contents()
    assert wording.name(ATTACKS[name]) in cells
    for selector in (".detail .values", "#lockouts li", "#evidence dd", ".detail .mono", ".behind", "#lost td"):
        assert any(text in each for each in hostile.page.locator(selector).all_text_contents()), selector
    assert any('"Sid": "' in each for each in hostile.page.locator("#policies mark").all_text_contents())


def test_texts_are_whole_in_the_pictures(hostile):
    """Labels that look like markup are neither read as such nor lost."""
    labels = hostile.page.locator("#flow-picture .node-label").all_text_contents()
    assert "<style>*{display:none}</style>" in labels
    assert any(each.startswith("role <svg onload=") for each in labels)
    assert any(each.startswith('role " onmouseover') for each in labels)


def test_no_mark_turns_or_hides_text(hostile):
    raw = hostile.page.evaluate("document.body.innerText")
    assert not set("\u202e\u2066\u200b\u2060\u2028\u2029\x1b\x00\x07\x9b") & set(raw)
    assert "gnp.\\u202etxt.exe" in raw


def test_search_finds_hostile_texts(hostile):
    hostile.page.fill("#search", "javascript:window")
    hostile.page.wait_for_timeout(300)
    assert hostile.page.locator("tr.finding").count() == 2
    hostile.page.fill("#search", "")
    hostile.page.wait_for_timeout(300)
