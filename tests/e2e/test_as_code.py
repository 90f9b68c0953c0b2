"""The samples in the forms of other tools: the same impact as `samples/proposal`, and every finding on a real line."""

import json
import shutil
import subprocess
import sys

import pytest
import yaml

from simulator.organization.proposal import apply
from simulator.sources.organizations import read_organization
from simulator.sources.proposals import read_proposal
from tests.e2e.command import LOGS, ORGANIZATION, ROOT, call, run

AS_CODE = "samples/as-code"
FORMS = {
    "terraform": (f"{AS_CODE}/terraform/plan.json",),
    "cloudformation": (f"{AS_CODE}/cloudformation/guardrails.yaml", "--parameters", "Environment=live"),
    "landing-zone": (f"{AS_CODE}/landing-zone", "--parameters", "ORG_ID=o-exampleorg1"),
}


def simulate(runner, *arguments):
    options = ("--logs", LOGS, "--organization", ORGANIZATION, "--workers", "1", "--format", "json", "--behind")
    done = runner("simulate", *arguments, *options)
    assert (done.returncode, done.stderr) == (10, b"")
    return json.loads(done.stdout)


def without_places(value):
    """The report without what names files, and without the notes about how the proposal was read."""
    if isinstance(value, dict):
        return {key: without_places(each) for key, each in value.items() if key not in ("file", "line", "notes")}
    return [without_places(each) for each in value] if isinstance(value, list) else value


def places(impact):
    """Where the findings point: the Sid, and the lines that follow it in the file."""
    for finding in impact["findings"]:
        statement = finding["statement"]
        if statement["sid"] and statement["file"]:
            lines = (ROOT / statement["file"]).read_text(encoding="utf-8").splitlines()
            yield statement["sid"], "\n".join(lines[statement["line"] - 1 : statement["line"] + 1])


@pytest.mark.parametrize("form", list(FORMS))
def test_the_impact_is_the_same(impact, form):
    runner = run if form == "cloudformation" else call
    found = simulate(runner, *FORMS[form])
    assert without_places(found) == without_places(impact)
    seen = list(places(found))
    assert len(seen) > 40
    assert all(sid in text for sid, text in seen)


def test_a_plan_of_open_tofu_is_the_same_proposal(tmp_path):
    source = ROOT / FORMS["terraform"][0]
    plan = json.loads(source.read_text(encoding="utf-8"))
    for row in plan["resource_changes"]:
        row["provider_name"] = "registry.opentofu.org/hashicorp/aws"
    path = tmp_path / "tofu"
    path.write_text(json.dumps({**plan, "terraform_version": "1.10.6", "timestamp": "2026-10-01T00:00:00Z"}))
    current = read_organization(ROOT / ORGANIZATION)
    one, other = (apply(read_proposal(each), current) for each in (path, source))
    assert one.nodes == other.nodes
    assert {key: each.document.text for key, each in one.policies.items()} == {
        key: each.document.text for key, each in other.policies.items()
    }


def test_control_tower_gives_what_a_plain_folder_with_the_same_policies_gives(tmp_path):
    """CfCT can neither attach to accounts nor replace, detach and move: the plain folder does without these, too."""
    plain = tmp_path / "plain"
    shutil.copytree(ROOT / "samples/proposal", plain)
    proposal = yaml.safe_load((plain / "proposal.yaml").read_text(encoding="utf-8"))
    rows = [row for row in proposal["policies"] if row["attach"] != "payments-prod"]
    rows = [{key: value for key, value in row.items() if key != "replaces"} for row in rows]
    (plain / "proposal.yaml").write_text(yaml.safe_dump({"policies": rows}), encoding="utf-8")
    wanted, found = simulate(call, plain), simulate(call, f"{AS_CODE}/control-tower")
    assert without_places(found) == without_places(wanted)
    assert found["outcomes"]["newly_denied"] > 100


@pytest.mark.parametrize("form", [*FORMS, "control-tower"])
def test_check_takes_the_same_forms(form):
    arguments = FORMS.get(form, (f"{AS_CODE}/control-tower",))
    done = call("check", *arguments, "--format", "json")
    assert (done.returncode, done.stderr) == (0, b"")
    result = json.loads(done.stdout)
    assert len(result["policies"]) >= 8
    assert {each["type"] for each in result["policies"]} == {"SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"}
    assert all(each["line"] > 1 for each in result["diagnostics"])
    assert {"denies-federated-sign-in", "denies-other-providers"} <= {each["rule"] for each in result["diagnostics"]}


def test_check_finds_the_forms_in_a_folder():
    done = call("check", AS_CODE, "--parameters", "ORG_ID=o-exampleorg1", "--format", "json")
    files = {each["file"] for each in json.loads(done.stdout)["policies"]}
    assert any("/landing-zone/" in each for each in files)
    assert any("/control-tower/" in each for each in files)


def test_check_says_which_line_of_a_template_is_wrong(tmp_path):
    text = (ROOT / f"{AS_CODE}/cloudformation/guardrails.yaml").read_text(encoding="utf-8")
    path = tmp_path / "guardrails.yaml"
    path.write_text(text.replace("Effect: Allow", "Effect: Alow"), encoding="utf-8")
    done = call("check", path, "--parameters", "Environment=live")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "Effect: Allow" in each)
    assert done.returncode == 10
    assert f"{path}:{line}:" in done.stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("check", FORMS["cloudformation"][0]), 1, "--parameters 'Environment=…'"),
        (("check", FORMS["cloudformation"][0], "--parameters", "Environment=x"), 1, "test, live"),
        (("check", FORMS["landing-zone"][0]), 1, "--parameters 'ORG_ID=…'"),
        (("check", FORMS["terraform"][0], "--parameters", "X=1"), 2, "`X`"),
        (("check", "samples/proposal", "--parameters", "X=1"), 2, "`X`"),
        (("simulate", *FORMS["terraform"], "--logs", LOGS, "--attach", "Root"), 2, "--attach"),
        (("simulate", *FORMS["terraform"], "--logs", LOGS), 1, "--organization"),
    ],
)
def test_errors_help(arguments, status, words):
    done = call(*arguments)
    assert done.returncode == status
    assert words in done.stderr.decode()


def test_the_files_are_what_the_script_writes():
    done = subprocess.run(
        [sys.executable, "samples/as_code.py", "--check"], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
