"""Half-lives and places of rest beside the answer: what their intervals hold, and where nothing is printed."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat import LinearDrift, Objective, Panel
from loopstat.drift.fit import LinearDriftFit
from loopstat.drift.model import lyapunov
from loopstat.drift.products import spectral_radius
from loopstat.drift.view.facts import facts
from loopstat.drift.view.seen import Seen, between_steps
from loopstat.results import words
from simulated import run


def fitted(x: np.ndarray, estimator: str = "auto", **labels: list[str]) -> LinearDriftFit:
    return LinearDrift(estimator, n_boot=50).fit(Panel.from_arrays(x, labels=labels or None))


def how_fast(fit: LinearDriftFit) -> str:
    return next(words.parts(f.said).replace("\xa0", " ") for f in facts(Seen(fit)).rows if f.key == "how fast")


@pytest.mark.parametrize("estimator", ["auto", "pooled", "within", "instrument"])
def test_the_interval_is_the_hull_of_the_estimators_that_stand(estimator: str) -> None:
    fit = fitted(run(0.6, 1.0, start=-3.0, sessions=60, steps=8, seed=1), estimator)
    names = [r.name for r in fit.estimators]
    assert {"pooled", "within"} <= set(names)
    ends = [(float(r.modulus.low), float(r.modulus.high)) for r in fit.estimators if r.stands]
    low, high = min(a for a, _ in ends), max(b for _, b in ends)
    rate, half = fit.estimates["rate_exact"], fit.estimates["half_life"]
    assert rate.low <= -np.log(high) + 1e-9
    assert rate.high >= -np.log(low) - 1e-9
    np.testing.assert_allclose(half.triple, np.log(2) / np.array([rate.value, rate.high, rate.low]))
    assert fit.regimes[0].half_life.triple == pytest.approx(half.triple)


def test_independent_scores_are_read_by_two_estimators_too() -> None:
    fit = fitted(np.random.default_rng(2).standard_normal((80, 8, 1)))
    assert "independent ones" in fit.estimator.why
    assert [r.name for r in fit.estimators] == ["pooled", "within"]


def test_too_few_clusters_have_no_half_life() -> None:
    x = run(0.6, 1.0, start=-3.0, sessions=60, steps=7, seed=3)
    few = fitted(x, task=[f"t{k % 12}" for k in range(60)])
    assert "half_life" not in few.estimates
    assert few.reasons["half_life"].startswith("12 independent clusters: below 20")
    assert np.isnan(few.regimes[0].half_life.value)
    assert "too few clusters for a half-life" in how_fast(few)
    assert "half_life" in fitted(x).estimates


def test_an_interval_that_says_little_is_said_in_words() -> None:
    fit = fitted(run(0.85, 1.0, start=-3.0, sessions=24, steps=6, seed=4))
    half = fit.estimates["half_life"]
    assert not half.high <= 12 * half.low
    assert "never within the record" in how_fast(fit)
    assert fit.to_dict()["half_life_low"] == pytest.approx(float(half.low))
    assert between_steps(2.0, 9.0, 10.0) == "between 2.0 steps and 9.0 steps"


@pytest.mark.parametrize(
    ("objective", "why"), [(Objective("score", True, -9.0, -0.5), "outside its bounds"), (Objective("score"), "")]
)
def test_a_place_of_rest_lies_within_the_bounds(objective: Objective, why: str) -> None:
    x = run(0.6, 0.1, start=-3.0, sessions=60, steps=8, seed=5)
    fit = LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(x, objectives=[objective]))
    assert ("drift.equilibrium" in fit.estimates) is (not why)
    assert why in fit.reasons.get("equilibrium", "")


def test_a_place_of_rest_that_sessions_do_not_get_near_is_not_printed() -> None:
    x = run(0.9, 0.02, start=-10.0, sessions=60, steps=5, seed=6)
    fit = fitted(x, "pooled")
    assert "drift.equilibrium" not in fit.estimates
    assert "still move when they end" in fit.reasons["equilibrium"]
    assert fit.estimates["drift.fixed_point"].value == pytest.approx(0.0, abs=1.0)


def test_an_estimator_asked_for_that_the_scores_do_not_bear_gives_way_to_no_other() -> None:
    white = np.random.default_rng(7).standard_normal((60, 8, 1))
    weak = fitted(white, "instrument")
    assert weak.refused
    assert weak.estimator.why.startswith("instrument was asked for, and 60 sessions do not settle it")
    walks = np.cumsum(np.random.default_rng(8).standard_normal((40, 4, 1)), axis=1)
    rootless = fitted(walks, "within")
    assert rootless.refused
    assert rootless.estimator.why.startswith("within was asked for")


@pytest.mark.filterwarnings("error")
def test_a_modulus_of_one_that_is_rounded_below_it_has_no_steady_state() -> None:
    rng = np.random.default_rng(0)
    bases = rng.standard_normal((400, 2, 2))
    maps = bases @ np.array([[1.0, 1.0], [0.0, 1.0]]) @ np.linalg.inv(bases)
    below = maps[spectral_radius(maps) < 1]
    assert len(below) > 20
    assert np.isnan(lyapunov(below, np.broadcast_to(np.eye(2), below.shape))).all()
