"""What SQLite says when it fails, in our words: whose fault it is, and what became of the data."""

from __future__ import annotations

import sqlite3

from ..errors import InputError, LoopstatError, OutputError

NOT_A_DATABASE = "is not a database: it was overwritten or is another kind of file."
DAMAGED = "is damaged"
NO_SPACE = "the disk is full; what was recorded before is safe, and recording can go on when there is space."
NO_PERMISSION = "no permission to write there."
BUSY = "another process has held it for too long; what was recorded before is safe."


def said(error: sqlite3.Error, path: str) -> LoopstatError:
    """Return the error of a database as one of ours: an InputError where the file is at fault, else an OutputError."""
    name = str(getattr(error, "sqlite_errorname", "") or "")
    if name.startswith("SQLITE_NOTADB"):
        return InputError(NOT_A_DATABASE, file=path, hint="move it away, or choose another directory.")
    if name.startswith("SQLITE_CORRUPT"):
        return InputError(f"{DAMAGED}: {error}.", file=path, hint="`loopstat log verify` says what can be read.")
    if name.startswith("SQLITE_FULL"):
        return OutputError(f"{path}: cannot be written: {NO_SPACE}")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return OutputError(f"{path}: cannot be written: {NO_PERMISSION}")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return OutputError(f"{path}: cannot be written: {BUSY}")
    if name.startswith("SQLITE_IOERR"):
        return OutputError(f"{path}: cannot be read or written: {error} ({name}). What was recorded before is safe.")
    if isinstance(error, sqlite3.OperationalError) and not name:
        return OutputError(f"{path}: {error}.")
    return InputError(f"{DAMAGED}: {error} ({name}).", file=path, hint="`loopstat log verify` says what can be read.")
