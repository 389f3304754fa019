"""A table of sessions to a Panel: rows sorted by their keys, scores, links, labels, and what to say about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...arrays import Int
from ...panel.labels import Labels
from ...panel.panel import Panel
from ...panel.selection import SelectionReport
from ...panel.states import STATE
from ..refuse import no_sessions
from ..settings import Wanted
from ..table.cells import Cells, text_bytes
from .links import links_of, links_recorded
from .rows import Averages, Rows, averaged, refuse_hopeless, rows_of
from .scores import objectives_of, scored, transformed


def panel_of(cells: Cells, wanted: Wanted, *, state: Labels | None = None, part: bool = False) -> Panel:
    """Return the panel of a table, or of a part of one, which may hold no transition.

    With states, one per row of the table, it needs no objectives.
    """
    if "session" not in cells.columns or "step" not in cells.columns:
        raise no_sessions(cells)
    scorings, first = rows_of(cells)
    refuse_hopeless(cells, scorings, first, part=part)
    bare = state is not None and wanted.objectives is None
    names, notes = ((), []) if bare else objectives_of(cells, scorings, wanted)
    objectives, raw = scored(cells, scorings, names, wanted)
    means = averaged(transformed(raw, objectives), first)
    x, measured = means.x, () if means.repeats is None else (means.repeats, means.scatter)
    rows = scorings.only(first)
    labels = _labels(cells, rows, names, wanted, state)
    known = ~np.isnan(x).any(axis=1) if state is None else labels[STATE].codes >= 0
    links = (links_recorded if part else links_of)(cells, rows, np.asarray(known, dtype=np.bool_))
    notes = notes + links.notes
    notes += _row_notes(means, names, 0 if bare else len(raw) - len(x))
    if state is not None:
        notes += _state_notes(state.codes[scorings.position], first)
    of_states = () if state is None else (labels[STATE].codes, text_bytes(labels[STATE].names))
    source = cells.source(notes, x, rows.session, rows.step, links.parent, *measured, *of_states)
    survivors = cells.has("survivors_only") and bool(cells.flags("survivors_only")[0].any())
    if survivors and source.selection is None:
        source = replace(source, selection=SelectionReport(len(x), kept_only=True))
    return Panel(
        x=x,
        session=rows.session,
        step=rows.step,
        parent=links.parent,
        objectives=tuple(objectives),
        session_names=rows.session_names,
        labels=labels,
        accepted=links.accepted if links.lineage else None,
        lineage=links.lineage,
        survivors_only=survivors,
        source=source,
        repeats=means.repeats,
        repeat_scatter=means.scatter,
        mixed_scorers=wanted.mixed_scorers,
    )


def _labels(
    cells: Cells, rows: Rows, objectives: Sequence[str], wanted: Wanted, state: Labels | None
) -> dict[str, Labels]:
    skipped = set() if state is None else {STATE} | ({"next_state"} - {*wanted.labels})
    of_files = ("file",) if cells.files else ()
    found = dict.fromkeys((*cells.label_names(objectives, wanted.labels), *wanted.labels, *of_files))
    labels = {name: cells.labels(name).take(rows.position) for name in found if name not in skipped}
    if "session" in labels:  # the same name in two files is two sessions
        named = Labels.of(rows.session_names)
        labels["session"] = Labels(named.codes[rows.session], named.names)
    return labels if state is None else {**labels, STATE: state.take(rows.position)}


def _state_notes(codes: Int, first: Int) -> list[str]:
    """Say how many rows have no state, and what became of repeated ones; `codes` in the order of the rows."""
    notes = []
    missing = int(np.sum(codes[first] < 0))
    if missing:
        notes.append(f"{missing:,} of {len(first):,} rows have no state; they break the chain there.")
    if len(first) < len(codes):
        group = np.repeat(first, np.diff(np.r_[first, len(codes)]))
        differ = len(np.unique(group[codes != codes[group]]))
        notes.append(
            f"{len(codes) - len(first):,} rows repeat a row of the same step; the state of the first one was taken, "
            f"and in {differ:,} steps another one differs from it."
        )
    return notes


def _row_notes(means: Averages, names: Sequence[str], n_repeats: int) -> list[str]:
    x, notes = means.x, []
    if n_repeats:
        measured = "" if means.repeats is None else "; the scorer's noise is measured from them"
        notes.append(
            f"{n_repeats:,} repeated scorings were averaged into the {len(x):,} rows they belong to{measured}."
        )
    missing = np.isnan(x).sum(axis=0)
    if missing.any():
        each = ", ".join(f"{name} in {n:,}" for name, n in zip(names, missing.tolist(), strict=True) if n)
        notes.append(f"missing values among {len(x):,} rows: {each}; they drop the transitions they touch.")
    return notes
