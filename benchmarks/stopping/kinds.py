"""The kinds of loops on which decisions are judged: what a user would have recorded, and what would have been best.

Nothing here comes from the package: a mistake common to both would otherwise pass for agreement. A decision when to
stop is right or wrong by the mean value that sessions hold after each step were no budget to cut them, and by the
steps they take for it, so that is the truth of a kind; it is simulated, with a seed of its own.

Scores have a between-session sd of order 1, but for marks from 0 to 10 and for successes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import families as f
from .families import NEVER, Array, Cut, Family, Paths, Rng

TRUTH_SESSIONS, TRUTH_SCORES = 200_000, 3_000_000
TOGETHER = 15  # steps up to which all lengths of recordings share one simulation of the truth
TASK_SIZE, FEWEST_TASKS = 5, 12


@dataclass(frozen=True)
class Recording:
    """What a user would have on disk.

    Attributes
    ----------
    scores : array, shape (S, L), L = steps + 1
        Step 0 is the first version; NaN after a session's last recorded step.
    ended : bool array, shape (S,)
        The session ended by itself (success, own stop rule); else it was cut off by its budget.
    cluster : int array, shape (S,)
        Task.
    seen, accepted : arrays, shape (S, L), or None
        The score the loop sees, where another one counts; the proposals taken, in lineages.
    """

    scores: Array
    ended: NDArray[np.bool_]
    cluster: NDArray[np.int64]
    seen: Array | None = None
    accepted: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Truth:
    """What holds in the population of sessions and tasks.

    Attributes
    ----------
    value, steps : arrays, shape (H + 1,)
        Mean value held if stopped after t steps, t = 0..H, never cut by a budget, own ends kept; mean number of
        steps taken by t.
    sd : float
        Root mean square over the recorded steps of the between-session sd of the value held.
    half_life : float or None
        Of the approach to rest, in steps, where there is one.
    """

    value: Array
    steps: Array
    sd: float
    half_life: float | None


@dataclass(frozen=True)
class Kind:
    """A kind of loop.

    Attributes
    ----------
    name, doc : str
    keep : str
        Which version is handed over: `last`, `best`, `accepted`, or that of a loop that ends in `success`.
    family : Family
        How sessions go on.
    cut : Cut or None
        How budgets cut them before the record's last step.
    half_life : float or None
    by_task : bool
        Whether sessions share tasks: five a task, at least 12 tasks; else each session is its own.
    announced : bool
        False where nothing in the record announces what comes.
    flat : bool
        Whether there is truly nothing to gain or lose.
    by_record : bool
        Whether what sessions do depends on where the record ends.
    """

    name: str
    keep: str
    doc: str
    family: Family
    cut: Cut | None = None
    half_life: float | None = None
    by_task: bool = False
    announced: bool = True
    flat: bool = False
    by_record: bool = False

    def draw(self, rng: Rng, sessions: int, steps: int) -> Recording:
        """Simulate a recording of so many sessions whose last step is at most `steps`."""
        tasks = max(FEWEST_TASKS, sessions // TASK_SIZE) if self.by_task else sessions
        cluster = np.arange(sessions) % tasks
        paths = self.family(rng, cluster, steps, steps)
        cut = np.full(sessions, steps) if self.cut is None else self.cut(rng, paths.scores)
        there = np.arange(steps + 1) <= np.minimum(paths.end, cut)[:, None]
        seen = None if paths.seen is None else np.where(there, paths.seen, np.nan)
        accepted = None if paths.accepted is None else paths.accepted & there
        return Recording(np.where(there, paths.scores, np.nan), paths.end <= cut, cluster, seen, accepted)

    def truth(self, steps: int, horizon: int) -> Truth:
        """Return the truth up to step `horizon` for recordings whose last step is `steps`."""
        last = max(steps, horizon, TOGETHER)
        value, variance, taken = _moments(self, steps if self.by_record else last, last)
        sd = float(np.sqrt(variance[: steps + 1].mean()))
        return Truth(value[: horizon + 1], taken[: horizon + 1], sd, self.half_life)


@lru_cache(maxsize=256)
def _moments(kind: Kind, record: int, last: int) -> tuple[Array, Array, Array]:
    """Return mean and variance of the value held, and mean steps taken, by step up to `last`."""
    rng = np.random.default_rng([zlib.crc32(kind.name.encode()), 0xA11])
    sessions = min(TRUTH_SESSIONS, TRUTH_SCORES // (last + 1))
    paths = kind.family(rng, np.arange(sessions), last, record)
    held = value_held(kind.keep, paths)
    value = held.mean(axis=0)
    if kind.flat:  # known without simulation: its Monte Carlo error is nothing to be gained
        value = np.full(last + 1, value[0])
    return value, held.var(axis=0), np.minimum(paths.end[:, None], np.arange(last + 1)).mean(axis=0)


def value_held(keep: str, paths: Paths) -> Array:
    """Return the score of the version held after each step, shape (S, H + 1)."""
    step = np.broadcast_to(np.arange(paths.scores.shape[1]), paths.scores.shape)
    if keep == "best":
        by = paths.scores if paths.seen is None else paths.seen
        before = np.maximum.accumulate(by, axis=1)
        better = np.ones(by.shape, bool)
        better[:, 1:] = by[:, 1:] > before[:, :-1]
        version = np.maximum.accumulate(np.where(better, step, 0), axis=1)
    elif paths.accepted is not None:
        version = np.maximum.accumulate(np.where(paths.accepted, step, 0), axis=1)
    else:
        version = step
    if (paths.end < NEVER).any():
        version = np.take_along_axis(version, np.minimum(step, paths.end[:, None]), axis=1)
    return np.take_along_axis(paths.scores, version, axis=1)


# ------------------------------------------------------------------------------ the kinds


def keep_of(half_life: float) -> float:
    """Return the share of the distance to rest that is left after a step."""
    return float(0.5 ** (1 / half_life))


def stationary(keep: float, sd: float = 0.8) -> float:
    """Return the innovation sd with which a reverting loop has that sd at rest."""
    return float(sd * np.sqrt(1 - keep**2))


def climb(half_life: float, words: str) -> Kind:
    """Return an exponential climb of 2 from starts of the same spread as at rest."""
    m = keep_of(half_life)
    loop = f.Reverting(m, start=-2.0, start_sd=0.8, innovation=stationary(m))
    return Kind(f"climb_{half_life:g}", "last", f"exponential climb, {words}", loop, half_life=half_life)


def scored(half_life: float) -> Kind:
    """Return an exponential climb, nearly the same in all sessions, under white noise of the scorer."""
    loop = f.Reverting(keep_of(half_life), start_sd=0.2, innovation=0.1, scorer=0.8)
    doc = "exponential climb of like sessions under white noise of the scorer"
    return Kind(f"scored_climb_{half_life:g}", "last", doc, loop, half_life=half_life)


def slow_turn(t: Array) -> Array:
    """Return a damped oscillation of period 9 about 0, from -1.5."""
    turning: Array = -1.5 * 0.85**t * np.cos(2 * np.pi * t / 9)
    return turning


CLIMBS = (
    climb(1, "half of the way in 1 step"),
    climb(2, "half of the way in 2 steps"),
    climb(4, "half of the way in 4 steps"),
    climb(10, "half of the way in 10 steps"),
    scored(1),
    scored(4),
    Kind("log_climb", "last", "logarithmic climb", f.Curve(lambda t: 0.6 * np.log1p(t))),
    Kind("power_climb", "last", "climb as the power 0.35 of the step", f.Curve(lambda t: 0.8 * t**0.35)),
    Kind("line", "last", "linear climb", f.Curve(lambda t: 0.15 * t)),
    Kind("hump", "last", "climb to step 3, then decline", f.Curve(lambda t: 1.2 * (t / 3) * np.exp(1 - t / 3))),
    Kind("decline", "last", "decline from the first step", f.Curve(lambda t: 1.5 * 0.75**t)),
    Kind("breaks", "last", "fast for two steps, then slow", f.Curve(lambda t: 0.6 * np.minimum(t, 2) + 0.04 * t)),
)

FLAT = (
    Kind("flat_noise", "last", "nothing but white noise", f.Curve(np.zeros_like, sessions=0.0, noise=1.0), flat=True),
    Kind(
        "flat_sessions",
        "last",
        "nothing happens; sessions differ by 1 sd and the scorer is noisy",
        f.Curve(np.zeros_like, sessions=1.0, noise=0.7),
        flat=True,
    ),
    Kind("walk", "last", "random walk without drift", f.Walk(0.0), flat=True),
    Kind(
        "at_rest",
        "last",
        "reverting loop that starts at rest",
        f.Reverting(0.7, start=0.0, start_sd=0.8, innovation=stationary(0.7)),
        half_life=float(np.log(0.5) / np.log(0.7)),
        flat=True,
    ),
)

LOOPS = (
    Kind("walk_drift", "last", "random walk that climbs", f.Walk(0.12)),
    Kind(
        "fixed_start",
        "last",
        "reverting loop, all sessions from one score",
        f.Reverting(0.6, start=-1.5, start_sd=0.0),
        half_life=float(np.log(0.5) / np.log(0.6)),
    ),
    Kind(
        "alternating",
        "last",
        "reverting loop that overshoots (-0.5)",
        f.Reverting(-0.5, start=-1.2),
        half_life=1.0,
    ),
    Kind(
        "integers",
        "last",
        "marks from 0 to 10 that climb into the ceiling",
        f.Whole(f.Reverting(0.65, start=-2.0, innovation=0.6), middle=8.6, unit=1.5),
    ),
    Kind(
        "heavy_tails",
        "last",
        "reverting loop with Student innovations of 3 degrees of freedom",
        f.Reverting(keep_of(2), tails=3.0),
        half_life=2.0,
    ),
    Kind(
        "sessions_differ",
        "last",
        "reverting loop, each session to a rest of its own",
        f.Reverting(keep_of(2), start=-1.5, innovation=0.5, differ=1.0),
        half_life=2.0,
    ),
    Kind(
        "tasks_differ",
        "last",
        "tasks of five sessions, of differing level and gain",
        f.Tasks(0.8, keep_of(2)),
        half_life=2.0,
        by_task=True,
    ),
    Kind(
        "shared_judge",
        "last",
        "tasks of five sessions, under a shared and autocorrelated judge",
        f.Reverting(keep_of(2), start=-1.5, tasks=0.5, judge=0.4),
        half_life=2.0,
        by_task=True,
    ),
    Kind(
        "plateaus",
        "last",
        "jumps at steps 3 and 9, nothing between",
        f.Curve(lambda t: 0.8 * (t >= 3) + 0.8 * (t >= 9)),
        announced=False,
    ),
    Kind("late_jump", "last", "a jump after the record's end", f.LateJump(0.8), announced=False, by_record=True),
    Kind(
        "two_populations",
        "last",
        "60 % of the sessions climb, the others decline",
        f.Populations(
            0.6,
            f.Reverting(0.7, start=-1.5, start_sd=0.5),
            f.Reverting(0.8, start=1.0, start_sd=0.5),
        ),
    ),
    Kind("oscillation", "last", "slow damped oscillation", f.Curve(slow_turn)),
    Kind(
        "bar",
        "last",
        "sessions end by themselves when a noisy score passes a bar",
        f.Bar(f.Reverting(keep_of(3), start=-1.5, innovation=0.4, scorer=0.5), bar=0.8),
    ),
)

KEPT = (
    Kind("best", "best", "best so far of noisy proposals", f.Curve(np.zeros_like, sessions=0.5, noise=0.8)),
    Kind(
        "best_heavy",
        "best",
        "best so far of heavy-tailed proposals that improve",
        f.Curve(lambda t: 0.5 * np.log1p(t), sessions=0.5, noise=0.7, tails=3.0),
    ),
    Kind(
        "best_hidden",
        "best",
        "best so far by a noisy score, counted by another",
        f.Hidden(f.Curve(lambda t: 0.1 * t, sessions=0.5, noise=0.8), noise=0.6),
    ),
    Kind(
        "first_that_runs",
        "best",
        "0 until the first program that runs, then climbing",
        f.ZeroUntil(0.35, 2.2, f.Reverting(0.75, start=-1.2, start_sd=0.5, innovation=0.4)),
    ),
    Kind("lineage", "accepted", "children taken when better than their parent", f.Lineage(-0.4, 0.7)),
    Kind(
        "lineage_judged",
        "accepted",
        "children taken when a noisy comparison finds them better",
        f.Lineage(-0.15, 0.5, judge=0.5),
    ),
)

SUCCESSES = (
    Kind("success", "success", "constant hazard of success", f.Success(((0.15,),))),
    Kind("success_falling", "success", "easy tasks and hard ones", f.Success(((0.5,), (0.04,)), (0.4, 0.6))),
    Kind("success_dead", "success", "no success after step 4", f.Success(((0.25, 0.15, 0.12, 0.1, 0.06, 0.0),))),
    Kind(
        "success_cut",
        "success",
        "easy tasks and hard ones, budgets of random length",
        f.Success(((0.4,), (0.06,)), (0.5, 0.5)),
        f.RandomLengths(0.12),
    ),
)

CUT = (
    Kind(
        "cut_random",
        "last",
        "reverting loop, budgets of random length",
        f.Reverting(keep_of(2), start=-1.5),
        f.RandomLengths(0.15),
        half_life=2.0,
    ),
    Kind(
        "cut_level",
        "last",
        "reverting loop, low scores are given up more often",
        f.Reverting(keep_of(2), start=-1.2, differ=0.5),
        f.LowScores(0.25, level=-0.8),
        half_life=2.0,
    ),
    Kind(
        "cut_falls",
        "last",
        "reverting loop, given up more often after a fall",
        f.Reverting(keep_of(2), start=-1.2),
        f.Falls(0.2, 0.04),
        half_life=2.0,
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*CLIMBS, *FLAT, *LOOPS, *KEPT, *SUCCESSES, *CUT)}
