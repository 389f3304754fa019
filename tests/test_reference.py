"""Against other people's code: least squares and cluster-robust errors of statsmodels, and refits spelled out."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from loopstat import LinearDrift, Panel
from loopstat.drift.sums import Moments
from loopstat.inference.intervals import jackknife_variance
from loopstat.inference.resample import bootstrap_weights
from simulated import grams_of, three


def ragged(seed: int = 3) -> list[np.ndarray]:
    """Sessions of 3 to 12 scores, cut at random from the three coupled objectives."""
    lengths = np.random.default_rng(seed).integers(3, 13, 60)
    return [x[:n] for x, n in zip(three(60, 12, seed), lengths, strict=True)]


def regression(sessions: list[np.ndarray], objective: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (change of an objective, design with intercept, session) of all transitions, row by row."""
    x = np.concatenate([s[:-1] for s in sessions])
    y = np.concatenate([s[1:] for s in sessions])
    session = np.concatenate([np.full(len(s) - 1, i) for i, s in enumerate(sessions)])
    return (y - x)[:, objective], sm.add_constant(x), session


@pytest.mark.parametrize("objective", [0, 1, 2])
def test_estimates_equal_least_squares_of_statsmodels(objective: int) -> None:
    sessions = ragged()
    dx, design, _ = regression(sessions, objective)
    ours = LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(sessions), rng=0)
    theirs = sm.OLS(dx, design).fit()
    assert ours.estimates["drift.b"].value[objective] == pytest.approx(theirs.params[0], abs=1e-10)
    np.testing.assert_allclose(ours.estimates["drift.A"].value[objective], theirs.params[1:], atol=1e-10, rtol=0)
    assert ours.estimates["r2_increments"].value[objective] == pytest.approx(theirs.rsquared, abs=1e-10)
    assert ours.estimates["drift.Q"].value[objective, objective] == pytest.approx(theirs.ssr / len(dx), abs=1e-10)


def test_r2_of_levels_equals_that_of_statsmodels() -> None:
    sessions = ragged()
    ours = LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(sessions), rng=0).estimates["r2_levels"].value
    for j in range(3):
        _, design, _ = regression(sessions, j)
        y = np.concatenate([s[1:, j] for s in sessions])
        assert ours[j] == pytest.approx(sm.OLS(y, design).fit().rsquared, abs=1e-10)


def test_bootstrap_standard_errors_agree_with_clustered_ones_within_5_percent() -> None:
    # 10,000 replicates have a Monte Carlo error of 0.7 %; the data are fixed, so this cannot fail by chance.
    sessions = list(three(200, 10, seed=11))
    grams = grams_of(sessions)
    draws = Moments.of(grams.weighted(bootstrap_weights(200, 10_000, np.random.default_rng(0))), grams)
    for j in range(3):
        dx, design, session = regression(sessions, j)
        theirs = sm.OLS(dx, design).fit(cov_type="cluster", cov_kwds={"groups": session})
        ours = np.r_[draws.b[:, j].std(), draws.A[:, j].std(axis=0)]
        np.testing.assert_allclose(ours, theirs.bse, rtol=0.05)


def test_leave_one_out_standard_errors_agree_with_clustered_ones() -> None:
    sessions = list(three(200, 10, seed=12))
    fit = LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(sessions), rng=0)
    for j in range(3):
        dx, design, session = regression(sessions, j)
        theirs = sm.OLS(dx, design).fit(cov_type="cluster", cov_kwds={"groups": session}, use_t=True)
        np.testing.assert_allclose(fit.estimates["drift.A"].p[j], theirs.pvalues[1:], rtol=0.25, atol=0.005)


def test_leave_one_cluster_out_equals_refits_without_each_session() -> None:
    sessions = ragged(5)
    grams = grams_of(sessions)
    left = Moments.of(grams.left_out(), grams)
    refits = []
    for k in range(len(sessions)):
        rest = [s for i, s in enumerate(sessions) if i != k]
        refits.append([np.linalg.lstsq(d, y, rcond=None)[0] for y, d, _ in (regression(rest, j) for j in range(3))])
    b, A = np.array(refits)[:, :, 0], np.array(refits)[:, :, 1:]
    np.testing.assert_allclose(left.A, A, atol=1e-10, rtol=0)
    np.testing.assert_allclose(left.b, b, atol=1e-9, rtol=0)
    c = len(sessions)
    np.testing.assert_allclose(
        jackknife_variance(left.A), (c - 1) / c * ((A - A.mean(axis=0)) ** 2).sum(axis=0), atol=1e-12, rtol=0
    )


def test_weights_on_grams_equal_least_squares_on_resampled_sessions() -> None:
    sessions = ragged(6)
    grams = grams_of(sessions)
    weights = bootstrap_weights(len(sessions), 5, np.random.default_rng(1))
    draws = Moments.of(grams.weighted(weights), grams)
    for r, counts in enumerate(weights):
        drawn = [s for s, n in zip(sessions, counts, strict=True) for _ in range(n)]
        for j in range(3):
            dx, design, _ = regression(drawn, j)
            solution = np.linalg.lstsq(design, dx, rcond=None)[0]
            np.testing.assert_allclose(np.r_[draws.b[r, j], draws.A[r, j]], solution, atol=1e-9, rtol=0)
