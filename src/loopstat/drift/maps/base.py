"""What every estimator of a linear loop hands over, whatever it had to assume: one-step maps and their companions.

An estimator keeps sums per cluster and solves a batch of them at once: the data, the data without each cluster, and
bootstrap draws are three batches of the same sums. Everything the report speaks of follows from these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...arrays import Float, Int
from ...errors import SettingsError
from ...inference.resample import LeftOut, weighted_sums


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


@dataclass(frozen=True)
class ScorerNoise:
    """Covariance of the scorer's noise, known from outside.

    Parameters
    ----------
    objectives : tuple of str
    covariance : array, shape (n, n)
        In squared units of the objectives as analysed (after transforms); of one score, averages divide it.

    Raises
    ------
    SettingsError
        Not square, of another size than `objectives`, not symmetric, or with a negative eigenvalue.
    """

    objectives: tuple[str, ...]
    covariance: Float

    def __post_init__(self) -> None:
        """Refuse what is no covariance matrix."""
        n = len(self.objectives)
        covariance = np.asarray(self.covariance, dtype=np.float64)
        object.__setattr__(self, "covariance", covariance)
        if covariance.shape != (n, n):
            raise SettingsError(
                f"scorer noise: `covariance` must have shape ({n}, {n}), one row per objective. Got {covariance.shape}."
            )
        if not np.isfinite(covariance).all():
            raise SettingsError("scorer noise: `covariance` holds a value that is not a finite number.")
        size = max(float(np.abs(covariance).max(initial=0.0)), np.finfo(float).tiny)
        if not np.allclose(covariance, covariance.T, rtol=0, atol=1e-9 * size):
            raise SettingsError("scorer noise: `covariance` must be symmetric.")
        lowest = float(np.linalg.eigvalsh(covariance).min()) if n else 0.0
        if lowest < -1e-9 * size:
            raise SettingsError(
                f"scorer noise: `covariance` must have no negative eigenvalue. Got {lowest:.3g}: no noise does that."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form, which is that of the file it is read from."""
        return {"objectives": list(self.objectives), "covariance": self.covariance.tolist()}

    def of(self, names: tuple[str, ...]) -> Float:
        """Return the covariance of some objectives, in their order, shape (n, n)."""
        missing = [name for name in names if name not in self.objectives]
        if missing:
            raise SettingsError(
                f"scorer noise: no row for objective {', '.join(missing)}. It holds {', '.join(self.objectives)}."
            )
        at = [self.objectives.index(name) for name in names]
        return np.asarray(self.covariance[np.ix_(at, at)])
