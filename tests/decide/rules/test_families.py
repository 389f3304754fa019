"""Where rules stop hand-made sessions; what holds for every family."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat.decide.rules.families import (
    FAMILIES,
    FixedSteps,
    FullRun,
    LoopGainBands,
    Patience,
    Rule,
    Threshold,
    rule_from,
)
from loopstat.decide.rules.grids import knobs, places, tuned_over
from loopstat.errors import InputError, SettingsError

NAN = float("nan")
EVERY = [
    FullRun(),
    FixedSteps(at_most=3),
    Patience(2),
    Patience(3, 0.1, at_most=5),
    Threshold(0.5),
    Threshold(0.4, 3, at_most=6),
    LoopGainBands(1.0),
    LoopGainBands(2.0, 0.8, 5),
]


def stop(rule: Rule, *scores: float) -> int:
    """Return where a rule stops one session, its last place being the last score."""
    return int(rule.stops(np.array([scores]), np.array([len(scores) - 1]))[0])


def test_full_run_and_fixed_steps() -> None:
    assert stop(FullRun(), 1, 2, 3) == 2
    assert stop(FixedSteps(at_most=1), 1, 2, 3) == 1
    assert stop(FixedSteps(at_most=0), 1, 2, 3) == 0
    assert stop(FixedSteps(at_most=9), 1, 2, 3) == 2


def test_patience_counts_steps_without_a_new_best() -> None:
    assert stop(Patience(2), 0, 1, 1, 0, 5) == 3
    assert stop(Patience(2), 0, 1, 0, 2, 0, 3) == 5
    assert stop(Patience(1, 0.5), 0, 1, 1.4, 9) == 2
    assert stop(Patience(3), 0, 1) == 1


def test_patience_with_steps_without_a_score() -> None:
    assert stop(Patience(2), NAN, NAN, 1, 2, 2, 2) == 5, "the first score is a gain"
    assert stop(Patience(2), NAN, NAN, NAN, 1) == 2, "nothing within two steps"
    assert stop(Patience(2), 1, NAN, NAN, 2) == 2


def test_thresholds() -> None:
    assert stop(Threshold(2), 0, 1, 2, 3) == 2
    assert stop(Threshold(0), 0, 1) == 0
    assert stop(Threshold(2, 2), 0, 3, 1, 0) == 2, "the mean of 3 and 1"
    assert stop(Threshold(2, 2), 0, 3, NAN, 1, 4) == 4, "one score is left, and the step itself has none; then 1, 4"
    assert stop(Threshold(2, 3, at_most=1), 0, 3, 5) == 1


def test_loop_gain() -> None:
    # Errors 1, 0.5, 0.25, 0.25: gains 0.5, 0.5, 1, smoothed 0.5, 0.5, 0.75; then 1 again: 0.875, 0.9375, 0.96875.
    scores = (0, 0.5, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75)
    assert stop(LoopGainBands(1.0, 0.75), *scores) == 3
    assert stop(LoopGainBands(1.0), *scores) == 6
    assert stop(LoopGainBands(1.0, 0.75), 0, NAN, 0.5, 0.75, NAN, 0.75, 0) == 5
    assert stop(LoopGainBands(1.0), 0, 0.5, 1.0, 0) == 2, "the error is gone"
    assert stop(LoopGainBands(1.0), 0, -0.5, 0) == 1, "the error grows"


@pytest.mark.parametrize("rule", EVERY, ids=lambda r: r.sentence)
def test_rules_look_at_the_past_alone(rule: Rule) -> None:
    rng = np.random.default_rng(1)
    seen = np.where(rng.random((60, 9)) < 0.1, np.nan, rng.random((60, 9)))
    last = np.full(60, 8)
    whole = rule.stops(seen, last)
    for t in range(1, 9):
        changed = seen.copy()
        changed[:, t:] = rng.random((60, 9 - t))
        again = rule.stops(changed, last)
        assert ((again == whole) | ((whole >= t) & (again >= t))).all()
        np.testing.assert_array_equal(rule.stops(seen[:, :t], np.full(60, t - 1)), np.minimum(whole, t - 1))


KNOBS = {
    **knobs(30, 0.0, 1.0),
    "patience": tuple(Patience(k) for k in range(12, 0, -1)),
    "gain": tuple(Patience(3, g) for g in (0.0, 0.1, 0.2)),
    "loop_gain": tuple(LoopGainBands(1.0, band) for band in (1.2, 1.0, 0.9, 0.5)),
}


@pytest.mark.parametrize("family", KNOBS)
def test_knobs_go_from_cautious_to_bold(family: str) -> None:
    rng = np.random.default_rng(2)
    seen = 0.5 + rng.normal(0, 0.1, (200, 30)).cumsum(axis=1)
    last = rng.integers(3, 30, 200)
    stops = np.array([rule.stops(seen, last) for rule in KNOBS[family]])
    assert (np.diff(stops, axis=0) <= 0).all()
    assert stops[-1].sum() < stops[0].sum()


@pytest.mark.parametrize("rule", EVERY, ids=lambda r: r.sentence)
def test_json_there_and_back(rule: Rule) -> None:
    assert rule_from(rule.to_dict()) == rule
    assert FAMILIES[rule.FAMILY] is type(rule)


def test_refusals() -> None:
    with pytest.raises(SettingsError, match="`patience` of the rule `patience` must be at least 1"):
        Patience(0)
    with pytest.raises(SettingsError, match="at_most"):
        FixedSteps(at_most=-1)
    with pytest.raises(InputError, match="one of the families"):
        rule_from({"family": "oracle"})
    with pytest.raises(InputError, match="level"):
        rule_from({"family": "threshold", "at_most": None, "window": 1})


def test_words() -> None:
    assert FullRun().sentence == "never stop"
    assert FixedSteps(at_most=1).sentence == "stop after 1 step"
    assert Patience(3, at_most=8).sentence == (
        "stop when the best score so far has not risen within 3 steps, at the latest after 8 steps"
    )
    assert Threshold(0.8, 2).sentence == "stop when the mean of 2 scores reaches 0.8"


def test_grids_follow_the_recording() -> None:
    ones = tuned_over(np.array([[0.0, 1.0], [1.0, 1.0]]))
    assert {r.level for r in ones["threshold"] if isinstance(r, Threshold)} == {1.0}
    assert len(ones["recent_mean"]) == 0
    nothing = tuned_over(np.full((2, 3), NAN))
    assert nothing["threshold"] == ()
    assert places(4).tolist() == [0, 1, 2, 3]
    assert places(100)[[0, 1, -1]].tolist() == [0, 1, 99]
