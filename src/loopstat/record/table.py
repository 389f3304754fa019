"""The record as a table, one row per proposal, with the columns that every table of loops has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .reading import Reader, SessionRow, StepRow

UNKNOWN = "unknown"
ARTIFACT = "artifact"
LABELS_FIRST = ("strategy", "model", "task")

Kind = Literal["number", "bool", "text", "content"]


@dataclass(frozen=True)
class TableColumn:
    """One column: its name, what it holds, and a value or None for every row; `content` holds numbers of texts."""

    name: str
    kind: Kind
    values: list[Any]


def table_of(reader: Reader, session: str | None = None) -> list[TableColumn]:
    """Return the columns of all sessions that have steps, or of one; empty where nothing is recorded."""
    sessions = {row.id: row for row in reader.sessions() if session in (None, row.name)}
    rows = [row for number in sessions for row in reader.steps(number)] if session else list(reader.steps())
    if not rows:
        return []
    return [*_keys(rows, sessions), *_links(rows), *_told(rows, sessions), *_contents(rows)]


def _keys(rows: list[StepRow], sessions: Mapping[int, SessionRow]) -> list[TableColumn]:
    found = [
        TableColumn("session", "text", [sessions[row.session].name for row in rows]),
        TableColumn("step", "number", [row.step for row in rows]),
    ]
    if _several(rows):
        found.append(TableColumn("candidate", "text", [row.candidate for row in rows]))
    if any(row.repeat for row in rows):
        found.append(TableColumn("repeat", "text", [row.repeat or "0" for row in rows]))
    return found


def _several(rows: list[StepRow]) -> bool:
    """Return whether candidates are told apart anywhere."""
    return any(row.candidate != "0" for row in rows)


def _links(rows: list[StepRow]) -> list[TableColumn]:
    """Return the columns that say what was made from what, and what was taken over."""
    by_id = {row.id: row for row in rows}
    parents = [None if row.parent is None else by_id[row.parent] for row in rows]
    found = [TableColumn("parent_step", "number", [None if p is None else p.step for p in parents])]
    if _several(rows):
        found.append(TableColumn("parent_candidate", "text", [None if p is None else p.candidate for p in parents]))
    if any(row.accepted is not None for row in rows):
        # A session that says nothing of acceptance took every version over: each was made from the one before.
        flagged = {row.session for row in rows if row.accepted is not None}
        taken = [row.accepted if row.session in flagged else True for row in rows]
        found.append(TableColumn("accepted", "bool", taken))
    return found


def _told(rows: list[StepRow], sessions: Mapping[int, SessionRow]) -> list[TableColumn]:
    """Return labels, scores, costs and how sessions ended."""
    own = [sessions[row.session].fields for row in rows]
    objectives = dict.fromkeys(name for row in rows for name in row.scores)
    named = dict.fromkeys(name for fields in (*(s.fields for s in sessions.values()),) for name in fields)
    named |= dict.fromkeys(name for row in rows for name in row.fields)
    order = [*(name for name in LABELS_FIRST if name in named), *(name for name in named if name not in LABELS_FIRST)]
    labels = {
        name: [row.fields.get(name, fields.get(name)) for row, fields in zip(rows, own, strict=True)] for name in order
    }
    found = [_typed(name if name not in objectives else f"{name} (label)", values) for name, values in labels.items()]
    found += [TableColumn(name, "number", [row.scores.get(name) for row in rows]) for name in objectives]
    found.append(TableColumn("ended", "text", [sessions[row.session].ended or UNKNOWN for row in rows]))
    return found


def _typed(name: str, values: list[Any]) -> TableColumn:
    """Return a column of labels: of true and false, or of numbers, where it holds nothing else; else of texts."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return TableColumn(name, "bool", values)
    if kinds <= {int, float} and kinds:
        return TableColumn(name, "number", values)
    return TableColumn(name, "text", [None if value is None else label_text(value) for value in values])


def label_text(value: Any) -> str:
    """Return a label as text: true and false in small letters, whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _contents(rows: list[StepRow]) -> list[TableColumn]:
    names: Iterable[str] = dict.fromkeys(name for row in rows for name in row.texts)
    return [TableColumn(name, "content", [row.texts.get(name) for row in rows]) for name in sorted(names)]
