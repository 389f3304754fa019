"""Transition probabilities from counts, and how well they are known: by likelihood, by Bayes, and reversible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Bool, Float, Int, summed
from ...errors import SettingsError
from ...inference.estimate import Estimate
from ...inference.intervals import beta_interval, student, student_quantile, wilson, wilson_or_clusters
from ...panel.tally import Counts, Events
from .passage import closed_classes
from .spectrum import FULL, NEVER_FORGETS, Complex, spectrum
from .stationary import Response, stationary

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

N_DIRECTIONS = 100  # random changes of the rows that stand for all where the chain is large: errors known to 7 %
N_GROUPS = 100  # groups of clusters that stand for all of them there
PRIOR_TOTAL = 1.0  # transitions added to each row
COINCIDE = 1e-7  # eigenvalues this near to each other (or to 0) have no derivative worth its name
SOLVED = 1e-6  # error of a row sum from which strengths are not those of these counts


def transition_matrix(counts: Counts) -> csr_matrix:
    """Return the maximum-likelihood transition matrix P_ij = c_ij / sum_k c_ik.

    Parameters
    ----------
    counts : Counts

    Returns
    -------
    csr_matrix, shape (n_states, n_states)
        Row-stochastic. Rows are divided by the recorded moves, not by `visits`: it is the chain given that a move was
        recorded. A state that was never left stays where it is, with probability 1.

    Notes
    -----
    *When it is wrong*: where attempts that left no record (`visits` above the row sums) were in truth stays, states
    look shorter-lived than they are. Where they went elsewhere unrecorded, nothing can be said.

    Examples
    --------
    >>> transition_matrix(Counts.of_matrix([[3, 1], [0, 0]])).toarray().tolist()
    [[0.75, 0.25], [0.0, 1.0]]
    """
    from scipy.sparse import csr_matrix

    return csr_matrix(_filled(counts, counts.count / counts.rows[counts.source]))


def _filled(counts: Counts, probability: Float) -> csr_matrix:
    """Return probabilities of the seen pairs as a matrix; states never left stay."""
    from scipy.sparse import csr_matrix

    ends = np.flatnonzero(counts.rows == 0)
    return csr_matrix(
        (
            np.r_[probability, np.ones(len(ends))],
            (np.r_[counts.source, ends], np.r_[counts.target, ends]),
        ),
        shape=(counts.n_states, counts.n_states),
    )


def transition_intervals(counts: Counts, *, level: float = 0.95) -> Estimate:
    """Return the probability of every seen transition with its interval.

    Parameters
    ----------
    counts : Counts
    level : float

    Returns
    -------
    Estimate, shape (n_pairs,)
        In the order of `counts.source` and `counts.target`; given that a move was recorded.

    Notes
    -----
    Wilson's interval for a share of the row. With single transitions also the ratio estimator's, with the residuals
    c_ij - P_ij N_i of each cluster that left i, on the logit scale with t quantiles; the lower of the lower ends and
    the higher of the higher ones are given, because a few clusters may agree by chance: measured at 95 %, alike
    sessions give 96 %, ten of them 97 %.

    *When it is wrong*: pairs are those that were seen, which makes rare ones look more frequent. A state left in one
    cluster only has Wilson's interval, whatever other clusters would have done.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22, 209; Cochran (1977), Sampling Techniques, section 3.12 (ratios by cluster).

    Examples
    --------
    >>> found = transition_intervals(Counts.of_matrix([[30, 10], [20, 20]]))
    >>> found.value.tolist(), found.low.round(3).tolist()
    ([0.75, 0.25, 0.5, 0.5], [0.598, 0.142, 0.352, 0.352])
    """
    _check_level(level)
    n = counts.rows[counts.source]
    p = counts.count / n
    if counts.events is None:
        return wilson(p, n, student_quantile(level, np.inf))
    error, clusters = _ratio_error(counts, counts.events, p)
    return wilson_or_clusters(p, n, error, clusters, level=level)


def _ratio_error(counts: Counts, events: Events, p: Float) -> tuple[Float, Int]:
    """Return the cluster-robust error of each seen pair's share, and in how many clusters its source was left."""
    pair = _pair_of(counts, events)
    n_clusters = len(events.cluster_names)
    moves, at = np.unique(pair * n_clusters + events.cluster, return_inverse=True)
    visits, v_at = np.unique(events.source * n_clusters + events.cluster, return_inverse=True)
    c, n = np.bincount(at).astype(np.float64), np.bincount(v_at).astype(np.float64)
    of_pair, of_state = moves // n_clusters, visits // n_clusters
    there = np.searchsorted(visits, counts.source[of_pair] * n_clusters + moves % n_clusters)
    squares = summed(of_state, n**2, counts.n_states)[counts.source]
    cross, own = summed(of_pair, c * n[there], len(p)), summed(of_pair, c**2, len(p))
    clusters = np.bincount(of_state, minlength=counts.n_states)[counts.source]
    residual = np.maximum(own - 2 * p * cross + p**2 * squares, 0.0)
    correction = clusters / np.maximum(clusters - 1, 1)
    return np.sqrt(correction * residual) / counts.rows[counts.source], clusters.astype(np.int64)


