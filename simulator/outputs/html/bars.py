"""The timeline of the page: few enough bars, all of one width."""

from datetime import date, timedelta
from typing import Any, Final

from simulator.replay.timeline import Timeline

_MOST: Final = 130
"""Bars, with the gaps between them; a longer timeline is drawn in larger steps."""

_DAYS: Final = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.0, "year": 365.0}
"""What a bar stands for, and how many days that is, more or less."""


def bars_of(timeline: Timeline) -> dict[str, Any]:
    """`step` (hour, day, week, month or year), `bars` (start, and calls by the outcome's gravity), `undated` calls.

    A week is named by its Monday.
    """
    buckets = timeline.items()
    dated = [(bucket, counts) for bucket, counts in buckets if bucket]
    step = _step(timeline.unit, dated[0][0], dated[-1][0]) if dated else timeline.unit
    bars: dict[str, dict[int, int]] = {}
    for bucket, counts in dated:
        bar = bars.setdefault(_start(bucket, step), {})
        for outcome, count in counts.items():
            bar[outcome.gravity] = bar.get(outcome.gravity, 0) + count
    undated = sum(sum(counts.values()) for bucket, counts in buckets if not bucket)
    return {"step": step, "bars": sorted(bars.items()), "undated": undated}


def _step(unit: str, first: str, last: str) -> str:
    """The finest step that is known and gives few enough bars."""
    days = _day(last) - _day(first) + 1
    known = (step for step in _DAYS if _DAYS[step] >= _DAYS[unit])
    return next((step for step in known if days / _DAYS[step] <= _MOST), "year")


def _day(bucket: str) -> float:
    """The number of a bucket's day, more or less: the digits of a hostile time need not be a date."""
    return int(bucket[:4]) * 365 + int(bucket[5:7] or 1) * 30.5 + int(bucket[8:10] or 1)


def _start(bucket: str, step: str) -> str:
    match step:
        case "hour":
            return bucket
        case "week":
            try:
                day = date.fromisoformat(bucket[:10])
                return (day - timedelta(days=day.weekday())).isoformat()
            except (ValueError, OverflowError):  # no such day, or a Monday before all dates
                return bucket[:10]
        case "month":
            return bucket[:7]
        case "year":
            return bucket[:4]
    return bucket[:10]
