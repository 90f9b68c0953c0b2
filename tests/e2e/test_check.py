"""`orgsim check`: exit statuses, formats, and what it says about the samples."""

import json
import re

import pytest

from tests.e2e.command import PROPOSAL, ROOT, call, run

GOOD = {"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
TWICE = (
    b'{"Version": "2012-10-17",\n "Statement": [{"Effect": "Deny", "Action": "s3:*", "Action": "x", "Resource": "*"}]}'
)


@pytest.fixture
def policy(tmp_path):
    def write(value, name="policy.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
        return path

    return write


def test_nothing_wrong(policy):
    done = run("check", policy(GOOD))
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"0 errors, 0 warnings" in done.stdout


def test_an_error_names_the_place_and_ends_with_10(policy):
    path = policy(TWICE)
    done = run("check", path)
    assert done.returncode == 10
    assert re.match(rf"{re.escape(str(path))}:2:\d+: error duplicate-key: ", done.stdout.decode())


def test_strict_ends_with_10_on_warnings_too():
    assert call("check", PROPOSAL).returncode == 0
    assert call("check", PROPOSAL, "--strict").returncode == 10


def test_1_2_and_3(tmp_path):
    assert call("check", tmp_path / "missing").returncode == 1
    assert call("check").returncode == 2
    assert call("check", tmp_path, "--format", "xml").returncode == 2
    (tmp_path / "empty").mkdir()
    done = call("check", tmp_path / "empty")
    assert done.returncode == 3
    assert done.stderr == b"orgsim: no policy found\n"


def test_json(policy):
    done = call("check", policy(TWICE), "--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 10
    assert told["schema"] == "orgsim/check/1"
    assert (told["errors"], told["warnings"]) == (1, 0)
    (row,) = told["diagnostics"]
    assert (row["rule"], row["severity"], row["line"]) == ("duplicate-key", "error", 2)


def test_annotations_for_pull_requests(policy):
    done = call("check", policy(TWICE), "--format", "github")
    assert re.match(r"::error file=.+,line=2,endLine=2,col=\d+,title=duplicate-key::", done.stdout.decode())


def test_the_type_is_told_by_option_folder_or_content(policy):
    with_principal = {"Version": "2012-10-17", "Statement": [{**GOOD["Statement"][0], "Principal": "*"}]}
    assert call("check", policy(with_principal)).returncode == 0
    assert call("check", policy(with_principal), "--type", "scp").returncode == 10
    assert call("check", policy(with_principal, "scp/policy.json")).returncode == 10
    assert call("check", policy(with_principal, "rcp/policy.json")).returncode == 0


def test_the_samples_hold_the_mistakes_that_their_log_shows():
    """Which are warnings: AWS would take these policies."""
    told = json.loads(call("check", PROPOSAL, "--format", "json").stdout)
    assert told["errors"] == 0
    assert len(told["policies"]) == len(list((ROOT / PROPOSAL).glob("*cp/*.json")))
    found = {(row["rule"], row["file"].rpartition("/")[2]) for row in told["diagnostics"]}
    assert {
        ("denies-federated-sign-in", "sandbox-perimeter.json"),
        ("denies-other-providers", "organization-perimeter.json"),
    } <= found
    assert {row["severity"] for row in told["diagnostics"]} == {"warning"}


def test_every_rule_that_is_named_has_a_page():
    told = json.loads(call("check", PROPOSAL, "--format", "json").stdout)
    for row in told["diagnostics"]:
        assert (ROOT / "docs" / "rules" / f"{row['rule']}.md").is_file(), row["rule"]
