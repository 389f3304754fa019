"""What is asked of recorded states, whatever the table, and what comes of it: groups, visits, what to say of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Float
from ..errors import InputError, SettingsError, argument, either
from ..panel.panel import Panel, Source
from ..panel.tally import Counts, Visits
from .groups import Selection
from .naming import StateRule

WHY_APART = ", because pooling different chains can look driven where each is balanced"
POOLED = " into one chain"

Part = tuple[dict[str, str], Panel | Counts]


@dataclass(frozen=True)
class Recording:
    """States as they were recorded, one part per group.

    Attributes
    ----------
    parts : tuple of (labels, Panel or Counts)
        The values of the `by` columns, and the group: a Panel with a label `state`, or Counts where there were no
        sessions. Groups without a transition are left out.
    by : list of str
        Columns that tell the groups apart; empty where all is one group.
    notes : tuple of str
        What was guessed or left out: states, groups, visits, rows.
    source : Source
    kind : str
        `sessions`, `transitions`, `expressions` or `words`.
    visits : str or float
        The rule for visits, as given.
    """

    parts: tuple[Part, ...]
    by: list[str]
    notes: tuple[str, ...]
    source: Source
    kind: str
    visits: Visits = "observed"


@dataclass(frozen=True)
class StatesAsked:
    """What the caller asked of a recording of states."""

    rule: StateRule
    visits: Visits
    selection: Selection
    from_step: int | None
    lag: int
    cluster: str | None
    seed: int

    def __post_init__(self) -> None:
        """Refuse a lag that spans no step."""
        if isinstance(self.lag, bool) or not isinstance(self.lag, int | np.integer) or self.lag < 1:
            raise SettingsError(f"`lag` must be an int of at least 1. Got {self.lag!r}.")

    @property
    def labels(self) -> list[str]:
        """Columns that must be there as labels."""
        return [*self.selection.names, *([self.cluster] if self.cluster and self.cluster != "session" else [])]

    def refuse_for_moves(self, what: str) -> None:
        """Refuse what makes sense for sessions only; `what` names the table."""
        if self.lag > 1:
            raise SettingsError(f"`lag` must be 1 for {what}: it holds single moves, not sessions. Got {self.lag}.")
        for option, given in (("from_step", self.from_step), ("cluster", self.cluster)):
            if given is not None:
                raise SettingsError(
                    f"{argument(option)} has no meaning for {what}: it holds single moves, not sessions."
                )


def visits_of(given: Visits) -> Visits:
    """Return `observed`, `equal` or a number above 0, from a word, a number or its text.

    Examples
    --------
    >>> visits_of("4000"), visits_of("equal")
    (4000.0, 'equal')
    """
    if given in ("observed", "equal"):
        return given
    try:
        number = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise SettingsError(f"`visits` must be observed, equal or a number above 0. Got {given!r}.")
    return number


def visits_notes(visits: Visits) -> list[str]:
    """Say which visits were asked for."""
    said = {
        "observed": "observed, the transitions out of each state",
        "equal": "equal, in each group the largest number of transitions out of a state",
    }
    return [f"visits: {said.get(str(visits)) or f'{visits:g} to every state'}."]


def refuse_few(visits: float, left: Float, names: Sequence[str]) -> None:
    """Refuse a number of visits below the transitions that leave some state."""
    most = int(np.argmax(left))
    if visits < left[most] * (1 - 1e-12):
        given = either(f"--visits {visits:g}", f"visits={visits:g}")
        raise InputError(
            f"{given} is too few: state {names[most][:80]!r} was left {left[most]:g} times, and every "
            "transition out of a state is a visit to it.",
            hint=f"{argument('visits', 'observed')}, or a number of at least {np.ceil(left[most]):g}.",
        )
