"""Many runs of loops of moves, over many settings at once: when they arrive, at what cost, with what left unseen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Float, Int
from ..errors import SettingsError
from ..lenses import Progress
from .model import MoveLaw, Team, planned, winner_band
from .order_statistics import maximum_of
from .settings import POLICIES, PROCESSES, MoveSettings

STOPS = ("good", "target")
NEVER = -1.0  # a mass below which there is none
BLOCK = 2048  # runs of one job of a thread, at most
KEPT = 2**16  # moves of a job of many settings, whose normal numbers a processor should hold: 1 MB
MOST_COUNTED = 10_000  # defects that can be followed one by one

Many = MoveSettings | Sequence[MoveSettings]


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
    workers: int = 1,
    progress: Progress | None = None,
    what: str = "settings",
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
    workers : int
        Threads. They change no number.
    progress : callable, optional
        Called with the settings done, on average, how many there are, and `what`.
    what : str

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
    if stop not in STOPS:
        raise SettingsError(f"`stop` must be one of {', '.join(STOPS)}. Got {stop!r}.")
    parts = [np.full((len(plan.settings), plan.replicates), fill) for fill in (-1, -1, np.nan, np.nan, np.nan, 0)]
    loops = [Loop.of(s, int(most), enough_left(s)) for s, most in zip(plan.settings, plan.moves, strict=True)]
    jobs, n = list(plan.jobs()), len(plan.settings)

    def counted(k: int) -> None:
        if progress:
            progress(k * n // len(jobs), n, what)
        _run(plan, loops, jobs[k], stop == "good", parts)

    if whole_number(workers, "workers", 1) == 1:
        for k in range(len(jobs)):
            counted(k)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(counted, range(len(jobs))))
    if progress:
        progress(n, n, what)
    return Outcomes(plan.settings, plan.moves, stop, *parts)


@dataclass(frozen=True)
class RunPlan:
    """What is run: settings, how often, from which seeds, for how many moves."""

    settings: tuple[MoveSettings, ...]
    replicates: int
    seeds: tuple[int, ...]
    moves: Int

    @classmethod
    def of(
        cls,
        settings: Many,
        replicates: int | None,
        seed: int | None,
        max_moves: int | Sequence[int] | None,
        budget: float | None = None,
    ) -> RunPlan:
        many = (settings,) if isinstance(settings, MoveSettings) else tuple(settings)
        if not many:
            raise SettingsError("`settings` must hold at least one MoveSettings. Got none.")
        for s in many:
            if s.process == "integer" and s.difficulty > MOST_COUNTED:
                raise SettingsError(
                    f"the process `integer` follows defects one by one: `difficulty` must be at most {MOST_COUNTED}. "
                    f"Got {s.difficulty:g}. Hint: process=split."
                )
        if replicates is None and len({s.replicates for s in many}) > 1:
            raise SettingsError("`replicates` differs between the settings. Hint: outcomes(..., replicates=N).")
        n = whole_number(many[0].replicates if replicates is None else replicates, "replicates", 1)
        seeds = tuple(s.seed if seed is None else whole_number(seed, "seed", 0) for s in many)
        return cls(many, n, seeds, _moves(many, max_moves, budget))

    def jobs(self) -> Iterator[tuple[list[int], slice]]:
        """Yield places of settings of one seed, which share their random numbers, and stretch of the replicates."""
        most = max(int(self.moves.max()), 1)
        for seed in dict.fromkeys(self.seeds):
            places = [k for k, own in enumerate(self.seeds) if own == seed]
            size = BLOCK if len(places) == 1 else min(max(KEPT // most, 16), BLOCK)
            for low in range(0, self.replicates, size):
                yield places, slice(low, min(low + size, self.replicates))


def whole_number(value: Any, name: str, low: int) -> int:
    """Return a value that must be a whole number of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise SettingsError(f"`{name}` must be a whole number of at least {low}. Got {value!r}.")
    return int(value)


