"""What checks come to, from what was measured: the same words whether rows or sums were looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Bool, Float
from ..inference.tests import holm
from ..panel.ends import SuccessBar
from ..results.check import Outcome
from ..results.words import listed, number
from .readings.skill import Skill

WHITE_LEVEL = 0.025
TEST_LEVEL = 0.05
MAX_AT_BOUND = 0.05
MAX_STOPPED = 0.05


def foreseen(names: Sequence[str], skill: Skill) -> tuple[float, str | None]:
    """Return the smallest adjusted p-value of: no objective is predicted; and what speaks against that, if anything."""
    p = holm(skill.beats)
    value = float(np.nanmin(p)) if not np.isnan(p).all() else float("nan")
    return value, _predicted(names, skill, p) if value < WHITE_LEVEL else None


def _predicted(names: Sequence[str], skill: Skill, p: Float) -> str:
    better = np.minimum(*(skill.by_objective[name].value for name in ("mean", "running_mean")))
    j = int(np.nanargmin(p))
    white = [n for n, q in zip(names, p, strict=True) if not q < WHITE_LEVEL]
    rest = f" Not so for {', '.join(white)}." if white else ""
    return f"The last score helps to predict {names[j]}: held-out error {better[j]:.0%} below any mean's.{rest}"


def whiteness(skill: Skill | None, value: float, evidence: str | None) -> Outcome:
    """Return what held-out skill, and what else speaks against white scores, come to."""
    if skill is None:
        return Outcome(None, False, "Too little data to tell this loop from independent scores.")
    if np.isnan(value):
        return Outcome(None, False, "Nothing varies that could be predicted.")
    if evidence is not None:
        return Outcome(value, True, evidence)
    own = around_own_means(skill)
    around = "around a mean of each session's own" if own else "around one mean"
    message = (
        f"Cannot be told from independent scores {around}: held-out error is no better than "
        f"{'the running' if own else 'the overall'} mean's. A rate of about 1 and an R² of 0.5 then mean nothing."
    )
    return Outcome(value, False, message)


def around_own_means(skill: Skill) -> bool:
    """Return whether each session's own mean predicts better than the overall one."""
    value = {name: skill.by_objective[name].value for name in ("mean", "running_mean")}
    return bool(np.nansum(value["running_mean"] - value["mean"]) < 0)


def steadiness(p: float) -> Outcome:
    """Return whether early and late steps follow one drift, from the p-value of a test."""
    if np.isnan(p):
        return Outcome(None, True, "Not tested: too few steps or clusters.")
    passed = bool(p >= TEST_LEVEL)
    message = (
        "Early and late steps follow the same drift, as far as can be seen."
        if passed
        else "Early steps follow another drift than late ones: one rate for all steps is an average. Try --from-step."
    )
    return Outcome(p, passed, message)


def crowding(names: Sequence[str], ends: Float, at: Float, n: int, *, constant: Bool) -> Outcome:
    """Return whether scores crowd at an end of their range.

    Parameters
    ----------
    names : sequence of str
    ends, at : float arrays, shape (2, n_obj)
        The ends, and how many of the `n` scores lie there.
    n : int
    constant : bool array, shape (n_obj,)
    """
    share = np.maximum(*(at / n))
    share = np.where(constant | (share * n < 3), 0.0, share)  # some value is always the smallest
    j = int(np.argmax(share))
    end = ends[0, j] if at[0, j] >= at[1, j] else ends[1, j]
    passed = bool(share[j] <= MAX_AT_BOUND)
    percent = f"{share[j]:.1%}" if share[j] < 0.1 else f"{share[j]:.0%}"
    message = (
        "Few scores sit at an end of their range."
        if passed
        else f"{percent} of {names[j]} scores sit at {number(float(end), 3)}: its drift is pulled towards zero there."
    )
    return Outcome(float(share[j]), passed, message)


def stopped(ended: float, rule: SuccessBar | None = None, names: Sequence[str] = ()) -> Outcome:
    """Return whether sessions stop because of their score: the share recorded so, and a bar that was seen."""
    value = max(ended, rule.share if rule else 0.0)
    passed = value <= MAX_STOPPED
    if passed:
        return Outcome(value, True, "Sessions do not stop because of their score.")
    why = (
        f"{rule.share:.0%} of sessions stop on reaching {names[rule.objective]} {number(rule.bar, 3)}"
        if rule and rule.share >= ended
        else f"{ended:.0%} of sessions are recorded as ended on target"
    )
    return Outcome(
        value,
        False,
        f"{why}: later steps show unfinished sessions only, and no equilibrium can be read from them.",
    )


def survivors(*, only: bool) -> Outcome:
    """Return whether rejected proposals are in the table."""
    value = float(only)
    message = (
        "Rejected and failed proposals are in the table, as far as can be seen."
        if not value
        else "Only accepted proposals are in the table: drift fitted to survivors is too good."
    )
    return Outcome(value, not value, message)


def stillness(flat: Sequence[str], shared: Sequence[str]) -> Outcome:
    """Return whether every objective varies: those that never do, and those in which all sessions start alike."""
    verb = "changes" if len(flat) == 1 else "change"
    message = (
        f"Every objective varies{f', but no two sessions differ in {listed(shared)} at their start' * bool(shared)}."
        if not flat
        else f"{', '.join(flat)} never {verb} here before the last step, if at all: there is no drift to fit; "
        "choose others with --objectives."
    )
    return Outcome(float(len(flat)), not flat, message)
