"""Texts to be scored: files, folders, or a column of a table, each with its place; and the table with its scores."""

# ruff: noqa: S608  every name in the SQL here is escaped by `quoted`

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, SettingsError, argument, either
from ...panel.scorers import SCORER
from ...panel.source import Source
from ...scoring.registry import objectives_known
from ...scoring.score import Artefact
from ..table.cells import MISSING_TEXT, WHOLE, Cells
from ..table.columns import KEYS
from ..table.files import LONGEST_LINE, Scan, digest_of, find, plain_errors, quoted, scan
from ..table.opening import Needs, opened, without_progress_bar
from ..table.writing import table_bytes
from .columns import ARTIFACT, lines_of, texts_of

TABLES = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".gz")
PROGRAMS, PROSE = (".py",), (".txt", ".md", ".rst")
MOST_BYTES = 4_000_000  # of a file: what is longer is not scored, and its end is not read
NO_FILE = either("name FILE or --table FILE", "name files")

Key = Mapping[str, str | int]
"""Where a text stands: `path` of a file; of a table its `row` and what it has of session, step, candidate, repeat."""


@dataclass(frozen=True)
class Artefacts:
    """Texts in the order of their files and rows.

    Attributes
    ----------
    texts : tuple of Artefact
    keys : tuple of Key
        One per text.
    rows : tuple of int
        Number of the row of the joined table that each text stands in, from 0; empty for files.
    n_rows : int
        Rows of the tables, those without a text too.
    source : Source
    columns : tuple of str
        Of the tables.
    """

    texts: tuple[Artefact, ...]
    keys: tuple[Key, ...]
    rows: tuple[int, ...]
    n_rows: int
    source: Source
    columns: tuple[str, ...] = ()


def read_artefacts(files: Sequence[str], options: Mapping[str, Any]) -> Artefacts:
    """Read texts as options ask for them.

    Parameters
    ----------
    files : paths, globs or folders
        Parquet, CSV, TSV and JSON lines are tables; everything else is one text a file; of a folder, programs are
        read, and prose where the suite `text` is asked for.
    options : mapping
        `table`: one more file; `artifact`: the column of texts; `lines_from`: that of expected lines; `columns`: names;
        `suite`.

    Raises
    ------
    SettingsError
        No file is named, or tables and texts together.
    InputError
        A file cannot be read, or a table has no such column.
    """
    named = [*files, *([options["table"]] if options.get("table") else [])]
    if not named:
        raise SettingsError(f"no file was named. Hint: {NO_FILE}.")
    suffixes = (*PROGRAMS, *PROSE) if "text" in (options.get("suite") or ()) else PROGRAMS
    paths = list(dict.fromkeys(path for name in named for path in _meant(name, suffixes)))
    tables = [p for p in paths if p.suffix in TABLES or str(p) == options.get("table")]
    if not tables:
        if options.get("lines_from"):
            hint = either("give one number to --lines", "give one number as `lines`")
            raise SettingsError(f"{argument('lines_from')} names a column of a table; files have none. Hint: {hint}.")
        return _of_files(paths)
    if len(tables) < len(paths):
        raise SettingsError("tables and texts cannot be scored together. Hint: score them one after the other.")
    return _of_tables(tables, options)


def _meant(name: str, suffixes: tuple[str, ...]) -> list[Path]:
    folder = Path(name)
    if not folder.is_dir():
        return find(name) if not _is_empty(folder) else [folder]
    inside = (p for p in folder.rglob("*") if p.suffix in suffixes and p.is_file())
    found = sorted(p for p in inside if not any(part.startswith(".") for part in p.relative_to(folder).parts))
    if not found:
        raise InputError(f"the folder holds no {', '.join(suffixes)} files.", file=name)
    return found


def _is_empty(path: Path) -> bool:
    """True for an empty file: no table, but a text that can be scored."""
    return path.is_file() and path.suffix not in TABLES and path.stat().st_size == 0


def _of_files(paths: Sequence[Path]) -> Artefacts:
    texts = []
    for path in paths:
        try:
            with path.open("rb") as stream:
                # What is no UTF-8 becomes surrogates, which scorers know for what they are.
                texts.append(Artefact(stream.read(MOST_BYTES).decode("utf-8", "surrogateescape")))
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}.", file=str(path)) from None
    keys = tuple({"path": os.fspath(p).encode("utf-8", "replace").decode()} for p in paths)
    return Artefacts(tuple(texts), keys, (), 0, Source(tuple(map(str, paths)), digest_of(paths)))


def _of_tables(paths: Sequence[Path], options: Mapping[str, Any]) -> Artefacts:
    artifact = options.get("artifact") or ARTIFACT
    # Keys are read as labels: a `step` that is no number is nothing to refuse here.
    counted = options.get("lines_from")
    needs = Needs(texts={artifact: "{}"}, numbers=frozenset([counted] if counted else []))
    with opened([str(p) for p in paths], options.get("columns"), needs) as cells:
        found = texts_of(cells, artifact)
        if counted:
            lines = lines_of(cells, counted)
            found = [None if a is None else replace(a, lines=n) for a, n in zip(found, lines, strict=True)]
        rows = tuple(k for k, a in enumerate(found) if a is not None)
        columns = {name: cells.labels(name).values() for name in KEYS if cells.has(name)}
        places = [cells.place(k) for k in rows]
        keys = tuple(
            {
                **({"path": place[0]} if cells.files else {}),
                "row": place[1],
                **{name: _key(name, v) for name, values in columns.items() if (v := values[k]) is not None},
            }
            for k, place in zip(rows, places, strict=True)
        )
        source = _source(cells, len(rows), artifact)
        return Artefacts(tuple(a for a in found if a is not None), keys, rows, cells.n_rows, source, tuple(cells.names))


