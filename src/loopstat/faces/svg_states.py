"""Pictures of the balance lens as SVG: states by potential with their currents, log-ratios, potentials, relaxation.

Everything is read from the JSON form of one group; where a part is null the picture goes without it, and a function
that finds nothing to draw returns an empty text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from ..balance.layout import BEND, KINDS, LEFT, LINE, MAX_ARROWS, MAX_LINKS, Layout, Node, bent
from ..inference.estimate import number
from . import svg
from .balance_text import Json, class_of, listed, lowest, nth, percent, rounded, spread, state_name, triple

MAX_POINTS = 300
MAX_DOTS = 16  # states whose potentials are drawn one by one; beyond, as a histogram
MAX_TIMES = 6
CLASSES = (("circle", "c0"), ("square", "c2"), ("diamond", "c3"), ("triangle", "c1"), ("cross", "c4"))

Ratio = tuple[float, float, float | None, float | None, str]
"""(difference of potentials, log-ratio, low, high, words)."""


# -------------------------------------------------------------------------- the state graph


def graph(group: Json, plan: Layout) -> str:
    """Draw the states by potential, pairs that exchange as thin lines, the largest currents as arrows.

    Parameters
    ----------
    group : mapping
        JSON form of one group.
    plan : Layout
        Where its states stand.
    """
    if not plan.nodes:
        return ""
    nodes = {listed(group, "states")[n.place]: n for n in plan.nodes}
    body = [*_heights(plan), *_links(group, nodes), *_currents(group, nodes)]
    body += [piece for n in plan.nodes for piece in _error_bar(group, n, plan)]
    body += [_node(group, n) for n in plan.nodes]
    body += [svg.text(n.label[0], n.label[1], n.name, "small", n.label[2]) for n in plan.nodes if n.label]
    return svg.picture(plan.width, plan.height, graph_title(group, plan), body)


def graph_title(group: Json, plan: Layout) -> str:
    """Describe the state graph for those who do not see it."""
    lowest = sorted((n for n in plan.nodes if n.row == "graph"), key=lambda n: -n.y)[:3]
    words = [f"{n.name} {spread(*triple(group, 'potential', n.place))}" for n in lowest]
    arrows = [f"{state_name(c.get('from'), 14)} to {state_name(c.get('to'), 14)}" for c in sure_currents(group)[:3]]
    said = f"{len(plan.nodes)} states by potential"
    said += f", the lowest {', '.join(words)}" if words else ", none with a potential"
    return said + (f"; net currents {', '.join(arrows)}" if arrows else "; no sure net current")


def currents_of(group: Json) -> list[Json]:
    """Return the currents that are more than the rounding errors of a zero."""
    return [c for c in listed(group, "currents") if isinstance(c, Mapping) and rounded(c.get("value") or 0.0)]


def sure_currents(group: Json) -> list[Json]:
    """Return the currents whose interval keeps off zero."""
    return [c for c in currents_of(group) if (c.get("low") or 0) > 0]


def _heights(plan: Layout) -> list[str]:
    """Draw the axis of potentials and the rows of states that have none."""
    body = []
    y = svg.scale(plan.low, plan.high, plan.bottom, plan.top + LINE)
    rows = {n.row for n in plan.nodes}
    if "graph" in rows:
        for v in svg.ticks(plan.low, plan.high, 6):
            body.append(svg.line(LEFT - 10, y(v), plan.width, y(v), "axis" if abs(v) < 1e-9 else "grid"))
            body.append(svg.text(LEFT - 14, y(v) + 4, svg._label(v), "soft", "end"))
        body.append(svg.text(2, plan.top + 4, "potential", "small"))
    if "transient" in rows:
        body.append(svg.text(2, 11, "only left, never entered again: no potential", "soft small"))
        body.append(svg.line(0, plan.top - 2, plan.width, plan.top - 2, "apart"))
    if "absorbing" in rows:
        body.append(svg.line(0, plan.bottom + 10, plan.width, plan.bottom + 10, "apart"))
        body.append(svg.text(plan.width - 2, plan.height - 3, "only entered, never left", "soft small", "end"))
    return body


def _links(group: Json, nodes: Mapping[Any, Node]) -> list[str]:
    """Thin lines of pairs seen both ways; dashed ones with a head where only one way was seen."""
    both, one = [], []
    inside = [p for p in listed(group, "pairs") if p.get("a") in nodes and p.get("b") in nodes]
    for pair in inside[:MAX_LINKS]:
        a, b = nodes[pair["a"]], nodes[pair["b"]]
        forward, backward = pair.get("forward") or 0, pair.get("backward") or 0
        if forward and backward:
            both.append(f"M{a.x:.1f},{a.y:.1f}L{b.x:.1f},{b.y:.1f}")
        elif forward or backward:
            one.append(_arrow(a, b, 1.2, 0.0) if forward else _arrow(b, a, 1.2, 0.0))
    drawn = [f'<path d="{"".join(both)}" class="link"/>'] if both else []
    return drawn + ([f'<path d="{"".join(one)}" class="link one"/>'] if one else [])


def _currents(group: Json, nodes: Mapping[Any, Node]) -> list[str]:
    """Arrows of the largest currents, as wide as they are large; those not told from zero are dotted."""
    shown = currents_of(group)[:MAX_ARROWS]
    most = max((abs(c["value"]) for c in shown), default=1.0)
    out = []
    for c in reversed(shown):
        a, b = nodes.get(c.get("from")), nodes.get(c.get("to"))
        if a is None or b is None or a is b:
            continue
        sure = (c.get("low") or 0) > 0
        wide = 1.4 + 3.2 * abs(c["value"]) / most if sure else 1.2
        words = f"net current {state_name(c.get('from'), 40)} to {state_name(c.get('to'), 40)}: "
        words += spread(c["value"], c.get("low"), c.get("high")) + " per step"
        look = "flow" if sure else "flow unsure"
        title = f"<title>{escape(words)}</title>"
        out.append(f'<path d="{_arrow(a, b, wide, BEND)}" class="{look}" stroke-width="{wide:.1f}">{title}</path>')
    return out


def _arrow(a: Node, b: Node, wide: float, bend: float) -> str:
    """Return the path of an arrow between two marks, bent to its right, with a head."""
    long = math.hypot(b.x - a.x, b.y - a.y) or 1.0
    cx, cy = bent(a, b, bend)
    start, end = _towards(a, cx, cy, a.r + 1), _towards(b, cx, cy, b.r + 2)
    ux, uy = end[0] - cx, end[1] - cy
    size = math.hypot(ux, uy) or 1.0
    ux, uy, head = ux / size, uy / size, min(4 + 1.6 * wide, long / 3)
    left = (end[0] - head * (ux + 0.5 * uy), end[1] - head * (uy - 0.5 * ux))
    right = (end[0] - head * (ux - 0.5 * uy), end[1] - head * (uy + 0.5 * ux))
    return (
        f"M{start[0]:.1f},{start[1]:.1f}Q{cx:.1f},{cy:.1f} {end[0]:.1f},{end[1]:.1f}"
        f"M{left[0]:.1f},{left[1]:.1f}L{end[0]:.1f},{end[1]:.1f}L{right[0]:.1f},{right[1]:.1f}"
    )


def _towards(node: Node, x: float, y: float, off: float) -> tuple[float, float]:
    """Return the point at some distance from a mark in the direction of another."""
    dx, dy = x - node.x, y - node.y
    long = math.hypot(dx, dy) or 1.0
    off = min(off, 0.9 * long)
    return node.x + dx / long * off, node.y + dy / long * off


def _error_bar(group: Json, node: Node, plan: Layout) -> list[str]:
    _, low, high = triple(group, "potential", node.place)
    if node.row != "graph" or low is None or high is None:
        return []
    y = svg.scale(plan.low, plan.high, plan.bottom, plan.top + LINE)
    ends = [y(min(max(v, plan.low), plan.high)) for v in (low, high)]
    return [svg.line(node.x, ends[0], node.x, ends[1], f"bar thin {CLASSES[node.kind][1]}")]


def _node(group: Json, node: Node) -> str:
    words = state_name(listed(group, "states")[node.place], 80)
    if node.row == "graph":
        words += f": potential {spread(*triple(group, 'potential', node.place))}"
    elif node.row == "transient":
        bound = nth(listed(group, "potential_bound"), node.place)
        words += ": only left" + (f", potential above {number(bound)}" if bound is not None else "")
    else:
        words += ": only entered"
    share = triple(group, "stationary", node.place)
    words += f", {percent(*share)} of the time" if share[0] is not None else ""
    if node.row == "transient":
        return svg.mark("ring", node.x, node.y, "ink", words, max(node.r, 5))
    if node.row == "absorbing":
        return svg.mark("diamond", node.x, node.y, "ink", words, max(node.r * 0.6, 5))
    shape, look = CLASSES[node.kind]
    return svg.mark(shape, node.x, node.y, look, words, node.r)


# ---------------------------------------------------------------------- log-ratios


def ratio_points(group: Json, most: int = MAX_POINTS) -> list[Ratio]:
    """Return (difference, log-ratio, low, high, words) of pairs seen both ways, turned so that they go downhill."""
    out = []
    for pair in listed(group, "pairs")[:most]:
        x, y = pair.get("potential_difference"), pair.get("log_ratio")
        if x is None or y is None:
            continue
        low, high, names = pair.get("low"), pair.get("high"), [state_name(pair.get(k), 40) for k in "ab"]
        if x < 0:
            x, y, low, high = -x, -y, None if high is None else -high, None if low is None else -low
            names.reverse()
        out.append(
            (x, y, low, high, f"{names[0]} to {names[1]}: {spread(y, low, high)}, potential {number(x, 3)} lower")
        )
    return out


def off_line(point: Ratio) -> bool:
    """True where the interval of a pair's log-ratio leaves out the difference of its potentials."""
    difference, _, low, high, _ = point
    return low is not None and high is not None and not low <= difference <= high


