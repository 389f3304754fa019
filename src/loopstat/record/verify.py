"""Whether a store is what was written: pages, links, the sum of every row, the digest of every text."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator

from .reading import Reader
from .seals import SEALED, checked
from .store import text_of

MOST = 100  # problems that are listed


def problems(reader: Reader) -> tuple[str, ...]:
    """Return what is wrong with a store, a sentence each; nothing where all is as it was written."""
    found: list[str] = []
    for check in (_pages, _links, _rows, _parents, _texts):
        try:
            for problem in check(reader.connection):
                found.append(problem)
                if len(found) == MOST:
                    return (*found, "... and perhaps more.")
        except sqlite3.Error as error:
            found.append(f"{CHECKS[check.__name__]} cannot be checked: {error}.")
    return tuple(found)


CHECKS = {
    "_pages": "the pages of the file",
    "_links": "links between rows",
    "_rows": "sums of rows",
    "_parents": "parents",
    "_texts": "texts",
}


def _pages(con: sqlite3.Connection) -> Iterator[str]:
    for [said] in con.execute(f"PRAGMA integrity_check({MOST})"):
        if said != "ok":
            yield f"the file is damaged: {' '.join(str(said).split())}."


def _links(con: sqlite3.Connection) -> Iterator[str]:
    for table, row, parent, _ in con.execute("PRAGMA foreign_key_check"):
        yield f"row {row} of `{table}` names a row of `{parent}` that is not there."


def _rows(con: sqlite3.Connection) -> Iterator[str]:
    for table, columns in SEALED.items():
        for row in con.execute(f"SELECT {columns}, seal FROM {table} ORDER BY id"):  # noqa: S608
            try:
                checked(table, row)
            except ValueError as error:
                yield f"{error}."


def _parents(con: sqlite3.Connection) -> Iterator[str]:
    late = (
        "SELECT c.id FROM steps c JOIN steps p ON p.id = c.parent"
        " WHERE p.session <> c.session OR p.step >= c.step ORDER BY c.id"
    )
    for [row] in con.execute(late):
        yield f"row {row} of `steps` comes from another session, or from a step that is not before it."


def _texts(con: sqlite3.Connection) -> Iterator[str]:
    kept = set()
    for number, digest, body, packed, size in con.execute("SELECT id, digest, body, packed, size FROM texts"):
        kept.add(number)
        try:
            same = hashlib.sha256(text_of(body, packed, size)).digest() == digest
        except ValueError:
            same = False
        if not same:
            yield f"text {number} is not what was written."
    for row, texts in con.execute("SELECT id, texts FROM steps ORDER BY id"):
        for name, number in _named(texts):
            if number not in kept:
                yield f"row {row} of `steps` names text {number} as `{name}`, which is not there."


def _named(texts: str) -> list[tuple[str, int]]:
    """Return the texts a row names; nothing where the cell is damaged, which its sum says."""
    try:
        found = json.loads(texts)
    except ValueError:
        return []
    return [(name, number) for name, number in found.items()] if isinstance(found, dict) else []
