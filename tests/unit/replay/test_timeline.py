"""Calls over time: exact while they fit, coarser beyond, and the same however the log is cut."""

from itertools import pairwise
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.replay import timeline
from simulator.replay.outcome import Outcome
from simulator.replay.timeline import BUCKETS, Timeline

DENIED, POSSIBLE = Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED
TIMES = st.builds(
    "{:04}-{:02}-{:02}T{:02}:05:00Z".format,
    st.integers(2024, 2027),
    st.sampled_from([1, 2, 12]),
    st.integers(1, 3),
    st.sampled_from([0, 7, 23]),
)
CALLS = st.lists(
    st.tuples(TIMES | st.sampled_from([None, "", "yesterday", "2026-01-01 noon"]), st.sampled_from([DENIED, POSSIBLE])),
    max_size=60,
)


def folded(calls):
    found = Timeline()
    for time, outcome in calls:
        found.add(time, outcome)
    return found


def told(found):
    return found.unit, found.items()


def test_hours_are_counted_by_outcome():
    calls = [("2026-09-01T10:00:00Z", DENIED), ("2026-09-01T10:59:59Z", DENIED), ("2026-09-01T11:00:00Z", POSSIBLE)]
    assert told(folded(calls)) == ("hour", [("2026-09-01T10", {DENIED: 2}), ("2026-09-01T11", {POSSIBLE: 1})])


@pytest.mark.parametrize("time", [None, "", "soon", "2026-09-01", "２０２６-09-01T10:00:00Z"])
def test_what_is_no_time_is_counted_without_one(time):
    assert folded([(time, DENIED)]).items() == [("", {DENIED: 1})]


@given(CALLS, st.lists(st.integers(0, 60), max_size=3), st.integers(1, 12), st.randoms(use_true_random=False))
def test_merging_parts_is_folding_the_whole(calls, cuts, limit, random):
    with mock.patch.object(timeline, "BUCKETS", limit):
        whole = folded(calls)
        places = [0, *sorted(min(cut, len(calls)) for cut in cuts), len(calls)]
        shuffled = random.sample(calls, len(calls))
        parts = [folded(shuffled[start:end]) for start, end in pairwise(places)]
        random.shuffle(parts)
        merged = Timeline()
        for part in parts:
            merged.merge(part)
        assert told(merged) == told(whole)
        assert sum(sum(counts.values()) for _, counts in whole.items()) == len(calls)
        assert whole.unit == "year" or len([bucket for bucket, _ in whole.items() if bucket]) <= limit


def test_a_long_log_is_counted_by_days_and_a_longer_one_by_months():
    hours = [(f"2026-{1 + n // 600:02}-{1 + n // 24 % 25:02}T{n % 24:02}:00:00Z", DENIED) for n in range(BUCKETS + 1)]
    assert folded(hours[:BUCKETS]).unit == "hour"
    assert folded(hours).unit == "day"
    days = [(f"{1900 + n // 300}-{1 + n // 25 % 12:02}-{1 + n % 25:02}T00:00:00Z", DENIED) for n in range(BUCKETS + 1)]
    assert folded(days).unit == "month"
