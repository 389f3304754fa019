"""Do early steps, or sessions' first ones, follow the drift of all? From sums of parts of the transitions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...arrays import Float
from ...inference.intervals import jackknife_variance
from ...inference.tests import smallest_p, student_p
from ..sums import Grams, Moments

LEAST = 0.02  # of the transitions, that a part and what is left of them must hold


def worth_testing(share: float) -> bool:
    """Return whether a part of so large a share can be told from the rest."""
    return LEAST < share < 1 - LEAST


def early_late_p(parts: Iterable[Grams], grams: Grams, moments: Moments, left_out: Moments) -> float:
    """Return the smallest Holm p-value of: residuals of a part, and their slopes, average to zero.

    Parameters
    ----------
    parts : iterable of Grams
        Of parts of the transitions, about the same reference point as `grams`.
    grams : Grams
        Of all of them.
    moments, left_out : Moments
        The pooled regression, and that without each cluster that holds transitions.
    """
    n_clusters = int(np.sum(grams.g[:, 0, 0] > 0))
    if moments.singular[0] or n_clusters < 3:
        return float("nan")
    statistics = [t for part in parts for t in _contrasts(part, grams, moments, left_out)]
    if not statistics:
        return float("nan")
    t = np.concatenate(statistics)
    if len(t) == 0 or np.isnan(t).any():
        return float("nan")
    return smallest_p(student_p(t, n_clusters - 1))


def _contrasts(part: Grams, grams: Grams, moments: Moments, left_out: Moments) -> list[Float]:
    """t statistics of the mean residual and of its slope on the objective itself, in a part of the transitions."""
    filled = grams.g[:, 0, 0] > 0
    # Sessions that all start at one point leave no slope to speak of in their first transition.
    varies = _spread(part) > 1e-3 * _spread(grams)
    out = []
    for f, usable in ((_mean_residual, np.ones_like(varies)), (_residual_slope, varies)):
        value = f(part.total(), part, moments)[0]
        left = f(part.left_out()[filled], part, left_out)
        se = np.sqrt(jackknife_variance(left))
        good = usable & (se > 0)
        out.append((value / np.where(good, se, 1.0))[good])
    return out


def _spread(grams: Grams) -> Float:
    """Return the standard deviation of the earlier states, in units of the sums, shape (n_obj,)."""
    total, n = grams.total()[0], grams.n_obj
    mean = total[0, 1 : 1 + n] / total[0, 0]
    return np.asarray(np.sqrt(np.maximum(np.diag(total)[1 : 1 + n] / total[0, 0] - mean**2, 0.0)))


def _mean_residual(g: Float, grams: Grams, fit: Moments) -> Float:
    part = Moments.of(g, grams)
    mean_y = grams.centre + grams.scale * g[:, 0, 1 + grams.n_obj :] / np.maximum(g[:, :1, 0], 1e-300)
    return np.asarray(mean_y - fit.b - np.einsum("kij,kj->ki", fit.M, part.mean_x))


def _residual_slope(g: Float, grams: Grams, fit: Moments) -> Float:
    part = Moments.of(g, grams)
    # Cov(y, x) within the part, less what the overall fit explains.
    cov_yx = (part.cov_y + part.cov_x - part.cov_dx) / 2
    return np.asarray(np.einsum("kii->ki", cov_yx - (fit.M @ part.cov_x + np.swapaxes(fit.M @ part.cov_x, 1, 2)) / 2))
