"""The choice of an estimator: what each kind of data calls for, what is said, what is refused, and the same figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from loopstat import InputError, LinearDrift, LinearDriftFit, Panel, SettingsError, analyze
from loopstat.analysis.view import document
from loopstat.drift.fit import LinearDriftFit as Fit
from loopstat.drift.readings.interference import MODEL_PARTS
from loopstat.faces.cli import main
from loopstat.faces.html import page
from loopstat.panel.noise import ScorerNoise
from simulated import keep_the_better, steady

M = np.array([[0.65, 0.08], [0.08, 0.5]])
Q = 0.25 * np.eye(2)


def loop(sessions: int, steps: int, *, effects: float = 0.0, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return scores (sessions, steps, 2), started half a standard deviation low."""
    rng = np.random.default_rng(seed)
    G = steady(M, Q)
    x = rng.standard_normal((sessions, 2)) @ np.linalg.cholesky(G).T - 0.5 * np.sqrt(np.diag(G))
    out = []
    for t in range(steps):
        if t:
            x = x @ M.T + 0.5 * rng.standard_normal(x.shape)
        out.append(x)
    y = np.stack(out, axis=1) + effects * rng.standard_normal((sessions, 1, 2))
    return np.asarray(y + noise * rng.standard_normal(y.shape))


def auto(x: np.ndarray | Panel, **settings: object) -> LinearDriftFit:
    panel = x if isinstance(x, Panel) else Panel.from_arrays(x)
    return LinearDrift("auto", n_boot=20, **settings).fit(panel)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def both() -> LinearDriftFit:
    """A fit of differing sessions read by a noisy scorer."""
    return auto(loop(600, 12, effects=0.5, noise=0.3, seed=1))


@pytest.mark.slow
def test_both_at_once_call_for_the_latent_fit(both: LinearDriftFit) -> None:
    assert both.estimator.name == "latent"
    assert any("levels of their own" in s for s in both.estimator.saw)
    assert any("noisy scorer" in s for s in both.estimator.saw)
    np.testing.assert_allclose(both.drift.M.value, M, atol=0.12)
    pooled = LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(loop(600, 12, effects=0.5, noise=0.3, seed=1)))
    assert np.abs(pooled.drift.M.value - M).max() > 0.1


def test_a_noisy_scorer_alone_calls_for_the_instrument() -> None:
    fit = auto(loop(600, 12, noise=0.4, seed=2))
    assert fit.estimator.name == "instrument"
    np.testing.assert_allclose(fit.drift.M.value, M, atol=0.1)
    assert fit.check("noisy_scorer").passed


def test_differing_sessions_alone_call_for_within_or_the_latent_fit() -> None:
    fit = auto(loop(600, 12, effects=0.7, seed=3))
    assert fit.estimator.name in ("within", "latent")
    np.testing.assert_allclose(fit.drift.M.value, M, atol=0.1)
    assert fit.check("sessions_differ").passed


def test_a_known_noise_is_used() -> None:
    x = Panel.from_arrays(loop(300, 10, noise=0.4, seed=4))
    known = ScorerNoise(("x1", "x2"), 0.16 * np.eye(2))
    fit = auto(x, scorer_noise=known)
    assert fit.estimator.name in ("eiv", "latent")
    np.testing.assert_allclose(fit.drift.M.value, M, atol=0.12)


@pytest.mark.parametrize(
    ("panel", "why"),
    [
        (lambda: keep_the_better(40, 12, mean=-0.3, sd=1.0, seed=1), "proposals start from versions chosen"),
        (lambda: Panel.from_arrays(np.random.default_rng(2).standard_normal((80, 8, 1))), "independent ones"),
        (lambda: Panel.from_arrays(loop(60, 3, seed=5)), "sessions hold 3 scores, and 4 are needed"),
        (lambda: Panel.from_arrays(loop(12, 10, seed=6)), "12 independent sessions, and 20 are needed"),
        (lambda: Panel.from_arrays(np.repeat(loop(1, 12, seed=7), 30, axis=0)), "identical|independent"),
        (lambda: Panel.from_arrays(loop(1, 60, seed=8)), "one single session"),
    ],
    ids=["lineage", "white", "short", "few", "identical", "single"],
)
def test_what_stays_with_the_regression_and_why(panel: object, why: str) -> None:
    fit = auto(panel())  # type: ignore[operator]
    assert fit.estimator.name == "pooled"
    import re

    assert re.search(why, fit.estimator.why)


def test_parts_of_interference_add_up_to_the_total(both: LinearDriftFit) -> None:
    parts = [both.estimates[f"interference.{name}"].value for name in MODEL_PARTS]
    np.testing.assert_allclose(sum(parts), both.interference.total.value, atol=1e-10)
    data = both.to_dict()["interference"]
    assert all(data[name] is None for name in ("drift", "noise", "transient", "rest"))
    assert "interference.drift" in both.reasons
    assert np.array(data["variance_shares"]).shape == (6, 2)
    np.testing.assert_allclose(np.sum(data["variance_shares"], axis=0), 1, atol=1e-10)


def test_a_latent_fit_predicts_held_out_sessions_better_and_says_that_it_did(both: LinearDriftFit) -> None:
    data = both.to_dict()
    assert data["skill_estimator"] == "latent"
    assert data["r2_estimator"] == "pooled"
    pooled = LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(loop(600, 12, effects=0.5, noise=0.3, seed=1)))
    assert both.skill.running_mean.value > pooled.skill.running_mean.value + 0.02
    np.testing.assert_array_equal(both.estimates["r2_levels"].value, pooled.estimates["r2_levels"].value)


def test_the_json_comes_back(both: LinearDriftFit) -> None:
    again = Fit.from_json(both.to_json())
    assert again.to_dict() == both.to_dict()