def _moves(many: tuple[MoveSettings, ...], max_moves: int | Sequence[int] | None, budget: float | None) -> Int:
    """Return how many moves each of the settings may make."""
    given = [s.max_moves for s in many] if max_moves is None else max_moves
    each = [given] * len(many) if isinstance(given, int | np.integer) else list(given)
    if len(each) != len(many):
        raise SettingsError(f"`max_moves` must be one number, or one for each of the {len(many)} settings.")
    moves = np.array([whole_number(m, "max_moves", 0) for m in each], dtype=np.int64)
    if budget is None:
        return moves
    if isinstance(budget, bool) or not (isinstance(budget, int | float) and math.isfinite(budget) and budget >= 0):
        raise SettingsError(f"`budget` must be a finite number of at least 0. Got {budget!r}.")
    price = np.array([s.move_cost for s in many])
    # A budget of exactly n moves pays for n, whatever rounding the division adds.
    paid = np.where(price > 0, np.floor(budget / np.where(price > 0, price, 1.0) * (1 + 1e-12)), moves)
    return np.minimum(moves, paid).astype(np.int64)


def enough_left(settings: MoveSettings) -> float:
    """Return the mass at or below which the target is met, -ln(target); for `integer` no defect at all."""
    return 0.0 if settings.process == "integer" else -math.log(settings.target_reliability)


# --------------------------------------------------------------------------------- what is asked of the engine


class Loop(NamedTuple):
    """What the engine knows of one setting: its `Rules`, rows of its first moves, and laws of the best candidate."""

    start: tuple[float, float, float, float]
    rule: Any
    rows: Any
    best_z: Float

    @classmethod
    def of(cls, settings: MoveSettings, most: int, limit: float) -> Loop:
        """Prepare a setting for at most so many moves; `limit` is the mass at which the target is met."""
        visible = settings.oracle_resolution * settings.difficulty
        start = (visible, settings.difficulty - visible, settings.edit_radius, 0.0)
        return cls(start, _rules(settings, limit), *_rows(settings, most))


class Stretch:
    """Some runs of one setting, and where they stand.

    Attributes
    ----------
    state : float array of shape (4, n_runs)
        Visible and hidden mass, edit radius, moves accepted in the present window.
    whole : int array of shape (4, n_runs)
        Moves to the target and to good (-1 never), moves made, and accepted.
    left : float array of shape (2, n_runs)
        Visible and hidden mass at the stop at the target, or at the end.
    drawn : float array of shape (n_runs, 2 n_moves), or (n_runs, 0)
        Where normal numbers are kept for other settings, NaN where not drawn yet.
    """

    def __init__(self, loop: Loop, seed: int, replicates: slice, drawn: Float | None = None) -> None:
        n, seed = replicates.stop - replicates.start, seed % 2**64
        self.loop, self.drawn = loop, np.empty((n, 0)) if drawn is None else drawn
        self.replicates = (seed >> 32, seed % 2**32, replicates.start)
        self.state = np.tile(np.array(loop.start)[:, None], (1, n))
        self.whole, self.left = np.empty((4, n), dtype=np.int64), np.empty((2, n))

    def go(self, first: int, last: int, *, to_good: bool = True) -> None:
        """Go on from `first` moves made (-1: from before the start) until `last`, or until the stop."""
        from .engine import run

        given = (*self.loop[1:], self.drawn, (first, last), self.replicates, to_good)
        run(*given, self.state, self.whole, self.left)

    def trace(self, first: int, last: int, recent: Any, shown: Int, seen: Float, sums: Float) -> None:
        """Go on from `first` moves made until `last`, never stopping; see the engine's `trace`."""
        from .engine import trace

        given = (*self.loop[1:], self.drawn, (first, last), self.replicates)
        trace(*given, self.state, self.whole[:2], self.left, recent, shown, seen, sums)


def _rules(settings: MoveSettings, limit: float) -> Any:
    """Return the engine's `Rules`; `limit` is the mass at which the target is met."""
    from .engine import Rules

    s, team = settings, Team.of(settings)
    low, high = (float(end) for end in winner_band(s, team.k_eff))
    return Rules(
        *(POLICIES.index(s.policy), PROCESSES.index(s.process), team.reviewed, s.tr_window, s.plan_moves),
        *(s.b, s.collateral, team.review_variance, math.sqrt(s.offset_variance), s.decay_rate, s.tr_alpha, s.tr_beta),
        *(low, high, s.tr_min_radius, s.tr_max_radius, limit),
    )