def _key(name: str, value: str) -> str | int:
    return int(value) if name == "step" and value.lstrip("-").isdecimal() else value


def _source(cells: Cells, n: int, artifact: str) -> Source:
    empty = cells.n_rows - n
    return cells.source([f"{empty:,} of {cells.n_rows:,} rows have no text in `{artifact}`."] if empty else [])


# ------------------------------------------------------------------------------------- with the scores


def scored_table(
    artefacts: Artefacts, scores: Mapping[str, Sequence[float]], scorer_hash: str, columns: Mapping[str, str] | None
) -> bytes:
    """Return a Parquet file of what was read with the scores beside it: ready for `loopstat analyze`.

    Parameters
    ----------
    artefacts : Artefacts
    scores : mapping from name to one value per text
    scorer_hash : str
    columns : mapping from standard name to the table's name, optional
        Columns are called by their standard names.

    Returns
    -------
    bytes
        A table's own columns, its scores (null where there is no text) and `scorer_hash`; of files, `path` and text.
    """
    import duckdb

    con = duckdb.connect(config={"autoinstall_known_extensions": False})
    try:
        without_progress_bar(con)
        con.execute("SET threads = 1")  # rows stay in their order
        _put_rows(con, artefacts, columns or {})
        n = artefacts.n_rows or len(artefacts.texts)
        rows = np.array(artefacts.rows or range(n), dtype=np.int64)
        added: dict[str, Any] = {}
        for name, values in scores.items():
            added[name] = np.full(n, np.nan)
            added[name][rows] = values
        con.register("added", added)
        columns_there = [c for [c, *_] in con.execute("DESCRIBE FROM rows").fetchall()]
        kept = [c for c in columns_there if c not in (*scores, SCORER)]
        own = ", ".join(f"rows.{quoted(c)}" for c in kept)
        given = ", ".join(
            f"CASE WHEN isnan(added.{quoted(c)}) THEN NULL ELSE added.{quoted(c)} END AS {quoted(c)}" for c in scores
        )
        said = f"'{scorer_hash}'"
        if SCORER in columns_there and any(name.rpartition(".")[2] in objectives_known() for name in kept):
            # The scores of another scorer stay beside the new ones: the row is of both.
            before = f"rows.{SCORER}"
            said = f"CASE WHEN contains({before}, {said}) THEN {before} ELSE concat_ws('+', {before}, {said}) END"
        return table_bytes(
            con, f"SELECT {own}, {given}, {said} AS {SCORER} FROM rows POSITIONAL JOIN added", ".parquet"
        )
    finally:
        con.close()


def _put_rows(con: Any, artefacts: Artefacts, columns: Mapping[str, str]) -> None:
    """Make the table `rows` of what was read."""
    if not artefacts.n_rows:
        texts = [a.text.encode("utf-8", "replace").decode() for a in artefacts.texts]
        paths = [str(key["path"]) for key in artefacts.keys]
        con.register("files", {"path": np.array(paths, object), ARTIFACT: np.array(texts, object)})
        con.execute("CREATE TABLE rows AS FROM files")
        return
    names = {user: standard for standard, user in columns.items()}
    for k, path in enumerate(find(list(artefacts.source.files))):
        found = scan(con, path, longest_line=LONGEST_LINE[-1])
        with plain_errors(found.file):
            con.execute(
                f"CREATE TABLE part{k} AS SELECT {', '.join(_columns(con, found, names))} FROM {found.relation}"
            )
    several = len(artefacts.source.files) > 1
    parts = (f"SELECT *{f', {k} AS file' if several else ''} FROM part{k}" for k in range(len(artefacts.source.files)))
    con.execute("CREATE TABLE rows AS " + " UNION ALL BY NAME ".join(parts))


def _columns(con: Any, found: Scan, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the columns of a file, those of a CSV as numbers where all their cells are."""
    hidden = set(names.values()) - set(names)
    for f in found.fields:
        if f.name in hidden:
            continue
        sql = f.sql
        if f.kind == "raw":
            missing = ", ".join(f"'{m}'" for m in MISSING_TEXT)
            text = f"(CASE WHEN trim({f.sql}) IN ({missing}) THEN NULL ELSE {f.sql} END)"
            number = f"(CASE WHEN contains({text}, '_') THEN NULL ELSE TRY_CAST({text} AS DOUBLE) END)"
            whole = f"coalesce(bool_and({number} = floor({number}) AND abs({number}) < {WHOLE:g}), false)"
            counted = f"SELECT count({text}) = count({number}), {whole} FROM {found.relation}"
            [(are_numbers, are_whole)] = con.execute(counted).fetchall()
            number = f"CAST({number} AS BIGINT)" if are_whole else number
            sql = number if are_numbers else text
        yield f"{sql} AS {quoted(names.get(f.name, f.name))}"
