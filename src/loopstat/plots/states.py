"""Pictures of a balance fit: states by potential with their currents, log-ratios, potentials, relaxation times.

Each takes a `BalanceFit` or its JSON form, and draws what that form holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..arrays import Float
from ..balance.layout import BEND, LINE, MAX_ARROWS, MAX_LINKS, Layout, Node, layout
from ..errors import SettingsError
from ..faces.balance_text import Json, class_of, listed, lowest, nth, part, state_name, triple
from ..faces.svg_states import (
    MAX_DOTS,
    MAX_POINTS,
    MAX_TIMES,
    Ratio,
    currents_of,
    off_line,
    ratio_points,
    sure_currents,
)
from ..inference.estimate import number
from .canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PINK,
    PLAIN,
    SKY,
    SMALL,
    VERMILION,
    Look,
    _axes,
    _Bar,
    _frame,
    _inches,
    _limits,
    _note,
    _Row,
    _row_axes,
    _rows,
    _say,
    _short,
    _ticks,
    _title,
    _x_name,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 560.0  # pixels the layout is made for
KINDS = ((BLUE, "o"), (GREEN, "s"), (PINK, "D"), (ORANGE, "^"), (SKY, "X"))


class Written(Protocol):
    """A result that has a JSON form."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""


Given = Written | Json


def _read(fit: Given) -> Json:
    return fit if isinstance(fit, Mapping) else fit.to_dict()


# -------------------------------------------------------------------------- the state graph


def state_graph(fit: Given, *, ax: Axes | None = None, max_states: int = 24) -> Axes:
    """Draw states by their potential, low at the bottom, with what they exchange and the net currents.

    Parameters
    ----------
    fit : BalanceFit or its JSON form
    ax : Axes, optional
        Where to draw; default a new figure.
    max_states : int
        States drawn at most: those with most visits; the title says so.

    Returns
    -------
    Axes
        Height is the potential with its interval, area the share of time. Thin lines join pairs seen both ways, dashed
        ones pairs seen one way; arrows are net currents, dotted where they may be none. States that are only left stand
        above, states that are only entered below.
    """
    if max_states < 1:
        raise SettingsError(f"`max_states` must be at least 1. Got {max_states!r}.")
    group = _read(fit)
    ax = _axes(ax, (6.8, 4.6))
    plan = layout(group, width=WIDTH, most=max_states)
    if not plan.nodes:
        return _note(ax, "No state was seen.")
    nodes = {listed(group, "states")[n.place]: n for n in plan.nodes}
    _graph_axes(ax, group, plan)
    _draw_pairs(ax, group, nodes, plan)
    _draw_currents(ax, group, nodes, plan)
    for node in plan.nodes:
        _draw_node(ax, group, node, plan)
    some = len(listed(group, "states"))
    few = f", {len(nodes)} drawn" if len(nodes) < some else ""
    _title(ax, f"{_short(str(group.get('label')))}: {some:,} state{'s' * (some != 1)}{few}")
    return ax


def _value(plan: Layout, y: float) -> float:
    """Return the potential at a height in pixels."""
    return plan.low + (plan.bottom - y) / (plan.bottom - plan.top - LINE) * (plan.high - plan.low)


def _points(ax: Axes, plan: Layout) -> float:
    """Points that a pixel of the layout takes."""
    return 72 * min(_inches(ax)[0] / plan.width, _inches(ax)[1] / plan.height)


def _graph_axes(ax: Axes, group: Json, plan: Layout) -> None:
    rows = {n.row for n in plan.nodes}
    ax.set_xlim(0, plan.width)
    ax.set_ylim(_value(plan, plan.height), _value(plan, 0.0))
    ax.set_xticks([])
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.spines["left"].set_color("#aab1b8")
    ax.spines["left"].set_bounds(plan.low, plan.high)
    ax.set_yticks(_ticks(plan.low, plan.high) if "graph" in rows else [])
    ax.spines["left"].set_visible("graph" in rows)
    ax.tick_params(colors=GREY, length=3, labelsize="small", color="#aab1b8")
    ax.set_ylabel("potential" if "graph" in rows else "", **PLAIN)
    if "graph" in rows and plan.low <= 0 <= plan.high:
        ax.plot([0, plan.width], [0, 0], color="#aab1b8", linewidth=0.9, zorder=0.5, label="_zero")
    if "transient" in rows:
        _say(ax, 0, _value(plan, 0.0), "only left, never entered again", va="top", fontsize="x-small")
    if "absorbing" in rows:
        bottom = _value(plan, plan.height)
        _say(ax, plan.width, bottom, "only entered, never left", va="bottom", ha="right", fontsize="x-small")


