"""Two JSON forms without columns that are read as tables of moves: expressions with sources, words with successors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Int
from ...errors import InputError
from ...panel.panel import label_text
from .texts import json_of, shown, text_of

REJECTED = "INVALID00"
TARGET, SOURCES, EXPRESSION = "target_expression", "source_expressions", "expression"
LIST_FIRST = re.compile(r'^\{\s*"(?:[^"\\]|\\.)*("\s*:\s*\[|\\?\Z)')
TABLES = ({"session", "step"}, {"state", "next_state"})  # columns with their lists of cells, no words
SHOWN = 80


def form_of(path: Path, start: str) -> str | None:
    """Return `expressions` or `words` where a file has one of the two forms, else None; `start` is its beginning."""
    text = start.lstrip()
    if text.startswith("["):
        return "expressions" if f'"{TARGET}"' in text or f'"{SOURCES}"' in text else None
    line, _, rest = text.partition("\n")
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        if not (LIST_FIRST.match(text) or line.strip() == "{"):
            return None
    else:
        if rest.strip():
            return None  # one object per line: a table
    return "words" if _is_dictionary(path) else None


def _is_dictionary(path: Path) -> bool:
    try:
        found = json.loads(text_of(path))
    except json.JSONDecodeError as error:
        return error.msg != "Extra data"  # then it is one object per line; else it is cut off, as `json_of` will say
    except (InputError, RecursionError):
        return False  # the reader of tables says what is wrong with it
    named = isinstance(found, dict) and not any(columns <= found.keys() for columns in TABLES)
    return named and any(isinstance(v, list) for v in found.values())


@dataclass(frozen=True)
class FormRows:
    """The rows of a file of one of the two forms.

    Attributes
    ----------
    cells : dict
        By column (`state`, `next_state`, labels) the texts of all rows, shape (n_rows,); None where there is none.
    record : int array, shape (n_rows,)
        1-based number of the record each row comes from.
    skipped : int
        Records that are no move: without a source, or the successors of a rejected answer.
    """

    cells: dict[str, Any]
    record: Int
    skipped: int


def rows_of_form(path: Path, form: str) -> FormRows:
    """Return a file of `words` or `expressions` as rows of moves: a state, and the one that followed.

    Parameters
    ----------
    path : Path
    form : {"words", "expressions"}
        Words without a next state are rejected answers: visits and no moves.
    """
    data, hint = json_of(path), FORMS[form].expected
    moves = list(FORMS[form].read(data, lambda what, row: InputError(what, file=str(path), row=row, hint=hint)))
    if not moves:
        raise InputError("holds no move between states.", file=str(path), hint=hint)
    record = np.array([row for row, *_ in moves])
    cells: dict[str, Any] = {name: [move[k] for move in moves] for k, name in enumerate(("state", "next_state"), 1)}
    if form == "expressions":
        names = dict.fromkeys(n for r in data for n in r if n not in (TARGET, SOURCES, *cells))
        cells |= {name: [_label(data[row - 1].get(name)) for row in record.tolist()] for name in names}
    skipped = int(REJECTED in data) if form == "words" else sum(not r[SOURCES] for r in data)
    return FormRows({name: np.array(texts, dtype=object) for name, texts in cells.items()}, record, skipped)


Refuse = Callable[[str, int], InputError]
Move = tuple[int, str, str | None]


def _words(data: Any, refuse: Refuse) -> Iterator[Move]:
    """Yield every answer to a word, None for one that was rejected."""
    for i, (word, answers) in enumerate(data.items(), start=1):
        named = f"the successors of {word[:SHOWN]!r}"
        if not isinstance(answers, list):
            raise refuse(f"{named} must be a list of texts. Got {shown(answers)}.", i)
        bad = next((k for k, a in enumerate(answers) if not isinstance(a, str)), None)
        if bad is not None:
            raise refuse(f"{named} must be texts; number {bad + 1} is {shown(answers[bad])}.", i)
        if word != REJECTED:
            for answer in answers:
                yield i, _name(word, refuse, i), None if answer == REJECTED else _name(answer, refuse, i)


def _expressions(data: Any, refuse: Refuse) -> Iterator[Move]:
    """Yield the way from every source of a record to its target."""
    for i, record in enumerate(data, start=1):
        if not isinstance(record, dict):
            raise refuse(f"a record must be an object. Got {shown(record)}.", i)
        for key in (TARGET, SOURCES):
            if key not in record:
                raise refuse(f"the record has no `{key}`. It has: {', '.join(list(record)[:12]) or 'nothing'}.", i)
        target, sources = record[TARGET], record[SOURCES]
        if not isinstance(target, str):
            raise refuse(f"`{TARGET}` must be a text. Got {shown(target)}.", i)
        if not isinstance(sources, list):
            raise refuse(f"`{SOURCES}` must be a list of objects. Got {shown(sources)}.", i)
        for k, source in enumerate(sources, start=1):
            text = source.get(EXPRESSION) if isinstance(source, dict) else None
            if not isinstance(text, str):
                raise refuse(f"number {k} of `{SOURCES}` must be an object with the text `{EXPRESSION}`.", i)
            yield i, _name(text, refuse, i), _name(target, refuse, i)


def _name(text: str, refuse: Refuse, row: int) -> str:
    """Return the name of a state, refusing what is none."""
    if not text.strip(" "):
        raise refuse("a state without a name: the text is empty.", row)
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise refuse(f"half a character (a lone surrogate) in {text[:SHOWN]!a}.", row)
    return text


def _label(value: Any) -> str | None:
    return label_text(value).encode(errors="replace").decode() if isinstance(value, str | int | float) else None


@dataclass(frozen=True)
class Form:
    """A JSON form without columns: how it is read, and what is said of it.

    Attributes
    ----------
    read : callable
        Yields (record, state, next state or None) of the parsed file.
    expected : str
        For refusals.
    said, said_skipped : str
        What was read, of `n` moves and `rejected` answers; what became of `skipped` records.
    visits : str
        What counts as a visit, where that is not the number of moves out of a state.
    """

    read: Callable[[Any, Refuse], Iterator[Move]]
    expected: str
    said: str
    said_skipped: str
    visits: str = ""

    def notes(self, n: int, rejected: int, skipped: int) -> list[str]:
        """Say what was read."""
        given = {"n": n, "rejected": rejected, "skipped": skipped}
        return [said.format(**given) for said in (self.said, *([self.said_skipped] if skipped else []))]


FORMS = {
    "words": Form(
        _words,
        'expected {"WORD": ["NEXT", "NEXT", ...], ...}.',
        f"words and their successors: {{n:,}} moves; {{rejected:,}} answers {REJECTED} are visits only.",
        f"the successors of {REJECTED} itself were left out.",
        "visits: all answers to a word, rejected ones included.",
    ),
    "expressions": Form(
        _expressions,
        f'expected [{{"{TARGET}": "...", "{SOURCES}": [{{"{EXPRESSION}": "..."}}]}}, ...].',
        "expressions: {n:,} moves from each source expression to its target.",
        "{skipped:,} records have no source; they are no move.",
    ),
}
