"""What pictures are drawn of: texts, lines and marks as SVG, the maps from values to pixels, and sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from ...results.chart import (
    Rule,
    Shape,
    Tone,
)

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


def text(x: float, y: float, words: str, look: str = "", anchor: str = "start") -> str:
    """Return words at a place, as a class of the stylesheet looks."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{look}" text-anchor="{anchor}">{escape(words)}</text>'


def segment(x1: float, y1: float, x2: float, y2: float, look: str, more: str = "") -> str:
    """Return a straight line between two places."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{look}"{more}/>'


def symbol(shape: Shape, x: float, y: float, tone: Tone, words: str, r: float = 5) -> str:
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


def scale(low: float, high: float, start: float, end: float, *, log: bool = False) -> Map:
    """Return the map from values to pixels; a range of no width is widened."""
    if log:
        low, high = math.log(max(low, 1e-300)), math.log(max(high, 1e-300))
    if not high > low:
        low, high = low - 0.5, high + 0.5

    def pixel(value: float) -> float:
        v = math.log(max(value, 1e-300)) if log else value
        return start + (v - low) / (high - low) * (end - start)

    return pixel


def rule_across(rule: Rule, x: Map, ends: tuple[float, float], top: float, bottom: float) -> list[str]:
    """Draw a vertical line with its band."""
    low, high = ends
    out = []
    if rule.low is not None and rule.high is not None:
        start, end = x(min(max(rule.low, low), high)), x(min(max(rule.high, low), high))
        size = f'width="{max(end - start, 0):.1f}" height="{bottom - top:.1f}"'
        out.append(f'<rect x="{start:.1f}" y="{top:.1f}" {size} class="band t-{rule.tone}"/>')
    if rule.at is not None and low <= rule.at <= high:
        at = x(rule.at)
        out.append(segment(at, top, at, bottom, f"rule t-{rule.tone}", DASHES[rule.stroke]))
        if rule.label:
            near_the_end = at > x(low) + 0.6 * (x(high) - x(low))
            side = (at - 4, "end") if near_the_end else (at + 4, "start")
            out.append(text(side[0], top + 11, rule.label, f"small fill halo t-{rule.tone}", side[1]))
    return out
