"""Transitions between discrete states, counted: the sufficient statistic of everything that reads a Markov chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Bool, Float, Int, frozen, summed
from ..errors import SettingsError
from .labels import Labels
from .lineage import ancestors
from .panel import Panel, Source

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Visits = str | float  # `observed`, `equal`, or the number of times every state was visited


@dataclass(frozen=True)
class Events:
    """Single transitions in the order of time, where sessions were recorded.

    Attributes
    ----------
    source, target : int arrays, shape (n_transitions,)
        Codes of the states left and entered.
    cluster : int array, shape (n_transitions,)
        Whatever shares a start; the unit of every interval.
    session : int array, shape (n_transitions,)
    step : int array, shape (n_transitions,)
        Step number of the state left.
    follows : bool array, shape (n_transitions,)
        True where the transition starts where the one before it ended: the two are one trajectory. Proposals of a
        lineage are draws given their parent and never follow each other.
    cluster_names : tuple of str
    """

    source: Int
    target: Int
    cluster: Int
    session: Int
    step: Int
    follows: Bool
    cluster_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.source)

    @property
    def trajectories(self) -> bool:
        """True where at least two transitions follow each other."""
        return bool(self.follows.any())

    def of_states(self, code: Int) -> Events:
        """Return the events with their states renumbered by `code`, shape (n_states,); -1 drops the event."""
        source, target = code[self.source], code[self.target]
        kept = (source >= 0) & (target >= 0)
        gap = np.cumsum(~kept)
        before = np.r_[-1, gap[kept][:-1]] if kept.any() else np.zeros(0, np.int64)
        return replace(
            self,
            source=source[kept],
            target=target[kept],
            cluster=self.cluster[kept],
            session=self.session[kept],
            step=self.step[kept],
            follows=self.follows[kept] & (gap[kept] == before),
        )


class Grouped(Protocol):
    """Which group every row of a panel belongs to, and what the groups are called."""

    @property
    def row(self) -> Int:
        """Group number of every row."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups."""
        ...


