"""Where the sessions of a group end: centre, the set that holds 90 % of them, overlap of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..arrays import Bool, Float, Int
from ..inference.estimate import Estimate
from ..inference.intervals import mean_by_cluster, share_with_error
from ..inference.resample import bootstrap_weights
from ..results.record import UNWRITTEN, Record
from .strata import Side

HELD = 0.9  # share of sessions in the set
TAILS = ((1 - HELD) / 2, (1 + HELD) / 2)
MAD = 1.4826  # of a median absolute deviation to a standard deviation, in a normal law
MOST = 2000  # sessions a group's set is made from, evenly through them
FEWEST = 5
DRAWS = 200  # of weights on clusters, for the error of a share
NEAR, TINY = 1e-9, 1e-12  # of rounding
FAINT = 1e-6  # of a value, below which two are one


@dataclass(frozen=True, eq=False)
class Region(Record):
    """Where the sessions of a group end: the version each holds after its last step.

    Attributes
    ----------
    label : str
    n : int
    objectives : tuple of str
    centre : Estimate, shape (n_obj,)
        Mean of each objective.
    reach_low, reach_high : float arrays, shape (n_obj,)
        Between these lie 90 % of the sessions, objective by objective.
    outline : float array, shape (n_corners, 2)
        Of the set of the first two objectives, for pictures; not written.
    """

    label: str
    n: int
    objectives: tuple[str, ...]
    centre: Estimate
    reach_low: Float
    reach_high: Float
    outline: Float | None = field(default=None, repr=False, metadata=UNWRITTEN)


@dataclass(frozen=True, eq=False)
class Overlap(Record):
    """How much of one group lies where another's sessions end.

    Attributes
    ----------
    a, b : str
    inside : Estimate
        Share of the sessions of `a` inside the set that holds 90 % of those of `b`: about 0.9 where both go to one
        place.
    """

    a: str
    b: str
    inside: Estimate


@dataclass(frozen=True)
class Ellipse:
    """A set that holds 90 % of some points: all within a Mahalanobis distance of its centre.

    Attributes
    ----------
    centre : float array, shape (n,)
    inverse : float array, shape (n, n)
        Of a covariance that few far points do not move.
    radius : float
    """

    centre: Float
    inverse: Float
    radius: float

    @classmethod
    def of(cls, points: Float) -> Ellipse:
        """Return the set of points of shape (m, n); of one coordinate, what lies between its quantiles.

        Reference
        ---------
        Maronna and Zamar (2002), Technometrics 44, 307 (covariance from scales of projections); the radius is the
        quantile of the points' own distances, whatever their law.
        """
        if points.shape[1] == 1:
            low, high = np.quantile(points[:, 0], TAILS, method="inverted_cdf")
            return cls(np.array([(low + high) / 2]), np.ones((1, 1)), float(high - low) / 2)
        centre = np.median(points, axis=0)
        # Where nothing varies a point elsewhere is outside, not of no distance.
        least = FAINT * np.maximum(np.abs(points).max(axis=0), TINY)
        inverse = np.asarray(np.linalg.inv(robust_covariance(points - centre) + np.diag(least**2)), dtype=np.float64)
        bare = cls(centre, inverse, 0.0)
        return replace(bare, radius=float(np.quantile(bare.distance(points), HELD, method="inverted_cdf")))

    def distance(self, points: Float) -> Float:
        """Return Mahalanobis distances, shape (m,)."""
        apart = points - self.centre
        return np.asarray(np.sqrt(np.maximum(np.einsum("mi,ij,mj->m", apart, self.inverse, apart), 0.0)))

    def holds(self, points: Float) -> Bool:
        """Return which points lie inside, shape (m,); all of the same value do where nothing varies."""
        return np.asarray(self.distance(points) <= self.radius * (1 + NEAR) + TINY)

    def outline(self) -> Float:
        """Return the edge of the set in its first two coordinates, shape (73, 2)."""
        values, vectors = np.linalg.eigh(np.linalg.inv(self.inverse)[:2, :2])
        turn = np.linspace(0, 2 * np.pi, 73)
        circle = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.sqrt(np.maximum(values, 0.0))
        return np.asarray(self.centre[:2] + self.radius * circle @ vectors.T)


def robust_covariance(points: Float) -> Float:
    """Return a covariance of centred points that few far points do not move, shape (n, n); never negative.

    Pairwise covariances (s(u + v)^2 - s(u - v)^2)/4 of scaled coordinates give directions; the scales of the points
    along these give the covariance.
    """
    n = points.shape[1]
    scale = _scale(points)
    z = points / np.where(scale > 0, scale, 1.0)
    first, second = np.triu_indices(n, 1)
    pairwise = np.diag((scale > 0).astype(np.float64))
    plus, minus = (_scale(z[:, first] + s * z[:, second]) for s in (1.0, -1.0))
    pairwise[first, second] = pairwise[second, first] = (plus**2 - minus**2) / 4
    directions = np.linalg.eigh(pairwise)[1]
    along = _scale(z @ directions)
    root = scale[:, None] * directions * along
    return np.asarray(root @ root.T)


def _scale(columns: Float) -> Float:
    """Return the spread of columns by their median absolute deviation; their sd where half of them are one value."""
    mad = MAD * np.median(np.abs(columns - np.median(columns, axis=0)), axis=0)
    return np.asarray(np.where(mad > 0, mad, columns.std(axis=0)))


@dataclass(frozen=True)
class _Cloud:
    """Where the sessions of a group end, their clusters, and draws of weights on those."""

    side: Side
    x: Float
    cluster: Int

    @classmethod
    def of(cls, side: Side) -> _Cloud:
        there = np.flatnonzero(np.isfinite(side.x).all(axis=1))
        if len(there) > MOST:
            there = there[np.linspace(0, len(there) - 1, MOST).astype(np.int64)]
        return cls(side, side.x[there], side.cluster[there])

    @cached_property
    def whole(self) -> Ellipse:
        return Ellipse.of(self.x)

    @cached_property
    def n_clusters(self) -> int:
        return len(np.unique(self.cluster))

    @cached_property
    def edges(self) -> Float:
        """The distance that 90 % of the sessions are within, under each draw, shape (DRAWS,)."""
        distance = self.whole.distance(self.x)
        order = np.argsort(distance)
        mass = np.cumsum(self.weights[:, order], axis=1)
        at = np.argmax(mass >= HELD * mass[:, -1:] * (1 - NEAR), axis=1)
        return np.asarray(distance[order][at])

    @cached_property
    def weights(self) -> Float:
        """Weights of the sessions, those of one cluster alike, shape (DRAWS, n): clusters of one name share them."""
        side = self.side
        alone = [*side.label.encode()] if side.kind in ("session", "block") else []
        rng = np.random.default_rng([len(side.names), *alone])
        return bootstrap_weights(len(side.names), DRAWS, rng)[:, self.cluster].astype(np.float64)


def regions(sides: Sequence[Side], objectives: tuple[str, ...], *, level: float) -> tuple[Region, ...]:
    """Return where each group's sessions end; groups of fewer than five are left out."""
    clouds = [_Cloud.of(side) for side in sides]
    return tuple(_region(c, objectives, level) for c in clouds if len(c.x) >= FEWEST)


