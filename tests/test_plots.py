"""Pictures: they draw whatever a result can be, show its own figures, and take names from data as plain text."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import numpy as np
import pytest

matplotlib.use("agg")

from matplotlib import pyplot
from matplotlib.colors import same_color
from matplotlib.figure import Figure

import loopstat as ls
from balance_samples import edge_cases, everyday, group, words
from conftest import ROOT
from loopstat import plots
from loopstat.inference.pareto import half_curve
from loopstat.moves.sweep.frontier import frontier
from loopstat.results.chart import TONES
from simulated import fit, run, three, turning

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`

HOSTILE = "$\\frac{$ _%^{\n\x1b[31m<script>alert(1)</script>\u202e"
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
    return ls.analyze(panel, by=["strategy"], estimator=ls.LinearDrift("pooled", n_boot=30))


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
    return Figure(layout="constrained").add_subplot()


OF_FIT: dict[str, Callable[..., Any]] = {
    "fan": lambda panel, f, **k: plots.fan(panel, f, **k),
    "phase": lambda panel, f, **k: plots.phase(panel, f, **k),
    "disc": lambda panel, f, **k: plots.disc(f, **k),
    "interference": lambda panel, f, **k: plots.interference(f, **k),
    "skill": lambda panel, f, **k: plots.skill(f, **k),
    "estimators": lambda panel, f, **k: plots.estimators(f, **k),
}
OF_GROUPS: dict[str, Callable[..., Any]] = {
    "ends": lambda a, **k: plots.ends(a, **k),
    "comparisons": lambda a, **k: plots.comparisons(a.comparisons, **k),
    "equilibria": lambda a, **k: plots.comparisons(a.comparisons, quantity="equilibrium", **k),
    "rates": lambda a, **k: plots.comparisons(a.comparisons, quantity="rate_exact", **k),
    "couplings": lambda a, **k: plots.comparisons(a.comparisons, quantity="coupling", **k),
    "pareto": lambda a, **k: plots.pareto(a, **k),
}
OF_STATES: dict[str, Callable[..., Any]] = {
    "state_graph": plots.state_graph,
    "log_ratios": plots.log_ratios,
    "potentials": plots.potentials,
    "relaxation": plots.relaxation,
}
STATES = {"driven": everyday().groups[0], "tree": everyday().groups[1]}
STATES |= {
    name: edge_cases()[name].groups[0]
    for name in ("one state", "no transitions", "no pair both ways", "two classes", "large")
}


def draw(ax: Any) -> None:
    """Render everything, which is when a bad text or limit shows."""
    ax.figure.canvas.draw()


def said(ax: Any) -> str:
    """Return all text in the axes, each as one line."""
    texts = (t.get_text().replace("\n", " ") for t in ax.findobj(matplotlib.text.Text))
    return "\n".join(text for text in texts if text)


def marks(ax: Any) -> list[tuple[float, float]]:
    """Return the places of single marks, in the order drawn."""
    found = [line.get_xydata() for line in ax.get_lines() if line.get_linestyle() == "None"]
    return [tuple(at[0].tolist()) for at in found if len(at) == 1]


def ranges(ax: Any) -> list[list[float]]:
    """Return the intervals along x, from the top row down."""
    found = [line for line in ax.get_lines() if line.get_linewidth() == 4 and line.get_linestyle() == "-"]
    return [line.get_xdata().tolist() for line in found]


def curve(ax: Any, label: str) -> Any:
    """Return the line drawn under a label."""
    (found,) = [line for line in ax.get_lines() if line.get_label() == label]
    return found


def band(ax: Any, k: int) -> tuple[float, float]:
    """Return how far the k-th filled band reaches."""
    y = ax.collections[k].get_paths()[0].vertices[:, 1]
    return float(y.min()), float(y.max())


# ----------------------------------------------------------------------------- whatever comes


@pytest.mark.parametrize("function", list(OF_FIT))
@pytest.mark.parametrize("name", NAMES)
def test_every_picture_of_a_fit_draws(name: str, function: str, ax: Any) -> None:
    assert OF_FIT[function](*case(name), ax=ax) is ax
    draw(ax)
    assert pyplot.get_fignums() == []
    assert said(ax), "a picture or the reason why there is none"


@pytest.mark.parametrize("function", list(OF_GROUPS))
@pytest.mark.parametrize("name", NAMES)
def test_every_picture_of_groups_draws_one_group(name: str, function: str, ax: Any) -> None:
    panel, _ = case(name)
    analysis = ls.analyze(panel, by=[], estimator=ls.LinearDrift("pooled", n_boot=0))
    assert OF_GROUPS[function](analysis, ax=ax) is ax
    draw(ax)


@pytest.mark.parametrize("function", list(OF_GROUPS))
@pytest.mark.parametrize("groups", ["three_groups", "many_groups"])
def test_every_picture_of_groups_draws(groups: str, function: str, request: pytest.FixtureRequest) -> None:
    draw(OF_GROUPS[function](request.getfixturevalue(groups)))
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize("function", list(OF_GROUPS))
def test_groups_of_one_objective(function: str, ax: Any) -> None:
    assert OF_GROUPS[function](_grouped(2, n_obj=1), ax=ax) is ax
    draw(ax)


@pytest.mark.parametrize("function", list(OF_STATES))
@pytest.mark.parametrize("name", list(STATES))
def test_every_picture_of_states_draws(name: str, function: str, ax: Any) -> None:
    assert OF_STATES[function](STATES[name], ax=ax) is ax
    draw(ax)
    assert said(ax)
    assert pyplot.get_fignums() == []


def test_axes_are_made_where_none_are_given() -> None:
    made = [OF_FIT[name](*case(of)) for name in OF_FIT for of in ("plain", "constant")]
    made += [function(STATES["driven"]) for function in OF_STATES.values()]
    for ax in made:
        draw(ax)
    assert len(pyplot.get_fignums()) == len(made)


def test_small_multiples_of_any_layout() -> None:
    panel, f = case("plain")
    figure = Figure(figsize=(7, 4))
    for axes, function in zip(figure.subplots(2, 3).flat, OF_FIT.values(), strict=True):
        function(panel, f, ax=axes)
    figure.canvas.draw()
    with_parts = Figure(layout="constrained")
    for axes, function in zip(with_parts.subfigures(1, 6), OF_FIT.values(), strict=True):
        function(panel, f, ax=axes.subplots())
    with_parts.canvas.draw()


def test_results_read_back_from_json_draw(three_groups: ls.Analysis, ax: Any) -> None:
    again = ls.Analysis.from_dict(json.loads(json.dumps(three_groups.to_dict())))
    for function in OF_GROUPS.values():
        draw(function(again))
    plots.disc(again.groups[0], ax=ax)
    draw(ax)
    assert len(marks(ax)) + len(ax.get_lines()) > 1


# ------------------------------------------------------------------------------ names from data


@pytest.mark.parametrize("name", ["$", "$x", "$\\undefined$", HOSTILE, "_private", "", " ", "a=b", LONG, "100%", "{}"])
def test_names_are_drawn_as_text(name: str, ax: Any) -> None:
    objectives = [ls.Objective(name, low=-9.0, transform=name), ls.Objective(f"{name}2", maximize=False)]
    analysis = _grouped(3, label=name, names=objectives)
    assert analysis.panel is not None
    with matplotlib.rc_context({"text.parse_math": True, "axes.unicode_minus": False}):
        for function in OF_FIT.values():
            draw(function(analysis.panel, analysis.groups[0]))
        for function in OF_GROUPS.values():
            draw(function(analysis))
        plots.fan(analysis.panel, analysis.groups[0], objective=name, ax=ax).legend()
        draw(ax)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", said(ax))


def test_names_of_states_are_drawn_as_text(ax: Any) -> None:
    names = ["$x$", "$\\frac{$", "_private", "100%", "{}"]
    with matplotlib.rc_context({"text.parse_math": True}):
        for function in OF_STATES.values():
            draw(function(group(names, words())))
    plots.state_graph(group(names, words()), ax=ax)
    assert all(name in said(ax) for name in names)


def test_texts_of_reasons_are_cleaned(ax: Any) -> None:
    plots.interference(replace(case("constant")[1], reasons={"interference": HOSTILE}), ax=ax)
    draw(ax)
    assert "script" in said(ax)
    assert "\x1b" not in said(ax)


# ------------------------------------------------------------------- figures are true: drift


def test_fan_shows_the_result(ax: Any) -> None:
    panel, f = case("plain")
    plots.fan(panel, f, objective="cost", ax=ax)
    mean = curve(ax, f"mean of {f.path.label}")
    np.testing.assert_array_equal(mean.get_xdata(), f.path.step)
    np.testing.assert_array_equal(mean.get_ydata(), f.path.mean[:, 1])
    assert f.equilibrium is not None
    assert f.kept_end is not None
    level = [line for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert [set(line.get_ydata()) for line in level] == [{f.equilibrium.value[1]}]
    assert (1.0, f.kept_end.value[1]) in marks(ax)
    assert band(ax, 0) == pytest.approx([f.path.low[:, 1].min(), f.path.high[:, 1].max()])
    assert "heads for" in said(ax)


def test_fan_draws_every_session_where_it_was(ax: Any) -> None:
    panel, f = case("plain")
    plots.fan(panel, f, objective=2, ax=ax)
    for k, line in enumerate(ax.get_lines()[: panel.n_sessions]):
        np.testing.assert_array_equal(line.get_xdata(), panel.step[panel.session == k])
        np.testing.assert_array_equal(line.get_ydata(), panel.x[panel.session == k, 2])


@pytest.mark.parametrize(
    ("most", "title"), [(0, ", 0 drawn"), (7, ", 7 drawn"), (60, "60 sessions"), (99, "60 sessions")]
)
def test_fan_says_how_many_sessions_it_draws(most: int, title: str, ax: Any) -> None:
    plots.fan(*case("plain"), max_sessions=most, ax=ax)
    assert sum(line.get_linewidth() == 0.6 for line in ax.get_lines()) == min(most, 60)
    assert ax.get_title("left").endswith(title)


def test_fan_of_a_lineage_shows_the_kept_path_and_says_whose_the_fixed_point_is(ax: Any) -> None:
    panel, f = case("lineage")
    plots.fan(panel, f, ax=ax)
    assert "proposals alone would rest at" in said(ax)
    assert "heads for" not in said(ax)
    kept, mean = panel.kept(), curve(ax, f"mean of {f.path.label}")
    np.testing.assert_allclose(mean.get_ydata()[-1], kept.x[kept.step == kept.step.max(), 0].mean())
    for line in ax.get_lines()[: panel.n_sessions]:
        assert np.all(np.diff(line.get_ydata()) >= 0), "the kept version never falls"


def test_fan_points_at_a_rest_that_is_far_off(ax: Any) -> None:
    panel, f = case("single objective")
    far = ls.Estimate([1e4], [9e3], [2e4])
    plots.fan(panel, replace(f, estimates={**f.estimates, "drift.equilibrium": far}), ax=ax)
    assert ax.get_ylim()[1] < 100
    assert not [line for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert "↑ heads for" in said(ax)


def test_labels_of_the_fan_do_not_overlap() -> None:
    for name in ("plain", "lineage", "few values"):
        made = plots.fan(*case(name), ax=Figure(layout="constrained").add_subplot())
        draw(made)
        boxes = [t.get_window_extent() for t in made.texts]
        assert len(boxes) >= 2
        assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


@pytest.mark.parametrize("chosen", [(0, 1), ("length", "quality"), (2, "cost")])
def test_phase_shows_the_drift_of_the_model(chosen: Any, ax: Any) -> None:
    panel, f = case("plain")
    plots.phase(panel, f, objectives=chosen, ax=ax)
    i, j = (f.names.index(c) if isinstance(c, str) else c for c in chosen)
    (field,) = [c for c in ax.collections if hasattr(c, "U")]
    state = np.tile(f.path.mean.mean(axis=0), (field.N, 1))
    state[:, i], state[:, j] = field.X, field.Y
    assert f.model is not None
    change = (state @ f.model.A.T + f.model.b)[:, [i, j]]
    ratio = np.column_stack([field.U, field.V]) / change
    np.testing.assert_allclose(ratio, ratio[0, 0], err_msg="shortened, all alike")
    assert f.equilibrium is not None
    assert tuple(f.equilibrium.value[[i, j]].tolist()) in marks(ax)
    assert tuple(f.path.mean[0, [i, j]].tolist()) in marks(ax)


def test_axes_say_what_is_better(ax: Any) -> None:
    panel, f = case("plain")
    made = plots.phase(panel, f, objectives=("quality", "cost"), ax=ax)
    assert (made.get_xlabel(), made.get_ylabel()) == ("quality →", "← cost")


def test_disc_shows_eigenvalues(ax: Any) -> None:
    _, f = case("turning")
    plots.disc(f, ax=ax)
    (drawn,) = [line for line in ax.get_lines() if line.get_marker() == "o"]
    np.testing.assert_array_equal(drawn.get_xydata(), [(r.re.value, r.im.value) for r in f.regimes])
    assert all(r.regime in said(ax) for r in f.regimes)


def test_disc_of_a_lineage_says_why_it_is_empty(ax: Any) -> None:
    plots.disc(case("lineage")[1], ax=ax)
    assert "Proposals of a lineage" in said(ax)


def test_interference_adds_up(ax: Any) -> None:
    _, f = case("plain")
    plots.interference(f, ax=ax)
    total = f.interference.total
    pairs = sorted([(0, 1), (0, 2), (1, 2)], key=lambda pair: -abs(total.value[pair]))
    assert [x for x, _ in marks(ax)] == [total.value[pair] for pair in pairs]
    assert ranges(ax) == [[total.low[pair], total.high[pair]] for pair in pairs]
    rows: dict[float, float] = {}
    for bar in (patch for container in ax.containers for patch in container.patches):
        rows[bar.get_y()] = rows.get(bar.get_y(), 0.0) + bar.get_width()
    assert list(rows.values()) == pytest.approx([total.value[pair] for pair in pairs])


def test_the_key_of_bars_stands_off_the_title() -> None:
    made = plots.interference(case("plain")[1])
    draw(made)
    title = next(t for t in made.findobj(matplotlib.text.Text) if t.get_text() == made.get_title("left"))
    assert not made.get_legend().get_window_extent().overlaps(title.get_window_extent())
    assert {t.get_text() for t in made.get_legend().get_texts()} >= {"noise", "drift", "total"}


def test_skill_shows_four_baselines(ax: Any) -> None:
    _, f = case("plain")
    plots.skill(f, ax=ax)
    known = [f.estimates[f"skill.{n}"] for n in ("persistence", "mean", "constant_drift", "running_mean")]
    assert sorted(x for x, _ in marks(ax)) == sorted(float(e.value) for e in known)
    assert "guessing the mean" in said(ax)


def test_estimators_stand_side_by_side(ax: Any) -> None:
    pooled = fit(case("plain")[0], n_boot=20)
    plots.estimators(pooled, ax=ax)
    assert "pooled" in said(ax)
    compared = ls.LinearDrift("auto", n_boot=20).fit(case("plain")[0])
    made = plots.estimators(compared)
    known = [float(r.modulus.value) for r in compared.estimator.rivals if r.modulus.value <= made.get_xlim()[1]]
    assert set(known) <= {x for x, _ in marks(made)}
    assert all(r.name in said(made) for r in compared.estimator.rivals if np.isfinite(r.modulus.value))


# ------------------------------------------------------------------ figures are true: groups


def test_ends_show_where_sessions_end(three_groups: ls.Analysis, ax: Any) -> None:
    plots.ends(three_groups, objective="cost", ax=ax)
    kept = [g.estimates["kept_end.mean"] for g in three_groups.groups]
    assert marks(ax) == [(e.value[1], k) for k, e in enumerate(kept)]
    assert ranges(ax) == [[e.low[1], e.high[1]] for e in kept]
    assert ax.yaxis_inverted()


@pytest.mark.parametrize("quantity", ["kept_end", "equilibrium", "rate_exact", "coupling"])
def test_comparisons_show_differences(quantity: str, three_groups: ls.Analysis, ax: Any) -> None:
    plots.comparisons(three_groups.comparisons, quantity=quantity, ax=ax)
    found = [c for c in three_groups.comparisons if c.quantity == quantity]
    wanted = sorted(found, key=lambda c: [d.objective for d in found].index(c.objective))
    assert [x for x, _ in marks(ax)] == [c.difference.value for c in wanted]
    assert ranges(ax) == [[c.difference.low, c.difference.high] for c in wanted]
    drawn = [line for line in ax.get_lines() if line.get_marker() == "o"]
    for c, line in zip(wanted, drawn, strict=True):
        assert same_color(line.get_color(), TONES["ours"][0]) == (c.difference.p_adjusted < 0.05)
        assert same_color(line.get_markerfacecolor(), "white") == (c.difference.p_adjusted >= 0.05), (
            "never colour alone"
        )


def test_comparisons_of_one_objective(three_groups: ls.Analysis, ax: Any) -> None:
    plots.comparisons(three_groups.comparisons, objective="cost", ax=ax)
    assert len(marks(ax)) == 3
    assert ax.get_xlabel() == "difference of the kept ends on cost"
    assert "group 0 − group 1" in said(ax)


def test_pareto_shows_medians_and_the_line_that_half_reach(three_groups: ls.Analysis, ax: Any) -> None:
    plots.pareto(three_groups, ax=ax)
    assert marks(ax)[:3] == [tuple(np.median(g.ends, axis=0).tolist()) for g in three_groups.pareto]
    signs = np.array([1.0, -1.0])
    curves = [line for line in ax.get_lines() if line.get_linestyle() == "-"]
    for found, line in zip(three_groups.pareto, curves, strict=True):
        corners = line.get_xydata()[1:-1]
        reached = (found.ends[None] * signs >= corners[:, None] * signs).all(axis=2).mean(axis=1)
        assert reached.min() >= 0.5
        assert reached.min() < 0.7, "and no easier line than that"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["1 group 0", "2 group 1", "3 group 2"]


@pytest.mark.parametrize("seed", range(5))
def test_half_curve_is_a_staircase_down(seed: int) -> None:
    some = np.random.default_rng(seed).normal(size=(37, 2))
    corners = half_curve(some, some.min(axis=0))
    assert np.all(np.diff(corners[:, 0]) >= 0)
    assert np.all(np.diff(corners[:, 1]) <= 0)
    assert np.all((np.diff(corners, axis=0) == 0).any(axis=1)), "only steps"


def test_small_group_inside_a_larger_panel(three_groups: ls.Analysis, ax: Any) -> None:
    assert three_groups.panel is not None
    found = three_groups.groups[1]
    plots.fan(three_groups.panel, found, ax=ax)
    part = three_groups.panel.where(**found.by)
    drawn = [line.get_ydata() for line in ax.get_lines() if line.get_linewidth() == 0.6]
    np.testing.assert_array_equal(np.concatenate(drawn), part.x[:, 0])


# ------------------------------------------------------- figures are true: states and moves


def test_states_stand_at_their_potential(ax: Any) -> None:
    found = STATES["driven"]
    plots.state_graph(found, ax=ax)
    assert sorted(y for _, y in marks(ax)) == pytest.approx(sorted(found.potential.value))
    low, high = ax.get_ylim()
    assert low < high, "low is at the bottom"
    assert all(name in said(ax) for name in found.states)


def test_at_most_some_states_are_drawn(ax: Any) -> None:
    plots.state_graph(STATES["large"], ax=ax, max_states=10)
    assert len(marks(ax)) == 10
    assert ax.get_title("left").startswith("10 of 45 states")


def test_moves_show_their_figures(ax: Any) -> None:
    loop = ls.run_moves(ls.MoveSettings(replicates=40, max_moves=30))
    plots.convergence(loop, ax=ax)
    assert curve(ax, "P_good").get_ydata()[-1] == loop.path.figures["p_good"].value[-1]
    draw(ax)
    for figure in ("mu", "delta", "acceptance", "p_pass", "p_good", "p_false"):
        draw(plots.over_moves(loop, figure))
    made = plots.arrivals(loop)
    assert curve(made, "nothing wrong").get_ydata()[-1] == loop.arrived["good"][-1]


def test_the_frontier_names_policies(ax: Any) -> None:
    found = frontier(ls.MoveSettings(replicates=40, max_moves=30), candidates=[1, 2], reviewers=[0, 1])
    plots.frontier(found, ax=ax)
    draw(ax)
    assert {t.get_text() for t in ax.get_legend().get_texts()} == {p.policy for p in found.front()}
    nothing = plots.frontier(replace(found, points=()))
    assert "No team" in said(nothing)


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
    refused: dict[str, Callable[[], Any]] = {
        "different": lambda: plots.phase(panel, f, objectives=(1, "cost")),
        "two names": lambda: plots.phase(panel, f, objectives=(0, 1, 2)),  # type: ignore[arg-type]
        r"made from 60 sessions\. Got a panel of 59": lambda: plots.fan(panel.take(panel.session > 0), f),
        "the panel's objectives are x1, x2": lambda: plots.phase(case("turning")[0], f),
        "max_sessions": lambda: plots.fan(panel, f, max_sessions=-1),
        "kept_end, equilibrium": lambda: plots.comparisons(three_groups.comparisons, quantity="speed"),
        "Objectives: quality, cost": lambda: plots.comparisons(three_groups.comparisons, objective="speed"),
        "max_states": lambda: plots.state_graph(STATES["large"], max_states=0),
        "`figure` must be one of mu": lambda: plots.over_moves(ls.run_moves(ls.MoveSettings(replicates=5)), "mass"),
        "`ax` must be matplotlib Axes": lambda: plots.disc(f, ax=1),  # type: ignore[arg-type]
    }
    for words_, call in refused.items():
        with pytest.raises(ls.SettingsError, match=words_):
            call()
    assert pyplot.get_fignums() == []


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    panel, f = case("plain")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for call in (lambda: plots.disc(f), lambda: plots.fan(panel, f), lambda: plots.state_graph(STATES["driven"])):
        with pytest.raises(ls.SettingsError, match=re.escape("pip install 'loopstat[plots]'")):
            call()


def test_importing_pictures_does_not_import_matplotlib() -> None:
    program = "import sys, loopstat.plots; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_callers_settings_stay_as_they_are() -> None:
    before = dict(matplotlib.rcParams)
    for function in OF_FIT.values():
        function(*case("plain"))
    assert dict(matplotlib.rcParams) == before


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
    chosen = tuple(p for p in gallery.PICTURES if p.name == "disc")
    for folder in ("a", "b"):
        gallery.write(tmp_path / folder, chosen)
    for p in chosen:
        text = (tmp_path / "a" / f"{p.name}.svg").read_text(encoding="utf-8")
        assert text == (tmp_path / "b" / f"{p.name}.svg").read_text(encoding="utf-8")
        assert "<dc:date>" not in text
        assert "matplotlib v" not in text.lower()
