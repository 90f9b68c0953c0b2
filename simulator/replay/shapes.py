"""Decide each shape once: a memo keyed by exactly those fields of a record that the decision read.

The judge runs on a *watched* record that notes each field it reads. The notes make a path in a tree: at each node one
field is looked up, its value names the branch. A later record that follows the same path has the same values in every
field that was read, so the judge would have done the same: it gets the same result. Nothing is assumed about which
fields matter, so a rule that begins to read another field needs no change here.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, get_type_hints

import msgspec

from simulator.cloudtrail.record import (
    Record,
    SessionAttributes,
    SessionContext,
    SessionIssuer,
    TlsDetails,
    UserIdentity,
)

MAX_SHAPES: Final = 100_000
"""Results to remember; beyond them the memo starts anew, so that hostile logs cannot fill memory."""

_Result = TypeVar("_Result")
_Getter = Callable[[Record], Any]

_STRUCTS: Final[dict[str, type[msgspec.Struct]]] = {
    "user_identity": UserIdentity,
    "session_context": SessionContext,
    "session_issuer": SessionIssuer,
    "attributes": SessionAttributes,
    "tls_details": TlsDetails,
}
_NESTED: Final = frozenset(_STRUCTS)
"""Fields that hold further fields: only whether they are there is a value of its own."""


class _Node(Generic[_Result]):
    """A field to look up next, or (with `get` unset) the end of a path."""

    __slots__ = ("branches", "get", "name", "result")

    def __init__(self) -> None:
        self.name = ""
        self.get: _Getter | None = None
        self.branches: dict[Any, _Node[_Result]] = {}
        self.result: _Result | None = None


class ShapeMemo(Generic[_Result]):
    """Remembers the results of a pure function of records, for as long as what else it depends on stays the same."""

    def __init__(self, judge: Callable[[Record], _Result]) -> None:
        self._judge = judge
        self._root: _Node[_Result] = _Node()
        self._size = 0
        self._getters: dict[str, _Getter] = {}

    def __call__(self, record: Record) -> _Result:
        """The judge's result for `record`."""
        node = self._root
        while node.get is not None:
            following = node.branches.get(node.get(record))
            if following is None:
                return self._learn(record)
            node = following
        return self._learn(record) if node.result is None else node.result

    def _learn(self, record: Record) -> _Result:
        reads: dict[str, None] = {}
        result = self._judge(_watch(record, reads))
        if self._size >= MAX_SHAPES:
            self._root, self._size = _Node(), 0
        node = self._root
        for name in reads:
            if node.get is None:
                node.name, node.get = name, self._getter(name)
            elif node.name != name:
                # A cache inside the judge let it skip a field this time. The result stands; it is not remembered.
                return result
            node = node.branches.setdefault(node.get(record), _Node())
        node.result = result
        self._size += 1
        return result

    def _getter(self, name: str) -> _Getter:
        if name not in self._getters:
            self._getters[name] = _getter(name)
        return self._getters[name]


def _getter(path: str) -> _Getter:
    """How to look up a field of a plain record; the decoder has made sure of its type."""
    get: _Getter = attrgetter(path)
    *above, last = path.split(".")
    struct = _STRUCTS[above[-1]] if above else Record
    declared = get_type_hints(struct)[last]
    if last in _NESTED:
        return lambda record: get(record) is None
    if declared is msgspec.Raw:
        return lambda record: bytes(get(record))
    if declared == str | None:
        return get
    # Free-form members are compared by their text, which tells `true` from `"true"` too.
    return lambda record: repr(get(record))


def _watch(record: Record, reads: dict[str, None]) -> Record:
    """`record`, noting every field that is read in `reads`, in order of first reading."""
    watched: Any = _Watched(record, "", reads)
    result: Record = watched
    return result


class _Watched:
    """Stands for a record or one of its nested structures."""

    __slots__ = ("_path", "_reads", "_struct")

    def __init__(self, struct: msgspec.Struct, path: str, reads: dict[str, None]) -> None:
        self._struct = struct
        self._path = path
        self._reads = reads

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._struct, name)
        path = f"{self._path}{name}"
        self._reads.setdefault(path)
        if name in _NESTED and value is not None:
            return _Watched(value, f"{path}.", self._reads)
        return value
