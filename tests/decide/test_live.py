"""Decisions while a hand moves a price or weights: equal to a whole run where they say nothing was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loopstat import MeanCurve, Panel
from loopstat.analysis.analyze import analyze
from loopstat.analysis.lens import ANALYZE
from loopstat.analysis.live import live as live_analysis
from loopstat.decide.analysis import Decisions, analyze_decisions
from loopstat.decide.lens import DECIDE
from loopstat.decide.lens import run as run_decide
from loopstat.decide.live import live
from loopstat.drift.settings import LinearDrift
from loopstat.faces.web.frames import frame
from loopstat.results.chart import Rule
from loopstat.results.document import Section, view_of, walk

NAMES = ("cost", "gain")


def panel_of(*, cut: bool = False, groups: int = 3, sessions: int = 30, steps: int = 7, missing: bool = False) -> Panel:
    """Return sessions of two objectives in groups that share tasks; some cut off, some scores missing."""
    rng = np.random.default_rng(groups * 10 + sessions)
    paths, labels = [], []
    for g in range(groups):
        for i in range(sessions):
            n = int(rng.integers(3, steps + 1)) if cut else steps
            start = rng.normal(0, 1, 2)
            t = np.arange(n)[:, None]
            drift = np.array([-0.1, 0.8 + 0.1 * g]) * (1 - 0.6**t)
            x = start + drift + rng.normal(0, 0.2, (n, 2))
            if missing and i % 5 == 0:
                x[1, 0] = np.nan
            paths.append(x)
            labels.append((f"g{g}", f"t{i}"))
    of = {"strategy": [a for a, _ in labels], "task": [b for _, b in labels]}
    return Panel.from_arrays(paths, objectives=NAMES, labels=of)


def options_of(rows: Any, **asked: Any) -> dict[str, Any]:
    """Return options as the page's server hands them over."""
    return {**{row.name: row.default for row in rows}, "where": {}, "command": "loopstat", "bootstrap": 300, **asked}


def apart(a: Any, b: Any, path: str = "") -> list[str]:
    """Return the places where two JSON forms differ by more than rounding."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [f"{path}.{k}" for k in a.keys() ^ b.keys()]
        return keys + [p for k in a.keys() & b.keys() for p in apart(a[k], b[k], f"{path}.{k}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [p for k, (x, y) in enumerate(zip(a, b, strict=True)) for p in apart(x, y, f"{path}.{k}")]
    if isinstance(a, float) and isinstance(b, float):
        return [] if a == pytest.approx(b, rel=1e-12, abs=1e-12) else [path]
    return [] if a == b else [path]


def without(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the JSON form of decisions without some keys of its groups."""
    groups = [{k: v for k, v in g.items() if k not in names} for g in data["groups"]]
    return {**data, "groups": groups}


@pytest.fixture(scope="module")
def panel() -> Panel:
    return panel_of()


@pytest.fixture(scope="module")
def last(panel: Panel) -> Decisions:
    return run_decide(panel, options_of(DECIDE, rules=False))


# ------------------------------------------------------------------------------------------- price


@pytest.mark.parametrize("price", [0.0, 0.01, 0.08, 0.3, 5.0, None])
def test_another_price_is_what_a_whole_run_says(panel: Panel, last: Decisions, price: float | None) -> None:
    asked = options_of(DECIDE, rules=False, price=price)
    found = live(panel, asked, last)
    assert found is not None
    assert found.rough == ""
    assert apart(found.to_dict(), run_decide(panel, asked).to_dict()) == []


@pytest.mark.parametrize("given", [{"cut": True}, {"missing": True}, {"groups": 1}, {"groups": 10, "sessions": 8}])
def test_the_same_with_cut_sessions_missing_scores_and_many_groups(given: dict[str, Any]) -> None:
    panel = panel_of(**given)
    last = run_decide(panel, options_of(DECIDE, rules=False))
    for price in (0.02, 0.5):
        asked = options_of(DECIDE, rules=False, price=price)
        found = live(panel, asked, last)
        assert found is not None
        assert apart(found.to_dict(), run_decide(panel, asked).to_dict()) == []


