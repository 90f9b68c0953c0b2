"""Policy variables where AWS does not fill them in.

Source: AWS IAM User Guide, reference_policies_variables; access-analyzer-reference-policy-checks (EMPTY_VARIABLE,
VARIABLE_UNSUPPORTED_IN_ELEMENT, INVALID_VARIABLE_FOR_OPERATOR).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from simulator.policy.document import Word
from simulator.policy.rules.placeholders import has_placeholder
from simulator.policy.rules.subject import Check, Problem, Subject

_VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")
_ESCAPES: Final = frozenset({"*", "?", "$"})


def empty_variable(subject: Subject) -> Iterator[Problem]:
    """A variable without a name."""
    for word in (*_resources(subject), *_values(subject)):
        if any(not name.strip() for name in _VARIABLE.findall(word.value)):
            yield Problem(
                word.span, f"`{word.value}` has a variable without a name", "write `${aws:username}` or the like"
            )


def variable_in_old_version(subject: Subject) -> Iterator[Problem]:
    """Version 2008-10-17 takes variables as text."""
    if subject.document.version == "2012-10-17":
        return
    for word in (*_resources(subject), *_values(subject)):
        if any(_keys(word)):
            message = f"`{word.value}` is taken as text: variables need Version 2012-10-17"
            yield Problem(word.span, message, 'write "Version": "2012-10-17"')


def variable_in_arn_head(subject: Subject) -> Iterator[Problem]:
    """A variable in the first five parts of a Resource."""
    for word in _resources(subject):
        # The parts before the resource hold no colon but inside a variable.
        head = _VARIABLE.sub(lambda match: match.group().replace(":", "\0"), word.value).split(":", 5)[:5]
        for part in head:
            if "${" in part and not has_placeholder(word.value):
                message = f"`{word.value}` has a variable before the resource part, where AWS does not fill it in"
                yield Problem(word.span, message, "write `*` there and compare with a condition")
                break


def variable_for_operator(subject: Subject) -> Iterator[Problem]:
    """A variable under an operator that takes none."""
    for _, condition in subject.conditions:
        if condition.operator.base.allows_variables:
            continue
        for word in condition.values:
            if any(_keys(word)):
                message = f"{condition.operator.base.name} takes no policy variable"
                yield Problem(word.span, message, "write the value; only String and Arn operators take variables")


def variable_with_set(subject: Subject) -> Iterator[Problem]:
    """A variable that stands for a set of values."""
    for word in (*_resources(subject), *_values(subject)):
        for key in _keys(word):
            info = subject.catalog.key(key)
            if info is not None and info.multivalued:
                message = f"`{key}` holds a set of values, which cannot be filled in"
                yield Problem(word.span, message, "use a key with a single value")


def _resources(subject: Subject) -> Iterator[Word]:
    return (word for statement in subject.statements for word in statement.resources.words)


def _values(subject: Subject) -> Iterator[Word]:
    return (word for _, condition in subject.conditions for word in condition.values)


def _keys(word: Word) -> Iterator[str]:
    """The keys named by the word's variables; escapes and template placeholders are none."""
    for match in _VARIABLE.finditer(word.value):
        name = match.group(1).partition(",")[0].strip()
        if name and name not in _ESCAPES and ":" in name and not has_placeholder(match.group()):
            yield name


CHECKS: Final[Mapping[str, Check]] = {
    "empty-variable": empty_variable,
    "variable-in-old-version": variable_in_old_version,
    "variable-in-arn-head": variable_in_arn_head,
    "variable-for-operator": variable_for_operator,
    "variable-with-set": variable_with_set,
}
