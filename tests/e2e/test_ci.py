"""The GitHub Action, the GitLab template and the pre-commit hook: their shell steps run against the samples.

What a runner does is done here: environment files are files, expressions are looked up, `orgsim` and `gh` are scripts.
"""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from tests.e2e.command import LOGS, ORGANIZATION, PROPOSAL, ROOT, environment


def load(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


ACTION = load("action.yml")
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
WORKFLOW = load("docs/ci/github.yml")
GITLAB = load("docs/ci/gitlab.yml")
HOOKS = load(".pre-commit-hooks.yaml")
FEW = f"{LOGS}/AWSLogs/o-exampleorg1/222222220002"
"""A few files of the log, for tests that need no findings in particular."""

INPUTS = {
    **{name: each.get("default", "") for name, each in ACTION["inputs"].items()},
    "proposal": PROPOSAL,
    "logs": LOGS,
    "organization": ORGANIZATION,
}


class Runner:
    """A runner's folders and files, and the outputs of the steps that ran."""

    def __init__(self, folder):
        self.folder = folder
        self.outputs = {}
        self.context = {
            "github.action_path": str(ROOT),
            "github.repository": "octo/guardrails",
            "github.event.pull_request.number": "7",
        }
        self.reports = folder / "reports"
        self.programs = folder / "programs"
        self.script("orgsim/bin/orgsim", f'exec {shlex.quote(sys.executable)} -m simulator "$@"')
        self.programs.mkdir()
        for name in ("output", "summary"):
            (folder / name).touch()

    def script(self, name, body):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def value(self, text, inputs):
        """The text of an `env` entry with its expressions evaluated."""

        def looked_up(match):
            name = match[1]
            if name.startswith("inputs."):
                return inputs[name.removeprefix("inputs.")]
            if name.startswith("steps.replay.outputs."):
                return self.outputs.get(name.removeprefix("steps.replay.outputs."), "")
            return self.context[name]

        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", looked_up, text)

    def run(self, name, folder=ROOT, **changes):
        """Run a step of the action in a folder as the runner does; inputs are named with `_` for `-`."""
        inputs = {
            **INPUTS,
            "reports": str(self.reports),
            **{key.replace("_", "-"): text for key, text in changes.items()},
        }
        inputs["token"] = "token"
        step = STEPS[name]
        assert step["shell"] == "bash"
        files = {
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "RUNNER_TEMP": str(self.folder),
        }
        own = {key: self.value(text, inputs) for key, text in step["env"].items()}
        path = f"{self.programs}:{os.environ['PATH']}"
        script = self.folder / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=folder,
            env={**environment(**files, **own), "PATH": path},
            capture_output=True,
            timeout=120,
            check=False,
        )
        told = (self.folder / "output").read_text(encoding="utf-8").splitlines()
        self.outputs |= dict(line.split("=", 1) for line in told)
        return done


@pytest.fixture
def runner(tmp_path):
    return Runner(tmp_path)


# The action


def test_no_expression_stands_in_a_script():
    """Where it would be text of a script, and run."""
    scripts = [step["run"] for step in ACTION["runs"]["steps"]]
    scripts += [step["run"] for step in WORKFLOW["jobs"]["impact"]["steps"] if "run" in step]
    assert len(scripts) == 5
    assert [each for each in scripts if "${{" in each] == []


def test_every_input_reaches_a_step_and_every_output_is_told():
    used = re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text(encoding="utf-8"))
    assert set(used) == set(ACTION["inputs"])
    for name, told in ACTION["outputs"].items():
        assert told["value"] == f"${{{{ steps.replay.outputs.{name} }}}}"


def test_findings_are_annotated_summarised_and_fail_at_the_end(runner):
    done = runner.run("Replay the log", logs=f"\n{LOGS}\nsamples/logs-extra/lines.jsonl\n")
    assert (done.returncode, done.stderr) == (0, b"")
    # 155 calls in the log, two more in the file beside it.
    assert done.stdout.startswith(b"25 identities would lose 157 calls")
    assert b"\n::error file=samples/proposal/rcp/organization-perimeter.json,line=4,title=" in done.stdout
    assert set(runner.outputs) == set(ACTION["outputs"])
    assert runner.outputs["status"] == "10"
    comment = runner.reports / "impact.md"
    assert runner.outputs["markdown"] == str(comment)
    assert (runner.folder / "summary").read_bytes() == comment.read_bytes()
    assert json.loads((runner.reports / "impact.sarif").read_text())["version"] == "2.1.0"
    # Pseudonyms unless somebody says false.
    assert "acct-" in comment.read_text(encoding="utf-8")
    assert "333333330001" not in done.stdout.decode() + comment.read_text(encoding="utf-8")
    assert runner.run("Verdict").returncode == 10


