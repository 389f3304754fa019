"""Sums of products as flat rows, one per cluster, and what is read from a batch of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Bool, Float, Int

SINGULAR = 1e-10  # smallest singular value, on the scale of correlations, that still counts as spread


def products(z: Float) -> Float:
    """Return the products of every row with itself, upper triangle: shape (n_rows, p) to (n_rows, p (p + 1) / 2)."""
    i, j = np.triu_indices(z.shape[1])
    columns = np.ascontiguousarray(z.T)  # whole columns at a time: several times quicker than picking from rows
    return np.asarray((columns[i] * columns[j]).T)


def summed_products(z: Float, cluster: Int, n: int) -> Float:
    """Return sums of the products of every row with itself by cluster: `products`, summed, without holding them.

    Parameters
    ----------
    z : float array, shape (n_rows, p)
    cluster : int array, shape (n_rows,)
    n : int
        Number of clusters.

    Returns
    -------
    float array, shape (n, p (p + 1) / 2)
    """
    order = np.argsort(cluster, kind="stable")
    rows, ends = z[order], np.cumsum(np.bincount(cluster, minlength=n))
    i, j = np.triu_indices(z.shape[1])
    out = np.zeros((n, len(i)))
    begin = 0
    for k, end in enumerate(ends.tolist()):
        part = rows[begin:end]
        out[k] = (part.T @ part)[i, j]
        begin = end
    return out


def with_one(z: Float) -> Float:
    """Return the rows with a leading 1, so that their products hold the count and the means."""
    return np.concatenate([np.ones((len(z), 1)), z], axis=1)


def n_products(p: int) -> int:
    """Return the number of products of p columns."""
    return p * (p + 1) // 2


def symmetric(flat: Float, p: int) -> Float:
    """Return the matrices of flat upper triangles, shape (batch, p, p)."""
    out = np.empty((len(flat), p, p))
    i, j = np.triu_indices(p)
    out[:, i, j] = out[:, j, i] = flat
    return out


@dataclass(frozen=True)
class Covariances:
    """Counts (batch,), means (batch, p) and covariances (batch, p, p), divided by the count; NaN where it is 0."""

    count: Float
    mean: Float
    cov: Float

    @classmethod
    def of(cls, flat: Float, p: int) -> Covariances:
        """Read sums of products of rows (1, z), z with p columns, shape (batch, n_products(p + 1))."""
        gram = symmetric(flat, p + 1)
        count = gram[:, 0, 0]
        mean = gram[:, 0, 1:] / np.where(count > 0, count, np.nan)[:, None]
        second = gram[:, 1:, 1:] / np.where(count > 0, count, np.nan)[:, None, None]
        return cls(count, mean, second - mean[:, :, None] * mean[:, None, :])


def transposed(a: Float) -> Float:
    """Return the transposes of a stack of matrices."""
    return np.swapaxes(a, -1, -2)


def deviations(cov: Float) -> Float:
    """Return the standard deviations of covariances (batch, n, n), NaN where a variance is not positive."""
    variance = np.einsum("...ii->...i", cov)
    return np.sqrt(np.where(variance > 0, variance, np.nan))


def in_units(a: Float, unit: Float) -> Float:
    """Return a[i, j] / (unit[i] unit[j]): covariances on the scale of correlations."""
    return np.asarray(a / (unit[..., :, None] * unit[..., None, :]))


def finite(a: Float) -> Bool:
    """Return which matrices of a stack hold finite numbers only."""
    return np.asarray(np.isfinite(a).all(axis=(-2, -1)))


def spectral_radius(a: Float) -> Float:
    """Return the largest modulus of the eigenvalues of each matrix, NaN for one that is not finite."""
    whole = finite(a)
    values = np.linalg.eigvals(np.where(whole[..., None, None], a, 0.0))
    return np.where(whole, np.abs(values).max(axis=-1), np.nan)


def smallest_singular_value(a: Float) -> Float:
    """Return the smallest singular value of each matrix, NaN for one that is not finite."""
    whole = finite(a)
    safe = np.where(whole[..., None, None], a, 0.0)
    return np.where(whole, np.linalg.svd(safe, compute_uv=False)[..., -1], np.nan)


def right_divide(a: Float, b: Float, unit: Float) -> Float:
    """Return a b^{-1} for stacks of matrices, NaN where b is singular on the scale of `unit` (batch, n)."""
    scaled = in_units(b, unit)
    good = smallest_singular_value(scaled) > SINGULAR
    out = np.full(np.broadcast_shapes(a.shape, b.shape), np.nan)
    if good.any():
        left = in_units(a, unit)[good]
        slopes = np.asarray(np.linalg.solve(transposed(scaled[good]), transposed(left)), dtype=np.float64)
        out[good] = transposed(slopes) * unit[good][:, :, None] / unit[good][:, None, :]
    return out
