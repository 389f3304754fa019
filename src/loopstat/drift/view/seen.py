"""A group as its view sees it: the fit, its place in the JSON, the sessions drawn; and words the views share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ...inference.estimate import Estimate
from ...panel.panel import Panel
from ...results.document import Cell, Form, figure, word
from ...results.words import clean_sentence, number
from ..fit import LinearDriftFit

MAX_PAIRS = 10
VAGUE = 12.0  # ratio of its ends beyond which a half-life is said in words
UNDER_ONE, ABOUT_ONE = 0.75, 1.5  # steps between which an end is one step in words
BASELINE_WORDS = {
    "mean": "guessing the mean",
    "persistence": "standing still",
    "constant_drift": "a constant step",
    "running_mean": "the session's own mean so far",
}
OPEN_ENDED = ("drift.equilibrium", "drift.fixed_point")  # a missing end of these is an open side


@dataclass(frozen=True)
class Seen:
    """A group to be described.

    Attributes
    ----------
    fit : LinearDriftFit
    at : str
        Its place in the JSON, `groups.0`; empty for a fit alone.
    key : str
        Its anchor.
    drawn : Panel or None
        The sessions that pictures show.
    """

    fit: LinearDriftFit
    at: str = ""
    key: str = "g0"
    drawn: Panel | None = None

    @property
    def names(self) -> list[str]:
        """Objective names, made harmless."""
        return [clean_sentence(n) for n in self.fit.names]

    @property
    def short(self) -> str:
        """The label values alone."""
        return short_label(self.fit)

    @property
    def rest_path(self) -> str:
        """Where the estimate of the point of rest stands."""
        return "drift.fixed_point" if self.fit.lineage else "drift.equilibrium"

    @property
    def rest_word(self) -> str:
        """What the point of rest is: where it heads, or no more than where the fit is at rest."""
        if self.fit.lineage:
            return "proposals alone would rest at"
        return "heads for" if self.fit.check("stops_on_success").passed else "fitted rest"

    @property
    def end_word(self) -> str:
        """What the last version held is called."""
        return "kept end" if self.fit.lineage else "ends at"

    @property
    def transitions(self) -> str:
        """What transitions are called."""
        return "proposals" if self.fit.lineage else "transitions"

    def place(self, path: str) -> str:
        """Return the place of a path of this group in the JSON."""
        return f"{self.at}.{path}" if self.at else path

    def figure(self, path: str, *index: int, form: Form = "figure", unit: str = "") -> Cell:
        """Return the cell of an estimate by its path; a dash where it does not exist."""
        form = "open" if path in OPEN_ENDED else form
        return figure(self.fit.estimates.get(path), *index, place=self.place(path), form=form, unit=unit)

    def shown(self, path: str, found: Estimate) -> Cell:
        """Return the cell of an estimate that a part of the fit holds."""
        return figure(found, place=self.place(path))

    def halves(self, path: str, found: Estimate, *, unit: str = "") -> Cell:
        """Return the cell of a half-life: its figure, or where that says too little the ends in words."""
        if not is_vague(found):
            return figure(found, place=self.place(path), unit=unit)
        counts = self.fit.counts
        record = counts["n_transitions"] / max(counts["n_sessions"] - counts["n_idle_sessions"], 1)
        return word(between_steps(float(found.low), float(found.high), record))

    def number(self, path: str, value: float | None, form: Form = "number") -> Cell:
        """Return the cell of a figure without interval."""
        return figure(value, place=self.place(path), form=form)


def is_vague(half: Estimate) -> bool:
    """Return whether the ends of a half-life are known and too far apart for a figure."""
    return bool(np.isfinite(half.low) and not half.high <= VAGUE * half.low)


def between_steps(low: float, high: float, record: float) -> str:
    """Say the ends of a half-life in words; what takes longer than the record is never seen in it.

    Examples
    --------
    >>> between_steps(1.1, float("inf"), 6.0), between_steps(0.2, 4.0, 6.0)
    ('between one step and never within the record', 'between under one step and 4.0 steps')
    """
    least = "under one step" if low < UNDER_ONE else "one step" if low < ABOUT_ONE else f"{number(low)} steps"
    most = f"{number(high)} steps" if high <= record else "never within the record"
    return f"between {least} and {most}"


def short_label(fit: LinearDriftFit) -> str:
    """Return a group's label values alone (`gpt-4o, rephrase`)."""
    return clean_sentence(", ".join(fit.by.values()) or fit.label)


def pairs_by_strength(fit: LinearDriftFit) -> list[tuple[int, int]]:
    """Return pairs of objectives, the most correlated first."""
    total = fit.estimates.get("interference.total")
    if total is None:
        return []
    every = itertools.combinations(range(len(fit.names)), 2)
    return sorted(every, key=lambda ij: -abs(float(np.nan_to_num(total.value[ij]))))[:MAX_PAIRS]


def disagreement(fit: LinearDriftFit) -> bool:
    """Return whether one estimator's slowest mode lies outside another's interval."""
    there = [r.modulus for r in fit.estimator.rivals if np.isfinite(r.modulus.value)]
    return any(not r.low <= q.value <= r.high for r in there for q in there)
