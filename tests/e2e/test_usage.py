"""`orgsim usage` on the samples: numbers counted by hand from the raw records, and the command as people meet it."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.command import LOGS, ORGANIZATION, ROOT, call

SAMPLES = ("--logs", LOGS, "--organization", ORGANIZATION, "--workers", "1")


def usage(*arguments):
    done = call("usage", *arguments, *SAMPLES, "--format", "json")
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


def rows(document):
    """(calls, denied calls) by the identity's last word and action."""
    return {
        (row["principal"]["arn"].rpartition("/")[2], row["action"]): (row["calls"], row["denied_calls"])
        for row in document["identities"]
    }


@pytest.fixture(scope="module")
def raw():
    """Every record of the sample log once, as it was written; of a cross-account call the caller's copy."""
    found = {}
    for path in sorted(Path(ROOT, LOGS).rglob("*.json.gz")):
        if "/CloudTrail/" in path.as_posix():
            for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
                found[record["eventID"]] = record
    calls = {}
    for record in found.values():
        own = record["userIdentity"].get("accountId") == record["recipientAccountId"]
        key = record.get("sharedEventID", record["eventID"])
        if own or key not in calls:
            calls[key] = record
    return list(calls.values())


def counted(raw, source, names):
    """What the raw records say, by the caller's last word: all calls, and those refused."""
    calls, denied = Counter(), Counter()
    for record in raw:
        if record["eventSource"] == f"{source}.amazonaws.com" and record["eventName"] in names:
            identity = record["userIdentity"]
            issuer = identity.get("sessionContext", {}).get("sessionIssuer", {}).get("arn")
            who = (issuer or identity.get("arn") or identity.get("invokedBy") or identity["accountId"]).rpartition("/")[
                2
            ]
            calls[who] += 1
            code = record.get("errorCode", "")
            denied[who] += "AccessDenied" in code or "UnauthorizedOperation" in code
    return {who: (count, denied[who]) for who, count in calls.items()}


@pytest.mark.parametrize(
    ("source", "action", "events"),
    [
        ("kms", "kms:ScheduleKeyDeletion", {"ScheduleKeyDeletion"}),
        ("ec2", "ec2:RunInstances", {"RunInstances"}),
        ("dynamodb", "dynamodb:PutItem", {"PutItem"}),
        ("sqs", "sqs:SendMessage", {"SendMessage"}),
        ("s3", "s3:DeleteBucket", {"DeleteBucket"}),
        ("sts", "sts:AssumeRole", {"AssumeRole"}),
        ("iam", "iam:CreateUser", {"CreateUser"}),
    ],
)
def test_every_identity_and_call_of_an_action_is_found(raw, source, action, events):
    want = counted(raw, source, events)
    assert want
    assert {who: told for (who, _), told in rows(usage(action)).items()} == want


def test_what_the_stories_tell():
    document = usage("ec2:RunInstances", "s3:PutBucket*", "s3:PutLifecycle*")
    told = rows(document)
    # Trainer's GPU servers were refused twice; Steward changed the rules of one bucket.
    assert told["Trainer", "ec2:RunInstances"] == (4, 2)
    assert told["Steward", "s3:PutLifecycleConfiguration"] == (1, 0)
    by_name = {row["principal"]["arn"].rpartition("/")[2]: row for row in document["identities"]}
    jonas = by_name["AWSReservedSSO_Operator_5828b232f2d890aa"]
    assert jonas["sessions"] == [{"name": "jonas.brandt@ferries.example", "calls": jonas["calls"]}]
    assert (jonas["principal"]["account_name"], jonas["principal"]["ou_path"]) == ("booking-dev", "Workloads/Dev")
    assert by_name["AWSServiceRoleForAutoScaling"]["scp_exempt"] == "service-linked-role"


@pytest.mark.parametrize(
    ("action", "role", "who", "kind"),
    [
        # A GitHub pipeline behind a deploy role that assumes a second one, and never the pipeline of the other team.
        ("lambda:UpdateFunctionCode", "PaymentsRelease", "nordhaven-ferries/payments", "pipeline"),
        ("lambda:UpdateFunctionCode", "ReleaseRole", "nordhaven-ferries/booking", "pipeline"),
        # A person behind a role that she assumed from her Identity Center role.
        ("s3:PutLifecycleConfiguration", "Steward", "noor.haddad@ferries.example", "person"),
        ("ec2:RunInstances", "AWSReservedSSO_Operator_5828b232f2d890aa", "jonas.brandt@ferries.example", "person"),
        ("s3:PutObject", "invoice-mailer-role", "invoice-mailer", "workload"),
    ],
)
def test_who_is_behind(action, role, who, kind):
    [row] = [each for each in usage(action)["identities"] if each["principal"]["arn"].endswith(f"/{role}")]
    sure = [each for each in row["behind"] if each["confidence"] in ("proved", "matched")]
    assert [(each["label"], each["kind"], each["calls"]) for each in sure] == [(who, kind, row["calls"])]
    assert all(each["evidence"] for each in sure)


