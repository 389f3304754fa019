"""Cells of figures of the moves lens, and words that its documents share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

from ...inference.estimate import Estimate
from ...parameters import Parameter
from ...results.chart import Shape, Tone
from ...results.document import Cell, Form, Parts, Section, Sheet, word
from ...results.words import plural
from ..settings import PARAMETERS, MoveSettings

LEVER_WORDS = {
    "human_prior": "human prior H",
    "model_prior": "model prior rho",
    "candidates": "candidates K",
    "reviewers": "reviewers N",
    "correlation": "correlation of reviewers",
    "tr_max_radius": "largest edit radius",
    "edit_radius": "edit radius at the start",
}
POLICY_LOOK: dict[str, tuple[Tone, Shape]] = {
    "vibe": ("c1", "square"),
    "planner": ("c3", "triangle"),
    "trust-region": ("c0", "circle"),
}


def shown(value: Estimate | float | None, place: str = "", form: Form = "figure") -> Cell:
    """Return the cell of a figure; a dash where it is not known or infinite, as null in the JSON."""
    known = value.value if isinstance(value, Estimate) else value
    return Cell(value, form, place) if known is not None and math.isfinite(known) else Cell(None)


def ratio(log: Estimate) -> Estimate:
    """Return the ratio whose logarithm is given."""
    return Estimate(*(math.exp(v) if v < 700 else math.inf for v in log.triple))


def set_to(value: object, place: str = "") -> Cell:
    """Return the cell of a setting, as it would be typed."""
    return shown(value, place, "setting") if isinstance(value, int | float) else word(str(value))


def row(at: str, record: Any, **forms: str) -> tuple[Cell, ...]:
    """Return cells of some fields of a record, each by its `Form`, or as `set` (as typed) or `word`.

    A form that ends in `~` shows the value without its interval.
    """
    made = []
    for name, form in forms.items():
        value, place = getattr(record, name), f"{at}.{name}"
        if form in ("set", "word"):
            made.append(set_to(value, place) if form == "set" else word(str(value)))
        elif form.endswith("~"):
            made.append(shown(float(value.value), form=cast("Form", form[:-1])))
        else:
            made.append(shown(value, place, cast("Form", form)))
    return tuple(made)


def joined(said: Iterable[Parts], between: str = "; ") -> Parts:
    """Join pieces of a line."""
    return tuple(part for k, piece in enumerate(said) for part in ((between, *piece) if k else piece))


def lever_name(name: str) -> str:
    """Return a lever in words."""
    return LEVER_WORDS.get(name, name)


def team(s: MoveSettings) -> str:
    """Say who works: candidates, proposals of reviewers, reviewers."""
    own = s.reviewers * s.reviewer_proposals
    extra = f" and {own} from reviewers" if own else ""
    return f"{plural(s.candidates, 'candidate')}{extra} a move, {plural(s.reviewers, 'reviewer')}"


def in_unit(p: Parameter) -> str:
    """Return the unit of a parameter, where its help does not say it."""
    said = p.unit in ("", "cost", "runs") or p.unit.startswith("a ") or p.unit.split()[0] in p.help
    return "" if said else f", in {p.unit}"


def all_settings(s: MoveSettings, place: str, title: str) -> Section:
    """Return the folded table of all settings with their meaning."""
    rows = []
    for name, value in s.to_dict().items():
        p = PARAMETERS[name]
        symbol = p.symbol if p.symbol != name else ""
        rows.append((word(name), word(symbol), set_to(value, f"{place}.{name}"), word(p.help + in_unit(p))))
    sheet = Sheet("", ("name", "symbol", "value", "meaning"), tuple(rows))
    return Section("settings", title, (sheet,), depth="long", folded=True)
