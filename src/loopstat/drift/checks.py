"""What could make a linear drift fit mislead: one rule per check, each a number, a limit and a plain sentence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..arrays import Bool, Float, group_starts, relabel, summed_rows
from ..inference.clusters import Clusters
from ..inference.tests import holm, mean_test
from ..panel.ends import SuccessBar
from ..panel.panel import Pairs, Panel
from ..results.check import Check, CheckRule, Outcome, run_checks
from ..results.words import number
from .choice import Choice
from .outcomes import (
    MAX_AT_BOUND,
    MAX_STOPPED,
    TEST_LEVEL,
    WHITE_LEVEL,
    crowding,
    foreseen,
    steadiness,
    stillness,
    stopped,
    survivors,
    whiteness,
)
from .readings.curvature import curvature_test
from .readings.early import early_late_p, worth_testing
from .readings.skill import Skill
from .sums import Grams, Moments

MIN_CLUSTERS = 10
SERIAL_LEVEL = 0.01
MAX_CONDITION_INDEX = 30.0  # Belsley, Kuh and Welsch (1980): above 30 the slopes trade against each other
MAX_DUPLICATES = 0.05
MAX_SCALES = 1000.0  # ratio of spreads: difficulty alone made up to 500 in recordings of one unit, units 1,800
LEAST_ROWS = 8  # of a task, before its spread is worth comparing
NO_TRANSITION = "No transition has all objectives at both ends: sessions of one step, or missing scores."
COARSE = 20  # objectives with so few values repeat by chance: equal sessions are then no copies


@dataclass(frozen=True)
class SumEvidence:
    """What checks may look at that need no rows; None or NaN where the fit could not be had."""

    names: tuple[str, ...]
    lineage: bool
    clusters: Clusters
    n_clusters: int
    grams: Grams
    moments: Moments
    left_out: Moments
    skill: Skill | None
    radius: tuple[float, float, float]
    choice: Choice

    @property
    def n_transitions(self) -> int:
        """Number of transitions."""
        return int(self.moments.n[0])


@dataclass(frozen=True)
class Evidence(SumEvidence):
    """Everything a check may look at."""

    panel: Panel
    pairs: Pairs
    stop_rule: SuccessBar | None


def white_scores(panel: Panel, clusters: Clusters, skill: Skill, *, serial: bool = True) -> tuple[float, str | None]:
    """Test that every objective is white, around one mean or around a mean of each session's own.

    Rejected where an objective is predicted, on held-out clusters, better than by the overall mean and by the running
    mean (one-sided 2.5 %, Holm), or (`serial`) where scores of a session follow one another whatever its level (1 %):
    that shows a loop, though not one the pooled drift describes.

    Returns
    -------
    p_value : float
        Smallest adjusted p-value.
    evidence : str or None
        What speaks against white scores, in a sentence; None where nothing does.
    """
    value, evidence = foreseen(panel.names, skill)
    if evidence is not None:
        return value, evidence
    p_serial = serial_dependence(panel, clusters) if serial else np.full(panel.n_obj, np.nan)
    if np.nanmin(p_serial, initial=1.0) < SERIAL_LEVEL:
        j = int(np.nanargmin(p_serial))
        return min(value, float(p_serial[j])), (
            f"Within sessions, scores of {panel.names[j]} follow one another, whatever the session's own level."
        )
    return value, None


def serial_dependence(panel: Panel, clusters: Clusters) -> Float:
    """Return, per objective, the Holm p-value of: scores are independent around a level of each session's own.

    The mean of (y[t+2] - y[t+1]) y[t], less the mean of each step, is 0 then, whatever the levels; noise in the scorer
    leaves it at 0 too.
    """
    two = panel.pairs(2)
    nothing = np.full(panel.n_obj, np.nan)
    if panel.lineage or len(two) == 0:
        return nothing
    middle = panel.parent[two.end]
    whole = panel.complete[middle]
    rows = np.stack([two.start, middle, two.end])[:, whole]
    if rows.shape[1] == 0:
        return nothing
    x = panel.x - _step_means(panel)
    product = (x[rows[2]] - x[rows[1]]) * x[rows[0]]
    _, p = mean_test(product, clusters.row[rows[2]], len(clusters))
    return holm(p)


def _step_means(panel: Panel) -> Float:
    """Return the mean of each row's step over the panel, shape (n_rows, n_obj)."""
    steps = relabel(panel.step)[1]  # they may be far apart
    rows = np.flatnonzero(panel.complete)
    count = np.bincount(steps[rows], minlength=int(steps.max(initial=0)) + 1)
    sums = summed_rows(steps[rows], panel.x[rows], len(count))
    return np.asarray((sums / np.maximum(count, 1)[:, None])[steps])


