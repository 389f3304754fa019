"""A picture before any medium: axes and a handful of marks. `faces/svg.py`, `faces/matplotlib.py` and the page draw it.

Coordinates are in the units of the axes; tones and shapes are names, and this module holds the one table of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from ..arrays import frozen
from .cell import Cell
from .cell import Tone as Tone

Shape = Literal["circle", "square", "triangle", "diamond", "cross", "ring"]
Stroke = Literal["solid", "dashed", "dotted"]
Side = Literal["above", "below", "right", "left"]

TONES: dict[str, tuple[str, str]] = {
    "ink": ("#1b1d20", "#e8eaed"),
    "ours": ("#0072b2", "#6cb8ea"),
    "context": ("#5c636b", "#a6adb5"),
    "doubt": ("#8a5a00", "#e6a93c"),
    "failure": ("#b3261e", "#f2847c"),
    "c0": ("#0072b2", "#6cb8ea"),
    "c1": ("#e69f00", "#e6a93c"),
    "c2": ("#009e73", "#35c295"),
    "c3": ("#cc79a7", "#dd9cc4"),
    "c4": ("#56b4e9", "#8fd0f5"),
    "c5": ("#d55e00", "#ff8f4d"),
}
"""Tone to its colour on light and on dark paper: Okabe and Ito's set, and what has a meaning of its own."""

CATEGORIES: tuple[tuple[Tone, Shape], ...] = (
    ("c0", "circle"),
    ("c1", "square"),
    ("c2", "triangle"),
    ("c3", "diamond"),
    ("c4", "cross"),
    ("c5", "ring"),
)
"""The look of category k is entry k modulo six: never colour alone."""


def category(k: int) -> tuple[Tone, Shape]:
    """Return the tone and shape of category k."""
    return CATEGORIES[k % len(CATEGORIES)]


@dataclass(frozen=True)
class Axis:
    """What is measured along one side.

    Attributes
    ----------
    label, unit : str
    limits : pair, optional
        The range shown; default what the marks need.
    log : bool
    whole : bool
        Only whole numbers are marked, as of steps.
    zero : bool
        Zero is drawn, and inside the range.
    better : +1, -1 or 0
        Which way is better, where there is one.
    ticks : tuple of (value, label), optional
        Instead of round values.
    hidden : bool
        No line, ticks or label.
    """

    label: str = ""
    unit: str = ""
    limits: tuple[float, float] | None = None
    log: bool = False
    whole: bool = False
    zero: bool = False
    better: int = 0
    ticks: tuple[tuple[float, str], ...] | None = None
    hidden: bool = False


