"""Region guardrails: services that are called in one region whatever region one works in.

Source: AWS Organizations User Guide, orgs_manage_policies_scps_examples_general; AWS IAM User Guide,
reference_policies_condition-keys (aws:RequestedRegion).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.operators import Comparison, Family
from simulator.iam.pattern import glob_pieces, matcher
from simulator.policy.document import Condition, Effect, Statement
from simulator.policy.rules.facts import FACTS
from simulator.policy.rules.placeholders import has_placeholder
from simulator.policy.rules.subject import Check, Problem, Subject


def region_without_global_services(subject: Subject) -> Iterator[Problem]:
    """A region guardrail takes in global services and leaves out their region."""
    for statement, condition in subject.conditions:
        if condition.key.value.lower() != "aws:requestedregion" or not _shuts_out(statement, condition):
            continue
        hit = [service for service in FACTS.global_services if _is_wholly_governed(statement, service)]
        if hit:
            message = f"shuts out {', '.join(hit)}, called in {FACTS.global_region} from everywhere"
            fix = f"use NotAction with the global services, or add {FACTS.global_region} to the regions"
            yield Problem(condition.span, message, fix)


def _shuts_out(statement: Statement, condition: Condition) -> bool:
    """Whether the condition keeps the global services' region out."""
    base = condition.operator.base
    if base.family is not Family.STRING or any(has_placeholder(word.value) for word in condition.values):
        return False
    if (statement.effect is Effect.DENY) is not base.negated:
        return False
    values = [word.value.lower() for word in condition.values]
    if base.comparison is Comparison.LIKE:
        return not any(matcher(glob_pieces(value))(FACTS.global_region) for value in values)
    # Regions of another partition have global services of their own.
    return FACTS.global_region not in values and not any(value.startswith(("cn-", "us-gov-")) for value in values)


def _is_wholly_governed(statement: Statement, service: str) -> bool:
    """Whether the statement takes in the service; a service exempted in part was thought of."""
    words = [word.value.lower() for word in statement.actions.words]
    if statement.actions.negated:
        return not any(word == "*" or word.partition(":")[0] == service for word in words)
    if any(word in ("*", "*:*") for word in words):
        return not _narrows_by_resource(statement)
    return f"{service}:*" in words


def _narrows_by_resource(statement: Statement) -> bool:
    return statement.resources.negated or not any(word.value == "*" for word in statement.resources.words)


CHECKS: Final[Mapping[str, Check]] = {"region-without-global-services": region_without_global_services}
