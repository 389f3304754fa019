"""The slow parts of the latent fit, on one small panel."""

from __future__ import annotations

import json

import numpy as np
import pytest

from loopstat import LinearDrift, LinearDriftFit, Panel
from loopstat.latent import Structure
from loopstat.latent_fit import Stack, find, starting_points
from loopstat.thorough import bootstrap_test, constrained, fit_test, profile_interval
from test_choose import loop


def fitted(x: np.ndarray) -> tuple[Stack, object]:
    panel = Panel.from_arrays(x)
    stack = Stack.of(panel, panel.session, panel.n_sessions)
    assert stack is not None
    found = find(stack, Structure(stack.n_obj, stack.n_steps), starting_points(stack))
    assert found is not None
    return stack, found


def test_the_constrained_maximum_keeps_to_its_modulus_and_below_the_free_one() -> None:
    stack, found = fitted(loop(150, 8, effects=0.5, noise=0.3, seed=1))
    target = np.log(found.radius) + 0.1  # type: ignore[attr-defined]
    at = constrained(stack, found.structure, found.at.theta, target)  # type: ignore[attr-defined]
    assert at is not None
    M = found.structure.unpack(at.theta).M  # type: ignore[attr-defined]
    assert np.log(np.abs(np.linalg.eigvals(M)).max()) == pytest.approx(target, abs=1e-3)
    assert at.log_likelihood < found.at.log_likelihood  # type: ignore[attr-defined]


def test_profile_intervals_hold_the_truth() -> None:
    truth = np.abs(np.linalg.eigvals([[0.65, 0.08], [0.08, 0.5]])).max()
    held = 0
    for seed in range(20):
        stack, found = fitted(loop(150, 8, effects=0.5, noise=0.3, seed=100 + seed))
        low, high = profile_interval(stack, found, 0.95)  # type: ignore[arg-type]
        held += low <= truth <= high
    assert held >= 15  # at 92 % fewer happen once in 1,000 runs


def test_bootstrap_tests_see_what_is_there_and_the_fit_of_a_true_model() -> None:
    stack, found = fitted(loop(150, 8, effects=0.8, noise=0.0, seed=2))
    alike = find(stack, Structure(2, 8, effects=False), starting_points(stack))
    assert alike is not None
    rng = np.random.default_rng(3)
    assert bootstrap_test(stack, found, alike, rng, 19) == pytest.approx(0.05)  # type: ignore[arg-type]
    assert fit_test(stack, found, rng, 19) > 0.05  # type: ignore[arg-type]


def test_a_wrong_model_is_found_by_its_fit() -> None:
    rng = np.random.default_rng(4)
    x = np.cumsum(rng.standard_normal((300, 8, 1)) * np.linspace(0.2, 3, 8)[None, :, None], axis=1)
    stack, found = fitted(x)  # innovations that grow with the step
    assert fit_test(stack, found, rng, 19) <= 0.05  # type: ignore[arg-type]


def test_it_is_part_of_the_result_where_asked_for() -> None:
    panel = Panel.from_arrays(loop(60, 6, effects=0.5, seed=5)[:, :, :1])
    fit = LinearDrift("latent", n_boot=0, thorough=True).fit(panel)
    slow = fit.estimator.thorough
    assert slow is not None
    assert slow.modulus_low <= slow.modulus <= slow.modulus_high
    assert all(0 < p <= 1 for p in (slow.p_effects, slow.p_noise, slow.p_fit))
    data = json.loads(json.dumps(fit.to_dict()))
    again = LinearDriftFit.from_dict(data, settings=fit.settings, objectives=fit.objectives)
    assert again.to_dict() == fit.to_dict()
