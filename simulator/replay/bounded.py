"""Folds of bounded size whose content depends on what was put in, never on the order or on how a log was cut."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Generic, TypeVar

Key = tuple[str, ...]
_Value = TypeVar("_Value")
_Rank = tuple[bytes, Key]


class Kept(Generic[_Value]):
    """Values by key, of the keys with the smallest ranks.

    A key's rank is a hash of its first text (or of all of them, `whole`), so what is kept is a fair sample, and keys
    with the same first text are kept or dropped together, in other maps of the same limit too. Once `limit` keys are
    known, a key of a larger rank can never come back: therefore folds of parts, cut anyhow, keep what a fold of the
    whole keeps. The map grows to twice its limit before it is cut; `settle` cuts it, and is called before reading.
    """

    __slots__ = ("_edge", "_whole", "entries", "limit")

    def __init__(self, limit: int, *, whole: bool = False) -> None:
        self.entries: dict[Key, _Value] = {}
        self.limit = limit
        self._whole = whole
        self._edge: _Rank | None = None

    @property
    def cut(self) -> bool:
        """Whether anything was dropped: exactly if there were more keys than the limit."""
        return self._edge is not None

    def takes(self, key: Key) -> bool:
        """Whether a new key may still be among the kept ones."""
        return self._edge is None or self._rank(key) <= self._edge

    def put(self, key: Key, value: _Value) -> list[tuple[Key, _Value]]:
        """Add a key that the map does not have and that it takes; returns what had to be dropped for it."""
        self.entries[key] = value
        return self.settle() if 2 * len(self.entries) > 3 * self.limit else []

    def settle(self) -> list[tuple[Key, _Value]]:
        """Cut the map to its limit; returns what was dropped."""
        if len(self.entries) <= self.limit:
            return []
        ranks = sorted(self._rank(key) for key in self.entries)
        self._edge = ranks[self.limit - 1]
        return [(key, self.entries.pop(key)) for _, key in ranks[self.limit :]]

    def lower_edge(self, other: "Kept[_Value]") -> None:
        """Before the entries of another map are added: take none that the other would not have kept."""
        if other._edge is not None and (self._edge is None or other._edge < self._edge):
            self._edge = other._edge

    def in_order(self) -> Iterator[tuple[Key, _Value]]:
        """What is kept, smallest key first."""
        return iter(sorted(self.entries.items(), key=lambda each: each[0]))

    def _rank(self, key: Key) -> _Rank:
        text = "\x00".join(key) if self._whole else key[0]
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), key


def widened(first: str, last: str, time: str | None) -> tuple[str, str]:
    """The window that also holds `time`; `""` and `None` are no time."""
    if not time:
        return first, last
    return (time if not first or time < first else first), max(time, last)
