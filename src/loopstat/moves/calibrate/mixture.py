"""How much of the defects an oracle sees, from several samples per task: the likelihood with any law of masses.

A sample of a task of mass mu fails the coarse tests with chance 1 - e^{-r mu}, fails the fine ones alone with
e^{-r mu} - e^{-mu}, and passes both with e^{-mu}.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float, Int
from ...errors import SettingsError
from ...inference.estimate import Estimate
from ...lenses import Progress
from ...panel.model import Rng
from ...results.record import Record

LEAST_R, MOST_R = 0.005, 0.995
COARSE_GRID, FINE_GRID, ROUGH_GRID = 34, 17, 25
FEW_STEPS = 12  # of the fine grid: an interval of fewer is read on one of its own
LARGEST_MASS = 30.0  # beyond it nothing passes
MOST_PARTS = 80
OWN_SHARES = (0.001, 0.15, 0.35, 0.55, 0.75, 0.9, 0.9999)  # what a task's own r may be under the alternative
OWN_MASSES = 22
MAX_STEPS = 100  # of the search for a law of masses
CERTAIN = 1e-6  # of the log-likelihood: what may be missing when it stops
CENTRING, STAY_INSIDE = 0.1, 0.99
ENOUGH_ABOVE = 5  # draws at least as extreme as the data, after which the p-value is clear enough

# ------------------------------------------------------------ the law of largest likelihood on a grid


@dataclass(frozen=True)
class Mixtures:
    """Fitted mixing laws, one per likelihood of the batch.

    Attributes
    ----------
    log_likelihood : float array, shape (batch,)
        Minus infinity where some pattern has no chance under any part.
    weights : float array, shape (batch, n_parts)
        Of the parts of the grid; they sum to 1.
    missing : float array, shape (batch,)
        What the log-likelihood may at most be short of its maximum.
    """

    log_likelihood: Float
    weights: Float
    missing: Float


def fit_mixtures(log_likelihood: Float, counts: Float) -> Mixtures:
    r"""Return the weights x >= 0, sum 1, that maximise sum_i c_i ln sum_j L_ij x_j, for every L of a batch.

    With n = sum c the constraint can be dropped and n sum x subtracted: the maximum is the same. A primal-dual
    interior-point method solves it in about 15 steps; sum c_i L_ij/f_i - n, at most 0 at the maximum, certifies it.

    Parameters
    ----------
    log_likelihood : float array, shape (batch, n_patterns, n_parts)
        Logarithm of the chance of each pattern under each part, minus infinity where it has none.
    counts : float array, shape (n_patterns,) or (batch, n_patterns)
        How often each pattern was seen.

    Returns
    -------
    Mixtures

    Raises
    ------
    SettingsError
        No count above 0.

    References
    ----------
    Lindsay (1983), Ann. Stat. 11, 86 (the law is discrete, and how its maximum is known); Koenker and Mizera (2014),
    J. Am. Stat. Assoc. 109, 674 (interior points).

    Examples
    --------
    >>> chance = np.array([[[0.9, 0.1], [0.1, 0.9]]])
    >>> fit_mixtures(np.log(chance), np.array([5.0, 5.0])).weights.round(3).tolist()
    [[0.5, 0.5]]
    """
    c = np.broadcast_to(np.asarray(counts, dtype=np.float64), log_likelihood.shape[:2])
    n = c.sum(axis=1)
    if not np.all(n > 0):
        raise SettingsError("a mixture needs counts above 0: nothing was seen.")
    best = log_likelihood.max(axis=2)
    possible = np.isfinite(best)
    scale = np.where(possible, best, 0.0)  # chances of many samples are too small for a double
    # patterns that no part allows are taken as certain here, and their member of the batch is marked below
    ratio = np.where(possible[:, :, None], np.exp(log_likelihood - scale[:, :, None]), 1.0)
    x, missing = _climb(ratio, c, n)
    value = np.sum(c * (np.log(np.einsum("bmk,bk->bm", ratio, x)) + scale), axis=1)
    return Mixtures(np.where(np.all(possible | (c == 0), axis=1), value, -np.inf), x, missing)


def _climb(L: Float, c: Float, n: Float) -> tuple[Float, Float]:
    """Return the weights, shape (batch, n_parts), and the bound on what is missing."""
    batch, _, parts = L.shape
    x, dual = np.full((batch, parts), 1.0 / parts), np.repeat(n[:, None] / 10, parts, axis=1)
    diagonal = np.arange(parts)
    missing = np.full(batch, np.inf)
    for _ in range(MAX_STEPS):
        R = L / np.einsum("bmk,bk->bm", L, x)[:, :, None]
        weighted = R * c[:, :, None]
        slope = n[:, None] - weighted.sum(axis=1)
        total = x.sum(axis=1)
        # the largest slope upwards of the normalised law bounds what it is short of
        missing = np.maximum(n * (np.log(total) + np.log1p(-slope.min(axis=1) / n)), 0.0)
        if np.all(missing < CERTAIN):
            break
        gap = np.sum(x * dual, axis=1)
        H = np.swapaxes(weighted, 1, 2) @ R
        H[:, diagonal, diagonal] += dual / x
        target = (CENTRING * gap / parts)[:, None] / x
        step = np.linalg.solve(H, (target - slope)[:, :, None])[:, :, 0]
        turn = target - dual - dual / x * step
        x = x + _longest(x, step)[:, None] * step
        dual = dual + _longest(dual, turn)[:, None] * turn
    return x / x.sum(axis=1, keepdims=True), missing


def _longest(x: Float, step: Float) -> Float:
    """Return how much of a step keeps positive numbers positive, at most 1, shape (batch,)."""
    falls = step < 0
    room = np.where(falls, -x / np.where(falls, step, -1.0), np.inf).min(axis=1)
    return np.asarray(np.minimum(1.0, STAY_INSIDE * room))


# ------------------------------------------------------------------------ how much an oracle sees


@dataclass(frozen=True)
class MixtureFit:
    """The share of defects that coarse tests see, whatever the law of masses over tasks.

    Attributes
    ----------
    r : Estimate
        With the ends of the profile likelihood.
    log_likelihood : float
    masses, weights : float arrays, shape (n_parts,)
        The law of masses at the estimate; the last mass is infinite.
    p_coarse, p_fine : float
        Of one sample, under that law.
    """

    r: Estimate
    log_likelihood: float
    masses: Float
    weights: Float

    @property
    def p_coarse(self) -> float:
        """Chance that a sample passes the coarse tests."""
        return float(self.weights @ _passes(self.masses, float(self.r.value)))

    @property
    def p_fine(self) -> float:
        """Chance that a sample passes the fine tests."""
        return float(self.weights @ _passes(self.masses, 1.0))


def fit_mixture(outcomes: ArrayLike, *, level: float = 0.95) -> MixtureFit:
    """Return the r of largest likelihood, profiled over every law of masses on a grid.

    Parameters
    ----------
    outcomes : int array, shape (n_tasks, 3)
        Samples of each task that fail the coarse tests, fail the fine ones alone, and pass.
    level : float
        Of the profile-likelihood interval.

    Returns
    -------
    MixtureFit

    Raises
    ------
    SettingsError
        No sample passes the fine tests, or all do.

    Notes
    -----
    Tasks are independent, so the interval is one by task. *When it is wrong*: r that differs between tasks (see
    `one_r_test`), tests that are not nested, samples selected by their coarse verdicts. With few samples per task many
    laws of masses fit equally well and the interval says so: with one it is nearly all of (0, 1).

    References
    ----------
    Kiefer and Wolfowitz (1956), Ann. Math. Stat. 27, 887; Murphy and van der Vaart (2000), J. Am. Stat. Assoc. 95, 449
    (profile likelihood with a law that is not parametric).

    Examples
    --------
    >>> fit_mixture([[0, 0, 10]] * 30 + [[4, 1, 5]] * 20 + [[8, 1, 1]] * 10).r
    Estimate(0.73 [0.64, 0.80])
    """
    from scipy.special import chdtri

    n = _checked(outcomes)
    seen = _Patterns.of(n, mass_grid(int(n.sum(axis=1).max())))
    limit = math.sqrt(float(chdtri(1, 1 - level)))
    if not n[:, 1].any():  # no sample fails the fine tests alone: r is 1, and may be less
        whole, laws = seen.profile(np.linspace(LEAST_R, 1.0, COARSE_GRID))
        top = float(whole.value[-1])
        return MixtureFit(Estimate(1.0, whole.ends(top, limit)[0], 1.0), top, seen.masses, laws.weights[-1])
    profile, _ = seen.profile(np.linspace(LEAST_R, MOST_R, COARSE_GRID))
    near, _ = seen.profile(np.linspace(*profile.beside_the_top, FINE_GRID))
    estimate, maximum = near.vertex
    profile = profile.with_more(near)
    low, high = profile.ends(maximum, limit)
    if high - low < FEW_STEPS * (near.r[1] - near.r[0]):  # many samples: look closer, once more
        about = np.linspace(1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low, FINE_GRID)
        close, _ = seen.profile(np.clip(about, LEAST_R, MOST_R))
        estimate, maximum = close.vertex
        low, high = profile.with_more(close).ends(maximum, limit)
    at, laws = seen.profile(np.array([estimate]))
    return MixtureFit(Estimate(estimate, low, high), float(at.value[0]), seen.masses, laws.weights[0])


def _checked(outcomes: ArrayLike) -> Int:
    n = np.asarray(outcomes, dtype=np.int64)
    if n.ndim != 2 or n.shape[1] != 3 or np.any(n < 0):
        raise SettingsError(f"`outcomes` must be three counts of at least 0 for each task. Got shape {n.shape}.")
    n = np.asarray(n[n.sum(axis=1) > 0], dtype=np.int64)
    if not n[:, 2].any() or not n[:, :2].any():
        raise SettingsError("r needs samples that pass the fine tests and samples that fail some test.")
    return n


def mass_grid(n_samples: int) -> Float:
    """Return masses from 0 to infinity, as dense as so many samples of a task can tell apart.

    Parameters
    ----------
    n_samples : int
        The most samples any task has.
    """
    low = 0.1 / n_samples
    parts = math.ceil(math.log(LARGEST_MASS / low) / math.log1p(0.72 / math.sqrt(n_samples)))
    return np.asarray(np.r_[0.0, np.geomspace(low, LARGEST_MASS, min(max(parts, 24), MOST_PARTS)), np.inf])


def _passes(masses: Float, share: float | Float) -> Float:
    """Return e^{-share mu}, 0 at an infinite mass and 1 at none, whatever the share."""
    finite = np.where(np.isfinite(masses), masses, 0.0)
    return np.asarray(np.where(np.isfinite(masses), np.exp(-np.asarray(share) * finite), 0.0))


@dataclass(frozen=True)
class _Patterns:
    """Outcomes that tasks show: (n0, n1, n2), each once, how many tasks show it, and the masses a task may have."""

    patterns: Int
    counts: Float
    masses: Float

    @classmethod
    def of(cls, n: Int, masses: Float) -> _Patterns:
        """Count the outcomes of tasks, shape (n_tasks, 3)."""
        patterns, counts = np.unique(n, axis=0, return_counts=True)
        return cls(patterns, counts.astype(np.float64), masses)

    def log_likelihood(self, r: Float) -> Float:
        """Return ln of the chance of each pattern at each mass, no binomial factors, (n_r, n_patterns, n_masses)."""
        coarse, fine = _passes(self.masses, r[:, None]), _passes(self.masses, 1.0)[None, :]
        log = np.zeros((len(r), len(self.patterns), len(self.masses)))
        for k, chance in enumerate((1 - coarse, np.maximum(coarse - fine, 0.0), np.broadcast_to(fine, coarse.shape))):
            seen = self.patterns[None, :, k, None]
            safe = np.log(np.where(chance > 0, chance, 1.0))[:, None, :]
            log += np.where(seen > 0, np.where(chance[:, None, :] > 0, seen * safe, -np.inf), 0.0)
        return log

    def profile(self, r: Float) -> tuple[_Profile, Mixtures]:
        """Return the largest log-likelihood at each r, and the laws of masses that have it."""
        laws = fit_mixtures(self.log_likelihood(r), self.counts)
        return _Profile(r, laws.log_likelihood), laws


@dataclass(frozen=True)
class _Profile:
    """The largest log-likelihood at each of some r."""

    r: Float
    value: Float

    def with_more(self, other: _Profile) -> _Profile:
        """Return the profile at the r of both."""
        return _Profile(np.r_[self.r, other.r], np.r_[self.value, other.value])

    @property
    def top(self) -> int:
        """Place of the largest."""
        return int(np.argmax(self.value))

    @property
    def beside_the_top(self) -> tuple[float, float]:
        """The r on either side of the best one."""
        return float(self.r[max(self.top - 1, 0)]), float(self.r[min(self.top + 1, len(self.r) - 1)])

    @property
    def vertex(self) -> tuple[float, float]:
        """The top, r and value, of the parabola through the best point and its neighbours."""
        r, value, top = self.r, self.value, self.top
        if not 0 < top < len(r) - 1:
            return float(r[top]), float(value[top])
        before, here, after = value[top - 1 : top + 2]
        bend = before - 2 * here + after
        if not (np.isfinite(bend) and bend < 0):
            return float(r[top]), float(here)
        shift = float(np.clip(0.5 * (before - after) / bend, -1, 1))
        return float(r[top] + shift * (r[1] - r[0])), float(here - 0.25 * (before - after) * shift)

    def ends(self, maximum: float, limit: float) -> tuple[float, float]:
        """Return where the root of twice the lost log-likelihood crosses a limit, outermost; it is nearly straight."""
        r, at = np.unique(self.r, return_index=True)
        depth = np.sqrt(2 * np.maximum(maximum - self.value[at], 0.0))
        depth = np.where(np.isfinite(depth), depth, 10 * limit)
        first, last = np.flatnonzero(depth <= limit)[[0, -1]]
        low = 0.0 if first == 0 else np.interp(limit, depth[[first, first - 1]], r[[first, first - 1]])
        high = 1.0 if last == len(r) - 1 else np.interp(limit, depth[[last, last + 1]], r[[last, last + 1]])
        return float(low), float(high)


# ------------------------------------------------------------------------ is it one r?


@dataclass(frozen=True, eq=False)
class OneShare(Record):
    """Test of one r for all tasks.

    Attributes
    ----------
    p_value : float
        Small where tasks have blind spots of their own.
    statistic : float
        Twice the log-likelihood that a share of its own for every task gains.
    expected : float
        Its mean where one r holds, from the draws.
    n_draws : int
    """

    p_value: float
    statistic: float
    expected: float
    n_draws: int


def one_r_test(
    outcomes: ArrayLike,
    fit: MixtureFit,
    *,
    rng: Rng,
    n_draws: int = 39,
    progress: Progress | None = None,
) -> OneShare:
    """Test whether one r serves all tasks, against tasks that each have a share and a mass of their own.

    The likelihood ratio is compared with recordings drawn from the fit and fitted again.

    Parameters
    ----------
    outcomes : int array, shape (n_tasks, 3)
        As `fit_mixture` takes them.
    fit : MixtureFit
        Of these outcomes.
    rng : Generator
    n_draws : int
        At most; drawing ends once five draws reach the data's statistic.
    progress : callable, optional
        Called with the draws done, `n_draws`, and what they are for.

    Returns
    -------
    OneShare

    Notes
    -----
    *When it is wrong*: shares that differ within a task, from sample to sample, look like one r. With two samples per
    task the test sees little; with one, nothing.

    References
    ----------
    Besag and Clifford (1991), Biometrika 78, 301 (drawing until enough).

    Examples
    --------
    >>> n = [[0, 0, 10]] * 30 + [[0, 10, 0]] * 20 + [[9, 0, 1]] * 10
    >>> one_r_test(n, fit_mixture(n), rng=np.random.default_rng(0), n_draws=19).p_value
    0.05
    """
    n = _checked(outcomes)
    sizes = n.sum(axis=1)
    seen = _gain(n)
    drawn: list[float] = []
    above = 0
    while len(drawn) < n_draws and above < ENOUGH_ABOVE:
        if progress:
            progress(len(drawn), n_draws, "one r for all tasks? draw")
        again = _draw(fit, sizes, rng)
        usual = again[:, 1].any() and again[:, 2].any()
        drawn.append(_gain(again) if usual else 0.0)
        above += drawn[-1] >= seen
    p = above / len(drawn) if above == ENOUGH_ABOVE else (above + 1) / (len(drawn) + 1)
    return OneShare(p, seen, float(np.mean(drawn)), len(drawn))


def _gain(n: Int) -> float:
    """Return twice the gain in log-likelihood of a share of its own for every task, on a grid of few masses."""
    masses = np.r_[0.0, np.geomspace(0.1 / int(n.sum(axis=1).max()), LARGEST_MASS, OWN_MASSES), np.inf]
    seen = _Patterns.of(n, masses)
    rough, _ = seen.profile(np.linspace(0.02, 0.99, ROUGH_GRID))
    centre, step = float(rough.r[rough.top]), float(rough.r[1] - rough.r[0])
    near, _ = seen.profile(np.clip(np.linspace(centre - step, centre + step, 9), LEAST_R, MOST_R))
    one = float(near.value.max())
    # the null's own share is among those of the alternative, so that the gain is not below 0
    shares = seen.log_likelihood(np.r_[OWN_SHARES, near.r[near.top]])
    whole = fit_mixtures(np.concatenate(shares, axis=1)[None], seen.counts)
    return 2 * max(float(whole.log_likelihood[0]) - one, 0.0)


def _draw(fit: MixtureFit, sizes: Int, rng: Rng) -> Int:
    """Return outcomes of tasks drawn from a fit."""
    mass = rng.choice(len(fit.masses), len(sizes), p=fit.weights / fit.weights.sum())
    coarse = _passes(fit.masses, float(fit.r.value))[mass]
    fine = np.minimum(_passes(fit.masses, 1.0)[mass], coarse)
    passed = rng.binomial(sizes, coarse)
    good = rng.binomial(passed, np.where(coarse > 0, fine / np.where(coarse > 0, coarse, 1.0), 0.0))
    return np.stack([sizes - passed, passed - good, good], axis=1)
