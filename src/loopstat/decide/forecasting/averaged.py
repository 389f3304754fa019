"""Levels: the mean curve, and how what a session is above it carries on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int
from ...inference.resample import bootstrap_weights
from ...panel.model import Rng
from ..ahead import likely_values
from ..curve import Curve, Held
from .histories import Histories, apart
from .predictors import Endings, Pool, carried_on

POOLED = 30.0  # transitions' worth of the coefficients of all steps, in those of a stretch of steps
DRAWN = 60  # draws of the mean curve, by whose noise what lies beyond the record is weighed


@dataclass(frozen=True)
class Averaged:
    """The mean curve, and around it what a session is above it: last, and on average so far (least squares).

    r[t+1] = phi r[t] + psi mean(r[0..t]) + e, r the residual about the mean curve, one objective at a time, with
    coefficients by stretch of steps shrunk to those of all; e is drawn from the residuals of like steps, all objectives
    together. Beyond the record the mean curve goes on as curves that fit it do.

    Attributes
    ----------
    mean : float array, shape (n_steps + ahead, k)
    coefficients : float array, shape (n_stretches, k, 2)
        phi and psi.
    errors : Pool
    ends : Endings
    """

    mean: Float
    coefficients: Float
    errors: Pool
    ends: Endings

    @classmethod
    def fit(cls, h: Histories, ahead: int) -> Averaged:
        """Estimate from recorded sessions."""
        mean = np.stack([_mean_curve(h, j, ahead) for j in range(h.x.shape[2])], axis=1)
        residual = h.x - mean[: h.x.shape[1]]
        own = np.cumsum(np.nan_to_num(residual), axis=1) / np.arange(1, h.x.shape[1] + 1)[:, None]
        m = h.moves
        by = np.stack([residual[m.session, m.place], own[m.session, m.place]], axis=2)
        target = residual[m.session, m.place + 1]
        stretch = h.stretches[m.place]
        coefficients = _by_stretch(by, target, stretch, int(h.stretches.max()) + 1)
        error = target - np.einsum("mkc,mkc->mk", by, coefficients[stretch])
        return cls(mean, coefficients, Pool.of(h, error), Endings.of(h))

    def begin(self, history: Histories, draws: int) -> tuple[Float, Float]:
        """Return the sum of each session's residuals so far, and how many there are."""
        places = np.minimum(np.arange(history.x.shape[1]), len(self.mean) - 1)
        total = np.nansum(history.x - self.mean[places], axis=1)
        return np.tile(total, (draws, 1)), np.tile(history.last + 1.0, draws)[:, None]

    def step(self, rng: Rng, x: Float, place: Int, memory: tuple[Float, Float]) -> tuple[Float, tuple[Float, Float]]:
        """Return the next versions."""
        total, count = memory
        end = len(self.mean) - 1
        now, later = self.mean[np.minimum(place, end)], self.mean[np.minimum(place + 1, end)]
        c = self.coefficients[self.errors.at(place)]
        residual = c[..., 0] * (x - now) + c[..., 1] * total / count + self.errors.draw(rng, place)
        return later + residual, (total + residual, count + 1)

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        return carried_on(self, self.ends, history, steps_ahead, rng, draws)


def _mean_curve(h: Histories, j: int, ahead: int) -> Float:
    """Return the mean of one objective by step, sessions cut off carried on, continued beyond the record."""
    nothing = np.zeros(h.x.shape[:2])
    held = Held(h.x[:, :, j], nothing, nothing, h.last, h.ended, h.cluster, h.steps)
    rng = np.random.default_rng(0)
    curve = Curve.of(held, bootstrap_weights(h.n_clusters, DRAWN if ahead else 0, rng))
    recorded: Float = curve.value[0]
    if not ahead:
        return recorded
    later = h.steps[-1] + apart(h.steps) * np.arange(1, ahead + 1)
    likely = likely_values(curve.value, h.steps, later, held.spread, h.n_clusters)[0]
    return np.concatenate([recorded, likely[len(recorded) :]])


def _by_stretch(by: Float, target: Float, stretch: Int, n: int) -> Float:
    """Return least squares by stretch, shrunk to the one of all, shape (n, k, 2)."""
    gram, right = np.zeros((n, *by.shape[1:], 2)), np.zeros((n, *by.shape[1:]))
    np.add.at(gram, stretch, by[..., :, None] * by[..., None, :])
    np.add.at(right, stretch, by * target[..., None])
    whole = gram.sum(axis=0)
    whole = whole + (1e-9 * np.trace(whole, axis1=1, axis2=2)[:, None, None] + 1e-300) * np.eye(2)
    pooled = np.linalg.solve(whole, right.sum(axis=0)[..., None])[..., 0]
    prior = whole * POOLED / max(len(by), 1)
    return np.asarray(
        np.linalg.solve(gram + prior, (right + np.einsum("kab,kb->ka", prior, pooled))[..., None])[..., 0]
    )
