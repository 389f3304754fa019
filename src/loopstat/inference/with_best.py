"""Multiple comparisons with the best: how far each of several figures is from the best of the others."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..arrays import Bool, Float, frozen
from .estimate import Estimate

DRAWS = 4000  # of the largest of correlated errors: its 95 % quantile is known to 0.03
FEWEST_DRAWS, MOST_NUMBERS = 400, 4_000_000  # fewer draws where very many clusters take part
SEED = 0


@dataclass(frozen=True)
class Pairwise:
    """One difference, a - b, and what each cluster contributes to its error.

    Attributes
    ----------
    value : float
    influence : mapping
        Name of a cluster to its contribution; their squares sum to the variance. Empty where no error is known.
    df : float
    """

    value: float
    influence: Mapping[Hashable, float]
    df: float

    @cached_property
    def error(self) -> float:
        """Standard error; infinite where it is not known."""
        return float(np.sqrt(sum(v * v for v in self.influence.values()))) if self.influence else float("inf")

    def turned(self) -> Pairwise:
        """Return b - a."""
        return Pairwise(-self.value, {name: -v for name, v in self.influence.items()}, self.df)


@dataclass(frozen=True)
class Standings:
    """How far each figure is from the best of the others, shape (k,), and which may be the best of all."""

    gap: Estimate
    may_be_best: Bool


def against_best(pairs: Mapping[tuple[int, int], Pairwise], k: int, *, level: float) -> Standings:
    """Return theta_i - max_{j != i} theta_j of k figures, with intervals that hold for all of them at once.

    The upper end of figure i is (min_j D_ij + q_i s_ij)^+ over the others: where it is 0, figure i is not the best.
    The lower end is min_j (D_ij - q_j s_ij)^- over the others that may be, 0 where i alone may be. q_i is the one-sided
    quantile of the largest of the studentised errors of D_ij over j, which share clusters, turned into one of t.

    Parameters
    ----------
    pairs : mapping of (i, j) to Pairwise
        Each pair once, in either order. Where some are missing q_i is Bonferroni's over all others, and a lower end
        that needs one is NaN.
    k : int
    level : float
        Of all intervals together.

    Returns
    -------
    Standings
        The ends are constrained: an interval holds 0 or ends there.

    Notes
    -----
    *When it is wrong*: figures whose errors are far from normal in few clusters.

    References
    ----------
    Hsu (1984), Ann. Stat. 12, 1136; Hsu (1996), Multiple Comparisons, section 4.2 (unequal errors).

    Examples
    --------
    >>> apart = {(0, 1): Pairwise(3.0, {"a": 0.6, "b": -0.8}, 60.0)}
    >>> against_best(apart, 2, level=0.95)
    Standings(gap=Estimate(3 [0, 5], -3 [-5, 0]; shape (2,)), may_be_best=array([ True, False]))
    """
    both = {**pairs, **{(j, i): pair.turned() for (i, j), pair in pairs.items()}}
    known = np.full((k, k), np.nan)
    error = np.full((k, k), np.nan)
    for (i, j), pair in both.items():
        known[i, j], error[i, j] = pair.value, pair.error
    q = _quantiles(pairs, k, level)
    with np.errstate(invalid="ignore"):
        upper, lower = known + q[:, None] * error, known - q[None, :] * error
    none = np.isnan(known).all(axis=1)
    value = np.where(none, np.nan, np.min(np.where(np.isnan(known), np.inf, known), axis=1))
    high = np.min(np.where(np.isnan(upper), np.inf, upper), axis=1)
    candidate = high >= 0
    low = np.array([_lower(lower[i], candidate & (np.arange(k) != i)) for i in range(k)])
    return Standings(Estimate(value, low, np.maximum(high, 0.0), level=level), candidate)


@lru_cache(maxsize=1)
def _normals(rows: int, draws: int) -> Float:
    """Return the same normal numbers at every call."""
    return frozen(np.random.default_rng(SEED).standard_normal((rows, draws)), np.float64)


def _lower(ends: Float, others: Float) -> float:
    return min(float(ends[others].min()), 0.0) if others.any() else 0.0  # NaN where a pair is missing


def _quantiles(pairs: Mapping[tuple[int, int], Pairwise], k: int, level: float) -> Float:
    """Return for each figure the quantile of the largest studentised error of its differences, which share clusters."""
    from scipy.special import ndtr, ndtri, stdtrit

    moving = {pair: p for pair, p in pairs.items() if 0 < p.error < np.inf}
    place = {name: m for m, name in enumerate(dict.fromkeys(name for p in moving.values() for name in p.influence))}
    normals = _normals(len(place), max(FEWEST_DRAWS, min(DRAWS, MOST_NUMBERS // max(len(place), 1))))
    rows = np.zeros((len(moving), len(place)))
    for row, p in zip(rows, moving.values(), strict=True):
        row[[place[name] for name in p.influence]] = np.array(list(p.influence.values())) / p.error
    drawn = dict(zip(moving, rows @ normals, strict=True))
    out = np.ones(k)
    for i in range(k):
        own = [pair for pair in moving if i in pair]
        if not own:
            continue
        normal = float(np.quantile(np.max([drawn[p] if p[0] == i else -drawn[p] for p in own], axis=0), level))
        if len(own) < k - 1:  # those that are here were chosen by what they are: any of the others might have been
            normal = max(normal, float(ndtri(1 - (1 - level) / (k - 1))))
        out[i] = float(stdtrit(max(min(moving[p].df for p in own), 1.0), float(ndtr(normal))))
    return out
