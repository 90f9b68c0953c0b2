"""YAML with places: the nodes that PyYAML composes, checked before anything is made of them.

Tags are never constructed, so a file cannot make objects; nesting is bounded, because composing is recursive. Equal
keys, unknown members and values YAML would turn into something else (`012`, `yes`, `2024-01-01`) are errors.
"""

import difflib
from collections.abc import Iterable
from typing import Final, NoReturn

import yaml

from simulator.errors import OrgsimError
from simulator.organization.reference import Reference as Reference

MAX_DEPTH: Final = 32

_STRING_TAG: Final = "tag:yaml.org,2002:str"
_NULL_TAG: Final = "tag:yaml.org,2002:null"
_KINDS: Final = {
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "a truth value",
    "tag:yaml.org,2002:timestamp": "a date",
}


class YamlReader:
    """Reads values out of composed YAML nodes; every complaint names `file` and the line."""

    def __init__(self, file: str | None) -> None:
        self.file = file

    def parse(self, text: str) -> yaml.Node | None:
        """The node of the one document in `text`; `None` for an empty text. Raises `OrgsimError`."""
        try:
            depth = 0
            for event in yaml.parse(text, Loader=yaml.SafeLoader):
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if depth > MAX_DEPTH:
                    line = event.start_mark.line + 1 if event.start_mark else None
                    raise OrgsimError("yaml-depth", f"nested deeper than {MAX_DEPTH} levels", file=self.file, line=line)
            node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error) from error
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            message = "the file holds a character that YAML does not allow"
            raise OrgsimError("yaml-syntax", message, file=self.file, line=line) from error
        return node

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> OrgsimError:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        message = f"this is not YAML: {error.problem or error.context}"
        hint = "indent with spaces, not tabs" if "\\t" in message else ""
        return OrgsimError("yaml-syntax", message, hint=hint, file=self.file, line=line, column=column)

    def fail(self, code: str, message: str, node: yaml.Node, hint: str = "") -> NoReturn:
        """Raise an error about `node`."""
        mark = node.start_mark
        raise OrgsimError(code, message, hint=hint, file=self.file, line=mark.line + 1, column=mark.column + 1)

    def line(self, node: yaml.Node) -> int:
        """The line of a node, from 1."""
        line: int = node.start_mark.line
        return line + 1

    def members(self, node: yaml.Node, known: Iterable[str], what: str) -> dict[str, yaml.Node]:
        """The members of a mapping by name. An equal key, an unknown one and a value left empty are told apart:
        the first two are errors, the last counts as left out.
        """
        if not isinstance(node, yaml.MappingNode):
            self.fail("yaml-shape", f"{what} is a mapping, not {kind_of(node)}", node, f"it has {', '.join(known)}")
        found: dict[str, yaml.Node] = {}
        lines: dict[str, int] = {}
        names = list(known)
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name not in names:
                close = difflib.get_close_matches(str(name), names, 1)
                hint = f"did you mean `{close[0]}`?" if close else f"it has {', '.join(names)}"
                shown = f"`{name}`" if name is not None else kind_of(key)
                self.fail("yaml-unknown-member", f"{what} has no member {shown}", key, hint)
            if name in lines:
                message = f"`{name}` stands here a second time (first on line {lines[name]})"
                self.fail("yaml-duplicate-key", message, key, "merge the two: only one of them would count")
            lines[name] = self.line(key)
            if value.tag != _NULL_TAG:
                found[name] = value
        return found

    def items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """The values of a sequence."""
        if not isinstance(node, yaml.SequenceNode):
            self.fail("yaml-shape", f"{what} is a list, not {kind_of(node)}", node, "begin each item with `- `")
        values: list[yaml.Node] = node.value
        return values

    def text(self, node: yaml.Node, what: str) -> Reference:
        """A string. What YAML reads as a number, date or truth value must be quoted: `012` would become 10."""
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL_TAG:
            self.fail("yaml-shape", f"{what} is a string, not {kind_of(node)}", node)
        plain_number = node.style is None and node.value.replace("_", "").isdigit()
        if node.tag != _STRING_TAG or plain_number:
            kind = "a number" if plain_number else _KINDS.get(node.tag, f"a value tagged `{node.tag}`")
            message = f"{what} is a string; without quotes YAML reads `{node.value}` as {kind}"
            self.fail("yaml-unquoted", message, node, f'quote it: "{node.value}"')
        if not node.value.strip():
            self.fail("yaml-shape", f"{what} is empty", node)
        return Reference(node.value, self.file, self.line(node))

    def texts(self, node: yaml.Node, what: str) -> tuple[Reference, ...]:
        """One string or a list of them, at least one."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not nodes:
            self.fail("yaml-shape", f"{what} is an empty list", node, "name at least one, or leave it out")
        return tuple(self.text(each, what) for each in nodes)


def kind_of(node: yaml.Node) -> str:
    """What a YAML node is, in words."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "nothing" if node.tag == _NULL_TAG else "a string" if node.tag == _STRING_TAG else "a plain value"
