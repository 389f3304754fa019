"""Pictures: they draw whatever a fit can be, show the result's own figures, and take names from data as plain text."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import numpy as np
import pytest

from loopstat.inference.estimate import show

matplotlib.use("agg")

from matplotlib import pyplot
from matplotlib.colors import same_color, to_rgba

import loopstat as ls
from conftest import ROOT
from loopstat import plots
from loopstat.drift.readings.regimes import eigenvalues
from loopstat.inference.pareto import half_curve
from loopstat.plots import canvas, modes
from simulated import fit, run, three, turning

HOSTILE = "$\\frac{$ _%^{\n\x1b[31m<script>alert(1)</script>‮"
LONG = "x" * 300

Case = tuple[ls.Panel, ls.LinearDriftFit]


# ---------------------------------------------------------------------------------- the cases


def _three_named() -> ls.Panel:
    objectives = [
        ls.Objective("quality", low=0.0, high=30.0),
        ls.Objective("cost", maximize=False, low=-50.0),
        ls.Objective("length", transform="log"),
    ]
    return ls.Panel.from_arrays(three(60, 10), objectives=objectives)


def _lineage() -> ls.Panel:
    from simulated import keep_the_better

    one = keep_the_better(30, 12, mean=-0.3, sd=1.0, seed=3)
    second = 0.5 * one.x + np.random.default_rng(0).normal(size=one.x.shape)
    return replace(one, x=np.hstack([one.x, second]), objectives=(*one.objectives, ls.Objective("size", False)))


def _make(name: str) -> ls.Panel:
    rng = np.random.default_rng(1)
    panels: dict[str, Callable[[], Any]] = {
        "plain": _three_named,
        "lineage": _lineage,
        "single objective": lambda: run(0.5, 1.0, rest=3.0, sessions=40, steps=8, seed=1),
        "one session": lambda: run(np.diag([-0.5, 0.4]), np.eye(2), sessions=1, steps=60, seed=2),
        "turning": lambda: turning(80, 12, 4),
        "random walk": lambda: rng.normal(size=(30, 12, 2)).cumsum(axis=1),
        "explosive": lambda: run(
            1.3 * np.eye(2), np.eye(2), start=[1, 2], spread=np.eye(2), sessions=9, steps=9, seed=1
        ),
        "few values": lambda: rng.integers(0, 3, size=(200, 9, 2)),
        "no noise": lambda: 3 + np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, 1.0]])[:, None] * 0.5 ** np.arange(6)[:, None],
        "constant": lambda: np.full((5, 4, 2), 2.0),
        "copies": lambda: np.repeat(rng.normal(size=(9, 5, 1)), 2, axis=2),
        "one step": lambda: rng.normal(size=(6, 1, 2)),
        "nothing scored": lambda: np.full((3, 4, 2), np.nan),
        "huge": lambda: 1e30 * rng.normal(size=(20, 6, 2)),
        "tiny": lambda: 1e-30 * rng.normal(size=(20, 6, 2)),
        "one far out": lambda: np.where(np.arange(480).reshape(40, 6, 2) == 7, 1e6, rng.normal(size=(40, 6, 2))),
    }
    made = panels[name]()
    return made if isinstance(made, ls.Panel) else ls.Panel.from_arrays(made)


NAMES = (
    *("plain", "lineage", "single objective", "one session", "turning", "random walk", "explosive", "few values"),
    *("no noise", "constant", "copies", "one step", "nothing scored", "huge", "tiny", "one far out"),
)
_MADE: dict[str, Case] = {}


def case(name: str) -> Case:
    """Return a panel and its fit, made once."""
    if name not in _MADE:
        panel = _make(name)
        _MADE[name] = panel, fit(panel, n_boot=60)
    return _MADE[name]


def _grouped(n: int, *, n_obj: int = 2, label: str = "group ", names: Any = None) -> ls.Analysis:
    values = [run(0.5 * np.eye(n_obj), np.eye(n_obj), rest=k, sessions=12, steps=6, seed=k) for k in range(n)]
    labels = {"strategy": [f"{label}{k}" for k in range(n) for _ in range(12)]}
    panel = ls.Panel.from_arrays(np.concatenate(values), labels=labels, objectives=names)
    return ls.analyze(panel, by=["strategy"], estimator=ls.LinearDrift(n_boot=30))


@pytest.fixture(scope="module")
def three_groups() -> ls.Analysis:
    """Three groups of two objectives, the second of them to be minimised."""
    return _grouped(3, names=[ls.Objective("quality"), ls.Objective("cost", maximize=False)])


@pytest.fixture(scope="module")
def many_groups() -> ls.Analysis:
    """Fifteen groups of two objectives."""
    return _grouped(15)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Leave no figure to the next test."""
    pyplot.close("all")
    yield
    pyplot.close("all")