@pytest.mark.slow
def test_estimators_stand_side_by_side_on_the_page() -> None:
    result = analyze(Panel.from_arrays(loop(400, 12, effects=0.7, noise=0.4, seed=9)))
    text = page(document(result))
    assert "Estimators side by side" in text
    assert "Slowest mode, by estimator" in text
    assert "<dt>estimator</dt><dd>latent: only it allows for differing sessions" in text
    assert "by scorer&#39;s noise" in text


def test_a_refused_group_says_why_and_shows_no_drift() -> None:
    rng = np.random.default_rng(10)
    x = np.cumsum(rng.standard_normal((150, 12)) + rng.standard_normal((150, 1)), axis=1)
    result = analyze(Panel.from_arrays(x[:, :, None]), estimator=LinearDrift("latent", n_boot=20))
    [group] = result.groups
    assert group.refused
    data = group.to_dict()
    assert data["estimator"]["name"] is None
    assert data["drift"]["A"] is None
    assert data["regimes"] is None
    assert data["skill"]["mean"] is not None
    assert data["skill_estimator"] == "pooled"
    assert "<dt>estimator</dt><dd>none: " in page(document(result))
    assert "do not settle it" in group.estimator.why


@pytest.mark.slow
def test_groups_of_different_estimators_are_compared_by_their_ends() -> None:
    x = np.concatenate([loop(200, 10, effects=1.0, noise=0.4, seed=11), loop(200, 10, noise=0.6, seed=12)])
    panel = Panel.from_arrays(x, labels={"strategy": ["a"] * 200 + ["b"] * 200})
    result = analyze(panel)
    assert {g.estimator.name for g in result.groups} == {"latent", "instrument"}
    assert {c.quantity for c in result.comparisons} == {"kept_end"}
    assert any("different estimators" in note for note in result.notes)


def test_leaving_out_groups_of_clusters_gives_the_errors_of_leaving_out_each() -> None:
    x = loop(201, 8, effects=0.5, seed=13)
    many = LinearDrift("within", n_boot=0).fit(Panel.from_arrays(x)).drift.A
    few = LinearDrift("within", n_boot=0).fit(Panel.from_arrays(x[:200])).drift.A
    width = (many.high - many.low) / (few.high - few.low)
    assert np.all((width > 0.75) & (width < 1.35))


@pytest.mark.parametrize(
    ("settings", "panel", "message"),
    [
        ({"estimator": "within"}, lambda: Panel.from_arrays(loop(40, 2)), "within: needs 3 scores.*pooled would work"),
        ({"estimator": "latent"}, lambda: Panel.from_arrays(loop(40, 3)), "needs 4 scores.*pooled or within"),
        ({"estimator": "latent"}, lambda: Panel.from_arrays(loop(10, 9)), "10 independent sessions, and 20"),
        ({"estimator": "eiv"}, lambda: Panel.from_arrays(loop(40, 6)), "noise is not known.*repeat"),
        (
            {"estimator": "instrument"},
            lambda: keep_the_better(20, 6, mean=0.0, sd=1.0, seed=1),
            "proposals.*'pooled' works",
        ),
        (
            {"estimator": "within"},
            lambda: Panel.from_arrays(np.repeat(loop(1, 9), 20, axis=0)),
            "all sessions are identical",
        ),
    ],
)
def test_an_estimator_that_cannot_be_had_says_what_would_work(
    settings: dict[str, str], panel: object, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        LinearDrift(**settings, n_boot=0).fit(panel())  # type: ignore[arg-type, operator]


def test_a_noise_covariance_of_the_wrong_form_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"must have shape \(2, 2\)"):
        ScorerNoise(("a", "b"), np.eye(3))
    with pytest.raises(SettingsError, match="no negative eigenvalue"):
        ScorerNoise(("a", "b"), np.diag([1.0, -1.0]))
    with pytest.raises(SettingsError, match="must be one of"):
        LinearDrift("ols")


@pytest.mark.slow
def test_the_command_line_takes_repeats_and_a_noise_file(tmp_path: Path) -> None:
    x = loop(60, 8, seed=14)
    rng = np.random.default_rng(15)
    rows = ["session,step,repeat,quality,speed"]
    for i in range(60):
        for t in range(8):
            for r in range(2):
                a, b = x[i, t] + 0.4 * rng.standard_normal(2)
                rows.append(f"s{i},{t},{r},{a},{b}")
    table, noise = tmp_path / "t.csv", tmp_path / "noise.json"
    table.write_text("\n".join(rows) + "\n")
    noise.write_text(json.dumps({"objectives": ["quality", "speed"], "covariance": [[0.16, 0.0], [0.0, 0.16]]}))
    for options in (["--estimator", "eiv"], ["--estimator", "eiv", "--scorer-noise", str(noise)]):
        done = CliRunner().invoke(main, ["analyze", str(table), *options, "--bootstrap", "20", "--json", "-"])
        assert done.exit_code == 0, done.output
        data = json.loads(done.stdout)
        assert data["groups"][0]["estimator"]["name"] == "eiv"
        assert np.abs(np.array(data["groups"][0]["drift"]["M"]) - M).max() < 0.25
    noise.write_text(json.dumps({"objectives": ["quality"], "covariance": [[0.16]]}))
    done = CliRunner().invoke(main, ["analyze", str(table), "--scorer-noise", str(noise)])
    assert done.exit_code == 2
    assert "no row for objective speed" in done.output


@pytest.mark.slow
def test_same_seed_same_figures() -> None:
    panel = Panel.from_arrays(loop(120, 10, effects=0.5, noise=0.3, seed=16))
    first, second = (analyze(panel, estimator=LinearDrift("auto", n_boot=30)).to_dict() for _ in range(2))
    assert first == second
