"""From what a user names (paths, globs) to relations DuckDB can scan, with every failure put in plain words.

Nothing is left to a sniffer: the dialect of a CSV is read off its header line. A sniffer that meets code or prose in a
cell may settle on another quote character and shift every column without a word.
"""

# ruff: noqa: S608  every path and key in the SQL here is escaped by `_literal`, `quoted` or `_json_field`

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...arrays import Int
from ...errors import InputError
from ...record.reading import is_store
from ..importers.log import Asked, Imported
from ..importers.registry import JSON, imported, recognised
from ..importers.registry import log as log_named
from .finding import digest_of as digest_of
from .finding import find as find
from .finding import names_of as names_of
from .forms import form_of, rows_of_form
from .stored import store_table
from .texts import GZIP, SAVE_AGAIN, stream_of

PARQUET, ZIP, ZSTD = b"PAR1", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"
FIRST_BLOCK = 1 << 16
DELIMITERS = (",", "\t", ";", "|")
LONGEST_LINE = (2_000_000, 32_000_000, 512_000_000)  # bytes; each retry costs memory, so start small
LONGEST_OBJECT = 512_000_000
NUMBER_TYPES = re.compile(r"^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$")
TEXT_TYPES = re.compile(r'^(VARCHAR|ENUM.*|UUID|DATE|TIME.*|INTERVAL|JSON|"NULL")$')


@dataclass(frozen=True)
class Field:
    """One column of a file as it lies there: its name, the SQL that fetches it and what kind of cells it holds.

    `kind` is `raw` (text to be typed by us), `text`, `number`, `bool` or `nested`.
    """

    name: str
    sql: str
    kind: str
    native: str = "VARCHAR"


@dataclass(frozen=True)
class Scan:
    """A file or dataframe that DuckDB can read.

    Attributes
    ----------
    file : str
    relation : str
        What to write after FROM.
    fields : tuple of Field
    form : str
        `words` or `expressions` for JSON that is no table as it stands, else `table`.
    record : int array or None
        Number of the record each row came from, where that is not the number of the row.
    skipped : int
        Records of a form that are no row.
    log : Imported or None
        What it was made of, where it is the log of another tool.
    notes : tuple of str
        What there is to say of it.
    """

    file: str
    relation: str
    fields: tuple[Field, ...]
    form: str = "table"
    record: Int | None = None
    skipped: int = 0
    log: Imported | None = None
    notes: tuple[str, ...] = ()


# ---------------------------------------------------------------------------------------------------- opening


def scan(con: Any, path: Path, *, longest_line: int = LONGEST_LINE[0], asked: Asked | None = None) -> Scan:
    """Return how to read one file: logs by what is in them, Parquet by its magic bytes, JSON by its first character.

    What is none of these is CSV or TSV.
    """
    log = recognised(path, asked)
    if log is not None:
        return _log(con, path, imported(path, log, asked))
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(PARQUET):
        return _parquet(con, path)
    if is_store(path):
        t = store_table(con, path, str(path))
        return Scan(t.shown, quoted(str(path)), tuple(Field(*c) for c in t.columns), notes=t.notes)
    if head.startswith((ZIP, ZSTD)):
        kind = "a ZIP archive or spreadsheet" if head.startswith(ZIP) else "compressed with zstd"
        raise InputError(
            f"is not a table loopstat reads: it is {kind}.", file=str(path), hint="unpack it, or save it as CSV."
        )
    text = _first_text(path)
    compression = "gzip" if head.startswith(GZIP) else "none"
    first = text.lstrip()[:1]
    json_name = any(s in (".json", ".jsonl", ".ndjson") for s in path.suffixes)
    if first in ("{", "["):
        form = form_of(path, text)
        if form is not None:
            return _form(con, path, form)
        if first == "{" and text.lstrip().partition("\n")[0].rstrip().endswith(("{", "[", ",")):  # goes on over lines
            return _log(con, path, imported(path, log_named(JSON), asked))
        return _json(con, path, compression, "array" if first == "[" else "newline_delimited")
    if json_name:
        raise InputError(
            f"is not JSON: it begins with {text.strip()[:20]!r}, expected one object per line or an array of objects.",
            file=str(path),
        )
    return _csv(path, compression, longest_line)


def _log(con: Any, path: Path, log: Imported) -> Scan:
    """Return the log of another tool as a table."""
    con.register(str(path), dict(log.columns))
    fields = tuple(
        Field(name, quoted(name), "text")
        if v.dtype == object
        else Field(name, quoted(name), "number", NATIVE[v.dtype.kind])
        for name, v in log.columns.items()
    )
    return Scan(str(path), quoted(str(path)), fields, log=log)


