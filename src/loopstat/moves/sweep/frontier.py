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
from ..settings import POLICIES, MoveSettings
from .sweep import Point, Progress, Reading, Sweep, values_of, with_policy

SCHEMA = "loopstat.moves-frontier/1"
DRAWS = 200  # bootstrap samples of runs, which say how sure a place on the front is


@dataclass(frozen=True, eq=False, kw_only=True)
class FrontierPoint(Point):
    """One policy with one team.

    Attributes
    ----------
    moves_to_target : Estimate
        Median; infinite where half of the runs never stop.
    never : Estimate
        Share of runs that do not stop at the target.
    false_pass : Estimate
        Mean risk at the stop, over the runs that stop; NaN where none does.
    front_moves, front_cost : bool
        Whether no other point is as good and fast (as cheap), and better in one.
    sure_moves, sure_cost : float
        Share of bootstrap samples of the runs in which that is so.
    """

    KEYS = (
        *("policy", "candidates", "reviewers", "move_cost", "moves", "cost", "moves_to_target", "never", "good"),
        *("false_pass", "front_moves", "front_cost", "sure_moves", "sure_cost"),
    )

    moves_to_target: Estimate
    never: Estimate
    false_pass: Estimate
    front_moves: bool
    front_cost: bool
    sure_moves: float
    sure_cost: float


@dataclass(frozen=True, eq=False)
class Frontier(Reading):
    """Speed and quality of every policy and team, and which of them no other beats on both.

    Attributes
    ----------
    points : tuple of FrontierPoint
        By policy, candidates, reviewers.
    """

    KEYS = ("schema", "verdict", "settings", "replicates", "points")
    SCHEMA = SCHEMA

    points: tuple[FrontierPoint, ...]

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
    return Frontier(settings, sweep.replicates, _points(sweep))


def _points(sweep: Sweep) -> tuple[FrontierPoint, ...]:
    runs, when = sweep.runs, sweep.when
    weights = bootstrap_weights(sweep.replicates, DRAWS, sweep.rng(1))
    fronts = {by: _front(x, runs.good_at_end, weights) for by, x in (("moves", runs.moves_made), ("cost", runs.cost))}
    stopped = np.isfinite(when)
    return sweep.rows(
        FrontierPoint,
        moves_to_target=[quantile(np.sort(row), 0.5) for row in when],
        never=[share(~row) for row in stopped],
        false_pass=[average(risk[row]) for risk, row in zip(runs.false_pass, stopped, strict=True)],
        **{f"front_{by}": on.tolist() for by, (on, _) in fronts.items()},
        **{f"sure_{by}": sure.tolist() for by, (_, sure) in fronts.items()},
    )


def _front(spent: Any, good: Float, weights: Any) -> tuple[Bool, Float]:
    """Return which points no other beats on mean spending and mean P_good, and in what share of the samples."""
    runs = np.stack([-spent, good], axis=-1).transpose(1, 0, 2)
    n = len(runs)
    samples = weighted_sums(weights, runs) / n
    return nondominated(runs.mean(axis=0)), np.mean([nondominated(sample) for sample in samples], axis=0)
