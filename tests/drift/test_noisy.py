"""Instruments and errors in variables on loops with known answers, read through a noisy scorer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loopstat.drift.maps.base import estimate
from loopstat.drift.maps.noisy import ErrorsInVariables, Instrument, lag_ratios, runs
from loopstat.errors import SettingsError
from loopstat.inference.intervals import jackknife_variance, student_quantile
from loopstat.inference.resample import LeftOut, bootstrap_weights
from loopstat.panel.panel import Panel

# Eigenvalues 0.43 and 0.53 +- 0.12i.
TURN = np.array([[0.53, 0.12, 0.00], [-0.12, 0.53, 0.10], [0.00, 0.00, 0.43]])
M2 = np.array([[0.75, 0.10], [-0.05, 0.60]])
Q2 = np.array([[1.0, 0.3], [0.3, 0.8]])
R2 = np.array([[0.5, 0.2], [0.2, 0.4]])
# A judge's shared error of sd 0.3 moves the lower left entry of least squares from 0.09 to -0.21.
JUDGED = np.array([[0.77, 0.13], [0.09, 0.75]])
PUSHED = np.array([[0.0289, 0.0184], [0.0184, 0.1225]])


def loop(m: Any, q: Any, *, sessions: int, steps: int, seed: Any, effect: float = 0.0, start: Any = -2.0) -> Any:
    """Return the quality (sessions, steps, n): x' = m x + b_i + N(0, q), b_i of sd `effect`, x_0 = start + N(0, 1)."""
    rng = np.random.default_rng(seed)
    n, noise = len(m), np.linalg.cholesky(q)
    b = effect * rng.standard_normal((sessions, n))
    x = np.empty((sessions, steps, n))
    x[:, 0] = start + rng.standard_normal((sessions, n))
    for t in range(1, steps):
        x[:, t] = x[:, t - 1] @ m.T + b + rng.standard_normal((sessions, n)) @ noise.T
    return x


def scored(x: Any, r: Any, seed: Any) -> Any:
    """Return the quality with one scorer's noise, covariance r, which may be singular."""
    values, vectors = np.linalg.eigh(r)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return x + np.random.default_rng(seed).standard_normal(x.shape) @ root.T


def least_squares(y: Any) -> Any:
    """Return the pooled regression's M."""
    u, v = (part.reshape(-1, y.shape[2]) for part in (y[:, :-1], y[:, 1:]))
    u, v = u - u.mean(0), v - v.mean(0)
    return np.linalg.solve(u.T @ u, u.T @ v).T


def instrument(y: Any, cluster: Any = None, **settings: Any) -> Instrument:
    """Return the sums of arrays or of a panel, one cluster per session unless given."""
    panel = y if isinstance(y, Panel) else Panel.from_arrays(y)
    of = panel.session if cluster is None else np.asarray(cluster)[panel.session]
    return Instrument.of(panel, of, int(of.max()) + 1, **settings)


def total(estimator: Any) -> Any:
    """Return the sums over all clusters, as a batch of one."""
    return estimator.sums.sum(axis=0, keepdims=True)


def solved(y: Any, **settings: Any) -> Any:
    """Return the estimate of an instrument from all sessions."""
    found = instrument(y, **settings)
    return found.solve(total(found))


def modes(m: Any) -> Any:
    """Return eigenvalues by real, then imaginary part."""
    return np.sort_complex(np.linalg.eigvals(m))


# --------------------------------------------------------------------------- instrument


def test_instrument_sees_through_noise_where_least_squares_does_not() -> None:
    # Over 10 recordings of this size the modes spread by up to 0.02: 0.06 is three of these.
    y = scored(loop(TURN, np.eye(3), sessions=6000, steps=12, seed=1), 0.64 * np.eye(3), 2)
    np.testing.assert_allclose(modes(solved(y).M[0]), modes(TURN), atol=0.06)
    off = modes(least_squares(y))
    assert off.real.max() < 0.47
    assert np.abs(modes(TURN) - off).max() > 0.1


def test_noise_of_scorer_and_loop_are_told_apart() -> None:
    x = loop(M2, Q2, sessions=6000, steps=12, seed=3)
    got = solved(scored(x, R2, 4))
    np.testing.assert_allclose(got.M[0], M2, atol=0.03)
    np.testing.assert_allclose(got.R[0], R2, atol=0.08)
    np.testing.assert_allclose(got.Q[0], Q2, atol=0.1)
    step = (M2 - np.eye(2)) @ np.cov(x[:, 0].T) @ (M2 - np.eye(2)).T
    np.testing.assert_allclose(got.first[0], step, atol=0.12)
    assert got.b is None


