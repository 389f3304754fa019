"""Pictures of the moves lens as SVG: what runs do move by move, when they arrive, levers, speed against quality.

Everything is read from the JSON form; where a part is null the picture goes without it, and a function that finds
nothing to draw returns an empty text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ..results.result import number
from . import svg_pieces as svg
from .moves_text import LEVER_WORDS, probability, setting, share_words
from .sheets import Json, listed, part

POINTS = 161  # of a curve; more would not be seen
STRIPS = 40  # places of a picture that answer the pointer
LINE = 13.0  # height of a line of text
LETTER = 6.6  # width of one
ROOM_BELOW = 36.0

Values = Sequence[float | None]


@dataclass(frozen=True)
class Curve:
    """One curve over the moves: its name at the right end, and its band if it has one."""

    name: str
    values: Values
    low: Values = ()
    high: Values = ()
    look: str = "c0"
    dashed: bool = False


@dataclass(frozen=True)
class Frame:
    """What stands around curves.

    Attributes
    ----------
    title : str
        Description for those who do not see it.
    limits : (float, float)
        Of the vertical axis.
    levels : tuple of (value, words)
        Horizontal lines.
    zone : (low, high, words), optional
        A horizontal stretch.
    stretch : (low, high, middle, words), optional
        A stretch of the moves.
    other_scale : (factor, name), optional
        What a value is on a second axis at the right.
    """

    title: str
    limits: tuple[float, float]
    levels: tuple[tuple[float, str], ...] = ()
    zone: tuple[float, float, str] | None = None
    stretch: tuple[float, float, float, str] | None = None
    unit: tuple[str, str] = ("", "")
    other_scale: float | None = None


def thinned(n: int, most: int = POINTS) -> list[int]:
    """Return places of a curve of n points that are drawn, both ends among them."""
    return sorted({round(k) for k in np.linspace(0, n - 1, min(n, most))}) if n > 0 else []


# ------------------------------------------------------------------------------------ curves


def curves(
    t: Sequence[float], given: Sequence[Curve], frame: Frame, *, move_cost: float | None, width: float, height: float
) -> str:
    """Draw curves over the moves, with the cost below the moves, and a strip of figures for the pointer.

    Parameters
    ----------
    t : sequence of float
        Moves.
    given : sequence of Curve
    frame : Frame
    move_cost : float, optional
    width, height : float
    """
    shown = [c for c in given if any(v is not None for v in c.values)]
    if not shown or len(t) < 2:
        return ""
    ends = [(c.name, c.look) for c in shown if c.name]
    right = 10 + LETTER * max([len(name) for name, _ in ends] + [7.5])
    low, high = frame.limits
    left = 12 + LETTER * max(len(svg._label(v)) for v in svg.ticks(low, high))
    bottom = height - ROOM_BELOW
    x, y = svg.scale(t[0], t[-1], left, width - right), svg.scale(low, high, bottom, 18)
    body = [
        *_ground(frame, x, y, (left, width - right, 18.0, bottom)),
        *_scales(t, frame, x, y, move_cost, width - right),
    ]
    for c in shown:
        body += _curve(t, c, x, y, frame.limits)
    body += _names([c for c in shown if c.name], y, width - right + 4, frame, bottom)
    body += _strips(t, shown, x, (18.0, bottom), move_cost)
    return svg.picture(width, height, frame.title, body)


def _ground(frame: Frame, x: svg.Map, y: svg.Map, box: tuple[float, float, float, float]) -> list[str]:
    """Draw grid, zones and levels."""
    left, right, top, bottom = box
    body = [svg.line(left, y(v), right, y(v), "axis" if v == 0 else "grid") for v in svg.ticks(*frame.limits)]
    body += [svg.text(left - 4, y(v) + 4, svg._label(v), "soft", "end") for v in svg.ticks(*frame.limits)]
    if frame.unit[0]:
        body.append(svg.text(2, 10, frame.unit[0], "soft small"))
    if frame.zone:
        low, high, words = frame.zone
        body.append(_area(left, y(high), right - left, y(low) - y(high), "zone", words))
        body.append(svg.text(left + 4, y(low) - 4, words, "soft small"))
    if frame.stretch:
        low, high, middle, words = frame.stretch
        ends = [min(max(x(v), left), right) for v in (low, high)]
        body.append(_area(ends[0], top, ends[1] - ends[0], bottom - top, "zone", words))
        body.append(svg.line(x(middle), top, x(middle), bottom, "edge dash2"))
        at_right = x(middle) > (left + right) / 2
        body.append(
            svg.text(x(middle) + (-4 if at_right else 4), top - 5, words, "soft small", "end" if at_right else "start")
        )
    for value, words in frame.levels:
        body.append(svg.line(left, y(value), right, y(value), "edge dash1"))
        place = (right - 2, "end") if frame.unit[0] else (left + 4, "start")
        body.append(svg.text(place[0], y(value) + (-4 if y(value) > top + LINE else 12), words, "soft small", place[1]))
    return body


def _area(x: float, y: float, wide: float, high: float, look: str, words: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(wide, 0.5):.1f}" height="{max(high, 0.5):.1f}"'
    return f'<rect {place} class="{look}"><title>{escape(words)}</title></rect>'


def _scales(
    t: Sequence[float], frame: Frame, x: svg.Map, y: svg.Map, move_cost: float | None, right: float
) -> list[str]:
    """Draw the moves below, the cost under them, and the second scale at the right."""
    bottom = y(frame.limits[0])
    body = []
    for v in svg.ticks(t[0], t[-1]):
        body.append(svg.text(x(v), bottom + 14, f"{v + 0.0:,.6g}", "soft", "middle"))
        if move_cost:
            body.append(svg.text(x(v), bottom + 28, short(v * move_cost + 0.0), "soft small", "middle"))
    body.append(svg.text(right + 21, bottom + 14, "moves", "soft small"))
    if move_cost:
        body.append(svg.text(right + 21, bottom + 28, "cost", "soft small"))
    if frame.other_scale:
        beside = [(v, number(v * frame.other_scale, 2) if v else "0") for v in svg.ticks(*frame.limits)]
        body += [svg.text(right + 4, y(v) + 4, words, "soft") for v, words in beside]
        body.append(svg.text(right + 44, 10, frame.unit[1], "soft small", "end"))
    return body


def short(value: float) -> str:
    """Return a cost short enough to stand under a tick."""
    return f"{value / 1000:.3g}k" if value >= 10_000 else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _curve(t: Sequence[float], c: Curve, x: svg.Map, y: svg.Map, limits: tuple[float, float]) -> list[str]:
    places = thinned(len(t))

    def at(values: Values, k: int) -> float | None:
        value = values[k] if k < len(values) else None
        return None if value is None else y(min(max(value, limits[0]), limits[1]))

    out = []
    if c.low and c.high:
        edge = [(x(t[k]), at(c.low, k), at(c.high, k)) for k in places]
        there = [(a, lo, hi) for a, lo, hi in edge if lo is not None and hi is not None]
        if len(there) > 1:
            way = [f"{a:.1f},{hi:.1f}" for a, _, hi in there] + [f"{a:.1f},{lo:.1f}" for a, lo, _ in reversed(there)]
            out.append(f'<path d="M{"L".join(way)}Z" class="spread {c.look}"/>')
    points, line = [(x(t[k]), at(c.values, k)) for k in places], ""
    for k, (a, b) in enumerate(points):
        if b is not None:
            line += f"{'M' if k == 0 or points[k - 1][1] is None else 'L'}{a:.1f},{b:.1f}"
    return [*out, f'<path d="{line}" class="curve {c.look}{" dash1" if c.dashed else ""}"/>']


def _names(shown: Sequence[Curve], y: svg.Map, left: float, frame: Frame, bottom: float) -> list[str]:
    """Write the curves' names at their ends, moved apart where they would collide."""
    if frame.other_scale:
        return []
    wanted = []
    for c in shown:
        last = next(v for v in reversed(c.values) if v is not None)
        wanted.append((y(min(max(last, frame.limits[0]), frame.limits[1])) + 4, c))
    wanted.sort(key=lambda w: w[0])
    heights = [w[0] for w in wanted]
    for k in range(1, len(heights)):
        heights[k] = max(heights[k], heights[k - 1] + LINE)
    over = heights[-1] - (bottom + 2) if heights else 0.0
    if over > 0:
        heights[-1] -= over
        for k in range(len(heights) - 2, -1, -1):
            heights[k] = min(heights[k], heights[k + 1] - LINE)
    return [svg.text(left, h, c.name, f"small word {c.look}") for h, (_, c) in zip(heights, wanted, strict=True)]


