"""Simulated loops with known answers, in plain NumPy.

The package has a simulator of its own, which shares code with its estimators. Nothing here does: a mistake common to
both would otherwise pass for agreement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loopstat import Objective, Panel

Array = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Loop:
    """x[t+1] = rest + M (x[t] - rest) + noise of covariance Q, from starts of mean `start` and covariance `spread`.

    Attributes
    ----------
    M, Q, spread : arrays, shape (n, n)
    rest, start : arrays, shape (n,)
    """

    M: Array
    rest: Array
    Q: Array
    start: Array
    spread: Array

    @property
    def A(self) -> Array:
        """Drift matrix."""
        return self.M - np.eye(len(self.M))

    @property
    def b(self) -> Array:
        """Drift at the origin."""
        return -self.A @ self.rest

    def run(self, rng: Rng, sessions: int, steps: int, *, tails: float = np.inf, uneven: bool = False) -> Array:
        """Return scores of shape (sessions, steps, n), the start included.

        `tails` are the degrees of freedom of Student noise (scaled to covariance Q); `uneven` gives each session a
        noise scale of its own, 0.5 to 1.5 times the common one.
        """
        n = len(self.rest)
        root, spread = cholesky(self.Q), cholesky(self.spread)
        x = np.empty((sessions, steps, n))
        x[:, 0] = self.start + rng.standard_normal((sessions, n)) @ spread.T
        scale = rng.uniform(0.5, 1.5, (sessions, 1)) / np.sqrt(1 + 1 / 12) if uneven else np.ones((sessions, 1))
        for t in range(1, steps):
            noise = rng.standard_normal((sessions, n)) @ root.T
            if np.isfinite(tails):
                noise *= np.sqrt((tails - 2) / rng.chisquare(tails, (sessions, 1)))
            x[:, t] = self.rest + (x[:, t - 1] - self.rest) @ self.M.T + scale * noise
        return x

    def truth(self, steps: int) -> dict[str, Array]:
        """Return what every estimate aims at, from exact moments of sessions of `steps` scores."""
        means, covariances = [self.start], [self.spread]
        for _ in range(steps - 1):
            means.append(self.rest + self.M @ (means[-1] - self.rest))
            covariances.append(self.M @ covariances[-1] @ self.M.T + self.Q)
        path = np.array(means)
        before = path[:-1] - path[:-1].mean(axis=0)
        transient = before.T @ before / len(before)
        cov_x = np.mean(covariances[:-1], axis=0) + transient
        steady = stationary(self.M, self.Q)
        cov_dx = self.A @ cov_x @ self.A.T + self.Q
        cov_y = self.M @ cov_x @ self.M.T + self.Q
        noise = np.diag(self.Q)
        drift = np.diff(path, axis=0).mean(axis=0)
        modulus = np.sort(np.abs(np.linalg.eigvals(self.M)))[::-1]
        sd = np.sqrt(np.diag(cov_dx))
        unit = np.outer(sd, sd)
        inside = {"drift": steady, "transient": transient, "rest": cov_x - steady - transient}
        parts = {k: self.A @ v @ self.A.T / unit for k, v in inside.items()} | {"noise": self.Q / unit}
        return {
            "drift.A": self.A,
            "drift.b": self.b,
            "drift.Q": self.Q,
            "drift.M": self.M,
            "drift.fixed_point": self.rest,
            "drift.equilibrium": self.rest,
            "modulus": modulus[:1],
            "modulus.others": modulus[1:],
            "rate_euler": 1 - np.linalg.eigvals(self.M).real.max(),
            "rate_exact": -np.log(modulus[0]),
            "half_life": np.log(2) / -np.log(modulus[0]),
            "r2_increments": 1 - noise / np.diag(cov_dx),
            "r2_levels": 1 - noise / np.diag(cov_y),
            "interference.total": cov_dx / unit,
            **{f"interference.{k}": v for k, v in parts.items()},
            "interference.variance_shares": np.array(
                [np.diag(parts[k]) for k in ("drift", "noise", "transient", "rest")]
            ),
            "skill_by_objective.persistence": 1 - noise / (np.diag(cov_dx) + drift**2),
            "skill_by_objective.mean": 1 - noise / np.diag(cov_y),
            "skill_by_objective.constant_drift": 1 - noise / np.diag(cov_dx),
            "kept_end.mean": path[-1],
        }


def cholesky(covariance: Array) -> Array:
    """Return a root of a covariance that may be zero."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def stationary(M: Array, Q: Array) -> Array:
    """Return G = M G M' + Q by solving the linear system."""
    n = len(M)
    return np.asarray(np.linalg.solve(np.eye(n * n) - np.kron(M, M), Q.ravel()).reshape(n, n), dtype=np.float64)


def correlated(sd: list[float], pairs: dict[tuple[int, int], float]) -> Array:
    """Return the covariance of the given standard deviations and correlations."""
    r = np.eye(len(sd))
    for (i, j), value in pairs.items():
        r[i, j] = r[j, i] = value
    return np.asarray(r * np.outer(sd, sd))


# ------------------------------------------------------------------------------- the loops


def plain_loop() -> Loop:
    """Three coupled objectives with real eigenvalues 0.75, 0.5 and 0.25 that start low and rise together."""
    vectors = np.array([[1.0, 0.3, 0.0], [0.2, 1.0, -0.4], [-0.3, 0.2, 1.0]])
    M = vectors @ np.diag([0.75, 0.5, 0.25]) @ np.linalg.inv(vectors)
    Q = correlated([1.0, 0.8, 1.2], {(0, 1): 0.3, (0, 2): -0.2, (1, 2): 0.1})
    return Loop(M, np.array([5.0, 4.0, 7.0]), Q, np.array([3.0, 3.0, 5.5]), correlated([0.8, 0.8, 0.8], {}))


