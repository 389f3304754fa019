"""Texts of a table to scores beside its columns: each row's text with the versions before it in its session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays import first_true
from ...errors import argument
from ...panel.scorers import SCORER
from ...scoring.batches import score_all
from ...scoring.registry import Asked
from ...scoring.rows import LINES
from ...scoring.score import CAUTION, Artefact, Scorer, hash_of
from ..roles import Role, scores
from ..table.cells import Cells

ARTIFACT = "artifact"
Progress = Callable[[int, int, str], None]
"""Called with (done, total, what)."""

ROLE = Role(argument("artifact"), "be scored")
LINES_ROLE = Role(argument("lines_from"), "say how many lines a solution takes")


@dataclass(frozen=True)
class Scoring:
    """How the texts of a table are scored on the way into a panel.

    Attributes
    ----------
    scorer : name, Scorer, callable or several of these
    artifact : str
        Column of the texts.
    progress : callable, optional
    """

    scorer: Asked | Sequence[Asked]
    artifact: str = ARTIFACT
    progress: Progress | None = None

    def add_to(self, cells: Cells, scorer: Scorer) -> list[str]:
        """Add the scores of our scorer, as `scorer_of` makes it, with its hash; return what to say about it."""
        texts = texts_of(cells, self.artifact)
        at = [k for k, a in enumerate(texts) if a is not None]
        scores = score_all([a for a in texts if a is not None], scorer, progress=self.progress)
        columns = {name: np.full(cells.n_rows, np.nan) for name in scorer.objectives}
        for k, score in zip(at, scores, strict=True):
            for name, value in score.values.items():
                columns[name][k] = value
        replaced = cells.add(columns, {SCORER: hash_of(scorer)})
        unscored = sum("unscored" in score.counts for score in scores)
        return _notes(self.artifact, scorer, len(at), cells.n_rows, unscored, replaced)


def _notes(artifact: str, scorer: Scorer, n: int, rows: int, unscored: int, replaced: Sequence[str]) -> list[str]:
    empty = f"; {rows - n:,} rows have no text and no score" if n < rows else ""
    low = f"; {unscored:,} cannot be read and have the low baseline" if unscored else ""
    said = [f"scored: {n:,} texts of `{artifact}` by {scorer.name} ({SCORER} {hash_of(scorer)}){empty}{low}. {CAUTION}"]
    instead = [name for name in replaced if name != SCORER]
    return said + ([f"these scores stand in place of the table's own {', '.join(instead)}."] if instead else [])


def texts_of(cells: Cells, artifact: str) -> list[Artefact | None]:
    """Return the text of each row with the first of its session and the one before it; None where there is none."""
    ROLE.check(cells, artifact)
    texts = cells.texts(artifact)
    if "session" not in cells.columns or "step" not in cells.columns:
        return [None if t is None else Artefact(t) for t in texts]
    first, previous = _before(cells, np.array([t is not None for t in texts]))
    return [
        None if t is None else Artefact(t, _at(texts, first[k], k), _at(texts, previous[k], k))
        for k, t in enumerate(texts)
    ]


def lines_of(cells: Cells, name: str) -> list[float | None]:
    """Return the logical lines that a solution of each row's task takes; None where the column says nothing."""
    LINES_ROLE.check(cells, name)
    values = scores(cells, name)
    least = LINES.low or 0.0
    row = first_true(values < least)
    if row is not None:
        hint = "leave the cell empty where nothing is known."
        raise cells.refuse(f"expected {least:g} line or more, got {values[row]:g}.", row, name, hint)
    return [None if np.isnan(v) else float(v) for v in values]


def _at(texts: Sequence[str | None], place: int, own: int) -> str | None:
    return texts[place] if place not in (-1, own) else None


def _before(cells: Cells, there: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[list[int], list[int]]:
    """Return the row of the first version of each row's session, and of the version before it; -1 for none.

    The version before is the parent where `parent_step` names it, else the last one of an earlier step.
    """
    session = cells.labels("session").codes
    if cells.files:  # the same name in two files is two sessions
        session = session * len(cells.files) + cells.labels("file").codes
    step = np.nan_to_num(cells.numbers("step"))
    rows = np.flatnonzero(there)
    order = rows[np.lexsort((rows, step[rows], session[rows]))]
    first, previous = np.full(cells.n_rows, -1), np.full(cells.n_rows, -1)
    new = np.r_[True, np.diff(session[order]) != 0]
    first[order] = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    later = np.r_[True, (np.diff(step[order]) != 0) | new[1:]]
    start = np.maximum.accumulate(np.where(later, np.arange(len(order)), 0))
    previous[order] = np.where(first[order] == order[start], -1, order[start - 1])
    if cells.has("parent_step"):
        parent = cells.numbers("parent_step")
        place = {(s, t): k for s, t, k in zip(session[order][::-1], step[order][::-1], order[::-1], strict=True)}
        named = np.flatnonzero(~np.isnan(parent) & there)
        previous[named] = [place.get((session[k], parent[k]), previous[k]) for k in named]
    return first.tolist(), previous.tolist()
