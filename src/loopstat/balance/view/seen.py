"""A group as its view sees it: the fit, its place in the JSON, its states by name; and the cells of its figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...arrays import Bool, Float, Int
from ...inference.estimate import Estimate
from ...results.document import Cell, Form, figure
from ...results.words import clean, clean_sentence, shorten
from ..currents import Current, EntropyProduction
from ..fit import BalanceFit

MAX_STATE = 30  # letters of a state's name in a line
ROUNDING = 1e-9  # figures below it are the rounding errors of a zero


Ranged = EntropyProduction | Current | Estimate
"""A figure with the ends of its interval; NaN where there is none."""


@dataclass(frozen=True)
class StateSet:
    """Two or more states that all lead to each other: their codes, where they stand in the JSON, and what is inside."""

    place: int
    states: Int
    closed: bool
    transitions: float


@dataclass(frozen=True)
class Seen:
    """A group to be described.

    Attributes
    ----------
    fit : BalanceFit
    at : str
        Its place in the JSON, `groups.0`; empty for a fit alone.
    key : str
        Its anchor.
    """

    fit: BalanceFit
    at: str = ""
    key: str = "g0"

    # ------------------------------------------------------------------------- states

    @property
    def short(self) -> str:
        """The label values alone (`gpt-4o, rephrase`)."""
        return clean_sentence(", ".join(self.fit.by.values()) or self.fit.label)

    @property
    def n_states(self) -> int:
        """States that were seen."""
        return len(self.fit.states)

    @property
    def n_transitions(self) -> float:
        """Transitions that were counted."""
        return self.fit.recorded.n_transitions

    @property
    def visits(self) -> Float:
        """Visits of every state."""
        return self.fit.recorded.visits

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.fit.states)}

    def _some(self, names: Sequence[str]) -> Bool:
        some = np.zeros(self.n_states, dtype=np.bool_)
        some[[self._place[name] for name in names]] = True
        return some

    @cached_property
    def label(self) -> Int:
        """Set of states that each one belongs to, 0 for the one with most transitions; those not listed come last."""
        sets = self.fit.recorded.classes
        label = np.full(self.n_states, len(sets))
        for k, found in enumerate(sets):
            label[[self._place[name] for name in found.states]] = k
        return label

    @cached_property
    def transient(self) -> Bool:
        """States that are only left."""
        return self._some(self.fit.recorded.transient)

    @cached_property
    def absorbing(self) -> Bool:
        """States that are only entered."""
        return self._some(self.fit.recorded.absorbing)

    @cached_property
    def sets(self) -> list[StateSet]:
        """Sets of two or more states that lead to one another, the largest first."""
        listed = [(k, c) for k, c in enumerate(self.fit.recorded.classes) if len(c.states) > 1]
        codes = [np.array([self._place[name] for name in c.states]) for _, c in listed]
        return [StateSet(k, at, c.closed, c.n_transitions) for (k, c), at in zip(listed, codes, strict=True)]

    @cached_property
    def code(self) -> dict[str, int]:
        """Code of every state by its name."""
        return {name: k for k, name in enumerate(self.fit.states)}

    def name(self, k: int | str, most: int = MAX_STATE) -> str:
        """Return a state's name, by its code, made harmless and short enough to stand in a line."""
        return state_name(self.fit.states[k] if isinstance(k, int) else k, most)

    def by_visits(self, most: int) -> list[int]:
        """Return codes of the states to show: the most visited ones and, among equals, those with most of the time."""
        share = np.nan_to_num(self.fit.stationary.value)
        return [int(k) for k in np.lexsort((-share, -self.visits))[:most]]

    @cached_property
    def lowest(self) -> list[int]:
        """Codes of the states that have a potential, set by set, the lowest first in each."""
        value = self.fit.potential.value
        known = np.flatnonzero(np.isfinite(value) & ~self.absorbing)
        return [int(k) for k in known[np.lexsort((value[known], self.label[known]))]]

    # ------------------------------------------------------------------------- figures

    def place(self, path: str) -> str:
        """Return the place of a path of this group in the JSON."""
        return f"{self.at}.{path}" if self.at else path

    @cached_property
    def _estimates(self) -> dict[str, Estimate]:
        found = {name: getattr(self.fit, name) for name in ("potential", "stationary", "escape", "relaxation_times")}
        return {name: Estimate(f.value, f.low, f.high) for name, f in found.items()}

    def entry(self, path: str, k: int, form: Form = "figure") -> Cell:
        """Return the cell of a state's, or a mode's, `potential`, `stationary`, `escape` or `relaxation_times`."""
        if not math.isfinite(self._estimates[path].value[k]):
            return Cell(None)
        made = figure(self._estimates[path], k, place=self.place(path), form=form)
        zero = form == "figure" and all(not end for end in made.figures)  # one by definition stands alone
        return figure(0.0, k, place=self.place(path), form="setting") if zero else made

    def ranged(self, path: str, found: Ranged, form: Form = "figure") -> Cell:
        """Return the cell of a figure that is held with its ends; `path` is that of the figure."""
        return self.spread(path, found.value, found.low, found.high, form)

    def spread(self, path: str, value: float, low: float, high: float, form: Form = "figure") -> Cell:
        """Return the cell of a figure whose ends are apart."""
        if not math.isfinite(value):
            return Cell(None)
        at = "" if 0 < abs(value) < ROUNDING else self.place(path)
        return figure(Estimate(rounded(value), low, high), place=at, form=form)

    def held(self, path: str) -> Any:
        """Return what the fit holds at a place of its JSON."""
        found: Any = self.fit
        for key in path.split("."):
            found = found[key] if isinstance(found, Mapping) else getattr(found, key)
        return found

    def at_place(self, path: str, form: Form = "number") -> Cell:
        """Return the cell of the figure at a place of the JSON; one that ends in `.value` has an interval."""
        whole, _, leaf = path.rpartition(".")
        if leaf == "value":
            return self.ranged(path, self.held(whole), form)
        return self.number(path, self.held(path), form)

    def number(self, path: str, value: float | None, form: Form = "number") -> Cell:
        """Return the cell of a figure without interval."""
        if value is None or not math.isfinite(value):
            return Cell(None)
        at = "" if 0 < abs(value) < ROUNDING else self.place(path)
        return figure(rounded(value), place=at, form=form)


def state_name(name: str, most: int = MAX_STATE) -> str:
    """Return a state's name made harmless and short enough to stand in a line."""
    return shorten(clean(name), most) if name.strip() else "(empty)"


def short_names(names: Sequence[str], most: int) -> list[str]:
    """Return names for a picture: what stands before a bracket where that alone tells them apart, else cut short."""
    heads = [name.partition("(")[0].rstrip() for name in names]
    if len(set(heads)) == len(heads) and all(0 < len(h) <= most for h in heads):
        return [state_name(h, most) for h in heads]
    return [state_name(name, most) for name in names]


def rounded(value: float) -> float:
    """Return a figure, 0 where it is but the rounding error of one."""
    return 0.0 if abs(value) < ROUNDING else value
