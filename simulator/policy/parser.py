"""Policy text to `PolicyDocument`: the grammar common to SCPs and RCPs, every error with its line and column.

Source: AWS IAM User Guide, reference_policies_grammar; AWS Organizations User Guide,
orgs_manage_policies_scps_syntax and orgs_manage_policies_rcps_syntax. What is particular to one policy type
(Principal, Allow in an RCP, quotas, ...) is the validator's business: `orgsim evaluate` takes whatever parses.
"""

import difflib
import json
import re
from typing import Final, NoReturn

from simulator.iam.operators import BASE_OPERATORS, parse_operator
from simulator.policy.diagnostic import Diagnostic, PolicyError, Severity, Span
from simulator.policy.document import Condition, Effect, PolicyDocument, Principal, Statement, Word, WordList
from simulator.policy.json_text import Items, Members, Node, Scalar, Text, parse_json

_DOCUMENT_ELEMENTS: Final = ("Version", "Id", "Statement")
_STATEMENT_ELEMENTS: Final = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_ACTION: Final = re.compile(r"[A-Za-z0-9*?-]+:\S+")


def parse_policy(text: str, file: str | None = None) -> PolicyDocument:
    """Parse one policy document.

    `file` is the name used in messages. Raises `PolicyError` with every grammar error found (a syntax error of
    the JSON itself ends the reading and comes alone).
    """
    return _Builder(text, file).document(parse_json(text, file))


def parse_policy_node(node: Node, text: str, file: str | None = None) -> PolicyDocument:
    """Build a policy that is embedded in a larger JSON text, such as a snapshot, from its parsed node.

    `text` is the piece that holds this policy alone, so that two policies of one file differ; places are those of
    `file`. Raises `PolicyError` as `parse_policy` does.
    """
    return _Builder(text, file).document(node)