def test_what_a_unit_of_cost_buys_moves_too() -> None:
    panel = panel_of()
    tokens = [str(k % 3 + 1) for k in range(len(panel))]
    panel = replace(panel, labels={**panel.labels, "tokens": type(panel.labels["task"]).of(tokens)})
    given = {"rules": False, "cost": "tokens"}
    last = run_decide(panel, options_of(DECIDE, worth=10.0, **given))
    asked = options_of(DECIDE, worth=40.0, **given)
    found = live(panel, asked, last)
    assert found is not None
    assert apart(found.to_dict(), run_decide(panel, asked).to_dict()) == []
    assert [h.name for h in view_of(found).handles] == ["worth", "weights", "weights"]


def test_rules_stay_those_of_the_last_price_and_it_is_said(panel: Panel) -> None:
    last = run_decide(panel, options_of(DECIDE, rules=True, scorer_noise="none"))
    asked = options_of(DECIDE, rules=True, scorer_noise="none", price=0.3)
    found = live(panel, asked, last)
    assert found is not None
    assert found.rough == "rules as of the last price"
    assert view_of(found).rough == found.rough
    assert [g.rules for g in found.groups] == [g.rules for g in last.groups]
    whole = run_decide(panel, asked)
    assert apart(without(found.to_dict(), "rules"), without(whole.to_dict(), "rules")) == []
    same = live(panel, options_of(DECIDE, rules=True, scorer_noise="none", group="g1"), last)
    assert same is not None
    assert same.rough == "", "at the last price they hold"
    assert [s.key for s in view_of(same).sections] == ["g1"]


def test_labels_that_change_inside_sessions(panel: Panel) -> None:
    kinds = [f"k{k % 2}" for k in range(len(panel))]
    panel = replace(panel, labels={**panel.labels, "kind": type(panel.labels["task"]).of(kinds)})
    last = run_decide(panel, options_of(DECIDE, rules=False, by=["kind"]))
    asked = options_of(DECIDE, rules=False, by=["kind"], price=0.2)
    found = live(panel, asked, last)
    assert found is not None
    assert apart(found.to_dict(), run_decide(panel, asked).to_dict()) == []


# ------------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize(
    ("weights", "price"), [("cost=0.2,gain=0.9", None), ("cost=0,gain=1", 0.1), ("gain=2", 0.02), ("cost=-1,gain=1", 1)]
)
def test_other_weights_are_what_a_whole_run_says(panel: Panel, last: Decisions, weights: str, price: Any) -> None:
    asked = options_of(DECIDE, rules=False, weights=[weights], price=price)
    found = live(panel, asked, last)
    assert found is not None
    assert found.rough == ""
    assert apart(found.to_dict(), run_decide(panel, asked).to_dict()) == []


def test_other_weights_of_minimised_objectives_and_of_one_group(panel: Panel) -> None:
    turned = replace(panel, objectives=(replace(panel.objectives[0], maximize=False), panel.objectives[1]))
    for by in (["none"], ["strategy"]):
        last = run_decide(turned, options_of(DECIDE, rules=False, by=by))
        asked = options_of(DECIDE, rules=False, by=by, weights=["cost=0.7", "gain=0.4"])
        found = live(turned, asked, last)
        assert found is not None
        assert apart(found.to_dict(), run_decide(turned, asked).to_dict()) == []


def test_weights_of_sessions_cut_off_are_nearly_right_and_said_to_be() -> None:
    panel = panel_of(cut=True)
    last = run_decide(panel, options_of(DECIDE, rules=False))
    asked = options_of(DECIDE, rules=False, weights=["cost=0.3", "gain=1"], price=0.1)
    found = live(panel, asked, last)
    assert found is not None
    assert found.rough == "objectives carried on one by one"
    for got, whole in zip(found.groups, run_decide(panel, asked).groups, strict=True):
        assert abs(got.decision.step - whole.decision.step) <= 1
        assert got.curve.value.value == pytest.approx(whole.curve.value.value, abs=0.05)


def test_weights_where_the_best_version_is_kept_are_of_fewer_sessions() -> None:
    panel = panel_of(sessions=250, groups=2)
    last = run_decide(panel, options_of(DECIDE, keep="best", forecast=True))
    asked = options_of(DECIDE, keep="best", forecast=True, weights=["cost=0.3", "gain=1"], price=0.1)
    found = live(panel, asked, last)
    assert found is not None
    assert found.rough.startswith(
        "200 sessions a group, 200 draws; comparisons as of the last weights; rules, forecasts"
    )
    assert [g.counts for g in found.groups] == [g.counts for g in last.groups]
    assert all(g.rules and g.forecast for g in found.groups)
    for got, whole in zip(found.groups, run_decide(panel, asked).groups, strict=True):
        assert got.curve.value.value == pytest.approx(whole.curve.value.value, abs=0.15)


