"""The keys about a resource's owner: `aws:ResourceAccount`, `aws:ResourceOrgID`, `aws:ResourceOrgPaths`.

Source: AWS IAM User Guide, reference_policies_condition-keys ("Properties of the resource"); the actions without
these keys are data (mappings/resource_owner_keys.toml).
"""

import tomllib
from collections.abc import Callable
from importlib.resources import files

from simulator.cloudtrail.call import Call, Target
from simulator.cloudtrail.organization_keys import organization_id, organization_path
from simulator.cloudtrail.tags import CheckRule
from simulator.decision.facts import Facts
from simulator.decision.request import RESOURCELESS, UNKNOWN, ContextValue, OneOf


def owner_rules() -> dict[str, CheckRule]:
    """The rules of the owner's keys."""
    text = files("simulator.cloudtrail.mappings").joinpath("resource_owner_keys.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)["resource_owner_keys"]
    absent = frozenset(name.lower() for name in table["absent_for"])
    maybe = frozenset(name.lower() for name in table["unknown_for"])

    def rule(of: Callable[[str, Facts], ContextValue]) -> CheckRule:
        def value(call: Call, target: Target) -> ContextValue | None:
            action = target.action.lower()
            if action in absent or f"{target.service}:*" in absent:
                return None
            account = _owner(call, target)
            found = of(account, call.facts) if account else UNKNOWN
            if action in maybe:
                return OneOf((found, None)) if isinstance(found, str) else UNKNOWN
            return found

        return value

    return {
        "aws:resourceaccount": rule(lambda account, _facts: account),
        "aws:resourceorgid": rule(organization_id),
        "aws:resourceorgpaths": rule(organization_path),
    }


def _owner(call: Call, target: Target) -> str | None:
    account = target.check.account
    if isinstance(account, str):
        return account
    # An action without a resource acts on the caller's own account (inference: the keys are "always included").
    return call.principal.account if target.check.arn == RESOURCELESS else None
