"""Which settings of each rule are tried: for tuning, taken from a recording; for a guarantee, without looking at it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...arrays import Float, Int
from .families import FixedSteps, Patience, Rule, Threshold

PLACES = 12  # limits and patiences that are tried; denser at the start where there are more steps
GAINS = (0.0, 0.1, 0.3)  # standard deviations of the scores
LEVELS = 12  # quantiles of the scores
WINDOWS = (2, 3, 5)  # steps of the recent mean
STEPS = 20  # of a knob without steps of its own, on the way to a guarantee
EVEN = 9  # places on that way that are evenly spread: near the end they are the cautious ones


def tuned_over(seen: Float) -> dict[str, tuple[Rule, ...]]:
    """Return the rules tried in each family, simplest family first.

    Parameters
    ----------
    seen : float array, shape (n_sessions, n_steps)
        Recorded scores; larger is better, NaN where there is none.
    """
    limits, patiences = places(seen.shape[1]), [int(k) for k in places(seen.shape[1]) if k > 0]
    scores = seen[~np.isnan(seen)]
    spread = float(scores.std()) if len(scores) else 0.0
    levels = _levels(scores)
    fixed = tuple(FixedSteps(at_most=n) for n in range(seen.shape[1]))
    patient = [Patience(k, g * spread) for k in patiences for g in (GAINS if spread > 0 else GAINS[:1])]
    recent = [Threshold(float(x), w) for w in WINDOWS if w < seen.shape[1] for x in levels]
    return {
        "fixed": fixed,
        "tuned_patience": tuple(Patience(k) for k in patiences),
        "patience": _limited(patient, limits),
        "threshold": _limited([Threshold(float(x)) for x in levels], limits),
        "recent_mean": _limited(recent, limits),
    }


def _limited(rules: list[Patience] | list[Threshold], limits: Int) -> tuple[Rule, ...]:
    return tuple(replace(rule, at_most=n) for rule in rules for n in (None, *map(int, limits)))


def places(n_steps: int, wanted: int = PLACES) -> Int:
    """Return places at which a session may be stopped: all, or so many of them, denser at the start."""
    if n_steps <= wanted:
        return np.arange(n_steps, dtype=np.int64)
    return np.unique(np.r_[0, np.round(np.geomspace(1, n_steps - 1, wanted - 1))]).astype(np.int64)


def _levels(scores: Float) -> Float:
    """Return quantiles of the scores; none that every score reaches."""
    if not len(scores):
        return scores
    levels = np.unique(np.quantile(scores, np.linspace(0, 1, LEVELS + 1), method="inverted_cdf"))
    return np.asarray(levels[levels > scores.min()])


def knobs(n_steps: int, low: float, high: float) -> dict[str, tuple[Rule, ...]]:
    """Return the families a guarantee is looked for in, along their knobs from cautious to bold.

    The same whatever was recorded. Few settings, because the walk along a knob ends at the first that fails; few
    families, because they share the error: patience and loop gain certify hardly anything that these two do not.

    Parameters
    ----------
    n_steps : int
    low, high : float
        Ends of the score, larger is better.
    """
    levels = np.linspace(high, low, STEPS, endpoint=False)
    even = np.round(np.linspace(0, n_steps - 1, EVEN)).astype(np.int64)
    steps = np.union1d(places(n_steps), even if n_steps > PLACES else [])
    return {
        "fixed": tuple(FixedSteps(at_most=int(n)) for n in steps[::-1]),
        "threshold": tuple(Threshold(float(x)) for x in levels),
    }
