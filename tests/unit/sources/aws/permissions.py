"""What the policies under docs/iam allow, and what recorded calls need."""

import json

from simulator.sources.aws.session import read_only_operations
from tests.e2e.command import ROOT

FOLDER = ROOT / "docs/iam"


def allowed(*names):
    """The actions that policies allow."""
    found = set()
    for name in names:
        for statement in json.loads((FOLDER / name).read_text(encoding="utf-8"))["Statement"]:
            assert statement["Effect"] == "Allow"
            actions = statement["Action"]
            found.update([actions] if isinstance(actions, str) else actions)
    return found


def needed(operations):
    """The actions that operations need; an operation that is not listed as read-only is an error."""
    return {action for service, name in operations for action in read_only_operations()[service][name]}
