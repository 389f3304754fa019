"""Two JSON forms without columns: records of an expression and its sources, and a dictionary of successors."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..panel.panel import Labels
from .naming import StateRule, coded
from .table.files import FIRST_BLOCK, GZIP
from .transitions import Moves

REJECTED = "INVALID00"
TARGET, SOURCES, EXPRESSION = "target_expression", "source_expressions", "expression"
LIST_FIRST = re.compile(r'^\{\s*"(?:[^"\\]|\\.)*("\s*:\s*\[|\\?\Z)')
TABLES = ({"session", "step"}, {"state", "next_state"})  # columns with their lists of cells, no words
TYPES = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


@dataclass
class Found:
    """The moves of some files in the making, one entry per single move or rejected answer."""

    source: list[str] = field(default_factory=list)
    target: list[str | None] = field(default_factory=list)
    record: list[int] = field(default_factory=list)
    file: list[int] = field(default_factory=list)
    labels: dict[str, list[Any]] = field(default_factory=dict)
    skipped: int = 0

    def add(self, source: str, target: str | None, record: int, file: int) -> None:
        """Take in one move, or with None one rejected answer."""
        self.source.append(source)
        self.target.append(target)
        self.record.append(record)
        self.file.append(file)


def form_of(path: Path) -> str | None:
    """Return `expressions` or `words` where a file has one of the two forms, else None."""
    text = _head(path)
    if text.startswith("["):
        return "expressions" if f'"{TARGET}"' in text or f'"{SOURCES}"' in text else None
    if not text.startswith("{"):
        return None
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


def _head(path: Path) -> str:
    """Return the beginning of a file as text, empty where it is none."""
    try:
        with path.open("rb") as stream:
            zipped = stream.read(2) == GZIP
        with gzip.open(path, "rb") if zipped else path.open("rb") as stream:
            return stream.read(FIRST_BLOCK).decode("utf-8-sig", "ignore").lstrip()
    except (OSError, EOFError):
        return ""


def _is_dictionary(path: Path) -> bool:
    try:
        found = json.loads(_whole(path))
    except json.JSONDecodeError as error:
        return error.msg != "Extra data"  # then it is one object per line; else it is cut off, as `_parsed` will say
    except (InputError, RecursionError):
        return False  # the reader of tables says what is wrong with it
    named = isinstance(found, dict) and not any(columns <= found.keys() for columns in TABLES)
    return named and any(isinstance(v, list) for v in found.values())


def _whole(path: Path) -> str:
    data = path.read_bytes()
    try:
        data = gzip.decompress(data) if data.startswith(GZIP) else data
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("is not encoded in UTF-8.", file=str(path), hint="save it again as UTF-8.") from None
    except (OSError, EOFError) as error:
        raise InputError(f"cannot be unpacked: {error}.", file=str(path)) from None


# ---------------------------------------------------------------------------------------------------- reading


def read_forms(
    paths: Sequence[Path], files: Sequence[str], kind: str, rule: StateRule, columns: Sequence[str]
) -> tuple[Moves, list[str]]:
    """Return the moves of files that all have one form, and what to say about them.

    Parameters
    ----------
    paths : sequence of Path
    files : sequence of str
        Their short names, where there are several.
    kind : {"expressions", "words"}
    rule : StateRule
    columns : names of labels that are wanted where the records have them

    Returns
    -------
    Moves
    list of str
    """
    found = Found()
    for number, path in enumerate(paths):
        _READERS[kind](_parsed(path), number, str(path), columns, found)
    if not found.source:
        raise InputError("holds no move between states.", file=str(paths[0]), hint=_HINTS[kind])
    both = coded([*found.source, *found.target], rule)
    half = len(found.source)
    labels = {name: Labels.of(values) for name, values in found.labels.items() if any(v is not None for v in values)}
    if files:
        named = Labels.of(files)
        labels["file"] = Labels(named.codes[np.array(found.file)], named.names)

    def refuse(message: str, position: int, column: str | None = None, hint: str | None = None) -> InputError:
        return InputError(message, file=str(paths[found.file[position]]), row=found.record[position], hint=hint)

    _refuse_nameless(both.codes, found, refuse)
    moves = Moves(
        both.names, both.codes[:half], both.codes[half:], np.ones(half), None, labels, np.arange(half), refuse
    )
    return moves, _notes(kind, found)


def _refuse_nameless(codes: Any, found: Found, refuse: Callable[..., InputError]) -> None:
    given = np.array([True] * len(found.source) + [t is not None for t in found.target])
    lost = np.flatnonzero((codes < 0) & given)
    if lost.size:
        raise refuse("a state without a name: the text is empty.", int(lost[0]) % len(found.source))


def _notes(kind: str, found: Found) -> list[str]:
    if kind == "words":
        n = sum(t is None for t in found.target)
        said = [
            f"words and their successors: {len(found.source) - n:,} moves; {n:,} answers {REJECTED} are visits only."
        ]
        return said + ([f"the successors of {REJECTED} itself were left out."] if found.skipped else [])
    said = [f"expressions: {len(found.source):,} moves from each source expression to its target."]
    return said + ([f"{found.skipped:,} records have no source; they are no move."] if found.skipped else [])


def _parsed(path: Path) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise InputError(
                f"{twice[:80]!r} stands twice in one object.", file=str(path), hint="put the two together."
            )
        return made

    try:
        return json.loads(_whole(path), object_pairs_hook=once)
    except json.JSONDecodeError as error:
        what = f"line {error.lineno} is not valid JSON: {error.msg} at character {error.colno}."
        raise InputError(what, file=str(path)) from None
    except RecursionError:
        raise InputError("is nested too deeply to be read.", file=str(path)) from None


def _words(data: Any, number: int, file: str, columns: Sequence[str], found: Found) -> None:
    for i, (word, answers) in enumerate(data.items(), start=1):
        named = f"the successors of {word[:80]!r}"
        if not isinstance(answers, list):
            raise InputError(f"{named} must be a list of texts. Got {_kind(answers)}.", file=file, row=i)
        bad = next((k for k, a in enumerate(answers) if not isinstance(a, str)), None)
        if bad is not None:
            raise InputError(f"{named} must be texts; number {bad + 1} is {_kind(answers[bad])}.", file=file, row=i)
        if word == REJECTED:
            found.skipped += 1
            continue
        for text in (word, *answers):
            _refuse_half(text, file, i)
        for answer in answers:
            found.add(word, None if answer == REJECTED else answer, i, number)


def _expressions(data: Any, number: int, file: str, columns: Sequence[str], found: Found) -> None:
    for i, record in enumerate(data, start=1):
        target, sources = _record(record, file, i)
        found.skipped += not sources
        for source in sources:
            found.add(source, target, i, number)
            for name in columns:
                value = record.get(name)
                found.labels.setdefault(name, []).append(value if isinstance(value, str | int | float) else None)


def _record(record: Any, file: str, i: int) -> tuple[str, list[str]]:
    def refuse(what: str) -> InputError:
        return InputError(what, file=file, row=i, hint=_HINTS["expressions"])

    if not isinstance(record, dict):
        raise refuse(f"a record must be an object. Got {_kind(record)}.")
    for key in (TARGET, SOURCES):
        if key not in record:
            raise refuse(f"the record has no `{key}`. It has: {', '.join(list(record)[:12]) or 'nothing'}.")
    target, sources = record[TARGET], record[SOURCES]
    if not isinstance(target, str):
        raise refuse(f"`{TARGET}` must be a text. Got {_kind(target)}.")
    if not isinstance(sources, list):
        raise refuse(f"`{SOURCES}` must be a list of objects. Got {_kind(sources)}.")
    found = []
    for k, source in enumerate(sources, start=1):
        text = source.get(EXPRESSION) if isinstance(source, dict) else None
        if not isinstance(text, str):
            raise refuse(f"number {k} of `{SOURCES}` must be an object with the text `{EXPRESSION}`.")
        found.append(text)
    for text in (target, *found):
        _refuse_half(text, file, i)
    return target, found


def _refuse_half(text: str, file: str, i: int) -> None:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise InputError(f"half a character (a lone surrogate) in {text[:80]!a}.", file=file, row=i)


def _kind(value: Any) -> str:
    return TYPES.get(type(value), "a number")


_READERS = {"words": _words, "expressions": _expressions}
_HINTS = {
    "words": 'expected {"WORD": ["NEXT", "NEXT", ...], ...}.',
    "expressions": f'expected [{{"{TARGET}": "...", "{SOURCES}": [{{"{EXPRESSION}": "..."}}]}}, ...].',
}
