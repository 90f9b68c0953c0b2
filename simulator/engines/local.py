"""Two passes over a log on this machine: in this process, or split over worker processes by batch."""

from collections.abc import Callable, Sequence
from signal import SIG_IGN, SIGINT, signal
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from simulator.decision.facts import Facts
from simulator.engines.ahead import Far, ahead
from simulator.iam.catalog import Catalog
from simulator.replay.batch import Batch
from simulator.replay.impact import Impact
from simulator.replay.reading import Numbered, Ordered, Progress, folder_accounts
from simulator.replay.replayer import Question, Replayer
from simulator.replay.survey import Survey

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

    from simulator.replay.usage import Usage, UsageQuestion

_PARTS_PER_WORKER = 4
"""Smaller parts than workers let a slow file hold up less, and let progress be seen."""

_WORTH_PROCESSES = 16 << 20
"""Stored bytes below which starting processes costs more than it saves."""

_FETCHING = 64 << 10
"""Fetching an object from far away costs as much as reading so many stored bytes."""

_Result = TypeVar("_Result")


def sensible_workers(batches: Sequence[Batch], cores: int) -> int:
    """How many workers to use where nobody said: all cores, but one for little work."""
    work = sum(batch.size + (_FETCHING if isinstance(batch, Far) else 0) for batch in batches)
    return cores if work >= _WORTH_PROCESSES else 1


def replay(question: Question, batches: Sequence[Batch], catalog: Catalog, workers: int, progress: Progress) -> Impact:
    """The impact of all batches; the same, to the byte of any report, for any number of workers.

    `progress` is called with stored bytes; every batch counts twice (survey, then judgement).
    """
    return _run(Replayer, question, batches, catalog, workers, progress)


def count_usage(
    question: "UsageQuestion", batches: Sequence[Batch], catalog: Catalog, workers: int, progress: Progress
) -> "Usage":
    """Who uses the actions asked for; `workers` and `progress` as for `replay`."""
    # Imported here: a replay needs none of it.
    from simulator.replay.usage import UsageCounter

    return _run(UsageCounter, question, batches, catalog, workers, progress)


class _Fold(Protocol):
    """What judging gives: parts add up."""

    def merge(self, other: Self, /) -> None: ...


_Folded = TypeVar("_Folded", bound=_Fold)
_Given = TypeVar("_Given", bound=_Fold, covariant=True)


class _Passes(Protocol[_Given]):
    """Two passes over a log: `Replayer`, `UsageCounter`."""

    facts: Facts

    def survey(self, batches: Ordered, progress: Progress = ..., /) -> Survey: ...

    def judge(
        self, survey: Survey, folder_accounts: frozenset[str], batches: Ordered, progress: Progress = ..., /
    ) -> _Given: ...


_Asked = TypeVar("_Asked")
_Maker = Callable[[_Asked, Catalog], _Passes[_Folded]]
"""Makes the passes that answer a question: a class, which travels to other processes by its name."""


def _run(
    maker: _Maker[_Asked, _Folded],
    question: _Asked,
    batches: Sequence[Batch],
    catalog: Catalog,
    workers: int,
    progress: Progress,
) -> _Folded:
    passes = maker(question, catalog)
    numbered = list(enumerate(batches))
    if workers <= 1 or len(batches) < 2:
        with ahead(numbered) as near:
            survey = passes.survey(near, progress)
        survey.close()
        with ahead(numbered) as near:
            return passes.judge(survey, folder_accounts(passes.facts, batches), near, progress)
    # Imported here: one process needs none of it.
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import active_children, get_context

    parts = _balanced(numbered, workers * _PARTS_PER_WORKER)
    folders = folder_accounts(passes.facts, batches)
    # A fresh interpreter, not a fork: threads of a progress bar must not be copied mid-step.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent)
    try:
        survey = Survey()
        for part in _in_order(pool, [(_survey, (maker, question, catalog, part)) for part in parts], parts, progress):
            survey.merge(part)
        survey.close()
        calls = [(_judge, (maker, question, catalog, survey, folders, part)) for part in parts]
        results: list[_Folded] = _in_order(pool, calls, parts, progress)
        folded = results[0]
        for other in results[1:]:
            folded.merge(other)
    except BaseException:
        # Ctrl-C, or an error: what runs is of no use any more, and may take long.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in active_children():
            worker.terminate()
        raise
    pool.shutdown()
    return folded


def _leave_interrupts_to_the_parent() -> None:
    # Ctrl-C reaches every process of a terminal; the parent ends its workers itself.
    signal(SIGINT, SIG_IGN)


def _in_order(
    pool: "ProcessPoolExecutor",
    calls: Sequence[tuple[Callable[..., _Result], tuple[object, ...]]],
    parts: Sequence[Numbered],
    progress: Progress,
) -> list[_Result]:
    futures: list[Future[_Result]] = [pool.submit(function, *arguments) for function, arguments in calls]
    results = []
    for future, part in zip(futures, parts, strict=True):
        results.append(future.result())
        for _, batch in part:
            progress(batch.size)
    return results


def _survey(maker: _Maker[_Asked, _Folded], question: _Asked, catalog: Catalog, part: Numbered) -> Survey:
    with ahead(part) as near:
        return maker(question, catalog).survey(near)


def _judge(
    maker: _Maker[_Asked, _Folded],
    question: _Asked,
    catalog: Catalog,
    survey: Survey,
    folders: frozenset[str],
    part: Numbered,
) -> _Folded:
    with ahead(part) as near:
        return maker(question, catalog).judge(survey, folders, near)


def _balanced(batches: Sequence[tuple[int, Batch]], count: int) -> list[Numbered]:
    """At most `count` parts of about equal stored size; the largest batches are dealt first."""
    count = min(count, len(batches))
    parts: list[list[tuple[int, Batch]]] = [[] for _ in range(count)]
    sizes = [0] * count
    for numbered in sorted(batches, key=lambda each: (-each[1].size, each[0])):
        smallest = sizes.index(min(sizes))
        parts[smallest].append(numbered)
        # An empty file costs something too.
        sizes[smallest] += numbered[1].size + 1
    return [sorted(part, key=lambda each: each[0]) for part in parts]
