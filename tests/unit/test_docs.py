"""The documents say what the code does: links resolve, examples run, lists are complete."""

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest
import yaml

from simulator.cli import main
from simulator.errors import ExitStatus

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [
    *(page for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md") if page.is_file()),
    *(page for page in (ROOT / "policies/README.md", ROOT / "samples/README.md") if page.is_file()),
    *sorted(DOCS.rglob("*.md")),
]
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CASE_FILES = ("vectors", "operators", "incidents", "validate", "actions", "resources", "context")


def read(path):
    return path.read_text(encoding="utf-8")


def prose(page):
    """The text of a page without its fenced examples."""
    return FENCE.sub("", read(page))


def blocks(page, info):
    return [match["text"] for match in FENCE.finditer(read(page)) if match["info"].strip() == info]


def named(page):
    """Everything that a page writes as `code`, of one word or several."""
    return set(re.findall(r"`([^`\n]+)`", prose(page)))


def modules():
    return [read(path) for path in sorted((ROOT / "simulator").rglob("*.py"))]


# Links


def slugs(page):
    """The anchors that a page offers, made as GitHub makes them."""
    titles = re.findall(r"^#+ +(.*)$", prose(page), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()) for title in titles]
    return {title.strip().replace(" ", "-") for title in kept}


def broken_links(page):
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        found = place.exists() and place.is_relative_to(ROOT)
        if not found or (anchor and anchor not in slugs(place)):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_a_page_resolve(page):
    assert list(broken_links(page)) == []


def test_every_page_is_in_the_index():
    linked = {(DOCS / target.partition("#")[0]).resolve() for target in LINK.findall(prose(DOCS / "README.md"))}
    pages = {page for page in DOCS.glob("*.md") if page.name != "README.md"}
    assert {page.name for page in pages - linked} == set()


def test_documents_named_in_the_code_exist():
    names = {name for text in modules() for name in re.findall(r"docs/[a-z/-]+\.md", text)}
    assert {name for name in names if not (ROOT / name).is_file()} == set()


# Examples


EXAMPLES = list(
    zip(blocks(DOCS / "evaluate.md", "json line"), blocks(DOCS / "evaluate.md", "json answer"), strict=True)
)


