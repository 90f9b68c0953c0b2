"""Who is behind what the sample proposal hits, on the graph: the four stories, and the questions people ask."""

import pytest

from simulator.analysis.graph import impact_graph
from simulator.analysis.graph_summary import summary_of
from simulator.analysis.questions import Questions
from simulator.analysis.report import make_report
from simulator.iam.catalog import Catalog
from simulator.organization.proposal import apply
from simulator.replay.outcome import Outcome
from simulator.replay.replayer import Question, Replayer
from simulator.sources.files import find_batches
from simulator.sources.organizations import read_organization
from simulator.sources.proposals import read_proposal
from tests.e2e.command import ORGANIZATION, PROPOSAL, ROOT
from tests.replay_tools import contents

MIRA = "mira.lindqvist@ferries.example"
DEVELOPER = "AWSReservedSSO_Developer_"
RELEASE = "arn:aws:iam::333333330002:role/PaymentsRelease"
DEPLOY = "arn:aws:iam::222222220002:role/platform/deploy/GitHubDeploy"
MAILER = "arn:aws:iam::333333330001:role/service-role/invoice-mailer-role"
PODS = "arn:aws:iam::333333330001:role/app/TimetableReader"
VENDOR, VENDOR_ROLE = "777777770002", "arn:aws:iam::333333330001:role/MonitoringVendor"
HARBOUR = "777777770001"


def replayed(*, ties):
    current = read_organization(ROOT / ORGANIZATION)
    proposed = apply(read_proposal(ROOT / PROPOSAL), current)
    batches, _ = find_batches([ROOT / "samples" / "logs"])
    return Replayer(Question(current, proposed, ties=ties), Catalog()).run(batches), proposed


@pytest.fixture(scope="module")
def report():
    impact, proposed = replayed(ties=True)
    return make_report(impact, proposed, Catalog())


@pytest.fixture(scope="module")
def graph(report):
    return impact_graph(report)


@pytest.fixture(scope="module")
def questions(report):
    return Questions(report)


def node(graph, kind, label):
    [found] = [each for each, data in graph.nodes(data=True) if (data["kind"], data["label"]) == (kind, label)]
    return found


def edges(graph, start, relation, **wanted):
    """The edges of a relation that begin at a node, as (label of the end, data)."""
    return [
        (graph.nodes[end]["label"], data)
        for _, end, data in graph.out_edges(start, data=True)
        if data["relation"] == relation and all(data.get(name) == value for name, value in wanted.items())
    ]


def denied_by(graph, principal, call):
    """The Sids that newly deny a principal's call, followed through its finding."""
    findings = {
        data["finding"]
        for end, data in edges(graph, principal, "makes")
        if end == call and data["outcome"] == "newly_denied"
    }
    return {
        graph.nodes[end]["label"]
        for _, end, data in graph.edges(data=True)
        if data["relation"] == "meets" and data["finding"] in findings and data["outcome"] == "newly_denied"
    }


# The four stories


def test_a_person_behind_an_identity_center_role(graph):
    [(role, data)] = edges(graph, node(graph, "person", MIRA), "signs_in")
    assert DEVELOPER in role
    assert (data["confidence"], data["denied"], data["undecided"]) == ("proved", 12, 8)
    assert denied_by(graph, node(graph, "role", role), "ec2:DescribeInstances") == {"OnlyFrankfurtAndStockholm"}


def test_a_pipeline_behind_a_deploy_role_that_assumes_a_second_role(graph):
    release = node(graph, "role", RELEASE)
    pipeline = node(graph, "pipeline", "nordhaven-ferries/payments")
    assert graph.nodes[pipeline]["detail"] == "GitHub Actions"
    [(deploy, first)] = edges(graph, pipeline, "exchanges_token", principal=release)
    [(last, second)] = edges(graph, node(graph, "role", DEPLOY), "assumes", principal=release)
    assert (deploy, last) == (DEPLOY, RELEASE)
    assert first["confidence"] == second["confidence"] == "proved"
    assert first["denied"] == second["denied"] == 9
    assert denied_by(graph, release, "lambda:UpdateFunctionCode") == {"OnlyFrankfurtAndStockholm"}
    # Another pipeline uses the same deploy role, but never came to this release role.
    people = {
        graph.nodes[start]["label"] for start, _, data in graph.edges(data=True) if data.get("principal") == release
    }
    assert people == {"nordhaven-ferries/payments", DEPLOY}


def test_a_lambda_function(graph):
    function = node(graph, "workload", "invoice-mailer")
    assert graph.nodes[function]["detail"] == "Lambda function"
    [(role, data)] = edges(graph, function, "assumes")
    assert (role, data["confidence"], data["denied"]) == (MAILER, "proved", 7)
    assert denied_by(graph, node(graph, "role", MAILER), "s3:DeleteObject") == {"OnlyStewardsDelete"}


def test_an_external_account_hit_by_an_rcp(graph):
    harbour = node(graph, "external_account", HARBOUR)
    assert denied_by(graph, harbour, "s3:GetObject") == {"OnlyOurPrincipals"}
    statement = node(graph, "statement", "OnlyOurPrincipals")
    assert graph.nodes[statement]["policy_type"] == "RESOURCE_CONTROL_POLICY"
    account = node(graph, "account", HARBOUR)
    assert graph.nodes[account]["member"] is False


