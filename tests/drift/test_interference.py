"""The decomposition of the interference: exact in every part, and each part against its definition."""

from __future__ import annotations

import re

import numpy as np
import pytest

from loopstat import LinearDrift, Panel
from loopstat.drift.readings.interference import (
    CAUSES,
    PARTS,
    PathSums,
    correlation,
    decompose,
    path_covariance,
    start_moments,
    start_spread,
)
from loopstat.drift.view.facts import _pair
from loopstat.drift.view.seen import Seen
from loopstat.inference.resample import bootstrap_weights
from loopstat.results.words import parts
from simulated import M3, Q3, fit, grams_of, moments_of, run, steady, three


def path_of(x: np.ndarray | list[np.ndarray]) -> tuple[PathSums, Panel]:
    panel = Panel.from_arrays(x)
    pairs = panel.pairs()
    return PathSums.of(pairs, pairs.session, panel.n_sessions, pairs.x.mean(axis=0)), panel


@pytest.mark.parametrize("offset", [0.0, 1e5])
@pytest.mark.parametrize("sessions", [12, 80])
def test_parts_add_up_to_the_total(sessions: int, offset: float) -> None:
    e = fit(three(sessions, 10, seed=1) + offset).estimates
    parts = sum(e[f"interference.{name}"].value for name in PARTS)
    np.testing.assert_allclose(parts, e["interference.total"].value, atol=1e-10, rtol=0)
    both = e["interference.start_spread"].value + e["interference.misfit"].value
    np.testing.assert_allclose(both, e["interference.rest"].value, atol=1e-10, rtol=0)
    np.testing.assert_allclose(e["interference.variance_shares"].value.sum(axis=0), 1.0, atol=1e-10, rtol=0)


def test_parts_of_every_bootstrap_draw_add_up() -> None:
    x = three(60, 8, seed=2)
    paths, panel = path_of(x)
    grams = grams_of(panel)
    weights = bootstrap_weights(60, 50, np.random.default_rng(0))
    draws = type(moments_of(x)).of(grams.weighted(weights), grams)
    parts = decompose(draws, *paths.weighted(weights))
    np.testing.assert_allclose(sum(parts[k] for k in PARTS), parts["total"], atol=1e-10, rtol=0)


def test_covariance_of_the_changes_is_drift_plus_noise() -> None:
    m = moments_of(three(50, 10, seed=3))
    np.testing.assert_allclose(m.A @ m.cov_x @ np.swapaxes(m.A, 1, 2) + m.Q, m.cov_dx, atol=1e-13, rtol=0)


def test_total_is_the_correlation_of_the_changes() -> None:
    x = three(50, 10, seed=4)
    dx = np.diff(x, axis=1).reshape(-1, 3)
    expected = np.corrcoef(dx.T) - np.eye(3)
    np.testing.assert_allclose(fit(x).estimates["interference.total"].value, expected, atol=1e-12)


def test_drift_and_noise_parts_follow_their_formulas() -> None:
    x = three(100, 10, seed=5)
    m, e = moments_of(x), fit(x).estimates
    sd = np.sqrt(np.diag(m.cov_dx[0]))
    off = 1 - np.eye(3)
    drift = m.A[0] @ steady(m.M[0], m.Q[0]) @ m.A[0].T
    np.testing.assert_allclose(e["interference.drift"].value, drift / np.outer(sd, sd) * off, atol=1e-10)
    np.testing.assert_allclose(e["interference.noise"].value, m.Q[0] / np.outer(sd, sd) * off, atol=1e-12)


def test_path_covariance_weights_steps_by_their_rows() -> None:
    lengths = np.random.default_rng(6).integers(2, 9, 40)
    sessions = [x[:n] for x, n in zip(three(40, 9, seed=6), lengths, strict=True)]
    paths, _ = path_of(sessions)
    rows = [(t, s[t]) for s in sessions for t in range(len(s) - 1)]
    steps = np.array([t for t, _ in rows])
    x = np.array([v for _, v in rows])
    fitted = np.array([x[steps == t].mean(axis=0) for t in steps])
    np.testing.assert_allclose(path_covariance(paths.total()[0])[0], np.cov(fitted.T, bias=True), atol=1e-12)


