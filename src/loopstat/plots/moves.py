"""Pictures of simulated loops of moves: probabilities over the moves, one figure over the moves, arrivals, frontiers.

Each takes a result or its JSON form, and draws what that form holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..arrays import Float
from ..errors import SettingsError
from ..faces.moves_text import setting, share_words
from ..faces.sheets import Json, listed, part, triple
from ..faces.svg_moves import short
from ..faces.svg_plans import quality_range
from .canvas import BLUE, GREEN, GREY, INK, ORANGE, PINK, PLAIN, VERMILION, Look, _axes, _frame, _note, _say, _title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURES = {
    "mu": "defects left",
    "delta": "edit radius",
    "acceptance": "share of moves accepted",
    "p_pass": "P_pass",
    "p_good": "P_good",
    "p_false": "risk of a false pass",
}
POLICIES = {"vibe": (ORANGE, "s"), "planner": (PINK, "^"), "trust-region": (BLUE, "o")}


class Written(Protocol):
    """A result that has a JSON form."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""


Given = Written | Json


def _read(given: Given) -> Json:
    return given if isinstance(given, Mapping) else given.to_dict()


def _numbers(values: Sequence[Any]) -> Float:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def convergence(run: Given, *, ax: Axes | None = None) -> Axes:
    """Draw P_pass, P_good and the risk of a false pass over the moves.

    Parameters
    ----------
    run : MovesRun or its JSON form
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes
        Lines are means of the runs, bands hold nine runs in ten, dashed lines are the mean path; the target is marked,
        and where half of the runs stop.
    """
    data, ax = _read(run), _axes(ax, (6.8, 4.0))
    t = _numbers(listed(part(data, "path"), "t"))
    if len(t) < 2:
        return _note(ax, "No move was simulated.")
    for key, words, colour in (("p_pass", "P_pass", BLUE), ("p_good", "P_good", GREEN), ("p_false", "risk", VERMILION)):
        _fan(ax, data, key, colour)
        _end(ax, t, _numbers(listed(part(data, "path"), key)), words, colour)
    for key, colour in (("p_pass", BLUE), ("p_good", GREEN)):
        mean = _numbers(listed(part(data, "mean_path"), key))
        ax.plot(np.arange(len(mean)), mean, "--", color=colour, linewidth=1, label="_mean path")
    _limits_of(ax, t, (0.0, 1.0))
    target, stop = part(data, "settings").get("target_reliability"), part(data, "moves_to_target").get("median")
    if target is not None:
        ax.axhline(target, color=GREY, linewidth=0.9, linestyle=":", label="_target")
        _say(ax, 0, target, f" target {setting(target)}", va="bottom", fontsize="x-small")
    if stop is not None:
        ax.axvline(stop, color=GREY, linewidth=0.9, linestyle=":", label="_stop")
        _say(ax, stop, 0.5, f" half stop by {setting(stop)}", fontsize="x-small")
    _title(ax, "If runs never stopped")
    return ax


def over_moves(run: Given, figure: str = "mu", *, ax: Axes | None = None) -> Axes:
    """Draw one figure over the moves: its mean over runs, the band of nine in ten, and the mean path.

    Parameters
    ----------
    run : MovesRun or its JSON form
    figure : str
        `mu`, `delta`, `acceptance`, `p_pass`, `p_good` or `p_false`.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    SettingsError
        No such figure.
    """
    if figure not in FIGURES:
        raise SettingsError(f"`figure` must be one of {', '.join(FIGURES)}. Got {figure!r}.")
    data, ax = _read(run), _axes(ax, (5.6, 3.2))
    t = _numbers(listed(part(data, "path"), "t"))
    if len(t) < 2:
        return _note(ax, "No move was simulated.")
    _fan(ax, data, figure, BLUE)
    mean = _numbers(listed(part(data, "mean_path"), figure))
    if len(mean):
        ax.plot(np.arange(len(mean)), mean, "--", color=BLUE, linewidth=1, label="_mean path")
    high = _numbers([*listed(part(data, "path"), f"{figure}_high"), *mean.tolist()])
    _limits_of(ax, t, (0.0, 1.0 if figure[0] in "pa" else 1.05 * float(np.nanmax(high))))
    ax.set_ylabel(FIGURES[figure], **PLAIN)
    return ax


