"""Laws that hold for any data: what must not matter does not, and what must transform does so exactly."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loopstat import Analysis, LinearDrift, Objective, Panel, analyze
from loopstat.drift.sums import Moments
from simulated import fit, grams_of, three

pytestmark = pytest.mark.slow

FEW = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

INVARIANT = ("rate_euler", "rate_exact", "r2_increments", "r2_levels", "interference.total", "interference.noise")
INVARIANT += ("interference.drift", "interference.transient", "interference.rest", "interference.variance_shares")
INVARIANT += ("skill_by_objective.mean", "skill_by_objective.persistence", "skill_by_objective.running_mean")


@st.composite
def recordings(draw: st.DrawFn, least: int = 6, most: int = 16) -> list[np.ndarray]:
    """Draw 3-d sessions of 4 to 9 scores each, whose regression is well determined."""
    n = draw(st.integers(least, most))
    seed = draw(st.integers(0, 10_000))
    lengths = draw(st.lists(st.integers(4, 9), min_size=n, max_size=n))
    return [x[:k] for x, k in zip(three(n, 9, seed), lengths, strict=True)]


def same(a: object, b: object, tolerance: float = 1e-7) -> None:
    """Assert two arrays agree, relative to the larger of 1 and their size; open ends must be open in both."""
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)  # type: ignore[call-overload]


@FEW
@given(recordings(), st.data())
def test_rescaling_and_shifting_units(sessions: list[np.ndarray], data: st.DataObject) -> None:
    scale = np.array(data.draw(st.lists(st.sampled_from([0.01, 0.5, 3.0, 100.0]), min_size=3, max_size=3)))
    shift = np.array(data.draw(st.lists(st.floats(-1000, 1000), min_size=3, max_size=3)))
    here, there = fit(sessions, n_boot=20), fit([s * scale + shift for s in sessions], n_boot=20)
    ratio = scale[:, None] / scale[None, :]
    for end in ("value", "low", "high"):
        same(getattr(there.estimates["drift.A"], end), getattr(here.estimates["drift.A"], end) * ratio)
        outer = np.outer(scale, scale)
        same(getattr(there.estimates["drift.Q"], end) / outer, getattr(here.estimates["drift.Q"], end))
        for name in INVARIANT:
            if name in here.estimates:
                same(getattr(there.estimates[name], end), getattr(here.estimates[name], end))
    # p-values, found by t statistics; a p-value near 0 is compared as it is.
    same(there.estimates["drift.A"].p, here.estimates["drift.A"].p)
    ends = [e.estimates["drift.fixed_point"] for e in (here, there)]
    same((ends[1].value - shift) / scale, ends[0].value, 1e-5)
    assert [r.regime for r in there.regimes] == [r.regime for r in here.regimes]
    same([r.modulus.value for r in there.regimes], [r.modulus.value for r in here.regimes])
    assert [c.passed for c in there.checks] == [c.passed for c in here.checks]


@FEW
@given(recordings(), st.permutations([0, 1, 2]))
def test_permuting_objectives(sessions: list[np.ndarray], order: list[int]) -> None:
    here, there = fit(sessions, n_boot=20), fit([s[:, order] for s in sessions], n_boot=20)
    for name in ("drift.A", "drift.Q", "drift.M", "interference.total", "interference.noise"):
        for end in ("value", "low", "high"):
            same(getattr(there.estimates[name], end), getattr(here.estimates[name], end)[np.ix_(order, order)])
    for name in ("drift.b", "drift.fixed_point", "r2_levels", "kept_end.mean"):
        same(there.estimates[name].value, here.estimates[name].value[order], 1e-5)
    same(there.estimates["rate_exact"].value, here.estimates["rate_exact"].value)


@FEW
@given(recordings(), st.randoms(use_true_random=False))
def test_order_of_sessions_does_not_matter(sessions: list[np.ndarray], random: object) -> None:
    order = list(range(len(sessions)))
    random.shuffle(order)  # type: ignore[attr-defined]
    here, there = fit(sessions), fit([sessions[i] for i in order])
    for name, e in here.estimates.items():
        if name.startswith(("skill", "step_90")):
            continue  # folds and draws are dealt to sessions by their position
        for end in ("value", "low", "high"):
            same(getattr(there.estimates[name], end), getattr(e, end), 1e-5)


@FEW
@given(recordings())
def test_names_of_sessions_do_not_matter(sessions: list[np.ndarray]) -> None:
    names = [f"run <{i * 7919 % 1000}>" for i in range(len(sessions))]
    here, there = (fit(p, n_boot=10).to_dict() for p in (Panel.from_arrays(sessions), named(sessions, names)))
    for part in (here, there):
        part.pop("influential")
    assert here == there


def named(sessions: list[np.ndarray], names: list[str]) -> Panel:
    return Panel.from_arrays(sessions, session_names=names)


@FEW
@given(recordings(), st.integers(1, 5))
def test_parts_put_together_are_the_whole(sessions: list[np.ndarray], cut: int) -> None:
    names = [str(i) for i in range(len(sessions))]
    parts = [named(sessions[:cut], names[:cut]), named(sessions[cut:], names[cut:])]
    whole = named(sessions, names)
    joined = Panel.concat(parts)
    np.testing.assert_array_equal(joined.x, whole.x)
    np.testing.assert_array_equal(joined.parent, whole.parent)
    added = grams_of(parts[0]) + grams_of(parts[1])
    direct = grams_of(whole)
    np.testing.assert_allclose(
        Moments.of(added.total(), added).A, Moments.of(direct.total(), direct).A, rtol=0, atol=1e-10
    )


@FEW
@given(recordings())
def test_repeating_every_session_changes_no_estimate(sessions: list[np.ndarray]) -> None:
    once, twice = fit(sessions), fit(sessions + sessions)
    for name in ("drift.A", "drift.b", "drift.Q", "interference.total", "r2_increments", "drift.fixed_point"):
        same(twice.estimates[name].value, once.estimates[name].value, 1e-6)


@FEW
@given(recordings())
def test_flipping_a_direction_flips_no_number(sessions: list[np.ndarray]) -> None:
    up = Panel.from_arrays(sessions)
    down = replace(up, objectives=tuple(Objective(o.name, maximize=False) for o in up.objectives))
    here, there = fit(up), fit(down)
    for name, e in here.estimates.items():
        np.testing.assert_array_equal(there.estimates[name].value, e.value)


@FEW
@given(recordings(), st.integers(0, 99))
def test_same_seed_same_numbers(sessions: list[np.ndarray], seed: int) -> None:
    panel = Panel.from_arrays(sessions)
    one, other = (analyze(panel, estimator=LinearDrift("pooled", n_boot=20), seed=seed).to_dict() for _ in range(2))
    assert json.dumps(one) == json.dumps(other)


def test_another_seed_moves_draws_and_not_estimates() -> None:
    panel = Panel.from_arrays(three(120, 8, seed=1))
    one, other = (LinearDrift("pooled", n_boot=100).fit(panel, rng=seed).estimates["drift.A"] for seed in (1, 2))
    np.testing.assert_array_equal(one.value, other.value)
    assert np.any(one.low != other.low)


# ---------------------------------------------------------------------- written and read


def awkward(kind: str) -> Panel:
    """Panels in which little or nothing can be said."""
    x = three(12, 6, seed=3)
    labels = {"strategy": ["plain", "other"] * 6}
    if kind == "constant":
        x[:, :, 1] = 4.0
    if kind == "copy":
        x[:, :, 2] = x[:, :, 0]
    if kind == "missing":
        x[::2, 3, 0] = np.nan
        x[1] = np.nan
    if kind == "one step":
        return Panel.from_arrays([s[:1] for s in x])
    if kind == "one session":
        return Panel.from_arrays(three(1, 40, seed=4))
    if kind == "walk":
        x = x.cumsum(axis=1)
    if kind == "explodes":
        x = x * 3.0 ** np.arange(6)[None, :, None]
    return Panel.from_arrays(x, labels=labels)


KINDS = ["plain", "constant", "copy", "missing", "one step", "one session", "walk", "explodes"]


@settings(max_examples=len(KINDS) * 2, deadline=None, derandomize=True)
@given(st.sampled_from(KINDS), st.sampled_from([0, 30]))
def test_analysis_survives_being_written_and_read(kind: str, n_boot: int) -> None:
    panel = awkward(kind)
    by = ["strategy"] if "strategy" in panel.labels else []
    written = analyze(panel, by=by, estimator=LinearDrift("pooled", n_boot=n_boot)).to_dict()
    text = json.dumps(written, allow_nan=False)  # no NaN, no infinity
    back = Analysis.from_dict(json.loads(text))
    assert json.dumps(back.to_dict(), allow_nan=False) == text
    assert [g.label for g in back.groups] == [g["label"] for g in written["groups"]]
