"""Logs wherever they are: files and folders on disk, `s3://` addresses."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from simulator.replay.batch import Batch
from simulator.sources.files import SkippedFile, find_batches


@contextmanager
def find_logs(
    places: Sequence[str], since: str = "", until: str = ""
) -> Iterator[tuple[list[Batch], list[SkippedFile]]]:
    """All logs at and below the places, files before objects, and what was left out; as long as the context lasts.

    `since` and `until` are times in the form of CloudTrail: S3 folders of days outside are not even listed. Objects
    are read with the credentials that the AWS CLI would use. Raises `OrgsimError` for a place that does not exist or
    cannot be listed.
    """
    urls = [place for place in places if place.startswith("s3://")]
    batches, skipped = find_batches([Path(place) for place in places if not place.startswith("s3://")])
    if not urls:
        yield batches, skipped
        return
    # Only here: loading the AWS SDK takes longer than most commands.
    import tempfile
    from datetime import date

    from simulator.sources.aws.session import Login
    from simulator.sources.aws.stream import find_objects
    from simulator.sources.aws.trail_bucket import Wanted

    first, last = (date.fromisoformat(time[:10]) if time else None for time in (since, until))
    wanted = Wanted(first=first, last=last)
    with tempfile.TemporaryDirectory(prefix="orgsim-", ignore_cleanup_errors=True) as spool:
        objects, left_out = find_objects(urls, Login(), wanted, Path(spool))
        yield [*batches, *objects], [*skipped, *left_out]
