"""Every check: a loop it lets pass, data it must refuse, and what it says."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

from loopstat import Labels, LinearDrift, Objective, Panel
from loopstat.drift.checks import RULES, duplicate_share
from simulated import fit, keep_the_better, run, three


def clean() -> Panel:
    return Panel.from_arrays(three(60, 10, seed=1))


@pytest.mark.slow
def test_a_clean_loop_passes_everything_in_order() -> None:
    found = fit(clean())
    assert tuple(c.name for c in found.checks) == tuple(r.name for r in RULES)
    assert [c.name for c in found.checks if not c.passed] == []


@pytest.mark.parametrize("sessions", [9, 10])
def test_few_sessions(sessions: int) -> None:
    check = fit(three(sessions, 8, seed=2)).check("few_sessions")
    assert (check.value, check.limit, check.passed) == (sessions, 10, sessions >= 10)


def test_one_single_session_is_few_however_long() -> None:
    check = fit(three(1, 400, seed=3)).check("few_sessions")
    assert not check.passed
    assert check.message.startswith("One single session")


def test_collinear() -> None:
    x = three(60, 10, seed=4)
    x[:, :, 2] = x[:, :, 0] + 0.01 * x[:, :, 1]
    x[:, :, 2] += 0.01 * np.random.default_rng(0).standard_normal(x.shape[:2])
    check = fit(x).check("collinear")
    assert not check.passed
    assert check.value is not None
    assert check.value > 30


def test_collinear_is_the_condition_index_of_the_correlations() -> None:
    # Two objectives correlated at r: sqrt((1 + r)/(1 - r)), Belsley, Kuh and Welsch (1980).
    panel = clean()
    x = panel.pairs().x[:, :2]
    r = np.corrcoef(x.T)[0, 1]
    two = Panel.from_arrays(three(60, 10, seed=1)[:, :, :2])
    assert fit(two).check("collinear").value == pytest.approx(np.sqrt((1 + abs(r)) / (1 - abs(r))))


def test_unit_root() -> None:
    walk = np.random.default_rng(5).standard_normal((60, 10, 2)).cumsum(axis=1)
    check = fit(walk).check("unit_root")
    assert not check.passed
    assert check.value is not None
    assert check.value >= 1


def test_at_bounds_counts_the_share_at_the_end_of_the_range() -> None:
    x = np.minimum(three(60, 10, seed=6), [5.5, 99, 99])
    share = (x[:, 1:, 0] == 5.5).mean()
    check = fit(x).check("at_bounds")
    assert check.value == pytest.approx(share)
    assert not check.passed
    assert "x1" in check.message
    bounded = Panel.from_arrays(x, objectives=[Objective("a", high=50.0), Objective("b"), Objective("c")])
    assert fit(bounded).check("at_bounds").passed  # a bound was stated, and nothing is near it


def test_time_varying_finds_a_first_step_of_another_kind() -> None:
    x = three(60, 10, seed=7)
    x[:, 1:] += 1.0 * 0.5 ** np.arange(9)[:, None]  # the first step jumps by one, and the loop forgets it
    check = fit(x).check("time_varying")
    assert not check.passed
    assert "--from-step" in check.message
    assert fit(Panel.from_arrays(three(60, 10, seed=7))).check("time_varying").passed


def test_time_varying_finds_another_slope_around_the_same_mean() -> None:
    # Persistence 0.8 in the first half and 0.2 in the second: residuals average to zero throughout.
    noise = np.random.default_rng(7).standard_normal((200, 11, 1))
    x = np.zeros_like(noise)
    x[:, 0] = 2 * noise[:, 0]
    for t in range(10):
        x[:, t + 1] = (0.8 if t < 5 else 0.2) * x[:, t] + noise[:, t + 1]
    assert not fit(x).check("time_varying").passed


@pytest.mark.slow
def test_time_varying_rarely_cries_wolf() -> None:
    # Nominal 0.05; 60 panels of 20 sessions have a standard error of 0.03: above 0.15 once in 1,500 seeds.
    failed = [not fit(three(20, 8, seed=[s, 8])).check("time_varying").passed for s in range(60)]
    assert np.mean(failed) <= 0.15


def stopping(bar: float, seed: int = 9) -> list[np.ndarray]:
    x = run(0.7, 1.0, start=-1.0, spread=0.1, sessions=80, steps=12, seed=seed)
    hit = x[:, :, 0] >= bar
    return [s[: (h.argmax() if h.any() else 11) + 1] for s, h in zip(x, hit, strict=True)]


def test_stops_on_success_reads_the_bar_off_the_data() -> None:
    sessions = stopping(1.0)
    early = np.mean([len(s) < 12 for s in sessions])
    found = fit(sessions)
    check = found.check("stops_on_success")
    assert not check.passed
    assert check.value == pytest.approx(early, abs=0.05)


def test_stops_on_success_where_smaller_is_better() -> None:
    sessions = [-s for s in stopping(1.0)]
    down = Panel.from_arrays(sessions, objectives=[Objective("errors", maximize=False)])
    assert not fit(down).check("stops_on_success").passed


def test_sessions_cut_at_random_do_not_stop_on_success() -> None:
    lengths = np.random.default_rng(10).integers(3, 11, 80)
    sessions = [s[:n] for s, n in zip(three(80, 10, seed=10), lengths, strict=True)]
    assert fit(sessions).check("stops_on_success").passed


def test_stops_on_success_believes_the_log() -> None:
    panel = clean()
    ended = Labels.of(["target" if s < 10 else "budget" for s in panel.session.tolist()])
    check = fit(replace(panel, labels={"ended": ended})).check("stops_on_success")
    assert check.value == pytest.approx(10 / 60)
    assert not check.passed


def test_survivors_only() -> None:
    panel = keep_the_better(40, 10, mean=-0.2, sd=1.0, seed=11)
    assert fit(panel).check("survivors_only").passed
    assert not fit(replace(panel, accepted=np.ones(len(panel), dtype=bool))).check("survivors_only").passed
    assert not fit(replace(panel, survivors_only=True)).check("survivors_only").passed


def test_duplicate_sessions() -> None:
    x = three(60, 8, seed=12)
    x[50:] = x[:10]
    check = fit(x).check("duplicate_sessions")
    assert check.value == pytest.approx(10 / 60)
    assert not check.passed


def test_duplicates_of_coarse_scores_are_no_copies() -> None:
    x = np.random.default_rng(13).integers(0, 3, (300, 4, 1)).astype(float)
    assert duplicate_share(Panel.from_arrays(x)) > 0.05
    assert fit(x).check("duplicate_sessions").passed


def test_constant_objective_stops_the_fit_and_nothing_else() -> None:
    x = three(60, 8, seed=14)
    x[:, :, 1] = 3.0
    found = fit(x)
    assert not found.check("constant").passed
    assert "x2 never changes" in found.check("constant").message
    assert found.model is None
    assert found.estimates["kept_end.mean"].value[1] == 3.0


def test_no_transition_at_all() -> None:
    found = fit([np.zeros((1, 2)), np.ones((1, 2))])
    assert not found.check("constant").passed
    assert found.counts["n_transitions"] == 0


def test_checks_carry_plain_sentences() -> None:
    for panel in (clean(), Panel.from_arrays(np.zeros((3, 4, 1))), keep_the_better(20, 6, mean=0.0, sd=1.0, seed=15)):
        for check in LinearDrift("pooled", n_boot=0).fit(panel).checks:
            assert check.message.endswith((".", "(--cluster)."))
            assert "nan" not in check.message.lower()


@pytest.mark.parametrize(("factor", "passed"), [(5000.0, False), (5.0, True)])
def test_tasks_on_different_scales_are_named_with_the_remedy(factor: float, passed: bool) -> None:
    x = three(40, 8, seed=3)
    x[20:, :, 1] *= factor
    panel = Panel.from_arrays(x, labels={"task": ["a"] * 10 + ["b"] * 10 + ["large"] * 20})
    check = fit(panel).check("tasks_on_scales")
    assert check.passed == passed
    if not passed:
        assert "x2" in check.message
        assert "--by task" in check.message


def test_no_upper_end_is_said_in_words_and_tiny_scores_overflow_nothing() -> None:
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for panel in (rng.standard_normal((1, 6, 2)), rng.standard_normal((2, 3, 2)), 1e-160 * np.ones((3, 4, 2))):
            found = fit(panel)
            said = [*found.reasons.values(), *(c.message for c in found.checks)]
            assert not any(re.search(r"\bnan\b|reaches -", sentence) for sentence in said)
        fit(1e-160 * rng.standard_normal((1, 6, 2)))
