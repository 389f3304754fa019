"""What sums hold, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..panel.groups import label_of
from ..panel.panel import Objective, Source
from ..results.record import UNWRITTEN, Record
from .sums import GroupStats, Stats

SCHEMA = "loopstat.stats/1"


@dataclass(frozen=True, eq=False)
class GroupListing(Record):
    """One group of sums: its name, sessions, rows, transitions, and how many independent clusters of each kind."""

    label: str
    by: dict[str, str]
    n_sessions: int
    n_steps: int
    n_transitions: int
    clusters: dict[str, int]
    in_blocks: bool

    @classmethod
    def of(cls, by: Mapping[str, str], group: GroupStats) -> GroupListing:
        """List one group."""
        return cls(
            label_of(by),
            dict(by),
            group.reach.n_sessions,
            group.reach.n_steps,
            group.n_transitions,
            {kind: held.n_independent for kind, held in group.tables.items()},
            any(held.blocked for held in group.tables.values()),
        )


@dataclass(frozen=True, eq=False)
class StatsListing(Record):
    """What a file of sums holds.

    Attributes
    ----------
    source : Source
    n_sessions, n_steps : int
    objectives : tuple of Objective
    settings : dict
        What decides the sums: parts merge only where all of it is the same.
    groups : tuple of GroupListing
    notes : tuple of str
    stats : Stats or None
        The sums themselves; None in a listing read back from JSON.
    """

    KEYS = ("schema", "version", "source", "n_sessions", "n_steps", "objectives", "settings", "notes", "groups")
    SCHEMA = SCHEMA

    source: Source
    n_sessions: int
    n_steps: int
    objectives: tuple[Objective, ...]
    settings: dict[str, Any]
    groups: tuple[GroupListing, ...]
    notes: tuple[str, ...] = ()
    stats: Stats | None = field(default=None, repr=False, metadata=UNWRITTEN)

    @classmethod
    def of(cls, stats: Stats, command: str = "") -> StatsListing:
        """List sums."""
        made = stats.made
        digest = stats.origins[0].digest if len(stats.origins) == 1 else ""
        return cls(
            Source(tuple(o.name for o in stats.origins), digest),
            stats.n_sessions,
            stats.n_steps,
            made.objectives,
            {
                "by": list(made.by),
                "cluster": made.cluster,
                "keep": made.holding.keep,
                "ended": made.holding.ended,
                "cost": made.holding.cost,
                **made.read,
                "command": command,
            },
            tuple(GroupListing.of(dict(zip(made.by, v, strict=True)), g) for v, g in sorted(stats.groups.items())),
            stats.notes,
            stats,
        )
