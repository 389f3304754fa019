"""Random rearrangements of recorded transitions that leave the counts of a Markov chain as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ...arrays import Float, Int
from ...panel.model import Rng
from ...panel.tally import Events

FEW_CELLS = 4096  # of groups and keys that are counted all at once


@dataclass(frozen=True)
class Trails:
    """Trajectories as sequences of ordered pairs of states, to be put in another order.

    Attributes
    ----------
    event : int array, shape (n_transitions,)
        Row of the events behind each transition, in time order, trajectories one after another.
    pair : int array, shape (n_transitions,)
        Code of the ordered pair of states of each transition.
    source, target : int arrays, shape (n_pairs,)
        States of each pair.
    run : int array, shape (n_runs + 1,)
        First transition of each trajectory (or session of draws), and the end of the last.
    n_states : int
    """

    event: Int
    pair: Int
    source: Int
    target: Int
    run: Int
    n_states: int

    @classmethod
    def of(cls, events: Events, *, least: int = 1, sessions: bool = False) -> Trails:
        """Take the trajectories of at least so many transitions.

        Draws that follow nothing are trajectories of one; with `sessions` those of a session are kept in their order
        as one run, which may be recombined but not reordered.
        """
        follows = np.r_[False, np.diff(events.session) == 0][: len(events)] if sessions else events.follows
        number = np.cumsum(~follows) - 1
        kept = np.bincount(number, minlength=1)[number] >= least if len(number) else np.zeros(0, np.bool_)
        event = np.flatnonzero(kept).astype(np.int64)
        source, target = events.source[event], events.target[event]
        n = int(max(source.max(initial=-1), target.max(initial=-1))) + 1
        pairs, pair = np.unique(source * n + target, return_inverse=True)
        run = np.r_[np.flatnonzero(~follows[event]), len(event)]
        return cls(event, pair.astype(np.int64), pairs // max(n, 1), pairs % max(n, 1), run.astype(np.int64), n)

    @property
    def n_triples(self) -> int:
        """Number of pairs of transitions that follow each other."""
        return len(self.pair) - (len(self.run) - 1)

    def reordered(self, pair: Int, rng: Rng) -> Int:
        """Return the transitions with every trajectory in a random order, all orders equally likely.

        They keep their start and their transition counts, which makes all orders of a Markov chain equally likely. The
        draw is direct: the last exit from every state but the final one is the edge of a random tree towards the final
        state, all other exits are in random order, and the walk follows them. Small exchanges of stretches have the
        same law, only later.

        Parameters
        ----------
        pair : int array, shape (n_transitions,)
            In the order to start from; the result does not depend on it.
        rng : Generator

        Returns
        -------
        int array, shape (n_transitions,)

        References
        ----------
        Kandel, Matias, Unger and Winkler (1996), Discrete Appl. Math. 71, 171 (the shuffle); Wilson (1996), STOC, 296
        (the tree); Whittle (1955), J. R. Stat. Soc. B 17, 235 (the law).
        """
        out = pair.copy()
        compiled(_reorder)(out, self.run, self.source, self.target, self.n_states, rng)
        return out

    def recombined(self, pair: Int, rng: Rng) -> Int:
        """Return the transitions with the tails of trajectories exchanged wherever they hold one state.

        At every number of steps before the end, the trajectories in one state are joined to their tails at random.
        Starts, lengths and the transitions made at that distance from the end, all trajectories together, stay; given
        them, all combinations are equally likely if every trajectory has the same probabilities. Nothing asks that a
        transition starts where the one before it ended: for draws with parents it is enough that the next parent
        depends on the parent and the child alone.

        Parameters
        ----------
        pair : int array, shape (n_transitions,)
        rng : Generator

        Returns
        -------
        int array, shape (n_transitions,)
        """
        out = np.empty_like(pair)
        longest_first = np.argsort(-np.diff(self.run), kind="stable").astype(np.int64)
        compiled(_recombine)(pair, out, self.run, longest_first, self.source, self.n_states, rng)
        return out


def sum_n_ln_n(group: Int, key: Int) -> float:
    """Return the sum of n ln n over all groups and keys, n how often a key occurs in a group; both are small codes."""
    sizes, table = (int(group.max(initial=-1)) + 1, int(key.max(initial=-1)) + 1), n_ln_n(len(key))
    if sizes[0] * sizes[1] <= FEW_CELLS:
        return float(table[np.bincount(group * sizes[1] + key)].sum())
    return float(compiled(_sum_in_groups)(group, key, *sizes, table))


def n_ln_n(largest: int) -> Float:
    """Return n ln n for n = 0 .. largest at least."""
    return _logs_below(1 << max(int(largest), 1023).bit_length())


@cache
def _logs_below(end: int) -> Float:
    n = np.arange(end, dtype=np.float64)
    return np.asarray(n * np.log(np.maximum(n, 1.0)))


@cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a loop on its first use; numba keeps the machine code on disk beside the source."""
    from numba import njit

    return njit(cache=True, nogil=True)(function)


