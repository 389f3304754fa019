"""A run directory open for writing: one connection, short transactions, nothing that a fork could break."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError, SettingsError
from .failures import said
from .schema import FILE, prepare, refuse_moved

WAIT = 60.0  # seconds for another writer: each holds the file for milliseconds
SYNCS = ("full", "normal")
WORTH_PACKING = 200  # bytes; shorter texts grow
LEVEL = 6  # of zlib: a third smaller than level 1 on sources, for half a millisecond per 10 kB
LONGEST = 500_000_000  # bytes of one text; SQLite takes twice that


class Store:
    """The store of a run directory, made if need be.

    Parameters
    ----------
    directory : path
    sync : {"full", "normal"}
        `full`: what is committed survives a loss of power. `normal`: it survives the end of the process, kill -9
        included; after a loss of power the last moments may be missing, never half there.

    Raises
    ------
    InputError
        The file there is no store, damaged, or of a newer format.
    OutputError
        The system refuses.
    """

    def __init__(self, directory: str | os.PathLike[str], *, sync: str = "full") -> None:
        if sync not in SYNCS:
            raise SettingsError(f"`sync` must be one of {', '.join(SYNCS)}. Got {sync!r}.")
        self._sync = sync
        folder = Path(directory)
        self.path = str(folder / FILE)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be made a run directory: {error.strerror or error}.") from error
        self._lock = threading.Lock()
        self._con: sqlite3.Connection | None = None
        with self.writing():
            pass
        _OPEN.add(self)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside a transaction that is committed at the end, or rolled back on any exception."""
        with self._lock:
            try:
                con = self._connected()
                con.execute("BEGIN IMMEDIATE")
                try:
                    refuse_moved(con, self.path)
                    yield con
                    con.execute("COMMIT")
                except BaseException:
                    if con.in_transaction:
                        con.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise said(error, self.path) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection to ask one question of, without keeping others from writing."""
        with self._lock:
            try:
                yield self._connected()
            except sqlite3.Error as error:
                raise said(error, self.path) from error

    def close(self) -> None:
        """Let go of the file; the next writing opens it again."""
        with self._lock:
            self._disconnect()

    def __del__(self) -> None:
        """Close what nobody can write to any more."""
        con, self._con = getattr(self, "_con", None), None
        if con is not None:
            con.close()

    # ------------------------------------------------------------------ the connection

    def _connected(self) -> sqlite3.Connection:
        if self._con is None:
            con = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None, check_same_thread=False)
            try:
                con.execute(f"PRAGMA synchronous = {self._sync}")
                con.execute("PRAGMA foreign_keys = ON")
                # A new store is made before there is a log, so that the file itself says at once what it is.
                con.execute("BEGIN IMMEDIATE")
                prepare(con, self.path)
                con.execute("COMMIT")
                _write_ahead(con)
            except BaseException:
                con.close()
                raise
            self._con = con
        return self._con

    def _disconnect(self) -> None:
        con, self._con = self._con, None
        if con is not None:
            con.close()

    def before_fork(self) -> None:
        """Close the connection and keep others from opening one: SQLite's cannot be taken into another process."""
        self._lock.acquire()
        self._disconnect()

    def after_fork(self) -> None:
        """Let writing go on, in either process."""
        self._lock.release()


_OPEN: weakref.WeakSet[Store] = weakref.WeakSet()
_FORKING: list[Store] = []


def _before() -> None:
    for store in list(_OPEN):
        store.before_fork()
        _FORKING.append(store)


def _after() -> None:
    while _FORKING:
        _FORKING.pop().after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)


def _write_ahead(con: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; of two processes that open a new file at once, one has to wait for the other."""
    patience = time.monotonic() + WAIT
    while True:
        try:
            con.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > patience:
                raise
            time.sleep(0.005)


# ------------------------------------------------------------------------------------------------- texts


def put_text(con: sqlite3.Connection, text: str) -> int:
    """Keep a text under its digest, once however often it comes, and return its number."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) > LONGEST:
        raise SettingsError(f"a text of {len(data):,} bytes is too long; the longest that is kept has {LONGEST:,}.")
    digest = hashlib.sha256(data).digest()
    row = con.execute("SELECT id FROM texts WHERE digest = ?", (digest,)).fetchone()
    if row is not None:
        return int(row[0])
    packed = zlib.compress(data, LEVEL) if len(data) >= WORTH_PACKING else data
    smaller = len(packed) < len(data)
    values = (digest, len(data), int(smaller), packed if smaller else data)
    cursor = con.execute("INSERT INTO texts (digest, size, packed, body) VALUES (?, ?, ?, ?)", values)
    return int(cursor.lastrowid or 0)


def text_of(body: bytes, packed: int, size: int) -> bytes:
    """Return the bytes of a text as they were kept.

    Raises
    ------
    ValueError
        They are not what was written.
    """
    if not packed:
        return body
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(body, size + 1)
    except zlib.error as error:
        raise ValueError(f"it does not unpack: {error}") from None
    if len(data) != size:
        raise ValueError(f"it unpacks to another length than {size:,} bytes")
    return data
