"""Decisions: known best steps, sentences, prices, groups, JSON there and back, tables that hardly say anything."""

from __future__ import annotations

import numpy as np
import pytest

import loopstat as ls
from loopstat.decide.settings import MeanCurve
from loopstat.io.recordings import path


def climb(
    steps: int = 8, sessions: int = 60, *, seed: int = 0, gains: tuple[float, ...] = (1.0, 0.5, 0.25)
) -> ls.Panel:
    """Return sessions whose mean gains a known amount at each step and nothing after."""
    rng = np.random.default_rng(seed)
    mean = np.concatenate([[0.0], np.cumsum(gains), np.full(steps, np.sum(gains))])[: steps + 1]
    x = mean + rng.normal(size=(sessions, 1)) + 0.3 * rng.normal(size=(sessions, steps + 1))
    return ls.Panel.from_arrays(x[:, :, None], objectives=["score"])


@pytest.mark.parametrize(("price", "step"), [(0.1, 3), (0.35, 2), (0.7, 1), (2.0, 0)])
def test_the_best_step_is_where_steps_stop_paying(price: float, step: int) -> None:
    d = MeanCurve(price=price).fit(climb()).decision
    assert (d.action, d.step) == ("stop", step)
    assert d.price_low < price < d.price_high
    assert d.loss <= d.loss_high
    assert d.sentence.startswith(f"stop after step {step}")


def test_a_steady_climb_goes_on_beyond_the_record() -> None:
    rng = np.random.default_rng(1)
    x = 0.5 * np.arange(9) + 0.3 * rng.normal(size=(60, 9))
    d = MeanCurve(price=0.02).fit(ls.Panel.from_arrays(x[:, :, None])).decision
    assert (d.action, d.step, d.recorded, d.extrapolated) == ("go_on", 12, 8, True)


def test_the_price_map_finds_what_steps_are_worth() -> None:
    stretches = MeanCurve().fit(climb(sessions=400)).price_map
    assert [s.to for s in stretches][:3] == [1, 2, 3]
    for stretch, worth in zip(stretches, (1.0, 0.5, 0.25, 0.0), strict=True):
        assert stretch.worth.low <= worth <= stretch.worth.high


def test_single_objectives_may_want_other_steps() -> None:
    rng = np.random.default_rng(2)
    t = np.arange(8)
    x = np.stack([1.0 * (t >= 1), -0.4 * t], axis=1) + 0.3 * rng.normal(size=(80, 8, 2))
    d = MeanCurve().fit(ls.Panel.from_arrays(x, objectives=["up", "down"])).decision
    assert [o.objective for o in d.objectives] == ["up", "down"]
    up, down = d.objectives
    assert down.step == 0 < up.step
    assert down in d.disagreeing or up in d.disagreeing


def test_groups_share_one_price_and_come_back_from_json() -> None:
    panel = ls.Panel.concat([climb(seed=1), climb(seed=2, gains=(0.1,))])
    labels = {"model": ls.Labels.of(["a"] * (60 * 9) + ["b"] * (60 * 9))}
    panel = ls.Panel(**{**{f: getattr(panel, f) for f in ("x", "session", "step", "parent", "objectives")},
                        "session_names": tuple(map(str, range(120))), "labels": labels})  # fmt: skip
    found = ls.analyze_decisions(panel, by="model", estimator=MeanCurve(n_boot=200))
    assert [g.decision.price for g in found.groups] == [found.settings["price"]] * 2
    assert ls.Decisions.from_json(found.to_json()) == found
    whole = ls.analyze(panel, by="model", estimator=ls.LinearDrift("pooled", n_boot=200))
    assert [g.verdict.action for g in whole.groups if g.verdict] == [g.decision.action for g in found.groups]
    assert whole.to_dict()["groups"][0]["decision"] == found.to_dict()["groups"][0]["decision"]
    assert ls.Analysis.from_json(whole.to_json()) == whole


@pytest.mark.parametrize("sessions", [1, 2])
def test_little_is_said_of_little_data(sessions: int) -> None:
    d = MeanCurve().fit(climb(sessions=sessions)).decision
    assert 0 <= d.step <= 12
    assert d.action in ("stop", "go_on", "cannot_tell")


def test_a_table_without_any_transition_still_gets_an_answer() -> None:
    d = MeanCurve().fit(ls.Panel.from_arrays(np.arange(10.0)[:, None, None])).decision
    assert (d.action, d.step) == ("stop", 0)


def test_the_same_seed_gives_the_same_figures() -> None:
    assert ls.analyze_decisions(climb(), seed=3) == ls.analyze_decisions(climb(), seed=3)


def test_small_steps_of_a_long_record_are_believed() -> None:
    panel = ls.read(path("llamea"), objectives=["fitness"]).where(model="gpt-4o")
    fit = MeanCurve().fit(panel, rng=0)
    price = fit.decision.price
    assert fit.price_map[0].worth.value > 1.5 * price > 1.5 * fit.price_map[1].worth.value
    assert fit.decision.step == fit.price_map[0].to, "the price lies between what the steps before and after are worth"
