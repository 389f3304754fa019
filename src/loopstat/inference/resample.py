"""Resampling by cluster: who belongs together, bootstrap weights, leave-one-out intervals, folds, Holm.

The cluster is whatever shares a start. No row is ever resampled: a bootstrap replicate is a vector of weights over
clusters, and everything estimated is a function of sums over clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..arrays import Float, Int, frozen, relabel
from ..errors import SettingsError
from ..panel.model import Rng
from ..panel.panel import Panel

FEW_CLUSTERS = 100  # below, percentile intervals are too short (A at 60 sessions: 0.92-0.95): leave out clusters, use t
MANY_REFITS, N_REFITS = 200, 100  # beyond so many clusters, refits leave out one of so many groups of them
MIN_SHARED_STARTS = 5  # a task column with fewer values cannot carry an interval

Scale = Literal["identity", "modulus", "fisher", "share"]


@dataclass(frozen=True)
class Clusters:
    """Which cluster each session (or, for a single session, each block of steps) belongs to.

    Attributes
    ----------
    row : int array, shape (n_rows,)
        Cluster number of every row of the panel.
    names : tuple of str
    kind : str
        `session`, `block`, or the column used.
    sentence : str
        The choice in words.
    """

    row: Int
    names: tuple[str, ...]
    kind: str
    sentence: str

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Resampling:
    """Clusters and bootstrap weights shared by all groups of an analysis.

    Attributes
    ----------
    clusters : Clusters
        Rows refer to the group's panel.
    weights : int array, shape (n_boot, n_clusters)
    """

    clusters: Clusters
    weights: Int


def choose_clusters(panel: Panel, column: str | None = None) -> Clusters:
    """Choose the resampling unit of a panel: whatever shares a start.

    Parameters
    ----------
    panel : Panel
    column : str, optional
        A label column to use instead of the default, which is `task` where it has at least 5 values and sessions
        share them, the session otherwise, and blocks of steps for one single session.
    """
    if column is not None and column != "session":
        return _by_label(panel, column, f"{column} (asked for)")
    if panel.n_sessions == 1:
        return _by_block(panel)
    if column is None and "task" in panel.labels and panel.is_session_label("task"):
        values = len(panel.label_values("task"))
        if MIN_SHARED_STARTS <= values < panel.n_sessions:
            return _by_label(panel, "task", f"task: {panel.n_sessions} sessions share {values} starts")
    return Clusters(panel.session, panel.session_names, "session", "session")


def _by_label(panel: Panel, column: str, sentence: str) -> Clusters:
    if not panel.label_values(column):
        raise SettingsError(f"cluster column `{column}` is empty in this part of the table.")
    if not panel.is_session_label(column):
        raise SettingsError(
            f"`{column}` changes inside sessions, so it cannot be the cluster: sessions would be torn apart."
        )
    labels = panel.labels[column]
    # A session without a value shares its start with nobody.
    codes = np.where(labels.codes >= 0, labels.codes, len(labels.names) + panel.session)
    values, row = relabel(codes)
    names = [labels.names[v] if v < len(labels.names) else panel.session_names[v - len(labels.names)] for v in values]
    return Clusters(frozen(row, np.int64), tuple(names), column, sentence)


def _by_block(panel: Panel) -> Clusters:
    """Cut one session into blocks of about T^(1/3) steps, the length that balances bias and variance (Kuensch)."""
    rows = len(panel)
    length = max(2, int(np.ceil(1.5 * rows ** (1 / 3))))
    row = np.minimum(np.arange(rows) // length, max(rows // length - 1, 0))
    names = tuple(f"steps {panel.step[row == k].min()}-{panel.step[row == k].max()}" for k in range(int(row.max()) + 1))
    return Clusters(frozen(row, np.int64), names, "block", f"blocks of {length} steps: one single session")


@dataclass(frozen=True)
class LeftOut:
    """Which clusters are left out together: each its own up to 200 of them, 100 groups beyond.

    Where leaving out costs a fit of its own, groups keep the price the same for any number of clusters.

    Attributes
    ----------
    filled : int array, shape (n_filled,)
        Clusters that hold data.
    group : int array, shape (n_filled,)
    names : tuple of str
        One per group.
    """

    filled: Int
    group: Int
    names: tuple[str, ...]

    @classmethod
    def of(cls, filled: Int, cluster_names: Sequence[str]) -> LeftOut:
        """Choose the groups of the clusters that hold data."""
        n = len(filled)
        if n <= MANY_REFITS:
            return cls(filled, np.arange(n, dtype=np.int64), tuple(cluster_names[k] for k in filled))
        group = np.arange(n, dtype=np.int64) % N_REFITS
        return cls(filled, group, tuple(f"group {g + 1}" for g in range(N_REFITS)))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def single(self) -> bool:
        """True where every group is one cluster."""
        return len(self.names) == len(self.filled)

    def sums(self, values: Float) -> Float:
        """Return sums over each group of values per cluster, shape (n_clusters, ...) to (n_groups, ...)."""
        out = np.zeros((len(self), *values.shape[1:]))
        np.add.at(out, self.group, values[self.filled])
        return out

    def of_cluster(self, n_clusters: int) -> Int:
        """Return the group of every cluster, -1 for those without data."""
        out = np.full(n_clusters, -1, dtype=np.int64)
        out[self.filled] = self.group
        return out


# ---------------------------------------------------------------------- weights


def bootstrap_weights(n_clusters: int, n_boot: int, rng: Rng) -> Int:
    """Return multinomial bootstrap weights, shape (n_boot, n_clusters), as small unsigned integers.

    One vector serves every group and estimator of an analysis, so that differences keep their covariance.
    """
    dtype = np.uint8 if n_clusters < 10**7 else np.uint16
    weights = np.empty((n_boot, n_clusters), dtype=dtype)
    for row in weights:
        row[:] = np.bincount(rng.integers(0, n_clusters, n_clusters, dtype=np.int32), minlength=n_clusters)
    return weights


def weighted_sums(weights: Int, values: Float) -> Float:
    """Return `weights @ values` for stored small-integer weights, in blocks that fit the cache.

    Parameters
    ----------
    weights : int array, shape (n_boot, n_clusters)
    values : float array, shape (n_clusters, ...)

    Returns
    -------
    float array, shape (n_boot, ...)
    """
    flat = values.reshape(len(values), -1)
    out = np.empty((len(weights), flat.shape[1]))
    block = max(1, int(4e6 // max(len(values), 1)))
    for s in range(0, len(weights), block):
        out[s : s + block] = weights[s : s + block].astype(np.float64) @ flat
    return out.reshape(len(weights), *values.shape[1:])


def folds(n_clusters: int, n_folds: int, rng: Rng) -> Int:
    """Return a fold number for each cluster, balanced and in random order, shape (n_clusters,)."""
    order = rng.permutation(n_clusters)
    fold = np.empty(n_clusters, dtype=np.int64)
    fold[order] = np.arange(n_clusters) % n_folds
    return fold


# -------------------------------------------------------------------- intervals


def to_scale(values: Float, scale: Scale) -> Float:
    """Map values to a scale on which they are closer to normal.

    `fisher`: z of a correlation. `share`: log of the remainder 1 - v, for R^2. `modulus`: log of an eigenvalue's
    modulus, continued by its tangent below 1/e, because near 0 the logarithm blows up and says nothing about decay.
    """
    if scale == "modulus":
        return np.where(values > 1 / np.e, np.log(np.maximum(values, 1 / np.e)), np.e * values - 2)
    if scale == "fisher":
        return np.arctanh(np.clip(values, -1 + 1e-12, 1 - 1e-12))
    if scale == "share":
        return -np.log(np.maximum(1 - values, np.finfo(float).tiny))
    return values


def from_scale(values: Float, scale: Scale) -> Float:
    """Undo `to_scale`; a modulus does not go below 0."""
    if scale == "modulus":
        return np.where(values > -1, np.exp(np.clip(values, -1, 700)), np.maximum((values + 2) / np.e, 0.0))
    if scale == "fisher":
        return np.tanh(values)
    return 1 - np.exp(np.minimum(-values, 700)) if scale == "share" else values


def student_quantile(level: float, df: float) -> float:
    """Return the two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.5 + level / 2))


