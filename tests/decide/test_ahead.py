"""What a curve is thought to be: closed forms of one composition, noise taken out, trends that go on, units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from loopstat.arrays import Float, Int
from loopstat.decide.ahead import (
    Compositions,
    horizon,
    late_slope,
    likely_values,
    raised,
    steps_ahead,
    unchanged,
)
from loopstat.decide.curve import Curve


def drawn(mean: Float, error: float, n_draws: int = 400, seed: int = 0) -> Float:
    """Return a mean curve and draws about it, of the same error at each step."""
    rng = np.random.default_rng(seed)
    return np.vstack([mean, mean + error * rng.standard_normal((n_draws, len(mean)))])


def steps_of(n: int) -> tuple[Int, Int]:
    steps = np.arange(n)
    return steps, steps_ahead(steps, horizon(steps))


def test_looks_half_as_far_again_as_recorded() -> None:
    assert horizon(np.arange(8)) == 10
    assert horizon(np.array([5, 6, 7, 8, 9])) == 11
    assert horizon(np.arange(8), 12) == 12
    assert steps_ahead(np.arange(8), 10).tolist() == [8, 9, 10]
    assert steps_ahead(np.array([0, 10, 20]), 45).tolist() == [30, 40]


def test_curves_go_on_at_the_cost_of_sessions_still_running() -> None:
    left = 0.8 ** np.arange(7.0)
    paid = np.r_[0.0, np.cumsum(left[:-1])]
    curve = Curve(*(np.vstack([part, part]) for part in (1 - left, paid, left)))
    on = unchanged(curve, 2)
    assert on.value[0, -3:] == pytest.approx([1 - left[-1]] * 3)
    assert on.running[0, -2:] == pytest.approx([0.8**7, 0.8**8])
    assert np.diff(on.paid[0])[-2:] == pytest.approx([0.8**6, 0.8**7])
    slope = (curve.value[0, 6] - curve.value[0, 3]) / 3
    assert late_slope(curve, 2)[0] == pytest.approx([slope, 2 * slope])
    assert raised(on, late_slope(curve, 2)).value[0, -1] == pytest.approx(1 - left[-1] + 2 * slope)


def test_one_composition_is_a_regression_under_a_normal_prior() -> None:
    """A trend b g, b ~ N(0, 1), seen through white noise: mean and variance of b are known."""
    g, later, noise = np.array([0.5, 0.3, 0.2]), np.array([0.1]), 0.04
    zero = np.zeros(1)
    prior = Compositions(
        trend=g[None],
        later=later[None],
        first=np.zeros((1, 3)),
        wiggle=zero,
        kind=np.zeros(1, dtype=np.int64),
        roots=np.eye(3)[None],
        leads=np.zeros((1, 1, 3)),
        chance=np.ones(1),
    )
    y = np.array([0.9, 0.1, 0.4])
    added, ahead = prior.given(y, noise * np.eye(3), 20_000)
    precision = 1 + g @ g / noise
    b = g @ y / noise / precision
    assert added[0] == pytest.approx(b * g)
    assert ahead[0] == pytest.approx(b * later)
    assert ahead[1:].mean() == pytest.approx(b * later[0], abs=4 * 0.1 / np.sqrt(precision * 20_000))
    assert ahead[1:].std() == pytest.approx(0.1 / np.sqrt(precision), rel=0.03)
    assert added[1:].std(axis=0) == pytest.approx(g / np.sqrt(precision), rel=0.03)


def test_chances_of_compositions_add_up() -> None:
    prior = Compositions.over(np.arange(12.0), 9, np.arange(9))
    assert prior.chance.sum() == pytest.approx(1)
    assert prior.trend.shape[1] == 8
    assert prior.later.shape[1] == 3
    assert np.abs(prior.trend).sum(axis=1).max() == pytest.approx(1.5)


TRENDS: dict[str, Callable[[Float], Float]] = {
    "flat": np.zeros_like,
    "line": lambda t: 0.2 * t,
    "exponential": lambda t: 2 * (1 - 0.6**t),
    "logarithm": np.log1p,
}


@pytest.mark.parametrize("trend", TRENDS)
def test_trends_seen_clearly_go_on(trend: str) -> None:
    steps, ahead = steps_of(10)
    truth = TRENDS[trend](np.arange(10.0 + len(ahead)))
    likely = likely_values(drawn(truth[:10], 0.01), steps, ahead, 1.0, 100)
    assert likely[0] == pytest.approx(truth, abs=0.06)
    assert np.abs(likely[1:].mean(axis=0) - likely[0]).max() < 0.05


def test_a_bend_is_not_a_trend() -> None:
    steps, ahead = steps_of(10)
    bent = np.minimum(np.arange(10.0), 4) * 0.3
    likely = likely_values(drawn(bent, 0.02), steps, ahead, 1.0, 100)
    assert likely[0, :10] == pytest.approx(bent, abs=0.06)
    assert abs(likely[0, -1] - likely[0, 9]) < 0.25


def test_noise_is_taken_out() -> None:
    """Over 40 flat curves the largest step away from the start shrinks to less than half."""
    steps, ahead = steps_of(8)
    sizes = []
    for seed in range(40):
        mean = 0.1 * np.random.default_rng(seed).standard_normal(8)
        likely = likely_values(drawn(mean, 0.1, seed=seed), steps, ahead, 1.0, 60)
        sizes.append((np.ptp(mean), np.ptp(likely[0])))
    raw, left = np.mean(sizes, axis=0)
    assert left < raw / 2


def test_draws_are_the_same_at_every_call_and_follow_units() -> None:
    steps, ahead = steps_of(8)
    value = drawn(np.log1p(np.arange(8.0)), 0.1)
    likely = likely_values(value, steps, ahead, 1.0, 60)
    assert np.array_equal(likely, likely_values(value, steps, ahead, 1.0, 60))
    assert likely_values(5 + 1e6 * value, steps, ahead, 1e6, 60) == pytest.approx(5 + 1e6 * likely)
    assert likely_values(value, 10 * steps, 10 * ahead, 1.0, 60) == pytest.approx(likely)


def test_nothing_more_is_expected_where_there_is_hardly_any_record() -> None:
    value = drawn(np.array([0.0, 1.0]), 0.1)
    ahead = np.array([2])
    assert np.array_equal(likely_values(value, np.arange(2), ahead, 1.0, 60)[:, 2], value[:, 1])
    three = drawn(np.array([0.0, 1.0, 2.0]), 0.1)
    for spread, clusters in ((0.0, 60), (1.0, 1)):
        assert np.array_equal(likely_values(three, np.arange(3), ahead + 1, spread, clusters)[:, 3], three[:, 2])


def test_long_records_are_thought_of_at_fewer_places() -> None:
    steps, ahead = steps_of(200)
    truth = 1 - 0.97 ** np.arange(200.0 + len(ahead))
    likely = likely_values(drawn(truth[:200], 0.02), steps, ahead, 1.0, 100)
    assert likely[0] == pytest.approx(truth, abs=0.1)
