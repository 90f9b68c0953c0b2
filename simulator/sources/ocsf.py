"""Security Lake's Parquet files: OCSF 1.1 rows of CloudTrail, turned back into records.

What a row does not hold is left out of the record, where it is unknown or absent as in any record. A row of another
product, or of an older schema (which flattens request parameters, so that lists are lost), is no record: the decoder
counts it as `not-cloudtrail`.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from simulator.cloudtrail.containers import BrokenInputError
from simulator.errors import OrgsimError

_ROWS: Final = 1000
_PRODUCT: Final = "CloudTrail"
_VERSIONS: Final = ("1.1.", "1.2.", "1.3.", "1.4.", "1.5.")
_FOREIGN: Final = b'{"ocsf":"another product or schema"}\n'
_OMITTED: Final = {"omitted": True}
"""What CloudTrail writes where it leaves out an object: nothing is known of it."""


def parquet_chunks(path: Path) -> Iterator[bytes]:
    """The records of a Parquet file as JSON lines, in pieces.

    Raises `BrokenInputError` where the rest cannot be read; `OrgsimError` (`missing-extra`) without pyarrow.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        hint = "pip install 'org-policy-simulator[parquet]'"
        raise OrgsimError("missing-extra", "reading Parquet files needs pyarrow", hint=hint, file=path) from error
    columns = _table()["columns"]
    try:
        with ParquetFile(path) as table:
            names = set(table.schema_arrow.names)
            if not names.issuperset(columns["needed"]):
                yield _FOREIGN
                return
            for batch in table.iter_batches(_ROWS, columns=[name for name in columns["read"] if name in names]):
                yield b"".join(_line(row) for row in batch.to_pylist())
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        raise BrokenInputError("corrupt-parquet") from error


def record_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The CloudTrail record of an OCSF row; `None` if it is of another product or schema."""
    version = _text(_at(row, "metadata.version")) or ""
    if _at(row, "metadata.product.name") != _PRODUCT or not version.startswith(_VERSIONS):
        return None
    table = _table()
    record: dict[str, Any] = {}
    for member, places in table["texts"].items():
        _put(record, member, _first(row, places, _text))
    for member, places in table["times"].items():
        _put(record, member, _first(row, places, _moment))
    for member, places in table["json"].items():
        record[member] = _first(row, places, _object)
    _add_session(record, row)
    resources = [_resource(each) for each in row.get("resources") or ()]
    if resources:
        record["resources"] = resources
    # Last: what the mapping took stays.
    for member, value in _pairs(row.get("unmapped")):
        if (text := _text(value)) is not None:
            _put(record, member, text)
    _put(record, "recipientAccountId", _text(_at(row, "cloud.account.uid")))
    return record


def _line(row: Mapping[str, Any]) -> bytes:
    record = record_of(row)
    if record is None:
        return _FOREIGN
    try:
        return json.dumps(record).encode() + b"\n"
    except RecursionError:
        # Deep enough to be read only just.
        return json.dumps({**record, **dict.fromkeys(_table()["json"], _OMITTED)}).encode() + b"\n"


def _add_session(record: dict[str, Any], row: Mapping[str, Any]) -> None:
    identity = record.get("userIdentity") or {}
    session = identity.get("sessionContext") or {}
    mfa = _at(row, "actor.session.is_mfa")
    # Without a session the column is filled by a default that tells nothing.
    if isinstance(mfa, bool) and (mfa or session.get("attributes")):
        _put(record, "userIdentity.sessionContext.attributes.mfaAuthenticated", "true" if mfa else "false")
    provider = _text(_at(row, "actor.idp.name"))
    if identity.get("type") in ("WebIdentityUser", "SAMLUser"):
        _put(record, "userIdentity.identityProvider", provider)
    else:
        _put(record, "userIdentity.sessionContext.webIdFederationData.federatedProvider", provider)


def _resource(row: Mapping[str, Any]) -> dict[str, str]:
    places = {
        "ARN": ("uid",),
        "accountId": ("owner.account.uid", "account.uid", "account_uid"),
        "type": ("type",),
    }
    found = ((member, _first(row, names, _text)) for member, names in places.items())
    return {member: text for member, text in found if text is not None}


def _pairs(unmapped: object) -> Sequence[tuple[str, object]]:
    """Parquet maps come as pairs, structs as objects."""
    if isinstance(unmapped, Mapping):
        return [(str(key), value) for key, value in unmapped.items()]
    return [(str(key), value) for key, value in unmapped] if isinstance(unmapped, list) else []


def _at(row: object, path: str) -> Any:
    for name in path.split("."):
        row = row.get(name) if isinstance(row, Mapping) else None
    return row


def _first(row: Mapping[str, Any], places: Sequence[str], read: Any) -> Any:
    return next((value for place in places if (value := read(_at(row, place))) is not None), None)


def _put(record: dict[str, Any], member: str, value: object) -> None:
    """Set a member at a dotted path, unless it is set, or nothing is known."""
    *parents, name = member.split(".")
    if value is None:
        return
    for parent in parents:
        below = record.setdefault(parent, {})
        if not isinstance(below, dict):
            return
        record = below
    record.setdefault(name, value)


def _text(value: object) -> str | None:
    """A text; OCSF writes an empty one where there is nothing."""
    return value if isinstance(value, str) and value else None


def _moment(value: object) -> str | None:
    """A time as CloudTrail writes it, from milliseconds, a timestamp (in UTC if it has no zone) or a text."""
    try:
        if isinstance(value, int):
            moment = datetime.fromtimestamp(value / 1000, UTC)
        elif isinstance(value, datetime):
            moment = value
        elif isinstance(value, str) and value:
            moment = datetime.fromisoformat(value)
        else:
            return None
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None  # a moment that no calendar has


def _object(value: object) -> Any:
    """An object that stands as JSON in a text; one that cannot be read is unknown, not empty."""
    text = _text(value)
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _OMITTED


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(files("simulator.sources").joinpath("ocsf.toml").read_text(encoding="utf-8"))
