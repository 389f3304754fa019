"""Pictures of results for notebooks and papers: an `ax` goes in, the same `ax` comes out.

    from loopstat import plots

    ax = plots.fan(panel, fit, objective="quality")
    ax.figure.savefig("fan.svg")

They need matplotlib, the extra `[plots]`. Nothing is computed here that the result does not hold: what is drawn is what
`to_dict` writes. Names from the data are drawn as plain text, never as mathematics. Everything drawn stands inside the
axes, so a picture fits wherever its axes do.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .analysis import Analysis
from .arrays import Float, Int, group_starts
from .compare import QUANTITIES, SURE, Comparison
from .errors import SettingsError
from .fit import LinearDriftFit
from .panel import Objective, Panel
from .pareto import ParetoGroup, attainment
from .regimes import Complex, Regime, eigenvalues
from .result import Estimate, number, show
from .text import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, GREY, FAINT = "#1b1d20", "#60676e", "#dde1e4"
BLUE, ORANGE, GREEN, PINK, SKY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")
PLAIN: Mapping[str, Any] = {"parse_math": False, "usetex": False}
WHITE: Mapping[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
SMALL: Mapping[str, Any] = {"fontsize": "small", **PLAIN}

CAUSES = {
    "noise": ("noise", SKY, ""),
    "drift": ("drift", ORANGE, "////"),
    "transient": ("start-up", GREEN, "\\\\\\\\"),
    "rest": ("rest", "#b9bfc5", "xxxx"),
}
BASELINES = {
    "mean": "against guessing the mean",
    "persistence": "against standing still",
    "constant_drift": "against the same change every step",
    "running_mean": "against each session's own mean so far",
}
AXIS_OF = {
    "kept_end": "difference of the kept ends, a − b",
    "equilibrium": "difference of the equilibria, a − b",
    "rate_exact": "difference of the rates, a − b (per step)",
    "coupling": "difference of the couplings, a − b (per step)",
}
MAX_POINTS = 600  # of a scatter
MAX_LABEL = 34
RASTER_FROM = 1500  # points of lines or clouds from which vector files hold them as an image
FIELD = 11  # arrows per side
STEPS_OF_CURVE = 120

Name = str | int
Ends = tuple[float, float]
Look = dict[str, Any]


# ------------------------------------------------------------------ sessions, mean and where they go


def fan(
    panel: Panel, fit: LinearDriftFit, *, objective: Name = 0, ax: Axes | None = None, max_sessions: int = 300
) -> Axes:
    """Draw one objective of every session by step, the mean path, where the loop heads and where it ends.

    Parameters
    ----------
    panel : Panel
        The sessions the fit was made from; of a larger panel, those with the fit's labels are taken.
    fit : LinearDriftFit
    objective : str or int
        Name or position.
    ax : Axes, optional
        Where to draw; default a new figure.
    max_sessions : int
        Sessions drawn at most; a larger number is thinned by a fixed draw, and the title says so.

    Returns
    -------
    Axes
        `step` against the objective in its units. Of a lineage, sessions and mean follow the version kept, and the
        dashed line is where proposals alone would rest.
    """
    j = _position(fit.objectives, objective)
    path = _sessions_of(panel, fit).kept()
    ax = _axes(ax, (6.6, 3.7))
    lines, n = _session_lines(path, j, max_sessions)
    rest, end = _rest(fit, j), _bar_of(fit.kept_end, j, words="ends at", colour=INK, marker="s")
    mean = fit.path.mean[:, j]
    low, high = _limits(path.x[path.complete, j], must=[*mean, *(_near(end) if end else ())], may=_near(rest))
    first, last = _span(fit.path.step)
    unit = (last - first) / 20
    edge = last + 1.6 * unit
    if low < 0 < high and fit.objectives[j].low != 0:
        ax.plot((first, last), (0, 0), color="#aab1b8", linewidth=0.9, zorder=0.5, label="_zero")
    _bounds(ax, fit.objectives[j], (low, high), (first, last))
    _draw_lines(ax, lines)
    _draw_mean(ax, fit, j)
    marks = [_Mark(float(mean[-1]), _mean_words(fit), BLUE, last)] if len(mean) else []
    if rest is not None:
        _level(ax, rest, (first, edge), (low, high))
        marks.append(_Mark(rest.value, rest.text(), rest.colour, edge))
    elif not fit.lineage:
        marks.append(_Mark(low, "heads for:\nnot known", GREY, None))
    if end is not None:
        _error_bar(ax, last + unit, end, (low, high))
        marks.append(_Mark(end.value, end.text(), INK, edge))
    _frame(ax, (first, last), (low, high))
    _right_column(ax, marks, edge, unit)
    _x_name(ax, "step", (first, last))
    ax.set_ylabel(_axis_name(fit.objectives[j]), **PLAIN)
    few = "" if n == len(lines) else f", {len(lines):,} drawn"
    _title(ax, f"{_short(fit.label)}: {n:,} session{'s' * (n != 1)}{few}")
    return ax


def _mean_words(fit: LinearDriftFit) -> str:
    if fit.counts["n_sessions"] == 1:
        return "the session"
    if fit.path.label != "sessions":
        return "mean of " + fit.path.label.replace(" ", "\n", 1)
    return "mean of the\nversions kept" if fit.lineage else "mean of\nthe sessions"


def _session_lines(path: Panel, j: int, most: int) -> tuple[list[Float], int]:
    """Return (step, value) lines of at most `most` sessions, and how many sessions have one."""
    if most < 0:
        raise SettingsError(f"`max_sessions` must be at least 0. Got {most!r}.")
    rows = np.flatnonzero(path.complete)
    if len(rows) == 0:
        return [], 0
    points = np.column_stack([path.step[rows], path.x[rows, j]])
    lines = np.split(points, group_starts(path.session[rows])[1:])
    return [lines[k] for k in _some(len(lines), most)], len(lines)


def _draw_lines(ax: Axes, lines: Sequence[Float]) -> None:
    from matplotlib.collections import LineCollection

    if not lines:
        return
    every = np.concatenate(lines)
    crowd = len(every) / len(np.unique(every, axis=0))  # scores of few values lie on top of one another
    alpha = float(np.clip(min(22 / len(lines), 3 / crowd), 0.02, 0.6))
    look: Look = {"colors": "#7d858d", "linewidths": 0.7, "alpha": alpha, "rasterized": len(every) > RASTER_FROM}
    drawn = LineCollection(list(lines), label="sessions", **look)
    ax.add_collection(drawn, autolim=False)


def _draw_mean(ax: Axes, fit: LinearDriftFit, j: int) -> None:
    path = fit.path
    sure = np.isfinite(path.low[:, j]) & np.isfinite(path.high[:, j])
    if sure.any():
        band: Look = {"color": BLUE, "alpha": 0.22, "linewidth": 0, "label": "mean interval"}
        ax.fill_between(path.step, path.low[:, j], path.high[:, j], where=sure.tolist(), **band)
    ax.plot(path.step, path.mean[:, j], color="white", linewidth=4.2)
    ax.plot(path.step, path.mean[:, j], color=BLUE, linewidth=2.4, label="mean", solid_capstyle="round")


def _level(ax: Axes, rest: _Bar, span: Ends, limits: Ends) -> None:
    """Draw a horizontal line with its band, cut at the edge of the picture where the interval is open."""
    low, high = (float(np.clip(v, *limits)) for v in rest.ends())
    if high > low:
        ax.fill_between(span, low, high, color=rest.colour, alpha=0.13, linewidth=0, label="equilibrium interval")
    if limits[0] <= rest.value <= limits[1]:
        look: Look = {"color": rest.colour, "linestyle": rest.dash, "linewidth": 1.6, "label": "equilibrium"}
        ax.plot(span, [rest.value, rest.value], **look)


def _error_bar(ax: Axes, x: float, bar: _Bar, limits: Ends) -> None:
    low, high = (float(np.clip(v, *limits)) for v in bar.ends())
    ax.plot([x, x], [low, high], color=bar.colour, linewidth=2, label="end interval")
    ax.plot([x], [bar.value], bar.marker, color=bar.colour, markersize=5.5, label="end")


# ------------------------------------------------------------------------------- the phase plane


def phase(
    panel: Panel, fit: LinearDriftFit, *, objectives: tuple[Name, Name] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the fitted drift in the plane of two objectives, the mean path through it, and where it would rest.

    Parameters
    ----------
    panel : Panel
        The sessions the fit was made from; of a larger panel, those with the fit's labels are taken.
    fit : LinearDriftFit
    objectives : pair of str or int, optional
        Names or positions, horizontal first; default the first two. Every other objective is held at its mean.
    ax : Axes, optional

    Returns
    -------
    Axes
        Both axes in the units of their objective. An arrow is the fitted change of one step, times the factor in the
        title. Of a lineage the arrows belong to proposals, and the path to the version kept.
    """
    part = _sessions_of(panel, fit)
    if objectives is None and len(fit.names) < 2:
        return _note(_axes(ax, (5.2, 2)), "One objective alone has no plane: see its fan.")
    i, j = _pair(fit.objectives, objectives)
    ax = _axes(ax, (5.6, 4.4))
    x = part.x[part.complete]
    path, rests = fit.path.mean[:, [i, j]], (_rest(fit, i), _rest(fit, j))
    limits = [
        _limits(x[:, k], must=fit.path.mean[:, k], may=_near(rest)) for k, rest in zip((i, j), rests, strict=True)
    ]
    _bounds(ax, fit.objectives[i], limits[0], limits[1], across=False)
    _bounds(ax, fit.objectives[j], limits[1], limits[0])
    _dots(ax, x[:, [i, j]], size=5, color="#b9bfc5", label="states", zorder=1)
    factor = _field(ax, fit, (i, j), x.mean(axis=0) if len(x) else None, limits)
    towards = path[-1:] if None in rests else np.array([[r.value for r in rests if r]])
    side = np.where((towards >= path[:1]).all(axis=0), 1, -1) if len(path) else np.ones(2)
    _draw_path(ax, path, -side)
    _resting_point(ax, rests, limits, side)
    _frame(ax, *limits)
    ax.set_xlabel(_axis_name(fit.objectives[i]), **PLAIN)
    ax.set_ylabel(_axis_name(fit.objectives[j]), **PLAIN)
    what = "changes of proposals" if fit.lineage else "fitted change of a step"
    arrows = (
        f"arrows: {what}" + (f" × {number(factor)}" if factor < 1 else "") if factor else "no drift could be fitted"
    )
    _title(ax, f"{_short(fit.label)}; {arrows}")
    return ax


