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
from .mixtures import fit_mixtures

LEAST_R, MOST_R = 0.005, 0.995
COARSE_GRID, FINE_GRID, ROUGH_GRID = 34, 17, 25
FEW_STEPS = 12  # of the fine grid: an interval of fewer is read on one of its own
LARGEST_MASS = 30.0  # beyond it nothing passes
MOST_PARTS = 80
OWN_SHARES = (0.001, 0.15, 0.35, 0.55, 0.75, 0.9, 0.9999)  # what a task's own r may be under the alternative
OWN_MASSES = 22
ENOUGH_ABOVE = 5  # draws at least as extreme as the data, after which the p-value is clear enough


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
    patterns, counts = _patterns(n)
    masses = mass_grid(int(n.sum(axis=1).max()))
    if not n[:, 1].any():
        return _all_seen(patterns, counts, masses, level)
    r = np.linspace(LEAST_R, MOST_R, COARSE_GRID)
    value = _profile(patterns, counts, masses, r)
    best = int(np.argmax(value))
    near = np.linspace(r[max(best - 1, 0)], r[min(best + 1, len(r) - 1)], FINE_GRID)
    found = _profile(patterns, counts, masses, near)
    top = int(np.argmax(found))
    estimate, maximum = _vertex(near, found, top)
    r, value = np.r_[r, near], np.r_[value, found]
    limit = math.sqrt(float(chdtri(1, 1 - level)))
    low, high = _ends(r, value, maximum, limit)
    if high - low < FEW_STEPS * (near[1] - near[0]):  # many samples: look closer, once more
        close = np.clip(np.linspace(1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low, FINE_GRID), LEAST_R, MOST_R)
        found = _profile(patterns, counts, masses, close)
        estimate, maximum = _vertex(close, found, int(np.argmax(found)))
        low, high = _ends(np.r_[r, close], np.r_[value, found], maximum, limit)
    at = fit_mixtures(_log_likelihood(patterns, masses, np.array([estimate])), counts)
    return MixtureFit(Estimate(estimate, low, high), float(at.log_likelihood[0]), masses, at.weights[0])


def _all_seen(patterns: Int, counts: Float, masses: Float, level: float) -> MixtureFit:
    """Return the fit where no sample fails the fine tests alone: r is 1, and may be less."""
    from scipy.special import chdtri

    r = np.linspace(LEAST_R, 1.0, COARSE_GRID)
    fitted = fit_mixtures(_log_likelihood(patterns, masses, r), counts)
    value = fitted.log_likelihood
    low, _ = _ends(r, value, float(value[-1]), math.sqrt(float(chdtri(1, 1 - level))))
    return MixtureFit(Estimate(1.0, low, 1.0), float(fitted.log_likelihood[-1]), masses, fitted.weights[-1])


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


def _patterns(n: Int) -> tuple[Int, Float]:
    patterns, counts = np.unique(n, axis=0, return_counts=True)
    return patterns, counts.astype(np.float64)


def _log_likelihood(patterns: Int, masses: Float, r: Float) -> Float:
    """Return ln of the chance of each pattern at each mass, without binomial factors, (n_r, n_patterns, n_masses)."""
    coarse, fine = _passes(masses, r[:, None]), _passes(masses, 1.0)[None, :]
    log = np.zeros((len(r), len(patterns), len(masses)))
    for k, chance in enumerate((1 - coarse, np.maximum(coarse - fine, 0.0), np.broadcast_to(fine, coarse.shape))):
        seen = patterns[None, :, k, None]
        safe = np.log(np.where(chance > 0, chance, 1.0))[:, None, :]
        log += np.where(seen > 0, np.where(chance[:, None, :] > 0, seen * safe, -np.inf), 0.0)
    return log


def _profile(patterns: Int, counts: Float, masses: Float, r: Float) -> Float:
    return fit_mixtures(_log_likelihood(patterns, masses, r), counts).log_likelihood


def _vertex(r: Float, value: Float, top: int) -> tuple[float, float]:
    """Return the top of the parabola through the best point and its neighbours."""
    if not 0 < top < len(r) - 1:
        return float(r[top]), float(value[top])
    before, here, after = value[top - 1 : top + 2]
    bend = before - 2 * here + after
    if not (np.isfinite(bend) and bend < 0):
        return float(r[top]), float(here)
    shift = float(np.clip(0.5 * (before - after) / bend, -1, 1))
    return float(r[top] + shift * (r[1] - r[0])), float(here - 0.25 * (before - after) * shift)


def _ends(r: Float, value: Float, maximum: float, limit: float) -> tuple[float, float]:
    """Return where the root of twice the lost log-likelihood crosses a limit, outermost; it is nearly straight."""
    r, at = np.unique(r, return_index=True)
    depth = np.sqrt(2 * np.maximum(maximum - value[at], 0.0))
    inside = np.flatnonzero(depth <= limit)
    first, last = int(inside[0]), int(inside[-1])
    low = 0.0 if first == 0 else _crossing(r, depth, first, first - 1, limit)
    return low, 1.0 if last == len(r) - 1 else _crossing(r, depth, last, last + 1, limit)


def _crossing(r: Float, depth: Float, inside: int, outside: int, limit: float) -> float:
    beyond = depth[outside] if np.isfinite(depth[outside]) else 10 * limit
    return float(np.interp(limit, [depth[inside], beyond], [r[inside], r[outside]]))


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
    patterns, counts = _patterns(n)
    rough = np.linspace(0.02, 0.99, ROUGH_GRID)
    value = _profile(patterns, counts, masses, rough)
    centre, step = float(rough[np.argmax(value)]), float(rough[1] - rough[0])
    near = np.clip(np.linspace(centre - step, centre + step, 9), LEAST_R, MOST_R)
    found = _profile(patterns, counts, masses, near)
    best, one = near[int(np.argmax(found))], float(found.max())
    # the null's own share is among those of the alternative, so that the gain is not below 0
    whole = fit_mixtures(
        np.concatenate(_log_likelihood(patterns, masses, np.r_[OWN_SHARES, best]), axis=1)[None], counts
    )
    return 2 * max(float(whole.log_likelihood[0]) - one, 0.0)


def _draw(fit: MixtureFit, sizes: Int, rng: Rng) -> Int:
    """Return outcomes of tasks drawn from a fit."""
    mass = rng.choice(len(fit.masses), len(sizes), p=fit.weights / fit.weights.sum())
    coarse = _passes(fit.masses, float(fit.r.value))[mass]
    fine = np.minimum(_passes(fit.masses, 1.0)[mass], coarse)
    passed = rng.binomial(sizes, coarse)
    good = rng.binomial(passed, np.where(coarse > 0, fine / np.where(coarse > 0, coarse, 1.0), 0.0))
    return np.stack([sizes - passed, passed - good, good], axis=1)
