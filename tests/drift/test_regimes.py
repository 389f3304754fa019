"""Eigenvalues read one by one: names, half-lives, rates, and the test that a turn is more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat.drift.readings.regimes import classify, eigenvalues, half_life, oscillation_test, rates
from loopstat.drift.sums import Moments
from loopstat.inference.resample import bootstrap_weights
from simulated import fit, grams_of, run, turning


def named(value: complex, *, half_width: float = 0.01, length: float = 9.0, oscillates: bool = False) -> str:
    values = np.array([[value]], dtype=complex)
    near = (np.array([-half_width]), np.array([half_width]))
    return str(classify(values, near, length, oscillates=oscillates)[0, 0])


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1.0, "unstable"),
        (1.2, "unstable"),
        (-1.05, "unstable"),
        (0.95, "slow"),  # time constant 19.5 steps, sessions have 9
        (-0.95, "slow"),
        (0.88, "monotone"),  # 7.8 steps
        (0.3, "monotone"),
        (0.005, "monotone"),  # its interval covers 0
        (-0.005, "monotone"),
        (-0.3, "alternating"),
        (0.5 + 0.1j, "monotone"),  # the test found no turn
        (-0.5 + 0.1j, "alternating"),
        (0.7 + 0.8j, "unstable"),
    ],
)
def test_names_without_a_turn(value: complex, name: str) -> None:
    assert named(value) == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (0.5 + 0.5j, "oscillatory"),  # leaves 0.707^4 = 0.25 after half a period
        (-0.5 + 0.5j, "oscillatory"),
        (0.5 + 0.1j, "monotone"),  # leaves 0.51^15.9 = 0.00002
        (-0.04 + 0.004j, "alternating"),  # leaves 0.036
        (0.5, "monotone"),  # real: no turn of its own
    ],
)
def test_names_where_a_turn_was_found(value: complex, name: str) -> None:
    assert named(value, oscillates=True) == name


def test_a_turn_survives_by_one_in_twenty() -> None:
    angle = np.pi / 4  # half a period is 4 steps
    for modulus, name in ((0.05**0.25 + 0.001, "oscillatory"), (0.05**0.25 - 0.001, "monotone")):
        assert named(modulus * np.exp(1j * angle), oscillates=True) == name


def test_eigenvalues_come_largest_first_and_pairs_together() -> None:
    block = np.zeros((3, 3))
    block[:2, :2] = [[0.3, -0.4], [0.4, 0.3]]
    block[2, 2] = 0.9
    values = eigenvalues(block[None])[0]
    np.testing.assert_allclose(values, [0.9, 0.3 + 0.4j, 0.3 - 0.4j], atol=1e-12)
    values = eigenvalues(np.diag([-0.7, 0.2, 0.7])[None])[0]
    np.testing.assert_allclose(values, [0.7, -0.7, 0.2], atol=1e-12)


def test_eigenvalues_of_a_lost_map_are_nan() -> None:
    values = eigenvalues(np.stack([np.full((2, 2), np.nan), np.eye(2)]))
    assert np.isnan(values[0]).all()
    assert values[1].tolist() == [1, 1]


def test_half_lives() -> None:
    assert half_life(np.array([0.5, 0.25, 2**-0.1])) == pytest.approx([1.0, 0.5, 10.0])
    assert half_life(np.array([1.0, 1.3, 0.0])).tolist() == [np.inf, np.inf, 0.0]


def test_rates_of_lambda_minus_one_half_and_minus_1_9() -> None:
    euler, exact = rates(np.array([[0.5, -0.9]], dtype=complex))
    assert euler[0] == pytest.approx(0.5)
    assert exact[0] == pytest.approx(0.105, abs=5e-4)


def test_oscillation_test_has_nothing_to_test_where_all_is_real() -> None:
    assert np.isnan(oscillation_test(np.diag([0.5, 0.2]), np.zeros((10, 2, 2))))


def test_oscillation_test_on_draws_that_never_turn_further() -> None:
    m = np.array([[0.5, -0.4], [0.4, 0.5]])
    assert oscillation_test(m, np.stack([m, m + 0.1 * np.eye(2)])) == 0.0
    wild = m + np.array([[0.0, -0.9], [0.9, 0.0]])
    assert oscillation_test(m, np.stack([m, wild, wild, np.full((2, 2), np.nan)])) == pytest.approx(2 / 3)


def test_bootstrap_share_of_complex_draws_is_no_evidence() -> None:
    # Four equal eigenvalues: the share of complex draws exceeds 0.95 in about 0.16 of the panels, the test finds a
    # turn in about 0.05. At 40 panels a new seed fails once in 100.
    naive = tested = 0
    for seed in range(40):
        grams = grams_of(run(0.5 * np.eye(4), np.eye(4), sessions=50, steps=11, seed=[seed, 44]))
        m = Moments.of(grams.total(), grams).M[0]
        draws = Moments.of(grams.weighted(bootstrap_weights(50, 300, np.random.default_rng(seed))), grams).M
        naive += np.mean(np.abs(np.linalg.eigvals(draws).imag).max(axis=1) > 0) > 0.95
        tested += oscillation_test(m, draws) < 0.05
    assert 2 <= naive <= 16
    assert tested <= 6


def test_regimes_of_a_swinging_loop() -> None:
    # Eigenvalues 0.6 +- 0.6i: a period of 8 steps. Standard errors 0.02 steps of 8; a new seed fails never.
    m = np.array([[0.6, -0.6], [0.6, 0.6]])
    found = fit(run(m, np.eye(2), sessions=200, steps=10, seed=1), n_boot=200).regimes
    assert [r.regime for r in found] == ["oscillatory", "oscillatory"]
    assert found[0].period == pytest.approx(8.0, abs=0.3)
    assert found[0].p_oscillation == 0.0
    assert found[0].probability is None
    assert found[0].im.value == -found[1].im.value
    assert found[0].half_life.value == pytest.approx(np.log(2) / -np.log(0.6 * np.sqrt(2)), abs=0.5)


def test_regimes_of_a_loop_that_overshoots() -> None:
    found = fit(run(np.diag([0.8, -0.6]), np.eye(2), sessions=200, steps=10, seed=2), n_boot=200).regimes
    assert [r.regime for r in found] == ["monotone", "alternating"]
    assert all(r.probability == 1.0 for r in found)
    assert found[1].modulus.low < 0.6 < found[1].modulus.high
    assert found[1].re.low < -0.6 < found[1].re.high


def test_a_random_walk_is_not_called_convergent() -> None:
    walk = np.random.default_rng(3).standard_normal((100, 10, 1)).cumsum(axis=1)
    found = fit(walk, n_boot=200)
    assert found.regimes[0].regime in ("slow", "unstable")
    assert not found.check("unit_root").passed
    assert "drift.equilibrium" not in found.estimates
    assert "equilibrium" in found.reasons


def test_turning_pair_is_seen_with_its_size() -> None:
    found = fit(turning(400, 11, seed=4), n_boot=200).regimes[0]
    assert found.p_oscillation is not None
    assert found.p_oscillation < 0.05
    assert found.im.low < 0.115 < found.im.high
    assert found.regime == "monotone"  # 0.55^15 is left of a swing after half a period: gone before it shows
