"""A store as others read it, also while it is written: sessions, steps with their parents, texts, a digest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from ..errors import InputError, LoopstatError
from .failures import DAMAGED, said
from .schema import APPLICATION, FILE, FORMAT, MIGRATIONS, format_of
from .seals import SEALED, checked
from .store import text_of
from .values import Plain

WAIT = 30.0  # seconds for a lock; readers wait for nobody but whoever repairs after a crash
HEADER, PLACE = b"SQLite format 3\0", 68  # how the file begins, and where its application is named


def is_store(path: str | os.PathLike[str]) -> bool:
    """Return whether a file begins as a store does."""
    with open(path, "rb") as stream:
        head = stream.read(PLACE + 4)
    return head.startswith(HEADER) and head[PLACE:] == APPLICATION.to_bytes(4, "big")


def store_in(path: str | os.PathLike[str]) -> Path | None:
    """Return the store of a run directory, None where there is none."""
    found = Path(path) / FILE
    return found if found.is_file() else None


@dataclass(frozen=True)
class SessionRow:
    """One session as it is recorded.

    Attributes
    ----------
    id : int
    name : str
    started : float
        Seconds since 1970.
    host, pid : where it was begun
    version : str
        Of loopstat.
    fields : dict
        Labels that hold for all steps.
    ended, ended_at, note : how it ended, None while it has not
    n_steps : int
    last_at : float or None
        When its last step was recorded.
    """

    id: int
    name: str
    started: float
    host: str
    pid: int
    version: str
    fields: dict[str, Plain]
    ended: str | None
    ended_at: float | None
    note: str | None
    n_steps: int
    last_at: float | None


@dataclass(frozen=True)
class StepRow:
    """One step as it is recorded; `parent` is the number of a row, found by the rules of the format where left out.

    Attributes
    ----------
    id, session, step : int
    candidate, repeat : str
    parent : int or None
    root : bool
    accepted : bool or None
    at : float
    scores : dict
    fields : dict
    texts : dict
        Numbers of texts, by column.
    """

    id: int
    session: int
    step: int
    candidate: str
    repeat: str
    parent: int | None
    root: bool
    accepted: bool | None
    at: float
    scores: dict[str, float | None]
    fields: dict[str, Plain]
    texts: dict[str, int]


class Reader:
    """A store opened for reading; everything it says is of one moment.

    Parameters
    ----------
    path : path
        Of a run directory, or of the file in it.

    Raises
    ------
    InputError
        It cannot be read as a store.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        found = store_in(path) if os.path.isdir(path) else Path(path)
        if found is None or not found.is_file():
            raise InputError(
                f"holds no record of loops: there is no {FILE}." if os.path.isdir(path) else "no such file.",
                file=str(path),
                hint='`loopstat.Session("runs/")` makes one.',
            )
        self.path = str(found)
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._con = self._opened(found)
        try:
            with self._plain():
                self._con.execute("BEGIN")
                self.format = format_of(self._con, self.path)
                if self.format < FORMAT:
                    self._con = self._brought_up()
        except BaseException:
            self.close()
            raise
        newer = f"{self.path} is of format {self.format}, newer than {FORMAT}: what is new in it is left out."
        self.notes: tuple[str, ...] = (newer,) if self.format > FORMAT else ()

    def close(self) -> None:
        """Let go of the file."""
        self._con.close()
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ opening

    def _opened(self, path: Path) -> sqlite3.Connection:
        """Open a file for reading; where the directory cannot be written to, a copy of what a crash left behind."""
        with self._plain():
            try:
                return _read_only(path, "mode=ro")
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                    raise
            log = Path(f"{path}-wal")
            if not log.is_file() or log.stat().st_size == 0:
                return _read_only(path, "immutable=1")
            self._copy = tempfile.TemporaryDirectory(prefix="loopstat-")
            for file in (path, log):
                shutil.copy(file, self._copy.name)
            return _read_only(Path(self._copy.name) / path.name, "mode=rw")

    def _brought_up(self) -> sqlite3.Connection:
        """Return a copy of an older store in memory, brought up to date; the file stays as it is."""
        self._con.execute("COMMIT")
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._con.backup(copy)
        self._con.close()
        for migrate in MIGRATIONS[self.format :]:
            migrate(copy)
        return copy

    @contextmanager
    def _plain(self) -> Iterator[None]:
        """Put what SQLite says into our words: whatever cannot be read is the file's fault."""
        try:
            yield
        except sqlite3.Error as error:
            found: LoopstatError = said(error, self.path)
            raise (
                found
                if isinstance(found, InputError)
                else InputError(f"cannot be read: {error}.", file=self.path, hint="`loopstat log verify` says more.")
            ) from error
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{DAMAGED}: {error}.", file=self.path) from error

    # ------------------------------------------------------------------ what is there

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for questions of one's own; inside it nothing changes."""
        return self._con

    def sessions(self) -> list[SessionRow]:
        """Return the sessions in the order in which they began."""
        with self._plain():
            counts = self._con.execute("SELECT session, count(*), max(at) FROM steps GROUP BY session").fetchall()
            steps = {number: (n, at) for number, n, at in counts}
            rows = self._con.execute(f"SELECT {SEALED['sessions']}, seal FROM sessions ORDER BY id").fetchall()  # noqa: S608
            return [_session(checked("sessions", row), *steps.get(row[0], (0, None))) for row in rows]

    def steps(self, session: int | None = None) -> Iterator[StepRow]:
        """Yield the steps of one session, or of all, by session, step and order of recording, parents found."""
        where, given = ("", ()) if session is None else (" WHERE session = ?", (session,))
        with self._plain():
            sql = f"SELECT {SEALED['steps']}, seal FROM steps{where} ORDER BY session, step, id"  # noqa: S608
            cursor = self._con.execute(sql, given)
            rows: list[StepRow] = []
            for found in cursor:
                row = _step(checked("steps", found))
                if rows and rows[0].session != row.session:
                    yield from with_parents(rows)
                    rows = []
                rows.append(row)
            yield from with_parents(rows)

    def text(self, number: int) -> str:
        """Return a text by its number."""
        with self._plain():
            row = self._con.execute("SELECT body, packed, size FROM texts WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise ValueError(f"text {number} is missing")
            return text_of(*row).decode()

    def size(self, number: int) -> int:
        """Return the bytes of a text."""
        with self._plain():
            return int(self._con.execute("SELECT size FROM texts WHERE id = ?", (number,)).fetchone()[0])

    def rule(self, session: int) -> str | None:
        """Return the rule a session followed, as the file it was read from."""
        with self._plain():
            row = self._con.execute("SELECT rule FROM sessions WHERE id = ?", (session,)).fetchone()
        return None if row is None or row[0] is None else self.text(row[0])

    def n_texts(self) -> int:
        """Return how many texts are kept."""
        with self._plain():
            return int(self._con.execute("SELECT count(*) FROM texts").fetchone()[0])

    def digest(self) -> str:
        """Return the SHA-256 of all that is recorded: equal records, equal digest, however they lie on the disk."""
        digest = hashlib.sha256()
        with self._plain():
            for table in (
                "SELECT name, fields, ended FROM sessions ORDER BY id",
                f"SELECT {SEALED['steps']} FROM steps ORDER BY id",  # noqa: S608
                "SELECT id, digest FROM texts ORDER BY id",
            ):
                for row in self._con.execute(table):
                    digest.update(repr(row).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()


def _read_only(path: Path, mode: str) -> sqlite3.Connection:
    name = f"file:{quote(str(path.absolute()))}?{mode}"
    con = sqlite3.connect(name, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False)
    try:
        con.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        con.close()
        raise
    return con


def _session(row: tuple[Any, ...], n_steps: int, last_at: float | None) -> SessionRow:
    number, name, started, host, pid, version, fields, _, ended, ended_at, note = row
    known: dict[str, Plain] = json.loads(fields)
    return SessionRow(number, name, started, host, pid, version, known, ended, ended_at, note, n_steps, last_at)


def _step(row: tuple[Any, ...]) -> StepRow:
    number, session, step, candidate, repeat, parent, root, accepted, at, scores, fields, texts = row
    taken = None if accepted is None else bool(accepted)
    known = (json.loads(scores), json.loads(fields), json.loads(texts))
    return StepRow(number, session, step, candidate, repeat, parent, bool(root), taken, at, *known)


def with_parents(rows: list[StepRow]) -> list[StepRow]:
    """Return the steps of one session with the parents nobody gave.

    Where the session says what is accepted, that is the last accepted row of an earlier step, the first one with
    scores counting as accepted; else the row of the step before, of several candidates the first.
    """
    if not any(row.parent is None and not row.root for row in rows):
        return rows
    flagged = any(row.accepted is not None for row in rows)
    first = next((row for row in rows if row.scores and None not in row.scores.values()), None)
    out: list[StepRow] = []
    held: StepRow | None = None  # of steps before the one at hand
    coming: StepRow | None = None  # of the step at hand
    for i, row in enumerate(rows):
        if i and row.step != rows[i - 1].step:
            held, coming = coming or held, None
        if row.parent is None and not row.root and held is not None and not row.repeat:
            row = replace(row, parent=held.id)
        out.append(row)
        taken = bool(row.accepted) or (first is not None and row.id == first.id)
        if taken if flagged else coming is None:
            coming = row
    return out
