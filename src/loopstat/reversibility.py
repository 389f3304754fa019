"""Is a linear loop in detailed balance? A test on the one-step map alone, and the entropy it produces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Float
from .result import plain
from .sde import lyapunov

MIN_SPARE = 3  # clusters beyond the number of conditions


@dataclass(frozen=True)
class Reversibility:
    """Test of detailed balance, and entropy production in nats per step with `low` and `high`; NaN where unknown."""

    p_value: float
    entropy_production: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return plain(vars(self))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reversibility:
        """Read back what `to_dict` wrote."""
        return cls(**{k: float("nan") if v is None else v for k, v in data.items()})


def entropy_production(M: Float, Q: Float) -> float:
    """Return tr[Q^{-1} M (G M' - M G)], G the stationary covariance, in nats per step; NaN without a steady state."""
    G = lyapunov(M[None], Q[None])[0]
    if np.isnan(G).any() or np.linalg.eigvalsh(Q)[0] <= 0:
        return float("nan")
    return float(np.trace(np.linalg.solve(Q, M @ (G @ M.T - M @ G))))


def reversibility_test(
    M: Float, Q: Float, left_M: Float, left_Q: Float, n_transitions: int, level: float
) -> Reversibility:
    """Test M Q = Q M', which detailed balance of a Gaussian linear loop means, and measure how far it is from it.

    Parameters
    ----------
    M, Q : arrays, shape (n, n)
    left_M, left_Q : arrays, shape (n_clusters, n, n)
        The same without each cluster (or group of clusters).
    n_transitions : int
        For the plug-in bias n(n-1)/N of the entropy production, which is taken off.
    level : float

    Returns
    -------
    Reversibility
        The interval turns Hotelling's statistic into limits on its noncentrality; its lower end is 0 where the test
        does not reject at (1 - level)/2.

    Notes
    -----
    The condition is on one step: neither stationarity nor stability is needed. *When it is wrong*: for noise that is
    not Gaussian the condition is necessary, not sufficient; scorer noise and differing sessions break it from fixed
    starts (take M and Q from an estimator that allows for them).
    """
    n = len(M)
    if not (np.linalg.eigvalsh(Q)[0] > 0 and np.isfinite(left_M).all() and np.isfinite(left_Q).all()):
        return Reversibility(*[float("nan")] * 4)
    sd = np.sqrt(np.diag(Q))
    upper = np.triu_indices(n, 1)

    def asymmetry(m: Float, q: Float) -> Float:
        product = m @ q / np.outer(sd, sd)
        return np.asarray((product - np.swapaxes(product, -1, -2))[..., upper[0], upper[1]])

    delta, left = asymmetry(M, Q), asymmetry(left_M, left_Q)
    c, k = len(left), len(delta)
    nothing = float("nan")
    plug_in = entropy_production(M, Q)
    value = max(plug_in - n * (n - 1) / max(n_transitions, 1), 0.0) if np.isfinite(plug_in) else nothing
    if k == 0 or c - k < MIN_SPARE:
        return Reversibility(nothing, value, nothing, nothing)
    deviation = left - left.mean(axis=0)
    variance = (c - 1) / c * deviation.T @ deviation
    if np.linalg.eigvalsh(variance)[0] <= 1e-14 * np.trace(variance):
        return Reversibility(nothing, value, nothing, nothing)
    statistic = float(delta @ np.linalg.solve(variance, delta))
    return _with_limits(statistic, plug_in, value, k, c, level)


def _with_limits(statistic: float, plug_in: float, value: float, k: int, c: int, level: float) -> Reversibility:
    """p by Hotelling's F; entropy limits proportional to those of the statistic's noncentrality."""
    from scipy.special import fdtrc, ncfdtr, ncfdtrinc

    f = statistic * (c - k) / (k * (c - 1))
    p = float(fdtrc(k, c - k, f))
    if not np.isfinite(plug_in) or statistic <= 0:
        return Reversibility(p, value, float("nan"), float("nan"))
    tail = (1 - level) / 2
    ends = []
    for probability in (1 - tail, tail):
        beyond = ncfdtr(k, c - k, 0.0, f) > probability
        ends.append(float(ncfdtrinc(k, c - k, probability, f)) if beyond else 0.0)
    low, high = (plug_in / statistic * end for end in ends)
    return Reversibility(p, value, min(low, value), max(high, value))