def test_differenced_allows_for_differing_sessions() -> None:
    got, level, ols = [], [], []
    for k in range(4):
        x = loop(M2, Q2, sessions=1500, steps=12, seed=(5, k), effect=0.5)
        y = scored(x, R2, (6, k))
        got.append(solved(y, differenced=True).M[0])
        level.append(solved(y).M[0])
        ols.append(least_squares(y))
    error, worse, plain = (np.abs(np.mean(m, axis=0) - M2).max() for m in (got, level, ols))
    assert error < 0.07
    assert worse > 0.12
    assert worse > plain


@pytest.mark.slow
def test_differenced_noise_of_scorer_and_loop() -> None:
    x = loop(M2, Q2, sessions=20000, steps=12, seed=7, effect=0.5)
    got = solved(scored(x, R2, 8), differenced=True)
    np.testing.assert_allclose(got.M[0], M2, atol=0.05)
    np.testing.assert_allclose(got.R[0], R2, atol=0.12)
    np.testing.assert_allclose(got.Q[0], Q2, atol=0.15)


@pytest.mark.slow
def test_autocovariances_of_the_differenced_residual() -> None:
    # Many scores of one loop in place of expectations: the standard error is about 0.01.
    y = scored(loop(M2, Q2, sessions=40, steps=8000, seed=9), R2, 10)
    got = solved(y, differenced=True)
    dy = np.diff(y, axis=1)
    du = dy[:, 1:] - dy[:, :-1] @ got.M[0].T
    now, then = du[:, 1:].reshape(-1, 2), du[:, :-1].reshape(-1, 2)
    G0, G1 = now.T @ now / len(now), now.T @ then / len(now)
    N = np.eye(2) + got.M[0]
    R, Q = got.R[0], got.Q[0]
    np.testing.assert_allclose(2 * Q + R + N @ R @ N.T + got.M[0] @ R @ got.M[0].T, G0, atol=0.01)
    np.testing.assert_allclose(-Q - N @ R - got.M[0] @ R @ N.T, G1, atol=0.03)
    np.testing.assert_allclose(R, R2, atol=0.08)


def test_a_shared_judge_fakes_coupling() -> None:
    shared = np.full((2, 2), 0.09)
    y = scored(loop(JUDGED, PUSHED, sessions=4000, steps=12, seed=11), shared, 12)
    z = scored(steady_start(JUDGED, PUSHED, sessions=4000, steps=12, seed=13), shared, 14)
    assert least_squares(z)[1, 0] - JUDGED[1, 0] == pytest.approx(-0.30, abs=0.04)
    for scores in (y, z):
        # The instrument's standard error is about 0.015.
        np.testing.assert_allclose(solved(scores).M[0], JUDGED, atol=0.06)


def steady_start(m: Any, q: Any, **how: Any) -> Any:
    """Return a loop that has run for 40 steps before."""
    steps = how.pop("steps")
    return loop(m, q, steps=steps + 40, **how)[:, 40:]


def test_strength_tells_white_scores() -> None:
    rng = np.random.default_rng(15)
    white = instrument(rng.standard_normal((200, 10, 2)))
    strong = instrument(loop(M2, Q2, sessions=200, steps=10, seed=16))
    for found, seen in ((white, False), (strong, True)):
        value, left = found.strength(total(found))[0], found.strength(total(found) - found.sums)
        assert left.shape == (200,)
        assert (value > 4 * np.sqrt(jackknife_variance(left))) == seen
    assert 0 < strong.strength(total(strong))[0] < 1


def test_lag_ratios_are_flat_under_noise_and_climb_under_differences() -> None:
    alike = scored(steady_start(M2, Q2, sessions=3000, steps=12, seed=17), R2, 18)
    differ = scored(loop(M2, Q2, sessions=3000, steps=12, seed=19, effect=0.7), R2, 20)
    flat, climbing = (lag_ratios(Panel.from_arrays(y)) for y in (alike, differ))
    np.testing.assert_allclose(flat, np.broadcast_to(M2, (3, 2, 2)), atol=0.1)
    slowest = np.abs(np.linalg.eigvals(climbing)).max(axis=1)
    assert np.all(np.diff(slowest) > 0)
    assert slowest[-1] > 0.93
    assert np.isnan(lag_ratios(Panel.from_arrays(alike[:, :4]))).any(axis=(1, 2)).tolist() == [False, False, True]


