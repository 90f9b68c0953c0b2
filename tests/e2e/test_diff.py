"""A change of guardrails reviewed like code: a git repository with two commits, `orgsim diff`, waivers, a baseline."""

import json
import os
import re
import shutil
import subprocess
from importlib.resources import files
from unittest import mock

import pytest
from jsonschema import Draft202012Validator
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from tests.e2e import command
from tests.e2e.command import ROOT, call, environment
from tests.replay_tools import record, role, user

PROD, TEST = "111111111111", "222222222222"
SARIF = Draft202012Validator(
    json.loads((ROOT / "tests/unit/outputs/sarif-subset.schema.json").read_text(encoding="utf-8"))
)
SCHEMA = json.loads(files("simulator.outputs").joinpath("impact.schema.json").read_text(encoding="utf-8"))
SOMEBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "ada"), ("EMAIL", "ada@example.com"), ("DATE", "2026-09-01T12:00:00+00:00"))
}
CLEAN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
FULL = ["p-FullAWSAccess", "p-RCPFullAWSAccess"]
ORGANIZATION = {
    "schema": "orgsim/organization/1",
    "id": "o-reviewed01",
    "management_account": "999999999999",
    "root": {
        "id": "r-r3v1",
        "policies": FULL,
        "accounts": [{"id": "999999999999", "name": "management", "policies": FULL}],
        "units": [
            {
                "id": "ou-r3v1-prod",
                "name": "Prod",
                "policies": FULL,
                "units": [],
                "accounts": [{"id": PROD, "name": "shop", "policies": FULL}],
            },
            {
                "id": "ou-r3v1-test",
                "name": "Test",
                "policies": FULL,
                "units": [],
                "accounts": [{"id": TEST, "name": "lab", "policies": FULL}],
            },
        ],
    },
    "policies": {},
}


def deny(sid, action, **condition):
    statement = {"Sid": sid, "Effect": "Deny", "Action": action, "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2) + "\n"


REGIONS = {"aws:RequestedRegion": ["eu-central-1"]}
BEFORE = {
    "policies/proposal.yaml": """\
policies:
  - {file: scp/regions.json, attach: Root}
  - {file: scp/keys.json, attach: Prod}
""",
    "policies/scp/regions.json": policy(deny("OnlyEurope", "ec2:*", StringNotEquals=REGIONS)),
    "policies/scp/keys.json": policy(deny("NoKeys", "iam:CreateAccessKey"), deny("NoDelete", "s3:DeleteBucket")),
}
AFTER = {
    "policies/proposal.yaml": """\
policies:
  - {file: scp/regions.json, attach: Root}
  - {file: scp/keys.json, attach: [Prod, Test]}
  - {file: scp/tags.json, attach: Test}
""",
    "policies/scp/regions.json": policy(
        deny(
            "OnlyEurope",
            ["ec2:*", "sqs:*"],
            StringNotEquals={"aws:RequestedRegion": ["eu-central-1", "eu-west-1"]},
        )
    ),
    "policies/scp/keys.json": policy(deny("NoKeys", "iam:CreateAccessKey")),
    "policies/scp/tags.json": policy(deny("Tagged", "ec2:*", StringNotEquals={"aws:PrincipalTag/team": "red"})),
}


def calls():
    worker, tester, ada = role(PROD, "app/worker"), role(TEST, "tester"), user(TEST, "ada")
    bucket = {"parameters": {"bucketName": "old"}, "resources": [{"ARN": "arn:aws:s3:::old", "accountId": PROD}]}
    made = {"responseElements": {"accessKey": {"accessKeyId": "AKIANEW", "userName": "ada"}}}
    return [
        # Denied by head alone: SQS outside Europe, an access key in Test.
        *(
            record("sqs", "ListQueues", worker, region="us-east-1", eventTime=f"2026-09-0{day}T10:00:00Z")
            for day in (1, 2)
        ),
        record("iam", "CreateAccessKey", ada, region="us-east-1", parameters={"userName": "ada"}, **made),
        # Denied by base alone: Ireland, deleting a bucket.
        record("ec2", "DescribeInstances", worker, region="eu-west-1"),
        record("s3", "DeleteBucket", worker, **bucket),
        # Only possibly denied by head: the log lacks the caller's tags.
        record("ec2", "DescribeInstances", tester),
        # Denied by both, by neither, and refused anyway.
        record("ec2", "DescribeInstances", worker, region="us-east-1"),
        record("ec2", "DescribeInstances", worker),
        record("sqs", "ListQueues", worker, region="us-east-2", errorCode="AccessDenied"),
    ]


class Repository:
    """A git repository with the log and the snapshot beside it; commands run in it."""

    def __init__(self, folder):
        self.folder = folder
        self.git("init", "-q", "-b", "main")
        self.write({"logs/log.jsonl": "".join(json.dumps(each) + "\n" for each in calls())})
        self.write({"organization.json": json.dumps(ORGANIZATION)})

    def write(self, texts):
        for name, text in texts.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def git(self, *arguments):
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=environment(**SOMEBODY, **CLEAN),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message, *paths):
        self.git("add", "-A", *(paths or ("policies",)))
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def orgsim(self, *arguments, **environ):
        with mock.patch.dict(os.environ, {**CLEAN, **environ}):
            done = call(*arguments, cwd=self.folder)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def diff(self, *arguments, **environ):
        return self.orgsim("diff", *arguments, *GIVEN, **environ)

    def impact(self, *arguments):
        done = self.diff(*arguments, "--format", "json")
        assert done.stderr == ""
        return json.loads(done.stdout)


