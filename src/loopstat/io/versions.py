"""Reading versions of an artefact with their defects: which version came of which, split into groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float, Int
from ..errors import InputError, argument, either
from ..panel.panel import Source, array_digest, as_names
from .grouping import DEFAULT_BY
from .pools import _groups, _labels, _scores, _selected
from .read import opened
from .settings import Wanted
from .table.columns import unknown

PARENT = "parent_step"
MASS = either("--progress", "mass=")
MIN_TASKS = 8  # below, sessions are the unit


@dataclass(frozen=True)
class Versions:
    """Versions of one group, one row each.

    Attributes
    ----------
    mass : float array, shape (n,)
        Defects, or a share of tests, as recorded; NaN where missing.
    session, task : int arrays, shape (n,)
        Codes; the sessions stand for tasks where there are fewer than 8.
    step : float array, shape (n,)
    parent, radius, instrument : float arrays, shape (n,), or None
    """

    mass: Float
    session: Int
    task: Int
    step: Float
    parent: Float | None
    radius: Float | None
    instrument: Float | None


def read_versions(
    source: Any,
    *,
    mass: str,
    parent: str | None = None,
    radius: str | None = None,
    instrument: str | None = None,
    by: str | Sequence[str] | None = None,
    where: Mapping[str, str] | None = None,
    unlike: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> tuple[list[tuple[dict[str, str], Versions]], Source]:
    """Read a table with one row per version.

    Parameters
    ----------
    source : path, glob, list of those, or dataframe
    mass : str
        Column of defects, or of the share of passing tests.
    parent : str, optional
        Column with the step of the version it was made from, in the same session. Default `parent_step` where it is
        there, else the step before.
    radius, instrument : str, optional
        Columns of the size of the change, and of a second measurement of `mass`.
    by, where, unlike, columns : optional
        As `read_pool` takes them; an empty `by` pools.

    Returns
    -------
    list of (labels, Versions), and where they come from

    Raises
    ------
    InputError
        A column that is not there, or holds no numbers; no session or step.
    """
    where, unlike = dict(where or {}), dict(unlike or {})
    by = None if by is None else as_names(by)
    names = tuple(dict.fromkeys((*(by or ()), *where, *unlike)))
    with opened(
        source, columns, Wanted(None, (), {}, {}, names, label_options=f"{argument('by')} or {argument('where')}")
    ) as (cells, origin):
        named = {"mass": mass, "parent": parent, "radius": radius, "instrument": instrument}
        for option, column in named.items():
            if column is not None and column not in cells.columns:
                raise unknown(
                    column, cells.names, file=cells.file, option=MASS if option == "mass" else argument(option)
                )
        for column in ("session", "step"):
            if not cells.has(column):
                raise cells.refuse(
                    f"no `{column}` column: {MASS} needs one row per step of a session.",
                    hint=f"name it with {argument('columns', f'{column}=COL', {column: 'COL'})}.",
                )
        if parent is None and cells.has(PARENT):
            named["parent"] = PARENT
        groups = by if by is not None else [c for c in DEFAULT_BY if cells.has(c)]
        labels = {c: _labels(cells, origin, c) for c in dict.fromkeys((*groups, *where, *unlike))}
        keep = _selected(cells.n_rows, labels, where, unlike)
        session = cells.labels("session").codes
        task = cells.labels("task").codes if cells.has("task") else session
        step = cells.numbers("step")
        keep &= (session >= 0) & ~np.isnan(step)
        if not keep.any():
            raise InputError(f"no row has a session and a step (or {argument('where')} leaves none).", file=cells.file)
        found = {name: None if c is None else _scores(cells, c) for name, c in named.items()}
        parts = [(label, _part(found, rows, session, task, step)) for label, rows in _groups(labels, groups, keep)]
        digest = origin.digest or array_digest(session, step, *(v for v in found.values() if v is not None))
        return parts, Source(origin.files, digest)


def _part(found: Mapping[str, Float | None], rows: Int, session: Int, task: Int, step: Float) -> Versions:
    picked = {name: None if values is None else values[rows] for name, values in found.items()}
    mass = picked["mass"]
    # Fewer tasks say nothing of intervals: then the sessions are what is drawn.
    unit = task[rows] if len(np.unique(task[rows])) >= MIN_TASKS else session[rows]
    assert mass is not None  # noqa: S101 - the option was given
    return Versions(
        mass,
        session[rows],
        unit,
        step[rows],
        *(picked[name] for name in ("parent", "radius", "instrument")),
    )
