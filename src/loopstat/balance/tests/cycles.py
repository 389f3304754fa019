"""Cycles of a recorded chain: affinities, the test on a cycle basis, and the statistics of the published code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int
from ...inference.estimate import TestResult
from ...inference.tests import chi_square_p
from ...panel.tally import Counts
from ...results.record import Record
from ..potentials.least_action import Exchanges, least_square_residual
from ..potentials.potential import potential

MOST_TRIPLES = 3_000_000  # beyond, the source's cycles are not listed
LARGE_VARIANCE = 100.0  # from which the source leaves a cycle out


def likelihood_ratio(pairs: Exchanges, log_strength: Float) -> float:
    """Return 2 sum n[a,b] ln(n[a,b] / (n p)), n = n[a,b] + n[b,a], p = l_a/(l_a + l_b): free against reversible chain.

    Parameters
    ----------
    pairs : Exchanges
    log_strength : float array, shape (n_states,)
        ln l, as `potential.strengths` returns it.

    Examples
    --------
    >>> from loopstat.balance.potentials.potential import strengths
    >>> journals = Counts.of_matrix(
    ...     [[714, 730, 498, 221], [33, 425, 68, 17], [320, 813, 1072, 142], [284, 276, 325, 188]]
    ... )
    >>> pairs = Exchanges.of(journals)
    >>> round(likelihood_ratio(pairs, strengths(pairs)), 3), pairs.n_cycles
    (4.293, 3)
    """
    d = log_strength[pairs.a] - log_strength[pairs.b]
    total = pairs.forward + pairs.backward
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(pairs.forward > 0, pairs.forward * (np.log(pairs.forward / total) + np.logaddexp(0, -d)), 0.0)
        down = np.where(pairs.backward > 0, pairs.backward * (np.log(pairs.backward / total) + np.logaddexp(0, d)), 0.0)
    return max(float(2 * np.sum(up + down)), 0.0)


def cycle_basis_test(counts: Counts) -> TestResult:
    """Test detailed balance by the affinities of a cycle basis with their full covariance.

    The affinity of a cycle is the sum of ln n[f,g]/n[g,f] along it: row totals cancel. Its variance is the sum of
    1/n[f,g] + 1/n[g,f], and cycles that share a pair are correlated.

    Parameters
    ----------
    counts : Counts

    Returns
    -------
    TestResult
        Statistic a' C^-1 a for the affinities a of a cycle basis and their full covariance C, whatever the basis; p by
        the chi-square; NaN without a cycle.

    Notes
    -----
    a' C^-1 a is the weighted sum of squares that remains when the log ratios are fitted by differences of a potential,
    weights 1/(1/n[f,g] + 1/n[g,f]): no basis is ever built. *When it is wrong*: pairs seen one way are left out; the
    chi-square needs some 100 counts in every cell (rejects a true null 6 % of the time there, 9 % at 20).
    """
    pairs = Exchanges.of(counts)
    kept = pairs.of_pairs(pairs.both_ways)
    df = kept.n_cycles
    if df == 0:
        return TestResult.impossible("no cycle of pairs seen both ways.", df=0)
    ratio = np.log(kept.forward / kept.backward)
    weight = 1 / (1 / kept.forward + 1 / kept.backward)
    statistic = least_square_residual(kept, ratio, weight)
    return TestResult(chi_square_p(statistic, df), statistic, df, "chi-square")


# --------------------------------------------------------------- the published code's statistics


@dataclass(frozen=True, eq=False)
class SourceStatistic(Record):
    """chi^2 per degree of freedom the way the published code computes it, for comparison only.

    Attributes
    ----------
    pairs : int
        Pairs with both counts above 1 whose potentials differ by less than ln(transitions).
    pair_chi2_ndf : float
        Mean of (V_f - V_g - ln T(g|f)/T(f|g))^2 over them, V of the softplus action; errors are not divided by.
    cycles : int or None
        Triples with all six counts above 0 (above 1 where visits are the row sums) and a variance below 100.
    cycle_chi2_ndf : float
        Mean of affinity^2/v over them, v = the six 1/n and twice the three 1/visits; triples overlap.
    """

    pairs: int
    pair_chi2_ndf: float
    cycles: int | None
    cycle_chi2_ndf: float


def source_statistic(counts: Counts, *, softplus: Float | None = None) -> SourceStatistic:
    """Return the statistics of arXiv 2512.10047's code on these counts.

    Parameters
    ----------
    counts : Counts
    softplus : float array, shape (n_states,), optional
        Potential of the softplus action at beta 1, where it is known already.

    Notes
    -----
    *When it is wrong*: always, as a test. The pair statistic ignores its own errors; the cycle statistic counts
    overlapping cycles as independent and adds terms that cancel around a cycle.
    """
    pairs = Exchanges.of(counts)
    v = potential(counts, kernel="softplus").value if softplus is None else softplus
    two = (pairs.forward > 1) & (pairs.backward > 1)
    a, b, N = pairs.a[two], pairs.b[two], counts.visits
    observed = np.log(pairs.forward[two] / N[a]) - np.log(pairs.backward[two] / N[b])
    d = v[a] - v[b]
    near = np.abs(d) <= np.log(max(counts.total, 1.0))
    squares = (d - observed)[near] ** 2
    found = _triples(counts, pairs, 1.0 if counts.visits_rule == "observed" else 0.0)
    if found is None:
        return SourceStatistic(len(squares), _mean(squares), None, np.nan)
    affinity, variance = found
    usable = variance < LARGE_VARIANCE
    return SourceStatistic(len(squares), _mean(squares), int(usable.sum()), _mean((affinity**2 / variance)[usable]))


def _mean(values: Float) -> float:
    return float(values.mean()) if len(values) else np.nan


def _triples(counts: Counts, pairs: Exchanges, above: float) -> tuple[Float, Float] | None:
    """Return affinities and the source's variances of all triples whose six counts lie above a limit."""
    two = (pairs.forward > above) & (pairs.backward > above)
    a, b = pairs.a[two], pairs.b[two]
    listed = triangles(a, b, counts.n_states)
    if listed is None:
        return None
    ratio = np.log(pairs.forward[two] / pairs.backward[two])
    inverse = 1 / pairs.forward[two] + 1 / pairs.backward[two]
    ab, bc, ac, corners = listed
    visits = 1 / counts.visits[corners]
    return ratio[ab] + ratio[bc] - ratio[ac], inverse[ab] + inverse[bc] + inverse[ac] + 2 * visits.sum(axis=1)


