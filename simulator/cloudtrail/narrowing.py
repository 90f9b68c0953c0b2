"""Decoding no more of a record than a run reads: what is left out costs next to nothing.

Which fields a run reads hangs on its policies and on the log. So it begins with few; where it asks for another one,
`NotDecoded` tells which, the field is added, and the records at hand are decoded once more.
"""

from functools import cache
from types import UnionType
from typing import Any, Final, Union, cast, get_args, get_origin

import msgspec

from simulator.cloudtrail.record import (
    Record,
    SessionAttributes,
    SessionContext,
    SessionIssuer,
    TlsDetails,
    UserIdentity,
)

Field = tuple[str, str]
"""A structure of `simulator.cloudtrail.record`, and the name of a field of it."""

ALWAYS: Final[frozenset[Field]] = frozenset(
    {
        ("Record", "event_id"),
        ("Record", "event_time"),
        ("Record", "event_source"),
        ("Record", "event_name"),
        ("Record", "event_type"),
        ("Record", "event_category"),
        ("Record", "shared_event_id"),
        ("Record", "recipient_account_id"),
        ("Record", "user_identity"),
        ("UserIdentity", "account_id"),
    }
)
"""What every look at a log reads: is it a plain record, has it been seen before, whose is it."""

_STRUCTS: Final[dict[str, type[msgspec.Struct]]] = {
    struct.__name__: struct
    for struct in (Record, UserIdentity, SessionContext, SessionIssuer, SessionAttributes, TlsDetails)
}


class NotDecoded(Exception):  # noqa: N818 - it is no error of anybody's
    """A field was read that is not decoded."""

    def __init__(self, struct: str, name: str) -> None:
        super().__init__(f"{struct}.{name}")
        self.field: Field = (struct, name)


class _Narrow(msgspec.Struct, frozen=True, gc=False):
    """A structure that lacks fields. JSON makes no cycles, so the garbage collector need not look at it."""

    def __getattr__(self, name: str) -> Any:
        struct = type(self).__name__
        if name in _names(struct):
            raise NotDecoded(struct, name)
        raise AttributeError(name)


class Decoders:
    """Decoders of one type of record: of a delivered file, of a list of records, and of a record in a line."""

    __slots__ = ("file", "line", "list")

    def __init__(self, record: type[Record]) -> None:
        records = list[record]  # type: ignore[valid-type]
        # With a further member the file is something else, which is looked at more closely.
        file = msgspec.defstruct("File", [("Records", records)], forbid_unknown_fields=True, gc=False)
        self.file: msgspec.json.Decoder[Any] = msgspec.json.Decoder(file)
        self.list: msgspec.json.Decoder[list[Record]] = msgspec.json.Decoder(records)
        self.line: msgspec.json.Decoder[Record] = msgspec.json.Decoder(record)


ALL_FIELDS: Final = Decoders(Record)


class Narrowing:
    """The fields that are decoded, and decoders for them."""

    def __init__(self, fields: frozenset[Field] = frozenset()) -> None:
        self.fields = ALWAYS | fields
        self._make()

    def add(self, field: Field) -> None:
        """Decode this field from now on."""
        self.fields |= {field}
        self._make()

    def _make(self) -> None:
        # To all who read it, a narrow record is a record: what it lacks it does not hide.
        self.decoders = Decoders(cast("type[Record]", _narrowed(Record, self.fields)))


def _narrowed(struct: type[msgspec.Struct], wanted: frozenset[Field]) -> type[msgspec.Struct]:
    fields = []
    for field in msgspec.structs.fields(struct):
        if (struct.__name__, field.name) not in wanted:
            continue
        kind = field.type
        if get_origin(kind) in (Union, UnionType):
            kinds = tuple(
                _narrowed(each, wanted) if getattr(each, "__name__", "") in _STRUCTS else each
                for each in get_args(kind)
            )
            kind = Union[kinds]  # noqa: UP007 - the members are only known here
        fields.append((field.name, kind, msgspec.field(default=field.default, name=field.encode_name)))
    return msgspec.defstruct(struct.__name__, fields, bases=(_Narrow,), frozen=True, gc=False)


@cache
def _names(struct: str) -> frozenset[str]:
    return frozenset(_STRUCTS[struct].__struct_fields__)
