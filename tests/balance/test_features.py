"""Potentials of features of states: known weights come back, nothing is learned from noise, bad input is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from balance_samples import chain
from loopstat import Counts, Labels, Panel, SettingsError
from loopstat.balance.features.fit import ParametricPotential
from loopstat.balance.features.held_out import Folds
from loopstat.balance.features.pairs import KERNELS, StatePairs
from loopstat.balance.features.symbolic import SymbolicPotential, symbolic_search
from loopstat.balance.features.table import Features, beginning, objective_means, text_features

THETA = np.array([0.8, -0.4])
NAMES = ("up", "down")


def draws(rng: np.random.Generator, v: np.ndarray, visits: int = 100) -> Counts:
    """Draw as many moves out of every state."""
    rows = [rng.multinomial(visits, row) for row in chain(rng, v)]
    return Counts.of_matrix(rows, states=[f"s{k}" for k in range(len(v))])


def walks(rng: np.random.Generator, v: np.ndarray, n_sessions: int = 30, steps: int = 100) -> Panel:
    """Return stationary sessions; the objective is the potential of the state."""
    until, k = chain(rng, v).cumsum(axis=1), rng.choice(len(v), n_sessions, p=np.exp(-v) / np.exp(-v).sum())
    seen = [k]
    for _ in range(steps):
        k = np.minimum((until[k] < rng.random(n_sessions)[:, None]).sum(axis=1), len(v) - 1)
        seen.append(k)
    codes = np.array(seen).T
    panel = Panel.from_arrays(v[codes][:, :, None], objectives=["height"])
    return replace(panel, labels={"state": Labels.of([f"s{k}" for k in codes.ravel()])})


def recorded(seed: int, n: int = 30, theta: Any = THETA, **kinds: Any) -> tuple[Counts, Features]:
    """Return draws from a chain whose potential is a function of two features, and these."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    return draws(rng, x @ np.asarray(theta), **kinds), Features(NAMES, x)


# ------------------------------------------------------------------------------- weights


@pytest.mark.slow
def test_known_weights_come_back_with_intervals_that_cover() -> None:
    fits = [ParametricPotential("objectives").fit(c, values=x) for c, x in (recorded(seed) for seed in range(60))]
    value = np.array([f.theta.value for f in fits])
    np.testing.assert_allclose(value.mean(axis=0), THETA, atol=0.02)
    covered = np.mean([(f.theta.low <= THETA) & (f.theta.high >= THETA) for f in fits])
    assert 0.89 <= covered <= 1  # 120 intervals of 95 %: below in 4 of 1,000 cases
    assert all(f.downhill.skill.low > 0 for f in fits)
    assert np.mean([f.downhill.pairs.value for f in fits]) > 0.75
    assert {f.error_unit for f in fits} <= {"draws", "states"}


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_recovers_exact_counts_in_units_of_beta(kernel: str) -> None:
    x = np.random.default_rng(1).normal(size=(12, 2))
    flow = 1e6 * chain(np.random.default_rng(2), x @ THETA)
    fit = ParametricPotential("objectives", kernel=kernel, beta=2.0).fit(Counts.of_matrix(flow), values=x, names=NAMES)
    np.testing.assert_allclose(fit.theta.value, THETA / 2, rtol=2e-3)
    np.testing.assert_allclose(fit.potential(x), fit.value, atol=1e-9)
    assert fit.potential({"up": [1.0, 0.0], "down": [0.0, 0.0]}) @ [1, -1] == pytest.approx(fit.theta.value[0])


def test_what_features_leave_open_widens_the_intervals() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 1))
    fit = ParametricPotential("objectives").fit(draws(rng, 0.8 * x[:, 0] + rng.normal(size=60)), values=x)
    assert fit.error_unit == "states"
    assert not next(c for c in fit.checks if c.name == "unexplained").passed
    assert fit.theta.low[0] < 0.8 < fit.theta.high[0]


def test_sessions_are_the_unit_where_there_are_some() -> None:
    rng = np.random.default_rng(4)
    v = rng.normal(size=12)
    panel = walks(rng, v)
    counts = Counts.of_panel(panel)
    fit = ParametricPotential("objectives").fit(counts, values=objective_means(panel, counts.states))
    assert fit.names == ("height",)
    assert fit.error_unit == "sessions"
    assert fit.theta.low[0] < 1 < fit.theta.high[0]
    assert fit.downhill.weighted.value == pytest.approx(0.5, abs=0.02), "one half by count, whatever the potential"
    assert fit.downhill.weighted.low < 0.5 < fit.downhill.weighted.high
    assert fit.downhill.pairs.value > 0.75
    assert fit.downhill.skill.low > 0


