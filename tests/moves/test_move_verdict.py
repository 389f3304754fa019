"""The verdict and the checks of a simulated loop, from facts made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loopstat.inference.intervals import average
from loopstat.moves.mean_path import ceiling
from loopstat.moves.model import Team, winner_band
from loopstat.moves.settings import MoveSettings
from loopstat.moves.verdict import RULES, Facts, decide
from loopstat.results.arrival import Arrivals
from loopstat.results.check import Check, run_checks

SOON, LATER, NEVER = np.arange(80.0, 120.0), np.r_[np.arange(200.0, 206.0), [np.inf] * 34], np.full(40, np.inf)


def facts(s: MoveSettings, target: np.ndarray, good: np.ndarray, risk: float = 0.13) -> Facts:
    to_target, to_good = Arrivals.of(target), Arrivals.of(good)
    stopped = np.full(int(np.isfinite(target).sum()), risk)
    acceptance = np.r_[np.nan, np.linspace(1, 0.89, 400)]
    return Facts(
        *(s, to_target, to_good, to_target.times(s.move_cost)),
        late=(0.0, 0.0),
        false_pass=average(stopped),
        acceptance=acceptance,
        ceiling=ceiling(s),
    )


def checks(f: Facts) -> dict[str, Check]:
    found = {c.name: c for c in run_checks(RULES, f)}
    assert list(found) == [r.name for r in RULES]
    return found


@pytest.mark.slow
def test_it_leads_with_good_and_the_false_pass_and_then_says_why_the_mean_path_stalls() -> None:
    verdict = decide(facts(MoveSettings(), SOON, LATER))
    assert verdict.action == "passes_only"
    places = [
        verdict.sentence.index(part) for part in ("P_good of at least 0.95", "hides a defect", "mean path stalls")
    ]
    assert places == sorted(places)
    assert "85 %" in verdict.sentence
    assert "probability 13.0 %" in verdict.sentence
    assert "P_pass 0.71, P_good 0.65" in verdict.sentence
    assert "impossible" not in verdict.sentence


def test_the_other_two_answers() -> None:
    good = decide(facts(MoveSettings(), SOON, SOON + 20))
    assert good.action == "good"
    assert good.sentence.startswith("Half of the runs get to P_good of at least 0.95 in at most 120 [")
    stuck = decide(facts(MoveSettings.of(policy="vibe"), NEVER, NEVER))
    assert stuck.action == "stalls"
    assert "its radius shrinks, and 10.0 in all is too short a way" in stuck.sentence
    assert "nan" not in stuck.sentence
    assert "reviewers" not in stuck.sentence
    some = decide(facts(MoveSettings(), LATER, NEVER))
    assert "those that do hide a defect with probability 13.0 %" in some.sentence


def test_mean_paths_that_arrive_and_that_never_improve() -> None:
    assert (
        "The mean path gets to P_pass 0.71" in decide(facts(MoveSettings(target_reliability=0.7), SOON, SOON)).sentence
    )
    worse = decide(facts(MoveSettings(a2=5.0), NEVER, NEVER)).sentence
    assert "never improves on its 12 defects" in worse


def test_checks_name_what_is_wrong() -> None:
    found = checks(facts(MoveSettings(), SOON, LATER))
    assert {name for name, c in found.items() if not c.passed} == {"never_good", "false_pass", "band_never_met"}
    assert "stays above the band of 0.20-0.40" in found["band_never_met"].message
    assert found["band_never_met"].value == pytest.approx(0.89)
    source = checks(facts(MoveSettings(order_statistic="source", process="single"), SOON, LATER))
    assert not source["order_statistic"].passed
    assert not source["reading"].passed
    whole = checks(facts(MoveSettings(process="integer"), SOON, SOON, risk=0.0))
    assert "first actual pass" in whole["reading"].message
    assert whole["false_pass"].passed


def test_nobody_stops() -> None:
    found = checks(facts(MoveSettings.of(policy="vibe"), NEVER, NEVER))
    assert found["false_pass"].value is None
    assert found["false_pass"].passed
    assert not found["never_reached"].passed
    assert "reads no acceptance" in found["band_never_met"].message


def test_more_moves_would_help_where_runs_still_arrive() -> None:
    f = replace(facts(MoveSettings(), SOON, LATER), late=(0.0, 0.04))
    assert not checks(f)["horizon"].passed
    assert "4.0% of the runs" in checks(f)["horizon"].message


def test_the_band_of_one_candidate_is_that_of_the_winner() -> None:
    settings = MoveSettings(tr_band="candidate")
    low, high = (float(end) for end in winner_band(settings, Team.of(settings).k_eff))
    assert (round(low, 2), round(high, 2)) == (0.76, 0.96)  # of 6.3 effective candidates
    inside = checks(facts(MoveSettings(tr_band="candidate"), SOON, LATER))["band_never_met"]
    assert inside.passed
    below = replace(facts(MoveSettings(), SOON, LATER), acceptance=np.full(400, 0.1))
    assert "stays below the band" in checks(below)["band_never_met"].message
