"""Forecasts against loops whose law is known: chances of a target, bands, records, success, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from loopstat.analysis.linear import linear_drift
from loopstat.decide.analysis import Decisions, analyze_decisions
from loopstat.decide.settings import MeanCurve
from loopstat.errors import SettingsError
from loopstat.faces.explain import terms
from loopstat.panel.panel import Objective, Panel
from loopstat.results.chart import Chart
from loopstat.results.document import Sheet, view_of, walk
from loopstat.results.forecast import Forecast


def foretold(panel: Panel, **settings: object) -> Forecast:
    """Return the forecast of one group, with few draws of the decision beside it."""
    fit = MeanCurve(n_boot=50, **settings).fit(panel)  # type: ignore[arg-type]
    assert fit.forecast is not None
    return fit.forecast


def ar1(n: int, steps: int, seed: int, m: float = 0.5) -> np.ndarray:
    """Return scalar loops in equilibrium of variance 1, shape (n, steps)."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, steps))
    for t in range(1, steps):
        x[:, t] = m * x[:, t - 1] + np.sqrt(1 - m**2) * x[:, t]
    return x


def panel_of(x: np.ndarray) -> Panel:
    return Panel.from_grid(np.ascontiguousarray(x[:, :, None]), objectives=("score",))


@pytest.fixture(scope="module")
def of_ar1() -> Forecast:
    return foretold(panel_of(ar1(400, 20, 1)), target={"score": 2.0}, scores=(0.3, 1.5), horizon=25)


class TestTarget:
    def test_at_and_by_in_equilibrium(self, of_ar1):
        """The scores are 20: at 0.0228, by 0.312. False-alarm rate of each about 0.003 (three standard errors)."""
        t = of_ar1.new.target
        for e, true, error in ((t.at, 0.0228, 0.0075), (t.by, 0.312, 0.0232)):
            assert abs(float(e.value[19]) - true) < 3 * error
            assert e.low[19] < e.value[19] < e.high[19]
        assert np.all(np.diff(t.by.value) >= 0)

    def test_beyond_the_record(self, of_ar1):
        true = np.mean(ar1(100_000, 26, 5).max(axis=1) > 2)
        t = of_ar1.new.target
        assert len(t.at.value) == 26
        assert of_ar1.new.recorded == 19
        assert abs(t.by.value[25] - true) < 0.08
        assert t.by.low[25] < true < t.by.high[25]
        assert abs(t.at.value[25] - 0.0228) < 0.015

    def test_a_session_under_way(self, of_ar1):
        """Given 1.5, the next score is above 2 with probability 1 - Phi((2 - 0.75)/sqrt(0.75))."""
        s = of_ar1.session
        assert s.of == "scores"
        assert s.since == 1
        assert s.bands.step[0] == 1
        true = norm.sf((2 - 0.75) / np.sqrt(0.75))
        assert abs(s.target.at.value[1] - true) < 0.05
        assert abs(s.bands.mean[1] - 0.75) < 0.2
        assert s.target.at.value[0] == s.target.at.low[0] == s.target.at.high[0] == 0.0
        width = s.bands.high_90 - s.bands.low_90
        assert width[0] == 0
        assert abs(width[1] - 2 * 1.645 * np.sqrt(0.75)) < 0.5

    def test_several_objectives_at_once_and_minimised(self):
        rng = np.random.default_rng(3)
        x = rng.standard_normal((300, 6, 2))
        panel = Panel.from_grid(x, objectives=(Objective("a"), Objective("b", maximize=False)))
        t = foretold(panel, target={"a": 0.0, "b": 0.5}).new.target
        assert abs(t.at.value[3] - np.mean((x[:, 3, 0] >= 0) & (x[:, 3, 1] <= 0.5))) < 1e-12

    def test_half_is_the_first_step_as_likely_as_not(self):
        t = foretold(panel_of(ar1(200, 8, 2)), target={"score": 0.0}).new.target
        assert t.half == int(np.flatnonzero(t.by.value >= 0.5)[0])


class TestCutSessions:
    def test_chances_as_if_none_had_been_cut(self):
        """Cut at random after step 4: at the last step the share of all, within three standard errors of 0.03."""
        x = ar1(400, 10, 4)
        whole = foretold(panel_of(x), target={"score": 0.5}).new.target
        rng = np.random.default_rng(0)
        parts = [row[: 5 if cut else 10] for row, cut in zip(x, rng.random(400) < 0.5, strict=True)]
        cut = foretold(Panel.from_arrays(parts, objectives=("score",)), target={"score": 0.5}).new.target
        assert abs(cut.by.value[9] - whole.by.value[9]) < 0.09
        assert abs(cut.at.value[9] - whole.at.value[9]) < 0.09
        assert np.allclose(cut.at.value[:5], whole.at.value[:5])


