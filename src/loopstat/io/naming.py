"""What `--state` may say: which column holds the states and how its cells become their names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Int
from ..errors import SettingsError, argument
from ..panel.panel import MISSING, Labels
from ..panel.states import normalised
from .roles import Role
from .table.cells import Cells

FORMS = "COL, text:COL, normal:COL, bins:K or kmeans:K"
HINT = (
    f"name the column of the states with {argument('state', 'COL')}, "
    "or make states of the scores with bins:K or kmeans:K."
)
ROLE = Role(argument("state"), "name states", hint=HINT)
LONGEST_SHOWN, CUT, DIGITS = 200, 180, 16
# A shortened name is longer than any that was left alone, so that no text can pass for another one's short name.
SHORTENED = (
    f"(CASE WHEN length({{}}) <= {LONGEST_SHOWN} THEN {{}} ELSE left({{}}, {CUT}) || '... [' || length({{}}) || "
    f"' characters, ' || left(md5({{}}), {DIGITS}) || ']' END)"
)
WHOLE = "{}"


def shortened(text: str) -> str:
    """Return a text that is easy to show and still its own: long ones are cut, their length and digest added.

    Examples
    --------
    >>> shortened("short"), len(shortened("long " * 100))
    ('short', 218)
    """
    if len(text) <= LONGEST_SHOWN:
        return text
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:DIGITS]
    return f"{text[:CUT]}... [{len(text)} characters, {digest}]"


@dataclass(frozen=True)
class StateRule:
    """What was asked for: `how` is `column`, `text`, `normal`, `bins` or `kmeans`; `k` is 0 but for the last two."""

    how: str
    column: str
    k: int = 0

    @classmethod
    def of(cls, text: str) -> StateRule:
        """Read the value of `--state`."""
        how, colon, rest = text.partition(":")
        if how in ("bins", "kmeans") and colon:
            if not rest.strip().isdecimal():
                raise SettingsError(
                    f"`{argument('state', text)}`: K must be a whole number, as in {how}:4. Got {rest!r}."
                )
            return cls(how, "", int(rest))
        if how not in ("text", "normal") or not colon:
            how, rest = "column", text
        if not rest:
            raise SettingsError(f"`{argument('state', text)}` names no column. Expected {FORMS}.")
        return cls(how, rest)

    @property
    def of_scores(self) -> bool:
        """True where states are made of objectives, not read from a column."""
        return self.how in ("bins", "kmeans")

    @property
    def texts(self) -> dict[str, str]:
        """Columns that must be read as whole texts, and what is kept of them."""
        if self.of_scores:
            return {}
        kept = SHORTENED if self.how == "text" else WHOLE
        return {self.column: kept, "next_state": kept}

    def labels(self, cells: Cells, *columns: str) -> list[Labels]:
        """Return some columns as states that share their names; -1 where a cell is empty."""
        for name in columns:
            ROLE.check(cells, name, filled=name == self.column)  # rows without a next state are refused one by one
        codes, names = cells.codes(*(cells.columns[name].label_sql for name in columns))
        if self.how == "normal":
            codes, names = merged(codes, [shortened(normalised(name)) for name in names])
        both = Labels.sorted(np.concatenate(codes), names)
        parts = np.split(both.codes, np.cumsum([len(c) for c in codes])[:-1])
        return [Labels(part, both.names) for part in parts]

    def sentence(self, states: Labels, shown: str) -> str:
        """Say where the states came from and how many there are."""
        n_used = n_seen(states)
        how = {
            "column": f"the column `{shown}`",
            "text": f"the exact texts of `{shown}`",
            "normal": f"the texts of `{shown}` without differences of case, width and white space",
        }[self.how]
        return f"states: {how} ({n_used:,} different); use --state to choose."


def n_seen(labels: Labels) -> int:
    """Return how many of the names occur."""
    return int(np.count_nonzero(np.bincount(labels.codes + 1, minlength=1)[1:]))


def merged(codes: Sequence[Int], names: Sequence[str]) -> tuple[list[Int], list[str]]:
    """Return codes and distinct names where several codes may have got the same name; empty names become -1."""
    index: dict[str, int] = {}
    place = np.array([index.setdefault(n, len(index)) if n else MISSING for n in names] + [MISSING], dtype=np.int64)
    return [place[c] for c in codes], list(index)
