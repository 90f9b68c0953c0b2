"""Changes of statements in words, and whether they stop more calls or fewer: never the wrong way round."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.analysis.reach import Reach, of_lists, pattern_covers, resource_covers, together
from simulator.analysis.statement_diff import Tells, changed_statements
from simulator.decision.evaluator import Evaluator
from simulator.decision.program import Program
from simulator.decision.request import Principal, PrincipalKind, Request
from simulator.decision.verdict import SideResult
from simulator.iam.catalog import Catalog
from simulator.iam.pattern import glob_pieces, matcher
from simulator.organization.tree import FULL_ACCESS_POLICIES
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/statement-changes.yaml").read_text(encoding="utf-8"))
CATALOG = Catalog()


def statement(**members):
    value = {"Sid": "S", "Effect": "Deny", "Action": "s3:*", "Resource": "*", **members}
    return {name: each for name, each in value.items() if each is not None}


def document(*statements, version="2012-10-17"):
    return parse_policy(json.dumps({"Version": version, "Statement": list(statements)}))


def changes(old, new):
    return list(changed_statements(document(*old), document(*new)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_statement_that_changes(case):
    found = changes([statement(**case["old"])], [statement(**case["new"])])
    if case["tells"] is None:
        assert found == []
        return
    [change] = found
    assert change.tells is Tells(case["tells"])
    text = "; ".join(change.details)
    assert all(each in text for each in case.get("says", ())), text


@pytest.mark.parametrize("case", [each for each in CASES if each["tells"]], ids=lambda case: case["id"])
def test_the_way_back_is_the_opposite(case):
    [change] = changes([statement(**case["new"])], [statement(**case["old"])])
    opposite = {"tightened": "loosened", "loosened": "tightened"}
    assert change.tells.value == opposite.get(case["tells"], case["tells"])


def kinds(found):
    return [(change.old and change.old.sid, change.new and change.new.sid, change.tells.value) for change in found]


def test_statements_come_and_go():
    one, other = statement(Sid="One"), statement(Sid="Other", Action="ec2:*")
    assert kinds(changes([one], [one, other])) == [(None, "Other", "tightened")]
    assert kinds(changes([one, other], [one])) == [("Other", None, "loosened")]
    assert changes([one, other], [other, one]) == []
    allow = statement(Sid="List", Effect="Allow")
    assert kinds(changes([one], [one, allow])) == [(None, "List", "loosened")]


def test_a_statement_with_another_sid_is_the_same_one():
    [change] = changes([statement(Sid="Old")], [statement(Sid="New")])
    assert (change.tells, change.details) == (Tells.SAME, ("renamed from Old",))


def test_a_statement_without_a_sid_is_matched_by_what_it_is_about():
    old = [statement(Sid=None, Action="ec2:*"), statement(Sid=None, Action=["s3:GetObject", "s3:PutObject"])]
    new = [statement(Sid=None, Action=["s3:GetObject"]), statement(Sid=None, Action="ec2:*")]
    [change] = changes(old, new)
    assert (change.tells, change.new.index) == (Tells.LOOSENED, 0)


def test_long_lists_are_counted():
    many = [f"s3:Action{number}" for number in range(9)]
    [change] = changes([statement(Action="s3:Get*")], [statement(Action=["s3:Get*", *many])])
    assert change.details == (
        "Action widened: added s3:Action0, s3:Action1, s3:Action2, s3:Action3, s3:Action4, s3:Action5 and 3 more",
    )


def test_hostile_lists_are_not_compared_word_by_word():
    many = [f"s3:*{'a' * number}?" for number in range(300)]
    [change] = changes([statement(Action=many)], [statement(Action=[f"x{each}" for each in many])])
    assert change.tells is Tells.CHANGED


# Laws

TEXT = st.text("ab*?:", max_size=6)


@given(TEXT, TEXT, st.text("ab:", max_size=6))
@settings(max_examples=300)
def test_a_pattern_that_covers_matches_all_that_the_other_does(wide, narrow, text):
    if pattern_covers(wide, narrow) and matcher(glob_pieces(narrow))(text):
        assert matcher(glob_pieces(wide))(text)


@given(st.lists(TEXT, min_size=1, max_size=3), st.lists(TEXT, min_size=1, max_size=3), st.text("ab:", max_size=5))
@settings(max_examples=300)
def test_wider_and_narrower_lists(old, new, text):
    reach = of_lists(old, new, pattern_covers)
    before, after = (any(matcher(glob_pieces(each))(text) for each in words) for words in (old, new))
    if reach in (Reach.WIDER, Reach.SAME):
        assert after or not before
    if reach in (Reach.NARROWER, Reach.SAME):
        assert before or not after


def test_resources_cover_part_by_part():
    assert resource_covers("*", "arn:aws:s3:::x")
    assert resource_covers("arn:aws:s3:::x/*", "arn:aws:s3:::x/y:z")
    assert not resource_covers("arn:aws:*:x", "arn:aws:s3:::x")
    assert not resource_covers("arn:aws:s3:::x", "*")


def test_parts_together():
    assert together([Reach.SAME, Reach.SAME]) is Reach.SAME
    assert together([Reach.SAME, Reach.WIDER]) is Reach.WIDER
    assert together([Reach.NARROWER, Reach.WIDER]) is Reach.OTHER
    assert together([Reach.NARROWER, Reach.NARROWER]) is Reach.NARROWER


TAG = "aws:principaltag/team"
OPERATORS = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIfExists",
    "StringNotLikeIfExists",
    "StringEqualsIgnoreCase",
    "Null",
]


@st.composite
def statements(draw):
    condition = None
    if draw(st.booleans()):
        operator = draw(st.sampled_from(OPERATORS))
        values = ["true", "false"] if operator == "Null" else ["a", "A", "ab", "a*", "*"]
        condition = {operator: {TAG: draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True))}}
    actions = draw(st.lists(st.sampled_from(["s3:Get*", "s3:GetObject", "s3:*", "s3:Put*"]), min_size=1, max_size=2))
    resources = draw(st.sampled_from(["*", "arn:aws:s3:::x", "arn:aws:s3:::*", "arn:aws:s3:::x/*"]))
    name = draw(st.sampled_from(["Action", "NotAction"]))
    return statement(**{"Action": None, name: actions, "Resource": resources, "Condition": condition})


REQUESTS = [
    Request(
        principal=Principal(PrincipalKind.ROLE, arn="arn:aws:iam::111122223333:role/x", account="111122223333"),
        action=action,
        resource=resource,
        resource_account="111122223333",
        context={} if tag is None else {TAG: tag},
    )
    for action in ("s3:GetObject", "s3:PutObject", "s3:GetBucketAcl", "ec2:RunInstances")
    for resource in ("arn:aws:s3:::x", "arn:aws:s3:::x/y", "arn:aws:s3:::y")
    for tag in (None, "a", "A", "ab", "a*")
]
FULL = FULL_ACCESS_POLICIES["p-FullAWSAccess"].document


@given(statements(), statements())
@settings(max_examples=100, deadline=None)
def test_a_tightened_deny_never_denies_less(old, new):
    """What the words say, the evaluator confirms: over requests of every kind that the statements tell apart."""
    found = changes([old], [new])
    tells = found[0].tells if found else Tells.SAME
    evaluator = Evaluator(CATALOG)
    programs = [Program(PolicyType.SCP, ((FULL, document(each)),), CATALOG) for each in (old, new)]
    for request in REQUESTS:
        before, after = (evaluator.side(request, program).result is SideResult.EXPLICIT_DENY for program in programs)
        if tells in (Tells.TIGHTENED, Tells.SAME):
            assert after or not before
        if tells in (Tells.LOOSENED, Tells.SAME):
            assert before or not after
