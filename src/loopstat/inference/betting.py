"""Tests of a bounded mean that hold for any law and any number of values: capital won by betting against the null."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float
from ..errors import SettingsError

CAUTION = 0.95  # of the largest stake that can never ruin: one value at the bound leaves a twentieth of the capital
GUESS = 0.25  # of the bound: standard deviation before any value is seen
ROUNDING = 1e-9


def mean_below_p(values: ArrayLike, limit: float, bound: float, *, alpha: float = 0.05) -> Float:
    """Return p-values of `mean >= limit`, small where values no larger than `bound` have a smaller mean.

    A bettor who stakes s_i on the i-th value holds prod_i (1 - s_i (x_i - limit)): never negative for
    s_i <= 1/(bound - limit), and no more than 1 on average where the mean is at least `limit`, whatever the law, as
    long as s_i depends on earlier values alone. So the largest capital on the way exceeds 1/a with probability at most
    a (Ville), and its inverse is a p-value. Here s_i = sqrt(2 log(1/alpha)/(n v)), v the variance of the values before.
    Only the upper bound matters; values may be as negative as they like.

    Parameters
    ----------
    values : array, shape (..., n)
        Independent (or exchangeable) with one mean, in an order that says nothing about them.
    limit : float
        Below `bound`.
    bound : float
        No value is larger.
    alpha : float
        The level the stakes are meant for; the p-value holds at every level.

    Returns
    -------
    float array, shape (...)
        1 for no value.

    Raises
    ------
    SettingsError
        A value exceeds the bound, or the limit does.

    Notes
    -----
    When it is wrong: where the bound is not known beforehand but taken from the values, or the order depends on them.

    References
    ----------
    Waudby-Smith and Ramdas (2024), J. R. Stat. Soc. B 86, 1, section 4 (predictable plug-in), one-sided.

    Examples
    --------
    >>> round(float(mean_below_p([0.0] * 40, limit=0.1, bound=1.0)), 3)
    0.018
    """
    x = np.asarray(values, dtype=np.float64)
    _refuse(x, limit, bound)
    stake = np.minimum(np.sqrt(2 * np.log(1 / alpha) / (x.shape[-1] * _variances(x, bound))), _largest(limit, bound))
    capital = np.cumsum(np.log1p(-stake * (x - limit)), axis=-1)
    return np.asarray(np.exp(-capital.max(axis=-1, initial=0.0)))


def _refuse(x: Float, limit: float, bound: float) -> None:
    if not limit < bound:
        raise SettingsError(f"the limit must be below the bound {bound:g}. Got {limit:g}.")
    if x.size and not float(x.max()) <= bound + ROUNDING * abs(bound):
        raise SettingsError(f"no value may exceed the bound {bound:g}. Got {float(x.max()):g}.")


def _largest(limit: float, bound: float) -> float:
    return CAUTION / (bound - limit)


def _variances(x: Float, bound: float) -> Float:
    """Return the variance of the values before each one, a guess counted as one value, shape (..., n)."""
    n = x.shape[-1]
    earlier = np.arange(n)
    before = np.zeros(x.shape)
    before[..., 1:] = np.cumsum(x, axis=-1)[..., :-1]
    mean = before / np.maximum(earlier, 1)
    squares = np.zeros(x.shape)
    squares[..., 1:] = np.cumsum((x[..., :-1] - mean[..., 1:]) ** 2, axis=-1)
    return ((GUESS * bound) ** 2 + squares) / (1 + earlier)


def values_needed(values: ArrayLike, limit: float, bound: float, *, alpha: float, power: float = 0.8) -> int | None:
    """Return how many values like these it takes until `mean >= limit` is rejected at `alpha` with some probability.

    With a stake the logarithm of the capital grows by g a value on average, with standard deviation s: n is the number
    at which n g - z s sqrt(n) reaches log(1/alpha), for the best stake.

    Parameters
    ----------
    values : array, shape (n,)
    limit, bound, alpha : float
        As in `mean_below_p`.
    power : float
        That probability; z is its normal quantile.

    Returns
    -------
    int or None
        None where no stake wins: the mean is not below the limit as far as can be seen.
    """
    from scipy.special import ndtri

    x = np.asarray(values, dtype=np.float64)
    _refuse(x, limit, bound)
    stakes = _largest(limit, bound) * np.geomspace(0.01, 1.0, 40)
    gains = np.log1p(-stakes[:, None] * (x - limit))
    wins = gains.mean(axis=1) > ROUNDING
    if not wins.any():
        return None
    g, zs = gains.mean(axis=1)[wins], float(ndtri(power)) * gains.std(axis=1)[wins]
    root = (zs + np.sqrt(zs**2 + 4 * g * np.log(1 / alpha))) / (2 * g)
    return int(np.ceil(np.min(root**2)))
