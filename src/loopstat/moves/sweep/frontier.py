"""Speed against quality over teams and policies: how many candidates and reviewers, judged by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ...arrays import Bool, Float
from ...errors import SettingsError
from ...inference.estimate import Estimate, show
from ...inference.intervals import average, quantile, share
from ...inference.pareto import nondominated
from ...inference.resample import bootstrap_weights, weighted_sums
from ...panel.panel import as_names
from ...results.record import Record
from ..settings import POLICIES, MoveSettings
from .sweep import Progress, Sweep, values_of, with_policy

SCHEMA = "loopstat.moves-frontier/1"
DRAWS = 200  # bootstrap samples of runs, which say how sure a place on the front is


@dataclass(frozen=True, eq=False)
class FrontierPoint(Record):
    """One policy with one team.

    Attributes
    ----------
    policy : str
    candidates, reviewers : int
    move_cost : float
    moves, cost : Estimate
        Mean over runs until the loop stops or is given up.
    moves_to_target : Estimate
        Median; infinite where half of the runs never stop.
    never : Estimate
        Share of runs that do not stop at the target.
    good : Estimate
        Mean P_good at the end, stopped or given up.
    false_pass : Estimate
        Mean risk at the stop, over the runs that stop; NaN where none does.
    front_moves, front_cost : bool
        Whether no other point is as good and fast (as cheap), and better in one.
    sure_moves, sure_cost : float
        Share of bootstrap samples of the runs in which that is so.
    """

    policy: str
    candidates: int
    reviewers: int
    move_cost: float
    moves: Estimate
    cost: Estimate
    moves_to_target: Estimate
    never: Estimate
    good: Estimate
    false_pass: Estimate
    front_moves: bool
    front_cost: bool
    sure_moves: float
    sure_cost: float


@dataclass(frozen=True, eq=False)
class Frontier(Record):
    """Speed and quality of every policy and team, and which of them no other beats on both.

    Attributes
    ----------
    settings : MoveSettings
        Everything that is not varied.
    points : tuple of FrontierPoint
        By policy, candidates, reviewers.
    replicates : int
    """

    KEYS = ("schema", "verdict", "settings", "replicates", "points")
    SCHEMA = SCHEMA

    settings: MoveSettings
    points: tuple[FrontierPoint, ...]
    replicates: int

    def front(self, by: str = "cost") -> tuple[FrontierPoint, ...]:
        """Return the points that no other beats, from the cheapest (`by` = "moves": the fastest) on."""
        if by not in ("cost", "moves"):
            raise SettingsError(f"`by` must be cost or moves. Got {by!r}.")
        found = [p for p in self.points if getattr(p, f"front_{by}")]
        return tuple(sorted(found, key=lambda p: float(getattr(p, by).value)))

    @property
    def verdict(self) -> str:
        """The two ends of the front by cost, in one sentence."""
        front = self.front()
        parts = [f"{_team(p)}: cost {show(*p.cost.triple)}, P_good {show(*p.good.triple)} at the end" for p in front]
        if len(front) == 1:
            return f"One team is both cheapest and best: {parts[0]}."
        return f"{len(front)} of {len(self.points)} teams trade cost for quality, from {parts[0]}, to {parts[-1]}."


def _team(p: FrontierPoint) -> str:
    return f"{p.policy} with {p.candidates} candidates and {p.reviewers} reviewers"


def frontier(
    settings: MoveSettings,
    *,
    candidates: Sequence[int] | None = None,
    reviewers: Sequence[int] | None = None,
    policies: str | Sequence[str] | None = None,
    replicates: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Frontier:
    """Simulate every policy with every number of candidates and reviewers, and find the teams no other beats.

    Parameters
    ----------
    settings : MoveSettings
        Everything else; the loop stops at its target, or is given up after its `max_moves`.
    candidates, reviewers : sequences of int, optional
        Default: 1 to 12, and 0 to 8.
    policies : sequence of str, optional
        Default: all, with the same team and priors.
    replicates, seed : int, optional
        Default: those of the settings. All points share their random numbers.
    progress : callable, optional
        Called with (done, total, what).

    Returns
    -------
    Frontier

    Raises
    ------
    SettingsError
        Empty or impossible lists.

    Notes
    -----
    Speed is the mean number of moves, or their cost, until the stop *or* the end of the moves: a run that never stops
    has been paid for too. Quality is mean P_good over all runs at that moment.

    *When it is wrong*: the front is chosen among noisy points; `sure_cost` says how often a point stays on it when the
    runs are drawn again. Policies differ only in the radius (a planner also raises H and r, for the price of its
    moves).

    Examples
    --------
    >>> small = frontier(MoveSettings(), candidates=[1, 5], reviewers=[0, 3], policies=["trust-region"], replicates=50)
    >>> len(small.points), any(p.front_cost for p in small.points)
    (4, True)
    """
    policies = values_of("policy", POLICIES if policies is None else as_names(policies), "policies")
    candidates = sorted(values_of("candidates", range(1, 13) if candidates is None else candidates))
    reviewers = sorted(values_of("reviewers", range(9) if reviewers is None else reviewers))
    many = [
        with_policy(settings, policy).but(candidates=k, reviewers=n)
        for policy, k, n in product(policies, candidates, reviewers)
    ]
    sweep = Sweep.over(many, replicates=replicates, seed=seed, what="teams", progress=progress)
    return Frontier(settings, _points(sweep), sweep.replicates)


def _points(sweep: Sweep) -> tuple[FrontierPoint, ...]:
    runs, when = sweep.runs, sweep.when
    weights = bootstrap_weights(sweep.replicates, DRAWS, sweep.rng(1))
    (on_moves, sure_moves), (on_cost, sure_cost) = (
        _front(x, runs.good_at_end, weights) for x in (runs.moves_made, runs.cost)
    )
    return tuple(
        FrontierPoint(
            policy=s.policy,
            candidates=s.candidates,
            reviewers=s.reviewers,
            move_cost=s.move_cost,
            **means,
            moves_to_target=quantile(np.sort(when[k]), 0.5),
            never=share(~np.isfinite(when[k])),
            false_pass=average(runs.false_pass[k][np.isfinite(when[k])]),
            front_moves=bool(on_moves[k]),
            front_cost=bool(on_cost[k]),
            sure_moves=float(sure_moves[k]),
            sure_cost=float(sure_cost[k]),
        )
        for k, (s, means) in enumerate(zip(runs.settings, sweep.figures("moves", "cost", "good"), strict=True))
    )


def _front(spent: Any, good: Float, weights: Any) -> tuple[Bool, Float]:
    """Return which points no other beats on mean spending and mean P_good, and in what share of the samples."""
    runs = np.stack([-spent, good], axis=-1).transpose(1, 0, 2)
    n = len(runs)
    samples = weighted_sums(weights, runs) / n
    return nondominated(runs.mean(axis=0)), np.mean([nondominated(sample) for sample in samples], axis=0)
