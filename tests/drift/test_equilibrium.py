"""Fieller's interval of the fixed point: against the closed form, a grid, and its own symmetries."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat.drift.sums import Moments
from loopstat.inference.fieller import fixed_point_interval
from loopstat.inference.intervals import jackknife_variance, student_quantile
from simulated import M3, REST, fit, grams_of, run, three


def coefficients(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (b, A), the same without each session, and the fixed point."""
    grams = grams_of(x)
    m, left = Moments.of(grams.total(), grams), Moments.of(grams.left_out(), grams)
    join = [np.concatenate([part.b[..., None], part.A], axis=2) for part in (m, left)]
    return join[0][0], join[1], m.fixed_point()[0]


def quadratic(beta: np.ndarray, left: np.ndarray, level: float) -> tuple[float, float, float]:
    """Return the coefficients of (b + a x)² - t² V(x), whose sign is Fieller's set for one objective."""
    c = len(left)
    d = left[:, 0] - left[:, 0].mean(axis=0)
    v = (c - 1) / c * d.T @ d
    t2 = student_quantile(level, c - 1) ** 2
    b, a = beta[0]
    return a * a - t2 * v[1, 1], 2 * (a * b - t2 * v[0, 1]), b * b - t2 * v[0, 0]


@pytest.mark.parametrize("seed", range(6))
def test_one_objective_has_a_closed_form(seed: int) -> None:
    beta, left, point = coefficients(run(0.6, 1.0, rest=3.0, sessions=15, steps=6, seed=seed))
    low, high = fixed_point_interval(beta, left, point, 0.95)
    a, b, c = quadratic(beta, left, 0.95)
    assert a > 0
    half = np.sqrt(b * b - 4 * a * c) / (2 * a)
    assert low[0] == pytest.approx(-b / (2 * a) - half, abs=1e-4)
    assert high[0] == pytest.approx(-b / (2 * a) + half, abs=1e-4)


def test_interval_opens_where_the_slope_may_be_zero() -> None:
    opened = 0
    for seed in range(20):
        beta, left, point = coefficients(run(0.97, 1.0, start=-2.0, spread=1.0, sessions=10, steps=5, seed=seed))
        low, high = fixed_point_interval(beta, left, point, 0.95)
        a, _, _ = quadratic(beta, left, 0.95)
        assert bool(np.isfinite(low[0]) and np.isfinite(high[0])) == (a > 0)
        opened += a <= 0
    assert opened > 10


@pytest.mark.slow
def test_two_objectives_agree_with_a_grid() -> None:
    m = np.array([[0.6, 0.2], [-0.1, 0.5]])
    beta, left, point = coefficients(run(m, np.eye(2), rest=[2.0, 3.0], sessions=20, steps=6, seed=1))
    low, high = fixed_point_interval(beta, left, point, 0.95)
    c = len(left)
    deviation = np.sqrt((c - 1) / c) * (left - left.mean(axis=0))
    axes = [np.linspace(p - 2.5, p + 2.5, 801) for p in point]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    z = np.c_[np.ones(len(grid)), grid]
    g = z @ beta.T
    per_cluster = np.einsum("cia,ka->kci", deviation, z)
    v = np.einsum("kci,kcj->kij", per_cluster, per_cluster)
    inside = np.einsum("ki,ki->k", g, np.linalg.solve(v, g[..., None])[..., 0]) <= student_quantile(0.95, c - 1) ** 2
    step = axes[0][1] - axes[0][0]
    for j in range(2):
        assert low[j] == pytest.approx(grid[inside, j].min(), abs=1.5 * step)
        assert high[j] == pytest.approx(grid[inside, j].max(), abs=1.5 * step)


def test_units_do_not_matter() -> None:
    x = three(40, 8, seed=2)
    scale, shift = np.array([10.0, 0.1, 3.0]), np.array([-5.0, 40.0, 0.0])
    here, there = (fit(data).estimates["drift.fixed_point"] for data in (x, x * scale + shift))
    for end in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(there, end), getattr(here, end) * scale + shift, rtol=1e-4)


def test_far_from_one_it_agrees_with_the_delta_method() -> None:
    grams = grams_of(three(400, 10, seed=3))
    left = Moments.of(grams.left_out(), grams).fixed_point()
    half = student_quantile(0.95, 399) * np.sqrt(jackknife_variance(left))
    e = fit(three(400, 10, seed=3)).estimates["drift.fixed_point"]
    np.testing.assert_allclose(e.value - e.low, half, rtol=0.15)
    np.testing.assert_allclose(e.high - e.value, half, rtol=0.15)


def test_known_resting_point_is_inside() -> None:
    e = fit(three(400, 10, seed=4)).estimates["drift.equilibrium"]
    assert np.all((e.low < REST) & (e.high > REST))
    assert np.all(e.high - e.low < 0.6)
    assert np.abs(np.linalg.eigvals(M3)).max() < 1


def test_without_clusters_it_is_open() -> None:
    beta, left, point = coefficients(run(0.6, 1.0, sessions=5, steps=6, seed=5))
    for bad in (left[:1], np.full_like(left, np.nan)):
        low, high = fixed_point_interval(beta, bad, point, 0.95)
        assert (low[0], high[0]) == (-np.inf, np.inf)
