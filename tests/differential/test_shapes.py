"""The memo of shapes against the judge that it stands for: on the sample logs, and on random records and judges."""

import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.proposals import write_proposals
from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.record import Record, SessionContext, SessionIssuer, UserIdentity
from simulator.iam.catalog import Catalog
from simulator.organization.proposal import Proposal, apply
from simulator.replay.replayer import Question, Replayer, _Judge, folder_accounts
from simulator.replay.shapes import ShapeMemo
from simulator.sources.files import find_batches
from simulator.sources.organizations import read_organization
from simulator.sources.proposals import read_proposal

SAMPLES = Path(__file__).parents[2] / "samples"


def sample_question(*, review):
    """The samples' proposal; as a review: what its second half changes, once the first half is there."""
    current = read_organization(SAMPLES / "organization.json")
    proposal = read_proposal(SAMPLES / "proposal")
    proposed = apply(proposal, current)
    if not review:
        return Question(current, proposed)
    return Question(apply(Proposal(proposal.policies[:5]), current), proposed, logged_under=current)


@pytest.mark.parametrize("review", [False, True])
def test_every_sample_record_is_judged_as_without_the_memo(review):
    replayer = Replayer(sample_question(review=review), Catalog())
    batches, _ = find_batches([SAMPLES / "logs"])
    numbered = list(enumerate(batches))
    survey = replayer.survey(numbered)
    judge = _Judge(replayer, survey, folder_accounts(replayer.facts, batches))
    hits = 0
    seen = set()
    for _, batch in numbered:
        for item in decode(batch.chunks()):
            if isinstance(item, Record):
                judged = judge._judged(item)
                assert judged == judge._judge(item), item.event_id
                hits += id(judged) in seen
                seen.add(id(judged))
    assert hits > 300, "the memo must also be of use"


ADDRESSES = [
    "198.51.100.7",
    "203.0.113.9",
    "10.1.2.3",
    "2001:db8::1",
    "dynamodb.amazonaws.com",
    "1.2.3.4, 5.6.7.8",
    None,
]
KEYS = ["a", "reports/2026.csv", "AWSLogs/x", "public/index.html", "b c", "${aws:username}"]


def test_what_classes_hold_to_be_the_same_is_judged_the_same():
    """Every address with every object key on the sample's calls: the memo may not mix up any two of them."""
    current = read_organization(SAMPLES / "organization.json")
    proposed = apply(read_proposal(SAMPLES / "proposal"), current)
    replayer = Replayer(Question(current, proposed), Catalog())
    batches, _ = find_batches([SAMPLES / "logs"])
    numbered = list(enumerate(batches))
    judge = _Judge(replayer, replayer.survey(numbered), folder_accounts(replayer.facts, batches))
    kinds = {}
    for _, batch in numbered:
        for item in decode(batch.chunks()):
            if isinstance(item, Record) and item.error_message is None:
                kinds.setdefault((item.event_source, item.event_name), []).append(item)
    for records in kinds.values():
        for record in (records[0], records[-1]):
            for number, address in enumerate(ADDRESSES):
                for key in KEYS if record.event_source == "s3.amazonaws.com" else KEYS[:1]:
                    changed = _changed(record, address, key, f"{'ASIA' if number % 2 else 'AKIA'}{number}EXAMPLE")
                    assert judge._judged(changed) == judge._judge(changed), (record.event_id, address, key)


