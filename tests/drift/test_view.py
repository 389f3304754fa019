"""What is said and drawn of a drift analysis, as records: fans, pictures, facts, tables, comparisons, Pareto."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loopstat
from conftest import loop_rows, write_table
from loopstat import LinearDrift, Objective, Panel
from loopstat.drift.analysis import DriftAnalysis as Analysis
from loopstat.drift.analysis import analyze_drift as analyze
from loopstat.drift.view import document
from loopstat.drift.view.charts import pareto
from loopstat.drift.view.facts import _pair
from loopstat.drift.view.seen import Seen
from loopstat.faces import html
from loopstat.faces.html import page
from loopstat.io import read
from loopstat.results import words
from loopstat.results.chart import Bars, Chart, Line, Margin, Paths, Points, Rule
from loopstat.results.document import Block, Checks, Document, Facts, Section, Sheet, Text, walk
from loopstat.results.words import number, show
from simulated import run

FAST = LinearDrift("pooled", n_boot=40)


def groups_of(result: Analysis) -> list[Section]:
    return [s for s in document(result).sections if re.fullmatch(r"g\d+", s.key)]


def blocks(where: Section | Document, kind: type[Block]) -> list[Any]:
    """Return all blocks of a kind, however deep."""
    sections = [where, *walk(where.blocks)] if isinstance(where, Section) else list(walk(where.sections))
    return [b for s in sections for b in s.blocks if isinstance(b, kind)]


def fans_of(group: Section) -> list[Chart]:
    return [c for c in group.blocks if isinstance(c, Chart) and c.live]


def only(chart: Chart, kind: type[Any]) -> Any:
    return next(m for m in chart.marks if isinstance(m, kind))


def section(doc: Document, key: str) -> Section:
    return next(s for s in walk(doc.sections) if s.key == key)


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


# ---------------------------------------------------------------------------------- fans


def test_fans_hold_the_groups_figures(plain: Analysis) -> None:
    data = plain.to_dict()
    for k, group in enumerate(groups_of(plain)):
        source = data["groups"][k]
        assert [f.title for f in fans_of(group)] == source["objectives"]
        for j, fan in enumerate(fans_of(group)):
            mean, rest = only(fan, Line), only(fan, Rule)
            assert mean.x.tolist() == source["path"]["step"]
            for key, found in (("mean", mean.y), ("low", mean.low), ("high", mean.high)):
                assert found.tolist() == [row[j] for row in source["path"][key]]
            end = only(fan, Margin).figure
            assert end.place == f"groups.{k}.kept_end.mean.{j}"
            assert list(end.figures) == [source["kept_end"][key][j] for key in ("mean", "low", "high")]
            wanted = [source["drift"][f"equilibrium{e}"][j] for e in ("", "_low", "_high")]
            assert [rest.at, rest.low, rest.high] == wanted


def test_the_sessions_of_a_fan_are_the_scores(plain: Analysis) -> None:
    assert plain.panel is not None
    for group, (_, part) in zip(groups_of(plain), plain.panel.split(["strategy"]), strict=True):
        for j, fan in enumerate(fans_of(group)):
            paths = only(fan, Paths)
            np.testing.assert_array_equal(paths.y, part.x[:, j].reshape(part.n_sessions, -1))
            assert paths.names == part.session_names


def test_missing_scores_and_short_sessions_are_gaps() -> None:
    x = run(0.5, 1.0, sessions=12, steps=6, seed=1)
    x[3, 2] = np.nan
    sessions = [s[: 4 if k == 5 else 6] for k, s in enumerate(x)]
    drawn = only(fans_of(groups_of(analyze(Panel.from_arrays(sessions), by=[], estimator=FAST))[0])[0], Paths).y
    wanted = np.full((12, 6), np.nan)
    for k, s in enumerate(sessions):
        wanted[k, : len(s)] = s[:, 0]
    np.testing.assert_array_equal(drawn, wanted)


def test_a_lineage_is_drawn_as_its_kept_path(lineage: Analysis) -> None:
    assert lineage.panel is not None
    kept = lineage.panel.kept()
    fan = fans_of(groups_of(lineage)[0])[0]
    drawn = only(fan, Paths).y
    for k in range(kept.n_sessions):
        np.testing.assert_array_equal(drawn[k], kept.x[kept.session == k, 0])
    assert all(b >= a for row in drawn for a, b in pairwise(row)), "the better one is kept"
    assert only(fan, Rule).label == "proposals alone would rest at"


def test_no_more_sessions_are_drawn_than_promised_and_it_is_said() -> None:
    one = analyze(panel_of(run(0.5, 1.0, sessions=450, steps=4, seed=3)), by=[], estimator=FAST)
    fan = fans_of(groups_of(one)[0])[0]
    assert fan.note.startswith("300 of 450 sessions are drawn")
    names = [int(n) for n in only(fan, Paths).names]
    assert (names[0], names[-1], len(names)) == (0, 449, 300)
    assert set(np.diff(names)) <= {1, 2}, "evenly chosen"
    five = groups_of(analyze(grouped(5, 250, n_obj=1, steps=4), by=["strategy"], estimator=FAST))
    assert sum(len(only(fans_of(g)[0], Paths).names) for g in five) == 1000


def test_nothing_is_said_where_all_sessions_are_drawn(plain: Analysis) -> None:
    assert {f.note for g in groups_of(plain) for f in fans_of(g)} == {""}


def test_a_result_read_back_has_figures_but_no_sessions(plain: Analysis) -> None:
    back = Analysis.from_dict(plain.to_dict())
    assert not any(isinstance(m, Paths) for g in groups_of(back) for f in fans_of(g) for m in f.marks)
    for one, other in zip(blocks(document(back), Sheet), blocks(document(plain), Sheet), strict=True):
        assert [[words.cell(c) for c in r] for r in one.rows] == [[words.cell(c) for c in r] for r in other.rows]


# ------------------------------------------------------------------------------- pictures


def pictures(group: Section) -> set[str]:
    return {c.key.partition("-")[2] for c in group.blocks if isinstance(c, Chart) and not c.live}


def test_every_kind_of_group_has_its_pictures(plain: Analysis, lineage: Analysis) -> None:
    every = {"phase", "disc", "skill", "interference"}
    assert [pictures(g) for g in groups_of(plain)] == [every, every]
    single = analyze(panel_of(run(0.5, 1.0, sessions=20, steps=6, seed=4)), by=[], estimator=FAST)
    assert pictures(groups_of(single)[0]) == {"disc", "skill", "estimators"}, "one objective has no pairs"
    found = pictures(groups_of(lineage)[0])
    assert "phase" in found
    assert "disc" not in found, "proposals have no modes"
    nothing = analyze(panel_of(np.zeros((12, 1, 2))), by=[], estimator=FAST)
    assert pictures(groups_of(nothing)[0]) == set(), "nothing is drawn of nothing"


def test_pictures_are_described_with_their_figures(plain: Analysis, lineage: Analysis) -> None:
    for result in (plain, lineage):
        for chart in blocks(document(result), Chart):
            assert len(chart.described) > 20, chart.key
    data = plain.to_dict()
    for j, chart in enumerate(c for c in blocks(document(plain), Chart) if c.key.startswith("ends-")):
        assert chart.title == f"{data['groups'][0]['objectives'][j]}: where sessions end"
        for group in data["groups"]:
            end = show(*(group["kept_end"][key][j] for key in ("mean", "low", "high")))
            assert f"{group['by']['strategy']} {end}" in chart.described


def test_the_phase_plane_shows_the_most_correlated_pair(plain: Analysis) -> None:
    fit = plain.groups[0]
    total = np.abs(fit.estimates["interference.total"].value)
    i, j = max([(0, 1), (0, 2), (1, 2)], key=lambda ij: float(total[ij]))
    chart = next(c for c in groups_of(plain)[0].blocks if isinstance(c, Chart) and c.key.endswith("phase"))
    assert (chart.x.label, chart.y.label) == (fit.names[i], fit.names[j])


def test_causes_add_up_to_the_total(plain: Analysis) -> None:
    noisy = run(0.7, 1.0, sessions=300, steps=10, seed=8)
    noisy = np.concatenate([noisy, noisy + run(0.5, 0.5, sessions=300, steps=10, seed=9)], axis=2)
    noisy = noisy + np.random.default_rng(3).standard_normal(noisy.shape) + 2 * np.arange(300)[:, None, None] % 3
    latent = analyze(panel_of(noisy), by=[], estimator=LinearDrift("latent", n_boot=20))
    assert "interference.misfit" in latent.groups[0].estimates
    for result in (plain, latent):
        for chart in blocks(document(result), Chart):
            if chart.key.endswith("interference"):
                for row in only(chart, Bars).rows:
                    assert sum(p.value for p in row.pieces) == pytest.approx(row.total.figures[0], abs=1e-9)


# ------------------------------------------------------------------------------- words


def test_printed_causes_include_the_misfit(plain: Analysis) -> None:
    fit = plain.groups[0]
    parts = {
        "innovations": 0.30,
        "scorer": -0.12,
        "feedback": 0.0,
        "mean_path": 0.0,
        "first_steps": 0.0,
        "misfit": 0.07,
    }
    total = fit.estimates["interference.total"]
    ones = np.ones_like(total.value)
    some = {f"interference.{k}": replace(total, value=v * ones, low=v * ones, high=v * ones) for k, v in parts.items()}
    sure = replace(total, value=0.25 * ones, low=0.2 * ones, high=0.3 * ones)
    latent = replace(fit, estimates={**fit.estimates, **some, "interference.total": sure})
    said = words.parts(_pair(Seen(latent, "groups.0"), sure, (0, 1))).replace("\xa0", " ")
    assert said == ("quality with speed 0.25 [0.20, 0.30]: loop's own noise +0.30, scorer's noise -0.12, misfit +0.07")


def test_doubts_shared_by_all_groups_are_said_once() -> None:
    few = analyze(grouped(3, 4), by=["strategy"], estimator=FAST)
    doc = document(few)
    shared = [words.parts(p) for b in section(doc, "everywhere").blocks for p in b.said]
    assert any("independent" in s for s in shared)
    for group in doc.answers():
        own = [words.parts(p) for b in group.blocks if isinstance(b, Text) and b.tone == "doubt" for p in b.said]
        assert not set(own) & set(shared)


def test_a_group_without_a_fit_still_has_its_section() -> None:
    x = np.repeat(run(0.5, 1.0, sessions=12, steps=5, seed=5), 2, axis=2)
    [group] = groups_of(analyze(panel_of(x), by=[], estimator=FAST))
    assert fans_of(group), "what happened can be seen"
    missing = section(document(analyze(panel_of(x), by=[], estimator=FAST)), "g0-missing")
    assert isinstance(missing.blocks[0], Facts)
    assert "Where it goes" in {s.title for s in blocks(group, Sheet)}


def test_a_fit_alone_is_a_document_too(plain: Analysis) -> None:
    doc = document(plain.groups[0])
    assert [s.key for s in doc.sections] == ["g0"]
    assert "strategy=straight" in str(doc)
    shown = plain.groups[0]._repr_html_()
    assert "heads for" in shown
    assert "<script" not in shown
    assert blocks(doc, Checks)[0].checks == plain.groups[0].checks


def test_settings_and_directions_are_words(lineage: Analysis) -> None:
    settings = {**lineage.settings, "by": ["a", "b"], "transform": {"x": "log"}, "empty": {}, "none": None}
    doc = document(replace(lineage, settings={**settings, "by": []}))
    found = dict(doc.provenance.settings)
    assert found["transform"] == "x=log"
    assert not {"empty", "none", "by"} & set(found)
    assert words.parts(doc.lead).endswith("score (larger is better), size (smaller is better)")
    same = replace(lineage, objectives=(Objective("a"), Objective("b")), comparisons=(), pareto=())
    assert words.parts(document(same).lead).endswith("a, b (larger is better)")


# --------------------------------------------------------------------- comparisons, Pareto


def test_comparison_sheets_hold_every_difference(plain: Analysis) -> None:
    data, sheets = plain.to_dict(), blocks(section(document(plain), "differences"), Sheet)
    assert [s.title.split(" (")[0] for s in sheets] == ["Ends", "Equilibria", "Rates", "Couplings"]
    rows = [row for sheet in sheets for row in sheet.rows]
    assert len(rows) == len(data["comparisons"])
    for row in rows:
        k = int(row[-2].place.split(".")[1])
        c = data["comparisons"][k]
        assert [words.cell(cell) for cell in row[:2]] == ["straight", "swing"]
        assert words.cell(row[-2]) == show(c["difference"], c["low"], c["high"])
        assert words.cell(row[-1]) == ("< 0.001" if c["p_adjusted"] < 0.001 else number(c["p_adjusted"], 2))
        assert row[-1].place == f"comparisons.{k}.p_adjusted"


def test_pareto_sheet_says_its_numbers(plain: Analysis) -> None:
    [sheet] = blocks(section(document(plain), "pareto"), Sheet)
    assert [words.cell(row[0]) for row in sheet.rows] == ["1. straight", "2. swing"]
    for k, row in enumerate(sheet.rows):
        assert words.cell(row[1]) == show(*plain.pareto[k].share_final.triple)
        assert row[1].place == f"pareto.{k}.share_final"
    assert f"Compared on {plain.pareto[0].n_compared} ends of each group" in sheet.note
    assert all(number(v, 3) in sheet.note for v in plain.pareto[0].reference.tolist())


def test_one_group_has_nothing_to_compare() -> None:
    doc = document(analyze(panel_of(run(0.5, 1.0, sessions=20, steps=6, seed=4)), by=[], estimator=FAST))
    assert {s.key for s in walk(doc.sections)} <= {"g0", "g0-figures", "g0-checks", "g0-missing"}


# ----------------------------------------------------------------------------- the whole


def test_packed_sessions_are_the_scores(plain: Analysis) -> None:
    fan = fans_of(groups_of(plain)[0])[0]
    packed, scores = html.live(fan)["paths"], only(fan, Paths).y
    levels = np.frombuffer(html.base64.b64decode(packed["levels"]), dtype="<u2").reshape(scores.shape)
    assert (levels != html.GAP).all(), "the highest score is not taken for a missing one"
    found = packed["low"] + levels / (html.GAP - 1) * (packed["high"] - packed["low"])
    assert np.abs(found - scores).max() <= (packed["high"] - packed["low"]) / (html.GAP - 1)


def test_a_result_made_in_python_can_be_written(plain: Analysis) -> None:
    assert "command" not in plain.settings
    assert loopstat.__version__ in page(document(plain))


def test_the_same_analysis_makes_the_same_page(plain_path: Path, plain: Analysis) -> None:
    again = analyze(read([str(plain_path)]), by=["strategy"], estimator=FAST)
    assert page(document(again)) == page(document(plain))


def test_a_large_report_stays_small() -> None:
    # 1,500 sessions x 51 steps x 4 objectives x 15 groups; `python -m benchmarks.report` measures it in full.
    panel = grouped(15, 100, steps=51, n_obj=4)
    result = analyze(panel, by=["strategy"], estimator=LinearDrift("pooled", n_boot=100))
    start = time.perf_counter()
    text = page(document(result))
    assert len(text.encode()) < 2_000_000
    assert time.perf_counter() - start < 10, "about two seconds"


def test_very_many_groups_are_still_a_page(tmp_path: Path) -> None:
    rows = [(f"{s}", t, f"g{k:03d}", *x) for k in range(40) for s, t, *x in loop_rows(4, 4, seed=k, name=f"{k}-")]
    table = write_table(tmp_path / "t.csv", rows, ("session", "step", "strategy", "quality", "speed"))
    text = page(document(analyze(read([str(table)]), by=["strategy"], estimator=LinearDrift("pooled", n_boot=20))))
    assert len(text.encode()) < 2_000_000


def test_sessions_are_named_in_the_pictures_that_show_them(plain: Analysis) -> None:
    assert plain.panel is not None
    known = set(plain.panel.session_names)
    drawn = blocks(groups_of(plain)[0], Chart)
    fan, phase = (next(c for c in drawn if c.key.endswith(end)) for end in ("-fan-0", "-phase"))
    assert fan.link == phase.link == "session"
    paths = only(fan, Paths)
    last = next(m for m in phase.marks if isinstance(m, Points) and m.label == "last states")
    assert set(last.names) <= set(paths.names) <= known
    assert len(last.names) == len(last.x)


def test_ends_are_named_by_session_where_they_are_few_and_by_group_where_not(
    plain: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert plain.panel is not None
    groups = {", ".join(g.by.values()) for g in plain.groups}
    for most, link, names in ((300, "session", set(plain.panel.session_names)), (3, "group", groups)):
        monkeypatch.setattr("loopstat.drift.view.charts.MAX_NAMED", most)
        chart = pareto(plain)
        assert chart is not None
        assert chart.link == link
        found = [name for m in chart.marks if isinstance(m, Points) and m.faint for name in m.names]
        assert found
        assert set(found) <= names
