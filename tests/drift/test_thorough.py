"""The slow parts of the latent fit: the profile under ties of eigenvalues, both bootstraps, and the fit as a whole."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from test_choose import loop

from loopstat import Estimate, LinearDrift, LinearDriftFit, Panel
from loopstat.drift.maps.latent.fit import Found, Stack, find, starting_points
from loopstat.drift.maps.latent.model import Structure
from loopstat.drift.maps.latent.profile import constrained, edges, profile_interval
from loopstat.drift.maps.latent.thorough import Thorough, bootstrap_test, fit_test, no_fit_test, thorough
from loopstat.inference.workers import silent

pytestmark = pytest.mark.slow


def stacked_up(x: np.ndarray | list[np.ndarray], cluster: np.ndarray | None = None) -> Stack:
    panel = Panel.from_arrays(x)
    of_row = panel.session if cluster is None else cluster[panel.session]
    stack = Stack.of(panel, of_row, int(of_row.max()) + 1)
    assert stack is not None
    return stack


def fitted(stack: Stack, *, effects: bool = True, noise: bool = True) -> Found:
    starts = starting_points(stack, None if noise else np.zeros((stack.n_obj,) * 2))
    found = find(stack, Structure(stack.n_obj, stack.n_steps, noise, effects), starts)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def both() -> tuple[Stack, Found]:
    """Differing sessions read by a noisy scorer."""
    stack = stacked_up(loop(150, 8, effects=0.5, noise=0.3, seed=1))
    return stack, fitted(stack)


# ------------------------------------------------------------------------------- the constraint


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_edges_are_products_over_eigenvalues_and_their_slopes_those_of_differences(n: int) -> None:
    M = 0.5 * np.random.default_rng(n).standard_normal((n, n))
    values, slopes = edges(M, 0.8)
    m = np.linalg.eigvals(M) / 0.8
    i, j = np.triu_indices(n, 1)
    np.testing.assert_allclose(values, np.real([np.prod(1 - m), np.prod(1 + m), np.prod(1 - m[i] * m[j])]), atol=1e-12)
    numeric = np.empty((3, n * n))
    for k, unit in enumerate(np.eye(n * n).reshape(n * n, n, n)):
        numeric[:, k] = (edges(M + 1e-6 * unit, 0.8)[0] - edges(M - 1e-6 * unit, 0.8)[0]) / 2e-6
    np.testing.assert_allclose(slopes, numeric, atol=1e-7)


@pytest.mark.parametrize(("modulus", "edge"), [(0.9, 0), (0.5, None), (0.3, None)])
def test_the_constrained_maximum_keeps_to_its_modulus_and_is_one(
    both: tuple[Stack, Found], modulus: float, edge: int | None
) -> None:
    stack, found = both
    at = constrained(stack.sample, found.structure, found.at, modulus, edge)
    assert at is not None
    M = found.structure.unpack(at.theta).M
    assert np.abs(np.linalg.eigvals(M)).max() == pytest.approx(modulus, rel=2e-3)
    assert at.log_likelihood < found.at.log_likelihood
    # No map near it with the same slowest modulus does better, all else maximised: from other starts, the same value.
    rng = np.random.default_rng(0)
    for _ in range(3):
        nudged = found.at.theta.copy()
        nudged[: M.size] += 0.05 * rng.standard_normal(M.size)
        again = constrained(stack.sample, found.structure, _evaluated(stack, found, nudged), modulus, edge)
        assert again is not None
        assert again.log_likelihood == pytest.approx(at.log_likelihood, abs=0.01)


def _evaluated(stack: Stack, found: Found, theta: np.ndarray):  # type: ignore[no-untyped-def]
    from loopstat.drift.maps.latent.model import evaluate

    at = evaluate(found.structure, theta, stack.sample)
    assert at is not None
    return at


# --------------------------------------------------------------------------------- the interval


def test_profile_intervals_are_closed_and_hold_the_truth() -> None:
    truth = np.abs(np.linalg.eigvals([[0.65, 0.08], [0.08, 0.5]])).max()
    held = closed = 0
    for seed in range(14):
        stack = stacked_up(loop(150, 8, effects=0.5, noise=0.3, seed=100 + seed))
        profile = profile_interval(stack, fitted(stack), 0.95)
        held += profile.low <= truth <= profile.high
        closed += profile.low > 0
    assert held >= 10  # at 94 % fewer happen once in 1,000 runs
    assert closed >= 12  # the second mode lies within the interval, and must not open its lower end


def test_with_one_objective_the_interval_is_that_of_the_likelihood_on_a_grid() -> None:
    stack = stacked_up(loop(200, 8, effects=0.5, noise=0.3, seed=7)[:, :, :1])
    found = fitted(stack)
    profile = profile_interval(stack, found, 0.9)
    drops = [
        2 * (found.at.log_likelihood - at.log_likelihood)
        for end in (profile.low, profile.high)
        if (at := constrained(stack.sample, found.structure, found.at, end, 0)) is not None
    ]
    assert len(drops) == 2
    assert drops[0] == pytest.approx(drops[1], abs=0.02)
    assert drops[0] > 2.70  # chi-square(1) at 0.9, stretched by what sessions add to the model's variance
    assert profile.low < found.radius < profile.high


# --------------------------------------------------------------------------------- the bootstraps


def test_bootstrap_tests_see_what_is_there() -> None:
    stack = stacked_up(loop(150, 8, effects=0.8, seed=2))
    full = fitted(stack)
    p = bootstrap_test(stack, full, fitted(stack, effects=False), np.random.default_rng(3), draws=19)
    assert p == pytest.approx(0.05)


def test_bootstrap_tests_keep_their_level() -> None:
    rejected = 0
    for seed in range(12):
        stack = stacked_up(loop(80, 6, noise=0.3, seed=200 + seed)[:, :, :1])
        full, alike = fitted(stack), fitted(stack, effects=False)
        rejected += bootstrap_test(stack, full, alike, np.random.default_rng(seed), draws=9) <= 0.1
    assert rejected <= 5  # at 10 % six of 12 or more happen once in 1,800 runs


def test_the_fit_of_a_true_model_is_accepted_and_that_of_a_wrong_one_is_not(both: tuple[Stack, Found]) -> None:
    rng = np.random.default_rng(4)
    assert fit_test(*both, rng, draws=19) > 0.05  # a false alarm at this seed would be one in 20
    growing = rng.standard_normal((300, 8, 1)) * np.linspace(0.2, 3, 8)[None, :, None]
    stack = stacked_up(np.cumsum(growing, axis=1))  # innovations that grow with the step
    assert fit_test(stack, fitted(stack), rng, draws=19) == pytest.approx(0.05)


def test_gaps_and_few_sessions_leave_out_the_fit_and_say_so() -> None:
    x = loop(40, 10, effects=0.5, seed=6)
    few = no_fit_test(stacked_up(x))
    assert few is not None
    assert "there are 40" in few
    x[3, 4] = np.nan
    gaps = no_fit_test(stacked_up(x[:, :, :1]))
    assert gaps is not None
    assert "every score is recorded" in gaps


# ------------------------------------------------------------------------------------- the whole


def test_same_generator_same_figures_and_progress_is_told() -> None:
    stack = stacked_up(loop(60, 6, effects=0.5, noise=0.3, seed=5)[:, :, :1])
    fits = (fitted(stack), fitted(stack, effects=False), None)
    told: list[tuple[int, int, str]] = []
    first, second = (
        thorough(stack, *fits, level=0.95, rng=np.random.default_rng(1), draws=5, progress=report)
        for report in (silent, lambda *step: told.append(step))
    )
    assert first.to_dict() == second.to_dict()
    assert told == [(k, 10, "draw") for k in range(1, 11)]
    assert np.isnan(first.p_noise)
    assert "could not be fitted" in first.reasons["p_noise"]


def test_open_ends_come_back_from_json() -> None:
    nan = float("nan")
    slow = Thorough(
        Estimate(0.9, 0.0, float("inf")), 0.2, nan, nan, 9, {"modulus_high": "No larger modulus is ruled out."}
    )
    data = json.loads(json.dumps(slow.to_dict(), allow_nan=False))
    assert data["modulus_high"] is None
    again = Thorough.from_dict(data)
    assert again.modulus.high == float("inf")
    assert again.to_dict() == data


@pytest.mark.parametrize("estimator", ["latent", "pooled"])
def test_it_is_part_of_the_result_where_asked_for(estimator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopstat.drift.choice.thorough", partial(thorough, draws=9))
    panel = Panel.from_arrays(loop(60, 6, effects=0.5, seed=5)[:, :, :1])
    assert LinearDrift(estimator, n_boot=0).fit(panel).to_dict()["thorough"] is None
    fit = LinearDrift(estimator, n_boot=0, thorough=True).fit(panel)
    slow = fit.estimator.thorough
    assert slow is not None
    assert slow.modulus.low <= slow.modulus.value <= slow.modulus.high
    assert all(0 < p <= 1 for p in (slow.p_effects, slow.p_noise, slow.p_fit))
    data = json.loads(json.dumps(fit.to_dict()))
    again = LinearDriftFit.from_dict(data)
    assert again.to_dict() == fit.to_dict()
