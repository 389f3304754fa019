"""One convex problem for all potentials: exchanged pairs of states, and Newton steps on the graph they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...arrays import Bool, Float, Int, summed
from ...panel.tally import Counts

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DIRECT = 2e8  # multiplications of a banded factorisation that are cheaper than conjugate gradients
MAX_NEWTON = 100
TOLERANCE = 1e-11  # of the gradient, relative to the weight at each state


@dataclass(frozen=True)
class Exchanges:
    """Pairs of states of one class that exchange transitions.

    Attributes
    ----------
    a, b : int arrays, shape (n_pairs,)
        Codes of the two states, a < b.
    forward, backward : float arrays, shape (n_pairs,)
        Transitions a -> b and b -> a; one of them may be 0.
    label : int array, shape (n_states,)
        Class of every state, the largest first.
    n_states : int
    """

    a: Int
    b: Int
    forward: Float
    backward: Float
    label: Int
    n_states: int

    @classmethod
    def of(cls, counts: Counts) -> Exchanges:
        """Collect the pairs inside the strongly connected classes of a recording."""
        label = counts.classes.label
        i, j, n = counts.source, counts.target, counts.count
        inside = (label[i] == label[j]) & (i != j)
        i, j, n = i[inside], j[inside], n[inside]
        low, high = np.minimum(i, j), np.maximum(i, j)
        key, where = np.unique(low * max(counts.n_states, 1) + high, return_inverse=True)
        where = where.reshape(-1)
        up = i < j
        forward = summed(where[up], n[up], len(key))
        backward = summed(where[~up], n[~up], len(key))
        n_states = max(counts.n_states, 1)
        return cls(key // n_states, key % n_states, forward, backward, label, counts.n_states)

    def __len__(self) -> int:
        return len(self.a)

    def of_pairs(self, chosen: Bool) -> Exchanges:
        """Return some of the pairs, with the classes they make among themselves."""
        a, b, up, down = self.a[chosen], self.b[chosen], self.forward[chosen], self.backward[chosen]
        states = [""] * self.n_states
        return Exchanges.of(Counts.of(np.r_[a, b], np.r_[b, a], np.r_[up, down], states=states))

    @cached_property
    def n_cycles(self) -> int:
        """Independent cycles: pairs - states + classes, over the classes that hold a pair."""
        members = np.unique(self.label[self.a])
        return len(self) - int(np.isin(self.label, members).sum()) + len(members)

    @cached_property
    def both_ways(self) -> Bool:
        """Pairs seen in both directions."""
        return np.asarray((self.forward > 0) & (self.backward > 0), dtype=np.bool_)

    @cached_property
    def incidence(self) -> csr_matrix:
        """Signed incidence matrix, shape (n_pairs, n_states): differences V(a) - V(b)."""
        from scipy.sparse import csr_matrix

        m = len(self)
        rows = np.repeat(np.arange(m), 2)
        columns = np.column_stack([self.a, self.b]).ravel()
        return csr_matrix((np.tile([1.0, -1.0], m), (rows, columns)), shape=(m, self.n_states))

    def drops(self, v: Float) -> Float:
        """Return V(a) - V(b) of every pair; `v` of shape (n_states,)."""
        return np.asarray(v[self.a] - v[self.b])

    def gathered(self, flow: Float) -> Float:
        """Return what flows out of every state less what flows in, for flows a -> b; the transpose of `drops`."""
        return np.asarray(summed(self.a, flow, self.n_states) - summed(self.b, flow, self.n_states))

    @cached_property
    def _sizes(self) -> Int:
        return np.bincount(self.label, minlength=int(self.label.max(initial=0)) + 1)

    def centred(self, v: Float) -> Float:
        """Return values less their mean in each class; `v` of shape (n_states,) or (n_states, k)."""
        size = self._sizes
        if v.ndim == 1:
            return np.asarray(v - (summed(self.label, v, len(size)) / size)[self.label])
        flat = v.reshape(len(v), -1)
        mean = np.column_stack([summed(self.label, c, len(size)) for c in flat.T]) / size[:, None]
        return np.asarray((flat - mean[self.label]).reshape(v.shape))


# ------------------------------------------------------------------------- the solver


@dataclass(frozen=True)
class Laplacians:
    """Solves Laplacians of one graph with changing weights: banded Cholesky where that is cheap, else gradients."""

    pairs: Exchanges
    ridge: float = 0.0

    @cached_property
    def _band(self) -> tuple[Int, int] | None:
        """Return (place of every state in a narrow ordering, band width), or None where it is too wide."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import reverse_cuthill_mckee

        p = self.pairs
        n = p.n_states
        graph = coo_matrix((np.ones(2 * len(p)), (np.r_[p.a, p.b], np.r_[p.b, p.a])), shape=(n, n)).tocsr()
        place = np.empty(n, dtype=np.int64)
        place[reverse_cuthill_mckee(graph, symmetric_mode=True)] = np.arange(n)
        width = int(np.abs(place[p.a] - place[p.b]).max(initial=0))
        return (place, width) if float(n) * width**2 <= DIRECT else None

    @cached_property
    def _grounded(self) -> Int:
        """One state per class, whose value is held: a Laplacian is singular."""
        return np.unique(self.pairs.label, return_index=True)[1].astype(np.int64)

    def diagonal(self, w: Float) -> Float:
        """Return the weights at each state."""
        p = self.pairs
        return summed(p.a, w, p.n_states) + summed(p.b, w, p.n_states) + self.ridge

    def solve(self, w: Float, right: Float, *, tolerance: float = 1e-12) -> Float:
        """Return x with L x = right, less its mean in each class; `right` of shape (n_states,) or (n_states, k)."""
        right = right if self.ridge else self.pairs.centred(right)
        x = self._banded(w, right) if self._band is not None else self._iterated(w, right, tolerance)
        return x if self.ridge else self.pairs.centred(x)

    def _banded(self, w: Float, right: Float) -> Float:
        from scipy.linalg import solveh_banded

        assert self._band is not None  # noqa: S101 - chosen by the caller
        (place, width), p = self._band, self.pairs
        i, j = place[p.a], place[p.b]
        band = np.zeros((width + 1, p.n_states))
        np.add.at(band, (np.abs(i - j), np.minimum(i, j)), -w)
        diagonal = self.diagonal(w)
        if not self.ridge:  # holding a value by a heavy weight leaves the band as it is and the others' values exact
            diagonal[self._grounded] += max(float(diagonal.max(initial=0.0)), 1.0)
        band[0, place] = np.where(diagonal > 0, diagonal, 1.0)
        solved = solveh_banded(band, _placed(right, place), lower=True, overwrite_ab=True, check_finite=False)
        return np.asarray(solved[place])

    def _iterated(self, w: Float, right: Float, tolerance: float) -> Float:
        from scipy.sparse.linalg import LinearOperator, cg

        B, n = self.pairs.incidence, self.pairs.n_states
        Bt = B.T.tocsr()
        diagonal = self.diagonal(w)
        scale = 1 / np.where(diagonal > 0, diagonal, 1.0)
        L = LinearOperator((n, n), matvec=lambda x: Bt @ (w * (B @ x)) + self.ridge * x, dtype=np.float64)
        M = LinearOperator((n, n), matvec=lambda x: scale * x, dtype=np.float64)
        columns = right.reshape(n, -1).T
        found = [cg(L, column, rtol=tolerance, maxiter=20 * n, M=M)[0] for column in columns]
        return np.asarray(found).T.reshape(right.shape)


