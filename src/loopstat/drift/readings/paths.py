"""Facts about sessions that need no model: mean path, ends, gains of the kept version."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int, group_starts, relabel
from ...inference.intervals import mean_by_cluster
from ...inference.tests import mean_test
from ...panel.panel import Panel
from ...results.record import Record


@dataclass(frozen=True, eq=False)
class MeanPath(Record):
    """Mean over the sessions that have a score at each step.

    Attributes
    ----------
    step, n : int arrays, shape (n_steps,)
        Step number and sessions averaged.
    mean, low, high : arrays, shape (n_steps, n_obj)
    label : str
        Whose mean it is: `sessions`, or `unfinished sessions only` where sessions stop on success.
    """

    step: Int
    n: Int
    mean: Float
    low: Float
    high: Float
    label: str = "sessions"


def mean_path(panel: Panel, cluster: Int, n_clusters: int, level: float) -> MeanPath:
    """Average the kept path over sessions, step by step, with intervals by cluster.

    Parameters
    ----------
    panel : Panel
    cluster : int array, shape (n_sessions,)
    """
    path = panel.kept()
    rows = np.flatnonzero(path.complete)
    original = _session_positions(panel, path)
    steps, position = relabel(path.step[rows])
    order = np.argsort(position, kind="stable")
    pieces = np.split(rows[order], np.flatnonzero(np.diff(position[order])) + 1)[: len(steps)]
    table = np.empty((3, len(steps), panel.n_obj))
    for k, piece in enumerate(pieces):
        found = mean_by_cluster(path.x[piece], cluster[original[path.session[piece]]], n_clusters, level=level)
        table[:, k] = found.value, found.low, found.high
    count = np.array([len(piece) for piece in pieces], dtype=np.int64)
    return MeanPath(steps, count, table[0], table[1], table[2])


def _session_positions(panel: Panel, part: Panel) -> Int:
    """Return for each session of a part its number in the whole; sessions keep their order when taken."""
    if part.n_sessions == panel.n_sessions:
        return np.arange(panel.n_sessions, dtype=np.int64)
    held = np.unique(panel.session[panel.kept_rows >= 0])
    return held.astype(np.int64)


# ---------------------------------------------------------------- gains of the kept version


@dataclass(frozen=True)
class KeptGain:
    """What the kept version gained, per objective, in the objective's units and better-is-positive.

    `total` from first to last version; `late` over the last half of each session's steps; p-values one per objective.
    `step` is the first at which 90 % of the mean gain of the improving objectives is had; None if nothing improves.
    """

    total: Float
    total_p: Float
    late: Float
    late_p: Float
    step: int | None


def kept_gain(panel: Panel, cluster: Int, n_clusters: int) -> KeptGain:
    """Measure gains of the kept path by session; `cluster` has shape (n_sessions,)."""
    path = panel.kept()
    original = _session_positions(panel, path)
    start = group_starts(path.session)
    end = np.r_[start[1:], len(path)] - 1
    first, last = path.x[start], path.x[end]
    middle = path.x[(start + end) // 2]
    at = cluster[original[path.session[start]]]
    total, total_p = mean_test((last - first) * panel.signs, at, n_clusters)
    late, late_p = mean_test((last - middle) * panel.signs, at, n_clusters)
    improving = (total > 0) & (total_p < 0.05)
    return KeptGain(total, total_p, late, late_p, _ninety(path, start, improving * panel.signs / _spread(path.x)))


def _spread(x: Float) -> Float:
    sd = x.std(axis=0)
    return np.where(sd > 0, sd, 1.0)


def _ninety(path: Panel, start: Int, weight: Float) -> int | None:
    """First step by which 90 % of the weighted mean gain is had; a finished session keeps its last version."""
    if not np.any(weight):
        return None
    score = path.x @ weight
    steps, place = relabel(path.step)
    gain = np.diff(score, prepend=0.0)
    gain[start] = 0.0
    total = np.bincount(place, weights=gain, minlength=len(steps))
    gained = np.cumsum(total)
    return int(steps[np.argmax(gained >= 0.9 * gained[-1])]) if gained[-1] > 0 else None
