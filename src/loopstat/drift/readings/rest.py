"""Whether the record bears out the fixed point of a fitted map as the place where a loop comes to rest."""

from __future__ import annotations

import numpy as np

from ...arrays import Float
from ...inference.estimate import Estimate, number, show
from ...inference.intervals import jackknife, means_of_sums
from ..group import Group

WIDEST = 10.0  # times the range of the scores: an interval wider than that says nothing


def not_borne_out(group: Group, found: Estimate, level: float) -> str | None:
    """Return why a fixed point is no figure to print; None where nothing speaks against it.

    It must lie within the objectives' bounds, be known to within ten times the range of the scores, and, where the
    sessions' last steps still move, its interval must reach what nine in ten of them end at.

    Parameters
    ----------
    group : Group
    found : Estimate
        The fixed point with its interval, shape (n_obj,).
    level : float
        Of the interval of the mean last step.
    """
    seen = group.observed
    still = _still_moving(group, level)
    for j, objective in enumerate(seen.objectives):
        value, *ends = found[j].triple
        if not ends[1] - ends[0] <= WIDEST * seen.span[j]:
            return f"The interval of the fixed point of {objective.name} is over ten times as wide as all its scores."
        below = objective.low is not None and value < objective.low
        if below or (objective.high is not None and value > objective.high):
            return f"The fixed point of {objective.name}, {number(value, 3)}, lies outside its bounds."
        if not still[j] or seen.ends_at is None:
            continue
        (low, at_most), (at_least, high) = seen.ends_at[:, j]
        if not (ends[1] < at_most or ends[0] > at_least):
            continue
        if ends[1] < low or ends[0] > high:
            return (
                f"Sessions still move when they end, most of them between {number(low, 3)} and "
                f"{number(high, 3)} on {objective.name}: a fixed point of {show(value, *ends)} is beyond the record."
            )
        return f"Sessions still move on {objective.name} when they end, about as far as its interval reaches."
    return None


def _still_moving(group: Group, level: float) -> Float:
    """Return for each objective whether the mean of the sessions' last steps surely differs from 0."""
    moved = jackknife(*means_of_sums(group.observed.last_moves), level=level)
    return np.asarray((moved.low > 0) | (moved.high < 0))