def student_p(t: Float, df: float) -> Float:
    """Return two-sided p-values of t statistics."""
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(df, -np.abs(t)))


def jackknife_variance(left_out: Float) -> Float:
    """Return (C-1)/C sum_c (J_c - mean J)^2 over the first axis: the leave-one-cluster-out variance.

    NaN where one of them is not finite.
    """
    c = len(left_out)
    left_out = np.where(np.isfinite(left_out), left_out, np.nan)
    return np.asarray((c - 1) / c * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))


@dataclass(frozen=True)
class ClusterInfluence:
    """What each cluster contributes to the error of an estimate: `values[c]` sums in squares to its variance.

    Groups that share clusters (the same tasks) keep their covariance: the variance of a difference is the sum over
    clusters of (values_a - values_b)^2.

    Attributes
    ----------
    kind : str
        What the clusters are; influences of different kinds are not paired.
    names : tuple of str
    values : float array, shape (n_clusters, ...)
    """

    kind: str
    names: tuple[str, ...]
    values: Float

    @classmethod
    def of(cls, kind: str, names: Sequence[str], left_out: Float) -> ClusterInfluence:
        """Make from leave-one-cluster-out values, shape (n_clusters, ...)."""
        c = max(len(left_out), 1)
        return cls(kind, tuple(names), np.sqrt((c - 1) / c) * (left_out.mean(axis=0) - left_out))


def jackknife_interval(value: Float, left_out: Float, level: float, scale: Scale = "identity") -> tuple[Float, Float]:
    """Return the leave-one-cluster-out interval with t(C-1) on the given scale.

    Parameters
    ----------
    value : array, shape (...)
    left_out : array, shape (n_clusters, ...)
        The estimate without each cluster.
    """
    if len(left_out) < 2:
        nothing = np.full(np.shape(value), np.nan)
        return nothing, nothing
    centre = to_scale(np.asarray(value, dtype=np.float64), scale)
    half = student_quantile(level, len(left_out) - 1) * np.sqrt(jackknife_variance(to_scale(left_out, scale)))
    return from_scale(centre - half, scale), from_scale(centre + half, scale)


def percentile_interval(draws: Float, level: float) -> tuple[Float, Float]:
    """Return the percentile interval over the first axis; draws with NaN are left out."""
    if len(draws) == 0:
        nothing = np.full(draws.shape[1:], np.nan)
        return nothing, nothing
    tail = 100 * (1 - level) / 2
    lost = np.isnan(draws).all(axis=0)
    safe = np.where(lost, 0.0, draws)
    quantile = np.nanpercentile if np.isnan(safe).any() else np.percentile
    low, high = quantile(safe, [tail, 100 - tail], axis=0)
    return np.where(lost, np.nan, low), np.where(lost, np.nan, high)


def holm(p: Sequence[float] | Float) -> Float:
    """Return Holm-adjusted p-values; NaN entries are not counted as tests.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    out = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p.ravel()))
    values = p.ravel()[tested]
    order = np.argsort(values, kind="stable")
    adjusted = np.maximum.accumulate(values[order] * (len(values) - np.arange(len(values))))
    out.ravel()[tested[order]] = np.minimum(adjusted, 1.0)
    return out