GIVEN = ("--logs", "logs", "--organization", "organization.json", "--workers", "1")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Two commits on main, a third one on a branch that forked after the first."""
    found = Repository(tmp_path_factory.mktemp("review"))
    found.write(BEFORE)
    found.commit("Guardrails")
    found.git("tag", "before")
    found.write(AFTER)
    found.commit("Guardrails after the review")
    found.git("tag", "after")
    found.git("checkout", "-q", "-b", "topic", "before")
    found.write({"policies/scp/keys.json": policy(deny("NoKeys", "iam:CreateAccessKey"), deny("NoSqs", "sqs:*"))})
    found.commit("No queues")
    found.git("checkout", "-q", "main")
    return found


class _Golden(SingleFileSnapshotExtension):
    """Golden files, byte for byte."""

    file_extension = "txt"

    @classmethod
    def dirname(cls, *, test_location):
        return str(ROOT / "tests" / "snapshots" / "e2e" / test_location.basename)


@pytest.fixture
def golden(snapshot):
    return snapshot.use_extension(_Golden)


@pytest.fixture(scope="module")
def reviewed(repository):
    """The review of the two commits in every format: the finished process and the files."""
    names = ["review.json", "review.md", "review.sarif", "review.xml"]
    done = repository.diff("before..after", "policies", *(part for name in names for part in ("-o", name)))
    written = {name: (repository.folder / name).read_bytes() for name in names}
    notes = repository.diff("before..after", "policies", "--format", "github")
    return done, {**written, "annotations": notes.stdout.encode()}


def test_the_review_of_two_commits_is_the_golden_one(reviewed, golden):
    done, written = reviewed
    assert (done.returncode, done.stderr) == (10, "")
    assert done.stdout.encode() == golden(name="review.txt")
    for name, content in written.items():
        assert content == golden(name=name), name


def test_the_review_follows_the_schema_and_says_what_it_must(reviewed):
    impact = json.loads(reviewed[1]["review.json"])
    assert list(Draft202012Validator(SCHEMA).iter_errors(impact)) == []
    assert list(SARIF.iter_errors(json.loads(reviewed[1]["review.sarif"]))) == []
    counts = {name: count for name, count in impact["outcomes"].items() if count}
    assert counts == {
        "newly_denied": 3,
        "possibly_newly_denied": 1,
        "newly_allowed": 2,
        "already_denied": 1,
        "unchanged": 2,
    }
    denied = {
        (each["action"], each["statement"]["sid"]) for each in impact["findings"] if each["outcome"] == "newly_denied"
    }
    assert denied == {("sqs:ListQueues", "OnlyEurope"), ("iam:CreateAccessKey", "NoKeys")}
    kinds = [(each["kind"], each["policy"], each["statement"]) for each in impact["changes"]]
    assert kinds == [
        ("statement-removed", "keys", "NoDelete"),
        ("attachment-added", "keys", None),
        ("statement-changed", "regions", "OnlyEurope"),
        ("policy-added", "tags", None),
    ]


def test_head_is_called_as_in_the_working_tree_and_base_by_its_commit(reviewed, repository):
    impact = json.loads(reviewed[1]["review.json"])
    places = {(each["outcome"], each["statement"]["file"]) for each in impact["findings"]}
    commit = repository.git("rev-parse", "before")
    assert ("newly_denied", "policies/scp/regions.json") in places
    assert ("newly_allowed", f"{commit[:12]}:policies/scp/keys.json") in places
    assert (impact["base"], impact["head"]["name"]) == ({"name": "before", "commit": commit}, "after")


def outcomes(impact):
    return {name: count for name, count in impact["outcomes"].items() if count}


def test_revisions_give_what_the_same_folders_give(repository, tmp_path, reviewed):
    for name, texts in (("base", BEFORE), ("head", AFTER)):
        for path, text in texts.items():
            place = tmp_path / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    folders = repository.impact(tmp_path / "base/policies", tmp_path / "head/policies")
    impact = json.loads(reviewed[1]["review.json"])
    assert outcomes(folders) == outcomes(impact)
    ids = [[each["id"] for each in found["findings"]] for found in (folders, impact)]
    assert ids[0] == ids[1]


def test_the_working_tree_is_compared_with_what_is_not_committed(repository):
    clean = repository.diff("main..", "policies")
    assert (clean.returncode, clean.stdout.splitlines()[0]) == (0, "No call in this log would be newly denied.")
    assert "Policies, attachments and accounts are the same in both." in clean.stdout
    place = repository.folder / "policies/scp/regions.json"
    kept = place.read_text()
    try:
        place.write_text(policy(deny("OnlyEurope", "*")))
        assert repository.diff("main..", "policies").returncode == 10
    finally:
        place.write_text(kept)


def test_three_dots_compare_with_the_fork(repository):
    """What main has got since then is no change of the branch."""
    fork = repository.impact("main...topic", "policies")
    assert {each["statement"] for each in fork["changes"]} == {"NoDelete", "NoSqs"}
    assert fork["base"]["commit"] == repository.git("rev-parse", "before")
    straight = repository.impact("main..topic", "policies")
    assert len(straight["changes"]) > 2


def test_a_folder_of_folders_without_a_manifest(repository, tmp_path):
    """`scp/*.json` alone, from below the repository's top, named from elsewhere."""
    done = call(
        "diff",
        "before..after",
        repository.folder / "policies/scp/keys.json",
        "--logs",
        repository.folder / "logs",
        "--type",
        "scp",
        "--format",
        "json",
    )
    impact = json.loads(done.stdout)
    assert [each["statement"] for each in impact["changes"]] == ["NoDelete"]
    assert str(repository.folder / "policies/scp/keys.json") not in impact["changes"][0]["file"]


