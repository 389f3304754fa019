"""What a drift fit keeps of the rows of one part of a recording: sums by cluster, and how far the scores reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...arrays import Bool, Float, Int, group_starts, relabel, summed_rows
from ...inference.intervals import cluster_sums
from ...inference.tables import Table
from ...panel.panel import Objective, Pairs, Panel
from ..maps.noisy import runs
from ..maps.within import centred_sums
from ..products import products, summed_products, symmetric, with_one
from ..readings.interference import PathSums
from ..readings.skill import running_mean
from ..sums import Grams

About = tuple[Float, Float]

FINE = 6  # bins are so many powers of two narrower than the standard deviation
MOST_STEPS = 64  # that products are kept of apart: sums by step and cluster are the largest part of a file
DIGITS = 50  # and no finer than so many binary digits of the largest value


def drift_tables(panel: Panel, cluster: Int, n: int, centre: Float, scale: Float) -> dict[str, Table]:
    """Return the sums that a linear drift is fitted from.

    Parameters
    ----------
    panel : Panel
        Of whole sessions of one group.
    cluster : int array, shape (n_rows,)
    n : int
        Number of clusters.
    centre, scale : float arrays, shape (n_obj,)
        Reference point and units of the sums, the same for all parts.

    Returns
    -------
    dict
        `gram`: products of (1, x, y), upper triangle; `first`: the same of first transitions; `by_step`, by step, where
        there are few: the same of all; `path`, by step: count, x - centre, change; `within`: products about the
        sessions' means; `lengths`, by number of transitions: sessions; `changes`: products of (1, change) over first
        transitions; `lagged`: products of (1, y[t], y[t+1], y[t+2]); `ends`, `last_moves`: counts and sums; `steps`, by
        step: count and x - centre of versions held; `history`, by number of scores before: what the running mean's
        errors are made of.
    """
    pairs = panel.pairs()
    of_pairs = cluster[pairs.end]
    grams = Grams.of(pairs, of_pairs, ("",) * n, centre=centre, scale=scale)
    paths = PathSums.of(pairs, of_pairs, n, centre)
    starts = group_starts(pairs.session)
    lengths = np.diff(np.r_[starts, len(pairs)])
    last, of_sessions = starts + lengths - 1, of_pairs[starts]
    z = np.concatenate([pairs.x - centre, pairs.y - centre], axis=1) / np.tile(scale, 2)
    triangle = np.triu_indices(grams.g.shape[1])
    session, x = panel.ends()
    return {
        "gram": Table.of(None, grams.g[:, triangle[0], triangle[1]]),
        "path": Table(paths.steps, paths.sums),
        "first": Table.of(None, summed_products(with_one(z[starts]), of_sessions, n)),
        **_by_step(pairs, z, of_pairs, n),
        "within": Table.of(None, centred_sums(z, starts, of_pairs, n)),
        "lengths": _by_key(lengths, of_sessions, n, np.ones((len(starts), 1))),
        "changes": Table.of(None, summed_rows(of_sessions, products(with_one(pairs.dx[starts] / scale)), n)),
        "lagged": Table.of(None, _lagged(panel, cluster, n, centre, scale)),
        "ends": Table.of(None, cluster_sums(x - centre, cluster[group_starts(panel.session)][session], n)),
        "last_moves": Table.of(None, cluster_sums(pairs.dx[last], of_pairs[last], n)),
        "steps": _steps(panel, cluster, n, centre),
        "history": _history(panel, pairs, of_pairs, n, centre, scale),
    }


def _by_key(key: Int, cluster: Int, n: int, values: Float) -> Table:
    """Sum rows by cluster and key."""
    keys, place = relabel(key)
    sums = summed_rows(cluster * len(keys) + place, values, n * len(keys))
    return Table(keys, sums.reshape(n, len(keys), values.shape[1]))


def _by_step(pairs: Pairs, z: Float, cluster: Int, n: int) -> dict[str, Table]:
    steps, place = relabel(pairs.step)
    if len(steps) > MOST_STEPS:
        return {}
    sums = summed_products(with_one(z), cluster * len(steps) + place, n * len(steps))
    return {"by_step": Table(steps, sums.reshape(n, len(steps), sums.shape[1]))}


def _lagged(panel: Panel, cluster: Int, n: int, centre: Float, scale: Float) -> Float:
    rows = runs(panel, 2)
    z = np.concatenate([(panel.x[row] - centre) / scale for row in rows], axis=1)
    return summed_products(with_one(z), cluster[rows[-1]], n)


def _steps(panel: Panel, cluster: Int, n: int, centre: Float) -> Table:
    held = panel.kept()
    of_session = cluster[group_starts(panel.session)]
    if held.n_sessions < panel.n_sessions:  # sessions keep their order where some fall out
        of_session = of_session[np.unique(panel.session[panel.kept_rows >= 0])]
    rows = np.flatnonzero(held.complete)
    return _by_key(held.step[rows], of_session[held.session[rows]], n, with_one(held.x[rows] - centre))


def _history(panel: Panel, pairs: Pairs, cluster: Int, n: int, centre: Float, scale: Float) -> Table:
    count, history = running_mean(panel, pairs) if len(pairs) else (np.zeros(0, np.int64), pairs.x)
    y, h = (pairs.y - centre) / scale, (history - centre) / scale
    return _by_key(count, cluster, n, np.concatenate([np.ones((len(y), 1)), y, y * y, h, h * h, y * h], axis=1))


def rebased_drift(tables: Mapping[str, Table], old: About, new: About) -> dict[str, Table]:
    """Return the sums of `drift_tables` about another reference point, in other units; others stay as they are.

    Parameters
    ----------
    tables : mapping from name to Table
    old, new : (centre, scale), each of shape (n_obj,)
    """
    n = len(old[0])
    moved, ratio = old[0] - new[0], old[1] / new[1]
    in_units = moved / new[1]
    change = {
        "gram": _affine(np.tile(in_units, 2), np.tile(ratio, 2)),
        "lagged": _affine(np.tile(in_units, 3), np.tile(ratio, 3)),
        "first": _affine(np.tile(in_units, 2), np.tile(ratio, 2)),
        "by_step": _affine(np.tile(in_units, 2), np.tile(ratio, 2)),
        "changes": _affine(np.zeros(n), ratio),
        "within": np.diag(np.tile(ratio, 2)),
    }
    out = dict(tables)
    for name, by in change.items():
        if name not in tables:
            continue
        i, j = np.triu_indices(len(by))
        flat = tables[name].values
        full = symmetric(flat.reshape(-1, flat.shape[2]), len(by))
        out[name] = Table(tables[name].keys, (by @ full @ by.T)[:, i, j].reshape(flat.shape))
    for name in ("ends", "steps", "path"):
        values = tables[name].values.copy()
        values[:, :, 1 : 1 + n] += values[:, :, :1] * moved
        out[name] = Table(tables[name].keys, values)
    values = tables["history"].values
    count, (y, yy, h, hh, yh) = values[:, :, :1], np.split(values[:, :, 1:], 5, axis=2)
    d, r = in_units, ratio
    parts = [r * y + d * count, r**2 * yy + 2 * r * d * y + d**2 * count, r * h + d * count]
    parts += [r**2 * hh + 2 * r * d * h + d**2 * count, r**2 * yh + r * d * (y + h) + d**2 * count]
    out["history"] = Table(tables["history"].keys, np.concatenate([count, *parts], axis=2))
    return out


def _affine(shift: Float, ratio: Float) -> Float:
    """Return the change of (1, z) when z becomes ratio z + shift."""
    change = np.diag(np.r_[1.0, ratio])
    change[1:, 0] = shift
    return change


# ------------------------------------------------------------------------- what is no sum


@dataclass(frozen=True)
class Bins:
    """Values counted in bins [key w, (key + 1) w), w = 2^power: bins of two parts fit into one another.

    Attributes
    ----------
    power : int
    keys : int array, shape (n_bins,)
    counts : float array, shape (n_bins,)
    """

    power: int
    keys: Int
    counts: Float

    @classmethod
    def of(cls, values: Float) -> Bins:
        """Count values, shape (n,)."""
        if len(values) == 0:
            return cls(-1000, np.zeros(0, dtype=np.int64), np.zeros(0))
        largest = max(float(np.abs(values).max()), 2.0**-900)
        fine = int(np.floor(np.log2(sd))) - FINE if (sd := float(values.std())) > 0 else -1000
        power = max(fine, int(np.ceil(np.log2(largest))) - DIGITS)
        keys, place = relabel(np.floor(values / 2.0**power).astype(np.int64))
        return cls(power, keys, np.bincount(place).astype(np.float64))

    def __add__(self, other: Bins) -> Bins:
        """Count both, in the wider bins."""
        power = max(self.power, other.power)
        parts = [p for p in (self, other) if len(p.keys)]
        if not parts:
            return self
        every = np.concatenate([p.keys >> min(power - p.power, 63) for p in parts])
        keys, place = relabel(every)
        return Bins(power, keys, np.bincount(place, np.concatenate([p.counts for p in parts])).astype(np.float64))

    def percentile(self, q: float) -> tuple[float, float]:
        """Return the least and the largest that a percentile may be."""
        upto = np.cumsum(self.counts)
        at = q / 100 * (upto[-1] - 1)
        low, high = (self.keys[int(np.searchsorted(upto, k, side="right"))] for k in (np.floor(at), np.ceil(at)))
        return float(low * 2.0**self.power), float((high + 1) * 2.0**self.power)


@dataclass(frozen=True)
class Reach:
    """How far the scores of a group reach, and what is counted beside its clusters.

    Attributes
    ----------
    n_sessions, n_steps, n_dropped, n_idle : int
    lineage, survivors_only, all_accepted, zero_one, tasks : bool
        Whether there are proposals; only survivors were recorded; nothing was rejected; all scores are 0 or 1; a task
        is recorded.
    low, high : float arrays, shape (4, n_obj)
        Of complete rows, of states that transitions start from, of states that they lead to, of complete first rows;
        infinite where there are none.
    at_low, at_high : float arrays, shape (n_obj,)
        States that transitions lead to at the end of the range: at the declared bound, else at the extreme itself.
    n_starts : int
        Sessions whose first row is complete.
    longest, n_longest, n_scored, n_on_target : int
        Rows of the longest session, sessions with scores that are as long, all sessions with scores, and sessions
        recorded as ended on target.
    ends : tuple of Bins
        Sessions by where they end, for each objective.
    """

    n_sessions: int
    n_steps: int
    n_dropped: int
    n_idle: int
    lineage: bool
    survivors_only: bool
    all_accepted: bool
    zero_one: bool
    tasks: bool
    low: Float
    high: Float
    at_low: Float
    at_high: Float
    n_starts: int
    longest: int
    n_longest: int
    n_scored: int
    n_on_target: int
    ends: tuple[Bins, ...]

    @classmethod
    def of(cls, panel: Panel) -> Reach:
        """Look at one part."""
        pairs = panel.pairs()
        start = panel.x[group_starts(panel.session)]
        start = start[~np.isnan(start).any(axis=1)]
        some = panel.x[panel.complete]
        parts = (some, pairs.x, pairs.y, start)
        low = np.array([p.min(axis=0, initial=np.inf) for p in parts])
        high = np.array([p.max(axis=0, initial=-np.inf) for p in parts])
        ends = _ends(panel.objectives, low[2], high[2])
        recorded = panel.labels.get("accepted")
        accepted = panel.accepted if panel.accepted is not None else _said(recorded.values() if recorded else None)
        return cls(
            n_sessions=panel.n_sessions,
            n_steps=len(panel),
            n_dropped=pairs.n_dropped,
            n_idle=panel.n_sessions - len(group_starts(pairs.session)),
            lineage=panel.lineage,
            survivors_only=panel.survivors_only,
            all_accepted=accepted is not None and bool(np.all(accepted)),
            zero_one=bool(np.all((some == 0) | (some == 1))),
            tasks="task" in panel.labels,
            low=low,
            high=high,
            at_low=(pairs.y <= ends[0]).sum(axis=0).astype(np.float64),
            at_high=(pairs.y >= ends[1]).sum(axis=0).astype(np.float64),
            n_starts=len(start),
            **_lengths(panel),
            n_on_target=_on_target(panel),
            ends=tuple(Bins.of(column) for column in panel.ends()[1].T),
        )

    def plus(self, other: Reach, objectives: tuple[Objective, ...]) -> Reach:
        """Merge two parts."""
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        ends = _ends(objectives, low[2], high[2])
        # Without a declared bound the end is the extreme itself, and only the parts that reach it count.
        own = [_ends(objectives, part.low[2], part.high[2]) for part in (self, other)]
        at = [
            sum(np.where(e[k] == ends[k], at, 0.0) for e, at in zip(own, counted, strict=True))
            for k, counted in enumerate(((self.at_low, other.at_low), (self.at_high, other.at_high)))
        ]
        both = (self, other)
        longest = max(self.longest, other.longest)
        return Reach(
            n_sessions=self.n_sessions + other.n_sessions,
            n_steps=self.n_steps + other.n_steps,
            n_dropped=self.n_dropped + other.n_dropped,
            n_idle=self.n_idle + other.n_idle,
            lineage=self.lineage or other.lineage,
            survivors_only=self.survivors_only or other.survivors_only,
            all_accepted=self.all_accepted and other.all_accepted,
            zero_one=self.zero_one and other.zero_one,
            tasks=self.tasks or other.tasks,
            low=low,
            high=high,
            at_low=np.asarray(at[0]),
            at_high=np.asarray(at[1]),
            n_starts=self.n_starts + other.n_starts,
            longest=longest,
            n_longest=sum(p.n_longest for p in both if p.longest == longest),
            n_scored=self.n_scored + other.n_scored,
            n_on_target=self.n_on_target + other.n_on_target,
            ends=tuple(a + b for a, b in zip(self.ends, other.ends, strict=True)),
        )


def _lengths(panel: Panel) -> dict[str, int]:
    length = np.bincount(panel.session, minlength=panel.n_sessions)
    longest, with_scores = int(length.max(initial=0)), np.unique(panel.session[panel.complete])
    n_longest = int(np.sum(length[with_scores] == longest))
    return {"longest": longest, "n_longest": n_longest, "n_scored": len(with_scores)}


def _on_target(panel: Panel) -> int:
    column = panel.labels.get("ended")
    if column is None or "target" not in column.names:
        return 0
    return len(np.unique(panel.session[column.codes == column.names.index("target")]))


def _said(values: list[str | None] | None) -> Bool | None:
    return None if values is None else np.array([value == "true" for value in values])


def _ends(objectives: tuple[Objective, ...], low: Float, high: Float) -> Float:
    """Return the ends of the range: declared bounds, else the extremes themselves, shape (2, n_obj)."""
    least = [low[j] if o.low is None else o.low for j, o in enumerate(objectives)]
    most = [high[j] if o.high is None else o.high for j, o in enumerate(objectives)]
    return np.array([least, most], dtype=np.float64)
