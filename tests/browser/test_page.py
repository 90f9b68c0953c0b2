"""The HTML report as people use it: read, searched, sorted, opened, by mouse and keyboard, on screens and on paper."""

import json
import re

import pytest

from tests.browser import chromium

ROWS = "tr.finding"


def data_of(page):
    return json.loads(page.locator("#data").text_content())


def outcomes(page):
    return set(page.locator(f"{ROWS} .outcome").all_inner_texts())


def search(page, words):
    page.fill("#search", words)
    page.wait_for_timeout(300)  # typing is waited for


def column(page, number):
    return page.locator(f"{ROWS} td:nth-child({number})").all_inner_texts()


def shown(page):
    return int(re.search(r"–(\d+)", page.inner_text(".status"))[1])


# Reading


def test_it_says_what_the_terminal_says(table, sample_run_headline):
    headline, *more = sample_run_headline
    assert table.inner_text("h1") == headline
    assert table.locator("header p.lead").all_inner_texts() == more


def test_every_section_is_there_and_in_the_contents(table):
    sections = table.locator("main > section")
    assert sections.count() == table.locator("main > section:visible").count() == table.locator("nav a").count()
    for place in range(sections.count()):
        link = table.locator("nav a").nth(place)
        assert link.get_attribute("href") == f"#{sections.nth(place).get_attribute('id')}"
        assert link.inner_text() == sections.nth(place).get_attribute("data-name")
        assert sections.nth(place).locator("h2").inner_text()


def test_the_pictures_are_drawn_and_have_a_table_beside_them(sample):
    for name, row in (("flow", "booking-prod"), ("timeline", "2026-08-03")):
        assert sample.locator(f"#{name}-picture svg.main-svg").count() > 0
        assert not sample.locator(f"#{name}-table").is_visible()
        sample.locator(f"#{name} summary").click()
        assert row in sample.inner_text(f"#{name}-table")
    flows = data_of(sample)["flows"]
    assert sample.locator("#flow-picture .sankey-node").count() == len(flows["nodes"])
    assert sample.locator("#flow-picture .sankey-link").count() == len(flows["links"])


def test_flows_say_what_they_fold(table):
    assert re.search(r"others: \d+ identities with \d+ calls", table.inner_text("#flow-told"))


def test_undecided_findings_name_what_settles_them_and_lead_to_the_findings(table):
    first = table.locator(".open-question").first
    assert first.locator("p").first.inner_text() == "aws:PrincipalTag/data-steward"
    first.locator("button").click()
    assert outcomes(table) == {"may be denied"}
    assert "OnlyStewardsDelete" in column(table, 4)[0]


def test_deciding_statements_are_marked_in_their_policy(table):
    policy = table.locator("#policies details", has_text="SCP workload-regions-2026")
    policy.locator("summary").click()
    marked = policy.locator("mark").all_text_contents()
    assert json.loads("".join(marked).rstrip().rstrip(","))["Sid"] == "OnlyFrankfurtAndStockholm"
    assert policy.locator("pre span").count() > 0


def test_evidence_is_there(table):
    assert {"window", "records", "drift"} <= set(table.locator("dl.evidence dt").all_inner_texts())


# Who is behind it, and what it costs


def test_a_person_is_behind_an_identity_center_role(table):
    search(table, "AWSReservedSSO_Developer ec2:DescribeInstances OnlyFrankfurt")
    table.click("button.toggle")
    behind = table.locator(".block:has(h4:text-is('People and workloads behind it'))").inner_text()
    assert "mira.lindqvist@ferries.example" in behind
    assert "Identity Center user" in behind
    assert "12 would be denied" in behind
    assert "proved by the log" in behind


def test_a_pipeline_is_behind_a_role_behind_a_role(table):
    search(table, "PaymentsRelease lambda:UpdateFunctionCode")
    table.click("button.toggle")
    outer = table.locator("li.behind").first
    assert outer.inner_text().startswith("GitHubDeploy")
    assert outer.locator("li.behind").inner_text().startswith("nordhaven-ferries/payments")


def test_a_link_by_name_alone_says_so(table):
    search(table, "FraudScores dynamodb:Query")
    table.click("button.toggle")
    assert "by name only" in table.inner_text("li.behind")


def test_lost_sessions_stand_apart_and_with_their_finding(table):
    assert "booking/timetable" in table.inner_text("#lost-body")
    search(table, "sts:AssumeRoleWithSAML sandbox would")
    table.click("button.toggle")
    lost = table.locator(".block:has(h4:text-is('Lost with it'))").inner_text()
    assert "12 calls of 4 sessions that ada.okafor@ferries.example had" in lost
    assert "Counted apart" in lost


def test_it_says_whom_to_talk_to_first(table):
    rows = table.locator("#people tbody tr")
    assert rows.count() == 10
    assert "mira.lindqvist@ferries.example" in table.inner_text("#people")
    hit = [sum(int(rows.nth(place).locator("td").nth(cell).inner_text()) for cell in (1, 3)) for place in range(10)]
    assert hit == sorted(hit, reverse=True)


