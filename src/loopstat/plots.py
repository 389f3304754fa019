"""Pictures of results for notebooks and papers: an `ax` goes in, the same `ax` comes out.

    from loopstat import plots

    ax = plots.fan(panel, fit, objective="quality")
    ax.figure.savefig("fan.svg")

They need matplotlib, the extra `[plots]`. They are the charts of the page, and nothing is computed here that the result
does not hold. Names from the data are drawn as plain text, never as mathematics. Where there is nothing to draw, the
axes say why.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .balance.view import charts as of_balance
from .balance.view.seen import Seen as SeenBalance
from .drift.compare import QUANTITIES
from .drift.view import charts as of_drift
from .drift.view.seen import Seen
from .errors import SettingsError
from .faces import matplotlib as faces
from .moves.view import charts as of_moves
from .results.chart import Axis, Chart, Label
from .results.words import clean, clean_sentence, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .balance.fit import BalanceFit
    from .drift.analysis import DriftAnalysis
    from .drift.compare import Comparison
    from .drift.fit import LinearDriftFit
    from .moves.fit import MovesRun
    from .moves.sweep.frontier import Frontier
    from .panel.panel import Objective, Panel

__all__ = [
    "arrivals",
    "comparisons",
    "convergence",
    "disc",
    "ends",
    "estimators",
    "fan",
    "frontier",
    "interference",
    "log_ratios",
    "over_moves",
    "pareto",
    "phase",
    "potentials",
    "relaxation",
    "skill",
    "state_graph",
]

Name = str | int
EMPTY = Axis(hidden=True, limits=(0.0, 1.0))


# ------------------------------------------------------------------------------- drift


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
        Sessions drawn at most, evenly through the panel; the title says so.

    Returns
    -------
    Axes
        `step` against the objective in its units. Of a lineage, sessions and mean follow the version kept.

    Raises
    ------
    SettingsError
        No such objective, other sessions than the fit's, `max_sessions` below 0, or matplotlib is not installed.
    """
    j = _position(fit.objectives, objective)
    if max_sessions < 0:
        raise SettingsError(f"`max_sessions` must be at least 0. Got {max_sessions!r}.")
    seen, n = _seen(panel, fit, max_sessions), fit.counts["n_sessions"]
    if len(fit.path.step) == 0:
        return _drawn(None, "No step has a score.", ax)
    title = f"{clean_sentence(fit.label)}: {plural(n, 'session')}"
    title += f", {max_sessions:,} drawn" if n > max_sessions else ""
    return _drawn(replace(of_drift.fan(seen, j), title=title), "", ax)


