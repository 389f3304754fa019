"""Families of simulated loops, before any budget cuts them: plain NumPy, nothing of the package.

A family is called as `family(rng, cluster, horizon, record)` and returns `Paths` of `len(cluster)` sessions over steps
0..horizon; sessions with the same number in `cluster` work on the same task, and `record` is the last step that the
recording will hold (only a jump placed behind it asks). Families that take a family change what it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rng = np.random.Generator
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Paths:
    """What sessions would do without a budget.

    Attributes
    ----------
    scores : array, shape (S, horizon + 1)
        Recorded scores; meaningless after a session's own end.
    end : int array, shape (S,)
        Step after which the session ends by itself, or NEVER.
    seen, accepted : arrays, shape (S, horizon + 1), or None
        The score that the loop itself looks at, where another one counts; which proposals it took.
    """

    scores: Array
    end: NDArray[np.int64]
    seen: Array | None = None
    accepted: NDArray[np.bool_] | None = None


class Family(Protocol):
    """A way to simulate sessions."""

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths: ...


def endless(by_step: Array, seen: Array | None = None) -> Paths:
    """Return paths without own ends from scores of shape (horizon + 1, S)."""
    return Paths(by_step.T, np.full(by_step.shape[1], NEVER), None if seen is None else seen.T)


def per_task(rng: Rng, cluster: NDArray[np.int64], sd: float, mean: float = 0.0) -> Array:
    """Draw a normal number per task and hand it to the sessions of the task, shape (S,)."""
    of_task: Array = (mean + sd * rng.standard_normal(int(cluster.max()) + 1))[cluster]
    return of_task


def shocks(rng: Rng, size: int | tuple[int, ...], tails: float) -> Array:
    """Draw numbers of variance 1: normal, or Student's with `tails` degrees of freedom."""
    if np.isinf(tails):
        return rng.standard_normal(size)
    return rng.standard_t(tails, size) * float(np.sqrt((tails - 2) / tails))


@dataclass(frozen=True)
class Curve:
    """A mean curve, sessions that lie above or below it throughout, and white noise of the scorer."""

    mean: Callable[[Array], Array]
    sessions: float = 0.6
    noise: float = 0.6
    tails: float = np.inf

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        level = self.mean(np.arange(horizon + 1.0))[:, None] + self.sessions * rng.standard_normal(len(cluster))
        return endless(level + self.noise * shocks(rng, level.shape, self.tails))


