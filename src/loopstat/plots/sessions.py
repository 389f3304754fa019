"""Pictures of what sessions do: the fan over steps and the plane of two objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Float, group_starts
from ..drift.fit import LinearDriftFit
from ..errors import SettingsError
from ..inference.estimate import number
from ..panel.panel import Panel
from .canvas import (
    BLUE,
    GREY,
    INK,
    PLAIN,
    RASTER_FROM,
    SMALL,
    Ends,
    Look,
    Name,
    _axes,
    _axis_name,
    _Bar,
    _bar_of,
    _bounds,
    _dots,
    _frame,
    _limits,
    _Mark,
    _near,
    _note,
    _outside,
    _pair,
    _position,
    _rest,
    _right_column,
    _say_beyond,
    _sessions_of,
    _short,
    _some,
    _span,
    _title,
    _x_name,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIELD = 11  # arrows per side


def fan(
    panel: Panel, fit: LinearDriftFit, *, objective: Name = 0, ax: Axes | None = None, max_sessions: int = 300
) -> Axes:
    """Draw one objective of every session by step, the mean path, where the loop heads and where it ends.

    Parameters
    ----------
    panel : Panel
        The sessions the fit was made from; of a larger panel, those with the fit's labels are taken.
    fit : LinearDriftFit
    objective : str or int
        Name or position.
    ax : Axes, optional
        Where to draw; default a new figure.
    max_sessions : int
        Sessions drawn at most; a larger number is thinned by a fixed draw, and the title says so.

    Returns
    -------
    Axes
        `step` against the objective in its units. Of a lineage, sessions and mean follow the version kept, and the
        dashed line is where proposals alone would rest.
    """
    j = _position(fit.objectives, objective)
    path = _sessions_of(panel, fit).kept()
    lines, n = _session_lines(path, j, max_sessions)
    ax = _axes(ax, (6.6, 3.7))
    rest, end = _rest(fit, j), _bar_of(fit.kept_end, j, words="ends at", colour=INK, marker="s")
    mean = fit.path.mean[:, j]
    low, high = _limits(path.x[path.complete, j], must=[*mean, *(_near(end) if end else ())], may=_near(rest))
    first, last = _span(fit.path.step)
    unit = (last - first) / 20
    edge = last + 1.6 * unit
    if low < 0 < high and fit.objectives[j].low != 0:
        ax.plot((first, last), (0, 0), color="#aab1b8", linewidth=0.9, zorder=0.5, label="_zero")
    _bounds(ax, fit.objectives[j], (low, high), (first, last))
    _draw_lines(ax, lines)
    _draw_mean(ax, fit, j)
    marks = [_Mark(float(mean[-1]), _mean_words(fit), BLUE, last)] if len(mean) else []
    if rest is not None:
        _level(ax, rest, (first, edge), (low, high))
        marks.append(_Mark(rest.value, rest.text(), rest.colour, edge))
    elif not fit.lineage:
        marks.append(_Mark(low, "heads for:\nnot known", GREY, None))
    if end is not None:
        _error_bar(ax, last + unit, end, (low, high))
        marks.append(_Mark(end.value, end.text(), INK, edge))
    _frame(ax, (first, last), (low, high), whole=True)
    _right_column(ax, marks, edge, unit)
    _x_name(ax, "step", (first, last))
    ax.set_ylabel(_axis_name(fit.objectives[j]), **PLAIN)
    few = "" if n == len(lines) else f", {len(lines):,} drawn"
    cut = any(_outside(line[:, 1:], [(low, high)]) for line in lines)
    _title(ax, f"{_short(fit.label)}: {n:,} session{'s' * (n != 1)}{few}" + (", some beyond the axis" if cut else ""))
    return ax


def _mean_words(fit: LinearDriftFit) -> str:
    if fit.counts["n_sessions"] == 1:
        return "the session"
    if fit.path.label != "sessions":
        return "mean of " + fit.path.label.replace(" ", "\n", 1)
    return "mean of the\nversions kept" if fit.lineage else "mean of\nthe sessions"


def _session_lines(path: Panel, j: int, most: int) -> tuple[list[Float], int]:
    """Return (step, value) lines of at most `most` sessions, and how many sessions have one."""
    if most < 0:
        raise SettingsError(f"`max_sessions` must be at least 0. Got {most!r}.")
    rows = np.flatnonzero(path.complete)
    if len(rows) == 0:
        return [], 0
    points = np.column_stack([path.step[rows], path.x[rows, j]])
    lines = np.split(points, group_starts(path.session[rows])[1:])
    return [lines[k] for k in _some(len(lines), most)], len(lines)


def _draw_lines(ax: Axes, lines: Sequence[Float]) -> None:
    from matplotlib.collections import LineCollection

    if not lines:
        return
    every = np.concatenate(lines)
    crowd = len(every) / len(np.unique(every, axis=0))  # scores of few values lie on top of one another
    alpha = float(np.clip(min(22 / len(lines), 3 / crowd), 0.02, 0.6))
    look: Look = {"colors": "#7d858d", "linewidths": 0.7, "alpha": alpha, "rasterized": len(every) > RASTER_FROM}
    drawn = LineCollection(list(lines), label="sessions", **look)
    ax.add_collection(drawn, autolim=False)


def _draw_mean(ax: Axes, fit: LinearDriftFit, j: int) -> None:
    path = fit.path
    sure = np.isfinite(path.low[:, j]) & np.isfinite(path.high[:, j])
    if sure.any():
        band: Look = {"color": BLUE, "alpha": 0.22, "linewidth": 0, "label": "mean interval"}
        ax.fill_between(path.step, path.low[:, j], path.high[:, j], where=sure.tolist(), **band)
    ax.plot(path.step, path.mean[:, j], color="white", linewidth=4.2)
    ax.plot(path.step, path.mean[:, j], color=BLUE, linewidth=2.4, label="mean", solid_capstyle="round")


def _level(ax: Axes, rest: _Bar, span: Ends, limits: Ends) -> None:
    """Draw a horizontal line with its band, cut at the edge of the picture where the interval is open."""
    low, high = (float(np.clip(v, *limits)) for v in rest.ends())
    if high > low:
        ax.fill_between(span, low, high, color=rest.colour, alpha=0.13, linewidth=0, label="equilibrium interval")
    if limits[0] <= rest.value <= limits[1]:
        look: Look = {"color": rest.colour, "linestyle": rest.dash, "linewidth": 1.6, "label": "equilibrium"}
        ax.plot(span, [rest.value, rest.value], **look)


def _error_bar(ax: Axes, x: float, bar: _Bar, limits: Ends) -> None:
    low, high = (float(np.clip(v, *limits)) for v in bar.ends())
    ax.plot([x, x], [low, high], color=bar.colour, linewidth=2, label="end interval")
    ax.plot([x], [bar.value], bar.marker, color=bar.colour, markersize=5.5, label="end")


def phase(
    panel: Panel, fit: LinearDriftFit, *, objectives: tuple[Name, Name] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the fitted drift in the plane of two objectives, the mean path through it, and where it would rest.

    Parameters
    ----------
    panel : Panel
        The sessions the fit was made from; of a larger panel, those with the fit's labels are taken.
    fit : LinearDriftFit
    objectives : pair of str or int, optional
        Names or positions, horizontal first; default the first two. Every other objective is held at its mean.
    ax : Axes, optional

    Returns
    -------
    Axes
        Both axes in the units of their objective. An arrow is the fitted change of one step, times the factor in the
        title. Of a lineage the arrows belong to proposals, and the path to the version kept.
    """
    part = _sessions_of(panel, fit)
    if objectives is None and len(fit.names) < 2:
        return _note(_axes(ax, (5.2, 2)), "One objective alone has no plane: see its fan.")
    i, j = _pair(fit.objectives, objectives)
    ax = _axes(ax, (5.6, 4.4))
    x = part.x[part.complete]
    path, rests = fit.path.mean[:, [i, j]], (_rest(fit, i), _rest(fit, j))
    limits = [
        _limits(x[:, k], must=fit.path.mean[:, k], may=_near(rest)) for k, rest in zip((i, j), rests, strict=True)
    ]
    _bounds(ax, fit.objectives[i], limits[0], limits[1], across=False)
    _bounds(ax, fit.objectives[j], limits[1], limits[0])
    _dots(ax, x[:, [i, j]], size=5, color="#b9bfc5", label="states", zorder=1)
    factor = _field(ax, fit, (i, j), x.mean(axis=0) if len(x) else None, limits)
    towards = path[-1:] if None in rests else np.array([[r.value for r in rests if r]])
    side = np.where((towards >= path[:1]).all(axis=0), 1, -1) if len(path) else np.ones(2)
    _frame(ax, *limits)
    _draw_path(ax, path, -side, 2.2 if part.n_sessions > 1 else 0.9)
    _resting_point(ax, rests, limits, side)
    _say_beyond(ax, x[:, [i, j]], limits, right=True)
    ax.set_xlabel(_axis_name(fit.objectives[i]), **PLAIN)
    ax.set_ylabel(_axis_name(fit.objectives[j]), **PLAIN)
    what = "changes of proposals" if fit.lineage else "fitted change of a step"
    arrows = (
        f"arrows: {what}" + (f" × {number(factor)}" if factor < 1 else "") if factor else "no drift could be fitted"
    )
    _title(ax, f"{_short(fit.label)}; {arrows}")
    return ax