@pytest.fixture
def ax() -> Any:
    """Axes of a figure that pyplot knows nothing of."""
    return matplotlib.figure.Figure().add_subplot()


OF_FIT: dict[str, Callable[..., Any]] = {
    "fan": lambda panel, f, **k: plots.fan(panel, f, **k),
    "phase": lambda panel, f, **k: plots.phase(panel, f, **k),
    "disc": lambda panel, f, **k: plots.disc(f, **k),
    "interference": lambda panel, f, **k: plots.interference(f, **k),
    "skill": lambda panel, f, **k: plots.skill(f, **k),
}
OF_GROUPS: dict[str, Callable[..., Any]] = {
    "ends": lambda a, **k: plots.ends(a, **k),
    "comparisons": lambda a, **k: plots.comparisons(a.comparisons, **k),
    "equilibria": lambda a, **k: plots.comparisons(a.comparisons, quantity="equilibrium", **k),
    "rates": lambda a, **k: plots.comparisons(a.comparisons, quantity="rate_exact", **k),
    "couplings": lambda a, **k: plots.comparisons(a.comparisons, quantity="coupling", **k),
    "pareto": lambda a, **k: plots.pareto(a, **k),
}


def draw(ax: Any) -> None:
    """Render everything, which is when a bad text or limit shows."""
    ax.figure.canvas.draw()


def lines(ax: Any, label: str) -> list[Any]:
    """Return the lines drawn under a label."""
    return [line for line in ax.get_lines() if line.get_label() == label]


def points(ax: Any, label: str) -> list[tuple[float, float]]:
    """Return the first point of every line drawn under a label."""
    return [tuple(line.get_xydata()[0].tolist()) for line in lines(ax, label)]


def words(ax: Any) -> str:
    """Return all text in the axes."""
    return "\n".join(t.get_text() for t in ax.findobj(matplotlib.text.Text) if t.get_text())


# ----------------------------------------------------------------------------- whatever comes


@pytest.mark.parametrize("function", list(OF_FIT))
@pytest.mark.parametrize("name", NAMES)
def test_every_picture_of_a_fit_draws(name: str, function: str, ax: Any) -> None:
    panel, f = case(name)
    before = pyplot.get_fignums()
    assert OF_FIT[function](panel, f, ax=ax) is ax
    draw(ax)
    assert pyplot.get_fignums() == before
    assert words(ax), "a picture or the reason why there is none"


@pytest.mark.parametrize("function", list(OF_FIT))
def test_axes_are_made_where_none_are_given(function: str) -> None:
    for name in ("plain", "lineage", "constant"):
        pyplot.close("all")
        draw(OF_FIT[function](*case(name)))
        assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize("function", list(OF_GROUPS))
@pytest.mark.parametrize("name", NAMES)
def test_every_picture_of_groups_draws_one_group(name: str, function: str, ax: Any) -> None:
    panel, _ = case(name)
    analysis = ls.analyze(panel, by=[], estimator=ls.LinearDrift(n_boot=0))
    assert OF_GROUPS[function](analysis, ax=ax) is ax
    draw(ax)


@pytest.mark.parametrize("function", list(OF_GROUPS))
@pytest.mark.parametrize("groups", ["three_groups", "many_groups"])
def test_every_picture_of_groups_draws(groups: str, function: str, ax: Any, request: pytest.FixtureRequest) -> None:
    analysis = request.getfixturevalue(groups)
    assert OF_GROUPS[function](analysis, ax=ax) is ax
    draw(ax)
    made = OF_GROUPS[function](analysis)
    draw(made)
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize("function", list(OF_GROUPS))
def test_groups_of_one_objective(function: str, ax: Any) -> None:
    assert OF_GROUPS[function](_grouped(2, n_obj=1), ax=ax) is ax
    draw(ax)


