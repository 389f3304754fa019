"""The rows of all files in one in-memory table, and its cells as numbers, flags or labels on demand.

Text columns of a CSV are typed here and nowhere else: a column is numeric when every cell that is not missing is a
number, and a column that is almost numeric is refused, because one `n/a?` would otherwise turn scores into labels.
"""

# ruff: noqa: S608  every identifier in the SQL here is our own (c0, c1, ...) and every text in it a constant

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np

from ...arrays import Bool, Float, Int, first_true
from ...errors import InputError
from ...panel.panel import MISSING, Labels, Source, array_digest
from ...panel.selection import said as selection_said
from ...panel.selection import together
from ..importers.log import Imported
from .columns import ALWAYS_LABEL, ALWAYS_TEXT, FLAGS, NEVER_LABEL, NUMBERS, is_content
from .files import Field, Scan, plain_errors
from .partitions import text_literal

MISSING_TEXT = ("", "NA", "N/A", "NaN", "nan", "null")
MISSING_NUMBER = "None"  # may well be the name of a strategy, so it is missing among numbers only
NEARLY_NUMERIC = 0.9
LONGEST_LABEL = 200
MOST_LABELS = 2000
KEPT_TEXT = 300  # characters; longer cells are no labels, and a panel has no use for their content
WHOLE = 1e15  # below it a double tells integers apart
PROFILE = ("n", "n_numbers", "n_flags", "n_nan", "whole", "longest", "distinct")  # as `_profile_sql` lists them
CHECKED_APART = frozenset(("step", "parent_step"))
TIMES = ("DATE", "TIME")  # types of a file's own that are shown as moments


@dataclass(frozen=True)
class Column:
    """One column of the table: its name here and in the file, where its cells are, and what they are like."""

    name: str
    shown: str
    sql: str
    kind: str
    native: str
    n: int = 0
    n_numbers: int = 0
    n_flags: int = 0
    n_nan: int = 0
    whole: bool = False
    longest: int = 0
    distinct: int = 0
    kept: str = ""

    @property
    def is_text(self) -> bool:
        """True where the cells lie as text in the table, whatever they are read as."""
        return self.native == "VARCHAR"

    @property
    def number_sql(self) -> str:
        """SQL for the cell as DOUBLE; NULL where it is no number."""
        if not self.is_text:
            return f"CAST({self.sql} AS DOUBLE)"
        # TRY_CAST takes 1_000 for 1000, but 3_5 is more often a version than a number
        return f"(CASE WHEN contains({self.sql}, '_') THEN NULL ELSE TRY_CAST({self.sql} AS DOUBLE) END)"

    @property
    def label_sql(self) -> str:
        """SQL for the text a label value is known by; the same for a CSV as for a typed table."""
        if self.kind == "bool":
            return f"lower(trim(CAST({self.sql} AS VARCHAR)))"
        if self.kind != "number" or "INT" in self.native:
            return self.sql if self.is_text else f"CAST({self.sql} AS VARCHAR)"
        value = self.sql if self.native in ("FLOAT", "DOUBLE") else self.number_sql
        return (
            f"(CASE WHEN isnan({value}) THEN NULL WHEN {value} = trunc({value}) AND abs({value}) < {WHOLE} "
            f"THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) ELSE CAST({value} AS VARCHAR) END)"
        )


