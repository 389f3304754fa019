"""Tables larger than memory: parts of whole sessions, one after the other, of every file by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..panel.panel import Panel
from ..panel.scorers import SCORER
from .refuse import no_sessions
from .sessions.panel import panel_of
from .sessions.rows import rows_of
from .sessions.scores import objectives_of
from .settings import Wanted
from .table.columns import FLAGS, IDENTIFIERS, KEYS
from .table.opening import opened

SAMPLE = 100_000  # rows that objectives are chosen by where nobody names them
LINKS = frozenset((*KEYS, *IDENTIFIERS, *FLAGS, "parent_step", "ended"))


def objectives_by_sample(source: Any, wanted: Wanted, columns: Mapping[str, str] | None) -> tuple[str, ...]:
    """Return the objectives that the rule chooses by the first rows of a table.

    Parameters
    ----------
    source : path of one file, or dataframe
    wanted : Wanted
    columns : mapping from standard name to the table's name, optional
    """
    with opened(source, columns, replace(wanted.needs(), first=SAMPLE)) as cells:
        if "session" not in cells.columns or "step" not in cells.columns:
            raise no_sessions(cells)
        return objectives_of(cells, rows_of(cells)[0], wanted)[0]


def read_parts(
    source: Any,
    wanted: Wanted,
    columns: Mapping[str, str] | None,
    rows: int,
    constants: Mapping[str, str] | None = None,
) -> Iterator[Panel]:
    """Read one table as panels of whole sessions, in order of their first appearance, in bounded memory.

    Parameters
    ----------
    source : path of one file, or dataframe
    wanted : Wanted
        With its objectives named; only they, the columns of keys and parents, and labels asked for are loaded.
    columns : mapping from standard name to the table's name, optional
    rows : int
        Of a part, about.
    constants : mapping from name to text, optional
        Columns of one value that the file does not hold itself.

    Raises
    ------
    InputError
        The table cannot be used; the message names file, row and column.
    """
    named = frozenset((*(wanted.objectives or ()), *wanted.labels))
    only = LINKS | named | OPTIONAL
    with opened(source, columns, replace(wanted.needs(), only=only, constants=constants or {}, on_disk=True)) as cells:
        if "session" not in cells.columns or "step" not in cells.columns:
            raise no_sessions(cells)
        for part in cells.parts(rows):
            yield panel_of(part, wanted, part=True)


OPTIONAL = frozenset(("task", SCORER))
"""Columns that are used where they are there."""
