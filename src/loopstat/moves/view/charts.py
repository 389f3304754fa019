"""The pictures of loops of moves, each described once: runs over moves, arrivals, levers, frontier, calibrations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...arrays import Bool, Float, Int
from ...results.chart import Axis, Chart, Dot, Dots, Line, Mark, Paths, Points, Rule, Tone, category
from ...results.words import cell, number, percent, probability
from ..paths import thinned
from .cells import POLICY_LOOK, lever_name, ratio, shown

if TYPE_CHECKING:
    from ...inference.estimate import Estimate
    from ..calibrate.candidates import Curve
    from ..calibrate.fit import GroupCalibration
    from ..fit import MovesRun
    from ..sweep.frontier import Frontier, FrontierPoint
    from ..sweep.planning import PlanFigures
    from ..sweep.reviewer_value import ReviewerValue
    from ..sweep.sensitivity import Effect
    from ..sweep.teams import Teams

SAID, BINS, LEAST_SEEN, THIRD = 41, 20, 20, 3  # points and bins of what tests say, moments of runs in one; 1 of 3
NAMED = 6  # teams of the front that are named at most
FIGURES = {
    "mu": "defects left",
    "delta": "edit radius",
    "acceptance": "share of moves accepted",
    "p_pass": "P_pass",
    "p_good": "P_good",
    "p_false": "risk of a false pass",
}
SHARES = ("acceptance", "p_pass", "p_good", "p_false")
VERDICTS = {"coarse": "coarse tests", "fine": "fine tests", "truth": "the truth"}
BAND = "Line: mean of the runs; band: nine runs in ten; dashed: the mean path."


# -------------------------------------------------------------------------- runs over moves


def of_run(run: MovesRun) -> list[Chart]:
    """Return the pictures of what happens move by move, the one of probabilities first."""
    found = [convergence(run), *(over_moves(run, name) for name in ("delta", "acceptance", "p_false"))]
    return [chart for chart in (*found, efficiency(run), oracle(run)) if chart is not None]


def convergence(run: MovesRun, *, each: bool = True) -> Chart:
    """Return P_pass and P_good over the moves, with the target, where runs stop, and where wanted single runs."""
    target, singles = run.settings.target_reliability, run.path.singles if each else None
    marks: list[Mark] = []
    if singles is not None:
        marks.append(Paths(singles.t.astype(np.float64), singles.p_pass, label=f"{len(singles.p_pass):,} single runs"))
    marks += [Rule("y", target, label=f"target {target:.4g}", stroke="dotted"), *_stop(run)]
    marks += [*_fan(run, "p_pass", "P_pass", "c0"), *_fan(run, "p_good", "P_good", "c2")]
    ends = {FIGURES[name]: run.path.figures[name].value[-1] for name in ("p_pass", "p_good")}
    said = ", ".join(f"{words} {number(value)}" for words, value in ends.items())
    return Chart(
        "convergence",
        "If runs never stopped",
        tuple(marks),
        _moves(run),
        Axis("probability", limits=(0.0, 1.0)),
        f"Probabilities over the moves, if runs never stopped; after {run.path.t[-1]:,} moves {said}.",
        f"{BAND}{' Thin: P_pass of single runs.' if singles is not None else ''}",
        size="wide",
        live=True,
    )


def oracle(run: MovesRun) -> Chart | None:
    """Return what passing tests is worth: P_good against P_pass, of runs on their way and of untouched defects."""
    s, singles = run.settings, run.path.singles
    r = s.oracle_resolution
    says = np.linspace(0.0, 1.0, SAID)
    with np.errstate(divide="ignore"):
        truth = says ** (1 / r) if r > 0 else np.where(says < 1, 0.0, math.exp(-s.difficulty))
    marks: list[Mark] = [
        Line(says, says, label="tests that see all", tone="context", stroke="dotted"),
        Line(says, truth, label=f"tests that see {r:.4g}", tone="c0", stroke="dashed"),
    ]
    at = s.target_reliability
    marks.append(Rule("x", at, label=f"target {at:.4g}", stroke="dotted"))
    found = None if singles is None else _reliability(singles.p_pass[:, ::THIRD], singles.p_good[:, ::THIRD])
    if found is not None:
        marks.append(Line(*found, label="runs", tone="c2", strong=True))
    risk = float(run.false_pass_at_stop.value)
    untouched = probability(at ** (1 / r) if r else 0.0)
    said = f"Tests that see {r:.4g} of the defects: at P_pass {at:.4g} P_good is {untouched} of defects as they come"
    said += "." if math.isnan(risk) else f"; runs that stop there hide one in {percent(risk)}."
    note = (
        "Dashed: defects as they come, P_good = P_pass^(1/r). Runs lie below it, because what slips past the tests is "
    )
    note += "what they do not see. Band: nine moments of runs in ten."
    axes = Axis("P_pass, what the tests say", limits=(0.0, 1.0)), Axis("P_good, the truth", limits=(0.0, 1.0))
    return Chart("oracle", "What passing is worth", tuple(marks), *axes, said, note)


def _reliability(says: Float, truth: Float) -> tuple[Float, Float, Float, Float] | None:
    """Return means of both probabilities by what the tests say, and the ends of nine in ten of the truth."""
    place = np.minimum((says * BINS).astype(np.int64), BINS - 1).ravel()
    counts = np.bincount(place, minlength=BINS)
    known = np.flatnonzero(counts >= LEAST_SEEN)
    if len(known) < 2:
        return None
    x, y = (np.bincount(place, values.ravel(), BINS)[known] / counts[known] for values in (says, truth))
    ordered = np.sort(place + truth.ravel() / 2)  # by place, and inside by the truth
    first = (np.cumsum(counts) - counts)[known]
    low, high = (2 * (ordered[first + (p * (counts[known] - 1)).astype(np.int64)] - known) for p in (0.05, 0.95))
    return x, y, low, high


def over_moves(run: MovesRun, name: str) -> Chart:
    """Return one figure of `FIGURES` over the moves: mean of the runs, the band of nine in ten, and the mean path."""
    marks: list[Mark] = []
    s = run.settings
    if name == "p_false" and math.isfinite(run.moves_to_target.median.value):
        marks += _stop(run)
    if name == "acceptance" and s.policy == "trust-region" and s.tr_band == "winner":
        marks.append(Rule("y", None, s.tr_a_low, s.tr_a_high, "the band it steers for"))
    fan = _fan(run, name, "runs", "c0")
    values = [np.asarray(v) for line in fan for v in (line.y, line.high) if v is not None]
    rest = run.ceiling.mu
    if name == "mu" and rest < max(np.nanmax(v) for v in values):
        marks.append(Rule("y", rest, label=f"mean path stalls at {number(rest)}"))
    limits = (0.0, 1.0) if name in SHARES else (0.0, 1.05 * max(np.nanmax(v) for v in values) or 1.0)
    mean = run.path.figures[name].value
    first, last = mean[np.isfinite(mean)][[0, -1]] if np.isfinite(mean).any() else (math.nan, math.nan)
    title = FIGURES[name][:1].upper() + FIGURES[name][1:]
    described = f"{title} over the moves: {number(first, 3)} at first, {number(last, 3)} at the end."
    note = f"Band: shares of a run's last {s.tr_window} moves." if name == "acceptance" else ""
    axes = (_moves(run), Axis(FIGURES[name], limits=limits))
    return Chart(f"over_moves_{name}", title, (*marks, *fan), *axes, described, note, live=True)


def arrivals(run: MovesRun) -> Chart:
    """Return the share of runs that have arrived after so many moves: tests would pass, and nothing is wrong."""
    t = np.arange(len(run.arrived["target"]))
    kept = thinned(len(t))
    tones: dict[str, tuple[str, Tone]] = {"target": ("tests would pass", "c0"), "good": ("nothing wrong", "c2")}
    lines = [Line(t[kept], run.arrived[key][kept], label=words, tone=tone) for key, (words, tone) in tones.items()]
    said = "; ".join(f"{words} in {percent(float(run.arrived[key][-1]))}" for key, (words, _) in tones.items())
    described = f"Share of runs that have arrived; after {t[-1]:,} moves {said}."
    y = Axis("share of runs", limits=(0.0, 1.0))
    return Chart("arrivals", "Runs that have arrived", tuple(lines), _moves(run), y, described, live=True)


def efficiency(run: MovesRun) -> Chart | None:
    """Return the defects that a unit of cost removes, on average over runs; of free moves, those a move removes."""
    cost = run.settings.move_cost
    removed, of = (run.efficiency.per_cost, "unit of cost") if cost else (run.efficiency.per_move, "move")
    if not np.isfinite(removed).any():
        return None
    kept = thinned(len(removed))
    note = f"A move costs {number(cost, 3)}." if cost else "Moves are free."
    described = f"Defects that a {of} removes: {number(float(np.nanmax(removed)), 3)} at most."
    line = Line(run.path.t[kept], removed[kept], label="removed", tone="c0")
    y = Axis(f"defects a {of} removes", zero=True)
    return Chart("efficiency", f"Defects a {of} removes", (line,), _moves(run), y, described, note, live=True)


def _moves(run: MovesRun) -> Axis:
    return Axis("move", whole=True, limits=(0.0, float(run.path.t[-1])))


def _fan(run: MovesRun, name: str, label: str, tone: Tone) -> list[Line]:
    fan, kept = run.path.figures[name], thinned(len(run.path.t))
    mean_of, low, high = (v[kept] for v in (fan.value, fan.low, fan.high))
    lines = [Line(run.path.t[kept], mean_of, low, high, label, tone, strong=True)]
    mean = {"mu": "mass", "p_pass": "p_pass", "p_good": "p_good", "delta": "radius"}.get(name)
    if mean is not None:
        path = getattr(run.mean_path, mean)[0]
        lines.append(Line(run.path.t[kept], path[run.path.t[kept]], tone=tone, stroke="dashed"))
    return lines


def _stop(run: MovesRun) -> list[Mark]:
    """Return the stretch of the moves in which runs stop at the target."""
    median, first, last = (float(getattr(run.moves_to_target, k).value) for k in ("median", "q05", "q95"))
    return [Rule("x", median, first, last, f"half stop by {median:,.0f}")] if math.isfinite(median) else []


# ------------------------------------------------------------------ levers, sensitivity


def levers(run: MovesRun) -> list[Chart]:
    """Return how far each lever brings P_pass and P_good of the mean path, from where they are."""
    both = run.levers_together
    found = [(f"{lever_name(x.name)}: {x.value:.4g} to {x.best.value:.4g}", x.best, f"levers.{k}.best")
             for k, x in enumerate(run.levers)]  # fmt: skip
    found += [("all at their ends", both.ends, "levers_together")]
    found += [("all, where they give most", both.best, "levers_together.best")]
    charts = []
    for name in ("p_pass", "p_good"):
        now, target = float(getattr(run.ceiling, name)), run.settings.target_reliability
        dots = [Dot(words, shown(getattr(best, name), f"{at}.{name}", "probability")) for words, best, at in found]
        said = "; ".join(f"{dot.label} {cell(dot.figure)}" for dot in dots)
        rules = (Rule("x", now, label="now"), Rule("x", target, label="target", tone="ink", stroke="dotted"))
        title = f"{FIGURES[name]} of the mean path, by lever"
        described = f"{title}; now {probability(now)}: {said}"
        least = min([now, *(float(getattr(best, name)) for _, best, _ in found)])
        x = Axis(FIGURES[name], limits=(max(0.0, 0.8 * least), 1.0))
        charts.append(Chart(f"levers_{name}", title, (*rules, Dots(tuple(dots))), x, described=described))
    return charts


def tornado(effects: Sequence[Effect]) -> Chart | None:
    """Return what a step of each setting multiplies the moves to the target by."""
    known = [e for e in effects if math.isfinite(e.log_moves.value)]
    rows = [Dot(f"{e.name}: {e.lower:.4g} to {e.upper:.4g}", shown(ratio(e.log_moves), form="times")) for e in known]
    if not rows:
        return None
    words = "; ".join(f"{row.label} times {cell(row.figure)}" for row in rows)
    reach = 1.1 * max(abs(v) for row in rows for v in np.log([w for w in row.figure.figures if w]))
    ticks = tuple((v, f"{v:g}") for v in (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10))
    x = Axis("moves to the target, times", log=True, limits=(math.exp(-reach), math.exp(reach)), ticks=ticks)
    title = "What a step of one setting does to the moves"
    marks = (Rule("x", 1.0, label="no change"), Dots(tuple(rows)))
    return Chart("tornado", title, marks, x, described=f"{title}: {words}", size="wide")


# ---------------------------------------------------------------------- plans and teams


def frontier(found: Frontier, best: PlanFigures | None = None) -> Chart | None:
    """Return quality at the end against cost, every team a mark, those that no other beats joined, and the plan."""
    points, front = (
        [p for p in teams if p.cost.value > 0 and math.isfinite(p.good.value)]
        for teams in (found.points, found.front())
    )
    if not front:
        return None
    plan: list[FrontierPoint | PlanFigures] = [best] if best and best.cost.value > 0 else []
    low, high = _quality([float(p.good.value) for p in [*front, *plan]])
    marks: list[Mark] = [Line(*_places(front), tone="context")]
    told = {id(p) for p in _spaced(front)}
    for policy, (tone, shape) in POLICY_LOOK.items():
        beaten = [p for p in points if p.policy == policy and not p.front_cost]
        marks.append(Points(*_places(beaten), tone=tone, faint=True))
        own = [p for p in front if p.policy == policy]
        marks += _spans(own, tone)
        for named in (False, True):
            some = [p for p in own if (id(p) in told) is named]
            names = tuple(f"K {p.candidates} N {p.reviewers}" for p in some)
            ends = _ends([p.good for p in some])
            marks.append(Points(*_places(some), *ends, names, policy, tone, shape, named=named))
    ends = _ends([p.good for p in plan])
    names = ("the plan",) * len(plan)
    marks.append(Points(*_places(plan), *ends, names, "the plan", "ink", "cross", named=True))
    below = sum(float(p.good.value) < low for p in points)
    n = f"{len(front)} of {len(found.points):,} teams"
    words = f"{n} that no other beats, from {_team(front[0])}, to {_team(front[-1])}."
    note = "Each mark is a policy (square vibe, triangle planner, circle trust region) with K candidates and N "
    note += f"reviewers; the line joins the {n} that no other beats."
    note += " Cross: the plan, which may have another edit radius and other rules of stopping." if best else ""
    note += f" {below:,} teams lie below the picture." if below else ""
    costs = [float(p.cost.value) for p in [*points, *plan] if p.good.value >= low]
    x = Axis("cost until the stop, mean", log=True, better=-1, limits=(min(costs) / 1.1, 1.6 * max(costs)))
    y = Axis("P_good at the end", limits=(low, high))
    return Chart("frontier", f"{n} that no other beats", tuple(marks), x, y, words, note, size="wide")


def teams(found: Teams) -> Chart | None:
    """Return quality at the stop against cost for teams of every size, those no other beats joined, and the one set."""
    cost, good = (np.asarray(e.value) for e in (found.cost, found.good))
    front = np.flatnonzero(found.front & (cost > 0))
    if not len(front):
        return None
    front = front[np.argsort(cost[front])]
    names = np.array([f"K {k} N {n}" for k, n in zip(found.candidates.tolist(), found.reviewers.tolist(), strict=True)])
    s, here = found.settings, _here(found)
    marks: list[Mark] = [Line(cost[front], good[front], label="no other beats", tone="context")]
    for n, rest in _by_reviewers(found, cost > 0):
        tone, shape = category(REVIEWERS.index(n))
        words = f"{n}{'' if n < REVIEWERS[-1] else ' or more'} reviewers"
        marks.append(Points(cost[rest], good[rest], names=tuple(names[rest]), label=words, tone=tone, shape=shape))
    if here is not None and cost[here] > 0:
        ends = [here]
        marks.append(Points(cost[ends], good[ends], names=("as it is set",), tone="ink", shape="cross", named=True))
    first, last = (f"{names[k]} (cost {number(cost[k], 3)}, P_good {number(good[k], 3)})" for k in front[[0, -1]])
    by = _followed(found.replicates)
    words = f"{len(front)} of {len(cost)} {s.policy} teams that no other beats, from {first} to {last}. {by}"
    note = "Circles: no reviewer; squares: one; triangles: two or three; diamonds: more; cross: as it is set. The line "
    note += f"joins the {len(front)} that no other beats. {by}"
    limits = math.floor(10 * good.min()) / 10, math.ceil(10 * good.max() + 0.01) / 10
    x, y = Axis("cost until the stop, mean", log=True, better=-1), Axis("P_good at the end", limits=limits)
    return Chart("teams", "Speed against quality", tuple(marks), x, y, words, note, size="wide")


REVIEWERS = (0, 1, 2, 4)  # least numbers of reviewers of the groups that are told apart


def _by_reviewers(found: Teams, some: Bool) -> Iterator[tuple[int, Int]]:
    """Yield the least number of reviewers of every group, and the places of its teams."""
    group = np.searchsorted(REVIEWERS, found.reviewers, side="right") - 1
    for k, n in enumerate(REVIEWERS):
        places = np.flatnonzero((group == k) & some)
        if len(places):
            yield n, places


def _here(found: Teams) -> int | None:
    """Return the place of the team that is set, where a slider allows it."""
    s = found.settings
    at = np.flatnonzero((found.candidates == s.candidates) & (found.reviewers == s.reviewers))
    return int(at[0]) if len(at) else None


def _followed(replicates: int) -> str:
    return f"Means over {replicates:,} runs." if replicates else "Of the mean path, until runs refine it."


def one_more(found: Teams) -> Chart | None:
    """Return what one more reviewer does to the cost of a good result, by the correlation of reviewers."""
    e = found.cost_ratio
    ratio, low, high = (np.asarray(part, dtype=np.float64) for part in (e.value, e.low, e.high))
    if not np.isfinite(ratio).any():
        return None
    n, by = found.settings.reviewers, _followed(found.replicates)
    marks = (
        Rule("y", 1.0, label="no change"),
        Rule("x", found.settings.correlation, label="as it is set", stroke="dotted"),
        Line(found.correlations, ratio, low, high, "cost, times", "c0", strong=True),
    )
    ends = "; ".join(f"correlation {found.correlations[k]:.4g} times {number(ratio[k], 3)}" for k in (0, -1))
    note = f"Below 1 the reviewer pays: a good result costs less. {by}"
    x, y = Axis("correlation of reviewers"), Axis("cost of a good result, times", better=-1)
    return Chart(
        "one_more", f"From {n} to {n + 1} reviewers", marks, x, y, f"Cost of a good result: {ends}. {by}", note
    )


def _places(points: Sequence[FrontierPoint | PlanFigures]) -> tuple[list[float], list[float]]:
    return [float(p.cost.value) for p in points], [float(p.good.value) for p in points]


def _ends(estimates: Sequence[Estimate]) -> tuple[list[float], list[float]]:
    return [float(e.low) for e in estimates], [float(e.high) for e in estimates]


def _spans(points: Sequence[FrontierPoint], tone: Tone) -> list[Line]:
    """Return the intervals of costs."""
    return [Line([float(p.cost.low), float(p.cost.high)], [float(p.good.value)] * 2, tone=tone) for p in points]


def _spaced(front: Sequence[FrontierPoint]) -> list[FrontierPoint]:
    """Return teams of the front that are named: both ends, and what lies far enough from those in cost."""
    logs = [math.log(float(p.cost.value)) for p in front]
    gap = (logs[-1] - logs[0]) / NAMED
    kept = [0, len(front) - 1]
    for k in range(1, len(front) - 1):
        if min(abs(logs[k] - logs[m]) for m in kept) >= gap:
            kept.append(k)
    return [front[k] for k in dict.fromkeys(kept)]


def _team(p: FrontierPoint) -> str:
    cost, good = (cell(shown(e, form=form)) for e, form in ((p.cost, "whole"), (p.good, "figure")))  # type: ignore[arg-type]
    return f"{p.policy} with K {p.candidates}, N {p.reviewers}: cost {cost}, P_good {good}"


def _quality(front: Sequence[float]) -> tuple[float, float]:
    """Return the range of P_good that is shown: that of the unbeaten teams, so that they are told apart."""
    room = max(0.5 * (max(front) - min(front)), 0.02)
    return max(0.0, min(front) - room), min(1.0, max(front) + 0.15 * room + 0.005)


def reviewer(value: ReviewerValue) -> Chart | None:
    """Return what one more reviewer does to the cost of a good result, by the correlation of reviewers."""
    rows = [r for r in value.rows if math.isfinite(r.cost_ratio.value) and r.reviewers == value.rows[0].reviewers]
    if not rows:
        return None
    n, ratios = rows[0].reviewers, [r.cost_ratio for r in rows]
    names = tuple(f"correlation {r.correlation:.4g}" for r in rows)
    ends = _ends(ratios)
    points = Points([r.correlation for r in rows], [float(e.value) for e in ratios], *ends, names, tone="c0")
    title = f"From {n} to {n + 1} reviewers"
    said = "; ".join(f"{name} times {cell(shown(e, form='times'))}" for name, e in zip(names, ratios, strict=True))
    note = "Below 1 the reviewer pays: a good result costs less than without. Cost of a good result: what is paid on "
    note += "average until one comes out with nothing wrong."
    axes = Axis("correlation of reviewers"), Axis("cost of a good result, times", better=-1)
    described = f"Cost of a good result: {said}"
    return Chart("reviewer_value", title, (Rule("y", 1.0, label="no change"), points), *axes, described, note)


# ------------------------------------------------------------------------- calibrations


def curves(group: GroupCalibration, key: str) -> list[Chart]:
    """Return what k candidates do: one passes, by verdict; the mean of the best; how many independent ones they are."""
    inside = {"within": "within tasks", "pooled": "pooled over tasks"}
    best = {} if group.best_of_k is None else {"best": group.best_of_k}
    worth = {inside[name]: c for name, c in group.k_eff.items() if len(c.k)}
    longest = max((c.k for c in worth.values()), key=len, default=np.empty(0)).astype(np.float64)
    same = [Line(longest, longest, label="independent", tone="context", stroke="dashed")]
    passes = {VERDICTS.get(name, name): c for name, c in group.pass_at_k.items()}
    chance, number_of = Axis("chance that one passes", limits=(0.0, 1.0)), Axis("independent candidates", zero=True)
    found = (
        _of_k(f"{key}-passes", "One of k candidates passes", _curves(passes), chance),
        _of_k(f"{key}-best", "The best of k candidates", _curves(best), Axis("truth")),
        _of_k(f"{key}-worth", "What k candidates are worth", [*same, *_curves(worth)], number_of) if worth else None,
    )
    return [chart for chart in found if chart is not None]


def _curves(found: Mapping[str, Curve]) -> list[Line]:
    """Return a line with its band for each curve."""
    return [
        Line(c.k.astype(np.float64), c.estimate.value, c.estimate.low, c.estimate.high, label, category(k)[0])
        for k, (label, c) in enumerate(found.items())
    ]


def _of_k(key: str, title: str, lines: Sequence[Line], y: Axis) -> Chart | None:
    shown_ = [line for line in lines if np.isfinite(np.asarray(line.y)).sum() > 1]
    if not shown_:
        return None
    ends = "; ".join(f"{line.label} {number(float(np.asarray(line.y)[-1]), 3)}" for line in shown_)
    described = f"{title}: at k {int(np.asarray(shown_[0].x)[-1])}, {ends}."
    x = Axis("candidates k", whole=True)
    return Chart(key, title, tuple(shown_), x, y, described, "Bands: intervals by task.", live=True)
