"""The pictures of a drift fit and of groups against each other, each described once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from ...arrays import Bool, Float, Int
from ...inference.pareto import ParetoGroup, half_curve
from ...panel.groups import label_of
from ...panel.panel import Panel
from ...results.chart import (
    Arrows,
    Axis,
    Bar,
    Bars,
    Chart,
    Dot,
    Dots,
    Line,
    Margin,
    Mark,
    Paths,
    Points,
    Region,
    Rule,
    Share,
    Tone,
    category,
)
from ...results.document import figure
from ...results.words import cell, clean_sentence, number
from ..analysis import DriftAnalysis
from ..compare import SURE, Comparison
from ..fit import LinearDriftFit
from ..readings.interference import CAUSES
from ..readings.regimes import eigenvalues
from ..readings.skill import BASELINES
from .seen import BASELINE_WORDS, Seen, disagreement, pairs_by_strength, short_label

MAX_CLOUD = 150
MAX_BARS = 6
MAX_ENDS = 150
MAX_NAMED = 300  # ends that are named one by one
SIDE = 9  # arrows along a side of the phase plane
CAUSE_TONES: dict[str, Tone] = {
    "noise": "c4",
    "drift": "c1",
    "transient": "c2",
    "rest": "context",
    "innovations": "c4",
    "scorer": "c3",
    "feedback": "c1",
    "mean_path": "c2",
    "first_steps": "c5",
    "misfit": "context",
}
DIFFERENCES = {
    "kept_end": "kept ends",
    "equilibrium": "equilibria",
    "rate_exact": "rates per step",
    "coupling": "couplings per step",
}

Span = tuple[float, float]


def group_charts(seen: Seen) -> list[Chart]:
    """Return the pictures of one group but its fans."""
    makers = (phase, disc, skill, *((estimators,) if disagreement(seen.fit) else ()), interference)
    return [chart for maker in makers if (chart := maker(seen)) is not None]


# -------------------------------------------------------------------------------- fans


def fans(seen: Seen) -> list[Chart]:
    """Return one picture per objective of its sessions over steps; none where nothing was repeated."""
    return [fan(seen, j) for j in range(len(seen.names))] if len(seen.fit.path.step) > 1 else []


def fan(seen: Seen, j: int) -> Chart:
    """Return one objective of every session by step, the mean with its interval, where it heads, where it ends."""
    path, name = seen.fit.path, seen.names[j]
    steps = path.step.astype(np.float64)
    marks: list[Mark] = []
    sessions = None if seen.drawn is None else _grid(seen.drawn, path.step, j)
    if sessions is not None and seen.drawn is not None:
        names = _session_names(seen.drawn.session_names)
        marks.append(Paths(steps, sessions, names, "sessions" if len(names) > 1 else "the session"))
    rest, end = seen.figure(seen.rest_path, j), seen.figure("kept_end.mean", j)
    if rest.value is not None:
        value, low, high = rest.figures
        band = (-np.inf if low is None else low, np.inf if high is None else high)
        marks.append(Rule("y", value, *band, seen.rest_word, "c5"))
    mean = path.mean[:, j]
    marks.append(Line(steps, mean, path.low[:, j], path.high[:, j], f"mean of {path.label}", "ours", strong=True))
    if end.value is not None:
        marks.append(Margin(end, seen.end_word))
    described = f"{name}: the mean goes from {number(mean[0], 3)} at step {path.step[0]} to {number(mean[-1], 3)} "
    described += f"at step {path.step[-1]}; sessions end at {cell(end)}"
    described += f"; {seen.rest_word} {cell(rest)}." if rest.value is not None else "."
    x, y = Axis("step", whole=True), _axis_of(seen, j, _limits(_near(sessions, mean, rest.figures)))
    key = f"{seen.key}-fan-{j}"
    return Chart(key, name, tuple(marks), x, y, described, _drawn_note(seen), live=True, link="session")


def _session_names(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(clean_sentence(n)[:80] for n in names)


def _drawn_note(seen: Seen) -> str:
    n, every = (0 if seen.drawn is None else seen.drawn.n_sessions), seen.fit.counts["n_sessions"]
    return f"{n:,} of {every:,} sessions are drawn; figures are from all." if 0 < n < every else ""


def _grid(panel: Panel, steps: np.ndarray, j: int) -> Float | None:
    """Return scores by session and step, shape (n_sessions, n_steps), NaN where there is none; None without any."""
    values = panel.x[:, j]
    if np.isnan(values).all():
        return None
    grid = np.full((panel.n_sessions, len(steps)), np.nan)
    position = np.searchsorted(steps, panel.step)
    inside = position < len(steps)
    inside[inside] = steps[position[inside]] == panel.step[inside]
    grid[panel.session[inside], position[inside]] = values[inside]
    return grid


def _near(sessions: Float | None, mean: Float, rest: Sequence[float | None]) -> Float:
    """Return what a picture must hold: the scores, the mean, and the point of rest where it is not far off."""
    held = mean if sessions is None else np.append(sessions[~np.isnan(sessions)], mean)
    if rest[0] is not None and abs(rest[0] - (held.min() + held.max()) / 2) < 1.2 * np.ptp(held):
        held = np.append(held, rest[0])
    return held


def _limits(values: Float) -> Span:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    pad = 0.06 * (high - low) if high > low else 0.5
    return low - pad, high + pad


def _axis_of(seen: Seen, j: int, limits: Span | None = None) -> Axis:
    objective = seen.fit.objectives[j]
    return Axis(seen.names[j], limits=limits, better=1 if objective.maximize else -1)


# -------------------------------------------------------------------------- phase plane


def phase(seen: Seen, pair: tuple[int, int] | None = None) -> Chart | None:
    """Return where the drift pushes in the plane of two objectives, where the mean goes and where it would rest."""
    fit, pairs = seen.fit, pairs_by_strength(seen.fit)
    if fit.model is None or len(seen.names) < 2 or len(fit.path.mean) == 0:
        return None
    i, j = pair or (pairs[0] if pairs else (0, 1))
    path = fit.path.mean[:, [i, j]]
    cloud = _states(seen.drawn, i, j)
    limits = tuple(_middle(np.append(path[:, k], cloud[:, k])) for k in (0, 1))
    shown, arrows = _inside(cloud, limits), _field(fit, i, j, limits).T
    marks: list[Mark] = [Points(shown[:, 0], shown[:, 1], label="states", tone="context", faint=True)]
    marks += _last_states(seen.drawn, i, j, limits)
    marks.append(Arrows(arrows[0], arrows[1], arrows[2], arrows[3]))
    marks.append(Line(path[:, 0], path[:, 1], tone="ours", strong=True))
    resting = _resting(seen, i, j, limits)
    crowded = bool(resting) and _close(seen, path[0], (i, j), limits)
    marks.append(Points(path[:1, 0], path[:1, 1], names=("start",), shape="ring", named=not crowded))
    marks += resting
    names = seen.names
    described = f"Drift field of {names[i]} and {names[j]}, mean path and {seen.rest_word}"
    axes = (_axis_of(seen, i, limits[0]), _axis_of(seen, j, limits[1]))
    note = (
        "Arrows: the fitted change of a "
        + ("proposal" if fit.lineage else "step")
        + ", other objectives at their mean."
    )
    return Chart(f"{seen.key}-phase", "Where the drift pushes", tuple(marks), *axes, described, note, link="session")


def _close(seen: Seen, start: Float, pair: tuple[int, int], limits: Sequence[Span]) -> bool:
    """Return whether the start lies so near the point of rest that two names would cover each other."""
    rest = np.array([seen.figure(seen.rest_path, k).figures[0] for k in pair], dtype=np.float64)
    return bool((np.abs(rest - start) < (0.3, 0.08) * np.ptp(np.array(limits), axis=1)).all())


def _states(panel: Panel | None, i: int, j: int) -> Float:
    if panel is None:
        return np.zeros((0, 2))
    points = panel.x[panel.complete][:, [i, j]]
    take = np.linspace(0, len(points) - 1, min(len(points), MAX_CLOUD)).astype(int)
    return np.asarray(points[take])


def _last_states(panel: Panel | None, i: int, j: int, limits: Sequence[Span]) -> list[Mark]:
    """Return where each session that is drawn was seen last, by its name."""
    if panel is None or not panel.complete.any():
        return []
    rows = np.flatnonzero(panel.complete)
    last = rows[np.r_[np.diff(panel.session[rows]) > 0, True]]
    points = panel.x[last][:, [i, j]]
    inside = _are_inside(points, limits)
    names = _session_names([panel.session_names[s] for s in panel.session[last[inside]]])
    return [Points(points[inside, 0], points[inside, 1], names=names, label="last states", tone="ours", faint=True)]


def _middle(values: Float) -> Span:
    low, high = np.quantile(values, 0.01), np.quantile(values, 0.99)
    pad = 0.08 * (high - low) if high > low else 0.5
    return float(low - pad), float(high + pad)


def _inside(points: Float, limits: Sequence[Span]) -> Float:
    return np.asarray(points[_are_inside(points, limits)])


def _are_inside(points: Float, limits: Sequence[Span]) -> Bool:
    low, high = np.array(limits).T
    return np.asarray(((points >= low) & (points <= high)).all(axis=1))


def _field(fit: LinearDriftFit, i: int, j: int, limits: Sequence[Span]) -> Float:
    """Return where, and the drift there, on a grid of the plane, other objectives at the mean of the path: (k, 4)."""
    assert fit.model is not None  # noqa: S101 - drawn only where there is a fit
    gx, gy = np.meshgrid(*(np.linspace(low, high, SIDE + 2)[1:-1] for low, high in limits))
    x = np.tile(fit.path.mean.mean(axis=0), (gx.size, 1))
    x[:, i], x[:, j] = gx.ravel(), gy.ravel()
    drift = x @ fit.model.A.T + fit.model.b
    return np.column_stack([x[:, i], x[:, j], drift[:, i], drift[:, j]])


def _resting(seen: Seen, i: int, j: int, limits: Sequence[Span]) -> list[Mark]:
    (a, a0, a1), (b, b0, b1) = (seen.figure(seen.rest_path, k).figures for k in (i, j))
    if a is None or b is None or not all(lo <= v <= hi for v, (lo, hi) in zip((a, b), limits, strict=True)):
        return []
    word = "proposals' rest" if seen.fit.lineage else seen.rest_word
    (left, right), (low, high) = _cut(a0, a1, limits[0]), _cut(b0, b1, limits[1])
    across = Line([left, right], [b, b], tone="c5")
    return [across, Points([a], [b], [low], [high], (word,), tone="c5", shape="diamond", named=True)]


def _cut(low: float | None, high: float | None, limits: Span) -> Span:
    ends = (limits[0] if low is None else low, limits[1] if high is None else high)
    return float(np.clip(ends[0], *limits)), float(np.clip(ends[1], *limits))


# ------------------------------------------------------------------ one fit's other pictures


def disc(seen: Seen) -> Chart | None:
    """Return the eigenvalues of the one-step map on the unit disc with their bootstrap cloud."""
    fit = seen.fit
    if not fit.regimes:
        return None
    angle = np.linspace(0, 2 * np.pi, 121)
    draws = fit.draws.get("M")
    values = eigenvalues(draws[~np.isnan(draws).any(axis=(1, 2))][:MAX_CLOUD]).ravel() if draws is not None else None
    cloud = np.zeros(0, complex) if values is None else values[np.abs(values) < 1.25]
    modes = [complex(r.re.value, r.im.value) for r in fit.regimes]
    words = ", ".join(f"{abs(z):.3g} {r.regime}" for z, r in zip(modes, fit.regimes, strict=True))
    names = tuple(_named_once(modes, [r.regime for r in fit.regimes]))
    marks: tuple[Mark, ...] = (
        Region(np.cos(angle), np.sin(angle)),
        Points(cloud.real, cloud.imag, label="bootstrap", tone="context", faint=True),
        Points([z.real for z in modes], [z.imag for z in modes], names=names, named=True),
    )
    reach = max(1.12, *(1.08 * abs(z) for z in modes))
    x, y = (
        Axis("real part", limits=(-reach, reach), zero=True),
        Axis("imaginary part", limits=(-reach, reach), zero=True),
    )
    note = "Inside the circle a mode dies out, outside it grows; left of zero it alternates, off the axis it turns."
    described = f"Eigenvalues on the unit disc: {words}"
    return Chart(f"{seen.key}-disc", "How fast each mode dies out", marks, x, y, described, note, equal=True)


def _named_once(modes: Sequence[complex], regimes: Sequence[str]) -> list[str]:
    """Return the names of the modes, each once per crowd of its kind."""
    said: list[str] = []
    for k, (z, name) in enumerate(zip(modes, regimes, strict=True)):
        crowd = any(n == name and abs(z - m) < 0.5 for m, n in zip(modes[:k], said, strict=True))
        said.append("" if crowd or z.imag < 0 else name)
    return said


def skill(seen: Seen) -> Chart | None:
    """Return how much better than its baselines the fit predicts what it has not seen."""
    if "skill.mean" not in seen.fit.estimates:
        return None
    rows = []
    for k, name in enumerate(BASELINES):
        found = seen.figure(f"skill.{name}")
        sure = found.figures[1] is not None and found.figures[1] > 0
        rows.append(Dot(f"against {BASELINE_WORDS[name]}", found, "ours" if sure else "context", category(k)[1]))
    x = Axis("share of squared error saved", limits=(-0.6, 1.0), zero=True)
    return _dots(f"{seen.key}-skill", "Error saved on held-out clusters", rows, x)


def estimators(seen: Seen) -> Chart | None:
    """Return what the estimators that can be had say of the slowest mode, where there are several."""
    rivals = [(k, r) for k, r in enumerate(seen.fit.estimator.rivals) if np.isfinite(r.modulus.value)]
    if len(rivals) < 2:
        return None
    rows = [
        Dot(
            r.name,
            seen.shown(f"estimators.{k}.modulus", r.modulus),
            "ours" if r.name == seen.fit.estimator.name else "context",
            category(k)[1],
        )
        for k, r in rivals
    ]
    low = min(v for _, r in rivals for v in (float(r.modulus.low), float(r.modulus.value)) if np.isfinite(v))
    x = Axis("share of a distance left after a step", limits=(max(low, 0.0), 1.2))
    chart = _dots(f"{seen.key}-estimators", "Slowest mode, by estimator", rows, x)
    return Chart(
        chart.key, chart.title, (Rule("x", 1.0, label="never settles"), *chart.marks), x, described=chart.described
    )


def _dots(key: str, title: str, rows: Sequence[Dot], x: Axis) -> Chart:
    words = "; ".join(f"{row.label} {cell(row.figure)}" for row in rows)
    return Chart(key, title, (Dots(tuple(rows)),), x, described=f"{title}: {words}")


def interference(seen: Seen) -> Chart | None:
    """Return the correlation of each pair's changes, and what it is made of: the pieces add up to it."""
    pairs = pairs_by_strength(seen.fit)[:MAX_BARS]
    if not pairs or not seen.fit.causes:
        return None
    rows = tuple(_causes(seen, pair) for pair in pairs)
    sums = [sum(abs(piece.value) for piece in row.pieces) for row in rows]
    reach = max(1.0, *sums)
    words = "; ".join(f"{row.label} {cell(row.total)}" for row in rows if row.total is not None)
    described = f"Correlation of changes and its causes: {words}"
    x = Axis("correlation of the changes", limits=(-reach, reach), zero=True)
    return Chart(
        f"{seen.key}-interference", "What makes objectives move together", (Bars(rows),), x, described=described
    )


