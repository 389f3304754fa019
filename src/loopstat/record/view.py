"""What the commands of the log say, as documents."""

from __future__ import annotations

from .. import __version__
from ..errors import pasted
from ..results.cell import Cell, figure, word
from ..results.document import Document, Fact, Facts, Provenance, Section, Sheet, Text, title_of
from ..results.words import clean, counted
from .results import Exported, Listing, SessionSeen, SessionShown, StepSeen, Verified
from .table import label_text

OPEN = "open"  # a session that has not ended, or whose process did not live to say so


def listing(result: Listing) -> Document:
    """Return the table of sessions."""
    paths = tuple(dict.fromkeys(row.directory for row in result.recorded_sessions))
    several = len(paths) > 1
    head = (*(("directory",) if several else ()), "session", "began", "steps", "ended", "labels")
    rows = tuple(
        (
            *((word(row.directory),) if several else ()),
            word(row.name),
            word(row.started),
            figure(row.n_steps, form="count", place=f"recorded_sessions.{k}.n_steps"),
            word(row.ended or OPEN),
            word(_labels(row)),
        )
        for k, row in enumerate(result.recorded_sessions)
    )
    n_steps = sum(row.n_steps for row in result.recorded_sessions)
    section = Section("sessions", "Sessions", (Sheet("", head, rows, "times are UTC", "short"),) if rows else ())
    return Document(
        "record",
        title_of(paths) or "no session",
        Provenance(__version__, result.command),
        lead=(f"{counted(len(result.recorded_sessions), 'session')}, {counted(n_steps, 'step')}",),
        sections=(section,),
        notes=result.notes,
        hints=_hints(paths),
    )


def _labels(row: SessionSeen) -> str:
    return ", ".join(f"{name}={label_text(value)}" for name, value in row.labels.items())


def _hints(paths: tuple[str, ...]) -> tuple[str, ...]:
    if not paths:
        return ()
    return (f"Next: {pasted('loopstat log show', paths[0])} · {pasted('loopstat decide', paths[0])}",)


def session(result: SessionShown) -> Document:
    """Return one session with its steps, and the texts of the step that was asked for."""
    seen = result.session
    facts = [Fact("began", (word(seen.started),)), Fact("ended", (word(seen.ended or OPEN), *_note(seen)))]
    if seen.labels:
        facts.append(Fact("labels", (word(_labels(seen)),)))
    blocks: list[Facts | Sheet | Text] = [Facts(tuple(facts))]
    if result.steps:
        blocks.append(_steps(result.steps))
    for k, texts in enumerate(result.artifacts):
        for name, text in texts.items():
            title = f"{name} of step {result.steps[k].step}, candidate {result.steps[k].candidate}:"
            lines = text.splitlines() or [""]
            blocks.append(Text(((title,), *((clean(line),) for line in lines))))
    return Document(
        "record",
        seen.name,
        Provenance(__version__, result.command),
        lead=(f"{counted(seen.n_steps, 'step')} in {seen.directory}",),
        sections=(Section("session", "Session", tuple(blocks)),),
        notes=result.notes,
    )


def _note(seen: SessionSeen) -> tuple[str, ...]:
    return (f", {seen.note}",) if seen.note else ()


def _steps(steps: tuple[StepSeen, ...]) -> Sheet:
    """Return the table of steps; columns that say nothing are left out."""
    objectives = tuple(dict.fromkeys(name for row in steps for name in row.scores))
    labels = tuple(dict.fromkeys(name for row in steps for name in row.labels))
    several = any(row.candidate != "0" for row in steps)
    judged = any(row.accepted is not None for row in steps)
    head = (
        *("step", *(("candidate",) if several else ()), "from", *(("accepted",) if judged else ())),
        *(*objectives, *labels, "text"),
    )
    rows = tuple(
        (
            Cell(row.step, "whole"),
            *((word(row.candidate),) if several else ()),
            word(_parent(row, several=several)),
            *((word({True: "yes", False: "no", None: ""}[row.accepted]),) if judged else ()),
            *(figure(row.scores.get(name), form="number", place=f"steps.{k}.scores.{name}") for name in objectives),
            *(word("" if row.labels.get(name) is None else label_text(row.labels[name])) for name in labels),
            word(_size(row)),
        )
        for k, row in enumerate(steps)
    )
    return Sheet("", head, rows, "from: the step it was made from; text: bytes, shown by --step N", "short")


def _parent(row: StepSeen, *, several: bool) -> str:
    if row.parent_step is None:
        return ""
    return f"{row.parent_step}/{row.parent_candidate}" if several else str(row.parent_step)


def _size(row: StepSeen) -> str:
    return f"{sum(row.texts.values()):,}" if row.texts else ""


def verified(result: Verified) -> Document:
    """Return whether stores are what was written, and what is wrong with those that are not."""
    sections = []
    for k, store in enumerate(result.stores):
        held = ", ".join(
            [counted(store.n_sessions, "session"), counted(store.n_steps, "step"), counted(store.n_texts, "text")]
        )
        said = f"sound: {held}, every row and text as it was written" if store.sound else "damaged"
        tone = "doubt" if store.problems else ""
        facts = Facts((Fact("store", (word(said, tone="doubt" if tone else ""),)),))
        wrong = (Text(tuple((p,) for p in store.problems), tone="doubt", points=True),) if store.problems else ()
        sections.append(Section(f"store{k}", store.directory, (facts, *wrong)))
    return Document(
        "record",
        title_of([store.directory for store in result.stores]),
        Provenance(__version__, result.command),
        sections=tuple(sections),
        notes=result.notes,
    )


def exported(result: Exported) -> Document:
    """Return what the table holds."""
    facts = Facts((Fact("columns", (word(", ".join(result.columns)),)),))
    return Document(
        "record",
        title_of([result.directory]),
        Provenance(__version__, result.command),
        lead=(f"{counted(result.n_sessions, 'session')}, {counted(result.n_steps, 'step')}",),
        sections=(Section("table", "Table", (facts,)),),
        notes=result.notes,
    )
