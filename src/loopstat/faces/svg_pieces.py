"""Small pictures as SVG text for the page: quiet, labelled directly, readable in light and dark, with a description.

Coordinates are in CSS pixels; pictures are at most 340 wide, so that they fit a telephone without shrinking their text.
Colours are CSS classes. Every function returns a finished, escaped `<svg>`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ..arrays import Float
from ..results.result import number

WIDTH = 340
CAUSE_WORDS = {
    "noise": "noise",
    "drift": "drift",
    "transient": "start-up",
    "rest": "rest",
    "innovations": "loop's own noise",
    "scorer": "scorer's noise",
    "feedback": "feedback",
    "mean_path": "mean path",
    "first_steps": "differing first steps",
    "misfit": "misfit",
}
MARKS = ("circle", "square", "triangle", "diamond", "cross", "ring")

Map = Callable[[float], float]
Range = tuple[float | None, float | None, float | None]
"""(value, low, high); None where there is none or the side is open."""


@dataclass(frozen=True)
class Row:
    """One line of a dot plot: a label, a figure with its interval, and its look."""

    label: str
    value: Range
    look: str = "c0"
    mark: str = "circle"


# ------------------------------------------------------------------------------ pieces


def picture(width: float, height: float, title: str, body: Sequence[str]) -> str:
    """Wrap drawing elements into an `<svg>` with a title that screen readers read."""
    return (
        f'<svg class="pic" role="img" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(body)}</svg>'
    )


def text(x: float, y: float, words: str, look: str = "", anchor: str = "start") -> str:
    """Return a text element, escaped."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{look}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> str:
    """Return a straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{look}"/>'


def mark(kind: str, x: float, y: float, look: str, words: str, r: float = 5) -> str:
    """Return a mark of a given shape with its figure as a tooltip."""
    q, d = r + 1, f"{2 * r:g}"
    shapes = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}"/>',
        "ring": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r - 1:g}" fill="none" stroke-width="2.5"/>',
        "square": f'<rect x="{x - r + 0.5:.1f}" y="{y - r + 0.5:.1f}" width="{2 * r - 1:g}" height="{2 * r - 1:g}"/>',
        "triangle": f'<path d="M{x:.1f},{y - r:.1f}l{r:g},{1.8 * r:g}h{-2 * r:g}z"/>',
        "diamond": f'<path d="M{x:.1f},{y - q:.1f}l{q:g},{q:g}l{-q:g},{q:g}l{-q:g},{-q:g}z"/>',
        "cross": f'<path d="M{x - r:.1f},{y - r:.1f}l{d},{d}m0,-{d}l-{d},{d}" stroke-width="3"/>',
    }
    return f'<g class="mark {look}"><title>{escape(words)}</title>{shapes[kind]}</g>'


def scale(low: float, high: float, start: float, end: float) -> Map:
    """Return the map from values to pixels; a range of no width is widened."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return lambda v: start + (v - low) / (high - low) * (end - start)


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Return a few round values inside a range."""
    span = high - low
    if not span > 0:
        return [low]
    step = 10.0 ** np.floor(np.log10(span / most))
    step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= most)
    first = np.ceil(low / step - 1e-9) * step
    return [float(v) for v in np.arange(first, high + 1e-9 * span, step)]


def _label(value: float) -> str:
    return f"{value + 0.0:.6g}"


def _finite(values: Sequence[float | None]) -> list[float]:
    return [v for v in values if v is not None and np.isfinite(v)]


def shorten(words: str, most: int) -> str:
    """Return a label that fits, cut in its middle."""
    return words if len(words) <= most else words[: most // 2] + "…" + words[len(words) - most // 2 + 1 :]


# --------------------------------------------------------------------------- dot plots


def dots(
    rows: Sequence[Row],
    *,
    title: str,
    zero: bool = False,
    limits: tuple[float, float] | None = None,
    mark_at: float | None = None,
) -> str:
    """Draw labelled figures with their intervals, one under the other; open sides run to the edge.

    Parameters
    ----------
    rows : sequence of Row
    title : str
        Description for those who do not see it.
    zero : bool
        Draw a line at zero.
    limits : pair, optional
        Range shown; figures outside are cut at its edge.
    mark_at : float, optional
        Draw a line here.
    """
    known = _finite([v for r in rows for v in r.value]) + ([0.0] if zero else [])
    low, high = limits or (min(known, default=0.0), max(known, default=1.0))
    pad = 0.04 * (high - low) if high > low else 0.5
    low, high = low - pad, high + pad
    x = scale(low, high, 10, WIDTH - 10)
    body = []
    bottom = 30 * len(rows) + 8
    for v in ticks(low, high):
        body += [line(x(v), 4, x(v), bottom, "grid"), text(x(v), bottom + 14, _label(v), "soft", "middle")]
    if zero and low < 0 < high:
        body.append(line(x(0), 4, x(0), bottom, "axis"))
    if mark_at is not None and low < mark_at < high:
        body.append(line(x(mark_at), 4, x(mark_at), bottom, "axis"))
    for k, row in enumerate(rows):
        body += _dot(row, x, 30 * k + 12, low, high)
    return picture(WIDTH, bottom + 20, title, body)


def _dot(row: Row, x: Map, y: float, low: float, high: float) -> list[str]:
    value, start, end = row.value
    out = [text(10, y + 2, shorten(row.label, 48), "small")]
    if value is None or not np.isfinite(value):
        return [*out, text(10, y + 15, "not known", "soft small")]
    left = low if start is None or not np.isfinite(start) else max(start, low)
    right = high if end is None or not np.isfinite(end) else min(end, high)
    words = f"{row.label}: {number(value, 3)} [{number(start, 3)}, {number(end, 3)}]"
    out.append(line(x(min(left, high)), y + 12, x(max(right, low)), y + 12, f"bar {row.look}"))
    if low <= value <= high:
        out.append(mark(row.mark, x(value), y + 12, row.look, words))
    return out


# -------------------------------------------------------------------------- eigenvalues


def disc(values: Sequence[complex], names: Sequence[str], cloud: Sequence[complex], *, title: str) -> str:
    """Draw eigenvalues on the unit disc with their bootstrap cloud.

    Parameters
    ----------
    values : complex, length n
    names : regimes, length n
    cloud : complex
        Eigenvalues of bootstrap draws.
    """
    size, r = 300.0, 118.0
    centre = size / 2
    inside = [z for z in cloud if abs(z) < 1.25]
    points = "".join(f"M{centre + r * z.real:.1f},{centre - r * z.imag:.1f}h0" for z in inside)
    body = [
        f'<circle cx="{centre:g}" cy="{centre:g}" r="{r:g}" class="edge"/>',
        line(centre - r - 22, centre, centre + r + 22, centre, "grid"),
        line(centre, centre - r - 22, centre, centre + r + 22, "grid"),
        text(centre + r + 4, centre + 15, "1", "soft"),
        text(centre - r - 14, centre + 15, "-1", "soft"),
        text(centre + 5, centre + 15, "0", "soft"),
        text(centre + 6, centre - r - 10, "turning", "soft small"),
        text(8, size - 6, "inside: settles; outside: runs away", "soft small"),
        f'<path d="{points}" class="cloud"/>',
    ]
    taken: list[tuple[float, float]] = []
    for z, name in zip(values, names, strict=True):
        x, y = centre + r * z.real, centre - r * z.imag
        body.append(
            mark("circle", x, y, "c0", f"{z.real:.3g}{z.imag:+.3g}i: {name}" if z.imag else f"{z.real:.3g}: {name}")
        )
        body += _disc_label(x, y, name, taken, size)
    return picture(size, size, title, body)


def _disc_label(x: float, y: float, name: str, taken: list[tuple[float, float]], size: float) -> list[str]:
    """Place a regime's name above its mark, once per crowd."""
    if any(abs(x - a) < 60 and abs(y - b) < 16 for a, b in taken):
        return []
    taken.append((x, y))
    return [text(min(max(x, 34), size - 34), y - 9, name, "small", "middle")]


