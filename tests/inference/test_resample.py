"""Clusters, weights, intervals: against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat import Panel, SettingsError
from loopstat.inference.clusters import choose_clusters
from loopstat.inference.intervals import (
    from_scale,
    jackknife_interval,
    jackknife_variance,
    percentile_interval,
    student_quantile,
    to_scale,
)
from loopstat.inference.resample import bootstrap_weights, folds, weighted_sums
from loopstat.inference.tests import holm, student_p
from simulated import three


def with_tasks(tasks: list[str | None], steps: int = 4) -> Panel:
    return Panel.from_arrays(three(len(tasks), steps), labels={"task": tasks})


def test_sessions_are_clusters_by_default() -> None:
    clusters = choose_clusters(Panel.from_arrays(three(7, 4)))
    assert (clusters.kind, len(clusters)) == ("session", 7)
    assert clusters.row.tolist() == np.repeat(np.arange(7), 4).tolist()


def test_shared_tasks_are_clusters() -> None:
    clusters = choose_clusters(with_tasks([f"t{i % 5}" for i in range(20)]))
    assert (clusters.kind, clusters.names) == ("task", ("t0", "t1", "t2", "t3", "t4"))
    assert clusters.row[::4].tolist() == [i % 5 for i in range(20)]
    assert "20 sessions share 5 starts" in clusters.sentence


@pytest.mark.parametrize("n_tasks", [1, 4, 20])
def test_tasks_that_are_too_few_or_shared_by_nobody_are_no_clusters(n_tasks: int) -> None:
    assert choose_clusters(with_tasks([f"t{i % n_tasks}" for i in range(20)])).kind == "session"


def test_a_session_without_a_task_shares_its_start_with_nobody() -> None:
    clusters = choose_clusters(with_tasks([f"t{i % 5}" for i in range(10)] + [None, None]))
    assert len(clusters) == 7
    assert clusters.names[5:] == ("10", "11")


def test_the_column_asked_for_is_used_whatever_it_is() -> None:
    panel = with_tasks(["a", "a", "b"])
    assert choose_clusters(panel, "task").names == ("a", "b")
    assert choose_clusters(panel, "session").kind == "session"


def test_a_label_that_changes_inside_sessions_is_refused() -> None:
    panel = with_tasks(["a", "b"])
    rows = Panel.concat([panel])
    labels = {"task": type(panel.labels["task"]).of(["a", "b"] * 4)}
    torn = Panel(
        x=rows.x, session=rows.session, step=rows.step, parent=rows.parent, objectives=rows.objectives,
        session_names=rows.session_names, labels=labels,
    )  # fmt: skip
    with pytest.raises(SettingsError, match="changes inside sessions"):
        choose_clusters(torn, "task")


def test_one_session_is_cut_into_blocks() -> None:
    clusters = choose_clusters(Panel.from_arrays(three(1, 100)))
    assert clusters.kind == "block"
    assert len(clusters) == 100 // 7  # blocks of 1.5 * 100^(1/3) = 7 steps, the last one longer
    assert np.all(np.diff(clusters.row) >= 0)
    assert np.bincount(clusters.row).min() == 7


def test_weights_draw_as_many_clusters_as_there_are() -> None:
    weights = bootstrap_weights(50, 400, np.random.default_rng(0))
    assert weights.shape == (400, 50)
    assert np.all(weights.sum(axis=1) == 50)
    # Multinomial: mean 1, variance 1 - 1/n, covariance -1/n. Standard errors 0.007 and 0.01.
    assert weights.mean(axis=0) == pytest.approx(np.ones(50), abs=0.25)
    assert weights.var() == pytest.approx(1 - 1 / 50, abs=0.05)


def test_weighted_sums_are_matrix_products_also_in_blocks() -> None:
    rng = np.random.default_rng(1)
    for n in (7, 5_000):
        weights = bootstrap_weights(n, 900, rng)
        values = rng.standard_normal((n, 2, 3))
        expected = np.tensordot(weights.astype(float), values, axes=1)
        np.testing.assert_allclose(weighted_sums(weights, values), expected, atol=1e-9)


def test_folds_are_balanced() -> None:
    assert sorted(np.bincount(folds(23, 5, np.random.default_rng(2)))) == [4, 4, 5, 5, 5]


def test_leaving_one_out_of_a_mean_gives_its_textbook_variance() -> None:
    x = np.random.default_rng(3).standard_normal(40)
    left = (x.sum() - x) / 39
    assert jackknife_variance(left) == pytest.approx(x.var(ddof=1) / 40, rel=1e-12)
    assert np.isnan(jackknife_variance(np.array([1.0, np.inf, 2.0]))), "and no warning, which would be an error here"


def test_interval_of_a_mean_is_students() -> None:
    x = np.array([1.0, 2.0, 4.0, 7.0, 11.0])
    low, high = jackknife_interval(np.asarray(x.mean()), (x.sum() - x) / 4, 0.95)
    half = 2.7764451051977987 * x.std(ddof=1) / np.sqrt(5)  # t(4) at 97.5 %, from printed tables
    assert (float(low), float(high)) == pytest.approx((5 - half, 5 + half))


def test_one_cluster_has_no_interval() -> None:
    low, high = jackknife_interval(np.array([1.0, 2.0]), np.array([[1.0, 2.0]]), 0.95)
    assert np.isnan(low).all()
    assert np.isnan(high).all()


@pytest.mark.parametrize(("df", "quantile"), [(1, 12.7062), (9, 2.26216), (30, 2.04227)])
def test_student_quantiles_of_printed_tables(df: int, quantile: float) -> None:
    assert student_quantile(0.95, df) == pytest.approx(quantile, rel=1e-5)
    assert student_p(np.array([quantile, -quantile]), df) == pytest.approx([0.05, 0.05], rel=1e-4)


@pytest.mark.parametrize(
    ("scale", "values"), [("modulus", [0.1, 0.5, 2.0]), ("fisher", [-0.9, 0.3]), ("share", [-1.0, 0.8])]
)
def test_scales_undo_themselves(scale: str, values: list[float]) -> None:
    np.testing.assert_allclose(from_scale(to_scale(np.array(values), scale), scale), values, rtol=1e-12)  # type: ignore[arg-type]


def test_intervals_on_a_scale_stay_in_range() -> None:
    left = 0.95 + 0.02 * np.random.default_rng(4).standard_normal(8).clip(-2, 2)
    low, high = jackknife_interval(np.asarray(0.95), left, 0.95, "fisher")
    assert -1 < low < 0.95 < high < 1
    near_zero = np.abs(0.05 + 0.04 * np.random.default_rng(5).standard_normal(8))
    low, high = jackknife_interval(np.asarray(0.05), near_zero, 0.95, "modulus")
    assert 0 <= low < 0.05 < high


def test_percentiles_leave_lost_draws_out() -> None:
    draws = np.arange(1001.0)[:, None] * [1.0, 1.0, 1.0]
    draws[:, 1] = np.nan
    draws[::2, 2] = np.nan
    low, high = percentile_interval(draws, 0.9)
    assert (low[0], high[0]) == pytest.approx((50, 950))
    assert np.isnan([low[1], high[1]]).all()
    assert low[2] == pytest.approx(51, abs=1)


def test_holm_on_the_textbook_example() -> None:
    # Holm (1979): the k-th smallest of m is multiplied by m - k + 1, and never falls below the one before.
    assert holm([0.005, 0.011, 0.02, 0.04, 0.13]) == pytest.approx([0.025, 0.044, 0.06, 0.08, 0.13])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


def test_holm_does_not_count_what_was_not_tested() -> None:
    out = holm([0.01, np.nan, 0.04])
    assert out[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(out[1])
