"""The last line: go on, stop at step N, or cannot tell; and what would be needed to tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..arrays import Bool, Float, Int
from ..inference.estimate import number
from ..inference.intervals import jackknife_interval, jackknife_variance, percentile_interval, student
from ..inference.tests import mean_test
from ..panel.ends import StopRule
from ..panel.panel import Panel
from ..results.check import Check
from ..results.verdict import Verdict
from .checks import OWN_MEAN
from .readings.paths import MeanPath, kept_gain

WAY = 0.9  # the step asked for is the first at which this share of the way is gone
HORIZON = 3000  # steps looked ahead for it
NEGLIGIBLE = 0.2  # a mean way shorter than this many standard deviations of the scores is no way
LEVEL = 0.05
DRY = 0.02  # below this share of unfinished sessions succeeding per step, going on is not worth it


@dataclass(frozen=True, eq=False)
class StopVerdict(Verdict):
    """What to do: go on, stop at `step` (None unless stopping), or cannot tell.

    `sessions_needed` says about how many clusters would do where the answer is `cannot_tell`.
    """

    KEYS = ("action", "step", "sentence", "sessions_needed")

    step: int | None = None
    sessions_needed: int | None = None


@dataclass(frozen=True)
class Situation:
    """What the verdict is drawn from.

    Attributes
    ----------
    gap : arrays (batch, n_obj) or None
        Mean start minus fixed point: the estimate, bootstrap draws, and without each cluster.
    step_90 : (value, low, high) or None
        First step at which 90 % of the way is gone; None where the slowest mode's interval reaches 1.
    hangs_on : tuple of str
        Clusters without which that step would be another.
    refusal : str or None
        Why no estimator could tell the drift.
    """

    panel: Panel
    checks: Mapping[str, Check]
    cluster_kind: str
    n_clusters: int
    median_length: float
    path: MeanPath
    session_cluster: Int
    n_all_clusters: int
    stop_rule: StopRule | None
    radius: tuple[float, float, float]
    level: float
    gap: tuple[Float, Float, Float] | None = None
    spread: Float | None = None
    step_90: tuple[float, float, float] | None = None
    hangs_on: tuple[str, ...] = ()
    refusal: str | None = None

    @property
    def first_step(self) -> int:
        """Step number at which sessions start."""
        return int(self.path.step[0]) if len(self.path.step) else 0

    @property
    def noun(self) -> str:
        """What would have to be more of."""
        return {"session": "sessions", "block": "steps"}.get(self.cluster_kind, f"{self.cluster_kind} clusters")


def way_to_rest(
    M: tuple[Float, Float, Float], gap: tuple[Float, Float, Float], spread: Float, level: float
) -> tuple[tuple[float, float, float], Float]:
    """Return the first step at which 90 % of the way is gone, (value, low, high), and that step without each cluster.

    Parameters
    ----------
    M, gap : arrays (batch, ...)
        One-step maps, and mean start minus fixed point: the estimate, bootstrap draws, and without each cluster.
    spread : array, shape (n_obj,)
    level : float
    """
    steps = [steps_along(m, g / spread, spread) for m, g in zip(M, gap, strict=True)]
    value = float(steps[0][0])
    # Without draws, steps without each cluster serve.
    low, high = (
        percentile_interval(steps[1], level)
        if len(steps[1])
        else jackknife_interval(np.asarray(value), steps[2], level)
    )
    return (value, min(float(low), value), max(float(high), value)), steps[2]


def steps_along(M: Float, gap: Float, spread: Float) -> Float:
    """Return the first step at which 90 % of the way is gone, shape (batch,); HORIZON where it never is.

    Parameters
    ----------
    M : array, shape (batch, n_obj, n_obj)
    gap : array, shape (batch, n_obj)
        Start minus fixed point, in standard deviations `spread`; the way is measured in these.
    spread : array, shape (n_obj,)
    """
    out = np.full(len(M), float(HORIZON))
    going = np.isfinite(gap).all(axis=1) & np.isfinite(M).all(axis=(1, 2))
    out[~going] = np.nan
    scaled = M * (spread[None, :] / spread[:, None])
    goal = (1 - WAY) * np.linalg.norm(gap, axis=1)
    state = gap.copy()
    for t in range(1, HORIZON):
        state[going] = np.einsum("kij,kj->ki", scaled[going], state[going])
        distance = np.linalg.norm(state, axis=1)
        arrived = going & (distance <= goal)
        out[arrived] = t
        going &= ~arrived & (distance < 1e100)  # an unstable draw never arrives: left alone before it overflows
        if not going.any():
            break
    return out


def decide(s: Situation) -> StopVerdict:
    """Return the verdict of a group; reasons that forbid an answer are tried first."""
    if s.panel.lineage:
        return _lineage(s)
    if not s.checks["stops_on_success"].passed:
        return _stopping(s)
    if s.refusal is not None:
        return _refused(s, s.refusal)
    if np.isnan(s.radius[0]):
        return _no_fit(s)
    if not s.checks["few_sessions"].passed:
        return _too_few(s)
    if s.gap is None or s.step_90 is None:
        return _wandering(s)
    if not s.checks["white_scores"].passed:
        return _white(s)
    return _settling(s, s.step_90)


def _stop(step: int, why: str, *, at: str = "") -> StopVerdict:
    answer = f"stop at {at or f'step {step}'}"
    return StopVerdict("stop", f"{answer}: {why}", step, answer=answer)


def _go_on(why: str, *, until: str = "") -> StopVerdict:
    answer = f"go on{until}"
    return StopVerdict("go_on", f"{answer}: {why}", answer=answer)


def _cannot_tell(why: str, needed: int | None = None) -> StopVerdict:
    return StopVerdict("cannot_tell", f"cannot tell: {why}", None, needed, answer="cannot tell")


# ------------------------------------------------------------------------ plain loops


def _settling(s: Situation, step_90: tuple[float, float, float]) -> StopVerdict:
    moved, low, high = _way(s)
    clear = (low > 0) | (high < 0)
    better = [n for n, m, c in zip(s.panel.names, moved, clear, strict=True) if c and m > 0]
    worse = [n for n, m, c in zip(s.panel.names, moved, clear, strict=True) if c and m < 0]
    if not better and not worse:
        return _going_nowhere(s, low, high)
    if not better:
        return _stop(s.first_step, f"further steps only make {_words(worse)} worse.{_hangs(s)}")
    value, first, last = (s.first_step + v for v in step_90)
    ends = f"[{first:.0f}, {last:.0f}]" if last < HORIZON else f"[{first:.0f} or later]"
    price = f"; it costs {_words(worse)}" if worse else ""
    length = s.first_step + s.median_length
    if value > length:
        return _go_on(
            f"{WAY:.0%} of the way of {_words(better)} takes until about step {value:.0f} {ends}, "
            f"and sessions end at step {length:.0f}{price}.{_caveat(s)}"
        )
    if last > 4 * max(value, 1) and last > length:
        return _wide(s, value, last)
    why = f"by then {WAY:.0%} of the way of {_words(better)} is gone{price}.{_caveat(s)}"
    return _stop(int(value), why, at=f"step {value:.0f} {ends}")


def _way(s: Situation) -> tuple[Float, Float, Float]:
    """Way from the mean start to rest, in standard deviations, better is positive, with its interval."""
    assert s.gap is not None  # noqa: S101 - asked for only where there is a way
    assert s.spread is not None  # noqa: S101
    signs = s.panel.signs / s.spread
    moved, left = -s.gap[0][0] * signs, -s.gap[2] * signs
    found = student(moved, np.sqrt(jackknife_variance(left)), level=s.level, df=max(s.n_clusters - 1, 1))
    return found.value, found.low, found.high


def _going_nowhere(s: Situation, low: Float, high: Float) -> StopVerdict:
    reach = float(np.max(np.maximum(np.abs(low), np.abs(high))))
    if reach <= NEGLIGIBLE:
        return _stop(
            s.first_step,
            "on average the scores are where they stay; the way left is below "
            f"{max(reach, 0.01):.1g} standard deviations.{_caveat(s)}",
        )
    half = float(np.max(high - low)) / 2
    if not np.isfinite(half):  # without one of the clusters there is no fit at all
        needed = _needed(s, 2.0)
        return _cannot_tell(f"the fit hangs on single {s.noun}; about {needed} would do.", needed)
    needed = _needed(s, half / NEGLIGIBLE)
    return _cannot_tell(
        f"the way from start to rest is known to ±{half:.2g} standard deviations only; "
        f"about {needed} {s.noun} would do.",
        needed,
    )


def _wide(s: Situation, value: float, last: float) -> StopVerdict:
    needed = _needed(s, float(np.log(max(last, 2) / max(value, 1)) / np.log(2)))
    until = f"{last:.0f}" if last < HORIZON else "never"
    return _cannot_tell(
        f"{WAY:.0%} of the way may be gone by step {value:.0f} or by {until}; about {needed} {s.noun} would do.", needed
    )


def _white(s: Situation) -> StopVerdict:
    if s.checks["white_scores"].kind == OWN_MEAN:
        needed = _needed(s, 2.0)
        return _cannot_tell(
            "each session's own mean so far predicts better than this drift does; "
            f"about {needed} {s.noun} with longer runs would do.",
            needed,
        )
    _, low, high = _way(s)
    if not np.any((low > 0) | (high < 0)):
        return _going_nowhere(s, low, high)
    return _stop(
        s.first_step + 1,
        "after the first step scores look like independent draws around one mean; "
        "one step more is a new draw, not progress.",
    )


def _wandering(s: Situation) -> StopVerdict:
    """The slowest mode's interval reaches 1, or there is one session only: read the mean path itself."""
    if s.gap is None:
        return _no_fit(s)
    late, p = _late_change(s)
    better = [n for n, m, q in zip(s.panel.names, late, p, strict=True) if m > 0 and q < LEVEL]
    worse = [n for n, m, q in zip(s.panel.names, late, p, strict=True) if m < 0 and q < LEVEL]
    if better and not worse:
        return _go_on(
            f"{_words(better)} still {_verb(better, 'improve')} in the second half of the sessions, "
            "and no end is in sight."
        )
    if worse and not better:
        middle = s.first_step + int(s.median_length // 2)
        return _stop(middle, f"from there on {_words(worse)} {_verb(worse, 'get')} worse and nothing gets better.")
    slowest, high = s.radius[0], s.radius[2]
    width = np.log(max(high, 1e-9) / max(slowest, 1e-9))
    distance = abs(np.log(min(max(slowest, 1e-9), 0.995)))
    needed = _needed(s, float(np.clip(1.1 * width / distance, 1.5, 30)))
    return _cannot_tell(
        f"settling and wandering off are alike here (slowest mode {number(slowest, 3)}, "
        f"{f'up to {number(high, 3)}' if np.isfinite(high) else 'with no upper end'}); "
        f"about {needed} {s.noun}, or longer ones, would do.",
        needed,
    )


def _late_change(s: Situation) -> tuple[Float, Float]:
    """Mean change per step over the later half of each session, better is positive, with p-values per objective."""
    pairs = s.panel.pairs()
    late = pairs.step >= s.first_step + s.median_length / 2
    if not late.any():
        return np.zeros(s.panel.n_obj), np.ones(s.panel.n_obj)
    return mean_test(pairs.dx[late] * s.panel.signs, s.session_cluster[pairs.session[late]], s.n_all_clusters)


# ----------------------------------------------------------------- loops that stop on success


def _stopping(s: Situation) -> StopVerdict:
    """Sessions stop on reaching a bar: what counts is how many of the unfinished still reach it per step."""
    if s.stop_rule is None:
        needed = _needed(s, 1.5)
        return _cannot_tell(
            "sessions end on target, and the log does not show which score ends them; "
            f"about {needed} {s.noun} run to a fixed length would do.",
            needed,
        )
    rule = s.stop_rule
    share = f"{rule.share:.0%} of sessions stop early at {s.panel.names[rule.objective]} {number(rule.bar, 3)}"
    offset, reached, at_risk = success_per_step(s.panel, rule)
    dry = _dry_from(reached, at_risk)
    if dry is not None:
        step = s.first_step + int(offset[dry])
        why = f"{share}, and after that step fewer than {DRY:.0%} of the unfinished do per step."
        return _stop(step, why, at=f"success or at step {step}")
    risky = np.flatnonzero((offset > 0) & (at_risk > 0))
    if len(risky) == 0:
        needed = _needed(s, 1.5)
        return _cannot_tell(
            f"when to give up is open: {share}, and no unfinished session goes on after step {s.first_step}; "
            f"about {needed} {s.noun} run on without success would do.",
            needed,
        )
    # The few longest sessions say nothing about a rate, unless there are no others.
    last = int(max(offset[at_risk >= max(1.0, min(20.0, 0.1 * at_risk.max()))][-1], offset[risky[0]]))
    first = max(1, last - max(last // 3, 1) + 1)
    third = (offset >= first) & (offset <= last)
    low, rate, high = _poisson_rate(int(reached[third].sum()), int(at_risk[third].sum()))
    late = (
        f"{share}, and of the unfinished {rate:.1%} [{low:.1%}, {min(high, 1):.1%}] per step do "
        f"in {_span(s.first_step + first, s.first_step + last)}"
    )
    if low > DRY / 2:
        return _go_on(f"{late}.", until=" until it passes")
    needed = _needed(s, float(np.clip(np.sqrt(high / DRY), 1.2, 10)))
    return _cannot_tell(f"when to give up is open: {late}; about {needed} {s.noun} would do.", needed)


def success_per_step(panel: Panel, rule: StopRule) -> tuple[Int, Int, Int]:
    """Return steps (from the first), and how many sessions reach the bar there for the first time, and how many could.

    Only steps that some session has are listed: they may be far apart.
    """
    rows = np.flatnonzero(panel.complete)
    hit: Bool = panel.signs[rule.objective] * (panel.x[rows, rule.objective] - rule.bar) >= 0
    steps, place = np.unique(panel.step, return_inverse=True)
    first = np.full(panel.n_sessions, len(steps))
    np.minimum.at(first, panel.session[rows[hit]], place[rows[hit]])
    at_risk = np.bincount(place[place <= first[panel.session]], minlength=len(steps))
    reached = np.bincount(first[first < len(steps)], minlength=len(steps))
    return (steps - steps[0]).astype(np.int64), reached.astype(np.int64), at_risk.astype(np.int64)


def _dry_from(reached: Int, at_risk: Int) -> int | None:
    """First step after which the unfinished succeed at less than DRY per step, for sure; None if that is not seen."""
    for t in range(len(reached) - 1):
        rest, risk = int(reached[t + 1 :].sum()), int(at_risk[t + 1 :].sum())
        if risk > 0 and _poisson_rate(rest, risk)[2] < DRY:
            return t
    return None


def _poisson_rate(events: int, trials: int) -> tuple[float, float, float]:
    """Return (low, rate, high) of events per trial, exact 90 % Poisson limits (Garwood)."""
    from scipy.special import gammaincinv

    low = float(gammaincinv(events, 0.05)) if events else 0.0
    return low / trials, events / trials, float(gammaincinv(events + 1, 0.95)) / trials


# ------------------------------------------------------------------------------ lineages


def _lineage(s: Situation) -> StopVerdict:
    """The kept version is what counts: is it still gaining in the later half of the sessions?"""
    if not np.any(s.panel.kept_rows >= 0) or s.n_clusters < 2:
        return _no_fit(s)
    if not s.checks["few_sessions"].passed:
        return _too_few(s)
    gain = kept_gain(s.panel, s.session_cluster, s.n_all_clusters)
    names = np.array(s.panel.names)
    total = names[(gain.total > 0) & (gain.total_p < LEVEL)].tolist()
    late = names[(gain.late > 0) & (gain.late_p < LEVEL)].tolist()
    last = int(s.path.step[-1])
    if not total:
        needed = _needed(s, 2.0)
        return _cannot_tell(
            "no objective of the kept version is seen to gain; "
            f"about {needed} {s.noun} would do if the gain is half of what can be seen now.",
            needed,
        )
    if late and gain.step is not None and gain.step > s.first_step + s.median_length / 2:
        return _go_on(
            f"the kept version still gains on {_words(late)} in the second half of the sessions "
            f"({WAY:.0%} of the gain is had by step {gain.step}, the longest ends at {last})."
        )
    step = gain.step if gain.step is not None else last
    if step >= last or (gain.step is not None and gain.step > s.first_step + s.median_length / 2):
        needed = _needed(s, 1.5)
        return _cannot_tell(
            f"the kept version gained on {_words(total)}, but whether it still does cannot be seen; "
            f"about {needed} {s.noun} would do.",
            needed,
        )
    return _stop(step, f"by then {WAY:.0%} of the kept version's gain on {_words(total)} is had.")


# --------------------------------------------------------------------------------- words


def _words(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _span(first: int, last: int) -> str:
    return f"step {first}" if first == last else f"steps {first} to {last}"


def _verb(names: list[str], stem: str) -> str:
    return stem + "s" if len(names) == 1 else stem


def _needed(s: Situation, ratio: float) -> int:
    """Clusters for a width smaller by `ratio`: width shrinks with the square root of their number."""
    now = s.panel.n_sessions if s.cluster_kind == "session" else s.n_clusters
    value = max(now, 2) * (max(ratio, 1.0) if np.isfinite(ratio) else 2.0) ** 2
    digits = 10 ** max(0, int(np.floor(np.log10(value))) - 1)
    return int(np.ceil(value / digits) * digits)


def _wanted(s: Situation) -> int:
    if s.cluster_kind == "block":
        return 20
    return max(10, _needed(s, 2.0) if s.n_clusters >= 10 else 10)


def _too_few(s: Situation) -> StopVerdict:
    noun = "sessions" if s.cluster_kind == "block" else s.noun
    message = _inside(s.checks["few_sessions"])
    return _cannot_tell(f"{message} About {_wanted(s)} {noun} would do.", _wanted(s))


def _no_fit(s: Situation) -> StopVerdict:
    return _cannot_tell(_first_failure(s), _wanted(s))


def _refused(s: Situation, why: str) -> StopVerdict:
    """More of the same seldom settles what two explanations share; a second scoring of each version does."""
    needed = _needed(s, 2.0)
    return _cannot_tell(
        f"{why} Scoring every version twice would show the scorer's noise; else about {needed} {s.noun}, or longer "
        "ones, may do.",
        needed,
    )


def _first_failure(s: Situation) -> str:
    order = ("constant", "few_sessions", "collinear", "survivors_only")
    failed = next((_inside(s.checks[n]) for n in order if not s.checks[n].passed), "too little data for a drift.")
    if not (s.checks["constant"].passed and s.checks["collinear"].passed) and len(s.path.step) > 1:
        return f"{failed} No number of sessions would do while that is so."
    return f"{failed} About {_wanted(s)} {s.noun if s.cluster_kind != 'block' else 'sessions'} would do."


def _inside(check: Check) -> str:
    """Return a check's message as it stands inside a sentence; one that begins with names of the user's stays."""
    named = check.name == "constant" and check.value is not None
    return check.message if named else check.message[0].lower() + check.message[1:]


def _caveat(s: Situation) -> str:
    text = ""
    if not s.checks["time_varying"].passed:
        text = " Early steps follow another drift: see --from-step."
    elif not s.checks["at_bounds"].passed:
        text = " Scores piled up at a bound pull this."
    return text + _hangs(s)


def _hangs(s: Situation) -> str:
    if not s.hangs_on:
        return ""
    return f" This hangs on {_words([f'{s.cluster_kind} {n}' for n in s.hangs_on[:2]])}."
