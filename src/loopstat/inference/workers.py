"""Many pieces of work at once, in threads or processes: the same results either way, in the order of the work."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what)."""

PATIENCE = 1.0  # seconds of work done here before processes are started: small analyses do not pay for them

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Job(Protocol, Generic[T_co]):
    """A piece of work."""

    @property
    def label(self) -> str:
        """Its name, for whoever waits."""
        ...

    @property
    def size(self) -> int:
        """How long it takes beside others; the largest are handed out first."""
        ...

    def run(self, progress: Progress | None = None) -> T_co:
        """Return what comes of it; `progress` hears of its stages."""
        ...


def run_all(
    jobs: Sequence[Job[T]],
    *,
    mode: Literal["process", "thread"],
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[T]:
    """Do every piece of work; what comes back is the same whatever the number of workers.

    Parameters
    ----------
    jobs : sequence of Job
    mode : str
        `process` for work that holds the interpreter; it must survive pickling. `thread` for work that does not: the
        first piece is then done alone, so that nothing is compiled twice.
    workers : int, optional
        Default: as many as there are cores; processes only once the work done here has taken a second.
    progress : callable, optional
        Called with (done, total, label) before each piece and each stage of it, or when one comes back.
    """
    tell = progress or silent
    done: list[T] = []
    begun = time.monotonic()
    for k, job in enumerate(jobs):
        tell(k, len(jobs), job.label)
        if (k > 0) if mode == "thread" else _pays(len(jobs) - k, workers, time.monotonic() - begun):
            break
        done.append(job.run(_staged(tell, k, len(jobs), job.label)))
    if left := jobs[len(done) :]:
        done += _elsewhere(left, mode, workers, lambda n, label: tell(len(jobs) - len(left) + n, len(jobs), label))
    tell(len(jobs), len(jobs), "")
    return done


def silent(done: int, total: int, what: str) -> None:
    """Tell nobody."""


def _pays(left: int, workers: int | None, seconds: float) -> bool:
    """Return whether processes are worth their start."""
    import multiprocessing

    if left < 2 or workers == 1 or multiprocessing.current_process().daemon:
        return False
    if workers is not None:
        return True
    # A fork copies no thread but its own, and a spawned process runs an unguarded script again: only on request then.
    forks = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
    return forks and cores() > 1 and seconds > PATIENCE


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _staged(tell: Progress, done: int, total: int, label: str) -> Progress:
    return lambda stage, stages, what: tell(done, total, f"{label} ({what})")


def _elsewhere(jobs: Sequence[Job[T]], mode: str, workers: int | None, finished: Callable[[int, str], None]) -> list[T]:
    """Do work in other threads or processes, largest first."""
    import pickle
    from concurrent.futures import as_completed

    out: dict[int, T] = {}
    with _executor(mode, min(workers or cores(), len(jobs))) as pool:
        order = sorted(range(len(jobs)), key=lambda k: -jobs[k].size)
        run: Callable[[Job[T]], Any] = _run if mode == "thread" else _packed
        futures = {pool.submit(run, jobs[k]): k for k in order}
        try:
            for future in as_completed(futures):
                k = futures[future]
                found = future.result()
                out[k] = found if mode == "thread" else pickle.loads(found)  # noqa: S301 - written by our own process
                finished(len(out), jobs[k].label)
        except BaseException:  # a job failed, or whoever was told called it off: what has not begun never does
            pool.shutdown(cancel_futures=True)
            raise
    return [out[k] for k in range(len(jobs))]


def _executor(mode: str, workers: int) -> Executor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

    if mode == "thread":
        return ThreadPoolExecutor(workers)
    method = "fork" if threading.active_count() == 1 and hasattr(os, "fork") else "spawn"
    return ProcessPoolExecutor(workers, multiprocessing.get_context(method))


def _run(job: Job[T]) -> T:
    return job.run()


def _packed(job: Job[Any]) -> bytes:
    import pickle

    return pickle.dumps(job.run(), protocol=5)  # this protocol keeps arrays read-only