def _strips(
    t: Sequence[float], shown: Sequence[Curve], x: svg.Map, box: tuple[float, float], move_cost: float | None
) -> list[str]:
    """Lay strips over the picture that say the figures of their move."""
    places, out = thinned(len(t), STRIPS), []
    half = (x(t[-1]) - x(t[0])) / max(len(places) - 1, 1) / 2
    for k in places:
        said = [
            f"{c.name or 'mean path'} {_told(c, k)}" for c in shown if k < len(c.values) and c.values[k] is not None
        ]
        cost = f", cost {short(t[k] * move_cost)}" if move_cost else ""
        words = f"move {t[k]:,.6g}{cost}: {'; '.join(said)}"
        place = f'x="{x(t[k]) - half:.1f}" y="{box[0]:.1f}" width="{2 * half:.1f}" height="{box[1] - box[0]:.1f}"'
        out.append(f'<rect {place} class="strip"><title>{escape(words)}</title></rect>')
    return out


def _told(c: Curve, k: int) -> str:
    value, ends = c.values[k], [v[k] if k < len(v) else None for v in (c.low, c.high)]
    if value is None or None in ends:
        return number(value, 3)
    return f"{number(value, 3)} [{number(ends[0], 3)}, {number(ends[1], 3)}]"


# ------------------------------------------------------------------------- a simulated loop


