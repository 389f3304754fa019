"""The linear model: exact discretisation against closed forms, its steady state, bounds, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.linalg import expm

from loopstat import LinearSDE, Objective, SettingsError, simulate
from loopstat.drift.model import lyapunov
from simulated import M3, Q3, REST, steady

A3 = np.array([[-0.5, 0.3, 0.0], [-0.2, -0.8, 0.1], [0.0, 0.2, -0.3]])


def test_euler_step_is_identity_plus_drift() -> None:
    model = LinearSDE(A3, [1.0, 2.0, 3.0], Q3, dt=0.5)
    np.testing.assert_allclose(model.M, np.eye(3) + 0.5 * A3)
    np.testing.assert_allclose(model.A @ model.equilibrium, [-1.0, -2.0, -3.0], atol=1e-12)


@pytest.mark.parametrize("dt", [0.1, 1.0, 4.0])
def test_exact_reading_of_one_objective_is_ornstein_uhlenbeck(dt: float) -> None:
    model = LinearSDE([[-0.7]], [1.4], [[0.5]], dt=dt, reading="exact")
    decay = np.exp(-0.7 * dt)
    assert model.M[0, 0] == pytest.approx(decay)
    assert model.equilibrium[0] == pytest.approx(2.0)
    assert model.stationary_covariance[0, 0] == pytest.approx(0.5 / 1.4)  # q / 2a, whatever the step
    mean, variance = model.moments([5.0], [[0.0]], 2)
    assert mean[1, 0] == pytest.approx(2.0 + 3.0 * decay)
    assert variance[1, 0, 0] == pytest.approx(0.5 / 1.4 * (1 - decay**2))


def test_exact_covariance_equals_the_integral() -> None:
    model = LinearSDE(A3, np.zeros(3), Q3, dt=1.7, reading="exact")
    expected, _ = quad_vec(lambda s: expm(A3 * s) @ Q3 @ expm(A3.T * s), 0, 1.7)
    np.testing.assert_allclose(model.moments(np.zeros(3), np.zeros((3, 3)), 2)[1][1], expected, atol=1e-10)


def test_two_exact_half_steps_make_one() -> None:
    b = [0.3, -0.2, 0.1]
    one, half = (LinearSDE(A3, b, Q3, dt=dt, reading="exact") for dt in (1.0, 0.5))
    mean, covariance = half.moments([1.0, 0.0, 2.0], Q3, 3)
    expected_mean, expected = one.moments([1.0, 0.0, 2.0], Q3, 2)
    np.testing.assert_allclose(mean[-1], expected_mean[-1], atol=1e-12)
    np.testing.assert_allclose(covariance[-1], expected[-1], atol=1e-12)


def test_euler_and_exact_agree_as_the_step_shrinks() -> None:
    errors = []
    for dt in (0.1, 0.05, 0.025):
        euler, exact = (LinearSDE(A3, np.zeros(3), Q3, dt=dt, reading=r) for r in ("euler", "exact"))  # type: ignore[arg-type]
        errors.append(np.abs(euler.M - exact.M).max())
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)  # a local error of second order
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.1)


def test_steady_state_solves_its_equation() -> None:
    model = LinearSDE(M3 - np.eye(3), (np.eye(3) - M3) @ REST, Q3)
    g = model.stationary_covariance
    np.testing.assert_allclose(g, M3 @ g @ M3.T + Q3, atol=1e-12)
    np.testing.assert_allclose(g, steady(M3, Q3), atol=1e-12)
    np.testing.assert_allclose(model.equilibrium, REST)


def test_lyapunov_close_to_one_and_beyond() -> None:
    m = np.array([[[1 - 1e-9]], [[1.0]], [[-0.5]]])
    g = lyapunov(m, np.ones((3, 1, 1)))
    assert g[0, 0, 0] == pytest.approx(1 / (1 - (1 - 1e-9) ** 2), rel=1e-5)
    assert np.isnan(g[1, 0, 0])
    assert g[2, 0, 0] == pytest.approx(4 / 3)


def test_simulated_moments_are_the_models() -> None:
    # 40,000 sessions: tolerances are 5 standard errors.
    model = LinearSDE(M3 - np.eye(3), (np.eye(3) - M3) @ REST, Q3)
    x = model.simulate(40_000, steps=4, start=REST - 2, rng=1).x.reshape(40_000, 4, 3)
    mean, covariance = model.moments(REST - 2, np.zeros((3, 3)), 4)
    np.testing.assert_allclose(x.mean(axis=0), mean, atol=0.04)
    np.testing.assert_allclose(np.cov(x[:, 3].T), covariance[3], atol=0.06)


def test_starts_are_drawn_from_the_steady_state() -> None:
    model = LinearSDE(M3 - np.eye(3), (np.eye(3) - M3) @ REST, Q3)
    x = model.simulate(40_000, steps=1, rng=2).x
    np.testing.assert_allclose(np.cov(x.T), model.stationary_covariance, atol=0.08)
    np.testing.assert_allclose(x.mean(axis=0), REST, atol=0.05)


def test_same_seed_same_panel_and_both_spellings() -> None:
    model = LinearSDE([[-0.5]], [1.0], [[1.0]])
    a, b = model.simulate(5, steps=6, rng=3), simulate(model, 5, steps=6, rng=3)
    np.testing.assert_array_equal(a.x, b.x)
    assert a.source.digest == b.source.digest
    assert a.source.digest != model.simulate(5, steps=6, rng=4).source.digest


@pytest.mark.parametrize("boundary", ["clip", "reflect"])
def test_bounds_hold(boundary: str) -> None:
    objectives = [Objective("x", low=0.0, high=1.0)]
    model = LinearSDE([[-0.1]], [0.05], [[4.0]], boundary=boundary, objectives=objectives)  # type: ignore[arg-type]
    x = model.simulate(200, steps=10, rng=5).x
    assert x.min() >= 0
    assert x.max() <= 1
    at_bound = np.mean((x == 0) | (x == 1))
    assert at_bound > (0.5 if boundary == "clip" else 0.2)


def test_reflection_folds_once() -> None:
    model = LinearSDE([[0.0]], [0.3], [[0.0]], boundary="reflect", objectives=[Objective("x", low=0.0, high=1.0)])
    assert model.step(np.random.default_rng(0), np.array([[0.9]]))[0, 0] == pytest.approx(0.8)


def test_noise_free_models_are_allowed() -> None:
    model = LinearSDE([[-0.5]], [1.0], [[0.0]])
    assert model.simulate(1, steps=3, start=[0.0], rng=0).x.ravel().tolist() == [0.0, 1.0, 1.5]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"A": np.zeros((2, 3))}, "`A` must have shape"),
        ({"Q": np.array([[1.0, 2.0], [2.0, 1.0]])}, "covariance"),
        ({"Q": np.array([[1.0, 0.5], [0.0, 1.0]])}, "covariance"),
        ({"dt": 0.0}, "`dt` must be positive"),
        ({"reading": "midpoint"}, "`reading`"),
        ({"boundary": "wrap"}, "`boundary`"),
        ({"objectives": ["only one"]}, "`objectives`"),
    ],
)
def test_refusals(settings: dict[str, object], message: str) -> None:
    good: dict[str, object] = {"A": -np.eye(2), "b": np.zeros(2), "Q": np.eye(2)}
    with pytest.raises(SettingsError, match=message):
        LinearSDE(**{**good, **settings})  # type: ignore[arg-type]


def test_unstable_models_need_a_start() -> None:
    model = LinearSDE([[0.1]], [0.0], [[1.0]])
    assert not model.is_stable
    assert np.isnan(model.stationary_covariance).all()
    with pytest.raises(SettingsError, match="give `start`"):
        model.simulate(3, steps=4)
    assert len(model.simulate(3, steps=4, start=[0.0], rng=0)) == 12


def test_singular_drift_has_no_equilibrium() -> None:
    assert np.isnan(LinearSDE(np.zeros((2, 2)), [1.0, 0.0], np.eye(2)).equilibrium).all()


@pytest.mark.parametrize(("n_sessions", "steps"), [(0, 5), (5, 0)])
def test_simulating_nothing_is_refused(n_sessions: int, steps: int) -> None:
    with pytest.raises(SettingsError, match="at least 1"):
        simulate(LinearSDE([[-0.5]], [0.0], [[1.0]]), n_sessions, steps=steps)
