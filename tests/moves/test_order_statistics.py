"""The best of K normal draws against closed forms, published values, quadrature and drawing K of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from loopstat.errors import SettingsError
from loopstat.moves.order_statistics import expected_maximum, maximum_of, source_maximum

KNOWN = {1.5: 0.3441, 2: 0.5642, 3: 0.8463, 5: 1.1630, 8: 1.4236, 12: 1.6292}
SOURCE = {1.5: -0.4307, 2: 0.0, 3: 0.4307, 5: 0.8416, 8: 1.1503, 12: 1.3830}
teams = st.floats(1, 1e4)


def test_known_values() -> None:
    assert expected_maximum(list(KNOWN)).round(4).tolist() == list(KNOWN.values())
    assert source_maximum(list(SOURCE)).round(4).tolist() == list(SOURCE.values())


def test_closed_forms() -> None:
    root = np.sqrt(np.pi)
    closed = [0.0, 1 / root, 1.5 / root, 3 / root * (0.5 + np.arcsin(1 / 3) / np.pi)]
    assert expected_maximum([1, 2, 3, 4]) == pytest.approx(closed, abs=1e-13)


@pytest.mark.parametrize("k", [1.01, 1.7, 6.32, 1e3, 1e6])
def test_against_adaptive_quadrature(k: float) -> None:
    def integrand(z: float) -> float:
        return float(z * k * stats.norm.pdf(z) * np.exp((k - 1) * stats.norm.logcdf(z)))

    exact = quad(integrand, -12, 14, points=[float(expected_maximum(k))], epsabs=1e-13, limit=200)[0]
    assert expected_maximum(k) == pytest.approx(exact, abs=1e-11)


@given(teams, teams)
def test_it_rises_ever_more_slowly(a: float, b: float) -> None:
    low, high = sorted((a, b))
    e = expected_maximum([low, (low + high) / 2, high])
    assert -1e-12 <= e[0] <= e[1] + 1e-12 <= e[2] + 2e-12
    assert e[1] >= (e[0] + e[2]) / 2 - 1e-9, "concave: another candidate adds less the more there are"


@given(teams)
def test_the_approximation_is_below_it(k: float) -> None:
    assert float(source_maximum(k)) <= float(expected_maximum(k)) + 1e-12


@pytest.mark.parametrize("k", [1, 2, 6, 40])
def test_one_draw_has_the_law_of_the_best_of_k(k: int) -> None:
    # Kolmogorov-Smirnov at 0.001 for each; 20,000 draws show differences of 0.02.
    rng = np.random.default_rng(k)
    one = maximum_of(-rng.standard_exponential(20_000), k)
    assert stats.ks_2samp(one, rng.standard_normal((20_000, k)).max(axis=1)).pvalue > 0.001


@pytest.mark.parametrize("k", [1.0, 1.3, 6.32, 500.5])
def test_one_draw_for_any_real_k(k: float) -> None:
    z = maximum_of(-np.random.default_rng(1).standard_exponential(50_000), k)
    assert stats.kstest(z, lambda x: stats.norm.cdf(x) ** k).pvalue > 0.001
    assert z.mean() == pytest.approx(float(expected_maximum(k)), abs=4 * z.std() / np.sqrt(len(z)))


def test_extreme_draws_stay_finite_and_in_order() -> None:
    log_u = np.array([-36.0, -10.0, -1.0, -1e-3, -1e-10, -1e-16])
    for k in (1.0, 6.32, 1e6):
        z = maximum_of(log_u, k)
        assert np.isfinite(z).all()
        assert (np.diff(z) > 0).all()
    assert maximum_of(-1e-16, 1.0) == pytest.approx(stats.norm.isf(1e-16))


@pytest.mark.parametrize("function", [expected_maximum, source_maximum])
@pytest.mark.parametrize("k", [0, 0.99, -3, np.nan, np.inf, [2, 0]])
def test_the_best_of_fewer_than_one_is_refused(function: object, k: object) -> None:
    with pytest.raises(SettingsError, match="at least 1"):
        function(k)  # type: ignore[operator]


def test_shapes_are_kept() -> None:
    assert expected_maximum(3).shape == source_maximum(3).shape == ()
    assert expected_maximum(np.ones((2, 3))).shape == source_maximum(np.ones((2, 3))).shape == (2, 3)
    assert source_maximum(1) == 0.0
