"""A fit, stage by stage: sums, choice of an estimator, quantities, checks; each made from those before it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from ..arrays import Int
from ..inference.estimate import Estimate
from ..inference.resample import Resampling
from ..inference.workers import Progress, silent
from ..panel.ends import stop_on_success
from ..panel.model import Rng
from ..panel.panel import Panel
from ..results.check import Check
from .candidates import Material
from .checks import Evidence, checks_of, constant_objectives, white_scores
from .choice import Choice, choose
from .fit import DriftSettings, LinearDriftFit
from .group import Group
from .influence import influence_values, influential
from .model import LinearSDE, nearest_covariance
from .quantities import Found, QuantityValue, answers
from .readings.paths import MeanPath, mean_path
from .readings.skill import Skill, cluster_folds, held_out_skill

STAGES = ("sums", "estimator", "quantities", "checks")

MEMORY = 4_000_000  # numbers, the most that library heeds; never written to


def fit_group(
    settings: DriftSettings,
    panel: Panel,
    resampling: Resampling,
    rng: Rng,
    label: str,
    progress: Progress | None = None,
) -> LinearDriftFit:
    """Fit one group of sessions.

    Parameters
    ----------
    settings : LinearDrift
    panel : Panel
    resampling : Resampling
    rng : Generator
        For the folds of the skill, and the bootstraps of the slow parts.
    label : str
    progress : callable, optional
        Called with (done, total, name) before each stage, and inside those that take long.
    """
    tell = progress or silent
    np.empty(MEMORY)  # the C library keeps freed memory up to the largest block it has seen go: a fifth of a fit's time
    _stage(tell, "sums")
    group = Group.of(panel, resampling)
    found = _found(settings, group, rng, tell)
    _stage(tell, "quantities")
    answered = answers(found)
    estimates = {name: a.value for name, a in answered.items() if isinstance(a.value, Estimate)}
    moving = influential(found, estimates)
    _stage(tell, "checks")
    evidence = _evidence(found)
    checks = checks_of(evidence)
    path = _path(found, checks)
    boot = found.reading.boot.moments
    return LinearDriftFit(
        label=label,
        by={},
        settings=settings,
        objectives=panel.objectives,
        lineage=panel.lineage,
        counts=_counts(found),
        clusters={"kind": group.clusters.kind, "n": group.n_independent, "sentence": group.clusters.sentence},
        model=_model(found),
        estimates=estimates,
        regimes=answered["regimes"].value or (),
        path=path,
        checks=checks,
        influential=moving,
        reasons=_reasons(found, answered),
        draws={"M": boot.M, "b": boot.b, "Q": boot.Q},
        influence=influence_values(found, estimates),
        estimator=found.choice,
        reversibility=answered["reversibility"].value,
    )


def _stage(tell: Progress, name: str, inside: str = "") -> None:
    tell(STAGES.index(name), len(STAGES), name + inside)


def _inside(tell: Progress, name: str, done: int, total: int, what: str) -> None:
    _stage(tell, name, f": {what} {done} of {total}")


# ------------------------------------------------------------------------------- choice


def _found(settings: DriftSettings, group: Group, rng: Rng, tell: Progress) -> Found:
    """Choose the estimator, read the data with it, and measure what it predicts."""
    level = settings.level
    if not group.fits:
        return Found(group, level, Choice(None, f"No drift could be fitted: {_no_fit(group)}."), group.pooled, None)
    fold = cluster_folds(group.grams, rng)
    skill = None if fold is None else _held_out(group, level, fold)
    white = skill is None or white_scores(group.panel, group.clusters, skill)[1] is None
    _stage(tell, "estimator")
    choice = _choice(settings, group, rng, tell, white=white, fold=fold)
    if choice.estimated is None or choice.left_out is None:
        return Found(group, level, choice, group.pooled, skill)
    if fold is not None and choice.errors is not None:
        skill = held_out_skill(
            group.panel, group.pairs, group.grams, group.cluster, fold=fold, level=level, errors=choice.errors
        )
    return Found(group, level, choice, group.read(choice.estimated, choice.left_out), skill)


def _held_out(group: Group, level: float, fold: Int) -> Skill:
    return held_out_skill(group.panel, group.pairs, group.grams, group.cluster, fold=fold, level=level)


def _choice(
    settings: DriftSettings, group: Group, rng: Rng, tell: Progress, *, white: bool, fold: Int | None
) -> Choice:
    from threadpoolctl import threadpool_limits

    material = Material(
        panel=group.panel, pairs=group.pairs, clusters=group.clusters, filled=group.filled,
        moments=group.pooled.point.moments, left_moments=group.pooled.left.moments, weights=group.weights,
        white=white, stops=stop_on_success(group.panel) is not None, scorer_noise=settings.scorer_noise,
        stops_at_bounds=settings.stops_at_bounds, fold=fold, level=settings.level,
        thorough=rng.spawn(1)[0] if settings.thorough else None, progress=partial(_inside, tell, "estimator"),
    )  # fmt: skip
    # Many small factorisations: threads of the linear algebra library only wait for one another.
    with threadpool_limits(1):
        return choose(material, settings.estimator)


def _no_fit(group: Group) -> str:
    n = len(group.pairs)
    if n == 0:
        return "no transition has all objectives at both ends"
    if flat := constant_objectives(group.panel, group.pairs):
        return f"{', '.join(flat)} never changes"
    return f"{n} transitions are too few, or the objectives are exact copies of one another"


# -------------------------------------------------------------------- checks


def _evidence(found: Found) -> Evidence:
    group, pooled = found.group, found.group.pooled
    return Evidence(
        group.panel, group.pairs, group.clusters, group.n_clusters, group.grams, pooled.point.moments,
        pooled.left.moments, found.skill, found.radius, stop_on_success(group.panel), found.choice,
    )  # fmt: skip


def _path(found: Found, checks: tuple[Check, ...]) -> MeanPath:
    group = found.group
    path = mean_path(group.panel, group.of_session, len(group.clusters), found.level)
    goes_on = next(c for c in checks if c.name == "stops_on_success").passed
    return path if goes_on else replace(path, label="unfinished sessions only")


# ------------------------------------------------------------------------ parts of the fit


def _counts(found: Found) -> dict[str, int]:
    panel, pairs = found.group.panel, found.group.pairs
    return {
        "n_sessions": panel.n_sessions,
        "n_steps": len(panel),
        "n_transitions": len(pairs),
        "n_dropped": pairs.n_dropped,
        "n_idle_sessions": panel.n_sessions - len(np.unique(pairs.session)),
        "n_singular_draws": int(np.sum(found.reading.boot.moments.singular)),
    }


def _model(found: Found) -> LinearSDE | None:
    if not found.group.fits or found.refused:
        return None
    m = found.reading.point.moments
    # A difference of covariances may have a negative eigenvalue; no loop can.
    Q = m.Q[0] if found.pooled else nearest_covariance(m.Q[0])
    return LinearSDE(m.A[0], m.b[0], Q, objectives=found.group.panel.objectives)


def _reasons(found: Found, answered: dict[str, QuantityValue]) -> dict[str, str]:
    return {key: why for answer in answered.values() for key, why in answer.reasons.items()}