def _field(ax: Axes, fit: LinearDriftFit, at: tuple[int, int], mean: Float | None, limits: Sequence[Ends]) -> float:
    """Draw arrows of the drift; return what part of a step they show, 0 where there is no drift."""
    if fit.model is None or mean is None:
        return 0.0
    sides = [np.linspace(low, high, 2 * FIELD + 1)[1::2] for low, high in limits]
    u, v = (grid.ravel() for grid in np.meshgrid(*sides))
    state = np.tile(mean, (len(u), 1))
    state[:, at[0]], state[:, at[1]] = u, v
    change = (state @ fit.model.A.T + fit.model.b)[:, list(at)]
    cell = np.array([side[1] - side[0] for side in sides])
    longest = float(np.abs(change / cell).max())
    if not longest > 0:
        return 0.0
    factor = min(1.0, 0.95 / longest)
    look: Look = {"angles": "xy", "scale_units": "xy", "scale": 1 / factor, "units": "inches", "width": 0.012}
    head: Look = {"headwidth": 4.5, "headlength": 5, "color": "#828b94", "zorder": 2, "label": "drift"}
    ax.quiver(u, v, change[:, 0], change[:, 1], **look, **head)
    return factor


def _draw_path(ax: Axes, path: Float, side: Float) -> None:
    if len(path) == 0:
        return
    ax.plot(*path.T, color="white", linewidth=4.4, zorder=3)
    size = 3 if len(path) <= 30 else 0
    ax.plot(*path.T, "-o", color=BLUE, linewidth=2.2, markersize=size, label="mean", zorder=4)
    look: Look = {"markerfacecolor": "white", "markeredgecolor": BLUE, "markeredgewidth": 2, "markersize": 8}
    ax.plot(*path[0], "o", label="start", zorder=5, **look)
    _say_at(ax, path[0], "start", BLUE, side)


