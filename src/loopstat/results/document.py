"""What is said about a result, before any medium: sections of facts, sheets, charts and checks that refer to figures.

A lens's `view` makes a `Document`; the terminal, the page, the notebook and the web write it. Nobody reads its prose.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

import numpy as np

from ..inference.estimate import Estimate
from .cell import Cell as Cell
from .cell import Figures as Figures
from .cell import Form as Form
from .cell import Part as Part
from .cell import Parts as Parts
from .cell import Tone
from .cell import figure as figure
from .cell import word as word
from .chart import Chart
from .check import Check
from .words import clean, clean_sentence

Depth = Literal["front", "short", "long"]
"""`front`: the first screen; `short`: the terminal unless asked for more; `long`: everything, as on the page."""

DEPTHS: tuple[Depth, ...] = ("front", "short", "long")


@dataclass(frozen=True)
class Fact:
    """One line of what is known: a key of a word or two, and what is said; an empty key goes on with the one before."""

    key: str
    said: Parts
    depth: Depth = "short"


@dataclass(frozen=True)
class Facts:
    """Facts under each other."""

    rows: tuple[Fact, ...]
    depth: Depth = "short"


@dataclass(frozen=True)
class Text:
    """A paragraph, or with `points` a list of them; of tone `doubt` it is what makes the answer doubtful.

    At depth `short` no more than the first `brief` are shown, where it is not 0.
    """

    said: tuple[Parts, ...]
    tone: Tone = ""
    depth: Depth = "short"
    points: bool = False
    brief: int = 0


@dataclass(frozen=True)
class Sheet:
    """A table that the page sorts and copies; `shade` colours the figures of a signed matrix about zero.

    At depth `short` no more than the first `brief` rows are shown, where it is not 0.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    depth: Depth = "long"
    shade: bool = False
    brief: int = 0


@dataclass(frozen=True)
class Checks:
    """Every check with its figure, limit and meaning."""

    checks: tuple[Check, ...]
    depth: Depth = "long"
    place: str = ""

    @property
    def said(self) -> str:
        """How many there are, and of how many the assumption does not hold."""
        doubtful = sum(not c.passed for c in self.checks)
        return f"{doubtful} of {len(self.checks)} do not hold" if doubtful else f"all {len(self.checks)} hold"


@dataclass(frozen=True)
class Answer:
    """What a section answers: the action in a few words, why, and how it looks.

    Attributes
    ----------
    action : str
        Its code, as in the JSON.
    said : str
        `go on to about step 12`.
    why : tuple of str and Cell
        The rest of the sentence.
    picture : Chart, optional
        Small, for the row of the first screen.
    """

    action: str
    said: str
    why: Parts = ()
    tone: Tone = "ours"
    picture: Chart | None = None


@dataclass(frozen=True)
class Formula:
    """A formula of the mathematics.

    Attributes
    ----------
    name : str
        What it gives.
    tex : str
        As LaTeX writes it.
    plain : str
        The same in one line of letters, for terminals.
    origin : str
        `source` where it stands there as here, `corrected` where it does not, `ours` where it is not there.
    note : str
        What was corrected, and why; what is taken for granted.
    """

    name: str
    tex: str
    plain: str
    origin: Literal["source", "corrected", "ours"] = "ours"
    note: str = ""


@dataclass(frozen=True)
class Formulas:
    """Formulas under each other."""

    rows: tuple[Formula, ...]
    depth: Depth = "long"


@dataclass(frozen=True)
class Handle:
    """A setting that moves what this document says, over a range that only its result knows.

    Attributes
    ----------
    name : str
        Of the setting.
    low, high, at : float
        Ends of its slider, and where it stands.
    entry : str
        Of a setting made of pairs NAME=VALUE, whose value this is.
    label, unit : str
    """

    name: str
    low: float
    high: float
    at: float
    entry: str = ""
    label: str = ""
    unit: str = ""


Block = Facts | Text | Sheet | Checks | Formulas | Chart