# ------------------------------------------------------------------------- interference


def causes(rows: Sequence[tuple[str, Range, dict[str, float | None]]], *, title: str) -> str:
    """Draw the correlation of each pair's changes with its interval, and under it what it is made of.

    Parameters
    ----------
    rows : sequence of (label, (total, low, high), part by cause)
        Parts are signed; those above zero stack to the right, those below to the left.
    """
    shown = list(dict.fromkeys(cause for _, _, parts in rows for cause in parts))
    sums = [sum(abs(v) for v in parts.values() if v is not None) for _, _, parts in rows]
    reach = max(1.0, *sums) if sums else 1.0
    x = scale(-reach, reach, 12, WIDTH - 12)
    body, legend_height = _legend(shown)
    bottom = legend_height + 46 * len(rows) + 6
    for v in (-1.0, -0.5, 0.0, 0.5, 1.0):
        body += [
            line(x(v), legend_height, x(v), bottom, "axis" if v == 0 else "grid"),
            text(x(v), bottom + 14, _label(v), "soft", "middle"),
        ]
    for k, (label, total, parts) in enumerate(rows):
        y = legend_height + 46 * k + 14
        body.append(text(10, y, shorten(label, 46), "small"))
        body += _stack(parts, x, y + 16)
        body += _dot(Row("", total, "ink", "diamond"), x, y - 5, -1.0, 1.0)[1:]
    return picture(WIDTH, bottom + 20, title, body)


