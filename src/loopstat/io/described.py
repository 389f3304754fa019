"""What a table holds, before anyone says what to do with it: its columns, and what a reader would take each for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import InputError
from .refuse import guesses
from .sessions.rows import rows_of
from .sessions.scores import objectives_of
from .settings import Wanted
from .table.cells import Cells
from .table.columns import ALWAYS_LABEL, STANDARD, is_content
from .table.opening import Needs, opened

MOST_VALUES = 20
KINDS: Mapping[str, Literal["number", "text", "bool", "time"]] = {"number": "number", "bool": "bool", "text": "text"}
ROLES = {
    "session": "session",
    "step": "step",
    "accepted": "accepted",
    "ended": "ended",
    **dict.fromkeys(("parent_step", "parent_candidate", "parent_id"), "parent"),
}


@dataclass(frozen=True)
class ColumnSeen:
    """One column of a table.

    Attributes
    ----------
    name : str
        As the file has it.
    kind : {"number", "text", "bool", "time"}
    role : str
        What a reader takes it for: `session`, `step`, `parent`, `accepted`, `ended`, `label`, `objective`, `text`;
        empty for what it leaves out.
    values : tuple of str or None
        Of a label with at most 20 of them, in natural order.
    """

    name: str
    kind: Literal["number", "text", "bool", "time"]
    role: str
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class TableSeen:
    """A table: how many rows, which columns, and our names for them.

    Attributes
    ----------
    rows : int
    columns : tuple of ColumnSeen
    guess : mapping
        The columns likeliest to be our `session` and `step`, where no column has the name.
    """

    rows: int
    columns: tuple[ColumnSeen, ...]
    guess: Mapping[str, str]

    def named(self, role: str) -> tuple[str, ...]:
        """Return the columns with a role."""
        return tuple(c.name for c in self.columns if c.role == role)


def describe(path: str | os.PathLike[str], columns: Mapping[str, str] | None = None) -> TableSeen:
    """Describe one table.

    Parameters
    ----------
    path : path of one file
    columns : mapping from standard name to the table's name, optional

    Raises
    ------
    InputError
        It cannot be read as a table.
    """
    with opened(os.fspath(path), columns) as cells:
        lacking = [name for name in ("session", "step") if name not in cells.columns]
        found = guesses(cells, lacking)
        if not lacking or len(found) < len(lacking):
            return _seen(cells, {k: cells.columns[v].shown for k, v in found.items()})
        guess = {standard: cells.columns[name].shown for standard, name in found.items()}
    with opened(os.fspath(path), {**(columns or {}), **guess}, Needs()) as cells:
        return _seen(cells, guess)


def _seen(cells: Cells, guess: Mapping[str, str]) -> TableSeen:
    objectives = chosen_objectives(cells)
    labels = set(cells.label_names(objectives, ()))
    columns = []
    for name in cells.known:
        column = cells.columns.get(name)
        if column is None:  # whole artefacts, and nested values
            columns.append(ColumnSeen(name, "text", "text" if is_content(name) else ""))
            continue
        role = "objective" if name in objectives else _role(name, column.kind, name in labels)
        values = cells.few(name, MOST_VALUES) if role in ("label", "accepted", "ended") else None
        if role == "label" and values is None and column.kind == "text" and cells.in_lines(name):
            role = "text"  # versions rather than labels, short as they are
        kind = "time" if name in cells.times else KINDS[column.kind]
        columns.append(ColumnSeen(column.shown, kind, role, None if values is None else tuple(values)))
    return TableSeen(cells.n_rows, tuple(columns), guess)


def _role(name: str, kind: str, label: bool) -> str:
    if name in ROLES:
        return ROLES[name]
    if label:
        return "label"
    return "text" if kind == "text" and name not in STANDARD and name not in ALWAYS_LABEL else ""


def chosen_objectives(cells: Cells) -> tuple[str, ...]:
    """Return what a reader would analyse, nothing where it would refuse to choose."""
    try:
        if "session" not in cells.columns or "step" not in cells.columns:
            return ()
        rows, _ = rows_of(cells)
        return objectives_of(cells, rows, Wanted())[0]
    except InputError:
        return ()
