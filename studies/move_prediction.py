"""What the moves lens predicts about tasks it has not seen: success of the best of k candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from loopstat.arrays import Float, Int
from loopstat.errors import SettingsError
from loopstat.inference.estimate import Estimate
from loopstat.panel.model import Rng
from loopstat.results.record import plain
from studies.assumptions import Effect, cluster_codes

GRID = 81  # masses at which the law of tasks is held
ROUNDS = 400  # of expectation-maximisation, far past the point where predictions move
MIN_TASKS = 16
MOST_MASS = 12.0  # beyond which a task passes less than once in 160,000 samples


@dataclass(frozen=True)
class Prediction:
    """What was predicted for held-out tasks, and what happened.

    Attributes
    ----------
    what : str
    at : tuple of float
        Numbers of candidates, or rounds.
    predicted, low, high : float arrays, shape (n,)
        Shares, with the prediction interval: new tasks, and calibration by the tasks there were.
    happened : float array, shape (n,)
    trivial : float array, shape (n,)
        The mean of the training tasks, all of their record used.
    naive : float array, shape (n,)
        Every task alike (best of k), or nothing ever improves (rounds).
    n_train, n_test : int
        Tasks.
    """

    what: str
    at: tuple[float, ...]
    predicted: Float
    low: Float
    high: Float
    happened: Float
    trivial: Float
    naive: Float
    n_train: int
    n_test: int

    @property
    def error(self) -> Float:
        """Predicted less happened, shape (n,)."""
        return np.asarray(self.predicted - self.happened)

    @property
    def inside(self) -> Float:
        """1 where what happened lies inside the prediction interval, shape (n,)."""
        return ((self.low <= self.happened) & (self.happened <= self.high)).astype(np.float64)

    @property
    def skill(self) -> float:
        """1 less the squared error over that of the training mean: 0 is no better than it, NaN where that is exact."""
        return self._skill(self.trivial)

    @property
    def skill_naive(self) -> float:
        """The same over the naive prediction."""
        return self._skill(self.naive)

    def _skill(self, other: Float) -> float:
        squared = float(np.sum((other - self.happened) ** 2))
        return 1 - float(np.sum(self.error**2)) / squared if squared > 0 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        more = {"error": self.error, "inside": self.inside, "skill": self.skill, "skill_naive": self.skill_naive}
        return plain(vars(self) | more)  # type: ignore[no-any-return]


def half_of_tasks(task: ArrayLike, rng: Rng) -> Int:
    """Return 0 for rows of the training half of the tasks and 1 for the others, drawn at random, shape (n,).

    Parameters
    ----------
    task : array, shape (n,)
    rng : Generator

    Returns
    -------
    int array

    Raises
    ------
    SettingsError
        Fewer than 16 tasks.

    Examples
    --------
    >>> half_of_tasks(np.arange(20), np.random.default_rng(0)).sum().item()
    10
    """
    codes = cluster_codes(task)
    n = int(codes.max()) + 1 if len(codes) else 0
    if n < MIN_TASKS:
        raise SettingsError(f"a prediction check needs at least {MIN_TASKS} tasks. Got {n}.")
    half = np.zeros(n, dtype=np.int64)
    half[rng.permutation(n)[n // 2 :]] = 1
    return half[codes]


# ----------------------------------------------------------------------- the best of k


@dataclass(frozen=True)
class TaskLaw:
    """How defect mass differs between tasks: P(a sample passes) = exp(-mu), with weights on a grid of masses.

    Attributes
    ----------
    mass, weight : float arrays, shape (n_grid,)
    """

    mass: Float
    weight: Float

    @classmethod
    def fit(cls, n_passed: ArrayLike, n_tried: ArrayLike) -> TaskLaw:
        """Find the weights of maximum likelihood for binomial counts per task.

        Parameters
        ----------
        n_passed, n_tried : int arrays, shape (n_tasks,)

        Notes
        -----
        *When it is wrong*: 10 samples of a task do not tell a chance of 1e-3 from 1e-6, so the best of many more than
        the samples per task is what the grid makes of it.

        Examples
        --------
        >>> round(float(TaskLaw.fit([5, 5, 5], [10, 10, 10]).success(1)), 2)
        0.5
        """
        c, n = np.asarray(n_passed, dtype=np.float64), np.asarray(n_tried, dtype=np.float64)
        mass = np.concatenate([[0.0], np.geomspace(1e-3, MOST_MASS, GRID - 1)])
        weight = np.full(GRID, 1 / GRID)
        kinds, times = np.unique(np.column_stack([c, n]), axis=0, return_counts=True)  # tasks alike are one row
        like = _likelihood(mass, kinds[:, 0], kinds[:, 1])
        for _ in range(ROUNDS):
            weight = weight * ((times / (like @ weight)) @ like) / len(c)
        return cls(mass, weight)

    def success(self, k: int) -> float:
        """Return P(at least one of k candidates of a new task passes), E[1 - (1 - e^{-mu})^k]."""
        return float(self.weight @ (1 - (-np.expm1(-self.mass)) ** k))

    def success_given(self, k: int, n_passed: ArrayLike, n_tried: ArrayLike) -> Float:
        """Return the same for tasks of which some samples are known, shape (n_tasks,)."""
        c, n = np.asarray(n_passed, dtype=np.float64), np.asarray(n_tried, dtype=np.float64)
        posterior = _likelihood(self.mass, c, n) * self.weight
        posterior /= np.maximum(posterior.sum(axis=1, keepdims=True), 1e-300)
        return np.asarray(posterior @ (1 - (-np.expm1(-self.mass)) ** k))


def _likelihood(mass: Float, c: Float, n: Float) -> Float:
    """Return binomial likelihoods up to a factor of each task's own, shape (n_tasks, n_grid)."""
    log_p, log_q = -mass, np.log(np.maximum(-np.expm1(-mass), 1e-300))
    log_like = c[:, None] * log_p + (n - c)[:, None] * log_q
    return np.asarray(np.exp(log_like - log_like.max(axis=1, keepdims=True)))


