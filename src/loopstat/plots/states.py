"""Pictures of a balance fit: states by potential with their currents, log-ratios, potentials, relaxation times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..balance.view import charts
from ..balance.view.seen import Seen
from ..errors import SettingsError
from ..faces.matplotlib import draw
from ..results.chart import Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..balance.fit import BalanceFit


def state_graph(fit: BalanceFit, *, ax: Axes | None = None, max_states: int = 24) -> Axes:
    """Draw states by their potential, low at the bottom, with what they exchange and the net currents.

    Parameters
    ----------
    fit : BalanceFit
    ax : Axes, optional
        Where to draw; default a new figure.
    max_states : int
        States drawn at most: those with most visits; the title says so.

    Returns
    -------
    Axes
        Height is the potential with its interval; larger marks hold more of the time. Thin lines join pairs seen both
        ways, dashed ones pairs seen one way; arrows are net currents, dotted where they may be none. States that are
        only left stand above, states that are only entered below.

    Raises
    ------
    SettingsError
        There is nothing to draw, `max_states` is below 1, or matplotlib is not installed.
    """
    if max_states < 1:
        raise SettingsError(f"`max_states` must be at least 1. Got {max_states!r}.")
    return _drawn(charts.state_graph(Seen(fit), max_states=max_states), "no state was seen", ax)


def log_ratios(fit: BalanceFit, *, ax: Axes | None = None) -> Axes:
    """Draw how much likelier the way down is than the way back, against the difference of the potentials.

    Parameters
    ----------
    fit : BalanceFit
    ax : Axes, optional

    Returns
    -------
    Axes
        V(a) - V(b) against ln T(b|a)/T(a|b) with its interval, pairs turned so that a is the higher one. In detailed
        balance all lie on the dashed line; a diamond's interval leaves it out. At most 300 pairs, those with most
        transitions; pairs seen one way only have no point.
    """
    return _drawn(charts.log_ratios(Seen(fit)), "no pair of states with known potentials was seen both ways", ax)


def potentials(fit: BalanceFit, *, ax: Axes | None = None) -> Axes:
    """Draw the potentials: one by one with their intervals, or how many states have which, where there are many.

    Parameters
    ----------
    fit : BalanceFit
    ax : Axes, optional

    Returns
    -------
    Axes
        Up to 16 states as rows, the highest on top; more as a histogram of states over the potential. Each set of
        states that lead to one another has a zero of its own and a mark of its own.
    """
    return _drawn(charts.potentials(Seen(fit)), "no potential is known", ax)


def relaxation(fit: BalanceFit, *, ax: Axes | None = None) -> Axes:
    """Draw how many steps the slowest modes take to be forgotten.

    Parameters
    ----------
    fit : BalanceFit
    ax : Axes, optional

    Returns
    -------
    Axes
        Relaxation times in steps with their intervals, the slowest on top, at most six.
    """
    return _drawn(charts.relaxation(Seen(fit)), "no relaxation time is known", ax)


def _drawn(chart: Chart | None, why: str, ax: Axes | None) -> Axes:
    if chart is None:
        raise SettingsError(f"there is nothing to draw: {why}.")
    return draw(chart, ax)
