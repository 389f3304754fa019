"""The tables of a decision; every figure carries its place in the JSON."""

from __future__ import annotations

from ...results.decision import Decided
from ...results.document import Sheet, figure, word
from ...results.words import clean_sentence, number
from ..analysis import Decisions


def group_sheets(fit: Decided, at: str = "") -> list[Sheet]:
    """Return the tables of one group."""
    return [s for s in (_price_map(fit, at), _alone(fit), _curve(fit, at)) if s is not None]


def _price_map(fit: Decided, at: str) -> Sheet | None:
    rows = tuple(
        (word(str(s.start)), word(str(s.to)), figure(s.worth, place=f"{at}.price_map.{k}.worth"))
        for k, s in enumerate(fit.price_map)
    )
    note = "A step pays as long as it is worth more than it costs; only these steps are best at some price."
    return Sheet("Price map", ("from step", "to step", "a step is worth"), rows, note) if rows else None


def _alone(fit: Decided) -> Sheet | None:
    rows = tuple(
        (word(clean_sentence(o.objective or "")), word(o.answer), word(number(o.loss_high)), word(number(o.price)))
        for o in fit.decision.objectives
    )
    head = ("objective", "alone", "lost at most", "at a price of")
    return Sheet("Each objective alone", head, rows) if rows else None


def _curve(fit: Decided, at: str) -> Sheet:
    c = fit.curve
    rows = tuple(
        (
            word(str(int(c.step[t]))),
            word(f"{int(c.n[t]):,}" if c.n[t] else "expected"),
            *(figure(getattr(c, name), t, place=f"{at}.curve.{name}") for name in ("running", "value", "net")),
        )
        for t in range(len(c.step))
    )
    note = "Sessions cut off are carried on as others of their level went; sessions that ended keep what they hold."
    return Sheet("Step by step", ("step", "sessions", "still running", "value held", "less what it cost"), rows, note)


def answers(result: Decisions) -> Sheet:
    """Return one row per group: the step, its value, what may be lost."""
    rows = tuple(
        (
            word(clean_sentence(", ".join(g.by.values()) or g.label)),
            word(g.decision.answer),
            figure(g.decision.value, place=f"groups.{k}.decision.value", form="number"),
            figure(g.decision.loss_high, place=f"groups.{k}.decision.loss_high", form="rough"),
        )
        for k, g in enumerate(result.groups)
    )
    return Sheet("When to stop", ("group", "what to do", "value there", "lost at most"), rows)