class _Arrays:
    """Keep given sequences as frozen arrays of floats."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray) or (
                isinstance(value, list) and not any(isinstance(v, str) for v in value)
            ):
                object.__setattr__(self, item.name, frozen(value, np.float64))


Values = np.ndarray | Sequence[float]


@dataclass(frozen=True)
class Dot:
    """One line of a dot plot: a label and a figure with its interval; `figure` carries its place in the JSON."""

    label: str
    figure: Cell
    tone: Tone = "c0"
    shape: Shape = "circle"


@dataclass(frozen=True)
class Dots:
    """Labelled figures with their intervals along x, one under the other; an open side runs to the edge."""

    rows: tuple[Dot, ...]


@dataclass(frozen=True, eq=False)
class Line(_Arrays):
    """A curve with an optional band, labelled at its end; NaN breaks it. `step` holds each value until the next."""

    x: Values
    y: Values
    low: Values | None = None
    high: Values | None = None
    label: str = ""
    tone: Tone = "ours"
    stroke: Stroke = "solid"
    strong: bool = False
    step: bool = False


@dataclass(frozen=True, eq=False)
class Paths(_Arrays):
    """Many thin curves over one grid, x of shape (n,), y of shape (m, n), NaN where there is none; one name each."""

    x: Values
    y: Values
    names: tuple[str, ...] = ()
    label: str = ""
    tone: Tone = "context"


@dataclass(frozen=True, eq=False)
class Points(_Arrays):
    """Points, with vertical intervals where `low` and `high` are given; `faint` for a cloud.

    `names` are told on hover; `label` is drawn once.
    """

    x: Values
    y: Values
    low: Values | None = None
    high: Values | None = None
    names: tuple[str, ...] = ()
    label: str = ""
    tone: Tone = "ours"
    shape: Shape = "circle"
    faint: bool = False
    named: bool = False
    """Names are drawn beside the points."""


@dataclass(frozen=True, eq=False)
class Arrows(_Arrays):
    """A field: arrows from (x, y) along (dx, dy), shortened together so that they do not cross."""

    x: Values
    y: Values
    dx: Values
    dy: Values
    tone: Tone = "context"


@dataclass(frozen=True)
class Share:
    """One piece of a stacked bar; negative ones stack to the left."""

    label: str
    value: float
    tone: Tone


@dataclass(frozen=True)
class Bar:
    """A labelled bar of pieces, one or several, with the figure they add up to where there is one."""

    label: str
    pieces: tuple[Share, ...]
    total: Cell | None = None


@dataclass(frozen=True)
class Bars:
    """Bars along x, one under the other, stacked and diverging from zero; pieces of one label share a key."""

    rows: tuple[Bar, ...]
    total: str = "total"


@dataclass(frozen=True, eq=False)
class Histogram(_Arrays):
    """Heights, shape (n,), over edges, shape (n + 1,)."""

    edges: Values
    heights: Values
    tone: Tone = "c0"
    label: str = ""


@dataclass(frozen=True)
class Node:
    """A node at a place in the axes' units; `size` in [0, 1] of the largest; `words` are told on hover.

    Its `label` stands at its `side`; a picture whose makers keep names off marks counts on `radius` pixels.
    """

    key: str
    x: float
    y: float
    label: str = ""
    size: float = 0.5
    tone: Tone = "ours"
    shape: Shape = "circle"
    words: str = ""
    low: float | None = None
    high: float | None = None
    side: Side = "above"

    @property
    def radius(self) -> float:
        """Radius of its mark in pixels of the page."""
        return 5 + 11 * math.sqrt(max(self.size, 0.0))


@dataclass(frozen=True)
class Edge:
    """A link between two nodes; `weight` in [0, 1] of the widest; an arrowhead where `directed`; bent by `bend`."""

    start: str
    end: str
    weight: float = 0.5
    tone: Tone = "context"
    directed: bool = False
    words: str = ""
    bend: float = 0.0
    stroke: Stroke = "solid"


@dataclass(frozen=True)
class Graph:
    """Nodes and edges; edges are drawn first."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Rule:
    """A labelled line across the picture at a value of an axis, with a band from `low` to `high`; infinite is open."""

    axis: Literal["x", "y"]
    at: float | None
    low: float | None = None
    high: float | None = None
    label: str = ""
    tone: Tone = "context"
    stroke: Stroke = "dashed"


@dataclass(frozen=True)
class Margin:
    """A figure of the y axis with its interval, drawn beside the picture at its right edge."""

    figure: Cell
    label: str = ""
    tone: Tone = "ink"


@dataclass(frozen=True, eq=False)
class Region(_Arrays):
    """A polygon, or where not `closed` a line through the corners; filled faintly where `filled`."""

    x: Values
    y: Values
    label: str = ""
    tone: Tone = "context"
    closed: bool = True
    filled: bool = False


@dataclass(frozen=True)
class Label:
    """Words at a place; on hover `words`."""

    x: float
    y: float
    text: str
    tone: Tone = "context"
    anchor: Literal["start", "middle", "end"] = "middle"


Mark = Dots | Line | Paths | Points | Arrows | Bars | Histogram | Graph | Rule | Margin | Region | Label


@dataclass(frozen=True, eq=False)
class Chart:
    """A picture.

    Attributes
    ----------
    key : str
        Unique in its document; also the name of `plots.<key>` where there is one.
    title : str
        What it shows, in a few words.
    marks : tuple
        Drawn in this order.
    described : str
        The same in words, with its figures, for those who do not see it.
    note : str
        How to read it.
    equal : bool
        Both axes have one scale.
    size : str
        `small`, one of several side by side; `wide`, as wide as the page; `tiny`, in a line of a table, without axes.
    live : bool
        Lines over steps, which the page draws so that they answer hover and click.
    link : str
        What the names of its points and paths are names of, `session` or `group`: pictures of one kind of names show
        a choice together.
    """

    key: str
    title: str
    marks: tuple[Mark, ...]
    x: Axis = Axis()
    y: Axis = Axis()
    described: str = ""
    note: str = ""
    equal: bool = False
    size: Literal["tiny", "small", "wide"] = "small"
    live: bool = False
    depth: Literal["front", "short", "long"] = "long"
    link: Literal["", "session", "group"] = ""
