"""Charts as SVG text: quiet, labelled directly, readable in light and dark, with a description for screen readers.

Coordinates are CSS pixels. Colours are the page's classes `t-TONE`; alone, a picture brings them along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ..arrays import Float
from ..results.chart import (
    TONES,
    Arrows,
    Bar,
    Bars,
    Chart,
    Dot,
    Dots,
    Edge,
    Graph,
    Histogram,
    Label,
    Line,
    Margin,
    Mark,
    Node,
    Paths,
    Points,
    Region,
    Rule,
    Shape,
    Tone,
)
from ..results.extent import label, limits, named, ticks
from ..results.words import cell, number, shorten
from .placing import spots

WIDTHS = {"tiny": 150.0, "small": 340.0, "wide": 720.0}
HEIGHTS = {"tiny": 36.0, "small": 290.0, "wide": 340.0}
ROW, STACK, HEADER = 30.0, 46.0, 4.0  # heights of a dot's row, of a bar's, and of what is above the first
LINE = 13.0  # pixels a line of text takes
LETTER = 6.4  # pixels a letter of 12 takes, on average
ARROW, LONGEST = 3.5, 26.0
DASHES = {"solid": "", "dashed": ' stroke-dasharray="5 4"', "dotted": ' stroke-dasharray="1.5 4"'}

Map = Callable[[float], float]


@dataclass(frozen=True)
class Frame:
    """The plane a chart is drawn in: maps from values to pixels, and the pixels at its four sides."""

    x: Map
    y: Map
    left: float
    right: float
    top: float
    bottom: float
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]

    def inside(self, x: float, y: float) -> bool:
        """True for a point that lies in the picture."""
        (x0, x1), (y0, y1) = self.x_limits, self.y_limits
        return x0 <= x <= x1 and y0 <= y <= y1


def draw(chart: Chart, *, alone: bool = False) -> str:
    """Return a chart as a finished, escaped `<svg>`.

    Parameters
    ----------
    chart : Chart
    alone : bool
        With its own colours and fonts, to stand outside a page.
    """
    rows = [m for m in chart.marks if isinstance(m, Dots | Bars)]
    width, height, body = _rows(chart, rows[0]) if rows else _plane(chart)
    words = escape(chart.described or chart.title)
    style = f"<style>{_style()}</style>" if alone else ""
    space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    return (
        f'<svg{space} class="pic" role="img" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
        f'aria-label="{words}"><title>{words}</title>{style}{"".join(body)}</svg>'
    )


def _style() -> str:
    """Return what the page's stylesheet says of pictures, for one that stands alone."""
    from importlib.resources import files

    sheet = (files("loopstat.faces") / "templates" / "svg.css").read_text(encoding="utf-8")
    light = "".join(f".t-{name}{{color:{tone[0]}}}" for name, tone in TONES.items())
    dark = "".join(f".t-{name}{{color:{tone[1]}}}" for name, tone in TONES.items())
    ground = ".pic{--ink:#1b1d20;--soft:#5c636b;--line:#dfe3e7;--paper:#fff}"
    night = ".pic{--ink:#e8eaed;--soft:#a6adb5;--line:#343a40;--paper:#15171a}"
    return f"{ground}{light}{sheet}@media (prefers-color-scheme:dark){{{night}{dark}}}"


# ------------------------------------------------------------------------------ pieces


def _text(x: float, y: float, words: str, look: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{look}" text-anchor="{anchor}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, look: str, more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{look}"{more}/>'


def _mark(shape: Shape, x: float, y: float, tone: Tone, words: str, r: float = 5) -> str:
    """Return a mark of a given shape with its figure as a tooltip."""
    q, d = r + 1, f"{2 * r:g}"
    shapes = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}"/>',
        "ring": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{max(r - 1, 1):g}" class="open"/>',
        "square": f'<rect x="{x - r + 0.5:.1f}" y="{y - r + 0.5:.1f}" width="{2 * r - 1:g}" height="{2 * r - 1:g}"/>',
        "triangle": f'<path d="M{x:.1f},{y - r:.1f}l{r:g},{1.8 * r:g}h{-2 * r:g}z"/>',
        "diamond": f'<path d="M{x:.1f},{y - q:.1f}l{q:g},{q:g}l{-q:g},{q:g}l{-q:g},{-q:g}z"/>',
        "cross": f'<path d="M{x - r:.1f},{y - r:.1f}l{d},{d}m0,-{d}l-{d},{d}" class="open"/>',
    }
    told = f"<title>{escape(words)}</title>" if words else ""
    return f'<g class="mark t-{tone}">{told}{shapes[shape]}</g>'


