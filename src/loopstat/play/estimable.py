"""How well sessions of a known loop would let one estimate it: by the exact information, before any is recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float
from ..inference.intervals import student_quantile
from ..results.record import Record
from .stages import Course, Stage

WANTED = 0.1  # half width of an entry of A that is asked for
WORST = 1e12  # condition number from which levels do not vary enough for a regression
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Estimable(Record):
    """Half widths of the 95 % intervals that recorded sessions would give.

    Attributes
    ----------
    A : float array, shape (3, 3)
        Of every entry of A; NaN where the levels do not vary enough.
    rest : float array, shape (3,)
        Of the fixed point.
    sessions : float
        Sessions of that length for every entry of A to be known to 0.1; NaN where none would do.
    """

    A: Float
    rest: Float
    sessions: float


def estimable(stage: Stage, course: Course, n_sessions: int) -> Estimable:
    """Return what the regression of the changes on the levels would know after so many sessions.

    Parameters
    ----------
    stage : Stage
        The loop; the transitions are those of this stage.
    course : Course
        Exact moments at every step.
    n_sessions : int

    Notes
    -----
    With z = (1, x), the estimates of row i of (b, A) have covariance Q[i,i] (sum E z z')^-1, and the fixed point, to
    first order, A^-1 Q A^-T z*' (sum E z z')^-1 z* at z* = (1, x*). *When it is wrong*: bounds, a noisy scorer or
    sessions that differ, none of which the information knows; few sessions, whose intervals are wider.
    """
    model, wide = stage.loop, student_quantile(LEVEL, np.inf)
    mean, covariance = course.mean[stage.first - 1 : stage.last], course.covariance[stage.first - 1 : stage.last]
    nothing = Estimable(np.full((3, 3), np.nan), np.full(3, np.nan), float("nan"))
    if np.isnan(mean).any():
        return nothing
    about = mean.mean(axis=0)
    z = np.column_stack([np.ones(len(mean)), mean - about])
    total = z.T @ z
    total[1:, 1:] += covariance.sum(axis=0)
    unit = np.sqrt(np.diag(total))
    if not unit.min() > 0 or np.linalg.cond(total / np.outer(unit, unit)) > WORST:
        return nothing
    inverse = np.linalg.inv(total * n_sessions)
    A = wide * np.sqrt(np.outer(np.diag(model.Q), np.diag(inverse)[1:]))
    rest = np.full(3, np.nan)
    if np.isfinite(model.equilibrium).all():
        at = np.r_[1.0, model.equilibrium - about]
        back = np.linalg.inv(model.A)
        rest = wide * np.sqrt(np.diag(back @ model.Q @ back.T) * (at @ inverse @ at))
    return Estimable(A, rest, float(max(np.ceil(n_sessions * (A.max() / WANTED) ** 2), 1.0)))
