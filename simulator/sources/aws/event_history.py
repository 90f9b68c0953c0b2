"""CloudTrail's Event History: management events of the last 90 days, by account and region.

Two requests a second for each account and region (AWS CloudTrail API Reference, LookupEvents): a token is taken for
every request that goes out, repeated ones too.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from simulator.sources.aws.collector import Collected, Progress
from simulator.sources.aws.failures import AWS_ERRORS, failure_of
from simulator.sources.aws.manifest import Manifest
from simulator.sources.aws.parallel import in_parallel
from simulator.sources.aws.rate_limit import TokenBucket
from simulator.sources.aws.session import Aws
from simulator.sources.aws.slices import DayFile, Done, State, is_settled

DAYS: Final = 90
_RATE: Final = 2.0
_AT_ONCE: Final = 8
_WRONG_TOKEN: Final = ("InvalidNextTokenException", "InvalidNextToken")


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as it passes, for tests to replace."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class _Region:
    """The history of one account and region."""

    client: Any
    account: str
    region: str
    folder: Path
    clock: Clock

    def read(self, day: date, notes: Callable[[Done], None]) -> int:
        """Bring one day; the number of its events. Raises what botocore raises; what was read is kept."""
        file = DayFile(self.folder / f"{day}.jsonl.gz")
        settled = is_settled(day, self.clock.now())
        state = file.state(settled)
        begun_anew = not state.token
        while not state.complete:
            try:
                page = self._page(day, state.token)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _WRONG_TOKEN or begun_anew:
                    raise
                # The place in the pages is not known any more: read the day from its beginning.
                state, begun_anew = State(settled), True
                continue
            texts = [row["CloudTrailEvent"] for row in page.get("Events") or () if row.get("CloudTrailEvent")]
            state = file.add(texts, state, "", page.get("NextToken") or "")
        file.finish(state)
        notes(Done(f"{self.account}/{self.region}/{day}", state.events, state.settled))
        return state.events

    def _page(self, day: date, token: str) -> Mapping[str, Any]:
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        more = {"NextToken": token} if token else {}
        # Both ends are included, and times are whole seconds.
        end = begin + timedelta(days=1, seconds=-1)
        page: Mapping[str, Any] = self.client.lookup_events(StartTime=begin, EndTime=end, MaxResults=50, **more)
        return page


def collect_history(
    accounts: Mapping[str, Aws], regions: list[str], days: list[date], folder: Path, clock: Clock, progress: Progress
) -> Collected:
    """Bring the history of every account and region into `folder`, day by day.

    A region that refuses is told by `missing`. Raises `OrgsimError` if no further call can succeed; what was brought
    until then is kept, and counts when called again.
    """
    done = Collected()
    with Manifest(folder, "event-history") as manifest:
        known = {row.slice: row for row in manifest.rows(Done)}

        def read(pair: tuple[str, str]) -> tuple[list[int], Exception | None]:
            account, region = pair
            client = accounts[account].client("cloudtrail", region)
            bucket = TokenBucket(_RATE, clock.monotonic, clock.sleep)
            # On every request that is sent, not on every call: a call may be repeated.
            client.meta.events.register("before-send.cloudtrail.LookupEvents", lambda **_: bucket.take())
            place = _Region(client, account, region, folder / "event-history" / account / region, clock)
            counts: list[int] = []
            for day in days:
                earlier = known.get(f"{account}/{region}/{day}")
                if earlier is None or not earlier.settled:
                    try:
                        counts.append(place.read(day, manifest.add))
                    except AWS_ERRORS as error:
                        return counts, error
            return counts, None

        pairs = [(account, region) for account in accounts for region in regions]
        for (account, region), (counts, error) in zip(pairs, in_parallel(read, pairs, _AT_ONCE), strict=True):
            done.read += sum(counts)
            progress(done.read, 0)
            if error is not None:
                failure = failure_of(error)
                if failure.final:
                    raise failure.error()
                done.missing.append(f"{account} {region}: {failure.text}")
        wanted = {f"{account}/{region}/{day}" for account, region in pairs for day in days}
        done.known = sum(row.events for row in known.values() if row.settled and row.slice in wanted)
    return done


def enabled_regions(aws: Aws) -> list[str]:
    """The regions that are switched on in the account. Raises `OrgsimError`."""
    try:
        rows = aws.client("ec2").describe_regions()["Regions"]
    except AWS_ERRORS as error:
        raise failure_of(error).error() from error
    return sorted(row["RegionName"] for row in rows)
