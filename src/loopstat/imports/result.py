"""What there is to say of a log that was made a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..io.imported import StepsTable, steps_bytes
from ..panel.selection import SelectionReport
from ..panel.source import Source
from ..results.record import UNWRITTEN, Record


@dataclass(frozen=True, eq=False)
class Imports(Record):
    """A log as a table of steps.

    Attributes
    ----------
    format, format_version : str
        The importer, and the version that the log says it is of.
    step : str
        What a step is in it.
    source : Source
    n_sessions, n_steps : int
    objectives : tuple of str
        Its scores, as far as they would be analysed.
    selection : SelectionReport or None
        What the log kept of what was tried; None for a table.
    notes : tuple of str
    command : str
    table : StepsTable or None
        The table itself (not written).
    """

    KEYS = (
        *("schema", "version", "source", "format", "format_version", "step", "n_sessions", "n_steps", "objectives"),
        *("selection", "notes", "command"),
    )
    SCHEMA = "loopstat.import/1"

    format: str
    format_version: str
    step: str
    source: Source
    n_sessions: int
    n_steps: int
    objectives: tuple[str, ...]
    selection: SelectionReport | None
    notes: tuple[str, ...]
    command: str = ""
    table: StepsTable | None = field(default=None, repr=False, metadata=UNWRITTEN)


def imports_of(table: StepsTable, command: str = "") -> Imports:
    """Return what there is to say of a table of steps."""
    found = table.source
    return Imports(
        table.format,
        table.version,
        table.step,
        found,
        table.n_sessions,
        table.n_rows,
        table.objectives,
        found.selection,
        found.notes,
        command,
        table,
    )


def table(result: Imports, path: str) -> bytes:
    """Return the table of steps in the form that a path's ending names."""
    assert result.table is not None, "a result read back holds no table"  # noqa: S101
    return steps_bytes(result.table.columns, path)