class _Builder:
    """Turns JSON nodes into a document, collecting errors on the way."""

    def __init__(self, text: str, file: str | None) -> None:
        self.text = text
        self.file = file
        self.errors: list[Diagnostic] = []

    def report(self, rule: str, span: Span, message: str, fix: str) -> None:
        self.errors.append(Diagnostic(rule, Severity.ERROR, message, fix, span, self.file))

    def fail(self) -> NoReturn:
        raise PolicyError(tuple(self.errors))

    # The document

    def document(self, node: Node) -> PolicyDocument:
        if not isinstance(node, Members):
            self.report("policy-shape", node.span, f"a policy is a JSON object, not {_kind(node)}", "wrap it in {...}")
            self.fail()
        elements = self.elements(node, _DOCUMENT_ELEMENTS, "policy")
        version = elements.get("Version")
        identifier = elements.get("Id")
        statement = elements.get("Statement")
        statements: tuple[Statement, ...] = ()
        if statement is None:
            self.report("missing-statement", node.span, "the policy has no Statement", 'add "Statement": [...]')
        else:
            nodes = statement.values if isinstance(statement, Items) else (statement,)
            if not nodes:
                self.report("missing-statement", statement.span, "Statement is empty", "add a statement")
            parsed = [self.statement(index, item) for index, item in enumerate(nodes)]
            statements = tuple(item for item in parsed if item is not None)
        document = PolicyDocument(
            version=self.text_of(version, "Version") if version else None,
            id=self.text_of(identifier, "Id") if identifier else None,
            statements=statements,
            single_statement=isinstance(statement, Members),
            span=node.span,
            text=self.text,
            file=self.file,
            version_span=version.span if version else None,
        )
        if document.version not in (None, "2012-10-17", "2008-10-17") and version:
            self.report("version", version.span, f"there is no policy version `{document.version}`", "use 2012-10-17")
        if self.errors:
            self.fail()
        return document

    def elements(self, node: Members, known: tuple[str, ...], what: str) -> dict[str, Node]:
        """The members by name; unknown names are errors (element names are case-sensitive)."""
        result: dict[str, Node] = {}
        for key, value in node.values:
            if key.value in known:
                result[key.value] = value
                continue
            same = next((name for name in known if name.lower() == key.value.lower()), None)
            close = [same] if same else difflib.get_close_matches(key.value, known, 1)
            fix = f"write `{close[0]}`" if close else f"a {what} has {', '.join(known)}"
            self.report("unknown-element", key.span, f"a {what} has no element `{key.value}`", fix)
        return result

    def text_of(self, node: Node, name: str) -> str | None:
        if isinstance(node, Text):
            return node.value
        self.report("element-type", node.span, f"{name} is a string, not {_kind(node)}", "put it in double quotes")
        return None

    # A statement

    def statement(self, index: int, node: Node) -> Statement | None:
        if not isinstance(node, Members):
            self.report("element-type", node.span, f"a statement is an object, not {_kind(node)}", "write {...}")
            return None
        elements = self.elements(node, _STATEMENT_ELEMENTS, "statement")
        sid_node = elements.get("Sid")
        effect = self.effect(elements.get("Effect"), node)
        actions = self.one_of(elements, "Action", node)
        resources = self.one_of(elements, "Resource", node)
        principal = self.principal(elements)
        conditions = self.conditions(elements.get("Condition"))
        if actions is not None:
            for word in actions.words:
                if word.value != "*" and not _ACTION.fullmatch(word.value):
                    fix = "write `service:Action`, for example `s3:GetObject`"
                    self.report("action-syntax", word.span, f"`{word.value}` is not an action", fix)
        if effect is None or actions is None or resources is None:
            return None
        return Statement(
            index=index,
            sid=self.text_of(sid_node, "Sid") if sid_node else None,
            effect=effect,
            actions=actions,
            resources=resources,
            principal=principal,
            conditions=conditions,
            span=node.span,
            sid_span=sid_node.span if sid_node else None,
        )

    def effect(self, node: Node | None, statement: Node) -> Effect | None:
        if node is None:
            self.report("missing-effect", statement.span, "the statement has no Effect", "add Allow or Deny")
            return None
        text = self.text_of(node, "Effect")
        if text is None:
            return None
        try:
            return Effect(text)
        except ValueError:
            self.report("effect", node.span, f"Effect is `Allow` or `Deny`, not `{text}`", "mind the case")
            return None

    def one_of(self, elements: dict[str, Node], name: str, statement: Node) -> WordList | None:
        """`Action` or `NotAction` (or the Resource pair): exactly one of them must stand."""
        found = [each for each in (name, f"Not{name}") if each in elements]
        if not found:
            message = f"the statement has neither {name} nor Not{name}"
            self.report(f"missing-{name.lower()}", statement.span, message, f'add "{name}"')
            return None
        if len(found) == 2:
            span = elements[found[1]].span
            message = f"{name} and Not{name} cannot stand in one statement"
            self.report("both-elements", span, message, "split the statement in two")
            return None
        node = elements[found[0]]
        words = self.words(node, found[0])
        if words is None:
            return None
        if not words:
            self.report("empty-list", node.span, f"{found[0]} is empty", "name at least one")
            return None
        return WordList(found[0], words, isinstance(node, Items), node.span)

    def words(self, node: Node, name: str) -> tuple[Word, ...] | None:
        nodes = node.values if isinstance(node, Items) else (node,)
        result = []
        for item in nodes:
            if not isinstance(item, Text):
                message = f"{name} takes strings, not {_kind(item)}"
                self.report("element-type", item.span, message, "put it in double quotes")
                return None
            result.append(Word(item.value, item.span))
        return tuple(result)

    def principal(self, elements: dict[str, Node]) -> Principal | None:
        if "Principal" in elements and "NotPrincipal" in elements:
            span = elements["NotPrincipal"].span
            message = "Principal and NotPrincipal cannot stand in one statement"
            self.report("both-elements", span, message, "keep Principal")
        for name in ("Principal", "NotPrincipal"):
            if name in elements:
                node = elements[name]
                text = _json(node)
                star = text == '"*"'
                everyone = star or text in ('{"AWS": "*"}', '{"AWS": ["*"]}', '{"*": "*"}')
                return Principal(name, everyone, star, text, node.span)
        return None

    # Conditions

    def conditions(self, node: Node | None) -> tuple[Condition, ...]:
        if node is None:
            return ()
        if not isinstance(node, Members):
            message = f"Condition is an object, not {_kind(node)}"
            self.report("element-type", node.span, message, 'write {"Operator": {"key": "value"}}')
            return ()
        result: list[Condition] = []
        for operator_key, block in node.values:
            operator = parse_operator(operator_key.value)
            if operator is None:
                self.unknown_operator(operator_key)
                continue
            if not isinstance(block, Members):
                message = f"`{operator_key.value}` takes an object of keys and values, not {_kind(block)}"
                self.report("element-type", block.span, message, 'write {"key": "value"}')
                continue
            for key, value in block.values:
                values = self.condition_values(value)
                if values is None:
                    continue
                span = Span(key.span.line, key.span.column, value.span.end_line, value.span.end_column)
                word = Word(operator_key.value, operator_key.span)
                is_list = isinstance(value, Items)
                result.append(Condition(operator, word, Word(key.value, key.span), values, is_list, span))
        return tuple(result)

    def unknown_operator(self, key: Text) -> None:
        lower = key.value.lower()
        if lower.rpartition(":")[2] == "nullifexists":
            message, fix = "Null takes no IfExists: it asks itself whether the key exists", "write `Null`"
        else:
            names = [row.name for row in BASE_OPERATORS.values()]
            close = difflib.get_close_matches(key.value, [*names, *(f"{name}IfExists" for name in names)], 1)
            message = f"there is no condition operator `{key.value}`"
            fix = f"did you mean `{close[0]}`?" if close else "see the operators of the IAM policy language"
        self.report("unknown-operator", key.span, message, fix)

    def condition_values(self, node: Node) -> tuple[Word, ...] | None:
        nodes = node.values if isinstance(node, Items) else (node,)
        result = []
        for item in nodes:
            if isinstance(item, Text):
                result.append(Word(item.value, item.span))
            elif isinstance(item, Scalar) and item.kind != "null":
                result.append(Word(item.text, item.span, item.kind))
            else:
                message = f"a condition value is a string, number or boolean, not {_kind(item)}"
                self.report("element-type", item.span, message, "write the value itself")
                return None
        return tuple(result)


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return {"number": "a number", "boolean": "a boolean", "null": "null"}[node.kind]
    return {Text: "a string", Items: "a list", Members: "an object"}[type(node)]


def _json(node: Node) -> str:
    """The node as JSON text, numbers as they were written (Python would round or refuse large ones)."""
    if isinstance(node, Text):
        return json.dumps(node.value)
    if isinstance(node, Items):
        return f"[{', '.join(_json(item) for item in node.values)}]"
    if isinstance(node, Members):
        return f"{{{', '.join(f'{json.dumps(key.value)}: {_json(value)}' for key, value in node.values)}}}"
    return node.text
