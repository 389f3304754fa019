"""Reading versions of an artefact with their defects: which version came of which, split into groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float, Int
from ..errors import InputError, argument, either
from ..panel.panel import Source
from .groups import Conditions, Names, parts, selection
from .roles import Role, require_steps, scores
from .table.opening import Needs, opened

MASS = either("--progress", "mass=")
ROLES = {
    "mass": Role(MASS, "hold defects"),
    "parent": Role(argument("parent"), "name the step of a parent", ("parent_step",)),
    "radius": Role(argument("radius"), "be the size of a change"),
    "instrument": Role(argument("instrument"), "be a second measurement"),
}
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
    by: Names = None,
    where: Conditions = None,
    unlike: Conditions = None,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
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
    by, where, unlike, columns, format : optional
        As `read_pool` takes them.

    Returns
    -------
    list of (labels, Versions), and where they come from

    Raises
    ------
    InputError
        A column that is not there, or holds no numbers; no session or step.
    """
    chosen = selection(by, where, unlike)
    named = {"mass": mass, "parent": parent, "radius": radius, "instrument": instrument}
    options = f"{argument('by')} or {argument('where')}"
    with opened(source, columns, Needs(tuple(chosen.names), label_options=options, format=format)) as cells:
        for name, column in named.items():
            if column is not None:
                ROLES[name].check(cells, column, filled=False)
        require_steps(cells, MASS)
        named["parent"] = parent or ROLES["parent"].guess(cells)
        labels = chosen.labels(cells)
        keep = chosen.keep(labels, cells.n_rows, cells.file)
        session = cells.labels("session").codes
        task = cells.labels("task").codes if cells.has("task") else session
        step = cells.numbers("step")
        keep &= (session >= 0) & ~np.isnan(step)
        if not keep.any():
            raise InputError("no row has a session and a step.", file=cells.file)
        found = {name: None if c is None else scores(cells, c) for name, c in named.items()}
        by, _ = chosen.columns(labels)
        groups = [(label, _part(found, rows, session, task, step)) for label, rows in parts(labels, by, keep)]
        return groups, cells.source((), session, step, *(v for v in found.values() if v is not None))


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