def _causes(seen: Seen, pair: tuple[int, int]) -> Bar:
    pieces = tuple(Share(CAUSES[c], v, CAUSE_TONES[c]) for c, v in seen.fit.parts_of(*pair).items() if v)
    label = f"{seen.names[pair[0]]} and {seen.names[pair[1]]}"
    return Bar(label, pieces, seen.figure("interference.total", *pair))


# --------------------------------------------------------------------------- all groups


def ends(result: DriftAnalysis, j: int) -> Chart:
    """Return where every group ends on one objective."""
    rows = []
    for k, g in enumerate(result.groups):
        tone, shape = category(k)
        found = figure(g.estimates.get("kept_end.mean"), j, place=f"groups.{k}.kept_end.mean")
        rows.append(Dot(short_label(g), found, tone, shape))
    name = clean_sentence(result.objectives[j].name)
    return replace(_dots(f"ends-{j}", f"{name}: where sessions end", rows, Axis(name)), link="group")


def comparisons(found: Sequence[Comparison], quantity: str = "kept_end", objective: str | None = None) -> Chart | None:
    """Return the differences of one quantity between groups; of one objective, or of all, one after the other."""
    wanted = [(k, c) for k, c in enumerate(found) if c.quantity == quantity and objective in (None, c.objective)]
    known = list(dict.fromkeys(c.objective for _, c in wanted))
    called = _short_labels([label for _, c in wanted for label in (c.a, c.b)])
    rows = [
        Dot(
            f"{called[c.a]} − {called[c.b]}" + (f", {clean_sentence(str(c.objective))}" if len(known) > 1 else ""),
            figure(c.difference, place=f"comparisons.{k}.difference"),
            "ours" if c.difference.p_adjusted < SURE else "context",
            "circle" if c.difference.p_adjusted < SURE else "ring",
        )
        for k, c in sorted(wanted, key=lambda row: known.index(row[1].objective))
    ]
    if not rows:
        return None
    one = f" on {clean_sentence(known[0])}" if len(known) == 1 and known[0] else ""
    x = Axis(f"difference of the {DIFFERENCES[quantity]}{one}", zero=True)
    note = f"Filled: p < {SURE:g} after Holm's correction."
    return replace(_dots(f"comparisons-{quantity}", "Differences between groups", rows, x), note=note)


