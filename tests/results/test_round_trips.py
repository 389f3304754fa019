"""What is estimated can be simulated, and what is simulated comes back, by every estimator; units do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loopstat import LinearDrift, LinearSDE, Panel

pytestmark = pytest.mark.slow

few = settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NAMES = ("pooled", "within", "instrument", pytest.param("latent", marks=pytest.mark.slow))
slopes = st.floats(0.35, 0.75)
couplings = st.floats(-0.15, 0.15)


@st.composite
def models(draw: st.DrawFn) -> LinearSDE:
    """Return a stable loop of two objectives whose modes neither vanish nor linger."""
    M = np.array([[draw(slopes), draw(couplings)], [draw(couplings), draw(slopes)]])
    rho = draw(st.floats(-0.5, 0.5))
    return LinearSDE(M - np.eye(2), [draw(st.floats(-2, 2)), 1.0], [[1.0, rho], [rho, 1.0]])


@pytest.mark.parametrize("name", NAMES)
@few
@given(model=models(), seed=st.integers(0, 10**6))
def test_a_simulated_loop_comes_back(name: str, model: LinearSDE, seed: int) -> None:
    panel = model.simulate(600, steps=10, rng=seed)
    fit = LinearDrift(name, n_boot=0).fit(panel)
    if fit.model is None:
        assert name == "instrument"  # which refuses rather than lean on a weak instrument
        return
    a = fit.drift.A
    # Seven times the half width: with a true model this happens to none of the runs of this test.
    assert np.all(np.abs(a.value - model.A) <= 3.5 * (a.high - a.low) / 2 + 1e-9)
    again = LinearDrift(name, n_boot=0).fit(fit.model.simulate(600, steps=10, rng=seed + 1))
    if again.model is not None:
        assert np.abs(again.drift.M.value - fit.drift.M.value).max() < 0.6


@pytest.mark.parametrize("name", NAMES)
@few
@given(factor=st.floats(0.01, 100), shift=st.floats(-50, 50), seed=st.integers(0, 100))
def test_units_do_not_matter(name: str, factor: float, shift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = LinearSDE([[-0.4, 0.1], [0.0, -0.5]], [0.0, 0.0], np.eye(2)).simulate(120, steps=8, rng=rng)
    values = x.x.reshape(120, 8, 2) + 0.5 * rng.standard_normal((120, 1, 2))
    scaled = values * np.array([factor, 1.0]) + np.array([shift, 0.0])
    one, two = (LinearDrift(name, n_boot=0).fit(Panel.from_arrays(v)) for v in (values, scaled))
    assert one.estimator.name == two.estimator.name
    if one.model is None:
        return
    ratio = np.outer([factor, 1.0], [1 / factor, 1.0])
    np.testing.assert_allclose(two.drift.A.value, one.drift.A.value * ratio, rtol=2e-3, atol=2e-3 * ratio.max())
