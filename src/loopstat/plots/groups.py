"""Pictures of groups against each other: ends, differences, Pareto standing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Float
from ..drift.analysis import Analysis
from ..drift.compare import QUANTITIES, SURE, Comparison
from ..drift.fit import LinearDriftFit
from ..errors import SettingsError
from ..inference.estimate import show
from ..inference.pareto import ParetoGroup, half_curve
from ..panel.panel import Objective
from .canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MARKERS,
    ORANGE,
    PINK,
    PLAIN,
    SKY,
    VERMILION,
    WHITE,
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
    _line_height,
    _listed,
    _near,
    _note,
    _pair,
    _position,
    _rest,
    _room,
    _Row,
    _row_axes,
    _rows,
    _say,
    _say_beyond,
    _short,
    _spread,
    _title,
    _values,
    _x_name,
    _zero,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION)
DASHES = ("-", "--", "-.", ":")
AXIS_OF = {
    "kept_end": "difference of the kept ends, a − b",
    "equilibrium": "difference of the equilibria, a − b",
    "rate_exact": "difference of the rates, a − b (per step)",
    "coupling": "difference of the couplings, a − b (per step)",
}


def ends(analysis: Analysis, *, objective: Name = 0, ax: Axes | None = None) -> Axes:
    """Draw where every group ends and where it heads, in one objective, the best end on top.

    Parameters
    ----------
    analysis : Analysis
    objective : str or int
        Name or position.
    ax : Axes, optional

    Returns
    -------
    Axes
        The objective in its units. Squares are observed ends of the version kept, diamonds the fitted equilibrium;
        hollow, dashed diamonds are the place where proposals of a lineage alone would rest. An interval that is open
        or leaves the picture ends in an arrowhead.
    """
    j = _position(analysis.objectives, objective)
    sign = 1.0 if analysis.objectives[j].maximize else -1.0
    groups = sorted(analysis.groups, key=lambda g: -sign * _end_of(g, j))
    rows = [_Row(label, _end_bars(g, j)) for label, g in zip(_values([g.label for g in groups]), groups, strict=True)]
    if not any(row.bars for row in rows):
        return _note(_axes(ax, (5.2, 2)), "No group holds a version with all objectives present.")
    ax = _row_axes(ax, sum(r.lines for r in rows))
    bars = [bar for row in rows for bar in row.bars]
    squares = [v for bar in bars if bar.marker == "s" for v in bar.ends()]
    low, high = _limits(squares, may=[v for bar in bars for v in _near(bar)])
    _rows(ax, rows, (low, high))
    _bounds(ax, analysis.objectives[j], (low, high), ax.get_ylim(), across=False)
    _x_name(ax, _axis_name(analysis.objectives[j]), (low, high))
    _title(ax, "where sessions end and where they head, best on top")
    return ax


def _end_of(fit: LinearDriftFit, j: int) -> float:
    return -np.inf if fit.kept_end is None else float(fit.kept_end.value[j])


def _end_bars(fit: LinearDriftFit, j: int) -> tuple[_Bar, ...]:
    end = _bar_of(fit.kept_end, j, words="ends at", colour=INK, marker="s")
    return tuple(bar for bar in (end, _rest(fit, j)) if bar is not None)


def comparisons(
    comparisons: Sequence[Comparison],
    *,
    quantity: str = "kept_end",
    objective: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the differences between groups in one quantity, those beyond chance in colour.

    Parameters
    ----------
    comparisons : sequence of Comparison
    quantity : str
        `kept_end`, `equilibrium`, `rate_exact` or `coupling`.
    objective : str, optional
        Only this one (`i<-j` for a coupling); to be given where objectives differ in their units.
    ax : Axes, optional

    Returns
    -------
    Axes
        Differences a - b in the units of the data (rates and couplings per step). Filled and blue where the p-value,
        after Holm within the quantity, is below 0.05.
    """
    if quantity not in QUANTITIES:
        raise SettingsError(f"`quantity` must be one of {', '.join(QUANTITIES)}. Got {quantity!r}.")
    every = [c for c in comparisons if c.quantity == quantity]
    known = list(dict.fromkeys(c.objective for c in every))
    if objective is not None and objective not in known:
        raise SettingsError(f"no comparison on {objective!r}. Objectives: {_listed([k for k in known if k])}.")
    found = [c for name in known for c in every if c.objective == name and objective in (None, name)]
    if not found:
        return _note(_axes(ax, (5.2, 2)), "No two groups can be compared in this quantity.")
    several = len({c.objective for c in found}) > 1
    labels = [c.a for c in found] + [c.b for c in found]
    shown = dict(zip(labels, _values(labels), strict=True))
    rows = [_difference_row(c, shown, several) for c in found]
    ax = _row_axes(ax, sum(r.lines for r in rows))
    limits = _limits([v for c in found for v in (c.low, c.high, c.difference)], must=[0.0])
    _rows(ax, rows, limits)
    _zero(ax)
    one = "" if several or found[0].objective is None else f" on {_short(found[0].objective)}"
    _x_name(ax, AXIS_OF[quantity] + one, limits)
    _title(ax, f"filled: p < {SURE:g} after Holm's correction")
    return ax


