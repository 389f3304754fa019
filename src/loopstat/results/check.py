"""One thing that could make an answer wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from .record import UNWRITTEN, Record


@dataclass(frozen=True, eq=False)
class Check(Record):
    """What was measured, the limit, whether it passed, and what that means in words.

    Attributes
    ----------
    name : str
    value, limit : float or None
    passed : bool
    message : str
    kind : str
        Which of several ways of failing it is, for what is decided by it: words are not read.
    """

    name: str
    value: float | None
    limit: float | None
    passed: bool
    message: str
    kind: str = field(default="", metadata=UNWRITTEN)
