"""The formats that are known, and which of them a file or folder is: by what is in it, never by its name."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from ...errors import InputError, SettingsError, argument
from ..table.texts import stream_of
from .log import FIRST_BLOCK, Asked, Imported, Log, Look, Progress, natural
from .paths import FORMAT as PATHS
from .paths import is_path

JSON = PATHS.name
GROUP = "loopstat.importers"
LOGS: dict[str, str] = {
    "inspect": "loopstat.io.importers.inspect_ai",
    "openevolve": "loopstat.io.importers.evolution",
    "gepa": "loopstat.io.importers.gepa",
    "swe-agent": "loopstat.io.importers.swe_agent",
    "otel": "loopstat.io.importers.spans",
    "shinka": "loopstat.io.importers.shinka",
    "mlflow": "loopstat.io.importers.mlflow",
    "promptfoo": "loopstat.io.importers.promptfoo",
    "optuna": "loopstat.io.importers.studies",
    "langfuse": "loopstat.io.importers.langfuse",
    "json": "loopstat.io.importers.paths",
}
"""Our formats: the module of each, by the name that `--format` takes."""

SURE = 0.5
TABLE_KEYS = ({"session", "step"}, {"state", "next_state"})
MOST_FILES = 20_000
SKIPPED = re.compile(r"^[._]")


def where() -> dict[str, str]:
    """Return the place of every format by its name: our own, then those of other packages."""
    others = {e.name: e.value for e in entry_points(group=GROUP)}
    return {**LOGS, **{name: place for name, place in others.items() if name not in LOGS}}


@cache
def _loaded(place: str) -> Log:
    module, _, name = place.partition(":")
    found = import_module(module)
    return cast(Log, getattr(found, name) if name else found)


def log(name: str) -> Log:
    """Return a format by its name.

    Raises
    ------
    SettingsError
        There is none of this name, or it cannot be loaded.
    """
    places = where()
    if name not in places:
        known = ", ".join(places)
        raise SettingsError(f"unknown format {name!r} in {argument('format')}. Known: {known}.")
    try:
        return _loaded(places[name])
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"the format `{name}` cannot be loaded from {places[name]}: {error}.") from error


def look(path: Path) -> Look:
    """Return what importers are shown of a file or folder."""
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                return Look(path, names=frozenset(e.name for _, e in zip(range(MOST_FILES), entries, strict=False)))
        with stream_of(path) as stream:
            head = stream.read(FIRST_BLOCK)
    except (OSError, EOFError):
        return Look(path)  # whoever reads it will say what is wrong with it
    return Look(path, head, _members(path, head))


def _members(path: Path, head: bytes) -> frozenset[str]:
    """Return what is in a ZIP archive, or the tables of a SQLite file."""
    from .archive import archive
    from .database import MAGIC, database

    try:
        if head.startswith(b"PK\x03\x04"):
            with archive(path) as found:
                return found.names
        if head.startswith(MAGIC):
            with database(path) as opened:
                return opened.tables()
    except InputError:
        pass  # whoever reads it will say what is wrong with it
    return frozenset()


def recognised(path: Path, asked: Asked | None = None) -> Log | None:
    """Return the format of a file or folder: the one asked for, else the one surest of it, else None."""
    if asked is not None and asked.format and asked.format != "table":
        return log(asked.format)
    if asked is not None and asked.format == "table":
        return None
    shown = look(path)
    known = [] if any(shown.has(*keys) for keys in TABLE_KEYS) else list(map(log, where()))
    sure = [(found.matches(shown), -i, found) for i, found in enumerate(known)]
    best = max(sure, key=lambda row: row[:2], default=None)
    if best is not None and best[0] >= SURE:
        return best[2]
    by_paths = asked is not None and any(is_path(name) for name in asked.columns.values())
    return log(JSON) if by_paths and shown.keys else None


def imported(path: Path, found: Log, asked: Asked | None = None, progress: Progress | None = None) -> Imported:
    """Read a log, with its file named in whatever is wrong with it; a file that was just read is not read again."""
    asked = asked or Asked()
    if path.is_dir():
        return _read(path, found, asked, progress)
    there = path.stat()
    key = (
        str(path.absolute()),
        there.st_mtime_ns,
        there.st_size,
        found.FORMAT.name,
        asked.reading,
        *asked.columns.items(),
    )
    with _LOCK:
        kept = _KEPT.get(key)
    if kept is None:
        kept = _read(path, found, asked, progress)
        with _LOCK:
            _KEPT[key] = kept
            while len(_KEPT) > MOST_KEPT:
                _KEPT.pop(next(iter(_KEPT)))
    return kept


_KEPT: dict[tuple[Any, ...], Imported] = {}
_LOCK = threading.Lock()
MOST_KEPT = 2  # an interactive page asks for the same log again and again


NOT_AS_EXPECTED = (
    *(LookupError, TypeError, ValueError, AttributeError),
    *(ArithmeticError, AssertionError, RecursionError),
)
"""What reading something of another shape may raise in an importer."""


def _read(path: Path, found: Log, asked: Asked, progress: Progress | None) -> Imported:
    try:
        return found.read(path, asked, progress)
    except InputError as error:
        if error.file is not None:
            raise
        raise InputError(error.message, file=str(path), hint=error.hint) from None
    except NOT_AS_EXPECTED as error:
        if isinstance(error, InputError | SettingsError):
            raise
        what = f"is not the {found.FORMAT.name} log that it looks like: {type(error).__name__} ({error})."
        hint = f"another {argument('format')} may read it, or table for what it is."
        raise InputError(what, file=str(path), hint=hint) from error


def _in_folder(path: Path, asked: Asked) -> bool:
    """Return whether something in a folder is a log, of the format asked for where one is."""
    if not asked.format:
        return recognised(path, asked) is not None
    named, shown = log(asked.format), look(path)
    return named.matches(shown) >= SURE or (asked.format == JSON and bool(shown.keys))


def inside(folder: Path, asked: Asked | None = None) -> list[Path]:
    """Return the logs of a folder and the folders in it, in natural order; each of them may be a folder itself."""
    found = []
    for seen, path in enumerate(_walk(folder)):
        if seen >= MOST_FILES:
            raise InputError(f"holds more than {MOST_FILES:,} files.", file=str(folder), hint="name a folder in it.")
        if _in_folder(path, asked or Asked()):
            found.append(path)
    return found


def is_log(folder: Path, asked: Asked | None = None) -> bool:
    """Return whether a folder is itself one log."""
    return _in_folder(folder, asked or Asked())


def _walk(folder: Path) -> Iterator[Path]:
    for path in (folder / name for name in natural(p.name for p in folder.iterdir() if not SKIPPED.match(p.name))):
        yield path
        if path.is_dir() and not path.is_symlink() and recognised(path) is None:
            yield from _walk(path)