def test_small_multiples_of_any_layout() -> None:
    panel, f = case("plain")
    figure = matplotlib.figure.Figure(figsize=(7, 4))
    for axes, function in zip(figure.subplots(2, 3).flat, OF_FIT.values(), strict=False):
        function(panel, f, ax=axes)
    figure.canvas.draw()
    with_parts = matplotlib.figure.Figure(layout="constrained")
    plots.disc(f, ax=with_parts.subfigures(1, 2)[1].subplots())
    with_parts.canvas.draw()


def test_results_read_back_from_json_draw(three_groups: ls.Analysis, ax: Any) -> None:
    again = ls.Analysis.from_dict(json.loads(json.dumps(three_groups.to_dict())))
    for function in OF_GROUPS.values():
        draw(function(again))
    for group in again.groups:
        draw(plots.disc(group))
    plots.disc(again.groups[0], ax=ax)
    assert points(ax, "eigenvalue")


# ------------------------------------------------------------------------------ names from data


@pytest.mark.parametrize("name", ["$", "$x", "$\\undefined$", HOSTILE, "_private", "", " ", "a=b", LONG, "100%", "{}"])
def test_names_are_drawn_as_text(name: str, ax: Any) -> None:
    objectives = [ls.Objective(name, low=-9.0, transform=name), ls.Objective(f"{name}2", maximize=False)]
    analysis = _grouped(3, label=name, names=objectives)
    assert analysis.panel is not None
    group = analysis.groups[0]
    for function in OF_FIT.values():
        draw(function(analysis.panel, group))
    for function in OF_GROUPS.values():
        draw(function(analysis))
    plots.fan(analysis.panel, group, objective=name, ax=ax).legend()
    draw(ax)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f‮]", words(ax))


def test_texts_of_reasons_are_cleaned(ax: Any) -> None:
    _, f = case("constant")
    plots.interference(replace(f, reasons={"interference": HOSTILE}), ax=ax)
    draw(ax)
    assert "\x1b" not in words(ax)


def test_pictures_hold_with_tex_asked_for(ax: Any) -> None:
    panel, f = case("plain")
    with matplotlib.rc_context({"text.parse_math": True, "axes.unicode_minus": False}):
        renamed = replace(f, label="$")
        draw(plots.fan(panel, renamed, ax=ax))


# ---------------------------------------------------------------------------- figures are true


def test_fan_shows_the_result(ax: Any) -> None:
    panel, f = case("plain")
    plots.fan(panel, f, objective="cost", ax=ax)
    (mean,) = lines(ax, "mean")
    np.testing.assert_array_equal(mean.get_xdata(), f.path.step)
    np.testing.assert_array_equal(mean.get_ydata(), f.path.mean[:, 1])
    (rest,), (end,) = lines(ax, "equilibrium"), lines(ax, "end")
    assert f.equilibrium is not None
    assert f.kept_end is not None
    assert set(rest.get_ydata()) == {f.equilibrium.value[1]}
    assert end.get_ydata()[0] == f.kept_end.value[1]
    assert lines(ax, "end interval")[0].get_ydata().tolist() == [f.kept_end.low[1], f.kept_end.high[1]]
    low, high = ax.get_ylim()
    assert _heights(ax, "equilibrium interval") == pytest.approx(
        np.clip([f.equilibrium.low[1], f.equilibrium.high[1]], low, high)
    )
    assert _heights(ax, "mean interval") == pytest.approx([f.path.low[:, 1].min(), f.path.high[:, 1].max()])


def _heights(ax: Any, label: str) -> tuple[float, float]:
    (band,) = [c for c in ax.collections if c.get_label() == label]
    y = band.get_paths()[0].vertices[:, 1]
    return float(y.min()), float(y.max())


