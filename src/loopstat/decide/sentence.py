"""The decision in words."""

from __future__ import annotations

from ..inference.estimate import number
from ..results.decision import Decision
from .best import Prospect


def sentence_of(d: Decision, prospect: Prospect, unit: str, keep: str) -> tuple[str, str]:
    """Return the words of the action, and the sentence that begins with them."""
    until = " or at success" if keep == "success" else ""
    price = f"{number(d.price)} a {unit}" if unit == "step" else f"{number(d.price)} per unit of {unit}"
    if d.action == "stop":
        answer = f"stop after step {d.step}{until}"
        return answer, f"{answer}: {_why_stop(d, prospect, price)} {_risk(d)}"
    if d.action == "go_on":
        answer = f"go on to about step {d.step}"
        more = float(prospect.likely[0, _place(d, prospect)] - prospect.likely[0, prospect.recorded])
        why = f"beyond the record, which ends at step {d.recorded}, about {number(more)} more is expected at {price}."
        return answer, f"{answer}: {why} {_risk(d)}"
    answer = f"cannot tell; best guess: stop after step {d.step}{until}"
    needed = "" if d.sessions_needed is None else f" About {d.sessions_needed:,} sessions would settle it."
    return answer, f"{answer}. {_risk(d)}{needed}"


def _place(d: Decision, prospect: Prospect) -> int:
    return int((prospect.steps == d.step).argmax())


def _why_stop(d: Decision, prospect: Prospect, price: str) -> str:
    place = _place(d, prospect)
    net = prospect.net(d.price)
    if place >= prospect.recorded:
        return f"every recorded step was worth its price of {price}."
    later = float(prospect.likely[0, prospect.recorded] - prospect.likely[0, place])
    if later < 0:
        return f"the steps from there to step {d.recorded} take away {number(-later)}."
    lost = float(net[place] - net[prospect.recorded])
    return f"the steps from there to step {d.recorded} add {number(later)} and cost {number(later + lost)} at {price}."


def risk(d: Decision) -> str:
    """Return what may be lost by a decision, as a part of a sentence."""
    if not d.loss_high < float("inf"):
        return "what may be lost by it cannot be said from one session"
    return f"at most {number(d.loss_high)} is lost by it ({d.loss_level:.0%})"


def _risk(d: Decision) -> str:
    said = risk(d)
    return f"{said[0].upper()}{said[1:]}."
