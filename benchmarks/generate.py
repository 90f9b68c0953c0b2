"""Writes the benchmark's trail: the same bytes for the same number of records, made once and kept.

File k belongs to account k modulo 40 and holds 2,500 records of about 1.45 KB, whatever the size of the trail, so a
larger trail begins with the files of a smaller one. As in real trails a few records are delivered twice, and calls
across accounts are logged for both accounts with one `sharedEventID`.
"""

import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Final

from isal import igzip

from benchmarks.events import GLOBAL, JOBS, SERVICE_CALLS, template
from benchmarks.world import ACCOUNTS, ORGANIZATION, REGIONS, roles

FILE_RECORDS: Final = 2_500
TINY: Final = 10
"""Records of the trail that measures what a command costs apart from its records; they lie in two files."""

_VERSION: Final = 2
"""Raise it when the records change: kept trails are made anew."""

_REPEATS: Final = 3
_PAIRS: Final = 5
_BEGIN: Final = datetime(2026, 9, 1, tzinfo=UTC)
_ROUND: Final = timedelta(hours=6)
"""Every account has one file in this time."""

_DELIVERY: Final = timedelta(minutes=9)
"""The records of a file happen within this time, but for a few that come late."""

_HEX: Final = 112
"""Hexadecimal digits that one record uses."""


def trail(records: int, folder: Path, workers: int = 2) -> Path:
    """The folder of the trail with this many records (`TINY`, or a multiple of 2,500), made if it is not there."""
    place = folder / f"trail-{records}"
    manifest = place / "manifest.json"
    files = _files(records)
    wanted = {"version": _VERSION, "records": records, "files": len(files)}
    if manifest.exists() and json.loads(manifest.read_text()).items() >= wanted.items():
        return place / "logs"
    shutil.rmtree(place, ignore_errors=True)
    with ProcessPoolExecutor(workers) as pool:
        sizes = list(pool.map(_write, [place / "logs"] * len(files), *zip(*files, strict=True), chunksize=4))
    stored, inflated = map(sum, zip(*sizes, strict=True))
    manifest.write_text(json.dumps({**wanted, "stored_bytes": stored, "inflated_bytes": inflated}))
    return place / "logs"


def manifest_of(logs: Path) -> dict[str, int]:
    """What is known of a trail: records, files, stored and inflated bytes."""
    found: dict[str, int] = json.loads((logs.parent / "manifest.json").read_text())
    return found


def file_text(number: int, count: int) -> str:
    """The JSON text of file `number`, with `count` records."""
    return '{"Records":[' + ",".join(_records(number, count)) + "]}"


def file_name(number: int) -> str:
    """The path of file `number` below the folder of the trail, as CloudTrail names it."""
    account, region, begin = ACCOUNTS[number % len(ACCOUNTS)], _region(number), _begin(number)
    mark = hashlib.sha256(str(number).encode()).hexdigest()[:16]
    stamp = (begin + _DELIVERY).strftime("%Y%m%dT%H%MZ")
    folder = f"AWSLogs/{ORGANIZATION}/{account}/CloudTrail/{region}/{begin:%Y/%m/%d}"
    return f"{folder}/{account}_CloudTrail_{region}_{stamp}_{mark}.json.gz"


