"""The laws of decisions, checked on random guardrails and requests.

Each law is tried on the product and on the naive reference evaluator: a law that the reference breaks is a mistake in
the law or in the reading of AWS, not in the compiler.
"""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.strategies import completions, lines, statements
from tests.reference.evaluator import evaluate as reference

RANK = {"allowed": 0, "undecided": 1, "denied": 2}
moderate = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def product(line):
    from simulator.decision.conformance import evaluate_line

    return evaluate_line(copy.deepcopy(line))


each_evaluator = pytest.mark.parametrize("evaluate", [reference, product], ids=["reference", "product"])


def comparable(answer):
    """What two evaluators must agree on: everything but the wording of the reason."""
    by = sorted(answer["by"], key=lambda entry: [str(entry[name]) for name in ("side", "level", "policy", "statement")])
    return {name: answer[name] for name in ("id", "decision", "scp", "rcp", "unknown_keys")} | {"by": by}


def policies_of(line):
    """Every (side, level, policy) of the line."""
    return [(side, level, policy) for side in ("scps", "rcps") for level in line.get(side) or [] for policy in level]


def statements_of(policy):
    return policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]


@settings(moderate, max_examples=800)
@given(lines())
def test_compiled_evaluator_equals_the_reference(line):
    assert comparable(product(line)) == comparable(reference(line))


@each_evaluator
@moderate
@given(st.data())
def test_decided_verdict_holds_under_every_completion(evaluate, data):
    line = data.draw(lines())
    answer = evaluate(line)
    for _ in range(4):
        completed = data.draw(completions(line))
        if answer["decision"] != "undecided":
            assert evaluate(completed)["decision"] == answer["decision"], completed
        for side in ("scp", "rcp"):  # also side by side, unless the side may turn out not to apply
            then = evaluate(completed)[side]
            if answer[side] not in ("undecided", "not-applicable") and then != "not-applicable":
                assert (then == "allowed") == (answer[side] == "allowed"), (side, completed)


@each_evaluator
@moderate
@given(st.data())
def test_adding_a_deny_never_moves_toward_allowed(evaluate, data):
    line = data.draw(lines())
    more = copy.deepcopy(line)
    side = data.draw(st.sampled_from([side for side in ("scps", "rcps") if side in line] or ["none"]))
    if side == "none":
        return
    extra = {"Version": "2012-10-17", "Statement": data.draw(statements(side[:-1], effect="Deny"))}
    data.draw(st.sampled_from(more[side])).append(extra)
    assert RANK[evaluate(more)["decision"]] >= RANK[evaluate(line)["decision"]]


@each_evaluator
@moderate
@given(st.data())
def test_adding_an_allow_never_moves_toward_denied(evaluate, data):
    line = data.draw(lines())
    if "scps" not in line:
        return
    more = copy.deepcopy(line)
    extra = {"Version": "2012-10-17", "Statement": data.draw(statements("scp", effect="Allow"))}
    data.draw(st.sampled_from(more["scps"])).append(extra)
    assert RANK[evaluate(more)["decision"]] <= RANK[evaluate(line)["decision"]]


@each_evaluator
@moderate
@given(st.data())
def test_order_of_statements_policies_and_values_is_irrelevant(evaluate, data):
    line = data.draw(lines())
    shuffled = copy.deepcopy(line)
    for _, _, policy in policies_of(shuffled):
        policy["Statement"] = data.draw(st.permutations(statements_of(policy)))
        for statement in policy["Statement"]:
            for element in ("Action", "NotAction", "Resource", "NotResource"):
                if isinstance(statement.get(element), list):
                    statement[element] = data.draw(st.permutations(statement[element]))
    for side in ("scps", "rcps"):
        for level in shuffled.get(side) or []:
            level[:] = data.draw(st.permutations(level))
    was, now = evaluate(line), evaluate(shuffled)
    assert [now[name] for name in ("decision", "scp", "rcp", "unknown_keys")] == [
        was[name] for name in ("decision", "scp", "rcp", "unknown_keys")
    ]


@each_evaluator
@moderate
@given(lines())
def test_one_statement_per_policy_is_the_same(evaluate, line):
    split = copy.deepcopy(line)
    for side in ("scps", "rcps"):
        for level in split.get(side) or []:
            level[:] = [{**policy, "Statement": statement} for policy in level for statement in statements_of(policy)]
    was, now = evaluate(line), evaluate(split)
    assert [now[name] for name in ("decision", "scp", "rcp", "unknown_keys")] == [
        was[name] for name in ("decision", "scp", "rcp", "unknown_keys")
    ]


@each_evaluator
@moderate
@given(lines())
def test_case_of_actions_operators_and_keys_is_irrelevant(evaluate, line):
    other = copy.deepcopy(line)
    other["request"]["action"] = other["request"]["action"].swapcase()
    for _, _, policy in policies_of(other):
        for statement in statements_of(policy):
            for element in ("Action", "NotAction"):
                if element in statement:
                    value = statement[element]
                    statement[element] = [v.swapcase() for v in value] if isinstance(value, list) else value.swapcase()
            if "Condition" in statement:
                statement["Condition"] = {
                    name.swapcase(): {key.swapcase(): values for key, values in block.items()}
                    for name, block in statement["Condition"].items()
                }
    assert comparable(evaluate(other)) == comparable(evaluate(line))


@each_evaluator
@moderate
@given(lines())
def test_facts_that_no_policy_asks_for_change_nothing(evaluate, line):
    more = copy.deepcopy(line)
    more["request"]["context"]["aws:RequestedRegion"] = "us-east-1"
    more["request"]["unknown"].append("aws:SourceVpce")
    assert comparable(evaluate(more)) == comparable(evaluate(line))


@each_evaluator
@moderate
@given(lines())
def test_unknown_keys_are_open_facts_of_the_request(evaluate, line):
    answer, request = evaluate(line), line["request"]
    known_names = {*request["unknown"], *request["context"], "principal"}
    assert set(answer["unknown_keys"]) <= known_names
    assert answer["unknown_keys"] == sorted(set(answer["unknown_keys"]))
    assert (answer["decision"] == "undecided") or answer["unknown_keys"] == []


@each_evaluator
@moderate
@given(lines())
def test_determining_statements_point_at_statements(evaluate, line):
    answer = evaluate(line)
    assert (answer["by"] == []) == (answer["decision"] == "allowed")
    for entry in answer["by"]:
        level = line[entry["side"] + "s"][entry["level"]]
        if entry["policy"] is None:
            assert entry == {**entry, "statement": None, "sid": None}
            assert answer[entry["side"]] in ("implicit-deny", "undecided")
        else:
            statement = statements_of(level[entry["policy"]])[entry["statement"]]
            assert entry["sid"] == statement.get("Sid")
            assert statement["Effect"] == "Deny" or answer[entry["side"]] == "undecided"
