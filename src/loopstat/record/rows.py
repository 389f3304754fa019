"""One step as a row of the store: its key found, its parent checked, its texts kept."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import SettingsError
from .seals import seal
from .store import put_text
from .values import Plain


@dataclass(frozen=True)
class Row:
    """What a step is told, checked.

    Attributes
    ----------
    session : int
    step : int or None
        None: the next one.
    candidate : str or None
        None: numbered among those of its step.
    repeat : str
    parent : int or None
        Number of the row it was made from.
    root : bool
        It was made from nothing, as it says.
    accepted : bool or None
    scores, fields, texts : mappings
    """

    session: int
    step: int | None
    candidate: str | None
    repeat: str
    parent: int | None
    root: bool
    accepted: bool | None
    scores: Mapping[str, float | None]
    fields: Mapping[str, Plain]
    texts: Mapping[str, str]


def add_step(con: sqlite3.Connection, row: Row) -> tuple[int, int, str]:
    """Add a row, inside a transaction, and return its number, step and candidate.

    Raises
    ------
    SettingsError
        Its key is taken, or its parent is not earlier.
    """
    step = row.step
    if step is None:
        [last] = con.execute("SELECT max(step) FROM steps WHERE session = ?", (row.session,)).fetchone()
        step = 0 if last is None else last + 1
    candidate = _next_candidate(con, row.session, step) if row.candidate is None else row.candidate
    if row.parent is not None:
        found = con.execute("SELECT session, step FROM steps WHERE id = ?", (row.parent,)).fetchone()
        if found is None or found[0] != row.session:
            raise SettingsError("the parent is not in the record: was it replaced?")
        if found[1] >= step:
            raise SettingsError(f"the parent is of step {found[1]}, which is not before step {step}.")
    texts = {name: put_text(con, text) for name, text in row.texts.items()}
    values: dict[str, Any] = {
        "session": row.session,
        "step": step,
        "candidate": candidate,
        "repeat": row.repeat,
        "parent": row.parent,
        "root": int(row.root),
        "accepted": None if row.accepted is None else int(row.accepted),
        "at": time.time(),
        "scores": packed(row.scores),
        "fields": packed(row.fields),
        "texts": packed(texts),
    }
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    try:
        cursor = con.execute(f"INSERT INTO steps ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
    except sqlite3.IntegrityError:
        key = f"step {step}, candidate {candidate!r}" + (f", repeat {row.repeat!r}" if row.repeat else "")
        raise SettingsError(f"{key} is recorded already; each proposal has a key of its own.") from None
    number = int(cursor.lastrowid or 0)
    seal(con, "steps", number)
    return number, step, candidate


def mark(con: sqlite3.Connection, number: int, accepted: bool) -> None:
    """Say of a row whether it was accepted.

    Raises
    ------
    SettingsError
        It was said otherwise before.
    """
    row = con.execute("SELECT accepted FROM steps WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise SettingsError("the step is not in the record: was it replaced?")
    if row[0] is not None and bool(row[0]) != accepted:
        raise SettingsError(
            f"the step was recorded as {'accepted' if row[0] else 'rejected'}; a record is not changed."
        )
    con.execute("UPDATE steps SET accepted = ? WHERE id = ?", (int(accepted), number))
    seal(con, "steps", number)


def packed(values: Mapping[str, Any]) -> str:
    """Return values as JSON."""
    return json.dumps(values, separators=(",", ":"), allow_nan=False)


def _next_candidate(con: sqlite3.Connection, session: int, step: int) -> str:
    found = con.execute("SELECT candidate FROM steps WHERE session = ? AND step = ?", (session, step)).fetchall()
    numbers = [int(name) for [name] in found if name.isdecimal()]
    return str(max(numbers, default=-1) + 1)
