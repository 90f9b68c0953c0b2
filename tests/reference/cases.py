"""Load the case files of tests/cases and compare an answer with what a case expects."""

from pathlib import Path

import yaml

FOLDER = Path(__file__).parent.parent / "cases"
EVALUATE_FILES = ("vectors.yaml", "operators.yaml", "incidents.yaml")


def load(name):
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["cases"]


def policy_text(case):
    """The policy of a case of validate.yaml; `pad_to` stretches its Sid "A" until the text has that many characters."""
    text = case["policy"]
    missing = case.get("pad_to", len(text)) - len(text)
    return text.replace('"Sid": "A', '"Sid": "A' + "A" * missing, 1)


def evaluate_cases():
    """Every case that is one line of `orgsim evaluate`, as (id for pytest, case)."""
    return [(f"{Path(name).stem}:{case['id']}", case) for name in EVALUATE_FILES for case in load(name)]


def line_of(case):
    return {key: case[key] for key in ("id", "scps", "rcps", "request") if key in case}


def differences(case, answer):
    """What the answer says otherwise than the case expects, as a list of readable sentences."""
    if case["expect"] == "error":
        return [] if set(answer) == {"id", "error"} else [f"expected an error, got {answer}"]
    if "error" in answer:
        return [f"expected {case['expect']}, got the error {answer['error']}"]
    found = {
        "expect": answer["decision"],
        "expect_scp": answer["scp"],
        "expect_rcp": answer["rcp"],
        "expect_keys": sorted(answer["unknown_keys"]),
    }
    wrong = [
        f"{name}: expected {case[name]}, got {value}"
        for name, value in found.items()
        if name in case and value != (sorted(case[name]) if name == "expect_keys" else case[name])
    ]
    if "expect_by" in case and case["expect_by"] not in [entry["sid"] for entry in answer["by"]]:
        wrong.append(f"expect_by: {case['expect_by']} is not in {answer['by']}")
    if (answer["decision"] == "allowed") != (answer["by"] == []):
        wrong.append(f"a verdict of {answer['decision']} may not come with by = {answer['by']}")
    if answer["decision"] != "undecided" and answer["unknown_keys"]:
        wrong.append(f"a decided verdict names the unknown keys {answer['unknown_keys']}")
    return wrong
