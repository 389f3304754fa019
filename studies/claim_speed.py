"""Two published statements about speed: that the process converges measurably, and that a trust region is faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopstat.arrays import Float
from loopstat.inference.differences import Medians, Paired, arrivals_of
from loopstat.inference.estimate import Estimate, show
from loopstat.inference.intervals import average, percentile_interval, quantile, share
from loopstat.moves.mean_path import mean_path
from loopstat.moves.runs import Outcomes
from loopstat.moves.settings import POLICIES, MoveSettings
from loopstat.moves.sweep.sweep import Progress, Sweep, with_policy
from studies.claim_points import Claim, Figure, Found, Points, median, verdict_of

MOST_MOVES = 1000  # after which a run counts as never arriving
TIMES = (3.0, 5.0)  # what is claimed for the trust region
COMPLEX = 20.0  # defects at the start from which a setting counts as complex: the upper half of the slider
ARRIVE = 0.95  # share of runs that must arrive
QUOTABLE = 2.0  # ratio of the late to the early arrivals up to which one number of moves can be quoted
CLOSE = 1.25  # factor within which the mean path must foretell the median
LEVEL = 0.95


@dataclass(frozen=True)
class Bench:
    """Runs settings for a claim, all on the same random numbers."""

    replicates: int
    seed: int
    progress: Progress | None

    def run(self, settings: Sequence[MoveSettings], what: str, *, stop: str = "target") -> Outcomes:
        """Return their outcomes; a run is given up after `MOST_MOVES`."""
        options: dict[str, Any] = {"replicates": self.replicates, "seed": self.seed, "progress": self.progress}
        return Sweep.over(settings, what=what, stop=stop, max_moves=MOST_MOVES, **options).runs

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers for bootstrap samples."""
        return np.random.default_rng([self.seed, 4])


def said(e: Estimate) -> str:
    """Return an estimate as text."""
    return show(float(e.value), float(e.low), float(e.high))


# ---------------------------------------------------------------------------- it converges, measurably


def convergence(points: Points, bench: Bench) -> Claim:
    """Judge whether the process has measurable convergence properties.

    At every point each policy is run. The statement holds where, under the trust region, at least 95 % of the runs get
    to the target by P_pass, and their moves are alike: the 95 % quantile at most twice the 5 % one, so that one number
    can be quoted. Beside it: the same by P_good, and whether the mean path, which costs no simulation, foretells the
    median within a quarter.
    """
    many = [with_policy(s, policy) for policy in POLICIES for s in points.settings]
    runs = bench.run(many, "convergence", stop="good")
    n = len(points.settings)
    when = arrivals_of(runs.moves_to_target)
    early, middle, late = np.sort(when, axis=1)[:, [int(q * when.shape[1]) for q in (0.05, 0.5, 0.95)]].T
    arrive, busy = np.isfinite(when).mean(axis=1) >= ARRIVE, middle >= 1
    with np.errstate(invalid="ignore"):
        alike = arrive & (late <= QUOTABLE * np.maximum(early, 1))
        ratio = _foretold(many) / np.maximum(middle, 1)
    close = arrive & (np.abs(np.log(np.maximum(ratio, 1e-9))) <= np.log(CLOSE))
    good = (runs.moves_to_good >= 0).mean(axis=1) >= ARRIVE
    trust = slice(POLICIES.index("trust-region") * n, (POLICIES.index("trust-region") + 1) * n)
    decided = busy[trust]
    found = Found(_spread(when[trust]), alike[trust], decided)
    inside = np.zeros(n, dtype=bool)
    inside[points.ranged] = True
    keep = decided & inside

    def part(of: Any, policy: str = "trust-region") -> Estimate:
        place = POLICIES.index(policy) * n
        return share(of[place : place + n][inside & busy[place : place + n]])

    parts = {"arrive": part(arrive), "alike": part(alike), "close": part(close), "good": part(good)}
    figures = (
        Figure("converges_by_pass", "at least 95 % of runs get to P_pass >= target: trust region", parts["arrive"]),
        *(Figure(f"converges_{p.replace('-', '_')}", f"the same, {p}", part(arrive, p)) for p in POLICIES[:2]),
        Figure("converges_by_good", "at least 95 % of runs get to P_good >= target: trust region", parts["good"]),
        Figure("quotable", "and 95 % quantile of moves at most twice the 5 % one", parts["alike"]),
        Figure("foretold", "and the mean path within a quarter of the median", parts["close"]),
        Figure(
            "foretold_ratio",
            "moves by the mean path over the median, where both arrive",
            median(_known(ratio[trust][keep])),
        ),
    )
    answer = (
        f"Under the trust region the visible defects converge in {said(parts['arrive'])} of the range "
        f"(vibe {said(figures[1].value)}, planner {said(figures[2].value)}), and one can quote the number of moves in "
        f"{said(parts['alike'])}. By P_good they converge in {said(parts['good'])} of it only, "
        f"and the mean path foretells the median in {said(parts['close'])}."
    )
    return Claim(
        "convergence",
        "Such a loop is a random search whose convergence can be measured and quoted.",
        " ".join((convergence.__doc__ or "").split("\n\n", 1)[1].split()),
        verdict_of([parts["arrive"], parts["alike"]], int(keep.sum())),
        answer,
        "Moves, cost and risk of such a loop do have laws that can be computed; policies that let the radius shrink do "
        "stall, as the page's pictures show.",
        effect_meaning="moves by which 95 % of the runs are there over those by which 5 % are",
        figures=figures,
        **found.over(points),
    )