@dataclass(frozen=True)
class Section:
    """A part of a document under a title; `folded` where the page shows the title first and the rest when asked.

    Attributes
    ----------
    key : str
        Unique in the document: the anchor on the page.
    lead : tuple of str and Cell
        Said beside the title, such as how many sessions.
    answer : Answer, optional
        The first screen has a row for every section with one.
    group : str
        What pictures call the group that it is about, if one.
    """

    key: str
    title: str
    blocks: tuple[Block | Section, ...] = ()
    lead: Parts = ()
    answer: Answer | None = None
    depth: Depth = "short"
    folded: bool = False
    group: str = ""


@dataclass(frozen=True)
class Provenance:
    """How it was computed."""

    version: str
    command: str = ""
    digest: str = ""
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Document:
    """Everything said about a result.

    Attributes
    ----------
    kind : str
        The lens: `drift`, `balance`, `moves`, ...
    title : str
        What was read or simulated.
    lead : tuple of str and Cell
        Its size, said after the title.
    sections : tuple of Section
    answer : Answer, optional
        Of the whole, where sections have none.
    notes : tuple of str
        What was guessed, left out, or taken for granted.
    hints : tuple of str
        Commands that may come next; the terminal's alone.
    by : str
        What the sections with an answer differ by: the heading of their column.
    first : tuple of str
        Those of the notes that the front must say too.
    handles : tuple of Handle
        What moves it on the interactive page.
    rough : str
        What was left out to answer at once; empty where nothing was.
    """

    kind: str
    title: str
    provenance: Provenance
    lead: Parts = ()
    sections: tuple[Section, ...] = ()
    answer: Answer | None = None
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    by: str = "group"
    first: tuple[str, ...] = ()
    handles: tuple[Handle, ...] = ()
    rough: str = ""

    def __str__(self) -> str:
        return written(self, "text")

    def _repr_html_(self) -> str:
        return written(self, "html")

    def answers(self) -> list[Section]:
        """Return the sections that answer something, in order."""
        return [s for s in walk(self.sections) if s.answer is not None]


WRITERS = {"text": ("loopstat.faces.terminal", "write"), "html": ("loopstat.faces.html", "fragment")}
"""Medium to where its writer is: loaded when something is shown, for results know nothing of faces."""


def written(document: Document, medium: str) -> str:
    """Return a document in a medium of `WRITERS`."""
    module, name = WRITERS[medium]
    return str(getattr(importlib.import_module(module), name)(document))


def view_of(result: Any) -> Document:
    """Return the document of a result: the module `view` of its lens's folder makes it."""
    lens = type(result).__module__.split(".")[:2]
    made: Document = importlib.import_module(".".join([*lens, "view"])).document(result)
    return made


def walk(sections: Sequence[Block | Section]) -> Iterator[Section]:
    """Yield sections and the sections inside them."""
    for block in sections:
        if isinstance(block, Section):
            yield block
            yield from walk(block.blocks)


def shown_at(depth: Depth, wanted: Depth) -> bool:
    """Return whether what has this depth is shown at the one asked for."""
    return DEPTHS.index(depth) <= DEPTHS.index(wanted)


def title_of(files: Sequence[str]) -> str:
    """Return the names of the files read, three at most."""
    names = [clean(PurePath(f).name) for f in files]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def settings_said(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return settings in words, those that say nothing left out; the command stands elsewhere."""
    some = {k: v for k, v in settings.items() if v not in (None, {}, [], "") and k != "command"}
    return tuple((key, clean_sentence(_setting(value))) for key, value in some.items())


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={_setting(v)}" for k, v in value.items())
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def matrix(
    title: str, names: Sequence[str], value: Estimate, place: str, *, note: str = "", form: Form = "figure"
) -> Sheet:
    """Return the sheet of a square Estimate, shaded by sign."""
    n = np.shape(value.value)[0]
    rows = tuple((word(names[i]), *(figure(value, i, j, place=place, form=form) for j in range(n))) for i in range(n))
    return Sheet(title, ("", *names), rows, note, shade=True)