def test_what_is_agreed_passes(runner):
    assert runner.run("Replay the log", fail_on="none", redact="false", logs=FEW).returncode == 0
    assert runner.outputs["status"] == "0"
    assert "555555550002" in (runner.reports / "impact.md").read_text(encoding="utf-8")
    assert runner.run("Verdict").returncode == 0


def test_a_secret_salt_changes_the_pseudonyms(runner):
    texts = []
    for salt in ("", "secret"):
        runner.run("Replay the log", redact_salt=salt, logs=FEW)
        texts.append((runner.reports / "impact.md").read_text(encoding="utf-8"))
    assert texts[0] != texts[1]


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"logs": "samples/logs-extra/empty.json"}, 3, b"no CloudTrail records"),
        ({"proposal": "missing"}, 1, b"proposal-missing-path"),
        ({"logs": ""}, 2, b"--logs"),
        ({"organization": ""}, 2, b"redact-salt"),
    ],
)
def test_what_could_not_run_stops_the_job_at_once(runner, changes, status, message):
    done = runner.run("Replay the log", **changes)
    assert done.returncode == status
    assert message in done.stderr
    assert (runner.folder / "summary").read_bytes() == b""


def test_inputs_are_never_run(runner):
    attack = 'x"; touch pwned; "$(touch pwned)`touch pwned`'
    names = ("proposal", "logs", "organization", "base", "waivers", "baseline", "fail_on", "redact", "redact_salt")
    done = runner.run("Replay the log", reports=str(runner.folder / attack), **dict.fromkeys(names, attack))
    assert b"Invalid value for '--fail-on'" in done.stderr
    assert list(runner.folder.rglob("pwned")) + list(ROOT.glob("pwned")) == []


def test_an_option_is_no_proposal_and_a_line_end_no_output(runner):
    done = runner.run("Replay the log", reports="a\nstatus=0")
    assert (done.returncode, runner.outputs) == (2, {})
    assert b"--help" in runner.run("Replay the log", proposal="--help").stderr


def test_with_a_base_the_change_of_the_pull_request_is_shown(runner, tmp_path):
    repository = tmp_path / "repository"
    policy = repository / "scp" / "regions.json"
    policy.parent.mkdir(parents=True)
    text = (ROOT / PROPOSAL / "scp/workload-regions.json").read_text(encoding="utf-8")

    def git(*arguments):
        names = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(
            ["git", *arguments], cwd=repository, env={**environment(**names)}, check=True, capture_output=True
        )

    git("init", "--initial-branch=main")
    policy.write_text(text, encoding="utf-8")
    git("add", "scp")
    git("commit", "--message", "base")
    git("checkout", "-b", "topic")
    policy.write_text(text.replace("eu-north-1", "eu-west-1"), encoding="utf-8")
    git("commit", "--all", "--message", "head")
    given = {"proposal": "scp/regions.json", "logs": str(ROOT / FEW), "organization": str(ROOT / ORGANIZATION)}
    done = runner.run("Replay the log", folder=repository, base="main", **given)
    assert done.stderr == b""
    comment = (runner.reports / "impact.md").read_text(encoding="utf-8")
    assert "eu-west-1" in comment
    assert "Changes of the policies: 1 change, main" in comment


def test_what_was_agreed_to_passes(runner):
    runner.run("Replay the log", logs=FEW, redact="false")
    known = runner.reports / "known.json"
    (runner.reports / "impact.json").rename(known)
    assert runner.outputs["status"] == "10"
    runner.run("Replay the log", logs=FEW, baseline=str(known))
    assert runner.outputs["status"] == "0"


# The comment

GH = """
echo "$@" >> "$0.calls"
case "$*" in *--jq*) printf '%s' "$(cat "$0.found")";; esac
case "$*" in *"$(cat "$0.refused")"*) exit 1;; esac
"""


@pytest.fixture
def commented(runner):
    """The comment's step after a replay, with a `gh` that answers from files: what it finds and what it refuses."""
    runner.outputs["markdown"] = f"{runner.reports}/impact.md"

    def comment(found="", refused="nothing"):
        runner.script("programs/gh", GH)
        (runner.programs / "gh.found").write_text(found)
        (runner.programs / "gh.refused").write_text(refused)
        done = runner.run("Comment on the pull request")
        assert (done.returncode, done.stderr) == (0, b"")
        return (runner.programs / "gh.calls").read_text().splitlines()[1:], done.stdout

    return comment


def test_the_first_comment_is_written(runner, commented):
    calls, _ = commented()
    body = f"--field body=@{runner.reports}/impact.md --silent"
    assert calls == [f"api --method POST repos/octo/guardrails/issues/7/comments {body}"]


