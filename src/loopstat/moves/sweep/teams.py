"""Other teams beside the one simulated: speed against quality, and what one more reviewer returns; by runs or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ...arrays import Bool, Float, Int
from ...inference.differences import exponential, pick
from ...inference.estimate import Estimate
from ...inference.pareto import nondominated
from ..settings import PARAMETERS, MoveSettings
from ..ways import ways
from .reviewer_value import CORRELATIONS
from .sweep import Progress, Sweep

RUNS = 150  # of every team: enough to tell them apart within a second


@dataclass(frozen=True, eq=False)
class Teams:
    """What other teams of the same policy would do.

    Attributes
    ----------
    settings : MoveSettings
    candidates, reviewers : int array, shape (n,)
        K and N of every team; all else as it is set.
    moves, cost, good : Estimate, shape (n,)
        Until the stop or the end of the moves, and P_good then: means over runs, or of the mean path, without ends.
    front : bool array, shape (n,)
        Whether no other team is at least as good and as cheap, and better in one.
    correlations : float array, shape (m,)
    cost_ratio : Estimate, shape (m,)
        Cost of a good result with one more reviewer over without.
    replicates : int
        Runs of every team; 0: the mean path.
    """

    settings: MoveSettings
    candidates: Int
    reviewers: Int
    moves: Estimate
    cost: Estimate
    good: Estimate
    front: Bool
    correlations: Float
    cost_ratio: Estimate
    replicates: int

    def to_dict(self) -> dict[str, Any]:
        """Return the plain data of the JSON form."""
        columns = {"moves": self.moves, "cost": self.cost, "good": self.good}
        points = [
            {"candidates": int(k), "reviewers": int(n), **_entries(columns, j), "front_cost": bool(self.front[j])}
            for j, (k, n) in enumerate(zip(self.candidates, self.reviewers, strict=True))
        ]
        rows = [
            {"correlation": float(g), **_entries({"cost_ratio": self.cost_ratio}, j)}
            for j, g in enumerate(self.correlations)
        ]
        return {"replicates": self.replicates, "points": points, "rows": rows}


def _entries(columns: Mapping[str, Estimate], j: int) -> dict[str, float | None]:
    """Return one entry of estimates and their ends, null where they are not known."""
    keyed = {
        f"{name}{end}": value
        for name, e in columns.items()
        for end, value in zip(("", "_low", "_high"), pick(e, j).triple, strict=True)
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in keyed.items()}


def teams_by_runs(settings: MoveSettings, *, progress: Progress | None = None) -> Teams:
    """Simulate teams of every size a slider allows, and one more reviewer at every correlation.

    Parameters
    ----------
    settings : MoveSettings
        Its seed is that of all.
    progress : callable, optional

    Returns
    -------
    Teams
    """
    candidates, reviewers = _sizes()
    many = [settings.but(candidates=int(k), reviewers=int(n)) for k, n in zip(candidates, reviewers, strict=True)]
    sweep = Sweep.over(many, replicates=RUNS, what="teams", progress=progress)
    moves, cost, good = (sweep.figure(name) for name in ("moves", "cost", "good"))
    pairs = [settings.but(reviewers=settings.reviewers + more, correlation=g) for more in (0, 1) for g in CORRELATIONS]
    both = Sweep.over(pairs, replicates=RUNS, what="reviewers", progress=progress)
    m = len(CORRELATIONS)
    ratio = exponential(both.figure("log_cost_per_good", slice(m, None), slice(None, m)))
    front = nondominated(np.column_stack([-cost.value, good.value]))
    return Teams(settings, candidates, reviewers, moves, cost, good, front, np.array(CORRELATIONS), ratio, RUNS)


def teams_by_mean_path(settings: MoveSettings) -> Teams:
    """Return the same of the mean path of every team, in a few milliseconds."""
    K, N = _sizes()
    m, gamma = len(CORRELATIONS), np.array(CORRELATIONS)
    more = settings.reviewers + np.repeat([0, 1], m)
    changes = {
        "candidates": np.r_[K, np.full(2 * m, settings.candidates)],
        "reviewers": np.r_[N, more],
        "correlation": np.r_[np.full(len(K), settings.correlation), gamma, gamma],
    }
    found = ways(settings, changes, moves=settings.max_moves, stop=True)
    moves = np.minimum(found.moves, settings.max_moves)
    K_all, N_all = changes["candidates"], changes["reviewers"]
    pool = K_all + N_all * settings.reviewer_proposals
    cost = moves * (pool * (settings.cost_generate + settings.cost_review * N_all) + settings.cost_oracle)
    good, n = np.exp(-found.mass), len(K)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_good = cost[n:] / good[n:]
        ratio = per_good[m:] / per_good[:m]
    front = nondominated(np.column_stack([-cost[:n], good[:n]]))
    figures = (_bare(moves[:n]), _bare(cost[:n]), _bare(good[:n]))
    return Teams(settings, K, N, *figures, front, gamma, _bare(ratio), 0)


def _sizes() -> tuple[Int, Int]:
    """Return candidates and reviewers of all teams their sliders allow."""
    (least_k, most_k), (least_n, most_n) = (PARAMETERS[name].slider or (1, 1) for name in ("candidates", "reviewers"))
    sizes = product(range(int(least_k), int(most_k) + 1), range(int(least_n), int(most_n) + 1))
    K, N = np.array(list(sizes)).T
    return K, N


def _bare(values: Float) -> Estimate:
    unknown = np.full(len(values), np.nan)
    return Estimate(values, unknown, unknown)
