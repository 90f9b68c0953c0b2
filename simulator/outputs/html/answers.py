"""Answers to what people ask of an impact, as plain values for the page: whom to talk to, how far it reaches, what
each statement costs. Empty where the replay did not look who is behind whom.
"""

from collections.abc import Iterable
from typing import Any, Final

from simulator.analysis.answers import Dependents, Radius, Statement, statement_of
from simulator.analysis.questions import Questions
from simulator.analysis.report import Report
from simulator.outputs import wording
from simulator.outputs.html.behind import SURE, named
from simulator.outputs.safe_text import safe_text

_TALKS: Final = 10

_RADII: Final = 25
"""Units and accounts listed; the rest is counted."""

_STATEMENTS: Final = 40
"""Statements asked about; each costs a look at all that is denied."""

_NAMES: Final = 3


def answers(report: Report) -> dict[str, Any]:
    """`talks`, `units`, `accounts` and `statements`: lists of rows, and how many `more` of the last three there are."""
    if report.identities is None or report.impact.ties is None:
        return {"talks": [], "units": [], "accounts": [], "statements": [], "more": [0, 0, 0]}
    questions = Questions(report)
    units, accounts = _hit(questions.by_unit()), _hit(questions.by_account())
    statements = questions.statements()
    labels = _labels(report)
    return {
        "talks": [
            {
                **named(each.identity),
                "calls": each.calls,
                "undecided": each.undecided,
                "lost": each.lost,
                "through": [wording.name(arn.rpartition("/")[2] or arn) for arn in each.through],
                "sure": SURE[each.confidence],
            }
            for each in questions.first_to_talk_to(_TALKS)
        ],
        "units": [_radius(each) for each in units[:_RADII]],
        "accounts": [_radius(each) for each in accounts[:_RADII]],
        "statements": [_statement(questions, each, labels) for each in statements[:_STATEMENTS]],
        "more": [max(0, len(units) - _RADII), max(0, len(accounts) - _RADII), max(0, len(statements) - _STATEMENTS)],
    }


def _hit(radii: Iterable[Radius]) -> list[Radius]:
    return [each for each in radii if each.calls or each.undecided or each.lost]


def _radius(radius: Radius) -> dict[str, Any]:
    where = (
        f"{wording.name(radius.label)} ({safe_text(radius.id)})" if radius.id.isdigit() else wording.name(radius.label)
    )
    if radius.id == radius.label:
        where = safe_text(radius.id)
    return {
        "label": where or "no account",
        "calls": radius.calls,
        "undecided": radius.undecided,
        "lost": radius.lost,
        "identities": radius.principals,
    }


def _statement(questions: Questions, statement: Statement, labels: dict[Statement, str]) -> dict[str, Any]:
    dependents = questions.dependents(statement)
    freed = questions.freed_by_removing(statement)
    return {
        "label": labels.get(statement, wording.name(statement.sid or statement.policy or "a missing Allow")),
        "calls": sum(each.calls for each in dependents.direct),
        "undecided": sum(each.undecided for each in dependents.direct),
        "identities": len(dependents.direct),
        "behind": _behind(dependents),
        "lost": sum(each.calls for each in dependents.lost),
        "freed": sum(each.freed for each in freed),
        "open": sum(each.open for each in freed),
        "held": sum(each.held for each in freed),
    }


def _behind(dependents: Dependents) -> str:
    """The people, pipelines and workloads behind the direct dependents, the most hit ones by name."""
    names = list(
        dict.fromkeys(
            wording.name(each.identity.label)
            for each in dependents.indirect
            if each.identity.identity_kind.ultimate and (each.calls or each.undecided)
        )
    )
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def _labels(report: Report) -> dict[Statement, str]:
    """Statements as people know them, with every node they were met at."""
    places: dict[Statement, dict[str, str]] = {}
    for finding in report.findings:
        told = wording.statement(finding.place, finding.attached_name, report.organization)
        places.setdefault(statement_of(finding.place), {}).setdefault(finding.place.attached_to, told)
    return {statement: _joined(list(told.values())) for statement, told in places.items()}


def _joined(told: Iterable[str]) -> str:
    first, *others = told
    return first + "".join(f", {each.rpartition(' on ')[2]}" for each in others)
