"""JSON or YAML that another tool owns, as one kind of tree: `json_text` nodes that know their places.

YAML is composed, never constructed: tags make no objects. The short forms of CloudFormation's functions (`!Ref x`)
become what they stand for (`{"Ref": "x"}`). Aliases are followed within a bound on depth and size, so that a file of a
few lines cannot grow without end.
"""

import re
from collections.abc import Callable
from typing import Final

import yaml

from simulator.errors import OrgsimError
from simulator.organization.yaml_text import YamlReader
from simulator.policy.diagnostic import Span
from simulator.policy.json_text import MAX_DEPTH, Items, Members, Node, Scalar, Text, parse_json

AMBIGUOUS: Final = "ambiguous"
"""The kind of a plain YAML value that programs read differently (`yes`, `0123`): using it is an error."""

_MAX_NODES: Final = 100_000
_TAG: Final = "tag:yaml.org,2002:"
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class Literal(Text, frozen=True, gc=False):
    """The text of a YAML block scalar (`|`): its line n stands on line `first` + n - 1, moved right by `indent`."""

    first: int
    indent: int


def parse_tree(text: str, file: str) -> Node:
    """Read one JSON or YAML document. Raises `OrgsimError` (`PolicyError` for JSON) with file, line and column."""
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return parse_json(text, file)
    composed = YamlReader(file).parse(text)
    if composed is None:
        raise OrgsimError("yaml-shape", "the file is empty", file=file)
    return _Converter(text, file).node(composed, 0)


def moved(node: Node, place: Callable[[Span], Span]) -> Node:
    """The same tree with other places."""
    if isinstance(node, Text):
        return Text(node.value, place(node.span))
    if isinstance(node, Scalar):
        return Scalar(node.text, node.kind, place(node.span))
    if isinstance(node, Items):
        return Items(tuple(moved(each, place) for each in node.values), place(node.span))
    pairs = tuple((Text(key.value, place(key.span)), moved(value, place)) for key, value in node.values)
    return Members(pairs, place(node.span))


def place_within(outer: Text) -> Callable[[Span], Span]:
    """Where a place in the text of `outer` stands in the file: in a block its own line, else the whole text."""
    if not isinstance(outer, Literal):
        return lambda _: outer.span
    down, right = outer.first - 1, outer.indent

    def place(span: Span) -> Span:
        return Span(span.line + down, span.column + right, span.end_line + down, span.end_column + right)

    return place


class _Converter:
    """Turns composed YAML into the nodes of `json_text`."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines = text.splitlines()
        self.count = 0

    def refusal(self, code: str, message: str, node: yaml.Node, hint: str = "") -> OrgsimError:
        mark = node.start_mark
        return OrgsimError(code, message, hint=hint, file=self.file, line=mark.line + 1, column=mark.column + 1)

    def node(self, node: yaml.Node, depth: int) -> Node:
        self.count += 1 + (len(node.value) >> 6 if isinstance(node, yaml.ScalarNode) else 0)
        if depth > MAX_DEPTH:
            raise self.refusal("yaml-depth", f"nested deeper than {MAX_DEPTH} levels", node, "an alias may hold itself")
        if self.count > _MAX_NODES:
            raise self.refusal(
                "yaml-size", "the aliases make this file too large", node, "write out what they stand for"
            )
        if node.tag.startswith("!") and node.tag != "!":
            return self.function(node, depth)
        return self.plain(node, depth)

    def plain(self, node: yaml.Node, depth: int) -> Node:
        span = _span(node)
        if isinstance(node, yaml.SequenceNode):
            return Items(tuple(self.node(each, depth + 1) for each in node.value), span)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, depth)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        raise self.refusal("yaml-shape", "this is no value", node)

    def mapping(self, node: yaml.MappingNode, depth: int) -> Members:
        pairs: list[tuple[Text, Node]] = []
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.refusal("yaml-shape", "a name is a text", key)
            if key.tag == f"{_TAG}merge":
                raise self.refusal("yaml-merge", "merge keys (`<<`) are not read", key, "write out what is merged")
            if key.value in lines:
                message = f"`{key.value}` stands here a second time (first on line {lines[key.value]})"
                raise self.refusal("yaml-duplicate-key", message, key, "merge the two: only one of them would count")
            lines[key.value] = key.start_mark.line + 1
            pairs.append((Text(key.value, _span(key)), self.node(value, depth + 1)))
        return Members(tuple(pairs), _span(node))

    def scalar(self, node: yaml.ScalarNode) -> Node:
        span, value = _span(node), node.value
        tag = node.tag.removeprefix(_TAG)
        if tag == "null":
            return Scalar("null", "null", span)
        if tag == "bool":
            lower = value.lower()
            return Scalar(lower, "boolean", span) if lower in ("true", "false") else Scalar(value, AMBIGUOUS, span)
        if tag in ("int", "float"):
            return Scalar(value, "number" if _NUMBER.fullmatch(value) else AMBIGUOUS, span)
        if node.style is None and value.isdigit():
            return Scalar(value, AMBIGUOUS, span)  # 0812 is a text to YAML 1.1 and a number to others
        if node.style == "|":
            first = node.start_mark.line + 1
            text = self.lines[first] if first < len(self.lines) else ""
            return Literal(value, span, first + 1, len(text) - len(text.lstrip(" ")))
        return Text(value, span)

    def function(self, node: yaml.Node, depth: int) -> Node:
        """`!Ref x` is `{"Ref": "x"}`, `!Condition x` likewise; all others are `Fn::` functions."""
        name = node.tag[1:]
        full = name if name in ("Ref", "Condition") else f"Fn::{name}"
        if isinstance(node, yaml.ScalarNode):
            style = node.style or "'"
            value = self.scalar(yaml.ScalarNode(f"{_TAG}str", node.value, node.start_mark, node.end_mark, style))
        else:
            value = self.plain(node, depth + 1)
        return Members(((Text(full, _span(node)), value),), _span(node))


def _span(node: yaml.Node) -> Span:
    start, end = node.start_mark, node.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