def _region(cloud: _Cloud, objectives: tuple[str, ...], level: float) -> Region:
    side, x = cloud.side, cloud.x
    centre = mean_by_cluster(x, cloud.cluster, len(side.names), level=level)
    low, high = np.quantile(x, TAILS, axis=0, method="inverted_cdf")
    outline = cloud.whole.outline() if x.shape[1] > 1 else None
    return Region(side.label, len(x), objectives, centre, low, high, outline)


def overlaps(pairs: Sequence[tuple[Side, Side]], *, level: float) -> tuple[Overlap, ...]:
    """Return how much of each group of a pair lies in the other's set, both ways."""
    clouds = {side.label: _Cloud.of(side) for pair in pairs for side in pair}
    both = [order for a, b in pairs for order in ((a, b), (b, a))]
    asked = [(clouds[a.label], clouds[b.label]) for a, b in both]
    return tuple(_overlap(a, b, level) for a, b in asked if min(a.n_clusters, b.n_clusters) >= FEWEST)


def _overlap(a: _Cloud, b: _Cloud, level: float) -> Overlap:
    """Return the share of a's sessions inside b's set, with the size of the set and the share drawn by cluster."""
    distance = b.whole.distance(a.x)
    p = float(b.whole.holds(a.x).mean())
    inside = distance <= b.edges[:, None] * (1 + NEAR) + TINY
    with np.errstate(invalid="ignore"):
        drawn = (a.weights * inside).sum(axis=1) / a.weights.sum(axis=1)
    n = min(a.n_clusters, b.n_clusters)
    error = float(np.nanstd(drawn)) * np.sqrt(n / (n - 1))
    return Overlap(a.side.label, b.side.label, share_with_error(p, error, a.n_clusters, df=n - 1, level=level))
