"""What an importer is, what it is shown of a log, and what it makes of one: columns of a table, and what was kept."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...errors import InputError
from ...panel.labels import label_text
from ...panel.selection import ENDED, SelectionReport
from ..table.columns import STANDARD

Progress = Callable[[int, int, str], None]
FIRST_BLOCK = 1 << 16
DEEPEST = 4  # keys below this are not looked at
TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]')


@dataclass(frozen=True)
class Look:
    """What an importer is shown of a log before it says whether it is its own.

    Attributes
    ----------
    path : Path
    head : bytes
        The first 64 KiB, unpacked where the file is gzipped; empty for a folder.
    names : frozenset of str
        What a folder holds, the members of a ZIP archive, or the tables of a SQLite file.
    """

    path: Path
    head: bytes = b""
    names: frozenset[str] = frozenset()

    @property
    def is_folder(self) -> bool:
        """True for a folder."""
        return self.path.is_dir()

    @cached_property
    def keys(self) -> frozenset[str]:
        """Dotted keys of the first JSON value, as far as its beginning shows them: `eval.task`, `trajectory[].action`.

        Of a list of records the first one counts, and its keys are named without the list.
        """
        return frozenset(_keys(self.head))

    def has(self, *keys: str) -> bool:
        """Return whether the beginning shows all of these keys."""
        return self.keys.issuperset(keys)


def _keys(head: bytes) -> Iterable[str]:
    """Yield dotted keys of the first JSON value of a text that may be cut off anywhere."""
    begins = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if begins not in (b"{", b"["):
        return
    places: list[str] = []  # of every object and list we are in
    last, started = "", False
    for match in TOKENS.finditer(head):
        token = match[0]
        if token in (b"{", b"["):
            inside = places[-1] + last if places and len(places) <= DEEPEST else ""
            places.append(f"{inside}[]" if token == b"[" and places else inside)
            last, started = "", True
        elif token in (b"}", b"]"):
            if places:
                places.pop()
            if started and len(places) <= int(begins == b"["):
                return
        elif token == b":" and len(places) <= DEEPEST + 1:
            yield (places[-1] + last).lstrip(".") if places else last
        elif token[:1] == b'"':
            last = "." + token[1:-1].decode(errors="replace")
        elif token == b",":
            last = ""


@dataclass(frozen=True)
class Asked:
    """How a log is to be read.

    Attributes
    ----------
    format : str
        Name of an importer; empty: recognised.
    reading : str
        Which of its readings, where a step can be understood in two ways; empty: the importer's choice.
    columns : mapping from column to the name or dotted path in the log
    """

    format: str = ""
    reading: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, format: str | None, columns: Mapping[str, str] | None = None) -> Asked:
        """Return what `NAME` or `NAME:READING` and columns ask for."""
        name, _, reading = (format or "").partition(":")
        return cls(name.strip(), reading.strip(), dict(columns or {}))


@dataclass(frozen=True)
class Imported:
    """A log as a table.

    Attributes
    ----------
    columns : mapping from name to array of shape (n_rows,)
        Texts (objects, None where missing) or numbers (NaN where missing); our standard columns, and scores.
    scores : tuple of str or None
        Columns that the log itself holds for scores; None where it does not tell them from other numbers.
    format, version : str
        The importer's name, and the version that the log says it is of.
    step : str
        What a step is here.
    selection : SelectionReport
    notes : tuple of str
        What was guessed, left out or assumed.
    readings : mapping
        What else a step could be, by the name of the reading.
    smaller : tuple of str
        Scores for which smaller is better.
    """

    columns: Mapping[str, Any]
    scores: tuple[str, ...] | None
    format: str
    version: str
    step: str
    selection: SelectionReport
    notes: tuple[str, ...] = ()
    readings: Mapping[str, str] = field(default_factory=dict)
    smaller: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return len(next(iter(self.columns.values()), ()))


@dataclass(frozen=True)
class Format:
    """A format of logs.

    Attributes
    ----------
    name : str
        As `--format` spells it.
    about : str
        The tool, and which of its files.
    readings : mapping
        What a step is, by the name of the reading; the first is the default unless the importer chooses by the log.
    """

    name: str
    about: str
    readings: Mapping[str, str]


class Log(Protocol):
    """An importer: a module or an object with these names."""

    FORMAT: Format

    def matches(self, look: Look) -> float:
        """Return how sure it is that a log is its own, from 0 to 1; half is enough to read it."""

    def read(self, path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
        """Read a log.

        Raises
        ------
        InputError
            It is damaged, or holds no steps; the message names the file and the member.
        """


# ------------------------------------------------------------------------------------------------ rows


def natural(names: Iterable[str]) -> list[str]:
    """Return names in natural order: 9 before 10."""
    return sorted(names, key=lambda n: [(len(d), d) if d.isdigit() else (0, d) for d in re.split(r"(\d+)", n)])


def score_name(name: str) -> str:
    """Return the column of a score: its own name, unless that means something else in a table."""
    return f"{name}_score" if name in STANDARD or name == "file" else name


def number(value: Any) -> float | None:
    """Return a score as a number; None for what is none, or not finite.

    Examples
    --------
    >>> number(True), number("0.5"), number("yes"), number(float("inf"))
    (1.0, 0.5, None, None)
    """
    if isinstance(value, bool | int | float):
        try:
            found = float(value)
        except OverflowError:
            return None
        return found if math.isfinite(found) else None
    if isinstance(value, str) and len(value) < 40 and "_" not in value:
        try:
            return number(float(value))
        except ValueError:
            return None
    return None


class Steps:
    """Rows of a table under way, the columns in order of first appearance."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}
        self._ended: dict[Any, str] = {}
        self.n = 0
        self.scores: dict[str, None] = {}

    def add(self, cells: Mapping[str, Any], scores: Mapping[str, float | None] | None = None) -> None:
        """Add a row; scores are named by `score_name`, and a column that is a score once is one."""
        row = dict(cells)
        for name, value in (scores or {}).items():
            row[score_name(name)] = value
            self.scores.setdefault(score_name(name))
        for name, value in row.items():
            if name not in self._columns:
                self._columns[name] = [None] * self.n
            self._columns[name].append(value)
        self.n += 1
        if len(row) < len(self._columns):
            for values in self._columns.values():
                if len(values) < self.n:
                    values.append(None)
        if "session" in row:
            self._ended[row["session"]] = row.get("ended") or "unknown"

    def report(
        self, *, missing: int | None = None, lost: int = 0, kept_only: bool = False, dropped: Iterable[str] = ()
    ) -> SelectionReport:
        """Return what the log kept; `lost` attempts left a trace and no row."""
        counted = Counter(self._ended.values())
        ended = {word: counted[word] for word in ENDED if counted[word]}
        return SelectionReport(self.n + lost, missing, kept_only, ended, tuple(dict.fromkeys(dropped)))

    def columns(self) -> dict[str, Any]:
        """Return the columns that hold anything as arrays of texts or of numbers; `session` and `step` always."""
        return {
            name: frozen(column_of(values))
            for name, values in self._columns.items()
            if name in ("session", "step") or any(v is not None for v in values)
        }


