"""How much of what a loop does goes down a potential, on pairs of states the potential has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Bool, Float, Int, summed
from .counts import Counts, Events
from .model import Rng
from .pair_errors import FEW_CLUSTERS, by_state
from .pairwise import StatePairs
from .resample import folds, student_quantile
from .result import plain

HOLD_OUT = ("states", "pairs", "clusters")
FEWEST_FOLDS = 2
NOTHING = float("nan")

Fitted = Callable[[StatePairs], Float]  # training pairs to beta V of every state, shape (n_states,)


@dataclass(frozen=True)
class Share:
    """A number between what a coin gives and 1, with the ends of its interval; NaN where unknown."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """Return the plain-data form used in JSON."""
        return plain(vars(self))  # type: ignore[no-any-return]


UNKNOWN = Share(NOTHING, NOTHING, NOTHING)


@dataclass(frozen=True)
class Downhill:
    """What goes down a potential: shares of transitions and of pairs, and skill against a coin.

    Attributes
    ----------
    weighted : Share
        Of transitions to another state, those that lower V; equal V counts half. One half in every stationary
        recording in detailed balance, whatever V: n[f,g] = n[g,f] there.
    pairs : Share
        Of pairs of states, those whose likelier direction, by transitions per visit, lowers V; ties count half.
    skill : Share
        1 - loss/ln 2, loss the mean of ln(1 + exp(-beta (V(f) - V(g)))) weighted by transitions per visit T(g|f):
        in detailed balance with beta V, T(g|f)/(T(g|f) + T(f|g)) is 1/(1 + exp(-beta (V(f) - V(g)))). Above 0 is
        better than a coin; 1 is never reached where both directions occur.
    n_pairs : int
        Pairs that were judged.
    """

    weighted: Share
    pairs: Share
    skill: Share
    n_pairs: int


def free_downhill(counts: Counts, potential: ArrayLike, *, beta: float = 1.0, level: float = 0.95) -> Downhill:
    """Judge a potential that has one number per state on the transitions it was made of.

    Parameters
    ----------
    counts : Counts
    potential : array, shape (n_states,)
        V in units of 1/beta nats; states with NaN are skipped. Values compare only inside one strongly connected
        class, so that pairs across classes are skipped too.
    beta : float
    level : float
        Of the intervals.

    Returns
    -------
    Downhill
        Its figures are in sample: an upper limit of what any function of features can reach on the same pairs.

    Notes
    -----
    *When it is wrong*: see `Downhill.weighted`: one half by count is no sign against a potential. A free potential
    follows noise where counts are sparse, and a pair seen in one direction alone always goes down it on a tree.

    Examples
    --------
    >>> counts = Counts.of([0, 1], [1, 0], [40, 40], states=["a", "b"], visits=[100, 400])
    >>> found = free_downhill(counts, [np.log(4), 0.0])
    >>> found.weighted.value, found.pairs.value, round(found.skill.value, 3)
    (0.5, 1.0, 0.278)
    """
    v = np.asarray(potential, dtype=np.float64)
    label, pairs = counts.classes.label, StatePairs.of(counts)
    known = np.isfinite(v[pairs.a]) & np.isfinite(v[pairs.b]) & (label[pairs.a] == label[pairs.b])
    pairs = pairs.take(known)
    every = np.ones((1, len(pairs)))
    judged = Judged.of(beta * (v[pairs.a] - v[pairs.b])[None], every, every)
    return downhill(pairs, judged, events=counts.events, level=level)


# ------------------------------------------------------------------------ cross-validation


@dataclass(frozen=True)
class Judged:
    """What a potential says of every pair, averaged over the folds a pair is held out in; NaN where in none.

    Attributes
    ----------
    down : float array, shape (n_pairs,)
        Share of its forward transitions that go down: 1, 0, or a half where both states are level.
    up : float array, shape (n_pairs,)
        The same of its backward transitions.
    loss_down, loss_up : float arrays, shape (n_pairs,)
        Log-loss of a forward and of a backward transition, in nats.
    """

    down: Float
    up: Float
    loss_down: Float
    loss_up: Float

    @classmethod
    def of(cls, drop: Float, forward: Float, backward: Float) -> Judged:
        """Average over folds.

        Parameters
        ----------
        drop : array, shape (n_folds, n_pairs)
            beta (V(a) - V(b)).
        forward, backward : arrays, shape (n_folds, n_pairs)
            How much of a pair's transitions is held out in each fold; 0 in none.
        """
        total_f, total_b = forward.sum(axis=0), backward.sum(axis=0)

        def mean(values: Float, weights: Float, total: Float) -> Float:
            used = np.where(weights > 0, values, 0.0)
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray(np.sum(weights * used, axis=0) / total)

        step = (np.sign(drop) + 1) / 2
        return cls(
            mean(step, forward, total_f),
            mean(1 - step, backward, total_b),
            mean(np.logaddexp(0.0, -drop), forward, total_f),
            mean(np.logaddexp(0.0, drop), backward, total_b),
        )


@dataclass(frozen=True)
class Folds:
    """Which transitions are held out together.

    Attributes
    ----------
    train : tuple of StatePairs
        One per fold; no pair of it is held out in that fold.
    forward, backward : float arrays, shape (n_folds, n_pairs)
        Transitions held out.
    """

    train: tuple[StatePairs, ...]
    forward: Float
    backward: Float

    @classmethod
    def of(cls, pairs: StatePairs, hold_out: str, n_folds: int, rng: Rng, events: Events | None = None) -> Folds:
        """Hold out states (with all their pairs), pairs, or clusters (with all pairs that occur in them)."""
        if hold_out == "clusters":
            return cls._of_clusters(pairs, n_folds, rng, events)
        units = len(pairs.members) if hold_out == "states" else len(pairs)
        k = min(n_folds, units)
        if k < FEWEST_FOLDS:
            return cls((), np.zeros((0, len(pairs))), np.zeros((0, len(pairs))))
        if hold_out == "states":
            fold = np.full(pairs.n_states, -1, dtype=np.int64)
            fold[pairs.members] = folds(units, k, rng)
            held = [(fold[pairs.a] == f) | (fold[pairs.b] == f) for f in range(k)]
        else:
            fold = folds(units, k, rng)
            held = [fold == f for f in range(k)]
        return cls._checked(pairs, [pairs.take(~h) for h in held], [(h * 1.0, h * 1.0) for h in held])

    @classmethod
    def _of_clusters(cls, pairs: StatePairs, n_folds: int, rng: Rng, events: Events | None) -> Folds:
        clusters = np.zeros(0, np.int64) if events is None else np.unique(events.cluster)
        k = min(n_folds, len(clusters))
        if events is None or k < FEWEST_FOLDS:
            return cls((), np.zeros((0, len(pairs))), np.zeros((0, len(pairs))))
        fold = folds(len(clusters), k, rng)[np.searchsorted(clusters, events.cluster)]
        at, down = pairs.locate(events.source, events.target)
        train, held = [], []
        for f in range(k):
            inside = (fold == f) & (at >= 0)
            up = summed(at[inside & down], np.ones(int((inside & down).sum())), len(pairs))
            back = summed(at[inside & ~down], np.ones(int((inside & ~down).sum())), len(pairs))
            train.append(pairs.take(up + back == 0))
            held.append((up, back))
        return cls._checked(pairs, train, held)

    @classmethod
    def _checked(cls, pairs: StatePairs, train: list[StatePairs], held: list[tuple[Float, Float]]) -> Folds:
        """Leave out folds that leave nothing to train on or hold out nothing."""
        kept = [k for k, part in enumerate(train) if len(part) and (held[k][0].sum() + held[k][1].sum()) > 0]
        nothing = np.zeros((0, len(pairs)))
        up = np.array([held[k][0] for k in kept]) if kept else nothing
        down = np.array([held[k][1] for k in kept]) if kept else nothing
        return cls(tuple(train[k] for k in kept), up, down)

    def __len__(self) -> int:
        return len(self.train)

    def judge(self, pairs: StatePairs, fit: Fitted) -> Judged:
        """Fit on every training set and judge what was held out."""
        drop = np.zeros((len(self), len(pairs)))
        for k, train in enumerate(self.train):
            v = fit(train)
            drop[k] = v[pairs.a] - v[pairs.b]
        return Judged.of(drop, self.forward, self.backward)


# ------------------------------------------------------------------------------ the figures


def downhill(
    pairs: StatePairs, judged: Judged, *, events: Events | None = None, level: float = 0.95, fit_noise: float = 0.0
) -> Downhill:
    """Return shares and skill over pairs, with intervals.

    Parameters
    ----------
    pairs : StatePairs
    judged : Judged
        Of the same pairs.
    events : Events, optional
        Single transitions, whose clusters are a unit of the intervals too.
    level : float
    fit_noise : float
        Standard error of the mean loss that comes from the fit, in nats.

    Returns
    -------
    Downhill

    Notes
    -----
    Intervals: t quantiles on the larger of two errors of a ratio of sums: pairs that share a state go together (one
    state pulls the mean by 2/n: a jackknife's (n/(n - 2))^2), and where there are at least 8 clusters, transitions of
    one cluster; shares by Wilson at the number of trials that such an error amounts to.
    """
    known = np.isfinite(judged.loss_down) | np.isfinite(judged.loss_up)
    up, back = pairs.rates
    zero = np.zeros(len(pairs))
    down, less = np.nan_to_num(judged.down), np.nan_to_num(judged.up)
    with np.errstate(invalid="ignore"):
        # Pooled folds can judge the two directions differently: what the likelier one does is what counts.
        likely = np.where(up > back, down, np.where(up < back, less, 0.5))
    one = known.astype(np.float64)
    spread = _Spread.of(pairs, events, known)
    weighted = spread.share(pairs.forward, pairs.backward, down, less, level)
    by_pair = spread.share(one, zero, likely, zero, level)
    loss, error, df = spread.mean(up, back, np.nan_to_num(judged.loss_down), np.nan_to_num(judged.loss_up))
    unit = float(np.log(2))
    skill, half = 1 - loss / unit, student_quantile(level, df) * float(np.hypot(error, fit_noise)) / unit
    return Downhill(weighted, by_pair, Share(skill, skill - half, skill + half), int(known.sum()))


@dataclass(frozen=True)
class _Spread:
    """Errors of ratios of sums over pairs."""

    pairs: StatePairs
    known: Bool
    cluster: Int | None  # of every event inside a known pair
    at: Int
    down: Bool
    n_clusters: int

    @classmethod
    def of(cls, pairs: StatePairs, events: Events | None, known: Bool) -> _Spread:
        nothing = np.zeros(0, np.int64)
        if events is None or not len(pairs):
            return cls(pairs, known, None, nothing, nothing.astype(np.bool_), 0)
        at, down = pairs.locate(events.source, events.target)
        inside = at >= 0
        inside[inside] = known[at[inside]]
        values, dense = np.unique(events.cluster[inside], return_inverse=True)
        enough = len(values) >= FEW_CLUSTERS
        cluster = dense.reshape(-1).astype(np.int64) if enough else None
        return cls(pairs, known, cluster, at[inside], down[inside], len(values))

    def mean(self, up: Float, back: Float, value_up: Float, value_back: Float) -> tuple[float, float, float]:
        """Return sum(weight value)/sum(weight) over both directions of the known pairs, its error and its df."""
        up, back = np.where(self.known, up, 0.0), np.where(self.known, back, 0.0)
        total = float(up.sum() + back.sum())
        part = self.pairs.take(self.known)
        if not total > 0:
            return NOTHING, NOTHING, 1.0
        mean = float(up @ value_up + back @ value_back) / total
        if len(part) == 1:
            return mean, NOTHING, 1.0
        r_up, r_back = up * (value_up - mean) / total, back * (value_back - mean) / total
        n = len(part.members)
        error = n / max(n - 2, 1) * float(np.sqrt(by_state(part, (r_up + r_back)[self.known][:, None])[0, 0]))
        df = float(n - 1)
        if self.cluster is not None:
            sums, k = self._by_cluster(r_up, r_back), self.n_clusters
            other = float(np.sqrt(k / (k - 1) * np.sum((sums - sums.mean()) ** 2)))
            error, df = (other, k - 1.0) if other > error else (error, df)
        return mean, error, df

    def share(self, up: Float, back: Float, value_up: Float, value_back: Float, level: float) -> Share:
        """Return the mean of values between 0 and 1 with Wilson's interval at the effective number of trials."""
        p, error, df = self.mean(up, back, value_up, value_back)
        if np.isnan(error):
            return Share(p, NOTHING, NOTHING)
        z = student_quantile(level, df)
        n = p * (1 - p) / error**2 if error > 0 and 0 < p < 1 else (df + 1) / 2  # each state in one pair, at worst
        centre, half = (p + z**2 / (2 * n)) / (1 + z**2 / n), z / (1 + z**2 / n)
        half *= float(np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)))
        return Share(p, max(centre - half, 0.0), min(centre + half, 1.0))

    def _by_cluster(self, r_up: Float, r_back: Float) -> Float:
        """Return residuals summed over clusters; a pair's residual is spread over its transitions."""
        assert self.cluster is not None  # noqa: S101 - only called where there is one
        p = self.pairs
        r = r_up + r_back
        n = p.forward + p.backward
        each = r[self.at] / n[self.at]
        directed = np.where(self.down, r_up[self.at] / np.maximum(p.forward[self.at], 1e-300), 0.0)
        directed += np.where(self.down, 0.0, r_back[self.at] / np.maximum(p.backward[self.at], 1e-300))
        values = directed if np.any(r_back) else each
        return summed(self.cluster, values, self.n_clusters)


def correlation(v: Float, free: Float, label: Int, level: float) -> Share:
    """Return the correlation of two potentials over states, class means taken out, with Fisher's interval.

    Parameters
    ----------
    v, free : float arrays, shape (n_states,)
        NaN where unknown.
    label : int array, shape (n_states,)
        Strongly connected class of every state: a free potential has a zero of its own in each.
    level : float
    """
    known = np.flatnonzero(np.isfinite(v) & np.isfinite(free))
    classes, dense = np.unique(label[known], return_inverse=True)
    dense = dense.reshape(-1)
    size = np.bincount(dense, minlength=len(classes)).astype(np.float64)
    x, y = (z[known] - (summed(dense, z[known], len(classes)) / size)[dense] for z in (v, free))
    scale = float(np.sqrt(x @ x) * np.sqrt(y @ y))
    spare = int(size.sum() - len(classes)) - 2
    if not scale > 0 or spare < 1:
        return UNKNOWN
    r = float(np.clip(x @ y / scale, -1, 1))
    z, half = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12)), student_quantile(level, np.inf) / np.sqrt(spare)
    return Share(r, float(np.tanh(z - half)), float(np.tanh(z + half)))
