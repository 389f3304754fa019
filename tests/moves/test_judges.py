"""Judges against known truth: gamma and sigma_r, bounds, and what agreement alone is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loopstat.errors import SettingsError
from loopstat.inference.estimate import Estimate
from loopstat.moves.calibrate.judges import agreement, judge_errors

GAMMA, SIGMA = 0.25, 0.35


def ends(estimate: Estimate) -> list[float]:
    return [float(v) for v in (estimate.value, estimate.low, estimate.high)]


def judged(
    seed: int, *, tasks: int = 164, candidates: int = 10, judges: int = 3, gamma: float = GAMMA
) -> tuple[Any, Any, Any]:
    """Return scores, tasks and truth: candidates of spread 0.31 in tasks of spread 0.6."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(tasks), candidates)
    truth = rng.normal(0, 0.6, tasks)[code] + rng.normal(0, 0.31, len(code))
    own, shared = rng.normal(size=(len(code), judges)), rng.normal(size=(len(code), 1))
    return truth[:, None] + SIGMA * (np.sqrt(gamma) * shared + np.sqrt(1 - gamma) * own), code, truth


@pytest.mark.parametrize("constant", [3.0, 0.1])
def test_a_judge_that_never_varies_is_named_and_has_no_figures(constant: float) -> None:
    rng = np.random.default_rng(4)
    truth, task = rng.standard_normal(90), np.arange(90) // 6
    scores = np.column_stack([truth + rng.standard_normal(90), np.full(90, constant)])
    found = judge_errors(scores, task, truth, names=["one", "two"])
    assert not found.correlation.identifiable
    assert found.correlation.reason.startswith("two never varies")
    assert np.isnan(found.agreement.value)
    assert [s.used for s in found.slopes] == [True, False]
    assert found.slopes[1].to_dict()["correlation"] is None
    assert judge_errors(scores, task, names=["one", "two"]).correlation.reason.startswith("two never varies")


def test_errors_and_scores_are_told_apart() -> None:
    found = [(judge_errors(*judged(s)), agreement(judged(s)[0], np.zeros(1640))) for s in range(8)]
    assert np.mean([f.correlation.value for f, _ in found]) == pytest.approx(GAMMA, abs=0.02)
    assert np.mean([f.sigma_r.value for f, _ in found]) == pytest.approx(SIGMA, abs=0.01)
    assert np.mean([f.agreement.value for f, _ in found]) == pytest.approx(0.58, abs=0.02)
    assert np.mean([raw.value for _, raw in found]) == pytest.approx(0.84, abs=0.02)
    assert sum(f.correlation.estimate.low <= GAMMA <= f.correlation.estimate.high for f, _ in found) >= 6


def test_scales_and_offsets_of_judges_do_not_count() -> None:
    scores, code, truth = judged(0)
    offsets = np.random.default_rng(1).normal(0, 50, (164, 3))[code]
    one = judge_errors(scores, code, truth)
    other = judge_errors(scores * [1, 1000, 0.01] + offsets, code, truth)
    for name in ("correlation", "sigma_r"):
        a, b = (getattr(f, name).estimate for f in (one, other))
        assert ends(a) == pytest.approx(ends(b))
    assert other.slopes[1].slope.value == pytest.approx(1000, rel=0.1)


def test_the_formulas_are_those_of_the_analysis_of_variance() -> None:
    scores, code, truth = judged(2, tasks=20, candidates=4)
    centred = [np.concatenate([v[code == t] - v[code == t].mean(axis=0) for t in range(20)]) for v in (scores, truth)]
    slope = centred[1] @ centred[0] / (centred[1] @ centred[1])
    errors = centred[0] / slope - centred[1][:, None]
    spare = 20 * 3 - 1
    between = 3 * np.sum(errors.mean(axis=1) ** 2) / spare
    inside = np.sum((errors - errors.mean(axis=1, keepdims=True)) ** 2) / (2 * spare)
    found = judge_errors(scores, code, truth)
    assert found.correlation.value == pytest.approx((between - inside) / (between + 2 * inside))
    assert found.sigma_r.value == pytest.approx(np.sqrt((between + 2 * inside) / 3))


