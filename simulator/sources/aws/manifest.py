"""What a folder of collected logs holds already, so that a run that was stopped goes on where it was.

One file of JSON lines per source, in the hidden folder `.orgsim`, which log searches leave out. Lines are only ever
added, each after what it tells of is complete under its name. A line that a kill tore is cut off; what it told of is
collected again, into the same name: nothing is lost, nothing counts twice.
"""

import hashlib
import os
import threading
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from simulator.errors import OrgsimError
from simulator.sources.files import NOTES_FOLDER
from simulator.sources.whole_file import make_folder

_SCHEMA: Final = "orgsim/collect/1"

_Row = TypeVar("_Row")


class _Header(msgspec.Struct, frozen=True):
    schema: str
    source: str


class Manifest:
    """The manifest of one source in a folder. `add` may be called from several threads."""

    def __init__(self, folder: Path, source: str) -> None:
        """`source` says what is collected, for people and to tell manifests apart: `s3://bucket`.

        Raises `OrgsimError` (`collect-manifest`, `cannot-write`).
        """
        digest = hashlib.sha256(source.encode()).hexdigest()[:16]
        self.path = folder / NOTES_FOLDER / f"{digest}.jsonl"
        self._lock = threading.Lock()
        make_folder(self.path.parent)
        try:
            text = self.path.read_bytes() if self.path.exists() else b""
            whole = text[: text.rfind(b"\n") + 1]
            self._lines = whole.splitlines()
            if len(whole) < len(text):
                os.truncate(self.path, len(whole))
            self._file = self.path.open("ab")
            if not self._lines:
                self._write(_Header(_SCHEMA, source))
            elif self._lines.pop(0) != msgspec.json.encode(_Header(_SCHEMA, source)):
                self.close()
                raise self._broken()
        except OSError as error:
            raise OrgsimError("cannot-write", f"cannot write {self.path}: {error.strerror or error}") from error

    def rows(self, kind: type[_Row]) -> list[_Row]:
        """The rows of earlier runs, in the order they were added; they are forgotten here with that."""
        rows = [self._read(line, kind) for line in self._lines]
        self._lines = []
        return rows

    def add(self, row: Any) -> None:
        """Note that something is complete."""
        with self._lock:
            try:
                self._write(row)
            except OSError as error:
                raise OrgsimError("cannot-write", f"cannot write {self.path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Nothing more will be added."""
        self._file.close()

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, row: Any) -> None:
        self._file.write(msgspec.json.encode(row) + b"\n")
        self._file.flush()

    def _read(self, line: bytes, kind: type[_Row]) -> _Row:
        try:
            return msgspec.json.decode(line, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._broken() from error

    def _broken(self) -> OrgsimError:
        hint = "delete it to collect everything anew, or collect into another folder"
        return OrgsimError("collect-manifest", "this is not a manifest of this source", hint=hint, file=self.path)


def local_path(folder: Path, key: str) -> Path:
    """Where an object of S3 is kept: below `folder`, by its key, whatever that holds; two keys never share a place."""
    return folder.joinpath(*map(_safe_name, key.split("/")))


def _safe_name(part: str) -> str:
    """No step up, no absolute or hidden name, nothing that some system reads as more than a name."""
    name = "".join(each if each.isalnum() or each in "-_.=@+," else "_" for each in part).lstrip(".")[:150]
    if name and name == part:
        return name
    return f"{name or '_'}~{hashlib.sha256(part.encode('utf-8', 'replace')).hexdigest()[:12]}"
