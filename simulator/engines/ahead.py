"""Fetching what is far away before its turn comes."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from simulator.replay.batch import Batch
from simulator.replay.reading import Numbered

if TYPE_CHECKING:
    from concurrent.futures import Future

_THREADS: Final = 16
_AHEAD: Final = 64


@runtime_checkable
class Far(Protocol):
    """A batch that can be brought near by another thread."""

    def fetch(self) -> None:
        """Bring it near; what cannot be had is left for `chunks` to tell."""
        ...


@contextmanager
def ahead(part: Numbered) -> Iterator[Iterable[tuple[int, Batch]]]:
    """The batches in their order; those of them that are far away are fetched while earlier ones are read.

    When the context ends, for whatever reason, nothing is being fetched any more.
    """
    if not any(isinstance(batch, Far) for _, batch in part):
        yield part
        return
    with closing(_fetched(part)) as batches:
        yield batches


def _fetched(part: Numbered) -> Generator[tuple[int, Batch], None, None]:
    # Imported here: what is at hand needs none of it.
    from concurrent.futures import ThreadPoolExecutor

    waiting: deque[tuple[int, Batch, Future[None]]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for number, batch in part:
                waiting.append((number, batch, pool.submit(batch.fetch if isinstance(batch, Far) else _nothing)))
                if len(waiting) > _AHEAD:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:
            for *_, future in waiting:
                future.cancel()


def _first(waiting: "deque[tuple[int, Batch, Future[None]]]") -> tuple[int, Batch]:
    number, batch, future = waiting.popleft()
    future.result()
    return number, batch


def _nothing() -> None:
    """What is at hand needs no fetching."""