def test_leaving_a_session_out_of_the_path() -> None:
    x = three(10, 6, seed=7)
    paths, _ = path_of(x)
    without, _ = path_of(np.delete(x, 3, axis=0))
    np.testing.assert_allclose(
        path_covariance(paths.left_out()[0])[3], path_covariance(without.total()[0])[0], atol=1e-12
    )
    mean, covariance = start_moments(paths.left_out()[1])
    starts = np.delete(x[:, 0], 3, axis=0)
    np.testing.assert_allclose(mean[3] + paths.centre, starts.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(covariance[3], np.cov(starts.T, bias=True), atol=1e-12)


def test_start_spread_is_the_mean_over_steps() -> None:
    excess = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, -0.5]])
    counts = np.array([[4.0, 3.0, 1.0]])
    powers = [np.linalg.matrix_power(M3, t) for t in range(3)]
    expected = sum(w * p @ excess @ p.T for w, p in zip([0.5, 0.375, 0.125], powers, strict=True))
    np.testing.assert_allclose(start_spread(M3[None], excess[None], counts)[0], expected, atol=1e-12)


def test_correlation_has_a_zero_diagonal() -> None:
    c = correlation(np.array([[[4.0, 3.0], [3.0, 9.0]]]))[0]
    np.testing.assert_allclose(c, [[0.0, 0.5], [0.5, 0.0]], atol=1e-15)


def test_an_unstable_loop_has_no_steady_parts() -> None:
    x = run(np.diag([0.5, 0.4]), np.eye(2), sessions=60, steps=6, seed=8)
    x[:, :, 0] = np.cumsum(x[:, :, 0] + 0.3 * np.arange(6), axis=1)
    x[:, :, 0] *= 1.3 ** np.arange(6)
    found = fit(x, n_boot=50)
    assert found.regimes[0].regime == "unstable"
    assert np.isfinite(found.estimates["interference.total"].value).all()
    assert np.isfinite(found.estimates["interference.noise"].value).all()
    assert "interference.drift" not in found.estimates
    assert "spectral radius" in found.reasons["interference.drift"]


def test_one_objective_has_nothing_to_interfere_with() -> None:
    found = fit(run(0.5, 1.0, sessions=30, steps=6, seed=9))
    assert "interference.total" not in found.estimates
    assert found.reasons["interference"].startswith("One objective alone")


def test_holm_counts_each_pair_once() -> None:
    e = fit(three(40, 8, seed=10)).estimates["interference.total"]
    raw, adjusted = e.p[np.triu_indices(3, 1)], e.p_adjusted[np.triu_indices(3, 1)]
    assert np.isnan(np.diag(e.p)).all()
    assert adjusted[np.argmin(raw)] == pytest.approx(min(1.0, 3 * raw.min()))
    np.testing.assert_array_equal(e.p_adjusted, e.p_adjusted.T)


@pytest.mark.slow
def test_the_printed_parts_add_up_to_the_printed_total() -> None:
    # Levels of their own and a noisy scorer: the latent fit takes the total apart, and its misfit is a part like others
    rng = np.random.default_rng(5)
    x = three(60, 12, seed=5) + rng.standard_normal((60, 1, 3)) + 0.5 * rng.standard_normal((60, 12, 1))
    found = LinearDrift("latent", n_boot=0).fit(Panel.from_arrays(x), rng=0)
    causes = found.causes
    assert "misfit" in causes
    assert set(causes) <= set(CAUSES)
    total = found.estimates["interference.total"].value
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert sum(found.parts_of(i, j).values()) == pytest.approx(total[i, j])
        said = parts(_pair(Seen(found), found.estimates["interference.total"], (i, j)))
        printed = [float(part) for part in re.findall(r"[+-]\d\.\d\d(?=,|$)", said.partition(": ")[2])]
        assert sum(printed) == pytest.approx(total[i, j], abs=0.005 * (len(printed) + 1))


def test_a_shared_noise_is_found_as_noise() -> None:
    # Noise correlated at -0.20/1.2 between objectives 1 and 3 and no coupling by drift. Tolerance 5 errors.
    e = fit(run(0.5 * np.eye(3), Q3, sessions=3000, steps=10, seed=11)).estimates
    r = Q3[0, 2] / np.sqrt(Q3[0, 0] * Q3[2, 2])
    assert e["interference.total"].value[0, 2] == pytest.approx(r, abs=0.03)
    assert e["interference.noise"].value[0, 2] == pytest.approx(0.75 * r, abs=0.03)  # (1 + rho)/2 of the variance
    assert e["interference.total"].p_adjusted[0, 2] < 1e-6
