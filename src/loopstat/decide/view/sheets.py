"""The tables of a decision; every figure carries its place in the JSON."""

from __future__ import annotations

import numpy as np

from ...inference.estimate import Estimate
from ...results.decision import Decided
from ...results.document import Cell, Sheet, figure, word
from ...results.words import clean_sentence, number
from ..analysis import Decisions


def group_sheets(fit: Decided, at: str = "") -> list[Sheet]:
    """Return the tables of one group."""
    return [s for s in (_price_map(fit, at), _rules(fit, at), _alone(fit), _curve(fit, at)) if s is not None]


def _price_map(fit: Decided, at: str) -> Sheet | None:
    rows = tuple(
        (word(str(s.start)), word(str(s.to)), figure(s.worth, place=f"{at}.price_map.{k}.worth"))
        for k, s in enumerate(fit.price_map)
    )
    note = "A step pays as long as it is worth more than it costs; only these steps are best at some price."
    return Sheet("Price map", ("from step", "to step", "a step is worth"), rows, note) if rows else None


RULE_WORDS = {
    "fixed": "a fixed number of steps",
    "full_run": "run to the end of the record",
    "patience_3": "patience 3",
    "tuned_patience": "tuned patience",
    "patience": "patience with a least gain",
    "threshold": "a threshold on the score",
    "recent_mean": "a threshold on its recent mean",
    "loop_gain": "loop-gain bands",
    "clairvoyant": "clairvoyant (no rule can be)",
}


def _rules(fit: Decided, at: str) -> Sheet | None:
    if not fit.rules:
        return None

    def ranged(k: int, name: str) -> Cell:
        ends = (fit.rules[k][key] for key in (name, f"{name}_low", f"{name}_high"))
        return figure(Estimate(*(np.nan if v is None else v for v in ends)), place=f"{at}.rules.{k}.{name}")

    rows = tuple(
        (
            word(RULE_WORDS[row["name"]] + (" (chosen)" if row["chosen"] else "")),
            ranged(k, "net"),
            ranged(k, "against_fixed"),
            ranged(k, "against_full"),
            figure(row["saved"], place=f"{at}.rules.{k}.saved", form="percent"),
        )
        for k, row in enumerate(fit.rules)
    )
    head = ("rule", "net value", "against fixed", "against the full run", "steps saved")
    note = "Tuned on one half of the clusters, judged on the other; net of the price of the steps."
    return Sheet("Rules that look at the session", head, rows, note)


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
