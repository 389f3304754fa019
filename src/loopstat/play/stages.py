"""A loop, or several one after the other: what the settings ask for, and where such sessions go, exactly and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Float
from ..drift.model import LinearSDE
from ..drift.products import spectral_radius
from ..errors import SettingsError
from ..panel.model import Rng
from ..panel.objective import Objective
from ..panel.panel import Panel, Source, array_digest
from ..parameters import nearest
from ..results.record import UNWRITTEN, Record
from .strategies import AT_ZERO, DRIFTS, NOISES, OBJECTIVES, PAIRS, STRATEGIES, TOGETHER

OWN = "own"
LOW, HIGH = 0.0, 10.0
ROUNDING = 1e-12
GONE = 100.0  # points from which a loop that runs away is no longer followed
TOUCHED = 1e-4  # probability of a score beyond its bounds from which bounds change what is seen


@dataclass(frozen=True, eq=False)
class Stage(Record):
    """One stretch of a schedule.

    Attributes
    ----------
    name : str
        A strategy's, or `own`.
    first, last : int
        Steps it makes, from 1.
    radius : float
        Spectral radius of its one-step map.
    rest : float array, shape (3,)
        Its fixed point; NaN where there is none.
    model : LinearSDE or None
        Not written; None in a result read back.
    """

    name: str
    first: int
    last: int
    radius: float
    rest: Float
    model: LinearSDE | None = field(default=None, repr=False, metadata=UNWRITTEN)

    @property
    def loop(self) -> LinearSDE:
        """The loop, in a result that was not read back."""
        assert self.model is not None  # noqa: S101 - only results read back are without
        return self.model


def stages_of(options: Mapping[str, Any]) -> tuple[Stage, ...]:
    """Return the stages that settings ask for; without a schedule, the loop that is set, throughout.

    Raises
    ------
    SettingsError
        The schedule cannot be read, or the correlations of the noise cannot be.
    """
    steps, at, out = int(options["steps"]), 0, []
    for name, length in _scheduled(options.get("schedule") or OWN):
        if at >= steps:
            break
        last = steps if length is None else min(at + length, steps)
        model = _model(options if name == OWN else {**options, **STRATEGIES[name].values})
        rest = np.where(np.abs(model.equilibrium) < ROUNDING, 0.0, model.equilibrium)
        out.append(Stage(name, at + 1, last, float(spectral_radius(model.M)), rest, model))
        at = last
    return tuple(out)


def _scheduled(text: str) -> list[tuple[str, int | None]]:
    """Read `FF:3,SF:3,AI` as names and steps; the last goes on for ever."""
    out: list[tuple[str, int | None]] = []
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for k, part in enumerate(parts):
        name, colon, length = (piece.strip() for piece in part.partition(":"))
        if name not in (*STRATEGIES, OWN):
            raise SettingsError(str(nearest(name, (*STRATEGIES, OWN), "strategy")), setting="schedule")
        if (colon and not (length.isdecimal() and 0 < int(length) < 10**6)) or (not colon and k < len(parts) - 1):
            said = f"`schedule` must be NAME:STEPS, such as FF:3,SF:3,AI. Got {part!r} in it."
            raise SettingsError(said, setting="schedule")
        out.append((name, int(length) if colon and k < len(parts) - 1 else None))
    if not out:
        said = f"`schedule` must name a strategy, such as FF:3,AI. Got {text!r}."
        raise SettingsError(said, setting="schedule")
    return out


def _model(values: Mapping[str, Any]) -> LinearSDE:
    sd = np.array([float(values[name]) for name in NOISES])
    rho = np.eye(3)
    for (i, j), name in zip(PAIRS, TOGETHER, strict=True):
        rho[i, j] = rho[j, i] = float(values[name])
    if np.linalg.eigvalsh(rho)[0] < -1e-9:
        said = ", ".join(f"`{name}` {values[name]:g}" for name in TOGETHER)
        raise SettingsError(f"no noise has these correlations together: {said}. Hint: nearer to 0.")
    return LinearSDE(
        [[float(values[name]) for name in row] for row in DRIFTS],
        [float(values[name]) for name in AT_ZERO],
        rho * np.outer(sd, sd),
        boundary="clip" if values["clip"] else None,
        objectives=objectives_of(values),
    )


def objectives_of(values: Mapping[str, Any]) -> tuple[Objective, ...]:
    """Return the objectives, with bounds where scores are clipped at them."""
    limits = (LOW, HIGH) if values["clip"] else (None, None)
    return tuple(Objective(name, True, *limits) for name in OBJECTIVES)


# --------------------------------------------------------------------------------- where sessions go


@dataclass(frozen=True)
class Course:
    """Where sessions are after every step.

    Attributes
    ----------
    mean, low, high : float arrays, shape (n_steps + 1, 3)
        Mean of all sessions, and the band that nine in ten of them are in; NaN where the loop has run away.
    covariance : float array, shape (n_steps + 1, 3, 3)
    at_bounds : float array, shape (3,)
        Share of the scores after the start that lie at a bound, or would lie beyond it.
    exact : bool
        By the moments of the loop; else from so many drawn sessions that bounds are in them.
    """

    mean: Float
    low: Float
    high: Float
    covariance: Float
    at_bounds: Float
    exact: bool = True


def exact_course(stages: Sequence[Stage], start: Float) -> Course:
    """Return the course by exact moments, which know nothing of bounds."""
    from scipy.special import ndtr, ndtri

    means, covariances = [start[None]], [np.zeros((1, 3, 3))]
    with np.errstate(all="ignore"):
        for stage in stages:
            mean, covariance = stage.loop.moments(means[-1][-1], covariances[-1][-1], stage.last - stage.first + 2)
            means.append(mean[1:])
            covariances.append(covariance[1:])
        mean, covariance = np.concatenate(means), np.concatenate(covariances)
        sd = np.sqrt(np.maximum(np.einsum("tii->ti", covariance), 0.0))
        gone = ~(np.maximum(np.abs(mean), sd).max(axis=1) < GONE)
    mean[gone], sd[gone], covariance[gone] = np.nan, np.nan, np.nan
    out = np.full((len(mean) - 1, 3), 1.0)
    spread = np.maximum(sd[1:], 1e-9)
    out = np.nan_to_num(ndtr((LOW - mean[1:]) / spread) + ndtr((mean[1:] - HIGH) / spread), nan=1.0)
    wide = float(ndtri(0.95)) * sd
    return Course(mean, mean - wide, mean + wide, covariance, out.mean(axis=0))


def drawn_course(stages: Sequence[Stage], start: Float, n: int, rng: Rng) -> Course:
    """Return the course of `n` drawn sessions, which are clipped at their bounds."""
    x = sessions(stages, start, n, rng)
    mean = x.mean(axis=0)
    low, high = np.quantile(x, (0.05, 0.95), axis=0)
    off = x - mean
    at = ((x[:, 1:] <= LOW) | (x[:, 1:] >= HIGH)).mean(axis=(0, 1))
    return Course(mean, low, high, np.einsum("nti,ntj->tij", off, off) / n, at, exact=False)


def sessions(stages: Sequence[Stage], start: Float, n: int, rng: Rng) -> Float:
    """Draw sessions, shape (n, n_steps + 1, 3); a schedule changes the loop they follow on the way."""
    x = np.empty((n, stages[-1].last + 1, 3))
    x[:, 0] = start
    with np.errstate(all="ignore"):
        for stage in stages:
            for t in range(stage.first, stage.last + 1):
                x[:, t] = stage.loop.step(rng, x[:, t - 1])
    return x


def panel_of(stages: Sequence[Stage], x: Float) -> Panel:
    """Return drawn sessions as a panel; from where one runs away, nothing of it."""
    with np.errstate(invalid="ignore"):
        gone = np.logical_or.accumulate(~(np.abs(x).max(axis=2) < GONE), axis=1)
    kept = np.ascontiguousarray(np.where(gone[:, :, None], np.nan, x))
    names = [f"session {k + 1}" for k in range(len(x))]
    source = Source(("<simulation>",), array_digest(kept))
    return Panel.from_grid(kept, objectives=stages[-1].loop.objectives, session_names=names, source=source)
