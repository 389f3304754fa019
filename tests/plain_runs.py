"""The moves lens's engine said plainly: the same random numbers and runs in NumPy and SciPy, many runs at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from loopstat.errors import SettingsError
from loopstat.moves.engine import CHUNK, COUNTS, END, FIRST, SECOND, SLOTS, STEP
from loopstat.moves.model import MoveLaw, next_radius, planned
from loopstat.moves.order_statistics import maximum_of
from loopstat.moves.process import Work
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


# --------------------------------------------------------------------------- one move, many runs


def picked(law: MoveLaw, log_uniform: Floats, normal: Floats) -> tuple[Floats, Floats]:
    """Return improvement and score of the pick, from ln U of one uniform and one normal draw, whatever K is."""
    if not law.team.reviewed:
        pick = np.asarray(law.mean + law.spread * normal)
        return pick, pick
    z = maximum_of(log_uniform, law.team.k_eff) + law.shift
    return np.asarray(law.mean + law.pull * z + law.rest * normal), np.asarray(law.mean + law.total_spread * z)


class Draws(NamedTuple):
    """Random numbers of one move, each of shape (n_sessions,); equal ones make two loops comparable.

    ln U of the best candidate, a normal for what its score leaves unknown, a uniform for the oracle, and a normal for
    the reviewers' offset.
    """

    log_uniform: Floats
    normal: Floats
    oracle: Floats
    offset: Floats

    @classmethod
    def of(cls, rng: np.random.Generator, n: int) -> Draws:
        """Draw them afresh."""
        return cls(-rng.standard_exponential(n), rng.standard_normal(n), rng.random(n), rng.standard_normal(n))


def begin(settings: MoveSettings, n_sessions: int, rng: Any = None) -> Work:
    """Return where loops stand before their first move; numbers of defects are drawn by `rng`."""
    s = settings
    visible = s.oracle_resolution * s.difficulty * np.ones(n_sessions)
    hidden = s.difficulty - visible
    if s.process == "integer":
        rng = _needed(rng)
        visible, hidden = rng.poisson(visible).astype(float), rng.poisson(hidden).astype(float)
    return Work(visible, hidden, np.full(n_sessions, s.edit_radius), *np.zeros((2, n_sessions)))


def advance(settings: MoveSettings, work: Work, draws: Draws, rng: Any = None) -> tuple[Work, NDArray[np.bool_]]:
    """Make one move in many loops at once.

    Parameters
    ----------
    settings : MoveSettings
    work : Work
        Arrays of shape (n_sessions,).
    draws : Draws
    rng : Generator or CountDraws, optional
        For the process `integer`, whose numbers of defects need more draws.

    Returns
    -------
    Work, and which moves were accepted, shape (n_sessions,)

    Raises
    ------
    SettingsError
        Process `integer` without `rng`.
    """
    s = settings
    H, r = planned(s, work.move)
    work = _seen_better(s, work, r, rng)
    mu = work.visible + work.hidden
    law = MoveLaw.of(s, mu, work.radius, human_prior=H, oracle_resolution=r)
    gain, score = picked(law, draws.log_uniform, draws.normal)
    harm = np.maximum(-gain, 0.0)
    silent = draws.oracle < np.exp(-r * harm)
    approved = score + np.sqrt(law.offset_variance) * draws.offset > 0 if law.team.reviewed else True
    accepted = np.asarray(approved & silent)
    if s.process == "integer":
        visible, hidden = _counts_after(work, gain, mu, r, accepted, rng)
    else:
        visible, hidden = _masses_after(s, work, gain, mu, r, accepted)
    move, window = work.move + 1, work.window + accepted
    radius = next_radius(s, work.radius, move, window, law.team.k_eff)
    return Work(visible, hidden, radius, move, np.where(move % s.tr_window == 0, 0.0, window)), accepted


def _seen_better(settings: MoveSettings, work: Work, r: Floats, rng: Any) -> Work:
    """Move the share (r' - r)/(1 - r) of what was hidden to what is visible, where planning has raised r to r'."""
    if settings.policy != "planner" or settings.plan_oracle_step == 0:
        return work
    before = planned(settings, np.maximum(work.move - 1, 0))[1]
    share = np.divide(r - before, 1 - before, out=np.zeros(np.shape(r)), where=before < 1)
    found = share * work.hidden
    if settings.process == "integer":
        found = _needed(rng).binomial(work.hidden.astype(np.int64), np.clip(share, 0, 1)).astype(float)
    return work._replace(visible=work.visible + found, hidden=work.hidden - found)


def _needed(rng: Any) -> Any:
    if rng is None:
        raise SettingsError("the process `integer` draws numbers of defects: it needs `rng`.")
    return rng


def _counts_after(
    work: Work, gain: Floats, mu: Floats, r: Floats, accepted: NDArray[np.bool_], rng: Any
) -> tuple[Floats, Floats]:
    """Return numbers of defects: each is fixed with probability min(Delta/n, 1); only unseen ones are added."""
    rng = _needed(rng)
    fixed = np.clip(np.divide(gain, mu, out=np.zeros(np.shape(mu)), where=mu > 0), 0, 1) * accepted
    left = [rng.binomial(part.astype(np.int64), 1 - fixed).astype(float) for part in (work.visible, work.hidden)]
    added = rng.poisson((1 - r) * np.maximum(-gain, 0.0) * accepted)
    return left[0], left[1] + added


def _masses_after(
    settings: MoveSettings, work: Work, gain: Floats, mu: Floats, r: Floats, accepted: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    left = 1 - np.divide(np.maximum(gain, 0.0), mu, out=np.ones(np.shape(mu)), where=mu > 0)
    left = np.where(accepted, np.maximum(left, 0.0), 1.0)
    harm = np.where(accepted, np.maximum(-gain, 0.0), 0.0)
    if settings.process == "single":
        after = mu * left + harm
        return np.asarray(r * after), np.asarray((1 - r) * after)
    return np.asarray(work.visible * left), np.asarray(work.hidden * left + (1 - r) * harm)


# ------------------------------------------------------------------------------------- whole runs


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