def test_fan_draws_every_session_where_it_was(ax: Any) -> None:
    panel, f = case("plain")
    plots.fan(panel, f, objective=2, ax=ax)
    (drawn,) = [c for c in ax.collections if c.get_label() == "sessions"]
    for k, segment in enumerate(drawn.get_segments()):
        rows = panel.session == k
        np.testing.assert_array_equal(segment, np.column_stack([panel.step[rows], panel.x[rows, 2]]))
    assert len(drawn.get_segments()) == panel.n_sessions


@pytest.mark.parametrize(
    ("most", "said"), [(0, ", 0 drawn"), (7, ", 7 drawn"), (60, "60 sessions"), (99, "60 sessions")]
)
def test_fan_says_how_many_sessions_it_draws(most: int, said: str, ax: Any) -> None:
    panel, f = case("plain")
    plots.fan(panel, f, max_sessions=most, ax=ax)
    drawn = [s for c in ax.collections if c.get_label() == "sessions" for s in c.get_segments()]
    assert len(drawn) == min(most, 60)
    assert ax.get_title("left").endswith(said)


def test_fan_draws_at_most_300_sessions_by_itself(ax: Any) -> None:
    panel = ls.Panel.from_arrays(np.random.default_rng(0).normal(size=(310, 3, 1)))
    plots.fan(panel, fit(panel), ax=ax)
    assert ax.get_title("left") == "all: 310 sessions, 300 drawn"


def test_fan_of_a_lineage_shows_the_kept_path_and_says_whose_the_fixed_point_is(ax: Any) -> None:
    panel, f = case("lineage")
    plots.fan(panel, f, ax=ax)
    (rest,), (mean,) = lines(ax, "equilibrium"), lines(ax, "mean")
    assert set(rest.get_ydata()) == {f.estimates["drift.fixed_point"].value[0]}
    assert rest.get_linestyle() == "--"
    assert "proposals alone" in words(ax)
    assert "heads for" not in words(ax)
    kept = panel.kept()
    np.testing.assert_allclose(mean.get_ydata()[-1], kept.x[kept.step == kept.step.max(), 0].mean())
    (drawn,) = [c for c in ax.collections if c.get_label() == "sessions"]
    assert all(np.all(np.diff(segment[:, 1]) >= 0) for segment in drawn.get_segments()), "the kept version never falls"


def test_fan_cuts_an_open_interval_at_its_edge(ax: Any) -> None:
    panel, f = case("single objective")
    rest = f.estimates["drift.equilibrium"]
    opened = replace(rest, low=np.array([-np.inf]), high=np.array([np.inf]))
    plots.fan(panel, replace(f, estimates={**f.estimates, "drift.equilibrium": opened}), ax=ax)
    assert _heights(ax, "equilibrium interval") == pytest.approx(ax.get_ylim())
    assert "[-∞, ∞]" in words(ax)


def test_fan_points_at_what_lies_outside(ax: Any) -> None:
    panel, f = case("single objective")
    far = ls.Estimate([1e4], [9e3], [2e4])
    plots.fan(panel, replace(f, estimates={**f.estimates, "drift.equilibrium": far}), ax=ax)
    assert not lines(ax, "equilibrium")
    assert ax.get_ylim()[1] < 100
    assert "↑" in words(ax)


def test_scores_beyond_the_axes_are_counted(ax: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 6, 2))
    x[7, 0, :] = 1e3
    x[8, 0, :] = -1e3
    panel = ls.Panel.from_arrays(x)
    plots.fan(panel, fit(panel), ax=ax)
    assert ax.get_ylim()[1] < 100
    assert "some beyond the axis" in ax.get_title("left")
    plane = plots.phase(panel, fit(panel))
    (x0, x1), (y0, y1) = plane.get_xlim(), plane.get_ylim()
    inside = (panel.x[:, 0] >= x0) & (panel.x[:, 0] <= x1) & (panel.x[:, 1] >= y0) & (panel.x[:, 1] <= y1)
    assert 2 <= np.sum(~inside) < 20
    assert f"{np.sum(~inside)} beyond the axes" in words(plane)


def test_fan_admits_what_is_not_known(ax: Any) -> None:
    plots.fan(*case("random walk"), ax=ax)
    assert not lines(ax, "equilibrium")
    assert "not known" in words(ax)


