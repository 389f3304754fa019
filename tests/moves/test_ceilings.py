"""Closed forms of the mean path against the path itself, ceilings of every policy, and what levers lift them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopstat.moves.ceilings import best_radius, resting_point, resting_share, travel
from loopstat.moves.mean_path import ceiling, mean_path, reach
from loopstat.moves.model import MoveLaw, Team
from loopstat.moves.settings import PRESETS, MoveSettings
from loopstat.moves.sweep.levers import lever_names, levers, levers_together, turned

DEFAULTS = MoveSettings()
VIBE = MoveSettings.of(policy="vibe")
PLANNER = MoveSettings.of(policy="planner")

# ----------------------------------------------------------------------------- resting point


def test_ceilings_of_the_trust_region_are_the_known_ones() -> None:
    assert resting_point(DEFAULTS, selection=False).p_pass.round(3) == 0.564
    p = resting_point(DEFAULTS, radius=[0.01, 0.2, 1.0, 2.0])
    assert p.p_pass.round(3).tolist() == [0.566, 0.606, 0.711, 0.770]
    assert np.exp(-0.8 * p.mass) == pytest.approx(p.p_pass)
    assert np.exp(-p.mass) == pytest.approx(p.p_good)


positive = st.floats(0.01, 3)


@given(
    *(positive, positive, st.floats(0, 2), st.floats(0.01, 2)),
    *(st.floats(-1, 2), st.floats(0, 1), st.floats(0, 0.5)),
)
def test_the_share_at_rest_is_a_root_of_the_mean_improvement(
    aim: float, damage: float, spread: float, radius: float, best: float, variance: float, collateral: float
) -> None:
    q = float(
        resting_share(
            *(aim, damage),
            radius=radius,
            spread=spread,
            best=best,
            review_variance=variance,
            collateral=collateral,
        )
    )
    w = np.sqrt((spread * radius) ** 2 * q + variance)
    selected = best * spread**2 * radius * q / w if w > 0 else 0.0
    terms = aim * q, damage + collateral * radius, selected
    assert terms[0] - terms[1] + terms[2] == pytest.approx(0.0, abs=1e-9 * max(1.0, *np.abs(terms)))


def test_the_root_is_the_positive_one_of_the_cubic() -> None:
    team = Team.of(DEFAULTS)
    law = MoveLaw.of(DEFAULTS, 1.0)
    A, C, S, e, v = (float(x) for x in (team.aim, team.damage, team.spread, law.best, team.review_variance))
    for delta, a3 in ((0.01, 0.0), (0.7, 0.0), (2.0, 0.3)):
        D = C + a3 * delta
        roots = np.roots([A, e * S**2 * delta, -(A * v + D * (S * delta) ** 2), -e * S**2 * delta * v])
        (u,) = roots[np.abs(roots.imag) < 1e-12].real[roots.real > 0]
        q = (u**2 - v) / (S * delta) ** 2
        assert resting_point(DEFAULTS.but(collateral=a3), radius=delta).share == pytest.approx(q, rel=1e-9)


def test_where_it_never_and_where_it_always_improves() -> None:
    never = resting_point(DEFAULTS.but(a2=5.0))
    assert never.share > 1
    assert never.mass == np.inf
    assert never.p_pass == never.p_good == 0
    assert reach(DEFAULTS.but(a2=5.0)).mass == [12.0]
    always = resting_point(DEFAULTS.but(a2=0.0))
    assert (float(always.share), float(always.p_pass)) == (0.0, 1.0)
    aimless = DEFAULTS.but(model_prior=0.0, human_prior=0.0, reviewers=0)
    assert resting_point(aimless).share == np.inf
    assert resting_point(DEFAULTS.but(a2=5.0, oracle_resolution=0.0)).p_pass == 1.0


def test_arrays_of_radii_and_of_settings_agree_with_one_by_one() -> None:
    many = [DEFAULTS, VIBE, PLANNER, DEFAULTS.but(order_statistic="source", candidates=1, reviewers=1)]
    radii = np.array([[0.1], [1.0]])
    together = resting_point(many, radius=radii)
    assert together.p_pass.shape == (2, 4)
    alone = [[float(resting_point(s, radius=float(r)).p_pass) for s in many] for r in radii[:, 0]]
    assert together.p_pass.tolist() == alone
    assert resting_point(many).radius.tolist() == [0.2, 0.1, 0.3, 0.2]


def test_a_blind_oracle_lifts_p_pass_and_not_p_good() -> None:
    seen, blind = (resting_point(DEFAULTS.but(oracle_resolution=r), radius=1.0) for r in (0.8, 0.1))
    assert blind.p_pass.round(3) == 0.958
    assert blind.p_good == seen.p_good


# ---------------------------------------------------------------------------------- mean path


def test_a_mean_move_is_the_expected_improvement_of_the_law() -> None:
    path = mean_path(DEFAULTS, max_moves=25)
    for t in (0, 9, 10, 24):
        expected = MoveLaw.of(DEFAULTS, path.mass[0, t], path.radius[0, t]).expected
        assert path.mass[0, t + 1] == pytest.approx(path.mass[0, t] - expected, abs=1e-12)


def test_the_trust_region_goes_by_its_exact_acceptance() -> None:
    path = mean_path(DEFAULTS, max_moves=400)
    assert path.radius[0, :11].tolist() == [0.2] * 10 + [0.26]
    accepted = MoveLaw.of(DEFAULTS, path.mass[0, :400], path.radius[0, :400]).acceptance
    assert accepted.min() > 0.6  # the band of 0.2-0.4 is never met
    assert path.radius[0, -1] == 1.0
    assert path.p_pass[0, -1] == pytest.approx(0.7108, abs=1e-4)


def test_a_planner_raises_its_priors_and_then_shrinks() -> None:
    path = mean_path(PLANNER, max_moves=40)
    assert path.radius[0, [0, 20, 21, 22]] == pytest.approx([0.3, 0.3, 0.3 * 0.98, 0.3 * 0.98**2])
    late = MoveLaw.of(PLANNER, path.mass[0, 30], path.radius[0, 30], human_prior=0.8, oracle_resolution=0.7)
    assert path.mass[0, 31] == pytest.approx(path.mass[0, 30] - late.expected, abs=1e-12)
    assert path.p_pass[0, [1, 40]] == pytest.approx(np.exp(-np.array([0.5, 0.7]) * path.mass[0, [1, 40]]))


def test_paths_of_many_settings_are_those_one_by_one() -> None:
    many = [MoveSettings.of(preset=name) for name in PRESETS] + [VIBE, DEFAULTS.but(tr_window=7, tr_band="candidate")]
    together = mean_path(many, max_moves=60)
    for k, s in enumerate(many):
        assert together.mass[k] == pytest.approx(mean_path(s, max_moves=60).mass[0], rel=1e-12)
        assert together.radius[k] == pytest.approx(mean_path(s, max_moves=60).radius[0], rel=1e-12)


# ------------------------------------------------------------------------------------ ceiling


def test_the_settled_radius_gives_the_limit_of_the_path() -> None:
    for s in (DEFAULTS, DEFAULTS.but(tr_max_radius=2), MoveSettings.of(preset="principal-tr")):
        top, path = reach(s), mean_path(s, max_moves=1000)
        assert top.p_pass[0] == pytest.approx(path.p_pass[0, -1], abs=1e-9)
        assert top.radius[0] == path.radius[0, -1]


@pytest.mark.slow
@pytest.mark.parametrize("s", [VIBE, PLANNER, VIBE.but(decay_rate=0.997), PLANNER.but(decay_rate=0.997)])
def test_the_best_point_of_a_shrinking_path(s: MoveSettings) -> None:
    path = mean_path(s, max_moves=9000)
    assert reach(s).p_pass[0] == pytest.approx(path.p_pass.max(), abs=1e-6)


def test_a_radius_that_stays_rests_in_its_closed_form() -> None:
    s = VIBE.but(decay_rate=1.0, reviewers=3)
    assert reach(s).p_pass[0] == pytest.approx(float(resting_point(s).p_pass))


def test_a_trust_region_that_swings_keeps_the_best_point_of_its_path() -> None:
    # A band that the acceptance at rest crosses: shrunk below it, grown above it, for ever.
    s = DEFAULTS.but(tr_band="candidate", tr_a_low=0.37, tr_a_high=0.375, difficulty=40.0)
    path = mean_path(s, max_moves=2000)
    assert len(set(path.radius[0, -200:])) > 1
    assert reach(s).p_pass[0] == pytest.approx(path.p_pass.max(), abs=1e-6)


def test_what_is_better_at_the_start_stays_the_ceiling() -> None:
    assert reach(DEFAULTS.but(difficulty=0.1)).mass.tolist() == [0.1]


def test_the_ceiling_speaks_of_the_mean_path() -> None:
    top = ceiling(DEFAULTS)
    assert (round(top.p_pass, 3), top.delta, top.reachable, top.travel) == (0.711, 1.0, False, None)
    assert ceiling(DEFAULTS.but(target_reliability=0.7)).reachable
    assert set(top.to_dict()) == {"p_pass", "p_good", "mu", "delta", "reachable", "floor", "travel"}
    assert ceiling(VIBE.but(a2=5.0)).to_dict()["floor"]["mu"] is None


# ------------------------------------------------------------------------------------- travel


def test_vibe_ends_where_its_radius_has_walked() -> None:
    walked = travel(VIBE)
    assert float(walked.length) == pytest.approx(10.0)
    assert (float(walked.mass.round(2)), float(walked.p_pass.round(4))) == (8.7, 0.0023)
    assert float(resting_point(VIBE).p_pass.round(2)) == 0.47


@pytest.mark.parametrize("radius", [0.1, 0.01])
def test_travel_is_the_mean_path_without_selection(radius: float) -> None:
    s = VIBE.but(edit_radius=radius, decay_rate=1 - radius / 10)
    moves = np.array([50, 500, 5000])
    path = mean_path(s, max_moves=5000).mass[0, moves]
    walked = travel(s, moves=moves).mass
    assert path == pytest.approx(walked, abs=0.012 * radius)
    assert (path < walked).all()  # whole moves keep the speed they started with, and end lower


def test_travel_of_a_planner_counts_its_plan() -> None:
    path = mean_path(PLANNER, max_moves=2000)
    assert float(travel(PLANNER).length) == pytest.approx(path.radius[0, :-1].sum())
    assert float(travel(PLANNER, moves=30).length) == pytest.approx(path.radius[0, :30].sum())


def test_travel_has_its_limits() -> None:
    assert travel(VIBE.but(a2=5.0)).mass == 12.0
    assert travel(VIBE.but(difficulty=0.5)).mass == 0.5
    assert travel(VIBE.but(decay_rate=1.0)).mass == pytest.approx(resting_point(VIBE).mass)
    assert np.isnan(travel(DEFAULTS).mass)


# ------------------------------------------------------------------------------- best radius


def test_collateral_damage_gives_a_best_radius() -> None:
    plain = VIBE.but(collateral=0.1)
    team, mu = Team.of(plain), np.array([12.0, 3.0, 0.5])
    gain = (team.aim * mu / (mu + plain.b) - team.damage) / (2 * plain.collateral)
    assert best_radius(plain, mu) == pytest.approx(np.where(gain > 0, gain, np.nan), rel=1e-6, nan_ok=True)
    reviewed = DEFAULTS.but(collateral=0.1)
    found = best_radius(reviewed, mu)
    around = MoveLaw.of(reviewed, mu[:, None], found[:, None] * [0.98, 1.0, 1.02]).expected
    assert (around[:2, 1] > around[:2, [0, 2]].max(axis=1)).all()
    assert np.isnan(best_radius(DEFAULTS, mu)).all()


# ------------------------------------------------------------------------------------ levers


def test_no_lever_alone_gets_the_trust_region_to_its_target() -> None:
    found = levers(DEFAULTS)
    assert [lever.name for lever in found] == list(lever_names(DEFAULTS))
    assert [lever.needed for lever in found] == [None] * 6
    top = max(found, key=lambda lever: lever.best.p_pass)
    assert (top.name, top.best.value, round(top.best.p_pass, 3)) == ("tr_max_radius", 2.0, 0.770)
    assert all(lever.best.p_good < lever.best.p_pass for lever in found)


def test_all_levers_together() -> None:
    both = levers_together(DEFAULTS)
    assert round(both.ends.p_pass, 3) == 0.841
    # A poor human prior leaves candidates more different from one another than aim and damage lose.
    assert both.best.value == {**both.ends.value, "human_prior": 0.0}  # type: ignore[dict-item]
    assert round(both.best.p_pass, 3) == 0.879
    assert "oracle_resolution" not in both.to_dict()["value"]


@pytest.mark.slow
def test_the_smallest_change_is_the_smallest() -> None:
    s = DEFAULTS.but(target_reliability=0.74)
    found = {lever.name: lever.needed for lever in levers(s)}
    assert found["reviewers"] is not None
    assert found["tr_max_radius"] is not None
    for name, step in (("reviewers", 1.0), ("tr_max_radius", 1e-5)):
        there, before = (turned(s, **{name: found[name] - d}) for d in (0.0, step))
        assert reach(there).p_pass[0] >= 0.74 > reach(before).p_pass[0]
    assert [lever.needed for lever in levers(DEFAULTS.but(target_reliability=0.7))] == [0.6, 0.75, 5, 3, 0.2, 1.0]


@pytest.mark.slow
def test_a_lever_may_be_turned_down() -> None:
    s = DEFAULTS.but(collateral=0.1, target_reliability=0.55)
    radius = levers(s)[-1]
    assert radius.needed is not None
    assert radius.needed < radius.value
    assert reach(turned(s, tr_max_radius=radius.needed)).p_pass[0] >= 0.55


def test_levers_of_a_policy_without_a_trust_region() -> None:
    found = {lever.name: lever for lever in levers(VIBE)}
    assert found["edit_radius"].best.value == 2.0
    assert found["candidates"].best.value == 2  # without reviewers nobody chooses: more of them change nothing
    assert found["correlation"].best.value == 0.0


@pytest.mark.slow
def test_a_lever_outside_its_range_may_stay_where_it_is() -> None:
    assert levers(DEFAULTS.but(tr_max_radius=3.0, target_reliability=0.9))[-1].best.value == 3.0