def _rows(settings: MoveSettings, most: int) -> tuple[Any, Float]:
    """Return what the first moves have of their own, dtype `MOVE`, and the tables of the best candidate they name.

    All later moves are as the last of them.
    """
    from .engine import MOVE

    out = np.zeros(min(settings.plan_moves + 2 if settings.policy == "planner" else 1, max(most, 1)), dtype=MOVE)
    move = np.arange(len(out))
    H, out["r"] = planned(settings, move)
    before = planned(settings, np.maximum(move - 1, 0))[1] * np.ones(len(out))
    team = Team.of(settings, H)
    out["aim"], out["damage"], out["spread"] = team.aim, team.damage, team.spread
    np.divide(out["r"] - before, 1 - before, out=out["found"], where=before < 1)
    k_eff, first, out["best"] = np.unique(team.k_eff * np.ones(len(out)), return_index=True, return_inverse=True)
    shift = MoveLaw.of(settings, 1.0, human_prior=H).shift * np.ones(len(out))
    return out, best_z(k_eff, shift[first])


@cache
def _cells() -> tuple[Float, Float]:
    """Return ln U at points of every cell of the table of the best candidate, and what makes a polynomial of values."""
    from scipy.special import log_ndtr

    from .engine import CELLS, FAR, TERMS

    at = np.cos(np.pi * (np.arange(TERMS) + 0.5) / TERMS)
    places = (np.arange(CELLS)[:, None] + (at + 1) / 2) * (2 * FAR / CELLS) - FAR
    return log_ndtr(-places), np.linalg.inv(np.vander(at, increasing=True)).T


def best_z(k_eff: Float, shift: Float) -> Float:
    """Return the engine's tables of the best candidate's z, shape (n_tables, CELLS, TERMS); errors below 1e-13.

    Drawing z = Phi^-1(U^(1/K)) from the normal number x with U = 1 - Phi(x) makes it so smooth a function that short
    polynomials give it, at a tenth of the time of logarithms and quantiles.
    """
    log_uniform, polynomial = _cells()
    values = maximum_of(log_uniform, np.asarray(k_eff)[:, None, None])
    return np.ascontiguousarray((values + np.asarray(shift)[..., None, None]) @ polynomial)


def _run(plan: RunPlan, loops: Sequence[Loop], job: tuple[list[int], slice], to_good: bool, parts: list[Any]) -> None:
    """Make one block of runs of all settings of a seed."""
    places, some = job
    most = max(int(plan.moves[k]) for k in places)
    drawn = np.full((some.stop - some.start, 2 * most if len(places) > 1 else 0), np.nan)
    for k in places:
        s, runs = plan.settings[k], Stretch(loops[k], plan.seeds[k], some, drawn)
        runs.go(-1, int(plan.moves[k]), to_good=to_good)
        to_target, to_good_, false_pass, good_end, mass_end, made = (part[k, some] for part in parts)
        to_target[:], to_good_[:], made[:] = runs.whole[:3]
        visible, hidden = runs.left
        mass_end[:], good_end[:] = visible + hidden, p_pass_of(s, visible + hidden)
        false_pass[:] = np.where(to_target >= 0, p_false_of(s, hidden), np.nan)


def p_pass_of(settings: MoveSettings, visible: Float) -> Float:
    """Return exp(-mass) of the visible defects, or of all of them; for numbers of defects, whether there is none."""
    return np.asarray(visible == 0, dtype=np.float64) if settings.process == "integer" else np.exp(-visible)


def p_false_of(settings: MoveSettings, hidden: Float) -> Float:
    """Return 1 - exp(-mass) of the hidden defects; for numbers of defects, whether there is any."""
    return np.asarray(1 - p_pass_of(settings, hidden) if settings.process == "integer" else -np.expm1(-hidden))