def pass_at_k(n_passed: ArrayLike, n_tried: ArrayLike, k: int) -> Float:
    """Return 1 - C(n - c, k)/C(n, k), the unbiased chance that k of a task's samples hold one that passes.

    Parameters
    ----------
    n_passed, n_tried : int arrays, shape (n_tasks,)
    k : int

    Returns
    -------
    float array, shape (n_tasks,)
        NaN where fewer than k were tried.

    Examples
    --------
    >>> pass_at_k([1, 0, 10], [10, 10, 10], 5).tolist()
    [0.5, 0.0, 1.0]
    """
    c, n = np.asarray(n_passed, dtype=np.float64), np.asarray(n_tried, dtype=np.float64)
    j = np.arange(k)
    with np.errstate(divide="ignore", invalid="ignore"):
        miss = np.prod(np.maximum((n - c)[:, None] - j, 0) / (n[:, None] - j), axis=1)
    return np.where(n >= k, 1 - miss, np.nan)


def predict_best_of(
    passed: ArrayLike,
    task: ArrayLike,
    ks: Sequence[int],
    *,
    rng: Rng,
    samples: int = 2,
    level: float = 0.95,
    n_boot: int = 200,
) -> Prediction:
    """Calibrate the law of tasks on half of them, from a few samples each, and predict best-of-k on the other half.

    Parameters
    ----------
    passed : bool array, shape (n,)
    task : array, shape (n,)
    ks : sequence of int
        Up to the samples of a task.
    rng : Generator
        Of the halves and of the interval.
    samples : int
        How many samples of each training task the calibration sees: from all of them it would be read off. `naive`
        sees the same, 1 - (1 - p)^k for all tasks alike; `trivial` is the training mean from all samples.
    level : float
    n_boot : int
        Draws of the interval: training tasks resampled, held-out tasks and their samples drawn from the law.

    Returns
    -------
    Prediction

    Raises
    ------
    SettingsError
        Too few tasks, or a k beyond the samples.
    """
    y, codes = np.asarray(passed, dtype=bool), cluster_codes(task)
    half = half_of_tasks(codes, rng)
    n = np.bincount(codes)
    if max(ks) > n.min():
        raise SettingsError(f"`ks` must not exceed the samples of a task, {n.min()}. Got {max(ks)}.")
    train, test = np.unique(codes[half == 0]), np.unique(codes[half == 1])
    first = np.concatenate([np.flatnonzero(codes == t)[:samples] for t in train])
    c = np.bincount(codes[first], weights=y[first], minlength=len(n))[train]
    m = np.minimum(n[train], samples).astype(np.float64)
    law = TaskLaw.fit(c, m)
    happened = _mean_success(np.bincount(codes, weights=y)[test], n[test], ks)
    p = float(c.sum() / m.sum())
    draws = np.empty((n_boot, len(ks)))
    for i in range(n_boot):
        chosen = rng.integers(0, len(train), len(train))
        again = TaskLaw.fit(c[chosen], m[chosen])
        mass = rng.choice(again.mass, size=len(test), p=again.weight)
        draws[i] = _mean_success(rng.binomial(n[test], np.exp(-mass)), n[test], ks)
    tail = 50 * (1 - level)
    low, high = np.percentile(draws, [tail, 100 - tail], axis=0)
    predicted = np.array([law.success(k) for k in ks])
    naive = np.array([1 - (1 - p) ** k for k in ks])
    trivial = _mean_success(np.bincount(codes, weights=y)[train], n[train], ks)
    what = f"best of k passes, from {samples} samples of each training task"
    return Prediction(
        what, tuple(map(float, ks)), predicted, low, high, happened, trivial, naive, len(train), len(test)
    )