@dataclass(frozen=True)
class LateJump:
    """Nothing happens in the record; about a fifth of its length later every session jumps."""

    height: float
    noise: float = 0.6

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        jump = record + max(1, record // 5)
        later = Curve(lambda t: np.where(t >= jump, self.height, 0.0), noise=self.noise)
        return later(rng, cluster, horizon, record)


@dataclass(frozen=True)
class Reverting:
    """x[t+1] = rest + keep (x[t] - rest) + innovation: each session goes half of the way to rest in a half-life.

    `differ` and `tasks` are the sd of rests between sessions and between tasks, `scorer` white noise of the scorer
    alone, `judge` autocorrelated noise (0.6) of a scorer shared by the sessions of a task at a step.
    """

    keep: float
    start: float = -2.0
    start_sd: float = 0.7
    innovation: float = 0.6
    tails: float = np.inf
    differ: float = 0.0
    tasks: float = 0.0
    scorer: float = 0.0
    judge: float = 0.0

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        n = len(cluster)
        rest = self.differ * rng.standard_normal(n) + per_task(rng, cluster, self.tasks)
        x = self.start + per_task(rng, cluster, self.tasks / 2) + self.start_sd * rng.standard_normal(n)
        shared, path = per_task(rng, cluster, self.judge), np.empty((horizon + 1, n))
        for t in range(horizon + 1):
            path[t] = x + shared
            x = rest + self.keep * (x - rest) + self.innovation * shocks(rng, n, self.tails)
            if self.judge:
                shared = 0.6 * shared + 0.8 * per_task(rng, cluster, self.judge)
        if self.scorer:
            path += self.scorer * rng.standard_normal(path.shape)
        return endless(path)


@dataclass(frozen=True)
class Walk:
    """A random walk: increments of mean `drift`, independent of everything before."""

    drift: float
    innovation: float = 0.35

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        moves = self.drift + self.innovation * rng.standard_normal((horizon + 1, len(cluster)))
        moves[0] = 0.7 * rng.standard_normal(len(cluster))
        return endless(np.cumsum(moves, axis=0))


@dataclass(frozen=True)
class Tasks:
    """Tasks with levels (sd 1) and gains (sd 0.8 about `gain`) of their own; the gain comes at the rate 1 - keep."""

    gain: float
    keep: float

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        level, gain = per_task(rng, cluster, 1.0), per_task(rng, cluster, 0.8, self.gain)
        around = Reverting(self.keep, start=0.0, start_sd=0.5, innovation=0.4)(rng, cluster, horizon, record)
        come = 1 - self.keep ** np.arange(horizon + 1.0)
        return replace(around, scores=around.scores + level[:, None] + gain[:, None] * come)


@dataclass(frozen=True)
class Populations:
    """A share of the sessions does one thing, the rest another."""

    share: float
    one: Family
    other: Family

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        first = rng.random(len(cluster)) < self.share
        one, other = (family(rng, cluster, horizon, record) for family in (self.one, self.other))
        return Paths(np.where(first[:, None], one.scores, other.scores), np.where(first, one.end, other.end))


@dataclass(frozen=True)
class Whole:
    """Scores of another family as marks from 0 to 10, rounded, with a ceiling."""

    family: Family
    middle: float
    unit: float

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        paths = self.family(rng, cluster, horizon, record)
        return replace(paths, scores=np.clip(np.rint(self.middle + self.unit * paths.scores), 0.0, 10.0))


@dataclass(frozen=True)
class ZeroUntil:
    """Programs that fail score 0; the first that runs comes with a constant chance, then a family starts at a level."""

    chance: float
    level: float
    family: Family

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        paths = self.family(rng, cluster, horizon, record)
        since = np.arange(horizon + 1) - (rng.geometric(self.chance, len(cluster)) - 1)[:, None]
        running = self.level + np.take_along_axis(paths.scores, np.maximum(since, 0), axis=1)
        return replace(paths, scores=np.where(since >= 0, np.maximum(running, 0.0), 0.0))


@dataclass(frozen=True)
class Hidden:
    """The loop sees the scores of a family with noise of its own; the scores themselves count."""

    family: Family
    noise: float

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        paths = self.family(rng, cluster, horizon, record)
        return replace(paths, seen=paths.scores + self.noise * rng.standard_normal(paths.scores.shape))


@dataclass(frozen=True)
class Lineage:
    """Children of the version held: score of the parent plus a change, taken when they are judged better.

    The mean change falls with the score held, at the rate `harder`; `judge` is the sd of the noise in which parent and
    child are compared.
    """

    change: float
    change_sd: float
    harder: float = 0.2
    judge: float = 0.0

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        n = len(cluster)
        held = 0.7 * rng.standard_normal(n)
        scores, accepted = np.empty((horizon + 1, n)), np.ones((horizon + 1, n), bool)
        scores[0] = held
        for t in range(1, horizon + 1):
            scores[t] = held + self.change - self.harder * held + self.change_sd * rng.standard_normal(n)
            accepted[t] = scores[t] + self.judge * rng.standard_normal(n) > held
            held = np.where(accepted[t], scores[t], held)
        return replace(endless(scores), accepted=accepted.T)


@dataclass(frozen=True)
class Success:
    """Scores are 0 until the first success, 1 then, and the session ends.

    `hazard` has a row for each sort of session and a column for each step; the last column holds for all later steps.
    `shares` are the shares of the sorts.
    """

    hazard: tuple[tuple[float, ...], ...]
    shares: tuple[float, ...] = (1.0,)

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        table = np.array([[row[min(t, len(row) - 1)] for t in range(horizon + 1)] for row in self.hazard])
        sort = rng.choice(len(self.shares), len(cluster), p=self.shares)
        hits = rng.random((len(cluster), horizon + 1)) < table[sort]
        end = np.where(hits.any(axis=1), hits.argmax(axis=1), NEVER)
        return Paths((np.arange(horizon + 1) >= end[:, None]).astype(float), end)


@dataclass(frozen=True)
class Bar:
    """Sessions end by themselves as soon as the recorded score passes a bar."""

    family: Family
    bar: float

    def __call__(self, rng: Rng, cluster: NDArray[np.int64], horizon: int, record: int) -> Paths:
        paths = self.family(rng, cluster, horizon, record)
        past = paths.scores >= self.bar
        return replace(paths, end=np.where(past.any(axis=1), past.argmax(axis=1), NEVER))


# ------------------------------------------------------------------------------ budgets


class Cut(Protocol):
    """A budget: the last step that may be recorded of each session, given what it would do, shape (S,)."""

    def __call__(self, rng: Rng, scores: Array) -> NDArray[np.int64]: ...


def first_given_up(rng: Rng, chance: Array) -> NDArray[np.int64]:
    """Return the first step at which a session is given up, by chances of shape (S, L), else the last step."""
    up = rng.random(chance.shape) < chance
    up[:, -1] = True
    first: NDArray[np.int64] = up.argmax(axis=1)
    return first


@dataclass(frozen=True)
class RandomLengths:
    """Each step may be the last with the same chance, whatever the session does; the first step is always made."""

    chance: float

    def __call__(self, rng: Rng, scores: Array) -> NDArray[np.int64]:
        chance = np.full(scores.shape, self.chance)
        chance[:, 0] = 0.0
        return first_given_up(rng, chance)


@dataclass(frozen=True)
class LowScores:
    """Sessions below a level are given up more often: a logistic chance of at most `chance` a step."""

    chance: float
    level: float

    def __call__(self, rng: Rng, scores: Array) -> NDArray[np.int64]:
        return first_given_up(rng, self.chance / (1 + np.exp(3 * (scores - self.level))))


@dataclass(frozen=True)
class Falls:
    """Sessions are given up with one chance after a fall of the score, with another after a rise."""

    fall: float
    rise: float

    def __call__(self, rng: Rng, scores: Array) -> NDArray[np.int64]:
        chance = np.where(np.diff(scores, axis=1, prepend=scores[:, :1]) < 0, self.fall, self.rise)
        chance[:, 0] = 0.0
        return first_given_up(rng, chance)