def test_bounds_and_zero_are_marked(ax: Any) -> None:
    panel, f = case("plain")
    plots.fan(panel, f, objective="quality", ax=ax)
    low, high = ax.get_ylim()
    inside = [b for b in (0.0, 30.0) if low <= b <= high]
    assert [y for _, y in points(ax, "_bound")] == inside
    walk = matplotlib.figure.Figure().add_subplot()
    plots.fan(*case("random walk"), ax=walk)
    assert lines(walk, "_zero")


def test_axes_are_named_with_their_units(ax: Any) -> None:
    panel, f = case("plain")
    plots.fan(panel, f, objective="length", ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "length, log scale")
    plots.phase(panel, f, objectives=("quality", "cost"), ax=matplotlib.figure.Figure().add_subplot())
    made = plots.phase(panel, f, objectives=("quality", "cost"))
    assert (made.get_xlabel(), made.get_ylabel()) == ("quality", "cost (smaller is better)")


def test_labels_of_the_fan_do_not_overlap(ax: Any) -> None:
    for name in ("plain", "lineage", "few values"):
        made = plots.fan(*case(name), ax=matplotlib.figure.Figure(layout="constrained").add_subplot())
        draw(made)
        boxes = [t.get_window_extent() for t in made.texts if "\n" in t.get_text()]
        assert len(boxes) >= 2
        assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
        assert all(b.x1 <= made.get_window_extent().x1 + 1 for b in boxes), "labels stay inside the axes"


@pytest.mark.parametrize("chosen", [(0, 1), ("length", "quality"), (2, "cost")])
def test_phase_shows_the_drift_of_the_model(chosen: Any, ax: Any) -> None:
    panel, f = case("plain")
    plots.phase(panel, f, objectives=chosen, ax=ax)
    i, j = (f.names.index(c) if isinstance(c, str) else c for c in chosen)
    (field,) = [c for c in ax.collections if c.get_label() == "drift"]
    state = np.tile(panel.x.mean(axis=0), (field.N, 1))
    state[:, i], state[:, j] = field.X, field.Y
    assert f.model is not None
    change = state @ f.model.A.T + f.model.b
    np.testing.assert_allclose(np.column_stack([field.U, field.V]), change[:, [i, j]])
    (mean,), (rest,) = lines(ax, "mean"), lines(ax, "equilibrium")
    np.testing.assert_array_equal(mean.get_xydata(), f.path.mean[:, [i, j]])
    assert f.equilibrium is not None
    assert rest.get_xydata()[0].tolist() == [f.equilibrium.value[i], f.equilibrium.value[j]]
    across, up = lines(ax, "equilibrium interval")
    assert across.get_xdata().tolist() == pytest.approx([f.equilibrium.low[i], f.equilibrium.high[i]])
    assert up.get_ydata().tolist() == pytest.approx([f.equilibrium.low[j], f.equilibrium.high[j]])
    assert points(ax, "start") == [tuple(f.path.mean[0, [i, j]].tolist())]


def test_disc_shows_eigenvalues_and_their_cloud(ax: Any) -> None:
    _, f = case("turning")
    plots.disc(f, ax=ax)
    assert points(ax, "eigenvalue") == [(r.re, r.im) for r in f.regimes]
    (cloud,) = lines(ax, "bootstrap")
    drawn = eigenvalues(f.draws["M"]).ravel()
    np.testing.assert_array_equal(cloud.get_xydata(), np.column_stack([drawn.real, drawn.imag]))
    for r in f.regimes:
        assert r.regime in words(ax)


def test_disc_marks_intervals_of_real_eigenvalues(ax: Any) -> None:
    _, f = case("one session")
    plots.disc(f, ax=ax)
    found = [line.get_xdata().tolist() for line in lines(ax, "eigenvalue interval")]
    assert found == [[r.re_low, r.re_high] for r in f.regimes if r.im == 0]


def test_disc_of_a_lineage_says_why_it_is_empty(ax: Any) -> None:
    plots.disc(case("lineage")[1], ax=ax)
    assert not lines(ax, "eigenvalue")
    assert "Proposals of a lineage" in words(ax).replace("\n", " ")