def arrivals(run: Given, *, ax: Axes | None = None) -> Axes:
    """Draw the share of runs that have arrived after so many moves: tests would pass, and nothing is wrong.

    Parameters
    ----------
    run : MovesRun or its JSON form
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    data, ax = _read(run), _axes(ax, (5.6, 3.2))
    found, longest = part(data, "arrived"), 0
    for key, words, colour in (("target", "tests would pass", BLUE), ("good", "nothing is wrong", GREEN)):
        share = _numbers(listed(found, key))
        longest = max(longest, len(share))
        if len(share):
            ax.plot(np.arange(len(share)), share, color=colour, linewidth=2, drawstyle="steps-post", label=words)
            last = float(share[-1])
            _say(ax, len(share) - 1, last, f" {words} {share_words(last)}", va="center", color=colour)
    if longest < 2:
        return _note(ax, "No move was simulated.")
    _limits_of(ax, np.arange(longest, dtype=np.float64), (0.0, 1.0), room=0.55)
    ax.set_ylabel("share of runs", **PLAIN)
    return ax


def frontier(found: Given, *, ax: Axes | None = None) -> Axes:
    """Draw quality at the end against cost, every team a mark, those that no other beats joined.

    Parameters
    ----------
    found : Frontier or its JSON form
    ax : Axes, optional

    Returns
    -------
    Axes
        Shape and colour say the policy; intervals stand on the teams of the front.
    """
    data, ax = _read(found), _axes(ax, (6.8, 4.2))
    points = [p for p in listed(data, "points") if (p.get("cost") or 0) > 0 and p.get("good") is not None]
    if not points:
        return _note(ax, "No team was simulated.")
    limits = quality_range(points)
    for p in points:
        if p["good"] < limits[0]:
            continue
        colour, marker = POLICIES.get(str(p.get("policy")), (GREY, "D"))
        front = bool(p.get("front_cost"))
        look: Look = {"color": colour, "markersize": 6 if front else 3, "alpha": 1.0 if front else 0.4}
        ax.plot([p["cost"]], [p["good"]], marker, label=f"_{p.get('policy')}", zorder=3 if front else 2, **look)
    best = sorted((p for p in points if p.get("front_cost")), key=lambda p: p["cost"])
    for p in best:
        _, low, high = triple(p, "good")
        if low is not None and high is not None:
            ax.plot([p["cost"]] * 2, [low, high], color=INK, linewidth=1, label="_interval")
    ax.plot([p["cost"] for p in best], [p["good"] for p in best], color=GREY, linewidth=1, zorder=1, label="_front")
    for p in best[:1] + best[1:][-1:]:
        _say(ax, p["cost"], p["good"], f" K {p.get('candidates')}, N {p.get('reviewers')}", va="bottom")
    _log_costs(ax, [p["cost"] for p in points if p["good"] >= limits[0]])
    ax.set_xlabel("cost until the stop, mean", **PLAIN)
    ax.set_ylabel("P_good at the end", **PLAIN)
    ax.set_ylim(*limits)
    ax.spines[["top", "right"]].set_visible(False)
    below = sum(p["good"] < limits[0] for p in points)
    shown = {p.get("policy"): None for p in points if p["good"] >= limits[0]}
    words = [f"{_NAMES[str(name)]} {name}" for name in shown if name in _NAMES]
    words += [f"{below:,} teams lie below"] if below else []
    _say(ax, 0.99, 0.02, "\n".join(words), transform=ax.transAxes, ha="right", va="bottom", fontsize="x-small")
    _title(ax, f"{len(best)} of {len(points):,} teams that no other beats")
    return ax


def _log_costs(ax: Axes, costs: Sequence[float]) -> None:
    """Scale an axis of costs, with ticks at 1, 2 and 5 of every power of ten."""
    low, high = min(costs), max(costs)
    span = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**e for e in span for m in (1, 2, 5) if low <= m * 10.0**e <= high]
    ax.set_xscale("log")
    ax.set_xticks(ticks, [short(v) for v in ticks])
    ax.set_xticks([], minor=True)
    ax.tick_params(colors=GREY, length=3, labelsize="small", color="#aab1b8")


_NAMES = {"vibe": "squares", "planner": "triangles", "trust-region": "circles"}


def _fan(ax: Axes, data: Json, key: str, colour: str) -> None:
    path = part(data, "path")
    t, mean, low, high = (_numbers(listed(path, k)) for k in ("t", key, f"{key}_low", f"{key}_high"))
    if len(low) == len(t) == len(high):
        ax.fill_between(t, low, high, color=colour, alpha=0.18, linewidth=0, label="_band")
    if len(mean) == len(t):
        ax.plot(t, mean, color=colour, linewidth=2, label=FIGURES[key])


def _end(ax: Axes, t: Float, values: Float, words: str, colour: str) -> None:
    if len(values) and np.isfinite(values[-1]):
        _say(ax, t[-1], values[-1], f" {words}", va="center", color=colour)


def _limits_of(ax: Axes, t: Float, limits: tuple[float, float], *, room: float = 0.14) -> None:
    _frame(ax, (float(t[0]), float(t[-1])), limits)
    ax.set_xlim(float(t[0]), float(t[-1]) + room * float(t[-1] - t[0]))
    ax.set_xlabel("moves", **PLAIN)
