"""Where the states of a picture stand: by their potential, near their partners, names off marks, lines and one another.

Pixels of the frame that the page draws in, across from its left and up from its bottom; the same group always gets the
same places.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...arrays import Float
from ...results.chart import Node, Side
from .seen import Seen, short_names

WIDE, SMALL = (655.0, 324.0), (280.0, 274.0)  # frames of the two sizes of pictures
FEW = 8  # states that the small one has room for
MAX_NODES = 40
MAX_LINKS = 160
MAX_ARROWS = 20
KINDS = 6  # of marks
LETTER = 6.6  # pixels of a letter
LINE = 15.0  # pixels of a line of text
BAND = 46.0  # pixels of the rows of states without a potential
BEND = 0.16  # of a current: two opposite ones do not hide each other

Box = tuple[float, float, float, float]
"""(left, bottom, right, top)."""


@dataclass(frozen=True)
class Place:
    """A state in the picture: its code, name, where it stands, and where its name does, None without room for it."""

    state: int
    name: str
    x: float
    y: float
    r: float
    side: Side | None = None


@dataclass(frozen=True)
class Layout:
    """Where the states stand; `low` and `high` are the potentials drawn, `bottom` and `top` where they are drawn."""

    places: tuple[Place, ...]
    size: tuple[float, float]
    low: float
    high: float
    bottom: float
    top: float

    @property
    def hidden(self) -> int:
        """Number of states whose name found no room."""
        return sum(p.side is None for p in self.places)

    def value(self, y: float) -> float:
        """Return the potential at a height."""
        return self.low + (y - self.bottom) / (self.top - self.bottom) * (self.high - self.low)

    def height(self, value: float) -> float:
        """Return where a potential is drawn."""
        return self.bottom + (value - self.low) / (self.high - self.low) * (self.top - self.bottom)


def layout(seen: Seen, *, most: int = MAX_NODES, letters: int = 14) -> Layout:
    """Place the most visited states by their potential so that neither marks nor names overlap where there is room.

    Parameters
    ----------
    seen : Seen
    most : int
        States placed at most.
    letters : int
        Letters of a name at most.

    Returns
    -------
    Layout
    """
    shown = seen.by_visits(most)
    size = SMALL if len(shown) <= FEW else WIDE
    value = seen.fit.potential.value
    above, below = (any(some[k] for k in shown) for some in (seen.transient, seen.absorbing))
    low, high = _span(seen, [k for k in shown if row_of(seen, k) == "graph"])
    plan = Layout((), size, low, high, 16 + BAND * below, size[1] - LINE - 12 - BAND * above)
    fixed = {"transient": size[1] - 39, "absorbing": 14.0}
    y = {k: fixed.get(row_of(seen, k), plan.height(float(np.nan_to_num(value[k])))) for k in shown}
    names = dict(zip(shown, short_names([seen.fit.states[k] for k in shown], letters), strict=True))
    radius = {k: Node("", 0, 0, size=s).radius for k, s in sizes(seen, shown).items()}
    across = _across(seen, y, radius, {k: LETTER * len(n) + 4 for k, n in names.items()}, size[0])
    places = [Place(k, names[k], across[k], y[k], radius[k]) for k in shown]
    lines = np.concatenate([_crossed(seen, places), *(_bar(seen, p, plan) for p in places)])
    return replace(plan, places=_named(places, lines, size))


def row_of(seen: Seen, k: int) -> str:
    """Return whether a state stands by its potential, `graph`, or apart: `transient`, `absorbing`."""
    if seen.absorbing[k]:
        return "absorbing"
    return "graph" if np.isfinite(seen.fit.potential.value[k]) else "transient"


def sizes(seen: Seen, shown: Sequence[int]) -> dict[int, float]:
    """Return sizes of marks: shares of time, or of visits where those are not known, smaller where there are many."""
    share = seen.fit.stationary.value[shown]
    share = seen.visits[shown] if np.isnan(share).all() else np.nan_to_num(share)
    part = share / max(float(share.max(initial=0.0)), 1e-300) * min(1.0, 16 / max(len(shown), 1))
    return dict(zip(shown, part.tolist(), strict=True))


def look(seen: Seen, k: int) -> int:
    """Return the category of a state's mark: the set it belongs to."""
    return min(int(seen.label[k]), KINDS - 1)


