"""One analysis: a panel split into groups, one fit each, with shared bootstrap weights, as one plain-data result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ..inference.pareto import ParetoGroup, pareto
from ..inference.resample import Resampling
from ..inference.shared import shared_resampling
from ..inference.workers import Progress as Progress
from ..inference.workers import run_all
from ..panel.groups import default_groups, label_of
from ..panel.noise import ScorerNoise
from ..panel.panel import Objective, Panel, Source, as_names
from ..results.document import view_of
from ..results.record import Record, written
from ..results.result import Table
from .compare import Comparison, compare, estimators_note
from .fit import LinearDriftFit
from .readings.survivors import survivors_notes
from .settings import LinearDrift

SCHEMA = "loopstat.analysis/1"


@dataclass(frozen=True)
class DriftJob:
    """One group to fit; its folds depend on the seed and the label only."""

    estimator: LinearDrift
    panel: Panel
    resampling: Resampling
    seed: int
    label: str

    @property
    def size(self) -> int:
        """Rows of the group."""
        return len(self.panel)

    def run(self, progress: Progress | None = None) -> LinearDriftFit:
        """Fit the group."""
        from threadpoolctl import threadpool_limits

        rng = np.random.default_rng([self.seed, *self.label.encode()])
        # One thread, here as in other processes: how many share a sum decides its last digit.
        with threadpool_limits(1):
            return self.estimator.fit(
                self.panel, rng=rng, resampling=self.resampling, label=self.label, progress=progress
            )


@dataclass(frozen=True, eq=False)
class DriftAnalysis(Record):
    """Fits of every group of a panel.

    Attributes
    ----------
    groups : tuple of LinearDriftFit
    objectives : tuple of Objective
    source : Source
    n_sessions, n_steps : int
    settings : dict
        Everything that decides the figures; the same settings, data and seed give the same figures.
    notes : tuple of str
        What was guessed, left out or assumed, in sentences.
    comparisons : tuple of Comparison
        Groups against each other.
    pareto : tuple of ParetoGroup
        Groups on all objectives at once.
    panel : Panel or None
        What was analysed; None in a result read back from JSON.
    """

    KEYS: ClassVar[tuple[str, ...]] = (
        *("schema", "version", "source", "n_sessions", "n_steps", "settings", "objectives", "notes", "groups"),
        *("comparisons", "pareto"),
    )
    SCHEMA = SCHEMA

    groups: tuple[LinearDriftFit, ...]
    objectives: tuple[Objective, ...] = field(metadata=written("settings.objectives"))
    source: Source
    n_sessions: int = field(metadata=written("source.n_sessions"))
    n_steps: int = field(metadata=written("source.n_steps"))
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    pareto: tuple[ParetoGroup, ...] = ()
    panel: Panel | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        return "\n\n".join(repr(g) for g in self.groups)

    def _repr_html_(self) -> str:
        return view_of(self)._repr_html_()

    def completed(self, data: Mapping[str, Any]) -> DriftAnalysis:
        """Return the analysis with the settings and objectives of its groups."""
        settings = {name: value for name, value in self.settings.items() if name != "objectives"}
        known = settings["scorer_noise"]
        estimator = LinearDrift(
            settings["estimator"],
            n_boot=settings["bootstrap"],
            level=settings["level"],
            cluster=settings["cluster"],
            scorer_noise=None if known is None else ScorerNoise(tuple(known["objectives"]), known["covariance"]),
            stops_at_bounds=settings["stops_at_bounds"],
            thorough=settings["thorough"],
        )
        named = {o.name: o for o in self.objectives}
        groups = tuple(group.remade(estimator, named) for group in self.groups)
        return replace(self, settings=settings, groups=groups, source=replace(self.source, notes=self.notes))

    def summary(self) -> Table:
        """Return one row per group: when to stop, where that was asked too."""
        rows = ((g.label, str(g.counts["n_sessions"]), g.verdict.sentence if g.verdict else "") for g in self.groups)
        return Table("Verdicts", ("group", "sessions", "verdict"), tuple(rows))


def analyze_drift(
    panel: Panel,
    *,
    by: str | Sequence[str] | None = None,
    estimator: LinearDrift | None = None,
    seed: int = 0,
    reference: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
) -> DriftAnalysis:
    """Fit every group of a panel; `loopstat.analyze`, which reads a table first, says what the arguments are.

    Parameters
    ----------
    panel : Panel
    by, estimator, seed, reference, settings, progress : optional
        As `loopstat.analyze` takes them.
    workers : int, optional
        Processes that groups are fitted in; the figures do not depend on it. Default: as many as there are cores where
        the work is long enough to pay for them, none otherwise.
    """
    estimator = estimator or LinearDrift()
    columns, note = (list(as_names(by)), "") if by is not None else default_groups(panel)
    parts = panel.split(columns)
    only = [part for _, part in parts]
    resampled = shared_resampling(panel, only, column=estimator.cluster, n_boot=estimator.n_boot, seed=seed)
    jobs = [
        DriftJob(estimator, part, resampling, seed, label_of(values))
        for (values, part), resampling in zip(parts, resampled, strict=True)
    ]
    fits = run_all(jobs, mode="process", workers=workers, progress=progress)
    groups = [replace(fit, by=values) for fit, (values, _) in zip(fits, parts, strict=True)]
    labelled = [(group.label, part) for group, (_, part) in zip(groups, parts, strict=True)]
    kept = kept_settings(estimator, columns, seed, reference)
    return DriftAnalysis(
        groups=tuple(groups),
        objectives=panel.objectives,
        source=panel.source,
        n_sessions=panel.n_sessions,
        n_steps=len(panel),
        settings={**kept, **(settings or {})},
        notes=(
            *panel.source.notes,
            *([note] if note else []),
            *direction_note(panel.objectives),
            *_kept_note(panel),
            *survivors_notes(panel, level=estimator.level),
            *(estimators_note(groups, reference) if len(groups) > 1 else []),
        ),
        comparisons=compare(groups, reference=reference, level=estimator.level),
        pareto=pareto(
            labelled, level=estimator.level, cluster=estimator.cluster, rng=np.random.default_rng([seed, len(parts)])
        ),
        panel=panel,
    )


def kept_settings(estimator: LinearDrift, columns: Sequence[str], seed: int, reference: str | None) -> dict[str, Any]:
    """Return the settings that are kept with a result."""
    return {
        "by": list(columns),
        "cluster": estimator.cluster,
        "estimator": estimator.estimator,
        "scorer_noise": None if estimator.scorer_noise is None else estimator.scorer_noise.to_dict(),
        "stops_at_bounds": estimator.stops_at_bounds,
        "thorough": estimator.thorough,
        "bootstrap": estimator.n_boot,
        "level": estimator.level,
        "seed": seed,
        "reference": reference,
    }


def direction_note(objectives: Sequence[Objective]) -> list[str]:
    """Say which way is better where nobody said so."""
    if all(o.maximize for o in objectives):
        return ["Larger counts as better for every objective; use --minimize to say otherwise."]
    return []


def _kept_note(panel: Panel) -> list[str]:
    if panel.lineage and panel.accepted is None:
        return ["kept versions: those later used as parents, because no `accepted` column says what was kept."]
    return []
