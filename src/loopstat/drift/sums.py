"""Sums of products of (1, x[t], x[t+1]), one per cluster: all that linear estimators need.

Pooled estimates, bootstrap replicates, leave-one-out values, cross-validation and merging of parts are sums of these,
so no row is touched twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Bool, Float, Int, summed
from ..errors import SettingsError
from ..inference.resample import weighted_sums
from ..panel.panel import Pairs
from .products import symmetric


@dataclass(frozen=True)
class Grams:
    """Gram matrices of z = (1, (x[t] - centre)/scale, (x[t+1] - centre)/scale), one per cluster.

    A fixed reference point and scale keep the sums accurate when values are large against their spread: raw moments
    at a mean of 1e7 standard deviations leave nothing of A.

    Attributes
    ----------
    g : float array, shape (n_clusters, p, p), p = 1 + 2 n_obj
    centre, scale : float arrays, shape (n_obj,)
    names : tuple of str
        Cluster names, one per Gram.
    """

    g: Float
    centre: Float
    scale: Float
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        pairs: Pairs,
        cluster: Int,
        names: Sequence[str],
        *,
        centre: Float | None = None,
        scale: Float | None = None,
    ) -> Grams:
        """Accumulate the Grams of transitions.

        Parameters
        ----------
        pairs : Pairs
        cluster : int array, shape (n_pairs,)
            Cluster number of each transition, pointing into `names`.
        names : sequence of str
        centre, scale : float arrays, shape (n_obj,), optional
            Reference; default the mean and standard deviation of the earlier states.
        """
        if centre is None or scale is None:
            centre, scale = reference(pairs.x)
        z = np.empty((1 + 2 * pairs.x.shape[1], len(pairs)))
        z[0] = 1.0
        n = pairs.x.shape[1]
        z[1 : 1 + n] = ((pairs.x - centre) / scale).T
        z[1 + n :] = ((pairs.y - centre) / scale).T
        g = np.empty((len(names), len(z), len(z)))
        for i in range(len(z)):
            for j in range(i + 1):
                g[:, i, j] = g[:, j, i] = summed(cluster, z[i] * z[j], len(names))
        return cls(g, centre, scale, tuple(names))

    @property
    def n_obj(self) -> int:
        """Number of objectives."""
        return int(self.g.shape[1] - 1) // 2

    def __len__(self) -> int:
        return len(self.g)

    def total(self) -> Float:
        """Return the sum over clusters, shape (1, p, p)."""
        return np.asarray(self.g.sum(axis=0, keepdims=True))

    def left_out(self) -> Float:
        """Return the sum without each cluster, shape (n_clusters, p, p)."""
        return self.total() - self.g

    def weighted(self, weights: Int) -> Float:
        """Return the bootstrap sums, shape (n_boot, p, p), for weights of shape (n_boot, n_clusters)."""
        p = self.g.shape[1]
        rows, columns = np.triu_indices(p)
        return symmetric(weighted_sums(weights, np.ascontiguousarray(self.g[:, rows, columns])), p)

    def rebase(self, centre: Float, scale: Float) -> Grams:
        """Return the same sums about another reference point and scale (exact algebra, no data needed)."""
        n = self.n_obj
        change = np.eye(1 + 2 * n)
        shift, ratio = (self.centre - centre) / scale, self.scale / scale
        for block in (1, 1 + n):
            change[block : block + n, 0] = shift
            change[block : block + n, block : block + n] = np.diag(ratio)
        return Grams(change @ self.g @ change.T, centre, scale, self.names)

    def __add__(self, other: Grams) -> Grams:
        """Merge two parts of a recording; clusters of the same name are added together."""
        if self.n_obj != other.n_obj:
            raise SettingsError(f"parts have {self.n_obj} and {other.n_obj} objectives; they must match.")
        other = other.rebase(self.centre, self.scale)
        names = tuple(dict.fromkeys(self.names + other.names))
        position = {name: i for i, name in enumerate(names)}
        g = np.zeros((len(names), *self.g.shape[1:]))
        for part in (self, other):
            np.add.at(g, [position[name] for name in part.names], part.g)
        return Grams(g, self.centre, self.scale, names)


def reference(x: Float) -> tuple[Float, Float]:
    """Return a reference point and a positive scale per objective: mean and standard deviation."""
    if len(x) == 0:
        return np.zeros(x.shape[1]), np.ones(x.shape[1])
    scale = x.std(axis=0)
    return x.mean(axis=0), np.where(scale > 0, scale, 1.0)


@dataclass(frozen=True)
class Moments:
    """Regression of x[t+1] on (1, x[t]) for a batch of Gram sums, in the units of the data.

    Attributes
    ----------
    n : float array, shape (batch,)
        Transitions (weighted).
    M, A : arrays, shape (batch, n_obj, n_obj)
        One-step map and drift matrix A = M - I.
    b : array, shape (batch, n_obj)
        Drift at the origin.
    Q : array, shape (batch, n_obj, n_obj)
        Residual covariance, divided by the number of transitions.
    cov_x, cov_dx, cov_y : arrays, shape (batch, n_obj, n_obj)
        Covariances of x[t], dx and x[t+1] over the same rows, with the same divisor.
    mean_x : array, shape (batch, n_obj)
    singular : bool array, shape (batch,)
        Sums from which the regression cannot be had; their estimates are NaN.
    centre : array, shape (n_obj,)
        Reference point of the sums.
    """

    n: Float
    M: Float
    A: Float
    b: Float
    Q: Float
    cov_x: Float
    cov_dx: Float
    cov_y: Float
    mean_x: Float
    singular: Bool
    centre: Float

    @classmethod
    def of(cls, g: Float, grams: Grams) -> Moments:
        """Solve the pooled regression for each of a batch of Gram sums, shape (batch, p, p)."""
        n = grams.n_obj
        count = g[:, 0, 0]
        safe = np.where(count > 0, count, 1.0)[:, None]
        mean_u, mean_v = g[:, 0, 1 : 1 + n] / safe, g[:, 0, 1 + n :] / safe
        second = g / safe[:, :, None]
        c_uu = second[:, 1 : 1 + n, 1 : 1 + n] - mean_u[:, :, None] * mean_u[:, None, :]
        c_vu = second[:, 1 + n :, 1 : 1 + n] - mean_v[:, :, None] * mean_u[:, None, :]
        c_vv = second[:, 1 + n :, 1 + n :] - mean_v[:, :, None] * mean_v[:, None, :]
        slopes, singular = _solve(c_uu, c_vu, count)
        residual = c_vv - slopes @ np.swapaxes(c_vu, 1, 2)
        size = np.sqrt(np.maximum(np.einsum("bii->bi", c_vv), 0))
        # A loop without noise leaves rounding of either sign, which is no covariance; where it always lands in one
        # place, rounding is all there is, and its size that of the sums the mean was taken off.
        whole = np.sqrt(np.maximum(np.einsum("bii->bi", second[:, 1 + n :, 1 + n :]), 0))
        least = 1e-12 * size[:, :, None] * size[:, None, :] + 1e-14 * whole[:, :, None] * whole[:, None, :]
        residual[np.abs(residual) <= least] = 0.0
        s = grams.scale
        outer = s[:, None] * s[None, :]
        M = slopes * (s[:, None] / s[None, :])
        mean_x = grams.centre + s * mean_u
        step = s * (mean_v - mean_u)
        A = M - np.eye(n)
        return cls(
            n=count,
            M=M,
            A=A,
            b=step - np.einsum("bij,bj->bi", A, mean_x),
            Q=(residual + np.swapaxes(residual, 1, 2)) / 2 * outer,
            cov_x=c_uu * outer,
            cov_dx=(c_vv - c_vu - np.swapaxes(c_vu, 1, 2) + c_uu) * outer,
            cov_y=c_vv * outer,
            mean_x=mean_x,
            singular=singular,
            centre=grams.centre,
        )

    def with_slopes(self, M: Float, Q: Float, b: Float | None = None) -> Moments:
        """Return the same data read with another estimator's one-step map; b follows from the means if not given."""
        A = M - np.eye(M.shape[-1])
        mean_step = self.b + np.einsum("bij,bj->bi", self.A, self.mean_x)
        drift = mean_step - np.einsum("bij,bj->bi", A, self.mean_x) if b is None else b
        lost = self.singular | np.isnan(M).any(axis=(1, 2))
        return replace(self, M=M, A=A, b=drift, Q=Q, singular=lost)

    def fixed_point(self) -> Float:
        """Return -A^{-1} b, shape (batch, n_obj); NaN where A is singular."""
        out = np.full_like(self.b, np.nan)
        good = ~self.singular
        good[good] = np.abs(np.linalg.det(self.A[good])) > 0
        if good.any():
            # Solved about the mean of x: -A^{-1} b cancels badly where values are large against their spread.
            drift_at_mean = self.b[good] + np.einsum("bij,bj->bi", self.A[good], self.mean_x[good])
            out[good] = self.mean_x[good] - np.linalg.solve(self.A[good], drift_at_mean[..., None])[..., 0]
        return out


def _solve(c_uu: Float, c_vu: Float, count: Float) -> tuple[Float, Bool]:
    """Return slopes c_vu c_uu^{-1} (batch, n, n) and which sums were singular, judged on correlations."""
    n = c_uu.shape[-1]
    variance = np.einsum("bii->bi", c_uu)
    spread = np.sqrt(np.maximum(variance, 0))
    flat = (spread <= 1e-9).any(axis=1) | (count < n + 2)
    root = np.where(spread > 1e-9, spread, 1.0)
    correlation = c_uu / (root[:, :, None] * root[:, None, :])
    correlation[flat] = np.eye(n)
    singular = flat | (np.linalg.eigvalsh(correlation)[:, 0] < 1e-10)
    correlation[singular] = np.eye(n)
    slopes = np.swapaxes(np.linalg.solve(correlation, np.swapaxes(c_vu / root[:, None, :], 1, 2)), 1, 2)
    slopes = slopes / root[:, None, :]
    slopes[singular] = np.nan
    return slopes, singular
