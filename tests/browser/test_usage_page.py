"""The page of a usage report in a browser: the table of the impact's page, with rows of its own."""

import pytest
from playwright.sync_api import expect

from simulator.analysis.identities.model import Behind, Confidence, Evidence, Identities, Identity, Relation
from simulator.analysis.usage import make_usage_report
from simulator.outputs.safe_text import safe_text
from simulator.outputs.usage_formats import render
from simulator.outputs.view import PLAIN
from simulator.replay.impact import UnmappedKind
from simulator.replay.restrictions import Restriction
from simulator.replay.usage import Usage, UsageFold, UsageKey, place_of
from tests.browser import chromium
from tests.browser.conftest import watching
from tests.browser.hostile import ATTACKS
from tests.e2e.command import LOGS, ORGANIZATION, run
from tests.unit.organization.small import SHOP, organization
from tests.unit.outputs.conftest import CATALOG


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory):
    """The usage of a few actions in the samples, written by the command."""
    file = tmp_path_factory.mktemp("usage") / "usage.html"
    arguments = ("usage", "lambda:*", "ec2:RunInstances", "--logs", LOGS, "--organization", ORGANIZATION)
    done = run(*arguments, "--workers", "1", "--quiet", "-o", file)
    assert done.returncode == 0, done.stderr
    assert file.stat().st_size < 300_000
    return file


@pytest.fixture
def page(browser, sample_file):
    yield from watching(browser, sample_file)


def rows(page):
    return page.locator("tr.finding").count()


def test_it_loads_quietly_and_says_what_the_terminal_says(page):
    assert "identities use `lambda:*`, `ec2:RunInstances` in" in page.locator("h1").inner_text()
    assert rows(page) >= 5
    assert "1 record could not be mapped" in page.locator("header").inner_text()


def test_the_table_filters_sorts_and_opens(page):
    page.fill("#search", "nordhaven-ferries/payments")
    expect(page.locator("tr.finding")).to_have_count(2)
    page.fill("#search", "PaymentsRelease UpdateFunctionCode")
    expect(page.locator("tr.finding")).to_have_count(1)
    page.locator("button.toggle").click()
    detail = page.locator("tr.detail").inner_text()
    for text in ("nordhaven-ferries/payments (GitHub Actions)", "203.0.113.0/24", "release-77", "function:settlement"):
        assert text in detail
    page.get_by_role("button", name="Clear filters").click()
    page.locator("button.sort", has_text="Calls").click()
    calls = [int(text) for text in page.locator("tr.finding td.number").all_inner_texts()]
    assert calls == sorted(calls, reverse=True)
    page.locator("button.chip", has_text="denied at times").click()
    assert set(page.locator("tr.finding .outcome").all_inner_texts()) == {"denied at times"}


def hostile_usage():
    """Every text that a log or a policy may hold attacks."""
    usage = Usage()
    usage.read = usage.mapped = usage.unmapped = usage.calls = len(ATTACKS)
    behind = {}
    asked = [Restriction("*", ("*",), file="p.json")]
    for text in ATTACKS.values():
        fold = usage.uses[UsageKey(text, "role", SHOP, text)] = UsageFold("management-account")
        fold.calls = fold.denied_calls = fold.possible_calls = 1
        fold.see(text)
        for kept in (fold.regions, fold.resources, fold.sessions, fold.networks, fold.event_ids):
            kept.add(text)
        usage.note_unmapped([(UnmappedKind(text, text, text), 1)])
        usage.note_damage(text, text)
        usage.accounts.add(text)
        usage.regions.add(text)
        identity, evidence = Identity("person", text, text, text, text), (Evidence(text, 1, (text,)),)
        hits = ((place_of(text), 1),)
        behind[text] = (Behind(identity, Relation.ASSUMES, Confidence.NAMED, evidence, 1, 1, 1, 0, text, text, hits),)
        asked.append(Restriction(text, ("*",), file=text, line=1))
    return make_usage_report(usage, asked, organization(), CATALOG, Identities(behind=behind), tuple(ATTACKS.values()))


def test_no_text_of_a_log_or_policy_runs_or_hides(browser, tmp_path):
    file = tmp_path / "hostile.html"
    file.write_text(render("html", hostile_usage(), PLAIN), encoding="utf-8", newline="")
    with chromium.opened(browser, file) as watched:
        page = watched.page
        page.evaluate("document.querySelectorAll('button.toggle').forEach((each) => each.click())")
        page.evaluate("document.querySelectorAll('.more').forEach((each) => each.click())")
        assert page.evaluate("window.owned") is None
        assert watched.complaints() == []
        assert watched.requests == [file.as_uri()]
        assert page.locator("script").count() == 2
        assert page.locator("img, iframe, object, embed, form, base, link:not([rel=icon])").count() == 0
        shown = page.locator("body").text_content()
        for text in ATTACKS.values():
            assert safe_text(text)[:40] in shown
