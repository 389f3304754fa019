"""Where a Markov chain ends and how long it takes: first passage, committors, absorption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Bool, Float, Int
from ...errors import SettingsError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Matrix = Any  # a square array, or any scipy.sparse matrix

ROW_SUM_ERROR = 1e-8  # farther from 1 a row is no rounding error but a mistake of the caller
SMALL = 2000  # up to so many unknowns a sparse factorisation is always quick, whatever the fill-in
CHEAP_BAND = 4e8  # n * bandwidth^2 of an elimination that takes about a second
SOLVED = 1e-10  # relative residual from which an iterative solution is not believed


def stochastic(P: Matrix) -> csr_matrix:
    """Return a transition matrix as a sparse matrix without stored zeros, rows summing to 1 to the last digit.

    Parameters
    ----------
    P : array or sparse matrix, shape (n_states, n_states)
        Rows are the states left.

    Returns
    -------
    csr_matrix, shape (n_states, n_states)

    Raises
    ------
    SettingsError
        P is not square, holds a negative or infinite entry, or a row does not sum to 1.
    """
    from scipy.sparse import csr_matrix

    shape = P.shape if hasattr(P, "tocsr") else np.shape(P)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise SettingsError(f"`P` must be square, shape (n_states, n_states). Got {tuple(shape)}.")
    T = csr_matrix(P, dtype=np.float64, copy=True)
    T.sum_duplicates()
    if not np.isfinite(T.data).all() or np.any(T.data < 0):
        raise SettingsError("`P` must hold probabilities: finite and not negative.")
    T.eliminate_zeros()
    total = np.asarray(T.sum(axis=1)).ravel()
    bad = np.flatnonzero(np.abs(total - 1) > ROW_SUM_ERROR)
    if bad.size:
        k = int(bad[0])
        raise SettingsError(f"every row of `P` must sum to 1. Row {k} sums to {total[k]:.10g}.")
    T.data /= np.repeat(total, np.diff(T.indptr))
    return T


def closed_classes(P: Matrix) -> tuple[Int, ...]:
    """Return the closed communicating classes: sets of states that lead to each other and are never left.

    Returns
    -------
    tuple of int arrays
        Codes, ascending; the class with the smallest code first. There is at least one.

    Examples
    --------
    >>> [c.tolist() for c in closed_classes([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])]
    [[1], [2]]
    """
    from scipy.sparse.csgraph import connected_components

    T = stochastic(P)
    n, label = connected_components(T, directed=True, connection="strong")
    source = np.repeat(np.arange(T.shape[0]), np.diff(T.indptr))
    left = np.zeros(n, np.bool_)
    left[label[source[label[source] != label[T.indices]]]] = True
    order = np.argsort(label, kind="stable").astype(np.int64)
    members = np.split(order, np.cumsum(np.bincount(label, minlength=n))[:-1])
    return tuple(sorted((members[k] for k in np.flatnonzero(~left)), key=lambda states: int(states[0])))


def period(P: Matrix) -> int:
    """Return the period: the greatest common divisor of the lengths of all closed walks among recurrent states.

    Parameters
    ----------
    P : array or sparse matrix, shape (n_states, n_states)
        Row-stochastic.

    Returns
    -------
    int
        1 where the chain settles; 2 where it swings between two groups of states for ever. With several closed classes
        the smallest common multiple of theirs.

    Raises
    ------
    SettingsError
        P is no transition matrix.

    Notes
    -----
    *When it is wrong*: a single transition against the rhythm makes it 1, however faint; an eigenvalue near -1 still
    shows the swing (`spectrum`).

    References
    ----------
    Denardo (1977), SIAM Rev. 19, 500.

    Examples
    --------
    >>> period([[0, 1], [1, 0]]), period([[0.01, 0.99], [1, 0]])
    (2, 1)
    """
    from scipy.sparse.csgraph import breadth_first_order

    T, found = stochastic(P), 1
    for states in closed_classes(T):
        part = T[states][:, states]
        order, before = breadth_first_order(part, 0)
        depth = np.zeros(len(states), np.int64)
        for state in order[1:]:
            depth[state] = depth[before[state]] + 1
        source = np.repeat(np.arange(len(states)), np.diff(part.indptr))
        found = int(np.lcm(found, np.gcd.reduce(depth[source] + 1 - depth[part.indices])))
    return found


# ---------------------------------------------------------------------- linear systems


@dataclass(frozen=True, eq=False)
class Killed:
    """A chain that is sure to leave some states: solves (I - Q) x = b and x (I - Q) = b.

    Factorised where that is cheap (few states, or a narrow band after renumbering); iterated (GMRES) otherwise,
    because on well-mixing graphs a factorisation fills in; factorised all the same where the iteration fails.

    Attributes
    ----------
    Q : csr_matrix, shape (n, n)
        Transition probabilities among the states; from each of them the outside is reached.
    """

    Q: csr_matrix

    @cached_property
    def _factors(self) -> Any:
        from scipy.sparse import csc_matrix, eye
        from scipy.sparse.linalg import splu

        # I - Q is an M-matrix: elimination without pivoting is stable, and keeps the pattern symmetric.
        return splu(
            csc_matrix(eye(self.Q.shape[0]) - self.Q),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )

    @cached_property
    def _direct(self) -> bool:
        n = self.Q.shape[0]
        return n <= SMALL or n * narrow_order(self.Q)[1] ** 2 <= CHEAP_BAND

    def solve(self, b: Float, *, left: bool = False) -> Float:
        """Return x with (I - Q) x = b, or x (I - Q) = b where `left`; b of shape (n,) or, column by column, (n, m)."""
        if len(b) == 0:
            return b.copy()
        if not self._direct:
            columns = [self._iterated(c, left) for c in b.reshape(len(b), -1).T]
            if all(c is not None for c in columns):
                return np.array(columns).T.reshape(b.shape)
        return np.asarray(self._factors.solve(b, "T" if left else "N"))

    def _iterated(self, b: Float, left: bool) -> Float | None:
        from scipy.sparse.linalg import LinearOperator, gmres

        n, Q = len(b), self._transposed if left else self.Q
        if not b.any():
            return np.zeros(n)
        diagonal = 1 - self.Q.diagonal()
        system = LinearOperator((n, n), matvec=lambda x: x - Q @ x, dtype=np.float64)
        scale = LinearOperator((n, n), matvec=lambda x: x / diagonal, dtype=np.float64)
        x, _ = gmres(system, b, M=scale, rtol=1e-13, restart=60, maxiter=10)
        missed = np.linalg.norm(b - (x - Q @ x))
        return np.asarray(x) if missed <= SOLVED * np.linalg.norm(b) else None

    @cached_property
    def _transposed(self) -> csr_matrix:
        return self.Q.T.tocsr()


def narrow_order(Q: csr_matrix) -> tuple[Int, int]:
    """Return an order of the states that brings the entries near the diagonal, and the bandwidth in it."""
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    order = reverse_cuthill_mckee((Q + Q.T).tocsr(), symmetric_mode=True).astype(np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    source = np.repeat(np.arange(Q.shape[0]), np.diff(Q.indptr))
    return order, int(np.abs(place[source] - place[Q.indices]).max(initial=0))


# ---------------------------------------------------------------------- first passage


def mean_first_passage(P: Matrix, target: ArrayLike) -> Float:
    """Return the expected number of steps until a set of states is first reached.

    m_i = 0 on the target and m_i = 1 + sum_j P_ij m_j elsewhere.

    Parameters
    ----------
    P : array or sparse matrix, shape (n_states, n_states)
        Row-stochastic.
    target : int or sequence of int
        Codes of the states to reach.

    Returns
    -------
    float array, shape (n_states,)
        In steps; infinite where there is a chance never to reach the target.

    Raises
    ------
    SettingsError
        P is no transition matrix, or `target` is empty or no code.

    Notes
    -----
    *When it is wrong*: a mean of a skewed law; where states are lumped, the chain remembers more than its state and
    passages are usually slower than said.

    References
    ----------
    Norris (1997), Markov Chains, theorem 1.3.5.

    Examples
    --------
    >>> mean_first_passage([[0.9, 0.1, 0], [0, 0.5, 0.5], [0, 0, 1]], 2).round(9).tolist()
    [12.0, 2.0, 0.0]
    """
    T = stochastic(P)
    goal = _members(target, T.shape[0], "target")
    lost = ~_leads_to(T, goal, never=np.zeros_like(goal))
    sure = ~_leads_to(T, lost, never=goal) & ~goal
    steps = np.where(goal, 0.0, np.inf)
    steps[sure] = Killed(T[sure][:, sure]).solve(np.ones(int(sure.sum())))
    return steps


def committor(P: Matrix, a: ArrayLike, b: ArrayLike) -> Float:
    """Return the probability to reach the states `b` before the states `a` (the forward committor).

    q = 0 on a, 1 on b, and q_i = sum_j P_ij q_j elsewhere.

    Parameters
    ----------
    P : array or sparse matrix, shape (n_states, n_states)
        Row-stochastic.
    a, b : int or sequence of int
        Codes; no state may be in both.

    Returns
    -------
    float array, shape (n_states,)
        0 also where neither is ever reached.

    Raises
    ------
    SettingsError
        P is no transition matrix; `a` or `b` is empty, no code, or they share a state.

    References
    ----------
    Metzner, Schuette and Vanden-Eijnden (2009), Multiscale Model. Simul. 7, 1192, eq. 2.6.

    Examples
    --------
    >>> walk = [[1, 0, 0, 0], [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0, 0, 0, 1]]
    >>> committor(walk, 0, 3).round(9).tolist()
    [0.0, 0.333333333, 0.666666667, 1.0]
    """
    T = stochastic(P)
    start, goal = _members(a, T.shape[0], "a"), _members(b, T.shape[0], "b")
    if np.any(start & goal):
        raise SettingsError("`a` and `b` must not share a state.")
    open_ = _leads_to(T, goal, never=start) & ~goal
    q = np.where(goal, 1.0, 0.0)
    q[open_] = Killed(T[open_][:, open_]).solve(np.asarray(T[open_] @ q))
    return np.clip(q, 0.0, 1.0)


@dataclass(frozen=True)
class Absorption:
    """Where a chain ends, from each state.

    Attributes
    ----------
    classes : tuple of int arrays
        The closed classes, as codes.
    probability : float array, shape (n_states, n_classes)
        Of ending in each of them; rows sum to 1.
    steps : float array, shape (n_states,)
        Expected steps until one of them is entered; 0 inside.
    """

    classes: tuple[Int, ...]
    probability: Float
    steps: Float


def absorption(P: Matrix) -> Absorption:
    """Return in which closed class a chain ends, and how many steps that takes.

    With the transient states U and B_ic = sum_{j in c} P_ij: probabilities (I - P_UU)^{-1} B, steps (I - P_UU)^{-1} 1.

    Parameters
    ----------
    P : array or sparse matrix, shape (n_states, n_states)
        Row-stochastic.

    Returns
    -------
    Absorption

    Raises
    ------
    SettingsError
        P is no transition matrix.

    Notes
    -----
    *When it is wrong*: a class that was never seen to be left counts as closed, and a state that was only entered as
    absorbing; both may be the end of the recording.

    References
    ----------
    Kemeny and Snell (1960), Finite Markov Chains, theorems 3.3.5 and 3.3.7.

    Examples
    --------
    >>> ends = absorption([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])
    >>> ends.probability.round(9).tolist(), ends.steps.round(9).tolist()
    ([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]], [2.0, 0.0, 0.0])
    """
    from scipy.sparse import csr_matrix

    T = stochastic(P)
    n, classes = T.shape[0], closed_classes(T)
    of_class = np.full(n, -1, dtype=np.int64)
    for k, states in enumerate(classes):
        of_class[states] = k
    inside = np.flatnonzero(of_class >= 0)
    member = csr_matrix((np.ones(len(inside)), (inside, of_class[inside])), shape=(n, len(classes)))
    probability, steps, moving = member.toarray(), np.zeros(n), of_class < 0
    killed = Killed(T[moving][:, moving])
    probability[moving] = np.clip(killed.solve((T[moving] @ member).toarray()), 0.0, 1.0)
    steps[moving] = killed.solve(np.ones(int(moving.sum())))
    return Absorption(classes, probability, steps)


def _members(states: ArrayLike | Sequence[int], n: int, name: str) -> Bool:
    """Return codes as a mask over all states."""
    codes = np.atleast_1d(np.asarray(states))
    if codes.size == 0 or codes.dtype.kind not in "iu" or codes.min() < 0 or codes.max() >= n:
        raise SettingsError(f"`{name}` must hold at least one code in [0, {n - 1}]. Got {states!r}.")
    mask = np.zeros(n, np.bool_)
    mask[codes] = True
    return mask


def _leads_to(T: csr_matrix, goal: Bool, *, never: Bool) -> Bool:
    """Return from which states `goal` can be reached, itself included, by paths that do not pass through `never`."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order

    n = T.shape[0]
    source = np.repeat(np.arange(n), np.diff(T.indptr))
    kept = ~never[source] & ~goal[source] & ~never[T.indices]
    # One search backwards, from a new node n that leads to every state of the goal.
    goals = np.flatnonzero(goal)
    i, j = np.r_[T.indices[kept], np.full(len(goals), n)], np.r_[source[kept], goals]
    back = csr_matrix((np.ones(len(i)), (i, j)), shape=(n + 1, n + 1))
    mask = np.zeros(n + 1, np.bool_)
    mask[breadth_first_order(back, n, return_predecessors=False)] = True
    return mask[:n]
