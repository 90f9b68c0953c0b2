"""What people read when a rule finds something: every message and fix, on the wrong example of the rule's page."""

import re
from pathlib import Path

import pytest

from simulator.iam.catalog import Catalog
from simulator.outputs.diagnostics import terminal
from simulator.policy.diagnostic import PolicyError
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy
from simulator.policy.validator import RULES, validate

PAGES = Path(__file__).parents[2] / "docs" / "rules"
WRONG = re.compile(r"## Wrong\n\n```json\n(.*?)```\n", re.DOTALL)
EXAMPLES = {
    name: match.group(1)
    for name in RULES
    if (match := WRONG.search((PAGES / f"{name}.md").read_text(encoding="utf-8")))
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_messages(name, snapshot):
    try:
        document = parse_policy(EXAMPLES[name], "example.json")
    except PolicyError as error:
        found = error.diagnostics
    else:
        named = any(statement.principal for statement in document.statements)
        content_type = PolicyType.RCP if named else PolicyType.SCP
        policy_type = RULES[name].types[0] if len(RULES[name].types) == 1 else content_type
        found = validate(document, policy_type, Catalog())
    assert terminal(found, 1) == snapshot
