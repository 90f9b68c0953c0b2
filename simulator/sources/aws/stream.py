"""Log objects of S3 as `Batch`es: read where they are, without keeping files.

A replay reads everything twice. So objects are put into a folder that lives as long as the run, up to a bound; what
goes beyond it is fetched again for the second reading.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.cloudtrail.containers import BrokenInputError
from simulator.replay.batch import Batch
from simulator.sources.aws.failures import Failure
from simulator.sources.aws.objects import fetch
from simulator.sources.aws.session import Login, shared
from simulator.sources.aws.trail_bucket import Listing, LogObject, Wanted, parse_place
from simulator.sources.files import FileBatch, SkippedFile, delivery_folder

KEPT_BYTES: Final = 20 << 30
"""Stored bytes that are kept for the second reading."""


@dataclass(frozen=True, slots=True)
class S3Batch:
    """One log object; see `simulator.replay.batch.Batch`. `spool` is where it is put while the run lasts."""

    login: Login
    bucket: str
    item: LogObject
    spool: Path
    kept: bool
    log_account: str | None = None
    log_organization: str | None = None

    @property
    def name(self) -> str:
        """The address."""
        return f"s3://{self.bucket}/{self.item.key}"

    @property
    def size(self) -> int:
        """Stored bytes, as listed."""
        return self.item.size

    def fetch(self) -> None:
        """Bring the object near, so that `chunks` need not wait. What cannot be had is left for `chunks` to tell."""
        if not self._file.exists():
            self._fetch()

    def chunks(self) -> Iterator[bytes]:
        """The inflated bytes.

        Raises `BrokenInputError` for an object that is damaged or gone; `OrgsimError` where reading on would leave out
        what is there: access denied, credentials expired, S3 not reachable.
        """
        path = self._file
        if not path.exists() and (failure := self._fetch()) is not None:
            if failure.kind == "truncated":
                raise BrokenInputError("truncated-object")
            if failure.kind == "missing":
                raise BrokenInputError("unreadable")
            raise failure.error()
        try:
            yield from FileBatch(path, self.item.size).chunks()
        finally:
            if not self.kept:
                path.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self.spool / hashlib.sha256(self.name.encode()).hexdigest()

    def _fetch(self) -> Failure | None:
        return fetch(shared(self.login), self.bucket, self.item, self._file)


def find_objects(
    urls: Sequence[str], login: Login, wanted: Wanted, spool: Path
) -> tuple[list[Batch], list[SkippedFile]]:
    """All log objects at and below `s3://` addresses, ordered by address, each once; and what was left out.

    Raises `OrgsimError` if anything cannot be listed: a simulation must not leave out silently what is there.
    """
    found: dict[str, tuple[str, LogObject]] = {}
    skipped: dict[str, SkippedFile] = {}
    for url in urls:
        place = parse_place(url)
        listing = Listing(shared(login), place, wanted)
        found.update((f"s3://{place.bucket}/{item.key}", (place.bucket, item)) for item in listing.objects())
        for _, failure in listing.refused:
            raise failure.error()
        skipped.update((each.name, each) for each in listing.skipped)
    batches: list[Batch] = []
    room = KEPT_BYTES
    for _, (bucket, item) in sorted(found.items()):
        room -= item.size
        batches.append(S3Batch(login, bucket, item, spool, room >= 0, *delivery_folder(f"/{item.key}")))
    return batches, [skipped[name] for name in sorted(skipped)]
