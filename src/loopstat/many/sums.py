"""Sums of a recording: what every group keeps of its rows, made part by part and merged with `+`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..arrays import Float, Int, group_starts, relabel
from ..decide.carried import Holding, rebased_values, value_tables
from ..drift.carried.sums import Reach, drift_tables, rebased_drift
from ..errors import InputError, argument
from ..inference.clusters import MANY_CLUSTERS
from ..inference.tables import ClusterTables, Table, block_of, merged, number_of
from ..panel.panel import Objective, Panel

TASK = "task"


@dataclass(frozen=True)
class Origin:
    """A file that was read: its short name, the SHA-256 of its bytes, and its rows and sessions."""

    name: str
    digest: str
    n_steps: int = 0
    n_sessions: int = 0

    @property
    def key(self) -> tuple[list[tuple[int, str]], str]:
        """What files are sorted by: the name, numbers in it by value, then the content."""
        return natural(self.name), self.digest


def natural(text: str) -> list[tuple[int, str]]:
    """Return what texts are sorted by so that numbers in them count by value."""
    import re

    return [(len(d), d) if d.isdigit() else (0, d) for d in re.split(r"(\d+)", text)]


@dataclass(frozen=True)
class Made:
    """What decides the sums: parts merge only where all of this is the same.

    Attributes
    ----------
    objectives : tuple of Objective
    by : tuple of str
        Label columns that tell groups apart.
    cluster : str or None
        What shares a start; None: the task where there is one, else the session.
    holding : Holding
    tasks : bool
        Whether the table names tasks.
    read : mapping
        How the table was read: columns, transform, from_step, where.
    scorer : str or None
        What made the scores (`scorer_hash`), where that is recorded and tells no groups apart.
    """

    objectives: tuple[Objective, ...]
    by: tuple[str, ...] = ()
    cluster: str | None = None
    holding: Holding = field(default_factory=Holding)
    tasks: bool = False
    read: Mapping[str, Any] = field(default_factory=dict)
    scorer: str | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of cluster that sums are kept by."""
        if self.cluster is not None:
            return (self.cluster,)
        return ("session", TASK) if self.tasks else ("session",)


@dataclass(frozen=True)
class GroupStats:
    """The sums of one group.

    Attributes
    ----------
    reach : Reach
    tables : mapping from kind of cluster to ClusterTables
    over_all : mapping from name to Table
        Sums of value held that need no cluster.
    n_bare : mapping from kind of cluster to int
        Sessions without a value of the column, which share their start with nobody.
    """

    reach: Reach
    tables: Mapping[str, ClusterTables]
    over_all: Mapping[str, Table]
    n_bare: Mapping[str, int]

    @property
    def n_transitions(self) -> int:
        """Complete transitions of all sessions."""
        return round(float(next(iter(self.tables.values())).total("gram")[0, 0]))

    def plus(self, other: GroupStats, objectives: tuple[Objective, ...]) -> GroupStats:
        """Merge two parts about the same reference point."""
        one = [np.zeros(1, dtype=np.int64)] * 2
        return GroupStats(
            self.reach.plus(other.reach, objectives),
            {kind: tables + other.tables[kind] for kind, tables in self.tables.items()},
            merged([self.over_all, other.over_all], one, 1),
            {kind: n + other.n_bare[kind] for kind, n in self.n_bare.items()},
        )

    def rebased(self, signs: Float, old: tuple[Float, Float], new: tuple[Float, Float]) -> GroupStats:
        """Return the same sums about another reference point, in other units."""
        tables = {}
        for kind, held in self.tables.items():
            moved = {**rebased_drift(held.tables, old, new)}
            if "value" in moved:
                moved |= rebased_values({"value": moved["value"]}, signs * (old[0] - new[0]))
            tables[kind] = replace(held, tables=moved)
        return replace(self, tables=tables, over_all=rebased_values(self.over_all, signs * (old[0] - new[0])))


