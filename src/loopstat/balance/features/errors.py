"""Errors of a function of features fitted to pairs of states: by what is drawn, and by which states there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...arrays import Bool, Float, Int, summed, summed_rows
from ...panel.tally import Counts, Events
from ..potentials.least_action import SOFTPLUS
from .pairs import Problem, StatePairs, weighted_gram

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEAST_LEFT = 0.01  # of the curvature without one state, so that a feature of one state has a wide interval, not none
ALPHA = 0.05  # of the test that decides whether the states are a source of error
FEW_CLUSTERS = 8  # sessions below which only rows and states give an error


def by_state(pairs: StatePairs, scores: Float) -> Float:
    """Return a covariance of the sum of scores where scores of pairs that share a state go together.

    Sum over states of S S', S the sum of a state's scores, less the sum over pairs of s s', which is counted twice:
    Fafchamps & Gubert (2007). States count as a sample of all states there could be.

    Parameters
    ----------
    pairs : StatePairs
    scores : float array, shape (n_pairs, k)
    """
    n = pairs.n_states
    sums = summed_rows(pairs.a, scores, n) + summed_rows(pairs.b, scores, n)
    alone = scores.T @ scores
    robust = sums.T @ sums - alone
    # Nothing keeps the difference positive in small samples; independent pairs are the least one can say.
    return robust if np.all(np.diag(robust) >= np.diag(alone)) else alone


def by_row(pairs: StatePairs, up: Float, down: Float, scores: Callable[[Float], Float]) -> Float:
    """Return the covariance where the moves out of each state are multinomial given its visits.

    Parameters
    ----------
    pairs : StatePairs
    up, down : float arrays, shape (n_pairs,)
        What one transition a -> b, b -> a adds to the score of its pair.
    scores : callable
        Turns multiples of the pairs' differences, shape (n_pairs,), into scores, shape (n_pairs, k).
    """
    # N/(N - 1): shares are estimated from the same visits; a row of a single visit has no spread to show.
    few = np.where(pairs.visits > 1, pairs.visits / np.maximum(pairs.visits - 1, 1e-300), 1.0)
    squares = scores(np.sqrt(pairs.forward * few[pairs.a] * up**2 + pairs.backward * few[pairs.b] * down**2))
    out, back = scores(pairs.forward * up), scores(pairs.backward * down)
    n = pairs.n_states
    rows = summed_rows(pairs.a, out, n) + summed_rows(pairs.b, back, n)
    visited = np.where(pairs.visits > 1, few / np.maximum(pairs.visits, 1e-300), 0.0)[:, None]
    return squares.T @ squares - rows.T @ (rows * visited)


# ------------------------------------------------------------------------- errors of theta


@dataclass(frozen=True)
class ThetaErrors:
    """Covariances of the standardised coefficients, and the one to be used.

    Attributes
    ----------
    covariance : float array, shape (n_kept, n_kept)
    unit : str
        What it takes as drawn: `draws` (the moves out of each state, multinomial), `sessions`, or `states`.
    df : float
        Degrees of freedom of its t quantiles.
    misfit_p : float
        Of the null that V is a function of the features, up to the noise of the counts.
    """

    covariance: Float
    unit: str
    df: float
    misfit_p: float


def theta_errors(pairs: StatePairs, counts: Counts, problem: Problem, c: Float) -> ThetaErrors:
    """Choose the error of theta: of the draws or the sessions; of the states, where features leave V unexplained.

    Parameters
    ----------
    pairs, counts : of the same recording
    problem : Problem
    c : float array, shape (n_kept,)
        Its minimum.

    Returns
    -------
    ThetaErrors
        Under a function of the features that explains all of V, the states add nothing, and an error that allows for
        them would be a fifth too wide; where they do, the others are several times too narrow.
    """
    bread = np.asarray(np.linalg.inv(problem.hessian(c)), dtype=np.float64)
    p = len(c)
    misfit = misfit_p(pairs, problem.D @ c, p)
    meat, unit, df = _drawn(pairs, counts, problem, c)
    first = bread @ meat @ bread
    states = over_states(pairs, problem, c, bread)
    n = float(max(len(pairs.members) - p, 1))
    if misfit < ALPHA and np.trace(states) > np.trace(first):
        return ThetaErrors(states, "states", n, misfit)
    return ThetaErrors(first, unit, df, misfit)


def fit_noise(pairs: StatePairs, problem: Problem, c: Float, covariance: Float) -> float:
    """Return the standard error of the mean log-loss that comes from that of c, in nats.

    At its minimum the loss rises by half e' H e for an error e: variance half the trace of (H Cov)^2.
    """
    up, back = pairs.rates
    H = weighted_gram(problem.D, (up + back) * SOFTPLUS.curvature(problem.D @ c))
    return float(np.sqrt(np.trace(np.linalg.matrix_power(H @ covariance, 2)) / 2) / (up.sum() + back.sum()))


def misfit_p(pairs: StatePairs, drop: Float, n_features: int) -> float:
    """Return the p-value of the null that drops of V explain how often each state is left and entered.

    Given n[a,b] + n[b,a], forward moves are binomial with odds N_a e^V(a) : N_b e^V(b). A state's surplus of moves out
    over those expected, squared over its variance, is summed over states and compared with its mean and spread.

    Parameters
    ----------
    pairs : StatePairs
    drop : float array, shape (n_pairs,)
        beta (V(a) - V(b)).
    n_features : int
    """
    from scipy.special import expit, ndtr

    visits, n = pairs.visits, pairs.n_states
    total = pairs.forward + pairs.backward
    share = expit(drop + np.log(visits[pairs.a]) - np.log(visits[pairs.b]))
    surplus, q = pairs.forward - total * share, total * share * (1 - share)
    out = (summed(pairs.a, surplus, n) - summed(pairs.b, surplus, n))[pairs.members]
    own = summed(pairs.a, q, n) + summed(pairs.b, q, n)
    # Rows are multinomial: the visits of a state, and of those it exchanges with, are given.
    other = summed(pairs.a, q**2 / visits[pairs.b], n) + summed(pairs.b, q**2 / visits[pairs.a], n)
    variance = (own - own**2 / np.maximum(visits, 1e-300) - other)[pairs.members]
    # Never less than a share of the moves' own: in rows of few moves the rest is rounding.
    variance = np.maximum(variance, 0.05 * own[pairs.members])
    known = variance > 1e-6
    if not known.any():
        return 1.0
    squares = out[known] ** 2 / variance[known]
    spread = np.sqrt(np.sum(2 + 1 / variance[known]))
    return float(ndtr(-(squares.sum() - max(int(known.sum()) - n_features, 0)) / spread))


def over_states(pairs: StatePairs, problem: Problem, c: Float, bread: Float) -> Float:
    """Return the covariance of c where states are a sample, scores put right for each state's pull on the fit.

    The scores of a state's pairs, and of each pair, are divided by what is left of the curvature without them (as in
    CR3, a jackknife), because the fit goes along with the states it has seen; then summed as in `by_state`.
    """
    D = np.asarray(problem.D if isinstance(problem.D, np.ndarray) else problem.D.todense())
    up, down = problem.pushes(c)
    d = D @ c + problem.offset
    w = problem.forward * problem.kernel.curvature(d) + problem.backward * problem.kernel.curvature(-d)
    scores = D * (problem.forward * up - problem.backward * down)[:, None]
    incidence = abs(_ends(pairs))
    root = np.linalg.cholesky(bread)
    Z = D @ root  # the curvature is the unit matrix in these coordinates
    sums = np.asarray(incidence @ (scores @ root))
    pulls = np.empty((pairs.n_states, len(c), len(c)))
    for j, z in enumerate(Z.T):
        pulls[:, j] = incidence @ (Z * (w * z)[:, None])
    sums = np.linalg.solve(_remaining(pulls), sums[..., None])[..., 0]
    alone = scores @ root / np.maximum(1 - w * np.sum(Z**2, axis=1), LEAST_LEFT)[:, None]
    robust = root @ (sums.T @ sums - alone.T @ alone) @ root.T
    least = root @ (root.T @ scores.T @ scores @ root) @ root.T
    # Nothing keeps the difference positive in small samples; independent pairs are the least one can say.
    return robust if np.all(np.diag(robust) >= np.diag(least)) else least


def _remaining(pulls: Float) -> Float:
    """Return 1 - pull for every state, its eigenvalues not below a hundredth, shape (n_states, k, k)."""
    values, vectors = np.linalg.eigh(pulls)
    left = np.maximum(1 - values, LEAST_LEFT)
    return np.asarray(np.einsum("nij,nj,nkj->nik", vectors, left, vectors))


def _ends(pairs: StatePairs) -> csr_matrix:
    """Return the incidence of states in pairs, shape (n_states, n_pairs), 1 at a and -1 at b."""
    from scipy.sparse import csr_matrix

    m = len(pairs)
    signs = np.r_[np.ones(m), -np.ones(m)]
    return csr_matrix((signs, (np.r_[pairs.a, pairs.b], np.tile(np.arange(m), 2))), shape=(pairs.n_states, m))


def _drawn(pairs: StatePairs, counts: Counts, problem: Problem, c: Float) -> tuple[Float, str, float]:
    """Return the covariance of the gradient over sessions, or over rows where there are few; its unit and its df."""
    push_up, push_down = problem.pushes(c)
    n_up, n_down = np.maximum(pairs.forward, 1e-300), np.maximum(pairs.backward, 1e-300)
    one_up, one_down = problem.forward / n_up * push_up, -problem.backward / n_down * push_down
    events = counts.events
    clusters = np.zeros(0, np.int64) if events is None else np.unique(events.cluster)
    if events is not None and len(clusters) >= FEW_CLUSTERS:
        observed = counts.visits_rule == "observed"
        moved = _Moved(pairs, events, one_up, one_down, problem, c, observed=observed)
        return moved.meat(), "sessions", float(len(clusters) - 1)

    def scores(multiple: Float) -> Float:
        D = problem.D
        return np.asarray(
            D * multiple[:, None] if isinstance(D, np.ndarray) else D.multiply(multiple[:, None]).todense()
        )

    return by_row(pairs, one_up, one_down, scores), "draws", max(pairs.n_transitions - len(c), 1.0)


@dataclass(frozen=True)
class _Moved:
    """What leaving out a cluster does to the gradient."""

    pairs: StatePairs
    events: Events
    one_up: Float
    one_down: Float
    problem: Problem
    c: Float
    observed: bool

    def meat(self) -> Float:
        """Return the sum of squares of the clusters' contributions, shape (n_features, n_features)."""
        clusters, cluster = np.unique(self.events.cluster, return_inverse=True)
        cluster, k = cluster.reshape(-1).astype(np.int64), len(clusters)
        at, down = self.pairs.locate(self.events.source, self.events.target)
        inside = at >= 0
        multiple = np.where(down[inside], self.one_up[at[inside]], self.one_down[at[inside]])
        added = self._gathered(at[inside], multiple, cluster[inside], k)
        if self.observed:
            added = added + (
                self._log_visits(cluster, k) if self.problem.likelihood else self._visits(cluster, at, down, k)
            )
        centred = added - added.mean(axis=0)
        return np.asarray(k / (k - 1) * centred.T @ centred)

    def _gathered(self, at: Int, multiple: Float, group: Int, n: int) -> Float:
        """Return sums over groups of multiples of the pairs' differences, shape (n_groups, n_features)."""
        from scipy.sparse import csr_matrix

        spread = csr_matrix((multiple, (group, at)), shape=(n, len(self.pairs)))
        found = spread @ self.problem.D
        return np.asarray(found if isinstance(found, np.ndarray) else found.todense())

    def _visits(self, cluster: Int, at: Int, down: Bool, k: int) -> Float:
        """Return what the visits a cluster made change: T = n/N is n less the cluster's over N less the cluster's.

        Exact, because a state visited in one cluster alone is gone without it; linear in the visits it would stay.
        """
        source, n = self.events.source, self.pairs.n_states
        held, group = np.unique(source * k + cluster, return_inverse=True)
        group = group.reshape(-1).astype(np.int64)
        state, owner = held // k, held % k
        visits = summed(group, np.ones(len(source)), len(held))
        inside = at >= 0
        multiple = np.where(down[inside], self.one_up[at[inside]], self.one_down[at[inside]])
        mine = self._gathered(at[inside], multiple, group[inside], len(held))  # already over N
        every = self._gathered(at[inside], multiple, source[inside], n)
        share = visits / self.pairs.visits[state]
        rest = np.where(share < 1 - 1e-12, share / np.maximum(1 - share, 1e-300), 0.0)[:, None]
        # With S/N of all and s/N of the cluster: S/N - (S - s)/(N - m) = s/N - (S - s)/N m/(N - m).
        change = -(every[state] - mine) * rest
        return summed_rows(owner, change, k)

    def _log_visits(self, cluster: Int, k: int) -> Float:
        """Return what the visits a cluster made change through ln N in the offset."""
        from scipy.sparse import csr_matrix

        d = self.problem.D @ self.c + self.problem.offset
        w = self.problem.forward * self.problem.kernel.curvature(d)
        w = w + self.problem.backward * self.problem.kernel.curvature(-d)
        p, m = self.pairs, len(self.pairs)
        rows, columns = np.r_[p.a, p.b], np.tile(np.arange(m), 2)
        signed = csr_matrix((np.r_[-w, w], (rows, columns)), shape=(p.n_states, m)) @ self.problem.D
        slope = np.asarray(signed if isinstance(signed, np.ndarray) else signed.todense())
        ones = np.ones(len(cluster))
        left = csr_matrix((ones, (cluster, self.events.source)), shape=(k, p.n_states))
        return np.asarray(left @ (slope / np.maximum(p.visits, 1.0)[:, None]))
