"""Recordings made by hand or drawn, for tests of rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from loopstat.decide.curve import Curve, Held
from loopstat.decide.rules.familiar import TunedOn
from loopstat.decide.rules.families import Patience, Rule
from loopstat.decide.rules.stop_rule import RuleFile, TunedRule, gains_ahead
from loopstat.inference.resample import bootstrap_weights

NAN = float("nan")


def recording(rows: Any, *, keep: str = "last", ended: Any = False, cluster: Any = None) -> Held:
    """Return sessions with one score a step, cost 1 a step; rows end where NaN is all that follows."""
    seen = np.array(rows, dtype=np.float64)
    n, length = seen.shape
    last = length - 1 - np.argmax(~np.isnan(seen[:, ::-1]), axis=1)
    value = seen if keep == "last" else np.fmax.accumulate(seen, axis=1)
    beyond = np.arange(length) > last[:, None]
    value = np.where(beyond, np.nan, value)
    paid = np.where(beyond, np.nan, np.arange(length, dtype=np.float64))
    cluster = np.arange(n) if cluster is None else np.asarray(cluster)
    return Held(value, paid, seen, last, np.broadcast_to(ended, n).copy(), cluster, np.arange(length))


def climbing(rng: np.random.Generator, n: int, steps: int = 8, *, settle: float = 0.5, noise: float = 0.1) -> Held:
    """Return sessions that approach levels of their own, the share `settle` of the way in each step."""
    goal = rng.normal(1.0, 0.3, (n, 1))
    start = rng.normal(0.0, 0.3, (n, 1))
    way = (1 - settle) ** np.arange(steps + 1)
    return recording(goal + (start - goal) * way + rng.normal(0, noise, (n, steps + 1)))


def standing(rng: np.random.Generator, n: int, steps: int = 8) -> Held:
    """Return sessions of pure noise: no step is better than another, no score says anything about the next."""
    return recording(rng.normal(0.0, 1.0, (n, steps + 1)))


RECORD = climbing(np.random.default_rng(0), 60)


def tuned(rule: Rule, **changes: Any) -> TunedRule:
    """Return a rule tuned on the recording that the tests share."""
    weights = bootstrap_weights(60, 100, np.random.default_rng(0))
    made = TunedRule(
        rule=rule,
        objectives=("quality",),
        weights=(1.0,),
        directions=("maximize",),
        keep="best",
        price=0.05,
        steps=tuple(range(9)),
        ahead=gains_ahead(Curve.of(RECORD, weights), 0.05),
        tuned_on=TunedOn.of(RECORD, rule.stops(RECORD.seen, RECORD.last)),
        digest="abc",
    )
    return replace(made, **changes)


def saved_rule(path: Path, **changes: Any) -> Path:
    """Write the file of a tuned rule that stops after two steps without a better one, and return its path."""
    path.write_text(RuleFile({"all": tuned(Patience(2, at_most=6), **changes)}).to_json(), encoding="utf-8")
    return path
