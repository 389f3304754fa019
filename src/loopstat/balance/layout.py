"""Where the states of a picture stand: by their potential, near their partners, names off marks, lines and one another.

Pixels from the top left; the same group always gets the same places.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Float
from ..faces import svg_pieces as svg
from ..faces.balance_text import Json, by_visits, class_of, listed, nth, short_names, triple

WIDE, NARROW = 700, 340  # pixels: on a screen, and on a telephone
MAX_NODES = 40
MAX_NODES_NARROW = 14
MAX_LINKS = 160
MAX_ARROWS = 20
KINDS = 5  # of marks
LETTER = 6.6  # pixels of a letter
LINE = 15.0  # pixels of a line of text
BAND = 46.0  # pixels of the rows of states without a height
LEFT, BOTTOM = 46.0, 38.0
BEND = 0.16  # of a current: two opposite ones do not hide each other

Box = tuple[float, float, float, float]
"""(left, top, right, bottom)."""
Spot = tuple[float, float, str]
"""(x, y, anchor) of a text."""


@dataclass(frozen=True)
class Node:
    """A state in the picture: its place in the JSON's lists, where it stands, how large, and where its name is.

    `row` is `graph`, `transient` or `absorbing`; `kind` is its mark, by class; `label` is (x, y, anchor) of its name,
    or None where there is no room.
    """

    place: int
    name: str
    x: float
    y: float
    r: float
    row: str
    kind: int
    label: Spot | None = None


@dataclass(frozen=True)
class Layout:
    """Where the states stand, in pixels from the top left; `low` and `high` are the potentials of the axis' ends."""

    nodes: tuple[Node, ...]
    width: float
    height: float
    top: float
    bottom: float
    low: float
    high: float

    @property
    def named(self) -> int:
        """Number of states whose name is written."""
        return sum(n.label is not None for n in self.nodes)


def layout(group: Json, *, width: float = WIDE, most: int = MAX_NODES, letters: int = 14) -> Layout:
    """Place the most visited states by their potential so that neither marks nor names overlap where there is room.

    Parameters
    ----------
    group : mapping
        JSON form of one group.
    width : float
        Pixels.
    most : int
        States placed at most.
    letters : int
        Letters of a name at most.

    Returns
    -------
    Layout
        The same for the same group, whatever was drawn before.
    """
    shown = by_visits(group, most)
    rows = {k: _row_of(group, k) for k in shown}
    height = _height(len(shown), set(rows.values()), width)
    top = 16 + (BAND if "transient" in rows.values() else 0)
    bottom = height - BOTTOM - (BAND if "absorbing" in rows.values() else 0)
    low, high = _span(group, [k for k in shown if rows[k] == "graph"])
    y = svg.scale(low, high, bottom, top + LINE)
    fixed = {"transient": 36.0, "absorbing": height - BOTTOM - 12}
    heights = {k: fixed.get(rows[k], y(triple(group, "potential", k)[0] or 0.0)) for k in shown}
    every = listed(group, "states")
    names = dict(zip(shown, short_names([every[k] for k in shown], letters), strict=True))
    radius, label = _radii(group, shown), class_of(group)
    across = _across(group, heights, radius, {k: LETTER * len(n) + 4 for k, n in names.items()}, width)
    nodes = [
        Node(k, names[k], across[k], heights[k], radius[k], rows[k], min(label.get(k, 0), KINDS - 1)) for k in shown
    ]
    title = (0.0, top - 8, 60.0, top + 8)
    lines = np.concatenate([_crossed(group, nodes), *(_bar(group, n, y, (top, bottom)) for n in nodes)])
    return Layout(_named(nodes, lines, (width, height), title), width, height, top, bottom, low, high)


def _row_of(group: Json, k: int) -> str:
    name = listed(group, "states")[k]
    if name in listed(group, "absorbing"):
        return "absorbing"
    return "transient" if triple(group, "potential", k)[0] is None else "graph"


def _height(n: int, rows: set[str], width: float) -> float:
    graph = min(200 + 14 * n, 440 if width > NARROW else 400) if "graph" in rows else 30
    return graph + BAND * (("transient" in rows) + ("absorbing" in rows)) + BOTTOM + 12


