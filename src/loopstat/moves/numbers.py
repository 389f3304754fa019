"""Random numbers that are functions of seed, replicate and move: the same whatever else is simulated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Float
from .model import Draws

Keys = NDArray[np.uint64]

STEP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: what splitmix64 adds from one number to the next
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # its two multipliers
COUNTS = np.uint64(0xD1B54A32D192ED03)  # sets the numbers of single defects apart from those of the move
SLOTS = 4  # numbers of one kind for one move
CHUNK = 500.0  # mean of a Poisson number found by inversion: exp(-mean) must not vanish
END = 1e-17  # of a law, behind which adding on changes nothing


def mixed(x: Keys) -> Keys:
    """Return a hash of 64-bit numbers that changes about half of the bits when one changes (splitmix64's)."""
    x = x ^ (x >> np.uint64(30))
    x *= FIRST
    x ^= x >> np.uint64(27)
    x *= SECOND
    x ^= x >> np.uint64(31)
    return x


def stream_keys(seed: int, replicates: int, first: int = 0) -> Keys:
    """Return the keys of replicates `first`, `first` + 1, ... of a seed, shape (replicates,)."""
    start = np.array([seed % 2**64], dtype=np.uint64)
    number = np.arange(first + 1, first + replicates + 1, dtype=np.uint64)
    return mixed(mixed(start + STEP) + number * STEP)


def _far(counter: int) -> np.uint64:
    """Return what `counter` steps add, modulo 2^64."""
    return np.uint64(counter * int(STEP) % 2**64)


def uniform(keys: Keys, counter: int) -> Float:
    """Return one number of every key, at odd multiples of 2^-53: never 0 or 1."""
    bits = mixed(keys + _far(counter))
    return np.asarray(((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)


def move_draws(keys: Keys, move: int, *, offset: bool) -> Draws:
    """Return the random numbers of the move after `move` moves; those of the reviewers' offset where wanted."""
    from scipy.special import ndtri

    at = SLOTS * move + 1
    last = np.asarray(ndtri(uniform(keys, at + 3))) if offset else np.zeros(len(keys))
    return Draws(np.log(uniform(keys, at)), np.asarray(ndtri(uniform(keys, at + 1))), uniform(keys, at + 2), last)


@dataclass
class DefectNumbers:
    """Binomial and Poisson numbers of one move, from as many uniform numbers as it takes.

    A binomial number counts the defects whose own number is below the probability; a Poisson number is found by
    inversion. Each call takes the next of the move's `SLOTS` streams.

    Attributes
    ----------
    keys : uint64 array of shape (n_sessions,)
    move : int
        0 at the start, one more than the moves made later.
    used : int
        Streams taken.
    """

    keys: Keys
    move: int
    used: int = 0

    def _stream(self) -> Keys:
        stream = mixed((self.keys ^ COUNTS) + _far(SLOTS * self.move + self.used + 1))
        self.used += 1
        return stream

    def binomial(self, n: NDArray[np.int64], p: Float) -> NDArray[np.int64]:
        """Return how many of `n` defects have a number below `p`, both of shape (n_sessions,)."""
        stream, p = self._stream(), np.broadcast_to(p, n.shape)
        out = n * (p >= 1)
        some = np.flatnonzero((n > 0) & (p > 0) & (p < 1))
        for k in range(int(n[some].max(initial=0))):
            some = some[n[some] > k]
            out[some] += uniform(stream[some], k + 1) < p[some]
        return np.asarray(out)

    def poisson(self, mean: Float) -> NDArray[np.int64]:
        """Return Poisson numbers of the given means, shape (n_sessions,)."""
        stream, mean = self._stream(), np.asarray(mean, dtype=np.float64)
        out = np.zeros(mean.shape, dtype=np.int64)
        chunks = np.ceil(mean / CHUNK).astype(np.int64)
        for c in range(int(chunks.max(initial=0))):
            some = np.flatnonzero(chunks > c)
            out[some] += _inverted(uniform(stream[some], c + 1), mean[some] / chunks[some])
        return out


def _inverted(u: Float, mean: Float) -> NDArray[np.int64]:
    """Return the smallest numbers whose Poisson distribution function reaches `u`."""
    out = np.zeros(u.shape, dtype=np.int64)
    term = np.exp(-mean)
    total, some, k = term.copy(), np.flatnonzero(u > term), 0
    while len(some):
        k += 1
        term[some] *= mean[some] / k
        total[some] += term[some]
        out[some] = k
        some = some[(u[some] > total[some]) & ((k < mean[some]) | (term[some] > END))]
    return out
