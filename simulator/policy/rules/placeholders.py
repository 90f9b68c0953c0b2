"""Texts that a template or a person should have filled in."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from simulator.policy.document import Word
from simulator.policy.rules.subject import Check, Problem, Subject

_PLACEHOLDER: Final = re.compile(
    r"""
    \{\{[^{}]*\}\}                                   # {{ name }}
  | \[\[[^\[\]]*\]\]                                 # [[ name ]]
  | (?<![$%{])\{[A-Za-z][\w-]*\}(?!\})                # {name}
  | \[[A-Z][A-Z0-9_]+\]                              # [NAME]
  | <[A-Za-z_][^<>]*>                                # <my-org-id>
  | %[A-Z][A-Z0-9_]*%                                # %NAME%
  | [$%]\{(?:[A-Za-z_][\w.\[\]"-]*(?:::[^{}]*)?)\}   # ${account}, ${AWS::AccountId}, ${var.org_id}, %{if}
  | \$\{[A-Za-z_]\w*::[^{}]*\}                       # ${ACCEL_LOOKUP::VPC:name}
  | (?<![A-Za-z0-9])(?:CHANGE_?ME|REPLACE_?ME|FIXME|TODO|PLACEHOLDER)(?![A-Za-z0-9])
  | (?<![A-Za-z0-9_])(?:[A-Z0-9]+_)*(?:YOUR|REPLACE|DEFINE|INSERT|ENTER)_[A-Z0-9_]+
  | (?<![A-Za-z0-9])(?:o|r|ou|vpc|vpce)-[xX]{3,}(?![A-Za-z0-9])
    """,
    re.VERBOSE,
)


def placeholder(subject: Subject) -> Iterator[Problem]:
    """A string holds an unfilled placeholder."""
    for word in _words(subject):
        match = _PLACEHOLDER.search(word.value)
        if match:
            message = f"unfilled placeholder `{match.group()}`"
            yield Problem(word.span, message, "render the template first, or write the value")


def has_placeholder(text: str) -> bool:
    """Whether `text` is a template still.

    >>> has_placeholder("arn:aws:iam::<account>:role/ops"), has_placeholder("home/${aws:username}")
    (True, False)
    """
    return _PLACEHOLDER.search(text) is not None


def _words(subject: Subject) -> Iterator[Word]:
    for statement in subject.statements:
        if statement.sid and statement.sid_span:
            yield Word(statement.sid, statement.sid_span)
        yield from statement.actions.words
        yield from statement.resources.words
        for condition in statement.conditions:
            yield condition.key
            yield from condition.values


CHECKS: Final[Mapping[str, Check]] = {"placeholder": placeholder}