def _span(seen: Seen, shown: Sequence[int]) -> tuple[float, float]:
    """Return the range of the axis: all potentials drawn, and their intervals where these are not far longer."""
    v = seen.fit.potential
    if not shown:
        return 0.0, 1.0
    low, high = float(v.value[shown].min()), float(v.value[shown].max())
    ends = np.concatenate([v.low[shown], v.high[shown]])
    ends = ends[np.isfinite(ends)]
    room = 0.5 * max(high - low, 0.5)
    low, high = max(min(low, *ends, low), low - room), min(max(high, *ends, high), high + room)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


# ----------------------------------------------------------------------------- across


def _across(
    seen: Seen, y: Mapping[int, float], radius: Mapping[int, float], long: Mapping[int, float], width: float
) -> dict[int, float]:
    """Return where each state stands across: the most visited first, near its partners, off others and their lines."""
    beside, middle = _neighbours(seen, list(y)), _regions({k: look(seen, k) for k in y}, width)
    reach = float(np.clip(width / (1.2 * math.sqrt(max(len(y), 1))), 45, 260))
    tall = max(60.0, 300 / math.sqrt(max(len(y), 1)))
    at: dict[int, float] = {}
    taken: list[Box] = []
    for k in y:
        half = max(radius[k], long[k] / 2) + 3
        x = np.linspace(half, max(width - half, half + 1), 90)
        near = [(at[j], w) for j, w in beside.get(k, {}).items() if j in at]
        weight = sum(w for _, w in near)
        wish = 0.5 * middle[k] + 0.5 * sum(a * w for a, w in near) / weight if weight > 0 else middle[k]
        cost = 0.5 * np.abs(x - wish)
        for j, a in at.items():
            cost += 170 * np.exp(-(((x - a) / reach) ** 2) - ((y[k] - y[j]) / tall) ** 2)
            cost += 60 * np.exp(-(((x - a) / 24) ** 2))
            cost += 6000 * (np.hypot(x - a, y[k] - y[j]) < radius[k] + radius[j] + 2)
            for m in (m for m in beside.get(k, {}) if m in at and m != j):
                cost += 130 * (_off((a, y[j]), (x, y[k]), (at[m], y[m])) < radius[j] + 7)
        up, down = y[k] + radius[k] + LINE + 3, y[k] - radius[k] - 3
        for box in taken:
            cost += 2500 * ((x - half < box[2]) & (box[0] < x + half) & (down < box[3]) & (box[1] < up))
        at[k] = float(x[int(np.argmin(cost))])
        taken.append((at[k] - half, down, at[k] + half, up))
    return at


def _off(point: tuple[float, float], start: tuple[Float, float], end: tuple[float, float]) -> Float:
    """Return how far a point is off the lines from several starts, side by side, to one end."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / np.maximum(dx**2 + dy**2, 1e-9)
    along = np.clip(along, 0, 1)
    return np.hypot(start[0] + along * dx - point[0], start[1] + along * dy - point[1])


def _neighbours(seen: Seen, shown: Sequence[int]) -> dict[int, dict[int, float]]:
    """Return for every state shown the others it exchanges with, and how often."""
    place = {seen.fit.states[k]: k for k in shown}
    found: dict[int, dict[int, float]] = {}
    for pair in seen.fit.pairs:
        if pair.a in place and pair.b in place:
            a, b, n = place[pair.a], place[pair.b], math.sqrt(pair.forward + pair.backward)
            found.setdefault(a, {})[b] = found.setdefault(b, {})[a] = n
    return found


def _regions(kind: Mapping[int, int], width: float) -> dict[int, float]:
    """Return for every state the middle of its set's part of the width, as wide as it has states."""
    middle, start = {}, 0.0
    for k in sorted(set(kind.values())):
        share = list(kind.values()).count(k) / len(kind)
        middle[k] = (start + share / 2) * width
        start += share
    return {state: middle[k] for state, k in kind.items()}


