"""How far the marks of a chart reach, and round values between two ends: what every writer of charts needs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from ..arrays import Float
from .chart import (
    Arrows,
    Axis,
    Bars,
    Chart,
    Dots,
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
)
from .words import shorten

PAD = 0.04  # of the range, left free at both ends
ROBUST = 500  # values from which the outermost hundredth of many thin curves may leave the picture


def limits(chart: Chart, side: str) -> tuple[float, float]:
    """Return the range of an axis, `x` or `y`: the one it asks for, else what its marks need and a little more.

    Examples
    --------
    >>> from .chart import Points
    >>> limits(Chart("k", "t", (Points([0.0, 10.0], [1.0, 1.0]),)), "x")
    (-0.4, 10.4)
    """
    axis = chart.x if side == "x" else chart.y
    if axis.limits is not None:
        return axis.limits
    known = [v for mark in chart.marks for v in _reach(mark, side)]
    values = np.asarray([v for v in known if math.isfinite(v) and not (axis.log and v <= 0)])
    if axis.zero or any(isinstance(m, Bars) for m in chart.marks):
        values = np.append(values, 0.0)
    if not len(values):
        return (1.0, 10.0) if axis.log else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if axis.log:
        return low / 1.1, high * 1.1
    pad = PAD * (high - low) if high > low else 0.5
    return low - pad, high + pad


def _reach(mark: Mark, side: str) -> Iterator[float]:
    """Yield the values along a side between which a mark lies."""
    match mark:
        case Dots(rows):
            yield from (v for row in rows for v in row.figure.figures if v is not None and side == "x")
        case Bars(rows):
            yield from (v for row in rows for v in _stacked([p.value for p in row.pieces]) if side == "x")
            yield from (v for row in rows if row.total for v in row.total.figures if v is not None and side == "x")
        case Histogram():
            yield from _ends(mark.edges) if side == "x" else (0.0, *_ends(mark.heights))
        case Graph(nodes):
            for node in nodes:
                yield node.x if side == "x" else node.y
                if side == "y":
                    yield from (v for v in (node.low, node.high) if v is not None)
        case Rule():
            yield from (v for v in (mark.at,) if v is not None and mark.axis == side)
        case Margin():
            yield from (v for v in mark.figure.figures if v is not None and side == "y")
        case Label():
            yield mark.x if side == "x" else mark.y
        case Paths():
            yield from _ends(mark.x) if side == "x" else _middle(np.asarray(mark.y))
        case Line() | Points() | Arrows() | Region():
            yield from _ends(mark.x if side == "x" else mark.y)
            if side == "y" and isinstance(mark, Line | Points):
                yield from (v for part in (mark.low, mark.high) if part is not None for v in _ends(part))


def _stacked(values: Iterable[float]) -> tuple[float, float]:
    known = [v for v in values if math.isfinite(v)]
    return sum(v for v in known if v < 0), sum(v for v in known if v > 0)


def _ends(values: object) -> tuple[float, ...]:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return (float(known.min()), float(known.max())) if known.size else ()


def _middle(values: Float) -> tuple[float, ...]:
    known = values[np.isfinite(values)]
    if known.size < ROBUST:
        return _ends(known)
    return tuple(np.quantile(known, [0.005, 0.995]).tolist())


def ticks(low: float, high: float, axis: Axis, most: int = 5) -> list[tuple[float, str]]:
    """Return a few round values inside a range with their labels; the axis's own where it has any.

    Examples
    --------
    >>> [said for _, said in ticks(0, 1, Axis())]
    ['0', '0.2', '0.4', '0.6', '0.8', '1']
    """
    if axis.ticks is not None:
        return [(v, said) for v, said in axis.ticks if low <= v <= high]
    if axis.log:
        return [(v, label(v)) for v in _powers(low, high, most)]
    span = high - low
    if not span > 0:
        return [(low, label(low))]
    step = 10.0 ** math.floor(math.log10(span / most))
    step *= next((m for m in (1, 2, 5, 10) if span / (step * m) <= most), 10)
    if axis.whole:
        step = max(1.0, math.ceil(step))
    first = math.ceil(low / step - 1e-9) * step
    return [(float(v), label(float(v))) for v in np.arange(first, high + 1e-9 * span, step)]


def _powers(low: float, high: float, most: int) -> list[float]:
    """Return powers of ten inside a range, and twice and five times them where there is room."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [f * 10.0**p for p in powers for f in factors if low <= f * 10.0**p <= high]
        if len(found) <= most + 2:
            return found
    return found[:: math.ceil(len(found) / most)]


def named(axis: Axis, most: int) -> str:
    """Return what an axis is called, in at most so many letters, with an arrow towards what is better.

    Written upwards along a vertical axis the arrow points up or down.

    Examples
    --------
    >>> named(Axis("cost", unit="USD", better=-1), 30)
    '← cost, USD'
    """
    words = shorten(f"{axis.label}, {axis.unit}" if axis.unit else axis.label, max(most - 2 * abs(axis.better), 4))
    return {1: f"{words} →", -1: f"← {words}"}.get(axis.better, words)


def label(value: float) -> str:
    """Return a tick's label."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e7 else f"{value + 0.0:.6g}"