def _scale(low: float, high: float, start: float, end: float, *, log: bool = False) -> Map:
    """Return the map from values to pixels; a range of no width is widened."""
    if log:
        low, high = math.log(max(low, 1e-300)), math.log(max(high, 1e-300))
    if not high > low:
        low, high = low - 0.5, high + 0.5

    def pixel(value: float) -> float:
        v = math.log(max(value, 1e-300)) if log else value
        return start + (v - low) / (high - low) * (end - start)

    return pixel


# ------------------------------------------------------------------- rows: dots and bars


def _rows(chart: Chart, first: Dots | Bars) -> tuple[float, float, list[str]]:
    """Draw labelled rows under each other over one axis."""
    width = WIDTHS[chart.size]
    low, high = limits(chart, "x")
    x = _scale(low, high, 10, width - 10, log=chart.x.log)
    key, top = _key(first, width) if isinstance(first, Bars) else ([], HEADER)
    rules = [m for m in chart.marks if isinstance(m, Rule) and m.axis == "x"]
    above = 14.0 if any(rule.label for rule in rules) else 0.0  # for their labels, off those of the rows
    top += above
    step = STACK if isinstance(first, Bars) else ROW
    bottom = top + step * len(first.rows) + 4
    body = [*key]
    for value, said in ticks(low, high, chart.x, 4 if width < 400 else 8):
        body += [_line(x(value), top, x(value), bottom, "axis" if value == 0 else "grid")]
        body += [_text(x(value), bottom + 14, said, "soft", "middle")]
    for rule in rules:
        body += _rule_across(rule, x, (low, high), top - above, bottom)
    rows: Sequence[Dot | Bar] = first.rows
    for k, row in enumerate(rows):
        y = top + step * k
        body += _stack(row, x, y + 14, (low, high)) if isinstance(row, Bar) else _dot(row, x, y + 8, (low, high))
    words = named(chart.x, int(width / LETTER))
    if words:
        body.append(_text(width / 2, bottom + 28, words, "soft small", "middle"))
    return width, bottom + (34 if words else 20), body


def _dot(row: Dot, x: Map, y: float, ends: tuple[float, float]) -> list[str]:
    out = [_text(10, y + 2, shorten(row.label, 48), "small")] if row.label else []
    value, start, end = row.figure.figures
    if value is None or not math.isfinite(value):
        return [*out, _text(10, y + 15, "not known", "soft small")]
    low, high = ends
    left = low if start is None or not math.isfinite(start) else max(start, low)
    right = high if end is None or not math.isfinite(end) else min(end, high)
    if start is not None or end is not None:
        out.append(_line(x(min(left, high)), y + 12, x(max(right, low)), y + 12, f"bar t-{row.tone}"))
    if low <= value <= high:
        out.append(_mark(row.shape, x(value), y + 12, row.tone, f"{row.label}: {cell(row.figure)}"))
    return out


def _key(bars: Bars, width: float) -> tuple[list[str], float]:
    """Return the key of the pieces, wrapped into the picture, and where it ends."""
    tones = {piece.label: piece.tone for row in bars.rows for piece in row.pieces}
    totals = any(row.total is not None for row in bars.rows)
    if len(tones) < 2 and not totals:
        return [], HEADER
    out, at, y = [], 10.0, 3.0
    for words, tone in [*tones.items(), *([(bars.total, None)] if totals else [])]:
        long = 28 + 6.6 * len(words)
        if at > 10 and at + long - 10 > width:
            at, y = 10.0, y + 17
        if tone is None:
            out.append(_mark("diamond", at + 6, y + 5, "ink", bars.total, 4))
        else:
            out.append(f'<rect x="{at:.0f}" y="{y:g}" width="10" height="10" class="piece t-{tone}"/>')
        out.append(_text(at + 16, y + 9, words, "small"))
        at += long
    return out, y + 17


def _stack(row: Bar, x: Map, y: float, ends: tuple[float, float]) -> list[str]:
    out, right, left = [_text(10, y, shorten(row.label, 46), "small")], 0.0, 0.0
    for piece in row.pieces:
        v = piece.value
        if not math.isfinite(v) or v == 0:
            continue
        start, end = (right, right + v) if v > 0 else (left + v, left)
        right, left = (end, left) if v > 0 else (right, start)
        place = f'x="{x(start):.1f}" y="{y + 16:.1f}" width="{max(x(end) - x(start), 0.5):.1f}" height="9"'
        told = escape(f"{piece.label} {number(v, 3)}")
        out.append(f'<rect {place} class="piece t-{piece.tone}"><title>{told}</title></rect>')
    if row.total is not None:
        out += _dot(Dot("", row.total, "ink", "diamond"), x, y - 5, ends)
    return out