def test_a_proposal_that_one_side_lacks_proposes_nothing(repository):
    repository.write({"policies/new/scp/one.json": policy(deny("One", "sqs:*"))})
    impact = repository.impact("main..", "policies/new")
    [change] = impact["changes"]
    assert (change["kind"], change["policy"]) == ("policy-added", "one")
    assert any("there is no proposal at policies/new in main" in note for note in impact["evidence"]["notes"])


def test_files_that_the_manifest_names_elsewhere_are_read_at_the_revision_too(repository):
    repository.write(
        {
            "common/one.json": policy(deny("One", "sqs:*")),
            "elsewhere/proposal.yaml": "policies:\n  - {file: ../common/one.json, type: scp, attach: Root}\n",
        }
    )
    commit = repository.commit("Common", "common", "elsewhere")
    repository.write({"common/one.json": policy(deny("One", "sqs:Send*"))})
    impact = repository.impact("main..", "elsewhere")
    [change] = impact["changes"]
    assert (change["effect"], change["file"]) == ("loosened", "elsewhere/../common/one.json")
    [found] = {each["statement"]["file"] for each in impact["findings"]}
    assert found == f"{commit[:12]}:common/one.json"
    repository.git("checkout", "-q", "common/one.json")


AS_CODE = {
    "landing-zone": (("--parameters", "ORG_ID=o-exampleorg1"), "landing-zone/service-control-policies"),
    "control-tower/manifest.yaml": ((), "control-tower/policies"),
    "cloudformation/guardrails.yaml": (("--parameters", "Environment=live"), "cloudformation/guardrails.yaml"),
    "terraform/plan.json": ((), "terraform/plan.json"),
}