def _spread(when: Float) -> Estimate:
    """Return the ratio of the 95 % to the 5 % quantile of arrivals, with the most that both intervals allow."""
    ends = []
    for row in np.sort(when, axis=1):
        late, early = quantile(row, 0.95), quantile(row, 0.05)
        pairs = ((late.value, early.value), (late.low, early.high), (late.high, early.low))
        ends.append([float(a) / max(float(b), 1.0) if np.isfinite(a) else np.inf for a, b in pairs])
    value, low, high = np.array(ends).T
    lost = ~np.isfinite(value)
    return Estimate(*(np.where(lost, np.nan, x) for x in (value, low, high)))


def _known(values: Float) -> Float:
    return values[np.isfinite(values)]


def _foretold(many: Sequence[MoveSettings]) -> Float:
    """Return the moves after which the mean path gets to the target; infinite where it does not."""
    passing = mean_path(many, max_moves=MOST_MOVES).p_pass
    there = passing >= np.array([s.target_reliability for s in many])[:, None]
    return np.where(there.any(axis=1), np.argmax(there, axis=1).astype(np.float64), np.inf)


# ------------------------------------------------------------------------- trust region against greedy


def trust_region(points: Points, bench: Bench) -> Claim:
    """Judge whether a trust region is 3 to 5 times faster than a greedy loop of equal cost.

    Greedy keeps its edit radius for ever and accepts whatever review and tests let pass: policy vibe with decay 1, and
    the same team, so that a move costs the same. Better is the ratio of the median moves until P_pass is at least the
    target, greedy over trust region. It holds at a point where that ratio is at least 3; whether it is 5 at most is
    said beside it. Where greedy does not arrive within 1,000 moves the ratio is at least 1,000 over the trust
    region's.
    """
    n = len(points.settings)
    trust = [with_policy(s, "trust-region") for s in points.settings]
    greedy = [s.but(policy="vibe", decay_rate=1.0) for s in points.settings]
    bold = [s.but(edit_radius=t.tr_max_radius) for s, t in zip(greedy, trust, strict=True)]
    runs = bench.run([*trust, *greedy, *bold], "trust region")
    medians = Medians.of(arrivals_of(runs.moves_to_target), rng=bench.rng)
    ratio, decided = _ratio(medians, n, 1)
    other, _ = _ratio(medians, n, 2)
    good = Paired.mean(runs.good_at_end)
    better = (good[:n] - good[n : 2 * n]).value
    found = Found(ratio, np.asarray(ratio.value >= TIMES[0]) & decided, decided)
    r = points.ranged
    value, known = np.asarray(ratio.value)[r], decided[r]
    hard = known & (points.values("difficulty") >= COMPLEX)
    small = known & (points.values("edit_radius") <= 0.3)
    grows = known & (points.values("edit_radius") < trust[0].tr_max_radius)
    at_least, within = value >= TIMES[0], (value >= TIMES[0]) & (value <= TIMES[1])
    figures = (
        Figure("at_least_3", "ratio at least 3, of the decided points", share(at_least[known])),
        Figure("from_3_to_5", "ratio from 3 to 5", share(within[known])),
        Figure("above_1", "ratio above 1: faster at all", share((value > 1)[known])),
        Figure(
            "complex_at_least_3",
            f"ratio at least 3 where it starts with {COMPLEX:g} defects or more",
            share(at_least[hard]),
        ),
        Figure("complex_ratio", "median ratio there", median(value[hard])),
        Figure(
            "small_radius_at_least_3", "ratio at least 3 where the edit radius is at most 0.3", share(at_least[small])
        ),
        Figure("small_radius_ratio", "median ratio there", median(value[small])),
        Figure(
            "bold_ratio",
            "ratio against greedy with the trust region's largest radius, where it starts below that",
            median(np.asarray(other.value)[r][grows]),
        ),
        Figure("good_difference", "P_good at the end, trust region less greedy", average(better[r][known])),
    )
    named = [f"{c.name} {float(c.value.value):.1f}" for c in found.over(points)["cases"] if np.isfinite(c.value.value)]
    answer = (
        f"The trust region needs fewer moves in {said(figures[2].value)} of the range, at least 3 times fewer in "
        f"{said(figures[0].value)} (complex starts {said(figures[3].value)}; edit radius up to 0.3 "
        f"{said(figures[5].value)}). Ratios: {', '.join(named)}. It comes from the radius alone: greedy that starts at "
        f"the trust region's largest radius is faster than it (median ratio {said(figures[7].value)})."
    )
    return Claim(
        "trust_region",
        "On hard tasks a trust region is three to five times better than a greedy loop.",
        " ".join((trust_region.__doc__ or "").split("\n\n", 1)[1].split()),
        verdict_of([figures[3].value, figures[5].value, figures[0].value], int(known.sum())),
        answer,
        "From the small edit radius of the page's own defaults it is right, scenarios included: a radius that may grow "
        "is worth a factor of several, at the same cost per move and with no more hidden defects.",
        effect_meaning="median moves of greedy over those of the trust region",
        figures=figures,
        **found.over(points),
    )


def _ratio(medians: Medians, n: int, against: int) -> tuple[Estimate, Any]:
    """Return the ratio of the medians to those of the trust region, and where it can be said to be 3 or not.

    A median beyond the end of the moves counts as that end: the ratio is then at least what it says.
    """

    def over(m: Float) -> Float:
        return np.maximum(np.minimum(m, MOST_MOVES), 0.5)

    first, second = slice(0, n), slice(against * n, (against + 1) * n)
    value = over(medians.value[second]) / over(medians.value[first])
    draws = over(medians.draws[:, second]) / over(medians.draws[:, first])
    low, high = percentile_interval(draws, LEVEL)
    lost = ~np.isfinite(medians.value[second])
    high = np.where(lost, np.inf, high)
    arrives = np.isfinite(medians.value[first]) & (medians.value[first] >= 1)
    decided = arrives & (~lost | (value >= TIMES[0]))
    blank = ~np.isfinite(medians.value[first])
    return Estimate(*(np.where(blank, np.nan, x) for x in (value, low, high))), decided