def _legend(shown: Sequence[str]) -> tuple[list[str], float]:
    """Return the key, wrapped into the picture, and its height."""
    out, at, y = [], 10.0, 3.0
    for cause in [*shown, "total"]:
        words = CAUSE_WORDS.get(cause, cause)
        width = 28 + 6.6 * len(words)
        if at > 10 and at + width - 10 > WIDTH:
            at, y = 10.0, y + 17
        if cause == "total":
            out.append(mark("diamond", at + 6, y + 5, "ink", "total", 4))
        else:
            out.append(f'<rect x="{at:.0f}" y="{y:g}" width="10" height="10" class="p-{cause}"/>')
        out.append(text(at + 16, y + 9, words, "small"))
        at += width
    return out, y + 17


def _stack(parts: dict[str, float | None], x: Map, y: float) -> list[str]:
    out, right, left = [], 0.0, 0.0
    for cause, v in parts.items():
        if v is None or v == 0:
            continue
        start, end = (right, right + v) if v > 0 else (left + v, left)
        right, left = (end, left) if v > 0 else (right, start)
        place = f'x="{x(start):.1f}" y="{y:.1f}" width="{max(x(end) - x(start), 0.5):.1f}" height="9"'
        words = escape(f"{CAUSE_WORDS[cause]} {v:+.3f}")
        out.append(f'<rect {place} class="p-{cause}"><title>{words}</title></rect>')
    return out


# --------------------------------------------------------------------------- phase plane


@dataclass(frozen=True)
class Plane:
    """What the phase plot shows, in two objectives.

    Attributes
    ----------
    names : pair of str
    points : array, shape (m, 2)
        Some observed states.
    path : array, shape (n_steps, 2)
        Mean path.
    field : array, shape (k, 4)
        Where, and the drift there: x, y, dx, dy.
    rest : pair of Range or None
        Equilibrium with its intervals; `word` says what it is.
    limits : ((low, high), (low, high))
    """

    names: tuple[str, str]
    points: Float
    path: Float
    field: Float
    rest: tuple[Range, Range] | None
    limits: tuple[tuple[float, float], tuple[float, float]]
    word: str = "heads for"


def _axes(
    names: tuple[str, str], limits: tuple[tuple[float, float], tuple[float, float]], height: float
) -> tuple[Map, Map, list[str]]:
    """Return the maps to pixels and the grid of a plane with two named axes."""
    (x0, x1), (y0, y1) = limits
    left, bottom = 24 + 6.8 * max((len(_label(v)) for v in ticks(y0, y1)), default=2), 36.0
    x, y = scale(x0, x1, left, WIDTH - 8), scale(y0, y1, height - bottom, 8)
    body = []
    for v in ticks(x0, x1):
        body.append(line(x(v), 8, x(v), height - bottom, "grid"))
        body.append(text(x(v), height - bottom + 14, _label(v), "soft", "middle"))
    for v in ticks(y0, y1):
        body += [line(left, y(v), WIDTH - 8, y(v), "grid"), text(left - 4, y(v) + 4, _label(v), "soft", "end")]
    body.append(text((left + WIDTH) / 2, height - 4, shorten(names[0], 36), "small", "middle"))
    body.append(
        f'<text transform="translate(11,{height / 2 - 10:.0f}) rotate(-90)" class="small" text-anchor="middle">'
        f"{escape(shorten(names[1], 36))}</text>"
    )
    return x, y, body


def phase(plane: Plane, *, title: str) -> str:
    """Draw where the drift pushes, where the mean goes, and where it would rest."""
    height = 320.0
    x, y, body = _axes(plane.names, plane.limits, height)
    (x0, x1), (y0, y1) = plane.limits
    inside = [(a, b) for a, b in plane.points.tolist() if x0 <= a <= x1 and y0 <= b <= y1]
    dots_path = "".join(f"M{x(a):.1f},{y(b):.1f}h0" for a, b in inside)
    body.append(f'<path d="{dots_path}" class="cloud"/>')
    body += _arrows(plane.field, x, y)
    way = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in plane.path.tolist())
    body.append(f'<polyline points="{way}" class="mean"/>')
    if plane.rest is not None:
        body += _rest(plane, x, y)
    if len(plane.path):
        a, b = plane.path[0].tolist()
        body.append(mark("ring", x(a), y(b), "c0", "mean start", 6))
        body.append(text(x(a) - 9, y(b) - 6, "start", "small", "end"))
    return picture(WIDTH, height, title, body)