def _field(ax: Axes, fit: LinearDriftFit, at: tuple[int, int], mean: Float | None, limits: Sequence[Ends]) -> float:
    """Draw arrows of the drift; return what part of a step they show, 0 where there is no drift."""
    if fit.model is None or mean is None:
        return 0.0
    sides = [np.linspace(low, high, 2 * FIELD + 1)[1::2] for low, high in limits]
    u, v = (grid.ravel() for grid in np.meshgrid(*sides))
    state = np.tile(mean, (len(u), 1))
    state[:, at[0]], state[:, at[1]] = u, v
    change = (state @ fit.model.A.T + fit.model.b)[:, list(at)]
    cell = np.array([side[1] - side[0] for side in sides])
    longest = float(np.abs(change / cell).max())
    if not longest > 0:
        return 0.0
    factor = min(1.0, 0.95 / longest)
    look: Look = {"angles": "xy", "scale_units": "xy", "scale": 1 / factor, "units": "inches", "width": 0.012}
    head: Look = {"headwidth": 4.5, "headlength": 5, "color": "#828b94", "zorder": 2, "label": "drift"}
    ax.quiver(u, v, change[:, 0], change[:, 1], **look, **head)
    return factor


def _draw_path(ax: Axes, path: Float, side: Float, width: float) -> None:
    if len(path) == 0:
        return
    ax.plot(*path.T, color="white", linewidth=2 * width, zorder=3)
    size = 3 if len(path) <= 30 else 0
    ax.plot(*path.T, "-o", color=BLUE, linewidth=width, markersize=size, label="mean", zorder=4)
    look: Look = {"markerfacecolor": "white", "markeredgecolor": BLUE, "markeredgewidth": 2, "markersize": 8}
    ax.plot(*path[0], "o", label="start", zorder=5, **look)
    _say_at(ax, path[0], "start", BLUE, side)


