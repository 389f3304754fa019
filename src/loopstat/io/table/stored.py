"""The store of a run directory as something DuckDB can scan; whole texts are unpacked only where they are wanted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...record.reading import Reader
from ...record.schema import FILE
from ...record.table import TableColumn, table_of

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


def store_columns(
    con: Any, path: Path, relation: str, *, session: str | None = None
) -> list[tuple[str, str, str, str]]:
    """Register the rows of a store with a connection, and return name, SQL, kind and type of every column.

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
    if not columns:
        nobody = "no session has a step" if session is None else f"session {session!r} is not there, or has no step"
        raise InputError(f"nothing is recorded yet: {nobody}.", file=str(path))
    con.register(relation, {f"r{k}": _array(column) for k, column in enumerate(columns)})
    if any(column.kind == "content" for column in columns):
        con.create_function(_unpack(relation), _Texts(path), ["BIGINT"], "VARCHAR", side_effects=False)
    return [(c.name, *_sql(c, f"r{k}", _unpack(relation))) for k, c in enumerate(columns)]


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