class TestBands:
    def test_new_sessions_beyond_the_record(self):
        """Bands from ten steps of 200 sessions hold later steps of 2,000 others as often as they say."""
        x = ar1(2200, 16, 6, m=0.8)
        b = foretold(panel_of(x[:200, :10]), forecast=True, horizon=15).new.bands
        others = x[200:, 10:]
        inside = (others >= b.low_90[10:]) & (others <= b.high_90[10:])
        assert 0.85 < inside.mean() < 0.95
        assert 0.42 < ((others >= b.low_50[10:]) & (others <= b.high_50[10:])).mean() < 0.58

    def test_within_the_record_they_are_the_quantiles(self):
        x = ar1(150, 6, 7)
        b = foretold(panel_of(x), forecast=True).new.bands
        assert np.allclose(b.mean[:6], x.mean(axis=0))
        low, high = np.quantile(x, [0.94, 0.96], axis=0)
        assert np.all((b.high_90[:6] >= low) & (b.high_90[:6] <= high))

    def test_held_out_they_hold_what_they_say(self):
        f = foretold(panel_of(ar1(300, 12, 8)), forecast=True)
        for q in (f.quality, f.beyond):
            assert abs(q.coverage_90.value - 0.9) < 0.04
            assert abs(q.coverage_50.value - 0.5) < 0.06
            assert np.isclose(q.pit.sum(), 1)
            assert np.all(np.abs(q.pit - 0.1) < 0.04)
        behind = {s.name: float(s.ahead.low) for s in f.quality.scores}
        assert f.predictor == "averaged curve"
        assert behind["persistence"] > 0
        assert behind["mean"] > 0


class TestRecords:
    def test_best_of_independent_proposals(self):
        """P(best of n proposals is above 2) = 1 - Phi(2)^n, in the record and beyond it."""
        f = foretold(panel_of(np.random.default_rng(9).standard_normal((500, 10))), keep="best", target={"score": 2.0})
        assert f.predictor == "records"
        true = 1 - norm.cdf(2.0) ** np.arange(1, 14)
        t = f.new.target
        assert np.allclose(t.at.value, t.by.value)
        assert np.all(np.abs(t.by.value[:10] - true[:10]) < 3 * np.sqrt(true[:10] * (1 - true[:10]) / 500))
        assert abs(t.by.value[12] - true[12]) < 0.07

    def test_a_session_that_holds_much_gains_little(self):
        panel = panel_of(np.random.default_rng(10).standard_normal((300, 10)))
        low = foretold(panel, keep="best", scores=(-1.0,)).session.bands
        high = foretold(panel, keep="best", scores=(2.5, 0.0)).session.bands
        assert high.mean[0] == 2.5
        assert np.all(high.low_90 >= 2.5)
        assert high.mean[3] - 2.5 < 0.1
        assert low.mean[3] > 0.4


@pytest.fixture(scope="module")
def of_success() -> Forecast:
    rng = np.random.default_rng(11)
    at = np.minimum(rng.geometric(0.2, 500), 9)
    sessions = [np.r_[np.zeros(t - 1), 1.0] if t < 9 else np.zeros(8) for t in at]
    return foretold(Panel.from_arrays(sessions, objectives=("passed",)), target={"passed": 1.0})


class TestSuccess:
    def test_constant_hazard(self, of_success):
        """Success by step t (from 0) is 1 - 0.8^(t + 1), within three standard errors; beyond too."""
        true = 1 - 0.8 ** np.arange(1, 12)
        by = of_success.new.target.by
        assert of_success.predictor == "hazard"
        assert np.all(np.abs(by.value[:11] - true[: len(by.value)]) < 0.06)
        assert by.low[10] < true[10] < by.high[10]

    def test_it_does_no_worse_than_a_constant(self, of_success):
        ahead = {s.name: s.ahead for s in of_success.quality.scores}
        assert ahead["constant hazard"].low > -0.05
        assert ahead["mean"].low > 0


class TestWhichPredictor:
    def test_the_linear_drift_where_objectives_drive_one_another(self):
        rng = np.random.default_rng(12)
        x = np.empty((150, 8, 2))
        x[:, 0] = rng.standard_normal((150, 2)) * 3
        for t in range(1, 8):
            x[:, t] = x[:, t - 1] @ np.array([[0.1, -0.9], [0.9, 0.1]]) + 0.2 * rng.standard_normal((150, 2))
        panel = Panel.from_grid(x, objectives=("a", "b"))
        estimator = MeanCurve(n_boot=50, weights={"a": 1.0, "b": 1e-6}, forecast=True)
        lent = {"linear drift": linear_drift}
        found = analyze_decisions(panel, estimator=estimator, predictors=lent).groups[0].forecast
        assert found is not None
        assert found.predictor == "linear drift"
        assert abs(found.quality.coverage_90.value - 0.9) < 0.06

    def test_too_little_to_go_by(self):
        f = foretold(panel_of(ar1(2, 3, 0)), forecast=True)
        assert f.predictor is None
        assert f.new is None
        assert "too few" in f.sentence


