"""Sessions to be read by a person: their list, and one of them step by step with its scores and whole texts."""

# ruff: noqa: S608  every name in the SQL here is quoted by `files` or our own

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays import Bool, Float
from ...errors import InputError
from ...panel.objective import Objective
from ...panel.panel import NO_PARENT, Panel
from ..described import TableSeen
from ..refuse import no_sessions
from ..table.cells import Cells, NoRowsError, label_of
from ..table.columns import KEYS, NEVER_OBJECTIVE
from ..table.files import Scan
from ..table.opening import Needs, asked_of, opened
from .links import PREVIOUS, Links, links_recorded
from .rows import Rows, averaged, rows_of

NO_SCORE = frozenset((*NEVER_OBJECTIVE, "accepted"))
NAME, ROW, FIRST = ('"loopstat name"', '"loopstat row"', '"loopstat first"')  # no column of a table is called so
NEEDED = "a session is read by its name and its steps"


@dataclass(frozen=True)
class SessionListed:
    """A session of a table: its name, how many steps it has, and the labels that never change in it."""

    name: str
    steps: int
    labels: Mapping[str, str]


@dataclass(frozen=True)
class StepRead:
    """One version of a session.

    Attributes
    ----------
    step : int
    source : int or None
        Place in the session of the version it was made from: the parent where one is recorded, else the one before.
    scores : mapping from column to a number or None
        Averaged over repeated scorings.
    kept : bool or None
        Whether the loop went on from it; None where the table does not say.
    labels : mapping
        Labels that change within the session.
    texts : mapping from column to text or None
    """

    step: int
    source: int | None
    scores: Mapping[str, float | None]
    kept: bool | None
    labels: Mapping[str, str]
    texts: Mapping[str, str | None]


@dataclass(frozen=True)
class SessionRead:
    """One session: its labels, and its versions by step and candidate."""

    labels: Mapping[str, str]
    steps: tuple[StepRead, ...]


class NoSessionError(InputError):
    """The table has no session of this name."""


def list_sessions(
    path: str | os.PathLike[str], seen: TableSeen, columns: Mapping[str, str] | None = None
) -> list[SessionListed]:
    """Return the sessions of a table in order of appearance.

    Parameters
    ----------
    path : path of one file
    seen : TableSeen
        The same file as `describe` sees it.
    columns : mapping from standard name to the table's name, optional
    """
    wanted = [*seen.named("label"), *seen.named("ended")]
    shown: list[str] = []

    def question(scan: Scan, names: Mapping[str, str]) -> str:
        fields = {names.get(f.name, f.name): f for f in scan.fields if f.kind != "nested"}
        if "session" not in fields or "step" not in fields:
            return "SELECT 1 WHERE false"
        labels = {f.name: label_of(f) for name, f in fields.items() if f.name in wanted and name not in KEYS}
        shown.extend(name for name in labels if name not in shown)
        steady = [f"CASE WHEN min({v}) = max({v}) AND count({v}) = count(*) THEN min({v}) END" for v in labels.values()]
        counted = f"count(DISTINCT {fields['step'].sql})"
        ordered = f"SELECT *, row_number() OVER () AS {ROW} FROM {scan.relation}"
        columns = ", ".join([f"{label_of(fields['session'])} AS {NAME}", counted, *steady, f"min({ROW}) AS {FIRST}"])
        return f"SELECT {columns} FROM ({ordered}) GROUP BY {NAME} HAVING {NAME} IS NOT NULL ORDER BY {FIRST}"

    rows = asked_of(path, columns, question)
    if not rows:
        with opened(os.fspath(path), columns) as cells:
            if "session" not in cells.columns or "step" not in cells.columns:
                raise no_sessions(cells, NEEDED)
    return [
        SessionListed(name, n, {label: v for label, v in zip(shown, values, strict=False) if v is not None})
        for name, n, *values in rows
    ]


def _labels(cells: Cells, seen: TableSeen) -> dict[str, str]:
    """Return the name here of every column that is a label, by its name in the file."""
    wanted = {*seen.named("label"), *seen.named("ended")}
    return {c.name: c.shown for c in cells.columns.values() if c.shown in wanted and c.name not in KEYS}


def read_session(
    path: str | os.PathLike[str],
    name: str,
    seen: TableSeen,
    columns: Mapping[str, str] | None = None,
    *,
    longest: int | None = None,
    best: str = "",
) -> SessionRead:
    """Read one session.

    Parameters
    ----------
    path : path of one file
    name : str
        Of the session.
    seen : TableSeen
        The same file as `describe` sees it.
    columns : mapping from standard name to the table's name, optional
    longest : int, optional
        Texts are cut after one character more than this.
    best : str, optional
        A score: a version is kept where it is better than all before it; with a minus before it smaller is better.
        Default: as the table records it, see `Panel.kept_rows`.

    Raises
    ------
    NoSessionError
        No row has this session.
    InputError
        The table has no sessions, or the rows contradict each other.
    """
    needs = _needs(seen, columns or {}, name, longest)
    try:
        with opened(os.fspath(path), columns, needs) as cells:
            if "session" not in cells.columns or "step" not in cells.columns:
                raise no_sessions(cells, NEEDED)
            return _session(cells, seen, best)
    except NoRowsError:
        raise NoSessionError(f"there is no session {name!r}.", file=os.fspath(path)) from None
    except InputError as error:  # rows were counted among those of the session
        if error.row is None:
            raise
        where = f"session {name!r}: {error.message}"
        raise InputError(where, file=error.file, column=error.column, hint=error.hint) from None


