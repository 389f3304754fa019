"""What is said of one group's decision, line by line."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...results.chart import Tone
from ...results.decision import Decided, Decision
from ...results.document import Answer, Fact, Form, Part, Parts, figure
from ...results.words import clean_sentence, kept, listed, number
from ..checks import RULES
from ..rules.families import rule_from
from ..sentence import risk
from .charts import tiny

TONES: dict[str, Tone] = {"go_on": "ours", "stop": "ink", "cannot_tell": "doubt"}
DOUBTS = {rule.name: rule.doubt for rule in RULES}


def answer(fit: Decided, limits: tuple[float, float] | None = None) -> Answer:
    """Return the action, why, and the small picture of the mean curve."""
    d = fit.decision
    return Answer(d.action, d.answer, (f": {_lost(d)}",), TONES[d.action], tiny(fit, limits))


def _lost(d: Decision) -> str:
    settled = d.sessions_needed is not None and np.isfinite(d.loss_high)
    return risk(d) + (f"; about {d.sessions_needed:,} sessions would settle it" if settled else "")


def facts(fit: Decided, at: str = "") -> tuple[Fact, ...]:
    """Return the lines of a group: what steps are worth, what single objectives want, where the answer stands.

    Parameters
    ----------
    fit : Decided
    at : str
        Its place in the JSON, `groups.0`.
    """
    return (
        *_worth(fit, at),
        *_disagreement(fit),
        *_rule(fit),
        *_guaranteed(fit),
        *_why(fit),
        *_stands(fit),
        *_seen(fit),
    )


def _worth(fit: Decided, at: str) -> Iterator[Fact]:
    """The price map: what one step is worth, stretch by stretch."""
    if not fit.price_map:
        yield Fact("a step is worth", ("nothing that could be seen: one step only is recorded",), "front")
        return
    said: list[Part] = []
    last = len(fit.price_map) - 1
    for k, s in enumerate(fit.price_map):
        # The stretches between are said without intervals: the line is for one look, the table has them.
        form: Form = "figure" if k in (0, last) else "rough"
        worth = figure(s.worth, place=f"{at}.price_map.{k}.worth", form=form)
        said += [
            ", then " if k == last and k else ", " if k else "",
            worth,
            f" to step\xa0{s.to}" if k == 0 else f" to\xa0{s.to}",
        ]
    unit = "" if fit.paid_in == "step" else f" (per unit of {fit.paid_in})"
    yield Fact(f"a step is worth{unit}", tuple(said), "front")


def _disagreement(fit: Decided) -> Iterator[Fact]:
    """Single objectives that want another step than all together."""
    others = fit.decision.disagreeing
    if others:
        said = listed(f"{clean_sentence(o.objective or '')} alone: {_in_short(o)}" for o in others)
        yield Fact("objectives", (said,), "front")
    elif fit.decision.objectives:
        yield Fact("objectives", ("each alone would stop there too, within what is known",))


def _in_short(o: Decision) -> str:
    return kept(f"step {o.step} or later" if o.action == "go_on" else f"step {o.step}")


def _rule(fit: Decided) -> Iterator[Fact]:
    """The rule to use, where one was looked for."""
    chosen = next((row for row in fit.rules if row["chosen"]), None)
    if chosen is None:
        return
    because = {
        "scorer_noise": "; others may win by the scorer's luck (--scorer-noise none if there is none)",
        "few_clusters": "; too few clusters to tune another",
    }.get(chosen["because"], "")
    if chosen["name"] == "fixed":  # the step above is a better figure for it: it uses all clusters
        yield Fact("rule to use", (f"that many steps for every session{because}",))
    else:
        yield Fact("rule to use", (clean_sentence(f"{rule_from(chosen['rule']).sentence}{because}"),), "front")


def _guaranteed(fit: Decided) -> Iterator[Fact]:
    c = fit.certificate
    if c is None:
        return
    sure = f"{c['confidence']:.0%}"
    if c["rule"] is not None:
        kept_to = f"{rule_from(c['rule']).sentence}: loses no more than {number(c['eps'])} on average, sure at {sure}"
        yield Fact("guaranteed", (f"{clean_sentence(kept_to)}; saves {c['saved']:.0%} of the steps",), "front")
    elif c["needed"] is not None:
        yield Fact(
            "guaranteed",
            (f"nothing yet: about {c['needed']:,} clusters would do, and there are {c['clusters']}",),
            "front",
        )
    else:
        yield Fact("guaranteed", (f"nothing: even cautious rules lose {number(c['eps'])} here",), "front")


def _why(fit: Decided) -> Iterator[Fact]:
    yield Fact("in full", (clean_sentence(fit.decision.sentence),))


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


def brief_doubts(fit: Decided) -> list[str]:
    """Return the doubts of failed checks in a few words each, the weightiest first."""
    return [DOUBTS[c.name] for c in fit.checks if not c.passed]


def doubts(fit: Decided) -> list[str]:
    """Return what failed checks cast doubt on, in sentences, the weightiest first."""
    return [
        clean_sentence(f"{c.message[:1].upper()}{c.message[1:]} {DOUBTS[c.name]}") for c in fit.checks if not c.passed
    ]
