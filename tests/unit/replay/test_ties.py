"""The fold of identity evidence: parts in any order add up to the whole, within bounds and beyond them."""

import pickle

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.replay.bounded import Kept
from simulator.replay.impact import Impact
from simulator.replay.outcome import Outcome
from simulator.replay.replayer import Question, Replayer
from simulator.replay.tie_folds import EVENTS
from simulator.replay.ties import Ties
from tests.replay_tools import Memory, role, root, user
from tests.ties_tools import DENY, OTHER, arn, assume, call, folded, judged, session_of
from tests.unit.replay.world import APP, CATALOG, DATA, PROD, Attached, deny, organization

FIRST, SECOND = arn(APP, "deploy/first"), arn(DATA, "second")
TIMES = st.sampled_from(
    ["", "2026-09-01T10:00:00Z", "2026-09-01T12:00:00Z", "2026-09-02T21:00:00Z", "2026-09-09T10:00:00Z"]
)
KEYS = st.sampled_from([None, "ASIA1", "ASIA2", "ASIA3", "ASIA4", "ASIA5"])
NAMES = st.sampled_from(["one", "run-17", "run-18", "i-0c0ffee000000bb00", "mira@example.com"])
CONTEXTS = st.sampled_from([{}, {"sourceIdentity": "a"}, {"sourceIdentity": "b"}, {"ec2RoleDelivery": "2.0"}])
AGENTS = st.sampled_from([None, "x exec-env/AWS_Lambda_python3.12 y", "x exec-env/AWS_ECS_FARGATE", "cli"])
JUDGEMENTS = st.sampled_from(
    [
        judged(),
        judged(),
        judged(DENY),
        judged(DENY, OTHER),
        judged(OTHER, outcome=Outcome.POSSIBLY_NEWLY_DENIED),
    ]
)


@st.composite
def looks(draw):
    """A record of an identity with its judgement; keys, names and times are few, so that much comes together."""
    who = draw(
        st.sampled_from(
            [user(APP, "ada"), root(APP), {"type": "SAMLUser", "userName": "mira", "identityProvider": "p"}]
        )
        | st.builds(
            lambda target, key, name, created, context: session_of(
                target, key, session=name, created=created, context=context
            ),
            st.sampled_from([FIRST, SECOND]),
            KEYS,
            NAMES,
            TIMES,
            CONTEXTS,
        )
    )
    more = {"eventID": f"event-{draw(st.integers(0, 10**6))}", "userAgent": draw(AGENTS)}
    at = draw(TIMES.filter(bool))
    if draw(st.booleans()):
        target = draw(st.sampled_from([FIRST, SECOND]))
        event = draw(st.sampled_from(["AssumeRole", "AssumeRoleWithSAML"]))
        text = assume(who, target, draw(KEYS), session=draw(NAMES), at=at, event=event, **more)
    else:
        name = draw(st.sampled_from([f"Get{number}" for number in range(40)]))
        text = call(who, at=at, name=name, **more)
    return text, draw(JUDGEMENTS)


@st.composite
def partitions(draw):
    """Records, and the same records in another order in up to four parts."""
    records = draw(st.lists(looks(), max_size=25, unique_by=lambda each: each[0]["eventID"]))
    shuffled = draw(st.permutations(records))
    parts = [[] for _ in range(draw(st.integers(1, 4)))]
    for each in shuffled:
        parts[draw(st.integers(0, len(parts) - 1))].append(each)
    return records, parts


def merged(parts, bounds):
    whole = Ties(*bounds)
    for part in parts:
        # Parts come from other processes.
        whole.merge(pickle.loads(pickle.dumps(folded(part, Ties(*bounds)))))
    return whole


@given(partitions(), st.sampled_from([(50_000, 20_000), (2, 3), (1, 1)]))
@settings(max_examples=150, deadline=None)
def test_parts_in_any_order_add_up_to_the_whole(partition, bounds):
    records, parts = partition
    assert merged(parts, bounds) == folded(records, Ties(*bounds))


@given(partitions(), st.sampled_from([(50_000, 20_000), (2, 30)]))
@settings(max_examples=60, deadline=None)
def test_no_call_is_lost_or_counted_twice(partition, bounds):
    records, parts = partition
    ties = merged(parts, bounds)
    ties.settle()
    in_sessions = [text for text, _ in records if text["userIdentity"].get("sessionContext")]
    kept = [*ties.used.entries.values(), *ties.loose.entries.values()]
    assert sum(use.calls for use in kept) == len(in_sessions)


@given(st.lists(st.text(max_size=3), max_size=80), st.integers(1, 6), st.randoms(use_true_random=False))
def test_what_is_kept_does_not_depend_on_the_order(texts, limit, random):
    def kept(order):
        found = Kept(limit)
        for text in order:
            if (text,) not in found.entries and found.takes((text,)):
                found.put((text,), text)
        found.settle()
        return found

    one = kept(texts)
    random.shuffle(texts)
    other = kept(texts)
    assert one.entries.keys() == other.entries.keys()
    assert len(one.entries) == min(limit, len(set(texts)))
    assert one.cut == other.cut == (len(set(texts)) > limit)


