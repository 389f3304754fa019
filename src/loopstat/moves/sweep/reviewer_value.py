"""What one more reviewer is worth, as reviewers come to agree with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays import Float
from ...inference.differences import exponential
from ...inference.estimate import Estimate, show
from ...results.record import Record
from ..model import MoveLaw
from ..settings import MoveSettings
from .sweep import Progress, Reading, Sweep, values_of

SCHEMA = "loopstat.moves-reviewers/1"
CORRELATIONS = tuple(k / 10 for k in range(10))  # 0 to 0.9, the range of its slider
FINER = 200  # steps of gamma between which a threshold of the closed form is looked for


@dataclass(frozen=True, eq=False)
class OneMore(Record):
    """From N to N + 1 reviewers at one correlation.

    Attributes
    ----------
    reviewers : int
        N, before.
    correlation : float
        gamma.
    improvement : float
        Change of the expected improvement of the first move, in defects; closed form.
    per_cost : float
        Change of that improvement per unit of cost.
    moves, cost, good : Estimate
        Paired difference of the mean moves, the mean cost, and the mean P_good at the end.
    cost_ratio : Estimate
        Cost per good result, mean cost over mean P_good, with the reviewer over without: below 1 it pays.
    """

    KEYS = (*("reviewers", "correlation", "improvement", "per_cost", "moves", "cost", "good", "cost_ratio", "price"),)

    reviewers: int
    correlation: float
    improvement: float
    per_cost: float
    moves: Estimate
    cost: Estimate
    good: Estimate
    cost_ratio: Estimate

    @property
    def price(self) -> float:
        """What a good result must be worth, in units of cost, for the reviewer to pay.

        Infinite where no gain in P_good can be told, 0 where the reviewer costs nothing more.
        """
        if self.cost.value <= 0:
            return 0.0
        return float(self.cost.value / self.good.value) if self.good.low > 0 else float("inf")


@dataclass(frozen=True, eq=False)
class Threshold(Record):
    """The correlation beyond which one more reviewer is not worth its cost.

    Attributes
    ----------
    reviewers : int
        N, before.
    by_improvement : float
        By the improvement of the first move per unit of cost, in closed form. 0: it never pays; 1: it always does.
    by_result : float
        By cost per good result, between the correlations simulated; 0 and 1 likewise, for all of those.
    sure : bool
        Whether the intervals of the simulated ratios leave no doubt about which side of 1 they are on, except beside
        the threshold.
    """

    reviewers: int
    by_improvement: float
    by_result: float
    sure: bool


@dataclass(frozen=True, eq=False)
class ReviewerValue(Reading):
    """Worth of one more reviewer by team size and correlation.

    Attributes
    ----------
    rows : tuple of OneMore
        By N, then by correlation.
    thresholds : tuple of Threshold
        One for each N.
    """

    KEYS = ("schema", "verdict", "settings", "replicates", "rows", "thresholds")
    SCHEMA = SCHEMA

    rows: tuple[OneMore, ...]
    thresholds: tuple[Threshold, ...]

    @property
    def verdict(self) -> str:
        """What one more reviewer does to the team as it is set, in one sentence."""
        s = self.settings
        rows = [r for r in self.rows if r.reviewers == s.reviewers] or list(self.rows)
        row = min(rows, key=lambda r: abs(r.correlation - s.correlation))
        t = next(t for t in self.thresholds if t.reviewers == row.reviewers)
        step = f"At correlation {row.correlation:g}, going from {row.reviewers} to {row.reviewers + 1} reviewers"
        end = {0.0: "It pays at no correlation looked at", 1.0: "It pays at every correlation looked at"}
        rest = end.get(t.by_result, f"It stops to pay beyond a correlation of about {t.by_result:.2f}")
        return f"{step} multiplies the cost of a good result by {show(*row.cost_ratio.triple)}. {rest}."


def reviewer_value(
    settings: MoveSettings,
    *,
    correlations: Sequence[float] | None = None,
    reviewers: Sequence[int] | None = None,
    replicates: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> ReviewerValue:
    """Say what going from N to N + 1 reviewers changes, at every correlation of their errors.

    The closed form is E = m + (s^2/s_tot) e(K_eff) of the first move. The simulation gives moves, cost and P_good
    until the stop, and with them cost per good result, E[cost]/E[P_good]: what is paid on average until one result is
    good, if what is not good is done again.

    Parameters
    ----------
    settings : MoveSettings
    correlations : sequence of float, optional
        Default: 0, 0.1 ... 0.9.
    reviewers : sequence of int, optional
        Values of N; default that of the settings.
    replicates, seed : int, optional
        Default: those of the settings. All share their random numbers.
    progress : callable, optional

    Returns
    -------
    ReviewerValue

    Raises
    ------
    SettingsError
        Empty lists or values out of range.

    Notes
    -----
    With `reviewer_proposals` a reviewer adds candidates too, and is paid for them.

    *When it is wrong*: a reviewer's error is redrawn every move; where it repeats itself, agreement costs more.

    Examples
    --------
    >>> value = reviewer_value(MoveSettings(), correlations=[0, 0.9], replicates=100)
    >>> [round(row.improvement, 3) for row in value.rows]
    [0.003, 0.001]
    """
    gammas = sorted(values_of("correlation", CORRELATIONS if correlations is None else correlations, "correlations"))
    sizes = sorted(values_of("reviewers", [settings.reviewers] if reviewers is None else reviewers))
    teams = sorted({*sizes, *(n + 1 for n in sizes)})
    many = {(n, g): settings.but(reviewers=n, correlation=g) for n in teams for g in gammas}
    sweep = Sweep.over(list(many.values()), replicates=replicates, seed=seed, what="reviewers", progress=progress)
    gain = np.array([_improvement(s) for s in many.values()])
    efficiency = gain / np.array([s.move_cost or np.nan for s in many.values()])
    place = {key: k for k, key in enumerate(many)}
    before, after = (np.array([place[n + more, g] for n in sizes for g in gammas]) for more in (0, 1))
    rows = sweep.rows(
        OneMore,
        after,
        before,
        improvement=(gain[after] - gain[before]).tolist(),
        per_cost=(efficiency[after] - efficiency[before]).tolist(),
        cost_ratio=exponential(sweep.figure("log_cost_per_good", after, before)),
    )
    found = tuple(_threshold(settings, n, [r for r in rows if r.reviewers == n]) for n in sizes)
    return ReviewerValue(settings, sweep.replicates, rows, found)


def _improvement(s: MoveSettings) -> float:
    """Return the expected improvement of the first move, in defects."""
    return float(MoveLaw.of(s, s.difficulty).expected)


def _threshold(settings: MoveSettings, n: int, rows: Sequence[OneMore]) -> Threshold:
    gammas = np.array([r.correlation for r in rows])
    ratio = np.array([r.cost_ratio.triple for r in rows])
    by_result = _crossing(gammas, np.log(ratio[:, 0]))
    undecided = (ratio[:, 1] < 1) & (ratio[:, 2] > 1)
    beside = np.abs(gammas - by_result) <= (np.diff(gammas).max() if len(gammas) > 1 else 0.0)
    return Threshold(n, improvement_threshold(settings, n), by_result, bool(not np.any(undecided & ~beside)))


def improvement_threshold(settings: MoveSettings, reviewers: int) -> float:
    """Return the correlation from which one more reviewer adds less improvement per unit of cost than it costs.

    Parameters
    ----------
    settings : MoveSettings
        Of the first move: at its difficulty and edit radius.
    reviewers : int
        N, before.

    Returns
    -------
    float
        In [0, 1]; 0 where it does not pay at any correlation, 1 where it pays at all.
    """
    gammas = np.linspace(0, 1, FINER + 1)
    teams = [settings.but(reviewers=reviewers + more) for more in (0, 1)]
    gain = np.array([[_improvement(team.but(correlation=float(g))) for g in gammas] for team in teams])
    cost = [team.move_cost for team in teams]
    return _crossing(gammas, -(gain[1] * cost[0] - gain[0] * cost[1]))


def _crossing(gammas: Float, loss: Float) -> float:
    """Return where a loss, negative where a reviewer pays, rises through 0 for the last time; 0 never, 1 always."""
    pays = loss < 0
    if not pays.any():
        return 0.0
    last = int(np.flatnonzero(pays)[-1])
    if last == len(gammas) - 1:
        return 1.0
    step = loss[last] / (loss[last] - loss[last + 1]) if np.isfinite(loss[last + 1]) else 0.5
    return float(gammas[last] + step * (gammas[last + 1] - gammas[last]))
