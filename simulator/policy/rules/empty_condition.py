"""A Condition that holds nothing: the statement applies always.

The parsed policy has no trace of it, so the source text is looked at again.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.policy.diagnostic import PolicyError, Span
from simulator.policy.json_text import Items, Members, Node, parse_json
from simulator.policy.rules.subject import Check, Problem, Subject


def empty_condition(subject: Subject) -> Iterator[Problem]:
    """`"Condition": {}`, or an operator without a key."""
    try:
        node = parse_json(subject.document.text)
    except PolicyError:
        return  # a policy kept as an escaped string: its places are those of another text
    for span in _empty_objects(node):
        message = "the condition is empty: the statement applies always"
        yield Problem(_moved(span, node.span, subject.document.span), message, "fill it in, or remove it")


def _empty_objects(node: Node) -> Iterator[Span]:
    for statement in _each(_member(node, "Statement")):
        condition = _member(statement, "Condition")
        if isinstance(condition, Members):
            blocks = [block for _, block in condition.values if isinstance(block, Members)]
            yield from (item.span for item in (condition, *blocks) if not item.values)


def _member(node: Node | None, name: str) -> Node | None:
    if not isinstance(node, Members):
        return None
    return next((value for key, value in node.values if key.value == name), None)


def _each(node: Node | None) -> tuple[Node, ...]:
    if isinstance(node, Items):
        return node.values
    return () if node is None else (node,)


def _moved(span: Span, start: Span, real_start: Span) -> Span:
    """The place in the file of a place in the policy's own text (they differ for a policy inside a larger file)."""
    lines = real_start.line - start.line
    columns = real_start.column - start.column

    def move(line: int, column: int) -> tuple[int, int]:
        return line + lines, column + columns if line == start.line else column

    return Span(*move(span.line, span.column), *move(span.end_line, span.end_column))


CHECKS: Final[Mapping[str, Check]] = {"empty-condition": empty_condition}
