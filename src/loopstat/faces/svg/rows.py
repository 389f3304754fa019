"""Labelled rows under each other over one axis: dots with intervals, and bars of pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from ...results.chart import (
    Bar,
    Bars,
    Chart,
    Dot,
    Dots,
    Rule,
)
from ...results.extent import limits, named, ticks
from ...results.words import cell, number, shorten
from .pieces import (
    HEADER,
    LETTER,
    ROW,
    STACK,
    WIDTHS,
    Map,
    rule_across,
    scale,
    segment,
    symbol,
    text,
)


def draw_rows(chart: Chart, first: Dots | Bars) -> tuple[float, float, list[str]]:
    """Draw labelled rows under each other over one axis."""
    width = WIDTHS[chart.size]
    low, high = limits(chart, "x")
    x = scale(low, high, 10, width - 10, log=chart.x.log)
    key, top = _key(first, width) if isinstance(first, Bars) else ([], HEADER)
    rules = [m for m in chart.marks if isinstance(m, Rule) and m.axis == "x"]
    above = 14.0 if any(rule.label for rule in rules) else 0.0  # for their labels, off those of the rows
    top += above
    step = STACK if isinstance(first, Bars) else ROW
    bottom = top + step * len(first.rows) + 4
    body = [*key]
    for value, said in ticks(low, high, chart.x, 4 if width < 400 else 8):
        body += [segment(x(value), top, x(value), bottom, "axis" if value == 0 else "grid")]
        body += [text(x(value), bottom + 14, said, "soft", "middle")]
    for rule in rules:
        body += rule_across(rule, x, (low, high), top - above, bottom)
    rows: Sequence[Dot | Bar] = first.rows
    for k, row in enumerate(rows):
        y = top + step * k
        body += _stack(row, x, y + 14, (low, high)) if isinstance(row, Bar) else _dot(row, x, y + 8, (low, high))
    words = named(chart.x, int(width / LETTER))
    if words:
        body.append(text(width / 2, bottom + 28, words, "soft small", "middle"))
    return width, bottom + (34 if words else 20), body


def _dot(row: Dot, x: Map, y: float, ends: tuple[float, float]) -> list[str]:
    out = [text(10, y + 2, shorten(row.label, 48), "small")] if row.label else []
    value, start, end = row.figure.figures
    if value is None or not math.isfinite(value):
        return [*out, text(10, y + 15, "not known", "soft small")]
    low, high = ends
    left = low if start is None or not math.isfinite(start) else max(start, low)
    right = high if end is None or not math.isfinite(end) else min(end, high)
    if start is not None or end is not None:
        out.append(segment(x(min(left, high)), y + 12, x(max(right, low)), y + 12, f"bar t-{row.tone}"))
    if low <= value <= high:
        out.append(symbol(row.shape, x(value), y + 12, row.tone, f"{row.label}: {cell(row.figure)}"))
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
            out.append(symbol("diamond", at + 6, y + 5, "ink", bars.total, 4))
        else:
            out.append(f'<rect x="{at:.0f}" y="{y:g}" width="10" height="10" class="piece t-{tone}"/>')
        out.append(text(at + 16, y + 9, words, "small"))
        at += long
    return out, y + 17


def _stack(row: Bar, x: Map, y: float, ends: tuple[float, float]) -> list[str]:
    out, right, left = [text(10, y, shorten(row.label, 46), "small")], 0.0, 0.0
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
