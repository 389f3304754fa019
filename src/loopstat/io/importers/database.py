"""SQLite files, opened to be read and for nothing else: what is not a table of theirs is not touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...errors import InputError

MAGIC = b"SQLite format 3\0"
LONGEST_CELL = 512_000_000


class Database:
    """A SQLite file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection

    def tables(self) -> frozenset[str]:
        """Return the names of its tables; views, which could hold anything, are none."""
        return frozenset(str(r["name"]) for r in self._asked("SELECT name FROM sqlite_master WHERE type = 'table'"))

    def rows(self, table: str, order: str = "rowid") -> Iterator[dict[str, Any]]:
        """Yield the rows of a table; none where there is no such table."""
        if table in self.tables():
            name = table.replace('"', '""')
            yield from (dict(r) for r in self._asked(f'SELECT * FROM "{name}" ORDER BY {order}'))  # noqa: S608

    def _asked(self, sql: str) -> Iterator[sqlite3.Row]:
        try:
            yield from self._connection.execute(sql)
        except (sqlite3.Error, OverflowError) as error:
            what = f"is a SQLite file that cannot be read ({error})."
            raise InputError(what, file=str(self.path), hint="copy it while nothing writes to it.") from None


@contextmanager
def database(path: Path) -> Iterator[Database]:
    """Open a SQLite file; one that is being written to is read as it stands.

    Raises
    ------
    InputError
        It is damaged.
    """
    written = path.with_name(f"{path.name}-wal").exists()  # without it nothing has to be put beside the file
    how = "mode=ro" if written else "mode=ro&immutable=1"
    with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?{how}", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
        connection.text_factory = lambda data: data.decode(errors="replace")
        yield Database(path, connection)