def _resting_point(ax: Axes, rests: tuple[_Bar | None, _Bar | None], limits: Sequence[Ends], side: Float) -> None:
    """Draw where the loop would rest with both intervals, cut at the edge where they are open."""
    a, b = rests
    if a is None or b is None or not all(low <= r.value <= high for r, (low, high) in zip((a, b), limits, strict=True)):
        return
    for bar, (low, high), across in ((a, limits[0], True), (b, limits[1], False)):
        ends = np.clip(bar.ends(), low, high)
        other = np.full(2, (b if across else a).value)
        where = (ends, other) if across else (other, ends)
        ax.plot(*where, color=a.colour, linewidth=2, linestyle=a.dash, label="equilibrium interval", zorder=5)
    face = "white" if a.hollow else a.colour
    look: Look = {"color": a.colour, "markerfacecolor": face, "markersize": 7, "zorder": 6}
    ax.plot([a.value], [b.value], "D", label="equilibrium", **look)
    _say_at(ax, np.array([a.value, b.value]), a.words.removesuffix(" at"), a.colour, side)


def _say_at(ax: Axes, point: Float, words: str, colour: str, side: Float) -> None:
    """Write beside a point, on a white ground; `side` is -1 or +1 across and up."""
    right, up = (bool(v > 0) for v in side)
    box: Look = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
    look: Look = {"color": colour, "bbox": box, "zorder": 7, "fontweight": "bold", **SMALL}
    place: Look = {"ha": "left" if right else "right", "va": "bottom" if up else "top"}
    at = (float(point[0]), float(point[1]))
    ax.annotate(words, at, (8 if right else -8, 6 if up else -6), textcoords="offset points", **look, **place)