def triangles(a: Int, b: Int, n_states: int) -> tuple[Int, Int, Int, Int] | None:
    """List the triangles x < y < z of a graph.

    Parameters
    ----------
    a, b : int arrays, shape (n_pairs,)
        Pairs a < b, sorted by a, then b.
    n_states : int

    Returns
    -------
    xy, yz, xz : int arrays, shape (n_triangles,)
        Positions of the three pairs.
    corners : int array, shape (n_triangles, 3)
        None in place of all where there would be more than 3,000,000 candidates.
    """
    first = np.searchsorted(a, np.arange(n_states + 1))
    degree = np.diff(first)
    if float(degree[b].sum()) > MOST_TRIPLES:
        return None
    # Every pair x < y is followed by every pair y < z; a triangle is where x < z is a pair too.
    xy = np.repeat(np.arange(len(a)), degree[b])
    within = np.arange(len(xy)) - np.repeat(np.cumsum(degree[b]) - degree[b], degree[b])
    yz = first[b[xy]] + within
    key = a * max(n_states, 1) + b
    wanted = a[xy] * max(n_states, 1) + b[yz]
    xz = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
    there = key[xz] == wanted if len(key) else np.zeros(0, np.bool_)
    xy, yz, xz = (part[there].astype(np.int64) for part in (xy, yz, xz))
    return xy, yz, xz, np.column_stack([a[xy], b[xy], b[yz]])