NATIVE = {"i": "BIGINT", "f": "DOUBLE"}


def _form(con: Any, path: Path, form: str) -> Scan:
    """Return a JSON form as a table of texts."""
    found = rows_of_form(path, form)
    relation = quoted(str(path))
    con.register(str(path), found.cells)
    fields = tuple(Field(name, quoted(name), "text") for name in found.cells)
    return Scan(str(path), relation, fields, form, found.record, found.skipped)


def _first_text(path: Path) -> str:
    try:
        with stream_of(path) as stream:
            block = stream.read(FIRST_BLOCK)
    except (OSError, EOFError) as error:
        raise InputError(f"cannot be unpacked: {error}.", file=str(path)) from None
    if block[:2] in (b"\xff\xfe", b"\xfe\xff") or (b"\x00" in block and _mostly_utf16(block)):
        raise InputError("is encoded in UTF-16, expected UTF-8.", file=str(path), hint="save it again as UTF-8.")
    if b"\x00" in block:
        raise InputError("is not a table: it holds binary data.", file=str(path), hint=_KINDS)
    try:
        text = block.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(block) < FIRST_BLOCK or error.start < len(block) - 4:  # a character may be cut at the block's end
            raise _not_utf8(path, block, error.start) from None
        text = block[: error.start].decode("utf-8-sig")
    if not text.strip():
        raise InputError("the file is empty.", file=str(path), hint="`loopstat template` prints a table to start from.")
    return text


_KINDS = "loopstat reads CSV, TSV, JSON lines and Parquet."


def _mostly_utf16(block: bytes) -> bool:
    return min(block[1::2].count(0), len(block[1::2])) > 0.4 * len(block[1::2]) or block[::2].count(0) > 0.4 * len(
        block[::2]
    )


def _not_utf8(path: Path, block: bytes, position: int) -> InputError:
    odd = sum(b < 32 and b not in (9, 10, 13) for b in block)
    if odd > 0.02 * len(block):
        return InputError("is not a table: it holds binary data.", file=str(path), hint=_KINDS)
    line = block[:position].count(b"\n") + 1
    return InputError(
        f"is not encoded in UTF-8: byte 0x{block[position]:02x} in line {line}.",
        file=str(path),
        hint=SAVE_AGAIN,
    )


