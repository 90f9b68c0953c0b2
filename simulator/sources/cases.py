"""Reads policy cases (YAML) and the policies they are about."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from simulator.analysis.cases import EXPECTATIONS, Case
from simulator.errors import OrgsimError
from simulator.organization.tree import FULL_ACCESS, FULL_ACCESS_POLICIES
from simulator.policy.document import Effect, PolicyDocument, PolicyType
from simulator.policy.parser import parse_policy
from simulator.sources.text import read_text

_LIMIT: Final = 8 << 20
_ENDINGS: Final = (".yaml", ".yml")
_MEMBERS: Final = frozenset({"id", "name", "request", "expect", "expect_by", "scps", "rcps", "source", "comment"})
_FILE_MEMBERS: Final = frozenset({"cases", "policy", "type", "comment"})


def read_cases(paths: Sequence[Path]) -> tuple[Case, ...]:
    """All cases of the given files, and of the case files at any depth below the given folders, in order of path.

    A file named is read as cases; below a folder a YAML file counts if it holds cases. Raises `OrgsimError` with file
    and line for anything that is not in the format of docs/policy-tests.md.
    """
    cases: list[Case] = []
    for path in paths:
        if not path.exists():
            raise OrgsimError("no-such-path", f"there is no file or folder {path}", hint="name case files or folders")
        found = sorted(each for each in path.rglob("*") if each.suffix in _ENDINGS) if path.is_dir() else [path]
        for file in found:
            cases += _Reader(file).cases(named=not path.is_dir())
    return tuple(cases)


class _LineLoader(yaml.SafeLoader):
    """YAML as plain values; mappings remember their line, and a key that stands twice is an error."""


def _mapping(loader: _LineLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in result:
            raise yaml.constructor.ConstructorError(None, None, f"`{key}` stands twice", key_node.start_mark)
        result[key] = loader.construct_object(value_node, deep=True)
    result[_LINE] = node.start_mark.line + 1
    return result


def _as_written(_loader: _LineLoader, node: yaml.ScalarNode) -> str:
    return str(node.value)


class _Line:
    """The key under which a mapping keeps its line; no YAML key equals it."""


_LINE: Final = _Line()
_LineLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
# A date stays the text it is: condition values compare as texts.
_LineLoader.add_constructor("tag:yaml.org,2002:timestamp", _as_written)


class _Reader:
    def __init__(self, file: Path) -> None:
        self.file = file
        self._documents: dict[str, PolicyDocument] = {}

    def cases(self, *, named: bool) -> Iterator[Case]:
        """The cases of this file; nothing for a file below a folder that holds something else."""
        text = read_text(self.file, _LIMIT, "the case file")
        try:
            content = yaml.load(text, _LineLoader)  # noqa: S506  (a SafeLoader with line numbers)
        except (yaml.MarkedYAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else None
            problem = getattr(error, "problem", None) or "nested too deep"
            raise OrgsimError("case-syntax", f"not valid YAML: {problem}", file=self.file, line=line) from None
        rows = content.get("cases") if isinstance(content, dict) else content
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            if named:
                hint = "see docs/policy-tests.md"
                raise OrgsimError("case-syntax", "the file holds no list of cases", hint=hint, file=self.file)
            return
        if not named and not any("expect" in row for row in rows):
            return
        settings = content if isinstance(content, dict) else {}
        self.refuse_unknown(settings, _FILE_MEMBERS)
        seen: set[str] = set()
        for number, row in enumerate(rows):
            case = self.case(row, settings, number)
            if case.id in seen:
                raise self.error(f"two cases are called `{case.id}`", case.line)
            seen.add(case.id)
            yield case

    def error(self, message: str, line: int | None = None, hint: str = "see docs/policy-tests.md") -> OrgsimError:
        return OrgsimError("case-syntax", message, hint=hint, file=self.file, line=line)

    def refuse_unknown(self, members: Mapping[Any, Any], known: frozenset[str]) -> None:
        unknown = [str(key) for key in members if key is not _LINE and key not in known]
        if unknown:
            names = ", ".join(sorted(known))
            raise self.error(f"there is no member `{unknown[0]}`", members.get(_LINE), f"members: {names}")

    def case(self, row: Mapping[Any, Any], settings: Mapping[Any, Any], number: int) -> Case:
        line = row[_LINE]
        self.refuse_unknown(row, _MEMBERS)
        request = row.get("request")
        if not isinstance(request, dict):
            raise self.error("the case has no `request`", line)
        expect = row.get("expect")
        if expect not in EXPECTATIONS:
            raise self.error(f"`expect` is one of {', '.join(EXPECTATIONS)}, not `{expect}`", line)
        by = row.get("expect_by")
        scps, rcps = self.levels(row, "scps"), self.levels(row, "rcps")
        if scps is None and rcps is None:
            scps, rcps = self.beside(settings, line)
        return Case(
            id=str(row.get("id", row.get("name", number + 1))),
            file=str(self.file),
            line=line,
            scps=scps,
            rcps=rcps,
            request=_without_lines(request),
            expect=expect,
            expect_by=tuple(str(sid) for sid in by) if isinstance(by, list) else (str(by),) if by else (),
        )

    # Policies

    def levels(self, row: Mapping[Any, Any], name: str) -> tuple[tuple[PolicyDocument, ...], ...] | None:
        levels = row.get(name)
        if levels is None:
            return None
        if not isinstance(levels, list) or not all(isinstance(level, list) for level in levels):
            raise self.error(f"`{name}` is a list of levels, each a list of policies, the root's first", row[_LINE])
        return tuple(tuple(self.policy(each, row[_LINE]) for each in level) for level in levels)

    def policy(self, given: object, line: int) -> PolicyDocument:
        """A policy inline, by file name (relative to the case file), or by the name of AWS's full-access policies."""
        if isinstance(given, str):
            known = FULL_ACCESS_POLICIES.get(given) or FULL_ACCESS_POLICIES.get(f"p-{given}")
            return known.document if known else self.read(given, line)
        if not isinstance(given, dict):
            raise self.error("a policy is an object, or the name of a file", line)
        text = _json_text(_without_lines(given))
        if text not in self._documents:
            try:
                self._documents[text] = parse_policy(text, f"{self.file}:{line}")
            except OrgsimError as error:
                # Places inside the rendered JSON mean nothing to the reader of the YAML.
                raise self.error(f"the inline policy is wrong: {error.message}", line, error.hint) from None
        return self._documents[text]

    def read(self, name: str, line: int) -> PolicyDocument:
        if name not in self._documents:
            path = self.file.parent / name
            if not path.is_file():
                raise self.error(f"there is no policy file {path}", line, "name it relative to the case file")
            self._documents[name] = parse_policy(read_text(path, _LIMIT, "the policy"), str(path))
        return self._documents[name]

    def beside(
        self, settings: Mapping[Any, Any], line: int
    ) -> tuple[tuple[tuple[PolicyDocument, ...], ...] | None, tuple[tuple[PolicyDocument, ...], ...] | None]:
        """The policy beside the case file, attached to the account, below a root with full access."""
        stem = self.file.stem.removesuffix(".cases")
        name = settings.get("policy", f"{stem}.json")
        if not isinstance(name, str):
            raise self.error("`policy` is the name of a file", settings.get(_LINE))
        document = self.read(name, line)
        policy_type = self.type_of(settings, document)
        full = FULL_ACCESS_POLICIES[FULL_ACCESS[policy_type]].document
        allows = any(statement.effect is Effect.ALLOW for statement in document.statements)
        levels = ((full,), (document,) if allows else (full, document))
        return (levels, None) if policy_type is PolicyType.SCP else (None, levels)

    def type_of(self, settings: Mapping[Any, Any], document: PolicyDocument) -> PolicyType:
        given = settings.get("type")
        if given is not None:
            for policy_type in PolicyType:
                if given in (policy_type.value, policy_type.side):
                    return policy_type
            raise self.error(f"there is no policy type `{given}`", settings.get(_LINE), "use scp or rcp")
        for policy_type in PolicyType:
            if Path(document.file or "").parent.name == policy_type.side:
                return policy_type
        # Only RCPs have a Principal.
        named = any(statement.principal is not None for statement in document.statements)
        return PolicyType.RCP if named else PolicyType.SCP


def _without_lines(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_lines(each) for key, each in value.items() if key is not _LINE}
    return [_without_lines(each) for each in value] if isinstance(value, list) else value


def _json_text(value: Any) -> str:

    return json.dumps(value, indent=2)