def test_without_a_truth_nothing_is_identifiable() -> None:
    scores, code, _ = judged(3)
    found = judge_errors(scores, code)
    assert not found.correlation.identifiable
    assert not found.sigma_r.identifiable
    assert "quality they all see" in found.correlation.reason
    assert found.agreement.value > 0.5


def test_a_truth_of_two_values_gives_an_upper_bound() -> None:
    scores, code, truth = judged(4)
    found = judge_errors(scores, code, (truth > 0.2).astype(float))
    for parameter, true in ((found.correlation, GAMMA), (found.sigma_r, SIGMA)):
        assert parameter.bound == "upper"
        assert not parameter.identifiable
        assert parameter.estimate.high > true
        assert "at most" in str(parameter)


def test_noise_in_the_truth_makes_both_too_large() -> None:
    scores, code, truth = judged(5)
    noisy = truth + SIGMA * np.random.default_rng(6).normal(size=len(truth))
    found = judge_errors(scores, code, noisy)
    assert found.correlation.value > GAMMA + 0.1
    assert "noise in it would make this too large" in found.correlation.reason


def test_a_judge_that_does_not_follow_the_truth_is_left_out() -> None:
    scores, code, truth = judged(7)
    noise = np.random.default_rng(8).normal(size=(len(truth), 1))
    found = judge_errors(np.hstack([scores, noise]), code, truth, names=["a", "b", "c", "dice"])
    assert [s.used for s in found.slopes] == [True, True, True, False]
    assert "Left out, as not surely following the truth: dice" in found.correlation.reason
    assert found.correlation.estimate.low < GAMMA < found.correlation.estimate.high
    alone = judge_errors(np.hstack([scores[:, :1], noise]), code, truth)
    assert not alone.correlation.identifiable
    assert "Two judges that follow the truth are needed" in alone.correlation.reason


@pytest.mark.parametrize(
    ("rows", "judges", "words"),
    [(slice(0, 70), 3, "8 tasks"), (slice(None), 1, "One judge alone"), (slice(0, 0), 3, "No task has two candidates")],
)
def test_too_little(rows: slice, judges: int, words: str) -> None:
    scores, code, truth = judged(9)
    found = judge_errors(scores[rows, :judges], code[rows], truth[rows])
    assert not found.correlation.identifiable
    assert words in found.correlation.reason


def test_gaps_are_left_out_by_row() -> None:
    scores, code, truth = judged(10)
    scores[::7, 0] = np.nan
    found = judge_errors(scores, code, truth)
    keep = np.isfinite(scores[:, 0])
    assert found.correlation.value == pytest.approx(
        judge_errors(scores[keep], code[keep], truth[keep]).correlation.value
    )
    assert found.correlation.n_samples == int(keep.sum())


def test_the_order_of_rows_and_names_of_tasks_do_not_count() -> None:
    scores, code, truth = judged(11)
    order = np.random.default_rng(12).permutation(len(code))
    named = np.array([f"task {k}" for k in code])
    a = judge_errors(scores, code, truth).correlation.estimate
    b = judge_errors(scores[order], named[order], truth[order]).correlation.estimate
    assert ends(a) == pytest.approx(ends(b))


def test_scores_that_do_not_vary_have_no_agreement() -> None:
    assert np.isnan(agreement(np.ones((20, 2)), np.arange(20) // 2).value)


def test_refusals() -> None:
    with pytest.raises(SettingsError, match="one row per candidate"):
        judge_errors(np.zeros(5), np.zeros(5))
    with pytest.raises(SettingsError, match="one row per candidate"):
        judge_errors(np.zeros((5, 2)), np.zeros(5), np.zeros(4))
