"""A parameter as recordings show it: its value and interval, a bound, or the reason why these data cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...inference.estimate import Estimate, show
from ...results.result import plain

NOTHING = float("nan")
NONE = Estimate(NOTHING, NOTHING, NOTHING)


@dataclass(frozen=True)
class Identified:
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

    name: str
    estimate: Estimate
    identifiable: bool
    reason: str
    method: str
    n_tasks: int
    n_samples: int
    bound: str | None = None
    asks: str = ""

    @classmethod
    def unknown(
        cls, name: str, reason: str, *, method: str = "none", n_tasks: int = 0, n_samples: int = 0, asks: str = ""
    ) -> Identified:
        """Return a parameter of which nothing is known, and why."""
        return cls(name, NONE, False, reason, method, n_tasks, n_samples, asks=asks)

    @property
    def value(self) -> float:
        """The estimate without its interval."""
        return float(self.estimate.value)

    def refused(self, reason: str) -> Identified:
        """Return the same figures, not to be used, for another reason."""
        return replace(self, identifiable=False, reason=reason)

    def __str__(self) -> str:
        e = self.estimate
        if self.bound == "upper":
            return f"{self.name}: at most {show(float(e.high))}. {self.reason}"
        shown = show(float(e.value), float(e.low), float(e.high)) if self.identifiable else "not identifiable"
        return f"{self.name}: {shown}. {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        out: dict[str, Any] = {"name": self.name}
        self.estimate.put(out, "value", ("low", "high"))
        for key in ("identifiable", "bound", "reason", "method", "n_tasks", "n_samples"):
            out[key] = plain(getattr(self, key))
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Identified:
        """Read back what `to_dict` wrote."""
        estimate = Estimate.take(data, "value", ("low", "high"))
        rest = {k: v for k, v in data.items() if k not in ("value", "low", "high")}
        return cls(estimate=estimate, **rest)
