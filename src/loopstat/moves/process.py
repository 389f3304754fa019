"""A loop of moves as a model: run session by session, move by move, it gives a panel as recordings do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..arrays import Float
from ..panel.model import Rng, simulate
from ..panel.panel import Objective, Panel
from .runs import NEVER, Loop, Stretch
from .settings import MoveSettings


class Work(NamedTuple):
    """Where loops stand after some moves; float arrays of shape (n_sessions,).

    `visible` and `hidden` are the expected defects that the oracle sees and does not see (numbers of defects in the
    process `integer`; in `single`, r mu and (1 - r) mu of one mass), `radius` is the edit radius of the next move,
    `move` how many were made, `window` how many of the present window were accepted.
    """

    visible: Float
    hidden: Float
    radius: Float
    move: Float
    window: Float


@dataclass(frozen=True)
class MovesProcess:
    """A loop of moves as a model: states are the fields of `Work`, so that drift and balance lenses read it.

    Parameters
    ----------
    settings : MoveSettings

    Notes
    -----
    `split`: visible and hidden defects are two Poisson masses. An accepted improvement Delta fixes every defect with
    probability min(Delta/mu, 1), seen or not; an accepted regression adds (1 - r)(-Delta) to the hidden mass alone,
    because the oracle said nothing. Thinned and added Poisson counts stay Poisson, also given acceptance, so P_pass and
    P_good are exact. `single`: one mass mu goes to max(mu - Delta, 0), whatever the oracle saw. `integer`: numbers of
    defects, so the first actual pass.

    *When it is wrong*: moves depend on the past through the masses and the radius alone; reviewers' errors are drawn
    afresh each move; an improvement finds hidden defects as easily as visible ones.

    Examples
    --------
    >>> MovesProcess(MoveSettings()).simulate(3, steps=5, rng=0).n_sessions
    3
    """

    settings: MoveSettings

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Masses, edit radius, number of moves, and how many of the window were accepted."""
        return tuple(Objective(name, maximize=False, low=0.0) for name in Work._fields)

    def simulate(self, n_sessions: int, *, steps: int, rng: Rng | int | None = None) -> Panel:
        """Run the process; see `simulate`."""
        return simulate(self, n_sessions, steps=steps, rng=rng)

    def start(self, rng: Rng, n_sessions: int) -> Float:
        """Return the masses of `difficulty`, split by r; for `integer`, Poisson numbers of them."""
        runs = self._runs(rng, n_sessions)
        runs.go(-1, 0)
        return _columns(runs, 0)

    def step(self, rng: Rng, state: Float) -> Float:
        """Make one move in every session; states of shape (n_sessions, 5)."""
        after = np.array(state, dtype=np.float64)
        made = after[:, Work._fields.index("move")].astype(np.int64)
        for move in np.unique(made):
            runs = self._runs(rng, int(np.sum(made == move)))
            runs.state[:] = after[made == move][:, KEPT].T
            runs.go(int(move), int(move) + 1)
            after[made == move] = _columns(runs, move + 1)
        return after

    @cached_property
    def _loop(self) -> Loop:
        return Loop.of(self.settings, self.settings.plan_moves + 2, NEVER)

    def _runs(self, rng: Rng, n: int) -> Stretch:
        """Return runs with random numbers of their own."""
        return Stretch(self._loop, int(rng.integers(2**63)), slice(0, n))


KEPT = [Work._fields.index(name) for name in ("visible", "hidden", "radius", "window")]  # as the engine orders them


def _columns(runs: Stretch, move: int) -> Float:
    return np.insert(runs.state.T, Work._fields.index("move"), move, axis=1)