def test_runs_follow_parents_and_skip_holes() -> None:
    x = np.arange(16.0).reshape(2, 8, 1)
    x[0, 3] = np.nan
    panel = Panel.from_arrays(x)
    assert runs(panel, 2).T.tolist() == [[t - 2, t - 1, t] for t in (2, 6, 7, 10, 11, 12, 13, 14, 15)]
    branch = replace(panel, parent=np.array([-1, 0, 0, 1, 2, 4, -1, 6, *panel.parent[8:]]))
    assert runs(branch, 2).T.tolist()[:2] == [[0, 2, 4], [2, 4, 5]]


@pytest.mark.parametrize("differenced", [False, True])
def test_instrument_without_a_spread_is_nan(differenced: bool) -> None:
    x = loop(M2, Q2, sessions=10, steps=6, seed=21)
    copies = np.concatenate([x[:, :, :1], x[:, :, :1]], axis=2)
    for hopeless in (copies, np.ones((5, 6, 2)), x[:, :2]):
        found = instrument(hopeless, differenced=differenced)
        got = found.solve(total(found))
        for part in (got.M, got.Q, got.R, got.first):
            assert np.isnan(part).all()
        assert not found.strength(total(found))[0] > 1e-9


# --------------------------------------------------------------------- errors in variables


def repeated(x: Any, r: Any, times: Any, seed: int) -> Panel:
    """Return averages of `times` scorings a row (sessions, steps), with what their scatter says."""
    rng, n = np.random.default_rng(seed), x.shape[2]
    root = np.linalg.cholesky(r)
    mean, scatter = x.copy(), np.zeros((*x.shape, n))
    for k in np.unique(times):
        at = times == k
        noise = rng.standard_normal((int(at.sum()), k, n)) @ root.T
        mean[at] += noise.mean(axis=1)
        rest = noise - noise.mean(axis=1, keepdims=True)
        scatter[at] = np.einsum("aki,akj->aij", rest, rest) * (k > 1)
    panel = Panel.from_arrays(mean)
    return replace(panel, repeats=times.ravel(), repeat_scatter=scatter.reshape(-1, n, n))


def known(panel: Panel, covariance: Any = None, cluster: Any = None) -> ErrorsInVariables:
    """Return the sums of a panel, one cluster per session unless given."""
    of = panel.session if cluster is None else np.asarray(cluster)[panel.session]
    return ErrorsInVariables.of(panel, panel.pairs(), of, int(of.max()) + 1, known=covariance)


def test_noise_given_or_measured_is_taken_off() -> None:
    # Earlier scores are the noisier ones, so that a noise taken at the wrong end shows.
    x = loop(M2, Q2, sessions=10000, steps=3, seed=22)
    times = np.array([1, 2, 8]) * np.ones((10000, 1), dtype=np.int64)
    panel = repeated(x, R2, times, 24)
    share = (3 / 4 + 5 / 16) / 2
    step = (M2 - np.eye(2)) @ np.cov(x[:, 0].T) @ (M2 - np.eye(2)).T
    for covariance in (None, R2):
        eiv = known(panel, covariance)
        got = eiv.solve(total(eiv))
        np.testing.assert_allclose(eiv.noise(total(eiv))[0], R2, atol=0.02)
        np.testing.assert_allclose(got.M[0], M2, atol=0.03)
        np.testing.assert_allclose(got.Q[0], Q2, atol=0.05)
        np.testing.assert_allclose(got.R[0], R2 * share, atol=0.02)
        np.testing.assert_allclose(got.first[0], step, atol=0.08)
        assert 0.5 < eiv.reliability(total(eiv))[0] < 1
    assert np.abs(least_squares(panel.x.reshape(x.shape)) - M2).max() > 0.08


def test_the_error_of_measured_noise_enters() -> None:
    x = loop(M2, Q2, sessions=60, steps=10, seed=25)
    panel = repeated(x, R2, np.where(np.arange(10) < 1, 2, 1) * np.ones((60, 1), dtype=np.int64), 26)
    errors = []
    for covariance in (None, R2):
        eiv = known(panel, covariance)
        errors.append(jackknife_variance(eiv.solve(total(eiv) - eiv.sums).M))
    assert np.all(errors[0] > errors[1])


