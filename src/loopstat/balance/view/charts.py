"""The pictures of a group: states by potential with their currents, log-ratios, potentials, relaxation times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...arrays import Float
from ...results.chart import (
    Axis,
    Chart,
    Dot,
    Dots,
    Edge,
    Graph,
    Histogram,
    Label,
    Line,
    Mark,
    Node,
    Points,
    Rule,
    category,
)
from ...results.extent import ticks
from ...results.words import cell, counted, number, percent, show
from ..currents import Current
from ..fit import ExchangedPair
from .layout import BEND, MAX_ARROWS, MAX_LINKS, MAX_NODES, SMALL, Layout, Place, layout, look, row_of, sizes
from .seen import Seen, rounded, state_name

MAX_POINTS = 300
MAX_DOTS = 16  # states whose potentials are drawn one by one; beyond, as a histogram
MAX_TIMES = 6


# -------------------------------------------------------------------------- the state graph


def state_graph(seen: Seen, *, max_states: int = MAX_NODES) -> Chart | None:
    """Return states by potential, pairs that exchange as thin lines, the largest currents as arrows."""
    plan = layout(seen, most=max_states)
    if not plan.places:
        return None
    shown = {seen.fit.states[p.state]: p for p in plan.places}
    size = sizes(seen, [p.state for p in plan.places])
    nodes = tuple(_node(seen, p, plan, size[p.state]) for p in plan.places)
    graph = Graph(nodes, (*_links(seen, shown), *_arrows(seen, shown)))
    few = f"{len(nodes)} of {seen.n_states:,} states" if len(nodes) < seen.n_states else "States"
    return Chart(
        f"{seen.key}-states",
        f"{few} and what flows between them",
        (*_rows(seen, plan), graph),
        Axis(hidden=True, limits=(0.0, plan.size[0])),
        _potential_axis(seen, plan),
        _described(seen, plan),
        _graph_note(seen, plan),
        size="small" if plan.size == SMALL else "wide",
    )


def currents_of(seen: Seen) -> list[Current]:
    """Return the currents that are more than the rounding errors of a zero."""
    return [c for c in seen.fit.currents if rounded(c.value)]


def _known(seen: Seen, plan: Layout) -> bool:
    return any(row_of(seen, p.state) == "graph" for p in plan.places)


def _potential_axis(seen: Seen, plan: Layout) -> Axis:
    """Return the axis of the potentials, which ends where the rows of states without one begin."""
    marked = tuple(ticks(plan.low, plan.high, Axis())) if _known(seen, plan) else ()
    ends = (plan.value(0.0), plan.value(plan.size[1]))
    return Axis("potential", limits=ends, ticks=marked) if marked else Axis(limits=ends, hidden=True)


def _rows(seen: Seen, plan: Layout) -> list[Mark]:
    """Return what parts the rows of states that are only left, or only entered."""
    rows, (width, height) = {row_of(seen, p.state) for p in plan.places}, plan.size
    out: list[Mark] = []
    if "transient" in rows:
        out.append(Rule("y", plan.value(plan.top + 24), stroke="dotted"))
        out.append(Label(0.0, plan.value(height - 10), "only left, never entered again: no potential", anchor="start"))
    if "absorbing" in rows:
        out.append(Rule("y", plan.value(plan.bottom - 22), stroke="dotted"))
        out.append(Label(width, plan.value(4.0), "only entered, never left", anchor="end"))
    return out


def _node(seen: Seen, place: Place, plan: Layout, size: float) -> Node:
    k, row, v = place.state, row_of(seen, place.state), seen.fit.potential
    words = seen.name(k, 60)
    if row == "graph":
        words += f": potential {cell(seen.entry('potential', k))}"
    elif row == "transient":
        words += ": only left" + (f", potential above {number(float(v.bound[k]))}" if np.isfinite(v.bound[k]) else "")
    else:
        words += ": only entered"
    share = [float(end[k]) for end in (seen.fit.stationary.value, seen.fit.stationary.low, seen.fit.stationary.high)]
    words += f", {percent(*share)} of the time" if np.isfinite(share[0]) else ""
    tone, shape = {"graph": category(look(seen, k)), "transient": ("ink", "ring")}.get(row, ("ink", "diamond"))
    ends = row == "graph" and np.isfinite([v.low[k], v.high[k]]).all()
    low, high = (float(np.clip(e, plan.low, plan.high)) if ends else None for e in (v.low[k], v.high[k]))
    y, label = plan.value(place.y), place.name if place.side else ""
    return Node(seen.fit.states[k], place.x, y, label, size, tone, shape, words, low, high, place.side or "above")


def _links(seen: Seen, shown: dict[str, Place]) -> list[Edge]:
    """Return thin lines of pairs seen both ways, dashed arrows where only one way was seen."""
    out = []
    for p in [p for p in seen.fit.pairs if p.a in shown and p.b in shown][:MAX_LINKS]:
        start, end = (p.a, p.b) if p.forward else (p.b, p.a)
        out.append(Edge(p.a, p.b, 0.0) if _both(p) else Edge(start, end, 0.0, directed=True, stroke="dashed"))
    return out


def _both(pair: ExchangedPair) -> bool:
    return bool(pair.forward and pair.backward)


def _arrows(seen: Seen, shown: dict[str, Place]) -> list[Edge]:
    """Return the largest currents, as wide as they are large; those not told from zero are dotted."""
    largest = currents_of(seen)[:MAX_ARROWS]
    most = max((abs(c.value) for c in largest), default=1.0)
    out = []
    for c in reversed(largest):
        if c.source in shown and c.target in shown and c.source != c.target:
            names = f"{state_name(c.source, 40)} to {state_name(c.target, 40)}"
            words = f"net current {names}: {show(c.value, c.low, c.high)} per step"
            wide = 0.1 + 0.6 * abs(c.value) / most
            arrow = Edge(c.source, c.target, wide, "c5", directed=True, words=words, bend=BEND)
            out.append(arrow if c.low > 0 else replace(arrow, weight=0.0, tone="context", stroke="dotted"))
    return out


def _described(seen: Seen, plan: Layout) -> str:
    """Describe the state graph for those who do not see it."""
    shown = {p.state for p in plan.places}
    low = [f"{seen.name(k, 14)} {cell(seen.entry('potential', k))}" for k in seen.lowest if k in shown][:3]
    sure = [f"{state_name(c.source, 14)} to {state_name(c.target, 14)}" for c in currents_of(seen) if c.low > 0][:3]
    said = f"{len(plan.places)} states by potential"
    said += f", the lowest {', '.join(low)}" if low else ", none with a potential"
    return said + (f"; net currents {', '.join(sure)}" if sure else "; no sure net current")


def _graph_note(seen: Seen, plan: Layout) -> str:
    """Say how to read the state graph, and what it leaves out."""
    both = [_both(p) for p in seen.fit.pairs]
    sure = [c.low > 0 for c in currents_of(seen)]
    said = {
        "Low is where the loop goes, with its interval; larger: more of the time.": _known(seen, plan),
        "Those with most visits are drawn.": len(plan.places) < seen.n_states,
        "Grey: seen both ways.": any(both),
        "Dashed: one way only.": not all(both),
        "Arrows: net currents, wider where larger.": any(sure),
        "Dotted arrows: currents that may be none.": not all(sure),
        "Marks tell sets of states that do not lead to each other; each has a zero of its own.": len(seen.sets) > 1,
        f"{counted(plan.hidden, 'name')} found no room: point at a mark, or see the table.": plan.hidden > 0,
    }
    return " ".join(sentence for sentence, holds in said.items() if holds)


# ---------------------------------------------------------------------- log-ratios


def log_ratios(seen: Seen, *, most: int = MAX_POINTS) -> Chart | None:
    """Return how much likelier the way down is than the way back against the difference of the potentials."""
    names, figures = _downhill(seen.fit.pairs[:most])
    if not names:
        return None
    x, y, low, high = figures.T
    beta, reach = seen.fit.potential.beta, float(x.max()) or 1.0
    off = (beta * x < low) | (beta * x > high)
    across, up = (-0.04 * reach, 1.04 * reach), _limits(np.append(y, [0.0, beta * reach]), np.append(low, high))
    ends = np.array([max(across[0], up[0] / beta), min(across[1], up[1] / beta)])
    marks: list[Mark] = [Line(ends, beta * ends, tone="ink", stroke="dashed")]
    for some, tone, shape in ((~off, *category(0)), (off, "c5", "diamond")):
        told = tuple(name for name, drawn in zip(names, some, strict=True) if drawn)
        if told:
            marks.append(Points(x[some], y[some], low[some], high[some], told, tone=tone, shape=shape))
    title = f"Way down against way back, {counted(len(names), 'pair')}"
    described = f"{title}: ln of their ratio against the difference of potentials; "
    described += f"{int(off.sum())} have intervals off the line of balance"
    axes = (Axis("potential lower by", limits=across), Axis("ln of way down over way back", limits=up))
    return Chart(f"{seen.key}-ratios", title, tuple(marks), *axes, described, _ratios_note(seen, bool(off.any())))


def _downhill(pairs: Sequence[ExchangedPair]) -> tuple[list[str], Float]:
    """Return names, and (difference, log-ratio, low, high), of pairs seen both ways, turned so that they go down."""
    names, rows = [], []
    for p in pairs:
        x = p.potential_difference
        if not (math.isnan(x) or math.isnan(p.log_ratio)):
            a, b = (state_name(s, 40) for s in ((p.a, p.b) if x >= 0 else (p.b, p.a)))
            names.append(f"{a} to {b}")
            rows.append((x, p.log_ratio, p.low, p.high) if x >= 0 else (-x, -p.log_ratio, -p.high, -p.low))
    return names, np.array(rows).reshape(-1, 4)


def _limits(must: Float, may: Float) -> tuple[float, float]:
    """Return a range that holds some values, and others where they are not far off."""
    low, high = float(must.min()), float(must.max())
    room, known = max(high - low, 0.2), may[np.isfinite(may)]
    low, high = max(min([low, *known]), low - room), min(max([high, *known]), high + room)
    pad = 0.05 * max(high - low, 0.2)
    return low - pad, high + pad


def _ratios_note(seen: Seen, off: bool) -> str:
    one_way = sum(not _both(p) for p in seen.fit.pairs)
    words = "On the dashed line where detailed balance holds."
    words += " Diamonds: interval off the line." if off else ""
    words += " Without a cycle every pair lies on it." if seen.fit.test.df == 0 else ""
    return words + (f" {counted(one_way, 'pair')} seen one way only: no point." if one_way else "")


# ---------------------------------------------------------------- potentials, relaxation


def potentials(seen: Seen) -> Chart | None:
    """Return the potentials, one by one with their intervals, or as a histogram of many states."""
    known = seen.lowest
    if not known:
        return None
    key, title = f"{seen.key}-potentials", f"Potentials of {counted(len(known), 'state')}"
    if len(known) > MAX_DOTS:
        values = seen.fit.potential.value[known]
        heights, edges = np.histogram(values, bins=min(24, max(8, round(2 * math.sqrt(len(values))))))
        quarters = ", ".join(number(v, 3) for v in np.quantile(values, [0.25, 0.5, 0.75]).tolist())
        mark, described = Histogram(edges, heights), f"{title}: quarters at {quarters}"
        return Chart(key, title, (mark,), Axis("potential"), Axis("states", whole=True), described)
    order = sorted(known, key=lambda k: (seen.label[k], -seen.fit.potential.value[k]))
    rows = tuple(Dot(seen.name(k, 40), seen.entry("potential", k), *category(look(seen, k))) for k in order)
    return _dots(key, title, rows, Axis("potential", zero=True))


def relaxation(seen: Seen) -> Chart | None:
    """Return how many steps the slowest modes take to be forgotten."""
    known = np.flatnonzero(np.isfinite(seen.fit.relaxation_times.value))[:MAX_TIMES].tolist()
    rows = tuple(Dot(f"mode {k + 1}", seen.entry("relaxation_times", k)) for k in known)
    title = "How long each mode is remembered"
    return _dots(f"{seen.key}-relaxation", title, rows, Axis("relaxation time", "steps", zero=True)) if rows else None


def _dots(key: str, title: str, rows: tuple[Dot, ...], x: Axis) -> Chart:
    words = "; ".join(f"{row.label} {cell(row.figure)}" for row in rows)
    return Chart(key, title, (Dots(rows),), x, described=f"{title}: {words}")


# --------------------------------------------------------------------------- all groups


def tiny(seen: Seen, most: float) -> Chart | None:
    """Return how irreversible a group is, with its interval, for a line of a table; `most` is the range's end."""
    found = seen.fit.entropy_production
    if math.isnan(found.value):
        return None
    low, high = (found.value if math.isnan(end) else end for end in (found.low, found.high))
    marks = (
        Rule("x", 0.0, stroke="solid"),
        Line([low, min(high, most)], [0.0, 0.0], strong=True),
        Points([min(found.value, most)], [0.0]),
    )
    said = f"{seen.short}: {show(found.value, found.low, found.high)} nats per step"
    x, y = Axis(hidden=True, limits=(-0.04 * most, 1.04 * most)), Axis(hidden=True, limits=(-1.0, 1.0))
    return Chart(f"{seen.key}-tiny", "irreversible, nats per step", marks, x, y, said, size="tiny")


def tiny_limit(groups: Sequence[Seen]) -> float:
    """Return the largest irreversibility of all groups, so that small pictures can be compared."""
    ends = [v for s in groups for v in (s.fit.entropy_production.value, s.fit.entropy_production.high)]
    return max([v for v in ends if math.isfinite(v)], default=1.0) or 1.0
