"""Mean curves: the plain mean of complete sessions, the product limit of cut ones, no bias from cutting at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loopstat.arrays import Bool, Float, Int
from loopstat.decide.curve import Curve, Held
from loopstat.inference.resample import bootstrap_weights


def held_of(value: Float, ended: Bool | None = None, cluster: Int | None = None) -> Held:
    """Return sessions of a table, NaN after their last step; each step costs 1."""
    n, steps = value.shape
    last = np.isfinite(value).sum(axis=1) - 1
    paid = np.where(np.isfinite(value), np.arange(steps, dtype=np.float64), np.nan)
    ended = np.zeros(n, dtype=bool) if ended is None else ended
    return Held(value, paid, value, last, ended, np.arange(n) if cluster is None else cluster, np.arange(steps))


def curve_of(held: Held, n_draws: int = 50) -> tuple[Curve, Int]:
    weights = bootstrap_weights(held.n_clusters, n_draws, np.random.default_rng(0))
    return Curve.of(held, weights), weights


def test_complete_sessions_give_the_plain_mean_and_draws_by_cluster() -> None:
    rng = np.random.default_rng(1)
    value, cluster = rng.normal(size=(12, 5)), np.repeat(np.arange(4), 3)
    curve, weights = curve_of(held_of(value, cluster=cluster))
    assert curve.value[0] == pytest.approx(value.mean(axis=0))
    for draw, w in zip(curve.value[1:], weights, strict=True):
        assert draw == pytest.approx(np.average(value, axis=0, weights=w[cluster]))
    assert curve.paid[0] == pytest.approx(np.arange(5))
    assert curve.running[0] == pytest.approx(np.ones(5))


def test_a_session_that_ended_keeps_its_value_and_stops_paying() -> None:
    value = np.array([[0.0, 1.0, np.nan, np.nan], [0.0, 0.0, 0.0, 2.0]])
    curve, _ = curve_of(held_of(value, np.array([True, False])))
    assert curve.value[0] == pytest.approx([0.0, 0.5, 0.5, 1.5])
    assert curve.paid[0] == pytest.approx([0.0, 1.0, 1.5, 2.0])
    assert curve.running[0] == pytest.approx([1.0, 0.5, 0.5, 0.5])


def test_successes_of_sessions_cut_off_are_the_product_limit() -> None:
    rng = np.random.default_rng(2)
    n, steps = 40, 7
    success, cut = rng.geometric(0.25, n), rng.geometric(0.2, n)
    last = np.minimum(np.minimum(success, cut), steps - 1)
    ended = success <= np.minimum(cut, steps - 1)
    value = np.where(np.arange(steps) <= last[:, None], 0.0, np.nan)
    value[ended, last[ended]] = 1.0
    curve, _ = curve_of(held_of(value, ended))
    hazard = [(ended & (last == t)).sum() / (last >= t).sum() for t in range(1, steps)]
    left = np.cumprod(np.r_[1.0, 1.0 - np.array(hazard)])
    assert curve.value[0] == pytest.approx(1 - left, abs=1e-9)
    assert curve.running[0] == pytest.approx(left, abs=1e-9)
    assert curve.paid[0] == pytest.approx(np.r_[0.0, np.cumsum(left[:-1])], abs=1e-9)


@pytest.mark.parametrize("reverting", [1.0, 0.6])
def test_cutting_at_random_leaves_no_bias(reverting: float) -> None:
    """4,000 sessions of a walk and of a reverting loop: the error of the mean is 0.02, the drift 2 at the end."""
    rng = np.random.default_rng(3)
    n, steps = 4_000, 9
    value = np.empty((n, steps))
    value[:, 0] = rng.normal(-2, 1, n)
    for t in range(1, steps):
        value[:, t] = reverting * value[:, t - 1] + 0.25 * reverting + 0.4 * rng.normal(size=n)
    truth = value.mean(axis=0)
    cut = np.minimum(rng.geometric(0.15, n), steps - 1)
    seen = np.where(np.arange(steps) <= cut[:, None], value, np.nan)
    curve, _ = curve_of(held_of(seen), 5)
    assert curve.value[0] == pytest.approx(truth, abs=0.05)


def test_cutting_low_sessions_leaves_little_bias() -> None:
    """Those that fall below a level are cut more often: means of those still seen are 0.2 too high and more."""
    rng = np.random.default_rng(4)
    n, steps = 4_000, 7
    value = np.empty((n, steps))
    value[:, 0] = rng.normal(0, 1, n)
    for t in range(1, steps):
        value[:, t] = 0.7 * value[:, t - 1] + 0.5 * rng.normal(size=n)
    given_up = rng.random((n, steps)) < 0.4 / (1 + np.exp(3 * value))
    given_up[:, 0], given_up[:, -1] = False, True
    seen = np.where(np.arange(steps) <= given_up.argmax(axis=1)[:, None], value, np.nan)
    curve, _ = curve_of(held_of(seen), 5)
    assert np.nanmean(seen[:, -1]) > 0.2
    assert curve.value[0] == pytest.approx(np.zeros(steps), abs=0.06)


def test_steps_that_too_few_clusters_reach_are_left_out() -> None:
    value = np.zeros((30, 6))
    value[2:, 4:] = np.nan
    held = held_of(value).recorded()
    assert len(held.steps) == 4
    assert held_of(value[:, :4]).recorded().steps.tolist() == [0, 1, 2, 3]
    done = replace(held_of(value), ended=np.arange(30) >= 2)
    assert len(done.recorded().steps) == 6
