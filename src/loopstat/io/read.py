"""Reading tables: one row per proposal, in files or a dataframe, into a Panel.

Every guess made on the way (objectives, parents, plain loop or lineage) and every row or link dropped is said in
`panel.source.notes`; everything that would give a silent wrong number is refused with its file, row and column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Int
from ..errors import InputError, argument
from ..panel.panel import Labels, Panel, as_names
from ..panel.states import STATE
from .links import links_of
from .refuse import no_sessions
from .rows import Averages, Rows, averaged, refuse_hopeless, rows_of
from .scores import objectives_of, scored, transformed
from .settings import Bounds, Wanted
from .table.cells import Cells, text_bytes
from .table.opening import opened


def read(
    source: Any,
    *,
    objectives: str | Sequence[str] | None = None,
    minimize: str | Sequence[str] = (),
    bounds: Mapping[str, Bounds] | None = None,
    columns: Mapping[str, str] | None = None,
    transform: Mapping[str, str] | None = None,
    labels: str | Sequence[str] = (),
    from_step: int | None = None,
) -> Panel:
    """Read recorded sessions into a Panel.

    Parameters
    ----------
    source : path, glob, list of those, or dataframe
        CSV, TSV, JSON lines, a JSON array of records or Parquet (text may be gzipped); Polars, pandas, Arrow or
        DuckDB. One row per proposal, with `session` and `step` columns. Several files get a `file` label. Repeated
        scorings of one artefact are rows that differ in `repeat`; they are averaged after transforms.
    objectives : names of columns, optional
        Default: the numeric columns that are not bookkeeping (see `loopstat.io.choice`).
    minimize : names of objectives for which smaller is better
    bounds : mapping from objective to `(low, high)`, optional
        In the file's units, None for an open side; the key `*` stands for all objectives.
    columns : mapping from standard name to the table's name, optional
        For example `{"session": "run_id", "step": "iteration"}`.
    transform : mapping from objective to `log`, `log1p`, `logit` or `sqrt`, optional
    labels : names of columns that must become labels
    from_step : int, optional
        Leave out the rows before this step.

    Returns
    -------
    Panel
        `x` of shape (n_rows, n_obj) in the file's units after transforms. Rows are sorted by session (in order of
        appearance), step and candidate; `source.notes` says what was guessed and what was dropped. With repeated
        scorings, `repeats` and `repeat_scatter` carry what they say of the scorer's noise.

    Raises
    ------
    InputError
        The table cannot be used; the message names file, row and column.
    SettingsError
        An argument contradicts itself.

    Notes
    -----
    When it is wrong: a log from which rejected proposals were dropped without a `survivors_only` column looks like
    one that kept them all; drift fitted to it is biased towards improvement.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from loopstat.io import read, template
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "runs.csv"
    >>> _ = path.write_text(template("sessions"))
    >>> read(path).names
    ('security', 'efficiency', 'length')
    """
    wanted = Wanted(
        objectives=None if objectives is None else as_names(objectives),
        minimize=as_names(minimize),
        bounds={k: (v[0], v[1]) for k, v in (bounds or {}).items()},
        transform=dict(transform or {}),
        labels=as_names(labels),
    )
    with opened(source, columns, wanted.needs()) as cells:
        panel = panel_of(cells, wanted)
    return panel if from_step is None else later(panel, from_step)


def later(panel: Panel, from_step: int) -> Panel:
    """Return the panel without the rows before a step; refuses to go on without a transition."""
    left = panel.from_step(from_step)
    if not np.any(left.parent >= 0):
        raise InputError(
            f"no transition is left from step {from_step} on; the last step is {int(panel.step.max())}.",
            file=", ".join(panel.source.files[:3]),
            hint=f"choose a smaller {argument('from_step')}.",
        )
    return left


# ---------------------------------------------------------------------------------------------------- the panel


def panel_of(cells: Cells, wanted: Wanted, *, state: Labels | None = None) -> Panel:
    """Return the panel of a table; with states, one per row of the table, it needs no objectives."""
    if "session" not in cells.columns or "step" not in cells.columns:
        raise no_sessions(cells)
    scorings, first = rows_of(cells, cells.files)
    refuse_hopeless(cells, scorings, first)
    bare = state is not None and wanted.objectives is None
    names, notes = ((), []) if bare else objectives_of(cells, scorings, wanted)
    objectives, raw = scored(cells, scorings, names, wanted)
    means = averaged(transformed(raw, objectives), first)
    x, measured = means.x, () if means.repeats is None else (means.repeats, means.scatter)
    rows = scorings.only(first)
    labels = _labels(cells, rows, names, wanted, state)
    known = ~np.isnan(x).any(axis=1) if state is None else labels[STATE].codes >= 0
    links = links_of(cells, rows, np.asarray(known, dtype=np.bool_))
    notes = notes + links.notes
    notes += _row_notes(means, names, 0 if bare else len(raw) - len(x))
    if state is not None:
        notes += _state_notes(state.codes[scorings.position], first)
    of_states = () if state is None else (labels[STATE].codes, text_bytes(labels[STATE].names))
    return Panel(
        x=x,
        session=rows.session,
        step=rows.step,
        parent=links.parent,
        objectives=tuple(objectives),
        session_names=rows.session_names,
        labels=labels,
        accepted=links.accepted if links.lineage else None,
        lineage=links.lineage,
        survivors_only=cells.has("survivors_only") and bool(cells.flags("survivors_only")[0].any()),
        source=cells.source(notes, x, rows.session, rows.step, links.parent, *measured, *of_states),
        repeats=means.repeats,
        repeat_scatter=means.scatter,
    )


def _labels(
    cells: Cells, rows: Rows, objectives: Sequence[str], wanted: Wanted, state: Labels | None
) -> dict[str, Labels]:
    skipped = set() if state is None else {STATE} | ({"next_state"} - {*wanted.labels})
    of_files = ("file",) if cells.files else ()
    found = dict.fromkeys((*cells.label_names(objectives, wanted.labels), *wanted.labels, *of_files))
    labels = {name: cells.labels(name).take(rows.position) for name in found if name not in skipped}
    if "session" in labels:  # the same name in two files is two sessions
        named = Labels.of(rows.session_names)
        labels["session"] = Labels(named.codes[rows.session], named.names)
    return labels if state is None else {**labels, STATE: state.take(rows.position)}


def _state_notes(codes: Int, first: Int) -> list[str]:
    """Say how many rows have no state, and what became of repeated ones; `codes` in the order of the rows."""
    notes = []
    missing = int(np.sum(codes[first] < 0))
    if missing:
        notes.append(f"{missing:,} of {len(first):,} rows have no state; they break the chain there.")
    if len(first) < len(codes):
        group = np.repeat(first, np.diff(np.r_[first, len(codes)]))
        differ = len(np.unique(group[codes != codes[group]]))
        notes.append(
            f"{len(codes) - len(first):,} rows repeat a row of the same step; the state of the first one was taken, "
            f"and in {differ:,} steps another one differs from it."
        )
    return notes


def _row_notes(means: Averages, names: Sequence[str], n_repeats: int) -> list[str]:
    x, notes = means.x, []
    if n_repeats:
        measured = "" if means.repeats is None else "; the scorer's noise is measured from them"
        notes.append(
            f"{n_repeats:,} repeated scorings were averaged into the {len(x):,} rows they belong to{measured}."
        )
    missing = np.isnan(x).sum(axis=0)
    if missing.any():
        each = ", ".join(f"{name} in {n:,}" for name, n in zip(names, missing.tolist(), strict=True) if n)
        notes.append(f"missing values among {len(x):,} rows: {each}; they drop the transitions they touch.")
    return notes
