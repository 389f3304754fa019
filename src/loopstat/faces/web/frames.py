"""Documents as frames: what the page is sent over its socket, words as JSON and the arrays of charts as 32-bit floats.

A frame is the length of its JSON header (32-bit little-endian), the header, zero to three spaces up to a multiple of
four, and the floats that the header's `{"f32": [offset, *shape]}` point into.
"""

from __future__ import annotations

import json
import math
import threading
import weakref
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ...results import words
from ...results.chart import Axis, Chart, Mark
from ...results.document import (
    Answer,
    Block,
    Cell,
    Checks,
    Document,
    Facts,
    Formulas,
    Parts,
    Section,
    Sheet,
    Text,
)
from ...results.extent import limits
from ..html import keyed, shades
from ..mathml import mathml

ROW = 4  # bytes of one float


class Floats:
    """The arrays of a frame, or of one block of it, one behind the other."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = self.begin = 0
        self.references: list[list[int]] = []

    def put(self, values: Any) -> dict[str, list[int]]:
        """Take an array in and return the reference to it: its offset in floats, and its shape."""
        array = np.ascontiguousarray(values, dtype="<f4")
        at, self.size = self.size, self.size + array.size
        self.parts.append(array.tobytes())
        self.references.append([at, *array.shape])
        return {"f32": self.references[-1]}

    def take(self, block: Floats) -> None:
        """Take in the arrays of a block, wherever they stood in the frame before: references to them move along."""
        for reference in block.references:
            reference[0] += self.size - block.begin
        block.begin, self.size = self.size, self.size + block.size
        self.parts += block.parts


def frame(header: Mapping[str, Any], document: Document | None = None) -> bytes:
    """Return one message to the page, with a document where there is one."""
    floats = Floats()
    with _ONE:
        whole = dict(header) if document is None else {**header, "document": document_data(document, floats)}
        text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return b"".join([len(text).to_bytes(ROW, "little"), text, b" " * (-len(text) % ROW), *floats.parts])


def document_data(document: Document, floats: Floats) -> dict[str, Any]:
    """Return a document as the page reads it; arrays go into `floats`."""
    made = document.provenance
    return {
        "kind": document.kind,
        "title": document.title,
        "lead": _parts(document.lead),
        "answer": _answer(document.answer, floats),
        "sections": [_section(s, floats) for s in document.sections],
        "first": [words.clean_sentence(n) for n in document.first],
        "notes": [words.clean_sentence(n) for n in document.notes],
        "by": document.by,
        "handles": [_plain(h, floats) for h in document.handles],
        "rough": document.rough,
        "provenance": {
            "version": made.version,
            "command": words.clean(made.command),
            "digest": made.digest,
            "settings": [list(pair) for pair in made.settings],
        },
    }


def _parts(parts: Parts) -> list[Any]:
    return [words.clean_sentence(p) if isinstance(p, str) else cell_data(p) for p in parts]


def cell_data(cell: Cell) -> dict[str, Any]:
    """Return a cell: its text, the figure it is sorted by, its tone, and its place in the JSON where it has one."""
    value = cell.figures[0]
    found: dict[str, Any] = {"t": words.cell(cell)}
    if value is not None and math.isfinite(value):
        found["v"] = value
    if cell.tone:
        found["tone"] = cell.tone
    if cell.place:
        found["place"] = cell.place
    if cell.term:
        found["term"] = cell.term
    if cell.form != "text":
        found |= {"n": True, "form": cell.form}
    return found


def _answer(answer: Answer | None, floats: Floats) -> dict[str, Any] | None:
    if answer is None:
        return None
    picture = None if answer.picture is None else chart_data(answer.picture, floats)
    said = words.clean_sentence(answer.said)
    return {"action": answer.action, "said": said, "why": _parts(answer.why), "tone": answer.tone, "picture": picture}


def _section(section: Section, floats: Floats) -> dict[str, Any]:
    return {
        "type": "section",
        "key": section.key,
        "title": section.title,
        "lead": _parts(section.lead),
        "answer": _answer(section.answer, floats),
        "folded": section.folded,
        "group": section.group,
        "depth": section.depth,
        "blocks": [_once(b, floats) for b in section.blocks],
    }


_ONE = threading.Lock()  # one frame at a time: those that show one block share what was made of it
_MADE: dict[int, tuple[weakref.ref[Block | Section], dict[str, Any], Floats]] = {}


def _once(block: Block | Section, floats: Floats) -> dict[str, Any]:
    """Return a block as plain data, made once for as long as there is that block: most stay while a hand moves."""
    if isinstance(block, Section):
        return _section(block, floats)
    known = _MADE.get(id(block))
    if known is None or known[0]() is not block:
        own = Floats()
        gone = partial(_MADE.pop, id(block), None)
        known = _MADE[id(block)] = (weakref.ref(block, lambda _: gone()), _block(block, own), own)
    floats.take(known[2])
    return known[1]


def _block(block: Block | Section, floats: Floats) -> dict[str, Any]:
    match block:
        case Section():
            return _section(block, floats)
        case Facts():
            rows = [{"key": fact.key, "said": _parts(fact.said)} for fact in block.rows]
            return {"type": "facts", "rows": rows, "depth": block.depth}
        case Text():
            said = [_parts(p) for p in block.said]
            return {"type": "text", "said": said, "tone": block.tone, "points": block.points, "depth": block.depth}
        case Sheet():
            return _sheet(block)
        case Checks():
            return {"type": "checks", "rows": _checks(block), "place": block.place, "depth": block.depth}
        case Formulas():
            return {"type": "formulas", "rows": [_formula(row) for row in block.rows], "depth": block.depth}
        case Chart():
            return chart_data(block, floats)


def _sheet(sheet: Sheet) -> dict[str, Any]:
    shaded = shades(sheet)
    rows = [[cell_data(c) | ({"shade": shaded[id(c)]} if id(c) in shaded else {}) for c in row] for row in sheet.rows]
    return {
        "type": "sheet",
        "title": sheet.title,
        "columns": list(sheet.columns),
        "rows": rows,
        "note": sheet.note,
        "depth": sheet.depth,
    }


def _checks(block: Checks) -> list[dict[str, Any]]:
    return [
        {
            "name": c.name,
            "passed": c.passed,
            "value": "–" if c.value is None else words.number(c.value, 3),
            "message": words.clean_sentence(c.message),
        }
        for c in block.checks
    ]


def _formula(row: Any) -> dict[str, Any]:
    found = {key: getattr(row, key) for key in ("name", "plain", "origin", "note")}
    return {**found, "mathml": mathml(row.tex)}


# -------------------------------------------------------------------------------------- charts


def chart_data(chart: Chart, floats: Floats) -> dict[str, Any]:
    """Return a chart: its words, its axes with the range they show, and its marks."""
    return {
        "type": "chart",
        **{key: getattr(chart, key) for key in ("key", "title", "described", "note", "equal", "size", "link", "depth")},
        "x": _axis(chart, "x"),
        "y": _axis(chart, "y"),
        "marks": [_mark(m, floats) for m in chart.marks],
        "named": [dict(zip(("kind", "stroke", "tone", "label"), row, strict=True)) for row in keyed(chart)],
    }


def _axis(chart: Chart, side: str) -> dict[str, Any]:
    axis: Axis = getattr(chart, side)
    low, high = limits(chart, side)
    keys = ("label", "unit", "log", "whole", "zero", "better", "hidden")
    shown = {key: value for key in keys if (value := getattr(axis, key))}
    ticks = {} if axis.ticks is None else {"ticks": [list(t) for t in axis.ticks]}
    return {**shown, **ticks, "low": _finite(low), "high": _finite(high), "fixed": axis.limits is not None}


def _mark(mark: Mark, floats: Floats) -> dict[str, Any]:
    return {"kind": type(mark).__name__.lower(), **_plain(mark, floats)}


def _plain(value: Any, floats: Floats) -> Any:
    """Return a record's fields as plain data: arrays by reference, cells as text and figures, NaN as null."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return words.clean(value)
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, np.ndarray):
        return floats.put(value)
    if isinstance(value, Cell):
        return {**cell_data(value), "f": [_finite(v) for v in value.figures]}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name), floats) for name in _names(type(value))}
    if isinstance(value, tuple | list):
        if value and all(isinstance(v, int | float) for v in value):
            return floats.put(value)
        return [_plain(v, floats) for v in value]
    return value


@lru_cache(maxsize=256)
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))


def _finite(value: float | None) -> float | str | None:
    """Return a figure as JSON holds it: an open side by name, what is not known as null."""
    if value is None or math.isnan(value):
        return None
    return float(value) if math.isfinite(value) else ("inf" if value > 0 else "-inf")
