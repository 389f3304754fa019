"""A loop of moves answered while a hand moves a setting: what must be as in a whole answer is, the rest is near it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from loopstat.faces.web.frames import frame
from loopstat.lenses import lens, load
from loopstat.moves import desks
from loopstat.moves.commands import Simulation
from loopstat.moves.commands import simulate as whole
from loopstat.moves.files import asked_for, spelled
from loopstat.moves.fit import run_moves
from loopstat.moves.live import quick, simulate
from loopstat.moves.mean_path import ceiling, mean_path, reach
from loopstat.moves.paths import path, thinned, walk
from loopstat.moves.runs import RunPlan, outcomes
from loopstat.moves.settings import PARAMETERS, POLICY_DEFAULTS, PRESETS, ROWS, SCENARIOS, MoveSettings
from loopstat.moves.sweep.teams import teams_by_mean_path, teams_by_runs
from loopstat.moves.view import simulation
from loopstat.moves.ways import ways
from loopstat.results.chart import Chart, Paths
from loopstat.results.document import Document, Formulas, Section

DEFAULTS = {row.name: row.default for row in desks.SIMULATE.settings}
CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    **PRESETS,
    **{name: dict(row) for name, row in SCENARIOS.items()},
    "counts": {"process": "integer", "max_moves": 120},
    "one mass": {"process": "single", "order_statistic": "source"},
    "nobody reviews": {"reviewers": 0},
    "lenient": {"leniency": 0.3},
    "free": {"cost_generate": 0, "cost_review": 0, "cost_oracle": 0},
    "one move": {"max_moves": 1},
    "done at the start": {"difficulty": 0.01},
    "hopeless": {"a1": 0, "s0": 0.01},
}
every = pytest.mark.parametrize("case", CASES)
some = pytest.mark.parametrize(
    "case", ["defaults", "noob-vibe", "planner-spec", "counts", "nobody reviews", "free", "one move"]
)


def options(case: str, **more: Any) -> dict[str, Any]:
    return {**DEFAULTS, **CASES[case], **more}


def live(case: str, **more: Any) -> Simulation:
    return simulate(None, options(case, **more), None)


# ------------------------------------------------------------------ live answers and whole ones


@every
def test_a_live_answer_is_that_of_its_runs(case: str) -> None:
    found = live(case).run
    few = quick(asked_for(options(case)).settings)
    same = run_moves(few)
    assert few.replicates == 300
    assert found.verdict.action == same.verdict.action
    assert [r.sentence for r in found.verdict.why[:2]] == [r.sentence for r in same.verdict.why[:2]]
    for name in ("moves_to_target", "moves_to_good", "cost_to_target", "false_pass_at_stop", "good_at_stop"):
        assert repr(getattr(found, name)) == repr(getattr(same, name)), name
    t = found.path.t
    for name, line in found.path.figures.items():
        all_moves = same.path.figures[name]
        for end in ("value", "low", "high"):
            np.testing.assert_array_equal(getattr(line, end), getattr(all_moves, end)[t])
    assert [c.passed for c in found.checks] == [c.passed for c in same.checks]


@pytest.mark.slow
@some
def test_live_levers_and_ceilings_are_near(case: str) -> None:
    found, s = live(case).run, asked_for(options(case)).settings
    top = ceiling(s)
    assert found.ceiling.p_pass == pytest.approx(top.p_pass, abs=2e-3)
    assert found.ceiling.reachable == top.reachable or abs(top.p_pass - s.target_reliability) < 2e-3
    np.testing.assert_allclose(found.mean_path.mass, mean_path(s).mass, rtol=0.02, atol=0.02)
    same = run_moves(s.but(replicates=2))
    for mine, other in zip(found.levers, same.levers, strict=True):
        assert (mine.name, mine.value) == (other.name, other.value)
        assert mine.best.p_pass == pytest.approx(other.best.p_pass, abs=0.02)
    assert found.levers_together.best.p_pass == pytest.approx(same.levers_together.best.p_pass, abs=5e-3)


def skeleton(doc: Document) -> list[Any]:
    """Return kinds and keys of everything, in order."""

    def of(blocks: Any) -> Iterator[Any]:
        for b in blocks:
            key = getattr(b, "key", getattr(b, "title", ""))
            yield (type(b).__name__, key if isinstance(b, Section | Chart) else "")
            if isinstance(b, Section):
                yield from of(b.blocks)

    return list(of(doc.sections))


@some
def test_nothing_jumps_when_the_hand_lets_go(case: str) -> None:
    few = {"replicates": 301}
    rough, exact = (simulation(f) for f in (live(case, **few), whole(None, options(case, **few))))
    assert skeleton(rough) == skeleton(exact)
    assert (rough.title, rough.handles) == (exact.title, exact.handles)
    assert rough.rough.startswith("300 runs, mean paths")
    assert exact.rough == ""
    for doc in (rough, exact):
        frame({"kind": "document"}, doc)


def test_eight_pictures_and_three_hundred_runs() -> None:
    doc = simulation(live("defaults"))
    [happens] = [s for s in doc.sections if s.key == "happens"]
    charts = [b for b in happens.blocks if isinstance(b, Chart)]
    assert [c.key for c in charts] == [
        *("convergence", "over_moves_delta", "over_moves_acceptance", "over_moves_p_false", "efficiency", "oracle"),
        *("one_more", "teams"),
    ]
    [single] = [m for m in charts[0].marks if isinstance(m, Paths)]
    assert np.shape(single.y) == (300, 81)
    assert all("mean path" in c.described for c in charts[-2:])
    refined = simulation(whole(None, options("defaults", replicates=300)))
    assert "Means over" in next(c for c in refined.sections[0].blocks if getattr(c, "key", "") == "teams").described


def test_fewer_runs_where_they_are_long_or_few() -> None:
    assert quick(MoveSettings(max_moves=1500)).replicates == 100
    assert quick(MoveSettings(max_moves=100_000)).replicates == 30
    assert quick(MoveSettings(replicates=12)).replicates == 12


def test_what_hangs_on_most_is_kept_from_the_last_whole_answer() -> None:
    asked = options("defaults", sensitivity=True, replicates=40, max_moves=40)
    last = whole(None, asked)
    assert simulate(None, asked, last).run.sensitivity is last.run.sensitivity
    assert simulate(None, {**asked, "sensitivity": False}, last).run.sensitivity is None
    assert simulate(None, asked, None).run.sensitivity is None


# ------------------------------------------------------------------------- runs, and mean paths


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("at_once", [1, 50, 10**6])
def test_a_walk_is_its_outcomes_and_its_path(workers: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from loopstat.moves import paths

    monkeypatch.setattr(paths, "AT_ONCE", at_once)
    s = MoveSettings(replicates=40, max_moves=37, tr_max_radius=2)
    plan, kept = RunPlan.of(s, None, None, None), np.full((40, 80), np.nan)
    for drawn in (None, kept, kept):
        found, runs = walk(s, plan, drawn=drawn, workers=workers), outcomes(s)
        for name in ("moves_to_target", "moves_to_good", "false_pass", "good_at_end", "mass_at_end", "moves_made"):
            np.testing.assert_array_equal(getattr(found.outcomes, name), getattr(runs, name))
        np.testing.assert_allclose(found.mass, path(s).figures["mu"].value, rtol=1e-12)
        assert found.path.singles is not None
        np.testing.assert_allclose(
            found.path.singles.p_pass.mean(axis=0), found.path.figures["p_pass"].value[found.path.singles.t]
        )


def test_a_path_at_some_moves_is_the_path_there() -> None:
    s = MoveSettings(replicates=50, max_moves=300)
    t = thinned(301)
    assert (len(t), t[0], t[-1]) == (161, 0, 300)
    some, all_moves = walk(s, RunPlan.of(s, None, None, None), times=t).path, path(s)
    np.testing.assert_array_equal(some.figures["p_pass"].low, all_moves.figures["p_pass"].low[t])


@every
def test_ways_are_mean_paths(case: str) -> None:
    s = asked_for(options(case)).settings
    teams = {"candidates": np.array([1, 5, 12, 3]), "reviewers": np.array([0, 3, 8, 1])}
    found = ways(s, teams)
    exact = reach([s.but(candidates=int(k), reviewers=int(n)) for k, n in zip(*teams.values(), strict=True)])
    np.testing.assert_allclose(found.p_pass, exact.p_pass, atol=2e-3)


def test_teams_by_the_mean_path_and_by_runs_tell_the_same_story() -> None:
    s = MoveSettings(tr_max_radius=2)
    mean, runs = teams_by_mean_path(s), teams_by_runs(s)
    assert len(mean.candidates) == len(runs.candidates) == 12 * 9
    assert np.corrcoef(np.log(mean.cost.value), np.log(runs.cost.value))[0, 1] > 0.95
    assert (mean.replicates, runs.replicates) == (0, 150)
    assert np.all(runs.cost_ratio.low <= runs.cost_ratio.value)
    json.dumps([mean.to_dict(), runs.to_dict()], allow_nan=False)
    assert "teams" not in whole(None, options("defaults", teams=False, replicates=20)).to_dict()


# ------------------------------------------------------------------------------------- the desk

SOURCE: dict[str, tuple[float, float, float]] = {
    "human_prior": (0, 1, 0.6),
    "model_prior": (0, 1, 0.75),
    "oracle_resolution": (0, 1, 0.8),
    "edit_radius": (0.01, 2, 0.2),
    "candidates": (1, 12, 5),
    "reviewers": (0, 8, 3),
    "correlation": (0, 0.9, 0.2),
    "difficulty": (2, 40, 12),
    "target_reliability": (0.5, 0.99, 0.95),
    "reviewer_proposals": (0, 1, 1),
    "decay_rate": (0.9, 1, 0.98),
    "tr_alpha": (1.1, 2, 1.3),
    "tr_beta": (0.3, 0.9, 0.7),
    "tr_a_low": (0.1, 0.3, 0.2),
    "tr_a_high": (0.3, 0.6, 0.4),
}
"""Least, largest and first value of every slider of the published page."""


def test_every_published_control_is_there_with_its_range() -> None:
    rows = {row.name: row for row in desks.SIMULATE.settings}
    for name, (low, high, default) in SOURCE.items():
        assert (rows[name].slider, rows[name].default) == ((low, high), default), name
    assert rows["policy"].choices == ("vibe", "planner", "trust-region")
    assert set(rows) == {*PARAMETERS, "teams", "sensitivity"}
    named = [name for part in desks.SIMULATE.controls for name in part.names]
    assert sorted(named) == sorted(rows)
    assert [part.title for part in desks.SIMULATE.controls if part.open][:3] == [
        *("Strategy and core parameters", "Optimization parameters", "Scenario")
    ]
    assert all(rows[name].slider for name in ("cost_generate", "cost_review", "cost_oracle"))


def test_presets_are_the_published_ones() -> None:
    found = {b.name: b for b in desks.BUTTONS}
    assert {n: dict(b.values) for n, b in found.items() if b.group == "Presets"} == PRESETS
    assert {n: dict(b.values) for n, b in found.items() if b.over} == SCENARIOS
    assert {n: dict(b.values) for n, b in found.items() if b.group == "Published policies"} == POLICY_DEFAULTS
    for b in found.values():
        assert b.help
        for name, value in b.values.items():
            assert PARAMETERS[name].read(value) == value


def test_every_desk_holds_together() -> None:
    for command in lens("moves").commands:
        if not command.pages:
            continue
        assert command.desk is not None
        rows = {row.name for row in command.desk.settings or command.settings}
        named = [name for part in command.desk.controls for name in part.names]
        assert len(named) == len(set(named))
        assert set(named) <= rows
        for place in filter(None, (command.desk.live, command.desk.spelled)):
            assert callable(load(place))
        buttons = load(command.desk.presets) if command.desk.presets else ()
        for b in buttons() if callable(buttons) else buttons:
            assert set(b.values) <= rows


@pytest.mark.parametrize(
    "values", [*PRESETS.values(), *SCENARIOS.values(), {"policy": "vibe"}, {"policy": "planner", "candidates": 9}, {}]
)
def test_a_command_line_asks_for_what_the_desk_shows(values: dict[str, Any]) -> None:
    shown = asked_for({**DEFAULTS, **values}).settings
    assert asked_for(spelled(values)).settings == shown
    assert shown == MoveSettings(**{**{row.name: row.default for row in ROWS}, **values})
    assert desks.simulated(values)["teams"] is True


def test_settings_by_name_and_flags_go_one_way() -> None:
    assert asked_for({"human_prior": 0.7, "set": ["human_prior=0.8"]}).settings.human_prior == 0.8
    assert asked_for({"policy": "vibe", "candidates": "3"}).settings == MoveSettings.of(
        policy="vibe", values={"candidates": 3}
    )


# ---------------------------------------------------------------------------------- the formulas


def test_formulas_say_where_they_come_from() -> None:
    from loopstat.faces.mathml import mathml

    doc = simulation(live("defaults", replicates=20, max_moves=20))
    [block] = [b for s in doc.sections for b in s.blocks if isinstance(b, Formulas)]
    origins = {row.name: row.origin for row in block.rows}
    assert origins["Effective targeting"] == "source"
    assert origins["Expected improvement of the pick"] == origins["Trust-region update"] == "corrected"
    assert origins["Where the mean path rests"] == "ours"
    assert len(block.rows) >= 12
    for row in block.rows:
        assert mathml(row.tex).startswith("<math")
        assert row.plain
        assert row.note
