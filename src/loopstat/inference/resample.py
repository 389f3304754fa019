"""Resampling by cluster: bootstrap weights, which clusters are left out together, folds.

No row is ever resampled: a bootstrap replicate is a vector of weights over clusters, and everything estimated is a
function of sums over clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Float, Int
from ..panel.model import Rng
from .clusters import Clusters

FEW_CLUSTERS = 100  # below, percentile intervals are too short (A at 60 sessions: 0.92-0.95): leave out clusters, use t
MANY_REFITS, N_REFITS = 200, 100  # beyond so many clusters, refits leave out one of so many groups of them


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


def weighted_sums(weights: Int | Float, values: Float) -> Float:
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


def scatter_correction(n_clusters: int) -> float:
    """Return sqrt(C/(C - 1)): by so much the scatter of bootstrap draws of C clusters falls short of the error."""
    return float(np.sqrt(n_clusters / max(n_clusters - 1, 1)))


def folds(n_clusters: int, n_folds: int, rng: Rng) -> Int:
    """Return a fold number for each cluster, balanced and in random order, shape (n_clusters,)."""
    order = rng.permutation(n_clusters)
    fold = np.empty(n_clusters, dtype=np.int64)
    fold[order] = np.arange(n_clusters) % n_folds
    return fold