def _white_scores(e: Evidence) -> Outcome:
    """Independent scores give A = -I and look convergent: something must speak against that."""
    if e.skill is None:
        return whiteness(None, float("nan"), None)
    serial = e.choice.name not in ("pooled", "censored")
    return whiteness(e.skill, *white_scores(e.panel, e.clusters, e.skill, serial=serial))


def _few_sessions(e: SumEvidence) -> Outcome:
    n = len(e.clusters.members) or e.n_clusters
    passed = n >= MIN_CLUSTERS
    noun = {"block": "blocks of steps", "session": "sessions"}.get(e.clusters.kind, f"{e.clusters.kind} clusters")
    message = (
        f"{n} independent {noun} carry the intervals."
        if passed
        else f"Only {n} independent {noun}: intervals are rough, and at least {MIN_CLUSTERS} are wanted."
    )
    if e.clusters.kind == "block":
        passed, message = False, "One single session: nothing says how another one would go." + " " + message
    return Outcome(n, passed, message)


def _collinear(e: SumEvidence) -> Outcome:
    cov = e.moments.cov_x[0]
    sd = np.sqrt(np.diag(cov))
    if e.n_transitions == 0 or not np.all(sd > 0):
        return Outcome(None, True, "Not measured: an objective does not vary.")
    values = np.linalg.eigvalsh(cov / np.outer(sd, sd))
    index = float(np.sqrt(values[-1] / max(values[0], 1e-300)))
    passed = index <= MAX_CONDITION_INDEX
    message = (
        "Objectives differ enough to have slopes of their own."
        if passed
        else "Objectives are almost copies of one another: their separate slopes mean little; leave one out."
    )
    return Outcome(min(index, 1e15), passed, message)


def _unit_root(e: SumEvidence) -> Outcome:
    value, _, high = e.radius
    if e.lineage:
        return Outcome(None, True, "Not asked: proposals of a lineage have no long run of their own.")
    if np.isnan(value):
        return Outcome(None, False, "No drift to read: whether the loop settles is unknown.")
    passed = bool(high < 1)
    message = (
        "The slowest mode shrinks: the loop settles."
        if passed
        else f"The slowest mode is {number(value, 3)} and "
        + (f"its interval reaches {number(high, 3)}: " if np.isfinite(high) else "has no upper end: ")
        + "settling and wandering off cannot be told apart."
    )
    return Outcome(high, passed, message)


def _at_bounds(e: Evidence) -> Outcome:
    x = e.pairs.y  # without the starts, which often are one and the same
    if len(x) == 0:
        return Outcome(None, True, "Not measured: no transition.")
    low = np.array([o.low if o.low is not None else x[:, j].min() for j, o in enumerate(e.panel.objectives)])
    high = np.array([o.high if o.high is not None else x[:, j].max() for j, o in enumerate(e.panel.objectives)])
    at = np.array([(x <= low).sum(axis=0), (x >= high).sum(axis=0)], dtype=np.float64)
    return crowding(e.panel.names, np.array([low, high]), at, len(x), constant=x.min(axis=0) == x.max(axis=0))


def _time_varying(e: Evidence) -> Outcome:
    return steadiness(_time_p(e))


def _time_p(e: Evidence) -> float:
    if len(e.pairs) == 0:
        return float("nan")
    start = np.zeros(len(e.pairs), dtype=bool)
    start[group_starts(e.pairs.session)] = True
    early = np.asarray(e.pairs.step < np.median(e.pairs.step))
    parts = (_sums_of(e, part) for part in (start, early) if worth_testing(float(part.mean())))
    return early_late_p(parts, e.grams, e.moments, e.left_out)


def _sums_of(e: Evidence, part: Bool) -> Grams:
    """Return the sums of a part of the transitions."""
    chosen = Pairs(
        **{k: getattr(e.pairs, k)[part] for k in ("start", "end", "x", "y", "session", "step")}, n_dropped=0, lag=1
    )
    cluster = e.clusters.row[chosen.end]
    return Grams.of(chosen, cluster, e.grams.names, centre=e.grams.centre, scale=e.grams.scale)