def _mean_success(c: ArrayLike, n: ArrayLike, ks: Sequence[int]) -> Float:
    return np.array([np.mean(pass_at_k(c, n, k)) for k in ks])


@dataclass(frozen=True)
class TaskSkill:
    """How well single held-out tasks are told apart from a few of their own samples.

    Attributes
    ----------
    skill : Estimate
        1 less the squared error over that of the training mean, with its interval by task.
    n_train, n_test : int
    """

    skill: Estimate
    n_train: int
    n_test: int

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        s = self.skill
        return {
            **plain({"value": s.value, "low": s.low, "high": s.high}),
            "n_train": self.n_train,
            "n_test": self.n_test,
        }


def predict_tasks(
    passed: ArrayLike, task: ArrayLike, k: int, *, rng: Rng, known: int = 2, level: float = 0.95
) -> TaskSkill:
    """Predict for each held-out task whether the best of k further samples passes, from its first `known` ones.

    Parameters
    ----------
    passed : bool array, shape (n,)
    task : array, shape (n,)
    k : int
    rng : Generator
    known : int
    level : float

    Returns
    -------
    TaskSkill
        Against the training mean of the same chance.

    Raises
    ------
    SettingsError
        Too few tasks, or fewer than `known` + k samples of one.
    """
    y, codes = np.asarray(passed, dtype=bool), cluster_codes(task)
    half = half_of_tasks(codes, rng)
    n = np.bincount(codes)
    if known + k > n.min():
        raise SettingsError(f"{known} known and {k} further samples are needed; a task has {n.min()}.")
    order = np.argsort(codes, kind="stable")
    place = np.arange(len(y)) - np.concatenate([[0], np.cumsum(n)[:-1]])[codes[order]]
    early = np.zeros(len(y), dtype=bool)
    early[order] = place < known
    seen = np.bincount(codes, weights=y & early)
    later = pass_at_k(np.bincount(codes, weights=y & ~early), n - known, k)
    train, test = np.unique(codes[half == 0]), np.unique(codes[half == 1])
    law = TaskLaw.fit(np.bincount(codes, weights=y)[train], n[train])
    ours = (law.success_given(k, seen[test], np.full(len(test), known)) - later[test]) ** 2
    mean = (float(later[train].mean()) - later[test]) ** 2
    effect = Effect.of(lambda rows: 1 - float(ours[rows].sum() / mean[rows].sum()), np.arange(len(test)), 0.0, level)
    return TaskSkill(effect.estimate, len(train), len(test))
