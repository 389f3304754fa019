"""What a mean curve is thought to be, the noise of the recording taken out, and how it goes on beyond the record.

The curve is taken to be a sum of a trend that flattens or climbs on, a first step of its own and a wiggle, of unknown
sizes; every such composition is weighed by how well it explains the recorded increments, given their noise. Beyond the
record it is always an extrapolation, and marked as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

import numpy as np

from ..arrays import Float, Int
from .curve import Curve

REACH = 1.5  # of the recorded steps: how far ahead is looked
KNOTS = 24  # increments that compositions are fitted to, at most
HALVES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)  # of the record: half-lives of trends that flatten
POWERS = (-1.0, -0.5, 0.0, 0.5, 1.0)  # q of ((1 + t)^q - 1)/q, 0 the logarithm
TREND = 1.5  # standard deviations between sessions: what a trend, or a first step, may amount to over the record
NO_TREND = 0.1  # chance of none
EARLY = 6  # none, one, or this part of the recorded steps may at first go their own way, apart from the trend
WIGGLES = (0.015, 0.05, 0.15, 0.4)  # standard deviations that a step may add or take beside the trend
NO_WIGGLE = 0.5  # chance of none
LASTING = (0.0, 2.0, np.inf)  # steps over which a wiggle goes on alike: new at each step, smooth, a steady slope
NEW = 1e-6  # share of a lasting wiggle that is new at each step: none could not be inverted
TO_MEAN, CORRELATED = 0.8, 0.8  # the noise: share of the mean variance in each step's own, share of correlations kept
EXACT = 1e-3  # standard deviations below which the noise of an increment is not believed
MOST_AHEAD = 1000  # steps beyond the record
DRIED = 1 / 3  # of the record, at its end, from which the share that ends by itself is taken


def horizon(steps: Int, asked: int | None = None) -> int:
    """Return the farthest step looked at: 1.5 times the recorded steps, or what is asked for."""
    if asked is not None:
        return max(asked, int(steps[0]))
    return int(steps[0]) + int(REACH * (int(steps[-1]) - int(steps[0])))


def steps_ahead(steps: Int, until: int) -> Int:
    """Return the steps beyond the record, as far apart as the recorded ones are."""
    last, apart = int(steps[-1]), _apart(steps)
    apart = max(apart, (until - last) // MOST_AHEAD)  # a log whose steps leap is not walked step by step
    return np.arange(last + apart, until + 1, apart, dtype=np.int64)


def _apart(steps: Int) -> int:
    return max(1, int(np.median(np.diff(steps)))) if len(steps) > 1 else 1


# ------------------------------------------------------------------------------- curves continued


def unchanged(curve: Curve, n_ahead: int) -> Curve:
    """Return the curve with so many further steps at which nothing is gained, at the cost that is expected."""
    paid, running = _paid_ahead(curve, n_ahead)
    return Curve(
        np.concatenate([curve.value, np.repeat(curve.value[:, -1:], n_ahead, axis=1)], axis=1),
        np.concatenate([curve.paid, paid], axis=1),
        np.concatenate([curve.running, running], axis=1),
    )


def raised(curve: Curve, gains: Float) -> Curve:
    """Return the curve with something added to its last steps, of shape (1 + n_draws, n_ahead) or (n_ahead,)."""
    value = curve.value.copy()
    value[:, value.shape[1] - gains.shape[-1] :] += gains
    return Curve(value, curve.paid, curve.running)


def late_slope(curve: Curve, n_ahead: int) -> Float:
    """Return what further steps add where the slope of the record's last half goes on, shape (1 + n_draws, n_ahead)."""
    last = curve.value.shape[1] - 1
    middle = last // 2
    slope = (curve.value[:, last] - curve.value[:, middle]) / max(last - middle, 1)
    return np.asarray(slope[:, None] * np.arange(1, n_ahead + 1))