# ------------------------------------------------------------------------------- held out


@pytest.mark.slow
def test_features_that_do_not_matter_have_no_skill() -> None:
    found = [ParametricPotential("objectives").fit(c, values=x).downhill for c, x in map(given, range(40))]
    assert -0.06 < np.mean([d.skill.value for d in found]) < 0.005
    assert np.mean([d.pairs.value for d in found]) == pytest.approx(0.5, abs=0.04)  # three standard errors
    assert np.mean([d.skill.low > 0 for d in found]) <= 0.1


def given(seed: int) -> tuple[Counts, Any]:
    """Return a recording with a potential and features that say nothing of it."""
    rng = np.random.default_rng(seed)
    return draws(rng, rng.normal(size=30)), rng.normal(size=(30, 2))


def test_no_state_is_seen_by_the_fit_that_judges_it() -> None:
    counts, _ = recorded(6, n=12)
    pairs, seen = StatePairs.of(counts), list[StatePairs]()
    folds = Folds.of(pairs, np.random.default_rng(0), 6)

    def fit(part: StatePairs) -> np.ndarray:
        seen.append(part)
        return np.where(np.isin(np.arange(12), part.members), np.nan, np.arange(12))

    judged = folds.judge(pairs, fit)
    assert np.isfinite(judged.down).all(), "a state that was trained on would have given NaN"
    assert (judged.down == 0).all()
    assert max(len(part) for part in seen) < len(pairs)


# ------------------------------------------------------------------------------- features


def test_a_feature_that_separates_has_no_interval() -> None:
    names = [f"s{k}" for k in range(12)]
    down = np.triu(np.full((12, 12), 9.0), 1).T + np.diag(np.full(12, 50.0))
    rng = np.random.default_rng(7)
    fit = ParametricPotential("objectives").fit(
        Counts.of_matrix(down, states=names), values={"height": np.arange(12.0), "other": rng.normal(size=12)}
    )
    assert "height" in fit.separated
    assert np.isfinite(fit.theta.value[0])
    assert np.isnan(fit.theta.low[0])
    assert not next(c for c in fit.checks if c.name == "separated").passed


def test_features_that_say_nothing_of_their_own_are_dropped_with_a_reason() -> None:
    counts, x = recorded(8)
    up, down = x.values.T
    more = {"up": up, "twice": 2 * up + 1, "flat": np.ones(30), "down": down, "sum": up + down}
    fit = ParametricPotential("objectives").fit(counts, values=more)
    assert fit.dropped == {
        "twice": "follows from the features before it",
        "flat": "the same in all states",
        "sum": "follows from the features before it",
    }
    assert np.isfinite(fit.theta.value).tolist() == [True, False, False, True, False]
    alone = ParametricPotential("objectives").fit(counts, values={"up": up, "down": down})
    np.testing.assert_allclose(fit.value, alone.value, atol=1e-9)


def test_texts_and_functions() -> None:
    rng = np.random.default_rng(9)
    names = ["ab" * int(k) + f" {i}" for i, k in enumerate(rng.integers(1, 12, 40))]
    v = np.log([len(s) for s in names])
    rows = [rng.multinomial(200, row) for row in chain(rng, v)]
    counts = Counts.of_matrix(rows, states=names)
    fit = ParametricPotential(lambda states: {"log_length": np.log([len(s) for s in states])}).fit(counts)
    assert fit.theta.low[0] < 1 < fit.theta.high[0]
    assert fit.potential(["abab", "ab"]) @ [1, -1] == pytest.approx(fit.theta.value[0] * np.log(2))
    text = ParametricPotential("text").fit(counts, free=v)
    assert text.downhill.skill.low > 0
    assert text.correlation.value > 0.95
    assert text.potential(["abab 7"]).shape == (1,)


def test_long_texts_are_described_by_their_beginning_and_their_length() -> None:
    assert beginning("a b... [310 characters, 0123456789abcdef]") == ("a b", 310)
    made = text_features(["x" * 179 + "!" + "y" * 300, "x" * 179 + "!... [480 characters, 0123456789abcdef]"])
    np.testing.assert_array_equal(made.values[0], made.values[1])
    assert made.values[0][0] == pytest.approx(np.log(481))


