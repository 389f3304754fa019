"""Does the fit predict? Held-out error of the linear drift beside four baselines that know less.

A convergent-looking regression is not evidence: independent scores give A = -I with an R^2 of one half. So the fit must
beat, on clusters it has not seen: standing still, the overall mean, a constant drift, and the session's own running
mean shrunk to the overall one (which wins where sessions differ and nothing moves).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int, group_starts, relabel, summed_rows
from ...inference.estimate import Estimate
from ...inference.intervals import jackknife
from ...inference.resample import folds
from ...inference.tests import positive_p
from ...panel.model import Rng
from ...panel.panel import Pairs, Panel
from ..sums import Grams, Moments

BASELINES = ("persistence", "mean", "constant_drift", "running_mean")
SHRINKS = np.array([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, np.inf])
N_FOLDS = 5


@dataclass(frozen=True)
class Skill:
    """Held-out skill 1 - MSE/MSE(baseline) of the linear drift.

    Attributes
    ----------
    overall : dict
        Baseline to the mean over objectives.
    by_objective : dict
        Baseline to Estimate of shape (n_obj,).
    beats : float array, shape (n_obj,)
        One-sided p-value that the objective is predicted no better than by the overall mean or by the session's
        running mean, whichever is larger.
    n_folds : int
        Cluster folds used.
    fold : int array, shape (n_clusters,)
        The fold each cluster is held out in.
    """

    overall: dict[str, Estimate]
    by_objective: dict[str, Estimate]
    beats: Float
    n_folds: int
    fold: Int


def cluster_folds(grams: Grams, rng: Rng) -> Int | None:
    """Return the fold of each cluster; None where fewer than two clusters hold data."""
    filled = np.flatnonzero(grams.g[:, 0, 0] > 0)
    n_folds = min(N_FOLDS, len(filled))
    if n_folds < 2:
        return None
    fold = np.zeros(len(grams), dtype=np.int64)
    fold[filled] = folds(len(filled), n_folds, rng)
    return fold


def held_out_skill(
    panel: Panel,
    pairs: Pairs,
    grams: Grams,
    cluster: Int,
    *,
    fold: Int,
    level: float,
    errors: Float | None = None,
) -> Skill:
    """Measure skill over cluster folds.

    Parameters
    ----------
    panel, pairs : the data
    grams : Grams
        Of the same transitions, one per cluster.
    cluster : int array, shape (n_pairs,)
    fold : int array, shape (n_clusters,)
        From `cluster_folds`.
    errors : array, shape (n_pairs, n_obj), optional
        Held-out errors of another prediction on the same folds, taken instead of the pooled drift's where not NaN.
    """
    filled = np.flatnonzero(grams.g[:, 0, 0] > 0)
    squared = squared_errors(panel, pairs, grams, cluster, fold)
    if errors is not None:
        squared["linear"] = np.where(np.isnan(errors), squared["linear"], errors**2)
    # Sum per cluster: the skill is a function of these sums, so clusters can be left out of it cheaply.
    return skill_of_sums(
        {name: summed_rows(cluster, e, len(grams))[filled] for name, e in squared.items()}, fold, level
    )


def skill_of_sums(sums: dict[str, Float], fold: Int, level: float) -> Skill:
    """Return the skill from sums of squared errors per cluster that holds data, shape (n_filled, n_obj) each."""
    ours = sums.pop("linear")
    overall, by_objective, p = {}, {}, {}
    for name, theirs in sums.items():
        each = _skill(ours.sum(axis=0), theirs.sum(axis=0))
        left = _skill(ours.sum(axis=0) - ours, theirs.sum(axis=0) - theirs)
        by_objective[name] = jackknife(each, left, level=level)
        overall[name] = jackknife(np.mean(each), left.mean(axis=1), level=level)
        p[name] = positive_p(each, left)
    return Skill(overall, by_objective, np.maximum(p["mean"], p["running_mean"]), int(fold.max()) + 1, fold)


def squared_errors(panel: Panel, pairs: Pairs, grams: Grams, cluster: Int, fold: Int) -> dict[str, Float]:
    """Return squared prediction errors per transition, shape (n_pairs, n_obj), of `linear` and every baseline."""
    in_fold = fold[cluster]
    train = np.stack([grams.g[fold != k].sum(axis=0) for k in range(fold.max() + 1)])
    moments = Moments.of(train, grams)
    mean_x = _at(moments.mean_x, in_fold)
    mean_y = _at(grams.scale * train[:, 0, 1 + grams.n_obj :] / train[:, :1, 0] + grams.centre, in_fold)
    mean_dx = mean_y - mean_x
    linear = mean_y.copy("K")
    for j, of in enumerate((pairs.x - mean_x).T):
        linear += _at(moments.M[:, :, j], in_fold) * of[:, None]
    count, history = running_mean(panel, pairs)
    out = {
        "linear": (pairs.y - linear) ** 2,
        "persistence": (pairs.y - pairs.x) ** 2,
        "mean": (pairs.y - mean_y) ** 2,
        "constant_drift": (pairs.y - pairs.x - mean_dx) ** 2,
    }
    return {**out, "running_mean": _shrunk(pairs.y, mean_y, count, history, in_fold)}


def running_mean(panel: Panel, pairs: Pairs) -> tuple[Int, Float]:
    """Return (count, mean) of the session's scores before each later state's step, shapes (n_pairs,), (n_pairs, n)."""
    rows = np.flatnonzero(panel.complete)
    session = panel.session[rows]
    start = group_starts(session)
    position = np.searchsorted(session[start], pairs.session)
    steps, place = relabel(panel.step)  # places, for steps may be too far apart for one key
    key = session * len(steps) + place[rows]
    upto = np.searchsorted(key, pairs.session * len(steps) + place[pairs.end])
    first = start[position]
    centre = panel.x[rows].mean(axis=0)  # cumulative sums about the mean keep their digits
    cumulative = np.concatenate([np.zeros((1, panel.n_obj)), np.cumsum(panel.x[rows] - centre, axis=0)])
    count = upto - first
    return count, centre + (cumulative[upto] - cumulative[first]) / np.maximum(count, 1)[:, None]


def _shrunk(y: Float, mean: Float, count: Int, history: Float, in_fold: Int) -> Float:
    """Squared errors of the running mean, shrunk by what is best on the training folds, per objective."""
    ahead, known = y - mean, history - mean
    n_folds = int(in_fold.max()) + 1
    # Errors are quadratic in the weight, and that follows from the count: sums over each count serve every shrinkage.
    counts, place = relabel(count)
    cell, shape = in_fold * len(counts) + place, (n_folds, len(counts), y.shape[1])
    products = (ahead**2, ahead * known, known**2)
    own, mixed, other = (summed_rows(cell, v, n_folds * len(counts)).reshape(shape) for v in products)
    chosen = shrinkage(counts, own, mixed, other)
    return np.asarray((ahead - _at(chosen.reshape(-1, y.shape[1]), cell) * known) ** 2)


def shrinkage(counts: Int, own: Float, mixed: Float, other: Float) -> Float:
    """Return the weight of the session's own mean, by fold and count, that is best on the other folds.

    Parameters
    ----------
    counts : int array, shape (n_counts,)
        Scores that the own mean is of.
    own, mixed, other : float arrays, shape (n_folds, n_counts, n_obj)
        Sums of ahead^2, ahead x known and known^2, both about the overall mean.
    """
    weights = (_weight(counts, k) for k in SHRINKS)
    per_fold = np.stack([(own - 2 * w * mixed + w**2 * other).sum(axis=1) for w in weights])
    best = np.argmin(per_fold.sum(axis=1, keepdims=True) - per_fold, axis=0)  # (n_folds, n_obj)
    return np.stack([_weight(counts, shrink) for shrink in SHRINKS[best]])


def _at(table: Float, place: Int) -> Float:
    """Return rows of a small table by place, column by column in memory as the transitions are."""
    return np.ascontiguousarray(table.T).take(place, axis=1).T


def _weight(count: Int, k: Float) -> Float:
    """Return what the session's own mean counts beside the overall one, shape (len(count), 1 or n_obj)."""
    return np.asarray(count[:, None] / np.maximum(count[:, None] + k, 1e-300))


def _skill(ours: Float, theirs: Float) -> Float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(theirs > 0, 1 - ours / np.where(theirs > 0, theirs, 1.0), np.nan)
