"""All that the page speaks of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .choosing import Power, Trial
from .clip import Floor
from .fits import Fitted
from .recordings import Recording
from .spread import Spread
from .statements import Ranking, Statement


@dataclass(frozen=True)
class Read:
    """A recording with what is said of it before any fit.

    Attributes
    ----------
    recording : Recording
    programs, sessions : int
    spreads : tuple of Spread
    rules : Counter
        In how many programs each rule of the suite `python` moves security.
    floor : Floor
    seconds : dict
        CPU seconds that each suite takes for a program.
    """

    recording: Recording
    programs: int
    sessions: int
    spreads: tuple[Spread, ...]
    rules: Counter[str]
    floor: Floor
    seconds: dict[str, float]


@dataclass(frozen=True)
class Results:
    """All that the page speaks of, in its order.

    Attributes
    ----------
    read : tuple of Read
    absent : tuple of str
        Names of recordings that the folder does not hold.
    fits, others : tuple of Fitted
        By the suite `sj2025`, and by `python`.
    statements : tuple of Statement
    ranking : Ranking or None
    trials : tuple of Trial
    sessions, tasks : int
        That the trials are judged on.
    power : tuple of Power
    cpu : float
        Seconds of the whole study, scoring left out.
    """

    read: tuple[Read, ...]
    absent: tuple[str, ...]
    fits: tuple[Fitted, ...]
    others: tuple[Fitted, ...]
    statements: tuple[Statement, ...]
    ranking: Ranking | None
    trials: tuple[Trial, ...]
    sessions: int
    tasks: int
    power: tuple[Power, ...]
    cpu: float
