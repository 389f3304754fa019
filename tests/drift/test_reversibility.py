"""Detailed balance of linear loops: size of the test, closed forms of the entropy production, coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loopstat import Estimate, LinearDrift, Panel
from loopstat.drift.readings.reversibility import Reversibility, entropy_production, reversibility_test
from loopstat.drift.sums import Moments
from simulated import grams_of, run, steady

BALANCED = np.array([[0.6, 0.15], [0.15, 0.4]])
TURNING = np.array([[0.5, 0.25], [-0.25, 0.5]])
FAST = np.array([[0.6, 0.6], [-0.6, 0.6]])
THREE = np.array([[0.5, 0.3, -0.2], [-0.3, 0.5, 0.3], [0.2, -0.3, 0.5]])


def examined(x: Any) -> Reversibility:
    grams = grams_of(x)
    m, left = (Moments.of(g, grams) for g in (grams.total(), grams.left_out()))
    return reversibility_test(m.M[0], m.Q[0], left.M, left.Q, int(m.n[0]), 0.95)


def test_a_rotation_produces_the_entropy_of_its_closed_form() -> None:
    turn, damping = 0.4, 0.3
    M = np.exp(-damping) * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    Q = np.eye(2) * (1 - np.exp(-2 * damping))
    expected = 4 * np.sin(turn) ** 2 / (np.exp(2 * damping) - 1)
    assert entropy_production(M, Q) == pytest.approx(expected, abs=1e-12)


def test_entropy_production_is_the_divergence_of_forward_from_backward_steps() -> None:
    rng = np.random.default_rng(1)
    M, root = 0.4 * rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    Q = root @ root.T + 0.5 * np.eye(3)
    G = steady(M, Q)
    # The step backwards, given the later state: N(B x, P), by Bayes. Divergence of N(M x, Q) from it, averaged over G.
    B = G @ M.T @ np.linalg.inv(G)
    P = G - B @ G @ B.T
    between = (M - B) @ G @ (M - B).T
    logs = np.linalg.slogdet(P)[1] - np.linalg.slogdet(Q)[1]
    divergence = 0.5 * (np.trace(np.linalg.solve(P, Q + between)) - 3 + logs)
    assert entropy_production(M, Q) == pytest.approx(divergence, abs=1e-12)


def test_what_the_plug_in_finds_in_balanced_loops_is_its_bias() -> None:
    found, transitions = [], 30 * 9
    for seed in range(300):
        m = Moments.of(
            (grams := grams_of(run(BALANCED, np.eye(2), sessions=30, steps=10, seed=[1, seed]))).total(), grams
        )
        found.append(entropy_production(m.M[0], m.Q[0]))
    # n (n - 1) / N = 0.0074; the mean of 300 draws of 2 chi-square(1) / N misses it by 25 % once in 500 runs.
    assert np.mean(found) == pytest.approx(2 / transitions, rel=0.25)


def test_rescaling_objectives_changes_nothing() -> None:
    x = run(TURNING, np.eye(2), sessions=60, steps=10, seed=2)
    one, other = (examined(x * scale) for scale in (1.0, [1e6, 1e-6]))
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)
    assert one.entropy_production.triple == pytest.approx(other.entropy_production.triple, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("start", "objectives"), [(None, 2), (3.0, 2), (3.0, 3)])
def test_balanced_loops_are_rejected_as_often_as_the_level_says(start: float | None, objectives: int) -> None:
    spread = None if start is None else np.zeros((objectives, objectives))
    M = BALANCED if objectives == 2 else np.array([[0.6, 0.15, 0.0], [0.15, 0.4, 0.1], [0.0, 0.1, 0.3]])
    rejected = 0
    for seed in range(200):
        x = run(M, np.eye(objectives), start=start, spread=spread, sessions=50, steps=10, seed=[3, seed])
        found = examined(x)
        rejected += found.p_value < 0.05
        assert (found.entropy_production.low == 0) == (found.p_value >= 0.05)
    assert rejected <= 19  # of 200 at 5 %, 20 or more happen once in 375 runs


@pytest.mark.slow
@pytest.mark.parametrize(("M", "sessions"), [(TURNING, 50), (FAST, 100), (THREE, 50)])
def test_intervals_of_the_entropy_hold_the_truth(M: Any, sessions: int) -> None:
    truth = entropy_production(M, np.eye(len(M)))
    held = 0
    for seed in range(200):
        x = run(M, np.eye(len(M)), sessions=sessions, steps=10, seed=[4, seed])
        found = examined(x)
        held += found.entropy_production.low <= truth <= found.entropy_production.high
    assert 180 <= held <= 198  # at 95 % fewer happen once in 860 runs, more once in 2,400


def test_loops_far_from_balance_have_short_intervals() -> None:
    M, Q = TURNING, np.eye(2)
    jitter = 1e-5 * np.random.default_rng(5).standard_normal((40, 2, 2))
    found = reversibility_test(M, Q, M + jitter, np.broadcast_to(Q, jitter.shape), 10**6, 0.95)
    assert found.entropy_production.low > 0.999 * found.entropy_production.value
    assert found.entropy_production.high < 1.001 * found.entropy_production.value


def test_what_cannot_be_had_is_said() -> None:
    one = LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(run([[0.5]], [[1.0]], sessions=20, steps=6, seed=5)))
    assert one.reversibility is None
    assert "always reversible" in one.reasons["reversibility"]
    M, Q = np.array([[1.1, 0.0], [0.2, 0.5]]), np.eye(2)
    jitter = 0.01 * np.random.default_rng(6).standard_normal((20, 2, 2))
    noise = np.broadcast_to(Q, jitter.shape)
    wild = reversibility_test(M, Q, M + jitter, noise, 100, 0.95)
    assert np.isnan(wild.entropy_production.value)
    assert 0 <= wild.p_value <= 1
    few = reversibility_test(M, Q, M + jitter[:3], noise[:3], 100, 0.95)
    assert np.isnan(few.p_value)
    for singular in (np.ones((2, 2)), -Q, Q * np.nan):
        assert np.isnan(reversibility_test(M, singular, M + jitter, noise, 100, 0.95).p_value)
    edge = np.array([[0.999, 0.2], [0.0, 0.5]])  # stable, but not without every cluster
    assert reversibility_test(edge, Q, edge + jitter, noise, 100, 0.95).entropy_production.high > 0


def test_read_back_as_written() -> None:
    found = Reversibility(0.2, Estimate(float("nan"), 0.0, 0.5))
    assert found.to_dict() == {"p_value": 0.2, "entropy_production": None, "low": 0.0, "high": 0.5}
    assert np.isnan(Reversibility.from_dict(found.to_dict()).entropy_production.value)
