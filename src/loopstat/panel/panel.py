"""The Panel: what was observed of many short trajectories ("sessions"), ragged and read-only.

Everything loopstat reads, simulates or records is a Panel, and `Panel.pairs` is the only way to get lagged data out
of it. A transition runs from a row's *parent* to the row; for a plain loop the parent is the row one step earlier in
the same session, for a lineage it is the version that was actually changed. No transition ever crosses a session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Bool, Float, Int, frozen, group_starts, relabel
from ..errors import InputError, SettingsError
from .labels import MISSING as MISSING
from .labels import Labels as Labels
from .labels import as_names as as_names
from .labels import label_text as label_text
from .lineage import NO_PARENT as NO_PARENT
from .lineage import Pairs as Pairs
from .lineage import ancestors, held_since
from .lineage import first_complete as first_complete
from .lineage import previous_step as previous_step
from .noise import checked_repeats
from .objective import Objective as Objective
from .objective import named_objectives
from .scorers import SCORER, refuse_mixed
from .source import Source as Source
from .source import array_digest as array_digest

MIN_STOPPED = 5  # sessions that end at a value reached, below which it may be chance


@dataclass(frozen=True)
class Panel:
    """Many short trajectories of objective vectors, with labels; immutable.

    Attributes
    ----------
    x : float array, shape (n_rows, n_obj)
        Objective values in the file's units after transforms; NaN where missing.
    session : int array, shape (n_rows,)
        Session number, non-decreasing; rows of a session are sorted by step, then candidate.
    step : int array, shape (n_rows,)
    parent : int array, shape (n_rows,)
        Row the transition into this row started from; -1 where there is none.
    objectives : tuple of Objective
    session_names : tuple of str
    labels : mapping from column name to Labels
        Strategy, model, task, state, ... A row's strategy says how that row was produced.
    accepted : bool array of shape (n_rows,) or None
    lineage : bool
        True where parents or acceptance were recorded: transitions are then proposals (parent -> child, also the
        rejected ones) and the kept path is `kept()`.
    survivors_only : bool
        The log dropped rejected or failed proposals.
    source : Source
    repeats : int array, shape (n_rows,), or None
        Scorings of the same artefact averaged into the row, at least 1: the covariance of the scorer's noise in the
        row is that of one score divided by this. Only scorings in which no objective is missing count.
    repeat_scatter : float array, shape (n_rows, n_obj, n_obj), or None
        Sum over those scorings of (s - mean)(s - mean)', with their own mean, in the squared units of `x`; 0 where
        `repeats` is 1. Its sum over rows divided by the sum of `repeats - 1` estimates the noise of one score.
        Given together with `repeats` or not at all.
    mixed_scorers : bool
        Whether scores made by different rules (label `scorer_hash`) may lie together; otherwise that is refused.
    """

    x: Float
    session: Int
    step: Int
    parent: Int
    objectives: tuple[Objective, ...]
    session_names: tuple[str, ...]
    labels: Mapping[str, Labels] = field(default_factory=dict)
    accepted: Bool | None = None
    lineage: bool = False
    survivors_only: bool = False
    source: Source = field(default_factory=Source)
    repeats: Int | None = None
    repeat_scatter: Float | None = None
    mixed_scorers: bool = False

    def __post_init__(self) -> None:
        """Freeze the arrays and refuse what no later code could survive."""
        set_ = object.__setattr__
        set_(self, "x", frozen(self.x, np.float64))
        for name in ("session", "step", "parent"):
            set_(self, name, frozen(getattr(self, name), np.int64))
        if self.accepted is not None:
            set_(self, "accepted", frozen(self.accepted, np.bool_))
        rows = len(self.session)
        if self.x.shape != (rows, len(self.objectives)):
            raise SettingsError(
                f"`x` must have shape (n_rows, n_obj) = ({rows}, {len(self.objectives)}). Got {self.x.shape}."
            )
        if rows and np.any(np.diff(self.session) < 0):
            raise SettingsError("`session` must be non-decreasing: sort the rows by session, then step.")
        linked = np.flatnonzero(self.parent >= 0)
        if np.any(self.session[self.parent[linked]] != self.session[linked]):
            raise SettingsError("`parent` crosses a session: a transition must stay inside one session.")
        if np.any(np.isinf(self.x)):
            raise SettingsError("`x` holds infinities; use NaN for a missing value.")
        if self.repeats is not None or self.repeat_scatter is not None:
            repeats, scatter = checked_repeats(self.repeats, self.repeat_scatter, self.x.shape)
            set_(self, "repeats", repeats)
            set_(self, "repeat_scatter", scatter)
        if SCORER in self.labels and not self.mixed_scorers:
            refuse_mixed(self.labels[SCORER], self.x, self.source.files)

    # ------------------------------------------------------------------ making

    @classmethod
    def from_arrays(
        cls,
        sessions: ArrayLike | Sequence[ArrayLike],
        *,
        objectives: str | Sequence[str | Objective] | None = None,
        labels: Mapping[str, Sequence[Any]] | None = None,
        session_names: Sequence[str] | None = None,
        source: Source | None = None,
    ) -> Panel:
        """Make a panel of plain loops from arrays, one per session.

        Parameters
        ----------
        sessions : array of shape (n_sessions, n_steps, n_obj), or a sequence of arrays of shape (n_steps_i, n_obj)
            Objective values; a 1-d array is a session of one objective. NaN is a missing value.
        objectives : names or Objective, optional
            Default `x1, x2, ...`.
        labels : mapping from column to one value per session, optional
        session_names : optional
            Default `0, 1, ...`.

        Returns
        -------
        Panel
        """
        if isinstance(sessions, np.ndarray) and sessions.ndim == 3 and len(sessions):
            grid = np.array(sessions, dtype=np.float64, order="C")
            return cls.from_grid(grid, objectives=objectives, labels=labels, session_names=session_names, source=source)
        parts = [np.asarray(s, dtype=np.float64) for s in sessions]  # type: ignore[union-attr]
        parts = [p[:, None] if p.ndim == 1 else p for p in parts]
        if not parts:
            raise SettingsError("`sessions` is empty: at least one session is needed.")
        n_obj = parts[0].shape[1]
        bad = next((i for i, p in enumerate(parts) if p.ndim != 2 or p.shape[1] != n_obj), None)
        if bad is not None:
            raise SettingsError(f"session {bad} must have shape (n_steps, {n_obj}). Got {parts[bad].shape}.")
        lengths = np.array([len(p) for p in parts], dtype=np.int64)
        session = np.repeat(np.arange(len(parts)), lengths)
        step = np.concatenate([np.arange(n) for n in lengths])
        x = np.concatenate(parts)
        per_row = {name: Labels.of(values).take(session.astype(np.int64)) for name, values in (labels or {}).items()}
        return cls(
            x=x,
            session=session,
            step=step,
            parent=previous_step(session, step),
            objectives=named_objectives(objectives, n_obj),
            session_names=tuple(session_names) if session_names else tuple(map(str, range(len(parts)))),
            labels=per_row,
            source=source or Source(("<arrays>",), array_digest(x, session, step)),
        )

    @classmethod
    def from_grid(
        cls,
        grid: Float,
        *,
        objectives: Sequence[str | Objective] | None = None,
        labels: Mapping[str, Sequence[Any]] | None = None,
        session_names: Sequence[str] | None = None,
        source: Source | None = None,
    ) -> Panel:
        """Make a panel of plain loops of one length, taking the array over: it is made read-only, not copied.

        Parameters
        ----------
        grid : float array, C-contiguous, shape (n_sessions, n_steps, n_obj)
        objectives, labels, session_names, source : optional
            As in `from_arrays`.
        """
        n_sessions, n_steps, n_obj = grid.shape
        session = np.repeat(np.arange(n_sessions), n_steps)
        step = np.tile(np.arange(n_steps), n_sessions)
        parent = np.arange(-1, len(session) - 1)
        parent[::n_steps] = NO_PARENT
        x = grid.reshape(n_sessions * n_steps, n_obj)
        if not np.isfinite(x.sum()) and np.any(np.isinf(x)):
            raise SettingsError("`x` holds infinities; use NaN for a missing value.")
        per_row = {name: Labels.of(values).take(session) for name, values in (labels or {}).items()}
        for array in (x, session, step, parent):
            array.setflags(write=False)
        # Rows in order, parents inside sessions: nothing of what `__post_init__` copies and looks for is open here.
        panel = object.__new__(cls)
        fields = {
            "x": x,
            "session": session,
            "step": step,
            "parent": parent,
            "objectives": named_objectives(objectives, n_obj),
            "session_names": tuple(session_names) if session_names else tuple(map(str, range(n_sessions))),
            "labels": per_row,
            "source": source or Source(("<arrays>",), array_digest(x, session, step)),
        }
        for name, value in {**_PANEL_DEFAULTS, **fields}.items():
            object.__setattr__(panel, name, value)
        return panel

    @classmethod
    def concat(cls, panels: Sequence[Panel]) -> Panel:
        """Put panels with the same objectives one after another; sessions of different panels stay different.

        Where some panels hold repeated scorings, the rows of the others count as scored once.
        """
        if not panels:
            raise SettingsError("`panels` is empty: nothing to put together.")
        first = panels[0]
        if any(p.objectives != first.objectives for p in panels):
            raise SettingsError("panels differ in their objectives; they must match in name, direction and bounds.")
        n_rows = np.cumsum([0] + [len(p) for p in panels])
        n_sessions = np.cumsum([0] + [p.n_sessions for p in panels])
        shifted = [np.where(p.parent >= 0, p.parent + r, NO_PARENT) for p, r in zip(panels, n_rows, strict=False)]
        shared = [name for name in first.labels if all(name in p.labels for p in panels)]
        columns = {name: [v for p in panels for v in p.labels[name].values()] for name in shared}
        if any(SCORER in p.labels for p in panels):
            none = [[None] * len(p) for p in panels]
            known = [p.labels[SCORER].values() if SCORER in p.labels else n for p, n in zip(panels, none, strict=True)]
            columns[SCORER] = [v for values in known for v in values]
        accepted = [p.accepted for p in panels]
        return cls(
            x=np.concatenate([p.x for p in panels]),
            session=np.concatenate([p.session + s for p, s in zip(panels, n_sessions, strict=False)]),
            step=np.concatenate([p.step for p in panels]),
            parent=np.concatenate(shifted),
            objectives=first.objectives,
            session_names=tuple(name for p in panels for name in p.session_names),
            labels={name: Labels.of(values) for name, values in columns.items()},
            accepted=None
            if any(a is None for a in accepted)
            else np.concatenate([a for a in accepted if a is not None]),
            lineage=any(p.lineage for p in panels),
            survivors_only=any(p.survivors_only for p in panels),
            source=Source.of_all([p.source for p in panels]),
            mixed_scorers=all(p.mixed_scorers for p in panels),
            **_repeats_together(panels),
        )

    # ------------------------------------------------------------------ facts

    def __len__(self) -> int:
        return len(self.session)

    def __repr__(self) -> str:
        kind = "lineage" if self.lineage else "loop"
        return (
            f"Panel({kind}: {self.n_sessions} sessions, {len(self)} steps, "
            f"objectives {', '.join(self.names) or 'none'})"
        )

    @property
    def n_sessions(self) -> int:
        """Number of sessions."""
        return len(self.session_names)

    @property
    def n_obj(self) -> int:
        """Number of objectives."""
        return len(self.objectives)

    @property
    def names(self) -> tuple[str, ...]:
        """Objective names, in order."""
        return tuple(o.name for o in self.objectives)

    @property
    def signs(self) -> Float:
        """+1 where larger is better and -1 where smaller is, shape (n_obj,)."""
        return np.array([1.0 if o.maximize else -1.0 for o in self.objectives])

    @cached_property
    def complete(self) -> Bool:
        """Rows in which no objective is missing, shape (n_rows,)."""
        return frozen(~np.isnan(self.x).any(axis=1), np.bool_)

    @cached_property
    def ancestry(self) -> bool:
        """True where some row's parent is not the row one step earlier."""
        return bool(np.any(self.parent != previous_step(self.session, self.step)))

    # ------------------------------------------------------------------ lagged data

    def pairs(self, lag: int = 1) -> Pairs:
        """Return the complete transitions from the `lag`-th ancestor to each row.

        Parameters
        ----------
        lag : int
            Number of transitions between the two states; at least 1.

        Returns
        -------
        Pairs
            Rows with a missing objective at either end are left out and counted in `n_dropped`.
        """
        if lag < 1 or int(lag) != lag:
            raise SettingsError(f"`lag` must be an int of at least 1. Got {lag!r}.")
        start, end = ancestors(self.parent, int(lag))
        whole = self.complete[start] & self.complete[end]
        start, end = start[whole], end[whole]
        columns = np.ascontiguousarray(self.x.T)  # whole columns are summed several times as fast as strided ones
        return Pairs(
            start=start,
            end=end,
            x=columns.take(start, axis=1).T,
            y=columns.take(end, axis=1).T,
            session=self.session[end],
            step=self.step[start],
            n_dropped=int(np.sum(~whole)),
            lag=int(lag),
        )

    # ------------------------------------------------------------------ parts

    def take(self, rows: Int | Bool) -> Panel:
        """Return the panel of some rows (in order); links to rows left out are cut, empty sessions disappear."""
        index = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, dtype=np.int64)
        where = np.full(len(self) + 1, NO_PARENT, dtype=np.int64)
        where[index] = np.arange(len(index))
        kept, session = relabel(self.session[index])
        return replace(
            self,
            x=self.x[index],
            session=session,
            step=self.step[index],
            parent=where[self.parent[index]],
            session_names=tuple(self.session_names[i] for i in kept),
            labels={name: column.take(index) for name, column in self.labels.items()},
            accepted=None if self.accepted is None else self.accepted[index],
            **self._repeats_at(index),
        )

    def _repeats_at(self, rows: Int) -> dict[str, Any]:
        """Return `repeats` and `repeat_scatter` of some rows, as changes for `replace`."""
        if self.repeats is None or self.repeat_scatter is None:
            return {}
        return {"repeats": self.repeats[rows], "repeat_scatter": self.repeat_scatter[rows]}

    def is_session_label(self, column: str) -> bool:
        """True where the label never changes inside a session."""
        codes = self._label(column).codes
        starts = group_starts(self.session)
        first = np.repeat(codes[starts], np.diff(np.r_[starts, len(self)]))
        return bool(np.all(codes == first))

    def where(self, *, unlike: Mapping[str, str] | None = None, **labels: Any) -> Panel:
        """Return the part of the panel whose transitions carry the given labels.

        A label that is constant in every session selects sessions. Any other label belongs to the transition that
        produced the row: both ends of a matching transition stay, and every other link is cut.

        Parameters
        ----------
        **labels
            Column = value, all of which must hold.
        unlike : mapping, optional
            Column to a value that must *not* hold.
        """
        panel = self
        wanted = [(c, v, True) for c, v in labels.items()] + [(c, v, False) for c, v in (unlike or {}).items()]
        for column, value, equal in wanted:
            panel = panel._where_one(column, label_text(value), equal)
        return panel

    def _where_one(self, column: str, value: str, equal: bool) -> Panel:
        labels = self._label(column)
        if value not in labels.names:
            known = ", ".join(labels.names[:8]) + (", ..." if len(labels.names) > 8 else "")
            raise InputError(f"no row has {column} = {value!r}. Values: {known}.")
        match = (labels.codes == labels.names.index(value)) == equal
        if self.is_session_label(column):
            return self.take(match)
        child = match & (self.parent >= 0)
        keep = child.copy()
        keep[self.parent[child]] = True
        return replace(self, parent=np.where(child, self.parent, NO_PARENT)).take(keep)

    def split(self, columns: str | Sequence[str]) -> list[tuple[dict[str, str], Panel]]:
        """Return one panel per combination of label values that occurs among the transitions, sorted by label."""
        parts: list[tuple[dict[str, str], Panel]] = [({}, self)]
        for column in as_names(columns):
            parts = [
                ({**by, column: name}, panel._where_one(column, name, True))
                for by, panel in parts
                for name in panel.label_values(column)
            ]
        return parts

    def label_values(self, column: str) -> list[str]:
        """Return the values of a label that occur on transitions (or in sessions, for a session label)."""
        labels = self._label(column)
        used = labels.codes if self.is_session_label(column) else labels.codes[self.parent >= 0]
        return [labels.names[c] for c in np.unique(used) if c >= 0]

    def from_step(self, step: int) -> Panel:
        """Return the panel without the rows before a step."""
        return self.take(self.step >= step)

    def _label(self, column: str) -> Labels:
        if column not in self.labels:
            known = ", ".join(self.labels) or "none"
            raise InputError(f"no label column `{column}`. Label columns: {known}.")
        return self.labels[column]

    # ------------------------------------------------------------------ paths

    @cached_property
    def kept_rows(self) -> Int:
        """Row of the version the loop holds after each row's step, shape (n_rows,); -1 before any.

        For a plain loop that is the row itself. With acceptance recorded it is the last accepted row with scores so
        far (the first row with scores counts as accepted); with parents only, the last row so far that was used as a
        parent.
        """
        if not self.lineage:
            held = self.complete
        elif self.accepted is not None:
            held = self.accepted & self.complete
            held[first_complete(self.session, self.complete)] = True
        else:
            held = np.zeros(len(self), dtype=bool)
            held[self.parent[self.parent >= 0]] = True
            held &= self.complete
        return frozen(held_since(held, self.session), np.int64)

    def kept(self) -> Panel:
        """Return the kept path: for every row the version the loop holds after it, as a plain loop.

        A version held for several steps stands there several times, with one and the same error of the scorer.
        """
        if not self.lineage:
            return self
        rows = np.flatnonzero(self.kept_rows >= 0)
        last_of_step = np.r_[
            (np.diff(self.session[rows]) != 0) | (np.diff(self.step[rows]) != 0), np.ones(min(1, len(rows)), bool)
        ].astype(bool)
        rows = rows[last_of_step]
        path = self.take(rows)
        return replace(
            path,
            x=self.x[self.kept_rows[rows]],
            parent=previous_step(path.session, path.step),
            accepted=None,
            lineage=False,
            **self._repeats_at(self.kept_rows[rows]),
        )

    def ends(self) -> tuple[Int, Float]:
        """Return `(session, x)`: the last version each session holds, sessions without one left out.

        Returns
        -------
        session : int array, shape (m,)
        x : float array, shape (m, n_obj)
        """
        last = np.r_[np.flatnonzero(np.diff(self.session)), len(self) - 1] if len(self) else np.zeros(0, np.int64)
        held = self.kept_rows[last]
        return self.session[last[held >= 0]], self.x[held[held >= 0]]

    def starts(self) -> tuple[Int, Float]:
        """Return `(session, x)`: the first complete row of each session."""
        first = first_complete(self.session, self.complete)
        return self.session[first], self.x[first]


_PANEL_DEFAULTS = {
    **dict.fromkeys(("accepted", "repeats", "repeat_scatter")),
    **dict.fromkeys(("lineage", "survivors_only", "mixed_scorers"), False),
}


def _repeats_together(panels: Sequence[Panel]) -> dict[str, Any]:
    """Return `repeats` and `repeat_scatter` of panels put one after another, nothing where none has them."""
    if all(p.repeats is None for p in panels):
        return {}
    once = [np.ones(len(p), dtype=np.int64) if p.repeats is None else p.repeats for p in panels]
    none = [np.zeros((len(p), p.n_obj, p.n_obj)) if p.repeat_scatter is None else p.repeat_scatter for p in panels]
    return {"repeats": np.concatenate(once), "repeat_scatter": np.concatenate(none)}
