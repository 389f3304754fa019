"""Exact tests of detailed balance: samplers of the counts given everything a reversible chain leaves free.

Given how often each pair of states was exchanged and how often each state was left, a reversible chain makes every
orientation of the exchanges as likely as its multiplicity: nothing is left to estimate. The samplers walk among those
recordings by reversing directed cycles; p-values are exact however short the walk (Besag & Clifford 1989).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int, summed
from ...inference.tests import draws_p
from ...panel.model import Rng
from ...panel.tally import Counts, Events
from ..potentials.least_action import Exchanges
from .shuffles import compiled, n_ln_n, sum_n_ln_n

DRAWS = 999
MOVES = 6_000_000  # in so many draws together: one to three seconds; more draws take longer, not shorter walks
TRIES = 40_000_000  # the same for trajectories, where most tries meet two different states and cost next to nothing
LEAST, PER_TRANSITION = 500, 3  # moves before a draw: so many, or so many for each transition where that is more
SHORTEST = 3  # steps of a stretch whose reversal changes anything
RETURNS = 30  # such stretches a recording must hold before a test inside its sessions is worth its name


@dataclass(frozen=True)
class Draws:
    """Where the observed statistic stands among its draws.

    Attributes
    ----------
    n_draws : int
    greater, equal : int
        Draws above the observed statistic, and those that equal it.
    mean_shift : float
        Mean of the draws less the observed statistic.
    """

    n_draws: int
    greater: int
    equal: int
    mean_shift: float

    @property
    def p_value(self) -> float:
        """(1 + draws at least as large) / (1 + draws)."""
        return float(draws_p(self.greater + self.equal, self.n_draws))

    def randomised(self, rng: Rng) -> float:
        """Return a p-value that is exactly uniform under the null, by breaking ties at random."""
        return float((self.greater + rng.random() * (1 + self.equal)) / (1 + self.n_draws))


def exact_draws(counts: Counts, *, n_draws: int, rng: Rng, thin: int | None = None) -> Draws | None:
    """Draw recordings of a reversible chain in which every source state is drawn from independently.

    The law of the counts given all n[f,g] + n[g,f] and all row sums is proportional to prod 1/n[f,g]!. A move walks
    from a random state along the counts until a state repeats and reverses that cycle.

    Parameters
    ----------
    counts : Counts
        Whole numbers.
    n_draws : int
    rng : Generator
    thin : int, optional
        Moves between the recording and a draw; the default grows with the transitions up to a budget.

    Returns
    -------
    Draws or None
        Of the statistic sum n ln n over ordered pairs; None where no cycle of three or more states was seen.

    References
    ----------
    Besag & Mondal (2013), Biometrics 69, 488; Besag & Clifford (1989), Biometrika 76, 633.
    """
    pairs = Exchanges.of(counts)
    if pairs.n_cycles == 0:
        return None
    moved = float(pairs.forward.sum() + pairs.backward.sum())
    edges = _Edges.of_pairs(pairs)
    moves = thin or _moves(moved, MOVES / min(n_draws, DRAWS))
    table = n_ln_n((pairs.forward + pairs.backward).max())
    seen = compiled(_cycle_walk)(
        edges.start,
        edges.end,
        edges.back,
        edges.count.astype(np.int64),
        edges.out,
        edges.where,
        moves,
        n_draws,
        table,
        rng,
    )
    return _placed(seen)


def exact_draws_within(counts: Counts, *, n_draws: int, rng: Rng, thin: int | None = None) -> Draws | None:
    """Draw trajectories of reversible chains, one for each session, that may all differ.

    Uniform over the sequences with the same start, exchanges and self-transitions *in every session*. A move draws two
    times of a session and, if they hold one state, reverses the stretch between them.

    Parameters
    ----------
    counts : Counts
        With `events`.
    n_draws, rng, thin
        As for `exact_draws`.

    Returns
    -------
    Draws or None
        Of sum n ln n over the ordered pairs of all sessions together; None where too few stretches could be reversed.
    """
    events = counts.events
    if events is None or not events.trajectories or returns(counts) < RETURNS:
        return None
    path = Paths.of(events)
    inside = np.flatnonzero(path.last > np.arange(len(path.state)))
    tries = thin or _moves(20.0 * len(path.state), TRIES / min(n_draws, DRAWS))
    window = int(min(max(4 * counts.n_states, 16), 2000))

    def walked(state: Int) -> Int:
        state = state.copy()
        compiled(_turn_stretches)(state, path.last, window, tries, rng)
        return state

    hub = walked(path.state)
    states = itertools.chain([path.state], (walked(hub) for _ in range(n_draws)))
    return _placed(np.array([sum_n_ln_n(state[inside], state[inside + 1]) for state in states]))


def returns(counts: Counts) -> int:
    """Return how many times a session comes back to a state after three or more steps, next visits only."""
    events = counts.events
    if events is None or len(events) == 0:
        return 0
    path = Paths.of(events)
    run = np.searchsorted(path.first_of_run, np.arange(len(path.state)), side="right")
    order = np.lexsort((np.arange(len(path.state)), path.state, run))
    same = (np.diff(run[order]) == 0) & (np.diff(path.state[order]) == 0)
    return int(np.sum(same & (np.diff(order) >= SHORTEST)))


def _placed(seen: Float) -> Draws:
    """Count draws above and at the first entry, which is the recording's own statistic."""
    observed, draws = seen[0], seen[1:]
    slack = 1e-9 * max(abs(float(observed)), 1.0)
    greater, equal = np.sum(draws > observed + slack), np.sum(np.abs(draws - observed) <= slack)
    return Draws(len(draws), int(greater), int(equal), float(draws.mean() - observed))


