"""What was read of a log, as a document."""

from __future__ import annotations

from ..errors import pasted
from ..panel.selection import SURVIVORS, SelectionReport, said
from ..results.document import Document, Fact, Facts, Provenance, Section, Text, figure, title_of, word
from ..results.words import counted, listed
from .result import Imports


def document(result: Imports) -> Document:
    """Return everything said about a log."""
    rows = [
        Fact("format", (word(" ".join(filter(None, (result.format, result.format_version)))),)),
        Fact("a step is", (word(result.step or "a row of the table"),)),
        Fact("scores", (word(listed(result.objectives) if result.objectives else NO_SCORES),)),
    ]
    selection = result.selection
    doubts: tuple[Text, ...] = ()
    if selection is not None:
        rows += _selection(selection)
        doubts = (Text(((SURVIVORS,),), tone="doubt"),) if selection.kept_only else ()
    section = Section("log", "What it holds", (*doubts, Facts(tuple(rows))))
    return Document(
        "imports",
        title_of(result.source.files),
        Provenance(result.version, result.command, result.source.digest),
        lead=(f"{counted(result.n_sessions, 'session')}, {counted(result.n_steps, 'step')}",),
        sections=(section,),
        notes=tuple(note for note in result.notes if selection is None or note not in said(selection)),
        hints=_hints(result),
    )


NO_SCORES = "none: it can be looked at for circles (balance), not for when to stop"


def _selection(selection: SelectionReport) -> list[Fact]:
    missing = figure(selection.missing, place="selection.missing", form="count")
    lost = (
        (", ", missing, " known to be missing or without a score") if selection.missing is not None else MISSING_UNKNOWN
    )
    ended = listed(f"{word} {n:,}" for word, n in selection.ended.items())
    attempts = figure(selection.attempts, place="selection.attempts", form="count")
    return [
        Fact("attempts", (attempts, *lost, "; survivors only" if selection.kept_only else "")),
        Fact("ended", (word(ended or "not known"),)),
        Fact("left out", (word(listed(selection.dropped) if selection.dropped else "nothing"),)),
    ]


MISSING_UNKNOWN = (", whether any are missing is not known",)


def _hints(result: Imports) -> tuple[str, ...]:
    first = next(iter(result.source.files), "LOG")
    lens = "analyze" if result.objectives else "balance"
    return (f"Next: {pasted(f'loopstat {lens}', first)} · -o steps.parquet · --json -",)
