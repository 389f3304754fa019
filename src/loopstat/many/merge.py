"""Sums of parts to the analysis that one run over all rows would give, as far as sums carry it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from ..analysis.analyze import Analysis
from ..arrays import Int
from ..decide.analysis import kept_settings as decision_settings
from ..decide.analysis import notes_of
from ..decide.carried import ValueSums, decided_from_sums, units_from_sums
from ..decide.fit import Units
from ..decide.settings import MeanCurve
from ..drift.analysis import direction_note, kept_settings
from ..drift.carried.fit import FROM_SUMS, GroupSums, fit_sums
from ..drift.compare import compare, estimators_note
from ..drift.fit import LinearDriftFit
from ..drift.settings import LinearDrift
from ..errors import InputError, SettingsError
from ..inference.clusters import MIN_SHARED_STARTS, N_BLOCKS, Clusters
from ..inference.resample import Resampling
from ..inference.shared import drawn
from ..inference.tables import ClusterTables
from ..panel.groups import label_of
from ..panel.labels import Labels
from ..panel.panel import Source
from ..results.decision import Decided
from .file import load_stats
from .sums import TASK, GroupStats, Stats

Part = Stats | str | os.PathLike[str]

NEEDS_ROWS = (
    "Needs the rows, and is not here: the latent and the censored likelihoods and tests of differing sessions, scorer "
    "noise, curvature and copied sessions; rules, forecasts and groups against each other at their best steps; Pareto "
    "standing."
)


@dataclass(frozen=True)
class Chosen:
    """One group with the clusters that carry its intervals."""

    label: str
    values: tuple[str, ...]
    stats: GroupStats
    kind: str
    sentence: str
    tables: ClusterTables

    @property
    def clusters(self) -> Clusters:
        """The clusters as a fit knows them."""
        return self.tables.clusters(self.kind, self.sentence, self.label)


def merge(
    parts: Part | Sequence[Part],
    *,
    estimator: LinearDrift | None = None,
    decision: MeanCurve | None = None,
    seed: int = 0,
    reference: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Analysis:
    """Analyse parts of a recording that were brought down to sums, as one.

    Parameters
    ----------
    parts : Stats, path of a file of sums, or sequence of these
        In any order.
    estimator : LinearDrift, optional
        `pooled`, `within` or `instrument`; default pooled.
    decision : MeanCurve, optional
        Price, weights, horizon, draws and level; how value is held was said when the sums were made.
    seed : int
    reference : str, optional
        Label of the group the others are compared with, where there are more than six.
    settings : mapping, optional
        Further settings to keep with the result.

    Returns
    -------
    Analysis
        As `loopstat.analyze` gives, with every figure that sums carry equal to one run over all rows; what needs rows
        is named in `notes`, `reasons` and checks.

    Raises
    ------
    InputError
        Parts were made by other settings, or share a file; or an estimator cannot be had from such data.
    SettingsError
        An estimator that needs the rows.

    Notes
    -----
    Clusters are resampled in the order of files and of sessions in them; tasks, of which only hashes are known, in the
    order of these, so that intervals by bootstrap and held-out skill by task differ by chance from those of rows.
    """
    several = [parts] if isinstance(parts, Stats | str | os.PathLike) else list(parts)
    if not several:
        raise SettingsError("`parts` is empty: nothing to merge.")
    total = reduce(add, (part if isinstance(part, Stats) else load_stats(part) for part in several))
    estimator = estimator or LinearDrift("pooled")
    if estimator.estimator not in FROM_SUMS or estimator.thorough or estimator.stops_at_bounds:
        raise SettingsError(
            f"sums carry the estimators {', '.join(FROM_SUMS)}; `{estimator.estimator}` needs the rows, "
            "which `loopstat analyze` reads."
        )
    decision = decision or MeanCurve(n_boot=estimator.n_boot, level=estimator.level)
    made = total.made
    estimator = replace(estimator, cluster=made.cluster)
    decision = replace(decision, cluster=made.cluster, **_held_as(total))
    groups = _chosen(total)
    if not groups:
        raise InputError("no session carries the labels that groups are made of.")
    weights = _weights(groups, total, estimator.n_boot, seed)
    fits = [_fit(total, g, w, estimator, seed) for g, w in zip(groups, weights, strict=True)]
    decided, units, why = _decisions(total, groups, weights, decision)
    missing = {"decision": why} if why else {}
    fits = [replace(fit, decided=decided.get(fit.label), reasons={**fit.reasons, **missing}) for fit in fits]
    own = {} if units is None else decision_settings(decision, units, list(made.by), seed)
    notes = [*total.notes, *direction_note(made.objectives)]
    notes += estimators_note(fits, reference) if len(fits) > 1 else []
    notes += [] if units is None else notes_of(units, list(decided.values()))
    return Analysis(
        groups=tuple(fits),
        objectives=made.objectives,
        source=Source(tuple(o.name for o in total.origins), _digest(total)),
        n_sessions=total.n_sessions,
        n_steps=total.n_steps,
        settings={
            **own,
            **kept_settings(estimator, made.by, seed, reference),
            **{name: made.read.get(name) for name in ("columns", "transform", "from_step", "where")},
            **(settings or {}),
        },
        notes=(*notes, *([why] if why else []), NEEDS_ROWS),
        comparisons=compare(fits, reference=reference, level=estimator.level),
    )


def _held_as(total: Stats) -> dict[str, Any]:
    how = total.made.holding
    return {"keep": how.keep, "ended": how.ended, "rules": False}


def _digest(total: Stats) -> str:
    if len(total.origins) == 1:
        return total.origins[0].digest
    return hashlib.sha256("".join(o.digest for o in total.origins).encode()).hexdigest()


# ------------------------------------------------------------------------------- clusters and weights


def _chosen(total: Stats) -> list[Chosen]:
    """Return the groups in the order of their labels, each with its clusters; many of a kind in blocks everywhere."""
    columns = range(len(total.made.by))
    rank = [{name: k for k, name in enumerate(Labels.of({v[c] for v in total.groups}).names)} for c in columns]
    ordered = sorted(total.groups, key=lambda values: [rank[c][values[c]] for c in columns])
    found = []
    for values in ordered:
        stats = total.groups[values]
        label = label_of(dict(zip(total.made.by, values, strict=True)))
        kind, sentence = _kind(total, stats)
        found.append(Chosen(label, values, stats, kind, sentence, stats.tables[kind]))
    many = {g.kind for g in found if g.tables.blocked}
    return [replace(g, tables=g.tables.in_blocks()) if g.kind in many else g for g in found]


def _kind(total: Stats, stats: GroupStats) -> tuple[str, str]:
    n, asked = stats.reach.n_sessions, total.made.cluster
    if asked is not None:
        return asked, "session" if asked == "session" else f"{asked} (asked for)"
    if TASK in stats.tables:
        values = stats.tables[TASK].n_independent - stats.n_bare[TASK]
        if MIN_SHARED_STARTS <= values < n:
            return TASK, f"task: {n} sessions share {values} starts"
    return "session", "session"


def _weights(groups: Sequence[Chosen], total: Stats, n_boot: int, seed: int) -> list[Int]:
    """Return every group's columns of the weights that all share, drawn once for each kind of cluster."""
    out: dict[int, Int] = {}
    for kind in dict.fromkeys(g.kind for g in groups):
        own = {k: g.tables for k, g in enumerate(groups) if g.kind == kind}
        bare = [replace(t, tables={}) for t in own.values()]
        if bare[0].blocked:
            weights = drawn(kind, N_BLOCKS, n_boot, seed)
            out |= {k: weights[:, t.ids] for k, t in own.items()}
            continue
        rows = np.concatenate([np.stack([t.file, t.place, t.ids], axis=1) for t in bare])
        every = np.unique(rows, axis=0)
        weights = drawn(kind, len(every), n_boot, seed)
        at = {tuple(row): k for k, row in enumerate(every.tolist())}
        for k, t in own.items():
            columns = [at[row] for row in zip(t.file.tolist(), t.place.tolist(), t.ids.tolist(), strict=True)]
            out[k] = weights[:, columns]
    return [out[k] for k in range(len(groups))]


