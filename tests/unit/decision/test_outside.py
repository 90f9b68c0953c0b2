"""The organization id of a foreign account: not known, but surely not ours."""

import pytest

from simulator.decision.conditions import compile_condition
from simulator.decision.request import Outside
from simulator.iam.operators import parse_operator

OURS = Outside("o-abc")


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("StringEquals", "o-abc", False),
        ("StringNotEquals", "o-abc", True),
        ("StringNotEqualsIfExists", "o-abc", True),
        ("StringEqualsIfExists", "o-abc", None),  # absent matches, another id does not
        ("StringEquals", "o-other", None),
        ("StringEquals", "o-abcd", None),  # another organization, whose id begins with ours
        ("StringLike", "o-abc*", None),
        ("StringLike", "o-abc/r-1/*", False),
        ("StringNotLike", "o-abc/*", True),
        ("StringLike", "*", None),  # absent does not match
        ("StringLikeIfExists", "*", True),
        ("StringEquals", "${aws:PrincipalOrgID}", False),
        ("Null", "true", None),
    ],
)
def test_a_foreign_organization(operator, value, expected):
    parsed = parse_operator(operator)
    condition = compile_condition(parsed, "aws:ResourceOrgID", (value,), variables=True, multivalued=False)
    context = {"aws:resourceorgid": OURS, "aws:principalorgid": "o-abc"}
    assert condition.test(context) is expected