def escape_intervals(counts: Counts, *, level: float = 0.95) -> Estimate:
    """Return the share of visits that leave each state, with its interval.

    Parameters
    ----------
    counts : Counts
    level : float

    Returns
    -------
    Estimate, shape (n_states,)
        NaN for a state without visits.

    Notes
    -----
    As `transition_intervals`: the wider of Wilson's interval and that of the cluster-robust error, because sessions
    differ in how they leave a state. Where visits are more than the transitions seen, what was not recorded belongs to
    no session and Wilson's interval stands alone.

    Examples
    --------
    >>> escape_intervals(Counts.of_matrix([[30, 10], [20, 20]])).value.tolist()
    [0.25, 0.5]
    """
    _check_level(level)
    own = summed(counts.source, counts.count * (counts.source == counts.target), counts.n_states)
    n = counts.visits
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(n > 0, (counts.rows - own) / n, np.nan)
    if counts.events is None:
        return wilson(p, n, student_quantile(level, np.inf))
    events = counts.events
    error, clusters = _share_error(events.source, events.source != events.target, events.cluster, p)
    return wilson_or_clusters(p, n, error, np.where(n == counts.rows, clusters, 0), level=level)


def _share_error(state: Int, hit: Bool, cluster: Int, p: Float) -> tuple[Float, Int]:
    """Return the cluster-robust error of the share of hits in each state, and in how many clusters it was visited."""
    n_clusters = int(cluster.max(initial=0)) + 1
    visits, at = np.unique(state * n_clusters + cluster, return_inverse=True)
    of = visits // n_clusters
    hits, n = np.bincount(at, hit, len(visits)), np.bincount(at, minlength=len(visits)).astype(np.float64)
    clusters = np.bincount(of, minlength=len(p)).astype(np.int64)
    squares, total = summed(of, (hits - p[of] * n) ** 2, len(p)), summed(of, n, len(p))
    correction = clusters / np.maximum(clusters - 1, 1)
    return np.sqrt(correction * squares) / np.maximum(total, 1.0), clusters