class Cells:
    """All rows of some scans, in order.

    Parameters
    ----------
    con : DuckDB connection
        Holds the table; used for nothing else.
    scans : sequence of Scan
    names : mapping from user's column name to standard name
    labels : column names that must be read as labels
    numbers : column names that must be read as numbers
    texts : mapping from column name to what to keep of its texts, as SQL with `{}` for the text
        These are read as they are, content columns too; others are cut, and content columns left out.
    only : names of the columns that are loaded; None for all
    short : names of the files, where there are several; they are the column `file`
    digest : of the files' bytes
    """

    def __init__(
        self,
        con: Any,
        scans: Sequence[Scan],
        *,
        names: Mapping[str, str],
        labels: Collection[str] = (),
        numbers: Collection[str] = (),
        texts: Mapping[str, str] | None = None,
        only: Collection[str] | None = None,
        short: tuple[str, ...] = (),
        digest: str = "",
    ) -> None:
        self._con, self._scans = con, scans
        self.files, self._digest = short, digest
        self._types, self._moved = count(1), False
        self.known = list(dict.fromkeys(names.get(f.name, f.name) for s in scans for f in _visible(s, names)))
        loaded = _columns(scans, names, numbers, texts or {}, only)
        # With several threads DuckDB 2.0 stores the rows of large files in another order than it reads them.
        con.execute("SET threads = 1")
        counts = [self._load(i, s, loaded, names) for i, s in enumerate(scans)]
        con.execute("RESET threads")
        self.times = frozenset(
            names.get(f.name, f.name) for s in scans for f in _visible(s, names) if f.native.startswith(TIMES)
        )
        self._ends = np.cumsum(counts)
        self.n_rows = int(self._ends[-1])
        self.columns = {c.name: c for c in loaded}
        self.columns = {c.name: c for c in self._profile(loaded)}
        self._refuse_json_nan()
        self.columns = {c.name: self._typed(c, labels) for c in self.columns.values()}

    # ------------------------------------------------------------------ loading

    def _load(self, number: int, scan: Scan, columns: Sequence[Column], names: Mapping[str, str]) -> int:
        there = {names.get(f.name, f.name): f for f in _visible(scan, names)}
        cells = [f"CAST({number} AS INTEGER) AS f"]
        cells += [f"CAST({_cell(c, there.get(c.name))} AS {c.native}) AS {c.sql}" for c in columns]
        select = f"SELECT {', '.join(cells)} FROM {scan.relation}"
        with plain_errors(scan.file):
            self._con.execute(f"INSERT INTO t {select}" if number else f"CREATE TABLE t AS {select}")
            [(rows,)] = self._con.execute(f"SELECT count(*) FROM t WHERE f = {number}").fetchall()
        if not rows:
            raise NoRowsError(
                "has column names but no rows.",
                file=scan.file,
                hint="`loopstat template` prints a table to start from.",
            )
        return int(rows)

    def _profile(self, columns: Sequence[Column]) -> list[Column]:
        if not columns:
            return []
        [row] = self._rows("SELECT " + ", ".join(_profile_sql(c) for c in columns) + " FROM t")
        width = len(row) // len(columns)
        parts = (row[i * width : (i + 1) * width] for i in range(len(columns)))
        return [replace(c, **dict(zip(PROFILE, part, strict=True))) for c, part in zip(columns, parts, strict=True)]

    def _typed(self, column: Column, labels: Collection[str]) -> Column:
        if column.kind != "raw":
            return column
        if column.n_numbers == column.n > 0:
            return replace(column, kind="number")
        lenient = column.name in labels or column.name in CHECKED_APART
        if column.n and column.n_numbers >= NEARLY_NUMERIC * column.n and not lenient:
            raise self.not_numeric(column.name)
        return replace(column, kind="bool" if column.n_flags == column.n > 0 else "text")

    def _refuse_json_nan(self) -> None:
        for column in self.columns.values():
            if column.n_nan and all(s.relation.startswith("read_json") for s in self._scans):
                position = int(np.argmax(np.ma.filled(self._array(f"isnan({column.number_sql})"), False)))
                raise self.refuse(
                    "a bare NaN is not JSON (each line is one row).",
                    position,
                    column.name,
                    "write null where a value is missing.",
                )

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with plain_errors(self.file):
            return list(self._con.execute(sql).fetchall())

    def _array(self, sql: str) -> Any:
        """Return one SQL expression over all rows as an array; masked where NULL."""
        with plain_errors(self.file):
            found = self._con.execute(f"SELECT {sql} AS v, rowid AS r FROM t").fetchnumpy()
        values, rows = np.ma.asanyarray(found["v"]), np.asarray(found["r"])
        return values if np.all(np.diff(rows) > 0) else values[np.argsort(rows)]

    # ------------------------------------------------------------------ parts

    def parts(self, rows: int) -> Iterator[Cells]:
        """Yield the table in parts of whole sessions, in order of their first appearance; it is then used up.

        Parameters
        ----------
        rows : int
            Of a part, about: a session is never cut.
        """
        session = self.columns["session"].label_sql
        self._rows("ALTER TABLE t RENAME TO whole")
        spans = self._con.execute(
            f"SELECT min(rowid) AS first, max(rowid) AS last, count(*) AS n FROM whole GROUP BY f, {session} ORDER BY 1"
        ).fetchnumpy()
        first, last, n = (np.asarray(spans[name]).astype(np.int64) for name in ("first", "last", "n"))
        source, row = "whole", "rowid"
        if np.any(last - first + 1 != n):  # sessions lie mixed: rows are sorted, on disk where the database is there
            order = f"min(rowid) OVER (PARTITION BY f, {session}), rowid"
            self._rows(f"CREATE TABLE sorted AS SELECT *, rowid AS r FROM whole ORDER BY {order}")
            self._rows("DROP TABLE whole")
            source, row = "sorted", "r"
        ends = np.cumsum(n)
        cuts = np.unique(np.r_[np.searchsorted(ends, np.arange(rows, ends[-1], rows)), len(ends) - 1])
        begin = 0
        for end in ends[cuts].tolist():
            columns = "*" if row == "r" else "*, rowid AS r"
            self._con.execute("SET threads = 1")
            self._rows(
                f"CREATE OR REPLACE TABLE t AS SELECT {columns} FROM {source} WHERE rowid >= {begin} AND rowid < {end}"
            )
            self._con.execute("RESET threads")
            part = copy(self)
            part.n_rows, part._moved = end - begin, True
            yield part
            begin = end

    # ------------------------------------------------------------------ places

    @property
    def form(self) -> str:
        """`table`, or the form of the JSON files that were made one; all files of a table have the same."""
        return self._scans[0].form

    @property
    def sources(self) -> list[str]:
        """The files or frames of the table, in order."""
        return [scan.file for scan in self._scans]

    @property
    def logs(self) -> list[Imported]:
        """The logs of other tools that files of the table were made of."""
        return [scan.log for scan in self._scans if scan.log is not None]

    @property
    def skipped(self) -> int:
        """Records of such JSON files that are no row of the table."""
        return sum(scan.skipped for scan in self._scans)

    @property
    def file(self) -> str:
        """The files, as named in a refusal that concerns the whole table."""
        return ", ".join(s.file for s in self._scans[:3]) + (", ..." if len(self._scans) > 3 else "")

    def place(self, position: int) -> tuple[str, int]:
        """Return the file and 1-based data row of a row of the table."""
        if self._moved:
            [(position,)] = self._rows(f"SELECT r FROM t WHERE rowid = {position}")
        i = int(np.searchsorted(self._ends, position, side="right"))
        at = position - (int(self._ends[i - 1]) if i else 0)
        record = self._scans[i].record
        return self._scans[i].file, at + 1 if record is None else int(record[at])

    def refuse(
        self, message: str, position: int | None = None, column: str | None = None, hint: str | None = None
    ) -> InputError:
        """Return the error for one row and column, in the user's words."""
        file, row = (self.file, None) if position is None else self.place(position)
        shown = self.columns[column].shown if column in self.columns else column
        return InputError(message, file=file, row=row, column=shown, hint=hint)

    def text_at(self, column: str, position: int) -> str:
        """Return a cell as text, shortened, for an error message."""
        sql = self.columns[column].sql
        [(text,)] = self._rows(f"SELECT left(CAST({sql} AS VARCHAR), 40) FROM t WHERE rowid = {position}")
        return "an empty cell" if text is None else repr(str(text))

    def not_numeric(self, name: str) -> InputError:
        """Return the refusal of a column that should hold numbers, naming its first cell that is none."""
        column = self.columns[name]
        bad = f"{column.sql} IS NOT NULL AND {column.sql} <> '{MISSING_NUMBER}' AND {column.number_sql} IS NULL"
        position = int(np.argmax(np.ma.filled(self._array(bad), False)))
        most = f"{100 * column.n_numbers / max(column.n, 1):.3g} % of its cells are numbers, but this one is"
        return self.refuse(
            f"{most if column.n_numbers else 'expected numbers, got'} {self.text_at(name, position)}.",
            position,
            name,
            "correct the cell, or leave it empty (or NA) where the value is missing.",
        )

    # ------------------------------------------------------------------ cells

    @property
    def names(self) -> list[str]:
        """Column names, standard where mapped, in file order."""
        return list(self.columns)

    def has(self, name: str) -> bool:
        """True where the column is there and holds at least one value."""
        return name in self.columns and self.columns[name].n > 0

    def numbers(self, name: str) -> Float:
        """Return a column as floats, NaN where missing, shape (n_rows,)."""
        values = self._array(self.columns[name].number_sql)
        return np.ma.filled(values.astype(np.float64), np.nan)

    def whole_numbers(self, name: str, *, required: bool) -> Float:
        """Return a column of integers as floats, NaN where missing; anything else is refused with its row."""
        column = self.columns[name]
        values = self.numbers(name)
        empty = np.ma.filled(self._array(f"{column.sql} IS NULL"), True)
        if column.is_text:
            empty |= np.ma.filled(self._array(f"{column.sql} = '{MISSING_NUMBER}'"), False)
        else:
            empty |= np.isnan(values)
        with np.errstate(invalid="ignore"):
            whole = (values == np.floor(values)) & (np.abs(values) < WHOLE)
        first = first_true(~whole & (~empty | required))
        if first is not None:
            expected = "must be a whole number" + (f" below {WHOLE:g}" if abs(values[first]) >= WHOLE else "")
            what = "is missing" if empty[first] else f"{expected}, got {self.text_at(name, first)}"
            raise self.refuse(f"`{name}` {what}.", first, name, "number the steps of a session 0, 1, 2, ...")
        return values

    def flags(self, name: str) -> tuple[Bool, Bool]:
        """Return `(true, missing)` of a column of true/false or 1/0."""
        column = self.columns[name]
        text = f"lower(trim(CAST({column.sql} AS VARCHAR)))"
        word = f"(CASE WHEN {text} IN ('true', '1', '1.0') THEN 1 WHEN {text} IN ('false', '0', '0.0') THEN 0 END)"
        values = self._array(word)
        missing = np.ma.filled(self._array(f"{column.sql} IS NULL OR {text} IN ('nan', 'none')"), True)
        first = first_true(np.ma.getmaskarray(values) & ~missing)
        if first is not None:
            raise self.refuse(f"must be true or false (or 1, 0), got {self.text_at(name, first)}.", first, name)
        return np.ma.filled(values, 0) == 1, missing

    def labels(self, name: str) -> Labels:
        """Return a column as labels, its names in natural order; `file` is what tells several files apart."""
        if name == "file" and self.files:
            files = Labels.of(self.files)
            return Labels(files.codes[np.ma.filled(self._array("f"), 0).astype(np.int64)], files.names)
        if name not in self.columns:
            raise self.refuse("cannot be a label: it holds whole texts or nested values.", column=name)
        [codes], names = self.codes(self.columns[name].label_sql)
        return Labels.sorted(codes, names)

    def texts(self, name: str) -> list[str | None]:
        """Return a column as the texts that were kept of it, None where missing."""
        found = self._array(f"CAST({self.columns[name].sql} AS VARCHAR)")
        values, missing = np.ma.getdata(found).tolist(), np.ma.getmaskarray(found).tolist()
        return [None if gone else str(text) for text, gone in zip(values, missing, strict=True)]

    def add(self, numbers: Mapping[str, Float], text: Mapping[str, str]) -> list[str]:
        """Add columns of numbers, NaN where missing, and of one text for all rows; return those that they replace."""
        replaced = [name for name in (*numbers, *text) if name in self.columns]
        start = len(self.columns) + sum(c.sql.startswith("d") for c in self.columns.values())
        sql = {name: f"d{start + k}" for k, name in enumerate((*numbers, *text))}
        said = {name: "'" + value.replace("'", "''") + "'" for name, value in text.items()}
        self._con.register("added", {sql[name]: np.asarray(values) for name, values in numbers.items()})
        with plain_errors(self.file):
            self._con.execute("SET threads = 1")  # rows stay in their order
            constants = "".join(f", {said[name]} AS {sql[name]}" for name in text)
            joined = "SELECT t.*, added.*" + constants + " FROM t POSITIONAL JOIN added"
            self._con.execute(f"CREATE TABLE wider AS {joined}")
            self._con.execute("DROP TABLE t; ALTER TABLE wider RENAME TO t")
            self._con.execute("RESET threads")
        self._con.unregister("added")
        made = [Column(name, name, sql[name], "number", "DOUBLE") for name in numbers]
        made += [Column(name, name, sql[name], "text", "VARCHAR") for name in text]
        self.columns |= {c.name: c for c in self._profile(made)}
        self.known = list(dict.fromkeys((*self.known, *numbers, *text)))
        return replaced

    def few(self, name: str, most: int) -> list[str] | None:
        """Return the values of a column as labels, in natural order; None where there are more than `most`."""
        sql = self.columns[name].label_sql
        rows = self._rows(f"SELECT DISTINCT {sql} AS v FROM t WHERE v IS NOT NULL LIMIT {most + 1}")
        return None if len(rows) > most else list(Labels.of(v for [v] in rows).names)

    def in_lines(self, name: str) -> bool:
        """Return whether any value of a column is a text of several lines."""
        return bool(self._rows(f"SELECT bool_or(contains({self.columns[name].label_sql}, chr(10))) FROM t")[0][0])

    def source(self, notes: Sequence[str], *arrays: Any) -> Source:
        """Return where the table came from; `arrays` stand for the content of a dataframe, which has no bytes."""
        files = tuple(dict.fromkeys(s.file for s in self._scans))
        selection = together([log.selection for log in self.logs])
        noted = (*(s.notes for s in self._scans), *(log.notes for log in self.logs))
        said = dict.fromkeys(note for notes_of_one in noted for note in notes_of_one)
        told = [*said, *(() if selection is None else selection_said(selection)), *notes]
        return Source(files, self._digest or array_digest(*arrays), tuple(told), selection)

    def codes(self, *expressions: str) -> tuple[list[Int], list[str]]:
        """Return some SQL expressions as codes into one shared list of texts; -1 where NULL or empty."""
        several = " UNION ALL ".join(f"SELECT {e} AS v FROM t" for e in expressions)
        distinct = f"SELECT DISTINCT v FROM ({several}) WHERE v IS NOT NULL"
        kind = f"e{next(self._types)}"
        if not self._rows(f"{distinct} LIMIT 1"):
            return [np.full(self.n_rows, MISSING) for _ in expressions], []
        with plain_errors(self.file):
            self._con.execute(f"CREATE TYPE {kind} AS ENUM ({distinct})")
            listed = self._con.execute(f"SELECT CAST(unnest(enum_range(NULL::{kind})) AS VARCHAR) AS v").fetchnumpy()
        names: list[str] = np.asarray(listed["v"], dtype=object).tolist()
        found = [self._array(f"CAST(enum_code(CAST({e} AS {kind})) AS BIGINT)") for e in expressions]
        self._con.execute(f"DROP TYPE {kind}")
        return [np.ma.filled(codes.astype(np.int64), MISSING) for codes in found], names

    def distinguishes(self, *names: str) -> bool:
        """True where no two rows agree in all these columns."""
        key = ", ".join(self.columns[n].sql for n in names)
        return bool(self._rows(f"SELECT count(DISTINCT ({key})) = count(*) FROM t")[0][0])

    # ------------------------------------------------------------------ choosing labels

    def label_names(self, objectives: Collection[str], wanted: Collection[str]) -> list[str]:
        """Return the columns that become labels, in file order."""
        return [c.name for c in self.columns.values() if c.name in wanted or self._is_label(c, objectives)]

    def _is_label(self, column: Column, objectives: Collection[str]) -> bool:
        if column.n == 0 or column.name in NEVER_LABEL or column.name in objectives or is_content(column.name):
            return False
        if column.name in ALWAYS_LABEL or column.kind == "bool":
            return True
        countable = column.kind == "text" or (column.kind == "number" and column.whole)
        return countable and column.longest <= LONGEST_LABEL and self._few(column)

    def _few(self, column: Column) -> bool:
        if column.distinct > 1.2 * MOST_LABELS:  # an estimate, good to a few per cent
            return False
        return bool(self._rows(f"SELECT count(DISTINCT {column.sql}) <= {MOST_LABELS} FROM t")[0][0])


