"""A record that notes what is read of it, and how to make the same reads of another record.

A *note* names one read: a field by its path (`user_identity.arn`), a call of a method of the request parameters or of
`additionalEventData`, or a part that is read as a whole. What is noted is no more than what was asked: a judge that
asks for the bucket's name does not depend on the object's key.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Final, NamedTuple, Protocol, get_type_hints

import msgspec

from simulator.cloudtrail.call import decode_object
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.record import (
    NO_JSON,
    Record,
    SessionAttributes,
    SessionContext,
    SessionIssuer,
    TlsDetails,
    UserIdentity,
)

_STRUCTS: Final[dict[str, type[msgspec.Struct]]] = {
    "user_identity": UserIdentity,
    "session_context": SessionContext,
    "session_issuer": SessionIssuer,
    "attributes": SessionAttributes,
    "tls_details": TlsDetails,
}
NESTED: Final = frozenset(_STRUCTS)
"""Fields that hold further fields: only whether they are there is a value of its own."""

_NO_TEXT: Final[Mapping[str, object]] = {}
_NO_PARAMETERS: Final[Mapping[str, str]] = {}
_decode_flat: Final = msgspec.json.Decoder(dict[str, str]).decode


class ParameterRead(NamedTuple):
    """A call of a method of `Parameters`; the method `""` stands for the names of the outermost members."""

    method: str
    argument: Any = None


class ExtraRead(NamedTuple):
    """A member of `additionalEventData`."""

    name: str


class Part(Protocol):
    """Something that is read of a record as a whole (`simulator.replay.shapes.Facet`)."""

    def value(self, view: "View") -> Any:
        """What it is for a record."""
        ...

    def sign(self, view: "View") -> Any:
        """A hashable value, equal for records of which the judge need not tell this part apart."""
        ...


Note = str | ParameterRead | ExtraRead | Part


class View:
    """A record, with what has to be decoded of it decoded once."""

    __slots__ = ("_extra", "_flat", "_parameters", "record")

    def __init__(self, record: Record) -> None:
        self.record = record
        self._parameters: Parameters | None = None
        self._flat: Mapping[str, str] | None = None
        self._extra: Mapping[str, object] | None = None

    @property
    def flat(self) -> Mapping[str, str]:
        """`requestParameters` where all members are texts, as in most calls; empty where they are not."""
        if self._flat is None:
            raw = self.record.request_parameters
            try:
                self._flat = _NO_PARAMETERS if raw is NO_JSON else _decode_flat(raw)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self._flat = _NO_PARAMETERS
        return self._flat

    @property
    def parameters(self) -> Parameters:
        """`requestParameters`."""
        if self._parameters is None:
            self._parameters = Parameters.from_record(self.record)
        return self._parameters

    @property
    def extra(self) -> Mapping[str, object]:
        """`additionalEventData`."""
        if self._extra is None:
            watched: Mapping[str, object] | None = getattr(self.record, "watched_extra", None)
            if watched is not None:
                return watched
            raw = self.record.additional_event_data
            self._extra = _NO_TEXT if raw is NO_JSON else decode_object(raw)
        return self._extra


Getter = Callable[[View], Any]
"""Makes a noted read of another record; gives a hashable value that is equal only where the read's answer is."""


def plain_path(note: Note) -> str | None:
    """The path of a field that is a text or missing: `attrgetter` alone can read it."""
    if not isinstance(note, str):
        return None
    return note if _declared(note) == str | None else None


def getter(note: Note) -> Getter:
    """How to make the read of a note."""
    if isinstance(note, ParameterRead):
        return _parameter_getter(*note)
    if isinstance(note, ExtraRead):
        name = note.name
        return lambda view: _value(view.extra.get(name))
    if not isinstance(note, str):
        return note.sign
    get: Callable[[Record], Any] = attrgetter(note)
    declared = _declared(note)
    if note.rpartition(".")[2] in NESTED:
        return lambda view: get(view.record) is None
    if declared is msgspec.Raw:
        return lambda view: bytes(get(view.record))
    if declared == str | None:
        return lambda view: get(view.record)

    def free_form(view: View) -> object:
        # Free-form members are compared by their text, which tells `true` from `"true"` too.
        value = get(view.record)
        return None if value is None else repr(value)

    return free_form


def _declared(path: str) -> Any:
    *above, last = path.split(".")
    return _hints(_STRUCTS[above[-1]] if above else Record)[last]


@cache
def _hints(struct: type[msgspec.Struct]) -> Mapping[str, Any]:
    return get_type_hints(struct)  # works out the annotations each time


def _value(found: object) -> object:
    return found if found is None or isinstance(found, str) else (repr(found),)


def _parameter_getter(method: str, argument: Any) -> Getter:
    match method:
        case "":
            # Among texts alone there is no wrapper.
            return lambda view: (True, tuple(view.flat), ()) if view.flat else view.parameters.outline
        case "all":
            return lambda view: (view.flat[argument],) if argument in view.flat else view.parameters.all(argument)
        case "first":
            return lambda view: view.flat[argument] if argument in view.flat else view.parameters.first(argument)
        case "has":
            return lambda view: view.flat[argument] != "" if argument in view.flat else view.parameters.has(argument)
        case "raw":
            return lambda view: _value(view.parameters.raw(argument))
        case "matching":
            return lambda view: repr(found) if (found := view.parameters.matching(argument)) else None
        case "filled":
            return lambda view: view.parameters.filled(argument)
        case "outer_texts":
            return lambda view: view.parameters.outer_texts(argument)
        case "size":
            return lambda view: view.parameters.size
    # All of them: the text itself.
    return lambda view: bytes(view.record.request_parameters)


