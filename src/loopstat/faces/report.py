"""The report: first everything it says as plain data (`report_data`), then the writing of one self-contained page.

Every figure shown is looked up in the analysis' JSON form and carries its place there, so the page cannot disagree
with it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import PurePath
from typing import Any

import numpy as np

from .. import __version__
from ..arrays import Float
from ..drift.analysis import Analysis
from ..drift.compare import sentences
from ..drift.fit import LinearDriftFit
from ..drift.readings.regimes import eigenvalues
from ..drift.readings.skill import BASELINES
from ..inference.estimate import number
from ..inference.pareto import half_curve
from ..panel.panel import Panel
from . import svg
from .sheets import (
    BASELINE_WORDS,
    Cell,
    Sheet,
    causes_of,
    figure_cell,
    group_sheets,
    lookup,
    p_cell,
    pairs_by_strength,
    rest_word_of,
    shown_as,
    triple_of,
)
from .text import clean_sentence, disagreement, doubts

MAX_SESSIONS = 300  # drawn per group, and
MAX_SESSIONS_ALL = 1000  # in all, and
MAX_VALUES = 240_000  # scores in all: a page is a file that is sent around
MAX_CLOUD = 150
MISSING = 65535

ACTIONS = {"go_on": "go on", "stop": "stop", "cannot_tell": "cannot tell"}


@dataclass(frozen=True)
class Fan:
    """One objective's sessions over steps, for the chart: the mean with its interval, rest and end, sessions packed.

    `sessions` holds 16-bit levels between `low` and `high`, row by row, base64; 65535 is a missing score.
    """

    objective: str
    steps: list[int]
    mean: list[float | None]
    mean_low: list[float | None]
    mean_high: list[float | None]
    rest: list[float | None] | None
    end: list[float | None] | None
    low: float
    high: float
    sessions: str
    names: list[str]
    drawn: str
    summary: str
    rest_word: str = "heads for"


@dataclass(frozen=True)
class GroupData:
    """What the page shows of one group."""

    anchor: str
    label: str
    short: str
    counts: str
    action: str
    action_word: str
    verdict: str
    fans: list[Fan]
    pictures: list[tuple[str, str]]
    sheets: list[Sheet]
    checks: list[dict[str, Any]]
    failed: list[str]
    reasons: dict[str, str]
    fitted: str = ""
    saw: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ReportData:
    """Everything one report says about one analysis, as plain data; nothing in it is HTML but finished pictures."""

    title: str
    size: str
    by: str
    objectives: list[str]
    groups: list[GroupData]
    ends: list[tuple[str, str]]
    comparisons: list[str]
    compared: list[tuple[str, Sheet]]
    pareto: Sheet | None
    pareto_picture: str
    pareto_note: str
    notes: list[str]
    drawn: str
    digest: str
    settings: dict[str, str] = field(default_factory=dict)


# --------------------------------------------------------------------------- the page


def page(results: Analysis | Sequence[Analysis]) -> str:
    """Return the HTML of one or several analyses: one file, no address outside it, every text escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    several = [results] if isinstance(results, Analysis) else list(results)
    environment = Environment(
        loader=PackageLoader("loopstat.faces"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    library = files("loopstat.faces") / "vendor" / "uplot"
    script = (library / "uPlot.iife.min.js").read_text(encoding="utf-8")
    return environment.get_template("report.html").render(
        version=__version__,
        reports=[report_data(r, prefix=f"r{k}-") for k, r in enumerate(several)],
        uplot_css=(library / "uPlot.min.css").read_text(encoding="utf-8"),
        uplot_js=script[script.index("*/") + 2 :],  # its banner holds an address
    )


def report_data(result: Analysis, *, prefix: str = "") -> ReportData:
    """Collect everything the report says.

    Parameters
    ----------
    result : Analysis
    prefix : str
        Put before anchors, where a page holds several reports.
    """
    data = result.to_dict()
    names = [PurePath(f).name for f in result.source.files]
    chosen = _drawn(result)
    groups = [_group(result, data, k, chosen.get(g.label), prefix) for k, g in enumerate(result.groups)]
    sheet, picture_, note = _pareto(result, data)
    return ReportData(
        title=clean_sentence(", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")),
        size=f"{result.n_sessions:,} sessions, {result.n_steps:,} steps",
        by=clean_sentence(", ".join(result.settings["by"])) or "group",
        objectives=_directions(result),
        groups=groups,
        ends=_ends(result, data),
        comparisons=[clean_sentence(s) for s in sentences(result.comparisons, result.groups)],
        compared=_compared(result, data),
        pareto=sheet,
        pareto_picture=picture_,
        pareto_note=note,
        notes=[clean_sentence(n) for n in result.notes],
        drawn=_drawn_sentence(result, chosen),
        digest=result.source.digest,
        settings={k: clean_sentence(_setting(v)) for k, v in result.settings.items() if v not in (None, {}, [])},
    )


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _directions(result: Analysis) -> list[str]:
    """Say which way is better, at once where it is the same for all."""
    names = [clean_sentence(o.name) for o in result.objectives]
    ways = ["larger is better" if o.maximize else "smaller is better" for o in result.objectives]
    if len(set(ways)) == 1:
        return [*names[:-1], f"{names[-1]} ({ways[0]})"]
    return [f"{name} ({way})" for name, way in zip(names, ways, strict=True)]


# -------------------------------------------------------------------------- one group


def _group(result: Analysis, data: Mapping[str, Any], k: int, chosen: Panel | None, prefix: str) -> GroupData:
    group, at = result.groups[k], f"groups.{k}"
    return GroupData(
        anchor=f"{prefix}g{k}",
        label=clean_sentence(group.label),
        short=_short(group),
        counts=f"{group.counts['n_sessions']:,} sessions, {group.counts['n_transitions']:,} "
        + ("proposals" if group.lineage else "transitions")
        + f"; intervals by {clean_sentence(group.clusters['sentence'])} ({group.clusters['n']} clusters)",
        action=group.verdict.action,
        action_word=ACTIONS[group.verdict.action],
        verdict=clean_sentence(group.verdict.sentence),
        fans=_fans(group, data, at, chosen),
        pictures=_pictures(group, data, at, chosen),
        sheets=group_sheets(group, data, at),
        checks=[
            {"name": c.name, "passed": c.passed, "value": number(c.value, 3), "message": clean_sentence(c.message)}
            for c in group.checks
        ],
        failed=doubts(group),
        reasons={key: clean_sentence(why) for key, why in group.reasons.items()},
        fitted=_fitted(group),
        saw=[clean_sentence(s) for s in group.estimator.saw],
    )


def _fitted(group: LinearDriftFit) -> str:
    """Say how the drift was fitted; nothing where there was none to fit."""
    if group.estimator.name is None:
        return f"No drift is reported: {clean_sentence(group.estimator.why)}" if group.refused else ""
    if group.estimator.why == "asked for.":
        return f"{group.estimator.name}, as asked for."
    return clean_sentence(group.estimator.why)


# ------------------------------------------------------------------------- the fan charts


def _drawn(result: Analysis) -> dict[str, Panel]:
    """Choose the sessions that are drawn, evenly through each group: the kept paths."""
    if result.panel is None:
        return {}
    parts = result.panel.split(list(result.settings["by"]))
    each = min(MAX_SESSIONS, max(1, MAX_SESSIONS_ALL // max(len(parts), 1)))
    out = {}
    for group, (_, part) in zip(result.groups, parts, strict=True):
        path = part.kept()
        length = len(path) / max(path.n_sessions, 1)
        room = int(MAX_VALUES / max(len(parts), 1) / max(length * path.n_obj, 1))
        take = np.unique(np.linspace(0, path.n_sessions - 1, min(each, max(room, 5), path.n_sessions)).astype(int))
        out[group.label] = path.take(np.isin(path.session, take))
    return out


def _drawn_sentence(result: Analysis, chosen: Mapping[str, Panel]) -> str:
    shown = sum(p.n_sessions for p in chosen.values())
    if not chosen or shown >= result.n_sessions:
        return ""
    return (
        f"Pictures show {shown:,} of {result.n_sessions:,} sessions, evenly chosen; every figure is from all of them."
    )


def _fans(group: LinearDriftFit, data: Mapping[str, Any], at: str, chosen: Panel | None) -> list[Fan]:
    if len(group.path.step) < 2:
        return []
    return [_fan(group, data, at, chosen, j) for j in range(len(group.names))]


def _fan(group: LinearDriftFit, data: Mapping[str, Any], at: str, chosen: Panel | None, j: int) -> Fan:
    path = lookup(data, f"{at}.path")
    columns = [[row[j] for row in path[key]] for key in ("mean", "low", "high")]
    rest = triple_of(data, f"{at}.drift.{'fixed_point' if group.lineage else 'equilibrium'}", j)
    end = triple_of(data, f"{at}.kept_end.mean", j)
    low, high, packed, names = _packed(group, chosen, j)
    name = clean_sentence(group.names[j])
    return Fan(
        objective=name,
        steps=path["step"],
        mean=columns[0],
        mean_low=columns[1],
        mean_high=columns[2],
        rest=list(rest) if rest[0] is not None else None,
        end=list(end) if end[0] is not None else None,
        low=low,
        high=high,
        sessions=packed,
        names=names,
        drawn=f"mean of {path['label']}",
        summary=_fan_words(group, name, path, columns[0], rest, end),
        rest_word=rest_word_of(group),
    )


def _fan_words(
    group: LinearDriftFit, name: str, path: Mapping[str, Any], mean: list[float], rest: svg.Range, end: svg.Range
) -> str:
    words = f"{name}: the mean goes from {number(mean[0], 3)} at step {path['step'][0]} to {number(mean[-1], 3)} "
    words += f"at step {path['step'][-1]}; sessions end at {shown_as(end)}"
    return words + (f"; {rest_word_of(group)} {shown_as(rest, open_ended=True)}." if rest[0] is not None else ".")


def _packed(group: LinearDriftFit, chosen: Panel | None, j: int) -> tuple[float, float, str, list[str]]:
    """Levels of the drawn sessions on the grid of steps, as 16-bit numbers between the lowest and the highest."""
    steps = group.path.step
    if chosen is None or len(chosen) == 0:
        mean = group.path.mean[:, j]
        return float(mean.min()), float(mean.max()), "", []
    values = chosen.x[:, j]
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return 0.0, 1.0, "", []
    low, high = float(known.min()), float(known.max())
    grid = np.full((chosen.n_sessions, len(steps)), MISSING, dtype="<u2")
    position = np.searchsorted(steps, chosen.step)
    inside = (position < len(steps)) & ~np.isnan(values)
    inside[inside] = steps[position[inside]] == chosen.step[inside]
    level = (values[inside] - low) / (high - low if high > low else 1.0) * (MISSING - 1)
    grid[chosen.session[inside], position[inside]] = np.round(level).astype("<u2")
    names = [clean_sentence(n)[:80] for n in chosen.session_names]
    return low, high, base64.b64encode(grid.tobytes()).decode(), names


# ---------------------------------------------------------------------------- pictures


def _pictures(group: LinearDriftFit, data: Mapping[str, Any], at: str, chosen: Panel | None) -> list[tuple[str, str]]:
    """Return (caption, svg) pairs."""
    out = []
    if group.model is not None and len(group.names) > 1:
        out.append(("Where the drift pushes", _phase(group, data, at, chosen)))
    if group.regimes:
        out.append(("How fast each mode dies out", _disc(group)))
    if "skill.mean" in group.estimates:
        out.append(("Error saved on held-out clusters", _skill_picture(data, at)))
    if disagreement(group):
        out.append(("Slowest mode, by estimator", _estimators(group)))
    if pairs_by_strength(group) and causes_of(group):
        out.append(("What makes objectives move together", _causes(group, data, at)))
    return out


def _estimators(group: LinearDriftFit) -> str:
    rows = [
        svg.Row(r.name, (r.modulus, r.low, r.high), "c0" if r.name == group.estimator.name else "c1", svg.MARKS[k])
        for k, r in enumerate(group.estimator.rivals)
        if np.isfinite(r.modulus)
    ]
    words = "; ".join(f"{r.label} {shown_as(r.value)}" for r in rows)
    low = min(v for r in rows for v in r.value if v is not None and np.isfinite(v))
    title = f"Slowest mode by estimator, 1 never settles: {words}"
    return svg.dots(rows, title=title, limits=(max(low, 0.0), 1.2), mark_at=1.0)


def _phase(group: LinearDriftFit, data: Mapping[str, Any], at: str, chosen: Panel | None) -> str:
    pairs = pairs_by_strength(group)
    i, j = pairs[0] if pairs else (0, 1)
    path = group.path.mean[:, [i, j]]
    points = chosen.x[chosen.complete][:, [i, j]] if chosen is not None else np.zeros((0, 2))
    points = points[np.linspace(0, len(points) - 1, min(len(points), 250)).astype(int)] if len(points) else points
    limits = _limits(np.concatenate([path, points]) if len(points) else path)
    rest = [triple_of(data, f"{at}.drift.{'fixed_point' if group.lineage else 'equilibrium'}", k) for k in (i, j)]
    names = (clean_sentence(group.names[i]), clean_sentence(group.names[j]))
    at_rest = (rest[0], rest[1]) if rest[0][0] is not None else None
    word = "proposals' rest" if group.lineage else rest_word_of(group)
    plane = svg.Plane(names, points, path, _field(group, i, j, limits), at_rest, limits, word)
    title = f"Drift field of {names[0]} and {names[1]}, mean path and {rest_word_of(group)}"
    return svg.phase(plane, title=title)


def _limits(points: Float) -> tuple[tuple[float, float], tuple[float, float]]:
    low, high = np.quantile(points, 0.01, axis=0), np.quantile(points, 0.99, axis=0)
    pad = np.where(high > low, 0.08 * (high - low), 0.5)
    return (float(low[0] - pad[0]), float(high[0] + pad[0])), (float(low[1] - pad[1]), float(high[1] + pad[1]))


def _field(group: LinearDriftFit, i: int, j: int, limits: tuple[tuple[float, float], tuple[float, float]]) -> Float:
    """Drift on a grid of the plane, the other objectives at the mean of the path."""
    assert group.model is not None  # noqa: S101 - drawn only where there is a fit
    gx, gy = np.meshgrid(*(np.linspace(lo, hi, 11)[1:-1] for lo, hi in limits))
    x = np.tile(group.path.mean.mean(axis=0), (gx.size, 1))
    x[:, i], x[:, j] = gx.ravel(), gy.ravel()
    drift = x @ group.model.A.T + group.model.b
    return np.column_stack([x[:, i], x[:, j], drift[:, i], drift[:, j]])


def _disc(group: LinearDriftFit) -> str:
    draws = group.draws.get("M")
    cloud: list[complex] = []
    if draws is not None:
        values = eigenvalues(draws[~np.isnan(draws).any(axis=(1, 2))][:MAX_CLOUD])
        cloud = [complex(z) for z in values.ravel().tolist()]
    modes = [complex(r.re, r.im) for r in group.regimes]
    names = [r.regime for r in group.regimes]
    words = ", ".join(f"{abs(z):.3g} {n}" for z, n in zip(modes, names, strict=True))
    return svg.disc(modes, names, cloud, title=f"Eigenvalues on the unit disc: {words}")


def _skill_picture(data: Mapping[str, Any], at: str) -> str:
    rows = []
    for k, name in enumerate(BASELINES):
        triple = triple_of(data, f"{at}.skill.{name}")
        look = "c0" if triple[1] is not None and triple[1] > 0 else "c1"
        rows.append(svg.Row(f"against {BASELINE_WORDS[name]}", triple, look, svg.MARKS[k]))
    words = "; ".join(f"against {BASELINE_WORDS[n]} {shown_as(triple_of(data, f'{at}.skill.{n}'))}" for n in BASELINES)
    return svg.dots(rows, title=f"Share of error saved {words}", zero=True, limits=(-0.6, 1.0))


def _causes(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> str:
    names = [clean_sentence(n) for n in group.names]
    rows = [
        (
            f"{names[i]} and {names[j]}",
            triple_of(data, f"{at}.interference.total", i, j),
            {cause: lookup(data, f"{at}.interference.{cause}.{i}.{j}") for cause in causes_of(group)},
        )
        for i, j in pairs_by_strength(group)[:6]
    ]
    words = "; ".join(f"{label} {shown_as(total)}" for label, total, _ in rows)
    return svg.causes(rows, title=f"Correlation of changes and its causes: {words}")


# ------------------------------------------------------------------------ all groups


def _short(group: LinearDriftFit) -> str:
    return clean_sentence(", ".join(group.by.values()) or group.label)


def _ends(result: Analysis, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return one dot plot per objective: where every group ends."""
    out = []
    for j, o in enumerate(result.objectives):
        rows = [
            svg.Row(_short(g), triple_of(data, f"groups.{k}.kept_end.mean", j), f"c{k % 6}", svg.MARKS[k % 6])
            for k, g in enumerate(result.groups)
        ]
        name = clean_sentence(o.name)
        words = "; ".join(f"{r.label} {shown_as(r.value)}" for r in rows)
        out.append((f"{name}: where sessions end", svg.dots(rows, title=f"Mean end on {name}: {words}")))
    return out


def _compared(result: Analysis, data: Mapping[str, Any]) -> list[tuple[str, Sheet]]:
    """Return one table per compared quantity."""
    words = {
        "kept_end": "Ends",
        "equilibrium": "Equilibria",
        "rate_exact": "Rates (exact, per step)",
        "coupling": "Couplings (what a level adds to the next change)",
    }
    short = {g.label: _short(g) for g in result.groups}
    out = []
    for quantity, title in words.items():
        rows = tuple(
            (
                Cell(short.get(c.a, clean_sentence(c.a))),
                Cell(short.get(c.b, clean_sentence(c.b))),
                *([] if quantity == "rate_exact" else [Cell(clean_sentence(c.objective or ""))]),
                figure_cell(data, f"comparisons.{k}.difference"),
                p_cell(data, f"comparisons.{k}.p_adjusted"),
            )
            for k, c in enumerate(result.comparisons)
            if c.quantity == quantity
        )
        if rows:
            note = "Difference a − b; p after Holm's correction over this table."
            on = () if quantity == "rate_exact" else ("on",)
            out.append((quantity, Sheet(title, ("a", "b", *on, "difference", "p (Holm)"), rows, note)))
    return out


def _pareto(result: Analysis, data: Mapping[str, Any]) -> tuple[Sheet | None, str, str]:
    if not result.pareto:
        return None, "", ""
    short = {g.label: _short(g) for g in result.groups}
    rows = tuple(
        (
            Cell(f"{k + 1}. {short.get(p.label, clean_sentence(p.label))}"),
            *(figure_cell(data, f"pareto.{k}.{key}") for key in ("share_final", "share_path", "hypervolume")),
        )
        for k, p in enumerate(result.pareto)
    )
    head = ("group", "ends nothing beats", "points on the way nothing beats", "volume dominated")
    corner = ", ".join(
        f"{clean_sentence(o.name)} {number(v, 3)}"
        for o, v in zip(result.objectives, result.pareto[0].reference.tolist(), strict=True)
    )
    note = (
        f"Compared on {result.pareto[0].n_compared} ends of each group, because the share falls with the number of "
        f"points alone. Volume is that of {result.pareto[0].n_volume} ends, measured from {corner}; its interval is "
        "rough, because a volume hangs on a few extreme ends." + _left_out(result)
    )
    return Sheet("Who is ahead", head, rows), _pareto_picture(result), note


def _left_out(result: Analysis) -> str:
    known = {p.label for p in result.pareto}
    missing = [_short(g) for g in result.groups if g.label not in known]
    return f" Too few ends to compare: {', '.join(missing)}." if missing else ""


def _pareto_picture(result: Analysis) -> str:
    if len(result.pareto[0].ends) == 0:
        return ""
    signs = [1 if o.maximize else -1 for o in result.objectives[:2]]
    groups = [
        (clean_sentence(p.label), p.ends[:, :2], half_curve(p.ends[:, :2] * signs, p.reference[:2] * signs) * signs)
        for p in result.pareto
    ]
    names = (clean_sentence(result.objectives[0].name), clean_sentence(result.objectives[1].name))
    title = f"Ends of every group on {names[0]} and {names[1]}, with the line that half of its ends reach"
    return svg.scatter(groups, names, title=title, better=(signs[0], signs[1]))
