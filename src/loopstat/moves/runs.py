"""Many runs of loops of moves, over many settings at once: when they arrive, at what cost, with what left unseen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Bool, Float, Int
from ..errors import SettingsError
from .loops import machine, moves_of, rules_of
from .model import Work, advance, begin
from .numbers import DefectNumbers, Keys, move_draws, stream_keys
from .run_plan import Many, RunPlan, enough_left, whole_number
from .settings import MoveSettings

ENGINES, STOPS = ("auto", "numpy", "numba"), ("good", "target")
LARGE = 4_000_000  # moves of all runs together from which the compiled loop repays its start of about a second
CROWD = 0.75  # of the runs of a block still going: below that the others are dropped
QUANTILES = (0.05, 0.95)


@dataclass(frozen=True)
class Outcomes:
    """How runs ended; arrays of shape (n_settings, replicates) unless said otherwise.

    Attributes
    ----------
    settings : tuple of MoveSettings
    max_moves : int array of shape (n_settings,)
        Moves after which a run was given up, by `max_moves` or by the budget.
    stop : str
        `good`: runs went on until nothing is wrong; `target`: they stopped at the target.
    moves_to_target : int array
        First move after which P_pass is at least the target, 0 at the start, -1 never; for `integer`, no defect that
        the oracle sees is left.
    moves_to_good : int array
        The same of P_good; for `integer`, no defect is left. With `stop="target"` known only where it came no later.
    false_pass : float array
        Probability that a hidden defect is left at the stop at the target, 1 - exp(-mu_h); 0 or 1 for `integer`; NaN
        where it never stopped there.
    good_at_end, mass_at_end : float array
        P_good, and defects left, at the stop at the target, or after the last move where there was none.
    moves_made : int array
        Until `stop`.
    """

    settings: tuple[MoveSettings, ...]
    max_moves: Int
    stop: str
    moves_to_target: Int
    moves_to_good: Int
    false_pass: Float
    good_at_end: Float
    mass_at_end: Float
    moves_made: Int

    @property
    def move_cost(self) -> Float:
        """Cost of one move of each setting, shape (n_settings, 1)."""
        return np.array([[s.move_cost] for s in self.settings])

    @property
    def cost(self) -> Float:
        """Cost of all moves made."""
        return np.asarray(self.moves_made * self.move_cost)

    @property
    def cost_to_target(self) -> Float:
        """Cost of the moves to the target, NaN where it was never reached."""
        return _cost(self.moves_to_target, self.move_cost)

    @property
    def cost_to_good(self) -> Float:
        """Cost of the moves after which P_good is at least the target, NaN where it never was."""
        return _cost(self.moves_to_good, self.move_cost)


def _cost(moves: Int, price: Float) -> Float:
    return np.asarray(np.where(moves >= 0, moves * price, np.nan))


def outcomes(
    settings: Many,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    max_moves: int | Sequence[int] | None = None,
    budget: float | None = None,
    stop: str = "good",
    engine: str = "auto",
    workers: int = 1,
) -> Outcomes:
    """Run every setting many times and return how the runs ended.

    Replicate j meets the same random numbers under every setting, so that comparisons are between settings only.

    Parameters
    ----------
    settings : MoveSettings, or a sequence of them
    replicates, seed : int, optional
        Default: those of the settings; the replicates of all must then be equal.
    max_moves : int, or one for each of the settings, optional
        Default: those of the settings.
    budget : float, optional
        In units of cost: moves that would exceed it are not made.
    stop : str
        `good`: a run goes on until P_good is at least the target; `target`: until P_pass is.
    engine : str
        `numpy`; `numba`, compiled; `auto`, by the amount of work. They agree to rounding.
    workers : int
        Threads. They change no number.

    Returns
    -------
    Outcomes

    Raises
    ------
    SettingsError
        No settings, settings of different replicates, or an option outside its range.

    Notes
    -----
    *When it is wrong*: where the process is, see `MovesProcess`. `never` at some number of moves is no statement about
    more moves.

    Examples
    --------
    >>> many = outcomes([MoveSettings(), MoveSettings(tr_max_radius=2)], replicates=200)
    >>> np.median(many.moves_to_target, axis=1).tolist(), (many.moves_to_good < 0).mean(axis=1).tolist()
    ([100.0, 89.0], [0.855, 0.005])
    """
    plan = RunPlan.of(settings, replicates, seed, max_moves, budget)
    run = _engine(plan, _one_of(engine, ENGINES, "engine"))
    to_good = _one_of(stop, STOPS, "stop") == "good"
    parts = [np.full((len(plan.settings), plan.replicates), fill) for fill in (-1, -1, np.nan, np.nan, np.nan, 0)]
    jobs = list(plan.jobs())
    _shared(lambda job: run(plan, job, to_good, parts), jobs, workers)
    return Outcomes(plan.settings, plan.moves, stop, *parts)


def _one_of(value: str, known: tuple[str, ...], name: str) -> str:
    if value not in known:
        raise SettingsError(f"`{name}` must be one of {', '.join(known)}. Got {value!r}.")
    return value


def _shared(task: Callable[[Any], None], jobs: Sequence[Any], workers: int) -> None:
    """Do jobs that write to places of their own, in threads."""
    if whole_number(workers, "workers", 1) == 1:
        for job in jobs:
            task(job)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(task, jobs))


# ------------------------------------------------------------------------------------------- engines

Runner = Callable[[RunPlan, tuple[int, slice], bool, list[Any]], None]


def _engine(plan: RunPlan, name: str) -> Runner:
    # By the work alone: if anything else decided, the same question could have two answers, a rounding apart.
    chosen = ("numba" if plan.work >= LARGE else "numpy") if name == "auto" else name
    return _by_numba if chosen == "numba" else _by_numpy


def _by_numba(plan: RunPlan, job: tuple[int, slice], to_good: bool, parts: list[Any]) -> None:
    """Run one block of runs of one of the settings, compiled."""
    s, most, keys = plan.settings[job[0]], int(plan.moves[job[0]]), plan.keys(job)
    whole, left = np.empty((3, len(keys)), dtype=np.int64), np.empty((2, len(keys)))
    machine()(rules_of(s, enough_left(s)), moves_of(s, most), most, keys, to_good, whole, left)
    to_target, to_good_, false_pass, good_end, mass_end, made = (part[job[0], job[1]] for part in parts)
    to_target[:], to_good_[:], made[:] = whole
    visible, hidden = left
    mass_end[:], good_end[:] = visible + hidden, _p_pass(s, visible + hidden)
    false_pass[:] = np.where(to_target >= 0, _p_false(s, hidden), np.nan)


def _by_numpy(plan: RunPlan, job: tuple[int, slice], to_good: bool, parts: list[Any]) -> None:
    """Run one block of runs of one of the settings; those that have stopped are dropped once they are many."""
    s, most, keys = plan.settings[job[0]], int(plan.moves[job[0]]), plan.keys(job)
    out = _Record(s, enough_left(s), to_good, *(part[job[0], job[1]] for part in parts))
    work, place = begin(s, len(keys), DefectNumbers(keys, 0)), np.arange(len(keys))
    going, arrived = np.ones(len(keys), dtype=bool), np.zeros(len(keys), dtype=bool)
    for move in range(most + 1):
        stopped = out.note(move, work, place, going, arrived)
        going &= ~stopped
        if move == most or not going.any():
            out.moves_made[place[going]] = move
            out.end(work, place, going & ~arrived)
            return
        if np.count_nonzero(going) < CROWD * len(going):
            work, place, keys, arrived = Work(*(x[going] for x in work)), place[going], keys[going], arrived[going]
            going = np.ones(len(keys), dtype=bool)
        work, _ = one_move(s, work, keys, move)


def one_move(settings: MoveSettings, work: Work, keys: Keys, move: int) -> tuple[Work, Bool]:
    """Make one move in every run, with the random numbers of the runs' keys; return which were accepted too."""
    draws = move_draws(keys, move, offset=settings.leniency > 0)
    # The first stream is for defects that planning uncovers, whether or not there is a plan.
    planning = settings.policy == "planner" and settings.plan_oracle_step > 0
    return advance(settings, work, draws, DefectNumbers(keys, move + 1, 0 if planning else 1))


