"""Tests of the moves lens's assumptions: each holds where it is built in and fails where it is broken."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from studies.assumptions import AssumptionTest, diminishing_returns_test, state_independence_test
from studies.pool_assumptions import (
    coarse_oracle_test,
    correlated_reviewers_test,
    deterministic_oracle_test,
    independent_candidates_test,
    order_statistics_test,
)

from loopstat.errors import SettingsError
from loopstat.moves.order_statistics import expected_maximum


def walk(seed: int, memory: float = 0.0, slope: float = 0.05) -> list[Any]:
    """Return three masses in a row of 2,000 loops, whose second improvement remembers the first."""
    rng = np.random.default_rng(seed)
    mu = [rng.uniform(4, 20, 2000)]
    mu.append(mu[0] - slope * mu[0] + 0.2 * rng.standard_normal(2000))
    last = mu[0] - mu[1] - slope * mu[0]
    mu.append(mu[1] - slope * mu[1] - memory * last + 0.2 * rng.standard_normal(2000))
    return mu


# ------------------------------------------------------------------------- moves


def test_returns_that_diminish() -> None:
    mu = walk(0)
    assert diminishing_returns_test(mu[0], mu[1], exact=True).holds is True
    once = diminishing_returns_test(mu[0], mu[1])
    assert once.holds is None  # one measurement would show that anyway
    assert "would show that anyway" in once.verdict


def test_returns_that_do_not() -> None:
    mu = walk(1, slope=0.0)
    level = diminishing_returns_test(mu[0], mu[1], exact=True)
    assert level.holds is None
    assert level.p_value > 0.05
    grows = walk(1, slope=-0.05)
    assert diminishing_returns_test(grows[0], grows[1], exact=True).holds is False


@pytest.mark.parametrize(("memory", "holds"), [(0.0, True), (0.5, False)])
def test_memory_is_found(memory: float, holds: bool) -> None:
    mu = walk(2, memory)
    rng = np.random.default_rng(0)
    noisy = [np.maximum(m + 0.05 * rng.standard_normal(2000), 0) for m in (mu[1], mu[0])]
    test = state_independence_test(mu[1], mu[2], mu[0], instruments=(noisy[0], noisy[1]))
    assert test.holds is holds
    assert test.effect.low <= memory <= test.effect.high


def test_memory_from_one_measurement_is_not_believed() -> None:
    mu = walk(3)
    rng = np.random.default_rng(1)
    noisy = [np.maximum(m + rng.standard_normal(2000), 0) for m in mu]
    test = state_independence_test(noisy[1], noisy[2], noisy[0])
    assert test.p_value < 1e-6
    assert test.holds is None
    assert test.effect.value < 0


def test_a_past_that_is_the_present_tells_nothing() -> None:
    mu = walk(4)
    test = state_independence_test(mu[0], mu[1], 2 * mu[0])
    assert test.holds is None
    assert "cannot tell" in test.verdict


def test_a_wide_interval_is_no_proof() -> None:
    mu = [m[:40] for m in walk(5)]
    test = state_independence_test(*(mu[k] for k in (1, 2, 0)), cluster=np.arange(40) // 4)
    if test.p_value >= 0.05:
        assert test.holds is None


# ------------------------------------------------------------------------- reviewers


def scores(seed: int, shared: float) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    truth, common = rng.standard_normal((2, 900))
    noise = np.sqrt(shared) * common[:, None] + np.sqrt(1 - shared) * rng.standard_normal((900, 3))
    task = np.arange(900) // 6
    return truth[:, None] + noise + 3 * rng.standard_normal(150)[task][:, None], truth, task


@pytest.mark.parametrize("shared", [0.2, 0.6])
def test_errors_that_are_shared(shared: float) -> None:
    test = correlated_reviewers_test(*scores(0, shared))
    assert test.holds is True
    assert test.effect.low <= shared <= test.effect.high


def test_errors_that_are_not() -> None:
    test = correlated_reviewers_test(*scores(1, 0.0))
    assert test.holds is None
    assert test.p_value > 0.05


def test_units_of_reviewers_do_not_matter_and_a_binary_truth_is_told() -> None:
    y, truth, task = scores(2, 0.4)
    one, other = (correlated_reviewers_test(y * unit, truth, task) for unit in ([1, 1, 1], [0.1, 5, 100]))
    assert one.effect.value == pytest.approx(float(other.effect.value))
    cut = correlated_reviewers_test(y, truth > 0, task)
    assert "At most" in cut.verdict
    assert cut.holds is None
    assert correlated_reviewers_test(y, truth > 0, task, complete=True).holds is True


# ------------------------------------------------------------------------- best of several


def test_normal_candidates_follow_the_normal_law() -> None:
    x = np.random.default_rng(0).standard_normal((200, 12))
    for k in (2, 6):
        test = order_statistics_test(x.ravel(), np.repeat(np.arange(200), 12), k)
        assert test.holds is True
        assert test.effect.value == pytest.approx(1, abs=0.05)


def test_heavy_tails_and_verdicts_do_not() -> None:
    rng = np.random.default_rng(1)
    passed = rng.random((200, 40)) < 0.05
    test = order_statistics_test(passed.ravel().astype(float), np.repeat(np.arange(200), 40), 2)
    # E[max] - p = p(1 - p) of two, against e(2) sqrt(p(1 - p))
    assert test.effect.value == pytest.approx(np.sqrt(0.05 * 0.95) / expected_maximum(2), abs=0.05)
    assert test.holds is False


def test_neighbours() -> None:
    rng = np.random.default_rng(2)
    fair = rng.random((80, 20)) < rng.uniform(0.2, 0.8, (80, 1))
    task = np.repeat(np.arange(80), 20)
    assert independent_candidates_test(fair.ravel(), task).holds is True
    sticky = np.sort(fair[:, :10], axis=1)
    assert independent_candidates_test(sticky.ravel(), np.repeat(np.arange(80), 10)).holds is False


# ------------------------------------------------------------------------- the oracle


def test_a_coarse_oracle_and_one_that_is_not() -> None:
    rng = np.random.default_rng(3)
    coarse, task = rng.random(1000) < 0.7, np.arange(1000) // 10
    test = coarse_oracle_test(coarse, coarse & (rng.random(1000) < 0.85), task)
    assert test.holds is True
    assert test.effect.low <= 0.15 <= test.effect.high
    fine = coarse_oracle_test(coarse, coarse, task)
    assert fine.holds is False
    crossed = coarse_oracle_test(coarse, ~coarse | (rng.random(1000) < 0.5), task)
    assert "not nested" in crossed.verdict


def test_copies_judged_by_a_rule_and_by_chance() -> None:
    rng = np.random.default_rng(4)
    program, task = np.arange(1200) // 3, np.arange(1200) // 30
    rule = (rng.random(400) < 0.5)[program]
    test = deterministic_oracle_test(rule, program, task)
    assert test.holds is True
    assert test.effect.value == 0
    assert 0 < test.effect.high < 0.3
    chance = deterministic_oracle_test(rng.random(1200) < 0.5, program, task)
    assert chance.holds is False
    assert chance.effect.low <= 1 <= chance.effect.high
    mostly = rule ^ (rng.random(1200) < 0.05)
    assert 0 < deterministic_oracle_test(mostly, program, task).effect.value < 0.5


# ------------------------------------------------------------------------- forms and bad input


def all_tests() -> list[AssumptionTest]:
    mu = walk(6)
    y, truth, task = scores(3, 0.3)
    passed = truth > 0
    return [
        diminishing_returns_test(mu[0], mu[1]),
        state_independence_test(mu[1], mu[2], mu[0]),
        correlated_reviewers_test(y, truth, task),
        order_statistics_test(truth, task, 3),
        independent_candidates_test(passed, task),
        coarse_oracle_test(passed, truth > 0.5, task),
        deterministic_oracle_test(passed, np.arange(900) // 2, task),
    ]


def test_every_test_says_what_it_tests() -> None:
    for test in all_tests():
        data = json.loads(json.dumps(test.to_dict()))
        assert data["null"].endswith(".")
        assert data["alternative"].endswith(".")
        assert data["verdict"].rstrip().endswith(".")
        assert set(data["effect"]) == {"value", "low", "high"}
        assert test.n_clusters >= 8


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: correlated_reviewers_test(np.ones((9, 1)), np.ones(9), np.arange(9)), "at least two"),
        (lambda: correlated_reviewers_test(np.ones((9, 2)), np.ones(8), np.arange(9)), "equally long"),
        (lambda: order_statistics_test(np.ones(9), np.arange(9), 1), "`k` must be at least 2"),
        (lambda: order_statistics_test(np.ones(90), np.arange(90) // 3, 2), "that differ"),
        (lambda: order_statistics_test(np.arange(90.0), np.arange(90) // 3, 4), "with 4 candidates"),
        (lambda: independent_candidates_test(np.ones(90, bool), np.arange(90) // 3), "some pass and some fail"),
        (lambda: coarse_oracle_test([True], [True, False], [0]), "equally long"),
        (lambda: coarse_oracle_test([True] * 9, [True] * 9, np.zeros(9)), "at least 8"),
        (lambda: deterministic_oracle_test([True], [0, 1], [0]), "equally long"),
        (lambda: state_independence_test(np.ones(9), np.ones(9), np.ones(8)), "equally long"),
    ],
)
def test_bad_input(call: Any, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        call()
