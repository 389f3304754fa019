"""What a simulated loop of moves comes to, in one sentence, and what could make that mislead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float
from ..inference.estimate import Estimate, number
from ..results.arrival import Arrivals
from ..results.check import CheckRule, Outcome
from ..results.verdict import Reason, Verdict
from .mean_path import Ceiling
from .model import Team, winner_band
from .settings import MoveSettings

MAX_FALSE_PASS = 0.05
MAX_NEVER = 0.5  # beyond, the median run does not arrive
SHORT = 0.05  # more than this above where it would rest, a shrinking radius has stopped a path
MAX_LATE = 0.01  # of the runs; where more arrive in the last tenth of the moves, more moves would bring more of them


@dataclass(frozen=True)
class Facts:
    """What checks and verdict are drawn from.

    Attributes
    ----------
    to_target, to_good : Arrivals
        Moves until P_pass, and P_good, is at least the target.
    cost_to_target : Arrivals
    late : (float, float)
        Share of runs that arrive in the last tenth of the moves, at the target and at good.
    false_pass : Estimate
    acceptance : float array, shape (max_moves,)
        Mean over runs, by move.
    ceiling : Ceiling
    """

    settings: MoveSettings
    to_target: Arrivals
    to_good: Arrivals
    cost_to_target: Arrivals
    late: tuple[float, float]
    false_pass: Estimate
    acceptance: Float
    ceiling: Ceiling


def _never_reached(f: Facts) -> Outcome:
    return _never(f, f.to_target, _passing(f.settings))


def _never_good(f: Facts) -> Outcome:
    return _never(f, f.to_good, _all_good(f.settings))


def _never(f: Facts, arrivals: Arrivals, what: str) -> Outcome:
    value = float(arrivals.never.value)
    passed = value < MAX_NEVER
    rest = "" if passed else " The median lies beyond, or there is none."
    said = f"{_percent(arrivals.never)} of the runs do not get to {what} within {f.settings.max_moves} moves.{rest}"
    return Outcome(value, passed, said)


def _false_pass(f: Facts) -> Outcome:
    value = float(f.false_pass.value)
    if np.isnan(value):
        return Outcome(None, True, "No run stops, so none stops on a false pass.")
    passed = value <= MAX_FALSE_PASS
    said = f"In {_percent(f.false_pass)} of the runs that stop, a defect is left that the tests do not see."
    return Outcome(value, passed, said)


def _horizon(f: Facts) -> Outcome:
    value = max(f.late)
    passed = value <= MAX_LATE
    said = f"{value:.1%} of the runs arrive in the last tenth of the {f.settings.max_moves} moves"
    more = ": more moves would change little." if passed else "; with more moves more would: raise max_moves."
    return Outcome(value, passed, f"{said}{more}")


def _band_never_met(f: Facts) -> Outcome:
    s, a = f.settings, f.acceptance[np.isfinite(f.acceptance)]
    if s.policy != "trust-region" or not len(a):
        return Outcome(None, True, "This policy reads no acceptance.")
    low, high = (float(end) for end in winner_band(s, Team.of(s).k_eff))
    seen, text = f"{a.min():.2f}-{a.max():.2f}", f"{low:.2f}-{high:.2f}"
    if a.min() > high:
        said = f"The acceptance, {seen}, stays above the band of {text} in every move: the trust region only grows, to"
        return Outcome(float(a.min()), False, f"{said} its largest radius {s.tr_max_radius:g}.", limit=high)
    if a.max() < low:
        said = (
            f"The acceptance, {seen}, stays below the band of {text} in every move: the trust region only shrinks, to"
        )
        return Outcome(float(a.max()), False, f"{said} its least radius {s.tr_min_radius:g}.", limit=low)
    inside = float(np.mean((a >= low) & (a <= high)))
    said = f"The mean acceptance, {seen}, is inside the band of {text} in {inside:.0%} of the moves."
    return Outcome(inside, True, said)


def _order_statistic(f: Facts) -> Outcome:
    exact = f.settings.order_statistic == "exact"
    said = "The best of the candidates is exact."
    if not exact:
        said = "The best of the candidates is the approximation: too low by 0.4 standard deviations at three of them, "
        said += "and negative below two."
    return Outcome(None, exact, said)


READINGS = {
    "split": "Arrival is when the tests would pass with the target's probability, if they were run now.",
    "integer": "Arrival is the first actual pass: no visible defect is left in the run, whatever the target.",
    "single": "One mass is followed, as if the tests saw their share of what slipped past them: they do not. Arrival "
    "is when they would pass, if they were run now.",
}


def _reading(f: Facts) -> Outcome:
    process = f.settings.process
    return Outcome(None, process != "single", READINGS[process])


RULES: tuple[CheckRule[Facts], ...] = (
    CheckRule("never_reached", MAX_NEVER, "The median run does not arrive.", _never_reached),
    CheckRule("never_good", MAX_NEVER, "The median run keeps a defect.", _never_good),
    CheckRule("false_pass", MAX_FALSE_PASS, "Runs stop on defects that the tests do not see.", _false_pass),
    CheckRule("horizon", MAX_LATE, "More moves would bring more runs to the target.", _horizon),
    CheckRule("band_never_met", None, "The trust region does not adapt.", _band_never_met),
    CheckRule("order_statistic", None, "The best of the candidates is an approximation.", _order_statistic),
    CheckRule("reading", None, "One mass is followed where there are two.", _reading),
)


def _percent(e: Estimate) -> str:
    value, low, high = (100 * float(x) for x in (e.value, e.low, e.high))
    if np.isnan(low):
        return f"{value:.0f} %"
    digits = 0 if high - low >= 1 else 1
    return f"{value:.{digits}f} % [{low:.{digits}f}, {high:.{digits}f}]"


def _moves(e: Estimate) -> str:
    low, high = (f"{float(x):.0f}" if np.isfinite(x) else "∞" for x in (e.low, e.high))
    return f"{float(e.value):.0f} [{low}, {high}] moves"


def _passing(s: MoveSettings) -> str:
    return "no visible defect" if s.process == "integer" else f"P_pass of at least {s.target_reliability:g}"


def _all_good(s: MoveSettings) -> str:
    return "no defect at all" if s.process == "integer" else f"P_good of at least {s.target_reliability:g}"


# ------------------------------------------------------------------------------------- verdict


def decide(facts: Facts) -> Verdict:
    """Return the verdict: first whether runs end good and what stopping risks, then why the mean path stalls."""
    good, passing = (a.never.value < MAX_NEVER for a in (facts.to_good, facts.to_target))
    action = "good" if good else "passes_only" if passing else "stalls"
    why = (Reason("runs", _good(facts)), Reason("stop", _passes(facts)), Reason("mean_path", _mean_path(facts)))
    return Verdict(action, " ".join(reason.sentence for reason in why), why=why)


def _good(f: Facts) -> str:
    goal, never, moves = _all_good(f.settings), _percent(f.to_good.never), f.settings.max_moves
    if f.to_good.never.value < MAX_NEVER:
        half = f"Half of the runs get to {goal} in at most {_moves(f.to_good.median)}"
        return f"{half}; {never} do not within {moves}."
    return f"{never} of the runs do not get to {goal} within {moves} moves."


def _passes(f: Facts) -> str:
    goal, risk = _passing(f.settings), f"with probability {_percent(f.false_pass)}"
    if f.to_target.never.value >= MAX_NEVER:
        rest = f"; those that do hide a defect {risk}" if np.isfinite(f.false_pass.value) else ""
        return f"{_percent(f.to_target.never)} do not get to {goal} either{rest}."
    cost = f"cost {number(float(f.cost_to_target.median.value), 3)}"
    return f"Stopping at {goal}, after {_moves(f.to_target.median)} ({cost}), hides a defect {risk}."


def _mean_path(f: Facts) -> str:
    top, s = f.ceiling, f.settings
    if top.reachable:
        return f"The mean path gets to P_pass {_p(top.p_pass)} (P_good {_p(top.p_good)})."
    where = f"{number(top.mu)} defects (P_pass {_p(top.p_pass)}, P_good {_p(top.p_good)})"
    guards = "reviewers and tests turn" if s.reviewers else "tests turn"
    single = f"Single runs may go past it, by chance and because {guards} down what makes it worse."
    if top.mu >= s.difficulty:
        return f"The mean path never improves on its {where}: a move damages more than it repairs. {single}"
    if top.travel is not None and top.mu > float(top.floor.mass) * (1 + SHORT):
        length = number(float(top.travel.length))
        return f"The mean path stalls at {where}: its radius shrinks, and {length} in all is too short a way. {single}"
    return f"The mean path stalls at {where}, where a move damages as much as it repairs. {single}"


def _p(value: float) -> str:
    return number(value, 2) if value < 0.995 else number(value, 4)
