"""Who is behind whom, by what records say: cases as data, then what holds for all of them."""

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.analysis.identities.model import Confidence
from simulator.cloudtrail.narrowing import Narrowing
from simulator.replay.ties import LOOKED_AT, Ties
from tests.replay_tools import record, role, root, service, stranger, user
from tests.ties_tools import DENY, OTHER, arn, assume, call, folded, judged, linked, session_of, told
from tests.unit.replay.world import APP, DATA, FOREIGN, LAB, MANAGEMENT, NEW, organization

DEPLOY, RELEASE, THIRD, WORKER = arn(APP, "ci/deploy"), arn(DATA, "release"), arn(LAB, "third"), arn(APP, "app/worker")
CENTER = arn(APP, "aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Dev_0123456789abcdef")
LINKED_ROLE = arn(APP, "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")
GITHUB = f"arn:aws:iam::{APP}:oidc-provider/token.actions.githubusercontent.com"
EKS = f"arn:aws:iam::{APP}:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABCDEF"
FUNCTION = f"arn:aws:lambda:eu-central-1:{APP}:function:mailer"
LAMBDA = "Boto3/1.40 md/Botocore#1.40 exec-env/AWS_Lambda_python3.12"


def saml(name="mira@example.com"):
    return {"type": "SAMLUser", "principalId": f"x:{name}", "userName": name, "identityProvider": "x="}


def token(provider, subject):
    return {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:sts.amazonaws.com:{subject}",
        "userName": subject,
        "identityProvider": provider,
    }


def sign_in(target, key, name="mira@example.com", **more):
    more = {"parameters": {"principalArn": f"arn:aws:iam::{APP}:saml-provider/idp"}, **more}
    return assume(saml(name), target, key, session=name, event="AssumeRoleWithSAML", **more)


def exchange(provider, subject, target, key, **more):
    return assume(token(provider, subject), target, key, event="AssumeRoleWithWebIdentity", **more)


def assume_root(who, account, key):
    parameters = {"targetPrincipal": account}
    answer = {"credentials": {"accessKeyId": key}}
    return record("sts", "AssumeRoot", who, parameters=parameters, responseElements=answer, recipient=account)


ADA = user(APP, "ada")


@dataclass(frozen=True)
class Case:
    """Records, whose trees are asked for, and the trees as `told` writes them."""

    id: str
    records: list
    trees: list
    of: str = WORKER
    more: dict = field(default_factory=dict)