@dataclass(frozen=True)
class Counts:
    """How often each state was followed by each other, self-transitions included.

    Attributes
    ----------
    states : tuple of str
    source, target : int arrays, shape (n_pairs,)
        Codes of the states of every ordered pair that was seen, sorted by source, then target; no pair twice.
    count : float array, shape (n_pairs,)
        Above 0; fractions are allowed, but exact tests need whole numbers.
    visits : float array, shape (n_states,)
        How often a state was the source of an attempt, self-transitions and rejected answers included; at least the
        row sum.
    visits_rule : str
        `observed` (row sums or a column of the table), `equal`, or the number given.
    events : Events or None
        The single transitions, where sessions were recorded.
    origin : Source
    """

    states: tuple[str, ...]
    source: Int
    target: Int
    count: Float
    visits: Float
    visits_rule: str = "observed"
    events: Events | None = None
    origin: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        """Freeze the arrays and refuse counts that mean nothing."""
        for name, dtype in (("source", np.int64), ("target", np.int64), ("count", float), ("visits", float)):
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        if len(self.visits) != len(self.states):
            raise SettingsError(f"`visits` must have shape ({len(self.states)},). Got {self.visits.shape}.")
        if not np.isfinite(self.count).all() or np.any(self.count <= 0):
            raise SettingsError("`count` must be finite and above 0: leave out pairs that were not seen.")

    # ------------------------------------------------------------------ making

    @classmethod
    def of(
        cls,
        source: ArrayLike,
        target: ArrayLike,
        count: ArrayLike | None = None,
        *,
        states: Sequence[str] | None = None,
        visits: ArrayLike | Visits = "observed",
        origin: Source | None = None,
    ) -> Counts:
        """Count moves between states given by name or code.

        Parameters
        ----------
        source, target : sequences, shape (n_moves,)
            State names, or integer codes into `states` where that is given.
        count : array, shape (n_moves,), optional
            How often each move was seen; default 1. Moves listed twice add up, zeros are dropped.
        states : sequence of str, optional
        visits : `observed`, `equal`, a number, or an array of shape (n_states,)
            How often each state was the source of an attempt: the row sums, the largest row sum for every state, N
            for every state, or one number per state.
        origin : Source, optional

        Returns
        -------
        Counts
        """
        if states is None:
            both = Labels.of([*np.asarray(source, dtype=object).tolist(), *np.asarray(target, dtype=object).tolist()])
            states, half = both.names, len(both.codes) // 2
            source, target = both.codes[:half], both.codes[half:]
        i, j = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
        n = np.ones(len(i)) if count is None else np.asarray(count, dtype=np.float64)
        if len(i) and (min(i.min(), j.min()) < 0 or max(i.max(), j.max()) >= len(states)):
            raise SettingsError(f"states must be codes in [0, {len(states) - 1}].")
        if np.any(~np.isfinite(n)) or np.any(n < 0):
            raise SettingsError("`count` must be finite and not negative.")
        i, j, n = _added_up(i, j, n, len(states))
        rows = summed(i, n, len(states))
        made, rule = _visits(visits, rows)
        return cls(tuple(states), i, j, n, made, rule, None, origin or Source())

    @classmethod
    def of_matrix(cls, matrix: ArrayLike, *, states: Sequence[str] | None = None, visits: Any = "observed") -> Counts:
        """Count from a square array, rows the states left, columns the states entered."""
        c = np.asarray(matrix, dtype=np.float64)
        if c.ndim != 2 or c.shape[0] != c.shape[1]:
            raise SettingsError(f"`matrix` must be square. Got shape {c.shape}.")
        i, j = np.nonzero(c)
        names = list(states) if states is not None else [str(k) for k in range(len(c))]
        return cls.of(i, j, c[i, j], states=names, visits=visits)

    @classmethod
    def of_panel(
        cls,
        panel: Panel,
        *,
        clusters: Grouped | None = None,
        state: str = "state",
        lag: int = 1,
        visits: Visits = "observed",
    ) -> Counts:
        """Count the transitions of a panel between the values of a label.

        Parameters
        ----------
        panel : Panel
        clusters : Clusters or another grouping, optional
            The unit of intervals; default: the session.
        state : str
            Label column that holds the states.
        lag : int
            Steps between the two states of a transition. Beyond 1 every `lag`-th state of a session is used, so that
            no step is counted twice.
        visits : `observed`, `equal` or a number

        Returns
        -------
        Counts
            States never seen in a transition are left out.
        """
        if lag < 1 or int(lag) != lag:
            raise SettingsError(f"`lag` must be an int of at least 1. Got {lag!r}.")
        if state not in panel.labels:
            raise SettingsError(f"there is no label `{state}`. Labels: {', '.join(panel.labels) or 'none'}.")
        labels, (start, end) = panel.labels[state], _links(panel, int(lag))
        known = (labels.codes[start] >= 0) & (labels.codes[end] >= 0)
        start, end = start[known], end[known]
        i, j = labels.codes[start], labels.codes[end]
        used = np.flatnonzero(np.bincount(np.r_[i, j], minlength=len(labels.names)))
        place = np.full(len(labels.names), -1, dtype=np.int64)
        place[used] = np.arange(len(used))
        cluster = panel.session if clusters is None else clusters.row
        events = Events(
            source=place[i],
            target=place[j],
            cluster=cluster[end],
            session=panel.session[end],
            step=panel.step[start],
            follows=_follows(start, end, plain=not panel.lineage),
            cluster_names=panel.session_names if clusters is None else clusters.names,
        )
        names = tuple(labels.names[k] for k in used)
        made = cls.of(events.source, events.target, states=names, visits=visits, origin=panel.source)
        return replace(made, events=events)

    # ------------------------------------------------------------------ facts

    def __repr__(self) -> str:
        return f"Counts({len(self.states)} states, {self.total:g} transitions, {len(self.count)} ordered pairs)"

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.states)

    @cached_property
    def total(self) -> float:
        """Number of transitions."""
        return float(self.count.sum())

    @cached_property
    def rows(self) -> Float:
        """Transitions out of each state, self-transitions included, shape (n_states,)."""
        return summed(self.source, self.count, self.n_states)

    @cached_property
    def whole(self) -> bool:
        """True where every count is a whole number."""
        return bool(np.all(self.count == np.round(self.count)))

    @cached_property
    def matrix(self) -> csr_matrix:
        """The counts as a sparse matrix, shape (n_states, n_states)."""
        from scipy.sparse import csr_matrix

        return csr_matrix((self.count, (self.source, self.target)), shape=(self.n_states, self.n_states))

    def __add__(self, other: Counts) -> Counts:
        """Add counts of two recordings; states are matched by name, single transitions are not kept."""
        names = tuple(dict.fromkeys((*self.states, *other.states)))
        place = {name: k for k, name in enumerate(names)}
        mine, yours = (np.array([place[s] for s in part.states], dtype=np.int64) for part in (self, other))
        visits = np.zeros(len(names))
        visits[mine] += self.visits
        visits[yours] += other.visits
        return Counts.of(
            np.r_[mine[self.source], yours[other.source]],
            np.r_[mine[self.target], yours[other.target]],
            np.r_[self.count, other.count],
            states=names,
            visits=visits,
        )

    def part(self, states: Int) -> Counts:
        """Return the counts among some states, given by code, in that order; `visits` stay those of all attempts."""
        place = np.full(self.n_states, -1, dtype=np.int64)
        place[states] = np.arange(len(states))
        inside = (place[self.source] >= 0) & (place[self.target] >= 0)
        made = Counts.of(
            place[self.source[inside]],
            place[self.target[inside]],
            self.count[inside],
            states=[self.states[k] for k in states],
            visits=self.visits[states],
            origin=self.origin,
        )
        events = None if self.events is None else self.events.of_states(place)
        return replace(made, visits_rule=self.visits_rule, events=events)

    @cached_property
    def classes(self) -> Classes:
        """Strongly connected classes of the states, the one with most transitions inside first."""
        from scipy.sparse.csgraph import connected_components

        n, label = connected_components(self.matrix, directed=True, connection="strong")
        inside = label[self.source] == label[self.target]
        moves = summed(label[self.source[inside]], self.count[inside], n)
        left, entered = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        left[label[self.source[~inside]]] = True
        entered[label[self.target[~inside]]] = True
        size = np.bincount(label, minlength=n)
        first = np.zeros(n, dtype=np.int64)
        first[label[::-1]] = np.arange(self.n_states)[::-1]
        order = np.lexsort((first, -size, -moves))
        rank = np.empty(n, dtype=np.int64)
        rank[order] = np.arange(n)
        return Classes(rank[label], size[order], ~left[order], entered[order], moves[order])


