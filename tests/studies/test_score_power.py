"""Rank correlation within groups, and picks, on figures made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from studies.score_power import by_task, correlation, picked, within

TASK = np.repeat(np.arange(40), 5)


def test_what_differs_between_tasks_alone_is_no_correlation() -> None:
    rng = np.random.default_rng(1)
    ease = np.repeat(rng.normal(size=40), 5) * 10
    noise, tests = rng.normal(size=(2, 200))
    value, p = correlation(ease + noise, ease + tests, TASK, TASK)
    assert float(value.low) < 0 < float(value.high)
    assert p > 0.01


def test_a_score_that_ranks_as_the_tests_do() -> None:
    tests = np.tile(np.arange(5.0), 40)
    value, p = correlation(np.exp(tests) + 100 * TASK, tests, TASK, TASK)
    assert float(value.value) == pytest.approx(1)
    noisy = tests + np.random.default_rng(2).normal(size=200) * 2
    value, p = correlation(noisy, tests, TASK, TASK)
    assert 0.3 < float(value.low) < float(value.value) < float(value.high) < 0.9
    assert p < 1e-6


def test_a_constant_score_says_nothing() -> None:
    value, _ = correlation(np.ones(200), np.tile(np.arange(5.0), 40), TASK, TASK)
    assert float(value.value) == 0


def test_picks_share_ties() -> None:
    group = np.array([0, 0, 0, 1, 1])
    best, random = picked(np.array([1.0, 2.0, 2.0, 5.0, 5.0]), np.array([0.0, 1.0, 0.0, 1.0, 1.0]), group)
    assert best.tolist() == [0.5, 1.0]
    assert random.tolist() == pytest.approx([1 / 3, 1])
    assert by_task(best, np.array([7, 7])).tolist() == [0.75]
    assert within(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1])).tolist() == [[-1], [1], [0]]
