"""What the best of k recorded candidates is worth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Bool, Float, Int
from ...errors import SettingsError
from ...inference.estimate import Estimate
from ...inference.intervals import jackknife, left_out_ratio, share_by_cluster
from ...results.record import Record, written


@dataclass(frozen=True, eq=False)
class Curve(Record):
    """A figure against the number of candidates.

    Attributes
    ----------
    k : int array, shape (n_k,)
    estimate : Estimate
        Of shape (n_k,), with intervals by task.
    n_tasks : int array, shape (n_k,)
        Tasks with at least k candidates.
    """

    k: Int
    estimate: Estimate = field(metadata=written("value", "low", "high"))
    n_tasks: Int

    def at(self, k: int) -> Estimate:
        """Return the figure at one k; NaN beyond the curve."""
        place = np.flatnonzero(self.k == k)
        return self.estimate[place[0]] if place.size else Estimate.unknown()


def curve_of(k: list[int], estimates: list[Estimate], n_tasks: list[int]) -> Curve:
    """Return the curve through the estimates at every k."""
    parts = np.array([e.triple for e in estimates]).reshape(-1, 3)
    return Curve(np.array(k, dtype=np.int64), Estimate(*parts.T), np.array(n_tasks, dtype=np.int64))


@dataclass(frozen=True)
class Draws:
    """Per task: the unbiased mean best of k for every k it has candidates for, its mean and its spread.

    Attributes
    ----------
    best : float array, shape (n_tasks, n_k)
        NaN where a task has fewer than k candidates.
    mean, sd : float arrays, shape (n_tasks,)
        sd is free of the bias of small samples of normal values; NaN for one candidate.
    n : int array, shape (n_tasks,)
    square : float array, shape (n_tasks,)
        Sum of squares about the mean.
    """

    best: Float
    mean: Float
    sd: Float
    n: Int
    square: Float

    def total_sd(self, use: Bool) -> tuple[float, Float]:
        """Return the standard deviation of all candidates of some tasks, and the same without each of them."""
        n, mean = self.n[use].astype(np.float64), self.mean[use] - self.mean[use].mean()
        sums = np.stack([n, n * mean, self.square[use] + n * mean**2])
        whole = sums.sum(axis=1, keepdims=True)
        m, t, q = np.concatenate([whole, whole - sums], axis=1)
        m = np.where(m > 1, m, np.nan)  # one candidate has no spread
        sd = np.sqrt(np.maximum(q - t**2 / m, 0.0) / (m - 1))
        return float(sd[0]), sd[1:]

    @classmethod
    def of(cls, values: Float, codes: Int) -> Draws:
        """Sum up the values of each task; missing values are left out, and tasks without any."""
        there = np.isfinite(values)
        y = values[there]
        codes = np.unique(codes[there], return_inverse=True)[1].ravel()
        y = y[np.lexsort((y, codes))]
        n = np.bincount(codes)
        most = int(n.max()) if len(n) else 0
        best, mean, sd = np.full((len(n), most), np.nan), np.full(len(n), np.nan), np.full(len(n), np.nan)
        start = np.r_[0, np.cumsum(n)[:-1]].astype(np.int64) if len(n) else n
        for size in np.unique(n):
            here = np.flatnonzero(n == size)
            rows = y[start[here][:, None] + np.arange(size)]
            best[here, :size] = rows @ _chances(int(size)).T
            mean[here] = rows.mean(axis=1)
            if size > 1:
                sd[here] = rows.std(axis=1, ddof=1) / _small_sample(int(size))
        square = np.bincount(codes, weights=(y - mean[codes]) ** 2, minlength=len(n))
        return cls(best, mean, sd, n.astype(np.int64), np.asarray(square, dtype=np.float64))


def _chances(n: int) -> Float:
    """Return C(j-1, k-1)/C(n, k), the chance that the j-th smallest of n is the best of k, shape (n_k, n_j)."""
    from scipy.special import gammaln

    j, k = np.arange(1, n + 1)[None, :], np.arange(1, n + 1)[:, None]
    inside = j >= k
    gap = np.where(inside, j - k, 0)
    log = gammaln(j) - gammaln(gap + 1) - gammaln(k) - gammaln(n + 1) + gammaln(n - k + 1) + gammaln(k + 1)
    return np.asarray(np.where(inside, np.exp(log), 0.0))


def _small_sample(n: int) -> float:
    """Return E[s]/sigma of n normal draws, c4."""
    from scipy.special import gammaln

    return float(np.sqrt(2 / (n - 1)) * np.exp(gammaln(n / 2) - gammaln((n - 1) / 2)))


def numbers_of_k(n: Int) -> list[int]:
    """Return every k that at least half of the tasks, and two of them, have candidates for."""
    enough = max(2.0, len(n) / 2)
    return [k for k in range(1, int(n.max(initial=0)) + 1) if np.sum(n >= k) >= enough]


# ------------------------------------------------------------------------- the best of k


def best_of_k(values: ArrayLike, task: ArrayLike, *, level: float = 0.95) -> Curve:
    """Return the mean best of k candidates over tasks, sum_j C(j-1, k-1)/C(n, k) y_(j), for k = 1, 2, ...

    Parameters
    ----------
    values : float array, shape (n,)
        Quality of each candidate; NaN is left out.
    task : array, shape (n,)
    level : float
        Of the leave-one-task-out interval.

    Returns
    -------
    Curve
        Up to the largest k that half of the tasks have candidates for; tasks with fewer are left out of a point.

    Notes
    -----
    Unbiased for exchangeable candidates. *When it is wrong*: candidates that were selected, or whose order matters.
    Picking the best needs its quality to be seen; what a judge or oracle picks is worth less.

    Examples
    --------
    >>> best_of_k([1, 2, 3, 1, 2, 3], [0, 0, 0, 1, 1, 1]).estimate.value.round(3).tolist()
    [2.0, 2.667, 3.0]
    """
    draws = draws_of(values, task)
    ks = numbers_of_k(draws.n)
    found = [draws.best[draws.n >= k, k - 1] for k in ks]
    estimates = [jackknife(f.mean(), left_out_ratio(f, np.ones(len(f))), level=level) for f in found]
    return curve_of(ks, estimates, [len(f) for f in found])


def pass_at_k(passed: ArrayLike, task: ArrayLike, *, level: float = 0.95) -> Curve:
    """Return the chance that one of k candidates passes, 1 - C(n - c, k)/C(n, k) of a task in which c of n do.

    Parameters
    ----------
    passed : bool or float array, shape (n,)
        1 for pass, 0 for fail; NaN is left out.
    task : array, shape (n,)
    level : float
        Of the interval by task (see `loopstat.inference.intervals.share_by_cluster`).

    Returns
    -------
    Curve
        As `best_of_k` returns it.

    References
    ----------
    Chen et al. (2021), Evaluating Large Language Models Trained on Code, eq. 1.

    Examples
    --------
    >>> pass_at_k([1, 0, 0, 0, 0, 1], [0, 0, 0, 1, 1, 1]).estimate.value.round(3).tolist()
    [0.333, 0.667, 1.0]
    """
    draws = draws_of(passed, task)
    ks = numbers_of_k(draws.n)
    found = [np.clip(draws.best[draws.n >= k, k - 1], 0.0, 1.0) for k in ks]
    return curve_of(ks, [share_by_cluster(f, np.ones(len(f)), level) for f in found], [len(f) for f in found])


def draws_of(values: ArrayLike, task: ArrayLike) -> Draws:
    """Return the draws of every task; values and tasks have shape (n,)."""
    y, codes = np.asarray(values, dtype=np.float64), np.unique(np.asarray(task), return_inverse=True)[1].ravel()
    if y.shape != codes.shape:
        raise SettingsError(f"values and tasks must be equally long. Got shapes {y.shape} and {codes.shape}.")
    return Draws.of(y, codes)
