"""What drift fitted to survivors gets wrong, and what a truncated regression mends: `python -m studies.survivors`.

Loops in which a proposal moves from its parent by a (x - 0) and noise, a = -0.3, and is logged only if it is kept.
Printed is the table of docs/import.md: of the mean change of all proposals from the mean parent, and of the slope a,
the bias of what is fitted to those kept, and of the truncated regression; how often its interval of 95 % holds the
truth, how often it refuses, and how often it doubts its own assumption.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from loopstat.arrays import Float
from loopstat.drift.readings.survivors import DOUBT, survivors
from loopstat.panel.panel import Panel

PULL, START, REPLICATES = -0.3, -3.0, 400
Noise = Callable[[np.random.Generator], float]
Keep = Callable[[np.random.Generator, float], bool]


def normal(rng: np.random.Generator) -> float:
    """Return noise of standard deviation 1."""
    return float(rng.normal())


def heavy(rng: np.random.Generator) -> float:
    """Return Student's t of 3 degrees of freedom, of standard deviation 1."""
    return float(rng.standard_t(3) / np.sqrt(3))


def better(rng: np.random.Generator, gain: float) -> bool:
    """Keep what is better than its parent."""
    del rng
    return gain > 0


def clearly_better(rng: np.random.Generator, gain: float) -> bool:
    """Keep what is better than its parent by a quarter of a standard deviation."""
    del rng
    return gain > 0.25


def annealed(rng: np.random.Generator, gain: float) -> bool:
    """Keep what is better, and sometimes what is not."""
    return gain > 0 or bool(rng.random() < np.exp(gain / 0.5))


@dataclass(frozen=True)
class World:
    """Loops of one kind."""

    name: str
    sessions: int = 20
    proposals: int = 40
    noise: Noise = normal
    keep: Keep = better
    scorer: float = 0.0


WORLDS = (
    World("normal, kept if better than the parent; 20 sessions of 40 proposals"),
    World("the same, 5 sessions of 40", sessions=5),
    World("the same, 100 sessions of 40", sessions=100),
    World("noise of Student's t (3)", noise=heavy),
    World("kept if better by 0.25", keep=clearly_better),
    World("scores with noise of 0.3", scorer=0.3),
    World("worse ones kept now and then", keep=annealed),
)


def run(world: World, rng: np.random.Generator) -> Panel:
    """Return the log of survivors of some loops."""
    sessions = []
    for _ in range(world.sessions):
        x = START + 0.5 * rng.normal()
        seen = x + world.scorer * rng.normal()
        kept = [seen]
        for _ in range(world.proposals):
            y = x + PULL * x + world.noise(rng)
            score = y + world.scorer * rng.normal()
            if world.keep(rng, score - seen):
                x, seen = y, score
                kept.append(score)
        sessions.append(np.array(kept)[:, None])
    return replace(Panel.from_arrays(sessions, objectives=["score"]), survivors_only=True)


def measured(world: World, seed: int) -> Float:
    """Return, of one panel, truth, kept and truncated mean change, kept and truncated slope, covered, doubted."""
    panel = run(world, np.random.default_rng(seed))
    pairs, [found] = panel.pairs(), survivors(panel)
    x, d = pairs.x[:, 0], pairs.dx[:, 0]
    truth, slope = PULL * float(x.mean()), float(np.polyfit(x, d, 1)[0])
    change = found.change
    covered = np.nan if found.reason else float(change.low <= truth <= change.high)
    doubted = np.nan if found.reason else float(found.p_fit < DOUBT)
    return np.array([truth, d.mean(), change.value, slope, found.slope, covered, doubted, float(bool(found.reason))])


def row(world: World, replicates: int) -> str:
    """Return one line of the table."""
    values = np.array([measured(world, seed) for seed in range(replicates)])
    there = values[values[:, -1] == 0]
    truth, kept, mended, slope, mended_slope, covered, doubted, refused = np.mean(values, axis=0)
    del mended, mended_slope, covered, doubted
    cells = [f"{kept - truth:+.2f}", "-", f"{slope - PULL:+.2f}", "-", "-", "-", f"{100 * refused:.0f} %"]
    if len(there) >= replicates / 20:
        cells[1] = f"{np.median(there[:, 2] - there[:, 0]):+.2f}"
        cells[3] = f"{np.median(there[:, 4] - PULL):+.2f}"
        cells[4:6] = [f"{100 * there[:, 5].mean():.0f} %", f"{100 * there[:, 6].mean():.0f} %"]
    return "| " + " | ".join([world.name, *cells]) + " |"


def main() -> None:
    """Print the table."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else REPLICATES
    print("| loops | change: as kept | truncated | slope: as kept | truncated | interval holds | doubts | refuses |")
    print("|---|---|---|---|---|---|---|---|")
    for world in WORLDS:
        print(row(world, replicates), flush=True)


if __name__ == "__main__":
    main()
