"""One group of sessions as sums per cluster, and what a batch of fits on them says: the data, without each, draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Float, Int, group_starts
from ..inference.clusters import Clusters
from ..inference.intervals import cluster_sums
from ..inference.resample import FEW_CLUSTERS, LeftOut, Resampling
from ..panel.panel import Objective, Pairs, Panel
from .derive import derive, read_with
from .maps.base import Estimated
from .readings.interference import PathSums, start_moments
from .sums import Grams, Moments

ENDS = (5.0, 95.0)  # percentiles between which sessions end
MANY_CLUSTERS = 2000  # up to here the mean path is also had without each cluster
NO_PATHS: tuple[Float | None, Float | None] = (None, None)


@dataclass(frozen=True)
class Observed:
    """What is known of one group beside its transitions.

    Attributes
    ----------
    objectives : tuple of Objective
    lineage : bool
    n_sessions, n_steps, n_transitions, n_dropped, n_idle : int
        `n_idle` counts the sessions without a transition, `n_dropped` the transitions that lack a score.
    median_length : float
        Median number of transitions of the sessions that hold one.
    span : float array, shape (n_obj,)
        Of all scores, from the least to the largest.
    ends, last_moves : float arrays, shape (n_clusters, 1 + n_obj)
        Per cluster how many sessions hold a version at their end, and the sum of it; the same of their last changes.
    ends_at : float array, shape (2, n_obj, 2), or None
        Percentiles between which nine in ten sessions end: the least and the largest that each of them may be, which
        differ where sessions were counted in bins. None where no session holds anything.
    """

    objectives: tuple[Objective, ...]
    lineage: bool
    n_sessions: int
    n_steps: int
    n_transitions: int
    n_dropped: int
    n_idle: int
    median_length: float
    span: Float
    ends: Float
    last_moves: Float
    ends_at: Float | None

    @classmethod
    def of(cls, panel: Panel, pairs: Pairs, clusters: Clusters) -> Observed:
        """Look at the rows of a group."""
        starts = group_starts(pairs.session)
        lengths = np.diff(np.r_[starts, len(pairs)])
        last = starts + lengths - 1
        of_session = clusters.row[group_starts(panel.session)]
        session, x = panel.ends()
        some = panel.x[panel.complete]
        return cls(
            panel.objectives,
            panel.lineage,
            panel.n_sessions,
            len(panel),
            len(pairs),
            pairs.n_dropped,
            panel.n_sessions - len(starts),
            float(np.median(lengths)) if len(pairs) else 0.0,
            np.ptp(some, axis=0) if len(some) else np.zeros(panel.n_obj),
            cluster_sums(x, of_session[session], len(clusters)),
            cluster_sums(pairs.dx[last], clusters.row[pairs.end[last]], len(clusters)),
            np.repeat(np.percentile(x, ENDS, axis=0)[:, :, None], 2, axis=2) if len(x) else None,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Objective names, in order."""
        return tuple(o.name for o in self.objectives)

    @property
    def n_obj(self) -> int:
        """Number of objectives."""
        return len(self.objectives)


@dataclass(frozen=True)
class Group:
    """One group as the sums every estimate is made of.

    Attributes
    ----------
    observed : Observed
    clusters : Clusters
    weights : int array, shape (n_boot, n_clusters)
    grams : Grams
        Of the transitions, one per cluster.
    paths : PathSums or None
        None where there is no mean path: a lineage, or one session alone, which could not be told from its own course.
    """

    observed: Observed
    clusters: Clusters
    weights: Int
    grams: Grams
    paths: PathSums | None

    @classmethod
    def of(cls, panel: Panel, pairs: Pairs, resampling: Resampling) -> Group:
        """Accumulate the sums of a panel and its transitions."""
        clusters = resampling.clusters
        cluster = clusters.row[pairs.end]
        grams = Grams.of(pairs, cluster, clusters.names)
        has_path = len(pairs) > 0 and not panel.lineage and panel.n_sessions > 1
        paths = PathSums.of(pairs, cluster, len(grams), grams.centre) if has_path else None
        return cls(Observed.of(panel, pairs, clusters), clusters, resampling.weights, grams, paths)

    @cached_property
    def filled(self) -> Int:
        """Clusters that hold transitions."""
        return np.flatnonzero(self.grams.g[:, 0, 0] > 0)

    @property
    def n_clusters(self) -> int:
        """Number of clusters that hold transitions."""
        return len(self.filled)

    @property
    def n_independent(self) -> int:
        """Number of independent clusters: those in the blocks, where there are so many that blocks stand for them."""
        return len(self.clusters.members) or self.n_clusters

    @property
    def few(self) -> bool:
        """True where intervals leave out clusters: without draws there are no percentiles to take instead."""
        return self.n_clusters < FEW_CLUSTERS or len(self.weights) == 0

    @property
    def fits(self) -> bool:
        """True where the regression can be had."""
        return not bool(self.pooled.point.moments.singular[0]) and self.n_clusters > 0

    @cached_property
    def pooled(self) -> Reading:
        """The pooled regression of all transitions."""
        total, grams, paths = self.grams.total(), self.grams, self.paths
        point = Moments.of(total, grams)
        left = Moments.of((total - grams.g)[self.filled], grams)
        boot = Moments.of(grams.weighted(self.weights), grams)
        names = tuple(self.clusters.names[k] for k in self.filled)
        if bool(point.singular[0]) or self.n_clusters == 0:
            return Reading(Batch(point, {}), Batch(left, {}), Batch(boot, {}), None, names)
        whole = drawn = without = NO_PATHS
        left_path = None
        if paths is not None:
            whole, drawn = paths.total(), paths.weighted(self.weights)
            left_path = paths.total()[1] - paths.first[self.filled]
            if self.n_clusters <= MANY_CLUSTERS:
                without = paths.total()[0] - paths.sums[self.filled], left_path
        return Reading(
            Batch(point, derive(point, *whole)),
            Batch(left, derive(left, *without)),
            Batch(boot, derive(boot, *drawn)),
            left_path,
            names,
        )

    def read(self, found: Estimated, left_out: LeftOut) -> Reading:
        """Return the same data read with another estimator's parameters."""
        pooled, grams, paths = self.pooled, self.grams, self.paths
        left = Moments.of(grams.total() - left_out.sums(grams.g), grams)
        whole = without = drawn = NO_PATHS
        if paths is not None:
            sums, first = whole = paths.total()
            without = sums - left_out.sums(paths.sums), first - left_out.sums(paths.first)
            drawn = paths.weighted(self.weights)
        return Reading(
            Batch(*read_with(pooled.point.moments, found.point, *whole)),
            Batch(*read_with(left, found.left, *without)),
            Batch(*read_with(pooled.boot.moments, found.boot, *drawn)),
            without[1],
            left_out.names,
        )


@dataclass(frozen=True)
class Batch:
    """Moments of a batch of samples with the slopes of one estimator, and all that follows: quantity to array."""

    moments: Moments
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True)
class Reading:
    """One estimator on the data, without each cluster (`names`), and on the bootstrap draws.

    `left_path` are the path's first moments without each cluster, None where there is no mean path.
    """

    point: Batch
    left: Batch
    boot: Batch
    left_path: Float | None
    names: tuple[str, ...]

    @property
    def left_gap(self) -> Float:
        """Mean start minus fixed point, without each cluster."""
        if "gap" in self.left.values:
            return np.asarray(self.left["gap"])
        assert self.left_path is not None  # noqa: S101 - gaps are asked for only where a mean path exists
        return np.asarray(self.left.moments.centre + start_moments(self.left_path)[0] - self.left["fixed_point"])
