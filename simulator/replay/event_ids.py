"""Which event ids stand in several batches: ids are held compactly, and compared within the hour of their events.

Copies of a record share its time (AWS CloudTrail User Guide, cloudtrail-event-reference-record-contents: `eventID` is
unique per event), so only ids of the same hour need to be compared. A usual id takes 16 bytes until then.
"""

import re
from collections.abc import Sequence
from operator import attrgetter
from struct import iter_unpack
from typing import Any, Final

from simulator.cloudtrail.record import Record

_ID, _TIME = map(attrgetter, ("event_id", "event_time"))
_HOUR: Final = len("2026-09-30T12")
_PACKED: Final = "16s"
_USUAL: Final = re.compile(r"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\n)*+")

Mark = tuple[str | None, str]
"""What copies of a record have in common: its id, and the hour of its event."""

_Id = str | tuple[Any, ...]


def marks(records: Sequence[Record]) -> list[Mark]:
    """The marks of records, in their order."""
    return [
        (event, time[:_HOUR] if time else "")
        for event, time in zip(map(_ID, records), map(_TIME, records), strict=True)
    ]


class EventIds:
    """Ids by the hour of their event and by batch."""

    __slots__ = ("_hours",)

    def __init__(self) -> None:
        # hour -> batch -> ids: the usual ones packed one after the other, all others as they are
        self._hours: dict[str, dict[int, tuple[bytearray, list[str]]]] = {}

    def add(self, records: Sequence[Record], batch: int) -> None:
        """Note the ids of records of one batch."""
        hours: dict[str, list[str]] = {}
        for event, hour in marks(records):
            if event is not None:
                if hour in hours:
                    hours[hour].append(event)
                else:
                    hours[hour] = [event]
        for hour, events in hours.items():
            packed, others = self._hours.setdefault(hour, {}).setdefault(batch, (bytearray(), []))
            text = "\n".join((*events, ""))
            if _USUAL.fullmatch(text):
                packed += bytes.fromhex(text.replace("-", "").replace("\n", ""))
            else:
                others += events

    def merge(self, other: "EventIds") -> None:
        """Add the ids of other batches."""
        for hour, batches in other._hours.items():
            self._hours.setdefault(hour, {}).update(batches)

    def repeated(self) -> dict[Mark, int]:
        """The marks that stand in several batches, each with the first of these."""
        found: dict[Mark, int] = {}
        for hour, batches in self._hours.items():
            if len(batches) > 1:
                found |= {(event, hour): batch for event, batch in _repeated(batches).items()}
        return found


def _repeated(batches: dict[int, tuple[bytearray, list[str]]]) -> dict[str, int]:
    seen: set[_Id] = set()
    again: set[_Id] = set()
    for packed, others in batches.values():
        here: set[_Id] = {*iter_unpack(_PACKED, packed), *others}
        again |= here & seen
        seen |= here
    first: dict[str, int] = {}
    if again:
        for batch in sorted(batches):
            packed, others = batches[batch]
            for event in again.intersection((*iter_unpack(_PACKED, packed), *others)):
                first.setdefault(event if isinstance(event, str) else _text(event[0]), batch)
    return first


def _text(packed: bytes) -> str:
    digits = packed.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
