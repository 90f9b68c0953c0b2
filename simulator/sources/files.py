"""Log files on disk: which there are, which are left out and why, and their inflated bytes.

Files are told by their content, not by their names: gzip by its magic number here, JSON by the decoder. Only the
folders and names that CloudTrail itself gives to digest, Insight and aggregated files are trusted (AWS CloudTrail
User Guide, cloudtrail-find-log-files and cloudtrail-log-file-validation-digest-file-structure).
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import msgspec
from isal import igzip_lib

from simulator.cloudtrail.containers import BrokenInputError
from simulator.errors import OrgsimError
from simulator.replay.batch import Batch

SkipReason = Literal[
    "cloudtrail-digest",
    "cloudtrail-insight",
    "cloudtrail-aggregated",
    "archived",
    "empty",
    "hidden",
    "unreadable",
    "not-a-file",
]

_KINDS: Final[dict[str, SkipReason]] = {
    "CloudTrail-Digest": "cloudtrail-digest",
    "CloudTrail-Insight": "cloudtrail-insight",
    "CloudTrail-Aggregated": "cloudtrail-aggregated",
}
# `CloudTrail-NetworkActivity` is not among them: those records are replayed.
_KIND_IN_NAME: Final = re.compile(r"\d{12}_(CloudTrail-[A-Za-z]+)_")
NOTES_FOLDER: Final = ".orgsim"
"""Where `orgsim collect` keeps notes beside the logs; it is no part of them."""

_DELIVERY_FOLDER: Final = re.compile(r"(?:^|/)AWSLogs/(?:(o-[a-z0-9]+)/)?(\d{12})(?=/)")

# The library's stub names an instance where there is a class.
_INFLATE_ERROR: Final = cast("type[Exception]", igzip_lib.IsalError)
_GZIP_MAGIC: Final = b"\x1f\x8b"
_PARQUET_MAGIC: Final = b"PAR1"
_READ_SIZE: Final = 256 * 1024
_PIECE_SIZE: Final = 1024 * 1024


class SkippedFile(msgspec.Struct, frozen=True):
    """A file (or a folder that cannot be listed, or is hidden) that is not read."""

    name: str
    reason: SkipReason


class FileBatch(msgspec.Struct, frozen=True):
    """One log file; see `simulator.replay.batch.Batch`."""

    path: Path
    size: int
    log_account: str | None = None
    log_organization: str | None = None

    @property
    def name(self) -> str:
        """The path as given."""
        return str(self.path)

    def chunks(self) -> Iterator[bytes]:
        """The inflated bytes in pieces of at most a megabyte; raises `BrokenInputError` behind the last good one."""
        try:
            with self.path.open("rb") as file:
                head = file.read(_READ_SIZE)
                if head.startswith(_GZIP_MAGIC):
                    yield from _inflate(file, head)
                elif head.startswith(_PARQUET_MAGIC):
                    from simulator.sources.ocsf import parquet_chunks  # few logs need it

                    yield from parquet_chunks(self.path)
                else:
                    while head:
                        yield head
                        head = file.read(_PIECE_SIZE)
        except OSError as error:
            raise BrokenInputError("unreadable") from error


def find_batches(paths: Sequence[Path]) -> tuple[list[Batch], list[SkippedFile]]:
    """All log files at and below `paths`, ordered by path, each once; and what was left out.

    Below a folder, hidden files and folders are left out and links are followed (once). Raises `OrgsimError`
    (`no-such-path`) for a path that does not exist.
    """
    search = _Search()
    for path in paths:
        if not os.path.lexists(path):
            raise OrgsimError(
                "no-such-path",
                f"there is no file or folder {path}",
                hint="name log files, or folders that hold them at any depth",
            )
        search.visit(path)
    batches = sorted(search.batches, key=lambda batch: batch.path.as_posix())
    return list(batches), sorted(search.skipped, key=lambda skipped: skipped.name)


class _Search:
    def __init__(self) -> None:
        self.batches: list[FileBatch] = []
        self.skipped: list[SkippedFile] = []
        self._seen: set[tuple[int, int]] = set()

    def visit(self, path: Path) -> None:
        """Take a file, or all below a folder; each file and folder is taken once, so no loop of links is endless."""
        waiting = [path]
        while waiting:
            place = waiting.pop()
            if place is not path and place.name.startswith("."):
                if place.name == NOTES_FOLDER:
                    continue
                self.skipped.append(SkippedFile(str(place), "hidden"))
                continue
            try:
                status = place.stat()
                if self._is_known(status):
                    continue
                if stat.S_ISDIR(status.st_mode):
                    waiting.extend(sorted(place.iterdir(), reverse=True))
                else:
                    self._take(place, status, named=place is path)
            except OSError:
                self.skipped.append(SkippedFile(str(place), "unreadable"))

    def _is_known(self, status: os.stat_result) -> bool:
        identity = (status.st_dev, status.st_ino)
        # Some network file systems number nothing.
        if not status.st_ino or identity not in self._seen:
            self._seen.add(identity)
            return False
        return True

    def _take(self, path: Path, status: os.stat_result, *, named: bool) -> None:
        reason = _reason_to_skip(path, status, named=named)
        if reason is not None:
            self.skipped.append(SkippedFile(str(path), reason))
            return
        account, organization = delivery_folder(path.absolute().as_posix())
        self.batches.append(FileBatch(path, status.st_size, account, organization))


def delivery_folder(path: str) -> tuple[str | None, str | None]:
    """The account and the organization of an `AWSLogs/[o-…/]<account>/` folder in a path or an S3 key."""
    # The innermost folder is the one that CloudTrail made.
    folders: list[tuple[str, str]] = _DELIVERY_FOLDER.findall(path)
    organization, account = folders[-1] if folders else ("", "")
    return account or None, organization or None


def kind_to_skip(path: str) -> SkipReason | None:
    """Which of CloudTrail's own other files a path or an S3 key names, `None` if it may hold records."""
    *folders, name = path.split("/")
    for kind in (*folders, *_KIND_IN_NAME.findall(name)):
        if kind in _KINDS:
            return _KINDS[kind]
    return None


