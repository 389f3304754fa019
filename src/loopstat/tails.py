"""Sessions that exchange their futures: the law of trajectories given that all of them follow one chain."""

from __future__ import annotations

import numpy as np

from .arrays import Float, Int
from .counts import Events
from .exact import Paths, compiled
from .model import Rng

TRIES = 30_000_000  # in all draws together: one to two seconds
PER_STATE = 10  # tries for each recorded state before a draw, if the budget allows
LEAST = 200


def exchanged_futures(events: Events, *, n_states: int, n_draws: int, rng: Rng) -> Float | None:
    """Draw sessions of one Markov chain given their starts, lengths and pooled transition counts.

    At two places that hold the same state, with equally many steps to come, two sessions of one chain may exchange
    all that follows: the probability of the whole recording stays what it was. Chains that differ do not survive it.

    Parameters
    ----------
    events : Events
        With trajectories.
    n_states, n_draws : int
    rng : Generator

    Returns
    -------
    float array, shape (n_draws + 1,), or None
        Of sum n ln n over (cluster, state, next state) less that over (cluster, state): the recording's first. None
        where no two sessions ever could exchange anything.

    References
    ----------
    Besag & Clifford (1989), Biometrika 76, 633 (draws from a common hub are exact, however short the walks).
    """
    path = Paths.of(events)
    left = path.last - np.arange(len(path.state))
    order = np.argsort(left, kind="stable").astype(np.int64)
    first = np.searchsorted(left[order], np.arange(int(left.max(initial=0)) + 2)).astype(np.int64)
    begins = np.flatnonzero(path.last > np.arange(len(path.state)))
    block = np.zeros(len(path.state), dtype=np.int64)
    block[begins] = events.cluster  # positions that are left, in the order of the events
    tries = int(max(min(PER_STATE * len(path.state), TRIES / n_draws), LEAST))
    state = path.state.copy()
    walk = compiled(_exchange)

    def statistic() -> float:
        source = block[begins] * n_states + state[begins]
        pair = source * n_states + state[begins + 1]
        return _sum_n_ln_n(pair) - _sum_n_ln_n(source)

    seen = [statistic()]
    if walk(state, left, order, first, tries, rng) == 0:
        return None
    hub = state.copy()
    for _ in range(n_draws):
        state[:] = hub
        walk(state, left, order, first, tries, rng)
        seen.append(statistic())
    return np.array(seen)


def _sum_n_ln_n(codes: Int) -> float:
    n = np.unique(codes, return_counts=True)[1]
    return float(n @ np.log(n))


def _exchange(state: Int, left: Int, order: Int, first: Int, tries: int, rng: Rng) -> int:
    """Try to exchange what follows two random places with equally many steps to come; return how often it was done."""
    done = 0
    n = len(state)
    for _ in range(tries):
        a = int(rng.random() * n)
        k = left[a]
        size = first[k + 1] - first[k]
        b = order[first[k] + int(rng.random() * size)]
        if a == b or state[a] != state[b]:
            continue
        for j in range(1, k + 1):
            state[a + j], state[b + j] = state[b + j], state[a + j]
        done += k > 0
    return done
