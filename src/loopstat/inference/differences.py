"""Differences of figures that share clusters, or random numbers: what they share cancels.

Groups of a recording share tasks (`ClusterInfluence`); settings of a simulation run on the same random numbers
(`Paired`, `Medians`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float, Int
from ..panel.model import Rng
from .estimate import Estimate
from .intervals import student
from .resample import bootstrap_weights
from .tests import ratio_p

LEVEL = 0.95
DRAWS = 400  # bootstrap samples of runs
LEAST_MOVES = 0.5  # what a median of no move counts as in a ratio


@dataclass(frozen=True)
class ClusterInfluence:
    """What each cluster contributes to the error of an estimate: `values[c]` sums in squares to its variance.

    Groups that share clusters (the same tasks) keep their covariance: the variance of a difference is the sum over
    clusters of (values_a - values_b)^2.

    Attributes
    ----------
    kind : str
        What the clusters are; influences of different kinds are not paired.
    names : tuple of str
    values : float array, shape (n_clusters, ...)
    members : frozenset of str
        Where clusters are random blocks, the names of the independent clusters in them.
    """

    kind: str
    names: tuple[str, ...]
    values: Float
    members: frozenset[str] = frozenset()

    @classmethod
    def of(cls, kind: str, names: Sequence[str], left_out: Float, members: Iterable[str] = ()) -> ClusterInfluence:
        """Make from leave-one-cluster-out values, shape (n_clusters, ...)."""
        c = max(len(left_out), 1)
        return cls(kind, tuple(names), np.sqrt((c - 1) / c) * (left_out.mean(axis=0) - left_out), frozenset(members))


def difference(value: ArrayLike, a: ClusterInfluence, b: ClusterInfluence, *, level: float) -> tuple[Estimate, int]:
    """Return a difference a - b with its interval and p-value, and the number of clusters both hold.

    Parameters
    ----------
    value : array, shape (...)
        The difference itself.
    a, b : ClusterInfluence
        Of the two figures.
    level : float
    """
    error, df, shared = difference_error(a, b)
    found = student(value, error, level=level, df=df)
    return Estimate(found.value, found.low, found.high, ratio_p(value, error, df), level=level), shared


def difference_error(a: ClusterInfluence, b: ClusterInfluence) -> tuple[Float, float, int]:
    """Return standard error, degrees of freedom and number of shared clusters of a difference.

    Parameters
    ----------
    a, b : ClusterInfluence
        Values of shape (n_clusters, ...).
    """
    held = _in_both(*(i.members or frozenset(i.names) for i in (a, b))) if a.kind == b.kind != "block" else 0
    shared = sorted(set(a.names) & set(b.names)) if held else []
    at_a = {n: i for i, n in enumerate(a.names)}
    at_b = {n: i for i, n in enumerate(b.names)}
    var_a, var_b = (np.sum(i.values**2, axis=0) for i in (a, b))
    variance = var_a + var_b
    if shared:
        both = a.values[[at_a[n] for n in shared]] * b.values[[at_b[n] for n in shared]]
        variance = np.maximum(variance - 2 * both.sum(axis=0), 0.0)
    n_a, n_b = max(len(a.names) - 1, 1), max(len(b.names) - 1, 1)
    if shared:
        return np.sqrt(variance), float(min(n_a, n_b)), held
    # Welch and Satterthwaite, at its smallest over the entries: one t for all of them.
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(variance > 0, variance**2 / (var_a**2 / n_a + var_b**2 / n_b), min(n_a, n_b))
    return np.sqrt(variance), float(np.min(df)), 0


@lru_cache(maxsize=64)
def _in_both(a: frozenset[str], b: frozenset[str]) -> int:
    """Return how many clusters two groups share: the same for every figure of them."""
    return len(a & b)


# ------------------------------------------------------------------------ runs on the same random numbers


@dataclass(frozen=True)
class Paired:
    """A figure of many settings together with what each run contributes to its error.

    Attributes
    ----------
    value : float array, shape (...)
    influence : float array, shape (..., n_runs)
        To first order; its mean over runs is 0. Runs of one column share their random numbers, so that differences
        keep their covariance.
    """

    value: Float
    influence: Float

    @classmethod
    def mean(cls, runs: ArrayLike) -> Paired:
        """Return the mean over runs, the last axis."""
        x = np.asarray(runs, dtype=np.float64)
        value = x.mean(axis=-1)
        return cls(value, x - value[..., None])

    @classmethod
    def log_mean(cls, runs: ArrayLike) -> Paired:
        """Return the logarithm of the mean over runs; minus infinity, without influence, where all are 0."""
        x = np.asarray(runs, dtype=np.float64)
        mean = x.mean(axis=-1)
        with np.errstate(divide="ignore"):
            value = np.log(mean)
        safe = np.where(mean > 0, mean, 1.0)[..., None]
        return cls(value, np.where(mean[..., None] > 0, x / safe - 1, 0.0))

    def __add__(self, other: Paired) -> Paired:
        return Paired(self.value + other.value, self.influence + other.influence)

    def __sub__(self, other: Paired) -> Paired:
        with np.errstate(invalid="ignore"):  # of two infinite figures the difference is not known
            return Paired(self.value - other.value, self.influence - other.influence)

    def __getitem__(self, key: Any) -> Paired:
        return Paired(self.value[key], self.influence[key])

    @property
    def error(self) -> Float:
        """Standard error, of the shape of `value`."""
        n = self.influence.shape[-1]
        return np.asarray(np.sqrt(np.sum(self.influence**2, axis=-1) / max(n - 1, 1) / n))

    def estimate(self, *, level: float = LEVEL) -> Estimate:
        """Return the figures with their intervals by Student's t.

        Examples
        --------
        >>> a, b = Paired.mean([3.0, 5.0, 4.0]), Paired.mean([2.0, 4.0, 3.0])
        >>> (a - b).estimate()
        Estimate(1.00 [1.00, 1.00])
        """
        return student(self.value, self.error, level=level, df=self.influence.shape[-1] - 1)


def arrivals_of(moves: Int) -> Float:
    """Return moves at arrival with never, which is -1, as infinity."""
    return np.where(moves < 0, np.inf, moves.astype(np.float64))


@dataclass(frozen=True)
class Medians:
    """Medians of many settings, and of the same bootstrap samples of their runs.

    Attributes
    ----------
    value : float array, shape (m,)
        Infinite where half of the runs never arrive.
    draws : float array, shape (n_draws, m)
    """

    value: Float
    draws: Float

    @classmethod
    def of(cls, when: Float, *, rng: Rng, draws: int = DRAWS) -> Medians:
        """Return the medians of arrival times of shape (m, n_runs), infinite where a run never arrives.

        The median is the value of rank floor(n/2) + 1, so it is always a number of moves.
        """
        n = when.shape[-1]
        weights = bootstrap_weights(n, draws, rng).astype(np.float32)
        out, value = np.empty((draws, len(when))), np.empty(len(when))
        for k, row in enumerate(when):
            order = np.argsort(row, kind="stable")
            rank = np.cumsum(weights[:, order], axis=1)
            out[:, k] = row[order[np.argmax(rank > n // 2, axis=1)]]
            value[k] = row[order[n // 2]]
        return cls(value, out)

    def log_ratio(self, a: int, b: int, *, level: float = LEVEL) -> Estimate:
        """Return ln of median a over median b, paired, with the percentile interval; NaN where both are infinite."""
        draws = _log_ratio(self.draws[:, a], self.draws[:, b])
        known = np.sort(draws[~np.isnan(draws)])
        if not len(known):
            return Estimate(_log_ratio(self.value[a], self.value[b]), np.nan, np.nan)
        # Draws themselves, not a value between two of them: one of those may be infinite.
        low, high = (known[round((len(known) - 1) * tail)] for tail in ((1 - level) / 2, (1 + level) / 2))
        return Estimate(_log_ratio(self.value[a], self.value[b]), low, high)


def _log_ratio(a: Float, b: Float) -> Float:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.log(np.maximum(a, LEAST_MOVES)) - np.log(np.maximum(b, LEAST_MOVES)))


def exponential(e: Estimate) -> Estimate:
    """Return e^x of an estimate and its ends: a ratio from its logarithm."""
    with np.errstate(over="ignore"):
        return Estimate(np.exp(e.value), np.exp(e.low), np.exp(e.high))


def pick(e: Estimate, k: int) -> Estimate:
    """Return one entry of an estimate of many."""
    return Estimate(e.value[k], e.low[k], e.high[k])
