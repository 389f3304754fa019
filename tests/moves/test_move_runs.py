"""Many runs: known figures, the engine against plain runs, common random numbers, budgets, and the process itself."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopstat.errors import SettingsError
from loopstat.moves.mean_path import mean_path
from loopstat.moves.model import ends
from loopstat.moves.paths import path
from loopstat.moves.process import MovesProcess
from loopstat.moves.runs import Outcomes, outcomes
from loopstat.moves.settings import POLICIES, MoveSettings
from plain_runs import plain_runs

DEFAULTS = MoveSettings()
ARRAYS = ("moves_to_target", "moves_to_good", "false_pass", "good_at_end", "mass_at_end", "moves_made")


def same(a: Outcomes, b: Outcomes) -> bool:
    """Whether two ensembles ended alike."""
    names = (*ARRAYS, "cost", "cost_to_target", "cost_to_good")
    return all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in names)


# ------------------------------------------------------------------------------------ known figures


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "never", "median", "false_pass", "never_good"),
    [
        ({}, 0.0, 101, 0.13, 0.86),
        ({"process": "single"}, 0.937, None, None, None),
        ({"process": "single", "tr_max_radius": 2.0}, 0.0, 106, None, None),
    ],
)
def test_trust_region_defaults(
    change: dict[str, Any], never: float, median: float | None, false_pass: float | None, never_good: float | None
) -> None:
    # 4,000 runs: a share has a standard error of up to 0.008, a median of about one move.
    o = outcomes(MoveSettings(**change))
    assert np.mean(o.moves_to_target < 0) == pytest.approx(never, abs=0.015)
    if median is not None:
        assert np.median(o.moves_to_target) == pytest.approx(median, abs=4)
    if false_pass is not None:
        assert np.nanmean(o.false_pass) == pytest.approx(false_pass, abs=0.005)
    if never_good is not None:
        assert np.mean(o.moves_to_good < 0) == pytest.approx(never_good, abs=0.025)


def test_every_run_passes_with_what_the_oracle_does_not_see() -> None:
    o = outcomes([MoveSettings(tr_max_radius=2, edit_radius=d) for d in (0.2, 1.0, 2.0)], max_moves=1000)
    assert (o.moves_to_target >= 0).all()
    risk = np.nanmean(o.false_pass, axis=1)
    assert 0.05 < risk.min() < risk.max() < 0.23


def test_a_shrinking_radius_walks_only_so_far() -> None:
    o = outcomes(MoveSettings.of(policy="vibe"), replicates=500)
    assert (o.moves_to_target == -1).all()
    assert np.isnan(o.false_pass).all()
    assert np.isnan(o.cost_to_target).all()
    assert (o.moves_made == 400).all()
    assert o.mass_at_end.mean() == pytest.approx(8.7, abs=0.15)
    assert o.good_at_end == pytest.approx(np.exp(-o.mass_at_end))


# ----------------------------------------------------------------------------------------- engine

VARIANTS = [
    {},
    {"tr_max_radius": 2.0},
    {"reviewers": 0},
    {"leniency": 0.4},
    {"order_statistic": "source"},
    {"tr_band": "candidate", "edit_radius": 1.0},
    {"collateral": 0.2},
    {"sigma_r": 0.0},
    {"oracle_resolution": 1.0},
    {"oracle_resolution": 0.0},
    {"candidates": 1, "reviewers": 1, "reviewer_proposals": 0},
    {"tr_window": 7, "tr_a_low": 0.5, "tr_a_high": 0.9},
    {"difficulty": 0.02},
]
ENGINE_CASES = [(p, process, {}) for p in POLICIES for process in ("split", "single", "integer")]
ENGINE_CASES += [("trust-region", process, v) for v in VARIANTS for process in ("split", "single", "integer")]
ENGINE_CASES += [("planner", process, {"plan_moves": 100_000}) for process in ("split", "integer")]


@pytest.mark.parametrize(("policy", "process", "change"), ENGINE_CASES)
@pytest.mark.parametrize("stop", ["good", "target"])
def test_the_engine_does_what_plain_runs_do(policy: str, process: str, change: dict[str, Any], stop: str) -> None:
    s = MoveSettings.of(policy=policy, values={"process": process, **change})
    o, plain = outcomes(s, replicates=300, max_moves=130, stop=stop), plain_runs(s, 300, 130, stop)
    for name in ("moves_to_target", "moves_to_good", "moves_made"):
        assert np.array_equal(getattr(o, name)[0], plain[name]), name
    assert o.mass_at_end[0] == pytest.approx(plain["mass_at_end"], rel=1e-9, abs=1e-12)
    hidden = plain["hidden"]
    risk = np.where(np.isnan(hidden), np.nan, hidden > 0) if process == "integer" else -np.expm1(-hidden)
    assert o.false_pass[0] == pytest.approx(risk, rel=1e-9, abs=1e-12, nan_ok=True)


def test_workers_change_nothing() -> None:
    many = [DEFAULTS, MoveSettings.of(policy="planner"), DEFAULTS.but(process="integer")]
    one = outcomes(many, replicates=2500, max_moves=40)
    assert same(one, outcomes(many, replicates=2500, max_moves=40, workers=3))


def test_settings_that_share_their_numbers_run_as_they_do_alone() -> None:
    many = [DEFAULTS, MoveSettings.of(policy="planner"), DEFAULTS.but(process="integer", seed=5), DEFAULTS.but(b=2.0)]
    together = outcomes(many, replicates=1700, max_moves=[40, 60, 30, 50], stop="target")
    for k, (s, most) in enumerate(zip(many, (40, 60, 30, 50), strict=True)):
        alone = outcomes(s, replicates=1700, max_moves=most, stop="target")
        assert np.array_equal(alone.moves_to_target[0], together.moves_to_target[k])
        assert np.array_equal(alone.mass_at_end[0], together.mass_at_end[k])


@pytest.mark.slow
def test_threads_that_start_at_once_compile_once() -> None:
    program = (
        "from concurrent.futures import ThreadPoolExecutor as Pool\n"
        "from loopstat.moves.runs import outcomes\n"
        "from loopstat.moves.settings import MoveSettings as S\n"
        "from loopstat.moves.engine import run\n"
        "with Pool(4) as pool: list(pool.map(lambda k: outcomes(S(candidates=k), max_moves=2), (1, 2, 3)))\n"
        "outcomes(S.of(policy='planner'), replicates=2, max_moves=2)\n"
        "print(len(run.signatures))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1", "one machine code for all settings"


# ---------------------------------------------------------------------------- common random numbers


@pytest.mark.parametrize("process", ["split", "integer"])
def test_what_does_not_matter_changes_no_run(process: str) -> None:
    s = MoveSettings(reviewers=0, process=process, replicates=200)
    a = outcomes([s, s.but(correlation=0.9), s.but(sigma_r=2.0, leniency=1.0, kappa1=0.4)])
    assert same(a, outcomes([s] * 3))
    mind = MoveSettings(correlation=1.0, reviewer_proposals=0, replicates=200, process=process)
    one = outcomes(mind.but(reviewers=1))
    assert np.array_equal(outcomes(mind).moves_to_target, one.moves_to_target)


def test_a_replicate_does_not_depend_on_what_else_is_run() -> None:
    other = MoveSettings.of(policy="planner")
    alone = outcomes(DEFAULTS, replicates=300)
    both = outcomes([other, DEFAULTS], replicates=900)
    assert np.array_equal(both.moves_to_target[1, :300], alone.moves_to_target[0])
    assert np.array_equal(both.mass_at_end[1, :300], alone.mass_at_end[0])
    assert not np.array_equal(outcomes(DEFAULTS, replicates=300, seed=1).moves_to_target, alone.moves_to_target)
    assert same(outcomes(DEFAULTS.but(seed=1), replicates=300), outcomes(DEFAULTS, replicates=300, seed=1))


def test_common_numbers_make_comparisons_sharper() -> None:
    o = outcomes([DEFAULTS, DEFAULTS.but(candidates=6)], replicates=2000, stop="target")
    a, b = o.moves_to_target
    assert np.mean(b - a) < 0, "a sixth candidate helps"
    assert np.std(b - a) < 0.8 * np.std(b - np.roll(a, 1)), "and is seen to in fewer runs than independent ones take"


# --------------------------------------------------------------------------------- stops and budgets


@pytest.mark.parametrize("process", ["split", "single", "integer"])
def test_stopping_at_the_target_only_cuts_runs(process: str) -> None:
    s = MoveSettings(process=process, target_reliability=0.8, replicates=300)
    long, short = outcomes(s), outcomes(s, stop="target")
    for name in ("moves_to_target", "false_pass", "good_at_end", "mass_at_end"):
        assert np.array_equal(getattr(long, name), getattr(short, name), equal_nan=True), name
    met = short.moves_to_target >= 0
    assert (short.moves_made[met] == short.moves_to_target[met]).all()
    assert (short.moves_made[~met] == 400).all()
    good = long.moves_to_good >= 0
    assert (long.moves_made[good] == long.moves_to_good[good]).all()
    assert (long.moves_to_target[good] <= long.moves_to_good[good]).all()
    assert (long.moves_to_target[good] >= 0).all(), "P_good is never above P_pass"
    assert np.array_equal(short.cost, short.moves_made * s.move_cost)


def test_what_is_left_at_the_stop() -> None:
    o = outcomes(MoveSettings(replicates=400))
    met = o.moves_to_target >= 0
    assert (o.good_at_end <= 1 - o.false_pass)[met].all()
    assert o.good_at_end == pytest.approx(np.exp(-o.mass_at_end))
    p_pass = o.good_at_end[met] / (1 - o.false_pass[met])
    assert (p_pass >= 0.95 - 1e-12).all()
    whole = outcomes(MoveSettings(replicates=400, process="integer"))
    assert set(np.unique(whole.false_pass)) == {0.0, 1.0}
    assert np.array_equal(whole.good_at_end == 1, whole.mass_at_end == 0)
    assert np.array_equal(whole.false_pass > 0, whole.mass_at_end > 0)


def test_a_run_may_be_there_at_the_start() -> None:
    o = outcomes(MoveSettings(difficulty=0.01), replicates=5)
    assert (o.moves_to_target == 0).all()
    assert (o.moves_to_good == 0).all()
    assert (o.cost == 0).all()
    blind = outcomes(MoveSettings(oracle_resolution=0.0), replicates=5, stop="target")
    assert (blind.moves_to_target == 0).all()
    assert blind.false_pass == pytest.approx(1 - np.exp(-12))
    count = outcomes(MoveSettings(difficulty=1.0, process="integer"), replicates=4000)
    assert np.mean(count.moves_to_target == 0) == pytest.approx(np.exp(-0.8), abs=0.03)


def test_an_oracle_that_sees_everything_is_never_wrong() -> None:
    o = outcomes(MoveSettings(oracle_resolution=1.0), replicates=300)
    assert (o.false_pass[o.moves_to_target >= 0] == 0).all()
    assert np.array_equal(o.moves_to_good, o.moves_to_target)


def test_a_budget_pays_for_whole_moves() -> None:
    vibe = MoveSettings.of(policy="vibe")  # 2.1 a move
    assert outcomes([DEFAULTS, vibe], replicates=2, budget=21.0).max_moves.tolist() == [1, 10]
    assert outcomes(vibe, replicates=2, budget=2.09).max_moves.tolist() == [0]
    assert outcomes(vibe, replicates=2, budget=1e9).max_moves.tolist() == [400]
    assert outcomes(vibe.but(cost_generate=0, cost_oracle=0), replicates=2, budget=0).max_moves.tolist() == [400]
    o = outcomes(DEFAULTS, replicates=50, budget=1000)
    assert (o.cost <= 1000).all()
    assert outcomes(vibe.but(cost_generate=0.1, cost_oracle=0.1), replicates=2, budget=0.9).max_moves.tolist() == [3]


def test_moves_for_each_of_the_settings() -> None:
    o = outcomes([DEFAULTS, DEFAULTS], replicates=20, max_moves=[5, 80])
    assert o.max_moves.tolist() == [5, 80]
    assert (o.moves_made[0] == 5).all()
    assert np.array_equal(o.moves_made[1], outcomes(DEFAULTS, replicates=20, max_moves=80).moves_made[0])
    nothing = outcomes(DEFAULTS, replicates=3, max_moves=0)
    assert nothing.mass_at_end.tolist() == [[12.0] * 3]


# --------------------------------------------------------------------------------------------- laws


@given(st.integers(1, 8), st.integers(0, 4), st.floats(0.05, 0.95), st.floats(0.3, 0.98), st.sampled_from(POLICIES))
@settings(max_examples=25, deadline=None)
def test_a_higher_target_is_met_no_earlier(k: int, n: int, r: float, target: float, policy: str) -> None:
    s = MoveSettings.of(policy=policy, values={"candidates": k, "reviewers": n, "oracle_resolution": r})
    s = s.but(target_reliability=target)
    o = outcomes([s, s.but(target_reliability=(1 + target) / 2)], replicates=40, max_moves=80, stop="target")
    low, high = np.where(o.moves_to_target < 0, 10**6, o.moves_to_target)
    assert (low <= high).all()
    assert ((o.mass_at_end >= 0) & (o.good_at_end <= 1)).all()


def test_without_spread_a_run_is_the_mean_path() -> None:
    s = MoveSettings(s0=0.0, sigma_r=0.0)
    exact = mean_path(s, max_moves=60)
    bundle = path(s, replicates=3, max_moves=60)
    assert bundle.figures["mu"].value == pytest.approx(exact.mass[0])
    assert bundle.figures["delta"].low == pytest.approx(exact.radius[0])
    assert bundle.figures["p_pass"].high == pytest.approx(exact.p_pass[0])


# --------------------------------------------------------------------------------------------- paths


@pytest.mark.parametrize("policy", POLICIES)
def test_a_path_is_what_the_process_does(policy: str) -> None:
    # Two thousand runs each, from different random numbers: five standard errors of the difference.
    s = MoveSettings.of(policy=policy)
    way, n = path(s, replicates=2000, max_moves=60), 2000
    panel = MovesProcess(s).simulate(n, steps=61, rng=1)
    state = panel.x.reshape(n, 61, 5)
    for seen, drawn in (
        (way.figures["mu"], state[..., 0] + state[..., 1]),
        (way.figures["p_pass"], ends(state[..., 0], state[..., 1]).p_pass),
        (way.figures["p_false"], ends(state[..., 0], state[..., 1]).p_false),
        (way.figures["delta"], state[..., 2]),
    ):
        error = 5 * drawn.std(axis=0) * np.sqrt(2 / n) + 1e-9
        assert (np.abs(seen.value - drawn.mean(axis=0)) < error).all()
        assert (seen.low <= seen.high).all()


@pytest.mark.parametrize("process", ["split", "integer"])
def test_paths_and_outcomes_are_of_the_same_runs(process: str) -> None:
    s = MoveSettings(process=process, oracle_resolution=0.9, target_reliability=1 - 1e-9, replicates=300, max_moves=30)
    o, way = outcomes(s), path(s)
    assert way.t.tolist() == list(range(31))
    if process == "split":
        assert (o.moves_to_target == -1).all()
        assert o.mass_at_end.mean() == pytest.approx(way.figures["mu"].value[-1])
        assert o.good_at_end.mean() == pytest.approx(way.figures["p_good"].value[-1])
    else:
        assert np.mean(o.moves_to_target == 0) == pytest.approx(way.figures["p_pass"].value[0])


def test_acceptance_on_a_path() -> None:
    way = path(DEFAULTS, replicates=500, max_moves=120)
    a = way.figures["acceptance"]
    assert np.isnan([a.value[0], a.low[0], a.high[0]]).all()
    assert a.value[1] > 0.98
    assert 0.6 < a.value[1:].min() < 0.9
    assert (a.low[1:] <= a.value[1:] + 0.1).all()
    assert set(np.round(10 * a.high[10:], 9)) <= set(range(11)), "shares of windows of ten"
    assert path(DEFAULTS.but(tr_window=10**9), replicates=3, max_moves=4).figures["acceptance"].low.shape == (5,)


def test_probabilities_of_a_path() -> None:
    way = path(MoveSettings(process="integer"), replicates=4000, max_moves=0)
    assert way.figures["p_pass"].value[0] == pytest.approx(np.exp(-9.6), abs=0.001)
    assert way.figures["mu"].value[0] == pytest.approx(12, abs=0.25)
    assert way.figures["p_false"].value[0] == pytest.approx(1 - np.exp(-2.4), abs=0.02)


# ----------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"settings": []}, "at least one MoveSettings"),
        ({"stop": "never"}, "`stop` must be one of good, target"),
        ({"workers": 0}, "`workers` must be a whole number of at least 1"),
        ({"replicates": 0}, "`replicates` must be a whole number of at least 1"),
        ({"replicates": 2.0}, "`replicates` must be a whole number"),
        ({"seed": -1}, "`seed` must be a whole number of at least 0"),
        ({"max_moves": -1}, "`max_moves` must be a whole number"),
        ({"max_moves": [3, 4]}, "one for each of the 1 settings"),
        ({"max_moves": [2.5]}, "`max_moves` must be a whole number"),
        ({"budget": -1.0}, "`budget` must be a finite number of at least 0"),
        ({"budget": float("nan")}, "`budget` must be a finite number"),
        ({"settings": [DEFAULTS, DEFAULTS.but(replicates=7)]}, "`replicates` differs"),
        ({"settings": MoveSettings(process="integer", difficulty=1e5)}, "`difficulty` must be at most 10000"),
    ],
)
def test_bad_input(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        outcomes(given_.pop("settings", DEFAULTS), **given_)
