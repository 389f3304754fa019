"""Tests of what the moves lens assumes about moves: that returns diminish, and that the past does not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from loopstat.arrays import Bool, Float, Int
from loopstat.errors import SettingsError
from loopstat.inference.estimate import Estimate, show
from loopstat.inference.intervals import jackknife_interval, jackknife_variance, student_quantile
from loopstat.inference.resample import MANY_REFITS, N_REFITS, LeftOut
from loopstat.inference.tests import student_p
from loopstat.moves.calibrate.progress import HALF_SATURATION, Progress, fit_progress
from loopstat.results.record import plain

MIN_CLUSTERS = 8
TEST_LEVEL = 0.05
CLOSE = 0.25  # a dependence whose interval stays below is none worth a second state


@dataclass(frozen=True)
class AssumptionTest:
    """One assumption, tested.

    Attributes
    ----------
    assumption : str
        Its name.
    null, alternative : str
        As sentences.
    effect : Estimate
        What was measured, with its interval by cluster.
    measures : str
        What `effect` is, with its value under the null.
    p_value : float
        Of the null, two-sided; NaN where there is none.
    verdict : str
        What it means for the assumption, in a sentence.
    holds : bool or None
        None where these data cannot tell.
    n, n_clusters : int
        Rows used, and the clusters they came in.
    """

    assumption: str
    null: str
    alternative: str
    effect: Estimate
    measures: str
    p_value: float
    verdict: str
    holds: bool | None
    n: int
    n_clusters: int

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        e = self.effect
        rest = {k: v for k, v in vars(self).items() if k != "effect"}
        return plain(rest | {"effect": {"value": e.value, "low": e.low, "high": e.high}})  # type: ignore[no-any-return]


# ------------------------------------------------------------------------- shared by all of them


def cluster_codes(names: ArrayLike) -> Int:
    """Return numbers 0, 1, ... for the distinct values of an array, shape (n,)."""
    return np.asarray(np.unique(np.asarray(names).ravel(), return_inverse=True)[1], dtype=np.int64).ravel()


@dataclass(frozen=True)
class Effect:
    """A figure with its interval by cluster, the p-value of its null value, and the number of clusters."""

    estimate: Estimate
    p_value: float
    n_clusters: int

    @classmethod
    def of(cls, function: Callable[[Bool], float], codes: Int, null: float, level: float) -> Effect:
        """Compute a function of rows on all of them and without each cluster (or group of clusters).

        Raises
        ------
        SettingsError
            Fewer than 8 clusters.
        """
        n = int(codes.max()) + 1 if len(codes) else 0
        if n < MIN_CLUSTERS:
            raise SettingsError(f"a test needs at least {MIN_CLUSTERS} tasks or sessions with data. Got {n}.")
        value = function(np.ones(len(codes), dtype=bool))
        out = LeftOut.of(np.arange(n), [str(k) for k in range(n)])
        group = out.of_cluster(n)[codes]
        left = np.array([function(group != g) for g in range(len(out))])
        low, high = jackknife_interval(np.asarray(value), left, level)
        error = float(np.sqrt(jackknife_variance(left)))
        if error == 0:
            p = 1.0 if value == null else 0.0
        else:
            p = float(student_p(np.asarray((value - null) / error), len(left) - 1))
        return cls(Estimate(value, low, high), p, n)

    def __str__(self) -> str:
        return shown(self.estimate)


def shown(estimate: Estimate) -> str:
    """Return a figure and its interval in words."""
    return show(float(estimate.value), float(estimate.low), float(estimate.high))


# ------------------------------------------------------------------------- diminishing returns


def diminishing_returns_test(
    mass: ArrayLike,
    next_mass: ArrayLike,
    *,
    radius: ArrayLike | None = None,
    instrument: ArrayLike | None = None,
    next_instrument: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    exact: bool = False,
    level: float = 0.95,
) -> AssumptionTest:
    """Test whether a move improves the less, the fewer defects are left.

    Parameters
    ----------
    mass, next_mass : float arrays, shape (n,)
        Of parent and child, in defects.
    radius, instrument, next_instrument, cluster, exact, level
        As in `fit_progress`.

    Returns
    -------
    AssumptionTest
        The effect is the slope of improvement on mass, per unit of edit radius where radii are recorded.

    Raises
    ------
    SettingsError
        As `fit_progress`.

    Notes
    -----
    *When it is wrong*: with one measurement a slope appears where nothing improves. A positive slope does not tell the
    form mu/(mu + b) from a constant share of the defects per move, which is its limit for large b: the verdict names
    what b may be. No improvement exceeds the defects there are, so some slope is certain near 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mu = rng.uniform(1, 20, 2000)
    >>> diminishing_returns_test(mu, mu - 0.5 * mu / (mu + 4) + 0.1 * rng.standard_normal(2000), exact=True).holds
    True
    """
    fit = fit_progress(
        *(mass, next_mass),
        radius=radius,
        instrument=instrument,
        next_instrument=next_instrument,
        cluster=cluster,
        exact=exact,
        level=level,
    )
    p = _p_of_slope(fit, level)
    low, high = float(fit.b.low), float(fit.b.high)
    form = f"b in [{low:.3g}, {high:.3g}]".replace("inf", "∞") if np.isfinite(low) else "no b fits the curve"
    if p >= TEST_LEVEL:
        holds, text = None, "No slope is seen: these data cannot tell."
    elif fit.slope.value < 0:
        holds, text = False, "A move gains more, the fewer defects are left: the opposite of what is assumed."
    elif fit.upper_bound:
        holds, text = (
            None,
            f"A move gains less with fewer defects, but one measurement would show that anyway ({form}).",
        )
    else:
        holds, text = True, f"A move gains less, the fewer defects are left ({form})."
    return AssumptionTest(
        "diminishing returns",
        "The improvement of a move does not depend on how many defects are left.",
        "It is smaller, the fewer are left.",
        fit.slope,
        "improvement per unit of mass (0: no dependence)",
        p,
        text,
        holds,
        fit.n_transitions,
        fit.n_clusters,
    )


def _p_of_slope(fit: Progress, level: float) -> float:
    """Return the p-value of slope 0 from the interval, which is a Student interval."""
    df = min(fit.n_clusters, N_REFITS if fit.n_clusters > MANY_REFITS else fit.n_clusters) - 1
    half = float(fit.slope.high - fit.slope.low) / 2
    if not half > 0:
        return float("nan")
    return float(student_p(np.asarray(fit.slope.value / half * student_quantile(level, df)), df))


# ------------------------------------------------------------------------- state independence


def state_independence_test(
    mass: ArrayLike,
    next_mass: ArrayLike,
    previous_mass: ArrayLike,
    *,
    instruments: tuple[ArrayLike, ArrayLike] | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> AssumptionTest:
    """Test whether the next improvement depends on the last one, given the present mass.

    Regresses mu_t - mu_{t+1} on 1, mu_t, mu_t/(mu_t + b) and the last improvement mu_{t-1} - mu_t.

    Parameters
    ----------
    mass, next_mass, previous_mass : float arrays, shape (n,)
    instruments : pair of float arrays, optional
        Second measurements of `mass` and `previous_mass`; the regressors are then replaced by theirs as instruments.
    cluster : array, shape (n,), optional
    level : float

    Returns
    -------
    AssumptionTest
        The effect is the coefficient of the last improvement.

    Raises
    ------
    SettingsError
        Lengths that differ, or too few clusters.

    Notes
    -----
    *When it is wrong*: an error of mu_t stands in both improvements with opposite signs, so one measurement shows
    dependence where there is none. Tasks that differ in what a move gains show it too: this is dependence across the
    recording, and says that mass alone is not the state, not why.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = rng.uniform(2, 20, 2000)
    >>> b = a - 0.2 + 0.2 * rng.standard_normal(2000)
    >>> state_independence_test(b, b - 0.2 + 0.2 * rng.standard_normal(2000), a).holds
    True
    """
    parts = [np.asarray(v, dtype=np.float64) for v in (mass, next_mass, previous_mass, *(instruments or ()))]
    codes = cluster_codes(np.arange(len(parts[0])) if cluster is None else cluster)
    if len({len(codes), *(len(v) for v in parts)}) != 1:
        raise SettingsError("masses, instruments and clusters must be equally long.")
    keep = np.all([np.isfinite(v) for v in parts], axis=0)
    parts, codes = [v[keep] for v in parts], cluster_codes(codes[keep])
    regressors = _regressors(parts[0], parts[2])
    z = _regressors(parts[3], parts[4]) if instruments else regressors
    gain = parts[0] - parts[1]

    def coefficient(rows: Bool) -> float:
        if np.linalg.matrix_rank(z[rows].T @ regressors[rows]) < z.shape[1]:
            return float("nan")
        return float(np.linalg.solve(z[rows].T @ regressors[rows], z[rows].T @ gain[rows])[-1])

    effect = Effect.of(coefficient, codes, 0.0, level)
    if not np.isfinite(effect.p_value):
        holds, text = None, "Past and present move together here: these data cannot tell."
    elif effect.p_value >= TEST_LEVEL:
        close = max(abs(effect.estimate.low), abs(effect.estimate.high)) <= CLOSE
        holds, text = (True if close else None), f"No dependence on the last improvement is seen: {effect}."
        text += "" if close else " Too wide an interval to call it none."
    elif instruments is None:
        holds, text = None, f"It depends on the last improvement ({effect}), as errors of measurement alone do."
    else:
        holds, text = False, f"It depends on the last improvement ({effect}): mass alone is not the state."
    return AssumptionTest(
        "state independence",
        "Given the present mass, the next improvement does not depend on the last one.",
        "It does.",
        effect.estimate,
        "next improvement per unit of the last (0: independent)",
        effect.p_value,
        text,
        holds,
        len(gain),
        effect.n_clusters,
    )


def _regressors(mass: Float, previous: Float) -> Float:
    return np.column_stack([np.ones(len(mass)), mass, mass / (mass + HALF_SATURATION), previous - mass])