def _placed(right: Float, place: Int) -> Float:
    out = np.empty_like(right)
    out[place] = right
    return out


@dataclass(frozen=True)
class Kernel:
    """A convex, decreasing K with K'(-x) = e^x K'(x): its value, minus its slope, and its curvature.

    `value(x)`, `push(x)` = -K'(x) and `curvature(x)` = K''(x), each array to array of the same shape.
    """

    value: Callable[[Float], Float]
    push: Callable[[Float], Float]
    curvature: Callable[[Float], Float]


def _expit(x: Float) -> Float:
    from scipy.special import expit

    return np.asarray(expit(x))


def _bell(x: Float) -> Float:
    rare = _expit(-np.abs(x))  # the smaller of the two, which keeps its digits
    return np.asarray(rare * (1 - rare))


SOFTPLUS = Kernel(lambda x: np.logaddexp(0.0, -x), lambda x: _expit(-x), _bell)
EXPONENTIAL = Kernel(lambda x: np.exp(-x / 2), lambda x: np.exp(-x / 2) / 2, lambda x: np.exp(-x / 2) / 4)


def least_action(pairs: Exchanges, forward: Float, backward: Float, kernel: Kernel, *, ridge: float = 0.0) -> Float:
    """Minimise sum over pairs of forward K(V_a - V_b) + backward K(V_b - V_a) by damped Newton steps.

    Parameters
    ----------
    pairs : Exchanges
    forward, backward : float arrays, shape (n_pairs,)
        Weights of the two directions.
    kernel : Kernel
    ridge : float
        Adds ridge/2 times the sum of V^2.

    Returns
    -------
    float array, shape (n_states,)
        V, with mean 0 in each class (near it, with a ridge). The minimum exists and is unique in each class because
        every state of a class leads to every other.
    """
    v = np.zeros(pairs.n_states)
    if len(pairs) == 0:
        return v
    solver = Laplacians(pairs, ridge)
    weight = np.maximum(solver.diagonal(forward + backward), 1e-300)

    def objective(at: Float) -> float:
        d = pairs.drops(at)
        with np.errstate(over="ignore"):
            return float(forward @ kernel.value(d) + backward @ kernel.value(-d) + ridge / 2 * at @ at)

    value = objective(v)
    for _ in range(MAX_NEWTON):
        d = pairs.drops(v)
        gradient = pairs.gathered(backward * kernel.push(-d) - forward * kernel.push(d)) + ridge * v
        size = float(np.max(np.abs(gradient) / weight))
        if size < TOLERANCE:
            break
        curvature = forward * kernel.curvature(d) + backward * kernel.curvature(-d)
        step = solver.solve(curvature, gradient, tolerance=min(1e-2, max(size, 1e-10)))
        v, value, moved = _downhill(objective, v, value, step, float(gradient @ step))
        if not moved:
            break  # rounding: no shorter step lowers the action
    return v


def _downhill(
    objective: Callable[[Float], float], v: Float, value: float, step: Float, slope: float
) -> tuple[Float, float, bool]:
    """Take the Newton step, halved until the action falls by a share of what its slope promises."""
    length = 1.0
    for _ in range(50):
        trial = v - length * step
        new = objective(trial)
        if new <= value - 1e-4 * length * slope or (slope <= 1e-13 * abs(value) and new <= value * (1 + 1e-14)):
            return trial, new, True
        length /= 2
    return v, value, False


def least_square_residual(pairs: Exchanges, ratio: Float, weight: Float) -> float:
    """Return the least weighted sum of squares of ratio - (V_a - V_b) over all V.

    Parameters
    ----------
    pairs : Exchanges
    ratio, weight : float arrays, shape (n_pairs,)
    """
    v = Laplacians(pairs).solve(weight, pairs.gathered(weight * ratio))
    return float(weight @ (ratio - pairs.drops(v)) ** 2)
