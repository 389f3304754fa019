"""What every estimator, model and fit keeps, whatever the data: frozen, deterministic, harmless, with intervals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from loopstat import LinearDrift, LinearDriftFit, LinearSDE, Model, Objective, Panel, SettingsError, analyze
from loopstat.decide.checks import RULES as OF_DECISIONS
from loopstat.decide.settings import MeanCurve
from loopstat.drift.checks import RULES
from loopstat.drift.fit import LAYOUT
from loopstat.results.decision import ACTIONS, Decided
from simulated import M3, Q3, REST, keep_the_better, run, three

ESTIMATORS: list[Callable[[], Any]] = [
    lambda: LinearDrift("pooled", n_boot=40),
    lambda: LinearDrift("pooled", n_boot=0),
    lambda: LinearDrift("pooled", n_boot=40, level=0.8, cluster="session"),
    lambda: LinearDrift("auto", n_boot=20),
]
MODELS: list[Callable[[], Any]] = [
    lambda: LinearSDE(M3 - np.eye(3), (np.eye(3) - M3) @ REST, Q3),
    lambda: LinearSDE([[-0.5]], [1.0], [[1.0]], dt=0.5, reading="exact"),
    lambda: LinearSDE([[-0.5]], [1.0], [[1.0]], boundary="clip", objectives=[Objective("x", low=0.0, high=3.0)]),
]


def missing() -> Panel:
    x = three(60, 9, seed=1)
    x[::3, 4, 1] = np.nan
    x[5] = np.nan
    return Panel.from_arrays(x)


PANELS: dict[str, Callable[[], Panel]] = {
    "plain": lambda: Panel.from_arrays(three(60, 9, seed=2)),
    "few": lambda: Panel.from_arrays(three(12, 9, seed=3)),
    "ragged": lambda: Panel.from_arrays([x[: 3 + i % 6] for i, x in enumerate(three(60, 9, seed=4))]),
    "one objective": lambda: Panel.from_arrays(run(0.6, 1.0, sessions=60, steps=9, seed=5)),
    "one session": lambda: Panel.from_arrays(three(1, 60, seed=6)),
    "lineage": lambda: keep_the_better(60, 12, mean=-0.5, sd=1.0, seed=7),
    "missing": missing,
    "tasks": lambda: Panel.from_arrays(three(60, 9, seed=8), labels={"task": [f"t{i % 12}" for i in range(60)]}),
    "white": lambda: Panel.from_arrays(np.random.default_rng(9).standard_normal((60, 9, 3))),
    "walk": lambda: Panel.from_arrays(np.random.default_rng(10).standard_normal((60, 9, 3)).cumsum(axis=1)),
}

every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)
every_model = pytest.mark.parametrize("model", MODELS)
every_panel = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS.keys())


def text(fit: LinearDriftFit) -> str:
    return json.dumps(fit.to_dict(), allow_nan=False)


# ------------------------------------------------------------------------- estimators


@every_estimator
def test_settings_are_frozen(estimator: Callable[[], Any]) -> None:
    made = estimator()
    assert is_dataclass(made)
    for field in fields(made):
        with pytest.raises(FrozenInstanceError):
            setattr(made, field.name, getattr(made, field.name))
    assert made == estimator()
    assert hash(made) == hash(estimator())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_boot": -1}, r"`n_boot` must lie in \[0, inf\). Got -1"),
        ({"n_boot": 10.5}, "`n_boot`"),
        ({"level": 1.0}, r"`level` must lie in \[0.5, 1\)"),
        ({"level": 0.2}, "`level`"),
        ({"level": float("nan")}, "`level`"),
    ],
)
def test_settings_are_validated_at_construction(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        LinearDrift(**settings)


@pytest.mark.slow
@every_estimator
def test_fit_leaves_the_panel_and_the_settings_alone(estimator: Callable[[], Any]) -> None:
    panel, made = PANELS["plain"](), estimator()
    before = {f.name: getattr(panel, f.name) for f in fields(panel)}
    copies = {k: v.copy() for k, v in before.items() if isinstance(v, np.ndarray)}
    made.fit(panel, rng=0)
    for name, value in before.items():
        assert getattr(panel, name) is value
    for name, value in copies.items():
        np.testing.assert_array_equal(getattr(panel, name), value)
    assert made == estimator()


@pytest.mark.slow
@every_estimator
@every_panel
def test_fit_is_deterministic(estimator: Callable[[], Any], panel: Callable[[], Panel]) -> None:
    assert text(estimator().fit(panel(), rng=3)) == text(estimator().fit(panel(), rng=3))


def test_a_generator_serves_as_a_seed_and_none_is_zero() -> None:
    panel, estimator = PANELS["few"](), LinearDrift("pooled", n_boot=20)
    seeded = text(estimator.fit(panel, rng=0))
    assert text(estimator.fit(panel, rng=np.random.default_rng(0))) == seeded
    assert text(estimator.fit(panel)) == seeded


@pytest.mark.slow
@every_estimator
@every_panel
def test_every_number_has_an_interval(estimator: Callable[[], Any], panel: Callable[[], Panel]) -> None:
    data = panel()
    found = estimator().fit(data, rng=0)
    assert set(found.estimates) <= set(LAYOUT)
    for name, e in found.estimates.items():
        assert e.value.shape == e.low.shape == e.high.shape, name
        there = ~np.isnan(e.value)
        assert there.any(), name
        if name == "kept_end.mean" and data.n_sessions == 1:
            assert np.isnan([e.low, e.high]).all()  # one session ends in one place: nothing to take an interval from
            continue
        assert not np.isnan(e.low[there]).any(), name
        assert not np.isnan(e.high[there]).any(), name
        assert np.all(e.low[there] <= e.high[there]), name
        if name in ("rate_exact", "half_life") and found.regimes[0].modulus.value < 0.1:
            continue  # the largest of three moduli near 0 lies above its estimate in almost every draw
        slack = 1e-9 * np.maximum(1, np.abs(e.value[there]))
        assert np.all(e.low[there] <= e.value[there] + slack), name
        assert np.all(e.value[there] <= e.high[there] + slack), name
    for regime in found.regimes:
        assert regime.modulus.low <= regime.modulus.high
        assert regime.re.low <= regime.re.high
    known = ~np.isnan(found.path.low)
    assert np.all(found.path.low[known] <= found.path.high[known])


@pytest.mark.slow
@every_panel
def test_p_values_lie_between_zero_and_one_and_adjusting_raises_them(panel: Callable[[], Panel]) -> None:
    found = LinearDrift("pooled", n_boot=0).fit(panel(), rng=0)
    for name in ("drift.A", "interference.total"):
        if name not in found.estimates:
            continue
        e = found.estimates[name]
        tested = ~np.isnan(e.p_adjusted)
        assert np.all((e.p[tested] >= 0) & (e.p_adjusted[tested] <= 1))
        assert np.all(e.p_adjusted[tested] >= e.p[tested])


@every_panel
def test_what_is_null_has_its_reason(panel: Callable[[], Panel]) -> None:
    found = LinearDrift("pooled", n_boot=40).fit(panel(), rng=0)
    for name in set(LAYOUT) - set(found.estimates):
        top, leaf = name.split(".")[0], name.split(".")[-1]
        assert {name, top, leaf} & set(found.reasons), name
    assert all(sentence.endswith(".") for sentence in found.reasons.values())


@every_panel
def test_checks_are_always_there(panel: Callable[[], Panel]) -> None:
    found = LinearDrift("pooled", n_boot=40).fit(panel(), rng=0)
    assert [c.name for c in found.checks] == [r.name for r in RULES]
    assert found.verdict is None, "a fit alone does not say when to stop"


@every_panel
def test_there_is_always_a_decision(panel: Callable[[], Panel]) -> None:
    data = panel()
    found = MeanCurve(n_boot=40).fit(data)
    d = found.decision
    assert d.action in ACTIONS
    assert data.step.min() <= d.step_low <= d.step <= d.step_high
    assert d.extrapolated == (d.step > d.recorded)
    assert d.sentence.startswith(d.action.replace("_", " ").split()[0])
    assert (d.sessions_needed is not None) == (d.action == "cannot_tell")
    assert 0 <= d.price_low <= d.price <= d.price_high
    assert [c.name for c in found.checks] == [r.name for r in OF_DECISIONS]
    assert Decided.from_json(found.decided.to_json()) == found.decided


@every_panel
def test_fit_is_immutable(panel: Callable[[], Panel]) -> None:
    found = LinearDrift("pooled", n_boot=10).fit(panel(), rng=0)
    with pytest.raises(FrozenInstanceError):
        found.label = "other"  # type: ignore[misc]
    for e in found.estimates.values():
        with pytest.raises(ValueError, match="read-only"):
            e.value[...] = 0.0


@every_panel
def test_a_fit_is_shown_as_text_and_page(panel: Callable[[], Panel]) -> None:
    found = LinearDrift("pooled", n_boot=10).fit(panel(), rng=0)
    assert "<table>" in found._repr_html_()
    assert "nan" not in repr(found).lower().split()


@pytest.mark.parametrize("level", [0.5, 0.8, 0.99])
def test_higher_levels_widen_intervals(level: float) -> None:
    for name in ("plain", "few"):
        panel = PANELS[name]()
        narrow, wide = (LinearDrift("pooled", n_boot=300, level=v).fit(panel, rng=0) for v in (level, (1 + level) / 2))
        for key in ("drift.A", "drift.fixed_point", "rate_exact", "interference.total", "kept_end.mean"):
            a, b = narrow.estimates[key], wide.estimates[key]
            np.testing.assert_array_equal(a.value, b.value)
            assert np.all(b.high - b.low >= a.high - a.low - 1e-12), key


def test_wider_data_narrow_intervals() -> None:
    few, many = (LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(three(n, 9, seed=11)), rng=0) for n in (40, 640))
    for key in ("drift.A", "drift.fixed_point", "interference.total", "r2_levels"):
        a, b = few.estimates[key], many.estimates[key]
        ratio = np.median((a.high - a.low)[a.high > a.low] / (b.high - b.low)[b.high > b.low])
        assert ratio == pytest.approx(4.0, rel=0.35), key  # the square root of 16


@pytest.mark.slow
def test_adding_a_group_leaves_the_others_as_they_are() -> None:
    x = three(90, 9, seed=12)
    labels = {"strategy": ["a"] * 30 + ["b"] * 30 + ["c"] * 30}
    two = analyze(Panel.from_arrays(x[:60], labels={"strategy": labels["strategy"][:60]}), by=["strategy"])
    three_groups = analyze(Panel.from_arrays(x, labels=labels), by=["strategy"])
    for here, there in zip(two.groups, three_groups.groups[:2], strict=True):
        for name, e in here.estimates.items():
            np.testing.assert_array_equal(there.estimates[name].value, e.value)


# ------------------------------------------------------- data that cannot answer never raise


def noise_free(sessions: int) -> np.ndarray:
    m = np.array([[0.5, 0.2], [0.0, 0.3]])
    starts = np.random.default_rng(13).standard_normal((sessions, 2))
    return np.stack([np.stack([np.linalg.matrix_power(m, t) @ v for t in range(8)]) for v in starts])


def still_but_one(sessions: int) -> np.ndarray:
    x = np.zeros((sessions, 5, 2))
    x[0] = np.random.default_rng(14).standard_normal((5, 2))
    return x


HARD: dict[str, Any] = {
    "no noise": noise_free(80),
    "no noise, few": noise_free(12),
    "to and fro": np.random.default_rng(15).standard_normal((60, 1, 1)) * np.array([1.0, -1.0] * 4)[None, :, None],
    "a staircase": np.arange(5.0)[None, :, None] + np.array([0.0, 3.0, 9.0] * 20)[:, None, None],
    "a staircase, few": np.arange(5.0)[None, :, None] + np.array([0.0, 3.0, 9.0])[:, None, None],
    "one session moves": still_but_one(60),
    "one of few moves": still_but_one(6),
    "nothing moves": np.zeros((60, 5, 2)),
    "all alike": np.repeat(three(1, 8, seed=16), 60, axis=0),
    "two sessions": three(2, 8, seed=17),
    "three short": three(3, 4, seed=18),
    "zeros and ones": np.random.default_rng(19).integers(0, 2, (60, 8, 2)).astype(float),
    "one transition each": np.random.default_rng(20).standard_normal((60, 2, 1)),
    "one score each": np.random.default_rng(21).standard_normal((60, 1, 2)),
    "explodes": three(60, 6, seed=22) * 3.0 ** np.arange(6)[None, :, None],
    "starts missing": np.where(np.arange(8)[None, :, None] == 0, np.nan, three(60, 8, seed=23)),
    "all missing": np.full((10, 4, 2), np.nan),
    "tiny": three(60, 6, seed=24) * 1e-150,
    "large": three(60, 6, seed=25) * 1e60,
}


@pytest.mark.parametrize("n_boot", [0, 40])
@pytest.mark.parametrize("x", HARD.values(), ids=HARD.keys())
def test_data_that_cannot_answer_never_raise(x: Any, n_boot: int) -> None:
    # Warnings are errors here: nothing is printed over a user's terminal either.
    found = LinearDrift("pooled", n_boot=n_boot).fit(Panel.from_arrays(x), rng=0)
    text(found)
    if np.isfinite(x).all(axis=2).any():
        assert MeanCurve(n_boot=n_boot).fit(Panel.from_arrays(x)).decision.sentence


def test_a_loop_without_noise_is_no_independent_draw() -> None:
    found = LinearDrift("pooled", n_boot=40).fit(Panel.from_arrays(noise_free(80)), rng=0)
    assert found.check("white_scores").passed
    np.testing.assert_allclose(found.estimates["drift.M"].value, [[0.5, 0.2], [0.0, 0.3]], atol=1e-9)
    np.testing.assert_array_equal(found.estimates["drift.Q"].value, 0.0)


# ----------------------------------------------------------------------------- models


@every_model
def test_models_are_frozen(model: Callable[[], Any]) -> None:
    made = model()
    for field in fields(made):
        with pytest.raises(FrozenInstanceError):
            setattr(made, field.name, None)
    with pytest.raises(ValueError, match="read-only"):
        made.A[0, 0] = 1.0


@every_model
def test_a_step_keeps_shape_and_state(model: Callable[[], Any]) -> None:
    made: Model = model()
    state = made.start(np.random.default_rng(0), 7)
    before = state.copy()
    after = made.step(np.random.default_rng(1), state)
    assert after.shape == state.shape == (7, len(made.objectives))
    np.testing.assert_array_equal(state, before)
    np.testing.assert_array_equal(after, made.step(np.random.default_rng(1), state))


@every_model
def test_what_is_simulated_can_be_fitted_and_simulated_again(model: Callable[[], Any]) -> None:
    panel = model().simulate(60, steps=9, rng=1)
    found = LinearDrift("pooled", n_boot=0).fit(panel)
    assert found.model is not None
    again = found.model.simulate(5, steps=4, rng=2)
    assert again.objectives == panel.objectives
    assert (again.n_sessions, len(again)) == (5, 20)


def test_simulated_sessions_do_not_depend_on_one_another() -> None:
    # Correlation of increments between sessions of the same panel: 0 within 5 standard errors.
    x = MODELS[0]().simulate(400, steps=50, rng=3).x.reshape(400, 50, 3)
    dx = np.diff(x, axis=1)
    assert abs(np.corrcoef(dx[:-1].ravel(), dx[1:].ravel())[0, 1]) < 5 / np.sqrt(dx[1:].size)
