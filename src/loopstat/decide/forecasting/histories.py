"""What sessions held, objective by objective and step by step: what forecasts are made from and for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...arrays import Bool, Float, Int, group_starts, relabel
from ...inference.clusters import Clusters
from ...panel.ends import SuccessBar
from ...panel.model import Rng
from ...panel.panel import Panel
from ..held import Ends, Grid, Keeping

FEW_VALUES = 20  # an objective that takes no more values than this is told in those values
ENOUGH = 40  # transitions that a stretch of steps must hold to speak for itself
GROWTH = 1.6  # of the length of stretches from one to the next: early steps differ most


@dataclass(frozen=True)
class Space:
    """The objectives that count, select or are aimed at, and what holds of any version.

    Attributes
    ----------
    names : tuple of str
    signs, value, select, low, high : float arrays, shape (k,)
        +1 where larger is better; weights of what counts and of what selects, signs included; bounds, infinite
        where there are none.
    levels : tuple of (float array or None)
        The values an objective takes, where they are few.
    keep : str
        `last`, `best`, `accepted` or `success`.
    bar : (place, value) or None
        At which sessions end by themselves.
    """

    names: tuple[str, ...]
    signs: Float
    value: Float
    select: Float
    low: Float
    high: Float
    levels: tuple[Float | None, ...]
    keep: str
    bar: tuple[int, float] | None

    @property
    def ordering(self) -> Float:
        """Weights of the score by which sessions are alike: the one that selects, or for `last` the one that counts."""
        return self.value if self.keep == "last" else self.select

    def bounded(self, x: Float) -> Float:
        """Return versions within the bounds."""
        return np.clip(x, self.low, self.high)

    def told(self, x: Float) -> Float:
        """Return versions in values that the objectives take, shape (..., k)."""
        if all(levels is None for levels in self.levels):
            return x
        out = x.copy()
        for j, levels in enumerate(self.levels):
            if levels is not None:
                out[..., j] = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, x[..., j], side="right")]
        return out

    def at_bar(self, x: Float) -> Bool:
        """Return which versions reach the value at which sessions end, shape (...)."""
        if self.bar is None:
            return np.zeros(x.shape[:-1], dtype=bool)
        j, bar = self.bar
        return np.asarray(self.signs[j] * (x[..., j] - bar) >= 0)


@dataclass(frozen=True)
class Histories:
    """What sessions held by step.

    Attributes
    ----------
    space : Space
    x, made : float arrays, shape (n, n_steps, k)
        The version held after each step, NaN after the session's last; and the best one made there, NaN for none.
    last : int array, shape (n,)
        Place of the last step.
    ended : bool array, shape (n,)
        It ended by itself.
    cluster, session : int arrays, shape (n,)
        Dense cluster numbers, and which session of the panel.
    steps : int array, shape (n_steps,)
    """

    space: Space
    x: Float
    made: Float
    last: Int
    ended: Bool
    cluster: Int
    session: Int
    steps: Int

    def __len__(self) -> int:
        return len(self.last)

    @cached_property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(np.unique(self.cluster))

    @property
    def current(self) -> Float:
        """The version held last, shape (n, k)."""
        return self.x[np.arange(len(self)), self.last]

    @cached_property
    def known(self) -> Float:
        """`x` with the last version of sessions that ended by themselves carried on."""
        later = self.ended[:, None] & (np.arange(self.x.shape[1]) > self.last[:, None])
        return np.where(later[:, :, None], self.current[:, None], self.x)

    def take(self, rows: Int) -> Histories:
        """Return some of the sessions, or several times the same."""
        cluster = relabel(self.cluster[rows])[1]
        parts = (self.x[rows], self.made[rows], self.last[rows], self.ended[rows])
        return Histories(self.space, *parts, cluster, self.session[rows], self.steps)

    def until(self, place: int) -> Histories:
        """Return what is known after the step at a place, of all sessions."""
        if place >= self.x.shape[1] - 1:
            return self
        return replace(
            self,
            x=self.x[:, : place + 1],
            made=self.made[:, : place + 1],
            last=np.minimum(self.last, place),
            ended=self.ended & (self.last <= place),
            steps=self.steps[: place + 1],
        )

    def resampled(self, rng: Rng) -> Histories:
        """Return as many clusters, drawn with replacement; one drawn twice is two."""
        n = self.n_clusters
        order = np.argsort(self.cluster, kind="stable")
        starts = np.r_[np.searchsorted(self.cluster[order], np.arange(n)), len(order)]
        drawn = rng.integers(0, n, n)
        rows = np.concatenate([order[starts[c] : starts[c + 1]] for c in drawn])
        cluster = np.repeat(np.arange(n), starts[drawn + 1] - starts[drawn])
        return replace(self.take(rows), cluster=cluster)

    @cached_property
    def moves(self) -> Moves:
        """Every step that was seen to be taken."""
        session, place = np.nonzero(np.arange(self.x.shape[1] - 1) < self.last[:, None])
        return Moves(session, place, self.x[session, place], self.x[session, place + 1], self.made[session, place + 1])

    @cached_property
    def stretches(self) -> Int:
        """Stretch of steps that each place belongs to, shape (n_steps,); what lies beyond is of the last one."""
        counts = np.bincount(self.moves.place, minlength=self.x.shape[1] - 1)
        out, stretch, length, start, seen = np.zeros(self.x.shape[1], dtype=np.int64), 0, 1.0, 0, 0
        for t, n in enumerate(counts):
            seen += int(n)
            out[t] = stretch
            if t + 1 - start >= int(length) and seen >= ENOUGH and counts[t + 1 :].sum() >= ENOUGH:
                stretch, start, seen, length = stretch + 1, t + 1, 0, length * GROWTH
        out[-1] = stretch
        return out


@dataclass(frozen=True)
class Moves:
    """Steps seen to be taken: whose and from where, the version held before and after, the one made; n of them."""

    session: Int
    place: Int
    start: Float
    end: Float
    made: Float


def space_of(panel: Panel, keeping: Keeping, bar: SuccessBar | None, aims: tuple[str, ...]) -> tuple[Space, Int]:
    """Return the objectives that count, select or are aimed at, and their columns in the panel."""
    used = (keeping.value != 0) | (keeping.select != 0) | np.isin(panel.names, aims)
    if bar is not None:
        used[bar.objective] = True
    columns = np.flatnonzero(used)
    objectives = [panel.objectives[j] for j in columns]
    low = np.array([-np.inf if o.low is None else o.low for o in objectives])
    high = np.array([np.inf if o.high is None else o.high for o in objectives])
    levels = tuple(_levels(panel.x[:, j]) for j in columns)
    at = None if bar is None else (int(np.flatnonzero(columns == bar.objective)[0]), bar.bar)
    names, weights = tuple(o.name for o in objectives), (keeping.value[columns], keeping.select[columns])
    return Space(names, panel.signs[columns], *weights, low, high, levels, keeping.keep, at), columns


def _levels(values: Float) -> Float | None:
    found = np.unique(values[~np.isnan(values)])
    return found if 0 < len(found) <= FEW_VALUES else None


def histories_of(
    panel: Panel, grid: Grid, keeping: Keeping, ends: Ends, clusters: Clusters, space: Space, columns: Int
) -> Histories:
    """Return what every session held by step; sessions without any version are left out.

    Steps before the first version hold the worst that declared bounds allow, or else the first version.
    """
    inside = (np.arange(len(grid.steps)) <= grid.last[:, None])[:, :, None]
    rows = np.concatenate([panel.x[:, columns], np.full((1, len(columns)), np.nan)])
    worst = np.where(space.signs > 0, space.low, space.high)
    x = rows[grid.held]
    none_yet = (np.maximum.accumulate(grid.held, axis=1) < 0)[:, :, None]
    x = np.where(none_yet & np.isfinite(worst), worst, x)
    x = np.where(inside, _filled(x), np.nan)
    some = np.flatnonzero(np.isfinite(x[:, 0]).all(axis=1))
    return Histories(
        space,
        x[some],
        np.where(inside, rows[grid.made], np.nan)[some],
        grid.last[some],
        ends.own[some],
        relabel(clusters.row[group_starts(panel.session)][some])[1],
        some,
        grid.steps,
    )


def _filled(x: Float) -> Float:
    """Fill what is missing by the step before, or else by the first one after."""
    steps = np.arange(x.shape[1])[None, :, None]
    before = np.maximum.accumulate(np.where(np.isnan(x), -1, steps), axis=1)
    after = np.minimum.accumulate(np.where(np.isnan(x), x.shape[1], steps)[:, ::-1], axis=1)[:, ::-1]
    return np.take_along_axis(x, np.where(before >= 0, before, np.minimum(after, x.shape[1] - 1)), axis=1)


def apart(steps: Int) -> int:
    """Return how far apart recorded steps are."""
    return max(1, int(np.median(np.diff(steps)))) if len(steps) > 1 else 1
