"""The policy as a whole: Version, Id, Sids, statements that repeat each other."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from simulator.policy.diagnostic import Span
from simulator.policy.document import Effect, PolicyType, Statement, WordList
from simulator.policy.rules.placeholders import has_placeholder
from simulator.policy.rules.subject import EVERY_ACTION, Check, Problem, Subject

_SID: Final = re.compile(r"[A-Za-z0-9]*")


def missing_version(subject: Subject) -> Iterator[Problem]:
    """The policy names no version."""
    if subject.document.version is None:
        span = subject.document.span
        place = Span(span.line, span.column, span.line, span.column + 1)
        yield Problem(place, "the policy has no Version", 'add "Version": "2012-10-17"')


def old_version(subject: Subject) -> Iterator[Problem]:
    """The policy names the version of 2008."""
    document = subject.document
    if document.version == "2008-10-17" and document.version_span:
        yield Problem(document.version_span, "Version 2008-10-17 knows no policy variables", "write 2012-10-17")


def id_element(subject: Subject) -> Iterator[Problem]:
    """The policy has an Id, which the pages on SCPs and RCPs do not list."""
    if subject.document.id is not None:
        span = subject.document.span
        place = Span(span.line, span.column, span.line, span.column + 1)
        yield Problem(place, "Id is not among the elements of SCPs and RCPs", "remove it; name the policy instead")


def sid_characters(subject: Subject) -> Iterator[Problem]:
    """A Sid holds other characters than letters and digits."""
    for statement in subject.statements:
        if has_placeholder(statement.sid or ""):
            continue
        if statement.sid and statement.sid_span and not _SID.fullmatch(statement.sid):
            odd = "".join(sorted(set(re.sub(r"[A-Za-z0-9]", "", statement.sid))))
            message = f"Sid `{statement.sid}` holds `{odd}`; letters A-Z, a-z and digits are allowed"
            suggestion = re.sub(r"[^A-Za-z0-9]", "", statement.sid)
            fix = f"write `{suggestion}`" if suggestion else "use letters and digits"
            yield Problem(statement.sid_span, message, fix)


def duplicate_sid(subject: Subject) -> Iterator[Problem]:
    """Two statements have the same Sid."""
    first: dict[str, Statement] = {}
    for statement in subject.statements:
        if not statement.sid or not statement.sid_span:
            continue
        if statement.sid in first:
            line = first[statement.sid].span.line
            message = f"Sid `{statement.sid}` is taken by the statement on line {line}"
            yield Problem(statement.sid_span, message, "give every statement its own Sid")
        else:
            first[statement.sid] = statement


def duplicate_statement(subject: Subject) -> Iterator[Problem]:
    """Two statements say the same."""
    seen: dict[object, Statement] = {}
    for statement in subject.statements:
        meaning = (
            statement.effect,
            _meaning(statement.actions, fold=True),
            _meaning(statement.resources, fold=False),
            frozenset(
                (str(item.operator), item.key.value.lower(), frozenset(word.value for word in item.values))
                for item in statement.conditions
            ),
        )
        if meaning in seen:
            message = f"says the same as the statement on line {seen[meaning].span.line}"
            place = Span(statement.span.line, statement.span.column, statement.span.line, statement.span.column + 1)
            yield Problem(place, message, "remove one of the two")
        else:
            seen[meaning] = statement


def _meaning(words: WordList, *, fold: bool) -> object:
    return words.name, frozenset(word.value.lower() if fold else word.value for word in words.words)


def denies_everything(subject: Subject) -> Iterator[Problem]:
    """A Deny of every action on every resource without a condition."""
    for statement in subject.denies:
        if not statement.conditions and _everything(statement):
            message = "denies every action on every resource, to everyone and under all circumstances"
            fix = (
                "add a condition that exempts the roles that must go on working, or attach it to a closed account only"
            )
            yield Problem(statement.actions.span, message, fix)


def allow_without_effect(subject: Subject) -> Iterator[Problem]:
    """An Allow beside an unconditional Allow of everything."""
    if subject.policy_type is PolicyType.RCP:
        return
    allows = [statement for statement in subject.statements if statement.effect is Effect.ALLOW]
    full = next((each for each in allows if not each.conditions and _everything(each)), None)
    if full is None:
        return
    for statement in allows:
        if statement is not full:
            message = f"has no effect: the statement on line {full.span.line} allows everything already"
            yield Problem(statement.actions.span, message, "remove one of the two Allow statements")


def _everything(statement: Statement) -> bool:
    all_actions = not statement.actions.negated and any(word.value in EVERY_ACTION for word in statement.actions.words)
    all_resources = not statement.resources.negated and any(word.value == "*" for word in statement.resources.words)
    return all_actions and all_resources


CHECKS: Final[Mapping[str, Check]] = {
    "missing-version": missing_version,
    "old-version": old_version,
    "id-element": id_element,
    "sid-characters": sid_characters,
    "duplicate-sid": duplicate_sid,
    "duplicate-statement": duplicate_statement,
    "denies-everything": denies_everything,
    "allow-without-effect": allow_without_effect,
}
