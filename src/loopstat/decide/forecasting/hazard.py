"""Success: its chance at each step among those still without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int
from ...panel.model import Rng
from .histories import Histories


@dataclass(frozen=True)
class Hazard:
    """The chance of success at each step among those still without it.

    Attributes
    ----------
    chance : float array, shape (n_steps - 1,)
        Of the step from each place; a few steps' worth of the chance in like steps is added to every count.
    """

    chance: Float

    @classmethod
    def fit(cls, h: Histories, ahead: int) -> Hazard:
        """Count successes among the unfinished, by step."""
        del ahead
        hits, runs, stretch = _successes(h)
        m = int(stretch.max()) + 1
        pooled = (np.bincount(stretch, hits, m) + 0.5) / (np.bincount(stretch, runs, m) + 1)
        chance = (hits + 5 * pooled[stretch]) / (runs + 5)
        return cls(np.r_[chance[:-1], pooled[stretch[-1]]])

    @classmethod
    def constant(cls, h: Histories, ahead: int) -> Hazard:
        """Count successes among the unfinished, at all steps alike."""
        del ahead
        hits, runs, _ = _successes(h)
        return cls(np.full(len(hits), (hits.sum() + 0.5) / (runs.sum() + 1)))

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        x = np.tile(history.current, (draws, 1))
        place, out = np.tile(history.last, draws), np.empty((draws, len(history), steps_ahead, 1))
        running = np.tile(~history.ended, draws)
        for s in range(steps_ahead):
            hit = running & (rng.random(len(x)) < self.chance[np.minimum(place + s, len(self.chance) - 1)])
            x = np.where(hit[:, None], 1.0, x)
            out[:, :, s] = x.reshape(draws, -1, 1)
        return out


def _successes(h: Histories) -> tuple[Float, Float, Int]:
    """Return by step how many succeed, and out of how many, and the stretch it is of."""
    m, n = h.moves, h.x.shape[1] - 1
    open_ = m.start[:, 0] < 1
    hits = np.bincount(m.place[open_ & (m.end[:, 0] >= 1)], minlength=n).astype(np.float64)
    return hits, np.bincount(m.place[open_], minlength=n).astype(np.float64), h.stretches[:n]
