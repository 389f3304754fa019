"""What every predictor must beat: that nothing moves, and that all sessions are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int
from ...panel.model import Rng
from .histories import Histories
from .predictors import Endings, Pool, carried_on


@dataclass(frozen=True)
class Persistence:
    """What is held stays, up to changes as large as those seen, up as often as down."""

    changes: Pool
    ends: Endings

    @classmethod
    def fit(cls, h: Histories, ahead: int) -> Persistence:
        """Gather the changes seen."""
        del ahead
        return cls(Pool.of(h, h.moves.end - h.moves.start), Endings.of(h))

    def begin(self, history: Histories, draws: int) -> None:
        """Return nothing: the version held is all that counts."""
        del history, draws

    def step(self, rng: Rng, x: Float, place: Int, memory: None) -> tuple[Float, None]:
        """Return the next versions."""
        up = np.where(rng.random((len(x), 1)) < 0.5, 1.0, -1.0)
        return x + up * self.changes.draw(rng, place), memory

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        return carried_on(self, self.ends, history, steps_ahead, rng, draws)


@dataclass(frozen=True)
class Mean:
    """What any session holds at a step, whatever this one has held: `values`, one array of shape (n, k) a step."""

    values: tuple[Float, ...]

    @classmethod
    def fit(cls, h: Histories, ahead: int) -> Mean:
        """Gather what is held at every step; where nobody is seen, what was held at the step before."""
        del ahead
        seen = np.asarray((~np.isnan(h.known[:, :, 0])).any(axis=0))
        last = np.maximum.accumulate(np.where(seen, np.arange(len(seen)), 0))
        return cls(tuple(h.known[~np.isnan(h.known[:, t, 0]), t] for t in last))

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        out = np.empty((draws, len(history), steps_ahead, history.x.shape[2]))
        for s in range(steps_ahead):
            for t in np.unique(history.last):
                here = np.flatnonzero(history.last == t)
                values = self.values[min(t + s + 1, len(self.values) - 1)]
                out[:, here, s] = values[rng.integers(0, len(values), (draws, len(here)))]
        out[:, history.ended] = history.current[history.ended][:, None]
        return out
