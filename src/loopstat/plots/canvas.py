"""What every picture is drawn with: colours, marks, axes, labels that do not collide, dot-plot rows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float, Int
from ..drift.fit import LinearDriftFit
from ..errors import SettingsError
from ..inference.estimate import Estimate, show
from ..panel.panel import Objective, Panel
from ..results.words import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, GREY, FAINT = "#1b1d20", "#60676e", "#dde1e4"
BLUE, ORANGE, GREEN, PINK, SKY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
PLAIN: Mapping[str, Any] = {"parse_math": False, "usetex": False}
WHITE: Mapping[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
SMALL: Mapping[str, Any] = {"fontsize": "small", **PLAIN}
MAX_POINTS = 600  # of a scatter
MAX_LABEL = 34
RASTER_FROM = 1500  # points of lines or clouds from which vector files hold them as an image
Name = str | int
Ends = tuple[float, float]
Look = dict[str, Any]


@dataclass(frozen=True)
class _Bar:
    """A figure with its interval and look; open or unknown ends are infinite or NaN."""

    value: float
    low: float
    high: float
    words: str = ""
    colour: str = BLUE
    marker: str = "o"
    dash: str = "-"
    hollow: bool = False

    def ends(self) -> Ends:
        """Ends to draw: the figure itself where nothing is known."""
        low, high = (self.value if np.isnan(v) else v for v in (self.low, self.high))
        return low, high

    def text(self, between: str = "\n") -> str:
        """Return words and figure, on lines of their own or on one; nothing where there is no figure."""
        if np.isnan(self.value):
            return ""
        words = self.words if between == "\n" else self.words.replace("\n", " ")
        return f"{words}{between}{show(self.value, self.low, self.high)}".strip()


@dataclass(frozen=True)
class _Row:
    """A label and the bars under it."""

    label: str
    bars: tuple[_Bar, ...]
    strong: bool = False

    @property
    def lines(self) -> float:
        return 1.35 + len(self.bars)


def _rows(ax: Axes, rows: Sequence[_Row], limits: Ends, *, top: float = 0.0) -> list[float]:
    """Draw labelled bars one under the other, figures in a column at the right; return where each row starts."""
    starts = [top + float(v) for v in np.cumsum([0.0, *(row.lines for row in rows)])]
    low, high = limits
    for y, row in zip(starts, rows, strict=False):
        _say(
            ax,
            low,
            y + 0.5,
            row.label,
            va="center",
            color=INK,
            fontweight="bold" if row.strong else "normal",
            bbox=WHITE,
        )
        for k, bar in enumerate(row.bars):
            _row_bar(ax, y + 1.4 + k, bar, limits)
    words = [bar.text(" ") for row in rows for bar in row.bars]
    ax.set_ylim(max(starts[-1], 1.0), -0.2)
    ax.set_yticks([])
    _frame(ax, limits, None)
    unit = (high - low) / 22
    room = _room(ax, words, high - low + unit)
    for y, row in zip(starts, rows, strict=False):
        for k, bar in enumerate(row.bars):
            _say(ax, high + unit, y + 1.4 + k, bar.text(" "), va="center", color=bar.colour)
    ax.set_xlim(low, high + unit + room)
    return starts


def _row_bar(ax: Axes, y: float, bar: _Bar, limits: Ends) -> None:
    """Draw one bar; a side beyond the picture ends in an arrowhead at its edge."""
    if not np.isfinite(bar.value):
        return
    low, high = limits
    start, end = bar.ends()
    ends = np.clip([start, end], low, high)
    ax.plot(ends, [y, y], color=bar.colour, linewidth=2, linestyle=bar.dash, label="_interval", solid_capstyle="butt")
    for beyond, edge, head in ((start < low, low, "<"), (end > high, high, ">")):
        if beyond:
            ax.plot([edge], [y], head, color=bar.colour, markersize=5, clip_on=False, label="_open")
    if low <= bar.value <= high:
        face = "white" if bar.hollow else bar.colour
        look: Look = {"color": bar.colour, "markerfacecolor": face, "markeredgewidth": 1.4, "markersize": 6}
        ax.plot([bar.value], [y], bar.marker, label="_value", zorder=4, **look)


def _row_axes(ax: Axes | None, lines: float) -> Axes:
    return _axes(ax, (6.6, 0.9 + 0.185 * lines))


def _dots(ax: Axes, points: Float, *, size: float, **look: Any) -> None:
    """Draw points, at most 600 places, larger where several share one."""
    places, count = np.unique(points, axis=0, return_counts=True)
    some = _some(len(places), MAX_POINTS)
    sizes = size * np.minimum(np.sqrt(count[some]), 8)
    ax.scatter(places[some, 0], places[some, 1], s=sizes, linewidths=0, **look)


def _rest(fit: LinearDriftFit, j: int) -> _Bar | None:
    """Where the loop heads or, of a lineage, where proposals alone would rest."""
    if fit.lineage:
        look: Look = {"words": "proposals alone\nwould rest at", "dash": "--", "hollow": True}
        return _bar_of(fit.estimates.get("drift.fixed_point"), j, colour=VERMILION, marker="D", **look)
    stopped = any(c.name == "stops_on_success" and not c.passed for c in fit.checks)
    words = "fitted rest" if stopped else "heads for"
    return _bar_of(fit.equilibrium, j, words=words, colour=GREEN, marker="D")


def _bar_of(e: Estimate | None, j: int, **look: Any) -> _Bar | None:
    if e is None or not np.isfinite(e.value[j]):
        return None
    return _Bar(*_figures(e, (j,)), **look)


def _figures(e: Estimate, at: tuple[int, ...]) -> tuple[float, float, float]:
    return float(e.value[at]), float(e.low[at]), float(e.high[at])


def _near(bar: _Bar | None) -> list[float]:
    """Figure and ends, without the open ones."""
    return [] if bar is None else [v for v in (bar.value, *bar.ends()) if np.isfinite(v)]


def _sessions_of(panel: Panel, fit: LinearDriftFit) -> Panel:
    """Return the sessions a fit was made from; refuses a panel that does not hold exactly them."""
    if panel.names != fit.names:
        raise SettingsError(f"the panel's objectives are {_listed(panel.names)}; the fit's are {_listed(fit.names)}.")
    part = panel
    for column, value in fit.by.items():
        part = part._where_one(column, value, True) if column in part.labels else part
    if part.n_sessions != fit.counts["n_sessions"]:
        want = fit.counts["n_sessions"]
        raise SettingsError(f"the fit was made from {want} sessions. Got a panel of {part.n_sessions}.")
    return part


def _position(objectives: Sequence[Objective], wanted: Name) -> int:
    names = [o.name for o in objectives]
    if isinstance(wanted, str) and wanted in names:
        return names.index(wanted)
    if not isinstance(wanted, str | bool) and wanted in range(len(names)):
        return int(wanted)
    raise SettingsError(f"no objective {wanted!r}. Objectives: {_listed(names)}.")


def _pair(objectives: Sequence[Objective], wanted: tuple[Name, Name] | None) -> tuple[int, int]:
    chosen = (0, 1) if wanted is None else tuple(wanted)
    if len(chosen) != 2:
        raise SettingsError(f"`objectives` must be two names or positions. Got {wanted!r}.")
    i, j = (_position(objectives, name) for name in chosen)
    if i == j:
        raise SettingsError(f"`objectives` must be two different ones. Got {wanted!r}.")
    return i, j


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(clean, names)) or "none"


def _some(n: int, most: int) -> Int:
    """Return positions of at most `most` of n things, in order, always the same ones."""
    if n <= most:
        return np.arange(n, dtype=np.int64)
    return np.sort(np.random.default_rng(0).choice(n, most, replace=False)).astype(np.int64)


def _limits(values: ArrayLike, *, must: ArrayLike = (), may: ArrayLike = ()) -> Ends:
    """Return the range to show: all values but extreme ones, what must be seen, and what may be if it is near."""
    known, needed, wished = (np.asarray(v, dtype=np.float64).ravel() for v in (values, must, may))
    known, needed = known[np.isfinite(known)], needed[np.isfinite(needed)]
    every = np.r_[known, needed]
    if len(every) == 0:
        return (0.0, 1.0)
    low, high = float(every.min()), float(every.max())
    if len(known) > 200:
        inner = np.r_[np.quantile(known, [0.005, 0.995]), needed]
        if high - low > 2 * np.ptp(inner) > 0:
            low, high = float(inner.min()), float(inner.max())
    near = wished[np.abs(wished - (low + high) / 2) <= 1.5 * (high - low)]
    low, high = min([low, *near.tolist()]), max([high, *near.tolist()])
    pad = 0.04 * (high - low) if high > low else 0.5 * max(abs(high) * 0.1, 1e-9) if high else 0.5
    return low - pad, high + pad


def _outside(points: Float, limits: Sequence[Ends]) -> int:
    """Number of points, shape (m, n), that lie outside on some axis."""
    low, high = np.array(limits).T
    return int(np.sum(((points < low) | (points > high)).any(axis=1)))


def _say_beyond(ax: Axes, points: Float, limits: Sequence[Ends], *, right: bool) -> None:
    """Say how many points the axes leave out."""
    n = _outside(points, limits)
    if n:
        place: Look = {"ha": "right" if right else "left", "va": "bottom", "fontsize": "x-small", "bbox": WHITE}
        _say(ax, limits[0][1 if right else 0], limits[1][0], f"{n:,} beyond the axes", zorder=8, **place)


def _span(step: Int) -> Ends:
    first, last = (float(step.min()), float(step.max())) if len(step) else (0.0, 1.0)
    return first, max(last, first + 1)


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise SettingsError("pictures need matplotlib: pip install 'loopstat[plots]'") from error
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def _frame(ax: Axes, x: Ends, y: Ends | None, *, ticks: Sequence[float] | None = None, whole: bool = False) -> None:
    """Leave only the two axes that carry figures, as long as what they measure."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("#aab1b8")
    ax.spines["bottom"].set_bounds(*x)
    ax.set_xticks(_ticks(*x, whole=whole) if ticks is None else ticks)
    ax.set_xlim(*x)
    if y is None:
        ax.spines["left"].set_visible(False)
    else:
        ax.spines["left"].set_bounds(*y)
        ax.set_yticks(_ticks(*y) if ticks is None else ticks)
        ax.set_ylim(*y)
    ax.tick_params(colors=GREY, length=3, labelsize="small", color="#aab1b8")


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=6, steps=[1, 2, 5, 10] if whole else [1, 2, 2.5, 5, 10], integer=whole).tick_values(
        low, high
    )
    slack = 1e-9 * (high - low)
    return [float(v) for v in found if low - slack <= v <= high + slack]