# -------------------------------------------------------------------------------- eigenvalues


def disc(fit: LinearDriftFit, *, ax: Axes | None = None) -> Axes:
    """Draw the eigenvalues of the one-step map on the unit disc, with their bootstrap cloud and regimes.

    Parameters
    ----------
    fit : LinearDriftFit
        Its `draws` hold the cloud; a fit read back from JSON has none.
    ax : Axes, optional

    Returns
    -------
    Axes
        Real against imaginary part, no units. Inside the circle a mode dies out, outside it grows; left of zero it
        changes sides every step, off the axis it turns.
    """
    ax = _axes(ax, (6.0, 3.7))
    angle = np.linspace(0, 2 * np.pi, 241)
    ax.fill(np.cos(angle), np.sin(angle), facecolor="#f5f7f8", edgecolor=GREY, linewidth=1, label="_circle")
    cloud = _cloud_of(fit)
    reach = max([1.12, *(1.08 * r.modulus for r in fit.regimes)])
    reach = max(reach, min(1.5, 1.05 * float(np.quantile(np.abs(cloud), 0.995)))) if len(cloud) else reach
    ax.plot((-reach, reach), (0, 0), color=FAINT, linewidth=0.8, zorder=1, label="_axis")
    ax.plot((0, 0), (-reach, reach), color=FAINT, linewidth=0.8, zorder=1, label="_axis")
    _draw_cloud(ax, cloud[np.abs(cloud) <= reach])
    for k, r in enumerate(fit.regimes):
        _eigenvalue(ax, k - (r.im < 0), r)
    _frame(ax, (-reach, reach), (-reach, reach), ticks=[-1, -0.5, 0, 0.5, 1])
    ax.set_aspect("equal")
    _disc_column(ax, [r for r in fit.regimes if r.im >= 0], reach)
    if not fit.regimes:
        _say(ax, 0, 0, _wrap(fit.reasons.get("regimes", "No regime is known."), 26), ha="center", va="center")
    _x_name(ax, "real part", (-reach, reach))
    ax.set_ylabel("imaginary part")
    _title(ax, f"{_short(fit.label)}: eigenvalues of the one-step map")
    return ax


def _cloud_of(fit: LinearDriftFit) -> Complex:
    maps = fit.draws.get("M")
    if maps is None or len(maps) == 0 or not fit.regimes:
        return np.zeros(0, dtype=np.complex128)
    values = eigenvalues(maps).ravel()
    return values[~np.isnan(values)]


def _draw_cloud(ax: Axes, values: Complex) -> None:
    look: Look = {"color": SKY, "markersize": 3, "alpha": 0.25, "markeredgewidth": 0}
    ax.plot(values.real, values.imag, "o", label="bootstrap", zorder=2, rasterized=len(values) > RASTER_FROM, **look)


def _eigenvalue(ax: Axes, k: int, r: Regime) -> None:
    if r.im == 0:
        ax.plot([r.re_low, r.re_high], [0, 0], color=INK, linewidth=1.2, label="eigenvalue interval", zorder=3)
    look: Look = {"color": BLUE, "markersize": 7, "markeredgecolor": "white", "label": "eigenvalue", "zorder": 4}
    ax.plot([r.re], [r.im], MARKERS[k % len(MARKERS)], **look)


def _regime_words(r: Regime) -> str:
    size = f"{r.regime}\n{show(r.modulus, r.modulus_low, r.modulus_high)}"
    return f"{size}\nswings in {number(r.period)} steps" if r.period else size


