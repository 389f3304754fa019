"""A decision: where to stop, what may be lost by it, at which prices it stands, and the curve it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..arrays import Int
from ..inference.estimate import Estimate
from .check import Check
from .forecast import Forecast
from .record import UNWRITTEN, Record, spread, written
from .verdict import Verdict

ACTIONS = ("stop", "go_on", "cannot_tell")


@dataclass(frozen=True, eq=False)
class Decision(Record):
    """When to stop, at one price of a step.

    Attributes
    ----------
    action : str
        `stop`, `go_on` (the best step lies beyond the record) or `cannot_tell`.
    step, step_low, step_high : int
        Step number as in the file, the best guess in every case, and the interval of it.
    recorded : int
        Last step that the record can judge.
    extrapolated : bool
        Whether the step lies beyond it.
    price, price_low, price_high : float
        Of one step, in units of the value, and the prices between which the step stays the same.
    value : float
        Expected value held at the step.
    loss, loss_high : float
        Expected loss against the best step, and its upper limit at `loss_level`.
    loss_level : float
    sessions_needed : int or None
        How many sessions would settle it, where the action is `cannot_tell`.
    sentence : str
    objective : str or None
        The objective it is about, where it is about one alone.
    objectives : tuple of Decision
        The same for every objective alone.
    """

    KEYS = (
        *("action", "step", "step_low", "step_high", "recorded", "extrapolated", "price", "price_low", "price_high"),
        *("value", "loss", "loss_high", "loss_level", "sessions_needed", "sentence", "objective", "objectives"),
    )

    action: str
    step: int
    step_low: int
    step_high: int
    recorded: int
    extrapolated: bool
    price: float
    price_low: float
    price_high: float = field(metadata={"null": float("inf")})
    value: float
    loss: float
    loss_high: float
    loss_level: float
    sessions_needed: int | None
    sentence: str
    objective: str | None = None
    objectives: tuple[Decision, ...] = ()
    answer: str = field(default="", metadata=UNWRITTEN)

    @property
    def disagreeing(self) -> tuple[Decision, ...]:
        """Decisions for objectives alone that want another step than all together."""
        return tuple(
            o for o in self.objectives if o.action != "cannot_tell" and not o.step_low <= self.step <= o.step_high
        )


@dataclass(frozen=True, eq=False)
class StopVerdict(Verdict):
    """What to do, in the form of every lens: `step` is None unless stopping."""

    KEYS = ("action", "step", "sentence", "sessions_needed")

    step: int | None = None
    sessions_needed: int | None = None

    @classmethod
    def of(cls, d: Decision) -> StopVerdict:
        """Return a decision as a verdict."""
        step = d.step if d.action == "stop" else None
        return cls(d.action, d.sentence, step, d.sessions_needed, answer=d.answer)


@dataclass(frozen=True, eq=False)
class Stretch(Record):
    """Steps that are worth the same: what one of them adds, from one step number to another."""

    KEYS = ("start", "to", "worth")

    start: int = field(metadata=written("from"))
    to: int
    worth: Estimate


@dataclass(frozen=True, eq=False)
class ValueCurve(Record):
    """What is held after each step, on average, recorded and expected.

    Attributes
    ----------
    step, n : int arrays, shape (n_steps,)
        Step number as in the file, and sessions seen there; 0 beyond the record.
    running, value, net : Estimate, arrays of shape (n_steps,)
        Share of sessions still running, value held, and value less what the steps cost.
    """

    step: Int
    n: Int
    running: Estimate
    value: Estimate
    net: Estimate


COUNTS = ("n_sessions", "n_cut", "n_ended")


@dataclass(frozen=True, eq=False)
class Decided(Record):
    """When to stop, for one group, and what that rests on.

    Attributes
    ----------
    label, by : str, dict
    counts : dict
        `n_sessions`, `n_cut` (cut off before the record's end), `n_ended` (by themselves).
    clusters : dict
        Kind and number of the resampling unit.
    keep, ends, paid_in : str
        The keep rule; how it is known which sessions ended by themselves; what the price is paid for.
    decision : Decision
    curve : ValueCurve
    price_map : tuple of Stretch
    rules : tuple of dict
        Rules that look at the session, as they did on held-out clusters; empty where none was tried.
    certificate : dict or None
        What a guarantee says.
    checks : tuple of Check
    forecast : Forecast or None
        What sessions will hold; None where it was not asked for.
    """

    KEYS = (
        *("label", "by", "counts", "clusters", "keep", "ends", "paid_in", "decision", "curve", "price_map", "rules"),
        *("certificate", "forecast", "checks"),
    )

    label: str
    by: dict[str, str]
    counts: dict[str, int] = field(metadata=spread(COUNTS))
    clusters: dict[str, Any]
    keep: str
    ends: str
    paid_in: str
    decision: Decision
    curve: ValueCurve
    price_map: tuple[Stretch, ...]
    checks: tuple[Check, ...] = field(metadata=written("decision_checks"))
    rules: tuple[Mapping[str, Any], ...] = ()
    certificate: Mapping[str, Any] | None = None
    forecast: Forecast | None = None

    def __repr__(self) -> str:
        return f"{self.label}: {self.decision.sentence}"

    def check(self, name: str) -> Check:
        """Return a check by name."""
        return next(c for c in self.checks if c.name == name)
