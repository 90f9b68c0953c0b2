"""CloudFormation's functions and conditions, as far as the template and the values given decide them.

Source: AWS CloudFormation User Guide, "Intrinsic function reference", "Condition functions", "Pseudo parameters
reference", "Parameters". What stays open is an error that names the place and the parameter to give.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from simulator.errors import OrgsimError
from simulator.policy.diagnostic import Span
from simulator.policy.json_text import Items, Members, Node, Scalar, Text
from simulator.sources.documents import Reader, as_json, kind_of
from simulator.sources.given import Given
from simulator.sources.yaml_tree import AMBIGUOUS, Literal

_MAX_CHARACTERS: Final = 16 << 20
_MAX_DEPTH: Final = 100
_VARIABLE: Final = re.compile(r"\$\{(!?)([^{}]*)\}")
_DYNAMIC: Final = re.compile(r"\{\{resolve:[^{}]*\}\}")
_LIST_TYPES: Final = ("CommaDelimitedList", "List<")
_SSM: Final = "AWS::SSM::Parameter::Value"

Named = Mapping[str, str]
"""Texts that `Ref` (`Name`) and `Fn::GetAtt` (`Name.Attribute`) stand for in one place of the template."""


class Resolver:
    """Replaces the functions of one template by what they stand for. `None` stands for AWS::NoValue."""

    def __init__(self, reader: Reader, template: Mapping[str, Node], given: Given) -> None:
        self.reader = reader
        self.given = given
        self.parameters = self._section(template, "Parameters")
        self.mappings = self._section(template, "Mappings")
        self.conditions = self._section(template, "Conditions")
        self.notes: list[str] = []
        self.characters = 0
        self.depth = 0
        self.functions: Mapping[str, Callable[[Node, Named], Node | None]] = {
            "Ref": self._ref,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._choose,
            "Fn::ImportValue": self._import_value,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
            "Fn::ToJsonString": self._to_json,
        }

    def _section(self, template: Mapping[str, Node], name: str) -> dict[str, Node]:
        return self.reader.members(template[name], f"`{name}`") if name in template else {}

    # Values

    def value(self, node: Node, named: Named) -> Node | None:
        """The node without functions."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.reader.refusal("template-depth", "functions or conditions nested too deep, or in a circle", node)
        try:
            return self._value(node, named)
        finally:
            self.depth -= 1

    def _value(self, node: Node, named: Named) -> Node | None:
        if isinstance(node, Members):
            name = node.values[0][0].value if len(node.values) == 1 else ""
            if name == "Ref" or name.startswith("Fn::"):
                if name not in self.functions:
                    raise self.reader.refusal(
                        "template-function", f"`{name}` is not supported here", node, "write out its value"
                    )
                return self.functions[name](node.values[0][1], named)
            pairs = ((key, self.value(value, named)) for key, value in node.values)
            return Members(tuple((key, value) for key, value in pairs if value is not None), node.span)
        if isinstance(node, Items):
            values = (self.value(each, named) for each in node.values)
            return Items(tuple(each for each in values if each is not None), node.span)
        if isinstance(node, Scalar) and node.kind == AMBIGUOUS:
            raise self.reader.ambiguous(node)
        return self._dynamic(node) if isinstance(node, Text) and "{{resolve:" in node.value else node

    def text(self, node: Node, named: Named, what: str) -> str:
        """The text that a node stands for."""
        found = self.value(node, named)
        if found is None:
            raise self.reader.refusal("template-shape", f"{what} is a text, not AWS::NoValue", node)
        return self.reader.text(found, what).text

    def texts(self, node: Node, named: Named, what: str) -> tuple[Text, ...]:
        """The list of texts that a node stands for."""
        found = self.value(node, named)
        items = self.reader.items(found, what) if found is not None else ()
        return tuple(Text(self.reader.text(each, f"an item of {what}").text, each.span) for each in items)

    def made(self, value: str, node: Node) -> Text:
        """A text that a function made; together they are bounded."""
        self.characters += len(value)
        if self.characters > _MAX_CHARACTERS:
            raise self.reader.refusal("template-size", "the functions make this template too large", node)
        return (
            Literal(value, node.span, node.first, node.indent) if isinstance(node, Literal) else Text(value, node.span)
        )

    def _unresolved(self, what: str, key: str, node: Node, more: str = "") -> OrgsimError:
        hint = more or f"give its value: --parameters '{key}=…'"
        return self.reader.refusal("template-unresolved", f"{what} is not known from the template", node, hint)

    def _dynamic(self, node: Text) -> Text:
        def found(match: re.Match[str]) -> str:
            value = self.given.get(match.group())
            if value is None:
                raise self._unresolved(f"`{match.group()}`", match.group(), node)
            return value

        return self.made(_DYNAMIC.sub(found, node.value), node)

    # Names

    def name(self, name: str, node: Node, named: Named) -> Node | None:
        """What `Ref` stands for."""
        if name in named:
            return Text(named[name], node.span)
        if name in self.parameters:
            return self._parameter(name, node)
        if name == "AWS::NoValue":
            return None
        if (value := self.given.get(name)) is not None:
            return self.made(value, node)
        if name in ("AWS::Partition", "AWS::URLSuffix"):
            return Text(self._partition(name), node.span)
        raise self._unresolved(f"`{name}`", name, node, _variable_hint(name))

    def _partition(self, name: str) -> str:
        region = self.given.get("AWS::Region") or ""
        china = region.startswith("cn-")
        if name == "AWS::URLSuffix":
            return "amazonaws.com.cn" if china else "amazonaws.com"
        partition = "aws-cn" if china else "aws-us-gov" if region.startswith("us-gov-") else "aws"
        note = f"{self.reader.file}: AWS::Partition is taken as `{partition}`"
        if not region and note not in self.notes:
            self.notes.append(note)
        return partition

    def _parameter(self, name: str, node: Node) -> Node:
        declared = self.reader.members(self.parameters[name], f"the parameter `{name}`")
        kind = self.reader.required_text(self.parameters[name], declared, "Type").text
        value = self.given.get(name)
        if value is None:
            if "Default" not in declared:
                raise self._unresolved(f"the parameter `{name}`", name, node)
            default = self.reader.text(declared["Default"], f"`Default` of `{name}`").text
            if kind.startswith(_SSM):
                raise self._unresolved(f"the parameter `{name}` (in Parameter Store: `{default}`)", name, node)
            value = default
        elif "AllowedValues" in declared and not kind.startswith(_SSM):
            allowed = [each.text for each in self.reader.texts(declared, "AllowedValues")]
            if value not in allowed:
                hint = f"it is one of {', '.join(allowed[:20])}"
                raise self.reader.refusal(
                    "template-parameter", f"`{value}` is no value of `{name}`", self.parameters[name], hint
                )
        inner = kind.removeprefix(f"{_SSM}<") if kind.startswith(_SSM) else kind
        if inner.startswith(_LIST_TYPES):
            parts = value.split(",") if value else []
            return Items(tuple(self.made(part.strip(), _at(node.span)) for part in parts), node.span)
        return self.made(value, _at(node.span))

    def _ref(self, argument: Node, named: Named) -> Node | None:
        return self.name(self.reader.text(argument, "`Ref`").text, argument, named)

    def _get_att(self, argument: Node, named: Named) -> Node:
        if isinstance(argument, Items):
            parts = [self.text(each, named, "`Fn::GetAtt`") for each in argument.values]
        else:
            parts = [self.reader.text(argument, "`Fn::GetAtt`").text]
        return self._attribute(".".join(parts), argument, named)

    def _attribute(self, name: str, node: Node, named: Named) -> Node:
        value = named.get(name) or self.given.get(name)
        if value is None:
            raise self._unresolved(f"`{name}`", name, node)
        return self.made(value, _at(node.span))

    def _import_value(self, argument: Node, named: Named) -> Node:
        return self._attribute(self.text(argument, named, "`Fn::ImportValue`"), argument, named)

    # Functions

    def _arguments(self, node: Node, name: str, least: int, most: int) -> tuple[Node, ...]:
        values = self.reader.items(node, f"`{name}`")
        if not least <= len(values) <= most:
            raise self.reader.refusal("template-shape", f"`{name}` takes {least} values, not {len(values)}", node)
        return values

    def _sub(self, argument: Node, named: Named) -> Node:
        template, inner = argument, dict(named)
        if isinstance(argument, Items):
            template, variables = self._arguments(argument, "Fn::Sub", 2, 2)
            for key, value in self.reader.named(variables, "the variables of `Fn::Sub`"):
                inner[key.value] = self.text(value, named, f"`{key.value}`")
        text = self.reader.text(template, "`Fn::Sub`").text

        def found(match: re.Match[str]) -> str:
            if match[1]:
                return f"${{{match[2]}}}"
            name = match[2].strip()
            known = "." in name and name not in inner and name not in self.parameters
            value = self._attribute(name, template, inner) if known else self.name(name, template, inner)
            if value is None:
                raise self.reader.refusal("template-shape", "AWS::NoValue is no text", template)
            return self.made(self.reader.text(value, f"`{name}`").text, _at(template.span)).value

        made = self.made(_VARIABLE.sub(found, text), template)
        return self._dynamic(made) if "{{resolve:" in made.value else made

    def _join(self, argument: Node, named: Named) -> Node:
        delimiter, values = self._arguments(argument, "Fn::Join", 2, 2)
        texts = self.texts(values, named, "`Fn::Join`")
        return self.made(self.text(delimiter, named, "the delimiter").join(each.value for each in texts), argument)

    def _split(self, argument: Node, named: Named) -> Node:
        delimiter, text = self._arguments(argument, "Fn::Split", 2, 2)
        by = self.text(delimiter, named, "the delimiter")
        if not by:
            raise self.reader.refusal("template-shape", "the delimiter of `Fn::Split` is empty", delimiter)
        parts = self.text(text, named, "`Fn::Split`").split(by)
        return Items(tuple(self.made(part, _at(argument.span)) for part in parts), argument.span)

    def _select(self, argument: Node, named: Named) -> Node:
        index, values = self._arguments(argument, "Fn::Select", 2, 2)
        number = self.text(index, named, "the index of `Fn::Select`")
        found = self.value(values, named)
        items = self.reader.items(found, "the list of `Fn::Select`") if found is not None else ()
        if not number.isdecimal() or len(number) > 6 or int(number) >= len(items):
            raise self.reader.refusal(
                "template-shape", f"`Fn::Select` asks for item {number} of {len(items)}", argument
            )
        return items[int(number)]

    def _find_in_map(self, argument: Node, named: Named) -> Node | None:
        keys = self._arguments(argument, "Fn::FindInMap", 3, 4)
        found: Node | None = Members(tuple((Text(k, v.span), v) for k, v in self.mappings.items()), argument.span)
        for key in keys[:3]:
            name = self.text(key, named, "a key of `Fn::FindInMap`")
            rows = self.reader.members(found, "a mapping") if found is not None else {}
            found = rows.get(name)
            if found is None and len(keys) == 4:
                return self.value(self.reader.members(keys[3], "`DefaultValue`")["DefaultValue"], named)
            if found is None:
                raise self.reader.refusal("template-shape", f"the mappings have no `{name}`", key)
        return self.value(found, named) if found is not None else None

    def _to_json(self, argument: Node, named: Named) -> Node:
        found = self.value(argument, named)
        if found is None:
            raise self.reader.refusal("template-shape", "AWS::NoValue has no JSON", argument)
        return self.made(as_json(found), argument)

    # Conditions

    def _choose(self, argument: Node, named: Named) -> Node | None:
        condition, yes, no = self._arguments(argument, "Fn::If", 3, 3)
        name = self.reader.text(condition, "the condition of `Fn::If`").text
        return self.value(yes if self.holds(name, condition) else no, named)

    def holds(self, name: str, node: Node) -> bool:
        """Whether a named condition is true."""
        if name not in self.conditions:
            raise self.reader.refusal("template-shape", f"there is no condition `{name}`", node)
        return self._truth(self.conditions[name])

    def _truth(self, node: Node) -> bool:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.reader.refusal("template-depth", "conditions nested too deep, or in a circle", node)
        try:
            return self._decide(node)
        finally:
            self.depth -= 1

    def _decide(self, node: Node) -> bool:
        name, argument = "", node
        if isinstance(node, Members) and len(node.values) == 1:
            key, argument = node.values[0]
            name = key.value
        if name == "Condition":
            return self.holds(self.reader.text(argument, "`Condition`").text, argument)
        if name == "Fn::Equals":
            left, right = (self.value(each, {}) for each in self._arguments(argument, name, 2, 2))
            return (left and _plain(left)) == (right and _plain(right))
        if name == "Fn::Not":
            return not self._truth(self._arguments(argument, name, 1, 1)[0])
        if name in ("Fn::And", "Fn::Or"):
            truths = [self._truth(each) for each in self._arguments(argument, name, 2, 10)]
            return all(truths) if name == "Fn::And" else any(truths)
        raise self.reader.refusal("template-function", f"a condition is no {name or kind_of(node)}", node)


def _plain(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else node.value if isinstance(node, Text) else as_json(node)


def _at(span: Span) -> Text:
    """A node that lends its place, and is no block of several lines."""
    return Text("", span)


def _variable_hint(name: str) -> str:
    if ":" in name and not name.startswith("AWS::"):
        return f"a policy variable is written `${{!{name}}}` in Fn::Sub"
    return ""
