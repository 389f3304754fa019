"""Any log or table as one table of steps with our columns, to be written and read again, and what there is to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..panel.source import Source
from .described import chosen_objectives
from .importers.log import Imported, Progress
from .table.cells import Cells
from .table.columns import is_content
from .table.files import quoted
from .table.opening import Needs, opened
from .table.writing import table_bytes

TABLE = "table"


@dataclass(frozen=True)
class StepsTable:
    """A table of steps.

    Attributes
    ----------
    columns : mapping from name to array of shape (n_rows,)
        Texts, numbers or truth values; the standard names where they are known.
    format, version : str
        Of the logs it was made of; `table` for what was a table already.
    step : str
        What a step is; empty for a table.
    objectives : tuple of str
        What would be analysed; empty where nothing can be chosen.
    n_sessions : int
        0 where there is no column `session`.
    source : Source
    """

    columns: Mapping[str, Any]
    format: str
    version: str
    step: str
    objectives: tuple[str, ...]
    n_sessions: int
    source: Source

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return len(next(iter(self.columns.values()), ()))


def read_steps(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
    progress: Progress | None = None,
) -> StepsTable:
    """Read logs or tables as one table of steps, texts and all.

    Parameters
    ----------
    source : path, glob, list of those, or dataframe
    columns : mapping from standard name to the table's name, optional
    format : str, optional
        As `loopstat.read` takes it.
    progress : callable, optional

    Raises
    ------
    InputError
        They cannot be read.
    """
    del progress
    with opened(source, columns, Needs(format=format)) as cells:
        objectives = chosen_objectives(cells)
        logs = cells.logs
        if len(logs) == len(cells.sources):
            made = _of_logs(cells, columns or {})
            return _table(cells, logs, objectives, made)
        texts = {c.name: "{}" for c in cells.columns.values() if c.kind == "text"}
        texts |= {name: "{}" for name in cells.known if is_content(name)}
    with opened(source, columns, Needs(format=format, texts=texts)) as cells:
        return _table(cells, cells.logs, objectives, _of_cells(cells))


def _table(cells: Cells, logs: list[Imported], objectives: tuple[str, ...], columns: dict[str, Any]) -> StepsTable:
    formats = list(dict.fromkeys(log.format for log in logs))
    if len(logs) < len(cells.sources):
        formats.append(TABLE)
    versions = dict.fromkeys(log.version for log in logs if log.version)
    steps = dict.fromkeys(log.step for log in logs)
    scores = dict.fromkeys(name for log in logs for name in log.scores or ())
    sessions = columns.get("session")
    return StepsTable(
        columns,
        ", ".join(formats),
        ", ".join(versions),
        "; ".join(steps),
        objectives or tuple(scores),
        0 if sessions is None else len({*sessions.tolist()} - {None}),
        cells.source(()),
    )


def _of_logs(cells: Cells, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of logs under each other; sessions of several files are told apart by these."""
    ours = {user: standard for standard, user in names.items()}
    logs = cells.logs
    hidden = set(names) - set(ours)
    known = dict.fromkeys(name for log in logs for name in log.columns if name not in hidden)
    parts: dict[str, list[Any]] = {ours.get(name, name): [] for name in known}
    for k, log in enumerate(logs):
        for name in known:
            cells_of = log.columns.get(name)
            if cells_of is None:
                cells_of = np.full(log.n_rows, None, dtype=object)
            if ours.get(name, name) == "session" and cells.files:
                cells_of = np.array([f"{cells.files[k]}:{v}" for v in cells_of], dtype=object)
            parts[ours.get(name, name)].append(cells_of)
    made = {name: _joined(column) for name, column in parts.items()}
    if cells.files:
        made["file"] = np.repeat(np.array(cells.files, dtype=object), [log.n_rows for log in logs])
    return made


def _joined(parts: list[Any]) -> Any:
    """Return arrays under each other: numbers where all that hold anything are, texts otherwise."""
    filled = [p for p in parts if not (p.dtype == object and all(v is None for v in p))]
    if filled and all(p.dtype != object for p in filled):
        whole = len(filled) == len(parts) and all(p.dtype.kind == "i" for p in parts)
        return np.concatenate([p if p.dtype != object else np.full(len(p), np.nan) for p in parts]).astype(
            np.int64 if whole else np.float64
        )
    texts = [[None if v is None or v != v else str(v) for v in p.tolist()] for p in parts]
    made = np.empty(sum(map(len, texts)), dtype=object)
    made[:] = [v for part in texts for v in part]
    return made


def _of_cells(cells: Cells) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for column in cells.columns.values():
        if column.kind == "number":
            made[column.name] = cells.numbers(column.name)
            if column.whole and not np.isnan(made[column.name]).any():
                made[column.name] = made[column.name].astype(np.int64)
        elif column.kind == "bool":
            true, missing = cells.flags(column.name)
            made[column.name] = np.where(missing, np.nan, true) if missing.any() else true
        else:
            made[column.name] = np.array([*cells.texts(column.name), None], dtype=object)[:-1]
    if cells.files:
        files = cells.labels("file").values()
        made["file"] = np.array(files, dtype=object)
        if "session" in made:
            pairs = zip(files, made["session"].tolist(), strict=True)
            made["session"] = np.array([f"{f}:{s}" for f, s in pairs], dtype=object)
    return made


def steps_bytes(columns: Mapping[str, Any], path: str) -> bytes:
    """Return a table in the form that a path's ending names: .parquet, .csv, .tsv, .jsonl or .json.

    Raises
    ------
    SettingsError
        It names none.
    """
    import duckdb

    if not columns:
        raise InputError("there is no column to write.", file=path)
    with duckdb.connect() as con:
        con.register("steps", {f"c{i}": v for i, v in enumerate(columns.values())})
        named = ", ".join(f"{_cell(f'c{i}', v)} AS {quoted(n)}" for i, (n, v) in enumerate(columns.items()))
        return table_bytes(con, f"SELECT {named} FROM steps", path)  # noqa: S608  columns are quoted


def _cell(name: str, values: Any) -> str:
    """Return the SQL of a cell; numbers that are missing are NULL in every form."""
    if values.dtype.kind == "f":
        return f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END"
    return f"CAST({name} AS VARCHAR)" if values.dtype == object else name
