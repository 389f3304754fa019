"""How the rows of a table hang together: the record it keeps of parents, and what to say about it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...arrays import Bool, Int
from ...panel.panel import previous_step
from ..table.cells import Cells
from .parents import Found, by_acceptance, by_id, by_step, crowded_step
from .rows import Rows, has_ids

PREVIOUS = "previous step -> row"


@dataclass(frozen=True)
class Links:
    """Parents of all rows, acceptance, whether they make a lineage, how they were found, what to say about them."""

    parent: Int
    accepted: Bool | None
    lineage: bool
    how: str
    notes: list[str] = field(default_factory=list)


def links_of(cells: Cells, rows: Rows, complete: Bool) -> Links:
    """Return the links of the rows; `complete` marks those in which no objective is missing.

    Raises
    ------
    InputError
        The rows make no transition.
    """
    links = links_recorded(cells, rows, complete)
    if not np.any(links.parent >= 0):
        raise cells.refuse(
            f"the table holds no transition ({links.how}).",
            hint="steps of a session must follow each other: 0, 1, 2, ...",
        )
    return links


def links_recorded(cells: Cells, rows: Rows, complete: Bool) -> Links:
    """Return the links of the rows, be there any or none."""
    accepted, notes = _accepted(cells, rows)
    found, how = _found(cells, rows, accepted, complete)
    notes = [f"sessions: {_shown(cells, 'session')}; transitions: {how}.", *notes]
    if found.n_absent:
        notes.append(f"{found.n_absent:,} rows name a parent that is not in the table; they make no transition.")
    if found.n_elsewhere:
        notes.append(f"{found.n_elsewhere:,} rows name a parent in another session; they make no transition.")
    recorded = how != PREVIOUS
    plain = crowded_step(rows.session, rows.step) is None and np.array_equal(
        found.parent, previous_step(rows.session, rows.step)
    )
    plain = plain and (accepted is None or bool(accepted.all()))
    if recorded and plain:
        notes.append("every parent is the previous step and nothing was rejected: read as a plain loop.")
    return Links(found.parent, accepted, recorded and not plain, how, notes)


def _shown(cells: Cells, name: str) -> str:
    return f"`{cells.columns[name].shown}`"


def _found(cells: Cells, rows: Rows, accepted: Bool | None, complete: Bool) -> tuple[Found, str]:
    session, step, refuse = rows.session, rows.step, rows.refuse(cells)
    if cells.has("parent_step"):
        named = cells.whole_numbers("parent_step", required=False)[rows.position]
        own, sought = _candidates(cells, rows)
        how = f"{_shown(cells, 'parent_step')} -> row"
        return by_step(session, step, named, own, sought, refuse), how
    if has_ids(cells):
        (program, parent), _ = cells.codes(cells.columns["program_id"].label_sql, cells.columns["parent_id"].label_sql)
        how = f"{_shown(cells, 'parent_id')} -> row"
        return by_id(session, step, program[rows.position], parent[rows.position], refuse), how
    if accepted is not None:
        return by_acceptance(session, step, accepted, complete, refuse), "last accepted row -> row"
    return Found(previous_step(session, step)), PREVIOUS


def _candidates(cells: Cells, rows: Rows) -> tuple[Int | None, Int | None]:
    if not (cells.has("candidate") and cells.has("parent_candidate")):
        return None, None
    sql = (cells.columns["candidate"].label_sql, cells.columns["parent_candidate"].label_sql)
    (own, sought), _ = cells.codes(*sql)
    return own[rows.position], sought[rows.position]


def _accepted(cells: Cells, rows: Rows) -> tuple[Bool | None, list[str]]:
    if not cells.has("accepted"):
        return None, []
    accepted, missing = (a[rows.position] for a in cells.flags("accepted"))
    n = int(missing.sum())
    return accepted, [f"`accepted` is missing in {n:,} rows; they count as rejected."] if n else []