class NoRowsError(InputError):
    """A file has no rows, or none of those asked for."""


def text_bytes(texts: Sequence[str]) -> Any:
    """Return texts as an array of bytes, for a digest."""
    return np.frombuffer("\0\n".join(texts).encode("utf-8", "surrogatepass"), dtype=np.uint8)


def _visible(scan: Scan, names: Mapping[str, str]) -> list[Field]:
    """Return the fields a scan offers: a column renamed to a standard name hides one that already has it."""
    hidden = set(names.values()) - set(names)
    return [f for f in scan.fields if f.name not in hidden]


def part_of(scan: Scan, name: str, value: str, names: Mapping[str, str]) -> Scan:
    """Return the rows of a scan whose label `name` has this value; all where there is no such column."""
    field = next((f for f in _visible(scan, names) if names.get(f.name, f.name) == name), None)
    if field is None or field.kind == "nested":
        return scan
    text = label_of(field)
    sought = text_literal(value)
    return replace(scan, relation=f"(SELECT * FROM {scan.relation} WHERE {text} = {sought})", record=None)


def label_of(field: Field) -> str:
    """Return SQL for the text that a cell of a file is known by as a label."""
    native = _native(field.kind, [field])
    column = Column(field.name, field.name, f"CAST({field.sql} AS {native})", field.kind, native)
    return replace(column, sql=_cell(replace(column, kept="{}"), field)).label_sql


