"""Charts of every kind of mark, easy and hard ones, for the tests of what draws them in the browser."""

from __future__ import annotations

import math

import numpy as np

from loopstat.results.cell import Cell, figure
from loopstat.results.chart import (
    Arrows,
    Axis,
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
    Node,
    Paths,
    Points,
    Region,
    Rule,
    Share,
)
from loopstat.results.document import Document, Provenance, Section

HOSTILE = "<img src=x onerror=alert(1)>"
X = np.arange(12.0)
NAMES = tuple(f"s{k}" for k in range(20))
WALKS = np.cumsum(np.random.default_rng(5).normal(0, 0.3, (20, 12)), axis=1)
MEAN = np.sin(X / 3)
GAPS = np.where(np.isin(X, [4, 5, 8]), np.nan, MEAN)


def every_mark() -> tuple[Chart, ...]:
    """Return one chart or more for each kind of mark, and those that are hard: empty, open, hostile, very many."""
    rng = np.random.default_rng(0)
    paths = WALKS.copy()
    paths[3, 6:] = np.nan
    step, score, a, b = Axis("step", whole=True), Axis("score", unit="USD"), Axis("a"), Axis("b")
    hidden = Axis(hidden=True)
    which = tuple(Dot(f"g{k}", Cell(0.2 * k), "c2") for k in range(4))
    groups = Points([0.0, 1.0], [0.0, 1.0], [-0.5, 0.5], [0.5, np.inf], ("g0", HOSTILE), named=True)
    corner = Region([0, 1, 1], [0, 0, 1], filled=True, tone="c2")
    nodes = (Node("a", 0, 0, "alpha", 1.0, "c0", words="alpha, held 5 times"), Node("b", 1, 1, "beta", 0.3, "c1"))
    dots = (Dot("first", Cell(0.3)), Dot(HOSTILE, Cell(0.7), "c1", "square"), Dot("third", Cell(None)))
    bars = (Bar("pair", (Share("noise", -0.4, "c4"), Share("drift", 0.3, "c1")), figure(-0.1)),)
    return (
        Chart("line", "Line", (Line(X, MEAN, MEAN - 0.2, MEAN + 0.3, label="mean", strong=True),), step, score,
              described="A mean by step."),
        Chart("gaps", "Gaps", (Line(X, GAPS, GAPS - 0.2, np.full(12, np.inf), label="mean"),), step, score),
        Chart("held", "Held", (Line(X, np.round(MEAN), label="held", step=True, tone="c2"),), step, score),
        Chart("paths", "Paths", (Paths(X, paths, NAMES, label="sessions"), Margin(figure(0.3), "ends at")), step, score,
              link="session"),
        Chart("sessions", "Sessions", (Points(rng.normal(size=20), rng.normal(size=20), names=NAMES, tone="c5"),),
              a, b, link="session"),
        Chart("groups", "Groups", (groups,), a, b, link="group"),
        Chart("field", "Field", (Arrows(X, X, 0.5 * np.ones(12), np.zeros(12), "failure"),), a, b),
        Chart("histogram", "Heights", (Histogram([0.0, 1.0, 2.0], [3.0, 5.0], "c2"), Rule("x", 1.4, label="now")),
              Axis("p"), Axis("count", zero=True)),
        Chart("graph", "Graph", (Graph(nodes, (Edge("a", "b", 0.8, "failure", words="a to b 0.5", directed=True),)),),
              Axis(hidden=True, limits=(-0.5, 1.5)), Axis("potential", limits=(-0.5, 1.5))),
        Chart("rules", "Rules", (Rule("y", 0.5, 0.2, math.inf, "rests at", "c5"), Rule("x", 3.0, label="step 3"),
              Line(X, MEAN, tone="ours")), step, score),
        Chart("region", "Region", (corner, Label(0.5, 0.8, "a label", "ink")), a, b, equal=True),
        Chart("dots", "Dots", (Rule("x", 0.4, label="now"), Dots(dots)), Axis("share", zero=True)),
        Chart("which", "Which", (Dots(which),), step, link="group"),
        Chart("bars", "Bars", (Bars(bars),), Axis("correlation", zero=True)),
        Chart("log", "Log", (Line(10.0 ** np.arange(5), 10.0 ** np.arange(-2, 3), label="cost"),), Axis("n", log=True),
              Axis("time", log=True)),
        Chart("cloud", "Cloud", (Points(*rng.normal(size=(2, 100_000)), faint=True),), a, b),
        Chart("tiny", "Tiny", (Line(X, MEAN, MEAN - 0.1, MEAN + 0.1),), hidden, hidden, size="tiny"),
        Chart("wide", "Wide", (Line(X, MEAN, label="a mean"), Line(X, MEAN + 0.01, label="another")), step, score,
              size="wide"),
        Chart("empty", "Empty", (Line([], []), Points([], []), Paths([], np.zeros((0, 0)))), step, score),
        Chart("nothing", "Nothing", ()),
        Chart("unknown", "Unknown", (Line(X, np.full(12, np.nan)), Rule("y", None), Margin(Cell(None), "none")), step,
              score),
    )  # fmt: skip


def document(charts: tuple[Chart, ...]) -> Document:
    """Return a document of charts alone."""
    return Document("charts", "Charts", Provenance("0"), sections=(Section("all", "All", charts),))
