"""The comment: it renders, it fits, and nothing in it is markup that a log wrote."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from simulator.analysis.report import make_report
from simulator.outputs import markdown
from simulator.outputs.markdown_text import code, prose
from simulator.replay.outcome import Outcome
from tests.unit.organization.small import SHOP, organization
from tests.unit.outputs.conftest import CATALOG, HOSTILE, REGIONS, STEWARDS, an_impact, role, see

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = {"<br>", "<sub>", "</sub>", "</details>", markdown.MARK}
HOSTILES = (
    "| a | b |",
    "`code` ``more``",
    "a\nb\r\nc\u2028d",
    "<script>alert(1)</script>",
    "</details></table>",
    "@octocat and @org/team",
    "#12 GH-34 org/repo#56 !7 $8 &9 %10 ~bug",
    "[link](https://evil.example) ![image](https://evil.example/x.png)",
    "https://evil.example www.evil.example ftp://evil.example mira@evil.example",
    "<https://evil.example> <mira@evil.example>",
    "**bold** __bold__ ~~gone~~ $x$ :smile:",
    "```\nfence",
    "gnp\u202eexe\u200b\u2066",
    "\\` \\| \\",
    "%%{init: {'theme': 'x'}}%% --> end",
    "\x1b[2J\x00\ud800",
    "",
    "   ",
)


def chart_of(text):
    return re.search(r"^```mermaid\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]


NODE = (
    r'n\d+(?:\["[^"`<>{}%]*(?:<br/>[^"`<>{}%]*)?"\]|\(\["[^"<>%]*"\]\)|\[/"[^"<>%]*"/\]|\{\{"[^"<>%]*"\}\})(?::::\w+)?'
)
EDGE = r'n\d+ (?:---|-->|-\.->)(?:\|"[\w, ]+"\|)? n\d+'
STYLE = r"classDef \w+ [\w#,:-]+"


def assert_is_mermaid(text):
    """The few forms of a flowchart that are used, and no node drawn that is not there."""
    first, *lines = text.splitlines()
    assert first == "flowchart LR"
    assert len(text) < 50_000
    kinds = [
        next((kind for kind in (NODE, EDGE, STYLE, r"%%[^{}%]*") if re.fullmatch(kind, each.strip())), None)
        for each in lines
    ]
    assert None not in kinds, lines[kinds.index(None)]
    drawn = {
        each.split("[")[0].split("(")[0].split("{")[0].strip()
        for each, kind in zip(lines, kinds, strict=True)
        if kind is NODE
    }
    linked = {
        name
        for each, kind in zip(lines, kinds, strict=True)
        if kind is EDGE
        for name in re.findall(r"\bn\d+\b", re.sub(r'"[^"]*"', "", each))
    }
    assert linked <= drawn
    assert kinds.count(EDGE) <= 500


def rows(tokens):
    """The tables as lists of rows of cells (the children of their inline tokens)."""
    tables, row = [], None
    for token in tokens:
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            row = []
            tables[-1].append(row)
        elif token.type == "inline" and row is not None:
            row.append(token)
        elif token.type == "table_close":
            row = None
    return tables


def assert_harmless(text):
    """What a log wrote is text or code: no markup, and no text that GitHub or GitLab would act on."""
    for token in PARSER.parse(text):
        if token.type == "html_block":
            for line in token.content.splitlines():
                assert line in OURS or re.fullmatch(r"<details><summary>[\w ,:;]+</summary>", line), line
        for child in token.children or ():
            assert child.type in {
                "text",
                "softbreak",
                "hardbreak",
                "code_inline",
                "html_inline",
                "strong_open",
                "strong_close",
            }
            if child.type == "html_inline":
                assert child.content in OURS
        # What follows one another is one text once it is rendered.
        shown = "".join("\0" if child.type == "code_inline" else child.content for child in token.children or ())
        shown = shown.removeprefix("[!WARNING]")
        assert not re.search(r"@\w|[#!$%&~]\w|://|www\.|:[\w+-]+:", shown), shown


def assert_fits(text):
    assert len(text.encode("utf-8")) < markdown.LIMIT == 65_536


def test_it_has_headings_tables_a_graph_and_evidence(report):
    text = markdown.render(report)
    tokens = PARSER.parse(text)
    headings = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings[0].startswith("7 identities would lose 155 calls")
    assert headings[1:] == ["Would be denied"]
    assert [len(table) - 1 for table in rows(tokens)] == [9, 3, 1, 1]
    assert text.startswith(f"{markdown.MARK}\n")
    assert text.count("<details>") == text.count("</details>") == 5
    assert_is_mermaid(chart_of(text))
    assert "1,300 read = 1,200 judged" in text
    assert "AWSControlTowerExecution loses" in text
    assert_fits(text)
    assert_harmless(text)


def test_every_row_has_the_cells_of_its_head(report):
    for table in rows(PARSER.parse(markdown.render(report))):
        assert {len(row) for row in table} == {len(table[0])}
        assert [cell.content for cell in table[0]][:2] == ["who", "call"]


def test_a_finding_that_is_open_names_what_would_settle_it(report):
    tables = rows(PARSER.parse(markdown.render(report)))
    table = next(each for each in tables if each[0][-1].content == "settled by")
    settled = ["".join(child.content for child in row[-1].children) for row in table[1:]]
    assert settled == [
        "aws:PrincipalTag/data-steward",
        "aws:PrincipalTag/data-steward",
        "whether AWS checked this action for the call at all<br>"
        "which account owns the resource, and where it stands in the organization",
    ]


def test_nothing_denied_is_no_table_and_no_graph(quiet_report):
    text = markdown.render(quiet_report)
    assert "## No call in this log would be newly denied." in text
    assert "|---" not in text
    assert "mermaid" not in text
    assert_harmless(text)


def many(count, name):
    impact = an_impact()
    for number in range(count):
        outcome = Outcome.NEWLY_DENIED if number % 5 else Outcome.POSSIBLY_NEWLY_DENIED
        place = (REGIONS, STEWARDS)[number % 2]._replace(sid=f"Sid{number % 40}", line=number % 40 + 1)
        keys = ("aws:sourceip", "resource_account") if outcome.is_open else ()
        see(impact, outcome, role(SHOP, f"{number:04}{name}"), f"s3:Do{number}", place, 9_000 - number, keys=keys)
    return make_report(impact, organization(), CATALOG, lockouts=(f"lost {name}",) * 300, notes=(f"note {name}",) * 300)


@pytest.mark.parametrize(
    "name", ["deployer", "漢" * 400, "|`@x" * 200, HOSTILE], ids=["plain", "wide", "special", "hostile"]
)
def test_five_thousand_findings_fit_and_render(name):
    report = many(5_000, name)
    text = markdown.render(report)
    assert_fits(text)
    assert len(text) > 20_000  # room is used
    tokens = PARSER.parse(text)
    assert sum(token.type == "heading_open" for token in tokens) == 2
    tables = rows(tokens)
    assert len(tables[0]) == 11
    for table in tables:
        assert {len(row) for row in table} == {len(table[0])}
    assert text.count("<details>") == text.count("</details>")
    assert_is_mermaid(chart_of(text))
    assert_harmless(text)
    # What is shown and what is left out add up.
    (cut,) = re.findall(r"Left out for length: (.*)", text)
    left = [int(number.replace(",", "")) for number, _ in re.findall(r"([\d,]+) of ([\d,]+) finding", cut)]
    assert sum(left) + sum(len(table) - 1 for table in tables) == len(report.findings) == 5_000
    assert "JSON, CSV and HTML reports of the same run" in text


def test_the_order_is_that_of_the_report_whatever_is_cut():
    few, some = (markdown.render(many(count, "deployer")) for count in (60, 80))
    first = [[row[0].content for row in rows(PARSER.parse(text))[0]] for text in (few, some)]
    assert first[0] == first[1]


@pytest.mark.parametrize("hostile", HOSTILES)
def test_hostile_texts_are_shown_and_nothing_else(report, hostile):
    finding = report.findings[0]
    attacked = replace(
        finding,
        principal=replace(finding.principal, arn=hostile, account_name=hostile, ou_path=hostile),
        action=hostile,
        place=finding.place._replace(policy=hostile, sid=hostile, attached_to=hostile, file=hostile),
        attached_name=hostile,
        first_seen=hostile,
        last_seen=hostile,
    )
    open_one = replace(
        attacked, outcome=Outcome.POSSIBLY_NEWLY_DENIED, settled_by=(hostile, f"aws:PrincipalTag/{hostile}")
    )
    text = markdown.render(
        replace(
            report, findings=(attacked, open_one), lockouts=(hostile, f"x {hostile} y"), notes=(hostile, f"x {hostile}")
        )
    )
    assert_harmless(text)
    assert_is_mermaid(chart_of(text))
    tables = rows(PARSER.parse(text))
    assert [[len(row) for row in table] for table in tables] == [[5, 5], [6, 6]]
    fences = [token.info for token in PARSER.parse(text) if token.type == "fence"]
    assert fences == ["mermaid", "text"]


@given(st.text(), st.text())
def test_any_text_is_one_code_span_and_any_sentence_is_plain_text(name, sentence):
    (token,) = (each for each in PARSER.parse(f"x {code(name)} y") if each.type == "inline")
    assert [child.type for child in token.children] == (
        ["text", "code_inline", "text"] if "`" in code(name) else ["text"]
    )
    assert "|" not in code(name)
    assert_harmless(f"x {prose(sentence)} y")


def test_a_sentence_reads_the_same():
    (token,) = (
        each for each in PARSER.parse(prose("role *-admin of <b>: 1,200 & 3_000 of a@b!")) if each.type == "inline"
    )
    assert (
        "".join(child.content for child in token.children).replace("\u200b", "")
        == "role *-admin of <b>: 1,200 & 3_000 of a@b!"
    )
