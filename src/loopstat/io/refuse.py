"""Refusing a table without sessions usefully: what it looks like instead, and the ready `--columns` line."""

from __future__ import annotations

from ..errors import InputError, argument, either, pasted
from .table.cells import Cells, Column
from .table.columns import by_name, listed

POOL, TRANSITIONS = {"task", "candidate"}, {"state", "next_state"}
LONGEST_NAME = 80
TEMPLATE = either("`loopstat template --kind sessions` prints", "`loopstat.template('sessions')` returns")


def no_sessions(cells: Cells, needs: str = "`loopstat analyze` needs one row per step of a session") -> InputError:
    """Return the refusal of a table that lacks `session` or `step`; `needs` says who wants what."""
    lacking = [n for n in ("session", "step") if n not in cells.columns]
    kind = _kind(cells)
    found = {} if kind else _guesses(cells, lacking)
    return InputError(
        f"no {' or '.join(lacking)} column; {needs}.{kind} Columns: {listed(cells.columns)}.",
        file=cells.file,
        hint=_other_command(kind, cells) or _ready(cells, lacking, found),
    )


def _kind(cells: Cells) -> str:
    names = set(cells.columns)
    if names >= TRANSITIONS:
        return " This looks like a transition table (`state`, `next_state`), which has no sessions."
    if names >= POOL and "step" not in names:
        return " This looks like a pool of candidates (`task`, `candidate`), which has no sessions."
    return ""


def _other_command(kind: str, cells: Cells) -> str:
    """Return the command that reads a table of another kind, or nothing."""
    if "transition table" in kind:
        return f"{pasted('loopstat balance', cells.file)} analyses such a table."
    return ""


def _ready(cells: Cells, lacking: list[str], found: dict[str, str]) -> str:
    if len(found) == len(lacking):
        shown = {standard: cells.columns[name].shown for standard, name in found.items()}
        ready = ",".join(f"{standard}={name}" for standard, name in shown.items())
        return f"the likeliest: {argument('columns', ready, shown)}"
    likely = "".join(f"`{name}` may be the {standard}; " for standard, name in found.items())
    rest = argument("columns", ",".join(f"{n}=..." for n in lacking), dict.fromkeys(lacking, "..."))
    return f"{likely}name them with {rest}; {TEMPLATE} such a table."


def _guesses(cells: Cells, lacking: list[str]) -> dict[str, str]:
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