def _paid_ahead(curve: Curve, n: int) -> tuple[Float, Float]:
    """Return cost and share running beyond the record: what each running session pays, and how many go on to run."""
    length = curve.running.shape[1]
    since = max(0, length - 1 - max(1, round(DRIED * (length - 1))))
    steps = max(length - 1 - since, 1)
    begun, left = curve.running[:, since], curve.running[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        stay = np.where(begun > 0, (left / np.maximum(begun, 1e-12)) ** (1 / steps), 0.0)
        rate = np.diff(curve.paid, axis=1).sum(axis=1) / np.maximum(curve.running[:, :-1].sum(axis=1), 1e-12)
    powers = stay[:, None] ** np.arange(n)
    running = left[:, None] * powers
    paid = curve.paid[:, -1:] + rate[:, None] * np.cumsum(running, axis=1)
    return paid, running * stay[:, None]


# ------------------------------------------------------------------------------- what is likely


def likely_values(value: Float, steps: Int, ahead: Int, spread: float, clusters: int) -> Float:
    """Return what the mean curve is thought to be, and draws of what it may be, over recorded and further steps.

    With increments y of the recorded mean, their noise C (from the draws) and a composition k of prior covariance S_k,
    the increments are expected to be S_k (C + S_k)^-1 y; compositions are weighed by their chance times the density of
    y under N(0, C + S_k). What lies ahead is a trend's continuation and what a smooth wiggle leads to; a wiggle that
    is new at each step adds nothing ahead, on average and in the draws.

    Parameters
    ----------
    value : float array, shape (1 + n_draws, n_steps)
        Mean by recorded step: the estimate, then bootstrap draws.
    steps, ahead : int arrays, shapes (n_steps,) and (n_ahead,)
    spread : float
        Standard deviation of the value between sessions: the unit of what may be expected beforehand.
    clusters : int

    Returns
    -------
    float array, shape (1 + n_draws, n_steps + n_ahead)
        The same draws at every call. With fewer than three steps, two draws or two clusters: nothing more comes.

    References
    ----------
    O'Hagan (1978) for curves under a Gaussian prior; Hoeting and others (1999) for averaging over compositions.
    """
    n, n_draws = len(steps), len(value) - 1
    if n < 3 or n_draws < 2 or clusters < 2 or not spread > 0:
        return np.concatenate([value, np.repeat(value[:, -1:], len(ahead), axis=1)], axis=1)
    time = (np.r_[steps, ahead] - steps[0]) / _apart(steps)
    knots = _knots(n)
    noise = _noise(np.diff(value[1:, knots], axis=1), np.diff(knots), clusters)
    noise += (EXACT * spread) ** 2 * np.eye(len(knots) - 1)
    prior = _compositions(tuple(time.tolist()), n)
    added, later = prior.given(np.diff(value[0, knots]) / spread, noise / spread**2, n_draws)
    at_knots = np.concatenate([np.zeros((1 + n_draws, 1)), np.cumsum(added, axis=1)], axis=1) * spread
    off = at_knots - (value[0, knots] - value[0, 0])  # the thought-of curve less the recorded mean, zero at the start
    spanned = np.stack([np.interp(time[:n], time[knots], unit) for unit in np.eye(len(knots))], axis=1)
    recorded = value[0] + off @ spanned.T
    return np.concatenate([recorded, recorded[:, -1:] + np.cumsum(later, axis=1) * spread], axis=1)


def _knots(n: int) -> Int:
    """Return at most KNOTS + 1 places, denser at the start."""
    if n <= KNOTS + 1:
        return np.arange(n)
    return np.unique(np.round(np.geomspace(1, n, KNOTS + 1)).astype(np.int64) - 1)


def _noise(increments: Float, spans: Int, clusters: int) -> Float:
    """Return the covariance of the mean's increments, each over so many steps.

    A step's own variance goes with its increment (few successes, small variance), and would weigh down the large ones:
    it is averaged with its neighbours' and with that of all steps. Correlations are shrunk.
    """
    covariance = np.atleast_2d(np.cov(increments, rowvar=False)) * clusters / (clusters - 1)
    own = np.diag(covariance)
    if not own.any():
        return covariance
    sums, n = (np.convolve(a, np.ones(3))[1:-1] for a in (own / spans, np.ones_like(own)))
    smoothed = np.sqrt(((1 - TO_MEAN) * sums / n + TO_MEAN * own.sum() / spans.sum()) * spans)
    deviation = np.sqrt(np.where(own > 0, own, np.inf))
    correlation = CORRELATED * covariance / np.outer(deviation, deviation)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation * np.outer(smoothed, smoothed))


@lru_cache(maxsize=8)
def _compositions(time: tuple[float, ...], n: int) -> Compositions:
    """Return all compositions over some times: the same for every curve over them."""
    return Compositions.over(np.array(time), n, _knots(n))


