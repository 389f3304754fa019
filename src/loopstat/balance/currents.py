"""What a driven chain does: its stationary currents, the cycles that carry them, and the entropy they produce."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Bool, Float, Int, summed
from ..inference.estimate import Estimate
from ..inference.intervals import student
from ..inference.lengths import seen_length_limits
from ..inference.resample import bootstrap_weights
from ..panel.model import Rng
from ..panel.tally import CommunicatingClass, Counts
from ..results.record import Record, written
from .chain.stationary import stationary
from .potentials.least_action import Exchanges
from .potentials.potential import FEW
from .tests.reversal import BalanceTest

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DRAWS = 300  # bootstrap draws of the chain, for the errors of currents and entropy
MOST_STATES = 150  # up to which the chain is resampled
MOST_CURRENTS, MOST_CYCLES = 20, 10
WEAK = 1e-6  # pseudo-transitions that keep a resampled chain in one piece
STUCK = 1e-7  # a state left less often than this in a draw: I - P is then mostly rounding
TINY = 1e-300


@dataclass(frozen=True, eq=False)
class EntropyProduction(Record):
    """Irreversibility in nats per step, less its plug-in bias; NaN where unknown.

    Attributes
    ----------
    value, low, high : float
    one_way_pairs : int
        Pairs of the main class seen in one direction only: each would make the value infinite and is left out.
    lower_bound : bool
        True where there are any.
    """

    KEYS = ("value", "low", "high", "one_way_pairs", "lower_bound")

    value: float
    low: float
    high: float
    one_way_pairs: int

    @property
    def lower_bound(self) -> bool:
        """True where pairs seen one way were left out."""
        return self.one_way_pairs > 0


@dataclass(frozen=True, eq=False)
class Current(Record):
    """Net probability that flows from one state to another in a step."""

    source: str = field(metadata=written("from"))
    target: str = field(metadata=written("to"))
    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Cycle(Record):
    """A cycle that carries current.

    Attributes
    ----------
    states : tuple of str
        In the order of the current.
    current : float
        The part of the currents that runs round this cycle.
    affinity, low, high : float
        Sum of ln T(g|f)/T(f|g) along it with its interval; infinite (NaN here) where a step was never seen reversed.
    n : float
        Transitions of its rarest step, in the rarer direction.
    """

    states: tuple[str, ...]
    current: float
    affinity: float
    low: float
    high: float
    n: float


@dataclass(frozen=True, eq=False)
class MainChain:
    """The chain inside the class with most transitions, given that it stays there.

    Rows are transitions over visits; what is missing to 1 (rejected answers, self-transitions a table leaves out)
    stays where it is, so that the stationary law of a reversible chain is exp(-beta V).

    Attributes
    ----------
    counts : Counts
        Of the members only.
    members : int array
        Codes in the whole recording.
    """

    counts: Counts
    members: Int
    left_out: Float  # transitions that leave the class, by member

    @classmethod
    def of(cls, counts: Counts) -> MainChain | None:
        """Take the main class of a recording; None where no class has two states."""
        first = counts.classes.main
        return None if first is None else cls.of_class(counts, first)

    @classmethod
    def of_class(cls, counts: Counts, members: CommunicatingClass) -> MainChain:
        """Take one class of two or more states."""
        inside = np.zeros(counts.n_states, dtype=np.bool_)
        inside[members.states] = True
        leaving = inside[counts.source] & ~inside[counts.target]
        left_out = summed(counts.source[leaving], counts.count[leaving], counts.n_states)
        return cls(counts.part(members.states), members.states, left_out[members.states])

    @cached_property
    def visits(self) -> Float:
        """Visits from which the class was not left."""
        return np.maximum(self.counts.visits - self.left_out, self.counts.rows)

    def matrix(self, count: Float, visits: Float) -> csr_matrix:
        """Return the transition matrix of counts on the seen pairs."""
        from scipy.sparse import csr_matrix

        c = self.counts
        n = c.n_states
        staying = np.maximum(visits - summed(c.source, count, n), 0.0)
        rows, columns = np.r_[c.source, np.arange(n)], np.r_[c.target, np.arange(n)]
        values = np.r_[count, staying] / visits[np.r_[c.source, np.arange(n)]]
        return csr_matrix((values, (rows, columns)), shape=(n, n))

    @property
    def completed(self) -> Counts:
        """The counts with what is missing to the visits added as transitions of a state to itself."""
        c = self.counts
        staying = np.maximum(self.visits - c.rows, 0.0)
        if not staying.any():
            return c
        own = np.arange(c.n_states)
        full = np.r_[c.source, own], np.r_[c.target, own], np.r_[c.count, staying]
        return replace(Counts.of(*full, states=c.states), events=c.events)

    @cached_property
    def P(self) -> csr_matrix:
        """Maximum-likelihood transition matrix, shape (n_members, n_members)."""
        return self.matrix(self.counts.count, self.visits)

    @cached_property
    def pi(self) -> Float:
        """Its stationary law."""
        return stationary(self.P)

    @cached_property
    def pairs(self) -> Exchanges:
        """Exchanged pairs of the members."""
        return Exchanges.of(self.counts)

    @cached_property
    def _place(self) -> tuple[Int, Int]:
        """Where the two directions of every pair stand among the counts; -1 where one was not seen."""
        c, p = self.counts, self.pairs
        key = c.source * c.n_states + c.target

        def find(i: Int, j: Int) -> Int:
            wanted = i * c.n_states + j
            at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
            return np.where(key[at] == wanted, at, -1)

        return find(p.a, p.b), find(p.b, p.a)

    def flows(self, count: Float, visits: Float, pi: Float) -> tuple[Float, Float]:
        """Return pi_a P_ab and pi_b P_ba of every pair; leading axes are draws."""
        p, (up, down) = self.pairs, self._place
        padded = np.concatenate([count, np.zeros((*count.shape[:-1], 1))], axis=-1)
        rate = pi / visits
        return padded[..., up] * rate[..., p.a], padded[..., down] * rate[..., p.b]

    # ------------------------------------------------------------------ resampling

    def draws(self, n_draws: int, rng: Rng) -> tuple[Float, Float]:
        """Return resampled counts (n_draws, n_pairs) and visits (n_draws, n_members): clusters, else rows."""
        events = self.counts.events
        clusters = 0 if events is None else len(np.unique(events.cluster))
        made = self._by_cluster(n_draws, rng) if clusters >= FEW else self._by_row(n_draws, rng)
        count, visits = made
        weak = WEAK * self.counts.count / self.visits[self.counts.source]
        return count + weak, np.maximum(visits, 0) + WEAK

    def _by_row(self, n_draws: int, rng: Rng) -> tuple[Float, Float]:
        c, visits = self.counts, self.visits
        out = np.empty((n_draws, len(c.count)))
        first = np.searchsorted(c.source, np.arange(c.n_states + 1))
        for i in range(c.n_states):
            cells = slice(first[i], first[i + 1])
            share = c.count[cells] / visits[i]
            rest = max(1 - share.sum(), 0.0)
            law = np.r_[share, rest] / (share.sum() + rest)
            out[:, cells] = rng.multinomial(round(float(visits[i])), law, size=n_draws)[:, :-1]
        return out, np.broadcast_to(visits, (n_draws, c.n_states))

    def _by_cluster(self, n_draws: int, rng: Rng) -> tuple[Float, Float]:
        from scipy.sparse import csr_matrix

        c, events = self.counts, self.counts.events
        assert events is not None  # noqa: S101 - chosen by the caller
        present, dense = np.unique(events.cluster, return_inverse=True)
        pair = np.searchsorted(c.source * c.n_states + c.target, events.source * c.n_states + events.target)
        per = csr_matrix((np.ones(len(events)), (dense.reshape(-1), pair)), shape=(len(present), len(c.count)))
        weights = bootstrap_weights(len(present), n_draws, rng).astype(np.float64)
        count = np.asarray((per.T @ weights.T).T)
        gone = np.zeros((n_draws, c.n_states))
        np.add.at(gone.T, c.source, count.T)
        return count, gone + (self.visits - c.rows)

    def resampled(self, n_draws: int, rng: Rng) -> tuple[Float, Float, Float]:
        """Return (flow forward, flow backward, pi) of resampled chains, draws first."""
        count, visits = self.draws(n_draws, rng)
        c, n = self.counts, self.counts.n_states
        P = np.zeros((n_draws, n, n))
        P[:, c.source, c.target] = count / visits[:, c.source]
        own = np.arange(n)
        P[:, own, own] += np.maximum(1 - P.sum(axis=2), 0.0)
        P /= P.sum(axis=2, keepdims=True)
        leaves = (P * (1 - np.eye(n))).sum(axis=2).min(initial=1.0)
        pi = _laws(P) if leaves < STUCK else _laws_by_system(P)
        forward, backward = self.flows(count, visits, pi)
        return forward, backward, pi


def _laws_by_system(P: Float) -> Float:
    """Return the stationary laws of chains of one class, shape (n_chains, n_states)."""
    n = P.shape[1]
    # pi (I - P + 1 1') = 1': regular for one class, periodic or not.
    return np.asarray(np.linalg.solve(np.swapaxes(np.eye(n) - P, 1, 2) + 1.0, np.ones((len(P), n, 1)))[..., 0])


def _laws(P: Float) -> Float:
    """Return the same by state reduction, without a subtraction: for states that are hardly ever left."""
    A, n = P.copy(), P.shape[1]
    for k in range(n - 1, 0, -1):
        A[:, :k, k] /= np.maximum(A[:, k, :k].sum(axis=1), TINY)[:, None]
        A[:, :k, :k] += A[:, :k, k, None] * A[:, k, None, :k]
    pi = np.zeros((len(P), n))
    pi[:, 0] = 1.0
    for k in range(1, n):
        pi[:, k] = np.einsum("ki,ki->k", pi[:, :k], A[:, :k, k])
        pi /= pi.sum(axis=1, keepdims=True)  # weights of states hardly ever left may grow beyond bounds
    return pi


# ---------------------------------------------------------------------------- what is read off


@dataclass(frozen=True)
class Circulation:
    """Stationary law, currents, cycles and entropy production of the main class."""

    entropy: EntropyProduction
    currents: tuple[Current, ...]
    cycles: tuple[Cycle, ...]


def circulation(chain: MainChain, test: BalanceTest, *, level: float, rng: Rng) -> Circulation:
    """Measure the currents of a chain's main class, with errors from resampling it.

    Parameters
    ----------
    chain : MainChain
    test : BalanceTest
        Of the whole recording: its null mean is the bias of the entropy production, and where it does not reject at
        1 - level the interval begins at 0.
    level : float
    rng : Generator

    Returns
    -------
    Circulation

    Notes
    -----
    J = pi_a P_ab with pi the stationary law *of P*, not the share of rows: a transient start does not look driven.
    *When it is wrong*: pairs seen one way are left out of the entropy, which is then a lower bound; lumped states hide
    currents.
    """
    p = chain.pairs
    up, down = chain.flows(chain.counts.count, chain.visits, chain.pi)
    resampled = None
    if chain.counts.n_states <= MOST_STATES and len(p):
        resampled = chain.resampled(DRAWS, rng)
    net = up - down
    error = np.full(len(p), np.nan) if resampled is None else (resampled[0] - resampled[1]).std(axis=0, ddof=1)
    e = student(net, error, level=level, df=_df(chain))
    currents = net_currents(chain, e)
    entropy = _entropy(p, up, down, resampled, test, float(chain.visits.sum()), level)
    return Circulation(entropy, currents, cycles_in(chain, net, level))


def net_currents(chain: MainChain, net: Estimate) -> tuple[Current, ...]:
    """Return the largest net currents of a chain, each the way it flows.

    Parameters
    ----------
    chain : MainChain
    net : Estimate
        Flow a -> b less flow b -> a of every pair, with its ends.
    """
    p, names = chain.pairs, chain.counts.states
    return tuple(
        Current(names[p.a[k]], names[p.b[k]], float(net.value[k]), float(net.low[k]), float(net.high[k]))
        if net.value[k] >= 0
        else Current(names[p.b[k]], names[p.a[k]], float(-net.value[k]), float(-net.high[k]), float(-net.low[k]))
        for k in np.argsort(-np.abs(net.value), kind="stable")[:MOST_CURRENTS]
    )


def cycles_of(counts: Counts, *, level: float) -> tuple[Cycle, ...]:
    """Return the cycles that carry most current in the largest classes, at most ten.

    Parameters
    ----------
    counts : Counts
    level : float
        Of the intervals of their affinities.
    """
    found: list[Cycle] = []
    for members in counts.classes.several[:MOST_CYCLES]:
        if len(members) > 2:
            chain = MainChain.of_class(counts, members)
            up, down = chain.flows(chain.counts.count, chain.visits, chain.pi)
            found += cycles_in(chain, up - down, level)
    return tuple(found[:MOST_CYCLES])


def _df(chain: MainChain) -> float:
    events = chain.counts.events
    clusters = 0 if events is None else len(np.unique(events.cluster))
    return clusters - 1 if clusters >= FEW else np.inf


def produced(up: Float, down: Float, both: Bool) -> Float:
    """Return the entropy production of flows over pairs, summed over those seen both ways; leading axes are draws."""
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (up - down) * np.log(up / down)
    return np.asarray(np.sum(np.where(both & np.isfinite(part), part, 0.0), axis=-1))


def _entropy(
    p: Exchanges, up: Float, down: Float, resampled: Any, test: BalanceTest, total: float, level: float
) -> EntropyProduction:
    both = p.both_ways
    one_way = int(np.sum(~both))
    plug_in = float(produced(up, down, both))
    if test.df == 0:  # no cycle: every such chain is in detailed balance
        return EntropyProduction(0.0, 0.0, 0.0, one_way)
    # Pairs seen one way are in the test, not in the entropy: the bias is that of the cycles without them.
    k = test.null_mean * p.of_pairs(both).n_cycles / test.df
    bias = 2 * k / max(total, 1.0)
    value = max(plug_in - bias, 0.0)
    if not plug_in > 0 or k == 0:
        return EntropyProduction(value, 0.0, np.nan, one_way)
    spread = np.nan if resampled is None else float(produced(resampled[0], resampled[1], both).std(ddof=1))
    low, high = seen_length_limits(plug_in, bias, spread, k, level)
    if np.isfinite(test.p_value) and test.p_value >= 1 - level:
        low = 0.0
    return EntropyProduction(value, min(low, value), max(high, value), one_way)


# ------------------------------------------------------------------------------------ cycles


def cycles_in(chain: MainChain, net: Float, level: float) -> tuple[Cycle, ...]:
    """Take the currents apart into cycles, the strongest first: currents of a stationary law have no source."""
    p = chain.pairs
    left = np.abs(net)
    source, target = np.where(net >= 0, p.a, p.b), np.where(net >= 0, p.b, p.a)
    out: dict[int, list[int]] = {}
    for k in np.argsort(-left, kind="stable").tolist():
        out.setdefault(int(source[k]), []).append(k)
    least = 1e-9 * float(left.sum()) if len(left) else 0.0
    found: list[Cycle] = []
    while len(found) < MOST_CYCLES:
        steps = _round(left, source, target, out, least)
        if steps is None:
            break
        strength = float(left[steps].min())
        left[steps] -= strength
        if len(steps) > 2:
            found.append(_cycle(chain, steps, net, strength, level))
    return tuple(sorted(found, key=lambda c: -c.current))


def _round(left: Float, source: Int, target: Int, out: dict[int, list[int]], least: float) -> list[int] | None:
    """Follow the strongest current that is left from state to state until one repeats."""
    if len(left) == 0 or left.max() <= least:
        return None
    k = int(np.argmax(left))
    path, place = [k], {int(source[k]): 0}
    while int(target[k]) not in place:
        at = int(target[k])
        following = [e for e in out.get(at, []) if left[e] > least]
        if not following:  # rounding: what is left has no way on
            left[k] = 0.0
            return _round(left, source, target, out, least)
        k = max(following, key=lambda e: float(left[e]))
        place[at] = len(path)
        path.append(k)
    return path[place[int(target[k])] :]


def _cycle(chain: MainChain, steps: list[int], net: Float, strength: float, level: float) -> Cycle:
    p, names = chain.pairs, chain.counts.states
    from_ = np.where(net[steps] >= 0, p.a[steps], p.b[steps])
    top = int(np.argmax(chain.pi[from_]))  # told from its likeliest state on
    steps = [*steps[top:], *steps[:top]]
    forward = net[steps] >= 0
    with_ = np.where(forward, p.forward[steps], p.backward[steps])
    against = np.where(forward, p.backward[steps], p.forward[steps])
    states = tuple(names[p.a[k] if up else p.b[k]] for k, up in zip(steps, forward, strict=True))
    rarest = float(np.minimum(with_, against).min())
    if rarest == 0:
        return Cycle(states, strength, np.nan, np.nan, np.nan, 0.0)
    affinity = float(np.sum(np.log(with_ / against)))
    e = student(affinity, np.sqrt(np.sum(1 / with_ + 1 / against)), level=level)
    return Cycle(states, strength, affinity, float(e.low), float(e.high), rarest)
