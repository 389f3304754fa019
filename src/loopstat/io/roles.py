"""What a column is there for: found or refused in the same words for every kind of table, its cells checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Float, first_true
from ..errors import argument
from .table.cells import WHOLE, Cells
from .table.columns import unknown


@dataclass(frozen=True)
class Role:
    """What a column is there for.

    Attributes
    ----------
    option : str
        What it is named with, for refusals.
    use : str
        What it cannot do where it holds whole texts, nested values or nothing, for refusals.
    guessed : tuple of str
        Names by which it is found where none was given.
    hint : str or None
        What to do about one that is not there.
    """

    option: str
    use: str
    guessed: tuple[str, ...] = ()
    hint: str | None = None

    def check(self, cells: Cells, name: str, *, filled: bool = True) -> None:
        """Refuse a name that no column has, and columns that cannot be what they are named for."""
        if name not in cells.known:
            raise unknown(name, cells.known, file=cells.file, option=self.option, hint=self.hint)
        if name not in cells.columns:
            raise cells.refuse(f"cannot {self.use}: it holds whole texts or nested values.", column=name)
        if filled and cells.columns[name].n == 0:
            raise cells.refuse(f"cannot {self.use}: it holds no value.", column=name, hint=self.hint)

    def guess(self, cells: Cells) -> str | None:
        """Return the first column with one of the names, and a value."""
        return next((name for name in self.guessed if cells.has(name)), None)


def require_steps(cells: Cells, what: str) -> None:
    """Refuse a table without sessions or steps; `what` names what needs them."""
    for name in ("session", "step"):
        if not cells.has(name):
            raise cells.refuse(
                f"no `{name}` column: {what} needs one row per step of a session.",
                hint=f"name it with {argument('columns', f'{name}=COL', {name: 'COL'})}.",
            )


def scores(cells: Cells, name: str) -> Float:
    """Return a column as finite numbers, true and false as 1 and 0, NaN where empty."""
    if cells.columns[name].kind == "bool":
        return _truth(cells, name)
    if cells.columns[name].kind != "number":
        raise cells.not_numeric(name)
    values = cells.numbers(name)
    row = first_true(np.isinf(values))
    if row is not None:
        raise cells.refuse("must be finite.", row, name, "leave the cell empty where there is no value.")
    return values


def verdicts(cells: Cells, name: str, role: Role, hint: Callable[[], str]) -> Float:
    """Return verdicts as 1 and 0, NaN where empty; `hint` says what to do about other numbers."""
    if cells.columns[name].kind == "number":
        values = cells.numbers(name)
        first = first_true(~np.isnan(values) & (values != 0) & (values != 1))
        if first is not None:
            expected = f"must hold verdicts, true or false (or 1, 0), got {values[first]:g} ({role.option})."
            raise cells.refuse(expected, first, name, hint())
    return _truth(cells, name)


def _truth(cells: Cells, name: str) -> Float:
    passed, missing = cells.flags(name)
    return np.where(missing, np.nan, passed.astype(np.float64))


def tallies(cells: Cells, name: str, empty_hint: str | None = None) -> Float:
    """Return a column of numbers of at least 0 that add up exactly; NaN where empty, or refused with a hint."""
    column = cells.columns[name]
    if column.n and column.kind == "text":
        raise cells.not_numeric(name)
    if column.n and column.kind != "number":
        raise cells.refuse(f"`{name}` holds true and false, expected numbers.", column=name)
    values = cells.numbers(name)
    row = first_true((values < 0) | (values > WHOLE))  # beyond, sums would lose single moves
    if row is not None:
        expected = f"`{name}` must be finite and at least 0 (and at most {WHOLE:g}). Got {values[row]:g}."
        raise cells.refuse(expected, row, name)
    row = first_true(np.isnan(values))
    if row is not None and empty_hint is not None:
        raise cells.refuse(f"`{name}` is empty, expected a number.", row, name, empty_hint)
    return values
