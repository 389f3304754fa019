"""One move against brute force: K explicit candidates, N correlated reviewers, defects counted one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import loopstat as ls
from loopstat.arrays import Bool, Float
from loopstat.errors import SettingsError
from loopstat.moves.model import MoveLaw, Team, ends, next_radius, planned, winner_band
from loopstat.moves.order_statistics import expected_maximum
from loopstat.moves.process import MovesProcess, Work
from loopstat.moves.settings import PARAMETERS, PRESETS, SCENARIOS, MoveSettings
from loopstat.panel.model import Model
from loopstat.panel.panel import Objective, Panel
from plain_runs import Draws, advance, begin, picked

DEFAULTS = MoveSettings()
VIBE, PLANNER = MoveSettings.of(policy="vibe"), MoveSettings.of(policy="planner")
LEVEL = 0.001  # of each Kolmogorov-Smirnov test; 20,000 draws show differences of 0.02
SIZE = 20_000


def law_of(mean: float, spread: float, variance: float, k: float, r: float = 0.8, **more: Any) -> MoveLaw:
    """Return the law of a move from its own numbers instead of settings."""
    zero = np.array(0.0)
    team = Team(zero, zero, zero, np.array(float(k)), variance, True)
    return MoveLaw(np.array(mean), np.array(spread), team, np.array(r), **more)


def counted(rng: np.random.Generator, r: float, gain: Float) -> Bool:
    """Return where an oracle that sees a share of defects stays silent, by drawing those that a regression adds."""
    return np.asarray(rng.binomial(rng.poisson(np.maximum(-gain, 0)), r) == 0)


def near(values: Float, exact: float, errors: float = 4.5) -> bool:
    """Whether a mean is within so many standard errors; 4.5 are one false alarm in 150,000."""
    rare = 5 / len(values)  # events that hardly happen, or hardly fail to, show no spread
    return bool(abs(values.mean() - exact) < errors * values.std() / np.sqrt(len(values)) + rare)


# ---------------------------------------------------------------------------------------- one draw


def test_the_one_draw_law_has_the_known_moments() -> None:
    law, rng = law_of(0.1, 0.3, 0.04, 6), np.random.default_rng(0)
    draws = Draws.of(rng, 400_000)
    gain, score = picked(law, draws.log_uniform, draws.normal)
    assert gain.mean() == pytest.approx(0.416, abs=0.0015)
    assert gain.var() == pytest.approx(0.0537, abs=0.0006)
    assert np.mean(score > 0) == pytest.approx(0.996, abs=0.0006)
    assert np.corrcoef(gain, score)[0, 1] == pytest.approx(0.695, abs=0.004)
    assert float(law.expected) == pytest.approx(0.4163, abs=5e-5)
    assert float(law.positive) == pytest.approx(1 - stats.norm.cdf(-0.1 / np.sqrt(0.13)) ** 6, abs=1e-12)


TEAMS = [(1, 1, 0, 0.0), (5, 3, 1, 0.2), (4, 2, 2, 0.9), (6, 4, 0, 1.0)]


def brute_force(s: MoveSettings, mass: float, rng: np.random.Generator) -> tuple[Float, Float]:
    """Return improvement and score of the pick of all candidates by the mean of all reviewers."""
    A, C, S = Team.of(s).aim, Team.of(s).damage, Team.of(s).spread
    share, delta = mass / (mass + s.b), s.edit_radius
    m, spread = A * delta * share - C * delta, S * delta * np.sqrt(share)
    true = m + spread * rng.standard_normal((SIZE, s.pool))
    common, own = rng.standard_normal((SIZE, s.pool, 1)), rng.standard_normal((SIZE, s.pool, s.reviewers))
    errors = s.sigma_r * (np.sqrt(s.correlation) * common + np.sqrt(1 - s.correlation) * own)
    offset = np.sqrt(s.leniency) * rng.standard_normal((SIZE, 1, s.reviewers))
    score = (true[..., None] + errors + offset).mean(axis=-1)
    row, best = np.arange(SIZE), score.argmax(axis=1)
    return true[row, best], score[row, best]


@pytest.mark.parametrize(("k", "n", "each", "gamma"), TEAMS)
@pytest.mark.parametrize(("mass", "radius"), [(12.0, 1.0), (0.3, 0.4)])
def test_one_draw_is_many_candidates_and_reviewers(
    k: int, n: int, each: int, gamma: float, mass: float, radius: float
) -> None:
    # tau = 0 makes K_eff = K', a whole number of candidates that can be drawn one by one.
    s = replace(DEFAULTS, candidates=k, reviewers=n, reviewer_proposals=each, correlation=gamma, tau=0.0)
    s = s.but(edit_radius=radius, tr_max_radius=2)
    rng = np.random.default_rng([k, n, int(10 * mass)])
    gain, score = brute_force(s, mass, rng)
    law, draws = MoveLaw.of(s, mass), Draws.of(rng, SIZE)
    one_gain, one_score = picked(law, draws.log_uniform, draws.normal)
    assert stats.ks_2samp(gain, one_gain).pvalue > LEVEL
    assert stats.ks_2samp(score, one_score).pvalue > LEVEL
    slope = float(law.pull / law.total_spread)  # and together: what the score does not tell of the gain
    assert stats.ks_2samp(gain - 2 * slope * score, one_gain - 2 * slope * one_score).pvalue > LEVEL
    accepted = (score > 0) & counted(rng, s.oracle_resolution, gain)
    assert near(score > 0, float(law.positive))
    assert near(accepted, float(law.acceptance))
    assert near(gain * (score > 0), float(law.approved_gain))
    assert near(gain, float(law.expected))


def test_leniency_moves_the_gate_and_not_the_pick() -> None:
    s = MoveSettings(leniency=0.4, tau=0.0, edit_radius=0.5)
    rng = np.random.default_rng(4)
    gain, score = brute_force(s, 0.5, rng)
    law = MoveLaw.of(s, 0.5)
    accepted = (score > 0) & counted(rng, 0.8, gain)
    assert near(score > 0, float(law.positive))
    assert near(accepted, float(law.acceptance))
    assert near(gain * (score > 0), float(law.approved_gain))
    assert float(law.expected) == float(MoveLaw.of(s.but(leniency=0), 0.5).expected)
    assert float(law.positive) < float(MoveLaw.of(s.but(leniency=0), 0.5).positive)


@pytest.mark.parametrize("change", [{}, {"leniency": 0.3}, {"order_statistic": "source"}, {"reviewers": 0}])
@pytest.mark.parametrize(("mass", "radius"), [(12.0, 0.2), (0.2, 1.0), (0.05, 2.0)])
def test_exact_figures_against_the_moves_made(change: dict[str, Any], mass: float, radius: float) -> None:
    s = MoveSettings(tr_max_radius=2, edit_radius=radius, difficulty=mass, **change)
    rng, law = np.random.default_rng(5), MoveLaw.of(s, mass)
    n = 200_000
    draws = Draws.of(rng, n)
    after, accepted = advance(s, begin(s, n), draws)
    gain, score = picked(law, draws.log_uniform, draws.normal)
    approved = score + np.sqrt(law.offset_variance) * draws.offset > 0 if s.reviewers else np.ones(n, bool)
    assert near(accepted, float(law.acceptance))
    assert near(approved, float(law.positive))
    assert near(gain * approved, float(law.approved_gain))
    assert near(gain, float(law.expected))
    silent = np.exp(-s.oracle_resolution * np.maximum(-gain, 0))
    assert near(approved * silent, float(law.acceptance)), "the same, without the oracle's noise"
    assert (after.visible <= s.oracle_resolution * mass + 1e-12).all(), "what was let through is hidden"


# ------------------------------------------------------------------------------------ known figures


def test_acceptance_follows_the_mass_and_not_the_radius() -> None:
    mass, radius = np.geomspace(0.05, 12, 40)[:, None], np.geomspace(0.01, 2, 41)
    a = MoveLaw.of(DEFAULTS, mass, radius).acceptance
    assert a.min() == pytest.approx(0.61, abs=0.005)
    assert a.max() == pytest.approx(1.0, abs=0.005)
    assert (a[mass[:, 0] > 1] > 0.9).all()


def test_the_band_of_one_candidate_is_another_for_the_winner() -> None:
    s = MoveSettings(tr_band="candidate")
    low, high = winner_band(s, Team.of(s).k_eff)
    assert float(Team.of(s).k_eff) == pytest.approx(6.32)
    assert (float(low.round(2)), float(high.round(2))) == (0.76, 0.96)
    assert [float(x) for x in winner_band(DEFAULTS, 6.32)] == [0.2, 0.4]


def test_ends_of_a_loop() -> None:
    p = ends(1.2, 0.4)
    assert [float(x) for x in p] == pytest.approx([np.exp(-1.2), np.exp(-1.6), 1 - np.exp(-0.4)])
    assert float(p.p_good) == pytest.approx(float(p.p_pass * (1 - p.p_false)))


def test_masses_stay_exact_through_undetected_regressions() -> None:
    # Five scripted moves, two of them regressions the oracle missed, over defects drawn one by one.
    script, r, n, rng = (3.0, -0.6, 4.0, -0.5, 3.0), 0.8, 400_000, np.random.default_rng(6)
    visible, hidden = rng.poisson(r * 12.0, n), rng.poisson((1 - r) * 12.0, n)
    work, silent = begin(DEFAULTS, 1), np.ones(n, dtype=bool)
    for gain in script:
        mu = float((work.visible + work.hidden)[0])
        new = rng.poisson(max(-gain, 0.0), n)
        seen = rng.binomial(new, r)
        silent &= seen == 0
        keep = 1 - max(gain, 0.0) / mu
        visible, hidden = rng.binomial(visible, keep) + seen, rng.binomial(hidden, keep) + new - seen
        work, accepted = scripted(DEFAULTS, work, gain)
        assert accepted.all()
    passing = silent & (visible == 0)
    expected = ends(work.visible, work.hidden)
    assert near((visible == 0)[silent], float(expected.p_pass[0]))
    assert near((hidden > 0)[passing], float(expected.p_false[0]))
    assert np.mean(silent) == pytest.approx(np.exp(-r * 1.1), abs=0.004)
    assert float((work.visible / (work.visible + work.hidden))[0]) < r - 0.01, "and the oracle sees less than r of it"


def scripted(s: MoveSettings, work: Work, gain: float) -> tuple[Work, Bool]:
    """Make one move whose improvement is given, without a gate: the normal draw that leads to it, a silent oracle."""
    s = s.but(reviewers=0)
    law = MoveLaw.of(s, work.visible + work.hidden, work.radius)
    one = np.ones(len(work.visible))
    return advance(s, work, Draws(-one, (gain - law.mean) / law.spread, 0 * one, 0 * one))


# -------------------------------------------------------------------------------------- special cases


def test_reviewers_of_one_mind_are_one_reviewer() -> None:
    many = MoveSettings(reviewers=5, correlation=1.0, reviewer_proposals=0)
    one = many.but(reviewers=1, correlation=0.3)
    a, b = MoveLaw.of(many, [0.1, 3.0]), MoveLaw.of(one, [0.1, 3.0])
    assert a.expected.tolist() == b.expected.tolist()
    assert a.acceptance.tolist() == b.acceptance.tolist()


def test_nobody_to_choose_among_or_to_choose_gains_nothing() -> None:
    alone = MoveLaw.of(MoveSettings(candidates=1, reviewers=0), 3.0)
    assert alone.expected == alone.mean
    unreviewed = MoveLaw.of(MoveSettings(candidates=9, reviewers=0), 3.0)
    assert unreviewed.expected == alone.mean
    assert unreviewed.positive == 1.0
    gated = MoveLaw.of(MoveSettings(candidates=1, reviewers=1, reviewer_proposals=0), 3.0)
    assert gated.expected == pytest.approx(float(gated.mean))
    assert float(gated.positive) < 1, "one candidate is not chosen, but it can be turned down"
    gain = picked(alone, np.array([-0.5]), np.array([1.0]))[0]
    assert gain == pytest.approx(alone.mean + alone.spread)


def test_an_oracle_that_sees_everything_lets_nothing_through() -> None:
    panel = MovesProcess(MoveSettings(oracle_resolution=1.0)).simulate(50, steps=200, rng=0)
    assert (panel.x[:, 1] == 0).all()


def test_a_blind_oracle_always_passes() -> None:
    work = begin(MoveSettings(oracle_resolution=0.0), 3)
    assert ends(*work[:2]).p_pass.tolist() == [1, 1, 1]
    assert ends(*work[:2]).p_good == pytest.approx(np.exp(-12.0))


def test_nothing_is_drawn_from_nothing() -> None:
    perfect = MoveSettings(sigma_r=0.0, difficulty=1e-12)
    law = MoveLaw.of(perfect, 0.0)
    assert (law.spread, law.total_spread, law.pull, law.rest) == (0, 0, 0, 0)
    assert float(law.expected) == float(law.mean) < 0
    work, accepted = advance(perfect, begin(perfect, 5), Draws.of(np.random.default_rng(0), 5))
    assert np.isfinite(np.stack(work)).all()
    assert not accepted.any()


# ------------------------------------------------------------------------------------ laws of ordering

masses, radii = st.floats(0.01, 50), st.floats(0.01, 2)
shares = st.floats(0, 1)


def best_gain(mass: float, radius: float, **changes: Any) -> float:
    return float(MoveLaw.of(MoveSettings(**changes), mass, radius).expected)


@given(masses, radii, st.integers(1, 30), st.integers(1, 6), shares)
def test_more_candidates_gain_more(mass: float, radius: float, k: int, n: int, gamma: float) -> None:
    few = best_gain(mass, radius, candidates=k, reviewers=n, correlation=gamma)
    assert best_gain(mass, radius, candidates=k + 1, reviewers=n, correlation=gamma) >= few - 1e-12


@given(masses, radii, st.integers(1, 8), shares, shares)
def test_correlated_reviewers_gain_less_from_the_same_pool(
    mass: float, radius: float, n: int, a: float, b: float
) -> None:
    low, high = sorted((a, b))
    more = best_gain(mass, radius, reviewers=n, correlation=low)
    assert best_gain(mass, radius, reviewers=n, correlation=high) <= more + 1e-12


@given(masses, radii, shares, shares, shares)
def test_a_better_model_gains_more(mass: float, radius: float, human: float, a: float, b: float) -> None:
    low, high = sorted((a, b))
    less = best_gain(mass, radius, model_prior=low, human_prior=human)
    assert best_gain(mass, radius, model_prior=high, human_prior=human) >= less - 1e-12


@given(masses, masses, radii)
def test_more_defects_leave_more_to_gain_and_pass_less_often(a: float, b: float, radius: float) -> None:
    low, high = sorted((a, b))
    assert best_gain(low, radius) <= best_gain(high, radius) + 1e-12
    few, many = ends(0.8 * low, 0.2 * low), ends(0.8 * high, 0.2 * high)
    assert few.p_pass >= many.p_pass
    assert few.p_good >= many.p_good
    assert few.p_false <= many.p_false


@given(masses, radii, st.integers(1, 20), st.integers(0, 8), shares, shares, shares, st.floats(0, 1))
def test_probabilities_are_probabilities(
    mass: float, radius: float, k: int, n: int, gamma: float, H: float, r: float, leniency: float
) -> None:
    s = MoveSettings(candidates=k, reviewers=n, correlation=gamma, human_prior=H, oracle_resolution=r)
    law = MoveLaw.of(s.but(leniency=leniency), mass, radius)
    assert -1e-12 <= float(law.acceptance) <= float(law.positive) + 1e-9 <= 1 + 2e-9
    blind = MoveLaw.of(s.but(leniency=leniency, oracle_resolution=0), mass, radius)
    assert float(blind.acceptance) == pytest.approx(float(law.positive), abs=1e-9), "a blind oracle refuses nothing"
    assert float(law.expected) >= float(law.mean) - 1e-12
    team = Team.of(s)
    assert 1 <= float(team.k_eff) <= s.pool
    if n:
        assert s.sigma_r**2 / n <= team.review_variance * (1 + 1e-12)
        assert s.sigma_r**2 * gamma <= team.review_variance * (1 + 1e-12), "n_eff is at most 1/gamma"


@given(st.floats(0, 5), st.floats(0, 5), st.floats(0.1, 1.9))
def test_collateral_damage_makes_a_best_radius(a: float, b: float, radius: float) -> None:
    low, high = sorted((a, b))
    assert best_gain(3.0, radius, collateral=high) <= best_gain(3.0, radius, collateral=low) + 1e-12


# --------------------------------------------------------------------------------------------- radii


def radii_of(s: MoveSettings, moves: int, accept: Any) -> list[float]:
    """Return the radii of a loop whose moves are accepted as told."""
    radius, window, out = np.array([s.edit_radius]), np.zeros(1), [s.edit_radius]
    for move in range(1, moves + 1):
        window = window + accept(move)
        radius = next_radius(s, radius, np.array([move]), window, Team.of(s).k_eff)
        window = np.where(move % s.tr_window == 0, 0, window)
        out.append(float(radius[0]))
    return out


def test_vibe_shrinks_and_a_planner_shrinks_after_its_plan() -> None:
    assert radii_of(VIBE, 50, lambda _: 1) == pytest.approx(0.1 * 0.99 ** np.arange(51))
    assert radii_of(PLANNER, 50, lambda _: 0) == pytest.approx(0.3 * 0.98 ** np.maximum(np.arange(51) - 20, 0))


def test_a_trust_region_adapts_once_a_window() -> None:
    grows = radii_of(DEFAULTS, 100, lambda _: 1)
    assert grows[:10] == [0.2] * 10
    assert grows[10::10] == pytest.approx(np.minimum(0.2 * 1.3 ** np.arange(1, 11), 1))
    shrinks = radii_of(DEFAULTS, 100, lambda _: 0)
    assert shrinks[10::10] == pytest.approx(np.maximum(0.2 * 0.7 ** np.arange(1, 11), 0.01))
    assert radii_of(DEFAULTS, 40, lambda move: move % 10 in (1, 4, 7)) == [0.2] * 41, "three of ten: in the band"


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.3), (0.3, 0.6), (0.7, 0.9)])
def test_the_ends_of_the_band_belong_to_it(low: float, high: float) -> None:
    s = MoveSettings(tr_a_low=low, tr_a_high=high)
    for accepted in range(round(10 * low), round(10 * high) + 1):
        assert float(next_radius(s, np.array(0.2), np.array(10), np.array(accepted), 6.0)) == 0.2
    below = next_radius(s, np.array(0.2), np.array(10), np.array(round(10 * low) - 1), 6.0)
    above = next_radius(s, np.array(0.2), np.array(10), np.array(round(10 * high) + 1), 6.0)
    assert (float(below), float(above)) == pytest.approx((0.14, 0.26))


def test_a_narrower_band_lets_the_region_shrink_where_the_winner_is_worse_than_it_should_be() -> None:
    s = MoveSettings(tr_band="candidate")  # 0.76 to 0.96
    assert radii_of(s, 10, lambda move: move > 3)[-1] == pytest.approx(0.14)
    assert radii_of(s, 10, lambda move: move > 1)[-1] == 0.2
    assert radii_of(s, 10, lambda _: 1)[-1] == pytest.approx(0.26)


def test_planning_raises_priors_and_stops() -> None:
    H, r = planned(PLANNER, np.arange(40))
    assert H[[0, 1, 20, 39]].tolist() == pytest.approx([0.4, 0.42, 0.8, 0.8])
    assert r[[0, 1, 20, 39]].tolist() == pytest.approx([0.5, 0.51, 0.7, 0.7])
    spec = MoveSettings.of(preset="planner-spec", values={"plan_moves": 100})
    assert np.max(planned(spec, np.arange(200))) == 0.95
    assert np.max(planned(spec.but(human_prior=0.99), 50)[0]) == 0.99, "what is already better is left alone"
    assert [float(x) for x in planned(DEFAULTS, 50)] == [0.6, 0.8]


def test_what_planning_brings_to_light_is_moved_and_not_made() -> None:
    work = begin(PLANNER.but(a1=0.0, a2=0.0, s0=0.0), 1)
    for move in range(21):
        work, _ = advance(PLANNER.but(a1=0.0, a2=0.0, s0=0.0), work, Draws.of(np.random.default_rng(move), 1))
    assert float(work.visible[0]) == pytest.approx(0.7 * 12)
    assert float(work.hidden[0]) == pytest.approx(0.3 * 12)


# ------------------------------------------------------------------------------------- the processes


def steady(process: str, **more: Any) -> MoveSettings:
    """Return settings under which every move improves by the same: what the processes then share can be compared."""
    return MoveSettings(process=process, s0=0.0, sigma_r=0.0, b=1e-9, edit_radius=0.6, tr_max_radius=0.6, **more)


def test_without_regressions_the_three_processes_fix_alike() -> None:
    rng, n, moves = np.random.default_rng(8), 20_000, 12
    found = {}
    for process in ("split", "single", "integer"):
        s = steady(process)
        work = begin(s, n, rng)
        for _ in range(moves):
            work, _ = advance(s, work, Draws.of(rng, n), rng)
        found[process] = work
    step = 0.6 * (0.9 * 0.9 - 0.15 * 0.82)  # delta (A - C)
    left = 12 - moves * step
    for process in ("split", "single"):
        assert found[process].visible == pytest.approx(0.8 * left)
        assert found[process].hidden == pytest.approx(0.2 * left)
    assert near(found["integer"].visible, 0.8 * left)
    assert near(found["integer"].hidden, 0.2 * left)


def test_numbers_of_defects_start_as_poisson_numbers() -> None:
    work = begin(MoveSettings(process="integer", difficulty=3.0), 50_000, np.random.default_rng(9))
    expected = ends(0.8 * 3.0, 0.2 * 3.0)
    assert near(work.visible == 0, float(expected.p_pass))
    assert near(work.visible + work.hidden == 0, float(expected.p_good))
    assert near((work.hidden > 0)[work.visible == 0], float(expected.p_false))


def test_counts_stay_counts() -> None:
    panel = MovesProcess(MoveSettings.of(policy="planner", values={"process": "integer"})).simulate(40, steps=60, rng=0)
    defects = panel.x[:, :2]
    assert (defects == np.round(defects)).all()
    assert (defects >= 0).all()
    with pytest.raises(SettingsError, match="it needs `rng`"):
        begin(MoveSettings(process="integer"), 3)


def test_a_regression_is_added_whole_to_one_mass_and_by_its_unseen_share_to_two() -> None:
    split, _ = scripted(DEFAULTS, begin(DEFAULTS, 1), -0.5)
    single, _ = scripted(DEFAULTS.but(process="single"), begin(DEFAULTS, 1), -0.5)
    assert [float(split.visible[0]), float(split.hidden[0])] == pytest.approx([9.6, 2.4 + 0.2 * 0.5])
    assert [float(single.visible[0]), float(single.hidden[0])] == pytest.approx([0.8 * 12.5, 0.2 * 12.5])


def test_more_than_all_defects_cannot_be_fixed() -> None:
    s = MoveSettings(difficulty=0.1)
    work, _ = scripted(s, begin(s, 1), 5.0)
    assert float(work.visible[0]) == float(work.hidden[0]) == 0.0


# -------------------------------------------------------------------------------------------- a model


@pytest.mark.slow
@pytest.mark.parametrize("process", ["split", "single", "integer"])
def test_it_is_a_model_that_the_drift_lens_reads(process: str) -> None:
    model = MovesProcess(MoveSettings(process=process))
    typed: Model = model
    panel = typed.step(np.random.default_rng(0), typed.start(np.random.default_rng(0), 4))
    assert panel.shape == (4, 5)
    panel = model.simulate(60, steps=15, rng=0)
    assert panel.names == ("visible", "hidden", "radius", "move", "window")
    assert (panel.n_sessions, len(panel)) == (60, 900)
    assert np.isfinite(panel.x).all()
    collinear = {check.name: check.passed for check in ls.LinearDrift("pooled").fit(panel).checks}["collinear"]
    assert not collinear, "numbers of moves are the same in every session, and one mass is a copy of the other"
    mass = Panel.from_arrays(panel.x[:, :2].sum(axis=1).reshape(60, 15, 1), objectives=[Objective("mass", False)])
    fit = ls.LinearDrift("pooled").fit(mass)
    assert float(fit.model.step(np.random.default_rng(0), np.full((500, 1), 10.0)).mean()) < 10
    again = model.simulate(60, steps=15, rng=0)
    assert np.array_equal(again.x, panel.x)


# ----------------------------------------------------------------------------------------- bad settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"candidates": 0}, r"`candidates` must lie in \[1, inf\). Got 0"),
        ({"candidates": 2.5}, "`candidates` must be a whole number"),
        ({"candidates": True}, "`candidates` must be a whole number"),
        ({"reviewers": -1}, "`reviewers`"),
        ({"human_prior": 1.2}, r"`human_prior` must lie in \[0, 1\]"),
        ({"correlation": float("nan")}, "`correlation` must be a finite number"),
        ({"difficulty": float("inf")}, "`difficulty` must be a finite number"),
        ({"difficulty": 0}, r"`difficulty` must lie in \(0, inf\)"),
        ({"edit_radius": 0}, "`edit_radius`"),
        ({"target_reliability": 1}, "`target_reliability`"),
        ({"b": 0}, "`b` must lie in"),
        ({"tr_alpha": 0.9}, "`tr_alpha`"),
        ({"tr_window": 0}, "`tr_window`"),
        ({"replicates": "many"}, "`replicates` must be a whole number"),
        ({"process": "double"}, "`process` must be one of split, single, integer"),
        ({"policy": "tr"}, "`policy` must be one of"),
        ({"tr_a_low": 0.5}, "the band would be empty"),
        ({"tr_min_radius": 3}, "`tr_min_radius` must not be above `tr_max_radius`"),
        ({"edit_radius": 1.5}, "starts outside the trust region"),
    ],
)
def test_settings_outside_their_ranges(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        MoveSettings(**values)
    with pytest.raises(SettingsError, match=message):
        DEFAULTS.but(**values)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"values": {"candidtes": 3}}, "unknown setting 'candidtes'.*did you mean `candidates`"),
        ({"file": {"gamma_": 3}}, "unknown setting 'gamma_'"),
        ({"preset": "principal"}, "unknown preset 'principal'.*did you mean `principal-tr`"),
        ({"scenario": "green-field"}, "did you mean `greenfield`"),
        ({"policy": "vybe"}, "unknown policy 'vybe'.*did you mean `vibe`"),
        ({"policy": "vibe", "preset": "principal-tr"}, "is a trust-region policy, not vibe"),
        ({"values": {"policy": "planner"}, "preset": "noob-vibe"}, "is a vibe policy, not planner"),
    ],
)
def test_names_that_are_not_known(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        MoveSettings.of(**given)


def test_a_change_of_an_unknown_name() -> None:
    with pytest.raises(SettingsError, match="did you mean `reviewers`"):
        DEFAULTS.but(reviewer=2)


def test_the_later_wins() -> None:
    s = MoveSettings.of(policy="vibe", scenario="rapid-prototype", file={"candidates": 3}, values={"difficulty": 7})
    assert (s.policy, s.edit_radius, s.candidates, s.reviewers, s.difficulty) == ("vibe", 0.5, 3, 1, 7.0)
    assert s.decay_rate == 0.99
    assert MoveSettings.of(values={"policy": "planner"}) == PLANNER
    assert MoveSettings.of() == MoveSettings.of(policy="trust-region") == DEFAULTS


def test_every_preset_and_scenario_is_valid() -> None:
    for preset in PRESETS:
        for scenario in (None, *SCENARIOS):
            s = MoveSettings.of(preset=preset, scenario=scenario)
            assert MoveSettings.of(values=s.to_dict()) == s
    for row in PARAMETERS.values():
        assert row.read(str(row.default)) == row.default
        assert row.help
        if row.slider:
            assert row.read(row.slider[0]) == row.slider[0]


def test_the_cost_of_a_move() -> None:
    assert DEFAULTS.pool == 8
    assert DEFAULTS.move_cost == pytest.approx(8 + 0.2 * 3 * 8 + 0.1)
    assert VIBE.move_cost == pytest.approx(2.1)


def test_the_best_of_a_pool_is_the_order_statistic() -> None:
    law = MoveLaw.of(DEFAULTS, 12.0)
    assert float(law.best) == pytest.approx(float(expected_maximum(6.32)))
    assert float(MoveLaw.of(DEFAULTS.but(order_statistic="source"), 12.0).best) < float(law.best)
