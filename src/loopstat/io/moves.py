"""Tables of moves between states: rows of `state`, `next_state`, `count`, and one `Counts` per group of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Bool, Float, Int, first_true, relabel, summed
from ..errors import InputError, argument
from ..panel.panel import Labels, Source
from ..panel.tally import Counts, Visits
from .groups import empty_notes, group_name, parts, ungrouped_notes
from .naming import StateRule
from .recorded import POOLED, WHY_APART, Part, Recording, StatesAsked, refuse_few, visits_notes
from .roles import tallies
from .table.cells import Cells, text_bytes
from .table.forms import FORMS

PARTS = ("model", "strategy", "file")  # tables keep visits apart by these, so pooling adds them up
EMPTY = "is empty (or NA, nan, null), expected the name of a state."
EMPTY_HINT = "leave the row out; answers that were rejected belong into a `visits` column."
COUNT_HINT = "write how often the move was seen, or leave the column out where every row is one move."
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


# ---------------------------------------------------------------------------------------------------- reading


def is_moves(cells: Cells, columns: Mapping[str, str] | None) -> bool:
    """True for a table whose rows say where they lead; sessions go first unless `next_state` was named."""
    if "next_state" not in cells.columns:
        return False
    return "next_state" in (columns or {}) or not {"session", "step"} <= cells.columns.keys()


def moves_of(cells: Cells, rule: StateRule, labels: Mapping[str, Labels]) -> Moves:
    """Return the moves of a table, refusing rows without a state and counts that mean nothing."""
    source, target = rule.labels(cells, rule.column, "next_state")
    needed = {rule.column: source} | ({"next_state": target} if cells.form == "table" else {})  # else rejected
    for name, states in needed.items():
        row = first_true(states.codes < 0)
        if row is not None:
            raise cells.refuse(f"`{name}` {EMPTY}", row, name, EMPTY_HINT)
    count = tallies(cells, "count", COUNT_HINT) if "count" in cells.columns else np.ones(cells.n_rows)
    visits = tallies(cells, "visits") if cells.has("visits") else None
    position = np.arange(cells.n_rows)
    return Moves(source.names, source.codes, target.codes, count, visits, labels, position, cells.refuse)


def counted(cells: Cells, asked: StatesAsked, others: Sequence[str]) -> Recording:
    """Return the groups of a table of moves, counted; `others` are further columns that must be there as labels."""
    kind = "a transition table" if cells.form == "table" else f"a JSON file of {cells.form}"
    asked.refuse_for_moves(kind)
    if asked.rule.of_scores:
        raise InputError(
            f"{kind} has no objectives to make states of with {asked.rule.how}:{asked.rule.k}.",
            file=cells.file,
            hint=f"leave {argument('state')} out: its states stand in `state` and `next_state`.",
        )
    labels = asked.selection.labels(cells, *others, *(["file"] if cells.files else []))
    moves = moves_of(cells, asked.rule, labels)
    origin = cells.source((), moves.source, moves.target, moves.count, text_bytes(moves.states))
    keep = asked.selection.keep(labels, len(moves), cells.file)
    by, note = asked.selection.columns(labels, why=WHY_APART, unit=POOLED)
    groups: list[Part] = []
    empty, held = [], 0
    for label, rows in parts(labels, by, keep):
        held += len(rows)
        counts = counts_of(moves.take(rows), asked.visits, origin)
        if counts is None:
            empty.append(group_name(label))
        else:
            groups.append((label, counts))
    if not groups:
        raise InputError(
            f"no move was seen: every count is 0, or no row has a value of every column in {argument('by')}.",
            file=cells.file,
        )
    said = [*_read_notes(cells, asked.rule, moves), note, *empty_notes(empty)]
    said += ungrouped_notes(int(keep.sum()) - held, by)
    said += _visits_notes(moves.take(keep), cells.form, asked.visits)
    form = "transitions" if cells.form == "table" else cells.form
    return Recording(tuple(groups), by, tuple(said), origin, form, asked.visits)


def _read_notes(cells: Cells, rule: StateRule, moves: Moves) -> list[str]:
    """Say what was read as moves."""
    if cells.form in FORMS:
        rejected = int(np.sum(moves.target < 0))
        return FORMS[cells.form].notes(len(moves) - rejected, rejected, cells.skipped)
    shown = f"{cells.columns[rule.column].shown}` -> `{cells.columns['next_state'].shown}"
    return [rule.sentence(Labels(np.r_[moves.source, moves.target], moves.states), shown)]


def _visits_notes(moves: Moves, form: str, visits: Visits) -> list[str]:
    if visits != "observed":
        return visits_notes(visits)
    if form in FORMS and FORMS[form].visits:
        return [FORMS[form].visits]
    if moves.visits is not None:
        n = len(np.unique(moves.source)) - len(np.unique(moves.source[~np.isnan(moves.visits)]))
        gaps = f"; {n:,} states have none there and count as often as they were left" if n else ""
        return [f"visits: the column `visits`{gaps}."]
    return [
        "visits: the counts out of each state, added up; attempts that the table leaves out (the same state again, "
        "rejected answers) are not in them: add a `visits` column, or --visits equal or N."
    ]


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
    if not isinstance(visits, str):
        refuse_few(visits, summed(i, n, len(used)), names)
    told = moves.visits is not None or bool(np.any(moves.target < 0))
    given = _observed(moves, used) if visits == "observed" and told else visits
    return Counts.of(i, j, n, states=names, visits=given, origin=origin)


def _observed(moves: Moves, used: Int) -> Float:
    """Return how often each of the states in `used` was visited."""
    cell = moves.source.copy()
    for column in (c for c in PARTS if c in moves.labels):
        labels = moves.labels[column]
        _, cell = relabel(cell * (len(labels.names) + 1) + labels.codes + 1)
    _, first, cell = np.unique(cell, return_index=True, return_inverse=True)
    cell = cell.reshape(-1)
    total = summed(cell, moves.count, len(first))
    if moves.visits is not None:
        total = _told(moves, cell, total)
    state = moves.source[first]
    at = np.searchsorted(used, state)
    inside = used[np.minimum(at, len(used) - 1)] == state
    return summed(at[inside], total[inside], len(used))


def _distinct(codes: Int) -> Int:
    """Return the distinct codes, sorted; by counting where they are dense, which is many times faster."""
    if codes.size and codes.max() < 4 * codes.size:
        return np.flatnonzero(np.bincount(codes))
    return np.unique(codes)


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
