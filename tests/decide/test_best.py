"""The best step: price maps of known curves, loss limits of normal means, exact counts, what is advised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from loopstat.arrays import Float
from loopstat.decide.best import (
    Best,
    Exact,
    Prospect,
    action_of,
    best,
    loss_limit,
    price_map,
    prices_of,
    sessions_needed,
)
from loopstat.decide.curve import Curve

CONCAVE = np.array([0.0, 1.0, 1.5, 1.75, 1.75, 1.75])


def curve_of(mean: Float, error: float, n_draws: int = 400, seed: int = 0) -> Curve:
    """Return a curve whose sessions all run, at a cost of 1 a step, with draws of one error at each step."""
    rng = np.random.default_rng(seed)
    value = np.vstack([mean, mean + error * rng.standard_normal((n_draws, len(mean)))])
    paid = np.broadcast_to(np.arange(float(len(mean))), value.shape)
    return Curve(value, paid.copy(), np.ones(value.shape))


def prospect_of(mean: Float, error: float = 0.01, clusters: int = 100, limits: Exact | None = None) -> Prospect:
    steps = np.arange(len(mean))
    return Prospect.of(curve_of(mean, error), steps, int(1.5 * steps[-1]), 1.0, clusters, limits)


@pytest.mark.parametrize(("price", "step"), [(0.1, 3), (0.35, 2), (0.7, 1), (2.0, 0)])
def test_the_best_step_of_a_concave_curve_is_where_its_slope_falls_to_the_price(price: float, step: int) -> None:
    found = best(prospect_of(CONCAVE), price, 0.95)
    assert found.place == step
    assert found.low <= step <= found.high
    assert not found.is_open
    assert 0 <= found.loss <= found.limit < 0.6


def test_a_step_stays_the_best_between_the_slopes_beside_it() -> None:
    low, high = prices_of(prospect_of(CONCAVE, 0.001), 2, 0.35)
    assert (low, high) == pytest.approx((0.25, 0.5), rel=0.08)


def test_the_price_map_of_a_concave_curve_holds_its_slopes() -> None:
    stretches = price_map(curve_of(CONCAVE, 0.01), np.arange(6), 100, 0.95)
    assert [(s.start, s.to) for s in stretches] == [(0, 1), (1, 2), (2, 3), (3, 5)]
    assert [s.worth.value for s in stretches] == pytest.approx([1.0, 0.5, 0.25, 0.0])


def test_a_step_inside_the_envelope_is_best_at_no_price() -> None:
    stretches = price_map(curve_of(np.array([0.0, 0.1, 1.0]), 0.01), np.arange(3), 100, 0.95)
    assert [(s.start, s.to) for s in stretches] == [(0, 2)]


@pytest.mark.parametrize("clusters", [5, 20, 200])
def test_the_limit_of_one_other_step_is_students_of_its_mean(clusters: int) -> None:
    normals = stats.norm.ppf((np.arange(4_000) + 0.5) / 4_000)
    error = 0.1 * np.sqrt((clusters - 1) / clusters)
    other = 0.3 + np.r_[0.0, error * normals]
    net = np.stack([np.zeros(len(other)), other], axis=1)
    expected = 0.3 + 0.1 * stats.t.ppf(0.95, clusters - 1)
    assert loss_limit(net, 0, clusters, 0.95) == pytest.approx(expected, rel=0.01)
    assert loss_limit(-net, 0, clusters, 0.95) == 0.0


def test_the_limit_holds_for_all_steps_at_once() -> None:
    """400 tables of 30 sessions, five equal steps: the largest true loss is 0, each limit must not be below."""
    rng = np.random.default_rng(5)
    truth, held = np.array([0.0, 0.2, 0.2, 0.1, 0.2]), 0
    for _ in range(400):
        x = truth + rng.normal(size=(30, 5))
        weights = rng.multinomial(30, np.full(30, 1 / 30), size=300)
        net = np.vstack([x.mean(axis=0), weights @ x / 30])
        place = 0
        held += loss_limit(net, place, 30, 0.95) >= 0.2
    assert held / 400 > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)


def test_no_success_in_n_tries_leaves_the_exact_share() -> None:
    limits = Exact(np.array([40, 30, 30, 30]), np.array([0, 10, 0, 0]))
    value = np.array([0.0, 0.25, 0.25, 0.25])
    found = best(prospect_of(value, 0.0, 40, limits), 1e-6, 0.95)
    assert found.place == 1
    assert found.limit == pytest.approx(1 - 0.05 ** (1 / 30), rel=1e-3)


def test_a_climb_goes_on_and_noise_leaves_it_open() -> None:
    climbing = prospect_of(0.3 * np.arange(8.0))
    found = best(climbing, 0.02, 0.95)
    assert action_of(found, climbing) == "go_on"
    assert climbing.steps[found.place] == 10
    noisy = prospect_of(0.3 * np.random.default_rng(1).standard_normal(8), 0.5, 10)
    found = best(noisy, 0.02, 0.95)
    assert action_of(found, noisy) == "cannot_tell"
    assert found.limit > 0.25


def test_the_earlier_of_two_steps_as_good_is_taken() -> None:
    nearly = np.array([0.0, 1.0, 1.006, 1.006, 1.006])
    assert best(prospect_of(nearly, 0.0005), 0.001, 0.95).place == 1


def test_sessions_advised_bring_the_limit_to_a_quarter_of_a_standard_deviation() -> None:
    found = Best(0, 0, 3, 0.2, 0.5, is_open=True)
    assert sessions_needed(found, 50, 1.0) == 200
    assert sessions_needed(found, 50, 2.0) == 50
    assert sessions_needed(Best(0, 0, 3, 0.2, 0.263, is_open=True), 50, 1.0) == 56
    assert sessions_needed(Best(0, 0, 3, float("nan"), float("inf"), is_open=True), 1, 1.0) == 10