def _span(group: Json, shown: Sequence[int]) -> tuple[float, float]:
    """Return the range of the axis: all potentials drawn, and their intervals where these are not far longer."""
    values = [v for k in shown if (v := triple(group, "potential", k)[0]) is not None]
    ends = [e for k in shown for e in triple(group, "potential", k)[1:] if e is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.5 * max(high - low, 0.5)
    low, high = (max(min([low, *ends]), low - room), min(max([high, *ends]), high + room))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _across(
    group: Json, y: Mapping[int, float], radius: Mapping[int, float], long: Mapping[int, float], width: float
) -> dict[int, float]:
    """Return where each state stands across: the most visited first, near its partners, off others and their lines."""
    beside, middle = _neighbours(group, list(y)), _regions({k: class_of(group).get(k, 0) for k in y}, width)
    reach = float(np.clip(width / (1.2 * math.sqrt(max(len(y), 1))), 45, 260))
    tall = max(60.0, 300 / math.sqrt(max(len(y), 1)))
    at: dict[int, float] = {}
    taken: list[Box] = []
    for k in y:
        half = max(radius[k], long[k] / 2) + 3
        x = np.linspace(LEFT + half, max(width - half, LEFT + half + 1), 90)
        near = [(at[j], w) for j, w in beside.get(k, {}).items() if j in at]
        weight = sum(w for _, w in near)
        wish = 0.5 * middle[k] + 0.5 * sum(a * w for a, w in near) / weight if weight > 0 else middle[k]
        cost = 0.5 * np.abs(x - wish)
        for j, a in at.items():
            cost += 170 * np.exp(-(((x - a) / reach) ** 2) - ((y[k] - y[j]) / tall) ** 2)
            cost += 60 * np.exp(-(((x - a) / 24) ** 2))
            for m in (m for m in beside.get(k, {}) if m in at and m != j):
                cost += 130 * (_off((a, y[j]), (x, y[k]), (at[m], y[m])) < radius[j] + 7)
        for j, a in at.items():
            cost += 6000 * (np.hypot(x - a, y[k] - y[j]) < radius[k] + radius[j] + 2)
        up, down = y[k] - radius[k] - LINE - 3, y[k] + radius[k] + 3
        for box in taken:
            cost += 2500 * ((x - half < box[2]) & (box[0] < x + half) & (up < box[3]) & (box[1] < down))
        at[k] = float(x[int(np.argmin(cost))])
        taken.append((at[k] - half, up, at[k] + half, down))
    return at


def _off(point: tuple[float, float], start: tuple[Float, float], end: tuple[float, float]) -> Float:
    """Return how far a point is off the lines from several starts, side by side, to one end."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / np.maximum(dx**2 + dy**2, 1e-9)
    along = np.clip(along, 0, 1)
    return np.hypot(start[0] + along * dx - point[0], start[1] + along * dy - point[1])


def _named(nodes: Sequence[Node], crossed: Float, size: tuple[float, float], title: Box) -> tuple[Node, ...]:
    """Give states their names, the most visited first, where they hide neither marks nor names and few lines."""
    marks = {n.place: (n.x - n.r - 1, n.y - n.r - 1, n.x + n.r + 1, n.y + n.r + 1) for n in nodes}
    written = [title]
    out = []
    for node in nodes:
        others = [*written, *(box for place, box in marks.items() if place != node.place)]
        best: tuple[float, Spot, Box] | None = None
        for k, (spot, box) in enumerate(_spots(node)):
            inside = box[0] >= LEFT - 10 and box[2] <= size[0] and box[1] >= 1 and box[3] <= size[1]
            if not inside or any(_overlap(box, other) for other in others):
                continue
            x, y, weight = crossed.T
            hidden = (x > box[0] - 2) & (x < box[2] + 2) & (y > box[1] - 4) & (y < box[3] + 4)
            cost = 0.4 * k + float(weight[hidden].sum())
            if best is None or cost < best[0]:
                best = (cost, spot, box)
        written += [best[2]] if best else []
        out.append(replace(node, label=best[1] if best else None))
    return tuple(out)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _spots(node: Node) -> list[tuple[Spot, Box]]:
    """Return the places a name can have: above, below, right, left."""
    x, y, r, long = node.x, node.y, node.r, LETTER * len(node.name) + 4
    up, down = y - r - 4, y + r + LINE - 2
    return [
        ((x, up, "middle"), (x - long / 2, up - LINE + 2, x + long / 2, up + 2)),
        ((x, down, "middle"), (x - long / 2, down - LINE + 3, x + long / 2, down + 3)),
        ((x + r + 4, y + 4, "start"), (x + r + 3, y - 7, x + r + long, y + 8)),
        ((x - r - 4, y + 4, "end"), (x - r - long, y - 7, x - r - 3, y + 8)),
    ]


def _crossed(group: Json, nodes: Sequence[Node]) -> Float:
    """Return points (x, y, weight) along the lines that will be drawn, for names to keep off."""
    by_name = {listed(group, "states")[n.place]: n for n in nodes}
    found = [np.zeros((0, 3))]
    for start, end, bend, weight in (
        *((p.get("a"), p.get("b"), 0.0, 0.1) for p in listed(group, "pairs")[:MAX_LINKS]),
        *((c.get("from"), c.get("to"), BEND, 1.0) for c in listed(group, "currents")[:MAX_ARROWS]),
    ):
        a, b = by_name.get(start), by_name.get(end)
        if a is None or b is None:
            continue
        t, (cx, cy) = np.linspace(0, 1, 40), bent(a, b, bend)
        x = (1 - t) ** 2 * a.x + 2 * t * (1 - t) * cx + t**2 * b.x
        y = (1 - t) ** 2 * a.y + 2 * t * (1 - t) * cy + t**2 * b.y
        found.append(np.column_stack([x, y, np.full(len(t), weight)]))
    return np.concatenate(found)


def _bar(group: Json, node: Node, y: svg.Map, limits: tuple[float, float]) -> Float:
    """Return points along the interval of a state's potential."""
    _, low, high = triple(group, "potential", node.place)
    if node.row != "graph" or low is None or high is None:
        return np.zeros((0, 3))
    heights = np.clip([y(low), y(high)], *limits)
    return np.column_stack([np.full(20, node.x), np.linspace(heights[0], heights[1], 20), np.full(20, 0.2)])


def bent(a: Node, b: Node, bend: float) -> tuple[float, float]:
    """Return the control point of a line between two marks that bends to its right."""
    return (a.x + b.x) / 2 - bend * (b.y - a.y), (a.y + b.y) / 2 + bend * (b.x - a.x)


def _radii(group: Json, shown: Sequence[int]) -> dict[int, float]:
    """Return radii whose areas are shares of time, or of visits where those are not known."""
    share = {k: triple(group, "stationary", k)[0] for k in shown}
    if all(v is None for v in share.values()):
        share = {k: nth(listed(group, "visits"), k) for k in shown}
    most = max((v for v in share.values() if v), default=1.0)
    largest = 17 * min(1.0, math.sqrt(16 / max(len(shown), 1)))
    return {k: max(4.0, largest * math.sqrt(max(v or 0.0, 0.0) / most)) for k, v in share.items()}


def _neighbours(group: Json, shown: Sequence[int]) -> dict[int, dict[int, float]]:
    """Return for every state shown the others it exchanges with, and how often."""
    place = _places(group, shown)
    found: dict[int, dict[int, float]] = {}
    for pair in listed(group, "pairs"):
        a, b = place.get(pair.get("a")), place.get(pair.get("b"))
        if a is not None and b is not None:
            n = math.sqrt((pair.get("forward") or 0) + (pair.get("backward") or 0))
            found.setdefault(a, {})[b] = n
            found.setdefault(b, {})[a] = n
    return found


def _places(group: Json, shown: Iterable[int]) -> dict[Any, int]:
    names = listed(group, "states")
    return {names[k]: k for k in shown}


def _regions(label: Mapping[int, int], width: float) -> dict[int, float]:
    """Return for every state the middle of its class' part of the width, as wide as it has states."""
    middle, start = {}, 0.0
    for k in sorted(set(label.values())):
        share = list(label.values()).count(k) / len(label)
        middle[k] = LEFT + (start + share / 2) * (width - LEFT)
        start += share
    return {place: middle[k] for place, k in label.items()}
