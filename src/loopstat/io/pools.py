"""Reading pools of candidates: tasks, verdicts, judges' scores and a truth, in one table, split into groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Bool, Float, Int, relabel
from ..errors import InputError, SettingsError, argument
from ..panel.panel import Labels, Source, array_digest, as_names
from ..panel.pool import Pool
from .grouping import DEFAULT_BY, by_of, group_name
from .read import Origin, file_labels, opened
from .settings import Wanted
from .table.cells import Cells
from .table.columns import nothing_left, unknown

GUESSED_COARSE = ("passed", "oracle_pass", "base_pass", "visible_pass")
GUESSED_FINE = ("plus_pass", "hidden_pass")
GUESSED_JUDGES = "judge"
NAMED = 5


@dataclass(frozen=True)
class PoolRecording:
    """Candidates as they were recorded, one part per group.

    Attributes
    ----------
    parts : tuple of (labels, Pool)
    by : list of str
        Columns that tell the groups apart; empty where all is one group.
    used : dict
        Columns read: pool, coarse, fine, judges, truth.
    notes : tuple of str
        What was guessed or left out.
    source : Source
    """

    parts: tuple[tuple[dict[str, str], Pool], ...]
    by: list[str]
    used: dict[str, Any]
    notes: tuple[str, ...]
    source: Source


@dataclass(frozen=True)
class _Columns:
    """The columns to read, by what they are for."""

    pool: str
    coarse: str | None
    fine: str | None
    judges: tuple[str, ...]
    truth: str | None

    def options(self) -> list[tuple[str, str]]:
        """Return every (option, column) named."""
        single = [("coarse", self.coarse), ("fine", self.fine), ("truth", self.truth)]
        return [(o, c) for o, c in single if c] + [("judges", j) for j in self.judges]


def read_pool(
    source: Any,
    *,
    pool: str = "task",
    coarse: str | None = None,
    fine: str | None = None,
    judges: str | Sequence[str] = (),
    truth: str | None = None,
    by: str | Sequence[str] | None = None,
    where: Mapping[str, str] | None = None,
    unlike: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> PoolRecording:
    """Read recorded candidates, one row each; sessions are not needed.

    Parameters
    ----------
    source : path, glob, list of those, or dataframe
        What `loopstat.io.read` takes.
    pool : str
        Column that says which candidates belong together: samples of one prompt.
    coarse, fine : str, optional
        Columns of verdicts, true or false, 1 or 0: by the tests that a loop sees, and by finer ones.
    judges : sequence of str
        Columns of scores.
    truth : str, optional
        Column of the true quality, or of a verdict that stands for it.
    by : names of columns, optional
        Groups. Default `model` and `strategy`, where they are; `["none"]` pools all.
    where, unlike : mapping from column to value, optional
        Keep only rows with this label; without this label.
    columns : mapping from standard name to the table's name, optional

    Returns
    -------
    PoolRecording

    Raises
    ------
    InputError
        The table cannot be used; the message names file, row and column.
    SettingsError
        A column named for two things that exclude each other.

    Notes
    -----
    *When it is wrong*: rows of sessions whose loop stops at the first version that passes are selected by that verdict;
    this is seen where `session` and `step` are there, and said.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from loopstat.io import template
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pool.csv"
    >>> _ = path.write_text(template("pool"))
    >>> read_pool(path, coarse="passed").parts
    (({'model': 'model-a'}, Pool(3 tasks, 9 candidates)),)
    """
    named = _Columns(pool, coarse, fine, as_names(judges), truth)
    if coarse is not None and coarse == fine:
        raise SettingsError(
            f"{argument('coarse')} and {argument('fine')} name the same column, {coarse!r}: compare two oracles."
        )
    if len(set(named.judges)) < len(named.judges):
        raise SettingsError(f"{argument('judges')} names a column twice.")
    grouped = by_of(by)
    where, unlike = dict(where or {}), dict(unlike or {})
    names = tuple(dict.fromkeys((pool, *(grouped or ()), *where, *unlike)))
    wanted = Wanted(
        None, (), {}, {}, names, label_options=f"{argument('pool')}, {argument('by')} or {argument('where')}"
    )
    with opened(source, columns, wanted) as (cells, origin):
        if not named.options():
            named, guess = _guessed(cells, pool)
        else:
            guess = []
        _check(cells, named)
        return _recording(cells, origin, named, grouped, (where, unlike), guess)


def _guessed(cells: Cells, pool: str) -> tuple[_Columns, list[str]]:
    """Return the columns whose names say what they are, where none was named."""
    coarse = next((c for c in GUESSED_COARSE if cells.has(c)), None)
    fine = next((c for c in GUESSED_FINE if cells.has(c)), None) if coarse else None
    judges = tuple(c for c in cells.names if c.startswith(GUESSED_JUDGES) and cells.columns[c].kind == "number")
    found = _Columns(pool, coarse, fine, judges, None)
    if not found.options():
        options = ", ".join(argument(name) for name in ("coarse", "fine", "judges"))
        raise cells.refuse(
            f"which columns are verdicts or scores? Columns: {', '.join(cells.names[:24])}.",
            hint=f"name them with {options} and {argument('truth')}.",
        )
    said = ", ".join(f"--{option} {column}" for option, column in found.options())
    return found, [f"columns: {said}, by their names; name them to choose."]


def _check(cells: Cells, named: _Columns) -> None:
    for option, column in [("pool", named.pool), *named.options()]:
        if column not in cells.columns:
            raise _absent(cells, column, option)
    for option, column in named.options():
        if not cells.has(column):
            raise cells.refuse(f"holds no value ({argument(option)}).", column=column)


def _absent(cells: Cells, column: str, option: str) -> InputError:
    if column in cells.known:
        return cells.refuse(f"holds whole texts or nested values, not what {argument(option)} needs.", column=column)
    return unknown(column, cells.names, file=cells.file, option=argument(option))


def _recording(
    cells: Cells,
    origin: Origin,
    named: _Columns,
    by: list[str] | None,
    conditions: tuple[dict[str, str], dict[str, str]],
    notes: list[str],
) -> PoolRecording:
    groups = by if by is not None else [c for c in DEFAULT_BY if cells.has(c) and c != named.pool]
    labels = {c: _labels(cells, origin, c) for c in dict.fromkeys((*groups, *conditions[0], *conditions[1]))}
    keep = _selected(cells.n_rows, labels, *conditions)
    if not keep.any():
        raise nothing_left(cells.file)
    task = cells.labels(named.pool)
    verdicts = {o: _verdicts(cells, c, o, named) for o, c in named.options() if o in ("coarse", "fine")}
    scores = {c: _scores(cells, c) for o, c in named.options() if o == "judges"}
    truth = None if named.truth is None else _scores(cells, named.truth)
    lost = int(np.sum(keep & (task.codes < 0)))
    if lost:
        notes = [*notes, f"{lost:,} rows have no `{cells.columns[named.pool].shown}` and were left out."]
    keep &= task.codes >= 0
    parts, said = [], []
    for label, rows in _groups(labels, groups, keep):
        stopped = _stopped(cells, verdicts.get("coarse"), rows)
        said += [f"{group_name(label) or 'all'}: {s}" for s in (_repeated(cells, task, rows, stopped),) if s]
        pool = Pool(
            relabel(task.codes[rows])[1],
            verdicts["coarse"][rows] if "coarse" in verdicts else None,
            verdicts["fine"][rows] if "fine" in verdicts else None,
            {name: values[rows] for name, values in scores.items()},
            None if truth is None else truth[rows],
            bool(stopped),
        )
        parts.append((label, pool))
    if not parts:
        raise InputError(f"no row has a task and a value of every column in {argument('by')}.", file=cells.file)
    held = sum(len(p) for _, p in parts)
    notes += [_said_by(groups, by), *said[:NAMED]]
    if held < int(keep.sum()):
        notes.append(f"{int(keep.sum()) - held:,} rows are in no group: they lack a value of {' or '.join(groups)}.")
    digest = origin.digest or array_digest(task.codes, *verdicts.values(), *scores.values())
    used = {"pool": named.pool, "coarse": named.coarse, "fine": named.fine, "judges": list(named.judges)}
    return PoolRecording(
        tuple(parts), groups, {**used, "truth": named.truth}, tuple(notes), Source(origin.files, digest)
    )


def _said_by(groups: list[str], by: list[str] | None) -> str:
    if by is not None:
        return f"groups: {', '.join(by) or 'none, all is pooled'}."
    if not groups:
        return "groups: one, there is no model or strategy column; use --by to split."
    return f"groups: by {' and '.join(groups)}; use --by to choose (--by none pools)."


def _labels(cells: Cells, origin: Origin, name: str) -> Labels:
    if name == "file" and origin.labels:
        return file_labels(cells, origin)
    if name not in cells.columns:
        raise cells.refuse("cannot be a label: it holds whole texts or nested values.", column=name)
    return cells.labels(name)


def _selected(n: int, labels: Mapping[str, Labels], where: Mapping[str, str], unlike: Mapping[str, str]) -> Bool:
    keep = np.ones(n, dtype=bool)
    for column, value in where.items():
        keep = np.asarray(keep & (labels[column].codes == _code(labels[column], column, value)))
    for column, value in unlike.items():
        keep = np.asarray(keep & (labels[column].codes != _code(labels[column], column, value)))
    return keep


def _code(labels: Labels, column: str, value: str) -> int:
    if value not in labels.names:
        few = ", ".join(labels.names[:NAMED]) + (", ..." if len(labels.names) > NAMED else "")
        raise InputError(f"no row has {value!r} in `{column}` ({argument('where')}). It holds: {few}.", column=column)
    return labels.names.index(value)


def _groups(labels: Mapping[str, Labels], by: Sequence[str], keep: Bool) -> list[tuple[dict[str, str], Int]]:
    """Return the label values of each group, and its rows."""
    rows = np.flatnonzero(keep)
    if not by:
        return [({}, rows)]
    codes = np.stack([labels[c].codes[rows] for c in by], axis=1)
    whole = (codes >= 0).all(axis=1)
    kinds, group = np.unique(codes[whole], axis=0, return_inverse=True)
    group = group.ravel()
    named = [{c: labels[c].names[k] for c, k in zip(by, kind, strict=True)} for kind in kinds.tolist()]
    return [(label, rows[whole][group == g]) for g, label in enumerate(named)]


# ------------------------------------------------------------------------- cells


def _verdicts(cells: Cells, name: str, option: str, named: _Columns) -> Float:
    """Return verdicts as 1 and 0, NaN where missing; shares are refused with what they can say."""
    column = cells.columns[name]
    if column.kind == "number":
        values = cells.numbers(name)
        with np.errstate(invalid="ignore"):
            bad = np.flatnonzero(~np.isnan(values) & (values != 0) & (values != 1))
        if bad.size:
            first = int(bad[0])
            raise cells.refuse(
                f"must hold verdicts, true or false (or 1, 0), got {values[first]:g} ({argument(option)}).",
                first,
                name,
                _of_shares(cells, named),
            )
    passed, missing = cells.flags(name)
    return np.where(missing, np.nan, passed.astype(np.float64))


def _of_shares(cells: Cells, named: _Columns) -> str:
    """Say what shares of passing samples or tests can tell, with the figure where both columns hold them."""
    hint = "a share of tests is no verdict (make a column of: all pass?); of pass rates of many samples "
    both = [cells.columns[c] for c in (named.coarse, named.fine) if c]
    if len(both) < 2 or any(c.kind != "number" for c in both):
        return f"{hint}1 - fine/coarse is the false-pass rate; r needs single samples."
    coarse, fine = (cells.numbers(c.name) for c in both)
    with np.errstate(invalid="ignore", divide="ignore"):
        lost = 1 - fine / coarse
    mean = float(np.mean(lost[np.isfinite(lost)])) if np.isfinite(lost).any() else float("nan")
    return f"{hint}1 - fine/coarse is the false-pass rate, here {mean:.3f} a row on average; r needs single samples."


def _scores(cells: Cells, name: str) -> Float:
    column = cells.columns[name]
    if column.kind == "bool":
        passed, missing = cells.flags(name)
        return np.where(missing, np.nan, passed.astype(np.float64))
    if column.kind != "number":
        raise cells.not_numeric(name)
    values = cells.numbers(name)
    endless = np.flatnonzero(np.isinf(values))
    if endless.size:
        raise cells.refuse("must be finite.", int(endless[0]), name, "leave the cell empty where there is no value.")
    return values


def _stopped(cells: Cells, coarse: Float | None, rows: Int) -> bool:
    """True where no step of a session but the last passes the coarse tests: the loop stops there."""
    if coarse is None or not (cells.has("session") and cells.has("step")):
        return False
    session, step = cells.labels("session").codes[rows], cells.numbers("step")[rows]
    last = np.full(int(session.max(initial=0)) + 1, -np.inf)
    known = (session >= 0) & ~np.isnan(step)
    np.maximum.at(last, session[known], step[known])
    before = known & (step < last[np.maximum(session, 0)])
    return bool(before.any() and not np.any(coarse[rows][before] == 1))


def _repeated(cells: Cells, task: Labels, rows: Int, stopped: bool) -> str:
    """Say where the rows of a group are not samples of their tasks: steps of a session, or several of one number."""
    if stopped:
        return (
            "its loops stop at the first version that passes the coarse tests, so its rows are selected by them; "
            "--where step=0 takes first versions."
        )
    if cells.has("session") and cells.has("step"):
        session, step = cells.labels("session").codes[rows], cells.numbers("step")[rows]
        if len(np.unique(session)) < len(session) and len(np.unique(step)) > 1:
            return "several steps of one session count as candidates; --where step=0 takes first versions."
    if cells.has("candidate"):
        pairs = np.stack([task.codes[rows], cells.labels("candidate").codes[rows]], axis=1)
        twice = len(pairs) - len(np.unique(pairs, axis=0))
        if twice:
            return f"{twice:,} rows repeat a candidate of their task; --by splits what made them."
    return ""
