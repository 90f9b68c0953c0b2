"""Findings: who, what, which statement; ids that last and an order that never changes."""

import random
from dataclasses import replace

import pytest

from simulator.analysis.findings import Counted, finding_id, findings_of
from simulator.iam.catalog import Catalog
from simulator.organization.tree import without_snapshot
from simulator.replay.impact import SAMPLES, FindingKey, Impact
from simulator.replay.outcome import Outcome, StatementPlace
from tests.unit.organization.small import SHOP, TEST, organization

EU = StatementPlace("SERVICE_CONTROL_POLICY", "regions", "Eu", 0, "ou-a1b2-work", 1, "a/r.json", 4, '{"Sid":"Eu"}')
KEY = FindingKey(Outcome.NEWLY_DENIED, f"arn:aws:iam::{SHOP}:role/team/ops", "role", SHOP, "s3:GetObject", EU)


CATALOG = Catalog()


def impact_of(*keys, calls=1):
    impact = Impact()
    for key in keys:
        impact.finding(key).calls = calls
    return impact


def only(impact, org=None):
    [finding] = findings_of(impact, org or organization(), CATALOG)
    return finding


def test_a_finding_is_named_by_the_organization():
    finding = only(impact_of(KEY))
    principal = finding.principal
    assert (principal.arn, principal.type, principal.account) == (KEY.principal, "role", SHOP)
    assert (principal.account_name, principal.ou_path) == ("shop", "Workloads/Prod")
    assert finding.attached_name == "Workloads"
    assert finding.place == EU


def test_an_account_outside_the_organization_has_no_name():
    principal = only(impact_of(KEY._replace(account="555555555555"))).principal
    assert (principal.account, principal.account_name, principal.ou_path) == ("555555555555", "", "")


def test_a_caller_without_account_has_none():
    principal = only(impact_of(KEY._replace(principal="logs.amazonaws.com", account=None))).principal
    assert (principal.account, principal.account_name) == (None, "")


def test_without_a_snapshot_accounts_stand_under_the_root():
    finding = only(impact_of(KEY), without_snapshot())
    assert finding.principal.ou_path == "Root"
    assert finding.attached_name == "ou-a1b2-work"


def test_a_statement_attached_to_an_account_is_named_by_it():
    assert only(impact_of(KEY._replace(place=EU._replace(attached_to=TEST)))).attached_name == "test"


def test_samples_are_sorted_and_cut():
    impact = impact_of(KEY, calls=30)
    fold = impact.finding(KEY)
    for number in reversed(range(30)):
        fold.event_ids.add(f"e{number:02}")
    fold.sessions.add("b", 2)
    fold.sessions.add("a", 1)
    fold.keys |= {"b:key", "a:key"}
    finding = only(impact)
    assert finding.event_ids == tuple(f"e{number:02}" for number in range(SAMPLES))
    assert finding.sessions == (Counted("a", 1), Counted("b", 2))
    assert finding.settled_by == ("a:key", "b:key")
    assert finding.truncated == ("event_ids",)


def test_the_gravest_come_first_then_the_most_calls():
    keys = [KEY._replace(outcome=outcome) for outcome in Outcome if outcome.makes_finding]
    impact = impact_of(*reversed(keys))
    busy = KEY._replace(action="s3:PutObject")
    impact.finding(busy).calls = 50
    found = [(each.outcome, each.calls) for each in findings_of(impact, organization(), CATALOG)]
    assert found == [
        (Outcome.NEWLY_DENIED, 50),
        (Outcome.NEWLY_DENIED, 1),
        (Outcome.POSSIBLY_NEWLY_DENIED, 1),
        (Outcome.NEWLY_ALLOWED, 1),
        (Outcome.ALREADY_DENIED, 1),
    ]


CHANGES = {
    "outcome": lambda key: key._replace(outcome=Outcome.ALREADY_DENIED),
    "principal": lambda key: key._replace(principal="other"),
    "type": lambda key: key._replace(principal_type="user"),
    "account": lambda key: key._replace(account=TEST),
    "action": lambda key: key._replace(action="s3:PutObject"),
    "policy": lambda key: key._replace(place=key.place._replace(policy="other")),
    "sid": lambda key: key._replace(place=key.place._replace(sid="Other")),
    "node": lambda key: key._replace(place=key.place._replace(attached_to="r-a1b2")),
    "policy type": lambda key: key._replace(place=key.place._replace(policy_type="RESOURCE_CONTROL_POLICY")),
    "line": lambda key: key._replace(place=key.place._replace(line=99)),
    "path": lambda key: key._replace(place=key.place._replace(file="/elsewhere/r.json")),
    "position": lambda key: key._replace(place=key.place._replace(statement=7)),
    "text": lambda key: key._replace(place=key.place._replace(text="{}")),
}


@pytest.mark.parametrize("what", ["principal", "action", "policy", "sid", "node"])
def test_the_id_tells_findings_apart(what):
    assert finding_id(CHANGES[what](KEY)) != finding_id(KEY)


@pytest.mark.parametrize("what", ["outcome", "line", "path", "position", "text"])
def test_the_id_stays_from_run_to_run(what):
    assert finding_id(CHANGES[what](KEY)) == finding_id(KEY)


def test_the_text_stands_in_for_a_missing_sid():
    bare = KEY._replace(place=EU._replace(sid=None))
    assert finding_id(bare) != finding_id(CHANGES["text"](bare))
    assert finding_id(bare) == finding_id(CHANGES["position"](bare))


def test_counts_and_times_do_not_change_the_id():
    impact = impact_of(KEY)
    before = only(impact).id
    impact.finding(KEY).calls = 99
    impact.finding(KEY).see("2030-01-01T00:00:00Z")
    assert only(impact).id == before == finding_id(KEY)
    assert len(before) == 16


def test_parts_of_the_id_do_not_run_into_each_other():
    assert finding_id(KEY._replace(principal="ab", action="c")) != finding_id(KEY._replace(principal="a", action="bc"))


def test_a_lone_surrogate_has_an_id():
    assert finding_id(KEY._replace(principal="\ud800")) != finding_id(KEY._replace(principal="\ud801"))


def test_the_order_does_not_depend_on_the_order_of_the_log():
    """Whatever two findings differ in, even where their ids are the same."""
    keys = [KEY, *(change(KEY) for change in CHANGES.values())]
    expected = findings_of(impact_of(*keys), organization(), CATALOG)
    for seed in range(20):
        shuffled = random.Random(seed).sample(keys, len(keys))
        assert findings_of(impact_of(*shuffled), organization(), CATALOG) == expected


def test_the_input_is_left_as_it_was():
    impact = impact_of(KEY)
    finding = only(impact)
    assert replace(finding) == only(impact)
