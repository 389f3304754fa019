"""Loops with known answers that several test files fit; plain NumPy, no part of the package's own simulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from loopstat import Grams, LinearDrift, LinearDriftFit, Panel
from loopstat.drift.sums import Moments

M3 = np.array([[0.70, 0.12, 0.00], [-0.08, 0.50, 0.10], [0.05, 0.00, 0.30]])
Q3 = np.array([[1.00, 0.24, -0.20], [0.24, 0.64, 0.10], [-0.20, 0.10, 1.44]])
REST = np.array([5.0, 4.0, 7.0])


def run(
    m: Any, q: Any, *, rest: Any = 0.0, start: Any = None, spread: Any = None, sessions: int, steps: int, seed: Any
) -> Any:
    """Return scores (sessions, steps, n) of x' = rest + m (x - rest) + N(0, q).

    Starts are N(start, spread): by default `start` is the rest point and `spread` the steady state's covariance.
    """
    rng = np.random.default_rng(seed)
    m, q = np.atleast_2d(m), np.atleast_2d(q)
    n = len(m)
    rest = np.broadcast_to(np.asarray(rest, dtype=float), (n,))
    x = np.empty((sessions, steps, n))
    x[:, 0] = rest if start is None else start
    x[:, 0] += rng.standard_normal((sessions, n)) @ root(steady(m, q) if spread is None else spread).T
    noise = root(q)
    for t in range(1, steps):
        x[:, t] = rest + (x[:, t - 1] - rest) @ m.T + rng.standard_normal((sessions, n)) @ noise.T
    return x


def steady(m: Any, q: Any) -> Any:
    """Return G = m G m' + q."""
    n = len(m)
    return np.linalg.solve(np.eye(n * n) - np.kron(m, m), np.ravel(q)).reshape(n, n)


def root(covariance: Any) -> Any:
    """Return a matrix square root of a covariance, which may be zero."""
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    return vectors * np.sqrt(np.maximum(values, 0))


def three(sessions: int = 200, steps: int = 10, seed: Any = 0) -> Any:
    """Return scores of the three coupled objectives, started two below their resting point."""
    return run(M3, Q3, rest=REST, start=REST - 2, spread=np.eye(3), sessions=sessions, steps=steps, seed=seed)


def turning(sessions: int, steps: int, seed: Any) -> Any:
    """Return scores of a loop with eigenvalues 0.54 +- 0.115i."""
    m = np.array([[0.54, 0.115], [-0.115, 0.54]])
    return run(m, np.eye(2), sessions=sessions, steps=steps, seed=seed)


def keep_the_better(sessions: int, attempts: int, *, mean: float, sd: float, seed: Any) -> Panel:
    """Return a lineage: an attempt changes the best version so far by N(mean, sd^2) and is kept if better."""
    from loopstat import Objective

    rng = np.random.default_rng(seed)
    rows = attempts + 1
    x, parent = np.zeros((sessions, rows)), np.full((sessions, rows), -1)
    accepted = np.ones((sessions, rows), dtype=bool)
    best, holder = np.zeros(sessions), np.zeros(sessions, dtype=np.int64)
    for t in range(1, rows):
        parent[:, t] = np.arange(sessions) * rows + holder
        x[:, t] = best + mean + sd * rng.standard_normal(sessions)
        accepted[:, t] = x[:, t] > best
        holder = np.where(accepted[:, t], t, holder)
        best = np.maximum(best, x[:, t])
    return Panel(
        x=x.reshape(-1, 1),
        session=np.repeat(np.arange(sessions), rows),
        step=np.tile(np.arange(rows), sessions),
        parent=parent.ravel(),
        objectives=(Objective("score"),),
        session_names=tuple(str(s) for s in range(sessions)),
        accepted=accepted.ravel(),
        lineage=True,
    )


def grams_of(data: Any) -> Grams:
    """Return the Grams of a panel or of arrays, one per session."""
    panel = data if isinstance(data, Panel) else Panel.from_arrays(data)
    pairs = panel.pairs()
    return Grams.of(pairs, pairs.session, panel.session_names)


def moments_of(data: Any) -> Moments:
    """Return the pooled regression of a panel or of arrays."""
    grams = grams_of(data)
    return Moments.of(grams.total(), grams)


def fit(data: Any, n_boot: int = 0, seed: int = 0) -> LinearDriftFit:
    """Fit a panel or arrays."""
    panel = data if isinstance(data, Panel) else Panel.from_arrays(data)
    return LinearDrift("pooled", n_boot=n_boot).fit(panel, rng=seed)
