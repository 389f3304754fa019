"""Every p-value: Student's t, chi-square, Hotelling, Kolmogorov-Smirnov, Monte Carlo, and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float, Int
from .intervals import cluster_means, jackknife_variance


def student_p(t: ArrayLike, df: float) -> Float:
    """Return two-sided p-values of t statistics."""
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(df, -np.abs(t)))


def ratio_p(value: ArrayLike, error: ArrayLike, df: float) -> Float:
    """Return two-sided p-values of value/error being 0; NaN without an error."""
    value, error = np.asarray(value, dtype=np.float64), np.asarray(error, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 0, student_p(value / np.where(error > 0, error, 1.0), df), np.nan)


def jackknife_p(value: ArrayLike, left_out: Float) -> Float:
    """Return two-sided p-values of a value being 0, by leave-one-cluster-out with t(C-1); NaN for a single cluster.

    Parameters
    ----------
    value : array, shape (...)
    left_out : array, shape (n_clusters, ...)
    """
    if len(left_out) < 2:
        return np.full(np.shape(value), np.nan)
    return ratio_p(value, np.sqrt(jackknife_variance(left_out)), len(left_out) - 1)


def positive_p(value: Float, left_out: Float) -> Float:
    """Return one-sided p-values of `value <= 0`, by leave-one-cluster-out.

    Without any error the value itself decides: a loop without noise.
    """
    error = np.sqrt(jackknife_variance(left_out))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, value / error, np.where(value > 0, np.inf, 0.0))
    two_sided = student_p(t, len(left_out) - 1)
    return np.where(t > 0, two_sided / 2, 1 - two_sided / 2)


def mean_test(values: Float, cluster: Int, n_clusters: int) -> tuple[Float, Float]:
    """Return the mean of rows and the p-value of its being zero, by leave-one-cluster-out, shape (n_obj,) each.

    p is NaN for a single cluster, and 1 where the mean has no error.
    """
    mean, left = cluster_means(values, cluster, n_clusters)
    if len(left) < 2:
        return mean, np.full_like(mean, np.nan)
    error = np.sqrt(jackknife_variance(left))
    return mean, np.where(error > 0, ratio_p(mean, error, len(left) - 1), 1.0)


def draws_p(at_least: ArrayLike, n_draws: int) -> Float:
    """Return Monte Carlo p-values, (1 + draws at least as far out)/(1 + draws): valid for any number of draws.

    References
    ----------
    Davison and Hinkley (1997), Bootstrap Methods and their Application, section 4.2.

    Examples
    --------
    >>> float(draws_p(0, 99))
    0.01
    """
    return np.asarray((1 + np.asarray(at_least)) / (1 + n_draws))


def uniform_p(values: ArrayLike) -> float:
    """Return the p-value of values between 0 and 1 being uniform, by Kolmogorov and Smirnov.

    Conservative where the values were made with parameters fitted to them.
    """
    from scipy.stats import kstest

    return float(kstest(np.asarray(values, dtype=np.float64), "uniform").pvalue)


def chi_square_p(statistic: float, df: float) -> float:
    """Return the upper tail of the chi-square."""
    from scipy.special import chdtrc

    return float(chdtrc(df, statistic))


def chi_square_quantile(level: float, df: float) -> float:
    """Return what a chi-square stays below with probability `level`: the drop of a profile likelihood, twice."""
    from scipy.special import chdtri

    return float(chdtri(df, 1 - level))


def hotelling_p(statistic: float, k: int, clusters: int) -> float:
    """Return the p-value of Hotelling's T^2 of k means from so many clusters."""
    from scipy.special import fdtrc

    c = clusters
    return float(fdtrc(k, c - k, statistic * (c - k) / (k * (c - 1))))


def hotelling_quantile(level: float, k: int, clusters: int) -> float:
    """Return what Hotelling's T^2 stays below with probability `level`."""
    from scipy.special import fdtri

    return float(fdtri(k, clusters - k, level)) * k * (clusters - 1) / (clusters - k)


def holm(p: Sequence[float] | Float) -> Float:
    """Return Holm-adjusted p-values; NaN entries are not counted as tests.

    References
    ----------
    Holm (1979), Scand. J. Stat. 6, 65.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    out = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p.ravel()))
    values = p.ravel()[tested]
    order = np.argsort(values, kind="stable")
    adjusted = np.maximum.accumulate(values[order] * (len(values) - np.arange(len(values))))
    out.ravel()[tested[order]] = np.minimum(adjusted, 1.0)
    return out


def smallest_p(p: Sequence[float] | Float) -> float:
    """Return the smallest of several p-values after Holm: whether any of them is no chance; NaN without a test."""
    known = np.asarray(p, dtype=np.float64)
    return float(np.nanmin(holm(known), initial=1.0)) if np.isfinite(known).any() else float("nan")
