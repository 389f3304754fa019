"""The objectives of a table: which columns, in which direction and units, and values that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...arrays import Bool, Float
from ...errors import InputError, argument, pasted
from ...panel.panel import Objective
from ...panel.scorers import SCORER
from ..roles import Role
from ..settings import TRANSFORMS, Wanted
from ..table.cells import Cells
from ..table.columns import NEVER_OBJECTIVE, unknown
from .guess import Choice, at_one_value, choose
from .parents import Refuse
from .rows import Rows

ROLE = Role(argument("objectives"), "be an objective")
LARGEST = 1e50  # sums of products of four scores, over as many rows as there may be, stay finite
ROUNDING = 1e-6  # share of the bounds' width by which a rounded value may leave them


def objectives_of(cells: Cells, rows: Rows, wanted: Wanted) -> tuple[tuple[str, ...], list[str]]:
    """Return the names of the objectives, as asked for or by rule, and what to say about the choice."""
    if wanted.objectives is not None:
        chosen = Choice(wanted.objectives, ())
        flat = at_one_value({n: cells.numbers(n)[rows.position] for n in _of_texts(cells, wanted.objectives)})
        notes = [f"{name}: {said}; little can be learnt from it." for name, said in flat.items()]
    else:
        chosen = _chosen(cells, rows, wanted.among)
        notes = [chosen.sentence()]
    for name in chosen.kept:
        _refuse_no_score(cells, name)
    for name, option in wanted.named.items():
        if name not in chosen.kept:
            raise _not_chosen(cells, name, option, chosen)
    return chosen.kept, notes


def _of_texts(cells: Cells, names: Sequence[str]) -> list[str]:
    """Return the numbers among the columns of a table that holds scores of texts."""
    columns = cells.columns if SCORER in cells.columns else {}
    return [name for name in names if name in columns and columns[name].kind == "number"]


def _chosen(cells: Cells, rows: Rows, among: Sequence[str] | None) -> Choice:
    numeric = [c for c in cells.columns.values() if c.kind in ("number", "bool")]
    scores = _of_logs(cells) if among is None else set(among)
    if scores is not None:
        numeric = [c for c in numeric if c.name in scores]

    def column(name: str) -> Float:
        values = cells.numbers(name)[rows.position]
        _refuse_infinite(values, name, rows.refuse(cells))
        return values

    return choose(
        [c.name for c in numeric],
        column,
        session=rows.session,
        step=rows.step,
        booleans=[c.name for c in numeric if c.kind == "bool"],
        scored=SCORER in cells.columns,
        scores=(scores or ()) if among is None else (),
        file=cells.file,
    )


def _of_logs(cells: Cells) -> set[str] | None:
    """Return the columns that logs hold for scores; None where there is no log, or one that cannot tell."""
    told = [log.scores for log in cells.logs]
    if not told or any(names is None for names in told):
        return None
    scores = {name for names in told for name in names or ()}
    if not scores:
        formats = " and ".join(dict.fromkeys(log.format for log in cells.logs))
        raise InputError(
            f"this {formats} log holds no scores, so there is nothing to say when to stop.",
            file=cells.file,
            hint="score the log with the tool that wrote it and read it again; "
            f"{pasted('loopstat balance', cells.file)} says what it circles through, which needs no scores.",
        )
    return scores


def _not_chosen(cells: Cells, name: str, option: str, chosen: Choice) -> InputError:
    if name not in cells.columns:
        return unknown(name, cells.names, file=cells.file, option=option)
    reason = dict(chosen.left_out).get(name)
    return InputError(
        f"`{name}` in {option} is not an objective{f' (left out: {reason})' if reason else ''}. "
        f"Objectives: {', '.join(chosen.kept)}.",
        file=cells.file,
        hint=f"name it in {argument('objectives')}.",
    )


def _refuse_no_score(cells: Cells, name: str) -> None:
    if name in NEVER_OBJECTIVE:
        raise cells.refuse(f"cannot {ROLE.use}: it is no score.", column=name)
    ROLE.check(cells, name)
    if cells.columns[name].kind == "text":
        raise cells.not_numeric(name)


def scored(cells: Cells, rows: Rows, names: Sequence[str], wanted: Wanted) -> tuple[list[Objective], Float]:
    """Return the objectives and their values in the file's units, shape (n_rows, n_obj), every one usable."""
    columns = []
    for name in names:
        values = cells.numbers(name)[rows.position]
        _refuse_values(values, name, wanted, rows.refuse(cells))
        columns.append(values)
    x = np.column_stack(columns) if columns else np.zeros((len(rows.position), 0))
    smaller = {*wanted.minimize, *(name for log in cells.logs for name in log.smaller)}
    return [_objective(name, wanted, name not in smaller) for name in names], x


def _objective(name: str, wanted: Wanted, larger_is_better: bool) -> Objective:
    kind = wanted.transform.get(name)
    low, high = (None if b is None else _moved_bound(b, kind) for b in wanted.bounds_of(name))
    return Objective(name, larger_is_better, low, high, kind)


def _refuse_values(values: Float, name: str, wanted: Wanted, refuse: Refuse) -> None:
    _refuse_infinite(values, name, refuse)
    low, high = wanted.bounds_of(name)
    below, above = -np.inf if low is None else low, np.inf if high is None else high
    known = [abs(b) for b in (below, above) if np.isfinite(b)]
    slack = ROUNDING * (above - below if len(known) == 2 else sum(known))  # a stored float32 may overshoot its bound
    said = f"[{'' if low is None else f'{low:g}'}, {'' if high is None else f'{high:g}'}]"
    outside = (values < below - slack) | (values > above + slack)
    _refuse_first(outside, values, name, refuse, f"lies outside the bounds {said}", f"correct {argument('bounds')}.")
    if name in wanted.transform:
        t = TRANSFORMS[wanted.transform[name]]
        bad = ~t.inside(values) & ~np.isnan(values)
        _refuse_first(bad, values, name, refuse, f"cannot be transformed: {t.name} needs values {t.domain}", t.hint)


def _refuse_infinite(values: Float, name: str, refuse: Refuse) -> None:
    hint = f"leave the cell empty where there is no score, or choose other columns with {argument('objectives')}."
    _refuse_first(np.isinf(values), values, name, refuse, "is infinite, expected a finite number", hint)
    why = f"is beyond ±{LARGEST:g}: squares and products of scores would overflow"
    _refuse_first(np.abs(values) > LARGEST, values, name, refuse, why, "divide the column by a power of ten.")


def _refuse_first(bad: Bool, values: Float, name: str, refuse: Refuse, why: str, hint: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise refuse(f"the value {values[row]:g} {why}.", row=row, column=name, hint=hint)


def transformed(x: Float, objectives: Sequence[Objective]) -> Float:
    """Return the values after every objective's transform."""
    changed = x.copy()
    for j, o in enumerate(objectives):
        if o.transform is not None:
            changed[:, j] = TRANSFORMS[o.transform].apply(x[:, j])
    return changed


def _moved_bound(bound: float, kind: str | None) -> float | None:
    """Return a bound after the transform; None where it lies at or beyond the edge of the domain."""
    if kind is None:
        return float(bound)
    at = np.array([bound], dtype=np.float64)
    return float(TRANSFORMS[kind].apply(at)[0]) if TRANSFORMS[kind].inside(at)[0] else None