@dataclass
class _Record:
    """Where the outcomes of a block of runs are written."""

    settings: MoveSettings
    limit: float
    to_good: bool
    moves_to_target: Int
    moves_to_good: Int
    false_pass: Float
    good_at_end: Float
    mass_at_end: Float
    moves_made: Int

    def note(self, move: int, work: Work, place: Int, going: Bool, arrived: Bool) -> Bool:
        """Write down who arrives after a move, and return who stops; `arrived` is brought up to date."""
        met = going & (work.visible <= self.limit)
        good = met & (work.visible + work.hidden <= self.limit)
        new = met & ~arrived
        arrived |= new
        self.moves_to_target[place[new]] = move
        self.false_pass[place[new]] = _p_false(self.settings, work.hidden[new])
        self.end(work, place, new)
        self.moves_to_good[place[good]] = move
        stopped = good if self.to_good else met
        self.moves_made[place[stopped]] = move
        return stopped

    def end(self, work: Work, place: Int, who: Bool) -> None:
        """Write down what is left."""
        mass = work.visible[who] + work.hidden[who]
        self.mass_at_end[place[who]] = mass
        self.good_at_end[place[who]] = _p_pass(self.settings, mass)


def _p_pass(settings: MoveSettings, visible: Float) -> Float:
    """Return exp(-mass) of the visible defects, or of all of them; for numbers of defects, whether there is none."""
    return np.asarray(visible == 0, dtype=np.float64) if settings.process == "integer" else np.exp(-visible)


