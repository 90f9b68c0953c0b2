"""Why a verdict is what it is: every level, every statement, every condition, true, false or unknown.

Only made on demand; it asks the very tests that the evaluator asks, so the two cannot disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.decision.program import Program
from simulator.decision.request import ContextValue, OneOf, Outside, Request
from simulator.decision.resources import resource_of_request
from simulator.decision.statement import CompiledStatement
from simulator.decision.truth import Truth, all_of
from simulator.decision.verdict import StatementRef
from simulator.policy.document import Condition


@dataclass(frozen=True, slots=True)
class ConditionReason:
    """One condition: what it asks, what the request holds, and the answer."""

    text: str
    value: str
    truth: Truth


@dataclass(frozen=True, slots=True)
class StatementReason:
    """One statement. `resource` and `conditions` are asked only where the action is named."""

    ref: StatementRef
    deny: bool
    names_action: bool
    resource: Truth
    conditions: tuple[ConditionReason, ...]
    truth: Truth


def explain(program: Program, request: Request) -> tuple[StatementReason, ...]:
    """The reasons for every statement of one side, root first."""
    return tuple(_statement(program, each, request) for level in program.statements for each in level)


def _statement(program: Program, statement: CompiledStatement, request: Request) -> StatementReason:
    if not statement.matches_action(request.action.lower()):
        return StatementReason(statement.ref, statement.deny, False, None, (), False)
    resource = statement.resources.test(resource_of_request(request.action, request.resource), request.context)
    tests = [program.condition(number) for number in statement.numbers_in_order]
    conditions = tuple(
        ConditionReason(_text(written), _value(request.context, written.key.value), test.test(request.context))
        for written, test in zip(statement.statement.conditions, tests, strict=True)
    )
    truth = all_of([resource, *(each.truth for each in conditions)])
    return StatementReason(statement.ref, statement.deny, True, resource, conditions, truth)


def _text(condition: Condition) -> str:
    values = ", ".join(word.value for word in condition.values)
    return f"{condition.operator} {condition.key.value} [{values}]"


def _value(context: Mapping[str, ContextValue], key: str) -> str:
    value = context.get(key.lower())
    match value:
        case None:
            return "absent"
        case str():
            return value
        case tuple():
            return "[" + ", ".join(value) + "]"
        case OneOf(values):
            return " or ".join("absent" if each is None else each for each in values)
        case Outside(prefix):
            return f"absent, or not beginning with {prefix}"
    return "unknown"


def reason_lines(reasons: tuple[StatementReason, ...]) -> list[str]:
    """The reasons as indented lines for people; statements that do not name the action are left out."""
    words = {True: "true", False: "false", None: "unknown"}
    lines = []
    for reason in reasons:
        if not reason.names_action:
            continue
        ref = reason.ref
        effect = "Deny" if reason.deny else "Allow"
        name = ref.sid or f"statement {ref.statement}"
        lines.append(f"{ref.side.name} level {ref.level}, policy {ref.policy}: {effect} {name}: {words[reason.truth]}")
        if reason.resource is not True:
            lines.append(f"  resource: {words[reason.resource]}")
        lines.extend(f"  {each.text}: {words[each.truth]} (request: {each.value})" for each in reason.conditions)
    return lines
