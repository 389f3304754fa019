"""The record of a run directory written as a table, texts and all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from ..errors import SettingsError
from .table.files import find, plain_errors, quoted
from .table.opening import without_progress_bar
from .table.stored import store_columns

TABLE = "steps"
WRITERS = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".csv": "FORMAT csv, HEADER",
    ".tsv": "FORMAT csv, HEADER, DELIMITER '\t'",
    ".jsonl": "FORMAT json",
    ".json": "FORMAT json, ARRAY true",
}


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

    suffix = next((s for s in WRITERS if path.lower().endswith(s)), None)
    if suffix is None:
        raise SettingsError(f"{path}: the table is written as {', '.join(WRITERS)}. Name a file that ends in one.")
    source = result.stored
    with TemporaryDirectory(prefix="loopstat-") as folder, duckdb.connect() as con:
        without_progress_bar(con)
        con.execute("SET threads = 1")  # rows stay in their order
        columns = store_columns(con, source.path, TABLE, session=source.session)
        made = Path(folder) / f"steps{suffix}"
        with plain_errors(str(source.path)):
            cells = ", ".join(f"{_cell(sql, name)} AS {quoted(name)}" for name, sql, _, _ in columns)
            con.execute(f"COPY (SELECT {cells} FROM {TABLE}) TO '{made}' ({WRITERS[suffix]})")  # noqa: S608
        return made.read_bytes()


def _cell(sql: str, name: str) -> str:
    """Return the SQL of a cell; steps are whole numbers."""
    return f"CAST({sql} AS BIGINT)" if name in ("step", "parent_step") else sql
