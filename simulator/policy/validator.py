"""What AWS Organizations would refuse in a policy, and what it accepts although it is surely not meant.

The rules stand in `simulator.policy.rules`: one module per concept, found by their `CHECKS`; rules.toml there says how
grave each is and which policy types it concerns. Every rule has a page in docs/rules/.
"""

import importlib
import pkgutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from simulator.iam.catalog import Catalog
from simulator.policy import rules
from simulator.policy.diagnostic import Diagnostic, Severity
from simulator.policy.document import PolicyDocument, PolicyType
from simulator.policy.quotas import QUOTAS, policy_size
from simulator.policy.rules.size import CHECKS as SIZE_CHECKS
from simulator.policy.rules.subject import Check, Subject

_FAR_TOO_LARGE: Final = 4 * max(quota.characters for quota in QUOTAS.values())


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its stable id, its severity, why it matters in one line, and the policy types it concerns.

    `found_by` is `rules` for those that `validate` applies, `parser` or `reading` for those that come up before.
    """

    id: str
    severity: Severity
    reason: str
    types: tuple[PolicyType, ...]
    found_by: str


def _read_rules() -> Mapping[str, Rule]:
    text = files("simulator.policy.rules").joinpath("rules.toml").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            name: Rule(
                id=name,
                severity=Severity(row["severity"]),
                reason=row["reason"],
                types=tuple(PolicyType(each) for each in row.get("types", [each.value for each in PolicyType])),
                found_by=row.get("found_by", "rules"),
            )
            for name, row in tomllib.loads(text).items()
        }
    )


def _find_checks() -> Mapping[str, Check]:
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(rules.__path__):
        checks = getattr(importlib.import_module(f"{rules.__name__}.{module.name}"), "CHECKS", {})
        found.update(checks)
    return MappingProxyType(found)


RULES: Final = _read_rules()
"""All rules by id, also those of the parser; read-only."""

CHECKS: Final = _find_checks()
"""The functions that look for the rules of `validate`, by rule id; read-only."""


def validate(document: PolicyDocument, policy_type: PolicyType | None, catalog: Catalog) -> tuple[Diagnostic, ...]:
    """Apply every rule to a parsed policy; the findings come in the order of their places.

    With `policy_type` unknown (`None`) the rules that concern one type only are left out. Of a policy several times
    larger than AWS takes, the size alone is said.
    """
    subject = Subject(document, policy_type, catalog)
    checks = CHECKS
    if policy_size(document) > _FAR_TOO_LARGE:
        # Some rules compare every word with every other one: a hostile policy must not keep the machine busy.
        checks = {name: check for name, check in CHECKS.items() if name in SIZE_CHECKS}
    found = []
    for name, check in checks.items():
        rule = RULES[name]
        if policy_type not in rule.types and not (policy_type is None and len(rule.types) == len(PolicyType)):
            continue
        found += [
            Diagnostic(rule.id, rule.severity, problem.message, problem.fix, problem.span, document.file)
            for problem in check(subject)
        ]
    return tuple(sorted(found, key=_place))


def _place(diagnostic: Diagnostic) -> tuple[int, int, str, str]:
    return diagnostic.span.line, diagnostic.span.column, diagnostic.rule, diagnostic.message
