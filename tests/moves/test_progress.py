"""Improvement against defects: known answers, limits, what misleads it, and the columns of a recording."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loopstat.errors import SettingsError
from loopstat.moves.calibrate.defect_masses import share_mass
from loopstat.moves.calibrate.progress import fit_progress
from loopstat.moves.calibrate.recorded_progress import parent_rows, recorded_progress

A, C, S, B = 0.8, 0.12, 0.3, 4.0


def made(seed: int, n: int = 1500, radius: tuple[float, float] = (0.2, 1.0)) -> tuple[Any, Any, Any]:
    """Return parents, children and radii of single candidates with known constants."""
    rng = np.random.default_rng(seed)
    mu, delta = rng.uniform(1, 20, n), rng.uniform(*radius, n)
    x = mu / (mu + B)
    return mu, mu - delta * (A * x - C) - S * delta * np.sqrt(x) * rng.standard_normal(n), delta


@pytest.mark.slow
def test_constants_are_found() -> None:
    mu, after, delta = made(0, 20_000)
    fit = fit_progress(mu, after, radius=delta, cluster=np.arange(len(mu)) // 50, exact=True)
    assert fit.identified
    assert not fit.upper_bound
    for estimate, truth in ((fit.aim, A), (fit.damage, C), (fit.spread, S), (fit.b, B)):
        assert estimate.low <= truth <= estimate.high
        assert estimate.high - estimate.low < 0.8 * truth
    assert fit.mean([6.0], 0.5) == pytest.approx(0.5 * (A * 0.6 - C), abs=0.02)


def test_without_noise_the_constants_are_exact() -> None:
    mu = np.linspace(0.5, 30, 200)
    fit = fit_progress(mu, mu - A * mu / (mu + B) + C, exact=True, b=7.0)
    assert fit.b.value == pytest.approx(B, rel=0.01)
    assert fit.aim.value == pytest.approx(A, rel=0.01)
    assert fit.spread.value == pytest.approx(0.0, abs=2e-3)


def test_a_narrow_range_leaves_b_open() -> None:
    rng = np.random.default_rng(1)
    mu = rng.uniform(6, 9, 300)
    after = mu - A * mu / (mu + B) + C + 0.3 * rng.standard_normal(300)
    fit = fit_progress(mu, after, exact=True)
    assert not fit.identified
    assert np.isnan(fit.b.value)
    assert fit.b.low <= B <= fit.b.high
    assert fit.b_used == 4.0
    assert fit.aim.low <= A <= fit.aim.high
    assert "not identifiable" in fit.checks[-1].message


def test_a_curve_of_another_form_fits_no_b() -> None:
    rng = np.random.default_rng(2)
    mu = rng.uniform(0, 20, 5000)
    fit = fit_progress(mu, np.maximum(mu - 0.02 * mu**2 + 0.1 * rng.standard_normal(5000), 0), exact=True)
    assert not fit.identified
    assert np.isnan(fit.b.low)
    assert "No b agrees" in fit.checks[-1].message


def test_a_measured_count_regresses_by_itself() -> None:
    # Nothing improves; the error's variance is half the true one: slope 1/3, and 0 with a second count.
    rng = np.random.default_rng(3)
    mu = 6 + rng.standard_normal(20_000)
    first, second, child = (mu + np.sqrt(0.5) * rng.standard_normal(20_000) for _ in range(3))
    once = fit_progress(first, child)
    assert once.slope.value == pytest.approx(1 / 3, abs=0.02)
    assert once.upper_bound
    twice = fit_progress(first, child, instrument=second)
    assert twice.slope.value == pytest.approx(0.0, abs=0.03)
    assert not twice.upper_bound


@pytest.mark.slow
def test_a_second_measurement_frees_the_spread_in_any_unit() -> None:
    rng = np.random.default_rng(4)
    mu, after, delta = made(4, 20_000)
    noisy = [mu + rng.standard_normal(len(mu)), after + rng.standard_normal(len(mu))]
    again = [3 * (mu + rng.standard_normal(len(mu))), 3 * (after + rng.standard_normal(len(mu)))]
    noisy, again = ([np.maximum(v, 0) for v in pair] for pair in (noisy, again))
    once = fit_progress(*noisy, radius=delta)
    assert once.spread.value > 1
    twice = fit_progress(*noisy, radius=delta, instrument=again[0], next_instrument=again[1])
    assert twice.spread.low <= S <= twice.spread.high
    assert twice.spread.high < 0.6


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_units_of_mass_do_not_matter(factor: float) -> None:
    mu, after, delta = made(5)
    one, other = (fit_progress(f * mu, f * np.maximum(after, 0), radius=delta, b=f * B) for f in (1.0, factor))
    assert other.identified == one.identified
    for name in ("aim", "damage", "spread", "at_mean"):
        assert getattr(other, name).value == pytest.approx(factor * getattr(one, name).value, rel=1e-6)


def test_order_and_missing_rows_do_not_matter() -> None:
    mu, after, delta = made(6, 400)
    after = np.maximum(after, 0)
    cluster = np.repeat([f"t{k}" for k in range(40)], 10)
    fit = fit_progress(mu, after, radius=delta, cluster=cluster)
    turn = np.random.default_rng(0).permutation(400)
    again = fit_progress(
        np.append(mu[turn], np.nan),
        np.append(after[turn], 1.0),
        radius=np.append(delta[turn], 1.0),
        cluster=np.append(cluster[turn], "t0"),
    )
    assert again.n_transitions == 400
    assert again.aim.high == pytest.approx(float(fit.aim.high))


def test_children_without_defects_are_told() -> None:
    mu, after, delta = made(7, 400)
    after[:100] = 0
    fit = fit_progress(mu, after.clip(0), radius=delta)
    assert not next(c for c in fit.checks if c.name == "at_floor").passed
    data = fit.to_dict()
    assert data["aim"]["value"] == fit.aim.value
    assert data["upper_bound"] is True
    assert [c["name"] for c in data["checks"]] == ["exact_masses", "at_floor", "radius_recorded", "b_identified"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mass": np.full(50, -1.0)}, "must not be negative"),
        ({"mass": np.arange(49.0)}, "one value per transition"),
        ({"mass": np.full(50, 3.0)}, "same mass"),
        ({"cluster": np.zeros(50)}, "at least 30 transitions"),
        ({"cluster": np.zeros(49)}, "`cluster` must have one value"),
        ({"next_mass": np.full(50, np.nan)}, "Got 0 in 0"),
        ({"radius": np.zeros(50)}, "Got 0 in 0"),
    ],
)
def test_bad_input(change: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"mass": np.linspace(1, 9, 50), "next_mass": np.linspace(1, 8, 50)} | change
    with pytest.raises(SettingsError, match=words):
        fit_progress(given.pop("mass"), given.pop("next_mass"), **given)


def test_shares_become_masses() -> None:
    assert share_mass([1.0, 0.0], [5, 500]).tolist() == pytest.approx([0.0, np.log(1001)])
    assert np.isnan(share_mass(np.nan))
    with pytest.raises(SettingsError, match="share must lie"):
        share_mass(1.2)
    with pytest.raises(SettingsError, match="at least 1"):
        share_mass(0.5, 0)


# ------------------------------------------------------------------------------ recordings


def test_parents_are_found_in_any_order() -> None:
    session, step = np.array(["b", "a", "a", "b", "a"]), np.array([5, 2, 0, 1, 1])
    assert parent_rows(session, step).tolist() == [3, 4, -1, -1, 2]
    assert parent_rows(session, step, [1, 0, np.nan, np.nan, 0]).tolist() == [3, 2, -1, -1, 2]
    assert parent_rows(session, step, [4, 0, np.nan, np.nan, 0]).tolist()[0] == -1  # not on record


def test_parents_that_cannot_be() -> None:
    with pytest.raises(SettingsError, match="same step twice"):
        parent_rows(["a", "a"], [1, 1])
    with pytest.raises(SettingsError, match="before its child"):
        parent_rows(["a", "a"], [0, 1], [np.nan, 1])
    with pytest.raises(SettingsError, match="equally long"):
        parent_rows(["a", "a"], [0, 1, 2])


def test_a_recording_gives_what_its_transitions_give() -> None:
    rng = np.random.default_rng(8)
    share = rng.uniform(0, 1, (40, 5))
    session, radius = np.repeat(np.arange(40), 5), rng.uniform(0.1, 1, 200)
    fit = recorded_progress(share.ravel(), session, radius=radius, instrument=share.ravel(), share=True, tests=20)
    mu = share_mass(share, 20)
    here = fit_progress(
        mu[:, :-1].ravel(),
        mu[:, 1:].ravel(),
        radius=radius.reshape(40, 5)[:, 1:].ravel(),
        instrument=mu[:, :-1].ravel(),
        next_instrument=mu[:, 1:].ravel(),
        cluster=np.repeat(np.arange(40), 4),
    )
    assert fit.to_dict() == here.to_dict()
    with pytest.raises(SettingsError, match="`radius` must have one value per version"):
        recorded_progress(share.ravel(), session, radius=[1.0])