def _p_false(settings: MoveSettings, hidden: Float) -> Float:
    return np.asarray(1 - _p_pass(settings, hidden) if settings.process == "integer" else -np.expm1(-hidden))


# --------------------------------------------------------------------------------------------- paths


@dataclass(frozen=True)
class Fan:
    """A quantity by move over the runs, float arrays of shape (max_moves + 1,): mean and two quantiles."""

    mean: Float
    q05: Float
    q95: Float


@dataclass(frozen=True)
class PathBundle:
    """What happens move by move in runs that go on as if never stopped.

    Attributes
    ----------
    settings : MoveSettings
    replicates : int
    mass, p_pass, p_good, p_false, radius : Fan
        After each move; `radius` is that of the next move, `p_false` is 1 - exp(-mu_h). For `integer` P_pass is 1 in
        runs without a visible defect, and so on: their means are the probabilities.
    acceptance : Fan
        `mean` is the share of runs in which the move was accepted; the quantiles are those of every run's own share
        over its last `tr_window` moves. NaN at the start.
    """

    settings: MoveSettings
    replicates: int
    mass: Fan
    p_pass: Fan
    p_good: Fan
    p_false: Fan
    radius: Fan
    acceptance: Fan

    @property
    def moves(self) -> Int:
        """0, 1, ..., max_moves."""
        return np.arange(len(self.mass.mean))


def path(
    settings: MoveSettings,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    max_moves: int | None = None,
) -> PathBundle:
    """Run one setting many times without ever stopping, and return what happens move by move.

    Parameters
    ----------
    settings : MoveSettings
    replicates, seed, max_moves : int, optional
        Default: those of the settings.

    Returns
    -------
    PathBundle

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
    >>> way.radius.mean[[0, 10, 100]].round(2).tolist()
    [0.2, 0.26, 1.0]
    """
    plan = RunPlan.of(settings, replicates, seed, max_moves)
    moves, keys = int(plan.moves[0]), stream_keys(plan.seeds[0], plan.replicates)
    table = np.empty((moves + 1, len(SEEN), 3))
    work, recent = begin(settings, len(keys), DefectNumbers(keys, 0)), _Recent(settings.tr_window, moves, len(keys))
    for move in range(moves + 1):
        table[move, :-1] = _spread(_seen(settings, work))
        table[move, -1] = recent.spread(move)
        if move < moves:
            work, accepted = one_move(settings, work, keys, move)
            recent.add(move, accepted)
    fans = {name: Fan(*(table[:, k, j].copy() for j in range(3))) for k, name in enumerate(SEEN)}
    return PathBundle(settings, plan.replicates, **fans)


SEEN = ("mass", "p_pass", "p_good", "p_false", "radius", "acceptance")


def _seen(settings: MoveSettings, work: Work) -> Float:
    """Return what a path shows of every run, shape (5, n_runs)."""
    mass = work.visible + work.hidden
    good, false = _p_pass(settings, mass), _p_false(settings, work.hidden)
    return np.stack([mass, _p_pass(settings, work.visible), good, false, work.radius])


def _spread(values: Float) -> Float:
    """Return mean and quantiles over the last axis, shape (..., 3)."""
    return np.stack([values.mean(axis=-1), *np.quantile(values, QUANTILES, axis=-1)], axis=-1)


class _Recent:
    """Which of the last moves of every run were accepted."""

    def __init__(self, window: int, moves: int, n: int) -> None:
        self.accepted: Float = np.zeros((max(min(window, moves), 1), n))
        self.last: Float = np.zeros(n)

    def add(self, move: int, accepted: Bool) -> None:
        self.last = accepted.astype(np.float64)
        self.accepted[move % len(self.accepted)] = self.last

    def spread(self, moves: int) -> Float:
        """Return the share of runs whose last move was accepted, and quantiles of the runs' own shares."""
        if moves == 0:
            return np.full(3, np.nan)
        own = self.accepted.sum(axis=0) / min(moves, len(self.accepted))
        return np.concatenate([[self.last.mean()], np.quantile(own, QUANTILES)])
