"""A decision: where to stop, what may be lost by it, at which prices it stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from .record import UNWRITTEN, Record

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
    unit : float
        One standard deviation of the value held between sessions; not written to JSON.
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
    unit: float = field(default=float("nan"), metadata=UNWRITTEN)
