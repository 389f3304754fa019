"""A callback for any loop that calls one after every step, or asks one whether to go on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ..record.session import Session, Step, Why


class Recorded:
    """A loop that is recorded from outside, as one session.

    Parameters
    ----------
    directory : path
        Of the run.
    **session
        What `loopstat.Session` takes: `task`, `model`, `rule`, labels.

    Attributes
    ----------
    session : Session
    last : Step or None
        The step recorded last.
    """

    otherwise: Why = "unknown"
    """How the loop ended where neither its rule nor anybody else said stop: its package's own limit is a budget."""

    def __init__(self, directory: str | os.PathLike[str], **session: Any) -> None:
        self.session = Session(directory, **session)
        self.last: Step | None = None

    def record(self, scores: float | Mapping[str, float | None] | None, **told: Any) -> Step:
        """Record one proposal, as `Session.step` takes it."""
        self.last = self.session.step(scores, **told)
        return self.last

    def stops(self) -> bool:
        """Return whether the rule says stop; never before the first step."""
        return self.last is not None and self.session.stops()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the session, as its block would."""
        if kind is None and self.session.ended is None and not self.stops():
            self.session.end(self.otherwise)
        self.session.__exit__(kind, error, trace)


class Callback(Recorded):
    """Records every proposal it is told of and says whether to stop.

    Examples
    --------
    >>> import tempfile
    >>> with Callback(tempfile.mkdtemp(), task="t") as stop:
    ...     for k in range(3):
    ...         if stop(float(k), text=f"version {k}"):
    ...             break
    >>> stop.last.step
    2
    """

    def __call__(self, scores: float | Mapping[str, float | None] | None = None, **told: Any) -> bool:
        """Record one proposal, as `Session.step` takes it, and return whether the rule says stop."""
        self.record(scores, **told)
        return self.stops()
