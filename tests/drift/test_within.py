"""The within estimator on loops with known answers: its pull, the correction, the roots, and what sums must obey."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loopstat.drift.maps.base import estimate
from loopstat.drift.maps.within import Within, root_found
from loopstat.errors import SettingsError
from loopstat.inference.intervals import jackknife_variance, student_quantile
from loopstat.inference.resample import LeftOut, bootstrap_weights
from loopstat.panel.panel import Panel

M3 = np.array([[0.70, 0.12, 0.00], [-0.08, 0.50, 0.10], [0.05, 0.00, 0.30]])
Q3 = np.array([[1.00, 0.24, -0.20], [0.24, 0.64, 0.10], [-0.20, 0.10, 1.44]])


def differing(
    m: Any, q: Any, *, sessions: int, steps: int, seed: Any, effect: float = 0.5, start: float | None = None
) -> Any:
    """Return scores of loops that rest in N(0, effect^2), started there (after 60 unseen steps) or at one point."""
    rng = np.random.default_rng(seed)
    n, noise = len(m), np.linalg.cholesky(q)
    rest = effect * rng.standard_normal((sessions, n))
    state = rest.copy() if start is None else np.full((sessions, n), start)
    unseen = 60 if start is None else 0
    out = []
    for _ in range(unseen + steps):
        out.append(state)
        state = rest + (state - rest) @ m.T + rng.standard_normal((sessions, n)) @ noise.T
    return np.stack(out[unseen:], axis=1)


def within(x: Any, cluster: Any = None, **settings: Any) -> Within:
    """Return the sums of arrays or of a panel, one cluster per session unless given."""
    pairs = (x if isinstance(x, Panel) else Panel.from_arrays(x)).pairs()
    of = pairs.session if cluster is None else np.asarray(cluster)[pairs.session]
    return Within.of(pairs, of, int(of.max()) + 1, **settings)


def solved(x: Any, **settings: Any) -> Any:
    """Return the estimate from all sessions."""
    w = within(x, **settings)
    return w.solve(w.sums.sum(axis=0, keepdims=True))


def mean_error(repeats: int, start: float | None = None, **settings: Any) -> Any:
    """Return the mean error of M over recordings of 1,000 sessions of ten scores."""
    data = (differing(M3, Q3, sessions=1000, steps=10, seed=(7, k), start=start) for k in range(repeats))
    fits = [solved(x, **settings) for x in data]
    return np.mean([f.M[0] for f in fits], axis=0) - M3


# ------------------------------------------------------------------------------ recovery


def test_uncorrected_slopes_are_pulled_down() -> None:
    assert np.diag(mean_error(2, correction="none")).mean() == pytest.approx(-0.17, abs=0.02)


@pytest.mark.parametrize("start", [None, -2.0])
def test_correction_from_steady_and_from_fixed_starts(start: float | None) -> None:
    # Standard error of an entry over 6 recordings: at most 0.0075, so 0.03 is 4 of them: false alarm below 0.001.
    error = mean_error(6, start)
    assert np.abs(error).max() < 0.03
    assert abs(np.diag(error).mean()) < 0.012


def test_half_panels_leave_some_of_the_pull() -> None:
    error = mean_error(6, correction="half_panel")
    assert 0.0 < np.diag(error).mean() < 0.03
    assert np.abs(error).max() < 0.09


def test_sessions_of_unequal_length() -> None:
    # 3 to 12 transitions, truth 0.5: standard error 0.0075 over two recordings.
    rng = np.random.default_rng(3)
    x = differing(np.array([[0.5]]), np.eye(1), sessions=4000, steps=13, seed=4, start=0.0)
    cut = [s[: k + 1] for s, k in zip(x, rng.integers(3, 13, len(x)), strict=True)]
    assert solved(cut).M[0, 0, 0] == pytest.approx(0.503, abs=0.025)
    assert solved(cut, correction="none").M[0, 0, 0] < 0.36


def test_many_lengths_are_kept_by_their_neighbours() -> None:
    x = differing(M3, Q3, sessions=150, steps=160, seed=15)
    cut = [s[: 4 + i] for i, s in enumerate(x)]
    w = within(cut)
    assert len(w.lengths) <= 48
    M = w.solve(w.sums.sum(axis=0, keepdims=True)).M[0]
    np.testing.assert_allclose(M, equation(cut, M), atol=2e-6)


def test_noise_covariance_and_first_steps() -> None:
    x = differing(M3, Q3, sessions=4000, steps=10, seed=5, start=-2.0)
    got = solved(x)
    np.testing.assert_allclose(got.Q[0], Q3, atol=0.05)
    # All start in one point, so the first expected step A (x_0 - rest) differs by the rest points alone.
    A = M3 - np.eye(3)
    np.testing.assert_allclose(got.first[0], 0.25 * A @ A.T, atol=0.1)
    assert not got.R.any()
    assert got.b is None


# --------------------------------------------------------------------------------- roots


def equation(x: Any, M: Any) -> Any:
    """Return the right side of M = M_w + pull(M), written out session by session."""
    n = x[0].shape[1]
    s_w, s_yx, s_yy, weight, degrees = (np.zeros((n, n)) for _ in range(5))
    for s in x:
        u, v = s[:-1] - s[:-1].mean(0), s[1:] - s[1:].mean(0)
        s_w, s_yx, s_yy = s_w + u.T @ u, s_yx + v.T @ u, s_yy + v.T @ v
        t = len(u)
        weight = weight + sum((t - 1 - j) * np.linalg.matrix_power(M.T, j) for j in range(t - 1)) / t
        degrees = degrees + t - 1
    q = (s_yy - M @ s_yx.T - s_yx @ M.T + M @ s_w @ M.T) / degrees[0, 0]
    return s_yx @ np.linalg.inv(s_w) + q @ weight @ np.linalg.inv(s_w)


def test_the_root_solves_the_equation() -> None:
    x = differing(M3, Q3, sessions=40, steps=9, seed=6)
    ragged = [s[: 3 + i % 7] for i, s in enumerate(x)]
    M = solved(ragged).M[0]
    np.testing.assert_allclose(M, equation(ragged, M), atol=1e-9)


def test_the_smaller_root_is_taken() -> None:
    x = differing(np.array([[0.5]]), np.eye(1), sessions=3000, steps=5, seed=8)
    grid = np.linspace(-0.5, 1.2, 681)
    excess = [m - equation_scalar(x, m) for m in grid]
    crossings = grid[1:][np.diff(np.sign(excess)) != 0]
    assert len(crossings) == 2
    assert crossings[1] > 0.9
    assert solved(x).M[0, 0, 0] == pytest.approx(crossings[0], abs=0.003)


def equation_scalar(x: Any, m: float) -> float:
    """Return the right side of the equation for equal sessions of one objective."""
    u, v = x[:, :-1, 0], x[:, 1:, 0]
    u, v = u - u.mean(1, keepdims=True), v - v.mean(1, keepdims=True)
    t = u.shape[1]
    q = np.sum((v - m * u) ** 2) / (len(x) * (t - 1))
    pull = len(x) * sum((t - 1 - j) * m**j for j in range(t - 1)) / t
    return float((np.sum(u * v) + q * pull) / np.sum(u * u))


def test_missing_and_doubtful_roots_are_flagged() -> None:
    slow = [differing(np.array([[0.9]]), np.eye(1), sessions=500, steps=4, seed=s, start=0.0) for s in range(12)]
    fits = [within(x) for x in slow]
    totals = [w.sums.sum(axis=0, keepdims=True) for w in fits]
    found = np.array([root_found(w, t)[0] for w, t in zip(fits, totals, strict=True)])
    M = np.array([w.solve(t).M[0, 0, 0] for w, t in zip(fits, totals, strict=True)])
    assert 0 < found.sum() < len(found)
    assert np.isnan(M).any()
    assert np.all(M[~np.isnan(M)] > 0.5)  # past the fold lies a third root, near -3.5
    assert not found[np.isnan(M) | (M > 0.9)].any()
    long = within(differing(np.array([[0.95]]), np.eye(1), sessions=300, steps=60, seed=1))
    assert root_found(long, long.sums.sum(axis=0, keepdims=True)).all()


def test_nothing_to_solve_is_nan() -> None:
    x = differing(M3, Q3, sessions=20, steps=6, seed=9)
    copies = np.concatenate([x[:, :, :1], x[:, :, :1]], axis=2)
    for hopeless in (copies, np.ones((5, 6, 2)), x[:, :2]):
        got = solved(hopeless)
        assert np.isnan(got.M).all()
        assert np.isnan(got.Q).all()
        w = within(hopeless)
        assert not root_found(w, w.sums.sum(axis=0, keepdims=True)).any()
    empty = Panel.from_arrays(x[:, :1]).pairs()
    assert Within.of(empty, empty.session, 3).sums.shape[0] == 3
    with pytest.raises(SettingsError, match="half_panel"):
        within(x, correction="nickel")


# ---------------------------------------------------------------------------- sums obey


@pytest.mark.parametrize("correction", ["nickell", "half_panel", "none"])
def test_leaving_out_is_refitting_without(correction: str) -> None:
    x = differing(M3, Q3, sessions=30, steps=8, seed=10)
    ragged = [s[: 4 + i % 5] for i, s in enumerate(x)]
    w = within(ragged, np.arange(30) // 3, correction=correction)
    out = w.solve(w.sums.sum(axis=0, keepdims=True) - w.sums)
    again = solved([s for i, s in enumerate(ragged) if i // 3 != 4], correction=correction)
    for name in ("M", "Q", "first"):
        np.testing.assert_allclose(getattr(out, name)[4], getattr(again, name)[0], atol=1e-8)


def test_bootstrap_is_repeating_sessions() -> None:
    x = differing(M3, Q3, sessions=12, steps=8, seed=11)
    w = within(x)
    weights = bootstrap_weights(12, 3, np.random.default_rng(0))
    boot = w.solve(weights.astype(float) @ w.sums)
    np.testing.assert_allclose(boot.M[2], solved(np.repeat(x, weights[2], axis=0)).M[0], atol=1e-8)


def test_units_and_lasting_differences_do_not_matter() -> None:
    x = differing(M3, Q3, sessions=60, steps=8, seed=12)
    unit = np.array([10.0, 0.01, 3.0])
    shift = 100 * np.random.default_rng(0).standard_normal((60, 1, 3))
    one, other = solved(x), solved((x + shift) * unit + 1e4)
    np.testing.assert_allclose(other.M[0], one.M[0] * unit[:, None] / unit, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(other.Q[0], one.Q[0] * np.outer(unit, unit), rtol=1e-5)
    np.testing.assert_allclose(other.first[0], one.first[0] * np.outer(unit, unit), rtol=1e-5)


def test_a_gap_costs_only_its_transitions() -> None:
    x = differing(M3, Q3, sessions=30, steps=9, seed=13)
    holed = x.copy()
    holed[3, 4, 1] = np.nan
    w = within(holed)
    assert w.lengths.tolist() == [6, 8]
    u = np.delete(x[3, :-1], [3, 4], axis=0)
    v = np.delete(x[3, 1:], [3, 4], axis=0)
    both = np.concatenate([u, v], axis=1) / np.tile(w.scale, 2)
    centred = both - both.mean(axis=0)
    i, j = np.triu_indices(6)
    np.testing.assert_allclose(w.sums[3, :21], (centred.T @ centred)[i, j], atol=1e-10)


# ----------------------------------------------------------------------------- intervals


@pytest.mark.slow
def test_intervals_cover() -> None:
    # 100 intervals of 95 %: fewer than 86 hold the truth with probability 0.0003.
    covered = 0
    for k in range(100):
        w = within(differing(M3[:2, :2], Q3[:2, :2], sessions=40, steps=15, seed=(14, k)))
        got = estimate(w, LeftOut.of(np.arange(40), [str(i) for i in range(40)]), np.ones((1, 40), dtype=np.int64))
        half = student_quantile(0.95, 39) * np.sqrt(jackknife_variance(got.left.M))
        covered += int((np.abs(got.point.M[0] - M3[:2, :2]) < half)[0, 0])
    assert covered >= 86
