"""Recordings made by hand or drawn, for tests of rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from loopstat.decide.curve import Held

NAN = float("nan")


def recording(rows: Any, *, keep: str = "last", ended: Any = False, cluster: Any = None) -> Held:
    """Return sessions with one score a step, cost 1 a step; rows end where NaN is all that follows."""
    seen = np.array(rows, dtype=np.float64)
    n, length = seen.shape
    last = length - 1 - np.argmax(~np.isnan(seen[:, ::-1]), axis=1)
    value = seen if keep == "last" else np.fmax.accumulate(seen, axis=1)
    beyond = np.arange(length) > last[:, None]
    value = np.where(beyond, np.nan, value)
    paid = np.where(beyond, np.nan, np.arange(length, dtype=np.float64))
    cluster = np.arange(n) if cluster is None else np.asarray(cluster)
    return Held(value, paid, seen, last, np.broadcast_to(ended, n).copy(), cluster, np.arange(length))


def climbing(rng: np.random.Generator, n: int, steps: int = 8, *, settle: float = 0.5, noise: float = 0.1) -> Held:
    """Return sessions that approach levels of their own, the share `settle` of the way in each step."""
    goal = rng.normal(1.0, 0.3, (n, 1))
    start = rng.normal(0.0, 0.3, (n, 1))
    way = (1 - settle) ** np.arange(steps + 1)
    return recording(goal + (start - goal) * way + rng.normal(0, noise, (n, steps + 1)))


def standing(rng: np.random.Generator, n: int, steps: int = 8) -> Held:
    """Return sessions of pure noise: no step is better than another, no score says anything about the next."""
    return recording(rng.normal(0.0, 1.0, (n, steps + 1)))