class TestAsked:
    def test_nothing_unless_asked(self):
        assert MeanCurve(n_boot=20).fit(panel_of(ar1(20, 4, 0))).forecast is None

    def test_json_there_and_back_and_the_same_again(self):
        panel = panel_of(ar1(60, 6, 13))
        estimator = MeanCurve(n_boot=20, target={"score": 1.0}, session="3")
        made = [analyze_decisions(panel, estimator=estimator, seed=1) for _ in range(2)]
        assert made[0].to_json() == made[1].to_json()
        back = Decisions.from_json(made[0].to_json())
        assert back == made[0]
        assert back.groups[0].forecast.session.of == "3"
        assert made[0].settings["target"] == {"score": 1.0}

    def test_every_key_is_explained(self):
        estimator = MeanCurve(n_boot=20, target={"score": 1.0}, session="3")
        made = analyze_decisions(panel_of(ar1(60, 8, 13)), estimator=estimator).groups[0].forecast

        def keys(value: object) -> set[str]:
            if isinstance(value, list):
                return {k for v in value for k in keys(v)}
            inner = value if isinstance(value, dict) else {}
            return set(inner) | {k for name, v in inner.items() if name != "target" for k in keys(v)}

        found = {k for k in keys(made.to_dict()) if not k.endswith(("_low", "_high"))}
        assert found | {"at", "by", "half"} <= set(terms()) | {"sessions", "session"}

    def test_a_session_of_the_file_is_known_to_its_end(self):
        x = ar1(60, 6, 14)
        s = foretold(panel_of(x), session="7").session
        assert s.since == 5
        assert np.isclose(s.bands.mean[0], x[7, 5])
        assert len(s.bands.step) == 3

    def test_a_session_longer_than_the_record(self):
        s = foretold(panel_of(ar1(60, 6, 15)), scores=tuple(np.zeros(12))).session
        assert s.since == 11
        assert s.bands.step[-1] >= 12
        assert np.isfinite(s.bands.mean).all()

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"target": {"sore": 1.0}}, "score"),
            ({"target": {"score": float("nan")}}, "target score"),
            ({"session": "nobody"}, "no session 'nobody'"),
            ({"scores": (1.0, float("inf"))}, "scores"),
            ({"scores": (1.0,), "session": "1"}, "give one"),
        ],
    )
    def test_refused(self, settings, said):
        with pytest.raises(SettingsError, match=said):
            foretold(panel_of(ar1(30, 4, 0)), **settings)

    def test_scores_are_of_one_objective(self):
        panel = Panel.from_grid(np.random.default_rng(0).standard_normal((30, 4, 2)), objectives=("a", "b"))
        with pytest.raises(SettingsError, match="one objective"):
            foretold(panel, scores=(1.0,))

    def test_every_group_is_foretold_in_its_own_sessions(self):
        first, second = panel_of(ar1(40, 5, 16)), panel_of(ar1(40, 5, 17) + 5)
        named = replace(second, session_names=tuple(f"b{k}" for k in range(40)))
        parts = [Panel.concat([p]) for p in (first, named)]
        panel = Panel.concat(parts)
        assert foretold(panel, session="b3").session.bands.mean[0] > 1


class TestView:
    def test_lines_picture_and_tables(self):
        panel = panel_of(ar1(80, 8, 18))
        made = MeanCurve(n_boot=20, target={"score": 1.0}, scores=(0.0, 0.5)).fit(panel)
        said = str(view_of(made))
        for part in ("a new session", "this session", "score 1 reached by step", "90 % bands held"):
            assert part in said
        blocks = [b for section in walk(view_of(made).sections) for b in section.blocks]
        assert "Ways to predict" in {b.title for b in blocks if isinstance(b, Sheet)}
        charts = [b for b in blocks if isinstance(b, Chart) and b.key.endswith("-bands")]
        assert len(charts) == 2
        assert len(charts[0].marks) == 3  # two bands, and where the record ends

    def test_nothing_is_said_where_nothing_was_asked(self):
        assert "a new session" not in str(view_of(MeanCurve(n_boot=20).fit(panel_of(ar1(30, 5, 19)))))
