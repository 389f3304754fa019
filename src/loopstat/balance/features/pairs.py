"""Differences of features over pairs of states: one convex problem, its separation, and errors of its solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...arrays import Bool, Float, Int, frozen, summed
from ...panel.tally import Counts
from ..potentials.least_action import EXPONENTIAL, SOFTPLUS, Kernel

KERNELS: dict[str, Kernel] = {"likelihood": SOFTPLUS, "exp": EXPONENTIAL, "softplus": SOFTPLUS}
RIDGE = 1e-4  # per unit of weight, on standardised features: it moves theta by a few parts in ten thousand
MAX_NEWTON = 200
TOLERANCE = 1e-11  # fall of the value that the next step promises, relative to it
COLLINEAR = 1e-10  # share of a feature's variance over pairs that the features before it must leave unexplained
SPARSE = 0.2  # share of differences other than 0 below which a sparse matrix is faster
RUNAWAY = 4.0  # standardised coefficient, and
STEEP = 8.0  # fitted drop, beyond which it is looked whether the pairs are separated, however large the problem
SMALL = 200_000  # pairs times features below which it is always looked
SEPARATED = 1e-6  # least mean drop, in standard deviations, that counts as one: above the solver's tolerance


@dataclass(frozen=True)
class StatePairs:
    """Unordered pairs of different states between which transitions were seen, both of them visited.

    A state that was never left in the recording says nothing about the way back, so its pairs are not here.

    Attributes
    ----------
    a, b : int arrays, shape (n_pairs,)
        Codes, a < b.
    forward, backward : float arrays, shape (n_pairs,)
        Transitions a -> b and b -> a; one of them may be 0.
    visits : float array, shape (n_states,)
    n_unvisited : float
        Transitions left out because one of their states was never left.
    """

    a: Int
    b: Int
    forward: Float
    backward: Float
    visits: Float
    n_unvisited: float = 0.0

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name, dtype in (("a", np.int64), ("b", np.int64), ("forward", float), ("backward", float)):
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))

    @classmethod
    def of(cls, counts: Counts) -> StatePairs:
        """Collect the pairs of a recording."""
        i, j, n = counts.source, counts.target, counts.count
        other = i != j
        usable = other & (counts.visits[i] > 0) & (counts.visits[j] > 0)
        lost = float(n[other & ~usable].sum())
        i, j, n = i[usable], j[usable], n[usable]
        size = max(counts.n_states, 1)
        key, where = np.unique(np.minimum(i, j) * size + np.maximum(i, j), return_inverse=True)
        where, up = where.reshape(-1), i < j
        forward = summed(where[up], n[up], len(key))
        backward = summed(where[~up], n[~up], len(key))
        return cls(key // size, key % size, forward, backward, counts.visits, lost)

    def __len__(self) -> int:
        return len(self.a)

    @property
    def n_states(self) -> int:
        """Number of states, those without a pair included."""
        return len(self.visits)

    @cached_property
    def members(self) -> Int:
        """States that belong to a pair, ascending."""
        return np.unique(np.r_[self.a, self.b])

    @property
    def n_transitions(self) -> float:
        """Transitions between different states that are used."""
        return float(self.forward.sum() + self.backward.sum())

    @property
    def rates(self) -> tuple[Float, Float]:
        """T(b|a) and T(a|b): transitions per visit."""
        return self.forward / self.visits[self.a], self.backward / self.visits[self.b]

    def locate(self, source: Int, target: Int) -> tuple[Int, Bool]:
        """Return the pair of every move, -1 where it is none, and whether it goes from a to b."""
        key = self.a * self.n_states + self.b
        wanted = np.minimum(source, target) * self.n_states + np.maximum(source, target)
        at = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
        found = key[at] == wanted if len(key) else np.zeros(len(wanted), np.bool_)
        return np.where(found, at, -1), np.asarray(source < target, dtype=np.bool_)

    def take(self, kept: Bool, *, forward: Float | None = None, backward: Float | None = None) -> StatePairs:
        """Return some of the pairs, with other numbers of transitions where given."""
        up, down = (self.forward if forward is None else forward), (self.backward if backward is None else backward)
        return replace(self, a=self.a[kept], b=self.b[kept], forward=up[kept], backward=down[kept])


# ------------------------------------------------------------------------- the features


@dataclass(frozen=True)
class Design:
    """Standardised features that can be told apart, and their differences over pairs.

    Attributes
    ----------
    scale : float array, shape (n_features,)
        Standard deviation over the states that belong to a pair; 1 where it is 0.
    kept : bool array, shape (n_features,)
    dropped : dict
        Number of a feature left out to the reason.
    X : float array, shape (n_states, n_kept)
        Features over `scale`, less their mean over the states of pairs.
    """

    scale: Float
    kept: Bool
    dropped: dict[int, str]
    X: Float = field(repr=False)

    @classmethod
    def of(cls, values: Float, pairs: StatePairs) -> Design:
        """Standardise features and leave out what is constant or follows from the columns before it."""
        inside = values[pairs.members] if len(pairs) else values
        scale = inside.std(axis=0)
        flat = scale <= 1e-12 * np.abs(inside).max(axis=0, initial=0.0)
        scale = np.where(flat | (scale == 0), 1.0, scale)
        X = (values - inside.mean(axis=0)) / scale
        dropped = _indistinct(X[pairs.a] - X[pairs.b], flat)
        kept = np.ones(values.shape[1], dtype=np.bool_)
        kept[list(dropped)] = False
        return cls(scale, kept, dropped, X[:, kept])

    def differences(self, pairs: StatePairs) -> Any:
        """Return X[a] - X[b], shape (n_pairs, n_kept); a sparse matrix where most of it is 0."""
        D = self.X[pairs.a] - self.X[pairs.b]
        if D.size > 10_000 and np.count_nonzero(D) < SPARSE * D.size:
            from scipy.sparse import csr_matrix

            return csr_matrix(D)
        return D


def _indistinct(D: Float, flat: Bool) -> dict[int, str]:
    """Return the columns of differences that carry nothing of their own, with the reason."""
    gram = D.T @ D
    size = np.diag(gram).copy()
    out: dict[int, str] = {}
    kept: list[int] = []
    for k in range(len(gram)):
        if flat[k] or size[k] <= 1e-20 * max(len(D), 1):
            out[k] = "the same in all states" if flat[k] else "the same in both states of every pair"
            continue
        left = float(size[k])
        if kept:
            left -= float(gram[k, kept] @ np.linalg.solve(gram[np.ix_(kept, kept)], gram[kept, k]))
        if left <= COLLINEAR * size[k]:
            out[k] = "follows from the features before it"
        else:
            kept.append(k)
    return out


# --------------------------------------------------------------------------- the solver


@dataclass(frozen=True)
class Problem:
    """Minimise sum over pairs of forward K(D c + offset) + backward K(-D c - offset) + penalty/2 |c|^2 over c.

    Attributes
    ----------
    D : array or sparse matrix, shape (n_pairs, n_kept)
        Differences of standardised features; c = beta theta scale.
    forward, backward : float arrays, shape (n_pairs,)
        Weights of the two directions: transitions per visit, or transitions.
    offset : float array, shape (n_pairs,)
        0 for the actions. For the likelihood ln N_a - ln N_b: detailed balance gives n[a,b] : n[b,a] = N_a e^V_a :
        N_b e^V_b.
    kernel : Kernel
    likelihood : bool
        Weights are transitions.
    penalty : float
    """

    D: Any
    forward: Float
    backward: Float
    offset: Float
    kernel: Kernel
    likelihood: bool
    penalty: float

    @classmethod
    def of(cls, pairs: StatePairs, D: Any, *, kernel: str) -> Problem:
        """Weigh the pairs."""
        likelihood = kernel == "likelihood"
        up, down = (pairs.forward, pairs.backward) if likelihood else pairs.rates
        offset = np.log(pairs.visits[pairs.a]) - np.log(pairs.visits[pairs.b]) if likelihood else np.zeros(len(pairs))
        return cls(D, up, down, offset, KERNELS[kernel], likelihood, RIDGE * float(up.sum() + down.sum()))

    def value(self, c: Float) -> float:
        """Return what is minimised."""
        d = self.D @ c + self.offset
        with np.errstate(over="ignore"):
            loss = self.forward @ self.kernel.value(d) + self.backward @ self.kernel.value(-d)
        return float(loss + self.penalty / 2 * c @ c)

    def pushes(self, c: Float) -> tuple[Float, Float]:
        """Return -K' of one unit of weight in either direction, each of shape (n_pairs,)."""
        d = self.D @ c + self.offset
        return self.kernel.push(d), self.kernel.push(-d)

    def hessian(self, c: Float) -> Float:
        """Return the second derivatives, shape (n_kept, n_kept)."""
        d = self.D @ c + self.offset
        w = self.forward * self.kernel.curvature(d) + self.backward * self.kernel.curvature(-d)
        return weighted_gram(self.D, w) + self.penalty * np.eye(len(c))

    def minimum(self) -> tuple[Float, bool]:
        """Return c and whether Newton steps, each halved until the value falls, came to rest."""
        c = np.zeros(self.D.shape[1])
        value = self.value(c)
        for _ in range(MAX_NEWTON):
            up, down = self.pushes(c)
            gradient = self.D.T @ (self.backward * down - self.forward * up) + self.penalty * c
            step = np.linalg.solve(self.hessian(c), gradient)
            promised = float(gradient @ step)
            if promised <= TOLERANCE * value:  # too little to be seen in the value: the last step is taken whole
                return c - step, True
            c, value, moved = _shorter(self.value, c, value, step, promised)
            if not moved:
                return c, False
        return c, False

    def separated(self, c: Float) -> Bool:
        """Return the features of a direction along which every transition goes down or stays level, shape (n_kept,).

        Along such a direction the likelihood rises for ever; only the ridge holds it. Found by a linear programme:
        the largest sum of drops of a direction in a box with no transition going up.
        """
        none = np.zeros(self.D.shape[1], dtype=np.bool_)
        steep = max(np.abs(c).max(initial=0.0) / RUNAWAY, np.abs(self.D @ c).max(initial=0.0) / STEEP)
        if not none.size or (steep < 1 and np.prod(self.D.shape) > SMALL):
            return none
        from scipy import optimize
        from scipy.sparse import csr_matrix, vstack

        D = csr_matrix(self.D)
        seen = vstack([D[self.forward > 0], -D[self.backward > 0]]).tocsr()
        linprog: Any = optimize.linprog  # its types do not know that bounds may be one pair for all
        found = linprog(
            -np.asarray(seen.sum(axis=0)).ravel() / max(seen.shape[0], 1),
            A_ub=-seen,
            b_ub=np.zeros(seen.shape[0]),
            bounds=(-1, 1),
            method="highs",
        )
        if found.x is None or -found.fun <= SEPARATED:
            return none
        return np.asarray(np.abs(found.x) > SEPARATED, dtype=np.bool_)


def weighted_gram(D: Any, w: Float) -> Float:
    """Return D' diag(w) D as a plain array."""
    if isinstance(D, np.ndarray):
        return np.asarray(D.T @ (w[:, None] * D))
    return np.asarray((D.T @ D.multiply(w[:, None])).todense())


def _shorter(
    objective: Callable[[Float], float], c: Float, value: float, step: Float, slope: float
) -> tuple[Float, float, bool]:
    length = 1.0
    for _ in range(60):
        trial = c - length * step
        new = objective(trial)
        if new <= value - 1e-4 * length * slope:
            return trial, new, True
        length /= 2
    return c, value, False
