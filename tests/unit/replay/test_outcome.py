"""The outcome of one check from what both versions say: the whole table."""

from itertools import permutations, product

import pytest

from simulator.decision.verdict import Decision
from simulator.replay.outcome import Answer, Outcome, SideAnswer, StatementPlace, outcome_of

# X: no guardrail reaches the call; A: allowed; D: denied; U: undecided, as it was; F: undecided by something new.
SIDES = {
    "X": SideAnswer(Decision.ALLOWED, False, reason="for a reason"),
    "A": SideAnswer(Decision.ALLOWED, True),
    "D": SideAnswer(Decision.DENIED, True),
    "U": SideAnswer(Decision.UNDECIDED, True, keys=("aws:sourceip",)),
    "F": SideAnswer(Decision.UNDECIDED, True, keys=("aws:sourceip",), fresh=True),
}

# current and proposed: the outcome of a call that passed, and of one that failed authorization
TABLE = """
XX exempt       exempt
XA unchanged    unchanged
XD newly        already
XU unchanged    unchanged
XF possibly     already
AX unchanged    unchanged
AA unchanged    unchanged
AD newly        already
AU unchanged    unchanged
AF possibly     already
DX allowed      allowed
DA allowed      allowed
DD unchanged    unchanged
DU unchanged    unchanged
DF unchanged    unchanged
UX unchanged    unchanged
UA unchanged    unchanged
UD newly        already
UU unchanged    unchanged
UF possibly     already
"""
SHORT = {
    "exempt": Outcome.EXEMPT,
    "unchanged": Outcome.UNCHANGED,
    "newly": Outcome.NEWLY_DENIED,
    "possibly": Outcome.POSSIBLY_NEWLY_DENIED,
    "allowed": Outcome.NEWLY_ALLOWED,
    "already": Outcome.ALREADY_DENIED,
}
ROWS = {row[:2]: tuple(SHORT[word] for word in row[2:].split()) for row in TABLE.strip().splitlines()}


def test_the_table_is_complete():
    assert set(ROWS) == {now + then for now in "XADU" for then in "XADUF"}


@pytest.mark.parametrize("pair", sorted(ROWS))
@pytest.mark.parametrize("side", ["scp", "rcp"])
def test_one_side_decides_where_the_other_does_not_apply(pair, side):
    now, then = (Answer(**{"scp": SIDES["X"], "rcp": SIDES["X"], side: SIDES[letter]}) for letter in pair)
    passed, failed = ROWS[pair]
    assert outcome_of(now, then, passed=True) is passed
    assert outcome_of(now, then, passed=False) is failed


RANK = "XAUFD"


@pytest.mark.parametrize("passed", [True, False])
def test_two_sides_count_as_the_worse_of_them(passed):
    """Over all pairs of sides: denied outranks undecided, undecided allowed; exempt only where neither side applies."""
    for scp_now, rcp_now, scp_then, rcp_then in product("XADU", "XADU", "XADUF", "XADUF"):
        now, then = Answer(SIDES[scp_now], SIDES[rcp_now]), Answer(SIDES[scp_then], SIDES[rcp_then])
        pair = max(scp_now, rcp_now, key=RANK.index) + max(scp_then, rcp_then, key=RANK.index)
        assert outcome_of(now, then, passed=passed) is ROWS[pair][0 if passed else 1], (now, then)


def test_gravity_is_the_order_of_the_report():
    order = sorted(Outcome, key=lambda outcome: outcome.gravity)
    assert [outcome.value for outcome in order] == [
        "newly_denied",
        "possibly_newly_denied",
        "newly_allowed",
        "already_denied",
        "unchanged",
        "exempt",
    ]
    assert [outcome for outcome in Outcome if not outcome.makes_finding] == [Outcome.UNCHANGED, Outcome.EXEMPT]


def test_the_deciding_sides_are_those_that_made_the_answer():
    for scp, rcp in permutations("XADUF", 2):
        answer = Answer(SIDES[scp], SIDES[rcp])
        for side in answer.deciding:
            assert side.decision is answer.decision is not Decision.ALLOWED
        wanted = [letter for letter in (scp, rcp) if SIDES[letter].decision is answer.decision]
        assert len(answer.deciding) == (0 if answer.decision is Decision.ALLOWED else len(wanted))


def test_a_place_is_a_value():
    place = StatementPlace("SERVICE_CONTROL_POLICY", "p", "Sid", 0, "r-test", 0, None, None, "text")
    assert place == StatementPlace(*place)
    assert hash(place) == hash(StatementPlace(*place))
