"""Speed against quality over teams and policies: how many candidates and reviewers, judged by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays import Bool, Float
from ...errors import SettingsError
from ...inference.differences import Paired, arrivals_of, pick
from ...inference.estimate import Estimate
from ...inference.intervals import average, quantile, share
from ...inference.pareto import nondominated
from ...inference.resample import bootstrap_weights, weighted_sums
from ...panel.panel import as_names
from ...results.record import Record
from ..runs import Outcomes
from ..settings import PARAMETERS, POLICIES, MoveSettings
from .batches import Progress, in_batches, said, with_policy

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
        parts = [f"{_team(p)}: cost {said(p.cost)}, P_good {said(p.good)} at the end" for p in front]
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
    chosen = (
        _whole(candidates, "candidates", range(1, 13)),
        _whole(reviewers, "reviewers", range(9)),
        _policies(policies),
    )
    many = [
        with_policy(settings, policy).but(candidates=k, reviewers=n)
        for policy in chosen[2]
        for k in chosen[0]
        for n in chosen[1]
    ]
    runs = in_batches(many, replicates=replicates, seed=seed, what="teams", progress=progress)
    rng = np.random.default_rng([settings.seed if seed is None else seed, 1])
    return Frontier(settings, _points(many, runs, rng), runs.moves_made.shape[1])


def _whole(given: Sequence[int] | None, name: str, default: range) -> list[int]:
    values = list(default) if given is None else [int(PARAMETERS[name].read(v)) for v in given]
    if not values:
        raise SettingsError(f"`{name}` must name at least one number.")
    return sorted(set(values))


def _policies(given: str | Sequence[str] | None) -> list[str]:
    values = list(POLICIES) if given is None else [str(PARAMETERS["policy"].read(v)) for v in as_names(given)]
    if not values:
        raise SettingsError(f"`policies` must name at least one of {', '.join(POLICIES)}.")
    return list(dict.fromkeys(values))


def _points(many: Sequence[MoveSettings], runs: Outcomes, rng: np.random.Generator) -> tuple[FrontierPoint, ...]:
    moves, cost, good = (Paired.mean(x).estimate() for x in (runs.moves_made, runs.cost, runs.good_at_end))
    when = arrivals_of(runs.moves_to_target)
    weights = bootstrap_weights(when.shape[1], DRAWS, rng)
    fronts = [_front(x, runs.good_at_end, weights) for x in (runs.moves_made, runs.cost)]
    return tuple(
        FrontierPoint(
            *(s.policy, s.candidates, s.reviewers, s.move_cost, pick(moves, k), pick(cost, k)),
            quantile(np.sort(when[k]), 0.5),
            share(~np.isfinite(when[k])),
            pick(good, k),
            average(runs.false_pass[k][np.isfinite(when[k])]),
            *(bool(on[k]) for on, _ in fronts),
            *(float(sure[k]) for _, sure in fronts),
        )
        for k, s in enumerate(many)
    )


def _front(spent: Any, good: Float, weights: Any) -> tuple[Bool, Float]:
    """Return which points no other beats on mean spending and mean P_good, and in what share of the samples."""
    runs = np.stack([-spent, good], axis=-1).transpose(1, 0, 2)
    n = len(runs)
    samples = weighted_sums(weights, runs) / n
    return nondominated(runs.mean(axis=0)), np.mean([nondominated(sample) for sample in samples], axis=0)
