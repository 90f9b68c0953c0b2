"""The impact as a graph: what relies on what can be followed from identity to attachment point."""

from dataclasses import replace

import networkx as nx
import pytest

from simulator.analysis.graph import impact_graph, plain_graph
from simulator.analysis.graph_parts import GraphKind
from simulator.analysis.report import make_report
from simulator.iam.catalog import Catalog
from simulator.organization.tree import without_snapshot
from simulator.replay.impact import FindingKey, Impact
from simulator.replay.outcome import Outcome, StatementPlace
from tests.unit.organization.small import BANK, SHOP, TEST, organization

REGIONS = StatementPlace("SERVICE_CONTROL_POLICY", "regions", "Eu", 0, "ou-a1b2-work", 1, "r.json", 4, '{"Sid":"Eu"}')
NO_SID = StatementPlace("SERVICE_CONTROL_POLICY", "tokens", None, 2, "ou-a1b2-wprd", 2, None, None, '{"a":1}')
NO_ALLOW = StatementPlace("SERVICE_CONTROL_POLICY", None, None, None, "ou-a1b2-lprd", 2, None, None, "")
PERIMETER = StatementPlace("RESOURCE_CONTROL_POLICY", "regions", "Eu", 0, "r-a1b2", 0, None, None, '{"Sid":"Eu"}')


CATALOG = Catalog()


def arn(account, name):
    return f"arn:aws:iam::{account}:role/{name}"


def see(impact, principal, action, place, *, account, calls=1, kind="role", outcome=Outcome.NEWLY_DENIED, resources=()):
    fold = impact.finding(FindingKey(outcome, principal, kind, account, action, place))
    fold.calls = calls
    fold.see("2026-01-02T08:00:00Z")
    for text, count in resources:
        fold.resources.add(text, count)


@pytest.fixture
def report():
    impact = Impact()
    see(impact, arn(SHOP, "ci"), "s3:PutObject", REGIONS, account=SHOP, calls=9, resources=[("arn:aws:s3:::b/*", 7)])
    see(impact, arn(SHOP, "ci"), "s3:PutObject", NO_SID, account=SHOP, calls=4)
    see(impact, arn(BANK, "app"), "s3:PutObject", REGIONS, account=BANK, calls=3)
    see(impact, arn(TEST, "lab"), "redshift:DescribeClusters", NO_ALLOW, account=TEST)
    see(impact, "555555555555", "s3:GetObject", PERIMETER, account="555555555555", kind="account")
    see(impact, "logs.amazonaws.com", "s3:PutObject", PERIMETER, account=None, kind="aws-service")
    return make_report(impact, organization(), CATALOG)


def named(graph, kind, label):
    [found] = [
        node for node, data in graph.nodes(data=True) if (data["kind"], data["label"]) == (GraphKind(kind).value, label)
    ]
    return found


def followed(graph, start, *relations):
    """The labels of what a chain of relations leads to."""
    found = {start}
    for relation in relations:
        found = {end for node in found for _, end, kind in graph.out_edges(node, data="relation") if kind == relation}
    return {graph.nodes[node]["label"] for node in found}


def test_an_identity_leads_to_the_attachment_point(report):
    graph = impact_graph(report)
    ci = named(graph, "role", arn(SHOP, "ci"))
    assert followed(graph, ci, "makes") == {"s3:PutObject"}
    assert followed(graph, ci, "makes", "on") == {"arn:aws:s3:::b/*"}
    assert followed(graph, ci, "makes", "meets") == {"Eu", "statement 3"}
    [statement] = [
        end for _, end, data in graph.edges(data=True) if data.get("calls") == 9 and data["relation"] == "meets"
    ]
    assert followed(graph, statement, "part_of") == {"regions"}
    assert followed(graph, statement, "part_of", "attached_to", "is") == {"Workloads"}


def test_accounts_stand_in_their_units(report):
    graph = impact_graph(report)
    ci = named(graph, "role", arn(SHOP, "ci"))
    assert followed(graph, ci, "belongs_to") == {"shop"}
    assert followed(graph, ci, "belongs_to", "inside") == {"Prod"}
    assert followed(graph, ci, "belongs_to", "inside", "inside", "inside") == {"Root"}