def test_memory_is_bounded_however_many_sessions_come():
    ties = Ties(max_sessions=10, max_links=10)
    for number in range(200):
        target = arn(APP, f"role{number}")
        folded([assume(user(APP, "ada"), target, f"ASIA{number}", session=f"s{number:05}x")], ties)
        folded([call(session_of(target, f"ASIA{number}", session=f"s{number}"), name=f"Get{number}")], ties)
    kept = (ties.assumed, ties.issued, ties.used, ties.loose)
    assert all(len(each.entries) <= 20 for each in kept)
    assert ties.truncated == ("sessions", "links", "groups")


def test_kinds_of_events_of_a_session_are_bounded():
    who = session_of(FIRST, "ASIA1")
    ties = folded([call(who, name=f"Get{number:03}") for number in range(100)])
    ties.settle()
    [use] = ties.used.entries.values()
    assert use.events == {f"s3:Get{number:03}": 1 for number in range(EVENTS)}
    assert use.calls == 100


def test_a_call_after_36_hours_is_not_joined_any_more():
    who = session_of(FIRST, "ASIA1", created="2026-09-01T10:00:00Z")
    ties = folded([call(who, at="2026-09-02T22:00:00Z"), call(who, at="2026-09-02T22:00:01Z")])
    assert [use.calls for use in ties.used.entries.values()] == [1]
    assert {key: use.calls for key, use in ties.loose.entries.items()} == {(FIRST, "*"): 1}


def test_failed_calls_issue_nothing():
    refused = assume(user(APP, "ada"), FIRST, None, errorCode="AccessDenied")
    assert not folded([refused]).assumed.entries


def test_hostile_records_raise_nothing():
    broken = [
        {"responseElements": "text"},
        {"responseElements": {"credentials": []}},
        {"responseElements": {"credentials": {"accessKeyId": 7}}},
        {"requestParameters": None},
        {"requestParameters": {"roleArn": ["x"], "roleSessionName": {"a": 1}}},
        {"requestParameters": {"roleArn": "arn:aws:iam::1:role/\ud800", "roleSessionName": "\ud800\u202e"}},
        {"userIdentity": {"type": "AssumedRole", "sessionContext": {}}},
        {"userIdentity": {"type": "AssumedRole", "arn": "x", "sessionContext": {"sessionIssuer": {"arn": "nonsense"}}}},
        {"userIdentity": {"type": "Root", "sessionContext": {"webIdFederationData": 3}, "inScopeOf": 3}},
        {"eventTime": "yesterday"},
        {"eventTime": None},
    ]
    for event in ("AssumeRole", "AssumeRoot", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetFederationToken"):
        for change in broken:
            folded([{**assume(role(APP, "app"), FIRST, "ASIA1", event=event), **change}])._content()


# In the replay

CHANGE = Attached(), Attached(scps={PROD: [deny("No", "s3:*")]})


def replayed(records, *, ties):
    current, proposed = (organization(each) for each in CHANGE)
    return Replayer(Question(current, proposed, ties=ties), CATALOG).run([Memory(records)])


def test_nothing_is_folded_unless_asked_for():
    assert replayed([call(session_of(FIRST, "ASIA1"))], ties=False).ties is None


def test_the_replay_folds_what_it_judges():
    records = [
        assume(user(APP, "ada"), FIRST, "ASIA1"),
        call(session_of(FIRST, "ASIA1"), parameters={"bucketName": "b", "key": "k"}),
        call(session_of(FIRST, "ASIA1"), source="ec2", name="DescribeInstances"),
    ]
    ties = replayed([*records, records[1]], ties=True).ties
    [use] = ties.used.entries.values()
    assert (use.calls, use.denied, use.events) == (2, 1, {"ec2:DescribeInstances": 1})
    assert [place.sid for place in use.hits] == ["No"]
    [(denial, tally)] = ties.denials.items()
    assert (denial.principal, tally.calls, {each.sid for each in denial.places}) == (FIRST, 1, {"No"})


def test_parts_judged_by_several_workers_fold_alike():
    """A session that begins in one file and goes on in others, each judged on its own."""
    records = [
        assume(user(APP, "ada"), FIRST, "ASIA1"),
        *(call(session_of(FIRST, "ASIA1"), at=f"10:0{number}:00", name=f"Get{number}") for number in range(6)),
        assume(session_of(FIRST, "ASIA1"), SECOND, "ASIA2", at="10:07:00"),
        call(session_of(SECOND, "ASIA2", created="2026-09-01T10:07:00Z"), at="10:08:00"),
    ]
    current, proposed = (organization(each) for each in CHANGE)
    asked = Replayer(Question(current, proposed, ties=True), CATALOG)
    batches = list(enumerate(Memory(records[start::3], name=f"file-{start}") for start in range(3)))
    survey = asked.survey(batches)
    survey.close()
    impact = Impact()
    for numbered in reversed(batches):
        impact.merge(pickle.loads(pickle.dumps(asked.judge(survey, frozenset(), [numbered]))))
    assert impact.ties == replayed(records, ties=True).ties
    assert len(impact.ties.used.entries) == 2
