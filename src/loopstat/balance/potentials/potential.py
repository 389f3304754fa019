"""Potentials of a recorded chain: three estimators, and errors that know rows are multinomial."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...arrays import Bool, Float, Int, summed
from ...inference.intervals import student
from ...panel.model import Rng
from ...panel.tally import Counts
from ...parameters import LEVEL
from ...results.record import UNWRITTEN, Record, written
from ..rows import BETA, KERNEL, RIDGE
from .least_action import EXPONENTIAL, SOFTPLUS, Exchanges, Kernel, Laplacians, least_action

DENSE = 1200  # states up to which errors are computed from whole matrices; beyond, from random directions
DIRECTIONS = 300  # of them: the error of an error is then 4 %
FEW = 8  # clusters below which only the multinomial rows give an error
LONGEST_FALL = 100  # transient states one after another through which a bound is carried
RULE_OF_THREE = 3.0  # an event never seen in n visits has probability below 3/n, at 95 %


# --------------------------------------------------------------------- the potential


@dataclass(frozen=True, eq=False)
class Potential(Record):
    """A potential with intervals; NaN where nothing can be said.

    Attributes
    ----------
    value, low, high : float arrays, shape (n_states,)
        V less the V of its class's lowest state, in units of 1/beta nats; NaN for a single transient state.
    bound : float array, shape (n_states,)
        Of transient states: a one-sided lower bound of V against the states entered; NaN elsewhere.
    kernel : str
    beta : float
    action : float
        Sum over transitions inside classes of T(g|f) K(beta (V(f) - V(g))), visits in the denominator of T.
    action_per_state : float array, shape (n_states,)
        The part of the action of leaving each state.
    bottom : int array, shape (n_states,)
        The lowest state of the class each state belongs to.
    root : float array, shape (n_states, k), not written
        Errors of V, less those of `bottom`, in k independent directions: covariance `root @ root.T`.
    """

    value: Float = field(metadata=written("potential"))
    low: Float = field(metadata=written("potential_low"))
    high: Float = field(metadata=written("potential_high"))
    bound: Float = field(metadata=written("potential_bound"))
    kernel: str
    beta: float
    action: float
    action_per_state: Float
    bottom: Int = field(default_factory=lambda: np.zeros(0, np.int64), metadata=UNWRITTEN)
    root: Float = field(default_factory=lambda: np.zeros((0, 0)), repr=False, metadata=UNWRITTEN)

    @property
    def standard_error(self) -> Float:
        """Standard errors of `value`, shape (n_states,)."""
        return np.asarray(np.sqrt(np.sum(self.root**2, axis=1)))


def potential(
    counts: Counts,
    *,
    kernel: str = "likelihood",
    beta: float = 1.0,
    level: float = 0.95,
    ridge: float = 0.0,
    rng: Rng | None = None,
) -> Potential:
    """Estimate V with detailed balance T(g|f)/T(f|g) = exp(beta (V(f) - V(g))) from counted transitions.

    `likelihood`: the maximum-likelihood reversible chain, beta V = ln l - ln N, where l maximises the product of
    (l_f/(l_f + l_g))^n[f,g] and N are the visits. `exp` and `softplus`: least action, the minimum of
    sum T(g|f) K(beta (V(f) - V(g))) with K(x) = exp(-x/2) or ln(1 + exp(-x)) and T = n/N. The three agree on trees and
    under exact detailed balance of the counts, and nowhere else.

    Parameters
    ----------
    counts : Counts
    kernel : {"likelihood", "exp", "softplus"}
    beta : float
        Inverse temperature; only beta V is identified.
    level : float
        Of the intervals.
    ridge : float
        Penalty ridge/2 sum (beta V)^2, for sparse graphs (in counts for `likelihood`, in probabilities else).
    rng : Generator, optional
        Directions in which errors are measured where there are more than 1,200 states; default: seed 0.

    Returns
    -------
    Potential

    Raises
    ------
    SettingsError
        Unknown kernel, or beta, level or ridge out of range.

    Notes
    -----
    Errors: rows are multinomial given the visits, so the inverse Laplacian alone is up to ten times too wide; with
    sessions the larger of that and the cluster-robust error. *When it is wrong*: V is a summary of a loop that is not
    in detailed balance, whatever its interval (look at the test); visits taken as row sums where a table leaves out
    self-transitions and rejected answers shift V by ln of the missing share; below some 5 counts per direction the
    intervals are rough, and pairs seen one way pull V as far as the cycle through them allows.

    References
    ----------
    Song et al. (2025), arXiv 2512.10047 (least action); Bowman et al. (2009), J. Chem. Phys. 131, 124101, and Stigler
    (1994), Stat. Sci. 9, 94 (reversible likelihood, Bradley-Terry).

    Examples
    --------
    >>> counts = Counts.of(["a", "b"], ["b", "a"], [30, 10], visits=100)
    >>> potential(counts).value.round(4).tolist()
    [1.0986, 0.0]
    """
    for row, given in ((KERNEL, kernel), (BETA, beta), (LEVEL, level), (RIDGE, ridge)):
        row.read(given)
    pairs = Exchanges.of(counts)
    scaled = _scaled_potential(counts, pairs, kernel, ridge)
    root, df = _error_root(counts, pairs, scaled, kernel, ridge, rng or np.random.default_rng(0))
    bottom = _bottoms(scaled, pairs.label)
    root = root - root[bottom]
    alone = counts.classes.transient
    value = np.where(alone, np.nan, (scaled - scaled[bottom]) / beta)
    found = student(value, np.sqrt(np.sum(root**2, axis=1)) / beta, level=level, df=df)
    action = _action_per_state(counts, pairs, scaled, EXPONENTIAL if kernel == "exp" else SOFTPLUS)
    return Potential(
        value=value,
        low=found.low,
        high=found.high,
        bound=_bounds(counts, value, alone, beta, level),
        kernel=kernel,
        beta=float(beta),
        action=float(action.sum()),
        action_per_state=action,
        bottom=bottom,
        root=root / beta,
    )


def strengths(pairs: Exchanges, *, ridge: float = 0.0) -> Float:
    """Return ln l of the maximum-likelihood reversible chain, mean 0 in each class, shape (n_states,).

    n[a,b]/(n[a,b] + n[b,a]) is fitted by l_a/(l_a + l_b); then T_ab = (l_a/N_a) (n[a,b] + n[b,a])/(l_a + l_b).
    """
    return least_action(pairs, pairs.forward, pairs.backward, SOFTPLUS, ridge=ridge)


def _scaled_potential(counts: Counts, pairs: Exchanges, kernel: str, ridge: float) -> Float:
    """Return beta V up to a constant in each class."""
    N = np.maximum(counts.visits, 1e-300)
    if kernel == "likelihood":
        return strengths(pairs, ridge=ridge) - np.where(counts.visits > 0, np.log(N), 0.0)
    chosen = EXPONENTIAL if kernel == "exp" else SOFTPLUS
    return least_action(pairs, pairs.forward / N[pairs.a], pairs.backward / N[pairs.b], chosen, ridge=ridge)


def _bottoms(v: Float, label: Int) -> Int:
    """Return for every state the code of its class's lowest state."""
    order = np.lexsort((v, label))
    first = order[np.r_[True, np.diff(label[order]) != 0]] if len(v) else order
    return first[label[order][np.searchsorted(label[order], label)]] if len(v) else first.astype(np.int64)


