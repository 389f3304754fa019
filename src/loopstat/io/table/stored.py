"""The store of a run directory as something DuckDB can scan; whole texts are unpacked only where they are wanted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...record.reading import Reader
from ...record.schema import FILE
from ...record.table import UNKNOWN, TableColumn, table_of

LOG = "-wal"  # what SQLite adds to the name of a file for the log that is written ahead
FILLED = {"number": ("{0}", "DOUBLE"), "bool": ("{0} = 1", "BOOLEAN")}


class _Texts:
    """Unpacks texts by their numbers, for as long as anybody may ask for one."""

    def __init__(self, path: Path) -> None:
        self._reader = Reader(path)

    def __call__(self, number: int) -> str:
        return self._reader.text(number)

    def __del__(self) -> None:
        if hasattr(self, "_reader"):
            self._reader.close()


@dataclass(frozen=True)
class StoreTable:
    """A store as a table: what it is called, name, SQL, kind and type of every column, what there is to say of it."""

    shown: str
    columns: tuple[tuple[str, str, str, str], ...]
    notes: tuple[str, ...]


def store_table(con: Any, path: Path, relation: str, *, session: str | None = None) -> StoreTable:
    """Register the rows of a store with a connection, and return how to read them.

    Parameters
    ----------
    con : DuckDB connection
    path : Path
        Of the file of the store.
    relation : str
        What the rows are called there.
    session : str, optional
        Only the rows of this session.

    Raises
    ------
    InputError
        It cannot be read, or nothing is recorded yet.
    """
    with Reader(path) as reader:
        columns = table_of(reader, session)
        notes = (*reader.notes, *_ends_unknown(reader))
    if not columns:
        nobody = "no session has a step" if session is None else f"session {session!r} is not there, or has no step"
        raise InputError(f"nothing is recorded yet: {nobody}.", file=str(path))
    con.register(relation, {f"r{k}": _array(column) for k, column in enumerate(columns)})
    if any(column.kind == "content" for column in columns):
        con.create_function(_unpack(relation), _Texts(path), ["BIGINT"], "VARCHAR", side_effects=False)
    shown = str(path.parent if path.name == FILE else path)
    return StoreTable(
        shown, tuple((c.name, *_sql(c, f"r{k}", _unpack(relation))) for k, c in enumerate(columns)), notes
    )


def store_digest(path: Path) -> bytes:
    """Return what stands for the bytes of a store in a digest: what is recorded, however it lies on the disk."""
    with Reader(path) as reader:
        return reader.digest().encode()


def _ends_unknown(reader: Reader) -> tuple[str, ...]:
    """Say how many sessions do not tell how they ended."""
    rows = [row for row in reader.sessions() if row.n_steps]
    n = sum(row.ended in (None, UNKNOWN) for row in rows)
    if not n:
        return ()
    running = sum(row.ended is None for row in rows)
    under_way = f", {running:,} of them still open" if running else ""
    return (f"{n:,} of {len(rows):,} sessions do not say how they ended{under_way}: `ended` is {UNKNOWN} there.",)


def _unpack(relation: str) -> str:
    """Return the name of the function that unpacks the texts of one store."""
    return "text_" + "".join(f"{ord(c):x}" if not c.isascii() or not c.isalnum() else c for c in relation).lower()


def _sql(column: TableColumn, name: str, unpack: str) -> tuple[str, str, str]:
    if column.kind == "text":
        return name, "text", "VARCHAR"
    if column.kind == "content":
        return f"{unpack}(CAST({name} AS BIGINT))", "text", "VARCHAR"
    sql, native = FILLED[column.kind]
    return f"CASE WHEN isnan({name}) THEN NULL ELSE {sql.format(name)} END", column.kind, native


def _array(column: TableColumn) -> Any:
    if column.kind == "text":
        return np.array(column.values, dtype=object)
    return np.array([np.nan if value is None else value for value in column.values], dtype=np.float64)


def beside(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the files that hold a table: a store may have a part of it in its log."""
    return (os.fspath(path), f"{os.fspath(path)}{LOG}") if Path(path).name == FILE else (os.fspath(path),)
