"""One way from what a caller names (paths, globs, dataframes) to a table: rows, columns, and where they are from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...errors import InputError, argument, either
from ..importers.log import Asked
from .cells import Cells, part_of
from .columns import renaming, unknown
from .files import (
    LONGEST_LINE,
    LineTooLongError,
    Scan,
    digest_of,
    find,
    names_of,
    plain_errors,
    scan,
)
from .frames import scan_frame
from .partitions import partitions_of, with_constants

MEMORY, OF_JSON = "1GB", "6GB"  # that a database on disk may take; a reader of JSON takes room for its longest record
LABEL_OPTIONS = either("--by, --where or --cluster", "labels=")


@dataclass(frozen=True)
class Needs:
    """What a reader needs of a table before it can be read.

    Attributes
    ----------
    labels, objectives : tuples of str
        Columns that must be there, and are read as labels and as numbers.
    numbers : frozenset of str
        Columns that are read as numbers where they are there.
    texts : mapping
        Columns that are read as whole texts, with what to keep of them (see `Cells`).
    label_options : str
        What the labels were asked for by, for refusals.
    session : str or None
        Only the rows of this session are read; the table must be one file.
    format : str or None
        `NAME` or `NAME:READING` of the log that the files are; None: recognised.
    only : frozenset of str or None
        Only these columns are loaded, of those that are there.
    first : int or None
        Only so many rows of each file are read.
    constants : mapping from name to text
        Columns of one value that the files do not hold themselves: those of folders named `column=value`.
    on_disk : bool
        The table is kept in a file of its own while it is open, so that memory is bounded.
    """

    labels: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    numbers: frozenset[str] = frozenset()
    texts: Mapping[str, str] = field(default_factory=dict)
    label_options: str = LABEL_OPTIONS
    session: str | None = None
    format: str | None = None
    only: frozenset[str] | None = None
    first: int | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    on_disk: bool = False


@contextmanager
def opened(source: Any, columns: Mapping[str, str] | None = None, needs: Needs | None = None) -> Iterator[Cells]:
    """Open a table for as long as its cells are wanted.

    Parameters
    ----------
    source : path, glob, list of those, or dataframe
    columns : mapping from standard name to the table's name, optional
    needs : Needs, optional
    """
    needs = needs or Needs()
    with _database(on_disk=needs.on_disk) as con:
        without_progress_bar(con)
        if is_paths(source):
            yield _of_files(con, source, columns, needs)
        else:
            yield _cells(con, [scan_frame(con, source)], columns, needs)


@contextmanager
def _database(*, on_disk: bool) -> Iterator[Any]:
    """Open a database: in memory, or in a folder that goes with it."""
    import duckdb

    config: dict[str, Any] = {"autoinstall_known_extensions": False}
    if not on_disk:
        with duckdb.connect(config=config) as con:
            yield con
        return
    with TemporaryDirectory(prefix="loopstat-") as folder:
        config |= {"memory_limit": OF_JSON, "temp_directory": os.path.join(folder, "spilled")}
        with duckdb.connect(os.path.join(folder, "table.duckdb"), config=config) as con:
            yield con


def asked_of(
    path: str | os.PathLike[str], columns: Mapping[str, str] | None, question: Callable[[Scan, Mapping[str, str]], str]
) -> list[tuple[Any, ...]]:
    """Return the rows of a question in SQL about one file, without loading the file.

    Parameters
    ----------
    path : path of one file
    columns : mapping from standard name to the table's name, optional
    question : callable
        Makes the SQL of how to read the file, and of standard names by the table's names.
    """
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": False}) as con:
        without_progress_bar(con)
        con.execute("SET threads = 1")  # rows come in the order of the file
        for longest in LONGEST_LINE:
            try:
                found = scan(con, Path(path), longest_line=longest, asked=Asked.of(None, columns))
                names = renaming(columns, [f.name for f in found.fields], file=found.file)
                with plain_errors(found.file):
                    return list(con.execute(question(found, names)).fetchall())
            except LineTooLongError:
                if longest == LONGEST_LINE[-1]:
                    raise
    raise AssertionError("the longest line was tried")


def without_progress_bar(con: Any) -> None:
    """Switch the bar off where it is on: in a notebook without ipywidgets DuckDB refuses even to be told so."""
    [(shown,)] = con.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    if shown:
        con.execute("SET enable_progress_bar = false")


def is_paths(source: Any) -> bool:
    """True for a path or pattern, or a list of those."""
    return isinstance(source, str | os.PathLike) or (
        isinstance(source, list | tuple) and all(isinstance(s, str | os.PathLike) for s in source)
    )


def _of_files(con: Any, source: Any, columns: Mapping[str, str] | None, needs: Needs) -> Cells:
    asked = Asked.of(needs.format, columns)
    paths = find(source, asked)
    short = tuple(names_of(paths)) if len(paths) > 1 else ()
    digest = digest_of(paths)
    for longest in LONGEST_LINE:
        try:
            scans = [
                with_constants(scan(con, path, longest_line=longest, asked=asked), {**named, **needs.constants})
                for path, named in zip(paths, partitions_of(paths), strict=True)
            ]
            return _cells(con, scans, columns, needs, short, digest)
        except LineTooLongError:
            if longest == LONGEST_LINE[-1]:
                raise
            con.execute("DROP TABLE IF EXISTS t")
    raise AssertionError("the longest line was tried")


def _cells(
    con: Any,
    scans: Sequence[Scan],
    columns: Mapping[str, str] | None,
    needs: Needs,
    short: tuple[str, ...] = (),
    digest: str = "",
) -> Cells:
    known = list(dict.fromkeys(f.name for s in scans for f in s.fields))
    file = ", ".join(s.file for s in scans[:3])
    if len({s.form for s in scans}) > 1:
        raise InputError("these files are not of one kind.", file=file, hint="read tables and JSON forms apart.")
    names = renaming(columns, known, file=file)
    here = [names.get(n, n) for n in known if names.get(n, n) == n or n in names]
    for option, asked in ((argument("objectives"), needs.objectives), (needs.label_options, needs.labels)):
        missing = next((n for n in asked if n not in here and not (n == "file" and short)), None)
        if missing is not None:
            raise unknown(missing, here, file=file, option=option)
    numbers = {*needs.objectives, *needs.numbers}
    if needs.session is not None:
        scans = [part_of(scan, "session", needs.session, names) for scan in scans]
    if needs.on_disk and not any(s.relation.startswith("read_json") for s in scans):
        con.execute(f"SET memory_limit = '{MEMORY}'")
    if needs.first is not None:
        scans = [replace(s, relation=f"(SELECT * FROM {s.relation} LIMIT {needs.first})") for s in scans]  # noqa: S608
    return Cells(
        con,
        scans,
        names=names,
        labels=needs.labels,
        numbers=numbers,
        texts=needs.texts,
        only=needs.only,
        short=short,
        digest=digest,
    )
