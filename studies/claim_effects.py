"""Three published statements about settings: what r and H trade, how many reviewers, and whether levers multiply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from loopstat.arrays import Bool, Float
from loopstat.inference.differences import Paired, exponential
from loopstat.inference.estimate import Estimate
from loopstat.inference.intervals import average, share
from loopstat.moves.settings import MoveSettings
from loopstat.moves.sweep.sweep import with_policy
from studies.claim_points import Claim, Figure, Found, Points, median, verdict_of
from studies.claim_speed import MOST_MOVES, Bench, said

LEVELS = {"oracle_resolution": (0.3, 0.6, 0.9), "human_prior": (0.2, 0.5, 0.8)}
CORRELATIONS = (0.0, 0.45, 0.9)  # ends and middle of the slider
SIZES = tuple(range(9))  # numbers of reviewers, all of the slider
LOW_HIGH = {"model_prior": (0.25, 0.75), "human_prior": (0.25, 0.75)}  # quarters of the sliders
SMALL = np.log(1.25)  # interaction, in logarithms, below which effects are said to multiply
SHY = 1.0  # moves below which there is nothing to speed up


def _meaning(judge: Any) -> str:
    return " ".join((judge.__doc__ or "").split("\n\n", 1)[1].split())


def _clear(e: Estimate, sign: int) -> Bool:
    """Return where an interval lies on one side of 0."""
    return np.asarray(e.low > 0 if sign > 0 else e.high < 0)


# --------------------------------------------------------------------------- r and H: speed for quality


def tradeoffs(points: Points, bench: Bench) -> Claim:
    """Judge whether oracle resolution and human prior trade speed for quality, predictably.

    At every point r is set to 0.3, 0.6, 0.9 and H to 0.2, 0.5, 0.8, under the trust region. Raising one trades speed
    for quality where mean moves to the stop and mean P_good at the stop go the same way, both beyond their 95 %
    intervals (slower and better, or faster and worse); predictably, where the middle level lies between the ends on
    both. The statement holds at a point where both r and H do.
    """
    n = len(points.settings)
    many = [
        with_policy(s, "trust-region", **{name: v}) for name, vs in LEVELS.items() for v in vs for s in points.settings
    ]
    runs = bench.run(many, "trade-offs")
    moves, good = Paired.log_mean(np.maximum(runs.moves_made, 1e-9)), Paired.mean(runs.good_at_end)
    r, h = (_Trade.of(moves, good, first * n, n) for first in (0, 3))
    busy = np.asarray(runs.moves_made.reshape(6, n, -1).mean(axis=2).min(axis=0) >= SHY)
    found = Found(r.good, r.trades & h.trades, busy)
    inside = busy.copy()
    inside[: len(points.names)] = False
    aligned = np.array([s.model_prior > 0.75 for s in points.settings])
    off = _off_formula(points, runs.false_pass[2 * n : 3 * n])
    figures = (
        Figure("r_trades", "raising r trades speed for quality", share(r.trades[inside])),
        Figure("h_trades", "raising H does", share(h.trades[inside])),
        Figure("r_moves", "moves to the stop at r 0.9 over those at 0.3", median(np.exp(r.moves.value[inside]))),
        Figure("r_good", "P_good at the stop, r 0.9 less 0.3", median(r.good.value[inside])),
        Figure("h_moves", "moves to the stop at H 0.8 over those at 0.2", median(np.exp(h.moves.value[inside]))),
        Figure("h_good", "P_good at the stop, H 0.8 less 0.2", median(h.good.value[inside])),
        Figure("h_gains", "raising H is faster and better, or as good", share(h.gains[inside])),
        Figure("h_loses", "raising H is slower and worse, or as good", share(h.loses[inside])),
        Figure("h_loses_aligned", "the same where the model prior is above 0.75", share(h.loses[inside & aligned])),
        Figure(
            "false_pass_ratio",
            "false pass at the stop over 1 - target^((1 - r)/r), what the formula says of one mass, at r 0.9",
            median(off[inside]),
        ),
    )
    answer = (
        f"r does, in {said(figures[0].value)} of the range: from 0.3 to 0.9 it takes {said(figures[2].value)} times "
        f"the moves and adds {said(figures[3].value)} to P_good at the stop. H does so in {said(figures[1].value)}: it "
        f"gains on both, or on one for nothing, in {said(figures[6].value)}, and loses in {said(figures[7].value)} "
        f"({said(figures[8].value)} where the model prior is above 0.75): a model that aims well gains little aim from "
        "it, and it narrows the candidates there are to choose from. The direction of r is predictable, the amount is "
        f"not by the page's formula: the false passes are {said(figures[9].value)} times as many (at the page's "
        f"defaults {off[0]:.0f} times), since what slips past the tests stays hidden."
    )
    return Claim(
        "tradeoffs",
        "How much the tests see (r) and how well the task is described (H) trade speed for quality.",
        _meaning(tradeoffs),
        verdict_of([figures[0].value, figures[1].value], int(inside.sum())),
        answer,
        "For the oracle it is right nearly everywhere: a finer oracle costs moves and buys quality, without an "
        "exception worth naming.",
        effect_meaning="P_good at the stop with r 0.9, less that with r 0.3",
        figures=figures,
        **found.over(points),
    )


@dataclass(frozen=True)
class _Trade:
    """What raising one control from its lowest level to its highest changes: ln moves, P_good, and in what sense."""

    moves: Estimate
    good: Estimate
    trades: Bool
    gains: Bool
    loses: Bool

    @classmethod
    def of(cls, moves: Paired, good: Paired, first: int, n: int) -> _Trade:
        low, middle, high = (slice(first + k * n, first + (k + 1) * n) for k in range(3))
        m, g = (moves[high] - moves[low]).estimate(), (good[high] - good[low]).estimate()
        between = _between(moves, low, middle, high) & _between(good, low, middle, high)
        same = (_clear(m, 1) & _clear(g, 1)) | (_clear(m, -1) & _clear(g, -1))
        gains = (_clear(m, -1) & ~_clear(g, -1)) | (_clear(g, 1) & ~_clear(m, 1))
        loses = (_clear(m, 1) & ~_clear(g, 1)) | (_clear(g, -1) & ~_clear(m, -1))
        return cls(m, g, same & between, gains, loses)


def _between(figure: Paired, low: slice, middle: slice, high: slice) -> Bool:
    """Return where the middle level is not clearly outside the ends."""
    first, second = (figure[middle] - figure[low]).estimate(), (figure[high] - figure[middle]).estimate()
    return ~((_clear(first, 1) & _clear(second, -1)) | (_clear(first, -1) & _clear(second, 1)))


def _off_formula(points: Points, false_pass: Float) -> Float:
    """Return the simulated false pass over that of one mass, which stops with ln(1/target)/r defects, at r 0.9."""
    r = LEVELS["oracle_resolution"][-1]
    target = np.array([s.target_reliability for s in points.settings])
    known = np.isfinite(false_pass)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known.any(axis=1), np.where(known, false_pass, 0.0).sum(axis=1) / count, np.nan)
    return np.asarray(mean / (1 - target ** ((1 - r) / r)))


# --------------------------------------------------------------------------------------- reviewer teams


def team_size(points: Points, bench: Bench) -> Claim:
    """Judge whether there is an optimal team of reviewers, and a correlation beyond which one more does not pay.

    At every point the number of reviewers goes from 0 to 8, at correlations 0, 0.45 and 0.9, under the trust region,
    with the costs 1 a candidate, 0.2 a review and 0.1 a test run (the page names none). The best team has the lowest
    cost per good result, mean cost over mean P_good at the stop. There is an optimal size where that lies inside the
    range, 1 to 7, at the point's correlation nearest to its own, and 0 and 8 are both clearly dearer; there is a
    threshold where some further reviewer clearly pays at correlation 0 and clearly does not at 0.9. The statement holds
    at a point where both do.
    """
    n = len(points.settings)
    many = [
        with_policy(s, "trust-region", reviewers=size, correlation=g)
        for g in CORRELATIONS
        for size in SIZES
        for s in points.settings
    ]
    runs = bench.run(many, "team sizes")
    good = Paired.log_mean(np.maximum(runs.good_at_end, 1e-12))
    shape = (len(CORRELATIONS), len(SIZES), n)
    priced = _folded(Paired.log_mean(np.maximum(runs.cost, 1e-9)) - good, shape)
    timed = _folded(Paired.log_mean(np.maximum(runs.moves_made, 1e-9)) - good, shape)
    own = np.argmin(np.abs(np.array([s.correlation for s in points.settings])[:, None] - CORRELATIONS), axis=1)
    at = np.arange(n)
    best = np.argmin(priced.value[own, :, at], axis=1)
    chosen = priced[own, best, at]
    inner = (best > 0) & (best < SIZES[-1])
    for end in (0, SIZES[-1]):
        inner &= _clear((priced[own, end, at] - chosen).estimate(), 1)
    threshold = _threshold(priced)
    busy = np.asarray(runs.moves_made.reshape(*shape, -1).mean(axis=3).min(axis=(0, 1)) >= SHY)
    dearer = exponential((priced[own, SIZES[-1], at] - chosen).estimate())
    found = Found(dearer, inner & threshold, busy)
    inside = busy.copy()
    inside[: len(points.names)] = False
    by_moves = np.argmin(timed.value[own, :, at], axis=1)
    figures = (
        Figure("inner_best", "an optimal size inside the range, by cost per good result", share(inner[inside])),
        Figure("threshold", "a correlation threshold within the range", share(threshold[inside])),
        Figure("best_none", "no reviewer is best", share(best[inside] == 0)),
        Figure("best_one", "one reviewer is best", share(best[inside] == 1)),
        Figure("best_more", "two or more are best", share(best[inside] >= 2)),
        Figure(
            "best_most_by_moves",
            "7 or 8 are best by moves per good result, if reviewing is free",
            share(by_moves[inside] >= 7),
        ),
        Figure(
            "most_ratio",
            "cost per good result with 8 reviewers over that of the best team",
            median(dearer.value[inside]),
        ),
    )
    named = [f"{name} {int(best[k])}" for k, name in enumerate(points.names) if busy[k]]
    answer = (
        f"By cost per good result the best team has no reviewer in {said(figures[2].value)} of the range, one in "
        f"{said(figures[3].value)}, more in {said(figures[4].value)}; it lies inside the range, clearly, in "
        f"{said(figures[0].value)}, and there is a correlation threshold in {said(figures[1].value)}. Best sizes: "
        f"{', '.join(named)}. If reviewing cost nothing, 7 or 8 would be best in {said(figures[5].value)}: without "
        "prices there is no optimum but the end of the slider."
    )
    return Claim(
        "team_size",
        "There is a best number of reviewers, and a correlation beyond which another one does not pay.",
        _meaning(team_size),
        verdict_of([figures[0].value, figures[1].value], int(inside.sum())),
        answer,
        "Returns do diminish with every reviewer, the faster the more they agree (N_eff stays below 1/gamma), so once "
        "reviews are priced there is a best number.",
        effect_meaning="cost per good result with 8 reviewers over that of the best team",
        figures=figures,
        **found.over(points),
    )


def _folded(figure: Paired, shape: tuple[int, ...]) -> Paired:
    return Paired(figure.value.reshape(shape), figure.influence.reshape(*shape, -1))


def _threshold(priced: Paired) -> Bool:
    """Return where some further reviewer, from the second on, clearly pays at correlation 0 and clearly not at 0.9."""
    found = np.zeros(priced.value.shape[-1], dtype=bool)
    for size in SIZES[1:-1]:
        free, tied = ((priced[k, size + 1] - priced[k, size]).estimate() for k in (0, -1))
        found |= _clear(free, -1) & _clear(tied, 1)
    return found


# ------------------------------------------------------------------------------------ levers multiply


def levers_multiply(points: Points, bench: Bench) -> Claim:
    """Judge whether model alignment, trust region and human prior interact multiplicatively.

    At every point the eight combinations are run of model prior 0.25 or 0.75, human prior 0.25 or 0.75, and a fixed
    radius or a trust region. Effects on the mean moves to the stop multiply where they add in its logarithm: where
    every two of them change each other's factor by less than 1.25 (the whole 95 % interval). A pair helps itself where
    that factor of interaction is below 1: together they save more than one after the other. Points whose radius
    starts at the trust region's largest or beyond say nothing: there the trust region is no lever.
    """
    n = len(points.settings)
    many = [
        with_policy(s, policy, model_prior=rho, human_prior=H, decay_rate=1.0, **_capped(s))
        for rho in LOW_HIGH["model_prior"]
        for H in LOW_HIGH["human_prior"]
        for policy in ("vibe", "trust-region")
        for s in points.settings
    ]
    runs = bench.run(many, "levers")
    moves = _folded(Paired.log_mean(np.maximum(runs.moves_made, 1e-9)), (2, 2, 2, n))
    arrived = (runs.moves_to_target >= 0).reshape(8, n, -1).mean(axis=2).min(axis=0) >= 0.95
    grows = np.array([s.edit_radius < s.tr_max_radius for s in points.settings])
    busy = np.asarray(runs.moves_made.reshape(8, n, -1).mean(axis=2).min(axis=0) >= SHY) & arrived & grows
    main = {name: _contrast(moves, (axis,)) for axis, name in enumerate(("model", "human", "trust"))}
    pairs = {"model_human": (0, 1), "model_trust": (0, 2), "human_trust": (1, 2)}
    crossed = {name: _contrast(moves, axes).estimate() for name, axes in pairs.items()}
    small = {name: (e.low > -SMALL) & (e.high < SMALL) for name, e in crossed.items()}
    in_logs, in_moves = _explained(moves.value), _explained(np.exp(moves.value))
    found = Found(exponential(crossed["model_human"]), np.all(list(small.values()), axis=0), busy)
    inside = busy.copy()
    inside[: len(points.names)] = False
    figures = (
        Figure("all_multiply", "all effects multiply", share(found.holds[inside])),
        *(
            Figure(f"{name}_multiply", f"{name.replace('_', ' and ')} do", share(ok[inside]))
            for name, ok in small.items()
        ),
        *(
            Figure(f"{k}_factor", f"factor on the moves of {text}", median(np.exp(main[k].value[inside])))
            for k, text in (("model", "the model prior"), ("human", "the human prior"), ("trust", "the trust region"))
        ),
        *(
            Figure(
                f"{k}_interaction",
                f"interaction of {k.replace('_', ' and ')}: factor on each other's factor",
                median(np.exp(e.value[inside])),
            )
            for k, e in crossed.items()
        ),
        Figure("explained_logs", "spread that main effects explain, in logarithms", median(in_logs[inside])),
        Figure("explained_moves", "spread that main effects explain, in moves", median(in_moves[inside])),
        *_people(bench),
    )
    value = {f.name: said(f.value) for f in figures}
    answer = (
        f"The trust region multiplies with the model prior in {value['model_trust_multiply']} of the range where it "
        f"has room to grow, with the human prior in {value['human_trust_multiply']}. The two priors multiply in "
        f"{value['model_human_multiply']}: they stand in for each other (interaction "
        f"{value['model_human_interaction']}, above 1), as rho_eff = 1 - (1 - rho)(1 - H) says. Main effects alone "
        f"explain {value['explained_logs']} of the spread of ln moves, {value['explained_moves']} of that of moves. "
        "That a novice with a misaligned model and large steps fails is not what the model says: without curvature "
        f"large steps do no harm, and with the page's team they end with P_good {value['novice_good']}, alone with "
        f"{value['novice_alone_good']}, the expert with {value['expert_good']}. With a curvature of 0.1 it is: "
        f"{value['novice_curved_good']} alone against {value['expert_curved_good']}."
    )
    return Claim(
        "levers_multiply",
        "An aligned model, a trust region and a good description multiply each other's effect.",
        _meaning(levers_multiply),
        verdict_of([share(ok[inside]) for ok in small.values()], int(inside.sum())),
        answer,
        "In logarithms the effects come closer to adding up than in moves, so to multiply them is the better rule of "
        "thumb, and the trust region's factor hardly depends on who works with it.",
        effect_meaning="factor by which a high human prior changes the model prior's factor on the moves",
        figures=figures,
        **found.over(points),
    )


def _capped(s: MoveSettings) -> dict[str, float]:
    """Return a start radius that both the fixed radius and the trust region can have."""
    return {"edit_radius": min(s.edit_radius, s.tr_max_radius)}


def _contrast(cells: Paired, axes: tuple[int, ...]) -> Paired:
    """Return a mean difference of high less low along one axis, or of such differences along a second."""
    value, influence = cells.value, cells.influence
    for axis in sorted(range(3), reverse=True):
        if axis in axes:
            value, influence = (np.take(x, 1, axis) - np.take(x, 0, axis) for x in (value, influence))
        else:
            value, influence = value.mean(axis=axis), influence.mean(axis=axis)
    return Paired(value, influence)


def _explained(cells: Float) -> Float:
    """Return the share of the spread of the 2 x 2 x 2 cells that the three main effects explain."""
    total = ((cells - cells.mean(axis=(0, 1, 2))) ** 2).sum(axis=(0, 1, 2))
    parts = [np.diff(cells.mean(axis=tuple({0, 1, 2} - {axis})), axis=0)[0] ** 2 * 2 for axis in range(3)]
    return np.asarray(np.sum(parts, axis=0) / np.where(total > 0, total, np.nan))


def _people(bench: Bench) -> tuple[Figure, ...]:
    """Return how good novices and an expert end, and how often they never arrive; else the page's defaults."""
    novice = MoveSettings(policy="vibe", decay_rate=1.0, model_prior=0.2, human_prior=0.1, edit_radius=2.0)
    alone = novice.but(candidates=1, reviewers=0)
    expert = MoveSettings(model_prior=0.9, human_prior=0.9)
    people = {
        "novice": (novice, "model prior 0.2, human prior 0.1, fixed radius 2"),
        "novice_alone": (alone, "the same with one candidate and no reviewer"),
        "novice_curved": (
            alone.but(collateral=0.1),
            "and with damage that grows with the square of the radius, a3 0.1",
        ),
        "expert": (expert, "model prior 0.9, human prior 0.9, trust region"),
        "expert_curved": (expert.but(collateral=0.1), "the same with a3 0.1"),
    }
    runs = bench.run([s for s, _ in people.values()], "people")
    never = [share(row < 0) for row in runs.moves_to_target]
    good = [average(row) for row in runs.good_at_end]
    figures = []
    for k, (name, (_, text)) in enumerate(people.items()):
        figures.append(Figure(f"{name}_never", f"{text}: share of runs not there in {MOST_MOVES:,} moves", never[k]))
        figures.append(Figure(f"{name}_good", f"{text}: P_good at the end", good[k]))
    return tuple(figures)