@dataclass(frozen=True)
class Stats:
    """Sums of one part of a recording, or of several merged: `+` merges, `loopstat.merge` analyses.

    Attributes
    ----------
    made : Made
        What decides the sums.
    centre, scale : float arrays, shape (n_obj,)
        Reference point and units of the sums.
    origins : tuple of Origin
        The files, in order.
    groups : mapping from label values to GroupStats
    notes : tuple of str
        What was guessed while reading.
    """

    made: Made
    centre: Float
    scale: Float
    origins: tuple[Origin, ...]
    groups: Mapping[tuple[str, ...], GroupStats]
    notes: tuple[str, ...] = ()

    @property
    def n_sessions(self) -> int:
        """Number of sessions read."""
        return sum(o.n_sessions for o in self.origins)

    @property
    def n_steps(self) -> int:
        """Number of rows read."""
        return sum(o.n_steps for o in self.origins)

    def __add__(self, other: Stats) -> Stats:
        """Merge two parts of a recording.

        Raises
        ------
        InputError
            They were not made alike, or a file is in both.
        """
        refuse_unlike(self, other)
        files = sorted((*self.origins, *other.origins), key=lambda o: o.key)
        place = {origin: k for k, origin in enumerate(files)}
        parts = []
        for part in (self, other):
            moved = np.array([place[o] for o in part.origins], dtype=np.int64)
            parts.append(part.about(self.centre, self.scale).with_files(moved))
        groups = dict(parts[0])
        for values, group in parts[1].items():
            groups[values] = groups[values].plus(group, self.made.objectives) if values in groups else group
        notes = tuple(dict.fromkeys((*self.notes, *other.notes)))
        return Stats(self.made, self.centre, self.scale, tuple(files), groups, notes)

    def about(self, centre: Float, scale: Float) -> Stats:
        """Return the same sums about another reference point, in other units."""
        if np.array_equal(centre, self.centre) and np.array_equal(scale, self.scale):
            return self
        signs = np.array([1.0 if o.maximize else -1.0 for o in self.made.objectives])
        old, new = (self.centre, self.scale), (centre, scale)
        groups = {values: group.rebased(signs, old, new) for values, group in self.groups.items()}
        return replace(self, centre=centre, scale=scale, groups=groups)

    def with_files(self, moved: Int) -> dict[tuple[str, ...], GroupStats]:
        """Return the groups with files numbered anew."""
        return {
            values: replace(group, tables={kind: t.moved(moved) for kind, t in group.tables.items()})
            for values, group in self.groups.items()
        }


def refuse_unlike(a: Stats, b: Stats) -> None:
    """Refuse to merge parts that were made by other settings, or that share a file."""
    names = (_named(a), _named(b))
    for what in ("objectives", "by", "cluster", "holding", "tasks", "read", "scorer"):
        mine, theirs = (getattr(part.made, what) for part in (a, b))
        if mine != theirs:
            said = " and ".join(f"{_said(made)} ({name})" for made, name in zip((mine, theirs), names, strict=True))
            raise InputError(
                f"parts differ in {WORDS[what]}: {said}.",
                hint="make all parts with the same options of `loopstat stats`.",
            )
    both = {o.digest: o.name for o in a.origins}
    twice = next((o for o in b.origins if o.digest in both), None)
    if twice is not None:
        raise InputError(f"{twice.name} is in both parts; its sessions would count twice.", hint="leave one part out.")


WORDS = {
    "objectives": "their objectives",
    "by": "what tells groups apart (--by)",
    "cluster": "what shares a start (--cluster)",
    "holding": "how value is held (--keep, --ended, --cost)",
    "tasks": "whether a task is recorded",
    "scorer": "what made the scores (scorer_hash)",
    "read": "how the table was read (--columns, --transform, --from-step, --where)",
}


def _named(part: Stats) -> str:
    first = part.origins[0].name if part.origins else "nothing"
    return first if len(part.origins) < 2 else f"{first} and {len(part.origins) - 1} more"


def _said(made: Any) -> str:
    if isinstance(made, tuple):
        return ", ".join(_said(m) for m in made) or "none"
    if isinstance(made, Objective):
        ends = "" if made.low is None and made.high is None else f" [{made.low}, {made.high}]"
        return f"{made.name}{'' if made.maximize else ' (smaller is better)'}{ends}"
    if isinstance(made, Holding):
        return f"keep {made.keep or 'as recorded'}, ended {made.ended or 'not named'}, cost {made.cost or 'steps'}"
    if isinstance(made, Mapping):
        return ", ".join(f"{k} {v}" for k, v in made.items() if v) or "as it stands"
    return "none" if made in (None, False) else str(made)


# ------------------------------------------------------------------------------- out of a panel


def reference_of(panel: Panel) -> tuple[Float, Float]:
    """Return a round reference point and round units near the mean and spread of the scores.

    Round, so that parts of one recording mostly choose the same, and nothing is rounded when units change.
    """
    x = panel.x[panel.complete]
    mean, sd = (x.mean(axis=0), x.std(axis=0)) if len(x) else (np.zeros(panel.n_obj), np.ones(panel.n_obj))
    scale = 2.0 ** np.round(np.log2(np.where(sd > 1e-12 * (1 + np.abs(mean)), sd, 1.0)))
    centre = np.round(mean / scale) * scale
    return np.asarray(centre, dtype=np.float64), np.asarray(scale, dtype=np.float64)