@pytest.mark.parametrize("name", ["samples", "plain-200", "rich-10"])
def test_facets_tell_apart_whatever_the_judge_does(name, tmp_path):
    """Every kind of call by every kind of caller, in other regions, accounts and with other results."""
    current = read_organization(SAMPLES / "organization.json")
    folder = SAMPLES / "proposal" if name == "samples" else write_proposals(tmp_path)[name]
    replayer = Replayer(Question(current, apply(read_proposal(folder), current)), Catalog())
    batches, _ = find_batches([SAMPLES / "logs"])
    numbered = list(enumerate(batches))
    judge = _Judge(replayer, replayer.survey(numbered), folder_accounts(replayer.facts, batches))
    kinds, callers, errors = {}, {}, {}
    for _, batch in numbered:
        for item in decode(batch.chunks()):
            if isinstance(item, Record):
                kinds.setdefault((item.event_source, item.event_name), item)
                identity = item.user_identity
                issuer = identity and identity.session_context and identity.session_context.session_issuer
                callers.setdefault(repr(issuer.arn if issuer else identity and (identity.arn, identity.type)), identity)
                errors.setdefault(item.error_code, item.error_message)
    chance = random.Random(1)
    for record in kinds.values():
        for identity in chance.sample(list(callers.values()), 8):
            code = chance.choice([None, None, *errors])
            changed = msgspec.structs.replace(
                record,
                user_identity=identity,
                aws_region=chance.choice(["eu-central-1", "us-east-1", "ap-southeast-2", "cn-north-1", None]),
                recipient_account_id=chance.choice([record.recipient_account_id, identity and identity.account_id]),
                error_code=code,
                error_message=errors.get(code),
            )
            assert judge._judged(changed) == judge._judge(changed), (record.event_id, identity)


def _changed(record, address, key, access_key):
    parameters = msgspec.json.decode(record.request_parameters)
    resources = msgspec.json.decode(record.resources)
    if isinstance(parameters, dict) and isinstance(parameters.get("key"), str):
        old = parameters["key"]
        parameters = {**parameters, "key": key}
        resources = [
            {**each, "ARN": each["ARN"].removesuffix(old) + key} if each.get("ARN", "").endswith(f"/{old}") else each
            for each in resources or []
        ] or None
    identity = record.user_identity
    if identity is not None and identity.access_key_id:
        identity = msgspec.structs.replace(identity, access_key_id=access_key)
    return msgspec.structs.replace(
        record,
        source_ip_address=address,
        user_identity=identity,
        request_parameters=msgspec.Raw(msgspec.json.encode(parameters)),
        resources=msgspec.Raw(msgspec.json.encode(resources)),
    )


words = st.sampled_from([None, "", "a", "b"])
identities = st.none() | st.builds(
    UserIdentity,
    type=words,
    arn=words,
    in_scope_of=st.sampled_from([None, {}, {"a": "b"}, {"a": True}, {"a": "True"}, ["a"]]),
    session_context=st.none()
    | st.builds(
        SessionContext,
        source_identity=words,
        assumed_root=st.sampled_from([None, True, "true", False]),
        session_issuer=st.none() | st.builds(SessionIssuer, arn=words),
    ),
)
records = st.builds(Record, event_name=words, event_source=words, aws_region=words, user_identity=identities)


def branching(record):
    """Reads other fields for other values, as the judge does."""
    identity = record.user_identity
    if identity is None:
        return (record.event_name, record.aws_region) if record.event_source == "a" else record.event_name
    session = identity.session_context
    if session is None:
        return repr(identity.in_scope_of) if identity.type == "a" else identity.arn
    issuer = session.session_issuer
    if issuer is None:
        return repr(session.assumed_root)
    return issuer.arn, record.event_name if issuer.arn == "b" else session.source_identity


@settings(max_examples=300)
@given(st.lists(records, max_size=40))
def test_a_memo_answers_as_its_judge(log):
    memo = ShapeMemo(branching)
    for record in [*log, *log]:
        assert memo(record) == branching(record)


def test_a_shape_is_judged_once():
    calls = []

    def judge(record):
        calls.append(record.event_name)
        return record.event_name

    memo = ShapeMemo(judge)
    for number in range(10):
        memo(Record(event_name="GetObject", event_id=str(number), source_ip_address=f"203.0.113.{number}"))
    assert calls == ["GetObject"] * 1
