"""Everything that simulating one loop of moves says: arrivals, risks, paths, ceilings, levers, checks, verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Float
from ..inference.differences import arrivals_of
from ..inference.estimate import Estimate
from ..inference.intervals import average, share
from ..results.arrival import Arrivals
from ..results.check import Check, run_checks
from ..results.record import Record, load, written
from ..results.verdict import Verdict
from .ceilings import best_radius
from .mean_path import Ceiling, MeanMoves, ceiling, mean_path
from .paths import MovesPath, Walk, walk
from .runs import RunPlan
from .settings import MoveSettings
from .sweep.levers import Lever, Together, levers, levers_together
from .sweep.sensitivity import Effect, Sensitivity
from .sweep.sensitivity import sensitivity as effects_of
from .verdict import RULES, Facts, decide

SCHEMA = "loopstat.moves/1"
LATE = 0.1  # share of the moves, at the end, in which arrivals are counted


@dataclass(frozen=True, eq=False)
class Efficiency(Record):
    """Defects removed per unit of cost, and per move.

    Attributes
    ----------
    at_stop, at_stop_per_move : Estimate
        Mean over the runs that stop at the target, from the start to the stop; NaN where none stops after a move.
    per_cost, per_move : float array, shape (n_times,)
        Of the mean of runs, in the t-th move; NaN at the start.
    """

    at_stop: Estimate
    at_stop_per_move: Estimate
    per_cost: Float
    per_move: Float


def _mean_path(path: MeanMoves) -> dict[str, Any]:
    """Return the mean path of the one set of settings, by the names of a ceiling."""
    parts = {"mu": path.mass, "p_pass": path.p_pass, "p_good": path.p_good, "delta": path.radius}
    return {"t": list(range(path.mass.shape[1])), **{name: values[0] for name, values in parts.items()}}


def _read_mean_path(data: Mapping[str, Any]) -> MeanMoves:
    return MeanMoves(*(np.array([data[name]], dtype=np.float64) for name in ("mu", "p_pass", "p_good", "delta")))


@dataclass(frozen=True, eq=False)
class MovesRun(Record):
    """What simulating one loop of moves says; immutable.

    Attributes
    ----------
    settings : MoveSettings
    ceiling : Ceiling
        Of the mean path.
    levers, levers_together : tuple of Lever, Together
        What would lift it to the target.
    moves_to_target, cost_to_target : Arrivals
        Of single runs, until P_pass >= target; for `integer` the first actual pass.
    moves_to_good, cost_to_good : Arrivals
        Until P_good >= target; for `integer` until no defect is left.
    false_pass_at_stop : Estimate
        Mean, over the runs that stop at the target, of the probability that a hidden defect is left.
    good_at_stop : Estimate
        Mean over all runs of P_good where they stop: at the target, or at `max_moves`.
    path : MovesPath
    mean_path : MeanMoves
    arrived : dict of float array, shape (n_times,)
        Share of runs that have arrived after t moves, at the `target` and at `good`.
    efficiency : Efficiency
    best_radius : dict of float
        With collateral damage, the radius with the largest mean improvement: `at_start`, `at_ceiling`; else NaN.
    checks : tuple of Check
    verdict : Verdict
    sensitivity : Sensitivity or None
        What a step of each parameter changes; None unless asked for.
    """

    KEYS = (
        *("schema", "version", "settings", "move_cost", "verdict", "ceiling", "single_runs", "levers"),
        *("levers_together", "moves_to_target", "cost_to_target", "moves_to_good", "cost_to_good"),
        *("false_pass_at_stop", "good_at_stop", "arrived", "efficiency", "best_radius", "path", "mean_path", "checks"),
        "sensitivity",
    )
    PLACES = {"single_runs": "ceiling.single_runs"}  # noqa: RUF012 - a class attribute of a dataclass, never a field
    SCHEMA = SCHEMA

    settings: MoveSettings
    ceiling: Ceiling
    levers: tuple[Lever, ...]
    levers_together: Together
    moves_to_target: Arrivals
    cost_to_target: Arrivals
    moves_to_good: Arrivals
    cost_to_good: Arrivals
    false_pass_at_stop: Estimate
    good_at_stop: Estimate
    path: MovesPath
    mean_path: MeanMoves = field(metadata=written(write=_mean_path, read=_read_mean_path))
    arrived: dict[str, Float]
    efficiency: Efficiency
    best_radius: dict[str, float]
    checks: tuple[Check, ...]
    verdict: Verdict
    sensitivity: Sensitivity | None = field(
        default=None,
        metadata=written(
            write=lambda found: found and found.effects,
            read=lambda rows: None if rows is None else tuple(load(Effect, row) for row in rows),
        ),
    )

    def completed(self, data: Mapping[str, Any]) -> MovesRun:
        """Return the run with the sensitivity whose effects were read."""
        if data["sensitivity"] is None:
            return self
        effects = tuple(load(Effect, row) for row in data["sensitivity"])
        return replace(self, sensitivity=Sensitivity(self.settings, self.settings.replicates, effects))

    @property
    def move_cost(self) -> float:
        """Cost of one move."""
        return self.settings.move_cost

    @property
    def single_runs(self) -> dict[str, Any]:
        """What single runs come to beside the ceiling of the mean path."""
        s = self.settings
        return {
            "never": self.moves_to_target.never.value,
            "never_good": self.moves_to_good.never.value,
            "max_radius": s.tr_max_radius if s.policy == "trust-region" else s.edit_radius,
        }

    def check(self, name: str) -> Check:
        """Return a check by name."""
        return next(c for c in self.checks if c.name == name)

    def __repr__(self) -> str:
        return f"MovesRun({self.settings.policy}: {self.verdict.sentence})"


def run_moves(
    settings: MoveSettings,
    *,
    sensitivity: bool = False,
    workers: int = 1,
) -> MovesRun:
    """Simulate one loop of moves, and say what comes of it.

    Parameters
    ----------
    settings : MoveSettings
        `replicates` runs of `max_moves` moves are made with the random numbers of `seed`.
    sensitivity : bool
        Whether to step every parameter too: as many simulations again as there are steps.
    workers : int
        Threads. They change no number.

    Returns
    -------
    MovesRun

    Notes
    -----
    Quantiles are of all runs: one that never arrives is later than any that does, so the median is infinite, null in
    JSON, where half of the runs or more never arrive. Intervals are those of the simulation: what other random numbers
    would give. They do not say how sure the parameters are.

    *When it is wrong*: where the settings are not those of a real loop; fit them to recordings. P_pass rewards an
    oracle that sees little: judge by P_good.

    Examples
    --------
    >>> run = run_moves(MoveSettings(replicates=200, max_moves=150))
    >>> run.verdict.action, run.check("band_never_met").passed
    ('passes_only', False)
    """
    s = settings
    walked = walk(s, RunPlan.of(s, None, None, None), workers=workers)
    made = of_walk(walked, MeanPaths(ceiling(s), mean_path(s), levers(s), levers_together(s)))
    return replace(made, sensitivity=effects_of(s)) if sensitivity else made


class MeanPaths(NamedTuple):
    """What a run takes of the mean path."""

    ceiling: Ceiling
    path: MeanMoves
    levers: tuple[Lever, ...]
    together: Together


def of_walk(walked: Walk, mean: MeanPaths) -> MovesRun:
    """Return what runs and the mean path of a loop say; see `run_moves`."""
    runs, way = walked.outcomes, walked.path
    s = runs.settings[0]
    to_target, to_good = (arrivals_of(moves[0]) for moves in (runs.moves_to_target, runs.moves_to_good))
    arrivals = Arrivals.of(to_target), Arrivals.of(to_good)
    costs = tuple(a.times(s.move_cost) for a in arrivals)
    risk = runs.false_pass[0][np.isfinite(to_target)]
    integer = s.process == "integer"
    false_pass = share(risk > 0) if integer else average(risk)
    facts = Facts(
        *(s, *arrivals, costs[0]),
        late=(_late(to_target, s.max_moves), _late(to_good, s.max_moves)),
        false_pass=false_pass,
        acceptance=walked.accepted,
        ceiling=mean.ceiling,
    )
    return MovesRun(
        *(s, mean.ceiling, mean.levers, mean.together, arrivals[0], costs[0], arrivals[1], costs[1], false_pass),
        good_at_stop=share(runs.good_at_end[0] > 0) if integer else average(runs.good_at_end[0]),
        path=way,
        mean_path=mean.path,
        arrived={"target": _arrived(to_target, s.max_moves), "good": _arrived(to_good, s.max_moves)},
        efficiency=_efficiency(walked, to_target),
        best_radius={
            name: float(best_radius(s, mass))
            for name, mass in (("at_start", s.difficulty), ("at_ceiling", mean.ceiling.mu))
        },
        checks=run_checks(RULES, facts),
        verdict=decide(facts),
    )


def _arrived(when: Float, max_moves: int) -> Float:
    known = when[np.isfinite(when)].astype(np.int64)
    return np.asarray(np.cumsum(np.bincount(known, minlength=max_moves + 1)) / len(when))


def _late(when: Float, max_moves: int) -> float:
    return float(np.mean(np.isfinite(when) & (when > (1 - LATE) * max_moves)))


def _efficiency(walked: Walk, to_target: Float) -> Efficiency:
    runs, settings = walked.outcomes, walked.outcomes.settings[0]
    stopped = np.isfinite(to_target) & (to_target > 0)
    removed = (settings.difficulty - runs.mass_at_end[0][stopped]) / to_target[stopped]
    per_move = np.r_[np.nan, -np.diff(walked.mass)][walked.path.t]
    cost = settings.move_cost or np.nan  # free moves have no efficiency
    a_move = average(removed)
    return Efficiency(
        Estimate(*(float(x) / cost for x in (a_move.value, a_move.low, a_move.high))), a_move, per_move / cost, per_move
    )
