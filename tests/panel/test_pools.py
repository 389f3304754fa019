"""Pools of candidates: the best of k, pass@k, and how many independent candidates they are worth."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from loopstat.errors import SettingsError
from loopstat.inference.estimate import Estimate
from loopstat.moves.calibrate.candidates import Curve, Draws, best_of_k, pass_at_k
from loopstat.moves.calibrate.effective import effective_candidates, effective_number, likeness, pooled_candidates
from loopstat.moves.order_statistics import expected_maximum
from loopstat.panel.pool import Pool


def normal(seed: int, tasks: int = 300, samples: int = 12, apart: float = 3.0, alike: float = 0.0) -> tuple[Any, Any]:
    """Return qualities and tasks; candidates of a task share a part `alike` of their variance."""
    rng = np.random.default_rng(seed)
    own, shared = rng.normal(size=(tasks, samples)), rng.normal(size=(tasks, 1))
    y = apart * rng.normal(size=(tasks, 1)) + np.sqrt(1 - alike) * own + np.sqrt(alike) * shared
    return y.ravel(), np.repeat(np.arange(tasks), samples)


def test_the_spread_of_one_task_without_it_is_unknown() -> None:
    draws = Draws.of(np.array([1.0, 2.0, 4.0]), np.zeros(3, dtype=np.int64))
    whole, without = draws.total_sd(np.array([True]))
    assert whole == pytest.approx(np.std([1.0, 2.0, 4.0], ddof=1))
    assert np.isnan(without).all(), "and no warning says so, which would be an error here"


# ------------------------------------------------------------------------- the best of k


def test_the_best_of_k_is_the_mean_over_all_subsets() -> None:
    values = [0.3, 2.0, -1.0, 2.0, 0.7]
    curve = best_of_k([*values, *values], [0] * 5 + [1] * 5)
    for k in range(1, 6):
        brute = np.mean([max(c) for c in combinations(values, k)])
        assert curve.at(k).value == pytest.approx(brute)


@pytest.mark.parametrize("passing", range(8))
def test_pass_at_k_is_one_less_the_share_of_failing_subsets(passing: int) -> None:
    verdicts = [1] * passing + [0] * (7 - passing)
    curve = pass_at_k(verdicts * 2, [0] * 7 + [1] * 7)
    for k in range(1, 8):
        brute = np.mean([any(c) for c in combinations(verdicts, k)])
        assert curve.at(k).value == pytest.approx(brute, abs=1e-12)


def test_a_hundred_candidates_keep_their_digits() -> None:
    verdicts = np.r_[np.ones(3), np.zeros(97)]
    curve = pass_at_k(np.tile(verdicts, 2), np.repeat([0, 1], 100))
    assert curve.at(50).value == pytest.approx(1 - (50 * 49 * 48) / (100 * 99 * 98))
    assert curve.at(100).value == 1


def test_curves_end_where_half_of_the_tasks_do() -> None:
    task = np.r_[np.zeros(2), np.ones(2), np.full(9, 2), np.full(9, 3), np.full(3, 4), np.full(3, 5)]
    curve = best_of_k(np.arange(len(task), dtype=float), task)
    assert curve.k.tolist() == [1, 2, 3]
    assert curve.n_tasks.tolist() == [6, 6, 4]
    assert np.isnan(curve.at(9).value)


def test_missing_values_are_left_out() -> None:
    y, task = normal(0, tasks=20)
    gap = np.where(np.arange(len(y)) % 12 == 3, np.nan, y)
    keep = np.isfinite(gap)
    ours, cut = best_of_k(gap, task), best_of_k(y[keep], task[keep])
    assert ours.estimate.value == pytest.approx(cut.estimate.value)


def test_pass_rates_have_intervals_by_task() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(60):
        passed = (rng.random((40, 8)) < rng.beta(0.4, 0.8, 40)[:, None]).ravel()
        e = pass_at_k(passed, np.repeat(np.arange(40), 8)).at(1)
        held += e.low <= 1 / 3 <= e.high
    assert held >= 51  # by chance fewer in 0.3 % of all seeds


# ------------------------------------------------------------------------- how many they are worth


def test_the_effective_number_undoes_the_expected_maximum() -> None:
    k = np.array([1.0, 1.001, 1.5, 2, 7.3, 100, 1e5])
    assert effective_number(expected_maximum(k)) == pytest.approx(k, rel=1e-7)
    assert effective_number([-1.0, 0.0]) == pytest.approx([1.0, 1.0])
    assert np.isnan(effective_number(np.nan))


def test_normal_candidates_are_worth_their_number_within_tasks_and_less_when_pooled() -> None:
    inside, pooled = effective_candidates(*normal(2))
    assert inside.k.tolist() == list(range(2, 13))
    assert inside.estimate.value == pytest.approx(inside.k, rel=0.06)
    assert np.all(pooled.estimate.value < inside.estimate.value)
    assert pooled.at(12).value < 2


def test_candidates_that_are_alike_look_independent_given_their_task() -> None:
    inside, pooled = effective_candidates(*normal(3, alike=0.5, apart=0.0))
    assert inside.at(5).value == pytest.approx(5, rel=0.05)
    assert pooled.at(5).value < 4


def test_two_candidates_a_task_say_nothing() -> None:
    inside, pooled = effective_candidates(*normal(4, samples=2))
    assert inside.k.size == 0
    assert pooled.k.size == 0
    inside, _ = effective_candidates(np.ones(30), np.arange(30) // 3)
    assert inside.k.size == 0


def test_units_do_not_count() -> None:
    y, task = normal(5, tasks=40)
    for a, b in zip(effective_candidates(y, task), effective_candidates(7 - 0.01 * -y, task), strict=True):
        assert a.estimate.value == pytest.approx(b.estimate.value, rel=1e-6)
        assert a.estimate.high == pytest.approx(b.estimate.high, rel=1e-6)


def test_equal_tasks_are_worth_their_number_when_pooled_and_unequal_ones_less() -> None:
    rng = np.random.default_rng(6)
    task = np.repeat(np.arange(400), 10)
    same, apart = rng.random(4000) < 0.3, rng.random((400, 10)) < rng.beta(0.3, 0.7, 400)[:, None]
    assert pooled_candidates(same, task).at(5).value == pytest.approx(5, rel=0.1)
    assert pooled_candidates(apart.ravel(), task).at(5).value < 2.5
    assert np.isnan(pooled_candidates(np.ones(20), np.arange(20) // 2).estimate.value).all()


def test_tau_comes_as_a_product_with_h() -> None:
    inside, _ = effective_candidates(*normal(7))
    product, tau = likeness(inside, 0.6, n_samples=3600)
    assert product.identifiable
    assert product.estimate.low < 0 < product.estimate.high
    assert not tau.identifiable
    assert tau.value == pytest.approx(product.value / 0.6)
    assert "H = 0.6, by convention" in tau.reason
    curve = Curve(np.array([5]), Estimate([3.6], [3.2], [4.0]), np.array([40]))
    assert likeness(curve, 0.6)[0].value == pytest.approx(1 - 2.6 / 4)
    assert not likeness(curve, 0.0)[1].identifiable
    nothing, _ = effective_candidates(np.ones(4), [0, 0, 1, 1])
    assert "needed" in likeness(nothing, 0.6)[0].reason


# ------------------------------------------------------------------------- the table


def test_pools_refuse_what_is_no_verdict() -> None:
    with pytest.raises(SettingsError, match="must hold verdicts, 0 or 1"):
        Pool.of(["a", "a"], coarse=[0.5, 1])
    with pytest.raises(SettingsError, match="as long as `task`"):
        Pool.of(["a", "a"], judges={"j": [1.0]})
    with pytest.raises(SettingsError, match="empty"):
        Pool.of([])
    with pytest.raises(SettingsError, match="equally long"):
        best_of_k([1.0, 2.0], [0])


def test_a_pool_knows_its_size() -> None:
    pool = Pool.of(["b", "a", "b"], truth=[1, 2, np.nan])
    assert (len(pool), pool.n_tasks, pool.task.tolist()) == (3, 2, [1, 0, 1])