def test_noise_as_large_as_the_scores_is_nan() -> None:
    panel = Panel.from_arrays(np.random.default_rng(27).standard_normal((50, 6, 2)))
    eiv = known(panel, 1.5 * np.eye(2))
    assert eiv.reliability(total(eiv))[0] < 0
    assert np.isnan(eiv.solve(total(eiv)).M).all()
    unmeasured = replace(
        panel, repeats=np.ones(len(panel), dtype=np.int64), repeat_scatter=np.zeros((len(panel), 2, 2))
    )
    assert np.isnan(known(unmeasured).solve(total(known(unmeasured))).M).all()
    with pytest.raises(SettingsError, match="not known"):
        known(panel)


def test_no_noise_is_least_squares() -> None:
    x = loop(M2, Q2, sessions=40, steps=8, seed=28)
    eiv = known(Panel.from_arrays(x), np.zeros((2, 2)))
    np.testing.assert_allclose(eiv.solve(total(eiv)).M[0], least_squares(x), atol=1e-10)


# ---------------------------------------------------------------------------- sums obey


def made(name: str, x: Any, cluster: Any = None, shift: Any = 0.0, unit: Any = 1.0) -> Any:
    """Return one of the estimators of noisy scores, in other units if asked."""
    if name.startswith("instrument"):
        return instrument(scored(x, R2, 30) * unit + shift, cluster, differenced=name.endswith("differenced"))
    times = 1 + np.arange(x.shape[1]) % 3 + np.zeros((len(x), 1), dtype=np.int64)
    panel = repeated(x, R2, times, 31)
    assert panel.repeat_scatter is not None
    moved = replace(
        panel, x=panel.x * unit + shift, repeat_scatter=panel.repeat_scatter * np.outer(*[unit * np.ones(2)] * 2)
    )
    return known(moved, None if name == "repeats" else R2 * np.outer(*[unit * np.ones(2)] * 2), cluster)


NAMES = ["instrument", "instrument differenced", "repeats", "known"]


@pytest.mark.parametrize("name", NAMES)
def test_leaving_out_is_refitting_without(name: str) -> None:
    x = loop(M2, Q2, sessions=45, steps=9, seed=29)
    whole = made(name, x, np.arange(45) // 3)
    # The last cluster, so that the noise drawn for the others is the same without it.
    out, again = whole.solve(total(whole) - whole.sums), rest_of(name, x, 42)
    for part in ("M", "Q", "R", "first"):
        np.testing.assert_allclose(getattr(out, part)[14], getattr(again, part)[0], rtol=1e-6, atol=1e-8)


def rest_of(name: str, x: Any, sessions: int) -> Any:
    """Return the estimate from the first sessions of the very same scores."""
    if name.startswith("instrument"):
        return solved(scored(x, R2, 30)[:sessions], differenced=name.endswith("differenced"))
    times = 1 + np.arange(x.shape[1]) % 3 + np.zeros((len(x), 1), dtype=np.int64)
    panel = repeated(x, R2, times, 31)
    part = known(panel.take(panel.session < sessions), None if name == "repeats" else R2)
    return part.solve(total(part))


@pytest.mark.parametrize("name", NAMES)
def test_units_and_origin_do_not_matter(name: str) -> None:
    x = loop(M2, Q2, sessions=60, steps=9, seed=32)
    unit = np.array([20.0, 0.05])
    one, other = (e.solve(total(e)) for e in (made(name, x), made(name, x, shift=1e4, unit=unit)))
    np.testing.assert_allclose(other.M[0], one.M[0] * unit[:, None] / unit, rtol=1e-5)
    for part in ("Q", "R", "first"):
        np.testing.assert_allclose(getattr(other, part)[0], getattr(one, part)[0] * np.outer(unit, unit), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["instrument", "repeats"])
def test_intervals_cover(name: str) -> None:
    # 100 intervals of 95 %: fewer than 86 hold the truth with probability 0.0003.
    covered = 0
    left_out, weights = (
        LeftOut.of(np.arange(60), [str(i) for i in range(60)]),
        bootstrap_weights(60, 1, np.random.default_rng(0)),
    )
    for k in range(100):
        x = loop(M2, Q2, sessions=60, steps=12, seed=(33, k))
        y = scored(x, R2, (34, k))
        e = instrument(y) if name == "instrument" else known(repeated(x, R2, np.full((60, 12), 2), 1000 + k))
        got = estimate(e, left_out, weights)
        half = student_quantile(0.95, 59) * np.sqrt(jackknife_variance(got.left.M))
        covered += int((np.abs(got.point.M[0] - M2) < half)[0, 0])
    assert covered >= 86
