"""Reading pools of candidates: tasks, verdicts, judges' scores and a truth, in one table, split into groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float, Int, relabel
from ..errors import InputError, SettingsError, argument
from ..panel.panel import Labels, Source, as_names
from ..panel.pool import Pool
from .groups import Conditions, Names, Selection, group_name, parts, selection, ungrouped_notes
from .roles import Role, scores, verdicts
from .table.cells import Cells
from .table.opening import Needs, opened

ROLES = {
    "coarse": Role(argument("coarse"), "be a verdict", ("passed", "oracle_pass", "base_pass", "visible_pass")),
    "fine": Role(argument("fine"), "be a verdict", ("plus_pass", "hidden_pass")),
    "truth": Role(argument("truth"), "be the truth"),
    "judges": Role(argument("judges"), "be a judge's score"),
}
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


def read_pool(
    source: Any,
    *,
    pool: str = "task",
    coarse: str | None = None,
    fine: str | None = None,
    judges: str | Sequence[str] = (),
    truth: str | None = None,
    by: Names = None,
    where: Conditions = None,
    unlike: Conditions = None,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
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
    format : str, optional
        Of a log, as `loopstat.read` takes it.

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
    used: dict[str, Any] = {"pool": pool, "coarse": coarse, "fine": fine, "judges": list(as_names(judges))}
    used["truth"] = truth
    if coarse is not None and coarse == fine:
        raise SettingsError(
            f"{argument('coarse')} and {argument('fine')} name the same column, {coarse!r}: compare two oracles."
        )
    if len(set(used["judges"])) < len(used["judges"]):
        raise SettingsError(f"{argument('judges')} names a column twice.")
    chosen = selection(by, where, unlike)
    options = f"{argument('pool')}, {argument('by')} or {argument('where')}"
    needs = Needs((pool, *chosen.names), label_options=options, format=format)
    with opened(source, columns, needs) as cells:
        guess = [] if _named(used) else _guess(cells, used)
        for option, column in _named(used):
            ROLES[option].check(cells, column)
        return _recording(cells, used, chosen, guess)


def _named(used: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return every (option, column) named beside the pool."""
    return [(o, c) for o in ROLES for c in ([used[o]] if isinstance(used[o], str) else used[o] or ())]


def _guess(cells: Cells, used: dict[str, Any]) -> list[str]:
    """Fill in the columns whose names say what they are, where none was named; says so."""
    used["coarse"] = ROLES["coarse"].guess(cells)
    used["fine"] = ROLES["fine"].guess(cells) if used["coarse"] else None
    used["judges"] = [c for c in cells.names if c.startswith(GUESSED_JUDGES) and cells.columns[c].kind == "number"]
    if not _named(used):
        options = ", ".join(argument(name) for name in ("coarse", "fine", "judges"))
        raise cells.refuse(
            f"which columns are verdicts or scores? Columns: {', '.join(cells.names[:24])}.",
            hint=f"name them with {options} and {argument('truth')}.",
        )
    said = ", ".join(f"--{option} {column}" for option, column in _named(used))
    return [f"columns: {said}, by their names; name them to choose."]


def _recording(cells: Cells, used: dict[str, Any], chosen: Selection, notes: list[str]) -> PoolRecording:
    labels = {c: v for c, v in chosen.labels(cells).items() if c != used["pool"] or c in chosen.names}
    keep = chosen.keep(labels, cells.n_rows, cells.file)
    by, note = chosen.columns(labels)
    task = cells.labels(used["pool"])
    passed = {
        o: verdicts(cells, used[o], ROLES[o], lambda: _of_shares(cells, used)) for o in ("coarse", "fine") if used[o]
    }
    judged = {c: scores(cells, c) for c in used["judges"]}
    truth = None if used["truth"] is None else scores(cells, used["truth"])
    lost = int(np.sum(keep & (task.codes < 0)))
    if lost:
        notes = [*notes, f"{lost:,} rows have no `{cells.columns[used['pool']].shown}` and were left out."]
    keep &= task.codes >= 0
    groups, said = [], []
    for label, rows in parts(labels, by, keep):
        stopped = _stopped(cells, passed.get("coarse"), rows)
        said += [f"{group_name(label) or 'all'}: {s}" for s in (_repeated(cells, task, rows, stopped),) if s]
        pool = Pool(
            relabel(task.codes[rows])[1],
            passed["coarse"][rows] if "coarse" in passed else None,
            passed["fine"][rows] if "fine" in passed else None,
            {name: values[rows] for name, values in judged.items()},
            None if truth is None else truth[rows],
            bool(stopped),
        )
        groups.append((label, pool))
    if not groups:
        raise InputError(f"no row has a task and a value of every column in {argument('by')}.", file=cells.file)
    outside = int(keep.sum()) - sum(len(p) for _, p in groups)
    origin = cells.source((), task.codes, *passed.values(), *judged.values())
    notes = [*notes, note, *said[:NAMED], *ungrouped_notes(outside, by)]
    return PoolRecording(tuple(groups), by, used, tuple(notes), origin)


# ------------------------------------------------------------------------- cells


def _of_shares(cells: Cells, used: Mapping[str, Any]) -> str:
    """Say what shares of passing samples or tests can tell, with the figure where both columns hold them."""
    hint = "a share of tests is no verdict (make a column of: all pass?); of pass rates of many samples "
    both = [cells.columns[c] for c in (used["coarse"], used["fine"]) if c]
    if len(both) < 2 or any(c.kind != "number" for c in both):
        return f"{hint}1 - fine/coarse is the false-pass rate; r needs single samples."
    coarse, fine = (cells.numbers(c.name) for c in both)
    with np.errstate(invalid="ignore", divide="ignore"):
        lost = 1 - fine / coarse
    mean = float(np.mean(lost[np.isfinite(lost)])) if np.isfinite(lost).any() else float("nan")
    return f"{hint}1 - fine/coarse is the false-pass rate, here {mean:.3f} a row on average; r needs single samples."


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
