"""Pictures of one fit: eigenvalues, interference and its causes, skill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..drift.choice import Rival
from ..drift.compare import SURE
from ..drift.fit import LinearDriftFit
from ..drift.readings.interference import CAUSES
from ..drift.readings.regimes import Complex, Regime, eigenvalues
from ..inference.estimate import Estimate, number, show
from .canvas import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    MARKERS,
    ORANGE,
    RASTER_FROM,
    SKY,
    Look,
    _axes,
    _Bar,
    _figures,
    _font_inches,
    _frame,
    _inches,
    _note,
    _Row,
    _row_axes,
    _rows,
    _say,
    _short,
    _text_width,
    _title,
    _wrap,
    _x_name,
    _zero,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {
    "noise": (SKY, ""),
    "drift": (ORANGE, "////"),
    "transient": (GREEN, "\\\\\\\\"),
    "rest": ("#b9bfc5", "xxxx"),
    "innovations": (SKY, ""),
    "scorer": ("#cc79a7", "...."),
    "feedback": (ORANGE, "////"),
    "mean_path": (GREEN, "\\\\\\\\"),
    "first_steps": ("#8a7fb8", "++++"),
    "misfit": ("#b9bfc5", "xxxx"),
}
"""Colour and hatch of each cause."""
BASELINES = {
    "mean": "against guessing the mean",
    "persistence": "against standing still",
    "constant_drift": "against the same change every step",
    "running_mean": "against each session's own mean so far",
}


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
    _frame(ax, (-reach, reach), (-reach, reach), ticks=[-1, 0, 1])
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
    parts = [fit.parts_of(*pair) for pair in pairs]
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


def _total_row(fit: LinearDriftFit, total: Estimate, pair: tuple[int, int]) -> _Row:
    sure = total.p_adjusted is not None and bool(total.p_adjusted[pair] < SURE)
    names = " and ".join(_short(fit.names[k]) for k in pair)
    bar = _Bar(*_figures(total, pair), colour=INK if sure else GREY, marker="D", hollow=not sure)
    return _Row(names, (bar, _Bar(np.nan, np.nan, np.nan)), strong=sure)  # the second line is for the causes


def _stack(ax: Axes, y: float, parts: Mapping[str, float]) -> None:
    reached = {True: 0.0, False: 0.0}
    for cause, value in parts.items():
        colour, hatch = LOOKS[cause]
        look: Look = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0, "label": f"_{cause}"}
        ax.barh(y, value, left=reached[value > 0], height=0.62, **look)
        reached[value > 0] += value


def _cause_key(ax: Axes, causes: Sequence[str]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    look = Look(edgecolor="white", linewidth=0)
    patches = [Patch(facecolor=LOOKS[c][0], hatch=LOOKS[c][1], label=CAUSES[c], **look) for c in causes]
    total = Line2D([], [], color=INK, marker="D", linewidth=2, markersize=5, label="total")
    place: Look = {"loc": "upper left", "bbox_to_anchor": (0, 1), "borderpad": 0, "borderaxespad": 0.2}
    spacing: Look = {"handlelength": 1.4, "handletextpad": 0.5, "columnspacing": 1.4}
    ax.legend(
        handles=[total, *patches],
        ncols=5 if len(patches) < 5 else 4,
        frameon=False,
        fontsize="small",
        **place,
        **spacing,
    )


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


def estimators(fit: LinearDriftFit, *, ax: Axes | None = None) -> Axes:
    """Draw what the estimators that can be had say of the slowest mode.

    Parameters
    ----------
    fit : LinearDriftFit
    ax : Axes, optional

    Returns
    -------
    Axes
        Share of a distance left after one step, with its interval: at 1 and above the loop never settles. The chosen
        estimator is filled.
    """
    rivals = [r for r in fit.estimator.rivals if np.isfinite(r.modulus)]
    if not rivals:
        return _note(_axes(ax, (5.2, 2)), "Only one estimator was asked for.")
    rows = [_Row(r.name, (_rival_bar(r, r.name == fit.estimator.name),)) for r in rivals]
    ax = _row_axes(ax, sum(r.lines for r in rows))
    low = min(min(r.low, r.modulus) for r in rivals if np.isfinite(r.low))
    limits = (max(0.0, low - 0.05), 1.2)
    _rows(ax, rows, limits)
    ax.axvline(1.0, color=GREY, linewidth=0.8)
    _x_name(ax, "slowest mode", limits)
    _title(ax, f"{_short(fit.label)}: slowest mode by estimator")
    return ax


def _rival_bar(r: Rival, chosen: bool) -> _Bar:
    return _Bar(r.modulus, r.low, r.high, colour=BLUE if chosen else GREY, hollow=not chosen)


def _skill_bar(e: Estimate) -> _Bar:
    value, low, high = _figures(e, ())
    sure = low > 0
    return _Bar(value, low, high, colour=BLUE if sure else GREY, hollow=not sure)
