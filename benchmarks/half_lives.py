"""Half-lives printed for simulated loops: how often their interval holds the truth, and how often there is one.

    python -m benchmarks.half_lives --panels 200 --workers 2

The loops share no code with the package. Below 20 clusters no half-life is printed at all, and the row says so.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from loopstat import LinearDrift, Panel
from loopstat.drift.view.seen import is_vague

from .loops import Array, Loop, Rng

SEED = 20


@dataclass(frozen=True)
class Kind:
    """A kind of loop: its map, its size, and what differs between sessions, tasks and scorings.

    Attributes
    ----------
    memory : float
        Share of a distance left after one step.
    sessions, steps, tasks : int
        Tasks share a level among their sessions; 0 for none.
    start : float
        Mean start, in units of the noise; 0 is rest: a flat loop.
    levels, noise, judge : float
        Sd of lasting levels of tasks, or of sessions without tasks; of white scorer noise; of a judge's own bias.
    tails : float
        Degrees of freedom of the noise.
    """

    memory: float = 0.6
    sessions: int = 60
    steps: int = 7
    tasks: int = 0
    start: float = -2.0
    levels: float = 0.0
    noise: float = 0.0
    judge: float = 0.0
    tails: float = np.inf

    @property
    def half_life(self) -> float:
        """The truth, in steps."""
        return float(np.log(2) / -np.log(self.memory))

    def draw(self, rng: Rng) -> Panel:
        """Return one recording."""
        one, steady = np.eye(1), np.eye(1) / (1 - self.memory**2)
        loop = Loop(self.memory * one, np.zeros(1), one, np.full(1, self.start), steady)
        x: Array = loop.run(rng, self.sessions, self.steps, tails=self.tails)
        task = np.arange(self.sessions) % (self.tasks or self.sessions)
        x = x + self.levels * rng.standard_normal(task.max() + 1)[task, None, None]
        x = x + self.judge * rng.standard_normal((self.sessions, 1, 1)) + self.noise * rng.standard_normal(x.shape)
        labels = {"task": [f"t{k}" for k in task]} if self.tasks else None
        return Panel.from_arrays(x, labels=labels)


KINDS = {
    "clean, 20 x 7": Kind(sessions=20),
    "clean, 40 x 7": Kind(sessions=40),
    "clean, 60 x 7": Kind(),
    "clean, 80 x 7": Kind(sessions=80),
    "slow, 60 x 7": Kind(memory=0.85),
    "12 tasks x 5 seeds": Kind(tasks=12, levels=1.0),
    "30 tasks x 2 seeds": Kind(tasks=30, levels=1.0),
    "flat, differing and noisy, 60 x 7": Kind(start=0.0, levels=1.0, noise=0.7),
    "judges, 60 x 7": Kind(judge=0.7, noise=0.3),
    "heavy tails, 60 x 7": Kind(tails=3.0),
}


class Seen(NamedTuple):
    """One recording: whether a half-life is given, in words rather than figures, and whether its interval holds."""

    given: bool
    words: bool
    holds: bool


def seen(kind: Kind, seed: int) -> Seen:
    """Draw one recording and read its half-life."""
    fit = LinearDrift("auto", n_boot=100).fit(kind.draw(np.random.default_rng([SEED, seed])))
    found = fit.estimates.get("half_life")
    if found is None or not found.low > 0:
        return Seen(False, False, False)
    return Seen(True, is_vague(found), bool(found.low <= kind.half_life <= found.high))


def main() -> None:
    """Print a row for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, default=200)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    asked = parser.parse_args()
    print(f"{'kind':36}{'truth':>7}{'given':>8}{'in words':>10}{'holds':>8}{'+-':>7}", flush=True)
    with ProcessPoolExecutor(asked.workers) as pool:
        for name, kind in KINDS.items():
            if asked.only not in name:
                continue
            found = list(pool.map(partial(seen, kind), range(asked.panels), chunksize=5))
            given = [one for one in found if one.given]
            share, words = len(given) / len(found), sum(one.words for one in given) / len(found)
            holds = sum(one.holds for one in given) / len(given) if given else float("nan")
            error = np.sqrt(holds * (1 - holds) / max(len(given), 1))
            print(f"{name:36}{kind.half_life:7.2f}{share:8.2f}{words:10.2f}{holds:8.3f}{error:7.3f}", flush=True)


if __name__ == "__main__":
    main()
