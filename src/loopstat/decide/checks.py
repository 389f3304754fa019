"""What could make a decision wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inference.tests import mean_test
from ..results.check import CheckRule, Outcome
from .curve import Held

FEW = 5
LEVEL = 0.05


@dataclass(frozen=True)
class Evidence:
    """What the checks look at: value held, the resampling unit, the keep rule, whether what selects also counts,
    and whether scores are exact.
    """

    held: Held
    cluster_kind: str
    n_clusters: int
    keep: str
    same_score: bool
    exact: bool


def _few_clusters(e: Evidence) -> Outcome:
    what = "stretches of one session" if e.cluster_kind == "block" else f"{e.cluster_kind} clusters"
    return Outcome(float(e.n_clusters), e.n_clusters >= FEW, f"{e.n_clusters} {what}.")


def _cut_like_others(e: Evidence) -> Outcome:
    """Compare value held and last increment of sessions about to be cut with those of others at the same step."""
    held = e.held
    cut = held.cut
    if cut.sum() < FEW:
        return Outcome(None, True, "too few sessions were cut off to compare." if cut.any() else "none was cut off.")
    level, step, cluster = [], [], []
    for t in range(1, len(held.steps) - 1):
        here = held.last >= t
        going, gone = here & (held.last > t), here & (held.last == t) & cut
        if going.sum() < 2 or not gone.any():
            continue
        now, change = held.value[:, t], held.value[:, t] - held.value[:, t - 1]
        level.append(now[gone] - now[going].mean())
        step.append(change[gone] - change[going].mean())
        cluster.append(held.cluster[gone])
    if not level:
        return Outcome(None, True, "no step has both sessions cut off and others.")
    values = np.stack([np.concatenate(level), np.concatenate(step)], axis=1)
    codes = np.unique(np.concatenate(cluster), return_inverse=True)[1].reshape(-1)
    if codes.max() < 2:
        return Outcome(None, True, "too few clusters hold sessions that were cut off.")
    _, p = mean_test(values, codes.astype(np.int64), int(codes.max()) + 1)
    smallest = float(min(2 * np.nanmin(p), 1.0))
    differ = smallest < LEVEL
    said = (
        "sessions cut off differ from those that went on" if differ else "sessions cut off are like those that went on"
    )
    return Outcome(smallest, not differ, f"{said} in value held or last change (p {smallest:.2g}).")


def _honest_best(e: Evidence) -> Outcome:
    passed = e.keep != "best" or not e.same_score or e.exact
    said = "the best of noisy scores is too high a figure" if not passed else "no noisy score both selects and counts"
    return Outcome(None, passed, f"{said}.")


RULES = (
    CheckRule("few_clusters", float(FEW), "Too few clusters to trust the limit of the loss.", _few_clusters),
    CheckRule(
        "cut_like_others",
        LEVEL,
        "Sessions that were cut off differ from the others: they are carried on by level, nothing else is seen.",
        _cut_like_others,
    ),
    CheckRule(
        "honest_best", None, "The best of noisy scores is too high a figure: score what is kept again.", _honest_best
    ),
)
