"""Reading values, texts and policies out of the files of other tools; every complaint names file, line and column."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from simulator.errors import OrgsimError
from simulator.organization.reference import Reference
from simulator.policy.diagnostic import Diagnostic, PolicyError
from simulator.policy.document import PolicyDocument
from simulator.policy.json_text import Items, Members, Node, Scalar, Text, parse_json
from simulator.policy.parser import parse_policy_node
from simulator.sources.text import read_text
from simulator.sources.yaml_tree import AMBIGUOUS, moved, parse_tree, place_within

LIMIT: Final = 4 << 20
"""No template, manifest or policy is larger, in bytes."""


class Reader:
    """Reads one file of another tool. Members that are not asked for are that tool's own business."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def tree(self, what: str) -> Node:
        """The whole file; `what` names it in messages."""
        return parse_tree(read_text(Path(self.file), LIMIT, what), self.file)

    def refusal(self, code: str, message: str, node: Node, hint: str = "") -> OrgsimError:
        """An error about `node`."""
        span = node.span
        return OrgsimError(code, message, hint=hint, file=self.file, line=span.line, column=span.column)

    def members(self, node: Node, what: str) -> dict[str, Node]:
        """The members of an object by name, without those that are null."""
        if not isinstance(node, Members):
            raise self.refusal("source-shape", f"{what} is an object, not {kind_of(node)}", node)
        return {key.value: value for key, value in node.values if not _is_null(value)}

    def named(self, node: Node, what: str) -> Iterator[tuple[Text, Node]]:
        """The members of an object with the places of their names."""
        if not isinstance(node, Members):
            raise self.refusal("source-shape", f"{what} is an object, not {kind_of(node)}", node)
        yield from node.values

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        """The values of a list."""
        if not isinstance(node, Items):
            raise self.refusal("source-shape", f"{what} is a list, not {kind_of(node)}", node)
        return node.values

    def rows(self, members: Mapping[str, Node], name: str) -> tuple[Node, ...]:
        """The values of the list `name`; none if it is left out."""
        return self.items(members[name], f"`{name}`") if name in members else ()

    def text(self, node: Node, what: str) -> Reference:
        """A text; plain numbers and truth values count as the text they are written as."""
        if isinstance(node, Text):
            return Reference(node.value, self.file, node.span.line)
        if isinstance(node, Scalar) and node.kind == AMBIGUOUS:
            raise self.ambiguous(node)
        if isinstance(node, Scalar) and node.kind != "null":
            return Reference(node.text, self.file, node.span.line)
        raise self.refusal("source-shape", f"{what} is a text, not {kind_of(node)}", node)

    def texts(self, members: Mapping[str, Node], name: str) -> tuple[Reference, ...]:
        """The texts of the list `name`; none if it is left out."""
        return tuple(self.text(each, f"an item of `{name}`") for each in self.rows(members, name))

    def required(self, node: Node, members: Mapping[str, Node], name: str) -> Node:
        """The member `name` of `node`."""
        if name not in members:
            raise self.refusal("source-missing", f"`{name}` is missing here", node)
        return members[name]

    def required_text(self, node: Node, members: Mapping[str, Node], name: str) -> Reference:
        """The text `name` of `node`, not empty."""
        value = self.required(node, members, name)
        found = self.text(value, f"`{name}`")
        if not found.text.strip():
            raise self.refusal("source-shape", f"`{name}` is empty", value)
        return found

    def ambiguous(self, node: Scalar) -> OrgsimError:
        """The error for a value that not all programs read alike."""
        return self.refusal(
            "yaml-unquoted", f"programs read `{node.text}` differently", node, f'quote it: "{node.text}"'
        )


def policy_of(node: Node, file: str) -> PolicyDocument:
    """The policy that stands in a larger file: as an object, or as a text that holds its JSON.

    Places are those of the file: of a text in quotes, where it begins. Raises `PolicyError`.
    """
    if isinstance(node, Text):
        place = place_within(node)
        try:
            inner = moved(parse_json(node.value), place)
        except PolicyError as error:
            places = ((each, place(each.span)) for each in error.diagnostics)
            raise PolicyError(
                tuple(Diagnostic(each.rule, each.severity, each.message, each.fix, span, file) for each, span in places)
            ) from error
        return parse_policy_node(inner, node.value, file)
    return parse_policy_node(node, as_json(node), file)


def as_json(node: Node) -> str:
    """The tree as JSON text without white space; numbers as they are written."""
    if isinstance(node, Text):
        return _quoted(node.value)
    if isinstance(node, Items):
        return f"[{','.join(as_json(each) for each in node.values)}]"
    if isinstance(node, Members):
        pairs = (f"{_quoted(key.value)}:{as_json(value)}" for key, value in node.values)
        return f"{{{','.join(pairs)}}}"
    return node.text


def _quoted(text: str) -> str:
    # A lone surrogate, which JSON can write as an escape, is no character: it stays an escape.
    printable = json.dumps(text, ensure_ascii=False)
    return printable if printable.isprintable() else json.dumps(text)


def file_within(folder: Path, name: Reference) -> Path:
    """The file that a manifest names, relative to its folder and inside it."""
    path = folder / name.text
    hint = f"files are named relative to {folder}"
    try:
        inside, there = path.resolve().is_relative_to(folder.resolve()), path.is_file()
    except (OSError, RuntimeError, ValueError):  # too long a name, links in a circle, a null character
        inside, there = True, False
    if not inside:
        message = f"`{name}` leads out of the folder"
        raise OrgsimError("source-outside", message, hint=hint, file=name.file, line=name.line)
    if not there:
        message = f"there is no file `{name}`"
        raise OrgsimError("proposal-missing-file", message, hint=hint, file=name.file, line=name.line)
    return path


def kind_of(node: Node) -> str:
    """What a node is, in words."""
    if isinstance(node, Scalar):
        return "nothing" if node.kind == "null" else f"`{node.text}`"
    return {Items: "a list", Members: "an object"}.get(type(node), "a text")


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"
