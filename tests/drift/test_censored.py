"""Loops that really stop at their bounds: recovery, coverage, and what a mere clip does to the same likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from loopstat import InputError, LinearDrift, LinearDriftFit, Objective, Panel, SettingsError
from loopstat.drift.maps.base import Estimated
from loopstat.drift.maps.censored import _both_below, censored
from loopstat.inference.intervals import jackknife_variance
from loopstat.inference.resample import LeftOut

HIGH = 0.5


def stopping(rng: np.random.Generator, sessions: int, objectives: int = 1, correlation: float = 0.5) -> np.ndarray:
    """Return scores (sessions, 10, n) of x' = min(0.6 x + noise, 0.5) from 0."""
    root = np.linalg.cholesky(correlation + (1 - correlation) * np.eye(objectives))
    x = np.zeros((sessions, objectives))
    out = [x]
    for _ in range(9):
        x = np.minimum(0.6 * x + rng.standard_normal(x.shape) @ root.T, HIGH)
        out.append(x)
    return np.stack(out, axis=1)


def fitted(x: np.ndarray, high: float | None = HIGH, **settings: bool) -> LinearDriftFit:
    names = [Objective(f"x{j}", high=high) for j in range(x.shape[2])]
    return LinearDrift("pooled", n_boot=0, stops_at_bounds=True, **settings).fit(Panel.from_arrays(x, objectives=names))


def test_the_slope_comes_back_where_the_loop_really_stops() -> None:
    x = stopping(np.random.default_rng(1), 4000)
    assert 0.2 < (x == HIGH).mean() < 0.3
    fit = fitted(x)
    assert fit.estimator.name == "censored"
    assert float(fit.drift.M.value[0, 0]) == pytest.approx(0.6, abs=0.02)
    assert float(fit.drift.Q.value[0, 0]) == pytest.approx(1.0, abs=0.03)
    plain = LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(x))
    assert float(plain.drift.M.value[0, 0]) == pytest.approx(0.48, abs=0.03)


def test_read_through_a_clip_it_is_made_worse() -> None:
    rng = np.random.default_rng(2)
    state, out = 1.25 * rng.standard_normal((4000, 1)), []
    for _ in range(10):
        out.append(np.minimum(state, 0.9))
        state = 0.6 * state + rng.standard_normal((4000, 1))
    assert float(fitted(np.stack(out, axis=1), 0.9).drift.M.value[0, 0]) > 0.67


def test_objectives_that_share_noise_keep_their_correlation() -> None:
    fit = fitted(stopping(np.random.default_rng(3), 2000, 2))
    np.testing.assert_allclose(fit.drift.M.value, 0.6 * np.eye(2), atol=0.04)
    np.testing.assert_allclose(fit.drift.Q.value, [[1, 0.5], [0.5, 1]], atol=0.05)


@pytest.mark.slow
def test_intervals_hold_the_truth() -> None:
    rng, held = np.random.default_rng(4), []
    for _ in range(60):
        e = fitted(stopping(rng, 100)).drift.M
        held.append(bool(e.low[0, 0] <= 0.6 <= e.high[0, 0]))
    assert sum(held) >= 51  # at 95 % this fails once in 1,000 runs


def likelihood(x: np.ndarray, weights: np.ndarray | None = None) -> Estimated:
    pairs, n = Panel.from_arrays(x).pairs(), x.shape[2]
    left_out = LeftOut.of(np.arange(len(x)), [str(i) for i in range(len(x))])
    drawn = np.zeros((0, len(x)), dtype=np.int64) if weights is None else weights
    return censored(pairs, pairs.session, len(x), np.full(n, -np.inf), np.full(n, HIGH), left_out, drawn)


@pytest.mark.slow
def test_one_step_stands_for_a_refit() -> None:
    x = stopping(np.random.default_rng(7), 40, 2)
    weights = np.random.default_rng(8).multinomial(40, np.full(40, 1 / 40), size=6)
    found = likelihood(x, weights)
    refits = [likelihood(np.delete(x, i, axis=0)).point for i in range(40)]
    drawn = [likelihood(np.repeat(x, w, axis=0)).point for w in weights]
    # Over 30 panels like this one the error was at most 0.4 and 4 % of the largest effect of a session, that of the
    # variances 0.1 and 3 %, that of bootstrap draws 1.4 and 21 %.
    for name, of_effect, of_variance, of_draw in (("M", 0.01, 0.01, 0.02), ("Q", 0.1, 0.04, 0.25)):
        point, left, boot = (getattr(e, name) for e in (found.point, found.left, found.boot))
        truth, again = (np.stack([getattr(f, name)[0] for f in fits]) for fits in (refits, drawn))
        assert np.abs(left - truth).max() < of_effect * np.abs(truth - point).max()
        np.testing.assert_allclose(jackknife_variance(left), jackknife_variance(truth), rtol=of_variance)
        assert np.abs(boot - again).max() < of_draw * np.abs(again - point).max()


def test_objectives_that_never_leave_their_bounds_are_not_fitted() -> None:
    x = stopping(np.random.default_rng(9), 20, 2)
    x[:, 1:, 1] = HIGH
    found = likelihood(x)
    assert np.isnan(found.point.M[0, 1]).all()
    assert np.isfinite(found.point.M[0, 0]).all()
    assert np.isnan(likelihood(np.repeat(x[..., :1], 2, axis=2)).point.M).all()  # one copies the other


def test_without_a_score_at_the_bound_it_is_the_regression() -> None:
    x = np.random.default_rng(5).standard_normal((50, 6, 2)).cumsum(axis=1) * 0.3
    both = fitted(x, 100.0), LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(x))
    np.testing.assert_allclose(both[0].drift.A.value, both[1].drift.A.value, atol=1e-7)
    np.testing.assert_allclose(both[0].drift.Q.value, both[1].drift.Q.value, atol=2e-4)


def test_probability_of_a_corner() -> None:
    u, v, rho = np.array([0.3, -1.0, 0.0]), np.array([-0.4, 0.2, 2.0]), np.array([0.6, -0.5, 0.9])
    expected = [multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([a, b]) for a, b, r in zip(u, v, rho, strict=True)]
    np.testing.assert_allclose(_both_below(u, v, rho), expected, atol=1e-6)


def test_bounds_are_wanted_and_other_estimators_refused() -> None:
    with pytest.raises(InputError, match="no objective has one"):
        fitted(stopping(np.random.default_rng(6), 20), None)
    with pytest.raises(SettingsError, match="does not go with `latent`"):
        LinearDrift("latent", stops_at_bounds=True)