# ---------------------------------------------------------------------------- the plane


def _plane(chart: Chart) -> tuple[float, float, list[str]]:
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
    x = _scale(*xs, left, right, log=chart.x.log)
    y = _scale(*ys, bottom, top, log=chart.y.log)
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
            body.append(_line(f.x(value), f.top, f.x(value), f.bottom, "axis" if value == 0 else "grid"))
            body.append(_text(f.x(value), f.bottom + 14, said, "soft", "middle"))
        words = named(chart.x, int((f.right - f.left) / LETTER))
        body.append(_text((f.left + f.right) / 2, height - 6, words, "small", "middle"))
    if not chart.y.hidden:
        for value, said in ticks(*f.y_limits, chart.y):
            body.append(_line(f.left, f.y(value), f.right, f.y(value), "axis" if value == 0 else "grid"))
            body.append(_text(f.left - 5, f.y(value) + 4, said, "soft", "end"))
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
            return _graph(mark, f)
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
                out.append(_line(f.x(x[k]), f.y(ends[0]), f.x(x[k]), f.y(ends[1]), f"bar narrow t-{points.tone}"))
        told = f"{name}: {number(float(x[k]), 3)}, {number(float(y[k]), 3)}" if name else ""
        out.append(_mark(points.shape, f.x(x[k]), f.y(y[k]), points.tone, told, 4.5))
    return out


def _names(chart: Chart, f: Frame) -> list[str]:
    """Name the points that have their names beside them."""

    def paper(at: Float) -> Float:
        return np.array([[f.x(x), -f.y(y)] for x, y in at.tolist()]).reshape(-1, 2)

    found = spots(chart, paper, (f.left, -f.bottom, f.right, -f.top), LETTER, LINE)
    return [_text(s.x + s.dx, -s.y - s.dy, s.words, "small halo", s.anchor) for s in found]


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
        return _rule_across(rule, f.x, f.x_limits, f.top, f.bottom)
    low, high = f.y_limits
    out = []
    if rule.low is not None and rule.high is not None:
        top, bottom = f.y(min(max(rule.high, low), high)), f.y(min(max(rule.low, low), high))
        size = f'width="{f.right - f.left:.1f}" height="{max(bottom - top, 0):.1f}"'
        out.append(f'<rect x="{f.left:.1f}" y="{top:.1f}" {size} class="band t-{rule.tone}"/>')
    if rule.at is not None and low <= rule.at <= high:
        y = f.y(rule.at)
        out.append(_line(f.left, y, f.right, y, f"rule t-{rule.tone}", DASHES[rule.stroke]))
        if rule.label:
            out.append(_text(f.left + 4, y - 4, rule.label, f"small fill halo t-{rule.tone}"))
    elif rule.at is not None and rule.label and not math.isnan(rule.at):
        y, arrow = (f.top + 11, "↑") if rule.at > high else (f.bottom - 4, "↓")
        out.append(_text(f.left + 4, y, f"{arrow} {rule.label}", f"small fill halo t-{rule.tone}"))
    return out


def _rule_across(rule: Rule, x: Map, ends: tuple[float, float], top: float, bottom: float) -> list[str]:
    """Draw a vertical line with its band."""
    low, high = ends
    out = []
    if rule.low is not None and rule.high is not None:
        start, end = x(min(max(rule.low, low), high)), x(min(max(rule.high, low), high))
        size = f'width="{max(end - start, 0):.1f}" height="{bottom - top:.1f}"'
        out.append(f'<rect x="{start:.1f}" y="{top:.1f}" {size} class="band t-{rule.tone}"/>')
    if rule.at is not None and low <= rule.at <= high:
        at = x(rule.at)
        out.append(_line(at, top, at, bottom, f"rule t-{rule.tone}", DASHES[rule.stroke]))
        if rule.label:
            near_the_end = at > x(low) + 0.6 * (x(high) - x(low))
            side = (at - 4, "end") if near_the_end else (at + 4, "start")
            out.append(_text(side[0], top + 11, rule.label, f"small fill halo t-{rule.tone}", side[1]))
    return out


