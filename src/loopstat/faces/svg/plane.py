"""Marks over two axes, and the labels beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from ...arrays import Float
from ...results.chart import (
    Arrows,
    Chart,
    Graph,
    Histogram,
    Label,
    Line,
    Margin,
    Mark,
    Paths,
    Points,
    Region,
    Rule,
    Tone,
)
from ...results.extent import label, limits, named, ticks
from ...results.words import cell, number, shorten
from ..placing import spots
from .graph import draw_graph
from .pieces import (
    ARROW,
    DASHES,
    HEIGHTS,
    LETTER,
    LINE,
    LONGEST,
    WIDTHS,
    Frame,
    rule_across,
    scale,
    segment,
    symbol,
    text,
)


def draw_plane(chart: Chart) -> tuple[float, float, list[str]]:
    """Draw marks over two axes."""
    frame, width, height = _framed(chart)
    body = [] if chart.size == "tiny" else _axes(chart, frame, height)
    ends: list[tuple[float, str, Tone]] = []
    for mark in chart.marks:
        body += _drawn(mark, frame)
        ends += _at_the_end(mark, frame)
    if chart.size != "tiny":
        body += [*_names(chart, frame), *_end_labels(ends, frame, width)]
    return width, height, body


def _framed(chart: Chart) -> tuple[Frame, float, float]:
    width, height = WIDTHS[chart.size], HEIGHTS[chart.size]
    xs, ys = limits(chart, "x"), limits(chart, "y")
    if chart.size == "tiny":
        sides = (4.0, width - 4, 3.0, height - 3)
    else:
        widest = max((len(said) for _, said in ticks(*ys, chart.y)), default=0)
        left = 8.0 if chart.y.hidden else 26 + LETTER * widest
        right = width - 10 - min(_room(chart), width * 0.35)
        bottom = height - (8 if chart.x.hidden else 38)
        if chart.equal:  # one scale for both: the picture is as high as its width makes it
            height = height - bottom + 8 + (right - left) * (ys[1] - ys[0]) / max(xs[1] - xs[0], 1e-300)
            bottom = height - (8 if chart.x.hidden else 38)
        sides = (left, right, 8.0, bottom)
    left, right, top, bottom = sides
    x = scale(*xs, left, right, log=chart.x.log)
    y = scale(*ys, bottom, top, log=chart.y.log)
    return Frame(x, y, left, right, top, bottom, xs, ys), width, height


def _room(chart: Chart) -> float:
    """Return the pixels that labels at the right end need."""
    ends = [m.label for m in chart.marks if isinstance(m, Line | Margin) and m.label]
    margin = 16 if any(isinstance(m, Margin) for m in chart.marks) else 0
    return margin + (LETTER * max(map(len, ends)) + 8 if ends else 0)


def _axes(chart: Chart, f: Frame, height: float) -> list[str]:
    body = []
    if not chart.x.hidden:
        for value, said in ticks(*f.x_limits, chart.x, 5 if f.right < 400 else 9):
            body.append(segment(f.x(value), f.top, f.x(value), f.bottom, "axis" if value == 0 else "grid"))
            body.append(text(f.x(value), f.bottom + 14, said, "soft", "middle"))
        words = named(chart.x, int((f.right - f.left) / LETTER))
        body.append(text((f.left + f.right) / 2, height - 6, words, "small", "middle"))
    if not chart.y.hidden:
        for value, said in ticks(*f.y_limits, chart.y):
            body.append(segment(f.left, f.y(value), f.right, f.y(value), "axis" if value == 0 else "grid"))
            body.append(text(f.left - 5, f.y(value) + 4, said, "soft", "end"))
        words = named(chart.y, int((f.bottom - f.top) / LETTER))
        body.append(
            f'<text transform="translate(11,{(f.top + f.bottom) / 2:.0f}) rotate(-90)" class="small" '
            f'text-anchor="middle">{escape(words)}</text>'
        )
    return body


def _drawn(mark: Mark, f: Frame) -> list[str]:
    match mark:
        case Line():
            return _curve(mark, f)
        case Paths():
            return [_thin(mark, f)]
        case Points():
            return _points(mark, f)
        case Arrows():
            return _field(mark, f)
        case Histogram():
            return _columns(mark, f)
        case Graph():
            return draw_graph(mark, f)
        case Rule():
            return _rule(mark, f)
        case Margin():
            return _margin(mark, f)
        case Region():
            return _region(mark, f)
        case Label():
            told = f"<title>{escape(mark.text)}</title>" if mark.text else ""
            place = f'x="{f.x(mark.x):.1f}" y="{f.y(mark.y):.1f}" text-anchor="{mark.anchor}"'
            return [f'<text {place} class="small fill t-{mark.tone}">{told}{escape(mark.text)}</text>']
    return []


def _runs(x: Float, *columns: Float) -> Iterator[tuple[Float, ...]]:
    """Yield stretches in which nothing is missing."""
    good = np.isfinite(x) & np.all([np.isfinite(c) for c in columns], axis=0)
    edges = np.flatnonzero(np.diff(np.r_[False, good, False].astype(int)))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield tuple(c[start:end] for c in (x, *columns))


def _way(f: Frame, x: Float, y: Float, *, step: bool = False) -> str:
    low, high = f.y_limits
    points = [(f.x(a), f.y(min(max(b, low), high))) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    if step:
        points = [q for k, p in enumerate(points) for q in ([(p[0], points[k - 1][1]), p] if k else [p])]
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in points)


def _curve(line: Line, f: Frame) -> list[str]:
    x, y = (np.asarray(v, dtype=np.float64) for v in (line.x, line.y))
    out = []
    if line.low is not None and line.high is not None:
        for a, low, high in _runs(x, np.asarray(line.low, float), np.asarray(line.high, float)):
            back = _way(f, a[::-1], low[::-1], step=line.step)
            out.append(f'<polygon points="{_way(f, a, high, step=line.step)} {back}" class="band t-{line.tone}"/>')
    look = f"curve{' strong' if line.strong else ''} t-{line.tone}"
    for a, b in _runs(x, y):
        points = _way(f, a, b, step=line.step)
        out.append(f'<polyline points="{points}" class="{look}"{DASHES[line.stroke]}/>')
    return out


def _thin(paths: Paths, f: Frame) -> str:
    x = np.asarray(paths.x, dtype=np.float64)
    runs = (run for y in np.asarray(paths.y, dtype=np.float64) for run in _runs(x, y))
    d = "".join("M" + "L".join(_way(f, a, b).split(" ")) + ("h0" if len(a) == 1 else "") for a, b in runs)
    return f'<path d="{d}" class="thin t-{paths.tone}"/>'


def _points(points: Points, f: Frame) -> list[str]:
    x, y = (np.asarray(v, dtype=np.float64) for v in (points.x, points.y))
    inside = [k for k in range(len(x)) if f.inside(float(x[k]), float(y[k]))]
    if points.faint:
        d = "".join(f"M{f.x(x[k]):.1f},{f.y(y[k]):.1f}h0" for k in inside)
        return [f'<path d="{d}" class="cloud t-{points.tone}"/>']
    out = []
    for k in inside:
        name = points.names[k] if k < len(points.names) else points.label
        if points.low is not None and points.high is not None:
            ends = [min(max(float(np.asarray(v)[k]), f.y_limits[0]), f.y_limits[1]) for v in (points.low, points.high)]
            if all(map(math.isfinite, ends)):
                out.append(segment(f.x(x[k]), f.y(ends[0]), f.x(x[k]), f.y(ends[1]), f"bar narrow t-{points.tone}"))
        told = f"{name}: {number(float(x[k]), 3)}, {number(float(y[k]), 3)}" if name else ""
        out.append(symbol(points.shape, f.x(x[k]), f.y(y[k]), points.tone, told, 4.5))
    return out


def _names(chart: Chart, f: Frame) -> list[str]:
    """Name the points that have their names beside them."""

    def paper(at: Float) -> Float:
        return np.array([[f.x(x), -f.y(y)] for x, y in at.tolist()]).reshape(-1, 2)

    found = spots(chart, paper, (f.left, -f.bottom, f.right, -f.top), LETTER, LINE)
    return [text(s.x + s.dx, -s.y - s.dy, s.words, "small halo", s.anchor) for s in found]


def _field(arrows: Arrows, f: Frame) -> list[str]:
    """Draw arrows in pixels, the longest as long as the grid is wide."""
    x, y, dx, dy = (np.asarray(v, dtype=np.float64) for v in (arrows.x, arrows.y, arrows.dx, arrows.dy))
    if len(x) == 0:
        return []
    start = np.array([[f.x(a), f.y(b)] for a, b in zip(x, y, strict=True)])
    delta = np.array([[f.x(a), f.y(b)] for a, b in zip(x + dx, y + dy, strict=True)]) - start
    longest = float(np.hypot(*delta.T).max())
    if not longest > 0:
        return []
    delta *= min(1.0, LONGEST / longest)
    return [f'<path d="{"".join(_arrows(start, delta))}" class="field t-{arrows.tone}"/>']


def _arrows(start: Float, delta: Float) -> Iterator[str]:
    for (px, py), (dx, dy) in zip(start.tolist(), delta.tolist(), strict=True):
        n = math.hypot(dx, dy)
        if n >= 1.5:
            ux, uy = ARROW * dx / n, ARROW * dy / n
            yield f"M{px:.1f},{py:.1f}l{dx:.1f},{dy:.1f}m{-ux - uy * 0.57:.1f},{-uy + ux * 0.57:.1f}"
            yield f"l{ux + uy * 0.57:.1f},{uy - ux * 0.57:.1f}l{-ux + uy * 0.57:.1f},{-uy - ux * 0.57:.1f}"


def _columns(histogram: Histogram, f: Frame) -> list[str]:
    edges, heights = np.asarray(histogram.edges, float), np.asarray(histogram.heights, float)
    out = []
    for start, end, height in zip(edges, edges[1:], heights, strict=False):
        place = f'x="{f.x(start):.1f}" y="{f.y(height):.1f}" width="{max(f.x(end) - f.x(start) - 1, 0.5):.1f}"'
        told = escape(f"{label(start)} to {label(end)}: {number(float(height), 3)}")
        tall = max(f.y(max(f.y_limits[0], 0.0)) - f.y(height), 0.0)
        out.append(f'<rect {place} height="{tall:.1f}" class="piece t-{histogram.tone}"><title>{told}</title></rect>')
    return out


def _rule(rule: Rule, f: Frame) -> list[str]:
    if rule.axis == "x":
        return rule_across(rule, f.x, f.x_limits, f.top, f.bottom)
    low, high = f.y_limits
    out = []
    if rule.low is not None and rule.high is not None:
        top, bottom = f.y(min(max(rule.high, low), high)), f.y(min(max(rule.low, low), high))
        size = f'width="{f.right - f.left:.1f}" height="{max(bottom - top, 0):.1f}"'
        out.append(f'<rect x="{f.left:.1f}" y="{top:.1f}" {size} class="band t-{rule.tone}"/>')
    if rule.at is not None and low <= rule.at <= high:
        y = f.y(rule.at)
        out.append(segment(f.left, y, f.right, y, f"rule t-{rule.tone}", DASHES[rule.stroke]))
        if rule.label:
            out.append(text(f.left + 4, y - 4, rule.label, f"small fill halo t-{rule.tone}"))
    elif rule.at is not None and rule.label and not math.isnan(rule.at):
        y, arrow = (f.top + 11, "↑") if rule.at > high else (f.bottom - 4, "↓")
        out.append(text(f.left + 4, y, f"{arrow} {rule.label}", f"small fill halo t-{rule.tone}"))
    return out


def _margin(margin: Margin, f: Frame) -> list[str]:
    value, low, high = margin.figure.figures
    if value is None or not math.isfinite(value):
        return []
    bottom, top = f.y_limits
    ends = [end if v is None or not math.isfinite(v) else min(max(v, bottom), top)
            for v, end in ((low, bottom), (high, top))]  # fmt: skip
    at = f.right + 9
    out = [segment(at, f.y(ends[0]), at, f.y(ends[1]), f"bar narrow t-{margin.tone}")] if low is not None else []
    told = f"{margin.label} {cell(margin.figure)}".strip()
    return [*out, symbol("diamond", at, f.y(min(max(value, bottom), top)), margin.tone, told, 4)]


def _region(region: Region, f: Frame) -> list[str]:
    x, y = (np.asarray(v, dtype=np.float64) for v in (region.x, region.y))
    points = " ".join(f"{f.x(a):.1f},{f.y(b):.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    kind = "polygon" if region.closed else "polyline"
    told = f"<title>{escape(region.label)}</title>" if region.label else ""
    look = f"edge{' filled' if region.filled else ''} t-{region.tone}"
    return [f'<{kind} points="{points}" class="{look}">{told}</{kind}>']


# --------------------------------------------------------------------- labels at the end


def _at_the_end(mark: Mark, f: Frame) -> list[tuple[float, str, Tone]]:
    """Return where the label of a curve or of a figure at the edge wants to stand."""
    if isinstance(mark, Margin) and mark.label and mark.figure.figures[0] is not None:
        return [(f.y(mark.figure.figures[0]), mark.label, mark.tone)]
    if not isinstance(mark, Line) or not mark.label:
        return []
    y = np.asarray(mark.y, dtype=np.float64)
    known = y[np.isfinite(y)]
    low, high = f.y_limits
    return [(f.y(min(max(float(known[-1]), low), high)), mark.label, mark.tone)] if len(known) else []


def _end_labels(ends: Sequence[tuple[float, str, Tone]], f: Frame, width: float) -> list[str]:
    """Set labels at the right end, pushed apart so that they can be read."""
    out, last = [], -math.inf
    for y, words, tone in sorted(ends):
        last = min(max(y + 4, last + 13), f.bottom + 10)
        room = int((width - f.right - 4) / LETTER)
        out.append(text(width - 4, last, shorten(words, max(room, 8)), f"small fill t-{tone}", "end"))
    return out
