"""What is said of one group's decision, line by line."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...results.chart import Tone
from ...results.decision import Decided, Decision, Stretch
from ...results.document import Answer, Fact, Part, Parts, figure
from ...results.words import clean_sentence, kept, listed, number
from .charts import tiny

TONES: dict[str, Tone] = {"go_on": "ours", "stop": "ink", "cannot_tell": "doubt"}
AS_GOOD = 0.05  # standard deviations: objectives whose best steps lose less than this at the common step agree


def answer(fit: Decided, limits: tuple[float, float] | None = None) -> Answer:
    """Return the action, why, and the small picture of the mean curve."""
    d = fit.decision
    why = d.sentence.removeprefix(d.answer)
    return Answer(d.action, d.answer, (clean_sentence(why),), TONES[d.action], tiny(fit, limits))


def facts(fit: Decided, at: str = "") -> tuple[Fact, ...]:
    """Return the lines of a group: what steps are worth, what single objectives want, where the answer stands.

    Parameters
    ----------
    fit : Decided
    at : str
        Its place in the JSON, `groups.0`.
    """
    return tuple([*_worth(fit, at), *_disagreement(fit), *_stands(fit), *_seen(fit)])


def _worth(fit: Decided, at: str) -> Iterator[Fact]:
    """The price map: what one step is worth, stretch by stretch."""
    if not fit.price_map:
        yield Fact("a step is worth", ("nothing that could be seen: one step only is recorded",), "front")
        return
    said: list[Part] = []
    for k, s in enumerate(fit.price_map):
        said += ["; " if k else "", _stretch(s, first=k == 0), figure(s.worth, place=f"{at}.price_map.{k}.worth")]
    unit = "" if fit.paid_in == "step" else f" (per unit of {fit.paid_in})"
    yield Fact(f"a step is worth{unit}", tuple(said), "front")


def _stretch(s: Stretch, *, first: bool) -> str:
    return f"to step\xa0{s.to}\xa0" if first else f"{s.start} to\xa0{s.to}\xa0"


def _disagreement(fit: Decided) -> Iterator[Fact]:
    """Single objectives that want another step than all together."""
    d = fit.decision
    if not d.objectives:
        return
    others = [o for o in d.objectives if _wants_other(o, d)]
    if not others:
        yield Fact("objectives", ("each alone would stop there too, within what is known",))
        return
    said = listed(f"{clean_sentence(o.objective or '')} alone: {_in_short(o)}" for o in others)
    yield Fact("objectives", (said,), "front")


def _wants_other(o: Decision, d: Decision) -> bool:
    return o.action != "cannot_tell" and not o.step_low <= d.step <= o.step_high


def _in_short(o: Decision) -> str:
    return kept(f"step {o.step} or later" if o.action == "go_on" else f"step {o.step}")


def _stands(fit: Decided) -> Iterator[Fact]:
    d = fit.decision
    high = f"to {number(d.price_high)}" if np.isfinite(d.price_high) else "up"
    said: Parts = (f"at any price from {number(d.price_low)} {high}; the price is {number(d.price)}",)
    yield Fact("it stands", said)
    if np.isfinite(d.loss):
        yield Fact("expected loss", (f"{number(d.loss)}, at most {number(d.loss_high)} ({d.loss_level:.0%})",), "long")
    if d.step_low != d.step_high:
        yield Fact("the best step", (f"{d.step}, between {d.step_low} and {d.step_high} ({d.loss_level:.0%})",), "long")


def _seen(fit: Decided) -> Iterator[Fact]:
    yield Fact("sessions end", (clean_sentence(fit.ends),), "long")
    by = f"{fit.clusters['sentence']} ({fit.clusters['n']} clusters)"
    yield Fact("intervals by", (clean_sentence(by),), "long")


def doubts(fit: Decided) -> list[str]:
    """Return what failed checks cast doubt on, in sentences, the weightiest first."""
    from ..checks import RULES

    doubt = {rule.name: rule.doubt for rule in RULES}
    return [
        clean_sentence(f"{c.message[:1].upper()}{c.message[1:]} {doubt[c.name]}") for c in fit.checks if not c.passed
    ]
