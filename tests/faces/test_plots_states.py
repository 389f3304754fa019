"""Pictures of a balance fit: they draw whatever a fit can be, show its own figures, and take names as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest

matplotlib.use("agg")

from matplotlib import pyplot
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.text import Text

import loopstat as ls
from balance_samples import WORDS, Sample, edge_cases, everyday, group, words
from loopstat import plots
from loopstat.balance.settings import ReversibleChain
from loopstat.panel.tally import Counts
from loopstat.plots.canvas import BLUE, VERMILION

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "state_graph": plots.state_graph,
    "log_ratios": plots.log_ratios,
    "potentials": plots.potentials,
    "relaxation": plots.relaxation,
}


def drawable(value: Any) -> Any:
    """Replace signs that the font at hand does not have: that is a matter of the font, not of the picture."""
    if isinstance(value, str):
        return re.sub("[🙂🙃]", "☺", value)
    if isinstance(value, dict):
        return {k: drawable(v) for k, v in value.items()}
    return [drawable(v) for v in value] if isinstance(value, list) else value


SAMPLES: dict[str, Sample] = {"everyday": everyday(), **edge_cases()}
GROUPS = {f"{name} {k}": g for name, s in SAMPLES.items() for k, g in enumerate(drawable(s.data["groups"][:3]))}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Leave no figure to the next test."""
    pyplot.close("all")
    yield
    pyplot.close("all")


@pytest.fixture
def ax() -> Any:
    """Axes of a figure that pyplot knows nothing of."""
    return Figure(figsize=(6.8, 4.6)).add_subplot()


def lines(ax: Any, label: str) -> list[Any]:
    """Return the lines drawn under a label."""
    return [line for line in ax.get_lines() if line.get_label() == label]


def shown(ax: Any) -> str:
    """Return all text in the axes."""
    return "\n".join(t.get_text() for t in ax.findobj(Text) if t.get_text())


@pytest.mark.parametrize("function", list(FUNCTIONS))
@pytest.mark.parametrize("name", list(GROUPS))
def test_every_picture_draws(name: str, function: str, ax: Any) -> None:
    before = pyplot.get_fignums()
    assert FUNCTIONS[function](GROUPS[name], ax=ax) is ax
    ax.figure.canvas.draw()
    assert pyplot.get_fignums() == before
    assert shown(ax), "a picture or the reason why there is none"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", shown(ax))


@pytest.mark.parametrize("function", list(FUNCTIONS))
def test_axes_are_made_where_none_are_given(function: str) -> None:
    for name in ("everyday 0", "no transitions 0"):
        pyplot.close("all")
        FUNCTIONS[function](GROUPS[name]).figure.canvas.draw()
        assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize("function", list(FUNCTIONS))
def test_a_fit_and_its_json_make_the_same_picture(function: str) -> None:
    ring = Counts.of_matrix([[9, 40, 10], [10, 5, 40], [40, 10, 3]], states=["a", "b", "c"])
    fit = ReversibleChain(n_draws=99).fit(ring)
    made = [FUNCTIONS[function](given) for given in (fit, fit.to_dict())]
    assert shown(made[0]) == shown(made[1])
    for a, b in zip(made[0].get_lines(), made[1].get_lines(), strict=True):
        np.testing.assert_array_equal(a.get_xydata(), b.get_xydata())


def test_states_stand_at_their_potential(ax: Any) -> None:
    one = GROUPS["everyday 2"]
    plots.state_graph(one, ax=ax)
    drawn = sorted(line.get_ydata()[0] for line in lines(ax, "graph"))
    np.testing.assert_allclose(drawn, sorted(one["potential"]), atol=1e-9)
    bars = sorted(tuple(line.get_ydata()) for line in lines(ax, "interval"))
    wanted = sorted(zip(one["potential_low"], one["potential_high"], strict=True))
    np.testing.assert_allclose(bars, wanted, atol=1e-9)
    low, high = ax.get_ylim()
    assert low < high, "low is at the bottom"
    assert lines(ax, "_zero")


def test_areas_are_shares_of_time(ax: Any) -> None:
    one = GROUPS["everyday 2"]
    plots.state_graph(one, ax=ax)
    area = {line.get_ydata()[0]: line.get_markersize() ** 2 for line in lines(ax, "graph")}
    for k, v in enumerate(one["potential"]):
        found = min(area, key=lambda y: abs(y - v))
        if area[found] > 120:
            share = one["stationary"][k] / max(one["stationary"])
            assert area[found] / max(area.values()) == pytest.approx(share, rel=1e-6)