def bayesian_matrix(counts: Counts, *, prior: ArrayLike = PRIOR_TOTAL, level: float = 0.95) -> Estimate:
    """Return posterior means and intervals of the seen transitions under a Dirichlet prior on each row.

    Parameters
    ----------
    counts : Counts
    prior : float or array, shape (n_pairs,)
        Transitions added to each row, spread evenly over its m seen pairs (Perks' prior 1/m each; Jeffreys' for two);
        or one number for each seen pair.
    level : float
        Of the posterior, equal tails.

    Returns
    -------
    Estimate, shape (n_pairs,)
        In the order of `counts.source` and `counts.target`; means of a row sum to 1. A pair that is alone in its row
        has the mean 1 and the interval of Jeffreys' prior against anything unseen.

    Notes
    -----
    *When it is wrong*: transitions never seen have probability 0 whatever the data, and sessions that differ make the
    intervals too narrow: they take transitions as independent given the state left.

    References
    ----------
    Perks (1947), J. Inst. Actuar. 73, 285; Trendelkamp-Schroer and Noe (2013), J. Chem. Phys. 138, 164113.

    Examples
    --------
    >>> found = bayesian_matrix(Counts.of_matrix([[3, 1], [2, 2]]))
    >>> found.value.round(3).tolist(), found.low.round(3).tolist()
    ([0.7, 0.3, 0.5, 0.5], [0.284, 0.028, 0.123, 0.123])
    """
    _check_level(level)
    given = np.asarray(prior, dtype=np.float64)
    if given.shape not in ((), counts.count.shape) or not np.isfinite(given).all() or np.any(given < 0):
        raise SettingsError(f"`prior` must be a number, or one for each of {len(counts.count)} pairs, not negative.")
    seen = np.bincount(counts.source, minlength=counts.n_states)[counts.source]
    a = counts.count + (given / seen if given.ndim == 0 else given)
    total = summed(counts.source, a, counts.n_states)[counts.source]
    b, alone = total - a, seen == 1
    first, second = np.where(alone, counts.count + 0.5, a), np.where(alone, 0.5, b)
    low, high = beta_interval(first, second, level=level)
    return Estimate(a / total, low, np.where(alone, 1.0, high))


def reversible_matrix(counts: Counts, strengths: ArrayLike) -> csr_matrix:
    """Return the maximum-likelihood reversible transition matrix, given ln l of its likelihood equations.

    T_ij = (l_i / N_i) n_ij / (l_i + l_j) with n_ij = c_ij + c_ji, N_i = sum_j c_ij, and T_ii = c_ii / N_i.

    Parameters
    ----------
    counts : Counts
        Of one communicating class.
    strengths : array, shape (n_states,)
        ln l, up to a constant; sum_j n_ij l_i / (l_i + l_j) = N_i - c_ii at the maximum.

    Returns
    -------
    csr_matrix, shape (n_states, n_states)
        Row-stochastic; its stationary law is proportional to N_i / l_i.

    Raises
    ------
    SettingsError
        The strengths have another shape, are not finite, or do not solve the equations: rows would not sum to 1.

    References
    ----------
    Bowman, Beauchamp, Boxer and Pande (2009), J. Chem. Phys. 131, 124101, eq. 15; Hunter (2004), Ann. Stat. 32, 384
    (the equations, as those of Bradley and Terry).

    Examples
    --------
    >>> reversible_matrix(Counts.of_matrix([[1, 3], [2, 4]]), [np.log(3 / 2), 0]).toarray().round(3).tolist()
    [[0.25, 0.75], [0.333, 0.667]]
    """
    from scipy.sparse import csr_matrix
    from scipy.special import expit

    s = np.asarray(strengths, dtype=np.float64)
    if s.shape != (counts.n_states,) or not np.isfinite(s).all():
        raise SettingsError(f"`strengths` must be finite, shape ({counts.n_states},). Got shape {s.shape}.")
    both = (counts.matrix + counts.matrix.T).tocoo()
    i, j = both.row.astype(np.int64), both.col.astype(np.int64)
    P = csr_matrix((both.data * expit(s[i] - s[j]) / counts.rows[i], (i, j)), shape=both.shape)
    off = np.abs(np.asarray(P.sum(axis=1)).ravel() - 1)
    if np.any(off > SOLVED):
        raise SettingsError(f"`strengths` must solve the likelihood equations. Row {int(off.argmax())} misses 1.")
    return P