def test_weights_taken_back_and_other_settings_want_a_whole_run(panel: Panel) -> None:
    weighed = run_decide(panel, options_of(DECIDE, rules=False, weights=["gain=1"]))
    assert live(panel, options_of(DECIDE, rules=False), weighed) is None
    assert live(panel, options_of(DECIDE), None) is None
    assert live(panel, options_of(DECIDE), Decisions.from_json(weighed.to_json())) is None


# ------------------------------------------------------------------------------------------- analysis


def test_an_analysis_follows_price_and_weights(panel: Panel) -> None:
    estimator = LinearDrift("pooled", n_boot=100)

    def whole(**given: Any) -> Any:
        return analyze(panel, by="strategy", estimator=estimator, decision=MeanCurve(n_boot=100, **given),
                       settings={"where": {}, "group": None, "command": "loopstat"})  # fmt: skip

    last = whole()
    for given in ({"price": 0.3}, {"price": 0.05, "weights": {"cost": 0.3, "gain": 0.5}}):
        named = {k: [f"{n}={w}" for n, w in v.items()] if k == "weights" else v for k, v in given.items()}  # type: ignore[attr-defined]
        asked = options_of(ANALYZE, by=["strategy"], **{**named, "bootstrap": 100})
        found = live_analysis(panel, asked, last)
        assert found is not None
        expected = whole(**given)
        mine, theirs = found.to_dict(), expected.to_dict()
        kept = {"columns", "transform", "from_step"}
        mine["settings"] = {k: v for k, v in mine["settings"].items() if k not in kept}
        assert apart(mine, theirs) == []
        a, b = view_of(found), view_of(expected)
        assert [s.key for s in walk(a.sections)] == [s.key for s in walk(b.sections)]
        assert (a.first, a.notes) == (b.first, b.notes)
        assert [s.answer.said for s in a.answers() if s.answer] == [s.answer.said for s in b.answers() if s.answer]
        assert frame({"kind": "document"}, a)


# ------------------------------------------------------------------------------------------- on the page


def test_the_slider_of_the_price_ends_beyond_what_any_step_is_worth(last: Decisions) -> None:
    price, *weights = view_of(last).handles
    worth = max(float(s.worth.value) for g in last.groups for s in g.price_map)
    assert (price.name, price.low) == ("price", 0.0)
    assert worth < price.at + 2 * worth <= price.high + price.at <= 2.3 * worth + price.at
    assert price.at == last.settings["price"]
    assert [(h.name, h.entry) for h in weights] == [("weights", name) for name in NAMES]
    assert all(h.low == 0 < h.at < h.high for h in weights)
    assert view_of(Decisions.from_json(last.to_json())).handles == ()


def test_one_objective_has_the_price_alone_and_a_price_beyond_the_end_is_in_reach() -> None:
    one = Panel.from_arrays([np.arange(6.0)[:, None] + k % 3 for k in range(20)], objectives=["score"])
    found = analyze_decisions(one, estimator=MeanCurve(price=50.0, n_boot=200))
    (price,) = view_of(found).handles
    assert (price.name, price.at, price.high, price.unit) == ("price", 50.0, 50.0, "score")


def test_the_marked_step_moves_with_the_price(panel: Panel, last: Decisions) -> None:
    marked = []
    for price in (0.001, 0.6):
        found = live(panel, options_of(DECIDE, rules=False, price=price), last)
        assert found is not None
        sections = [s for s in view_of(found).sections if s.answer]
        charts = [next(b for b in s.blocks if not isinstance(b, Section) and getattr(b, "key", "").endswith("held"))
                  for s in sections]  # fmt: skip
        rules = [m.at for c in charts for m in c.marks if isinstance(m, Rule) and m.axis == "x"]  # type: ignore[union-attr]
        assert rules == [float(g.decision.step) for g in found.groups]
        marked.append(rules)
    assert marked[0] != marked[1]