def test_examples_of_evaluate_give_the_answers_shown():
    lines = [json.loads(line) for line, _ in EXAMPLES]
    wanted = [json.loads(answer) for _, answer in EXAMPLES]
    run = subprocess.run(
        [sys.executable, "-m", "simulator", "evaluate", "-"],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert [json.loads(line) for line in run.stdout.splitlines()] == wanted
    assert run.returncode == (ExitStatus.FAILED if any("error" in answer for answer in wanted) else ExitStatus.OK)
    # The page has an example of every decision, and of a line that cannot be read.
    assert {answer.get("decision", "error") for answer in wanted} >= {"denied", "undecided", "error"}


def test_example_cases_pass(tmp_path):
    page = DOCS / "policy-tests.md"
    policies, cases = blocks(page, "json policy"), blocks(page, "yaml cases")
    assert policies
    assert len(policies) == len(cases)
    for number, (policy, case) in enumerate(zip(policies, cases, strict=True)):
        (tmp_path / f"example{number}.json").write_text(policy, encoding="utf-8")
        (tmp_path / f"example{number}.cases.yaml").write_text(case, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "simulator", "test", str(tmp_path), "--format", "json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert (run.returncode, run.stderr) == (ExitStatus.OK, "")
    result = json.loads(run.stdout)
    assert result["failed"] == 0
    assert result["passed"] == sum(len(yaml.safe_load(case)["cases"]) for case in cases)


# Lists


def error_codes():
    """Every code an `OrgsimError` is raised with: given to it directly, or through a function with a `code`."""
    trees = [ast.parse(text) for text in modules()]
    passing = {"OrgsimError"}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name != "__init__":
                names = [each.arg for each in node.args.args]
                if "code" in names:
                    passing.add(node.name)
    codes = set()
    for tree in trees:
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", None)
            first = node.args[0]
            if name not in passing or (isinstance(first, ast.Name) and first.id == "code"):
                continue
            if name != "OrgsimError" and not isinstance(first, ast.Constant):
                continue
            assert isinstance(first, ast.Constant), f"a code that is no literal: {ast.unparse(node)}"
            if isinstance(first.value, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*", first.value):
                codes.add(first.value)
    return codes


def test_page_of_exit_statuses_lists_every_error_code():
    rows = re.findall(r"^\| `([a-z-]+)` \|", prose(DOCS / "exit-status.md"), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == error_codes()


def test_page_of_exit_statuses_lists_every_status_and_command():
    text = prose(DOCS / "exit-status.md")
    statuses = {int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert statuses == {*(int(each) for each in ExitStatus), 130}
    assert {name for name in main._COMMANDS if f"`orgsim {name}`" not in text} == set()


COMMANDS = {
    "catalog": "catalog.md",
    "check": "check.md",
    "collect": "collect.md",
    "doctor": "collect.md",
    "diff": "diff.md",
    "evaluate": "evaluate.md",
    "simulate": "simulate.md",
    "snapshot": "snapshot.md",
    "test": "policy-tests.md",
    "usage": "usage.md",
    "waive": "waivers.md",
}


@pytest.mark.parametrize("name", sorted(main._COMMANDS))
def test_page_of_a_command_names_all_its_options(name):
    command = importlib.import_module(f"simulator.cli.{main._COMMANDS[name][0]}").command
    words = read(DOCS / COMMANDS[name])
    commands = [command, *getattr(command, "commands", {}).values()]
    params = [each for one in commands for each in one.params]
    options = [option for each in params for option in each.opts if option.startswith("-")]
    assert [option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", words)] == []


def test_page_of_simulate_lists_every_reason_to_leave_something_out():
    from simulator.cloudtrail import containers
    from simulator.replay import reading
    from simulator.replay.outcome import Outcome
    from simulator.sources import files as log_files

    table = files("simulator.cloudtrail.mappings").joinpath("skipped.toml").read_text(encoding="utf-8")
    reasons = {row["id"] for row in tomllib.loads(table)["reason"]}
    reasons |= {reading.OUTSIDE_WINDOW, reading.OTHER_ACCOUNT}
    for literal in (containers.SkipReason, containers.ContentReason, containers.DamageReason, log_files.SkipReason):
        reasons.update(get_args(literal))
    assert reasons - named(DOCS / "simulate.md") == set()
    assert {each.value for each in Outcome} - named(DOCS / "simulate.md") == set()


def test_page_of_evaluate_lists_every_reason_not_to_apply():
    from simulator.decision import exemptions, verdict

    table = files("simulator.decision").joinpath("exemptions.toml").read_text(encoding="utf-8")
    reasons = {row["reason"] for row in tomllib.loads(table)["action"]}
    reasons |= {*exemptions._SCP_EXEMPT_KINDS.values(), verdict.NO_SIDE.reason}
    for node in ast.walk(ast.parse(read(Path(exemptions.__file__)))):
        if isinstance(node, ast.Return) and node.value is not None:
            texts = {each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)}
            reasons |= {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z]+(-[a-z]+)+", text)}
    rows = set(re.findall(r"^\| ([a-z ]+) \| (?:both|SCP|RCP) \|", prose(DOCS / "evaluate.md"), re.MULTILINE))
    assert rows == {reason.replace("-", " ") for reason in reasons}


# Cases


def case_ids():
    ids = {}
    for name in CASE_FILES:
        # The loader in C, where there is one, takes a tenth of the time.
        content = yaml.load(read(ROOT / f"tests/cases/{name}.yaml"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        rows = content["cases"] if isinstance(content, dict) else content
        ids[name] = {str(row.get("id", row.get("name"))) for row in rows}
    stories = json.loads(read(ROOT / "samples/expected.json"))
    ids["samples"] = {row["story"] for log in ("logs", "logs-extra") for row in stories[log]}
    return ids


def test_cases_named_in_the_semantics_exist():
    ids = case_ids()
    text = read(DOCS / "semantics.md")
    cited = re.findall(rf"`({'|'.join(ids)}): ([^`\n]+)`", text)
    assert len(cited) > 100
    # `…` stands for any text: `operators: string…-missing` must find at least one case.
    lost = []
    for name, pattern in cited:
        expression = re.escape(pattern).replace("…", ".*")
        if not any(re.fullmatch(expression, each) for each in ids[name]):
            lost.append(f"{name}: {pattern}")
    assert lost == []
    # Every test vector of the rules is named somewhere.
    vectors = {each[:3] for each in ids["vectors"]}
    assert vectors - {pattern[:3] for name, pattern in cited if name == "vectors"} == set()


def test_every_file_named_in_the_documents_exists():
    lost = set()
    for page in PAGES:
        for name in re.findall(r"`((?:simulator|tests|policies|samples|benchmarks|docs)/[\w./-]+\w)`", prose(page)):
            place = ROOT / name
            if not place.exists() and not place.with_suffix(".py").exists():
                lost.add(f"{page.name}: {name}")
    assert lost == set()


# What no file of the project may name


def _one_of(*names):
    """Alternatives, each written apart so that this file does not hold the name itself."""
    return "(?:" + "|".join("".join(parts) for parts in names) + ")"


FOLDERS = _one_of(("wo", "rk"), ("tm", "p"), ("ro", "ot"), ("ho", "me"), ("Use", "rs"))
INDEXES = _one_of(
    (r"py", r"pi\.(?:python\.)?org"), ("python", r"hosted\.org"), ("artif", "actory"), ("nex", "us"), ("dev", "pi")
)
FOREIGN = re.compile(
    rf"(?<![\w.$}}])/{FOLDERS}/[\w.-]"  # a path of somebody's machine
    r"|\.\./sha"
    r"red"
    rf"|(?:index|extra)-(?:url|index)|\b{INDEXES}\b"
    r"|\.codeartifact\."
    r"|BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY",
    re.IGNORECASE,
)
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ".cfg", ".ini", ".sh", ".ambr", ""}
LEFT_OUT = {".git", ".venv", "build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
LEFT_OUT |= {"__pycache__", ".import_linter_cache"}


def text_files():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix in TEXT:
                yield path.relative_to(ROOT)


def test_no_file_names_a_machine_or_a_package_index():
    found = []
    for inside in text_files():
        try:
            text = read(ROOT / inside)
        except UnicodeDecodeError:
            continue
        found += [f"{inside}: {match.group()}" for match in FOREIGN.finditer(text)]
    assert found == []


def test_the_rule_about_names_finds_what_it_should():
    slash = "/"
    for text in (
        f"see {slash}work/x",
        "--index" + "-url https://x",
        f"..{slash}shared/data",
        f"cd {slash}tmp/a",
        f"{slash}home/me",
        "https://py" + "pi.org/p",
    ):
        assert FOREIGN.search(text), text
    for text in (f"arn:aws:iam::*:role{slash}work/x", f"${{HOME}}{slash}tmp/x", f"a{slash}work/b", "tmp_path"):
        assert not FOREIGN.search(text), text
