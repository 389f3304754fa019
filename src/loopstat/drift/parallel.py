"""Many groups at once: each is fitted in a process of its own where that pays, with the same figures either way."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np

from ..inference.resample import Resampling
from ..panel.panel import Panel
from .fit import LinearDriftFit
from .settings import LinearDrift

Progress = Callable[[int, int, str], None]

PATIENCE = 1.0  # seconds of work done here before processes are started: small analyses do not pay for them


@dataclass(frozen=True)
class Job:
    """One group to fit; its folds depend on the seed and the label only."""

    estimator: LinearDrift
    panel: Panel
    resampling: Resampling
    seed: int
    label: str

    def fit(self, progress: Callable[[str], None] | None = None) -> LinearDriftFit:
        """Fit the group."""
        from threadpoolctl import threadpool_limits

        rng = np.random.default_rng([self.seed, *self.label.encode()])
        # One thread, here as in other processes: how many share a sum decides its last digit.
        with threadpool_limits(1):
            return self.estimator.fit(
                self.panel, rng=rng, resampling=self.resampling, label=self.label, progress=progress
            )


def fit_all(jobs: Sequence[Job], *, workers: int | None, progress: Progress | None) -> list[LinearDriftFit]:
    """Fit every group; the figures are the same whatever the number of workers.

    Parameters
    ----------
    jobs : sequence of Job
    workers : int, optional
        Processes. Default: as many as there are cores, once the groups fitted here have taken a second.
    progress : callable, optional
        Called with (done, total, label) before each group and each stage of it, or when one comes back from a process.
    """
    tell = progress or (lambda done, total, label: None)
    done: list[LinearDriftFit] = []
    begun = time.monotonic()
    for k, job in enumerate(jobs):
        tell(k, len(jobs), job.label)
        if _worth_it(len(jobs) - k, workers, time.monotonic() - begun):
            break
        done.append(job.fit(_staged(tell, k, len(jobs), job.label)))
    done += _elsewhere(jobs[len(done) :], workers, lambda n, label: tell(len(done) + n, len(jobs), label))
    tell(len(jobs), len(jobs), "")
    return done


def _worth_it(left: int, workers: int | None, seconds: float) -> bool:
    if left < 2 or workers == 1 or multiprocessing.current_process().daemon:
        return False
    if workers is not None:
        return True
    # A fork copies no thread but its own, and a spawned process runs an unguarded script again: only on request then.
    forks = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
    return forks and _cores() > 1 and seconds > PATIENCE


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _staged(tell: Progress, done: int, total: int, label: str) -> Callable[[str], None]:
    return lambda stage: tell(done, total, f"{label} ({stage})")


def _elsewhere(jobs: Sequence[Job], workers: int | None, finished: Callable[[int, str], None]) -> list[LinearDriftFit]:
    """Fit groups in other processes, largest first."""
    if not jobs:
        return []
    method = "fork" if threading.active_count() == 1 and hasattr(os, "fork") else "spawn"
    out: dict[int, LinearDriftFit] = {}
    with ProcessPoolExecutor(min(workers or _cores(), len(jobs)), multiprocessing.get_context(method)) as pool:
        order = sorted(range(len(jobs)), key=lambda k: -len(jobs[k].panel))
        futures = {pool.submit(_fit, jobs[k]): k for k in order}
        for future in as_completed(futures):
            k = futures[future]
            out[k] = pickle.loads(future.result())  # noqa: S301 - written by our own process
            finished(len(out), jobs[k].label)
    return [out[k] for k in range(len(jobs))]


def _fit(job: Job) -> bytes:
    return pickle.dumps(job.fit(), protocol=5)  # this protocol keeps arrays read-only
