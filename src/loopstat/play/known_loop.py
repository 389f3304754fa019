"""What a fit of a known loop would hold if it had seen endless sessions: the record of a fit, made of the truth.

So every picture and figure of a fit can be had of a loop that is set, not fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Float
from ..drift.choice import Choice
from ..drift.derive import derive
from ..drift.fit import LinearDriftFit
from ..drift.model import LinearSDE
from ..drift.readings.interference import PARTS
from ..drift.readings.paths import MeanPath
from ..drift.readings.regimes import Regime, half_life, read_regimes
from ..drift.readings.way import steps_along
from ..drift.sums import Moments
from ..inference.estimate import Estimate
from ..results.check import Check
from .stages import Course, Stage

KNOWN = ("rate_euler", "rate_exact", "r2_increments", "r2_levels")
DRIFT = tuple(f"drift.{name}" for name in "AbQM")
BETWEEN = tuple(f"interference.{name}" for name in ("total", *PARTS))


def known_fit(stage: Stage, course: Course, seen: Course, n_sessions: int, label: str) -> LinearDriftFit:
    """Return what a fit of endless sessions of a stage would hold.

    Parameters
    ----------
    stage : Stage
    course : Course
        Its exact one: moments at each step, of which the interference is made.
    seen : Course
        What sessions show: the mean path and its band.
    n_sessions : int
    label : str

    Returns
    -------
    LinearDriftFit
        Estimates without intervals, but for the equilibrium, whose ends are itself.
    """
    model, steps = stage.loop, stage.last - stage.first + 1
    m, sums, first = _moments(model, course, stage, n_sessions)
    with np.errstate(all="ignore"):
        found = derive(m, sums, first)
    apart = 1 - np.eye(len(model.b))  # an interference is between two
    estimates = {name: Estimate(found[name][0]) for name in (*DRIFT, *KNOWN)}
    estimates |= {name: Estimate(found[name][0] * apart) for name in BETWEEN}
    rest, radius = stage.rest, stage.radius
    estimates["drift.fixed_point"] = Estimate(rest)
    if radius < 1:
        estimates["drift.equilibrium"] = Estimate(rest, rest, rest)
    estimates["half_life"] = Estimate(float(half_life(radius)))
    if np.isfinite(rest).all() and np.isfinite(course.mean[0]).all() and radius < 1:
        spread = np.sqrt(np.maximum(np.diag(model.stationary_covariance), 1e-12))
        gap = (course.mean[0] - rest) / spread
        estimates["step_90"] = Estimate(float(steps_along(model.M[None], gap[None], spread)[0]))
    estimates = {name: e for name, e in estimates.items() if np.ndim(e.value) or np.isfinite(e.value)}
    scores = n_sessions * (steps + 1)
    return LinearDriftFit(
        label=label,
        by={},
        objectives=model.objectives,
        lineage=False,
        counts={
            "n_sessions": n_sessions,
            "n_steps": scores,
            "n_transitions": n_sessions * steps,
            **dict.fromkeys(("n_dropped", "n_idle_sessions", "n_singular_draws"), 0),
        },
        clusters={"kind": "session", "n": n_sessions, "sentence": "The loop is set, not fitted."},
        model=model,
        estimates=estimates,
        regimes=_regimes(found, radius, steps),
        path=_path(seen, n_sessions),
        checks=(Check("stops_on_success", 0.0, 0.05, True, "No session stops before the others."),),
        influential=(),
        reasons={"verdict": "a loop that is set is not decided."},
        estimator=Choice("pooled", "what endless sessions would show."),
    )


def _regimes(found: Mapping[str, Any], radius: float, steps: int) -> tuple[Regime, ...]:
    """Read the eigenvalues; a turn that is known is no chance."""
    modes = {key: Estimate(*[found[key][0]] * 3) for key in ("re", "im", "modulus")}
    p = 0.0 if np.any(found["im"][0] != 0) else float("nan")
    none = np.zeros((0, len(found["im"][0])), dtype=np.complex128)
    return read_regimes(modes, none, (radius, radius, radius), length=float(steps), p_oscillation=p)


def _path(seen: Course, n_sessions: int) -> MeanPath:
    known = np.flatnonzero(~np.isnan(seen.mean).any(axis=1))
    counts = np.full(len(known), n_sessions, dtype=np.int64)
    return MeanPath(known, counts, seen.mean[known], seen.low[known], seen.high[known], "sessions")


def _moments(model: LinearSDE, course: Course, stage: Stage, n: int) -> tuple[Moments, Float, Float]:
    """Return the moments of all transitions of a stage, and path sums: what sessions without end come to."""
    A, M = model.A, model.M
    mean, covariance = course.mean[stage.first - 1 : stage.last], course.covariance[stage.first - 1 : stage.last]
    known = ~np.isnan(mean).any(axis=1)
    mean, covariance = mean[known], covariance[known]
    centre = mean.mean(axis=0)
    off = mean - centre
    cov_x = covariance.mean(axis=0) + off.T @ off / len(off)
    dx = mean @ A.T + model.b
    size = float(n * len(mean))
    moments = Moments(
        n=np.array([size]),
        M=M[None],
        A=A[None],
        b=model.b[None],
        Q=model.Q[None],
        cov_x=cov_x[None],
        cov_dx=(A @ cov_x @ A.T + model.Q)[None],
        cov_y=(M @ cov_x @ M.T + model.Q)[None],
        mean_x=centre[None],
        singular=np.array([False]),
        centre=centre,
    )
    sums = np.concatenate([np.full((len(mean), 1), float(n)), n * off, n * dx], axis=1)[None]
    z = np.r_[1.0, off[0]]
    first = n * np.outer(z, z)
    first[1:, 1:] += n * covariance[0]
    return moments, sums, first[None]
