"""How many independent candidates k recorded ones amount to: within tasks, and where tasks are pooled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float
from ...inference.estimate import Estimate
from ...inference.intervals import jackknife, left_out_ratio
from ..order_statistics import expected_maximum
from .candidates import Curve, curve_of, draws_of, numbers_of_k
from .identified import Identified

MIN_TASKS = 8
PICK = 5  # of the candidates by default: where tau H is read
MOST_EFFECTIVE = 1e6
LEAST = 3  # candidates of a task: the best of two is half their distance, whatever their law


def effective_candidates(values: ArrayLike, task: ArrayLike, *, level: float = 0.95) -> tuple[Curve, Curve]:
    """Return how many independent normal candidates k recorded ones are worth: within tasks, and all tasks pooled.

    Within tasks the gain of the best of k over the mean candidate, summed over tasks, is divided by the sum of the
    standard deviations; K_eff is the real K' with e(K') that ratio. Pooled, the gain is divided by the standard
    deviation of all candidates, the tasks' differences included, and K_eff is smaller.

    Parameters
    ----------
    values : float array, shape (n,)
    task : array, shape (n,)
    level : float
        Of the leave-one-task-out interval of the ratio, taken through the inverse of e.

    Returns
    -------
    (Curve, Curve)
        Within tasks, and pooled; for k from 2, over tasks of three candidates or more. Empty where none differ.

    Notes
    -----
    *When it is wrong*: candidates of a task that are alike in any order only look like less spread, so that K_eff is k
    for normal values whatever their correlation; what moves it is a skewed or discrete law. Standard deviations are
    freed of small-sample bias as for normal values.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((400, 8)) + 3 * np.arange(400)[:, None]
    >>> inside, pooled = effective_candidates(x.ravel(), np.repeat(np.arange(400), 8))
    >>> inside.at(4), bool(pooled.at(4).value < 1.1)
    (Estimate(4.01 [3.93, 4.08]), True)
    """
    draws = draws_of(values, task)
    at_least = {k: draws.n >= max(k, LEAST) for k in numbers_of_k(draws.n) if k > 1}
    ks = [k for k, use in at_least.items() if np.nansum(draws.sd[use]) > 0]
    inside, pooled = [], []
    for k in ks:
        use = at_least[k]
        gain, sd = draws.best[use, k - 1] - draws.mean[use], draws.sd[use]
        inside.append((gain.sum() / sd.sum(), left_out_ratio(gain, sd)))
        total, left = draws.total_sd(use)
        pooled.append((gain.mean() / total, left_out_ratio(gain, np.ones(len(gain))) / left))
    n = [int(np.sum(at_least[k])) for k in ks]
    return _inverted(ks, inside, n, level), _inverted(ks, pooled, n, level)


def _inverted(k: list[int], ratios: list[tuple[float, Float]], n_tasks: list[int], level: float) -> Curve:
    """Return the curve of effective numbers from gains in standard deviations and their leave-one-out values."""
    gains = [jackknife(value, left, level=level).triple for value, left in ratios]
    return curve_of(k, [Estimate(*effective_number(ends)) for ends in gains], n_tasks)


def effective_number(gain: ArrayLike) -> Float:
    """Return the K with e(K) = gain, the inverse of the expected maximum of K standard normals.

    Parameters
    ----------
    gain : float array
        In standard deviations; below 0 it is 1, and NaN stays NaN.

    Returns
    -------
    float array of the shape of `gain`
        At most a million.

    Examples
    --------
    >>> effective_number(expected_maximum([1, 2, 5.5])).round(6).tolist()
    [1.0, 2.0, 5.5]
    """
    g = np.asarray(gain, dtype=np.float64)
    low, high = np.zeros(g.shape), np.full(g.shape, np.log(MOST_EFFECTIVE))
    for _ in range(45):
        middle = (low + high) / 2
        above = expected_maximum(np.exp(middle)) >= g
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.where(np.isnan(g), np.nan, np.exp((low + high) / 2))


def pooled_candidates(passed: ArrayLike, task: ArrayLike, *, level: float = 0.95) -> Curve:
    """Return K with 1 - (1 - P)^K = pass@k, P the pass rate of all tasks together, for k from 2.

    Independent draws of the pooled pass rate would make it k; hard and easy tasks make it smaller. It says how tasks
    differ, not that candidates of one task are alike: given the task they are independent.

    Parameters
    ----------
    passed : bool or float array, shape (n,)
    task : array, shape (n,)
    level : float
        Of the leave-one-task-out interval, on a logarithmic scale.

    Returns
    -------
    Curve
        NaN where none or all pass.

    Examples
    --------
    >>> pooled_candidates([1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]).estimate.value.round(3).tolist()
    [1.0, 1.0]
    """
    draws = draws_of(passed, task)
    ks = [k for k in numbers_of_k(draws.n) if k > 1]
    found = [draws.best[draws.n >= k][:, [0, k - 1]] for k in ks]
    return curve_of(ks, [_pooled(rates, level) for rates in found], [len(rates) for rates in found])


def _pooled(rates: Float, level: float) -> Estimate:
    """Return the K of pass rates by task of one candidate and of several, shape (n_tasks, 2)."""
    mean, left = rates.mean(axis=0), left_out_ratio(rates, np.ones(rates.shape))
    if not np.all((mean > 0) & (mean < 1)):
        return Estimate.unknown()
    ratio = np.log1p(-mean[1]) / np.log1p(-mean[0])
    if not np.all((left > 0) & (left < 1)):
        return Estimate(ratio)
    return jackknife(ratio, np.log1p(-left[:, 1]) / np.log1p(-left[:, 0]), level=level, scale="log")


def likeness(inside: Curve, human_prior: float, *, n_samples: int = 0) -> tuple[Identified, Identified]:
    """Return tau H, and tau for a given H, from K_eff = 1 + (k - 1)(1 - tau H) within tasks.

    Parameters
    ----------
    inside : Curve
        Of `effective_candidates`, within tasks.
    human_prior : float
        H, which a pool of candidates does not show.
    n_samples : int
        Candidates used, for the record.

    Returns
    -------
    (Identified, Identified)
        `tau_h`, read at k = 5 or the most candidates below it; and `tau`, which is never identifiable.

    Notes
    -----
    *When it is wrong*: below 0 where the best stands out more than a normal law lets it, as skewed values do.

    Examples
    --------
    >>> curve = Curve(np.array([5]), Estimate([3.0], [2.5], [3.5]), np.array([40]))
    >>> likeness(curve, 0.6)[0].estimate
    Estimate(0.50 [0.38, 0.62])
    """
    usable = inside.k[inside.k <= PICK]
    if not usable.size:
        why = "Candidates with a numeric truth, two or more a task that differ, are needed."
        return Identified.unknown("tau_h", why), Identified.unknown("tau", why)
    k = int(usable.max())
    e = inside.at(k)
    value, high, low = (1 - (float(v) - 1) / (k - 1) for v in (e.value, e.low, e.high))
    tasks = int(inside.n_tasks[inside.k == k][0])
    enough = tasks >= MIN_TASKS
    why = f"From K_eff at k = {k}; tau and H come as a product only." if enough else f"Only {tasks} tasks."
    counts: dict[str, Any] = {"n_tasks": tasks, "n_samples": n_samples}
    product = Identified("tau_h", Estimate(value, low, high), enough, why, "1 - (K_eff - 1)/(k - 1)", **counts)
    if not human_prior > 0:
        return product, Identified.unknown("tau", "At H = 0 the product says nothing of tau.", **counts)
    said = f"Only the product with H is seen; at H = {human_prior:g}, by convention, it would be this."
    ends = Estimate(*(v / human_prior for v in (value, low, high)))
    return product, Identified("tau", ends, False, said, "tau H over the settings' H", **counts)