def stationary_intervals(counts: Counts, *, level: float = 0.95) -> Estimate:
    """Return the stationary law of the maximum-likelihood chain with intervals.

    d pi = (pi dP) A with the group inverse A of I - P. Without single transitions the rows are multinomial; with them
    each cluster c moves pi by its sum over transitions i -> k of pi_i / N_i (e_k - P_i) A.

    Parameters
    ----------
    counts : Counts
        With one closed class.
    level : float

    Returns
    -------
    Estimate, shape (n_states,)
        Transient states have 0 without an interval. On the logit scale; t quantiles for clusters.

    Raises
    ------
    SettingsError
        There are several closed classes: the law is not unique.

    Notes
    -----
    Measured at 95 %: 94 to 96 %, for 40 transitions a row and for 10 to 100 alike sessions.
    Beyond 1,500 states errors are those of 100 random changes of the rows, or 100 groups of clusters, known to 7 %.

    *When it is wrong*: first order. States that were left a few times only, and transitions seen once that alone join
    parts of the chain, have intervals that are too narrow.

    References
    ----------
    Schweitzer (1968), J. Appl. Prob. 5, 401; Meyer (1975), SIAM Rev. 17, 443 (group inverse).

    Examples
    --------
    >>> found = stationary_intervals(Counts.of_matrix([[90, 10], [30, 70]]))
    >>> found.value.round(3).tolist(), found.low.round(3).tolist()
    ([0.75, 0.25], [0.608, 0.147])
    """
    _check_level(level)
    P = transition_matrix(counts)
    pi = stationary(P)
    states = closed_classes(P)[0]
    part = counts if len(states) == counts.n_states else counts.part(states)
    response = Response(transition_matrix(part), pi[states])
    if len(states) == 1:
        return Estimate(pi, pi, pi)
    if part.events is None or len(np.unique(part.events.cluster)) < 2:
        error, df = _multinomial_error(part, response), np.inf
    else:
        error, df = _cluster_error(part, part.events, response)
    own = response.pi
    on_logit = error / np.maximum(own * (1 - own), np.finfo(float).tiny)
    found = student(own, on_logit, level=level, df=df, scale="logit")
    low, high = np.full(len(pi), np.nan), np.full(len(pi), np.nan)
    low[states], high[states] = found.low, found.high
    return Estimate(pi, low, high)


def _multinomial_error(counts: Counts, response: Response) -> Float:
    """Return the errors of the stationary law where rows are independent multinomials."""
    from scipy.sparse import csr_matrix

    T, weight = response.T, response.pi**2 / counts.rows
    if response.full:
        A = response.group_inverse
        return np.asarray(np.sqrt(np.maximum(weight @ (T @ A**2 - (T @ A) ** 2), 0.0)))
    rng = np.random.default_rng(0)
    source = np.repeat(np.arange(T.shape[0]), np.diff(T.indptr))
    rows = []
    for _ in range(N_DIRECTIONS):
        change = csr_matrix((np.sqrt(T.data * weight[source]) * rng.standard_normal(T.nnz), T.indices, T.indptr))
        total = np.asarray(change.sum(axis=1)).ravel()
        rows.append(np.asarray(change.sum(axis=0)).ravel() - T.T @ total)
    return np.asarray(np.sqrt(np.mean(response.of(np.array(rows)) ** 2, axis=0)))


def _cluster_error(counts: Counts, events: Events, response: Response) -> tuple[Float, float]:
    """Return the errors of the stationary law where clusters are independent, and their degrees of freedom."""
    from scipy.sparse import csr_matrix

    _, cluster = np.unique(events.cluster, return_inverse=True)
    if not response.full:
        cluster = cluster % N_GROUPS
    c, n = int(cluster.max()) + 1, counts.n_states
    weight = (response.pi / counts.rows)[events.source]
    entered = csr_matrix((weight, (cluster, events.target)), shape=(c, n))
    left = csr_matrix((weight, (cluster, events.source)), shape=(c, n))
    moved = response.of(entered - left @ response.T)
    return np.sqrt(c / (c - 1) * np.sum(moved**2, axis=0)), float(c - 1)