def _curved(e: Evidence) -> Outcome:
    p = curvature_test(e.pairs, e.clusters.row[e.pairs.end], len(e.clusters)).p_value
    if e.moments.singular[0] or np.isnan(p):
        return Outcome(None, True, "Not tested: too few clusters for squares and products.")
    passed = bool(p >= TEST_LEVEL)
    message = (
        "The drift is straight, as far as can be seen."
        if passed
        else "The drift bends: squares and products of the scores help to predict the next ones, "
        "so one rate for all levels is an average."
    )
    return Outcome(p, passed, message)


def _sessions_differ(e: SumEvidence) -> Outcome:
    return _allowed_for(
        e.choice,
        e.choice.p_effects,
        handled=("within", "latent", None),
        seen="Sessions keep levels of their own, which the pooled drift takes for persistence",
        unseen="No lasting differences between sessions are seen.",
    )


def _noisy_scorer(e: SumEvidence) -> Outcome:
    return _allowed_for(
        e.choice,
        e.choice.p_noise,
        handled=("instrument", "eiv", "latent", None),
        seen="Scores jump back and forth as a noisy scorer makes them, which looks like convergence",
        unseen="No noise of the scorer is seen.",
    )


def _allowed_for(choice: Choice, p: float, *, handled: tuple[str | None, ...], seen: str, unseen: str) -> Outcome:
    """A disturbance counts against the answer only where the estimator in use does not allow for it."""
    if np.isnan(p):
        return Outcome(None, True, "Not tested: see the estimator's reason.")
    if p >= TEST_LEVEL:
        return Outcome(p, True, unseen)
    if choice.name in handled:
        what = f"; {choice.name} allows for it." if choice.name else "."
        return Outcome(p, True, seen + what)
    return Outcome(p, False, f"{seen}: try --estimator auto.")


def _stops_on_success(e: Evidence) -> Outcome:
    return stopped(_ended_on_target(e.panel), e.stop_rule, e.panel.names)


def _ended_on_target(panel: Panel) -> float:
    if "ended" not in panel.labels or "target" not in panel.labels["ended"].names:
        return 0.0
    column = panel.labels["ended"]
    hit = column.codes == column.names.index("target")
    return len(np.unique(panel.session[hit])) / panel.n_sessions


def _survivors_only(e: Evidence) -> Outcome:
    return survivors(only=e.panel.survivors_only or _all_accepted(e.panel))


def _all_accepted(panel: Panel) -> bool:
    if panel.accepted is not None:
        return bool(np.all(panel.accepted))
    # Where nothing was rejected the table reads as a plain loop; its label still says what was recorded.
    recorded = panel.labels.get("accepted")
    return recorded is not None and set(recorded.values()) == {"true"}


def _duplicate_sessions(e: Evidence) -> Outcome:
    share = duplicate_share(e.panel)
    coarse = all(len(np.unique(c[~np.isnan(c)])) <= COARSE for c in e.panel.x.T)
    passed = share <= MAX_DUPLICATES or coarse
    message = (
        "Sessions are not copies of one another."
        if share <= MAX_DUPLICATES
        else f"{share:.0%} of sessions repeat another one value for value"
        + (
            ": to be expected of scores with so few values."
            if coarse
            else ": they count as one only if they share a cluster (--cluster)."
        )
    )
    return Outcome(share, passed, message)


def duplicate_share(panel: Panel) -> float:
    """Return the share of sessions of three or more steps that equal an earlier session value for value.

    Only copies with at least three different scores count: a few zeros and a one coincide by chance.
    """
    start = group_starts(panel.session)
    ends = np.r_[start[1:], len(panel)]
    long = ends - start >= 3
    content, width = np.ascontiguousarray(panel.x).tobytes(), panel.x.itemsize * panel.n_obj
    spans = zip(start[long].tolist(), ends[long].tolist(), strict=True)
    times = Counter(content[s * width : t * width] for s, t in spans)
    copies = sum(n - 1 for scores, n in times.items() if n > 1 and _differs(scores, panel.n_obj))
    return copies / int(long.sum()) if long.any() else 0.0


def _differs(scores: bytes, n_obj: int) -> bool:
    return len(np.unique(np.frombuffer(scores).reshape(-1, n_obj), axis=0)) >= 3


def _constant(e: Evidence) -> Outcome:
    if len(e.pairs) == 0:
        return Outcome(None, False, NO_TRANSITION)
    return stillness(constant_objectives(e.panel, e.pairs), common_start(e.panel))