def _draw_pairs(ax: Axes, group: Json, nodes: Mapping[Any, Node], plan: Layout) -> None:
    for pair in [p for p in listed(group, "pairs") if p.get("a") in nodes and p.get("b") in nodes][:MAX_LINKS]:
        a, b = nodes[pair["a"]], nodes[pair["b"]]
        both = bool(pair.get("forward")) and bool(pair.get("backward"))
        look: Look = {"color": "#9aa1a8", "linewidth": 0.8, "zorder": 1, "label": "both ways" if both else "one way"}
        ax.plot([a.x, b.x], [_value(plan, a.y), _value(plan, b.y)], linestyle="-" if both else "--", **look)


def _draw_currents(ax: Axes, group: Json, nodes: Mapping[Any, Node], plan: Layout) -> None:
    shown = currents_of(group)[:MAX_ARROWS]
    most, sure, unit = max((abs(c["value"]) for c in shown), default=1.0), sure_currents(group), _points(ax, plan)
    for c in reversed(shown):
        a, b = nodes.get(c.get("from")), nodes.get(c.get("to"))
        if a is None or b is None or a is b:
            continue
        known = c in sure
        arrow: Look = {
            "arrowstyle": "-|>",
            "connectionstyle": f"arc3,rad={BEND}",
            "shrinkA": unit * a.r,
            "shrinkB": unit * b.r + 1,
            "linewidth": 1 + 2.2 * abs(c["value"]) / most if known else 0.8,
            "color": VERMILION if known else GREY,
            "linestyle": "-" if known else (0, (1, 3)),
            "alpha": 1.0 if known else 0.7,
        }
        ends = ((b.x, _value(plan, b.y)), (a.x, _value(plan, a.y)))
        ax.annotate("", *ends, arrowprops=arrow, zorder=2).set_label("current" if known else "unsure current")


def _draw_node(ax: Axes, group: Json, node: Node, plan: Layout) -> None:
    colour, marker = KINDS[node.kind] if node.row == "graph" else (INK, "o" if node.row == "transient" else "D")
    y = _value(plan, node.y)
    _, low, high = triple(group, "potential", node.place)
    if node.row == "graph" and low is not None and high is not None:
        ends = np.clip([low, high], plan.low, plan.high)
        ax.plot([node.x, node.x], ends, color=colour, linewidth=1.4, zorder=3, label="interval")
    face = "white" if node.row == "transient" else colour
    size = max(2 * node.r * _points(ax, plan), 4)
    look: Look = {"markersize": size, "markerfacecolor": face, "color": colour, "zorder": 4, "label": node.row}
    ax.plot([node.x], [y], marker, **look)
    if node.label is not None:
        from matplotlib.patheffects import withStroke

        x, at, anchor = node.label
        halo = [withStroke(linewidth=2.5, foreground="white")]
        side: Look = {"ha": {"start": "left", "middle": "center", "end": "right"}[anchor], "zorder": 5}
        ax.text(x, _value(plan, at), node.name, color=INK, va="baseline", path_effects=halo, **side, **SMALL)


# ------------------------------------------------------------------------------ log-ratios


def log_ratios(fit: Given, *, ax: Axes | None = None) -> Axes:
    """Draw how much likelier the way down is than the way back, against the difference of the potentials.

    Parameters
    ----------
    fit : BalanceFit or its JSON form
    ax : Axes, optional

    Returns
    -------
    Axes
        V(a) - V(b) against ln T(b|a)/T(a|b) with its interval, pairs turned so that a is the higher one. In detailed
        balance all lie on the dashed line; a diamond's interval leaves it out. At most 300 pairs, those with most
        transitions; pairs seen one way only have no point.
    """
    group = _read(fit)
    ax = _axes(ax, (5.2, 4.2))
    points = ratio_points(group, MAX_POINTS)
    if not points:
        return _note(ax, "No pair of states with known potentials was seen both ways.")
    x, y = (np.array([p[k] for p in points], dtype=float) for k in (0, 1))
    ends = [float(v) for p in points for v in p[2:4] if isinstance(v, int | float)]
    across, up = _limits(x, must=[0.0]), _limits(y, must=[0.0, float(x.max())], may=ends)
    _frame(ax, across, up)
    ax.plot(across, across, "--", color=INK, linewidth=1, zorder=1, label="_balance")
    ax.plot(across, (0, 0), color="#aab1b8", linewidth=0.9, zorder=0.5, label="_zero")
    for point in points:
        _ratio(ax, point, up)
    ax.set_xlim(*across)
    ax.set_ylim(*up)
    ax.set_xlabel("potential lower by", **PLAIN)
    ax.set_ylabel("ln of way down over way back", **PLAIN)
    one_way = sum(not (p.get("forward") and p.get("backward")) for p in listed(group, "pairs"))
    more = f", {one_way} more seen one way only" if one_way else ""
    _title(ax, f"{_short(str(group.get('label')))}: {len(points)} pair{'s' * (len(points) != 1)}{more}")
    return ax