def _action_per_state(counts: Counts, pairs: Exchanges, v: Float, kernel: Kernel) -> Float:
    N, d = np.maximum(counts.visits, 1e-300), v[pairs.a] - v[pairs.b]
    with np.errstate(over="ignore"):
        out = summed(pairs.a, pairs.forward / N[pairs.a] * kernel.value(d), pairs.n_states)
        return np.asarray(out + summed(pairs.b, pairs.backward / N[pairs.b] * kernel.value(-d), pairs.n_states))


def _bounds(counts: Counts, value: Float, alone: Bool, beta: float, level: float) -> Float:
    """Return V(g) + ln(T(g|f) visits(g)/3)/beta for transient f, the sharpest over the states g it enters."""
    bound = np.full(counts.n_states, np.nan)
    if not alone.any():
        return bound
    three = RULE_OF_THREE * np.log(1 - level) / np.log(0.05)
    out = (counts.source != counts.target) & alone[counts.source]
    i, j, n = counts.source[out], counts.target[out], counts.count[out]
    with np.errstate(divide="ignore"):
        step = np.log(n / counts.visits[i] * counts.visits[j] / three) / beta
    base = value
    for _ in range(LONGEST_FALL):  # a state that leads to transient states alone takes its bound from theirs
        reached = base[j] + np.where(np.isfinite(step), step, np.nan)
        best = np.full(counts.n_states, -np.inf)
        np.maximum.at(best, i, np.where(np.isnan(reached), -np.inf, reached))
        new = np.where(np.isnan(bound) & np.isfinite(best), best, bound)
        if np.array_equal(new, bound, equal_nan=True):
            break
        bound, base = new, np.where(alone, new, value)
    return bound