def frozen(values: Any) -> Any:
    """Return an array that nobody writes to: logs are kept for a while."""
    values.setflags(write=False)
    return values


def column_of(values: Sequence[Any]) -> Any:
    """Return cells as an array: numbers where all are, texts otherwise.

    Examples
    --------
    >>> column_of([1, None, True]), column_of(["a", None, 2])
    (array([ 1., nan,  1.]), array(['a', None, '2'], dtype=object))
    """
    kinds = {type(v) for v in values} - {type(None)}
    if kinds == {int} and all(v is not None and abs(v) < 2**53 for v in values):
        return np.array(values, dtype=np.int64)
    if kinds <= {int, float, bool}:
        found = [math.nan if v is None else number(v) for v in values]
        return np.array([math.nan if v is None else v for v in found], dtype=np.float64)
    made = np.empty(len(values), dtype=object)
    made[:] = [None if v is None else text(v) for v in values]
    return made


def text(value: Any) -> str:
    """Return a cell as text that can be stored: half characters and null bytes are replaced."""
    found = value if isinstance(value, str) else label_text(value)
    if not found.isascii():
        found = found.encode(errors="replace").decode()
    return found.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in found else found


def made(
    form: Format, steps: Steps, *, path: Path, version: str, step: str, selection: SelectionReport, notes: Iterable[str]
) -> Imported:
    """Return a log as a table.

    Raises
    ------
    InputError
        It holds no step.
    """
    if not steps.n:
        raise InputError(f"this {form.name} log holds no step.", file=str(path), hint="was it cut off at its start?")
    columns = steps.columns()
    scores = tuple(name for name in steps.scores if name in columns)
    others = {name: text for name, text in form.readings.items() if text != step}
    return Imported(columns, scores, form.name, version, step, selection, tuple(dict.fromkeys(notes)), others)


def reading_of(form: Format, asked: Asked, default: str = "") -> str:
    """Return the reading asked for, or a default.

    Raises
    ------
    InputError
        The format has no such reading.
    """
    name = asked.reading or default or next(iter(form.readings))
    if name not in form.readings:
        known = ", ".join(form.readings)
        raise InputError(f"the format {form.name} has no reading {name!r}; it has: {known}.", hint=HINT_READING)
    return name


HINT_READING = "a reading says what a step is: NAME:READING."
