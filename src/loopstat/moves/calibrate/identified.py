"""A parameter as recordings show it: its value and interval, a bound, or the reason why these data cannot tell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ...inference.estimate import Estimate, show
from ...results.record import UNWRITTEN, Record, written

UNREAD = "It stands among the parameters of the group."  # of what is written once, there


@dataclass(frozen=True, eq=False)
class Identified(Record):
    """A parameter of the moves lens, calibrated on recorded candidates.

    Attributes
    ----------
    name : str
        As the simulator calls it.
    estimate : Estimate
        NaN where there is none; where `identifiable` is False it is what a method gave, not the parameter.
    identifiable : bool
        Whether the data and the method's assumptions allow the value to be used.
    bound : str or None
        `upper` where the parameter is at most the interval's upper end.
    reason : str
        Why it is not identifiable, or what the value rests on: one or two sentences.
    method : str
    n_tasks, n_samples : int
        Used.
    asks : str
        The options that would give it, where no column was named for it. Not in the JSON.
    """

    KEYS = ("name", "estimate", "identifiable", "bound", "reason", "method", "n_tasks", "n_samples")

    name: str
    estimate: Estimate = field(metadata=written("value", "low", "high"))
    identifiable: bool
    reason: str
    method: str
    n_tasks: int
    n_samples: int
    bound: str | None = None
    asks: str = field(default="", metadata=UNWRITTEN)

    @classmethod
    def unknown(
        cls, name: str, reason: str, *, method: str = "none", n_tasks: int = 0, n_samples: int = 0, asks: str = ""
    ) -> Identified:
        """Return a parameter of which nothing is known, and why."""
        return cls(name, Estimate.unknown(), False, reason, method, n_tasks, n_samples, asks=asks)

    @property
    def value(self) -> float:
        """The estimate without its interval."""
        return float(self.estimate.value)

    def refused(self, reason: str) -> Identified:
        """Return the same figures, not to be used, for another reason."""
        return replace(self, identifiable=False, reason=reason)

    @property
    def said(self) -> str:
        """The figure in words: the most it is, value and interval, or that it is not identifiable."""
        if self.bound:
            return f"at most {show(float(self.estimate.high))}"
        return show(*self.estimate.triple) if self.identifiable else "not identifiable"

    def __str__(self) -> str:
        return f"{self.name}: {self.said}. {self.reason}"