# ------------------------------------------------------------------ loops for numba


def _reorder(pair: Int, run: Int, source: Int, target: Int, n_states: int, rng: Rng) -> None:
    """Put every trajectory into a random order, in place."""
    first, last = np.zeros(n_states, np.int64), np.zeros(n_states, np.int64)
    count, joined, seen = np.zeros(n_states, np.int64), np.zeros(n_states, np.bool_), np.empty(n_states, np.int64)
    exits = np.empty(len(pair), np.int64)
    for r in range(len(run) - 1):
        low, high = run[r], run[r + 1]
        if high - low < 2:
            continue
        n_seen = 0
        for t in range(low, high):
            s = source[pair[t]]
            if count[s] == 0:
                seen[n_seen] = s
                n_seen += 1
            count[s] += 1
        place = 0
        for k in range(n_seen):
            first[seen[k]] = last[seen[k]] = place
            place += count[seen[k]]
        for t in range(low, high):
            s = source[pair[t]]
            exits[last[s]] = pair[t]
            last[s] += 1
        end = target[pair[high - 1]]
        joined[end] = True
        for k in range(n_seen):
            v = seen[k]
            while not joined[v]:  # loops of this walk are overwritten: what stays is a path into the tree
                last[v] = first[v] + int(rng.random() * count[v])
                v = target[exits[last[v]]]
            v = seen[k]
            while not joined[v]:
                joined[v] = True
                v = target[exits[last[v]]]
        for k in range(n_seen):
            v = seen[k]
            stop = first[v] + count[v] - 1
            if v != end:
                exits[last[v]], exits[stop] = exits[stop], exits[last[v]]
                stop -= 1
            for b in range(stop, first[v], -1):
                a = first[v] + int(rng.random() * (b - first[v] + 1))
                exits[a], exits[b] = exits[b], exits[a]
            joined[v] = False
            count[v] = 0
        joined[end] = False
        v = source[pair[low]]
        for t in range(low, high):
            pair[t] = exits[first[v]]
            first[v] += 1
            v = target[pair[t]]


def _recombine(pair: Int, out: Int, run: Int, longest_first: Int, source: Int, n_states: int, rng: Rng) -> None:
    """Write into `out` every trajectory's start, joined to random tails."""
    n_runs = len(longest_first)
    tail, first, filled = np.empty(n_runs, np.int64), np.zeros(n_states, np.int64), np.zeros(n_states, np.int64)
    bucket, here = np.empty(n_runs, np.int64), np.empty(n_runs, np.int64)
    # The next transition of every trajectory starts in the state its tail holds at this distance from the end, so
    # those with one source are shuffled among the trajectories that have come there.
    alive, left = 0, run[longest_first[0] + 1] - run[longest_first[0]] if n_runs else 0
    while left > 0:
        while alive < n_runs and run[longest_first[alive] + 1] - run[longest_first[alive]] >= left:
            tail[alive] = longest_first[alive]
            alive += 1
        n_here = 0
        for k in range(alive):
            s = source[pair[run[tail[k] + 1] - left]]
            if filled[s] == 0:
                here[n_here] = s
                n_here += 1
            filled[s] += 1
        place = 0
        for h in range(n_here):
            first[here[h]] = place
            place += filled[here[h]]
            filled[here[h]] = 0
        for k in range(alive):
            s = source[pair[run[tail[k] + 1] - left]]
            # Inside-out shuffle: the newcomer takes a random place, whoever stood there moves to the end.
            a = first[s] + int(rng.random() * (filled[s] + 1))
            bucket[first[s] + filled[s]] = bucket[a]
            bucket[a] = tail[k]
            filled[s] += 1
        for h in range(n_here):
            filled[here[h]] = 0
        for k in range(alive):
            s = source[pair[run[tail[k] + 1] - left]]
            tail[k] = bucket[first[s] + filled[s]]
            filled[s] += 1
            out[run[longest_first[k] + 1] - left] = pair[run[tail[k] + 1] - left]
        for h in range(n_here):
            filled[here[h]] = 0
        left -= 1


def _sum_in_groups(group: Int, key: Int, n_groups: int, n_keys: int, table: Float) -> float:
    # Brought together by group first: the counts of one group then stay in the processor's cache.
    first = np.zeros(n_groups + 1, np.int64)
    for g in group:
        first[g + 1] += 1
    for g in range(n_groups):
        first[g + 1] += first[g]
    place, together = first[:-1].copy(), np.empty_like(key)
    for t in range(len(key)):
        together[place[group[t]]] = key[t]
        place[group[t]] += 1
    count, total = np.zeros(n_keys, np.int64), 0.0
    for g in range(n_groups):
        for k in together[first[g] : first[g + 1]]:
            count[k] += 1
            total += table[count[k]] - table[count[k] - 1]
        for k in together[first[g] : first[g + 1]]:
            count[k] = 0
    return total