def ratios(group: Json, *, most: int = MAX_POINTS) -> str:
    """Draw how much likelier the way down is than the way back against the difference of the potentials."""
    points = ratio_points(group, most)
    if not points:
        return ""
    high_x = max(p[0] for p in points) or 1.0
    ys = [v for p in points for v in p[1:4] if v is not None]
    limits = ((-0.04 * high_x, 1.04 * high_x), _limits([0.0, high_x, *(p[1] for p in points)], ys))
    height = 320.0
    x, y, body = svg._axes(("potential lower by", "ln of way down over way back"), limits, height)
    (x0, x1), (y0, y1) = limits
    body.append(svg.line(x(x0), y(0), x(x1), y(0), "axis"))
    start, end = max(x0, y0), min(x1, y1)
    body.append(svg.line(x(start), y(start), x(end), y(end), "same"))
    for a, b, low, high, words in points:
        ends = [min(max(v, y0), y1) for v in (b if low is None else low, b if high is None else high)]
        off = off_line((a, b, low, high, words))
        look = "c5" if off else "c0"
        body.append(svg.line(x(a), y(ends[0]), x(a), y(ends[1]), f"bar thin faint {look}"))
        body.append(svg.mark("diamond" if off else "circle", x(a), y(b), look, words, 4 if off else 3))
    title = f"Log-ratio of way down to way back against potential difference of {len(points)} pairs; "
    return svg.picture(
        svg.WIDTH, height, f"{title}{sum(map(off_line, points))} have intervals off the line of balance", body
    )


