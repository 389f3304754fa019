"""Coupling of objectives: correlation of their changes, taken apart into drift, noise, transient and rest.

For pooled least squares with intercept, Cov(dx) = A Cov(x) A' + Q holds to rounding, and
Cov(x) = G_inf + covariance of the mean path over steps + rest. So what moves together can be told apart: the drift
couples it, the noise does, or the sessions merely start low and rise together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int, group_starts, relabel, summed_rows
from ...inference.resample import weighted_sums
from ...panel.panel import Pairs
from ..model import lyapunov
from ..products import products, symmetric, with_one
from ..sums import Moments

PARTS = ("drift", "noise", "transient", "rest")
WILD = 20.0
UNSEEN = 1e-290  # a variance whose inverse would overflow
MODEL_PARTS = ("innovations", "scorer", "feedback", "mean_path", "first_steps", "misfit")
CAUSES = {
    "noise": "noise",
    "drift": "drift",
    "transient": "start-up",
    "rest": "rest",
    "innovations": "loop's own noise",
    "scorer": "scorer's noise",
    "feedback": "feedback",
    "mean_path": "mean path",
    "first_steps": "differing first steps",
    "misfit": "misfit",
}
"""Every part in words, in the order they are drawn in."""


@dataclass(frozen=True)
class PathSums:
    """Per cluster and step, sums of earlier states and of changes: what the mean path is made of.

    Attributes
    ----------
    sums : array, shape (n_clusters, n_steps, 1 + 2 n_obj)
        Count, then sums of x - centre, then sums of dx.
    first : array, shape (n_clusters, 1 + n_obj, 1 + n_obj)
        Gram of (1, x - centre) over each session's first transition.
    steps : int array, shape (n_steps,)
    centre : array, shape (n_obj,)
    """

    sums: Float
    first: Float
    steps: Int
    centre: Float

    @classmethod
    def of(cls, pairs: Pairs, cluster: Int, n_clusters: int, centre: Float) -> PathSums:
        """Accumulate from transitions; `cluster` has shape (n_pairs,)."""
        x = pairs.x - centre
        steps, position = relabel(pairs.step)
        n = n_clusters * len(steps)
        cell = cluster * len(steps) + position
        count = np.bincount(cell, minlength=n).astype(np.float64)
        sums = np.concatenate([count[:, None], summed_rows(cell, x, n), summed_rows(cell, pairs.dx, n)], axis=1)
        start = group_starts(pairs.session)
        z = with_one(x[start])
        first = summed_rows(cluster[start], products(z), n_clusters)
        return cls(sums.reshape(n_clusters, len(steps), sums.shape[1]), symmetric(first, z.shape[1]), steps, centre)

    def total(self) -> tuple[Float, Float]:
        """Return (sums, first) over all clusters, batch of one."""
        return self.sums.sum(axis=0, keepdims=True), self.first.sum(axis=0, keepdims=True)

    def left_out(self) -> tuple[Float, Float]:
        """Return (sums, first) without each cluster."""
        sums, first = self.total()
        return sums - self.sums, first - self.first

    def weighted(self, weights: Int) -> tuple[Float, Float]:
        """Return (sums, first) of bootstrap replicates."""
        return weighted_sums(weights, self.sums), weighted_sums(weights, self.first)


def path_covariance(sums: Float, *, of_changes: bool = False) -> Float:
    """Return the covariance over steps of the mean path (of states, or of changes), shape (batch, n, n).

    Steps are weighted by their rows.
    """
    count = sums[:, :, 0]
    total = np.maximum(count.sum(axis=1), 1e-300)
    safe = np.where(count > 0, count, 1.0)
    n = (sums.shape[2] - 1) // 2
    values = sums[:, :, 1 + n :] if of_changes else sums[:, :, 1 : 1 + n]
    mean = values / safe[:, :, None]
    grand = values.sum(axis=1) / total[:, None]
    deviation = (mean - grand[:, None]) * np.sqrt(count / total[:, None])[:, :, None]
    return np.asarray(np.swapaxes(deviation, 1, 2) @ deviation)


def start_moments(first: Float) -> tuple[Float, Float]:
    """Return mean (batch, n) about the centre and covariance (batch, n, n) of the first states."""
    count = np.maximum(first[:, 0, 0], 1e-300)
    mean = first[:, 0, 1:] / count[:, None]
    return mean, first[:, 1:, 1:] / count[:, None, None] - mean[:, :, None] * mean[:, None, :]


def start_spread(M: Float, excess: Float, counts: Float) -> Float:
    """Return mean_t M^t (V_0 - G_inf) M'^t weighted by rows per step, shape (batch, n, n)."""
    weight = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    out = np.zeros_like(M)
    term = excess
    for t in range(counts.shape[1]):
        out += weight[:, t, None, None] * term
        term = M @ term @ np.swapaxes(M, 1, 2)
    return out


