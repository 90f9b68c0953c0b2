"""Brings the log objects of a bucket into a folder: resumably, politely, and none twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from simulator.errors import OrgsimError
from simulator.sources.aws.failures import Failure
from simulator.sources.aws.manifest import Manifest, local_path
from simulator.sources.aws.objects import fetch
from simulator.sources.aws.parallel import in_parallel
from simulator.sources.aws.session import Aws
from simulator.sources.aws.trail_bucket import Listing, LogObject, Place, Wanted
from simulator.sources.whole_file import make_folder

_FETCHES_AT_ONCE: Final = 16

Progress = Callable[[int, int], None]
"""Called with the objects and the bytes that are there so far."""


class _Row(msgspec.Struct, frozen=True):
    """An object that is complete: its key, size and ETag as listed."""

    key: str
    size: int
    etag: str


@dataclass(slots=True)
class Collected:
    """What a run brought, and what it could not bring."""

    read: int = 0
    """Objects or events."""
    size: int = 0
    known: int = 0
    """Those that an earlier run had brought."""
    skipped: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    """What could not be read, and why: in words."""


def collect_bucket(aws: Aws, place: Place, wanted: Wanted, folder: Path, progress: Progress) -> Collected:
    """Bring all wanted log objects of a place into `folder`, laid out by their keys.

    Single objects and prefixes that are refused are told by `missing`. Raises `OrgsimError` if no further call can
    succeed (expired credentials, no network); what was brought until then is kept, and counts when called again.
    """
    done = Collected()
    listing = Listing(aws, place, wanted)
    with Manifest(folder, f"s3://{place.bucket}") as manifest:
        rows = {row.key: row for row in manifest.rows(_Row)}

        def bring(item: LogObject) -> Failure | int:
            path = local_path(folder, item.key)
            make_folder(path.parent)
            failure = fetch(aws, place.bucket, item, path)
            if failure is None:
                manifest.add(_Row(item.key, item.size, item.etag))
            return failure or item.size

        try:
            for result in in_parallel(bring, _new(listing, rows, folder, done), _FETCHES_AT_ONCE):
                if isinstance(result, int):
                    done.read += 1
                    done.size += result
                    progress(done.read + done.known, done.size)
                elif result.final:
                    raise result.error()
                else:
                    done.missing.append(result.text)
        except OrgsimError as error:
            if kept := done.read + done.known:
                error.hint = f"{error.hint}; {kept:,} objects are kept in {folder}".removeprefix("; ")
            raise
    done.skipped.update(each.reason for each in listing.skipped)
    done.missing += [f"s3://{place.bucket}/{prefix}: {failure.text}" for prefix, failure in listing.refused]
    return done


def _new(listing: Listing, rows: Mapping[str, _Row], folder: Path, done: Collected) -> Iterator[LogObject]:
    """The listed objects that are not there yet as they are now."""
    for item in listing.objects():
        path = local_path(folder, item.key)
        known = rows.get(item.key) == _Row(item.key, item.size, item.etag)
        if known and path.is_file() and path.stat().st_size == item.size:
            done.known += 1
        else:
            yield item