CASES = [
    Case(
        "an IAM user assumes a role",
        [assume(ADA, WORKER, "ASIA1"), call(session_of(WORKER, "ASIA1")), call(session_of(WORKER, "ASIA1"))],
        ["proved assumes user:ada 2/0"],
    ),
    Case("issued and never seen at work", [assume(ADA, WORKER, "ASIA1")], ["proved assumes user:ada 0/0"]),
    Case(
        "a chain of four roles, told backwards",
        [
            (call(session_of(WORKER, "ASIA4")), judged(DENY)),
            assume(session_of(THIRD, "ASIA3"), WORKER, "ASIA4"),
            assume(session_of(RELEASE, "ASIA2"), THIRD, "ASIA3"),
            assume(session_of(DEPLOY, "ASIA1"), RELEASE, "ASIA2"),
            exchange(GITHUB, "repo:octo/app:ref:refs/heads/main", DEPLOY, "ASIA1"),
        ],
        [
            "proved assumes role:third 1/1 < proved assumes role:release 1/1 < proved assumes role:deploy 1/1"
            " < proved exchanges_token pipeline:octo/app 1/1"
        ],
    ),
    Case(
        "two people behind one role, each with what they did through the next",
        [
            sign_in(DEPLOY, "ASIA1"),
            sign_in(DEPLOY, "ASIA2", "noor@example.com"),
            assume(session_of(DEPLOY, "ASIA1"), WORKER, "ASIA3", at="10:01:00"),
            assume(session_of(DEPLOY, "ASIA2"), WORKER, "ASIA4", at="10:02:00"),
            (call(session_of(WORKER, "ASIA3")), judged(DENY)),
            call(session_of(WORKER, "ASIA4")),
            call(session_of(WORKER, "ASIA4")),
        ],
        [
            "proved assumes role:deploy 3/1 < proved signs_in person:mira@example.com 1/1",
            "proved assumes role:deploy 3/1 < proved signs_in person:noor@example.com 2/0",
        ],
    ),
    Case(
        "the same name is not enough where the access key is another's",
        [assume(ADA, WORKER, "ASIA1"), call(session_of(WORKER, "ASIA1")), call(session_of(WORKER, "ASIA2"))],
        ["proved assumes user:ada 1/0", "named named_in session_group:session 1/0"],
    ),
    Case(
        "no credentials in the record: role, session name and time match",
        [assume(ADA, WORKER, None), call(session_of(WORKER, "ASIA1"))],
        ["matched assumes user:ada 1/0", "proved assumes user:ada 0/0"],
    ),
    Case(
        "no access key in the calls: role, session name and time match",
        [assume(ADA, WORKER, "ASIA1"), call(session_of(WORKER, None))],
        ["matched assumes user:ada 1/0", "proved assumes user:ada 0/0"],
    ),
    Case(
        "the time does not match",
        [assume(ADA, WORKER, None, at="09:00:00"), call(session_of(WORKER, "ASIA1"))],
        ["named named_in session_group:session 1/0", "proved assumes user:ada 0/0"],
    ),
    Case(
        "two callers at the same second match equally: neither is claimed",
        [
            assume(ADA, WORKER, None),
            assume(user(APP, "eve"), WORKER, None),
            call(session_of(WORKER, "ASIA1")),
        ],
        [
            "named named_in session_group:session 1/0",
            "proved assumes user:ada 0/0",
            "proved assumes user:eve 0/0",
        ],
    ),
    Case(
        "the same key in a session of another role is not joined",
        [assume(ADA, RELEASE, "ASIA1"), call(session_of(WORKER, "ASIA1"))],
        ["named named_in session_group:session 1/0"],
    ),
    Case(
        "a call before the key was issued is not joined",
        [assume(ADA, WORKER, "ASIA1", at="2026-09-05T10:00:00Z"), call(session_of(WORKER, "ASIA1"))],
        ["named named_in session_group:session 1/0", "proved assumes user:ada 0/0"],
    ),
    Case(
        "a call two days later is not joined",
        [assume(ADA, WORKER, "ASIA1"), call(session_of(WORKER, "ASIA1"), at="2026-09-03T10:00:00Z")],
        ["named named_in session_group:* 1/0", "proved assumes user:ada 0/0"],
    ),
    Case(
        "roles in a circle",
        [
            assume(session_of(WORKER, "ASIA2"), RELEASE, "ASIA1"),
            assume(session_of(RELEASE, "ASIA1"), WORKER, "ASIA2"),
            call(session_of(WORKER, "ASIA2")),
        ],
        [
            "proved assumes role:release 2/0 < proved assumes role:worker 2/0",
        ],
    ),
    Case(
        "Identity Center, signed in by SAML",
        [sign_in(CENTER, "ASIA1"), call(session_of(CENTER, "ASIA1", session="mira@example.com"))],
        ["proved signs_in person:mira@example.com 1/0"],
        of=CENTER,
    ),
    Case(
        "Identity Center, the sign-in is not in the log",
        [call(session_of(CENTER, "ASIA1", session="mira"))],
        ["matched signs_in person:mira 1/0"],
        of=CENTER,
    ),
    Case(
        "Identity Center, onBehalfOf",
        [call(session_of(CENTER, "ASIA1", session="mira", onBehalfOf={"userId": "f3ry-1"}))],
        ["proved signs_in person:mira 1/0"],
        of=CENTER,
    ),
    Case(
        "an EKS pod by its service account",
        [exchange(EKS, "system:serviceaccount:shop:web", WORKER, "ASIA1"), call(session_of(WORKER, "ASIA1"))],
        ["proved exchanges_token workload:shop/web 1/0"],
    ),
    Case(
        "an EKS pod by Pod Identity",
        [
            assume(
                service("pods.eks.amazonaws.com"),
                WORKER,
                "ASIA1",
                parameters={
                    "tags": [
                        {"key": "kubernetes-namespace", "value": "shop"},
                        {"key": "kubernetes-service-account", "value": "web"},
                    ]
                },
            ),
            call(session_of(WORKER, "ASIA1")),
        ],
        ["proved assumes workload:shop/web 1/0"],
    ),
    Case(
        "a token of a provider that nobody knows",
        [exchange("accounts.example.com", "108899776655443322110", WORKER, "ASIA1")],
        ["proved exchanges_token token_holder:* 0/0"],
    ),
    Case(
        "a token whose exchange is not in the log",
        [call(session_of(WORKER, "ASIA1", context={"webIdFederationData": {"federatedProvider": GITHUB}}))],
        ["proved exchanges_token token_holder:token.actions.githubusercontent.com 1/0"],
    ),
    Case(
        "a Lambda function by the service that assumed the role",
        [
            assume(service("lambda.amazonaws.com"), WORKER, "ASIA1", session="mailer"),
            call(session_of(WORKER, "ASIA1", session="mailer")),
        ],
        ["proved assumes workload:mailer 1/0"],
    ),
    Case(
        "a Lambda function by inScopeOf",
        [
            call(
                session_of(
                    WORKER,
                    "ASIA1",
                    session="x",
                    inScopeOf={"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": FUNCTION},
                )
            )
        ],
        ["proved runs_as workload:mailer 1/0"],
    ),
    Case(
        "a Lambda function by the user agent alone",
        [call(session_of(WORKER, "ASIA1", session="mailer"), userAgent=LAMBDA)],
        ["named named_in workload:mailer 1/0"],
    ),
    Case(
        "an EC2 instance by the delivery of its role",
        [call(session_of(WORKER, "ASIA1", session="i-0c0ffee000000bb00", context={"ec2RoleDelivery": "2.0"}))],
        ["proved runs_as workload:i-0c0ffee000000bb00 1/0"],
    ),
    Case(
        "an EC2 instance by the session's name alone",
        [call(session_of(WORKER, "ASIA1", session="i-0c0ffee000000bb00"))],
        ["named named_in workload:i-0c0ffee000000bb00 1/0"],
    ),
    Case(
        "CodeBuild and Glue",
        [
            assume(service("codebuild.amazonaws.com"), WORKER, "ASIA1", session="AWSCodeBuild-1"),
            assume(service("glue.amazonaws.com"), WORKER, "ASIA2", session="GlueJobRunnerSession"),
        ],
        ["proved assumes workload:worker 0/0", "proved assumes workload:worker 0/0"],
    ),
    Case(
        "Step Functions, by invokedBy on every call",
        [call(session_of(WORKER, "ASIA1", session="X" * 32, invokedBy="states.amazonaws.com"))],
        ["matched runs_as workload:worker 1/0"],
    ),
    Case(
        "a service that called on for a person is not the workload",
        [
            call(session_of(WORKER, "ASIA1", session="ada", invokedBy="athena.amazonaws.com")),
            call(session_of(WORKER, "ASIA2", session="ada", invokedBy="states.amazonaws.com")),
            call(session_of(WORKER, "ASIA2", session="ada")),
        ],
        ["named named_in session_group:ada 3/0"],
    ),
    Case(
        "a service-linked role",
        [call(session_of(LINKED_ROLE, "ASIA1", session="AutoScaling"))],
        ["matched assumes service:autoscaling.amazonaws.com 1/0"],
        of=LINKED_ROLE,
    ),
    Case(
        "a service that takes a role for itself",
        [assume(service("cloudformation.amazonaws.com"), WORKER, "ASIA1")],
        ["proved assumes service:cloudformation.amazonaws.com 0/0"],
    ),
    Case(
        "another company's account",
        [assume(stranger(FOREIGN), WORKER, "ASIA1"), call(session_of(WORKER, "ASIA1"))],
        [f"proved assumes external_account:{FOREIGN} 1/0"],
    ),
    Case(
        "another company's role, seen by its ARN",
        [assume(role(FOREIGN, "collector"), WORKER, "ASIA1")],
        [f"proved assumes external_account:{FOREIGN} 0/0"],
    ),
    Case(
        "an account of ours that the snapshot lacks is no other company",
        [assume(stranger(NEW), WORKER, "ASIA1")],
        [f"proved assumes caller:{NEW} 0/0"],
        more={"stale": (NEW,)},
    ),
    Case(
        "AssumeRoot",
        [
            assume_root(session_of(WORKER, "ASIA1", session="unlock"), DATA, "ASIA2"),
            call(root(DATA, "ASIA2")),
        ],
        ["proved assumes_root role:worker 1/0 < named named_in session_group:unlock 1/0"],
        of=f"arn:aws:iam::{DATA}:root",
    ),
    Case("a root user who signed in", [call(root(DATA, "ASIA2"))], [], of=f"arn:aws:iam::{DATA}:root"),
    Case(
        "a federated user",
        [
            call(
                {
                    "type": "FederatedUser",
                    "arn": f"arn:aws:sts::{APP}:federated-user/desk",
                    "accountId": APP,
                    "accessKeyId": "ASIA1",
                    "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": f"arn:aws:iam::{APP}:user/ada"}},
                }
            )
        ],
        ["proved federates user:ada 1/0"],
        of=f"arn:aws:sts::{APP}:federated-user/desk",
    ),
    Case(
        "sourceIdentity where nothing else is known",
        [call(session_of(WORKER, "ASIA1", context={"sourceIdentity": "noor"}))],
        ["matched set_as_source person:noor 1/0"],
    ),
    Case(
        "a session named like a person",
        [call(session_of(WORKER, "ASIA1", session="noor@example.com"))],
        ["named named_in person:noor@example.com 1/0"],
    ),
    Case(
        "hostile names are told as they are, and prove nothing",
        [call(session_of(WORKER, "ASIA1", session="<script>\u202e'\"=1"))],
        ["named named_in session_group:<script>\u202e'\"=1 1/0"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_trees(case):
    found = linked(case.records, organization(), **case.more)
    assert told(found.of(case.of)) == case.trees


@given(st.sampled_from(CASES), st.data())
@settings(max_examples=100, deadline=None)
def test_neither_order_nor_files_matter(case, data):
    """Sessions begin in one file and go on in another, and files come in any order."""
    records = data.draw(st.permutations(case.records))
    cut = data.draw(st.integers(0, len(records)))
    ties = folded(records[:cut])
    ties.merge(folded(records[cut:]))
    assert linked([], organization(), ties, **case.more) == linked(case.records, organization(), **case.more)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_more_is_read_than_is_decoded(case):
    """Records with only the fields that the fold says it reads give the same."""
    ties = Ties()
    for each in case.records:
        text, found = each if isinstance(each, tuple) else (each, judged())
        [record] = Narrowing(LOOKED_AT).decoders.list.decode(json.dumps([text]))
        ties.look(record, found)
    assert ties == folded(case.records)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_rests_on_a_name_says_so(case):
    for trees in linked(case.records, organization(), **case.more).behind.values():
        for tree in trees:
            for each in tree.walk():
                assert each.evidence, "no link without a reason"
                by_name = [reason.what for reason in each.evidence if reason.what.startswith("only by name")]
                if by_name:
                    assert each.confidence is Confidence.NAMED
                if not each.behind and each.confidence is Confidence.NAMED:
                    assert by_name


def test_links_are_counted_by_the_records_with_their_events():
    records = [assume(ADA, WORKER, f"ASIA{number}", at=f"10:0{number}:00") for number in range(5)]
    [link] = linked(records, organization()).links
    assert (link.start.label, link.end.arn, link.relation.value, link.count) == ("ada", WORKER, "assumes", 5)
    assert (link.first_seen, link.last_seen) == ("2026-09-01T10:00:00Z", "2026-09-01T10:04:00Z")
    [evidence] = link.evidence
    assert evidence.count == 5
    assert list(evidence.event_ids) == sorted(each["eventID"] for each in records)[:3]


def test_beyond_the_bound_links_stay_complete_and_chains_become_possible():
    records = []
    for number in range(40):
        first, second = f"ASIA1{number}", f"ASIA2{number}"
        records += [
            sign_in(DEPLOY, first, eventID=f"a{number}"),
            assume(session_of(DEPLOY, first, session="mira@example.com"), WORKER, second, eventID=f"b{number}"),
            call(session_of(WORKER, second), eventID=f"c{number}"),
        ]
    found = linked(records, organization(), Ties(max_sessions=1))
    assert found.truncated == ("sessions",)
    [link] = [each for each in found.links if each.end.arn == WORKER and each.start.arn == DEPLOY]
    assert link.count == 40
    trees = [tree for tree in found.of(WORKER) if tree.identity.arn == DEPLOY]
    people = {(each.identity.label, each.confidence) for tree in trees for each in tree.walk() if not each.behind}
    assert ("mira@example.com", Confidence.POSSIBLE) in people or ("mira@example.com", Confidence.PROVED) in people
    assert linked(records, organization()).of(WORKER)[0].behind[0].confidence is Confidence.PROVED


# Lost with a denied AssumeRole


def lost(records, **more):
    return [
        (each.caller.label, each.role.label, each.assumptions, each.sessions, each.calls, each.complete)
        for each in linked(records, organization(), **more).lost
    ]


def test_sessions_are_lost_with_the_call_that_issued_them():
    who = session_of(WORKER, "ASIA1")
    records = [
        (assume(stranger(FOREIGN), WORKER, "ASIA1"), judged(DENY)),
        call(who),
        call(who, name="PutObject"),
        (call(who, name="DeleteObject"), judged(OTHER)),
        call(session_of(WORKER, "ASIA9")),
    ]
    found = linked(records, organization())
    [each] = found.lost
    assert (each.caller.label, each.role.arn, each.by) == (FOREIGN, WORKER, (DENY,))
    # The call that is newly denied itself is counted there, not here.
    assert (each.assumptions, each.sessions, each.calls) == (1, 1, 2)
    assert [(one.event, one.calls) for one in each.events] == [("s3:GetObject", 1), ("s3:PutObject", 1)]


def test_what_lost_sessions_went_on_to_assume_is_lost_too():
    records = [
        (sign_in(DEPLOY, "ASIA1"), judged(DENY)),
        assume(session_of(DEPLOY, "ASIA1", session="mira@example.com"), RELEASE, "ASIA2"),
        assume(session_of(RELEASE, "ASIA2"), WORKER, "ASIA3"),
        call(session_of(WORKER, "ASIA3")),
    ]
    [each] = linked(records, organization()).lost
    assert (each.sessions, each.calls) == (3, 3)
    assert {one.arn for one in each.further} == {RELEASE, WORKER}


def test_a_session_denied_by_itself_is_counted_there_only():
    records = [
        (assume(ADA, DEPLOY, "ASIA1"), judged(DENY)),
        (assume(session_of(DEPLOY, "ASIA1"), WORKER, "ASIA2"), judged(OTHER)),
        call(session_of(WORKER, "ASIA2")),
    ]
    assert sorted(lost(records)) == [("ada", "deploy", 1, 1, 0, True), ("deploy", "worker", 1, 1, 1, True)]


def test_nothing_is_lost_where_nothing_is_denied():
    assert lost([assume(ADA, WORKER, "ASIA1"), call(session_of(WORKER, "ASIA1"))]) == []


def test_beyond_the_bound_what_is_lost_is_said_to_be_the_least():
    records = []
    for number in range(20):
        records += [
            (assume(ADA, WORKER, f"ASIA{number}", eventID=f"a{number}"), judged(DENY)),
            call(session_of(WORKER, f"ASIA{number}"), eventID=f"c{number}"),
        ]
    assert all(not complete for *_, complete in lost(records, ties=Ties(max_sessions=5)))


def test_the_management_account_is_no_other_company():
    [tree] = linked([assume(role(MANAGEMENT, "admin"), WORKER, "ASIA1")], organization()).of(WORKER)
    assert tree.identity.kind == "role"
