"""What the commands of the log answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..results.record import UNWRITTEN, Record


@dataclass(frozen=True, eq=False)
class SessionSeen(Record):
    """One session of a store.

    Attributes
    ----------
    directory : str
    name : str
    started, last_at : str
        UTC, as ISO 8601 writes it; `last_at` of its last step, None before any.
    ended : str or None
        None while it has not ended, or where its process did not live to say so.
    note : str
    n_steps : int
    labels : mapping
        Of all its steps.
    """

    directory: str
    name: str
    started: str
    last_at: str | None
    ended: str | None
    note: str
    n_steps: int
    labels: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Listing(Record):
    """The sessions of run directories, in the order in which they began."""

    SCHEMA = "loopstat.log/1"
    KEYS = ("schema", "version", "recorded_sessions", "notes")
    recorded_sessions: tuple[SessionSeen, ...]
    notes: tuple[str, ...] = ()
    command: str = field(default="", metadata=UNWRITTEN)


@dataclass(frozen=True, eq=False)
class StepSeen(Record):
    """One step of a session.

    Attributes
    ----------
    step : int
    candidate, repeat : str
    parent_step : int or None
    parent_candidate : str or None
    accepted : bool or None
    recorded_at : str
        When it was recorded.
    scores, labels : mappings
    texts : mapping
        Bytes of each of its texts.
    """

    step: int
    candidate: str
    repeat: str
    parent_step: int | None
    parent_candidate: str | None
    accepted: bool | None
    recorded_at: str
    scores: Mapping[str, float | None]
    labels: Mapping[str, Any]
    texts: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class SessionShown(Record):
    """One session with its steps; `artifacts` holds the whole texts of the step that was asked for."""

    SCHEMA = "loopstat.log_session/1"
    KEYS = ("schema", "version", "session", "steps", "artifacts", "notes")
    session: SessionSeen
    steps: tuple[StepSeen, ...]
    artifacts: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    command: str = field(default="", metadata=UNWRITTEN)


@dataclass(frozen=True, eq=False)
class StoreVerified(Record):
    """Whether one store is what was written.

    Attributes
    ----------
    directory : str
    format : int
    sound : bool
    n_sessions, n_steps, n_texts : int or None
        None where they cannot be trusted.
    problems : tuple of str
    """

    KEYS = ("directory", "format", "sound", "n_sessions", "n_steps", "n_texts", "problems")
    directory: str
    format: int
    n_sessions: int | None
    n_steps: int | None
    n_texts: int | None
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Nothing is wrong with it."""
        return not self.problems


@dataclass(frozen=True, eq=False)
class Verified(Record):
    """Whether stores are what was written."""

    SCHEMA = "loopstat.log_verify/1"
    KEYS = ("schema", "version", "sound", "stores", "notes")
    stores: tuple[StoreVerified, ...]
    notes: tuple[str, ...] = ()
    command: str = field(default="", metadata=UNWRITTEN)

    @property
    def sound(self) -> bool:
        """Nothing is wrong with any."""
        return all(store.sound for store in self.stores)


@dataclass(frozen=True, eq=False)
class Exported(Record):
    """The table of a store: its size and columns; `stored` is what is written where a file is asked for."""

    SCHEMA = "loopstat.log_export/1"
    KEYS = ("schema", "version", "directory", "n_sessions", "n_steps", "columns", "notes")
    directory: str
    n_sessions: int
    n_steps: int
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    command: str = field(default="", metadata=UNWRITTEN)
    stored: Any = field(default=None, metadata=UNWRITTEN)