def test_the_same_seed_gives_the_same_figures() -> None:
    counts, x = recorded(10)
    made = [ParametricPotential("objectives", symbolic=True).fit(counts, values=x, rng=s).to_dict() for s in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"features": "colour"}, "`features`"),
        ({"kernel": "magic"}, "`kernel`"),
        ({"beta": 0.0}, "`beta`"),
        ({"level": 95}, "`level`"),
    ],
)
def test_settings_are_refused_by_name(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        ParametricPotential(**settings)


@pytest.mark.parametrize(
    ("features", "values", "words"),
    [
        ("objectives", None, "`values`"),
        ("text", np.ones((30, 1)), "`values`"),
        ("objectives", np.ones((29, 1)), "30 states"),
        ("objectives", np.full((30, 1), np.nan), "must be finite"),
        ("objectives", {"a": ["x"] * 30}, "must be numbers"),
        ("objectives", {}, "at least one column"),
        (lambda states: np.ones(3), None, "what `features` returns"),
    ],
)
def test_features_that_do_not_fit_are_refused(features: Any, values: Any, words: str) -> None:
    counts, _ = recorded(11)
    with pytest.raises(SettingsError, match=words):
        ParametricPotential(features).fit(counts, values=values)


def test_without_a_way_back_there_is_nothing_to_fit() -> None:
    with pytest.raises(SettingsError, match="no transition between two different states"):
        ParametricPotential("text").fit(Counts.of(["a", "a"], ["b", "c"]))


# ------------------------------------------------------------------------------- formulas


def searched(seed: int, scale: float) -> SymbolicPotential:
    """Search 50 states with three positive features, V = scale * log(length)."""
    rng = np.random.default_rng(seed)
    x = np.exp(1 + 0.6 * rng.normal(size=(50, 3)))
    return symbolic_search(draws(rng, scale * np.log(x[:, 1])), Features(("age", "length", "width"), x))


@pytest.mark.slow
def test_a_planted_formula_is_found() -> None:
    found = [searched(seed, 2.0) for seed in range(8)]
    right = [f for f in found if f.chosen.expression == "log(length)"]
    assert len(right) >= 6
    assert np.mean([f.chosen.scale for f in right]) == pytest.approx(2.0, abs=0.1)
    assert all(f.chosen.low < f.chosen.scale < f.chosen.high for f in right)
    assert all(f.search_skill.low > 0 for f in found)
    sizes = [f.size for f in found[0].front]
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 0
    assert found[0].n_tried > 150


@pytest.mark.slow
def test_noise_leaves_the_constant() -> None:
    found = [searched(100 + seed, 0.0) for seed in range(12)]
    assert sum(f.chosen.expression != "constant" for f in found) <= 1
    assert np.mean([f.search_skill.value for f in found]) < 0.005
    assert found[0].sentence.startswith("no formula")


def test_expressions_not_defined_for_every_state_are_not_tried() -> None:
    counts, x = recorded(12)
    found = symbolic_search(counts, x)
    assert not any(word in f.expression for f in found.front for word in ("log(up)", "sqrt(up)"))


def test_few_states_have_no_formula() -> None:
    with pytest.raises(SettingsError, match="at least 8"):
        symbolic_search(Counts.of_matrix(np.ones((3, 3))), Features(("a",), np.arange(3.0)[:, None]))


@pytest.mark.parametrize("kernel", KERNELS)
def test_texts_that_no_feature_tells_apart_get_a_reason_for_each_and_no_weight(kernel: str) -> None:
    matrix = [[0, 10, 4, 3], [8, 0, 7, 2], [5, 9, 0, 3], [2, 4, 4, 0]]
    made = ParametricPotential(kernel=kernel).fit(Counts.of_matrix(matrix, states=["1", "2", "3", "4"]))
    assert set(made.dropped) == set(made.names)
    assert np.isnan(made.theta.value).all()
    assert (made.value == 0).all()
    assert "none tells states that follow each other apart" in made.sentence


def test_objectives_that_never_vary_leave_no_feature_in_sessions_either() -> None:
    panel = walks(np.random.default_rng(3), np.zeros(12), n_sessions=10, steps=30)
    counts = Counts.of_panel(panel)
    made = ParametricPotential("objectives").fit(counts, values=objective_means(panel, counts.states))
    assert made.dropped == {"height": "the same in all states"}
    assert not {c.name: c.passed for c in made.checks}["indistinct_features"]
