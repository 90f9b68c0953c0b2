"""The pages in docs/rules/ are true: each rule has one, and its wrong and right examples are what they say."""

import re
from pathlib import Path

import pytest

from simulator.iam.catalog import Catalog
from simulator.policy.diagnostic import PolicyError, Severity
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy
from simulator.policy.validator import CHECKS, RULES, validate

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "rules"
CODE = ROOT / "simulator"
EXAMPLE = re.compile(r"## (Wrong|Right)\n\n```json\n(.*?)```\n", re.DOTALL)
CATALOG = Catalog()
WITHOUT_EXAMPLE = {name for name, rule in RULES.items() if rule.found_by == "reading"} | {
    "policy-too-large",
    "policy-too-large-as-written",
}


def examples(name):
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    return dict(EXAMPLE.findall(text))


def diagnostics_of(text, rule):
    try:
        document = parse_policy(text)
    except PolicyError as error:
        return error.diagnostics
    if len(rule.types) == 1:
        policy_type = rule.types[0]
    else:
        named = any(statement.principal for statement in document.statements)
        policy_type = PolicyType.RCP if named else PolicyType.SCP
    return validate(document, policy_type, CATALOG)


def test_every_rule_has_a_page_and_every_page_a_rule():
    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == set(RULES)


def test_every_rule_of_the_validator_has_a_check_and_every_check_a_rule():
    assert {name for name, rule in RULES.items() if rule.found_by == "rules"} == set(CHECKS)


def test_every_rule_of_the_parser_stands_in_its_code_and_none_else_does():
    code = "".join((CODE / "policy" / name).read_text(encoding="utf-8") for name in ("parser.py", "json_text.py"))
    named = set(re.findall(r'(?:report|error)\(\s*f?"([a-z-]+)"', code))
    named |= set(re.findall(r'Diagnostic\(\s*"([a-z-]+)"', code))
    # `missing-{name}` is built from the element's name.
    named = (named - {"missing-"}) | {"missing-action", "missing-resource"}
    assert named == {name for name, rule in RULES.items() if rule.found_by == "parser"} | {"placeholder"}


def test_every_rule_of_reading_stands_in_the_reader():
    code = (CODE / "sources" / "text.py").read_text(encoding="utf-8")
    for name, rule in RULES.items():
        if rule.found_by == "reading":
            assert f'"{name}"' in code


def test_the_index_lists_every_rule_with_its_reason():
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| \[([a-z-]+)\]\(([a-z-]+)\.md\) \| (\w+) \| ([^|]+) \| (.*) \|", index)
    expected = []
    for rule in RULES.values():
        concerns = "SCPs and RCPs" if len(rule.types) == 2 else f"{rule.types[0].name}s"
        expected.append((rule.id, rule.id, rule.severity.value, concerns, rule.reason))
    assert rows == expected


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_page_begins_with_the_rules_own_words(rule):
    text = (PAGES / f"{rule.id}.md").read_text(encoding="utf-8")
    concerns = "SCPs and RCPs" if len(rule.types) == 2 else f"{rule.types[0].name}s"
    assert text.startswith(f"# {rule.id}\n\n**{rule.severity.value}** · {concerns} · {rule.reason}\n")


@pytest.mark.parametrize("name", sorted(set(RULES) - WITHOUT_EXAMPLE))
def test_the_wrong_example_is_wrong(name):
    found = diagnostics_of(examples(name)["Wrong"], RULES[name])
    assert name in {each.rule for each in found}
    assert all(each.fix for each in found)


@pytest.mark.parametrize("name", sorted(set(RULES) - WITHOUT_EXAMPLE))
def test_the_right_example_is_right(name):
    found = diagnostics_of(examples(name)["Right"], RULES[name])
    assert name not in {each.rule for each in found}
    assert [each for each in found if each.severity is Severity.ERROR] == []