def test_pairs_and_currents_are_drawn(ax: Any) -> None:
    driven = GROUPS["everyday 0"]
    plots.state_graph(driven, ax=ax)
    assert len(lines(ax, "both ways")) == len(driven["pairs"])
    arrows = [a for a in ax.texts if a.get_label() == "current"]
    assert len(arrows) == sum(c["low"] > 0 for c in driven["currents"])
    assert all(same_color(a.arrow_patch.get_edgecolor(), VERMILION) for a in arrows)
    tree = Figure().add_subplot()
    plots.state_graph(group(WORDS, words()), ax=tree)
    assert len(lines(tree, "one way")) == 3
    assert len(lines(tree, "transient")) == 2
    assert "only left, never entered again" in shown(tree)
    assert not [a for a in tree.texts if a.get_label() == "current"]


def test_at_most_some_states_are_drawn(ax: Any) -> None:
    one = GROUPS["large 0"]
    plots.state_graph(one, ax=ax, max_states=10)
    assert len(lines(ax, "graph")) == 10
    assert ax.get_title("left") == "all: 300 states, 10 drawn"
    with pytest.raises(ls.SettingsError, match="max_states"):
        plots.state_graph(one, max_states=0)
    assert pyplot.get_fignums() == []


def test_log_ratios_stand_with_intervals_on_the_line_of_balance(ax: Any) -> None:
    one = GROUPS["everyday 2"]
    plots.log_ratios(one, ax=ax)
    known = [p for p in one["pairs"] if p["log_ratio"] is not None]
    points = [line.get_xydata()[0] for line in lines(ax, "_value")]
    for (x, y), pair in zip(points, known, strict=True):
        assert (x, abs(y)) == (abs(pair["potential_difference"]), abs(pair["log_ratio"]))
    (line,) = lines(ax, "_balance")
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    for mark, bar in zip(lines(ax, "_value"), lines(ax, "_interval"), strict=True):
        x, (low, high) = mark.get_xdata()[0], bar.get_ydata()
        off = not low <= x <= high
        assert same_color(mark.get_color(), VERMILION if off else BLUE)
        assert mark.get_marker() == ("D" if off else "o"), "never colour alone"


def test_log_ratios_say_what_has_no_point(ax: Any) -> None:
    plots.log_ratios(group(WORDS, words()), ax=ax)
    assert ax.get_title("left") == "all: 2 pairs, 3 more seen one way only"
    empty = Figure().add_subplot()
    plots.log_ratios(GROUPS["no pair both ways 0"], ax=empty)
    assert "No pair of states" in shown(empty)


def test_potentials_are_rows_or_a_histogram(ax: Any) -> None:
    few, many = GROUPS["everyday 2"], GROUPS["large 0"]
    plots.potentials(few, ax=ax)
    values = [line.get_xdata()[0] for line in lines(ax, "_value")]
    assert values == sorted(few["potential"], reverse=True)
    other = Figure().add_subplot()
    plots.potentials(many, ax=other)
    assert sum(p.get_height() for p in other.patches) == sum(v is not None for v in many["potential"])


def test_relaxation_times_are_those_of_the_result(ax: Any) -> None:
    one = {**GROUPS["everyday 0"], "relaxation_times": [8.0, None, 3.0]}
    plots.relaxation(one, ax=ax)
    assert [line.get_xdata()[0] for line in lines(ax, "_value")] == [8.0, 3.0]
    none = Figure().add_subplot()
    plots.relaxation({**one, "relaxation_times": None, "reasons": {"relaxation_times": "none was seen."}}, ax=none)
    assert "none was seen." in shown(none)


def test_names_are_drawn_as_text(ax: Any) -> None:
    names = ["$x$", "$\\frac{$", "_private", "100%", "{}"]
    one = group(names, words())
    with matplotlib.rc_context({"text.parse_math": True}):
        for function in FUNCTIONS.values():
            function({**one, "label": "$"}).figure.canvas.draw()
    plots.state_graph(one, ax=ax)
    assert all(name in shown(ax) for name in names)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ls.SettingsError, match=re.escape("pip install 'loopstat[plots]'")):
        plots.state_graph(GROUPS["everyday 0"])
