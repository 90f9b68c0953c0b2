"""Calls by outcome over the time of their events: by the hour, or coarser where a log is so long that hours are many.

What is kept depends on the calls alone, not on their order nor on how the log was cut into parts: the step from hours
to days is taken if, and only if, the whole log has more hours than fit.
"""

import re
from typing import Final

from simulator.replay.outcome import Outcome

BUCKETS: Final = 3_000
"""Distinct hours, days or months kept; 125 days of hours, 8 years of days."""

UNITS: Final = {13: "hour", 10: "day", 7: "month", 4: "year"}
"""What a bucket is, by how many characters of an ISO-8601 time name it."""

_HOUR: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}")


class Timeline:
    """Counts by bucket and outcome. A bucket is the start of an ISO-8601 time, `""` where a record had none."""

    __slots__ = ("counts", "width")

    def __init__(self) -> None:
        self.width = 13
        self.counts: dict[str, dict[Outcome, int]] = {}

    @property
    def unit(self) -> str:
        """`hour`, `day`, `month` or `year`."""
        return UNITS[self.width]

    def add(self, time: str | None, outcome: Outcome) -> None:
        """Count one call."""
        # Any text may stand in a log's eventTime; only what begins as a time does names a bucket.
        self._count(time[: self.width] if time and _HOUR.match(time) else "", outcome, 1)

    def merge(self, other: "Timeline") -> None:
        """Add the counts of another part of the log."""
        self._coarsen(other.width)
        for bucket, counts in other.counts.items():
            for outcome, count in counts.items():
                self._count(bucket[: self.width], outcome, count)

    def items(self) -> list[tuple[str, dict[Outcome, int]]]:
        """The buckets with their counts, earliest first; calls without a time stand in front."""
        return sorted(self.counts.items())

    def _count(self, bucket: str, outcome: Outcome, count: int) -> None:
        counts = self.counts.setdefault(bucket, {})
        counts[outcome] = counts.get(outcome, 0) + count
        # Years are few: there are no more than four digits of them.
        while len(self.counts) - ("" in self.counts) > BUCKETS and self.width > min(UNITS):
            self._coarsen(max(width for width in UNITS if width < self.width))

    def _coarsen(self, width: int) -> None:
        if width >= self.width:
            return
        fine, self.counts, self.width = self.counts, {}, width
        for bucket, counts in fine.items():
            kept = self.counts.setdefault(bucket[:width], {})
            for outcome, count in counts.items():
                kept[outcome] = kept.get(outcome, 0) + count
