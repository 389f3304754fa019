"""Refusing a table without sessions usefully: what it looks like instead, and the ready `--columns` line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..errors import InputError, argument, either, pasted
from .table.cells import Cells, Column
from .table.columns import by_name, listed

LONGEST_NAME = 80
TEMPLATE = either("`loopstat template --kind sessions` prints", "`loopstat.template('sessions')` returns")


@dataclass(frozen=True)
class Kind:
    """A kind of table without sessions: its name, columns that it has and has not, and the command that reads it."""

    what: str
    columns: tuple[str, ...]
    command: str
    without: tuple[str, ...] = ()

    def fits(self, names: Collection[str]) -> bool:
        """True where a table with these columns is of this kind."""
        return set(self.columns) <= set(names) and not set(self.without) & set(names)


KINDS = (
    Kind("transition table", ("state", "next_state"), "loopstat balance"),
    Kind("pool of candidates", ("task", "candidate"), "loopstat moves calibrate", without=("step",)),
)


def no_sessions(cells: Cells, needs: str = "`loopstat analyze` needs one row per step of a session") -> InputError:
    """Return the refusal of a table that lacks `session` or `step`; `needs` says who wants what."""
    lacking = [n for n in ("session", "step") if n not in cells.columns]
    kind = next((k for k in KINDS if k.fits(cells.columns)), None)
    if kind is None:
        said, hint = "", _ready(cells, lacking, guesses(cells, lacking))
    else:
        named = ", ".join(f"`{c}`" for c in kind.columns)
        said = f" This looks like a {kind.what} ({named}), which has no sessions."
        hint = f"{pasted(kind.command, cells.file)} analyses such a table."
    return InputError(
        f"no {' or '.join(lacking)} column; {needs}.{said} Columns: {listed(cells.columns)}.",
        file=cells.file,
        hint=hint,
    )


def _ready(cells: Cells, lacking: list[str], found: dict[str, str]) -> str:
    if len(found) == len(lacking):
        shown = {standard: cells.columns[name].shown for standard, name in found.items()}
        ready = ",".join(f"{standard}={name}" for standard, name in shown.items())
        return f"the likeliest: {argument('columns', ready, shown)}"
    likely = "".join(f"`{name}` may be the {standard}; " for standard, name in found.items())
    rest = argument("columns", ",".join(f"{n}=..." for n in lacking), dict.fromkeys(lacking, "..."))
    return f"{likely}name them with {rest}; {TEMPLATE} such a table."


def guesses(cells: Cells, lacking: list[str]) -> dict[str, str]:
    """Return the columns likeliest to be the `session` or `step` that a table lacks."""
    taken: list[str] = [n for n in ("session", "step") if n in cells.columns]
    found: dict[str, str] = {}
    for wanted in lacking:
        guess = _guess(cells, wanted, taken)
        if guess is not None:
            found[wanted] = guess
            taken.append(guess)
    return found


def _guess(cells: Cells, wanted: str, taken: list[str]) -> str | None:
    free = [n for n in cells.columns if n not in taken]
    named = by_name(wanted, free)
    if named is not None:
        return named
    if wanted == "session":
        return next((n for n in free if _like_session(cells.columns[n], cells.n_rows)), None)
    steps = [n for n in free if _like_step(cells.columns[n], cells.n_rows)]
    return next((n for n in steps if taken and cells.distinguishes(*taken, n)), None)


def _like_session(column: Column, n_rows: int) -> bool:
    countable = column.kind == "text" or (column.kind == "number" and column.whole)
    return countable and column.n == n_rows and column.longest <= LONGEST_NAME and 1 < column.distinct <= n_rows / 2


def _like_step(column: Column, n_rows: int) -> bool:
    return column.kind == "number" and column.whole and column.n == n_rows and 1 < column.distinct <= n_rows / 2
