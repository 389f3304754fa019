"""Frontiers, the worth of a reviewer, sensitivities and plans: laws they obey, and figures that can be derived."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from loopstat.errors import SettingsError
from loopstat.inference.differences import Medians, Paired
from loopstat.moves.model import MoveLaw
from loopstat.moves.runs import outcomes
from loopstat.moves.settings import MoveSettings
from loopstat.moves.sweep.frontier import frontier
from loopstat.moves.sweep.goals import Goal
from loopstat.moves.sweep.planning import FRESH, plan
from loopstat.moves.sweep.reviewer_value import improvement_threshold, reviewer_value
from loopstat.moves.sweep.sensitivity import sensitivity, step
from loopstat.moves.sweep.sweep import Sweep, with_policy

FEW = {"policy": ["trust-region"], "candidates": [1, 4], "reviewers": [0, 2], "edit_radius": [0.2, 1.0]}
BASE = MoveSettings(max_moves=200)


# ------------------------------------------------------------------------------------ paired figures


def test_paired_intervals_cover() -> None:
    # 400 samples of 50: coverage of a 95 % interval is in 0.92-0.98 with probability above 0.99.
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        common = rng.standard_normal(50)
        a, b = np.exp(common + 0.1 * rng.standard_normal(50)), np.exp(common + 0.1 * rng.standard_normal(50))
        e = (Paired.log_mean(a) - Paired.log_mean(b)).estimate()
        hits += bool(e.low <= 0 <= e.high)
    assert 0.92 <= hits / 400 <= 0.98


def test_paired_is_narrower_than_apart() -> None:
    rng = np.random.default_rng(1)
    common = rng.standard_normal(500)
    a, b = Paired.mean(common + 1), Paired.mean(common + 0.01 * rng.standard_normal(500))
    assert (a - b).error < a.error / 10


def test_medians_are_those_of_the_runs() -> None:
    when = np.array([[3.0, 1.0, 2.0, np.inf, np.inf], [np.inf] * 5])
    medians = Medians.of(when, rng=np.random.default_rng(0))
    assert medians.value.tolist() == [3.0, np.inf]
    assert np.isnan(float(medians.log_ratio(1, 1).value))
    assert float(medians.log_ratio(0, 1).value) == -np.inf


@pytest.mark.slow
def test_a_sweep_is_one_call() -> None:
    many = [BASE.but(candidates=k % 5 + 1, correlation=k / 100) for k in range(70)]
    said: list[tuple[int, int, str]] = []
    parts = Sweep.over(many, replicates=20, seed=3, progress=lambda *step: said.append(step)).runs
    whole = outcomes(many, replicates=20, seed=3, stop="target")
    assert parts.settings == whole.settings
    assert np.array_equal(parts.moves_made, whole.moves_made)
    np.testing.assert_allclose(parts.good_at_end, whole.good_at_end, rtol=1e-9)
    assert said[0] == (0, 70, "settings")
    assert said[-1] == (70, 70, "settings")


# ------------------------------------------------------------------------------------------ frontier


@pytest.mark.slow
def test_frontier() -> None:
    found = frontier(BASE, candidates=[1, 5], reviewers=[0, 3], replicates=200)
    assert len(found.points) == 3 * 2 * 2
    for p in found.points:
        beaten = [
            q
            for q in found.points
            if q.cost.value <= p.cost.value
            and q.good.value >= p.good.value
            and (q.cost.value < p.cost.value or q.good.value > p.good.value)
        ]
        assert p.front_cost == (not beaten)
        assert float(p.cost.value) == pytest.approx(float(p.moves.value) * p.move_cost)
    costs = [float(p.cost.value) for p in found.front()]
    assert costs == sorted(costs)
    assert found.front("moves")
    data = found.to_dict()
    assert data["schema"] == "loopstat.moves-frontier/1"
    assert json.dumps(data, allow_nan=False)
    assert data == frontier(BASE, candidates=[5, 1, 1], reviewers=[3, 0], replicates=200).to_dict()


def test_without_reviewers_more_candidates_only_cost() -> None:
    one, many = frontier(BASE, candidates=[1, 6], reviewers=[0], policies=["trust-region"], replicates=100).points
    assert float(one.moves.value) == float(many.moves.value)
    assert float(one.cost.value) < float(many.cost.value)
    assert one.front_cost
    assert not many.front_cost
    assert one.sure_cost == 1.0


@pytest.mark.parametrize(
    ("bad", "word"),
    [({"candidates": []}, "candidates"), ({"candidates": [0]}, "candidates"), ({"policies": ["greedy"]}, "policy")],
)
def test_frontier_refuses(bad: dict[str, list[object]], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        frontier(BASE, replicates=20, **bad)  # type: ignore[arg-type]


def test_a_trust_region_starts_within_its_radius() -> None:
    assert with_policy(MoveSettings(policy="vibe", edit_radius=1.7), "trust-region").edit_radius == 1.0


# ---------------------------------------------------------------------------------- one more reviewer


def test_reviewer_value() -> None:
    value = reviewer_value(BASE, correlations=[0, 0.9, 1], reviewers=[0, 3], replicates=300)
    first = {r.correlation: r for r in value.rows if r.reviewers == 0}
    # One reviewer agrees with itself: gamma says nothing about going from none to one.
    assert first[0.0].moves.value == first[1.0].moves.value
    assert first[0.0].improvement == first[1.0].improvement
    more = [r for r in value.rows if r.reviewers == 3]
    s = BASE.but(reviewers=4, correlation=0.9)
    assert more[1].improvement == pytest.approx(
        float(MoveLaw.of(s, 12.0).expected) - float(MoveLaw.of(s.but(reviewers=3), 12.0).expected)
    )
    assert more[0].improvement > more[1].improvement > more[2].improvement
    assert more[0].good.value > more[2].good.value
    assert json.dumps(value.to_dict(), allow_nan=False)
    assert "3 to 4 reviewers" in value.verdict


def test_reviewer_who_is_a_copy_and_proposes_nothing_only_costs() -> None:
    row = reviewer_value(BASE.but(reviewer_proposals=0), correlations=[1], replicates=50).rows[0]
    assert row.improvement == 0
    assert float(row.moves.value) == 0
    assert float(row.good.value) == 0
    assert row.price == math.inf
    assert float(row.cost_ratio.value) == pytest.approx((5 * 1.8 + 0.1) / (5 * 1.6 + 0.1))


def test_threshold_is_where_the_closed_form_says() -> None:
    # Free reviews that add no candidates always pay; those that cost as much as a candidate never do here.
    free = BASE.but(reviewer_proposals=0, cost_review=0.0)
    assert improvement_threshold(free, 2) == 1.0 - 1 / 200 or improvement_threshold(free, 2) == 1.0
    assert improvement_threshold(BASE.but(cost_review=1.0), 3) == 0.0
    cheap = BASE.but(reviewer_proposals=0, cost_review=0.002, edit_radius=1.0)
    gamma = improvement_threshold(cheap, 2)
    assert 0 < gamma < 1

    def worth(g: float) -> float:
        two, three = (cheap.but(correlation=g, reviewers=n) for n in (2, 3))
        each = [float(MoveLaw.of(s, s.difficulty).expected) / s.move_cost for s in (two, three)]
        return each[1] - each[0]

    assert worth(gamma - 0.02) > 0 > worth(gamma + 0.02)


# ---------------------------------------------------------------------------------------- sensitivity


def test_sensitivity() -> None:
    found = sensitivity(BASE, replicates=200)
    by_name = {e.name: e for e in found.effects}
    for unread in ("decay_rate", "plan_moves", "plan_human_step"):
        assert float(by_name[unread].log_cost.value) == 0
        assert float(by_name[unread].good.value) == 0
    # Costs scale exactly, and nothing else changes.
    price = by_name["cost_oracle"]
    pool = 8 * (1 + 0.2 * 3)
    assert float(price.log_cost.value) == pytest.approx(math.log((pool + 0.11) / (pool + 0.09)))
    assert float(price.log_moves.value) == 0
    assert float(by_name["difficulty"].log_moves.low) > 0
    assert float(by_name["oracle_resolution"].good.low) > 0
    sizes = [e.size for e in found.effects]
    assert sizes == sorted(sizes, reverse=True)
    assert json.dumps(found.to_dict(), allow_nan=False)
    assert found.effects[0].name in found.verdict


def test_steps_stay_in_range() -> None:
    for settings in (BASE, MoveSettings.of(policy="vibe"), BASE.but(human_prior=1.0, edit_radius=1.0, reviewers=0)):
        for effect in sensitivity(settings, replicates=20).effects:
            assert effect.lower <= effect.value <= effect.upper
            assert effect.lower < effect.upper
    from loopstat.moves.settings import PARAMETERS

    assert step(BASE, PARAMETERS["human_prior"]) == (0.5, 0.7)
    assert step(BASE.but(reviewers=0), PARAMETERS["reviewers"]) == (0.0, 1.0)


# ----------------------------------------------------------------------------------------------- plan


def test_plan_under_a_budget_is_the_best_of_all() -> None:
    found = plan(BASE, budget=250, search=FEW, replicates=400)
    assert found.works
    assert found.reliability is None
    assert float(found.best.cost.value) <= 250
    # Brute force over the plans searched, on the fresh numbers: none is clearly better.
    team = {"reviewer_proposals": 0}
    for K in (1, 4):
        for N in (0, 2):
            for radius in (0.2, 1.0):
                s = BASE.but(candidates=K, reviewers=N, edit_radius=radius, **team)
                runs = outcomes(s, replicates=400, seed=FRESH, budget=250.0, stop="target")
                e = Paired.mean(runs.good_at_end[0]).estimate()
                assert float(e.low) <= float(found.best.good.high)
    for other in found.runners_up:
        assert other.same_as_best == (other.against_best.low <= 0 <= other.against_best.high)
    data = found.to_dict()
    assert data["schema"] == "loopstat.moves-plan/1"
    assert json.dumps(data, allow_nan=False)
    assert data == plan(BASE, budget=250, search=FEW, replicates=400).to_dict()


def test_final_figures_are_fresh() -> None:
    found = plan(BASE, budget=250, search=FEW, replicates=200)
    again = outcomes(found.best_settings, replicates=200, seed=BASE.seed + FRESH, budget=250.0, stop="target")
    assert float(found.best.good.value) == pytest.approx(float(again.good_at_end.mean()))


def test_more_money_is_no_worse() -> None:
    goods = [plan(BASE, budget=b, search=FEW, replicates=400).best.good for b in (20, 60, 250)]
    assert goods[0].value < goods[1].value < goods[2].value


def test_cheapest_reliable_plan() -> None:
    found = plan(BASE, reliability=0.9, judge="p_pass", search=FEW, replicates=400)
    assert found.works
    assert float(found.best.reached.low) >= 0.9
    assert (found.best.candidates, found.best.reviewers) == (1, 0)  # nothing is cheaper than one candidate, unreviewed
    assert "Cheapest" in found.verdict
    assert not found.levers


@pytest.mark.slow
def test_nothing_works() -> None:
    found = plan(BASE, reliability=0.9, search=FEW, replicates=200)
    assert not found.works
    assert "No plan" in found.verdict
    assert {x.name for x in found.levers} >= {"human_prior", "reviewers", "tr_max_radius"}
    assert float(found.best.reached.value) == max(float(f.reached.value) for f in (found.best, *found.runners_up))
    radius = next(x for x in found.levers if x.name == "tr_max_radius")
    assert radius.value == 2.0
    assert radius.reached.value > found.best.reached.value


def test_both_at_once() -> None:
    found = plan(BASE, budget=120, reliability=0.5, judge="p_pass", search=FEW, replicates=200)
    assert found.works
    assert float(found.best.cost.value) <= 120


def test_who_proposes_makes_no_difference() -> None:
    same = {"candidates": [1, 3], "reviewers": [2], "reviewer_proposals": [0, 1], "edit_radius": [0.2]}
    found = plan(BASE, budget=300, search={"policy": ["trust-region"], **same}, replicates=100)
    assert found.searched == 3  # pools of 1, 3 and 5: three candidates, or one and one of each reviewer


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ({}, "budget or a reliability"),
        ({"budget": 0.5}, "at least one move of the cheapest plan, 1.1"),
        ({"budget": -1}, "budget"),
        ({"budget": math.nan}, "budget"),
        ({"budget": math.inf}, "budget"),
        ({"budget": True}, "budget"),
        ({"budget": "100"}, "budget"),
        ({"reliability": 1.0}, "reliability"),
        ({"reliability": 0.0}, "reliability"),
        ({"reliability": math.nan}, "reliability"),
        ({"budget": 100, "judge": "p_god"}, "did you mean `p_good`"),
        ({"budget": 100, "search": {"candidate": [1]}}, "did you mean `candidates`"),
        ({"budget": 100, "search": {"candidates": [0]}}, "candidates"),
        ({"budget": 100, "search": {"candidates": []}}, "candidates"),
        ({"budget": 100, "search": {"edit_radius": [math.nan]}}, "edit_radius"),
        ({"budget": 100, "search": {"policy": ["trust-region"], "edit_radius": [2.0]}}, "tr_max_radius"),
    ],
)
def test_plan_refuses(bad: dict[str, object], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        plan(BASE, replicates=20, **bad)  # type: ignore[arg-type]


def test_free_moves_are_bounded_by_the_moves() -> None:
    free = BASE.but(cost_generate=0, cost_review=0, cost_oracle=0)
    found = plan(free, budget=1, search=FEW, replicates=100)
    assert float(found.best.cost.value) == 0
    assert found.works


def test_a_reliable_plan_survives_cheap_doubtful_ones() -> None:
    goal = Goal.of(None, 0.9, "p_pass")
    runs = outcomes([BASE.but(candidates=k) for k in range(1, 7)], replicates=40, stop="target", max_moves=120)
    # Made up: the first five are cheap and fall just short, the last is dear and sure.
    to = np.where(np.arange(40) < 34, 10, -1) * np.ones((6, 1), dtype=int)
    to[5] = 10
    made = np.arange(1, 7)[:, None] * np.ones((6, 40), dtype=int)
    kept = goal.keep(dataclasses.replace(runs, moves_to_target=to, moves_made=made), 3)
    assert 5 in kept
