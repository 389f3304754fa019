"""What can be run: a model is a frozen dataclass of parameters with a vectorised `step`."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Float
from .errors import SettingsError
from .panel import Objective, Panel, Source, array_digest

Rng = np.random.Generator


class Model(Protocol):
    """A process over objective vectors that can be advanced one step for many sessions at once."""

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives the state vector holds, in order."""
        ...

    def step(self, rng: Rng, state: Float) -> Float:
        """Advance states of shape (n_sessions, n_obj) by one step."""
        ...

    def start(self, rng: Rng, n_sessions: int) -> Float:
        """Draw starting states where the caller names none, shape (n_sessions, n_obj)."""
        ...


def simulate(
    model: Model, n_sessions: int, *, steps: int, start: ArrayLike | None = None, rng: Rng | int | None = None
) -> Panel:
    """Run a model and return what an observer would have recorded.

    Parameters
    ----------
    model : Model
    n_sessions : int
    steps : int
        Scores per session, the start included: `steps - 1` transitions.
    start : array of shape (n_obj,) or (n_sessions, n_obj), optional
        First states. Default: the model's own start (its stationary law, for a linear model).
    rng : Generator or seed, optional

    Returns
    -------
    Panel
        `n_sessions` plain loops of equal length.
    """
    if n_sessions < 1 or steps < 1:
        raise SettingsError(f"`n_sessions` and `steps` must be at least 1. Got {n_sessions} and {steps}.")
    rng = np.random.default_rng(rng)
    n_obj = len(model.objectives)
    state = (
        model.start(rng, n_sessions)
        if start is None
        else np.broadcast_to(np.asarray(start, dtype=np.float64), (n_sessions, n_obj)).copy()
    )
    path = np.empty((n_sessions, steps, n_obj))
    path[:, 0] = state
    for t in range(1, steps):
        path[:, t] = state = model.step(rng, state)
    return Panel.from_arrays(path, objectives=model.objectives, source=Source(("<simulation>",), array_digest(path)))