@pytest.mark.parametrize("form", AS_CODE)
def test_revisions_of_what_other_tools_keep_guardrails_in(repository, form):
    """The files of a revision are read as those on disk, and called so that a reader finds them."""
    options, file = AS_CODE[form]
    if not (repository.folder / "as-code").exists():
        shutil.copytree(ROOT / "samples/as-code", repository.folder / "as-code")
        repository.commit("As code", "as-code")
    place = repository.folder / "as-code" / file
    changed = (
        place if place.is_file() else next(each for each in sorted(place.rglob("*")) if "regions-2026" in each.name)
    )
    kept = changed.read_text()
    logs, organization = ROOT / "samples/logs/AWSLogs/o-exampleorg1/999999999999", ROOT / command.ORGANIZATION
    given = ("--logs", logs, "--organization", organization, "--format", "json", *options)
    try:
        same = json.loads(repository.orgsim("diff", "main..", f"as-code/{form}", *given).stdout)
        assert same["changes"] == []
        changed.write_text(kept.replace("OnlyFrankfurtAndStockholm", "OnlySomewhere"))
        there = json.loads(repository.orgsim("diff", "main..", f"as-code/{form}", *given).stdout)
        back = json.loads(repository.orgsim("diff", "after..main", f"as-code/{form}", *given).stdout)
    finally:
        changed.write_text(kept)
    [change] = there["changes"]
    assert (change["kind"], change["details"]) == ("statement-changed", ["renamed from OnlyFrankfurtAndStockholm"])
    assert change["file"] == str(changed.relative_to(repository.folder))
    assert any("there is no proposal at as-code" in note for note in back["evidence"]["notes"])
    files = {each["file"] for each in back["changes"] if each["kind"] == "policy-added"}
    assert files
    assert all((repository.folder / each).is_file() for each in files)


def test_hooks_may_run_it(repository):
    """Git sets GIT_DIR for hooks, relative to another folder."""
    done = repository.diff("before..after", "policies", GIT_DIR=".nowhere", GIT_INDEX_FILE=".nowhere/index")
    assert done.returncode == 10


ERRORS = [
    (("nowhere..", "policies"), 1, "git-unknown-revision"),
    (("before..nowhere", "policies"), 1, "git-unknown-revision"),
    (("before..", "no-folder"), 1, "proposal-missing-path"),
    (("before....after", "policies"), 2, "git-range"),
    (("--", "--output=pwned..", "policies"), 2, "git-range"),
    (("--", "before..--output=pwned", "policies"), 2, "git-range"),
    (("../policies", "policies"), 1, "proposal-missing-path"),
    (("policies/..nothing", "policies"), 1, "proposal-missing-path"),
]


