"""Who acted through a principal: only those whose sessions used the very action of the row."""

from simulator.analysis.identities.linker import identities_of
from simulator.analysis.identities.model import Confidence
from simulator.analysis.usage import make_usage_report
from simulator.replay.restrictions import Restriction
from simulator.replay.usage import UsageCounter, UsageQuestion
from tests.replay_tools import Memory, record, role, user
from tests.unit.replay.world import APP, CATALOG, DATA, organization

ROLE = f"arn:aws:iam::{DATA}:role/shared"
ASKED = tuple(Restriction(each, (each,)) for each in ("s3:*", "sts:AssumeRole"))


def assumes(who, key, name, **more):
    """An AssumeRole that issues a session of the shared role."""
    answer = {
        "credentials": {"accessKeyId": key},
        "assumedRoleUser": {"arn": f"arn:aws:sts::{DATA}:assumed-role/shared/{name}"},
    }
    parameters = {"roleArn": ROLE, "roleSessionName": name}
    return record("sts", "AssumeRole", who, parameters=parameters, responseElements=answer, **more)


def act(key, name, event="GetObject", **more):
    """A call in such a session."""
    who = role(DATA, "shared", name, accessKeyId=key)
    return record("s3", event, who, parameters={"bucketName": "b", "key": "k"}, **more)


def rows(*records):
    organized = organization()
    usage = UsageCounter(UsageQuestion(organized, ASKED), CATALOG).run([Memory(records)])
    identities = identities_of(usage, organized)
    report = make_usage_report(usage, ASKED, organized, CATALOG, identities)
    return {(row.principal.arn.rpartition("/")[2], row.action): row for row in report.rows}


def told(row):
    return [(each.identity.label.rpartition("/")[2], each.confidence, each.calls) for each in row.behind]


ADA, BEN = user(APP, "ada"), user(APP, "ben")


def test_of_two_who_share_a_role_each_stands_behind_what_they_used():
    found = rows(
        assumes(ADA, "ASIAADA", "one"),
        assumes(BEN, "ASIABEN", "two"),
        act("ASIAADA", "one"),
        act("ASIAADA", "one", eventTime="2026-09-01T11:00:00Z"),
        act("ASIABEN", "two", "PutObject"),
    )
    assert told(found["shared", "s3:GetObject"]) == [("ada", Confidence.PROVED, 2)]
    assert told(found["shared", "s3:PutObject"]) == [("ben", Confidence.PROVED, 1)]
    assert found["ada", "sts:AssumeRole"].behind == ()


def test_a_session_that_did_something_else_is_behind_nothing_here():
    found = rows(
        assumes(ADA, "ASIAADA", "one"),
        assumes(BEN, "ASIABEN", "two"),
        act("ASIAADA", "one"),
        record("ec2", "DescribeInstances", role(DATA, "shared", "two", accessKeyId="ASIABEN")),
    )
    assert told(found["shared", "s3:GetObject"]) == [("ada", Confidence.PROVED, 1)]


def test_a_name_alone_is_never_more_than_a_name():
    [(_, confidence, calls)] = told(rows(act("ASIAUNKNOWN", "ada"))["shared", "s3:GetObject"])
    assert (confidence, calls) == (Confidence.NAMED, 1)
