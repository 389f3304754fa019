"""Any JSON, on one line, on many or one value after another, as a table: columns are dotted paths into its records.

`run.id` is a key of a key; `steps[].score` takes every item of a list, `*.score` every value of an object, whose key is
`*` itself. Lists that lie side by side go together, item by item; what stands outside them is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import InputError, argument
from .log import Asked, Format, Imported, Look, Progress, Steps, made, number
from .reading import json_values

FORMAT = Format(
    "json",
    "any JSON: one object, one after another, or one a line, with dotted paths for columns",
    {"records": "a record of the file, or an item of the lists that the paths of its columns go into"},
)
DEEPEST = 8
MOST_COLUMNS = 400
PART = re.compile(r"[^.\[\]]+|\[\]")
ITEM, ANY = "[]", "*"

Tree = dict[str, "Tree"]
Row = dict[str, Any]


def matches(look: Look) -> float:
    """Return 0: it is asked for by its name, by paths, or for JSON that is no table."""
    del look
    return 0.0


def parts_of(path: str) -> list[str]:
    """Return the steps of a dotted path.

    Examples
    --------
    >>> parts_of("runs[].steps[].score"), parts_of("*.score"), parts_of("a.b")
    (['runs', '[]', 'steps', '[]', 'score'], ['*', 'score'], ['a', 'b'])
    """
    return PART.findall(path)


def is_path(name: str) -> bool:
    """Return whether a column is asked for by a path into records."""
    return len(parts_of(name)) > 1 or name == ANY


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read JSON."""
    del progress
    records = list(json_values(path))
    wanted = [p for p in asked.columns.values() if is_path(p)]
    if not wanted:
        records = _only_list(records)
    tree: Tree = {}
    for name in wanted:
        node = tree
        for part in parts_of(name):
            node = node.setdefault(part, {})
    steps, lost = Steps(), 0
    for record in records:
        if not isinstance(record, Mapping):
            lost += 1
            continue
        shared = {} if ANY in tree else dict(_scalars(record))
        for row in _rows(tree, record, "") or [{}]:
            steps.add({**{k: v for k, v in shared.items() if k not in row}, **row})
            if len(row) + len(shared) > MOST_COLUMNS:
                raise InputError(
                    f"has more than {MOST_COLUMNS} columns: an object whose keys are names of things, not of columns?",
                    file=str(path),
                    hint=f"name its values by *: {argument('columns', 'session=*,score=*.score')}.",
                )
    columns = steps.columns()
    if "step" in asked.columns:
        columns.pop("step", None)  # then the place in a list is not wanted
    _refuse_unknown(path, wanted, columns)
    notes = [f"JSON: {len(records):,} records; nested keys are named by their dotted paths."]
    if lost:
        notes.append(f"{lost:,} values that are no objects were left out.")
    step = FORMAT.readings["records"]
    found = made(FORMAT, steps, path=path, version="", step=step, selection=steps.report(), notes=notes)
    return replace(found, columns=columns, scores=None)


def _refuse_unknown(path: Path, wanted: Iterable[str], columns: Mapping[str, Any]) -> None:
    wrong = next((name for name in wanted if name not in columns), None)
    if wrong is not None:
        shown = ", ".join(list(columns)[:24])
        what = f"nothing stands at {wrong!r} ({argument('columns')}) in any record. There is: {shown or 'nothing'}."
        raise InputError(what, file=str(path))


def _only_list(records: list[Any]) -> list[Any]:
    """Return the items of the one list of objects that a single object holds, else the records as they are."""
    if len(records) != 1 or not isinstance(records[0], Mapping):
        return records
    lists = [v for v in records[0].values() if isinstance(v, list) and v and isinstance(v[0], Mapping)]
    return lists[0] if len(lists) == 1 else records


def _scalars(record: Mapping[str, Any], before: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield what stands in a record outside lists, by dotted path."""
    for key, value in record.items():
        name = f"{before}.{key}" if before else str(key)
        if isinstance(value, Mapping):
            if depth < DEEPEST:
                yield from _scalars(value, name, depth + 1)
        elif not isinstance(value, list):
            yield name, _plain(value)


def _plain(value: Any) -> Any:
    """Return a value as a cell; numbers that are not finite are missing."""
    return number(value) if isinstance(value, float) else value


def _rows(tree: Tree, value: Any, before: str) -> list[Row]:
    """Return the rows of the paths below a value."""
    if not tree:
        return [{before: _plain(value)}] if value is None or isinstance(value, str | int | float) else []
    beside: list[list[Row]] = []
    for part, below in tree.items():
        if part == ITEM:
            rows = [
                row for item in (value if isinstance(value, list) else ()) for row in _rows(below, item, f"{before}[]")
            ]
            beside.append(_counted(rows))
        elif part == ANY:
            found: list[Row] = []
            for key, item in value.items() if isinstance(value, Mapping) else ():
                name = f"{before}.*" if before else ANY
                found += [{**row, name: str(key)} for row in (_rows(below, item, name) if below else [{}]) or [{}]]
            beside.append(found)
        elif isinstance(value, Mapping) and part in value:
            beside.append(_rows(below, value[part], f"{before}.{part}" if before else part))
    return _together([rows for rows in beside if rows])


def _counted(rows: list[Row]) -> list[Row]:
    """Return the rows of a list with their place in it, unless a list inside has numbered them."""
    return [{"step": i, **row} for i, row in enumerate(rows)]


def _together(beside: list[list[Row]]) -> list[Row]:
    """Return rows that lie side by side as one: item by item, a single one repeated."""
    n = max(map(len, beside), default=0)
    rows: list[Row] = [{} for _ in range(n)]
    for part in beside:
        for i, row in enumerate(rows):
            if len(part) == 1 or i < len(part):
                row.update(part[0] if len(part) == 1 else part[i])
    return rows
