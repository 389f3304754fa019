"""The settings of the moves lens as a document: every parameter, policy, preset and scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...parameters import Parameter
from ...results.document import Document, Provenance, Section, Sheet, word
from ..settings import POLICY_DEFAULTS, PRESETS, ROWS, SCENARIOS, MoveSettings
from .cells import in_unit

if TYPE_CHECKING:
    from ..commands import Listing

SOURCES = {"the model's page": "page", "the model's constants": "constants"}
LEGEND = (
    "from: `page` and `constants`, the published controls and constants of the model; `loopstat`, ours. Give a value "
    "by --set name=value or in a settings file; loopstat moves simulate --save FILE writes one."
)


def settings(listing: Listing) -> Document:
    """Return the list of every parameter, policy, preset and scenario."""
    head = ("name", "default", "range", "from", "meaning")
    rows = tuple(tuple(map(word, _row(p))) for p in ROWS)
    sections = [Section("parameters", "Settings", (Sheet("", head, rows, LEGEND, "short"),))]
    usual = MoveSettings().to_dict()
    named: dict[str, Mapping[str, Any]] = {"Policies": POLICY_DEFAULTS, "Presets": PRESETS, "Scenarios": SCENARIOS}
    for title, known in named.items():
        changes = tuple((word(name), word(_changes(row, usual))) for name, row in known.items())
        sheet = Sheet("", ("name", "what it changes"), changes, depth="short")
        sections.append(Section(title.lower(), title, (sheet,)))
    return Document("moves", "Loops of moves", Provenance(__version__), sections=tuple(sections), notes=listing.notes)


def _row(p: Parameter) -> tuple[str, ...]:
    words = f": {', '.join(p.choices)}" if p.choices else ""
    symbol = f"{p.symbol}: " if p.symbol not in ("", p.name) else ""
    span = "a word" if p.choices else p.range
    return p.name, _text(p.default), span, SOURCES.get(p.source, p.source), f"{symbol}{p.help}{in_unit(p)}{words}"


def _changes(row: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    changed = [f"{name} {_text(value)}" for name, value in row.items() if value != usual[name]]
    return ", ".join(changed) or "nothing: it is the default"


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
