"""The JSON of `terraform show -json`: the changes of a plan and the resources of a state, with their lines.

Plans can be large, and most of a plan is about other resources: those stay undecoded. Source: Terraform documentation,
"JSON Output Format"; OpenTofu writes the same format.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from simulator.errors import OrgsimError
from simulator.policy.diagnostic import Span
from simulator.policy.json_text import Text

LIMIT: Final = 256 << 20
"""No plan is larger, in bytes."""

_MAX_DEPTH: Final = 64
_LONGEST_LINE: Final = 10_000
_IDLE: Final = ((), ("no-op",), ("read",), ("forget",))
_SHOW: Final = "give what `terraform show -json FILE` prints"
_REPLACED: Final = {"delete", "create"}


class _Change(msgspec.Struct):
    actions: list[str] = []
    before: msgspec.Raw = msgspec.Raw(b"null")
    after: msgspec.Raw = msgspec.Raw(b"null")
    after_unknown: Any = None
    after_sensitive: Any = None


class _Row(msgspec.Struct):
    """A row of `resource_changes`, or a resource of a state."""

    address: str = ""
    type: str = ""
    mode: str = "managed"
    name: str = ""
    module_address: str = ""
    change: _Change | None = None
    values: msgspec.Raw = msgspec.Raw(b"null")


class _Values(msgspec.Struct):
    root_module: msgspec.Raw = msgspec.Raw(b"{}")


class _Module(msgspec.Struct):
    resources: list[msgspec.Raw] = []
    child_modules: list[msgspec.Raw] = []


class _Prior(msgspec.Struct):
    values: _Values | None = None


class _Deferred(msgspec.Struct):
    resource_change: _Row | None = None


class _Top(msgspec.Struct):
    format_version: str | None = None
    resource_changes: list[msgspec.Raw] | None = None
    deferred_changes: list[_Deferred] | None = None
    planned_values: msgspec.Raw = msgspec.Raw(b"")
    prior_state: _Prior | None = None
    values: _Values | None = None
    configuration: dict[str, Any] | None = None
    errored: bool = False
    complete: bool = True


class _Kind(msgspec.Struct):
    """The little that tells what a JSON file is."""

    format_version: Any = None
    terraform_version: Any = None
    serial: Any = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One resource as it is. `start` is where its values begin in the file, in bytes."""

    address: str
    type: str
    managed: bool
    values: dict[str, Any]
    line: int
    start: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan does to one resource: `before` is `None` for one that it creates, `after` for one that it deletes.

    `module` is the address of the module instance, `resource` is `type.name`, `index` the index as addresses write it.
    """

    address: str
    type: str
    module: str
    resource: str
    index: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    replaces: bool
    unknown: Mapping[str, Any]
    sensitive: Mapping[str, Any]
    line: int
    start: int

    def is_unknown(self, attribute: str) -> bool:
        """Whether the value is known only after apply."""
        return self.unknown.get(attribute) is True

    def is_sensitive(self, attribute: str) -> bool:
        """Whether the value is marked as sensitive."""
        return self.sensitive.get(attribute) is True


class Lines:
    """Tells the line of a byte; counting anew each time would take minutes for a large plan."""

    def __init__(self, data: bytes) -> None:
        self._ends = array("Q", (match.start() for match in re.finditer(b"\n", data)))

    def place(self, at: int) -> tuple[int, int]:
        """The line (from 1) of a byte, and where that line begins."""
        above = bisect_left(self._ends, at)
        return above + 1, self._ends[above - 1] + 1 if above else 0


@dataclass(frozen=True, slots=True)
class TerraformFile:
    """A plan (`changes`) or a state (`changes` is `None`); `instances` are what exists before the plan.

    `incomplete` says why the plan must not be taken as the whole change, if so; `complete` is what Terraform says.
    """

    path: str
    data: bytes
    lines: Lines
    changes: tuple[Change, ...] | None
    instances: tuple[Instance, ...]
    configuration: Mapping[str, Any]
    incomplete: str = ""
    complete: bool = True

    def text_of(self, row: Change | Instance, attribute: str, value: str) -> Text:
        """An attribute's text with the place where it stands in the file."""
        start = max(self.data.find(b'"%s"' % attribute.encode(), row.start), 0)
        line, begin = self.lines.place(start)
        # A plan on one line has no column that would help anybody.
        near = start - begin < _LONGEST_LINE
        column = len(self.data[begin:start].decode("utf-8", "replace")) + 1 if near else 1
        return Text(value, Span(line, column, line, column))