def _ratio(ax: Axes, point: Ratio, limits: tuple[float, float]) -> None:
    x, y, low, high, _ = point
    off = off_line(point)
    colour = VERMILION if off else BLUE
    if low is not None and high is not None:
        ends = np.clip([low, high], *limits)
        ax.plot([x, x], ends, color=colour, linewidth=1, alpha=0.6, zorder=2, label="_interval")
    ax.plot([x], [y], "D" if off else "o", color=colour, markersize=4, zorder=3, label="_value")


# ------------------------------------------------------------------- potentials, relaxation


def potentials(fit: Given, *, ax: Axes | None = None) -> Axes:
    """Draw the potentials: one by one with their intervals, or how many states have which, where there are many.

    Parameters
    ----------
    fit : BalanceFit or its JSON form
    ax : Axes, optional

    Returns
    -------
    Axes
        Up to 16 states as rows, the highest on top; more as a histogram of states over the potential. Each set of
        states that lead to one another has a zero of its own and a mark of its own.
    """
    group = _read(fit)
    known = lowest(group)
    if not known:
        return _note(_axes(ax, (5.2, 2)), str(part(group, "reasons").get("potential") or "No potential is known."))
    if len(known) > MAX_DOTS:
        ax = _axes(ax, (5.6, 3.2))
        _histogram(ax, np.array([listed(group, "potential")[k] for k in known], dtype=float))
    else:
        rows = [_potential_row(group, k) for k in reversed(known)]
        ax = _row_axes(ax, sum(row.lines for row in rows))
        ends = [v for row in rows for bar in row.bars for v in (bar.value, *bar.ends())]
        limits = _limits(ends)
        _rows(ax, rows, limits)
        _x_name(ax, "potential", limits)
    _title(ax, f"{_short(str(group.get('label')))}: potentials of {len(known):,} state{'s' * (len(known) != 1)}")
    return ax


def _potential_row(group: Json, k: int) -> _Row:
    colour, marker = KINDS[min(class_of(group).get(k, 0), len(KINDS) - 1)]
    value, low, high = (math.nan if v is None else v for v in triple(group, "potential", k))
    return _Row(
        state_name(nth(listed(group, "states"), k), 40), (_Bar(value, low, high, colour=colour, marker=marker),)
    )


def _histogram(ax: Axes, values: Float) -> None:
    count, edges = np.histogram(values, bins=min(30, max(8, round(2 * math.sqrt(len(values))))))
    ax.bar(edges[:-1], count, np.diff(edges), align="edge", color=BLUE, edgecolor="white", linewidth=0.6)
    _frame(ax, (float(edges[0]), float(edges[-1])), (0.0, float(count.max())))
    ax.set_xlabel("potential", **PLAIN)
    ax.set_ylabel("states", **PLAIN)


def relaxation(fit: Given, *, ax: Axes | None = None) -> Axes:
    """Draw how many steps the slowest modes take to be forgotten.

    Parameters
    ----------
    fit : BalanceFit or its JSON form
    ax : Axes, optional

    Returns
    -------
    Axes
        Relaxation times in steps, the slowest on top, at most six.
    """
    group = _read(fit)
    times = _finite_times(listed(group, "relaxation_times"))
    if not times:
        reason = part(group, "reasons").get("relaxation_times")
        return _note(_axes(ax, (5.2, 2)), str(reason or "No relaxation time is known."))
    rows = [_Row(f"mode {k + 1}", (_Bar(t, math.nan, math.nan),)) for k, t in enumerate(times)]
    ax = _row_axes(ax, sum(row.lines for row in rows))
    limits = (0.0, 1.05 * max(times))
    _rows(ax, rows, limits)
    _x_name(ax, "steps", limits)
    _title(ax, f"{_short(str(group.get('label')))}: forgets in {number(times[0])} steps")
    return ax


def _finite_times(times: Sequence[Any]) -> list[float]:
    return [float(t) for t in times if t is not None and math.isfinite(t)][:MAX_TIMES]
