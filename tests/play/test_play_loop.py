"""Loops that are set: exact figures against closed forms and against fits of drawn sessions; schedules; refusals."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from loopstat import LinearDrift, SettingsError
from loopstat.faces.web.frames import frame
from loopstat.play.estimable import estimable
from loopstat.play.loop import LoopPlay, live, play_loop
from loopstat.play.rows import LOOP
from loopstat.play.stages import drawn_course, exact_course, panel_of, sessions, stages_of
from loopstat.play.strategies import C1, DRIFTS, LOOP_PRESETS, STARTS, STRATEGIES
from loopstat.play.view import document
from loopstat.play.worth import worth_of
from loopstat.results.document import Facts, walk
from loopstat.results.words import parts

OPTIONS = {row.name: row.default for row in LOOP}
START = np.array([OPTIONS[name] for name in STARTS])
FREE = {"clip": False}
ALONE = {  # three loops that know nothing of one another
    **FREE,
    **{DRIFTS[i][j]: 0.0 for i in range(3) for j in range(3) if i != j},
    "security_to_itself": -0.5,
    "efficiency_to_itself": -1.5,
    "functionality_to_itself": -0.1,
    "security_drift": 2.0,
    "efficiency_drift": 9.0,
    "functionality_drift": 0.5,
    "security_with_efficiency": 0.0,
    "security_with_functionality": 0.0,
    "efficiency_with_functionality": 0.0,
    "security_noise": 1.0,
    "efficiency_noise": 0.5,
    "functionality_noise": 0.2,
}


def said(result: LoopPlay) -> dict[str, str]:
    rows = [f for s in walk(document(result).sections) for b in s.blocks if isinstance(b, Facts) for f in b.rows]
    return {row.key: parts(row.said).replace("\xa0", " ") for row in rows}


def test_three_loops_apart_are_three_closed_forms() -> None:
    result = play_loop({**ALONE, "steps": 40}, whole=False)
    m = np.array([0.5, -0.5, 0.9])
    np.testing.assert_allclose(result.last.rest, [4.0, 6.0, 5.0])
    np.testing.assert_allclose(result.stationary_sd, np.array([1.0, 0.5, 0.2]) / np.sqrt(1 - m**2))
    assert result.last.radius == pytest.approx(0.9)
    assert float(result.known.estimates["half_life"].value) == pytest.approx(math.log(2) / -math.log(0.9))
    t = np.arange(41)[:, None]
    np.testing.assert_allclose(result.known.path.mean, result.last.rest + (START - result.last.rest) * m**t)
    near = math.log(0.25 / 2.0) / math.log(0.5)  # security starts 2 from rest
    assert result.within[0] == math.ceil(near)
    names = sorted(r.regime for r in result.known.regimes)
    assert names == ["alternating", "monotone", "monotone"]


def test_interference_of_loops_apart_is_their_start_alone() -> None:
    result = play_loop({**ALONE, **dict(zip(STARTS, (4.0, 6.0, 5.0), strict=True))}, whole=False)
    np.testing.assert_allclose(result.known.estimates["interference.total"].value, 0.0, atol=1e-12)
    noisy = play_loop(
        {
            **ALONE,
            "security_with_efficiency": 0.8,
            "security_start": 4.0,
            "efficiency_start": 6.0,
            "functionality_start": 5.0,
        },
        whole=False,
    )
    assert noisy.known.parts_of(0, 1)["noise"] > 0.3


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_presets_rest_where_it_was_published(name: str) -> None:
    strategy = STRATEGIES[name]
    result = play_loop({**strategy.values, **FREE}, whole=False)
    np.testing.assert_allclose(result.last.rest, strategy.rest, atol=1e-4)
    assert result.verdict.action == "settles"
    rate = float(result.known.estimates["rate_euler"].value)
    assert 0.33 <= round(rate, 6) <= 1.29
    assert all(strategy.A[k][2] <= 0 for k in (0, 1)), "functionality costs the others"
    assert play_loop({"schedule": name, **FREE}, whole=False).known.estimates["drift.A"].value.tolist() == [
        list(row) for row in strategy.A
    ]


def test_presets_behave_as_told() -> None:
    regimes = {n: [r.regime for r in play_loop(s.values, whole=False).known.regimes] for n, s in STRATEGIES.items()}
    assert set(regimes["EF"]) == {"monotone"}
    assert "oscillatory" in regimes["SF"]
    assert set(regimes["AI"]) == {"alternating"}
    r2 = {
        n: play_loop({**s.values, **FREE}, whole=False).known.estimates["r2_increments"].value
        for n, s in STRATEGIES.items()
    }
    assert r2["AI"].min() > 0.5
    assert {p.name for p in LOOP_PRESETS} == {*STRATEGIES, "C.1"}
    known = {row.name for row in LOOP}
    assert all(set(p.values) <= known for p in LOOP_PRESETS)


def test_drawn_sessions_have_the_exact_moments() -> None:
    stages = stages_of({**OPTIONS, **FREE, "schedule": C1})
    exact, drawn = exact_course(stages, START), drawn_course(stages, START, 40_000, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.mean, exact.mean, atol=5 * 1.2 / 200)
    np.testing.assert_allclose(drawn.covariance, exact.covariance, atol=0.05)
    np.testing.assert_allclose(drawn.low[1:], exact.low[1:], atol=0.05)


def test_what_is_known_is_what_a_fit_of_many_sessions_finds() -> None:
    result = play_loop({**FREE, "sessions": 4000, "schedule": "SF"})
    fit = result.one_recording
    assert fit is not None
    for name in ("drift.A", "drift.M", "interference.total", "interference.transient", "interference.drift"):
        np.testing.assert_allclose(
            fit.estimates[name].value, result.known.estimates[name].value, atol=0.03, err_msg=name
        )
    np.testing.assert_allclose(fit.estimates["drift.equilibrium"].value, result.last.rest, atol=0.05)


def test_information_is_the_spread_of_estimates() -> None:
    # 300 recordings; the standard deviation of an sd estimate is 4 %, so 15 % is more than three of them.
    stage = stages_of({**OPTIONS, **FREE})[0]
    found = estimable(stage, exact_course((stage,), START), 40)
    rng = np.random.default_rng(2)
    fits = []
    for _ in range(300):
        x = sessions((stage,), START, 40, rng)
        z = np.concatenate([np.ones((40, 12, 1)), x[:, :-1]], axis=2).reshape(-1, 4)
        B = np.linalg.lstsq(z, np.diff(x, axis=1).reshape(-1, 3), rcond=None)[0]
        fits.append((B[1:].T, np.linalg.solve(-B[1:].T, B[0])))
    A, rest = (np.array([f[k] for f in fits]) for k in (0, 1))
    np.testing.assert_allclose(1.96 * A.std(axis=0), found.A, rtol=0.15)
    np.testing.assert_allclose(1.96 * rest.std(axis=0), found.rest, rtol=0.15)


def test_the_sessions_asked_for_do() -> None:
    few = play_loop(FREE, whole=False)
    enough = play_loop({**FREE, "sessions": int(few.estimable.sessions)}, whole=False)
    assert 0.09 < enough.estimable.A.max() <= 0.1 + 1e-9


def test_one_recording_is_what_the_package_fits() -> None:
    result = play_loop({"sessions": 30})
    stages = stages_of({**OPTIONS, "sessions": 30})
    assert result.drawn is not None
    again = LinearDrift("pooled", n_boot=0).fit(panel_of(stages, result.drawn.x.reshape(30, 13, 3)))
    assert result.one_recording is not None
    np.testing.assert_array_equal(result.one_recording.estimates["drift.A"].value, again.estimates["drift.A"].value)


def test_a_schedule_changes_the_loop_on_the_way() -> None:
    result = play_loop({"schedule": C1, "steps": 12, **FREE}, whole=False)
    assert [(s.name, s.first, s.last) for s in result.stages] == [
        ("FF", 1, 3),
        ("SF", 4, 6),
        ("EF", 7, 9),
        ("AI", 10, 12),
    ]
    one = play_loop({"schedule": "FF", "steps": 3, **FREE}, whole=False)
    np.testing.assert_allclose(result.known.path.mean[:4], one.known.path.mean)
    assert [c.key for s in document(result).sections for c in s.blocks if getattr(c, "key", "") == "loop-schedule"]
    short = play_loop({"schedule": "FF:50,AI", "steps": 10}, whole=False)
    assert [s.name for s in short.stages] == ["FF"], "what is never reached is no stage"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule": "FX:3,AI"}, "unknown strategy"),
        ({"schedule": "FF,AI"}, "NAME:STEPS"),
        ({"schedule": "FF:0,AI"}, "NAME:STEPS"),
        ({"schedule": "FF:a,AI"}, "NAME:STEPS"),
        ({"schedule": ","}, "must name a strategy"),
        (
            {
                "security_with_efficiency": 1.0,
                "security_with_functionality": -1.0,
                "efficiency_with_functionality": 1.0,
            },
            "no noise has these",
        ),
        ({"security_noise": -1.0}, r"`security_noise` must lie in \[0, 20\]"),
        ({"steps": 1}, "`steps`"),
        ({"steps": 501}, "`steps`"),
        ({"security_to_itself": 6.0}, "`security_to_itself`"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        play_loop(settings)


def test_worth_is_the_best_net_step() -> None:
    path = np.array([0.0, 0.9, 1.5, 1.6, 2.5, 2.5])
    assert worth_of(path, 0.0).step == 4
    assert worth_of(path, 0.4).step == 4, "a flat step is worth it where the next one pays for both"
    assert worth_of(path, 0.7).step == 1
    assert worth_of(path, 1.0).step == 0
    assert worth_of(np.array([0.0, 1.0, np.nan]), 0.1).step == 1


EDGES = {
    "runs away": {"security_to_itself": 0.5, "steps": 300, **FREE},
    "runs away at once": {
        "security_to_itself": 5.0,
        "efficiency_to_security": 5.0,
        "efficiency_to_itself": 5.0,
        "security_drift": 60.0,
        "steps": 500,
        **FREE,
    },
    "runs into its bounds": {"security_to_itself": 0.5, "steps": 300},
    "a walk": {name: 0.0 for row in DRIFTS for name in row},
    "no noise": {"security_noise": 0.0, "efficiency_noise": 0.0, "functionality_noise": 0.0},
    "starts at rest": {**FREE, "security_start": 5.25, "efficiency_start": 4.65, "functionality_start": 7.26},
    "starts at rest, no noise": {
        "security_noise": 0,
        "efficiency_noise": 0,
        "functionality_noise": 0,
        "security_start": 5.25,
        "efficiency_start": 4.65,
        "functionality_start": 7.26,
    },
    "one forgets": {"security_to_itself": -1.0, "efficiency_to_itself": -1.0, "functionality_to_itself": -1.0},
    "twice": {"security_to_itself": -2.0, **FREE},
    "shared noise": {
        "security_with_efficiency": 1.0,
        "security_with_functionality": 1.0,
        "efficiency_with_functionality": 1.0,
    },
    "rests elsewhere": {"security_drift": 30.0},
    "short": {"steps": 2, "sessions": 3},
    "slow": {"security_to_itself": -0.01},
    "dear": {"price": 10.0},
    "free": {"price": 0.0},
}


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("settings", EDGES.values(), ids=EDGES.keys())
def test_every_corner_has_an_answer(settings: dict[str, object], *, whole: bool) -> None:
    # Warnings are errors here: nothing is printed over a user's terminal either.
    result = play_loop(settings, whole=whole)
    back = LoopPlay.from_json(result.to_json())
    assert back.known == result.known
    assert back.to_json() == result.to_json()
    doc = document(result)
    assert "nan" not in str(doc).lower().split()
    assert len(frame({}, doc)) > 1000


def test_verdicts_in_words() -> None:
    assert play_loop(whole=False).verdict.sentence.startswith("settles: half of the way in 0.58 steps; ")
    assert play_loop(EDGES["slow"], whole=False).verdict.action == "slow"
    assert play_loop({"security_to_itself": 0.2}, whole=False).verdict.sentence.startswith(
        "runs away: distances from rest"
    )
    assert play_loop(EDGES["a walk"], whole=False).verdict.sentence.startswith("never settles")
    swings = play_loop({"schedule": "SF"}, whole=False)
    assert "in swings" in swings.verdict.sentence
    assert "period of 5.03 steps" in said(swings)["how fast"]
    assert "no step is worth" in play_loop(EDGES["dear"], whole=False).verdict.sentence
    assert said(play_loop({"schedule": "FF"}))["rests at"] == "security 0.000   efficiency 2.10   functionality 8.75"


def test_a_live_answer_says_what_it_leaves_out_and_agrees_with_the_whole_one() -> None:
    options = {**OPTIONS, **FREE, "command": ""}
    quick, whole = live(None, options, None), play_loop(options)
    assert quick.one_recording is None
    assert document(quick).rough
    assert not document(whole).rough
    assert quick.known == whole.known
    assert quick.verdict == whole.verdict
    assert quick.drawn is not None
    assert whole.drawn is not None
    np.testing.assert_array_equal(quick.drawn.x, whole.drawn.x)
    keys = [[s.key for s in walk(document(r).sections)] for r in (quick, whole)]
    assert keys[0] == keys[1], "nothing jumps"


def test_bounds_bend_the_mean_path() -> None:
    result = play_loop({"schedule": "FF", "steps": 30})
    assert not result.exact
    assert result.known.path.mean[-1, 0] > 0.2, "clipped at 0, security cannot average 0"
    assert result.at_bounds[0] > 0.2
    assert "bound" in str(document(result))
    assert play_loop({"schedule": "FF", "steps": 30, **FREE}).exact


def test_a_live_answer_is_quick() -> None:
    # CPU time, the best of ten: 5 ms where measured, so a machine four times as slow passes.
    took = []
    for _ in range(10):
        begun = time.process_time()
        document(live(None, {**OPTIONS, "command": ""}, None))
        took.append(time.process_time() - begun)
    assert min(took) < 0.02


def test_a_loop_that_runs_away_is_followed_as_long_as_it_means_anything() -> None:
    result = play_loop({"security_to_itself": 0.2, "steps": 40, **FREE}, whole=False)
    assert result.known.path.step[-1] == 9
    assert "after step 9 it is not followed" in str(document(result))
