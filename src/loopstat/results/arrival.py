"""When simulated runs arrive: quantiles in which never is later than everything, with Monte Carlo intervals."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..inference.resample import student_quantile
from .result import Estimate

LEVEL = 0.95
QUANTILES = {"median": 0.5, "q05": 0.05, "q95": 0.95}


@dataclass(frozen=True)
class Arrivals:
    """Quantiles of the moves, or the cost, at which runs arrive, and the share that never does.

    Attributes
    ----------
    median, q05, q95 : Estimate
        Of all runs, one that never arrives being later than any that does: infinite, and null in JSON, where the share
        that never arrives is at least 0.5, 0.95 and 0.05. Intervals by order statistics.
    never : Estimate
        Share of runs that do not arrive within the moves simulated, with its exact binomial interval.
    mean : Estimate
        NaN where any run never arrives.

    Notes
    -----
    Intervals say what more runs of the simulation would change, not how sure its parameters are.
    """

    median: Estimate
    q05: Estimate
    q95: Estimate
    never: Estimate
    mean: Estimate

    @classmethod
    def of(cls, when: ArrayLike, *, level: float = LEVEL) -> Arrivals:
        """Summarise arrival times of shape (n_runs,), infinite where a run never arrives.

        Examples
        --------
        >>> some = Arrivals.of([3, 5, 4, np.inf])
        >>> float(some.median.value), float(some.q95.value), float(some.never.value)
        (5.0, inf, 0.25)
        """
        sorted_ = np.sort(np.asarray(when, dtype=np.float64))
        quantiles = {name: quantile(sorted_, p, level=level) for name, p in QUANTILES.items()}
        arrived = np.isfinite(sorted_)
        mean = average(sorted_, level=level) if arrived.all() else Estimate(np.nan, np.nan, np.nan)
        return cls(**quantiles, never=share(~arrived, level=level), mean=mean)

    def times(self, factor: float) -> Arrivals:
        """Return the same in other units, such as cost; shares stay."""

        def scaled(e: Estimate) -> Estimate:
            with np.errstate(invalid="ignore"):
                return Estimate(*(float(x) * factor for x in (e.value, e.low, e.high)))

        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Arrivals(**{name: e if name == "never" else scaled(e) for name, e in parts.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON: `X`, `X_low`, `X_high`."""
        out: dict[str, Any] = {}
        for item in fields(self):
            getattr(self, item.name).put(out, item.name, (f"{item.name}_low", f"{item.name}_high"))
        return out


def quantile(ordered: ArrayLike, p: float, *, level: float = LEVEL) -> Estimate:
    """Return the order statistic of rank floor(p n) + 1 with the interval that two others make.

    Parameters
    ----------
    ordered : array, shape (n,)
        In order; infinite values last.
    p : float
        In (0, 1).
    level : float
        The binomial ranks cover the quantile at least so often, for values of any law.

    Returns
    -------
    Estimate
        The ends are 0 and infinite where there are too few values.

    References
    ----------
    David and Nagaraja (2003), Order Statistics, section 7.1.
    """
    from scipy.stats import binom

    x, n = np.asarray(ordered, dtype=np.float64), len(np.asarray(ordered))
    low, high = (int(binom.ppf(tail, n, p)) for tail in ((1 - level) / 2, (1 + level) / 2))
    value = x[min(int(p * n), n - 1)]
    return Estimate(value, x[low - 1] if low > 0 else 0.0, x[high] if high < n else np.inf)


def share(hits: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """Return the share of hits with its exact binomial (Clopper-Pearson) interval.

    Parameters
    ----------
    hits : bool array, shape (n,)
    level : float

    Returns
    -------
    Estimate
        NaN without any.

    Examples
    --------
    >>> round(float(share([False] * 100).high), 4)
    0.0362
    """
    from scipy.special import betaincinv

    hit = np.asarray(hits, dtype=bool)
    n, k = hit.size, int(hit.sum())
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan)
    tail = (1 - level) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return Estimate(k / n, low, high)


def average(values: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """Return the mean over runs with its interval by Student's t.

    Parameters
    ----------
    values : float array, shape (n,)
    level : float

    Returns
    -------
    Estimate
        NaN without any; without an interval for one.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.size < 2:
        return Estimate(float(x[0]) if x.size else np.nan, np.nan, np.nan)
    half = student_quantile(level, x.size - 1) * float(x.std(ddof=1)) / np.sqrt(x.size)
    return Estimate(float(x.mean()), float(x.mean()) - half, float(x.mean()) + half)
