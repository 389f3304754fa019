"""Is the drift straight? Squares and products of the scores, added to the pooled regression, by cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int
from ...inference.tests import smallest_p
from ...panel.panel import Pairs

SPARE = 8  # clusters wanted beyond the number of quadratic terms
ALMOST_NOTHING = 1e-8  # spread of a term beyond (1, x), in units of x squared, that is rounding


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

    Returns
    -------
    Curvature
        NaN with fewer than 8 clusters more than squares, or where the squares say nothing that the scores do not.

    Notes
    -----
    Residuals are those of the straight fit: with the curved fit's, errors by cluster reject 7 to 27 % of straight loops
    at 5 % (three objectives, 20 to 200 sessions of 10), these 2.5 to 6 %, the lower end with heavy tails (t with 5
    degrees of freedom).

    *When it is wrong*: scores that pile up at a bound bend the fit without any bend in the loop; differing sessions
    and scorer noise can, too, where scores are skewed.

    References
    ----------
    Breusch and Pagan (1980), Rev. Econ. Stud. 47, 239 (score tests); Hotelling (1931), Ann. Math. Stat. 2, 360.
    """
    n = pairs.x.shape[1]
    nothing = Curvature(float("nan"), np.full(n, np.nan))
    filled = np.flatnonzero(np.bincount(cluster))
    sd = pairs.x.std(axis=0) if len(pairs) else np.zeros(n)
    if len(filled) < n + SPARE or not np.all(sd > 0):
        return nothing
    x = (pairs.x - pairs.x.mean(axis=0)) / sd
    rows, columns = np.triu_indices(n)
    if len(filled) < len(rows) + SPARE:
        rows = columns = np.arange(n)
    plain = np.concatenate([np.ones((1, len(x))), x.T])
    terms = _beyond(x.T[rows] * x.T[columns], plain)
    terms = terms[terms.std(axis=1) > ALMOST_NOTHING]
    if len(terms) == 0:
        return nothing
    y = (pairs.y - pairs.x.mean(axis=0)) / sd
    p = np.array([_score_p(residual, terms, cluster, filled) for residual in _beyond(y.T, plain)])
    return Curvature(smallest_p(p), p)


def _beyond(values: Float, plain: Float) -> Float:
    """Return residuals of rows on (1, x), shape (k, n_pairs)."""
    gram = plain @ plain.T
    # x is standardised: its sums of products lose nothing, and objectives that copy one another are let through.
    slopes = np.linalg.pinv(gram, rcond=ALMOST_NOTHING**2, hermitian=True) @ (plain @ values.T)
    return np.asarray(values - slopes.T @ plain)


def _score_p(residual: Float, terms: Float, cluster: Int, filled: Int) -> float:
    from scipy.special import fdtrc

    if residual.std() <= ALMOST_NOTHING:  # rounding of a loop without noise, which has no law
        return float("nan")
    by_cluster = [np.bincount(cluster, weights=residual * term)[filled] for term in terms]
    raw = np.stack(by_cluster, axis=1)
    size = np.sqrt(np.mean(raw**2, axis=0))
    scores = np.asarray(raw / np.where(size > 0, size, 1.0), dtype=np.float64)
    c, k = scores.shape
    total = scores.sum(axis=0)
    scatter = scores.T @ scores
    if np.linalg.eigvalsh(scatter)[0] <= ALMOST_NOTHING * c:
        return float("nan")
    # Share of the scatter about 0 that lies in the mean; from it, Hotelling's statistic about the mean.
    share = min(float(total @ np.linalg.solve(scatter, total)) / c, 1 - 1e-12)
    return float(fdtrc(k, c - k, share / (1 - share) * (c - k) / k))
