"""What could mislead about a potential that is a function of features: rules of its checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays import Bool
from ...inference.estimate import number
from ...panel.tally import Counts
from ...results.check import CheckRule, Outcome
from .errors import ALPHA
from .held_out import Judged
from .pairs import Design, StatePairs
from .table import CUT, Features, beginning

FEW_VISITS = 20.0
STATES_PER_FEATURE = 10.0  # below, intervals are rough
ONE_WAY = 0.2  # share of transitions without a known way back


@dataclass(frozen=True)
class Evidence:
    """What the checks look at.

    Attributes
    ----------
    stuck : bool array, shape (n_features,)
        Features along which every transition goes one way.
    settled : bool
        Newton's steps came to rest.
    misfit : float
        p-value of the test that the features explain V.
    """

    pairs: StatePairs
    counts: Counts
    table: Features
    design: Design
    stuck: Bool
    settled: bool
    judged: Judged
    misfit: float


def _separated(e: Evidence) -> Outcome:
    held = ", ".join(name for name, s in zip(e.table.names, e.stuck, strict=True) if s)
    said = (
        f"every transition that changes them goes one way along {held}: their weights are held by a small penalty "
        "alone and have no interval."
        if held
        else "no feature splits all transitions one way."
    )
    return Outcome(float(e.stuck.sum()), not held, said)


def _features_per_state(e: Evidence) -> Outcome:
    n, p = len(e.pairs.members), int(e.design.kept.sum())
    passed = n >= STATES_PER_FEATURE * p
    said = f"{number(n / max(p, 1))} states for each feature"
    return Outcome(n / max(p, 1), passed, said + ("." if passed else ": too few to tell them apart well."))


def _indistinct_features(e: Evidence) -> Outcome:
    dropped = "; ".join(f"{e.table.names[k]}: {why}" for k, why in e.design.dropped.items())
    said = dropped or "every feature says something of its own."
    return Outcome(float(len(e.design.dropped)), bool(e.design.kept.any()), said)


def _unexplained(e: Evidence) -> Outcome:
    passed = e.misfit >= ALPHA
    said = (
        f"the features explain V as far as the counts can tell (p {number(e.misfit)})."
        if not e.misfit < ALPHA
        else "V differs from a function of these features by more than the noise of the counts: the weights are "
        f"what they carry on average (p {number(e.misfit)})."
    )
    return Outcome(e.misfit, passed, said)


def _few_visits(e: Evidence) -> Outcome:
    visits, followed = _typical_visits(e.pairs), e.counts.events is not None and e.counts.events.trajectories
    few = visits < FEW_VISITS and followed
    said = f"half of the transitions leave or enter a state visited at most {number(visits)} times"
    return Outcome(visits, not few, said + (": in sessions this makes the weights too small." if few else "."))


def _never_left(e: Evidence) -> Outcome:
    share = e.pairs.n_unvisited / max(e.pairs.n_unvisited + e.pairs.n_transitions, 1)
    said = (
        f"{share:.0%} of the transitions enter a state that was never left: nothing is known of the way back, "
        "and they are left out."
    )
    return Outcome(share, share <= ONE_WAY, said)


def _held_out(e: Evidence) -> Outcome:
    n = int(np.isfinite(e.judged.down).sum())
    said = (
        "pairs are judged by fits that saw neither of their states."
        if n
        else "too few states to hold any out: skill and shares are not known."
    )
    return Outcome(float(n), n > 0, said)


def _converged(e: Evidence) -> Outcome:
    said = "the minimum was found." if e.settled else "Newton's steps did not come to rest: do not use the weights."
    return Outcome(None, e.settled, said)


def _cut_texts(states: Sequence[str]) -> Outcome:
    share = float(np.mean([beginning(text)[1] > CUT for text in states]))
    said = (
        f"{share:.0%} of the texts are longer than {CUT} characters: of these, all but the length is that of the first "
        f"{CUT}."
        if share
        else "every text is described whole."
    )
    return Outcome(share, share == 0, said)


def _typical_visits(pairs: StatePairs) -> float:
    """Return the median, over the weight of transitions, of the visits of the rarer state of a pair."""
    rarer = np.minimum(pairs.visits[pairs.a], pairs.visits[pairs.b])
    weight = np.sum(pairs.rates, axis=0)
    order = np.argsort(rarer, kind="stable")
    reached = np.cumsum(weight[order])
    return float(rarer[order][np.searchsorted(reached, reached[-1] / 2)])


RULES: tuple[CheckRule[Evidence], ...] = (
    CheckRule("separated", 0.0, "Weights held by a penalty alone have no interval.", _separated),
    CheckRule("features_per_state", STATES_PER_FEATURE, "Features are hard to tell apart.", _features_per_state),
    CheckRule("indistinct_features", None, "A feature says nothing of its own.", _indistinct_features),
    CheckRule("unexplained", ALPHA, "The features do not explain V.", _unexplained),
    CheckRule("few_visits", FEW_VISITS, "In sessions the weights are too small.", _few_visits),
    CheckRule("never_left", ONE_WAY, "Nothing is known of the way back.", _never_left),
    CheckRule("held_out", 1.0, "Skill and shares are not known.", _held_out),
    CheckRule("converged", None, "The weights are not those of the minimum.", _converged),
)
OF_TEXTS: tuple[CheckRule[Sequence[str]], ...] = (
    CheckRule("cut_texts", 0.0, "Long texts are described by their beginning.", _cut_texts),
)
"""Of features of texts alone."""
