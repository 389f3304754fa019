"""Cells and tables of the pages of the other lenses; it goes with the last of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ..results.result import number, show
from ..results.words import clean

Json = Mapping[str, Any]


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


# ------------------------------------------------------------------- reading the JSON form


def part(data: Json | None, key: str) -> Json:
    """Return an object of the JSON form, empty where it is null."""
    found = (data or {}).get(key)
    return found if isinstance(found, Mapping) else {}


def listed(data: Json | None, key: str) -> list[Any]:
    """Return a list of the JSON form, empty where it is null."""
    found = (data or {}).get(key)
    return list(found) if isinstance(found, list | tuple) else []


def nth(values: Sequence[Any], k: int) -> Any:
    """Return an entry of a list that may be empty because it was null."""
    return values[k] if k < len(values) else None


def triple(data: Json, key: str, k: int | None = None) -> tuple[float | None, float | None, float | None]:
    """Return a figure with the ends of its interval, `X`, `X_low`, `X_high`; entry `k` of it where it is a list."""
    found = (data.get(key), data.get(f"{key}_low"), data.get(f"{key}_high"))
    if k is None:
        return found
    value, low, high = (nth(v if isinstance(v, list) else [], k) for v in found)
    return value, low, high


def counted(value: float | None, word: str = "") -> str:
    """Return a count in words, `1,234 transitions`; counts may have fractions."""
    if value is None:
        return f"no {word}s known" if word else "–"
    digits = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return f"{digits} {word}{'' if value == 1 else 's'}".strip() if word else digits


def spread(value: float | None, low: float | None, high: float | None) -> str:
    """Return a figure with its interval, or a dash."""
    return "–" if value is None else show(value, low, high)


def percent(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a share as a percentage with its interval."""
    if value is None:
        return "–"
    shown = show(*(None if v is None else 100 * v for v in (value, low, high)))
    return shown.replace(" [", "% [", 1) if " [" in shown else f"{shown}%"


def title_of(data: Json) -> str:
    """Return the names of the files read."""
    files = [clean(PurePath(str(f)).name) for f in listed(part(data, "source"), "files")]
    return (", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")) or "counts"
