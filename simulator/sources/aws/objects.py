"""Fetching S3 objects into files: in parallel ranges, complete or not at all.

An object is as the listing announced it, or it is refused: its ETag goes with every request, its length is counted,
and where the ETag is an MD5 sum (AWS S3 API Reference, Object) the content is summed up.
"""

import hashlib
import re
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from simulator.errors import OrgsimError
from simulator.sources.aws.failures import AWS_ERRORS, Failure, failure_of
from simulator.sources.aws.parallel import in_parallel
from simulator.sources.aws.session import Aws
from simulator.sources.aws.trail_bucket import LogObject

_PIECE: Final = 256 * 1024
_RANGE: Final = 8 << 20
"""Bytes of one range; larger objects are fetched in several at once. CloudTrail's own seldom are."""

_RANGES_AT_ONCE: Final = 4
_ATTEMPTS: Final = 3
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_CIPHERS_THAT_KEEP_MD5: Final = (None, "AES256")


class _IncompleteError(Exception):
    """The connection ended, or gave another content, before the range was complete."""


def fetch(aws: Aws, bucket: str, item: LogObject, path: Path) -> Failure | None:
    """Put the object into the file `path`, which takes its name when it is complete; else why not.

    The folder is not made here: one that is gone was taken away from a run that has ended.

    Memory is bounded by a piece for each range. Raises `OrgsimError` (`cannot-write`) where the disk refuses.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(b"")

        def one(begin: int) -> None:
            _range(aws, bucket, item, begin, part)

        try:
            if item.size <= _RANGE:
                one(0)
            else:
                deque(in_parallel(one, range(0, item.size, _RANGE), _RANGES_AT_ONCE), maxlen=0)
        except AWS_ERRORS as error:
            return failure_of(error)
        except _IncompleteError as error:
            return Failure("truncated", str(error))
        part.replace(path)
        return None
    except OSError as error:
        raise OrgsimError("cannot-write", f"cannot write {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _range(aws: Aws, bucket: str, item: LogObject, begin: int, part: Path) -> None:
    end = min(begin + _RANGE, item.size)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _try_range(aws.client("s3"), bucket, item, begin, end, part)
        except _IncompleteError:
            if attempt == _ATTEMPTS:
                raise
        else:
            return


def _try_range(client: Any, bucket: str, item: LogObject, begin: int, end: int, part: Path) -> None:
    whole = begin == 0 and end == item.size
    limits = {} if whole else {"Range": f"bytes={begin}-{end - 1}"}
    answer = client.get_object(Bucket=bucket, Key=item.key, IfMatch=f'"{item.etag}"', **limits)
    sum_of_content = hashlib.md5(usedforsecurity=False)
    written = 0
    with closing(answer["Body"]), part.open("r+b") as file:
        file.seek(begin)
        for piece in _pieces(answer["Body"]):
            written += len(piece)
            if written > end - begin:
                break
            sum_of_content.update(piece)
            file.write(piece)
    if written != end - begin:
        raise _IncompleteError(f"{item.key}: S3 sent {begin + written:,} of {item.size:,} bytes")
    summed = whole and _MD5.fullmatch(item.etag) and answer.get("ServerSideEncryption") in _CIPHERS_THAT_KEEP_MD5
    if summed and sum_of_content.hexdigest() != item.etag:
        raise _IncompleteError(f"{item.key}: S3 sent another content than the listing announced")


def _pieces(body: Any) -> Iterator[bytes]:
    try:
        yield from body.iter_chunks(_PIECE)
    except ClientError:
        raise
    except (BotoCoreError, HTTPError, OSError) as error:
        # A body that ends early, a checksum that differs, a connection that breaks: the range is asked for again.
        raise _IncompleteError(f"the connection broke: {type(error).__name__}") from error
