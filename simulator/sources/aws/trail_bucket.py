"""Which log objects a trail's S3 bucket holds, listing no more than the wanted accounts, regions and days.

The layout is CloudTrail's own: `[prefix/]AWSLogs/[o-…/]<account>/CloudTrail/<region>/<year>/<month>/<day>/` (AWS
CloudTrail User Guide, cloudtrail-find-log-files). Keys of one region sort by day, so a range of days is one listing
that begins and ends inside. Below a prefix without `AWSLogs/` everything is listed, and keys are told by their names.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from simulator.errors import ExitStatus, OrgsimError
from simulator.sources.aws.failures import AWS_ERRORS, Failure, failure_of
from simulator.sources.aws.parallel import in_parallel
from simulator.sources.aws.session import Aws
from simulator.sources.files import SkippedFile, SkipReason, kind_to_skip

_KINDS: Final = ("CloudTrail", "CloudTrail-NetworkActivity")
_ROOT: Final = "AWSLogs/"
_LISTINGS_AT_ONCE: Final = 16
_URL: Final = re.compile(r"s3://([A-Za-z0-9][A-Za-z0-9._-]{1,254})(?:/(.*))?", re.DOTALL)
_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]+")
_ACCOUNT: Final = re.compile(r"\d{12}")
_REGION_FOLDER: Final = r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/CloudTrail[A-Za-z-]*/(?P<region>[a-z0-9-]+)/"
_DELIVERED: Final = re.compile(_REGION_FOLDER + r"(?P<day>\d{4}/\d\d/\d\d)/")
_SORTS_BY_DAY: Final = re.compile(_REGION_FOLDER + r"\Z")
_ARCHIVED: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and the beginning of keys in it."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a bucket is wanted; empty and `None` stand for all. Both days are included.

    CloudTrail delivers an event some minutes after it happened (AWS CloudTrail User Guide, how-cloudtrail-works), so
    it may lie in the folder of the day after, never in that of the day before.
    """

    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    first: date | None = None
    last: date | None = None

    @property
    def first_folder(self) -> str:
        """The first folder of a day to be listed, as keys have it; empty for the very first."""
        return "" if self.first is None else self.first.strftime("%Y/%m/%d")

    @property
    def last_folder(self) -> str:
        """The last folder of a day to be listed; later than any for no end."""
        return "9999" if self.last is None else (self.last + timedelta(days=1)).strftime("%Y/%m/%d")

    def takes(self, key: str) -> bool:
        """Whether a key may hold wanted events: one that tells nothing by its name may."""
        found = _DELIVERED.search(key)
        return found is None or (
            (not self.accounts or found["account"] in self.accounts)
            and (not self.regions or found["region"] in self.regions)
            and self.first_folder <= found["day"] <= self.last_folder
        )


@dataclass(frozen=True, slots=True)
class LogObject:
    """One object that may hold records; `etag` is that of the listing, without quotes."""

    key: str
    size: int
    etag: str


def parse_place(url: str) -> Place:
    """The place of an `s3://bucket/prefix` address. Raises `OrgsimError` (`aws-address`, status 2)."""
    found = _URL.fullmatch(url)
    if found is None:
        message = f"`{url}` is not an address such as s3://my-trail-bucket/prefix"
        raise OrgsimError("aws-address", message, status=ExitStatus.USAGE)
    return Place(found[1], found[2] or "")