def test_records_are_counted_as_a_replay_counts_them(impact):
    document = usage("s3:*")
    records = {name: value for name, value in impact["records"].items() if name != "requests"}
    assert document["records"] == records
    for name in ("files", "window"):
        assert document[name] == impact[name]
    for name in ("accounts", "regions", "stale_accounts", "unmapped"):
        assert document["evidence"][name] == impact["evidence"][name]


def test_everything_that_is_newly_denied_shows_in_the_usage_of_its_policy(impact):
    """The policy's actions take in at least the calls that the replay says it would deny, by the same identities."""
    name = "protect-stored-data"
    document = usage("--policy", f"samples/proposal/scp/{name}.json")
    found = {(row["principal"]["arn"], row["action"]): row["calls"] for row in document["identities"]}
    hit = [each for each in impact["findings"] if each["statement"]["policy"] == name]
    assert hit
    for finding in hit:
        assert found[finding["principal"]["arn"], finding["action"]] >= finding["calls"]
    assert any("conditions and resources were not judged" in note for note in document["evidence"]["notes"])


def test_any_number_of_workers_gives_the_same_bytes(tmp_path):
    arguments = ("usage", "s3:*", "sts:*", "--logs", LOGS, "--organization", ORGANIZATION, "--format", "json")
    one, two = (call(*arguments, "--workers", number) for number in ("1", "2"))
    assert one.returncode == two.returncode == 0
    assert one.stdout == two.stdout


def test_files_get_the_format_of_their_ending(tmp_path):
    paths = [tmp_path / "usage.json", tmp_path / "usage.csv"]
    done = call("usage", "s3:PutObjectAcl", *SAMPLES, "-o", paths[0], "-o", paths[1], "--quiet")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[0] == "1 identity uses `s3:PutObjectAcl` in 3 calls."
    assert json.loads(paths[0].read_text(encoding="utf-8"))["calls"] == 3
    assert paths[1].read_text(encoding="utf-8").count("\n") == 2


def test_the_window_and_the_account_narrow_what_counts():
    document = usage("dynamodb:PutItem", "--since", "2026-09-01", "--until", "2026-10-01", "--account", "333333330001")
    skipped = document["records"]["skipped"]
    assert skipped["outside-window"] > 0
    assert skipped["other-account"] > 0
    assert all("2026-09-01" <= row["first_seen"] <= row["last_seen"] < "2026-10-01" for row in document["identities"])


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "Give an action PATTERN"),
        (("s3:PutObjct",), 2, "did you mean `s3:PutObject`?"),
        (("--policy", "samples/proposal/scp/sandbox-services.json"), 1, "no-deny-statement"),
        (("--policy", "samples/proposal/scp/nowhere.json"), 1, "file-missing"),
        (("s3:*", "-o", "usage.graphml"), 2, "unknown-format"),
        (("s3:*", "--since", "yesterday"), 2, "not an ISO 8601 time"),
        (("s3:*", "--account", "12"), 2, "twelve-digit"),
    ],
)
def test_what_cannot_be_asked(arguments, status, said):
    done = call("usage", *arguments, *SAMPLES)
    assert (done.returncode, done.stdout) == (status, b"")
    assert said in done.stderr.decode()


def test_a_log_without_records_is_no_answer(tmp_path):
    done = call("usage", "s3:*", "--logs", tmp_path)
    assert done.returncode == 3
    assert "no CloudTrail records found" in done.stderr.decode()
    assert "nothing can be said" in done.stdout.decode()


def test_a_misspelt_word_of_a_policy_is_told(tmp_path):
    policy = tmp_path / "p.json"
    statement = {"Effect": "Deny", "Action": ["s3:PutObjct", "s3:DeleteBucket"], "Resource": "*"}
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), encoding="utf-8")
    document = usage("--policy", policy)
    assert [row["restricted_by"] for row in document["identities"]] == [["statement 1"]]
    assert any("did you mean `s3:PutObject`?" in note for note in document["evidence"]["notes"])