def _disc_column(ax: Axes, regimes: Sequence[Regime], reach: float) -> None:
    """Write the regimes to the right of the disc, slowest on top, each with a line to its eigenvalue."""
    words = [_regime_words(r) for r in regimes]
    width, height = _inches(ax)
    text = _text_width(words)
    unit = max(min(height, width - text - 0.5) / (2 * reach), 1e-3)  # inches that one unit takes
    ax.set_xlim(-reach, reach + ((text + 0.4) / unit if words else 0.0))
    lines = max((w.count("\n") + 1 for w in words), default=1)
    step = min(1.45 * lines * _font_inches() / unit, 2 * reach / max(len(words), 1))
    for k, r in enumerate(regimes):
        y = step * ((len(words) - 1) / 2 - k)
        ax.plot([r.re, reach, reach + 0.1 / unit], [r.im, y, y], color=GREY, linewidth=0.7, zorder=2.5, label="_to")
        _say(ax, reach + 0.16 / unit, y, words[k], va="center")


# ------------------------------------------------------------------------------- rows of figures


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
    unit = (high - low) / 30
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


# ------------------------------------------------------------------------------- interference


def interference(fit: LinearDriftFit, *, ax: Axes | None = None) -> Axes:
    """Draw how strongly the changes of each two objectives go together, and what makes them do so.

    Parameters
    ----------
    fit : LinearDriftFit
    ax : Axes, optional

    Returns
    -------
    Axes
        Correlations, no units: per pair the total with its interval (filled where its Holm-adjusted p-value is below
        0.05), below it the causes, which add up to the total: those above zero to the right, those below to the left.
    """
    total = fit.estimates.get("interference.total")
    if total is None:
        return _note(_axes(ax, (5.2, 2)), fit.reasons.get("interference", "No interference is known."))
    pairs = [(i, j) for i in range(len(fit.names)) for j in range(i + 1, len(fit.names))]
    parts = [_parts(fit, pair) for pair in pairs]
    rows = [_total_row(fit, total, pair) for pair in pairs]
    ax = _row_axes(ax, sum(r.lines for r in rows) + 1.4)
    sides = [sum(v for v in p.values() if sign * v > 0) for p in parts for sign in (1, -1)]
    reach = max([1.0, *map(abs, sides)])
    starts = _rows(ax, rows, (-reach, reach), top=1.5)
    for y, part in zip(starts, parts, strict=False):
        _stack(ax, y + 2.4, part)
    _zero(ax, 1.5)
    _cause_key(ax, [cause for cause in CAUSES if any(abs(p.get(cause, 0)) >= 0.005 for p in parts)])
    _x_name(ax, "correlation of the changes", (-reach, reach))
    missing = "; proposals have no steady state: noise only" if fit.lineage else ""
    _title(ax, f"{_short(fit.label)}: what moves together{missing}")
    return ax


def _parts(fit: LinearDriftFit, pair: tuple[int, int]) -> dict[str, float]:
    found = {cause: fit.estimates.get(f"interference.{cause}") for cause in CAUSES}
    return {cause: float(e.value[pair]) for cause, e in found.items() if e is not None and np.isfinite(e.value[pair])}


def _total_row(fit: LinearDriftFit, total: Estimate, pair: tuple[int, int]) -> _Row:
    sure = total.p_adjusted is not None and bool(total.p_adjusted[pair] < SURE)
    names = " and ".join(_short(fit.names[k]) for k in pair)
    bar = _Bar(*_figures(total, pair), colour=INK if sure else GREY, marker="D", hollow=not sure)
    return _Row(names, (bar, _Bar(np.nan, np.nan, np.nan)), strong=sure)  # the second line is for the causes


def _stack(ax: Axes, y: float, parts: Mapping[str, float]) -> None:
    reached = {True: 0.0, False: 0.0}
    for cause, value in parts.items():
        _, colour, hatch = CAUSES[cause]
        look: Look = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0, "label": f"_{cause}"}
        ax.barh(y, value, left=reached[value > 0], height=0.62, **look)
        reached[value > 0] += value