def _literal(path: Path) -> str:
    escaped = re.sub(r"([*?\[])", r"[\1]", str(path.absolute()))
    return "'" + escaped.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return an SQL identifier for any column name."""
    return '"' + name.replace('"', '""') + '"'


def _parquet(con: Any, path: Path) -> Scan:
    with path.open("rb") as stream:
        stream.seek(-4, os.SEEK_END)
        if stream.read(4) != PARQUET:
            raise InputError(
                "this Parquet file is cut off: its footer is missing.", file=str(path), hint="copy or write it again."
            )
    relation = f"read_parquet({_literal(path)}, hive_partitioning=false)"
    with plain_errors(str(path)):
        schema = con.execute(f"SELECT name, num_children FROM parquet_schema({_literal(path)})").fetchall()
    return Scan(str(path), relation, fields_of(con, relation, str(path), names=_top_names(schema)))


def _top_names(schema: Sequence[tuple[str, int | None]]) -> list[str]:
    """Return the names of the columns of a Parquet file, from its elements in order, each before its children."""
    names: list[str] = []
    inside = 0  # elements still to come below the column named last
    for name, children in schema[1:]:
        if inside == 0:
            names.append(name)
        inside = max(inside - 1, 0) + (children or 0)
    return names


def _json(con: Any, path: Path, compression: str, layout: str) -> Scan:
    if layout == "newline_delimited" and path.stat().st_size > LONGEST_OBJECT:
        _refuse_long_lines(path)
    options = f"{_literal(path)}, format='{layout}', compression='{compression}', hive_partitioning=false"
    options += f", maximum_object_size={LONGEST_OBJECT}"
    fields = fields_of(con, f"read_json({options}, sample_size=-1)", str(path))
    if [f.name for f in fields] == ["json"]:
        raise InputError("is not a table: expected one JSON object per row.", file=str(path))
    if any(_told_apart(f.name, fields) for f in fields):
        by_key = _json_by_key(con, options, path)
        if by_key is not None:
            return by_key
    # DuckDB turns text that looks like a date or a UUID into one; names must come back as they were written.
    types = {f.name: "VARCHAR" if f.native.startswith(("DATE", "TIME", "UUID")) else f.native for f in fields}
    columns = ", ".join(f"{quoted(n)}: '" + t.replace("'", "''") + "'" for n, t in types.items())
    text = {n for n, t in types.items() if t == "VARCHAR"}
    return Scan(
        str(path),
        f"read_json({options}, columns={{{columns}}})",
        tuple(Field(f.name, quoted(f.name), "text") if f.name in text else f for f in fields),
    )


def _refuse_long_lines(path: Path) -> None:
    """Refuse a file with a line that no record is read of: trying takes minutes and many times its memory."""
    number, length = 1, 0  # of the line that goes on
    with path.open("rb") as stream:
        while block := stream.read(1 << 24):
            first = block.find(b"\n")
            if length + (len(block) if first < 0 else first) > LONGEST_OBJECT:
                what = f"line {number:,} is longer than {LONGEST_OBJECT:,} bytes, which no record is read of."
                raise InputError(what, file=str(path), hint="leave that text out of the table, or cut it.")
            length = length + len(block) if first < 0 else len(block) - block.rfind(b"\n") - 1
            number += block.count(b"\n")


def _told_apart(name: str, fields: Sequence[Field]) -> bool:
    """True where a name may have been made by DuckDB, which numbers names that differ only in case."""
    stem, _, number = name.rpartition("_")
    return number.isdecimal() and any(f.name.lower() == stem.lower() for f in fields)


def _json_by_key(con: Any, options: str, path: Path) -> Scan | None:
    """Return how to read JSON whose keys differ only in case, None where no two of them do."""
    relation = f"read_json({options}, records=false, columns={{json: 'JSON'}})"
    with plain_errors(str(path)):
        numbered = f"SELECT json_keys(json) AS keys, row_number() OVER () AS n FROM {relation}"
        rows = con.execute(f"SELECT keys FROM ({numbered}) GROUP BY keys ORDER BY min(n)").fetchall()
        keys = list(dict.fromkeys(key for [found] in rows for key in found or ()))
        if len({k.lower() for k in keys}) == len(keys):
            return None
        return Scan(str(path), relation, tuple(_json_field(con, relation, key) for key in keys))


def _json_field(con: Any, relation: str, key: str) -> Field:
    """Return the column of one key, typed by all its values."""
    at = "'/" + key.replace("~", "~0").replace("/", "~1").replace("'", "''") + "'"
    kinds = {k for [k] in con.execute(f"SELECT DISTINCT json_type(json, {at}) FROM {relation}").fetchall()}
    kinds -= {None, "NULL"}
    if kinds & {"OBJECT", "ARRAY"}:
        return Field(key, "NULL", "nested", "JSON")
    text = f"json_extract_string(json, {at})"
    if kinds == {"BOOLEAN"}:
        return Field(key, f"CAST({text} AS BOOLEAN)", "bool", "BOOLEAN")
    if kinds and kinds <= {"DOUBLE", "UBIGINT", "BIGINT"}:
        native = kinds.pop() if len(kinds) == 1 else "DOUBLE" if "DOUBLE" in kinds else "BIGINT"
        return Field(key, f"CAST({text} AS {native})", "number", native)
    return Field(key, text, "text", "VARCHAR" if kinds else '"NULL"')


def fields_of(con: Any, relation: str, file: str, *, names: Sequence[str] | None = None) -> tuple[Field, ...]:
    """Return the typed columns of a relation.

    `names` are those outside: DuckDB does not see case, and numbers the names that differ in nothing else.
    """
    with plain_errors(file):
        described = con.execute(f"DESCRIBE FROM {relation}").fetchall()
    shown = [str(name) for name, *_ in described] if names is None else list(names)
    _refuse_twice(shown, file)
    return tuple(
        _field(name, quoted(str(inside)), str(native))
        for name, (inside, native, *_) in zip(shown, described, strict=True)
    )


def _refuse_twice(names: Sequence[str], file: str) -> None:
    twice = next((n for i, n in enumerate(names) if n and n in names[:i]), None)
    if twice is not None:
        raise InputError("the header names this column twice.", file=file, column=twice, hint="rename one.")


def _field(name: str, sql: str, native: str) -> Field:
    if NUMBER_TYPES.match(native):
        exact = native if native.endswith(("INT", "INTEGER", "FLOAT")) and "HUGE" not in native else "DOUBLE"
        return Field(name, sql, "number", exact)
    if native == "BOOLEAN":
        return Field(name, sql, "bool", native)
    if native == "JSON":
        return Field(name, f"({sql} ->> '$')", "text", native)
    if TEXT_TYPES.match(native) and not native.endswith("]"):
        return Field(name, f"CAST({sql} AS VARCHAR)", "text", native)
    return Field(name, sql, "nested", native)


def _csv(path: Path, compression: str, longest_line: int) -> Scan:
    header, delimiter, skip = _header(path)
    names = [h.strip() for h in header]
    _refuse_twice(names, str(path))
    columns = ", ".join(f"'h{i}': 'VARCHAR'" for i in range(len(names)))
    relation = (
        f"read_csv({_literal(path)}, auto_detect=false, columns={{{columns}}}, header=true, skip={skip}, "
        f"delim='{delimiter}', quote='\"', escape='\"', compression='{compression}', hive_partitioning=false, "
        f"max_line_size={longest_line})"
    )
    fields = tuple(Field(n or f"(column {i + 1})", f"h{i}", "raw" if n else "nested") for i, n in enumerate(names))
    return Scan(str(path), relation, fields)


def _header(path: Path) -> tuple[list[str], str, int]:
    import io

    with stream_of(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        skip = 0
        first = text.readline()
        while first and not first.strip():
            skip += 1
            first = text.readline()
        delimiter = "\t" if path.name.lower().endswith((".tsv", ".tsv.gz", ".tab")) else _delimiter(first)
        try:
            row = next(csv.reader(_chain(first, text), delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration, UnicodeDecodeError) as error:
            raise InputError(f"is not a table: its header line cannot be read ({error}).", file=str(path)) from None
    if len(row) == 1 and delimiter not in first:
        shown = first.strip()[:40]
        raise InputError(
            f"is not a table: its first line is a single cell, {shown!r}, expected column names.",
            file=str(path),
            hint=_KINDS,
        )
    return row, delimiter, skip


def _chain(first: str, rest: IO[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(line: str) -> str:
    outside = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=lambda d: (outside.count(d), -DELIMITERS.index(d)))


# ---------------------------------------------------------------------------------------------------- failures


@contextmanager
def plain_errors(file: str) -> Iterator[None]:
    """Turn any DuckDB error raised inside into an InputError about `file`."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        refusal = LineTooLongError if "Maximum line size" in str(error) else InputError
        message = _json_fault(file) if "JSON" in str(error) else None
        raise refusal(message or _sentence(str(error)), file=file, hint=_remedy(str(error))) from None
    except UnicodeDecodeError:
        raise InputError("is not encoded in UTF-8.", file=file, hint="save it again as UTF-8.") from None


