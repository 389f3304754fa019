"""What to buy: the best plan under a budget, or the cheapest that is reliable enough, judged by simulation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from ...errors import SettingsError
from ...inference.estimate import Estimate, show
from ...inference.intervals import share
from ...parameters import nearest
from ...results.record import Record
from ..settings import PARAMETERS, POLICIES, MoveSettings
from .goals import Goal
from .levers import levers, turned
from .sweep import Point, Progress, Reading, Sweep, values_of, with_policy

SCHEMA = "loopstat.moves-plan/1"
SEARCHED: dict[str, tuple[Any, ...]] = {
    "policy": POLICIES,
    "candidates": (1, 2, 3, 5, 8, 12),
    "reviewers": (0, 1, 2, 3, 5, 8),
    "reviewer_proposals": (1, 0),
    "edit_radius": (0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
}
FIRST_RUNS = 48  # of every plan in the first round, and
KEEP = 0.25  # the share of plans that go on to the next, which has 1 / KEEP as many runs
FINALISTS = 12  # plans simulated again with fresh numbers
FRESH = 0x5EED  # added to the seed for them
NEAR = 1.25  # factor of the edit radii tried beside the winner's
CLIMBS = 6  # times that is done


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanFigures(Point):
    """One plan, judged on random numbers that had no say in choosing it.

    Attributes
    ----------
    reviewer_proposals : int
    edit_radius : float
    reached : Estimate
        Share of runs that get to the target of the judge.
    against_best : Estimate
        Paired difference from the best plan: of mean P_good (or of the share reached), under a budget; of the
        logarithm of the cost, for a reliability. 0 for the best itself.
    same_as_best : bool
        Whether that interval holds 0.
    """

    KEYS = (
        *("policy", "candidates", "reviewers", "reviewer_proposals", "edit_radius", "move_cost", "cost", "moves"),
        *("good", "reached", "against_best", "same_as_best"),
    )

    reviewer_proposals: int
    edit_radius: float
    reached: Estimate
    against_best: Estimate
    same_as_best: bool


@dataclass(frozen=True, eq=False)
class Turn(Record):
    """The best plan with one lever turned; simulated on the same numbers as the final figures.

    Attributes
    ----------
    name : str
    value : float
    good, reached : Estimate
        As in `PlanFigures`.
    """

    name: str
    value: float
    good: Estimate
    reached: Estimate


@dataclass(frozen=True, eq=False)
class Plan(Reading):
    """What to buy.

    Attributes
    ----------
    best : PlanFigures
        Where nothing works, the plan that gets furthest.
    best_settings : MoveSettings
    runners_up : tuple of PlanFigures
        In the order the search left them.
    works : bool
        For a reliability: the lower end of the interval of `reached` is at least that. Under a budget: at least half
        of the runs get to the target.
    budget, reliability : float or None
    judge : str
    searched : int
        Plans looked at.
    same_share : float
        Share of the plans searched that could not be told from the best one, on the runs each of them was given.
    levers : tuple of Turn
        Where nothing works: what the best plan comes to with one lever turned to where its mean path gets furthest.
    """

    KEYS = (
        *("schema", "verdict", "settings", "best_settings", "best", "runners_up", "works", "budget", "reliability"),
        *("judge", "searched", "replicates", "same_share", "levers"),
    )
    SCHEMA = SCHEMA

    best: PlanFigures
    best_settings: MoveSettings
    runners_up: tuple[PlanFigures, ...]
    works: bool
    budget: float | None
    reliability: float | None
    judge: str
    searched: int
    same_share: float
    levers: tuple[Turn, ...]

    @property
    def verdict(self) -> str:
        """The plan, what it gives and how sure that is, in words."""
        b = self.best
        team = f"{b.policy} from edit radius {b.edit_radius:g}, {_count(b.candidates, 'candidate')}, "
        team += _count(b.reviewers, "reviewer")
        if b.reviewers and b.reviewer_proposals:
            team += f" with {_count(b.reviewer_proposals, 'proposal')} each"
        gives = f"cost {show(*b.cost.triple)}, P_good {show(*b.good.triple)} at the end"
        whole = f"{team}: {gives}, {self._target} in {show(*b.reached.triple)} of the runs."
        rest = f"{round(self.same_share * self.searched)} of {self.searched} plans cannot be told from it."
        if self.reliability is not None and not self.works:
            wanted = f"at least {self.reliability:g} of its runs"
            return f"No plan searched surely brings {wanted} there. Furthest gets {whole} {self._turn}"
        first = "Best under the budget" if self.reliability is None else "Cheapest that is reliable"
        doubt = "" if self.works else f" Most runs spend the budget before they stop. {self._turn}"
        return f"{first}: {whole} {rest}{doubt}"

    @property
    def _target(self) -> str:
        what = "P_good" if self.judge == "p_good" and self.reliability is not None else "P_pass"
        return f"{what} {self.settings.target_reliability:g} reached"

    @property
    def _turn(self) -> str:
        most = max(self.levers, key=lambda x: float(x.reached.value), default=None)
        if most is None:
            return ""
        reached = show(*most.reached.triple)
        return f"Of the levers, {most.name} at {most.value:g} helps most: there in {reached} of the runs."


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def plan(
    settings: MoveSettings,
    *,
    budget: float | None = None,
    reliability: float | None = None,
    judge: str = "p_good",
    search: Mapping[str, Sequence[Any]] | None = None,
    replicates: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Find the best plan under a budget, or the cheapest one that is reliable enough.

    Under a budget the loop stops when P_pass is at least the target, or when the next move would not be paid; the plan
    with the largest mean P_good at that moment is best. For a reliability, runs go on until P_good is at least the
    target; the plan is the cheapest of which at least that share of runs gets there within `max_moves` (and within
    the budget, where one is given too). `judge` "p_pass" puts P_pass in both places: the share that gets to the target.

    Parameters
    ----------
    settings : MoveSettings
        Everything that is not searched: priors, oracle, difficulty, target, costs.
    budget : float, optional
        In units of cost.
    reliability : float, optional
        In (0, 1).
    judge : "p_good" or "p_pass"
    search : mapping from names to values, optional
        What is searched; names of `SEARCHED`, whose values stand for those not given.
    replicates, seed : int, optional
        Runs of the final figures, and of the random numbers. Default: those of the settings.
    progress : callable, optional

    Returns
    -------
    Plan

    Raises
    ------
    SettingsError
        Neither budget nor reliability; a budget that does not pay one move of the cheapest plan; values out of range.

    Notes
    -----
    Successive halving: every plan is run a few times on shared random numbers, a quarter goes on to four times the
    runs, and so on; then the winner's neighbours are tried. The best ones are simulated again on fresh numbers, and
    only those figures are returned, so that they are not flattered by having been chosen. Which of them is best was
    decided before, save that for a reliability the first whose fresh lower end holds is taken.

    *When it is wrong*: settings between those searched may be better. Nobody sees P_good while a loop runs: a
    reliability by it is what a perfect stop could reach.

    References
    ----------
    Karnin, Koren and Somekh (2013), Almost optimal exploration in multi-armed bandits (sequential halving).

    Examples
    --------
    >>> few = {"policy": ["trust-region"], "candidates": [1, 5], "reviewers": [0, 3], "edit_radius": [0.2, 1]}
    >>> bought = plan(MoveSettings(), budget=300, search=few, replicates=500)
    >>> bought.best.candidates, bought.best.reviewers, bought.works
    (1, 2, True)
    """
    goal = Goal.of(budget, reliability, judge)
    n = settings.replicates if replicates is None else replicates
    wanted = _wanted(search or {})
    trial = _Search(goal, wanted, n, settings.seed if seed is None else seed, progress)
    plans = goal.affordable(_plans(settings, wanted))
    order, same = trial.halving(plans)
    finalists = trial.climbing(order[:FINALISTS])
    fresh = trial.simulate(finalists, "final figures", fresh=True)
    k = goal.choose(fresh.runs)
    judged = _judged(goal, fresh, k)
    works = bool(goal.works(fresh.runs)[k])
    return Plan(
        settings,
        n,
        judged[k],
        finalists[k],
        tuple(f for j, f in enumerate(judged) if j != k),
        works,
        budget,
        reliability,
        judge,
        searched=len(plans),
        same_share=same,
        levers=() if works else trial.turns(finalists[k]),
    )


