"""The latent model: its likelihood against a plain multivariate normal, its slopes, recovery, and honest refusal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from loopstat import InputError, LinearDrift, Panel
from loopstat.drift.maps.latent.fit import Stack, find, prediction_errors, ratio_test, starting_points
from loopstat.drift.maps.latent.model import Parameters, Sample, Structure, evaluate, maximise, stacked

M = np.array([[0.6, 0.1], [0.05, 0.4]])
Q = 0.16 * np.array([[1.0, 0.2], [0.2, 1.0]])


def noisy(
    rng: np.random.Generator, sessions: int, steps: int, *, effects: float = 0.0, noise: np.ndarray | None = None
) -> np.ndarray:
    """Return scores (sessions, steps, 2) of a loop from its steady state, in sessions that differ, read with noise."""
    G = np.zeros((2, 2))
    for _ in range(200):
        G = M @ G @ M.T + Q
    x = rng.standard_normal((sessions, 2)) @ np.linalg.cholesky(G).T
    root = np.linalg.cholesky(Q)
    out = np.empty((sessions, steps, 2))
    for t in range(steps):
        if t:
            x = x @ M.T + rng.standard_normal((sessions, 2)) @ root.T
        out[:, t] = x
    out += effects * rng.standard_normal((sessions, 1, 2))
    if noise is not None:
        out += rng.multivariate_normal(np.zeros(2), noise, (sessions, steps))
    return out


def some_parameters() -> Parameters:
    P = np.diag([0.5, 0.4, 0.1, 0.1]) + 0.05
    return Parameters(M, Q, 0.05 * np.eye(2), P)


def stack_of(x: np.ndarray | list[np.ndarray]) -> Stack:
    panel = Panel.from_arrays(x)
    found = Stack.of(panel, panel.session, panel.n_sessions)
    assert found is not None
    return found


def test_a_step_at_which_an_objective_has_no_spread_is_left_out_of_the_latent_fit() -> None:
    rng = np.random.default_rng(3)
    x = noisy(rng, 600, 10, effects=0.4, noise=0.04 * np.eye(2))
    x[:, 0, 1] = 1.0
    without, found = stack_of(x[:, 1:]), stack_of(x)
    # One value for all would let the likelihood grow without end as the covariance of the first scores vanishes.
    assert [(s.step, s.names) for s in found.left_out] == [(0, ("x2",))]
    np.testing.assert_array_equal(found.values, without.values)
    fit = LinearDrift("latent", n_boot=0).fit(Panel.from_arrays(x))
    assert "no two sessions differ in x2 at step 0" in fit.estimator.saw[0]
    assert "no two sessions differ in x2 at their start" in fit.check("constant").message
    later = LinearDrift("latent", n_boot=0).fit(Panel.from_arrays(x[:, 1:]))
    np.testing.assert_allclose(fit.drift.M.value, later.drift.M.value, atol=1e-9)
    x[:, 0] = 1.0
    assert [(s.step, s.names) for s in stack_of(x).left_out] == [(0, ("x1", "x2"))]
    x[:, 1, 0] = 2.0
    assert [s.step for s in stack_of(x).left_out] == [0, 1]


def test_too_few_scores_beyond_a_step_without_spread_are_refused_with_its_name() -> None:
    x = noisy(np.random.default_rng(4), 100, 4)
    x[:, 0, 0] = 0.0
    with pytest.raises(InputError, match="no two sessions differ in x1 at step 0, and beyond that step 4 scores"):
        LinearDrift("latent", n_boot=0).fit(Panel.from_arrays(x))


def test_the_stacked_covariance_is_that_of_simulated_sessions() -> None:
    rng = np.random.default_rng(1)
    p = some_parameters()
    start = rng.multivariate_normal(np.zeros(4), p.P, 200_000)
    x, b = start[:, :2], start[:, 2:]
    rows = []
    for t in range(4):
        if t:
            x = x @ M.T + b + rng.multivariate_normal(np.zeros(2), Q, len(x))
        rows.append(x + rng.multivariate_normal(np.zeros(2), p.R, len(x)))
    seen = np.cov(np.concatenate(rows, axis=1).T)
    expected = stacked(Structure(2, 4), p).sigma
    # Entries of a covariance from 200,000 draws err by at most about 5 standard errors.
    assert np.abs(seen - expected).max() < 5 * np.sqrt(2 / 200_000) * np.diag(expected).max()


def test_likelihood_is_that_of_a_multivariate_normal_at_any_set_of_recorded_entries() -> None:
    rng = np.random.default_rng(2)
    structure = Structure(2, 3)
    theta = structure.pack(some_parameters())
    sigma = stacked(structure, some_parameters()).sigma
    z = rng.standard_normal((7, 6))
    seen = (np.arange(6), np.array([0, 1, 4]))
    pattern = np.array([0, 0, 0, 0, 1, 1, 1])
    sample = Sample.of(z, pattern, seen)
    at = evaluate(structure, theta, sample, slopes=False)
    assert at is not None
    expected = 0.0
    for row, k in zip(z, pattern, strict=True):
        own = seen[k]
        cov = sigma[np.ix_(own, own)]
        deviation = row[own] - at.mean[own]
        scale = 7 / 6  # the means are fitted
        quadratic = deviation @ np.linalg.solve(cov, deviation)
        expected += multivariate_normal(at.mean[own], cov).logpdf(row[own]) + 0.5 * quadratic * (1 - scale)
        expected += 0.5 * len(own) * np.log(2 * np.pi)
    assert at.log_likelihood == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("missing", [False, True])
def test_gradient_is_that_of_the_likelihood(missing: bool) -> None:
    rng = np.random.default_rng(3)
    x = noisy(rng, 60, 6, effects=0.5, noise=0.09 * np.eye(2))
    if missing:
        x[rng.random(x.shape) < 0.05] = np.nan
    stack = stack_of(x)
    structure = Structure(2, 6)
    theta = structure.pack(starting_points(stack)[0])
    at = evaluate(structure, theta, stack.sample)
    assert at is not None
    assert at.gradient is not None
    step = 1e-5
    numeric = []
    for k in range(structure.size):
        nudge = np.zeros(structure.size)
        nudge[k] = step
        ends = [evaluate(structure, theta + s * nudge, stack.sample, slopes=False) for s in (1, -1)]
        assert ends[0] is not None
        assert ends[1] is not None
        numeric.append((ends[0].log_likelihood - ends[1].log_likelihood) / (2 * step))
    np.testing.assert_allclose(at.gradient, numeric, atol=1e-5 * np.abs(numeric).max())


def test_information_is_the_covariance_of_the_score() -> None:
    rng = np.random.default_rng(4)
    structure, p = Structure(2, 4), some_parameters()
    theta, sigma = structure.pack(p), stacked(structure, some_parameters()).sigma
    root = np.linalg.cholesky(sigma)
    gradients = []
    for _ in range(400):
        z = rng.standard_normal((200, 8)) @ root.T
        at = evaluate(structure, theta, Sample.of(z, np.zeros(200, dtype=np.int64), (np.arange(8),)))
        assert at is not None
        assert at.gradient is not None
        assert at.information is not None
        gradients.append(at.gradient)
    ratio = np.var(gradients, axis=0) / np.diag(at.information)
    # 400 draws: a variance is known to 7 %; the largest of 20 stays within 30 % but once in 1e4.
    assert np.all(np.abs(ratio - 1) < 0.3)


def test_starts_agree_and_parameters_come_back() -> None:
    rng = np.random.default_rng(5)
    noise = 0.09 * np.eye(2) + 0.09
    stack = stack_of(noisy(rng, 4000, 10, effects=0.5, noise=noise))
    structure = Structure(2, 10)
    found = [find(stack, structure, [start]) for start in starting_points(stack)]
    values = [f.at.log_likelihood for f in found if f is not None]
    assert max(values) - min(values) < 1e-3
    best = found[0]
    assert best is not None
    ratio, outer = stack.scale[:, None] / stack.scale[None, :], np.outer(stack.scale, stack.scale)
    assert np.abs(best.parameters.M * ratio - M).max() < 0.06
    assert np.abs(best.parameters.R * outer - noise).max() < 0.02
    assert best.doubt() is None


def test_sessions_of_many_lengths_and_gaps_tell_the_same_loop() -> None:
    rng = np.random.default_rng(6)
    x = noisy(rng, 3000, 10, effects=0.5, noise=0.09 * np.eye(2))
    x[rng.random(x.shape[:2]) < 0.02] = np.nan
    lengths = rng.integers(5, 11, len(x))
    stack = stack_of([s[:n] for s, n in zip(x, lengths, strict=True)])
    found = find(stack, Structure(2, stack.n_steps), starting_points(stack))
    assert found is not None
    ratio = stack.scale[:, None] / stack.scale[None, :]
    assert np.abs(found.parameters.M * ratio - M).max() < 0.1


def test_loops_that_stop_on_the_noisy_score_leave_the_likelihood_right() -> None:
    rng = np.random.default_rng(7)
    state, own = rng.standard_normal(6000) * 0.9, 0.5 * rng.standard_normal(6000)
    x = np.empty((6000, 10))
    for t in range(10):
        if t:
            state = 0.5 * state + 0.75 * rng.standard_normal(6000)
        x[:, t] = state + own + 0.3 * rng.standard_normal(6000)
    hit = x > 0.8
    last = np.where(hit.any(axis=1), hit.argmax(axis=1), 9)
    assert np.mean(last < 9) > 0.6
    stack = stack_of([s[: k + 1] for s, k in zip(x, last, strict=True)])
    found = find(stack, Structure(1, stack.n_steps), starting_points(stack))
    assert found is not None
    assert abs(float(found.parameters.M[0, 0]) - 0.5) < 0.06


@pytest.mark.slow
def test_ratio_tests_keep_their_level_and_find_what_is_there() -> None:
    rng = np.random.default_rng(8)
    rejected = np.zeros(2)
    for _ in range(24):
        stack = stack_of(noisy(rng, 200, 10))
        full = find(stack, Structure(2, 10), starting_points(stack))
        assert full is not None
        for k, structure in enumerate((Structure(2, 10, effects=False), Structure(2, 10, noise=False))):
            starts = starting_points(stack, None if k == 0 else np.zeros((2, 2)))
            rejected[k] += ratio_test(stack, full, find(stack, structure, starts)) < 0.05
    assert np.all(rejected <= 5)  # a test of level 5 % rejects 6 of 24 or more once in 1,000 runs
    stack = stack_of(noisy(rng, 400, 10, effects=0.5, noise=0.09 * np.eye(2)))
    full = find(stack, Structure(2, 10), starting_points(stack))
    assert full is not None
    alike = find(stack, Structure(2, 10, effects=False), starting_points(stack))
    noiseless = find(stack, Structure(2, 10, noise=False), starting_points(stack, np.zeros((2, 2))))
    assert ratio_test(stack, full, alike) < 1e-3
    assert ratio_test(stack, full, noiseless) < 0.05


def test_held_out_errors_are_those_of_the_conditional_mean() -> None:
    rng = np.random.default_rng(9)
    stack = stack_of(noisy(rng, 300, 5, effects=0.5, noise=0.09 * np.eye(2)))
    structure = Structure(2, 5)
    found = find(stack, structure, starting_points(stack))
    assert found is not None
    fold = np.arange(300) % 3
    errors = prediction_errors(stack, found, fold)
    again, _ = maximise(structure, found.at.theta, stack.sample.minus(stack.part(fold == 1)), steps=12, tolerance=1e-3)
    assert again is not None
    sigma = stacked(structure, structure.unpack(again.theta)).sigma
    row = np.flatnonzero(fold == 1)[4]
    z = stack.values[row] - again.mean
    predicted = sigma[6:8, :6] @ np.linalg.solve(sigma[:6, :6], z[:6])
    np.testing.assert_allclose(errors[row, 3], (z[6:8] - predicted) * stack.scale, atol=1e-9)
    assert np.isnan(errors[:, 0]).all()


def test_a_random_walk_in_differing_sessions_is_refused() -> None:
    rng = np.random.default_rng(10)
    steps = rng.standard_normal((150, 12)) + rng.standard_normal((150, 1))  # each session walks off its own way
    x = np.cumsum(steps, axis=1)
    fit = LinearDrift("latent", n_boot=0).fit(Panel.from_arrays(x[:, :, None]))
    assert fit.estimator.name is None
    assert fit.model is None
    assert "drift.A" not in fit.estimates
    assert fit.to_dict()["drift"]["A"] is None


def test_without_memory_the_loops_noise_and_the_scorers_are_one() -> None:
    rng = np.random.default_rng(12)
    x = rng.standard_normal((200, 10, 1)) + rng.standard_normal((200, 1, 1))
    fit = LinearDrift("latent", n_boot=0).fit(Panel.from_arrays(x))
    assert fit.estimator.name is None
    assert "without memory" in fit.estimator.why


def test_three_scores_are_too_few_and_the_message_says_what_would_work() -> None:
    rng = np.random.default_rng(11)
    panel = Panel.from_arrays(noisy(rng, 50, 3))
    with pytest.raises(InputError, match=r"needs 4 scores a session, and the median session has 3.*within"):
        LinearDrift("latent").fit(panel)