@dataclass(frozen=True)
class Place:
    """Where a panel lies in a recording: its file, and how many sessions of it came before."""

    name: str
    digest: str
    before: int


def stats_of(panel: Panel, made: Made, place: Place, about: tuple[Float, Float] | None = None) -> Stats:
    """Return the sums of a panel of whole sessions.

    Parameters
    ----------
    panel : Panel
    made : Made
    place : Place
    about : (centre, scale), optional
        Reference point and units; default near those of the panel.

    Raises
    ------
    InputError
        A label that tells groups apart changes inside sessions.
    """
    for column in (*made.by, *((made.cluster,) if made.cluster not in (None, "session") else ())):
        if not panel.is_session_label(column):
            raise InputError(
                f"`{column}` changes inside sessions, and transitions of one session would be torn apart.",
                file=place.name,
                hint=f"`loopstat analyze` with {argument('by')} reads the rows.",
            )
    centre, scale = about or reference_of(panel)
    number = {name: place.before + k for k, name in enumerate(panel.session_names)}
    groups = {
        tuple(values.values()): _group(part, made, place, (centre, scale), number)
        for values, part in panel.split(made.by)
        if len(part)
    }
    origin = Origin(place.name, place.digest, len(panel), panel.n_sessions)
    return Stats(made, centre, scale, (origin,), groups, tuple(panel.source.notes))


def _group(panel: Panel, made: Made, place: Place, about: tuple[Float, Float], number: Mapping[str, int]) -> GroupStats:
    tables: dict[str, ClusterTables] = {}
    over_all: dict[str, Table] = {}
    bare: dict[str, int] = {}
    for kind in made.kinds:
        keys, of_session, bare[kind] = _clusters(panel, kind, place, number)
        n = len(keys)
        row = of_session[panel.session]
        value, over_all = value_tables(panel, row, n, about[0], made.holding)
        tables[kind] = replace(keys, tables={**drift_tables(panel, row, n, *about), **value})
    return GroupStats(Reach.of(panel), tables, over_all, bare)


def _clusters(panel: Panel, kind: str, place: Place, number: Mapping[str, int]) -> tuple[ClusterTables, Int, int]:
    """Return the clusters of a kind without sums, the cluster of every session, and the sessions without a value."""
    names = panel.session_names
    if kind == "session":
        ids = (
            [number_of(f"{place.digest}:{name}") for name in names] if len(names) <= MANY_CLUSTERS else [0] * len(names)
        )
        at = [number[name] + 1 for name in names]  # 0 is nowhere
        blocks = [block_of(f"{place.name}:{name}") for name in names]
        return *ClusterTables.bare(ids, blocks, at, np.arange(len(names), dtype=np.int64)), 0
    labels = panel.labels[kind]
    codes, m = labels.codes[group_starts(panel.session)], len(labels.names)
    used, of_session = relabel(np.where(codes >= 0, codes, m + np.arange(len(codes))))
    shared, alone = [labels.names[k] for k in used if k < m], [names[k - m] for k in used if k >= m]
    ids = [*map(number_of, shared), *(number_of(f"{place.digest}:{name}") for name in alone)]
    blocks = [*map(block_of, shared), *(block_of(f"{place.name}:{name}") for name in alone)]
    return *ClusterTables.bare(ids, blocks, None, of_session), len(alone)


def joined(parts: Sequence[Stats]) -> Stats:
    """Merge sums of the same file, read part after part."""
    total = parts[0]
    for part in parts[1:]:
        total = beside(total, part)
    return total


def beside(a: Stats, b: Stats) -> Stats:
    """Merge the sums of two parts of one file, about one reference point."""
    first, more = a.origins[0], b.origins[0]
    origin = replace(first, n_steps=first.n_steps + more.n_steps, n_sessions=first.n_sessions + more.n_sessions)
    groups = dict(a.groups)
    for values, group in b.groups.items():
        groups[values] = groups[values].plus(group, a.made.objectives) if values in groups else group
    notes = tuple(n for n in a.notes if n in b.notes)  # counts of one part say nothing of the whole
    return Stats(a.made, a.centre, a.scale, (origin,), groups, notes)
