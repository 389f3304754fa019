"""A fit, stage by stage: sums, choice of an estimator, quantities, checks; each made from those before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..arrays import Float, Int, group_starts
from ..inference.estimate import Estimate
from ..inference.resample import Resampling
from ..inference.workers import Progress, silent
from ..panel.ends import stop_on_success
from ..panel.model import Rng
from ..panel.panel import Pairs, Panel
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


@dataclass(frozen=True)
class Rows:
    """The rows of a group, beside the sums of them."""

    panel: Panel
    pairs: Pairs
    group: Group

    @classmethod
    def of(cls, panel: Panel, resampling: Resampling) -> Rows:
        """Accumulate the sums of a panel."""
        pairs = panel.pairs()
        return cls(panel, pairs, Group.of(panel, pairs, resampling))

    @cached_property
    def cluster(self) -> Int:
        """Cluster of each transition, shape (n_pairs,)."""
        return self.group.clusters.row[self.pairs.end]


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
    rows = Rows.of(panel, resampling)
    found = _found(settings, rows, rng, tell)
    _stage(tell, "quantities")
    answered = answers(found)
    _stage(tell, "checks")
    checks = checks_of(_evidence(rows, found))
    return fit_of(settings, found, answered, checks, _path(rows, found, checks), label)


def fit_of(
    settings: DriftSettings,
    found: Found,
    answered: dict[str, QuantityValue],
    checks: tuple[Check, ...],
    path: MeanPath,
    label: str,
) -> LinearDriftFit:
    """Put the parts of a fit together."""
    group, seen = found.group, found.group.observed
    estimates = {name: a.value for name, a in answered.items() if isinstance(a.value, Estimate)}
    boot = found.reading.boot.moments
    return LinearDriftFit(
        label=label,
        by={},
        settings=settings,
        objectives=seen.objectives,
        lineage=seen.lineage,
        counts=_counts(found),
        clusters={"kind": group.clusters.kind, "n": group.n_independent, "sentence": group.clusters.sentence},
        model=_model(found),
        estimates=estimates,
        regimes=answered["regimes"].value or (),
        path=path,
        checks=checks,
        influential=influential(found, estimates),
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


def _found(settings: DriftSettings, rows: Rows, rng: Rng, tell: Progress) -> Found:
    """Choose the estimator, read the data with it, and measure what it predicts."""
    level, group = settings.level, rows.group
    if not group.fits:
        return Found(group, level, Choice(None, f"No drift could be fitted: {_no_fit(rows)}."), group.pooled, None)
    fold = cluster_folds(group.grams, rng)
    skill = None if fold is None else _held_out(rows, level, fold)
    white = skill is None or white_scores(rows.panel, group.clusters, skill)[1] is None
    _stage(tell, "estimator")
    choice = _choice(settings, rows, rng, tell, white=white, fold=fold)
    if choice.estimated is None or choice.left_out is None:
        return Found(group, level, choice, group.pooled, skill)
    if fold is not None and choice.errors is not None:
        skill = _held_out(rows, level, fold, choice.errors)
    return Found(group, level, choice, group.read(choice.estimated, choice.left_out), skill)


def _held_out(rows: Rows, level: float, fold: Int, errors: Float | None = None) -> Skill:
    grams = rows.group.grams
    return held_out_skill(rows.panel, rows.pairs, grams, rows.cluster, fold=fold, level=level, errors=errors)


def _choice(settings: DriftSettings, rows: Rows, rng: Rng, tell: Progress, *, white: bool, fold: Int | None) -> Choice:
    from threadpoolctl import threadpool_limits

    group = rows.group
    material = Material(
        panel=rows.panel, pairs=rows.pairs, clusters=group.clusters, filled=group.filled,
        moments=group.pooled.point.moments, left_moments=group.pooled.left.moments, weights=group.weights,
        white=white, stops=stop_on_success(rows.panel) is not None, scorer_noise=settings.scorer_noise,
        stops_at_bounds=settings.stops_at_bounds, fold=fold, level=settings.level,
        thorough=rng.spawn(1)[0] if settings.thorough else None, progress=partial(_inside, tell, "estimator"),
    )  # fmt: skip
    # Many small factorisations: threads of the linear algebra library only wait for one another.
    with threadpool_limits(1):
        return choose(material, settings.estimator)


def _no_fit(rows: Rows) -> str:
    n = len(rows.pairs)
    if n == 0:
        return "no transition has all objectives at both ends"
    if flat := constant_objectives(rows.panel, rows.pairs):
        return f"{', '.join(flat)} never changes"
    return f"{n} transitions are too few, or the objectives are exact copies of one another"


# -------------------------------------------------------------------- checks


def _evidence(rows: Rows, found: Found) -> Evidence:
    return Evidence(
        panel=rows.panel, pairs=rows.pairs, stop_rule=stop_on_success(rows.panel), **sum_evidence(found)
    )  # fmt: skip


def sum_evidence(found: Found) -> dict[str, Any]:
    """Return what checks may look at that need no rows."""
    group, pooled = found.group, found.group.pooled
    return {
        "names": group.observed.names,
        "lineage": group.observed.lineage,
        "clusters": group.clusters,
        "n_clusters": group.n_clusters,
        "grams": group.grams,
        "moments": pooled.point.moments,
        "left_out": pooled.left.moments,
        "skill": found.skill,
        "radius": found.radius,
        "choice": found.choice,
    }


def _path(rows: Rows, found: Found, checks: tuple[Check, ...]) -> MeanPath:
    of_session = rows.group.clusters.row[group_starts(rows.panel.session)]
    path = mean_path(rows.panel, of_session, len(rows.group.clusters), found.level)
    goes_on = next(c for c in checks if c.name == "stops_on_success").passed
    return path if goes_on else replace(path, label="unfinished sessions only")


# ------------------------------------------------------------------------ parts of the fit


def _counts(found: Found) -> dict[str, int]:
    seen = found.group.observed
    return {
        "n_sessions": seen.n_sessions,
        "n_steps": seen.n_steps,
        "n_transitions": seen.n_transitions,
        "n_dropped": seen.n_dropped,
        "n_idle_sessions": seen.n_idle,
        "n_singular_draws": int(np.sum(found.reading.boot.moments.singular)),
    }


def _model(found: Found) -> LinearSDE | None:
    if not found.group.fits or found.refused:
        return None
    m = found.reading.point.moments
    # A difference of covariances may have a negative eigenvalue; no loop can.
    Q = m.Q[0] if found.pooled else nearest_covariance(m.Q[0])
    return LinearSDE(m.A[0], m.b[0], Q, objectives=found.group.observed.objectives)


def _reasons(found: Found, answered: dict[str, QuantityValue]) -> dict[str, str]:
    return {key: why for answer in answered.values() for key, why in answer.reasons.items()}
