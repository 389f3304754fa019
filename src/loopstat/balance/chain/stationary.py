"""The stationary law of a Markov chain, and how it answers to a change of the chain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import Float, Int
from ...errors import SettingsError
from .passage import CHEAP_BAND, Killed, Matrix, closed_classes, narrow_order, stochastic

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

HUGE = 1e150  # weights are scaled down here, before they overflow
DENSE = 1500  # up to so many states the fundamental matrix is computed in full
SETTLE = 30  # steps of the lazy chain that show which states are visited most


def stationary(P: Matrix) -> Float:
    """Return the stationary law pi = pi P, sum pi = 1.

    By state reduction (Grassmann, Taksar and Heyman) where the chain is small or has a narrow band: no subtraction
    occurs, so that the smallest probabilities keep their digits. Otherwise by a sparse linear system, whose error is
    about 1e-13 over the spectral gap. Neither minds periodic chains.

    Parameters
    ----------
    P : array or sparse matrix, shape (n_states, n_states)
        Row-stochastic, with one closed class.

    Returns
    -------
    float array, shape (n_states,)
        0 for transient states.

    Raises
    ------
    SettingsError
        P is no transition matrix, or has several closed classes: its stationary law is then not unique.

    Notes
    -----
    *When it is wrong*: of a chain estimated from loops that never ran long enough to visit all their states, or whose
    transitions change with the step, it is where nothing ever was.

    References
    ----------
    Grassmann, Taksar and Heyman (1985), Oper. Res. 33, 1107; O'Cinneide (1993), Numer. Math. 65, 109 (its error).

    Examples
    --------
    >>> stationary([[0.9, 0.1], [0.3, 0.7]]).round(12).tolist()
    [0.75, 0.25]
    """
    T = stochastic(P)
    closed = closed_classes(T)
    if len(closed) > 1:
        raise SettingsError(
            f"`P` must have one closed class. Got {len(closed)}, so the stationary law is not unique. "
            "Hint: take one class, or absorption(P) for where the chain ends."
        )
    pi = np.zeros(T.shape[0])
    pi[closed[0]] = _of_class(T if len(closed[0]) == T.shape[0] else T[closed[0]][:, closed[0]])
    return pi


def _of_class(T: csr_matrix) -> Float:
    order, band = narrow_order(T)
    if T.shape[0] * band**2 > CHEAP_BAND:
        return _by_system(T)
    pi = np.empty(T.shape[0])
    pi[order] = _state_reduction(T[order][:, order].tocsr(), band)
    return pi


def _state_reduction(T: csr_matrix, band: int) -> Float:
    """Return the stationary law by eliminating the last state again and again, inside the band."""
    A, n = _banded(T, band), T.shape[0]
    for k in range(n - 1, 0, -1):
        near = slice(max(0, k - band), k)
        A[near, k] /= A[k, near].sum()
        A[near, near] += np.outer(A[near, k], A[k, near])
    pi = np.zeros(n)
    pi[0] = 1.0
    for k in range(1, n):
        near = slice(max(0, k - band), k)
        pi[k] = pi[near] @ A[near, k]
        if pi[k] > HUGE:
            pi[: k + 1] /= pi[k]
    return np.asarray(pi / pi.sum())


def _banded(T: csr_matrix, band: int) -> Float:
    """Return an array that may be indexed as the full matrix inside the band, and only there."""
    n = T.shape[0]
    if 2 * band + 1 >= n:
        return np.asarray(T.toarray())
    store = np.zeros(n * (2 * band + 1))
    # Row i of the band starts 2 band + 1 entries after the one before, but its diagonal has moved one to the right.
    view = np.lib.stride_tricks.as_strided(store[band:], (n, n), (2 * band * store.itemsize, store.itemsize))
    source = np.repeat(np.arange(n), np.diff(T.indptr))
    store[band + source * 2 * band + T.indices] = T.data
    return view


def _by_system(T: csr_matrix) -> Float:
    grounded = Grounded(T, _settled(T))
    weights = np.maximum(grounded.weights, 0.0)
    return np.asarray(weights / weights.sum())


def _settled(T: csr_matrix) -> int:
    """Return a state that is visited often: removing it leaves the best conditioned system."""
    back, share = T.T.tocsr(), np.full(T.shape[0], 1 / T.shape[0])
    for _ in range(SETTLE):
        share = (share + back @ share) / 2
    return int(np.argmax(share))


@dataclass(frozen=True, eq=False)
class Grounded:
    """A chain of one class without one of its states, from which everything about the stationary law follows.

    Attributes
    ----------
    T : csr_matrix, shape (n_states, n_states)
    root : int
        The state taken out.
    """

    T: csr_matrix
    root: int

    @cached_property
    def rest(self) -> Int:
        """The other states."""
        return np.delete(np.arange(self.T.shape[0]), self.root).astype(np.int64)

    @cached_property
    def _killed(self) -> Killed:
        return Killed(self.T[self.rest][:, self.rest].tocsr())

    @cached_property
    def weights(self) -> Float:
        """Expected visits to each state between two visits to the root, shape (n_states,)."""
        weights = np.ones(self.T.shape[0])
        weights[self.rest] = self._killed.solve(self.T[self.root].toarray().ravel()[self.rest], left=True)
        return weights

    def solve(self, rows: Float) -> Float:
        """Return X with X (I - P) = rows and rows that sum to 0; `rows`, shape (m, n_states), sum to 0 as well."""
        X = np.zeros(rows.shape)
        X[:, self.rest] = self._killed.solve(np.ascontiguousarray(rows[:, self.rest].T), left=True).T
        return np.asarray(X - X.sum(axis=1, keepdims=True) * (self.weights / self.weights.sum()))


@dataclass(frozen=True, eq=False)
class Response:
    """First-order change of a stationary law: d pi = (pi dP) A, A the group inverse of I - P.

    Attributes
    ----------
    T : csr_matrix, shape (n_states, n_states)
        Transition matrix of one class.
    pi : float array, shape (n_states,)
    """

    T: csr_matrix
    pi: Float

    @property
    def full(self) -> bool:
        """True where the group inverse is small enough to be computed in full."""
        return len(self.pi) <= DENSE

    @cached_property
    def group_inverse(self) -> Float:
        """A = (I - P + 1 pi)^{-1} - 1 pi, shape (n_states, n_states)."""
        n = len(self.pi)
        return np.asarray(np.linalg.inv(np.eye(n) - self.T.toarray() + self.pi) - self.pi)

    def of(self, rows: Any) -> Float:
        """Return rows @ A for rows that sum to 0, shape (m, n_states), dense or sparse."""
        if self.full:
            return np.asarray(rows @ self.group_inverse)
        dense = rows if isinstance(rows, np.ndarray) else rows.toarray()
        return Grounded(self.T, int(np.argmax(self.pi))).solve(dense)
