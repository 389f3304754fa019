"""What is claimed: estimates with intervals, checks, tables; all of them plain data underneath."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import frozen
from .words import number as number
from .words import show as show


@dataclass(frozen=True)
class Estimate:
    """A number, vector or matrix with the ends of its interval (same shape); NaN where nothing can be said.

    `p_value` and `p_adjusted` (Holm) are None where no test belongs to it.
    """

    value: Any
    low: Any
    high: Any
    p_value: Any = None
    p_adjusted: Any = None

    def __repr__(self) -> str:
        if np.ndim(self.value) == 0:
            return f"Estimate({show(float(self.value), float(self.low), float(self.high))})"
        cells = zip(*(np.ravel(part).tolist() for part in (self.value, self.low, self.high)), strict=True)
        return f"Estimate({', '.join(show(*cell) for cell in cells)}; shape {np.shape(self.value)})"

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("value", "low", "high", "p_value", "p_adjusted"):
            given = getattr(self, name)
            if given is None and name in ("low", "high"):
                given = np.full(np.shape(self.value), np.nan)
            if given is not None:
                object.__setattr__(self, name, frozen(given, np.float64))

    def put(self, into: dict[str, Any], key: str, beside: Sequence[str]) -> None:
        """Write the value under `key` and its ends (and p-values) under the names `beside`; NaN becomes None."""
        into[key] = plain(self.value)
        for name, value in zip(beside, (self.low, self.high, self.p_value, self.p_adjusted), strict=False):
            into[name] = plain(value)

    @classmethod
    def take(cls, source: Mapping[str, Any], key: str, beside: Sequence[str]) -> Estimate:
        """Read back what `put` wrote."""
        return cls(*(_numbers(source[name]) for name in (key, *beside)))


def _numbers(value: Any) -> ArrayLike | None:
    return None if value is None else np.array(value, dtype=object).astype(float)


@dataclass(frozen=True)
class Check:
    """One thing that could make the answer wrong: its name, what was measured, the limit, and what it means."""

    name: str
    value: float | None
    limit: float | None
    passed: bool
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return {key: plain(value) for key, value in vars(self).items()}


@dataclass(frozen=True)
class Table:
    """A table of text cells, `title`, `columns` and `rows`, that renders to terminal, HTML and JSON."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form."""
        return {"title": self.title, "columns": list(self.columns), "rows": [list(r) for r in self.rows]}

    def __str__(self) -> str:
        cells = [self.columns, *self.rows]
        widths = [max(len(row[j]) for row in cells) for j in range(len(self.columns))]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells]
        return "\n".join([self.title, *lines])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from markupsafe import escape

        head = "".join(f"<th>{escape(c)}</th>" for c in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in self.rows)
        return (
            f"<table><caption>{escape(self.title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def plain(value: Any) -> Any:
    """Return JSON-ready data: arrays become nested lists, NaN and infinities become None."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) + 0.0 if math.isfinite(value) else None  # no -0.0
    if isinstance(value, Sequence):
        return [plain(v) for v in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    raise TypeError(f"cannot turn {type(value).__name__} into plain data")
