"""The fold of outcomes: kept samples are exact, and merging parts in any order gives what folding the whole gives."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.replay.bounded import widened
from simulator.replay.impact import LISTED, FindingKey, Impact, Smallest, UnmappedKind
from simulator.replay.outcome import Outcome, StatementPlace
from simulator.replay.ties import Ties
from tests.replay_tools import contents, kept, record, role
from tests.unit.replay.world import parsed

TEXTS = st.lists(st.text(alphabet="abcde", min_size=1, max_size=2), max_size=40)
CUTS = st.lists(st.integers(0, 40), max_size=4)


def parts_of(items, cuts):
    """The items in consecutive parts, some of them empty."""
    places = [0, *sorted(min(cut, len(items)) for cut in cuts), len(items)]
    return [items[start:end] for start, end in pairwise(places)]


def smallest(texts, limit):
    kept = Smallest(limit)
    for text in texts:
        kept.add(text)
    return kept


@given(TEXTS, st.integers(1, 6))
def test_what_is_kept_is_smallest_and_counted_exactly(texts, limit):
    kept = smallest(texts, limit)
    wanted = sorted(set(texts))[:limit]
    assert kept.items() == [(text, texts.count(text)) for text in wanted]
    assert kept.truncated == (len(set(texts)) > limit)


@given(TEXTS, CUTS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_merging_samples_is_folding_the_whole(texts, cuts, limit, random):
    parts = [smallest(part, limit) for part in parts_of(texts, cuts)]
    random.shuffle(parts)
    merged = Smallest(limit)
    for part in parts:
        merged.merge(part)
    assert kept(merged) == kept(smallest(texts, limit))


def test_the_order_of_samples_is_that_of_code_points():
    # Byte order of UTF-8 is the order of code points, which Python's comparison of texts is.
    texts = ["ä", "z", "\U0001f600", "\uffff", "A"]
    assert [text for text, _ in smallest(texts, 9).items()] == sorted(texts, key=lambda text: text.encode())


def test_the_window_widens():
    assert widened("", "", None) == ("", "")
    assert widened("", "", "") == ("", "")
    assert widened("", "", "b") == ("b", "b")
    assert widened("b", "c", "a") == ("a", "c")
    assert widened("b", "c", "d") == ("b", "d")


# A whole impact

TIMES = st.sampled_from(["", "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z", "2026-09-03T00:00:00Z"])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(list(Outcome)),
        st.sampled_from(["role/a", "role/b"]),
        st.sampled_from(["s3:GetObject", "ec2:RunInstances"]),
        TIMES,
        st.text(alphabet="xyz", min_size=1, max_size=3),
        st.integers(0, 5),
    ),
    max_size=60,
)


@dataclass(frozen=True)
class Seen:
    """What was found out about a record: no finding."""

    outcome: Outcome
    findings: tuple = ()


def called_by(session, time):
    """A call made in a session."""
    return parsed(
        record("s3", "GetObject", role("1" * 12, "app", session, accessKeyId=f"ASIA{session}"), eventTime=time)
    )


def fold(events):
    """An impact made of events as the replayer makes them."""
    impact = Impact()
    for outcome, principal, action, time, text, number in events:
        impact.read += 1
        impact.see(time)
        impact.regions.add(text)
        impact.accounts.add(text)
        match number:
            case 0:
                impact.duplicates += 1
            case 1:
                impact.skipped[text] += 1
            case 2:
                impact.unmapped += 1
                impact.note_unmapped([(UnmappedKind(text, action, "why"), 1)])
            case _:
                impact.mapped += 1
                impact.outcomes[outcome] += 1
                impact.timeline.add(time, outcome)
                place = StatementPlace("SERVICE_CONTROL_POLICY", "p", text[:1], 0, "r-test", 0, None, None, text[:1])
                found = impact.finding(FindingKey(outcome, principal, "role", "1" * 12, action, place))
                found.calls += 1
                found.see(time)
                found.keys.add(text)
                for kept in (found.resources, found.sessions, found.event_ids, found.regions):
                    kept.add(text + action)
        if number == 5:
            impact.drift += 1
            impact.requests += 2
            impact.files_read += 1
            impact.stale_accounts.add(text)
            impact.files_skipped[text] += 1
            impact.note_damage(text, "broken-json")
            impact.ties = impact.ties or Ties()
            impact.ties.look(called_by(text, time), Seen(outcome))
    return impact


@given(EVENTS, CUTS, st.randoms(use_true_random=False))
def test_merging_impacts_is_folding_the_whole(events, cuts, random):
    parts = [fold(part) for part in parts_of(events, cuts)]
    random.shuffle(parts)
    merged = Impact()
    for part in parts:
        merged.merge(part)
    assert contents(merged) == contents(fold(events))


@given(EVENTS)
def test_an_empty_impact_changes_nothing(events):
    impact = fold(events)
    impact.merge(Impact())
    assert contents(impact) == contents(fold(events))


def test_every_member_of_an_impact_is_covered():
    """A new member must be merged, and shows up here."""
    impact = fold([(Outcome.NEWLY_DENIED, "role/a", "s3:GetObject", "t", "x", number) for number in range(6)])
    empty = {name for name, each in contents(impact).items() if not each or each == ([], False)}
    assert empty <= {"unmapped_truncated"}


def test_unmapped_kinds_are_bounded_and_the_smallest():
    impact = Impact()
    kinds = [UnmappedKind(f"{number:05}", "Name", "why") for number in range(3 * LISTED)]
    for kind in reversed(kinds):
        impact.note_unmapped([(kind, 1)])
    assert sorted(impact.unmapped_kinds) == kinds[:LISTED]
    assert impact.unmapped_truncated