def turning_loop() -> Loop:
    """Three objectives with eigenvalues 0.43 and 0.53 +- 0.12i."""
    vectors = np.array([[1.0, 0.4, 0.1], [-0.2, 1.0, 0.3], [0.3, -0.1, 1.0]])
    block = np.array([[0.53, 0.12, 0.0], [-0.12, 0.53, 0.0], [0.0, 0.0, 0.43]])
    M = vectors @ block @ np.linalg.inv(vectors)
    Q = correlated([1.0, 1.0, 1.0], {(0, 1): 0.2, (1, 2): -0.15})
    return Loop(M, np.array([5.0, 4.0, 7.0]), Q, np.array([4.0, 3.0, 6.0]), correlated([1.0, 1.0, 1.0], {}))


def slow_loop() -> Loop:
    """Three objectives whose slowest mode is 0.97: sessions of ten steps end far from where they head."""
    vectors = np.array([[1.0, 0.3, 0.0], [0.2, 1.0, -0.4], [-0.3, 0.2, 1.0]])
    M = vectors @ np.diag([0.97, 0.5, 0.25]) @ np.linalg.inv(vectors)
    Q = correlated([1.0, 0.8, 1.2], {(0, 1): 0.3, (0, 2): -0.2, (1, 2): 0.1})
    return Loop(M, np.array([5.0, 4.0, 7.0]), Q, np.array([3.0, 3.0, 5.5]), correlated([0.8, 0.8, 0.8], {}))


def apart_loop() -> Loop:
    """Three objectives that have nothing to do with one another, started in their steady state."""
    M, Q = np.diag([0.7, 0.5, 0.3]), np.diag([1.0, 0.64, 1.44])
    rest = np.array([5.0, 4.0, 7.0])
    return Loop(M, rest, Q, rest, stationary(M, Q))


def resting_loop() -> Loop:
    """The plain loop started in its steady state: nothing moves on average."""
    loop = plain_loop()
    return Loop(loop.M, loop.rest, loop.Q, loop.rest, stationary(loop.M, loop.Q))


def rising_loop() -> Loop:
    """Objectives 2 and 3 are coupled by noise (-0.15) and not by drift, yet correlate at +0.24: both start low."""
    M = np.array([[0.5, 0.0, 0.0], [0.0, 0.468, -0.132], [0.0, -0.132, 0.468]])
    Q = correlated([1.0, 1.0, 1.0], {(1, 2): -0.33})
    rest = np.array([5.0, 8.0, 8.0])
    return Loop(M, rest, Q, rest - np.array([0.0, 4.5, 4.5]), stationary(M, Q))


def scalar_loop(m: float, *, start: float = 0.0, spread: float | None = None) -> Loop:
    """One objective with step map m around 0 and unit noise; `spread` None starts in the steady state."""
    M, Q = np.array([[m]]), np.array([[1.0]])
    V = stationary(M, Q) if spread is None else np.array([[spread]])
    return Loop(M, np.zeros(1), Q, np.array([start]), V)


# ------------------------------------------------------------------------------- panels


def panel_of(x: Any) -> Panel:
    """Return the panel of an array (sessions, steps, n) or a list of sessions."""
    return Panel.from_arrays(x)


def keep_the_better(rng: Rng, sessions: int, attempts: int, *, mean: float, sd: float) -> Panel:
    """Return a lineage: each attempt changes the best version so far by N(mean, sd^2) and is kept if better."""
    rows = attempts + 1
    x = np.zeros((sessions, rows))
    parent = np.full((sessions, rows), -1)
    best, holder = np.zeros(sessions), np.zeros(sessions, dtype=np.int64)
    accepted = np.ones((sessions, rows), dtype=bool)
    origin = np.arange(sessions) * rows
    for t in range(1, rows):
        parent[:, t] = origin + holder
        x[:, t] = best + mean + sd * rng.standard_normal(sessions)
        accepted[:, t] = x[:, t] > best
        holder = np.where(accepted[:, t], t, holder)
        best = np.maximum(best, x[:, t])
    return Panel(
        x=x.reshape(-1, 1),
        session=np.repeat(np.arange(sessions), rows),
        step=np.tile(np.arange(rows), sessions),
        parent=parent.ravel(),
        objectives=(Objective("x1"),),
        session_names=tuple(str(s) for s in range(sessions)),
        accepted=accepted.ravel(),
        lineage=True,
    )


def own_places(rng: Rng, sessions: int, steps: int) -> Array:
    """Return two objectives at rest, each session around a place of its own (sd 1, correlated 0.8)."""
    places = rng.standard_normal((sessions, 2)) @ cholesky(correlated([1.0, 1.0], {(0, 1): 0.8})).T
    M, Q = 0.55 * np.eye(2), correlated([0.6**0.5] * 2, {(0, 1): 0.18})
    loop = Loop(M, np.zeros(2), Q, np.zeros(2), stationary(M, Q))
    return loop.run(rng, sessions, steps) + places[:, None]


def stopped_at(x: Array, bar: float) -> list[Array]:
    """Cut each session of (sessions, steps, 1) after its first score at or above the bar."""
    hit = x[:, :, 0] >= bar
    last = np.where(hit.any(axis=1), hit.argmax(axis=1), x.shape[1] - 1)
    return [s[: k + 1] for s, k in zip(x, last, strict=True)]
