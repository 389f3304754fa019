"""What a reader of tables can be asked for, checked as far as it can be without the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Bool, Float
from ..errors import SettingsError, argument
from .table.opening import LABEL_OPTIONS, Needs

Bounds = tuple[float | None, float | None]


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
    format: str | None = None  # of a log: NAME or NAME:READING
    label_options: str = LABEL_OPTIONS  # what the labels were asked for by, for refusals
    among: tuple[str, ...] | None = None  # columns that objectives are chosen among; None: all
    mixed_scorers: bool = False

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
        return Needs(
            self.labels,
            self.objectives or (),
            frozenset(self.named),
            texts or {},
            self.label_options,
            format=self.format,
        )

    def bounds_of(self, name: str) -> Bounds:
        """Return the bounds of an objective: its own, else those of `*`, else none."""
        return self.bounds.get(name, self.bounds.get("*", (None, None)))
