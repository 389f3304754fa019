"""A rule at work: what it says, what it refuses without harm, its state, its file, and when it warns."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loopstat.decide.rules.familiar import TunedOn
from loopstat.decide.rules.families import FixedSteps, LoopGainBands, Patience, Threshold
from loopstat.decide.rules.grids import knobs
from loopstat.decide.rules.guarantee import guarantee
from loopstat.decide.rules.stop_rule import RuleFile, StopRule
from loopstat.errors import InputError, SettingsError
from rule_samples import NAN, RECORD, climbing, recording, tuned


def kinds(rule: StopRule, *scores: float | None) -> list[str]:
    """Return what a rule says after each score."""
    return [rule.update(score).kind for score in scores]


# ------------------------------------------------------------------------------ what it says


def test_it_stops_where_the_recorded_session_would_have_been_stopped() -> None:
    rules = [FixedSteps(at_most=3), Patience(2), Patience(2, 0.1, at_most=5), Threshold(0.9), LoopGainBands(1.5)]
    for rule in [*rules, Threshold(0.8, 2, at_most=6)]:
        live = StopRule(tuned(rule))
        for i in range(20):
            live.begin()
            place = int(rule.wanted(RECORD.seen)[i])
            for t, score in enumerate(RECORD.seen[i]):
                action = live.update(float(score))
                assert action.kind == ("stop" if t == place else "go_on")
                if action.kind == "stop":
                    break


def test_why_and_what_going_on_is_worth() -> None:
    live = StopRule(tuned(Patience(2, at_most=6)))
    first = live.update(0.0)
    assert (first.kind, first.because) == ("go_on", "goes_on")
    assert first.expected_gain is not None
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.expected_gain < first.high
    assert first.expected_gain == pytest.approx(0.8, abs=0.15), "7/8 of 1 for three steps at 0.05"
    live.update(0.6)
    live.update(0.5)
    last = live.update(0.6)
    assert (last.kind, last.because) == ("stop", "rule")
    assert last.why == "stop: the best score so far has not risen within 2 steps"
    late = StopRule(tuned(Patience(5, at_most=20)))
    actions = [late.update(0.1 * t) for t in range(12)]
    assert actions[-1].expected_gain is None


def test_limit_and_bar() -> None:
    assert [StopRule(tuned(FixedSteps(at_most=0))).update(0.0).because] == ["limit"]
    done = StopRule(tuned(FixedSteps(at_most=5), bar=1.0))
    assert kinds(done, 0.0, 0.5, 1.0) == ["go_on", "go_on", "stop"]


def test_weights_and_directions() -> None:
    two = tuned(Threshold(1.0), objectives=("good", "bad"), weights=(2.0, 1.0), directions=("maximize", "minimize"))
    live = StopRule(two)
    assert live.update({"good": 1.0, "bad": 1.5}).kind == "go_on"
    assert live.held == pytest.approx(0.5)
    assert live.update({"bad": 1.0, "good": 1.0}).kind == "stop"


def test_what_is_held_and_spent() -> None:
    held = {}
    for keep in ("last", "best", "accepted"):
        live = StopRule(tuned(FixedSteps(at_most=9), keep=keep))
        live.update(1.0)
        live.update(3.0, cost=2.5)
        live.update(2.0, accepted=True, cost=0)
        live.update(None, cost=1)
        held[keep] = live.held
        assert live.spent == 3.5
    assert held == {"last": 2.0, "best": 3.0, "accepted": 2.0}
    picky = StopRule(tuned(FixedSteps(at_most=9), keep="accepted"))
    picky.update(1.0)
    picky.update(3.0, accepted=False)
    assert picky.held == 1.0


def test_steps_without_a_score_count_as_no_gain() -> None:
    assert kinds(StopRule(tuned(Patience(2))), 1.0, None, None) == ["go_on", "go_on", "stop"]


def test_it_is_fast_and_deterministic() -> None:
    for rule in (Patience(2000, at_most=5000), LoopGainBands(9.0, 5.0), Threshold(50.0, 5)):
        live, again = StopRule(tuned(rule)), StopRule(tuned(rule))
        took = []
        for t in range(400):
            begun = time.perf_counter()
            action = live.update(np.sin(t))
            took.append(time.perf_counter() - begun)
            assert action == again.update(np.sin(t))
        assert np.median(took) < 1e-3


# ------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (NAN, "finite"),
        (float("inf"), "finite"),
        ("0.5", "finite"),
        (True, "finite"),
        ([0.5], "finite"),
        ({"speed": 0.5}, "expected scores of quality. Got speed"),
        ({"quality": 0.5, "speed": 1.0}, "expected scores of quality"),
        ({}, "Got none"),
        ({"quality": NAN}, "finite"),
        (10**400, "finite"),
    ],
)
def test_wrong_scores_are_refused_without_harm(scores: Any, words: str) -> None:
    live = StopRule(tuned(Patience(2)))
    live.update(0.5)
    before = json.dumps(live.state())
    with pytest.raises(SettingsError, match=words):
        live.update(scores)
    for wrong in ({"accepted": "yes"}, {"cost": -1.0}, {"cost": NAN}):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            live.update(0.5, **wrong)
    assert json.dumps(live.state()) == before


def test_a_number_is_refused_where_there_are_two_objectives() -> None:
    two = tuned(Threshold(1.0), objectives=("a", "b"), weights=(1.0, 1.0), directions=("maximize",) * 2)
    with pytest.raises(SettingsError, match="by name: a, b"):
        StopRule(two).update(0.5)


def test_after_the_end_nothing_more_is_taken() -> None:
    live = StopRule(tuned(FixedSteps(at_most=1)))
    assert kinds(live, 0.0, 0.5) == ["go_on", "stop"]
    before = json.dumps(live.state())
    with pytest.raises(SettingsError, match=r"this session is over.*begin"):
        live.update(0.7)
    assert json.dumps(live.state()) == before
    live.begin()
    assert kinds(live, 0.0, 0.5) == ["go_on", "stop"]


def test_rules_that_cannot_be_followed() -> None:
    with pytest.raises(SettingsError, match="one weight"):
        tuned(Patience(2), weights=())
    with pytest.raises(SettingsError, match="keep"):
        tuned(Patience(2), keep="worst")
    with pytest.raises(SettingsError, match="directions"):
        tuned(Patience(2), directions=("up",))


# ------------------------------------------------------------------------------ state and file


def test_state_is_json_and_goes_on_alike() -> None:
    live = StopRule(tuned(Patience(2), keep="accepted"))
    for score in (0.0, None, 0.4):
        live.update(score, cost=2)
    again = StopRule.from_state(json.loads(json.dumps(live.state(), allow_nan=False)))
    assert again.state() == live.state()
    for score in (0.3, 0.2):
        assert again.update(score) == live.update(score)
    assert (again.held, again.spent) == (live.held, live.spent)
    with pytest.raises(InputError, match="schema"):
        StopRule.from_state({"schema": "another"})
    with pytest.raises(InputError, match="lacks 'tuned'"):
        StopRule.from_state({"schema": live.state()["schema"]})


def test_files(tmp_path: Path) -> None:
    flat = recording(np.ones((150, 5)))
    certificate = guarantee(flat, knobs(5, 0.0, 1.0), eps=0.2, confidence=0.9, bound=1.0, rng=np.random.default_rng(0))
    two = RuleFile({"a": tuned(Patience(2), certificate=certificate), "b": tuned(FixedSteps(at_most=3))})
    path = tmp_path / "rule.json"
    path.write_text(two.to_json(), encoding="utf-8")
    assert RuleFile.from_json(two.to_json()) == two
    assert json.loads(two.to_json())["schema"] == "loopstat.rule/1"
    assert StopRule.load(path, "a").tuned == two.groups["a"]
    with pytest.raises(SettingsError, match=r"2 groups, `a`, `b`: name one"):
        StopRule.load(path)
    with pytest.raises(SettingsError, match=r"no rule of a group 'c'. It has `a`, `b`"):
        StopRule.load(path, "c")
    path.write_text(StopRule.load(path, "b").to_json(), encoding="utf-8")
    assert StopRule.load(path).group == "b"
    assert kinds(StopRule.load(path), 0, 0, 0, 0) == ["go_on", "go_on", "go_on", "stop"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "loopstat.rule/1"}', '{"schema": "loopstat.rule/1", "groups": {"a": {}}}', "1"]
)
def test_files_that_are_none_of_rules(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rule.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"rule\.json"):
        StopRule.load(path)
    with pytest.raises(InputError, match=r"cannot be read: No such file"):
        StopRule.load(tmp_path / "none.json")


# ------------------------------------------------------------------------------ warnings


def play(live: StopRule, rows: np.ndarray) -> tuple[str, ...]:
    """Run sessions until the rule stops each, and return what it warns of in the end."""
    for row in rows:
        live.begin()
        for score in row:
            if live.update(float(score)).kind == "stop":
                break
    return live.warnings


def test_sessions_of_the_same_kind_raise_no_warning() -> None:
    warned = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        live = StopRule(tuned(Threshold(0.9, at_most=6)))
        warned += bool(play(live, climbing(rng, 40).seen))
    # Three counts at 0.01 each: more than 5 of 60 happen once in 100 times at most, and the counts are careful.
    assert warned <= 5


def test_other_starts_are_noticed() -> None:
    rng = np.random.default_rng(1)
    found = play(StopRule(tuned(FixedSteps(at_most=6))), climbing(rng, 40).seen + 0.45)
    assert len(found) == 1
    assert found[0].startswith("first scores are higher than in the recording")


def test_other_steps_are_noticed() -> None:
    rng = np.random.default_rng(2)
    found = play(StopRule(tuned(FixedSteps(at_most=6))), climbing(rng, 40, settle=0.15).seen)
    assert any(w.startswith("first steps lead lower") for w in found)


def test_another_scale_is_noticed_at_once() -> None:
    live = StopRule(tuned(FixedSteps(at_most=6)))
    action = live.update(70.0)
    assert action.warnings == ("1 score of this session far outside all that was recorded: another scale or task?",)
    assert "warning: 1 score" in action.why
    live.begin()
    assert live.warnings == ()


def test_where_nothing_varied_any_other_score_is_noticed() -> None:
    held = recording(np.tile([0.0, 1.0, 1.0], (40, 1)))
    rule = FixedSteps(at_most=2)
    live = StopRule(tuned(rule, tuned_on=TunedOn.of(held, rule.stops(held.seen, held.last))))
    assert play(live, np.tile([0.0, 1.0, 1.0], (60, 1))) == ()
    assert len(play(live, np.tile([0.2, 1.0, 1.0], (20, 1)))) >= 1
