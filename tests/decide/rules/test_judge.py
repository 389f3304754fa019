"""Trials of rules: right on hand-made sessions, not optimistic about nothing, better where there is something."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loopstat.decide.rules.families import FixedSteps, Threshold
from loopstat.decide.rules.judge import CHOICES, RuleTrial, Trials, judge
from loopstat.errors import InputError
from rule_samples import NAN, climbing, recording, standing


def test_net_value_steps_and_baselines_by_hand() -> None:
    held = recording([[0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 2.0, NAN]], ended=[False, True])
    trials = judge(held, 0.25, exact=True, rng=np.random.default_rng(0))
    full, clairvoyant = trials["full_run"], trials["clairvoyant"]
    assert float(full.net.value) == pytest.approx((1 - 0.75 + 2 - 0.5) / 2)
    assert full.steps == 2.5
    assert full.saved == 0.0
    assert float(clairvoyant.net.value) == pytest.approx((0.75 + 1.5) / 2)
    assert clairvoyant.saved == pytest.approx(0.4)
    assert clairvoyant.rule is None
    assert float(clairvoyant.against_full.value) == pytest.approx(0.25)
    assert float(full.gross_loss.value) == 0.0
    assert (trials.chosen, trials.because) == ("fixed", "few_clusters")


def test_sessions_cut_off_before_a_rule_stops_them_are_counted() -> None:
    held = recording([[0.0, 1.0, 2.0]] * 3 + [[0.0, 1.0, NAN]] * 2, ended=[False, False, False, False, True])
    trials = judge(held, 0.0, exact=True, rng=np.random.default_rng(0))
    assert trials["full_run"].cut_short == 1, "one was cut off, one ended by itself"
    assert float(trials["full_run"].net.value) == pytest.approx((4 * 2 + 1) / 5), "it goes on as the others did"
    assert trials["fixed"].rule == FixedSteps(at_most=2)
    assert trials["fixed"].cut_short == 1


@pytest.mark.slow
def test_nothing_to_find_is_not_claimed() -> None:
    # Pure noise, kept last, free steps: every number of steps has mean 0.
    off, above, against = [], 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        trials = judge(standing(rng, 30, 5), 0.0, exact=False, rng=rng)
        claimed = trials["fixed"]
        off.append(float(claimed.net.value))
        above += bool(claimed.net.low > 0)
        against += bool(claimed.against_full.low > 0)
    # Intervals stay a little short where no choice is stable: 0.04 lie above the truth, not 0.025. More than 17 of 200
    # at 0.04 happen once in 500 times.
    assert above <= 17
    assert against <= 17
    assert abs(np.mean(off)) < 4 * np.std(off) / np.sqrt(len(off))


@pytest.mark.slow
def test_gain_over_a_fixed_number_is_not_invented() -> None:
    # A common path and noise in nothing: scores tell nothing, so no rule beats the best number of steps.
    gains = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        path = 1 - 0.5 ** np.arange(7.0)
        shift = rng.normal(0, 1, (40, 1))
        trials = judge(recording(path + shift), 0.1, exact=True, rng=rng)
        chosen = trials[trials.chosen]
        gains.append(float(chosen.against_fixed.value))
        assert chosen.against_fixed.low <= 0.0
    assert np.mean(gains) <= 0.005


def test_what_a_threshold_is_worth_is_found() -> None:
    # Half of the sessions start done and lose by every further step; the others gain for four steps.
    rng = np.random.default_rng(0)
    done = np.arange(60) % 2 == 0
    rows = np.where(done[:, None], 1 - 0.2 * np.arange(5), 0.2 * np.arange(5)) + rng.normal(0, 0.02, (60, 5))
    trials = judge(recording(rows), 0.01, exact=True, rng=rng)
    assert trials.chosen in ("threshold", "recent_mean", "patience")
    assert trials["threshold"].against_fixed.low > 0.1
    assert isinstance(trials["threshold"].rule, Threshold)
    assert float(trials["clairvoyant"].net.value) >= max(float(trials[n].net.value) for n in CHOICES)


def test_a_noisy_score_may_choose_the_number_of_steps_only() -> None:
    rng = np.random.default_rng(1)
    trials = judge(climbing(rng, 40), 0.05, exact=False, rng=rng)
    assert (trials.chosen, trials.because) == ("fixed", "scorer_noise")
    assert [t.name for t in trials.rules if t.may_be_chosen] == ["fixed"]
    assert isinstance(trials.rule, FixedSteps)


def test_the_best_number_of_steps_is_found() -> None:
    rng = np.random.default_rng(2)
    trials = judge(climbing(rng, 400, noise=0.02), 0.1, exact=False, rng=rng)
    # Steps add 1/2, 1/4, 1/8, 1/16: the third is the last worth 0.1.
    assert trials.rule == FixedSteps(at_most=3)
    assert trials["fixed"].steps == 3.0


def test_units_and_shifts_change_nothing() -> None:
    held = climbing(np.random.default_rng(3), 50)
    plain = judge(held, 0.05, exact=True, rng=np.random.default_rng(0))
    larger = recording(10 * held.seen + 3)
    again = judge(larger, 0.5, exact=True, rng=np.random.default_rng(0))
    assert again.chosen == plain.chosen
    for a, b in zip(plain.rules, again.rules, strict=True):
        assert b.steps == pytest.approx(a.steps)
        assert float(b.net.value) == pytest.approx(10 * float(a.net.value) + 3)
        assert float(b.against_full.high) == pytest.approx(10 * float(a.against_full.high))


def test_clusters_are_the_unit() -> None:
    held = climbing(np.random.default_rng(4), 20)
    once = judge(held, 0.05, exact=True, rng=np.random.default_rng(0))
    thrice = recording(np.repeat(held.seen, 3, axis=0), cluster=np.repeat(np.arange(20), 3))
    again = judge(thrice, 0.05, exact=True, rng=np.random.default_rng(0))
    assert float(again["fixed"].net.high) == pytest.approx(float(once["fixed"].net.high))


def test_no_score_at_all() -> None:
    held = climbing(np.random.default_rng(5), 12)
    blind = replace(held, seen=np.full_like(held.seen, NAN))
    trials = judge(blind, 0.05, exact=True, rng=np.random.default_rng(0))
    assert {"fixed", "patience"} <= {t.name for t in trials.rules}
    assert "threshold" not in {t.name for t in trials.rules}


def test_json_there_and_back() -> None:
    trials = judge(climbing(np.random.default_rng(6), 20), 0.05, exact=True, rng=np.random.default_rng(0))
    assert Trials.from_json(trials.to_json()) == trials
    assert RuleTrial.from_json(trials.rules[3].to_json()).rule == trials.rules[3].rule
    row = trials["patience"].to_dict()
    assert row["rule"]["family"] == "patience"
    assert {"net", "net_low", "net_high", "against_fixed", "saved", "cut_short"} <= set(row)


def test_no_session() -> None:
    with pytest.raises(InputError, match="there is none"):
        judge(recording(np.zeros((0, 2))), 0.1, exact=True, rng=np.random.default_rng(0))