def test_sessions_lost_with_a_denied_assume_role_are_counted_apart(graph, report):
    groups = {
        graph.nodes[end]["label"]: (data["sessions"], data["calls"])
        for _, end, data in graph.edges(data=True)
        if data["relation"] == "takes_away"
    }
    assert groups["lost sessions of MonitoringVendor"] == (5, 15)
    assert groups["lost sessions of TimetableReader"] == (4, 24)
    # Nothing of it is among the newly denied calls.
    assert not [each for each in report.findings if each.principal.arn == VENDOR_ROLE]
    group = node(graph, "session_group", "lost sessions of MonitoringVendor")
    assert [(event, data["calls"]) for event, data in edges(graph, group, "loses")] == [
        ("monitoring:GetMetricData", 15)
    ]


# The questions


def statement(questions, sid):
    [found] = [each for each in questions.statements() if each.sid == sid]
    return found


def test_dependents_of_a_statement(questions):
    found = questions.dependents(statement(questions, "OnlyFrankfurtAndStockholm"))
    direct = {each.identity.arn: each.calls for each in found.direct}
    assert direct[RELEASE] == 9
    indirect = {each.identity.label: (each.calls, each.through) for each in found.indirect}
    assert indirect["nordhaven-ferries/payments"] == (9, RELEASE)
    assert indirect[MIRA][0] == 12
    assert "nordhaven-ferries/booking" not in indirect
    assert found.lost == ()
    lost = questions.dependents(statement(questions, "OnlyOurPrincipals")).lost
    assert [(each.caller.label, each.calls) for each in lost] == [(VENDOR, 15)]


def test_the_blast_radius_adds_up(questions, report):
    accounts, units, people = questions.by_account(), questions.by_unit(), questions.by_person()
    newly, possibly = (report.impact.outcomes[each] for each in (Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED))
    assert sum(each.calls for each in accounts) == newly
    assert sum(each.undecided for each in accounts) == possibly
    root = next(each for each in units if each.label == "Root")
    members = [each for each in accounts if report.organization.account(each.id)]
    assert (root.calls, root.undecided) == (sum(e.calls for e in members), sum(e.undecided for e in members))
    assert {each.label: each.calls for each in people}[MIRA] == 12


def test_who_is_freed_if_only_one_statement_goes(questions, report):
    regions = questions.freed_by_removing(statement(questions, "OnlyFrankfurtAndStockholm"))
    counts = {each.principal: (each.freed, each.open, each.held) for each in regions}
    assert counts[RELEASE] == (9, 0, 0)
    # One dry run of Jonas is denied by two statements: taking one away does not free it.
    [operator] = [each for name, each in counts.items() if "AWSReservedSSO_Operator" in name]
    assert operator == (3, 0, 1)
    freed = sum(each.freed for found in questions.statements() for each in questions.freed_by_removing(found))
    assert freed < report.impact.outcomes[Outcome.NEWLY_DENIED]


def test_identities_hit_by_several_statements(questions):
    rows = {each.principal: each for each in questions.hit_by_several()}
    root = rows["arn:aws:iam::444444440002:root"]
    assert {each.sid for each in root.statements} == {
        "NoLongLivedKeys",
        "NobodyWorksAsRoot",
        "OnlyFrankfurtAndStockholm",
    }
    assert (root.calls, root.together) == (3, 2)
    assert RELEASE not in rows


def test_the_ten_to_talk_to_first(questions):
    talks = questions.first_to_talk_to()
    assert len(talks) == 10
    assert [(each.calls + each.lost) for each in talks] == sorted(
        (each.calls + each.lost for each in talks), reverse=True
    )
    by_label = {each.identity.label: each for each in talks}
    assert (by_label[VENDOR].calls, by_label[VENDOR].lost) == (5, 15)
    assert by_label["nordhaven-ferries/payments"].through == (RELEASE,)
    assert "cloudtrail.amazonaws.com" not in by_label
    assert "anonymous" not in by_label


# The graph as a whole


def test_a_summary_is_small_and_keeps_what_matters(graph):
    small = summary_of(graph, most=3)
    kinds = [data["kind"] for _, data in small.nodes(data=True)]
    assert all(
        kinds.count(kind) <= 4 for kind in ("person", "role", "workload", "call", "resource", "event", "account")
    )
    assert {data["label"] for _, data in small.nodes(data=True) if data["kind"] == "statement"} == {
        data["label"] for _, data in graph.nodes(data=True) if data["kind"] == "statement"
    }
    stands_for = sum(data.get("folded", 1) for _, data in small.nodes(data=True))
    assert stands_for == graph.number_of_nodes()
    for relation in ("makes", "meets", "on", "signs_in", "assumes", "loses"):
        assert calls_of(small, relation) == calls_of(graph, relation)


def calls_of(graph, relation):
    return sum(data["calls"] for _, _, data in graph.edges(data=True) if data["relation"] == relation)


def test_a_summary_of_a_small_graph_is_the_graph(graph):
    whole = summary_of(graph, most=10_000)
    assert list(whole.nodes(data=True)) == list(graph.nodes(data=True))
    assert sorted(whole.edges(keys=True)) == sorted(graph.edges(keys=True))


def test_asking_changes_nothing_else(report):
    without, _ = replayed(ties=False)
    assert without.ties is None
    assert contents(without, "ties") == contents(report.impact, "ties")
    with pytest.raises(ValueError, match="ties"):
        Questions(make_report(without, report.organization, Catalog()))