def _columns(
    scans: Sequence[Scan],
    names: Mapping[str, str],
    numbers: Collection[str],
    texts: Mapping[str, str],
    only: Collection[str] | None,
) -> list[Column]:
    """Return the columns worth loading, in order of first appearance; kinds that differ between files become raw."""
    fields: dict[str, list[Field]] = {}
    for scan in scans:
        for f in _visible(scan, names):
            if only is None or names.get(f.name, f.name) in only:
                fields.setdefault(names.get(f.name, f.name), []).append(f)
    made: list[Column] = []
    for name, same in fields.items():
        kinds = {f.kind for f in same if f.native != '"NULL"'} or {"text"}
        if "nested" in kinds or (is_content(name) and name not in texts):
            continue
        kind = kinds.pop() if len(kinds) == 1 else "raw"
        if kind == "text" and (name in numbers or name in NUMBERS or name in FLAGS or name in CHECKED_APART):
            kind = "raw"
        if kind == "raw" and (name in ALWAYS_TEXT or name in texts):
            kind = "text"
        kept = texts.get(name, "{}" if name in ALWAYS_TEXT else f"left({{}}, {KEPT_TEXT})")
        made.append(Column(name, same[0].name, f"c{len(made)}", kind, _native(kind, same), kept=kept))
    return made


