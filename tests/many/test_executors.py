"""The same sums wherever files are read: in threads, in processes, on a Dask cluster that loses a worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import loopstat as ls
from conftest import shell
from many_samples import differences, loops, written

ASKED: dict[str, Any] = {"objectives": ["p", "q"], "by": "strategy"}


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """A recording in five files."""
    return written(loops(60), tmp_path, (5, 20, 40, 50))


def same(paths: list[Path], executor: Executor | Any) -> None:
    """Assert that an executor gives the sums that this process makes."""
    here, there = ls.stats(paths, **ASKED), ls.stats(paths, executor=executor, **ASKED)
    assert there.origins == here.origins
    assert list(differences(ls.merge(there).to_dict(), ls.merge(here).to_dict())) == []


def test_threads(paths: list[Path]) -> None:
    with ThreadPoolExecutor(3) as pool:
        same(paths, pool)


@pytest.mark.slow
def test_processes(paths: list[Path]) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        same(paths, pool)


@pytest.mark.slow
def test_processes_of_the_command(paths: list[Path], tmp_path: Path) -> None:
    asked = ["--objectives", "p,q", "--by", "strategy"]
    for workers in (1, 2):
        made = shell("stats", *paths, *asked, "--workers", workers, "-o", tmp_path / f"{workers}.stats")
        assert made.returncode == 0, made.stderr
    assert (tmp_path / "1.stats").read_bytes() == (tmp_path / "2.stats").read_bytes()


def test_a_file_that_is_refused_is_named_wherever_it_is_read(paths: list[Path]) -> None:
    paths[3].write_text("session,step,p\na,0,1\na,0,2\n")
    with ThreadPoolExecutor(2) as pool, pytest.raises(ls.InputError, match="part3"):
        ls.stats(paths, executor=pool, **ASKED)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Dask cluster of two processes on this machine; tests are skipped without Dask."""
    distributed = pytest.importorskip("distributed", reason="Dask is not in this environment")
    asked = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**asked) as found, distributed.Client(found) as client:
        yield client


def dies_at_first(mark: str) -> int:
    """Kill the process that runs this, the first time that it is run."""
    path = Path(mark)
    if not path.exists():
        path.write_text(str(os.getpid()))
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    return 1


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the cluster, whose worker is killed
def test_a_cluster_that_loses_a_worker(paths: list[Path], cluster: Any, tmp_path: Path) -> None:
    mark = tmp_path / "killed"
    doomed = cluster.submit(dies_at_first, str(mark))  # its worker dies while the files are read
    same(paths, cluster.get_executor())
    assert doomed.result(60) == 1
    assert mark.exists(), "a worker was killed"
