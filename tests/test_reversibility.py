"""Detailed balance of linear loops: size of the test, closed forms of the entropy production, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from loopstat import LinearDrift, Panel
from loopstat.reversibility import entropy_production, reversibility_test
from simulated import run, steady

BALANCED = np.array([[0.6, 0.15], [0.15, 0.4]])
TURNING = np.array([[0.5, 0.25], [-0.25, 0.5]])


def test_a_rotation_produces_the_entropy_of_its_closed_form() -> None:
    turn, damping = 0.4, 0.3
    M = np.exp(-damping) * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    Q = np.eye(2) * (1 - np.exp(-2 * damping))
    expected = 4 * np.sin(turn) ** 2 / (np.exp(2 * damping) - 1)
    assert entropy_production(M, Q) == pytest.approx(expected, abs=1e-12)


def test_entropy_production_is_the_divergence_of_forward_from_backward() -> None:
    rng = np.random.default_rng(1)
    M, root = 0.4 * rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    Q = root @ root.T + 0.5 * np.eye(3)
    G = steady(M, Q)
    forward = np.block([[G, G @ M.T], [M @ G, G]])
    backward = np.block([[G, M @ G], [G @ M.T, G]])
    divergence = 0.5 * (np.trace(np.linalg.solve(backward, forward)) - 6)
    assert entropy_production(M, Q) == pytest.approx(divergence, abs=1e-12)
    assert multivariate_normal(np.zeros(6), forward).entropy() == pytest.approx(
        multivariate_normal(np.zeros(6), backward).entropy()
    )


def test_rescaling_objectives_changes_nothing() -> None:
    x = run(TURNING, np.eye(2), sessions=60, steps=10, seed=2)
    found = [LinearDrift(n_boot=0).fit(Panel.from_arrays(x * scale)).reversibility for scale in (1.0, [1e3, 1e-2])]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].p_value == pytest.approx(found[1].p_value, rel=1e-6)
    assert found[0].entropy_production == pytest.approx(found[1].entropy_production, rel=1e-6)


@pytest.mark.parametrize("start", [None, 3.0])
def test_balanced_loops_are_rejected_as_often_as_the_level_says(start: float | None) -> None:
    spread = None if start is None else np.zeros((2, 2))
    rejected = held = 0
    for seed in range(120):
        x = run(BALANCED, np.eye(2), start=start, spread=spread, sessions=50, steps=10, seed=[3, seed])
        found = LinearDrift(n_boot=0).fit(Panel.from_arrays(x)).reversibility
        assert found is not None
        rejected += found.p_value < 0.05
        held += found.low <= 1e-12
    # Of 120 at 5 %, 14 or more happen once in 500 runs; so do 106 or fewer intervals that reach 0 at 97.5 %.
    assert rejected <= 13
    assert held >= 107


def test_intervals_of_the_entropy_hold_the_truth() -> None:
    truth = entropy_production(TURNING, np.eye(2))
    held = 0
    for seed in range(120):
        x = run(TURNING, np.eye(2), sessions=80, steps=10, seed=[4, seed])
        found = LinearDrift(n_boot=0).fit(Panel.from_arrays(x)).reversibility
        assert found is not None
        held += found.low <= truth <= found.high
    assert held >= 106  # at 95 % this fails once in 500 runs


def test_what_cannot_be_had_is_said() -> None:
    one = LinearDrift(n_boot=0).fit(Panel.from_arrays(run([[0.5]], [[1.0]], sessions=20, steps=6, seed=5)))
    assert one.reversibility is None
    assert "always reversible" in one.reasons["reversibility"]
    M, Q = np.array([[1.1, 0.0], [0.2, 0.5]]), np.eye(2)
    jitter = 0.01 * np.random.default_rng(6).standard_normal((20, 2, 2))
    wild = reversibility_test(M, Q, M + jitter, np.broadcast_to(Q, jitter.shape), 100, 0.95)
    assert np.isnan(wild.entropy_production)
    assert 0 <= wild.p_value <= 1
    few = reversibility_test(M, Q, M + jitter[:3], np.broadcast_to(Q, (3, 2, 2)), 100, 0.95)
    assert np.isnan(few.p_value)