def test_it_says_how_far_it_reaches_and_what_a_statement_costs(table):
    assert table.locator("#reach-units tbody td").first.inner_text() == "Root"
    assert "booking-prod (333333330001)" in table.inner_text("#reach-accounts")
    table.click("#statements tbody button >> nth=0")
    statement = table.locator("#statements tbody button").first.inner_text()
    assert all(each.split("\n")[0] in statement for each in column(table, 4))
    several = table.locator("#statements tbody button", has_text=", ").first
    several.click()
    assert len({each.rpartition(" on ")[2] for each in column(table, 4)}) > 1


# The table


def test_search_takes_all_words_anywhere_in_a_finding(table):
    search(table, "settlement DYNAMODB")
    assert column(table, 3) == ["dynamodb:GetItem\nRead"]
    search(table, data_of(table)["findings"][3]["events"][0])
    assert shown(table) >= 1
    search(table, "no such thing")
    assert table.locator(ROWS).count() == 0
    assert "No finding matches" in table.inner_text(".status")
    table.click("text=Clear filters")
    assert table.locator(ROWS).count() == 50


def test_chips_and_choices_filter(table):
    table.click(".chip.o1")
    assert outcomes(table) == {"may be denied"}
    table.click(".chip.o0")
    assert outcomes(table) == {"may be denied", "would be denied"}
    table.select_option("label:has-text('Account') select", "payments-prod (333333330002), Workloads/Prod/Payments")
    assert all("payments-prod" in each for each in column(table, 2))
    assert 0 < table.locator(ROWS).count() < 50


def test_a_tile_shows_its_findings(table):
    table.click(".tile.o2")
    assert outcomes(table) == {"would be allowed"}


@pytest.mark.parametrize(("number", "head"), [(2, "Identity"), (3, "Call"), (6, "Last seen")])
def test_heads_sort(table, number, head):
    found = []
    for _ in range(2):
        table.click(f"th button:has-text('{head}')")
        found.append(
            (table.locator("th[aria-sort]:not([aria-sort=none])").get_attribute("aria-sort"), column(table, number))
        )
    assert {direction for direction, _ in found} == {"ascending", "descending"}
    for direction, cells in found:
        lines = [each.split("\n")[0].lower() for each in cells]
        assert lines == sorted(lines, reverse=direction == "descending")
        assert len(set(lines)) > 3


def test_calls_sort_as_numbers(table):
    table.click("th button:has-text('Calls')")
    calls = [int(each) for each in column(table, 5)]
    assert calls == sorted(calls, reverse=True)
    assert calls[0] == max(row["calls"] for row in data_of(table)["findings"])


def test_one_page_needs_no_turning(table):
    assert table.locator(".pages").is_visible()
    search(table, "settlement dynamodb:GetItem")
    assert not table.locator(".pages").is_visible()


def test_pages_turn(table):
    first = column(table, 2)
    assert table.locator("text=Previous").is_disabled()
    table.click("text=Next")
    assert table.inner_text(".pages span") == "Page 2 of 2"
    assert column(table, 2) != first
    assert shown(table) == len(data_of(table)["findings"])


# A row's details


def test_a_row_opens_and_closes_by_mouse(table):
    search(table, "settlement dynamodb:GetItem")
    row = table.locator(ROWS).first
    row.locator("td").nth(1).click()
    detail = table.inner_text("tr.detail")
    for text in (
        "arn:aws:iam::333333330002:role/app/Settlement",
        "arn:aws:dynamodb:eu-central-1:333333330002:table/cards",
        "samples/proposal/scp/payments-network.json:4",
        '"Sid": "CardDataFromKnownNetworks"',
        "2026-08-17T01:00:10Z to 2026-10-30T01:00:12Z",
    ):
        assert text in detail
    assert table.locator(".block:has-text('Sample events') li").count() == 5
    table.click("text=Show 4 more")
    assert table.locator(".block:has-text('Sample events') li").count() == 9
    row.locator("button").click()
    assert table.locator("tr.detail").count() == 0


def test_the_whole_page_works_by_keyboard(table):
    table.keyboard.press("Tab")
    assert table.evaluate("document.activeElement.textContent") == "Skip to the findings"
    table.keyboard.press("Enter")
    table.focus("button.toggle")
    table.keyboard.press("Enter")
    toggle = table.locator("button.toggle").first
    assert toggle.get_attribute("aria-expanded") == "true"
    assert table.locator(f"#{toggle.get_attribute('aria-controls')}").is_visible()
    # The focus stays where it was, so the next key goes on from there.
    table.keyboard.press("ArrowDown")
    table.keyboard.press("ArrowDown")
    table.keyboard.press("Space")
    assert table.locator("tr.detail").count() == 2
    assert table.evaluate("document.activeElement === document.querySelectorAll('button.toggle')[2]")
    table.keyboard.press("Escape")
    assert table.locator("tr.detail").count() == 1
    table.keyboard.press("End")
    table.keyboard.press("ArrowRight")
    assert table.locator("button.toggle").last.get_attribute("aria-expanded") == "true"
    table.focus(".sort >> nth=4")
    table.keyboard.press("Enter")
    assert table.locator(".findings th >> nth=4").get_attribute("aria-sort") == "descending"


