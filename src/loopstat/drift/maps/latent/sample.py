"""What the latent model's likelihood needs of the data: counts, sums and products of stacked sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ....arrays import Bool, Float, Int


@dataclass(frozen=True)
class Sample:
    """Sums over sessions, apart for every set of recorded entries; 0 at entries that are not recorded.

    Attributes
    ----------
    seen : tuple of int arrays
        Positions in the stacked vector (step by step, objectives within) that a set of sessions has recorded.
    count : array, shape (n_patterns,)
    total : array, shape (n_patterns, size)
    cross : array, shape (n_patterns, size, size)
        Sums of values and of their products.
    """

    seen: tuple[Int, ...]
    count: Float
    total: Float
    cross: Float

    @classmethod
    def of(cls, values: Float, pattern: Int, seen: Sequence[Int]) -> Sample:
        """Accumulate sessions; `values` has shape (n_sessions, size), `pattern` the number of each one's pattern."""
        size = values.shape[1]
        count, total, cross = np.zeros(len(seen)), np.zeros((len(seen), size)), np.zeros((len(seen), size, size))
        for k, at in enumerate(seen):
            part = values[pattern == k][:, at]
            count[k], total[k, at] = len(part), part.sum(axis=0)
            cross[k][np.ix_(at, at)] = part.T @ part
        return cls(tuple(seen), count, total, cross)

    def minus(self, other: Sample) -> Sample:
        """Return the sums without those of some of the sessions."""
        return replace(
            self, count=self.count - other.count, total=self.total - other.total, cross=self.cross - other.cross
        )

    @property
    def size(self) -> int:
        """Length of the stacked vector."""
        return int(self.total.shape[1])

    @cached_property
    def n(self) -> float:
        """Number of sessions."""
        return float(self.count.sum())

    @property
    def whole(self) -> bool:
        """True where every session has recorded everything."""
        return len(self.seen) == 1 and len(self.seen[0]) == self.size

    @cached_property
    def recorded(self) -> Bool:
        """Entries of each pattern, shape (n_patterns, size)."""
        out = np.zeros(self.total.shape, dtype=bool)
        for k, at in enumerate(self.seen):
            out[k, at] = True
        return out

    def scatter(self, mean: Float) -> Float:
        """Return sums of products of deviations from a mean path, times n/(n-1) for the mean's own fit.

        Shape (n_patterns, size, size).
        """
        mu = np.where(self.recorded, mean, 0.0)
        # (s - n mu / 2) mu' and its transpose: two outer products for the three of the expansion.
        half = (self.total - self.count[:, None] * mu / 2)[:, :, None] * mu[:, None, :]
        out = self.cross - half
        out -= np.swapaxes(half, 1, 2)
        out *= self.n / max(self.n - 1, 1)
        return np.asarray(out)

    def covariance(self, k: int, mean: Float) -> Float:
        """Return the mean product of deviations from a mean path in pattern k, shape (m_k, m_k)."""
        at = self.seen[k]
        return np.asarray(self.scatter(mean)[k][np.ix_(at, at)] / max(self.count[k], 1))