def _title(ax: Axes, words: str) -> None:
    ax.set_title(words, loc="left", color=INK, fontsize="medium", **PLAIN)


def _say(ax: Axes, x: float, y: float, words: str, **look: Any) -> None:
    ax.text(x, y, words, **{"color": GREY, **SMALL, **look})


def _note(ax: Axes, words: str) -> Axes:
    """Say why there is no picture."""
    ax.set_axis_off()
    _say(ax, 0.5, 0.5, _wrap(words, 56), transform=ax.transAxes, ha="center", va="center")
    return ax


def _wrap(words: str, width: int) -> str:
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
    return textwrap.fill(safe, width)


def _short(name: str) -> str:
    """Return a name made harmless and cut in its middle."""
    safe = clean(name)
    half = MAX_LABEL // 2
    return safe if len(safe) <= MAX_LABEL else f"{safe[:half]}…{safe[-half + 1 :]}"


def _values(labels: Sequence[str]) -> list[str]:
    """Return group labels to draw, without the name of the column where it is the same one for all."""
    parts = [label.partition("=") for label in labels]
    if len({key for key, _, _ in parts}) == 1 and all(value and ", " not in value for _, _, value in parts):
        return [_short(value) for _, _, value in parts]
    return [_short(label) for label in labels]


def _axis_name(objective: Objective) -> str:
    scale = f", {clean(objective.transform)} scale" if objective.transform else ""
    return f"{_short(objective.name)}{scale}" + ("" if objective.maximize else " (smaller is better)")


