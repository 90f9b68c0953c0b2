"""Policies as text again: one canonical form, from which parsing gives back the same policy.

Order, single values and lists, unquoted numbers and booleans stay as written; only white space and the choice of
escapes are the printer's own. `policy_size` in `simulator.policy.quotas` counts what the compact form costs.
"""

import json
import re
from collections.abc import Sequence
from typing import Final

from simulator.policy.document import Condition, PolicyDocument, Statement, Word, WordList

_INDENT: Final = "  "
_STRING_OR_SPACE: Final = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')


def print_policy(document: PolicyDocument, *, compact: bool = False) -> str:
    """The policy as JSON text.

    `compact` leaves out all white space: what the CLI should upload, as every character counts against the quota
    (AWS Organizations User Guide, orgs_reference_limits). `parse_policy` of the result equals `document` apart from
    places and text; repeated keys that differ only in their operator's case stay apart.
    """
    members = []
    if document.version is not None:
        members.append(("Version", _text(document.version)))
    if document.id is not None:
        members.append(("Id", _text(document.id)))
    statements = [_statement(statement, compact) for statement in document.statements]
    listed = statements[0] if document.single_statement else _items(statements, compact, multiline=True)
    members.append(("Statement", listed))
    return _members(members, compact) + ("" if compact else "\n")


def _statement(statement: Statement, compact: bool) -> str:
    members = []
    if statement.sid is not None:
        members.append(("Sid", _text(statement.sid)))
    members.append(("Effect", _text(statement.effect.value)))
    if statement.principal is not None:
        members.append((statement.principal.name, _reprint(statement.principal.text, compact)))
    members.append((statement.actions.name, _words(statement.actions, compact)))
    members.append((statement.resources.name, _words(statement.resources, compact)))
    if statement.conditions:
        members.append(("Condition", _conditions(statement.conditions, compact)))
    return _members(members, compact)


def _conditions(conditions: Sequence[Condition], compact: bool) -> str:
    # Conditions of one operator follow each other: they come from one JSON object.
    blocks: dict[str, list[tuple[str, str]]] = {}
    for condition in conditions:
        values = _values(condition.values, condition.as_list, compact)
        blocks.setdefault(condition.operator_text.value, []).append((condition.key.value, values))
    return _members([(name, _members(block, compact)) for name, block in blocks.items()], compact)


def _words(words: WordList, compact: bool) -> str:
    return _values(words.words, words.as_list, compact)


def _values(words: Sequence[Word], as_list: bool, compact: bool) -> str:
    texts = [_text(word.value) if word.kind == "string" else word.value for word in words]
    return _items(texts, compact, multiline=len(texts) > 1) if as_list else texts[0]


def _items(texts: Sequence[str], compact: bool, *, multiline: bool) -> str:
    if compact or not multiline or not texts:
        return f"[{(',' if compact else ', ').join(texts)}]"
    return "[\n" + ",\n".join(_indented(text) for text in texts) + "\n]"


def _members(members: Sequence[tuple[str, str]], compact: bool) -> str:
    if compact:
        return "{" + ",".join(f"{_text(name)}:{value}" for name, value in members) + "}"
    return "{\n" + ",\n".join(_indented(f"{_text(name)}: {value}") for name, value in members) + "\n}"


def _indented(text: str) -> str:
    # Strings hold no line ends (JSON escapes them): every line end here is the printer's own.
    return _INDENT + text.replace("\n", "\n" + _INDENT)


def _text(value: str) -> str:
    # A lone surrogate, which a policy can write as an escape, is no character: it stays an escape.
    printable = json.dumps(value, ensure_ascii=False)
    return printable if printable.isprintable() else json.dumps(value)


def _reprint(text: str, compact: bool) -> str:
    # Reading it into Python and back would change large numbers.
    return _STRING_OR_SPACE.sub(r"\1", text) if compact else text