@dataclass(frozen=True)
class CommunicatingClass:
    """States that all lead to each other.

    Attributes
    ----------
    states : int array
        Codes, ascending.
    closed : bool
        No transition leaves the class.
    entered : bool
        Some transition enters it from outside.
    transitions : float
        Transitions inside it, self-transitions included.
    """

    states: Int
    closed: bool
    entered: bool
    transitions: float

    def __len__(self) -> int:
        return len(self.states)

    @property
    def transient(self) -> bool:
        """A single state that is left and, once left, never entered again."""
        return len(self) == 1 and not self.closed

    @property
    def absorbing(self) -> bool:
        """A single state that is entered and never left."""
        return len(self) == 1 and self.closed and self.entered


@dataclass(frozen=True)
class Classes:
    """All strongly connected classes, the one with most transitions inside first; a sequence of them.

    Attributes
    ----------
    label : int array, shape (n_states,)
        Class of every state.
    size : int array, shape (n_classes,)
    closed, entered : bool arrays, shape (n_classes,)
    transitions : float array, shape (n_classes,)
    """

    label: Int
    size: Int
    closed: Bool
    entered: Bool
    transitions: Float

    def __len__(self) -> int:
        return len(self.size)

    @cached_property
    def _sorted(self) -> tuple[Int, Int]:
        order = np.argsort(self.label, kind="stable").astype(np.int64)
        return order, np.r_[0, np.cumsum(self.size)].astype(np.int64)

    def __getitem__(self, k: int) -> CommunicatingClass:
        if not 0 <= k < len(self):
            raise IndexError(k)
        order, first = self._sorted
        states = order[first[k] : first[k + 1]]
        return CommunicatingClass(states, bool(self.closed[k]), bool(self.entered[k]), float(self.transitions[k]))

    def __iter__(self) -> Iterator[CommunicatingClass]:
        return (self[k] for k in range(len(self)))

    @cached_property
    def transient(self) -> Bool:
        """Single states that are left and never entered again, shape (n_states,)."""
        return np.asarray(((self.size == 1) & ~self.closed)[self.label], dtype=np.bool_)

    @cached_property
    def absorbing(self) -> Bool:
        """Single states that are entered and never left, shape (n_states,)."""
        return np.asarray(((self.size == 1) & self.closed & self.entered)[self.label], dtype=np.bool_)

    @property
    def several(self) -> list[CommunicatingClass]:
        """The classes of two or more states."""
        return [self[int(k)] for k in np.flatnonzero(self.size > 1)]

    @property
    def main(self) -> CommunicatingClass | None:
        """The class of two or more states with most transitions inside."""
        several = np.flatnonzero(self.size > 1)
        return self[int(several[0])] if several.size else None