def _limits(must: Sequence[float], may: Sequence[float]) -> tuple[float, float]:
    low, high = min(must), max(must)
    room = max(high - low, 0.2)
    low, high = max(min([low, *may]), low - room), min(max([high, *may]), high + room)
    pad = 0.05 * max(high - low, 0.2)
    return low - pad, high + pad


# ---------------------------------------------------------------- potentials, relaxation


def potentials(group: Json) -> str:
    """Draw the potentials, one by one with their intervals, or as a histogram of many states."""
    known = lowest(group)
    if not known:
        return ""
    if len(known) > MAX_DOTS:
        return _histogram([float(listed(group, "potential")[k]) for k in known])
    label = class_of(group)
    known.sort(key=lambda k: (label.get(k, 0), -listed(group, "potential")[k]))
    rows = [_potential_row(group, k, label.get(k, 0)) for k in known]
    words = "; ".join(f"{r.label} {spread(*r.value)}" for r in rows)
    return svg.dots(rows, title=f"Potentials: {words}")


def _potential_row(group: Json, k: int, label: int) -> svg.Row:
    shape, look = CLASSES[min(label, KINDS - 1)]
    return svg.Row(state_name(listed(group, "states")[k], 40), triple(group, "potential", k), look, shape)


def _histogram(values: Sequence[float]) -> str:
    count, edges = np.histogram(values, bins=min(24, max(8, round(2 * math.sqrt(len(values))))))
    height, left, bottom = 190.0, 44.0, 152.0
    x, y = (
        svg.scale(float(edges[0]), float(edges[-1]), left, svg.WIDTH - 10),
        svg.scale(0, float(count.max()), bottom, 8),
    )
    body = []
    for v in svg.ticks(float(edges[0]), float(edges[-1]), 6):
        body += [svg.line(x(v), 8, x(v), bottom, "grid"), svg.text(x(v), bottom + 14, svg._label(v), "soft", "middle")]
    for v in svg.ticks(0, float(count.max()), 3):
        body.append(svg.text(left - 6, y(v) + 4, svg._label(v), "soft", "end"))
    for n, start, end in zip(count.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if n:
            place = f'x="{x(start) + 0.5:.1f}" y="{y(n):.1f}" width="{x(end) - x(start) - 1:.1f}"'
            words = f"{n:,} states from {number(start, 3)} to {number(end, 3)}"
            body.append(f'<rect {place} height="{bottom - y(n):.1f}" class="column"><title>{words}</title></rect>')
    body.append(svg.line(left, bottom, svg.WIDTH - 10, bottom, "axis"))
    body.append(svg.text((left + svg.WIDTH) / 2, height - 6, "potential", "small", "middle"))
    middle = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    title = f"Potentials of {len(values):,} states: quarters at {', '.join(number(v, 3) for v in middle)}"
    return svg.picture(svg.WIDTH, height, title, body)


def relaxation(group: Json) -> str:
    """Draw the relaxation times of the slowest modes, in steps."""
    times = [t for t in listed(group, "relaxation_times") if t is not None and math.isfinite(t)][:MAX_TIMES]
    if not times:
        return ""
    rows = [svg.Row(f"mode {k + 1}: {number(t, 3)} steps", (t, t, t), "c0") for k, t in enumerate(times)]
    words = ", ".join(number(t, 3) for t in times)
    return svg.dots(rows, title=f"Relaxation times in steps, slowest first: {words}", limits=(0.0, max(times)))