def _short_labels(labels: Sequence[str]) -> dict[str, str]:
    """Return groups' labels without the column they all begin with."""
    columns = {label.partition("=")[0] for label in labels}
    start = len(columns.pop()) + 1 if len(columns) == 1 and all("=" in label for label in labels) else 0
    return {label: clean_sentence(label[start:]) for label in labels}


def pareto(result: DriftAnalysis, pair: tuple[int, int] = (0, 1)) -> Chart | None:
    """Return the ends of every group in two objectives with the line that half of its ends reach."""
    if not result.pareto or len(result.objectives) < 2 or len(result.pareto[0].ends) == 0:
        return None
    columns = list(pair)
    signs = np.array([1 if result.objectives[c].maximize else -1 for c in columns])
    limits = _pareto_limits([p.ends[:, columns] for p in result.pareto])
    short = [short_label(next(g for g in result.groups if g.label == p.label)) for p in result.pareto]
    few = sum(len(p.ends) for p in result.pareto) <= MAX_NAMED
    marks: list[Mark] = []
    for k, p in enumerate(result.pareto):
        tone = category(k)[0]
        points = p.ends[:, columns]
        curve = np.clip(half_curve(points * signs, p.reference[columns] * signs) * signs, *np.array(limits).T)
        shown = np.flatnonzero(_are_inside(points, limits))[:MAX_ENDS]
        names = _end_names(result, p, shown) if few else (short[k],) * len(shown)
        marks.append(Points(points[shown, 0], points[shown, 1], names=names, tone=tone, faint=True))
        marks.append(Line(curve[:, 0], curve[:, 1], tone=tone, stroke=("solid", "dashed", "dotted")[k // 6 % 3]))
    marks += _medians([p.ends[:, columns] for p in result.pareto], limits, short)
    sides = [clean_sentence(result.objectives[c].name) for c in columns]
    x, y = (Axis(n, limits=span, better=int(s)) for n, span, s in zip(sides, limits, signs, strict=True))
    described = f"Ends of every group on {sides[0]} and {sides[1]}, with the line that half of its ends reach"
    key = ", ".join(f"{k + 1} {name}" for k, name in enumerate(short))
    note = f"Marks: medians of {key}; lines: what half of a group's ends reach."
    link: Literal["session", "group"] = "session" if few else "group"
    return Chart("pareto", "Ends of every group", tuple(marks), x, y, described, note, link=link)


def _end_names(result: DriftAnalysis, group: ParetoGroup, shown: Int) -> tuple[str, ...]:
    """Return the names of the sessions that end there; none in a result read back."""
    if result.panel is None:
        return ()
    own = {label_of(values): part for values, part in result.panel.split(list(result.settings["by"]))}[group.label]
    sessions = own.ends()[0]
    return _session_names([own.session_names[s] for s in sessions[shown]])


def _medians(groups: Sequence[Float], limits: Sequence[Span], names: Sequence[str]) -> list[Mark]:
    """Return the median of every group with its number; where medians crowd, their numbers stand together."""
    middles = [np.median(points, axis=0) if len(points) else np.full(2, np.nan) for points in groups]
    span = np.ptp(np.array(limits), axis=1)
    marks: list[Mark] = []
    for k, middle in enumerate(middles):
        near = [j for j, other in enumerate(middles) if (np.abs(other - middle) < 0.03 * span).all()]
        if near:
            tone, shape = category(k)
            name, label = ", ".join(str(j + 1) for j in near) if k == near[0] else "", f"{k + 1} {names[k]}"
            marks.append(Points(middle[:1], middle[1:], None, None, (name,), label, tone, shape, named=True))
    return marks


def _pareto_limits(groups: Sequence[Float]) -> tuple[Span, Span]:
    every = np.concatenate(groups)
    middles = [np.median(p, axis=0) for p in groups if len(p)]
    low = np.min([np.quantile(every, 0.005, axis=0), *middles], axis=0)
    high = np.max([np.quantile(every, 0.995, axis=0), *middles], axis=0)
    pad = np.where(high > low, 0.06 * (high - low), 0.5)
    (x0, y0), (x1, y1) = (low - pad).tolist(), (high + pad).tolist()
    return (x0, x1), (y0, y1)