@pytest.mark.parametrize(("arguments", "status", "code"), ERRORS)
def test_what_cannot_be_compared_says_so(repository, arguments, status, code):
    done = repository.orgsim("diff", *GIVEN, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert f"[{code}]" in done.stderr
    assert not (repository.folder / "pwned").exists()


def test_no_repository_and_no_git(repository, tmp_path):
    (tmp_path / "scp").mkdir()
    done = repository.diff("main..", tmp_path, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert (done.returncode, "[git-not-a-repository]" in done.stderr) == (1, True)
    done = repository.diff("main..", "policies", PATH=str(tmp_path))
    assert (done.returncode, "[git-missing]" in done.stderr) == (1, True)
    assert "give two folders" in done.stderr


def test_links_are_followed_inside_and_refused_outside(repository):
    scp = repository.folder / "linked/scp"
    scp.mkdir(parents=True)
    (scp / "one.json").write_text(policy(deny("One", "sqs:*")))
    (scp / "two.json").symlink_to("one.json")
    repository.commit("Links", "linked")
    impact = repository.impact("main..main", "linked")
    assert {each["policy"] for each in impact["sizes"]} == {"one", "two"}
    (scp / "three.json").symlink_to("/etc/hostname")
    repository.commit("A link to elsewhere", "linked")
    done = repository.diff("main..", "linked")
    assert (done.returncode, "[git-tree]" in done.stderr) == (1, True)


# Waivers and baseline


def with_agreement(repository, tmp_path, text, *more):
    file = tmp_path / "waivers.yaml"
    file.write_text(text, encoding="utf-8")
    return repository.diff("before..after", "policies", "--waivers", file, *more)


QUEUES = "- {identity: '*:role/app/*', action: 'sqs:*', statement: OnlyEurope, reason: r, owner: o, expires: %s}\n"
KEYS = "- {identity: '*', action: 'iam:*', statement: 'keys:NoKeys', reason: r, owner: o, expires: 2999-12-31}\n"
TAGS = "- {identity: '*', action: 'ec2:*', statement: 'tags:Tagged', reason: r, owner: o, expires: 2999-12-31}\n"
VALID, PAST = QUEUES % "2999-12-31", QUEUES % "2020-12-31"


@pytest.mark.parametrize(
    ("text", "fail_on", "status", "says"),
    [
        (VALID, "denied", 10, "Of 3 findings 1 waived, 2 not agreed to."),
        (VALID + KEYS, "denied", 0, "Of 3 findings 2 waived, 1 not agreed to."),
        (VALID + KEYS, "possible", 10, "2 waived, 1 not agreed to"),
        (VALID + KEYS + TAGS, "possible", 0, "3 waived, 0 not agreed to"),
        (PAST + KEYS, "denied", 10, "1 waiver has run out."),
        (PAST + VALID + KEYS, "denied", 10, "1 waiver has run out."),
        (PAST + VALID + KEYS, "none", 0, "1 waiver has run out."),
        (VALID + KEYS + KEYS.replace("NoKeys", "NoDelete"), "denied", 0, "1 waiver matches no finding."),
    ],
)
def test_only_what_nobody_agreed_to_fails(repository, tmp_path, text, fail_on, status, says):
    done = with_agreement(repository, tmp_path, text, "--fail-on", fail_on, "--quiet")
    assert says in done.stdout
    assert done.returncode == status


def test_waived_findings_are_shown_as_such(repository, tmp_path):
    told = " ".join(with_agreement(repository, tmp_path, PAST + KEYS).stdout.split())
    assert "[waived until 2999-12-31 by o]" in told
    assert "[its waiver ran out on 2020-12-31]" in told
    assert "waivers.yaml:1: ran out on 2020-12-31: OnlyEurope denying sqs:* to *:role/app/*" in told
    impact = json.loads(with_agreement(repository, tmp_path, PAST + KEYS + TAGS * 2, "--format", "json").stdout)
    assert list(Draft202012Validator(SCHEMA).iter_errors(impact)) == []
    assert [each["state"] for each in impact["agreement"]["waivers"]] == ["expired", "used", "used", "used"]
    assert len(impact["agreement"]["not_agreed"]) == 1


def test_waiving_all_findings_one_by_one_lets_the_run_pass(repository, tmp_path):
    report, file = tmp_path / "impact.json", tmp_path / "waivers.yaml"
    repository.diff("before..after", "policies", "-o", report)
    findings = json.loads(report.read_text())["findings"]
    ids = [each["id"] for each in findings if each["outcome"] in ("newly_denied", "possibly_newly_denied")]
    for finding in ids:
        done = waive(repository, finding, report, file)
        assert (done.returncode, done.stderr) == (0, "")
    done = repository.diff("before..after", "policies", "--waivers", file, "--fail-on", "possible")
    assert done.returncode == 0, done.stdout


def waive(repository, finding, report, file, expires="2999-12-31", reason="because"):
    more = ("--reason", reason, "--owner", "ada", "--expires", expires, "--file", file)
    return repository.orgsim("waive", finding, "--report", report, *more)


def test_what_cannot_be_waived(repository, tmp_path, reviewed):
    report, file = tmp_path / "impact.json", tmp_path / "waivers.yaml"
    report.write_bytes(reviewed[1]["review.json"])
    findings = json.loads(report.read_text())["findings"]
    allowed = next(each["id"] for each in findings if each["outcome"] == "newly_allowed")
    denied = next(each["id"] for each in findings if each["outcome"] == "newly_denied")
    hidden = tmp_path / "hidden.json"
    repository.diff("before..after", "policies", "--redact", "-o", hidden)
    assert denied in hidden.read_text()
    for found, status in (
        (waive(repository, "0000000000000000", report, file), 2),
        (waive(repository, allowed, report, file), 2),
        (waive(repository, denied, report, file, expires="2020-01-01"), 2),
        (waive(repository, denied, report, file, expires="tomorrow"), 2),
        (waive(repository, denied, report, file, reason=" "), 2),
        (waive(repository, denied, repository.folder / "organization.json", file), 1),
        (waive(repository, denied, hidden, file), 1),
        (waive(repository, denied, tmp_path / "missing.json", file), 1),
    ):
        assert found.returncode == status
        assert found.stderr
    assert not file.exists()


def test_a_baseline_lets_pass_what_was_known(repository, tmp_path):
    before = tmp_path / "before.json"
    repository.diff("before..after", "policies", "-o", before)
    same = repository.diff("before..after", "policies", "--baseline", before, "--fail-on", "possible", "--quiet")
    assert (same.returncode, "Of 3 findings 3 known, 0 not agreed to." in same.stdout) == (0, True)
    # From an earlier base more is denied than was known.
    other = repository.orgsim("simulate", "policies", *GIVEN, "--baseline", before, "--quiet")
    assert other.returncode == 10
    assert "3 known" in other.stdout


def test_simulate_takes_waivers_too(repository, tmp_path):
    file = tmp_path / "waivers.yaml"
    file.write_text(
        "- {identity: '*', action: '*', statement: OnlyEurope, reason: r, owner: o, expires: 2999-12-31}\n" + KEYS
    )
    done = repository.orgsim("simulate", "policies", *GIVEN, "--waivers", file)
    assert done.returncode == 0, done.stdout


def test_the_command_of_the_page_runs():
    text = (ROOT / "docs/diff.md").read_text(encoding="utf-8")
    [commands] = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    for line in commands.splitlines():
        done = call(*line.split()[1:], "--quiet")
        assert (done.returncode, done.stderr) == (0, b"")


def test_the_waiver_of_the_page_reads(repository, tmp_path):
    text = (ROOT / "docs/waivers.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml waivers\n(.*?)```", text, re.DOTALL)
    done = with_agreement(repository, tmp_path, example.replace("2026-12-31", "2999-12-31"), "--quiet")
    assert "1 waiver matches no finding." in done.stdout