# --------------------------------------------------------------------------------------- the search


Wanted = Mapping[str, list[Any]]  # what is searched, and the values tried, in the order of `SEARCHED`


def _wanted(search: Mapping[str, Sequence[Any]]) -> Wanted:
    for name in search:
        if name not in SEARCHED:
            raise nearest(name, SEARCHED, "setting to search")
    return {name: values_of(name, given) for name, given in {**SEARCHED, **search}.items()}


def _plans(settings: MoveSettings, wanted: Wanted) -> list[MoveSettings]:
    """Return every plan that is searched, each once."""
    found: dict[Any, MoveSettings] = {}
    for policy, K, N, K_r, radius in product(*wanted.values()):
        if policy != "trust-region" or radius <= settings.tr_max_radius:
            team = {"candidates": K, "reviewers": N, "reviewer_proposals": K_r if N else 0}
            made = with_policy(settings, policy, edit_radius=radius, **team)
            found.setdefault(_team(made), made)
    if not found:
        raise SettingsError(
            "`search` leaves no plan: every edit radius starts outside the trust region, whose `tr_max_radius` is "
            f"{settings.tr_max_radius:g}."
        )
    return list(found.values())


def _team(s: MoveSettings) -> tuple[Any, ...]:
    """Return what tells plans apart: who proposes a candidate makes no difference, to the outcome or the cost."""
    return s.policy, s.pool, s.reviewers, s.edit_radius