def watch(record: Record, notes: dict[Note, None]) -> Record:
    """`record`, noting every read in `notes`, in order of first reading."""
    watched: Any = WatchedRecord(record, notes)
    result: Record = watched
    return result


def noted(record: Record, part: Part) -> Any:
    """The value of a part of a record under watch; noted as one read."""
    watched: Any = record
    return watched.read_part(part)


def is_watched(record: Record) -> bool:
    """Whether reads of `record` are noted."""
    return isinstance(record, WatchedRecord)


class _Watched:
    """Stands for a record or one of its nested structures."""

    __slots__ = ("_notes", "_path", "_struct")

    def __init__(self, struct: msgspec.Struct, path: str, notes: dict[Note, None]) -> None:
        self._struct = struct
        self._path = path
        self._notes = notes

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._struct, name)
        path = f"{self._path}{name}"
        self._notes.setdefault(path)
        if name in NESTED and value is not None:
            return _Watched(value, f"{path}.", self._notes)
        return value


class WatchedRecord(_Watched):
    """Hands out watched parts where a record hands out JSON; see `Parameters.from_record` and `Call.extra`."""

    __slots__ = ("_record", "_view")

    def __init__(self, record: Record, notes: dict[Note, None]) -> None:
        super().__init__(record, "", notes)
        self._record = record
        self._view = View(record)

    def read_part(self, part: Part) -> Any:
        """The value of a part, noted."""
        self._notes.setdefault(part)
        return part.value(self._view)

    @property
    def watched_parameters(self) -> Parameters:
        """`requestParameters`, noting each read."""
        return _WatchedParameters(Parameters.from_record(self._record), self._notes)

    @property
    def watched_extra(self) -> Mapping[str, object]:
        """`additionalEventData`, noting each read."""
        return _WatchedExtra(decode_object(self._record.additional_event_data), self._notes)


class _WatchedExtra(Mapping[str, object]):
    __slots__ = ("_members", "_notes")

    def __init__(self, members: Mapping[str, object], notes: dict[Note, None]) -> None:
        self._members = members
        self._notes = notes

    def __getitem__(self, name: str) -> object:
        self._notes.setdefault(ExtraRead(name))
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        self._notes.setdefault("additional_event_data")
        return iter(self._members)

    def __len__(self) -> int:
        self._notes.setdefault("additional_event_data")
        return len(self._members)


class _WatchedParameters(Parameters):
    """Notes the names of the outermost members once; asking for what they rule out is no further note."""

    __slots__ = ("_notes", "_plain")

    def __init__(self, plain: Parameters, notes: dict[Note, None]) -> None:
        self._plain = plain
        self._notes = notes

    @property
    def known(self) -> bool:  # type: ignore[override]
        """As noted by the names."""
        return self._told().known

    @property
    def size(self) -> int:  # type: ignore[override]
        """Noted."""
        self._notes.setdefault(ParameterRead("size"))
        return self._plain.size

    @property
    def names(self) -> frozenset[str]:
        """Noted."""
        return self._told().names

    @property
    def outline(self) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
        """Noted: it is what the note of the names stands for."""
        return self._told().outline

    def all(self, path: str) -> tuple[str, ...]:
        """Noted."""
        return self._plain.all(path) if self._asked("all", path) else ()

    def first(self, path: str) -> str | None:
        """Noted."""
        return self._plain.first(path) if self._asked("first", path) else None

    def has(self, path: str) -> bool:
        """Noted."""
        return self._plain.has(path) if self._asked("has", path) else False

    def raw(self, path: str) -> object:
        """Noted."""
        return self._plain.raw(path) if self._asked("raw", path) else None

    def matching(self, test: Callable[[str], bool]) -> tuple[tuple[str, object], ...]:
        """Noted."""
        self._notes.setdefault(ParameterRead("matching", test))
        return self._plain.matching(test)

    def filled(self, names: frozenset[str]) -> bool:
        """Noted."""
        self._notes.setdefault("event_name")
        self._notes.setdefault(ParameterRead("filled", names))
        return self._plain.filled(names)

    def outer_texts(self, prefix: str) -> tuple[str, ...]:
        """Noted."""
        self._notes.setdefault("event_name")
        self._notes.setdefault(ParameterRead("outer_texts", prefix))
        return self._plain.outer_texts(prefix)

    def top_level(self) -> Iterator[tuple[str, object]]:
        """Noted as a whole."""
        self._whole()
        return self._plain.top_level()

    def members(self) -> Iterator[tuple[str, object]]:
        """Noted as a whole."""
        self._whole()
        return self._plain.members()

    def _told(self) -> Parameters:
        self._notes.setdefault(ParameterRead(""))
        return self._plain

    def _whole(self) -> None:
        # Which member is the wrapper hangs on the event's name.
        self._notes.setdefault("event_name")
        self._notes.setdefault(ParameterRead("members"))

    def _asked(self, method: str, path: str) -> bool:
        head = path.partition(".")[0].removesuffix("[]").lower()
        if head not in self._told().names:
            return False
        self._notes.setdefault(ParameterRead(method, path))
        return True