def _needs(seen: TableSeen, columns: Mapping[str, str], session: str, longest: int | None) -> Needs:
    """Return what to read of each column: kinds are those of the whole table, not of the few rows of a session."""
    ours = {user: standard for standard, user in columns.items()}
    kept = "{}" if longest is None else f"left({{}}, {longest + 1})"
    texts = {ours.get(c.name, c.name): kept for c in seen.columns if c.kind == "text"}
    numbers = frozenset(ours.get(c.name, c.name) for c in seen.columns if c.kind == "number")
    return Needs(numbers=numbers, texts=texts, session=session)


def _session(cells: Cells, seen: TableSeen, best: str) -> SessionRead:
    scorings, first = rows_of(cells)
    rows = scorings.only(first)
    names = [c.name for c in cells.columns.values() if c.kind in ("number", "bool") and c.name not in NO_SCORE]
    names = [n for n in names if cells.columns[n].n]
    scores = averaged(_numbers(cells, names)[scorings.position], first).x
    complete = _complete(cells, seen, names, scores)
    links = links_recorded(cells, rows, complete)
    kept = _kept(links, rows, complete) if not best else _best(names, scores, best)
    labels = {name: [cells.labels(name).values()[k] for k in rows.position.tolist()] for name in _labels(cells, seen)}
    steady = {name: values[0] for name, values in labels.items() if len(set(values)) == 1 and values[0] is not None}
    shown = {c.name: c.shown for c in cells.columns.values()}
    wanted = [c.name for c in cells.columns.values() if c.shown in seen.named("text")]
    texts = {name: cells.texts(name) for name in wanted}
    steps = tuple(
        StepRead(
            step=int(rows.step[k]),
            source=_source(links, k),
            scores={shown[n]: _number(v) for n, v in zip(names, scores[k].tolist(), strict=True)},
            kept=None if kept is None else bool(kept[k]),
            labels={shown[n]: v for n, values in labels.items() if n not in steady and (v := values[k]) is not None},
            texts={shown[n]: values[at] for n, values in texts.items()},
        )
        for k, at in enumerate(rows.position.tolist())
    )
    return SessionRead({shown[n]: v for n, v in steady.items()}, steps)


def _numbers(cells: Cells, names: Sequence[str]) -> Float:
    """Return columns as numbers, shape (n_rows, n_names); what is not finite counts as missing."""
    found = np.full((cells.n_rows, len(names)), np.nan)
    for j, name in enumerate(names):
        if cells.columns[name].kind == "bool":
            passed, missing = cells.flags(name)
            found[:, j] = np.where(missing, np.nan, passed)
        else:
            found[:, j] = cells.numbers(name)
    return np.where(np.isfinite(found), found, np.nan)


def _complete(cells: Cells, seen: TableSeen, names: Sequence[str], scores: Float) -> Bool:
    """Return the rows in which no objective is missing."""
    objectives = [j for j, n in enumerate(names) if cells.columns[n].shown in seen.named("objective")]
    return np.asarray(~np.isnan(scores[:, objectives]).any(axis=1), dtype=np.bool_)


def _kept(links: Links, rows: Rows, complete: Bool) -> Bool | None:
    """Return which versions the loop held after they were made, as a panel says it; None for a plain loop."""
    if links.how == PREVIOUS:
        return None
    panel = Panel(
        x=np.where(complete, 0.0, np.nan)[:, None],
        session=rows.session,
        step=rows.step,
        parent=links.parent,
        objectives=(Objective("complete"),),
        session_names=rows.session_names,
        accepted=links.accepted,
        lineage=True,
    )
    return np.asarray(panel.kept_rows == np.arange(len(panel)), dtype=np.bool_)


def _best(names: Sequence[str], scores: Float, best: str) -> Bool:
    """Return which versions are better than all before them."""
    name, sign = (best, 1.0) if best in names else (best.removeprefix("-"), -1.0)
    if name not in names:
        raise InputError(f"there is no score {name!r}. Scores: {', '.join(names) or 'none'}.")
    values = sign * scores[:, names.index(name)]
    before = np.fmax.accumulate(np.r_[-np.inf, values])[:-1]
    return np.asarray(values > before, dtype=np.bool_)


def _source(links: Links, k: int) -> int | None:
    parent = int(links.parent[k])
    if parent != NO_PARENT:
        return parent
    return k - 1 if links.how == PREVIOUS and k else None  # a step may be missing in between


def _number(value: Any) -> float | None:
    return None if value != value else float(value)
