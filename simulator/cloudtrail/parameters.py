"""The request parameters of a CloudTrail record, read with tolerance.

Real logs write parameter names in any letter case, put lists where one value belongs (`bucketName: ["x"]`) and leave
parameters out altogether. Three states matter (AWS CloudTrail User Guide, cloudtrail-event-reference-record-contents):

* an object: CloudTrail logged the parameters; a member that is not there was not sent, as far as CloudTrail logs it;
* `null` or no member: none were logged. That is so for calls without parameters and for many denied calls, and the
  two cannot be told apart, so nothing is proved missing;
* omitted: the parameters were larger than 100 KB; nothing is known of them.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, Self

import msgspec

from simulator.cloudtrail.record import Record

_NO_MEMBERS: Final[dict[str, Any]] = {}
_NOTHING: Final[tuple[object, ...]] = (None, False, "", [], {})
_DEEPEST: Final = 32
_decode: Final = msgspec.json.Decoder(Any).decode


class Parameters:
    """Case-insensitive access by dotted path: `instancesSet.items[].imageId`.

    A `[]` in a path only documents that a list stands there: lists are walked through wherever they appear. Some
    events wrap their parameters once more (EC2: `CreateFleetRequest`, API Gateway: `createRestApiInput`); what is
    not found outside is looked for inside the wrapper. No method raises, whatever the record holds; treat what
    `raw` returns as read-only.
    """

    __slots__ = ("_inner", "_names", "_root", "known", "size")

    known: bool
    """Whether CloudTrail logged the parameters: only then is a missing member proved missing."""

    size: int
    """Length of the JSON text in bytes; 0 where nothing was logged."""

    def __init__(self, root: object, size: int = 0, event_name: str = "") -> None:
        self.known = isinstance(root, dict) and not _is_omission(root)
        self._root: dict[str, Any] = root if self.known and isinstance(root, dict) else _NO_MEMBERS
        self._inner = _wrapped(self._root, event_name.lower()) if event_name else _NO_MEMBERS
        self._names: frozenset[str] | None = None
        self.size = size if self.known else 0

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """The parameters of a record; what cannot be read counts as not known.

        A record under watch (`simulator.replay.watched`) hands out parameters that note what is read of them.
        """
        watched: Self | None = getattr(record, "watched_parameters", None)
        if watched is not None:
            return watched
        text = bytes(record.request_parameters)
        if text == b"null":
            return cls(None)
        return cls(_read(text), len(text), record.event_name or "")

    @property
    def names(self) -> frozenset[str]:
        """The outermost members, those inside the wrapper too, in lower case: a quick answer before asking by path."""
        if self._names is None:
            self._names = frozenset(name.lower() for name in (*self._root, *self._inner))
        return self._names

    @property
    def outline(self) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
        """Whether CloudTrail logged the parameters, the outermost members, and those inside the wrapper."""
        return self.known, tuple(self._root), tuple(self._inner)

    def all(self, path: str) -> tuple[str, ...]:
        """Every plain value at the path, as text (`true`, `12`), in the record's order; objects and nulls are left out.

        >>> Parameters({"instancesSet": {"items": [{"imageId": "ami-1"}]}}).all("instancesSet.items[].imageId")
        ('ami-1',)
        """
        texts = (_text(node) for node in self._nodes(path))
        return tuple(text for text in texts if text is not None)

    def first(self, path: str) -> str | None:
        """The first plain value at the path, `None` if there is none.

        >>> Parameters({"bucketName": ["x"]}).first("BucketName")
        'x'
        """
        for node in self._nodes(path):
            text = _text(node)
            if text is not None:
                return text
        return None

    def raw(self, path: str) -> object:
        """What stands at the path as decoded JSON; `None` if nothing does. A list is returned as the list."""
        parent, _, name = path.removesuffix("[]").rpartition(".")
        for node in self._nodes(parent) if parent else (self._root, self._inner):
            if isinstance(node, dict):
                found = _member(node, name)
                if found is not None:
                    return found
        return None

    def has(self, path: str) -> bool:
        """Whether anything but null, `false`, zero, an empty text, list or object stands at the path."""
        return any(not is_empty(node) for node in self._nodes(path))

    def top_level(self) -> Iterator[tuple[str, object]]:
        """The outermost members, and those inside the wrapper, as (name as written, decoded value)."""
        yield from self._root.items()
        yield from self._inner.items()

    def members(self) -> Iterator[tuple[str, object]]:
        """Every member at any depth as (name as written, decoded value), outer ones first."""
        return _walk(self._root, 0)

    def matching(self, test: Callable[[str], bool]) -> tuple[tuple[str, object], ...]:
        """Those `members` whose name, as written, passes the test."""
        return tuple(member for member in _walk(self._root, 0) if test(member[0]))

    def filled(self, names: frozenset[str]) -> bool:
        """Whether one of the outermost members with these names (lower case) holds anything."""
        return any(name.lower() in names and not is_empty(value) for name, value in self.top_level())

    def outer_texts(self, prefix: str) -> tuple[str, ...]:
        """The texts with this prefix among the outermost members; lists are walked through."""
        values: list[object] = []
        _flatten([value for _, value in self.top_level()], values, 0)
        return tuple(value for value in values if isinstance(value, str) and value.startswith(prefix))

    def _nodes(self, path: str) -> list[object]:
        steps = path.split(".")
        found = _descend(self._root, steps)
        return found if found or not self._inner else _descend(self._inner, steps)


def _read(text: bytes) -> object:
    try:
        root = _decode(text)
        # Exports through Athena and log pipelines hold the parameters as a JSON text.
        return _decode(root) if isinstance(root, str) else root
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


def _descend(root: dict[str, Any], steps: list[str]) -> list[object]:
    nodes: list[object] = [root]
    for step in steps:
        name = step.removesuffix("[]")
        found: list[object] = []
        for node in nodes:
            if isinstance(node, dict):
                value = _member(node, name)
                if isinstance(value, list):
                    _flatten(value, found, 0)
                elif value is not None:
                    found.append(value)
        if not found:
            return found
        nodes = found
    return nodes


def _is_omission(root: dict[str, Any]) -> bool:
    # Over 100 KB CloudTrail writes {"omitted": true, "originalSize": n, "reason": "..."} in the field's place.
    return root.get("omitted") is True and root.keys() <= {"omitted", "originalSize", "reason"}


def _wrapped(root: dict[str, Any], event_name: str) -> dict[str, Any]:
    for suffix in ("request", "input"):
        inner = _member(root, event_name + suffix)
        if isinstance(inner, dict):
            return inner
    return _NO_MEMBERS


def _member(node: dict[str, Any], name: str) -> Any:
    if name in node:
        return node[name]
    lower = name.lower()
    for key, value in node.items():
        if key.lower() == lower:
            return value
    return None


def _flatten(values: list[Any], into: list[object], depth: int) -> None:
    for value in values:
        if isinstance(value, list):
            if depth < _DEEPEST:
                _flatten(value, into, depth + 1)
        elif value is not None:
            into.append(value)


def _text(node: object) -> str | None:
    if isinstance(node, str):
        return node
    if isinstance(node, bool):
        return "true" if node else "false"
    if isinstance(node, int | float):
        return str(node)
    return None


def is_empty(node: object) -> bool:
    """Whether a decoded value says nothing: null, `false`, zero, or an empty text, list or object, one level deep."""
    # `{"items": []}` is how EC2 writes an empty list, `[""]` how S3 writes a bare query parameter.
    if isinstance(node, dict):
        return all(value in _NOTHING for value in node.values())
    if isinstance(node, list):
        return all(value in _NOTHING for value in node)
    return node in _NOTHING


def _walk(node: object, depth: int) -> Iterator[tuple[str, object]]:
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        yield from node.items()
        for value in node.values():
            yield from _walk(value, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value, depth + 1)
