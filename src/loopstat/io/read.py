"""Reading tables: one row per proposal, in files or a dataframe, into a Panel.

Every guess made on the way (objectives, parents, plain loop or lineage) and every row or link dropped is said in
`panel.source.notes`; everything that would give a silent wrong number is refused with its file, row and column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import InputError, argument
from ..panel.labels import as_names
from ..panel.panel import Panel
from ..scoring.registry import Asked, scorer_of
from .scoring.columns import Scoring
from .sessions.panel import panel_of
from .settings import Bounds, Wanted
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
    score: Scoring | Asked | Sequence[Asked] | None = None,
    mixed_scorers: bool = False,
    format: str | None = None,
) -> Panel:
    """Read recorded sessions into a Panel.

    Parameters
    ----------
    source : path, glob, list of those, or dataframe
        CSV, TSV, JSON lines, a JSON array of records or Parquet (text may be gzipped); Polars, pandas, Arrow or
        DuckDB. One row per proposal, with `session` and `step` columns. Several files get a `file` label. Repeated
        scorings of one artefact are rows that differ in `repeat`; they are averaged after transforms. Logs of other
        tools are made such a table, and a folder is the logs in it (see `docs/import.md`).
    objectives : names of columns, optional
        Default: the numeric columns that are not bookkeeping (see `loopstat.io.sessions.guess`).
    minimize : names of objectives for which smaller is better
    bounds : mapping from objective to `(low, high)`, optional
        In the file's units, None for an open side; the key `*` stands for all objectives.
    columns : mapping from standard name to the table's name, optional
        For example `{"session": "run_id", "step": "iteration"}`.
    transform : mapping from objective to `log`, `log1p`, `logit` or `sqrt`, optional
    labels : names of columns that must become labels
    from_step : int, optional
        Leave out the rows before this step.
    score : name, Scorer, callable, several of these or Scoring, optional
        Score the texts of the column `artifact` on the way (`python`, `sj2025`, `text`; see `loopstat.scoring`): the
        scores become columns, and the objectives unless others are named. Nothing of what is scored is run.
        `loopstat.io.Scoring` names another column.
    mixed_scorers : bool
        Let scores lie together that were made by different rules or versions (column `scorer_hash`).
    format : str, optional
        `NAME` of the log that `source` is, or `NAME:READING` where a step can be understood in two ways; `table` for
        none. Default: by its content.

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
        mixed_scorers=mixed_scorers,
        format=format,
    )
    if score is None:
        with opened(source, columns, wanted.needs()) as cells:
            panel = panel_of(cells, wanted)
    else:
        panel = _scored(source, columns, wanted, score if isinstance(score, Scoring) else Scoring(score))
    return panel if from_step is None else later(panel, from_step)


def _scored(source: Any, columns: Mapping[str, str] | None, wanted: Wanted, scoring: Scoring) -> Panel:
    """Return the panel of a table whose texts are scored first."""
    scorer = scorer_of(scoring.scorer)
    own = scorer.objectives
    others = None if wanted.objectives is None else tuple(n for n in wanted.objectives if n not in own)
    early = replace(wanted, objectives=others or None, minimize=(), bounds={}, transform={})
    with opened(source, columns, early.needs({scoring.artifact: "{}"})) as cells:
        notes = scoring.add_to(cells, scorer)
        minimize = tuple(dict.fromkeys((*wanted.minimize, *_shown(scorer.minimize, wanted))))
        panel = panel_of(cells, replace(wanted, minimize=minimize, among=own))
    return replace(panel, source=replace(panel.source, notes=(*notes, *panel.source.notes)))


def _shown(names: Sequence[str], wanted: Wanted) -> list[str]:
    return [n for n in names if wanted.objectives is None or n in wanted.objectives]


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
