"""Sums of products: accuracy far from the origin, merging, leaving out, and what cannot be solved."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat import Grams, Panel, SettingsError
from loopstat.drift.sums import Moments, reference
from simulated import M3, REST, grams_of, moments_of, three


def raw_moments_slopes(x: np.ndarray) -> np.ndarray:
    """Return M from moments about the origin: what the reference point is there to avoid."""
    u, v = x[:, :-1].reshape(-1, x.shape[2]), x[:, 1:].reshape(-1, x.shape[2])
    n = len(u)
    c_uu = u.T @ u / n - np.outer(u.mean(0), u.mean(0))
    c_vu = v.T @ u / n - np.outer(v.mean(0), u.mean(0))
    return np.linalg.solve(c_uu.T, c_vu.T).T


@pytest.mark.parametrize(("offset", "lost"), [(1e5, 1e-6), (1e7, 1e-3)])
def test_accuracy_far_from_the_origin(offset: float, lost: float) -> None:
    # Raw moments cost A about 1e-5 at a mean of 1e5 sd and about 0.1 at 1e7. Subtracting a power of two from floats
    # this close to it is exact, so both panels hold the same numbers.
    offset = 2.0 ** np.round(np.log2(offset))
    far = three(200, 10, seed=1) + offset
    near = far - offset
    exact = moments_of(near).M
    np.testing.assert_allclose(moments_of(far).M, exact, atol=1e-9, rtol=0)
    assert np.abs(raw_moments_slopes(far) - exact[0]).max() > lost


def test_identity_of_the_covariance_holds_far_from_the_origin() -> None:
    m = moments_of(three(50, 10, seed=2) + 1e5)
    rebuilt = m.A @ m.cov_x @ np.swapaxes(m.A, 1, 2) + m.Q
    np.testing.assert_allclose(rebuilt, m.cov_dx, atol=1e-10, rtol=0)


def test_moments_are_the_covariances_of_the_rows() -> None:
    x = three(30, 8, seed=3)
    u, v = x[:, :-1].reshape(-1, 3), x[:, 1:].reshape(-1, 3)
    m = moments_of(x)
    for name, rows in {"cov_x": u, "cov_y": v, "cov_dx": v - u}.items():
        np.testing.assert_allclose(getattr(m, name)[0], np.cov(rows.T, bias=True), atol=1e-12)
    np.testing.assert_allclose(m.mean_x[0], u.mean(axis=0), atol=1e-12)
    residual = v - u - u @ m.A[0].T - m.b[0]
    np.testing.assert_allclose(m.Q[0], residual.T @ residual / len(u), atol=1e-12)


@pytest.mark.parametrize("cut", [1, 17, 49])
def test_parts_cut_at_session_borders_add_up_to_the_whole(cut: int) -> None:
    x = three(50, 9, seed=4)
    whole = moments_of(x)
    parts = grams_of(Panel.from_arrays(x[:cut])) + grams_of(
        Panel.from_arrays(x[cut:], session_names=[f"later {i}" for i in range(50 - cut)])
    )
    added = Moments.of(parts.total(), parts)
    assert len(parts) == 50
    for name in ("M", "A", "b", "Q", "cov_x", "cov_dx", "mean_x"):
        np.testing.assert_allclose(getattr(added, name), getattr(whole, name), atol=1e-10, rtol=0)


def test_one_session_recorded_in_two_parts_is_one_cluster() -> None:
    x = three(6, 21, seed=5)
    first, second = (Panel.from_arrays(part) for part in (x[:, :11], x[:, 10:]))  # they share the row they are cut at
    parts = grams_of(first) + grams_of(second)
    assert parts.names == first.session_names
    whole = grams_of(x)
    np.testing.assert_allclose(parts.rebase(whole.centre, whole.scale).g, whole.g, atol=1e-9)


def test_parts_add_up_in_any_order() -> None:
    x = three(9, 8, seed=6)
    named = [grams_of(Panel.from_arrays(x[k : k + 3], session_names=[str(k + i) for i in range(3)])) for k in (0, 3, 6)]
    forth, back = named[0] + named[1] + named[2], named[2] + (named[1] + named[0])
    for a, b in ((forth, back), (forth, grams_of(x))):
        np.testing.assert_allclose(Moments.of(a.total(), a).M, Moments.of(b.total(), b).M, atol=1e-12)


def test_rebase_is_exact_algebra() -> None:
    x = three(20, 8, seed=7)
    grams, panel = grams_of(x), Panel.from_arrays(x)
    centre, scale = np.array([4.0, 5.0, 6.0]), np.array([0.5, 2.0, 3.0])
    direct = Grams.of(panel.pairs(), panel.pairs().session, panel.session_names, centre=centre, scale=scale)
    np.testing.assert_allclose(grams.rebase(centre, scale).g, direct.g, atol=1e-9)


def test_parts_with_other_objectives_do_not_merge() -> None:
    with pytest.raises(SettingsError, match="3 and 2 objectives"):
        grams_of(three(5, 6)) + grams_of(three(5, 6)[:, :, :2])


def test_clusters_need_not_be_sorted() -> None:
    panel = Panel.from_arrays(three(30, 6, seed=8))
    pairs = panel.pairs()
    task = pairs.session % 7
    grams = Grams.of(pairs, task, [str(k) for k in range(7)])
    for k in range(7):
        alone = Panel.from_arrays(three(30, 6, seed=8)[k::7])
        ref = Grams.of(alone.pairs(), alone.pairs().session * 0, ["all"], centre=grams.centre, scale=grams.scale)
        np.testing.assert_allclose(grams.g[k], ref.g[0], atol=1e-10)


def test_a_cluster_without_transitions_is_an_empty_sum() -> None:
    panel = Panel.from_arrays([np.ones((1, 2)), np.arange(8.0).reshape(4, 2)])
    grams = grams_of(panel)
    assert np.all(grams.g[0] == 0)
    assert grams.g[1, 0, 0] == 3


def test_left_out_and_weighted_are_plain_sums() -> None:
    grams = grams_of(three(12, 6, seed=9))
    np.testing.assert_allclose(grams.left_out()[4], np.delete(grams.g, 4, axis=0).sum(axis=0), atol=1e-9)
    weights = np.random.default_rng(0).integers(0, 4, (3, 12)).astype(np.uint8)
    np.testing.assert_allclose(grams.weighted(weights), np.einsum("bc,cij->bij", weights, grams.g), atol=1e-9)


def test_what_cannot_be_solved_is_flagged_and_nan() -> None:
    x = three(20, 6, seed=10)
    constant, copy, short = x.copy(), x.copy(), x[:1, :5]
    constant[:, :, 1] = 3.25
    copy[:, :, 2] = 2 * copy[:, :, 0] - 1
    for data in (constant, copy, short):
        m = moments_of(data)
        assert m.singular.tolist() == [True]
        assert np.isnan(m.A).all()
        assert np.isnan(m.fixed_point()).all()
        assert np.isfinite(m.cov_dx).all()
    assert moments_of(x).singular.tolist() == [False]


def test_fixed_point_keeps_its_digits_far_from_the_origin() -> None:
    far = three(300, 10, seed=11) + 2.0**23
    near = moments_of(far - 2.0**23).fixed_point()
    np.testing.assert_allclose(moments_of(far).fixed_point() - 2.0**23, near, atol=1e-7)
    np.testing.assert_allclose(near[0], REST, atol=0.5)


def test_a_staircase_has_no_pull() -> None:
    # A staircase: x' = x + 1 exactly, so A = 0.
    m = moments_of(np.arange(5.0)[None, :, None] + np.array([0.0, 3.0, 9.0])[:, None, None])
    np.testing.assert_allclose(m.A, 0.0, atol=1e-12)
    np.testing.assert_allclose(m.b, 1.0, atol=1e-12)


def test_reference_of_nothing_and_of_a_constant() -> None:
    centre, scale = reference(np.empty((0, 2)))
    assert (centre.tolist(), scale.tolist()) == ([0, 0], [1, 1])
    centre, scale = reference(np.full((4, 1), 7.0))
    assert (centre.tolist(), scale.tolist()) == ([7], [1])


def test_known_map_without_noise_is_found_exactly() -> None:
    x = [REST + np.random.default_rng(12).standard_normal((20, 3))]
    for _ in range(4):
        x.append(REST + (x[-1] - REST) @ M3.T)
    m = moments_of(np.stack(x, axis=1))
    np.testing.assert_allclose(m.M[0], M3, atol=1e-12)
    np.testing.assert_allclose(m.fixed_point()[0], REST, atol=1e-12)
    np.testing.assert_allclose(m.Q, 0.0, atol=1e-14)
