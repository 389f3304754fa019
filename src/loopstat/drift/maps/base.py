"""What every estimator of a linear loop hands over, whatever it had to assume: one-step maps and their companions.

An estimator keeps sums per cluster and solves a batch of them at once: the data, the data without each cluster, and
bootstrap draws are three batches of the same sums. Everything the report speaks of follows from these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...arrays import Float, Int
from ...inference.resample import LeftOut, weighted_sums
from ..products import finite


@dataclass(frozen=True)
class Slopes:
    """Parameters of the loop for a batch of samples, in units of the data; NaN where they cannot be had.

    Attributes
    ----------
    M : array, shape (batch, n_obj, n_obj)
        One-step map of the state.
    Q : array, shape (batch, n_obj, n_obj)
        Covariance of the innovations, per step.
    R : array, shape (batch, n_obj, n_obj)
        Covariance of the scorer's noise; 0 where the estimator assumes there is none.
    first : array, shape (batch, n_obj, n_obj)
        Variance between sessions of their expected first step w_0 = A x_0 + b_i.
    b : array, shape (batch, n_obj), or None
        Mean drift at the origin; None where it follows from the mean states, b = mean y - M mean x.
    """

    M: Float
    Q: Float
    R: Float
    first: Float
    b: Float | None = None

    @classmethod
    def scaled(cls, scale: Float, M: Float, Q: Float, R: Float, first: Float, b: Float | None = None) -> Slopes:
        """Make from figures in units of `scale`, shape (n_obj,), but for `b`; without a map nothing is known."""
        outer, lost = np.outer(scale, scale), ~finite(M)[:, None, None]
        Q, R, first = (np.where(lost, np.nan, part * outer) for part in (Q, R, first))
        return cls(M * np.outer(scale, 1 / scale), Q, R, first, b)


class ClusterSums(Protocol):
    """An estimator whose figures are functions of sums over clusters."""

    @property
    def sums(self) -> Float:
        """Sums per cluster, shape (n_clusters, k)."""
        ...

    def solve(self, sums: Float) -> Slopes:
        """Return the parameters for a batch of sums, shape (batch, k)."""
        ...


@dataclass(frozen=True)
class Estimated:
    """Parameters from the data (batch of one), without each cluster, and for every bootstrap draw."""

    point: Slopes
    left: Slopes
    boot: Slopes


def estimate(estimator: ClusterSums, left_out: LeftOut, weights: Int) -> Estimated:
    """Solve for the data, without each group of clusters, and under bootstrap weights (n_boot, n_clusters)."""
    total = estimator.sums.sum(axis=0, keepdims=True)
    return Estimated(
        estimator.solve(total),
        estimator.solve(total - left_out.sums(estimator.sums)),
        estimator.solve(weighted_sums(weights, estimator.sums)),
    )
