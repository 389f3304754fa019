"""Is a linear loop in detailed balance? A test on the one-step map alone, and the entropy it produces."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...arrays import Float
from ...inference.estimate import Estimate
from ...inference.intervals import jackknife_covariance, jackknife_variance, student_quantile
from ...inference.lengths import length_limits
from ...inference.tests import chi_square_quantile, hotelling_p, hotelling_quantile
from ...results.record import Record, written
from ..model import lyapunov

MIN_SPARE = 3  # clusters beyond the number of conditions
ALMOST_SINGULAR = 1e-14  # least eigenvalue of the noise correlations, or of the conditions', that can be divided by
UNSEEN = 1e-290  # a variance whose inverse would overflow


@dataclass(frozen=True, eq=False)
class Reversibility(Record):
    """Test of detailed balance, and how far the loop is from it; NaN where unknown.

    Attributes
    ----------
    p_value : float
        Of detailed balance.
    entropy_production : Estimate
        In nats per step, less its plug-in bias n(n-1)/N, not below 0. Its interval begins at 0 where the test does not
        reject: `p_value` at least 1 - level.
    """

    p_value: float
    entropy_production: Estimate = field(metadata=written("entropy_production", "low", "high"))


def entropy_production(M: Float, Q: Float) -> float:
    """Return tr[Q^{-1} M (G M' - M G)], G = M G M' + Q the stationary covariance, in nats per step.

    Parameters
    ----------
    M, Q : arrays, shape (n, n)
        One-step map and covariance of the innovations.

    Returns
    -------
    float
        The rate of the Kullback-Leibler divergence of the forward from the backward process, 0 in detailed balance;
        NaN where there is no steady state, or Q is no regular covariance.

    Examples
    --------
    >>> round(entropy_production(np.array([[0.5, 0.25], [-0.25, 0.5]]), np.eye(2)), 6)
    0.363636
    """
    if not (np.isfinite(M).all() and _regular(Q)):
        return np.nan
    return float(_entropies(M[None], Q[None])[0])


def reversibility_test(
    M: Float, Q: Float, left_M: Float, left_Q: Float, n_transitions: int, level: float
) -> Reversibility:
    """Test M Q = Q M', which detailed balance of a Gaussian linear loop means, and measure how far it is from it.

    The n(n-1)/2 entries above the diagonal of M Q - Q M', in standard deviations of Q, have Hotelling's T^2 under
    their leave-one-cluster-out covariance.

    Parameters
    ----------
    M, Q : arrays, shape (n, n)
        One-step map and covariance of the innovations.
    left_M, left_Q : arrays, shape (n_clusters, n, n)
        The same without each cluster (or group of clusters).
    n_transitions : int
        For the plug-in bias n(n-1)/N of the entropy production, which is taken off.
    level : float
        Of the interval.

    Returns
    -------
    Reversibility
        All NaN where Q is singular or M or Q is not known; `p_value` NaN with one objective, or with fewer than 3
        clusters more than conditions; entropy NaN without a steady state.

    Notes
    -----
    The condition is on one step: neither stationarity nor stability is needed. The entropy production is a quadratic
    form in the conditions. Its interval is that of a squared length seen with noise in k directions, the noise taken
    from the leave-one-out values of the entropy itself; for two objectives it is the square of value -+ t error.

    *When it is wrong*: for noise that is not Gaussian the condition is necessary, not sufficient; scorer noise and
    differing sessions break it from fixed starts (take M and Q from an estimator that allows for them).

    References
    ----------
    Weiss (1975), J. Appl. Prob. 12, 831 (reversible Gaussian processes); Hotelling (1931), Ann. Math. Stat. 2, 360.
    """
    known = all(np.isfinite(part).all() for part in (M, left_M, left_Q))
    if not (known and _regular(Q)):
        return Reversibility(np.nan, Estimate.unknown())
    n = len(M)
    plug_in = entropy_production(M, Q)
    value = max(plug_in - n * (n - 1) / max(n_transitions, 1), 0.0) if np.isfinite(plug_in) else np.nan
    delta, left = _conditions(M, Q, Q), _conditions(left_M, left_Q, Q)
    c, k = len(left), len(delta)
    if k == 0 or c - k < MIN_SPARE:
        return Reversibility(np.nan, Estimate(value))
    variance = jackknife_covariance(left)
    if np.linalg.eigvalsh(variance)[0] <= ALMOST_SINGULAR * np.trace(variance):
        return Reversibility(np.nan, Estimate(value))
    statistic = float(delta @ np.linalg.solve(variance, delta))
    p = hotelling_p(statistic, k, c)
    if not plug_in > 0 or statistic <= 0:
        return Reversibility(p, Estimate(value))
    spread = jackknife_variance(_entropies(left_M, left_Q)) if _all_regular(left_Q) else np.array(np.nan)
    low, high = _limits(plug_in, float(spread), statistic, p, k, c, level)
    return Reversibility(p, Estimate(value, min(low, value), max(high, value), level=level))


def _conditions(M: Float, Q: Float, unit: Float) -> Float:
    """Return the entries of M Q - Q M' above the diagonal, in standard deviations of `unit`, shape (..., k)."""
    sd = np.sqrt(np.diag(unit))
    product = M @ Q / np.outer(sd, sd)
    above = np.triu_indices(len(unit), 1)
    return np.asarray((product - np.swapaxes(product, -1, -2))[..., above[0], above[1]])


def _entropies(M: Float, Q: Float) -> Float:
    """Return the entropy production of a batch, shape (batch,)."""
    G = lyapunov(M, Q)
    circulation = G @ np.swapaxes(M, 1, 2) - M @ G
    return np.asarray(np.trace(np.linalg.solve(Q, M @ circulation), axis1=1, axis2=2))


def _all_regular(Q: Float) -> bool:
    """Judge on correlations, so that the units of the objectives do not matter; Q has shape (batch, n, n)."""
    variance = np.einsum("kii->ki", Q)
    if not np.isfinite(Q).all() or not np.all(variance > UNSEEN):
        return False
    sd = np.sqrt(variance)
    return bool(np.all(np.linalg.eigvalsh(Q / (sd[:, :, None] * sd[:, None, :]))[:, 0] > ALMOST_SINGULAR))


def _regular(Q: Float) -> bool:
    return _all_regular(Q[None])


def _limits(
    plug_in: float, spread: float, statistic: float, p: float, k: int, c: int, level: float
) -> tuple[float, float]:
    """Return limits of the entropy production; `spread` is its leave-one-out variance."""
    from scipy.special import ndtr

    t = student_quantile(level, c - 1)
    # Hotelling's statistic with the chi-square's critical value, so that the interval and the test agree.
    tested = statistic * chi_square_quantile(1 - 2 * float(ndtr(-t)), k) / hotelling_quantile(level, k, c)
    # A squared length sigma = |d|^2 has variance 4 sigma per unit of noise. Far from balance the noise of the entropy
    # is not that of the conditions: the weights of the conditions move too.
    measured = 4 * plug_in**2 / spread if spread > 0 else tested
    low, high = length_limits(measured, k, t)
    if p >= 1 - level:
        low = 0.0
    elif low == 0:
        low = length_limits(tested, k, t)[0] * measured / tested
    return plug_in * low / measured, plug_in * high / measured