# ----------------------------------------------------------------------------- errors


def _error_root(counts: Counts, pairs: Exchanges, v: Float, kernel: str, ridge: float, rng: Rng) -> tuple[Float, float]:
    """Return a root of the covariance of beta V, up to a constant in each class, and its degrees of freedom."""
    n = counts.n_states
    if len(pairs) == 0:
        return np.zeros((n, 1)), np.inf
    score = _Score.of(counts, pairs, v, kernel)
    solver = Laplacians(pairs, ridge)
    rows = solver.solve(score.curvature, score.row_noise(rng), tolerance=1e-8)
    events = counts.events
    clusters = 0 if events is None else int(events.cluster.max(initial=-1)) + 1
    if events is None or clusters < FEW:
        return rows, np.inf
    by_cluster, log_visits = score.cluster_noise(clusters, rng)
    # In sessions the visits are observed too, and ln N is a part of V.
    errors = solver.solve(score.curvature, by_cluster, tolerance=1e-8) - log_visits
    wider = np.sum(pairs.centred(errors) ** 2, axis=1) > np.sum(pairs.centred(rows) ** 2, axis=1)
    if wider.mean() >= 0.5:
        return errors, float(np.unique(events.cluster).size - 1)
    return rows, np.inf


@dataclass(frozen=True)
class _Score:
    """Derivatives of the action at its minimum: what one transition f -> g adds to the gradient."""

    counts: Counts
    pairs: Exchanges
    curvature: Float
    push: Float  # of every counted ordered pair, 0 outside the classes and for self-transitions
    weight: Float  # of one transition out of each state: 1 for the likelihood, 1/visits for an action
    likelihood: bool

    @classmethod
    def of(cls, counts: Counts, pairs: Exchanges, v: Float, kernel: str) -> _Score:
        likelihood = kernel == "likelihood"
        chosen = EXPONENTIAL if kernel == "exp" else SOFTPLUS
        visits = np.maximum(counts.visits, 1e-300)
        weight = np.ones(counts.n_states) if likelihood else 1 / visits
        at = v + np.where(counts.visits > 0, np.log(visits), 0.0) if likelihood else v
        d = at[pairs.a] - at[pairs.b]
        curvature = pairs.forward * weight[pairs.a] * chosen.curvature(d)
        curvature = curvature + pairs.backward * weight[pairs.b] * chosen.curvature(-d)
        inside = (pairs.label[counts.source] == pairs.label[counts.target]) & (counts.source != counts.target)
        push = np.where(inside, chosen.push(at[counts.source] - at[counts.target]), 0.0)
        return cls(counts, pairs, curvature, push, weight, likelihood)

    def _gathered(self, source: Int, target: Int, values: Float) -> Float:
        """Return sums over transitions of values (e_source - e_target), shape (n_states, k)."""
        from scipy.sparse import csr_matrix

        m, n = len(source), self.counts.n_states
        rows = np.r_[source, target]
        signed = csr_matrix((np.r_[np.ones(m), -np.ones(m)], (rows, np.tile(np.arange(m), 2))), shape=(n, m))
        return np.asarray(signed @ values)

    def row_noise(self, rng: Rng) -> Float:
        """Return a root of the gradient's covariance where every row of counts is multinomial given its visits."""
        c = self.counts
        # One unseen visit beside those recorded: a state that was always left for the same one is not certain to be.
        share = c.count / (c.visits[c.source] + 1)
        size = self.push * self.weight[c.source] * np.sqrt(c.count)
        exact = c.n_states <= DENSE
        z = np.eye(len(c.count)) if exact and len(c.count) <= DENSE else None
        if z is None and exact:
            return self._dense_row_noise(share, size)
        if z is None:
            z = rng.standard_normal((len(c.count), DIRECTIONS)) / np.sqrt(DIRECTIONS)
        root = np.sqrt(share)
        total = np.zeros((c.n_states, z.shape[1]))
        np.add.at(total, c.source, root[:, None] * z)
        # sqrt(count) z is Poisson noise; taking off share * total keeps the sum of each row. The last cell of a row,
        # visits without a recorded move, has a share and no push; its own noise enters through `total` only.
        rest = np.sqrt(np.maximum(1 - summed(c.source, share, c.n_states), 0.0))
        inner = size[:, None] * (z - root[:, None] * total[c.source])
        # The rest cell's noise: -size * root * rest * its own direction, one direction for each state that has one.
        out = self._gathered(c.source, c.target, inner)
        silent = np.flatnonzero(rest > 1e-9)
        if not silent.size:
            return out
        if not exact or silent.size > DENSE:
            own = rng.standard_normal((c.n_states, DIRECTIONS)) / np.sqrt(DIRECTIONS)
        else:
            own = np.zeros((c.n_states, silent.size))
            own[silent, np.arange(silent.size)] = 1.0
        more = -(size * root)[:, None] * (rest[:, None] * own)[c.source]
        extra = self._gathered(c.source, c.target, more)
        return out + extra if extra.shape == out.shape and not exact else np.column_stack([out, extra])

    def _dense_row_noise(self, share: Float, size: Float) -> Float:
        """Return the root of the covariance through the whole matrix, for many pairs of few states."""
        c, n = self.counts, self.counts.n_states
        meat = np.zeros((n, n))
        for sign, (i, j) in ((1.0, (c.source, c.source)), (1.0, (c.target, c.target))):
            np.add.at(meat, (i, j), sign * size**2)
        np.add.at(meat, (c.source, c.target), -(size**2))
        np.add.at(meat, (c.target, c.source), -(size**2))
        mean = np.zeros((n, n))  # column f: what the visits of state f add to the gradient, over sqrt(visits)
        np.add.at(mean, (c.source, c.source), size * np.sqrt(share))
        np.add.at(mean, (c.target, c.source), -size * np.sqrt(share))
        values, vectors = np.linalg.eigh(meat - mean @ mean.T)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))

    def cluster_noise(self, clusters: int, rng: Rng) -> tuple[Float, Float]:
        """Return roots of the gradient's noise and of that of ln(visits) over clusters, each (n_states, k)."""
        c, events = self.counts, self.counts.events
        assert events is not None  # noqa: S101 - only called where there are
        present, dense = np.unique(events.cluster, return_inverse=True)
        dense, k = dense.reshape(-1), len(present)
        key = events.source * c.n_states + events.target
        pair = np.searchsorted(c.source * c.n_states + c.target, key)
        values = self.push[pair] * self.weight[events.source]
        observed = c.visits_rule == "observed"
        whole = c.n_states * k <= DENSE * 4000
        z = np.eye(k) if whole else rng.standard_normal((k, DIRECTIONS)) / np.sqrt(DIRECTIONS)
        z = (z - z.mean(axis=0)) * np.sqrt(k / max(k - 1, 1))
        from scipy.sparse import csr_matrix

        n, m = c.n_states, len(events)
        per = csr_matrix(
            (np.r_[values, -values], (np.r_[events.source, events.target], np.tile(dense, 2))), shape=(n, k)
        )
        left = csr_matrix((np.ones(m), (events.source, dense)), shape=(n, k))
        visits = np.asarray(left @ z) / np.maximum(c.visits, 1.0)[:, None]
        gradient = np.asarray(per @ z)
        if not observed:
            return gradient, np.zeros_like(visits)
        if self.likelihood:
            return gradient, visits
        # T = n/N: what a cluster adds to N takes a share off every transition out of the state.
        expected = self.push * self.weight[c.source] * c.count
        gradient -= self._gathered(c.source, c.target, expected[:, None] * visits[c.source])
        return gradient, np.zeros_like(visits)