def test_the_comment_written_before_is_edited(runner, commented):
    calls, _ = commented(found="41\n42\n")
    assert calls == [
        f"api --method PATCH repos/octo/guardrails/issues/comments/41 --field body=@{runner.reports}/impact.md --silent"
    ]


@pytest.mark.parametrize("refused", ["--paginate", "--method"])
def test_a_token_that_may_not_comment_is_a_warning(commented, refused):
    _, told = commented(refused=refused)
    assert told.startswith(b"::warning::no comment: ")


def test_the_mark_is_that_of_the_comment():
    from simulator.outputs.markdown import MARK

    assert f'startswith("{MARK}")' in STEPS["Comment on the pull request"]["run"]
    assert (
        STEPS["Comment on the pull request"]["if"] == "inputs.comment == 'true' && github.event_name == 'pull_request'"
    )


def test_it_installs_into_a_folder_of_its_own(runner):
    called = runner.folder / "called"
    fake = f'echo "$@" >> {called}; [ "$1" != -m ] || [ "$2" != venv ] || mkdir -p "$3/bin"'
    runner.script("programs/python3", fake)
    runner.script("orgsim/bin/python", fake)
    assert runner.run("Install orgsim").returncode == 0
    first, second = called.read_text().splitlines()
    assert first == f"-m venv {runner.folder}/orgsim"
    assert second.endswith(f"--constraint {ROOT}/constraints.txt {ROOT}")


# The examples


def test_the_workflow_gives_the_action_what_it_takes():
    (step,) = (each for each in WORKFLOW["jobs"]["impact"]["steps"] if each.get("id") == "orgsim")
    required = {name for name, each in ACTION["inputs"].items() if each.get("required")}
    assert required <= set(step["with"]) <= set(ACTION["inputs"])
    text = (ROOT / "docs/ci/github.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"steps\.orgsim\.outputs\.(\w+)", text)) <= set(ACTION["outputs"])
    assert WORKFLOW["permissions"]["pull-requests"] == "write"
    uploaded = [
        each["with"]["path"]
        for each in WORKFLOW["jobs"]["impact"]["steps"]
        if "upload-artifact" in each.get("uses", "")
    ]
    assert uploaded == [INPUTS["reports"]]


def test_the_workflow_fetches_the_last_three_months(runner):
    (step,) = (each for each in WORKFLOW["jobs"]["impact"]["steps"] if each.get("name", "").startswith("Fetch"))
    runner.script("programs/aws", 'echo "$@" >> "$0.calls"')
    path = f"{runner.programs}:{os.environ['PATH']}"
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], env={"PATH": path, "BUCKET": "trail"}, check=True)
    calls = (runner.programs / "aws.calls").read_text().splitlines()
    assert len(calls) == len(set(calls)) == 3
    assert all(
        re.fullmatch(
            r"s3 sync s3://trail/AWSLogs logs --only-show-errors --exclude \* --include \*/\d{4}/\d\d/\*", each
        )
        for each in calls
    )


@pytest.mark.parametrize(("fail_on", "status"), [("denied", 10), ("none", 0)])
def test_the_gitlab_job_runs_and_its_artifacts_are_there(runner, fail_on, status):
    job = GITLAB["orgsim"]
    job_folder = runner.folder / "job"
    job_folder.mkdir()
    (job_folder / "samples").symlink_to(ROOT / "samples")
    variables = {
        **job["variables"],
        "ORGSIM_PROPOSAL": PROPOSAL,
        "ORGSIM_LOGS": LOGS if status else FEW,
        "ORGSIM_ORGANIZATION": ORGANIZATION,
        "ORGSIM_FAIL_ON": fail_on,
    }
    env = {**environment(**variables), "PATH": f"{runner.folder}/orgsim/bin:{os.environ['PATH']}"}
    script = "\n".join(job["script"])
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=job_folder, env=env, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (status, b"")
    artifacts = job["artifacts"]
    for name in (*artifacts["paths"], artifacts["reports"]["junit"]):
        assert (job_folder / name).is_file()
    assert artifacts["when"] == "always"
    assert b"333333330001" not in done.stdout


def test_the_hook_checks_the_policies_that_it_is_given():
    (hook,) = HOOKS
    ((example,),) = ([each["hooks"] for each in load("docs/ci/pre-commit.yaml")["repos"]],)
    assert [each["id"] for each in example] == [hook["id"]]
    names = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "samples").rglob("*.json"))
    policies = [name for name in names if re.search(hook["files"], name)]
    assert len(policies) == 9
    for arguments, status in (([], 0), (example[0]["args"], 10)):
        _, *command = shlex.split(hook["entry"])
        done = subprocess.run(
            [sys.executable, "-m", "simulator", *command, *arguments, *policies],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == status
        assert b"9 policies checked: 0 errors" in done.stdout