def test_edges_say_what_their_finding_says(report):
    graph = impact_graph(report)
    for finding in report.findings:
        [meets] = [
            data
            for *_, data in graph.edges(data=True)
            if data.get("finding") == finding.id and data["relation"] == "meets"
        ]
        assert (meets["calls"], meets["first_seen"], meets["last_seen"], meets["outcome"], meets["attached_to"]) == (
            finding.calls,
            finding.first_seen,
            finding.last_seen,
            finding.outcome.value,
            finding.place.attached_to,
        )
    [on] = [data for *_, data in graph.edges(data=True) if data["relation"] == "on"]
    assert on["calls"] == 7


def test_an_implicit_deny_has_a_statement_but_no_policy(report):
    graph = impact_graph(report)
    statement = named(graph, "statement", "no statement allows it")
    assert followed(graph, statement, "part_of") == set()
    assert followed(graph, statement, "missing_at", "is") == {"Prod"}


def test_external_accounts_and_services(report):
    graph = impact_graph(report)
    external = named(graph, "external_account", "555555555555")
    assert followed(graph, external, "makes") == {"s3:GetObject"}
    external = named(graph, "account", "555555555555")
    assert graph.nodes[external]["member"] is False
    assert graph.nodes[named(graph, "account", "shop")]["member"] is True
    service = named(graph, "service", "logs.amazonaws.com")
    assert followed(graph, service, "belongs_to") == set()


def test_an_scp_and_an_rcp_of_one_name_are_two_policies(report):
    graph = impact_graph(report)
    policies = [data["policy_type"] for _, data in graph.nodes(data=True) if data["label"] == "regions"]
    assert sorted(policies) == ["RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"]


def test_two_versions_of_a_statement_are_two_statements(report):
    first = report.findings[0]
    other = replace(first, place=first.place._replace(text='{"Sid":"Eu","Resource":"*"}'))
    graph = impact_graph(replace(report, findings=(first, other)))
    assert sum(data["kind"] == "statement" for _, data in graph.nodes(data=True)) == 2
    assert sum(data["kind"] == "policy" for _, data in graph.nodes(data=True)) == 1


def test_lost_names_of_two_accounts_are_two_identities(report):
    first = report.findings[0]
    lost = tuple(
        replace(first, principal=replace(first.principal, arn="role", account=account)) for account in (SHOP, BANK)
    )
    graph = impact_graph(replace(report, findings=lost))
    assert sum(data["kind"] == "role" for _, data in graph.nodes(data=True)) == 2


def test_separators_in_hostile_names_do_not_join_nodes(report):
    first = report.findings[0]
    one = replace(first, principal=replace(first.principal, account="b|c", arn="d"))
    two = replace(first, principal=replace(first.principal, account="b", arn="c|d"))
    graph = impact_graph(replace(report, findings=(one, two)))
    assert sum(data["kind"] == "role" for _, data in graph.nodes(data=True)) == 2


def test_kinds_relations_and_keys_are_complete(report):
    graph = impact_graph(report)
    kinds = {each.value for each in GraphKind}
    assert {data["kind"] for _, data in graph.nodes(data=True)} <= kinds
    assert all(data["label"] for _, data in graph.nodes(data=True))
    keys = [key for *_, key in graph.edges(keys=True)]
    assert len(keys) == len(set(keys))
    values = [value for _, data in graph.nodes(data=True) for value in data.values()]
    assert None not in values


def test_the_graph_is_deterministic_and_without_a_snapshot_still_whole(report):
    bare = make_report(report.impact, without_snapshot(), CATALOG)
    first, second = impact_graph(bare), impact_graph(bare)
    assert nx.utils.graphs_equal(first, second)
    assert list(first.edges(keys=True)) == list(second.edges(keys=True))
    assert followed(first, named(first, "role", arn(SHOP, "ci")), "belongs_to", "inside") == {"Root"}


def test_the_plain_graph_is_written_as_networkx_writes_it(report):
    # Two findings of one call meet the same statement twice, with another edge between.
    again = replace(report, findings=(*report.findings, *report.findings[:3]))
    assert plain_graph(again).node_link() == nx.node_link_data(impact_graph(again), edges="edges")
