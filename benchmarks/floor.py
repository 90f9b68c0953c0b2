"""The floor: inflating whole files (isal) and decoding the fields that a replay cannot do without (msgspec).

`python -m benchmarks.floor FOLDER` reads all files below a folder and prints how many records they hold. Nothing is
kept, judged or counted otherwise: no replay that reads these fields can be faster.
"""

import sys
from pathlib import Path
from typing import Final

import msgspec
from isal import isal_zlib

_GZIP: Final = 16 + isal_zlib.MAX_WBITS
"""zlib's way of saying that the data is a gzip file."""


class Issuer(msgspec.Struct, gc=False):
    """Of the role behind a session."""

    arn: str | None = None


class SessionContext(msgspec.Struct, rename="camel", gc=False):
    """Of a session."""

    session_issuer: Issuer | None = None


class Identity(msgspec.Struct, rename="camel", gc=False):
    """The caller."""

    type: str | None = None
    arn: str | None = None
    account_id: str | None = None
    invoked_by: str | None = None
    session_context: SessionContext | None = None


class Resource(msgspec.Struct, rename="camel", gc=False):
    """A resource of the call."""

    arn: str | None = msgspec.field(default=None, name="ARN")
    account_id: str | None = None


class Record(msgspec.Struct, rename="camel", gc=False):
    """The fields that the floor decodes."""

    user_identity: Identity | None = None
    event_time: str | None = None
    event_source: str | None = None
    event_name: str | None = None
    aws_region: str | None = None
    event_id: str | None = msgspec.field(default=None, name="eventID")
    error_code: str | None = None
    recipient_account_id: str | None = None
    source_ip_address: str | None = msgspec.field(default=None, name="sourceIPAddress")
    resources: list[Resource] | None = None
    request_parameters: msgspec.Raw = msgspec.Raw(b"null")


class LogFile(msgspec.Struct, gc=False):
    """A log file as CloudTrail delivers it."""

    records: list[Record] = msgspec.field(name="Records")


def read(folder: Path) -> int:
    """Inflate and decode all files below `folder`; the number of records."""
    decoder = msgspec.json.Decoder(LogFile)
    return sum(len(decoder.decode(_inflated(path)).records) for path in sorted(folder.rglob("*.gz")))


def _inflated(path: Path) -> bytes:
    """The whole file, inflated in one step: the size at the end of a gzip file saves isal from growing its buffer."""
    data = path.read_bytes()
    return isal_zlib.decompress(data, _GZIP, int.from_bytes(data[-4:], "little") + 1)


if __name__ == "__main__":
    print(read(Path(sys.argv[1])))