def _tasks_on_scales(e: Evidence) -> Outcome:
    """Tasks pooled although their scores have other units: the largest then is the whole answer."""
    if "task" not in e.panel.labels or len(e.pairs) == 0:
        return Outcome(None, True, "Not measured: no task is recorded.")
    ratio = task_scales(e.panel)
    if np.isnan(ratio).all():
        return Outcome(None, True, "Not measured: fewer than two tasks that vary.")
    j = int(np.nanargmax(ratio))
    passed = bool(ratio[j] <= MAX_SCALES)
    message = (
        "Tasks share one scale, as far as can be seen."
        if passed
        else f"Scores of {e.panel.names[j]} vary {number(float(ratio[j]))} times as much in one task as in a usual "
        "one, and outweigh all others. Split with --by task, or standardise within tasks beforehand."
    )
    return Outcome(float(ratio[j]), passed, message)


def task_scales(panel: Panel) -> Float:
    """Return how many times larger the spread within the most spread-out task is than within the median one.

    Per objective, shape (n_obj,). Spreads are interquartile ranges over the rows of a task with at least 8 complete
    ones, so that one failed run does not count as a scale; tasks without a spread are left out, and those that hardly
    vary are no other scale: hence the median. NaN with fewer than two tasks.
    """
    rows = np.flatnonzero(panel.complete & (panel.labels["task"].codes >= 0))
    codes = panel.labels["task"].codes[rows]
    order = np.argsort(codes, kind="stable")
    parts = [part for part in np.split(rows[order], group_starts(codes[order])[1:]) if len(part) >= LEAST_ROWS]
    out = np.full(panel.n_obj, np.nan)
    if len(parts) < 2:
        return out
    spread = np.array([np.subtract(*np.percentile(panel.x[part], [75, 25], axis=0)) for part in parts])
    for j, column in enumerate(spread.T):
        varied = column[column > 0]
        if len(varied) > 1:
            out[j] = varied.max() / np.median(varied)
    return out


def constant_objectives(panel: Panel, pairs: Pairs) -> list[str]:
    """Return the objectives that never vary, at all or among the states that transitions start from."""
    still = np.ptp(panel.x[panel.complete], axis=0) == 0
    if len(pairs) > 1:
        still |= np.ptp(pairs.x, axis=0) == 0
    return [n for n, flat in zip(panel.names, still, strict=True) if flat]


def common_start(panel: Panel) -> list[str]:
    """Return the objectives in which several sessions all start from one value."""
    start = panel.x[group_starts(panel.session)]
    start = start[~np.isnan(start).any(axis=1)]
    return [n for n, x in zip(panel.names, start.T, strict=True) if len(x) > 1 and np.ptp(x) == 0]


RULES: tuple[CheckRule[Evidence], ...] = (
    CheckRule("white_scores", WHITE_LEVEL, "Independent scores give A = -I and look convergent.", _white_scores),
    CheckRule("few_sessions", MIN_CLUSTERS, "Intervals are rough.", _few_sessions),
    CheckRule("collinear", MAX_CONDITION_INDEX, "Slopes of copies trade against each other.", _collinear),
    CheckRule("unit_root", 1.0, "Settling and wandering off cannot be told apart.", _unit_root),
    CheckRule("at_bounds", MAX_AT_BOUND, "Drift is pulled towards zero at a bound.", _at_bounds),
    CheckRule("time_varying", TEST_LEVEL, "One rate for all steps is an average.", _time_varying),
    CheckRule("curved", TEST_LEVEL, "One rate for all levels is an average.", _curved),
    CheckRule("sessions_differ", TEST_LEVEL, "Lasting differences look like persistence.", _sessions_differ),
    CheckRule("noisy_scorer", TEST_LEVEL, "Noise of the scorer looks like convergence.", _noisy_scorer),
    CheckRule("stops_on_success", MAX_STOPPED, "Later steps show unfinished sessions only.", _stops_on_success),
    CheckRule("survivors_only", 0.0, "Drift fitted to survivors is too good.", _survivors_only),
    CheckRule("duplicate_sessions", MAX_DUPLICATES, "Copies count several times.", _duplicate_sessions),
    CheckRule("constant", 0.0, "There is no drift to fit.", _constant),
    CheckRule("tasks_on_scales", MAX_SCALES, "The task of the largest scale outweighs all others.", _tasks_on_scales),
)


def checks_of(evidence: Evidence) -> tuple[Check, ...]:
    """Run every check of a fit, in the order of `RULES`."""
    return run_checks(RULES, evidence)
