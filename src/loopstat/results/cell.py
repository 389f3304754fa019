"""A cell: a reference to a figure and how to say it. Lines, tables and charts are made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from ..inference.estimate import Estimate

Tone = Literal["", "ink", "ours", "context", "doubt", "failure", "c0", "c1", "c2", "c3", "c4", "c5"]
"""How something looks: a name of `chart.TONES`, or nothing."""

Form = Literal[
    "text",
    "figure",
    "open",
    "number",
    "rough",
    "percent",
    "count",
    "whole",
    "p",
    "chance",
    "probability",
    "signed",
    "times",
    "setting",
]
Figures = tuple[float | None, float | None, float | None]
NOTHING: Figures = (None, None, None)


@dataclass(frozen=True)
class Cell:
    """A reference to a figure and how to say it; `words.cell` gives the text.

    Attributes
    ----------
    value : Estimate, number, str or None
        None, and NaN, are said as a dash.
    form : str
        A key of `words.FORMS`: `figure` with its interval, `open` where a missing end is an open side, `number` of
        three digits, `rough` of two, `percent` of a share, `count`, `whole` steps or moves, `p` bare, `chance` with
        its letter, `probability`, `signed`, `times`, `setting`; `text` for words.
    place : str
        Where the figure stands in the JSON, `groups.0.drift.A.0.1`; empty where it does not.
    tone : str
        How it looks; see `chart.TONES`.
    term : str
        Its entry in the glossary.
    index : tuple of int
        The entry of an array Estimate.
    unit : str
        Said after the figure.
    """

    value: Estimate | float | str | None
    form: Form = "figure"
    place: str = ""
    tone: Tone = ""
    term: str = ""
    index: tuple[int, ...] = ()
    unit: str = ""

    figures: Figures = field(init=False, repr=False, compare=False)
    """The figure with the ends of its interval; None where there is none, infinite where a side is open."""

    def __post_init__(self) -> None:
        value, k, found = self.value, self.index, NOTHING
        if isinstance(value, Estimate):
            found = _known(value.value[k]), _known(value.low[k]), _known(value.high[k])
        elif value is not None and not isinstance(value, str):
            found = _known(value), None, None
        object.__setattr__(self, "figures", found)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def figure(
    value: Estimate | float | None, *index: int, place: str = "", form: Form = "figure", unit: str = "", tone: Tone = ""
) -> Cell:
    """Return the cell of a figure; `place` is that of the whole Estimate, to which the index is added."""
    at = ".".join([place, *map(str, index)]) if place else ""
    cell = Cell(value, form, at, index=index, unit=unit, tone=tone)
    known = cell.figures[0]
    return cell if known is not None and math.isfinite(known) else Cell(None)


def word(text: str, *, tone: Tone = "", term: str = "") -> Cell:
    """Return a cell of words."""
    return Cell(text, "text", tone=tone, term=term)


Part = str | Cell
"""A piece of a line: words, or a reference to a figure."""

Parts = tuple[Part, ...]