def _reason_to_skip(path: Path, status: os.stat_result, *, named: bool) -> SkipReason | None:
    reason = kind_to_skip(path.as_posix())
    if reason is not None:
        return reason
    if not stat.S_ISREG(status.st_mode):
        # A pipe that the user names is read; one found in a folder could wait for ever.
        return None if named else "not-a-file"
    if status.st_size == 0:
        return "empty"
    return None if os.access(path, os.R_OK) else "unreadable"


def _inflate(file: BinaryIO, data: bytes) -> Iterator[bytes]:
    """All gzip members that begin with `data`, the first bytes of `file`, and go on behind them."""
    begin = 0
    while data.startswith(_GZIP_MAGIC):
        member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        consumed, produced = begin, 0
        while not member.eof:
            try:
                piece = member.decompress(data, _PIECE_SIZE)
            except _INFLATE_ERROR as error:
                yield from _last_bytes(file, begin, consumed, produced)
                raise BrokenInputError("corrupt-gzip") from error
            if piece:
                produced += len(piece)
                yield piece
            elif not (member.eof or member.needs_input):
                raise BrokenInputError("corrupt-gzip")  # It neither gives nor takes: do not wait for ever.
            if not member.eof:
                consumed += len(data)
                data = file.read(_READ_SIZE) if member.needs_input else b""
                if member.needs_input and not data:
                    raise BrokenInputError("truncated-gzip")
        begin = consumed + len(data) - len(member.unused_data)
        data = member.unused_data + (file.read(_READ_SIZE) if len(member.unused_data) < len(_GZIP_MAGIC) else b"")
        padded = len(data)
        while data and not (data := data.lstrip(b"\0")):
            # Some writers pad with zero bytes.
            data = file.read(_READ_SIZE)
            padded += len(data)
        begin += padded - len(data)
    if data:
        raise BrokenInputError("corrupt-gzip")


def _last_bytes(file: BinaryIO, begin: int, consumed: int, produced: int) -> Iterator[bytes]:
    """What a broken gzip member holds in front of the place where it breaks.

    An error takes all output of its call with it. So the member, which begins at `begin`, is read once more: up to
    `consumed` as before, from there byte by byte. The first `produced` bytes of output are known already.
    """
    if not file.seekable():
        return
    file.seek(begin)
    member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    found = bytearray()
    try:
        while not member.eof:
            place = file.tell()
            data = file.read(min(_READ_SIZE, consumed - place) if place < consumed else 1)
            if not data:
                break
            piece = member.decompress(data, _PIECE_SIZE)
            while piece:
                found += piece[produced:]
                produced = max(0, produced - len(piece))
                piece = b"" if member.eof or member.needs_input else member.decompress(b"", _PIECE_SIZE)
                if len(found) >= _PIECE_SIZE:
                    yield bytes(found)
                    found.clear()
    except _INFLATE_ERROR:
        pass  # This is the place.
    if found:
        yield bytes(found)