def _arrows(field: Float, x: Map, y: Map) -> list[str]:
    """Arrows in pixels, the longest as long as the grid is wide."""
    if len(field) == 0:
        return []
    start = np.array([[x(a), y(b)] for a, b, _, _ in field.tolist()])
    end = np.array([[x(a + u), y(b + v)] for a, b, u, v in field.tolist()])
    delta = end - start
    longest = float(np.hypot(*delta.T).max())
    if not longest > 0:
        return []
    delta *= min(1.0, 26.0 / longest)
    d = []
    for (px, py), (dx, dy) in zip(start.tolist(), delta.tolist(), strict=True):
        n = float(np.hypot(dx, dy))
        if n < 1.5:
            continue
        ux, uy = dx / n, dy / n
        d.append(
            f"M{px:.1f},{py:.1f}l{dx:.1f},{dy:.1f}m{-3.5 * ux - 2 * uy:.1f},{-3.5 * uy + 2 * ux:.1f}"
            f"l{3.5 * ux + 2 * uy:.1f},{3.5 * uy - 2 * ux:.1f}l{-3.5 * ux + 2 * uy:.1f},{-3.5 * uy - 2 * ux:.1f}"
        )
    return [f'<path d="{"".join(d)}" class="field"/>']


def _rest(plane: Plane, x: Map, y: Map) -> list[str]:
    assert plane.rest is not None  # noqa: S101 - asked for only where there is one
    (a, a0, a1), (b, b0, b1) = plane.rest
    if a is None or b is None:
        return []
    (x0, x1), (y0, y1) = plane.limits

    def cut(v: float | None, low: float, high: float, open_: float) -> float:
        return open_ if v is None or not np.isfinite(v) else min(max(v, low), high)

    if not (x0 <= a <= x1 and y0 <= b <= y1):
        return []
    return [
        line(x(cut(a0, x0, x1, x0)), y(b), x(cut(a1, x0, x1, x1)), y(b), "bar thin c5"),
        line(x(a), y(cut(b0, y0, y1, y0)), x(a), y(cut(b1, y0, y1, y1)), "bar thin c5"),
        mark("diamond", x(a), y(b), "c5", f"{plane.word} {number(a, 3)}, {number(b, 3)}"),
        text(min(x(a) + 9, WIDTH - 8 - 6.2 * len(plane.word)), y(b) + 16, plane.word, "small"),
    ]


# ---------------------------------------------------------------------------- the ends


def scatter(
    groups: Sequence[tuple[str, Float, Float]], names: tuple[str, str], *, title: str, better: tuple[int, int]
) -> str:
    """Draw the ends of every group in two objectives with the line half of its ends reach.

    Parameters
    ----------
    groups : sequence of (label, points (m, 2), curve (k, 2))
    names : pair of str
    better : pair of +1 or -1
        Which way is better on each axis.
    """
    height = 340.0
    every = np.concatenate([p for _, p, _ in groups]) if groups else np.zeros((0, 2))
    middles = [np.median(p, axis=0) for _, p, _ in groups if len(p)]
    lows = np.min([np.quantile(every, 0.005, axis=0), *middles], axis=0)
    highs = np.max([np.quantile(every, 0.995, axis=0), *middles], axis=0)
    pad = np.where(highs > lows, 0.06 * (highs - lows), 0.5)
    (x0, y0), (x1, y1) = (lows - pad).tolist(), (highs + pad).tolist()
    x, y, body = _axes(names, ((x0, x1), (y0, y1)), height)
    for k, (label, points, curve) in enumerate(groups):
        look, shape = f"c{k % 6}", MARKS[k % 6]
        inside = [(a, b) for a, b in points.tolist() if x0 <= a <= x1 and y0 <= b <= y1][:150]
        d = "".join(f"M{x(a):.1f},{y(b):.1f}h0" for a, b in inside)
        body.append(f'<path d="{d}" class="points {look}"/>')
        way = " ".join(f"{x(min(max(a, x0), x1)):.1f},{y(min(max(b, y0), y1)):.1f}" for a, b in curve.tolist())
        body.append(f'<polyline points="{way}" class="curve {look} dash{k // 6 % 3}"/>')
        if len(points):
            a, b = np.median(points, axis=0).tolist()
            body.append(mark(shape, x(a), y(b), look, f"{label}: median {number(a, 3)}, {number(b, 3)}", 6))
            body.append(text(x(a) + 8, y(b) - 7, str(k + 1), "small strong"))
    corner = (WIDTH - 14 if better[0] > 0 else x(x0) + 6, 20 if better[1] > 0 else height - 44)
    words = {(1, 1): "better ↗", (1, -1): "better ↘", (-1, 1): "↖ better", (-1, -1): "↙ better"}[better]
    body.append(text(*corner, words, "soft small", "end" if better[0] > 0 else "start"))
    return picture(WIDTH, height, title, body)