def _native(kind: str, fields: Sequence[Field]) -> str:
    if kind in ("raw", "text"):
        return "VARCHAR"
    natives = {f.native for f in fields if f.native != '"NULL"'}
    return natives.pop() if len(natives) == 1 else "DOUBLE"


def _cell(column: Column, field: Field | None) -> str:
    if field is None:
        return "NULL"
    if not column.is_text:
        return field.sql
    text = f"CAST({field.sql} AS VARCHAR)"
    missing = MISSING_TEXT if field.kind == "raw" or column.kind == "raw" else ("",)
    words = ", ".join(f"'{m}'" for m in missing)
    return f"CASE WHEN trim({text}) IN ({words}) THEN NULL ELSE {column.kept.replace('{}', text)} END"


def _profile_sql(column: Column) -> str:
    c, number = column.sql, column.number_sql
    whole, longest = f"coalesce(bool_and({number} = trunc({number})), false)", "0"
    if column.is_text:
        n, numbers, nan = f"count(*) FILTER ({c} <> '{MISSING_NUMBER}')", f"count({number})", "0"
        flags = f"count(*) FILTER (lower(trim({c})) IN ('true', 'false'))"
        longest = f"coalesce(max(length({c})), 0)"
    elif column.kind == "bool":
        n, numbers, flags, nan, whole, longest = f"count({c})", "0", f"count({c})", "0", "true", "5"
    else:
        nan, flags = f"count(*) FILTER (isnan({number}))", "0"
        n = numbers = f"count({c}) - {nan}"
        whole = f"coalesce(bool_and({number} = trunc({number})) FILTER (NOT isnan({number})), false)"
    return ", ".join((n, numbers, flags, nan, whole, longest, f"approx_count_distinct({c})"))