@dataclass(slots=True)
class Listing:
    """Lists one place (use it once); `skipped` and `refused` are complete when `objects` has ended."""

    aws: Aws
    place: Place
    wanted: Wanted
    skipped: list[SkippedFile] = field(default_factory=list)
    refused: list[tuple[str, Failure]] = field(default_factory=list)
    """The prefixes that could not be listed, and why."""

    def objects(self) -> Iterator[LogObject]:
        """The log objects, in the order of the listing.

        Raises `OrgsimError` where the place itself cannot be listed, or no further call can succeed.
        """
        for found in in_parallel(self._leaf, self._leaves(), _LISTINGS_AT_ONCE):
            if isinstance(found, tuple):
                self._refuse(*found)
                continue
            for each in found:
                if isinstance(each, LogObject):
                    yield each
                else:
                    self.skipped.append(each)

    # The folders

    def _leaves(self) -> Iterator[str]:
        """The prefixes below which everything is listed, but for days."""
        prefix = self.place.prefix
        if prefix and not prefix.endswith("/"):
            # `logs` is the folder `logs/`, not `logs-of-something-else/`; or it is the whole key of an object.
            if self._is_object(prefix):
                yield prefix
                return
            prefix += "/"
        _, root, rest = f"/{prefix}".rpartition(f"/{_ROOT}")
        if root:
            yield from self._below(prefix, [each for each in rest.split("/") if each])
        elif f"{prefix}{_ROOT}" in self._folders(prefix, top=True):
            yield from self._below(f"{prefix}{_ROOT}", [])
        else:
            yield prefix

    def _is_object(self, key: str) -> bool:
        try:
            return any(row["Key"] == key for row in self._rows(key, Delimiter="/"))
        except AWS_ERRORS as error:
            raise failure_of(error).error() from error

    def _below(self, prefix: str, parts: list[str]) -> Iterator[str]:
        """The leaves below `AWSLogs/` and the folders `parts`."""
        inside = parts[1:] if parts and _ORGANIZATION.fullmatch(parts[0]) else parts
        match len(inside):
            case 0:
                for folder in self._folders(prefix, top=not parts):
                    name = folder[len(prefix) : -1]
                    if _ORGANIZATION.fullmatch(name) and not parts:
                        yield from self._below(folder, [name])
                    elif _ACCOUNT.fullmatch(name) and (not self.wanted.accounts or name in self.wanted.accounts):
                        yield from self._below(folder, [*parts, name])
            case 1:
                for kind in _KINDS:
                    yield from self._below(f"{prefix}{kind}/", [*parts, kind])
            case 2:
                for folder in self._folders(prefix):
                    if not self.wanted.regions or folder[len(prefix) : -1] in self.wanted.regions:
                        yield folder
            case _:
                yield prefix

    def _folders(self, prefix: str, *, top: bool = False) -> list[str]:
        """The folders directly below a prefix; if it is refused, none, and a row of `refused` (`top`: an error)."""
        client = self.aws.client("s3")
        try:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self.place.bucket, Prefix=prefix, Delimiter="/"
            )
            return [row["Prefix"] for page in pages for row in page.get("CommonPrefixes") or ()]
        except AWS_ERRORS as error:
            failure = failure_of(error)
            if top:
                raise failure.error() from error
            self._refuse(prefix, failure)
            return []

    def _refuse(self, prefix: str, failure: Failure) -> None:
        if failure.final or prefix == self.place.prefix:
            raise failure.error()
        self.refused.append((prefix, failure))

    # The objects

    def _leaf(self, prefix: str) -> list[LogObject | SkippedFile] | tuple[str, Failure]:
        """What the wanted days below a prefix hold, or why it cannot be listed. Runs in a thread."""
        # Only directly above the years do keys sort by day.
        sorts = _SORTS_BY_DAY.search(prefix) is not None
        start = {"StartAfter": prefix + self.wanted.first_folder} if sorts and self.wanted.first_folder else {}
        found = []
        try:
            for row in self._rows(prefix, **start):
                if sorts and row["Key"][len(prefix) : len(prefix) + 10] > self.wanted.last_folder:
                    break
                # Kept small at once: a row as botocore gives it takes three times as much.
                if (each := self._object(row)) is not None:
                    found.append(each)
        except AWS_ERRORS as error:
            return prefix, failure_of(error)
        return found

    def _rows(self, prefix: str, **parameters: str) -> Iterator[dict[str, Any]]:
        return self.aws.items(
            "s3", "list_objects_v2", "Contents", Bucket=self.place.bucket, Prefix=prefix, **parameters
        )

    def _object(self, row: dict[str, Any]) -> LogObject | SkippedFile | None:
        key, size = row["Key"], row["Size"]
        if key.endswith("/") or not self.wanted.takes(key):
            return None
        reason: SkipReason | None = kind_to_skip(key)
        if reason is None and size == 0:
            reason = "empty"
        if reason is None and row.get("StorageClass") in _ARCHIVED:
            reason = "archived"
        if reason is not None:
            return SkippedFile(f"s3://{self.place.bucket}/{key}", reason)
        return LogObject(key, size, row.get("ETag", "").strip('"'))
