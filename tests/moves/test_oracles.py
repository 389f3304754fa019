"""Oracles against known truth: the share of defects seen, false passes, and when neither can be told."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat.errors import SettingsError
from loopstat.inference.intervals import share_by_cluster
from loopstat.moves.calibrate.mixture import fit_mixture, fit_mixtures, mass_grid, one_r_test
from loopstat.moves.calibrate.oracle import Verdicts, false_pass_rate, one_mass_share, oracle_resolution

R = 0.8


def verdicts(seed: int, *, tasks: int = 164, samples: int = 10, r: float = R, spread: float = 1.5) -> Verdicts:
    rng = np.random.default_rng(seed)
    mu = rng.lognormal(-0.5, spread, tasks)
    coarse, fine = np.exp(-r * mu), np.exp(-mu)
    return Verdicts(rng.multinomial(samples, np.stack([1 - coarse, coarse - fine, fine], axis=1)))


def blind(seed: int) -> Verdicts:
    """Return verdicts of tasks with blind spots: a few miss everything, the others nothing."""
    rng = np.random.default_rng(seed)
    rows = [[0, 0, 10]] * 100 + [[10, 0, 0]] * 30 + [[0, 10, 0]] * 8
    return Verdicts(np.array(rows + [[k, 0, 10 - k] for k in rng.integers(1, 10, 26)]))


# ------------------------------------------------------------------------- the solver


def test_a_mixture_of_two_known_parts_is_found() -> None:
    rng = np.random.default_rng(0)
    parts = np.array([0.2, 0.5, 0.9])
    passed = rng.binomial(20, parts[rng.choice(3, 4000, p=[0.3, 0.0, 0.7])])
    k = np.arange(21)
    likelihood = parts ** k[:, None] * (1 - parts) ** (20 - k[:, None])
    found = fit_mixtures(np.log(likelihood)[None], np.bincount(passed, minlength=21).astype(float))
    assert found.weights[0] == pytest.approx([0.3, 0.0, 0.7], abs=0.03)
    assert found.missing[0] < 1e-5


def test_the_maximum_is_no_less_than_that_of_plain_em() -> None:
    counts = np.array([3.0, 1, 7, 2, 9])
    likelihood = np.random.default_rng(1).random((5, 12))
    x = np.full(12, 1 / 12)
    for _ in range(5000):
        x *= (counts / (likelihood @ x)) @ likelihood / counts.sum()
    best = float(counts @ np.log(likelihood @ x))
    assert float(fit_mixtures(np.log(likelihood)[None], counts).log_likelihood[0]) == pytest.approx(best, abs=1e-4)


def test_a_batch_is_each_of_its_members() -> None:
    rng = np.random.default_rng(2)
    likelihood, counts = np.log(rng.random((4, 6, 9))), rng.integers(1, 9, 6).astype(float)
    whole = fit_mixtures(likelihood, counts).log_likelihood
    assert whole == pytest.approx([fit_mixtures(one[None], counts).log_likelihood[0] for one in likelihood], abs=1e-5)


def test_what_no_part_allows_is_impossible() -> None:
    none = -np.inf
    likelihood = np.array([[[0.0, -1.0], [none, none]], [[0.0, -1.0], [none, -1.0]]])
    value = fit_mixtures(likelihood, np.array([1.0, 1.0])).log_likelihood
    assert value[0] == -np.inf
    assert np.isfinite(value[1])
    with pytest.raises(SettingsError, match="nothing was seen"):
        fit_mixtures(likelihood, np.zeros(2))


# ------------------------------------------------------------------------- r


@pytest.mark.slow
def test_r_is_found_from_ten_samples_a_task() -> None:
    fits = [fit_mixture(verdicts(seed).outcomes).r for seed in range(12)]
    assert np.mean([f.value for f in fits]) == pytest.approx(R, abs=0.015)
    assert np.std([f.value for f in fits]) == pytest.approx(0.02, abs=0.01)
    assert sum(f.low <= R <= f.high for f in fits) >= 10


def test_logarithms_are_too_large_where_masses_differ() -> None:
    found = [float(one_mass_share(verdicts(seed)).value) for seed in range(12)]
    assert 0.83 < min(found) < max(found) < 0.91
    assert np.mean([one_mass_share(verdicts(s, spread=1e-9)).value for s in range(12)]) == pytest.approx(R, abs=0.01)


def test_the_fit_reproduces_the_pass_rates() -> None:
    v = verdicts(3)
    fit = fit_mixture(v.outcomes)
    share = v.outcomes.sum(axis=0) / v.n_samples
    assert fit.p_coarse == pytest.approx(share[1] + share[2], abs=0.01)
    assert fit.p_fine == pytest.approx(share[2], abs=0.01)
    assert fit.p_coarse >= fit.p_fine


def test_one_sample_a_task_says_nothing() -> None:
    v = verdicts(4, samples=1)
    interval = fit_mixture(v.outcomes).r
    assert interval.low < 0.2
    assert interval.high > 0.8
    found = oracle_resolution(v, rng=np.random.default_rng(0)).parameter
    assert not found.identifiable
    assert np.isnan(found.value)
    assert "one sample per task" in found.reason


@pytest.mark.slow
def test_r_that_holds_for_all_tasks_is_identifiable() -> None:
    found = oracle_resolution(verdicts(5), rng=np.random.default_rng(0))
    assert found.parameter.identifiable
    assert found.test is not None
    assert found.test.p_value > 0.05
    assert "too large where masses differ" in found.parameter.reason


@pytest.mark.slow
def test_blind_spots_in_tasks_are_seen() -> None:
    found = oracle_resolution(blind(0), rng=np.random.default_rng(0))
    assert not found.parameter.identifiable
    assert "Blind spots sit in tasks" in found.parameter.reason
    assert found.logarithms.value - found.mixture.value > 0.1
    assert found.test is not None
    assert found.test.statistic > 10 * found.test.expected


@pytest.mark.slow
def test_one_r_is_seldom_rejected_where_it_holds() -> None:
    p = []
    for seed in range(8):
        n = verdicts(seed, tasks=50, samples=5).outcomes
        p.append(one_r_test(n, fit_mixture(n), rng=np.random.default_rng(seed), n_draws=19).p_value)
    assert sum(v <= 0.05 for v in p) <= 2  # by chance more often in 0.6 % of all seeds


@pytest.mark.slow
def test_the_same_seed_gives_the_same_figures() -> None:
    v = verdicts(6)
    first, again = (oracle_resolution(v, rng=np.random.default_rng(1)).to_dict() for _ in range(2))
    assert first == again


def test_no_false_pass_leaves_r_at_one_with_a_lower_end() -> None:
    n = verdicts(7).outcomes
    seen = Verdicts(np.stack([n[:, 0], 0 * n[:, 1], n[:, 1] + n[:, 2]], axis=1))
    found = oracle_resolution(seen, rng=np.random.default_rng(0)).parameter
    assert found.identifiable
    assert found.value == 1
    assert 0.9 < found.estimate.low < 1


@pytest.mark.parametrize(
    ("outcomes", "beyond", "selected", "words"),
    [
        ([[5, 5, 0]] * 20, 0, False, "No sample passes the fine tests"),
        ([[0, 0, 9]] * 20, 0, False, "Every sample passes"),
        ([[3, 2, 5]] * 20, 50, False, "not nested"),
        ([[3, 2, 5]] * 20, 0, True, "selected by their coarse verdicts"),
        ([[3, 2, 5]] * 7, 0, False, "only 7 tasks sampled twice"),
        ([[1, 0, 1], [0, 1, 1]] * 5, 0, False, "likelihood is flat"),
    ],
)
def test_why_r_is_not_identifiable(outcomes: list[list[int]], beyond: int, selected: bool, words: str) -> None:
    v = Verdicts(np.array(outcomes), beyond)
    found = oracle_resolution(v, rng=np.random.default_rng(0), selected=selected).parameter
    assert not found.identifiable
    assert words in found.reason
    assert found.reason.endswith(".")


def test_unequal_numbers_of_samples_are_no_trouble() -> None:
    rng = np.random.default_rng(8)
    mu, n = rng.lognormal(-0.5, 1.5, 200), rng.integers(1, 25, 200)
    chances = np.stack([1 - np.exp(-R * mu), np.exp(-R * mu) - np.exp(-mu), np.exp(-mu)], axis=1)
    fit = fit_mixture([rng.multinomial(k, p) for k, p in zip(n, chances, strict=True)]).r
    assert fit.low <= R <= fit.high


def test_thousands_of_samples_neither_vanish_nor_coarsen_the_interval() -> None:
    fit = fit_mixture(verdicts(9, tasks=100, samples=3000).outcomes).r
    assert fit.low < R < fit.high
    assert fit.high - fit.low < 0.012


def test_refusals() -> None:
    with pytest.raises(SettingsError, match="three counts"):
        fit_mixture([[1, 2]])
    with pytest.raises(SettingsError, match="pass the fine tests"):
        fit_mixture([[1, 2, 0]])
    with pytest.raises(SettingsError, match="equally long"):
        Verdicts.of([True], [True, False], ["a"])


def test_the_grid_of_masses_holds_both_ends_and_grows_with_the_samples() -> None:
    few, many = mass_grid(3), mass_grid(100)
    for grid in (few, many):
        assert grid[0] == 0
        assert grid[-1] == np.inf
        assert np.all(np.diff(grid) > 0)
    assert len(many) > len(few)


# ------------------------------------------------------------------------- false passes


def test_the_false_pass_rate_is_a_ratio_by_task() -> None:
    v = verdicts(9)
    n = v.outcomes.sum(axis=0)
    found = false_pass_rate(v)
    assert found.value == pytest.approx(1 - n[2] / (n[1] + n[2]))
    assert 0 < found.estimate.low < found.value < found.estimate.high < 1
    assert found.n_samples == n[1] + n[2]


def test_ten_copies_of_a_task_are_one_task() -> None:
    rng = np.random.default_rng(10)
    one = (rng.random(200) < 0.2).astype(float)
    single, copied = share_by_cluster(one, np.ones(200), 0.95), share_by_cluster(10 * one, np.full(200, 10.0), 0.95)
    assert [float(single.low), float(single.high)] == pytest.approx([float(copied.low), float(copied.high)])


def test_no_false_pass_has_an_upper_end() -> None:
    found = false_pass_rate(Verdicts(np.array([[2, 0, 8]] * 30))).estimate
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 30))
    assert share_by_cluster(np.ones(30), np.ones(30), 0.95).low == pytest.approx(0.025 ** (1 / 30))


def test_nothing_that_passes_has_no_false_pass_rate() -> None:
    assert not false_pass_rate(Verdicts(np.array([[5, 0, 0]] * 10))).identifiable
    assert np.isnan(share_by_cluster(np.zeros(3), np.zeros(3), 0.95).value)


def test_verdicts_that_pass_the_fine_tests_alone_count_as_failing() -> None:
    v = Verdicts.of([0, 1, 1], [1, 1, 0], ["a", "a", "b"])
    assert v.outcomes.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert v.beyond == 1
    assert not v.nested