def _cause_key(ax: Axes, causes: Sequence[str]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    look = Look(edgecolor="white", linewidth=0)
    patches = [Patch(facecolor=CAUSES[c][1], hatch=CAUSES[c][2], label=CAUSES[c][0], **look) for c in causes]
    total = Line2D([], [], color=INK, marker="D", linewidth=2, markersize=5, label="total")
    place: Look = {"loc": "upper left", "bbox_to_anchor": (0, 1), "borderpad": 0, "borderaxespad": 0.2}
    spacing: Look = {"handlelength": 1.4, "handletextpad": 0.5, "columnspacing": 1.4}
    ax.legend(handles=[total, *patches], ncols=5, frameon=False, fontsize="small", **place, **spacing)


# -------------------------------------------------------------------------------------- skill


def skill(fit: LinearDriftFit, *, ax: Axes | None = None) -> Axes:
    """Draw how much better than four baselines the fit predicts sessions it has not seen.

    Parameters
    ----------
    fit : LinearDriftFit
    ax : Axes, optional

    Returns
    -------
    Axes
        Share of the baseline's squared error saved: 1 is a perfect forecast, 0 no better than the baseline. Filled
        where the interval lies above 0; below -1 the axis ends and an arrow points on.
    """
    found = {name: fit.estimates.get(f"skill.{name}") for name in BASELINES}
    if not any(found.values()):
        return _note(_axes(ax, (5.2, 2)), fit.reasons.get("skill", "No skill is known."))
    rows = [_Row(BASELINES[name], (_skill_bar(e),)) for name, e in found.items() if e is not None]
    ax = _row_axes(ax, sum(r.lines for r in rows))
    lows = [v for row in rows for v in (row.bars[0].low, row.bars[0].value) if np.isfinite(v)]
    limits = (max(-1.0, min([-0.1, *lows]) * 1.05), 1.0)
    _rows(ax, rows, limits)
    _zero(ax)
    _x_name(ax, "share of squared error saved, held out", limits)
    _title(ax, f"{_short(fit.label)}: does the fit predict?")
    return ax


def _skill_bar(e: Estimate) -> _Bar:
    value, low, high = _figures(e, ())
    sure = low > 0
    return _Bar(value, low, high, colour=BLUE if sure else GREY, hollow=not sure)


# ------------------------------------------------------------------------------ groups together


def ends(analysis: Analysis, *, objective: Name = 0, ax: Axes | None = None) -> Axes:
    """Draw where every group ends and where it heads, in one objective, the best end on top.

    Parameters
    ----------
    analysis : Analysis
    objective : str or int
        Name or position.
    ax : Axes, optional

    Returns
    -------
    Axes
        The objective in its units. Squares are observed ends of the version kept, diamonds the fitted equilibrium;
        hollow, dashed diamonds are the place where proposals of a lineage alone would rest. An interval that is open
        or leaves the picture ends in an arrowhead.
    """
    j = _position(analysis.objectives, objective)
    sign = 1.0 if analysis.objectives[j].maximize else -1.0
    groups = sorted(analysis.groups, key=lambda g: -sign * _end_of(g, j))
    rows = [_Row(label, _end_bars(g, j)) for label, g in zip(_values([g.label for g in groups]), groups, strict=True)]
    if not any(row.bars for row in rows):
        return _note(_axes(ax, (5.2, 2)), "No group holds a version with all objectives present.")
    ax = _row_axes(ax, sum(r.lines for r in rows))
    bars = [bar for row in rows for bar in row.bars]
    squares = [v for bar in bars if bar.marker == "s" for v in bar.ends()]
    low, high = _limits(squares, may=[v for bar in bars for v in _near(bar)])
    _rows(ax, rows, (low, high))
    _bounds(ax, analysis.objectives[j], (low, high), ax.get_ylim(), across=False)
    _x_name(ax, _axis_name(analysis.objectives[j]), (low, high))
    _title(ax, "where sessions end and where they head, best on top")
    return ax


def _end_of(fit: LinearDriftFit, j: int) -> float:
    return -np.inf if fit.kept_end is None else float(fit.kept_end.value[j])


def _end_bars(fit: LinearDriftFit, j: int) -> tuple[_Bar, ...]:
    end = _bar_of(fit.kept_end, j, words="ends at", colour=INK, marker="s")
    return tuple(bar for bar in (end, _rest(fit, j)) if bar is not None)


def comparisons(
    comparisons: Sequence[Comparison],
    *,
    quantity: str = "kept_end",
    objective: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the differences between groups in one quantity, those beyond chance in colour.

    Parameters
    ----------
    comparisons : sequence of Comparison
    quantity : str
        `kept_end`, `equilibrium`, `rate_exact` or `coupling`.
    objective : str, optional
        Only this one (`i<-j` for a coupling); to be given where objectives differ in their units.
    ax : Axes, optional

    Returns
    -------
    Axes
        Differences a - b in the units of the data (rates and couplings per step). Filled and blue where the p-value,
        after Holm within the quantity, is below 0.05.
    """
    if quantity not in QUANTITIES:
        raise SettingsError(f"`quantity` must be one of {', '.join(QUANTITIES)}. Got {quantity!r}.")
    every = [c for c in comparisons if c.quantity == quantity]
    known = list(dict.fromkeys(c.objective for c in every))
    if objective is not None and objective not in known:
        raise SettingsError(f"no comparison on {objective!r}. Objectives: {_listed([k for k in known if k])}.")
    found = [c for name in known for c in every if c.objective == name and objective in (None, name)]
    if not found:
        return _note(_axes(ax, (5.2, 2)), "No two groups can be compared in this quantity.")
    several = len({c.objective for c in found}) > 1
    labels = [c.a for c in found] + [c.b for c in found]
    shown = dict(zip(labels, _values(labels), strict=True))
    rows = [_difference_row(c, shown, several) for c in found]
    ax = _row_axes(ax, sum(r.lines for r in rows))
    limits = _limits([v for c in found for v in (c.low, c.high, c.difference)], must=[0.0])
    _rows(ax, rows, limits)
    _zero(ax)
    one = "" if several or found[0].objective is None else f" on {_short(found[0].objective)}"
    _x_name(ax, AXIS_OF[quantity] + one, limits)
    _title(ax, f"filled: p < {SURE:g} after Holm's correction")
    return ax


def _difference_row(c: Comparison, shown: Mapping[str, str], several: bool) -> _Row:
    sure = c.p_adjusted < SURE
    on = f"{_short(c.objective)}: " if several and c.objective else ""
    bar = _Bar(c.difference, c.low, c.high, colour=BLUE if sure else GREY, hollow=not sure)
    return _Row(f"{on}{shown[c.a]} − {shown[c.b]}", (bar,))


# ------------------------------------------------------------------------------------- pareto


def pareto(analysis: Analysis, *, objectives: tuple[Name, Name] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the ends of every group in two objectives, with the line that half of its ends reach.

    Parameters
    ----------
    analysis : Analysis
        Its `pareto` holds the ends; an analysis read back from JSON has none.
    objectives : pair of str or int, optional
        Names or positions, horizontal first; default the first two.
    ax : Axes, optional

    Returns
    -------
    Axes
        Both axes in the units of their objective. At least half of a group's ends are as good in both objectives as
        any point of its line. Beside the label stands the share of the group's ends that no end of any group
        dominates, in all objectives and on equal numbers. Larger marks are several ends at one place.
    """
    groups = [g for g in analysis.pareto if len(g.ends)]
    if objectives is not None:
        _pair(analysis.objectives, objectives)
    if not groups:
        return _note(_axes(ax, (5.2, 2)), "This picture needs two groups with ends and at least two objectives.")
    i, j = _pair(analysis.objectives, objectives)
    ax = _axes(ax, (6.8, 4.2))
    shown = (analysis.objectives[i], analysis.objectives[j])
    points = np.concatenate([g.ends for g in groups])[:, [i, j]]
    limits = (_limits(points[:, 0]), _limits(points[:, 1]))
    _bounds(ax, shown[0], limits[0], limits[1], across=False)
    _bounds(ax, shown[1], limits[1], limits[0])
    curves = [_draw_group(ax, k, g.ends[:, [i, j]], shown, limits) for k, g in enumerate(groups)]
    _frame(ax, *limits)
    _better(ax, shown, limits)
    _group_column(ax, groups, curves, limits)
    _x_name(ax, _axis_name(shown[0]), limits[0])
    ax.set_ylabel(_axis_name(shown[1]), **PLAIN)
    _title(ax, "lines: what half of the ends reach; figures: share of ends nothing dominates")
    return ax


def _draw_group(ax: Axes, k: int, points: Float, shown: Sequence[Objective], limits: Sequence[Ends]) -> Float:
    """Draw a group's ends and its line; return the line."""
    signs = np.array([1.0 if o.maximize else -1.0 for o in shown])
    worst = np.array([low if o.maximize else high for o, (low, high) in zip(shown, limits, strict=True)])
    colour, marker, dash = _look(k)
    _dots(ax, points, size=9, marker=marker, color=colour, alpha=0.4, label="_ends", zorder=2)
    curve = np.asarray(half_curve(points * signs, worst * signs) * signs)
    ax.plot(*curve.T, color=colour, linestyle=dash, linewidth=2, label="_half", zorder=4)
    return curve


def half_curve(points: Float, worst: ArrayLike) -> Float:
    """Return the corners of the line that half of some points reach, larger being better, shape (k, 2).

    Parameters
    ----------
    points : array, shape (m, 2)
    worst : array, shape (2,)
        Where the line starts and ends.

    Examples
    --------
    >>> half_curve(np.array([[1.0, 2.0], [2.0, 1.0], [0.0, 0.0]]), [0.0, 0.0]).tolist()
    [[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]
    """
    share = np.linspace(0, 1, STEPS_OF_CURVE)
    grid = np.quantile(points, share, axis=0, method="nearest").T
    reached = attainment(points, grid) >= 0.5
    columns = np.flatnonzero(reached.any(axis=1))
    last = reached.shape[1] - 1 - np.argmax(reached[columns][:, ::-1], axis=1)
    x, y = grid[0][columns], grid[1][last]
    x0, y0 = np.asarray(worst, dtype=np.float64).tolist()
    corners = np.column_stack([np.r_[x0, np.repeat(x, 2)], np.r_[np.repeat(y, 2), y0]])
    moved = np.r_[True, np.any(np.diff(corners, axis=0) != 0, axis=1)]
    return np.asarray(corners[moved])


def _dots(ax: Axes, points: Float, *, size: float, **look: Any) -> None:
    """Draw points, at most 600 places, larger where several share one."""
    places, count = np.unique(points, axis=0, return_counts=True)
    some = _some(len(places), MAX_POINTS)
    sizes = size * np.minimum(np.sqrt(count[some]), 8)
    ax.scatter(places[some, 0], places[some, 1], s=sizes, linewidths=0, **look)


def _look(k: int) -> tuple[str, str, str]:
    return COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)], DASHES[k % len(DASHES)]


