"""Refusing a table without sessions usefully: what it looks like instead, and the ready `--columns` line."""

from __future__ import annotations

from ..errors import InputError
from .cells import Cells, Column
from .choice import option
from .columns import by_name, listed

POOL, TRANSITIONS = {"task", "candidate"}, {"state", "next_state"}


def no_sessions(cells: Cells) -> InputError:
    """Return the refusal of a table that lacks `session` or `step`."""
    lacking = [n for n in ("session", "step") if n not in cells.columns]
    what = f"no {' or '.join(lacking)} column; `loopstat analyze` needs one row per step of a session."
    kind = _kind(cells)
    return InputError(
        f"{what}{kind} Columns: {listed(cells.columns)}.",
        file=cells.file,
        hint=_ready(cells, lacking),
    )


def _kind(cells: Cells) -> str:
    names = set(cells.columns)
    if TRANSITIONS <= names:
        return " This looks like a transition table (`state`, `next_state`), which has no sessions."
    if POOL <= names and "step" not in names:
        return " This looks like a pool of candidates (`task`, `candidate`), which has no sessions."
    return ""


def _ready(cells: Cells, lacking: list[str]) -> str:
    taken = [n for n in ("session", "step") if n in cells.columns]
    found = {}
    for wanted in lacking:
        guess = _guess(cells, wanted, taken)
        if guess is not None:
            found[wanted] = guess
            taken.append(guess)
    if len(found) == len(lacking):
        ready = ",".join(f"{standard}={cells.columns[name].shown}" for standard, name in found.items())
        return f"the likeliest: {option('--columns', ready)}"
    rest = " and ".join(n for n in lacking if n not in found)
    partly = "".join(f" `{name}` may be the {standard}." for standard, name in found.items())
    return f"no column looks like a {rest}.{partly} `loopstat template` prints a table to start from."


def _guess(cells: Cells, wanted: str, taken: list[str]) -> str | None:
    free = [n for n in cells.columns if n not in taken]
    named = by_name(wanted, free)
    if named is not None:
        return named
    fits = _like_session if wanted == "session" else _like_step
    return next((n for n in free if fits(cells.columns[n], cells.n_rows)), None)


def _like_session(column: Column, n_rows: int) -> bool:
    countable = column.kind == "text" or (column.kind == "number" and column.whole)
    return countable and column.n == n_rows and column.longest <= 80 and 1 < column.distinct <= n_rows / 2


def _like_step(column: Column, n_rows: int) -> bool:
    return column.kind == "number" and column.whole and column.n == n_rows and 1 < column.distinct <= n_rows / 2
