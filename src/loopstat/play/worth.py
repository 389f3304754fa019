"""What steps of a loop that is set are worth, and when its mean is where it rests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float
from ..results.record import Record


@dataclass(frozen=True, eq=False)
class Worth(Record):
    """What steps are worth at a price, by the mean of the objectives along the mean path.

    Attributes
    ----------
    step : int
        After which no further step is worth its price, within the steps that are run.
    gained : float
        What the steps until then gain, the price not taken off.
    next_gain : float
        What the step after it would gain; NaN where it is the last.
    """

    step: int
    gained: float
    next_gain: float


def worth_of(path: Float, price: float) -> Worth:
    """Return after which step no further one is worth its price.

    Parameters
    ----------
    path : array, shape (n_steps + 1,)
        Mean of the objectives along the mean path; NaN from where the loop runs away.
    price : float

    Examples
    --------
    >>> worth_of(np.array([0.0, 1.0, 1.5, 1.75]), 0.3)
    Worth(step=2, gained=1.5, next_gain=0.25)
    """
    known = path[: int(np.argmax(np.isnan(path))) if np.isnan(path).any() else len(path)]
    step = int(np.argmax(known - price * np.arange(len(known))))
    after = float(known[step + 1] - known[step]) if step + 1 < len(known) else float("nan")
    return Worth(step, float(known[step] - known[0]), after)


def within_of(mean: Float, rest: Float, tolerance: float) -> Float:
    """Return the first step from which each objective's mean stays near rest, shape (3,); NaN where it does not."""
    with np.errstate(invalid="ignore"):
        far = ~(np.abs(mean - rest) <= tolerance)
    last = len(mean) - 1 - np.argmax(far[::-1], axis=0)
    return np.where(far[-1], np.nan, np.where(far.any(axis=0), last + 1.0, 0.0))
