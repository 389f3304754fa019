"""Rows written as a table in any of the forms that are read."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...errors import SettingsError

WRITERS = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".csv": "FORMAT csv, HEADER",
    ".tsv": "FORMAT csv, HEADER, DELIMITER '\t'",
    ".jsonl": "FORMAT json",
    ".json": "FORMAT json, ARRAY true",
}


def table_bytes(con: Any, select: str, path: str) -> bytes:
    """Return what a query gives, its rows in order, in the form that a path's ending names.

    Raises
    ------
    SettingsError
        It names none.
    """
    suffix = next((s for s in WRITERS if path.lower().endswith(s)), None)
    if suffix is None:
        raise SettingsError(f"{path}: the table is written as {', '.join(WRITERS)}. Name a file that ends in one.")
    con.execute("SET threads = 1")  # rows stay in their order
    with TemporaryDirectory(prefix="loopstat-") as folder:
        made = Path(folder) / f"table{suffix}"
        con.execute(f"COPY ({select}) TO '{made}' ({WRITERS[suffix]})")
        return made.read_bytes()