def test_the_focus_is_seen(table):
    for selector in ("#theme", ".tile.o0", "nav a", "th button", "button.toggle", ".chip", "summary"):
        table.keyboard.press("Tab")  # what is focused by a script counts as seen only after a key
        table.focus(selector)
        width = table.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert width == "3px", selector


def test_everything_that_is_used_has_a_name(table):
    nameless = table.evaluate(
        """[...document.querySelectorAll("button, input, select, a, summary, section, nav, [role=region]")]
        .filter((each) => !each.closest("[hidden]") && !each.closest("svg"))
        .filter((each) => !(each.textContent.trim() || each.getAttribute("aria-label") || each.labels?.length
          || each.getAttribute("aria-labelledby"))).map((each) => each.outerHTML)"""
    )
    assert nameless == []
    assert table.evaluate("document.documentElement.lang") == "en"
    # Each level of headings follows from the one above it.
    assert table.locator("h1").count() == 1


# Light and dark, narrow, on paper


def brightness(page, selector="body", what="backgroundColor"):
    colour = page.eval_on_selector(selector, f"each => getComputedStyle(each).{what}")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_system_until_the_reader_chooses(browser, sample_page, scheme):
    with chromium.opened(browser, sample_page, color_scheme=scheme) as watched:
        page = watched.page
        other = {"light": "dark", "dark": "light"}[scheme]
        for now in (scheme, other, scheme):
            assert (brightness(page) > 128) == (now == "light")
            assert (brightness(page, what="color") < 128) == (now == "light")
            assert (brightness(page, "#flow-picture .node-label", "fill") < 128) == (now == "light")
            page.click("#theme")
        assert watched.complaints() == []


def contrast(page, selector):
    return page.eval_on_selector(
        selector,
        """each => {
          const light = (text) => {
            const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((n) => n / 255)
              .map((n) => (n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          let behind = each;
          while (/, 0\\)|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
          const pair = [getComputedStyle(each).color, getComputedStyle(behind).backgroundColor].map(light);
          return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        }""",
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(browser, sample_table_page, scheme):
    """At least 4.5 to 1 (W3C, Web Content Accessibility Guidelines 2.2, 1.4.3)."""
    with chromium.opened(browser, sample_table_page, color_scheme=scheme) as watched:
        page, ratios = watched.page, {}
        for number in range(4):
            page.click(f".tile.o{number}")
            for selector in (f".outcome.o{number}", f".tile.o{number} b", f".chip.o{number}"):
                ratios[selector] = contrast(page, selector)
        page.click("button.toggle")
        for selector in (
            "h1",
            ".lead",
            "td small",
            "tr.detail h4",
            "nav a",
            "dt",
            ".status",
            "th",
            "pre mark",
            "footer",
        ):
            ratios[selector] = contrast(page, selector)
        assert {each: ratio for each, ratio in ratios.items() if ratio < 4.5} == {}


def test_it_fits_a_telephone(browser, sample_page):
    with chromium.opened(browser, sample_page, viewport={"width": 400, "height": 800}) as watched:
        page = watched.page
        page.click("button.toggle")
        page.click("#policies summary >> nth=0")
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        wide = page.evaluate(
            """[...document.querySelectorAll("main *")].filter((each) => each.getBoundingClientRect().right > 401
            && !each.closest(".scroll, pre, svg")).map((each) => each.tagName + "." + each.className)"""
        )
        assert wide == []
        # Without columns each cell says what it is.
        assert "Identity" in page.evaluate(
            "getComputedStyle(document.querySelectorAll('tr.finding td')[1], '::before').content"
        )


def test_on_paper_all_findings_stand_without_what_only_a_screen_has(browser, sample_page):
    with chromium.opened(browser, sample_page, color_scheme="dark") as watched:
        page = watched.page
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator(ROWS).count() == len(data_of(page)["findings"])
        assert brightness(page) > 250
        assert brightness(page, "#flow-picture .node-label", "fill") < 128
        assert page.locator("#policies pre:visible").count() == len(data_of(page)["policies"])
        for selector in ("nav", "#theme", ".filters", ".pages", ".chips"):
            assert not page.locator(selector).is_visible(), selector
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert page.locator(ROWS).count() == 50
        assert brightness(page) < 60
        assert watched.complaints() == []


def test_without_scripts_the_page_still_says_what_matters(browser, sample_table_page):
    with chromium.opened(browser, sample_table_page, java_script_enabled=False) as watched:
        assert "would lose 155 calls" in watched.page.inner_text("h1")
        assert "needs JavaScript" in watched.page.inner_text("main")
        assert "same findings" in watched.page.inner_text("main")
        assert watched.page.locator("#lockouts li").count() == 4
        assert "1,797 judged" in watched.page.inner_text("#evidence")