# ------------------------------------------------------------------------------- fits and decisions


def _fit(total: Stats, group: Chosen, weights: Int, estimator: LinearDrift, seed: int) -> LinearDriftFit:
    made = total.made
    sums = GroupSums(made.objectives, total.centre, total.scale, group.stats.reach, group.tables)
    rng = np.random.default_rng([seed, *group.label.encode()])
    clusters = group.clusters
    fit = fit_sums(estimator, sums, clusters, Resampling(clusters, weights), rng, group.label)
    return replace(fit, by=dict(zip(made.by, group.values, strict=True)))


def _decisions(
    total: Stats, groups: Sequence[Chosen], weights: Sequence[Int], decision: MeanCurve
) -> tuple[dict[str, Decided], Units | None, str]:
    """Return the decisions by group, their units, and why there are none."""
    made = total.made
    held: list[tuple[Chosen, ValueSums, Int]] = []
    for g, w in zip(groups, weights, strict=True):
        reach = g.stats.reach
        early = reach.n_scored - reach.n_longest
        sums = ValueSums(
            made.objectives,
            total.centre,
            g.tables,
            g.stats.over_all,
            made.holding,
            reach.lineage,
            reach.zero_one,
            early,
        )
        if reach.n_scored:
            held.append((g, sums, w))
    missing = {g.label: why for g, sums, _ in held if (why := sums.missing) is not None}
    if missing or not held:
        said = "; ".join(f"{label}: {why}" for label, why in missing.items()) or "no session has a score"
        return {}, None, f"When to stop needs the rows ({said}): `loopstat decide` reads them."
    units = units_from_sums(decision, [sums for _, sums, _ in held])
    decided = {}
    for g, sums, w in held:
        clusters = g.clusters
        found = decided_from_sums(decision, sums, units, clusters, Resampling(clusters, w), g.label)
        decided[g.label] = replace(found, by=dict(zip(made.by, g.values, strict=True)))
    return decided, units, ""
