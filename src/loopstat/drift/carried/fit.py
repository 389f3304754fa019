"""A drift fit from sums: the same stages as from rows, and the name of what only rows could tell."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...arrays import Float, Int
from ...errors import InputError
from ...inference.clusters import Clusters
from ...inference.intervals import jackknife, means_of_sums
from ...inference.resample import LeftOut, Resampling
from ...inference.tables import ClusterTables
from ...panel.model import Rng
from ...panel.panel import MIN_STOPPED, Objective
from ...results.check import Check, Outcome
from ..checks import RULES, SumEvidence
from ..choice import Choice, Rival, as_chosen, other, rival, strong
from ..fit import DriftSettings, LinearDriftFit
from ..fitting import fit_of, sum_evidence
from ..group import ENDS, Group, Observed
from ..maps.base import estimate
from ..maps.noisy import Instrument
from ..maps.within import Within, root_found
from ..outcomes import crowding, foreseen, steadiness, stillness, stopped, survivors, whiteness
from ..products import symmetric
from ..quantities import Found, answers
from ..readings.early import early_late_p, worth_testing
from ..readings.interference import PathSums
from ..readings.paths import MeanPath
from ..readings.skill import Skill, cluster_folds
from ..sums import Grams
from .skill import skill_from_sums
from .sums import Reach

FROM_SUMS = ("pooled", "within", "instrument")
"""Estimators that sums carry."""

ON_SUMS = frozenset(("few_sessions", "collinear", "unit_root", "sessions_differ", "noisy_scorer"))
"""Checks that look at nothing else."""

NEEDS_ROWS = "Not tested: this needs the rows."
SCORES = 3.0  # a session, below which no estimator but the pooled regression can be had


@dataclass(frozen=True)
class GroupSums:
    """All that is known of one group.

    Attributes
    ----------
    objectives : tuple of Objective
    centre, scale : float arrays, shape (n_obj,)
        Reference point and units of the sums.
    reach : Reach
    tables : ClusterTables
        As `drift_tables` makes them.
    """

    objectives: tuple[Objective, ...]
    centre: Float
    scale: Float
    reach: Reach
    tables: ClusterTables

    def group(self, clusters: Clusters, resampling: Resampling) -> Group:
        """Return the group as every estimate is made of it, its sums about the mean of the earlier states."""
        n, t = len(self.objectives), self.tables
        about = Grams(symmetric(t.of("gram"), 1 + 2 * n), self.centre, self.scale, clusters.names)
        grams = about.rebase(*_reference(about))
        moved = self.centre - grams.centre
        paths = None
        if grams.g[:, 0, 0].any() and not self.reach.lineage and self.reach.n_sessions > 1:
            sums = t.tables["path"].values.copy()
            sums[:, :, 1 : 1 + n] += sums[:, :, :1] * moved
            start = self.part(t.of("first"), grams)
            first = start.g[:, : 1 + n, : 1 + n] * np.outer(np.r_[1.0, grams.scale], np.r_[1.0, grams.scale])
            paths = PathSums(sums, first, t.tables["path"].keys, grams.centre)
        return Group(self._observed(grams), clusters, resampling.weights, grams, paths)

    def part(self, sums: Float, grams: Grams) -> Grams:
        """Return the sums of a part of the transitions, shape (n_clusters, k), about the same point as those of all."""
        return Grams(symmetric(sums, 1 + 2 * grams.n_obj), self.centre, self.scale, grams.names).rebase(
            grams.centre, grams.scale
        )

    def early(self, grams: Grams) -> list[Grams] | None:
        """Return the sums of first transitions and of those at early steps; None where steps were not kept apart."""
        table, n = self.tables.tables.get("by_step"), float(grams.g[:, 0, 0].sum())
        if table is None or not np.isclose(table.values[:, :, 0].sum(), n):
            return None
        if n == 0:
            return []
        counts = table.values[:, :, 0].sum(axis=0)
        upto = np.cumsum(counts)
        middle = np.searchsorted(upto, [np.floor((n - 1) / 2), np.floor(n / 2)], side="right")
        before = table.keys < table.keys[middle].mean()
        parts = (self.tables.of("first"), table.values[:, before].sum(axis=1))
        return [self.part(sums, grams) for sums in parts if worth_testing(sums[:, 0].sum() / max(n, 1.0))]

    def _observed(self, grams: Grams) -> Observed:
        reach, lengths = self.reach, self.tables.tables["lengths"]
        ends = self.tables.of("ends").copy()
        ends[:, 1:] += ends[:, :1] * self.centre
        sessions = np.round(lengths.values.sum(axis=(0, 2))).astype(np.int64)
        return Observed(
            self.objectives,
            reach.lineage,
            reach.n_sessions,
            reach.n_steps,
            round(float(grams.g[:, 0, 0].sum())),
            reach.n_dropped,
            reach.n_idle,
            float(np.median(np.repeat(lengths.keys, sessions))) if len(sessions) else 0.0,
            np.where(np.isfinite(reach.low[0]), reach.high[0] - reach.low[0], 0.0),
            ends,
            self.tables.of("last_moves"),
            self._ends_at() if all(len(bins.keys) for bins in reach.ends) else None,
        )

    def _ends_at(self) -> Float:
        return np.array([[bins.percentile(q) for bins in self.reach.ends] for q in ENDS])

    @property
    def within(self) -> Within:
        """Sums of the within estimator."""
        t = self.tables
        lengths = t.tables["lengths"]
        sessions = lengths.values[:, :, 0]
        return Within.of_sums(t.of("within"), lengths.keys, sessions, t.of("changes"), self.scale)

    @property
    def instrument(self) -> Instrument:
        """Sums of the instrument estimator."""
        both = np.concatenate([self.tables.of("lagged"), self.tables.of("changes")], axis=1)
        return Instrument(both, self.centre, self.scale)


def _reference(grams: Grams) -> tuple[Float, Float]:
    """Return mean and standard deviation of the earlier states, from their sums."""
    n, total = grams.n_obj, grams.total()[0]
    count = max(float(total[0, 0]), 1.0)
    mean = total[0, 1 : 1 + n] / count
    sd = np.sqrt(np.maximum(np.diag(total)[1 : 1 + n] / count - mean**2, 0.0))
    return grams.centre + grams.scale * mean, grams.scale * np.where(sd > 1e-12 * (1 + np.abs(mean)), sd, 1.0)


def fit_sums(
    settings: DriftSettings, sums: GroupSums, clusters: Clusters, resampling: Resampling, rng: Rng, label: str
) -> LinearDriftFit:
    """Fit one group from its sums.

    Parameters
    ----------
    settings : LinearDrift
        With an estimator of `FROM_SUMS`.
    sums : GroupSums
    clusters : Clusters
        Of the sums, without rows.
    resampling : Resampling
        With the weights of these clusters.
    rng : Generator
        For the folds of the skill.
    label : str

    Returns
    -------
    LinearDriftFit
        What a fit of all rows by the same estimator would say; checks that need rows are not failed, and say so.

    Raises
    ------
    InputError
        The estimator cannot be had from data of this form.
    """
    found = _found(settings, sums, sums.group(clusters, resampling), rng)
    answered = answers(found)
    checks = _checks(found, sums)
    return fit_of(settings, found, answered, checks, _path(sums, settings.level), label)


def _found(settings: DriftSettings, sums: GroupSums, group: Group, rng: Rng) -> Found:
    level = settings.level
    if not group.fits:
        return Found(group, level, Choice(None, f"No drift could be fitted: {_no_fit(sums)}."), group.pooled, None)
    fold = cluster_folds(group.grams, rng)
    skill = None if fold is None else _skill(group, sums, fold, level)
    choice = _choice(settings.estimator, sums, group, level)
    if choice.estimated is None or choice.left_out is None:
        return Found(group, level, choice, group.pooled, skill)
    return Found(group, level, choice, group.read(choice.estimated, choice.left_out), skill)


def _skill(group: Group, sums: GroupSums, fold: Int, level: float) -> Skill:
    history = sums.tables.tables["history"]
    return skill_from_sums(group.grams, history, (sums.centre, sums.scale), fold, level)


def _no_fit(sums: GroupSums) -> str:
    n = round(float(sums.tables.total("gram")[0, 0])) if "gram" in sums.tables.tables else 0
    if n == 0:
        return "no transition has all objectives at both ends"
    if flat := _still(sums):
        return f"{', '.join(flat)} never changes"
    return f"{n} transitions are too few, or the objectives are exact copies of one another"


# ------------------------------------------------------------------------------- the estimator


def _choice(asked: str, sums: GroupSums, group: Group, level: float) -> Choice:
    left_out = LeftOut.of(group.filled, group.clusters.names)
    n_scores = group.observed.median_length + 1
    if asked != "pooled":
        _refuse_impossible(asked, group.observed, n_scores)
    choice = _named(asked, sums, group, left_out)
    if group.observed.lineage:
        return choice
    moments = group.pooled.point.moments, group.pooled.left.moments
    rivals: list[Rival] = [rival("pooled", moments[0].M, moments[1].M, level)]
    if n_scores >= SCORES and choice.name != "within":
        rivals.append(other("within", sums.within, left_out, level))
    if asked == "within":
        instrument = sums.instrument
        row = other("instrument", instrument, left_out, level)
        rivals.append(replace(row, stands=strong(instrument, left_out)))
    if choice.estimated is not None and choice.name is not None:
        rivals.append(rival(choice.name, choice.estimated.point.M, choice.estimated.left.M, level, "chosen"))
    elif choice.name == "pooled":
        rivals[0] = as_chosen(rivals[0])
    return replace(choice, rivals=tuple(rivals))


def _refuse_impossible(asked: str, seen: Observed, n_scores: float) -> None:
    if seen.lineage:
        raise InputError(f"estimator {asked}: these are proposals from chosen versions, which it would misread.")
    if n_scores < SCORES:
        raise InputError(
            f"estimator {asked}: needs 3 scores a session, and the median session has {n_scores:.0f}.",
            hint="pooled would work.",
        )


def _named(asked: str, sums: GroupSums, group: Group, left_out: LeftOut) -> Choice:
    if asked == "pooled":
        return Choice("pooled", "asked for.")
    sessions = f"{group.observed.n_sessions:,} sessions do not settle it"
    if asked == "within":
        within = sums.within
        if not root_found(within, within.sums.sum(axis=0, keepdims=True)).all():
            why = "the correction of the within estimator has no solution, as happens near a unit root"
            return Choice(None, f"within was asked for, and {sessions}: {why}.")
        return _made(asked, within, group, left_out)
    instrument = sums.instrument
    if not strong(instrument, left_out):
        why = "the scores a step before say too little about the next ones to see through a noisy scorer"
        return Choice(None, f"instrument was asked for, and {sessions}: {why}.")
    return _made(asked, instrument, group, left_out)


def _made(name: str, estimator: Within | Instrument, group: Group, left_out: LeftOut) -> Choice:
    estimated = estimate(estimator, left_out, group.weights)
    return Choice(name, f"{name}: asked for.", estimated=estimated, left_out=left_out)


# ------------------------------------------------------------------------------- checks, mean path


def _checks(found: Found, sums: GroupSums) -> tuple[Check, ...]:
    evidence = SumEvidence(**sum_evidence(found))
    made = {
        "white_scores": _white_scores(evidence),
        "at_bounds": _at_bounds(sums),
        "survivors_only": survivors(only=sums.reach.survivors_only or sums.reach.all_accepted),
        "constant": stillness(_still(sums), _alike(sums)),
    }
    if sums.reach.n_scored - sums.reach.n_longest < MIN_STOPPED:  # hardly any session ends before the longest one
        made["stops_on_success"] = stopped(sums.reach.n_on_target / max(sums.reach.n_sessions, 1))
    parts = sums.early(found.group.grams)
    if parts is not None:
        moments = evidence.grams, evidence.moments, evidence.left_out
        made["time_varying"] = steadiness(early_late_p(parts, *moments))
    if not sums.reach.tasks:
        made["tasks_on_scales"] = Outcome(None, True, "Not measured: no task is recorded.")
    out = []
    for rule in RULES:
        outcome = made.get(rule.name, Outcome(None, True, NEEDS_ROWS))
        rule_here = replace(rule, test=lambda _, o=outcome: o) if rule.name not in ON_SUMS else rule  # type: ignore[misc]
        out.append(rule_here.run(evidence))  # type: ignore[arg-type]
    return tuple(out)


def _white_scores(e: SumEvidence) -> Outcome:
    if e.skill is None:
        return whiteness(None, float("nan"), None)
    value, evidence = foreseen(e.names, e.skill)
    if evidence is None and e.choice.name not in ("pooled", None):
        return Outcome(None, True, "Not tested whether scores of a session follow one another: this needs the rows.")
    return whiteness(e.skill, value, evidence)


def _at_bounds(sums: GroupSums) -> Outcome:
    reach, n = sums.reach, round(float(sums.tables.total("gram")[0, 0]))
    if n == 0:
        return Outcome(None, True, "Not measured: no transition.")
    ends = np.array([reach.low[2], reach.high[2]])
    for j, o in enumerate(sums.objectives):
        ends[0, j] = ends[0, j] if o.low is None else o.low
        ends[1, j] = ends[1, j] if o.high is None else o.high
    at = np.array([reach.at_low, reach.at_high])
    return crowding([o.name for o in sums.objectives], ends, at, n, constant=reach.low[2] == reach.high[2])


def _still(sums: GroupSums) -> list[str]:
    """Return the objectives that never vary, at all or among the states that transitions start from."""
    low, high = sums.reach.low, sums.reach.high
    still = (low[0] == high[0]) | ((low[1] == high[1]) if sums.tables.total("gram")[0, 0] > 1 else False)
    return [o.name for o, flat in zip(sums.objectives, still, strict=True) if flat]


def _alike(sums: GroupSums) -> list[str]:
    """Return the objectives in which several sessions all start from one value."""
    same = (sums.reach.low[3] == sums.reach.high[3]) & (sums.reach.n_starts > 1)
    return [o.name for o, flat in zip(sums.objectives, same, strict=True) if flat]


def _path(sums: GroupSums, level: float) -> MeanPath:
    table = sums.tables.tables["steps"]
    means = [jackknife(*means_of_sums(table.values[:, k]), level=level) for k in range(len(table.keys))]
    n = np.round(table.values[:, :, 0].sum(axis=0)).astype(np.int64)
    ends = [np.array([getattr(m, end) for m in means]).reshape(len(n), -1) for end in ("value", "low", "high")]
    return MeanPath(table.keys, n, *(sums.centre + part for part in ends))
