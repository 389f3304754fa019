"""Cells and tables of the pages of the other lenses; it goes with the last of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..results.result import number


@dataclass(frozen=True)
class Cell:
    """Text of a table cell and, for a figure, its place in the JSON (`groups.0.drift.A.0.1`)."""

    text: str
    path: str = ""


@dataclass(frozen=True)
class Sheet:
    """A titled table for the page; `note` says how to read it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def lookup(data: Any, path: str) -> Any:
    """Return what stands at a place of the JSON (`groups.0.drift.A.0.1`), or None."""
    for part in path.split("."):
        if data is None:
            return None
        data = data[int(part)] if isinstance(data, list) else data.get(part)
    return data


def number_cell(data: Mapping[str, Any], path: str, digits: int = 3) -> Cell:
    """Look up a figure that has no interval."""
    value = lookup(data, path)
    return Cell(number(value, digits) if value is not None else "–", path if value is not None else "")


def p_cell(data: Mapping[str, Any], path: str) -> Cell:
    """Look up a p-value; below a thousandth its digits say nothing."""
    cell = number_cell(data, path, 2)
    return Cell("< 0.001", path) if cell.path and lookup(data, path) < 0.001 else cell