def test_interference_adds_up(ax: Any) -> None:
    _, f = case("plain")
    plots.interference(f, ax=ax)
    pairs = [(0, 1), (0, 2), (1, 2)]
    total = f.interference.total
    assert [x for x, _ in points(ax, "_value")] == [total.value[p] for p in pairs]
    assert [line.get_xdata().tolist() for line in lines(ax, "_interval")] == [
        [total.low[p], total.high[p]] for p in pairs
    ]
    for cause in ("noise", "drift", "transient", "rest"):
        widths = [b.patches[0].get_width() for b in ax.containers if b.get_label() == f"_{cause}"]
        assert widths == pytest.approx([f.estimates[f"interference.{cause}"].value[p] for p in pairs])
    rows: dict[float, float] = {}
    for bar in (b.patches[0] for b in ax.containers):
        rows[bar.get_y()] = rows.get(bar.get_y(), 0.0) + bar.get_width()
    assert list(rows.values()) == pytest.approx([total.value[p] for p in pairs])


def test_interference_fills_what_is_beyond_chance(ax: Any) -> None:
    _, f = case("plain")
    plots.interference(f, ax=ax)
    filled = [not same_color(m.get_markerfacecolor(), "white") for m in lines(ax, "_value")]
    assert filled == [bool(f.interference.total.p_adjusted[p] < 0.05) for p in [(0, 1), (0, 2), (1, 2)]]
    assert True in filled


def test_skill_shows_four_baselines(ax: Any) -> None:
    _, f = case("plain")
    plots.skill(f, ax=ax)
    names = list(modes.BASELINES)
    assert [x for x, _ in points(ax, "_value")] == [float(f.estimates[f"skill.{n}"].value) for n in names]
    assert all(text in words(ax) for text in modes.BASELINES.values())
    assert sorted(names) == sorted(["persistence", "mean", "constant_drift", "running_mean"])


def test_ends_show_kept_ends_and_equilibria_best_on_top(three_groups: ls.Analysis, ax: Any) -> None:
    plots.ends(three_groups, objective="cost", ax=ax)
    marks = {m: [x for line in lines(ax, "_value") if line.get_marker() == m for x in line.get_xdata()] for m in "sD"}
    best = sorted(three_groups.groups, key=lambda g: g.estimates["kept_end.mean"].value[1])
    assert marks["s"] == [g.estimates["kept_end.mean"].value[1] for g in best]
    assert marks["D"] == [g.estimates["drift.equilibrium"].value[1] for g in best]
    heights = [y for _, y in points(ax, "_value")]
    assert heights == sorted(heights)
    assert ax.yaxis_inverted()


@pytest.mark.parametrize("quantity", ["kept_end", "equilibrium", "rate_exact", "coupling"])
def test_comparisons_show_differences(quantity: str, three_groups: ls.Analysis, ax: Any) -> None:
    plots.comparisons(three_groups.comparisons, quantity=quantity, ax=ax)
    wanted = [c for c in three_groups.comparisons if c.quantity == quantity]
    shown = {(x, *_bar_at(ax, y)): line for line, (x, y) in zip(lines(ax, "_value"), points(ax, "_value"), strict=True)}
    assert set(shown) == {(c.difference, c.low, c.high) for c in wanted}
    for c in wanted:
        line = shown[c.difference, c.low, c.high]
        assert same_color(line.get_color(), canvas.BLUE) == (c.p_adjusted < 0.05)
        assert same_color(line.get_markerfacecolor(), "white") == (c.p_adjusted >= 0.05), "never colour alone"


def _bar_at(ax: Any, y: float) -> tuple[float, float]:
    (found,) = [line for line in lines(ax, "_interval") if line.get_ydata()[0] == y]
    return tuple(found.get_xdata().tolist())


def test_comparisons_of_one_objective(three_groups: ls.Analysis, ax: Any) -> None:
    plots.comparisons(three_groups.comparisons, objective="cost", ax=ax)
    assert len(points(ax, "_value")) == 3
    assert "cost" in ax.get_xlabel()
    assert "group 0 − group 1" in words(ax)