def _resting_point(ax: Axes, rests: tuple[_Bar | None, _Bar | None], limits: Sequence[Ends], side: Float) -> None:
    """Draw where the loop would rest with both intervals, cut at the edge where they are open."""
    a, b = rests
    if a is None or b is None or not all(low <= r.value <= high for r, (low, high) in zip((a, b), limits, strict=True)):
        return
    for bar, (low, high), across in ((a, limits[0], True), (b, limits[1], False)):
        ends = np.clip(bar.ends(), low, high)
        other = np.full(2, (b if across else a).value)
        where = (ends, other) if across else (other, ends)
        ax.plot(*where, color=a.colour, linewidth=2, linestyle=a.dash, label="equilibrium interval", zorder=5)
    face = "white" if a.hollow else a.colour
    look: Look = {"color": a.colour, "markerfacecolor": face, "markersize": 7, "zorder": 6}
    ax.plot([a.value], [b.value], "D", label="equilibrium", **look)
    _say_at(ax, np.array([a.value, b.value]), a.words.removesuffix(" at"), a.colour, side)


def _say_at(ax: Axes, point: Float, words: str, colour: str, side: Float) -> None:
    """Write beside a point, on a white ground; `side` is -1 or +1 across and up."""
    across, above = ax.transAxes.inverted().transform(ax.transData.transform(point)).tolist()
    right, up = ((side[0] > 0 or across < 0.3) and across < 0.7), ((side[1] > 0 or above < 0.15) and above < 0.85)
    box: Look = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
    look: Look = {"color": colour, "bbox": box, "zorder": 7, "fontweight": "bold", **SMALL}
    place: Look = {"ha": "left" if right else "right", "va": "bottom" if up else "top"}
    at = (float(point[0]), float(point[1]))
    ax.annotate(words, at, (8 if right else -8, 6 if up else -6), textcoords="offset points", **look, **place)
