"""Which rows are read and into which groups they fall: `by`, `where` and what is said about them, for all tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Bool, Int, relabel
from ..errors import InputError, SettingsError, argument
from ..panel.panel import Labels, as_names
from .table.cells import Cells

DEFAULT_BY = ("model", "strategy")
NAMED_GROUPS = 5
Names = str | Sequence[str] | None
Conditions = Mapping[str, str] | None


@dataclass(frozen=True)
class Selection:
    """The rows wanted of a table, and the columns that tell their groups apart.

    Attributes
    ----------
    by : list of str or None
        None for the default, `model` and `strategy` where they are; empty to pool all.
    where, unlike : mapping from column to value
        Keep only what has this label; does not have this label.
    """

    by: list[str] | None
    where: Mapping[str, str]
    unlike: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """Columns that must be there as labels."""
        return list(dict.fromkeys((*(self.by or ()), *self.where, *self.unlike)))

    def labels(self, cells: Cells, *others: str) -> dict[str, Labels]:
        """Return the columns that are needed here, others, and those of the default where they are, as labels."""
        default = [c for c in DEFAULT_BY if cells.has(c)]
        return {name: cells.labels(name) for name in dict.fromkeys((*self.names, *others, *default))}

    def keep(self, labels: Mapping[str, Labels], n: int, file: str | None = None) -> Bool:
        """Return which of n rows meet the conditions; refuses values that no row has."""
        keep = np.ones(n, dtype=np.bool_)
        for conditions, equal in ((self.where, True), (self.unlike, False)):
            for column, value in conditions.items():
                of = labels[column]
                if value not in of.names:
                    known = ", ".join(of.names[:8]) + (", ..." if len(of.names) > 8 else "")
                    raise InputError(f"no row has {column} = {value!r}. Values: {known}.", file=file)
                keep &= (of.codes == of.names.index(value)) == equal
        if not keep.any():
            raise nothing_left(file)
        return keep

    def columns(self, labels: Mapping[str, Labels], *, why: str = "", unit: str = "") -> tuple[list[str], str]:
        """Return the columns that tell groups apart, and what to say about them.

        `why` is what speaks for the default, and `unit` what all is pooled into.
        """
        if self.by is not None:
            return self.by, f"groups: {', '.join(self.by) or f'none, all is pooled{unit}'}."
        by = [c for c in DEFAULT_BY if c in labels and np.any(labels[c].codes >= 0)]
        if not by:
            return by, "groups: one, there is no model or strategy column; use --by to split."
        return by, f"groups: by {' and '.join(by)}{why}; use --by to choose (--by none pools)."


def selection(by: Names, where: Conditions, unlike: Conditions) -> Selection:
    """Return a selection as functions are asked for it; `by="none"` pools."""
    named = list(dict.fromkeys(as_names(by or ())))
    if "none" in named and len(named) > 1:
        raise SettingsError("`by` is `none` or names of columns, not both.")
    return Selection([] if named == ["none"] else named or None, dict(where or {}), dict(unlike or {}))


def parts(labels: Mapping[str, Labels], by: Sequence[str], keep: Bool) -> Iterator[tuple[dict[str, str], Int]]:
    """Yield the values and the rows of every combination of labels, in their order; rows that lack one are left out."""
    rows = np.flatnonzero(np.logical_and.reduce([keep, *(labels[c].codes >= 0 for c in by)]))
    code = np.zeros(len(rows), dtype=np.int64)
    for column in by:
        _, code = relabel(code * len(labels[column].names) + labels[column].codes[rows])
    order = np.argsort(code, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(code[order])) + 1):
        if part.size:
            first = rows[part[0]]
            yield {c: labels[c].names[labels[c].codes[first]] for c in by}, rows[part]


def nothing_left(file: str | None = None) -> InputError:
    """Return the refusal of conditions that no row meets."""
    hint = f"look at the label values with {argument('by')}."
    return InputError(f"{argument('where')} leaves no row.", file=file, hint=hint)


def group_name(label: Mapping[str, str]) -> str:
    """Return the labels of a group in one line."""
    return ", ".join(f"{k}={v}" for k, v in label.items())


def empty_notes(empty: Sequence[str]) -> list[str]:
    """Say which groups were left out."""
    if not empty:
        return []
    more = f" and {len(empty) - NAMED_GROUPS} more" if len(empty) > NAMED_GROUPS else ""
    return [f"groups without a transition were left out: {'; '.join(empty[:NAMED_GROUPS])}{more}."]


def ungrouped_notes(n: int, by: Sequence[str]) -> list[str]:
    """Say how many rows are in no group."""
    return [f"{n:,} rows are in no group: they lack a value of {' or '.join(by)}."] if n else []
