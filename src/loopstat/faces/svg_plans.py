"""Pictures of a plan as SVG: speed against quality over teams, and what one more reviewer is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import svg_pieces as svg
from .moves_text import figure, setting
from .sheets import Json, listed, triple
from .svg_moves import LETTER, ROOM_BELOW, short

LABELLED = 9  # points of the front that are named at most
POLICY_LOOK = {"vibe": ("square", "c1"), "planner": ("triangle", "c3"), "trust-region": ("circle", "c0")}


def frontier(data: Json, *, best: Json | None = None, width: float = 700) -> str:
    """Draw quality at the end against cost, every team a mark, the teams that no other beats joined.

    Parameters
    ----------
    data : mapping
        JSON form of a frontier.
    best : mapping, optional
        JSON form of the plan that was found, drawn as a cross.
    width : float
    """
    points = [p for p in listed(data, "points") if (p.get("cost") or 0) > 0 and p.get("good") is not None]
    if not points:
        return ""
    height = 380.0 if width > svg.WIDTH else 300.0
    some = [*points, *([best] if best and (best.get("cost") or 0) > 0 and best.get("good") is not None else [])]
    logs = [math.log10(p["cost"]) for p in some]
    pad = 0.04 * max(max(logs) - min(logs), 0.1)
    front = sorted((p for p in points if p.get("front_cost")), key=lambda p: p["cost"])
    floor, top = quality_range(some)
    left, bottom = 44.0, height - ROOM_BELOW
    ends = (min(logs) - pad, max(logs) + pad)
    x, y = svg.scale(*ends, left, width - 10), svg.scale(floor, top, bottom, 18)
    body = _log_axes(x, y, (*ends, floor, top), (left, width - 10, bottom))
    for p in [p for p in points if p["good"] >= floor]:
        shape, look = POLICY_LOOK.get(str(p.get("policy")), ("diamond", "c4"))
        if not p.get("front_cost"):
            body.append(svg.mark(shape, x(math.log10(p["cost"])), y(p["good"]), f"{look} faint", _team(p), 2.5))
    way = "L".join(f"{x(math.log10(p['cost'])):.1f},{y(p['good']):.1f}" for p in front)
    body.append(f'<path d="M{way}" class="edge"/>' if len(front) > 1 else "")
    for p in front:
        shape, look = POLICY_LOOK.get(str(p.get("policy")), ("diamond", "c4"))
        body += [*_bars(p, x, y, look), svg.mark(shape, x(math.log10(p["cost"])), y(p["good"]), look, _team(p), 4.5)]
    body += _front_names(front, x, y, width)
    if best and len(some) > len(points):
        body += [*_bars(best, x, y, "ink")]
        words = f"the plan: {_team(best)}"
        body.append(svg.mark("cross", x(math.log10(best["cost"])), y(best["good"]), "ink", words, 6))
    title = f"P_good at the end against cost of {len(points)} teams, {len(front)} of which no other beats"
    return svg.picture(width, height, title, body)


def quality_range(points: Sequence[Json]) -> tuple[float, float]:
    """Return the range of P_good that is shown: that of the unbeaten teams, so that they are told apart."""
    front = [p["good"] for p in points if p.get("front_cost", True)]
    room = max(0.5 * (max(front) - min(front)), 0.02)
    return max(0.0, min(front) - room), min(1.0, max(front) + 0.15 * room + 0.005)


def _team(p: Json) -> str:
    """Name a team with its figures."""
    figures = ((figure(p, key), words) for key, words in (("cost", "cost"), ("good", "P_good")))
    said = ", ".join(f"{words} {shown}" for shown, words in figures)
    return f"{p.get('policy')}, K {p.get('candidates')}, N {p.get('reviewers')}: {said}"


def _log_axes(
    x: svg.Map, y: svg.Map, limits: tuple[float, float, float, float], box: tuple[float, float, float]
) -> list[str]:
    low, high, floor, top = limits
    left, right, bottom = box
    body = []
    for v in svg.ticks(floor, top, 6):
        body += [
            svg.line(left, y(v), right, y(v), "axis" if v == 0 else "grid"),
            svg.text(left - 4, y(v) + 4, svg._label(v), "soft", "end"),
        ]
    last = -math.inf
    for e in range(math.floor(low), math.ceil(high) + 1):
        for m in (1, 2, 5):
            v = e + math.log10(m)
            if low <= v <= high and x(v) - last > 44:
                last = x(v)
                body += [
                    svg.line(x(v), 18, x(v), bottom, "grid"),
                    svg.text(x(v), bottom + 14, short(m * 10.0**e), "soft", "middle"),
                ]
    body.append(svg.text((left + right) / 2, bottom + 30, "cost until the stop, mean", "small", "middle"))
    return [*body, svg.text(2, 10, "P_good at the end", "soft small")]


def _bars(p: Json, x: svg.Map, y: svg.Map, look: str) -> list[str]:
    """Draw the intervals of a point."""
    (cost, c_low, c_high), (good, g_low, g_high) = triple(p, "cost"), triple(p, "good")
    if None in (cost, good):
        return []
    at, out = x(math.log10(cost or 1.0)), []
    if g_low is not None and g_high is not None:
        out.append(svg.line(at, y(g_low), at, y(g_high), f"bar thin {look}"))
    if c_low is not None and c_high is not None and c_low > 0:
        out.append(
            svg.line(x(math.log10(c_low)), y(good or 0.0), x(math.log10(c_high)), y(good or 0.0), f"bar thin {look}")
        )
    return out


def _front_names(front: Sequence[Json], x: svg.Map, y: svg.Map, width: float) -> list[str]:
    """Name teams of the front, as many as find room, from both ends inwards."""
    taken: list[tuple[float, float, float, float]] = []
    out: list[str] = []
    marks = [(x(math.log10(p["cost"])), y(p["good"])) for p in front]
    order = [k for pair in zip(range(len(front)), reversed(range(len(front))), strict=True) for k in pair]
    for k in dict.fromkeys(order):
        words = f"K {front[k].get('candidates')} N {front[k].get('reviewers')}"
        a, b, long = *marks[k], LETTER * len(words)
        for dx, dy, anchor in ((-7, -5, "end"), (7, 14, "start"), (-7, 14, "end"), (7, -5, "start")):
            start = a + dx - (long if anchor == "end" else 0)
            box = (start, b + dy - 9, start + long, b + dy + 3)
            free = not any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken)
            clear = not any(box[0] - 4 < m < box[2] + 4 and box[1] - 4 < n < box[3] + 4 for m, n in marks)
            if free and clear and start > 44 and box[2] < width - 4 and len(out) < LABELLED:
                taken.append(box)
                out.append(svg.text(a + dx, b + dy, words, "small", anchor))
                break
    return out


def reviewer(data: Json) -> str:
    """Draw what one more reviewer does to the cost of a good result, by the correlation of reviewers."""
    rows: list[Any] = [r for r in listed(data, "rows") if r.get("cost_ratio") is not None]
    if not rows:
        return ""
    n = rows[0]["reviewers"]
    rows = [r for r in rows if r["reviewers"] == n]
    known = [v for r in rows for v in triple(r, "cost_ratio") if v is not None]
    low, high = min(*known, 1.0), max(*known, 1.0)
    pad, height = 0.06 * max(high - low, 0.02), 210.0
    x, y = (
        svg.scale(0.0, max(r["correlation"] for r in rows) or 1.0, 46, svg.WIDTH - 12),
        svg.scale(low - pad, high + pad, height - ROOM_BELOW, 18),
    )
    body = []
    for v in svg.ticks(low - pad, high + pad):
        body += [
            svg.line(46, y(v), svg.WIDTH - 12, y(v), "grid"),
            svg.text(42, y(v) + 4, svg._label(v), "soft", "end"),
        ]
    body.append(svg.line(46, y(1.0), svg.WIDTH - 12, y(1.0), "edge dash1"))
    body.append(svg.text(svg.WIDTH - 12, y(1.0) - 4, "no change", "soft small", "end"))
    for v in svg.ticks(0.0, max(r["correlation"] for r in rows) or 1.0, 6):
        body.append(svg.text(x(v), height - ROOM_BELOW + 14, svg._label(v), "soft", "middle"))
    for r in rows:
        value, start, end = triple(r, "cost_ratio")
        at, words = (
            x(r["correlation"]),
            f"correlation {setting(r['correlation'])}: times {figure(r, 'cost_ratio')}",
        )
        if start is not None and end is not None:
            body.append(svg.line(at, y(start), at, y(end), "bar thin c0"))
        body.append(svg.mark("circle", at, y(value or 1.0), "c0", words, 4))
    body.append(svg.text((46 + svg.WIDTH) / 2, height - 6, "correlation of reviewers", "small", "middle"))
    body.append(svg.text(2, 10, "cost of a good result, times", "soft small"))
    title = f"What going from {n} to {n + 1} reviewers multiplies the cost of a good result by"
    return svg.picture(svg.WIDTH, height, title, body)
