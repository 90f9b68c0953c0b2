"""Records that typed decoding refuses: every member is fitted to the field's type, or left out.

Real logs hold a numeric `errorCode`, a list as `vpcEndpointId`, a boolean where a text belongs. A record is not lost
for that: scalars become their JSON text, a list of one scalar becomes that scalar, any other value in a text field
keeps its JSON text (so that "present" never turns into "absent"), and a structure of another shape becomes `None`.
"""

import json
import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeVar, get_args

import msgspec

S = TypeVar("S", bound=msgspec.Struct)

MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_VALUE: Final = msgspec.json.Decoder()
_TEXT: Final = msgspec.json.Decoder(str)

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bytes it cannot decode (a `RecursionError` for nesting beyond the interpreter's limit)."""


def is_utf8(data: bytes) -> bool:
    """Whether `data` is valid UTF-8; msgspec does not look into what it keeps raw."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def coerce(struct: type[S], members: Mapping[str, msgspec.Raw]) -> S:
    """Build `struct` from the members of a JSON object; never raises, unknown members are ignored."""
    values: dict[str, Any] = {}
    for field in _fields(struct):
        raw = members.get(field.encode_name)
        if raw is not None and bytes(raw) != b"null":
            values[field.name] = _fit(field.type, raw)
    return struct(**values)


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(struct)  # works out the annotations each time


def _fit(wanted: Any, raw: msgspec.Raw) -> Any:
    """`raw` as a value of the type `wanted`: Raw, Any, `Struct | None`, `str | None` or `str | bool | None`."""
    if wanted is msgspec.Raw:
        return raw
    if wanted is Any:
        return _any(raw)
    kinds = get_args(wanted)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return _structure(kind, raw)
    data = bytes(raw)
    if bool in kinds and data in (b"true", b"false"):
        return data == b"true"
    return text_of(raw)


def _any(raw: msgspec.Raw) -> Any:
    try:
        return _VALUE.decode(raw)
    except UNREADABLE:
        return None


def _structure(struct: type[S], raw: msgspec.Raw) -> S | None:
    """An object, or an object that an exporter turned into a text; `None` for everything else."""
    data = bytes(raw)
    if data.startswith(b'"'):
        data = text_of(raw).encode()
    try:
        return coerce(struct, MEMBERS.decode(data))
    except UNREADABLE:
        return None


def text_of(raw: msgspec.Raw) -> str:
    """The text of a JSON string; the only element of a list; otherwise the JSON text itself."""
    data = bytes(raw)
    if data.startswith(b'"'):
        try:
            return _TEXT.decode(data)
        except UNREADABLE:
            return data.decode("utf-8", "replace").strip('"')
    if data.startswith(b"["):
        try:
            elements = ELEMENTS.decode(data)
        except UNREADABLE:
            elements = []
        if len(elements) == 1 and bytes(elements[0])[:1] not in (b"[", b"{"):
            return text_of(elements[0])
    return data.decode("utf-8", "replace")


def repair(data: bytes) -> bytes | None:
    """Valid UTF-8 JSON made of almost valid JSON, `None` if that fails.

    Mended are raw control characters inside strings, broken UTF-8 and lone surrogates (each bad character becomes
    the replacement character or `?`), and NaN, infinities and numbers that no decoder takes (they become null).
    """
    try:
        value = json.loads(
            data.decode("utf-8", "replace"),
            strict=False,
            parse_constant=_nothing,
            parse_int=_whole_number,
            parse_float=_finite_number,
        )
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return None


def _nothing(_constant: str) -> None:
    return None


def _whole_number(digits: str) -> int | None:
    return int(digits) if len(digits) < 20 else None


def _finite_number(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
