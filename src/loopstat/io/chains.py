"""Sessions of states, split into groups: which rows make a transition, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

import numpy as np

from ..arrays import Bool, Int, frozen
from ..errors import InputError, argument
from ..panel.lineage import ancestors
from ..panel.panel import MISSING, Labels, Panel
from ..panel.states import STATE, binned, clustered
from .groups import empty_notes, group_name, nothing_left
from .naming import n_seen
from .read import later
from .recorded import POOLED, WHY_APART, Part, Recording, StatesAsked, refuse_few, visits_notes

SPARSE, ENOUGH = 0.5, 20


def groups_of(panel: Panel, asked: StatesAsked, notes: Sequence[str]) -> Recording:
    """Return the groups of a panel that hold transitions.

    Parameters
    ----------
    panel : Panel
        With a label `state`, unless states are to be made of its objectives.
    asked : StatesAsked
    notes : sequence of str
        What is to be said first.
    """
    panel = panel if asked.from_step is None else later(panel, asked.from_step)
    chosen = asked.selection
    if chosen.where or chosen.unlike:
        panel = panel.where(unlike=chosen.unlike, **chosen.where)
        if len(panel) == 0:
            raise nothing_left()
    rule = asked.rule
    if rule.of_scores:
        panel = binned(panel, rule.k) if rule.how == "bins" else clustered(panel, rule.k, rng=asked.seed)
    _refuse_still(panel, asked.lag)
    by, note = chosen.columns(panel.labels, why=WHY_APART, unit=POOLED)
    parts, lost = _split(panel, by, asked)
    said = (*notes, *panel.source.notes, *_sparse(panel), note, *lost, *visits_notes(asked.visits))
    return Recording(tuple(parts), by, said, replace(panel.source, notes=()), "sessions", asked.visits)


def _links(panel: Panel, lag: int) -> tuple[Int, Int, Bool]:
    """Return the rows that lie `lag` transitions apart, and where both have a state."""
    start, end = ancestors(panel.parent, lag)
    codes = panel.labels[STATE].codes
    return start, end, np.asarray((codes[start] >= 0) & (codes[end] >= 0))


def _refuse_still(panel: Panel, lag: int) -> None:
    """Refuse a recording without a transition between two states."""
    _, end, known = _links(panel, lag)
    if known.any():
        return
    file = ", ".join(panel.source.files[:3]) or None
    if end.size:
        hint = "fill in the missing states."
        raise InputError("no transition has a state at both of its ends.", file=file, hint=hint)
    longest = int(np.bincount(panel.session).max())
    raise InputError(
        f"no transition spans {lag} steps; the longest session has {longest} rows.",
        file=file,
        hint=f"choose a smaller {argument('lag')}.",
    )


def _split(panel: Panel, by: Sequence[str], asked: StatesAsked) -> tuple[list[Part], list[str]]:
    """Return the groups that hold a transition, and what to say about those that do not."""
    parts: list[Part] = []
    empty, held = [], 0
    for label, part in panel.split(by):
        start, _, known = _links(part, asked.lag)
        if not known.any():
            empty.append(group_name(label))
            continue
        held += int(known.sum())
        _refuse_few(part, start[known], asked)
        parts.append((label, _compact(part)))
    whole = int(_links(panel, asked.lag)[2].sum())
    if not parts:
        raise InputError(
            f"no transition carries a value of {' and '.join(by)}.",
            file=", ".join(panel.source.files[:3]) or None,
            hint=f"choose other columns with {argument('by')}, or {argument('by', 'none')}.",
        )
    notes = empty_notes(empty)
    if held < whole:
        notes.append(f"{whole - held:,} transitions are in no group of {', '.join(by)}: a label is missing or changes.")
    return parts, notes


def _refuse_few(part: Panel, start: Int, asked: StatesAsked) -> None:
    if isinstance(asked.visits, str) or asked.lag > 1:
        return
    state = part.labels[STATE]
    refuse_few(asked.visits, np.bincount(state.codes[start], minlength=len(state.names)).astype(float), state.names)


def _compact(panel: Panel) -> Panel:
    """Return the panel with the names of its own states only, in their order."""
    state = panel.labels[STATE]
    seen = np.bincount(state.codes + 1, minlength=len(state.names) + 1)[1:] > 0
    if seen.all():
        return panel
    place = np.r_[np.where(seen, np.cumsum(seen) - 1, MISSING), MISSING]
    own = Labels(frozen(place[state.codes], np.int64), tuple(compress(state.names, seen.tolist())))
    return replace(panel, labels={**panel.labels, STATE: own})


def _sparse(panel: Panel) -> list[str]:
    used, known = n_seen(panel.labels[STATE]), int(np.sum(panel.labels[STATE].codes >= 0))
    if used <= max(ENOUGH, SPARSE * known):
        return []
    return [
        f"{used:,} different states in {known:,} rows: most transitions are seen once; bins:K, kmeans:K or "
        "normal:COL make fewer."
    ]
