"""The record of a run directory written as a table, texts and all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..errors import SettingsError
from .table.files import find, plain_errors, quoted
from .table.opening import without_progress_bar
from .table.stored import store_table
from .table.writing import table_bytes

TABLE = "steps"


@dataclass(frozen=True)
class Stored:
    """A store to be written as a table: where it lies, and of which session, if not of all."""

    path: Path
    session: str | None


class HasStore(Protocol):
    """The answer of the command that exports."""

    @property
    def stored(self) -> Stored:
        """What is written."""


def stored(files: Sequence[str], options: Mapping[str, Any]) -> Stored:
    """Return the store that is meant.

    Raises
    ------
    InputError
        It is none.
    SettingsError
        Several are named.
    """
    paths = find(list(files))
    if len(paths) > 1:
        raise SettingsError(f"one run directory is exported at a time. Got {len(paths)}.")
    return Stored(paths[0], options.get("session"))


def table(result: HasStore, path: str) -> bytes:
    """Return the table in the form that a path's ending names: .parquet, .csv, .tsv, .jsonl or .json.

    Raises
    ------
    SettingsError
        It names none.
    InputError
        Nothing is recorded.
    """
    import duckdb

    source = result.stored
    with duckdb.connect() as con:
        without_progress_bar(con)
        columns = store_table(con, source.path, TABLE, session=source.session).columns
        with plain_errors(str(source.path)):
            cells = ", ".join(f"{_cell(sql, name)} AS {quoted(name)}" for name, sql, _, _ in columns)
            return table_bytes(con, f"SELECT {cells} FROM {TABLE}", path)  # noqa: S608  columns are quoted


def _cell(sql: str, name: str) -> str:
    """Return the SQL of a cell; steps are whole numbers."""
    return f"CAST({sql} AS BIGINT)" if name in ("step", "parent_step") else sql
