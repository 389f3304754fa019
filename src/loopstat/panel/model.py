"""What can be run: a model is a frozen dataclass of parameters with a vectorised `step`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float, Int, frozen
from ..errors import SettingsError
from .panel import Labels, Objective, Panel, Source, array_digest

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


@runtime_checkable
class StateModel(Protocol):
    """A process over named states that can be advanced one step for many sessions at once."""

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states; everything else speaks of their positions in here, the codes."""
        ...

    def step(self, rng: Rng, state: Int) -> Int:
        """Advance codes of shape (n_sessions,) by one step."""
        ...

    def start(self, rng: Rng, n_sessions: int) -> Int:
        """Draw starting codes where the caller names none, shape (n_sessions,)."""
        ...


def simulate(
    model: Model | StateModel,
    n_sessions: int,
    *,
    steps: int,
    start: ArrayLike | None = None,
    rng: Rng | int | None = None,
) -> Panel:
    """Run a model and return what an observer would have recorded.

    Parameters
    ----------
    model : Model or StateModel
    n_sessions : int
    steps : int
        Scores per session, the start included: `steps - 1` transitions.
    start : array of shape (n_obj,) or (n_sessions, n_obj), optional
        First states; for a model of named states one name or code, or one per session. Default: the model's own start
        (its stationary law, for linear models and chains).
    rng : Generator or seed, optional

    Returns
    -------
    Panel
        `n_sessions` plain loops of equal length. Named states stand in the label column `state`, without objectives.
    """
    if n_sessions < 1 or steps < 1:
        raise SettingsError(f"`n_sessions` and `steps` must be at least 1. Got {n_sessions} and {steps}.")
    rng = np.random.default_rng(rng)
    if isinstance(model, StateModel):
        return _simulate_states(model, n_sessions, steps, start, rng)
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
    return Panel.from_grid(path, objectives=model.objectives, source=Source(("<simulation>",), array_digest(path)))


def _simulate_states(model: StateModel, n_sessions: int, steps: int, start: ArrayLike | None, rng: Rng) -> Panel:
    path = np.empty((n_sessions, steps), dtype=np.int64)
    path[:, 0] = state = model.start(rng, n_sessions) if start is None else _codes(model.states, start, n_sessions)
    for t in range(1, steps):
        path[:, t] = state = model.step(rng, state)
    source = Source(("<simulation>",), array_digest(path))
    panel = Panel.from_grid(np.empty((n_sessions, steps, 0)), objectives=(), source=source)
    return replace(panel, labels={"state": Labels(frozen(path.ravel(), np.int64), model.states)})


def _codes(states: Sequence[str], start: ArrayLike, n_sessions: int) -> Int:
    """Return starting states given by name or code as codes, shape (n_sessions,)."""
    given = np.asarray(start)
    if given.dtype.kind in "US":
        place = {name: k for k, name in enumerate(states)}
        given = np.array([place.get(name, -1) for name in given.ravel().tolist()]).reshape(given.shape)
    if given.dtype.kind not in "iu" or given.shape not in ((), (n_sessions,)):
        raise SettingsError(f"`start` must be a state, or one per session ({n_sessions}). Got {start!r}.")
    if given.min() < 0 or given.max() >= len(states):
        raise SettingsError(f"`start` must hold names of states, or codes in [0, {len(states) - 1}]. Got {start!r}.")
    return np.broadcast_to(given, (n_sessions,)).astype(np.int64)
