"""Who belongs together: the cluster is whatever shares a start, and the unit of all resampling."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from ..arrays import Bool, Float, Int, frozen, relabel, summed_rows
from ..errors import SettingsError
from ..panel.panel import Panel

MIN_SHARED_STARTS = 5  # a task column with fewer values cannot carry an interval
MANY_CLUSTERS = 2000  # up to here leaving out single clusters takes less than reading the rows
N_BLOCKS = 1000  # t(999) is 0.1 % longer than the normal quantile, and the error of a variance 4 %


@dataclass(frozen=True)
class Clusters:
    """Which cluster each session (or, for a single session, each block of steps) belongs to.

    Attributes
    ----------
    row : int array, shape (n_rows,)
        Cluster number of every row of the panel.
    names : tuple of str
    kind : str
        `session`, `block`, or the column used.
    sentence : str
        The choice in words.
    members : tuple of str
        Where clusters are random blocks (`in_blocks`), the names of the independent clusters in them; empty elsewhere.
    """

    row: Int
    names: tuple[str, ...]
    kind: str
    sentence: str
    members: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


def choose_clusters(panel: Panel, column: str | None = None) -> Clusters:
    """Choose the resampling unit of a panel: whatever shares a start.

    Parameters
    ----------
    panel : Panel
    column : str, optional
        A label column to use instead of the default, which is `task` where it has at least 5 values and sessions
        share them, the session otherwise, and blocks of steps for one single session.
    """
    if column is not None and column != "session":
        return _by_label(panel, column, f"{column} (asked for)")
    if panel.n_sessions == 1:
        return _by_block(panel)
    if column is None and "task" in panel.labels and panel.is_session_label("task"):
        values = len(panel.label_values("task"))
        if MIN_SHARED_STARTS <= values < panel.n_sessions:
            return _by_label(panel, "task", f"task: {panel.n_sessions} sessions share {values} starts")
    return Clusters(panel.session, panel.session_names, "session", "session")


def _by_label(panel: Panel, column: str, sentence: str) -> Clusters:
    if not panel.label_values(column):
        raise SettingsError(f"cluster column `{column}` is empty in this part of the table.")
    if not panel.is_session_label(column):
        raise SettingsError(
            f"`{column}` changes inside sessions, so it cannot be the cluster: sessions would be torn apart."
        )
    labels = panel.labels[column]
    # A session without a value shares its start with nobody.
    codes = np.where(labels.codes >= 0, labels.codes, len(labels.names) + panel.session)
    values, row = relabel(codes)
    names = [labels.names[v] if v < len(labels.names) else panel.session_names[v - len(labels.names)] for v in values]
    return Clusters(frozen(row, np.int64), tuple(names), column, sentence)


def _by_block(panel: Panel) -> Clusters:
    """Cut one session into blocks of about T^(1/3) steps, the length that balances bias and variance (Kuensch)."""
    rows = len(panel)
    length = max(2, int(np.ceil(1.5 * rows ** (1 / 3))))
    row = np.minimum(np.arange(rows) // length, max(rows // length - 1, 0))
    names = tuple(f"steps {panel.step[row == k].min()}-{panel.step[row == k].max()}" for k in range(int(row.max()) + 1))
    return Clusters(frozen(row, np.int64), names, "block", f"blocks of {length} steps: one single session")


# --------------------------------------------------------------------------------- many clusters


def in_blocks(clusters: Clusters) -> Clusters:
    """Return clusters put together into at most 1,000 blocks, each by a hash of its name.

    Sums over random blocks of independent clusters vary as the clusters do, and cost the same for any number of them.
    A name falls into the same block everywhere, so that groups which share clusters stay paired.
    """
    codes = np.array([crc32(name.encode()) % N_BLOCKS for name in clusters.names], dtype=np.int64)
    values, block = relabel(codes)
    names = block_names(clusters.kind)
    sentence = f"{clusters.sentence}, in {len(values)} random blocks"
    row = frozen(block[clusters.row], np.int64)
    return Clusters(row, tuple(names[k] for k in values), clusters.kind, sentence, clusters.names)


def block_names(kind: str) -> tuple[str, ...]:
    """Return the names of the blocks that clusters of a kind may fall into."""
    return tuple(f"{kind} block {k + 1}" for k in range(N_BLOCKS))


def many(clusters: Clusters) -> bool:
    """Return whether so many clusters are better resampled in blocks."""
    return clusters.kind != "block" and len(clusters) > MANY_CLUSTERS


# --------------------------------------------------------------------------------- inside clusters


def within(values: Float, codes: Int) -> Float:
    """Return values less the mean of their task.

    Parameters
    ----------
    values : float array, shape (n,) or (n, m)
    codes : int array, shape (n,)
        Task numbers 0, 1, ...

    Returns
    -------
    float array of the shape of `values`
    """
    n = np.maximum(np.bincount(codes), 1)
    flat = values.reshape(len(values), -1)
    mean = summed_rows(codes, flat, len(n)) / n[:, None]
    return np.asarray((flat - mean[codes]).reshape(values.shape))


def finite_rows(*columns: Float) -> Bool:
    """Return which rows have a value in every column, each of shape (n,) or (n, m)."""
    whole = [np.isfinite(c) if c.ndim == 1 else np.isfinite(c).all(axis=1) for c in columns]
    return np.asarray(np.all(whole, axis=0), dtype=np.bool_)
