"""The file of rules that `loopstat decide --save` writes."""

from __future__ import annotations

import numpy as np

from ..analysis import Decisions
from ..fit import DecisionFit, Units
from .familiar import TunedOn
from .families import FixedSteps, Rule
from .stop_rule import RuleFile, TunedRule, gains_ahead


def rules_text(result: Decisions) -> str:
    """Return the text of the file that keeps the chosen rule of every group."""
    return RuleFile({group.label: tuned(group, result) for group in result.groups}).to_json()


def tuned(group: DecisionFit, result: Decisions) -> TunedRule:
    """Return the rule of one group with all that is needed to follow it.

    It is the one that is guaranteed, where that was asked for and can be had; else the one chosen on held-out clusters,
    or as many steps as the decision says.
    """
    held, units, prospect = group.held, group.units, group.prospect
    assert held is not None and units is not None and prospect is not None  # noqa: S101, PT018 - a fit just made has them
    rule = _rule(group)
    names = tuple(units.select)
    ways = {o.name: "maximize" if o.maximize else "minimize" for o in result.objectives}
    return TunedRule(
        rule=rule,
        objectives=names,
        weights=tuple(float(units.select[name]) for name in names),
        directions=tuple(ways[name] for name in names),
        keep=units.keep,
        price=units.price,
        steps=tuple(int(s) for s in held.steps),
        ahead=gains_ahead(prospect.recorded_curve, units.price),
        tuned_on=TunedOn.of(held, np.minimum(rule.stops(held.seen, held.last), held.last)),
        bar=_bar(units, result),
        certificate=group.certified,
        digest=result.source.digest,
    )


def _bar(units: Units, result: Decisions) -> float | None:
    """Return the weighted score at which sessions are done, where it is the one the loop sees that ends them."""
    if units.bar is None:
        return None
    objective = result.objectives[units.bar.objective]
    if list(units.select) != [objective.name]:
        return None
    return float((1 if objective.maximize else -1) * units.select[objective.name] * units.bar.bar)


def _rule(group: DecisionFit) -> Rule:
    if group.certified is not None and group.certified.rule is not None:
        return group.certified.rule
    if group.trials is not None and group.trials.chosen != "fixed":
        return group.trials.rule
    return FixedSteps(at_most=int((group.curve.step == group.decision.step).argmax()))