class LineTooLongError(InputError):
    """A line is longer than the limit it was read with; a larger limit may do."""


def _json_fault(file: str) -> str | None:
    """Return what is wrong with the first bad line of a JSON file; DuckDB miscounts the lines."""
    number = 0
    try:
        with stream_of(Path(file)) as stream:
            for line in stream:
                number += 1
                if line.strip().startswith(b"["):
                    return None
                if line.strip():
                    json.loads(line, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at").replace("Unterminated string starting", "a string is cut off")
        return f"line {number} is not valid JSON: {what} at character {error.colno}."
    except RecursionError:
        return f"line {number} is nested too deeply to be read."
    except (OSError, ValueError) as error:
        return f"line {number} is not valid JSON: {error}."
    return None


def _no_constant(token: str) -> object:
    raise ValueError(f"a bare {token} is not JSON")


def _sentence(message: str) -> str:
    line = re.search(r"[Ll]ine:? (\d+)", message)
    where = f"line {line.group(1)} " if line else ""
    cells = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if cells:
        found, expected = cells.group(2), cells.group(1)
        return f"{where}has another number of cells ({found}) than the header ({expected}): not a table as it stands."
    for sign, sentence in FAULTS.items():
        if sign in message.casefold():
            return where + sentence
    return "cannot be read: " + message.splitlines()[0].removeprefix("Invalid Input Error: ").rstrip(". ") + "."


FAULTS = {
    "unterminated quote": "opens a quote that is not closed as CSV asks.",
    "invalid unicode": "is not encoded in UTF-8.",
    "not utf-8": "is not encoded in UTF-8.",
    "maximum line size": "is longer than loopstat reads.",
    "maximum_object_size": "is longer than loopstat reads.",
    "footer": "is a damaged Parquet file: its footer makes no sense.",
    "json": "is not valid JSON; it may be cut off.",
}


def _remedy(message: str) -> str | None:
    folded = message.casefold()
    if "unicode" in folded or "utf-8" in folded:
        return SAVE_AGAIN
    if "unterminated" in folded:
        return 'write a quote inside a quoted cell twice ("").'
    if "malformed json" in folded or "transform error" in folded:
        return "every line must be one whole JSON object; remove or repair that line."
    return None
