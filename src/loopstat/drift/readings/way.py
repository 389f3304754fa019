"""The way to rest: the first step at which 90 % of it is gone."""

from __future__ import annotations

import numpy as np

from ...arrays import Float
from ...inference.intervals import jackknife_interval, percentile_interval

WAY = 0.9  # the step asked for is the first at which this share of the way is gone
HORIZON = 3000  # steps looked ahead for it


def way_to_rest(
    M: tuple[Float, Float, Float], gap: tuple[Float, Float, Float], spread: Float, level: float
) -> tuple[float, float, float]:
    """Return the first step at which 90 % of the way is gone, (value, low, high).

    Parameters
    ----------
    M, gap : arrays (batch, ...)
        One-step maps, and mean start minus fixed point: the estimate, bootstrap draws, and without each cluster.
    spread : array, shape (n_obj,)
    level : float
    """
    draws = 1 if len(M[1]) else 2  # without draws, steps without each cluster serve
    first, others = (steps_along(M[k], gap[k] / spread, spread) for k in (0, draws))
    value = float(first[0])
    low, high = (
        percentile_interval(others, level) if draws == 1 else jackknife_interval(np.asarray(value), others, level)
    )
    return value, min(float(low), value), max(float(high), value)


def steps_along(M: Float, gap: Float, spread: Float) -> Float:
    """Return the first step at which 90 % of the way is gone, shape (batch,); HORIZON where it never is.

    Parameters
    ----------
    M : array, shape (batch, n_obj, n_obj)
    gap : array, shape (batch, n_obj)
        Start minus fixed point, in standard deviations `spread`; the way is measured in these.
    spread : array, shape (n_obj,)
    """
    out = np.full(len(M), float(HORIZON))
    going = np.isfinite(gap).all(axis=1) & np.isfinite(M).all(axis=(1, 2))
    out[~going] = np.nan
    scaled = M * (spread[None, :] / spread[:, None])
    goal = (1 - WAY) * np.linalg.norm(gap, axis=1)
    state = gap.copy()
    for t in range(1, HORIZON):
        state[going] = np.einsum("kij,kj->ki", scaled[going], state[going])
        distance = np.linalg.norm(state, axis=1)
        arrived = going & (distance <= goal)
        out[arrived] = t
        going &= ~arrived & (distance < 1e100)  # an unstable draw never arrives: left alone before it overflows
        if not going.any():
            break
    return out