# ------------------------------------------------------------------------------ names


def _named(places: Sequence[Place], crossed: Float, size: tuple[float, float]) -> tuple[Place, ...]:
    """Give states their names, the most visited first, where they hide neither marks nor names and few lines."""
    marks = {p.state: (p.x - p.r - 1, p.y - p.r - 1, p.x + p.r + 1, p.y + p.r + 1) for p in places}
    written: list[Box] = []
    out = []
    for place in places:
        others = [*written, *(box for state, box in marks.items() if state != place.state)]
        best: tuple[float, Side, Box] | None = None
        for k, (side, box) in enumerate(boxes(place).items()):
            inside = box[0] >= 0 and box[2] <= size[0] and box[1] >= 0 and box[3] <= size[1]
            if not inside or any(overlap(box, other) for other in others):
                continue
            x, y, weight = crossed.T
            hidden = (x > box[0] - 2) & (x < box[2] + 2) & (y > box[1] - 4) & (y < box[3] + 4)
            cost = 0.4 * k + float(weight[hidden].sum())
            if best is None or cost < best[0]:
                best = (cost, side, box)
        written += [best[2]] if best else []
        out.append(replace(place, side=best[1] if best else None))
    return tuple(out)


def overlap(a: Box, b: Box) -> bool:
    """Return whether two boxes share ground."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def boxes(place: Place) -> dict[Side, Box]:
    """Return the ground that a state's name can take."""
    x, y, r, long = place.x, place.y, place.r, LETTER * len(place.name) + 4
    return {
        "above": (x - long / 2, y + r + 1, x + long / 2, y + r + LINE),
        "below": (x - long / 2, y - r - LINE - 1, x + long / 2, y - r - 2),
        "right": (x + r + 3, y - 8, x + r + long, y + 7),
        "left": (x - r - long, y - 8, x - r - 3, y + 7),
    }


def _crossed(seen: Seen, places: Sequence[Place]) -> Float:
    """Return points (x, y, weight) along the lines that will be drawn, for names to keep off."""
    by_name = {seen.fit.states[p.state]: p for p in places}
    lines = [
        *((p.a, p.b, 0.0, 0.1) for p in seen.fit.pairs[:MAX_LINKS]),
        *((c.source, c.target, BEND, 1.0) for c in seen.fit.currents[:MAX_ARROWS]),
    ]
    found, t = [np.zeros((0, 3))], np.linspace(0, 1, 40)
    for start, end, bend, weight in lines:
        if start in by_name and end in by_name:
            a, b = by_name[start], by_name[end]
            cx, cy = (a.x + b.x) / 2 + bend * (b.y - a.y), (a.y + b.y) / 2 - bend * (b.x - a.x)
            x = (1 - t) ** 2 * a.x + 2 * t * (1 - t) * cx + t**2 * b.x
            y = (1 - t) ** 2 * a.y + 2 * t * (1 - t) * cy + t**2 * b.y
            found.append(np.column_stack([x, y, np.full(len(t), weight)]))
    return np.concatenate(found)


def _bar(seen: Seen, place: Place, plan: Layout) -> Float:
    """Return points along the interval of a state's potential."""
    v, k = seen.fit.potential, place.state
    if row_of(seen, k) != "graph" or not np.isfinite([v.low[k], v.high[k]]).all():
        return np.zeros((0, 3))
    low, high = (plan.height(float(np.clip(end, plan.low, plan.high))) for end in (v.low[k], v.high[k]))
    return np.column_stack([np.full(20, place.x), np.linspace(low, high, 20), np.full(20, 0.6)])