def _difference_row(c: Comparison, shown: Mapping[str, str], several: bool) -> _Row:
    sure = c.p_adjusted < SURE
    on = f"{_short(c.objective)}: " if several and c.objective else ""
    bar = _Bar(c.difference, c.low, c.high, colour=BLUE if sure else GREY, hollow=not sure)
    return _Row(f"{on}{shown[c.a]} − {shown[c.b]}", (bar,))


def pareto(analysis: Analysis, *, objectives: tuple[Name, Name] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the ends of every group in two objectives, with the line that half of its ends reach.

    Parameters
    ----------
    analysis : Analysis
        Its `pareto` holds the ends; an analysis read back from JSON has none.
    objectives : pair of str or int, optional
        Names or positions, horizontal first; default the first two.
    ax : Axes, optional

    Returns
    -------
    Axes
        Both axes in the units of their objective. At least half of a group's ends are as good in both objectives as
        any point of its line. Beside the label stands the share of the group's ends that no end of any group
        dominates, in all objectives and on equal numbers. Larger marks are several ends at one place.
    """
    groups = [g for g in analysis.pareto if len(g.ends)]
    if objectives is not None:
        _pair(analysis.objectives, objectives)
    if not groups:
        return _note(_axes(ax, (5.2, 2)), "This picture needs two groups with ends and at least two objectives.")
    i, j = _pair(analysis.objectives, objectives)
    ax = _axes(ax, (6.8, 4.2))
    shown = (analysis.objectives[i], analysis.objectives[j])
    points = np.concatenate([g.ends for g in groups])[:, [i, j]]
    limits = (_limits(points[:, 0]), _limits(points[:, 1]))
    _bounds(ax, shown[0], limits[0], limits[1], across=False)
    _bounds(ax, shown[1], limits[1], limits[0])
    curves = [_draw_group(ax, k, g.ends[:, [i, j]], shown, limits) for k, g in enumerate(groups)]
    _frame(ax, *limits)
    _better(ax, shown, limits)
    _say_beyond(ax, points, limits, right=not shown[0].maximize)
    _group_column(ax, groups, curves, limits)
    _x_name(ax, _axis_name(shown[0]), limits[0])
    ax.set_ylabel(_axis_name(shown[1]), **PLAIN)
    _title(ax, "lines: what half of the ends reach; figures: share of ends nothing dominates")
    return ax


def _draw_group(ax: Axes, k: int, points: Float, shown: Sequence[Objective], limits: Sequence[Ends]) -> Float:
    """Draw a group's ends and its line; return the line."""
    signs = np.array([1.0 if o.maximize else -1.0 for o in shown])
    worst = np.array([low if o.maximize else high for o, (low, high) in zip(shown, limits, strict=True)])
    colour, marker, dash = _look(k)
    _dots(ax, points, size=9, marker=marker, color=colour, alpha=0.4, label="_ends", zorder=2)
    curve = np.asarray(half_curve(points * signs, worst * signs) * signs)
    ax.plot(*curve.T, color=colour, linestyle=dash, linewidth=2, label="_half", zorder=4)
    return curve


def _look(k: int) -> tuple[str, str, str]:
    return COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)], DASHES[k % len(DASHES)]


def _better(ax: Axes, shown: Sequence[Objective], limits: Sequence[Ends]) -> None:
    """Mark the corner that is better on both."""
    right, up = (o.maximize for o in shown)
    (x0, x1), (y0, y1) = limits
    corner = (x1 if right else x0, y1 if up else y0)
    place: Look = {"ha": "right" if right else "left", "va": "top" if up else "bottom", "fontstyle": "italic"}
    arrow = {(True, True): "↗", (True, False): "↘", (False, True): "↖", (False, False): "↙"}[right, up]
    _say(ax, *corner, f"better {arrow}" if right else f" {arrow} better", bbox=WHITE, **place)


def _group_column(ax: Axes, groups: Sequence[ParetoGroup], curves: Sequence[Float], limits: Sequence[Ends]) -> None:
    """Write labels at the right, ordered as the lines are, each beside a sample of its look."""
    (x0, x1), (y0, y1) = limits
    between = "\n" if len(groups) <= 6 else " "
    labels = _values([g.label for g in groups])
    words = [f"{label}{between}{show(*g.share_final.triple)}" for label, g in zip(labels, groups, strict=True)]
    unit = (x1 - x0) / 20
    room = _room(ax, words, x1 - x0 + 2.6 * unit)
    ax.set_xlim(x0, x1 + 2.6 * unit + room)
    height = [float(np.clip((c[:, 1].mean() - y0) / (y1 - y0), 0, 1)) for c in curves]
    places = y0 + (y1 - y0) * _spread(height, _line_height(ax, words))
    for k, (y, text) in enumerate(zip(places.tolist(), words, strict=True)):
        colour, marker, dash = _look(k)
        span = [x1 + 0.6 * unit, x1 + 1.4 * unit, x1 + 2.2 * unit]
        look: Look = {"color": colour, "linestyle": dash, "linewidth": 2, "markersize": 6, "markevery": [1]}
        ax.plot(span, [y] * 3, marker=marker, label="_sample", **look)
        _say(ax, x1 + 2.6 * unit, y, text, va="center")
