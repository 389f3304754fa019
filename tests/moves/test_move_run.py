"""Simulating one loop: the known figures, the form of the JSON, and that its parts agree with one another."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from loopstat.moves.fit import SCHEMA, MovesRun, run_moves
from loopstat.moves.runs import outcomes
from loopstat.moves.settings import MoveSettings

PROMISED = {
    *("schema", "settings", "ceiling", "levers", "moves_to_target", "cost_to_target", "moves_to_good"),
    *("false_pass_at_stop", "path", "mean_path", "efficiency", "checks", "verdict"),
}
ARRIVALS = {"median", "q05", "q95", "never"}


@pytest.fixture(scope="module")
def defaults() -> MovesRun:
    return run_moves(MoveSettings())


@pytest.fixture(scope="module")
def data(defaults: MovesRun) -> dict[str, Any]:
    return defaults.to_dict()


@pytest.mark.slow
def test_known_figures_of_the_trust_region(defaults: MovesRun) -> None:
    # 4,000 runs: standard errors 0.005 of `never`, about 0.2 moves of the median, 0.001 of the risk.
    assert float(defaults.moves_to_target.never.value) == 0.0
    assert float(defaults.moves_to_target.median.value) == pytest.approx(101, abs=1)
    assert float(defaults.false_pass_at_stop.value) == pytest.approx(0.13, abs=0.005)
    assert float(defaults.moves_to_good.never.value) == pytest.approx(0.865, abs=0.015)
    assert defaults.verdict.action == "passes_only"


@pytest.mark.slow
def test_known_figures_of_one_mass() -> None:
    one = run_moves(MoveSettings(process="single"))
    assert float(one.moves_to_target.never.value) == pytest.approx(0.94, abs=0.012)
    assert one.to_dict()["moves_to_target"]["median"] is None
    assert one.verdict.action == "stalls"
    wide = run_moves(MoveSettings(process="single", tr_max_radius=2))
    assert float(wide.moves_to_target.median.value) == pytest.approx(106, abs=2)
    assert wide.to_dict()["ceiling"]["single_runs"] == {
        "never": 0.0,
        "never_good": pytest.approx(0, abs=1e-3),
        "max_radius": 2,
    }


def test_the_json_has_what_is_promised(data: dict[str, Any]) -> None:
    assert set(data) >= PROMISED
    assert data["schema"] == SCHEMA == "loopstat.moves/1"
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert set(data["ceiling"]) >= {"p_pass", "p_good", "mu", "delta", "reachable", "travel", "single_runs"}
    for name in ("moves_to_target", "cost_to_target", "moves_to_good", "cost_to_good"):
        assert set(data[name]) >= ARRIVALS | {f"{a}_{end}" for a in ARRIVALS for end in ("low", "high")}
    assert [set(lever) for lever in data["levers"]] == [{"name", "value", "needed", "best"}] * 6
    assert set(data["levers"][0]["best"]) == {"value", "p_pass", "p_good"}
    assert set(data["mean_path"]) == {"t", "mu", "p_pass", "p_good", "delta"}
    for name in ("mu", "p_pass", "p_good", "p_false", "delta", "acceptance"):
        assert len(data["path"][name]) == len(data["path"][f"{name}_low"]) == len(data["path"]["t"]) == 401
    assert data["levers_together"]["p_pass"] == pytest.approx(0.841, abs=5e-4)
    assert set(data["verdict"]) == {"action", "sentence"}
    assert MoveSettings(**data["settings"]) == MoveSettings()


def test_never_is_null_where_a_quantile_lies_beyond(data: dict[str, Any]) -> None:
    good = data["moves_to_good"]
    assert good["median"] is good["q95"] is good["mean"] is None
    assert good["q05"] is not None
    assert 0.85 < good["never_low"] < good["never"] < good["never_high"] < 0.89


def test_cost_is_moves_at_the_price_of_a_move(data: dict[str, Any]) -> None:
    price = 8 * (1 + 0.2 * 3) + 0.1
    assert data["move_cost"] == pytest.approx(price)
    for end in ("", "_low", "_high"):
        assert data["cost_to_target"][f"q95{end}"] == pytest.approx(price * data["moves_to_target"][f"q95{end}"])
    assert data["cost_to_target"]["never"] == data["moves_to_target"]["never"]
    assert data["path"]["cost"][10] == pytest.approx(10 * price)
    assert data["efficiency"]["per_cost"][5] == pytest.approx(data["efficiency"]["per_move"][5] / price)
    assert data["efficiency"]["at_stop"] == pytest.approx(data["efficiency"]["at_stop_per_move"] / price)


def test_efficiency_is_defects_removed(defaults: MovesRun) -> None:
    mass = defaults.path.figures["mu"].value
    assert np.nansum(defaults.efficiency.per_move) == pytest.approx(12 - mass[-1])
    runs = outcomes(MoveSettings())
    each = (12 - runs.mass_at_end[0]) / runs.moves_to_target[0]
    assert float(defaults.efficiency.at_stop_per_move.value) == pytest.approx(each.mean())


def test_single_runs_go_past_the_mean_path(data: dict[str, Any]) -> None:
    assert data["ceiling"]["p_pass"] == pytest.approx(0.7108, abs=1e-4)
    assert data["ceiling"]["reachable"] is False
    assert data["mean_path"]["p_pass"][-1] == pytest.approx(0.7108, abs=1e-4)
    assert data["path"]["p_pass"][-1] > 0.99
    assert data["path"]["p_good"][-1] < 0.95


@pytest.mark.slow
def test_counts_arrive_at_the_first_actual_pass() -> None:
    counted = run_moves(MoveSettings(process="integer", replicates=500, max_moves=150))
    out = counted.to_dict()
    # Every run stops, and is good there or hides something: shares of the same runs.
    assert out["good_at_stop"] + out["false_pass_at_stop"] == pytest.approx(1)
    assert "first actual pass" in counted.check("reading").message
    assert out["moves_to_target"]["median"] <= out["moves_to_good"]["median"]


@pytest.mark.slow
def test_nothing_is_said_of_stops_that_never_come() -> None:
    vibe = run_moves(MoveSettings.of(policy="vibe", values={"replicates": 50, "max_moves": 30}))
    out = vibe.to_dict()
    assert out["false_pass_at_stop"] is None
    assert out["efficiency"]["at_stop"] is None
    assert out["best_radius"] == {"at_start": None, "at_ceiling": None}
    assert out["ceiling"]["travel"]["mu"] == pytest.approx(8.70, abs=0.01)
    assert out["ceiling"]["floor"]["p_pass"] == pytest.approx(0.47, abs=0.005)
    assert 0 < out["good_at_stop"] < 1e-3
    assert vibe.verdict.action == "stalls"


@pytest.mark.slow
def test_collateral_damage_names_a_best_radius() -> None:
    out = run_moves(MoveSettings(collateral=0.1, replicates=20, max_moves=20)).to_dict()
    assert out["best_radius"]["at_start"] > out["best_radius"]["at_ceiling"] > 0


@pytest.mark.slow
def test_at_the_target_from_the_start() -> None:
    out = run_moves(MoveSettings(difficulty=0.03, replicates=20, max_moves=5)).to_dict()
    assert (out["moves_to_target"]["median"], out["cost_to_target"]["median"]) == (0, 0)
    assert out["efficiency"]["at_stop"] is None
    assert out["ceiling"]["reachable"]
    assert out["verdict"]["action"] == "good"


@pytest.mark.slow
def test_free_moves_have_no_efficiency() -> None:
    free = MoveSettings(cost_generate=0, cost_review=0, cost_oracle=0, replicates=100, max_moves=150)
    out = run_moves(free).to_dict()
    assert out["cost_to_target"]["median"] == 0
    assert out["efficiency"]["at_stop"] is None
    assert out["efficiency"]["at_stop_per_move"] > 0


@pytest.mark.slow
def test_the_sensitivity_is_added_on_request(data: dict[str, Any]) -> None:
    assert data["sensitivity"] is None
    small = MoveSettings(difficulty=3.0, target_reliability=0.5, edit_radius=0.8, replicates=50, max_moves=200)
    with_steps = run_moves(small, sensitivity=True)
    assert with_steps.sensitivity is not None
    names = [effect["name"] for effect in with_steps.to_dict()["sensitivity"]]
    assert {"candidates", "model_prior", "a1"} <= set(names)
    assert {**with_steps.to_dict(), "sensitivity": None} == run_moves(small).to_dict()


@pytest.mark.slow
def test_the_same_settings_give_the_same_file(data: dict[str, Any]) -> None:
    small = MoveSettings(replicates=300, max_moves=60)
    assert run_moves(small).to_dict() == run_moves(small, workers=2).to_dict()
    assert run_moves(small).to_dict() != run_moves(small.but(seed=1)).to_dict()
