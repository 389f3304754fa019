"""Where a panel came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from .selection import SelectionReport


@dataclass(frozen=True)
class Source:
    """Where a panel came from: the files, a digest of their content, remarks made while reading, what a log kept."""

    files: tuple[str, ...] = ()
    digest: str = ""
    notes: tuple[str, ...] = field(default=(), metadata={"unwritten": True})
    selection: SelectionReport | None = field(default=None, metadata={"unwritten": True})
