"""The tables a page may ask about: those given on the command line, and those uploaded; nothing else is ever read."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...errors import InputError, LoopstatError, SettingsError
from ...io.described import TableSeen, describe
from ...io.table.columns import STANDARD
from ...io.table.files import find, names_of, scan
from ...io.table.stored import beside
from ...parameters import nearest

MOST_BYTES = 200_000_000
MOST_TABLES = 100
LONGEST_NAME = 80
SUFFIXES = (".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".parquet")
ODD = re.compile(r"[^\w .()+,=@-]+")


@dataclass
class Source:
    """One table.

    Attributes
    ----------
    id, name : str
        `name` is what it is called: as it was typed, or as the upload was named.
    path : str
        Where it lies, links resolved.
    uploaded : bool
    seen : TableSeen or None
        None until it has been read.
    error : LoopstatError or None
        Why it cannot be read.
    stamp : (bytes, ns) or None
        Its size and when it was written, as it was read.
    """

    id: str
    name: str
    path: str
    uploaded: bool = False
    seen: TableSeen | None = None
    error: LoopstatError | None = None
    stamp: tuple[int, int] | None = None
    reading: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> TableSeen:
        """Return what it holds, read once.

        Raises
        ------
        InputError
            It cannot be read as a table.
        """
        with self.reading:
            if self.seen is None and self.error is None:
                try:
                    self.stamp = stamp_of(self.path)
                    self.seen = describe(self.path)
                except LoopstatError as error:
                    self.error = error
        if self.seen is None:
            raise self.error or InputError("cannot be read.", file=self.name)
        return self.seen

    def outdated(self) -> bool:
        """Forget what was read where the file is another than then, and say whether it is."""
        if (self.seen is None and self.error is None) or self.stamp == stamp_of(self.path):
            return False
        with self.reading:
            self.seen = self.error = None
        return True

    def described(self, said: Callable[[LoopstatError], str]) -> dict[str, Any]:
        """Return it as the page reads it; `reading` where that is not yet known."""
        found: dict[str, Any] = {"id": self.id, "name": self.name, "uploaded": self.uploaded}
        if self.seen is not None:
            return {**found, **table_data(self.seen)}
        found |= {"rows": None, "columns": [], "guess": {}}
        return {**found, "error": said(self.error)} if self.error else {**found, "reading": True}


def table_data(seen: TableSeen) -> dict[str, Any]:
    """Return a table as the page reads it."""
    columns = [{"name": c.name, "kind": c.kind, "role": c.role, "values": c.values} for c in seen.columns]
    return {"rows": seen.rows, "columns": columns, "guess": dict(seen.guess), "standard": list(STANDARD)}


class Sources:
    """Tables by their id.

    Parameters
    ----------
    files : sequence of str
        Paths and globs as they were typed; each is looked up once, and its links are resolved then.

    Raises
    ------
    InputError
        One that is not there, or no table.
    """

    def __init__(self, files: Sequence[str] = ()) -> None:
        self._lock = threading.Lock()
        self._tables: dict[str, Source] = {}
        self._made = 0
        self._begun: set[str] = set()  # tables that are being read in the background, or were
        self._folder: TemporaryDirectory[str] | None = None
        self.changed: list[Callable[[], None]] = []
        for path in find(list(files)) if files else ():
            _look(path)
            self._add(str(path), os.path.realpath(path))

    # ------------------------------------------------------------------ what there is

    def _add(self, name: str, path: str, *, uploaded: bool = False) -> Source:
        with self._lock:
            self._made += 1
            source = Source(f"s{self._made}", name, path, uploaded)
            self._tables[source.id] = source
        return source

    def _called(self, key: str) -> Source:
        source = self._tables.get(key)
        if source is None and not self._tables:
            raise SettingsError("no table is open: add one first.")
        if source is None:
            raise nearest(key[:40], list(self._tables), "table")
        return source

    def named(self, ids: Iterable[Any]) -> list[Source]:
        """Return tables by their ids; one that has changed since it was described is then described again.

        Raises
        ------
        SettingsError
            An id that is none.
        InputError
            A file that was replaced by a link since, or is gone.
        """
        found = []
        for key in dict.fromkeys(str(name) for name in ids):
            source = self._called(key)
            if os.path.realpath(source.path) != source.path:
                raise InputError("was replaced by a link since it was opened.", file=source.name, hint="open it again.")
            if not os.path.exists(source.path):
                hint = "put it back where it was, or add it again."
                raise InputError("is not there any more.", file=Path(source.name).name, hint=hint)
            found.append(source)
        self._again([source for source in found if source.outdated()])
        return found

    def _again(self, tables: Sequence[Source]) -> None:
        """Read tables again that have changed since."""
        if tables:
            with self._lock:
                self._begun -= {table.id for table in tables}
            self.tell()

    def paths(self, ids: Iterable[Any]) -> list[str]:
        """Return the paths of tables by their ids; raises as `named`."""
        return [source.path for source in self.named(ids)]

    def typed(self, ids: Iterable[Any]) -> list[str]:
        """Return what stands for tables on a command line: paths as they were typed, names of uploads."""
        return [source.name for source in self.named(ids)]

    def described(self) -> list[dict[str, Any]]:
        """Return every table as the page reads it, at once; those not read yet are then read in the background."""
        with self._lock:
            tables = list(self._tables.values())
            unread = [t for t in tables if t.id not in self._begun and t.seen is None]
            self._begun |= {t.id for t in unread}
        if unread:
            threading.Thread(target=self._read_all, args=(unread,), name="tables", daemon=True).start()
        return [table.described(self.said) for table in tables]

    def _read_all(self, tables: Sequence[Source]) -> None:
        for table in tables:
            try:
                table.read()
            except LoopstatError:
                pass  # kept with the table, and shown beside its name
            self.tell()

    def tell(self) -> None:
        """Tell whoever wants to know that a table came, went or was read."""
        for heard in list(self.changed):
            heard()

    def said(self, error: LoopstatError) -> str:
        """Return the message of an error, with the names of tables instead of where they lie."""
        text = error.on_command_line()
        for source in list(self._tables.values()):
            text = text.replace(source.path, source.name if source.uploaded else Path(source.name).name)
        return text

    # ------------------------------------------------------------------ what comes and goes

    def place(self, name: str) -> tuple[str, Path]:
        """Return a clean name for an upload, and a path of its own for it.

        Raises
        ------
        SettingsError
            There are too many tables.
        """
        if len(self._tables) >= MOST_TABLES:
            raise SettingsError(f"{MOST_TABLES} tables are open, which is the most; remove one first.")
        with self._lock:
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="loopstat-view-", ignore_cleanup_errors=True)
            self._made += 1
            folder = Path(os.path.realpath(self._folder.name)) / f"u{self._made}"
        folder.mkdir(mode=0o700)
        shown = clean_name(name)
        return shown, folder / file_name(shown)

    def take(self, name: str, path: Path) -> Source:
        """Take an uploaded file in, or remove it and raise what is wrong with it.

        Raises
        ------
        InputError
            It cannot be read as a table; the message speaks of it by its name.
        """
        source = Source("", name, str(path), uploaded=True)
        try:
            source.read()
        except LoopstatError as error:
            remove(path)
            raise InputError(error.on_command_line().replace(str(path), name)) from None
        with self._lock:
            self._made += 1
            source.id = f"s{self._made}"
            self._tables[source.id] = source
        self.tell()
        return source

    def remove(self, key: str) -> None:
        """Forget a table; an uploaded one is deleted."""
        source = self._called(key)
        with self._lock:
            self._tables.pop(source.id, None)
        if source.uploaded:
            remove(Path(source.path))
        self.tell()

    def close(self) -> None:
        """Delete what was uploaded."""
        with self._lock:
            self._tables.clear()
            folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    # ------------------------------------------------------------------ sessions

    def of_session(self, ids: Iterable[Any], name: str) -> tuple[Source, str]:
        """Return the table a session lies in and its name there: several tables put theirs before it."""
        tables = self.named(ids)
        if len(tables) == 1:
            return tables[0], name
        for short, table in sorted(prefixes(tables).items(), key=lambda pair: -len(pair[0])):
            if name.startswith(short):
                return table, name.removeprefix(short)
        raise SettingsError(f"session {name[:80]!r} names none of the tables: expected TABLE:SESSION.")


def stamp_of(path: str) -> tuple[int, int] | None:
    """Return the size of a file and when it was written; None where there is none."""
    found = []
    for file in beside(path):
        try:
            found.append(os.stat(file))
        except OSError:
            continue  # a store that nobody writes to has no log
    return (sum(s.st_size for s in found), max(s.st_mtime_ns for s in found)) if found else None


def prefixes(tables: Sequence[Source]) -> Mapping[str, Source]:
    """Return what stands before the names of sessions where several tables are read as one."""
    if len(tables) == 1:
        return {"": tables[0]}
    return dict(zip((f"{n}:" for n in names_of([Path(t.path) for t in tables])), tables, strict=True))


def _look(path: Path) -> None:
    """Refuse a file whose beginning or schema is no table's."""
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": False}) as con:
        scan(con, path)


def remove(path: Path) -> None:
    """Delete an uploaded file and the folder made for it."""
    path.unlink(missing_ok=True)
    try:
        path.parent.rmdir()
    except OSError:
        pass  # not empty, or gone: the whole folder goes with the server


def clean_name(name: str) -> str:
    """Return a name that can be shown and written: no folders, no control or direction marks, not too long."""
    last = re.split(r"[\\/]", name)[-1]
    stem, suffix = _split(ODD.sub("_", last).strip(" ._") or "table")
    return (stem[: LONGEST_NAME - len(suffix)].strip(" .") or "table") + suffix


def file_name(shown: str) -> str:
    """Return the name of the file an upload is kept in: an ending only where readers know it."""
    stem, suffix = _split(shown)
    return stem.replace(".", "_") + suffix


def _split(name: str) -> tuple[str, str]:
    """Return a name and the ending that readers know, with `.gz` where it follows."""
    lower = name.lower()
    for suffix in SUFFIXES:
        for ending in (f"{suffix}.gz", suffix):
            if lower.endswith(ending):
                return name[: -len(ending)], ending
    return name, ""
