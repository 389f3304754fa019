"""Many pieces of work: what is called off midway."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from loopstat.inference.workers import Progress, run_all


@dataclass
class Nap:
    """A job that sleeps and remembers that it did."""

    slept: list[int] = field(default_factory=list)
    label: str = "nap"
    size: int = 1

    def run(self, progress: Progress | None = None) -> int:
        del progress
        time.sleep(0.05)
        self.slept.append(1)
        return 1


def test_what_has_not_begun_when_it_is_called_off_never_does() -> None:
    slept: list[int] = []

    def tell(done: int, total: int, what: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all([Nap(slept) for _ in range(60)], mode="thread", workers=2, progress=tell)
    assert 3 <= len(slept) < 10


def test_otherwise_everything_is_done() -> None:
    assert run_all([Nap() for _ in range(6)], mode="thread", workers=2) == [1] * 6
