"""The best of K standard normal draws, for any real K of at least 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float
from ..errors import SettingsError

GRID = np.arange(-9.0, 12.0, 0.05)  # the trapezoid rule is exact to rounding for so smooth an integrand


def expected_maximum(k: ArrayLike) -> Float:
    r"""Return e(K), the expected maximum of K independent standard normals.

    e(K) = int z K phi(z) Phi(z)^(K-1) dz: Phi^K is a law for every real K >= 1, so K need not be whole.

    Parameters
    ----------
    k : float array of any shape
        At least 1.

    Returns
    -------
    float array of the shape of `k`
        In standard deviations of one draw.

    Raises
    ------
    SettingsError
        Below 1, or not finite.

    References
    ----------
    David and Nagaraja (2003), Order Statistics, section 3.1.

    Examples
    --------
    >>> expected_maximum([1.5, 2, 3, 5, 12]).round(4).tolist()
    [0.3441, 0.5642, 0.8463, 1.163, 1.6292]
    """
    from scipy.special import log_ndtr

    K = _checked(k)
    log_density = -(GRID**2) / 2 - np.log(2 * np.pi) / 2
    weight = GRID * (GRID[1] - GRID[0])
    flat = np.ravel(K)[:, None]
    return np.asarray((flat * np.exp(log_density + (flat - 1) * log_ndtr(GRID)) @ weight[:, None]).reshape(K.shape))


def source_maximum(k: ArrayLike) -> Float:
    """Return Phi^-1(1 - 1/K), an approximation in use for the expected maximum: 0 at K = 2 and negative below.

    Parameters
    ----------
    k : float array of any shape
        At least 1; at 1, where it would be minus infinity, there is no selection and the value is 0.

    Returns
    -------
    float array of the shape of `k`

    Raises
    ------
    SettingsError
        Below 1, or not finite.

    Examples
    --------
    >>> source_maximum([1.5, 2, 3, 5, 12]).round(4).tolist()
    [-0.4307, 0.0, 0.4307, 0.8416, 1.383]
    """
    from scipy.special import ndtri

    K = _checked(k)
    return np.asarray(np.where(K > 1, ndtri(1 - 1 / np.where(K > 1, K, 2.0)), 0.0))


def mean_maximum(k: ArrayLike, order_statistic: str) -> Float:
    """Return the mean of the best of K as asked for: `exact`, or the `source`'s approximation; in the shape of `k`."""
    return source_maximum(k) if order_statistic == "source" else expected_maximum(k)


def maximum_of(log_uniform: ArrayLike, k: ArrayLike) -> Float:
    """Return the maximum of K standard normals from one uniform draw, whatever K is.

    z = Phi^-1(U^(1/K)), from ln U / K, which keeps its digits at both ends.

    Parameters
    ----------
    log_uniform : float array
        ln U, below 0.
    k : float array
        Broadcast against it; at least 1.

    Returns
    -------
    float array

    Examples
    --------
    >>> maximum_of(np.log([0.5, 0.5]), [2, 1000]).round(4).tolist()
    [0.545, 3.1976]
    """
    from scipy.special import ndtri_exp

    return np.asarray(ndtri_exp(np.asarray(log_uniform) / np.asarray(k)))


def _checked(k: ArrayLike) -> Float:
    K: Any = np.asarray(k, dtype=np.float64)
    if not (np.isfinite(K).all() and (K >= 1).all()):
        raise SettingsError(
            f"`k` must be finite and at least 1: the best of fewer than one draw is nothing. Got {k!r}."
        )
    return np.asarray(K)