def phase(
    panel: Panel, fit: LinearDriftFit, *, objectives: tuple[Name, Name] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the plane of two objectives: the drift as arrows, the mean path from its start, and where it would rest.

    Parameters
    ----------
    panel : Panel
        As for `fan`.
    fit : LinearDriftFit
    objectives : pair of str or int, optional
        Names or positions, horizontal first; default the pair whose changes go together most.
    ax : Axes, optional

    Returns
    -------
    Axes
        Both axes in the units of their objective; other objectives are held at the mean of the path.

    Raises
    ------
    SettingsError
        No such objectives, or other sessions than the fit's.
    """
    pair = None if objectives is None else _pair(fit.objectives, objectives)
    chart = of_drift.phase(_seen(panel, fit, 300), pair)
    return _drawn(chart, fit.reasons.get("drift", "This picture needs a fit of two objectives."), ax)


def disc(fit: LinearDriftFit, *, ax: Axes | None = None) -> Axes:
    """Draw the eigenvalues of the one-step map on the unit disc, with their bootstrap cloud, which JSON does not hold.

    Inside the circle a mode dies out, outside it grows; left of zero it changes sides every step, off the axis it
    swings.
    """
    return _drawn(of_drift.disc(Seen(fit)), fit.reasons.get("regimes", "No regime is known."), ax)


def interference(fit: LinearDriftFit, *, ax: Axes | None = None) -> Axes:
    """Draw how strongly the changes of each two objectives go together, and the causes that add up to it."""
    return _drawn(of_drift.interference(Seen(fit)), fit.reasons.get("interference", "No interference is known."), ax)


def skill(fit: LinearDriftFit, *, ax: Axes | None = None) -> Axes:
    """Draw how much better than its baselines the fit predicts sessions it has not seen, as shares of squared error."""
    return _drawn(of_drift.skill(Seen(fit)), fit.reasons.get("skill", "No forecast was made."), ax)


def estimators(fit: LinearDriftFit, *, ax: Axes | None = None) -> Axes:
    """Draw what each estimator that could be had says of the slowest mode; the chosen one in colour."""
    return _drawn(of_drift.estimators(Seen(fit)), "Only one estimator has a figure for this group.", ax)


def ends(analysis: DriftAnalysis, *, objective: Name = 0, ax: Axes | None = None) -> Axes:
    """Draw where the sessions of every group end in one objective, given by name or position.

    Raises
    ------
    SettingsError
        No such objective.
    """
    j = _position(analysis.objectives, objective)
    return _drawn(of_drift.ends(analysis, j) if analysis.groups else None, "There is no group.", ax)


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

    Raises
    ------
    SettingsError
        No such quantity or objective.
    """
    if quantity not in QUANTITIES:
        raise SettingsError(f"`quantity` must be one of {', '.join(QUANTITIES)}. Got {quantity!r}.")
    known = dict.fromkeys(c.objective for c in comparisons if c.quantity == quantity and c.objective)
    if objective is not None and objective not in known:
        raise SettingsError(f"no comparison on {objective!r}. Objectives: {_listed(list(known))}.")
    chart = of_drift.comparisons(comparisons, quantity, objective)
    return _drawn(chart, "No two groups can be compared in this quantity.", ax)


def pareto(analysis: DriftAnalysis, *, objectives: tuple[Name, Name] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the ends of every group in two objectives, with the line that half of its ends reach.

    Parameters
    ----------
    analysis : DriftAnalysis
        Its `pareto` holds the ends; an analysis read back from JSON has none.
    objectives : pair of str or int, optional
        Names or positions, horizontal first; default the first two.
    ax : Axes, optional

    Returns
    -------
    Axes
        Both axes in the units of their objective. Half of a group's ends are as good in both objectives as any point
        of its line; the numbered mark is their median.

    Raises
    ------
    SettingsError
        No such objectives.
    """
    pair = (0, 1) if objectives is None else _pair(analysis.objectives, objectives)
    why = "This picture needs two groups with ends and at least two objectives."
    return _drawn(of_drift.pareto(analysis, pair), why, ax)


# ----------------------------------------------------------------------------- balance


def state_graph(fit: BalanceFit, *, ax: Axes | None = None, max_states: int = 24) -> Axes:
    """Draw states by their potential, low at the bottom, with what they exchange and the net currents.

    Parameters
    ----------
    fit : BalanceFit
    ax : Axes, optional
    max_states : int
        States drawn at most: those with most visits; the title says so.

    Returns
    -------
    Axes
        Height is the potential with its interval; larger marks hold more of the time. Thin lines join pairs seen both
        ways, dashed ones pairs seen one way; arrows are net currents, dotted where they may be none.

    Raises
    ------
    SettingsError
        `max_states` is below 1, or matplotlib is not installed.
    """
    if max_states < 1:
        raise SettingsError(f"`max_states` must be at least 1. Got {max_states!r}.")
    return _drawn(of_balance.state_graph(SeenBalance(fit), max_states=max_states), "No state was seen.", ax)


def log_ratios(fit: BalanceFit, *, ax: Axes | None = None) -> Axes:
    """Draw how much likelier the way down is than the way back, against the difference of the potentials.

    In detailed balance all pairs lie on the dashed line; a diamond's interval leaves it out.
    """
    why = "No pair of states with known potentials was seen both ways."
    return _drawn(of_balance.log_ratios(SeenBalance(fit)), why, ax)


def potentials(fit: BalanceFit, *, ax: Axes | None = None) -> Axes:
    """Draw the potentials: one by one with their intervals, or how many states have which, where there are many."""
    return _drawn(of_balance.potentials(SeenBalance(fit)), "No potential is known.", ax)


def relaxation(fit: BalanceFit, *, ax: Axes | None = None) -> Axes:
    """Draw how many steps the slowest modes, at most six, take to be forgotten."""
    return _drawn(of_balance.relaxation(SeenBalance(fit)), "No relaxation time is known.", ax)


# ------------------------------------------------------------------------------- moves


def convergence(run: MovesRun, *, ax: Axes | None = None) -> Axes:
    """Draw P_pass and P_good over the moves, with the target and where runs stop.

    Lines are means of the runs, bands hold nine runs in ten, dashed lines are the mean path.
    """
    return _drawn(of_moves.convergence(run, each=False), "", ax)


def over_moves(run: MovesRun, figure: str = "mu", *, ax: Axes | None = None) -> Axes:
    """Draw one figure over the moves: its mean over runs, the band of nine in ten, and the mean path.

    Parameters
    ----------
    run : MovesRun
    figure : str
        `mu`, `delta`, `acceptance`, `p_pass`, `p_good` or `p_false`.
    ax : Axes, optional

    Raises
    ------
    SettingsError
        No such figure.
    """
    if figure not in of_moves.FIGURES:
        raise SettingsError(f"`figure` must be one of {', '.join(of_moves.FIGURES)}. Got {figure!r}.")
    return _drawn(of_moves.over_moves(run, figure), "", ax)


def arrivals(run: MovesRun, *, ax: Axes | None = None) -> Axes:
    """Draw the share of runs that have arrived after so many moves: tests would pass, and nothing is wrong."""
    return _drawn(of_moves.arrivals(run), "", ax)


def frontier(found: Frontier, *, ax: Axes | None = None) -> Axes:
    """Draw quality at the end against cost, every team a mark by its policy, those that no other beats joined."""
    return _drawn(of_moves.frontier(found), "No team of this frontier costs anything.", ax)


# ------------------------------------------------------------------------ shared by all


def _drawn(chart: Chart | None, why: str, ax: Axes | None) -> Axes:
    """Draw a chart, or why there is none."""
    said = textwrap.fill(clean_sentence(why), 56)
    return faces.draw(chart or Chart("nothing", "", (Label(0.5, 0.5, said),), EMPTY, EMPTY), ax)


def _seen(panel: Panel, fit: LinearDriftFit, most: int) -> Seen:
    """Return the fit with the sessions it was made from; refuses a panel that does not hold exactly them."""
    if panel.names != fit.names:
        raise SettingsError(f"the panel's objectives are {_listed(panel.names)}; the fit's are {_listed(fit.names)}.")
    part = panel
    for column, value in fit.by.items():
        part = part._where_one(column, value, True) if column in part.labels else part
    if part.n_sessions != fit.counts["n_sessions"]:
        want = fit.counts["n_sessions"]
        raise SettingsError(f"the fit was made from {want} sessions. Got a panel of {part.n_sessions}.")
    path = part.kept()
    take = np.linspace(0, path.n_sessions - 1, min(most, path.n_sessions)).astype(int)
    return Seen(fit, drawn=path.take(np.isin(path.session, take)))


def _position(objectives: Sequence[Objective], wanted: Name) -> int:
    names = [o.name for o in objectives]
    if isinstance(wanted, str) and wanted in names:
        return names.index(wanted)
    if not isinstance(wanted, str | bool) and wanted in range(len(names)):
        return int(wanted)
    raise SettingsError(f"no objective {wanted!r}. Objectives: {_listed(names)}.")


def _pair(objectives: Sequence[Objective], wanted: tuple[Name, Name]) -> tuple[int, int]:
    if len(wanted) != 2:
        raise SettingsError(f"`objectives` must be two names or positions. Got {wanted!r}.")
    i, j = (_position(objectives, name) for name in wanted)
    if i == j:
        raise SettingsError(f"`objectives` must be two different ones. Got {wanted!r}.")
    return i, j


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(clean, names)) or "none"
