"""Is the drift straight? Squares and products of the scores, added to the pooled regression, by cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float, Int
from .panel import Pairs
from .resample import holm

SPARE = 8  # clusters wanted beyond the number of quadratic terms


@dataclass(frozen=True)
class Curvature:
    """`p_value` of straight drift (Holm over objectives), and `by_objective`, shape (n_obj,), not adjusted."""

    p_value: float
    by_objective: Float


def curvature_test(pairs: Pairs, cluster: Int, n_clusters: int) -> Curvature:
    """Test that no square or product of the objectives helps to predict the next scores.

    Each objective's score statistic: the sum, over a cluster's transitions, of the residual of the pooled regression
    times what the quadratic terms hold beyond (1, x); Hotelling's F over clusters, Holm over objectives. With few
    clusters only the squares are tested.

    Parameters
    ----------
    pairs : Pairs
    cluster : int array, shape (n_pairs,)
    n_clusters : int

    Notes
    -----
    *When it is wrong*: scores that pile up at a bound bend the fit without any bend in the loop; differing sessions
    and scorer noise can, too, where scores are skewed.
    """
    n = pairs.x.shape[1]
    nothing = Curvature(float("nan"), np.full(n, np.nan))
    filled = np.unique(cluster)
    sd = pairs.x.std(axis=0) if len(pairs) else np.zeros(n)
    if len(filled) < n + SPARE or not np.all(sd > 0):
        return nothing
    x = (pairs.x - pairs.x.mean(axis=0)) / sd
    rows, columns = np.triu_indices(n)
    if len(filled) < len(rows) + SPARE:
        rows = columns = np.arange(n)
    plain = np.column_stack([np.ones(len(x)), x])
    terms = _beyond(x[:, rows] * x[:, columns], plain)
    size = terms.std(axis=0)
    terms = terms[:, size > 1e-8]
    if terms.shape[1] == 0:
        return nothing
    p = np.array([_score_p(_beyond(y[:, None], plain)[:, 0], terms, cluster, n_clusters, filled) for y in pairs.y.T])
    return Curvature(float(np.nanmin(holm(p), initial=1.0)) if np.isfinite(p).any() else float("nan"), p)


def _beyond(values: Float, plain: Float) -> Float:
    """Residuals of columns on (1, x)."""
    return np.asarray(values - plain @ np.linalg.lstsq(plain, values, rcond=None)[0])


def _score_p(residual: Float, terms: Float, cluster: Int, n_clusters: int, filled: Int) -> float:
    from scipy.special import fdtrc

    scores = np.stack([np.bincount(cluster, weights=residual * t, minlength=n_clusters) for t in terms.T], axis=1)
    scores = scores[filled]
    c, k = scores.shape
    total = scores.sum(axis=0)
    # About zero, as under the null: deviations about the mean score would make rare large clusters look sure.
    scatter = scores.T @ scores
    if np.linalg.eigvalsh(scatter)[0] <= 1e-12 * np.trace(scatter):
        return float("nan")
    raw = float(total @ np.linalg.solve(scatter, total))  # at most c
    t2 = (c - 1) * (raw / c) / max(1 - raw / c, 1e-12)
    return float(fdtrc(k, c - k, t2 * (c - k) / (k * (c - 1))))
