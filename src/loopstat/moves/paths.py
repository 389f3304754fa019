"""Many runs of one loop of moves, move by move: what a picture shows of them, and when each of them arrives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Float, Int, frozen
from ..inference.estimate import Estimate
from ..results.record import Record, absent, spread
from .runs import Loop, Outcomes, RunPlan, Stretch, enough_left, p_false_of, p_pass_of
from .settings import MoveSettings

QUANTILES = (0.05, 0.95)
FIGURES = ("mu", "p_pass", "p_good", "p_false", "delta", "acceptance")
SINGLE = 300  # runs that are kept one by one
POINTS = 161  # moves at which they are; more would not be seen
PARTS = 4  # that runs are followed in, whatever the number of workers: sums over them keep their order
AT_ONCE = 2**20  # states of runs kept before they are summarised


@dataclass(frozen=True, eq=False)
class Singles(Record):
    """Some of the runs, one by one: the first of them, at some of the moves.

    Attributes
    ----------
    t : int array, shape (n_times,)
        Moves made.
    p_pass, p_good : float array, shape (n_runs, n_times)
    """

    t: Int
    p_pass: Float
    p_good: Float


@dataclass(frozen=True, eq=False)
class MovesPath(Record):
    """Runs move by move, as if they never stopped; the start first.

    Attributes
    ----------
    t : int array, shape (n_times,)
        Moves made.
    cost : float array, shape (n_times,)
        Of these moves.
    figures : dict of Estimate
        `mu`, `p_pass`, `p_good`, `p_false` (1 - exp(-mu_h)) and `delta` after t moves: mean over runs, with 5 % and
        95 % quantiles as `X_low` and `X_high`. For `integer` P_pass is 1 in runs without a visible defect, and so on:
        the means are the probabilities. `acceptance` is the share of runs in which the t-th move was accepted, with
        quantiles of every run's own share over its last `tr_window` moves; NaN at the start.
    singles : Singles or None
        Not in the JSON.
    """

    t: Int
    cost: Float
    figures: dict[str, Estimate] = field(metadata=spread(FIGURES))
    singles: Singles | None = field(default=None, metadata=absent(lambda: None))


class Walk(NamedTuple):
    """Runs that never stop, and when each of them would have stopped.

    `mass` and `accepted`, of shape (max_moves + 1,), are means over runs after every move: defects left, and the share
    in which the last move was accepted, NaN at the start.
    """

    path: MovesPath
    outcomes: Outcomes
    mass: Float
    accepted: Float


def path(
    settings: MoveSettings,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    max_moves: int | None = None,
) -> MovesPath:
    """Run one setting many times without ever stopping, and return what happens move by move.

    Parameters
    ----------
    settings : MoveSettings
    replicates, seed, max_moves : int, optional
        Default: those of the settings.

    Returns
    -------
    MovesPath

    Raises
    ------
    SettingsError
        An option outside its range.

    Notes
    -----
    The random numbers are those of `outcomes`: its runs are these, cut where they stop.

    *When it is wrong*: after the target no engineer would go on as the runs do.

    Examples
    --------
    >>> way = path(MoveSettings(), replicates=200, max_moves=100)
    >>> way.figures["delta"].value[[0, 10, 100]].round(2).tolist()
    [0.2, 0.26, 1.0]
    """
    return walk(settings, RunPlan.of(settings, replicates, seed, max_moves)).path


@lru_cache(maxsize=16)
def thinned(n: int, most: int = POINTS) -> Int:
    """Return places of a curve of n points that are drawn, both ends among them."""
    return frozen(np.unique(np.linspace(0, n - 1, min(n, most)).round()), np.int64)


def walk(
    settings: MoveSettings,
    plan: RunPlan,
    *,
    times: Int | None = None,
    drawn: Float | None = None,
    workers: int = 1,
    pool: Executor | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Walk:
    """Run one setting many times without ever stopping.

    Parameters
    ----------
    settings : MoveSettings
    plan : RunPlan
        Of these settings alone.
    times : int array, optional
        Numbers of moves, from 0 on in order, that the path holds; default all.
    drawn : float array of shape (n_runs, at least 2 max_moves), optional
        Where normal numbers are kept for other settings; see the engine's `run`.
    workers : int
        Parts that are followed at once; they change no number, for the parts stay the same.
    pool : Executor, optional
        Threads for them; default threads of their own.
    meanwhile : callable
        Called once while they follow the first moves.
    """
    moves, n = int(plan.moves[0]), plan.replicates
    t = np.arange(moves + 1) if times is None else times
    window = max(min(settings.tr_window, moves), 1)
    loop = Loop.of(settings, moves, enough_left(settings))
    parts = [
        _Part.of(Stretch(loop, plan.seeds[0], some, None if drawn is None else drawn[some]), moves, window)
        for some in _split(n, PARTS)
    ]
    table, kept = np.empty((len(t), len(FIGURES), 3)), _Kept(t, n)
    before, size = -1, max(AT_ONCE // n, 1)
    with nullcontext(pool) if pool else ThreadPoolExecutor(workers) as threads:
        for low in range(0, len(t), size):
            some = t[low : low + size].copy()  # read-only ones would be compiled for anew
            followed = threads.map(partial(_Part.go, first=before, times=some), parts)
            if low == 0:
                meanwhile()
            seen = np.concatenate(list(followed), axis=2)
            table[low : low + size] = _table(settings, some, seen, kept, window)
            before = int(some[-1])
    sums = np.sum([part.sums for part in parts], axis=0)
    accepted = np.r_[np.nan, sums[1, 1:] / n]
    table[:, FIGURES.index("acceptance"), 0] = accepted[t]
    figures = {name: Estimate(*table[:, k].T) for k, name in enumerate(FIGURES)}
    way = MovesPath(t, np.asarray(t * settings.move_cost, dtype=np.float64), figures, kept.singles())
    return Walk(way, _outcomes(settings, plan, [part.runs for part in parts]), sums[0] / n, accepted)


class _Part(NamedTuple):
    """Runs that one thread follows, their last moves, and sums over them."""

    runs: Stretch
    recent: Any
    sums: Float

    @classmethod
    def of(cls, runs: Stretch, moves: int, window: int) -> _Part:
        n, runs.whole[:2] = runs.state.shape[1], -1
        return cls(runs, np.zeros((n, window), dtype=np.int8), np.zeros((2, moves + 1)))

    def go(self, first: int, times: Int) -> Float:
        """Go on until the last of some numbers of moves; return what is seen after each of them."""
        seen = np.empty((4, len(times), self.runs.state.shape[1]))
        self.runs.trace(first, int(times[-1]), self.recent, times, seen, self.sums)
        return seen


def _split(n: int, parts: int) -> list[slice]:
    ends = np.linspace(0, n, min(parts, n) + 1).astype(int).tolist()
    return [slice(low, high) for low, high in pairwise(ends)]


def _outcomes(settings: MoveSettings, plan: RunPlan, runs: Sequence[Stretch]) -> Outcomes:
    """Return how the runs would have ended, had they gone on until nothing is wrong."""
    to_target, to_good = np.concatenate([part.whole[:2] for part in runs], axis=1)
    visible, hidden = np.concatenate([part.left for part in runs], axis=1)
    mass, risk = visible + hidden, np.where(to_target >= 0, p_false_of(settings, hidden), np.nan)
    made = np.where(to_good >= 0, to_good, plan.moves[0])
    parts: tuple[Any, ...] = (to_target, to_good, risk, p_pass_of(settings, mass), mass, made)
    return Outcomes(plan.settings, plan.moves, "good", *(part[None] for part in parts))


class _Kept:
    """The single runs that a picture shows."""

    def __init__(self, t: Int, n: int) -> None:
        self.n, self.wanted = min(n, SINGLE), t[thinned(len(t))]
        self.t: list[Int] = []
        self.seen: list[tuple[Float, Float]] = []

    def add(self, t: Int, passing: Float, good: Float) -> None:
        """Keep what is wanted of the runs after `t` moves; float arrays of shape (n_times, n_runs)."""
        here = np.isin(t, self.wanted)
        self.t.append(t[here])
        self.seen.append((passing[here, : self.n], good[here, : self.n]))

    def singles(self) -> Singles:
        """Return the runs kept."""
        passing, good = (np.concatenate(parts).T for parts in zip(*self.seen, strict=True))
        return Singles(np.concatenate(self.t), passing, good)


def _table(settings: MoveSettings, t: Int, seen: Float, kept: _Kept, window: int) -> Float:
    """Return mean and quantiles over runs of what is seen of them, shape (n_times, n_figures, 3).

    Quantiles are taken of masses, and turned into probabilities afterwards: these fall as masses rise.
    """
    s, (visible, hidden, radius, accepted) = settings, seen
    mass = visible + hidden
    passing, good, risk = p_pass_of(s, visible), p_pass_of(s, mass), p_false_of(s, hidden)
    kept.add(t, passing, good)
    made = np.maximum(np.minimum(t, window), 1)[:, None]
    all_ = _Ends.of(mass)
    same = s.policy != "trust-region"  # a radius that follows no acceptance is that of every run
    with_means = (
        (mass, all_.values()),
        (passing, _Ends.of(visible).values(lambda x: p_pass_of(s, x), falls=True)),
        (good, all_.values(lambda x: p_pass_of(s, x), falls=True)),
        (risk, _Ends.of(hidden).values(lambda x: p_false_of(s, x))),
        (radius, [radius[:, 0]] * len(QUANTILES) if same else _Ends.of(radius).values()),
        (np.full((len(t), 1), np.nan), _Ends.of(accepted).values(lambda x: x / made)),
    )
    table = np.stack([np.column_stack([x.mean(axis=-1), *ends]) for x, ends in with_means], axis=1)
    table[t == 0, FIGURES.index("acceptance")] = np.nan
    return np.asarray(table)


class _Ends(NamedTuple):
    """Values of runs in order, shape (n_times, n_runs)."""

    ordered: Float

    @classmethod
    def of(cls, values: Float) -> _Ends:
        return cls(np.sort(values, axis=-1))

    def values(self, turned: Callable[[Float], Float] = lambda x: x, *, falls: bool = False) -> list[Float]:
        """Return the `QUANTILES` of a monotone function of the values, as `numpy.quantile` does."""
        n, found = self.ordered.shape[-1], []
        for share in QUANTILES:
            at = share * (n - 1)
            k = min(math.floor(at), n - 1)
            pair = np.array([k, min(k + 1, n - 1)])
            low, high = turned(self.ordered[:, n - 1 - pair if falls else pair]).T
            found.append(_between(low, high, at - k))
        return found


def _between(low: Float, high: Float, part: float) -> Float:
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)
