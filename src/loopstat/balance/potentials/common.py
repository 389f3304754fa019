"""One potential for all? A test across groups, and how well their potentials go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int
from ...inference.intervals import percentile_interval, student
from ...inference.tests import draws_p
from ...panel.model import Rng
from ...panel.tally import Counts
from ...results.record import Record
from .potential import Potential

DRAWS = 1999
FEWEST_STATES = 3  # shared: two potentials of two states are one number each
ONE = 1 - 1e-6  # largest correlation that has a place on Fisher's scale


@dataclass(frozen=True, eq=False)
class CommonPotential(Record):
    """Whether several groups share one potential; NaN where that cannot be said.

    Attributes
    ----------
    p_value, statistic : float
        Of the null that V is the same in all groups, up to one constant each; weighted squared differences from the
        weighted mean, their law drawn from the groups' own errors.
    correlation, low, high : float
        Mean over pairs of groups of the correlation of their potentials over the shared states, corrected for errors.
    n_states, n_groups : int
    """

    p_value: float
    statistic: float
    correlation: float
    low: float
    high: float
    n_states: int
    n_groups: int


def common_potential(
    groups: Sequence[tuple[Counts, Potential]], *, level: float = 0.95, rng: Rng | int | None = None
) -> CommonPotential | None:
    """Test one potential for all groups against one for each, on the states their main classes share.

    Parameters
    ----------
    groups : sequence of (Counts, Potential)
    level : float
    rng : Generator or seed, optional

    Returns
    -------
    CommonPotential or None
        None where fewer than two groups share three states.

    Notes
    -----
    *When it is wrong*: a driven group has no potential, and what is compared is its nearest one; errors of sparse
    counts (below some 5 a direction) are rough; groups that share tasks are taken as independent. Not rejecting says
    that the potentials differ by less than their errors, not that they are equal: read the correlation and its
    interval.
    """
    rng = np.random.default_rng(rng)
    found = _shared(groups)
    if found is None:
        return None
    chosen, places = found
    values = np.array([groups[g][1].value[at] for g, at in zip(chosen, places, strict=True)])
    roots = [groups[g][1].root[at] for g, at in zip(chosen, places, strict=True)]
    weights = 1 / np.maximum([np.sum((r - r.mean(axis=0)) ** 2, axis=1) for r in roots], 1e-12)
    noise = np.stack([rng.standard_normal((DRAWS, r.shape[1])) @ r.T for r in roots], axis=1)
    statistic = float(_spread(values[None], weights)[0])
    draws = _spread(noise, weights)
    p = float(draws_p(np.sum(draws >= statistic), DRAWS))
    blur = np.array([np.mean((r - r.mean(axis=0)) ** 2) * r.shape[1] for r in roots])
    r, low, high = _correlation(values, noise, blur, level)
    return CommonPotential(p, statistic, r, low, high, len(places[0]), len(chosen))


def _shared(groups: Sequence[tuple[Counts, Potential]]) -> tuple[list[int], list[Int]] | None:
    """Return the groups with a main class and, for each, the codes of the states that all of them share."""
    names: list[dict[str, int]] = []
    for counts, v in groups:
        main = counts.classes.main
        members = np.zeros(0, np.int64) if main is None else main.states
        names.append({counts.states[k]: int(k) for k in members if np.isfinite(v.value[k])})
    chosen = [g for g, n in enumerate(names) if len(n) >= FEWEST_STATES]
    if len(chosen) < 2:
        return None
    common = [s for s in names[chosen[0]] if all(s in names[g] for g in chosen)]
    if len(common) < FEWEST_STATES:
        return None
    return chosen, [np.array([names[g][s] for s in common], dtype=np.int64) for g in chosen]


def _spread(v: Float, weights: Float) -> Float:
    """Return the weighted sum of squares around one common potential, a constant for each group taken out.

    `v` has shape (draws, groups, states). Constants and the common potential are found in turn: the fit is linear.
    """
    level = np.sum(v * weights, axis=2, keepdims=True) / weights.sum(axis=1)[None, :, None]
    for _ in range(25):
        common = np.sum((v - level) * weights, axis=1, keepdims=True) / weights.sum(axis=0)
        level = np.sum((v - common) * weights, axis=2, keepdims=True) / weights.sum(axis=1)[None, :, None]
    return np.asarray(np.sum(weights * (v - level - common) ** 2, axis=(1, 2)))


def _correlation(values: Float, noise: Float, blur: Float, level: float) -> tuple[float, float, float]:
    seen = _disattenuated(values[None], blur)
    drawn = _disattenuated(values[None] + noise, 2 * blur)
    if not np.isfinite(seen[0]):
        return np.nan, np.nan, np.nan
    r = np.clip(seen[0], -ONE, ONE)
    usable = drawn[np.isfinite(drawn)]
    if len(usable) < DRAWS / 2:
        return float(seen[0]), np.nan, np.nan
    shift = np.arctanh(np.clip(usable, -ONE, ONE)) - np.arctanh(r)
    e = student(r, np.sqrt(np.mean(shift**2)), level=level, scale="fisher")
    # With few states or large errors the correlation's own law is lopsided: never narrower than its draws.
    drawn_low, drawn_high = percentile_interval(usable, level)
    return float(seen[0]), float(min(e.low, drawn_low)), float(max(e.high, drawn_high))


def _disattenuated(v: Float, blur: Float) -> Float:
    """Return mean correlations over pairs of groups, variances less what errors add; NaN where few are left."""
    centred = v - v.mean(axis=2, keepdims=True)
    cov = np.einsum("dgs,dhs->dgh", centred, centred) / v.shape[2]
    variance = np.einsum("dgg->dg", cov) - blur
    a, b = np.triu_indices(v.shape[1], 1)
    with np.errstate(invalid="ignore"):
        r = cov[:, a, b] / np.sqrt(np.where(variance > 0, variance, np.nan)[:, a] * variance[:, b])
    known = np.isfinite(r)
    some = known.mean(axis=1) >= 0.5
    total = np.sum(np.where(known, np.clip(r, -1, 1), 0.0), axis=1)
    return np.where(some, total / np.maximum(known.sum(axis=1), 1), np.nan)
