"""What the report says, as plain data: fans, pictures, tables, comparisons and Pareto sheets, without HTML."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import loopstat
from conftest import loop_rows, write_table
from loopstat import LinearDrift, Objective, Panel
from loopstat.drift.analysis import Analysis, analyze
from loopstat.faces import report, svg
from loopstat.faces.report import Cell, Fan, page, report_data
from loopstat.inference.estimate import number, show
from loopstat.io import read
from simulated import run

FAST = LinearDrift(n_boot=40)
CAPTIONS = {
    "phase": "Where the drift pushes",
    "disc": "How fast each mode dies out",
    "skill": "Error saved on held-out clusters",
    "causes": "What makes objectives move together",
}


def panel_of(x: Any, *, labels: dict[str, list[str]] | None = None) -> Panel:
    """Return sessions (n, steps, n_obj), with labels given per session."""
    return Panel.from_arrays(list(x), labels=labels)


def grouped(n_groups: int, each: int, *, steps: int = 6, n_obj: int = 2, seed: int = 0) -> Panel:
    """Return groups `g00`, `g01`... of sessions that settle at different places."""
    m = 0.6 * np.eye(n_obj)
    x = [run(m, np.eye(n_obj), rest=k, sessions=each, steps=steps, seed=[seed, k]) for k in range(n_groups)]
    labels = {"strategy": [f"g{k:02d}" for k in range(n_groups) for _ in range(each)]}
    return panel_of(np.concatenate(x), labels=labels)


@pytest.fixture(scope="module")
def plain(plain_path: Path) -> Analysis:
    return analyze(read([str(plain_path)]), by=["strategy"], estimator=FAST)


@pytest.fixture(scope="module")
def lineage(lineage_path: Path) -> Analysis:
    return analyze(read([str(lineage_path)], minimize=["size"]), estimator=FAST)


def unpacked(fan: Fan) -> np.ndarray:
    """Return what the page draws: sessions by steps, NaN where there is no score."""
    levels = np.frombuffer(base64.b64decode(fan.sessions), dtype="<u2").reshape(-1, len(fan.steps)).astype(float)
    return np.where(levels == report.MISSING, np.nan, fan.low + levels / (report.MISSING - 1) * (fan.high - fan.low))


# ---------------------------------------------------------------------------------- fans


def test_fans_hold_the_groups_figures(plain: Analysis) -> None:
    data = plain.to_dict()
    for k, group in enumerate(report_data(plain).groups):
        source = data["groups"][k]
        assert [f.objective for f in group.fans] == source["objectives"]
        for j, fan in enumerate(group.fans):
            assert fan.steps == source["path"]["step"]
            for key, found in (("mean", fan.mean), ("low", fan.mean_low), ("high", fan.mean_high)):
                assert found == [row[j] for row in source["path"][key]]
            assert fan.end == [source["kept_end"][key][j] for key in ("mean", "low", "high")]
            assert fan.rest == [source["drift"][f"equilibrium{end}"][j] for end in ("", "_low", "_high")]


def test_packed_sessions_are_the_scores(plain: Analysis) -> None:
    assert plain.panel is not None
    for group, (_, part) in zip(report_data(plain).groups, plain.panel.split(["strategy"]), strict=True):
        for j, fan in enumerate(group.fans):
            scores = part.x[:, j].reshape(part.n_sessions, -1)
            assert (fan.low, fan.high) == (scores.min(), scores.max())
            assert np.abs(unpacked(fan) - scores).max() <= (fan.high - fan.low) / (report.MISSING - 1)
            assert fan.names == list(part.session_names)


def test_missing_scores_and_short_sessions_are_gaps() -> None:
    x = run(0.5, 1.0, sessions=12, steps=6, seed=1)
    x[3, 2] = np.nan
    sessions = [s[: 4 if k == 5 else 6] for k, s in enumerate(x)]
    fan = report_data(analyze(Panel.from_arrays(sessions), by=[], estimator=FAST)).groups[0].fans[0]
    wanted = np.full((12, 6), np.nan)
    for k, s in enumerate(sessions):
        wanted[k, : len(s)] = s[:, 0]
    np.testing.assert_allclose(unpacked(fan), wanted, atol=(fan.high - fan.low) / 65534)
    assert np.isnan(unpacked(fan)[3, 2])
    assert np.isnan(unpacked(fan)[5, 4:]).all()


def test_the_highest_score_is_not_taken_for_a_missing_one() -> None:
    x = run(0.5, 1.0, sessions=15, steps=5, seed=2)
    fan = report_data(analyze(panel_of(x), by=[], estimator=FAST)).groups[0].fans[0]
    assert np.nanmax(unpacked(fan)) == pytest.approx(x.max())
    assert not np.isnan(unpacked(fan)).any()


def test_a_constant_objective_is_packed_too() -> None:
    x = np.concatenate([run(0.5, 1.0, sessions=15, steps=5, seed=2), np.full((15, 5, 1), 3.0)], axis=2)
    fans = report_data(analyze(panel_of(x), by=[], estimator=FAST)).groups[0].fans
    assert (unpacked(fans[1]) == 3.0).all()


def test_a_lineage_is_drawn_as_its_kept_path(lineage: Analysis) -> None:
    assert lineage.panel is not None
    kept = lineage.panel.kept()
    fan = report_data(lineage).groups[0].fans[0]
    drawn = unpacked(fan)
    for k in range(kept.n_sessions):
        np.testing.assert_allclose(drawn[k], kept.x[kept.session == k, 0], atol=1e-3)
    assert all(b >= a - 1e-3 for row in drawn for a, b in pairwise(row)), "the better one is kept"
    assert fan.rest_word == "proposals alone would rest at"


def test_no_more_sessions_are_drawn_than_promised_and_it_is_said() -> None:
    one = analyze(panel_of(run(0.5, 1.0, sessions=450, steps=4, seed=3)), by=[], estimator=FAST)
    found = report_data(one)
    assert len(found.groups[0].fans[0].names) == report.MAX_SESSIONS
    assert found.drawn.startswith("Pictures show 300 of 450 sessions")
    names = [int(n) for n in found.groups[0].fans[0].names]
    assert names[0] == 0
    assert names[-1] == 449
    assert set(np.diff(names)) <= {1, 2}, "evenly chosen"

    five = analyze(grouped(5, 250, n_obj=1, steps=4), by=["strategy"], estimator=FAST)
    found = report_data(five)
    assert sum(len(g.fans[0].names) for g in found.groups) <= report.MAX_SESSIONS_ALL
    assert "Pictures show 1,000 of 1,250 sessions" in found.drawn


def test_nothing_is_said_where_all_sessions_are_drawn(plain: Analysis) -> None:
    assert report_data(plain).drawn == ""


def test_long_sessions_leave_room_for_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MAX_VALUES", 2_000)
    found = report_data(analyze(grouped(2, 60, steps=20), by=["strategy"], estimator=FAST))
    assert [len(g.fans[0].names) for g in found.groups] == [25, 25]
    assert "50 of 120" in found.drawn


def test_a_result_read_back_has_figures_but_no_sessions(plain: Analysis) -> None:
    back = report_data(Analysis.from_dict(plain.to_dict()))
    assert all(f.sessions == "" and f.names == [] for g in back.groups for f in g.fans)
    assert [s.rows for g in back.groups for s in g.sheets] == [
        s.rows for g in report_data(plain).groups for s in g.sheets
    ]
    assert back.comparisons == report_data(plain).comparisons


# ------------------------------------------------------------------------------- pictures


def captions(result: Analysis) -> list[set[str]]:
    return [{caption for caption, _ in g.pictures} for g in report_data(result).groups]


def test_every_kind_of_group_has_its_pictures(plain: Analysis, lineage: Analysis) -> None:
    every = set(CAPTIONS.values())
    assert captions(plain) == [every, every]
    single = analyze(panel_of(run(0.5, 1.0, sessions=20, steps=6, seed=4)), by=[], estimator=FAST)
    assert captions(single) == [every - {CAPTIONS["phase"], CAPTIONS["causes"]}], "one objective has no pairs"
    assert CAPTIONS["phase"] in captions(lineage)[0]
    assert CAPTIONS["disc"] not in captions(lineage)[0], "proposals have no modes"
    x = np.zeros((12, 1, 2))
    assert captions(analyze(panel_of(x), by=[], estimator=FAST)) == [set()], "nothing is drawn of nothing"


def test_a_group_without_a_fit_still_has_its_page() -> None:
    x = np.repeat(run(0.5, 1.0, sessions=12, steps=5, seed=5), 2, axis=2)
    found = report_data(analyze(panel_of(x), by=[], estimator=FAST)).groups[0]
    assert found.action == "cannot_tell"
    assert found.fans, "what happened can be seen"
    assert found.reasons
    assert {s.title for s in found.sheets} >= {"Where it goes"}


def test_pictures_are_well_formed_and_described(plain: Analysis, lineage: Analysis) -> None:
    for result in (plain, lineage):
        found = report_data(result)
        pictures = [pic for g in found.groups for _, pic in g.pictures] + [pic for _, pic in found.ends]
        pictures += [found.pareto_picture] if found.pareto_picture else []
        assert pictures
        for picture in pictures:
            root = ElementTree.fromstring(picture)  # noqa: S314 - our own
            assert root.get("role") == "img"
            assert len(root.get("aria-label") or "") > 20
            assert float(root.get("width") or 0) <= 340, "fits a telephone"
            numbers = [v for e in root.iter() for v in e.attrib.values()]
            assert not any("nan" in v.split() or "inf" in v.split() for v in numbers)


def test_the_phase_plot_shows_the_most_correlated_pair(plain: Analysis) -> None:
    group = plain.groups[0]
    total = np.abs(group.estimates["interference.total"].value)
    i, j = max([(0, 1), (0, 2), (1, 2)], key=lambda ij: float(total[ij]))
    picture = dict(report_data(plain).groups[0].pictures)[CAPTIONS["phase"]]
    assert f"Drift field of {group.names[i]} and {group.names[j]}" in picture


def test_descriptions_hold_the_figures(plain: Analysis) -> None:
    found, data = report_data(plain), plain.to_dict()
    for j, (caption, picture) in enumerate(found.ends):
        assert caption == f"{data['groups'][0]['objectives'][j]}: where sessions end"
        for group in data["groups"]:
            end = show(*(group["kept_end"][key][j] for key in ("mean", "low", "high")))
            assert f"{group['by']['strategy']} {end}" in picture


# --------------------------------------------------------------------- small drawing tools


def test_ticks_are_few_and_round() -> None:
    assert svg.ticks(0, 1) == pytest.approx([0, 0.5, 1])
    assert svg.ticks(-7.4, -5.9) == pytest.approx([-7, -6.5, -6])
    assert svg.ticks(3, 3) == [3]
    rng = np.random.default_rng(0)
    for low, width in zip(
        rng.normal(size=200) * 10 ** rng.uniform(-4, 6, 200), 10 ** rng.uniform(-5, 6, 200), strict=True
    ):
        found = svg.ticks(low, low + width)
        assert 1 <= len(found) <= 5
        assert all(low - 1e-6 * width <= v <= low + width * (1 + 1e-6) for v in found)


def test_labels_are_shortened_in_their_middle() -> None:
    assert svg.shorten("short", 10) == "short"
    assert svg.shorten("a-long-name-of-a-model, strategy", 12) == "a-long…ategy"
    assert len(svg.shorten("x" * 99, 48)) <= 48


def test_an_open_interval_runs_to_the_edge() -> None:
    rows = [svg.Row("open", (1.0, None, None)), svg.Row("known", (2.0, 1.5, 2.5)), svg.Row("none", (None, None, None))]
    root = ElementTree.fromstring(svg.dots(rows, title="t"))  # noqa: S314 - our own
    bars = [e for e in root.iter() if "bar" in (e.get("class") or "")]
    assert (bars[0].get("x1"), bars[0].get("x2")) == ("10.0", "330.0")
    assert "not known" in "".join(root.itertext())


# --------------------------------------------------------------------- comparisons, Pareto


def test_comparison_sheets_hold_every_difference(plain: Analysis) -> None:
    found, data = report_data(plain), plain.to_dict()
    rows = [row for _, sheet in found.compared for row in sheet.rows]
    assert len(rows) == len(data["comparisons"])
    assert [q for q, _ in found.compared] == ["kept_end", "equilibrium", "rate_exact", "coupling"]
    for row in rows:
        k = int(row[-2].path.split(".")[1])
        c = data["comparisons"][k]
        assert [cell.text for cell in row[:2]] == ["straight", "swing"]
        assert row[-2].text == show(c["difference"], c["low"], c["high"])
        p = "< 0.001" if c["p_adjusted"] < 0.001 else number(c["p_adjusted"], 2)
        assert row[-1] == Cell(p, f"comparisons.{k}.p_adjusted")
    assert found.comparisons
    assert found.comparisons[0].startswith("straight against swing: ")


def test_pareto_sheet_says_its_numbers(plain: Analysis) -> None:
    found = report_data(plain)
    assert found.pareto is not None
    assert [row[0].text for row in found.pareto.rows] == ["1. straight", "2. swing"]
    for k, row in enumerate(found.pareto.rows):
        share = plain.pareto[k].share_final
        assert row[1] == Cell(show(*share.triple), f"pareto.{k}.share_final")
    assert f"Compared on {plain.pareto[0].n_compared} ends of each group" in found.pareto_note
    assert all(number(v, 3) in found.pareto_note for v in plain.pareto[0].reference.tolist())
    assert found.pareto_picture


def test_one_group_has_nothing_to_compare() -> None:
    found = report_data(analyze(panel_of(run(0.5, 1.0, sessions=20, steps=6, seed=4)), by=[], estimator=FAST))
    assert (found.comparisons, found.compared, found.pareto, found.pareto_picture) == ([], [], None, "")


# ----------------------------------------------------------------------------- the whole


def test_several_reports_have_anchors_of_their_own(plain: Analysis, lineage: Analysis) -> None:
    found = [report_data(r, prefix=f"r{k}-") for k, r in enumerate((plain, lineage, plain))]
    anchors = [g.anchor for r in found for g in r.groups]
    assert len(set(anchors)) == len(anchors) == 5


def test_settings_and_directions_are_words(lineage: Analysis) -> None:
    settings = {**lineage.settings, "by": ["a", "b"], "transform": {"x": "log"}, "empty": {}, "none": None}
    found = report_data(replace(lineage, settings={**settings, "by": []}))
    assert found.settings["transform"] == "x=log"
    assert not {"empty", "none", "by"} & set(found.settings)
    assert found.objectives == ["score (larger is better)", "size (smaller is better)"]
    same = replace(lineage, objectives=(Objective("a"), Objective("b")))
    assert report._directions(same) == ["a", "b (larger is better)"]


def test_a_result_made_in_python_can_be_written(plain: Analysis) -> None:
    assert "command" not in plain.settings
    assert loopstat.__version__ in page(plain)


def test_the_same_analysis_makes_the_same_page(plain_path: Path, plain: Analysis) -> None:
    again = analyze(read([str(plain_path)]), by=["strategy"], estimator=FAST)
    assert page(again) == page(plain)


def test_a_large_report_stays_small() -> None:
    # 1,500 sessions x 51 steps x 4 objectives x 15 groups; `python -m benchmarks.report` measures it in full.
    panel = grouped(15, 100, steps=51, n_obj=4)
    result = analyze(panel, by=["strategy"], estimator=LinearDrift(n_boot=100))
    start = time.perf_counter()
    text = page(result)
    assert len(text.encode()) < 2_000_000
    assert time.perf_counter() - start < 10, "about one second"
    assert "Pictures show 990 of 1,500 sessions" in text


def test_very_many_groups_are_still_a_page(tmp_path: Path) -> None:
    rows = [(f"{s}", t, f"g{k:03d}", *x) for k in range(40) for s, t, *x in loop_rows(4, 4, seed=k, name=f"{k}-")]
    table = write_table(tmp_path / "t.csv", rows, ("session", "step", "strategy", "quality", "speed"))
    text = page(analyze(read([str(table)]), by=["strategy"], estimator=LinearDrift(n_boot=20)))
    assert len(text.encode()) < 2_000_000
