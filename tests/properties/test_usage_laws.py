"""Laws of the usage, over random small logs: parts add up, repeats count once, and it reads a log as a replay does."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.replay.impact import LogTally
from simulator.replay.reading import Selection
from simulator.replay.restrictions import Restriction
from simulator.replay.survey import Survey
from simulator.replay.usage import Usage, UsageCounter, UsageQuestion
from tests.properties.test_replay_laws import FILES, logs, named, prepared, split
from tests.replay_tools import contents
from tests.unit.replay.world import CATALOG, LABS, organization

ASKED = (
    (Restriction("*", ("*",)),),
    (Restriction("s3:*", ("s3:*",)), Restriction("kms:Decrypt", ("kms:Decrypt",))),
    (Restriction("rest", ("ec2:*", "sts:*"), negated=True),),
    (Restriction("nobody", ("organizations:LeaveOrganization",)),),
)
NUMBER = st.integers(0, len(ASKED) - 1)


@cache
def counter(number, since=""):
    return UsageCounter(UsageQuestion(organization(), ASKED[number], Selection(since=since)), CATALOG)


def in_parts(asked, batches, order):
    """The usage as several workers count it: each part surveyed and counted on its own, merged in any order."""
    numbered = list(enumerate(batches))
    survey = Survey(wants_sessions=False)
    for number in order:
        survey.merge(asked.survey([numbered[number]]))
    survey.close()
    usage = Usage()
    for number in reversed(order):
        usage.merge(asked.judge(survey, frozenset(), [numbered[number]]))
    return usage


@given(NUMBER, logs(), st.data())
@settings(max_examples=80)
def test_parts_add_up_to_the_whole(number, records, data):
    repeats = data.draw(st.lists(st.sampled_from(records), max_size=4)) if records else []
    batches = named(data.draw(split([*records, *repeats])))
    order = data.draw(st.permutations(range(len(batches))))
    asked = counter(number)
    assert contents(in_parts(asked, batches, order)) == contents(asked.run(batches))


@given(NUMBER, logs(), st.data())
@settings(max_examples=80)
def test_the_order_and_the_files_of_a_log_do_not_matter(number, records, data):
    asked = counter(number)
    one = asked.run(named([records]))
    many = asked.run(named(data.draw(split(records))))
    assert contents(one, *FILES) == contents(many, *FILES)


@given(NUMBER, logs(), st.data())
@settings(max_examples=80)
def test_a_log_is_read_as_a_replay_reads_it(number, records, data):
    """Read, mapped, unmapped, duplicates, skipped by reason, window, accounts, regions, files: all the same."""
    batches = named(data.draw(split([*records, *records[:2], {"no": "record"}])))
    since = data.draw(st.sampled_from(["", "2026-09-02T00:00:00Z"]))
    impact = prepared((0, LABS), (0, LABS), since).run(batches)
    usage = counter(number, since).run(batches)
    assert tally(usage) == tally(impact)
    assert usage.read == usage.mapped + usage.unmapped + usage.duplicates + usage.skipped.total()


def tally(found):
    """What every fold of a log holds, but for who acted as whom, which a replay may not have been asked."""
    return {name: value for name, value in contents(found).items() if name in vars(LogTally()) and name != "ties"}


@given(NUMBER, logs())
@settings(max_examples=80)
def test_rows_add_up(number, records):
    usage = counter(number).run(named([records]))
    assert usage.calls <= usage.mapped
    if number == 0:
        assert usage.calls == usage.mapped
    by_action = [fold.calls for fold in usage.uses.values()]
    assert max(by_action, default=0) <= usage.calls <= sum(by_action)
    for fold in usage.uses.values():
        assert 0 <= fold.denied_calls <= fold.calls
        assert 0 <= fold.possible_calls <= fold.calls
        assert sum(fold.networks.counts.values()) == fold.calls
        assert sum(fold.regions.counts.values()) == fold.calls


@given(logs())
@settings(max_examples=60)
def test_asking_for_less_changes_no_row(records):
    """What a pattern does not take in has no say in the rows of what it does."""
    everything = counter(0).run(named([records])).uses
    some = counter(1).run(named([records])).uses
    wanted = {
        key: fold for key, fold in everything.items() if key.action.startswith("s3:") or key.action == "kms:Decrypt"
    }
    assert contents_of(some) == contents_of(wanted)


def contents_of(uses):
    usage = Usage()
    usage.uses = uses
    return contents(usage)["uses"]