def _added_up(i: Int, j: Int, n: Float, n_states: int) -> tuple[Int, Int, Float]:
    """Return moves sorted by source, then target, equal ones added up and those of count 0 dropped."""
    key = i * max(n_states, 1) + j
    distinct, where = np.unique(key, return_inverse=True)
    total = summed(where.reshape(-1), n, len(distinct))
    kept = total > 0
    distinct = distinct[kept]
    return distinct // max(n_states, 1), distinct % max(n_states, 1), total[kept]


def _visits(visits: ArrayLike | Visits, rows: Float) -> tuple[Float, str]:
    """Return visits per state and the rule in a word; never below the row sums."""
    if isinstance(visits, str):
        if visits == "observed":
            return rows, "observed"
        if visits != "equal":
            raise SettingsError(f"`visits` must be observed, equal or a number. Got {visits!r}.")
        return np.full(len(rows), rows.max(initial=0.0)), "equal"
    given = np.asarray(visits, dtype=np.float64)
    if not np.isfinite(given).all():
        raise SettingsError("`visits` must be finite.")
    whole = np.broadcast_to(given, rows.shape)
    short = np.flatnonzero(whole < rows * (1 - 1e-12))
    if short.size:
        k = int(short[0])
        raise SettingsError(
            f"`visits` must be at least the transitions that leave a state. Got {whole[k]:g} for a state that was "
            f"left {rows[k]:g} times."
        )
    return np.array(whole), f"{float(given):g}" if given.ndim == 0 else "observed"


def _links(panel: Panel, lag: int) -> tuple[Int, Int]:
    """Return (start, end) rows of the transitions of one lag; for plain loops no row is used twice as an end."""
    start, end = ancestors(panel.parent, lag)
    if lag == 1:
        return start, end
    first = np.zeros(panel.n_sessions, dtype=np.int64)
    first[panel.session[::-1]] = panel.step[::-1]
    apart = (panel.step[end] - first[panel.session[end]]) % lag == 0
    return start[apart], end[apart]


def _follows(start: Int, end: Int, *, plain: bool) -> Bool:
    """Return where a transition starts at the row the one before it ended at."""
    follows = np.zeros(len(start), dtype=np.bool_)
    if plain:
        follows[1:] = start[1:] == end[:-1]
    return follows
