"""Laws of the replay, over random small logs: parts add up, no change changes nothing, repeats count once."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.replay.impact import Impact
from simulator.replay.outcome import Outcome
from simulator.replay.replayer import Question, Replayer, Selection
from simulator.replay.survey import Survey
from tests.replay_tools import ANONYMOUS, Memory, contents, record, role, root, service, stranger, user
from tests.unit.replay.world import (
    APP,
    CATALOG,
    DATA,
    EMPTY,
    FOREIGN,
    LAB,
    LABS,
    MANAGEMENT,
    NEW,
    PROD,
    ROOT,
    WORK,
    Attached,
    allow,
    deny,
    organization,
    rcp,
    replayer,
)

# Policies: a few sets of guardrails, any two of which make a proposal.

REGION = deny("Region", Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}})
TAGGED = deny("Tagged", "s3:*", Condition={"StringNotEquals": {"aws:PrincipalTag/team": "red"}})
OFFICE = deny("Office", ["ec2:*", "kms:*"], Condition={"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}})
NO_ROOT = deny("Root", Condition={"ArnLike": {"aws:PrincipalArn": "*:root"}, "Null": {"aws:AssumedRoot": "true"}})
PERIMETER = rcp(
    "Perimeter", ["s3:*", "sts:*"], Condition={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-testorg0001"}}
)
NO_WRITES = rcp("Writes", ["s3:Put*", "kms:*"])
GUARDRAILS = (
    Attached(),
    Attached(scps={ROOT: [REGION]}),
    Attached(scps={WORK: [REGION, TAGGED], LABS: [OFFICE]}, rcps={ROOT: [PERIMETER]}),
    Attached(scps={PROD: [allow("s3:*", "sts:*", "kms:*")], APP: [TAGGED]}, without_full_access=(PROD,)),
    Attached(scps={ROOT: [NO_ROOT, OFFICE], EMPTY: [deny("Empty")]}, rcps={PROD: [NO_WRITES], LAB: [PERIMETER]}),
    Attached(scps={ROOT: [deny("Everything")]}, rcps={ROOT: [rcp("Everything", ["s3:*", "sts:*", "kms:*", "sqs:*"])]}),
)
UNITS = (LABS, EMPTY)


@cache
def tree(number, lab_in):
    return organization(GUARDRAILS[number], lab_in=lab_in)


@cache
def prepared(current, proposed, since="", assume=()):
    """A replayer; making one costs far more than replaying a few records."""
    return replayer(tree(*current), tree(*proposed), Selection(since=since, assume=dict(assume)))


VERSION = st.tuples(st.integers(0, len(GUARDRAILS) - 1), st.sampled_from(UNITS))

# Records: a few kinds of calls with every kind of caller.

CALLERS = (
    role(APP, "team/app", "one"),
    role(APP, "team/app", "two"),
    role(DATA, "data"),
    role(LAB, "lab"),
    role(NEW, "new"),
    role(MANAGEMENT, "admin"),
    role(APP, "aws-service-role/x.amazonaws.com/AWSServiceRoleForX"),
    user(DATA, "ada"),
    root(APP),
    root(LAB, "ASIAROOT"),
    stranger(FOREIGN),
    stranger(DATA),
    service("lambda.amazonaws.com"),
    ANONYMOUS,
    {"type": "SAMLUser", "principalId": "x:ada", "userName": "ada", "identityProvider": "x"},
)
BUCKETS = {"app": APP, "data": DATA, "lab": LAB, "theirs": FOREIGN, "whose": None}
ERRORS = st.sampled_from([{}, {}, {}, {"errorCode": "AccessDenied"}, {"errorCode": "ThrottlingException"}])


def on_bucket(name, bucket):
    resources = [{"ARN": f"arn:aws:s3:::{bucket}/k", "type": "AWS::S3::Object"}]
    owner = BUCKETS[bucket]
    if owner:
        resources.append({"ARN": f"arn:aws:s3:::{bucket}", "accountId": owner, "type": "AWS::S3::Bucket"})
    parameters = {"bucketName": bucket, "key": "k"}
    if name == "CopyObject":
        parameters["x-amz-copy-source"] = "data/k"
    return "s3", name, {"parameters": parameters, "resources": resources}


CALLS = (
    *(on_bucket(name, bucket) for name in ("GetObject", "PutObject", "CopyObject") for bucket in BUCKETS),
    ("ec2", "DescribeInstances", {}),
    ("ec2", "DescribeInstances", {"region": "us-east-1"}),
    ("ec2", "StopInstances", {"parameters": {"instancesSet": {"items": [{"instanceId": f"i-{n}"} for n in "abc"]}}}),
    ("iam", "ListRoles", {"region": "us-east-1"}),
    ("sqs", "ReceiveMessage", {"parameters": {"queueUrl": f"https://sqs.eu-central-1.amazonaws.com/{LAB}/q"}}),
    ("kms", "Decrypt", {"resources": [{"ARN": f"arn:aws:kms:eu-central-1:{APP}:key/k", "accountId": APP}]}),
    ("kms", "Decrypt", {}),
    ("sts", "AssumeRole", {"parameters": {"roleArn": f"arn:aws:iam::{DATA}:role/data", "roleSessionName": "s"}}),
    ("sts", "GetCallerIdentity", {}),
    ("harbour", "Unheard", {}),
)


@st.composite
def logs(draw, min_size=0, max_size=8):
    """Distinct records; some are pairs of one cross-account call, some teach about others."""
    found = []
    for number in range(draw(st.integers(min_size, max_size))):
        source, name, more = draw(st.sampled_from(CALLS))
        who = draw(st.sampled_from(CALLERS))
        more = {
            **more,
            **draw(ERRORS),
            "eventTime": f"2026-09-0{draw(st.integers(1, 3))}T00:00:00Z",
            "sourceIPAddress": draw(st.sampled_from(["198.51.100.7", "192.0.2.7", "kms.amazonaws.com"])),
            "eventID": f"event-{number}",
        }
        recipient = draw(st.sampled_from([None, APP, DATA, LAB]))
        if recipient and draw(st.booleans()):
            more["sharedEventID"] = draw(st.sampled_from(["shared-1", "shared-2"]))
        if draw(st.integers(0, 9)) == 0:
            more["eventType"] = "AwsServiceEvent"
        found.append(record(source, name, who, recipient=recipient or who.get("accountId") or APP, **more))
    return found


@st.composite
def split(draw, items, most=4):
    """The items in up to `most` files, each in any order."""
    shuffled = draw(st.permutations(items))
    files = [[] for _ in range(draw(st.integers(1, most)))]
    for item in shuffled:
        files[draw(st.integers(0, len(files) - 1))].append(item)
    return files


def named(files):
    return [Memory(records, name=f"file-{number}") for number, records in enumerate(files)]


FILES = ("files_read", "files_skipped")


def in_parts(asked, batches, order):
    """The replay as several workers do it: each part surveyed and judged on its own, merged in any order."""
    numbered = list(enumerate(batches))
    survey = Survey()
    for number in order:
        survey.merge(asked.survey([numbered[number]]))
    survey.close()
    impact = Impact()
    for number in reversed(order):
        impact.merge(asked.judge(survey, frozenset(), [numbered[number]]))
    return impact


@given(VERSION, VERSION, logs(), st.data())
@settings(max_examples=80)
def test_parts_add_up_to_the_whole(current, proposed, records, data):
    """However the files are spread over workers, and in whatever order those come back; repeats included."""
    repeats = data.draw(st.lists(st.sampled_from(records), max_size=4)) if records else []
    batches = named(data.draw(split([*records, *repeats])))
    order = data.draw(st.permutations(range(len(batches))))
    asked = prepared(current, proposed)
    assert contents(in_parts(asked, batches, order)) == contents(asked.run(batches))


@given(VERSION, VERSION, logs(), st.data())
@settings(max_examples=80)
def test_the_order_and_the_files_of_a_log_do_not_matter(current, proposed, records, data):
    asked = prepared(current, proposed)
    one = asked.run(named([records]))
    many = asked.run(named(data.draw(split(records))))
    assert contents(one, *FILES) == contents(many, *FILES)


@given(VERSION, logs())
@settings(max_examples=80)
def test_no_change_changes_nothing(version, records):
    impact = prepared(version, version).run(named([records]))
    assert {outcome for outcome, count in impact.outcomes.items() if count} <= {Outcome.UNCHANGED, Outcome.EXEMPT}
    assert impact.findings == {}


@given(VERSION, VERSION, logs(), st.integers(0, 9))
@settings(max_examples=80)
def test_counts_add_up(current, proposed, records, noise):
    texts = [*records, *records[:noise]]
    impact = prepared(current, proposed).run(named([texts, [{"no": "record"}] * noise, records[noise:]]))
    left_out = impact.unmapped + impact.duplicates + sum(impact.skipped.values())
    assert impact.read == len(texts) + noise + len(records[noise:])
    assert impact.read == impact.mapped + left_out
    assert sum(impact.outcomes.values()) == impact.mapped
    assert impact.mapped <= len(records)
    for key, fold in impact.findings.items():
        # A record takes the gravest of its checks: a finding's calls have this outcome or a graver one.
        graver = sum(n for outcome, n in impact.outcomes.items() if outcome.gravity <= key.outcome.gravity)
        assert 1 <= fold.calls <= graver
        assert fold.calls >= max(fold.resources.counts.values())


@given(VERSION, VERSION, logs(), st.data())
@settings(max_examples=80)
def test_repeats_never_count_twice(current, proposed, records, data):
    asked = prepared(current, proposed)
    files = data.draw(split(records))
    once = asked.run(named(files))
    repeats = data.draw(st.lists(st.sampled_from(records), max_size=6)) if records else []
    again = asked.run(named([*files, repeats]))
    counted = ("read", "duplicates", *FILES)
    assert contents(again, *counted) == contents(once, *counted)
    assert again.duplicates == once.duplicates + len(repeats)


@given(VERSION, VERSION, logs(min_size=1, max_size=1))
@settings(max_examples=120)
def test_what_gets_allowed_one_way_gets_denied_the_other(current, proposed, records):
    there = prepared(current, proposed).run(named([records]))
    back = prepared(proposed, current).run(named([records]))
    if there.outcomes[Outcome.NEWLY_ALLOWED]:
        assert back.outcomes[Outcome.NEWLY_DENIED] or back.outcomes[Outcome.ALREADY_DENIED]


ASSUMPTIONS = st.sampled_from(
    [
        ("aws:PrincipalTag/team", "red"),
        ("aws:PrincipalTag/team", "blue"),
        ("aws:SourceIp", "198.51.100.9"),
        ("aws:SourceIp", "192.0.2.9"),
        ("aws:AssumedRoot", "true"),
        ("aws:PrincipalOrgID", "o-testorg0001"),
        ("aws:RequestedRegion", "us-east-1"),
    ]
)


@given(VERSION, logs(min_size=1, max_size=1), ASSUMPTIONS)
@settings(max_examples=120)
def test_no_assumption_overturns_what_is_certain(proposed, records, assume):
    """From an organization without guardrails: what was denied or left alone for sure stays so."""
    nothing = (0, proposed[1])
    certain = prepared(nothing, proposed).run(named([records])).outcomes
    assumed = prepared(nothing, proposed, assume=(assume,)).run(named([records])).outcomes
    if not certain[Outcome.POSSIBLY_NEWLY_DENIED]:
        changed = {outcome for outcome in Outcome if certain[outcome] != assumed[outcome]}
        # A failed call counts as already denied whether the statement surely matches or only may.
        assert changed <= {Outcome.ALREADY_DENIED, Outcome.UNCHANGED}


@given(VERSION, VERSION, logs())
@settings(max_examples=60)
def test_a_window_leaves_out_exactly_what_is_outside(current, proposed, records):
    since = "2026-09-02T00:00:00Z"
    impact = prepared(current, proposed, since).run(named([records]))
    left_out = impact.skipped["outside-window"]
    early = [each for each in records if each["eventTime"] < since]
    assert left_out <= len(early)
    assert impact.first_time == "" or impact.first_time >= since
    if len({each.get("sharedEventID", each["eventID"]) for each in records}) == len(records):
        assert left_out == len(early)


# Two proposals


@cache
def reviewing(today, base, head, assume=()):
    """A replayer of two versions over a log made under a third."""
    asked = Question(tree(*base), tree(*head), Selection(assume=dict(assume)), logged_under=tree(*today))
    return Replayer(asked, CATALOG)


def passed(records):
    return [{key: value for key, value in each.items() if key != "errorCode"} for each in records]


@given(VERSION, VERSION, logs())
@settings(max_examples=40)
def test_a_proposal_beside_itself_changes_nothing(today, version, records):
    impact = reviewing(today, version, version).run(named([records]))
    assert {outcome for outcome, count in impact.outcomes.items() if count} <= {Outcome.UNCHANGED, Outcome.EXEMPT}
    assert impact.findings == {}


@given(VERSION, VERSION, VERSION, logs())
@settings(max_examples=60)
def test_what_head_newly_denies_base_lets_pass_the_other_way_round(today, base, head, records):
    records = passed(records)
    there = reviewing(today, base, head).run(named([records]))
    back = reviewing(today, head, base).run(named([records]))

    def places(impact, outcome):
        return {
            key._replace(outcome=None): fold.calls for key, fold in impact.findings.items() if key.outcome is outcome
        }

    # A record takes the gravest of its checks: findings tell of each check, but only sure ones are mirrored.
    denied, allowed = places(there, Outcome.NEWLY_DENIED), places(back, Outcome.NEWLY_ALLOWED)
    assert denied == allowed


@given(VERSION, VERSION, logs())
@settings(max_examples=40)
def test_beside_today_a_review_says_what_a_replay_says(today, head, records):
    """Where base is what stands today, the log proves of base what it proves of today."""
    asked = prepared(today, head).run(named([records]))
    impact = reviewing(today, today, head).run(named([records]))
    assert contents(impact) == contents(asked)


@given(VERSION, VERSION, VERSION, logs(min_size=1, max_size=1), ASSUMPTIONS)
@settings(max_examples=60)
def test_no_assumption_makes_news_of_what_a_review_holds_to_be_settled(today, base, head, records, assume):
    """No fact that the log lacks may turn a call into a newly denied one that was not at least possibly so."""
    certain = reviewing(today, base, head).run(named([passed(records)])).outcomes
    assumed = reviewing(today, base, head, (assume,)).run(named([passed(records)]))
    if not certain[Outcome.POSSIBLY_NEWLY_DENIED] and not assumed.drift:
        assert assumed.outcomes[Outcome.NEWLY_DENIED] == certain[Outcome.NEWLY_DENIED]
