"""The moves lens's engine said plainly: the same random numbers and runs in NumPy and SciPy, many runs at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from loopstat.moves.engine import CHUNK, COUNTS, END, FIRST, SECOND, SLOTS, STEP
from loopstat.moves.model import Draws, advance, begin
from loopstat.moves.runs import enough_left
from loopstat.moves.settings import MoveSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]


def mixed(x: Keys) -> Keys:
    """Return splitmix64's hash of 64-bit numbers."""
    x = (x ^ (x >> np.uint64(30))) * FIRST
    x = (x ^ (x >> np.uint64(27))) * SECOND
    return x ^ (x >> np.uint64(31))


def stream_keys(seed: int, replicates: int, first: int = 0) -> Keys:
    """Return the keys of replicates `first`, `first` + 1, ... of a seed, shape (replicates,)."""
    start = np.array([seed % 2**64], dtype=np.uint64)
    return mixed(mixed(start + STEP) + np.arange(first + 1, first + replicates + 1, dtype=np.uint64) * STEP)


def _far(counter: int) -> np.uint64:
    return np.uint64(counter * int(STEP) % 2**64)


def uniform(keys: Keys, counter: int) -> Floats:
    """Return one number of every key, at odd multiples of 2^-53: never 0 or 1."""
    return ((mixed(keys + _far(counter)) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def move_draws(keys: Keys, move: int) -> Draws:
    """Return the random numbers of the move after `move` moves."""
    pick, rest, oracle, offset = (uniform(keys, SLOTS * move + k) for k in (1, 2, 3, 4))
    return Draws(np.log(pick), ndtri(rest), oracle, ndtri(offset))


@dataclass
class DefectNumbers:
    """Binomial and Poisson numbers of one move; each call takes the next of the move's streams."""

    keys: Keys
    move: int
    used: int = 0

    def _stream(self) -> Keys:
        self.used += 1
        return mixed((self.keys ^ COUNTS) + _far(SLOTS * self.move + self.used))

    def binomial(self, n: Ints, p: Floats) -> Ints:
        """Return how many of `n` defects have a number below `p`."""
        stream, p = self._stream(), np.broadcast_to(p, n.shape)
        below = [uniform(stream, k + 1) < p for k in range(int(n.max(initial=0)))]
        return np.sum([(n > k) & hit for k, hit in enumerate(below)] or [np.zeros(n.shape)], axis=0).astype(np.int64)

    def poisson(self, mean: Floats) -> Ints:
        """Return Poisson numbers by inversion, in parts where the mean is large."""
        stream, chunks = self._stream(), np.ceil(mean / CHUNK)
        out = np.zeros(mean.shape, dtype=np.int64)
        for c in range(int(chunks.max(initial=0))):
            part = np.where(c < chunks, mean / np.maximum(chunks, 1), 0.0)
            out += _inverted(uniform(stream, c + 1), part)
        return out


def _inverted(u: Floats, mean: Floats) -> Ints:
    """Return the smallest numbers whose Poisson distribution function reaches `u`."""
    out, term = np.zeros(u.shape, dtype=np.int64), np.exp(-mean)
    total, k = term.copy(), 0
    while (going := (u > total) & (out == k) & ((k < mean) | (term > END))).any():
        k += 1
        term = term * mean / k
        total, out = total + np.where(going, term, 0.0), np.where(going, k, out)
    return out


def plain_runs(s: MoveSettings, n: int, most: int, stop: str) -> dict[str, NDArray[np.generic]]:
    """Return what `outcomes` does for one of the settings; every run is followed to its end, then cut at its stop."""
    keys, limit = stream_keys(s.seed, n), enough_left(s)
    work = begin(s, n, DefectNumbers(keys, 0))
    masses = [(work.visible, work.hidden)]
    for move in range(most):
        # The first stream is for defects that planning uncovers, whether or not there is a plan.
        planning = s.policy == "planner" and s.plan_oracle_step > 0
        work, _ = advance(s, work, move_draws(keys, move), DefectNumbers(keys, move + 1, 0 if planning else 1))
        masses.append((work.visible, work.hidden))
    visible, hidden = np.array(masses).transpose(1, 0, 2)
    target, good = _first(visible <= limit), _first(visible + hidden <= limit)
    end = target if stop == "target" else good
    made = np.where(end < 0, most, end)
    at = np.where(target < 0, most, target), np.arange(n)
    return {
        "moves_to_target": target,
        "moves_to_good": np.where(good <= made, good, -1),
        "moves_made": made,
        "mass_at_end": (visible + hidden)[at],
        "hidden": np.where(target < 0, np.nan, hidden[at]),
    }


def _first(met: NDArray[np.bool_]) -> Ints:
    """Return the first move after which something is so, -1 never."""
    return np.where(met.any(axis=0), met.argmax(axis=0), -1)
