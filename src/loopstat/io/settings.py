"""What a reader of tables can be asked for, checked as far as it can be without the table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Bool, Float
from ..errors import SettingsError, argument
from ..panel.tally import Visits
from .groups import Selection
from .naming import StateRule
from .table.opening import LABEL_OPTIONS, Needs

Bounds = tuple[float | None, float | None]
WHY_APART = ", because pooling different chains can look driven where each is balanced"


@dataclass(frozen=True)
class Transform:
    """A change of scale: the function, the values it is defined for, and what to do about others."""

    name: str
    apply: Callable[[Float], Float]
    domain: str
    inside: Callable[[Float], Bool]
    hint: str


TRANSFORMS = {
    t.name: t
    for t in (
        Transform("log", np.log, "above 0", lambda v: v > 0, "use log1p where zeros occur."),
        Transform("log1p", np.log1p, "above -1", lambda v: v > -1, "shift the column, or leave the transform out."),
        Transform(
            "logit",
            lambda v: np.log(v) - np.log1p(-v),
            "between 0 and 1, both excluded",
            lambda v: (v > 0) & (v < 1),
            "scale the column into (0, 1) first, or leave the transform out.",
        ),
        Transform("sqrt", np.sqrt, "of at least 0", lambda v: v >= 0, "shift the column, or leave the transform out."),
    )
}


@dataclass(frozen=True)
class Wanted:
    """What the caller asked for, checked as far as it can be without the table."""

    objectives: tuple[str, ...] | None = None
    minimize: tuple[str, ...] = ()
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    transform: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    label_options: str = LABEL_OPTIONS  # what the labels were asked for by, for refusals

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        twice = next((n for i, n in enumerate(self.objectives or ()) if n in (self.objectives or ())[:i]), None)
        if twice is not None:
            raise SettingsError(f"objective `{twice}` is named twice; name each column once.")
        if self.objectives == ():
            raise SettingsError("`objectives` is empty; name at least one column, or leave it out to choose by rule.")
        for name, kind in self.transform.items():
            if kind not in TRANSFORMS:
                raise SettingsError(
                    f"unknown transform `{kind}` for `{name}`. Expected one of {', '.join(TRANSFORMS)}."
                )
        for name, (low, high) in self.bounds.items():
            if low is not None and high is not None and not low < high:
                raise SettingsError(f"bounds of `{name}` must be low < high. Got {low:g} and {high:g}.")

    @property
    def named(self) -> dict[str, str]:
        """Option by which each objective name was mentioned outside `objectives`."""
        said = dict.fromkeys(self.minimize, argument("minimize"))
        said.update(dict.fromkeys((n for n in self.bounds if n != "*"), argument("bounds")))
        said.update(dict.fromkeys(self.transform, argument("transform")))
        return said

    def needs(self, texts: Mapping[str, str] | None = None) -> Needs:
        """Return what the table must have."""
        return Needs(self.labels, self.objectives or (), frozenset(self.named), texts or {}, self.label_options)

    def bounds_of(self, name: str) -> Bounds:
        """Return the bounds of an objective: its own, else those of `*`, else none."""
        return self.bounds.get(name, self.bounds.get("*", (None, None)))


# ---------------------------------------------------------------------------------------------------- states


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
