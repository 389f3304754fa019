"""What is said of a loop or a chain in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..balance.fit import ANSWERS, BalanceFit
from ..drift.fit import LinearDriftFit
from ..inference.estimate import number
from ..results.verdict import Verdict
from .power import WANTED, Power
from .stages import Stage
from .worth import Worth

KEEPS = 5e-3  # above 1: a modulus that is printed as 1
HOW = {"alternating": "overshooting at every step", "oscillatory": "in swings"}


def loop_verdict(stage: Stage, known: LinearDriftFit, worth: Worth, options: Mapping[str, Any]) -> Verdict:
    """Say whether a loop settles, how, and to which step it is worth running.

    Actions: `settles`, `slow` (not within a session), `runs_away`.
    """
    pays = _pays(worth, float(options["price"]), int(options["steps"]))
    if stage.radius >= 1:
        if stage.radius < 1 + KEEPS:
            return Verdict(
                "runs_away", f"never settles: one direction keeps its distance; {pays}.", answer="never settles"
            )
        grows = f"distances from rest are multiplied by {number(stage.radius, 3)} at every step"
        return Verdict("runs_away", f"runs away: {grows}; {pays}.", answer="runs away")
    half = float(known.estimates["half_life"].value)
    regimes = [r.regime for r in known.regimes]
    if "slow" in regimes:
        said = f"half of the way takes {_steps(half)}, more than its sessions allow for"
        return Verdict("slow", f"hardly settles: {said}; {pays}.", answer="hardly settles")
    how = next((f", {words}" for regime, words in HOW.items() if regime in regimes), "")
    return Verdict("settles", f"settles: half of the way in {_steps(half)}{how}; {pays}.", answer="settles")


def _steps(half: float) -> str:
    said = number(half)
    return f"{said} step" if said == "1" else f"{said} steps"


def _pays(worth: Worth, price: float, steps: int) -> str:
    if worth.step == 0:
        return f"no step is worth its price of {price:g}"
    if worth.step == steps or math.isnan(worth.next_gain):
        return f"every step up to {worth.step} is worth its price of {price:g}"
    return f"steps are worth their price of {price:g} up to step {worth.step}"


def chain_verdict(known: BalanceFit, power: Power, options: Mapping[str, Any]) -> Verdict:
    """Say whether a chain is in balance, and whether so many transitions would show it.

    Actions: `balanced`, `driven`.
    """
    answer, n = ANSWERS[known.verdict.action], f"{int(options['transitions']):,} transitions"
    if known.verdict.action == "balanced":
        why = "no drive to be found" if power.df else "no cycle: no recording could show a drive"
        return Verdict("balanced", f"{answer}: {why}.", answer=answer)
    enough = f"about {power.enough:,.0f} would do for 80 %"
    seen = float(power.drawn.value)
    seen = power.approximate if math.isnan(seen) else seen
    shown = f"{n} show it in {100 * seen:.0f} % of recordings; {enough}"
    if power.drawn.high < WANTED and options["transitions"] >= power.enough:
        enough = f"longer sessions would show more: by approximation {power.enough:,.0f} would do for 80 %"
    made = f"{number(known.entropy_production.value)} nats a step"
    return Verdict("driven", f"{answer}: {made}; {shown}.", answer=answer)
