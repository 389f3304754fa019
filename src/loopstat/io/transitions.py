"""Tables of moves between states: rows of `state`, `next_state`, `count`, and one `Counts` per group of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Bool, Float, Int, relabel
from ..errors import InputError, argument, either
from ..panel.panel import Labels, Source
from ..panel.tally import Counts, Visits
from .naming import StateRule
from .table.cells import WHOLE, Cells
from .table.columns import nothing_left

PARTS = ("model", "strategy", "file")  # tables keep visits apart by these, so pooling adds them up
EMPTY = "is empty (or NA, nan, null), expected the name of a state."
EMPTY_HINT = "leave the row out; answers that were rejected belong into a `visits` column."
Refuse = Callable[..., InputError]


@dataclass(frozen=True)
class Moves:
    """Rows of a table of moves.

    Attributes
    ----------
    states : tuple of str
    source, target : int arrays, shape (n_rows,)
        Codes; a target of -1 is an answer that was rejected: a visit and no move.
    count : float array, shape (n_rows,)
    visits : float array, shape (n_rows,), or None
        What the table says of the source of each row, NaN where it says nothing.
    labels : mapping from column to Labels
    position : int array, shape (n_rows,)
        Where each row lies in the table.
    refuse : callable
        `refuse(message, position, column, hint)` makes the error for a row.
    """

    states: tuple[str, ...]
    source: Int
    target: Int
    count: Float
    visits: Float | None
    labels: Mapping[str, Labels]
    position: Int
    refuse: Refuse

    def __len__(self) -> int:
        return len(self.source)

    @property
    def moved(self) -> Bool:
        """Rows that are a move and were seen."""
        return np.asarray((self.target >= 0) & (self.count > 0))

    def take(self, rows: Int | Bool) -> Moves:
        """Return some of the rows."""
        return replace(
            self,
            source=self.source[rows],
            target=self.target[rows],
            count=self.count[rows],
            visits=None if self.visits is None else self.visits[rows],
            labels={name: column.take(rows) for name, column in self.labels.items()},
            position=self.position[rows],
        )

    def where(self, where: Mapping[str, str], unlike: Mapping[str, str]) -> Moves:
        """Return the rows with the given labels, and without those in `unlike`."""
        kept = np.ones(len(self), dtype=np.bool_)
        for column, value, equal in [(*w, True) for w in where.items()] + [(*u, False) for u in unlike.items()]:
            labels = self.labels[column]
            if value not in labels.names:
                known = ", ".join(labels.names[:8]) + (", ..." if len(labels.names) > 8 else "")
                raise InputError(f"no row has {column} = {value!r}. Values: {known}.")
            kept &= (labels.codes == labels.names.index(value)) == equal
        if not kept.any():
            raise nothing_left()
        return self.take(kept)

    def groups(self, by: Sequence[str]) -> Iterator[tuple[dict[str, str], Moves]]:
        """Yield the rows of every combination of labels, in their order; rows without one of them are left out."""
        there = np.all([self.labels[c].codes >= 0 for c in by], axis=0) if by else np.ones(len(self), np.bool_)
        rows = np.flatnonzero(there)
        code = np.zeros(len(rows), dtype=np.int64)
        for column in by:
            labels = self.labels[column]
            _, code = relabel(code * len(labels.names) + labels.codes[rows])
        order = np.argsort(code, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(code[order])) + 1):
            if part.size:
                first = rows[part[0]]
                yield {c: self.labels[c].names[self.labels[c].codes[first]] for c in by}, self.take(rows[part])


# ---------------------------------------------------------------------------------------------------- reading


def moves_of(cells: Cells, rule: StateRule, labels: Mapping[str, Labels]) -> Moves:
    """Return the moves of a table, refusing rows without a state and counts that mean nothing."""
    source, target = rule.labels(cells, rule.column, "next_state")
    for name, states in ((rule.column, source), ("next_state", target)):
        lost = np.flatnonzero(states.codes < 0)
        if lost.size:
            raise cells.refuse(f"`{name}` {EMPTY}", int(lost[0]), name, EMPTY_HINT)
    count = np.ones(cells.n_rows)
    if "count" in cells.columns:
        count = _numbers(cells, "count")
        lost = np.flatnonzero(np.isnan(count))
        if lost.size:
            raise cells.refuse("`count` is empty, expected a number.", int(lost[0]), "count", _COUNT_HINT)
    visits = _numbers(cells, "visits") if cells.has("visits") else None
    position = np.arange(cells.n_rows)
    return Moves(source.names, source.codes, target.codes, count, visits, labels, position, cells.refuse)


_COUNT_HINT = "write how often the move was seen, or leave the column out where every row is one move."


def _numbers(cells: Cells, name: str) -> Float:
    """Return a column of numbers of at least 0 that add up exactly, NaN where empty."""
    if cells.columns[name].kind != "number" and cells.columns[name].n:
        raise (
            cells.not_numeric(name)
            if cells.columns[name].kind == "text"
            else cells.refuse(f"`{name}` holds true and false, expected numbers.", column=name)
        )
    values = cells.numbers(name)
    bad = np.flatnonzero((values < 0) | (values > WHOLE))  # beyond, sums would lose single moves
    if bad.size:
        row = int(bad[0])
        raise cells.refuse(
            f"`{name}` must be finite and at least 0 (and at most {WHOLE:g}). Got {values[row]:g}.", row, name
        )
    return values


# ---------------------------------------------------------------------------------------------------- counting


def counts_of(moves: Moves, visits: Visits, origin: Source) -> Counts | None:
    """Return the counts of one group, or None where it holds no move.

    States are those that take part in a move, in the order of their names. Visits are what the table says of a
    source, else the sum of its counts, rejected answers included; or as asked for.
    """
    moved = moves.moved
    i, j = moves.source[moved], moves.target[moved]
    used = _distinct(np.r_[i, j])
    if used.size == 0:
        return None
    names = [moves.states[k] for k in used.tolist()]
    i, j = np.searchsorted(used, i), np.searchsorted(used, j)
    n = moves.count[moved]
    rejected = bool(np.any(moves.target < 0))
    if isinstance(visits, str) and (visits == "equal" or (moves.visits is None and not rejected)):
        return Counts.of(i, j, n, states=names, visits=visits, origin=origin)
    if isinstance(visits, str):
        return Counts.of(i, j, n, states=names, visits=_observed(moves, used), origin=origin)
    left = _sums(i, n, len(used))
    refuse_few(visits, left, names)
    return Counts.of(i, j, n, states=names, visits=visits, origin=origin)


def refuse_few(visits: float, left: Float, names: Sequence[str]) -> None:
    """Refuse a number of visits below the transitions that leave some state."""
    most = int(np.argmax(left))
    if visits < left[most] * (1 - 1e-12):
        given = either(f"--visits {visits:g}", f"visits={visits:g}")
        raise InputError(
            f"{given} is too few: state {names[most][:80]!r} was left {left[most]:g} times, and every "
            "transition out of a state is a visit to it.",
            hint=f"{argument('visits', 'observed')}, or a number of at least {np.ceil(left[most]):g}.",
        )


def _observed(moves: Moves, used: Int) -> Float:
    """Return how often each of the states in `used` was visited."""
    cell = moves.source.copy()
    for column in (c for c in PARTS if c in moves.labels):
        labels = moves.labels[column]
        _, cell = relabel(cell * (len(labels.names) + 1) + labels.codes + 1)
    _, first, cell = np.unique(cell, return_index=True, return_inverse=True)
    cell = cell.reshape(-1)
    total = _sums(cell, moves.count, len(first))
    if moves.visits is not None:
        total = _told(moves, cell, total)
    state = moves.source[first]
    at = np.searchsorted(used, state)
    inside = used[np.minimum(at, len(used) - 1)] == state
    return _sums(at[inside], total[inside], len(used))


def _distinct(codes: Int) -> Int:
    """Return the distinct codes, sorted; by counting where they are dense, which is many times faster."""
    if codes.size and codes.max() < 4 * codes.size:
        return np.flatnonzero(np.bincount(codes))
    return np.unique(codes)


def _sums(code: Int, values: Float, n: int) -> Float:
    return np.bincount(code, values, n).astype(np.float64)


def _told(moves: Moves, cell: Int, left: Float) -> Float:
    """Return the visits the table states for every source (per model, strategy and file), the row sum elsewhere."""
    visits = moves.visits
    assert visits is not None  # noqa: S101
    rows = np.flatnonzero(~np.isnan(visits))
    told = np.full(len(left), np.nan)
    told[cell[rows[::-1]]] = visits[rows[::-1]]  # the last write wins: the first row that says something
    differ = rows[visits[rows] != told[cell[rows]]]
    if differ.size:
        row = int(differ[0])
        raise moves.refuse(
            f"`visits` of state {_shown(moves, row)} is {visits[row]:g} here and {told[cell[row]]:g} in an earlier "
            "row; it counts all attempts from a state, so it must be the same in all its rows.",
            int(moves.position[row]),
            "visits",
            f"correct it, or split the table by the column it depends on with {argument('by')}.",
        )
    short = rows[told[cell[rows]] < left[cell[rows]] * (1 - 1e-12)]
    if short.size:
        row = int(short[0])
        raise moves.refuse(
            f"`visits` of state {_shown(moves, row)} is {visits[row]:g}, but the state was left "
            f"{left[cell[row]]:g} times; expected at least that: every transition out of a state is a visit to it.",
            int(moves.position[row]),
            "visits",
            "count all attempts, or leave the column out.",
        )
    return np.where(np.isnan(told), left, told)


def _shown(moves: Moves, row: int) -> str:
    return repr(moves.states[moves.source[row]][:80])