def _x_name(ax: Axes, words: str, span: Ends) -> None:
    """Name the horizontal axis under the part of it that carries figures."""
    low, high = ax.get_xlim()
    ax.set_xlabel(words, x=(sum(span) / 2 - low) / (high - low), ha="center", **PLAIN)


def _zero(ax: Axes, top: float = 0.0) -> None:
    ax.plot([0, 0], [top, ax.get_ylim()[0]], color="#aab1b8", linewidth=0.9, zorder=0.5, label="_zero")


def _bounds(ax: Axes, objective: Objective, limits: Ends, span: Ends, *, across: bool = True) -> None:
    """Draw the declared bounds that lie in the picture as dotted lines along `span`, and say what they are."""
    for bound, inside in ((objective.low, 1), (objective.high, -1)):
        if bound is None or not limits[0] <= bound <= limits[1]:
            continue
        line = (span, (bound, bound)) if across else ((bound, bound), span)
        ax.plot(*line, color=GREY, linewidth=0.9, linestyle=":", zorder=0.6, label="_bound")
        at, move = ((span[1], bound), (-3, 2 * inside)) if across else ((bound, span[1]), (2 * inside, -3))
        side: Look = {"va": "bottom" if inside > 0 else "top", "ha": "right"}
        place = side if across else {"ha": "left" if inside > 0 else "right", "va": "top"}
        small: Look = {**SMALL, "fontsize": "x-small", "color": GREY, "rotation": 0 if across else 90}
        ax.annotate("bound", at, move, textcoords="offset points", **small, **place)


