"""The vectors and incidents of vectors.yaml: records against policies, call by call."""

from pathlib import Path

import pytest
import yaml

from simulator.replay.outcome import Outcome
from tests.replay_tools import ANONYMOUS, record, role, root, service, stranger, user
from tests.unit.replay.world import (
    APP,
    DATA,
    EMPTY,
    FOREIGN,
    LAB,
    LABS,
    MANAGEMENT,
    PROD,
    ROOT,
    WORK,
    Attached,
    keys,
    organization,
    replay,
    sids,
)

ACCOUNTS = {"app": APP, "data": DATA, "lab": LAB, "management": MANAGEMENT, "foreign": FOREIGN}
NODES = {"Root": ROOT, "Work": WORK, "Prod": PROD, "Labs": LABS, "Empty": EMPTY, **ACCOUNTS}
FILE = yaml.safe_load((Path(__file__).parent / "vectors.yaml").read_text(encoding="utf-8"))
CASES = [*FILE["cases"], *FILE["incidents"]]
NEEDED = {4, 5, 6, 7, 9, 12, 13, 14, 20, 22, 23, 25, 26, 27, 28, 30}
"""Vectors that a single request cannot express (tests/cases/vectors.yaml, needs_replay)."""


def name(case):
    return f"{case.get('vector') or case['thread'].split(',')[0].split(';')[0]}: {case['says']}"


def identity(text, row):
    """The `userIdentity` that the short text stands for; some members of the row belong into it."""
    if isinstance(text, dict):
        return text
    kind, *rest = text.split()
    match kind:
        case "role":
            who = role(ACCOUNTS[rest[0]], *rest[1:])
        case "user":
            who = user(ACCOUNTS[rest[0]], rest[1])
        case "root":
            context = {"assumedRoot": row.pop("assumedRoot")} if "assumedRoot" in row else {}
            who = root(ACCOUNTS[rest[0]], *rest[1:], **context)
        case "service":
            who = service(rest[0])
        case "account":
            who = stranger(ACCOUNTS[rest[0]])
        case "anonymous":
            who = ANONYMOUS
    return {**who, "invokedBy": row.pop("invokedBy")} if "invokedBy" in row else who


def records(case):
    found = []
    for number, row in enumerate(case["records"]):
        row = dict(row)
        who = identity(row.pop("who"), row)
        source, event = row.pop("call").split()
        found.append(record(source, event, who, **{"eventID": f"event-{number}", **row}))
    return found


def attached(case, prefix=""):
    """The policies of a case: each statement is a policy of its own."""

    def by_node(kind):
        nodes = case.get(prefix + kind, {})
        return {
            NODES[node]: [{"Version": "2012-10-17", "Statement": [statement]} for statement in statements]
            for node, statements in nodes.items()
        }

    without = tuple(NODES[node] for node in case.get("without", ())) if not prefix else ()
    return Attached(by_node("scps"), by_node("rcps"), without)


def replayed(case, chosen, survey_only=()):
    current = organization(attached(case, "now_"), **case.get("snapshot", {}))
    proposed = organization(attached(case), **case.get("snapshot", {}))
    return replay(chosen, current, proposed)


def seen(impact):
    """What became of each call, from the events of the findings and from the counts."""
    events = {}
    for key, fold in impact.findings.items():
        for event in fold.event_ids.counts:
            before = events.get(event, key.outcome)
            events[event] = min(before, key.outcome, key=lambda outcome: outcome.gravity)
    return events


@pytest.mark.parametrize("case", CASES, ids=name)
def test_case(case):
    every = records(case)
    impact = replayed(case, every)
    expect = case["expect"] if isinstance(case["expect"], list) else [case["expect"]]
    assert len(expect) == len(every), "one expectation for each record"
    events = seen(impact)
    counted = [word for word in expect if word not in ("skipped", "duplicate")]
    assert {outcome.value: count for outcome, count in impact.outcomes.items()} == {
        word: counted.count(word) for word in counted
    }
    assert sum(impact.skipped.values()) == expect.count("skipped")
    assert impact.duplicates == expect.count("duplicate")
    for number, word in enumerate(expect):
        found = events.get(f"event-{number}")
        makes_finding = word in {outcome.value for outcome in Outcome if outcome.makes_finding}
        assert (found.value if found else None) == (word if makes_finding else None), case["records"][number]
    assert sids(impact) == set(case.get("by", ()))
    if "keys" in case:
        assert keys(impact) == set(case["keys"])
    if "actions" in case:
        assert {key.action for key in impact.findings} == set(case["actions"])
    if "resources" in case:
        assert {text for fold in impact.findings.values() for text in fold.resources.counts} == set(case["resources"])
    if "calls" in case:
        assert [fold.calls for fold in impact.findings.values()] == [case["calls"]]


@pytest.mark.parametrize("case", CASES, ids=name)
def test_without_a_change_nothing_changes(case):
    """The same policies in force already: no call is newly anything, whatever they say."""
    org = organization(attached(case), **case.get("snapshot", {}))
    impact = replay(records(case), org, org)
    assert {outcome for outcome, count in impact.outcomes.items() if count} <= {Outcome.UNCHANGED, Outcome.EXEMPT}
    assert impact.findings == {}


def test_every_vector_that_needs_a_replay_is_here():
    assert {case["vector"] for case in FILE["cases"]} == NEEDED


def test_the_list_of_vectors_is_that_of_the_single_requests_file():
    path = Path(__file__).parents[2] / "cases" / "vectors.yaml"
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))["needs_replay"]
    assert {row["vector"] for row in listed} == NEEDED