def _margin(margin: Margin, f: Frame) -> list[str]:
    value, low, high = margin.figure.figures
    if value is None or not math.isfinite(value):
        return []
    bottom, top = f.y_limits
    ends = [end if v is None or not math.isfinite(v) else min(max(v, bottom), top)
            for v, end in ((low, bottom), (high, top))]  # fmt: skip
    at = f.right + 9
    out = [_line(at, f.y(ends[0]), at, f.y(ends[1]), f"bar narrow t-{margin.tone}")] if low is not None else []
    told = f"{margin.label} {cell(margin.figure)}".strip()
    return [*out, _mark("diamond", at, f.y(min(max(value, bottom), top)), margin.tone, told, 4)]


def _region(region: Region, f: Frame) -> list[str]:
    x, y = (np.asarray(v, dtype=np.float64) for v in (region.x, region.y))
    points = " ".join(f"{f.x(a):.1f},{f.y(b):.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    kind = "polygon" if region.closed else "polyline"
    told = f"<title>{escape(region.label)}</title>" if region.label else ""
    look = f"edge{' filled' if region.filled else ''} t-{region.tone}"
    return [f'<{kind} points="{points}" class="{look}">{told}</{kind}>']


# --------------------------------------------------------------------------------- graph


def _graph(graph: Graph, f: Frame) -> list[str]:
    at = {node.key: (f.x(node.x), f.y(node.y)) for node in graph.nodes}
    size = {node.key: node.radius for node in graph.nodes}
    out = [_edge(edge, at, size) for edge in graph.edges if edge.start in at and edge.end in at]
    for node in graph.nodes:
        out += _node(node, *at[node.key], size[node.key], f)
    return out


def _node(node: Node, x: float, y: float, r: float, f: Frame) -> list[str]:
    out = []
    if node.low is not None and node.high is not None:
        low, high = (min(max(v, f.y_limits[0]), f.y_limits[1]) for v in (node.low, node.high))
        out.append(_line(x, f.y(low), x, f.y(high), f"bar narrow t-{node.tone}"))
    out.append(_mark(node.shape, x, y, node.tone, node.words or node.label, r))
    if node.label:
        half = LETTER * len(node.label) / 2
        middle = min(max(x, f.left + half), f.right - half)
        spots = {
            "above": (middle, y - r - 4, "middle"),
            "below": (middle, y + r + 13, "middle"),
            "right": (x + r + 4, y + 4, "start"),
            "left": (x - r - 4, y + 4, "end"),
        }
        at_x, at_y, anchor = spots[node.side]
        out.append(_text(at_x, at_y, node.label, "small halo", anchor))
    return out


def _edge(edge: Edge, at: dict[str, tuple[float, float]], size: dict[str, float]) -> str:
    """Draw a link as a bow between the rims of its nodes."""
    (x1, y1), (x2, y2) = at[edge.start], at[edge.end]
    long = math.hypot(x2 - x1, y2 - y1) or 1.0
    ux, uy = (x2 - x1) / long, (y2 - y1) / long
    bend = edge.bend * long
    cx, cy = (x1 + x2) / 2 - uy * bend, (y1 + y2) / 2 + ux * bend
    x1, y1 = x1 + ux * size[edge.start], y1 + uy * size[edge.start]
    gap = size[edge.end] + (6 if edge.directed else 0)
    x2, y2 = x2 - ux * gap, y2 - uy * gap
    told = f"<title>{escape(edge.words)}</title>" if edge.words else ""
    wide = 1 + 5 * max(edge.weight, 0.0)
    d = f"M{x1:.1f},{y1:.1f}Q{cx:.1f},{cy:.1f} {x2:.1f},{y2:.1f}"
    head = _head(cx, cy, x2, y2, 4 + wide) if edge.directed else ""
    look = f'stroke-width="{wide:.1f}"{DASHES[edge.stroke]}'
    return f'<g class="link t-{edge.tone}">{told}<path d="{d}" {look}/>{head}</g>'


def _head(cx: float, cy: float, x: float, y: float, long: float) -> str:
    n = math.hypot(x - cx, y - cy) or 1.0
    ux, uy = (x - cx) / n, (y - cy) / n
    a = f"{x + ux * 6:.1f},{y + uy * 6:.1f}"
    b = f"{x - uy * long / 2:.1f},{y + ux * long / 2:.1f}"
    c = f"{x + uy * long / 2:.1f},{y - ux * long / 2:.1f}"
    return f'<polygon points="{a} {b} {c}"/>'


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
        out.append(_text(width - 4, last, shorten(words, max(room, 8)), f"small fill t-{tone}", "end"))
    return out