def _positive_root(variance: Float) -> Float:
    """Return standard deviations; NaN where all changes are equal, which rounding may show as a variance of -1e-17."""
    return np.sqrt(np.where(variance > UNSEEN, variance, np.nan))


def correlation(cov: Float) -> Float:
    """Return correlations with the diagonal set to zero by convention, shape (batch, n, n)."""
    sd = _positive_root(np.einsum("bii->bi", cov))
    with np.errstate(divide="ignore", invalid="ignore"):
        out = cov / (sd[:, :, None] * sd[:, None, :])
    return np.asarray(out * (1 - np.eye(cov.shape[-1])))


def decompose(moments: Moments, sums: Float | None, first: Float | None) -> dict[str, Float]:
    """Take the covariance of the changes apart, over the standard deviations of the changes.

    Parameters
    ----------
    moments : Moments
    sums, first : arrays or None
        Path sums of the same batch; None for lineages, where steady state and transient do not apply.

    Returns
    -------
    dict
        `total`, then the parts and `start_spread`, `misfit` (which add up to `rest`), each of shape (batch, n, n)
        with their diagonals: diagonals of the parts are shares of each objective's variance. NaN where the loop has no
        steady state.
    """
    sd = _positive_root(np.einsum("bii->bi", moments.cov_dx))
    unit = 1 / (sd[:, :, None] * sd[:, None, :])
    M, A = moments.M, moments.A
    A_t = np.swapaxes(A, 1, 2)
    out = {"total": moments.cov_dx * unit, "noise": moments.Q * unit}
    nothing = np.full_like(M, np.nan)
    if sums is None or first is None:
        return {**out, **dict.fromkeys(("drift", "transient", "rest", "start_spread", "misfit"), nothing)}
    steady = lyapunov(M, moments.Q)
    path = path_covariance(sums)
    rest = moments.cov_x - steady - path
    spread = start_spread(M, start_moments(first)[1] - steady, sums[:, :, 0])
    inside = {"drift": steady, "transient": path, "rest": rest, "start_spread": spread, "misfit": rest - spread}
    for name, cov in inside.items():
        out[name] = np.where(np.isnan(steady), np.nan, A @ cov @ A_t * unit)
    return out


def decompose_model(moments: Moments, R: Float, first: Float, sums: Float) -> dict[str, Float]:
    """Take the covariance of the changes apart where sessions differ or scorers are noisy.

    The expected step w = A x + b_i obeys w[t+1] = M w[t] + A e, so that within steps the changes have covariance
    Q + 2 R + sum_{j<t} M^j A Q A' M'^j + M^t Var(w[0]) M'^t; the mean path adds its own. No part needs stability.

    Parameters
    ----------
    moments : Moments
        With the estimator's M and Q.
    R, first : arrays, shape (batch, n, n)
        Covariance of the scorer's noise; variance between sessions of their expected first step w[0].
    sums : array
        Path sums of the same batch.

    Returns
    -------
    dict
        `total`, then the parts of `MODEL_PARTS`, which add up to it, over the standard deviations of the changes.
    """
    sd = _positive_root(np.einsum("bii->bi", moments.cov_dx))
    unit = 1 / (sd[:, :, None] * sd[:, None, :])
    # A draw far outside the unit circle would overflow within a session's length: it has no parts to speak of.
    wild = ~(np.abs(moments.M * sd[:, None, :] / sd[:, :, None]).max(axis=(1, 2)) < WILD)
    M, Q, A_t = np.where(wild[:, None, None], np.nan, moments.M), moments.Q, np.swapaxes(moments.A, 1, 2)
    weight = sums[:, :, 0] / np.maximum(sums[:, :, 0].sum(axis=1, keepdims=True), 1e-300)
    fed, pushed, first_steps, feedback = np.zeros_like(M), moments.A @ Q @ A_t, np.zeros_like(M), np.zeros_like(M)
    start = first
    for t in range(sums.shape[1]):
        feedback += weight[:, t, None, None] * fed
        first_steps += weight[:, t, None, None] * start
        fed = fed + pushed
        pushed, start = (M @ part @ np.swapaxes(M, 1, 2) for part in (pushed, start))
    path = path_covariance(sums, of_changes=True)
    parts = {"innovations": Q, "scorer": 2 * R, "feedback": feedback, "mean_path": path, "first_steps": first_steps}
    parts["misfit"] = moments.cov_dx - sum(parts.values())
    return {"total": moments.cov_dx * unit, **{name: part * unit for name, part in parts.items()}}