def relaxation_intervals(counts: Counts, *, k: int = 6, level: float = 0.95) -> Estimate:
    """Return the relaxation times -1/ln|lambda| of the maximum-likelihood chain with intervals.

    d lambda = l' dP r / l' r with the left and right eigenvectors l and r. Without single transitions the rows are
    multinomial; with them each cluster moves lambda by its sum over transitions i -> j of
    l_i (r_j - lambda r_i) / (N_i l' r).

    Parameters
    ----------
    counts : Counts
    k : int
        Number of eigenvalues, the 1 included, as in `spectrum`.
    level : float

    Returns
    -------
    Estimate, shape (k - 1,)
        In units of the lag, longest first; on the log scale; t quantiles for clusters. Without an interval: infinite
        times, eigenvalues 0, eigenvalues that coincide, and all of them beyond 600 states.

    Notes
    -----
    Measured at 95 %: 92 to 96 % from 40 transitions a row or 200 in all.

    *When it is wrong*: first order. Where a few transitions alone carry the slow mode, or rows were left a few times
    only, intervals are too narrow; where two moduli are close, the larger of the estimates is a biased choice.

    References
    ----------
    Stewart and Sun (1990), Matrix Perturbation Theory, theorem IV.2.3.

    Examples
    --------
    >>> found = relaxation_intervals(Counts.of_matrix([[90, 10], [30, 70]]))
    >>> [round(float(part[0]), 2) for part in (found.value, found.low, found.high)]
    [1.96, 1.38, 2.78]
    """
    _check_level(level)
    P = transition_matrix(counts)
    found = spectrum(P, k=k)
    times = found.relaxation_times
    if counts.n_states > FULL or len(times) == 0:
        return Estimate(times, None, None)
    moves = _log_rate_moves(counts, P.toarray(), found.eigenvalues[1:])
    if counts.events is None or len(np.unique(counts.events.cluster)) < 2:
        variance, df = counts.count @ moves**2, np.inf
    else:
        c = len(counts.events.cluster_names)
        each = np.zeros((c, moves.shape[1]))
        np.add.at(each, counts.events.cluster, moves[_pair_of(counts, counts.events)])
        c = len(np.unique(counts.events.cluster))
        variance, df = c / (c - 1) * np.sum(each**2, axis=0), float(c - 1)
    return student(times, np.sqrt(variance), level=level, df=df, scale="log")


def _log_rate_moves(counts: Counts, P: Float, leading: Complex) -> Float:
    """Return by how much one transition of each seen pair moves ln(-ln|lambda|), NaN where lambda is not smooth.

    Shape (n_pairs, len(leading)).
    """
    import scipy.linalg

    eig: Any = scipy.linalg.eig  # its types forget that left and right vectors come too
    values, left, right = eig(P, left=True, right=True)
    moves = np.full((len(counts.count), len(leading)), np.nan)
    i, j = counts.source, counts.target
    for at, value in enumerate(leading):
        near = np.flatnonzero(np.abs(values - value) < COINCIDE)
        modulus = abs(value)
        if len(near) != 1 or modulus < COINCIDE or modulus > 1 - NEVER_FORGETS:
            continue
        u, v = left[:, near[0]].conj(), right[:, near[0]]
        d_value = u[i] * (v[j] - value * v[i]) / (counts.rows[i] * (u @ v))
        moves[:, at] = (d_value / value).real / np.log(modulus)
    return moves


def _pair_of(counts: Counts, events: Events) -> Int:
    """Return the place of every single transition among the seen pairs."""
    n = counts.n_states
    return np.asarray(np.searchsorted(counts.source * n + counts.target, events.source * n + events.target))


def _check_level(level: float) -> None:
    if not 0.5 <= level < 1:
        raise SettingsError(f"`level` must lie in [0.5, 1). Got {level}.")