def _better(ax: Axes, shown: Sequence[Objective], limits: Sequence[Ends]) -> None:
    """Mark the corner that is better on both."""
    right, up = (o.maximize for o in shown)
    (x0, x1), (y0, y1) = limits
    corner = (x1 if right else x0, y1 if up else y0)
    place: Look = {"ha": "right" if right else "left", "va": "top" if up else "bottom", "fontstyle": "italic"}
    arrow = {(True, True): "↗", (True, False): "↘", (False, True): "↖", (False, False): "↙"}[right, up]
    _say(ax, *corner, f"better {arrow}" if right else f" {arrow} better", bbox=WHITE, **place)


def _group_column(ax: Axes, groups: Sequence[ParetoGroup], curves: Sequence[Float], limits: Sequence[Ends]) -> None:
    """Write labels at the right, ordered as the lines are, each beside a sample of its look."""
    (x0, x1), (y0, y1) = limits
    between = "\n" if len(groups) <= 6 else " "
    labels = _values([g.label for g in groups])
    words = [f"{label}{between}{show(*g.share_final)}" for label, g in zip(labels, groups, strict=True)]
    unit = (x1 - x0) / 20
    room = _room(ax, words, x1 - x0 + 2.6 * unit)
    ax.set_xlim(x0, x1 + 2.6 * unit + room)
    height = [float(np.clip((c[:, 1].mean() - y0) / (y1 - y0), 0, 1)) for c in curves]
    places = y0 + (y1 - y0) * _spread(height, _line_height(ax, words))
    for k, (y, text) in enumerate(zip(places.tolist(), words, strict=True)):
        colour, marker, dash = _look(k)
        span = [x1 + 0.6 * unit, x1 + 1.4 * unit, x1 + 2.2 * unit]
        look: Look = {"color": colour, "linestyle": dash, "linewidth": 2, "markersize": 6, "markevery": [1]}
        ax.plot(span, [y] * 3, marker=marker, label="_sample", **look)
        _say(ax, x1 + 2.6 * unit, y, text, va="center")


# ------------------------------------------------------------------------- what is drawn, from results


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


def _span(step: Int) -> Ends:
    first, last = (float(step.min()), float(step.max())) if len(step) else (0.0, 1.0)
    return first, max(last, first + 1)


# ------------------------------------------------------------------------------ axes and words


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise SettingsError("pictures need matplotlib: pip install 'loopstat[plots]'") from error
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def _frame(ax: Axes, x: Ends, y: Ends | None, *, ticks: Sequence[float] | None = None) -> None:
    """Leave only the two axes that carry figures, as long as what they measure."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("#aab1b8")
    ax.spines["bottom"].set_bounds(*x)
    ax.set_xticks(_ticks(*x) if ticks is None else ticks)
    ax.set_xlim(*x)
    if y is None:
        ax.spines["left"].set_visible(False)
    else:
        ax.spines["left"].set_bounds(*y)
        ax.set_yticks(_ticks(*y) if ticks is None else ticks)
        ax.set_ylim(*y)
    ax.tick_params(colors=GREY, length=3, labelsize="small", color="#aab1b8")


def _ticks(low: float, high: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
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
