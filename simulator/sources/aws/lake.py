"""CloudTrail Lake: the raw records of an event data store, one query for each day.

A query reads one day, because it is charged by the bytes that it scans, and may run for an hour only (AWS CloudTrail
User Guide, WhatIsCloudTrail-Limits). Its results stay at AWS for seven days: a run that was stopped asks for their
next page and does not query again. The column `eventjson` is the record as it was delivered.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from simulator.errors import ExitStatus, OrgsimError
from simulator.sources.aws.collector import Collected, Progress
from simulator.sources.aws.event_history import Clock
from simulator.sources.aws.failures import AWS_ERRORS, failure_of, redacted
from simulator.sources.aws.manifest import Manifest
from simulator.sources.aws.parallel import in_parallel
from simulator.sources.aws.session import Aws
from simulator.sources.aws.slices import DayFile, Done, State, is_settled

_AT_ONCE: Final = 4
_ROWS: Final = 1000
_LONGEST_PAUSE: Final = 10.0
_STORE: Final = re.compile(r"arn:[a-z-]+:cloudtrail:([a-z0-9-]+):\d{12}:eventdatastore/([0-9a-f-]{36})")
_UNDER_WAY: Final = ("QUEUED", "RUNNING")
_GONE: Final = ("QueryIdNotFoundException", "InactiveQueryException", "InvalidNextTokenException")


@dataclass(frozen=True, slots=True)
class Store:
    """An event data store."""

    region: str
    id: str


class _QueryError(Exception):
    """A query that CloudTrail gave up."""


@dataclass(slots=True)
class LakeCollected(Collected):
    """What a run brought; `scanned` bytes are what AWS charges for."""

    scanned: int = 0


def parse_store(arn: str) -> Store:
    """The store of an ARN. Raises `OrgsimError` (`aws-address`, status 2)."""
    found = _STORE.fullmatch(arn)
    if found is None:
        message = f"`{arn}` is not the ARN of an event data store (arn:aws:cloudtrail:…:eventdatastore/…)"
        raise OrgsimError("aws-address", message, status=ExitStatus.USAGE)
    return Store(found[1], found[2])


def statement(store: Store, day: date, accounts: tuple[str, ...], regions: tuple[str, ...]) -> str:
    """The query for one day. `accounts` and `regions` must be what they are called: they become part of it."""
    where = [f"eventtime >= '{day} 00:00:00'", f"eventtime < '{day + timedelta(days=1)} 00:00:00'"]
    for column, values in (("recipientaccountid", accounts), ("awsregion", regions)):
        if values:
            where.append(f"{column} IN ('" + "', '".join(values) + "')")
    return f"SELECT eventjson FROM {store.id} WHERE {' AND '.join(where)}"  # noqa: S608 (all parts are checked)


@dataclass(slots=True)
class _Query:
    client: Any
    clock: Clock
    scanned: int = 0

    def read(self, text: str, file: DayFile, settled: bool) -> State:
        """Bring all pages of a query. Raises what botocore raises, and `_QueryError`; what was read is kept."""
        state = file.state(settled)
        resumed = bool(state.query)
        while not state.complete:
            if not state.query:
                state = State(settled, query=self.client.start_query(QueryStatement=text)["QueryId"])
                file.note(state)
            try:
                page = self._page(state)
            except ClientError as error:
                if not resumed or error.response.get("Error", {}).get("Code") not in _GONE:
                    raise
                state, resumed = State(settled), False  # the result is not there any more: query again
                continue
            texts = [
                cell["eventjson"] for row in page.get("QueryResultRows") or () for cell in row if "eventjson" in cell
            ]
            state = file.add(texts, state, state.query, page.get("NextToken") or "")
            if state.complete:
                self.scanned += (page.get("QueryStatistics") or {}).get("BytesScanned") or 0
        return state

    def _page(self, state: State) -> dict[str, Any]:
        """The next page, as soon as the query has finished."""
        pause = 1.0
        more = {"NextToken": state.token} if state.token else {}
        while True:
            page: dict[str, Any] = self.client.get_query_results(QueryId=state.query, MaxQueryResults=_ROWS, **more)
            status = page.get("QueryStatus")
            if status == "FINISHED":
                return page
            if status not in _UNDER_WAY:
                raise _QueryError(f"the query ended as {status}: {redacted(page.get('ErrorMessage') or '')}")
            self.clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def collect_lake(
    aws: Aws,
    store: Store,
    accounts: tuple[str, ...],
    regions: tuple[str, ...],
    days: list[date],
    folder: Path,
    clock: Clock,
    progress: Progress,
) -> LakeCollected:
    """Bring the records of all days into `folder`; errors as `collect_history` has them."""
    done = LakeCollected()
    # Another choice of accounts or regions is another source: its days are others.
    source = " ".join((store.id, *sorted(accounts), *sorted(regions)))
    client = aws.client("cloudtrail", store.region)
    with Manifest(folder, f"lake {source}") as manifest:
        known = {row.slice: row for row in manifest.rows(Done)}
        place = folder / "lake" / manifest.path.stem

        def read(day: date) -> tuple[int, int, Exception | None]:
            earlier = known.get(str(day))
            if earlier is not None and earlier.settled:
                return 0, 0, None
            query = _Query(client, clock)
            file = DayFile(place / f"{day}.jsonl.gz")
            try:
                settled = is_settled(day, clock.now())
                state = query.read(statement(store, day, accounts, regions), file, settled)
            except (*AWS_ERRORS, _QueryError) as error:
                return 0, query.scanned, error
            file.finish(state)
            manifest.add(Done(str(day), state.events, state.settled))
            return state.events, query.scanned, None

        for day, (events, scanned, error) in zip(days, in_parallel(read, days, _AT_ONCE), strict=True):
            done.read += events
            done.scanned += scanned
            progress(done.read, 0)
            if isinstance(error, _QueryError):
                done.missing.append(f"{day}: {error}")
            elif error is not None:
                failure = failure_of(error)
                if failure.final:
                    raise failure.error()
                done.missing.append(f"{day}: {failure.text}")
        done.known = sum(row.events for row in known.values() if row.settled and row.slice in map(str, days))
    return done
