"""Held-out skill, against refits fold by fold and running means computed row by row."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat import Panel
from loopstat.drift.readings.skill import (
    BASELINES,
    SHRINKS,
    cluster_folds,
    held_out_skill,
    running_mean,
    squared_errors,
)
from simulated import fit, grams_of, run, three


def ragged(seed: int = 0, n: int = 30) -> list[np.ndarray]:
    lengths = np.random.default_rng(seed).integers(2, 10, n)
    return [x[:k] for x, k in zip(three(n, 10, seed), lengths, strict=True)]


def test_errors_are_those_of_refits_without_the_fold() -> None:
    panel = Panel.from_arrays(ragged(1))
    pairs, grams = panel.pairs(), grams_of(panel)
    fold = np.arange(30) % 5
    errors = squared_errors(panel, pairs, grams, pairs.session, fold)
    for k in range(5):
        held = fold[pairs.session] == k
        x, y = pairs.x[~held], pairs.y[~held]
        design = np.c_[np.ones(len(x)), x]
        beta = np.linalg.lstsq(design, y, rcond=None)[0]
        at = pairs.y[held], pairs.x[held]
        np.testing.assert_allclose(errors["linear"][held], (at[0] - np.c_[np.ones(len(at[1])), at[1]] @ beta) ** 2)
        np.testing.assert_allclose(errors["mean"][held], (at[0] - y.mean(axis=0)) ** 2)
        np.testing.assert_allclose(errors["constant_drift"][held], (at[0] - at[1] - (y - x).mean(axis=0)) ** 2)
        np.testing.assert_allclose(errors["persistence"][held], (at[0] - at[1]) ** 2)


def test_running_mean_is_of_the_session_so_far() -> None:
    sessions = ragged(2)
    panel = Panel.from_arrays(sessions)
    count, history = running_mean(panel, panel.pairs())
    expected = [(t, s[:t].mean(axis=0)) for s in sessions for t in range(1, len(s))]
    np.testing.assert_array_equal(count, [t for t, _ in expected])
    np.testing.assert_allclose(history, [m for _, m in expected], atol=1e-12)


def test_running_mean_skips_missing_scores() -> None:
    x = np.array([1.0, np.nan, 4.0, 7.0])[:, None]
    panel = Panel.from_arrays([x, np.array([10.0, 20.0])[:, None]])
    count, history = running_mean(panel, panel.pairs())
    assert count.tolist() == [2, 1]
    np.testing.assert_allclose(history.ravel(), [2.5, 10.0])


def test_running_mean_is_shrunk_by_what_is_best_on_the_other_folds() -> None:
    panel = Panel.from_arrays(ragged(3))
    pairs, grams = panel.pairs(), grams_of(panel)
    fold = np.arange(30) % 5
    errors = squared_errors(panel, pairs, grams, pairs.session, fold)["running_mean"]
    count, history = running_mean(panel, pairs)
    rows_fold = fold[pairs.session]
    mean = np.stack([pairs.y[rows_fold != f].mean(axis=0) for f in range(5)])[rows_fold]
    weights = [np.zeros(len(count)) if np.isinf(k) else count / (count + k) for k in SHRINKS]
    tried = np.stack([(pairs.y - mean - w[:, None] * (history - mean)) ** 2 for w in weights])
    for f in range(5):
        for j in range(3):
            best = int(np.argmin(tried[:, rows_fold != f, j].sum(axis=1)))
            np.testing.assert_allclose(errors[rows_fold == f, j], tried[best, rows_fold == f, j])


def test_skill_is_one_minus_the_ratio_of_errors() -> None:
    panel = Panel.from_arrays(three(25, 8, seed=4))
    grams, rng = grams_of(panel), np.random.default_rng(7)
    given = cluster_folds(grams, rng)
    assert given is not None
    skill = held_out_skill(panel, panel.pairs(), grams, panel.pairs().session, fold=given, level=0.95)
    order = np.random.default_rng(7).permutation(25)
    fold = np.empty(25, dtype=int)
    fold[order] = np.arange(25) % 5
    errors = squared_errors(panel, panel.pairs(), grams, panel.pairs().session, fold)
    for name in BASELINES:
        each = 1 - errors["linear"].sum(axis=0) / errors[name].sum(axis=0)
        np.testing.assert_allclose(skill.by_objective[name].value, each, atol=1e-12)
        assert skill.overall[name].value == pytest.approx(each.mean())
        assert skill.overall[name].low < each.mean() < skill.overall[name].high


def test_skill_of_a_loop_and_of_its_absence() -> None:
    # A stationary loop of persistence 0.8: 0.64 over the mean, 0.10 over standing still. Tolerance 5 errors.
    loop = fit(run(0.8, 1.0, sessions=1000, steps=10, seed=5)).estimates
    assert loop["skill.mean"].value == pytest.approx(0.64, abs=0.04)
    assert loop["skill.persistence"].value == pytest.approx(0.10, abs=0.02)
    walk = fit(np.random.default_rng(6).standard_normal((300, 10, 1)).cumsum(axis=1)).estimates
    assert walk["skill.persistence"].value == pytest.approx(0.0, abs=0.02)


def test_one_cluster_leaves_nothing_to_hold_out() -> None:
    panel = Panel.from_arrays(three(1, 8, seed=7))
    assert cluster_folds(grams_of(panel), np.random.default_rng(0)) is None


def test_constant_objective_has_no_skill() -> None:
    x = three(20, 6, seed=8)
    x[:, :, 1] = 2.0
    panel = Panel.from_arrays(x)
    assert "skill.mean" not in fit(panel).estimates
    assert "never changes" in fit(panel).reasons["skill"]
