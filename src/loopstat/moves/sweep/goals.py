"""What makes one plan better than another: mean quality under a budget, or the cost of being reliable enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays import Bool, Float, Int
from ...errors import SettingsError
from ...inference.differences import Paired
from ...inference.estimate import Estimate
from ...inference.intervals import share
from ...parameters import nearest
from ..runs import Outcomes
from ..settings import MoveSettings

JUDGES = ("p_good", "p_pass")


@dataclass(frozen=True)
class Goal:
    """What makes one plan better than another."""

    budget: float | None
    reliability: float | None
    judge: str

    @classmethod
    def of(cls, budget: float | None, reliability: float | None, judge: str) -> Goal:
        """Check what is asked for."""
        if judge not in JUDGES:
            raise nearest(str(judge), JUDGES, "judge")
        if budget is None and reliability is None:
            raise SettingsError("`plan` needs a budget or a reliability. Got neither.")
        return cls(_within("budget", budget, math.inf), _within("reliability", reliability, 1.0), judge)

    def affordable(self, plans: Sequence[MoveSettings]) -> list[MoveSettings]:
        """Return the plans of which one move can be paid."""
        if self.budget is None:
            return list(plans)
        least = min(p.move_cost for p in plans)
        if self.budget < least:
            raise SettingsError(
                f"`budget` must pay at least one move of the cheapest plan, {least:g}. Got {self.budget:g}. "
                "Hint: search fewer reviewers or candidates, or raise the budget."
            )
        return [p for p in plans if p.move_cost <= self.budget]

    @property
    def stop(self) -> str:
        """What ends a run: the loop's own stop, or that nothing is wrong, where that is what is asked for."""
        return "good" if self.reliability is not None and self.judge == "p_good" else "target"

    def reached(self, runs: Outcomes) -> Bool:
        """Return which runs got there, shape (n_plans, n_runs)."""
        return (runs.moves_to_good if self.stop == "good" else runs.moves_to_target) >= 0

    def score(self, runs: Outcomes) -> Float:
        """Return what is averaged over runs and made large under a budget."""
        return runs.good_at_end if self.judge == "p_good" else self.reached(runs).astype(np.float64)

    def works(self, runs: Outcomes) -> Bool:
        """Return which plans do what is asked for."""
        if self.reliability is None:
            return np.asarray(self.reached(runs).mean(axis=1) >= 0.5)
        return self._reliable(runs)[0]

    def _reliable(self, runs: Outcomes) -> tuple[Bool, Bool]:
        """Return which plans surely are as reliable as is asked for, and which may be."""
        shares = [share(row) for row in self.reached(runs)]
        ends = np.array([[float(e.low), float(e.high)] for e in shares]) >= (self.reliability or 0.0)
        return ends[:, 0], ends[:, 1]

    def order(self, runs: Outcomes) -> Int:
        """Return the plans from the best on: by score, or the reliable ones by cost before the rest by share."""
        if self.reliability is None:
            return np.argsort(-self.score(runs).mean(axis=1), kind="stable")
        reached, cost = self.reached(runs).mean(axis=1), runs.cost.mean(axis=1)
        enough = reached >= self.reliability
        return np.lexsort((cost, np.where(enough, 0.0, -reached), ~enough))

    def keep(self, runs: Outcomes, count: int) -> Int:
        """Return the plans that go on, best first.

        For a reliability a third of them is the cheapest that may be reliable, a third the cheapest that surely are,
        and the rest has the largest shares: the cheapest alone would all turn out to fall short of it.
        """
        order = self.order(runs)
        if self.reliability is None:
            return order[:count]
        surely, maybe = self._reliable(runs)
        cost, reached = runs.cost.mean(axis=1), self.reached(runs).mean(axis=1)
        by_cost = np.argsort(cost, kind="stable")
        cheapest = [by_cost[which[by_cost]][: count // 3].tolist() for which in (maybe, surely)]
        sharing = np.lexsort((cost, -reached))
        chosen = list(dict.fromkeys([*cheapest[0], *cheapest[1], *sharing.tolist()]))[:count]
        return order[np.isin(order, chosen)]

    def choose(self, runs: Outcomes) -> int:
        """Return the plan to name, of finalists in their order: for a reliability the first that surely reaches it."""
        if self.reliability is None:
            return 0
        works = self.works(runs)
        return int(np.argmax(works)) if works.any() else int(np.argmax(self.reached(runs).mean(axis=1)))

    def difference(self, runs: Outcomes, best: int) -> Estimate:
        """Return what every plan differs by from one of them, paired."""
        figure = Paired.mean(self.score(runs)) if self.reliability is None else Paired.log_mean(runs.cost)
        return (figure - figure[best : best + 1]).estimate()

    def not_told(self, runs: Outcomes, best: int) -> Bool:
        """Return which plans may be as good as one of them."""
        e = self.difference(runs, best)
        if self.reliability is None:
            return np.asarray(e.high >= 0)
        return np.asarray((e.low <= 0) & self._reliable(runs)[1])


def _within(name: str, value: float | None, high: float) -> float | None:
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 < value < high:
        space = "a finite number above 0" if high == math.inf else f"a number between 0 and {high:g}, ends left out"
        raise SettingsError(f"`{name}` must be {space}. Got {value!r}.")
    return float(value)