def test_pareto_shows_every_end_and_the_line_that_half_reach(three_groups: ls.Analysis, ax: Any) -> None:
    plots.pareto(three_groups, ax=ax)
    clouds = [c for c in ax.collections if c.get_label() == "_ends"]
    signs = np.array([1.0, -1.0])
    for group, cloud, line in zip(three_groups.pareto, clouds, lines(ax, "_half"), strict=True):
        np.testing.assert_array_equal(cloud.get_offsets(), np.unique(group.ends, axis=0))
        corners = line.get_xydata()[1:-1]
        reached = (group.ends[None] * signs >= corners[:, None] * signs).all(axis=2).mean(axis=1)
        assert reached.min() >= 0.5
        assert reached.min() < 0.7, "and no easier line than that"
    assert "better ↘" in words(ax)
    for group in three_groups.pareto:
        assert show(*group.share_final.triple) in words(ax)


def test_groups_differ_in_more_than_colour(many_groups: ls.Analysis, ax: Any) -> None:
    plots.pareto(many_groups, ax=ax)
    samples = lines(ax, "_sample")
    looks = {(to_rgba(s.get_color()), s.get_marker(), s.get_linestyle()) for s in samples}
    assert len(looks) == len(samples) == 15
    assert len({(s.get_marker(), s.get_linestyle()) for s in samples}) == 15


@pytest.mark.parametrize("seed", range(5))
def test_half_curve_is_a_staircase_down(seed: int) -> None:
    some = np.random.default_rng(seed).normal(size=(37, 2))
    corners = half_curve(some, some.min(axis=0))
    assert np.all(np.diff(corners[:, 0]) >= 0)
    assert np.all(np.diff(corners[:, 1]) <= 0)
    assert np.all((np.diff(corners, axis=0) == 0).any(axis=1)), "only steps"


def test_small_group_inside_a_larger_panel(three_groups: ls.Analysis, ax: Any) -> None:
    assert three_groups.panel is not None
    group = three_groups.groups[1]
    plots.fan(three_groups.panel, group, ax=ax)
    (drawn,) = [c for c in ax.collections if c.get_label() == "sessions"]
    part = three_groups.panel.where(**group.by)
    np.testing.assert_array_equal(np.concatenate(drawn.get_segments())[:, 1], part.x[:, 0])


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("wanted", ["speed", 3, -1, True, 1.5, None])
def test_unknown_objectives_are_refused_with_the_names(wanted: Any, three_groups: ls.Analysis) -> None:
    panel, f = case("plain")
    calls: list[Callable[[], Any]] = [
        lambda: plots.fan(panel, f, objective=wanted),
        lambda: plots.phase(panel, f, objectives=(wanted, 0)),
        lambda: plots.ends(three_groups, objective=wanted),
        lambda: plots.pareto(three_groups, objectives=(0, wanted)),
    ]
    for call in calls:
        with pytest.raises(ls.SettingsError, match=r"Objectives: quality, cost"):
            call()
    assert pyplot.get_fignums() == [], "a refusal leaves no figure"


def test_what_cannot_be_drawn_is_refused(three_groups: ls.Analysis) -> None:
    panel, f = case("plain")
    with pytest.raises(ls.SettingsError, match="different"):
        plots.phase(panel, f, objectives=(1, "cost"))
    with pytest.raises(ls.SettingsError, match="two names"):
        plots.phase(panel, f, objectives=(0, 1, 2))  # type: ignore[arg-type]
    with pytest.raises(ls.SettingsError, match=r"made from 60 sessions\. Got a panel of 59"):
        plots.fan(panel.take(panel.session > 0), f)
    with pytest.raises(ls.SettingsError, match="the panel's objectives are x1, x2"):
        plots.phase(case("turning")[0], f)
    with pytest.raises(ls.SettingsError, match="max_sessions"):
        plots.fan(panel, f, max_sessions=-1)
    with pytest.raises(ls.SettingsError, match="kept_end, equilibrium"):
        plots.comparisons(three_groups.comparisons, quantity="speed")
    with pytest.raises(ls.SettingsError, match="Objectives: quality, cost"):
        plots.comparisons(three_groups.comparisons, objective="speed")
    assert pyplot.get_fignums() == []


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ls.SettingsError, match=re.escape("pip install 'loopstat[plots]'")):
        plots.disc(case("plain")[1])