def _moves(wanted: float, most: float) -> int:
    return int(max(min(max(PER_TRANSITION * wanted, LEAST), most), 1))


# ---------------------------------------------------------------------------- recordings as arrays


@dataclass(frozen=True)
class _Edges:
    """Directed edges: both directions of every exchange, sorted by the state they leave."""

    start: Int  # first edge of each state, shape (n_states + 1,)
    end: Int  # state entered
    back: Int  # the opposite edge; a self-transition is its own
    count: Float
    out: Int  # transitions that leave a state inside its class
    where: Int  # states that have edges

    @classmethod
    def of_pairs(cls, pairs: Exchanges) -> _Edges:
        n = pairs.n_states
        source, target = np.r_[pairs.a, pairs.b], np.r_[pairs.b, pairs.a]
        count, m = np.r_[pairs.forward, pairs.backward], len(pairs)
        order = np.argsort(source, kind="stable")
        place = np.empty(2 * m, dtype=np.int64)
        place[order] = np.arange(2 * m)
        back = place[np.r_[np.arange(m, 2 * m), np.arange(m)]][order]
        out = summed(source, count, n).astype(np.int64)
        start = np.searchsorted(source[order], np.arange(n + 1)).astype(np.int64)
        return cls(start, target[order], back, count[order], out, np.flatnonzero(out).astype(np.int64))


@dataclass(frozen=True)
class Paths:
    """The states of all trajectories one after another; `first` and `last` are the ends of each position's own."""

    state: Int
    first: Int
    last: Int
    first_of_run: Int

    @classmethod
    def of(cls, events: Events) -> Paths:
        begins = np.flatnonzero(~events.follows)
        lengths = np.diff(np.r_[begins, len(events)]) + 1  # one state more than transitions
        offset = np.r_[0, np.cumsum(lengths)[:-1]].astype(np.int64)
        state = np.empty(int(lengths.sum()), dtype=np.int64)
        at = np.arange(len(events)) + np.repeat(np.arange(len(begins)), lengths - 1)
        state[at] = events.source
        ends = offset + lengths - 1
        state[ends] = events.target[np.r_[begins[1:] - 1, len(events) - 1].astype(np.int64)]
        return cls(state, np.repeat(offset, lengths), np.repeat(ends, lengths), offset)


# -------------------------------------------------------------------------------- the walks, compiled


def _cycle_walk(
    start: Int,
    end: Int,
    back: Int,
    count: Int,
    out: Int,
    where: Int,
    moves: int,
    n_draws: int,
    table: Float,
    rng: Rng,
) -> Float:
    """Return the statistic of the counts and of `n_draws` walks of `moves` moves from one common hub."""
    seen = np.zeros(n_draws + 1)
    hub = count.copy()
    mark = np.zeros(len(out), dtype=np.int64)
    via = np.zeros(len(out), dtype=np.int64)
    stamp = 0
    for e in range(len(count)):
        seen[0] += table[count[e]]
    for draw in range(n_draws + 1):
        for e in range(len(count)):  # a slice assigned would take four times as long to compile
            count[e] = hub[e]
        for _ in range(moves):
            stamp += 1
            k = where[int(rng.random() * len(where))]
            while mark[k] != stamp:
                mark[k] = stamp
                left = rng.random() * out[k]
                e = start[k]
                left -= count[e]
                while left >= 0.0 and e + 1 < start[k + 1]:
                    e += 1
                    left -= count[e]
                via[k] = e
                k = end[e]
            if end[via[end[via[k]]]] == k:
                continue  # there and back again: the reversal is the same
            first = k
            while True:
                e = via[k]
                count[e] -= 1
                count[back[e]] += 1
                k = end[e]
                if k == first:
                    break
        for e in range(len(count)):
            if draw == 0:
                hub[e] = count[e]
            else:
                seen[draw] += table[count[e]]
    return seen


def _turn_stretches(state: Int, last: Int, window: int, tries: int, rng: Rng) -> None:
    """Reverse the stretch between two random times that hold one state, in place, `tries` times over."""
    n = len(state)
    for _ in range(tries):
        a = int(rng.random() * n)
        b = a + SHORTEST + int(rng.random() * window)
        if b > last[a] or state[a] != state[b]:
            continue
        i, j = a + 1, b - 1
        while i < j:
            state[i], state[j] = state[j], state[i]
            i += 1
            j -= 1
