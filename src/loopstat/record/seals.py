"""A sum of every row, kept beside it: a byte that changes on the disk is found, and not read as another figure."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Sequence
from typing import Any

SEALED = {
    "sessions": "id, name, started, host, pid, version, fields, rule, ended, ended_at, note",
    "steps": "id, session, step, candidate, repeat, parent, root, accepted, at, scores, fields, texts",
}
"""The columns that count, in the order in which they are summed."""


def seal_of(values: Sequence[Any]) -> int:
    """Return the sum of the values of a row, those of SEALED in order."""
    return zlib.crc32(json.dumps(values).encode())


def seal(con: sqlite3.Connection, table: str, number: int) -> None:
    """Write the sum of a row as it now stands, inside the transaction that changed it."""
    row = con.execute(f"SELECT {SEALED[table]} FROM {table} WHERE id = ?", (number,)).fetchone()  # noqa: S608
    con.execute(f"UPDATE {table} SET seal = ? WHERE id = ?", (seal_of(row), number))  # noqa: S608


def checked(table: str, row: Sequence[Any]) -> tuple[Any, ...]:
    """Return the values of a row that ends with its sum.

    Raises
    ------
    ValueError
        They are not what was written.
    """
    *values, kept = row
    if seal_of(values) != kept:
        raise ValueError(f"row {row[0]} of `{table}` is not what was written")
    return tuple(values)
