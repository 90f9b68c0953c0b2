"""What an attribute of a Terraform plan refers to, while its value is known only after apply.

The plan's `configuration` lists, for each expression, the objects it refers to (JSON Output Format, "Expression
Representation"), the most exact first: `aws_organizations_policy.p["a"].id`, `….p["a"]`, `….p`. An index that is itself
an expression leaves only `….p`, beside `each.key` or `count.index`: then the same index is meant. Anything less clear
is not guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_INDEX: Final = r'(?P<index>\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\])?'
_MODULE: Final = re.compile(rf"module\.(?P<name>[^.\[\]]+){_INDEX}(?:\.(?P<rest>.+))?", re.DOTALL)
_STEP: Final = re.compile(rf"module\.(?P<name>[^.\[\]]+){_INDEX}(?:\.|$)")
_RESOURCE: Final = re.compile(rf"(?P<type>[^.\[\]]+)\.(?P<name>[^.\[\]]+){_INDEX}(?:\..*)?", re.DOTALL)
_OWN_INDEX: Final = ("each.key", "count.index")
_IGNORED: Final = (*_OWN_INDEX, "path.", "terraform.")
_MAX_STEPS: Final = 200


@dataclass(frozen=True, slots=True)
class _Scope:
    """One module instance: its place in the tree, its configuration, and the scope that calls it."""

    address: str
    config: Mapping[str, Any]
    call: Mapping[str, Any]
    index: str
    parent: "_Scope | None"

    @property
    def prefix(self) -> str:
        return f"{self.address}." if self.address else ""


@dataclass(frozen=True, slots=True)
class _Asker:
    """What `each` and `count` mean in an expression: the index of the instance, and what its `for_each` refers to."""

    index: str
    for_each: tuple[str, ...]


class References:
    """Follows the references of a plan's configuration to resource instances."""

    def __init__(self, configuration: Mapping[str, Any], addresses: Iterable[str]) -> None:
        self._root = _Scope("", _object(configuration.get("root_module")), {}, "", None)
        self._addresses = frozenset(addresses)

    def targets(self, module: str, resource: str, index: str, attribute: str) -> frozenset[str] | None:
        """The addresses of the resource instances that an attribute refers to; `None` if that cannot be told.

        `module` is the address of the module instance (empty for the root), `resource` is `type.name`, `index` the
        instance's index as an address writes it (`["a"]`, `[0]` or nothing).
        """
        scope = self._scope(module)
        if scope is None:
            return None
        found = (row for row in _objects(scope.config.get("resources")) if row.get("address") == resource)
        config = next(found, {})
        expression = _object(_object(config.get("expressions")).get(attribute))
        asker = _Asker(index, _references(config.get("for_each_expression")))
        return _Walk(self._addresses).follow(_references(expression), scope, asker)

    def _scope(self, module: str) -> _Scope | None:
        scope = self._root
        at = 0
        while at < len(module):
            step = _STEP.match(module, at)
            if step is None:
                return None
            scope = _called(scope, step["name"], step["index"] or "")
            at = step.end()
        return scope


class _Walk:
    """One search; it is bounded, as a hostile configuration could lead in circles."""

    def __init__(self, addresses: frozenset[str]) -> None:
        self.addresses = addresses
        self.steps = 0

    def follow(self, references: tuple[str, ...], scope: _Scope, asker: _Asker) -> frozenset[str] | None:
        self.steps += 1
        if self.steps > _MAX_STEPS:
            return None
        found: frozenset[str] = frozenset()
        own = any(each in references for each in _OWN_INDEX)
        for reference in _most_exact(references):
            if reference.startswith(_IGNORED):
                continue
            one = self.one(reference, scope, asker, own)
            if one is None:
                return None
            found |= one
        return found or None

    def one(self, reference: str, scope: _Scope, asker: _Asker, own: bool) -> frozenset[str] | None:
        if reference.startswith("var."):
            return self.variable(reference.removeprefix("var."), scope)
        if reference == "each.value" or reference.startswith("each.value."):
            # for_each = aws_organizations_policy.p: the value under a key is the instance with that index.
            return self.follow((*asker.for_each, "each.key"), scope, _Asker(asker.index, ()))
        if match := _MODULE.fullmatch(reference):
            return self.module(match, scope, asker, own)
        if match := _RESOURCE.fullmatch(reference):
            if match["type"] in ("local", "data"):
                return None
            base = f"{scope.prefix}{match['type']}.{match['name']}"
            return self.instance(base, match["index"] or (asker.index if own else ""))
        return None

    def instance(self, base: str, index: str) -> frozenset[str] | None:
        if base + index in self.addresses:
            return frozenset((base + index,))
        # `one(p[*].id)` does not say an index either: an only instance is meant by any expression.
        only = [each for each in self.addresses if each.startswith(f"{base}[")] if not index else []
        return frozenset(only) if len(only) == 1 else None

    def variable(self, name: str, scope: _Scope) -> frozenset[str] | None:
        if scope.parent is None:
            return None
        expression = _object(scope.call.get("expressions")).get(re.split(r"[.\[]", name, maxsplit=1)[0])
        asker = _Asker(scope.index, _references(scope.call.get("for_each_expression")))
        return self.follow(_references(expression), scope.parent, asker)

    def module(self, match: re.Match[str], scope: _Scope, asker: _Asker, own: bool) -> frozenset[str] | None:
        inner = _called(scope, match["name"], match["index"] or (asker.index if own else ""))
        outputs = _object(inner.config.get("outputs"))
        # With an index that is an expression, the plan does not say which output: all of them must agree.
        names = [re.split(r"[.\[]", match["rest"], maxsplit=1)[0]] if match["rest"] else sorted(outputs)
        found: frozenset[str] = frozenset()
        for name in names:
            expression = _object(outputs.get(name)).get("expression")
            one = self.follow(_references(expression), inner, _Asker("", ()))
            if one is None and match["rest"]:
                return None
            found |= one or frozenset()
        return found or None


def _called(scope: _Scope, name: str, index: str) -> _Scope:
    call = _object(_object(scope.config.get("module_calls")).get(name))
    return _Scope(f"{scope.prefix}module.{name}{index}", _object(call.get("module")), call, index, scope)


def _most_exact(references: tuple[str, ...]) -> Iterator[str]:
    """Without those that another one begins with: `a.b` beside `a.b.id`."""
    for one in references:
        if not any(other != one and other.startswith((f"{one}.", f"{one}[")) for other in references):
            yield one


def _references(expression: Any) -> tuple[str, ...]:
    listed = _object(expression).get("references")
    return tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