def _files(records: int) -> list[tuple[int, int]]:
    """Numbers of files with the counts of their records."""
    if records == TINY:
        return [(0, TINY // 2), (1, TINY // 2)]
    if records % FILE_RECORDS:
        raise SystemExit(f"the number of records must be a multiple of {FILE_RECORDS:,}")
    return [(number, FILE_RECORDS) for number in range(records // FILE_RECORDS)]


def _write(folder: Path, number: int, count: int) -> tuple[int, int]:
    """Write one file; its stored and inflated bytes."""
    data = file_text(number, count).encode()
    stored = igzip.compress(data, 2, mtime=0)
    path = folder / file_name(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored)
    return len(stored), len(data)


def _region(number: int) -> str:
    """An account's files come from one region for two rounds, then from the next."""
    return REGIONS[(number * 7 + number // (2 * len(ACCOUNTS))) % len(REGIONS)]


def _begin(number: int) -> datetime:
    """When the records of a file begin."""
    turn, account = divmod(number, len(ACCOUNTS))
    return _BEGIN + turn * _ROUND + account * _DELIVERY


@lru_cache(maxsize=4)
def _templates(account: int, region: str) -> tuple[list[str], list[float]]:
    """All records that an account may write in a region, with their cumulative weights."""
    found: list[tuple[str, float]] = []
    for number, role in enumerate(roles(account)):
        kinds = {kind: weight for kind, weight in JOBS[role.job].items() if region == "us-east-1" or kind not in GLOBAL}
        total = sum(kinds.values())
        # Some roles are busy, most are not.
        share = 1 / (1 + number % 8) if role.job != "linked" else 0.3
        for kind, weight in kinds.items():
            text = template(kind, role, ACCOUNTS[account], region, number)
            found.append((text, share * weight / total))
    for kind, weight in SERVICE_CALLS.items():
        found.append((template(kind, None, ACCOUNTS[account], region, 0), weight / 100))
    return [text for text, _ in found], list(accumulate(weight for _, weight in found))


def _records(number: int, count: int) -> Iterator[str]:
    turn, account = divmod(number, len(ACCOUNTS))
    region = _region(number)
    extra: list[str] = []
    if count == FILE_RECORDS:
        # Delivered twice: some records in one file, some again in this account's next file.
        extra += _own(f"repeat/{number}", account, region, _begin(number), _REPEATS)
        extra.append(extra[0])
        if turn % 2:
            before = number - len(ACCOUNTS)
            extra += _own(f"repeat/{before}", account, _region(before), _begin(before), _REPEATS)
        for caller in (number, number - 1 if account else number + len(ACCOUNTS) - 1):
            extra += _pairs(caller, ACCOUNTS[account])
    yield from _own(f"file/{number}", account, region, _begin(number), count - len(extra))
    yield from extra


def _pairs(caller: int, recipient: str) -> Iterator[str]:
    """One account's copies of the calls that file `caller` makes into the next account."""
    account, region = caller % len(ACCOUNTS), _region(caller)
    text = template("assume", roles(account)[16], ACCOUNTS[account], region, 0)
    own = ACCOUNTS[account]
    chance = random.Random(f"pair/{caller}")
    for values in _values(chance, _begin(caller), _PAIRS):
        record = json.loads(text % values)
        record["sharedEventID"] = str(values["rid"])
        if recipient != own:
            record["eventID"] = str(values["eid"])[::-1]
            record["recipientAccountId"] = recipient
            identity = record["userIdentity"]
            record["userIdentity"] = {
                "type": "AWSAccount", "principalId": identity["principalId"], "accountId": identity["accountId"]
            }  # fmt: skip
        yield json.dumps(record, separators=(",", ":"))


def _own(seed: str, account: int, region: str, begin: datetime, count: int) -> Iterator[str]:
    """Records that an account writes in a region."""
    chance = random.Random(seed)
    texts, weights = _templates(account, region)
    chosen = chance.choices(texts, cum_weights=weights, k=count)
    for text, values in zip(chosen, _values(chance, begin, count), strict=True):
        yield text % values


def _values(chance: random.Random, begin: datetime, count: int) -> Iterator[dict[str, str]]:
    """What differs from record to record."""
    digits = chance.randbytes(count * _HEX // 2).hex()
    day = f"{begin:%Y/%m/%d}"
    seconds = int(_DELIVERY.total_seconds())
    times = [(begin + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ") for second in range(seconds)]
    late = [(begin - timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ") for minute in range(120)]
    issued = "ASIA" + digits[:16].upper()
    place, follows = 0, False
    for _ in range(count):
        d = digits[place : place + _HEX]
        place += _HEX
        dice, second = int(d[:4], 16), int(d[4:8], 16)
        akid = "ASIA" + d[8:24].upper()
        yield {
            "eid": f"{d[:8]}-{d[8:12]}-4{d[12:15]}-8{d[15:18]}-{d[18:30]}",
            "rid": f"{d[30:38]}-{d[38:42]}-4{d[42:45]}-8{d[45:48]}-{d[48:60]}",
            "time": late[second % 120] if dice % 50 == 0 else times[second % seconds],
            "net": _network(d, dice),
            "day": day,
            "session": d[60:92],
            # A third of the calls come from a session that an earlier AssumeRole of this file may have made.
            "akid": issued if follows else akid,
            "key": d[80:112],
            "issued": issued,
            "error": _error(second),
        }
        follows = dice % 3 == 0
        if not follows:
            issued = "ASIA" + d[92:108].upper()


def _network(digits: str, dice: int) -> str:
    """Where a call comes from: addresses of the ranges for benchmarks and documentation, endpoints, IPv6."""
    kind = dice % 10
    if kind < 6:
        host = int(digits[20:26], 16) % 131072
        return f'"sourceIPAddress":"198.{18 + (host >> 16)}.{host >> 8 & 255}.{host & 255}"'
    if kind < 8:
        host = int(digits[20:26], 16)
        address = f"10.{host >> 16}.{host >> 8 & 255}.{host & 255}"
        return f'"sourceIPAddress":"{address}","vpcEndpointId":"vpce-0bench00000000{dice % 7}"'
    if kind == 8:
        groups = ":".join(digits[each : each + 4] for each in range(20, 44, 4))
        return f'"sourceIPAddress":"2001:db8:{groups}"'
    return f'"sourceIPAddress":"203.0.113.{dice % 256}"'


def _error(dice: int) -> str:
    if dice % 50 == 1:
        return '"errorCode":"AccessDenied","errorMessage":"Access Denied",'
    return '"errorCode":"ThrottlingException","errorMessage":"Rate exceeded",' if dice % 300 == 2 else ""