@dataclass(frozen=True)
class _Mark:
    """A label at the right edge: what it stands beside, its words, its colour, and where its line starts, if any."""

    value: float
    words: str
    colour: str
    start: float | None


def _right_column(ax: Axes, marks: Sequence[_Mark], x: float, unit: float) -> None:
    """Write labels at the right edge beside what they name, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    words = [m.words for m in marks]
    left = ax.get_xlim()[0]
    ax.set_xlim(left, x + 1.4 * unit + _room(ax, words, x + 1.4 * unit - left))
    places = _spread([float(np.clip((m.value - low) / (high - low), 0, 1)) for m in marks], _line_height(ax, words))
    for m, place in zip(marks, places.tolist(), strict=True):
        y, at = low + place * (high - low), float(np.clip(m.value, low, high))
        if m.start is not None:
            ax.plot([m.start, x, x + 1.1 * unit], [at, at, y], color=m.colour, linewidth=0.7, zorder=1.5, label="_to")
        beyond = " ↑" if m.value > high else " ↓" if m.value < low else ""
        _say(ax, x + 1.3 * unit, y, m.words + beyond, va="center", color=m.colour)


def _spread(places: Sequence[float], gap: float) -> Float:
    """Move places in [0, 1] as little as possible so that neighbours keep a gap."""
    from scipy.optimize import isotonic_regression

    at = np.asarray(places, dtype=np.float64)
    if len(at) < 2:
        return np.clip(at, gap / 2, 1 - gap / 2)
    gap = min(gap, 1 / len(at))
    order = np.argsort(at, kind="stable")
    steps = gap * np.arange(len(at))
    moved = np.clip(isotonic_regression(at[order] - steps).x, gap / 2, 1 - gap / 2 - steps[-1]) + steps
    out = np.empty(len(at))
    out[order] = moved
    return out


def _inches(ax: Axes) -> tuple[float, float]:
    box = ax.get_window_extent()
    return box.width / ax.figure.dpi, box.height / ax.figure.dpi


def _font_inches() -> float:
    from matplotlib.font_manager import FontProperties

    return float(FontProperties(size="small").get_size_in_points()) / 72


def _text_width(words: Sequence[str]) -> float:
    """Inches that the longest line of some small text takes, estimated."""
    return 0.6 * _font_inches() * max((len(line) for w in words for line in w.split("\n")), default=0)


def _room(ax: Axes, words: Sequence[str], width: float) -> float:
    """Return how far an axis of some width must go on so that text fits beside it, in its units."""
    share = min(_text_width(words) / _inches(ax)[0], 0.6)
    return width * share / (1 - share)


def _line_height(ax: Axes, words: Sequence[str]) -> float:
    """Share of the axes' height that one label takes."""
    lines = max((w.count("\n") + 1 for w in words), default=1)
    return 1.35 * lines * _font_inches() / _inches(ax)[1]
