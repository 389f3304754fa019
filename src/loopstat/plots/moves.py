"""Pictures of simulated loops of moves: the charts of `moves.view`, drawn by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..faces.matplotlib import draw
from ..moves.view import charts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..moves.fit import MovesRun
    from ..moves.sweep.frontier import Frontier


def convergence(run: MovesRun, *, ax: Axes | None = None) -> Axes:
    """Draw P_pass, P_good and the risk of a false pass over the moves, with the target and where runs stop.

    Parameters
    ----------
    run : MovesRun
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes
        Lines are means of the runs, bands hold nine runs in ten, dashed lines are the mean path.
    """
    return draw(charts.convergence(run), ax)


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
    if figure not in charts.FIGURES:
        raise SettingsError(f"`figure` must be one of {', '.join(charts.FIGURES)}. Got {figure!r}.")
    return draw(charts.over_moves(run, figure), ax)


def arrivals(run: MovesRun, *, ax: Axes | None = None) -> Axes:
    """Draw the share of runs that have arrived after so many moves: tests would pass, and nothing is wrong."""
    return draw(charts.arrivals(run), ax)


def frontier(found: Frontier, *, ax: Axes | None = None) -> Axes:
    """Draw quality at the end against cost, every team a mark, those that no other beats joined.

    Shape and colour say the policy; intervals stand on the teams of the front.

    Raises
    ------
    SettingsError
        No team costs anything.
    """
    chart = charts.frontier(found)
    if chart is None:
        raise SettingsError("no team of this frontier costs anything: there is no speed to draw against quality.")
    return draw(chart, ax)
