"""The JSON document: true to its schema and to the report, and exact where logs are hostile."""

import json
from importlib.resources import files

import networkx as nx
import pytest
from jsonschema import Draft202012Validator

from simulator.analysis.graph import impact_graph
from simulator.analysis.report import make_report
from simulator.organization.tree import without_snapshot
from simulator.outputs import graph_json, impact_json
from simulator.replay.impact import Impact
from tests.unit.outputs.conftest import BANK, CATALOG, DEPLOYER, HOSTILE

SCHEMA = json.loads(files("simulator.outputs").joinpath("impact.schema.json").read_text(encoding="utf-8"))


def closed(schema):
    """The schema without room for fields that it does not describe: what is written must be documented."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(value) for name, value in schema.items()}
    if "properties" in found and isinstance(found.get("required"), list):
        found["additionalProperties"] = False
    return found


def read(report):
    return json.loads(impact_json.render(report))


def finding(document, outcome, action, arn):
    [found] = [
        each
        for each in document["findings"]
        if (each["outcome"], each["action"], each["principal"]["arn"]) == (outcome, action, arn)
    ]
    return found


@pytest.mark.parametrize("name", ["report", "quiet_report"])
def test_it_follows_the_schema(name, request):
    document = read(request.getfixturevalue(name))
    Draft202012Validator.check_schema(SCHEMA)
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []
    assert list(Draft202012Validator(closed(SCHEMA)).iter_errors(document)) == []


def test_the_schema_refuses_what_is_not_an_impact(report):
    document = read(report)
    for spoil in (
        lambda value: value.pop("window"),
        lambda value: value["outcomes"].pop("exempt"),
        lambda value: value["findings"][0].update(outcome="unchanged"),
        lambda value: value["findings"][0].update(event_ids=["e"] * 21),
        lambda value: value["records"].update(read=-1),
        lambda value: value.update(schema="orgsim/impact/2"),
    ):
        spoilt = json.loads(json.dumps(document))
        spoil(spoilt)
        assert not Draft202012Validator(SCHEMA).is_valid(spoilt)


def test_counts_add_up_and_all_outcomes_are_there(report):
    document = read(report)
    records = document["records"]
    parts = records["mapped"] + records["unmapped"] + records["duplicates"] + sum(records["skipped"].values())
    assert records["read"] == parts
    assert sum(document["outcomes"].values()) == records["mapped"]


def test_an_empty_impact_has_every_field():
    document = read(make_report(Impact(), without_snapshot(), CATALOG))
    assert set(document["outcomes"].values()) == {0}
    assert len(document["outcomes"]) == 6
    assert document["window"] == {"first": None, "last": None}
    assert document["findings"] == document["graph"]["nodes"] == document["graph"]["edges"] == []
    assert list(Draft202012Validator(closed(SCHEMA)).iter_errors(document)) == []


def test_a_finding_says_all_of_it(report):
    found = finding(read(report), "newly_denied", "s3:PutObject", DEPLOYER)
    assert found["principal"] == {
        "arn": DEPLOYER,
        "type": "role",
        "account": "111111111111",
        "account_name": "shop",
        "ou_path": "Workloads/Prod",
    }
    assert found["statement"] == {
        "policy": "workload-regions",
        "policy_type": "SERVICE_CONTROL_POLICY",
        "sid": "OnlyFrankfurt",
        "index": 0,
        "attached_to": "ou-a1b2-work",
        "attached_name": "Workloads",
        "level": 1,
        "file": "scp/workload-regions.json",
        "line": 4,
    }
    assert (found["calls"], found["first_seen"], found["last_seen"]) == (
        100,
        "2026-01-02T08:00:00Z",
        "2026-03-04T17:30:00Z",
    )
    assert found["sessions"] == [{"name": "build-1", "calls": 1}]


def test_cut_lists_keep_the_smallest_and_say_so(report):
    found = finding(read(report), "newly_denied", "s3:PutObject", DEPLOYER)
    assert [each["arn"] for each in found["resources"]] == [f"arn:aws:s3:::bucket-{n:02}/*" for n in range(20)]
    assert len(found["event_ids"]) == 20
    assert found["truncated"] == ["event_ids", "resources"]


def test_an_implicit_deny_names_the_level_and_no_policy(report):
    found = finding(read(report), "newly_denied", "redshift:DescribeClusters", "arn:aws:iam::333333333333:role/tester")
    statement = found["statement"]
    assert [statement[name] for name in ("policy", "sid", "index", "file", "line")] == [None] * 5
    assert (statement["level"], statement["attached_to"]) == (2, "ou-a1b2-lprd")


def test_an_undecided_finding_names_what_settles_it(report):
    found = finding(read(report), "possibly_newly_denied", "kms:Decrypt", f"arn:aws:iam::{BANK}:role/teller")
    assert found["settled_by"] == ["action", "resource_account"]


def test_hostile_texts_come_back_as_they_were(report):
    [hostile] = [each for each in read(report)["findings"] if each["action"].startswith("=cmd")]
    # Only the lone surrogate is lost: it is no character.
    assert hostile["action"] == HOSTILE.replace("\ud800", "\ufffd")
    assert {each["name"] for each in hostile["sessions"]} == {HOSTILE.replace("\ud800", "\ufffd"), "line\nbreak"}


def test_the_graph_reads_back(report):
    graph = nx.node_link_graph(read(report)["graph"], edges="edges")
    expected = impact_graph(report)
    assert isinstance(graph, nx.MultiDiGraph)
    assert graph.number_of_edges() == expected.number_of_edges()
    assert [data["kind"] for _, data in graph.nodes(data=True)] == [
        data["kind"] for _, data in expected.nodes(data=True)
    ]


def test_the_graph_alone_is_the_same(report):
    assert json.loads(graph_json.render(report)) == read(report)["graph"]


def test_evidence(report):
    evidence = read(report)["evidence"]
    assert {"id": BANK, "name": "bank", "records": 300} in evidence["accounts"]
    assert evidence["stale_accounts"] == [{"id": "777777777777", "records": 10}]
    assert evidence["unmapped"][1] == {
        "event_source": "new.amazonaws.com",
        "event_name": "DoThing",
        "reason": "unknown-service",
        "records": 40,
    }
    assert evidence["drift"] == 1
    assert evidence["notes"][0] == "today's tree was used for past events"
    assert evidence["truncated"] == []
