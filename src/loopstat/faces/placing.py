"""Where names stand beside their marks, so that they cover neither marks nor one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..arrays import Float
from ..results.chart import Chart, Line, Mark, Points
from ..results.words import shorten

LONGEST = 30  # letters of a name
DENSE = 9  # places looked at between two points of a line
ONE = 3.0  # units within which marks lie at one place, and share a line of names
BESIDE, UP = 7.0, 3.0  # from the middle of a mark to a name
Anchor = Literal["start", "middle", "end"]
Box = tuple[float, float, float, float]
"""(left, bottom, right, top)."""


@dataclass(frozen=True)
class Name:
    """A name at a mark at (x, y), in units of the paper with y upwards."""

    x: float
    y: float
    words: str


@dataclass(frozen=True)
class Spot:
    """Where a name is written: its foot at its anchor is (dx, dy) from its mark at (x, y)."""

    x: float
    y: float
    dx: float
    dy: float
    words: str
    anchor: Anchor


def spots(chart: Chart, paper: Callable[[Float], Float], frame: Box, letter: float, line: float) -> list[Spot]:
    """Set the names of a chart's named points where each covers least.

    Parameters
    ----------
    chart : Chart
    paper : function
        From places in the units of the axes to places on paper, shape (n, 2) both.
    frame : (left, bottom, right, top)
        Where marks are drawn, on paper.
    letter, line : float
        Width of a letter, height of a line.

    Returns
    -------
    list of Spot
        On paper.
    """
    marks = paper(np.concatenate([np.zeros((0, 2)), *map(_marks, chart.marks)]))
    taken: list[Box] = []
    out = []
    for name in _joined([n for n in _names(chart, paper) if _inside(n, frame)]):
        choices = [(_box(spot, letter, line), spot) for spot in _around(name, line)]
        costs = [_cost(box, taken, marks, frame) for box, _ in choices]
        box, spot = choices[int(np.argmin(costs))]
        taken.append(box)
        out.append(spot)
    return out


def _names(chart: Chart, paper: Callable[[Float], Float]) -> Iterator[Name]:
    for points in chart.marks:
        if isinstance(points, Points) and points.named and not points.faint:
            for (x, y), words in zip(paper(np.column_stack([points.x, points.y])).tolist(), points.names, strict=False):
                if words:
                    yield Name(x, y, shorten(words, LONGEST))


def _marks(mark: Mark) -> Float:
    """Return places that a mark covers, closely along a line."""
    if not isinstance(mark, Line | Points) or (isinstance(mark, Points) and mark.faint):
        return np.zeros((0, 2))
    at = np.column_stack([mark.x, mark.y]).astype(np.float64)
    if isinstance(mark, Line):
        at = np.concatenate([at[:-1] + share * np.diff(at, axis=0) for share in np.linspace(0, 1, DENSE)])
    return np.asarray(at[np.isfinite(at).all(axis=1)])


def _inside(name: Name, frame: Box) -> bool:
    return frame[0] <= name.x <= frame[2] and frame[1] <= name.y <= frame[3]


def _joined(names: Sequence[Name]) -> list[Name]:
    out: list[Name] = []
    for name in names:
        at = next((k for k, n in enumerate(out) if abs(n.x - name.x) < ONE and abs(n.y - name.y) < ONE), None)
        if at is None:
            out.append(name)
        elif name.words not in out[at].words.split(", "):
            out[at] = Name(out[at].x, out[at].y, f"{out[at].words}, {name.words}")
    return out


def _around(name: Name, line: float) -> list[Spot]:
    """Return the places a name may have, the preferred one first."""
    low, far = -UP - 0.8 * line, UP + 4
    ways: tuple[tuple[float, float, Anchor], ...] = (
        (BESIDE, UP, "start"),
        (-BESIDE, UP, "end"),
        (BESIDE, low, "start"),
        (-BESIDE, low, "end"),
        (0.0, far, "middle"),
        (0.0, low - 4, "middle"),
    )
    return [Spot(name.x, name.y, dx, dy, name.words, anchor) for dx, dy, anchor in ways]


def _box(spot: Spot, letter: float, line: float) -> Box:
    wide, foot = letter * len(spot.words), spot.y + spot.dy
    left = spot.x + spot.dx - {"start": 0.0, "middle": 0.5, "end": 1.0}[spot.anchor] * wide
    return left, foot - 0.2 * line, left + wide, foot + 0.8 * line


def _cost(box: Box, taken: Sequence[Box], marks: Float, frame: Box) -> float:
    """Return how bad a place is: names covered count most, then leaving the frame, then marks covered."""
    left, bottom, right, top = box
    covered = sum(left < b[2] and b[0] < right and bottom < b[3] and b[1] < top for b in taken)
    outside = sum(max(0.0, v) for v in (frame[0] - left, frame[1] - bottom, right - frame[2], top - frame[3]))
    inside = (marks[:, 0] > left) & (marks[:, 0] < right) & (marks[:, 1] > bottom) & (marks[:, 1] < top)
    return 50.0 * covered + outside + float(inside.sum())