def _fan(data: Json, key: str, name: str, look: str = "c0") -> Curve:
    path = part(data, "path")
    return Curve(name, listed(path, key), listed(path, f"{key}_low"), listed(path, f"{key}_high"), look)


def _mean(data: Json, key: str, look: str = "c0") -> Curve:
    return Curve("", listed(part(data, "mean_path"), key), look=look, dashed=True)


def _times(data: Json) -> list[float]:
    return [float(v) for v in listed(part(data, "path"), "t")]


def _most(*given: Curve) -> float:
    known = [v for c in given for values in (c.values, c.high) for v in values if v is not None]
    return max(known, default=1.0) or 1.0


def _stop(data: Json) -> tuple[float, float, float, str] | None:
    """Return the stretch of the moves in which runs stop at the target."""
    m = part(data, "moves_to_target")
    if m.get("median") is None or m.get("q05") is None:
        return None
    last = m["q95"] if m.get("q95") is not None else (_times(data) or [0.0])[-1]
    return m["q05"], last, m["median"], f"half stop by {m['median']:,.0f}"


def convergence(data: Json, *, width: float = 700) -> str:
    """Draw P_pass, P_good and the risk of a false pass over the moves."""
    target = part(data, "settings").get("target_reliability")
    found = [_fan(data, "p_pass", "P_pass", "c0"), _fan(data, "p_good", "P_good", "c2")]
    found += [_fan(data, "p_false", "false pass", "c5"), _mean(data, "p_pass", "c0"), _mean(data, "p_good", "c2")]
    last = [f"{c.name} {number(c.values[-1], 2)}" for c in found[:3] if c.values and c.values[-1] is not None]
    frame = Frame(
        f"Probabilities over the moves, if runs never stopped; at the end {', '.join(last)}",
        (0.0, 1.0),
        levels=((target, f"target {setting(target)}"),) if target is not None else (),
        stretch=_stop(data),
    )
    height = 330.0 if width > svg.WIDTH else 280.0
    return curves(_times(data), found, frame, move_cost=data.get("move_cost"), width=width, height=height)


def mass(data: Json) -> str:
    """Draw the defects left over the moves."""
    found = [_fan(data, "mu", "runs"), _mean(data, "mu")]
    top = _most(*found)
    rest = part(data, "ceiling").get("mu")
    levels = ((rest, f"mean path stalls at {number(rest)}"),) if rest is not None and rest < top else ()
    frame = Frame("Defects left over the moves", (0.0, 1.04 * top), levels=levels, unit=("defects left", ""))
    return _small(data, found, frame)


def radius(data: Json) -> str:
    """Draw the edit radius over the moves."""
    found = [_fan(data, "delta", "runs"), _mean(data, "delta")]
    return _small(data, found, Frame("Edit radius over the moves", (0.0, 1.08 * _most(*found)), unit=("edit size", "")))


