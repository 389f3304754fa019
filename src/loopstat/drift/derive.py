"""Everything that follows from a batch of fits: eigenvalues, rates, fixed points, explained shares, interference."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Float
from .maps.base import Slopes
from .readings.interference import MODEL_PARTS, correlation, decompose, decompose_model, start_moments
from .readings.regimes import eigenvalues, rates
from .sums import Moments


def read_with(
    moments: Moments, slopes: Slopes, sums: Float | None, first: Float | None
) -> tuple[Moments, dict[str, Any]]:
    """Return the moments read with an estimator's slopes, and everything derived from them."""
    read = moments.with_slopes(slopes.M, slopes.Q, slopes.b)
    return read, derive(read, sums, first, slopes)


def derive(moments: Moments, sums: Float | None, first: Float | None, slopes: Slopes | None = None) -> dict[str, Any]:
    """Compute everything the report speaks of from a batch of fits.

    Parameters
    ----------
    moments : Moments
    sums, first : arrays or None
        Path sums of the same batch; None where there is no mean path.
    slopes : Slopes, optional
        Of the same batch, where the estimator is not the pooled regression.

    Returns
    -------
    dict
        Quantity to an array whose first axis is the batch.
    """
    values = eigenvalues(moments.M)
    euler, exact = rates(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.einsum("bii->bi", moments.Q)
        r2 = {
            "r2_increments": 1 - noise / np.einsum("bii->bi", moments.cov_dx),
            "r2_levels": 1 - noise / np.einsum("bii->bi", moments.cov_y),
        }
    out: dict[str, Any] = {f"drift.{k}": getattr(moments, k) for k in ("A", "b", "Q", "M")}
    out |= {"eigen": values, "re": values.real, "im": values.imag, "modulus": np.abs(values)}
    out |= {"rate_euler": euler, "rate_exact": exact, **r2, "fixed_point": moments.fixed_point()}
    if slopes is None:
        parts = decompose(moments, sums, first)
    elif sums is None:  # without a mean path there is nothing to take apart
        parts = dict.fromkeys(MODEL_PARTS, np.full(moments.A.shape, np.nan))
    else:
        parts = decompose_model(moments, slopes.R, slopes.first, sums)
    out |= {f"interference.{k}": v for k, v in parts.items()}
    out["interference.total"] = correlation(moments.cov_dx)
    if first is not None:
        out["gap"] = first_mean(first, moments) - out["fixed_point"]
    return out


def first_mean(first: Float, moments: Moments) -> Float:
    """Return the mean first state of each batch entry, in units of the data."""
    return moments.centre + start_moments(first)[0]


def scaled_drift(moments: Moments, centre: Float, scale: Float) -> Float:
    """Return (b, A) of the drift in the coordinates (x - centre)/scale, shape (batch, n, 1 + n)."""
    at_centre = moments.b + np.einsum("bij,j->bi", moments.A, centre)
    slopes = moments.A * (scale[None, :] / scale[:, None])
    return np.concatenate([(at_centre / scale)[..., None], slopes], axis=2)
