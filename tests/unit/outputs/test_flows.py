"""The summary of flows: nothing is lost by folding, and what is folded is said."""

from collections import Counter
from dataclasses import replace

import pytest

from simulator.outputs import dot, mermaid
from simulator.outputs.flows import SHOWN, flows_of
from simulator.replay.outcome import Outcome
from tests.unit.outputs.conftest import HOSTILE


def shown_findings(report):
    return [each for each in report.findings if each.outcome in SHOWN]


def flowing(flows, outcome, column):
    """Calls of an outcome that leave a column."""
    return sum(
        link.calls for link in flows.links if link.outcome is outcome and flows.nodes[link.start].column == column
    )


@pytest.mark.parametrize("members", [1, 2, 3, 100])
def test_every_call_flows_from_account_to_statement(report, members):
    flows = flows_of(report, members)
    for outcome in SHOWN:
        calls = sum(each.calls for each in report.findings if each.outcome is outcome)
        assert [flowing(flows, outcome, column) for column in range(3)] == [calls] * 3
    for link in flows.links:
        assert flows.nodes[link.end].column == flows.nodes[link.start].column + 1
    # What flows into a node flows out of it, but for the first column and the last.
    for place, node in enumerate(flows.nodes):
        if node.column in (1, 2):
            entering = sum(link.calls for link in flows.links if link.end == place)
            assert entering == sum(link.calls for link in flows.links if link.start == place)


def test_other_outcomes_are_not_drawn(report):
    assert {link.outcome for link in flows_of(report).links} == set(SHOWN)
    only_allowed = replace(report, findings=tuple(each for each in report.findings if each.outcome not in SHOWN))
    assert flows_of(only_allowed).links == flows_of(only_allowed).nodes == ()


def test_members_stand_by_size_and_the_rest_is_one_and_said(report):
    flows = flows_of(report, 2)
    by_column = Counter(node.column for node in flows.nodes)
    assert set(by_column.values()) == {3}
    actions = [node for node in flows.nodes if node.column == 2]
    found = Counter()
    for each in shown_findings(report):
        found[each.action] += each.calls
    (first, _), (second, _) = found.most_common(2)
    left = len(found) - 2
    assert [node.label for node in actions] == [first, second, f"{left} other actions"]
    folded = sum(found.values()) - found[first] - found[second]
    assert f"{left} actions with {folded} calls" in flows.folded


def test_one_that_is_left_is_drawn(report):
    actions = len({each.action for each in shown_findings(report)})
    flows = flows_of(report, actions - 1)
    assert len([node for node in flows.nodes if node.column == 2]) == actions
    assert not any("action" in each for each in flows.folded)


def test_many_accounts_are_drawn_as_units(report):
    first = [node.label for node in flows_of(report, 1).nodes if node.column == 0]
    assert first[0] == "Workloads/Prod"
    assert next(node.label for node in flows_of(report).nodes if node.column == 0) == "shop"


def test_identities_of_one_name_stay_apart(report):
    """Two roles of the same name in two accounts are two."""
    finding = shown_findings(report)[0]
    twin = replace(finding, principal=replace(finding.principal, arn=finding.principal.arn.replace("1" * 12, "2" * 12)))
    flows = flows_of(replace(report, findings=(finding, twin)))
    assert len([node for node in flows.nodes if node.column == 1]) == 2


def test_nothing_gives_an_empty_picture(quiet_report):
    assert flows_of(quiet_report).nodes == ()
    assert mermaid.render(quiet_report) == "flowchart LR\n"
    assert dot.render(quiet_report).endswith("}\n")


# Mermaid and DOT


def test_mermaid_has_no_character_of_its_own_in_a_label(report):
    chart = mermaid.render(report)
    [hostile] = [line for line in chart.splitlines() if "cmd#124;" in line and "[/" in line]
    label = hostile.partition('"')[2].rpartition('"')[0]
    assert not set(label) & set("\"'<>`&;[](){}|\\") - {";"}
    assert mermaid.text(HOSTILE[:10]) in label
    assert {"-->", "-.->"} <= set(chart.split()) | {each.partition("|")[0] for each in chart.split()}
    assert len(chart) < 50_000


def test_mermaid_tells_the_outcomes_apart_and_names_policies(report):
    chart = mermaid.render(report)
    assert '-->|"100"|' in chart
    assert '-.->|"20"|' in chart
    assert "OnlyFrankfurt of SCP workload-regions on Workloads" in chart


def dot_strings(text):
    """The strings of a DOT text, read as Graphviz reads them; what is left between them."""
    strings, rest, inside, place = [], "", False, 0
    while place < len(text):
        each = text[place]
        if inside and each == "\\":
            strings[-1] += text[place : place + 2]
            place += 1
        elif each == '"':
            inside = not inside
            strings += [""] if inside else []
        elif inside:
            strings[-1] += each
        else:
            rest += each
        place += 1
    assert not inside
    return strings, rest


def test_dot_keeps_hostile_texts_inside_their_strings(report):
    strings, rest = dot_strings(dot.render(report))
    assert not set("<>$`'\\") & set(rest.replace("->", ""))
    assert rest.count("{") == rest.count("}") == 5
    # Graphviz would read other escapes: \N is the node's name, \n and \l end lines.
    assert {each[place + 1] for each in strings for place in range(len(each) - 1) if each[place] == "\\"} <= set(
        '\\"xuU'
    )
    assert any("script" in each for each in strings)


def test_dot_draws_every_link(report):
    flows = flows_of(report)
    text = dot.render(report)
    assert text.count(" -> ") == len(flows.links)
    assert text.count("style=dashed") == sum(link.outcome is Outcome.POSSIBLY_NEWLY_DENIED for link in flows.links)
