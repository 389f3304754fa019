"""The tables of a store, and the way from every older form of them to today's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from ..errors import InputError
from .seals import SEALED, seal

FILE = "loopstat.db"  # in a run directory
APPLICATION = 0x6C6F6F70  # `loop`: what `file` and we know the store by

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    started REAL NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    fields TEXT NOT NULL,
    rule INTEGER REFERENCES texts (id),
    ended TEXT,
    ended_at REAL,
    note TEXT
);
CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions (id),
    step INTEGER NOT NULL,
    candidate TEXT NOT NULL,
    repeat TEXT NOT NULL,
    parent INTEGER REFERENCES steps (id),
    root INTEGER NOT NULL,
    accepted INTEGER,
    at REAL NOT NULL,
    scores TEXT NOT NULL,
    fields TEXT NOT NULL,
    texts TEXT NOT NULL,
    UNIQUE (session, step, candidate, repeat)
);
"""


def _first(con: sqlite3.Connection) -> None:
    for statement in _FIRST.split(";\n"):
        if statement.strip():
            con.execute(statement)
    con.execute(f"PRAGMA application_id = {APPLICATION}")
    con.execute("INSERT INTO meta VALUES ('readable_by', '1')")


def _sealed(con: sqlite3.Connection) -> None:
    """Add a sum to every row."""
    for table in SEALED:
        con.execute(f"ALTER TABLE {table} ADD COLUMN seal INTEGER NOT NULL DEFAULT 0")
        for [number] in con.execute(f"SELECT id FROM {table} ORDER BY id").fetchall():  # noqa: S608
            seal(con, table, number)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _sealed)
"""From each format to the next, the first from nothing; they run in one transaction, all or none."""

FORMAT = len(MIGRATIONS)


def refuse_moved(con: sqlite3.Connection, path: str) -> None:
    """Refuse to write to a store that another program has brought to a newer format since it was opened.

    Raises
    ------
    InputError
        It has.
    """
    found = pragma(con, "user_version")
    if found != FORMAT:
        raise InputError(
            f"was brought to format {found} by a newer loopstat; this one writes format {FORMAT}.",
            file=path,
            hint="end what runs with the older one, and update it.",
        )


def pragma(con: sqlite3.Connection, name: str) -> int:
    """Return a whole number that stands in the header of the file."""
    return int(con.execute(f"PRAGMA {name}").fetchone()[0])


def is_ours(con: sqlite3.Connection) -> bool:
    """Return whether a database is a store; one without any table is none yet.

    Raises
    ------
    sqlite3.DatabaseError
        The file is no database.
    """
    return pragma(con, "application_id") == APPLICATION and pragma(con, "user_version") > 0


def format_of(con: sqlite3.Connection, path: str) -> int:
    """Return the format of a store that can be read.

    Raises
    ------
    InputError
        It is the database of another program, or of a format that cannot be read by this one.
    """
    if not is_ours(con):
        raise InputError("is a database of another program, not a record of loops.", file=path)
    found = pragma(con, "user_version")
    if found <= FORMAT:
        return found
    [least] = con.execute("SELECT value FROM meta WHERE key = 'readable_by'").fetchone() or ("0",)
    if int(least) > FORMAT:
        raise InputError(
            f"was written by a newer loopstat, in format {found}; this one reads formats up to {FORMAT}.",
            file=path,
            hint="update loopstat, or let the newer one export it: `loopstat log export`.",
        )
    return found


def prepare(con: sqlite3.Connection, path: str) -> None:
    """Make the tables of a new store, or bring those of an older one up to date; inside a transaction.

    Raises
    ------
    InputError
        The database is another program's, or of a newer format.
    """
    found = pragma(con, "user_version")
    tables = con.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not is_ours(con) and tables:
        raise InputError(
            "is a database of another program, not a record of loops.", file=path, hint="choose another directory."
        )
    if found > FORMAT:
        raise InputError(
            f"was written by a newer loopstat, in format {found}; this one writes format {FORMAT}.",
            file=path,
            hint="update loopstat, or choose another directory.",
        )
    for number in range(found, FORMAT):
        MIGRATIONS[number](con)
        con.execute(f"PRAGMA user_version = {number + 1}")