def acceptance(data: Json) -> str:
    """Draw the share of moves that are accepted, and the band the trust region aims at."""
    s = part(data, "settings")
    zone = None
    known = s.get("tr_a_low") is not None and s.get("tr_a_high") is not None
    if s.get("policy") == "trust-region" and s.get("tr_band") == "winner" and known:
        zone = (s["tr_a_low"], s["tr_a_high"], "the trust region's band")
    frame = Frame("Share of moves accepted", (0.0, 1.0), zone=zone)
    return _small(data, [_fan(data, "acceptance", "runs")], frame)


def efficiency(data: Json) -> str:
    """Draw the defects a move removes, and beside them those a unit of cost removes."""
    found = part(data, "efficiency")
    curve = Curve("removed", listed(found, "per_move"))
    known = [v for v in curve.values if v is not None]
    if not known:
        return ""
    cost = data.get("move_cost")
    frame = Frame(
        "Defects that a move removes, on average",
        (min(0.0, *known), 1.06 * max(*known, 1e-9)),
        unit=("a move", "per cost"),
        other_scale=1 / cost if cost else None,
    )
    return _small(data, [curve], frame)


def arrivals(data: Json) -> str:
    """Draw the share of runs that have arrived after so many moves."""
    found = part(data, "arrived")
    given = [Curve("pass", listed(found, "target"), look="c0"), Curve("all good", listed(found, "good"), look="c2")]
    ends = [f"{c.name} {share_words(c.values[-1])}" for c in given if c.values and c.values[-1] is not None]
    return _small(data, given, Frame(f"Share of runs that have arrived; at the end {', '.join(ends)}", (0.0, 1.0)))


def _small(data: Json, given: Sequence[Curve], frame: Frame) -> str:
    return curves(_times(data), given, frame, move_cost=data.get("move_cost"), width=svg.WIDTH, height=210.0)


def levers(data: Json) -> str:
    """Draw how far each lever brings P_pass of the mean path, from where it is."""
    found = [lever for lever in listed(data, "levers") if part(lever, "best").get("p_pass") is not None]
    now, target = part(data, "ceiling").get("p_pass"), part(data, "settings").get("target_reliability")
    if not found or now is None:
        return ""
    rows = [
        (
            _turn(lever),
            lever["best"]["p_pass"],
            lever["best"].get("p_good"),
        )
        for lever in found
    ]
    for key, words in (("", "all at their ends"), ("best", "all, where they give most")):
        both = part(data, "levers_together")
        both = part(both, key) if key else both
        if both.get("p_pass") is not None:
            rows.append((words, both["p_pass"], both.get("p_good")))
    x, bottom = svg.scale(0.0, 1.0, 10, svg.WIDTH - 10), 30.0 * len(rows) + 8
    body = []
    for v in svg.ticks(0, 1):
        body += [svg.line(x(v), 4, x(v), bottom, "grid"), svg.text(x(v), bottom + 14, svg._label(v), "soft", "middle")]
    if target is not None:
        body.append(svg.line(x(target), 4, x(target), bottom, "edge dash1"))
        body.append(svg.text(x(target), bottom + 28, f"target {setting(target)}", "soft small", "end"))
    for k, (words, p_pass, p_good) in enumerate(rows):
        y = 30.0 * k + 24
        body.append(svg.text(10, y - 10, words, "small"))
        body.append(svg.line(x(now), y, x(p_pass), y, "bar thin c0"))
        body.append(svg.line(x(now), y - 4, x(now), y + 4, "axis"))
        if p_good is not None:
            body.append(svg.mark("square", x(p_good), y, "c2", f"{words}: P_good {probability(p_good)}", 4))
        body.append(svg.mark("circle", x(p_pass), y, "c0", f"{words}: P_pass {probability(p_pass)}", 4.5))
    said = "; ".join(f"{words} {probability(p)}" for words, p, _ in rows)
    return svg.picture(svg.WIDTH, bottom + 32, f"P_pass of the mean path, now {probability(now)}: {said}", body)


def _turn(lever: Json) -> str:
    ends = setting(lever.get("value")), setting(part(lever, "best").get("value"))
    return f"{LEVER_WORDS.get(str(lever.get('name')), str(lever.get('name')))}: {' to '.join(ends)}"