def is_terraform(data: bytes, path: Path) -> bool:
    """Whether this is a plan or a state in JSON; an error for the other forms that Terraform writes."""
    if data.startswith(b"PK\x03\x04"):
        raise OrgsimError("terraform-form", "this is a plan in Terraform's own form", hint=_SHOW, file=path)
    if b'"format_version"' not in data and b'"terraform_version"' not in data:
        return False
    try:
        kind = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Kind)
    except (msgspec.MsgspecError, RecursionError):
        return False
    if kind.serial is not None and kind.terraform_version is not None:
        raise OrgsimError("terraform-form", "this is a state in Terraform's own form", hint=_SHOW, file=path)
    return kind.format_version is not None


def read_file(path: Path, data: bytes, wanted: frozenset[str]) -> TerraformFile:
    """Decode a plan or state. Only resources of the `wanted` types are decoded whole; of others, that they change."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        top = msgspec.json.decode(data, type=_Top)
        version = (top.format_version or "").partition(".")[0]
        if version not in ("0", "1"):
            message = f"format_version `{top.format_version}` is not known"
            raise OrgsimError("terraform-form", message, hint="this program reads versions 0 and 1", file=path)
        lines = Lines(data)
        reader = _Reader(data, lines, wanted)
        if top.resource_changes is None and not bytes(top.planned_values):
            rows = reader.instances(top.values)
            return TerraformFile(str(path), data, lines, None, rows, {})
        changes = tuple(reader.changes(top.resource_changes or []))
        instances = reader.instances(top.prior_state.values if top.prior_state else None)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"this is not the JSON of a plan or state: {error}"
        raise OrgsimError("terraform-shape", message, hint=_SHOW, file=path) from error
    except RecursionError as error:
        raise OrgsimError("terraform-shape", "nested too deep", hint=_SHOW, file=path) from error
    return TerraformFile(
        str(path), data, lines, changes, instances, top.configuration or {}, _incomplete(top, wanted), top.complete
    )


def _incomplete(top: _Top, wanted: frozenset[str]) -> str:
    if top.errored:
        return "the plan ended with an error and does not hold the whole change"
    rows = (each.resource_change for each in top.deferred_changes or ())
    late = next((row.address for row in rows if row is not None and row.type in wanted), None)
    return f"the plan defers {late} and does not hold the whole change" if late is not None else ""


class _Reader:
    def __init__(self, data: bytes, lines: Lines, wanted: frozenset[str]) -> None:
        self.data = data
        self.lines = lines
        self.wanted = wanted

    def at(self, raw: msgspec.Raw, start: int) -> int:
        """Where a piece stands: the first equal one from `start`, as pieces are asked for in their order."""
        return max(self.data.find(bytes(raw), start), start)

    def line(self, start: int) -> int:
        return self.lines.place(start)[0]

    def changes(self, rows: list[msgspec.Raw]) -> Iterator[Change]:
        start = 0
        for raw in rows:
            row = msgspec.json.decode(raw, type=_Row)
            change = row.change
            if row.mode != "managed" or change is None or tuple(change.actions) in _IDLE:
                continue
            if row.type not in self.wanted:
                yield self.change(row, change, None, None, 0, 0)
                continue
            start = self.at(raw, start)
            before, after = _values(change.before), _values(change.after)
            yield self.change(row, change, before, after, self.line(start), self.at(change.after, start))

    def change(
        self,
        row: _Row,
        change: _Change,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
        line: int,
        start: int,
    ) -> Change:
        module = f"{row.module_address}." if row.module_address else ""
        resource = f"{row.type}.{row.name}"
        return Change(
            address=row.address,
            type=row.type,
            module=row.module_address,
            resource=resource,
            index=row.address.removeprefix(module).removeprefix(resource),
            before=before,
            after=after,
            replaces=set(change.actions) == _REPLACED,
            unknown=change.after_unknown if isinstance(change.after_unknown, dict) else {},
            sensitive=change.after_sensitive if isinstance(change.after_sensitive, dict) else {},
            line=line,
            start=start,
        )

    def instances(self, values: _Values | None) -> tuple[Instance, ...]:
        return () if values is None else tuple(self.module(values.root_module, 0, 0))

    def module(self, raw: msgspec.Raw, start: int, depth: int) -> Iterator[Instance]:
        if depth > _MAX_DEPTH:
            raise RecursionError
        module = msgspec.json.decode(raw, type=_Module)
        start = at = self.at(raw, start)
        for piece in module.resources:
            row = msgspec.json.decode(piece, type=_Row)
            if row.type in self.wanted:
                at = self.at(piece, at)
                values = _values(row.values) or {}
                inner = self.at(row.values, at)
                yield Instance(row.address, row.type, row.mode == "managed", values, self.line(at), inner)
        at = start
        for piece in module.child_modules:
            at = self.at(piece, at)
            yield from self.module(piece, at, depth + 1)


def _values(raw: msgspec.Raw) -> dict[str, Any] | None:
    return msgspec.json.decode(raw, type=dict[str, Any] | None)