def test_importing_pictures_does_not_import_matplotlib() -> None:
    program = "import sys, loopstat.plots; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_callers_settings_stay_as_they_are(ax: Any) -> None:
    before = dict(matplotlib.rcParams)
    for function in OF_FIT.values():
        function(*case("plain"))
    assert dict(matplotlib.rcParams) == before


# ------------------------------------------------------------------------------------ notebooks


class _Tags(HTMLParser):
    """Collects what a browser would take for tags and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not attrs

    def handle_data(self, data: str) -> None:
        self.text += data


BAD = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;"
TABLE_TAGS = {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}


def test_notebook_tables_show_names_as_text() -> None:
    analysis = _grouped(2, label=BAD, names=[BAD, "quality"])
    for shown in (analysis, analysis.groups[0], analysis.groups[0].summary(), analysis.summary()):
        page = _Tags(shown._repr_html_())
        assert set(page.tags) <= TABLE_TAGS
        assert BAD in page.text
    assert len([t for t in _Tags(analysis._repr_html_()).tags if t == "table"]) == 2


def test_notebook_tables_hold_the_figures() -> None:
    _, f = case("plain")
    page = _Tags(f._repr_html_())
    assert f.verdict.sentence in page.text
    assert all(cell in page.text for row in f.summary().rows for cell in row)
    table = ls.Table(BAD, (BAD, "b"), ((BAD, "2"),))
    assert _Tags(table._repr_html_()).text.count(BAD) == 3


@pytest.mark.parametrize("name", NAMES)
def test_every_fit_shows_itself(name: str) -> None:
    assert set(_Tags(case(name)[1]._repr_html_()).tags) <= TABLE_TAGS


# -------------------------------------------------------------------------------------- gallery


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    """The script that writes the gallery."""
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "docs" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery"] = module
    spec.loader.exec_module(module)
    return module


def test_gallery_page_is_current(gallery: ModuleType) -> None:
    assert (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8") == gallery.page(), "run: python docs/gallery.py"
    stored = sorted(p.name for p in (ROOT / "docs" / "gallery").iterdir())
    assert stored == sorted(f"{p.name}.svg" for p in gallery.PICTURES)
    assert sum(p.stat().st_size for p in (ROOT / "docs" / "gallery").iterdir()) < gallery.LIMIT


def test_gallery_has_one_picture_of_every_function(gallery: ModuleType) -> None:
    shown = {re.search(r"plots\.(\w+)", p.code)[1] for p in gallery.PICTURES}  # type: ignore[index]
    assert shown == set(plots.__all__)
    for p in gallery.PICTURES:
        assert p.caption.endswith(".")
        assert p.caption.count(". ") == 0, "one sentence"


def test_gallery_is_written_the_same_twice(gallery: ModuleType, tmp_path: Path) -> None:
    chosen = tuple(p for p in gallery.PICTURES if p.name in ("disc", "skill"))
    for folder in ("a", "b"):
        gallery.write(tmp_path / folder, chosen)
    for p in chosen:
        text = (tmp_path / "a" / f"{p.name}.svg").read_text(encoding="utf-8")
        assert text == (tmp_path / "b" / f"{p.name}.svg").read_text(encoding="utf-8")
        assert "<dc:date>" not in text
        assert "matplotlib v" not in text.lower()


def test_estimators_stand_side_by_side(ax: Any) -> None:
    from test_choose import loop

    fit = ls.LinearDrift("auto", n_boot=20).fit(ls.Panel.from_arrays(loop(300, 10, effects=0.7, noise=0.3, seed=1)))
    plots.estimators(fit, ax=ax)
    assert [x for x, _ in points(ax, "_value")] == [r.modulus for r in fit.estimator.rivals]
    assert all(r.name in words(ax) for r in fit.estimator.rivals)


def test_one_estimator_alone_is_said(ax: Any) -> None:
    plots.estimators(case("plain")[1], ax=ax)
    assert "Only one estimator" in words(ax)
