"""Held-out skill from sums: every squared error is a quadratic form of what clusters hold."""

from __future__ import annotations

import numpy as np

from ...arrays import Float, Int
from ...inference.tables import Table
from ..readings.skill import Skill, shrinkage, skill_of_sums
from ..sums import Grams, Moments


def skill_from_sums(grams: Grams, history: Table, about: tuple[Float, Float], fold: Int, level: float) -> Skill:
    """Measure skill over cluster folds, as `held_out_skill` does from rows.

    Parameters
    ----------
    grams : Grams
    history : Table
        As `drift_tables` makes it, of the same transitions.
    about : (centre, scale), each of shape (n_obj,)
        Reference point and units of the histories.
    fold : int array, shape (n_clusters,)
    level : float
    """
    filled = np.flatnonzero(grams.g[:, 0, 0] > 0)
    train = np.stack([grams.g[fold != k].sum(axis=0) for k in range(fold.max() + 1)])
    moments, n = Moments.of(train, grams), grams.n_obj
    count = train[:, :1, 0]
    mean_u, mean_v = train[:, 0, 1 : 1 + n] / count, train[:, 0, 1 + n :] / count
    M = moments.M * (grams.scale[None, :] / grams.scale[:, None])
    one, g, at = np.eye(n), grams.g[filled], fold[filled]
    nothing, ahead = np.zeros((len(train), n)), np.broadcast_to(one, M.shape)

    def error(of_one: Float, of_x: Float) -> Float:
        """Sum (y - of_x x - of_one)^2 over each cluster, with the coefficients of its fold."""
        v = np.concatenate([-of_one[:, :, None], -of_x, ahead], axis=2)[at]
        squares: Float = np.einsum("cja,cab,cjb->cj", v, g, v, optimize=True)
        return np.maximum(squares, 0.0) * grams.scale**2

    errors = {
        "linear": error(mean_v - np.einsum("kij,kj->ki", M, mean_u), M),
        "persistence": error(nothing, ahead),
        "mean": error(mean_v, np.zeros_like(M)),
        "constant_drift": error(mean_v - mean_u, ahead),
    }
    mean = (grams.centre + grams.scale * mean_v - about[0]) / about[1]
    own_mean = _of_running_mean(history, mean, fold) * about[1] ** 2
    return skill_of_sums({**errors, "running_mean": own_mean[filled]}, fold, level)


def _of_running_mean(table: Table, mean: Float, fold: Int) -> Float:
    """Sum squared errors of the session's running mean, shrunk to the overall one, shape (n_clusters, n_obj)."""
    n = mean.shape[1]
    count, (y, yy, h, hh, yh) = table.values[:, :, :1], np.split(table.values[:, :, 1:], 5, axis=2)
    m = mean[fold][:, None]
    own, mixed = yy - 2 * m * y + count * m**2, yh - m * (y + h) + count * m**2
    other = hh - 2 * m * h + count * m**2
    shape = (len(mean), len(table.keys), n)
    per_fold = [np.zeros(shape) for _ in range(3)]
    for out, part in zip(per_fold, (own, mixed, other), strict=True):
        np.add.at(out, fold, part)
    w = shrinkage(table.keys, *per_fold)[fold]
    return np.asarray(np.maximum((own - 2 * w * mixed + w**2 * other).sum(axis=1), 0.0))
