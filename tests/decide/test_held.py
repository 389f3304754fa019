"""The value held by session and step: keep rules, ends, costs, weights, sessions without a first score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

import loopstat as ls
from loopstat.decide.fit import DecisionFit
from loopstat.decide.settings import MeanCurve

Sessions = Mapping[str, list[float | None]]


def panel(sessions: Sessions, **more: Any) -> ls.Panel:
    """Return a panel of one score, `x`, with one list of scores per session."""
    rows = [
        {"session": name, "step": t, "x": value, **{k: v[name] for k, v in more.get("columns", {}).items()}}
        for name, values in sessions.items()
        for t, value in enumerate(values)
    ]
    reading = {k: v for k, v in more.items() if k != "columns"}
    return ls.read(pl.DataFrame(rows), objectives=["x"], labels=list(more.get("columns", {})), **reading)


def fit(sessions: Sessions, settings: MeanCurve, **more: Any) -> DecisionFit:
    return settings.fit(panel(sessions, **more))


THREE: Sessions = {"a": [1.0, 3.0, 2.0], "b": [2.0, 1.0, 4.0], "c": [0.0, 0.0, 0.0]}


@pytest.mark.parametrize(
    ("keep", "expected"),
    [("last", [1.0, 4 / 3, 2.0]), ("best", [1.0, 5 / 3, 7 / 3])],
)
def test_the_mean_is_that_of_the_version_kept(keep: str, expected: list[float]) -> None:
    found = fit(THREE, MeanCurve(keep=keep, n_boot=20))
    assert found.curve.value.value[:3] == pytest.approx(expected)


def test_smaller_may_be_better() -> None:
    found = fit(THREE, MeanCurve(keep="best", n_boot=20), minimize=["x"])
    assert found.curve.value.value[:3] == pytest.approx([-1.0, -2 / 3, -2 / 3])


def test_a_session_that_ended_keeps_its_value_and_pays_no_more() -> None:
    sessions: Sessions = {"a": [0.0, 1.0], "b": [0.0, 0.0, 0.0, 0.0]}
    done = {"done": {"a": "true", "b": "false"}}
    found = fit(sessions, MeanCurve(ended="done", price=0.1, n_boot=20), columns=done)
    assert found.counts == {"n_sessions": 2, "n_cut": 0, "n_ended": 1}
    assert found.curve.value.value[:4] == pytest.approx([0.0, 0.5, 0.5, 0.5])
    paid = (found.curve.value.value - found.curve.net.value)[:4] / 0.1
    assert paid == pytest.approx([0.0, 1.0, 1.5, 2.0])


def test_a_session_cut_off_is_carried_on_like_the_others() -> None:
    """With increments that depend on nothing, sessions cut off at any step leave the mean what it would have been."""
    sessions = {f"s{k}": [float(k % 5) + 0.5 * t for t in range(3 if k % 2 else 7)] for k in range(40)}
    found = fit(sessions, MeanCurve(n_boot=20))
    assert found.counts["n_cut"] == 20
    assert found.curve.value.value[:7] == pytest.approx(2.0 + 0.5 * np.arange(7))


def test_sessions_that_reach_a_bar_ended_by_themselves() -> None:
    rng = np.random.default_rng(3)
    sessions: dict[str, list[float | None]] = {}
    for k in range(60):
        first = int(rng.geometric(0.3))
        sessions[str(k)] = [0.0] * min(first, 8) + ([1.0] if first < 8 else [])
    found = fit(sessions, MeanCurve(n_boot=50))
    assert found.keep == "success"
    assert found.counts["n_ended"] == sum(values[-1] == 1.0 for values in sessions.values())
    solved = np.mean([[1.0 in values[: t + 1] for t in range(8)] for values in sessions.values()], axis=0)
    assert found.curve.value.value[:8] == pytest.approx(solved)


def test_one_score_selects_and_another_counts() -> None:
    frame = pl.DataFrame(
        {
            "session": ["a"] * 3 + ["b"] * 3,
            "step": [0, 1, 2] * 2,
            "seen": [1.0, 3.0, 2.0, 2.0, 1.0, 5.0],
            "true": [5.0, 4.0, 9.0, 0.0, 7.0, 1.0],
        }
    )
    table = ls.read(frame, objectives=["seen", "true"])
    found = MeanCurve(keep="best", select="seen", value="true", n_boot=20).fit(table)
    assert found.curve.value.value[:3] == pytest.approx([2.5, 2.0, 2.5])


def test_a_cost_column_is_what_is_paid() -> None:
    cost = pl.DataFrame(
        {"session": ["a"] * 3 + ["b"] * 3, "step": [0, 1, 2] * 2, "x": [0.0, 1.0, 2.0] * 2, "usd": [9, 2, 4, 9, 6, 8]}
    )
    found = MeanCurve(cost="usd", worth=10.0, n_boot=20).fit(ls.read(cost, objectives=["x"], labels=["usd"]))
    assert found.paid_in == "usd"
    paid = (found.curve.value.value - found.curve.net.value)[:3] * 10
    assert paid == pytest.approx([0.0, 4.0, 10.0])


def test_before_any_score_the_worst_of_declared_bounds_is_held() -> None:
    sessions: Sessions = {"a": [None, 3.0], "b": [1.0, 3.0]}
    assert fit(sessions, MeanCurve(n_boot=20), bounds={"x": (0.0, 10.0)}).curve.value.value[0] == pytest.approx(0.5)
    assert fit(sessions, MeanCurve(n_boot=20)).curve.value.value[0] == pytest.approx(2.0)


def test_several_objectives_weigh_a_standard_deviation_each() -> None:
    rng = np.random.default_rng(0)
    table = ls.Panel.from_arrays(rng.normal(size=(50, 5, 2)) * [1.0, 100.0], objectives=["small", "large"])
    weights = ls.analyze_decisions(table, estimator=MeanCurve(n_boot=20)).settings["weights"]
    assert weights["small"] / weights["large"] == pytest.approx(100.0, rel=0.2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cost": "usd"}, "`cost` and `worth` go together"),
        ({"price": -1.0}, "`price` must lie in"),
        ({"price": 0.1, "cost": "usd", "worth": 1.0}, "two ways"),
        ({"keep": "newest"}, "`keep` must be one of"),
        ({"select": "x"}, "`value` must name what counts"),
        ({"value": "nothing"}, "no objective `nothing`"),
        ({"weights": {"nothing": 1.0}}, "no objective `nothing`"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ls.SettingsError, match=said):
        fit(THREE, MeanCurve(**given))


def test_an_ended_column_says_true_or_false() -> None:
    with pytest.raises(ls.InputError, match="must say of each session whether it ended by itself"):
        fit(THREE, MeanCurve(ended="done"), columns={"done": {"a": "perhaps", "b": "no", "c": "no"}})


def test_a_cost_is_a_number() -> None:
    with pytest.raises(ls.InputError, match="cost column `usd` must hold numbers"):
        fit(THREE, MeanCurve(cost="usd", worth=1.0), columns={"usd": {"a": "much", "b": "1", "c": "1"}})