@dataclass(frozen=True)
class _Search:
    """A search for the plan that serves a goal best, with at most `runs` runs of a plan."""

    goal: Goal
    wanted: Wanted
    runs: int
    seed: int
    progress: Progress | None

    def simulate(
        self, plans: Sequence[MoveSettings], what: str, runs: int | None = None, *, fresh: bool = False
    ) -> Sweep:
        """Run plans on the random numbers of the search, or on fresh ones."""
        return Sweep.over(
            plans,
            replicates=self.runs if runs is None else runs,
            seed=self.seed + FRESH if fresh else self.seed,
            stop=self.goal.stop,
            budget=self.goal.budget,
            progress=self.progress,
            what=what,
        )

    def halving(self, plans: list[MoveSettings]) -> tuple[list[MoveSettings], float]:
        """Return the best plans, in order, and the share of all that could not be told from the first."""
        alive, n, lost = plans, min(FIRST_RUNS, self.runs), 0
        while True:
            runs = self.simulate(alive, f"{len(alive)} plans, {n} runs", n).runs
            kept = self.goal.keep(runs, max(FINALISTS, math.ceil(KEEP * len(alive))))
            near = self.goal.not_told(runs, int(kept[0]))
            out = np.setdiff1d(np.arange(len(alive)), kept)
            if len(alive) <= FINALISTS or n >= self.runs or not len(out):
                return [alive[k] for k in kept], (lost + int(near.sum())) / len(plans)
            lost += int(near[out].sum())
            alive, n = [alive[k] for k in kept], min(round(n / KEEP), self.runs)

    def climbing(self, plans: list[MoveSettings]) -> list[MoveSettings]:
        """Return the finalists in order, after trying what lies beside the winner until nothing there is better."""
        for _ in range(CLIMBS):
            winner = plans[0]
            both = {_team(p): p for p in [*self.neighbours(winner), *plans]}
            tried = self.goal.affordable(list(both.values()))
            runs = self.simulate(tried, "neighbours of the winner").runs
            plans = [tried[k] for k in self.goal.order(runs)[:FINALISTS]]
            if plans[0] == winner:
                break
        return plans

    def neighbours(self, s: MoveSettings) -> list[MoveSettings]:
        """Return plans one step from the winner, in what the caller did not fix to one value."""
        steps: dict[str, list[Any]] = {
            "candidates": [s.candidates - 1, s.candidates + 1],
            "reviewers": [s.reviewers - 1, s.reviewers + 1],
            "edit_radius": [s.edit_radius / NEAR, s.edit_radius * NEAR],
        }
        found: list[MoveSettings] = []
        for name, values in steps.items():
            low, high = PARAMETERS[name].slider or (0.0, math.inf)
            if name == "edit_radius" and s.policy == "trust-region":
                high = s.tr_max_radius
            if len(self.wanted[name]) > 1:
                found += [replace(s, **{name: v}) for v in values if low <= v <= high]
        return found

    def turns(self, best: MoveSettings) -> tuple[Turn, ...]:
        """Return the plan with each lever turned to where its mean path gets furthest, on the fresh numbers."""
        found = [(lever.name, float(lever.best.value)) for lever in levers(best)]  # type: ignore[arg-type]
        sweep = self.simulate([turned(best, **{k: v}) for k, v in found], "levers", fresh=True)
        reached = [share(row) for row in self.goal.reached(sweep.runs)]
        names, values = zip(*found, strict=True)
        return sweep.rows(Turn, name=names, value=values, reached=reached)


def _judged(goal: Goal, sweep: Sweep, best: int) -> tuple[PlanFigures, ...]:
    against = goal.difference(sweep.runs, best)
    return sweep.rows(
        PlanFigures,
        reached=[share(row) for row in goal.reached(sweep.runs)],
        against_best=against,
        same_as_best=((against.low <= 0) & (against.high >= 0)).tolist(),
    )
