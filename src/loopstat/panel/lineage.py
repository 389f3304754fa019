"""What came of what: parents, ancestors, and the transitions between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Bool, Float, Int, group_starts

NO_PARENT = -1


@dataclass(frozen=True)
class Pairs:
    """Transitions of one lag: row numbers of the earlier and the later state, complete ones only.

    Attributes
    ----------
    start, end : int arrays, shape (n_pairs,)
        Rows of the panel; sorted by session, then step of the later row.
    x, y : float arrays, shape (n_pairs, n_obj)
        The states at `start` and `end`, in the panel's units.
    session : int array, shape (n_pairs,)
    step : int array, shape (n_pairs,)
        Step number of the earlier row.
    n_dropped : int
        Transitions left out because a value was missing at either end.
    lag : int
    """

    start: Int
    end: Int
    x: Float
    y: Float
    session: Int
    step: Int
    n_dropped: int
    lag: int

    @property
    def dx(self) -> Float:
        """Change over the transition, shape (n_pairs, n_obj)."""
        return self.y - self.x

    def __len__(self) -> int:
        return len(self.start)


def previous_step(session: ArrayLike, step: ArrayLike) -> Int:
    """Return for each row the row one step earlier in the same session, -1 where there is none.

    Rows must be sorted by session and step, one row per step.
    """
    session, step = np.asarray(session), np.asarray(step)
    parent = np.full(len(session), NO_PARENT, dtype=np.int64)
    follows = np.flatnonzero((np.diff(session) == 0) & (np.diff(step) == 1)) + 1
    parent[follows] = follows - 1
    return parent


def first_complete(session: Int, complete: Bool) -> Int:
    """Return the first complete row of each session that has one."""
    rows = np.flatnonzero(complete)
    return rows[group_starts(session[rows])].astype(np.int64)


def ancestors(parent: Int, lag: int) -> tuple[Int, Int]:
    """Return the rows that lie `lag` transitions apart: the earlier ones, and the later ones in order.

    Parameters
    ----------
    parent : int array, shape (n_rows,)
        -1 where there is none.
    lag : int
        At least 1; no work is done for ancestors beyond the last.
    """
    start = np.arange(len(parent), dtype=np.int64)
    for _ in range(lag):
        start = np.where(start >= 0, parent[start], NO_PARENT)
        if not np.any(start >= 0):
            break
    end = np.flatnonzero(start >= 0).astype(np.int64)
    return start[end], end


def held_since(held: Bool, session: Int) -> Int:
    """Return for each row the last row of its session so far that is held, -1 before any; sessions in order."""
    rows = np.arange(len(held), dtype=np.int64)
    last = np.maximum.accumulate(np.where(held, rows, NO_PARENT))
    starts = group_starts(session)
    first = np.repeat(starts, np.diff(np.r_[starts, len(session)]))
    return np.where(last >= first, last, NO_PARENT).astype(np.int64)
