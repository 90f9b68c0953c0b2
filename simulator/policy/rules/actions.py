"""Action and NotAction: names that AWS would refuse, and names that stand for nothing.

Source: AWS IAM User Guide, reference_policies_elements_action; Service Authorization Reference.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.action_names import similar_action, similar_service
from simulator.iam.catalog import Catalog
from simulator.iam.pattern import glob_pieces, matcher
from simulator.policy.document import PolicyType
from simulator.policy.rules.facts import FACTS
from simulator.policy.rules.subject import EVERY_ACTION, Check, NamedActions, Problem, Subject


def service_wildcard(subject: Subject) -> Iterator[Problem]:
    """A wildcard before the colon."""
    for named in _named(subject):
        if named.word.value not in EVERY_ACTION and ("*" in named.service or "?" in named.service):
            message = f"`{named.word.value}` has a wildcard in its service prefix"
            yield Problem(named.word.span, message, "write one action for each service")


def several_colons(subject: Subject) -> Iterator[Problem]:
    """More than one colon."""
    for named in _named(subject):
        if named.word.value.count(":") > 1:
            message = f"`{named.word.value}` has more than one colon"
            yield Problem(named.word.span, message, "write `service:Action`, for example `s3:GetObject`")


def unknown_service(subject: Subject) -> Iterator[Problem]:
    """A service prefix that the reference does not have."""
    for named in _named(subject):
        if _readable(named) and named.service not in subject.catalog.services:
            close = similar_service(named.service, subject.catalog)
            fix = f"did you mean `{close}`?" if close else "look the prefix up in the Service Authorization Reference"
            yield Problem(named.word.span, f"AWS has no service prefix `{named.service}`", fix)


def unknown_action(subject: Subject) -> Iterator[Problem]:
    """An action that its service does not have."""
    for named in _named(subject):
        if _known_service(named, subject.catalog) and named.known == () and not named.has_wildcard:
            message = f"the service `{named.service}` has no action `{named.word.value.partition(':')[2]}`"
            yield Problem(named.word.span, message, _suggestion(named, subject.catalog))


def action_matches_nothing(subject: Subject) -> Iterator[Problem]:
    """A wildcard that stands for no action."""
    for named in _named(subject):
        if _known_service(named, subject.catalog) and named.known == () and named.has_wildcard:
            message = f"`{named.word.value}` matches no action of `{named.service}`"
            yield Problem(named.word.span, message, _suggestion(named, subject.catalog))


def redundant_action(subject: Subject) -> Iterator[Problem]:
    """An action that another one of the same list covers."""
    for statement in subject.statements:
        words = statement.actions.words
        # A `?` of a wide pattern could take in a `*` of another one only by chance: such patterns are left alone.
        wide = [
            (text, word, matcher(glob_pieces(text)))
            for word in words
            if "*" in (text := word.value.lower()) and "?" not in text
        ]
        seen: set[str] = set()
        for word in words:
            text = word.value.lower()
            if text in seen:
                yield Problem(word.span, f"`{word.value}` stands in the list already", "remove it")
                continue
            seen.add(text)
            wider = next((each for other, each, covers in wide if other != text and covers(text)), None)
            if wider is not None:
                yield Problem(word.span, f"`{word.value}` is covered by `{wider.value}`", "remove one of the two")


def uncontrollable_action(subject: Subject) -> Iterator[Problem]:
    """A call that no policy of this type can stop."""
    for statement in subject.denies:
        for named in subject.named_actions(statement):
            if statement.actions.negated or named.has_wildcard:
                continue
            for row in FACTS.uncontrollable:
                if row.action.lower() == named.word.value.lower() and subject.policy_type in (None, *row.types):
                    message = f"`{row.action}` {row.reason}"
                    yield Problem(named.word.span, message, _instead(row.types))


def _instead(types: tuple[PolicyType, ...]) -> str:
    others = [each.name for each in PolicyType if each not in types]
    return f"deny it with an {others[0]}" if others and others[0] == "RCP" else "remove it: nothing denies this call"


def _named(subject: Subject) -> Iterator[NamedActions]:
    return (named for statement in subject.statements for named in subject.named_actions(statement))


def _readable(named: NamedActions) -> bool:
    text = named.word.value
    return text not in EVERY_ACTION and text.count(":") == 1 and not ("*" in named.service or "?" in named.service)


def _known_service(named: NamedActions, catalog: Catalog) -> bool:
    return _readable(named) and named.service in catalog.services


def _suggestion(named: NamedActions, catalog: Catalog) -> str:
    close = similar_action(named.service, named.word.value.partition(":")[2], catalog)
    if close:
        return f"did you mean `{close}`?"
    return f"look it up among the actions of `{named.service}` in the Service Authorization Reference"


CHECKS: Final[Mapping[str, Check]] = {
    "action-service-wildcard": service_wildcard,
    "action-colons": several_colons,
    "unknown-service": unknown_service,
    "unknown-action": unknown_action,
    "action-matches-nothing": action_matches_nothing,
    "redundant-action": redundant_action,
    "uncontrollable-action": uncontrollable_action,
}
