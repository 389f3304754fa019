"""Charts on matplotlib axes, for notebooks and papers: the same marks as on the page.

Names from the data are drawn as plain text, never as mathematics.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..arrays import Float
from ..errors import SettingsError
from ..results.chart import (
    TONES,
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
    Node,
    Paths,
    Points,
    Region,
    Rule,
    Shape,
    Tone,
)
from ..results.extent import limits, named, ticks
from ..results.words import cell, shorten
from .placing import spots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS: dict[Shape, str] = {
    "circle": "o",
    "square": "s",
    "triangle": "^",
    "diamond": "D",
    "cross": "x",
    "ring": "o",
}
STROKES = {"solid": "-", "dashed": "--", "dotted": ":"}
SOFT, GRID = "#5c636b", "#dfe3e7"
PLAIN: Mapping[str, Any] = {"parse_math": False, "usetex": False}
SMALL: Mapping[str, Any] = {"fontsize": "small", **PLAIN}
TITLE: Mapping[str, Any] = {"fontsize": "medium", **PLAIN}
LETTER, LARGE, LINE = 4.8, 5.8, 11.0  # points: a small letter, one of a title, a small line
WRAP = 24  # letters of a row's label in a line
EDGE = 8.0  # points from the right edge to the figures beside it
KEYS = 5  # entries of a key in a line
RASTER_FROM = 1500  # points of curves or clouds from which vector files hold them as an image
SIZES = {"tiny": (2.0, 0.6), "small": (5.2, 3.8), "wide": (8.0, 4.2)}
ROW, STACK = 0.42, 0.62  # inches a row of dots takes, and one of bars
LONGEST = 1 / 12  # of the picture, the longest arrow


def draw(chart: Chart, ax: Axes | None = None) -> Axes:
    """Draw a chart.

    Parameters
    ----------
    chart : Chart
    ax : Axes, optional
        Where to draw; a new figure of fitting size otherwise.

    Returns
    -------
    Axes
        The same, or the new one.

    Raises
    ------
    SettingsError
        matplotlib is not installed, or `ax` is no Axes.
    """
    ax = _axes(chart, ax)
    low, high = limits(chart, "x")
    ax.set_xlim(low, high)
    rows = next((m for m in chart.marks if isinstance(m, Dots | Bars)), None)
    if rows is None:
        _plane(chart, ax)
    else:
        _rows(chart, rows, ax, (low, high))
    if not chart.x.hidden:
        ax.set_xlabel(named(chart.x, _letters(ax, "width")), **SMALL)
    key = max((-(-_keyed(m) // KEYS) for m in chart.marks if isinstance(m, Bars)), default=0)
    ax.set_title(shorten(chart.title, _letters(ax, "width", LARGE)), loc="left", pad=6 + LINE * key, **TITLE)
    return ax


def _letters(ax: Axes, side: Literal["width", "height"], letter: float = LETTER) -> int:
    """Return how many letters stand along a side of the axes."""
    return max(int(getattr(ax.bbox, side) / ax.figure.dpi * 72 / letter), 12)


def _points_high(ax: Axes) -> float:
    """Return the height of the axes in points."""
    return max(ax.bbox.height / ax.figure.dpi * 72, 1.0)


def _axes(chart: Chart, ax: Axes | None) -> Axes:
    try:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    except ImportError as error:
        raise SettingsError("pictures need matplotlib. Hint: pip install 'loopstat[plots]'.") from error
    if ax is None:
        _, ax = plt.subplots(figsize=_size(chart), layout="constrained")
    if not isinstance(ax, Axes):
        raise SettingsError(f"`ax` must be matplotlib Axes. Got {type(ax).__name__}.")
    ax.tick_params(labelsize="small", colors=SOFT, length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.grid(visible=True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


def _size(chart: Chart) -> tuple[float, float]:
    width, height = SIZES[chart.size]
    for mark in chart.marks:
        if isinstance(mark, Dots | Bars):
            height = 1.1 + len(mark.rows) * (ROW if isinstance(mark, Dots) else STACK)
    return width, height


def _tone(tone: Tone) -> str:
    return TONES[tone or "ink"][0]


# ------------------------------------------------------------------------------- rows


def _rows(chart: Chart, mark: Dots | Bars, ax: Axes, ends: tuple[float, float]) -> None:
    ax.set_ylim(len(mark.rows) - 0.4, -0.6)
    ax.set_yticks(range(len(mark.rows)))
    ax.set_yticklabels([textwrap.fill(shorten(row.label, 2 * WRAP), WRAP) for row in mark.rows], **SMALL)
    ax.grid(visible=False, axis="y")
    _ticks(chart.x, ax, "x")
    if chart.x.zero or isinstance(mark, Bars):
        ax.axvline(0, color=SOFT, linewidth=0.9)
    for rule in (m for m in chart.marks if isinstance(m, Rule)):
        _rule(rule, ax, height=0.99)
    if isinstance(mark, Dots):
        for y, row in enumerate(mark.rows):
            _interval(ax, row.figure.figures, y, ends, row.tone, row.shape)
        return
    _stacks(mark, ax, ends)


def _stacks(bars: Bars, ax: Axes, ends: tuple[float, float]) -> None:
    known: set[str] = set()
    for y, bar in enumerate(bars.rows):
        right = left = 0.0
        for piece in bar.pieces:
            start = right if piece.value >= 0 else left
            key = piece.label if piece.label not in known else "_"
            known.add(piece.label)
            ax.barh(y + 0.16, piece.value, left=start, height=0.3, color=_tone(piece.tone), label=key)
            right, left = (right + piece.value, left) if piece.value >= 0 else (right, left + piece.value)
        if bar.total is not None:
            _interval(ax, bar.total.figures, y - 0.16, ends, "ink", "diamond")
    handles, labels = ax.get_legend_handles_labels()
    if any(bar.total is not None for bar in bars.rows):
        handles += ax.plot([], [], linestyle="", **_marker("diamond", "ink"))
        labels.append(bars.total)
    if _keyed(bars):
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.1, "borderpad": 0.1}
        _key(ax, handles, labels, ncols=KEYS, **place)


def _keyed(bars: Bars) -> int:
    """Return the number of entries of the key; 0 where none is needed."""
    entries = {piece.label for bar in bars.rows for piece in bar.pieces}
    return len(entries) + 1 if len(entries) > 1 or any(bar.total is not None for bar in bars.rows) else 0


def _key(ax: Axes, handles: Sequence[Any], labels: Sequence[str], **place: Any) -> None:
    look: dict[str, Any] = {"frameon": False, "fontsize": "small", "handlelength": 1.2, "columnspacing": 1.2}
    legend = ax.legend(handles, [shorten(words, 30) for words in labels], **look, **place)
    for text in legend.get_texts():
        text.set(**PLAIN)


def _interval(
    ax: Axes, figure: Sequence[float | None], y: float, ends: tuple[float, float], tone: Tone, shape: Shape
) -> None:
    """Draw a figure with its interval along x; an open side runs to the edge."""
    value, start, end = figure
    low, high = ends
    if value is None or not math.isfinite(value):
        ax.text(low, y, "not known", va="center", color=SOFT, **SMALL)
        return
    if start is not None or end is not None:
        left = low if start is None or not math.isfinite(start) else max(start, low)
        right = high if end is None or not math.isfinite(end) else min(end, high)
        ax.plot([min(left, high), max(right, low)], [y, y], color=_tone(tone), linewidth=4, alpha=0.4)
    if low <= value <= high:
        ax.plot([value], [y], linestyle="", zorder=4, **_marker(shape, tone))
    else:
        ax.plot([max(min(value, high), low)], [y], ">" if value > high else "<", color=_tone(tone), clip_on=False)


def _marker(shape: Shape, tone: Tone, size: float = 6) -> dict[str, Any]:
    colour = _tone(tone)
    face = "white" if shape == "ring" else colour
    return {
        "marker": MARKERS[shape],
        "color": colour,
        "markerfacecolor": face,
        "markeredgewidth": 1.6,
        "markersize": size,
    }


# --------------------------------------------------------------------------- the plane


def _plane(chart: Chart, ax: Axes) -> None:
    low, high = limits(chart, "y")
    ax.set_ylim(low, high)
    _ticks(chart.x, ax, "x")
    _ticks(chart.y, ax, "y")
    if not chart.y.hidden:
        ax.set_ylabel(named(chart.y, _letters(ax, "height")), **SMALL)
    if chart.equal:
        ax.set_aspect("equal", adjustable="box")
    for mark in chart.marks:
        _draw(mark, ax)
    _names(chart, ax)
    _end_labels([m for m in chart.marks if isinstance(m, Line | Margin) and m.label], ax)
    groups = {m.label: m for m in chart.marks if isinstance(m, Points) and m.label and not m.faint and len(m.x)}
    if groups:
        handles = [ax.plot([], [], linestyle="", **_marker(m.shape, m.tone))[0] for m in groups.values()]
        _key(ax, handles, list(groups), loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0.0)


def _ticks(axis: Axis, ax: Axes, side: Literal["x", "y"]) -> None:
    low, high = ax.get_xlim() if side == "x" else ax.get_ylim()
    if axis.log:
        (ax.set_xscale if side == "x" else ax.set_yscale)("log")
    places = [] if axis.hidden else ticks(low, high, axis, 6)
    (ax.set_xticks if side == "x" else ax.set_yticks)([v for v, _ in places])
    (ax.set_xticklabels if side == "x" else ax.set_yticklabels)([said for _, said in places], **SMALL)
    (ax.xaxis if side == "x" else ax.yaxis).minorticks_off()


def _names(chart: Chart, ax: Axes) -> None:
    """Name the points that have their names beside them."""
    unit = 72 / ax.figure.dpi

    def paper(at: Float) -> Float:
        return np.asarray(ax.transData.transform(at) * unit)

    left, bottom, right, top = (float(v) * unit for v in ax.bbox.extents)
    back, sides = ax.transData.inverted(), {"start": "left", "middle": "center", "end": "right"}
    for s in spots(chart, paper, (left, bottom, right, top), LETTER, LINE):
        at = tuple(back.transform((s.x / unit, s.y / unit)))
        look: Any = {"textcoords": "offset points", "ha": sides[s.anchor], "zorder": 5, **_halo()}
        ax.annotate(s.words, at, (s.dx, s.dy), **look, **SMALL)


def _halo() -> dict[str, Any]:
    """Return what sets words off from lines that they cross."""
    from matplotlib.patheffects import withStroke

    return {"path_effects": [withStroke(linewidth=2.5, foreground="white")]}


def _draw(mark: Mark, ax: Axes) -> None:
    match mark:
        case Line():
            _curve(mark, ax)
        case Paths():
            y = np.asarray(mark.y, dtype=np.float64)
            many = y.size > RASTER_FROM
            ax.plot(np.asarray(mark.x), y.T, color=_tone(mark.tone), linewidth=0.6, alpha=0.22, rasterized=many)
        case Points():
            _points(mark, ax)
        case Arrows():
            _field(mark, ax)
        case Histogram():
            ax.stairs(np.asarray(mark.heights), np.asarray(mark.edges), fill=True, color=_tone(mark.tone))
        case Graph():
            _graph(mark, ax)
        case Rule():
            _rule(mark, ax)
        case Margin():
            _margin(mark, ax)
        case Region():
            _region(mark, ax)
        case Label():
            place = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
            ax.text(mark.x, mark.y, mark.text, ha=place, color=_tone(mark.tone), **SMALL)


def _curve(line: Line, ax: Axes) -> None:
    x = np.asarray(line.x, dtype=np.float64)
    steps: Any = "steps-post" if line.step else "default"
    if line.low is not None and line.high is not None:
        fill: Any = "post" if line.step else None
        low, high = np.asarray(line.low, dtype=np.float64), np.asarray(line.high, dtype=np.float64)
        ax.fill_between(x, low, high, step=fill, color=_tone(line.tone), alpha=0.16, linewidth=0)
    width = 2.4 if line.strong else 1.4
    stroke = STROKES[line.stroke]
    ax.plot(x, np.asarray(line.y), stroke, color=_tone(line.tone), linewidth=width, drawstyle=steps, label=line.label)


def _points(points: Points, ax: Axes) -> None:
    x, y = (np.asarray(v, dtype=np.float64) for v in (points.x, points.y))
    if points.faint:
        many = len(x) > RASTER_FROM
        ax.plot(x, y, ".", color=_tone(points.tone), markersize=4, alpha=0.3, rasterized=many, markeredgewidth=0)
        return
    if points.low is not None and points.high is not None:
        ax.vlines(x, np.asarray(points.low), np.asarray(points.high), color=_tone(points.tone), alpha=0.6, linewidth=2)
    ax.plot(x, y, linestyle="", zorder=4, label=points.label, **_marker(points.shape, points.tone))


def _field(arrows: Arrows, ax: Axes) -> None:
    x, y, dx, dy = (np.asarray(v, dtype=np.float64) for v in (arrows.x, arrows.y, arrows.dx, arrows.dy))
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    longest = float(np.hypot(dx / (x1 - x0), dy / (y1 - y0)).max(initial=0.0))
    shrink = min(1.0, LONGEST / longest) if longest > 0 else 1.0
    look: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.003, "headwidth": 4}
    ax.quiver(x, y, dx * shrink, dy * shrink, color=_tone(arrows.tone), **look)


def _rule(rule: Rule, ax: Axes, height: float = 0.01) -> None:
    """Draw a line across; an upright one has its label at a share of the height, off curves that start or end there."""
    upright = rule.axis == "x"
    low, high = ax.get_xlim() if upright else ax.get_ylim()
    if rule.low is not None and rule.high is not None:
        band = (ax.axvspan if upright else ax.axhspan)(max(rule.low, low), min(rule.high, high))
        band.set(color=_tone(rule.tone), alpha=0.14, linewidth=0)
    if rule.at is None:
        return
    if not low <= rule.at <= high:
        _beyond(rule, ax)
        return
    stroke = STROKES[rule.stroke]
    (ax.axvline if upright else ax.axhline)(rule.at, color=_tone(rule.tone), linestyle=stroke, linewidth=1.3)
    if rule.label:
        x, y = (rule.at, height) if upright else (0.01, rule.at)
        across = ax.get_xaxis_transform() if upright else ax.get_yaxis_transform()
        right = upright and _share(ax, rule.at, ax.get_ylim()[0])[0] > 0.6
        look: dict[str, Any] = {"va": "bottom" if height < 0.5 else "top", "ha": "right" if right else "left"}
        ax.text(x, y, f" {rule.label} ", transform=across, color=_tone(rule.tone), zorder=5, **look, **_halo(), **SMALL)


def _beyond(rule: Rule, ax: Axes) -> None:
    """Say which way a level lies that the picture does not reach."""
    if rule.axis == "y" and rule.label and rule.at is not None and not math.isnan(rule.at):
        up = rule.at > ax.get_ylim()[1]
        look: dict[str, Any] = {"va": "top" if up else "bottom", "color": _tone(rule.tone), "zorder": 5, **_halo()}
        words = f"{'↑' if up else '↓'} {rule.label}"
        ax.text(0.01, 0.99 if up else 0.01, words, transform=ax.transAxes, **look, **SMALL)


def _margin(margin: Margin, ax: Axes) -> None:
    value, low, high = margin.figure.figures
    if value is None or not math.isfinite(value):
        return
    bottom, top = ax.get_ylim()
    from matplotlib.transforms import ScaledTranslation

    edge = ax.get_yaxis_transform() + ScaledTranslation(EDGE / 72, 0, ax.figure.dpi_scale_trans)
    look: dict[str, Any] = {"transform": edge, "clip_on": False}
    if low is not None and high is not None:
        ends = np.clip([low, high], bottom, top)
        ax.plot([1, 1], ends, color=_tone(margin.tone), linewidth=2.5, alpha=0.6, **look)
    ax.plot([1], np.clip([value], bottom, top), linestyle="", **_marker("diamond", margin.tone, 5), **look)


def _region(region: Region, ax: Axes) -> None:
    x, y = np.asarray(region.x, dtype=np.float64), np.asarray(region.y, dtype=np.float64)
    if region.filled:
        ax.fill(x, y, color=_tone(region.tone), alpha=0.12, linewidth=0)
    if region.closed:
        x, y = np.append(x, x[:1]), np.append(y, y[:1])
    ax.plot(x, y, color=_tone(region.tone), linewidth=1.2)


def _graph(graph: Graph, ax: Axes) -> None:
    from matplotlib.patches import FancyArrowPatch

    at = {node.key: node for node in graph.nodes}
    for edge in graph.edges:
        if edge.start not in at or edge.end not in at:
            continue
        ends = [(at[key].x, at[key].y) for key in (edge.start, edge.end)]
        shrink = [4 + 9 * math.sqrt(max(at[key].size, 0)) for key in (edge.start, edge.end)]
        arrow = FancyArrowPatch(
            *ends,
            arrowstyle="-|>" if edge.directed else "-",
            connectionstyle=f"arc3,rad={edge.bend}",
            shrinkA=shrink[0],
            shrinkB=shrink[1],
            linewidth=1 + 4 * max(edge.weight, 0.0),
            linestyle=STROKES[edge.stroke],
            mutation_scale=9,
            color=_tone(edge.tone),
            alpha=0.6,
        )
        ax.add_patch(arrow)
    for node in graph.nodes:
        _node(node, ax)


def _node(node: Node, ax: Axes) -> None:
    if node.low is not None and node.high is not None:
        ax.plot([node.x, node.x], [node.low, node.high], color=_tone(node.tone), linewidth=2, alpha=0.6)
    size = 8 + 18 * math.sqrt(max(node.size, 0))
    ax.plot([node.x], [node.y], linestyle="", zorder=4, **_marker(node.shape, node.tone, size))
    if node.label:
        beside, up = size / 2 + 3, {"above": 1, "below": -1}.get(node.side, 0)
        across = {"right": 1, "left": -1}.get(node.side, 0)
        anchor: Any = {
            "ha": {1: "left", -1: "right"}.get(across, "center"),
            "va": {1: "bottom", -1: "top"}.get(up, "center"),
            "textcoords": "offset points",
            "zorder": 5,
        }
        ax.annotate(node.label, (node.x, node.y), (across * beside, up * beside), **anchor, **_halo(), **SMALL)


# --------------------------------------------------------------------- labels at the end


def _end_labels(marks: Sequence[Line | Margin], ax: Axes) -> None:
    """Name curves, and figures at the edge, at the right end, pushed apart so that they can be read."""
    wanted: list[tuple[float, str, Tone]] = []
    for mark in marks:
        known = _finite(mark.y) if isinstance(mark, Line) else _finite([mark.figure.figures[0]])
        if len(known):
            said = mark.label if isinstance(mark, Line) else f"{mark.label} {cell(mark.figure)}"
            wanted.append((float(known[-1]), said, mark.tone))
    low, high = ax.get_ylim()
    gap, last = LINE / _points_high(ax), -math.inf
    beside = EDGE + 7 if any(isinstance(mark, Margin) for mark in marks) else 5.0
    for value, said, tone in sorted(wanted):
        last = max(_share(ax, ax.get_xlim()[1], min(max(value, low), high))[1], last + gap)
        look: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "center", "color": _tone(tone)}
        ax.annotate(shorten(said, 40), (1, last), (beside, 0), **look, **SMALL)


def _share(ax: Axes, x: float, y: float) -> tuple[float, float]:
    """Return a place in shares of the axes."""
    across, up = ax.transAxes.inverted().transform(ax.transData.transform((x, y)))
    return float(across), float(up)


def _finite(values: Any) -> Float:
    known = np.asarray(values, dtype=np.float64)
    return np.asarray(known[np.isfinite(known)])
