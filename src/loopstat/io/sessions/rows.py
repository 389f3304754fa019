"""The rows of the panel to be: their keys, their order, and the tables that cannot become one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...arrays import Bool, Float, Int, first_true
from ...errors import InputError, argument, either
from ...panel.panel import Labels
from ..table.cells import Cells
from .parents import Refuse, crowded_step

ONE_ROW = "one row per step of a session; does `session` name the run and not the row?"


@dataclass(frozen=True)
class Rows:
    """The rows of the panel to be: where each lies in the table, and its key; sorted."""

    position: Int
    session: Int
    step: Int
    candidate: Labels | None
    session_names: tuple[str, ...]

    def only(self, index: Int) -> Rows:
        """Return some of the rows, in order."""
        candidate = None if self.candidate is None else self.candidate.take(index)
        return replace(
            self,
            position=self.position[index],
            session=self.session[index],
            step=self.step[index],
            candidate=candidate,
        )

    def refuse(self, cells: Cells) -> Refuse:
        """Return a maker of errors that speaks of these rows."""

        def make(message: str, *, row: int, column: str | None = None, hint: str | None = None) -> InputError:
            return cells.refuse(message, int(self.position[row]), column, hint)

        return make


def rows_of(cells: Cells) -> tuple[Rows, Int]:
    """Return all rows sorted, and the index of the first row of every (session, step, candidate).

    Equal sessions in several files are different sessions.
    """
    session, names = _sessions(cells)
    step = cells.whole_numbers("step", required=True).astype(np.int64)
    candidate = cells.labels("candidate") if cells.has("candidate") else None
    repeat = cells.labels("repeat").codes if cells.has("repeat") else np.zeros(len(step), np.int64)
    artefact = np.zeros(len(step), np.int64) if candidate is None else candidate.codes
    order = _sorted(session, step, artefact, repeat)
    session, step, artefact, repeat = session[order], step[order], artefact[order], repeat[order]
    rows = Rows(order, session, step, None if candidate is None else candidate.take(order), names)
    same = (np.diff(session) == 0) & (np.diff(step) == 0) & (np.diff(artefact) == 0)
    row = first_true(same & (np.diff(repeat) == 0))
    if row is not None:
        raise _two_rows(cells, rows, row)
    return rows, np.flatnonzero(np.r_[True, ~same]).astype(np.int64)


def _sessions(cells: Cells) -> tuple[Int, tuple[str, ...]]:
    """Return session numbers in order of first appearance, and their names (with the file where there are several)."""
    text = cells.columns["session"].label_sql
    if cells.files:
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in cells.files)
        text = f"([{listed}])[f + 1] || ':' || {text}"
    [codes], names = cells.codes(text)
    row = first_true(codes < 0)
    if row is not None:
        raise cells.refuse("`session` is missing.", row, "session", "every row must say which session it is of.")
    first = np.empty(len(names), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last write wins: the first appearance
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return number[codes], tuple(names[i] for i in order)


def _sorted(*keys: Int) -> Int:
    """Return the order that sorts rows by several keys, the first one first; stable."""
    spans = [int(k.max()) - int(k.min()) + 1 for k in keys]
    if float(np.prod(np.array(spans, dtype=np.float64))) > 2**62:
        return np.lexsort(keys[::-1]).astype(np.int64)
    packed = np.zeros(len(keys[0]), dtype=np.int64)
    for key, span in zip(keys, spans, strict=True):
        packed = packed * span + (key - key.min())
    return np.argsort(packed, kind="stable").astype(np.int64)


def _two_rows(cells: Cells, rows: Rows, at: int) -> InputError:
    file, row = cells.place(int(rows.position[at]))
    other = f"row {row}" if cells.place(int(rows.position[at + 1]))[0] == file else f"{file}, row {row}"
    key = f"session {rows.session_names[rows.session[at]]!r}, step {int(rows.step[at])}"
    if rows.candidate is not None:
        key += f", candidate {rows.candidate.take(np.array([at])).values()[0]!r}"
    return cells.refuse(
        f"same key as {other} ({key}); every proposal needs its own row key.",
        int(rows.position[at + 1]),
        hint="number several proposals of a step in `candidate`, repeated scorings of one artefact in `repeat`.",
    )


def refuse_hopeless(cells: Cells, rows: Rows, first: Int, *, part: bool = False) -> None:
    """Refuse a table (but not a part of one) without transitions, and populations whose ancestry nobody recorded."""
    session, step = rows.session[first], rows.step[first]
    if not part and not np.any((np.diff(session) == 0) & (np.diff(step) > 0)):
        raise cells.refuse(
            "the table holds no transition: every session has one step.",
            hint=_other_readings(cells)
            or "one row per step of a session; does `session` name the run and not the row?",
        )
    crowd = crowded_step(session, step)
    told = cells.has("parent_step") or cells.has("accepted") or has_ids(cells)
    if crowd is not None and not told:
        raise cells.refuse(
            f"step {int(step[crowd])} of session {rows.session_names[session[crowd]]!r} has several candidates, but "
            "nothing says which of them the next step came from: a population without parents.",
            int(rows.position[first[crowd]]),
            "candidate" if rows.candidate is not None else None,
            "add `parent_step` and `parent_candidate`, or `program_id` and `parent_id`, or `accepted`; "
            + either("`loopstat template --kind lineage`", "`loopstat.template('lineage')`")
            + " shows how.",
        )


def _other_readings(cells: Cells) -> str:
    """Say how else the log could be read of which no session has a second step; empty where there is no log."""
    if not cells.logs:
        return ""
    log = cells.logs[0]
    others = [f"{argument('format', f'{log.format}:{name}')}: {text}" for name, text in log.readings.items()]
    return f"a step is {log.step}; other readings: {'; '.join(others)}." if others else f"a step is {log.step}."


def has_ids(cells: Cells) -> bool:
    """True where versions and their parents carry ids."""
    return cells.has("program_id") and cells.has("parent_id")


@dataclass(frozen=True)
class Averages:
    """Scorings averaged over repeats, and how many there were and how they scatter; None where nothing was repeated."""

    x: Float
    repeats: Int | None = None
    scatter: Float | None = None


def averaged(scores: Float, first: Int) -> Averages:
    """Average the scorings from each `first` up to the next, ignoring missing values."""
    if len(first) == len(scores) or scores.shape[1] == 0:
        return Averages(scores[first])
    there = ~np.isnan(scores)
    total = np.add.reduceat(np.where(there, scores, 0.0), first, axis=0)
    n = np.add.reduceat(there.astype(np.int64), first, axis=0)
    x = np.where(n > 0, total / np.maximum(n, 1), np.nan)
    # A scoring that lacks an objective says nothing of how the objectives' errors go together: it does not count here.
    whole = np.asarray(there.all(axis=1), dtype=np.bool_)
    repeats = np.maximum(np.add.reduceat(whole.astype(np.int64), first), 1)
    if repeats.max() == 1:
        return Averages(x)
    return Averages(x, repeats, _scatter(scores, whole, repeats, first))


def _scatter(scores: Float, whole: Bool, repeats: Int, first: Int) -> Float:
    """Return the sum over the `whole` scorings of each row of (s - mean)(s - mean)', shape (n_rows, n_obj, n_obj)."""
    row = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(scores)]))
    counted = whole[:, None]
    # Measured from one of the scorings, equal scorings scatter by exactly 0 and not by the rounding of their mean.
    origin = np.minimum.reduceat(np.where(counted, scores, np.inf), first, axis=0)
    with np.errstate(over="ignore", invalid="ignore"):  # the panel refuses what is not finite
        moved = np.where(counted, scores - origin[row], 0.0)
        mean = np.add.reduceat(moved, first, axis=0) / repeats[:, None]
        apart = np.where(counted, moved - mean[row], 0.0)
        return np.asarray(np.add.reduceat(apart[:, :, None] * apart[:, None, :], first, axis=0))