@dataclass(frozen=True, eq=False)
class Compositions:
    """What a curve may be made of beforehand, by composition, in standard deviations between sessions.

    Attributes
    ----------
    trend, later : float arrays, shapes (k, n_knots) and (k, n_ahead)
        Increments of the trend, TREND over the record; beyond it.
    first : float array, shape (k, n_knots)
        What first steps of their own may amount to.
    wiggle : float array, shape (k,)
        What a wiggle may add at a step.
    kind : int array, shape (k,)
        How long the wiggle lasts: a place in LASTING.
    roots : float array, shape (n_kinds, n_knots, n_knots)
        Of the covariance of a wiggle of size 1, by kind.
    leads : float array, shape (n_kinds, n_ahead, n_knots)
        What recorded increments of a wiggle lead to ahead, by kind.
    chance : float array, shape (k,)
    """

    trend: Float
    later: Float
    first: Float
    wiggle: Float
    kind: Int
    roots: Float
    leads: Float
    chance: Float

    @classmethod
    def over(cls, time: Float, n: int, knots: Int) -> Compositions:
        """Return all compositions over times from the start, of which the first n are recorded."""
        trends = _trends(time, n, knots)
        each = (1 - NO_WIGGLE) / len(WIGGLES) / len(LASTING)
        wiggles = [(0.0, 0, NO_WIGGLE)]
        wiggles += [(size, kind, each) for kind in range(len(LASTING)) for size in WIGGLES]
        early = sorted({0, 1, (len(knots) - 1) // EARLY})
        rows = list(product(range(len(trends)), early, wiggles))
        which = np.array([k for k, _, _ in rows])
        of_trend = np.where(which == 0, NO_TREND, (1 - NO_TREND) / (len(trends) - 1))
        roots, leads = _wiggles(time, n, knots)
        return cls(
            trends[which][:, : len(knots) - 1],
            trends[which][:, len(knots) - 1 :],
            np.where(np.arange(len(knots) - 1) < np.array([free for _, free, _ in rows])[:, None], TREND, 0.0),
            np.array([size for _, _, (size, _, _) in rows]),
            np.array([kind for _, _, (_, kind, _) in rows]),
            roots,
            leads,
            of_trend * np.array([chance for _, _, (_, _, chance) in rows]) / len(early),
        )

    @cached_property
    def covariances(self) -> tuple[Float, Float]:
        """Of recorded increments, and of those ahead with them: shapes (k, n_knots, n_knots), (k, n_ahead, n_knots)."""
        squares = self.roots @ self.roots.transpose(0, 2, 1)
        prior = self.trend[:, :, None] * self.trend[:, None, :]
        prior += (self.wiggle**2)[:, None, None] * squares[self.kind]
        prior += self.first[:, :, None] ** 2 * np.eye(self.trend.shape[1])
        ahead = self.later[:, :, None] * self.trend[:, None, :]
        ahead += (self.wiggle**2)[:, None, None] * (self.leads @ squares)[self.kind]
        return prior, ahead

    def given(self, y: Float, noise: Float, n_draws: int) -> tuple[Float, Float]:
        """Return increments given noisy recorded ones: expected, then drawn; recorded and further ones.

        Parameters
        ----------
        y : float array, shape (n_knots,)
        noise : float array, shape (n_knots, n_knots)
        n_draws : int

        Returns
        -------
        tuple of float arrays, shapes (1 + n_draws, n_knots) and (1 + n_draws, n_ahead)
        """
        prior, ahead = self.covariances
        whole = prior + noise
        inverse = np.linalg.inv(whole)
        log_weight = np.log(self.chance) - (np.linalg.slogdet(whole)[1] + y @ inverse @ y) / 2
        weight = np.exp(log_weight - log_weight.max())
        weight /= weight.sum()

        solved = inverse @ y
        expected = y - noise @ (weight @ solved), weight @ np.einsum("kai,ki->ka", ahead, solved)

        # A draw: one from the prior, corrected by what it and its noise miss of the record (Journel and Huijbregts).
        rng = np.random.default_rng(0)
        k = np.minimum(np.searchsorted(weight.cumsum(), (np.arange(n_draws) + 0.5) / n_draws), len(weight) - 1)
        size, normals = rng.standard_normal((n_draws, 1)), rng.standard_normal((3, n_draws, len(y)))
        kind = self.kind[k]
        wiggle = self.wiggle[k, None] * np.einsum("bij,bj->bi", self.roots[kind], normals[0])
        added = size * self.trend[k] + normals[1] * self.first[k] + wiggle
        missed = y - added - normals[2] @ np.linalg.cholesky(noise).T
        solved = np.einsum("bij,bj->bi", inverse[k], missed)
        later = size * self.later[k] + np.einsum("bai,bi->ba", self.leads[kind], wiggle)
        later += np.einsum("bai,bi->ba", ahead[k], solved)
        added += np.einsum("bij,bj->bi", prior[k], solved)
        return np.vstack([expected[0], added]), np.vstack([expected[1], later])


def _trends(time: Float, n: int, knots: Int) -> Float:
    """Return increments of each trend between knots, then ahead, TREND in all over the record; none comes first."""
    rates = [0.5 ** (1 / (half * time[n - 1])) for half in HALVES]
    curves = [-np.expm1(np.log(m) * time) for m in rates]
    curves += [np.log1p(time) if q == 0 else ((1 + time) ** q - 1) / q for q in POWERS]
    places = np.r_[knots, np.arange(n, len(time))]
    return np.array([np.zeros(len(places) - 1), *(TREND * np.diff(c[places]) / c[n - 1] for c in curves)])


def _wiggles(time: Float, n: int, knots: Int) -> tuple[Float, Float]:
    """Return roots of the covariance between recorded increments of a wiggle, and what they lead to, by kind."""
    places = np.r_[knots, np.arange(n, len(time))]
    length, middle = np.diff(time[places]), (time[places][1:] + time[places][:-1]) / 2
    apart, m = np.abs(middle[:, None] - middle), len(knots) - 1
    roots, leads = [], []
    for lasting in LASTING:
        alike = np.exp(-((apart / lasting) ** 2) / 2) if lasting else np.eye(len(length))
        covariance = alike * (np.outer(length, length) if lasting else np.diag(length))
        covariance[:m, :m] += NEW * np.diag(length[:m] ** 2)
        roots.append(np.linalg.cholesky(covariance[:m, :m]))
        leads.append(covariance[m:, :m] @ np.linalg.inv(covariance[:m, :m]))
    return np.array(roots), np.array(leads)
