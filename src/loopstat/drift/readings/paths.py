"""Facts about sessions that need no model: mean path, ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int, relabel
from ...inference.intervals import mean_by_cluster
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
