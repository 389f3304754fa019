"""Categorical columns: codes into names, and how values, numbers and texts become names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Bool, Int, frozen

MISSING = -1


@dataclass(frozen=True)
class Labels:
    """A categorical column: `codes` of shape (n_rows,) pointing into `names`; -1 is a missing value."""

    codes: Int
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[Any]) -> Labels:
        """Encode any values; None and NaN become missing, names are sorted (numbers by value)."""
        texts = [None if v is None or v != v else label_text(v) for v in values]
        found = list(dict.fromkeys(t for t in texts if t is not None))
        index = {name: i for i, name in enumerate(found)}
        return cls.sorted([MISSING if t is None else index[t] for t in texts], found)

    @classmethod
    def sorted(cls, codes: ArrayLike, names: Sequence[str]) -> Labels:
        """Make from codes into distinct names in any order, -1 for missing; the names are sorted as `of` sorts them."""
        order = _natural_order(names)
        place = np.full(len(names) + 1, MISSING, dtype=np.int64)
        place[order] = np.arange(len(names))
        return cls(frozen(place[np.asarray(codes, dtype=np.int64)], np.int64), tuple(names[k] for k in order))

    def take(self, rows: Int | Bool) -> Labels:
        """Return the labels of some rows; the names stay as they are."""
        return Labels(frozen(self.codes[rows], np.int64), self.names)

    def values(self) -> list[str | None]:
        """Return one name (or None) per row."""
        return [None if c < 0 else self.names[c] for c in self.codes.tolist()]


def as_names(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return names as a tuple; a text is one name, not its letters."""
    return (given,) if isinstance(given, str) else tuple(given)


def label_text(value: Any) -> str:
    """Return the text a label value is known by: `true`/`false` for booleans, `3` for 3.0."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _natural_order(names: Sequence[str]) -> list[int]:
    """Return the order that sorts distinct texts: numbers by value, then all others."""
    numbers, others = [], []
    for k, name in enumerate(names):
        try:
            value = float(name)
        except ValueError:
            value = float("nan")
        if value == value:  # the word `nan` is no number: it would leave the order of all others to chance
            numbers.append((value, name, k))
        else:
            others.append(k)
    others.sort(key=names.__getitem__)
    return [k for _, _, k in sorted(numbers)] + others
