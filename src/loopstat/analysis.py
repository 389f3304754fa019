"""One analysis: a panel split into groups, one fit each, with shared bootstrap weights, as one plain-data result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import __version__
from .arrays import Int
from .compare import Comparison, compare, estimators_note
from .drift import LinearDrift
from .errors import InputError
from .fit import LinearDriftFit
from .panel import Objective, Panel, Source, as_names
from .pareto import ParetoGroup, pareto
from .resample import Clusters, Resampling, bootstrap_weights, choose_clusters
from .result import Table, plain
from .slopes import ScorerNoise

SCHEMA = "loopstat.analysis/1"
MAX_DEFAULT_GROUPS = 8
MIN_DEFAULT_SESSIONS = 10

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Analysis:
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

    groups: tuple[LinearDriftFit, ...]
    objectives: tuple[Objective, ...]
    source: Source
    n_sessions: int
    n_steps: int
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    pareto: tuple[ParetoGroup, ...] = ()
    panel: Panel | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        return "\n\n".join(repr(g) for g in self.groups)

    def _repr_html_(self) -> str:
        return "".join(g._repr_html_() for g in self.groups)

    def summary(self) -> Table:
        """Return one row per group: its verdict."""
        rows = tuple((g.label, str(g.counts["n_sessions"]), g.verdict.sentence) for g in self.groups)
        return Table("Verdicts", ("group", "sessions", "verdict"), rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; see the glossary for every key."""
        return {
            "schema": SCHEMA,
            "version": __version__,
            "source": {
                "files": list(self.source.files),
                "digest": self.source.digest,
                "n_sessions": self.n_sessions,
                "n_steps": self.n_steps,
            },
            "settings": {**plain(self.settings), "objectives": [o.to_dict() for o in self.objectives]},
            "notes": list(self.notes),
            "groups": [g.to_dict() for g in self.groups],
            "comparisons": [c.to_dict() for c in self.comparisons],
            "pareto": [p.to_dict() for p in self.pareto],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Analysis:
        """Read back what `to_dict` wrote; the panel itself is not in it."""
        if data.get("schema") != SCHEMA:
            raise InputError(f"expected an analysis of schema {SCHEMA!r}. Got {data.get('schema')!r}.")
        settings = dict(data["settings"])
        objectives = tuple(
            Objective(o["name"], o["direction"] == "maximize", o["low"], o["high"], o["transform"])
            for o in settings.pop("objectives")
        )
        by_name = {o.name: o for o in objectives}
        known = settings.get("scorer_noise")
        estimator = LinearDrift(
            settings["estimator"],
            n_boot=settings["bootstrap"],
            level=settings["level"],
            cluster=settings["cluster"],
            scorer_noise=None if known is None else ScorerNoise(tuple(known["objectives"]), known["covariance"]),
            stops_at_bounds=settings["stops_at_bounds"],
            thorough=settings["thorough"],
        )
        groups = tuple(
            LinearDriftFit.from_dict(g, settings=estimator, objectives=tuple(by_name[n] for n in g["objectives"]))
            for g in data["groups"]
        )
        source = data["source"]
        return cls(
            groups=groups,
            objectives=objectives,
            source=Source(tuple(source["files"]), source["digest"], tuple(data["notes"])),
            n_sessions=source["n_sessions"],
            n_steps=source["n_steps"],
            settings=settings,
            notes=tuple(data["notes"]),
            comparisons=tuple(Comparison.from_dict(c) for c in data["comparisons"]),
            pareto=tuple(ParetoGroup.from_dict(p) for p in data["pareto"]),
        )


def analyze(
    panel: Panel,
    *,
    by: str | Sequence[str] | None = None,
    estimator: LinearDrift | None = None,
    seed: int = 0,
    reference: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Fit every group of a panel.

    Parameters
    ----------
    panel : Panel
    by : label columns, optional
        One group per combination of values. Default: `strategy` where it has at most 8 values with at least 10
        sessions each, otherwise no grouping; an empty list asks for no grouping.
    estimator : LinearDrift, optional
        Default `LinearDrift("auto")`.
    seed : int
    reference : str, optional
        Label of the group the others are compared with, where there are more than six.
    settings : mapping, optional
        Further settings to keep with the result (how the panel was read).
    progress : callable, optional
        Called with (done, total, label) before each group.

    Returns
    -------
    Analysis
    """
    estimator = estimator or LinearDrift("auto")
    columns, note = (list(as_names(by)), "") if by is not None else default_by(panel)
    parts = panel.split(columns)
    weights = _Weights(panel, estimator, seed)
    groups = []
    for k, (values, part) in enumerate(parts):
        label = ", ".join(f"{column}={value}" for column, value in values.items()) or "all"
        if progress:
            progress(k, len(parts), label)
        # Folds depend on the seed and the label only: adding a group leaves the others as they are.
        rng = np.random.default_rng([seed, *label.encode()])
        fit = estimator.fit(part, rng=rng, resampling=weights.of(part), label=label)
        groups.append(replace(fit, by=values))
    if progress:
        progress(len(parts), len(parts), "")
    labelled = [(group.label, part) for group, (_, part) in zip(groups, parts, strict=True)]
    kept = {
        "by": columns,
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
    return Analysis(
        groups=tuple(groups),
        objectives=panel.objectives,
        source=panel.source,
        n_sessions=panel.n_sessions,
        n_steps=len(panel),
        settings={**kept, **(settings or {})},
        notes=(
            *panel.source.notes,
            *([note] if note else []),
            *_direction_note(panel),
            *_kept_note(panel),
            *(estimators_note(groups, reference) if len(groups) > 1 else []),
        ),
        comparisons=compare(groups, reference=reference, level=estimator.level),
        pareto=pareto(
            labelled, level=estimator.level, cluster=estimator.cluster, rng=np.random.default_rng([seed, len(parts)])
        ),
        panel=panel,
    )


def default_by(panel: Panel) -> tuple[list[str], str]:
    """Choose the grouping where none was asked for; return the columns and a sentence."""
    if "strategy" not in panel.labels:
        return [], ""
    values = panel.label_values("strategy")
    if len(values) < 2:
        return (["strategy"] if values else []), ""
    sizes = {v: panel.where(strategy=v).n_sessions for v in values} if len(values) <= MAX_DEFAULT_GROUPS else {}
    if sizes and min(sizes.values()) >= MIN_DEFAULT_SESSIONS:
        return ["strategy"], "Groups: strategy (use --by to choose)."
    why = (
        f"{len(values)} strategies"
        if not sizes
        else f"strategy {min(sizes, key=lambda v: sizes[v])!r} has fewer than {MIN_DEFAULT_SESSIONS} sessions"
    )
    return [], f"All sessions pooled: {why}; use --by strategy to see them apart."


def _direction_note(panel: Panel) -> list[str]:
    if all(o.maximize for o in panel.objectives):
        return ["Larger counts as better for every objective; use --minimize to say otherwise."]
    return []


def _kept_note(panel: Panel) -> list[str]:
    if panel.lineage and panel.accepted is None:
        return ["kept versions: those later used as parents, because no `accepted` column says what was kept."]
    return []


class _Weights:
    """Bootstrap weights by kind of cluster, drawn once for the whole panel and handed to each group."""

    def __init__(self, panel: Panel, estimator: LinearDrift, seed: int) -> None:
        self.panel, self.estimator, self.seed = panel, estimator, seed
        self.drawn: dict[str, tuple[dict[str, int], Int]] = {}

    def of(self, part: Panel) -> Resampling:
        """Return the clusters of a group and its columns of the shared weights."""
        clusters = choose_clusters(part, self.estimator.cluster)
        if clusters.kind == "block":
            rng = np.random.default_rng([self.seed, len(part)])
            return Resampling(clusters, bootstrap_weights(len(clusters), self.estimator.n_boot, rng))
        position, weights = self._whole(clusters)
        columns = [position[name] for name in clusters.names]
        return Resampling(clusters, weights[:, columns])

    def _whole(self, clusters: Clusters) -> tuple[dict[str, int], Int]:
        if clusters.kind not in self.drawn:
            names = self._names(clusters.kind)
            rng = np.random.default_rng([self.seed, *clusters.kind.encode()])
            weights = bootstrap_weights(len(names), self.estimator.n_boot, rng)
            self.drawn[clusters.kind] = {name: i for i, name in enumerate(names)}, weights
        return self.drawn[clusters.kind]

    def _names(self, kind: str) -> tuple[str, ...]:
        if kind == "session":
            return self.panel.session_names
        return choose_clusters(self.panel, kind).names
